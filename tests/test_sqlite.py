"""What is particular to the store on a SQLite file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread, Timer
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    ChannelStatus,
    Conflict,
    CorruptRecord,
    Direction,
    FrozenDict,
    Interaction,
    InvalidValue,
    Media,
    Message,
    Notice,
    SmsTransferError,
    StoreUnavailable,
    SystemMessage,
    TransferService,
    UnusableStore,
)
from sms_transfer.adapters.records import REMEMBERED_CHANGES
from sms_transfer.adapters.sqlite import SqliteStore, statements
from sms_transfer.adapters.sqlite.file import SqliteFile, meaning
from sms_transfer.adapters.sqlite.numbers import microseconds
from sms_transfer.adapters.sqlite.schema import APPLICATION_ID, STEPS, Step, bring_up_to_date
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.events import InteractionOpened
from sms_transfer.testing import ManualClock
from sms_transfer.testing.conformance import Capability, StoreConformance
from sms_transfer.testing.machine import TransferMachine
from support import BOB, CONTACT, TIMEOUT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = timedelta(milliseconds=30)
PATIENCE = 20.0  # seconds, after which a test gives up; none of them takes that long
WORDS = "the secret words"


class TestSqliteStore(StoreConformance):
    """It is a store like any other."""

    capabilities = frozenset({Capability.DURABLE, Capability.MANY_HANDLES})
    examples = 25

    @pytest.fixture
    def opened(self) -> Iterator[ExitStack]:
        with ExitStack() as stack:
            yield stack

    @pytest.fixture
    def paths(self) -> dict[SqliteStore, Path]:
        return {}

    @pytest.fixture
    def make_store(
        self, tmp_path: Path, opened: ExitStack, paths: dict[SqliteStore, Path]
    ) -> Callable[[], SqliteStore]:
        numbers = count()

        def make() -> SqliteStore:
            path = tmp_path / f"{next(numbers)}.db"
            store = opened.enter_context(SqliteStore(path))
            paths[store] = path
            return store

        return make

    @pytest.fixture
    def reopen_store(self, opened: ExitStack, paths: dict[SqliteStore, Path]) -> Callable[[SqliteStore], SqliteStore]:
        return lambda store: opened.enter_context(SqliteStore(paths[store]))


class SqliteTransfers(TransferMachine):
    """The stateful machine, over a file."""

    def make_service(self, clock: ManualClock) -> TransferService:
        self.opened = ExitStack()
        folder = self.opened.enter_context(TemporaryDirectory())
        store = self.opened.enter_context(SqliteStore(Path(folder, "centre.db"), durable=False))
        return TransferService(store, clock=clock)

    def teardown(self) -> None:
        with self.opened:
            super().teardown()


TestSqliteTransfers = SqliteTransfers.TestCase
TestSqliteTransfers.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def opened(id_: str = "i", owner: str = "alice") -> Interaction:
    """An interaction as it is recorded first."""
    return Interaction(id_, media=Media.SMS, contact=CONTACT, owner=owner, version=1)


def opening(id_: str = "i", *, claim: Claim | None = None) -> Decision:
    """The first commit of an interaction of Alice's, with a text and a notice."""
    event = InteractionOpened(interaction_id=id_, at=NOW, by=None, owner="alice", media=Media.SMS, epoch=0)
    text = Message(f"m-{id_}", interaction_id=id_, direction=Direction.OUTBOUND, text=WORDS, at=NOW)
    notice = Notice("transfer.expired", FrozenDict({"target": "Bob"}))
    entry = SystemMessage(f"n-{id_}", agent_id="alice", notice=notice, at=NOW, interaction_id=id_)
    return Decision(opened(id_), events=(event,), texts=(text,), notices=(entry,), concerned=("alice",), claim=claim)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store in which Bob is known and Alice owns ``"i"``, and that is not patient."""
    with SqliteStore(path, patience=SHORT) as store:
        store.add_agent(Agent("bob", "Bob"))
        store.commit(opening())
        yield store


def by_hand(path: Path) -> closing[sqlite3.Connection]:
    """The file as any other program sees it."""
    return closing(sqlite3.connect(path, isolation_level=None))


def run(path: Path, program: str) -> subprocess.Popen[str]:
    """Run something in a process of its own; ``store`` is a store on this file."""
    begin = (
        "import sys, threading\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "import test_sqlite as t\n"
        f"store = t.SqliteStore({str(path)!r}, patience=t.timedelta(seconds={PATIENCE}))\n"
    )
    command = [sys.executable, "-c", begin + program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - it is this very interpreter


def finish(process: subprocess.Popen[str]) -> str:
    """What a process printed; it must not have failed."""
    with process:
        printed, _ = process.communicate(timeout=PATIENCE * 3)
    assert process.returncode == 0
    return printed


# the file


@pytest.mark.parametrize("bad", ["", ":memory:", "a\0b", b"centre.db", 3, None])
def test_a8_a_path_is_that_of_a_file(bad: object) -> None:
    """A8: in memory every connection would have a database of its own."""
    with pytest.raises(InvalidValue) as refused:
        SqliteStore(bad)  # type: ignore[arg-type]

    assert refused.value.field == "path"


@pytest.mark.parametrize("patience", [timedelta(0), 5, timedelta(days=366)])
def test_a8_patience_is_a_length_of_time(path: Path, patience: timedelta) -> None:
    """A8: and nothing is made before that is known."""
    with pytest.raises(InvalidValue) as refused:
        SqliteStore(path, patience=patience)

    assert refused.value.field == "patience"
    assert not path.exists()


def test_a8_patience_may_be_very_long(path: Path) -> None:
    """A8: SQLite's own count of milliseconds would overflow, and not wait at all."""
    with (
        SqliteStore(path, patience=timedelta(days=365)) as store,
        store._file.reading() as connection,  # noqa: SLF001 - nobody waits for it here
    ):
        assert [(1_000_000_000,)] == connection.execute("PRAGMA busy_timeout").fetchall()


def test_f6_a_path_stays_that_of_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6: readers are opened when they are needed, wherever the process has gone since."""
    monkeypatch.chdir(tmp_path)
    with SqliteStore("centre.db") as store:
        store.commit(opening())
        monkeypatch.chdir("/")

        assert opened() == store.read(Need(interaction_id="i"), NOW).interaction


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_f6_a_commit_waits_for_the_disk_if_it_is_to_be_durable(path: Path, *, durable: bool, level: int) -> None:
    """F6: FULL or NORMAL, for each connection; the mode of the file is WAL."""
    with SqliteStore(path, durable=durable) as store:
        file = store._file  # noqa: SLF001 - nothing else tells
        for _ in range(2):
            with file.writing() as connection:
                assert (level,) == connection.execute("PRAGMA synchronous").fetchone()
                assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
            file.let_go()
            file.go_on()


def test_f6_a_store_that_is_closed_leaves_one_file(store: SqliteStore, path: Path) -> None:
    """F6: whatever threads have used it, no connection is left; and it says so."""
    threads = [Thread(target=store.transcript, args=("i",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store.close()
    store.close()

    assert [path] == list(path.parent.iterdir())
    for use in (lambda: store.transcript("i"), lambda: store.mark_sent("m-i")):
        with pytest.raises(UnusableStore, match="closed"):
            use()


def test_f6_a_reader_at_work_is_closed_when_it_has_done(store: SqliteStore, path: Path) -> None:
    """F6: and reads on until then."""
    with store._file.reading() as connection:  # noqa: SLF001 - a reading is over at once otherwise
        store.close()
        assert (1,) == connection.execute("SELECT count(*) FROM interaction").fetchone()

    assert [path] == list(path.parent.iterdir())


def test_f7_a_glance_while_somebody_writes_sees_what_is_recorded(store: SqliteStore) -> None:
    """F7: and nothing of what may be undone yet; nor does it wait."""
    file = store._file  # noqa: SLF001 - a commit is over at once otherwise
    with file.writing() as connection:
        connection.execute("DELETE FROM interaction")
        with file.glancing() as glance:
            seen = glance.execute("SELECT count(*) FROM interaction").fetchone()

    assert (1,) == seen


def test_f6_a_glance_that_fails_leaves_nothing_to_the_next_writer(store: SqliteStore) -> None:
    """F6: whatever state its connection was in, the next one is another."""
    file = store._file  # noqa: SLF001 - nothing public fails halfway
    with pytest.raises(RuntimeError), file.glancing() as broken:
        raise RuntimeError

    with file.writing() as connection:
        assert broken is not connection


def test_f6_not_every_reader_is_kept(store: SqliteStore) -> None:
    """F6: a moment with very many threads does not keep files open for ever."""
    file = store._file  # noqa: SLF001 - nothing public tells
    with ExitStack() as readers:
        for _ in range(40):
            readers.enter_context(file.reading())

    assert len(file._readers) == 32  # noqa: SLF001


# what the file can be


def foreign_id(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA application_id = 7")


def foreign_version(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 1")


def foreign_table(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE customer (id)")


def no_version(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@pytest.mark.parametrize("make", [foreign_id, foreign_version, foreign_table, no_version])
def test_a8_another_programs_file_is_left_alone(path: Path, make: Callable[[sqlite3.Connection], None]) -> None:
    """A8: not a byte of it changes."""
    with by_hand(path) as connection:
        make(connection)
    before = path.read_bytes()

    with pytest.raises(UnusableStore, match="another program's"):
        SqliteStore(path)

    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


def test_a8_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    """A8: not a byte of it changes."""
    path.write_text(WORDS * 1_000)

    with pytest.raises(UnusableStore, match=r"no SQLite database \(SQLITE_NOTADB\)"):
        SqliteStore(path)

    assert WORDS * 1_000 == path.read_text()


def test_a8_a_file_of_a_later_version_is_left_alone(store: SqliteStore, path: Path) -> None:
    """A8: this one would not know what it means."""
    store.close()
    with by_hand(path) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(UnusableStore, match=f"version 99, and this library knows {len(STEPS)}"):
        SqliteStore(path)


@pytest.mark.parametrize("name", ["nowhere/centre.db", "."])
def test_a8_a_file_that_cannot_be_opened_is_unusable(tmp_path: Path, name: str) -> None:
    """A8: its folder is missing, or it is one."""
    with pytest.raises(UnusableStore, match=r"cannot be opened \(SQLITE_CANTOPEN"):
        SqliteStore(tmp_path / name)


def connecting_as(monkeypatch: pytest.MonkeyPatch, kind: type[sqlite3.Connection]) -> None:
    """Make connections of this kind."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **how: connect(*args, factory=kind, **how))


@contextmanager
def connecting(monkeypatch: pytest.MonkeyPatch, instead: str) -> Iterator[None]:
    """Connect to something else: what a file system refuses, it does not refuse everybody who runs the tests."""
    connect = sqlite3.connect

    def elsewhere(_: str, **how: object) -> sqlite3.Connection:
        return connect(instead, uri=True, **how)  # type: ignore[call-overload, no-any-return]

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", elsewhere)
        yield


def test_a8_a_file_that_cannot_be_written_is_unusable(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: it is told when the store is opened, not by the first command."""
    store.close()

    with (
        connecting(monkeypatch, f"file:{path}?mode=ro"),
        pytest.raises(UnusableStore, match=r"cannot be written \(SQLITE_READONLY"),
    ):
        SqliteStore(path)


def test_a8_a_file_system_without_shared_memory_is_unusable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: SQLite would stay in a mode in which readers and writers wait for each other."""
    with connecting(monkeypatch, "file::memory:"), pytest.raises(UnusableStore, match="share memory"):
        SqliteStore(path)


# its tables


LATER: tuple[Step, ...] = (
    *STEPS,
    ("ALTER TABLE agent ADD COLUMN site TEXT", "UPDATE agent SET site = 'here'"),
    ("CREATE TABLE site (id TEXT)", "INSERT INTO site SELECT DISTINCT site FROM agent"),
)


def version(path: Path) -> int:
    with by_hand(path) as connection:
        [found] = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def test_f6_an_older_file_is_brought_up_to_date(store: SqliteStore, path: Path) -> None:
    """F6: step by step, with what is in it; and once."""
    store.close()

    for _ in range(2):
        with by_hand(path) as connection:
            bring_up_to_date(connection, LATER)
            assert [("here",)] == connection.execute("SELECT id FROM site").fetchall()

    assert version(path) == len(STEPS) + 2
    with by_hand(path) as connection:
        assert [("bob", "here")] == connection.execute("SELECT id, site FROM agent").fetchall()


def test_f6_a_step_that_fails_leaves_the_version_before(store: SqliteStore, path: Path) -> None:
    """F6: all of it or none; the steps before stay taken, and it can go on from there."""
    store.close()
    with by_hand(path) as connection, pytest.raises(sqlite3.OperationalError):
        bring_up_to_date(connection, (*LATER, ("CREATE TABLE half (id)", "nonsense")))

    assert version(path) == len(STEPS) + 2
    with by_hand(path) as connection:
        assert [] == connection.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
        bring_up_to_date(connection, (*LATER, ("CREATE TABLE half (id)",)))
    assert version(path) == len(STEPS) + 3


def test_d7_changes_are_kept_as_long_as_is_promised_and_not_for_ever(store: SqliteStore, path: Path) -> None:
    """D7: the trigger's number is the one that all stores share."""
    first = store.desktop("alice").version
    read = False
    for _ in range(703):  # to the moment after some were forgotten
        read = not read
        store.mark_read("alice", "n-i", read=read)

    with by_hand(path) as connection:
        [kept] = connection.execute("SELECT count(*) FROM change WHERE agent_id = 'alice'").fetchone()
    assert kept == REMEMBERED_CHANGES + 1
    now = store.desktop("alice").version
    assert first + 703 == now
    assert store.desktop("alice", since=now - REMEMBERED_CHANGES).about is not None
    assert store.desktop("alice", since=now - REMEMBERED_CHANGES - 1).about is None


# what a statement costs


WALKS = {
    "SCAN CONSTANT ROW",
    "SCAN waiting USING COVERING INDEX waiting_turn",  # what waits, from its beginning
    "SCAN line",  # the targets that are waited for, as they are found
    "SCAN new",  # a row that is to be
}
"""Whatever else is looked through would be looked through whole."""
STATEMENTS = sorted(name for name in vars(statements) if name.isupper() and name not in {"PLACES", "_VERSION"})


@pytest.mark.parametrize("name", STATEMENTS)
def test_f4_no_statement_looks_through_a_table(store: SqliteStore, name: str) -> None:
    """F4: reading, committing, desktops and deadlines cost what they find, not what there is."""
    statement = getattr(statements, name)
    with store._file.reading() as connection:  # noqa: SLF001 - nothing public tells
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()

    assert [] == [step for *_, step in plan if step.startswith("SCAN") and step not in WALKS]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.DUE, "transfer_due"),
        (statements.NEXT_UNSENT, "text_unsent"),
        (statements.STOP_WAITING, "text_unsent"),
        (statements.LOAD, "interaction_held"),
        (statements.LOAD, "interaction_kept"),
        (statements.LOAD, "interaction_offered"),
        (statements.DESKTOP_SINCE, "sqlite_autoindex_interaction_1"),
    ],
)
def test_f4_what_waits_is_found_by_an_index_of_its_own(store: SqliteStore, statement: str, index: str) -> None:
    """F4: what is closed, sent or done costs nothing any more."""
    with store._file.reading() as connection:  # noqa: SLF001 - nothing public tells
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()

    assert any(f"INDEX {index} (" in step for *_, step in plan)


WITHOUT_THE_REST = {
    "interaction_held",
    "interaction_kept",
    "interaction_offered",
    "member_able",
    "text_unsent",
    "transfer_due",
    "transfer_waits",
}


def test_f4_an_index_of_what_waits_has_nothing_else(store: SqliteStore, path: Path) -> None:
    """F4: what is closed, sent or done leaves it."""
    store.close()
    with by_hand(path) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")

        assert WITHOUT_THE_REST == {name for (name,) in found}


# numbers


@given(st.datetimes(timezones=st.just(UTC)))
def test_f4_an_instant_is_kept_to_the_microsecond(at: datetime) -> None:
    """F4: of every year that there is, those before 1970 too."""
    assert at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(at))
    assert -(2**63) < microseconds(at) < 2**63


def test_a8_numbers_may_be_larger_than_sqlites(path: Path) -> None:
    """A8: a capacity, a version or a limit of more than 64 bits is a number like any other."""
    huge = 10**30
    with SqliteStore(path) as store:
        store.commit(opening(claim=Claim("alice", huge, NOW)))
        with pytest.raises(Conflict):
            store.commit(attrs.evolve(opening(), interaction=attrs.evolve(opened(), version=huge)))
        assert ("i",) == store.unsent(limit=huge)
        assert () == store.due(NOW, limit=huge)
        assert store.history("i") == store.events(after=None, limit=huge).events
        assert store.desktop("alice", since=huge).about is None
        assert store.desktop("alice", since=-huge).about is None
        assert () == store.desktop("alice", known={"i": huge}).transcripts["i"].messages


@pytest.mark.parametrize("cursor", ["", "x", "-1", "+1", "1.0", "1_0", "٣", "²", "9" * 19, "9" * 18])
def test_a8_a_cursor_that_was_never_given_is_refused(store: SqliteStore, cursor: str) -> None:
    """A8: of another form, or beyond the end."""
    with pytest.raises(InvalidValue) as refused:
        store.events(after=cursor, limit=10)

    assert refused.value.field == "after"


# what goes wrong


def test_f6_a_full_disk_loses_nothing_and_leaves_nothing_half_done(store: SqliteStore) -> None:
    """F6, F7: the command is refused, and can be said again when there is space."""
    file = store._file  # noqa: SLF001 - a disk is not easily filled
    with file.writing() as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    done = -1

    def fill() -> None:
        nonlocal done
        while True:
            done += 1
            store.commit(opening(f"j-{done}"))

    with pytest.raises(StoreUnavailable, match=r"no space left \(SQLITE_FULL\)") as refused:
        fill()

    assert WORDS not in str(refused.value)
    assert store.read(Need(interaction_id=f"j-{done}", message_id=f"m-j-{done}"), NOW).message is None
    assert () == store.history(f"j-{done}")
    assert done + 1 == len(store.events(after=None, limit=9_999).events)
    store.commit(opening(f"j-{done}"))
    assert opened(f"j-{done}") == store.read(Need(interaction_id=f"j-{done}"), NOW).interaction


def test_f7_a_file_that_stays_locked_is_unavailable(store: SqliteStore, path: Path) -> None:
    """F7: nothing is changed, reading goes on, and when the lock is gone so does writing."""
    with by_hand(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match=r"locked by another process \(SQLITE_BUSY"):
            store.commit(opening("j"))
        assert store.read(Need(interaction_id="j"), NOW).interaction is None
        other.execute("ROLLBACK")
        store.commit(opening("j"))

    assert opened("j") == store.read(Need(interaction_id="j"), NOW).interaction


def test_f7_a_thread_that_writes_for_too_long_makes_the_store_unavailable(store: SqliteStore) -> None:
    """F7: others wait for it no longer than for another process."""
    with store._file.writing(), pytest.raises(StoreUnavailable, match="another thread"):  # noqa: SLF001 - commits are short
        store.commit(opening("j"))

    store.commit(opening("j"))


def test_f6_whoever_opens_a_file_waits_for_who_is_making_it(path: Path) -> None:
    """F6: and then finds it made."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        for statement in STEPS[0]:
            other.execute(statement)
        other.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        other.execute("PRAGMA user_version = 1")
        soon = Timer(0.02, other.commit)
        soon.start()
        with SqliteStore(path) as store:
            store.commit(opening())
        soon.join()


def test_f7_a_file_that_is_locked_while_it_is_opened_is_waited_for(path: Path) -> None:
    """F7: by somebody who reads it in the mode that a new file is in, too."""
    with by_hand(path) as other:
        bring_up_to_date(other)
        other.execute("BEGIN")
        other.execute("SELECT * FROM agent").fetchall()
        with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
            SqliteStore(path, patience=SHORT)
        other.execute("COMMIT")

    with SqliteStore(path, patience=SHORT) as store:
        store.commit(opening())


def test_f7_two_who_open_a_new_file_at_once_are_in_each_others_way_for_a_moment(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7: SQLite does not wait then, because each waits for the other; trying again helps."""
    tried = list[str]()

    class InTheWay(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if "journal_mode" in statement and not tried:
                tried.append(statement)
                raise sqlite3.OperationalError
            return super().execute(statement, *values)

    connecting_as(monkeypatch, InTheWay)
    with SqliteStore(path) as store:
        store.commit(opening())

    assert 1 == len(tried)


def test_f7_an_interrupt_leaves_nothing_half_done(store: SqliteStore) -> None:
    """F7: whatever is raised in the middle of a commit."""

    def interrupted() -> None:
        with store._file.writing() as connection:  # noqa: SLF001 - commits are short
            connection.execute("DELETE FROM interaction")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert opened() == store.read(Need(interaction_id="i"), NOW).interaction
    store.commit(opening("j"))


class Kinds:
    """Ids that say what they are for."""

    def new(self, kind: str) -> str:
        return kind


READINGS: dict[str, tuple[str, Callable[[SqliteStore], object]]] = {
    "interaction": ("i", lambda store: store.read(Need(interaction_id="i"), NOW)),
    "text": ("m-i", lambda store: store.transcript("i")),
    "event": ("i", lambda store: store.events(after=None, limit=9)),
    "entry": ("n-i", lambda store: store.desktop("alice")),
    "agent": ("bob", lambda store: store.agents(["bob"])),
    "transfer": ("transfer", lambda store: store.transfer("transfer")),
}


def spoil(store: SqliteStore, path: Path, table: str, content: str) -> None:
    """Put something into every body of a table."""
    service = TransferService(store, clock=ManualClock(), ids=Kinds())
    service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY))
    service.log_in("bob")
    service.set_ready("bob")
    service.request_transfer("i", BOB, by="alice")
    with by_hand(path) as connection:
        connection.execute(f"UPDATE {table} SET body = {content}")  # noqa: S608 - both are written above


@pytest.mark.parametrize("content", [f"'{WORDS}'", "7", "x'00'", "replace(body, '\"schema\":1', '\"schema\":99')"])
@pytest.mark.parametrize("table", READINGS)
def test_f6_a_record_that_cannot_be_read_is_named(store: SqliteStore, path: Path, table: str, content: str) -> None:
    """F6, A6: by its kind and id, and not by what is in it."""
    id_, read = READINGS[table]
    spoil(store, path, table, content)

    with pytest.raises(CorruptRecord) as found:
        read(store)

    assert {"text": "message", "entry": "message"}.get(table, table) == found.value.kind
    assert id_ == found.value.id


@pytest.mark.parametrize("table", READINGS)
def test_a6_a_text_that_is_none_is_not_repeated(store: SqliteStore, path: Path, table: str) -> None:
    """A6, A8: SQLite's own error would, and so would one that it is the cause of."""
    _, read = READINGS[table]
    spoil(store, path, table, f"CAST('{WORDS}' || x'ff' AS TEXT)")

    with pytest.raises(UnusableStore) as found:
        read(store)

    assert WORDS not in str(found.value)
    assert (None, True) == (found.value.__cause__, found.value.__suppress_context__)


def test_f6_a_damaged_file_is_told_in_our_words(store: SqliteStore, path: Path) -> None:
    """F6, A8: wherever the damage is, no error of SQLite's comes out."""
    for number in range(100):
        store.commit(opening(f"j-{number}"))
    store.close()
    whole = path.read_bytes()
    told = set[str]()
    for page in range(1, len(whole) // 4_096):
        path.write_bytes(whole[: page * 4_096] + b"\xa5" * 4_096 + whole[(page + 1) * 4_096 :])
        try:
            with SqliteStore(path) as damaged:
                damaged.history("j-50")
                damaged.desktop("alice")
                damaged.commit(opening("k"))
        except SmsTransferError as error:
            told.add(str(error))

    assert {"the store cannot be used: it is damaged (SQLITE_CORRUPT)"} <= told


def test_f6_a_file_that_is_overwritten_meanwhile_is_told_in_our_words(store: SqliteStore, path: Path) -> None:
    """F6, A8: tables that are gone are, too."""
    with by_hand(path) as connection:
        connection.execute("DROP TABLE event")

    with pytest.raises(UnusableStore, match=r"not what they should be \(SQLITE_ERROR\)"):
        store.commit(opening("j"))
    with pytest.raises(UnusableStore, match=r"not what they should be \(SQLITE_ERROR\)"):
        store.history("i")
    assert store.read(Need(interaction_id="j"), NOW).interaction is None


def test_a8_what_sqlite_refuses_otherwise_is_told_in_our_words(store: SqliteStore, path: Path) -> None:
    """A8: whatever there is beside the codes that have words."""
    with by_hand(path) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no'); END")

    with pytest.raises(UnusableStore, match=r"SQLite refuses \(SQLITE_CONSTRAINT_TRIGGER\)"):
        store.commit(opening("j"))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_BUSY_RECOVERY", StoreUnavailable, "locked"),
        ("SQLITE_IOERR_FSYNC", StoreUnavailable, "disk fails"),
        ("SQLITE_CORRUPT_INDEX", UnusableStore, "damaged"),
    ],
)
def test_a8_what_sqlite_says_more_exactly_is_told_too(name: str, kind: type[SmsTransferError], words: str) -> None:
    """A8: by its name; what to do about it is said by what it is a case of."""
    error = sqlite3.OperationalError(WORDS)
    error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)

    told = meaning(error)

    assert kind is type(told)
    assert words in str(told)
    assert name in str(told)
    assert WORDS not in str(told)


def test_f6_a_reader_that_cannot_be_opened_is_not_waited_for(tmp_path: Path) -> None:
    """F6: it is told, and does not count as one at work."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with SqliteStore(folder / "centre.db") as store:
        folder.rename(tmp_path / "moved")
        with pytest.raises(UnusableStore):
            store.transcript("i")
        store._file.let_go()  # noqa: SLF001 - as a fork does
        store._file.go_on()  # noqa: SLF001


def test_f6_a_connection_that_fails_at_once_is_closed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6: no connection is left behind for the garbage collector to complain of."""
    made = list[sqlite3.Connection]()

    class Failing(sqlite3.Connection):
        def execute(self, *_: object) -> sqlite3.Cursor:
            made.append(self)
            raise sqlite3.OperationalError

    connecting_as(monkeypatch, Failing)
    with pytest.raises(UnusableStore, match="OperationalError"):
        SqliteStore(path)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].total_changes  # noqa: B018 - it is asked for its error


def test_d5_an_entry_that_is_told_again_is_one_entry(store: SqliteStore) -> None:
    """D5, D4: it is new again, and stands where it stood."""
    store.mark_read("alice", "n-i", read=True)
    told = opening()
    store.commit(attrs.evolve(told, interaction=attrs.evolve(told.interaction, version=2), texts=()))

    assert told.notices == store.desktop("alice").messages


def test_e1_an_equal_record_in_an_older_form_is_replaced(store: SqliteStore, path: Path) -> None:
    """E1: what is compared is the record, not how it was written."""
    with by_hand(path) as connection:
        connection.execute("UPDATE agent SET body = replace(body, ':', ' : ') WHERE id = 'bob'")
    [bob] = store.agents(["bob"]).values()

    store.replace_agent(bob, attrs.evolve(bob, capacity=1))

    assert 1 == store.agents(["bob"])["bob"].capacity


# processes


def test_f6_many_processes_may_make_the_file_at_once(path: Path) -> None:
    """F6: whoever comes first makes the tables, and nobody fails."""
    processes = [run(path, f"store.commit(t.opening('i-{number}'))") for number in range(4)]
    for process in processes:
        finish(process)

    with SqliteStore(path) as store:
        assert {f"i-{number}" for number in range(4)} == {one.id for one in store.desktop("alice").interactions}


def test_e3_processes_share_the_places_of_an_agent(path: Path) -> None:
    """E3, F1: of all who claim a place at once, those whose place there is get it, and nothing is half done."""
    claim = (
        "for number in range(10):\n"
        "    try:\n"
        "        store.commit(t.opening(f'{}-{number}', claim=t.Claim('alice', 7, t.NOW)))\n"
        "        print('got it')\n"
        "    except t.Conflict:\n"
        "        pass\n"
    )
    processes = [run(path, claim.replace("{}", str(number))) for number in range(3)]
    got = "".join(finish(process) for process in processes)

    assert 7 == got.count("got it")
    with SqliteStore(path) as store:
        desktop = store.desktop("alice")
        assert (7, 7, 7) == (desktop.version, len(desktop.interactions), len(desktop.messages))
        assert 7 == len(store.events(after=None, limit=99).events)


def test_f6_what_a_killed_process_was_told_is_recorded_stays_recorded(path: Path) -> None:
    """F6: and what it was just doing is there whole or not at all."""
    work = "for number in range(100_000):\n    store.commit(t.opening(str(number)))\n    print(number, flush=True)\n"
    with run(path, work) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        told = 20 + len(process.stdout.read().splitlines())

    with SqliteStore(path) as store:
        desktop = store.desktop("alice")
        kept = [str(number) for number in range(len(desktop.interactions))]
        assert told <= len(kept) <= told + 1
        assert kept == [event.interaction_id for event in store.events(after=None, limit=100_000).events]
        assert len(kept) == desktop.version == len(desktop.messages) == len(store.unsent(limit=100_000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_f6_a_store_may_be_carried_across_a_fork(store: SqliteStore) -> None:
    """F6: both sides go on with connections of their own, and each sees what the other records."""
    store.transcript("i")
    file = store._file  # noqa: SLF001 - what is carried across shows only when it does harm
    child = os.fork()
    if child == 0:
        try:
            carried = [*file._readers, file._writer]  # noqa: SLF001
            store.commit(opening("child"))
            os._exit(0 if carried == [None] else 2)
        finally:
            os._exit(1)
    store.commit(opening("parent"))
    _, status = os.waitpid(child, 0)

    assert 0 == status
    assert {"i", "child", "parent"} == {one.id for one in store.desktop("alice").interactions}


def test_f6_a_fork_waits_for_who_is_at_work_and_they_for_the_fork(path: Path) -> None:
    """F6: no connection is open while the process forks."""
    file = SqliteFile(str(path), durable=True, patience=PATIENCE, prepare=bring_up_to_date)
    let_go, read = Event(), Event()

    def fork() -> None:
        file.let_go()
        let_go.set()
        assert not read.wait(0.02)
        assert [path] == list(path.parent.iterdir())
        file.go_on()

    def read_on() -> None:
        while not file._paused:  # noqa: SLF001 - it comes while the fork waits
            time.sleep(0.001)
        with file.reading():
            read.set()

    threads = [Thread(target=fork), Thread(target=read_on)]
    with file.reading():
        for thread in threads:
            thread.start()
        assert not let_go.wait(0.02)
    assert read.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    file.close()


def test_f4_time_goes_on_for_whoever_opens_the_file_next(path: Path) -> None:
    """F4: every process was stopped while an invitation was out; its deadline passes all the same."""
    clock = ManualClock()
    with SqliteStore(path) as store:
        service = TransferService(store, clock=clock)
        for agent_id in ("alice", "bob"):
            service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
        service.open_interaction(attrs.evolve(opened(), version=0))
        request = service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)

    with SqliteStore(path) as store:
        service = TransferService(store, clock=clock)
        [expired] = service.tick().expired
        assert (request.id, "alice") == (expired.id, service.interaction("i").owner)
