"""Validators and converters for the values of the core (A8).

A value that is accepted here is one that every later step can rely on: whoever holds an `Interaction` or a command
need not ask again. What is refused is refused as `InvalidValue` with the attribute's name, and its content is
never repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar, cast

import attrs

from sms_transfer.errors import InvalidValue, invalid

MAX_ID = 128
"""Characters in an id, at most."""
MAX_NAME = 256
"""Characters in the name of a person or target, at most."""
MAX_TEXT = 65_536
"""Characters in one text, note or reason, at most; policy can only be stricter."""

H = TypeVar("H", bound=Hashable)
M = TypeVar("M")
V_co = TypeVar("V_co", covariant=True)
MAX_SPAN = timedelta(days=365)
"""The longest time-out or interval."""
_LARGEST = 2**63 - 1
_TOO_LARGE = 10**1_000  # Python refuses to write a number of some thousand digits

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]
CaseValue = str | int | float | bool
"""What case data can hold under a key: flat, and the same in every store and in JSON (numbers of up to 2**63 - 1)."""

_ID_RULE = f"must be a non-empty string of at most {MAX_ID} characters"


class FrozenDict(Mapping[str, V_co], Generic[V_co]):
    """A mapping that cannot change, so that a value holding it cannot either.

    Equal to any mapping with the same items; can be hashed, copied and pickled. (`types.MappingProxyType` can be
    neither pickled nor deep-copied, and shows through what happens to the dict behind it.)

    Raises:
        InvalidValue: it is made of something that is no mapping.
    """

    __slots__ = ("_items",)
    _field: ClassVar[str] = "items"

    def __init__(self, items: Mapping[str, V_co] = {}) -> None:
        if not isinstance(untrusted(items), Mapping):
            raise InvalidValue(field=self._field, rule="must be a mapping")
        self._items = dict(items)

    def __getitem__(self, key: str) -> V_co:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        # Not even the keys: case data and the parameters of a notice may be personal (A6).
        return f"<{len(self._items)} entries>"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._items,)


class CaseData(FrozenDict[CaseValue]):
    """Case data: ids as keys, and strings, numbers or truth values under them; checked once, when it is made.

    Raises:
        InvalidValue: something else is in it.
    """

    __slots__ = ("size",)
    _field: ClassVar[str] = "case_data"

    def __init__(self, items: Mapping[str, CaseValue] = {}) -> None:
        super().__init__(items)
        for key, item in self._items.items():
            check_case_item(self._field, key, item)
        self.size: int = sum(len(key) + len(str(value)) for key, value in self._items.items())
        """Characters, keys and values together: what `TransferPolicy.max_case_data` limits."""


def untrusted(value: object) -> object:
    """The value without what its annotation promises: here is where the promise is checked."""
    return value


def is_identifier(value: object) -> bool:
    """Whether this can be an id: a non-empty string of at most `MAX_ID` characters that UTF-8 can carry."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and (value.isascii() or _encodable(value))


def identifier(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate an id."""
    if type(value) is str and 0 < len(value) <= MAX_ID and value.isascii():
        return  # nearly every id there is
    if not is_identifier(value):
        invalid(attribute.name, _ID_RULE)


def optional_identifier(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate an id that may be missing."""
    if value is not None and not is_identifier(value):
        invalid(attribute.name, f"{_ID_RULE}, or None")


def text(limit: int) -> Validator:
    """Validate a string of at most ``limit`` characters that UTF-8 can carry (no lone surrogates)."""
    rule = f"must be a string of at most {limit} characters that UTF-8 can carry"

    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, str) or len(value) > limit or not (value.isascii() or _encodable(value)):
            invalid(attribute.name, rule)

    return validate


def one_of(kind: type) -> Validator:
    """Validate an instance of ``kind``."""
    rule = f"must be of type {kind.__name__}"

    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, kind):
            invalid(attribute.name, rule)

    return validate


def optional(kind: type) -> Validator:
    """Validate an instance of ``kind``, or None."""
    rule = f"must be of type {kind.__name__}, or None"

    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None and not isinstance(value, kind):
            invalid(attribute.name, rule)

    return validate


def all_of(container: type, kind: type) -> Validator:
    """Validate a ``container`` whose every member is of ``kind``."""
    rule = f"must be a {container.__name__} of {kind.__name__}"

    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        members = cast("Iterable[object]", value) if isinstance(value, container) else (None,)
        for member in members:
            if not isinstance(member, kind):
                invalid(attribute.name, rule)

    return validate


def identifiers(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate a frozen set of ids."""
    members = cast("Iterable[object]", value) if isinstance(value, frozenset) else (None,)
    if not all(map(is_identifier, members)):
        invalid(attribute.name, f"must be a set of ids; each {_ID_RULE}")


def optional_identifiers(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate a frozen set of ids, or None."""
    if value is not None:
        identifiers(instance, attribute, value)


def count(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate a whole number of 0 or more, that can be written down. ``True`` is no number here."""
    if type(value) is not int or not 0 <= value < _TOO_LARGE:
        invalid(attribute.name, "must be a whole number, 0 or more, of at most 1,000 digits")


def optional_count(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate a whole number of 0 or more, or None."""
    if value is not None and (type(value) is not int or not 0 <= value < _TOO_LARGE):
        invalid(attribute.name, "must be a whole number, 0 or more, of at most 1,000 digits, or None")


def instant(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate an aware datetime; `to_utc` has brought it to UTC already."""
    if isinstance(value, datetime) and value.tzinfo is UTC:
        return
    invalid(attribute.name, "must be a datetime that knows its time zone, and not beyond the dates that UTC has")


def to_utc(value: datetime) -> datetime:
    """Bring an aware datetime to UTC; leave anything else for `instant` to refuse."""
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    given = untrusted(value)
    if isinstance(given, datetime) and given.utcoffset() is not None:
        with suppress(OverflowError):  # the last hours of all dates, seen from the west
            return given.astimezone(UTC)
    return value


def span(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate a length of time, longer than nothing and at most `MAX_SPAN`."""
    check_span(attribute.name, value)


def check_span(field: str, value: object) -> None:
    """Check a length of time.

    Raises:
        InvalidValue: it is none, or nothing, or longer than `MAX_SPAN`.
    """
    if not isinstance(value, timedelta) or not timedelta(0) < value <= MAX_SPAN:
        raise InvalidValue(field=field, rule="must be a timedelta longer than nothing and of at most 365 days")


def to_frozenset(value: Iterable[H]) -> frozenset[H]:
    """Make a frozen set of any plain collection; leave anything else (a string, say) for the validator to refuse."""
    if isinstance(value, (set, list, tuple)):
        try:
            return frozenset(cast("Iterable[H]", value))  # the check has lost what is in it
        except TypeError:
            pass  # something in it cannot be hashed, so is no id and no member of an enum
    return cast("frozenset[H]", value)  # what is none, the validator refuses


def to_ids(value: Iterable[str]) -> frozenset[str]:
    """`to_frozenset`, for ids (the attrs plugin of mypy wants a converter that is not generic)."""
    return to_frozenset(value)


def to_optional_ids(value: Iterable[str] | None) -> frozenset[str] | None:
    """`to_frozenset`, for a set of ids that may be missing."""
    return None if value is None else to_frozenset(value)


def to_tuple(value: Sequence[M]) -> tuple[M, ...]:
    """Make a tuple of a list; leave anything else for the validator to refuse."""
    if isinstance(value, list):
        return tuple(value)
    return cast("tuple[M, ...]", value)  # what is none, the validator refuses


def to_frozen(value: Mapping[str, M]) -> FrozenDict[M]:
    """Copy a mapping into a `FrozenDict`; leave anything else for the validator to refuse."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(untrusted(value), Mapping):
        return FrozenDict(value)
    return cast("FrozenDict[M]", value)  # what is none, the validator refuses


def to_case_data(value: Mapping[str, CaseValue]) -> CaseData:
    """Make case data of a mapping; leave anything else for the validator to refuse."""
    if isinstance(value, CaseData):
        return value
    if isinstance(untrusted(value), Mapping):
        return CaseData(value)
    return cast("CaseData", value)  # what is none, the validator refuses


def to_changes(value: Mapping[str, CaseValue | None]) -> FrozenDict[CaseValue | None]:
    """`to_frozen`, for changes of case data."""
    return to_frozen(value)


def to_params(value: Mapping[str, str]) -> FrozenDict[str]:
    """`to_frozen`, for the parameters of a notice."""
    return to_frozen(value)


def case_data_changes(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate changes of case data: as for `CaseData`, and None under keys that are to go."""
    for key, item in items(attribute.name, value):
        check_case_item(attribute.name, key, "" if item is None else item)


def items(field: str, value: object) -> Iterable[tuple[object, object]]:
    """The entries of a `FrozenDict` of which nothing else is known.

    Raises:
        InvalidValue: it is none.
    """
    if not isinstance(value, FrozenDict):
        invalid(field, "must be a mapping")
    return cast("FrozenDict[object]", value).items()  # the check has lost what is in it


def check_case_item(field: str, key: object, value: object) -> None:
    """Check one entry of case data.

    Raises:
        InvalidValue: the key is no id, or the value is neither a string, a truth value nor a number up to 2**63 - 1.
    """
    if not is_identifier(key):
        raise InvalidValue(field=field, rule=f"has a key that is none: it {_ID_RULE}")
    if isinstance(value, str):
        if not (value.isascii() or _encodable(value)):
            raise InvalidValue(field=field, rule="holds a string that UTF-8 cannot carry")
    elif not isinstance(value, (bool, int, float)) or not -_LARGEST <= value <= _LARGEST:
        raise InvalidValue(field=field, rule="must hold strings, truth values and numbers of up to 2**63 - 1 only")


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
