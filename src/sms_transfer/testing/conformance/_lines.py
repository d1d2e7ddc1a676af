"""Who waits for an agent, in what order (Q3), and the places that are kept meanwhile (Q2, E3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import pytest

from sms_transfer.core.commands import Need
from sms_transfer.core.model import Interaction, NoAnswer, Target, TargetKind
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._samples import (
    ALIKE,
    EVERY,
    MOMENT,
    NOW,
    ODD_TEXTS,
    QUEUE,
    TIMEOUT,
    accepting,
    asking,
    change,
    closing,
    done,
    inviting,
    live_request,
    looking_on,
    opened,
    opening,
    placing,
    request,
    routing,
    waiting_on,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put

_OTHER: Final = Target.skill("other")
_LEFT: Final = 80
_NEEDS: Final = [Need("i"), Need("none"), Need(transfer_id="t"), Need(invitation_id="none"), Need(transfer_id="none")]


class Lines(StoreSuite):
    """What `TransferStore.waiting` and the methods around it promise."""

    def test_q3_priority_goes_before_age_and_age_before_the_id(self, make_store: MakeStore) -> None:
        """Q3: numbers are numbers, instants are instants, and ids are in the order of their characters."""
        store = make_store()
        expected = [
            ("z", 10**12, 0),
            ("y", 10, 0),
            ("x", 9, 5_000_000),
            ("w", 9, 0),
            ("v", 0, 4_000_000),
            ("u", 0, 1_000_000),
            *[(id_, 0, 7) for id_ in ("1", "10", "2", "A", "B", "a", "a b", "é", "字", "\ufffd", "🎉")],
            ("0", 0, 0),
        ]
        for id_, priority, age in (*expected[1::2], *expected[::2][::-1]):
            wait(store, id_, priority=priority, age=age)

        assert [id_ for id_, _, _ in expected] == line(store, QUEUE)

    def test_q3_several_lines_are_one(self, make_store: MakeStore) -> None:
        """Q3: who serves several targets serves who waits for any of them in one order; each once."""
        store = make_store()
        for number, target in enumerate((QUEUE, _OTHER, QUEUE, Target.routing_point("q"), _OTHER)):
            wait(store, f"t{number}", target, age=number)

        assert ["t4", "t2", "t1", "t0"] == line(store, QUEUE, _OTHER)
        assert ["t4", "t2", "t1", "t0"] == line(store, _OTHER, QUEUE, _OTHER, Target.queue("none"))
        assert ["t4", "t1"] == line(store, _OTHER)
        assert ["t4", "t2"] == line(store, _OTHER, QUEUE, limit=2)
        assert ([], []) == (line(store), line(store, Target.queue("none")))

    @pytest.mark.parametrize("size", [1, 2, 3, 20])
    def test_q3_a_line_can_be_read_in_pages(self, make_store: MakeStore, size: int) -> None:
        """Q3: each once and in order, however many are asked for at once."""
        store = make_store()
        for number in range(11):
            wait(store, f"t{number}", (QUEUE, _OTHER)[number % 2], age=number // 4, priority=number % 3)

        found: list[str] = []
        after: Interaction | None = None
        while page := store.waiting([QUEUE, _OTHER], after=after, limit=size):
            assert len(page) <= size
            found += [live_request(one).id for one in page]
            assert len(found) <= 11, "it ends"
            after = page[-1]

        assert line(store, QUEUE, _OTHER) == found
        assert len(found) == 11

    def test_q3_a_reading_goes_on_behind_who_has_left(self, make_store: MakeStore) -> None:
        """Q3: whoever was read last may be invited, or gone, when the next page is read."""
        store = make_store()
        first, second = (wait(store, f"t{number}", age=9 - number) for number in range(2))
        wait(store, "t2", age=0)
        store.commit(inviting(first, asking(live_request(first))))
        store.commit(closing(second))

        assert ["t2"] == line(store, QUEUE, after=first)
        assert ["t2"] == line(store, QUEUE, after=second)
        wait(store, "t3", age=8, priority=1)
        assert (["t3", "t2"], ["t2"]) == (line(store, QUEUE), line(store, QUEUE, after=first))

    def test_q1_a_request_waits_while_it_is_routing(self, store: TransferStore) -> None:
        """Q1: not while somebody is invited; when it comes back it has the age that it had."""
        wait(store, "young", age=1)
        wait(store, "old", age=9)
        live = routing(age=5)
        waiting = put(store, inviting(opened(), live))
        assert ["old", "t", "young"] == line(store, QUEUE)
        for invitee in ("bob", "carol"):
            asked = put(store, inviting(waiting, asking(live, invitee)))
            assert (["old", "young"], 2) == (line(store, QUEUE), count(store, QUEUE))

            live = looking_on(asking(live, invitee))
            waiting = put(store, inviting(asked, live))
            assert (["old", "t", "young"], 3) == (line(store, QUEUE), count(store, QUEUE))
            assert waiting in store.waiting([QUEUE], limit=9)

    @pytest.mark.parametrize("end", ["cancel", "done", "accept"])
    def test_f3_what_has_its_outcome_does_not_wait(self, store: TransferStore, end: str) -> None:
        """F3: however it ended, and the conversation may wait again under another request."""
        waiting = put(store, inviting(opened(), routing()))
        if end == "accept":
            store.commit(accepting(put(store, inviting(waiting, asking(routing())))))
        elif end == "done":
            store.commit(done(waiting))
        else:
            after = put(store, closing(waiting))
            assert ([], 0, frozenset()) == (line(store, QUEUE), count(store, QUEUE), store.waiting_targets())
            store.commit(inviting(after, routing(id_="t2", target=_OTHER)))
            assert ([], ["t2"]) == (line(store, QUEUE), line(store, _OTHER))
            return

        assert ([], 0, frozenset()) == (line(store, QUEUE), count(store, QUEUE), store.waiting_targets())

    def test_q5_a_request_waits_for_the_target_whose_turn_it_is(self, store: TransferStore) -> None:
        """Q5: first for the one asked for, then for the fallback, which may be one agent."""
        agent = Target.agent("dave")
        live = attrs.evolve(routing(), fallback=agent, fallback_name="Dave")
        waiting = put(store, inviting(opened(), live))
        assert (["t"], [], frozenset({QUEUE})) == (line(store, QUEUE), line(store, agent), store.waiting_targets())

        there = attrs.evolve(live, on_fallback=True, deadline=NOW + 2 * TIMEOUT)
        waiting = put(store, inviting(waiting, there))

        assert ([], ["t"], frozenset({agent})) == (line(store, QUEUE), line(store, agent), store.waiting_targets())
        assert (0, 1) == (count(store, QUEUE), count(store, agent))
        assert ["t"] == line(store, QUEUE, agent)
        asked = put(store, inviting(waiting, asking(there, "dave")))
        assert ([], frozenset()) == (line(store, QUEUE, agent), store.waiting_targets())
        store.commit(closing(asked))
        assert ([], 0) == (line(store, agent), count(store, agent))

    def test_q2_what_a_queue_owns_waits_too(self, store: TransferStore) -> None:
        """Q2: and where nobody takes it in time, the next request waits in its place, with its age."""
        wait(store, "young", age=1)
        queued = put(store, placing(opened(), routing(age=5)))
        assert (["t", "young"], queued) == (line(store, QUEUE), store.waiting([QUEUE], limit=1)[0])

        again = put(store, waiting_on(queued, "t+2"))

        assert (["t+2", "young"], again) == (line(store, QUEUE), store.waiting([QUEUE], limit=1)[0])
        assert ({QUEUE: 2}, ("t+2", "young")) == (dict(store.waiting_counts([QUEUE])), _due(store))
        assert again.transfer == store.transfer("t+2")
        store.commit(done(again))
        assert ["young"] == line(store, QUEUE)

    def test_q3_who_waits_is_told_as_it_is_now(self, store: TransferStore) -> None:
        """Q3: the whole interaction, at its present version."""
        waiting = put(store, inviting(opened(), routing()))
        after = put(store, change(put(store, change(waiting))))

        assert (after,) == store.waiting([QUEUE], limit=9)
        assert ["t"] == line(store, QUEUE)
        assert count(store, QUEUE) == 1

    def test_q3_it_is_told_for_whom_how_many_wait(self, make_store: MakeStore) -> None:
        """Q3: of the targets that any request waits for, and of those asked about."""
        store = make_store()
        assert (frozenset(), 0) == (store.waiting_targets(), count(store, QUEUE))
        for number in range(3):
            wait(store, f"q{number}")
        last = wait(store, "s", _OTHER)
        store.commit(inviting(_open(store, "i-a"), request("i-a", "a")))  # is invited, and does not wait

        assert frozenset({QUEUE, _OTHER}) == store.waiting_targets()
        assert {QUEUE: 3, _OTHER: 1} == _some(store.waiting_counts([QUEUE, _OTHER, Target.queue("none")]))
        assert {_OTHER: 1} == _some(store.waiting_counts([_OTHER]))
        assert {} == _some(store.waiting_counts([]))
        store.commit(closing(last))
        assert frozenset({QUEUE}) == store.waiting_targets()

    @pytest.mark.parametrize("need", _NEEDS, ids=str)
    def test_q3_a_reading_tells_whether_anybody_waits(self, store: TransferStore, need: Need) -> None:
        """Q3: anybody at all, whatever the reading is about; who is invited does not wait."""
        assert not store.read(need, NOW).waiting

        waiting = put(store, inviting(opened(), routing()))
        assert store.read(need, NOW).waiting
        other = wait(store, "other", _OTHER)
        asked = put(store, inviting(waiting, asking(routing())))
        assert store.read(need, NOW).waiting, "somebody else waits for somebody else"
        store.commit(closing(other))

        assert not store.read(need, NOW).waiting
        store.commit(inviting(asked, looking_on(asking(routing()))))
        assert store.read(need, NOW).waiting

    def test_q3_many_that_have_left_do_not_hide_who_waits(self, store: TransferStore) -> None:
        """Q3: nor does one that came back many times wait more than once."""
        wait(store, "first", age=1)
        interaction = opened()
        for number in range(_LEFT):
            live = routing(id_=f"t {number}", age=number % 7)
            waiting = put(store, inviting(interaction, live))
            back = put(store, inviting(put(store, inviting(waiting, asking(live))), looking_on(asking(live))))
            interaction = put(store, closing(back))
        waiting = put(store, inviting(interaction, routing(id_="last")))
        for _ in range(3):
            waiting = put(
                store, inviting(put(store, inviting(waiting, asking(routing(id_="last")))), routing(id_="last"))
            )

        assert (["first", "last"], 2) == (line(store, QUEUE), count(store, QUEUE))
        assert ["first"] == line(store, QUEUE, limit=1)

    def test_a8_lines_that_look_alike_are_different(self, make_store: MakeStore) -> None:
        """A8: of every kind of target under one id, and of ids that look alike."""
        store = make_store()
        expected = {Target(kind, id_): f"{kind} {at}" for at, id_ in enumerate(ALIKE) for kind in TargetKind}
        for target, id_ in expected.items():
            wait(store, id_, target)

        assert {target: [id_] for target, id_ in expected.items()} == {
            target: line(store, target) for target in expected
        }
        assert set(expected) == store.waiting_targets()
        assert dict.fromkeys(expected, 1) == store.waiting_counts(expected)

    @pytest.mark.parametrize("words", ODD_TEXTS.values(), ids=ODD_TEXTS)
    def test_q1_a_request_keeps_all_that_it_went_through(self, store: TransferStore, words: str) -> None:
        """Q1, Q5, A3: earlier invitations with their outcomes, priority, fallback, and what is to become of it."""
        live = attrs.evolve(
            routing(target=Target.skill(words[:128] or "-"), age=3, priority=2**70),
            fallback=Target.agent_group(words[:128] or "-"),
            fallback_name=words[:256],
            no_answer=NoAnswer.LOG_OUT,
            return_to_sender=True,
        )
        interaction = opened()
        for invitee in ("bob", "carol", "dave"):
            interaction = put(store, inviting(interaction, asking(live, invitee, NOW + MOMENT)))
            live = looking_on(asking(live, invitee, NOW + MOMENT))
            last = live.past_invitations[-1]
            said = attrs.evolve(last, outcome=attrs.evolve(last.outcome, reason=words))
            live = attrs.evolve(live, past_invitations=(*live.past_invitations[:-1], said))
        live = attrs.evolve(live, on_fallback=True)
        interaction = put(store, placing(interaction, live))

        assert (live, interaction) == (store.transfer("t"), store.read(Need(transfer_id="t"), NOW).interaction)
        assert (interaction,) == store.waiting([live.present_target], limit=9)
        assert ["bob", "carol", "dave"] == [past.invitee for past in live_request(interaction).past_invitations]
        for past in live.past_invitations:
            assert live == store.read(Need(invitation_id=past.id), NOW).request


def wait(store: TransferStore, id_: str, target: Target = QUEUE, *, age: int = 0, priority: int = 0) -> Interaction:
    """Have another conversation of Alice's wait for this target."""
    interaction = _open(store, f"i-{id_}")
    return put(store, inviting(interaction, routing(interaction.id, id_, target, age=age, priority=priority)))


def line(store: TransferStore, *targets: Target, after: Interaction | None = None, limit: int = EVERY) -> list[str]:
    """The requests that wait for these, by id, in order."""
    found = store.waiting(targets, after=after, limit=limit)
    assert all(live_request(one).present_target in targets for one in found)
    return [live_request(one).id for one in found]


def count(store: TransferStore, target: Target) -> int:
    """How many wait for this target."""
    return store.waiting_counts([target]).get(target, 0)


def _open(store: TransferStore, id_: str) -> Interaction:
    return put(store, opening(opened(id_)))


def _due(store: TransferStore) -> tuple[str, ...]:
    return tuple(sorted(store.due(NOW + 9 * TIMEOUT, limit=9)))


def _some(counts: Mapping[Target, int]) -> dict[Target, int]:
    """Without those of whom none may be said."""
    return {target: number for target, number in counts.items() if number}
