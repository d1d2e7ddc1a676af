"""What PostgreSQL and psycopg raise, in our own words; never with a value, a text or a secret in them (A6)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import psycopg.pq
from psycopg import errors
from psycopg_pool import PoolClosed

from sms_transfer.adapters.postgres.ids import given_id
from sms_transfer.errors import (
    AlreadyExists,
    Conflict,
    InvalidValue,
    StoreError,
    StoreUnavailable,
    UnusableStore,
)

_OUT_OF_STEP: Final = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
_NOT_OURS: Final[Mapping[type[psycopg.Error], str]] = {
    errors.UndefinedTable: "there is no schema of this library's under this name, or an older one: call migrate",
    errors.UndefinedFunction: "there is no schema of this library's under this name, or an older one: call migrate",
    errors.InvalidSchemaName: "there is no schema of this name: call migrate",
    errors.DuplicateTable: "the schema holds tables that are not this library's",
    errors.DuplicateFunction: "the schema holds functions that are not this library's",
    PoolClosed: "it is closed",
    errors.NoActiveSqlTransaction: "the connection is in autocommit mode, and in no transaction",
    errors.InFailedSqlTransaction: "the transaction has failed already: roll it back",
    errors.InsufficientPrivilege: "the role may not do this",
}
_AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
)


@contextmanager
def translated() -> Generator[None]:
    """Raise ours for whatever psycopg raises inside."""
    try:
        yield
    except psycopg.Error as error:
        raise fault(error) from None
    except UnicodeError:  # it holds the whole text
        raise UnusableStore(detail="the connection's encoding is not UTF-8") from None


def fault(error: psycopg.Error) -> StoreError | AlreadyExists | InvalidValue:
    """Our error for one of psycopg's.

    Its message is left out, and so is the error itself as a cause: PostgreSQL repeats rows in them.
    """
    said = error.diag
    kind, id_ = said.message_primary or "", given_id(said.message_detail or "")
    match error.sqlstate:  # what the functions in the database raise
        case "SX001":
            return Conflict(kind=kind, id=id_)
        case "SX002":
            return AlreadyExists(kind=kind, id=id_)
        case "SX003":
            return InvalidValue(field="after", rule="must be the cursor of an earlier page")
        case _:
            return _general(error)


def _general(error: psycopg.Error) -> StoreError:
    name = type(error).__name__
    if isinstance(error, _OUT_OF_STEP):
        return Conflict(kind="transaction", id=name)
    for kind, detail in _NOT_OURS.items():
        if isinstance(error, kind):
            return UnusableStore(detail=detail)
    if isinstance(error, _AWAY):
        return StoreUnavailable(detail=name)
    return UnusableStore(detail=name)


def connect(conninfo: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection, or an error that says why there is none: libpq names the host, the role and the database.

    Raises:
        InvalidValue: libpq does not understand ``conninfo``; what it says is left out, as a password may be in it.
        UnusableStore: the database does not keep every character.
        StoreUnavailable: it cannot be reached, or does not let us in.
    """
    try:
        connection = psycopg.connect(conninfo, client_encoding="utf8")
    except psycopg.ProgrammingError:
        raise InvalidValue(field="conninfo", rule="must be what libpq takes as a connection string") from None
    except psycopg.OperationalError as error:
        raise StoreUnavailable(detail="; ".join(str(error).split("\n"))) from None
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise UnusableStore(detail=f"the database's encoding is {encoding}, and must be UTF8")
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    return connection


def checked_encoding(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Refuse a connection of the host's that cannot carry every character."""
    if connection.info.encoding != "utf-8":
        raise UnusableStore(detail="the connection's encoding is not UTF-8")


def out_of_pipeline(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Refuse a connection of the host's on which nothing can be undone by itself."""
    if connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF:
        raise UnusableStore(detail="the connection is in pipeline mode, where nothing can be undone by itself")
