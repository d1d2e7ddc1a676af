"""Writes the pages of the reference that are made of the code: ``python -m docs.generate``.

They are committed, so that they can be read where no documentation is built, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs._pages import conformance, errors, notices, settings, watching

REFERENCE: Final = Path(__file__).parent / "reference"
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "conformance.md": conformance.page,
    "errors.md": errors.page,
    "notices.md": notices.page,
    "settings.md": settings.page,
    "watching.md": watching.page,
}


def main() -> None:
    """Write them all."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
