"""Several handles on the same data: one after another, and at once; and a store's own doorbell."""

from __future__ import annotations

import attrs
import pytest

from sms_transfer.core.decision import Claim
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Messaging, RingsOnCommit, TransferStore
from sms_transfer.testing.conformance._commits import Scene
from sms_transfer.testing.conformance._desktops import Screen
from sms_transfer.testing.conformance._reading import feed_is_whole, read_feed, reading
from sms_transfer.testing.conformance._roster import Roll
from sms_transfer.testing.conformance._samples import (
    NOW,
    QUEUE,
    asking,
    change,
    closing,
    entry,
    inviting,
    live_request,
    opened,
    opening,
    request,
    text,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore, StoreSuite, put
from sms_transfer.testing.conformance._suite import Capability, Closes, needs


class Handles(StoreSuite):
    """What a store promises that declares `Capability.DURABLE` or `Capability.MANY_HANDLES`."""

    @needs(Capability.DURABLE)
    def test_f4_everything_is_found_by_whoever_opens_it_next(
        self, make_store: MakeStore, reopen_store: ReopenStore
    ) -> None:
        """F4, F6: state, history, texts, deadlines, keys, desktops, agents, and what waits to be sent."""
        store = make_store()
        scene = Scene(store)
        store.commit(scene.sound)
        store.replace_agent(*_logged_in(store, "dave"))
        store.mark_read("alice", "n", read=True)
        store.mark_sent("old")
        roll = Roll(store).call()
        before = reading(store, scene.story)
        assert self.eventually(lambda: feed_is_whole(store, scene.story.interactions))
        version, cursor = store.desktop("alice").version, read_feed(store)[1]
        _close(store)

        again = reopen_store(store)

        assert before == reading(again, scene.story)
        roll.call(again).assert_true()
        assert self.eventually(lambda: feed_is_whole(again, scene.story.interactions))
        assert () == again.events(after=cursor, limit=9).events
        with pytest.raises(Conflict):
            again.commit(scene.sound)
        settled = put(again, closing(scene.sound.interaction, notices=(entry("t"),)))
        assert version + 1 == again.desktop("alice").version
        assert self.eventually(lambda: again.history(settled.id)[-1:] == tuple(read_feed(again, cursor)[0]))

    @needs(Capability.DURABLE)
    def test_f5_what_was_used_up_stays_used_up(self, make_store: MakeStore, reopen_store: ReopenStore) -> None:
        """F5, F3: keys, text ids, requests and tickets, for whoever opens it next."""
        store = make_store()
        scene = Scene(store)
        _close(store)

        again = reopen_store(store)

        for reason, decision in scene.refused.items():
            error, fields = scene.expected(reason)
            with pytest.raises(error) as refused:
                again.commit(decision)
            assert fields == dict(refused.value.fields)
        again.commit(scene.sound)

    @needs(Capability.DURABLE)
    def test_f6_what_was_deleted_or_sent_does_not_come_back(
        self, make_store: MakeStore, reopen_store: ReopenStore
    ) -> None:
        """F6, D4: nor is what was left out of a refused commit found later."""
        store = make_store()
        store.commit(opening(opened(), texts=(text("m"),), notices=(entry(),)))
        store.mark_sent("m")
        store.delete_message("alice", "n")
        lost = change(opened(), texts=(text("lost"), text("m")), notices=(entry("lost"),), concerned=("alice",))
        with pytest.raises(Conflict):
            store.commit(lost)
        version = store.desktop("alice").version
        _close(store)

        again = reopen_store(store)

        assert ((), None) == (again.unsent(limit=9), again.next_unsent("i"))
        assert ((text("m"),), ()) == (again.transcript("i"), again.desktop("alice").messages)
        assert version == again.desktop("alice").version

    @needs(Capability.MANY_HANDLES)
    def test_f1_another_handle_sees_at_once_what_is_committed(
        self, make_store: MakeStore, reopen_store: ReopenStore
    ) -> None:
        """F1, F6: everything, after each commit, whichever handle it comes through."""
        one = make_store()
        two = reopen_store(one)
        scene = Scene(one)
        assert reading(one, scene.story) == reading(two, scene.story)
        two.commit(scene.sound)
        assert reading(one, scene.story) == reading(two, scene.story)
        one.commit(closing(scene.sound.interaction))
        assert two.mark_read("alice", "n", read=True)
        one.mark_sent("old")
        assert self.eventually(lambda: feed_is_whole(two, scene.story.interactions))
        two.replace_agent(*_logged_in(two, "dave"))
        assert reading(one, scene.story) == reading(two, scene.story)
        [sales] = one.queues([QUEUE]).values()
        one.replace_queue(sales, attrs.evolve(sales, members={"dave"}))
        two.mark_favourite("alice", QUEUE, favourite=False)
        one.mark_favourite("bob", QUEUE, favourite=True)
        [waiting] = two.waiting([QUEUE], limit=9)
        two.commit(inviting(waiting, asking(live_request(waiting), "dave")))

        assert reading(one, scene.story) == reading(two, scene.story)

    @needs(Capability.MANY_HANDLES)
    @pytest.mark.parametrize("reason", ["version", "key", "first text", "claim", "left", "closed", "id", "ticket"])
    def test_f7_what_is_refused_here_is_refused_there(
        self, make_store: MakeStore, reopen_store: ReopenStore, reason: str
    ) -> None:
        """F7: versions, keys, text ids, places, presence, requests and tickets hold across handles."""
        one = make_store()
        two = reopen_store(one)
        scene = Scene(one)
        error, fields = scene.expected(reason)

        with pytest.raises(error) as refused:
            two.commit(scene.refused[reason])

        assert fields == dict(refused.value.fields)
        two.commit(scene.sound)
        with pytest.raises((Conflict, AlreadyExists)):
            one.commit(scene.sound)

    @needs(Capability.MANY_HANDLES)
    def test_d7_a_desktop_can_move_from_handle_to_handle(
        self, make_store: MakeStore, reopen_store: ReopenStore
    ) -> None:
        """D7: a version means the same everywhere."""
        handles = [make_store()]
        handles += [reopen_store(handles[0]) for _ in range(2)]
        interaction = put(handles[0], opening(opened()))
        screen = Screen(handles[0], "alice")
        for number in range(9):
            interaction = put(
                handles[number % 3], change(interaction, texts=(text(f"m {number}"),), concerned=("alice",))
            )
            screen.move_to(handles[(number + 1) % 3])
            screen.look()
            screen.assert_true()


class Doorbell(StoreSuite):
    """What a store promises that declares `Capability.RINGS_ON_COMMIT`."""

    @needs(Capability.RINGS_ON_COMMIT)
    def test_f6_a_ring_is_heard_after_the_commit_and_not_before(self, make_store: MakeStore) -> None:
        """F6: whoever is woken and looks sees it."""
        store = make_store()
        interaction = put(store, opening(opened()))
        for number in range(5):
            agent_id, seen = f"agent {number}", list[int]()
            listening = _doorbell(store).listen(
                agent_id,
                lambda agent_id=agent_id, seen=seen: seen.append(store.desktop(agent_id).version),  # type: ignore[misc] # bound at once
            )
            before = store.desktop(agent_id).version
            interaction = put(store, change(interaction, concerned=(agent_id,)))
            assert self.eventually(lambda seen=seen: bool(seen)), "nobody was woken"  # type: ignore[misc] # likewise
            assert {before + 1} == set(seen), "whoever is woken sees the commit"
            listening.close()

    @needs(Capability.RINGS_ON_COMMIT)
    def test_d5_the_doorbell_can_be_rung_for_what_no_commit_tells(self, make_store: MakeStore) -> None:
        """D5: it is a doorbell like any other."""
        bell = _doorbell(make_store())
        woken: list[str] = []
        listening = bell.listen("alice", lambda: woken.append("alice"))

        bell.ring(["alice", "bob"])

        assert self.eventually(lambda: bool(woken))
        listening.close()

    @needs(Capability.RINGS_ON_COMMIT)
    def test_d5_only_who_is_concerned_is_rung(self, make_store: MakeStore) -> None:
        """D5: every agent concerned, and nobody else."""
        store = make_store()
        interaction = put(store, opening(opened()))
        woken: list[str] = []
        listening = [
            _doorbell(store).listen(name, lambda name=name: woken.append(name))  # type: ignore[misc] # bound at once
            for name in ("alice", "bob", "carol", "last")
        ]
        interaction = put(store, inviting(interaction, request()))
        store.commit(change(interaction, concerned=("last",)))

        assert self.eventually(lambda: {"alice", "bob", "last"} <= set(woken))
        assert {"alice", "bob", "last"} == set(woken)
        for one in listening:
            one.close()

    @needs(Capability.RINGS_ON_COMMIT)
    def test_f7_a_refused_commit_rings_nobody(self, make_store: MakeStore) -> None:
        """F7: whatever it is refused for."""
        store = make_store()
        woken: list[str] = []
        bell = _doorbell(store)
        listening = [bell.listen("first", lambda: woken.append("first"))]
        scene = Scene(store)
        store.commit(opening(opened("first", "first"), claim=Claim("first", 1, NOW)))
        # What the scene's own commits rang for alice and bob may be heard late; after this it no longer is.
        assert self.eventually(lambda: "first" in woken)
        listening += [bell.listen(name, lambda: woken.append("alice or bob")) for name in ("alice", "bob")]
        listening.append(bell.listen("last", lambda: woken.append("last")))
        for decision in scene.refused.values():
            with pytest.raises((Conflict, AlreadyExists)):
                store.commit(decision)
        store.commit(opening(opened("last", "last"), claim=Claim("last", 1, NOW)))

        assert self.eventually(lambda: "last" in woken)
        assert "alice or bob" not in woken
        for one in listening:
            one.close()

    @needs(Capability.RINGS_ON_COMMIT, Capability.MANY_HANDLES)
    def test_f6_a_ring_is_heard_at_every_handle(self, make_store: MakeStore, reopen_store: ReopenStore) -> None:
        """F6: in this process and every other; whoever is woken and looks there sees it."""
        one = make_store()
        two = reopen_store(one)
        seen: list[int] = []
        with_two = _doorbell(two).listen("alice", lambda: seen.append(two.desktop("alice").version))
        before = two.desktop("alice").version

        one.commit(opening(opened()))

        assert self.eventually(lambda: bool(seen))
        assert {before + 1} == set(seen)
        with_two.close()


def _doorbell(store: TransferStore) -> Messaging:
    assert isinstance(store, RingsOnCommit), "it declares RINGS_ON_COMMIT, so it has a doorbell"
    return store.doorbell


def _close(store: TransferStore) -> None:
    assert isinstance(store, Closes), "it declares DURABLE, so it can be closed"
    store.close()


def _logged_in(store: TransferStore, agent_id: str) -> tuple[Agent, Agent]:
    known = store.agents([agent_id])[agent_id]
    return known, attrs.evolve(known, status=ChannelStatus.NOT_READY)
