"""The blocking stores: a pool's connections, or one of the host application's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from sms_transfer.adapters.postgres.ask import Ask
from sms_transfer.adapters.postgres.asks import Asks
from sms_transfer.adapters.postgres.doorbell import Doorbell
from sms_transfer.adapters.postgres.faults import checked_encoding, out_of_pipeline, translated
from sms_transfer.adapters.postgres.schema import check_version, checked_name, migrate
from sms_transfer.adapters.postgres.statements import KEEP, SAVE, UNDO
from sms_transfer.adapters.records import stored_agent, stored_queue
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction, Message, Queue, Target, TransferRequest
from sms_transfer.errors import InvalidValue, StoreUnavailable, UnusableStore
from sms_transfer.ports import EventPage, Facts, Roster, Subscription

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds that a command waits for a connection of the pool's."""


CONNECTING: Final[dict[str, Any]] = {"autocommit": True, "client_encoding": "utf8"}
"""How the pool connects, beside what the user says."""


def checked_connections(connections: int) -> None:
    """Refuse a number of connections that is none.

    Raises:
        InvalidValue: it is not.
    """
    if type(connections) is not int or connections < 1:
        raise InvalidValue(field="connections", rule="must be a whole number, 1 or more")


class AskingStore(ABC):
    """A `TransferStore` over whatever performs its asks."""

    def __init__(self, schema: str) -> None:
        self.schema: Final = checked_name(schema)
        self._asks: Final = Asks(schema)

    @abstractmethod
    def _do(self, ask: Ask[T]) -> T:
        """Perform one ask, all or nothing."""

    # the directory

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return self._do(self._asks.agents(ids))

    def add_agent(self, agent: Agent) -> None:
        self._do(self._asks.add_agent(agent))

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        body = self._do(self._asks.agent_body(known.id))
        self._do(self._asks.replace_agent(stored_agent(body, known), known, agent))

    # what agents serve together

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        return self._do(self._asks.queues(targets))

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        return self._do(self._asks.queue_names(targets))

    def add_queue(self, queue: Queue) -> None:
        self._do(self._asks.add_queue(queue))

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        body = self._do(self._asks.queue_body(known.target))
        self._do(self._asks.replace_queue(stored_queue(body, known), known, queue))

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        return self._do(self._asks.members(target, limit))

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        return self._do(self._asks.able(target, statuses, limit))

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        return self._do(self._asks.ready(targets))

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        return self._do(self._asks.served_by(agent_ids))

    def roster(self, since: int | None) -> Roster:
        return self._do(self._asks.roster(since))

    # one command

    def read(self, need: Need, now: datetime) -> Facts:
        return self._do(self._asks.read(need, now))

    def commit(self, decision: Decision) -> None:
        self._do(self._asks.commit(decision))

    # what is recorded

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        return self._do(self._asks.desktop(agent_id, since, known))

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        return self._do(self._asks.transfer(transfer_id))

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return self._do(self._asks.transcript(interaction_id))

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        return self._do(self._asks.history(interaction_id))

    def events(self, *, after: str | None, limit: int) -> EventPage:
        return self._do(self._asks.events(after, limit))

    # what time brings

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        return self._do(self._asks.due(now, limit))

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        return self._do(self._asks.unsent(limit))

    def next_unsent(self, interaction_id: str) -> Message | None:
        return self._do(self._asks.next_unsent(interaction_id))

    def mark_sent(self, message_id: str) -> None:
        self._do(self._asks.mark_sent(message_id))

    # who waits for an agent, and whom an agent asks often

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        return self._do(self._asks.loads(agent_ids, now))

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        return self._do(self._asks.waiting(targets, after, limit))

    def waiting_targets(self) -> frozenset[Target]:
        return self._do(self._asks.waiting_targets())

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        return self._do(self._asks.waiting_counts(targets))

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        return self._do(self._asks.favourites(agent_id))

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        self._do(self._asks.mark_favourite(agent_id, target, favourite=favourite))

    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        return self._do(self._asks.recents(agent_id, limit=limit))

    # My Messages

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        return self._do(self._asks.mark_read(agent_id, message_id, read=read))

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        return self._do(self._asks.delete_message(agent_id, message_id))


class PostgresStore(AskingStore):
    """A `TransferStore` in PostgreSQL, with a pool of connections of its own and a doorbell.

    Every commit rings the doorbell as it becomes visible (``NOTIFY``), in every process that listens. Rings can be lost
    while a listening connection is away; when it is back every listener is woken, and `TransferService.tick` looks too.

    Args:
        conninfo: where the database is, in libpq's words, such as ``"postgresql://host/database"``.
        schema: the name of the schema that everything lives in.
        create: whether to make the schema, or bring it up to date, now. Otherwise it must be: see `migrate`.
        connections: how many there are, at most. One more listens, once somebody does.

    Raises:
        InvalidValue: ``conninfo`` is not in libpq's words, or ``schema`` or ``connections`` cannot be what they are.
        UnusableStore: the schema is not there, is newer than this code, or holds something else; or the database does
            not keep every character (its encoding must be UTF-8).
        StoreUnavailable: the database cannot be reached.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "sms_transfer",
        create: bool = True,
        connections: int = 10,
    ) -> None:
        super().__init__(schema)
        checked_connections(connections)
        if create:
            migrate(conninfo, schema=schema)
        else:
            check_version(conninfo, schema=schema)
        self._pool = ConnectionPool(
            conninfo,
            min_size=1,
            max_size=connections,
            timeout=PATIENCE,
            reconnect_timeout=PATIENCE,  # or it would try ever more seldom, and be away for as long again
            kwargs=CONNECTING,
            name="sms-transfer",
            open=True,
        )
        with translated():
            self._pool.wait(PATIENCE)
        self.doorbell: Final[Doorbell] = Doorbell(conninfo, schema, ring=self._notify)
        """Wakes the listeners of every process; rung by commits."""

    def close(self) -> None:
        """Give back every connection; may be called twice."""
        try:
            self.doorbell.close()
        finally:
            self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _notify(self, agent_ids: Collection[str]) -> None:
        self._do(self._asks.ring(agent_ids))

    def _do(self, ask: Ask[T]) -> T:
        try:
            with translated(), self._pool.connection() as connection:
                found = connection.execute(ask.statement, ask.params, prepare=True).fetchall()
        except StoreUnavailable:
            self._pool.check()  # others may be gone too: do not give each of them to somebody
            raise
        return ask.answer(found)


class PostgresTransaction(AskingStore):
    """A `TransferStore` inside the host application's own transaction.

    What is committed through it becomes final when, and only if, the host's transaction does; it is undone with the
    host's data. A command that is refused, or beaten by another one, undoes what it did itself and nothing of the
    host's. Make one, and a `TransferService` on it, for each transaction; connect workspaces, and `tick`, elsewhere.

    Interactions and desks that were changed stay locked until the transaction ends, so it should be short.

    Args:
        connection: the host's; in a transaction, or not in autocommit mode so that the first statement begins one.
        schema: the name of the schema that everything lives in, made by `migrate`.

    Raises:
        InvalidValue: the schema's name cannot be one.
        UnusableStore: the connection's encoding is not UTF-8. Later: it is in pipeline mode, or in no transaction.
    """

    def __init__(self, connection: psycopg.Connection[Any], *, schema: str = "sms_transfer") -> None:
        super().__init__(schema)
        checked_encoding(connection)
        self._connection = connection
        self.doorbell: Final = TransactionDoorbell(self._notify)

    @property
    def joins_transaction(self) -> bool:
        """It does."""
        return True

    def events(self, *, after: str | None, limit: int) -> EventPage:  # noqa: ARG002 - the port's signature
        """Not here.

        Raises:
            UnusableStore: always: places in the feed that were given in a transaction could be taken back.
        """
        raise no_feed()

    def _notify(self, agent_ids: Collection[str]) -> None:
        self._do(self._asks.ring(agent_ids))

    def _do(self, ask: Ask[T]) -> T:
        # Not `Connection.transaction`: where the host has run nothing yet, that would commit at its end.
        # Not `Connection.cursor`: the host may have cursors of another kind.
        out_of_pipeline(self._connection)
        with translated(), psycopg.Cursor(self._connection, row_factory=tuple_row) as cursor:
            cursor.execute(SAVE)
            try:
                found = cursor.execute(ask.statement, ask.params).fetchall()
            except BaseException:
                cursor.execute(UNDO)
                cursor.execute(KEEP)
                raise
            cursor.execute(KEEP)
        return ask.answer(found)


class TransactionDoorbell:
    """The doorbell of a `PostgresTransaction`: rings when the host commits, and is listened to elsewhere."""

    def __init__(self, ring: Callable[[Collection[str]], None]) -> None:
        self._ring = ring

    def ring(self, agent_ids: Collection[str]) -> None:
        self._ring(agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:  # noqa: ARG002 - the port's signature
        """Not here.

        Raises:
            UnusableStore: always; a workspace is connected to a service on a `PostgresStore`.
        """
        raise not_to_be_listened_to()


def no_feed() -> UnusableStore:
    """What whoever reads the feed inside a transaction is told."""
    return UnusableStore(detail="the feed cannot be read in a transaction; read it from a service on a store")


def not_to_be_listened_to() -> UnusableStore:
    """What whoever listens inside a transaction is told."""
    return UnusableStore(detail="a transaction cannot be listened to; connect workspaces to a service on a store")
