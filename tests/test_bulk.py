"""Many conversations to one target in one call (A5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floor import QUEUE, Floor
from sms_transfer import (
    Agent,
    ChannelStatus,
    Denial,
    IllegalTransition,
    Interaction,
    InteractionState,
    InvalidValue,
    Media,
    NotFound,
    NotPermitted,
    Reason,
    SmsTransferError,
    StoreUnavailable,
    Target,
    TargetNotEligible,
    TransferPending,
    TransferPolicy,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.testing import ManualClock
from support import BOB, CAROL, CONTACT

IDS = [f"n-{number}" for number in range(6)]


def floor_with(ids: list[str] = IDS, policy: TransferPolicy | None = None) -> Floor:
    """Alice owns all of these."""
    floor = Floor(policy=policy)
    floor.change("alice", capacity=99)
    for id_ in ids:
        floor.begin(id_)
    return floor


def requested(floor: Floor) -> list[str]:
    """Which conversations a transfer was requested of, once for each time."""
    return [event.interaction_id for event in floor.service.events().events if isinstance(event, TransferRequested)]


def codes(results: list[Any]) -> list[str | None]:
    return [None if result.error is None else result.error.code for result in results]


def test_a5_each_has_its_own_result_in_the_order_given() -> None:
    """A5: and the invitee sees each of them, with the note."""
    floor = floor_with()
    results = floor.service.transfer_many(reversed(IDS[:3]), BOB, by="alice", note="please")

    assert IDS[2::-1] == [result.interaction_id for result in results]
    assert [(TransferState.INVITED, "please")] * 3 == [
        (result.request.state, result.request.note) for result in results if result.request is not None
    ]
    assert [None] * 3 == codes(results)
    assert set(IDS[:3]) == {preview.interaction_id for preview in floor.bob.workspace.previews.values()}


def test_a5_one_refusal_spoils_no_other() -> None:
    """A5, F7: refused, pending, done, unknown, of a bad id, named twice: each with the error that one call has."""
    floor = floor_with()
    floor.begin("carols", "carol")
    floor.ask(IDS[1], CAROL)
    floor.service.mark_done(IDS[2], by="alice")
    bad: list[Any] = [IDS[0], "carols", IDS[1], IDS[2], "unknown", "", 5, None, ["n-4"], IDS[0], IDS[3]]
    results = floor.service.transfer_many(bad, BOB, by="alice")

    assert [
        type(None),
        NotPermitted,
        TransferPending,
        IllegalTransition,
        NotFound,
        InvalidValue,
        InvalidValue,
        InvalidValue,
        InvalidValue,
        TransferPending,
        type(None),
    ] == [type(result.error) for result in results]
    assert bad == [result.interaction_id for result in results]
    assert [result.error is None for result in results] == [result.request is not None for result in results]
    assert [IDS[1], IDS[0], IDS[3]] == requested(floor)
    denied = results[1].error
    assert isinstance(denied, NotPermitted)
    assert Denial.NOT_OWNER is denied.reason


def test_a5_the_place_that_was_the_last_is_given_once() -> None:
    """A5, E3: the first get what there is; the others are told why not."""
    floor = floor_with()
    floor.change("bob", capacity=2)
    results = floor.service.transfer_many(IDS, BOB, by="alice")

    assert [None, None, *["target_not_eligible"] * 4] == codes(results)
    refused = results[-1].error
    assert isinstance(refused, TargetNotEligible)
    assert {Reason.AT_CAPACITY} == refused.reasons
    assert InteractionState.ACTIVE is floor.service.interaction(IDS[-1]).state


def test_a5_to_a_queue_all_are_accepted_and_those_wait_for_whom_there_is_no_place() -> None:
    """A5, Q1, Q3: shared out among the members, and the rest in the order given."""
    floor = floor_with()
    for agent_id in ("bob", "carol"):
        floor.change(agent_id, capacity=1)
    results = floor.service.transfer_many(IDS, QUEUE, by="alice")

    assert [None] * 6 == codes(results)
    assert ["bob", "carol", None, None, None, None] == [floor.invitee(id_) for id_ in IDS]
    floor.take(IDS[0])
    floor.service.mark_done(IDS[0], by="bob")
    assert sum(floor.invitee(id_) == "bob" for id_ in IDS[2:]) == 1


def test_a8_a_collection_that_raises_raises_before_any_is_asked() -> None:
    """A8: nothing is half done, with nobody to say what was."""
    floor = floor_with()

    def ids() -> Iterator[str]:
        yield IDS[0]
        raise LookupError

    with pytest.raises(LookupError):
        floor.service.transfer_many(ids(), BOB, by="alice")
    assert [None] == [floor.service.interaction(IDS[0]).transfer]


def test_a4_the_hop_limit_is_asked_for_each() -> None:
    """A4, A5: one that was handed on often enough is refused, and no other."""
    floor = floor_with(policy=TransferPolicy(max_hops=1))
    floor.ask(IDS[0], CAROL)
    floor.take(IDS[0])
    floor.service.open_interaction(Interaction("hopped", media=Media.SMS, contact=CONTACT, owner="alice", hops=1))
    results = floor.service.transfer_many(["hopped", IDS[1]], BOB, by="alice")

    refused = results[0].error
    assert isinstance(refused, TargetNotEligible)
    assert {Reason.TOO_MANY_HOPS} == refused.reasons
    assert results[1].error is None


def test_a5_nothing_at_all_is_nothing() -> None:
    """A5: an empty collection."""
    assert [] == floor_with([]).service.transfer_many([], BOB, by="alice", key="k")


@pytest.mark.parametrize("ids", ["n-1", "", None, 5, object()])
def test_a8_what_is_no_collection_is_refused(ids: Any) -> None:
    """A8, F7: a string least of all, which would be its letters."""
    floor = floor_with(["n", "-", "1"])
    with pytest.raises(InvalidValue) as refused:
        floor.service.transfer_many(ids, BOB, by="alice")

    assert ("interaction_ids", []) == (refused.value.field, requested(floor))


@given(st.lists(st.sampled_from([*IDS, "unknown", "carols"]), max_size=10), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a5_the_same_as_one_after_the_other(ids: list[str], to_queue: bool) -> None:
    """A5: whatever is in it, the results are those of as many single calls."""

    def begun() -> Floor:
        floor = floor_with()
        floor.begin("carols", "carol")
        return floor

    target = QUEUE if to_queue else BOB
    together, one_by_one = begun(), begun()
    results = together.service.transfer_many(ids, target, by="alice")
    expected: list[str | None] = []
    for id_ in ids:
        try:
            one_by_one.ask(id_, target)
        except SmsTransferError as error:
            expected.append(error.code)
        else:
            expected.append(None)

    assert expected == codes(results)
    assert requested(one_by_one) == requested(together)
    assert [one_by_one.invitee(id_) for id_ in IDS] == [together.invitee(id_) for id_ in IDS]


# resuming


@given(st.lists(st.sampled_from(IDS), max_size=8), st.lists(st.sampled_from(IDS), max_size=8), st.booleans())
@settings(max_examples=40, deadline=None)
def test_f5_the_same_key_again_requests_nothing_twice(first: list[str], second: list[str], to_queue: bool) -> None:
    """A5, F5: a conversation named twice, in one call or in two, has the one request that the key made."""
    floor = floor_with()
    target = QUEUE if to_queue else BOB
    floor.change("bob", capacity=99)
    made = {
        result.interaction_id: result.request.id
        for result in floor.service.transfer_many(first, target, by="alice", key="k")
        if result.request
    }
    for result in floor.service.transfer_many(second, target, by="alice", key="k"):
        assert result.request is not None
        assert made.setdefault(result.interaction_id, result.request.id) == result.request.id

    assert sorted(made) == sorted(requested(floor))


def test_f5_what_had_an_error_is_tried_again_and_what_was_made_is_not() -> None:
    """A5, F5: resumed when Bob has more places; what was rejected in between is not requested again."""
    floor = floor_with()
    floor.change("bob", capacity=2)
    before = floor.service.transfer_many(IDS[:4], BOB, by="alice", key="k")
    floor.decline(IDS[0])
    floor.take(IDS[1])
    floor.change("bob", capacity=99)
    after = floor.service.transfer_many(IDS[:4], BOB, by="alice", key="k")

    assert [None, None, "target_not_eligible", "target_not_eligible"] == codes(before)
    assert [TransferState.REJECTED, TransferState.ACCEPTED, TransferState.INVITED, TransferState.INVITED] == [
        result.request.state for result in after if result.request
    ]
    assert IDS[:4] == requested(floor)


class Stops(MemoryStore):
    """A store that stops at a commit, before it is kept or after."""

    left: int | None = None
    kept = False
    error: Exception = RuntimeError()

    def commit(self, decision: Decision) -> None:
        if self.left == 0:
            self.left = None
            if self.kept:
                super().commit(decision)
            raise self.error
        if self.left:
            self.left -= 1
        super().commit(decision)


def service_on(store: MemoryStore) -> TransferService:
    service = TransferService(store, clock=ManualClock())
    if not store.agents(["alice"]):
        for name in ("alice", "bob"):
            service.add_agent(Agent(name, name, status=ChannelStatus.READY, capacity=99))
        service.add_queue(QUEUE, ["bob"])
        for id_ in IDS:
            service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


@pytest.mark.parametrize("target", [BOB, QUEUE], ids=["agent", "queue"])
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("kept", [True, False])
def test_f5_it_is_resumed_after_a_death_in_the_middle(target: Target, at: int, kept: bool) -> None:
    """A5, F5: whether the last commit is kept or not, the same call again makes the rest, and none twice."""
    store = Stops()
    first = service_on(store)
    store.left, store.kept = at, kept
    try:
        first.transfer_many(IDS, target, by="alice", key="k")
    except RuntimeError:
        pass
    else:
        assert target is QUEUE  # the looking for agents may be what died: its requests are there, and wait

    again = service_on(store)
    results = again.transfer_many(IDS, target, by="alice", key="k")
    again.tick()

    assert [None] * 6 == codes(results)
    events = again.events().events
    assert IDS == sorted(event.interaction_id for event in events if isinstance(event, TransferRequested))
    assert {"bob"} == {
        invitation.invitee for id_ in IDS if (invitation := again.interaction(id_).live_invitation) is not None
    }
    assert sorted(IDS) == sorted(
        transfer.interaction_id for id_ in IDS if (transfer := again.interaction(id_).transfer) is not None
    )


def test_a5_a_store_that_is_away_for_a_moment_is_one_result() -> None:
    """A5: the error of the library's own is that one's result, and the others go on."""
    store = Stops()
    service = service_on(store)
    store.left, store.error = 2, StoreUnavailable(detail="away")
    results = service.transfer_many(IDS, BOB, by="alice", key="k")

    assert [None, None, "store_unavailable", None, None, None] == codes(results)
    assert [None] * 6 == codes(service.transfer_many(IDS, BOB, by="alice", key="k"))


def test_f5_a_key_is_an_agents_own() -> None:
    """A5, F5: another agent's bulk call under the same key is another."""
    floor = floor_with()
    floor.begin("bobs", "bob")
    floor.service.transfer_many(IDS[:1], CAROL, by="alice", key="k")
    (result,) = floor.service.transfer_many(["bobs"], CAROL, by="bob", key="k")
    assert result.error is None

    (foreign,) = floor.service.transfer_many(IDS[:1], CAROL, by="bob", key="k")
    assert isinstance(foreign.error, NotPermitted)


def test_f5_a_key_that_was_used_for_another_target_is_refused() -> None:
    """F5: for those conversations; it is a key of each single one, too."""
    floor = floor_with()
    floor.service.transfer_many(IDS[:1], BOB, by="alice", key="k")
    results = floor.service.transfer_many(IDS[:2], CAROL, by="alice", key="k")

    assert ["invalid_value", None] == codes(results)


def test_f5_keys_of_any_length_that_a_key_may_have_are_told_apart() -> None:
    """F5, A8: a key and ids of 128 characters each, and no two that run into one another."""
    long = ["x" * 128, "x" * 127 + "y"]
    floor = floor_with([*long, "b", "ab"])
    assert [None, None] == codes(floor.service.transfer_many(long, BOB, by="alice", key="k" * 128))
    assert [None] == codes(floor.service.transfer_many(["ab"], CAROL, by="alice", key="k"))
    assert [None] == codes(floor.service.transfer_many(["b"], CAROL, by="alice", key="ka"))
    assert 4 == len(requested(floor))


def test_a5_without_a_key_the_second_time_is_another_request() -> None:
    """A5, F2: which is refused while the first is live."""
    floor = floor_with()
    floor.service.transfer_many(IDS[:2], BOB, by="alice")
    assert ["transfer_pending"] * 2 == codes(floor.service.transfer_many(IDS[:2], BOB, by="alice"))
