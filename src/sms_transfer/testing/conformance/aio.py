"""`AsyncStoreConformance`: the suite of a store whose methods are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from threading import Thread
from typing import Final, ParamSpec, Protocol, TypeVar, runtime_checkable

import pytest

from sms_transfer.ports import (
    AsyncMessaging,
    AsyncRingsOnCommit,
    AsyncTransferStore,
    Messaging,
    Subscription,
    TransferStore,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore
from sms_transfer.testing.conformance.store import StoreConformance

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE: Final = 60.0
"""Seconds for one call of a store that hangs."""


@runtime_checkable
class _Closes(Protocol):
    def close(self) -> Awaitable[None]: ...


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

    def waits(self, method: Callable[P, Awaitable[T]]) -> Callable[P, T]:
        """Make of a coroutine function one that is called from here, and waits."""

        def wait(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(lambda: method(*args, **kwargs))

        return wait

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


MakeAsyncStore = Callable[[], Awaitable[AsyncTransferStore]]
ReopenAsyncStore = Callable[[AsyncTransferStore], Awaitable[AsyncTransferStore]]


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
    """A store whose methods run those of an `AsyncTransferStore` in its loop, and wait.

    It can be closed exactly if that can.
    """

    close: Callable[[], None]

    def __init__(self, loop: Loop, driven: AsyncTransferStore) -> None:
        self._loop = loop
        self.driven: Final = driven
        waits = loop.waits
        self.agents: Final = waits(driven.agents)
        self.add_agent: Final = waits(driven.add_agent)
        self.replace_agent: Final = waits(driven.replace_agent)
        self.queues: Final = waits(driven.queues)
        self.queue_names: Final = waits(driven.queue_names)
        self.add_queue: Final = waits(driven.add_queue)
        self.replace_queue: Final = waits(driven.replace_queue)
        self.members: Final = waits(driven.members)
        self.able: Final = waits(driven.able)
        self.ready: Final = waits(driven.ready)
        self.served_by: Final = waits(driven.served_by)
        self.roster: Final = waits(driven.roster)
        self.read: Final = waits(driven.read)
        self.commit: Final = waits(driven.commit)
        self.desktop: Final = waits(driven.desktop)
        self.transfer: Final = waits(driven.transfer)
        self.transcript: Final = waits(driven.transcript)
        self.history: Final = waits(driven.history)
        self.events: Final = waits(driven.events)
        self.due: Final = waits(driven.due)
        self.loads: Final = waits(driven.loads)
        self.waiting: Final = waits(driven.waiting)
        self.waiting_targets: Final = waits(driven.waiting_targets)
        self.waiting_counts: Final = waits(driven.waiting_counts)
        self.favourites: Final = waits(driven.favourites)
        self.mark_favourite: Final = waits(driven.mark_favourite)
        self.recents: Final = waits(driven.recents)
        self.unsent: Final = waits(driven.unsent)
        self.next_unsent: Final = waits(driven.next_unsent)
        self.mark_sent: Final = waits(driven.mark_sent)
        self.mark_read: Final = waits(driven.mark_read)
        self.delete_message: Final = waits(driven.delete_message)
        if isinstance(driven, _Closes):
            self.close = waits(driven.close)

    @property
    def doorbell(self) -> Messaging:
        """The doorbell of a store that declares `Capability.RINGS_ON_COMMIT`."""
        assert isinstance(self.driven, AsyncRingsOnCommit), "it declares RINGS_ON_COMMIT, so it has a doorbell"
        return _BlockingDoorbell(self._loop, self.driven.doorbell)


class _BlockingDoorbell:
    """A doorbell that is rung and listened at in its loop; who is woken is woken in a thread, where they can wait."""

    def __init__(self, loop: Loop, driven: AsyncMessaging) -> None:
        self._loop = loop
        self._driven = driven
        self.ring: Final = loop.waits(driven.ring)

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
