"""What must hold after a replay: a check tells what is wrong with one conversation, and never quotes a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sms_transfer import (
    Event,
    InteractionOpened,
    InteractionPreview,
    InteractionWindow,
    InvitationSent,
    Message,
    MessageReceived,
    OwnershipMoved,
    TransferAccepted,
    TransferClosed,
    TransferRequested,
)


class Evidence(NamedTuple):
    """What there is to know about one conversation when all is over."""

    name: str
    expected: Sequence[tuple[str, str]]
    owner: object
    history: Sequence[Event]
    feed: Sequence[Event]
    transcript: Sequence[Message]
    windows: Sequence[tuple[str, InteractionWindow]]
    offers: Sequence[tuple[str, InteractionPreview]]
    open_windows: Sequence[tuple[str, InteractionWindow]]


def check_transcript(found: Evidence) -> Iterator[str]:
    """The transcript is what the file has for this conversation: in its order, each text once."""
    texts = [(message.id, message.text) for message in found.transcript]
    lost, extra = Counter(found.expected) - Counter(texts), Counter(texts) - Counter(found.expected)
    if lost or extra:
        yield f"{found.name}: {lost.total()} texts are lost and {extra.total()} are too many"
    elif texts != list(found.expected):
        yield f"{found.name}: the texts are out of order"


def check_shown(found: Evidence) -> Iterator[str]:
    """Each text was shown to the owner it came to or, if ownership moved first, to the next; to owners only."""
    owners, texts, first = owners_by_epoch(found.history), tuple(found.transcript), dict[str, int]()
    for agent, window in found.windows:
        epoch, seen = window.interaction.epoch, window.transcript
        if owners.get(epoch) != agent:
            yield f"{found.name}: {agent} had the window of epoch {epoch} and was not the owner"
        if seen != texts[: len(seen)]:
            yield f"{found.name}: {agent} was shown something else than the transcript in epoch {epoch}"
        for message in seen:
            first[message.id] = min(epoch, first.get(message.id, epoch))
    for event in found.history:
        if isinstance(event, MessageReceived) and first.get(event.message_id) not in {event.epoch, event.epoch + 1}:
            shown = first.get(event.message_id)
            yield f"{found.name}: {event.message_id} came in epoch {event.epoch} and was first shown in {shown}"


def check_owner(found: Evidence) -> Iterator[str]:
    """One owner at a time, each following the one before; the last one, and nobody else, has the window open."""
    owners, epoch = owners_by_epoch(found.history), 0
    for event in found.history:
        if isinstance(event, OwnershipMoved):
            if (event.former_owner, event.epoch) != (owners.get(epoch), epoch + 1):
                yield f"{found.name}: epoch {event.epoch} does not follow epoch {epoch}"
            epoch = event.epoch
        elif isinstance(event, MessageReceived) and event.epoch != epoch:
            yield f"{found.name}: {event.message_id} came in epoch {epoch} and is recorded in {event.epoch}"
    if owners.get(epoch) != found.owner:
        yield f"{found.name}: the last owner in the history is not the owner"
    if [(agent, window.transcript) for agent, window in found.open_windows] != [(found.owner, tuple(found.transcript))]:
        yield f"{found.name}: not just the owner has the window open, with every text"


def check_outcomes(found: Evidence) -> Iterator[str]:
    """Each request has one outcome, ownership moved where it was accepted, and only the invited saw an offer."""
    requested = [event.transfer_id for event in found.feed if isinstance(event, TransferRequested)]
    closed = [event.transfer_id for event in found.feed if isinstance(event, TransferClosed)]
    accepted = [event.transfer_id for event in found.feed if isinstance(event, TransferAccepted)]
    invitees = {event.invitation_id: event.invitee for event in found.feed if isinstance(event, InvitationSent)}
    if requested != closed or len(set(closed)) != len(closed):  # one at a time, so they end in the order they began in
        yield f"{found.name}: {len(requested)} requests have {len(closed)} outcomes"
    if accepted != [event.transfer_id for event in found.feed if isinstance(event, OwnershipMoved)]:
        yield f"{found.name}: ownership did not move exactly where a transfer was accepted"
    if list(found.feed) != list(found.history):
        yield f"{found.name}: the feed and the history differ"
    for agent, offer in found.offers:
        if invitees.get(offer.invitation_id) != agent:
            yield f"{found.name}: {agent} was shown an offer to somebody else"


def owners_by_epoch(history: Iterable[Event]) -> dict[int, str]:
    """Who owned the conversation in which epoch."""
    owners = {event.epoch: event.owner for event in history if isinstance(event, InteractionOpened)}
    return owners | {event.epoch: str(event.owner) for event in history if isinstance(event, OwnershipMoved)}


CHECKS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "each text is in its transcript once, in the order of the file": check_transcript,
    "each text was shown to the owner it came to or the next, and to owners only": check_shown,
    "each conversation has one owner at a time, who alone has its window": check_owner,
    "each request has one outcome, and only the invited saw the offer": check_outcomes,
}
