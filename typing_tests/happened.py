"""Events are narrowed by their class."""

from datetime import datetime
from typing import assert_type

from sms_transfer import (
    CaseDataUpdated,
    Event,
    InteractionOpened,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    MessageReceived,
    MessageSent,
    Outcome,
    OwnershipMoved,
    Target,
    TransferAccepted,
    TransferClosed,
    TransferEvent,
    TransferRedirected,
    TransferRequested,
)


def told(event: Event) -> None:
    """What each has."""
    assert_type((event.interaction_id, event.at, event.by), tuple[str, datetime, str | None])
    match event:
        case InteractionOpened(owner=owner, media=media, epoch=epoch):
            assert_type((owner, media, epoch), tuple[str, Media, int])
        case MessageReceived() | MessageSent():
            assert_type((event.message_id, event.epoch), tuple[str, int])
        case CaseDataUpdated():
            assert_type(event.keys, frozenset[str])
        case OwnershipMoved(former_owner=before, owner=after, epoch=epoch):
            assert_type(before, str | Target)
            assert_type(after, str | Target)
            assert_type(epoch, int)
        case TransferRequested() | TransferRedirected():
            assert_type(event.target, Target)
        case InvitationSent(deadline=deadline):
            assert_type(deadline, datetime)
        case InvitationRejected() | InvitationExpired() | InvitationWithdrawn():
            assert_type((event.invitation_id, event.invitee), tuple[str, str])
        case TransferAccepted(outcome=outcome, invitation_id=ticket):
            assert_type((outcome, ticket), tuple[Outcome, str])
        case TransferClosed():
            assert_type(event.outcome, Outcome)
        case TransferEvent():
            assert_type(event.transfer_id, str)
        case _:
            assert_type(event, Event)
