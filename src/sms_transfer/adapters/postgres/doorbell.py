"""The doorbell over ``LISTEN`` and ``NOTIFY``: one more connection for each process in which somebody listens.

What it hears says for whom it is and nothing else. Where somebody listened while it could not hear (not connected yet,
or not any more) it wakes everybody once it can, so the truth is looked up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from threading import Event, Lock, Thread, current_thread
from typing import Final

import psycopg
from psycopg import sql

from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.postgres.asks import EVERYBODY
from sms_transfer.log import log_failure
from sms_transfer.ports import Subscription

_ROUND: Final = 0.2
"""Seconds after which a listening thread looks whether it should stop."""
_PAUSE: Final = 0.5
"""Seconds between two attempts to connect."""
_PATIENCE: Final = 5.0
"""Seconds that whoever listens waits until everything can be heard."""


class _Board:
    """Who listens in this process."""

    def __init__(self, channel: str) -> None:
        self._bells = InProcessMessaging()
        self.missed = False
        """Whether somebody listened while nothing could be heard."""
        self.listen_statement: Final = sql.SQL("LISTEN {channel}").format(channel=sql.Identifier(channel))

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        return self._bells.listen(agent_id, wake)

    def heard(self, payload: str) -> None:
        """Wake whom a notification is for; everybody, if it is none of ours: anybody may notify."""
        try:
            agent_ids = self._bells.listening() if payload == EVERYBODY else _agents_in(payload)
        except (ValueError, TypeError, RecursionError):
            agent_ids = self._bells.listening()
        self._wake(agent_ids)

    def hears(self) -> None:
        """From now on everything is heard; what was not must be looked up."""
        if self.missed:
            self.missed = False
            self._wake(self._bells.listening())

    def _wake(self, agent_ids: Collection[str]) -> None:
        for agent_id in agent_ids:
            try:
                self._bells.ring((agent_id,))
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - a host's code; the others must be woken
                log_failure("doorbell.unwoken", error, agent_id=agent_id)


def _agents_in(payload: str) -> Collection[str]:
    said: frozenset[object] = frozenset(json.loads(payload))
    return [one for one in said if isinstance(one, str)]


class Doorbell:
    """A `Messaging` doorbell between processes.

    Listeners are woken in a thread of its own, one after the other: a front end that is connected without ``dispatch``
    must return soon.
    """

    def __init__(self, conninfo: str, channel: str, ring: Callable[[Collection[str]], None]) -> None:
        self.channel: Final = channel
        self._conninfo = conninfo
        self._board = _Board(channel)
        self._ring = ring
        self._lock = Lock()
        self._closed = Event()
        self._hears = Event()
        self._thread: Thread | None = None

    def ring(self, agent_ids: Collection[str]) -> None:
        self._ring(agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """As `Messaging.listen`; connects first, and waits for that, but not for ever."""
        subscription = self._board.listen(agent_id, wake)
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = Thread(target=self._stay_connected, name="sms-transfer-doorbell", daemon=True)
                self._thread.start()
        if not self._closed.is_set() and not self._hears.wait(_PATIENCE):
            self._board.missed = True
        return subscription

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._closed.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread is not current_thread():  # a listener may close it
            thread.join()

    def _stay_connected(self) -> None:
        while not self._closed.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    self._hear(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is, a bell that hears nothing is no bell
                self._hears.clear()
                self._board.missed = True
                log_failure("doorbell.failed", error)
                self._closed.wait(_PAUSE)

    def _hear(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute(self._board.listen_statement)
        self._hears.set()
        self._board.hears()
        while not self._closed.is_set():
            for notification in connection.notifies(timeout=_ROUND):
                self._board.heard(notification.payload)


class AsyncDoorbell:
    """An `AsyncMessaging` doorbell between processes; listeners are woken in the event loop."""

    def __init__(self, conninfo: str, channel: str, ring: Callable[[Collection[str]], Awaitable[None]]) -> None:
        self._conninfo = conninfo
        self._board = _Board(channel)
        self._ring = ring
        self._closed = False
        self._hears = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def ring(self, agent_ids: Collection[str]) -> None:
        await self._ring(agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """As `Messaging.listen`; must be called in the event loop."""
        subscription = self._board.listen(agent_id, wake)
        if self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._stay_connected())
        if not self._hears.is_set():
            self._board.missed = True
        return subscription

    async def connected(self) -> None:
        """Wait until everything can be heard; for ever, where nobody listens or the database is away."""
        await self._hears.wait()

    async def close(self) -> None:
        """Stop listening; may be called twice."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _stay_connected(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
                async with connection:
                    await connection.execute(self._board.listen_statement)
                    self._hears.set()
                    self._board.hears()
                    async for notification in connection.notifies():
                        self._board.heard(notification.payload)
            except Exception as error:  # noqa: BLE001 - whatever it is, a bell that hears nothing is no bell
                self._hears.clear()
                self._board.missed = True
                log_failure("doorbell.failed", error)
                await asyncio.sleep(_PAUSE)
