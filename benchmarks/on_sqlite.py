"""One whole transfer on a SQLite file: the library's store against the same statements written by hand.

Request and accept, each one reading and one commit, at the same durability and into the same tables; afterwards both
files hold equally many rows. The ratio is what the library costs on top of the disk and of SQLite.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.by_hand import ID, PAIR, ByHand, Row, agent
from benchmarks.centre import PLENTY
from benchmarks.effort import Effort
from benchmarks.recorded import Contender, Recorded
from benchmarks.result import Column, Drawing, Kind, Result, Sense, Table, Target
from benchmarks.timing import against, interleave, ratios, times
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.adapters.sqlite import statements as sql

TRANSFERS: Final = 50
"""In one round, of each contender."""
WARM_UP: Final = 20
TARGET: Final = 1.8
BY_HAND: Final = "sqlite3 by hand"
LIBRARY: Final = "sms_transfer on SqliteStore"
TABLES: Final = ("interaction", "transfer", "ticket", "event", "agent", "change", "entry", "text", "recent", "member")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteByHand(ByHand):
    """On `sqlite3`.

    Args:
        connection: to a file with the tables of `SqliteStore`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection
        self.begin()

    def begin(self) -> None:
        """Keep the agents and the conversation."""
        for agent_id in PAIR:
            self._connection.execute(sql.ADD_AGENT, (agent_id, False, "ready", PLENTY, agent(agent_id)))
        self.open()

    def find(self) -> Row:
        """The conversation."""
        [[_, _, body]] = self._connection.execute(sql.INTERACTION, (ID,))
        found: Row = json.loads(body)
        return found

    def find_for_request(self, sender: str, invitee: str, now: datetime) -> tuple[Row, Row, int]:
        """In one reading: the conversation, the invitee, and how many places the invitee has taken."""
        parts = (sql.INTERACTION, sql.AGENT, sql.AGENT, sql.LOAD)
        values = (ID, sender, invitee, invitee, invitee, invitee, _microseconds(now))
        found = self._connection.execute(" UNION ALL ".join(parts), values).fetchall()
        interaction, _, invited = [json.loads(body) for kind, _, body in found if kind != "load"]
        return interaction, invited, found[-1][2]

    def find_for_accept(self, ticket: str, by: str, now: datetime) -> tuple[Row, Row]:  # noqa: ARG002 - PostgreSQL needs it
        """In one reading: the request, and the conversation."""
        parts = (sql.BY_TICKET, sql.AGENT)
        found = self._connection.execute(" UNION ALL ".join(parts), (ticket, ticket, by)).fetchall()
        request, interaction, _ = [json.loads(body) for _, _, body in found]
        return request, interaction

    def commit(
        self,
        interaction: Row,
        request: Row | None,
        events: Sequence[Row],
        concerned: Sequence[str],
        claim: tuple[str, datetime] | None,
    ) -> None:
        """Keep all of it, in one transaction."""
        execute, executemany = self._connection.execute, self._connection.executemany
        version = interaction["version"]
        invitee = until = None
        if request is not None:
            until = _microseconds(datetime.fromisoformat(request["deadline"]))
            invitee = claim and claim[0]
        execute("BEGIN IMMEDIATE")
        values = (version, interaction["owner"], None, invitee, invitee and until, json.dumps(interaction), ID)
        if version == 1:
            execute(sql.FIRST_VERSION, values)
        elif not execute(sql.NEXT_VERSION, (*values, version - 1)).rowcount:
            raise RuntimeError("somebody else was faster")
        if claim is not None:
            [[taken, left]] = execute(sql.CHECK_CLAIM, (invitee, invitee, invitee, _microseconds(claim[1]), invitee))
            if taken > PLENTY or left:
                raise RuntimeError("has no place for it")
        if request is not None:
            begun = _microseconds(datetime.fromisoformat(request["requested_at"]))
            asked = (request["sender"], "agent:" + request["target"]["id"])
            kept = (request["id"], ID, invitee is not None, until, None, 0, begun, *asked, json.dumps(request))
            execute(sql.KEEP_REQUEST, kept)
            ticket = request["invitation"]["id"]
            if not execute(sql.KEEP_TICKET, (ticket, request["id"])).rowcount:
                execute(sql.TICKET, (ticket,)).fetchone()
        executemany(sql.ADD_EVENT, [(ID, json.dumps(event)) for event in events])
        executemany(sql.COUNT_CHANGE, [(agent_id, agent_id, ID, None) for agent_id in concerned])
        if request is not None:
            executemany(sql.MOVED, [(agent_id,) * 5 for agent_id in concerned])
        execute("COMMIT")


def run(effort: Effort) -> Result:
    """Compare."""
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{number}.db" for number, name in enumerate((BY_HAND, LIBRARY))}
        SqliteStore(paths[BY_HAND]).close()  # the same tables
        with (
            closing(sqlite3.connect(paths[BY_HAND], isolation_level=None)) as connection,
            SqliteStore(paths[LIBRARY]) as store,
        ):
            connection.execute("PRAGMA synchronous = FULL")  # as the store's
            contenders: dict[str, Contender] = {
                BY_HAND: SqliteByHand(connection),
                LIBRARY: Recorded.anew(store, ID, PAIR),
            }
            seconds = compare(contenders, effort.rounds)
        if _rows(paths[BY_HAND]) != _rows(paths[LIBRARY]):
            raise RuntimeError("they did not write the same")
    return Result(
        "A transfer on SQLite",
        "Request and accept, each recorded by one commit that waits for the disk, against the same SQL written by hand"
        " on `sqlite3` with `json`; both write the same rows.",
        "1 would be a library that costs nothing beyond SQLite and the disk.",
        (table(f"One complete transfer ({effort.rounds} rounds of {TRANSFERS})", seconds, BY_HAND, TARGET),),
        (target(seconds[LIBRARY], seconds[BY_HAND], TARGET),),
    )


def compare(contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Let them hand over by turns; seconds by name."""
    for contender in contenders.values():
        times(WARM_UP, contender.transfer)()
    jobs = {name: times(TRANSFERS, contender.transfer) for name, contender in contenders.items()}
    seconds = interleave(next(iter(contenders)), jobs, rounds=rounds, tidy=True)
    for contender in contenders.values():
        contender.check()
    return seconds


def table(title: str, seconds: dict[str, list[float]], base: str, most: float) -> Table:
    """Those who were compared."""
    columns = (Column(""), Column("median µs", ".1f"), Column("to by hand"))
    drawing = Drawing(Kind.BARS, "to by hand", ("",), f"times {base}", target=most)
    return Table(title, columns, against(seconds, base, unit=1e-6 * TRANSFERS), drawing)


def target(ours: list[float], by_hand: list[float], most: float) -> Target:
    """What it should be, and what it is."""
    return Target("sms_transfer to what is written by hand", Sense.AT_MOST, most, ratios(ours, by_hand).median)


def _rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
