"""What must hold after a replay: a check tells what is wrong, and never quotes a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from sms_transfer import (
    Agent,
    ChannelStatus,
    Event,
    Interaction,
    InteractionOpened,
    InteractionPreview,
    InteractionState,
    InteractionWindow,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Message,
    MessageReceived,
    OwnershipMoved,
    Target,
    TargetKind,
    TransferAccepted,
    TransferClosed,
    TransferExpired,
    TransferFailed,
    TransferPolicy,
    TransferRedirected,
    TransferRejected,
    TransferRequest,
    TransferRequested,
    TransferState,
)
from sms_transfer.ports import TransferStore
from sms_transfer.testing.traces import TraceMismatch, validate_store

TWO = 2
_NOT_TAKEN = (TransferRejected, TransferExpired, TransferFailed)
Teams = Mapping[Target, Collection[str]]
"""Who serves what."""


class Evidence(NamedTuple):
    """What there is to know about one conversation when all is over."""

    name: str
    expected: Sequence[tuple[str, str]]
    interaction: Interaction
    history: Sequence[Event]
    feed: Sequence[Event]
    requests: Mapping[str, TransferRequest]
    teams: Teams
    transcript: Sequence[Message]
    windows: Sequence[tuple[str, InteractionWindow]]
    offers: Sequence[tuple[str, InteractionPreview]]
    open_windows: Sequence[tuple[str, InteractionWindow]]


class Moment(NamedTuple):
    """What was recorded after a tick, when nobody did anything."""

    agents: Sequence[Agent]
    interactions: Sequence[Interaction]


class Whole(NamedTuple):
    """What there is to know about all conversations together; the feed is in the order of the commits."""

    feed: Sequence[Event]
    requests: Mapping[str, TransferRequest]
    teams: Teams
    moments: Sequence[Moment]


def check_transcript(found: Evidence) -> Iterator[str]:
    """The transcript is what the file has for this conversation: in its order, each text once."""
    texts = [(message.id, message.text) for message in found.transcript]
    lost, extra = Counter(found.expected) - Counter(texts), Counter(texts) - Counter(found.expected)
    if lost or extra:
        yield f"{found.name}: {lost.total()} texts are lost and {extra.total()} are too many"
    elif texts != list(found.expected):
        yield f"{found.name}: the texts are out of order"


def check_shown(found: Evidence) -> Iterator[str]:
    """Each text was shown to the agent it came to or, if ownership moved first, to the next; to owners only."""
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
        if not isinstance(event, MessageReceived):
            continue
        shown, who = first.get(event.message_id), next_agents(owners, event.epoch)
        waits = shown is None and isinstance(found.interaction.owner, Target) and len(who) < TWO
        if shown not in who and not waits:
            yield f"{found.name}: {event.message_id} came in epoch {event.epoch} and was first shown in {shown}"


def next_agents(owners: Mapping[int, str | Target], epoch: int) -> list[int]:
    """The first two epochs from this one on in which an agent was the owner: a queue has no desktop to show it on."""
    return [later for later in sorted(owners) if later >= epoch and isinstance(owners[later], str)][:TWO]


def check_owner(found: Evidence) -> Iterator[str]:
    """One owner at a time, each following the one before; the last, if it is an agent, has the only open window."""
    owners, epoch, owner = owners_by_epoch(found.history), 0, found.interaction.owner
    for event in found.history:
        if isinstance(event, OwnershipMoved):
            if (event.former_owner, event.epoch) != (owners.get(epoch), epoch + 1):
                yield f"{found.name}: epoch {event.epoch} does not follow epoch {epoch}"
            epoch = event.epoch
        elif isinstance(event, MessageReceived) and event.epoch != epoch:
            yield f"{found.name}: {event.message_id} came in epoch {epoch} and is recorded in {event.epoch}"
    if owners.get(epoch) != owner:
        yield f"{found.name}: the last owner in the history is not the owner"
    expected = [(owner, tuple(found.transcript))] if isinstance(owner, str) else []
    if [(agent, window.transcript) for agent, window in found.open_windows] != expected:
        yield f"{found.name}: not just the owner has the window open, with every text"


def check_outcomes(found: Evidence) -> Iterator[str]:
    """Each request has one outcome, the recorded one, or is the one that is live; only the invited saw an offer."""
    requested = [event.transfer_id for event in found.feed if isinstance(event, TransferRequested)]
    closed = [event for event in found.feed if isinstance(event, TransferClosed)]
    live = [] if found.interaction.transfer is None else [found.interaction.transfer.id]
    ended = [*(event.transfer_id for event in closed), *live]
    invitees = {event.invitation_id: event.invitee for event in found.feed if isinstance(event, InvitationSent)}
    if requested != ended or len(set(ended)) != len(ended):  # one at a time, so they end in the order they began in
        yield f"{found.name}: {len(requested)} requests have {len(closed)} outcomes"
    for event in closed:
        if found.requests[event.transfer_id].outcome != event.outcome:
            yield f"{found.name}: {event.transfer_id} has another outcome than its history"
    if list(found.feed) != list(found.history):
        yield f"{found.name}: the feed and the history differ"
    for agent, offer in found.offers:
        if invitees.get(offer.invitation_id) != agent:
            yield f"{found.name}: {agent} was shown an offer to somebody else"


def check_moves(found: Evidence) -> Iterator[str]:
    """Ownership goes to who accepted, to the queue whose turn it is, or from there back to the sender, and only so."""
    invitees = {event.invitation_id: event.invitee for event in found.history if isinstance(event, InvitationSent)}
    for before, event in pairwise((*found.history, None)):
        moved = event if isinstance(event, OwnershipMoved) else None
        owner = None if moved is None else moved.owner
        if isinstance(before, TransferAccepted) and owner != invitees.get(before.invitation_id):
            yield f"{found.name}: {before.transfer_id} was accepted, and the owner is not who accepted it"
        elif moved is not None and not isinstance(before, TransferAccepted):
            request = found.requests[moved.transfer_id]
            returned = isinstance(before, _NOT_TAKEN) and request.return_to_sender
            asked = isinstance(before, TransferRequested | TransferRedirected) and owner == before.target
            if not (asked or (returned and owner == request.sender and isinstance(moved.former_owner, Target))):
                yield f"{found.name}: ownership moved in epoch {moved.epoch}, for no good reason"
    queued = found.interaction.state is InteractionState.QUEUED
    if queued is isinstance(found.interaction.owner, str):
        yield f"{found.name}: it is {found.interaction.state}, and its owner is {found.interaction.owner}"


def check_invitations(found: Evidence) -> Iterator[str]:
    """Those are invited who serve the target whose turn it is; nobody twice for one request, and never the sender."""
    turn, asked = Target.agent(found.name), set[tuple[str, str]]()  # nobody's turn yet
    owner: str | Target = found.name
    for event in found.history:
        if isinstance(event, TransferRequested | TransferRedirected):
            turn = event.target
        elif isinstance(event, OwnershipMoved):
            owner = event.owner
        elif isinstance(event, InvitationRejected | InvitationExpired | InvitationWithdrawn):
            if turn.kind is TargetKind.AGENT and isinstance(owner, Target):
                turn = owner  # the fallback did not take it, so it waits on in the queue that owns it
        elif isinstance(event, InvitationSent):
            invitee, request = event.invitee, found.requests[event.transfer_id]
            if (request.id, invitee) in asked:
                yield f"{found.name}: {invitee} was invited twice for {request.id}"
            asked.add((request.id, invitee))
            serves = {Target.agent(invitee), *(target for target in found.teams if invitee in found.teams[target])}
            if turn not in serves or invitee == request.sender:
                yield f"{found.name}: {invitee} was invited for {request.id}, and should not have been"


def owners_by_epoch(history: Iterable[Event]) -> dict[int, str | Target]:
    """Who owned the conversation in which epoch."""
    owners: dict[int, str | Target] = {}
    for event in history:
        if isinstance(event, InteractionOpened | OwnershipMoved):
            owners[event.epoch] = event.owner
    return owners


def check_capacity(whole: Whole) -> Iterator[str]:
    """At no time had an agent more places taken than there are: owned, kept for them, or invited in time (E3)."""
    capacity = {agent.id: agent.capacity for agent in whole.moments[-1].agents}
    held, offers = dict[str, str](), dict[str, InvitationSent]()  # agent and open offer, by conversation
    latest = whole.feed[0].at
    for event in whole.feed:
        id_, latest = event.interaction_id, max(latest, event.at)
        if isinstance(event, TransferClosed | InvitationRejected | InvitationExpired | InvitationWithdrawn):
            offers.pop(id_, None)
        if not isinstance(event, InvitationSent | InteractionOpened | OwnershipMoved):
            continue
        if isinstance(event, InvitationSent):
            offers[id_], agent = event, event.invitee
        elif isinstance(event.owner, str):
            held[id_] = agent = event.owner
        else:
            if not whole.requests[event.transfer_id].return_to_sender:
                held.pop(id_, None)
            continue
        at = latest if event.by is None else event.at  # what time brought is dated back to the deadline
        open_ = [one.invitee for one in offers.values() if one.deadline > at]
        if (taken := [*held.values(), *open_].count(agent)) > capacity[agent]:
            yield f"{id_}: {agent} has {taken} places taken, of {capacity[agent]}"


def check_waiting(whole: Whole) -> Iterator[str]:
    """Nothing waits for which somebody is able who was not asked yet (Q3)."""
    for moment in whole.moments:
        yield from _waiting(moment, whole.teams)


def _waiting(moment: Moment, teams: Teams) -> Iterator[str]:
    taken = Counter[str]()
    for one in moment.interactions:
        transfer, invitation = one.transfer, one.live_invitation
        kept = transfer.sender if transfer is not None and transfer.return_to_sender else None
        holder = one.owner if isinstance(one.owner, str) else kept
        invitee = None if invitation is None else invitation.invitee
        taken.update(name for name in (holder, invitee) if name is not None)
    free = {
        agent.id
        for agent in moment.agents
        if agent.status is ChannelStatus.READY and not agent.do_not_disturb and taken[agent.id] < agent.capacity
    }
    for one in moment.interactions:
        transfer = one.transfer
        if transfer is not None and transfer.state is TransferState.ROUTING:
            target = transfer.present_target
            serving = {target.id} if target.kind is TargetKind.AGENT else set(teams[target])
            for name in sorted((serving & free) - transfer.asked - {transfer.sender}):
                yield f"{one.id}: waits for {target.kind} {target.id}, and {name} is able"


def check_explained(store: TransferStore, policies: Collection[TransferPolicy]) -> Iterator[str]:
    """The core is asked again what it must have been asked, and leads to the same: each event, request and text."""
    found = list[TraceMismatch]()
    validate_store(store, policies, found=found.append)
    for mismatch in found:
        yield f"{mismatch.interaction_id}: event {mismatch.position}: {mismatch.what}"


CHECKS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "each text is in its transcript once, in the order of the file": check_transcript,
    "each text was shown to the owner it came to or the next, and to owners only": check_shown,
    "each conversation has one owner at a time, who alone has its window": check_owner,
    "each request has one outcome, and only the invited saw the offer": check_outcomes,
    "ownership moved to who accepted, to the queue asked, or from there back to the sender": check_moves,
    "only those who serve the target were invited, and nobody twice for one request": check_invitations,
}
"""Of one conversation."""

CENTRE_CHECKS: Mapping[str, Callable[[Whole], Iterator[str]]] = {
    "nobody ever had more than there was room for": check_capacity,
    "nothing waits that somebody could take": check_waiting,
}
"""Of all together."""

EXPLAINED = "the core, asked the same again, leads to all that is recorded"
"""Of the store."""
