"""Every public value and event to JSON text and back.

The text says what it is: ``{"schema": 1, "kind": "Target", "value": {…}}``. Instants are ISO 8601 in UTC, spans are
whole microseconds, enums are their values, and sets are sorted lists. What comes back is equal to what was written.

What is read is not trusted (A8): anything malformed, truncated, unknown, of a wrong type or beyond a limit is refused
as `InvalidValue`, and nothing of it is repeated in the error.

When the form changes, `SCHEMA` goes up by one and `STEPS` gets a function that makes the new form of the old one. What
is kept somewhere is not rewritten: every text is brought up to date, step by step, whenever it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar, get_args, get_origin

import cattrs

from sms_transfer.core import events
from sms_transfer.core.check import CaseData, FrozenDict
from sms_transfer.core.desktop import Answering, WorkspaceSettings
from sms_transfer.core.explanation import Explanation
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Contact,
    Direction,
    Interaction,
    Invitation,
    Media,
    Message,
    NoAnswer,
    Outcome,
    PastInvitation,
    Privilege,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.notices import Notice, Priority, SystemMessage
from sms_transfer.core.policy import Handover, TransferPolicy
from sms_transfer.errors import InvalidValue

SCHEMA: Final = 1
"""The version of the form; a text of a later one is refused."""

Step = Callable[[str, Any], tuple[str, Any]]
"""Makes of a kind's name and its content in one version of the form what they are in the next."""

STEPS: Final[Mapping[int, Step]] = MappingProxyType({})
"""The step away from each earlier version."""

_VALUES: Final[tuple[type, ...]] = (
    Agent,
    Attachment,
    Contact,
    Explanation,
    Interaction,
    Invitation,
    Message,
    Notice,
    Outcome,
    PastInvitation,
    Queue,
    SystemMessage,
    Target,
    TransferPolicy,
    TransferRequest,
    WorkspaceSettings,
    events.CaseDataUpdated,
    events.InteractionDone,
    events.InteractionOpened,
    events.InvitationExpired,
    events.InvitationRejected,
    events.InvitationSent,
    events.InvitationWithdrawn,
    events.MessageReceived,
    events.MessageSent,
    events.NoteSet,
    events.OwnershipMoved,
    events.TransferAccepted,
    events.TransferCancelled,
    events.TransferExpired,
    events.TransferFailed,
    events.TransferRedirected,
    events.TransferRejected,
    events.TransferRequested,
)
KINDS: Final = MappingProxyType({kind.__name__: kind for kind in _VALUES})
"""Every type that can be written and read, by the name that the text says."""

_ENUMS: Final[tuple[type[StrEnum], ...]] = (
    Answering,
    ChannelStatus,
    Direction,
    Handover,
    InteractionState,
    Media,
    NoAnswer,
    Priority,
    Privilege,
    TargetKind,
    TransferState,
)

T = TypeVar("T")
_MICROSECOND: Final = timedelta(microseconds=1)


def to_json(value: object) -> str:
    """Write a public value or event as JSON text: all of it, for systems of your own.

    That goes for what no ``repr`` shows, such as numbers and notes, and for the ids of invitations, which are tickets:
    of a `TransferRequest`, send the sender's browser the fields that it needs, and not this.

    Raises:
        InvalidValue: it is none.

    Examples:
        >>> from sms_transfer import Target
        >>> from sms_transfer.adapters.codec import to_json
        >>> print(to_json(Target.queue("sales")))
        {"schema":1,"kind":"Target","value":{"kind":"queue","id":"sales"}}
    """
    kind = type(value)
    if KINDS.get(kind.__name__) is not kind:
        raise InvalidValue(field="value", rule="must be a public value or event")
    content = {"schema": SCHEMA, "kind": kind.__name__, "value": _CONVERTER.unstructure(value)}
    return _ENCODER.encode(content)


def from_json(text: str, kind: type[T]) -> T:
    """Read a value or event back from JSON text.

    Args:
        kind: what it must be; a base such as `sms_transfer.core.events.Event` takes all that derive from it, and
            ``object`` takes anything.

    Raises:
        InvalidValue: the text is none of ours, is of a later version, or holds something else.

    Examples:
        >>> from sms_transfer import Target
        >>> from sms_transfer.adapters.codec import from_json, to_json
        >>> text = to_json(Target.queue("sales"))
        >>> from_json(text, Target) == Target.queue("sales")
        True
    """
    return read(text, kind, schema=SCHEMA, steps=STEPS)


def read(text: str, kind: type[T], *, schema: int, steps: Mapping[int, Step]) -> T:
    """Read a text of this version of the form or, by these steps, of an earlier one; else as `from_json`."""
    try:
        value = _structured(*_up_to_date(_DECODER.decode(text), schema, steps))
    except InvalidValue:
        raise
    except Exception:  # noqa: BLE001 - whatever json and cattrs make of hostile text, in our own words
        _refuse()
    if not isinstance(value, kind):
        raise InvalidValue(field="json", rule=f"must hold a {kind.__name__}")
    return value


def _up_to_date(content: Any, schema: int, steps: Mapping[int, Step]) -> tuple[str, Any]:
    if content.keys() != {"schema", "kind", "value"}:
        _refuse()
    kind, value = content["kind"], content["value"]
    written: int = _exactly(int)(content["schema"], int)
    if not 1 <= written <= schema:
        _refuse()
    for version in range(written, schema):
        kind, value = steps[version](kind, value)
    return kind, value


def _structured(kind: str, value: Any) -> object:
    return _CONVERTER.structure(value, KINDS[kind])


def _refuse(_: object = None) -> NoReturn:
    raise InvalidValue(field="json", rule=f"must be what `to_json` writes, of schema {SCHEMA} or before") from None


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    """Take a value of just this type: cattrs would make a number of a string, and a string of anything."""

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            _refuse()
        return value

    return structure


def _enum(value: Any, kind: type[StrEnum]) -> StrEnum:
    return kind(_exactly(str)(value, str))


def _owner(value: Any, _: Any) -> str | Target:
    return value if isinstance(value, str) else _CONVERTER.structure(value, Target)


def _plain(value: Any, _: Any) -> Any:
    """Take what the model's own converter and validator will look at."""
    return value


def _instant(value: Any, _: Any) -> datetime:
    return datetime.fromisoformat(value)


def _span(value: Any, _: Any) -> timedelta:
    return timedelta(microseconds=_exactly(int)(value, int))


def _microseconds(span: timedelta) -> int:
    return span // _MICROSECOND


def _set(value: Any, kind: Any) -> frozenset[Any]:
    [member] = get_args(kind)
    items: list[Any] = _exactly(list)(value, list)
    return frozenset(_CONVERTER.structure(item, member) for item in items)


def _sorted(value: frozenset[Any]) -> list[Any]:
    return sorted(value)


def _is_set(kind: Any) -> bool:
    return get_origin(kind) is frozenset


def _is_owner(kind: Any) -> bool:
    return bool(kind == str | Target)


def _is_mapping(kind: Any) -> bool:
    return kind is CaseData or get_origin(kind) is FrozenDict


def _converter() -> cattrs.Converter:
    made = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind in (str, int, bool):
        made.register_structure_hook(kind, _exactly(kind))
    made.register_structure_hook(datetime, _instant)
    made.register_unstructure_hook(datetime, datetime.isoformat)
    made.register_structure_hook(timedelta, _span)
    made.register_unstructure_hook(timedelta, _microseconds)
    for enum in _ENUMS:
        made.register_structure_hook(enum, _enum)
    made.register_structure_hook_func(_is_owner, _owner)
    made.register_unstructure_hook_func(_is_owner, made.unstructure)
    made.register_structure_hook_func(_is_mapping, _plain)
    made.register_unstructure_hook_func(_is_mapping, dict)
    made.register_structure_hook_func(_is_set, _set)
    made.register_unstructure_hook_func(_is_set, _sorted)
    return made


_CONVERTER: Final = _converter()
# `json.dumps` and `json.loads` would make one of these for every text.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
