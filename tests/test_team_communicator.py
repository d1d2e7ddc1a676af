"""The team communicator: what is found, how it is and what can be done with it; favourites and recents (T2, T3, E1)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from doubles import PlainDirectory
from sms_transfer import (
    Action,
    Agent,
    ChannelStatus,
    Denial,
    Found,
    FoundTarget,
    Handover,
    Interaction,
    InvalidValue,
    Media,
    NotFound,
    NotPermitted,
    Presence,
    Privilege,
    Reason,
    Refused,
    SmsTransferError,
    Target,
    TargetKind,
    TargetNotEligible,
    TeamCommunicator,
    TransferPolicy,
    TransferRequest,
    TransferService,
    View,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.testing import ManualClock
from support import ALICE, BOB, CAROL, CONTACT, MOMENT, TIMEOUT, Centre

QUEUE, POINT = Target.queue("q-7"), Target.routing_point("rp-7")
GROUP, SKILL = Target.agent_group("gold"), Target.skill("spanish")
EVERYTHING = 1_000
ENABLED = (Action(code="sms_transfer", label="SMS Transfer", enabled=True, reasons=frozenset()),)
FEW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


def search(service: TransferService, text: str = "", *, by: str = "alice", **options: Any) -> Found:
    """What this agent finds."""
    return TeamCommunicator(service, by).search(text, **options)


def targets(found: Found) -> list[Target]:
    return [one.target for one in found.targets]


def look(centre: Centre, target: Target, **options: Any) -> FoundTarget:
    """What Alice finds of this target now."""
    [found] = [one for one in search(centre.service, limit=EVERYTHING, **options).targets if one.target == target]
    return found


def action(centre: Centre, target: Target) -> Action:
    """The one entry of this target's action menu, for ``"i"``."""
    [found] = look(centre, target, interaction_id="i").actions
    return found


def change(centre: Centre, agent_id: str, **changes: Any) -> None:
    """Change an agent's record."""
    centre.service.update_agent(attrs.evolve(centre.service.agent(agent_id), **changes))


def without(centre: Centre, agent_id: str, *privileges: Privilege) -> None:
    """Take privileges away."""
    change(centre, agent_id, privileges=frozenset(Privilege).difference(privileges))


def called(*names: str, **options: Any) -> TransferService:
    """A service whose agents have these names; the first one is called by whoever searches."""
    service = TransferService(clock=ManualClock(), **options)
    for number, name in enumerate(names):
        service.add_agent(Agent(f"#{number}", name))
    return service


def found_names(service: TransferService, text: str, **options: Any) -> list[str]:
    return [one.name for one in search(service, text, by="#0", **options).targets]


# searching


@pytest.mark.parametrize(
    "text",
    ["z", "zo", "zoë", "ZOË", "Zoe", "obr", "brien", "o'b", "mull", "m\u00fcl", "a-1", "A-17", "17", "brien zoe"],
)
def test_t2_an_agent_is_found_by_name_id_or_word_as_one_types(text: str) -> None:
    """T2: case and accents do not count, and any word may be begun."""
    service = called("Somebody else")
    service.add_agent(Agent("a-17", "Zoë O'Brien Müller"))

    assert [Target.agent("a-17")] == targets(search(service, text, by="#0"))


@pytest.mark.parametrize("text", ["oe", "bob", "zoe bob", "rien", "7", "zoee"])
def test_t2_who_has_not_all_the_words_is_not_found(text: str) -> None:
    """T2: each word must begin some word of the name or id."""
    service = called("Somebody else")
    service.add_agent(Agent("a-17", "Zoë O'Brien Müller"))

    assert Found(total=0, targets=()) == search(service, text, by="#0")


def test_t2_the_best_come_first_and_always_in_the_same_order() -> None:
    """T2: who is called so, then whose name begins so, then the others; each by name."""
    service = called("Zed Bo", "Bob", "bo", "Abe Bo", "Boa", "Nobody")

    first = found_names(service, "BO")
    service.add_agent(Agent("bo", "Zoë"))
    again = found_names(service, "BO")

    assert ["bo", "Boa", "Bob", "Abe Bo", "Zed Bo"] == first
    assert ["bo", "Zoë", *first[1:]] == again
    assert again == found_names(service, "BO")


def test_t2_the_total_stands_beside_the_page() -> None:
    """T2: as many as the limit are shown, and all are counted."""
    service = called(*[f"Bo {number}" for number in range(60)], "Zoë")

    assert (60, 50) == (search(service, "bo", by="#0").total, len(search(service, "bo", by="#0").targets))
    assert (60, 2) == (
        search(service, "bo", by="#0", limit=2).total,
        len(search(service, "bo", by="#0", limit=2).targets),
    )
    assert ["Bo 0", "Bo 1"] == found_names(service, "bo", limit=2)


def furnished(**options: Any) -> Centre:
    """A centre with a queue, a routing point, an agent group and a skill beside its three agents."""
    centre = Centre(**options)
    centre.service.add_queue(QUEUE, ["bob", "carol"], name="Front Desk")
    centre.service.add_queue(POINT, ["carol"])
    change(centre, "bob", groups={"gold"}, skills={"spanish"})
    return centre


OF_KIND = {
    TargetKind.AGENT: [ALICE, BOB, CAROL],
    TargetKind.QUEUE: [QUEUE],
    TargetKind.ROUTING_POINT: [POINT],
    TargetKind.AGENT_GROUP: [GROUP],
    TargetKind.SKILL: [SKILL],
}
IN_ORDER = [ALICE, BOB, CAROL, QUEUE, GROUP, POINT, SKILL]


@pytest.mark.parametrize("kinds", [{kind} for kind in TargetKind])
def test_t2_targets_of_one_kind_are_found_alone(kinds: set[TargetKind]) -> None:
    """T2: the kinds narrow what is found, and what is counted."""
    [kind] = kinds

    found = search(furnished().service, kinds=kinds)

    assert OF_KIND[kind] == targets(found)
    assert len(OF_KIND[kind]) == found.total


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (None, IN_ORDER),
        ([], []),
        (frozenset(TargetKind), IN_ORDER),
        ((TargetKind.SKILL, TargetKind.QUEUE, TargetKind.SKILL), [QUEUE, SKILL]),
    ],
)
def test_t2_targets_of_several_kinds_are_found_together(
    kinds: Collection[TargetKind] | None, expected: list[Target]
) -> None:
    """T2: any collection of kinds will do; none at all finds nothing, and no filter everything."""
    assert expected == targets(search(furnished().service, kinds=kinds))


@pytest.mark.parametrize("text", ["", " ", " \t\n\u3000 ", "-", "'"])
def test_t2_nothing_typed_finds_everybody(text: str) -> None:
    """T2: nor do spaces and marks alone leave anybody out."""
    assert IN_ORDER == targets(search(furnished().service, text))


def marked() -> Centre:
    """A furnished centre in which Alice has favourites and recents."""
    centre = furnished()
    communicator = TeamCommunicator(centre.service, "alice")
    for target in (SKILL, CAROL, QUEUE):
        communicator.add_favourite(target)
    for target in (POINT, CAROL, BOB):
        centre.service.cancel(centre.invite(target).id, by="alice")
        centre.clock.advance(MOMENT)
    return centre


@pytest.mark.parametrize(
    ("view", "text", "expected"),
    [
        (View.ALL, "", IN_ORDER),
        (View.FAVOURITES, "", [SKILL, CAROL, QUEUE]),
        (View.FAVOURITES, "  ", [SKILL, CAROL, QUEUE]),
        (View.FAVOURITES, "c", [CAROL]),
        (View.FAVOURITES, "b", []),
        (View.RECENTS, "", [BOB, CAROL, POINT]),
        (View.RECENTS, "rp", [POINT]),
    ],
)
def test_t2_a_view_is_searched_like_all(view: View, text: str, expected: list[Target]) -> None:
    """T2: with nothing typed, favourites and recents come in their own order."""
    found = search(marked().service, text, view=view)

    assert (len(expected), expected) == (found.total, targets(found))


def test_t2_a_view_has_a_total_kinds_and_a_limit_too() -> None:
    """T2: they mean the same everywhere."""
    service = marked().service

    first = search(service, view=View.FAVOURITES, limit=1)

    assert (3, [SKILL]) == (first.total, targets(first))
    assert [CAROL] == targets(search(service, view=View.FAVOURITES, kinds={TargetKind.AGENT}))


def test_t2_what_is_found_says_whether_it_is_a_favourite_or_recent() -> None:
    """T2: in every view."""
    found = {one.target: (one.favourite, one.recent) for one in search(marked().service).targets}

    assert {
        ALICE: (False, False),
        BOB: (False, True),
        CAROL: (True, True),
        QUEUE: (True, False),
        GROUP: (False, False),
        POINT: (False, True),
        SKILL: (True, False),
    } == found


@FEW
@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
@example("\ud800")
@example("bob\udfff\ud800")
@example("\0")
@example("b\0ob")
@example("b" * 10_000)
@example("b " * 5_000)
@example("\u0301" * 10_000)
@example("\ufdfa" * 10_000)
def test_a8_any_text_may_be_typed(text: str) -> None:
    """A8, T2: whatever Unicode there is; the answer is a page of those there are."""
    service = called("Bob", "Carol", "\0", "\u0301")

    found = search(service, text, by="#0", limit=2)

    assert min(found.total, 2) == len(found.targets)
    assert {one.name for one in found.targets} <= {"Bob", "Carol", "\0", "\u0301"}


WRONG: list[tuple[str, object]] = [
    *[("text", value) for value in (None, 5, b"bob", ["bob"], object())],
    *[("limit", value) for value in (None, 0, -1, True, 1.5, "1")],
    *[
        ("kinds", value)
        for value in ("", "agent", TargetKind.AGENT, 5, {"agent"}, [None], iter(()), [TargetKind.AGENT, []])
    ],
    *[("view", value) for value in (None, "all", 0, View)],
    *[("interaction_id", value) for value in ("", 5, b"i", "\ud800", "x" * 129)],
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a8_a_search_says_what_is_wrong_with_it(field: str, value: object) -> None:
    """A8: an error of the library's own, which names the argument."""
    wrong: dict[str, Any] = {field: value}

    with pytest.raises(InvalidValue) as refused:
        search(Centre().service, **wrong)

    assert field == refused.value.field


def test_a8_a_huge_limit_shows_everybody() -> None:
    """A8: more than any collection can hold is no mistake."""
    service = marked().service

    assert IN_ORDER == targets(search(service, limit=10**30))
    assert [SKILL, CAROL, QUEUE] == targets(search(service, view=View.FAVOURITES, limit=10**30))


@pytest.mark.parametrize("agent_id", [None, "", 5, b"alice", "\ud800", "x" * 129])
def test_a8_a_team_communicator_belongs_to_an_id(agent_id: Any) -> None:
    """A8: what is no id is refused at once."""
    with pytest.raises(InvalidValue) as refused:
        TeamCommunicator(Centre().service, agent_id)

    assert "agent_id" == refused.value.field


@pytest.mark.parametrize(
    "ask",
    [
        lambda communicator: communicator.search(),
        lambda communicator: communicator.add_favourite(BOB),
        lambda communicator: communicator.remove_favourite(BOB),
    ],
)
def test_a8_an_agent_whom_nobody_knows_finds_nothing(ask: Callable[[TeamCommunicator], object]) -> None:
    """A8: NotFound, naming the agent."""
    with pytest.raises(NotFound) as refused:
        ask(TeamCommunicator(Centre().service, "nobody"))

    assert ("agent", "nobody") == (refused.value.kind, refused.value.id)


def test_a8_a_conversation_that_there_is_not_cannot_be_transferred() -> None:
    """A8: NotFound, naming it."""
    with pytest.raises(NotFound) as refused:
        search(Centre().service, interaction_id="j")

    assert ("interaction", "j") == (refused.value.kind, refused.value.id)


@pytest.mark.parametrize("target", [None, "bob", 5, TargetKind.AGENT])
def test_a8_a_favourite_is_a_target(target: Any) -> None:
    """A8: anything else is refused, to be marked and to be taken away."""
    communicator = TeamCommunicator(Centre().service, "alice")

    for call in (communicator.add_favourite, communicator.remove_favourite):
        with pytest.raises(InvalidValue) as refused:
            call(target)
        assert "target" == refused.value.field


# what can be found


@pytest.mark.parametrize(
    ("text", "target", "name"),
    [
        ("bob", BOB, "Bob"),
        ("front", QUEUE, "Front Desk"),
        ("desk", QUEUE, "Front Desk"),
        ("q-7", QUEUE, "Front Desk"),
        ("rp", POINT, "rp-7"),
        ("gold", GROUP, "gold"),
        ("span", SKILL, "spanish"),
    ],
)
def test_t2_every_kind_of_target_is_found(text: str, target: Target, name: str) -> None:
    """T2: by name and by id; groups, skills and queues without a name are called by their id."""
    found = search(furnished().service, text)

    assert [(target, name)] == [(one.target, one.name) for one in found.targets]


def test_t2_a_routing_point_is_found_by_its_name_too() -> None:
    """T2: it has one like a queue."""
    centre = furnished()
    centre.service.update_queue(POINT, ["carol"], name="Night Shift")

    assert [POINT] == targets(search(centre.service, "shift"))
    assert [POINT] == targets(search(centre.service, "rp-7"))


@pytest.mark.parametrize(("field", "target"), [("groups", GROUP), ("skills", SKILL)])
def test_t2_a_group_or_skill_is_found_as_long_as_somebody_is_in_it(field: str, target: Target) -> None:
    """T2: it goes with the last one who leaves, and is back with the first one who comes."""
    centre = Centre()
    seen: list[bool] = []

    for agent_id, ids in [
        ("bob", {target.id}),
        ("carol", {target.id, "other"}),
        ("bob", set[str]()),
        ("carol", {"other"}),
        ("carol", set[str]()),
        ("bob", {target.id}),
    ]:
        change(centre, agent_id, **{field: ids})
        seen.append(targets(search(centre.service, target.id)) == [target])

    assert [True, True, True, False, False, True] == seen


def test_t2_a_group_that_is_handed_on_between_two_searches_stays() -> None:
    """T2: the last one left and another one came, in either order; and who came in between may be gone again."""
    centre = furnished()
    search(centre.service)

    change(centre, "bob", groups=set())
    change(centre, "carol", groups={"gold"})
    assert [GROUP] == targets(search(centre.service, "gold"))

    change(centre, "bob", groups={"gold"})
    change(centre, "carol", groups=set())
    assert [GROUP] == targets(search(centre.service, "gold"))

    change(centre, "carol", groups={"silver"})
    change(centre, "carol", groups=set())
    assert [] == targets(search(centre.service, "silver"))


def test_t2_who_is_added_is_found_by_the_very_next_search() -> None:
    """T2: agents, queues and routing points alike."""
    centre = Centre()
    communicator = TeamCommunicator(centre.service, "alice")
    assert 3 == communicator.search().total

    centre.service.add_agent(Agent("dora", "Dora", groups={"gold"}, skills={"spanish"}))
    centre.service.add_queue(QUEUE, [])
    centre.service.add_queue(POINT, [], name="Night")

    assert {ALICE, BOB, CAROL, Target.agent("dora"), QUEUE, GROUP, POINT, SKILL} == set(targets(communicator.search()))


def test_t2_who_is_renamed_is_found_by_the_new_name_only() -> None:
    """T2: at once, and shown under it."""
    centre = furnished()
    search(centre.service)

    change(centre, "bob", name="Zoë")
    centre.service.update_queue(QUEUE, ["bob"], name="Back Office")

    assert ["Zoë"] == [one.name for one in search(centre.service, "zoe").targets]
    assert ["Back Office"] == [one.name for one in search(centre.service, "office").targets]
    assert 0 == search(centre.service, "front").total
    assert [BOB] == targets(search(centre.service, "bob"))  # it is still the id


def test_t2_what_changes_through_another_service_is_found_too() -> None:
    """T2: another process over the same store, as it were."""
    store = MemoryStore()
    here, there = TransferService(store), TransferService(store)
    here.add_agent(Agent("alice", "Alice", groups={"gold"}))
    assert 2 == search(here).total

    there.add_agent(Agent("bob", "Bob"))
    there.add_queue(QUEUE, ["bob"], name="Front Desk")
    there.update_agent(Agent("alice", "Zoë"))

    assert [BOB, QUEUE, ALICE] == targets(search(here))
    assert ["Bob", "Front Desk", "Zoë"] == [one.name for one in search(here).targets]


def test_t2_all_agents_of_a_service_share_one_index() -> None:
    """T2: what one has looked up, the next one need not read again."""
    reads: list[int | None] = []

    class Counting(MemoryStore):
        def roster(self, since: int | None) -> Any:
            reads.append(since)
            return super().roster(since)

    service = TransferService(Counting())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name))
    search(service, by="alice")
    search(service, by="bob")

    assert [None, 2] == reads


# presence


def test_t2_the_presence_of_an_agent_is_status_reason_and_free_places() -> None:
    """T2, E3: what was said last, do-not-disturb beside it."""
    centre = Centre()
    ready = Presence(status=ChannelStatus.READY, free=5)
    assert ready == look(centre, BOB).presence

    centre.service.set_not_ready("bob", "lunch")
    assert Presence(status=ChannelStatus.NOT_READY, reason="lunch", free=5) == look(centre, BOB).presence

    centre.service.set_ready("bob")
    centre.service.set_do_not_disturb("bob", on=True)
    assert attrs.evolve(ready, do_not_disturb=True) == look(centre, BOB).presence

    centre.service.log_out("bob")
    assert Presence(status=ChannelStatus.LOGGED_OUT, do_not_disturb=True, free=5) == look(centre, BOB).presence


def test_e3_free_places_count_invitations_and_are_never_negative() -> None:
    """E3: a place is taken by what is owned and by what is offered, until the deadline."""
    centre = Centre()
    change(centre, "bob", capacity=2)
    centre.service.open_interaction(Interaction("b", media=Media.SMS, contact=CONTACT, owner="bob"))
    assert (1, 1) == (look(centre, BOB).presence.free, look(centre, BOB).load)

    centre.invite()
    assert (0, 2) == (look(centre, BOB).presence.free, look(centre, BOB).load)

    change(centre, "bob", capacity=1)
    assert (0, 2) == (look(centre, BOB).presence.free, look(centre, BOB).load)

    change(centre, "bob", capacity=2)
    centre.clock.advance(TIMEOUT)  # T10: nothing has swept it
    assert (1, 1) == (look(centre, BOB).presence.free, look(centre, BOB).load)


@pytest.mark.parametrize("target", [QUEUE, POINT, GROUP, SKILL])
def test_t2_the_presence_of_several_is_who_is_ready_and_who_waits(target: Target) -> None:
    """T2, Q1: and each change is seen by the very next search."""
    centre = Centre()
    for queue in (QUEUE, POINT):
        centre.service.add_queue(queue, ["bob", "carol"])
    for agent_id in ("bob", "carol"):
        change(centre, agent_id, groups={"gold"}, skills={"spanish"}, capacity=1)

    assert (Presence(ready=2, waiting=0), 0) == (look(centre, target).presence, look(centre, target).load)

    centre.service.set_not_ready("bob")
    assert Presence(ready=1, waiting=0) == look(centre, target).presence

    centre.service.set_do_not_disturb("carol", on=True)
    assert Presence(ready=0, waiting=0) == look(centre, target).presence

    waiting = centre.invite(target)
    assert (Presence(ready=0, waiting=1), 1) == (look(centre, target).presence, look(centre, target).load)

    centre.service.cancel(waiting.id, by="alice")
    assert Presence(ready=0, waiting=0) == look(centre, target).presence


def test_t2_without_a_conversation_there_are_no_actions() -> None:
    """T2: there is nothing to transfer."""
    assert {()} == {one.actions for one in search(furnished().service).targets}


# the action menu


@pytest.mark.parametrize("media", Media)
@pytest.mark.parametrize("target", [BOB, QUEUE, POINT, GROUP, SKILL])
def test_t2_the_one_action_is_called_sms_transfer(media: Media, target: Target) -> None:
    """T2: for MMS it bears the same name."""
    assert ENABLED == look(furnished(media=media), target, interaction_id="i").actions


def test_t3_a_target_that_cannot_receive_shows_every_reason() -> None:
    """T3: the action is there, but cannot be picked."""
    centre = furnished(policy=TransferPolicy(kinds={TargetKind.QUEUE}))
    change(centre, "bob", media={Media.MMS}, capacity=0)
    centre.service.set_not_ready("bob")
    centre.service.set_do_not_disturb("bob", on=True)

    assert {
        Reason.KIND_NOT_ALLOWED,
        Reason.MEDIA_NOT_HANDLED,
        Reason.AT_CAPACITY,
        Reason.NOT_READY,
        Reason.DO_NOT_DISTURB,
    } == action(centre, BOB).reasons
    assert not action(centre, BOB).enabled
    assert {Reason.KIND_NOT_ALLOWED, Reason.IS_SENDER} == action(centre, ALICE).reasons
    assert {Reason.KIND_NOT_ALLOWED, Reason.NO_AGENTS} == action(centre, GROUP).reasons
    assert ENABLED == look(centre, QUEUE, interaction_id="i").actions


def test_q1_a_queue_of_nobody_but_the_sender_has_no_agents() -> None:
    """Q1, T3: nor has one of nobody at all."""
    centre = Centre()
    centre.service.add_queue(QUEUE, ["alice"])
    centre.service.add_queue(POINT, [])

    assert {Reason.NO_AGENTS} == action(centre, QUEUE).reasons
    assert {Reason.NO_AGENTS} == action(centre, POINT).reasons


def test_t3_what_changes_is_in_the_very_next_menu() -> None:
    """T3: a status, a place, a record."""
    centre = Centre()
    change(centre, "bob", capacity=1)
    seen: list[Collection[Reason]] = [action(centre, BOB).reasons]

    centre.service.set_not_ready("bob")
    seen.append(action(centre, BOB).reasons)
    centre.service.open_interaction(Interaction("b", media=Media.SMS, contact=CONTACT, owner="bob"))
    seen.append(action(centre, BOB).reasons)
    centre.service.set_ready("bob")
    centre.service.mark_done("b", by="bob")
    without(centre, "bob", Privilege.USE_SMS)
    seen.append(action(centre, BOB).reasons)

    assert [set(), {Reason.NOT_READY}, {Reason.NOT_READY, Reason.AT_CAPACITY}, {Reason.NO_SMS_PRIVILEGE}] == seen


def log_out_alice(centre: Centre) -> None:
    centre.service.log_out("alice")


def hand_over(centre: Centre) -> None:
    centre.service.accept(centre.ticket(centre.invite()), by="bob")


NO_ACTION: dict[str, Callable[[Centre], object]] = {
    "without TRANSFER": lambda centre: without(centre, "alice", Privilege.TRANSFER),
    "without USE_SMS": lambda centre: without(centre, "alice", Privilege.USE_SMS),
    "logged out": log_out_alice,
    "owned by somebody else": hand_over,
    "pending": lambda centre: centre.invite(),
    "waiting for an agent": lambda centre: (centre.service.log_out("bob"), centre.invite(GROUP)),
    "done": lambda centre: centre.service.mark_done("i", by="alice"),
}


@pytest.mark.parametrize("arrange", NO_ACTION.values(), ids=NO_ACTION)
def test_t1_where_no_transfer_can_be_requested_there_is_no_action(arrange: Callable[[Centre], object]) -> None:
    """T1, E4: not the target is what is wrong then, so no target shows any."""
    centre = furnished()
    assert all(one.actions for one in search(centre.service, interaction_id="i").targets)

    arrange(centre)

    found = search(centre.service, interaction_id="i")
    assert len(IN_ORDER) == found.total
    assert {()} == {one.actions for one in found.targets}
    with pytest.raises(Refused) as refused:
        centre.invite(CAROL)
    assert not isinstance(refused.value, TargetNotEligible)


def test_t1_not_ready_does_not_keep_from_transferring() -> None:
    """T1: it takes being logged in, no more."""
    centre = Centre()
    centre.service.set_not_ready("alice")

    assert ENABLED == look(centre, BOB, interaction_id="i").actions


def test_t10_a_transfer_whose_deadline_has_come_is_pending_no_more() -> None:
    """T10: whether or not anything has swept it, another one can be requested, so it is offered."""
    centre = Centre()
    centre.invite()
    centre.clock.advance(TIMEOUT - MOMENT)
    assert () == look(centre, CAROL, interaction_id="i").actions

    centre.clock.advance(MOMENT)
    offered = look(centre, CAROL, interaction_id="i").actions

    assert ENABLED == offered
    assert "alice" == centre.invite(CAROL).sender


def test_t10_what_has_come_back_from_a_queue_can_be_transferred_again() -> None:
    """T10, Q2: likewise, from the instant at which the queue gives it back."""
    policy = TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True)
    centre = furnished(policy=policy)
    for agent_id in ("bob", "carol"):
        centre.service.set_not_ready(agent_id)
    centre.invite(QUEUE)
    assert () == look(centre, POINT, interaction_id="i").actions

    centre.clock.advance(policy.routing_timeout)

    assert ENABLED == look(centre, POINT, interaction_id="i").actions
    assert POINT == centre.invite(POINT).target


# favourites and recents


def test_t2_favourites_are_in_the_order_marked() -> None:
    """T2: marking one twice leaves it where it is; one that is marked again comes last."""
    centre = furnished()
    communicator = TeamCommunicator(centre.service, "alice")
    for target in (SKILL, BOB, QUEUE, SKILL):
        communicator.add_favourite(target)
    assert [SKILL, BOB, QUEUE] == list(communicator.favourites)

    communicator.remove_favourite(SKILL)
    communicator.remove_favourite(CAROL)  # which is none
    assert [BOB, QUEUE] == list(communicator.favourites)

    communicator.add_favourite(SKILL)
    assert [BOB, QUEUE, SKILL] == list(communicator.favourites)


def test_t2_favourites_and_recents_belong_to_the_agent() -> None:
    """T2: nobody else has them."""
    centre = marked()
    bobs = TeamCommunicator(centre.service, "bob")

    assert ((), ()) == (bobs.favourites, bobs.recents)
    bobs.remove_favourite(CAROL)
    assert (SKILL, CAROL, QUEUE) == TeamCommunicator(centre.service, "alice").favourites


def test_t2_favourites_and_recents_last_as_long_as_the_store() -> None:
    """T2: another service over it has them, too."""
    store = MemoryStore()
    here, there = TransferService(store), TransferService(store)
    for agent_id in ("alice", "bob"):
        here.add_agent(Agent(agent_id, agent_id, status=ChannelStatus.READY))
    here.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    TeamCommunicator(here, "alice").add_favourite(BOB)
    here.request_transfer("i", BOB, by="alice")

    assert (BOB,) == TeamCommunicator(there, "alice").favourites
    assert (BOB,) == TeamCommunicator(there, "alice").recents


@pytest.mark.parametrize("target", [Target.agent("nobody"), QUEUE, POINT, GROUP, SKILL, Target.queue("bob")])
def test_t2_what_nobody_knows_cannot_be_marked(target: Target) -> None:
    """T2: NotFound names its kind and id, and nothing is marked."""
    centre = Centre()
    communicator = TeamCommunicator(centre.service, "alice")

    with pytest.raises(NotFound) as refused:
        communicator.add_favourite(target)

    assert (target.kind, target.id) == (refused.value.kind, refused.value.id)
    change(centre, "bob", groups={"gold"}, skills={"spanish"})
    assert () == communicator.favourites


def test_e4_without_the_privilege_favourites_cannot_be_changed() -> None:
    """E4: they stay as they are, and are still shown."""
    centre = marked()
    communicator = TeamCommunicator(centre.service, "alice")
    without(centre, "alice", Privilege.MANAGE_FAVOURITES)

    for call, target in ((communicator.add_favourite, BOB), (communicator.remove_favourite, CAROL)):
        with pytest.raises(NotPermitted) as refused:
            call(target)
        assert ("alice", Denial.NO_MANAGE_FAVOURITES) == (refused.value.agent_id, refused.value.reason)

    assert (SKILL, CAROL, QUEUE) == communicator.favourites
    assert [SKILL, CAROL, QUEUE] == targets(communicator.search(view=View.FAVOURITES))


def test_t2_a_favourite_or_recent_that_is_gone_is_back_when_it_is() -> None:
    """T2: a group that nobody is in any more is not shown, nor counted."""
    centre = furnished()
    communicator = TeamCommunicator(centre.service, "alice")
    communicator.add_favourite(GROUP)
    communicator.add_favourite(BOB)
    centre.service.cancel(centre.invite(GROUP).id, by="alice")

    change(centre, "bob", groups=set())
    assert ((BOB,), ()) == (communicator.favourites, communicator.recents)
    assert Found(total=0, targets=()) == communicator.search(view=View.RECENTS)
    assert [BOB] == targets(communicator.search(view=View.FAVOURITES))

    change(centre, "carol", groups={"gold"})
    assert ((GROUP, BOB), (GROUP,)) == (communicator.favourites, communicator.recents)
    assert [GROUP, BOB] == targets(communicator.search(view=View.FAVOURITES))


def test_t2_recents_are_each_shown_once_the_latest_first() -> None:
    """T2: however often they were asked."""
    centre = furnished()

    for target in (BOB, QUEUE, CAROL, BOB):
        centre.service.cancel(centre.invite(target).id, by="alice")
        centre.clock.advance(MOMENT)

    assert (BOB, CAROL, QUEUE) == TeamCommunicator(centre.service, "alice").recents


def test_t2_only_so_many_recents_are_shown() -> None:
    """T2: the last twenty."""
    centre = Centre()
    asked = [Target.agent(f"a-{number}") for number in range(21)]
    for target in asked:
        centre.service.add_agent(Agent(target.id, target.id, status=ChannelStatus.READY))
        centre.service.cancel(centre.invite(target).id, by="alice")
        centre.clock.advance(MOMENT)

    assert tuple(reversed(asked[1:])) == TeamCommunicator(centre.service, "alice").recents


def test_f7_a_request_that_was_refused_leaves_no_recent() -> None:
    """F7, T2: nothing at all is changed by it."""
    centre = furnished()
    centre.service.set_not_ready("carol")

    with pytest.raises(TargetNotEligible):
        centre.invite(CAROL)
    with pytest.raises(NotPermitted):
        centre.invite(BOB, by="carol")

    assert () == TeamCommunicator(centre.service, "alice").recents
    assert () == TeamCommunicator(centre.service, "carol").recents


def test_a5_who_is_asked_for_many_conversations_is_recent() -> None:
    """A5, T2: once; where every one was refused, not at all."""
    centre = furnished()
    centre.service.set_not_ready("carol")
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))

    for target in (BOB, CAROL):
        centre.service.transfer_many(["i", "j", "nothing"], target, by="alice")

    assert (BOB,) == TeamCommunicator(centre.service, "alice").recents


# what is offered is what is accepted


@attrs.frozen
class Plan:
    """A centre that can be built again and again, each time the same."""

    agents: tuple[Agent, ...]
    queues: tuple[tuple[Target, frozenset[str]], ...]
    policy: TransferPolicy
    media: Media
    hops: int
    loads: Mapping[str, int]
    invited: tuple[Target, ...]
    asked: Target | None  # or the first one that can be
    done: bool
    late: timedelta
    changed: tuple[Agent, ...]

    def build(self) -> TransferService:
        clock = ManualClock()
        service = TransferService(policy=self.policy, clock=clock)
        alice = Agent("alice", "Alice", status=ChannelStatus.READY, capacity=20)
        for agent in (alice, *self.agents):
            service.add_agent(agent)
        for target, members in self.queues:
            service.add_queue(target, members)
        service.open_interaction(Interaction("i", media=self.media, contact=CONTACT, owner="alice", hops=self.hops))
        for agent in self.agents:
            for number in range(min(self.loads.get(agent.id, 0), agent.capacity)):
                service.open_interaction(
                    Interaction(f"{agent.id}-{number}", media=self.media, contact=CONTACT, owner=agent.id)
                )
        for number, target in enumerate(self.invited):
            service.open_interaction(Interaction(f"i-{number}", media=self.media, contact=CONTACT, owner="alice"))
            _ask(service, f"i-{number}", target)
        if self.asked is not None:
            any(_ask(service, "i", target) for target in (self.asked, *map(Target.agent, IDS), *SEVERAL))
        if self.done and service.interaction("i").owner == "alice":
            service.mark_done("i", by="alice")
        clock.advance(self.late)
        for agent in self.changed:
            service.update_agent(agent)
            if agent.status is ChannelStatus.LOGGED_OUT:
                service.log_out(agent.id)
            service.set_do_not_disturb(agent.id, on=agent.do_not_disturb)
        return service


def _ask(service: TransferService, interaction_id: str, target: Target) -> bool:
    try:
        service.request_transfer(interaction_id, target, by="alice")
    except TargetNotEligible:
        return False
    return True


IDS = ("bob", "carol", "dora", "emil")
EMPTY, MINE = Target.queue("empty"), Target.queue("mine")
SEVERAL = (QUEUE, POINT, EMPTY, MINE, GROUP, SKILL)
MOSTLY_ALL = st.frozensets(st.sampled_from(Privilege), max_size=1).map(frozenset(Privilege).difference)


def people(agent_id: str, *, status: st.SearchStrategy[ChannelStatus]) -> st.SearchStrategy[Agent]:
    return st.builds(
        Agent,
        st.just(agent_id),
        st.just(agent_id.title()),
        status=status,
        do_not_disturb=st.sampled_from([False] * 5 + [True]),
        media=st.sampled_from([frozenset(Media)] * 4 + [frozenset({one}) for one in Media]),
        privileges=MOSTLY_ALL,
        capacity=st.sampled_from([3, 3, 5, 1, 0]),
        groups=st.sampled_from([frozenset[str](), {"gold"}]),
        skills=st.sampled_from([frozenset[str](), {"spanish"}]),
    )


STATUSES = st.sampled_from([ChannelStatus.READY, *ChannelStatus])
ANYBODY = st.sampled_from([*map(Target.agent, IDS), *SEVERAL])
POLICIES = st.builds(
    TransferPolicy,
    require_ready=st.booleans(),
    max_hops=st.sampled_from([10, 10, 10, 10, 1, 0]),
    handover=st.sampled_from(Handover),
    return_to_sender=st.booleans(),
    fallback=st.none() | st.none() | ANYBODY,
    kinds=st.sampled_from([True, True, False]).flatmap(
        lambda every: st.just(frozenset(TargetKind)) if every else st.frozensets(st.sampled_from(TargetKind))
    ),
)
PLANS = st.builds(
    Plan,
    agents=st.tuples(*[people(id_, status=STATUSES) for id_ in IDS]),
    queues=st.tuples(
        *[st.tuples(st.just(target), st.frozensets(st.sampled_from(IDS))) for target in (QUEUE, POINT)]
    ).map(lambda some: (*some, (Target.queue("empty"), frozenset()), (Target.queue("mine"), frozenset({"alice"})))),
    policy=POLICIES,
    media=st.sampled_from(Media),
    hops=st.sampled_from([0, 0, 1]),
    loads=st.dictionaries(st.sampled_from(IDS), st.integers(1, 3), max_size=2),
    invited=st.lists(ANYBODY, max_size=2).map(tuple),
    asked=st.none() | ANYBODY,
    done=st.sampled_from([False] * 9 + [True]),
    late=st.sampled_from([timedelta(0), TIMEOUT - MOMENT, TIMEOUT, timedelta(minutes=6)]),
    changed=st.lists(
        st.sampled_from(["alice", *IDS]).flatmap(
            lambda agent_id: people(agent_id, status=st.sampled_from([ChannelStatus.READY, ChannelStatus.LOGGED_OUT]))
        ),
        max_size=2,
        unique_by=lambda agent: agent.id,
    ).map(tuple),
)


def refusal(service: TransferService, target: Target, by: str) -> SmsTransferError | None:
    try:
        service.request_transfer("i", target, by=by)
    except SmsTransferError as error:
        return error
    return None


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(plan=PLANS, by=st.sampled_from(["alice", "alice", "alice", "bob"]))
def test_e1_what_is_offered_is_accepted_and_what_is_not_is_refused_for_the_reasons_shown(plan: Plan, by: str) -> None:
    """E1, T3: in any centre, every target of the page, in the same instant.

    Enabled: the request is made. Disabled: `TargetNotEligible`, with the same reasons. No action: it is refused for
    something else than the target.
    """
    service = plan.build()
    page = search(service, by=by, interaction_id="i", limit=EVERYTHING)

    assert page.total == len(page.targets)
    before = service.interaction("i")
    for found in page.targets:
        if service.interaction("i") != before:  # the last one was accepted, or an overdue expiry was recorded
            service = plan.build()
        error = refusal(service, found.target, by)
        if not found.actions:
            assert isinstance(error, Refused)
            assert not isinstance(error, TargetNotEligible)
            continue
        [shown] = found.actions
        reasons = error.reasons if isinstance(error, TargetNotEligible) else frozenset[Reason]()
        assert (shown.enabled, shown.reasons) == (error is None, reasons)


# many at once


def test_t2_searches_from_many_threads_keep_up_with_what_changes() -> None:
    """T2: while agents are renamed, join and come; in the end the last state is found."""
    service = TransferService()
    for number in range(50):
        service.add_agent(Agent(f"a-{number}", f"Bob {number}", groups={"gold"}))
    communicator = TeamCommunicator(service, "a-0")
    over, errors = threading.Event(), list[BaseException]()

    def look_around() -> None:
        try:
            while not over.is_set():
                for text in ("", "bob", "zoe", "gold", "a-1"):
                    found = communicator.search(text, limit=10)
                    assert min(10, found.total) == len(found.targets)
                TeamCommunicator(service, "a-1").add_favourite(Target.agent("a-2"))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
            errors.append(error)

    threads = [threading.Thread(target=look_around) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        group = {"silver"} if number % 2 else {"gold"}
        service.update_agent(Agent(f"a-{number}", f"Zoë {number}", groups=group))
        service.add_agent(Agent(f"b-{number}", f"Bob {number}", skills={f"s-{number % 5}"}))
    for number in range(50):
        service.update_agent(Agent(f"a-{number}", f"Zoë {number}"))
    over.set()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert (50, 50) == (communicator.search("zoe").total, communicator.search("bob").total)
    assert (0, 5) == (communicator.search("gold").total, communicator.search(kinds={TargetKind.SKILL}).total)
    assert 105 == communicator.search().total


def test_t2_an_index_that_another_thread_brought_up_to_date_first_is_read_again() -> None:
    """T2: what was read before the other one's is older, and is not put over it."""

    class Overtaken(MemoryStore):
        overtake: Callable[[], object] | None = None

        def roster(self, since: int | None) -> Any:
            read = super().roster(since)
            if (overtake := self.overtake) is not None:
                self.overtake = None
                overtake()
            return read

    store = Overtaken()
    service = TransferService(store)
    service.add_agent(Agent("alice", "Alice"))
    communicator = TeamCommunicator(service, "alice")

    def meanwhile() -> None:
        store.replace_agent(Agent("alice", "Alice"), Agent("alice", "Zoë"))
        TeamCommunicator(service, "alice").search()

    store.overtake = meanwhile

    assert ["Zoë"] == [one.name for one in communicator.search().targets]


# a directory of the host's


def invitee(request: TransferRequest) -> str | None:
    return None if request.invitation is None else request.invitation.invitee


def hosted() -> tuple[PlainDirectory, TransferService]:
    """Alice, Bob and Carol in a directory of the host's; Bob and Carol serve a queue."""
    users = PlainDirectory(*[Agent(id_, id_.title(), status=ChannelStatus.READY) for id_ in ("alice", "bob", "carol")])
    service = TransferService(directory=users, clock=ManualClock())
    service.add_queue(QUEUE, ["bob", "carol"], name="Front Desk")
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return users, service


def test_t2_over_a_directory_of_the_hosts_queues_and_their_members_are_found() -> None:
    """T2: with presence and actions like any others."""
    users, service = hosted()
    users.known["bob"] = attrs.evolve(users.known["bob"], status=ChannelStatus.NOT_READY, reason="lunch")

    bob, carol, queue = search(service, interaction_id="i").targets

    assert [BOB, CAROL, QUEUE] == [bob.target, carol.target, queue.target]
    assert Presence(status=ChannelStatus.NOT_READY, reason="lunch", free=5) == bob.presence
    assert {Reason.NOT_READY} == bob.actions[0].reasons
    assert Presence(ready=1, waiting=0) == queue.presence
    assert ENABLED == carol.actions == queue.actions
    assert CAROL.id == invitee(service.request_transfer("i", QUEUE, by="alice"))


def test_t2_over_a_directory_of_the_hosts_who_leaves_the_last_queue_is_found_no_more() -> None:
    """T2: those can be found who serve some queue."""
    users, service = hosted()
    search(service)

    users.known["carol"] = attrs.evolve(users.known["carol"], name="Zoë")
    service.add_queue(POINT, ["carol"])
    service.update_queue(QUEUE, ["alice"])

    assert [ALICE, QUEUE, POINT, CAROL] == targets(search(service))
    assert [CAROL] == targets(search(service, "zoe"))


def test_t3_whom_the_hosts_directory_has_lost_is_unknown() -> None:
    """T3: they are named until the queue changes, but nothing can be transferred to them."""
    users, service = hosted()
    search(service)
    del users.known["bob"]

    bob = search(service, "bob", interaction_id="i").targets[0]

    assert (Presence(status=ChannelStatus.LOGGED_OUT, free=0), 0) == (bob.presence, bob.load)
    assert {Reason.UNKNOWN} == bob.actions[0].reasons
