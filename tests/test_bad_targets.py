"""Targets, members and numbers that are no good (A8)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floor import OTHER, QUEUE, ROUTING_TIMEOUT, SEVERAL, Floor
from sms_transfer import (
    Agent,
    AlreadyExists,
    ChannelStatus,
    Handover,
    Interaction,
    InteractionState,
    InvalidValue,
    Media,
    NotFound,
    Queue,
    Reason,
    Target,
    TargetKind,
    TargetNotEligible,
    TransferPolicy,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.ending import next_id
from sms_transfer.testing import ManualClock
from support import BOB, CONTACT

POINT = Target.routing_point("q")


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_a8_a_target_that_nobody_knows_is_refused(target: Target) -> None:
    """A8, E1, F7: though another kind has the same id."""
    floor = Floor(SEVERAL[SEVERAL.index(target) - 1])
    before = floor.service.interaction("i")
    with pytest.raises(TargetNotEligible) as refused:
        floor.ask(target=target)

    assert {Reason.UNKNOWN} == refused.value.reasons == floor.service.eligibility("i", target)
    assert before == floor.service.interaction("i")


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_a8_a_target_whose_only_member_is_the_sender_is_refused(target: Target) -> None:
    """A8, E1: nobody there ever could take it; from anybody else they could."""
    floor = Floor(target, ["alice"])
    floor.begin("b", "bob")

    assert {Reason.NO_AGENTS} == floor.service.eligibility("i", target)
    assert frozenset() == floor.service.eligibility("b", target)


def test_a8_an_empty_queue_is_known_and_serves_nobody() -> None:
    """A8, E1: until there are members."""
    floor = Floor(members=[])
    assert {Reason.NO_AGENTS} == floor.service.eligibility("i", QUEUE)

    floor.service.update_queue(QUEUE, ["bob"])
    assert frozenset() == floor.service.eligibility("i", QUEUE)


def test_a8_a_member_whom_nobody_knows_is_refused() -> None:
    """A8, F7: by name, when the queue is made or changed; it stays what it was."""
    floor = Floor()
    with pytest.raises(NotFound) as refused:
        floor.service.add_queue(OTHER, ["bob", "nobody", "noone"])
    assert {"kind": "agent", "id": "nobody"} == refused.value.fields
    assert {Reason.UNKNOWN} == floor.service.eligibility("i", OTHER)

    with pytest.raises(NotFound):
        floor.service.update_queue(QUEUE, ["nobody"])
    assert frozenset() == floor.service.eligibility("i", QUEUE)


def test_a8_members_who_have_been_forgotten_are_passed_over() -> None:
    """A8, Q1: the store has a queue that names agents whom nobody knows."""
    store = MemoryStore()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    store.add_queue(Queue(QUEUE, {"ghost", "bob"}))
    store.add_queue(Queue(OTHER, {"ghost", "phantom"}))

    assert {Reason.NO_AGENTS} == service.eligibility("i", OTHER)
    invitation = service.request_transfer("i", QUEUE, by="alice").invitation
    assert invitation is not None
    service.reject(invitation.id, by="bob")
    assert InteractionState.ACTIVE is service.interaction("i").state

    service.add_agent(Agent("ghost", "Ghost", status=ChannelStatus.READY))
    assert frozenset() == service.eligibility("i", OTHER)


def test_a8_queues_may_overlap_and_share_an_id() -> None:
    """A8, Q1: an agent in three targets of one id is asked once for each request, and has their places once."""
    floor = Floor()
    floor.service.add_queue(POINT, ["bob"])
    floor.change("bob", groups={"q"}, skills={"q"}, capacity=1)
    floor.ask()
    floor.begin("j")
    floor.ask("j", POINT)

    assert ("bob", None) == (floor.invitee(), floor.invitee("j"))
    floor.decline()
    assert ("carol", "bob") == (floor.invitee(), floor.invitee("j"))


@pytest.mark.parametrize("kind", [TargetKind.AGENT, TargetKind.AGENT_GROUP, TargetKind.SKILL])
def test_a8_only_queues_and_routing_points_are_added(kind: TargetKind) -> None:
    """A8: agents' own records say who is in a group or has a skill."""
    floor = Floor()
    for act in (floor.service.add_queue, floor.service.update_queue):
        with pytest.raises(InvalidValue) as refused:
            act(Target(kind, "x"), ["bob"])
        assert refused.value.field == "target"


def test_a8_a_queue_is_added_once_and_changed_where_there_is_one() -> None:
    """A8, F7: an equal one is one too many, too."""
    floor = Floor()
    for members in (["bob", "carol"], []):
        with pytest.raises(AlreadyExists) as taken:
            floor.service.add_queue(QUEUE, members)
        assert {"kind": "queue", "id": "q"} == taken.value.fields
    with pytest.raises(NotFound) as unknown:
        floor.service.update_queue(POINT, ["bob"])
    assert {"kind": "routing_point", "id": "q"} == unknown.value.fields
    assert frozenset() == floor.service.eligibility("i", QUEUE)


@pytest.mark.parametrize("members", ["bob", "", None, 5, object(), [""], ["x" * 129], [5], [None], [["bob"]], [{}]])
def test_a8_members_that_are_none_are_refused(members: Any) -> None:
    """A8, F7: a string would be its letters."""
    floor = Floor()
    for act, target in ((floor.service.add_queue, OTHER), (floor.service.update_queue, QUEUE)):
        with pytest.raises(InvalidValue) as refused:
            act(target, members)
        assert refused.value.field == "members"
    floor.ask()
    assert floor.invitee() == "bob"


@pytest.mark.parametrize(
    "members", [("bob",), {"bob"}, frozenset({"bob"}), ["bob", "bob"], {"bob": 1}, {"bob": 1}.keys()]
)
def test_a8_members_may_be_any_collection_of_ids(members: Any) -> None:
    """A8: of whatever kind; named twice is named once."""
    floor = Floor()
    assert {"bob"} == floor.service.update_queue(QUEUE, members).members


def test_a8_a_name_that_is_too_long_is_refused() -> None:
    """A8: one of 256 characters is not, and stays when the members change."""
    floor = Floor()
    for name in ("x" * 257, 5, "\ud800"):
        with pytest.raises(InvalidValue) as refused:
            floor.service.update_queue(QUEUE, ["bob"], name=name)  # type: ignore[arg-type]
        assert refused.value.field == "name"
    floor.service.update_queue(QUEUE, ["bob"], name="é" * 256)

    assert "é" * 256 == floor.service.update_queue(QUEUE, ["carol"]).label
    assert "q" == floor.service.update_queue(QUEUE, ["carol"], name="").label


@pytest.mark.parametrize(
    "priority", [-1, True, 1.5, "1", None, 10**30 * -1, 10**5_000], ids=lambda value: type(value).__name__
)
def test_a8_a_priority_that_is_none_is_refused(priority: Any) -> None:
    """A8, F7: whole numbers, 0 or more."""
    floor = Floor()
    with pytest.raises(InvalidValue) as refused:
        floor.ask(priority=priority)

    assert "priority" == refused.value.field
    assert InteractionState.ACTIVE is floor.state


@pytest.mark.parametrize("fallback", [5, "bob", object(), ["bob"]])
def test_a8_a_fallback_that_is_no_target_is_refused(fallback: Any) -> None:
    """A8: by the request and by the policy."""
    floor = Floor()
    with pytest.raises(InvalidValue) as refused:
        floor.ask(fallback=fallback)
    assert "fallback" == refused.value.field
    with pytest.raises(InvalidValue):
        TransferPolicy(fallback=fallback)


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        ("t", "t+2"),
        ("7", "7+2"),
        ("t+2", "t+3"),
        ("t+9", "t+10"),
        ("t+", "t++2"),
        ("+2", "+3"),
        ("t+x", "t+x+2"),
        ("t+x+2", "t+x+3"),
        ("t+٣", "t+٣+2"),
        ("t+1234567890", "t+1234567890+2"),
        ("x" * 126, "x" * 126 + "+2"),
        ("x" * 127, "faeac286ccce46d5273182d599dd943b+2"),
    ],
)
def test_f4_the_next_round_has_the_next_id(given_id: str, expected: str) -> None:
    """F4: the same whoever records it; a number behind a plus is counted on, of plain digits only."""
    assert expected == next_id(given_id)


@given(st.text(min_size=1, max_size=128).filter(lambda text: text.isprintable()), st.integers(1, 40))
def test_a8_ids_of_any_length_go_through_the_rounds(first: str, rounds: int) -> None:
    """A8: every id is one, and none comes twice."""
    seen = [first]
    for _ in range(rounds):
        seen.append(next_id(seen[-1]))
    assert len(set(seen)) == len(seen)
    assert all(0 < len(id_) <= 128 for id_ in seen)


class LongIds:
    """Ids as long as they may be."""

    def __init__(self) -> None:
        self._made = 0

    def new(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made}".ljust(128, "é")


def test_a8_ids_of_128_characters_go_through_everything() -> None:
    """A8, Q2: the queue's, the agents', the conversation's and the requests', through many rounds."""
    long = {name: name.ljust(128, "x") for name in ("alice", "bob", "i", "q")}
    clock = ManualClock()
    policy = TransferPolicy(handover=Handover.ON_PLACEMENT)
    service = TransferService(clock=clock, policy=policy, ids=LongIds())
    for name in ("alice", "bob"):
        service.add_agent(Agent(long[name], name, status=ChannelStatus.READY))
    target = Target.queue(long["q"])
    service.add_queue(target, [long["bob"]])
    service.set_not_ready(long["bob"])
    service.open_interaction(Interaction(long["i"], media=Media.SMS, contact=CONTACT, owner=long["alice"]))
    made = service.request_transfer(long["i"], target, by=long["alice"], key="k" * 128)
    for _ in range(12):
        clock.advance(ROUTING_TIMEOUT)
        service.tick()
    live = service.interaction(long["i"]).transfer
    assert live is not None
    assert (live.id.endswith("+13"), TransferState.ROUTING) == (True, live.state)
    assert TransferState.EXPIRED is service.transfer(made.id).state

    service.set_ready(long["bob"])
    (invitation,) = service.snapshot(long["bob"]).invitations
    assert long["bob"] == service.accept(invitation.id, by=long["bob"]).owner


def test_a8_a_policy_of_no_kind_at_all_refuses_everything() -> None:
    """A8, E1: that is what it says."""
    floor = Floor(policy=TransferPolicy(kinds=()))
    for target in (BOB, *SEVERAL):
        assert Reason.KIND_NOT_ALLOWED in floor.service.eligibility("i", target)


def test_a8_a_conversation_cannot_be_opened_in_a_queue() -> None:
    """A8, Q2, F7: it begins with an agent; nothing can be QUEUED without a request."""
    floor = Floor()
    with pytest.raises(InvalidValue):
        attrs.evolve(floor.opened, id="j", owner=QUEUE)
    with pytest.raises(NotFound):
        floor.service.interaction("j")


def test_a8_a_request_that_is_routing_has_no_invitation() -> None:
    """A8, Q1: one that contradicts itself cannot be made."""
    floor = Floor()
    with pytest.raises(InvalidValue) as refused:
        attrs.evolve(floor.ask(), state=TransferState.ROUTING)
    assert refused.value.field == "invitation"


class Beaten(MemoryStore):
    """A store in which somebody else is faster, once."""

    beaten = False

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        if not self.beaten:
            self.beaten = True
            super().replace_queue(known, attrs.evolve(known, name="Sales"))
        super().replace_queue(known, queue)


def test_f7_a_change_of_a_queue_that_was_beaten_begins_again() -> None:
    """F7: and keeps what the other one has changed."""
    service = TransferService(Beaten(), clock=ManualClock())
    service.add_agent(Agent("bob", "Bob"))
    service.add_queue(QUEUE, [])

    assert Queue(QUEUE, {"bob"}, name="Sales") == service.update_queue(QUEUE, ["bob"])
