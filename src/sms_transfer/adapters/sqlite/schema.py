"""The tables, made and brought up to date by numbered steps.

`PRAGMA application_id` says that a file is ours, `PRAGMA user_version` how many of the `STEPS` it has had. A step that
was released is never changed: what must be different is a further step. Each is one transaction, so a file is always
in one version or the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sms_transfer.errors import UnusableStore

APPLICATION_ID: Final = 0x534D5358
"""``SMSX``, for ``file`` and its like."""

Step = tuple[str, ...]
"""The statements of one step. (`sqlite3` commits before it runs a script, so a script would be no transaction.)"""

_FIRST: Final[Step] = (
    """CREATE TABLE interaction (
        id TEXT NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        holder TEXT,
        kept_for TEXT,
        invitee TEXT,
        offered_until INTEGER,  -- microseconds since 1970, as all instants here
        body TEXT NOT NULL
    )""",
    # Whose places an interaction takes (E3), and whose desktops it is on.
    "CREATE INDEX interaction_held ON interaction (holder) WHERE holder IS NOT NULL",
    "CREATE INDEX interaction_kept ON interaction (kept_for) WHERE kept_for IS NOT NULL",
    "CREATE INDEX interaction_offered ON interaction (invitee, offered_until) WHERE invitee IS NOT NULL",
    # Its number outlives a VACUUM, so that the latest keeps the highest.
    """CREATE TABLE transfer (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        interaction_id TEXT NOT NULL,
        live INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        waits_for TEXT,  -- the target that it is ROUTING to
        rank INTEGER NOT NULL,  -- what its priority falls short of 0: the least is routed first
        requested_at INTEGER NOT NULL,
        sender TEXT,
        target TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    # Closed requests leave the index, so that looking for what is due costs what is due (F4).
    "CREATE INDEX transfer_due ON transfer (due_at, id) WHERE live",
    "CREATE INDEX transfer_waits ON transfer (waits_for, rank, requested_at, id) WHERE waits_for IS NOT NULL",  # Q3
    # Whom an agent asked, and the number of the last request: what grows with those who can be asked, and not with
    # what an agent does in a life.
    """CREATE TABLE recent (
        agent_id TEXT NOT NULL,
        target TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (agent_id, target)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER remember_recent AFTER INSERT ON transfer WHEN new.sender IS NOT NULL BEGIN
        INSERT INTO recent (agent_id, target, number) VALUES (new.sender, new.target, new.number)
            ON CONFLICT (agent_id, target) DO UPDATE SET number = excluded.number;
    END""",
    """CREATE TABLE favourite (
        agent_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        target TEXT NOT NULL,
        PRIMARY KEY (agent_id, number),
        UNIQUE (agent_id, target)
    ) WITHOUT ROWID""",
    "CREATE TABLE ticket (id TEXT NOT NULL PRIMARY KEY, transfer_id TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE used_key (
        agent_id TEXT NOT NULL,
        key TEXT NOT NULL,
        transfer_id TEXT NOT NULL,
        PRIMARY KEY (agent_id, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE text (
        id TEXT NOT NULL PRIMARY KEY,
        interaction_id TEXT NOT NULL,
        number INTEGER NOT NULL,  -- from 0, in the order of the transcript
        unsent INTEGER NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (interaction_id, number)
    )""",
    "CREATE INDEX text_unsent ON text (interaction_id, number) WHERE unsent",
    # Interactions with unsent texts, in the order in which they are named next (F6).
    "CREATE TABLE waiting (interaction_id TEXT NOT NULL PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX waiting_turn ON waiting (turn)",
    # A position is a cursor, so it must not be given twice: whoever takes old events out must leave the last one in.
    # (AUTOINCREMENT would see to that, and write one more page at every commit.)
    """CREATE TABLE event (
        position INTEGER PRIMARY KEY,
        interaction_id TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX event_of ON event (interaction_id)",
    # What `found` says of both: the version of the roster in which they came to be found as they are now (T2).
    """CREATE TABLE agent (
        id TEXT NOT NULL PRIMARY KEY,
        found INTEGER NOT NULL,
        has_left INTEGER NOT NULL,
        status TEXT,  -- NULL for whoever cannot receive, being logged out or in do-not-disturb
        capacity INTEGER NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX agent_found ON agent (found)",
    # What is short stands before the body, which may be long: it is read without it.
    """CREATE TABLE queue (
        id TEXT NOT NULL PRIMARY KEY,
        found INTEGER NOT NULL,
        label TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX queue_found ON queue (found)",
    # Who serves what (Q1), whether from the record of a queue or from an agent's own; it may name an agent whom nobody
    # knows yet. What of the agent says who is asked next is kept here as well, so that nobody else is looked at.
    """CREATE TABLE member (
        agent_id TEXT NOT NULL,
        target TEXT NOT NULL,
        status TEXT,  -- the agent's
        free INTEGER NOT NULL,  -- whether the agent has a free place
        turn INTEGER NOT NULL,  -- of those alike in what stands before, the longest idle has the least
        PRIMARY KEY (agent_id, target)
    ) WITHOUT ROWID""",
    "CREATE INDEX member_of ON member (target, agent_id)",
    "CREATE INDEX member_able ON member (target, status, free, turn) WHERE status IS NOT NULL",  # Q4
    # An agent's changes are numbered without a gap, and the last is never deleted: it is the version of the desktop.
    """CREATE TABLE change (
        agent_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        interaction_id TEXT,
        entry_id TEXT,
        PRIMARY KEY (agent_id, version)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER forget_changes AFTER INSERT ON change WHEN new.version % 64 = 0 BEGIN
        DELETE FROM change WHERE agent_id = new.agent_id AND version < new.version - 256;
    END""",
    """CREATE TABLE entry (
        number INTEGER PRIMARY KEY,
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        read INTEGER NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (agent_id, id)
    )""",
)

STEPS: Final[tuple[Step, ...]] = (_FIRST,)


def bring_up_to_date(connection: sqlite3.Connection, steps: tuple[Step, ...] = STEPS) -> None:
    """Make the tables in a new file, or bring those of an older version of this library up to date.

    Any number of processes may do so at once: each step is taken by whoever gets the lock first.

    Raises:
        UnusableStore: the file is another program's, or of a later version of this library.
        sqlite3.Error: the file cannot be written, or is none of SQLite's.
    """
    while _take_a_step(connection, steps):
        pass


def _take_a_step(connection: sqlite3.Connection, steps: tuple[Step, ...]) -> bool:
    with _transaction(connection):
        version = _version(connection, len(steps))
        if version == len(steps):
            connection.execute(f"PRAGMA user_version = {version}")  # whoever may not write is to be told now
            connection.rollback()
            return False
        for statement in steps[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version + 1}")
    return True


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()  # nothing, if SQLite has done so itself
        raise


def _version(connection: sqlite3.Connection, newest: int) -> int:
    """How many steps the file has had."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    new = version == application == tables == 0
    if not new and (application != APPLICATION_ID or version < 1):
        raise UnusableStore(detail="it is another program's database")
    if version > newest:
        raise UnusableStore(detail=f"its schema is of version {version}, and this library knows {newest}")
    return int(version)
