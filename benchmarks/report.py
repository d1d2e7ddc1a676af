"""What a run says: where it ran, how far it has come, and tables."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

_PACKAGES: Final = (
    "sms-transfer",
    "attrs",
    "cattrs",
    "transitions",
    "typing-extensions",
    "python-statemachine",
    "eventsourcing",
    "psycopg",
    "rapidfuzz",
)


def environment() -> str:
    """What the figures belong to: they say nothing without it."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    packages = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    return f"{python} on {platform.platform()}\n{packages}"


def progress(what: str, done: int, of: int) -> None:
    """Say how far it has come, on one line of a terminal's; silent elsewhere, so that logs hold tables only."""
    if sys.stderr.isatty():
        print(f"\r{what}: {done}/{of}\x1b[K", end="" if done < of else "\r\x1b[K", file=sys.stderr, flush=True)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [_line(cells, widths) for cells in (head, rule, *rows)]
    return "\n".join(["", title, "", *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
