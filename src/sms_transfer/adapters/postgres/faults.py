"""What PostgreSQL and psycopg raise, in our own words; never with a value, a text or a secret in them (A6)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed

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


def fault(error: psycopg.Error) -> StoreError | AlreadyExists | InvalidValue:
    """Our error for one of psycopg's.

    Its message is left out, and so is the error itself as a cause: PostgreSQL repeats rows in them.
    """
    said = error.diag
    kind, id_ = said.message_primary or "", said.message_detail or ""
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
