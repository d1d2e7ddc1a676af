"""Targets that stand for several agents: who is invited, in what order, and what follows (Q1, Q3, Q4, Q5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import PlainDirectory
from floor import LOSSES, OTHER, QUEUE, ROUTING_TIMEOUT, SECOND, SEVERAL, Floor
from sms_transfer import (
    Agent,
    ChannelStatus,
    Denial,
    Handover,
    Interaction,
    InteractionState,
    InvitationClosed,
    InvitationSent,
    Media,
    NotPermitted,
    Outcome,
    Privilege,
    Reason,
    StoreUnavailable,
    Target,
    TargetKind,
    TargetNotEligible,
    TransferPolicy,
    TransferRedirected,
    TransferRequest,
    TransferRequested,
    TransferService,
    TransferState,
    routing,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import Candidate
from sms_transfer.testing import ManualClock
from support import ALICE, BOB, CAROL, CONTACT, MOMENT, TIMEOUT

HOUR = timedelta(hours=1)

# Q1


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_q1_somebody_of_the_target_is_invited_and_takes_it(target: Target) -> None:
    """Q1, T4, T5: whatever stands for several; the sender owns it until then, and both desktops show it."""
    floor = Floor(target, ["carol"])
    request = floor.ask(note="please")

    assert (TransferState.INVITED, target) == (request.state, request.target)
    pending = floor.alice.workspace.windows["i"].pending
    assert pending is not None
    assert pending.deadline == floor.clock.now() + ROUTING_TIMEOUT
    assert ["Alice"] == [preview.from_agent for preview in floor.carol.workspace.previews.values()]
    assert floor.owner == "alice"

    floor.take()

    assert ("carol", InteractionState.ACTIVE) == (floor.owner, floor.state)
    assert ([], ["i"]) == (list(floor.alice.workspace.windows), list(floor.carol.workspace.windows))
    assert TransferState.ACCEPTED is floor.service.transfer(request.id).state
    assert floor.service.interaction("i").note == "please"


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_q1_it_is_routing_until_somebody_is_able(target: Target) -> None:
    """Q1: while none of them can receive, the sender owns it and nobody is asked."""
    floor = Floor(target)
    floor.unready("bob", "carol")
    request = floor.ask()

    assert (TransferState.ROUTING, None) == (request.state, request.invitation)
    assert ("alice", InteractionState.TRANSFERRING) == (floor.owner, floor.state)
    assert [{}, {}] == [floor.bob.workspace.previews, floor.carol.workspace.previews]

    floor.service.set_ready("carol")
    assert floor.invitee() == "carol"


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_q1_the_next_is_invited_when_one_is_lost(lose: Callable[[Floor], object]) -> None:
    """Q1, D3: at once; the preview of the one closes, the other's opens, and the sender is told no error."""
    floor = Floor()
    request = floor.ask()
    first = floor.live_ticket()
    lose(floor)

    assert floor.invitee() == "carol"
    assert ([], [floor.live_ticket()]) == (list(floor.bob.workspace.previews), list(floor.carol.workspace.previews))
    assert (None, []) == floor.told()
    assert [(first, "bob")] == [(past.id, past.invitee) for past in floor.present().past_invitations]
    assert floor.take().owner == "carol"
    assert TransferState.ACCEPTED is floor.outcome(request).state


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("rejects", TransferState.REJECTED),
        ("does not answer", TransferState.EXPIRED),
        ("logs out", TransferState.FAILED),
        ("is disconnected", TransferState.FAILED),
    ],
)
def test_q1_nobody_is_left_when_all_were_lost(how: str, code: TransferState) -> None:
    """Q1, T6, A2: closed at once as FAILED, told on both surfaces; what each did stays known."""
    floor = Floor()
    request = floor.ask()
    LOSSES[how](floor)
    LOSSES[how](floor)

    assert Outcome(
        TransferState.FAILED, by=None, at=floor.clock.now(), reason="no_agent_left", owner="alice"
    ) == floor.outcome(request)
    assert ("transfer.failed.no_agent_left", ["transfer.failed.no_agent_left"]) == floor.told()
    assert [code, code] == [past.outcome.state for past in floor.service.transfer(request.id).past_invitations]
    assert InteractionState.ACTIVE is floor.state


def test_q1_nobody_is_invited_twice_for_one_request() -> None:
    """Q1: whoever rejected is not asked again, however able they are, but they can be for another request."""
    floor = Floor()
    floor.unready("carol")
    request = floor.ask()
    floor.decline()
    floor.service.set_not_ready("bob")
    floor.service.set_ready("bob")
    floor.service.tick()

    assert (TransferState.ROUTING, None) == (floor.present().state, floor.invitee())
    floor.service.cancel(request.id, by="alice")
    assert TransferState.INVITED is floor.ask().state
    assert floor.invitee() == "bob"


def test_q1_the_sender_is_never_invited_although_a_member() -> None:
    """Q1: Alice has been idle for longest, and asks for somebody else."""
    floor = Floor(members=["alice", "bob"])
    floor.ask()
    assert floor.invitee() == "bob"

    floor.decline()
    assert floor.service.interaction("i").transfer is None
    assert floor.told()[0] == "transfer.failed.no_agent_left"


def test_q1_not_ready_keeps_the_invitation() -> None:
    """T9: it is out, and can be accepted."""
    floor = Floor()
    floor.ask()
    floor.service.set_not_ready("bob", "lunch")

    assert floor.invitee() == "bob"
    assert floor.take().owner == "bob"


@pytest.mark.parametrize("swept_after", [[ROUTING_TIMEOUT], [ROUTING_TIMEOUT - MOMENT, MOMENT], [HOUR]])
def test_q1_the_routing_deadline_ends_it(swept_after: list[timedelta]) -> None:
    """Q1, T6, T10, F4: as EXPIRED, at the deadline however late the sweep, with both surfaces."""
    floor = Floor()
    floor.unready("bob", "carol")
    request = floor.ask()
    for span in swept_after:
        assert TransferState.ROUTING is floor.present().state
        floor.pass_time(span)

    assert Outcome(
        TransferState.EXPIRED, by=None, at=request.deadline, reason="no_agent_in_time", owner="alice"
    ) == floor.outcome(request)
    assert ("transfer.expired.no_agent_in_time", ["transfer.expired.no_agent_in_time"]) == floor.told()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("transfer.expired.no_agent_in_time", "Nobody at Sales took the transfer in time."),
        ("transfer.failed.no_agent_left", "Nobody is left at Sales who could take the transfer."),
    ],
)
def test_d6_the_sender_reads_what_became_of_it(code: str, words: str) -> None:
    """D6, A2: a stable code beside the English words, which name the queue."""
    floor = Floor(members=["bob"])
    floor.service.update_queue(QUEUE, ["bob"], name="Sales")
    floor.unready("bob")
    request = floor.ask()
    if "expired" in code:
        floor.pass_time(ROUTING_TIMEOUT)
    else:
        floor.service.set_ready("bob")
        floor.decline()

    (message,) = floor.alice.workspace.my_messages
    assert (code, words, request.id) == (message.code, message.text, message.params["transfer"])
    error = floor.alice.workspace.windows["i"].error
    assert error is not None
    assert words == error.text


def test_q1_the_pending_window_names_the_target() -> None:
    """T4, Q1: the queue, and not whom the router has picked."""
    floor = Floor()
    floor.service.update_queue(QUEUE, ["bob"], name="Sales")
    floor.ask()

    pending = floor.alice.workspace.windows["i"].pending
    assert pending is not None
    assert (QUEUE, "Sales") == (pending.target, pending.to)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(20, 90))
@settings(max_examples=40, deadline=None)
def test_q1_an_invitation_never_outlasts_its_request(waits: list[int], timeout: int) -> None:
    """F4: whenever somebody is found, the deadline of the request is the last one."""
    floor = Floor(policy=TransferPolicy(invitation_timeout=timedelta(seconds=timeout)))
    floor.unready("bob", "carol")
    request = floor.ask()
    for at, wait in enumerate(waits):
        floor.pass_time(timedelta(seconds=wait))
        agent_id = ("bob", "carol")[at % 2]
        floor.service.set_ready(agent_id)
        invitation = floor.service.transfer(request.id).invitation
        assert invitation is None or invitation.deadline <= request.deadline
        if floor.service.interaction("i").transfer is None:
            break
        floor.service.set_not_ready(agent_id)
    floor.pass_time(ROUTING_TIMEOUT)
    assert floor.outcome(request).at <= request.deadline


def test_q1_an_invitation_that_is_cut_short_ends_with_its_request() -> None:
    """F4, Q1: the invitee had ten seconds left; then both are over at one instant, and one outcome is told."""
    floor = Floor()
    floor.unready("bob", "carol")
    request = floor.ask()
    floor.pass_time(ROUTING_TIMEOUT - 10 * SECOND)
    floor.service.set_ready("bob")
    floor.pass_time(10 * SECOND)

    assert (TransferState.EXPIRED, request.deadline) == (floor.outcome(request).state, floor.outcome(request).at)
    assert (None, {}) == (floor.invitee(), floor.bob.workspace.previews)
    assert ["transfer.expired.no_agent_in_time"] == floor.told()[1]


@given(st.lists(st.integers(1, 300), max_size=8), st.booleans())
@settings(max_examples=40, deadline=None)
def test_f4_a_late_sweep_gives_the_same_result(waits: list[int], carol_comes: bool) -> None:
    """F4: swept after every few seconds or once after an hour; nobody but Bob could be asked meanwhile."""

    def run(spans: Sequence[timedelta]) -> tuple[object, ...]:
        floor = Floor()
        floor.unready("carol")
        request = floor.ask(key="k")
        for span in spans:
            floor.pass_time(span)
        floor.clock.advance(HOUR - sum(spans, timedelta()))
        if carol_comes:
            floor.service.set_ready("carol")  # too late
        floor.service.tick()
        events = [(type(event).__name__, event.at, event.by) for event in floor.service.history("i")]
        return floor.outcome(request), events, floor.told(), floor.service.interaction("i").version > 0

    assert run([HOUR]) == run([timedelta(seconds=wait) for wait in waits])


def test_f4_swept_by_two_nodes_and_twice_it_is_the_same() -> None:
    """F4, F3: a second sweep finds nothing to do."""
    floor = Floor()
    request = floor.ask()
    floor.clock.advance(HOUR)
    assert [request.id] == [closed.id for closed in floor.service.expire_due()]
    history = floor.service.history("i")

    assert ([], history) == (floor.service.expire_due(), floor.service.history("i"))


def test_t10_an_accept_at_the_deadline_is_too_late_and_the_next_is_invited_by_it() -> None:
    """T10, T11, Q1: nothing has swept; the command itself records the expiry and asks the next one."""
    floor = Floor()
    request = floor.ask()
    ticket = floor.live_ticket()
    floor.clock.advance(TIMEOUT)

    with pytest.raises(InvitationClosed) as refused:
        floor.service.accept(ticket, by="bob")

    assert (
        Outcome(TransferState.EXPIRED, by=None, at=request.requested_at + TIMEOUT, reason="no_answer", owner="alice")
        == refused.value.outcome
    )
    assert floor.invitee() == "carol"
    assert floor.take().owner == "carol"


def test_t10_an_accept_a_moment_before_the_deadline_is_in_time() -> None:
    """T10: the deadline instant is the first that is too late."""
    floor = Floor()
    floor.ask()
    floor.clock.advance(TIMEOUT - MOMENT)

    assert floor.take().owner == "bob"


@pytest.mark.parametrize("act", [TransferService.accept, TransferService.reject])
@pytest.mark.parametrize(
    ("how", "state", "reason"),
    [
        ("rejects", TransferState.REJECTED, ""),
        ("does not answer", TransferState.EXPIRED, "no_answer"),
        ("is disconnected", TransferState.FAILED, "invitee_disconnected"),
    ],
)
def test_t11_an_answer_to_a_past_invitation_names_what_became_of_it(
    act: Callable[..., object], how: str, state: TransferState, reason: str
) -> None:
    """T11: while the request goes on with somebody else, and not to that one's harm."""
    floor = Floor()
    floor.ask()
    ticket = floor.live_ticket()
    LOSSES[how](floor)

    with pytest.raises(InvitationClosed) as refused:
        getattr(floor.service, act.__name__)(ticket, by="bob")

    outcome = refused.value.outcome
    assert (state, reason, "alice") == (outcome.state, outcome.reason, outcome.owner)
    assert floor.invitee() == "carol"


def test_t11_once_the_request_is_closed_what_won_is_named() -> None:
    """T11: and who owns it now."""
    floor = Floor()
    floor.ask()
    ticket = floor.live_ticket()
    floor.decline()
    floor.take()

    with pytest.raises(InvitationClosed) as refused:
        floor.service.accept(ticket, by="bob")

    outcome = refused.value.outcome
    assert (TransferState.ACCEPTED, "carol", "carol") == (outcome.state, outcome.by, outcome.owner)


def test_t11_the_owner_of_this_moment_is_named_beside_what_won() -> None:
    """T11: whoever won has handed it on since."""
    floor = Floor()
    floor.ask()
    ticket = floor.live_ticket()
    floor.decline()
    floor.take()
    floor.ask(target=ALICE, by="carol")
    floor.take()

    with pytest.raises(InvitationClosed) as refused:
        floor.service.reject(ticket, by="bob")
    assert ("carol", "alice") == (refused.value.outcome.by, refused.value.outcome.owner)


def test_t11_a_past_ticket_is_its_invitees_only() -> None:
    """T11, A8: nobody else is told anything of it."""
    floor = Floor()
    floor.ask()
    ticket = floor.live_ticket()
    floor.decline()

    with pytest.raises(NotPermitted) as refused:
        floor.service.accept(ticket, by="carol")
    assert Denial.NOT_INVITEE is refused.value.reason


@pytest.mark.parametrize("ready", [True, False])
def test_t8_a_sender_cancels_what_is_routing_or_invited(ready: bool) -> None:
    """T8: CANCELLED, without an error, and a preview is withdrawn."""
    floor = Floor()
    if not ready:
        floor.unready("bob", "carol")
    request = floor.ask()
    floor.service.cancel(request.id, by="alice")

    assert TransferState.CANCELLED is floor.outcome(request).state
    assert ((None, []), {}) == (floor.told(), floor.bob.workspace.previews)
    floor.service.set_ready("bob")
    assert floor.invitee() is None


@pytest.mark.parametrize("ready", [True, False])
def test_t13_done_withdraws_what_is_routing_or_invited(ready: bool) -> None:
    """T13: in the same change."""
    floor = Floor()
    if not ready:
        floor.unready("bob", "carol")
    request = floor.ask()
    floor.service.mark_done("i", by="alice")

    assert (TransferState.CANCELLED, "interaction_done") == (
        floor.outcome(request).state,
        floor.outcome(request).reason,
    )
    assert ([], {}) == (list(floor.service.snapshot("bob").invitations), floor.bob.workspace.previews)


def test_t14_a_sender_who_leaves_stops_nothing() -> None:
    """T14: somebody able comes later, and it is in good hands."""
    floor = Floor()
    floor.unready("bob", "carol")
    floor.ask()
    floor.service.log_out("alice")
    floor.service.set_ready("carol")

    assert floor.take().owner == "carol"


def test_f5_a_repeated_request_finds_the_one_that_waits() -> None:
    """F5: the same key again returns the request as it is now, and nobody is asked once more."""
    floor = Floor()
    made = floor.ask(key="k")
    floor.decline()
    again = floor.ask(key="k")

    assert (made.id, "carol") == (again.id, floor.invitee())
    assert floor.present() == again
    assert [TransferRequested, InvitationSent] == [type(event) for event in floor.service.history("i")][1:3]


# Q3


def readied(floor: Floor) -> None:
    floor.service.set_ready("bob")


def freed_by_done(floor: Floor) -> None:
    floor.service.mark_done("b", by="bob")


def freed_by_accept(floor: Floor) -> None:
    floor.ask("b", CAROL, by="bob")
    floor.take("b")


def freed_by_reject(floor: Floor) -> None:
    floor.decline("a")


def freed_by_cancel(floor: Floor) -> None:
    floor.service.cancel(floor.present("a").id, by="alice")


def freed_by_expiry(floor: Floor) -> None:
    floor.clock.advance(TIMEOUT)
    floor.service.expire_due()


def freed_by_closing(floor: Floor) -> None:
    floor.service.mark_done("a", by="alice")


def disturbable(floor: Floor) -> None:
    floor.service.set_do_not_disturb("bob", on=False)


def enlarged(floor: Floor) -> None:
    floor.change("bob", capacity=2)


def joining(floor: Floor) -> None:
    floor.staff(floor.target, ["bob"])


def joining_queue(floor: Floor) -> None:
    floor.service.update_queue(QUEUE, ["carol", "bob"])


def unready_bob(floor: Floor) -> None:
    floor.unready("bob")


def undisturbed_bob(floor: Floor) -> None:
    floor.service.set_do_not_disturb("bob", on=True)


def owning_bob(floor: Floor) -> None:
    floor.change("bob", capacity=1)
    floor.begin("b", "bob")


def invited_bob(floor: Floor) -> None:
    floor.change("bob", capacity=1)
    floor.begin("a")
    floor.ask("a", BOB)


def nothing(_: Floor) -> None:
    pass


GROUP, SKILL = Target.agent_group("g"), Target.skill("s")

BECOMING_ABLE: list[tuple[Target, list[str], Callable[[Floor], None], Callable[[Floor], None]]] = [
    (QUEUE, ["bob", "carol"], unready_bob, readied),
    (QUEUE, ["bob", "carol"], undisturbed_bob, disturbable),
    (QUEUE, ["bob"], owning_bob, freed_by_done),
    (QUEUE, ["bob"], owning_bob, freed_by_accept),
    (QUEUE, ["bob", "carol"], owning_bob, enlarged),
    (QUEUE, ["bob"], invited_bob, freed_by_reject),
    (QUEUE, ["bob"], invited_bob, freed_by_cancel),
    (QUEUE, ["bob"], invited_bob, freed_by_expiry),
    (QUEUE, ["bob"], invited_bob, freed_by_closing),
    (QUEUE, ["carol"], nothing, joining_queue),
    (GROUP, ["carol"], nothing, joining),
    (SKILL, ["carol"], nothing, joining),
]


@pytest.mark.parametrize(
    ("target", "members", "arrange", "become_able"), BECOMING_ABLE, ids=[row[3].__name__ for row in BECOMING_ABLE]
)
def test_q3_whoever_becomes_able_gets_the_oldest_at_once(
    target: Target, members: list[str], arrange: Callable[[Floor], None], become_able: Callable[[Floor], None]
) -> None:
    """Q3: without a tick, and one for each place they have."""
    floor = Floor(target, members)
    floor.service.set_do_not_disturb("carol", on=True)
    arrange(floor)
    if target is not QUEUE or arrange in {unready_bob, undisturbed_bob, nothing}:
        floor.change("bob", capacity=1)
    for id_ in ("older", "younger"):
        floor.begin(id_)
        floor.clock.advance(SECOND)
        floor.ask(id_)
        assert floor.invitee(id_) is None
    if become_able is freed_by_accept:
        floor.service.set_do_not_disturb("carol", on=False)

    become_able(floor)

    assert ("bob", None) == (floor.invitee("older"), floor.invitee("younger"))


def test_q3_a_log_in_makes_able_where_ready_is_not_required() -> None:
    """Q3, E2: by policy."""
    floor = Floor(policy=TransferPolicy(require_ready=False))
    for agent_id in ("bob", "carol"):
        floor.service.log_out(agent_id)
    floor.ask()
    assert floor.invitee() is None

    floor.service.log_in("carol")
    assert floor.invitee() == "carol"


def test_q3_priority_goes_before_age() -> None:
    """Q3: and age decides among those alike."""
    floor = Floor(members=["bob"])
    floor.unready("bob")
    floor.change("alice", capacity=9)
    for id_, priority in (("old", 0), ("urgent", 5), ("urgent too", 5), ("most urgent", 2**62)):
        floor.begin(id_)
        floor.ask(id_, priority=priority)
        floor.clock.advance(SECOND)
    floor.change("bob", capacity=1)
    floor.service.set_ready("bob")

    order = []
    for _ in range(4):
        (invited,) = [id_ for id_ in ("old", "urgent", "urgent too", "most urgent") if floor.invitee(id_)]
        order.append(invited)
        floor.take(invited)
        floor.service.mark_done(invited, by="bob")
    assert ["most urgent", "urgent", "urgent too", "old"] == order


def test_q3_the_oldest_of_all_the_queues_of_an_agent_is_first() -> None:
    """Q3: whichever of their targets it waits for."""
    floor = Floor(members=["bob"])
    floor.staff(OTHER, ["bob"])
    floor.staff(GROUP, ["bob"])
    floor.change("bob", capacity=1)
    floor.unready("bob")
    waiting = [("first", GROUP), ("second", QUEUE), ("third", OTHER), ("fourth", GROUP)]
    for id_, target in waiting:
        floor.begin(id_)
        floor.ask(id_, target)
        floor.clock.advance(SECOND)

    floor.service.set_ready("bob")
    for id_, _ in waiting:
        assert floor.invitee(id_) == "bob"
        floor.take(id_)
        floor.service.mark_done(id_, by="bob")


@pytest.mark.parametrize("page", [4, 256])
@pytest.mark.parametrize("ahead", [1, 4, 30])
def test_q3_what_nobody_able_can_take_holds_up_nobody(ahead: int, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q3: before those that Bob can take stand many for which Carol alone is fit, more than are read at once."""
    monkeypatch.setattr(routing, "_LAST_PAGE", page)
    floor = Floor()
    floor.change("bob", media={Media.SMS})
    floor.unready("bob", "carol")
    floor.change("alice", capacity=99)
    for number in range(ahead):
        floor.begin(f"m-{number}", media=Media.MMS)
        floor.ask(f"m-{number}")
    floor.clock.advance(SECOND)
    floor.ask()

    floor.service.set_ready("bob")

    assert floor.invitee() == "bob"
    assert {None} == {floor.invitee(f"m-{number}") for number in range(ahead)}


def test_q3_as_many_are_invited_as_there_are_places() -> None:
    """Q3, E3: one agent with several places gets several at once, and never one too many."""
    floor = Floor(members=["bob"])
    floor.change("alice", capacity=9)
    floor.change("bob", capacity=3)
    floor.unready("bob")
    ids = [f"w-{number}" for number in range(6)]
    for id_ in ids:
        floor.begin(id_)
        floor.ask(id_)
        floor.clock.advance(SECOND)

    floor.service.set_ready("bob")

    assert ["bob", "bob", "bob", None, None, None] == [floor.invitee(id_) for id_ in ids]


def test_q3_a_tick_routes_what_nobody_was_there_to_route() -> None:
    """Q3: where the process that recorded the change died before it looked for who waits."""
    store = MemoryStore()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.set_not_ready("bob")
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    service.request_transfer("i", QUEUE, by="alice")
    known = service.agent("bob")
    store.replace_agent(known, attrs.evolve(known, status=ChannelStatus.READY))  # and no more

    assert service.tick().invited == 1
    transfer = service.interaction("i").transfer
    assert transfer is not None
    assert TransferState.INVITED is transfer.state


def test_q3_a_tick_ends_what_nobody_is_left_for() -> None:
    """Q1: the last member has left the queue."""
    floor = Floor()
    floor.unready("bob", "carol")
    request = floor.ask()
    floor.service.update_queue(QUEUE, [])

    assert (TransferState.FAILED, "no_agent_left") == (floor.outcome(request).state, floor.outcome(request).reason)


def test_t10_a_tick_counts_nobody_as_invited_for_what_time_has_ended() -> None:
    """A2, T10: Carol is Ready, but what waited is overdue, although not swept yet."""
    store, clock = MemoryStore(), ManualClock()
    service = TransferService(store, clock=clock)
    for name in ("alice", "carol"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["carol"])
    service.set_not_ready("carol")
    for id_ in ("i", "j", "k"):
        service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
        service.request_transfer(id_, QUEUE, by="alice")
    known = service.agent("carol")
    store.replace_agent(known, attrs.evolve(known, status=ChannelStatus.READY))  # and no more
    clock.advance(ROUTING_TIMEOUT)

    assert service.tick(limit=1).invited == 0
    assert [InteractionState.ACTIVE] * 3 == [service.interaction(id_).state for id_ in ("i", "j", "k")]


class Unreadable(MemoryStore):
    """A store that records, but finds no request again."""

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        raise OSError(transfer_id)


def test_f7_a_request_that_is_recorded_is_returned_whatever_fails_after(caplog: pytest.LogCaptureFixture) -> None:
    """F7: what raises has no effect; this one had. Bob is invited, but that cannot be read again."""
    service = TransferService(Unreadable(), clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = service.request_transfer("i", QUEUE, by="alice")

    assert TransferState.ROUTING is request.state
    assert [request.id] == [
        preview.transfer.id for preview in service.snapshot("bob").desktop.offered if preview.transfer
    ]
    assert "could not look again" in caplog.text


class Forgetful(MemoryStore):
    """A directory that cannot tell of some agents."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = set[str]()
        self.asked = 0
        self.error: Exception = RuntimeError("no answer")

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        if not self.lost.isdisjoint(ids):
            self.asked += 1
            raise self.error
        return super().agents(ids)


def forgetful_floor(waiting: int, *, priority: int = 0) -> tuple[Forgetful, TransferService]:
    """So many requests wait for an agent whom the directory cannot tell of, and a later one for Carol, who is Ready.

    Theirs have priority 1; that for Carol has ``priority``.
    """
    store = Forgetful()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob", "carol", "dave"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY, capacity=100))
    service.add_queue(QUEUE, ["bob"])
    service.add_queue(OTHER, ["carol"])
    for number in range(waiting + 1):
        service.open_interaction(Interaction(f"{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
    service.set_not_ready("carol")
    service.set_not_ready("dave")
    for number in range(waiting):
        service.request_transfer(f"{number}", QUEUE, by="alice", fallback=Target.agent("dave"), priority=1)
        (ticket,) = service.snapshot("bob").invitations
        service.reject(ticket.id, by="bob")
    service.request_transfer(f"{waiting}", OTHER, by="alice", priority=priority)
    known = service.agent("carol")
    store.replace_agent(known, attrs.evolve(known, status=ChannelStatus.READY))  # and no more
    store.lost = {"dave"}
    return store, service


def test_q3_one_that_cannot_be_routed_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Q3: the directory fails for the agent of the first one; it is logged, and the second has its invitee."""
    _, service = forgetful_floor(1)

    assert service.tick().invited == 1
    assert len(service.snapshot("carol").invitations) == 1
    assert ["could not route transfer"] == [record.message.partition(" t-")[0] for record in caplog.records]


def test_f7_a_directory_that_cannot_tell_of_the_fallback_fails_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """F7, Q5: the reject is recorded and returned; whether the fallback can take it is seen to later."""
    store = Forgetful()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob", "dave"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    service.request_transfer("i", QUEUE, by="alice", fallback=Target.agent("dave"))
    (ticket,) = service.snapshot("bob").invitations
    store.lost = {"dave"}

    request = service.reject(ticket.id, by="bob")

    assert Target.agent("dave") == service.transfer(request.id).present_target
    assert {"could not route transfer"} == {record.message.partition(" t-")[0] for record in caplog.records}


def test_q3_a_directory_that_fails_for_all_is_not_asked_for_each() -> None:
    """Q3: after some failures in a row the rest is left to the next tick."""
    store, service = forgetful_floor(20)

    assert service.tick().invited == 0
    assert store.asked == 8


def test_q3_failures_in_a_row_are_counted_from_the_last_invitation() -> None:
    """Q3: and what was done before is told."""
    store, service = forgetful_floor(20, priority=2)

    assert service.tick().invited == 1
    assert store.asked == 8


def test_q3_a_store_that_is_away_is_not_asked_for_each() -> None:
    """Q3: nothing could be recorded for the others either."""
    store, service = forgetful_floor(2)
    store.error = StoreUnavailable(detail="away")

    assert service.tick().invited == 0
    assert store.asked == 1


class Counting(MemoryStore):
    """A store that counts how often it is asked who is able."""

    looks = 0

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        self.looks += 1
        return super().able(target, statuses=statuses, limit=limit)


def senders_of_mms(members: Collection[str]) -> tuple[Counting, TransferService]:
    """MMS of four senders wait for a queue of which nobody who is able handles any but Carol and the senders."""
    store = Counting()
    service = TransferService(store, clock=ManualClock())
    service.add_agent(Agent("bob", "Bob", status=ChannelStatus.READY, media={Media.SMS}))
    for name in ("carol", "a", "two", "three", "four"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, {"bob", "carol", *members})
    for name in ("carol", *members):
        service.set_not_ready(name)
    for name in ("a", "two", "three", "four"):
        service.open_interaction(Interaction(name, media=Media.MMS, contact=CONTACT, owner=name))
        service.request_transfer(name, QUEUE, by=name)
    return store, service


def test_q3_nobody_is_looked_for_twice_for_the_same_media() -> None:
    """Q3: whoever sent it; the cost of an agent who comes does not grow with the senders whose requests wait."""
    store, service = senders_of_mms([])
    store.looks = 0

    assert service.tick().invited == 0
    assert store.looks == 1


def test_q3_a_sender_who_could_take_it_from_others_is_found_for_them() -> None:
    """Q3: "a" is able, but not for its own, which is the first; those of the others are offered to it."""
    _, service = senders_of_mms(["a"])
    service.set_ready("a")

    assert {"two", "three", "four"} == {offered.id for offered in service.snapshot("a").desktop.offered}


def test_q3_whom_one_has_declined_is_invited_for_the_next_of_the_same_sender() -> None:
    """Q3, Q1: the older one goes on waiting for others."""
    floor = Floor()
    floor.unready("carol")
    floor.ask()
    floor.decline()
    floor.unready("bob")
    floor.clock.advance(SECOND)
    floor.begin("j")
    floor.ask("j")
    floor.service.set_ready("bob")

    assert (None, "bob") == (floor.invitee(), floor.invitee("j"))


def test_q3_whom_one_queue_has_nobody_for_another_may_have() -> None:
    """Q3: Bob, of the one queue, takes no MMS, and Carol, of the other, does; both get a place at the same moment."""
    floor = Floor(members=["bob"])
    floor.begin("k", "bob")
    floor.change("bob", capacity=1, media={Media.SMS})
    floor.change("carol", capacity=1)
    floor.ask("k", CAROL, by="bob")
    floor.hire("erin", status=ChannelStatus.NOT_READY)
    floor.service.update_queue(QUEUE, ["bob", "erin"])
    floor.staff(OTHER, ["carol"])
    for id_, target in (("i-mms", QUEUE), ("j-mms", OTHER)):
        floor.begin(id_, media=Media.MMS)
        floor.ask(id_, target)
        floor.clock.advance(SECOND)
    assert (None, None) == (floor.invitee("i-mms"), floor.invitee("j-mms"))
    floor.service.mark_done("k", by="bob")

    assert (None, "carol") == (floor.invitee("i-mms"), floor.invitee("j-mms"))


def test_q1_it_ends_at_once_when_nobody_is_left_whatever_waits_before_it() -> None:
    """Q1: Bob and Carol, who are Not Ready, could take the one with priority, and have declined the other."""
    floor = Floor()
    floor.unready("carol")
    request = floor.ask()
    floor.decline()
    floor.service.set_ready("carol")
    assert floor.invitee() == "carol"
    floor.unready("bob", "carol")
    floor.begin("j")
    floor.ask("j", priority=1)
    floor.decline()

    assert TransferState.FAILED is floor.outcome(request).state
    assert TransferState.ROUTING is floor.present("j").state


@pytest.mark.parametrize("status", [ChannelStatus.READY, ChannelStatus.NOT_READY])
def test_q5_a_tick_that_finds_nobody_left_asks_the_fallback_at_once(status: ChannelStatus) -> None:
    """Q5, Q1: what the ending of the one thing makes possible is done with it."""
    store = MemoryStore()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob", "carol"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.set_not_ready("bob")
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    service.request_transfer("i", QUEUE, by="alice", fallback=CAROL)
    known = service.agent("bob")
    store.replace_agent(known, attrs.evolve(known, status=status, media={Media.MMS}))  # and no more
    service.tick()

    assert ["i"] == [offered.id for offered in service.snapshot("carol").desktop.offered]


def test_q1_a_tick_ends_what_only_those_are_left_for_who_have_declined() -> None:
    """Q1: Bob has, and Carol does not handle it any more; the process that recorded that died before it looked."""
    store = MemoryStore()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob", "carol"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob", "carol"])
    service.set_not_ready("carol")
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = service.request_transfer("i", QUEUE, by="alice")
    (ticket,) = service.snapshot("bob").invitations
    service.reject(ticket.id, by="bob")
    known = service.agent("carol")
    store.replace_agent(known, attrs.evolve(known, media={Media.MMS}))  # and no more
    service.tick()

    assert TransferState.FAILED is service.transfer(request.id).state


@pytest.mark.parametrize("status", [ChannelStatus.READY, ChannelStatus.NOT_READY])
def test_e2_where_ready_is_not_required_both_are_invited(status: ChannelStatus) -> None:
    """E2, Q1: whoever is Ready as before, and whoever is not, too."""
    floor = Floor(members=["bob"], policy=TransferPolicy(require_ready=False))
    if status is ChannelStatus.NOT_READY:
        floor.unready("bob")
    floor.ask()

    assert floor.invitee() == "bob"


class Sparing(MemoryStore):
    """A store that leaves out of the loads who has none, as it may."""

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        return {agent_id: load for agent_id, load in super().loads(agent_ids, now).items() if load}


def test_e3_who_is_left_out_of_the_loads_has_none() -> None:
    """E3, Q1: their one place is free."""
    service = TransferService(Sparing(), clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY, capacity=1))
    service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = service.request_transfer("i", QUEUE, by="alice")

    assert TransferState.INVITED is request.state


class Meanwhile(MemoryStore):
    """A store on which another node does something while one looks who is there."""

    then: Callable[[], object] | None = None

    def _happen(self) -> None:
        then, self.then = self.then, None
        if then is not None:
            then()

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        found = super().members(target, limit=limit)
        self._happen()
        return found

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        found = super().loads(agent_ids, now)
        self._happen()
        return found


def two_nodes() -> tuple[Meanwhile, ManualClock, TransferService, TransferService]:
    """One request waits for Bob, who is not Ready; Carol is its fallback, and not Ready either."""
    store, clock = Meanwhile(), ManualClock()
    one, other = TransferService(store, clock=ManualClock()), TransferService(store, clock=clock)
    for name in ("alice", "bob", "carol"):
        one.add_agent(Agent(name, name, status=ChannelStatus.READY))
    one.add_queue(QUEUE, ["bob"])
    one.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    one.set_not_ready("bob")
    one.set_not_ready("carol")
    one.request_transfer("i", QUEUE, by="alice", fallback=CAROL)
    return store, clock, one, other


def test_q5_what_two_nodes_find_at_once_does_not_end_it_at_the_fallback() -> None:
    """Q5, A2: both find nobody left at the queue; the second one must not say so of the fallback."""
    store, _, one, other = two_nodes()
    known = store.queues([QUEUE])[QUEUE]
    store.replace_queue(known, attrs.evolve(known, members=frozenset()))
    store.then = other.tick
    one.tick()

    assert InteractionState.TRANSFERRING is one.interaction("i").state
    one.set_ready("carol")
    assert ["i"] == [offered.id for offered in one.snapshot("carol").desktop.offered]


def test_q5_an_agent_of_the_target_is_not_invited_for_the_fallback() -> None:
    """Q5, A2: the other node finds the deadline come; were Bob invited then, Carol would be told to have rejected."""
    store, clock, one, other = two_nodes()

    clock.advance(ROUTING_TIMEOUT)
    store.then = other.tick
    one.set_ready("bob")
    transfer = one.interaction("i").transfer

    assert transfer is not None
    assert (CAROL, TransferState.ROUTING) == (transfer.present_target, transfer.state)


class Leaving(MemoryStore):
    """A store in which an agent becomes unable between being found and being invited."""

    leaving: str | None = None
    status = ChannelStatus.NOT_READY

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        found = super().loads(agent_ids, now)
        if self.leaving is not None:
            (known,) = self.agents([self.leaving]).values()
            self.leaving = None
            self.replace_agent(known, attrs.evolve(known, status=self.status))
        return found


@pytest.mark.parametrize("status", [ChannelStatus.NOT_READY, ChannelStatus.LOGGED_OUT])
def test_q1_who_becomes_unable_in_the_meantime_is_passed_over(status: ChannelStatus) -> None:
    """Q1, T9, E1: found able, and not able any more when invited: the next one is."""
    store = Leaving()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob", "carol"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob", "carol"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    store.leaving, store.status = "bob", status

    invitation = service.request_transfer("i", QUEUE, by="alice").invitation
    assert invitation is not None
    assert invitation.invitee == "carol"


def test_q1_a_directory_that_knows_agents_only_works_for_queues() -> None:
    """Q1, Q3: the store keeps the queues, and whoever becomes Ready is found at once."""
    service = TransferService(directory=PlainDirectory(), clock=ManualClock())
    for name in ("alice", "bob", "carol"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY, groups={"g"}))
    service.add_queue(QUEUE, ["bob", "carol"])
    service.set_not_ready("bob")
    service.set_do_not_disturb("carol", on=True)
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))

    assert frozenset() == service.eligibility("i", QUEUE)
    assert {Reason.UNKNOWN} == service.eligibility("i", GROUP)
    request = service.request_transfer("i", QUEUE, by="alice")
    assert TransferState.ROUTING is request.state
    service.set_ready("bob")
    ticket = service.transfer(request.id).invitation
    assert ticket is not None
    service.reject(ticket.id, by="bob")
    service.set_do_not_disturb("carol", on=False)
    (ticket,) = service.snapshot("carol").invitations
    assert service.accept(ticket.id, by="carol").owner == "carol"


# Q4


def test_q4_the_longest_idle_is_invited() -> None:
    """Q4: whoever was given something, or gave something back, goes to the end."""
    floor = Floor(members=["bob", "carol"])
    order = []
    for number in range(4):
        floor.begin(f"n-{number}")
        floor.ask(f"n-{number}")
        order.append(floor.invitee(f"n-{number}"))
        floor.decline(f"n-{number}") if number == 1 else floor.take(f"n-{number}")
        if number == 1:
            floor.take("n-1")
    assert ["bob", "carol", "carol", "bob"] == order


def test_q4_a_change_of_status_goes_to_the_end() -> None:
    """Q4: whoever has just become Ready is the least idle."""
    floor = Floor()
    floor.service.set_not_ready("bob")
    floor.service.set_ready("bob")
    floor.ask()

    assert floor.invitee() == "carol"


@given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from("abcd")))
@settings(max_examples=40, deadline=None)
def test_q4_who_joins_a_queue_keeps_their_place_in_the_line(order: list[str], from_the_start: set[str]) -> None:
    """Q4: how long they were idle counts, and not when they joined."""
    floor = Floor(members=[])
    for agent_id in sorted(order):
        floor.hire(agent_id, capacity=1)
    for agent_id in order:
        floor.unready(agent_id)
        floor.service.set_ready(agent_id)
    floor.service.update_queue(QUEUE, from_the_start)
    floor.service.update_queue(QUEUE, order)
    floor.change("alice", capacity=9)
    for number in range(4):
        floor.begin(f"n-{number}")
        floor.ask(f"n-{number}")

    assert order == [floor.invitee(f"n-{number}") for number in range(4)]


class Rules:
    """A router that does as it is told, and remembers whom it could choose from."""

    def __init__(self, answer: object, reach: object = 8) -> None:
        self._answer = answer
        self._reach = reach
        self.asked: list[tuple[str, list[tuple[str, int]]]] = []

    @property
    def reach(self) -> int:
        if isinstance(self._reach, Exception):
            raise self._reach
        return self._reach  # type: ignore[return-value]

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        self.asked.append((interaction.id, [(one.agent.id, one.load) for one in candidates]))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer  # type: ignore[return-value]


def test_q4_a_router_of_the_hosts_picks() -> None:
    """Q4: from those who can receive now, the longest idle first, with their loads."""
    router = Rules("carol")
    floor = Floor(members=["alice", "bob", "carol"], router=router)
    floor.begin("b", "bob")
    floor.ask()

    assert floor.invitee() == "carol"
    assert [("i", [("carol", 0), ("bob", 1)])] == router.asked


class Incomparable:
    """Raises when it is compared, as arrays do."""

    __hash__ = None  # type: ignore[assignment]  # what cannot be compared cannot be hashed

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")


@pytest.mark.parametrize(
    "answer", [RuntimeError("broken"), "nobody", "alice", "dave", 5, object(), ["bob"], "", Incomparable()]
)
def test_q4_a_router_that_answers_nonsense_harms_no_transfer(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    """Q4: an unknown agent, the sender, one who is not Ready, or what is no id: the first candidate is invited."""
    floor = Floor(router=Rules(answer))
    floor.hire("dave", status=ChannelStatus.NOT_READY)
    floor.service.update_queue(QUEUE, ["alice", "bob", "carol", "dave"])
    floor.ask()

    assert floor.invitee() == "bob"
    assert {"interaction i"} == {" ".join(record.message.split(":")[0].split()[-2:]) for record in caplog.records}
    assert floor.take().owner == "bob"


def test_q4_a_router_may_pick_nobody_now() -> None:
    """Q4: then it waits, and is ended by its deadline like any other."""
    router = Rules(None)
    floor = Floor(router=router)
    request = floor.ask()
    assert (TransferState.ROUTING, None) == (request.state, floor.invitee())
    router.asked.clear()
    assert (0, 1) == (floor.service.tick().invited, len(router.asked))

    floor.pass_time(ROUTING_TIMEOUT)
    assert TransferState.EXPIRED is floor.outcome(request).state


@pytest.mark.parametrize("reach", [0, -1, None, "many", 1.5, RuntimeError("broken"), True, 1, 10**9])
def test_q4_a_reach_that_is_nonsense_harms_no_transfer(reach: object, caplog: pytest.LogCaptureFixture) -> None:
    """Q4: somebody is invited all the same."""
    router = Rules(RuntimeError(), reach=reach)
    floor = Floor(router=router)
    floor.ask()

    assert floor.invitee() == "bob"
    assert isinstance(reach, Exception) is ("could not ask how many candidates" in caplog.text)


def test_q4_a_router_gets_no_more_candidates_than_it_wants() -> None:
    """Q4: and never those who were asked before."""
    router = Rules("bob", reach=2)
    floor = Floor(router=router)
    for number in range(5):
        floor.hire(f"x-{number}")
    floor.service.update_queue(QUEUE, ["bob", "carol", *(f"x-{number}" for number in range(5))])
    floor.ask()
    floor.decline()

    assert [["bob", "carol"], ["carol", "x-0"]] == [[name for name, _ in among] for _, among in router.asked]


def test_q4_a_router_that_wants_one_gets_one() -> None:
    """Q4: the longest idle."""
    router = Rules("bob", reach=1)
    Floor(router=router).ask()

    assert [("i", [("bob", 0)])] == router.asked


def test_q4_who_cannot_take_it_hides_nobody_who_can() -> None:
    """Q1, Q4: many who are longer idle handle other media; one who is not so long idle can take it."""
    floor = Floor(members=[])
    many = [f"x-{number}" for number in range(30)]
    for agent_id in many:
        floor.hire(agent_id, media={Media.MMS})
    floor.hire("last")
    floor.service.update_queue(QUEUE, [*many, "last"])

    assert frozenset() == floor.service.eligibility("i", QUEUE)
    floor.ask()
    assert floor.invitee() == "last"


# Q5


@pytest.mark.parametrize("target", [BOB, QUEUE, Target.agent("nobody"), Target.queue("unknown")])
def test_q5_the_requests_fallback_is_asked_at_once_where_the_target_is_refused(target: Target) -> None:
    """Q5, A1: what was asked for stays known, and the history says where it went."""
    floor = Floor(members=["alice"])
    floor.service.log_out("bob")
    request = floor.ask(target=target, fallback=CAROL)

    history = floor.service.history("i")
    assert [CAROL] == [event.target for event in history if isinstance(event, TransferRedirected)]
    assert (TransferState.INVITED, target, CAROL) == (request.state, request.target, request.present_target)
    assert request.on_fallback
    assert floor.take().owner == "carol"


@pytest.mark.parametrize("target", [BOB, QUEUE, Target.agent("nobody"), Target.queue("unknown")])
def test_t3_the_policys_fallback_is_for_later(target: Target) -> None:
    """T3, Q5: whoever picks a target that cannot receive is told so, as the team communicator told them."""
    floor = Floor(members=["alice"], policy=TransferPolicy(fallback=CAROL))
    floor.service.log_out("bob")
    reasons = floor.service.eligibility("i", target)
    with pytest.raises(TargetNotEligible) as refused:
        floor.ask(target=target)

    assert reasons == refused.value.reasons


def test_q5_the_requests_fallback_goes_before_the_policys() -> None:
    """Q5: and where the target can take it, neither is asked."""
    floor = Floor(policy=TransferPolicy(fallback=BOB))
    floor.hire("dave")
    floor.ask(target=Target.agent("nobody"), fallback=CAROL)
    assert floor.invitee() == "carol"

    floor.begin("j")
    floor.ask("j", Target.agent("dave"), fallback=CAROL)
    assert floor.invitee("j") == "dave"


def test_q5_the_requests_fallback_goes_before_the_policys_later_too() -> None:
    """Q5: when the target was asked first."""
    floor = Floor(policy=TransferPolicy(fallback=ALICE))
    floor.ask(target=BOB, fallback=CAROL)
    floor.decline()

    assert floor.invitee() == "carol"


@pytest.mark.parametrize("fallback", [ALICE, Target.agent("nobody"), Target.queue("unknown"), QUEUE])
def test_q5_where_the_fallback_is_refused_too_the_targets_reasons_are_told(fallback: Target) -> None:
    """Q5, T3, F7: nothing changes."""
    floor = Floor(members=["alice"])
    floor.unready("bob")
    before = floor.service.history("i")

    with pytest.raises(TargetNotEligible) as refused:
        floor.ask(target=BOB, fallback=fallback)

    assert {Reason.NOT_READY} == refused.value.reasons
    assert (before, "alice") == (floor.service.history("i"), floor.owner)


def test_q5_the_fallback_is_asked_at_once_behind_an_expiry_that_nothing_had_recorded() -> None:
    """Q5, T10: one command records the end of the last transfer, and the beginning of this one at the fallback."""
    floor = Floor()
    last = floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    request = floor.ask(target=Target.agent("nobody"), fallback=CAROL)

    assert TransferState.EXPIRED is floor.outcome(last).state
    assert (TransferState.INVITED, "carol") == (request.state, floor.invitee())


def test_t10_any_other_refusal_behind_an_expiry_is_told_as_it_is() -> None:
    """T10, F1: who is not the owner is told so; the expiry is recorded, and no fallback asked."""
    floor = Floor()
    last = floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    with pytest.raises(NotPermitted) as refused:
        floor.ask(target=BOB, by="carol", fallback=ALICE)

    assert (Denial.NOT_OWNER, TransferState.EXPIRED) == (refused.value.reason, floor.outcome(last).state)
    assert InteractionState.ACTIVE is floor.state


def test_q3_a_place_that_an_expiry_has_freed_is_given_on_though_the_command_is_refused() -> None:
    """Q3, T10: what waited for Bob is his at once."""
    floor = Floor(members=["bob"])
    floor.change("bob", capacity=1)
    floor.begin("j")
    floor.ask(target=BOB)
    floor.ask("j")
    floor.clock.advance(TIMEOUT)
    with pytest.raises(TargetNotEligible):
        floor.ask(target=Target.agent("nobody"))
    assert floor.invitee("j") == "bob"

    floor.decline("j")
    floor.ask(target=BOB)
    floor.ask("j")
    floor.clock.advance(TIMEOUT)
    floor.ask(target=Target.agent("nobody"), fallback=CAROL)
    assert ("carol", "bob") == (floor.invitee(), floor.invitee("j"))


def test_q5_a_refusal_behind_an_expiry_is_told_where_there_is_no_fallback() -> None:
    """T10, F7: the expiry is recorded, and nothing else."""
    floor = Floor()
    last = floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    with pytest.raises(TargetNotEligible) as refused:
        floor.ask(target=Target.agent("nobody"))

    assert {Reason.UNKNOWN} == refused.value.reasons
    assert TransferState.EXPIRED is floor.outcome(last).state
    assert InteractionState.ACTIVE is floor.state


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("fallback", [CAROL, QUEUE], ids=["agent", "queue"])
def test_q5_it_goes_to_the_fallback_when_an_agent_is_lost(lose: Callable[[Floor], object], fallback: Target) -> None:
    """Q5, A2: at once and without an error; history says why, and where it went."""
    floor = Floor(members=["carol"])
    request = floor.ask(target=BOB, fallback=fallback)
    lose(floor)

    assert floor.invitee() == "carol"
    assert (None, []) == floor.told()
    assert [fallback] == [event.target for event in floor.service.history("i") if isinstance(event, TransferRedirected)]
    pending = floor.alice.workspace.windows["i"].pending
    assert pending is not None
    assert fallback == pending.target
    assert floor.take().owner == "carol"
    assert (BOB, True) == (floor.service.transfer(request.id).target, floor.service.transfer(request.id).on_fallback)


def test_q5_it_goes_to_the_fallback_at_the_routing_deadline() -> None:
    """Q5: with a deadline of its own, from then on."""
    floor = Floor(members=["bob"])
    floor.unready("bob")
    request = floor.ask(fallback=CAROL)
    floor.pass_time(ROUTING_TIMEOUT)

    assert floor.invitee() == "carol"
    assert request.deadline + ROUTING_TIMEOUT == floor.present().deadline


def test_q5_it_goes_to_the_fallback_when_nobody_is_left() -> None:
    """Q5: at once."""
    floor = Floor(members=["bob"])
    floor.ask(fallback=CAROL)
    floor.decline()

    assert floor.invitee() == "carol"


@pytest.mark.parametrize(
    ("how", "state", "code"),
    [
        ("rejects", TransferState.REJECTED, "transfer.rejected"),
        ("does not answer", TransferState.EXPIRED, "transfer.expired"),
        ("logs out", TransferState.FAILED, "transfer.failed.invitee_logged_out"),
        ("is disconnected", TransferState.FAILED, "transfer.failed.invitee_disconnected"),
    ],
)
def test_q5_the_fallback_is_used_once_and_what_it_did_is_told(how: str, state: TransferState, code: str) -> None:
    """Q5, A2, T6: the outcome is the fallback's, and what the target did stays known."""
    floor = Floor()
    request = floor.ask(target=BOB, fallback=CAROL)
    floor.decline(reason="busy")
    LOSSES[how](floor)

    assert state is floor.outcome(request).state
    assert (code, [code]) == floor.told()
    (past,) = floor.service.transfer(request.id).past_invitations
    assert ("bob", TransferState.REJECTED, "busy") == (past.invitee, past.outcome.state, past.outcome.reason)
    (message,) = floor.alice.workspace.my_messages
    assert message.text.startswith("Carol ")


def test_q5_a_fallback_that_waits_for_an_agent_asks_when_they_become_able() -> None:
    """Q5, Q3: the agent is not Ready when it goes there, and then is."""
    floor = Floor()
    floor.unready("carol")
    floor.ask(target=BOB, fallback=CAROL)
    floor.decline()
    assert (TransferState.ROUTING, "alice") == (floor.present().state, floor.owner)

    floor.service.set_ready("carol")
    assert floor.invitee() == "carol"


@pytest.mark.parametrize(
    ("fallback", "code"),
    [
        (Target.queue("unknown"), "transfer.failed.no_agent_left"),
        (Target.agent("nobody"), "transfer.failed.no_agent_left.agent"),
        (ALICE, "transfer.failed.no_agent_left.agent"),
        (BOB, "transfer.failed.no_agent_left.agent"),
    ],
)
def test_q5_a_fallback_that_cannot_take_it_ends_it(fallback: Target, code: str) -> None:
    """Q5, A2: unknown, the sender, or somebody who was asked already: FAILED at once, with both surfaces."""
    floor = Floor(members=["bob"])
    request = floor.ask(fallback=fallback)
    floor.decline()

    assert (TransferState.FAILED, "no_agent_left", "alice") == (
        floor.outcome(request).state,
        floor.outcome(request).reason,
        floor.owner,
    )
    assert (code, [code]) == floor.told()


@pytest.mark.parametrize("handover", Handover)
def test_d6_of_a_fallback_agent_who_was_never_able_it_is_said_as_of_a_person(handover: Handover) -> None:
    """D6, A2, Q5: Carol was not asked, so she has not failed to answer, and nobody is “at Carol”."""
    floor = Floor(policy=TransferPolicy(handover=handover, return_to_sender=True))
    floor.unready("carol")
    floor.ask(fallback=CAROL)
    floor.pass_time(2 * ROUTING_TIMEOUT)

    (message,) = floor.alice.workspace.my_messages
    back = handover is Handover.ON_PLACEMENT
    words = "Carol could not be asked in time." + back * " The conversation came back to you."
    assert (f"transfer.{'returned' if back else 'expired'}.no_agent_in_time.agent", words) == (
        message.code,
        message.text,
    )


def test_q5_a_fallback_that_is_the_target_is_none() -> None:
    """Q5: the same once more would be no help."""
    floor = Floor(policy=TransferPolicy(fallback=BOB))
    request = floor.ask(target=BOB)
    floor.decline()
    assert TransferState.REJECTED is floor.outcome(request).state

    floor.unready("bob")
    with pytest.raises(TargetNotEligible):
        floor.ask(target=BOB)


@pytest.mark.parametrize("refused_at_once", [True, False])
def test_f5_a_repeated_request_with_a_fallback_has_the_effect_of_one(refused_at_once: bool) -> None:
    """F5, Q5: whether it had gone to the fallback at once, later, or not yet."""
    floor = Floor()
    if refused_at_once:
        floor.unready("bob")
    made = floor.ask(target=BOB, fallback=CAROL, key="k")
    if not refused_at_once:
        assert made == floor.ask(target=BOB, fallback=CAROL, key="k")
        floor.decline()
    again = floor.ask(target=BOB, fallback=CAROL, key="k")

    assert (made.id, "carol") == (again.id, floor.invitee())
    assert [TransferRequested] == [
        type(event) for event in floor.service.history("i") if isinstance(event, TransferRequested)
    ]
    floor.take()
    assert TransferState.ACCEPTED is floor.ask(target=BOB, fallback=CAROL, key="k").state


def test_t10_a_fallback_is_reached_however_late_the_sweep() -> None:
    """F4, Q5: Bob did not answer and nobody swept for an hour: then the fallback's time is over as well."""
    floor = Floor()
    request = floor.ask(target=BOB, fallback=CAROL)
    floor.pass_time(HOUR)

    outcome = floor.outcome(request)
    assert (TransferState.EXPIRED, "no_agent_in_time") == (outcome.state, outcome.reason)
    assert request.requested_at + TIMEOUT + ROUTING_TIMEOUT == outcome.at
    assert ["transfer.expired.no_agent_in_time.agent"] == floor.told()[1]


# E1, E4, A6


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_e1_a_target_without_anybody_fit_has_its_reason(target: Target) -> None:
    """E1, T3: the question and the request agree; who is only not Ready, or full, may come to it later."""
    floor = Floor(target, ["alice", "bob", "carol"])
    floor.change("bob", media={Media.MMS})
    floor.change("carol", privileges=frozenset(Privilege) - {Privilege.USE_SMS})

    assert {Reason.NO_AGENTS} == floor.service.eligibility("i", target)
    with pytest.raises(TargetNotEligible) as refused:
        floor.ask()
    assert {Reason.NO_AGENTS} == refused.value.reasons

    floor.change("carol", privileges=frozenset(Privilege))
    floor.service.log_out("carol")
    assert frozenset() == floor.service.eligibility("i", target)
    assert TransferState.ROUTING is floor.ask().state


def test_e1_the_reasons_of_a_queue_are_told_together() -> None:
    """E1, T3, A4: the kind, the hops, and that nobody knows it or serves it."""
    kinds = frozenset(TargetKind) - {TargetKind.QUEUE}
    floor = Floor(members=[], policy=TransferPolicy(max_hops=0, kinds=kinds))

    assert {Reason.KIND_NOT_ALLOWED, Reason.TOO_MANY_HOPS, Reason.NO_AGENTS} == floor.service.eligibility("i", QUEUE)
    assert {Reason.KIND_NOT_ALLOWED, Reason.TOO_MANY_HOPS, Reason.UNKNOWN} == floor.service.eligibility("i", OTHER)
    assert {Reason.TOO_MANY_HOPS, Reason.UNKNOWN} == floor.service.eligibility("i", GROUP)


@pytest.mark.parametrize("kind", TargetKind)
def test_e1_policy_says_which_kinds_can_be_transferred_to(kind: TargetKind) -> None:
    """E1: of any other kind it is refused, though it could take it."""
    floor = Floor(policy=TransferPolicy(kinds=frozenset(TargetKind) - {kind}))
    targets = {TargetKind.AGENT: BOB, **{target.kind: target for target in SEVERAL}}
    for target in SEVERAL[1:]:
        floor.staff(target, ["carol"])

    expected = {one: {Reason.KIND_NOT_ALLOWED} if one is kind else set[Reason]() for one in TargetKind}
    assert expected == {one: set(floor.service.eligibility("i", target)) for one, target in targets.items()}


def test_e4_who_may_not_decline_cannot_reject_an_invitation_from_a_queue() -> None:
    """E4: the command is guarded as well as the button; the invitation stays out."""
    floor = Floor()
    floor.change("bob", privileges=frozenset(Privilege) - {Privilege.DECLINE})
    floor.ask()
    (preview,) = floor.bob.workspace.previews.values()
    assert not preview.can_reject

    with pytest.raises(NotPermitted) as refused:
        floor.decline()
    assert (Denial.NO_DECLINE, "bob") == (refused.value.reason, floor.invitee())


def test_a6_nothing_personal_shows_of_a_queue_or_its_requests() -> None:
    """A6: neither who serves it, nor the words of the request and of those who declined it."""
    floor = Floor()
    floor.ask(note="secret note")
    floor.decline(reason="secret reason")
    queue = floor.service.update_queue(QUEUE, ["bob", "carol"])

    shown = f"{queue!r} {floor.present()!r} {floor.service.interaction('i')!r} {floor.service.history('i')!r}"
    assert "secret" not in shown
    assert "bob" not in repr(queue)


def test_a1_history_tells_every_offer_and_how_it_ended() -> None:
    """A1: in order, with who and when."""
    floor = Floor()
    floor.ask()
    floor.decline()
    floor.pass_time(TIMEOUT)

    names = [type(event).__name__ for event in floor.service.history("i")]
    assert [
        "InteractionOpened",
        "TransferRequested",
        "InvitationSent",
        "InvitationRejected",
        "InvitationSent",
        "InvitationExpired",
        "TransferFailed",
    ] == names


def test_f1_the_epoch_moves_with_the_owner_only() -> None:
    """F1: however many are asked, the sender's window stays good."""
    floor = Floor()
    epoch = floor.opened.epoch
    floor.ask()
    floor.decline()
    floor.service.reply("i", "one moment", by="alice", epoch=epoch)

    assert epoch + 1 == floor.take().epoch


def test_t12_a_text_that_comes_while_it_waits_reaches_whoever_takes_it() -> None:
    """T12: it goes to the sender and into the transcript, in order."""
    floor = Floor()
    floor.unready("bob", "carol")
    floor.ask()
    floor.service.receive_message("i", "hello?")
    floor.service.reply("i", "soon", by="alice")
    floor.service.set_ready("bob")
    floor.service.receive_message("i", "thanks")
    floor.take()

    texts = ["hello?", "soon", "thanks"]
    assert texts == [message.text for message in floor.bob.workspace.windows["i"].transcript]
    assert texts == [message.text for message in floor.service.transcript("i")]


def test_q5_nobody_is_invited_for_a_target_that_they_do_not_serve() -> None:
    """Q5, Q1: also where the request goes to its fallback between the look for an agent and the invitation."""
    clock, store, router = ManualClock(), MemoryStore(), Slow()
    service, other = TransferService(store, router=router, clock=clock), TransferService(store, clock=clock)
    for agent_id, group in (("alice", "other"), ("bob", "day"), ("carol", "night")):
        service.add_agent(Agent(agent_id, agent_id, status=ChannelStatus.NOT_READY, groups={group}))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    day, night = Target.agent_group("day"), Target.agent_group("night")
    request = service.request_transfer("i", day, by="alice", fallback=night)

    def keep_the_deadline() -> None:
        clock.advance(ROUTING_TIMEOUT)
        other.expire_due()

    router.meanwhile = keep_the_deadline
    service.set_ready("bob")

    request = service.transfer(request.id)
    assert (TransferState.ROUTING, night) == (request.state, request.present_target)


class Slow:
    """The longest idle, but not before something else has happened."""

    reach = 8

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        del interaction
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return candidates[0].agent.id


def test_a1_the_history_says_whose_doing_an_invitation_is() -> None:
    """A1: the sender asks; the next agent is invited by nobody's doing but the router's."""
    floor = Floor()
    floor.unready("bob")
    floor.unready("carol")
    floor.ask()
    floor.service.set_ready("bob")
    floor.decline()
    floor.service.set_ready("carol")
    floor.begin("j")
    floor.hire("dave")
    floor.ask("j", Target.agent("dave"))

    def by(id_: str) -> list[str | None]:
        return [event.by for event in floor.service.history(id_) if isinstance(event, InvitationSent)]

    assert [None, None] == by("i")
    assert ["alice"] == by("j")


@pytest.mark.parametrize("target", [Target.agent_group("night"), Target.skill("night")])
def test_q1_a_request_fails_at_once_when_the_last_one_leaves_the_group_or_loses_the_skill(target: Target) -> None:
    """Q1: as when the last one leaves a queue."""
    floor = Floor()
    floor.hire("dave", groups={"night"}, skills={"night"})
    floor.unready("dave")
    request = floor.ask(target=target)
    floor.service.update_agent(attrs.evolve(floor.service.agent("dave"), groups=(), skills=()))

    assert (TransferState.FAILED, "no_agent_left") == (floor.outcome(request).state, floor.outcome(request).reason)
