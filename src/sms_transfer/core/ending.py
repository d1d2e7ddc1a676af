"""How a request ends, or goes on: to the next agent, to the fallback, back to the sender (T6 to T9, Q1, Q2, Q5).

Each function takes the arc of one trigger (`sms_transfer.core.lifecycle`) with all its effects at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from sms_transfer.core.check import MAX_ID, FrozenDict
from sms_transfer.core.decision import Decision, desktops
from sms_transfer.core.events import (
    Event,
    InvitationExpired,
    OwnershipMoved,
    TransferClosed,
    TransferExpired,
    TransferFailed,
    TransferRedirected,
    TransferRejected,
    TransferRequested,
    about,
)
from sms_transfer.core.lifecycle import INTERACTION, START, TRANSFER, InteractionState, TransferState
from sms_transfer.core.model import (
    Interaction,
    Invitation,
    NoAnswer,
    Outcome,
    PastInvitation,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.notices import Notice, Priority, SystemMessage
from sms_transfer.core.policy import TransferPolicy, kept_for
from sms_transfer.core.record import Record, evolve

_CLOSED: Final[dict[str, type[TransferClosed]]] = {
    "reject": TransferRejected,
    "expire": TransferExpired,
    "fail": TransferFailed,
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Ending(Record):
    """Why a target does not take it.

    Args:
        trigger: of the transfer machine: ``reject``, ``expire`` or ``fail``.
        by: the agent who caused it; None where time or want of agents did.
        reason: as in `Outcome`.
        code: of the notice to the sender.
    """

    trigger: str
    by: str | None
    at: datetime
    reason: str
    code: str


def invitee_lost(
    interaction: Interaction,
    transfer: TransferRequest,
    invitation: Invitation,
    *,
    ending: Ending,
    event: Event,
    policy: TransferPolicy,
) -> Decision:
    """The invitee does not take it: the next agent is looked for, or it goes to the fallback, or it ends (Q1, Q5)."""
    is_agent = transfer.present_target.kind is TargetKind.AGENT
    if is_agent and not _has_fallback(transfer) and not _waits_on(interaction):
        return _closed(interaction, transfer, ending, (event,))
    past = PastInvitation(
        invitation.id,
        invitee=invitation.invitee,
        outcome=_outcome(transfer, ending, interaction.owner),
    )
    routing = evolve(
        transfer,
        state=TRANSFER.step(transfer.state, "route"),
        invitation=None,
        past_invitations=(*transfer.past_invitations, past),  # nobody is asked twice
    )
    if is_agent and _has_fallback(transfer):
        return _redirected(interaction, routing, ending, (event,), policy)
    events: tuple[Event, ...] = (event,)
    if is_agent:  # it waits on in the queue that owns it, where nobody is asked again before the deadline (Q2)
        routing = _back_in_queue(routing)
        back = TransferRedirected(target=routing.present_target, **about(routing, ending.at, ending.by))
        events = (*events, back)  # A1: or nothing would tell why agents of the queue are invited from now on
    changed = evolve(interaction, version=interaction.version + 1, transfer=routing)
    return Decision(changed, events=events, requests=(routing,), concerned=desktops(interaction))


def routing_ended(
    interaction: Interaction, transfer: TransferRequest, *, ending: Ending, now: datetime, policy: TransferPolicy
) -> Decision:
    """Nobody of the target takes it: it goes to the fallback, or it ends (Q1, Q5)."""
    if _has_fallback(transfer):
        return _redirected(interaction, transfer, ending, (), policy)
    if ending.trigger == "fail" and can_go_back(interaction, transfer):
        return _sent_back(interaction, transfer, ending)
    return _over(interaction, transfer, ending, now, policy)


def can_end(interaction: Interaction, transfer: TransferRequest) -> bool:
    """Whether there is a way out before the deadline: a queue that owns it for good waits for agents to come (Q2)."""
    return not _waits_on(interaction) or _has_fallback(transfer)


def can_go_back(interaction: Interaction, transfer: TransferRequest) -> bool:
    """Whether it waits on at a fallback, and can go back to the target that was asked for (Q2, Q5).

    Where nobody at the fallback ever could take it, it would wait there for ever, although others could.
    """
    return _waits_on(interaction) and transfer.on_fallback and transfer.target.kind is not TargetKind.AGENT


def _has_fallback(transfer: TransferRequest) -> bool:
    return transfer.fallback is not None and not transfer.on_fallback


def _waits_on(interaction: Interaction) -> bool:
    return interaction.state is InteractionState.QUEUED and kept_for(interaction) is None


def overdue(interaction: Interaction, transfer: TransferRequest, now: datetime, policy: TransferPolicy) -> Decision:
    """Record what time has brought at `TransferRequest.due_at` (T7, Q1).

    It happened then, whenever it is recorded: a sweep that comes late gives the same result (T10, F4).
    """
    at, invitation = transfer.due_at, transfer.invitation
    if transfer.state is not TransferState.INVITED or invitation is None:
        ending = Ending(
            trigger="expire",
            by=None,
            at=at,
            reason="no_agent_in_time",
            code=_code(interaction, transfer, "expired", "no_agent_in_time"),
        )
        return routing_ended(interaction, transfer, ending=ending, now=now, policy=policy)
    ending = Ending(trigger="expire", by=None, at=at, reason="no_answer", code="transfer.expired")
    event = InvitationExpired(invitation_id=invitation.id, invitee=invitation.invitee, **about(transfer, at, None))
    decision = invitee_lost(interaction, transfer, invitation, ending=ending, event=event, policy=policy)
    if transfer.no_answer is NoAnswer.NOTHING:
        return decision
    return evolve(decision, missed=((invitation.invitee, transfer.no_answer),))  # A3


def nobody_left(interaction: Interaction, transfer: TransferRequest, at: datetime) -> Ending:
    """That no agent is left who ever could take it (Q1)."""
    return Ending(
        trigger="fail",
        by=None,
        at=at,
        reason="no_agent_left",
        code=_code(interaction, transfer, "failed", "no_agent_left"),
    )


def _code(interaction: Interaction, transfer: TransferRequest, state: str, reason: str) -> str:
    """A conversation that a queue owned comes back; any other never went away (A2).

    Where one agent's turn has come, as the fallback, that agent has never been asked: who is, rejects or expires.
    """
    of_one = ".agent" if transfer.present_target.kind is TargetKind.AGENT else ""
    return f"transfer.{'returned' if interaction.state is InteractionState.QUEUED else state}.{reason}{of_one}"


def _outcome(transfer: TransferRequest, ending: Ending, owner: str | Target) -> Outcome:
    return Outcome(
        TRANSFER.step(transfer.state, ending.trigger), by=ending.by, at=ending.at, reason=ending.reason, owner=owner
    )


def _over(
    interaction: Interaction, transfer: TransferRequest, ending: Ending, now: datetime, policy: TransferPolicy
) -> Decision:
    """The request ends; what a queue owns for good waits on there, under the next one (Q2)."""
    if _waits_on(interaction):
        return _requeued(interaction, transfer, ending, now, policy)
    return _closed(interaction, transfer, ending, ())


def _closed(interaction: Interaction, transfer: TransferRequest, ending: Ending, events: tuple[Event, ...]) -> Decision:
    """The sender goes on owning it, or owns it again, and is told on both surfaces (T6)."""
    common = about(transfer, ending.at, ending.by)
    outcome = _outcome(transfer, ending, transfer.sender)
    notice = _notice(ending, transfer)
    events = (*events, _CLOSED[ending.trigger](outcome=outcome, **common))
    state, epoch = interaction.state, interaction.epoch
    if state is InteractionState.QUEUED:  # Q2
        epoch += 1  # F1
        state = INTERACTION.step(state, "give_back")
        moved = OwnershipMoved(former_owner=interaction.owner, owner=transfer.sender, epoch=epoch, **common)
        events = (*events, moved)
    else:
        state = INTERACTION.step(state, "keep")
    changed = evolve(
        interaction,
        version=interaction.version + 1,
        state=state,
        owner=transfer.sender,
        epoch=epoch,
        transfer=None,
        error=notice,  # the top of the window
    )
    entry = SystemMessage(  # My Messages
        transfer.id,
        agent_id=transfer.sender,
        notice=notice,
        at=ending.at,
        interaction_id=interaction.id,
        priority=Priority.HIGH,
    )
    return Decision(
        changed,
        events=events,
        requests=(evolve(transfer, state=outcome.state, outcome=outcome),),
        notices=(entry,),
        concerned=desktops(interaction, changed),
    )


def _redirected(
    interaction: Interaction,
    transfer: TransferRequest,
    ending: Ending,
    events: tuple[Event, ...],
    policy: TransferPolicy,
) -> Decision:
    """It goes to the fallback, once, with a deadline of its own (Q5); a queue that owned it hands it to a queue."""
    routing = evolve(transfer, on_fallback=True, deadline=ending.at + policy.routing_timeout)
    target = routing.present_target
    common = about(transfer, ending.at, ending.by)
    events = (*events, TransferRedirected(target=target, **common))
    owner, epoch = interaction.owner, interaction.epoch
    if isinstance(owner, Target) and target.kind is not TargetKind.AGENT:
        epoch += 1  # F1
        events = (*events, OwnershipMoved(former_owner=owner, owner=target, epoch=epoch, **common))
        owner = target
    changed = evolve(interaction, version=interaction.version + 1, owner=owner, epoch=epoch, transfer=routing)
    return Decision(changed, events=events, requests=(routing,), concerned=desktops(interaction))


def _sent_back(interaction: Interaction, transfer: TransferRequest, ending: Ending) -> Decision:
    """It waits on where it was asked for: nobody at the fallback, used once now, ever could take it (Q2, Q5)."""
    routing = _back_in_queue(transfer)
    common = about(transfer, ending.at, ending.by)
    events: tuple[Event, ...] = (TransferRedirected(target=routing.target, **common),)
    epoch = interaction.epoch
    if interaction.owner != routing.target:  # an agent as a fallback never owned it
        epoch += 1  # F1
        moved = OwnershipMoved(former_owner=interaction.owner, owner=routing.target, epoch=epoch, **common)
        events = (*events, moved)
    changed = evolve(interaction, version=interaction.version + 1, owner=routing.target, epoch=epoch, transfer=routing)
    return Decision(changed, events=events, requests=(routing,))


def _requeued(
    interaction: Interaction, transfer: TransferRequest, ending: Ending, now: datetime, policy: TransferPolicy
) -> Decision:
    """The request ends and the next one for the same queue begins, in which everybody can be asked again (Q2, F4).

    Rounds that nobody was there to record are not made up for: the next deadline is the first one to come.
    """
    outcome = _outcome(transfer, ending, interaction.owner)
    rounds = (now - ending.at) // policy.routing_timeout + 1
    following = evolve(
        transfer,
        id=next_id(transfer.id),
        state=TRANSFER.step(START, "route"),
        deadline=ending.at + rounds * policy.routing_timeout,
        invitation=None,
        past_invitations=(),
    )
    if following.present_target.kind is TargetKind.AGENT:
        following = _back_in_queue(following)
    changed = evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "requeue"),
        transfer=following,
    )
    events = (
        _CLOSED[ending.trigger](outcome=outcome, **about(transfer, ending.at, ending.by)),
        TransferRequested(
            target=following.present_target, hop=interaction.hops + 1, **about(following, ending.at, None)
        ),
    )
    closed = evolve(transfer, state=outcome.state, outcome=outcome)
    return Decision(changed, events=events, requests=(closed, following), concerned=desktops(interaction))


def _back_in_queue(transfer: TransferRequest) -> TransferRequest:
    """The request, when its fallback was an agent who did not take it: that was used once (Q5)."""
    return evolve(transfer, on_fallback=False, fallback=None, fallback_name="")


def next_id(transfer_id: str) -> str:
    """The id of the request that follows this one in a queue; the same whoever records it."""
    stem, mark, number = transfer_id.rpartition("+")
    if not mark or not (number.isascii() and number.isdecimal() and len(number) < _DIGITS):
        stem, number = transfer_id, "1"
    following = f"{stem}+{int(number) + 1}"
    if len(following) <= MAX_ID:
        return following
    from hashlib import blake2b  # noqa: PLC0415 - slow to import, and hardly ever needed

    return f"{blake2b(stem.encode(), digest_size=16).hexdigest()}+{int(number) + 1}"


_DIGITS: Final = 10


def _notice(ending: Ending, transfer: TransferRequest) -> Notice:
    params = {"transfer": transfer.id, "target": transfer.present_name}
    if ending.trigger == "reject" and ending.reason:
        params["reason"] = ending.reason
    return Notice(ending.code, FrozenDict(params))
