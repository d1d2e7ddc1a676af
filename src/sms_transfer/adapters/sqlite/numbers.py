"""Instants and counts as SQLite keeps them: whole numbers of 64 bits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

LARGEST: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """An instant as microseconds since 1970: exact, and for every year that there is in Python."""
    return (at - _EPOCH) // _MICROSECOND


def clamped(number: int) -> int:
    """A number that Python made, as the nearest one that SQLite can hold; below 0 nothing is asked for here."""
    return max(-1, min(number, LARGEST))
