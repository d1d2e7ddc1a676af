"""The tables and functions in PostgreSQL, made and changed by numbered steps.

A commit is one function call, so it is one round trip and one transaction. Its order matters:

1. the interaction's row is written under its version. From here on nobody else commits to this interaction, so what
   follows (numbers of texts and events, the live transfer) cannot race;
2. ids that may be used once only are put into ``name``;
3. the desks of those concerned are counted up, and those of all others whose places it may change are locked, in the
   order of the agents' ids, so that two commits never wait for each other in a circle. Each desk's row is locked from
   here on, so the places of its agent are counted by one commit at a time, and by a statement that began after the one
   before was committed: the last place is taken once (E3), and what ``member`` says of who can receive stays true (Q3);
4. what the interaction has (transfers, texts, events) is written, and the doorbell rung, which PostgreSQL does when and
   if the transaction is committed.

Everything that belongs to one interaction has ``interaction_id`` in its key, and ``name`` and the desks stand by
themselves: the tables can be partitioned, or spread over machines, by interaction id, ``name`` by its own id and the
desks by agent.

``member`` says who serves a target, queues and agent groups alike, and whether they can receive: so that the longest
idle are found in an index, however many members there are. Whoever changes an agent's rows there (a commit that moves
their places, a change of their record, a change of a queue that they come to or go from) has locked that agent's desk
before, and counts in a statement that began after that. Of several desks the first in order is locked first; a queue's
own row is locked before any desk, and the row of the roster after all of them.

Events get their ``position`` in the feed when the feed is first read after they are committed, and not when they are
written: numbers given by the writers would become visible out of order, and a reader that goes by them would skip those
of a slower writer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from operator import attrgetter
from typing import Final

import psycopg
from psycopg import sql

from sms_transfer.adapters.postgres.faults import connect, translated
from sms_transfer.core.check import untrusted
from sms_transfer.errors import InvalidValue, UnusableStore

MIGRATION_LOCK: Final = 7_364_021_955_126_402_803
"""The advisory lock under which a schema is made or changed; any number that nobody else uses."""

STEPS: Final = tuple(
    step.read_text(encoding="utf-8")
    for step in sorted(
        resources.files("sms_transfer.adapters.postgres").joinpath("steps").iterdir(), key=attrgetter("name")
    )
)
"""What leads from each version of the schema to the next; the first makes it. Never changed once released."""

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}")


def checked_name(schema: str) -> str:
    """A schema's name, if it can be one.

    Raises:
        InvalidValue: it is not made of letters, digits and underscores, or is too long for PostgreSQL.
    """
    if not isinstance(untrusted(schema), str) or _NAME.fullmatch(schema) is None:
        raise InvalidValue(field="schema", rule="must be 1 to 63 letters, digits or underscores, and no digit first")
    return schema


def migrate(conninfo: str, *, schema: str = "sms_transfer", steps: Sequence[str] = STEPS) -> int:
    """Make the schema, or bring it up to date, in one transaction; nothing happens if it is.

    Any number of processes may do so at once. A store does it when it is opened, unless it is told not to: call this
    with a role that may create things, and open stores with one that may not.

    Args:
        conninfo: where the database is, in libpq's words.
        schema: what the schema is called.
        steps: for tests.

    Returns:
        How many steps were taken.

    Raises:
        InvalidValue: the schema's name cannot be one.
        UnusableStore: the schema is newer than this code, or holds something else, or the role may not do this.
        StoreUnavailable: the database cannot be reached.
    """
    name = sql.Identifier(checked_name(schema))
    with connect(conninfo) as connection, translated():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        known = _version(connection, schema)
        if known > len(steps):
            raise UnusableStore(detail=f"schema {schema} has version {known}, and this code knows {len(steps)}")
        if known == len(steps):
            return 0
        if known == 0:
            if connection.execute("SELECT to_regnamespace(%s)", (f'"{schema}"',)).fetchone() == (None,):
                # Not "IF NOT EXISTS": that needs the right to make schemas, although this one is there.
                connection.execute(sql.SQL("CREATE SCHEMA {schema}").format(schema=name))
            connection.execute(sql.SQL("CREATE TABLE {schema}.version (version integer NOT NULL)").format(schema=name))
            connection.execute(sql.SQL("INSERT INTO {schema}.version VALUES (0)").format(schema=name))
        for step in steps[known:]:
            connection.execute(step.replace("sms_transfer.", f'"{schema}".').encode())
        connection.execute(sql.SQL("UPDATE {schema}.version SET version = %s").format(schema=name), (len(steps),))
    return len(steps) - known


def check_version(conninfo: str, *, schema: str = "sms_transfer") -> None:
    """See whether the schema is what this code needs.

    Raises:
        UnusableStore: it is not there, older or newer.
        StoreUnavailable: the database cannot be reached.
    """
    with connect(conninfo) as connection, translated():
        known = _version(connection, checked_name(schema))
    if known == 0:
        raise UnusableStore(detail=f"there is no schema {schema} of this library's: call migrate")
    if known != len(STEPS):
        raise UnusableStore(detail=f"schema {schema} has version {known}, and this code needs {len(STEPS)}")


def _version(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> int:
    """The version that the schema has; 0 if there is none."""
    found = connection.execute("SELECT to_regclass(%s)", (f'"{schema}"."version"',)).fetchone()
    if found is None or found[0] is None:
        return 0
    version = sql.SQL("SELECT version FROM {schema}.version").format(schema=sql.Identifier(schema))
    found = connection.execute(version).fetchone()
    return found[0] if found is not None and isinstance(found[0], int) else 0
