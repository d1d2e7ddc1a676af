"""The web desktop's socket, and whatever can be said to it: answered in words, or closed, and without effect."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Generator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError

from web_desktop import app
from web_wire import Centre, Json, Wire, serving

pytestmark = pytest.mark.desktop

COMMANDS: Final[tuple[Mapping[str, Json], ...]] = (
    {"do": "log_in"},
    {"do": "log_out"},
    {"do": "ready"},
    {"do": "not_ready", "reason": "Lunch"},
    {"do": "do_not_disturb", "on": True},
    {"do": "reply", "interaction": "jane-1", "epoch": 0, "text": "Hello"},
    {"do": "set_note", "interaction": "jane-1", "epoch": 0, "note": "rings twice"},
    {"do": "set_case_data", "interaction": "jane-1", "epoch": 0, "key": "tier", "value": "silver"},
    {"do": "save_attachment", "interaction": "omar-1", "epoch": 0, "attachment": "door"},
    {"do": "mark_done", "interaction": "jane-1", "epoch": 0},
    {
        "do": "transfer",
        "interaction": "jane-1",
        "epoch": 0,
        "note": "please",
        "key": "k",
        "target": {"kind": "agent", "id": "bob"},
    },
    {"do": "cancel", "transfer": "t"},
    {"do": "accept", "invitation": "v"},
    {"do": "reject", "invitation": "v", "reason": "busy"},
    {"do": "mark_read", "message": "t", "read": True},
    {"do": "delete_message", "message": "t"},
    {"do": "search", "interaction": "jane-1", "text": "bo", "view": "all", "kind": "agent"},
    {"do": "add_favourite", "target": {"kind": "agent", "id": "bob"}},
    {"do": "remove_favourite", "target": {"kind": "agent", "id": "bob"}},
)
"""Every command there is, each in a form that is accepted."""

SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**63, 10**1_000, 10**4_000])
    | st.floats()
    | st.text(st.characters(), max_size=200)
    | st.sampled_from(["", "bob", "jane-1", "\ud800", "\x00", "x" * 129])
)
ANY_JSON: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4)
)
QUICK: Final = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre]:
    with serving(tmp_path_factory.mktemp("centre")) as centre:
        yield centre


@pytest.fixture
def window(centre: Centre) -> Generator[Wire]:
    """Alice's."""
    with centre.sit("alice") as wire:
        yield wire
    assert [] == centre.complaints


@pytest.mark.parametrize(
    "words",
    [
        "",
        "{",
        "nul",
        "[" * 100_000,
        '{"n":' * 50_000,
        '{"n":1,"do":"log_in"',
        "NaN",
        "1e999",
        "[]",
        '"log_in"',
        "1" * 5_000,
        "\x00",
        '{"n": 1}{"n": 2}',
        b"",
        b'{"n": 1, "do": "log_in"}',
        b"\xff\xfe\x00",
    ],
    ids=lambda words: repr(words[:12]),
)
def test_a8_what_is_no_command_is_refused(centre: Centre, window: Wire, words: str | bytes) -> None:
    """A8: text that is not JSON, JSON that is no command, frames that are no text."""
    before = centre.recorded()
    answer = window.answer(words)
    assert {"answer", "refused"} == set(answer)
    assert "refused.invalid_value" == answer["refused"][0]["code"]
    assert before == centre.recorded()


@pytest.mark.parametrize("n", ["missing", None, True, False, 1.0, "1", float("nan"), [], {}], ids=repr)
def test_a8_a_command_without_a_number_is_refused(centre: Centre, window: Wire, n: Json) -> None:
    """A8: the number must be a whole one, or nobody could tell what an answer answers."""
    before = centre.recorded()
    asked = {"do": "not_ready", "reason": f"{n!r}"}
    answer = window.answer(json.dumps(asked if n == "missing" else {"n": n, **asked}))
    assert answer["answer"] is None
    assert ["refused.invalid_value"] == [notice["code"] for notice in answer["refused"]]
    assert before == centre.recorded()


@QUICK
@given(asked=ANY_JSON)
def test_a8_any_json_is_answered(centre: Centre, window: Wire, asked: Json) -> None:
    """A8: and what is none of the commands has no effect."""
    before = centre.recorded()
    assert "refused" in window.answer(json.dumps(asked))
    assert before == centre.recorded()


@st.composite
def _spoilt(draw: st.DrawFn) -> tuple[Json, bool]:
    """A command with something else in one of its fields, and whether that is of the same type."""
    command = dict(draw(st.sampled_from(COMMANDS)))
    field = draw(st.sampled_from(sorted(command)))
    was, now = command[field], draw(ANY_JSON)
    return {**command, field: now}, type(was) is type(now)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command["do"]))
def test_a8_lone_surrogates_are_answered(centre: Centre, window: Wire, command: Mapping[str, Json]) -> None:
    """A8: JSON can carry them and UTF-8 cannot, so they can neither be kept nor be sent back."""
    before = centre.recorded()
    for field in (field for field, value in command.items() if isinstance(value, str)):
        answer = window.answer(json.dumps({"n": 1, **command, field: "\ud800"}))
        assert "refused" in answer or command["do"] == "search"
    assert before == centre.recorded()


@QUICK
@given(spoilt=_spoilt())
def test_a8_a_command_with_a_wrong_field_has_no_effect(centre: Centre, window: Wire, spoilt: tuple[Json, bool]) -> None:
    """A8, F7: whichever field it is; and what is of the right type is refused or done, with an answer either way."""
    command, same_type = spoilt
    before = centre.recorded()
    answer = window.answer(json.dumps({"n": 7, **command}))
    assert 7 == answer["answer"]
    assert same_type or "refused" in answer
    assert "refused" not in answer or before == centre.recorded()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command["do"]))
def test_a8_a_command_with_a_missing_field_has_no_effect(
    centre: Centre, window: Wire, command: Mapping[str, Json]
) -> None:
    """A8: none has a default."""
    before = centre.recorded()
    for missing in command:
        cut = {field: value for field, value in command.items() if field != missing}
        assert "refused" in window.answer(json.dumps({"n": 1, **cut}))
    assert before == centre.recorded()


def test_a8_nobody_says_who_they_are(centre: Centre, window: Wire) -> None:
    """A7: fields that no command has are not looked at, whatever they claim."""
    with centre.sit("dan") as dan:
        window.ask("log_in")
        window.do("not_ready", reason="Tea", me="dan", by="dan", agent="dan", agent_id="dan", answer=5)
        assert (
            "Tea"
            == window.do("search", interaction="jane-1", text="alice", view="all", kind="agent")["targets"][0][
                "presence"
            ]["reason"]
        )
        assert "" == dan.wait("agent", "dan")["reason"]


@pytest.mark.parametrize("fragments", [1, 50])
def test_a8_a_message_that_is_too_long_closes_the_socket(centre: Centre, window: Wire, fragments: int) -> None:
    """A8: whole or in fragments, it is not even collected."""
    before = centre.recorded()
    piece = "x" * (500_000 // fragments)
    with pytest.raises(ConnectionClosedError) as closed:  # noqa: PT012 - when it is noticed is up to the network
        window.socket.send(piece if fragments == 1 else [piece] * fragments)
        while True:
            window.hear()
    assert closed.value.rcvd is None or 1009 == closed.value.rcvd.code  # None where it was cut while still sending
    assert before == centre.recorded()


def test_a8_the_longest_text_gets_through(centre: Centre) -> None:
    """A8: each of its characters as long as JSON can make it."""
    with centre.sit("bob") as bob:
        bob.do("log_in")
        text = "\x01" * 65_536
        assert text == bob.do("reply", interaction="lin-1", epoch=0, text=text)["text"]


def test_a8_a_hundred_commands_at_once_are_answered_in_order(window: Wire) -> None:
    """A8: each once."""
    for n in range(100):
        window.socket.send(json.dumps({"n": n, "do": "search", "interaction": "", "text": "", "view": "", "kind": ""}))
    answers: list[int] = []
    while len(answers) < 100:
        message = window.hear()
        if "answer" in message:
            answers.append(message["answer"])
    assert list(range(100)) == answers


def _flood(bob: Wire) -> None:
    """Far more changes of one window than a network holds by itself."""
    for number in range(200):
        bob.do("set_case_data", interaction="lin-1", epoch=0, key="k", value=f"{number} {'x' * 60_000}")


def test_a8_a_window_that_does_not_read_is_not_collected_for(centre: Centre) -> None:
    """A8, D7: what it did not take is replaced and not kept, and when it reads at last it is told the truth."""
    with centre.sit("bob") as bob:
        bob.ask("log_in")
        with centre.open_narrow("bob") as narrow:
            _flood(bob)
            late, count = Wire(narrow), 1
            while not str(late.wait("window", "lin-1")["interaction"]["case_data"].get("k")).startswith("199 "):
                late.hear()
                count += 1
    assert count < 120
    assert [] == centre.complaints


def test_t9_a_window_that_never_reads_counts_as_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T9: a frozen one, say, although its connection stays."""
    monkeypatch.setattr(app, "_PATIENCE", 0.3)
    with serving(tmp_path, gone_after=timedelta(seconds=1)) as centre, centre.open_narrow("bob"):
        with centre.sit("bob") as bob:
            bob.do("log_in")
            _flood(bob)
        with centre.sit("alice") as alice:
            found = {"presence": {"status": ""}}
            while "logged_out" != found["presence"]["status"]:
                [found] = alice.do("search", interaction="lin-1", text="bob", view="all", kind="agent")["targets"]


def test_a8_a_window_that_is_torn_away_leaves_no_trace(centre: Centre) -> None:
    """A8, T9: in the middle of whatever it asked and was being sent."""
    cookie = centre.cookie("alice")
    for number in range(30):
        with centre.open("alice", cookie=cookie) as torn:
            for n in range(number):
                torn.send(json.dumps({"n": n, **COMMANDS[-3]}))
            if number % 2:
                torn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                torn.socket.shutdown(socket.SHUT_RDWR)
    with centre.sit("alice") as after:
        after.do("ready") if after.wait("agent")["status"] != "logged_out" else after.do("log_in")
    assert [] == centre.complaints
