"""What the library says in the log: a closed table, and nothing personal (A6)."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import sms_transfer
from sms_transfer import (
    Attachment,
    Conflict,
    Event,
    Handover,
    Interaction,
    Media,
    SmsTransferError,
    StoreUnavailable,
    Target,
    TransferClosed,
    TransferEvent,
    TransferPolicy,
    TransferService,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core import commands
from sms_transfer.core.decision import Decision
from sms_transfer.log import EVENT_NAMES, RECORDS
from sms_transfer.testing import ManualClock
from sms_transfer.watching import NAMES
from support import ALICE, BOB, CAROL, CONTACT, TIMEOUT, Centre

SOURCE = Path(sms_transfer.__file__).parent
MARKED = "the marked words"
QUEUE = Target.queue("q")
BY_ITSELF = {"agent.changed", "command.refused", "command.failed", "command.conflict", "sweep.done"}
"""Written by functions of their own."""


def below(kind: type[Any]) -> Iterator[type[Any]]:
    """Whatever of this library's derives from a class, and nothing of it derives from."""
    for derived in kind.__subclasses__():
        ours = [*below(derived)]
        yield from ours
        if not ours and derived.__module__.startswith("sms_transfer."):
            yield derived


def failures() -> Iterator[tuple[str, frozenset[str]]]:
    """The names that the source logs failures under, each with its fields."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_failure":
                [name, _] = node.args
                yield ast.literal_eval(name), frozenset(word.arg or "" for word in node.keywords)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    """The names and fields of what was logged; each as the table has it."""
    found = [(vars(record)["event"], dict(vars(record)["fields"])) for record in caplog.records]
    for record, (name, fields) in zip(caplog.records, found, strict=True):
        kind = RECORDS[name]
        assert (kind.logger, kind.level) == (record.name, record.levelno)
        assert set(kind.fields) == set(fields)
        assert kind.message % fields == record.getMessage()
        assert fields == json.loads(json.dumps(fields))
    return found


def names(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [name for name, _ in lines(caplog)]


def told(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    """The fields of every record of a name."""
    return [fields for found, fields in lines(caplog) if found == name]


# the table is complete


def test_a1_every_event_has_a_name_in_the_log() -> None:
    """A1: and no two the same; the bases have none."""
    assert set(below(Event)) == EVENT_NAMES.keys()
    assert {Event, TransferEvent, TransferClosed}.isdisjoint(EVENT_NAMES)
    assert len(EVENT_NAMES) == len({*EVENT_NAMES.values()})


def test_a1_every_command_has_a_name() -> None:
    """A1: those that the service gives itself, too."""
    assert {*below(commands.Command), *below(commands.AgentCommand)} == NAMES.keys()
    assert len(NAMES) == len({*NAMES.values()})


def test_f6_every_failure_is_logged_under_a_name_of_the_table_with_its_fields() -> None:
    """F6: a name that is not in the table would fail just where nobody is there to be told."""
    for name, fields in failures():
        assert {*RECORDS[name].fields} == {*fields, "error", "place"}, name


def test_f6_no_name_of_the_table_is_left_over() -> None:
    """F6: whatever stands in it can be found in the log."""
    used = {name for name, _ in failures()} | {*EVENT_NAMES.values()} | BY_ITSELF

    assert used == RECORDS.keys()


@pytest.mark.parametrize("name", RECORDS)
def test_a6_a_message_is_made_of_the_fields(name: str) -> None:
    """A6: so what is not among them cannot be in it."""
    kind = RECORDS[name]

    assert kind.message % dict.fromkeys(kind.fields, 1)
    assert "" not in {kind.meaning, kind.logger}
    assert [None] == list({part[1] for part in Formatter().parse(kind.message)})


def test_a6_the_attributes_of_a_record_are_none_of_the_standard_librarys() -> None:
    """A6: `logging` refuses to overwrite its own, at the very moment when something is to be logged."""
    record = logging.LogRecord("n", logging.INFO, "p", 1, "m", (), None)

    assert {"event", "fields"}.isdisjoint({*vars(record), "message", "asctime"})


# what happened


def test_a1_a_transfer_is_told_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    """A1: requested, offered, accepted, and who owns it from then on."""
    caplog.set_level(logging.INFO)
    centre = Centre()
    caplog.clear()
    request = centre.invite(note=MARKED)
    ticket = centre.ticket(request)
    centre.service.accept(ticket, by="bob")
    at = ManualClock().now().isoformat()
    common = {"interaction_id": "i", "transfer_id": request.id, "at": at}

    assert [
        ("transfer.requested", {**common, "by": "alice", "target_kind": "agent", "target_id": "bob", "hop": 1}),
        (
            "invitation.sent",
            {
                **common,
                "by": "alice",
                "invitation_id": ticket,
                "invitee": "bob",
                "deadline": (ManualClock().now() + TIMEOUT).isoformat(),
            },
        ),
        (
            "transfer.accepted",
            {**common, "by": "bob", "reason": "", "owner_kind": "agent", "owner_id": "bob", "invitation_id": ticket},
        ),
        (
            "interaction.owner_moved",
            {
                **common,
                "by": "bob",
                "former_owner_kind": "agent",
                "former_owner_id": "alice",
                "owner_kind": "agent",
                "owner_id": "bob",
                "epoch": 1,
            },
        ),
    ] == lines(caplog)


def test_a2_how_a_transfer_ended_is_told_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    """A2, A6: but not with the rejecting agent's own words."""
    caplog.set_level(logging.INFO)
    centre = Centre()
    centre.service.reject(centre.ticket(centre.invite()), by="bob", reason=MARKED)
    centre.invite()
    centre.pass_time(TIMEOUT)
    centre.service.cancel(centre.invite().id, by="alice")
    centre.invite()
    centre.service.log_out("bob")

    assert [""] == [fields["reason"] for fields in told(caplog, "transfer.rejected")]
    assert ["no_answer"] == [fields["reason"] for fields in told(caplog, "transfer.expired")]
    assert ["cancelled_by_sender"] == [fields["reason"] for fields in told(caplog, "transfer.cancelled")]
    assert ["invitee_logged_out"] == [fields["reason"] for fields in told(caplog, "transfer.failed")]


def test_q2_a_queue_that_owns_it_is_told_as_one(caplog: pytest.LogCaptureFixture) -> None:
    """Q2: an owner has a kind."""
    caplog.set_level(logging.INFO)
    centre = Centre(policy=TransferPolicy(handover=Handover.ON_PLACEMENT))
    centre.service.add_queue(QUEUE, ["bob"])
    centre.invite(QUEUE)

    [moved] = told(caplog, "interaction.owner_moved")
    assert ("queue", "q") == (moved["owner_kind"], moved["owner_id"])


def test_e2_a_change_of_status_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """E2, A6: without the agent's own words; and not where nothing changed."""
    centre = Centre()
    caplog.set_level(logging.INFO)
    centre.service.set_not_ready("bob", MARKED)
    centre.service.set_not_ready("bob", MARKED)

    assert [("agent.changed", {"agent_id": "bob", "status": "not_ready", "do_not_disturb": False})] == lines(caplog)


def test_a1_texts_and_notes_are_told_to_whoever_debugs(caplog: pytest.LogCaptureFixture) -> None:
    """A1: there are so many of them."""
    centre = Centre()
    for level, expected in (
        (logging.INFO, []),
        (logging.DEBUG, ["message.received", "message.sent", "case_data.updated", "note.set"]),
    ):
        caplog.set_level(level, "sms_transfer.events")
        centre.service.receive_message("i", MARKED)
        centre.service.reply("i", MARKED, by="alice")
        centre.service.update_case_data("i", {MARKED: MARKED, "level": level}, by="alice")
        centre.service.set_note("i", f"{MARKED} {level}", by="alice")
        assert expected == names(caplog)


def test_f7_what_did_not_happen_is_not_told_as_if_it_had(caplog: pytest.LogCaptureFixture) -> None:
    """F7: a refused command leaves one line, for whoever debugs."""
    caplog.set_level(logging.DEBUG)
    centre = Centre()
    caplog.clear()
    with pytest.raises(SmsTransferError):
        centre.service.reply("i", MARKED, by="bob")
    with pytest.raises(SmsTransferError):
        centre.service.set_ready("nobody")
    centre.service.set_do_not_disturb("bob", on=True)
    with pytest.raises(SmsTransferError):
        centre.invite()
    nothing = dict.fromkeys(("interaction_id", "transfer_id", "invitation_id", "agent_id"))

    assert [
        {**nothing, "command": "reply", "code": "not_permitted", "interaction_id": "i", "agent_id": "bob"},
        {**nothing, "command": "set_ready", "code": "not_found", "agent_id": "nobody"},
        {
            **nothing,
            "command": "request_transfer",
            "code": "target_not_eligible",
            "interaction_id": "i",
            "agent_id": "alice",
        },
    ] == told(caplog, "command.refused")
    assert {"command.refused", "agent.changed"} == {*names(caplog)}


class Fragile(MemoryStore):
    """A store whose next commits raise."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []

    def commit(self, decision: Decision) -> None:
        if self.errors:
            raise self.errors.pop()
        super().commit(decision)


def over(store: Fragile) -> TransferService:
    """Alice, who owns ``"i"``."""
    service = TransferService(store, clock=ManualClock())
    service.add_agent(sms_transfer.Agent("alice", "Alice", status=sms_transfer.ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


def test_f7_being_beaten_is_told_for_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """F7: each is decided again."""
    store = Fragile()
    service = over(store)
    caplog.set_level(logging.DEBUG)
    store.errors = [Conflict(kind="agent", id=name) for name in ("third", "second", "first")]
    service.set_note("i", MARKED, by="alice")

    assert [{"kind": "agent", "id": name} for name in ("first", "second", "third")] == told(caplog, "command.conflict")
    assert ["command.conflict"] * 3 + ["note.set"] == names(caplog)


def test_f7_a_command_that_is_beaten_every_time_is_told_as_failed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7: so many conflicts, and then it gives up."""
    monkeypatch.setattr("sms_transfer.ground._ATTEMPTS", 4)
    store = Fragile()
    service = over(store)
    caplog.set_level(logging.DEBUG)
    store.errors = [Conflict(kind="interaction", id="i") for _ in range(4)]
    with pytest.raises(Conflict):
        service.set_note("i", MARKED, by="alice")

    assert ["command.conflict"] * 3 + ["command.failed"] == names(caplog)


def test_f6_a_store_that_is_away_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """F6: by its code; what it said is for the caller."""
    store = Fragile()
    service = over(store)
    caplog.set_level(logging.DEBUG)
    store.errors = [StoreUnavailable(detail=MARKED)]
    with pytest.raises(StoreUnavailable):
        service.set_note("i", MARKED, by="alice")

    [failed] = told(caplog, "command.failed")
    assert ("set_note", "store_unavailable", "i") == (failed["command"], failed["code"], failed["interaction_id"])


def test_f4_what_a_sweep_did_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """F4: how many, and how long it took."""
    centre = Centre()
    centre.invite()
    caplog.set_level(logging.DEBUG, "sms_transfer.sweeps")
    centre.pass_time(TIMEOUT)

    done = told(caplog, "sweep.done")
    assert [("expire_due", 1), ("route", 0), ("send", 0)] == [(fields["sweep"], fields["done"]) for fields in done]
    assert all(0 <= fields["seconds"] for fields in done)


# A6


def life(centre: Centre) -> None:
    """Every kind of command, with marked words wherever there is room for some; some of them refused."""
    service = centre.service
    service.add_queue(QUEUE, ["bob", "carol"], name=MARKED)
    service.update_agent(sms_transfer.Agent("bob", MARKED))
    service.receive_message("i", MARKED, attachments=[Attachment("a", content_type="image/png", name=MARKED)])
    service.save_attachment("i", "a", by="alice")
    service.reply("i", MARKED, by="alice")
    service.update_case_data("i", {MARKED: MARKED}, by="alice")
    service.set_note("i", MARKED, by="alice")
    service.reject(centre.ticket(centre.invite(note=MARKED)), by="bob", reason=MARKED)
    service.cancel(centre.invite(QUEUE, note=MARKED).id, by="alice")
    late = centre.ticket(centre.invite(note=MARKED))
    centre.pass_time(TIMEOUT)
    refused: Collection[Callable[[], object]] = (
        lambda: service.accept(late, by="bob"),
        lambda: service.reply("i", MARKED, by="carol"),
        lambda: service.request_transfer("i", Target.queue("none"), by="alice", note=MARKED),
    )
    for attempt in refused:
        with pytest.raises(SmsTransferError):
            attempt()
    service.request_transfer("i", BOB, by="alice", note=MARKED, fallback=CAROL)
    service.log_out("bob")
    service.log_in("bob")
    service.set_not_ready("bob", MARKED)
    service.set_ready("bob")
    service.set_do_not_disturb("bob", on=True)
    [invited] = service.snapshot("carol").invitations
    service.accept(invited.id, by="carol")
    centre.invite(ALICE, by="carol", note=MARKED)
    service.log_out("alice", disconnected=True)
    service.mark_done("i", by="carol")


def test_a6_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A6: whatever is done and refused, down to what is for debugging."""
    caplog.set_level(logging.DEBUG)
    centre = Centre()
    life(centre)
    centre.gateway.error = RuntimeError(MARKED)
    service = centre.service
    service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice", note=MARKED))
    service.log_in("alice")
    service.reply("j", MARKED, by="alice")

    assert {*EVENT_NAMES.values()} - {*names(caplog)} == set()
    assert {"command.refused", "sweep.done", "agent.changed", "message.unsent"} <= {*names(caplog)}
    for record in caplog.records:
        for personal in (MARKED, CONTACT.address, CONTACT.address[1:], CONTACT.name, "gold"):
            assert personal not in record.getMessage() + repr(vars(record))


def test_a6_nobody_who_does_not_listen_is_told_anything(caplog: pytest.LogCaptureFixture) -> None:
    """A6: a host that has set nothing up sees failures only."""
    life(Centre())

    assert [] == caplog.records
