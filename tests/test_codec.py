"""Values and events as JSON text: the same comes back, and hostile text is refused in our own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from unittest.mock import ANY

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_transfer
from sms_transfer import (
    Agent,
    Answering,
    Contact,
    Denial,
    Direction,
    Event,
    Interaction,
    InvalidValue,
    Media,
    Message,
    Notice,
    OwnershipMoved,
    Priority,
    SystemMessage,
    Target,
    TransferEvent,
    TransferPolicy,
    WorkspaceSettings,
)
from sms_transfer.adapters.codec import KINDS, SCHEMA, STEPS, from_json, read, to_json
from sms_transfer.core.commands import Need
from sms_transfer.testing import strategies as kit

VALUES = kit.agents() | kit.interactions() | kit.messages() | kit.transfer_requests() | kit.outcomes()
NOTICE = Notice("transfer.rejected_because", {"target": "Bob", "reason": "“busy” 🎉", "transfer": "t"})
ENTRY = SystemMessage(
    "t", agent_id="a", notice=NOTICE, at=datetime(2026, 1, 1, tzinfo=UTC), interaction_id="i", priority=Priority.HIGH
)
PLAIN = [
    Contact("+14155550123", name="Jane"),
    ENTRY,
    Message("m", interaction_id="i", direction=Direction.INBOUND, text="Grüezi", at=ENTRY.at),
    NOTICE,
    Target.skill("plumbing"),
    TransferPolicy(max_hops=3),
    WorkspaceSettings(),
    WorkspaceSettings(answering=Answering.AUTO_WITH_PREVIEW, preview_case_data={"b", "a"}),
]
AGENT = to_json(Agent("a", "Ann", groups={"night"}))
CASE = to_json(Interaction("i", media=Media.SMS, contact=Contact("12345"), owner="a", case_data={"price": 1.5}))


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    """What is written and read is equal, and is written the same again."""
    text = to_json(value)
    assert value == from_json(text, object)
    assert text == to_json(from_json(text, type(value)))


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_a_plain_value_comes_back_as_it_was(value: object) -> None:
    """The values that no strategy makes come back, too."""
    assert value == from_json(to_json(value), object)


@given(kit.histories())
@settings(max_examples=50)
def test_events_come_back_as_they_were(history: tuple[Event, ...]) -> None:
    """A1: a whole history can be written and read."""
    assert history == tuple(from_json(to_json(event), Event) for event in history)


def test_every_public_value_and_event_can_be_written() -> None:
    """Whatever is exported and can be built has a kind; what only shows something, or is a base, has none."""
    shown = {"Desktop", "EventPage", "InteractionPreview", "InteractionWindow", "PendingTransfer", "Snapshot"}
    shown |= {"Action", "Found", "FoundTarget", "Presence"}
    made = {"BulkResult", "Tick", "Transcript"}
    bases = {"Event", "TransferClosed", "TransferEvent"}
    exported = {name for name in sms_transfer.__all__ if attrs.has(getattr(sms_transfer, name))}
    assert exported - shown - made - bases == set(KINDS)


@pytest.mark.parametrize("value", [None, 5, "text", object(), Agent, ENTRY.at, {"id": "a"}, ValueError()])
def test_a8_only_public_values_are_written(value: object) -> None:
    """A8: anything else is refused."""
    with pytest.raises(InvalidValue) as caught:
        to_json(value)
    assert "value" == caught.value.field


def test_a8_a_value_of_another_kind_is_refused() -> None:
    """A8: whoever reads says what it must be; a base takes what derives from it."""
    moved = OwnershipMoved(
        interaction_id="i", at=ENTRY.at, by="b", transfer_id="t", former_owner="a", owner=Target.queue("q"), epoch=1
    )
    assert moved == from_json(to_json(moved), Event)
    for kind in (TransferEvent, Agent):
        with pytest.raises(InvalidValue) as caught:
            from_json(to_json(moved), kind)
        assert ("json", f"must hold a {kind.__name__}") == (caught.value.field, caught.value.rule)


def changed(**parts: object) -> str:
    return json.dumps(json.loads(AGENT) | parts)


def with_value(**parts: object) -> str:
    return changed(value=json.loads(AGENT)["value"] | parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "5",
        '"Agent"',
        "{}",
        "not json",
        AGENT + "}",
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"schema": NaN, "kind": "Agent", "value": {}}',
        "1" * 10_000,
        changed(schema=2),
        changed(schema="1"),
        changed(kind="Nothing"),
        changed(kind=["Agent"]),
        changed(kind="object"),
        changed(value=None),
        changed(value=[]),
        changed(value={}),
        changed(more=1),
        with_value(id=""),
        with_value(id=5),
        with_value(id="x" * 129),
        with_value(id="\ud800"),
        with_value(name=None),
        with_value(status="asleep"),
        with_value(status=1),
        with_value(do_not_disturb="yes"),
        with_value(do_not_disturb=1),
        with_value(capacity="5"),
        with_value(capacity=True),
        with_value(capacity=1.0),
        with_value(capacity=-1),
        with_value(media="sms"),
        with_value(media=["fax"]),
        with_value(media=[["sms"]]),
        with_value(groups={"night": 1}),
        with_value(groups=[5]),
        with_value(__class__="os.system"),
        to_json(TransferPolicy()).replace("30000000", "0"),
        to_json(TransferPolicy()).replace("30000000", "3e7"),
        to_json(TransferPolicy()).replace("30000000", "1" * 30),
        to_json(ENTRY).replace("2026-01-01T00:00:00+00:00", "2026-01-01"),
        to_json(ENTRY).replace('"2026-01-01T00:00:00+00:00"', "0"),
        to_json(ENTRY).replace("transfer.rejected_because", "nonsense"),
        to_json(ENTRY).replace('"Bob"', "[]"),
        to_json(Contact("12345")).replace("12345", "1'; DROP TABLE"),
    ],
    ids=lambda text: text[:40],
)
def test_a8_hostile_text_is_refused(text: str) -> None:
    """A8: malformed, unknown, of a wrong type, too deep or too large: one error, and it repeats nothing."""
    with pytest.raises(InvalidValue) as caught:
        from_json(text, object)
    assert caught.value.__cause__ is None
    assert "DROP" not in str(caught.value)


@pytest.mark.parametrize("text", ["5", changed(more=1), with_value(more=1), CASE.replace("1.5", "Infinity")])
def test_a8_the_error_is_about_the_text(text: str) -> None:
    """A8: it is wrong itself, and not what a model makes of it; no number is taken that JSON has not."""
    with pytest.raises(InvalidValue) as caught:
        from_json(text, object)
    assert ("json", "must be what `to_json` writes, of schema 1 or before") == (caught.value.field, caught.value.rule)


def test_what_is_written_is_plain() -> None:
    """Letters as they are, no blanks, and sets in order: the same value makes the same text."""
    text = to_json(Agent("a", "Zoë", groups={"e", "d", "c", "b", "a"}))

    assert '"name":"Zoë"' in text
    assert '"groups":["a","b","c","d","e"]' in text


@pytest.mark.parametrize("text", [None, 5, object(), []])
def test_a8_what_is_no_text_is_refused(text: Any) -> None:
    """A8: it must be text."""
    with pytest.raises(InvalidValue):
        from_json(text, object)


@given(VALUES, st.data())
def test_a8_truncated_text_is_refused(value: object, data: st.DataObject) -> None:
    """A8: a text that was cut off anywhere is none."""
    text = to_json(value)
    with pytest.raises(InvalidValue):
        from_json(text[: data.draw(st.integers(0, len(text) - 1))], object)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(VALUES, JSON, st.data())
@settings(max_examples=300)
def test_a8_a_changed_part_is_refused_or_makes_a_sound_value(value: object, part: Any, data: st.DataObject) -> None:
    """A8: with any part exchanged for any JSON, reading gives a value that can be written again, or `InvalidValue`."""
    content = json.loads(to_json(value))
    holder = content
    while True:
        keys = list(range(len(holder))) if isinstance(holder, list) else list(holder)
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], (dict, list)) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = part
    try:
        read = from_json(json.dumps(content), object)
    except InvalidValue:
        return
    assert read == from_json(to_json(read), object)


def renamed(kind: str, value: Any) -> tuple[str, Any]:
    """The second form of a made-up history of forms: an agent was called a person in the first."""
    return ("Agent" if kind == "Person" else kind), value


def without_nickname(kind: str, value: Any) -> tuple[str, Any]:
    """The third: and had a nickname, and no capacity, in the second."""
    return kind, {key: part for key, part in value.items() if key != "nickname"} | {"capacity": 3}


MADE_UP = {1: renamed, 2: without_nickname}
OLD = {"name": "Bob", "nickname": "bobby"}
BOB_NOW = json.loads(to_json(Agent("bob", "Bob", capacity=3)))["value"]


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        (1, "Person", {**BOB_NOW, **OLD}),
        (2, "Agent", {**BOB_NOW, **OLD}),
        (3, "Agent", BOB_NOW),
    ],
)
def test_f4_what_an_older_version_wrote_is_read(schema: int, kind: str, value: object) -> None:
    """F4: a record outlives the code that wrote it; each step leads to the next form."""
    text = json.dumps({"schema": schema, "kind": kind, "value": value})

    assert Agent("bob", "Bob", capacity=3) == read(text, Agent, schema=3, steps=MADE_UP)


@pytest.mark.parametrize("schema", [0, 4, -1, 2**70])
def test_a8_a_form_that_no_step_leads_from_is_refused(schema: int) -> None:
    """A8: a later version than this code's, or one that never was."""
    text = json.dumps({"schema": schema, "kind": "Agent", "value": BOB_NOW})

    with pytest.raises(InvalidValue):
        read(text, Agent, schema=3, steps=MADE_UP)


def test_a8_an_older_form_that_is_broken_is_refused() -> None:
    """A8: a step that meets nonsense is an error of ours, whatever it raises."""
    text = json.dumps({"schema": 2, "kind": "Agent", "value": None})

    with pytest.raises(InvalidValue):
        read(text, Agent, schema=3, steps=MADE_UP)


def test_f4_there_is_a_step_from_every_form_there_was() -> None:
    """F4: whoever raises the version writes the step."""
    assert set(range(1, SCHEMA)) == set(STEPS)


def _class(name: str) -> type:
    found = getattr(sms_transfer, name)
    return found if isinstance(found, type) else object


ENUMS = [kind for name in sms_transfer.__all__ if issubclass(kind := _class(name), StrEnum)]


@pytest.mark.parametrize("kind", ENUMS)
def test_f6_what_is_recorded_of_an_enum_is_its_name(kind: type[StrEnum]) -> None:
    """F6, D6: in small letters; stores, JSON and translations hold it, so it does not change."""
    renamed = {"no": "no_privilege"} if kind is Denial else {}
    expected = ["_".join([renamed.get(word, word) for word in member.name.lower().split("_")]) for member in kind]

    assert expected == [member.value for member in kind]


def test_f6_a_record_lets_another_kind_of_value_say_whether_it_is_equal() -> None:
    """F6: as every value of Python does; of itself it is equal to its own kind only."""
    need = Need(interaction_id="i")

    assert need == ANY
    assert need != "i"
    assert {need: 1} == {Need(interaction_id="i"): 1}
