"""What happened: past tense, and facts.

The history of an interaction (A1) and the feed for other systems are made of these. They are personal-data free: they
name ids, states and reasons, and leave texts, notes and case data to the records they point at (A6).
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

import attrs

from sms_transfer.core.model import Media, Outcome, Target, TransferRequest
from sms_transfer.core.record import Record


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Event(Record):
    """The base of all events.

    Args:
        interaction_id: what it happened to.
        at: when.
        by: the agent who caused it; None where the contact, the host application, the router or time did.
    """

    interaction_id: str
    at: datetime
    by: str | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InteractionOpened(Event):
    """A conversation began, with an owner."""

    owner: str
    media: Media
    epoch: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class MessageReceived(Event):
    """The contact sent a text (T12); ``epoch`` is the ownership it arrived in."""

    message_id: str
    epoch: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class MessageSent(Event):
    """The owner sent a text, recorded under ``epoch`` before it left (F1, F6)."""

    message_id: str
    epoch: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CaseDataUpdated(Event):
    """The owner changed case data under these keys."""

    keys: frozenset[str]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NoteSet(Event):
    """The owner replaced the note."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InteractionDone(Event):
    """The owner marked the conversation done."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferEvent(Event):
    """The base of what happens to a transfer request."""

    transfer_id: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferRequested(TransferEvent):
    """The owner asked for a transfer (T4); ``hop`` would be the number of this hand-over (A4)."""

    target: Target
    hop: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InvitationSent(TransferEvent):
    """An agent was invited (T4)."""

    invitation_id: str
    invitee: str
    deadline: datetime


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InvitationRejected(TransferEvent):
    """The invitee declined (T6)."""

    invitation_id: str
    invitee: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InvitationExpired(TransferEvent):
    """The invitee did not answer by the deadline (T7)."""

    invitation_id: str
    invitee: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InvitationWithdrawn(TransferEvent):
    """The offer was taken back: cancelled, the conversation done, or the invitee gone (T8, T9, T13)."""

    invitation_id: str
    invitee: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferRedirected(TransferEvent):
    """It goes to another target: to the fallback, as its own did not take it (Q5), or back to the queue that owns it.

    It goes back where the fallback was an agent, who did not take it either (Q2).
    """

    target: Target


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferClosed(TransferEvent):
    """The base of the five outcomes (A2)."""

    outcome: Outcome


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferAccepted(TransferClosed):
    """The invitee took it (T5); `OwnershipMoved` follows in the same commit."""

    invitation_id: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferRejected(TransferClosed):
    """The target declined (T6)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferExpired(TransferClosed):
    """Nobody answered in time (T7), or nobody was found in time (Q1)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferCancelled(TransferClosed):
    """The sender took it back, or marked the conversation done (T8, T13)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferFailed(TransferClosed):
    """The invitee went away (T9), or nobody is left who could be invited (Q1)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OwnershipMoved(Event):
    """Somebody else owns the conversation, from this instant, under ``epoch`` (F1)."""

    transfer_id: str
    former_owner: str | Target
    owner: str | Target
    epoch: int


class About(TypedDict):
    """The arguments that every `TransferEvent` has."""

    interaction_id: str
    at: datetime
    by: str | None
    transfer_id: str


def about(transfer: TransferRequest, at: datetime, by: str | None) -> About:
    """The common part of whatever happens to this request, at this instant, because of this agent."""
    return {"interaction_id": transfer.interaction_id, "at": at, "by": by, "transfer_id": transfer.id}
