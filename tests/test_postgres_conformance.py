"""PostgreSQL passes the suites that every adapter must pass."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from servers import Server, new_schema
from sms_transfer.adapters.postgres import AsyncPostgresStore, PostgresStore
from sms_transfer.adapters.postgres.doorbell import Doorbell
from sms_transfer.ports import AsyncTransferStore, Messaging, TransferStore
from sms_transfer.testing.conformance import (
    AsyncStoreConformance,
    Capability,
    MessagingConformance,
    StoreConformance,
)
from sms_transfer.testing.conformance.aio import Loop, MakeAsyncStore, ReopenAsyncStore

ALL = frozenset({Capability.DURABLE, Capability.MANY_HANDLES, Capability.RINGS_ON_COMMIT, Capability.KNOWS_IDLE})


class TestPostgresStore(StoreConformance):
    """`PostgresStore`."""

    capabilities = ALL
    examples = 15

    @pytest.fixture
    def make_store(self, postgres: Server) -> Generator[Callable[[], PostgresStore]]:
        with ExitStack() as opened:
            yield lambda: opened.enter_context(PostgresStore(postgres.conninfo, schema=new_schema()))

    @pytest.fixture
    def reopen_store(self, postgres: Server) -> Generator[Callable[[TransferStore], PostgresStore]]:
        def reopen(store: TransferStore) -> PostgresStore:
            assert isinstance(store, PostgresStore)
            return opened.enter_context(PostgresStore(postgres.conninfo, schema=store.schema))

        with ExitStack() as opened:
            yield reopen


class TestAsyncPostgresStore(AsyncStoreConformance):
    """`AsyncPostgresStore`."""

    capabilities = ALL
    examples = 15

    @pytest.fixture
    def make_async_store(self, postgres: Server, loop: Loop) -> Generator[MakeAsyncStore]:
        async def make() -> AsyncPostgresStore:
            return await opened_in_loop(postgres, new_schema(), made)

        made: list[AsyncPostgresStore] = []
        yield make
        for store in made:
            loop.call(store.close)

    @pytest.fixture
    def reopen_async_store(self, postgres: Server, loop: Loop) -> Generator[ReopenAsyncStore]:
        async def reopen(store: AsyncTransferStore) -> AsyncPostgresStore:
            assert isinstance(store, AsyncPostgresStore)
            return await opened_in_loop(postgres, store.schema, made)

        made: list[AsyncPostgresStore] = []
        yield reopen
        for store in made:
            loop.call(store.close)


async def opened_in_loop(postgres: Server, schema: str, made: list[AsyncPostgresStore]) -> AsyncPostgresStore:
    """A store that can hear everything already."""
    store = AsyncPostgresStore(postgres.conninfo, schema=schema)
    made.append(store)
    await store.open()
    store.doorbell.listen("nobody", lambda: None)
    await store.doorbell.connected()
    return store


class TestPostgresDoorbell(MessagingConformance):
    """The doorbell of a `PostgresStore`, rung by itself."""

    capabilities = frozenset({Capability.MANY_HANDLES})
    examples = 20  # each keeps two connections until the test is over

    @pytest.fixture
    def stores(self, postgres: Server) -> Generator[Callable[[str], Doorbell]]:
        with ExitStack() as opened:
            yield lambda schema: opened.enter_context(PostgresStore(postgres.conninfo, schema=schema)).doorbell

    @pytest.fixture
    def make_messaging(self, stores: Callable[[str], Doorbell]) -> Callable[[], Doorbell]:
        return lambda: stores(new_schema())

    @pytest.fixture
    def reopen_messaging(self, stores: Callable[[str], Doorbell]) -> Callable[[Messaging], Doorbell]:
        def reopen(bell: Messaging) -> Doorbell:
            assert isinstance(bell, Doorbell)
            return stores(bell.channel)

        return reopen
