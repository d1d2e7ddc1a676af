"""Whoever watches a service run is told the truth, and harms nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import pytest

from sms_transfer import (
    Agent,
    ChannelStatus,
    Conflict,
    Interaction,
    InteractionState,
    InvitationClosed,
    InvitationSent,
    Media,
    NotPermitted,
    StoreUnavailable,
    Target,
    TargetKind,
    TargetNotEligible,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.ports import Observer, Operation
from sms_transfer.testing import ManualClock
from support import BOB, CAROL, CONTACT, TIMEOUT, Centre
from watchers import Failing, Watching

QUEUE = Target.queue("q")
MARKED = "the marked words"
NOBODY = dict.fromkeys(TargetKind, 0)


def watched_centre() -> tuple[Centre, Watching]:
    watching = Watching()
    centre = Centre(observer=watching)
    watching.all.clear()
    return centre, watching


class Fragile(MemoryStore):
    """A store whose next commits, and countings, raise."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.joins_transaction = False
        self.counts = True
        self.is_there = True

    def commit(self, decision: Decision) -> None:
        if self.errors:
            raise self.errors.pop()
        super().commit(decision)

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        if self.errors:
            raise self.errors.pop()
        super().replace_agent(known, agent)

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        if not self.is_there:
            raise StoreUnavailable(detail="gone")
        return super().due(now, limit=limit)

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        if not self.counts:
            raise RuntimeError(MARKED)
        return super().waiting_counts(targets)


def over(store: Fragile, observer: Observer) -> TransferService:
    """Alice and Bob, both Ready; Alice owns ``"i"``."""
    service = TransferService(store, clock=ManualClock(), observer=observer)
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


# commands


def test_a1_a_command_is_told_from_its_beginning_to_its_end() -> None:
    """A1: its name and ids, what was recorded, and that it is over."""
    centre, watching = watched_centre()
    request = centre.invite(note=MARKED)

    [watched] = watching.all
    assert Operation(name="request_transfer", ids={"interaction_id": "i", "agent_id": "alice"}) == watched.operation
    [committed] = watched.committed
    assert ("i", InteractionState.TRANSFERRING, 0) == (committed.interaction_id, committed.state, committed.epoch)
    assert [TransferRequested, InvitationSent] == [type(event) for event in committed.events]
    assert (request,) == committed.requests
    assert committed.final
    assert [None] == watched.ends
    assert ([], None) == (watched.conflicts, watched.done)


@pytest.mark.parametrize(
    ("act", "name", "ids"),
    [
        (lambda c, _: c.service.log_in("bob"), "log_in", {"agent_id": "bob"}),
        (lambda c, t: c.service.accept(t, by="bob"), "accept", {"agent_id": "bob", "invitation_id": "?"}),
        (lambda c, t: c.service.reject(t, by="bob"), "reject", {"agent_id": "bob", "invitation_id": "?"}),
        (
            lambda c, _: c.service.receive_message("i", MARKED, message_id="m"),
            "receive_message",
            {"interaction_id": "i", "message_id": "m"},
        ),
        (lambda c, _: c.service.mark_done("i", by="alice"), "mark_done", {"interaction_id": "i", "agent_id": "alice"}),
    ],
)
def test_a1_a_command_is_told_by_its_ids(act: Callable[[Centre, str], object], name: str, ids: dict[str, str]) -> None:
    """A1, A6: all that it is about, and nothing of what it says."""
    centre, watching = watched_centre()
    ticket = centre.ticket(centre.invite())
    watching.all.clear()
    act(centre, ticket)

    expected = {field: ticket if value == "?" else value for field, value in ids.items()}
    assert Operation(name=name, ids=expected) == watching.all[0].operation


def test_a1_what_a_command_brings_about_is_told_inside_it() -> None:
    """A1, Q1, T9: looking for the next agent, and withdrawing what one who leaves was offered."""
    centre, watching = watched_centre()
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    request = centre.invite(QUEUE)
    assert ["request_transfer", "invite"] == watching.names
    watching.all.clear()
    assert request.invitation is not None
    centre.service.log_out(request.invitation.invitee)

    assert ["log_out", "fail_invitation", "invite"] == watching.names
    outer, withdrawn, invited = watching.all
    assert (None, outer, withdrawn) == (outer.inside, withdrawn.inside, invited.inside)
    assert [[None]] * 3 == [watched.ends for watched in watching.all]


def test_f7_a_refusal_is_told_and_records_nothing() -> None:
    """F7: with the error that the caller gets."""
    centre, watching = watched_centre()
    with pytest.raises(NotPermitted) as caught:
        centre.service.reply("i", MARKED, by="bob")

    [watched] = watching.all
    assert ([], [caught.value]) == (watched.committed, watched.ends)


def test_t10_a_refusal_that_records_an_expiry_tells_both() -> None:
    """T10: an accept that comes too late is itself what records the expiry."""
    centre, watching = watched_centre()
    ticket = centre.ticket(centre.invite())
    watching.all.clear()
    centre.clock.advance(TIMEOUT)
    with pytest.raises(InvitationClosed):
        centre.service.accept(ticket, by="bob")

    [watched] = watching.all
    [committed] = watched.committed
    assert TransferState.EXPIRED is committed.requests[0].state
    assert [InvitationClosed] == [type(error) for error in watched.ends]


def test_q5_a_request_that_goes_to_its_fallback_at_once_is_one_operation() -> None:
    """Q5: the caller hears of no refusal, and so nobody does."""
    centre, watching = watched_centre()
    centre.service.set_not_ready("bob")
    watching.all.clear()
    centre.service.request_transfer("i", BOB, by="alice", fallback=CAROL)

    assert ["request_transfer"] == watching.names
    assert ([None], 1) == (watching.all[0].ends, len(watching.all[0].committed))


def test_q5_a_request_whose_fallback_is_refused_too_is_told_as_refused() -> None:
    """Q5, T3: once."""
    centre, watching = watched_centre()
    for name in ("bob", "carol"):
        centre.service.set_not_ready(name)
    watching.all.clear()
    with pytest.raises(TargetNotEligible):
        centre.service.request_transfer("i", BOB, by="alice", fallback=CAROL)

    assert [TargetNotEligible] == [type(error) for error in watching.all[0].ends]


def test_f5_a_command_that_has_had_its_effect_records_nothing() -> None:
    """F5: so nothing is counted twice."""
    centre, watching = watched_centre()
    for _ in range(2):
        centre.service.receive_message("i", "hello", message_id="m")

    assert [1, 0] == [len(watched.committed) for watched in watching.all]


def test_f7_being_beaten_is_told_each_time() -> None:
    """F7: of a command on a conversation, and of one on a status."""
    beaten = [Conflict(kind="interaction", id="i") for _ in range(2)]
    store, watching = Fragile(), Watching()
    service = over(store, watching)
    store.errors = [*beaten]
    service.set_note("i", MARKED, by="alice")
    store.errors = [*beaten]
    service.set_not_ready("bob")

    [note], [status] = watching.named("set_note"), watching.named("set_not_ready")
    assert [beaten[::-1]] * 2 == [note.conflicts, status.conflicts]
    assert ([None], 1) == (note.ends, len(note.committed))
    assert ([None], 0) == (status.ends, len(status.committed))


def test_f6_what_the_host_can_take_back_is_told_as_such() -> None:
    """F6: in a transaction of its own nothing is final."""
    store, watching = Fragile(), Watching()
    service = over(store, watching)
    store.joins_transaction = True
    service.set_note("i", MARKED, by="alice")

    [watched] = watching.named("set_note")
    assert [False] == [committed.final for committed in watched.committed]


# sweeps


def test_f4_a_tick_is_told_as_three_sweeps() -> None:
    """F4: what each has done, and the commands that it gave inside it."""
    centre, watching = watched_centre()
    request = centre.invite()
    watching.all.clear()
    centre.pass_time(TIMEOUT)

    assert ["expire_due", "expire", "route", "send"] == watching.names
    sweep, expired, route, send = watching.all
    assert Operation(name="expire_due", sweep=True, ids={}) == sweep.operation
    assert (sweep, {"transfer_id": request.id}) == (expired.inside, expired.operation.ids)
    assert [(1, {}), (0, NOBODY), (0, {})] == [sweep.done, route.done, send.done]
    assert [[None]] * 4 == [watched.ends for watched in watching.all]


def test_q3_what_waits_is_told_by_the_kind_of_target() -> None:
    """Q3: in the whole store, whoever asked for it."""
    centre, watching = watched_centre()
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    centre.service.add_queue(Target.queue("other"), ["bob"])
    for name in ("bob", "carol"):
        centre.service.set_not_ready(name)
    for number, target in enumerate((QUEUE, QUEUE, Target.queue("other"))):
        centre.service.open_interaction(Interaction(f"{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
        centre.service.request_transfer(f"{number}", target, by="alice")
    watching.all.clear()
    centre.service.tick()

    assert [(0, {**NOBODY, TargetKind.QUEUE: 3})] == [sweep.done for sweep in watching.named("route")]


def test_q3_a_store_that_cannot_count_what_waits_harms_no_sweep(caplog: pytest.LogCaptureFixture) -> None:
    """Q3: the sweep has done its work."""
    store, watching = Fragile(), Watching()
    service = over(store, watching)
    store.counts = False
    service.tick()

    assert [(0, {})] == [sweep.done for sweep in watching.named("route")]
    assert "could not count what waits: RuntimeError" in caplog.text
    assert MARKED not in caplog.text


def test_f4_a_sweep_that_fails_is_told() -> None:
    """F4: it raises what it raised."""
    store, watching = Fragile(), Watching()
    service = over(store, watching)
    store.is_there = False
    with pytest.raises(StoreUnavailable):
        service.expire_due()

    [sweep] = watching.named("expire_due")
    assert (None, [StoreUnavailable]) == (sweep.done, [type(error) for error in sweep.ends])


# nothing it does can harm


@pytest.mark.parametrize("where", ["begin", "beaten", "recorded", "swept", "end"])
def test_f7_an_observer_that_raises_harms_nothing(where: str, caplog: pytest.LogCaptureFixture) -> None:
    """F7, A6: the command has its effect, the refusal is the same, and what was raised is logged without its words."""
    store = Fragile()
    service = over(store, Failing(where))
    store.errors = [Conflict(kind="interaction", id="i")]
    request = service.request_transfer("i", BOB, by="alice")
    with pytest.raises(NotPermitted):
        service.cancel(request.id, by="bob")
    service.tick()

    assert TransferState.INVITED is service.transfer(request.id).state
    assert "the observer failed at " in caplog.text
    assert MARKED not in caplog.text
    assert {"observer.failed"} == {vars(record)["event"] for record in caplog.records}


def test_f7_what_is_no_observation_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """F7: an observer that answers nonsense is logged at every step."""

    class Nonsense:
        def begin(self, operation: Operation) -> Any:
            return None

    service = over(Fragile(), Nonsense())

    assert "alice" == service.interaction("i").owner
    assert 2 == caplog.text.count("the observer failed at open_interaction: AttributeError")


LESSON = """
import sys
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferService
service = TransferService()
for name in ("alice", "bob"):
    service.add_agent(Agent(name, name, status=ChannelStatus.READY))
service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550123"), owner="alice"))
service.accept(service.request_transfer("i", Target.agent("bob"), by="alice").invitation.id, by="bob")
service.tick()
sys.exit(" ".join({"sms_transfer.watching", "sms_transfer.adapters.otel", "opentelemetry"} & set(sys.modules)) or 0)
"""


def test_f7_nothing_is_loaded_for_nobody() -> None:
    """F7: a process that nobody watches, and whose log nobody reads, does not load what tells them."""
    ran = subprocess.run([sys.executable, "-c", LESSON], check=False, capture_output=True, text=True)  # noqa: S603 - this very interpreter

    assert ("", 0) == (ran.stderr, ran.returncode)


def test_a6_logging_beside_an_observer_tells_each_once(caplog: pytest.LogCaptureFixture) -> None:
    """A6: the two do not know of each other."""
    centre, watching = watched_centre()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(NotPermitted):
        centre.service.reply("i", MARKED, by="bob")

    assert ["command.refused"] == [vars(record)["event"] for record in caplog.records]
    assert 1 == len(watching.all)
