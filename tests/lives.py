"""A worker's life: it carries out one command after the other, and writes in a diary what it does, until it is killed.

Everything is made of the seed and the time, so that whoever reads the diary knows what each command should have done.
Time is the worker's own: every command has an instant that no other one has, so each event tells whose it is.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import attrs

from fragile_stores import STORES
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Media,
    Message,
    Notice,
    SmsTransferError,
    StoreUnavailable,
    SystemMessage,
    Target,
    TransferPolicy,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.sqlite import SqliteStore

AGENTS: Final = ("ann", "ben", "cat")
CAPACITY: Final = 4
CONTACT: Final = Contact("+14155550123", name="Jane Roe")
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
STEP: Final = 1_000
"""Milliseconds between two commands of one worker."""


def policy() -> TransferPolicy:
    """What the centre allows. No deadline falls on the instant of a command."""
    return TransferPolicy(invitation_timeout=timedelta(milliseconds=4_100), max_hops=1_000_000)


def instant(at: int) -> datetime:
    """So many milliseconds after the beginning."""
    return EPOCH + timedelta(milliseconds=at)


def milliseconds(moment: datetime) -> int:
    """What `instant` made this of."""
    return round((moment - EPOCH) / timedelta(milliseconds=1))


def words(what: str, at: int) -> str:
    """The text, note or reason that a command of this instant has."""
    return f"{what} of {at}"


@attrs.frozen(kw_only=True)
class Job:
    """What one worker is to do.

    Args:
        store: the name of the store in `STORES`.
        place: the file, or where the server is.
        schema: for PostgreSQL.
        diary: the file to write to.
        start: the first command's instant.
        commands: how many at most.
        alone: whether nobody else is at it, so that it may change what only one at a time may.
        retry: requests of a former life that may have happened: they are repeated under their keys.
    """

    store: str
    place: str
    schema: str
    diary: str
    start: int
    commands: int
    seed: int
    alone: bool
    retry: tuple[tuple[str, str, str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Note:
    """A command, as it is noted before it begins."""

    at: int
    do: str
    by: str = ""
    interaction: str = ""
    name: str = ""  # of the ticket, the transfer or the entry
    target: str = ""
    key: str = ""


class Diary:
    """Lines that are in the file when `write` returns, whatever becomes of the process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, kind: str, what: object) -> None:
        os.write(self._file, json.dumps([kind, what]).encode() + b"\n")


class Hand:
    """Clock and ids: both say which command it is."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> datetime:
        return instant(self.at)

    def new(self, kind: str) -> str:
        return f"{kind}-{self.at}"


class DiaryGateway:
    """A `ContactGateway` that writes down what it takes; now and then it fails, before or after."""

    def __init__(self, diary: Diary, chance: Random) -> None:
        self._diary = diary
        self._chance = chance

    def send(self, message: Message, contact: Contact) -> None:
        fate = self._chance.random()
        if fate < 0.3:
            raise ConnectionError
        assert CONTACT == contact
        self._diary.write("sent", [message.interaction_id, message.id])
        if fate > 0.9:
            raise ConnectionError


class DiaryUI:
    """A `UserInterface` that writes down what it is given."""

    def __init__(self, diary: Diary, agent_id: str) -> None:
        self._diary = diary
        self._agent_id = agent_id

    def open_window(self, window: InteractionWindow) -> None:
        texts = [message.id for message in window.transcript]
        found = window.interaction
        self._diary.write("window", [self._agent_id, found.id, found.epoch, texts])

    def update_window(self, window: InteractionWindow) -> None:
        self.open_window(window)

    def close_window(self, interaction_id: str) -> None:
        pass

    def show_preview(self, preview: InteractionPreview) -> None:
        self._diary.write("preview", [self._agent_id, preview.interaction_id, preview.invitation_id])

    def dismiss_preview(self, invitation_id: str) -> None:
        pass

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        self._diary.write("told", [self._agent_id, interaction_id, notice.params["transfer"]])

    def show_message(self, message: SystemMessage) -> None:
        self._diary.write("told", [self._agent_id, message.interaction_id, message.id])


CALLS: Final[Mapping[str, Callable[[TransferService, Note], object]]] = {
    "open": lambda s, n: s.open_interaction(Interaction(n.interaction, media=Media.SMS, contact=CONTACT, owner=n.by)),
    "receive": lambda s, n: s.receive_message(n.interaction, words("text", n.at)),
    "reply": lambda s, n: s.reply(n.interaction, words("text", n.at), by=n.by),
    "note": lambda s, n: s.set_note(n.interaction, words("note", n.at), by=n.by),
    "data": lambda s, n: s.update_case_data(n.interaction, {"at": n.at}, by=n.by),
    "finish": lambda s, n: s.mark_done(n.interaction, by=n.by),
    "request": lambda s, n: s.request_transfer(
        n.interaction, Target.agent(n.target), by=n.by, note=words("request", n.at), key=n.key
    ),
    "accept": lambda s, n: s.accept(n.name, by=n.by),
    "reject": lambda s, n: s.reject(n.name, by=n.by, reason=words("reason", n.at)),
    "cancel": lambda s, n: s.cancel(n.name, by=n.by),
    "tick": lambda s, _: s.tick(),
    "log_in": lambda s, n: s.log_in(n.by),
    "ready": lambda s, n: s.set_ready(n.by),
    "pause": lambda s, n: s.set_not_ready(n.by, words("reason", n.at)),
    "log_out": lambda s, n: s.log_out(n.by),
    "read": lambda s, n: s.mark_read(n.by, n.name),
    "delete": lambda s, n: s.delete_message(n.by, n.name),
}


class Worker:
    """One life."""

    def __init__(self, job: Job) -> None:
        self.store = STORES[job.store](job.place, job.schema, job.seed)
        self.chance = Random(job.seed)  # noqa: S311 - a test is to be repeated
        self.diary = Diary(job.diary)
        self.hand = Hand(job.start)
        self.alone = job.alone
        self.service = TransferService(
            self.store,
            gateway=DiaryGateway(self.diary, self.chance),
            policy=policy(),
            clock=self.hand,
            ids=self.hand,
        )
        if self.chance.random() < 0.5:
            for agent_id in AGENTS:
                self.service.connect(Workspace(agent_id, DiaryUI(self.diary, agent_id)))

    def live(self, job: Job) -> None:
        """Do what is to be done again, and then whatever comes to mind."""
        for by, interaction, target, key in job.retry:
            self.do("request", by=by, interaction=interaction, target=target, key=key)
        for _ in range(job.commands):
            try:
                self.go_on()
            except StoreUnavailable:
                time.sleep(0.01)

    def do(self, what: str, **more: str) -> None:
        """Note a command, carry it out, and note that."""
        note = Note(at=self.hand.at, do=what, **more)
        self.diary.write("begin", attrs.asdict(note))
        try:
            CALLS[what](self.service, note)
            result = "done"
        except StoreUnavailable:
            result = "unavailable"
        except SmsTransferError as error:
            result = error.code
        self.diary.write("end", result)
        self.hand.at += STEP

    def go_on(self) -> None:
        """Carry out some command that makes sense now."""
        agent_id = self.chance.choice(AGENTS)
        desktop = self.store.desktop(agent_id)
        options: list[tuple[str, dict[str, str]]] = [("tick", {})]
        if len(desktop.interactions) + len(desktop.offered) < CAPACITY:
            options += [("open", {"interaction": f"i-{self.hand.at}"})] * 3
        for ticket in desktop.invitations:
            options += [("accept", {"name": ticket.id})] * 4 + [("reject", {"name": ticket.id})] * 2
        for interaction in desktop.interactions:
            options += self.about(interaction, agent_id)
        if self.alone:
            options += self.alone_about(agent_id)
            options += [(what, {"name": entry.id}) for entry in desktop.messages for what in ("read", "delete")][:2]
        what, more = self.chance.choice(options)
        self.do(what, by=agent_id, **more)

    def about(self, interaction: Interaction, owner: str) -> list[tuple[str, dict[str, str]]]:
        """What an owner can do."""
        about = {"interaction": interaction.id}
        options = [(what, about) for what in ("receive", "reply", "reply", "reply", "note", "data", "finish")]
        if interaction.transfer is not None:
            return [*options, ("cancel", {"name": interaction.transfer.id})]
        target = self.chance.choice([agent_id for agent_id in AGENTS if agent_id != owner])
        return options + [("request", {**about, "target": target, "key": f"key-{self.hand.at}"})] * 4

    def alone_about(self, agent_id: str) -> list[tuple[str, dict[str, str]]]:
        """What an agent can do with the own status: the further away from Ready, the sooner back."""
        status = self.store.agents((agent_id,))[agent_id].status
        if status is ChannelStatus.LOGGED_OUT:
            return [("log_in", {})] * 4
        if status is ChannelStatus.NOT_READY:
            return [("ready", {})] * 4
        return [("pause", {}), ("log_out", {})] if self.chance.random() < 0.3 else []


def found(store: SqliteStore | PostgresStore) -> None:
    """Let a new store know the agents."""
    for agent_id in AGENTS:
        store.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY, capacity=CAPACITY))


def live(job: str, ready: Callable[[], None]) -> None:
    """What a forked process does."""
    logging.getLogger().addHandler(logging.NullHandler())  # what fails on purpose is not to be seen
    given = Job(**json.loads(job))
    worker = Worker(given)
    ready()
    worker.live(given)
