"""PostgreSQL passes the suite that every store must pass."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from servers import Server, new_schema
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.testing.conformance import Capability, StoreConformance


class TestPostgres(StoreConformance):
    """`PostgresStore`."""

    capabilities = frozenset({Capability.DURABLE, Capability.MANY_HANDLES, Capability.RINGS_ON_COMMIT})

    @pytest.fixture
    def make_store(self, postgres: Server) -> Generator[Callable[[], PostgresStore]]:
        with ExitStack() as opened:
            yield lambda: opened.enter_context(PostgresStore(postgres.conninfo, schema=new_schema()))

    @pytest.fixture
    def reopen_store(self, postgres: Server) -> Generator[Callable[[PostgresStore], PostgresStore]]:
        with ExitStack() as opened:
            yield lambda store: opened.enter_context(PostgresStore(postgres.conninfo, schema=store.schema))
