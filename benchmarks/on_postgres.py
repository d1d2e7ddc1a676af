"""One whole transfer on PostgreSQL: the library's store against the same statements written by hand on psycopg.

Both call the same functions of the same schema, in the same order, in transactions as durable as each other; afterwards
both schemas hold equally many rows. How often each waits for the server is counted on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from benchmarks.by_hand import ID, PAIR, ByHand, Row, agent
from benchmarks.centre import PLENTY
from benchmarks.effort import Effort
from benchmarks.on_sqlite import TRANSFERS, WARM_UP, compare, table, target
from benchmarks.recorded import Contender, Recorded
from benchmarks.result import Column, Result, Sense, Table, Target
from benchmarks.server import need_postgres, new_schema, running, settings
from benchmarks.timing import Spread, times

if TYPE_CHECKING:
    import psycopg

TARGET: Final = 1.5
COUNTED: Final = 20
"""Transfers whose round trips are counted."""
BY_HAND: Final = "psycopg by hand"
LIBRARY: Final = "sms_transfer on PostgresStore"
TABLES: Final = ("interaction", "transfer", "name", "event", "agent", "desk", "change", "entry", "text", "recent")
REMEMBERED: Final = 256
COMMIT: Final = (
    "SELECT {s}.commit_decision(%s, %s, %s, %s, %s, %s, %s, %b, %b, %s, %s, %b, %b, %b, %s, %s, %b, %s, %s, %s,"
    " %b, %s, %b, %b, %b, %s, %b, %b, %s, %b, %s, %s, %s, %s, %s, %s, %s)"
)
"""As the store says it, with lists of texts in binary form."""


class PostgresByHand(ByHand):
    """On `psycopg`.

    Args:
        connection: in autocommit mode, so that each statement is a transaction.
        schema: with the tables and functions of `PostgresStore`.
    """

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> None:
        super().__init__()
        self._connection = connection
        self._channel = schema
        self._read = f'SELECT kind, id, body FROM "{schema}".read_need({"%s, " * 8}%s)'.encode()
        self._commit = COMMIT.replace("{s}", f'"{schema}"').encode()
        self._find = f'SELECT body FROM "{schema}".interaction WHERE id = %s'.encode()
        self._add_agent = f'SELECT "{schema}".add_agent(%s, %s, %s, %s, %s, %s)'.encode()
        self.begin()

    def begin(self) -> None:
        """Keep the agents and the conversation."""
        for agent_id in PAIR:
            self._connection.execute(self._add_agent, (agent_id, False, "ready", PLENTY, [], agent(agent_id)))
        self.open()

    def find(self) -> Row:
        """The conversation."""
        [[body]] = self._connection.execute(self._find, (ID,))
        found: Row = json.loads(body)
        return found

    def find_for_request(self, sender: str, invitee: str, now: datetime) -> tuple[Row, Row, int]:
        """In one reading: the conversation, the invitee, and how many places the invitee has taken."""
        values = (ID, None, None, invitee, now, None, None, None, [sender, invitee])
        found = self._connection.execute(self._read, values, prepare=True).fetchall()
        of = {(kind, id_ if kind == "agent" else None): json.loads(body) for kind, id_, body in found}
        return of["interaction", None], of["agent", invitee], of["load", None]

    def find_for_accept(self, ticket: str, by: str, now: datetime) -> tuple[Row, Row]:
        """In one reading: the request, and the conversation."""
        values = (None, "invitation", ticket, None, now, None, None, None, [by])
        found = self._connection.execute(self._read, values, prepare=True).fetchall()
        of = {kind: json.loads(body) for kind, _, body in found}
        return of["request"], of["interaction"]

    def commit(
        self,
        interaction: Row,
        request: Row | None,
        events: Sequence[Row],
        concerned: Sequence[str],
        claim: tuple[str, datetime] | None,
    ) -> None:
        """Keep all of it, in one transaction."""
        requests = () if request is None else (request,)
        deadlines = [datetime.fromisoformat(one["deadline"]) for one in requests]
        invitee, at = claim or (None, None)
        nothing = [None for _ in concerned]
        values: tuple[object, ...] = (
            ID, interaction["version"], interaction["owner"], None, invitee, deadlines[0] if invitee else None,
            json.dumps(interaction), [one["id"] for one in requests], [one["invitation"]["id"] for one in requests],
            [one["state"] == "invited" for one in requests], deadlines, [one["sender"] for one in requests],
            [f"agent:{one['target']['id']}" for one in requests], [None for _ in requests], [0 for _ in requests],
            [datetime.fromisoformat(one["requested_at"]) for one in requests], [json.dumps(one) for one in requests],
            None, None, None, [], [], [], [json.dumps(event) for event in events],
            list(concerned), [True for _ in concerned], list(concerned if requests else ()), nothing, nothing, nothing,
            REMEMBERED,
            invitee, invitee and PLENTY, at, invitee and True,
            self._channel, json.dumps(concerned),
        )  # fmt: skip
        self._connection.execute(self._commit, values, prepare=True).fetchall()


def run(effort: Effort) -> Result:
    """Compare."""
    need_postgres()
    with running() as server, ExitStack() as opened:
        contenders, schemas = _contenders(server.conninfo, opened)
        seconds = compare(contenders, effort.rounds)
        if len({_rows(server.conninfo, schema) for schema in schemas}) > 1:
            raise RuntimeError("they did not write the same")
        waits = _waits(server.conninfo, opened)
        note = settings(server.conninfo)
    return Result(
        "A transfer on PostgreSQL",
        "Request and accept, against the same SQL written by hand on psycopg with `json`; both write the same rows and"
        " ring the same doorbell.",
        "1 would be a library that costs nothing beyond the server and the way to it. The longer the wait for a disk or"
        " a network, which both have, the closer the ratio comes to 1.",
        (
            table(f"One complete transfer ({effort.rounds} rounds of {TRANSFERS})", seconds, BY_HAND, TARGET),
            _waits_table(waits),
        ),
        (
            target(seconds[LIBRARY], seconds[BY_HAND], TARGET),
            Target("waits for the server, each command", Sense.AT_MOST, 2, waits[LIBRARY], "round trips"),
        ),
        (note,),
    )


def _waits(conninfo: str, opened: ExitStack) -> dict[str, float]:
    """How often each waits for the server, in one command."""
    from benchmarks.wire import counting  # noqa: PLC0415 - needs psycopg

    wire = opened.enter_context(counting(conninfo))
    counted: dict[str, float] = {}
    for name, contender in _contenders(wire.conninfo, opened)[0].items():
        times(WARM_UP, contender.transfer)()  # connections are made, statements prepared
        before = wire.round_trips
        times(COUNTED, contender.transfer)()
        counted[name] = (wire.round_trips - before) / COUNTED / 2
    return counted


def _waits_table(waits: dict[str, float]) -> Table:
    columns = (Column(""), Column("round trips"), Column("to by hand"))
    to_base = {name: count / waits[BY_HAND] for name, count in waits.items()}
    rows = tuple((name, count, Spread(*[to_base[name]] * 3)) for name, count in waits.items())
    return Table("How often a command waits for the server, counted on the wire", columns, rows)


def _contenders(conninfo: str, opened: ExitStack) -> tuple[dict[str, Contender], tuple[str, str]]:
    """Both, each in a schema of its own."""
    import psycopg  # noqa: PLC0415 - a development dependency: may be absent

    from sms_transfer.adapters.postgres import PostgresStore, migrate  # noqa: PLC0415 - needs psycopg

    schemas = new_schema(), new_schema()
    migrate(conninfo, schema=schemas[0])
    connection = opened.enter_context(psycopg.connect(conninfo, autocommit=True))
    store = opened.enter_context(PostgresStore(conninfo, schema=schemas[1]))
    return {BY_HAND: PostgresByHand(connection, schemas[0]), LIBRARY: Recorded.anew(store, ID, PAIR)}, schemas


def _rows(conninfo: str, schema: str) -> tuple[tuple[Any, ...], ...]:
    """How many there are in each table."""
    import psycopg  # noqa: PLC0415 - a development dependency: may be absent

    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{schema}\".{name}" for name in TABLES)
    with psycopg.connect(conninfo) as connection:
        return tuple(connection.execute(counts.encode()).fetchall())
