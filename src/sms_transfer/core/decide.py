"""The one function that decides: (interaction, command, context) → Decision, or a refusal that changes nothing (F7).

It is pure: the same three give the same decision, on any machine, at any time. Everything that a rule of the domain has
to say is said under here; whoever calls it only reads, records and tells.
"""

from __future__ import annotations

from typing import assert_never

import attrs

from sms_transfer.core import conversation, transfer
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    FailInvitation,
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
from sms_transfer.core.model import Interaction, TransferRequest
from sms_transfer.errors import NotFound, Refused

PresentCommand = (
    Accept
    | Cancel
    | Expire
    | FailInvitation
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
    if live is None or context.now < live.deadline or isinstance(command, Expire):
        return _decide(interaction, command, context)
    return _after(transfer.overdue(interaction, live), command, context)


def _after(expiry: Decision, command: PresentCommand, context: Context) -> Decision:
    """Decide on top of an expiry that nothing had recorded (T10)."""
    context = _updated(context, expiry.requests[0])
    try:
        decision = _decide(expiry.interaction, command, context)
    except Refused as refusal:
        return attrs.evolve(expiry, refusal=refusal)
    return attrs.evolve(
        decision,
        interaction=attrs.evolve(decision.interaction, version=expiry.interaction.version),  # one commit, one version
        events=expiry.events + decision.events,
        requests=expiry.requests + decision.requests,
        notices=expiry.notices + decision.notices,
        concerned=tuple(dict.fromkeys(expiry.concerned + decision.concerned)),
    )


def _updated(context: Context, closed: TransferRequest) -> Context:
    """The context once this request has expired: no reading of it is live any more."""
    return attrs.evolve(
        context,
        request=closed if context.request is not None and context.request.id == closed.id else context.request,
        repeated=closed if context.repeated is not None and context.repeated.id == closed.id else context.repeated,
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
            return transfer.expire(interaction, command, context)
        case FailInvitation():
            return transfer.fail(interaction, command, context)
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
