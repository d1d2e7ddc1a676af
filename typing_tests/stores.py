"""Stores of somebody's own, called and awaited, which derive from nothing; and those that come with the library."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import assert_type

from psycopg import AsyncConnection, Connection

from sms_transfer import (
    Agent,
    AsyncTransferService,
    ChannelStatus,
    Desktop,
    Event,
    EventPage,
    Interaction,
    Message,
    Queue,
    Target,
    TransferRequest,
    TransferService,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.postgres import (
    AsyncPostgresStore,
    AsyncPostgresTransaction,
    PostgresStore,
    PostgresTransaction,
    migrate,
)
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.ports import AsyncTransferStore, Facts, JoinsTransaction, RingsOnCommit, Roster, TransferStore


class Mine:
    """What `TransferStore` asks for."""

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        raise NotImplementedError

    def add_agent(self, agent: Agent) -> None:
        raise NotImplementedError

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        raise NotImplementedError

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        raise NotImplementedError

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        raise NotImplementedError

    def add_queue(self, queue: Queue) -> None:
        raise NotImplementedError

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        raise NotImplementedError

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        raise NotImplementedError

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        raise NotImplementedError

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        raise NotImplementedError

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        raise NotImplementedError

    def roster(self, since: int | None) -> Roster:
        raise NotImplementedError

    def read(self, need: Need, now: datetime) -> Facts:
        raise NotImplementedError

    def commit(self, decision: Decision) -> None:
        raise NotImplementedError

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        raise NotImplementedError

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        raise NotImplementedError

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        raise NotImplementedError

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        raise NotImplementedError

    def events(self, *, after: str | None, limit: int) -> EventPage:
        raise NotImplementedError

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        raise NotImplementedError

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        raise NotImplementedError

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        raise NotImplementedError

    def waiting_targets(self) -> frozenset[Target]:
        raise NotImplementedError

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        raise NotImplementedError

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        raise NotImplementedError

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        raise NotImplementedError

    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        raise NotImplementedError

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        raise NotImplementedError

    def next_unsent(self, interaction_id: str) -> Message | None:
        raise NotImplementedError

    def mark_sent(self, message_id: str) -> None:
        raise NotImplementedError

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        raise NotImplementedError

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        raise NotImplementedError


class MineAwaited:
    """What `AsyncTransferStore` asks for."""

    async def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        raise NotImplementedError

    async def add_agent(self, agent: Agent) -> None:
        raise NotImplementedError

    async def replace_agent(self, known: Agent, agent: Agent) -> None:
        raise NotImplementedError

    async def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        raise NotImplementedError

    async def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        raise NotImplementedError

    async def add_queue(self, queue: Queue) -> None:
        raise NotImplementedError

    async def replace_queue(self, known: Queue, queue: Queue) -> None:
        raise NotImplementedError

    async def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        raise NotImplementedError

    async def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        raise NotImplementedError

    async def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        raise NotImplementedError

    async def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        raise NotImplementedError

    async def roster(self, since: int | None) -> Roster:
        raise NotImplementedError

    async def read(self, need: Need, now: datetime) -> Facts:
        raise NotImplementedError

    async def commit(self, decision: Decision) -> None:
        raise NotImplementedError

    async def desktop(
        self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None
    ) -> Desktop:
        raise NotImplementedError

    async def transfer(self, transfer_id: str) -> TransferRequest | None:
        raise NotImplementedError

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        raise NotImplementedError

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        raise NotImplementedError

    async def events(self, *, after: str | None, limit: int) -> EventPage:
        raise NotImplementedError

    async def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        raise NotImplementedError

    async def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        raise NotImplementedError

    async def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        raise NotImplementedError

    async def waiting_targets(self) -> frozenset[Target]:
        raise NotImplementedError

    async def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        raise NotImplementedError

    async def favourites(self, agent_id: str) -> tuple[Target, ...]:
        raise NotImplementedError

    async def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        raise NotImplementedError

    async def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        raise NotImplementedError

    async def unsent(self, *, limit: int) -> tuple[str, ...]:
        raise NotImplementedError

    async def next_unsent(self, interaction_id: str) -> Message | None:
        raise NotImplementedError

    async def mark_sent(self, message_id: str) -> None:
        raise NotImplementedError

    async def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        raise NotImplementedError

    async def delete_message(self, agent_id: str, message_id: str) -> bool:
        raise NotImplementedError


class Read(Mine):
    """The facts of a need, and what a decision is made of."""

    def read(self, need: Need, now: datetime) -> Facts:
        assert_type(need.key, tuple[str, str] | None)
        assert_type(need.agents, tuple[str, ...])
        del now
        return Facts(agents={"a": Agent("a", "A")})

    def commit(self, decision: Decision) -> None:
        assert_type(decision.interaction, Interaction)
        assert_type(decision.events, tuple[Event, ...])
        assert_type(decision.requests, tuple[TransferRequest, ...])
        assert_type(decision.texts, tuple[Message, ...])


def fit() -> None:
    """They go where a store belongs."""
    store: TransferStore = Read()
    awaited: AsyncTransferStore = MineAwaited()
    assert_type(TransferService(store, directory=store), TransferService)
    assert_type(AsyncTransferService(awaited, directory=awaited), AsyncTransferService)


def those_of_the_library(path: Path, connection: Connection, awaited: AsyncConnection) -> None:
    """Likewise."""
    migrate("postgresql://")
    with SqliteStore(path) as in_file, PostgresStore("postgresql://") as in_database:
        stores: list[TransferStore] = [MemoryStore(), in_file, in_database, PostgresTransaction(connection)]
        rings: RingsOnCommit = in_database
        joins: JoinsTransaction = PostgresTransaction(connection)
        assert_type(joins.joins_transaction, bool)
        del rings
    for store in stores:
        TransferService(store)
    AsyncTransferService(AsyncPostgresTransaction(awaited))


async def awaited_of_the_library() -> None:
    """Likewise."""
    async with AsyncPostgresStore("postgresql://") as store:
        AsyncTransferService(store)
