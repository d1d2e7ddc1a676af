"""The codec under fire: hostile JSON is refused in our words, and what is read is written and read again the same."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

from fuzz.choice import Choice
from fuzz.samples import SAMPLES
from sms_transfer import InvalidValue
from sms_transfer.adapters.codec import from_json, to_json

TEXTS: Final = tuple(to_json(value) for value in SAMPLES)
_ODD: Final[tuple[object, ...]] = (
    None,
    True,
    -1,
    0,
    10**30,
    1.5,
    "",
    "\ud800",
    "x" * 129,
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "alice",
    [],
    [[]],
    {},
    {"kind": "queue", "id": "q"},
    {"id": "x"},
    "ACCEPTED",
    "accepted",
)
_EDITS: Final = 4
_DEEP: Final = 6


def codec(data: bytes) -> None:
    """Read these bytes as JSON text, and a sound text with changes that these bytes choose.

    Raises:
        AssertionError: something was read that is not written the same again.
        Exception: the codec let an error through that is not its own (A8).
    """
    check(data.decode("utf-8", errors="surrogateescape"))
    choice = Choice(data)
    content = json.loads(choice.pick(TEXTS))
    for _ in range(choice.number(_EDITS)):
        if content:
            _edit(content, choice)
    check(json.dumps(content))


def check(text: str) -> bool:
    """Whether this text is read; if so, it must come back as it was, from what is written of it.

    Raises:
        AssertionError: it does not.
    """
    try:
        value = from_json(text, object)
    except InvalidValue:
        return False
    written = to_json(value)
    again = from_json(written, type(value))
    assert value == again, "what was read comes back as something else"
    assert written == to_json(again), "the same value is written in two ways"
    return True


def _edit(content: Any, choice: Choice) -> None:
    """Change one thing somewhere in this content: it goes, or something else comes in its place or beside it."""
    here = content
    for _ in range(choice.number(_DEEP)):
        inner = [one for one in _inside(here) if isinstance(one, dict | list) and one]
        if not inner:
            break
        here = choice.pick(inner)
    keys = list(here) if isinstance(here, dict) else list(range(len(here)))
    key = choice.pick(keys)
    match choice.number(4):
        case 0:
            del here[key]
        case 1:
            here[key] = deepcopy(here[choice.pick(keys)])
        case 2 if isinstance(here, dict):
            here[choice.text() or "more"] = deepcopy(choice.pick(_ODD))
        case _:
            here[key] = deepcopy(choice.pick((*_ODD, choice.text(), choice.number(256))))


def _inside(here: Any) -> list[Any]:
    return list(here.values()) if isinstance(here, dict) else list(here)


def seeds() -> list[bytes]:
    """Inputs to begin with: a text of each kind, and the choice of each kind without a change."""
    return [text.encode() for text in TEXTS] + [bytes([number, 3]) for number in range(len(TEXTS))]
