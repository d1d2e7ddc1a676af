"""Everything in PostgreSQL, shared by as many processes as there are (extra ``postgres``).

`PostgresStore` and `AsyncPostgresStore` hold a pool of connections and a doorbell (``LISTEN`` and ``NOTIFY``).
`PostgresTransaction` and `AsyncPostgresTransaction` work inside a transaction of the host application's. Nearly every
operation of a store is one statement, so a command about a conversation costs two round trips: to read, and to commit.
"""

try:
    import psycopg as _psycopg
    import psycopg_pool as _psycopg_pool
except ImportError as _error:  # pragma: no cover - shown by a test in an environment without psycopg
    raise ImportError("PostgreSQL needs psycopg and its pool: pip install 'sms-transfer[postgres]'") from _error

from sms_transfer.adapters.postgres.awaitable import AsyncPostgresStore, AsyncPostgresTransaction
from sms_transfer.adapters.postgres.blocking import PostgresStore, PostgresTransaction
from sms_transfer.adapters.postgres.schema import migrate

__all__ = [
    "AsyncPostgresStore",
    "AsyncPostgresTransaction",
    "PostgresStore",
    "PostgresTransaction",
    "migrate",
]

del _psycopg, _psycopg_pool
