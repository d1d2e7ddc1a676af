"""The awaitable stores: a pool's connections, or one of the host application's."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from sms_transfer.adapters.postgres.ask import Ask
from sms_transfer.adapters.postgres.asks import Asks
from sms_transfer.adapters.postgres.blocking import (
    CONNECTING,
    PATIENCE,
    checked_connections,
    no_feed,
    not_to_be_listened_to,
)
from sms_transfer.adapters.postgres.doorbell import AsyncDoorbell
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
from sms_transfer.errors import StoreUnavailable, UnusableStore
from sms_transfer.ports import EventPage, Facts, Roster, Subscription

T = TypeVar("T")


class AsyncAskingStore(ABC):
    """An `AsyncTransferStore` over whatever performs its asks."""

    def __init__(self, schema: str) -> None:
        self.schema: Final = checked_name(schema)
        self._asks: Final = Asks(schema)

    @abstractmethod
    async def _do(self, ask: Ask[T]) -> T:
        """Perform one ask, all or nothing."""

    # the directory

    async def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return await self._do(self._asks.agents(ids))

    async def add_agent(self, agent: Agent) -> None:
        await self._do(self._asks.add_agent(agent))

    async def replace_agent(self, known: Agent, agent: Agent) -> None:
        body = await self._do(self._asks.agent_body(known.id))
        await self._do(self._asks.replace_agent(stored_agent(body, known), known, agent))

    # what agents serve together

    async def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        return await self._do(self._asks.queues(targets))

    async def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        return await self._do(self._asks.queue_names(targets))

    async def add_queue(self, queue: Queue) -> None:
        await self._do(self._asks.add_queue(queue))

    async def replace_queue(self, known: Queue, queue: Queue) -> None:
        body = await self._do(self._asks.queue_body(known.target))
        await self._do(self._asks.replace_queue(stored_queue(body, known), known, queue))

    async def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        return await self._do(self._asks.members(target, limit))

    async def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        return await self._do(self._asks.able(target, statuses, limit))

    async def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        return await self._do(self._asks.ready(targets))

    async def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        return await self._do(self._asks.served_by(agent_ids))

    async def roster(self, since: int | None) -> Roster:
        return await self._do(self._asks.roster(since))

    # one command

    async def read(self, need: Need, now: datetime) -> Facts:
        return await self._do(self._asks.read(need, now))

    async def commit(self, decision: Decision) -> None:
        await self._do(self._asks.commit(decision))

    # what is recorded

    async def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Desktop:
        return await self._do(self._asks.desktop(agent_id, since, known))

    async def transfer(self, transfer_id: str) -> TransferRequest | None:
        return await self._do(self._asks.transfer(transfer_id))

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return await self._do(self._asks.transcript(interaction_id))

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        return await self._do(self._asks.history(interaction_id))

    async def events(self, *, after: str | None, limit: int) -> EventPage:
        return await self._do(self._asks.events(after, limit))

    # what time brings

    async def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        return await self._do(self._asks.due(now, limit))

    async def unsent(self, *, limit: int) -> tuple[str, ...]:
        return await self._do(self._asks.unsent(limit))

    async def next_unsent(self, interaction_id: str) -> Message | None:
        return await self._do(self._asks.next_unsent(interaction_id))

    async def mark_sent(self, message_id: str) -> None:
        await self._do(self._asks.mark_sent(message_id))

    # who waits for an agent, and whom an agent asks often

    async def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        return await self._do(self._asks.loads(agent_ids, now))

    async def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        return await self._do(self._asks.waiting(targets, after, limit))

    async def waiting_targets(self) -> frozenset[Target]:
        return await self._do(self._asks.waiting_targets())

    async def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        return await self._do(self._asks.waiting_counts(targets))

    async def favourites(self, agent_id: str) -> tuple[Target, ...]:
        return await self._do(self._asks.favourites(agent_id))

    async def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        await self._do(self._asks.mark_favourite(agent_id, target, favourite=favourite))

    async def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        return await self._do(self._asks.recents(agent_id, limit=limit))

    # My Messages

    async def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        return await self._do(self._asks.mark_read(agent_id, message_id, read=read))

    async def delete_message(self, agent_id: str, message_id: str) -> bool:
        return await self._do(self._asks.delete_message(agent_id, message_id))


class AsyncPostgresStore(AsyncAskingStore):
    """As `PostgresStore`, for `AsyncTransferService`.

    It connects when it is first asked for something, or at ``async with``; close it in the event loop it was used in.
    Its arguments, and what it raises once it is asked for something, are those of `PostgresStore`.
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
        self._prepare: Final = partial(migrate if create else check_version, conninfo, schema=schema)
        self._make_pool: Final = partial(
            AsyncConnectionPool[psycopg.AsyncConnection[Any]],
            conninfo,
            min_size=1,
            max_size=connections,
            timeout=PATIENCE,
            reconnect_timeout=PATIENCE,  # or it would try ever more seldom, and be away for as long again
            kwargs=CONNECTING,
            name="sms-transfer",
            open=False,
        )
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None
        self._changing = asyncio.Lock()
        self._closed = False
        self.doorbell: Final = AsyncDoorbell(conninfo, schema, ring=self._notify)
        """Wakes the listeners of every process; rung by commits."""

    async def open(self) -> None:
        """Connect, and make the schema or bring it up to date; done by itself when it is first needed.

        One that fails, or is cancelled, leaves nothing open, and the next one tries again.
        """
        await self._open()

    async def _open(self) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
        async with self._changing:
            if self._closed:
                raise UnusableStore(detail="it is closed")
            if self._pool is None:
                await asyncio.to_thread(self._prepare)  # once in a store's life: not worth a second way to write it
                self._pool = await self._opened_pool()
            return self._pool

    async def _opened_pool(self) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
        pool = self._make_pool()
        try:
            with translated():
                await pool.open(wait=True, timeout=PATIENCE)
        except BaseException:  # a pool that was not opened whole can never be
            await asyncio.shield(pool.close())
            raise
        return pool

    async def close(self) -> None:
        """Give back every connection, for good; may be called twice."""
        self._closed = True
        await self.doorbell.close()
        async with self._changing:
            pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _notify(self, agent_ids: Collection[str]) -> None:
        await self._do(self._asks.ring(agent_ids))

    async def _do(self, ask: Ask[T]) -> T:
        pool = self._pool or await self._open()
        try:
            with translated():
                async with pool.connection() as connection:
                    found = await (await connection.execute(ask.statement, ask.params, prepare=True)).fetchall()
        except StoreUnavailable:
            await pool.check()  # others may be gone too: do not give each of them to somebody
            raise
        return ask.answer(found)


class AsyncPostgresTransaction(AsyncAskingStore):
    """As `PostgresTransaction`, for `AsyncTransferService` and the host's `psycopg.AsyncConnection`."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, schema: str = "sms_transfer") -> None:
        super().__init__(schema)
        checked_encoding(connection)
        self._connection = connection
        self.doorbell: Final = AsyncTransactionDoorbell(self._notify)

    @property
    def joins_transaction(self) -> bool:
        """It does."""
        return True

    async def events(self, *, after: str | None, limit: int) -> EventPage:  # noqa: ARG002 - the port's signature
        """Not here. Raises like `PostgresTransaction.events`."""
        raise no_feed()

    async def _notify(self, agent_ids: Collection[str]) -> None:
        await self._do(self._asks.ring(agent_ids))

    async def _do(self, ask: Ask[T]) -> T:
        out_of_pipeline(self._connection)
        with translated():
            async with psycopg.AsyncCursor(self._connection, row_factory=tuple_row) as cursor:
                await cursor.execute(SAVE)
                try:
                    found = await (await cursor.execute(ask.statement, ask.params)).fetchall()
                except BaseException:  # the host's task may have been cancelled, too
                    await asyncio.shield(_undo(cursor))
                    raise
                await cursor.execute(KEEP)
        return ask.answer(found)


async def _undo(cursor: psycopg.AsyncCursor[tuple[Any, ...]]) -> None:
    await cursor.execute(UNDO)
    await cursor.execute(KEEP)


class AsyncTransactionDoorbell:
    """The doorbell of an `AsyncPostgresTransaction`: rings when the host commits, and is listened to elsewhere."""

    def __init__(self, ring: Callable[[Collection[str]], Awaitable[None]]) -> None:
        self._ring = ring

    async def ring(self, agent_ids: Collection[str]) -> None:
        await self._ring(agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:  # noqa: ARG002 - the port's signature
        """Not here.

        Raises:
            UnusableStore: always; a workspace is connected to a service on an `AsyncPostgresStore`.
        """
        raise not_to_be_listened_to()
