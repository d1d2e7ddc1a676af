"""The agents and queues of a SQLite file, and what they serve together.

Which agents of a target are asked next is kept beside who serves it (Q4), so that a look at ten thousand members costs
what one at ten does. Whatever changes an agent's record or places brings that up to date in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sms_transfer.adapters.records import (
    AgentRow,
    agent_row,
    agents_by_id,
    all_loaded,
    loaded,
    queue_row,
    stored_queue,
    target_key,
    target_of,
)
from sms_transfer.adapters.sqlite import statements as sql
from sms_transfer.adapters.sqlite.file import SqliteFile
from sms_transfer.adapters.sqlite.numbers import clamped
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Queue, Target, targets_of
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Roster

_IN_ORDER: Final = (ChannelStatus.READY, ChannelStatus.NOT_READY)
"""The statuses in which an agent can receive; who is Ready is asked first."""


class SqliteTeams:
    """A `Directory` and a `Teams` on one file."""

    _file: SqliteFile

    # the directory

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        """As `Directory.agents`."""
        with self._file.snapshot() as connection:
            found = [row for id_ in ids for row in connection.execute(sql.AGENT, (id_,))]
        return agents_by_id([(id_, body) for _, id_, body in found])

    def add_agent(self, agent: Agent) -> None:
        """As `Directory.add_agent`."""
        row = agent_row(agent)
        values = (row.id, row.has_left, row.status, clamped(row.capacity), row.body)
        with self._file.writing() as connection:
            if not connection.execute(sql.ADD_AGENT, values).rowcount:
                raise AlreadyExists(kind="agent", id=agent.id)
            _place(connection, row, last=True)  # some queue may have named them before
            connection.executemany(sql.ENROL, [(row.id, target) for target in row.targets])

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        """As `Directory.replace_agent`."""
        row = agent_row(agent)
        before, after = targets_of(known), targets_of(agent)
        with self._file.writing() as connection:
            kept = [(id_, body) for _, id_, body in connection.execute(sql.AGENT, (agent.id,))]
            # The records are compared, not their texts: an equal one may have been written in an older form.
            if agents_by_id(kept).get(agent.id) != known:
                raise Conflict(kind="agent", id=agent.id)
            values = (row.has_left, row.status, clamped(row.capacity), row.body, row.id)
            connection.execute(sql.REPLACE_AGENT, values)
            moved = (known.status, known.do_not_disturb) != (agent.status, agent.do_not_disturb)
            if moved or known.capacity != agent.capacity:
                _place(connection, row, last=moved)
            if before != after:
                connection.executemany(sql.LEAVE, [(row.id, target_key(target)) for target in before - after])
                connection.executemany(sql.ENROL, [(row.id, target_key(target)) for target in after - before])
            if known.name != agent.name or before != after:
                connection.execute(sql.FIND_ANEW, (row.id,))

    # what agents serve together

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        """As `Teams.queues`."""
        found = {target: rows[0] for target, rows in self._of_each(sql.QUEUE, targets).items() if rows}
        return {target: loaded(kept, Queue) for target, kept in found.items()}

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        """As `Teams.queue_names`."""
        return {target: rows[0][0] for target, rows in self._of_each(sql.QUEUE_LABEL, targets).items() if rows}

    def add_queue(self, queue: Queue) -> None:
        """As `Teams.add_queue`."""
        row = queue_row(queue)
        with self._file.writing() as connection:
            if not connection.execute(sql.ADD_QUEUE, (row.key, row.label, row.body)).rowcount:
                raise AlreadyExists(kind=queue.target.kind, id=queue.target.id)
            connection.executemany(sql.ENROL, [(agent_id, row.key) for agent_id in row.members])

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        """As `Teams.replace_queue`."""
        row = queue_row(queue)
        with self._file.writing() as connection:
            kept = connection.execute(sql.QUEUE, (row.key,)).fetchone()
            stored_queue(None if kept is None else kept[1], known)
            connection.execute(sql.REPLACE_QUEUE, (row.label, row.body, row.key))
            gone, new = known.members - queue.members, queue.members - known.members
            connection.executemany(sql.LEAVE, [(agent_id, row.key) for agent_id in gone])
            connection.executemany(sql.ENROL, [(agent_id, row.key) for agent_id in sorted(new)])

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        """As `Teams.members`."""
        return _in_order(self._find(sql.MEMBERS, target_key(target), clamped(limit)))

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        """As `Teams.able`."""
        key, limit = target_key(target), clamped(limit)
        found: list[tuple[str, str]] = []
        with self._file.snapshot() as connection:
            for status in [status for status in _IN_ORDER if status in statuses]:
                found += connection.execute(sql.ABLE, (key, status.value, limit - len(found)))
        return _in_order(found)

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        """As `Teams.ready`."""
        return {target: rows[0][0] for target, rows in self._of_each(sql.COUNT_READY, targets).items()}

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        """As `Teams.served_by`."""
        with self._file.snapshot() as connection:
            return frozenset([target_of(key) for id_ in agent_ids for (key,) in connection.execute(sql.SERVED, (id_,))])

    def roster(self, since: int | None) -> Roster:
        """As `Teams.roster`."""
        with self._file.snapshot() as connection:
            [[version]] = connection.execute(sql.ROSTER_VERSION)
            # SQLite commits one writer after the other: whoever sees a version sees all that is before it.
            complete = since is None or not 0 <= since <= version
            start = -1 if since is None or complete else since
            agents: list[tuple[str, str]] = []
            queues: list[tuple[str, str]] = []
            if start != version:
                agents = connection.execute(sql.AGENTS_FOUND, (start,)).fetchall()
                queues = connection.execute(sql.QUEUES_FOUND, (start,)).fetchall()
        return Roster(version=version, agents=_in_order(agents), queues=all_loaded(queues, Queue), complete=complete)

    def _find(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement."""
        with self._file.reading() as connection:
            return connection.execute(statement, values).fetchall()

    def _of_each(self, statement: str, targets: Iterable[Target]) -> dict[Target, list[Any]]:
        """The rows of one statement for each of these targets, all of it read at one instant."""
        with self._file.snapshot() as connection:
            return {target: connection.execute(statement, (target_key(target),)).fetchall() for target in targets}


def count_moved(connection: sqlite3.Connection, agent_ids: Iterable[str]) -> None:
    """The places of these agents may be others now: they have been idle since now (Q4)."""
    connection.executemany(sql.MOVED, [(id_, id_, id_, id_, id_) for id_ in agent_ids])


def _place(connection: sqlite3.Connection, row: AgentRow, *, last: bool) -> None:
    """Bring up to date whether an agent can receive; ``last``: they are the least idle now."""
    id_ = row.id
    connection.execute(sql.PLACE, (row.status, id_, id_, id_, id_, last, row.status, id_))


def _in_order(kept: list[tuple[str, str]]) -> tuple[Agent, ...]:
    return tuple(agents_by_id(kept).values())
