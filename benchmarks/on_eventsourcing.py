"""The life of a conversation, kept by the library and kept with `eventsourcing`: opened, then offered and accepted.

Every life is a new conversation: one that is handed over once, which has next to no history to be replayed, and one
that is handed over ten times, whose 41 events are about what a conversation of some texts has. On each kind of storage
both are as durable as each other: SQLite in WAL mode with ``synchronous = FULL``, PostgreSQL on the same server.

They do not do the same. The library also counts the places of the agents and keeps them, finds a conversation by its
ticket, indexes the deadline, counts a change for both desktops, and reads whether the agents may; `eventsourcing`
numbers its notifications without a gap by locking the table of events, and has no such things unless a program adds
them. It is measured as it comes, and on PostgreSQL with its database functions too, which are its faster way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count, cycle, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.centre import CASE_DATA, PLENTY
from benchmarks.effort import Effort
from benchmarks.recorded import hand_over, hire, open_for, service_on
from benchmarks.result import Cell, Column, Drawing, Kind, Missing, Result, Sense, Table, Target
from benchmarks.server import need, need_postgres, new_schema, running, settings
from benchmarks.timing import against, interleave, ratios, times
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import TransferStore

if TYPE_CHECKING:
    from uuid import UUID

LIVES: Final = {1: 30, 10: 3}
TOLD: Final = {1: "handed over once", 10: "ten times"}
SMOKE: Final = {1: 5, 10: 1}
"""How many in one round, of each contender, by how often a conversation is handed over."""
WARM_UP: Final = 20
CREW: Final = 100
"""Agents who take turns, so that none ends up with more than a few conversations."""
LIBRARY: Final = "sms_transfer"
OTHER: Final = "eventsourcing"
FUNCTIONS: Final = "eventsourcing, database functions"

Environment = Mapping[str, str]


class Library:
    """Lives on any store."""

    def __init__(self, store: TransferStore) -> None:
        self._service = service_on(store)
        self._pairs = _pairs()
        self._ids = map("interaction-{}".format, count())
        self._last = ("", "")
        hire(self._service, *_CREW, capacity=PLENTY)

    def live(self, transfers: int) -> None:
        """One life."""
        interaction_id, (sender, invitee) = next(self._ids), next(self._pairs)
        open_for(self._service, interaction_id, sender)
        for _ in range(transfers):
            hand_over(self._service, interaction_id, sender, invitee)
            sender, invitee = invitee, sender
        self._last = interaction_id, sender

    def check(self) -> None:
        """Make sure that the work was done."""
        interaction_id, owner = self._last
        if self._service.interaction(interaction_id).owner != owner:
            raise RuntimeError("somebody else owns it")


class EventSourced:
    """Lives kept by the package's recorders.

    Args:
        environment: what the package is configured with.
    """

    def __init__(self, environment: Environment, opened: ExitStack) -> None:
        from benchmarks.event_sourced import Conversations  # noqa: PLC0415 - a development dependency: may be absent

        self._application = Conversations(env=dict(environment))
        opened.callback(self._application.close)
        self._pairs = _pairs()
        self._last: tuple[UUID, str] | None = None

    def live(self, transfers: int) -> None:
        """One life."""
        sender, invitee = next(self._pairs)
        conversation = self._application.open("sms", "+14155550100", "Jane Roe", sender, CASE_DATA)
        for _ in range(transfers):
            ticket = self._application.request_transfer(conversation, invitee, by=sender)
            self._application.accept(conversation, ticket, by=invitee)
            sender, invitee = invitee, sender
        self._last = conversation, sender

    def check(self) -> None:
        """Make sure that the work was done."""
        if self._last is None or self._application.owner(self._last[0]) != self._last[1]:
            raise RuntimeError("somebody else owns it")


Contenders = dict[str, Library | EventSourced]


Times = Mapping[str, list[float]]


def run(effort: Effort) -> Result:
    """Compare on each kind of storage."""
    need("eventsourcing")
    seconds: dict[tuple[str, int], Times] = {}
    notes, absent = list[str](), list[str]()
    for where, make in _PLACES.items():
        try:
            with ExitStack() as opened:
                seconds |= _lives(where, make(opened, notes), effort)
        except Missing as missing:
            absent += missing.what
    return Result(
        "The life of a conversation, and eventsourcing",
        "A conversation is opened and then handed over once, or ten times; kept by the library, and kept with the"
        " package eventsourcing, written as its own documentation shows, on the same storage.",
        "The ratio is how long the other takes for what takes the library 1. The two do not do the same: the library"
        " also checks agents, counts places, indexes deadlines and tells desktops what has changed.",
        (_table(seconds, effort),),
        _targets(seconds),
        tuple(notes),
        tuple(absent),
    )


def _lives(where: str, contenders: Contenders, effort: Effort) -> dict[tuple[str, int], Times]:
    lives_of = effort.pick(SMOKE, LIVES)
    for contender in contenders.values():
        times(effort.pick(SMOKE[1], WARM_UP), partial(contender.live, 1))()
    seconds: dict[tuple[str, int], Times] = {}
    for transfers, lives in lives_of.items():
        jobs = {name: times(lives, partial(contender.live, transfers)) for name, contender in contenders.items()}
        seconds[where, transfers] = interleave(f"eventsourcing, {where}", jobs, rounds=effort.rounds, tidy=True)
    for contender in contenders.values():
        contender.check()
    return seconds


def _table(seconds: Mapping[tuple[str, int], Times], effort: Effort) -> Table:
    lives = effort.pick(SMOKE, LIVES)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, where, TOLD[transfers], middle, ratio)
        for (where, transfers), spent in seconds.items()
        for name, middle, ratio in against(spent, LIBRARY, unit=1e-6 * lives[transfers])
    )
    columns = (Column(""), Column("kept"), Column("life"), Column("median µs", ".0f"), Column("to ours"))
    names = ("", "kept", "life")
    drawing = Drawing(Kind.BARS, "to ours", names, "times sms_transfer", target=1.0, wide=True, strong=LIBRARY)
    return Table(f"One life ({effort.rounds} rounds of {lives[1]} and of {lives[10]})", columns, rows, drawing)


def _targets(seconds: Mapping[tuple[str, int], Times]) -> tuple[Target, ...]:
    return tuple(
        Target(
            f"eventsourcing to sms_transfer, {where}, {TOLD[transfers]}",
            Sense.AT_LEAST,
            1,
            ratios(spent[OTHER], spent[LIBRARY]).median,
        )
        for (where, transfers), spent in seconds.items()
    )


def _in_memory(opened: ExitStack, _: list[str]) -> Contenders:
    return {LIBRARY: Library(MemoryStore()), OTHER: EventSourced({"PERSISTENCE_MODULE": "eventsourcing.popo"}, opened)}


def _on_sqlite(opened: ExitStack, _: list[str]) -> Contenders:
    folder = Path(opened.enter_context(TemporaryDirectory()))
    store = opened.enter_context(SqliteStore(folder / "library.db"))
    # The package sets WAL mode and leaves ``synchronous`` as it is built, which is FULL: as the store's.
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "other.db")}
    return {LIBRARY: Library(store), OTHER: EventSourced(environment, opened)}


def _on_postgres(opened: ExitStack, notes: list[str]) -> Contenders:
    need_postgres()
    import psycopg  # noqa: PLC0415 - a development dependency: may be absent

    from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

    conninfo = opened.enter_context(running()).conninfo
    notes.append(settings(conninfo))
    contenders: Contenders = {LIBRARY: Library(opened.enter_context(PostgresStore(conninfo, schema=new_schema())))}
    for name, functions in {OTHER: "n", FUNCTIONS: "y"}.items():
        schema = new_schema()
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
            where = connection.info
            environment = {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": where.dbname,
                "POSTGRES_HOST": where.host,
                "POSTGRES_PORT": str(where.port),
                "POSTGRES_USER": where.user,
                "POSTGRES_PASSWORD": where.password,
                "POSTGRES_SCHEMA": schema,
                "POSTGRES_ENABLE_DB_FUNCTIONS": functions,
            }
        contenders[name] = EventSourced(environment, opened)
    return contenders


_CREW: Final = tuple(map("agent-{}".format, range(CREW)))


def _pairs() -> Iterator[tuple[str, str]]:
    """Each agent and the next, round and round."""
    return pairwise(cycle(_CREW))


_PLACES: Final[Mapping[str, Callable[[ExitStack, list[str]], Contenders]]] = {
    "in memory": _in_memory,
    "on SQLite": _on_sqlite,
    "on PostgreSQL": _on_postgres,
}
