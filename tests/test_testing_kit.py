"""The testing kit: what it is made of works, and what is broken on purpose is found."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from sms_transfer import (
    Agent,
    ChannelStatus,
    Event,
    Handover,
    Interaction,
    InteractionOpened,
    InteractionState,
    InvalidValue,
    Message,
    OwnershipMoved,
    Target,
    TargetKind,
    TransferClosed,
    TransferPolicy,
    TransferRequest,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.testing import ManualClock
from sms_transfer.testing import strategies as kit
from sms_transfer.testing.machine import TransferMachine
from sms_transfer.testing.queue_machine import QueueMachine


def test_clock_stands_still_until_it_is_advanced() -> None:
    """`ManualClock` goes when it is told to, in UTC whatever it was set in."""
    clock = ManualClock(datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert datetime(2026, 7, 1, 10, tzinfo=UTC) == clock.now()
    clock.advance(timedelta(seconds=5))
    assert datetime(2026, 7, 1, 10, 0, 5, tzinfo=UTC) == clock.now()


def test_clock_refuses_what_no_clock_does() -> None:
    """A8: it does not begin without a time zone, and does not go back."""
    with pytest.raises(InvalidValue, match="start"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(InvalidValue, match="span"):
        ManualClock().advance(timedelta(microseconds=-1))


@pytest.mark.parametrize("first", ["hypothesis", "sms_transfer.testing.strategies", "sms_transfer.testing.machine"])
def test_any_order_of_imports_works(first: str) -> None:
    """Hypothesis and the strategies can be imported in any order."""
    program = (
        f"import {first}; import sms_transfer as s; from hypothesis import strategies as st; st.from_type(s.Agent)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - this very interpreter


@given(st.data())
@settings(max_examples=50)
def test_strategies_take_what_is_fixed(data: st.DataObject) -> None:
    """A caller can fix states, kinds, ids and whether a request is live."""
    state = data.draw(st.sampled_from(InteractionState))
    assert state is data.draw(kit.interactions(states=st.just(state))).state
    live = data.draw(st.booleans())
    assert live is not data.draw(kit.transfer_requests(live=live)).state.is_final
    assert "i" == data.draw(kit.messages(st.just("i"))).interaction_id
    assert "a" == data.draw(kit.agents(st.just("a"))).id


def test_requests_are_of_every_kind() -> None:
    """Q1, Q5: drawn often enough, live requests wait, have asked others before, have gone to their fallback."""
    seen = Counter[object]()

    @settings(max_examples=200, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(kit.transfer_requests(live=True))
    def draw(request: TransferRequest) -> None:
        several = request.present_target.kind is not TargetKind.AGENT
        assert several or request.state is TransferState.INVITED
        assert several or not request.past_invitations
        if request.invitation is not None:
            assert request.invitation.invitee not in request.asked
        seen.update([request.state, request.present_target.kind, request.on_fallback, bool(request.past_invitations)])

    draw()
    assert {*TargetKind, TransferState.ROUTING, TransferState.INVITED, True, False} == set(seen)


@given(kit.interactions(states=st.just(InteractionState.QUEUED)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_queued_has_a_queue_as_owner(interaction: Interaction) -> None:
    """Q2: what a strategy makes QUEUED belongs to the target whose turn it is."""
    assert interaction.transfer is not None
    assert interaction.transfer.present_target == interaction.owner


@given(kit.histories())
def test_histories_could_have_been(history: tuple[Event, ...]) -> None:
    """A1: they begin with the opening, go forward in time, and each request has at most one outcome."""
    assert isinstance(history[0], InteractionOpened)
    assert [event.at for event in history] == sorted(event.at for event in history)
    asked = [event.transfer_id for event in history if isinstance(event, TransferRequested)]
    closed = [event.transfer_id for event in history if isinstance(event, TransferClosed)]
    assert len(set(closed)) == len(closed)
    assert set(closed) <= set(asked)
    assert len(asked) - len(closed) in {0, 1}
    epochs = [event.epoch for event in history if isinstance(event, OwnershipMoved)]
    assert list(range(1, 1 + len(epochs))) == epochs


def test_histories_tell_of_every_kind_of_end() -> None:
    """Drawn often enough, histories show every outcome."""
    seen = Counter[str]()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(kit.histories())
    def draw(history: tuple[Event, ...]) -> None:
        seen.update(type(event).__name__ for event in history)

    draw()
    ends = {"TransferAccepted", "TransferRejected", "TransferExpired", "TransferCancelled", "TransferFailed"}
    assert ends <= set(seen)
    assert {"InvitationRejected", "InvitationExpired", "TransferRedirected"} <= set(seen)


class KeepsOldOwner(MemoryStore):
    """Records an acceptance without the new owner."""

    def commit(self, decision: Decision) -> None:
        after = decision.interaction
        if any(isinstance(event, OwnershipMoved) for event in decision.events):
            former = next(event.former_owner for event in decision.events if isinstance(event, OwnershipMoved))
            decision = attrs.evolve(decision, interaction=attrs.evolve(after, owner=former))
        super().commit(decision)


class LosesNotices(MemoryStore):
    """Records no My Messages."""

    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, notices=()))


class DoublesTexts(MemoryStore):
    """Forgets that it has a text already."""

    def commit(self, decision: Decision) -> None:
        for text in decision.texts:
            decision = attrs.evolve(decision, texts=(text, attrs.evolve(text, id=f"{text.id} again")))
        super().commit(decision)


class NeverDue(MemoryStore):
    """Has no deadlines."""

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        del now, limit
        return ()


@pytest.mark.parametrize("store", [KeepsOldOwner, LosesNotices, DoublesTexts, NeverDue])
def test_machine_finds_a_broken_store(store: type[MemoryStore]) -> None:
    """`TransferMachine` fails over a service whose store is broken."""

    class Broken(TransferMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(store(), clock=clock)

    bounded = settings(
        max_examples=300,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=bounded)


class FindsNobody(MemoryStore):
    """Knows nobody who is able."""

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        del target, statuses, limit
        return ()


@pytest.mark.parametrize("store", [FindsNobody, NeverDue])
def test_queue_machine_finds_a_broken_store(store: type[MemoryStore]) -> None:
    """`QueueMachine` fails over a service whose store forgets who is able, or what is due."""

    class Broken(QueueMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(store(), clock=clock, policy=self.policy)

    bounded = settings(
        max_examples=100,
        stateful_step_count=20,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=bounded)


def test_machine_finds_a_service_that_allows_too_much() -> None:
    """`TransferMachine` fails where an agent is invited who cannot receive."""

    class Anybody(TransferMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(clock=clock, policy=TransferPolicy(require_ready=False))

    machine = Anybody()
    machine.open_the_centre()
    machine.come("ben", ready=False)
    with pytest.raises(AssertionError):
        machine.request("with-ann", "ben")


class Lenient(TransferService):
    """Takes a text from anybody."""

    def reply(self, interaction_id: str, text: str, **given: object) -> Message:
        del given
        return super().reply(interaction_id, text, by=str(self.interaction(interaction_id).owner))


def test_machine_finds_a_service_that_refuses_too_little() -> None:
    """`TransferMachine` fails where a former owner's text goes through."""
    machine = TransferMachine()
    machine.open_the_centre()
    machine.service.__class__ = Lenient
    with pytest.raises(AssertionError, match="not refused"):
        machine.reply("with-ann", "ben", 0)


def test_machine_knows_every_refusal() -> None:
    """The model agrees with the service on what is refused: when done, overdue, logged out, and twice."""
    machine = TransferMachine()
    machine.open_the_centre()
    first = str(machine.request("with-ann", "ben"))
    machine.request("with-ann", "cat")  # pending
    machine.wait(30, sweep=False)
    machine.accept(first)  # too late
    second = str(machine.request("with-ann", "cat"))
    machine.wait(31, sweep=True)
    third = str(machine.request("with-ann", "ben"))
    machine.leave("ann")
    machine.cancel(third)  # logged out
    machine.mark_done(third)  # logged out
    machine.come("ann", ready=False)
    machine.steal(third, "cat")
    machine.steal(third, "ben")
    machine.accept(third)
    machine.reply("with-ann", "ann", 1)
    machine.reply("with-ann", "ben", 0)
    machine.mark_done(second)
    machine.mark_done(third)  # done already
    machine.reply("with-ann", "ben", 0)
    machine.receive("with-ann", twice=True)
    machine.receive("with-ben", twice=True)
    machine.request("with-ann", "cat")
    machine.reject(str(machine.request("with-ben", "cat")), "busy")
    machine.cancel(str(machine.request("with-ben", "cat")))
    fourth = str(machine.request("with-ben", "cat"))
    machine.leave("cat")
    machine.reject(fourth, "")
    machine.request("with-ben", "ben")
    machine.reload("ben")
    machine.everything_agrees()
    machine.every_transfer_has_its_outcome()
    machine.every_outcome_is_told_once()
    machine.teardown()


def test_queue_machine_knows_every_refusal() -> None:
    """`QueueMachine` agrees with the service on who may answer, and when, on who is off, on a fallback to an agent."""
    machine = QueueMachine()
    machine.teardown()  # nothing was opened, so nothing has to end
    machine.open_the_centre(TransferPolicy(), frozenset({"cat"}))
    ben, dan, queue = Target.agent("ben"), Target.agent("dan"), Target.queue("sales")
    machine.answer(0, accepts=True, by=None)  # nobody is invited yet
    machine.request("with-ann-1", ben, 0, None, None)
    machine.request("with-ann-1", queue, 0, None, None)  # pending
    machine.answer(0, accepts=True, by="dan")  # not the invitee
    machine.change_agent("ben", 0, ())
    machine.answer(0, accepts=True, by=None)  # no place any more
    machine.wait(31, sweep=False)
    machine.answer(0, accepts=True, by=None)  # too late
    assert TransferState.EXPIRED is machine.service.transfer(next(iter(machine.requests))).state
    machine.turn_to("dan", ChannelStatus.NOT_READY)
    machine.request("with-ben-1", queue, 0, None, dan)
    machine.answer(0, accepts=False, by=None)  # nobody is left in the queue, and the one behind it pauses
    waiting = machine.service.interaction("with-ben-1").transfer
    assert waiting is not None
    assert (TransferState.ROUTING, dan) == (waiting.state, waiting.present_target)
    machine.whoever_waits_has_a_reason()
    machine.turn_to("ann", ChannelStatus.LOGGED_OUT)
    machine.request("with-ann-2", ben, 0, None, None)  # logged out
    assert machine.service.interaction("with-ann-2").transfer is None
    machine.withdraw("with-ann-2", ends=True)  # logged out
    assert InteractionState.ACTIVE is machine.service.interaction("with-ann-2").state
    machine.nobody_is_above_their_capacity()
    machine.nobody_is_asked_twice()
    machine.outcomes_stay()
    machine.teardown()


def test_t8_queue_machine_lets_senders_take_it_back() -> None:
    """T8: in `QueueMachine` a live transfer is cancelled by its sender, and one that there is not by nobody."""
    machine = QueueMachine()
    machine.open_the_centre(TransferPolicy(), frozenset({"cat"}))
    machine.withdraw("with-ann-1", ends=False)
    machine.request("with-ann-1", Target.agent("ben"), 0, None, None)
    machine.withdraw("with-ann-1", ends=False)
    assert TransferState.CANCELLED is machine.service.transfer(next(iter(machine.requests))).state
    machine.sweep()
    machine.what_must_hold()
    machine.teardown()


def test_q2_queue_machine_lets_wait_what_a_queue_owns_for_good() -> None:
    """Q2: at the end of a run of `QueueMachine`, what was handed over for good may wait on, and nothing else."""
    machine = QueueMachine()
    machine.open_the_centre(TransferPolicy(handover=Handover.ON_PLACEMENT), frozenset({"cat"}))
    machine.turn_to("cat", ChannelStatus.NOT_READY)
    machine.request("with-ann-1", Target.queue("sales"), 0, None, None)
    machine.teardown()
    assert InteractionState.QUEUED is machine.service.interaction("with-ann-1").state


@pytest.mark.parametrize(
    ("missing", "module"),
    [
        ("hypothesis", "strategies"),
        ("hypothesis", "machine"),
        ("hypothesis", "queue_machine"),
        ("hypothesis", "conformance"),
        ("pytest", "conformance"),
    ],
)
def test_a8_without_the_extra_the_error_says_which(missing: str, module: str) -> None:
    """A8: the extra is optional, and named."""
    code = f"import sys; sys.modules[{missing!r}] = None; import sms_transfer.testing.{module}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - this very interpreter

    assert 1 == run.returncode
    assert "pip install 'sms-transfer[testing]'" in run.stderr
