"""Whole stories, told by their histories: every event with its moment, its cause and all that it says (A1)."""

from __future__ import annotations

from datetime import datetime
from textwrap import dedent

import attrs

from floor import OTHER, QUEUE, ROUTING_TIMEOUT, SECOND, Floor
from sms_transfer import ChannelStatus, Event, Handover, Outcome, Target, TransferPolicy
from support import BOB, CAROL, TIMEOUT

PLACED = TransferPolicy(handover=Handover.ON_PLACEMENT)
RETURNING = TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True)


def told(floor: Floor) -> str:
    """The history of ``"i"``, an event a line: the second, who caused it, its kind, and what it says.

    Requests are called ``t1``, ``t2``, …, invitations ``n1``, ``n2``, … in the order in which they come up.
    """
    events = floor.service.history("i")
    begun = events[0].at
    names: dict[object, str] = {}

    def said(name: str, value: object) -> str:
        if name in {"transfer_id", "invitation_id"}:
            letter = "t" if name == "transfer_id" else "n"
            turn = sum(known[0] == letter for known in names.values()) + 1
            return names.setdefault(value, f"{letter}{turn}")
        if isinstance(value, Outcome):
            owner = said("owner", value.owner)
            return f"{value.state}({value.reason}) by {value.by} at {said('at', value.at)}, {owner}'s"
        if isinstance(value, datetime):
            return f"{(value - begun) / SECOND:g}"
        return f"{value.kind}:{value.id}" if isinstance(value, Target) else str(value)

    def line(event: Event) -> str:
        fields = [field.name for field in attrs.fields(type(event)) if field.name not in {"interaction_id", "at", "by"}]
        rest = [f"{name.removesuffix('_id')}={said(name, getattr(event, name))}" for name in fields]
        return " ".join([said("at", event.at), event.by or "-", type(event).__name__, *rest])

    assert {"i"} == {event.interaction_id for event in events}
    return "\n".join(map(line, events))


def story(text: str) -> str:
    """The lines of a history as they stand in a test."""
    return dedent(text).strip()


def later(floor: Floor) -> None:
    """A second passes, so that one moment is not taken for another."""
    floor.clock.advance(SECOND)


def test_t6_the_agent_rejects() -> None:
    """T6: the reject is told of the invitation and of the request, and nobody else owns it."""
    floor = Floor()
    later(floor)
    floor.ask(target=BOB)
    later(floor)
    floor.decline(reason="lunch")

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        1 alice TransferRequested transfer=t1 target=agent:bob hop=1
        1 alice InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=31
        2 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        2 bob TransferRejected transfer=t1 outcome=rejected(lunch) by bob at 2, alice's
        """
    ) == told(floor)


def test_q5_an_agent_does_not_answer_and_the_fallback_agent_rejects() -> None:
    """T7, Q5, F4: it expired at its deadline, whenever that was recorded; who is asked next has the full time."""
    floor = Floor()
    floor.ask(target=BOB, fallback=CAROL)
    floor.clock.advance(TIMEOUT + SECOND)
    floor.service.tick()
    later(floor)
    floor.decline()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=agent:bob hop=1
        0 alice InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        30 - InvitationExpired transfer=t1 invitation=n1 invitee=bob
        30 - TransferRedirected transfer=t1 target=agent:carol
        31 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=61
        32 carol InvitationRejected transfer=t1 invitation=n2 invitee=carol
        32 carol TransferRejected transfer=t1 outcome=rejected() by carol at 32, alice's
        """
    ) == told(floor)


def test_t9_the_agent_logs_out_and_the_fallback_agent_accepts() -> None:
    """T9, Q5, T5: who went away caused the way to the fallback."""
    floor = Floor()
    floor.ask(target=BOB, fallback=CAROL)
    later(floor)
    floor.service.log_out("bob")
    later(floor)
    floor.take()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=agent:bob hop=1
        0 alice InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationWithdrawn transfer=t1 invitation=n1 invitee=bob
        1 bob TransferRedirected transfer=t1 target=agent:carol
        1 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=31
        2 carol TransferAccepted transfer=t1 outcome=accepted() by carol at 2, carol's invitation=n2
        2 carol OwnershipMoved transfer=t1 former_owner=alice owner=carol epoch=1
        """
    ) == told(floor)


def test_q5_everybody_at_the_queue_is_asked_before_the_fallback() -> None:
    """Q1, Q5: one who declines does not send it there, nor does one who goes away while another is left."""
    floor = Floor()
    floor.hire("dave")
    floor.ask(fallback=Target.agent("dave"))
    later(floor)
    floor.decline()
    later(floor)
    floor.service.log_out("carol")
    later(floor)
    floor.take()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=31
        2 carol InvitationWithdrawn transfer=t1 invitation=n2 invitee=carol
        2 - TransferRedirected transfer=t1 target=agent:dave
        2 - InvitationSent transfer=t1 invitation=n3 invitee=dave deadline=32
        3 dave TransferAccepted transfer=t1 outcome=accepted() by dave at 3, dave's invitation=n3
        3 dave OwnershipMoved transfer=t1 former_owner=alice owner=dave epoch=1
        """
    ) == told(floor)


def test_t8_the_sender_cancels() -> None:
    """T8: the offer is taken back before the request closes."""
    floor = Floor()
    request = floor.ask()
    later(floor)
    floor.service.cancel(request.id, by="alice")

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 alice InvitationWithdrawn transfer=t1 invitation=n1 invitee=bob
        1 alice TransferCancelled transfer=t1 outcome=cancelled(cancelled_by_sender) by alice at 1, alice's
        """
    ) == told(floor)


def test_t13_the_conversation_is_done_while_nobody_is_found() -> None:
    """T13: there is no offer to take back."""
    floor = Floor()
    floor.unready("bob", "carol")
    floor.ask()
    later(floor)
    floor.service.mark_done("i", by="alice")

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        1 alice TransferCancelled transfer=t1 outcome=cancelled(interaction_done) by alice at 1, alice's
        1 alice InteractionDone
        """
    ) == told(floor)


def test_t13_the_conversation_is_done_while_an_agent_is_asked() -> None:
    """T13: all in one change."""
    floor = Floor()
    floor.ask(target=BOB)
    later(floor)
    floor.service.mark_done("i", by="alice")

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=agent:bob hop=1
        0 alice InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 alice InvitationWithdrawn transfer=t1 invitation=n1 invitee=bob
        1 alice TransferCancelled transfer=t1 outcome=cancelled(interaction_done) by alice at 1, alice's
        1 alice InteractionDone
        """
    ) == told(floor)


def test_q1_nobody_is_found_in_time() -> None:
    """Q1, A2: it was time that ended it, at the deadline."""
    floor = Floor()
    floor.unready("bob", "carol")
    floor.ask()
    floor.pass_time(ROUTING_TIMEOUT + SECOND)

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        300 - TransferExpired transfer=t1 outcome=expired(no_agent_in_time) by None at 300, alice's
        """
    ) == told(floor)


def test_q1_nobody_is_left() -> None:
    """Q1, A2: nobody is said to have caused that."""
    floor = Floor()
    floor.ask()
    later(floor)
    floor.decline()
    later(floor)
    floor.decline()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=31
        2 carol InvitationRejected transfer=t1 invitation=n2 invitee=carol
        2 - TransferFailed transfer=t1 outcome=failed(no_agent_left) by None at 2, alice's
        """
    ) == told(floor)


def test_q2_nobody_is_left_and_it_goes_back_to_the_sender() -> None:
    """Q2, F1: under an epoch of its own."""
    floor = Floor(members=["bob"], policy=RETURNING)
    floor.ask()
    later(floor)
    floor.decline()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - TransferFailed transfer=t1 outcome=failed(no_agent_left) by None at 1, alice's
        1 - OwnershipMoved transfer=t1 former_owner=queue:q owner=alice epoch=2
        """
    ) == told(floor)


def test_q5_the_fallback_agent_rejects_and_it_goes_back_to_the_sender() -> None:
    """Q5, Q2: who rejected caused that."""
    floor = Floor(members=["bob"], policy=RETURNING)
    floor.ask(fallback=CAROL)
    later(floor)
    floor.decline()
    later(floor)
    floor.decline()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - TransferRedirected transfer=t1 target=agent:carol
        1 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=31
        2 carol InvitationRejected transfer=t1 invitation=n2 invitee=carol
        2 carol TransferRejected transfer=t1 outcome=rejected() by carol at 2, alice's
        2 carol OwnershipMoved transfer=t1 former_owner=queue:q owner=alice epoch=2
        """
    ) == told(floor)


def test_q2_an_agent_takes_it_from_the_queue() -> None:
    """Q2, A2: placed is not accepted; two moves, two epochs."""
    floor = Floor(policy=PLACED)
    floor.unready("bob", "carol")
    floor.ask()
    later(floor)
    floor.service.set_ready("carol")
    later(floor)
    floor.take()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        1 - InvitationSent transfer=t1 invitation=n1 invitee=carol deadline=31
        2 carol TransferAccepted transfer=t1 outcome=accepted() by carol at 2, carol's invitation=n1
        2 carol OwnershipMoved transfer=t1 former_owner=queue:q owner=carol epoch=2
        """
    ) == told(floor)


def test_q2_nobody_is_left_and_it_waits_on() -> None:
    """Q2: nothing happens to it, so nothing is told."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.ask()
    later(floor)
    floor.decline()
    floor.service.tick()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        """
    ) == told(floor)


def test_q2_a_round_ends_and_the_next_begins() -> None:
    """Q2, A4: at the deadline, in the queue's ownership; it is still the first hop."""
    floor = Floor(policy=PLACED)
    floor.unready("bob", "carol")
    floor.ask()
    floor.pass_time(ROUTING_TIMEOUT + SECOND)

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        300 - TransferExpired transfer=t1 outcome=expired(no_agent_in_time) by None at 300, queue:q's
        300 - TransferRequested transfer=t2 target=queue:q hop=1
        """
    ) == told(floor)


def test_q5_the_fallback_queue_loses_its_last_agent() -> None:
    """Q5, Q2, F1: it goes back to the queue that was asked for, under an epoch of its own."""
    floor = Floor(policy=PLACED)
    floor.hire("dave", status=ChannelStatus.NOT_READY)
    floor.staff(OTHER, ["dave"])
    floor.unready("bob", "carol")
    floor.ask(fallback=OTHER)
    floor.pass_time(ROUTING_TIMEOUT)
    later(floor)
    floor.service.update_queue(OTHER, [])

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        300 - TransferRedirected transfer=t1 target=queue:other
        300 - OwnershipMoved transfer=t1 former_owner=queue:q owner=queue:other epoch=2
        301 - TransferRedirected transfer=t1 target=queue:q
        301 - OwnershipMoved transfer=t1 former_owner=queue:other owner=queue:q epoch=3
        """
    ) == told(floor)


def test_q5_the_fallback_agent_rejects_and_it_waits_on() -> None:
    """Q5, Q2: it goes back to the queue, which never ceased to own it."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.ask(fallback=CAROL)
    later(floor)
    floor.decline()
    later(floor)
    floor.decline()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - TransferRedirected transfer=t1 target=agent:carol
        1 - InvitationSent transfer=t1 invitation=n2 invitee=carol deadline=31
        2 carol InvitationRejected transfer=t1 invitation=n2 invitee=carol
        2 carol TransferRedirected transfer=t1 target=queue:q
        """
    ) == told(floor)


def test_q5_the_fallback_agent_is_not_ready_until_the_round_ends() -> None:
    """Q5, Q2: the fallback was used once; the next round is the queue's."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.unready("carol")
    floor.ask(fallback=CAROL)
    later(floor)
    floor.decline()
    floor.pass_time(ROUTING_TIMEOUT)

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=queue:q hop=1
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=bob deadline=30
        1 bob InvitationRejected transfer=t1 invitation=n1 invitee=bob
        1 - TransferRedirected transfer=t1 target=agent:carol
        301 - TransferExpired transfer=t1 outcome=expired(no_agent_in_time) by None at 301, queue:q's
        301 - TransferRequested transfer=t2 target=queue:q hop=1
        301 - InvitationSent transfer=t2 invitation=n2 invitee=bob deadline=331
        """
    ) == told(floor)


def test_q5_the_fallback_queue_is_asked_at_once() -> None:
    """Q5, Q2: where nobody is left at the queue there is no agent for it to go back to."""
    floor = Floor(members=["carol"], policy=PLACED)
    floor.service.log_out("bob")
    floor.ask(target=BOB, fallback=QUEUE)
    later(floor)
    floor.decline()
    floor.service.update_queue(QUEUE, [])
    floor.service.tick()

    assert story(
        """
        0 - InteractionOpened owner=alice media=sms epoch=0
        0 alice TransferRequested transfer=t1 target=agent:bob hop=1
        0 alice TransferRedirected transfer=t1 target=queue:q
        0 alice OwnershipMoved transfer=t1 former_owner=alice owner=queue:q epoch=1
        0 - InvitationSent transfer=t1 invitation=n1 invitee=carol deadline=30
        1 carol InvitationRejected transfer=t1 invitation=n1 invitee=carol
        """
    ) == told(floor)


def test_a1_what_the_owner_and_the_contact_do() -> None:
    """A1, T12, T15: every one of it, with its moment and its cause, and with no word that anybody wrote (A6)."""
    floor = Floor()
    later(floor)
    received = floor.service.receive_message("i", "hello?")
    later(floor)
    sent = floor.service.reply("i", "hello", by="alice")
    later(floor)
    floor.service.set_note("i", "vip", by="alice")
    later(floor)
    floor.service.update_case_data("i", {"tier": None}, by="alice")
    later(floor)
    floor.service.mark_done("i", by="alice")

    assert story(
        f"""
        0 - InteractionOpened owner=alice media=sms epoch=0
        1 - MessageReceived message={received.id} epoch=0
        2 alice MessageSent message={sent.id} epoch=0
        3 alice NoteSet
        4 alice CaseDataUpdated keys=frozenset({{'tier'}})
        5 alice InteractionDone
        """
    ) == told(floor)
