"""Who may be able to receive: whoever has a free place must be among them (Q3, Q4, E3)."""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from sms_transfer.core.decision import Claim
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction, Queue
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._roster import idle
from sms_transfer.testing.conformance._samples import (
    NOW,
    QUEUE,
    accepting,
    asking,
    closing,
    done,
    inviting,
    looking_on,
    opened,
    opening,
    placing,
    request,
    routing,
    waiting_on,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore, StoreSuite, put
from sms_transfer.testing.conformance._suite import Capability, needs
from sms_transfer.testing.conformance._teams import GROUP, able

_TEAM: Final = ("bob", "carol", "dave")
_RETURNS: Final = attrs.evolve(routing(), return_to_sender=True)


class Able(StoreSuite):
    """What `Teams.able` promises of places, which only a store knows of."""

    @pytest.fixture
    def staffed(self, make_store: MakeStore) -> TransferStore:
        """Alice owns ``"i"``; she, Bob, Carol and Dave are Ready, have one place each, and serve two targets."""
        store = make_store()
        for id_ in ("alice", *_TEAM):
            store.add_agent(Agent(id_, id_, status=ChannelStatus.READY, capacity=1, groups={"q"}))
        store.add_queue(Queue(QUEUE, {"alice", *_TEAM}))
        store.commit(opening(opened(), claim=Claim("alice", 1, NOW)))
        return store

    def test_q4_only_who_is_full_may_be_left_out(self, staffed: TransferStore) -> None:
        """Q4: an agent with a place is there, whatever the others have taken; an offer of others is no place."""
        staffed.commit(inviting(opened(), routing()))
        assert set(_TEAM) <= names(staffed)

        staffed.commit(opening(opened("j", "bob"), claim=Claim("bob", 1, NOW)))

        assert {"carol", "dave"} <= names(staffed) <= {"alice", *_TEAM}

    def test_q3_a_place_that_is_freed_is_known(self, staffed: TransferStore) -> None:
        """Q3: by the sender's cancelling, by going on to the next agent, by being handed over, by being done."""
        waiting = put(staffed, inviting(opened(), routing()))
        asked = put(staffed, inviting(waiting, asking(routing()), claim=Claim("bob", 1, NOW, invites=True)))
        assert {"carol", "dave"} <= names(staffed)

        again = looking_on(asking(routing()))
        waiting = put(staffed, inviting(asked, again))
        assert set(_TEAM) <= names(staffed), "Bob's place was freed as it went on"

        asked = put(staffed, inviting(waiting, asking(again, "carol"), claim=Claim("carol", 1, NOW, invites=True)))
        owned = put(staffed, accepting(asked, claim=Claim("carol", 1, NOW)))
        assert {"alice", "bob", "dave"} <= names(staffed), "Alice's was freed as it was handed over"

        staffed.commit(done(owned))
        assert {"alice", *_TEAM} == names(staffed), "Carol's was freed as it was done"

    def test_q3_who_was_asked_in_vain_is_able_again(self, staffed: TransferStore) -> None:
        """Q3, T8: whatever the outcome."""
        live = put(staffed, inviting(opened(), request(), claim=Claim("bob", 1, NOW, invites=True)))
        staffed.commit(closing(live))

        assert set(_TEAM) <= names(staffed)

    def test_q3_who_is_asked_in_anothers_place_fills_theirs(self, staffed: TransferStore) -> None:
        """Q3: in one commit, one place is freed and another is taken."""
        live = put(staffed, inviting(opened(), request()))
        staffed.commit(inviting(live, asking(request(), "carol"), claim=Claim("carol", 1, NOW, invites=True)))

        assert {"bob", "dave"} <= names(staffed)

    def test_q4_a_second_place_is_a_place(self, staffed: TransferStore) -> None:
        """Q4, E3: it is the capacity that counts, and the capacity as it is now."""
        bob = staffed.agents(["bob"])["bob"]
        more = attrs.evolve(bob, capacity=2)
        staffed.commit(opening(opened("j", "bob"), claim=Claim("bob", 1, NOW)))

        staffed.replace_agent(bob, more)
        assert set(_TEAM) <= names(staffed)
        staffed.commit(opening(opened("k", "bob"), claim=Claim("bob", 2, NOW)))
        staffed.replace_agent(more, attrs.evolve(bob, capacity=3))

        assert set(_TEAM) <= names(staffed)

    def test_q3_who_is_known_later_has_taken_what_they_have(self, make_store: MakeStore) -> None:
        """Q3, E3: places may be taken before the agent is known; with one left, they are able."""
        store = make_store()
        store.add_queue(Queue(QUEUE, {"bob"}))
        owned = put(store, opening(opened("j", "bob"), claim=Claim("bob", 2, NOW)))
        store.commit(opening(opened("k", "bob"), claim=Claim("bob", 2, NOW)))

        store.add_agent(Agent("bob", "Bob", status=ChannelStatus.READY, capacity=2))
        store.commit(done(owned))

        assert ["bob"] == [agent.id for agent in able(store, QUEUE)]

    @pytest.mark.parametrize("end", ["accept", "give back and done", "done", "wait on"])
    def test_q2_a_place_that_was_kept_is_freed(self, staffed: TransferStore, end: str) -> None:
        """Q2, E3: the sender has it back as soon as it cannot come back to them any more, or was done."""
        queued = put(staffed, placing(opened(), _RETURNS))
        assert set(_TEAM) <= names(staffed)

        _end(staffed, queued, end)

        assert "alice" in names(staffed)

    @needs(Capability.KNOWS_IDLE)
    def test_q4_who_was_given_something_last_is_asked_last(self, staffed: TransferStore) -> None:
        """Q4: idle since the last time that a place was taken or freed."""
        for id_ in ("carol", "bob", "dave", "alice"):
            agent = staffed.agents([id_])[id_]
            tired = attrs.evolve(agent, status=ChannelStatus.NOT_READY, capacity=9)
            staffed.replace_agent(agent, tired)
            staffed.replace_agent(tired, attrs.evolve(tired, status=ChannelStatus.READY))
        assert self._line(staffed) == ["carol", "bob", "dave", "alice"]

        live = put(staffed, inviting(opened(), request(invitee="carol")))
        assert ["bob", "dave"] == [id_ for id_ in self._line(staffed) if id_ in {"bob", "dave"}]
        assert self._line(staffed).index("dave") < self._line(staffed).index("carol"), "Carol has been given something"
        staffed.commit(closing(live))
        assert ["bob", "dave"] == self._line(staffed)[:2], "Carol and Alice have changed since"
        staffed.commit(opening(opened("j", "bob"), claim=Claim("bob", 9, NOW)))

        assert (self._line(staffed)[0], self._line(staffed)[-1]) == ("dave", "bob")

    @needs(Capability.MANY_HANDLES)
    def test_q3_another_handle_knows_what_was_freed(self, staffed: TransferStore, reopen_store: ReopenStore) -> None:
        """Q3: at once, whichever handle took the place and whichever freed it."""
        there = reopen_store(staffed)
        live = put(staffed, inviting(opened(), request(), claim=Claim("bob", 1, NOW, invites=True)))
        assert {"carol", "dave"} <= names(there)

        there.commit(closing(live))

        assert set(_TEAM) <= names(staffed)
        assert set(_TEAM) <= names(there)

    @staticmethod
    def _line(store: TransferStore) -> list[str]:
        line = [agent.id for agent in store.able(QUEUE, statuses={ChannelStatus.READY}, limit=9)]
        assert "".join(line) == idle(store, GROUP)
        return line


def _end(store: TransferStore, queued: Interaction, end: str) -> None:
    live = _RETURNS
    if end == "accept":
        asked = put(store, inviting(queued, asking(live), claim=Claim("bob", 1, NOW, invites=True)))
        store.commit(accepting(asked, claim=Claim("bob", 1, NOW)))
    elif end == "give back and done":
        store.commit(done(put(store, closing(queued, claim=Claim("alice", 1, NOW)))))
    elif end == "done":
        store.commit(done(queued))
    else:
        stays = attrs.evolve(live, return_to_sender=False)
        store.commit(waiting_on(put(store, inviting(queued, stays)), "t+2"))


def names(store: TransferStore) -> set[str]:
    """Who may be able to receive: of the queue and the group, who have the same members, alike."""
    found = {agent.id for agent in able(store, QUEUE)}
    assert found == {agent.id for agent in able(store, GROUP)}
    return found
