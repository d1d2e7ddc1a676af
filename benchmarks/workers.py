"""How many transfers a second PostgreSQL takes from 1, 2, 4 and 8 processes at once.

In three ways: each process with agents and conversations of its own; the same with commits that ring no doorbell; and
all of them handing conversations to and fro between the same two agents, whose places are counted one commit at a time.
The floor is the same SQL, written by hand on psycopg, in as many processes.
"""

from __future__ import annotations

import multiprocessing
from contextlib import ExitStack
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Final

import attrs

from benchmarks.centre import PLENTY
from benchmarks.effort import Effort
from benchmarks.progress import progress
from benchmarks.recorded import Contender, Recorded, hire, open_for, service_on
from benchmarks.result import Cell, Column, Drawing, Kind, Result, Table
from benchmarks.server import need_postgres, new_schema, running, settings
from benchmarks.timing import Spread, ratios

CREWS: Final = (1, 2, 4, 8)
SMOKE: Final = (1, 2)
TRANSFERS: Final = (5, 10, 100)
"""In one round, of each process; in a look, as usual, and in a full run."""
WARM_UP: Final = 10
BY_HAND: Final = "psycopg by hand, each its own"
OWN: Final = "each its own agents"
SILENT: Final = "each its own agents, no NOTIFY"
SHARED: Final = "all the same two agents"
WAYS: Final = (BY_HAND, OWN, SILENT, SHARED)
PATIENCE: Final = 60.0
TO_BY_HAND: Final = "rate to by hand"
TO_ONE: Final = "rate to one process"


@attrs.frozen
class Place:
    """Where a worker works.

    Args:
        number: which worker it is.
    """

    conninfo: str
    schema: str
    number: int

    def contender(self, way: str, opened: ExitStack) -> Contender:
        """What this worker does in this way."""
        if way == BY_HAND:
            import psycopg  # noqa: PLC0415 - a development dependency: may be absent

            from benchmarks.on_postgres import PostgresByHand  # noqa: PLC0415 - needs psycopg

            return PostgresByHand(
                opened.enter_context(psycopg.connect(self.conninfo, autocommit=True)), self.schema_by_hand
            )
        from benchmarks.silent import SilentStore  # noqa: PLC0415 - needs psycopg
        from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

        kind = SilentStore if way == SILENT else PostgresStore
        store = opened.enter_context(kind(self.conninfo, schema=self.schema, create=False, connections=1))
        return Recorded(service_on(store), self.interaction(way), self.pair(way))

    @property
    def schema_by_hand(self) -> str:
        """Where it is kept by hand."""
        return f"{self.schema}_{self.number}"

    def interaction(self, way: str) -> str:
        """The conversation that it hands to and fro."""
        return f"{way} {self.number}"

    def pair(self, way: str) -> tuple[str, str]:
        """Between whom."""
        return ("alice", "bob") if way == SHARED else (f"alice {self.number} {way}", f"bob {self.number} {way}")


def run(effort: Effort) -> Result:
    """Compare."""
    need_postgres()
    crews, transfers = effort.pick(SMOKE, CREWS), effort.pick(*TRANSFERS)
    with running() as server, ExitStack() as opened:
        ends = _at_work(server.conninfo, max(crews), opened)
        rates = _measure(ends, crews, effort.rounds, transfers)
        note = settings(server.conninfo)
    columns = (
        Column("who"), Column("processes", ".0f"), Column("transfers a second", ".0f"), Column(TO_BY_HAND),
        Column(TO_ONE),
    )  # fmt: skip
    rows = tuple(_row(way, crew, rates) for way in WAYS for crew in crews)
    drawing = Drawing(Kind.CURVES, TO_ONE, ("who",), "times the rate of one process", along="processes")
    return Result(
        "Many processes on one PostgreSQL",
        f"Transfers a second from {crews[0]} to {crews[-1]} processes at once, each with agents and conversations of"
        " its own, or all with the same two agents; against the same SQL written by hand on psycopg in as many"
        " processes, and against one process.",
        "Here more is better. The server and the processes share the cores, so that none can grow further than what is"
        " written by hand does.",
        (Table(f"Transfers at once ({effort.rounds} rounds of {transfers} each)", columns, rows, drawing),),
        notes=(note,),
    )


def work(place: Place, end: Connection) -> None:
    """Do what comes down the pipe: so many transfers in one of the ways; in what time goes back up."""
    with ExitStack() as opened:
        contenders = {way: place.contender(way, opened) for way in WAYS}
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


def _at_work(conninfo: str, most: int, opened: ExitStack) -> list[Connection]:
    """So many workers, each at the end of a pipe."""
    schema = new_schema()
    places = [Place(conninfo, schema, number) for number in range(most)]
    _prepare(conninfo, schema, places)
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


def _prepare(conninfo: str, schema: str, places: list[Place]) -> None:
    """Have the tables, the agents and the conversations."""
    from sms_transfer.adapters.postgres import PostgresStore, migrate  # noqa: PLC0415 - needs psycopg

    with PostgresStore(conninfo, schema=schema) as store:
        service = service_on(store)
        hire(service, "alice", "bob", capacity=PLENTY)
        for place in places:
            for way in (OWN, SILENT):
                hire(service, *place.pair(way))
            for way in (OWN, SILENT, SHARED):
                open_for(service, place.interaction(way), place.pair(way)[0])
    for place in places:
        migrate(conninfo, schema=place.schema_by_hand)


Rates = dict[tuple[str, int], list[float]]


def _measure(ends: list[Connection], crews: tuple[int, ...], rounds: int, transfers: int) -> Rates:
    """Transfers a second by way and number of processes, round by round."""
    turns = [(way, crew) for crew in crews for way in WAYS]
    rates: Rates = {turn: [] for turn in turns}
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


def _row(way: str, crew: int, rates: Rates) -> tuple[Cell, ...]:
    values = rates[way, crew]
    to_by_hand, to_one = (ratios(values, rates[base]) for base in ((BY_HAND, crew), (way, 1)))
    return way, float(crew), Spread.of(values).median, to_by_hand, to_one
