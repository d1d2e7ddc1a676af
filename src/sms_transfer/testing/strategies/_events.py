"""What happened: events of every class, each consistent with itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from sms_transfer.core.events import (
    CaseDataUpdated,
    Event,
    InteractionDone,
    InteractionOpened,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    MessageReceived,
    MessageSent,
    NoteSet,
    OwnershipMoved,
    TransferAccepted,
    TransferCancelled,
    TransferClosed,
    TransferExpired,
    TransferFailed,
    TransferRedirected,
    TransferRejected,
    TransferRequested,
)
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import Media, Target
from sms_transfer.testing.strategies._requests import INVITATION, outcomes
from sms_transfer.testing.strategies._values import ids, instants, targets

_counts: Final = st.integers(0, 20)


def _owned(kind: type[CaseDataUpdated | InteractionDone | NoteSet]) -> st.SearchStrategy[Event]:
    """What the owner did, and nothing else is known of."""
    if issubclass(kind, CaseDataUpdated):
        keys = st.frozensets(ids(), min_size=1, max_size=3)
        return st.builds(kind, interaction_id=ids(), at=instants(), by=ids(), keys=keys)
    return st.builds(kind, interaction_id=ids(), at=instants(), by=ids())


def _opened() -> st.SearchStrategy[InteractionOpened]:
    media = st.sampled_from(Media)
    return st.builds(
        InteractionOpened, interaction_id=ids(), at=instants(), by=st.none(), owner=ids(), media=media, epoch=_counts
    )


def _text(kind: type[MessageReceived | MessageSent]) -> st.SearchStrategy[Event]:
    """A text; one that was received has no agent who caused it."""
    by = st.none() if issubclass(kind, MessageReceived) else ids()
    return st.builds(kind, interaction_id=ids(), at=instants(), by=by, message_id=ids(), epoch=_counts)


def _requested() -> st.SearchStrategy[TransferRequested]:
    return st.builds(
        TransferRequested,
        interaction_id=ids(),
        at=instants(),
        by=st.none() | ids(),
        transfer_id=ids(),
        target=targets(),
        hop=st.integers(1, 20),
    )


def _redirected() -> st.SearchStrategy[TransferRedirected]:
    return st.builds(
        TransferRedirected,
        interaction_id=ids(),
        at=instants(),
        by=st.none() | ids(),
        transfer_id=ids(),
        target=targets(),
    )


@st.composite
def _sent(draw: st.DrawFn) -> InvitationSent:
    at: datetime = draw(instants())
    return InvitationSent(
        interaction_id=draw(ids()),
        at=at,
        by=draw(st.none() | ids()),
        transfer_id=draw(ids()),
        invitation_id=draw(ids()),
        invitee=draw(ids()),
        deadline=at + INVITATION,
    )


@st.composite
def _answered(
    draw: st.DrawFn, kind: type[InvitationRejected | InvitationExpired | InvitationWithdrawn]
) -> InvitationRejected | InvitationExpired | InvitationWithdrawn:
    """The end of an invitation: who declined is the invitee, and nobody causes an expiry."""
    invitee = draw(ids())
    by = invitee if issubclass(kind, InvitationRejected) else None
    return kind(
        interaction_id=draw(ids()),
        at=draw(instants()),
        by=draw(ids()) if issubclass(kind, InvitationWithdrawn) else by,
        transfer_id=draw(ids()),
        invitation_id=draw(ids()),
        invitee=invitee,
    )


_OUTCOMES: Final[Mapping[type[TransferClosed], TransferState]] = {
    TransferAccepted: TransferState.ACCEPTED,
    TransferRejected: TransferState.REJECTED,
    TransferExpired: TransferState.EXPIRED,
    TransferCancelled: TransferState.CANCELLED,
    TransferFailed: TransferState.FAILED,
}


@st.composite
def _closed(draw: st.DrawFn, kind: type[TransferClosed]) -> TransferClosed:
    """An outcome of the kind's own state, at its instant and by whoever caused it."""
    outcome = draw(outcomes(states=st.just(_OUTCOMES[kind])))
    interaction_id, transfer_id, at, by = draw(ids()), draw(ids()), outcome.at, outcome.by
    if issubclass(kind, TransferAccepted):
        ticket = draw(ids())
        return kind(
            interaction_id=interaction_id, transfer_id=transfer_id, at=at, by=by, outcome=outcome, invitation_id=ticket
        )
    return kind(interaction_id=interaction_id, transfer_id=transfer_id, at=at, by=by, outcome=outcome)


@st.composite
def _moved(draw: st.DrawFn) -> OwnershipMoved:
    """A move between two different owners, which raises the epoch."""
    owners: st.SearchStrategy[str | Target] = ids() | targets()
    former = draw(owners)
    return OwnershipMoved(
        interaction_id=draw(ids()),
        at=draw(instants()),
        by=draw(st.none() | ids()),
        transfer_id=draw(ids()),
        former_owner=former,
        owner=draw(owners.filter(lambda owner: owner != former)),
        epoch=draw(st.integers(1, 20)),
    )


_EVENTS: Final[Mapping[type[Event], Callable[[], st.SearchStrategy[Event]]]] = {
    InteractionOpened: _opened,
    MessageReceived: lambda: _text(MessageReceived),
    MessageSent: lambda: _text(MessageSent),
    CaseDataUpdated: lambda: _owned(CaseDataUpdated),
    NoteSet: lambda: _owned(NoteSet),
    InteractionDone: lambda: _owned(InteractionDone),
    TransferRequested: _requested,
    InvitationSent: _sent,
    InvitationRejected: lambda: _answered(InvitationRejected),
    InvitationExpired: lambda: _answered(InvitationExpired),
    InvitationWithdrawn: lambda: _answered(InvitationWithdrawn),
    TransferRedirected: _redirected,
    TransferAccepted: lambda: _closed(TransferAccepted),
    TransferRejected: lambda: _closed(TransferRejected),
    TransferExpired: lambda: _closed(TransferExpired),
    TransferCancelled: lambda: _closed(TransferCancelled),
    TransferFailed: lambda: _closed(TransferFailed),
    OwnershipMoved: _moved,
}


def events(*kinds: type[Event]) -> st.SearchStrategy[Event]:
    """Single events of these classes, or of all; a base, such as `TransferClosed`, stands for what derives from it.

    For events that follow from each other see `histories`.
    """
    wanted = kinds or (Event,)
    return st.one_of([make() for kind, make in _EVENTS.items() if issubclass(kind, wanted)])
