"""What workers have said and shown, held against what is recorded."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from checker import Books, Played, Violation, check, expect
from lives import AGENTS, CAPACITY, Note, policy, words
from lives import milliseconds as at
from sms_transfer import (
    Agent,
    ChannelStatus,
    Direction,
    Event,
    Interaction,
    InteractionState,
    Message,
    TransferEvent,
    TransferRequest,
)
from sms_transfer.core.commands import Need
from sms_transfer.ports import TransferStore
from sms_transfer.testing.traces import Trace, TraceMismatch
from traces import Growing

BEGUN: Final = "begun"
UNSETTLED: Final = (BEGUN, "unavailable")
"""What is known of a command that may have happened or not: it has not returned, or could not say."""

THOROUGH: Final = 5
"""In every so many checks what has come to its end is read again."""

Happened = tuple[str, ...]

EFFECTS: Final[dict[str, tuple[Happened, ...]]] = {
    "open": (("InteractionOpened",),),
    "receive": (("MessageReceived",),),
    "reply": (("MessageSent",),),
    "note": (("NoteSet",),),
    "data": (("CaseDataUpdated",),),
    "finish": (("InteractionDone",), ("InvitationWithdrawn", "TransferCancelled", "InteractionDone")),
    "request": (("TransferRequested", "InvitationSent"),),
    "accept": (("TransferAccepted", "OwnershipMoved"),),
    "reject": (("InvitationRejected", "TransferRejected"),),
    "cancel": (("InvitationWithdrawn", "TransferCancelled"),),
    "log_out": tuple(("InvitationWithdrawn", "TransferFailed") * count for count in range(CAPACITY + 1)),
}
"""The events that a command leads to: one of these, whole. Every other command leads to none."""
NOTHING: Final[tuple[Happened, ...]] = ((),)
EXPIRY: Final[Happened] = ("InvitationExpired", "TransferExpired")

STATUS: Final = {
    "log_in": ChannelStatus.NOT_READY,
    "ready": ChannelStatus.READY,
    "pause": ChannelStatus.NOT_READY,
    "log_out": ChannelStatus.LOGGED_OUT,
}


@attrs.define
class Command:
    """A command and what its worker said of it last: begun, done, unavailable, or why it was refused."""

    note: Note
    fate: str = BEGUN


class Accounts:
    """Of one store, from its beginning on."""

    def __init__(self) -> None:
        self._commands: dict[int, Command] = {}
        self._fresh: list[Command] = []
        self._shown: list[tuple[str, Any]] = []
        self._sent: list[list[tuple[str, str]]] = []
        self._ever_sent: set[str] = set()
        self._status = dict.fromkeys(AGENTS, (ChannelStatus.READY, ""))
        self._deleted: set[str] = set()
        self._read: set[str] = set()
        self._histories: dict[str, tuple[Event, ...]] = {}
        self._interactions: dict[str, Interaction] = {}
        self._present: dict[str, tuple[Event, ...]] = {}
        self._transcripts: dict[str, tuple[Message, ...]] = {}
        self._transfers: dict[str, TransferRequest] = {}
        self._done: set[str] = set()  # conversations that are not read each time
        self._closed: set[str] = set()  # and transfers
        self._checks = 0
        self._feed: defaultdict[str, list[Event]] = defaultdict(list)
        self._cursor: str | None = None
        self._growing = Growing()

    def read(self, diary: bytes) -> int:
        """Read a worker's diary; the instant of its last command, or 0."""
        command: Command | None = None
        sent: list[tuple[str, str]] = []
        self._sent.append(sent)
        for line in diary.split(b"\n")[:-1]:  # what is behind the last end of line was not written to its end
            kind, what = json.loads(line)
            if kind == "begin":
                command = self._commands[what["at"]] = Command(Note(**what))
                self._fresh.append(command)
            elif kind == "end":
                assert command is not None
                command.fate = what
            elif kind == "sent":
                sent.append((what[0], what[1]))
            else:
                self._shown.append((kind, what))
        return 0 if command is None else command.note.at

    @property
    def fresh(self) -> Sequence[Command]:
        """The commands of the diaries read since the last check."""
        return self._fresh

    def unsettled_requests(self) -> tuple[tuple[str, str, str, str], ...]:
        """What a worker should ask again with: it may have happened or not."""
        return tuple(
            (one.note.by, one.note.interaction, one.note.target, one.note.key)
            for one in self._fresh
            if one.note.do == "request" and one.fate in UNSETTLED
        )

    def check(self, store: TransferStore, now: datetime, sent: list[tuple[str, str]]) -> Counter[bool]:
        """See whether every promise is kept, now that a tick has handed over what was ``sent``.

        Returns:
            How many of the fresh commands whose worker could not say so have happened, and how many not.

        Raises:
            Violation: one is not.
        """
        self._sent.append(sent)
        books = self._books(store, now)
        self._check_entries(books)
        played = check(books, CAPACITY, self._deleted)
        self._check_before(books)
        happened = self._check_commands(books)
        self._check_keys(happened)
        self._check_status(store)
        self._check_shown(played)
        self._check_sent(played)
        self._check_explained(books)
        return Counter(bool(happened.get(one.note.at)) for one in self._fresh if one.fate in UNSETTLED)

    def forget_fresh(self) -> None:
        """Begin a new round."""
        self._fresh = []

    def _books(self, store: TransferStore, now: datetime) -> Books:
        self._checks += 1
        if self._checks % THOROUGH == 0:  # whatever should have come to its end, too
            self._done.clear()
            self._closed.clear()
        page = store.events(after=self._cursor, limit=100)
        while page.events:
            for event in page.events:
                self._feed[event.interaction_id].append(event)
            self._cursor = page.cursor
            page = store.events(after=self._cursor, limit=100)
        for command in self._commands.values():
            if command.note.do == "open" and command.note.interaction not in self._done:
                self._read_conversation(store, command.note.interaction, now)
            if command.note.do == "request" and f"transfer-{command.note.at}" not in self._closed:
                self._read_transfer(store, f"transfer-{command.note.at}")
        return Books(
            now=now,
            interactions=dict(self._interactions),
            histories=dict(self._present),
            transcripts=dict(self._transcripts),
            transfers=dict(self._transfers),
            desktops={agent_id: store.desktop(agent_id) for agent_id in AGENTS},
            loads={id_: store.read(Need(interaction_id="-", load_of=id_), now).load for id_ in AGENTS},
            waiting=frozenset(store.due(now + timedelta(days=1), limit=10_000)),
            overdue=frozenset(store.due(now, limit=10_000)),
            unsent=frozenset(store.unsent(limit=10_000)),
            feed=self._feed,
        )

    def _read_conversation(self, store: TransferStore, id_: str, now: datetime) -> None:
        found, events = store.read(Need(interaction_id=id_), now).interaction, store.history(id_)
        expect("state and events come together", found is None, not events, id_)
        if found is not None:
            self._interactions[id_], self._present[id_] = found, events
            self._transcripts[id_] = store.transcript(id_)
            if found.state is InteractionState.DONE:
                self._done.add(id_)

    def _read_transfer(self, store: TransferStore, id_: str) -> None:
        found = store.transfer(id_)
        if found is not None:
            self._transfers[id_] = found
            if found.outcome is not None:
                self._closed.add(id_)

    def _check_before(self, books: Books) -> None:
        """What was seen once stays (F3)."""
        for id_, events in self._histories.items():
            expect("what happened stays", events, books.histories.get(id_, ())[: len(events)], id_)
        self._histories = books.histories

    def _check_commands(self, books: Books) -> dict[int, Happened]:
        """What was acknowledged happened, what was refused did not, and the rest did wholly or not at all."""
        found: defaultdict[int, Happened] = defaultdict(tuple)
        for events in books.histories.values():
            for event in events:
                found[at(event.at)] += (type(event).__name__,)
        for instant, command in self._commands.items():
            happened = found.get(instant, ())
            allowed = EFFECTS.get(command.note.do, NOTHING)
            if command.fate == "done":
                repeated = command.note.do == "request" and command.note.key != f"key-{instant}"
                if happened not in allowed and (happened or not repeated):
                    raise Violation("what was acknowledged happened", command, happened)
            elif command.fate in UNSETTLED:
                if happened and happened not in allowed:
                    raise Violation("a command happens wholly or not at all", command, happened)
            elif happened:
                raise Violation("what was refused did not happen", command, happened)
        for instant in found.keys() - self._commands.keys():
            expect("nothing happens that nobody asked for", EXPIRY, found[instant], instant)
        return found

    def _check_keys(self, happened: dict[int, Happened]) -> None:
        """A request repeated under its key has the effect of one (F5)."""
        made = Counter[str]()
        asked = Counter[str]()
        for instant, command in self._commands.items():
            if command.note.do == "request":
                made[command.note.key] += bool(happened.get(instant))
                asked[command.note.key] += command.fate == "done"
        for key, count in asked.items():
            if made[key] > 1 or (count and not made[key]):
                raise Violation("a key makes one request", key, made[key])

    def _check_status(self, store: TransferStore) -> None:
        agents = store.agents(AGENTS)
        possible = {agent_id: {status} for agent_id, status in self._status.items()}
        for command in self._fresh:
            status = STATUS.get(command.note.do)
            if status is not None:
                reason = words("reason", command.note.at) if command.note.do == "pause" else ""
                if command.fate == "done":
                    possible[command.note.by] = {(status, reason)}
                elif command.fate in UNSETTLED:
                    possible[command.note.by].add((status, reason))
        for agent_id in AGENTS:
            agent: Agent = agents[agent_id]
            found = (agent.status, agent.reason)
            if found not in possible[agent_id]:
                raise Violation("a status is what was said last", agent_id, found, possible[agent_id])
            self._status[agent_id] = found

    def _check_entries(self, books: Books) -> None:
        """Marks and deletions in My Messages (D4)."""
        entries = {entry.id: entry for desktop in books.desktops.values() for entry in desktop.messages}
        perhaps = set[str]()
        for command in self._fresh:
            if command.note.do == "delete" and (command.fate == "done" or command.note.name not in entries):
                self._deleted.add(command.note.name)
            if command.note.do == "read":
                (self._read if command.fate == "done" else perhaps).add(command.note.name)
        for id_, entry in entries.items():
            if id_ not in perhaps:
                expect("a mark is what was said last", id_ in self._read, entry.read, id_)
            elif entry.read:
                self._read.add(id_)

    def _check_shown(self, played: dict[str, Played]) -> None:
        """Nothing is shown that is not recorded (F6)."""
        for kind, (agent_id, interaction_id, *what) in self._shown:
            one = played.get(interaction_id, Played(interaction_id))
            if kind == "window":
                epoch, texts = what
                owner = one.owners[epoch] if epoch < len(one.owners) else None
                recorded = [id_ for id_, _, _ in one.texts[: len(texts)]]
                expect("what is shown is recorded", recorded, texts, interaction_id)
            else:
                owner = (one.tickets if kind == "preview" else one.told).get(what[0])
            expect("what is shown is recorded", owner, agent_id, kind, interaction_id)
        self._shown = []

    def _check_sent(self, played: dict[str, Played]) -> None:
        """Nothing is sent that is not recorded, everything recorded is, and each sender keeps to the order (F6)."""
        order = {
            id_: (one.id, number)
            for one in played.values()
            for number, (id_, direction, _) in enumerate(one.texts)
            if direction is Direction.OUTBOUND
        }
        for sent in self._sent:
            last: dict[str, int] = {}
            for interaction_id, id_ in sent:
                belongs, number = order.get(id_, ("", -1))
                expect("what is sent is recorded", belongs, interaction_id, id_)
                if number < last.get(interaction_id, 0):
                    raise Violation("texts are sent in order", interaction_id, id_)
                last[interaction_id] = number
                self._ever_sent.add(id_)
        self._sent = []
        expect("every text is sent", set(), order.keys() - self._ever_sent)

    def _check_explained(self, books: Books) -> None:
        """The core, asked the same, does the same."""
        entries = [entry for desktop in books.desktops.values() for entry in desktop.messages]
        for id_, interaction in books.interactions.items():
            ids = {event.transfer_id for event in books.histories[id_] if isinstance(event, TransferEvent)}
            trace = Trace(
                interaction=interaction,
                history=books.histories[id_],
                requests=tuple(books.transfers[transfer_id] for transfer_id in sorted(ids)),
                transcript=books.transcripts[id_],
                messages=tuple(entry for entry in entries if entry.interaction_id == id_),
            )
            try:
                self._growing.validate(trace, policy())
            except TraceMismatch as mismatch:
                raise Violation("the core explains what is recorded", mismatch) from mismatch
