"""What callers hand over, checked before anything is done with it (A8)."""

from __future__ import annotations

import sys
from functools import cache
from inspect import getattr_static, iscoroutinefunction
from types import FunctionType
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


def check_ports(*, awaited: bool = False, **given: tuple[type, object]) -> None:
    """Refuse what cannot be asked as its port says: here, and not at the first command that needs it.

    Args:
        awaited: whether the methods of these ports are awaited.
        given: by field, the port and what was given for it; None where that was left out.

    Raises:
        InvalidValue: a method is missing, or it is a class, or its methods are awaited where the port's are not.
    """
    for field, (port, value) in given.items():
        for name in () if value is None else _methods(port):
            method = _method(field, port, name, value)
            if not awaited and iscoroutinefunction(method):
                raise InvalidValue(field=field, rule=f"must have the methods of {port.__name__}, none of them awaited")


@cache
def _methods(port: type) -> tuple[str, ...]:
    return tuple(name for name in dir(port) if not name.startswith("_") and callable(getattr(port, name)))


def _method(field: str, port: type, name: str, value: object) -> object:
    method = getattr(value, name, None)
    if not callable(method):
        raise InvalidValue(field=field, rule=f"must have the methods of {port.__name__}, and has no {name}")
    if isinstance(value, type) and isinstance(getattr_static(value, name), FunctionType):
        raise InvalidValue(field=field, rule=f"must have the methods of {port.__name__}, and is a class: call it")
    return method


def positive(limit: int) -> int:
    """Refuse what limits nothing."""
    if type(limit) is not int or limit < 1:
        raise InvalidValue(field="limit", rule="must be a whole number, 1 or more")
    return min(limit, sys.maxsize)  # no collection holds more
