"""Eligibility, E1 to E4: who can receive, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    Attachment,
    ChannelStatus,
    Contact,
    Denial,
    Interaction,
    InteractionState,
    Media,
    NotPermitted,
    Privilege,
    Reason,
    SmsTransferError,
    Target,
    TargetNotEligible,
    TransferAccepted,
    TransferPolicy,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision, require
from sms_transfer.core.policy import can_transfer, could_ever, eligibility, has_left, may_be_able, still_eligible
from sms_transfer.ports import Facts
from sms_transfer.testing import ManualClock, strategies
from support import ALICE, BOB, CAROL, CONTACT, TIMEOUT, Centre

NOBODY = Target.agent("nobody")
OTHER_KINDS = [Target.queue("q"), Target.routing_point("r"), Target.agent_group("g"), Target.skill("s")]


def change(centre: Centre, agent_id: str, **changes: object) -> Agent:
    """Change the record of an agent, whose status stays."""
    return centre.service.update_agent(attrs.evolve(centre.service.agent(agent_id), **changes))  # type: ignore[arg-type]


def without(centre: Centre, agent_id: str, privilege: Privilege) -> Agent:
    """Take one privilege from an agent."""
    return change(centre, agent_id, privileges=frozenset(Privilege) - {privilege})


def another(centre: Centre, id_: str = "j", owner: str = "alice") -> Interaction:
    """Open one more interaction."""
    return centre.service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner=owner))


# E1


def unready(centre: Centre) -> Target:
    centre.service.set_not_ready("bob", "lunch")
    return BOB


def logged_out(centre: Centre) -> Target:
    centre.service.log_out("bob")
    return BOB


def undisturbed(centre: Centre) -> Target:
    centre.service.set_do_not_disturb("bob", on=True)
    return BOB


def unprivileged(centre: Centre) -> Target:
    without(centre, "bob", Privilege.USE_SMS)
    return BOB


def other_media(centre: Centre) -> Target:
    change(centre, "bob", media={Media.MMS})
    return BOB


def full(centre: Centre) -> Target:
    change(centre, "bob", capacity=0)
    return BOB


ONE_REASON: list[tuple[Reason, Callable[[Centre], Target]]] = [
    (Reason.UNKNOWN, lambda _: NOBODY),
    (Reason.IS_SENDER, lambda _: ALICE),
    (Reason.LOGGED_OUT, logged_out),
    (Reason.NOT_READY, unready),
    (Reason.DO_NOT_DISTURB, undisturbed),
    (Reason.NO_SMS_PRIVILEGE, unprivileged),
    (Reason.MEDIA_NOT_HANDLED, other_media),
    (Reason.AT_CAPACITY, full),
    *((Reason.UNKNOWN, lambda _, target=target: target) for target in OTHER_KINDS),
]


@pytest.mark.parametrize(("reason", "arrange"), ONE_REASON)
def test_e1_a_target_that_cannot_receive_has_its_reason(reason: Reason, arrange: Callable[[Centre], Target]) -> None:
    """E1, T3: the question and the request give the same one reason."""
    centre = Centre()
    target = arrange(centre)

    assert {reason} == centre.service.eligibility("i", target)
    with pytest.raises(TargetNotEligible) as refused:
        centre.invite(target)
    assert {reason} == refused.value.reasons


@pytest.mark.parametrize("target", [BOB, Target.queue("q")])
def test_e1_too_many_hops_is_a_reason_whatever_the_target(target: Target) -> None:
    """E1, A4: a target of another kind has both reasons."""
    centre = Centre(policy=TransferPolicy(max_hops=0))

    assert Reason.TOO_MANY_HOPS in centre.service.eligibility("i", target)


def test_e1_who_declined_the_request_already_is_told_so() -> None:
    """E1: nobody is asked twice for one request."""
    bob = Agent("bob", "Bob", status=ChannelStatus.READY)
    interaction = Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice")

    found = eligibility(interaction, BOB, bob, load=0, policy=TransferPolicy(), declined={"bob"})

    assert {Reason.ALREADY_DECLINED} == found


def test_e1_all_the_reasons_of_one_agent_are_told_together() -> None:
    """E1, T3: every reason that applies, not the first."""
    centre = Centre(policy=TransferPolicy(max_hops=0))
    change(centre, "alice", privileges={Privilege.TRANSFER}, media={Media.MMS}, capacity=1)
    centre.service.set_do_not_disturb("alice", on=True)
    centre.service.set_not_ready("alice")

    assert {
        Reason.TOO_MANY_HOPS,
        Reason.IS_SENDER,
        Reason.AT_CAPACITY,
        Reason.NOT_READY,
        Reason.DO_NOT_DISTURB,
        Reason.NO_SMS_PRIVILEGE,
        Reason.MEDIA_NOT_HANDLED,
    } == centre.service.eligibility("i", ALICE)


def test_e1_an_eligible_agent_has_no_reason() -> None:
    """E1: an empty set means that the target can receive, and the request goes through."""
    centre = Centre()

    assert frozenset() == centre.service.eligibility("i", BOB)
    assert TransferState.INVITED is centre.invite().state


@given(
    agent=strategies.agents(st.just("bob")),
    interaction=strategies.interactions(),
    load=st.integers(0, 21),
    ready=st.booleans(),
    max_hops=st.integers(0, 20),
    declined=st.frozensets(st.sampled_from(["bob", "carol"])),
)
def test_e1_every_reason_is_there_exactly_when_it_applies(
    *, agent: Agent, interaction: Interaction, load: int, ready: bool, max_hops: int, declined: frozenset[str]
) -> None:
    """E1, E2: the one function, for any agent and interaction."""
    applies = {
        Reason.TOO_MANY_HOPS: interaction.hops >= max_hops,
        Reason.IS_SENDER: interaction.owner == agent.id,
        Reason.ALREADY_DECLINED: agent.id in declined,
        Reason.AT_CAPACITY: load >= agent.capacity,
        Reason.NOT_READY: ready and agent.status is ChannelStatus.NOT_READY,
        Reason.LOGGED_OUT: agent.status is ChannelStatus.LOGGED_OUT,
        Reason.DO_NOT_DISTURB: agent.do_not_disturb,
        Reason.NO_SMS_PRIVILEGE: Privilege.USE_SMS not in agent.privileges,
        Reason.MEDIA_NOT_HANDLED: interaction.media not in agent.media,
    }
    policy = TransferPolicy(require_ready=ready, max_hops=max_hops)

    found = eligibility(interaction, BOB, agent, load=load, policy=policy, declined=declined)

    assert {reason for reason, so in applies.items() if so} == found


@given(
    bob=strategies.agents(st.just("bob")),
    load=st.integers(0, 3),
    media=st.sampled_from(Media),
    hops=st.integers(0, 3),
    ready=st.booleans(),
    target=st.sampled_from([BOB, BOB, BOB, ALICE, NOBODY, *OTHER_KINDS]),
)
def test_e1_the_question_agrees_with_the_request(
    *, bob: Agent, load: int, media: Media, hops: int, ready: bool, target: Target
) -> None:
    """E1: what `eligibility` answers is what `request_transfer` does, for any agent under any load."""
    service = TransferService(policy=TransferPolicy(max_hops=2, require_ready=ready), clock=ManualClock())
    service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY))
    service.add_agent(bob)
    for number in range(min(load, bob.capacity)):
        service.open_interaction(Interaction(f"b-{number}", media=media, contact=CONTACT, owner="bob"))
    service.open_interaction(Interaction("i", media=media, contact=CONTACT, owner="alice", hops=hops))

    said = service.eligibility("i", target)
    refused: frozenset[Reason] = frozenset()
    try:
        service.request_transfer("i", target, by="alice")
    except TargetNotEligible as error:
        refused = error.reasons

    assert said == refused


def test_e1_the_question_agrees_with_the_request_when_a_deadline_has_come() -> None:
    """E1, T10: the place of an invitation that is over is free, whether or not anybody has swept it."""
    centre = Centre()
    change(centre, "bob", capacity=1)
    centre.invite()
    centre.clock.advance(TIMEOUT)

    said = centre.service.eligibility("i", BOB)
    centre.invite()  # goes through

    assert frozenset() == said


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"privileges": frozenset(Privilege) - {Privilege.USE_SMS}}, Reason.NO_SMS_PRIVILEGE),
        ({"media": {Media.MMS}}, Reason.MEDIA_NOT_HANDLED),
    ],
)
def test_e1_accept_asks_again_for_what_is_standing(changes: dict[str, object], reason: Reason) -> None:
    """E1: an invitee who has lost what it takes cannot accept; the invitation stays out."""
    centre = Centre()
    request = centre.invite()
    change(centre, "bob", **changes)

    with pytest.raises(TargetNotEligible) as refused:
        centre.service.accept(centre.ticket(request), by="bob")

    assert {reason} == refused.value.reasons
    assert request == centre.service.transfer(request.id)
    assert centre.owner == "alice"


def test_e1_accept_asks_again_whether_the_invitee_is_logged_in() -> None:
    """E1: a directory of the host's may have logged the invitee out without a word to the service."""
    store = MemoryStore()
    service = TransferService(store, clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    invitation = service.request_transfer("i", BOB, by="alice").invitation
    assert invitation is not None
    bob = service.agent("bob")
    store.replace_agent(bob, attrs.evolve(bob, status=ChannelStatus.LOGGED_OUT))

    with pytest.raises(TargetNotEligible) as refused:
        service.accept(invitation.id, by="bob")

    assert {Reason.LOGGED_OUT} == refused.value.reasons


@pytest.mark.parametrize("arrange", [unready, undisturbed])
def test_e1_accept_does_not_ask_again_for_what_the_invitation_settled(arrange: Callable[[Centre], Target]) -> None:
    """E1, T9: not Ready and do-not-disturb come too late for an offer that is out."""
    centre = Centre()
    request = centre.invite()
    arrange(centre)

    assert centre.service.accept(centre.ticket(request), by="bob").owner == "bob"


def test_e3_an_accept_beyond_a_capacity_that_was_lowered_is_refused() -> None:
    """E1, E3: capacity is never exceeded; the sender keeps the conversation, and the offer runs on to its deadline."""
    centre = Centre()
    request = centre.invite()
    full(centre)

    with pytest.raises(TargetNotEligible) as refused:
        centre.service.accept(centre.ticket(request), by="bob")

    assert {Reason.AT_CAPACITY} == refused.value.reasons
    assert centre.owner == "alice"
    assert TransferState.INVITED is centre.service.transfer(request.id).state


def two_nodes(store: MemoryStore) -> tuple[TransferService, TransferService, ManualClock]:
    """Two services on one store, and the clock of the second. Alice owns ``"i"`` and ``"j"``; Bob has one place."""
    clock = ManualClock()
    slow, fast = TransferService(store, clock=ManualClock()), TransferService(store, clock=clock)
    for name, capacity in (("alice", 5), ("bob", 1)):
        slow.add_agent(Agent(name, name.title(), status=ChannelStatus.READY, capacity=capacity))
    for id_ in ("i", "j"):
        slow.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
    return slow, fast, clock


def invited(service: TransferService, interaction_id: str) -> str:
    """The ticket of a new invitation of Bob's."""
    invitation = service.request_transfer(interaction_id, BOB, by="alice").invitation
    assert invitation is not None
    return invitation.id


def test_e3_where_clocks_differ_a_place_that_was_given_on_is_not_taken_twice() -> None:
    """E3, T10: on the node whose clock is ahead the first offer is over, and its place is another's."""
    slow, fast, clock = two_nodes(MemoryStore())
    first = invited(slow, "i")
    clock.advance(TIMEOUT)
    second = invited(fast, "j")

    with pytest.raises(TargetNotEligible) as refused:
        slow.accept(first, by="bob")

    assert {Reason.AT_CAPACITY} == refused.value.reasons
    assert fast.accept(second, by="bob").owner == "bob"
    assert len(slow.snapshot("bob").interactions) == 1


def test_e3_an_accept_that_is_recorded_late_takes_no_place_that_was_given_on() -> None:
    """E3: decided before the deadline, and recorded after another was invited."""
    begun: list[str] = []

    class Late(MemoryStore):
        def commit(self, decision: Decision) -> None:
            if any(isinstance(event, TransferAccepted) for event in decision.events) and not begun:
                clock.advance(TIMEOUT)
                begun.append(invited(fast, "j"))
            super().commit(decision)

    slow, fast, clock = two_nodes(Late())
    first = invited(slow, "i")

    with pytest.raises(TargetNotEligible):
        slow.accept(first, by="bob")

    assert fast.accept(begun[0], by="bob").owner == "bob"
    assert len(slow.snapshot("bob").interactions) == 1


# E2


@pytest.mark.parametrize(
    ("require_ready", "status", "expected"),
    [
        (True, ChannelStatus.READY, set()),
        (True, ChannelStatus.NOT_READY, {Reason.NOT_READY}),
        (True, ChannelStatus.LOGGED_OUT, {Reason.LOGGED_OUT}),
        (False, ChannelStatus.READY, set()),
        (False, ChannelStatus.NOT_READY, set()),
        (False, ChannelStatus.LOGGED_OUT, {Reason.LOGGED_OUT}),
    ],
)
def test_e2_policy_says_whether_ready_is_required(
    *, require_ready: bool, status: ChannelStatus, expected: set[Reason]
) -> None:
    """E2: logged in is required in any case."""
    centre = Centre(policy=TransferPolicy(require_ready=require_ready))
    centre.service.add_agent(Agent("dave", "Dave", status=status))

    assert expected == centre.service.eligibility("i", Target.agent("dave"))


def test_e2_readiness_is_required_unless_policy_says_otherwise() -> None:
    """E2: the default."""
    assert TransferPolicy().require_ready


# E3


def end_accepted(centre: Centre, ticket: str) -> None:
    centre.service.accept(ticket, by="bob")
    centre.service.mark_done("i", by="bob")


def end_rejected(centre: Centre, ticket: str) -> None:
    centre.service.reject(ticket, by="bob")


def end_expired(centre: Centre, _: str) -> None:
    centre.pass_time(TIMEOUT)


def end_cancelled(centre: Centre, _: str) -> None:
    transfer = centre.service.interaction("i").transfer
    assert transfer is not None
    centre.service.cancel(transfer.id, by="alice")


def end_done(centre: Centre, _: str) -> None:
    centre.service.mark_done("i", by="alice")


def end_failed(centre: Centre, _: str) -> None:
    centre.service.log_out("bob")
    centre.service.log_in("bob")
    centre.service.set_ready("bob")


ENDINGS = [end_accepted, end_rejected, end_expired, end_cancelled, end_done, end_failed]


def test_e3_an_invitation_takes_a_place() -> None:
    """E3: capacity counts live invitations too."""
    centre = Centre()
    change(centre, "bob", capacity=1)
    another(centre)
    centre.invite()

    assert {Reason.AT_CAPACITY} == centre.service.eligibility("j", BOB)


@pytest.mark.parametrize("end", ENDINGS)
def test_e3_every_ending_frees_the_place(end: Callable[[Centre, str], None]) -> None:
    """E3: whatever ends the invitation, and at last the interaction, gives the place back."""
    centre = Centre()
    change(centre, "bob", capacity=1)
    another(centre)
    end(centre, centre.ticket(centre.invite()))

    assert frozenset() == centre.service.eligibility("j", BOB)
    assert TransferState.INVITED is centre.service.request_transfer("j", BOB, by="alice").state


def test_e3_the_place_is_kept_by_accepting() -> None:
    """E3: the reserved place becomes that of an owner, and is taken once."""
    centre = Centre()
    change(centre, "bob", capacity=2)
    another(centre)
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    assert frozenset() == centre.service.eligibility("j", BOB)
    another(centre, "k", "bob")
    assert {Reason.AT_CAPACITY} == centre.service.eligibility("j", BOB)


def test_e3_the_sender_gets_a_place_back_when_the_transfer_is_accepted() -> None:
    """E3: who gave one away can take another one."""
    centre = Centre()
    change(centre, "alice", capacity=1)
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    assert another(centre).owner == "alice"


def test_e3_an_interaction_cannot_be_opened_for_an_owner_without_a_place() -> None:
    """E3: owned interactions count from the first."""
    centre = Centre()
    change(centre, "alice", capacity=1)

    with pytest.raises(TargetNotEligible) as refused:
        another(centre)

    assert {Reason.AT_CAPACITY} == refused.value.reasons


@pytest.mark.parametrize("target", OTHER_KINDS)
def test_e3_an_interaction_cannot_be_opened_for_an_owner_who_is_no_agent(target: Target) -> None:
    """E1: a new interaction is owned by an agent."""
    centre = Centre()
    request = attrs.evolve(centre.invite(), interaction_id="j")
    queued = Interaction(
        "j", media=Media.SMS, contact=CONTACT, owner=target, state=InteractionState.QUEUED, transfer=request
    )

    with pytest.raises(TargetNotEligible) as refused:
        centre.service.open_interaction(queued)

    assert {Reason.KIND_NOT_ALLOWED} == refused.value.reasons


@pytest.mark.parametrize("capacity", [1, 3])
def test_e3_requests_that_race_never_exceed_the_capacity(capacity: int) -> None:
    """E3: as many as there are places go through, and the rest is told why not."""
    centre = Centre()
    change(centre, "alice", capacity=20)
    change(centre, "bob", capacity=capacity)
    names = [f"j-{number}" for number in range(8)]
    for name in names:
        another(centre, name)
    together = Barrier(len(names))

    def attempt(name: str) -> frozenset[Reason]:
        together.wait()
        try:
            centre.service.request_transfer(name, BOB, by="alice")
        except TargetNotEligible as refused:
            return refused.reasons
        return frozenset()

    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(attempt, names))

    assert capacity == results.count(frozenset())
    assert len(names) - capacity == results.count(frozenset({Reason.AT_CAPACITY}))
    assert capacity == len(centre.service.snapshot("bob").invitations)


def test_e3_interactions_and_invitations_that_race_never_exceed_the_capacity() -> None:
    """E3: places are counted together, whatever they are taken for."""
    centre = Centre()
    change(centre, "alice", capacity=20)
    change(centre, "bob", capacity=3)
    for number in range(4):
        another(centre, f"j-{number}")
    together = Barrier(8)

    def attempt(number: int) -> bool:
        together.wait()
        try:
            if number < 4:
                centre.service.request_transfer(f"j-{number}", BOB, by="alice")
            else:
                another(centre, f"b-{number}", "bob")
        except TargetNotEligible:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(8)))

    snapshot = centre.service.snapshot("bob")
    assert results.count(True) == 3
    assert len(snapshot.interactions) + len(snapshot.invitations) == 3


def test_e3_a_place_that_was_taken_between_the_reading_and_the_recording_is_taken() -> None:
    """E3: whoever read that it was free is told that it is not."""

    class Overtaken(MemoryStore):
        done = False

        def read(self, need: Need, now: datetime) -> Facts:
            facts = super().read(need, now)
            if need.interaction_id == "j" and need.load_of == "bob" and not self.done:
                self.done = True
                service.request_transfer("i", BOB, by="alice")
            return facts

    service = TransferService(Overtaken(), clock=ManualClock())
    service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY))
    service.add_agent(Agent("bob", "Bob", status=ChannelStatus.READY, capacity=1))
    for id_ in ("i", "j"):
        service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))

    with pytest.raises(TargetNotEligible) as refused:
        service.request_transfer("j", BOB, by="alice")

    assert {Reason.AT_CAPACITY} == refused.value.reasons
    assert ["i"] == [offered.id for offered in service.snapshot("bob").desktop.offered]


def test_e3_the_place_of_an_invitation_that_is_over_can_be_taken_by_the_next() -> None:
    """E3, T10: at the deadline, before anybody has swept it."""
    centre = Centre()
    change(centre, "bob", capacity=1)
    centre.invite()
    centre.clock.advance(TIMEOUT)

    assert TransferState.INVITED is centre.invite().state


# E4


def picture() -> Attachment:
    return Attachment("picture", content_type="image/jpeg")


Act = Callable[[Centre], object]

GUARDED: list[tuple[Privilege, Denial, Act]] = [
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.service.reply("i", "hello", by="alice")),
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.service.update_case_data("i", {"a": 1}, by="alice")),
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.service.set_note("i", "note", by="alice")),
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.service.mark_done("i", by="alice")),
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.service.save_attachment("i", "picture", by="alice")),
    (Privilege.USE_SMS, Denial.NO_USE_SMS, lambda c: c.invite(CAROL)),
    (Privilege.TRANSFER, Denial.NO_TRANSFER, lambda c: c.invite(CAROL)),
    (
        Privilege.SAVE_ATTACHMENTS,
        Denial.NO_SAVE_ATTACHMENTS,
        lambda c: c.service.save_attachment("i", "picture", by="alice"),
    ),
]


@pytest.mark.parametrize(("privilege", "denial", "act"), GUARDED)
def test_e4_a_privilege_guards_the_owners_command(privilege: Privilege, denial: Denial, act: Act) -> None:
    """E4: without the privilege the command is refused, and goes through with it."""
    centre = Centre()
    centre.service.receive_message("i", "look", attachments=[picture()])
    without(centre, "alice", privilege)
    before = centre.service.interaction("i")

    with pytest.raises(NotPermitted) as refused:
        act(centre)

    assert (("alice", denial)) == (refused.value.agent_id, refused.value.reason)
    assert before == centre.service.interaction("i")
    change(centre, "alice", privileges=frozenset(Privilege))
    act(centre)


@pytest.mark.parametrize(
    ("privilege", "denial"), [(Privilege.USE_SMS, Denial.NO_USE_SMS), (Privilege.DECLINE, Denial.NO_DECLINE)]
)
def test_e4_a_privilege_guards_reject(privilege: Privilege, denial: Denial) -> None:
    """E4: the invitation stays out."""
    centre = Centre()
    request = centre.invite()
    without(centre, "bob", privilege)

    with pytest.raises(NotPermitted) as refused:
        centre.service.reject(centre.ticket(request), by="bob")

    assert denial is refused.value.reason
    assert request == centre.service.transfer(request.id)


def test_e4_a_privilege_guards_cancel() -> None:
    """E4: a sender who may not use SMS any more cannot cancel either."""
    centre = Centre()
    request = centre.invite()
    without(centre, "alice", Privilege.USE_SMS)

    with pytest.raises(NotPermitted) as refused:
        centre.service.cancel(request.id, by="alice")

    assert Denial.NO_USE_SMS is refused.value.reason


@pytest.mark.parametrize("privilege", Privilege)
def test_e4_each_privilege_has_a_denial_of_its_own(privilege: Privilege) -> None:
    """E4: the refusal names the privilege that is missing."""
    agent = Agent("alice", "Alice", privileges=frozenset(Privilege) - {privilege})

    with pytest.raises(NotPermitted) as refused:
        require(agent, privilege)

    assert f"no_privilege_{privilege}" == refused.value.reason


@pytest.mark.parametrize("privilege", [Privilege.TRANSFER, Privilege.DECLINE, Privilege.SAVE_ATTACHMENTS])
def test_e4_a_privilege_that_is_not_asked_for_is_not_missed(privilege: Privilege) -> None:
    """E4: to accept takes none of these."""
    centre = Centre()
    request = centre.invite()
    without(centre, "bob", privilege)

    assert centre.service.accept(centre.ticket(request), by="bob").owner == "bob"


@pytest.mark.parametrize("has", [True, False])
def test_e4_the_transfer_button_is_there_for_who_may_transfer(*, has: bool) -> None:
    """E4: the button follows the privilege at once."""
    centre = Centre()
    if not has:
        without(centre, "alice", Privilege.TRANSFER)

    assert has is centre.alice.workspace.windows["i"].can_transfer


@pytest.mark.parametrize("has", [True, False])
def test_e4_attachments_can_be_saved_by_who_may_save_them(*, has: bool) -> None:
    """E4: the button follows the privilege at once."""
    centre = Centre()
    if not has:
        without(centre, "alice", Privilege.SAVE_ATTACHMENTS)

    assert has is centre.alice.workspace.windows["i"].can_save_attachments


@pytest.mark.parametrize("has", [True, False])
def test_e4_a_preview_has_a_reject_for_who_may_decline(*, has: bool) -> None:
    """E4: the button follows the privilege at once, even on a preview that is shown already."""
    centre = Centre()
    ticket = centre.ticket(centre.invite())
    if not has:
        without(centre, "bob", Privilege.DECLINE)

    assert has is centre.bob.workspace.previews[ticket].can_reject


def test_e4_nothing_but_the_privilege_and_the_channel_is_needed_for_a_button() -> None:
    """E4: whoever has the two has it, for each button."""
    centre = Centre()
    for privilege in (Privilege.TRANSFER, Privilege.SAVE_ATTACHMENTS):
        change(centre, "alice", privileges={Privilege.USE_SMS, privilege})
        window = centre.alice.workspace.windows["i"]
        shown = {Privilege.TRANSFER: window.can_transfer, Privilege.SAVE_ATTACHMENTS: window.can_save_attachments}
        assert [privilege] == [one for one, there in shown.items() if there]
    assert can_transfer(change(centre, "alice", privileges={Privilege.USE_SMS, Privilege.TRANSFER}), centre.opened)


def test_e4_without_the_channel_there_is_no_button() -> None:
    """E4, T1: whatever a button does, it does on the SMS channel."""
    centre = Centre()
    without(centre, "alice", Privilege.USE_SMS)
    window = centre.alice.workspace.windows["i"]

    assert (False, False) == (window.can_transfer, window.can_save_attachments)


def test_e4_an_attachment_that_may_be_saved_is_handed_over() -> None:
    """E4: the owner gets the one that was asked for."""
    centre = Centre()
    other = Attachment("other", content_type="image/png")
    centre.service.receive_message("i", "none here")
    centre.service.receive_message("i", "look", attachments=[other, picture()])

    assert picture() == centre.service.save_attachment("i", "picture", by="alice")


@pytest.mark.parametrize("act", [act for _, _, act in GUARDED])
def test_e4_an_owner_who_is_logged_out_may_do_nothing(act: Act) -> None:
    """T1, E4: the command takes the channel."""
    centre = Centre()
    centre.service.log_out("alice")

    with pytest.raises(NotPermitted) as refused:
        act(centre)

    assert ("alice", Denial.LOGGED_OUT) == (refused.value.agent_id, refused.value.reason)


def test_e4_privileges_of_others_do_not_matter() -> None:
    """E4: what carol may not do does not hinder alice and bob."""
    centre = Centre()
    change(centre, "carol", privileges=())

    assert centre.service.accept(centre.ticket(centre.invite()), by="bob").owner == "bob"


@given(bob=strategies.agents(st.just("bob")))
def test_e4_update_agent_changes_everything_but_the_status(bob: Agent) -> None:
    """E4, E2: an administrator changes what an agent may do; the status is the agent's own."""
    service = TransferService()
    service.add_agent(Agent("bob", "Bob", status=ChannelStatus.NOT_READY, reason="lunch"))

    updated = service.update_agent(bob)

    expected = attrs.evolve(bob, status=ChannelStatus.NOT_READY, reason="lunch", do_not_disturb=False)
    assert expected == updated == service.agent("bob")


# E2: the status on the channel


def test_e2_a_reason_stands_as_long_as_the_status_it_is_for() -> None:
    """E2: the reason of Not Ready goes with it, and a repeated log-in leaves it."""
    centre = Centre()

    assert centre.service.set_not_ready("bob", "lunch").reason == "lunch"
    assert centre.service.log_in("bob").reason == "lunch"
    assert centre.service.set_ready("bob").reason == ""


@pytest.mark.parametrize("act", [TransferService.set_ready, TransferService.set_not_ready])
def test_e2_who_is_logged_out_has_to_log_in_first(act: Callable[[TransferService, str], Agent]) -> None:
    """E2: the agent's machine has no such arc; nothing changes."""
    centre = Centre()
    gone = centre.service.log_out("bob")

    with pytest.raises(SmsTransferError) as refused:
        act(centre.service, "bob")

    assert {"machine": "agent", "state": "logged_out", "allowed": {"log_in", "log_out"}}.items() <= (
        refused.value.fields.items()
    )
    assert gone == centre.service.agent("bob")


@pytest.mark.parametrize("on", [True, False])
def test_e2_do_not_disturb_stands_beside_the_status(*, on: bool) -> None:
    """E2: it is remembered across a log-out."""
    centre = Centre()
    centre.service.set_do_not_disturb("bob", on=on)
    centre.service.log_out("bob")

    assert on is centre.service.log_in("bob").do_not_disturb


def test_e1_the_moment_does_not_matter_to_who_can_receive() -> None:
    """E1: the same question has the same answer at any time."""
    contact = Contact("12345")
    interaction = Interaction("i", media=Media.MMS, contact=contact, owner="alice")
    answers = set()
    for year in (1970, 2026, 9997):
        service = TransferService(clock=ManualClock(datetime(year, 1, 1, tzinfo=UTC)))
        service.add_agent(Agent("alice", "Alice"))
        service.open_interaction(interaction)
        answers.add(service.eligibility("i", BOB))

    assert {frozenset({Reason.UNKNOWN})} == answers


@pytest.mark.parametrize(
    ("status", "disturbed", "able"),
    [
        (ChannelStatus.LOGGED_OUT, False, False),
        (ChannelStatus.NOT_READY, False, True),
        (ChannelStatus.READY, False, True),
        (ChannelStatus.READY, True, False),
    ],
)
def test_e2_who_may_be_able_to_receive(status: ChannelStatus, *, disturbed: bool, able: bool) -> None:
    """E2: on the channel and not in do-not-disturb; whether Ready is needed says the policy."""
    assert able is may_be_able(Agent("a", "A", status=status, do_not_disturb=disturbed))


@pytest.mark.parametrize(("capacity", "could"), [(0, False), (1, True)])
def test_q1_who_has_no_place_at_all_never_could_take_it(capacity: int, *, could: bool) -> None:
    """Q1, E3: one who has none free now could, some time."""
    centre = Centre()

    assert could is could_ever(centre.opened, Agent("dave", "Dave", capacity=capacity), policy=TransferPolicy())


def test_t9_an_invitee_whom_nobody_knows_any_more_has_left() -> None:
    """T9, E1: as if logged out."""
    centre = Centre()

    assert has_left(None)
    assert {Reason.UNKNOWN} == still_eligible(centre.opened, None, load=0)
