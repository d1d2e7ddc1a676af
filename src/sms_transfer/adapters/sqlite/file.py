"""One SQLite file: its connections and transactions, and what SQLite's errors mean.

The file is in WAL mode: readers never wait, each sees one consistent state, and there is one writer at a time. Writers
of this process queue at a lock in front, so that only one of them at a time polls for the file's own.

SQLite forbids to carry a connection across a fork, even to close it there, because the locks of a file are known to
the library by process. So every file is let go of while the process forks, and both sides open it anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Condition, Lock
from time import monotonic, sleep
from typing import Final
from weakref import WeakSet

from sms_transfer.errors import SmsTransferError, StoreUnavailable, UnusableStore

_KEPT: Final = 32
"""How many readers are kept open for the next ones."""
_PAUSE: Final = 0.005
_LONGEST_WAIT: Final = 1_000_000.0
"""Seconds; what SQLite counts milliseconds with holds no more than twice as many."""

_NOT_NOW: Final = {
    sqlite3.SQLITE_BUSY: "it is locked by another process",
    sqlite3.SQLITE_LOCKED: "it is locked by another process",
    sqlite3.SQLITE_PROTOCOL: "it is locked by another process",
    sqlite3.SQLITE_FULL: "there is no space left",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
}
_NEVER: Final = {
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_PERM: "it cannot be written",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_ERROR: "its tables are not what they should be",
}


def meaning(error: sqlite3.Error) -> SmsTransferError:
    """What an error of SQLite's is in our words: never its own, which may repeat what is kept (A6)."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # what is above says it more exactly
    if code in _NOT_NOW:
        return StoreUnavailable(detail=f"{_NOT_NOW[code]} ({name})")
    return UnusableStore(detail=f"{_NEVER.get(code, 'SQLite refuses')} ({name})")


class SqliteFile:
    """A file that is ours, open for threads.

    Args:
        path: absolute, so that it stays the same file.
        durable: whether what is committed outlives a loss of power too, and not only the end of the process.
        patience: seconds to wait for a lock.
        prepare: sees to it that the tables are there.

    Raises:
        UnusableStore: it is not ours, cannot be opened or cannot be written.
        StoreUnavailable: it stays locked.
    """

    def __init__(
        self, path: str, *, durable: bool, patience: float, prepare: Callable[[sqlite3.Connection], None]
    ) -> None:
        self._path = path
        self._synchronous = "FULL" if durable else "NORMAL"
        self._patience = min(patience, _LONGEST_WAIT)
        self._writing = Lock()
        self._writer: sqlite3.Connection | None = None
        self._reading = Condition(Lock())  # guards what follows
        self._readers: list[sqlite3.Connection] = []
        self._in_use = 0
        self._paused = False
        self._closed = False
        with self._writing:
            with _FORKING:  # a fork under way goes through all of them
                _FILES.add(self)
            self._open(prepare)  # a fork that begins now waits

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that is committed at the end, or rolled back if anything is raised."""
        if not self._writing.acquire(timeout=self._patience):
            raise StoreUnavailable(detail="another thread writes for too long")
        try:
            with _explained():
                connection = self._open_writer()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                except BaseException as error:
                    self._undo(connection, error)
                    raise
        finally:
            self._writing.release()

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection that each single statement sees one state of the file with."""
        with _explained():
            connection = self._take()
            try:
                yield connection
            except BaseException:  # whatever state it is in: the next reader has another
                connection.close()
                self._give_back(None)
                raise
            self._give_back(connection)

    @contextmanager
    def glancing(self) -> Generator[sqlite3.Connection]:
        """As `reading`, for a single statement that is over at once.

        Where nobody writes it has the writer's connection, whose pages are still at hand: a reader's are of no use any
        more after each commit.
        """
        if not self._writing.acquire(blocking=False):
            with self.reading() as connection:
                yield connection
            return
        try:
            with _explained():
                connection = self._open_writer()
                try:
                    yield connection
                except BaseException:  # whatever state it is in: the next writer has another
                    self._close_writer()
                    raise
        finally:
            self._writing.release()

    @contextmanager
    def snapshot(self) -> Generator[sqlite3.Connection]:
        """A connection that all statements together see one state of the file with."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close every connection: now, or as soon as it has done its work. May be called twice."""
        with self._reading:
            self._closed = True
            self._close_readers()
        with self._writing:
            self._close_writer()

    def let_go(self) -> None:
        """Close everything and keep everybody out, until `go_on`."""
        self._writing.acquire()
        self._reading.acquire()
        self._paused = True
        self._reading.wait_for(lambda: self._in_use == 0)
        self._close_readers()
        self._close_writer()

    def go_on(self) -> None:
        """Let everybody in again."""
        self._paused = False
        self._reading.notify_all()
        self._reading.release()
        self._writing.release()

    # the writer

    def _open(self, prepare: Callable[[sqlite3.Connection], None]) -> None:
        with _explained():
            connection = self._connect()
            try:
                prepare(connection)
                self._use_wal(connection)
            except BaseException:
                connection.close()
                raise
        self._writer = connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        if self._ask_for_wal(connection) != "wal":
            raise UnusableStore(detail="its file system cannot share memory between processes")

    def _ask_for_wal(self, connection: sqlite3.Connection) -> str:
        """Turn the file to WAL mode, for good, and tell the mode that it is in.

        Several who do so at once are in each other's way, and here SQLite does not wait by itself.
        """
        end = monotonic() + self._patience
        while True:
            try:
                [mode] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if monotonic() > end:
                    raise
                sleep(_PAUSE)
            else:
                return str(mode)

    def _open_writer(self) -> sqlite3.Connection:
        if self._closed:
            raise _closed()
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def _undo(self, connection: sqlite3.Connection, error: BaseException) -> None:
        if isinstance(error, SmsTransferError):
            connection.execute("ROLLBACK")
        else:  # whatever state it is in: closing it undoes the same, and the next writer has another
            self._close_writer()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # the readers

    def _take(self) -> sqlite3.Connection:
        with self._reading:
            while self._paused:
                self._reading.wait()
            if self._closed:
                raise _closed()
            self._in_use += 1
            if self._readers:
                return self._readers.pop()
        try:
            return self._connect()
        except BaseException:
            self._give_back(None)
            raise

    def _give_back(self, connection: sqlite3.Connection | None) -> None:
        with self._reading:
            self._in_use -= 1
            if connection is not None:
                if self._closed or len(self._readers) >= _KEPT:
                    connection.close()
                else:
                    self._readers.append(connection)
            if self._paused:
                self._reading.notify_all()

    def _close_readers(self) -> None:
        while self._readers:
            self._readers.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection


def _closed() -> UnusableStore:
    return UnusableStore(detail="it is closed")


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise meaning(error) from None


_FILES: Final[WeakSet[SqliteFile]] = WeakSet()
_FORKING: Final = Lock()
_let_go: Final[list[SqliteFile]] = []


def _before_fork() -> None:
    _FORKING.acquire()
    for file in list(_FILES):
        file.let_go()
        _let_go.append(file)


def _after_fork() -> None:
    while _let_go:
        _let_go.pop().go_on()
    _FORKING.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on every system
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
