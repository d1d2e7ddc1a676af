"""Blocking ports where async ones are wanted: each method becomes a coroutine that has the blocking one called.

How it is called is said by a strategy: `at_once` calls it in place, for what never waits, such as a store in memory;
`in_threads` has a thread call it, so that an event loop need not wait for a database.

    service = AsyncTransferService(AwaitableStore(SqliteStore(path)), gateway=AwaitableGateway(provider))
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Final, ParamSpec, Protocol, TypeVar

from sms_transfer.ports import (
    AsyncDirectory,
    AsyncMessaging,
    ContactGateway,
    Directory,
    JoinsTransaction,
    Messaging,
    RingsOnCommit,
    Teams,
    TransferStore,
)

P = ParamSpec("P")
R = TypeVar("R")


class Strategy(Protocol):
    """Makes a coroutine function of a blocking method."""

    def __call__(self, method: Callable[P, R], /) -> Callable[P, Coroutine[object, object, R]]:
        """Make one with the same parameters, which has the method called and returns or raises what that does."""
        ...


def at_once(method: Callable[P, R], /) -> Callable[P, Coroutine[object, object, R]]:
    """Call it in place: for what never waits, and wherever there is no event loop to keep waiting."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return method(*args, **kwargs)

    return call


def in_threads(method: Callable[P, R], /) -> Callable[P, Coroutine[object, object, R]]:
    """Have one of the event loop's threads call it.

    A call that has begun goes on to its end although whoever awaits it is cancelled. The loop has a few dozen threads
    at most: what hangs keeps one of them, so it must come back in bounded time.
    """

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        from asyncio import to_thread  # noqa: PLC0415 - slow to import, and whoever has no event loop does without

        return await to_thread(method, *args, **kwargs)

    return call


class AwaitableDirectory:
    """An `AsyncDirectory` made of a `Directory`."""

    def __init__(self, directory: Directory, strategy: Strategy = in_threads) -> None:
        self.agents: Final = strategy(directory.agents)
        self.add_agent: Final = strategy(directory.add_agent)
        self.replace_agent: Final = strategy(directory.replace_agent)


class AwaitableTeams:
    """An `AsyncTeams` made of `Teams`."""

    def __init__(self, teams: Teams, strategy: Strategy = in_threads) -> None:
        self.queues: Final = strategy(teams.queues)
        self.queue_names: Final = strategy(teams.queue_names)
        self.add_queue: Final = strategy(teams.add_queue)
        self.replace_queue: Final = strategy(teams.replace_queue)
        self.members: Final = strategy(teams.members)
        self.able: Final = strategy(teams.able)
        self.ready: Final = strategy(teams.ready)
        self.served_by: Final = strategy(teams.served_by)
        self.roster: Final = strategy(teams.roster)


class AwaitableTeamDirectory(AwaitableDirectory, AwaitableTeams):
    """An `AsyncDirectory` made of a `Directory` that says, too, what its agents serve together."""

    def __init__(self, directory: TeamDirectory, strategy: Strategy = in_threads) -> None:
        AwaitableDirectory.__init__(self, directory, strategy)
        AwaitableTeams.__init__(self, directory, strategy)


class TeamDirectory(Directory, Teams, Protocol):
    """A `Directory` that is `Teams`, too."""


def awaitable_directory(directory: Directory, strategy: Strategy = in_threads) -> AsyncDirectory:
    """An `AsyncDirectory` made of a `Directory`; one that is `AsyncTeams` too, exactly if that is `Teams`."""
    if isinstance(directory, Teams):
        return AwaitableTeamDirectory(directory, strategy)
    return AwaitableDirectory(directory, strategy)


class AwaitableMessaging:
    """An `AsyncMessaging` made of a `Messaging`."""

    def __init__(self, messaging: Messaging, strategy: Strategy = in_threads) -> None:
        self.ring: Final = strategy(messaging.ring)
        self.listen: Final = messaging.listen


class AwaitableGateway:
    """An `AsyncContactGateway` made of a `ContactGateway`."""

    def __init__(self, gateway: ContactGateway, strategy: Strategy = in_threads) -> None:
        self.send: Final = strategy(gateway.send)


class AwaitableStore(AwaitableDirectory, AwaitableTeams):
    """An `AsyncTransferStore` made of a `TransferStore`.

    It rings on commit and joins a transaction exactly if that store does.
    """

    doorbell: AsyncMessaging

    def __init__(self, store: TransferStore, strategy: Strategy = in_threads) -> None:
        AwaitableDirectory.__init__(self, store, strategy)
        AwaitableTeams.__init__(self, store, strategy)
        self.read: Final = strategy(store.read)
        self.commit: Final = strategy(store.commit)
        self.desktop: Final = strategy(store.desktop)
        self.transfer: Final = strategy(store.transfer)
        self.transcript: Final = strategy(store.transcript)
        self.history: Final = strategy(store.history)
        self.events: Final = strategy(store.events)
        self.due: Final = strategy(store.due)
        self.loads: Final = strategy(store.loads)
        self.waiting: Final = strategy(store.waiting)
        self.waiting_targets: Final = strategy(store.waiting_targets)
        self.waiting_counts: Final = strategy(store.waiting_counts)
        self.favourites: Final = strategy(store.favourites)
        self.mark_favourite: Final = strategy(store.mark_favourite)
        self.recents: Final = strategy(store.recents)
        self.unsent: Final = strategy(store.unsent)
        self.next_unsent: Final = strategy(store.next_unsent)
        self.mark_sent: Final = strategy(store.mark_sent)
        self.mark_read: Final = strategy(store.mark_read)
        self.delete_message: Final = strategy(store.delete_message)
        self._transaction = store if isinstance(store, JoinsTransaction) else None
        if isinstance(store, RingsOnCommit):  # else there is no such attribute, and so it is no `AsyncRingsOnCommit`
            self.doorbell = AwaitableMessaging(store.doorbell, strategy)

    @property
    def joins_transaction(self) -> bool:
        return self._transaction is not None and self._transaction.joins_transaction
