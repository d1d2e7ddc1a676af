"""`SqliteStore`: a `TransferStore` on one SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from sms_transfer.adapters.records import (
    Rows,
    TransferRow,
    all_loaded,
    facts,
    loaded,
    loaded_interaction,
    rows,
    target_key,
    target_of,
)
from sms_transfer.adapters.sqlite import statements as sql
from sms_transfer.adapters.sqlite.desktop import find
from sms_transfer.adapters.sqlite.file import SqliteFile
from sms_transfer.adapters.sqlite.numbers import LARGEST, clamped, microseconds
from sms_transfer.adapters.sqlite.schema import bring_up_to_date
from sms_transfer.adapters.sqlite.teams import SqliteTeams, count_moved
from sms_transfer.core.check import check_span, untrusted
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Interaction, Message, Target, TransferRequest
from sms_transfer.errors import AlreadyExists, Conflict, InvalidValue
from sms_transfer.ports import EventPage, Facts

_PATIENCE: Final = timedelta(seconds=5)
_CURSOR_DIGITS: Final = 19
"""A cursor has fewer: more events than that there never are, and what is longer is none of ours."""

_Turn = tuple[int, int, str]
"""When a request is routed (Q3), as SQLite keeps it: the least first."""
_BEFORE_ALL: Final[_Turn] = (-LARGEST - 1, 0, "")


class SqliteStore(SqliteTeams):
    """A `TransferStore` on one file, for any number of threads and of processes on one machine.

    What a command returned from is on the disk: it outlives the process, and with ``durable`` a loss of power too. Use
    it as a context manager, or close it: then, and not before, its connections are gone. It may be carried across a
    fork. The file must be on a local disk: file systems of a network do not keep SQLite's locks.

    Args:
        path: the file; made if there is none. Beside it SQLite keeps two more, with ``-wal`` and ``-shm`` in their
            names, which belong to it.
        durable: whether each commit waits for the disk. Without it a loss of power can undo the last commits, but
            never a part of one.
        patience: how long to wait for other writers before `StoreUnavailable`.

    Raises:
        InvalidValue: the path is none of a file.
        UnusableStore: the file is another program's, of a later version of this library, or cannot be written.
        StoreUnavailable: it stays locked.
    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True, patience: timedelta = _PATIENCE) -> None:
        check_span("patience", patience)
        self._file = SqliteFile(
            _absolute(path), durable=durable, patience=patience.total_seconds(), prepare=bring_up_to_date
        )

    def close(self) -> None:
        """Close the file; every later call raises `UnusableStore`. May be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # one command

    def read(self, need: Need, now: datetime) -> Facts:
        parts: list[str]
        values: list[object]
        if need.interaction_id is not None:
            parts, values = [sql.INTERACTION], [need.interaction_id]
        elif need.invitation_id is not None:
            parts, values = [sql.BY_TICKET], [need.invitation_id] * 2
        else:
            parts, values = [sql.BY_TRANSFER], [need.transfer_id] * 2
        parts += [sql.ANY_WAITS] + [sql.AGENT] * len(need.agents)
        values += need.agents
        if need.load_of is not None:
            parts.append(sql.LOAD)
            values += (need.load_of, need.load_of, need.load_of, microseconds(now))
        if need.message_id is not None:
            parts.append(sql.MESSAGE)
            values.append(need.message_id)
        if need.key is not None:
            parts.append(sql.REPEATED)
            values += need.key
        with self._file.glancing() as connection:
            found = connection.execute(" UNION ALL ".join(parts), values).fetchall()
        return _facts(found)

    def commit(self, decision: Decision) -> None:
        kept = rows(decision)
        with self._file.writing() as connection:
            _keep_interaction(connection, kept)
            if kept.key is not None and not connection.execute(sql.USE_KEY, (*kept.key, kept.request_id)).rowcount:
                raise Conflict(kind="key", id=kept.key[1])
            for text in kept.texts:
                values = (text.id, kept.id, kept.id, text.outbound, text.body)
                if not connection.execute(sql.ADD_TEXT, values).rowcount:
                    raise Conflict(kind="message", id=text.id)
            if kept.claim is not None:
                _check_claim(connection, kept.claim)
            for request in kept.transfers:
                _keep_request(connection, kept.id, request)
            connection.executemany(sql.ADD_EVENT, [(kept.id, event) for event in kept.events])
            if any(text.outbound for text in kept.texts):
                connection.execute(sql.WAIT, (kept.id,))
            _count_changes(connection, kept)
            count_moved(connection, kept.moved)

    # what is recorded

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        with self._file.snapshot() as connection:
            found = find(connection, agent_id, since, known)
        return found.desktop()

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        found = self._find(sql.TRANSFER, transfer_id)
        return loaded(found[0], TransferRequest) if found else None

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return all_loaded(self._find(sql.TEXTS, interaction_id, 0), Message)

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        return all_loaded(self._find(sql.HISTORY, interaction_id), Event)

    def events(self, *, after: str | None, limit: int) -> EventPage:
        # A position can be a cursor here, because SQLite commits one writer after the other: whoever sees an event
        # sees all those with a lower position. In a database whose writers commit side by side it could not.
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) < _CURSOR_DIGITS):
            raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
        start = 0 if after is None else int(after)
        with self._file.snapshot() as connection:
            [[end]] = connection.execute(sql.FEED_END)
            if start > end:  # it was never handed out: another store's, perhaps
                raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
            found = connection.execute(sql.FEED, (start, clamped(limit))).fetchall()
        events = all_loaded([(id_, body) for _, id_, body in found], Event)
        return EventPage(events=events, cursor=str(found[-1][0] if found else start))

    # what time brings

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        return tuple([id_ for (id_,) in self._find(sql.DUE, microseconds(now), clamped(limit))])

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        limit = clamped(limit)
        if len(named := self._find(sql.UNSENT, limit)) < limit:
            return tuple([id_ for (id_,) in named])  # all there are: nobody is passed over, and nothing to write
        with self._file.writing() as connection:
            named = connection.execute(sql.UNSENT, (limit,)).fetchall()
            connection.executemany(sql.TO_THE_END, named)  # one that is never taken must not hold up the others
        return tuple([id_ for (id_,) in named])

    def next_unsent(self, interaction_id: str) -> Message | None:
        found = self._find(sql.NEXT_UNSENT, interaction_id)
        return loaded(found[0], Message) if found else None

    def mark_sent(self, message_id: str) -> None:
        with self._file.writing() as connection:
            if connection.execute(sql.MARK_SENT, (message_id,)).rowcount:
                connection.execute(sql.STOP_WAITING, (message_id,))

    # who waits for an agent

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        at = microseconds(now)
        with self._file.snapshot() as connection:
            found = [(id_, connection.execute(sql.LOAD, (id_, id_, id_, at)).fetchone()) for id_ in agent_ids]
        return {id_: load for id_, (_, _, load) in found}

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        behind = _BEFORE_ALL if after is None or after.transfer is None else _turn_of(after.transfer)
        limit = clamped(limit)
        turns: list[_Turn] = []
        with self._file.snapshot() as connection:
            for target in set(targets):
                turns += connection.execute(sql.LINE, (target_key(target), *behind, limit))
            turns.sort()
            found = [connection.execute(sql.WAITS, (id_,)).fetchone() for _, _, id_ in turns[:limit]]
        return tuple([loaded_interaction(kept) for kept in found])

    def waiting_targets(self) -> frozenset[Target]:
        return frozenset([target_of(key) for (key,) in self._find(sql.WAITED_FOR)])

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        return {target: rows[0][0] for target, rows in self._of_each(sql.COUNT_WAITING, targets).items()}

    # whom an agent asks often

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        return tuple([target_of(key) for (key,) in self._find(sql.FAVOURITES, agent_id)])

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        key = target_key(target)
        with self._file.writing() as connection:
            if favourite:
                connection.execute(sql.MARK_FAVOURITE, (agent_id, agent_id, key))
            else:
                connection.execute(sql.UNMARK_FAVOURITE, (agent_id, key))

    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        return tuple([target_of(key) for (key,) in self._find(sql.RECENTS, agent_id, clamped(limit))])

    # My Messages

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        with self._file.writing() as connection:
            found = connection.execute(sql.ENTRY_MARK, (agent_id, message_id)).fetchone()
            if found is None:
                return False
            if bool(found[0]) is not read:
                connection.execute(sql.MARK_ENTRY, (read, agent_id, message_id))
                connection.execute(sql.COUNT_CHANGE, (agent_id, agent_id, None, message_id))
        return True

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        with self._file.writing() as connection:
            if not connection.execute(sql.DELETE_ENTRY, (agent_id, message_id)).rowcount:
                return False
            connection.execute(sql.COUNT_CHANGE, (agent_id, agent_id, None, message_id))
        return True


def _absolute(path: str | os.PathLike[str]) -> str:
    given = untrusted(path)
    name = os.fspath(path) if isinstance(given, str | os.PathLike) else None
    if not isinstance(untrusted(name), str) or not name or "\0" in name:
        raise InvalidValue(field="path", rule="must be that of a file")
    if name == ":memory:":  # every connection would have a database of its own
        raise InvalidValue(field="path", rule="must be that of a file; for memory there is MemoryStore")
    return str(Path(name).absolute())  # the same file, wherever the process goes


def _facts(found: list[tuple[str, str, Any]]) -> Facts:
    by_kind = {kind: (id_, body) for kind, id_, body in found}
    return facts(
        interaction=by_kind.get("interaction"),
        request=by_kind.get("request"),
        load=by_kind["load"][1] if "load" in by_kind else 0,
        message=by_kind.get("message"),
        repeated=by_kind.get("repeated"),
        agents=[(id_, body) for kind, id_, body in found if kind == "agent"],
        waiting=bool(by_kind["waits"][1]),
    )


def _keep_interaction(connection: sqlite3.Connection, kept: Rows) -> None:
    """Make or replace it, if what is recorded is the version before (F1, F7)."""
    until = None if kept.offered_until is None else microseconds(kept.offered_until)
    version = min(kept.version, LARGEST)
    values = (version, kept.holder, kept.kept_for, kept.invitee, until, kept.body, kept.id)
    if version == 1:
        done = connection.execute(sql.FIRST_VERSION, values)
    else:
        done = connection.execute(sql.NEXT_VERSION, (*values, version - 1))
    if not done.rowcount:
        raise Conflict(kind="interaction", id=kept.id)


def _check_claim(connection: sqlite3.Connection, claim: Claim) -> None:
    """Refuse a place that there is not (E3): the interaction is recorded already, so its own places are counted."""
    values = (claim.agent_id, claim.agent_id, claim.agent_id, microseconds(claim.at), claim.agent_id)
    [[taken, left]] = connection.execute(sql.CHECK_CLAIM, values)
    if taken > claim.limit or (claim.invites and left):  # T9
        raise Conflict(kind="agent", id=claim.agent_id)


def _rank(priority: int) -> int:
    return -min(priority, LARGEST)


def _turn_of(request: TransferRequest) -> _Turn:
    return (_rank(request.priority), microseconds(request.requested_at), request.id)


def _keep_request(connection: sqlite3.Connection, interaction_id: str, request: TransferRow) -> None:
    values = (
        request.id,
        interaction_id,
        request.live,
        microseconds(request.due_at),
        request.waits_for,
        _rank(request.priority),
        microseconds(request.requested_at),
        request.sender,
        request.target,
        request.body,
    )
    if not connection.execute(sql.KEEP_REQUEST, values).rowcount:
        raise AlreadyExists(kind="transfer", id=request.id)
    if request.ticket is None or connection.execute(sql.KEEP_TICKET, (request.ticket, request.id)).rowcount:
        return
    [[transfer_id]] = connection.execute(sql.TICKET, (request.ticket,))
    if transfer_id != request.id:
        raise AlreadyExists(kind="invitation", id=request.ticket)


def _count_changes(connection: sqlite3.Connection, kept: Rows) -> None:
    """Count a change for every agent concerned, and keep what they are told."""
    if kept.entries:
        connection.executemany(
            sql.KEEP_ENTRY, [(entry.agent_id, entry.id, entry.read, entry.body) for entry in kept.entries]
        )
    told = {entry.agent_id: entry.id for entry in kept.entries}
    connection.executemany(
        sql.COUNT_CHANGE, [(agent_id, agent_id, kept.id, told.get(agent_id)) for agent_id in kept.concerned]
    )
