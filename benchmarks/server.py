"""A PostgreSQL to compare on: the one that the tests use, whether it is named or comes out of a wheel."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).parent.parent / "tests"))

from servers import Server, new_schema, running

__all__ = ["ABSENT", "Server", "missing", "new_schema", "running"]

ABSENT: Final = "is not installed: not compared"


def missing(*modules: str) -> str | None:
    """What to say if one of these development dependencies is not there."""
    absent = [module for module in modules if find_spec(module) is None]
    return f"\n{absent[0]} {ABSENT}\n" if absent else None
