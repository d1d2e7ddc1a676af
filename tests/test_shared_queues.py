"""Several processes whose agents serve the same queues on one store (Q1, Q3, E3)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from time import monotonic, sleep

import pytest

from fragile_stores import STORES
from servers import Server, new_schema
from shared_queues import AGENTS, CAPACITY, PATIENCE, POLICY, QUEUES, Workers
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    Target,
    TransferAccepted,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.sqlite import SqliteStore
from support import CONTACT

pytestmark = pytest.mark.long

REQUESTS = int(os.environ.get("SMS_TRANSFER_TEST_RACES", "300")) // 5
"""How many are made in the storm; ``.ci/run`` asks for more."""
PROCESSES = 3
MANY = 1_000_000
NAMES = [f"agent {number}" for number in range(AGENTS)]


class Centre:
    """This process's part: it asks, and looks."""

    def __init__(self, store: SqliteStore | PostgresStore) -> None:
        self.store = store
        self.service = TransferService(store, policy=POLICY)
        self.random = Random(1)  # noqa: S311 - a test is to be repeated
        self.service.add_agent(Agent("sender", "Sender", status=ChannelStatus.READY, capacity=MANY))
        for name in NAMES:
            self.service.add_agent(Agent(name, name, capacity=CAPACITY))
        for queue, members in QUEUES.items():
            self.service.add_queue(queue, [NAMES[number] for number in members])
        self._opened = 0

    def ask(self, queue: Target) -> str:
        """A new conversation for this queue, of some priority; its transfer's id."""
        self._opened += 1
        interaction = self.service.open_interaction(
            Interaction(f"i-{self._opened}", media=Media.SMS, contact=CONTACT, owner="sender")
        )
        return self.service.request_transfer(interaction.id, queue, by="sender", priority=self.random.randrange(3)).id

    def loads(self) -> dict[str, int]:
        """The places that each agent has taken, in one reading."""
        return dict(self.store.loads(NAMES, datetime.now(UTC)))

    def assert_nobody_has_too_many(self) -> None:
        """E3."""
        assert max(self.loads().values(), default=0) <= CAPACITY


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Centre, Workers]]:
    engine: str = request.param
    schema = new_schema()
    if engine == "sqlite":
        place = str(tmp_path_factory.mktemp("queues") / "store")
        SqliteStore(place).close()
    else:
        server: Server = request.getfixturevalue("postgres")
        place = server.conninfo
        PostgresStore(place, schema=schema).close()
    with STORES[engine](place, schema, 1) as store, Workers(PROCESSES, (engine, place, schema)) as workers:
        yield Centre(store), workers


def test_q3_nothing_starves_while_agents_come_and_go(shared: tuple[Centre, Workers]) -> None:
    """Q1, Q3, E3: every request ends, nobody is asked twice or beside another, and nobody has too many."""
    centre, workers = shared
    workers.keep("storm")
    requests: list[str] = []
    for number in range(REQUESTS):
        requests.append(centre.ask(list(QUEUES)[number % 2]))
        if number % 10 == 0:
            centre.assert_nobody_has_too_many()
            sleep(0.05)
    workers.keep("calm")
    patience = monotonic() + PATIENCE
    while any(not centre.service.transfer(id_).state.is_final for id_ in requests):
        assert monotonic() < patience, "something waits for ever"
        centre.assert_nobody_has_too_many()
        sleep(0.1)
    workers.all("rest")

    for id_ in requests:
        assert_one_by_one(centre, id_)
    assert not centre.store.waiting_targets()
    assert not any(centre.loads().values())


def test_q3_priority_and_age_are_kept_to_whoever_routes(shared: tuple[Centre, Workers]) -> None:
    """Q3: what several processes place at once, they place in order, queue by queue."""
    centre, workers = shared
    workers.all("rest")
    requests = {queue: [centre.ask(queue) for _ in range(REQUESTS // 4)] for queue in QUEUES}

    for _ in range(REQUESTS):
        workers.all("one each")
        if not centre.store.waiting_targets():
            break

    for queue, ids in requests.items():
        asked = [centre.service.transfer(id_) for id_ in ids]
        in_order = sorted(asked, key=lambda request: (-request.priority, request.requested_at))
        invited = sorted(asked, key=lambda request: first_invited(centre, request.interaction_id))
        assert [one.id for one in in_order] == [one.id for one in invited], queue


def assert_one_by_one(centre: Centre, transfer_id: str) -> None:
    """One invitation at a time, nobody's twice; it ends accepted, or when there was nobody left to ask."""
    request = centre.service.transfer(transfer_id)
    offered: str | None = None
    asked: list[str] = []
    for event in centre.service.history(request.interaction_id):
        if isinstance(event, InvitationSent):
            assert offered is None, "it is offered to two at once"
            offered = event.invitee
            asked.append(offered)
        elif isinstance(event, InvitationRejected | InvitationExpired | InvitationWithdrawn):
            assert event.invitee == offered
            offered = None
        elif isinstance(event, TransferAccepted):
            assert event.by == offered
            offered = None
    assert offered is None
    assert len(set(asked)) == len(asked), "somebody was asked twice"
    if request.state is not TransferState.ACCEPTED:
        members = {NAMES[number] for number in QUEUES[request.target]}
        assert (TransferState.FAILED, members) == (request.state, set(asked))


def first_invited(centre: Centre, interaction_id: str) -> datetime:
    """When somebody was asked first."""
    return next(event.at for event in centre.service.history(interaction_id) if isinstance(event, InvitationSent))
