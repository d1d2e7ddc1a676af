"""The ports of `sms_transfer.aio.AsyncTransferService`: those that do I/O, with coroutines in place of methods.

What each must and must not do is said by its blocking form. Every coroutine may be awaited by many tasks at once, and
may be cancelled: then it must have had its whole effect or none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Contact, Message, TransferRequest
from sms_transfer.ports.blocking import EventPage, Facts, Subscription


class AsyncDirectory(Protocol):
    """As `Directory`, awaitable."""

    async def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        """As `Directory.agents`, awaitable."""
        ...

    async def add_agent(self, agent: Agent) -> None:
        """As `Directory.add_agent`, awaitable."""
        ...

    async def replace_agent(self, known: Agent, agent: Agent) -> None:
        """As `Directory.replace_agent`, awaitable."""
        ...


class AsyncTransferStore(AsyncDirectory, Protocol):
    """As `TransferStore`, awaitable."""

    async def read(self, need: Need, now: datetime) -> Facts:
        """As `TransferStore.read`, awaitable."""
        ...

    async def commit(self, decision: Decision) -> None:
        """As `TransferStore.commit`, awaitable."""
        ...

    async def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Desktop:
        """As `TransferStore.desktop`, awaitable."""
        ...

    async def transfer(self, transfer_id: str) -> TransferRequest | None:
        """As `TransferStore.transfer`, awaitable."""
        ...

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """As `TransferStore.transcript`, awaitable."""
        ...

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        """As `TransferStore.history`, awaitable."""
        ...

    async def events(self, *, after: str | None, limit: int) -> EventPage:
        """As `TransferStore.events`, awaitable."""
        ...

    async def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        """As `TransferStore.due`, awaitable."""
        ...

    async def unsent(self, *, limit: int) -> tuple[str, ...]:
        """As `TransferStore.unsent`, awaitable."""
        ...

    async def next_unsent(self, interaction_id: str) -> Message | None:
        """As `TransferStore.next_unsent`, awaitable."""
        ...

    async def mark_sent(self, message_id: str) -> None:
        """As `TransferStore.mark_sent`, awaitable."""
        ...

    async def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        """As `TransferStore.mark_read`, awaitable."""
        ...

    async def delete_message(self, agent_id: str, message_id: str) -> bool:
        """As `TransferStore.delete_message`, awaitable."""
        ...


class AsyncMessaging(Protocol):
    """As `Messaging`, awaitable."""

    async def ring(self, agent_ids: Collection[str]) -> None:
        """As `Messaging.ring`, awaitable."""
        ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """As `Messaging.listen`: no coroutine, and ``wake`` may be called from any thread; it returns at once."""
        ...


class AsyncContactGateway(Protocol):
    """As `ContactGateway`, awaitable."""

    async def send(self, message: Message, contact: Contact) -> None:
        """As `ContactGateway.send`, awaitable."""
        ...


@runtime_checkable
class AsyncRingsOnCommit(Protocol):
    """As `RingsOnCommit`, for an `AsyncTransferStore`. `JoinsTransaction` is the same for both."""

    @property
    def doorbell(self) -> AsyncMessaging:
        """As `RingsOnCommit.doorbell`."""
        ...
