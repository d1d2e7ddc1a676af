"""What callers hand over, checked before anything is done with it (A8)."""

from __future__ import annotations

import sys
from typing import TypeVar

from sms_transfer.core.check import MAX_ID, is_identifier
from sms_transfer.errors import InvalidValue

T = TypeVar("T")


def expect(kind: type[T], field: str, value: T) -> T:
    """Refuse a value that is of another type than the annotations promise."""
    if not isinstance(value, kind):
        raise InvalidValue(field=field, rule=f"must be of type {kind.__name__}")
    return value


def identifier(field: str, value: str) -> str:
    """Refuse what is no id."""
    if not is_identifier(value):
        raise InvalidValue(field=field, rule=f"must be a non-empty string of at most {MAX_ID} characters")
    return value


def positive(limit: int) -> int:
    """Refuse what limits nothing."""
    if type(limit) is not int or limit < 1:
        raise InvalidValue(field="limit", rule="must be a whole number, 1 or more")
    return min(limit, sys.maxsize)  # no collection holds more
