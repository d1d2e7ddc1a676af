"""`AsyncStoreConformance`: the suite of a store whose methods are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import closing
from datetime import datetime
from threading import Thread
from typing import Final, Protocol, TypeVar, runtime_checkable

import pytest

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Message, TransferRequest
from sms_transfer.ports import EventPage, Facts, Messaging, Subscription, TransferStore
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore
from sms_transfer.testing.conformance.store import StoreConformance

T = TypeVar("T")

_PATIENCE: Final = 60.0
"""Seconds for one call of a store that hangs."""


class AsyncStore(Protocol):
    """A `sms_transfer.ports.TransferStore` whose methods can be awaited."""

    def agents(self, ids: Collection[str]) -> Awaitable[Mapping[str, Agent]]:
        """As `sms_transfer.ports.Directory.agents`."""
        ...

    def add_agent(self, agent: Agent) -> Awaitable[None]:
        """As `sms_transfer.ports.Directory.add_agent`."""
        ...

    def replace_agent(self, known: Agent, agent: Agent) -> Awaitable[None]:
        """As `sms_transfer.ports.Directory.replace_agent`."""
        ...

    def read(self, need: Need, now: datetime) -> Awaitable[Facts]:
        """As `sms_transfer.ports.TransferStore.read`."""
        ...

    def commit(self, decision: Decision) -> Awaitable[None]:
        """As `sms_transfer.ports.TransferStore.commit`."""
        ...

    def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Awaitable[Desktop]:
        """As `sms_transfer.ports.TransferStore.desktop`."""
        ...

    def transfer(self, transfer_id: str) -> Awaitable[TransferRequest | None]:
        """As `sms_transfer.ports.TransferStore.transfer`."""
        ...

    def transcript(self, interaction_id: str) -> Awaitable[tuple[Message, ...]]:
        """As `sms_transfer.ports.TransferStore.transcript`."""
        ...

    def history(self, interaction_id: str) -> Awaitable[tuple[Event, ...]]:
        """As `sms_transfer.ports.TransferStore.history`."""
        ...

    def events(self, *, after: str | None, limit: int) -> Awaitable[EventPage]:
        """As `sms_transfer.ports.TransferStore.events`."""
        ...

    def due(self, now: datetime, *, limit: int) -> Awaitable[tuple[str, ...]]:
        """As `sms_transfer.ports.TransferStore.due`."""
        ...

    def unsent(self, *, limit: int) -> Awaitable[tuple[str, ...]]:
        """As `sms_transfer.ports.TransferStore.unsent`."""
        ...

    def next_unsent(self, interaction_id: str) -> Awaitable[Message | None]:
        """As `sms_transfer.ports.TransferStore.next_unsent`."""
        ...

    def mark_sent(self, message_id: str) -> Awaitable[None]:
        """As `sms_transfer.ports.TransferStore.mark_sent`."""
        ...

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> Awaitable[bool]:
        """As `sms_transfer.ports.TransferStore.mark_read`."""
        ...

    def delete_message(self, agent_id: str, message_id: str) -> Awaitable[bool]:
        """As `sms_transfer.ports.TransferStore.delete_message`."""
        ...


class AsyncDoorbell(Protocol):
    """A `sms_transfer.ports.Messaging` whose ``ring`` can be awaited."""

    def ring(self, agent_ids: Collection[str]) -> Awaitable[None]:
        """As `sms_transfer.ports.Messaging.ring`."""
        ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """As `sms_transfer.ports.Messaging.listen`; called in the loop."""
        ...


@runtime_checkable
class _Closes(Protocol):
    def close(self) -> Awaitable[None]: ...


@runtime_checkable
class _Rings(Protocol):
    @property
    def doorbell(self) -> AsyncDoorbell: ...


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="conformance-loop", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Call a function there, and wait for what it makes."""

        async def call() -> T:
            return await function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_PATIENCE)

    def call_plain(self, function: Callable[[], T]) -> T:
        """Call a function there that is no coroutine's."""

        async def call() -> T:
            return function()

        return self.call(call)

    def close(self) -> None:
        """End what is running there, and the thread."""
        self.call(_end_tasks)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


MakeAsyncStore = Callable[[], Awaitable[AsyncStore]]
ReopenAsyncStore = Callable[[AsyncStore], Awaitable[AsyncStore]]


class AsyncStoreConformance(StoreConformance):
    """What a store must do whose methods are coroutines: the tests of `StoreConformance`, not one written twice.

    Give it the fixture ``make_async_store``: a coroutine function that makes a new, empty store in the running event
    loop. Clean up in the fixture with ``loop.call``. For `Capability.DURABLE` and `Capability.MANY_HANDLES` also
    ``reopen_async_store``: a coroutine function that takes a store and opens another handle on the same data.
    ``close`` is a coroutine function too, and so is the ``ring`` of a ``doorbell``.
    """

    @pytest.fixture
    def loop(self) -> Generator[Loop]:
        """The event loop of one test, in a thread of its own."""
        with closing(Loop()) as loop:
            yield loop

    @pytest.fixture
    def make_async_store(self) -> MakeAsyncStore:
        """Each await makes a new, empty store; what it made is cleaned up in your fixture."""
        return pytest.fail(f"{type(self).__name__} needs a fixture make_async_store: a coroutine function")

    @pytest.fixture
    def reopen_async_store(self) -> ReopenAsyncStore:
        """Another handle on the data of the given store, which may be closed."""
        return pytest.fail(f"{type(self).__name__} needs a fixture reopen_async_store for what it declares")

    @pytest.fixture
    def make_store(self, loop: Loop, make_async_store: MakeAsyncStore) -> MakeStore:
        """Made in the loop, and driven from here."""
        return lambda: BlockingStore(loop, loop.call(make_async_store))

    @pytest.fixture
    def reopen_store(self, loop: Loop, reopen_async_store: ReopenAsyncStore) -> ReopenStore:
        """Likewise."""

        def reopen(store: TransferStore) -> TransferStore:
            assert isinstance(store, BlockingStore)
            return BlockingStore(loop, loop.call(lambda: reopen_async_store(store.driven)))

        return reopen


class BlockingStore:
    """A store whose methods run those of an `AsyncStore` in its loop, and wait."""

    def __init__(self, loop: Loop, driven: AsyncStore) -> None:
        self._loop = loop
        self.driven: Final = driven

    @property
    def doorbell(self) -> Messaging:
        """The doorbell of a store that declares `Capability.RINGS_ON_COMMIT`."""
        assert isinstance(self.driven, _Rings), "it declares RINGS_ON_COMMIT, so it has a doorbell"
        return _BlockingDoorbell(self._loop, self.driven.doorbell)

    def close(self) -> None:
        """Close a store that declares `Capability.DURABLE`."""
        assert isinstance(self.driven, _Closes), "it declares DURABLE, so it can be closed"
        self._loop.call(self.driven.close)

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        """In the loop."""
        return self._loop.call(lambda: self.driven.agents(ids))

    def add_agent(self, agent: Agent) -> None:
        """In the loop."""
        self._loop.call(lambda: self.driven.add_agent(agent))

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        """In the loop."""
        self._loop.call(lambda: self.driven.replace_agent(known, agent))

    def read(self, need: Need, now: datetime) -> Facts:
        """In the loop."""
        return self._loop.call(lambda: self.driven.read(need, now))

    def commit(self, decision: Decision) -> None:
        """In the loop."""
        self._loop.call(lambda: self.driven.commit(decision))

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        """In the loop."""
        return self._loop.call(lambda: self.driven.desktop(agent_id, since=since, known=known))

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        """In the loop."""
        return self._loop.call(lambda: self.driven.transfer(transfer_id))

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """In the loop."""
        return self._loop.call(lambda: self.driven.transcript(interaction_id))

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        """In the loop."""
        return self._loop.call(lambda: self.driven.history(interaction_id))

    def events(self, *, after: str | None, limit: int) -> EventPage:
        """In the loop."""
        return self._loop.call(lambda: self.driven.events(after=after, limit=limit))

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        """In the loop."""
        return self._loop.call(lambda: self.driven.due(now, limit=limit))

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        """In the loop."""
        return self._loop.call(lambda: self.driven.unsent(limit=limit))

    def next_unsent(self, interaction_id: str) -> Message | None:
        """In the loop."""
        return self._loop.call(lambda: self.driven.next_unsent(interaction_id))

    def mark_sent(self, message_id: str) -> None:
        """In the loop."""
        self._loop.call(lambda: self.driven.mark_sent(message_id))

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        """In the loop."""
        return self._loop.call(lambda: self.driven.mark_read(agent_id, message_id, read=read))

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        """In the loop."""
        return self._loop.call(lambda: self.driven.delete_message(agent_id, message_id))


class _BlockingDoorbell:
    """A doorbell that is rung and listened at in its loop; who is woken is woken in a thread, where they can wait."""

    def __init__(self, loop: Loop, driven: AsyncDoorbell) -> None:
        self._loop = loop
        self._driven = driven

    def ring(self, agent_ids: Collection[str]) -> None:
        self._loop.call(lambda: self._driven.ring(agent_ids))

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        def in_a_thread() -> None:
            Thread(target=wake, name="conformance-wake", daemon=True).start()

        subscription = self._loop.call_plain(lambda: self._driven.listen(agent_id, in_a_thread))
        return _BlockingSubscription(self._loop, subscription)


class _BlockingSubscription:
    def __init__(self, loop: Loop, driven: Subscription) -> None:
        self._loop = loop
        self._driven = driven

    def close(self) -> None:
        self._loop.call_plain(self._driven.close)
