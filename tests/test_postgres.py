"""What is PostgreSQL's own about the store: its schema, its round trips, the host's transactions, its doorbell."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Flag

import attrs
import psycopg
import psycopg.conninfo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from servers import Server, new_schema
from sms_transfer import (
    Agent,
    AsyncTransferService,
    ChannelStatus,
    Conflict,
    CorruptRecord,
    Event,
    Interaction,
    InteractionPreview,
    InteractionState,
    InvalidValue,
    Media,
    StoreUnavailable,
    TargetNotEligible,
    TransferPending,
    TransferService,
    TransferState,
    UnusableStore,
    Workspace,
)
from sms_transfer.adapters.codec import to_json
from sms_transfer.adapters.postgres import (
    AsyncPostgresStore,
    AsyncPostgresTransaction,
    PostgresStore,
    PostgresTransaction,
    migrate,
)
from sms_transfer.adapters.postgres.ask import Ask
from sms_transfer.adapters.postgres.asks import EVERYBODY, ring_for
from sms_transfer.adapters.postgres.doorbell import Doorbell
from sms_transfer.adapters.postgres.faults import fault, translated
from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.postgres.schema import STEPS
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.testing import ManualClock, RecordingUI
from support import BOB, CONTACT, TIMEOUT, FakeGateway

PATIENCE = 10.0
NOWHERE = "host=/nowhere connect_timeout=1"


@pytest.fixture(scope="module")
def schema(postgres: Server) -> str:
    """A schema that is there."""
    name = new_schema()
    assert migrate(postgres.conninfo, schema=name) == len(STEPS)
    return name


@pytest.fixture
def store(postgres: Server) -> Generator[PostgresStore]:
    """A store in a schema of its own."""
    with PostgresStore(postgres.conninfo, schema=new_schema()) as store:
        yield store


@contextmanager
def connected(postgres: Server) -> Generator[psycopg.Connection[tuple[object, ...]]]:
    """A connection of the host application's, not in autocommit mode."""
    with psycopg.connect(postgres.conninfo) as connection:
        yield connection
        connection.rollback()


def staffed(service: TransferService, **parts: object) -> TransferService:
    """Alice and Bob, both Ready; Alice owns ``"i"``."""
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY, **parts))  # type: ignore[arg-type]
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


# the schema


def test_f4_making_a_schema_again_changes_nothing(postgres: Server, schema: str) -> None:
    """F4: whoever opens a store calls it."""
    assert migrate(postgres.conninfo, schema=schema) == 0


def test_f4_many_processes_may_make_a_schema_at_once(postgres: Server) -> None:
    """F4: one makes it, the others find it."""
    name = new_schema()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: migrate(postgres.conninfo, schema=name), range(8)))

    assert sorted([0] * 7 + [len(STEPS)]) == sorted(taken)


def test_f4_an_older_schema_is_brought_up_to_date(postgres: Server) -> None:
    """F4: with what is in it."""
    name = new_schema()
    with PostgresStore(postgres.conninfo, schema=name) as store:
        staffed(TransferService(store))
    later = (*STEPS, "ALTER TABLE sms_transfer.agent ADD COLUMN hair text DEFAULT 'red'")

    assert migrate(postgres.conninfo, schema=name, steps=later) == 1
    with connected(postgres) as connection:
        found = connection.execute(sql.SQL("SELECT hair FROM {}.agent").format(sql.Identifier(name))).fetchall()
    assert [("red",), ("red",)] == found


def test_f7_a_step_that_fails_leaves_the_schema_as_it_was(postgres: Server, schema: str) -> None:
    """F7: all of the steps or none."""
    later = (*STEPS, "CREATE TABLE sms_transfer.half ()", "this is no SQL")

    with pytest.raises(UnusableStore):
        migrate(postgres.conninfo, schema=schema, steps=later)

    assert migrate(postgres.conninfo, schema=schema) == 0
    with connected(postgres) as connection:
        assert connection.execute("SELECT to_regclass(%s)", (f"{schema}.half",)).fetchone() == (None,)


@pytest.mark.parametrize("create", [True, False])
def test_a8_a_schema_newer_than_the_code_is_refused(postgres: Server, *, create: bool) -> None:
    """A8: and says so."""
    name = new_schema()
    migrate(postgres.conninfo, schema=name, steps=(*STEPS, "SELECT 1"))

    with pytest.raises(UnusableStore, match=f"has version {len(STEPS) + 1}, and this code"):
        PostgresStore(postgres.conninfo, schema=name, create=create)


def test_a8_a_schema_that_is_not_there_is_not_made_unasked(postgres: Server) -> None:
    """A8: the role may not be allowed to."""
    name = new_schema()

    with pytest.raises(UnusableStore, match="there is no schema"):
        PostgresStore(postgres.conninfo, schema=name, create=False)

    with connected(postgres) as connection:
        assert connection.execute("SELECT to_regnamespace(%s)", (name,)).fetchone() == (None,)


def test_a8_a_schema_of_somebody_elses_is_left_alone(postgres: Server) -> None:
    """A8: it has a table of a name that we need."""
    name = new_schema()
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE TABLE {}.agent (badge int)").format(sql.Identifier(name)))

    with pytest.raises(UnusableStore, match="tables that are not this library's"):
        PostgresStore(postgres.conninfo, schema=name)


def test_f4_a_role_that_may_make_no_schemas_is_given_one(postgres: Server) -> None:
    """F4: an empty one that it owns is enough."""
    name = new_schema()
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE SCHEMA {0} AUTHORIZATION {0}").format(sql.Identifier(name)))

        taken = migrate(make_conninfo(postgres.conninfo, options=f"-c role={name}"), schema=name)

        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))
    assert len(STEPS) == taken


@pytest.mark.parametrize("name", ["", "1st", "a b", 'a"b', "a;b", "ä", "a" * 64, None, 7])
def test_a8_a_schemas_name_is_plain(name: object) -> None:
    """A8: nothing of it needs quoting, and it fits."""
    with pytest.raises(InvalidValue) as refused:
        PostgresStore(NOWHERE, schema=name)  # type: ignore[arg-type]

    assert refused.value.field == "schema"


def test_f4_the_tables_can_be_partitioned_by_interaction(postgres: Server) -> None:
    """F4: every key has the interaction in it, so a lesson goes as ever."""
    whole, parts = STEPS[0], ""
    for table, key in {
        "interaction": "id",
        "transfer": "interaction_id",
        "text": "interaction_id",
        "event": "interaction_id",
        "name": "id",
    }.items():
        begin = whole.index(f"CREATE TABLE sms_transfer.{table} (")
        end = whole.index(";", begin)
        made = whole[begin:end].removesuffix(" WITH (fillfactor = 80)")
        whole = whole[:begin] + f"{made} PARTITION BY HASH ({key})" + whole[end:]
        parts += "".join(
            f"CREATE TABLE sms_transfer.{table}_{n} PARTITION OF sms_transfer.{table}"
            f" FOR VALUES WITH (MODULUS 2, REMAINDER {n});"
            for n in range(2)
        )
    name = new_schema()
    migrate(postgres.conninfo, schema=name, steps=(whole + parts, *STEPS[1:]))
    with PostgresStore(postgres.conninfo, schema=name, create=False) as store:
        service = staffed(TransferService(store))
        service.reply("i", "hello", by="alice")
        request = service.request_transfer("i", BOB, by="alice", key="k")

        assert request.invitation is not None
        assert service.accept(request.invitation.id, by="bob").owner == "bob"
        assert service.history("i") == service.events().events
        assert service.tick().expired == ()


# round trips


class Counting(PostgresStore):
    """A store that counts what it asks."""

    asked = 0

    def _do(self, ask: Ask[object]) -> object:  # type: ignore[override]  # it passes on whatever comes
        self.asked += 1
        return super()._do(ask)


def test_f4_a_command_costs_two_round_trips(postgres: Server) -> None:
    """F4: one to read all that it needs, one to commit all that it changes."""
    with Counting(postgres.conninfo, schema=new_schema()) as store:
        service = staffed(TransferService(store))

        def cost(command: Callable[[], object]) -> int:
            before = store.asked
            command()
            return store.asked - before

        assert cost(lambda: service.set_note("i", "a note", by="alice")) == 2
        assert cost(lambda: service.request_transfer("i", BOB, by="alice", key="k")) == 2
        ticket = service.transfer(service.request_transfer("i", BOB, by="alice", key="k").id).invitation
        assert ticket is not None
        assert cost(lambda: service.accept(ticket.id, by="bob")) == 2
        assert cost(lambda: service.receive_message("i", "hello", message_id="m")) == 2
        assert cost(lambda: service.reply("i", "hello", by="bob")) == 2 + 3  # it is marked as sent, too
        assert cost(lambda: service.mark_done("i", by="bob")) == 2
        assert cost(lambda: service.set_not_ready("bob")) == 4 + 2  # and sees what Bob serves, and what waits for it


# the host's transaction


def test_f6_a_transfer_commits_with_the_hosts_data(postgres: Server, store: PostgresStore) -> None:
    """F6: nobody sees it before, everybody after."""
    service = staffed(TransferService(store))
    with connected(postgres) as connection:
        mine = sql.Identifier(store.schema, "mine")
        connection.execute(sql.SQL("CREATE TABLE {} (id text)").format(mine))
        inside = TransferService(PostgresTransaction(connection, schema=store.schema))
        request = inside.request_transfer("i", BOB, by="alice")
        connection.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(mine), (request.id,))
        assert InteractionState.ACTIVE is service.interaction("i").state
        connection.commit()

        assert [(request.id,)] == connection.execute(sql.SQL("SELECT id FROM {}").format(mine)).fetchall()
    assert request == service.transfer(request.id)


def test_f6_a_transfer_is_undone_with_the_hosts_data(postgres: Server, store: PostgresStore) -> None:
    """F6: as if it had never been."""
    service = staffed(TransferService(store))
    before = service.snapshot("alice"), service.history("i")
    with connected(postgres) as connection:
        inside = TransferService(PostgresTransaction(connection, schema=store.schema))
        inside.request_transfer("i", BOB, by="alice", key="k")
        connection.rollback()

    assert before == (service.snapshot("alice"), service.history("i"))
    assert service.request_transfer("i", BOB, by="alice", key="k").state is TransferState.INVITED


def test_f7_a_refused_commit_undoes_nothing_of_the_hosts(postgres: Server, store: PostgresStore) -> None:
    """F7: what the host did in the same transaction stands."""
    staffed(TransferService(store))
    with connected(postgres) as connection:
        connection.execute("CREATE TEMPORARY TABLE mine (id int)")
        inside = TransferService(PostgresTransaction(connection, schema=store.schema))
        inside.request_transfer("i", BOB, by="alice")
        with pytest.raises(TransferPending):
            inside.request_transfer("i", BOB, by="alice")
        with pytest.raises(Conflict):
            PostgresTransaction(connection, schema=store.schema).replace_agent(Agent("bob", "B"), Agent("bob", "C"))
        late = stale(inside.interaction("i"), inside.history("i")[0])
        with pytest.raises(Conflict):  # raised in the database, and undone there
            PostgresTransaction(connection, schema=store.schema).commit(late)
        connection.execute("INSERT INTO mine VALUES (1)")
        connection.commit()

        assert connection.execute("SELECT id FROM mine").fetchall() == [(1,)]
    assert TransferService(store).interaction("i").state is InteractionState.TRANSFERRING


def test_f6_nothing_is_sent_before_the_host_commits(postgres: Server, store: PostgresStore) -> None:
    """F6: texts wait for the tick of a service that stands outside."""
    staffed(TransferService(store))
    hasty, gateway = FakeGateway(), FakeGateway()
    with connected(postgres) as connection:
        inside = TransferService(PostgresTransaction(connection, schema=store.schema), gateway=hasty)
        sent = inside.reply("i", "hello", by="alice")
        connection.commit()

    assert [] == hasty.sent
    assert TransferService(store, gateway=gateway).tick().sent == 1
    assert [sent] == gateway.sent


@pytest.mark.parametrize("commits", [True, False])
def test_f6_the_doorbell_rings_when_the_host_commits(postgres: Server, store: PostgresStore, *, commits: bool) -> None:
    """F6: and only if it does."""
    staffed(TransferService(store))
    woken = listening(store)
    with connected(postgres) as connection:
        TransferService(PostgresTransaction(connection, schema=store.schema)).request_transfer("i", BOB, by="alice")
        assert not woken.wait(0.3)
        if commits:
            connection.commit()
        else:
            connection.rollback()

    assert commits is woken.wait(PATIENCE if commits else 0.3)


def test_a8_a_transaction_is_not_listened_to(postgres: Server, store: PostgresStore) -> None:
    """A8: a desktop would look before the host commits, and never after."""
    with connected(postgres) as connection:
        inside = TransferService(PostgresTransaction(connection, schema=store.schema))
        inside.add_agent(Agent("bob", "Bob"))
        with pytest.raises(UnusableStore, match="cannot be listened to"):
            inside.connect(Workspace("bob", RecordingUI()))


def test_f6_a_status_change_inside_rings_with_the_host(postgres: Server, store: PostgresStore) -> None:
    """F6: what no commit of the store's rings for, too."""
    staffed(TransferService(store))
    woken = listening(store)
    with connected(postgres) as connection:
        TransferService(PostgresTransaction(connection, schema=store.schema)).set_not_ready("bob")
        assert not woken.wait(0.3)
        connection.commit()

    assert woken.wait(PATIENCE)


def test_f7_a_transaction_that_sees_the_past_is_told_at_once(postgres: Server, store: PostgresStore) -> None:
    """F7: at a stricter isolation trying again would see the same, and hold what is locked."""
    service = staffed(TransferService(store))
    with psycopg.connect(postgres.conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        joined = PostgresTransaction(connection, schema=store.schema)
        commits = 0

        class Counted(PostgresTransaction):
            def commit(self, decision: Decision) -> None:
                nonlocal commits
                commits += 1
                super().commit(decision)

        assert joined.history("i")  # its snapshot is of now
        service.set_note("i", "in the meantime", by="alice")
        with pytest.raises(Conflict) as beaten:
            TransferService(Counted(connection, schema=store.schema)).request_transfer("i", BOB, by="alice")

        assert ("transaction", 1) == (beaten.value.kind, commits)


@pytest.mark.parametrize("isolation", list(psycopg.IsolationLevel)[1:])
def test_t9_nobody_who_has_left_is_invited_at_any_isolation(
    postgres: Server, store: PostgresStore, isolation: psycopg.IsolationLevel
) -> None:
    """T9: the host's transaction began before the invitee left."""
    service = staffed(TransferService(store))
    service.cancel(service.request_transfer("i", BOB, by="alice").id, by="alice")  # so Bob has a desk
    with psycopg.connect(postgres.conninfo) as connection:
        connection.isolation_level = isolation
        connection.execute("SELECT 1 FROM pg_class LIMIT 1")
        service.log_out("bob")
        with pytest.raises((Conflict, TargetNotEligible)):
            TransferService(PostgresTransaction(connection, schema=store.schema)).request_transfer("i", BOB, by="alice")
        connection.commit()

    assert InteractionState.ACTIVE is service.interaction("i").state


def prepares_all(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.prepare_threshold = 0


def has_raw_cursors(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.cursor_factory = psycopg.RawCursor


@pytest.mark.parametrize("arrange", [prepares_all, has_raw_cursors])
def test_f7_a_refused_commit_undoes_nothing_whatever_the_hosts_habits(
    postgres: Server, store: PostgresStore, arrange: Callable[[psycopg.Connection[tuple[object, ...]]], None]
) -> None:
    """F7: how the host prepares statements and makes cursors is its own business."""
    staffed(TransferService(store))
    with connected(postgres) as connection:
        arrange(connection)
        joined = PostgresTransaction(connection, schema=store.schema)
        inside = TransferService(joined)
        for _ in range(3):
            with pytest.raises(Conflict):
                joined.commit(stale(inside.interaction("i"), inside.history("i")[0]))
        inside.set_note("i", "still going", by="alice")
        connection.commit()

    assert TransferService(store).interaction("i").note == "still going"


def test_a8_a_connection_in_pipeline_mode_is_refused(postgres: Server, store: PostgresStore) -> None:
    """A8: there nothing can be undone by itself."""
    with connected(postgres) as connection:
        joined = PostgresTransaction(connection, schema=store.schema)
        with connection.pipeline(), pytest.raises(UnusableStore, match="pipeline"):
            joined.transfer("t")


def test_a8_a_connection_of_another_encoding_is_refused(postgres: Server, store: PostgresStore) -> None:
    """A8: it could not carry every text."""
    with (
        psycopg.connect(postgres.conninfo, client_encoding="latin1") as connection,
        pytest.raises(UnusableStore, match="UTF-8"),
    ):
        PostgresTransaction(connection, schema=store.schema)


def test_a1_the_feed_is_not_read_in_a_transaction(postgres: Server, store: PostgresStore) -> None:
    """A1: places that were given there could be taken back, and then a cursor would skip what others put there."""
    with connected(postgres) as connection, pytest.raises(UnusableStore, match="feed"):
        TransferService(PostgresTransaction(connection, schema=store.schema)).events()


def test_f7_a_cancelled_command_undoes_nothing_of_the_hosts(postgres: Server) -> None:
    """F7: it was waiting for somebody else's lock; the host's task goes on without it."""

    async def lesson(store: AsyncPostgresStore) -> str:
        await staffed_in_loop(AsyncTransferService(store))
        with connected(postgres) as other:
            TransferService(PostgresTransaction(other, schema=store.schema)).set_note("i", "theirs", by="alice")
            async with await psycopg.AsyncConnection.connect(postgres.conninfo) as connection:
                joined = AsyncPostgresTransaction(connection, schema=store.schema)
                with pytest.raises(UnusableStore, match="feed"):
                    await joined.events(after=None, limit=1)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(AsyncTransferService(joined).set_note("i", "mine", by="alice"), timeout=0.2)
                [state] = await (await connection.execute("SELECT 'going on'")).fetchone() or [""]
                return str(state)

    async def whole() -> str:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            return await lesson(store)

    assert asyncio.run(whole()) == "going on"


def test_a8_a_connection_in_no_transaction_is_refused(postgres: Server, store: PostgresStore) -> None:
    """A8: in autocommit mode there would be nothing to join."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        inside = TransferService(PostgresTransaction(connection, schema=store.schema))
        with pytest.raises(UnusableStore, match="autocommit"):
            inside.add_agent(Agent("bob", "Bob"))


# the doorbell


def listening(store: PostgresStore) -> Flag:
    """A flag that is raised when Bob is rung."""
    woken = Flag()
    store.doorbell.listen("bob", woken.set)
    return woken


def test_d7_a_lost_listener_is_woken_when_it_is_back(postgres: Server, store: PostgresStore) -> None:
    """D7: what rang in between was missed."""
    woken = listening(store)
    with connected(postgres) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s", (f'LISTEN "{store.schema}"%',)
        ).fetchall()

    assert [(True,)] == ended
    assert woken.wait(PATIENCE)


@pytest.mark.parametrize("payload", ["", "5", "null", "{", "[" * 3_000, '[["bob"]]', '[5, "carol"]'])
def test_d7_a_ring_of_somebody_elses_does_no_harm(
    postgres: Server, store: PostgresStore, payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    """D7: anybody who may connect may notify. The bell hears on."""
    woken = listening(store)
    with connected(postgres) as connection:
        connection.execute("SELECT pg_notify(%s, %s)", (store.schema, payload))
        connection.commit()
    store.doorbell.ring(["carol"])
    woken.clear()

    store.doorbell.ring(["bob"])

    assert woken.wait(PATIENCE)
    assert "could not listen" not in caplog.text


def test_d5_a_listener_may_close_the_store(postgres: Server) -> None:
    """D5: in the doorbell's own thread."""
    store = PostgresStore(postgres.conninfo, schema=new_schema())
    closed = Flag()

    def close() -> None:
        store.close()
        closed.set()

    store.doorbell.listen("bob", close)
    store.doorbell.ring(["bob"])

    assert closed.wait(PATIENCE)
    with pytest.raises(UnusableStore, match="closed"):
        store.transfer("t")


def test_d5_a_listener_that_is_cancelled_stops_no_other(store: PostgresStore) -> None:
    """D5: whatever it raises."""

    def cancelled() -> None:
        raise asyncio.CancelledError

    store.doorbell.listen("alice", cancelled)
    woken = listening(store)

    store.doorbell.ring(["alice", "bob"])

    assert woken.wait(PATIENCE)


def test_d5_so_many_agents_that_they_do_not_fit_wake_everybody(store: PostgresStore) -> None:
    """D5: a ring too many does no harm; one too few would."""
    woken = listening(store)

    store.doorbell.ring([f"agent-{number:0100}" for number in range(100)])

    assert woken.wait(PATIENCE)


@given(st.lists(st.text(min_size=1, max_size=128), max_size=20))
def test_d5_a_notification_is_never_too_long(ids: list[str]) -> None:
    """D5: PostgreSQL takes fewer than 8,000 bytes. It names them all, or where they do not fit, everybody."""
    ring = ring_for(ids)

    assert len(ring.encode()) < 8_000
    assert ring == EVERYBODY or json.loads(ring) == sorted(ids)
    assert (ring == EVERYBODY) is (len(json.dumps(ids, separators=(",", ":"))) >= 8_000)


def test_d5_a_doorbell_that_is_closed_wakes_nobody(store: PostgresStore) -> None:
    """D5: and its thread is gone; closing twice does no harm."""
    woken = listening(store)
    store.doorbell.close()
    store.doorbell.close()
    store.doorbell.listen("bob", woken.set)

    store.doorbell.ring(["bob"])

    assert not woken.wait(0.3)


# time and the feed


def test_f4_a_sweep_does_not_wait_for_who_is_closing_a_request(postgres: Server, store: PostgresStore) -> None:
    """F4: it is passed over now, and named again if it stays open."""
    clock = ManualClock()
    request = staffed(TransferService(store, clock=clock)).request_transfer("i", BOB, by="alice")
    with connected(postgres) as connection:
        inside = TransferService(PostgresTransaction(connection, schema=store.schema), clock=clock)
        inside.cancel(request.id, by="alice")
        clock.advance(TIMEOUT)
        assert () == store.due(clock.now(), limit=9)
        connection.rollback()

    assert (request.id,) == store.due(clock.now(), limit=9)


def test_a1_the_feed_skips_nothing_that_was_committed_out_of_order(postgres: Server, store: PostgresStore) -> None:
    """A1: who wrote first may commit last; a reader in between must not pass over it."""
    service = staffed(TransferService(store))
    service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="bob"))
    cursor = service.events().cursor
    with connected(postgres) as slow:
        TransferService(PostgresTransaction(slow, schema=store.schema)).set_note("i", "slow", by="alice")
        service.set_note("j", "fast", by="bob")
        first = service.events(after=cursor)
        slow.commit()
    second = service.events(after=first.cursor)

    assert ["j"] == [event.interaction_id for event in first.events]
    assert ["i"] == [event.interaction_id for event in second.events]


def test_a1_two_readers_of_the_feed_read_the_same(store: PostgresStore) -> None:
    """A1: places are given once, whoever asks first."""
    service = staffed(TransferService(store))
    for number in range(40):
        service.set_note("i", str(number), by="alice")

    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: in_pages(service), range(4)))

    assert [service.history("i")] * 4 == pages


def in_pages(service: TransferService) -> tuple[Event, ...]:
    """The whole feed, in small pages."""
    read: tuple[Event, ...] = ()
    cursor = None
    while (page := service.events(after=cursor, limit=3)).events:
        read, cursor = read + page.events, page.cursor
    return read


# ids and faults


@given(st.text())
def test_a8_every_id_can_be_kept(id_: str) -> None:
    """A8: PostgreSQL keeps no NUL, and nothing is mistaken for one."""
    assert "\0" not in kept_id(id_)
    assert id_ == given_id(kept_id(id_))


@given(st.text("\\\0a0"), st.text("\\\0a0"))
def test_a8_two_ids_are_kept_as_two(one: str, other: str) -> None:
    """A8: also those that look like what the other is kept as."""
    assert (one == other) is (kept_id(one) == kept_id(other))


def test_a8_a_database_that_is_away_is_unavailable() -> None:
    """A8, A6: it says where it looked, so that a mistake can be found, and not with what password."""
    with pytest.raises(StoreUnavailable, match="/nowhere/") as away:
        PostgresStore(f"{NOWHERE} password=hunter2")

    assert away.value.retryable
    assert "hunter2" not in str(away.value)


@pytest.mark.parametrize("conninfo", ["nonsense", "postgresql://alice:hunter2@[/db"])
def test_a8_what_libpq_does_not_take_is_refused(conninfo: str) -> None:
    """A8, A6: it may hold a password."""
    with pytest.raises(InvalidValue) as refused:
        PostgresStore(conninfo)

    assert refused.value.field == "conninfo"
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("connections", [0, -1, 1.5, True, None])
@pytest.mark.parametrize("kind", [PostgresStore, AsyncPostgresStore])
def test_a8_there_is_a_connection_at_least(kind: Callable[..., object], connections: object) -> None:
    """A8: before anything is asked of the database."""
    with pytest.raises(InvalidValue) as refused:
        kind(NOWHERE, connections=connections)

    assert refused.value.field == "connections"


def test_a8_a_database_that_keeps_some_characters_only_is_refused(postgres: Server) -> None:
    """A8: a text could not be recorded, or would come back changed."""
    name = new_schema()
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        made = "CREATE DATABASE {} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
        connection.execute(sql.SQL(made).format(sql.Identifier(name)))
    latin = psycopg.conninfo.make_conninfo(postgres.conninfo, dbname=name)

    with pytest.raises(UnusableStore, match="LATIN1, and must be UTF8"):
        PostgresStore(latin)


@pytest.mark.parametrize(
    "options",
    [
        "-c client_encoding=latin1",
        "-c default_transaction_isolation=serializable",
        "-c search_path=evil",
        "-c timezone=Asia/Kathmandu -c datestyle=German",
    ],
)
def test_a8_what_a_connection_begins_with_does_no_harm(postgres: Server, options: str) -> None:
    """A8, F6: encodings, isolation, where names are looked up, how dates are written."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS evil")
        connection.execute(
            "CREATE OR REPLACE FUNCTION evil.array_positions(boolean[], boolean) RETURNS integer[]"
            " LANGUAGE sql AS $$ SELECT ARRAY[]::integer[] $$"
        )
    conninfo = psycopg.conninfo.make_conninfo(postgres.conninfo, options=options)
    gateway = FakeGateway()
    with PostgresStore(conninfo, schema=new_schema()) as store:
        service = staffed(TransferService(store, gateway=gateway))
        gateway.error = TimeoutError()
        sent = service.reply("i", "żółć 🎉", by="alice")
        gateway.error = None
        request = service.request_transfer("i", BOB, by="alice")
        assert service.tick().sent == 1
        assert [sent] == gateway.sent
        assert request == service.transfer(request.id)


def test_f4_many_may_make_a_schema_at_once_at_any_isolation(postgres: Server) -> None:
    """F4: who waited for the lock sees what was made meanwhile."""
    name = new_schema()
    strict = psycopg.conninfo.make_conninfo(
        postgres.conninfo, options="-c default_transaction_isolation=repeatable\\ read"
    )

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: migrate(strict, schema=name), range(8)))

    assert len(STEPS) == sum(taken)


def test_a8_a_closed_store_is_unusable(store: PostgresStore) -> None:
    """A8: closing twice does no harm."""
    store.close()
    store.close()

    with pytest.raises(UnusableStore, match="closed"):
        store.transfer("t")


def test_a8_a_schema_that_was_taken_away_is_unusable(postgres: Server, store: PostgresStore) -> None:
    """A8: and the error says what to do."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(store.schema)))

    with pytest.raises(UnusableStore, match="migrate"):
        store.read(Need(interaction_id="i"), ManualClock().now())


@pytest.mark.parametrize(
    ("table", "named", "read"),
    [
        ("interaction", ("interaction", "i"), lambda store: store.read(Need(interaction_id="i"), ManualClock().now())),
        ("interaction", ("interaction", "i"), lambda store: store.desktop("alice")),
        ("agent", ("agent", "bob"), lambda store: store.agents(["bob"])),
        ("event", ("event", "i"), lambda store: store.history("i")),
        ("event", ("event", "i"), lambda store: store.events(after=None, limit=1)),
        ("text", ("message", "m"), lambda store: store.transcript("i")),
    ],
)
def test_a8_a_record_that_cannot_be_read_is_named(
    postgres: Server, store: PostgresStore, table: str, named: tuple[str, str], read: Callable[[PostgresStore], object]
) -> None:
    """A8: which one, and nothing of what stands there."""
    staffed(TransferService(store)).receive_message("i", "hello", message_id="m")
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        spoil = sql.SQL("UPDATE {} SET body = %s").format(sql.Identifier(store.schema, table))
        for body in ("", "{}", to_json(BOB)):
            connection.execute(spoil, (body,))

            with pytest.raises(CorruptRecord) as corrupt:
                read(store)

            assert named == (corrupt.value.kind, corrupt.value.id)


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (psycopg.errors.SerializationFailure(), Conflict),
        (psycopg.errors.DeadlockDetected(), Conflict),
        (psycopg.errors.ReadOnlySqlTransaction(), StoreUnavailable),
        (psycopg.errors.DiskFull(), StoreUnavailable),
        (psycopg.errors.AdminShutdown(), StoreUnavailable),
        (psycopg.InterfaceError(), StoreUnavailable),
        (psycopg.errors.InsufficientPrivilege(), UnusableStore),
        (psycopg.errors.SyntaxError(), UnusableStore),
    ],
)
def test_a8_nothing_of_psycopgs_leaks_out(raised: psycopg.Error, ours: type[Exception]) -> None:
    """A8: retryable where trying again can help."""
    assert isinstance(fault(raised), ours)


def test_a8_without_psycopg_the_error_says_which_extra() -> None:
    """A8: the extra is optional, and named."""
    code = "import sys; sys.modules['psycopg'] = None; import sms_transfer.adapters.postgres"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - this very interpreter

    assert run.returncode == 1
    assert "pip install 'sms-transfer[postgres]'" in run.stderr


# awaited


class Telling(RecordingUI):
    """A front end that says when it has a preview."""

    def __init__(self, shown: asyncio.Event) -> None:
        super().__init__()
        self.shown = shown

    def show_preview(self, preview: InteractionPreview) -> None:
        super().show_preview(preview)
        self.shown.set()


async def told(condition: asyncio.Event) -> bool:
    """Whether it comes about in time."""
    try:
        await asyncio.wait_for(condition.wait(), PATIENCE)
    except TimeoutError:
        return False
    return True


async def staffed_in_loop(service: AsyncTransferService) -> None:
    """Alice and Bob, both Ready; Alice owns ``"i"``."""
    for name in ("alice", "bob"):
        await service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    await service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))


def test_t5_a_transfer_is_accepted_by_tasks(postgres: Server) -> None:
    """T5: over connections that are awaited, with the desktops that the doorbell wakes."""

    async def lesson() -> None:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            service = AsyncTransferService(store)
            await staffed_in_loop(service)
            shown = asyncio.Event()
            workspace = Workspace("bob", Telling(shown))
            connection = await service.connect(workspace)
            await store.doorbell.connected()

            await service.request_transfer("i", BOB, by="alice")

            assert await told(shown)
            [ticket] = workspace.previews
            assert (await service.accept(ticket, by="bob")).owner == "bob"
            connection.close()

    asyncio.run(lesson())


@pytest.mark.parametrize("commits", [True, False])
def test_f6_a_task_joins_the_hosts_transaction(postgres: Server, *, commits: bool) -> None:
    """F6: with the host's data, or not at all."""

    async def lesson() -> TransferState | None:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            await staffed_in_loop(AsyncTransferService(store))
            async with await psycopg.AsyncConnection.connect(postgres.conninfo) as connection:
                joined = AsyncPostgresTransaction(connection, schema=store.schema)
                inside = AsyncTransferService(joined)
                request = await inside.request_transfer("i", BOB, by="alice")
                with pytest.raises(TransferPending):
                    await inside.request_transfer("i", BOB, by="alice")
                with pytest.raises(Conflict):
                    await joined.commit(stale(await inside.interaction("i"), (await inside.history("i"))[0]))
                await inside.set_not_ready("bob")
                with pytest.raises(UnusableStore, match="cannot be listened to"):
                    await inside.connect(Workspace("bob", RecordingUI()))
                if commits:
                    await connection.commit()
                else:
                    await connection.rollback()
            found = await store.transfer(request.id)
            return None if found is None else found.state

    assert asyncio.run(lesson()) is (TransferState.INVITED if commits else None)


def test_d7_a_task_that_lost_its_listener_is_woken_when_it_is_back(postgres: Server) -> None:
    """D7: what rang in between was missed."""

    async def lesson() -> bool:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            woken = asyncio.Event()
            store.doorbell.listen("bob", woken.set)
            await store.doorbell.connected()
            await asyncio.sleep(0)
            woken.clear()
            with connected(postgres) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s",
                    (f'LISTEN "{store.schema}"%',),
                )
            return await told(woken)

    assert asyncio.run(lesson())


def test_a8_an_awaited_database_that_is_away_is_unavailable() -> None:
    """A8: when it is first asked for something; it can be asked again, and closed."""

    async def lesson() -> None:
        store = AsyncPostgresStore(NOWHERE)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.transfer("t")
        await store.close()

    asyncio.run(lesson())


@pytest.mark.parametrize("milliseconds", [0, 2, 4, 8, 12, 16, 24])
def test_a8_an_opening_that_is_cancelled_can_be_done_again(postgres: Server, milliseconds: int) -> None:
    """A8: the first client of a web server went away while the store connected."""

    async def lesson() -> None:
        store = AsyncPostgresStore(postgres.conninfo, schema=new_schema())
        first = asyncio.ensure_future(store.transfer("t"))
        await asyncio.sleep(milliseconds / 1_000)
        first.cancel()
        await asyncio.wait((first,))
        assert await store.transfer("t") is None
        await store.close()

    asyncio.run(lesson())


def test_a8_an_opening_that_fails_can_be_done_again(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: there was no connection to be had for a while."""

    async def lesson() -> None:
        store = AsyncPostgresStore(postgres.conninfo, schema=new_schema())
        with monkeypatch.context() as patch:
            patch.setattr("sms_transfer.adapters.postgres.awaitable.PATIENCE", 0.000_001)
            with pytest.raises(StoreUnavailable):
                await store.open()
        assert await store.transfer("t") is None
        await store.close()

    asyncio.run(lesson())


def test_a8_many_tasks_may_open_it_at_once(postgres: Server) -> None:
    """A8: one does, and the others use what it opened."""

    async def lesson() -> list[object]:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            await store.close()
        store = AsyncPostgresStore(postgres.conninfo, schema=store.schema, connections=2)
        found: list[object] = await asyncio.gather(*[store.transfer("t") for _ in range(5)])
        await store.close()
        return found

    assert [None] * 5 == asyncio.run(lesson())


def test_f7_an_awaited_call_says_that_the_store_is_away(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: a connection that breaks is told of, and the next call has another."""

    async def broken(*_: object, **__: object) -> None:
        raise psycopg.OperationalError

    async def lesson() -> None:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            with monkeypatch.context() as patch:
                patch.setattr(psycopg.AsyncConnection, "execute", broken)
                with pytest.raises(StoreUnavailable):
                    await store.transfer("t")
            assert await store.transfer("t") is None

    asyncio.run(lesson())


def test_d7_whoever_listens_while_nothing_is_heard_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """D7: the database is away; they will be woken when it is back."""
    monkeypatch.setattr("sms_transfer.adapters.postgres.doorbell._PATIENCE", 0.01)
    bell = Doorbell(NOWHERE, "nowhere", lambda _: None)

    subscription = bell.listen("bob", lambda: None)

    subscription.close()
    bell.close()


def test_a8_an_encoding_that_was_changed_later_is_told() -> None:
    """A8, A6: the text that could not be carried is not in the error."""
    with pytest.raises(UnusableStore, match="UTF-8") as unusable, translated():
        "żółć".encode("latin1")

    assert "ż" not in str(unusable.value)


def test_a8_a_store_that_was_closed_before_it_was_used_stays_closed(postgres: Server) -> None:
    """A8: nobody would close what it opened."""

    async def lesson() -> None:
        store = AsyncPostgresStore(postgres.conninfo, schema=new_schema())
        await store.close()
        with pytest.raises(UnusableStore, match="closed"):
            await store.transfer("t")

    asyncio.run(lesson())


def test_a8_an_awaited_store_that_is_closed_is_unusable(postgres: Server) -> None:
    """A8: closing twice does no harm."""

    async def lesson() -> None:
        async with AsyncPostgresStore(postgres.conninfo, schema=new_schema()) as store:
            store.doorbell.listen("bob", lambda: None)
        await store.close()
        with pytest.raises(UnusableStore, match="closed"):
            await store.transfer("t")

    asyncio.run(lesson())


def stale(interaction: Interaction, event: Event) -> Decision:
    """A decision on a version that is not there any more."""
    return Decision(attrs.evolve(interaction, version=interaction.version - 1), events=(event,))
