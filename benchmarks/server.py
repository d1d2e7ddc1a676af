"""A PostgreSQL to compare on: the one that the tests use, whether it is named or comes out of a wheel."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

sys.path += [str(Path(__file__).parent.parent / folder) for folder in ("tests", "examples")]

from servers import Server, new_schema, running

__all__ = ["ABSENT", "NO_LIMIT", "Server", "missing", "new_schema", "running"]

NO_LIMIT: Final = ("--max-hops", "1000000")
"""For a web desktop where a conversation goes to and fro all the time."""
ABSENT: Final = "is not installed: not compared"


def missing(*modules: str) -> str | None:
    """What to say if one of these development dependencies is not there."""
    absent = [module for module in modules if find_spec(module) is None]
    return f"\n{absent[0]} {ABSENT}\n" if absent else None
