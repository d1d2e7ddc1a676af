"""What the core decides on a present that no test of the service brings about at will, and what it tells the store."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from floor import OTHER, QUEUE, ROUTING_TIMEOUT, Floor
from sms_transfer import (
    Agent,
    Denial,
    Handover,
    IllegalTransition,
    Interaction,
    InvitationClosed,
    Media,
    NotFound,
    NotPermitted,
    Reason,
    Target,
    TargetNotEligible,
    TransferPolicy,
    TransferRequest,
    TransferState,
)
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    FailInvitation,
    FailRouting,
    Invite,
    MarkDone,
    OpenInteraction,
    ReceiveMessage,
    RequestTransfer,
    SaveAttachment,
    SetNote,
)
from sms_transfer.core.decide import InteractionCommand, as_of, decide
from sms_transfer.core.decision import Claim, Context, Decision, asked_for, places_moved
from sms_transfer.core.policy import places_taken
from support import BOB, CAROL, CONTACT, MOMENT, TIMEOUT

PLACED = TransferPolicy(handover=Handover.ON_PLACEMENT)


def decided(floor: Floor, command: InteractionCommand, asked: TransferRequest | None = None) -> Decision:
    """What is decided on ``"i"`` as it is now; everybody on the floor is known."""
    agents: dict[str, Agent] = {name: floor.service.agent(name) for name in ("alice", "bob", "carol")}
    context = Context(now=floor.clock.now(), policy=TransferPolicy(), agents=agents, request=asked)
    return decide(floor.service.interaction("i"), command, context)


def assert_nothing(floor: Floor, command: InteractionCommand, asked: TransferRequest) -> None:
    """Nothing happens, and the request is told as it is."""
    assert Decision(floor.service.interaction("i"), found=asked) == decided(floor, command, asked)


def routing(floor: Floor) -> TransferRequest:
    """A live request that nobody is invited for."""
    floor.unready("bob", "carol")
    return floor.ask()


def pick(request: TransferRequest, agent_id: str = "bob", target: Target = QUEUE) -> Invite:
    return Invite(request.id, target=target, agent_id=agent_id, invitation_id="n")


@pytest.mark.parametrize("lost", [False, True], ids=["invite", "nobody is left"])
class TestRoutedTooLate:
    """F3, Q1: what the router found out about a request that is not ROUTING to that any more does nothing."""

    def command(self, request: TransferRequest, *, lost: bool, target: Target = QUEUE) -> InteractionCommand:
        return FailRouting(request.id, target=target) if lost else pick(request, target=target)

    def test_f3_the_request_is_closed(self, lost: bool) -> None:
        floor = Floor()
        request = routing(floor)
        closed = floor.service.cancel(request.id, by="alice")
        floor.service.set_ready("bob")
        assert_nothing(floor, self.command(request, lost=lost), closed)

    def test_f3_another_request_is_live(self, lost: bool) -> None:
        floor = Floor()
        request = routing(floor)
        closed = floor.service.cancel(request.id, by="alice")
        routing(floor)
        assert_nothing(floor, self.command(request, lost=lost), closed)

    def test_f3_somebody_is_invited_already(self, lost: bool) -> None:
        floor = Floor()
        request = floor.ask()
        assert_nothing(floor, self.command(request, lost=lost), floor.service.transfer(request.id))

    def test_q5_it_has_gone_to_the_fallback(self, lost: bool) -> None:
        floor = Floor()
        floor.staff(OTHER, ["carol"])
        floor.unready("bob", "carol")
        request = floor.ask(fallback=OTHER)
        floor.pass_time(ROUTING_TIMEOUT)
        assert_nothing(floor, self.command(request, lost=lost), floor.service.transfer(request.id))


def test_q2_nobody_left_ends_nothing_that_waits_on_in_its_queue() -> None:
    """Q2: it waits for agents to come, until its deadline."""
    floor = Floor(policy=PLACED)
    request = routing(floor)
    assert_nothing(floor, FailRouting(request.id, target=QUEUE), request)


@pytest.mark.parametrize(
    ("agent_id", "reason"), [("alice", Reason.IS_SENDER), ("bob", Reason.ALREADY_DECLINED)], ids=["sender", "declined"]
)
def test_e1_whom_the_router_picks_is_checked_again(agent_id: str, reason: Reason) -> None:
    """E1, Q1: neither the sender nor who has declined is invited, whatever a router says."""
    floor = Floor()
    floor.ask()
    floor.unready("carol")
    request = floor.decline()

    with pytest.raises(TargetNotEligible) as refused:
        decided(floor, pick(request, agent_id), request)
    assert {reason} == refused.value.reasons


def test_t9_the_log_out_of_one_who_was_invited_before_takes_nothing_from_who_is_invited_now() -> None:
    """T9, Q1: by the ticket of an offer that is over nothing is withdrawn."""
    floor = Floor()
    floor.ask()
    ticket = floor.live_ticket()
    floor.decline()
    assert floor.invitee() == "carol"
    assert_nothing(floor, FailInvitation(ticket), floor.present())


def test_t9_the_log_out_of_one_whose_offer_is_closed_does_nothing() -> None:
    """T9, F3: where no transfer is live there is nothing to withdraw."""
    floor = Floor()
    request = floor.ask(target=BOB)
    ticket = floor.live_ticket()
    floor.decline()
    assert_nothing(floor, FailInvitation(ticket), floor.service.transfer(request.id))


def test_t11_a_ticket_is_for_its_own_invitee() -> None:
    """T11: one who was invited, too, gets nothing by another's ticket, not even what became of it."""
    floor = Floor()
    floor.hire("dave")
    floor.service.update_queue(QUEUE, ["bob", "carol", "dave"])
    floor.ask()
    bobs = floor.live_ticket()
    floor.decline()
    floor.decline()

    with pytest.raises(InvitationClosed):
        decided(floor, Accept(bobs, by="bob"), floor.present())
    with pytest.raises(NotPermitted) as refused:
        decided(floor, Accept(bobs, by="carol"), floor.present())
    assert (Denial.NOT_INVITEE, "carol") == (refused.value.reason, refused.value.agent_id)


def test_t11_a_ticket_that_belongs_to_nothing_is_nobodys() -> None:
    """T11: where no request is known for it."""
    floor = Floor()
    with pytest.raises(NotPermitted) as refused:
        decided(floor, Accept("n", by="bob"))
    assert Denial.NOT_INVITEE is refused.value.reason


def test_t8_a_request_that_nobody_knows_is_nobodys_to_cancel() -> None:
    """T8: where none is known under its id."""
    floor = Floor()
    with pytest.raises(NotPermitted) as refused:
        decided(floor, Cancel("t", by="alice"))
    assert Denial.NOT_SENDER is refused.value.reason


@pytest.mark.parametrize("target", [QUEUE, BOB], ids=["queue", "agent"])
@pytest.mark.parametrize(("fallback", "name"), [(OTHER, "Others"), (CAROL, "Carol"), (None, "")])
def test_q5_the_names_are_those_when_it_was_asked(target: Target, fallback: Target | None, name: str) -> None:
    """Q5, T4: that of the target and that of the fallback, whatever kinds they are."""
    floor = Floor()
    floor.service.update_queue(QUEUE, ["bob"], name="Queue")
    floor.service.add_queue(OTHER, ["carol"], name="Others")
    request = floor.ask(target=target, fallback=fallback)

    assert ("Queue" if target == QUEUE else "Bob", name) == (request.target_name, request.fallback_name)


def test_t4_a_target_whose_name_nobody_knows_has_none() -> None:
    """T4: neither it nor its fallback; the id is what is read then."""
    floor = Floor()
    context = Context(
        now=floor.clock.now(), policy=TransferPolicy(), agents={"alice": floor.service.agent("alice")}, served=True
    )
    command = RequestTransfer("i", target=QUEUE, by="alice", transfer_id="t", invitation_id="n", fallback=OTHER)
    request = decide(floor.service.interaction("i"), command, context).request
    assert ("", "") == (request.target_name, request.fallback_name)


def test_e4_saving_an_attachment_changes_nothing() -> None:
    """E4: it is allowed or not, and that is all."""
    floor = Floor()
    command = SaveAttachment("i", by="alice", attachment_id="a")

    assert Decision(floor.service.interaction("i")) == decided(floor, command)


def test_f5_a_text_that_is_recorded_already_changes_nothing() -> None:
    """F5: it is told as it was recorded."""
    floor = Floor()
    recorded = floor.service.receive_message("i", "hello", message_id="m")
    present = floor.service.interaction("i")
    context = Context(now=floor.clock.now(), policy=TransferPolicy(), message=recorded)

    assert Decision(present, message=recorded) == decide(present, ReceiveMessage(recorded), context)


def test_f4_a_sweep_that_finds_nothing_due_does_nothing() -> None:
    """F4: neither before the deadline nor after somebody else's sweep."""
    floor = Floor()
    request = floor.ask(target=BOB)
    assert_nothing(floor, Expire(request.id), request)
    floor.pass_time(TIMEOUT)
    assert_nothing(floor, Expire(request.id), floor.service.transfer(request.id))


def test_f4_a_sweep_tells_the_request_that_it_has_closed() -> None:
    """F4, Q2: and not the next one, where it waits on."""
    floor = Floor(policy=PLACED)
    first = routing(floor)
    floor.clock.advance(ROUTING_TIMEOUT)
    decision = decided(floor, Expire(first.id), first)

    assert (first.id, TransferState.EXPIRED) == (decision.request.id, decision.request.state)
    assert [first.id, f"{first.id}+2"] == [request.id for request in decision.requests]


def test_t10_what_is_asked_of_an_older_request_finds_its_own_outcome() -> None:
    """T10, T11: although another one has just expired, and that is recorded with it."""
    floor = Floor()
    older = floor.service.cancel(floor.ask(target=BOB).id, by="alice")
    floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    decision = decided(floor, Cancel(older.id, by="alice"), older)

    assert [TransferState.EXPIRED] == [request.state for request in decision.requests]
    assert isinstance(decision.refusal, InvitationClosed)
    assert older.outcome == decision.refusal.outcome


def test_t10_a_key_of_an_older_request_finds_that_one() -> None:
    """T10, F5: although another one has just expired."""
    floor = Floor()
    older = floor.service.cancel(floor.ask(target=BOB, key="k").id, by="alice")
    floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    command = RequestTransfer("i", target=BOB, by="alice", transfer_id="t", invitation_id="n", key="k")
    context = Context(
        now=floor.clock.now(),
        policy=TransferPolicy(),
        agents={name: floor.service.agent(name) for name in ("alice", "bob")},
        repeated=older,
    )
    decision = decide(floor.service.interaction("i"), command, context)

    assert (older, [TransferState.EXPIRED]) == (decision.request, [request.state for request in decision.requests])


def test_t10_a_reading_finds_what_time_has_brought_by_the_present_policy() -> None:
    """T10, Q5: the deadline at the fallback comes from there."""
    floor = Floor()
    floor.staff(OTHER, ["carol"])
    floor.unready("bob", "carol")
    request = floor.ask(fallback=OTHER)
    policy = TransferPolicy(routing_timeout=timedelta(minutes=7))
    found = as_of(floor.service.interaction("i"), request.deadline, policy)

    assert [request.deadline + policy.routing_timeout] == [one.deadline for one in found.requests]


def test_e3_opening_takes_a_place() -> None:
    """E3: the store counts again when it is recorded."""
    floor = Floor()
    interaction = Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice")
    context = Context(
        now=floor.clock.now(), policy=TransferPolicy(), agents={"alice": floor.service.agent("alice")}, load=1
    )
    claim = decide(None, OpenInteraction(interaction), context).claim

    assert Claim("alice", floor.service.agent("alice").capacity, floor.clock.now()) == claim


def test_e3_whose_places_are_taken_from_the_request_to_the_end() -> None:
    """E3, T10, Q2: the owner's until it is done, and an invitee's until the deadline, recorded or not."""
    floor = Floor()
    now = floor.clock.now()
    assert ("alice",) == places_taken(floor.service.interaction("i"), now)
    floor.ask(target=BOB)
    assert ("alice", "bob") == places_taken(floor.service.interaction("i"), now)
    assert ("alice", "bob") == places_taken(floor.service.interaction("i"), now + TIMEOUT - MOMENT)
    assert ("alice",) == places_taken(floor.service.interaction("i"), now + TIMEOUT)
    assert () == places_taken(floor.service.mark_done("i", by="alice"), now)


@pytest.mark.parametrize(("returns", "kept"), [(False, ()), (True, ("alice",))])
def test_e3_whose_places_are_taken_by_what_a_queue_owns(returns: bool, kept: tuple[str, ...]) -> None:
    """E3, Q2: the sender's where it can come back to them, and whoever is invited takes one of their own."""
    floor = Floor(policy=TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=returns))
    routing(floor)
    assert kept == places_taken(floor.service.interaction("i"), floor.clock.now())
    floor.service.set_ready("bob")
    assert (*kept, "bob") == places_taken(floor.service.interaction("i"), floor.clock.now())


def test_q4_whose_places_a_decision_moves() -> None:
    """Q4: everybody's who had it or has it, in an order that every machine agrees on; nobody's where it only talks."""
    floor = Floor()
    floor.ask(target=BOB)
    taken = decided(floor, Accept(floor.live_ticket(), by="bob"), floor.present())

    assert ("alice", "bob") == places_moved(taken)
    assert tuple("abcdefgh") == places_moved(
        attrs.evolve(taken, concerned=tuple("hgfedcba"), requests=(), claim=Claim("a", 1, floor.clock.now()))
    )
    assert ("alice", "bob") == places_moved(decided(floor, MarkDone("i", by="alice")))
    assert ("alice",) == places_moved(decided(Floor(), MarkDone("i", by="alice")))
    assert () == places_moved(decided(floor, SetNote("i", note="n", by="alice")))


def test_q4_opening_moves_a_place() -> None:
    """Q4, E3: the owner's."""
    floor = Floor()
    interaction = Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice")
    context = Context(now=floor.clock.now(), policy=TransferPolicy(), agents={"alice": floor.service.agent("alice")})

    assert ("alice",) == places_moved(decide(None, OpenInteraction(interaction), context))


def test_f5_what_goes_on_waiting_in_a_queue_is_not_asked_for_anew() -> None:
    """F5, Q2: but what a sender asks for after an expiry that is recorded with it is, and what another one does."""
    floor = Floor(policy=PLACED)
    first = routing(floor)
    floor.clock.advance(ROUTING_TIMEOUT)
    swept = decided(floor, Expire(first.id), first)
    closed, following = swept.requests

    assert frozenset() == asked_for(swept)
    anew = attrs.evolve(following, requested_at=floor.clock.now())
    assert {anew.id} == asked_for(attrs.evolve(swept, requests=(closed, anew)))
    others = attrs.evolve(following, sender="bob")
    assert {others.id} == asked_for(attrs.evolve(swept, requests=(closed, others)))


def asking(floor: Floor, target: Target) -> Decision:
    """What is decided of a request for it; the target is served."""
    command = RequestTransfer("i", target=target, by="alice", transfer_id="t", invitation_id="n")
    agents = {name: floor.service.agent(name) for name in ("alice", "bob")}
    context = Context(now=floor.clock.now(), policy=TransferPolicy(), agents=agents, served=True)
    return decide(floor.service.interaction("i"), command, context)


@pytest.mark.parametrize(("target", "concerned"), [(QUEUE, ("alice",)), (BOB, ("alice", "bob"))])
def test_d5_whom_a_request_concerns(target: Target, concerned: tuple[str, ...]) -> None:
    """D5, T4: the sender, whose other devices show it too, and whoever is invited."""
    assert concerned == asking(Floor(), target).concerned


def test_e3_an_invitation_takes_a_place_of_one_who_has_not_left() -> None:
    """E3, T9: the store counts again when it is recorded, and looks whether they are there."""
    floor = Floor()
    capacity = floor.service.agent("bob").capacity

    assert Claim("bob", capacity, floor.clock.now(), invites=True) == asking(floor, BOB).claim


def test_f7_what_is_done_is_done_whoever_could_take_it() -> None:
    """F7, T1: nobody is told about the target of a transfer that there cannot be."""
    floor = Floor()
    floor.service.mark_done("i", by="alice")
    floor.service.log_out("bob")

    with pytest.raises(IllegalTransition):
        asking(floor, BOB)


def test_q4_an_accept_moves_the_place_that_was_kept_for_the_sender() -> None:
    """Q4, Q2: although the sender did not own it any more."""
    floor = Floor(policy=TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True))
    floor.ask()

    assert ("alice", "bob") == places_moved(decided(floor, Accept(floor.live_ticket(), by="bob"), floor.present()))


@pytest.mark.parametrize("epoch", [None, 7])
def test_a8_who_is_no_agent_is_told_so_first(epoch: int | None) -> None:
    """A8: before anything of the conversation's owner or epoch is told."""
    with pytest.raises(NotFound) as refused:
        decided(Floor(), MarkDone("i", by="nobody", epoch=epoch))
    assert ("agent", "nobody") == (refused.value.kind, refused.value.id)
