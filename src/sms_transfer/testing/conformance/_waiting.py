"""What waits: deadlines for their instant (F4), and texts for a gateway (F6)."""

from __future__ import annotations

import sys
from datetime import timedelta

import attrs

from sms_transfer.core.commands import Need
from sms_transfer.core.model import Direction, Message
from sms_transfer.ports import Facts, TransferStore
from sms_transfer.testing.conformance._samples import (
    MOMENT,
    NOW,
    TIMEOUT,
    accepting,
    asking,
    change,
    closed,
    closing,
    inviting,
    looking_on,
    opened,
    opening,
    request,
    routing,
    text,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put


class Waiting(StoreSuite):
    """What `TransferStore.due`, `TransferStore.unsent` and the methods around them promise."""

    def test_f4_what_is_due_is_named_until_it_is_closed(self, store: TransferStore) -> None:
        """F4, T10: at the deadline and not before, to the microsecond, as often as it is asked for."""
        live = put(store, inviting(opened(), request()))

        assert () == store.due(NOW + TIMEOUT - MOMENT, limit=9)
        assert ("t",) == store.due(NOW + TIMEOUT, limit=9)
        assert ("t",) == store.due(NOW + TIMEOUT + timedelta(days=3_000), limit=sys.maxsize)
        store.commit(closing(live))
        assert () == store.due(NOW + TIMEOUT, limit=9)

    def test_f4_what_was_accepted_is_never_due(self, store: TransferStore) -> None:
        """F4: every outcome is one."""
        store.commit(accepting(put(store, inviting(opened(), request()))))

        assert () == store.due(NOW + TIMEOUT, limit=9)

    def test_f4_the_earliest_is_named_first(self, make_store: MakeStore) -> None:
        """F4: and no more than asked for, whatever the ids and the order they came in."""
        store = make_store()
        for at in (30, 10, 20, 5):
            live = request(f"i-{at}", f"t-{at}", deadline=NOW + at * MOMENT)
            store.commit(inviting(put(store, opening(opened(f"i-{at}"))), live))

        assert ("t-5", "t-10") == store.due(NOW + TIMEOUT, limit=2)
        assert ("t-5", "t-10", "t-20", "t-30") == store.due(NOW + TIMEOUT, limit=9)
        assert ("t-5", "t-10") == store.due(NOW + 10 * MOMENT, limit=9)

    def test_f4_deadlines_are_in_order_across_the_years(self, make_store: MakeStore) -> None:
        """F4: an instant is no text, and not all of them have a fraction."""
        store = make_store()
        instants = [
            NOW.replace(year=1999),
            NOW.replace(microsecond=0),
            NOW.replace(microsecond=1),
            NOW.replace(microsecond=100_000),
            NOW,
            NOW.replace(year=9_990),
        ]
        for at in (3, 0, 5, 1, 4, 2):
            live = request(f"i{at}", f"t{at}", deadline=instants[at])
            store.commit(inviting(put(store, opening(opened(f"i{at}"))), live))

        for at, instant in enumerate(instants):
            assert tuple(f"t{earlier}" for earlier in range(at + 1)) == store.due(instant, limit=9)

    def test_f4_many_that_are_closed_leave_the_live_one_due(self, store: TransferStore) -> None:
        """F4: transfers that never come due do not hide one that does."""
        store.commit(inviting(put(store, opening(opened("j"))), request("j", "live")))
        interaction = opened()
        for number in range(100):
            live = request(id_=f"t {number}", deadline=NOW + timedelta(seconds=number % 7))
            interaction = put(store, closing(put(store, inviting(interaction, live))))

        assert ("live",) == store.due(NOW + TIMEOUT, limit=1)

    def test_f4_a_deadline_that_was_put_off_counts_as_it_is_now(self, store: TransferStore) -> None:
        """F4, Q1: a request that goes to the next agent has a new deadline, later or earlier."""
        live = put(store, inviting(opened(), routing()))
        later = put(store, inviting(live, attrs.evolve(routing(), deadline=NOW + 2 * TIMEOUT)))

        assert () == store.due(NOW + 2 * TIMEOUT - MOMENT, limit=9)
        assert ("t",) == store.due(NOW + 2 * TIMEOUT, limit=9)

        store.commit(inviting(later, attrs.evolve(routing(), deadline=NOW + MOMENT)))

        assert ("t",) == store.due(NOW + MOMENT, limit=9)

    def test_f4_a_request_that_is_recorded_again_is_named_once(self, store: TransferStore) -> None:
        """F4, Q1: with the same deadline, and with one that was put off and back."""
        live = put(store, inviting(opened(), routing()))
        for span in (TIMEOUT, 2 * TIMEOUT, TIMEOUT):
            live = put(store, inviting(live, attrs.evolve(routing(), deadline=NOW + span)))

        assert ("t",) == store.due(NOW + 2 * TIMEOUT, limit=9)

    def test_f4_a_request_that_invites_nobody_yet_is_due_too(self, store: TransferStore) -> None:
        """F4, Q1: a request that is ROUTING has a deadline and no ticket."""
        waiting = put(store, inviting(opened(), routing()))

        assert ("t",) == store.due(NOW + TIMEOUT, limit=9)
        assert Facts(interaction=waiting, request=routing(), waiting=True) == store.read(Need(transfer_id="t"), NOW)

    def test_f4_a_request_is_due_when_its_invitation_is(self, store: TransferStore) -> None:
        """F4, Q1: or itself, whichever is first; what comes back is due at its own deadline again."""
        live = attrs.evolve(routing(), deadline=NOW + 10 * TIMEOUT)
        waiting = put(store, inviting(opened(), live))
        invited = put(store, inviting(waiting, asking(live)))
        assert () == store.due(NOW + TIMEOUT - MOMENT, limit=9)
        assert ("t",) == store.due(NOW + TIMEOUT, limit=9)

        again = looking_on(asking(live))
        waiting = put(store, inviting(invited, again))

        assert () == store.due(NOW + 10 * TIMEOUT - MOMENT, limit=9)
        assert ("t",) == store.due(NOW + 10 * TIMEOUT, limit=9)
        store.commit(inviting(waiting, asking(again, "carol", NOW + 20 * TIMEOUT)))
        assert () == store.due(NOW + 10 * TIMEOUT - MOMENT, limit=9), "an invitation that outlasts its request"
        assert ("t",) == store.due(NOW + 10 * TIMEOUT, limit=9)

    def test_f4_what_is_due_is_in_the_order_in_which_it_is_due(self, make_store: MakeStore) -> None:
        """F4: whether that is an invitation's deadline or a request's own."""
        store = make_store()
        for at, invited in ((3, True), (1, False), (4, False), (2, True)):
            live = attrs.evolve(routing(f"i{at}", f"t{at}"), deadline=NOW + (90 if invited else at) * MOMENT)
            live = asking(live, deadline=NOW + at * MOMENT) if invited else live
            store.commit(inviting(put(store, opening(opened(f"i{at}"))), live))

        assert ("t1", "t2", "t3") == store.due(NOW + 9 * MOMENT, limit=3)
        assert ("t1", "t2") == store.due(NOW + 2 * MOMENT, limit=9)
        assert ("t1", "t2", "t3", "t4") == store.due(NOW + 9 * MOMENT, limit=9)

    def test_f4_a_request_that_is_recorded_closed_is_never_due(self, store: TransferStore) -> None:
        """F4: it has its outcome."""
        store.commit(change(opened(), requests=(closed(request()),)))

        assert () == store.due(NOW + TIMEOUT, limit=9)
        assert closed(request()) == store.transfer("t")

    def test_t12_a_transcript_is_in_the_order_recorded(self, store: TransferStore) -> None:
        """T12: whatever the ids, the directions and the clock of whoever wrote."""
        interaction = opened()
        expected: list[Message] = []
        for at, number in enumerate((5, 3, 9, 1, 7, 2)):
            direction = Direction.INBOUND if number % 2 else Direction.OUTBOUND
            more = tuple(
                attrs.evolve(text(f"{id_}{number}", direction=direction), at=NOW - at * TIMEOUT) for id_ in "ba"
            )
            expected += more
            interaction = put(store, change(interaction, texts=more))

        assert tuple(expected) == store.transcript("i")

    def test_f6_only_outbound_texts_wait_to_be_sent(self, store: TransferStore) -> None:
        """F6, T12: in the transcript are both."""
        texts = (text("in", direction=Direction.INBOUND), text("out"))
        store.commit(change(opened(), texts=texts))
        store.commit(opening(opened("j"), texts=(text("in j", "j", Direction.INBOUND),)))

        assert texts == store.transcript("i")
        assert (texts[1], None) == (store.next_unsent("i"), store.next_unsent("j"))
        assert ("i",) == store.unsent(limit=sys.maxsize)

    def test_f6_texts_wait_in_the_order_they_were_recorded_in(self, store: TransferStore) -> None:
        """F6: the oldest until it is sent, in one commit and over several; saying so twice does no harm."""
        ids = ["b", "a", "d", "c"]
        after = put(store, change(opened(), texts=(text("b"), text("a"))))
        store.commit(change(after, texts=(text("d"), text("c"))))

        for id_ in ids:
            assert text(id_) == store.next_unsent("i")
            assert ("i",) == store.unsent(limit=9)
            store.mark_sent(id_)
            store.mark_sent(id_)

        assert store.next_unsent("i") is None
        assert () == store.unsent(limit=9)
        assert ids == [message.id for message in store.transcript("i")]

    def test_f6_a_text_after_all_were_sent_waits_again(self, store: TransferStore) -> None:
        """F6: the conversation takes its place in the row again."""
        after = put(store, change(opened(), texts=(text("one"),)))
        store.mark_sent("one")
        store.commit(change(after, texts=(text("two"),)))
        store.mark_sent("one")

        assert (text("two"), ("i",)) == (store.next_unsent("i"), store.unsent(limit=9))

    def test_f6_a_yes_to_an_unknown_text_changes_nothing(self, store: TransferStore) -> None:
        """F6: nor does one to a text that came from the contact."""
        store.commit(change(opened(), texts=(text("in", direction=Direction.INBOUND), text("out"))))

        store.mark_sent("none")
        store.mark_sent("in")

        assert (text("out"), ("i",)) == (store.next_unsent("i"), store.unsent(limit=9))

    def test_f6_nobody_is_passed_over_for_ever(self, make_store: MakeStore) -> None:
        """F6: a text that is never taken holds up no other conversation."""
        store = make_store()
        ids = {"a", "b", "c", "d"}
        for id_ in sorted(ids):
            store.commit(opening(opened(id_), texts=(text(f"m-{id_}", id_),)))
        assert ids == set(store.unsent(limit=9))

        named = [store.unsent(limit=1) for _ in range(60)]

        assert all(len(found) == 1 for found in named)
        assert ids == {id_ for found in named for id_ in found}
