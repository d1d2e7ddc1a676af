"""Trace validation: what was recorded is explained by the core, and what the core would not have recorded is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given, settings

from floor import LOSSES, OTHER, QUEUE, ROUTING_TIMEOUT, SECOND, SEVERAL, Floor
from sms_transfer import (
    Agent,
    Conflict,
    Event,
    Handover,
    Interaction,
    InteractionState,
    InvitationClosed,
    InvitationExpired,
    InvitationSent,
    Media,
    MessageReceived,
    NoAnswer,
    NotFound,
    NotPermitted,
    Target,
    TransferExpired,
    TransferPolicy,
    TransferRequested,
    TransferService,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.core.lifecycle import INTERACTION_ARCS
from sms_transfer.testing import ManualClock, strategies
from sms_transfer.testing.machine import TransferMachine
from sms_transfer.testing.queue_machine import QueueMachine
from sms_transfer.testing.traces import (
    Audit,
    Commit,
    TraceMismatch,
    read_trace,
    replay,
    validate_store,
    validate_trace,
)
from support import ALICE, BOB, CAROL, CONTACT, TIMEOUT, Centre
from traces import REPRODUCED, Growing, note, summary, validate_noted

POLICIES: Final = {
    "on accept": TransferPolicy(),
    "waits on": TransferPolicy(handover=Handover.ON_PLACEMENT),
    "returns": TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True),
}
TARGETS: Final = (BOB, *SEVERAL)
FALLBACKS: Final = (None, OTHER, CAROL)


def let_it_wait(floor: Floor) -> None:
    """Nobody comes, for so long that the fallback has had its time, too."""
    floor.unready("bob", "carol")
    for _ in range(5):
        floor.pass_time(ROUTING_TIMEOUT)


def lose_everybody(floor: Floor) -> None:
    """Nobody is left at any target."""
    for target in (floor.target, OTHER):
        if target.kind in {QUEUE.kind, SEVERAL[1].kind}:
            floor.service.update_queue(target, [])
    for agent_id in ("bob", "carol"):
        floor.change(agent_id, groups=(), skills=(), media=())


def decline_all(floor: Floor) -> None:
    """Whoever is invited declines, until nobody is."""
    while floor.invitee() is not None:
        floor.decline(reason="busy")


def text_late(floor: Floor) -> None:
    """The contact writes when time is over, and nothing has recorded that."""
    floor.clock.advance(ROUTING_TIMEOUT)
    floor.service.receive_message("i", "Hello?")


def accept_late(floor: Floor) -> None:
    """Whoever is invited accepts when time is over."""
    floor.clock.advance(TIMEOUT)
    with pytest.raises(InvitationClosed):
        floor.take()


ENDINGS: Final[dict[str, Callable[[Floor], object]]] = {
    **LOSSES,
    "accepts": Floor.take,
    "all reject": decline_all,
    "nobody comes": let_it_wait,
    "nobody is left": lose_everybody,
    "cancelled": lambda floor: floor.service.cancel(floor.present().id, by="alice"),
    "done": lambda floor: floor.service.mark_done("i", by="alice"),
    "a late text": text_late,
    "a late accept": accept_late,
}


def live(policy: TransferPolicy, target: Target, fallback: Target | None, ending: str) -> Floor:
    """A conversation that is transferred and ends in this way, as far as that is allowed."""
    floor = Floor(target if target in SEVERAL else QUEUE, policy=policy)
    floor.staff(OTHER, ["carol"])
    floor.service.receive_message("i", "Hello?")
    floor.ask(target=target, fallback=fallback, note="please", priority=2)
    with suppress(NotPermitted):  # the sender of what a queue owns
        ENDINGS[ending](floor)
    return floor


def kinds(commit: Commit) -> tuple[type[Event], ...]:
    """What happened in it."""
    return tuple(type(event) for event in commit.decision.events)


def asked(commits: tuple[Commit, ...]) -> list[str]:
    """What was asked, in order."""
    return [type(commit.command).__name__ for commit in commits]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a1_every_life_is_explained(policy: TransferPolicy, ending: str) -> None:
    """A1: to whatever target, with whatever fallback, under each handover, whatever becomes of it."""
    for target in TARGETS:
        for fallback in FALLBACKS:
            floor = live(policy, target, fallback, ending)
            commits = validate_trace(floor.store, "i", policy)
            events = [event for commit in commits for event in commit.decision.events]
            assert list(floor.service.history("i")) == events
            assert floor.service.interaction("i") == commits[-1].decision.interaction


def test_a1_every_command_is_told_from_what_it_did() -> None:
    """A1: all of them, but the one that changes nothing, and the agents' own."""
    found = set[str]()
    for policy in POLICIES.values():
        for ending in ENDINGS:
            for fallback in FALLBACKS:
                found.update(asked(validate_trace(live(policy, QUEUE, fallback, ending).store, "i", policy)))
    centre = Centre()
    centre.service.reply("i", "Hello!", by="alice")
    centre.service.set_note("i", "calm", by="alice")
    centre.service.update_case_data("i", {"tier": None}, by="alice")
    found.update(asked(validate_trace(centre.store, "i")))
    assert found == {
        *("OpenInteraction", "ReceiveMessage", "Reply", "UpdateCaseData", "SetNote", "MarkDone", "RequestTransfer"),
        *("Invite", "Accept", "Reject", "Cancel", "Expire", "FailInvitation", "FailRouting"),
    }


def test_q2_each_step_follows_an_arc() -> None:
    """Q2, T4: from commit to commit the interaction goes along arcs of its machine, and along no other way."""
    arcs = {(arc.source, arc.dest) for arc in INTERACTION_ARCS}
    placed = (InteractionState.ACTIVE, InteractionState.QUEUED)  # in one commit: begun, and placed
    for policy in POLICIES.values():
        for ending in ENDINGS:
            commits = validate_trace(live(policy, QUEUE, OTHER, ending).store, "i", policy)
            for before, after in pairwise(commit.decision.interaction for commit in commits):
                arc = (before.state, after.state)
                assert arc in arcs or arc == placed or before.state is after.state


# what a history does not say by itself


def waiting_for_bob(policy: TransferPolicy | None = None, **options: object) -> Floor:
    """Bob is invited for a queue that only he serves."""
    floor = Floor(members=["bob"], policy=policy)
    floor.ask(**options)  # type: ignore[arg-type]
    return floor


def test_t10_an_expiry_is_recorded_with_the_command_that_finds_it() -> None:
    """T10: the version tells that they were one commit, and it is decided as one."""
    centre = Centre()
    centre.invite()
    centre.clock.advance(TIMEOUT)
    centre.service.receive_message("i", "Hello?")
    commits = validate_trace(centre.store, "i")
    assert (InvitationExpired, TransferExpired, MessageReceived) == kinds(commits[-1])
    assert ["OpenInteraction", "RequestTransfer", "ReceiveMessage"] == asked(commits)


def test_t10_an_expiry_that_was_swept_is_a_commit_of_its_own() -> None:
    """T10, F4: the same events, and one version more."""
    centre = Centre()
    centre.invite()
    centre.pass_time(TIMEOUT)
    centre.service.receive_message("i", "Hello?")
    commits = validate_trace(centre.store, "i")
    assert [(InvitationExpired, TransferExpired), (MessageReceived,)] == [kinds(commit) for commit in commits[-2:]]


def test_t10_a_refused_command_that_records_an_expiry_is_told_as_the_expiry() -> None:
    """T10: who accepts too late records that it is too late; nothing else of it is in the history."""
    centre = Centre()
    ticket = centre.ticket(centre.invite())
    centre.clock.advance(TIMEOUT)
    with pytest.raises(Exception, match="expired"):
        centre.service.accept(ticket, by="bob")
    assert ["OpenInteraction", "RequestTransfer", "Expire"] == asked(validate_trace(centre.store, "i"))


def test_f4_several_expiries_in_one_commit() -> None:
    """F4, Q5: an invitation, its queue and the fallback all run out before anything sweeps: one commit."""
    floor = waiting_for_bob(fallback=CAROL)
    floor.unready("carol")
    floor.pass_time(3 * ROUTING_TIMEOUT)
    commits = validate_trace(floor.store, "i")
    assert ["OpenInteraction", "RequestTransfer", "Invite", "Expire"] == asked(commits)
    assert TransferExpired is kinds(commits[-1])[-1]


def test_f4_an_expiry_is_shared_with_a_sweep_and_the_next_with_a_text() -> None:
    """F4, T10: of several expiries each may have been recorded by itself or with what follows."""
    centre = Centre()
    for swept in (True, False, True, False):
        centre.invite()
        centre.clock.advance(TIMEOUT)
        if swept:
            centre.service.tick()
        centre.service.receive_message("i", "Hello?")
    commits = validate_trace(centre.store, "i")
    assert 2 == asked(commits).count("Expire")
    assert centre.service.interaction("i").version == len(commits)


def test_t10_a_command_of_a_clock_that_is_behind_was_not_recorded_with_an_expiry() -> None:
    """F4: the text came before the deadline, by its own clock, so that it cannot have found it over."""
    centre = Centre()
    centre.invite()
    early = centre.clock.now()
    centre.pass_time(TIMEOUT)
    behind = ManualClock(early)
    TransferService(centre.store, clock=behind).receive_message("i", "Hello?")
    behind.advance(2 * TIMEOUT)
    TransferService(centre.store, clock=behind).receive_message("i", "Hello again?")
    commits = validate_trace(centre.store, "i")
    assert ["Expire", "ReceiveMessage", "ReceiveMessage"] == asked(commits)[-3:]


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_q2_rounds_that_nobody_recorded(rounds: int) -> None:
    """Q2, F4: the next request of a queue says in which round of it the last one was swept."""
    floor = waiting_for_bob(POLICIES["waits on"])
    floor.unready("bob")
    floor.pass_time(rounds * ROUTING_TIMEOUT + SECOND)
    floor.service.receive_message("i", "Hello?")
    floor.pass_time(ROUTING_TIMEOUT)
    commits = validate_trace(floor.store, "i", POLICIES["waits on"])
    assert 2 == len([commit for commit in commits if TransferRequested in kinds(commit)[1:]])


def test_q2_a_round_that_a_text_recorded() -> None:
    """Q2, T10: a text that comes in a later round records the end of the first with it."""
    floor = Floor(policy=POLICIES["waits on"])
    floor.unready("bob", "carol")
    floor.ask()
    floor.clock.advance(3 * ROUTING_TIMEOUT)
    floor.service.receive_message("i", "Hello?")
    commits = validate_trace(floor.store, "i", POLICIES["waits on"])
    assert (TransferExpired, TransferRequested, MessageReceived) == kinds(commits[-1])


@pytest.mark.parametrize("no_answer", NoAnswer)
def test_a3_what_becomes_of_who_did_not_answer(no_answer: NoAnswer) -> None:
    """A3: their status is no part of the history, and the request has kept what it is to be."""
    floor = Floor()
    floor.begin("j")
    floor.ask(target=BOB, no_answer=no_answer)
    floor.ask("j", target=BOB)
    floor.pass_time(TIMEOUT)
    assert validate_trace(floor.store, "i")[-1].decision.missed == (
        () if no_answer is NoAnswer.NOTHING else (("bob", no_answer),)
    )
    validate_trace(floor.store, "j")


def test_q5_a_fallback_that_is_asked_at_once() -> None:
    """Q5: the target was refused, so the history begins with the going on to the fallback."""
    floor = Floor()
    floor.unready("bob")
    floor.ask(target=BOB, fallback=CAROL)
    [_, commit] = validate_trace(floor.store, "i")
    assert "RequestTransfer" == type(commit.command).__name__
    assert commit.decision.request.on_fallback


def test_q5_a_fallback_of_which_only_the_events_tell() -> None:
    """Q5, Q2: what went back to its queue has no fallback any more; the history knows that it had."""
    policy = POLICIES["waits on"]
    floor = waiting_for_bob(policy, fallback=CAROL)
    floor.decline()
    assert "carol" == floor.invitee()
    floor.decline()
    assert floor.present().fallback is None
    validate_trace(floor.store, "i", policy)


def test_q5_no_fallback_although_the_policy_has_one() -> None:
    """Q5: a request that names its target as its fallback has none."""
    policy = TransferPolicy(fallback=CAROL)
    floor = Floor(policy=policy)
    floor.ask(target=BOB, fallback=BOB)
    floor.decline()
    validate_trace(floor.store, "i", policy)


def test_a4_hops_epochs_notes_and_case_data_that_an_interaction_was_opened_with() -> None:
    """A4, T16: it may come from elsewhere, with a past of its own."""
    floor = Floor()
    floor.service.open_interaction(
        Interaction(
            *("j",),
            media=Media.MMS,
            contact=CONTACT,
            owner="alice",
            epoch=7,
            hops=3,
            note="calm\n",
            case_data={"tier": "gold", "item": 1},
        )
    )
    floor.service.update_case_data("j", {"item": None, "new": True}, by="alice")
    floor.ask("j", target=BOB, note="please")
    floor.take("j")
    opened = validate_trace(floor.store, "j")[0].decision.interaction
    assert (7, 3, "calm\n", {"tier": "gold"}) == (opened.epoch, opened.hops, opened.note, dict(opened.case_data))


def test_t16_notes_that_came_with_transfers_are_looked_for_in_the_last_one() -> None:
    """T16: what an agent wrote, and then what came with each transfer that was accepted since."""
    floor = Floor()
    floor.service.set_note("i", "first", by="alice")
    floor.service.set_note("i", "calm", by="alice")
    for target, sender, words in ((BOB, "alice", "please"), (CAROL, "bob", ""), (ALICE, "carol", "thanks")):
        floor.ask(target=target, by=sender, note=words)
        floor.take()
    trace = read_trace(floor.store, "i")
    assert "calm\nplease\nthanks" == trace.interaction.note
    replay(trace)
    with pytest.raises(TraceMismatch, match="note is <18 characters>, not <32 characters>"):
        replay(attrs.evolve(trace, interaction=attrs.evolve(trace.interaction, note="calm\nplease\nthankS")))


def test_f5_what_is_repeated_has_left_nothing() -> None:
    """F5: the same text and the same request again are in no history."""
    floor = Floor()
    for _ in range(3):
        floor.service.receive_message("i", "Hello?", message_id="m")
        floor.ask(key="k")
        floor.service.transfer_many(["i"], QUEUE, by="alice", key="many")
    assert ["OpenInteraction", "ReceiveMessage", "RequestTransfer", "Invite"] == asked(validate_trace(floor.store, "i"))


# policies


def test_e2_a_policy_that_was_another_one_is_found_out() -> None:
    """T7: under another one the deadline would have been another."""
    centre = Centre()
    centre.invite()
    with pytest.raises(TraceMismatch) as caught:
        validate_trace(centre.store, "i", TransferPolicy(invitation_timeout=TIMEOUT + SECOND))
    assert (2, InvitationSent) == (caught.value.position, type(caught.value.event))
    assert isinstance(caught.value.instead, InvitationSent)
    assert caught.value.instead.deadline == centre.clock.now() + TIMEOUT + SECOND


def test_q2_one_of_several_policies_explains_each_step() -> None:
    """Q2: services of one centre may differ; where the choice shows only later, every way is gone."""
    late = TransferPolicy(routing_timeout=2 * ROUTING_TIMEOUT)
    policies = [POLICIES["on accept"], late, POLICIES["returns"], POLICIES["waits on"]]
    floor = Floor()
    floor.staff(OTHER, ["carol"])
    floor.unready("bob", "carol")
    for policy in policies:
        note(floor.store, policy)
        service = TransferService(floor.store, clock=floor.clock, policy=policy)
        service.request_transfer("i", QUEUE, by="alice", fallback=OTHER)
        for _ in range(2):  # there, and at the fallback
            floor.clock.advance(policy.routing_timeout)
            service.tick()
    for order in (policies, policies[::-1]):
        validate_trace(floor.store, "i", order)
    with pytest.raises(TraceMismatch) as caught:
        validate_trace(floor.store, "i", [policy for policy in policies if policy is not late])
    [*_, then] = caught.value.prefix
    assert late.routing_timeout == then.at - caught.value.prefix[-2].at


# the property


def noting(clock: ManualClock, policy: TransferPolicy | None = None) -> TransferService:
    """A service on a store that is validated when the test is over."""
    store = MemoryStore()
    note(store, policy)
    return TransferService(store, clock=clock, policy=policy)


@given(strategies.histories(max_steps=30, make_service=noting))
@settings(max_examples=150, deadline=None)
def test_a1_whatever_the_strategies_make_is_explained(history: tuple[Event, ...]) -> None:
    """A1: every history that they can make."""
    validate_noted()
    assert history


class Agents(TransferMachine):
    """The machine of the testing kit, whose store is validated at the end of each story."""

    def make_service(self, clock: ManualClock) -> TransferService:
        return noting(clock)

    def teardown(self) -> None:
        super().teardown()
        validate_noted()


class Queues(QueueMachine):
    """Likewise, with queues."""

    def make_service(self, clock: ManualClock) -> TransferService:
        return noting(clock, self.policy)

    def teardown(self) -> None:
        super().teardown()
        validate_noted()


TestAgents = Agents.TestCase
TestAgents.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestQueues = Queues.TestCase
TestQueues.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


# a whole store


def test_a1_a_whole_store_is_validated(tmp_path: Path) -> None:
    """A1: every conversation that the feed names; on any store."""
    with SqliteStore(tmp_path / "store") as store:
        service = TransferService(store)
        service.add_agent(Agent("alice", "Alice", capacity=9))
        for number in range(7):
            service.open_interaction(Interaction(f"i-{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
            for _ in range(number):
                service.receive_message(f"i-{number}", "Hello?")
        assert Audit(histories=7, events=28, commits=28) == validate_store(store)
    assert Audit(histories=0, events=0, commits=0) == validate_store(MemoryStore())


class Forgetful(MemoryStore):
    """Loses the last event of every other conversation."""

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        history = super().history(interaction_id)
        return history[:-1] if int(interaction_id[2:]) % 2 else history


def forgetful() -> Forgetful:
    """With five conversations, and a text in each."""
    store = Forgetful()
    service = TransferService(store)
    service.add_agent(Agent("alice", "Alice", capacity=9))
    for number in range(5):
        service.open_interaction(Interaction(f"i-{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
        service.receive_message(f"i-{number}", "Hello?")
    return store


def test_a1_an_audit_ends_where_it_finds_something() -> None:
    """A1: it is an assertion, unless somebody wants to be told."""
    with pytest.raises(TraceMismatch, match="i-1, event 1"):
        validate_store(forgetful())


def test_a1_an_audit_goes_on_where_somebody_is_told() -> None:
    """A1: of each that cannot be explained, and the rest is validated."""
    found = list[TraceMismatch]()
    audit = validate_store(forgetful(), found=found.append)
    assert ["i-1", "i-3"] == [mismatch.interaction_id for mismatch in found]
    assert Audit(histories=5, events=8, commits=6) == audit


def test_a1_nothing_is_validated_that_is_not_there() -> None:
    """A8: an interaction that nobody knows."""
    with pytest.raises(NotFound):
        validate_trace(MemoryStore(), "i")


class Restless(MemoryStore):
    """A text comes in the middle of the reading, so many times."""

    texts = 0

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        history = super().history(interaction_id)
        if self.texts:
            self.texts -= 1
            TransferService(self).receive_message(interaction_id, "Hello?")
        return history


def restless(texts: int) -> Restless:
    store = Restless()
    service = TransferService(store)
    service.add_agent(Agent("alice", "Alice"))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    store.texts = texts
    return store


def test_a1_a_conversation_that_goes_on_is_read_again() -> None:
    """A1: of a store that is at work every trace is read as of one moment."""
    assert 4 == len(validate_trace(restless(3), "i"))


def test_a1_a_conversation_that_never_stands_still_is_a_conflict() -> None:
    """A1: it is not said to be wrong."""
    with pytest.raises(Conflict):
        validate_trace(restless(1_000), "i")


# what the tests themselves do with it


def test_a1_growing_conversations_are_counted_once() -> None:
    """What is validated again and again while it grows is one history, and each event is one."""
    centre, growing, before = Centre(), Growing(), REPRODUCED.copy()
    for _ in range(3):
        growing.validate(read_trace(centre.store, "i"), TransferPolicy())
        growing.validate(read_trace(centre.store, "i"), TransferPolicy())
        centre.service.receive_message("i", "Hello?")
    assert Counter(histories=1, events=3) == REPRODUCED - before
    assert "2 recorded histories (1,003 events) were replayed" in summary(Counter(histories=2, events=1_003))
