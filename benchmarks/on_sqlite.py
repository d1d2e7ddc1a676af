"""One whole transfer on a SQLite file: the library's store against the same statements written by hand.

Request and accept, each one reading and one commit, at the same durability and into the same tables. What is written
by hand keeps plain dicts, checks next to nothing and has no values, no ports and nobody to tell. The ratio is what the
library costs on top of the disk and of SQLite.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from benchmarks.centre import CASE_DATA, PLENTY
from benchmarks.report import table
from benchmarks.timing import Spread, interleave, ratios, times
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Interaction,
    Media,
    Target,
    TransferPolicy,
    TransferService,
)
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.adapters.sqlite import statements as sql
from sms_transfer.ports import TransferStore

TRANSFERS: Final = 50
"""In one round, of each contender."""
WARM_UP: Final = 20
TARGET: Final = 1.8
BY_HAND: Final = "sqlite3 by hand"
LIBRARY: Final = "sms_transfer on SqliteStore"
ID: Final = "interaction"
TIMEOUT: Final = timedelta(seconds=30)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


class Contender(Protocol):
    """Whoever can hand a conversation over, and record that."""

    def transfer(self) -> None:
        """Hand it over once."""
        ...

    def check(self) -> None:
        """Make sure that the work was done."""
        ...


class Recorded:
    """The library's side: two agents who hand one conversation to and fro over any store.

    Args:
        store: empty.
    """

    def __init__(self, store: TransferStore) -> None:
        self._service = TransferService(store, policy=TransferPolicy(max_hops=PLENTY))
        self._pair = ("alice", "bob")
        for agent_id in self._pair:
            self._service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
        contact = Contact("+14155550100", name="Jane Roe")
        self._service.open_interaction(
            Interaction(ID, media=Media.SMS, contact=contact, owner="alice", case_data=CASE_DATA)
        )

    def transfer(self) -> None:
        """Hand it to the other one."""
        sender, invitee = self._pair
        request = self._service.request_transfer(ID, Target.agent(invitee), by=sender)
        if request.invitation is not None:
            self._service.accept(request.invitation.id, by=invitee)
        self._pair = (invitee, sender)

    def check(self) -> None:
        """Make sure that it is where it was handed."""
        if self._service.interaction(ID).owner != self._pair[0]:
            raise RuntimeError("somebody else owns it")


class ByHand:
    """The least that a program can do which keeps the same: dicts, `json` and `sqlite3`.

    Args:
        connection: to a file with the tables of `SqliteStore`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pair = ("alice", "bob")
        for agent_id in self._pair:
            agent = {
                "id": agent_id,
                "name": agent_id.title(),
                "status": "ready",
                "capacity": 5,
                "media": ["mms", "sms"],
            }
            connection.execute(sql.ADD_AGENT, (agent_id, False, json.dumps(agent)))
        interaction = {
            "id": ID, "media": "sms", "contact": {"address": "+14155550100", "name": "Jane Roe"}, "owner": "alice",
            "state": "active", "epoch": 0, "version": 1, "case_data": CASE_DATA, "note": "", "hops": 0,
            "transfer": None, "error": None,
        }  # fmt: skip
        connection.execute(sql.FIRST_VERSION, (1, "alice", None, None, json.dumps(interaction), ID))

    def transfer(self) -> None:
        """Hand it to the other one."""
        sender, invitee = self._pair
        self._accept(self._request(sender, invitee), invitee)
        self._pair = (invitee, sender)

    def check(self) -> None:
        """Make sure that it is where it was handed."""
        [[_, _, body]] = self._connection.execute(sql.INTERACTION, (ID,))
        if json.loads(body)["owner"] != self._pair[0]:
            raise RuntimeError("somebody else owns it")

    def _request(self, sender: str, invitee: str) -> str:
        now = datetime.now(UTC)
        deadline = now + TIMEOUT
        parts = (sql.INTERACTION, sql.AGENT, sql.AGENT, sql.LOAD)
        values = (ID, sender, invitee, invitee, invitee, _microseconds(now))
        found = self._connection.execute(" UNION ALL ".join(parts), values).fetchall()
        interaction, _, agent = [json.loads(body) for kind, _, body in found if kind != "load"]
        if interaction["owner"] != sender or interaction["transfer"] or found[-1][2] >= agent["capacity"]:
            raise RuntimeError("cannot be handed over")
        ticket = _new_id("i")
        request: Row = {
            "id": _new_id("t"), "interaction_id": ID, "sender": sender, "target": {"kind": "agent", "id": invitee},
            "state": "invited", "requested_at": now.isoformat(), "deadline": deadline.isoformat(), "note": "",
            "invitation": {
                "id": ticket, "invitee": invitee, "offered_at": now.isoformat(), "deadline": deadline.isoformat(),
            },
            "outcome": None, "sender_name": sender.title(), "target_name": invitee.title(),
        }  # fmt: skip
        interaction |= {"version": interaction["version"] + 1, "state": "transferring", "transfer": request}
        common = {"interaction_id": ID, "at": now.isoformat(), "by": sender, "transfer_id": request["id"]}
        events = (
            common | {"kind": "requested", "target": request["target"], "hop": interaction["hops"] + 1},
            common | {"kind": "invited", "invitation": request["invitation"]},
        )
        self._commit(interaction, request, events, invitee, deadline)
        return ticket

    def _accept(self, ticket: str, by: str) -> None:
        now = datetime.now(UTC)
        parts = (sql.BY_TICKET, sql.AGENT)
        found = self._connection.execute(" UNION ALL ".join(parts), (ticket, ticket, by)).fetchall()
        request, interaction, _ = [json.loads(body) for _, _, body in found]
        if request["state"] != "invited" or now.isoformat() >= request["deadline"]:
            raise RuntimeError("cannot be accepted")
        former = interaction["owner"]
        outcome = {"state": "accepted", "by": by, "at": now.isoformat(), "reason": "", "owner": by}
        request |= {"state": "accepted", "outcome": outcome}
        interaction |= {
            "version": interaction["version"] + 1, "state": "active", "transfer": None, "owner": by,
            "epoch": interaction["epoch"] + 1, "hops": interaction["hops"] + 1,
        }  # fmt: skip
        common = {"interaction_id": ID, "at": now.isoformat(), "by": by, "transfer_id": request["id"]}
        events = (
            common | {"kind": "accepted", "outcome": outcome, "invitation_id": ticket},
            common | {"kind": "moved", "former_owner": former, "owner": by, "epoch": interaction["epoch"]},
        )
        self._commit(interaction, request, events, None, datetime.fromisoformat(request["deadline"]))

    def _commit(
        self, interaction: Row, request: Row, events: tuple[Row, ...], invitee: str | None, deadline: datetime
    ) -> None:
        until, version, execute = _microseconds(deadline), interaction["version"], self._connection.execute
        execute("BEGIN IMMEDIATE")
        values = (version, interaction["owner"], invitee, invitee and until, json.dumps(interaction), ID, version - 1)
        if not execute(sql.NEXT_VERSION, values).rowcount:
            raise RuntimeError("somebody else was faster")
        if invitee is not None:
            [[taken, left]] = execute(sql.CHECK_CLAIM, (invitee, invitee, until, invitee))
            if taken > PLENTY or left:
                raise RuntimeError("has no place for it")
        execute(sql.KEEP_REQUEST, (request["id"], ID, invitee is not None, until, json.dumps(request)))
        ticket = request["invitation"]["id"]
        if not execute(sql.KEEP_TICKET, (ticket, request["id"])).rowcount:
            execute(sql.TICKET, (ticket,)).fetchone()
        self._connection.executemany(sql.ADD_EVENT, [(ID, json.dumps(event)) for event in events])
        self._connection.executemany(sql.COUNT_CHANGE, [(agent_id, agent_id, ID, None) for agent_id in self._pair])
        execute("COMMIT")


def run(rounds: int) -> str:
    """Compare, and tell it in a table."""
    with TemporaryDirectory() as folder, ExitStack() as opened:
        contenders = {name: make(Path(folder), opened) for name, make in CONTENDERS.items()}
        for contender in contenders.values():
            times(WARM_UP, contender.transfer)()
        jobs = {name: times(TRANSFERS, contender.transfer) for name, contender in contenders.items()}
        seconds = interleave("sqlite", jobs, rounds=rounds, tidy=True)
        for contender in contenders.values():
            contender.check()
    rows = [
        (name, f"{Spread.of(spent).median / TRANSFERS * 1e6:.1f}", *ratios(spent, seconds[BY_HAND]).cells())
        for name, spent in seconds.items()
    ]
    title = f"sqlite: one complete transfer, recorded and synchronised ({rounds} rounds of {TRANSFERS})"
    factor = ratios(seconds[LIBRARY], seconds[BY_HAND]).median
    verdict = f"target: at most {TARGET} times what is written by hand; it is {factor:.2f}\n"
    return table(title, ("", "median µs", "to by hand", "min", "max"), rows) + verdict


def _library(folder: Path, opened: ExitStack) -> Contender:
    return Recorded(opened.enter_context(SqliteStore(folder / "library.db")))


def _by_hand(folder: Path, opened: ExitStack) -> Contender:
    path = folder / "by-hand.db"
    SqliteStore(path).close()  # the same tables
    connection = sqlite3.connect(path, isolation_level=None)
    opened.callback(connection.close)
    connection.execute("PRAGMA synchronous = FULL")
    return ByHand(connection)


CONTENDERS: Final[dict[str, Callable[[Path, ExitStack], Contender]]] = {BY_HAND: _by_hand, LIBRARY: _library}
"""Each is given a folder, and a stack that closes what it opens."""


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _new_id(kind: str) -> str:
    return f"{kind}-{os.urandom(16).hex()}"
