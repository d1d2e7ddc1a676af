"""The one function that decides: (interaction, command, context) → Decision, or a refusal that changes nothing (F7).

It is pure: the same three give the same decision, on any machine, at any time. Everything that a rule of the domain has
to say is said under here; whoever calls it only reads, records and tells.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from sms_transfer.core import conversation, ending, transfer
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
    Reject,
    Reply,
    RequestTransfer,
    SaveAttachment,
    SetNote,
    UpdateCaseData,
)
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.model import Interaction
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.core.record import evolve
from sms_transfer.errors import NotFound, Refused

PresentCommand = (
    Accept
    | Cancel
    | Expire
    | FailInvitation
    | FailRouting
    | Invite
    | MarkDone
    | ReceiveMessage
    | Reject
    | Reply
    | RequestTransfer
    | SaveAttachment
    | SetNote
    | UpdateCaseData
)
"""Every command about an interaction that there is already."""

InteractionCommand = OpenInteraction | PresentCommand
"""Every command about an interaction."""


def decide(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    """Decide one command on the present state.

    The deadline instant belongs to the timeout (T10). So where the deadline of a live transfer has come and nothing has
    recorded it yet, whatever is asked finds the transfer expired: the expiry goes into the same decision, ahead of the
    command's own effect or of its refusal.

    Args:
        interaction: as it is now; None if there is none.

    Raises:
        NotFound: the interaction, or an agent who asks, is unknown.
        AlreadyExists: the interaction to be opened, or a text under this id, is there already.
        InvalidValue: something is longer than policy allows.
        Refused: the rules do not allow it; which of its kinds says why.
    """
    if isinstance(command, OpenInteraction):
        return conversation.open_interaction(interaction, command, context)
    if interaction is None:
        raise _not_found(command)
    live = interaction.transfer
    if live is None or context.now < live.due_at:
        return _decide(interaction, command, context)
    return _after(_brought_by_time(interaction, context), command, context)


def as_of(interaction: Interaction, now: datetime, policy: TransferPolicy) -> Decision:
    """What a command would find now, whether or not anything has recorded what was due (T10)."""
    return _brought_by_time(interaction, Context(now=now, policy=policy))


def _brought_by_time(interaction: Interaction, context: Context) -> Decision:
    """All that is due by now, one after the other: the next agent's time may be over, too, before anything sweeps."""
    decision = Decision(interaction)
    while (live := decision.interaction.transfer) is not None and context.now >= live.due_at:
        further = ending.overdue(decision.interaction, live, context.now, context.policy)
        decision = _joined(decision, further)
    return decision


def _after(expiry: Decision, command: PresentCommand, context: Context) -> Decision:
    """Decide on top of an expiry that nothing had recorded (T10)."""
    now_known = {request.id: request for request in expiry.requests}
    asked, repeated = context.request, context.repeated
    context = evolve(
        context,
        request=None if asked is None else now_known.get(asked.id, asked),
        repeated=None if repeated is None else now_known.get(repeated.id, repeated),
    )
    try:
        return _joined(expiry, _decide(expiry.interaction, command, context))
    except Refused as refusal:
        return evolve(expiry, refusal=refusal)


def _joined(first: Decision, second: Decision) -> Decision:
    """Two decisions, the second made on top of the first, as one commit with one version."""
    if not first.events:
        return second
    requests = {request.id: request for request in first.requests + second.requests}  # each as it is in the end
    return evolve(
        second,
        interaction=evolve(second.interaction, version=first.interaction.version),
        events=first.events + second.events,
        requests=tuple(requests.values()),
        notices=first.notices + second.notices,
        concerned=tuple(dict.fromkeys(first.concerned + second.concerned)),
        missed=first.missed + second.missed,
    )


def _decide(interaction: Interaction, command: PresentCommand, context: Context) -> Decision:  # noqa: C901, PLR0911, PLR0912 - a table in the form that the type checkers prove complete
    match command:
        case ReceiveMessage():
            return conversation.receive_message(interaction, command, context)
        case Reply():
            return conversation.reply(interaction, command, context)
        case RequestTransfer():
            return transfer.request(interaction, command, context)
        case Accept():
            return transfer.accept(interaction, command, context)
        case Reject():
            return transfer.reject(interaction, command, context)
        case Cancel():
            return transfer.cancel(interaction, command, context)
        case Expire():
            return Decision(interaction, found=context.request)  # what was due is recorded before any command (T10)
        case FailInvitation():
            return transfer.fail(interaction, command, context)
        case Invite():
            return transfer.invite(interaction, command, context)
        case FailRouting():
            return transfer.fail_routing(interaction, command, context)
        case MarkDone():
            return conversation.mark_done(interaction, command, context)
        case UpdateCaseData():
            return conversation.update_case_data(interaction, command, context)
        case SetNote():
            return conversation.set_note(interaction, command, context)
        case SaveAttachment():
            return conversation.save_attachment(interaction, command, context)
        case _:
            assert_never(command)


def _not_found(command: PresentCommand) -> NotFound:
    need = command.need()
    if need.invitation_id is not None:
        return NotFound(kind="invitation", id=need.invitation_id)
    if need.transfer_id is not None:
        return NotFound(kind="transfer", id=need.transfer_id)
    return NotFound(kind="interaction", id=need.interaction_id or "")
