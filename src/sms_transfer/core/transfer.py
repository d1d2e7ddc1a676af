"""Decisions about a transfer: it is requested, and ends in exactly one outcome.

Each function takes the arc of one trigger (`sms_transfer.core.lifecycle`) with all its effects at once.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from sms_transfer.core.check import MAX_TEXT, FrozenDict
from sms_transfer.core.commands import Accept, Cancel, Expire, FailInvitation, Reject, RequestTransfer
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
from sms_transfer.core.events import (
    Event,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    OwnershipMoved,
    TransferAccepted,
    TransferCancelled,
    TransferExpired,
    TransferFailed,
    TransferRejected,
    TransferRequested,
    about,
)
from sms_transfer.core.lifecycle import INTERACTION, START, TRANSFER
from sms_transfer.core.model import Interaction, Invitation, Outcome, Privilege, TransferRequest
from sms_transfer.core.notices import Notice, Priority, SystemMessage
from sms_transfer.core.policy import eligibility, still_eligible
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
    """Invite the target; the sender stays the owner (T1 to T4)."""
    if context.repeated is not None:
        return _repeated(interaction, command, context.repeated)
    sender = acting_owner(interaction, command, context)
    require(sender, Privilege.TRANSFER)  # E4
    if interaction.transfer is not None:  # F2
        raise TransferPending(transfer=interaction.transfer)
    state = INTERACTION.step(interaction.state, "begin_transfer")
    check_length("note", command.note, context.policy.max_note)
    check_length("note", joined(interaction.note, command.note), MAX_TEXT)
    invitee = context.agents.get(command.target.id)
    reasons = eligibility(interaction, command.target, invitee, load=context.load, policy=context.policy)
    if invitee is None or reasons:  # T3
        raise TargetNotEligible(reasons=reasons)
    now = context.now
    deadline = now + context.policy.invitation_timeout  # T7, F4
    invitation = Invitation(command.invitation_id, invitee=invitee.id, offered_at=now, deadline=deadline)
    transfer = TransferRequest(
        command.transfer_id,
        interaction_id=interaction.id,
        sender=sender.id,
        target=command.target,
        state=TRANSFER.step(START, "invite"),
        requested_at=now,
        deadline=deadline,
        note=command.note,
        invitation=invitation,
        sender_name=sender.name,
        target_name=invitee.name,
    )
    # A new attempt withdraws what the window said of the last one (D5).
    changed = attrs.evolve(interaction, version=interaction.version + 1, state=state, transfer=transfer, error=None)
    return Decision(
        changed,
        events=_requested(transfer, invitation, interaction.hops + 1),
        requests=(transfer,),
        claim=Claim(invitee.id, invitee.capacity, now, invites=True),  # E3, T9
        concerned=(sender.id, invitee.id),
        key=None if command.key is None else (command.by, command.key),
    )


def accept(interaction: Interaction, command: Accept, context: Context) -> Decision:
    """Move the ownership, at this instant, in this one change (T5)."""
    transfer, invitation = _answerable(interaction, command, context)
    invitee = context.agents.get(command.by)
    reasons = still_eligible(interaction, invitee, load=context.load)  # E1
    if invitee is None or reasons:
        raise TargetNotEligible(reasons=reasons)
    outcome = Outcome(TRANSFER.step(transfer.state, "accept"), by=command.by, at=context.now, owner=invitation.invitee)
    closed = attrs.evolve(transfer, state=outcome.state, outcome=outcome)
    changed = attrs.evolve(
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
    """Close it as REJECTED; the sender still owns it and is told on both surfaces (T6)."""
    transfer, invitation = _answerable(interaction, command, context)
    require(on_channel(command.by, context), Privilege.DECLINE)  # E4
    check_length("reason", command.reason, context.policy.max_note)
    outcome = Outcome(
        TRANSFER.step(transfer.state, "reject"),
        by=command.by,
        at=context.now,
        reason=command.reason,
        owner=interaction.owner,
    )
    common = about(transfer, context.now, command.by)
    events = (
        InvitationRejected(invitation_id=invitation.id, invitee=invitation.invitee, **common),
        TransferRejected(outcome=outcome, **common),
    )
    if command.reason:
        notice = _notice("transfer.rejected_because", transfer, reason=command.reason)
    else:
        notice = _notice("transfer.rejected", transfer)
    return _kept(interaction, transfer, outcome, notice, events)


def cancel(interaction: Interaction, command: Cancel, context: Context) -> Decision:
    """Take the invitation back; nobody is shown an error (T8)."""
    asked = context.request
    on_channel(command.by, context)
    if asked is None or asked.sender != command.by:
        raise NotPermitted(agent_id=command.by, reason=Denial.NOT_SENDER)
    transfer = _live(interaction, asked)
    closed, events = cancelled(transfer, command.by, "cancelled_by_sender", context.now)
    changed = attrs.evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "keep"),
        transfer=None,
    )
    return Decision(changed, events=events, requests=(closed,), concerned=desktops(interaction))


def expire(interaction: Interaction, command: Expire, context: Context) -> Decision:
    """Close what nobody answered by the deadline (T7); do nothing where there is nothing to close (F4)."""
    transfer = interaction.transfer
    if transfer is None or transfer.id != command.transfer_id or context.now < transfer.deadline:
        return Decision(interaction, found=context.request)
    return overdue(interaction, transfer)


def overdue(interaction: Interaction, transfer: TransferRequest) -> Decision:
    """Record the expiry that time has brought (T10).

    It happened at the deadline, whenever it is recorded: a sweep that comes late gives the same result (F4).
    """
    at = transfer.deadline
    outcome = Outcome(
        TRANSFER.step(transfer.state, "expire"), by=None, at=at, reason="no_answer", owner=interaction.owner
    )
    common = about(transfer, at, None)
    events: tuple[Event, ...] = (TransferExpired(outcome=outcome, **common),)
    invitation = transfer.invitation
    if invitation is not None:
        events = (InvitationExpired(invitation_id=invitation.id, invitee=invitation.invitee, **common), *events)
    notice = _notice("transfer.expired", transfer)
    return _kept(interaction, transfer, outcome, notice, events)


def fail(interaction: Interaction, command: FailInvitation, context: Context) -> Decision:
    """Close what an invitee who is gone cannot answer any more (T9); do nothing where it is closed already."""
    transfer = interaction.transfer
    invitation = interaction.live_invitation
    if transfer is None or invitation is None or invitation.id != command.invitation_id:
        return Decision(interaction, found=context.request)
    reason = "invitee_disconnected" if command.disconnected else "invitee_logged_out"
    outcome = Outcome(
        TRANSFER.step(transfer.state, "fail"),
        by=invitation.invitee,
        at=context.now,
        reason=reason,
        owner=interaction.owner,
    )
    common = about(transfer, context.now, invitation.invitee)
    events = (
        InvitationWithdrawn(invitation_id=invitation.id, invitee=invitation.invitee, **common),
        TransferFailed(outcome=outcome, **common),
    )
    notice = _notice(f"transfer.failed.{reason}", transfer)
    return _kept(interaction, transfer, outcome, notice, events)


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
    return attrs.evolve(transfer, state=outcome.state, outcome=outcome), events


def _kept(
    interaction: Interaction,
    transfer: TransferRequest,
    outcome: Outcome,
    notice: Notice,
    events: tuple[Event, ...],
) -> Decision:
    """The sender goes on owning it, and is told on both surfaces (T6)."""
    changed = attrs.evolve(
        interaction,
        version=interaction.version + 1,
        state=INTERACTION.step(interaction.state, "keep"),
        transfer=None,
        error=notice,  # the top of the window
    )
    entry = SystemMessage(  # My Messages
        transfer.id,
        agent_id=transfer.sender,
        notice=notice,
        at=outcome.at,
        interaction_id=interaction.id,
        priority=Priority.HIGH,
    )
    return Decision(
        changed,
        events=events,
        requests=(attrs.evolve(transfer, state=outcome.state, outcome=outcome),),
        notices=(entry,),
        concerned=desktops(interaction),
    )


def _notice(code: str, transfer: TransferRequest, **more: str) -> Notice:
    target = transfer.target_name or transfer.target.id
    return Notice(code, FrozenDict({"transfer": transfer.id, "target": target, **more}))


def _answerable(
    interaction: Interaction, command: Accept | Reject, context: Context
) -> tuple[TransferRequest, Invitation]:
    """The live request and invitation under this ticket, for its invitee only."""
    asked = context.request
    known_agent(command.by, context)
    if asked is None or asked.invitation is None or asked.invitation.invitee != command.by:
        raise NotPermitted(agent_id=command.by, reason=Denial.NOT_INVITEE)
    return _live(interaction, asked), asked.invitation


def _live(interaction: Interaction, asked: TransferRequest) -> TransferRequest:
    """The request, if it is live; the loser of a race is told what won and who owns it now (T11, F3)."""
    transfer = interaction.transfer
    if transfer is not None and transfer.id == asked.id:
        return transfer
    if asked.outcome is None:
        raise CorruptRecord(kind="transfer", id=asked.id)  # the store says that it is live, and its interaction not
    raise InvitationClosed(outcome=attrs.evolve(asked.outcome, owner=interaction.owner))


def _repeated(interaction: Interaction, command: RequestTransfer, made: TransferRequest) -> Decision:
    """The same key again: the request it made, as it is now (F5)."""
    if (made.interaction_id, made.target) != (command.interaction_id, command.target):
        raise InvalidValue(field="key", rule="was used for another transfer")
    return Decision(interaction, found=made)


def _requested(transfer: TransferRequest, invitation: Invitation, hop: int) -> tuple[Event, ...]:
    common = about(transfer, transfer.requested_at, transfer.sender)
    return (
        TransferRequested(target=transfer.target, hop=hop, **common),
        InvitationSent(invitation_id=invitation.id, invitee=invitation.invitee, deadline=invitation.deadline, **common),
    )


def joined(note: str, more: str) -> str:
    """The conversation's note, with the sender's words added: what travels is never less than what was written."""
    return f"{note}\n{more}" if note and more else note or more
