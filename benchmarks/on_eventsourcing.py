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
from benchmarks.recorded import hand_over, hire, open_for, service_on
from benchmarks.report import table
from benchmarks.server import missing, new_schema, running
from benchmarks.timing import Spread, interleave, ratios, times
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import TransferStore

if TYPE_CHECKING:
    from uuid import UUID

LIVES: Final = {1: 30, 10: 3}
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


def run(rounds: int) -> str:
    """Compare on each kind of storage, and tell it in tables."""
    absent = missing("eventsourcing")
    if absent is not None:
        return absent
    return "".join(_compare(where, make, rounds) for where, make in _PLACES.items())


def _compare(where: str, make: Callable[[ExitStack], Contenders | str], rounds: int) -> str:
    with ExitStack() as opened:
        contenders = make(opened)
        if isinstance(contenders, str):
            return contenders
        for contender in contenders.values():
            times(WARM_UP, partial(contender.live, 1))()
        told = [_live(where, contenders, transfers, rounds) for transfers in LIVES]
        for contender in contenders.values():
            contender.check()
    return "".join(told)


def _live(where: str, contenders: Contenders, transfers: int, rounds: int) -> str:
    lives = LIVES[transfers]
    jobs = {name: times(lives, partial(contender.live, transfers)) for name, contender in contenders.items()}
    seconds = interleave(f"eventsourcing, {where}", jobs, rounds=rounds, tidy=True)
    rows = [
        (name, f"{Spread.of(spent).median / lives * 1e6:.1f}", *ratios(spent, seconds[LIBRARY]).cells())
        for name, spent in seconds.items()
    ]
    title = f"eventsourcing: opened, then {transfers} times offered and accepted, {where} ({rounds} rounds of {lives})"
    factor = ratios(seconds[OTHER], seconds[LIBRARY]).median
    verdict = f"target: ahead of eventsourcing; it takes {factor:.2f} times as long\n"
    return table(title, ("", "median µs", "to ours", "min", "max"), rows) + verdict


def _in_memory(opened: ExitStack) -> Contenders:
    return {LIBRARY: Library(MemoryStore()), OTHER: EventSourced({"PERSISTENCE_MODULE": "eventsourcing.popo"}, opened)}


def _on_sqlite(opened: ExitStack) -> Contenders:
    folder = Path(opened.enter_context(TemporaryDirectory()))
    store = opened.enter_context(SqliteStore(folder / "library.db"))
    # The package sets WAL mode and leaves ``synchronous`` as it is built, which is FULL: as the store's.
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "other.db")}
    return {LIBRARY: Library(store), OTHER: EventSourced(environment, opened)}


def _on_postgres(opened: ExitStack) -> Contenders | str:
    absent = missing("psycopg", "psycopg_pool")
    if absent is not None:
        return absent
    import psycopg  # noqa: PLC0415 - a development dependency: may be absent

    from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

    conninfo = opened.enter_context(running()).conninfo
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


_PLACES: Final[Mapping[str, Callable[[ExitStack], Contenders | str]]] = {
    "in memory": _in_memory,
    "on SQLite": _on_sqlite,
    "on PostgreSQL": _on_postgres,
}
