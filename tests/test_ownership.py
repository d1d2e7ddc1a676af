"""Ownership, F1 to F7, within one process: what holds always."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Event

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    AlreadyExists,
    Attachment,
    ChannelStatus,
    Conflict,
    Denial,
    IllegalTransition,
    Interaction,
    InteractionState,
    InvalidValue,
    Invitation,
    InvitationClosed,
    InvitationSent,
    Media,
    NotPermitted,
    OwnershipMoved,
    Reason,
    SmsTransferError,
    StaleEpoch,
    Target,
    TargetNotEligible,
    Tick,
    TransferClosed,
    TransferPending,
    TransferPolicy,
    TransferRequest,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer import Event as HistoryEvent
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Accept, Cancel, Expire, FailInvitation
from sms_transfer.core.decide import decide
from sms_transfer.core.decision import Context, Decision
from sms_transfer.errors import CorruptRecord, StoreUnavailable
from sms_transfer.serial import OneAtATime
from sms_transfer.testing import ManualClock, strategies
from support import ALICE, BOB, CAROL, CONTACT, MOMENT, TIMEOUT, Centre, FakeGateway

NOW = datetime(2026, 1, 1, tzinfo=UTC)

Act = Callable[[Centre, int | None], object]

OWNER_COMMANDS: list[tuple[str, Act]] = [
    ("reply", lambda c, epoch: c.service.reply("i", "hello", by="alice", epoch=epoch)),
    ("mark_done", lambda c, epoch: c.service.mark_done("i", by="alice", epoch=epoch)),
    ("request_transfer", lambda c, epoch: c.service.request_transfer("i", CAROL, by="alice", epoch=epoch)),
    ("update_case_data", lambda c, epoch: c.service.update_case_data("i", {"a": 1}, by="alice", epoch=epoch)),
    ("set_note", lambda c, epoch: c.service.set_note("i", "note", by="alice", epoch=epoch)),
    ("save_attachment", lambda c, epoch: c.service.save_attachment("i", "a", by="alice", epoch=epoch)),
]
TRIGGERS = {"request_transfer": "begin_transfer"}
"""What the commands are called in the table of the machine, where that is not their own name."""
ACTS = [pytest.param(act, id=name) for name, act in OWNER_COMMANDS]


def a_service(store: MemoryStore | None = None, **ports: object) -> TransferService:
    """Alice and Bob, both Ready; Alice owns ``"i"``."""
    service = TransferService(store, **{"clock": ManualClock(), **ports})  # type: ignore[arg-type]
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


def everything(centre: Centre) -> tuple[object, ...]:
    """All that can be read of a centre, and all that left it."""
    service = centre.service
    return (
        service.interaction("i"),
        service.history("i"),
        service.transcript("i"),
        tuple(service.snapshot(agent_id) for agent_id in centre.desks),
        service.events(),
        tuple(tuple(desk.ui.calls) for desk in centre.desks.values()),
        tuple(centre.gateway.sent),
    )


# F1


@pytest.mark.parametrize("act", ACTS)
def test_f1_a_former_owners_command_is_refused(act: Act) -> None:
    """F1: without an epoch it is the ownership that counts; the refusal names the owner."""
    centre = Centre()
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    before = everything(centre)

    with pytest.raises(NotPermitted) as refused:
        act(centre, None)

    assert refused.value.fields == {"agent_id": "alice", "reason": Denial.NOT_OWNER, "owner": "bob"}
    assert before == everything(centre)


@pytest.mark.parametrize("act", ACTS)
def test_f1_a_former_owners_command_from_a_stale_screen_is_refused(act: Act) -> None:
    """F1: under the old epoch; the refusal names the present one and the owner."""
    centre = Centre()
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    with pytest.raises(StaleEpoch) as refused:
        act(centre, 0)

    assert refused.value.fields == {"given": 0, "current": 1, "owner": "bob"}


@pytest.mark.parametrize("act", ACTS)
def test_f1_a_command_made_under_an_earlier_ownership_of_ones_own_is_refused(act: Act) -> None:
    """F1: who gave it away and got it back is the owner, but the old screen is stale."""
    centre = Centre()
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    back = centre.service.request_transfer("i", ALICE, by="bob")
    centre.service.accept(centre.ticket(back), by="alice")

    with pytest.raises(StaleEpoch) as refused:
        act(centre, 0)

    assert refused.value.fields == {"given": 0, "current": 2, "owner": "alice"}


def test_f1_a_former_owners_cancel_is_refused() -> None:
    """F1, T11: it is told who accepted and who owns it."""
    centre = Centre()
    request = centre.invite()
    centre.service.accept(centre.ticket(request), by="bob")

    with pytest.raises(InvitationClosed) as refused:
        centre.service.cancel(request.id, by="alice")

    assert TransferState.ACCEPTED is refused.value.outcome.state
    assert refused.value.outcome.owner == "bob"


@pytest.mark.parametrize("act", ACTS)
def test_f1_the_owners_command_under_the_present_epoch_is_taken(act: Act) -> None:
    """F1: the epoch of the window that shows the truth is the right one."""
    centre = Centre()
    centre.service.receive_message("i", "look", attachments=[Attachment("a", content_type="image/png")])

    act(centre, centre.alice.workspace.windows["i"].interaction.epoch)


def test_f1_an_outbound_text_carries_the_epoch_it_was_written_under() -> None:
    """F1: recorded with the text, always."""
    centre = Centre()
    first = centre.service.reply("i", "one", by="alice")
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    second = centre.service.reply("i", "two", by="bob")

    assert [first.epoch, second.epoch] == [0, 1]
    assert (first, second) == centre.service.transcript("i")


@given(strategies.histories())
def test_f1_there_is_one_owner_at_every_instant_of_every_history(events: tuple[HistoryEvent, ...]) -> None:
    """F1: ownership moves from the owner to another, one epoch at a time, and by acceptance only."""
    owner: object = "a"
    epoch = 0
    for event in events:
        if isinstance(event, OwnershipMoved):
            assert (owner, epoch + 1) == (event.former_owner, event.epoch)
            owner, epoch = event.owner, event.epoch


# F2


def test_f2_a_second_transfer_is_refused_while_one_is_live() -> None:
    """F2: the refusal names the live one."""
    centre = Centre()
    request = centre.invite()
    before = everything(centre)

    with pytest.raises(TransferPending) as refused:
        centre.invite(CAROL)

    assert request == refused.value.transfer
    assert before == everything(centre)


def test_f2_requests_that_race_leave_one_live_transfer() -> None:
    """F2: one of many threads wins; the others are shown its request."""
    centre = Centre()
    together = Barrier(8)

    def attempt(number: int) -> tuple[bool, str]:
        together.wait()
        try:
            return True, centre.invite(BOB if number % 2 else CAROL).id
        except TransferPending as refused:
            return False, refused.transfer.id

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(8)))

    live = centre.service.interaction("i").transfer
    assert live is not None
    assert [live.id] == [id_ for won, id_ in results if won]
    assert {live.id} == {id_ for _, id_ in results}


@given(strategies.histories())
def test_f2_no_history_has_two_live_transfers(events: tuple[HistoryEvent, ...]) -> None:
    """F2: a transfer is requested only after the one before it has its outcome."""
    live: str | None = None
    for event in events:
        if isinstance(event, TransferRequested):
            assert live is None
            live = event.transfer_id
        elif isinstance(event, TransferClosed):
            assert live == event.transfer_id
            live = None


# F3

Answer = Callable[[Centre, TransferRequest], object]

ANSWERS: list[tuple[TransferState, Answer]] = [
    (TransferState.ACCEPTED, lambda c, r: c.service.accept(c.ticket(r), by="bob")),
    (TransferState.REJECTED, lambda c, r: c.service.reject(c.ticket(r), by="bob")),
    (TransferState.CANCELLED, lambda c, r: c.service.cancel(r.id, by="alice")),
]
ENDINGS: list[tuple[TransferState, Answer]] = [
    *ANSWERS,
    (TransferState.EXPIRED, lambda c, _: c.pass_time(TIMEOUT)),
    (TransferState.CANCELLED, lambda c, _: c.service.mark_done("i", by="alice")),
    (TransferState.FAILED, lambda c, _: (c.service.log_out("bob"), c.service.log_in("bob"))),
]


@pytest.mark.parametrize(("won", "end"), ENDINGS)
@pytest.mark.parametrize(("_", "late"), ANSWERS)
def test_f3_an_outcome_is_final_and_every_later_answer_is_told_it(
    won: TransferState, end: Answer, _: TransferState, late: Answer
) -> None:
    """F3, T11: the loser is told what won, and nothing changes."""
    centre = Centre()
    request = centre.invite()
    end(centre, request)
    closed = centre.service.transfer(request.id)
    before = everything(centre)

    with pytest.raises(InvitationClosed) as refused:
        late(centre, request)

    assert won is refused.value.outcome.state
    assert closed.outcome == refused.value.outcome
    assert before == everything(centre)
    assert closed == centre.service.transfer(request.id)


@pytest.mark.parametrize(("won", "end"), ENDINGS)
def test_f3_time_does_not_change_an_outcome(won: TransferState, end: Answer) -> None:
    """F3: a deadline that comes after the outcome finds nothing to do."""
    centre = Centre()
    request = centre.invite()
    end(centre, request)
    closed = centre.service.transfer(request.id)

    centre.clock.advance(TIMEOUT)

    assert Tick(expired=(), sent=0) == centre.service.tick()
    assert closed == centre.service.transfer(request.id)
    assert won is closed.state


def test_f3_the_refusal_names_who_owns_it_now_not_who_did_then() -> None:
    """F3, T11: ownership may have moved on since."""
    centre = Centre()
    request = centre.invite()
    centre.service.reject(centre.ticket(request), by="bob")
    centre.service.accept(centre.ticket(centre.invite(CAROL)), by="carol")

    with pytest.raises(InvitationClosed) as refused:
        centre.service.accept(centre.ticket(request), by="bob")

    assert (refused.value.outcome.state, refused.value.outcome.owner) == (TransferState.REJECTED, "carol")


def attempted(way: Answer, centre: Centre, request: TransferRequest, together: Barrier) -> SmsTransferError | None:
    """Go this way when everybody is there; what it raises."""
    together.wait()
    try:
        way(centre, request)
    except SmsTransferError as error:
        return error
    return None


@pytest.mark.parametrize("late", [timedelta(0), MOMENT])
def test_f3_every_way_to_end_it_races_and_one_wins(late: timedelta) -> None:
    """F3: accept, reject, cancel, closing, disconnection and the timeout at once, before the deadline and at it."""
    for _ in range(10):
        centre = Centre()
        request = centre.invite()
        centre.clock.advance(TIMEOUT - MOMENT + late)
        ways = [
            *(answer for _, answer in ANSWERS),
            lambda c, _: c.service.expire_due(),
            lambda c, _: c.service.mark_done("i", by="alice"),
            lambda c, _: c.service.log_out("bob", disconnected=True),
        ]
        together = Barrier(len(ways))
        attempts = [partial(attempted, way, centre, request, together) for way in ways]

        with ThreadPoolExecutor(len(ways)) as pool:
            errors = [told for told in pool.map(partial.__call__, attempts) if told is not None]

        outcomes = [event.outcome for event in centre.service.history("i") if isinstance(event, TransferClosed)]
        assert [centre.service.transfer(request.id).outcome] == outcomes
        told = [error.outcome for error in errors if isinstance(error, InvitationClosed)]
        assert {outcomes[0].state}.issuperset(outcome.state for outcome in told)


@given(strategies.histories())
def test_f3_each_request_of_every_history_has_at_most_one_outcome(events: tuple[HistoryEvent, ...]) -> None:
    """F3: and none without a request."""
    closed = [event.transfer_id for event in events if isinstance(event, TransferClosed)]
    requested = [event.transfer_id for event in events if isinstance(event, TransferRequested)]

    assert len(closed) == len(set(closed))
    assert set(closed) <= set(requested)


# F4


def test_f4_every_live_request_has_a_deadline() -> None:
    """F4: as long as policy says, for the request and its invitation."""
    centre = Centre(policy=TransferPolicy(invitation_timeout=timedelta(minutes=2)))
    request = centre.invite()

    assert centre.clock.now() + timedelta(minutes=2) == request.deadline
    assert request.invitation is not None
    assert request.deadline == request.invitation.deadline


@pytest.mark.parametrize("late", [timedelta(0), MOMENT, timedelta(days=400)])
def test_f4_a_sweep_may_come_late(late: timedelta) -> None:
    """F4: the result is the same but for the time it is recorded at."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT + late)

    (expired,) = centre.service.expire_due()

    assert centre.service.transfer(request.id) == expired
    assert TransferState.EXPIRED is expired.state


def test_f4_a_sweep_before_the_deadline_does_nothing() -> None:
    """F4: not a moment too early."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT - MOMENT)
    before = everything(centre)

    assert centre.service.expire_due() == []
    assert before == everything(centre)
    assert request == centre.service.transfer(request.id)


def test_f4_a_second_sweep_does_nothing() -> None:
    """F4: twice is as once."""
    centre = Centre()
    centre.invite()
    centre.clock.advance(TIMEOUT)
    centre.service.expire_due()
    before = everything(centre)

    assert centre.service.expire_due() == []
    assert before == everything(centre)


def test_f4_sweeps_at_the_same_time_expire_each_request_once() -> None:
    """F4: as from two machines."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    together = Barrier(6)

    def sweep(_: int) -> list[TransferRequest]:
        together.wait()
        return centre.service.expire_due()

    with ThreadPoolExecutor(6) as pool:
        swept = [one for result in pool.map(sweep, range(6)) for one in result]

    assert [centre.service.transfer(request.id)] == swept


def test_f4_two_services_on_one_store_sweep_like_one() -> None:
    """F4: deadlines are data, so whoever comes finds them."""
    store, clock = MemoryStore(), ManualClock()
    one = a_service(store, clock=clock)
    request = one.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)
    other = TransferService(store, clock=clock)

    assert [request.id] == [expired.id for expired in other.expire_due()]
    assert one.expire_due() == []


def test_f4_a_sweep_takes_the_earliest_first_and_no_more_than_asked() -> None:
    """F4: what is left is due still."""
    centre = Centre()
    ids = []
    for number in range(3):
        centre.service.open_interaction(Interaction(f"j-{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
        ids.append(centre.service.request_transfer(f"j-{number}", BOB, by="alice").id)
        centre.clock.advance(MOMENT)
    centre.clock.advance(TIMEOUT)

    assert ids[:2] == [expired.id for expired in centre.service.expire_due(limit=2)]
    assert ids[2:] == [expired.id for expired in centre.service.expire_due(limit=2)]


def test_f4_one_request_that_cannot_be_closed_does_not_keep_the_others_open(caplog: pytest.LogCaptureFixture) -> None:
    """F4: the store's error is logged, and the next sweep tries again."""

    class Failing(MemoryStore):
        broken = True

        def commit(self, decision: Decision) -> None:
            if self.broken and decision.interaction.id == "i" and decision.interaction.error is not None:
                raise StoreUnavailable(detail="no disk")
            super().commit(decision)

    store, clock = Failing(), ManualClock()
    service = a_service(store, clock=clock)
    first = service.request_transfer("i", BOB, by="alice")
    service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    second = service.request_transfer("j", BOB, by="alice")
    clock.advance(TIMEOUT)

    assert [second.id] == [expired.id for expired in service.expire_due()]
    assert f"could not expire transfer {first.id}: StoreUnavailable" in caplog.text
    store.broken = False
    assert [first.id] == [expired.id for expired in service.expire_due()]


def test_f4_a_request_that_is_closed_between_the_finding_and_the_closing_is_not_told_as_expired() -> None:
    """F4: a sweep that is beaten by somebody else has done nothing."""

    class Overtaken(MemoryStore):
        def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
            found = super().due(now, limit=limit)
            for transfer_id in found:
                with suppress(InvitationClosed):
                    service.cancel(transfer_id, by="alice")
            return found

    clock = ManualClock()
    service = a_service(Overtaken(), clock=clock)
    request = service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)

    assert service.expire_due() == []
    assert TransferState.EXPIRED is service.transfer(request.id).state


def test_f4_a_thread_may_do_the_ticking() -> None:
    """F4: as long as the context lasts, deadlines are swept by themselves."""
    expired = Event()

    class Watched(InProcessMessaging):
        def ring(self, agent_ids: Collection[str]) -> None:
            super().ring(agent_ids)
            if service.interaction("i").error is not None:
                expired.set()

    clock = ManualClock()
    service = a_service(messaging=Watched(), clock=clock)
    request = service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)

    with service.ticking(MOMENT):
        assert expired.wait(30)

    assert TransferState.EXPIRED is service.transfer(request.id).state


def test_f4_ticking_goes_on_when_a_tick_fails(caplog: pytest.LogCaptureFixture) -> None:
    """F4: a port may raise anything; the next tick tries again."""
    again = Event()

    class Moody(MemoryStore):
        calls = 0

        def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
            self.calls += 1
            if self.calls > 1:
                again.set()
            elif self.calls == 1:
                raise RuntimeError("secret text")
            return super().due(now, limit=limit)

    service = a_service(Moody())

    with service.ticking(MOMENT):
        assert again.wait(30)

    assert "could not tick: RuntimeError" in caplog.text
    assert "secret text" not in caplog.text


def routing() -> Interaction:
    """An interaction whose live request waits for an agent to be found: nobody is invited."""
    request = TransferRequest(
        "t",
        interaction_id="i",
        sender="alice",
        target=Target.queue("q"),
        state=TransferState.ROUTING,
        requested_at=NOW,
        deadline=NOW + TIMEOUT,
    )
    return Interaction(
        "i",
        media=Media.SMS,
        contact=CONTACT,
        owner="alice",
        state=InteractionState.TRANSFERRING,
        version=1,
        transfer=request,
    )


def context(interaction: Interaction, now: datetime = NOW) -> Context:
    alice = Agent("alice", "Alice", status=ChannelStatus.READY)
    return Context(now=now, policy=TransferPolicy(), agents={"alice": alice}, request=interaction.transfer)


def test_f4_a_request_without_an_invitation_expires_too() -> None:
    """F4, Q1: with nobody invited there is no invitation to expire."""
    interaction = routing()

    decision = decide(interaction, Expire("t"), context(interaction, NOW + TIMEOUT))

    assert [type(event).__name__ for event in decision.events] == ["TransferExpired"]
    assert (decision.interaction.state, decision.interaction.owner) == (InteractionState.ACTIVE, "alice")


def test_f4_a_request_without_an_invitation_can_be_cancelled() -> None:
    """T8, Q1: with nobody invited there is no invitation to withdraw."""
    interaction = routing()

    decision = decide(interaction, Cancel("t", by="alice"), context(interaction))

    assert [type(event).__name__ for event in decision.events] == ["TransferCancelled"]
    assert TransferState.CANCELLED is decision.requests[-1].state


def test_f4_a_request_without_an_invitation_has_no_invitee_to_lose() -> None:
    """T9, Q1: nothing changes."""
    interaction = routing()

    decision = decide(interaction, FailInvitation("v"), context(interaction))

    assert (interaction, ()) == (decision.interaction, decision.events)


def test_f1_what_a_queue_owns_moves_to_the_agent_who_accepts() -> None:
    """F1, Q2: the queue has no desktop that would have to be told."""
    waiting = routing().transfer
    assert waiting is not None
    invitation = Invitation("v", invitee="alice", offered_at=NOW, deadline=NOW + TIMEOUT)
    invited = attrs.evolve(waiting, sender="bob", state=TransferState.INVITED, invitation=invitation)
    queue = Target.queue("q")
    interaction = attrs.evolve(routing(), owner=queue, state=InteractionState.QUEUED, transfer=invited)

    decision = decide(interaction, Accept("v", by="alice"), context(interaction))

    assert ("alice", 1) == (decision.interaction.owner, decision.interaction.epoch)
    assert [queue] == [event.former_owner for event in decision.events if isinstance(event, OwnershipMoved)]
    assert ("alice",) == decision.concerned


def test_f4_a_store_that_contradicts_itself_is_found_out() -> None:
    """F3: a request that is live without its interaction knowing can have no outcome told."""
    interaction = routing()
    settled = attrs.evolve(interaction, state=InteractionState.ACTIVE, transfer=None)

    with pytest.raises(CorruptRecord) as broken:
        decide(settled, Cancel("t", by="alice"), context(interaction))

    assert broken.value.fields == {"kind": "transfer", "id": "t"}


# F4, T9: nobody who has left is left invited


def test_f4_an_invitee_who_left_while_being_invited_is_not_invited() -> None:
    """T9: logged out after the request was decided and before it was recorded; the store keeps the agents."""

    class Leaving(MemoryStore):
        def commit(self, decision: Decision) -> None:
            if any(isinstance(event, InvitationSent) for event in decision.events):
                service.log_out("bob")
            super().commit(decision)

    service = a_service(Leaving())

    with pytest.raises(TargetNotEligible) as refused:
        service.request_transfer("i", BOB, by="alice")

    assert frozenset({Reason.LOGGED_OUT}) == refused.value.reasons
    assert InteractionState.ACTIVE is service.interaction("i").state


def test_f4_an_invitee_who_left_while_being_invited_is_not_left_invited() -> None:
    """T9: the agents are kept elsewhere, and old records of them in the store say nothing."""
    directory = MemoryStore()

    class Leaving(MemoryStore):
        def commit(self, decision: Decision) -> None:
            super().commit(decision)
            if any(isinstance(event, InvitationSent) for event in decision.events):
                bob = directory.agents(["bob"])["bob"]
                directory.replace_agent(bob, attrs.evolve(bob, status=ChannelStatus.LOGGED_OUT))

    store = Leaving()
    store.add_agent(Agent("bob", "Bob"))
    service = a_service(store, directory=directory)

    request = service.request_transfer("i", BOB, by="alice")

    assert TransferState.FAILED is request.state
    assert request == service.transfer(request.id)


def test_f4_an_invitee_whose_leaving_has_closed_it_already_is_told_so() -> None:
    """T9, A2: the request that is returned has the outcome that is recorded."""

    class Leaving(MemoryStore):
        def commit(self, decision: Decision) -> None:
            super().commit(decision)
            if any(isinstance(event, InvitationSent) for event in decision.events):
                service.log_out("bob")

    service = a_service(Leaving(), directory=MemoryStore())

    request = service.request_transfer("i", BOB, by="alice")

    assert service.transfer(request.id) == request
    assert TransferState.FAILED is request.state


# F5


def test_f5_the_same_key_again_returns_the_request_it_made() -> None:
    """F5: the effect of one, and the desktops hear nothing."""
    centre = Centre()
    made = centre.service.request_transfer("i", BOB, by="alice", key="k")
    before = everything(centre)

    assert made == centre.service.request_transfer("i", BOB, by="alice", key="k")
    assert before == everything(centre)


@pytest.mark.parametrize(("state", "end"), ENDINGS)
def test_f5_the_same_key_again_returns_the_request_as_it_is_now(state: TransferState, end: Answer) -> None:
    """F5: even when it is closed, or the conversation is somebody else's; no second one is made."""
    centre = Centre()
    made = centre.service.request_transfer("i", BOB, by="alice", key="k")
    end(centre, made)
    before = everything(centre)

    again = centre.service.request_transfer("i", BOB, by="alice", key="k")

    assert (made.id, state) == (again.id, again.state)
    assert before == everything(centre)


def test_f5_the_same_key_at_the_deadline_returns_the_request_expired() -> None:
    """F5, T10: the repetition itself records the expiry."""
    centre = Centre()
    made = centre.service.request_transfer("i", BOB, by="alice", key="k")
    centre.clock.advance(TIMEOUT)

    again = centre.service.request_transfer("i", BOB, by="alice", key="k")

    assert (made.id, TransferState.EXPIRED) == (again.id, again.state)
    assert again == centre.service.transfer(made.id)


@pytest.mark.parametrize(("interaction_id", "target"), [("i", CAROL), ("j", BOB)])
def test_f5_a_key_that_was_used_for_something_else_is_refused(interaction_id: str, target: Target) -> None:
    """F5, A8: it is a mistake of the caller's, and changes nothing."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    centre.service.request_transfer("i", BOB, by="alice", key="k")
    before = everything(centre)

    with pytest.raises(InvalidValue) as refused:
        centre.service.request_transfer(interaction_id, target, by="alice", key="k")

    assert refused.value.field == "key"
    assert before == everything(centre)


def test_f5_a_key_is_the_agents_own() -> None:
    """F5: the same words from another agent are another key."""
    centre = Centre()
    centre.service.open_interaction(Interaction("b", media=Media.SMS, contact=CONTACT, owner="bob"))
    first = centre.service.request_transfer("i", CAROL, by="alice", key="k")

    assert first.id != centre.service.request_transfer("b", CAROL, by="bob", key="k").id


def test_f5_a_request_that_was_refused_has_not_used_its_key() -> None:
    """F5, F7: the key is free for the next attempt."""
    centre = Centre()
    centre.service.set_not_ready("bob")
    with pytest.raises(SmsTransferError):
        centre.service.request_transfer("i", BOB, by="alice", key="k")

    assert centre.service.request_transfer("i", CAROL, by="alice", key="k").target == CAROL


def test_f5_a_key_that_races_from_many_threads_makes_one_request() -> None:
    """F5: everybody gets the same one."""
    centre = Centre()
    together = Barrier(8)

    def attempt(_: int) -> TransferRequest:
        together.wait()
        return centre.service.request_transfer("i", BOB, by="alice", key="k")

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(attempt, range(8)))

    assert {centre.service.interaction("i").transfer} == made


def test_f5_a_key_that_races_for_two_interactions_makes_one_request() -> None:
    """F5: one wins the key; the other is told that it was used."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    together = Barrier(2)

    def attempt(interaction_id: str) -> str:
        together.wait()
        try:
            centre.service.request_transfer(interaction_id, BOB, by="alice", key="k")
        except InvalidValue as refused:
            return refused.field
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, ["i", "j"])) == ["key", "made"]


def test_f5_a_text_that_the_provider_delivers_twice_is_recorded_once() -> None:
    """F5: by the provider's id."""
    centre = Centre()
    first = centre.service.receive_message("i", "hello", message_id="m")
    before = everything(centre)
    centre.clock.advance(MOMENT)

    assert first == centre.service.receive_message("i", "hello", message_id="m")
    assert before == everything(centre)


def test_f5_a_text_that_is_delivered_from_many_threads_is_recorded_once() -> None:
    """F5: whoever loses the race finds it recorded."""
    centre = Centre()
    together = Barrier(8)

    def deliver(_: int) -> object:
        together.wait()
        return centre.service.receive_message("i", "hello", message_id="m")

    with ThreadPoolExecutor(8) as pool:
        delivered = set(pool.map(deliver, range(8)))

    assert set(centre.service.transcript("i")) == delivered
    assert len(centre.service.transcript("i")) == 1


def test_f5_a_text_delivered_again_after_the_conversation_is_done_is_no_news() -> None:
    """F5: it was recorded in time."""
    centre = Centre()
    first = centre.service.receive_message("i", "hello", message_id="m")
    centre.service.mark_done("i", by="alice")

    assert first == centre.service.receive_message("i", "hello", message_id="m")


@pytest.mark.parametrize("text", ["goodbye", "hello"])
def test_f5_another_text_under_the_same_id_is_refused(text: str) -> None:
    """F5, A8: another text, or the same text in another conversation."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    centre.service.receive_message("i", "hello", message_id="m")

    with pytest.raises(AlreadyExists) as refused:
        centre.service.receive_message("i" if text == "goodbye" else "j", text, message_id="m")

    assert refused.value.fields == {"kind": "message", "id": "m"}


# F6


def test_f6_a_text_that_the_gateway_refuses_is_sent_later_and_in_order() -> None:
    """F6: recorded at once, sent at least once; none overtakes another."""
    centre = Centre()
    centre.gateway.error = ConnectionError("no line")
    replies = [centre.service.reply("i", words, by="alice") for words in ("one", "two")]
    assert Tick(expired=(), sent=0) == centre.service.tick()
    centre.gateway.error = None
    replies.append(centre.service.reply("i", "three", by="alice"))

    assert replies == list(centre.service.transcript("i"))
    assert replies == centre.gateway.sent
    assert Tick(expired=(), sent=0) == centre.service.tick()


def test_f6_a_tick_sends_what_waits() -> None:
    """F6: and says how much."""
    centre = Centre()
    centre.gateway.error = ConnectionError("no line")
    replies = [centre.service.reply("i", words, by="alice") for words in ("one", "two")]
    centre.gateway.error = None

    assert Tick(expired=(), sent=2) == centre.service.tick()
    assert replies == centre.gateway.sent


def test_f6_a_text_of_a_former_owner_that_waits_is_still_sent() -> None:
    """F6, F1: it was the owner's when it was recorded."""
    centre = Centre()
    centre.gateway.error = ConnectionError("no line")
    reply = centre.service.reply("i", "one", by="alice")
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    centre.gateway.error = None
    centre.service.tick()

    assert [reply] == centre.gateway.sent


def test_f6_the_gateway_stops_at_the_first_text_it_does_not_take() -> None:
    """F6: what comes after waits, whatever the gateway would say to it."""

    class Choosy(FakeGateway):
        def send(self, message: object, contact: object) -> None:
            self.error = ConnectionError("full") if len(self.sent) == 1 else None
            super().send(message, contact)  # type: ignore[arg-type]

    gateway = Choosy()
    service = a_service(gateway=gateway)
    replies = [service.reply("i", words, by="alice") for words in ("one", "two", "three")]

    assert replies[:1] == gateway.sent
    assert service.tick().sent == 0


def test_f6_nothing_is_sent_that_is_not_recorded() -> None:
    """F6: by the time the gateway is asked, the transcript has the text and the history has the fact."""
    recorded: list[bool] = []

    class Looking(FakeGateway):
        def send(self, message: object, contact: object) -> None:
            recorded.append(message in service.transcript("i") and len(service.history("i")) == 2)
            super().send(message, contact)  # type: ignore[arg-type]

    service = a_service(gateway=Looking())
    service.reply("i", "hello", by="alice")

    assert recorded == [True]


def test_f6_the_doorbell_rings_after_the_commit() -> None:
    """F6: nothing is shown that is not recorded."""
    seen: list[tuple[set[str], int]] = []

    class Looking(InProcessMessaging):
        def ring(self, agent_ids: Collection[str]) -> None:
            seen.append((set(agent_ids), len(service.history("i"))))

    store = MemoryStore()
    a_service(store)
    service = TransferService(store, messaging=Looking(), clock=ManualClock())
    service.request_transfer("i", BOB, by="alice")

    assert [({"alice", "bob"}, 3)] == seen


def test_f6_without_a_gateway_texts_are_recorded_only() -> None:
    """F6: the host sends them from the feed, and nothing waits."""
    service = a_service()
    reply = service.reply("i", "hello", by="alice")

    assert (reply,) == service.transcript("i")
    assert Tick(expired=(), sent=0) == service.tick()


def test_f6_texts_from_many_threads_are_sent_once_each_and_in_the_transcripts_order() -> None:
    """F6, T12: one at a time for each conversation."""
    centre = Centre()
    together = Barrier(8)

    def text(number: int) -> object:
        together.wait()
        return centre.service.reply("i", f"text {number}", by="alice")

    with ThreadPoolExecutor(8) as pool:
        replies = set(pool.map(text, range(8)))

    assert replies == set(centre.gateway.sent)
    assert list(centre.service.transcript("i")) == centre.gateway.sent


class Broken(InProcessMessaging):
    """A doorbell that does not work."""

    def ring(self, agent_ids: Collection[str]) -> None:
        raise ConnectionError(f"no line to {sorted(agent_ids)}")


def test_f6_a_ring_that_raises_fails_no_command(caplog: pytest.LogCaptureFixture) -> None:
    """F6: what was recorded has happened; the next tick shows it."""
    service = a_service(messaging=Broken())
    request = service.request_transfer("i", BOB, by="alice")
    assert request.invitation is not None

    assert service.accept(request.invitation.id, by="bob").owner == "bob"
    assert "could not ring 2 agents: ConnectionError" in caplog.text


def test_f6_a_listener_that_raises_fails_no_command() -> None:
    """F6: the one who rings is not the one who suffers."""

    def fail() -> None:
        raise RuntimeError

    messaging = InProcessMessaging()
    messaging.listen("alice", fail)
    service = a_service(messaging=messaging)

    assert service.reply("i", "hello", by="alice").text == "hello"


def test_f6_a_gateway_that_raises_fails_no_command() -> None:
    """F6: the text is recorded, and waits."""
    centre = Centre()
    centre.gateway.error = KeyError("whatever")

    assert (centre.service.reply("i", "hello", by="alice"),) == centre.service.transcript("i")


def test_f6_a_job_that_is_asked_for_while_it_runs_runs_once_more() -> None:
    """F6: so that nothing that is recorded meanwhile is forgotten."""
    turns = OneAtATime()
    runs: list[int] = []

    def job() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            turns.run("key", job)
            turns.run("key", job)
            assert runs == [0]

    turns.run("key", job)

    assert runs == [0, 1]


def test_f6_a_job_that_raises_does_not_block_the_next() -> None:
    """F6: its place is free again."""
    turns = OneAtATime()
    runs: list[str] = []

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turns.run("key", fail)
    turns.run("key", lambda: runs.append("ran"))

    assert runs == ["ran"]


def test_f6_jobs_for_different_keys_do_not_wait_for_one_another() -> None:
    """F6: one conversation does not hold up another."""
    turns = OneAtATime()
    runs: list[str] = []

    turns.run("one", lambda: turns.run("two", lambda: runs.append("two")))

    assert runs == ["two"]


# F7


class Beaten(MemoryStore):
    """A store in which somebody else is faster, this many times."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def commit(self, decision: Decision) -> None:
        if self.times > 0:
            self.times -= 1
            raise Conflict(kind="interaction", id=decision.interaction.id)
        super().commit(decision)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which took any time."""
    made: list[float] = []
    monkeypatch.setattr("sms_transfer.drive.time.sleep", made.append)
    return made


def test_f7_a_command_that_was_beaten_begins_again(pauses: list[float]) -> None:
    """F7: and pauses in between, never for long."""
    store = Beaten()
    service = a_service(store)
    store.times = 3

    assert service.reply("i", "hello", by="alice").text == "hello"
    assert len(pauses) == 3
    assert max(pauses) <= 0.02


def test_f7_a_change_of_status_that_was_beaten_begins_again() -> None:
    """F7: with the record that the other one left."""

    class Renamed(MemoryStore):
        def replace_agent(self, known: Agent, agent: Agent) -> None:
            if known.name == "Bob":
                super().replace_agent(known, attrs.evolve(known, name="Robert"))
            super().replace_agent(known, agent)

    service = a_service(Renamed())

    assert ("Robert", "break") == (service.set_not_ready("bob", "break").name, service.agent("bob").reason)


@pytest.mark.usefixtures("pauses")
def test_f7_a_command_that_is_beaten_for_ever_gives_up_and_has_changed_nothing() -> None:
    """F7: with an error that says that it may go through later."""
    store = Beaten()
    service = a_service(store)
    before = service.events()
    store.times = 1_000

    with pytest.raises(Conflict) as beaten:
        service.reply("i", "hello", by="alice")

    assert beaten.value.retryable
    assert before == service.events()


@pytest.mark.parametrize(
    ("trigger", "act"), [(TRIGGERS.get(name, name), act) for name, act in OWNER_COMMANDS if name != "save_attachment"]
)
def test_f7_nothing_can_be_done_to_what_is_done(trigger: str, act: Act) -> None:
    """F7, T15: DONE is final."""
    centre = Centre()
    centre.service.mark_done("i", by="alice")
    before = everything(centre)

    with pytest.raises(IllegalTransition) as refused:
        act(centre, None)

    assert {
        "machine": "interaction",
        "state": "done",
        "trigger": trigger,
        "allowed": set(),
    } == refused.value.fields
    assert before == everything(centre)


def test_f7_an_attachment_of_what_is_done_can_still_be_saved() -> None:
    """T15, E4: that is reading."""
    centre = Centre()
    attachment = Attachment("a", content_type="image/png")
    centre.service.receive_message("i", "look", attachments=[attachment])
    centre.service.mark_done("i", by="alice")

    assert attachment == centre.service.save_attachment("i", "a", by="alice")


def test_a8_a_picture_needs_no_words_and_words_no_picture() -> None:
    """A8, T15: the one or the other must be there."""
    centre = Centre()
    picture = Attachment("a", content_type="image/png")

    assert (picture,) == centre.service.reply("i", "", by="alice", attachments=[picture]).attachments
    assert () == centre.service.reply("i", "look", by="alice").attachments
    with pytest.raises(InvalidValue) as refused:
        centre.service.reply("i", "", by="alice")
    assert "text" == refused.value.field


def test_f7_a_text_for_a_conversation_that_is_done_is_refused() -> None:
    """F7: the host opens another one for it."""
    centre = Centre()
    centre.service.mark_done("i", by="alice")
    before = everything(centre)

    with pytest.raises(IllegalTransition) as refused:
        centre.service.receive_message("i", "hello")

    assert refused.value.trigger == "receive_message"
    assert before == everything(centre)


def test_f7_a_second_opening_is_refused() -> None:
    """F7: the one that is there stays as it is."""
    centre = Centre()
    before = everything(centre)

    with pytest.raises(AlreadyExists) as refused:
        centre.service.open_interaction(Interaction("i", media=Media.MMS, contact=CONTACT, owner="bob"))

    assert refused.value.fields == {"kind": "interaction", "id": "i"}
    assert before == everything(centre)


AGENT_IDS = st.sampled_from(["alice", "bob", "carol", "nobody"])
TARGETS = st.sampled_from([ALICE, BOB, CAROL, Target.agent("nobody"), Target.queue("q")])
EPOCHS = st.none() | st.integers(0, 3)
NOTES = st.sampled_from(["", "note", "x" * 5_000])

Step = Callable[[Centre, str], object]


def steps() -> st.SearchStrategy[Step]:
    """Any command on ``"i"``, right or wrong; the string is the ticket of the last request, the prefix of its id."""
    return st.one_of(
        st.builds(lambda by, epoch: lambda c, _: c.service.reply("i", "hi", by=by, epoch=epoch), AGENT_IDS, EPOCHS),
        st.builds(lambda by, epoch: lambda c, _: c.service.mark_done("i", by=by, epoch=epoch), AGENT_IDS, EPOCHS),
        st.builds(
            lambda note, by, epoch: lambda c, _: c.service.set_note("i", note, by=by, epoch=epoch),
            NOTES,
            AGENT_IDS,
            EPOCHS,
        ),
        st.builds(
            lambda value, by, epoch: lambda c, _: c.service.update_case_data("i", {"k": value}, by=by, epoch=epoch),
            st.sampled_from(["v", "x" * 70_000]),
            AGENT_IDS,
            EPOCHS,
        ),
        st.builds(
            lambda target, by, note, epoch, key: (
                lambda c, _: c.service.request_transfer("i", target, by=by, note=note, epoch=epoch, key=key)
            ),
            TARGETS,
            AGENT_IDS,
            NOTES,
            EPOCHS,
            st.none() | st.just("k"),
        ),
        st.builds(lambda by: lambda c, last: c.service.accept(last, by=by), AGENT_IDS),
        st.builds(lambda by, words: lambda c, last: c.service.reject(last, by=by, reason=words), AGENT_IDS, NOTES),
        st.builds(lambda by: lambda c, _: c.service.cancel(transfer_of(c), by=by), AGENT_IDS),
        st.builds(lambda id_: lambda c, _: c.service.receive_message(id_, "hi", message_id="m"), st.sampled_from("ix")),
        st.builds(lambda by: lambda c, _: c.service.save_attachment("i", "none", by=by), AGENT_IDS),
        st.builds(lambda by: lambda c, _: c.service.log_out(by), AGENT_IDS),
        st.builds(lambda by: lambda c, _: (c.service.log_in(by), c.service.set_ready(by)), AGENT_IDS),
        st.just(lambda c, _: c.pass_time(TIMEOUT / 2)),
    )


def transfer_of(centre: Centre) -> str:
    """The id of the last request, or of none."""
    asked = [event for event in centre.service.history("i") if isinstance(event, TransferRequested)]
    return asked[-1].transfer_id if asked else "none"


def ticket_of(centre: Centre) -> str:
    """The last invitation's id, or none's."""
    sent = [event for event in centre.service.history("i") if isinstance(event, InvitationSent)]
    return sent[-1].invitation_id if sent else "none"


@given(st.lists(steps(), min_size=1, max_size=15))
def test_f7_a_refused_command_changes_nothing_at_all(commands: list[Step]) -> None:
    """F7: whatever was done before, everything that can be read is as it was."""
    centre = Centre()
    for command in commands:
        before = everything(centre)
        try:
            command(centre, ticket_of(centre))
        except SmsTransferError:
            assert before == everything(centre)


@given(st.lists(steps(), min_size=1, max_size=15))
def test_f1_the_owner_the_desktops_and_the_history_agree_after_any_commands(commands: list[Step]) -> None:
    """F1, F6: exactly one desktop has the window, until it is done."""
    centre = Centre()
    for command in commands:
        with suppress(SmsTransferError):
            command(centre, ticket_of(centre))
    interaction = centre.service.interaction("i")
    owners = [name for name, desk in centre.desks.items() if "i" in desk.workspace.windows]
    moves = [event.owner for event in centre.service.history("i") if isinstance(event, OwnershipMoved)]

    assert ([] if interaction.state is InteractionState.DONE else [interaction.owner]) == owners
    assert ["alice", *moves][-1] == interaction.owner
    assert len(moves) == interaction.epoch
