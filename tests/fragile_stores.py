"""Stores of which each breaks one promise: whoever checks stores must find that out.

They open what is there: a sound store has made the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from time import sleep
from typing import Final

import attrs
from psycopg import sql as pg

from sms_transfer import Conflict, Message
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.postgres.ask import Ask
from sms_transfer.adapters.records import rows
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.adapters.sqlite import statements as sql
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.ports import Facts

SLOW: Final = 0.002
"""Seconds between two transactions that should be one: as a machine that is busy would bring."""


class EventsApart(SqliteStore):
    """Records the events in a second transaction (F6)."""

    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, events=()))
        kept = rows(decision)
        sleep(SLOW)
        with self._file.writing() as connection:
            connection.executemany(sql.ADD_EVENT, [(kept.id, event) for event in kept.events])


class WritesBehind(SqliteStore):
    """Says that a commit is done, and does it when somebody reads (F6)."""

    _pending: Decision | None = None

    def commit(self, decision: Decision) -> None:
        self._catch_up()
        self._pending = decision

    def read(self, need: Need, now: datetime) -> Facts:
        self._catch_up()
        return super().read(need, now)

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        self._catch_up()
        return super().desktop(agent_id, since=since, known=known)

    def _catch_up(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            with suppress(Conflict):  # it has been acknowledged: nobody is left to be told
                super().commit(pending)


class MarksFirst(SqliteStore):
    """Takes a text for sent when it hands it out, so one is lost if the gateway does not take it (F6)."""

    def next_unsent(self, interaction_id: str) -> Message | None:
        message = super().next_unsent(interaction_id)
        if message is not None:
            self.mark_sent(message.id)
        return message


class LastWins(SqliteStore):
    """Takes any version for the one that was decided upon (F1)."""

    def commit(self, decision: Decision) -> None:
        interaction = decision.interaction
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE interaction SET version = ? WHERE id = ?", (interaction.version - 1, interaction.id)
            )
        super().commit(decision)


class RequestsApart(PostgresStore):
    """Records what becomes of requests in a second transaction (F3, F4), and their keys not at all (F5)."""

    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, requests=(), key=None))
        schema = pg.Identifier(self._asks.channel)
        statement = pg.SQL("SELECT {s}.keep_transfer(" + ", ".join(["%s"] * 11) + ")").format(s=schema)
        kept = rows(decision)
        sleep(SLOW)
        for request in kept.transfers:
            values = (
                *(kept.id, request.id, request.ticket, request.live, request.due_at, request.sender, request.target),
                *(request.waits_for, -request.priority, request.requested_at, request.body),
            )
            self._do(Ask(statement, values, lambda _: None))


STORES: Final[Mapping[str, Callable[[str, str, int], SqliteStore | PostgresStore]]] = {
    # Half of the sound ones do not wait for the disk: what is committed must outlive the process all the same.
    "sqlite": lambda place, _, seed: SqliteStore(place, durable=seed % 2 == 0),
    "postgres": lambda place, schema, _: PostgresStore(place, schema=schema, create=False, connections=2),
    "events apart": lambda place, _, seed: EventsApart(place, durable=seed % 2 == 0),
    "writes behind": lambda place, _, seed: WritesBehind(place, durable=seed % 2 == 0),
    "marks first": lambda place, _, seed: MarksFirst(place, durable=seed % 2 == 0),
    "last wins": lambda place, _, seed: LastWins(place, durable=seed % 2 == 0),
    "requests apart": lambda place, schema, _: RequestsApart(place, schema=schema, create=False, connections=2),
}
"""Opens a store by its name: a file or where the server is, the schema, and a number that makes a difference."""
