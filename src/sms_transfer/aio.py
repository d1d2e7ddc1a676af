"""`AsyncTransferService`: the authority for a front end that lives in an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from sms_transfer.adapters.in_process import RandomIds
from sms_transfer.arguments import check_ports
from sms_transfer.calls import BATCH, Calls
from sms_transfer.connection import Connection, Dispatch, check_connectable
from sms_transfer.core.check import check_span
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.ports import (
    AsyncContactGateway,
    AsyncDirectory,
    AsyncMessaging,
    AsyncTransferStore,
    Clock,
    IdFactory,
    Observer,
    Router,
)
from sms_transfer.wiring import wire
from sms_transfer.workspace import Workspace

_PATIENCE: Final = 10.0
"""Seconds that the end of `AsyncTransferService.ticking` waits for a gateway that will not be cancelled."""


class AsyncTransferService(Calls):
    """`TransferService` for whoever awaits: the same methods as coroutines, over the async ports.

    A service belongs to one event loop; any number of its tasks may call it. Its ports are awaited: what has a blocking
    form only is wrapped first, such as ``AwaitableStore(SqliteStore(path))`` of `sms_transfer.adapters.blocking`.

    A front end's methods are called in the thread of the loop, or where ``dispatch`` says, and may come a little after
    the command that they are about has returned.

    **Cancellation.** A command that has begun is carried through to its end, whole, in a task of its own, although the
    task that awaits it is cancelled. So whoever is cancelled cannot know whether it had its effect: ask, or repeat it
    with the same ``key`` or ``message_id``. At the end of the loop, when all tasks are cancelled, it is as after a
    crash: what is recorded is recorded whole, and is shown and sent by the next service over the same store. (Over a
    store that joins a transaction of the host's, a command ends with the task that awaits it, and the host rolls back.)

    Args:
        store: where everything is recorded; in memory if left out.
        directory: who the agents are; the store's own agents if left out.
        messaging: the doorbell; the store's own or, if it has none, one within this process if left out.
        gateway: the SMS provider. Left out, texts to contacts are recorded only: the host sends them from the feed.
        policy: what the centre allows.
        router: which agent of a queue is invited next; the longest idle if left out.
        clock: what time it is; the system's if left out.
        ids: where new ids come from; random if left out.
        observer: is told of every command and sweep, for traces and metrics; nobody if left out.

    Raises:
        InvalidValue: ``policy`` is none, or one of the others lacks a method of its port.
    """

    def __init__(
        self,
        store: AsyncTransferStore | None = None,
        *,
        directory: AsyncDirectory | None = None,
        messaging: AsyncMessaging | None = None,
        gateway: AsyncContactGateway | None = None,
        router: Router | None = None,
        policy: TransferPolicy | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        observer: Observer | None = None,
    ) -> None:
        from sms_transfer.loop import LoopDriver  # noqa: PLC0415 - it needs asyncio, which is slow to import

        check_ports(
            awaited=True,
            store=(AsyncTransferStore, store),
            directory=(AsyncDirectory, directory),
            messaging=(AsyncMessaging, messaging),
            gateway=(AsyncContactGateway, gateway),
        )
        ids = RandomIds() if ids is None else ids
        flow = wire(
            store,
            directory=directory,
            messaging=messaging,
            gateway=gateway,
            policy=policy,
            clock=clock,
            router=router,
            ids=ids,
            driver=LoopDriver(),
            observer=observer,
        )
        super().__init__(flow, ids)

    async def connect(self, workspace: Workspace, *, dispatch: Dispatch | None = None) -> Connection:
        """As `TransferService.connect`.

        The front end has been shown everything when this returns; with a ``dispatch``, when that has run it.

        Args:
            dispatch: runs the front end's part where it needs it. Left out, it runs in the thread of the event loop.
        """
        from sms_transfer.loop import LoopConnection  # noqa: PLC0415 - it needs asyncio, which is slow to import

        check_connectable(workspace, dispatch)
        await self._flow.agent(workspace.agent_id)
        connection = LoopConnection(workspace, self._flow, dispatch)
        try:
            await connection.begin()
        except BaseException:  # it was cancelled, and nobody will close what it never got
            connection.close()
            raise
        return connection

    @asynccontextmanager
    async def ticking(self, interval: timedelta = timedelta(seconds=1)) -> AsyncGenerator[None]:
        """Tick as long as the context lasts: deadlines in one task, texts and desktops in another.

        So a gateway that hangs does not keep transfers from ending. At the end a sweep of deadlines that has begun is
        waited for, 10 seconds at most, and the sending of texts is cancelled; a command that one of them has begun is
        carried through.

        Args:
            interval: the pause between two ticks, longer than nothing and at most 365 days.
        """
        from sms_transfer.loop import repeating  # noqa: PLC0415 - it needs asyncio, which is slow to import

        check_span("interval", interval)
        async with repeating(self._keep_deadlines, self._send_and_poll, interval=interval, patience=_PATIENCE):
            yield

    async def _send_and_poll(self) -> None:
        await self._flow.send_and_poll(limit=BATCH)
