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
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Contact, Interaction, Message, Queue, Target, TransferRequest
from sms_transfer.ports.blocking import EventPage, Facts, Roster, Subscription


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


@runtime_checkable
class AsyncTeams(Protocol):
    """As `Teams`, awaitable."""

    def queues(self, targets: Collection[Target]) -> Awaitable[Mapping[Target, Queue]]:
        """As `Teams.queues`, awaitable."""
        ...

    def queue_names(self, targets: Collection[Target]) -> Awaitable[Mapping[Target, str]]:
        """As `Teams.queue_names`, awaitable."""
        ...

    def add_queue(self, queue: Queue) -> Awaitable[None]:
        """As `Teams.add_queue`, awaitable."""
        ...

    def replace_queue(self, known: Queue, queue: Queue) -> Awaitable[None]:
        """As `Teams.replace_queue`, awaitable."""
        ...

    def members(self, target: Target, *, limit: int) -> Awaitable[tuple[Agent, ...]]:
        """As `Teams.members`, awaitable."""
        ...

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> Awaitable[tuple[Agent, ...]]:
        """As `Teams.able`, awaitable."""
        ...

    def ready(self, targets: Collection[Target]) -> Awaitable[Mapping[Target, int]]:
        """As `Teams.ready`, awaitable."""
        ...

    def served_by(self, agent_ids: Collection[str]) -> Awaitable[frozenset[Target]]:
        """As `Teams.served_by`, awaitable."""
        ...

    def roster(self, since: int | None) -> Awaitable[Roster]:
        """As `Teams.roster`, awaitable."""
        ...


class AsyncTransferStore(AsyncDirectory, AsyncTeams, Protocol):
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

    def loads(self, agent_ids: Collection[str], now: datetime) -> Awaitable[Mapping[str, int]]:
        """As `TransferStore.loads`, awaitable."""
        ...

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> Awaitable[tuple[Interaction, ...]]:
        """As `TransferStore.waiting`, awaitable."""
        ...

    def waiting_targets(self) -> Awaitable[frozenset[Target]]:
        """As `TransferStore.waiting_targets`, awaitable."""
        ...

    def waiting_counts(self, targets: Collection[Target]) -> Awaitable[Mapping[Target, int]]:
        """As `TransferStore.waiting_counts`, awaitable."""
        ...

    def favourites(self, agent_id: str) -> Awaitable[tuple[Target, ...]]:
        """As `TransferStore.favourites`, awaitable."""
        ...

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> Awaitable[None]:
        """As `TransferStore.mark_favourite`, awaitable."""
        ...

    def recents(self, agent_id: str, *, limit: int) -> Awaitable[tuple[Target, ...]]:
        """As `TransferStore.recents`, awaitable."""
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
