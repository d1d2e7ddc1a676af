"""Decisions about a transfer: it is requested, routed, answered, taken back.

Each function takes the arc of one trigger (`sms_transfer.core.lifecycle`) with all its effects at once. What becomes of
a request that an invitee does not take stands in `sms_transfer.core.ending`.
"""

from __future__ import annotations

from datetime import datetime

from sms_transfer.core import ending
from sms_transfer.core.check import MAX_TEXT
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    FailInvitation,
    FailRouting,
    Invite,
    Reject,
    RequestTransfer,
)
from sms_transfer.core.decision import (
    Claim,
    Context,
    Decision,
    acting_owner,
    check_length,
    desktops,
    known_agent,
    on_channel,
    require,
)
from sms_transfer.core.ending import Ending
from sms_transfer.core.events import (
    Event,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    OwnershipMoved,
    TransferAccepted,
    TransferCancelled,
    TransferRedirected,
    TransferRequested,
    about,
)
from sms_transfer.core.lifecycle import INTERACTION, START, TRANSFER, TransferState
from sms_transfer.core.model import (
    Agent,
    Interaction,
    Invitation,
    Outcome,
    Privilege,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.policy import Handover, agent_eligibility, eligibility, fallback_of, still_eligible
from sms_transfer.core.record import evolve
from sms_transfer.errors import (
    CorruptRecord,
    Denial,
    InvalidValue,
    InvitationClosed,
    NotPermitted,
    TargetNotEligible,
    TransferPending,
)


def request(interaction: Interaction, command: RequestTransfer, context: Context) -> Decision:
    """Ask the target; unless a queue is to own it at once, the sender stays the owner (T1 to T4, Q1, Q2)."""
    if context.repeated is not None:
        return _repeated(interaction, command, context.repeated)
    sender = acting_owner(interaction, command, context)
    require(sender, Privilege.TRANSFER)  # E4
    if interaction.transfer is not None:  # F2
        raise TransferPending(transfer=interaction.transfer)
    INTERACTION.step(interaction.state, "begin_transfer")
    check_length("note", command.note, context.policy.max_note)
    check_length("note", joined(interaction.note, command.note), MAX_TEXT)
    target = command.present_target
    agent = context.agents.get(target.id) if target.kind is TargetKind.AGENT else None
    reasons = eligibility(interaction, target, agent, load=context.load, policy=context.policy, served=context.served)
    if reasons:  # T3
        raise TargetNotEligible(reasons=reasons)
    begun = _begun(interaction, command, context, sender, agent)
    return begun if command.key is None else evolve(begun, key=(command.by, command.key))


def _begun(
    interaction: Interaction, command: RequestTransfer, context: Context, sender: Agent, agent: Agent | None
) -> Decision:
    """The request as it begins: INVITED where one agent is asked, ROUTING where the target stands for several."""
    policy = context.policy
    transfer = _asked(interaction, command, context, sender, agent)
    common = about(transfer, context.now, sender.id)
    requested: tuple[Event, ...] = (TransferRequested(target=command.target, hop=interaction.hops + 1, **common),)
    if command.on_fallback:
        requested = (*requested, TransferRedirected(target=command.present_target, **common))  # Q5, A1
    begun = evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "begin_transfer"),
        transfer=transfer,
        error=None,  # a new attempt withdraws what the window said of the last one (D5)
    )
    if agent is not None:
        return _inviting(begun, transfer, agent, requested)
    if policy.handover is Handover.ON_PLACEMENT:
        return _placed(begun, transfer, requested)
    return Decision(begun, events=requested, requests=(transfer,), concerned=(sender.id,))


def _asked(
    interaction: Interaction, command: RequestTransfer, context: Context, sender: Agent, agent: Agent | None
) -> TransferRequest:
    """The request in all its terms: what policy says of them now holds for it to the end."""
    policy, now = context.policy, context.now
    fallback = fallback_of(command, policy)
    names = context.names if agent is None else {**context.names, command.present_target: agent.name}
    deadline = now + (policy.routing_timeout if agent is None else policy.invitation_timeout)  # T7, Q1, F4
    return TransferRequest(
        command.transfer_id,
        interaction_id=interaction.id,
        sender=sender.id,
        target=command.target,
        state=TRANSFER.step(START, "route" if agent is None else "invite"),
        requested_at=now,
        deadline=deadline,
        note=command.note,
        invitation=None
        if agent is None
        else Invitation(command.invitation_id, invitee=agent.id, offered_at=now, deadline=deadline),
        sender_name=sender.name,
        target_name=names.get(command.target, ""),
        priority=command.priority,
        fallback=fallback,
        fallback_name="" if fallback is None else names.get(fallback, ""),
        on_fallback=command.on_fallback,
        no_answer=policy.no_answer if command.no_answer is None else command.no_answer,
        return_to_sender=policy.return_to_sender and agent is None and policy.handover is Handover.ON_PLACEMENT,
    )


def _placed(interaction: Interaction, transfer: TransferRequest, requested: tuple[Event, ...]) -> Decision:
    """The queue owns it at once, and the sender's window closes (Q2)."""
    changed = evolve(
        interaction,
        state=INTERACTION.step(interaction.state, "place"),
        owner=transfer.present_target,
        epoch=interaction.epoch + 1,  # F1
    )
    moved = OwnershipMoved(
        former_owner=transfer.sender,
        owner=changed.owner,
        epoch=changed.epoch,
        **about(transfer, transfer.requested_at, transfer.sender),
    )
    return Decision(changed, events=(*requested, moved), requests=(transfer,), concerned=(transfer.sender,))


def invite(interaction: Interaction, command: Invite, context: Context) -> Decision:
    """Invite the agent whom the router picked (Q1); do nothing where the request is not ROUTING to that any more."""
    transfer = _routing(interaction, command)
    if transfer is None:
        return Decision(interaction, found=context.request)
    agent = context.agents.get(command.agent_id)
    reasons = agent_eligibility(
        interaction, command.agent_id, agent, load=context.load, policy=context.policy, declined=transfer.asked
    )
    if agent is None or reasons:
        raise TargetNotEligible(reasons=reasons)
    invitation = Invitation(
        command.invitation_id,
        invitee=agent.id,
        offered_at=context.now,
        deadline=min(context.now + context.policy.invitation_timeout, transfer.deadline),  # F4
    )
    invited = evolve(transfer, state=TRANSFER.step(transfer.state, "invite"), invitation=invitation)
    changed = evolve(interaction, version=interaction.version + 1, transfer=invited)
    return _inviting(changed, invited, agent, ())


def _inviting(interaction: Interaction, transfer: TransferRequest, agent: Agent, events: tuple[Event, ...]) -> Decision:
    """The agent is invited, and a place of theirs is taken (T4, E3); ``events`` is what the sender did just now."""
    invitation = transfer.invitation
    assert invitation is not None  # noqa: S101 - it was made just now
    sent = InvitationSent(
        invitation_id=invitation.id,
        invitee=agent.id,
        deadline=invitation.deadline,
        **about(transfer, invitation.offered_at, transfer.sender if events else None),  # A1: or the router
    )
    return Decision(
        interaction,
        events=(*events, sent),
        requests=(transfer,),
        claim=Claim(agent.id, agent.capacity, invitation.offered_at, invites=True),  # E3, T9
        concerned=desktops(interaction),
    )


def fail_routing(interaction: Interaction, command: FailRouting, context: Context) -> Decision:
    """Close what no agent is left for (Q1); do nothing where it is not ROUTING, or waits on in its queue (Q2)."""
    transfer = _routing(interaction, command)
    if transfer is None or not (ending.can_end(interaction, transfer) or ending.can_go_back(interaction, transfer)):
        return Decision(interaction, found=context.request)
    why = ending.nobody_left(interaction, transfer, context.now)
    return ending.routing_ended(interaction, transfer, ending=why, now=context.now, policy=context.policy)


def _routing(interaction: Interaction, command: Invite | FailRouting) -> TransferRequest | None:
    """The request, if it is still ROUTING to the target that was looked at."""
    transfer = interaction.transfer
    if transfer is None or transfer.id != command.transfer_id or transfer.state is not TransferState.ROUTING:
        return None
    return transfer if transfer.present_target == command.target else None


def accept(interaction: Interaction, command: Accept, context: Context) -> Decision:
    """Move the ownership, at this instant, in this one change (T5)."""
    transfer, invitation = _answerable(interaction, command, context)
    invitee = context.agents.get(command.by)
    reasons = still_eligible(interaction, invitee, load=context.load)  # E1
    if invitee is None or reasons:
        raise TargetNotEligible(reasons=reasons)
    outcome = Outcome(TRANSFER.step(transfer.state, "accept"), by=command.by, at=context.now, owner=invitation.invitee)
    closed = evolve(transfer, state=outcome.state, outcome=outcome)
    changed = evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "hand_over"),
        owner=invitation.invitee,
        epoch=interaction.epoch + 1,  # F1
        hops=interaction.hops + 1,  # A4
        note=joined(interaction.note, transfer.note),  # T16
        transfer=None,
        error=None,
    )
    common = about(transfer, context.now, command.by)
    events = (
        TransferAccepted(outcome=outcome, invitation_id=invitation.id, **common),
        OwnershipMoved(former_owner=interaction.owner, owner=changed.owner, epoch=changed.epoch, **common),
    )
    return Decision(
        changed,
        events=events,
        requests=(closed,),
        claim=Claim(invitee.id, invitee.capacity, context.now),  # E3
        concerned=desktops(interaction),
    )


def reject(interaction: Interaction, command: Reject, context: Context) -> Decision:
    """Decline (T6): the next agent is looked for (Q1), or it closes as REJECTED and the sender is told."""
    transfer, invitation = _answerable(interaction, command, context)
    require(on_channel(command.by, context), Privilege.DECLINE)  # E4
    check_length("reason", command.reason, context.policy.max_note)
    why = Ending(
        trigger="reject",
        by=command.by,
        at=context.now,
        reason=command.reason,
        code="transfer.rejected_because" if command.reason else "transfer.rejected",
    )
    event = InvitationRejected(
        invitation_id=invitation.id, invitee=invitation.invitee, **about(transfer, context.now, command.by)
    )
    return ending.invitee_lost(interaction, transfer, invitation, ending=why, event=event, policy=context.policy)


def cancel(interaction: Interaction, command: Cancel, context: Context) -> Decision:
    """Take the request back; nobody is shown an error (T8)."""
    asked = context.request
    on_channel(command.by, context)
    if asked is None or asked.sender != command.by:
        raise NotPermitted(agent_id=command.by, reason=Denial.NOT_SENDER)
    transfer = _live(interaction, asked)
    if isinstance(interaction.owner, Target):  # F1: it is the queue's now
        raise NotPermitted(agent_id=command.by, reason=Denial.NOT_OWNER, owner=interaction.owner)
    closed, events = cancelled(transfer, command.by, "cancelled_by_sender", context.now)
    changed = evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "keep"),
        transfer=None,
    )
    return Decision(changed, events=events, requests=(closed,), concerned=desktops(interaction))


def fail(interaction: Interaction, command: FailInvitation, context: Context) -> Decision:
    """Withdraw what an invitee who is gone cannot answer any more (T9); do nothing where it is closed already."""
    transfer = interaction.transfer
    invitation = interaction.live_invitation
    if transfer is None or invitation is None or invitation.id != command.invitation_id:
        return Decision(interaction, found=context.request)
    reason = "invitee_disconnected" if command.disconnected else "invitee_logged_out"
    why = Ending(trigger="fail", by=invitation.invitee, at=context.now, reason=reason, code=f"transfer.failed.{reason}")
    event = InvitationWithdrawn(
        invitation_id=invitation.id, invitee=invitation.invitee, **about(transfer, context.now, invitation.invitee)
    )
    return ending.invitee_lost(interaction, transfer, invitation, ending=why, event=event, policy=context.policy)


def cancelled(
    transfer: TransferRequest, by: str, reason: str, now: datetime
) -> tuple[TransferRequest, tuple[Event, ...]]:
    """The request closed as CANCELLED, and what that makes happen (T8, T13)."""
    outcome = Outcome(TRANSFER.step(transfer.state, "cancel"), by=by, at=now, reason=reason, owner=transfer.sender)
    common = about(transfer, now, by)
    events: tuple[Event, ...] = (TransferCancelled(outcome=outcome, **common),)
    invitation = transfer.invitation
    if invitation is not None:
        events = (InvitationWithdrawn(invitation_id=invitation.id, invitee=invitation.invitee, **common), *events)
    return evolve(transfer, state=outcome.state, outcome=outcome), events


def _answerable(
    interaction: Interaction, command: Accept | Reject, context: Context
) -> tuple[TransferRequest, Invitation]:
    """The live request and invitation under this ticket, for its invitee only."""
    asked = context.request
    known_agent(command.by, context)
    if asked is not None and asked.invitation is not None and asked.invitation.id == command.invitation_id:
        if asked.invitation.invitee == command.by:
            return _live(interaction, asked), asked.invitation
    elif asked is not None:
        for past in asked.past_invitations:  # T11: the request has gone on, and this offer is over
            if past.id == command.invitation_id and past.invitee == command.by:
                outcome = past.outcome if asked.outcome is None else asked.outcome
                raise InvitationClosed(outcome=evolve(outcome, owner=interaction.owner))
    raise NotPermitted(agent_id=command.by, reason=Denial.NOT_INVITEE)


def _live(interaction: Interaction, asked: TransferRequest) -> TransferRequest:
    """The request, if it is live; the loser of a race is told what won and who owns it now (T11, F3)."""
    transfer = interaction.transfer
    if transfer is not None and transfer.id == asked.id:
        return transfer
    if asked.outcome is None:
        raise CorruptRecord(kind="transfer", id=asked.id)  # the store says that it is live, and its interaction not
    raise InvitationClosed(outcome=evolve(asked.outcome, owner=interaction.owner))


def _repeated(interaction: Interaction, command: RequestTransfer, made: TransferRequest) -> Decision:
    """The same key again: the request it made, as it is now (F5)."""
    if (made.interaction_id, made.target) != (command.interaction_id, command.target):
        raise InvalidValue(field="key", rule="was used for another transfer")
    return Decision(interaction, found=made)


def joined(note: str, more: str) -> str:
    """The conversation's note, with the sender's words added: what travels is never less than what was written."""
    return f"{note}\n{more}" if note and more else note or more
