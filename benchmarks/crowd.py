"""Stores with very many conversations in them, put into their own tables at once and gone when all is measured."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.crowd_sql import Crowd, postgres_statements, sqlite_statements
from benchmarks.result import Missing
from benchmarks.server import need_postgres, new_schema, running
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import TransferStore


class World(ABC):
    """A store full of conversations."""

    store: TransferStore

    @abstractmethod
    def add(self, crowd: Crowd) -> None:
        """Put a crowd into it, and let the database take note of how many there are."""


class SqliteWorld(World):
    """In a file of its own."""

    def __init__(self, opened: ExitStack) -> None:
        self._path = Path(opened.enter_context(TemporaryDirectory())) / "world.db"
        self.store = opened.enter_context(SqliteStore(self._path))

    def add(self, crowd: Crowd) -> None:
        """Put a crowd into it."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # what is measured comes after
            connection.execute("BEGIN")
            for statement in sqlite_statements(crowd):
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresWorld(World):
    """In a schema of its own."""

    def __init__(self, opened: ExitStack) -> None:
        from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - needs psycopg

        self._conninfo = opened.enter_context(running()).conninfo
        self._schema = new_schema()
        opened.callback(self._execute, f'DROP SCHEMA "{self._schema}" CASCADE')
        self.store = opened.enter_context(PostgresStore(self._conninfo, schema=self._schema))

    def add(self, crowd: Crowd) -> None:
        """Put a crowd into it."""
        self._execute("SET synchronous_commit TO off", *postgres_statements(crowd))  # what is measured comes after
        self._execute("VACUUM ANALYZE", "CHECKPOINT")

    def _execute(self, *statements: str) -> None:
        import psycopg  # noqa: PLC0415 - a development dependency: may be absent

        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(f'SET search_path TO "{self._schema}"'.encode())
            for statement in statements:
                connection.execute(statement.encode())


def worlds() -> Mapping[str, Callable[[ExitStack], World]]:
    """How to make one of each kind that there is here, by its name."""
    found: dict[str, Callable[[ExitStack], World]] = {"SQLite": SqliteWorld, "PostgreSQL": PostgresWorld}
    if not_here():
        del found["PostgreSQL"]
    return found


def not_here() -> tuple[str, ...]:
    """What is missing for the others."""
    try:
        need_postgres()
    except Missing as missing:
        return missing.what
    return ()
