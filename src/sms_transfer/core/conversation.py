"""Decisions about the conversation itself: it opens, texts come and go, notes and case data change, it is done."""

from __future__ import annotations

from sms_transfer.core import transfer
from sms_transfer.core.check import MAX_TEXT, CaseData, CaseValue
from sms_transfer.core.commands import (
    MarkDone,
    OpenInteraction,
    ReceiveMessage,
    Reply,
    SaveAttachment,
    SetNote,
    UpdateCaseData,
)
from sms_transfer.core.decision import (
    Claim,
    Context,
    Decision,
    acting_owner,
    check_length,
    desktops,
    known_agent,
    require,
)
from sms_transfer.core.events import (
    CaseDataUpdated,
    InteractionDone,
    InteractionOpened,
    MessageReceived,
    MessageSent,
    NoteSet,
)
from sms_transfer.core.lifecycle import INTERACTION, InteractionState
from sms_transfer.core.model import Interaction, Message, Privilege, Target
from sms_transfer.core.policy import Reason, TransferPolicy
from sms_transfer.core.record import evolve
from sms_transfer.errors import AlreadyExists, IllegalTransition, InvalidValue, TargetNotEligible


def open_interaction(present: Interaction | None, command: OpenInteraction, context: Context) -> Decision:
    """Begin a conversation: ACTIVE, with an owner who has a place for it (E3)."""
    interaction = command.interaction
    if present is not None:
        raise AlreadyExists(kind="interaction", id=interaction.id)
    if isinstance(interaction.owner, Target):
        raise TargetNotEligible(reasons={Reason.KIND_NOT_ALLOWED})
    if interaction.state is not InteractionState.ACTIVE:
        raise InvalidValue(field="state", rule="must be ACTIVE when an interaction is opened")
    check_length("note", interaction.note, context.policy.max_note)
    _check_case_data(interaction, context.policy)
    owner = known_agent(interaction.owner, context)
    if context.load >= owner.capacity:  # E3
        raise TargetNotEligible(reasons={Reason.AT_CAPACITY})
    return Decision(
        evolve(interaction, version=1, error=None),
        events=(
            InteractionOpened(
                interaction_id=interaction.id,
                at=context.now,
                by=None,
                owner=owner.id,
                media=interaction.media,
                epoch=interaction.epoch,
            ),
        ),
        claim=Claim(owner.id, owner.capacity, context.now),
        concerned=(owner.id,),
    )


def receive_message(interaction: Interaction, command: ReceiveMessage, context: Context) -> Decision:
    """Record a text from the contact for whoever owns the conversation, in a transfer or not (T12)."""
    recorded = context.message
    if recorded is not None:
        return _repeated_message(interaction, command.message, recorded)
    _refuse_done(interaction, "receive_message")
    message = evolve(command.message, epoch=interaction.epoch)
    event = MessageReceived(
        interaction_id=interaction.id, at=context.now, by=None, message_id=message.id, epoch=interaction.epoch
    )
    return _record(interaction, message, event)


def reply(interaction: Interaction, command: Reply, context: Context) -> Decision:
    """Record a text to the contact, under the epoch it is written in (F1)."""
    acting_owner(interaction, command, context)
    _refuse_done(interaction, "reply")
    if not command.message.text and not command.message.attachments:
        raise InvalidValue(field="text", rule="must not be empty where nothing is attached")
    message = evolve(command.message, epoch=interaction.epoch)
    event = MessageSent(
        interaction_id=interaction.id, at=context.now, by=command.by, message_id=message.id, epoch=interaction.epoch
    )
    return _record(interaction, message, event)


def update_case_data(interaction: Interaction, command: UpdateCaseData, context: Context) -> Decision:
    """Change case data; the invitee of a live transfer sees the change too (T5)."""
    acting_owner(interaction, command, context)
    _refuse_done(interaction, "update_case_data")
    merged: dict[str, CaseValue | None] = {**interaction.case_data, **command.changes}
    case_data = CaseData({key: value for key, value in merged.items() if value is not None})
    changed = evolve(interaction, version=interaction.version + 1, case_data=case_data)
    _check_case_data(changed, context.policy)
    event = CaseDataUpdated(
        interaction_id=interaction.id, at=context.now, by=command.by, keys=frozenset(command.changes)
    )
    return Decision(changed, events=(event,), concerned=desktops(changed))


def set_note(interaction: Interaction, command: SetNote, context: Context) -> Decision:
    """Replace the note."""
    acting_owner(interaction, command, context)
    _refuse_done(interaction, "set_note")
    check_length("note", command.note, context.policy.max_note)
    if interaction.transfer is not None:  # the two become one note on accept (T16)
        check_length("note", transfer.joined(command.note, interaction.transfer.note), MAX_TEXT)
    changed = evolve(interaction, version=interaction.version + 1, note=command.note)
    event = NoteSet(interaction_id=interaction.id, at=context.now, by=command.by)
    return Decision(changed, events=(event,), concerned=desktops(changed))


def save_attachment(interaction: Interaction, command: SaveAttachment, context: Context) -> Decision:
    """Let the owner save an attachment, or not (E4)."""
    require(acting_owner(interaction, command, context), Privilege.SAVE_ATTACHMENTS)
    return Decision(interaction)


def mark_done(interaction: Interaction, command: MarkDone, context: Context) -> Decision:
    """End the conversation; a live transfer is withdrawn in the same change (T13)."""
    acting_owner(interaction, command, context)
    state = INTERACTION.step(interaction.state, "mark_done")
    changed = evolve(interaction, version=interaction.version + 1, state=state, transfer=None, error=None)
    done = InteractionDone(interaction_id=interaction.id, at=context.now, by=command.by)
    if interaction.transfer is None:
        return Decision(changed, events=(done,), concerned=desktops(changed))
    closed, events = transfer.cancelled(interaction.transfer, command.by, "interaction_done", context.now)
    return Decision(changed, events=(*events, done), requests=(closed,), concerned=desktops(interaction))


def _record(interaction: Interaction, message: Message, event: MessageReceived | MessageSent) -> Decision:
    # The transcript is for the owner; an invitee gets it whole on accept (T12), so nobody else is rung.
    changed = evolve(interaction, version=interaction.version + 1)
    concerned = () if isinstance(interaction.owner, Target) else (interaction.owner,)
    return Decision(changed, events=(event,), message=message, texts=(message,), concerned=concerned)


def _repeated_message(interaction: Interaction, message: Message, recorded: Message) -> Decision:
    same = (message.interaction_id, message.direction, message.text, message.attachments)
    if same != (recorded.interaction_id, recorded.direction, recorded.text, recorded.attachments):
        raise AlreadyExists(kind="message", id=message.id)
    return Decision(interaction, message=recorded)  # F5


def _refuse_done(interaction: Interaction, trigger: str) -> None:
    if interaction.state is InteractionState.DONE:
        raise IllegalTransition(
            machine=INTERACTION.name, state=interaction.state, trigger=trigger, allowed=INTERACTION.allowed("done")
        )


def _check_case_data(interaction: Interaction, policy: TransferPolicy) -> None:
    if interaction.case_data.size > policy.max_case_data:
        raise InvalidValue(field="case_data", rule=f"must have at most {policy.max_case_data} characters in all")
