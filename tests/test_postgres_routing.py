"""What is PostgreSQL's own about teams, lines and the roster: locks, plans, and the host's transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import attrs
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from servers import Server, new_schema
from sms_transfer import (
    Agent,
    ChannelStatus,
    Conflict,
    CorruptRecord,
    Handover,
    Interaction,
    Media,
    Queue,
    SmsTransferError,
    Target,
    TransferPolicy,
    TransferService,
)
from sms_transfer.adapters.postgres import PostgresStore, PostgresTransaction
from sms_transfer.adapters.postgres.ask import Ask
from sms_transfer.adapters.postgres.asks import Asks
from sms_transfer.core.commands import Need
from sms_transfer.ports import Roster
from sms_transfer.testing import ManualClock
from support import CONTACT

T = TypeVar("T")

READY: Final = frozenset({ChannelStatus.READY})
Q1, Q2 = Target.queue("q1"), Target.queue("q2")
SALES, DESK, GROUP, SKILL = Target.queue("sales"), Target.routing_point("d"), Target.agent_group("g"), Target.skill("s")
MANY: Final = 3_000
FEW: Final = 60
"""Rows that a reading may touch which wants ten."""


@pytest.fixture
def store(postgres: Server) -> Generator[PostgresStore]:
    """A store in a schema of its own."""
    with PostgresStore(postgres.conninfo, schema=new_schema()) as store:
        yield store


@contextmanager
def joined(postgres: Server, store: PostgresStore) -> Generator[tuple[psycopg.Connection[Any], PostgresTransaction]]:
    """A transaction of the host's; undone unless it is committed."""
    with psycopg.connect(postgres.conninfo) as connection:
        yield connection, PostgresTransaction(connection, schema=store.schema)
        connection.rollback()


def ready(agent_id: str, **parts: Any) -> Agent:
    """An agent who can receive."""
    return Agent(agent_id, agent_id.title(), status=ChannelStatus.READY, **parts)


def opened(agent_id: str, interaction_id: str = "i") -> Interaction:
    return Interaction(interaction_id, media=Media.SMS, contact=CONTACT, owner=agent_id)


def able(store: PostgresStore, target: Target) -> list[str]:
    return [agent.id for agent in store.able(target, statuses=READY, limit=99)]


# who waits for whose lock


def while_waiting(postgres: Server, held: psycopg.Connection[Any], call: Callable[[], T]) -> T:
    """Commit what is held only when the call waits for a lock of it; what the call returns."""
    [pid] = held.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(postgres.conninfo, autocommit=True) as looking:
        called: Future[T] = pool.submit(call)
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        while looking.execute(blocked, (pid,)).fetchone() == (0,):
            assert not called.done()
            time.sleep(0.005)
        held.commit()
        return called.result()


def joins_a_group(store: PostgresStore) -> Target:
    [bob] = store.agents(["bob"]).values()
    store.replace_agent(bob, attrs.evolve(bob, groups=["g"]))
    return GROUP


def comes_to_a_queue(store: PostgresStore) -> Target:
    [sales] = store.queues([SALES]).values()
    store.replace_queue(sales, Queue(SALES, ["carol", "bob"]))
    return SALES


def is_in_a_new_queue(store: PostgresStore) -> Target:
    store.add_queue(Queue(DESK, ["alice", "bob"]))
    return DESK


changes = pytest.mark.parametrize("change", [joins_a_group, comes_to_a_queue, is_in_a_new_queue])


@changes
def test_q3_a_place_that_is_freed_meanwhile_is_seen(
    postgres: Server, store: PostgresStore, change: Callable[[PostgresStore], Target]
) -> None:
    """Q3: or an agent would be taken for full for ever; who is to serve more waits until their places are sure."""
    service = TransferService(store)
    service.add_agent(ready("bob", capacity=1))
    store.add_queue(Queue(SALES, ["carol"]))
    service.open_interaction(opened("bob"))
    with joined(postgres, store) as (connection, inside):
        TransferService(inside).mark_done("i", by="bob")

        target = while_waiting(postgres, connection, lambda: change(store))

    assert ["bob"] == able(store, target)


@changes
def test_q2_a_place_that_need_not_be_kept_meanwhile_is_seen(
    postgres: Server, store: PostgresStore, change: Callable[[PostgresStore], Target]
) -> None:
    """Q2, Q3: it is freed by a commit that does not concern its agent's desktop, and locks their desk all the same."""
    policy = TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True)
    service = TransferService(store, policy=policy)
    service.add_agent(ready("bob", capacity=1))
    service.add_agent(ready("carol"))
    store.add_queue(Queue(SALES, ["carol"]))
    service.open_interaction(opened("bob"))
    service.request_transfer("i", SALES, by="bob")
    [ticket] = [one.live_invitation for one in store.desktop("carol").offered]
    assert ticket is not None
    with joined(postgres, store) as (connection, inside):
        TransferService(inside, policy=policy).accept(ticket.id, by="carol")

        target = while_waiting(postgres, connection, lambda: change(store))

    assert "bob" in able(store, target)


def test_q1_an_agent_who_is_added_meanwhile_serves_their_queue(postgres: Server, store: PostgresStore) -> None:
    """Q1: the queue names them, and is not there yet for whoever adds them; they wait for it."""
    with joined(postgres, store) as (connection, inside):
        inside.add_queue(Queue(SALES, ["bob"]))

        while_waiting(postgres, connection, lambda: store.add_agent(ready("bob")))

    assert ["bob"] == able(store, SALES)


def test_q1_a_queue_that_is_added_meanwhile_is_served(postgres: Server, store: PostgresStore) -> None:
    """Q1: the other way round."""
    with joined(postgres, store) as (connection, inside):
        inside.add_agent(ready("bob"))

        while_waiting(postgres, connection, lambda: store.add_queue(Queue(SALES, ["bob"])))

    assert ["bob"] == able(store, SALES)


def test_f7_a_queue_that_was_changed_meanwhile_is_not_changed(postgres: Server, store: PostgresStore) -> None:
    """F7: it is not what is known any more, once its change is committed."""
    known = Queue(SALES, ["bob"])
    store.add_queue(known)
    with joined(postgres, store) as (connection, inside):
        inside.replace_queue(known, Queue(SALES, ["carol"]))

        with pytest.raises(Conflict, match="sales"):
            while_waiting(postgres, connection, lambda: store.replace_queue(known, Queue(SALES, ["dave"])))

    assert [Queue(SALES, ["carol"])] == list(store.queues([SALES]).values())
    assert frozenset() == store.served_by(["bob", "dave"])


def test_t2_nobody_is_listed_under_a_version_while_an_earlier_one_is_open(
    postgres: Server, store: PostgresStore
) -> None:
    """T2: so what is committed after a reading has a later version than that reading."""
    hasty = make_conninfo(postgres.conninfo, options="-c lock_timeout=100ms")
    with PostgresStore(hasty, schema=store.schema, create=False) as other:
        with joined(postgres, store) as (connection, inside):
            inside.add_agent(ready("alice"))
            with pytest.raises(Conflict):
                other.add_agent(ready("bob"))
            between = other.roster(None)
            connection.commit()
        other.add_agent(ready("bob"))

        assert {"alice", "bob"} == {agent.id for agent in other.roster(between.version).agents}


def test_t2_whoever_follows_the_versions_misses_nobody(postgres: Server, store: PostgresStore) -> None:
    """T2: however many change who can be found at once."""

    def write(lane: int) -> None:
        mine = store if lane % 2 else other
        for number in range(12):
            agent = Agent(f"{lane}-{number}", "new")
            mine.add_agent(agent)
            mine.replace_agent(agent, attrs.evolve(agent, name="known"))
            queue = Queue(Target.queue(agent.id), ["alice", "bob", agent.id])
            mine.add_queue(queue)
            mine.replace_queue(queue, attrs.evolve(queue, name="known"))

    def follow() -> dict[object, object]:
        found: dict[object, object] = {}
        version: int | None = None
        last = False
        while True:
            roster = store.roster(version)
            version = roster.version
            found |= {agent.id: agent for agent in roster.agents} | {queue.target: queue for queue in roster.queues}
            if last:
                return found
            last = all(writer.done() for writer in writers)

    with (
        PostgresStore(postgres.conninfo, schema=store.schema) as other,
        ThreadPoolExecutor(6) as pool,
    ):
        writers = [pool.submit(write, lane) for lane in range(4)]
        followers = [pool.submit(follow) for _ in range(2)]
        for writer in writers:
            writer.result()
        whole = store.roster(None)
        everybody = {agent.id: agent for agent in whole.agents} | {queue.target: queue for queue in whole.queues}
        assert 4 * 12 * 2 == len(everybody)
        assert [everybody] * 2 == [follower.result() for follower in followers]


# a storm


class Watched(PostgresStore):
    """A store that remembers the deadlocks it was in."""

    def __init__(self, conninfo: str, schema: str) -> None:
        super().__init__(conninfo, schema=schema)
        self.deadlocks: list[Conflict] = []

    def _do(self, ask: Ask[T]) -> T:
        try:
            return super()._do(ask)
        except Conflict as beaten:
            if beaten.kind == "transaction":
                self.deadlocks.append(beaten)
            raise


TEAM: Final = tuple(f"agent-{number}" for number in range(6))
EXCEEDED: Final = """
SELECT agent.id FROM {s}.agent WHERE capacity < (
  SELECT count(*) FROM {s}.interaction
  WHERE agent.id IN (holder, kept_for) OR invitee = agent.id AND offered_until > now())
"""
WRONG: Final = """
SELECT member.* FROM {s}.member LEFT JOIN {s}.agent ON agent.id = member.agent_id
WHERE (member.status, member.free) IS DISTINCT FROM (agent.status, agent.status IS NOT NULL AND agent.capacity > (
  SELECT count(*) FROM {s}.interaction WHERE agent.id IN (holder, kept_for, invitee)))
"""


class Storm:
    """Everything at once, from two stores on one schema."""

    def __init__(self, stores: Sequence[PostgresStore]) -> None:
        policies = (
            TransferPolicy(max_hops=1_000),
            TransferPolicy(max_hops=1_000, handover=Handover.ON_PLACEMENT, return_to_sender=True),
        )
        self.stores = stores
        self.services = [TransferService(store, policy=policy) for store, policy in zip(stores, policies, strict=True)]
        for number, agent_id in enumerate(TEAM):
            stores[0].add_agent(ready(agent_id, capacity=2, groups=["g"], skills=["s"][number % 2 :]))
            self.services[0].open_interaction(opened(agent_id, f"i{number}"))
        stores[0].add_queue(Queue(SALES, TEAM[:3]))

    def blow(self, seed: int) -> None:
        """One thread's part."""
        chance = random.Random(seed)  # noqa: S311 - a test's
        store, service = self.stores[seed % 2], self.services[seed % 2]
        for _ in range(40):
            with suppress(SmsTransferError):  # beaten, or no more what it was
                chance.choice((self.ask, self.ask, self.answer, self.answer, self.change, self.enrol))(
                    chance, store, service
                )

    def ask(self, chance: random.Random, _: PostgresStore, service: TransferService) -> None:
        interaction = service.interaction(f"i{chance.randrange(len(TEAM))}")
        target = chance.choice((SALES, GROUP, SKILL, Target.agent(chance.choice(TEAM))))
        service.request_transfer(interaction.id, target, by=str(interaction.owner))

    def answer(self, chance: random.Random, _: PostgresStore, service: TransferService) -> None:
        interaction = service.interaction(f"i{chance.randrange(len(TEAM))}")
        invitation = interaction.live_invitation
        if invitation is not None:
            chance.choice((service.accept, service.accept, service.reject))(invitation.id, by=invitation.invitee)

    def change(self, chance: random.Random, store: PostgresStore, service: TransferService) -> None:
        agent_id = chance.choice(TEAM)
        [known] = store.agents([agent_id]).values()
        if chance.random() < 0.5:
            store.replace_agent(known, attrs.evolve(known, groups=chance.choice((["g"], ["g", "h"], []))))
        else:
            chance.choice((service.set_ready, service.set_ready, service.set_not_ready))(agent_id)

    def enrol(self, chance: random.Random, store: PostgresStore, _: TransferService) -> None:
        [known] = store.queues([SALES]).values()
        store.replace_queue(known, Queue(SALES, chance.sample(TEAM, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_e3_who_can_receive_is_right_after_a_storm(postgres: Server, seed: int) -> None:
    """E3, Q3, F4: no capacity is exceeded, nobody stays full who is not, nobody waits in a circle."""
    schema = new_schema()
    with (
        Watched(postgres.conninfo, schema) as one,
        Watched(postgres.conninfo, schema) as other,
        ThreadPoolExecutor(6) as pool,
    ):
        storm = Storm((one, other))
        blowing = [pool.submit(storm.blow, 6 * seed + lane) for lane in range(6)]
        with psycopg.connect(postgres.conninfo, autocommit=True) as looking:
            exceeded = sql.SQL(EXCEEDED).format(s=sql.Identifier(schema))
            while not all(thread.done() for thread in blowing):
                assert [] == looking.execute(exceeded).fetchall()
            for thread in blowing:
                thread.result()
            assert [] == looking.execute(exceeded).fetchall()
            assert [] == looking.execute(sql.SQL(WRONG).format(s=sql.Identifier(schema))).fetchall()
        assert [] == one.deadlocks + other.deadlocks
        [sales] = one.queues([SALES]).values()
        for agent_id, agent in one.agents(TEAM).items():
            groups = {Target.agent_group(group) for group in agent.groups}
            skills = {Target.skill(skill) for skill in agent.skills}
            queues = {SALES} if agent_id in sales.members else set()
            assert groups | skills | queues == one.served_by([agent_id])


# what a reading costs


CROWD: Final = (
    "INSERT INTO agent SELECT 'a' || n, false, 'ready', 5, '{}', n, '' FROM one",
    "INSERT INTO queue SELECT 'queue:q' || n, 'q', last + n, '' FROM one",
    "UPDATE roster SET version = 2 * last FROM one WHERE n = 1",
    "INSERT INTO member SELECT 'queue:q1', 'a' || n, 'ready', n % 2 = 0, n FROM one",
    "INSERT INTO member SELECT 'queue:q' || n, 'a1', 'ready', true, n FROM one WHERE n > 1",
    "INSERT INTO interaction SELECT 'i' || n, 1, 'a' || n, NULL, NULL, NULL, 0, 0, 0, 0, '' FROM one",
    """INSERT INTO transfer SELECT 'i' || n, 't' || n, true, now(),
      CASE WHEN n > 100 THEN 'queue:q1' ELSE 'queue:q2' END, -(n % 3), now(), '' FROM one""",
    """INSERT INTO transfer SELECT 'i' || n, 'closed' || n || k, false, now(), NULL, 0, now(), ''
      FROM one, generate_series(1, 10) AS k""",
    "INSERT INTO recent SELECT 'a1', 'agent:a' || n, n FROM one",
    "ANALYZE",
)


@pytest.fixture(scope="module")
def crowded(postgres: Server) -> Generator[str]:
    """A schema with many rows of everything: `MANY` serve one queue, wait for it, and were asked by one agent."""
    schema = new_schema()
    options = f"-c search_path={schema}"
    with (
        PostgresStore(postgres.conninfo, schema=schema),
        psycopg.connect(postgres.conninfo, autocommit=True, options=options) as connection,
    ):
        series = "CREATE TEMPORARY TABLE one AS SELECT n, {0} AS last FROM generate_series(1, {0}) AS n"
        connection.execute(sql.SQL(series).format(MANY))
        for statement in CROWD:
            connection.execute(statement)
        yield schema


def waits_behind() -> Interaction:
    """What stands in the line as the rows above do."""
    service = TransferService(clock=ManualClock())
    service.add_agent(ready("alice"))
    service.add_agent(Agent("bob", "Bob", status=ChannelStatus.NOT_READY))
    service.add_queue(Q1, ["bob"])
    service.open_interaction(opened("alice"))
    service.request_transfer("i", Q1, by="alice", priority=1)
    return service.interaction("i")


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize(
    ("ask", "rows"),
    [
        pytest.param(lambda asks: asks.able(Q1, READY, 10), FEW, id="able"),
        pytest.param(lambda asks: asks.able(Q1, frozenset(ChannelStatus), 10), FEW, id="able in any status"),
        pytest.param(lambda asks: asks.members(Q1, 10), FEW, id="members"),
        pytest.param(lambda asks: asks.waiting([Q1, Q2], None, 10), FEW, id="waiting"),
        pytest.param(lambda asks: asks.waiting([Q1, Q2], waits_behind(), 10), FEW, id="waiting behind"),
        pytest.param(lambda asks: asks.waiting_targets(), FEW, id="waiting targets"),
        pytest.param(lambda asks: asks.waiting_counts([Q2]), FEW + 100, id="waiting counts"),
        pytest.param(lambda asks: asks.ready([Q2]), FEW, id="ready"),
        pytest.param(lambda asks: asks.recents("a1", 10), FEW, id="recents"),
        pytest.param(lambda asks: asks.served_by(["a2"]), FEW, id="served by"),
        pytest.param(lambda asks: asks.loads(["a1", "a2"], ManualClock().now()), FEW, id="loads"),
        pytest.param(lambda asks: asks.queue_names([Q1]), FEW, id="names"),
        pytest.param(lambda asks: asks.roster(2 * MANY), FEW, id="roster"),
        pytest.param(lambda asks: asks.roster(2 * MANY - 3), FEW, id="what changed in the roster"),
        pytest.param(lambda asks: asks.read(Need(interaction_id="i1"), ManualClock().now()), FEW, id="facts"),
    ],
)
def test_q3_a_reading_costs_what_it_finds(
    postgres: Server, crowded: str, mode: str, ask: Callable[[Asks], Ask[object]], rows: int
) -> None:
    """Q3, Q4: not how many serve a target, wait for one, or were ever asked; whatever plan PostgreSQL keeps."""
    asked = ask(Asks(crowded))
    with psycopg.connect(postgres.conninfo, options=f"-c plan_cache_mode={mode}") as connection:
        found = connection.execute(asked.statement, asked.params, prepare=True).fetchall()
        touched = connection.execute(
            "SELECT sum(seq_tup_read) + sum(idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE schemaname = %s",
            (crowded,),
        ).fetchone()

    assert found
    assert touched is not None
    assert rows >= touched[0] > 0


# the host's transaction, and what cannot be read


def everything(store: PostgresStore) -> tuple[object, ...]:
    """All that can be read of teams, lines, favourites and the roster."""
    return (
        able(store, SALES),
        able(store, GROUP),
        store.members(SALES, limit=9),
        store.queues([SALES, DESK]),
        store.queue_names([SALES, DESK]),
        store.ready([SALES, GROUP]),
        store.served_by(["alice", "bob"]),
        store.waiting([SALES, DESK], limit=9),
        store.waiting_targets(),
        store.waiting_counts([DESK]),
        store.favourites("alice"),
        store.recents("alice", limit=9),
        store.roster(None),
    )


def test_f6_what_the_host_undoes_was_never_there(postgres: Server, store: PostgresStore) -> None:
    """F6: teams, lines, favourites and the roster too; and inside, it is there at once."""
    service = TransferService(store)
    service.add_agent(ready("alice"))
    store.add_queue(Queue(SALES, ["alice"]))
    service.open_interaction(opened("alice"))
    before = everything(store)
    with joined(postgres, store) as (connection, inside):
        service = TransferService(inside)
        service.add_agent(ready("bob", groups=["g"], capacity=1))
        service.open_interaction(opened("bob", "j"))
        service.update_queue(SALES, ["alice", "bob"])
        service.add_queue(DESK, ["bob"])
        service.request_transfer("i", DESK, by="alice")
        inside.mark_favourite("alice", DESK, favourite=True)
        assert (["alice"], []) == (
            [agent.id for agent in inside.able(SALES, statuses=READY, limit=9)],
            [agent.id for agent in inside.able(DESK, statuses=READY, limit=9)],
        )
        assert ["i"] == [interaction.id for interaction in inside.waiting([SALES, DESK], limit=9)]
        assert frozenset({DESK}) == inside.waiting_targets()
        assert inside.waiting_counts([DESK])[DESK] == 1
        assert ((DESK,), (DESK,)) == (inside.favourites("alice"), inside.recents("alice", limit=9))
        assert [1, 1] == list(inside.loads(["alice", "bob"], ManualClock().now()).values())
        connection.rollback()

    assert before == everything(store)


@pytest.mark.parametrize(
    ("table", "named", "read"),
    [
        ("queue", ("queue", "queue:sales"), lambda store: store.queues([SALES])),
        ("queue", ("queue", "queue:sales"), lambda store: store.roster(None)),
        ("queue", ("queue", "queue:sales"), lambda store: store.replace_queue(Queue(SALES), Queue(SALES, ["b"]))),
        ("agent", ("agent", "bob"), lambda store: store.roster(None)),
        ("agent", ("agent", "bob"), lambda store: store.able(SALES, statuses=READY, limit=1)),
        ("agent", ("agent", "bob"), lambda store: store.members(SALES, limit=1)),
        ("interaction", ("interaction", "i"), lambda store: store.waiting([DESK], limit=1)),
    ],
)
def test_a8_a_record_of_a_team_that_cannot_be_read_is_named(
    postgres: Server, store: PostgresStore, table: str, named: tuple[str, str], read: Callable[[PostgresStore], object]
) -> None:
    """A8: which one, and nothing of what stands there."""
    service = TransferService(store)
    service.add_agent(ready("bob", capacity=2))
    store.add_queue(Queue(SALES, ["bob"]))
    store.add_agent(Agent("carol", "Carol", status=ChannelStatus.NOT_READY))
    store.add_queue(Queue(DESK, ["carol"]))
    service.open_interaction(opened("bob"))
    service.request_transfer("i", DESK, by="bob")
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        spoil = sql.SQL("UPDATE {} SET body = '{{' WHERE {} = ANY (%s)").format(
            sql.Identifier(store.schema, table), sql.Identifier("key" if table == "queue" else "id")
        )
        connection.execute(spoil, (["bob", "i", "queue:sales"],))

    with pytest.raises(CorruptRecord) as corrupt:
        read(store)

    assert named == (corrupt.value.kind, corrupt.value.id)


@pytest.mark.parametrize("since", [None, -1, 4, 10**30, -(10**30)])
def test_t2_a_version_that_was_never_given_asks_for_all(store: PostgresStore, since: int | None) -> None:
    """T2: whatever number it is."""
    store.add_agent(Agent("alice", "Alice"))
    store.add_queue(Queue(SALES, ["alice"]))

    assert store.roster(since) == Roster(
        version=2, agents=(Agent("alice", "Alice"),), queues=(Queue(SALES, ["alice"]),), complete=True
    )
