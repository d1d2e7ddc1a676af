"""An independent reader of what a store has recorded: it says which promise is broken, if one is.

It knows the rules and nothing of any store: a conversation's history is played again from its first event, and what
that leads to is compared with all that the store says now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs

from lives import milliseconds as at
from lives import words
from sms_transfer import (
    CaseDataUpdated,
    Direction,
    Event,
    Interaction,
    InteractionDone,
    InteractionOpened,
    InteractionState,
    InvitationSent,
    Message,
    MessageReceived,
    MessageSent,
    NoteSet,
    OwnershipMoved,
    SystemMessage,
    TransferAccepted,
    TransferClosed,
    TransferEvent,
    TransferExpired,
    TransferRequest,
    TransferRequested,
    TransferState,
)
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.model import Invitation, Outcome

UNHAPPY: Final = (TransferState.REJECTED, TransferState.EXPIRED, TransferState.FAILED)
"""The outcomes that the sender is told of on two surfaces (T6, T7, T9)."""


class Violation(AssertionError):
    """A promise is broken.

    Args:
        promise: which, in words that stay the same.
    """

    def __init__(self, promise: str, *said: object) -> None:
        super().__init__(": ".join([promise, *map(str, said)]))
        self.promise = promise


def expect(promise: str, expected: object, found: object, *said: object) -> None:
    """Say that a promise is broken, unless both are the same.

    Raises:
        Violation: they are not.
    """
    if expected != found:
        raise Violation(promise, *said, f"expected {expected}, found {found}")


@attrs.define
class Played:
    """A conversation, as its history tells it.

    Args:
        version: how many commits there were, at most.
        shared: how many of them may have been one with the next: a command that finds an expiry which nothing had
            recorded records it too (T10).
    """

    id: str
    owner: str = ""
    epoch: int = 0
    hops: int = 0
    version: int = 0
    shared: int = 0
    done: bool = False
    note: str = ""
    data: int | None = None
    live: TransferRequested | None = None
    ticket: InvitationSent | None = None
    error: str | None = None
    texts: list[tuple[str, Direction, int]] = attrs.field(factory=list)
    owners: list[str] = attrs.field(factory=list)
    outcomes: dict[str, Outcome | None] = attrs.field(factory=dict)
    tickets: dict[str, str] = attrs.field(factory=dict)
    told: dict[str, str] = attrs.field(factory=dict)

    def play(self, events: Sequence[Event]) -> None:
        """Let all of it happen again."""
        for number, event in enumerate(events):
            before = events[number - 1] if number else None
            expect("an event belongs to its conversation", self.id, event.interaction_id)
            expect("nothing happens after the end", (False, number == 0), (self.done, self.version == 0), self.id)
            self._happen(event, before)

    def _happen(self, event: Event, before: Event | None) -> None:
        self.version += 1  # unless it was committed with the event before it
        self.shared += isinstance(before, TransferExpired)
        match event:
            case InteractionOpened():
                self.owner, self.owners = event.owner, [event.owner]
            case MessageReceived() | MessageSent():
                self._text(event)
            case NoteSet():
                self._by_owner(event)
                self.note = words("note", at(event.at))
            case CaseDataUpdated():
                self._by_owner(event)
                self.data = at(event.at)
            case InteractionDone():
                self._by_owner(event)
                cause = before.outcome.reason if isinstance(before, TransferClosed) and before.at == event.at else ""
                self.version -= cause == "interaction_done"
                expect("a conversation ends without a live transfer", None, self.live, self.id)
                self.done, self.error = True, None
            case OwnershipMoved():
                self._move(event, before)
            case TransferEvent():
                self._transfer(event)
            case _:
                raise Violation("an event is known", event)

    def _by_owner(self, event: Event) -> None:
        expect("nobody but the owner acts", self.owner, event.by, self.id)

    def _text(self, event: MessageReceived | MessageSent) -> None:
        sent = isinstance(event, MessageSent)
        if sent:
            self._by_owner(event)
        expect("a text has the epoch it is written in", self.epoch, event.epoch, event.message_id)
        self.texts.append((event.message_id, Direction.OUTBOUND if sent else Direction.INBOUND, event.epoch))

    def _move(self, event: OwnershipMoved, before: Event | None) -> None:
        self.version -= 1
        if not isinstance(before, TransferAccepted) or before.transfer_id != event.transfer_id:
            raise Violation("ownership moves when a transfer is accepted", self.id, event.epoch)
        expect("ownership moves away from the owner", self.owner, event.former_owner, self.id)
        expect("epochs rise by one", self.epoch + 1, event.epoch, self.id)
        expect("who accepts is the owner", before.outcome.owner, event.owner, self.id)
        self.owner, self.epoch, self.hops = str(event.owner), event.epoch, self.hops + 1
        self.owners.append(self.owner)

    def _transfer(self, event: TransferEvent) -> None:
        if isinstance(event, TransferRequested):
            self._by_owner(event)
            expect("one transfer is live at a time", None, self.live, self.id)
            if event.transfer_id in self.outcomes:
                raise Violation("a transfer is requested once", event.transfer_id)
            self.live, self.ticket, self.error = event, None, None
            self.outcomes[event.transfer_id] = None
            return
        if self.live is None or self.live.transfer_id != event.transfer_id:
            raise Violation("what is closed stays closed", self.id, event)
        if isinstance(event, InvitationSent):
            self.ticket = event
            self.tickets[event.invitation_id] = event.invitee
        if isinstance(event, TransferClosed):
            self._close(event, self.live)
            return
        self.version -= 1

    def _close(self, event: TransferClosed, live: TransferRequested) -> None:
        outcome = event.outcome
        if self.ticket is None:
            raise Violation("who is asked was invited", event.transfer_id)
        if outcome.state is TransferState.EXPIRED:
            expect("an expiry is of the deadline", self.ticket.deadline, outcome.at, event.transfer_id)
        elif outcome.at >= self.ticket.deadline:
            raise Violation("an answer is in time", event.transfer_id, outcome.state)
        if outcome.state is TransferState.ACCEPTED:
            self.note = "\n".join(filter(None, (self.note, words("request", at(live.at)))))
        if outcome.state in UNHAPPY:
            self.error = event.transfer_id
            self.told[event.transfer_id] = str(live.by)
        self.outcomes[event.transfer_id] = outcome
        self.live = self.ticket = None

    @property
    def state(self) -> InteractionState:
        """The state that it is in."""
        if self.done:
            return InteractionState.DONE
        return InteractionState.ACTIVE if self.live is None else InteractionState.TRANSFERRING


@attrs.frozen(kw_only=True)
class Books:
    """All that a store says about some conversations and agents, read through its port."""

    now: datetime
    interactions: dict[str, Interaction]
    histories: dict[str, tuple[Event, ...]]
    transcripts: dict[str, tuple[Message, ...]]
    transfers: dict[str, TransferRequest]
    desktops: dict[str, Desktop]
    loads: dict[str, int]
    waiting: frozenset[str]  # live requests, by their deadlines
    overdue: frozenset[str]
    unsent: frozenset[str]
    feed: dict[str, list[Event]]


def check(books: Books, capacity: int, deleted: set[str]) -> dict[str, Played]:
    """Compare everything with everything, and tell how the histories go.

    Args:
        capacity: of each agent.
        deleted: the entries of My Messages that were deleted.

    Raises:
        Violation: a promise is broken.
    """
    played = {id_: Played(id_) for id_ in books.histories}
    for id_, one in played.items():
        one.play(books.histories[id_])
        _check_interaction(one, books.interactions[id_])
        _check_texts(one, books.transcripts[id_])
        _check_requests(one, books)
        expect("the feed is what happened", list(books.histories[id_]), books.feed.get(id_, []), id_)
    live = {one.live.transfer_id for one in played.values() if one.live}
    expect("every live request has a deadline", live, books.waiting)
    expect("every deadline is kept", frozenset(), books.overdue)
    expect("every text is sent", frozenset(), books.unsent)
    for agent_id, desktop in books.desktops.items():
        _check_desktop(agent_id, desktop, played, deleted)
        taken = len(desktop.interactions) + sum(ticket.deadline > books.now for ticket in desktop.invitations)
        expect("places are counted", taken, books.loads[agent_id], agent_id)
        if taken > capacity:
            raise Violation("capacity is never exceeded", agent_id, taken)
    return played


def _check_interaction(one: Played, found: Interaction) -> None:
    expected = (one.owner, one.epoch, one.state, one.hops)
    expect("ownership is what the events say", expected, (found.owner, found.epoch, found.state, found.hops), one.id)
    if not one.version - one.shared <= found.version <= one.version:
        raise Violation("a version is recorded with its events", one.id, one.version, one.shared, found.version)
    expect("the note is what the events say", one.note, found.note, one.id)
    data = {} if one.data is None else {"at": one.data}
    expect("the case data are what the events say", data, dict(found.case_data), one.id)
    live = None if one.live is None else one.live.transfer_id
    expect("the live transfer is what the events say", live, found.transfer and found.transfer.id, one.id)
    error = None if found.error is None else found.error.params["transfer"]
    expect("the window says what the events say", one.error, error, one.id)


def _check_texts(one: Played, found: tuple[Message, ...]) -> None:
    texts = [(message.id, message.direction, message.epoch) for message in found]
    expect("the transcript is what the events say", one.texts, texts, one.id)


def _check_requests(one: Played, books: Books) -> None:
    for id_, outcome in one.outcomes.items():
        request = books.transfers.get(id_)
        if request is None:
            raise Violation("a request is recorded with its events", id_)
        expect("an outcome is what the events say", outcome, request.outcome, id_)
        if outcome is None:
            expect("a live request is its conversation's", books.interactions[one.id].transfer, request, id_)


def _check_desktop(agent_id: str, desktop: Desktop, played: dict[str, Played], deleted: set[str]) -> None:
    owned = {one.id for one in played.values() if one.owner == agent_id and not one.done}
    expect("a desktop shows what is owned", owned, {one.id for one in desktop.interactions}, agent_id)
    offered = {one.ticket.invitation_id for one in played.values() if one.ticket and one.ticket.invitee == agent_id}
    tickets: tuple[Invitation, ...] = desktop.invitations
    expect("a desktop shows who is invited", offered, {ticket.id for ticket in tickets}, agent_id)
    told = {id_ for one in played.values() for id_, sender in one.told.items() if sender == agent_id}
    entries: tuple[SystemMessage, ...] = desktop.messages
    found = [entry.id for entry in entries]
    expect("an outcome is told once", len(found), len(set(found)), agent_id)
    expect("My Messages tell of the outcomes", told - deleted, set(found), agent_id)
