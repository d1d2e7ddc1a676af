"""Blocking ports where async ones are wanted: each method is a coroutine that has the blocking one called.

How it is called is said by a strategy: `at_once` calls it in place, for what never waits, such as a store in memory;
`in_threads` has a thread call it, so that an event loop need not wait for a database.

    service = AsyncTransferService(AwaitableStore(SqliteStore(path)), gateway=AwaitableGateway(provider))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Contact, Message, TransferRequest
from sms_transfer.ports import (
    AsyncMessaging,
    ContactGateway,
    Directory,
    EventPage,
    Facts,
    JoinsTransaction,
    Messaging,
    RingsOnCommit,
    Subscription,
    TransferStore,
)

P = ParamSpec("P")
R = TypeVar("R")


class Strategy(Protocol):
    """How a blocking method is called by a coroutine."""

    def __call__(self, method: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Have it called with these arguments; await what it returns or raises."""
        ...


async def at_once(method: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call it here and now: for what never waits, and wherever there is no event loop to keep waiting."""
    return method(*args, **kwargs)


async def in_threads(method: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Have one of the event loop's threads call it.

    A call that has begun goes on to its end although whoever awaits it is cancelled. The loop has a few dozen threads
    at most: what hangs keeps one of them, so it must come back in bounded time.
    """
    from asyncio import to_thread  # noqa: PLC0415 - slow to import, and whoever has no event loop does without

    return await to_thread(method, *args, **kwargs)


class AwaitableDirectory:
    """An `AsyncDirectory` made of a `Directory`."""

    def __init__(self, directory: Directory, strategy: Strategy = in_threads) -> None:
        self._directory = directory
        self._call = strategy

    async def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return await self._call(self._directory.agents, ids)

    async def add_agent(self, agent: Agent) -> None:
        await self._call(self._directory.add_agent, agent)

    async def replace_agent(self, known: Agent, agent: Agent) -> None:
        await self._call(self._directory.replace_agent, known, agent)


class AwaitableMessaging:
    """An `AsyncMessaging` made of a `Messaging`."""

    def __init__(self, messaging: Messaging, strategy: Strategy = in_threads) -> None:
        self._messaging = messaging
        self._call = strategy

    async def ring(self, agent_ids: Collection[str]) -> None:
        await self._call(self._messaging.ring, agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        return self._messaging.listen(agent_id, wake)


class AwaitableGateway:
    """An `AsyncContactGateway` made of a `ContactGateway`."""

    def __init__(self, gateway: ContactGateway, strategy: Strategy = in_threads) -> None:
        self._gateway = gateway
        self._call = strategy

    async def send(self, message: Message, contact: Contact) -> None:
        await self._call(self._gateway.send, message, contact)


class AwaitableStore(AwaitableDirectory):
    """An `AsyncTransferStore` made of a `TransferStore`.

    It rings on commit and joins a transaction exactly if that store does.
    """

    doorbell: AsyncMessaging

    def __init__(self, store: TransferStore, strategy: Strategy = in_threads) -> None:
        super().__init__(store, strategy)
        self._store = store
        self._joins = store if isinstance(store, JoinsTransaction) else None
        if isinstance(store, RingsOnCommit):  # else there is no such attribute, and so it is no `AsyncRingsOnCommit`
            self.doorbell = AwaitableMessaging(store.doorbell, strategy)

    @property
    def joins_transaction(self) -> bool:
        return self._joins is not None and self._joins.joins_transaction

    async def read(self, need: Need, now: datetime) -> Facts:
        return await self._call(self._store.read, need, now)

    async def commit(self, decision: Decision) -> None:
        await self._call(self._store.commit, decision)

    async def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Desktop:
        return await self._call(self._store.desktop, agent_id, since=since, known=known)

    async def transfer(self, transfer_id: str) -> TransferRequest | None:
        return await self._call(self._store.transfer, transfer_id)

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return await self._call(self._store.transcript, interaction_id)

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        return await self._call(self._store.history, interaction_id)

    async def events(self, *, after: str | None, limit: int) -> EventPage:
        return await self._call(self._store.events, after=after, limit=limit)

    async def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        return await self._call(self._store.due, now, limit=limit)

    async def unsent(self, *, limit: int) -> tuple[str, ...]:
        return await self._call(self._store.unsent, limit=limit)

    async def next_unsent(self, interaction_id: str) -> Message | None:
        return await self._call(self._store.next_unsent, interaction_id)

    async def mark_sent(self, message_id: str) -> None:
        await self._call(self._store.mark_sent, message_id)

    async def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        return await self._call(self._store.mark_read, agent_id, message_id, read=read)

    async def delete_message(self, agent_id: str, message_id: str) -> bool:
        return await self._call(self._store.delete_message, agent_id, message_id)
