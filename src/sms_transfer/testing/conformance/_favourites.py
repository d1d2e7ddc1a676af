"""Whom an agent asks often: favourites and recents (T2)."""

from __future__ import annotations

from typing import Final

import attrs

from sms_transfer.core.model import Interaction, Target, TargetKind
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._samples import (
    ALIKE,
    EVERY,
    MOMENT,
    NOW,
    QUEUE,
    accepting,
    asking,
    closing,
    inviting,
    opened,
    opening,
    routing,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put

_BOB: Final = Target.agent("bob")
_SKILL: Final = Target.skill("q")


class Favourites(StoreSuite):
    """What `TransferStore.favourites` and `TransferStore.recents` promise."""

    def test_t2_favourites_are_in_the_order_marked(self, store: TransferStore) -> None:
        """T2: to mark one twice changes nothing; one whose mark was taken away comes last when it is marked again."""
        assert () == store.favourites("alice")
        for target in (_SKILL, _BOB, QUEUE, _BOB):
            store.mark_favourite("alice", target, favourite=True)
        assert (_SKILL, _BOB, QUEUE) == store.favourites("alice")

        for _ in range(2):
            store.mark_favourite("alice", _SKILL, favourite=False)
        assert (_BOB, QUEUE) == store.favourites("alice")
        store.mark_favourite("alice", _SKILL, favourite=True)

        assert (_BOB, QUEUE, _SKILL) == store.favourites("alice")

    def test_t2_favourites_are_each_agents_own(self, store: TransferStore) -> None:
        """T2: what Bob marks or no longer marks is none of Alice's business."""
        store.mark_favourite("alice", QUEUE, favourite=True)
        store.mark_favourite("alice", _SKILL, favourite=True)
        store.mark_favourite("bob", _SKILL, favourite=True)
        store.mark_favourite("bob", QUEUE, favourite=False)

        assert ((QUEUE, _SKILL), (_SKILL,)) == (store.favourites("alice"), store.favourites("bob"))
        assert () == store.favourites("carol")

    def test_a8_favourites_that_look_alike_are_different(self, make_store: MakeStore) -> None:
        """A8: whether it is the targets or the agents."""
        store = make_store()
        targets = [Target(kind, id_) for id_ in ALIKE for kind in TargetKind]
        for target in targets:
            store.mark_favourite("alice", target, favourite=True)
        for id_ in ALIKE:
            store.mark_favourite(id_, Target.queue(id_), favourite=True)

        assert tuple(targets) == store.favourites("alice")
        assert {id_: (Target.queue(id_),) for id_ in ALIKE} == {id_: store.favourites(id_) for id_ in ALIKE}
        store.mark_favourite("alice", targets[3], favourite=False)
        assert (*targets[:3], *targets[4:]) == store.favourites("alice")

    def test_t2_the_latest_target_comes_first(self, store: TransferStore) -> None:
        """T2: each once, where it was asked for last; no more than wanted, live and closed alike."""
        assert () == store.recents("alice", limit=9)
        asked = [QUEUE, _BOB, _SKILL, QUEUE, Target.agent_group("q")]
        interaction = opened()
        for at, target in enumerate(asked):
            interaction = _ask(store, interaction, target, at)
            if target != asked[-1]:
                interaction = put(store, closing(interaction))

        expected = (Target.agent_group("q"), QUEUE, _SKILL, _BOB)
        assert expected == store.recents("alice", limit=EVERY)
        for limit in range(1, 6):
            assert expected[:limit] == store.recents("alice", limit=limit)

    def test_t2_what_becomes_of_a_request_changes_nothing(self, make_store: MakeStore) -> None:
        """T2: it is the asking that counts, and the target asked for: not the invitee, not the fallback."""
        store = make_store()
        first, second = (put(store, opening(opened(id_))) for id_ in ("i", "j"))
        live = attrs.evolve(routing("i", "t"), fallback=_SKILL)
        waiting = put(store, inviting(first, live))
        _ask(store, second, _BOB, 1)
        there = attrs.evolve(live, on_fallback=True)

        asked = put(store, inviting(put(store, inviting(waiting, there)), asking(there, "carol")))
        assert (_BOB, QUEUE) == store.recents("alice", limit=9)
        store.commit(accepting(asked))

        assert (_BOB, QUEUE) == store.recents("alice", limit=9)

    def test_t2_recents_are_the_senders(self, make_store: MakeStore) -> None:
        """T2: not the invitee's, not another owner's."""
        store = make_store()
        for at, id_ in enumerate(("alice", "bob", "Alice")):
            interaction = put(store, opening(opened(f"i-{id_}", id_)))
            _ask(store, interaction, (QUEUE, _SKILL, Target.agent("dave"))[at], at, sender=id_)

        assert (QUEUE,) == store.recents("alice", limit=9)
        assert (_SKILL,) == store.recents("bob", limit=9)
        assert (Target.agent("dave"),) == store.recents("Alice", limit=9)
        assert ((), ()) == (store.recents("dave", limit=9), store.recents("carol", limit=9))

    def test_a8_recents_that_look_alike_are_different(self, make_store: MakeStore) -> None:
        """A8: of every kind of target under one id, and of ids that look alike."""
        store = make_store()
        targets = [Target(kind, id_) for id_ in ALIKE for kind in TargetKind]
        interaction = put(store, opening(opened()))
        for at, target in enumerate(targets):
            interaction = put(store, closing(_ask(store, interaction, target, at)))

        assert tuple(targets[::-1]) == store.recents("alice", limit=EVERY)


def _ask(store: TransferStore, interaction: Interaction, target: Target, at: int, sender: str = "alice") -> Interaction:
    """Have the owner ask for this target, so many moments from now."""
    live = attrs.evolve(
        routing(interaction.id, f"t{99 - at}-{interaction.id}", target), requested_at=NOW + at * MOMENT, sender=sender
    )
    return put(store, inviting(interaction, live))
