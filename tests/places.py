"""Where workers work: a file, or a schema of a server's."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg.conninfo import make_conninfo

from lives import found
from servers import Server, new_schema
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.sqlite import SqliteStore

REOPENED: Final = 5
"""Checks on PostgreSQL until the store they look through is opened anew."""
PATIENCE: Final = 60.0


class Place(ABC):
    """A store that workers work on.

    Args:
        store: what it is called in `fragile_stores.STORES`.
    """

    def __init__(self, store: str) -> None:
        self.store = store

    @abstractmethod
    def begin(self) -> None:
        """Make an empty store in place of the last one."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[SqliteStore | PostgresStore]:
        """A sound store on it, for as long as the context lasts."""

    @abstractmethod
    def where(self) -> tuple[str, str]:
        """The place and the schema for a `Job`."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until nothing that dead workers asked for is still being done."""

    @abstractmethod
    def let_go(self) -> None:
        """Close what is open, so that all is opened anew."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()


class SqlitePlace(Place):
    """A file. It is opened anew each time, and so whoever comes first repairs what the dead have left."""

    def __init__(self, directory: Path, store: str = "sqlite") -> None:
        super().__init__(store)
        self._directory = directory
        self._number = 0

    def begin(self) -> None:
        for file in self._directory.glob("store*"):
            file.unlink()
        self._number += 1
        with self.opened() as store:
            found(store)

    def opened(self) -> SqliteStore:
        return SqliteStore(self.where()[0], durable=False)

    def where(self) -> tuple[str, str]:
        return str(self._directory / f"store{self._number}"), ""

    def settle(self) -> None:
        pass  # all that a process did was its own doing

    def let_go(self) -> None:
        pass  # nothing is kept open


class PostgresPlace(Place):
    """A schema of a server's. What is checked with is opened anew now and then: the server stays the same."""

    def __init__(self, server: Server, store: str = "postgres") -> None:
        super().__init__(store)
        self.server = server
        self._schema = ""
        self._uses = 0
        self._kept: PostgresStore | None = None
        self._watch: psycopg.Connection[tuple[object, ...]] | None = None

    def begin(self) -> None:
        self.let_go()
        self._schema = new_schema()
        with PostgresStore(self.server.conninfo, schema=self._schema) as store:
            found(store)

    @contextmanager
    def opened(self) -> Generator[PostgresStore]:
        self._uses += 1
        if self._kept is not None and self._uses % REOPENED == 0:
            self._kept.close()
            self._kept = None
        if self._kept is None:
            self._kept = PostgresStore(self.server.conninfo, schema=self._schema, create=False, connections=1)
        yield self._kept

    def where(self) -> tuple[str, str]:
        return make_conninfo(self.server.conninfo, application_name=self._schema), self._schema

    def settle(self) -> None:
        if self._watch is None:
            self._watch = psycopg.connect(self.server.conninfo, autocommit=True)
        patience = time.monotonic() + PATIENCE
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        while self._watch.execute(asked, (self._schema,)).fetchone() != (0,):
            assert time.monotonic() < patience, "what a dead worker asked for has no end"
            time.sleep(0.001)

    def let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
