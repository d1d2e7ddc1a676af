"""What is particular to the store on a SQLite file about queues, who serves them and who waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import attrs
import pytest

from sms_transfer import (
    Agent,
    AlreadyExists,
    ChannelStatus,
    CorruptRecord,
    Interaction,
    Media,
    Target,
    TargetKind,
    TransferRequest,
    TransferService,
)
from sms_transfer.adapters.sqlite import SqliteStore, statements
from sms_transfer.adapters.sqlite.numbers import LARGEST, microseconds
from sms_transfer.core.commands import Need
from sms_transfer.ports import Roster
from sms_transfer.testing import ManualClock
from support import CONTACT
from test_sqlite import finish, run

SALES = Target(TargetKind.QUEUE, "sales")
NIGHT = Target(TargetKind.ROUTING_POINT, "night")
TEAM = Target(TargetKind.AGENT_GROUP, "team")
READY = frozenset({ChannelStatus.READY})
MANY = 60


class Names:
    """Ids in the order in which they are made."""

    def __init__(self) -> None:
        self.numbers = count()

    def new(self, kind: str) -> str:
        return f"{kind}-{next(self.numbers)}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path, durable=False) as store:
        yield store


@pytest.fixture
def service(store: SqliteStore) -> TransferService:
    """Alice has many places; Bob and Carol serve the queue and the routing point, and are Not Ready."""
    service = TransferService(store, clock=ManualClock(), ids=Names())
    service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY, capacity=10 * MANY))
    for agent_id in ("bob", "carol"):
        service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.NOT_READY, groups={"team"}))
    service.add_queue(SALES, ["bob", "carol"], name="Sales")
    service.add_queue(NIGHT, ["bob"])
    return service


def asked(service: TransferService, id_: str, target: Target = SALES, *, priority: int = 0) -> TransferRequest:
    """A transfer of Alice's."""
    service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
    return service.request_transfer(id_, target, by="alice", priority=priority)


def ticket(request: TransferRequest) -> str:
    """The id of its invitation."""
    assert request.invitation is not None
    return request.invitation.id


def ids(found: Sequence[Agent | Interaction]) -> list[str]:
    return [one.id for one in found]


def steps(store: SqliteStore, statement: str, *values: object) -> int:
    """How many steps SQLite's machine takes for a statement: what it costs, on any machine and under any load."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    with store._file.writing() as connection:  # noqa: SLF001 - nothing public tells
        connection.set_progress_handler(step, 1)
        connection.execute(statement, values).fetchall()
        connection.set_progress_handler(None, 1)
    return taken


# many handles, and a file that is opened again


def test_q1_another_process_sees_the_queues_and_who_waits(
    path: Path, store: SqliteStore, service: TransferService
) -> None:
    """Q1, Q3: what one process records, the next one reads, and the other way round."""
    asked(service, "i")
    asked(service, "urgent", NIGHT, priority=1)
    program = (
        "from sms_transfer import Queue, Target, TargetKind\n"
        "late = Target(TargetKind.QUEUE, 'late')\n"
        "store.add_queue(Queue(late, members=['carol']))\n"
        "store.mark_favourite('alice', late, favourite=True)\n"
        "waits = store.waiting_targets()\n"
        "print([one.id for one in store.waiting(waits, limit=9)], sorted(store.queue_names(waits).values()))\n"
    )

    assert "['urgent', 'i'] ['Sales', 'night']\n" == finish(run(path, program))
    late = Target(TargetKind.QUEUE, "late")
    assert (late,) == store.favourites("alice")
    assert ["carol"] == ids(store.members(late, limit=9))


def test_t2_handles_tell_of_each_others_changes(path: Path, store: SqliteStore, service: TransferService) -> None:
    """T2: the version of one is the version of the other, and changes only with who can be found."""
    with SqliteStore(path) as other:
        first = other.roster(None)
        service.set_ready("bob")
        asked(service, "i", Target.agent("bob"))
        assert Roster(version=first.version, agents=(), queues=(), complete=False) == other.roster(first.version)

        with pytest.raises(AlreadyExists):
            other.add_queue(store.queues([SALES])[SALES])
        service.update_queue(SALES, ["bob"])
        service.update_agent(Agent("carol", "Caroline"))

        changed = other.roster(first.version)
        assert (["carol"], [SALES]) == (ids(changed.agents), [queue.target for queue in changed.queues])
        assert changed == store.roster(first.version)


def test_f6_a_file_that_is_opened_again_has_who_waits_and_whom_one_asks(
    path: Path, store: SqliteStore, service: TransferService
) -> None:
    """F6, Q3: the line, its order, favourites in the order marked, and recents, the latest first."""
    for id_, target, priority in (("i", SALES, 0), ("j", NIGHT, 0), ("k", SALES, 7), ("l", SALES, 0)):
        asked(service, id_, target, priority=priority)
    for target in (TEAM, SALES, NIGHT, SALES):
        store.mark_favourite("alice", target, favourite=True)
    store.mark_favourite("alice", NIGHT, favourite=False)
    queues = store.queues([SALES, NIGHT])
    store.close()

    with SqliteStore(path) as again:
        assert queues == again.queues([SALES, NIGHT])
        line = again.waiting([SALES, NIGHT], limit=9)
        assert ["k", "i", "j", "l"] == ids(line)
        assert ["j", "l"] == ids(again.waiting([SALES, NIGHT], after=line[1], limit=9))
        assert {SALES: 3, NIGHT: 1} == again.waiting_counts([SALES, NIGHT])
        assert (TEAM, SALES) == again.favourites("alice")
        assert (SALES, NIGHT) == again.recents("alice", limit=9)
        assert again.read(Need(interaction_id="i"), ManualClock().now()).waiting


def test_q4_a_file_that_is_opened_again_has_who_is_longest_idle(
    path: Path, store: SqliteStore, service: TransferService
) -> None:
    """Q4: the order in which agents are asked does not begin anew with the process, nor with a VACUUM."""
    for agent_id in ("carol", "bob"):
        service.set_ready(agent_id)
    assert ["carol", "bob"] == ids(store.able(SALES, statuses=READY, limit=9))
    service.reject(ticket(asked(service, "i")), by="carol")
    service.accept(ticket(service.transfer("transfer-0")), by="bob")
    assert ["carol", "bob"] == ids(store.able(SALES, statuses=READY, limit=9))
    asked(service, "j", Target.agent("carol"))
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")

    with SqliteStore(path) as again:
        assert ["bob", "carol"] == ids(again.able(SALES, statuses=READY, limit=9))
        assert ["bob", "carol"] == ids(again.able(TEAM, statuses=READY, limit=9))
        assert {SALES: 2, NIGHT: 1} == again.ready([SALES, NIGHT])
        assert (Target.agent("carol"), SALES) == again.recents("alice", limit=9)
        asked(TransferService(again, clock=ManualClock()), "k", NIGHT)
        assert (NIGHT, Target.agent("carol")) == again.recents("alice", limit=2)


def test_f6_a_queue_that_cannot_be_read_is_named(path: Path, store: SqliteStore, service: TransferService) -> None:
    """F6, A6: by its kind and id, and not by what is in it."""
    service.update_queue(SALES, ["bob"])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE queue SET body = 'the secret words' WHERE label = 'Sales'")

    for read in (lambda: store.queues([SALES]), lambda: store.roster(None)):
        with pytest.raises(CorruptRecord) as found:
            read()
        assert ("queue", "queue:sales") == (found.value.kind, found.value.id)
    assert {SALES: "Sales"} == store.queue_names([SALES])  # it is read without the rest


# what it costs


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.ANY_WAITS, "COVERING INDEX transfer_waits"),
        (statements.LINE, "COVERING INDEX transfer_waits"),
        (statements.WAITED_FOR, "COVERING INDEX transfer_waits"),
        (statements.COUNT_WAITING, "COVERING INDEX transfer_waits"),
        (statements.ABLE, "COVERING INDEX member_able"),
        (statements.PLACE, "COVERING INDEX member_able"),
        (statements.MOVED, "COVERING INDEX member_able"),
        (statements.COUNT_READY, "COVERING INDEX member_able"),
        (statements.MEMBERS, "COVERING INDEX member_of"),
        (statements.AGENTS_FOUND, "INDEX agent_found"),
        (statements.QUEUES_FOUND, "INDEX queue_found"),
    ],
)
def test_q3_whoever_waits_or_is_able_is_found_in_order(store: SqliteStore, statement: str, index: str) -> None:
    """Q3, Q4: nothing is looked through, and nothing put in order afterwards."""
    with store._file.reading() as connection:  # noqa: SLF001 - nothing public tells
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()

    assert any(f"USING {index}" in step for *_, step in plan)
    assert [] == [step for *_, step in plan if "TEMP B-TREE" in step]


def test_q4_finding_somebody_costs_the_same_among_many(store: SqliteStore, service: TransferService) -> None:
    """Q4: who is full, away or unknown is not looked at, however many they are."""
    service.set_ready("bob")
    key = "queue:sales"
    few = [steps(store, statements.ABLE, key, "ready", 4), steps(store, statements.MEMBERS, key, 4)]
    for number in range(MANY):
        away = ChannelStatus.READY if number % 2 else ChannelStatus.LOGGED_OUT
        store.add_agent(Agent(f"full-{number}", "", status=away, capacity=0))
    known = store.queues([SALES])[SALES]
    many = known.members.union([f"full-{number}" for number in range(MANY)], ["aaron, whom nobody knows"])
    store.replace_queue(known, attrs.evolve(known, members=many))

    assert ["bob"] == ids(store.able(SALES, statuses=READY, limit=4))
    assert few[0] == steps(store, statements.ABLE, key, "ready", 4)
    assert few[1] * 2 >= steps(store, statements.MEMBERS, key, 4)  # there were but two of four


def test_q3_the_line_costs_the_same_however_long_it_is(store: SqliteStore, service: TransferService) -> None:
    """Q3: its beginning, its middle, whether there is one, and whom it is for."""
    asked(service, "a")
    asked(service, "b")

    def costs() -> list[int]:
        middle = store.read(Need(interaction_id="a"), ManualClock().now()).interaction
        assert middle is not None
        assert middle.transfer is not None
        behind = (0, microseconds(middle.transfer.requested_at), middle.transfer.id)
        return [
            steps(store, statements.LINE, "queue:sales", -LARGEST - 1, 0, "", 1),
            steps(store, statements.LINE, "queue:sales", *behind, 1),
            steps(store, statements.ANY_WAITS),
            steps(store, statements.WAITED_FOR),
        ]

    short = costs()
    for number in range(MANY):
        asked(service, f"i {number}")

    assert short == costs()


def test_q4_agents_who_serve_nothing_cost_a_commit_nothing(store: SqliteStore, service: TransferService) -> None:
    """Q4: their places are not even counted."""
    nothing = steps(store, statements.MOVED, *["alice"] * 5)
    for number in range(MANY):
        service.open_interaction(Interaction(f"i {number}", media=Media.SMS, contact=CONTACT, owner="alice"))

    assert nothing == steps(store, statements.MOVED, *["alice"] * 5)
    assert nothing < steps(store, statements.MOVED, *["bob"] * 5)


def test_t2_recents_cost_whom_an_agent_asked_and_not_how_often(store: SqliteStore, service: TransferService) -> None:
    """T2: they are told without a look at all that an agent did in a life."""
    service.cancel(asked(service, "i").id, by="alice")
    once = steps(store, statements.RECENTS, "alice", 9)
    for _ in range(20):
        service.cancel(service.request_transfer("i", SALES, by="alice").id, by="alice")

    assert once == steps(store, statements.RECENTS, "alice", 9)
