"""What is broken on purpose shrinks to the few lines that show it."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from sms_transfer import Agent, Event, InteractionOpened, MessageSent, OwnershipMoved, TransferPolicy, TransferService
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core import conversation
from sms_transfer.core.commands import OwnerCommand
from sms_transfer.core.decision import Context, Decision, acting_owner, known_agent
from sms_transfer.core.model import Interaction
from sms_transfer.testing import ManualClock
from sms_transfer.testing import strategies as kit
from sms_transfer.testing.machine import TransferMachine
from sms_transfer.testing.queue_machine import QueueMachine

BOUNDED = settings(
    max_examples=500,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
)


class ForgetsTheEpoch(MemoryStore):
    """Records a new owner under the old epoch."""

    def commit(self, decision: Decision) -> None:
        events = tuple(
            attrs.evolve(event, epoch=event.epoch - 1) if isinstance(event, OwnershipMoved) else event
            for event in decision.events
        )
        if events != decision.events:
            after = attrs.evolve(decision.interaction, epoch=decision.interaction.epoch - 1)
            decision = attrs.evolve(decision, interaction=after, events=events)
        super().commit(decision)


class LosesNotices(MemoryStore):
    """Records no My Messages."""

    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, notices=()))


class NeverDue(MemoryStore):
    """Has no deadlines."""

    def due(self, now: object, *, limit: int) -> tuple[str, ...]:
        return ()


class FindsNobody(MemoryStore):
    """Knows nobody who is able."""

    def able(self, target: object, *, statuses: object, limit: int) -> tuple[Agent, ...]:
        return ()


def lets_former_owners_in(interaction: Interaction, command: OwnerCommand, context: Context) -> Agent:
    """Forgets to ask who owns it, once it was handed over."""
    return known_agent(command.by, context) if interaction.hops else acting_owner(interaction, command, context)


def story(machine: type[RuleBasedStateMachine]) -> list[str]:
    """The steps that Hypothesis prints when the machine has failed, without those that every story has."""
    with pytest.raises(AssertionError) as failed:
        run_state_machine_as_test(machine, settings=BOUNDED)
    lines = [line for note in failed.value.__notes__ for line in note.splitlines()]
    steps = [line for line in lines if re.match(r"(\w+ = )?state\.\w+\(", line)]
    return [line for line in steps if not re.search(r"\.(open_the_centre|what_must_hold|teardown)\(", line)]


def over(store: type[MemoryStore]) -> type[TransferMachine]:
    class Broken(TransferMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(store(), clock=clock)

    return Broken


REQUEST = "requests_0 = state.request(id_='with-ann', to='ben')"


def test_f1_a_former_owner_who_is_let_in_is_told_in_three_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """F1: asked, accepted, and the former owner texts the contact; nothing else is in the story."""
    monkeypatch.setattr(conversation, "acting_owner", lets_former_owners_in)
    [request, accept, reply] = story(TransferMachine)

    assert (REQUEST, "state.accept(id_=requests_0)") == (request, accept)
    assert "state.reply(back=0, id_='with-ann', name='ann')" == reply


def test_f1_an_epoch_that_is_forgotten_is_told_in_two_lines() -> None:
    """F1: asked and accepted."""
    assert [REQUEST, "state.accept(id_=requests_0)"] == story(over(ForgetsTheEpoch))


def test_t6_a_notice_that_is_lost_is_told_in_two_lines() -> None:
    """T6: asked, and the invitee leaves or declines."""
    [request, end] = story(over(LosesNotices))

    assert REQUEST == request
    assert end in {"state.leave(name='ben')", "state.reject(id_=requests_0, reason='')"}


def test_f4_a_deadline_that_is_lost_is_told_in_one_line() -> None:
    """F4: asked; that time brings it to no outcome is found at the end of every story."""
    assert [REQUEST] == story(over(NeverDue))


def test_q3_a_queue_whose_agents_are_not_found_is_told_in_one_line() -> None:
    """Q3: asked, under the default policy, of a target that has agents."""

    class Broken(QueueMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(FindsNobody(), clock=clock, policy=self.policy)

    [request] = story(Broken)

    assert request.startswith("state.request")


def smallest(holds: Callable[[tuple[Event, ...]], bool], store: type[MemoryStore] = MemoryStore) -> list[Event]:
    """The history that is left of all for which this does not hold."""
    last: tuple[Event, ...] = ()

    def make_service(clock: ManualClock, policy: TransferPolicy) -> TransferService:
        return TransferService(store(), clock=clock, policy=policy)

    @BOUNDED
    @given(kit.histories(make_service=make_service))
    def check(history: tuple[Event, ...]) -> None:
        nonlocal last
        if not holds(history):
            last = history
        assert holds(history)

    with pytest.raises(AssertionError):
        check()
    return list(last)


def owners_text(history: tuple[Event, ...]) -> bool:
    """F1: each text to the contact is of whoever owned the conversation then."""
    owner: object = None
    for event in history:
        if isinstance(event, (InteractionOpened, OwnershipMoved)):
            owner = event.owner
        if isinstance(event, MessageSent) and event.by != owner:
            return False
    return True


def epochs_rise(history: tuple[Event, ...]) -> bool:
    """F1: each change of owner is the next one."""
    epochs = [event.epoch for event in history if isinstance(event, OwnershipMoved)]
    return epochs == list(range(1, 1 + len(epochs)))


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


HANDED_OVER = ["InteractionOpened", "TransferRequested", "InvitationSent", "TransferAccepted", "OwnershipMoved"]


def test_f1_histories_shrink_to_a_former_owners_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """F1: one transfer from a to b, and one text of a's."""
    monkeypatch.setattr(conversation, "acting_owner", lets_former_owners_in)
    events = smallest(owners_text)

    assert [*HANDED_OVER, "MessageSent"] == names(events)
    assert isinstance(events[4], OwnershipMoved)
    assert ("a", "b", 1) == (events[4].former_owner, events[4].owner, events[4].epoch)
    assert events[5].by in {"a", "c"}
    assert 1 == len({event.at for event in events})


def test_f1_histories_shrink_to_an_epoch_that_is_forgotten() -> None:
    """F1: one request; of a queue that owns the conversation at once, for that takes no answer."""
    events = smallest(epochs_rise, ForgetsTheEpoch)

    assert ["InteractionOpened", "TransferRequested", "OwnershipMoved"] == names(events)[:3]
    assert {"InvitationSent"} >= set(names(events)[3:])
    assert 1 == len({event.at for event in events})
