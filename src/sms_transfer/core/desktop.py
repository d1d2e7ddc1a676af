"""What an agent's desktop shows: pure functions from what is recorded to windows and previews.

A desktop shows state, not messages. `Snapshot` is what is recorded for one agent, `window_of` and `preview_of` say how
that looks. Which of it is on the screen already is the business of `sms_transfer.workspace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from sms_transfer.core import check
from sms_transfer.core.check import CaseData, FrozenDict
from sms_transfer.core.commands import Accept
from sms_transfer.core.model import (
    Agent,
    Contact,
    Interaction,
    Invitation,
    Media,
    Message,
    Privilege,
    Target,
    TransferRequest,
)
from sms_transfer.core.notices import Notice, SystemMessage
from sms_transfer.core.record import Record

NO_TEXTS: Final[Mapping[str, Transcript]] = {}


class Answering(StrEnum):
    """How an invitation is answered (D2)."""

    MANUAL = "manual"
    AUTO_WITH_PREVIEW = "auto_with_preview"
    AUTO_WITHOUT_PREVIEW = "auto_without_preview"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class WorkspaceSettings(Record):
    """How one agent's workspace behaves.

    Args:
        preview_takes_focus: on, a preview takes the focus, so that a screen reader reads it by itself; off, it is
            announced without stealing the focus and must be reachable by keyboard (D1). The front end obeys.
        answering: whether invitations are answered by the agent or by the workspace (D2).
        preview_case_data: the keys of case data that a preview shows (T5); None shows all.
    """

    preview_takes_focus: bool = attrs.field(default=False, validator=check.one_of(bool))
    answering: Answering = attrs.field(default=Answering.MANUAL, validator=check.one_of(Answering))
    preview_case_data: frozenset[str] | None = attrs.field(
        default=None, converter=check.to_optional_ids, validator=check.optional_identifiers
    )

    @property
    def shows_previews(self) -> bool:
        """Whether an invitation is shown before it is answered (D2)."""
        return self.answering is not Answering.AUTO_WITHOUT_PREVIEW


@attrs.frozen
class Transcript:
    """A part of a conversation's texts, in order, from the one at index ``start`` on."""

    start: int
    messages: tuple[Message, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Desktop(Record):
    """What a store has recorded for one agent: all of it, or what has changed since an earlier reading.

    Args:
        version: counts the changes that concern this agent; hand it back to be told the later ones only.
        interactions: the interactions that the agent owns and that are not done.
        offered: the interactions with a live invitation for the agent.
        messages: the agent's My Messages, oldest first.
        transcripts: the texts of the owned ones by interaction id, from the last text known on.
        about: of which interactions this speaks, so that one that is about but not in it is gone; None: of all.
        about_messages: of which My Messages entries this speaks; None: of all.
    """

    version: int
    interactions: tuple[Interaction, ...] = ()
    offered: tuple[Interaction, ...] = ()
    messages: tuple[SystemMessage, ...] = ()
    transcripts: Mapping[str, Transcript] = NO_TEXTS
    about: frozenset[str] | None = None
    about_messages: frozenset[str] | None = None

    @property
    def invitations(self) -> tuple[Invitation, ...]:
        """The invitations that the agent can answer."""
        return tuple(invitation for offered in self.offered if (invitation := offered.live_invitation))


@attrs.frozen(eq=False, repr=False)
class Snapshot(Record):
    """What one agent's workspace should show now."""

    agent: Agent
    desktop: Desktop

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """The interactions that the agent owns."""
        return self.desktop.interactions

    @property
    def invitations(self) -> tuple[Invitation, ...]:
        """The invitations that the agent can answer."""
        return self.desktop.invitations

    @property
    def messages(self) -> tuple[SystemMessage, ...]:
        """The agent's My Messages, newest first (D4)."""
        return self.desktop.messages[::-1]


@attrs.frozen(kw_only=True)
class PendingTransfer:
    """That a transfer is under way, to whom, and until when (T4)."""

    transfer_id: str
    target: Target
    to: str
    deadline: datetime


@attrs.frozen(kw_only=True)
class InteractionWindow:
    """One conversation on its owner's desktop.

    Args:
        interaction: id, contact, case data, note, epoch (carry it in every command from this window, F1).
        transcript: every text, in order.
        pending: the live transfer, or None.
        error: what stands at the top of the window, or None (T6).
        can_transfer: whether there is a Transfer button (E4); it works while nothing is pending (T1).
        can_save_attachments: whether attachments can be saved (E4).
    """

    interaction: Interaction
    transcript: tuple[Message, ...]
    pending: PendingTransfer | None
    error: Notice | None
    can_transfer: bool
    can_save_attachments: bool


@attrs.frozen(kw_only=True)
class InteractionPreview:
    """An invitation on the invitee's desktop (T5).

    Args:
        from_agent: the sender's name.
        sender: the sender's id.
        target: what was asked for: this agent, or the queue, group, skill or routing point that they serve.
        to: its name.
        contact: who the conversation is with; masked in ``repr``.
        note: the sender's words. Not shown in ``repr``.
        case_data: the selected case data.
        waiting_since: since when it has been offered, for the time waited.
        deadline: until when it can be answered, for the countdown.
        can_reject: whether there is a Reject (E4).
        focus: whether the preview takes the focus (D1).
    """

    invitation_id: str
    transfer_id: str
    interaction_id: str
    from_agent: str
    sender: str
    target: Target
    to: str
    media: Media
    contact: Contact
    note: str = attrs.field(repr=False)
    case_data: CaseData
    waiting_since: datetime
    deadline: datetime
    can_reject: bool
    focus: bool

    @property
    def notice(self) -> Notice:
        """What a screen reader says, with its code and parameters (D1, D6)."""
        params = {"sender": self.from_agent, "media": self.media.upper(), "contact": self.contact.label}
        if self.note:
            return Notice("preview.transfer_with_note", FrozenDict({**params, "note": self.note}))
        return Notice("preview.transfer", FrozenDict(params))

    @property
    def text(self) -> str:
        """The accessible text in English (D1)."""
        return self.notice.text


def window_of(interaction: Interaction, transcript: tuple[Message, ...], agent: Agent) -> InteractionWindow:
    """How an owned interaction looks."""
    transfer = interaction.transfer
    pending = None
    if transfer is not None:
        pending = PendingTransfer(
            transfer_id=transfer.id,
            target=transfer.present_target,
            to=transfer.present_name,
            deadline=transfer.deadline,
        )
    return InteractionWindow(
        interaction=interaction,
        transcript=transcript,
        pending=pending,
        error=interaction.error,
        can_transfer=_may(agent, Privilege.TRANSFER),
        can_save_attachments=_may(agent, Privilege.SAVE_ATTACHMENTS),
    )


def preview_of(
    interaction: Interaction,
    transfer: TransferRequest,
    invitation: Invitation,
    agent: Agent,
    settings: WorkspaceSettings,
) -> InteractionPreview:
    """How an invitation looks to its invitee."""
    sender = transfer.sender_name or transfer.sender
    case_data = interaction.case_data
    if settings.preview_case_data is not None:
        shown = {key: value for key, value in case_data.items() if key in settings.preview_case_data}
        case_data = CaseData(shown)
    return InteractionPreview(
        invitation_id=invitation.id,
        transfer_id=transfer.id,
        interaction_id=interaction.id,
        from_agent=sender,
        sender=transfer.sender,
        target=transfer.present_target,
        to=transfer.present_name,
        media=interaction.media,
        contact=interaction.contact,
        note=transfer.note,
        case_data=case_data,
        waiting_since=invitation.offered_at,
        deadline=invitation.deadline,
        can_reject=_may(agent, Privilege.DECLINE),
        focus=settings.preview_takes_focus,
    )


def _may(agent: Agent, privilege: Privilege) -> bool:
    """Whether a button works: whatever it does, it does on the SMS channel (E4)."""
    return {Privilege.USE_SMS, privilege} <= agent.privileges


def wanted(invitation_id: str, agent: Agent, settings: WorkspaceSettings) -> tuple[Accept, ...]:
    """What the settings ask the workspace to do with an invitation by itself (D2)."""
    if settings.answering is Answering.MANUAL:
        return ()
    return (Accept(invitation_id, by=agent.id),)
