"""The ports of `sms_transfer.aio.AsyncTransferService`: those that do I/O, awaitable.

Write them with ``async def``. What each must and must not do is said by its blocking form. Every method may be awaited
by many tasks at once, and may be cancelled: then it must have had its whole effect or none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
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

    def agents(self, ids: Collection[str]) -> Awaitable[Mapping[str, Agent]]:
        """As `Directory.agents`, awaitable."""
        ...

    def add_agent(self, agent: Agent) -> Awaitable[None]:
        """As `Directory.add_agent`, awaitable."""
        ...

    def replace_agent(self, known: Agent, agent: Agent) -> Awaitable[None]:
        """As `Directory.replace_agent`, awaitable."""
        ...


class AsyncTransferStore(AsyncDirectory, Protocol):
    """As `TransferStore`, awaitable."""

    def read(self, need: Need, now: datetime) -> Awaitable[Facts]:
        """As `TransferStore.read`, awaitable."""
        ...

    def commit(self, decision: Decision) -> Awaitable[None]:
        """As `TransferStore.commit`, awaitable."""
        ...

    def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Awaitable[Desktop]:
        """As `TransferStore.desktop`, awaitable."""
        ...

    def transfer(self, transfer_id: str) -> Awaitable[TransferRequest | None]:
        """As `TransferStore.transfer`, awaitable."""
        ...

    def transcript(self, interaction_id: str) -> Awaitable[tuple[Message, ...]]:
        """As `TransferStore.transcript`, awaitable."""
        ...

    def history(self, interaction_id: str) -> Awaitable[tuple[Event, ...]]:
        """As `TransferStore.history`, awaitable."""
        ...

    def events(self, *, after: str | None, limit: int) -> Awaitable[EventPage]:
        """As `TransferStore.events`, awaitable."""
        ...

    def due(self, now: datetime, *, limit: int) -> Awaitable[tuple[str, ...]]:
        """As `TransferStore.due`, awaitable."""
        ...

    def unsent(self, *, limit: int) -> Awaitable[tuple[str, ...]]:
        """As `TransferStore.unsent`, awaitable."""
        ...

    def next_unsent(self, interaction_id: str) -> Awaitable[Message | None]:
        """As `TransferStore.next_unsent`, awaitable."""
        ...

    def mark_sent(self, message_id: str) -> Awaitable[None]:
        """As `TransferStore.mark_sent`, awaitable."""
        ...

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> Awaitable[bool]:
        """As `TransferStore.mark_read`, awaitable."""
        ...

    def delete_message(self, agent_id: str, message_id: str) -> Awaitable[bool]:
        """As `TransferStore.delete_message`, awaitable."""
        ...


class AsyncMessaging(Protocol):
    """As `Messaging`, awaitable."""

    def ring(self, agent_ids: Collection[str]) -> Awaitable[None]:
        """As `Messaging.ring`, awaitable."""
        ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """As `Messaging.listen`, but no coroutine: it returns at once. ``wake`` may be called from any thread.

        Where it needs time until it can hear, it must call ``wake`` once it can: what rang before was not heard.
        """
        ...


class AsyncContactGateway(Protocol):
    """As `ContactGateway`, awaitable."""

    def send(self, message: Message, contact: Contact) -> Awaitable[None]:
        """As `ContactGateway.send`, awaitable."""
        ...


@runtime_checkable
class AsyncRingsOnCommit(Protocol):
    """As `RingsOnCommit`, for an `AsyncTransferStore`. `JoinsTransaction` is the same for both."""

    @property
    def doorbell(self) -> AsyncMessaging:
        """As `RingsOnCommit.doorbell`."""
        ...
