"""Many processes on one store: exactly one winner, and every loser is told who it is (F1 to F5, E3, T9 to T11)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from checker import Played
from fragile_stores import STORES
from lives import Hand, instant, milliseconds
from racers import Answer, Ask, Racers
from servers import Server, new_schema
from sms_transfer import (
    Agent,
    ChannelStatus,
    IllegalTransition,
    Interaction,
    InteractionState,
    InvitationClosed,
    InvitationSent,
    Media,
    Outcome,
    Reason,
    SmsTransferError,
    StaleEpoch,
    TargetNotEligible,
    TransferPending,
    TransferPolicy,
    TransferRequest,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.sqlite import SqliteStore
from support import BOB, CONTACT, TIMEOUT
from traces import validate

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("SMS_TRANSFER_TEST_RACES", "300"))
"""How often they race for the same thing; ``.ci/run`` asks for more."""
PROCESSES = 4
MANY = 1_000_000
ANSWERS = ("accept", "accept", "reject", "cancel", "expire", "reply", "finish", "request")
WAIT = round(TIMEOUT.total_seconds() * 1_000)


class Field:
    """A store, some processes on it, and this one's own service. Alice, Bob and Carol have all the places they want."""

    def __init__(self, store: SqliteStore | PostgresStore, racers: Racers) -> None:
        self.store = store
        self.racers = racers
        self.clock = Hand(0)
        self.service = TransferService(store, clock=self.clock)
        self.chance = Random(0)  # noqa: S311 - a test is to be repeated
        self._opened = 0
        for agent_id in ("alice", "bob", "carol"):
            self.add(agent_id, MANY)

    def add(self, agent_id: str, capacity: int) -> None:
        """A new agent, Ready."""
        self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY, capacity=capacity))

    def open(self, owner: str = "alice") -> str:
        """A new conversation."""
        self._opened += 1
        return self.service.open_interaction(
            Interaction(f"i-{self._opened}", media=Media.SMS, contact=CONTACT, owner=owner)
        ).id

    def invite(self) -> TransferRequest:
        """A new conversation with an invitation to Bob, and a deadline that no other one has."""
        self.clock.at += 1
        return self.service.request_transfer(self.open(), BOB, by="alice")

    def after_everything(self) -> int:
        """A time when every deadline has passed."""
        self.clock.at += WAIT + 1
        return self.clock.at

    def settle(self) -> None:
        """Let every deadline pass, so that nothing is live that the next race would meet."""
        self.after_everything()
        while self.service.tick().expired:  # a thousand at a time
            pass


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def field(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    engine: str = request.param
    schema = new_schema()
    if engine == "sqlite":
        place = str(tmp_path_factory.mktemp("races") / "store")
        SqliteStore(place).close()
    else:
        server: Server = request.getfixturevalue("postgres")
        place = server.conninfo
        PostgresStore(place, schema=schema).close()
    with STORES[engine](place, schema, 1) as store, Racers(PROCESSES, engine, place, schema) as racers:
        yield Field(store, racers)
        validate(store, TransferPolicy())


def asks_about(request: TransferRequest, what: list[str], at: int) -> list[Ask]:
    """What each process does about an invitation of Alice's to Bob."""
    assert request.invitation is not None
    names = {"accept": request.invitation.id, "reject": request.invitation.id, "cancel": request.id}
    return [
        Ask(
            do=do,
            at=at,
            by="bob" if do in ("accept", "reject") else "alice",
            interaction=request.interaction_id,
            name=names.get(do, ""),
            target="carol",
        )
        for do in what
    ]


@pytest.mark.parametrize("due", [False, True], ids=["in time", "at the deadline"])
def test_f3_one_of_many_processes_wins_and_the_others_are_told(field: Field, due: bool) -> None:
    """F1, F3, T10, T11, T13: whatever can end an invitation, at once from everywhere: one wins, losers learn which."""
    requests = [field.invite() for _ in range(ROUNDS)]
    chosen = [field.chance.sample(ANSWERS, PROCESSES) for _ in requests]
    # "At the deadline" is each one's own, so that a sweep finds the one of its round and none of the rounds to come.
    times = [milliseconds(request.deadline) if due else field.clock.at for request in requests]
    steps = [asks_about(request, what, at) for request, what, at in zip(requests, chosen, times, strict=True)]
    outcomes = Counter[str]()
    for request, what, answers in zip(requests, chosen, field.racers.race(steps), strict=True):
        outcome = outcome_of(field, request)
        assert outcome is not None
        outcomes[outcome.state] += 1
        check_round(field, request, outcome, list(zip(what, answers, strict=True)))
        assert outcome == outcome_of(field, request)
    assert ({"expired"} if due else {"accepted", "rejected", "cancelled"}) == set(outcomes)
    field.settle()


def outcome_of(field: Field, request: TransferRequest) -> Outcome | None:
    """The outcome that is recorded."""
    found = field.store.transfer(request.id)
    assert found is not None
    return found.outcome


def check_round(
    field: Field, request: TransferRequest, outcome: Outcome | None, answers: list[tuple[str, Answer]]
) -> None:
    """State and history agree, one answer won, and every other one was told."""
    found = field.service.interaction(request.interaction_id)
    played = Played(found.id)
    played.play(field.service.history(found.id))
    assert (played.owner, played.epoch, played.state) == (found.owner, found.epoch, found.state)
    assert played.outcomes[request.id] == outcome
    won = [what for what, answer in answers if what in ("accept", "reject", "cancel") and answer is None]
    by_answer = outcome is not None and outcome.reason not in ("no_answer", "interaction_done")
    assert by_answer is (len(won) == 1)
    assert len(won) < 2
    for what, answer in answers:
        check_answer(what, answer, request, outcome, done=found.state is InteractionState.DONE)


def check_answer(what: str, answer: Answer, request: TransferRequest, outcome: Outcome | None, *, done: bool) -> None:
    """What an answer may be, given what won."""
    state = None if outcome is None else outcome.state
    if not isinstance(answer, SmsTransferError):
        assert what != "finish" or done
        assert what != "request" or state in (TransferState.REJECTED, TransferState.CANCELLED, TransferState.EXPIRED)
    elif what in ("accept", "reject", "cancel"):
        assert isinstance(answer, InvitationClosed)
        assert outcome is not None
        assert (state, outcome.by, outcome.reason) == (answer.outcome.state, answer.outcome.by, answer.outcome.reason)
        assert ("bob" if state is TransferState.ACCEPTED else "alice") == answer.outcome.owner
    elif isinstance(answer, StaleEpoch):
        assert (TransferState.ACCEPTED, "bob") == (state, answer.owner)
    elif isinstance(answer, TransferPending):
        assert ("request", request.id) == (what, answer.transfer.id)
    else:
        assert isinstance(answer, IllegalTransition)
        assert done


@pytest.mark.parametrize("capacity", [1, 2])
def test_e3_the_last_places_are_taken_once(field: Field, capacity: int) -> None:
    """E3: every process wants a free place of one agent's: as many are invited as there are, the rest are refused."""
    last = f"last of {capacity}"
    field.add(last, capacity)
    owners = [f"owner {number} of {capacity}" for number in range(PROCESSES)]
    for owner in owners:
        field.add(owner, MANY)
    opened = [field.open(owner) for owner in owners]
    pairs = list(zip(owners, opened, strict=True))
    steps: list[list[Ask]] = []
    for _ in range(ROUNDS // 2):
        field.clock.at += 1
        at = field.clock.at
        steps.append([Ask(do="request", at=at, by=owner, interaction=id_, target=last) for owner, id_ in pairs])
        steps.append([Ask(do="load", at=at, target=last)] * PROCESSES)
        steps.append([Ask(do="give back", at=at)] * PROCESSES)
    answers = field.racers.race(steps)
    for asked, loads, given_back in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
        refused = [answer for answer in asked if isinstance(answer, SmsTransferError)]
        assert PROCESSES - capacity == len(refused)
        for answer in refused:
            assert isinstance(answer, TargetNotEligible)
            assert {Reason.AT_CAPACITY} == answer.reasons
        assert {capacity} == set(loads)
        assert {None} == set(given_back)
    # And from history: at each instant so many were invited, and no more.
    events = [event for id_ in opened for event in field.service.history(id_)]
    invited = Counter(event.at for event in events if isinstance(event, InvitationSent))
    assert [capacity] * (ROUNDS // 2) == list(invited.values())


def test_f5_the_same_key_from_many_processes(field: Field) -> None:
    """F5: the same request under one key from every process makes one transfer, and all are given it."""
    opened = [field.open() for _ in range(ROUNDS // 2)]
    steps = [
        [Ask(do="request under a key", at=field.clock.at, by="alice", interaction=id_, target="bob")] * PROCESSES
        for id_ in opened
    ]
    for id_, answers in zip(opened, field.racers.race(steps), strict=True):
        live = field.service.interaction(id_).transfer
        assert live is not None
        assert {live.id} == set(answers)
    field.settle()


def test_t9_leaving_races_invitations(field: Field) -> None:
    """T9: an agent who logs out while being invited by others is never left with a live invitation."""
    field.add("dan", MANY)
    opened = [field.open() for _ in range(ROUNDS // 2)]
    at = field.clock.at
    steps: list[list[Ask]] = []
    for id_ in opened:
        request = Ask(do="request", at=at, by="alice", interaction=id_, target="dan")
        steps.append([request, Ask(do="log out", at=at, by="dan"), *[Ask(do="load", at=at, target="dan")] * 2])
        steps.append([Ask(do="load", at=at, target="dan")] * PROCESSES)
        steps.append([Ask(do="come back", at=at, by="dan"), *[Ask(do="wait", at=at)] * 3])
    answers = field.racers.race(steps)
    for asked, loads in zip(answers[::3], answers[1::3], strict=True):
        assert {0} == set(loads)
        assert None is asked[1]
        if isinstance(asked[0], SmsTransferError):
            assert isinstance(asked[0], TargetNotEligible)
            assert {Reason.LOGGED_OUT} == asked[0].reasons
    assert all(field.service.interaction(id_).transfer is None for id_ in opened)


def test_f4_sweeps_race(field: Field) -> None:
    """F4: sweeps from every process at once close each request once, and tell of it once; the next find nothing."""
    requests = {field.invite().id for _ in range(ROUNDS // 2)}
    told = len(field.service.snapshot("alice").messages)
    at = field.after_everything()
    sweep = [Ask(do="expire", at=at)] * PROCESSES
    first, second = field.racers.race([sweep, sweep])
    closed = [id_ for answer in first if isinstance(answer, tuple) for id_ in answer]
    assert sorted(requests) == sorted(closed)
    assert {()} == set(second)
    assert told + len(requests) == len(field.service.snapshot("alice").messages)
    for id_ in requests:
        found = field.service.transfer(id_)
        assert found.outcome is not None
        assert (TransferState.EXPIRED, found.deadline) == (found.outcome.state, found.outcome.at)


def test_f4_clocks_that_differ_do_no_harm(field: Field) -> None:
    """F4, T10: sweeps and answers under clocks that are behind: what has expired stays so, what has not is left."""
    old = [field.invite() for _ in range(ROUNDS // 10)]
    early = field.clock.at
    late = field.after_everything()
    new = [field.invite() for _ in range(ROUNDS // 10)]
    times = [late, early, late, early][:PROCESSES]
    swept = field.racers.race([[Ask(do="expire", at=at) for at in times]])[0]
    closed = [id_ for answer in swept if isinstance(answer, tuple) for id_ in answer]
    assert sorted(request.id for request in old) == sorted(closed)
    steps = [asks_about(request, ["accept", "expire", "reject", "cancel"], early) for request in old]
    for request, answers in zip(old, field.racers.race(steps), strict=True):
        assert () == answers[1]
        for answer in (answers[0], answers[2], answers[3]):
            assert isinstance(answer, InvitationClosed)
            assert TransferState.EXPIRED is answer.outcome.state
        outcome = outcome_of(field, request)
        assert outcome is not None
        assert request.deadline == outcome.at
    assert all(outcome_of(field, request) is None for request in new)
    assert instant(late) < min(request.deadline for request in new)
    field.after_everything()
    assert len(new) == len(field.service.tick().expired)
