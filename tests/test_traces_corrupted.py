"""A trace that is not as the core would have made it is found out, at the right place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import attrs
import pytest

from floor import OTHER, QUEUE, ROUTING_TIMEOUT, SECOND, Floor
from sms_transfer import (
    Direction,
    Event,
    Handover,
    IllegalTransition,
    Interaction,
    InteractionDone,
    InteractionState,
    InvitationClosed,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    MessageReceived,
    MessageSent,
    NotPermitted,
    Outcome,
    OwnershipMoved,
    SmsTransferError,
    StaleEpoch,
    TargetNotEligible,
    TransferAccepted,
    TransferCancelled,
    TransferFailed,
    TransferPending,
    TransferPolicy,
    TransferRedirected,
    TransferRejected,
    TransferRequested,
    TransferState,
    flow,
)
from sms_transfer.core.decide import InteractionCommand, decide
from sms_transfer.core.decision import Context, Decision
from sms_transfer.testing.traces import Trace, TraceMismatch, read_trace, replay
from support import BOB, CAROL, MOMENT, TIMEOUT
from traces import validate_noted

PLACED: Final = TransferPolicy(handover=Handover.ON_PLACEMENT)
Corrupt = Callable[[Trace], Trace]
Decide = Callable[[Interaction | None, InteractionCommand, Context], Decision]
Wrong = tuple[Corrupt, int, type[Event] | None, type[SmsTransferError] | None]
"""What is wrong, where the first event is that does not fit, what would have been there, what is refused."""


@cache
def story() -> Trace:
    """A conversation in which something of nearly everything happens, each command at an instant of its own."""
    floor = Floor()
    service = floor.service

    def then(command: Callable[..., object], *args: object, **more: object) -> None:
        command(*args, **more)
        floor.clock.advance(SECOND)

    then(service.receive_message, "i", "Hello?")  # 1
    then(service.reply, "i", "Hello!", by="alice")  # 2
    then(service.set_note, "i", "calm", by="alice")  # 3
    then(service.update_case_data, "i", {"tier": "silver"}, by="alice")  # 4
    then(floor.ask, target=BOB, note="please")  # 5, 6
    then(floor.decline, reason="busy")  # 7, 8
    then(floor.ask, target=CAROL, note="for you")  # 9, 10
    then(service.receive_message, "i", "Still there?")  # 11
    then(floor.take)  # 12, 13
    then(service.reply, "i", "Yes!", by="carol")  # 14
    then(floor.ask, target=BOB, by="carol")  # 15, 16
    then(service.mark_done, "i", by="carol")  # 17, 18, 19
    return read_trace(floor.store, "i")


@cache
def queue_story() -> Trace:
    """A conversation that a queue owns: Bob declines, Carol lets it ring, and it goes to another queue in time."""
    floor = Floor(policy=PLACED)
    floor.staff(OTHER, ["carol"])
    floor.ask(fallback=OTHER)  # 1 requested, 2 moved, 3 invited
    floor.clock.advance(SECOND)
    floor.decline()  # 4 rejected, 5 invited
    floor.unready("carol")
    floor.pass_time(TIMEOUT)  # 6 expired
    floor.service.update_queue(QUEUE, [])  # 7 redirected, 8 moved
    return read_trace(floor.store, "i")


def without(position: int, count: int = 1) -> Corrupt:
    """These events are not there."""
    return lambda trace: attrs.evolve(trace, history=trace.history[:position] + trace.history[position + count :])


def doubled(position: int, count: int = 1) -> Corrupt:
    """These events are there twice."""
    return lambda trace: attrs.evolve(trace, history=trace.history[: position + count] + trace.history[position:])


def swapped(position: int) -> Corrupt:
    """This event and the next have changed places."""

    def corrupt(trace: Trace) -> Trace:
        first, second = trace.history[position : position + 2]
        return attrs.evolve(trace, history=(*trace.history[:position], second, first, *trace.history[position + 2 :]))

    return corrupt


def changed(position: int, **changes: object) -> Corrupt:
    """This event says something else."""

    def corrupt(trace: Trace) -> Trace:
        event: Any = attrs.evolve(trace.history[position], **changes)  # type: ignore[arg-type]  # the test knows them
        return attrs.evolve(trace, history=(*trace.history[:position], event, *trace.history[position + 1 :]))

    return corrupt


def interaction(**changes: object) -> Corrupt:
    """The interaction is recorded otherwise."""
    return lambda trace: attrs.evolve(
        trace,
        interaction=attrs.evolve(trace.interaction, **changes),  # type: ignore[arg-type]  # the test knows them
    )


def request(number: int, **changes: object) -> Corrupt:
    """One of the requests is recorded otherwise."""

    def corrupt(trace: Trace) -> Trace:
        requests = list(trace.requests)
        requests[number] = attrs.evolve(requests[number], **changes)  # type: ignore[arg-type]  # likewise
        return attrs.evolve(trace, requests=tuple(requests))

    return corrupt


def text(number: int, **changes: object) -> Corrupt:
    """One of the texts is recorded otherwise."""

    def corrupt(trace: Trace) -> Trace:
        texts = list(trace.transcript)
        texts[number] = attrs.evolve(texts[number], **changes)  # type: ignore[arg-type]  # likewise
        return attrs.evolve(trace, transcript=tuple(texts))

    return corrupt


def all_of(*corruptions: Corrupt) -> Corrupt:
    """One after the other."""

    def corrupt(trace: Trace) -> Trace:
        for one in corruptions:
            trace = one(trace)
        return trace

    return corrupt


def tickets_swapped(trace: Trace) -> Trace:
    """The tickets of the first two invitations have changed places."""
    first, second = trace.history[6], trace.history[10]
    assert isinstance(first, InvitationSent)
    assert isinstance(second, InvitationSent)
    ids = changed(6, invitation_id=second.invitation_id), changed(10, invitation_id=first.invitation_id)
    return all_of(*ids)(trace)


def transfers_swapped(trace: Trace) -> Trace:
    """What was said of the first request is said of the second."""
    second = trace.requests[1].id
    return all_of(changed(7, transfer_id=second), changed(8, transfer_id=second))(trace)


def late(trace: Trace) -> Trace:
    """Carol accepted when her time was over, wherever it is recorded."""
    at = trace.history[10].at + TIMEOUT
    outcome = trace.requests[1].outcome
    assert outcome is not None
    outcome = attrs.evolve(outcome, at=at)
    return all_of(changed(12, at=at, outcome=outcome), changed(13, at=at), request(1, outcome=outcome))(trace)


def second_request(trace: Trace) -> Trace:
    """While one is live, another is asked for."""
    other = attrs.evolve(trace.requests[1], id="other")
    events = [attrs.evolve(event, transfer_id="other") for event in trace.history[9:11]]  # type: ignore[call-arg]
    history = (*trace.history[:11], *events, *trace.history[11:])
    return attrs.evolve(trace, history=history, requests=(*trace.requests, other))


def late_reply(trace: Trace) -> Trace:
    """Alice texts the contact when Carol owns it, under her own epoch."""
    return all_of(changed(14, by="alice", epoch=0), text(3, sender="alice", epoch=0))(trace)


def other_owner(trace: Trace) -> Trace:
    """The ownership went to somebody else than the invitee, wherever it is recorded."""
    outcome = trace.requests[1].outcome
    assert outcome is not None
    outcome = attrs.evolve(outcome, owner="bob")
    return all_of(changed(12, outcome=outcome), changed(13, owner="bob"), request(1, outcome=outcome))(trace)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Unheard(Event):
    """Something that no core has ever said."""


def with_unheard(trace: Trace) -> Trace:
    """An event of a later version, say."""
    unheard = Unheard(interaction_id="i", at=trace.history[-1].at, by=None)
    return attrs.evolve(trace, history=(*trace.history, unheard))


def failed(trace: Trace) -> Trace:
    """It is said to have failed, and went on to the fallback."""
    last = trace.history[7]
    assert isinstance(last, TransferRedirected)
    outcome = Outcome(TransferState.FAILED, by=None, at=last.at, reason="no_agent_left", owner="alice")
    event = TransferFailed(interaction_id="i", at=last.at, by=None, transfer_id=last.transfer_id, outcome=outcome)
    return attrs.evolve(trace, history=(*trace.history[:7], event, *trace.history[8:]))


def too_soon(position: int) -> Corrupt:
    """This event has come right after the beginning."""
    return lambda trace: attrs.evolve(trace, history=(trace.history[0], trace.history[position], *trace.history[1:]))


END: Final = 20
LATER: Final = datetime(2026, 2, 1, tzinfo=UTC)

EVENTS: Final[dict[str, Wrong]] = {
    "no beginning": (without(0), 0, None, None),
    "two beginnings": (doubled(0), 1, None, None),
    "no request": (without(5), 5, None, None),
    "no invitation": (without(6), 6, InvitationSent, None),
    "no reject": (without(7), 7, None, None),
    "no outcome": (without(8), 8, TransferRejected, None),
    "no accept": (without(12), 12, None, None),
    "no move": (without(13), 13, OwnershipMoved, None),
    "no withdrawal": (without(17), 17, InvitationWithdrawn, None),
    "no cancellation": (without(18), 18, TransferCancelled, None),
    "not done": (without(19), 19, InteractionDone, None),
    "two requests": (doubled(5), 6, InvitationSent, None),
    "two invitations": (doubled(6), 7, None, None),
    "two rejects": (doubled(7), 8, TransferRejected, None),
    "two outcomes": (doubled(8), 9, None, None),
    "two accepts": (doubled(12, 2), 14, None, NotPermitted),
    "two moves": (doubled(13), 14, None, None),
    "done twice": (doubled(19), 20, None, IllegalTransition),
    "an invitation before its request": (swapped(5), 5, None, None),
    "an outcome before its reject": (swapped(7), 7, None, None),
    "a move before its accept": (swapped(12), 12, None, None),
    "a text in the middle of an accept": (swapped(11), 12, OwnershipMoved, None),
    "done before the cancellation": (swapped(18), 18, TransferCancelled, None),
    "another owner": (changed(0, owner="bob"), 2, None, NotPermitted),
    "another new owner": (changed(13, owner="bob"), 13, OwnershipMoved, None),
    "another new owner, everywhere": (other_owner, 12, TransferAccepted, None),
    "another former owner": (changed(13, former_owner="bob"), 13, OwnershipMoved, None),
    "an epoch too many": (changed(13, epoch=2), 13, OwnershipMoved, None),
    "an epoch too few": (changed(13, epoch=0), 13, OwnershipMoved, None),
    "tickets swapped": (tickets_swapped, 6, None, None),
    "transfers swapped": (transfers_swapped, 7, InvitationRejected, None),
    "an accept after the deadline": (late, 12, InvitationExpired, InvitationClosed),
    "a second live request": (second_request, 11, None, TransferPending),
    "a text under an old epoch": (late_reply, 14, None, StaleEpoch),
    "a text of a former owner": (all_of(changed(14, by="alice"), text(3, sender="alice")), 14, None, NotPermitted),
    "a text in another ownership": (changed(11, epoch=1), 11, MessageReceived, None),
    "a text of nobody": (changed(14, by=None), 14, None, NotPermitted),
    "a note by somebody else": (changed(3, by="bob"), 3, None, NotPermitted),
    "a request by somebody else": (changed(5, by="carol"), 5, None, NotPermitted),
    "an accept by somebody else": (changed(12, by="bob"), 12, None, NotPermitted),
    "a reject by somebody else": (changed(7, by="carol"), 7, None, NotPermitted),
    "another deadline": (changed(6, deadline=LATER), 6, InvitationSent, None),
    "another hop": (changed(9, hop=7), 9, TransferRequested, None),
    "another target": (changed(5, target=CAROL), 6, InvitationSent, None),
    "another invitee": (changed(6, invitee="carol"), 6, InvitationSent, None),
    "another time": (changed(8, at=LATER), 8, TransferRejected, None),
    "another interaction": (changed(2, interaction_id="j"), 2, MessageSent, None),
    "the end in the middle of a commit": (without(13, 7), 13, OwnershipMoved, None),
}

QUEUE_EVENTS: Final[dict[str, Wrong]] = {
    "not placed": (without(2), 2, OwnershipMoved, None),
    "not asked": (without(3), 3, None, NotPermitted),
    "not declined": (without(4), 4, None, None),
    "asked twice": (changed(5, invitee="bob"), 5, None, TargetNotEligible),
    "no answer at another time": (changed(6, at=LATER), 6, InvitationExpired, None),
    "not redirected": (without(7), 7, None, None),
    "redirected, and not owned": (without(8), 8, OwnershipMoved, None),
    "redirected to another target": (changed(7, target=CAROL), 7, TransferRedirected, None),
    "owned by another target": (changed(8, owner=QUEUE), 8, OwnershipMoved, None),
    "invited without a transfer": (too_soon(3), 1, None, None),
    "redirected without a transfer": (too_soon(7), 1, None, None),
    "failed without a transfer": (all_of(failed, too_soon(7)), 1, None, None),
    "failed": (failed, 7, TransferRedirected, None),
    "not known": (with_unheard, 9, None, None),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a1_an_event_that_the_core_would_not_have_produced(name: str) -> None:
    """A1, F1 to F3, T10, T13: it is named, with what the core would have produced, and the beginning up to there."""
    check(story(), EVENTS[name], TransferPolicy())


@pytest.mark.parametrize("name", QUEUE_EVENTS)
def test_a1_an_event_of_a_queue_that_the_core_would_not_have_produced(name: str) -> None:
    """A1, Q1, Q2, Q5: likewise, of a conversation that a queue owns."""
    check(queue_story(), QUEUE_EVENTS[name], PLACED)


def check(story: Trace, wrong: Wrong, policy: TransferPolicy) -> None:
    """What is wrong with a story is found."""
    corrupt, position, instead, refusal = wrong
    trace = corrupt(story)
    with pytest.raises(TraceMismatch) as caught:
        replay(trace, policy)
    found = caught.value
    assert ("i", position) == (found.interaction_id, found.position)
    assert (instead, refusal) == (
        None if found.instead is None else type(found.instead),
        None if found.refusal is None else type(found.refusal),
    )
    assert trace.history[position : position + 1] == (() if found.event is None else (found.event,))
    assert trace.history[: position + 1] == found.prefix


RECORDS: Final[dict[str, tuple[Corrupt, int, str]]] = {
    "the owner": (interaction(owner="bob"), END, "owner is 'bob', not 'carol'"),
    "the epoch": (interaction(epoch=0), END, "epoch is 0, not 1"),
    "the state": (interaction(state=InteractionState.ACTIVE), END, "state is <InteractionState.ACTIVE: 'active'>"),
    "the hops": (interaction(hops=3), END, "hops is 3, not 1"),
    "the media": (interaction(media=Media.MMS), END, "media is <Media.MMS: 'mms'>"),
    "a note with too little": (interaction(note="calm"), END, "note is <4 characters>, not <12 characters>"),
    "a commit too many": (interaction(version=14), END, "its version is 14, and the core comes to 13"),
    "a commit too few": (interaction(version=12), END, "its version is 12, and the core comes to 13"),
    "no text": (text(1, id="other"), 2, "the transcript has no such text"),
    "texts swapped": (swapped(1), 1, "the transcript has another text"),
    "a text too few": (without(11), 13, "the transcript has another text"),
    "a text too many": (without(14), 19, "the transcript has texts that no event tells of"),
    "a text under another epoch": (text(3, epoch=0), 14, "the transcript has another text"),
    "a text that went the other way": (text(0, direction=Direction.OUTBOUND), 1, "the transcript has another text"),
    "a text that came back": (text(1, direction=Direction.INBOUND), 2, "the transcript has another text"),
    "a text of the contact's by an agent": (text(0, sender="alice"), 1, "the transcript has another text"),
    "a text by somebody else": (text(1, sender="carol"), 2, "the transcript has another text"),
    "no note": (without(3), 19, "its version is 13, and the core comes to 12"),
    "two notes": (doubled(3), 21, "its version is 13, and the core comes to 14"),
    "another deadline": (
        request(0, deadline=LATER),
        6,
        "deadline is datetime.datetime(2026, 2, 1",
    ),
    "another sender": (request(0, sender="carol"), 6, "sender is 'carol', not 'alice'"),
    "another outcome": (
        lambda trace: request(0, outcome=trace.requests[2].outcome, state=TransferState.CANCELLED)(trace),
        8,
        "is recorded otherwise: state is <TransferState.CANCELLED",
    ),
    "no transfer": (
        lambda trace: attrs.evolve(trace, requests=trace.requests[1:]),
        5,
        "such a transfer is not recorded",
    ),
    "a transfer too many": (
        lambda trace: attrs.evolve(trace, requests=(*trace.requests, attrs.evolve(trace.requests[0], id="other"))),
        END,
        "there are transfers that no event tells of",
    ),
    "an entry that says something else": (
        lambda trace: attrs.evolve(
            trace, messages=tuple(attrs.evolve(entry, agent_id="bob") for entry in trace.messages)
        ),
        END,
        "My Messages have an entry that the core does not make",
    ),
    "nothing at all": (
        lambda trace: attrs.evolve(trace, history=(), transcript=(), requests=()),
        0,
        "nothing has happened, and yet it is there",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a1_a_record_that_the_core_does_not_come_to(name: str) -> None:
    """A1, F6: what is recorded beside the events must be what they lead to, each where it can be seen first."""
    corrupt, position, what = RECORDS[name]
    with pytest.raises(TraceMismatch) as caught:
        replay(corrupt(story()))
    assert what in caught.value.what
    assert position == caught.value.position


def test_f3_a_live_transfer_that_is_recorded_in_two_ways() -> None:
    """F3: as the interaction has it, and by itself: both are one."""
    asked = queue_story().requests[0].past_invitations
    with pytest.raises(TraceMismatch, match="event 9: the live transfer is recorded in two ways"):
        replay(request(0, past_invitations=(*asked, asked[0]))(queue_story()), PLACED)


def test_q2_a_round_of_which_nothing_is_recorded() -> None:
    """Q2: the request with which a queue goes on waiting is made by no command of its own."""
    floor = Floor(policy=PLACED)
    floor.unready("bob", "carol")
    floor.ask()
    floor.pass_time(ROUTING_TIMEOUT)
    trace = read_trace(floor.store, "i")
    with pytest.raises(TraceMismatch, match=r"event 4: transfer .*\+2 is not recorded"):
        replay(attrs.evolve(trace, requests=trace.requests[:1]), PLACED)


def test_a1_of_several_policies_the_one_that_comes_farthest_is_told_of() -> None:
    """A1: under the one nothing could have been asked, under the other the deadline would have been another."""
    policies = [TransferPolicy(kinds=()), TransferPolicy(invitation_timeout=SECOND)]
    for order in (policies, policies[::-1]):
        with pytest.raises(TraceMismatch) as caught:
            replay(story(), order)
        assert (6, None) == (caught.value.position, caught.value.refusal)


def test_a1_the_stories_are_explained() -> None:
    """A1: as they are, there is nothing to find in them."""
    assert (END, 13) == (len(story().history), len(replay(story())))
    assert (9, 7) == (len(queue_story().history), len(replay(queue_story(), PLACED)))


def test_a6_a_mismatch_shows_nothing_personal() -> None:
    """A6: neither the contact nor a word of what anybody wrote."""
    secrets = ("Hello", "calm", "please", "busy", "for you", "silver", "0123", "Jane")
    for corrupt in [wrong[0] for wrong in EVENTS.values()] + [wrong[0] for wrong in RECORDS.values()]:
        with pytest.raises(TraceMismatch) as caught:
            replay(corrupt(story()))
        assert [] == [secret for secret in secrets if secret in str(caught.value)]


def eager(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    """Takes every command for one in time."""
    live = None if interaction is None else interaction.transfer
    if live is None or context.now < live.due_at:
        return decide(interaction, command, context)
    decision = decide(interaction, command, attrs.evolve(context, now=live.due_at - MOMENT))
    at = [attrs.evolve(event, at=context.now) for event in decision.events]
    return attrs.evolve(decision, events=tuple(at))


def unfenced(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    """Has the ownership move under the same epoch."""
    decision = decide(interaction, command, context)
    if interaction is None or decision.interaction.owner == interaction.owner:
        return decision
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, epoch=interaction.epoch))


def silent(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    """Does not say that the ownership moved."""
    decision = decide(interaction, command, context)
    said = tuple(event for event in decision.events if not isinstance(event, OwnershipMoved))
    return attrs.evolve(decision, events=said)


def unkind(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    """Tells the sender something else than what happened, in My Messages only."""
    decision = decide(interaction, command, context)
    notices = tuple(attrs.evolve(entry, at=entry.at + SECOND) for entry in decision.notices)
    return attrs.evolve(decision, notices=notices)


BROKEN: Final[dict[str, tuple[Decide, Callable[[Floor], object], str]]] = {
    "late answers count": (eager, lambda floor: floor.take(), "event 3: the core decides otherwise"),
    "epochs stay": (unfenced, lambda floor: floor.take(), "event 5: the interaction is recorded otherwise: epoch"),
    "moves are not told": (silent, lambda floor: floor.take(), "event 4: the core decides otherwise"),
    "outcomes are told wrongly": (unkind, lambda floor: floor.decline(), "event 5: My Messages have an entry"),
}
"""Cores that are not the one, what is done with them, and what is found."""


@pytest.mark.parametrize("name", BROKEN)
def test_a1_what_another_core_has_decided_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A1, T10, F1, T6: whatever decided, it is found in what it has recorded."""
    core, act, found = BROKEN[name]
    monkeypatch.setattr(flow, "decide", core)
    floor = Floor()
    floor.ask(target=BOB)
    if core is eager:
        floor.clock.advance(TIMEOUT)
    act(floor)
    with pytest.raises(TraceMismatch, match=found):
        validate_noted()
