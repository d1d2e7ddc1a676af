"""How many transfers a second PostgreSQL takes from 1, 2, 4 and 8 processes at once.

In three ways: each process with agents and conversations of its own; the same with commits that ring no doorbell; and
all of them handing conversations to and fro between the same two agents, whose places are counted one commit at a time.
"""

from __future__ import annotations

import multiprocessing
from contextlib import ExitStack
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Final

import attrs

from benchmarks.centre import PLENTY
from benchmarks.recorded import Recorded, hire, open_for, service_on
from benchmarks.report import progress, table
from benchmarks.server import missing, new_schema, running
from benchmarks.timing import Spread, ratios

CREWS: Final = (1, 2, 4, 8)
TRANSFERS: Final = {False: 10, True: 100}
"""In one round, of each process; in a full run more."""
WARM_UP: Final = 10
OWN: Final = "each its own agents"
SILENT: Final = "each its own agents, no NOTIFY"
SHARED: Final = "all the same two agents"
PATIENCE: Final = 60.0


@attrs.frozen
class Place:
    """Where a worker works.

    Args:
        number: which worker it is.
    """

    conninfo: str
    schema: str
    number: int

    def contender(self, way: str, opened: ExitStack) -> Recorded:
        """What this worker does in this way."""
        from benchmarks.silent import SilentStore  # noqa: PLC0415 - needs psycopg
        from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

        kind = SilentStore if way == SILENT else PostgresStore
        store = opened.enter_context(kind(self.conninfo, schema=self.schema, create=False, connections=1))
        return Recorded(service_on(store), self.interaction(way), self.pair(way))

    def interaction(self, way: str) -> str:
        """The conversation that it hands to and fro."""
        return f"{way} {self.number}"

    def pair(self, way: str) -> tuple[str, str]:
        """Between whom."""
        return ("alice", "bob") if way == SHARED else (f"alice {self.number} {way}", f"bob {self.number} {way}")


def run(rounds: int, *, full: bool) -> str:
    """Compare, and tell it in a table."""
    absent = missing("psycopg", "psycopg_pool")
    if absent is not None:
        return absent
    transfers = TRANSFERS[full]
    with running() as server, ExitStack() as opened:
        ends = _at_work(server.conninfo, opened)
        rates = _measure(ends, rounds, transfers)
    rows = [_row(way, crew, rates) for way in (OWN, SILENT, SHARED) for crew in CREWS]
    notify = ratios(rates[SILENT, CREWS[-1]], rates[OWN, CREWS[-1]])
    title = f"workers: transfers at once on PostgreSQL ({rounds} rounds of {transfers} by each process)"
    head = ("", "processes", "median transfers/s", "to 1", "min", "max")
    return table(title, head, rows) + (
        f"without NOTIFY {CREWS[-1]} processes make {notify.median:.2f} times as many ({notify.low:.2f} to"
        f" {notify.high:.2f})\n"
    )


def work(place: Place, end: Connection) -> None:
    """Do what comes down the pipe: so many transfers in one of the ways; in what time goes back up."""
    with ExitStack() as opened:
        contenders = {way: place.contender(way, opened) for way in (OWN, SILENT, SHARED)}
        for contender in contenders.values():
            for _ in range(WARM_UP):
                contender.transfer()
        end.send(None)
        while task := end.recv():
            way, transfers = task
            begin = perf_counter()
            for _ in range(transfers):
                contenders[way].transfer()
            end.send((begin, perf_counter()))
        for contender in contenders.values():
            contender.check()
        end.send(None)


def _at_work(conninfo: str, opened: ExitStack) -> list[Connection]:
    """So many workers, each at the end of a pipe."""
    from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

    schema = new_schema()
    places = [Place(conninfo, schema, number) for number in range(max(CREWS))]
    with PostgresStore(conninfo, schema=schema) as store:
        service = service_on(store)
        hire(service, "alice", "bob", capacity=PLENTY)
        for place in places:
            for way in (OWN, SILENT):
                hire(service, *place.pair(way))
            for way in (OWN, SILENT, SHARED):
                open_for(service, place.interaction(way), place.pair(way)[0])
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    for place in places:
        end, theirs = context.Pipe()
        process = context.Process(target=work, args=(place, theirs), daemon=True)
        process.start()
        theirs.close()
        opened.callback(process.join, PATIENCE)
        opened.callback(end.close)
        ends.append(end)
    for end in ends:
        end.recv()
    return ends


def _measure(ends: list[Connection], rounds: int, transfers: int) -> dict[tuple[str, int], list[float]]:
    """Transfers a second by way and number of processes, round by round."""
    turns = [(way, crew) for crew in CREWS for way in (OWN, SILENT, SHARED)]
    rates: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
    for done in range(rounds):
        progress("workers", done, rounds)
        for way, crew in turns if done % 2 == 0 else reversed(turns):
            busy = ends[:crew]
            for end in busy:
                end.send((way, transfers))
            spans = [end.recv() for end in busy]
            seconds = max(last for _, last in spans) - min(first for first, _ in spans)
            rates[way, crew].append(crew * transfers / seconds)
    progress("workers", rounds, rounds)
    for end in ends:
        end.send(None)
    for end in ends:
        end.recv()  # each has made sure that the work was done
    return rates


def _row(way: str, crew: int, rates: dict[tuple[str, int], list[float]]) -> tuple[str, ...]:
    values = rates[way, crew]
    return (way, str(crew), f"{Spread.of(values).median:.0f}", *ratios(values, rates[way, CREWS[0]]).cells())
