"""What the flow stands on: the ports, the clock, the doorbell, and trying again when somebody else was faster."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from datetime import datetime
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sms_transfer.core.check import to_utc, untrusted
from sms_transfer.core.commands import Need
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.model import Agent, Interaction
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.drive import Driver
from sms_transfer.errors import Conflict, InvalidValue, NotFound
from sms_transfer.log import COMMANDS, SWEEPS, log_conflict, log_failure
from sms_transfer.outbox import Outbox
from sms_transfer.ports import (
    AsyncContactGateway,
    AsyncDirectory,
    AsyncMessaging,
    AsyncTransferStore,
    Clock,
    JoinsTransaction,
    Observer,
)

if TYPE_CHECKING:
    from sms_transfer.watching import Watch

R = TypeVar("R")

_LAST_YEAR: Final = 9_997  # every deadline is a date, too
_ATTEMPTS: Final = 64
_FIRST_PAUSE: Final = 0.000_05
_LONGEST_PAUSE: Final = 0.02


class Polled(Protocol):
    """A desktop that is kept up to date."""

    def poll(self) -> None:
        """See to it that it shows what is recorded, in case a ring was lost."""
        ...


class Ground:
    """The ports and what is done with them whatever the command.

    Args:
        directory: who the agents are; None if the store is asked.
        messaging: the doorbell.
        rung_by_store: the doorbell is the store's own, and its commits ring it.
        observer: whoever watches, or nobody.
    """

    def __init__(
        self,
        store: AsyncTransferStore,
        *,
        directory: AsyncDirectory | None,
        messaging: AsyncMessaging,
        rung_by_store: bool,
        gateway: AsyncContactGateway | None,
        policy: TransferPolicy,
        clock: Clock,
        driver: Driver,
        observer: Observer | None = None,
    ) -> None:
        self.store = store
        self.directory: AsyncDirectory = store if directory is None else directory
        self.messaging = messaging
        self.policy = policy
        self._driver = driver
        self._observer = observer
        self._outbox = Outbox(store, gateway, driver)
        self._clock = clock
        self._keeps_agents = directory is None
        self._rung_by_store = rung_by_store
        self._transaction = store if isinstance(store, JoinsTransaction) else None
        self._desktops: tuple[Polled, ...] = ()  # replaced under the lock, never changed
        self._lock = Lock()

    def now(self) -> datetime:
        """The present instant, in UTC.

        Raises:
            InvalidValue: the clock gives no datetimes, or ones without a time zone or at the end of all dates.
        """
        now = self._clock.now()
        given = untrusted(now)
        if not isinstance(given, datetime) or given.utcoffset() is None or given.year > _LAST_YEAR:
            raise InvalidValue(
                field="clock", rule="must give datetimes that know their time zone, before the year 9998"
            )
        return to_utc(now)

    # what there is

    async def present(self, interaction_id: str) -> Interaction:
        """An interaction as it is now.

        Raises:
            NotFound: there is none.
        """
        found = (await self.store.read(Need(interaction_id=interaction_id), self.now())).interaction
        if found is None:
            raise NotFound(kind="interaction", id=interaction_id)
        return found

    async def agent(self, agent_id: str) -> Agent:
        """An agent's present record.

        Raises:
            NotFound: nobody knows the agent.
        """
        return _known(agent_id, await self.directory.agents((agent_id,)))

    async def look(self, agent_id: str, since: int | None, known: Mapping[str, int]) -> Snapshot:
        """What an agent's workspace should show. Raises like `agent`."""
        agent = _known(agent_id, await self.directory.agents((agent_id,)))
        return Snapshot(agent, await self.store.desktop(agent_id, since=since, known=known))

    # what time brings

    async def send_and_poll(self, *, limit: int) -> int:
        """Hand over the texts that wait, of at most so many interactions, and bring every desktop up to date.

        Returns:
            How many texts the gateway took.
        """
        return await self.sweep("send", partial(self._send_and_poll, limit), done=int)

    async def _send_and_poll(self, limit: int) -> int:
        sent = 0
        if not self._is_in_transaction():
            for interaction_id in await self.store.unsent(limit=limit):
                contact = (await self.present(interaction_id)).contact
                sent += await self._driver.to_the_end(self._outbox.send(interaction_id, contact))
        for desktop in self._desktops:
            desktop.poll()
        return sent

    async def sweep(
        self,
        name: str,
        work: Callable[[], Awaitable[R]],
        *,
        done: Callable[[R], int],
        counted: bool = False,
    ) -> R:
        """Carry out a part of what time brings, under the eyes of whoever wants to see it.

        Args:
            done: how much of it was done.
            counted: whether an observer is told what waits after it.
        """
        if self._observer is None and not SWEEPS.isEnabledFor(logging.DEBUG):
            return await work()
        from sms_transfer.watching import swept  # noqa: PLC0415 - most processes never need it

        return await swept(self._observer, name, work, done=done, waits_in=self.store if counted else None)

    def connected(self, desktop: Polled) -> None:
        """Begin to poll this desktop."""
        with self._lock:
            self._desktops = (*self._desktops, desktop)

    def disconnected(self, desktop: Polled) -> None:
        """Stop polling this desktop; may be said twice."""
        with self._lock:
            self._desktops = tuple(one for one in self._desktops if one is not desktop)

    # for every command

    async def _ring_for(self, agent_id: str, *, recorded: bool) -> None:
        """Ring for what is no commit. What is not recorded yet is told by a bell that rings when it is, or by none."""
        if recorded or self._rung_by_store:
            await self._ring((agent_id,))

    async def _ring(self, agent_ids: Collection[str]) -> None:
        """Ring the doorbell; the command has had its effect, so a bell that fails is no failure of the command."""
        try:
            await self.messaging.ring(agent_ids)
        except Exception as error:  # noqa: BLE001 - a host's messaging may raise anything
            log_failure("ring.failed", error, agents=len(agent_ids))

    def _carry(self, coroutine: Coroutine[object, object, R]) -> Awaitable[R]:
        """Carry it through to its end, unless the host's transaction ends it: that must be left to nobody else."""
        return coroutine if self._is_in_transaction() else self._driver.to_the_end(coroutine)

    def _is_in_transaction(self) -> bool:
        return self._transaction is not None and self._transaction.joins_transaction

    async def _again(
        self, attempt: Callable[[], Coroutine[object, object, R]], beaten: Conflict, watch: Watch | None = None
    ) -> R:
        """Try until nobody else is faster: a bounded number of times, after pauses that grow and are never alike.

        A transaction of the host's that sees the past for good (a stricter isolation) would be beaten every time.
        """
        if beaten.kind == "transaction" and self._is_in_transaction():
            raise beaten
        for tried in range(_ATTEMPTS - 2):
            _tell(beaten, watch)
            await self._driver.pause(_up_to(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tried)))
            try:
                return await attempt()
            except Conflict as again:
                beaten = again
        _tell(beaten, watch)
        return await attempt()


def _tell(beaten: Conflict, watch: Watch | None) -> None:
    if COMMANDS.isEnabledFor(logging.DEBUG):
        log_conflict(beaten)
    if watch is not None:
        watch.beaten(beaten)


def _known(agent_id: str, agents: Mapping[str, Agent]) -> Agent:
    agent = agents.get(agent_id)
    if agent is None:
        raise NotFound(kind="agent", id=agent_id)
    return agent


def _up_to(seconds: float) -> float:
    from random import uniform  # noqa: PLC0415 - most processes never need it, and it is slow to import

    return uniform(0, seconds)  # noqa: S311 - spreads retries; no secret depends on it
