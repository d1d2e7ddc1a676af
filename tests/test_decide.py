"""What the core decides on a present that no test of the service brings about at will: answers that come late."""

from __future__ import annotations

import pytest

from floor import OTHER, QUEUE, ROUTING_TIMEOUT, Floor
from sms_transfer import (
    Agent,
    Denial,
    Handover,
    InvitationClosed,
    NotPermitted,
    Reason,
    Target,
    TargetNotEligible,
    TransferPolicy,
    TransferRequest,
)
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    FailInvitation,
    FailRouting,
    Invite,
    RequestTransfer,
)
from sms_transfer.core.decide import InteractionCommand, decide
from sms_transfer.core.decision import Context, Decision
from support import BOB, CAROL

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
