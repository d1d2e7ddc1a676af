"""Stores in memory that can do what the library's cannot, so that every test of the suite has a store that passes."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from sms_transfer import Agent, Desktop, Event, EventPage, Message, TransferRequest
from sms_transfer.adapters.blocking import AwaitableTeams, at_once
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.ports import Facts, Subscription


class SharedStore(MemoryStore):
    """A handle on something in memory: it outlives the handle, has other handles, and rings."""

    def __init__(self) -> None:
        super().__init__()
        self.doorbell: Final = InProcessMessaging()

    def reopen(self) -> SharedStore:
        """Another handle."""
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__
        return other

    def close(self) -> None:
        """Nothing to end."""

    def commit(self, decision: Decision) -> None:
        super().commit(decision)
        self.doorbell.ring(decision.concerned)


class AsyncDoorbell:
    """A doorbell, with a coroutine."""

    def __init__(self, bell: InProcessMessaging) -> None:
        self._bell = bell

    async def ring(self, agent_ids: Collection[str]) -> None:
        self._bell.ring(agent_ids)

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        return self._bell.listen(agent_id, wake)


class AsyncSharedStore(AwaitableTeams):
    """The same, with coroutines."""

    def __init__(self, store: SharedStore) -> None:
        super().__init__(store, at_once)
        self.store: Final = store
        self.loads: Final = at_once(store.loads)
        self.waiting: Final = at_once(store.waiting)
        self.waiting_targets: Final = at_once(store.waiting_targets)
        self.waiting_counts: Final = at_once(store.waiting_counts)
        self.favourites: Final = at_once(store.favourites)
        self.mark_favourite: Final = at_once(store.mark_favourite)
        self.recents: Final = at_once(store.recents)
        self.task: Task[None] | None = None
        self.doorbell: Final = AsyncDoorbell(store.doorbell)

    async def reopen(self) -> AsyncSharedStore:
        """Another handle."""
        return AsyncSharedStore(self.store.reopen())

    async def close(self) -> None:
        """Nothing to end."""

    async def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return self.store.agents(ids)

    async def add_agent(self, agent: Agent) -> None:
        self.store.add_agent(agent)

    async def replace_agent(self, known: Agent, agent: Agent) -> None:
        self.store.replace_agent(known, agent)

    async def read(self, need: Need, now: datetime) -> Facts:
        return self.store.read(need, now)

    async def commit(self, decision: Decision) -> None:
        self.store.commit(decision)

    async def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Desktop:
        return self.store.desktop(agent_id, since=since, known=known)

    async def transfer(self, transfer_id: str) -> TransferRequest | None:
        return self.store.transfer(transfer_id)

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return self.store.transcript(interaction_id)

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        return self.store.history(interaction_id)

    async def events(self, *, after: str | None, limit: int) -> EventPage:
        return self.store.events(after=after, limit=limit)

    async def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        return self.store.due(now, limit=limit)

    async def unsent(self, *, limit: int) -> tuple[str, ...]:
        return self.store.unsent(limit=limit)

    async def next_unsent(self, interaction_id: str) -> Message | None:
        return self.store.next_unsent(interaction_id)

    async def mark_sent(self, message_id: str) -> None:
        self.store.mark_sent(message_id)

    async def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        return self.store.mark_read(agent_id, message_id, read=read)

    async def delete_message(self, agent_id: str, message_id: str) -> bool:
        return self.store.delete_message(agent_id, message_id)
