"""The awaited service and team communicator, called like the others, so that the same tests show the same of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, TypeVar

from sms_transfer import AsyncTeamCommunicator, AsyncTransferService, Found, Target, TransferPolicy
from sms_transfer.adapters.blocking import (
    AwaitableGateway,
    AwaitableMessaging,
    AwaitableStore,
    at_once,
    awaitable_directory,
)
from sms_transfer.ports import Clock, ContactGateway, Directory, IdFactory, Messaging, Observer, Router, TransferStore

R = TypeVar("R")

ROUNDS = 1_000
"""How often a loop goes round, at most, before what it has not done by then is taken for waiting."""


async def settled() -> None:
    """Come back when nothing is going on in this loop any more, or all of it waits for something outside."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
        if asyncio.all_tasks() == {asyncio.current_task()}:
            await asyncio.sleep(0)  # what was called soon may make tasks
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return


class OnLoop:
    """Each call runs the loop until what was called, and all that came of it, is done.

    A front end that calls back while the loop runs cannot wait: what it asks for is done when it has returned.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]
    """Where all of them run; whoever makes it closes it."""

    def __init__(
        self,
        store: TransferStore | None = None,
        *,
        directory: Directory | None = None,
        messaging: Messaging | None = None,
        gateway: ContactGateway | None = None,
        router: Router | None = None,
        policy: TransferPolicy | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        observer: Observer | None = None,
    ) -> None:
        recorded = None if store is None else AwaitableStore(store, at_once)
        known = None if directory is None else awaitable_directory(directory, at_once)
        self.awaited = AsyncTransferService(
            recorded,
            directory=recorded if directory is store else known,
            messaging=None if messaging is None else AwaitableMessaging(messaging, at_once),
            gateway=None if gateway is None else AwaitableGateway(gateway, at_once),
            router=router,
            policy=policy,
            clock=clock,
            ids=ids,
            observer=observer,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.call, getattr(self.awaited, name))

    def call(self, method: Callable[..., Coroutine[object, object, R]], *args: object, **kwargs: object) -> R | None:
        """Have it done; None while the loop runs, for then it is done later."""
        if self.loop.is_running():
            self.loop.create_task(method(*args, **kwargs))
            return None
        return self.loop.run_until_complete(self._run(method(*args, **kwargs)))

    async def _run(self, coroutine: Coroutine[object, object, R]) -> R:
        try:
            return await coroutine
        finally:
            await settled()


class CommunicatorOnLoop:
    """An `AsyncTeamCommunicator` that is called like a `TeamCommunicator`."""

    def __init__(self, service: OnLoop, agent_id: str) -> None:
        self._service = service
        self._awaited = AsyncTeamCommunicator(service.awaited, agent_id)

    def search(self, *args: Any, **kwargs: Any) -> Found | None:
        return self._service.call(self._awaited.search, *args, **kwargs)

    @property
    def favourites(self) -> tuple[Target, ...] | None:
        return self._service.call(self._awaited.favourites)

    @property
    def recents(self) -> tuple[Target, ...] | None:
        return self._service.call(self._awaited.recents)

    def add_favourite(self, target: Target) -> None:
        self._service.call(self._awaited.add_favourite, target)

    def remove_favourite(self, target: Target) -> None:
        self._service.call(self._awaited.remove_favourite, target)
