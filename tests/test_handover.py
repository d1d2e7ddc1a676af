"""Handing over on placement: the queue is the owner at once (Q2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floor import LOSSES, OTHER, QUEUE, ROUTING_TIMEOUT, SECOND, SEVERAL, Floor
from sms_transfer import (
    ChannelStatus,
    Denial,
    Handover,
    InteractionState,
    InvitationClosed,
    NotPermitted,
    Outcome,
    OwnershipMoved,
    Refused,
    StaleEpoch,
    Target,
    TargetNotEligible,
    TransferPolicy,
    TransferRedirected,
    TransferRequested,
    TransferService,
    TransferState,
)
from support import ALICE, BOB, CAROL, TIMEOUT

PLACED = TransferPolicy(handover=Handover.ON_PLACEMENT)
RETURNING = TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True)
BOTH_POLICIES = pytest.mark.parametrize("policy", [PLACED, RETURNING], ids=["waits on", "returns"])


def waiting(policy: TransferPolicy = PLACED, target: Target = QUEUE, **options: object) -> Floor:
    """A floor on which ``"i"`` waits QUEUED for Bob and Carol, who are not Ready."""
    floor = Floor(target, policy=policy)
    floor.unready("bob", "carol")
    floor.ask(**options)  # type: ignore[arg-type]
    return floor


@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
@BOTH_POLICIES
def test_q2_the_target_owns_it_at_once(policy: TransferPolicy, target: Target) -> None:
    """Q2, F1, A2: QUEUED at the next epoch, the sender's window closes; it is not said to be accepted by anybody."""
    floor = waiting(policy, target)
    interaction = floor.service.interaction("i")

    assert (InteractionState.QUEUED, target, floor.opened.epoch + 1) == (
        interaction.state,
        interaction.owner,
        interaction.epoch,
    )
    assert ([], {}) == (list(floor.alice.workspace.windows), floor.bob.workspace.previews)
    assert [("alice", target, interaction.epoch)] == [
        (event.former_owner, event.owner, event.epoch)
        for event in floor.service.history("i")
        if isinstance(event, OwnershipMoved)
    ]
    assert (TransferState.ROUTING, None) == (floor.present().state, floor.present().outcome)


def test_q2_an_agent_is_asked_on_accept_whatever_the_handover() -> None:
    """Q2: only what stands for several can own a conversation."""
    floor = Floor(policy=PLACED)
    floor.ask(target=BOB)

    assert ("alice", InteractionState.TRANSFERRING) == (floor.owner, floor.state)


def test_q2_an_agent_takes_it_from_the_queue() -> None:
    """Q2, T5, T16: ownership moves at that instant, with the note and at the next epoch; the hop is counted then."""
    floor = Floor(policy=PLACED)
    request = floor.ask(note="please")
    queued = floor.service.interaction("i")
    assert (0, QUEUE) == (queued.hops, queued.owner)
    taken = floor.take()

    assert ("bob", InteractionState.ACTIVE, queued.epoch + 1, 1, "please") == (
        taken.owner,
        taken.state,
        taken.epoch,
        taken.hops,
        taken.note,
    )
    assert (TransferState.ACCEPTED, "bob") == (floor.outcome(request).state, floor.outcome(request).owner)
    assert ([], ["i"]) == (list(floor.alice.workspace.windows), list(floor.bob.workspace.windows))


COMMANDS: dict[str, Callable[[TransferService], object]] = {
    "reply": lambda service: service.reply("i", "one more thing", by="alice"),
    "mark_done": lambda service: service.mark_done("i", by="alice"),
    "request_transfer": lambda service: service.request_transfer("i", CAROL, by="alice"),
    "set_note": lambda service: service.set_note("i", "n", by="alice"),
    "update_case_data": lambda service: service.update_case_data("i", {"k": 1}, by="alice"),
    "save_attachment": lambda service: service.save_attachment("i", "a", by="alice"),
    "cancel": lambda service: service.cancel(_request_of(service), by="alice"),
}


def _request_of(service: TransferService) -> str:
    transfer = service.interaction("i").transfer
    assert transfer is not None
    return transfer.id


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("ready", [True, False])
@BOTH_POLICIES
def test_f1_the_former_owners_commands_are_refused(
    policy: TransferPolicy,
    ready: bool,
    command: Callable[[TransferService], object],
) -> None:
    """F1, F7: cancelling included, and marking done (T13): it is the queue's now, and nothing changes."""
    floor = waiting(policy)
    if ready:
        floor.service.set_ready("bob")
    before = floor.service.interaction("i"), floor.service.history("i")

    with pytest.raises(NotPermitted) as refused:
        command(floor.service)

    assert ("alice", Denial.NOT_OWNER, QUEUE) == (refused.value.agent_id, refused.value.reason, refused.value.owner)
    assert before == (floor.service.interaction("i"), floor.service.history("i"))


def test_f1_a_command_from_the_senders_stale_window_is_refused() -> None:
    """F1: by its epoch already."""
    floor = waiting()
    with pytest.raises(StaleEpoch) as refused:
        floor.service.reply("i", "hello", by="alice", epoch=floor.opened.epoch)
    assert QUEUE == refused.value.owner


def test_f1_no_other_agent_commands_what_a_queue_owns() -> None:
    """F1: not even a member, until they accept."""
    floor = waiting()
    for agent_id in ("bob", "carol"):
        with pytest.raises(NotPermitted):
            floor.service.reply("i", "hello", by=agent_id)


def test_t12_texts_that_come_while_it_is_queued_reach_the_next_owner() -> None:
    """T12: nobody has a window for it, and not one is lost."""
    floor = waiting()
    floor.service.receive_message("i", "anybody there?")
    floor.service.receive_message("i", "hello?")
    floor.service.set_ready("bob")
    floor.service.receive_message("i", "still waiting")
    floor.take()

    expected = ["anybody there?", "hello?", "still waiting"]
    assert expected == [message.text for message in floor.service.transcript("i")]
    assert expected == [message.text for message in floor.bob.workspace.windows["i"].transcript]
    assert {floor.opened.epoch + 1} == {message.epoch for message in floor.service.transcript("i")}


# return to sender


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=1)])
def test_q2_it_goes_back_to_the_sender_when_nobody_came_in_time(late: timedelta) -> None:
    """Q2, T6, F1: at the next epoch, with both surfaces, and at the deadline however late the sweep."""
    floor = waiting(RETURNING)
    request = floor.present()
    floor.pass_time(ROUTING_TIMEOUT + late)
    interaction = floor.service.interaction("i")

    assert ("alice", InteractionState.ACTIVE, floor.opened.epoch + 2, 0) == (
        interaction.owner,
        interaction.state,
        interaction.epoch,
        interaction.hops,
    )
    assert Outcome(
        TransferState.EXPIRED, by=None, at=request.deadline, reason="no_agent_in_time", owner="alice"
    ) == floor.outcome(request)
    assert ("transfer.returned.no_agent_in_time", ["transfer.returned.no_agent_in_time"]) == floor.told()
    (message,) = floor.alice.workspace.my_messages
    assert message.text == "Nobody at q took the conversation in time. It came back to you."
    floor.service.reply("i", "here I am again", by="alice", epoch=interaction.epoch)


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_q2_it_goes_back_at_once_when_nobody_is_left(lose: Callable[[Floor], object]) -> None:
    """Q2, Q1, A2: FAILED, and the words say that it came back."""
    floor = Floor(policy=RETURNING)
    request = floor.ask()
    lose(floor)
    assert (QUEUE, "carol") == (floor.owner, floor.invitee())
    lose(floor)

    assert ("alice", TransferState.FAILED) == (floor.owner, floor.outcome(request).state)
    assert ("transfer.returned.no_agent_left", ["transfer.returned.no_agent_left"]) == floor.told()
    (message,) = floor.alice.workspace.my_messages
    assert message.text == "Nobody is left at q who could take the conversation. It came back to you."


@pytest.mark.parametrize(
    ("handover", "target", "returns"),
    [(Handover.ON_PLACEMENT, QUEUE, True), (Handover.ON_PLACEMENT, BOB, False), (Handover.ON_ACCEPT, QUEUE, False)],
)
def test_q2_only_what_a_queue_owns_can_go_back(handover: Handover, target: Target, returns: bool) -> None:
    """Q2: a request says so of itself; what the sender owns all the time does not go back to them."""
    floor = Floor(policy=TransferPolicy(handover=handover, return_to_sender=True))

    assert returns is floor.ask(target=target).return_to_sender


def test_e3_the_senders_place_is_kept_while_it_can_come_back() -> None:
    """E3: so it always can: their capacity is never exceeded, whatever they would be given in the meantime."""
    floor = Floor(policy=RETURNING)
    floor.unready("bob", "carol")
    floor.change("alice", capacity=2)
    floor.begin("j")
    floor.ask()

    with pytest.raises(TargetNotEligible):
        floor.begin("k")
    floor.service.open_interaction(
        floor.opened.__class__("b", media=floor.opened.media, contact=floor.opened.contact, owner="bob")
    )
    with pytest.raises(TargetNotEligible):
        floor.ask("b", ALICE, by="bob")
    floor.pass_time(ROUTING_TIMEOUT)

    assert ["i", "j"] == sorted(one.id for one in floor.service.snapshot("alice").interactions)


def test_e3_the_place_is_free_once_somebody_took_it() -> None:
    """E3: and at once where nothing comes back."""
    floor = Floor(policy=RETURNING)
    floor.change("alice", capacity=1)
    floor.ask()
    with pytest.raises(TargetNotEligible):
        floor.begin("j")
    floor.take()
    floor.begin("j")

    floor = waiting(PLACED)
    floor.change("alice", capacity=1)
    floor.begin("j")
    assert ["j"] == [one.id for one in floor.service.snapshot("alice").interactions]


def test_q3_the_senders_freed_place_is_given_to_who_waits_for_them() -> None:
    """Q3, Q2: placing it with the queue is what makes the sender able."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.staff(OTHER, ["alice"])
    floor.change("alice", capacity=1)
    floor.begin("b", "bob")
    floor.ask("b", OTHER, by="bob")
    assert floor.invitee("b") is None
    floor.ask()

    assert floor.invitee("b") == "alice"


def test_q3_the_senders_kept_place_is_given_on_once_somebody_took_it() -> None:
    """Q3, E3: it is the accept that makes the sender able, and no tick."""
    floor = Floor(members=["bob"], policy=RETURNING)
    floor.staff(OTHER, ["alice"])
    floor.change("alice", capacity=1)
    floor.begin("c", "carol")
    floor.ask()
    floor.ask("c", OTHER, by="carol")
    assert (None, "bob") == (floor.invitee("c"), floor.invitee())
    floor.take()

    assert floor.invitee("c") == "alice"


def test_q2_it_goes_back_to_a_sender_who_has_logged_out_meanwhile() -> None:
    """Q2, T14, D7: it has an owner, who reads what happened when they come back."""
    floor = waiting(RETURNING)
    floor.service.log_out("alice")
    floor.pass_time(ROUTING_TIMEOUT)
    assert ("alice", InteractionState.ACTIVE) == (floor.owner, floor.state)

    floor.service.log_in("alice")
    assert ("transfer.returned.no_agent_in_time", ["transfer.returned.no_agent_in_time"]) == floor.told()


def test_q2_a_sender_who_has_logged_out_keeps_nobody_from_taking_it() -> None:
    """T14: with either policy."""
    floor = waiting(PLACED)
    floor.service.log_out("alice")
    floor.service.set_ready("carol")

    assert floor.take().owner == "carol"


# waits on


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_q2_it_waits_on_in_rounds_whose_deadlines_are_in_phase(waits: list[int]) -> None:
    """Q2, F4: whatever the moments of the sweeps, the live deadline is the next multiple of the routing time-out."""
    floor = waiting()
    first = floor.present()
    for wait in waits:
        floor.pass_time(timedelta(seconds=wait))
        live = floor.present()
        passed = floor.clock.now() - first.requested_at
        assert (passed // ROUTING_TIMEOUT + 1) * ROUTING_TIMEOUT == live.deadline - first.requested_at
        assert (QUEUE, InteractionState.QUEUED) == (floor.owner, floor.state)
        assert (first.requested_at, first.sender, first.target) == (live.requested_at, live.sender, live.target)
    assert ([], {}) == (list(floor.alice.workspace.my_messages), floor.alice.workspace.windows)
    floor.service.set_ready("bob")
    assert floor.take().owner == "bob"


def test_q2_each_round_is_a_request_with_one_outcome() -> None:
    """F3, A2: the first expired, in the queue's ownership; its id leads to the next."""
    floor = waiting()
    first = floor.present()
    floor.pass_time(ROUTING_TIMEOUT)
    second = floor.present()
    floor.pass_time(ROUTING_TIMEOUT)

    assert (f"{first.id}+2", f"{first.id}+3") == (second.id, floor.present().id)
    assert Outcome(
        TransferState.EXPIRED, by=None, at=first.deadline, reason="no_agent_in_time", owner=QUEUE
    ) == floor.outcome(first)
    assert [first.id, second.id, floor.present().id] == [
        event.transfer_id for event in floor.service.history("i") if isinstance(event, TransferRequested)
    ]
    assert floor.opened.epoch + 1 == floor.service.interaction("i").epoch


def test_q2_rounds_that_nobody_was_there_to_record_are_not_made_up_for() -> None:
    """Q2, F4: after an hour without a sweep one round is closed, at its own deadline, and the present one begins."""
    floor = waiting()
    first = floor.present()
    floor.clock.advance(timedelta(hours=1) + SECOND)
    assert [first.id] == [closed.id for closed in floor.service.expire_due()]

    assert (f"{first.id}+2", first.deadline) == (floor.present().id, floor.outcome(first).at)
    assert floor.present().deadline == first.requested_at + timedelta(hours=1) + ROUTING_TIMEOUT


@BOTH_POLICIES
def test_q1_the_sender_is_not_invited_to_what_they_have_placed(policy: TransferPolicy) -> None:
    """Q1, Q2: although a member, and not the owner any more."""
    floor = Floor(members=["alice", "bob"], policy=policy)
    floor.unready("bob")
    floor.ask()
    floor.service.tick()
    assert (None, QUEUE) == (floor.invitee(), floor.owner)

    floor.service.set_ready("bob")
    assert floor.invitee() == "bob"


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_q2_everybody_can_be_asked_again_in_the_next_round(lose: Callable[[Floor], object]) -> None:
    """Q2, Q1: nobody twice in one round; when nobody is left it waits for the next one, or for others to come."""
    floor = Floor(members=["bob"], policy=PLACED)
    first = floor.ask()
    lose(floor)
    assert (None, first.id) == (floor.invitee(), floor.present().id)
    floor.service.log_in("bob")
    floor.service.set_ready("bob")
    assert floor.invitee() is None

    floor.pass_time(first.deadline - floor.clock.now() - SECOND)
    assert floor.invitee() is None
    floor.pass_time(SECOND)
    assert floor.invitee() == "bob"
    assert floor.take().owner == "bob"


def test_q2_whoever_joins_the_queue_is_asked_in_the_same_round() -> None:
    """Q2, Q3: nobody was left, and then somebody was."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.ask()
    floor.decline()
    floor.service.update_queue(QUEUE, ["bob", "carol"])

    assert floor.invitee() == "carol"


def test_t11_a_ticket_of_an_earlier_round_is_answered_with_what_became_of_it() -> None:
    """T11, F3: and the queue owns it now."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.ask()
    ticket = floor.live_ticket()
    floor.clock.advance(ROUTING_TIMEOUT)

    with pytest.raises(InvitationClosed) as refused:
        floor.service.accept(ticket, by="bob")

    assert (TransferState.EXPIRED, QUEUE) == (refused.value.outcome.state, refused.value.outcome.owner)
    assert floor.invitee() == "bob"
    assert floor.take().owner == "bob"


def test_q3_who_waits_longest_over_all_rounds_is_first() -> None:
    """Q3: a new round is no younger than the first."""
    floor = waiting()
    floor.pass_time(ROUTING_TIMEOUT + SECOND)
    floor.begin("j")
    floor.ask("j")
    floor.change("bob", capacity=1)
    floor.service.set_ready("bob")

    assert ("bob", None) == (floor.invitee(), floor.invitee("j"))


def test_q2_an_invitation_ends_with_its_round_and_the_next_begins() -> None:
    """F4: whoever was invited ten seconds before the end can be asked anew."""
    floor = waiting()
    request = floor.present()
    floor.pass_time(ROUTING_TIMEOUT - 10 * SECOND)
    floor.service.set_ready("bob")
    ticket = floor.live_ticket()
    assert request.deadline == floor.present().due_at
    floor.pass_time(10 * SECOND)

    assert (f"{request.id}+2", "bob") == (floor.present().id, floor.invitee())
    assert ticket != floor.live_ticket()


def test_f5_the_key_of_what_waits_on_finds_its_first_round() -> None:
    """F5, F3: the request that the key made, with the outcome it got."""
    floor = Floor(policy=PLACED)
    floor.unready("bob", "carol")
    made = floor.ask(key="k")
    floor.pass_time(ROUTING_TIMEOUT)
    again = floor.ask(key="k")

    assert (made.id, TransferState.EXPIRED) == (again.id, again.state)
    assert InteractionState.QUEUED is floor.state


def test_a4_hops_count_what_was_accepted_only() -> None:
    """A4: neither the placing nor a round nor a way back; the limit is asked when it is placed."""
    floor = Floor(policy=TransferPolicy(handover=Handover.ON_PLACEMENT, return_to_sender=True, max_hops=1))
    floor.unready("bob", "carol")
    for _ in range(3):
        floor.ask()
        floor.pass_time(ROUTING_TIMEOUT)
    assert floor.service.interaction("i").hops == 0

    floor.service.set_ready("bob")
    floor.ask()
    assert floor.take().hops == 1
    with pytest.raises(TargetNotEligible):
        floor.ask(by="bob")


# fallback


def test_q5_a_queue_hands_what_it_owns_to_the_fallback_queue() -> None:
    """Q5, Q2, F1: the other queue owns it then, at the next epoch."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.staff(OTHER, ["carol"])
    floor.ask(fallback=OTHER)
    epoch = floor.service.interaction("i").epoch
    floor.decline()

    assert (OTHER, InteractionState.QUEUED, epoch + 1) == (
        floor.owner,
        floor.state,
        floor.service.interaction("i").epoch,
    )
    assert floor.invitee() == "carol"
    assert floor.take().owner == "carol"


def test_q5_what_the_fallback_queue_owns_waits_on_there(caplog: pytest.LogCaptureFixture) -> None:
    """Q5, Q2: the next rounds are the fallback's; it is used once."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.staff(OTHER, ["carol"])
    floor.unready("bob", "carol")
    floor.ask(fallback=OTHER)
    floor.pass_time(ROUTING_TIMEOUT)
    assert OTHER == floor.owner
    floor.pass_time(ROUTING_TIMEOUT)

    assert (OTHER, OTHER, True) == (floor.owner, floor.present().present_target, floor.present().on_fallback)
    floor.service.set_ready("bob")
    assert floor.invitee() is None
    floor.service.set_ready("carol")
    assert floor.take().owner == "carol"
    assert [] == caplog.records


@BOTH_POLICIES
def test_q5_a_queue_goes_on_owning_what_the_fallback_agent_is_asked_for(policy: TransferPolicy) -> None:
    """Q5, Q2, F1: an agent owns it when they accept, and no sooner."""
    floor = Floor(members=["bob"], policy=policy)
    request = floor.ask(fallback=CAROL)
    assert (CAROL, "Carol") == (request.fallback, request.fallback_name)
    epoch = floor.service.interaction("i").epoch
    floor.decline()

    assert (QUEUE, epoch, "carol") == (floor.owner, floor.service.interaction("i").epoch, floor.invitee())
    assert floor.take().owner == "carol"


def test_q5_it_comes_back_when_the_fallback_agent_does_not_take_it_either() -> None:
    """Q5, Q2, A2: the outcome is the fallback's."""
    floor = Floor(members=["bob"], policy=RETURNING)
    request = floor.ask(fallback=CAROL)
    floor.decline()
    floor.decline()

    assert ("alice", TransferState.REJECTED) == (floor.owner, floor.outcome(request).state)
    assert ("transfer.rejected", ["transfer.rejected"]) == floor.told()


def test_q5_it_waits_on_in_the_queue_when_the_fallback_agent_does_not_take_it_either() -> None:
    """Q5, Q2: nobody is asked again before the next round, and then it is the queue's turn."""
    floor = Floor(members=["bob"], policy=PLACED)
    request = floor.ask(fallback=CAROL)
    floor.decline()
    floor.decline()

    assert (TransferState.ROUTING, QUEUE) == (floor.present().state, floor.present().present_target)
    assert (QUEUE, request.id) == (floor.owner, floor.present().id)
    assert (None, "") == (floor.present().fallback, floor.present().fallback_name)
    floor.pass_time(ROUTING_TIMEOUT)
    assert (TransferState.EXPIRED, QUEUE) == (floor.outcome(request).state, floor.outcome(request).owner)
    assert f"{request.id}+2" == floor.present().id
    assert floor.take().owner == "bob"


def test_a1_the_history_tells_that_it_went_back_to_the_queue() -> None:
    """A1, Q5: it went to Carol and back, and then Bob was invited, whom the queue had not found before."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.unready("bob")
    floor.ask(fallback=CAROL)
    floor.pass_time(ROUTING_TIMEOUT)
    floor.decline()
    floor.service.set_ready("bob")

    assert floor.invitee() == "bob"
    redirected = [event for event in floor.service.history("i") if isinstance(event, TransferRedirected)]
    assert [(CAROL, None), (QUEUE, "carol")] == [(event.target, event.by) for event in redirected]


def test_q5_a_fallback_that_nobody_can_take_leaves_it_waiting() -> None:
    """Q5, Q2, F1: it never is without an owner, and the queue is asked again in the next round."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.ask(fallback=Target.agent("nobody"))
    floor.decline()
    assert (QUEUE, TransferState.ROUTING) == (floor.owner, floor.present().state)

    floor.pass_time(ROUTING_TIMEOUT)
    assert floor.invitee() == "bob"


@pytest.mark.parametrize(
    "fallback", [OTHER, Target.queue("nowhere"), Target.agent("nobody")], ids=["empty", "none", "nobody"]
)
def test_q2_a_fallback_that_nobody_can_take_it_at_keeps_it_from_nobody(fallback: Target) -> None:
    """Q2, Q5: neither an empty queue, nor one that there is not, nor an agent: whoever serves its own is asked."""
    floor = Floor(policy=PLACED)
    floor.staff(OTHER, [])
    floor.unready("bob", "carol")
    floor.ask(fallback=fallback)
    floor.pass_time(ROUTING_TIMEOUT)
    assert (QUEUE, QUEUE, False) == (floor.owner, floor.present().present_target, floor.present().on_fallback)

    floor.service.set_ready("bob")
    assert floor.take().owner == "bob"


def test_q2_a_fallback_queue_that_loses_its_last_agent_gives_it_back() -> None:
    """Q2, F1: it owned it, under an epoch of its own; what has happened is in the history (A1)."""
    floor = Floor(policy=PLACED)
    floor.hire("dave", status=ChannelStatus.NOT_READY)
    floor.staff(OTHER, ["dave"])
    floor.unready("bob", "carol")
    floor.ask(fallback=OTHER)
    floor.pass_time(ROUTING_TIMEOUT)
    assert OTHER == floor.owner
    epoch = floor.service.interaction("i").epoch

    floor.service.update_queue(OTHER, [])
    assert (QUEUE, epoch + 1) == (floor.owner, floor.service.interaction("i").epoch)
    assert [OTHER, QUEUE] == [
        event.target for event in floor.service.history("i") if isinstance(event, TransferRedirected)
    ]


def test_q2_what_neither_can_take_stays_where_it_is() -> None:
    """Q2: with nobody at either, going back would help nobody."""
    floor = Floor(members=["bob"], policy=PLACED)
    floor.staff(OTHER, [])
    floor.unready("bob")
    floor.service.update_queue(OTHER, ["carol"])
    floor.unready("carol")
    floor.ask(fallback=OTHER)
    floor.pass_time(ROUTING_TIMEOUT)
    floor.service.update_queue(QUEUE, [])
    floor.service.update_queue(OTHER, [])

    assert (OTHER, TransferState.ROUTING) == (floor.owner, floor.present().state)


# all of it together


ACTS: dict[str, Callable[[Floor], object]] = {
    **LOSSES,
    "accepts": Floor.take,
}


@given(
    st.lists(st.sampled_from([*ACTS, "bob ready", "carol ready", "wait", "long wait"]), max_size=12),
    st.sampled_from([TransferPolicy(), PLACED, RETURNING]),
    st.sampled_from([None, OTHER, CAROL, ALICE]),
)
@settings(max_examples=150, deadline=None)
def test_f1_whatever_happens_there_is_one_owner_and_the_epoch_says_so(
    steps: list[str], policy: TransferPolicy, fallback: Target | None
) -> None:
    """F1, F3, F4, E3: one owner, an epoch for each change, each request one outcome, and no capacity exceeded."""
    floor = Floor(policy=policy)
    floor.staff(OTHER, ["carol"])
    for agent_id in ("alice", "bob", "carol"):
        floor.change(agent_id, capacity=1)
    floor.ask(fallback=fallback)
    for step in steps:
        if step in ACTS and floor.invitee() is not None:
            ACTS[step](floor)
        elif step.endswith("ready"):
            floor.service.log_in(step.split()[0])
            floor.service.set_ready(step.split()[0])
        else:
            floor.pass_time(ROUTING_TIMEOUT if step == "long wait" else TIMEOUT / 2)
        check(floor)


def check(floor: Floor) -> None:
    """What holds always."""
    interaction = floor.service.interaction("i")
    moves = [event for event in floor.service.history("i") if isinstance(event, OwnershipMoved)]
    owners = ["alice", *[event.owner for event in moves]]
    assert owners[:-1] == [event.former_owner for event in moves]
    assert list(range(1, len(moves) + 1)) == [event.epoch - floor.opened.epoch for event in moves]
    assert (owners[-1], len(moves)) == (interaction.owner, interaction.epoch - floor.opened.epoch)
    live = interaction.transfer
    assert live is None or floor.clock.now() < live.due_at
    for agent_id in ("alice", "bob", "carol"):
        snapshot = floor.service.snapshot(agent_id)
        owns = [one.id for one in snapshot.interactions]
        assert owns == (["i"] if interaction.owner == agent_id else [])
        assert owns == list(floor.desks[agent_id].workspace.windows)
        assert len(owns) + len(snapshot.invitations) <= 1


def test_f7_what_is_refused_when_placing_changes_nothing() -> None:
    """F7: an unknown queue does not own anything."""
    floor = Floor(policy=PLACED)
    before = floor.service.interaction("i")
    with pytest.raises(Refused):
        floor.ask(target=OTHER)
    assert before == floor.service.interaction("i")
