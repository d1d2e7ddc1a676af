"""Places: a claim is refused exactly where it must be (E3), and nobody who has left is invited (T9)."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import Agent, Target
from sms_transfer.errors import Conflict
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._samples import (
    MOMENT,
    NOW,
    TIMEOUT,
    accepting,
    asking,
    change,
    closing,
    done,
    inviting,
    note,
    opened,
    opening,
    placing,
    request,
    routing,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put


class Places(StoreSuite):
    """What `TransferStore` promises about capacity."""

    @pytest.mark.parametrize(("limit", "fits"), [(0, False), (1, True), (10**30, True)])
    def test_e3_a_claim_is_counted_after_the_change(self, store: TransferStore, *, limit: int, fits: bool) -> None:
        """E3: the place that is claimed is one of those counted."""
        decision = inviting(opened(), request(), claim=Claim("bob", limit, NOW))

        if fits:
            store.commit(decision)
        else:
            refuse(store, decision, "bob")

        assert int(fits) == load(store, "bob")

    @pytest.mark.parametrize("taken", [0, 1, 3])
    def test_e3_the_limit_is_met_exactly(self, make_store: MakeStore, taken: int) -> None:
        """E3: owned conversations and live invitations count alike; the last place can be taken, and no more."""
        store = make_store()
        for number in range(taken):
            interaction = put(store, opening(opened(f"taken {number}", "bob" if number % 2 else "alice")))
            if interaction.owner == "alice":
                store.commit(inviting(interaction, request(interaction.id, f"t {number}")))
        assert taken == load(store, "bob")

        store.commit(opening(opened("last", "bob"), claim=Claim("bob", taken + 1, NOW)))
        refuse(store, opening(opened("more", "bob"), claim=Claim("bob", taken + 1, NOW)), "bob")

        assert taken + 1 == load(store, "bob")

    def test_e3_a_claim_is_its_agents_only(self, store: TransferStore) -> None:
        """E3: what others have taken is not counted, and a limit is that of the claim."""
        store.commit(opening(opened("j"), claim=Claim("alice", 2, NOW)))
        store.commit(opening(opened("k", "bob"), claim=Claim("bob", 1, NOW)))
        store.commit(opening(opened("l"), claim=None))

        assert {"alice": 3, "bob": 1, "carol": 0} == {name: load(store, name) for name in ("alice", "bob", "carol")}

    def test_e3_a_claim_that_replaces_a_place_takes_no_other(self, store: TransferStore) -> None:
        """E3, T5: the invitee's place becomes the owner's."""
        live = put(store, inviting(opened(), request(), claim=Claim("bob", 1, NOW)))

        store.commit(accepting(live, claim=Claim("bob", 1, NOW)))

        assert (0, 1) == (load(store, "alice"), load(store, "bob"))

    def test_e3_an_offer_that_replaces_an_offer_takes_no_other(self, store: TransferStore) -> None:
        """E3: the invitee of the old one and of the new one are the same."""
        settled = put(store, closing(put(store, inviting(opened(), request()))))
        assert load(store, "bob") == 0

        live = put(store, inviting(settled, request(id_="t2"), claim=Claim("bob", 1, NOW)))
        store.commit(change(live, claim=Claim("bob", 1, NOW)))

        assert load(store, "bob") == 1

    def test_e3_what_a_queue_holds_takes_no_agents_place(self, make_store: MakeStore) -> None:
        """E3, Q2: a Target is nobody; an invitee has a place all the same."""
        store = make_store()
        waiting = put(store, inviting(put(store, opening(opened())), request()))
        queued = attrs.evolve(waiting, version=3, owner=Target.queue("q"), state=InteractionState.QUEUED)
        store.commit(Decision(queued, events=(note(queued),), claim=Claim("bob", 1, NOW)))
        assert (0, 0, 1) == (load(store, "alice"), load(store, "q"), load(store, "bob"))

        after = attrs.evolve(queued, version=4, owner="bob", state=InteractionState.ACTIVE, transfer=None)
        store.commit(Decision(after, events=(note(after),), claim=Claim("bob", 1, NOW)))

        assert (0, 0, 1) == (load(store, "alice"), load(store, "q"), load(store, "bob"))

    @pytest.mark.parametrize("asked", [False, True])
    def test_e3_what_can_come_back_keeps_its_place(self, store: TransferStore, *, asked: bool) -> None:
        """E3, Q2: the sender's, while a queue owns it, beside the invitee's: for readings and for claims."""
        live = attrs.evolve(routing(), return_to_sender=True)
        queued = put(store, placing(opened(), asking(live) if asked else live, claim=Claim("alice", 1, NOW)))

        assert {"alice": 1, "bob": int(asked)} == {name: load(store, name) for name in ("alice", "bob")}
        refuse(store, opening(opened("j"), claim=Claim("alice", 1, NOW)), "alice")
        refuse(store, change(queued, claim=Claim("alice", 0, NOW)), "alice")
        store.commit(opening(opened("j"), claim=Claim("alice", 2, NOW)))

        store.commit(closing(queued, claim=Claim("alice", 2, NOW)))  # the place that was kept becomes the owner's

        assert {"alice": 2, "bob": 0} == {name: load(store, name) for name in ("alice", "bob")}

    @pytest.mark.parametrize("end", ["accept", "done", "wait on", "never"])
    def test_e3_what_cannot_come_back_keeps_no_place(self, store: TransferStore, end: str) -> None:
        """E3, Q2: as somebody took it, or it is done, or it was to wait on, now or from the beginning."""
        live = attrs.evolve(routing(), return_to_sender=end != "never")
        queued = put(store, placing(opened(), live))
        if end == "accept":
            store.commit(accepting(put(store, inviting(queued, asking(live)))))
        elif end == "done":
            store.commit(done(queued))
        elif end == "wait on":
            store.commit(inviting(queued, attrs.evolve(live, return_to_sender=False)))

        assert load(store, "alice") == 0
        store.commit(opening(opened("j"), claim=Claim("alice", 1, NOW)))

    def test_e3_places_of_many_are_counted_at_once(self, store: TransferStore) -> None:
        """E3, T10: each as for one, at one instant; nobody has taken none."""
        store.commit(opening(opened("j", "bob")))
        store.commit(inviting(opened(), request()))
        store.commit(placing(put(store, opening(opened("k"))), attrs.evolve(routing("k", "t2"), return_to_sender=True)))
        everybody = ["alice", "bob", "carol", "bob"]

        for at, expected in ((NOW, {"alice": 2, "bob": 2}), (NOW + TIMEOUT, {"alice": 2, "bob": 1})):
            assert expected == {id_: taken for id_, taken in store.loads(everybody, at).items() if taken}
        assert {} == dict(store.loads([], NOW))

    def test_e3_what_is_done_takes_no_place(self, store: TransferStore) -> None:
        """E3: it is gone from its owner's desktop too."""
        store.commit(done(opened(), claim=Claim("alice", 0, NOW)))

        assert load(store, "alice") == 0
        assert () == store.desktop("alice").interactions
        store.commit(opening(opened("j"), claim=Claim("alice", 1, NOW)))

    def test_e3_a_request_that_invites_nobody_takes_no_place(self, store: TransferStore) -> None:
        """E3, Q1: while it is ROUTING, whoever was invited last has the place back."""
        live = put(store, inviting(opened(), request()))
        waiting = attrs.evolve(request(), state=TransferState.ROUTING, invitation=None)

        store.commit(inviting(live, waiting, claim=Claim("bob", 0, NOW)))

        assert load(store, "bob") == 0

    @pytest.mark.parametrize(
        ("at", "expected"), [(NOW, 1), (NOW + TIMEOUT - MOMENT, 1), (NOW + TIMEOUT, 0), (NOW + 2 * TIMEOUT, 0)]
    )
    def test_t10_an_offer_takes_a_place_until_its_deadline(
        self, store: TransferStore, at: datetime, expected: int
    ) -> None:
        """E3, T10: to the microsecond, for readings and for claims, whether or not its expiry is recorded."""
        store.commit(inviting(opened(), request()))
        assert expected == store.read(Need(interaction_id="i", load_of="bob"), at).load
        next_one = opening(opened("j", "bob"), claim=Claim("bob", 1, at))

        if expected:
            refuse(store, next_one, "bob")
        else:
            store.commit(next_one)

    def test_t10_a_place_is_counted_for_the_claims_instant(self, store: TransferStore) -> None:
        """E3, T10: a claim that is late itself takes no place, and is not refused for one."""
        late = NOW + TIMEOUT + timedelta(days=1)

        store.commit(inviting(opened(), request(), claim=Claim("bob", 0, late)))

        assert load(store, "bob") == 1

    @pytest.mark.parametrize("invites", [False, True])
    @pytest.mark.parametrize("status", ChannelStatus)
    def test_t9_who_has_left_is_not_invited(
        self, store: TransferStore, *, status: ChannelStatus, invites: bool
    ) -> None:
        """T9: of the agents kept here, whoever is logged out; Not Ready is not gone, and other claims are not asked."""
        store.add_agent(Agent("bob", "Bob", status=status))
        decision = inviting(opened(), request(), claim=Claim("bob", 9, NOW, invites=invites))

        if invites and status is ChannelStatus.LOGGED_OUT:
            refuse(store, decision, "bob")
        else:
            store.commit(decision)

    def test_t9_who_is_kept_elsewhere_can_be_invited(self, store: TransferStore) -> None:
        """T9: another directory knows whether they have left."""
        store.commit(inviting(opened(), request(), claim=Claim("bob", 9, NOW, invites=True)))

        assert ["i"] == [offered.id for offered in store.desktop("bob").offered]


def load(store: TransferStore, agent_id: str) -> int:
    """The places that an agent has taken now."""
    return store.read(Need(interaction_id="i", load_of=agent_id), NOW).load


def refuse(store: TransferStore, decision: Decision, agent_id: str) -> None:
    """See the store refuse a claim of this agent's."""
    with pytest.raises(Conflict) as beaten:
        store.commit(decision)
    assert {"kind": "agent", "id": agent_id} == dict(beaten.value.fields)
