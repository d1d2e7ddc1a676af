"""Transfer to an agent, rule by rule: T1 to T16."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    Attachment,
    CaseData,
    ChannelStatus,
    Denial,
    Direction,
    Event,
    IllegalTransition,
    Interaction,
    InteractionDone,
    InteractionState,
    InvitationClosed,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    MessageReceived,
    MessageSent,
    NotFound,
    NotPermitted,
    OwnershipMoved,
    PendingTransfer,
    Privilege,
    Reason,
    StaleEpoch,
    Target,
    TargetNotEligible,
    TransferAccepted,
    TransferCancelled,
    TransferExpired,
    TransferFailed,
    TransferPending,
    TransferPolicy,
    TransferRejected,
    TransferRequest,
    TransferRequested,
    TransferState,
    WorkspaceSettings,
)
from support import ALICE, BOB, CAROL, CONTACT, MOMENT, TIMEOUT, Centre, Desk

EVERYTHING_BUT_TRANSFER = frozenset(Privilege) - {Privilege.TRANSFER}
PICTURE = Attachment("photo", content_type="image/jpeg", url="https://media.example/1", name="roof.jpg", size=1_024)

Close = Callable[[Centre, TransferRequest], object]


def accept(centre: Centre, request: TransferRequest) -> None:
    centre.service.accept(centre.ticket(request), by="bob")


def reject(centre: Centre, request: TransferRequest) -> None:
    centre.service.reject(centre.ticket(request), by="bob", reason="busy")


def expire(centre: Centre, _: TransferRequest) -> None:
    centre.pass_time(TIMEOUT)


def cancel(centre: Centre, request: TransferRequest) -> None:
    centre.service.cancel(request.id, by="alice")


def log_out(centre: Centre, _: TransferRequest) -> None:
    centre.service.log_out("bob")


def disconnect(centre: Centre, _: TransferRequest) -> None:
    centre.service.log_out("bob", disconnected=True)


def mark_done(centre: Centre, _: TransferRequest) -> None:
    centre.service.mark_done("i", by="alice")


KEEPING: tuple[Close, ...] = (reject, expire, cancel, log_out, disconnect)
"""What closes a transfer so that the sender keeps the conversation."""


def happened(centre: Centre) -> list[type[Event]]:
    """What happened to the interaction after it was opened."""
    return [type(event) for event in centre.service.history("i")][1:]


def everything(centre: Centre) -> object:
    """All that is recorded and all that was shown, to compare with the same at another time."""
    service = centre.service
    return (
        service.interaction("i"),
        service.history("i"),
        service.transcript("i"),
        [service.snapshot(agent_id) for agent_id in centre.desks],
        [tuple(desk.ui.calls) for desk in centre.desks.values()],
        tuple(centre.gateway.sent),
    )


def names(desk: Desk) -> list[str]:
    """The names of the calls of a front end, in order."""
    return [name for name, _ in desk.ui.calls]


def clear(centre: Centre) -> None:
    """Forget what the front ends were called with so far."""
    for desk in centre.desks.values():
        desk.ui.calls.clear()


def assert_told(centre: Centre, request: TransferRequest, code: str, text: str) -> None:
    """The sender owns it and is told on both surfaces; nobody else is told anything (T6)."""
    notice = centre.service.interaction("i").error
    assert notice is not None
    assert (code, text, request.id) == (notice.code, notice.text, notice.params["transfer"])
    assert centre.owner == "alice"
    assert centre.state is InteractionState.ACTIVE
    assert centre.opened.epoch == centre.service.interaction("i").epoch

    window = centre.alice.ui.windows["i"]
    assert window.pending is None
    assert notice == window.error
    assert {"i": notice} == centre.alice.ui.errors  # the top of the window
    assert [notice] == [message.notice for message in centre.alice.ui.messages.values()]  # My Messages
    assert ["i"] == [message.interaction_id for message in centre.alice.workspace.my_messages]
    for desk in (centre.bob, centre.carol):
        assert {} == desk.ui.previews
        assert {} == desk.ui.windows
        assert {} == desk.ui.errors
        assert {} == desk.ui.messages


# T1


def test_t1_the_owner_can_request_a_transfer() -> None:
    """T1: the owner of an active interaction, logged in and with the privilege, can request a transfer."""
    centre = Centre()
    request = centre.invite()
    assert ("i", "alice", BOB) == (request.interaction_id, request.sender, request.target)
    assert request.state is TransferState.INVITED
    assert request == centre.service.transfer(request.id)


def test_t1_an_owner_who_is_not_ready_can_request_a_transfer() -> None:
    """T1: the sender must be logged in; being Ready is asked of targets only."""
    centre = Centre()
    centre.service.set_not_ready("alice", "wrap-up")
    assert centre.invite().state is TransferState.INVITED


@pytest.mark.parametrize("by", ["bob", "carol"])
def test_t1_nobody_but_the_owner_can_request_a_transfer(by: str) -> None:
    """T1: an agent who does not own the interaction is refused, told who does, and nothing changes."""
    centre = Centre()
    before = everything(centre)
    with pytest.raises(NotPermitted) as caught:
        centre.invite(by=by)
    assert (by, Denial.NOT_OWNER, "alice") == (caught.value.agent_id, caught.value.reason, caught.value.owner)
    assert before == everything(centre)


def test_t1_a_logged_out_owner_cannot_request_a_transfer() -> None:
    """T1: an owner who is logged out is refused, and nothing changes."""
    centre = Centre()
    centre.service.log_out("alice")
    before = everything(centre)
    with pytest.raises(NotPermitted) as caught:
        centre.invite()
    assert caught.value.reason is Denial.LOGGED_OUT
    assert before == everything(centre)


def test_t1_an_owner_without_the_privilege_cannot_request_a_transfer() -> None:
    """T1: without the privilege to transfer both the button and the command are gone."""
    centre = Centre()
    assert centre.alice.ui.windows["i"].can_transfer
    centre.service.update_agent(Agent("alice", "Alice", privileges=EVERYTHING_BUT_TRANSFER))
    assert not centre.alice.ui.windows["i"].can_transfer
    before = everything(centre)
    with pytest.raises(NotPermitted) as caught:
        centre.invite()
    assert caught.value.reason is Denial.NO_TRANSFER
    assert before == everything(centre)


def test_t1_a_second_transfer_is_refused_while_one_is_live() -> None:
    """T1: an interaction with a live transfer cannot be transferred, and the error names the live one."""
    centre = Centre()
    request = centre.invite()
    before = everything(centre)
    with pytest.raises(TransferPending) as caught:
        centre.invite(CAROL)
    assert request == caught.value.transfer
    assert before == everything(centre)


def test_t1_a_done_interaction_cannot_be_transferred() -> None:
    """T1: an interaction that is done is not active any more, so a transfer is refused."""
    centre = Centre()
    centre.service.mark_done("i", by="alice")
    before = everything(centre)
    with pytest.raises(IllegalTransition) as caught:
        centre.invite()
    assert ("interaction", "done") == (caught.value.machine, caught.value.state)
    assert before == everything(centre)


@pytest.mark.parametrize("close", KEEPING)
def test_t1_a_transfer_can_be_requested_again_after_one_that_came_to_nothing(close: Close) -> None:
    """T1: a closed transfer is not a live one, so the owner may try the next colleague."""
    centre = Centre()
    close(centre, centre.invite())
    again = centre.invite(CAROL)
    assert [centre.ticket(again)] == list(centre.carol.ui.previews)
    centre.service.accept(centre.ticket(again), by="carol")
    assert centre.owner == "carol"


# T2


@pytest.mark.parametrize("media", Media)
def test_t2_sms_and_mms_are_transferred_by_one_and_the_same_action(media: Media) -> None:
    """T2: the one action transfers an SMS and an MMS interaction alike, from a window that offers Transfer."""
    centre = Centre(media=media)
    assert centre.alice.ui.windows["i"].can_transfer
    request = centre.invite()
    assert [media] == [preview.media for preview in centre.bob.ui.previews.values()]
    centre.service.accept(centre.ticket(request), by="bob")
    assert {} == centre.alice.ui.windows
    assert media is centre.bob.ui.windows["i"].interaction.media


# T3


def test_t3_a_target_that_cannot_receive_is_refused_with_every_reason() -> None:
    """T3: the refusal holds all the reasons that apply, and nothing changes on either side."""
    centre = Centre(media=Media.MMS)
    centre.service.update_agent(
        Agent("bob", "Bob", media={Media.SMS}, privileges=frozenset(Privilege) - {Privilege.USE_SMS}, capacity=0)
    )
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_do_not_disturb("bob", on=True)
    before = everything(centre)
    with pytest.raises(TargetNotEligible) as caught:
        centre.invite()
    expected = {
        Reason.NOT_READY,
        Reason.DO_NOT_DISTURB,
        Reason.NO_SMS_PRIVILEGE,
        Reason.MEDIA_NOT_HANDLED,
        Reason.AT_CAPACITY,
    }
    assert expected == caught.value.reasons
    assert before == everything(centre)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (ALICE, Reason.IS_SENDER),
        (Target.agent("nobody"), Reason.UNKNOWN),
        (Target.agent("dan"), Reason.LOGGED_OUT),
        (Target.agent("eve"), Reason.NOT_READY),
        (Target.agent("fay"), Reason.DO_NOT_DISTURB),
        (Target.agent("gus"), Reason.NO_SMS_PRIVILEGE),
        (Target.agent("hal"), Reason.MEDIA_NOT_HANDLED),
        (Target.agent("ida"), Reason.AT_CAPACITY),
    ],
)
def test_t3_each_reason_alone_refuses_the_target(target: Target, reason: Reason) -> None:
    """T3: any one reason is enough, asking beforehand gives the same one, and nothing changes."""
    centre = Centre()
    ready = ChannelStatus.READY
    for agent in (
        Agent("dan", "Dan"),
        Agent("eve", "Eve", status=ChannelStatus.NOT_READY),
        Agent("fay", "Fay", status=ready, do_not_disturb=True),
        Agent("gus", "Gus", status=ready, privileges={Privilege.TRANSFER}),
        Agent("hal", "Hal", status=ready, media={Media.MMS}),
        Agent("ida", "Ida", status=ready, capacity=0),
    ):
        centre.service.add_agent(agent)
    before = everything(centre)
    with pytest.raises(TargetNotEligible) as caught:
        centre.invite(target)
    assert {reason} == caught.value.reasons == centre.service.eligibility("i", target)
    assert before == everything(centre)


@settings(max_examples=60)
@given(agent=st.from_type(Agent), media=st.sampled_from(Media))
def test_t3_a_request_goes_through_exactly_when_there_is_no_reason_against_it(agent: Agent, media: Media) -> None:
    """T3: for any target, the request and the question beforehand say the same, and a refusal changes nothing."""
    centre = Centre(media=media)
    centre.service.add_agent(attrs.evolve(agent, id="dan"))
    target = Target.agent("dan")
    reasons = centre.service.eligibility("i", target)
    if not reasons:
        request = centre.invite(target)
        assert (request.invitation,) == centre.service.snapshot("dan").invitations
        return
    before = everything(centre)
    with pytest.raises(TargetNotEligible) as caught:
        centre.invite(target)
    assert reasons == caught.value.reasons
    assert before == everything(centre)


# T4


def test_t4_the_request_invites_the_target_and_the_sender_stays_the_owner() -> None:
    """T4: the target is invited; the sender owns the conversation, keeps the window and sees what is pending."""
    centre = Centre()
    clear(centre)
    request = centre.invite()
    deadline = centre.clock.now() + TIMEOUT

    interaction = centre.service.interaction("i")
    assert ("alice", 0, InteractionState.TRANSFERRING) == (interaction.owner, interaction.epoch, interaction.state)
    assert request == interaction.transfer
    assert [TransferRequested, InvitationSent] == happened(centre)

    assert ["update_window"] == names(centre.alice)
    pending = PendingTransfer(transfer_id=request.id, target=BOB, to="Bob", deadline=deadline)
    assert pending == centre.alice.ui.windows["i"].pending

    assert ["show_preview"] == names(centre.bob)
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)
    assert {} == centre.bob.ui.windows
    assert [] == names(centre.carol)


def test_t4_the_sender_goes_on_texting_the_contact_while_it_is_pending() -> None:
    """T4: a reply of the sender during a live transfer is sent, and the transfer stays live."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    sent = centre.service.reply("i", "One moment, please", by="alice", epoch=0)
    assert [sent] == centre.gateway.sent
    assert [sent] == list(centre.alice.ui.windows["i"].transcript)
    assert centre.alice.ui.windows["i"].pending is not None
    assert centre.service.transfer(request.id).state is TransferState.INVITED
    assert [] == names(centre.bob)


# T5


def test_t5_the_preview_tells_the_invitee_what_is_offered() -> None:
    """T5: the preview says from whom, media, contact, note, case data, since when and until when it is offered."""
    centre = Centre(media=Media.MMS)
    centre.clock.advance(timedelta(minutes=3))
    request = centre.invite(note="asks about the roof")
    (preview,) = centre.bob.ui.previews.values()
    assert centre.ticket(request) == preview.invitation_id
    assert (request.id, "i") == (preview.transfer_id, preview.interaction_id)
    assert ("Alice", "alice") == (preview.from_agent, preview.sender)
    assert (Media.MMS, CONTACT) == (preview.media, preview.contact)
    assert preview.note == "asks about the roof"
    assert CaseData({"tier": "gold"}) == preview.case_data
    assert centre.clock.now() == preview.waiting_since
    assert centre.clock.now() + TIMEOUT == preview.deadline
    assert preview.can_reject
    assert "Alice wants to transfer an MMS conversation with Jane Roe to you. Note: asks about the roof" == preview.text


def test_t5_the_preview_shows_the_selected_case_data_only() -> None:
    """T5: a workspace that selects keys of case data sees these in a preview, and all of it once it owns the thing."""
    centre = Centre()
    centre.service.update_case_data("i", {"order": 42, "secret": "x"}, by="alice")
    device = Desk(centre.service, "bob", WorkspaceSettings(preview_case_data=frozenset({"tier", "order", "missing"})))
    request = centre.invite()
    assert [{"tier": "gold", "order": 42}] == [preview.case_data for preview in device.ui.previews.values()]
    centre.service.accept(centre.ticket(request), by="bob")
    whole = {"tier": "gold", "order": 42, "secret": "x"}
    assert whole == device.ui.windows["i"].interaction.case_data


def test_t5_accept_moves_the_ownership_in_one_change() -> None:
    """T5: one change makes the invitee the owner, raises the epoch and closes the request as ACCEPTED."""
    centre = Centre()
    request = centre.invite()
    before = centre.service.interaction("i")
    clear(centre)
    centre.clock.advance(timedelta(seconds=7))
    taken = centre.service.accept(centre.ticket(request), by="bob")

    assert taken == centre.service.interaction("i")
    assert ("bob", InteractionState.ACTIVE) == (taken.owner, taken.state)
    assert (before.version + 1, before.epoch + 1) == (taken.version, taken.epoch)
    assert taken.transfer is None
    closed = centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.ACCEPTED
    assert ("bob", "bob", centre.clock.now()) == (closed.outcome.by, closed.outcome.owner, closed.outcome.at)

    assert [TransferRequested, InvitationSent, TransferAccepted, OwnershipMoved] == happened(centre)
    moved = centre.service.history("i")[-1]
    assert isinstance(moved, OwnershipMoved)
    assert ("alice", "bob", 1, request.id) == (moved.former_owner, moved.owner, moved.epoch, moved.transfer_id)

    assert [("close_window", "i")] == centre.alice.ui.calls
    assert ["dismiss_preview", "open_window"] == names(centre.bob)
    assert {} == centre.alice.ui.windows
    assert taken == centre.bob.ui.windows["i"].interaction


def test_t5_the_new_owners_window_opens_with_all_there_is() -> None:
    """T5: the invitee's window opens with the whole transcript, the case data and the note."""
    centre = Centre()
    texts = [
        centre.service.receive_message("i", "Hello?"),
        centre.service.reply("i", "How can I help?", by="alice"),
        centre.service.receive_message("i", "The roof leaks"),
    ]
    request = centre.invite(note="roof")
    assert texts == list(centre.alice.ui.windows["i"].transcript)
    centre.service.accept(centre.ticket(request), by="bob")
    (opened,) = centre.bob.ui.called("open_window")
    window = centre.bob.ui.windows["i"]
    assert opened == window
    assert texts == list(window.transcript)
    assert CaseData({"tier": "gold"}) == window.interaction.case_data
    assert window.interaction.note == "roof"
    assert window.pending is None
    assert window.error is None


@pytest.mark.parametrize("by", ["alice", "carol"])
def test_t5_nobody_but_the_invitee_can_answer(by: str) -> None:
    """T5: an answer of somebody who is not invited is refused, and nothing changes."""
    centre = Centre()
    ticket = centre.ticket(centre.invite())
    before = everything(centre)
    for answer in (centre.service.accept, centre.service.reject):
        with pytest.raises(NotPermitted) as caught:
            answer(ticket, by=by)
        assert (by, Denial.NOT_INVITEE) == (caught.value.agent_id, caught.value.reason)
    assert before == everything(centre)


# T6


@pytest.mark.parametrize(
    ("reason", "code", "text"),
    [
        ("", "transfer.rejected", "Bob rejected the transfer."),
        (
            "on a call",
            "transfer.rejected_because",
            "Bob rejected the transfer: “on a call”",
        ),
    ],
)
def test_t6_reject_tells_the_sender_on_both_surfaces(reason: str, code: str, text: str) -> None:
    """T6: REJECTED; the sender still owns it, and reads why at the top of the window and in My Messages."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    closed = centre.service.reject(centre.ticket(request), by="bob", reason=reason)

    assert closed == centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.REJECTED
    assert ("bob", reason, "alice") == (closed.outcome.by, closed.outcome.reason, closed.outcome.owner)
    assert [TransferRequested, InvitationSent, InvitationRejected, TransferRejected] == happened(centre)
    assert_told(centre, request, code, text)
    assert ["update_window", "show_error", "show_message"] == names(centre.alice)
    assert ["dismiss_preview"] == names(centre.bob)


@settings(max_examples=40)
@given(reason=st.text(min_size=1, max_size=60))
def test_t6_the_invitees_own_words_reach_the_sender_as_they_are(reason: str) -> None:
    """T6: whatever the reason says, it is on both surfaces and in the record, unchanged."""
    centre = Centre()
    request = centre.invite()
    centre.service.reject(centre.ticket(request), by="bob", reason=reason)
    outcome = centre.service.transfer(request.id).outcome
    assert outcome is not None
    assert reason == outcome.reason
    assert reason == centre.alice.ui.errors["i"].params["reason"]
    assert reason in centre.alice.ui.errors["i"].text
    assert [reason] == [message.params["reason"] for message in centre.alice.workspace.my_messages]


def test_t6_the_error_goes_when_the_owner_tries_again_and_the_entry_stays() -> None:
    """T6: a new attempt takes the error off the window; My Messages keeps its entry."""
    centre = Centre()
    centre.service.reject(centre.ticket(centre.invite()), by="bob")
    centre.invite(CAROL)
    assert {} == centre.alice.ui.errors
    assert centre.alice.ui.windows["i"].error is None
    assert ["transfer.rejected"] == [message.code for message in centre.alice.workspace.my_messages]


# T7


def test_t7_no_answer_by_the_deadline_is_told_as_nobody_answered() -> None:
    """T7: EXPIRED 30 s after the invitation; as T6, and the preview is withdrawn from the invitee."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    centre.clock.advance(timedelta(seconds=30))
    (closed,) = centre.service.expire_due()

    assert closed == centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.EXPIRED
    outcome = closed.outcome
    assert (None, "no_answer", "alice") == (outcome.by, outcome.reason, outcome.owner)
    assert [TransferRequested, InvitationSent, InvitationExpired, TransferExpired] == happened(centre)
    text = "Bob did not answer the transfer in time."
    assert_told(centre, request, "transfer.expired", text)
    assert ["update_window", "show_error", "show_message"] == names(centre.alice)
    assert [("dismiss_preview", centre.ticket(request))] == centre.bob.ui.calls


def test_t7_nothing_expires_before_the_deadline() -> None:
    """T7: a moment before the deadline the invitation is still there for the invitee and pending for the sender."""
    centre = Centre()
    request = centre.invite()
    before = everything(centre)
    centre.clock.advance(TIMEOUT - MOMENT)
    assert () == centre.service.tick().expired
    assert before == everything(centre)
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)


def test_t7_the_timeout_is_policy() -> None:
    """T7: a centre can set another time to answer, and both ends are shown that deadline."""
    centre = Centre(policy=TransferPolicy(invitation_timeout=timedelta(seconds=5)))
    request = centre.invite()
    deadline = centre.clock.now() + timedelta(seconds=5)
    assert request.invitation is not None
    assert deadline == request.deadline == request.invitation.deadline
    assert [deadline] == [preview.deadline for preview in centre.bob.ui.previews.values()]
    centre.pass_time(timedelta(seconds=5))
    assert centre.service.transfer(request.id).state is TransferState.EXPIRED


# T8


def test_t8_the_sender_takes_it_back_and_nobody_is_shown_an_error() -> None:
    """T8: CANCELLED by the sender; the preview is withdrawn, and no error and no entry are shown to anybody."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    closed = centre.service.cancel(request.id, by="alice")

    assert closed == centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.CANCELLED
    assert ("alice", "cancelled_by_sender") == (closed.outcome.by, closed.outcome.reason)
    assert ("alice", InteractionState.ACTIVE) == (centre.owner, centre.state)
    assert [TransferRequested, InvitationSent, InvitationWithdrawn, TransferCancelled] == happened(centre)

    assert ["update_window"] == names(centre.alice)
    assert centre.alice.ui.windows["i"].pending is None
    assert centre.alice.ui.windows["i"].error is None
    assert () == centre.alice.workspace.my_messages
    assert [("dismiss_preview", centre.ticket(request))] == centre.bob.ui.calls


@pytest.mark.parametrize("by", ["bob", "carol"])
def test_t8_nobody_but_the_sender_can_cancel(by: str) -> None:
    """T8: a cancellation by anybody else is refused, and nothing changes."""
    centre = Centre()
    request = centre.invite()
    before = everything(centre)
    with pytest.raises(NotPermitted) as caught:
        centre.service.cancel(request.id, by=by)
    assert (by, Denial.NOT_SENDER) == (caught.value.agent_id, caught.value.reason)
    assert before == everything(centre)


# T9


@pytest.mark.parametrize(
    ("leave", "reason", "text"),
    [
        (log_out, "invitee_logged_out", "Bob logged out before answering the transfer."),
        (
            disconnect,
            "invitee_disconnected",
            "Bob was disconnected before answering the transfer.",
        ),
    ],
)
def test_t9_an_invitee_who_goes_fails_it_at_once(leave: Close, reason: str, text: str) -> None:
    """T9: FAILED as soon as the invitee logs out or is disconnected, with the reason; as T6."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    leave(centre, request)

    closed = centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.FAILED
    assert (reason, "alice", centre.clock.now()) == (closed.outcome.reason, closed.outcome.owner, closed.outcome.at)
    assert [TransferRequested, InvitationSent, InvitationWithdrawn, TransferFailed] == happened(centre)
    assert_told(centre, request, f"transfer.failed.{reason}", text)
    assert ["update_window", "show_error", "show_message"] == names(centre.alice)
    assert [("dismiss_preview", centre.ticket(request))] == centre.bob.ui.calls


def test_t9_an_invitee_who_goes_fails_every_invitation_they_have() -> None:
    """T9: all invitations of the one who logs out are closed, whoever sent them."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="carol"))
    requests = [centre.invite(), centre.service.request_transfer("j", BOB, by="carol")]
    centre.service.log_out("bob")
    assert [TransferState.FAILED] * 2 == [centre.service.transfer(request.id).state for request in requests]
    assert {} == centre.bob.ui.previews
    assert ["i"] == list(centre.alice.ui.errors)
    assert ["j"] == list(centre.carol.ui.errors)


def test_t9_going_not_ready_or_undisturbed_leaves_the_invitation_out() -> None:
    """T9: an invitee who goes Not Ready, or asks not to be disturbed, can still take what is already offered."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_do_not_disturb("bob", on=True)
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)
    assert [] == names(centre.alice)
    assert [] == names(centre.bob)
    centre.service.accept(centre.ticket(request), by="bob")
    assert centre.owner == "bob"
    assert {} == centre.alice.ui.windows
    assert ["i"] == list(centre.bob.ui.windows)


# T10


def test_t10_a_moment_before_the_deadline_is_in_time() -> None:
    """T10: an accept just before the deadline takes the conversation."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT - MOMENT)
    assert "bob" == centre.service.accept(centre.ticket(request), by="bob").owner
    assert {} == centre.alice.ui.windows
    assert ["i"] == list(centre.bob.ui.windows)


@settings(max_examples=30)
@given(late=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_t10_an_accept_from_the_deadline_on_records_the_expiry(late: timedelta) -> None:
    """T10: at the deadline or any time after, an accept is refused and is itself what records the expiry."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT + late)
    with pytest.raises(InvitationClosed) as caught:
        centre.service.accept(centre.ticket(request), by="bob")
    assert caught.value.outcome == centre.service.transfer(request.id).outcome
    assert caught.value.outcome.state is TransferState.EXPIRED
    assert [TransferRequested, InvitationSent, InvitationExpired, TransferExpired] == happened(centre)
    text = "Bob did not answer the transfer in time."
    assert_told(centre, request, "transfer.expired", text)
    assert [] == centre.service.expire_due()


def test_t10_a_command_that_finds_nothing_records_what_was_due_all_the_same() -> None:
    """T10: whatever is asked finds the transfer expired, also where what it asks for is not there."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    with pytest.raises(NotFound):
        centre.service.save_attachment(request.interaction_id, "no such attachment", by="alice")
    assert TransferState.EXPIRED is centre.service.transfer(request.id).state


@pytest.mark.parametrize("answer", [reject, cancel])
def test_t10_reject_and_cancel_at_the_deadline_are_too_late_as_well(answer: Close) -> None:
    """T10: the deadline instant belongs to the timeout, whatever is answered."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    with pytest.raises(InvitationClosed) as caught:
        answer(centre, request)
    assert caught.value.outcome.state is TransferState.EXPIRED
    assert centre.service.transfer(request.id).state is TransferState.EXPIRED
    assert ["transfer.expired"] == [message.code for message in centre.alice.workspace.my_messages]
    assert {} == centre.bob.ui.previews


def test_t10_an_invitee_who_logs_out_at_the_deadline_has_let_it_expire() -> None:
    """T10: from the deadline on it is an expiry, and no failure, that a log-out finds."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    centre.service.log_out("bob")
    assert centre.service.transfer(request.id).state is TransferState.EXPIRED
    assert ["transfer.expired"] == [message.code for message in centre.alice.workspace.my_messages]
    assert {} == centre.bob.ui.previews


def test_t10_a_new_request_at_the_deadline_comes_after_the_expiry() -> None:
    """T10: the sender who asks again at the deadline finds the old transfer expired and the new one live."""
    centre = Centre()
    old = centre.invite()
    centre.clock.advance(TIMEOUT)
    new = centre.invite()
    assert centre.service.transfer(old.id).state is TransferState.EXPIRED
    assert centre.service.transfer(new.id).state is TransferState.INVITED
    expected = [
        TransferRequested,
        InvitationSent,
        InvitationExpired,
        TransferExpired,
        TransferRequested,
        InvitationSent,
    ]
    assert expected == happened(centre)
    assert [centre.ticket(new)] == list(centre.bob.ui.previews)
    pending = centre.alice.ui.windows["i"].pending
    assert pending is not None
    assert new.id == pending.transfer_id
    assert ["transfer.expired"] == [message.code for message in centre.alice.workspace.my_messages]


# T11


@pytest.mark.parametrize(
    ("close", "state", "by", "owner"),
    [
        (accept, TransferState.ACCEPTED, "bob", "bob"),
        (reject, TransferState.REJECTED, "bob", "alice"),
        (expire, TransferState.EXPIRED, None, "alice"),
        (cancel, TransferState.CANCELLED, "alice", "alice"),
        (mark_done, TransferState.CANCELLED, "alice", "alice"),
        (log_out, TransferState.FAILED, "bob", "alice"),
        (disconnect, TransferState.FAILED, "bob", "alice"),
    ],
)
def test_t11_a_late_answer_is_told_what_won_and_who_owns_it(
    close: Close, state: TransferState, by: str | None, owner: str
) -> None:
    """T11: accept, reject and cancel after the end are refused with the outcome that won and the present owner."""
    centre = Centre()
    request = centre.invite()
    close(centre, request)
    centre.clock.advance(timedelta(seconds=1))
    before = everything(centre)
    for answer in (accept, reject, cancel):
        with pytest.raises(InvitationClosed) as caught:
            answer(centre, request)
        assert caught.value.outcome == centre.service.transfer(request.id).outcome
        outcome = caught.value.outcome
        assert (state, by, owner) == (outcome.state, outcome.by, outcome.owner)
    assert before == everything(centre)


def test_t11_the_owner_that_is_named_is_the_one_of_the_moment() -> None:
    """T11: after further transfers the refusal still names what won then, and who owns the conversation now."""
    centre = Centre()
    first = centre.invite()
    accept(centre, first)
    second = centre.invite(CAROL, by="bob")
    centre.service.accept(centre.ticket(second), by="carol")
    with pytest.raises(InvitationClosed) as caught:
        centre.service.accept(centre.ticket(first), by="bob")
    outcome = caught.value.outcome
    assert (TransferState.ACCEPTED, "bob", "carol") == (outcome.state, outcome.by, outcome.owner)
    recorded = centre.service.transfer(first.id).outcome
    assert recorded is not None
    assert recorded.owner == "bob"


def test_t11_a_ticket_answers_its_own_offer_only() -> None:
    """T11: the ticket of a closed offer does not answer a later offer to the same invitee."""
    centre = Centre()
    old = centre.invite()
    reject(centre, old)
    new = centre.invite()
    with pytest.raises(InvitationClosed) as caught:
        accept(centre, old)
    assert caught.value.outcome.state is TransferState.REJECTED
    assert centre.owner == "alice"
    assert [centre.ticket(new)] == list(centre.bob.ui.previews)
    assert centre.service.transfer(new.id).state is TransferState.INVITED


# T12


def test_t12_a_text_during_a_transfer_goes_to_the_owner_and_into_the_transcript() -> None:
    """T12: the sender is shown it at once, the invitee on accept, and the transfer stays live."""
    centre = Centre()
    request = centre.invite()
    clear(centre)
    text = centre.service.receive_message("i", "Are you there?")
    assert ["update_window"] == names(centre.alice)
    assert (text,) == centre.alice.ui.windows["i"].transcript
    assert [] == names(centre.bob)
    assert (text,) == centre.service.transcript("i")
    assert [TransferRequested, InvitationSent, MessageReceived] == happened(centre)
    accept(centre, request)
    assert (text,) == centre.bob.ui.windows["i"].transcript


def test_t12_a_text_that_arrives_at_the_deadline_is_not_lost_to_the_expiry() -> None:
    """T12: a text that is what finds the transfer expired is recorded and shown to the sender all the same."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    text = centre.service.receive_message("i", "Hello?")
    assert centre.service.transfer(request.id).state is TransferState.EXPIRED
    assert (text,) == centre.alice.ui.windows["i"].transcript == centre.service.transcript("i")
    assert {} == centre.bob.ui.previews


def test_t12_a_text_that_the_provider_delivers_twice_is_there_once() -> None:
    """T12: the same message id again, before and after the hand-over, adds nothing to the transcript."""
    centre = Centre()
    request = centre.invite()
    text = centre.service.receive_message("i", "Hello?", message_id="sms-1")
    assert text == centre.service.receive_message("i", "Hello?", message_id="sms-1")
    assert (text,) == centre.alice.ui.windows["i"].transcript
    accept(centre, request)
    assert text == centre.service.receive_message("i", "Hello?", message_id="sms-1")
    assert (text,) == centre.bob.ui.windows["i"].transcript == centre.service.transcript("i")


def test_t12_a_text_carries_the_ownership_it_arrived_in() -> None:
    """T12: a text during the transfer is the sender's, and one after the accept the new owner's."""
    centre = Centre()
    request = centre.invite()
    centre.service.receive_message("i", "during")
    accept(centre, request)
    centre.service.receive_message("i", "after")
    assert [0, 1] == [text.epoch for text in centre.bob.ui.windows["i"].transcript]
    assert [0, 1] == [event.epoch for event in centre.service.history("i") if isinstance(event, MessageReceived)]


TALK = st.lists(st.tuples(st.sampled_from(Direction), st.text(min_size=1, max_size=20)), max_size=4)


@settings(max_examples=40)
@given(before=TALK, during=TALK, after=TALK)
def test_t12_texts_are_kept_in_order_across_a_transfer(
    before: list[tuple[Direction, str]], during: list[tuple[Direction, str]], after: list[tuple[Direction, str]]
) -> None:
    """T12: whatever is said before, during and after a transfer, the new owner has it all, in order and once."""
    centre = Centre()

    def talk(texts: list[tuple[Direction, str]], owner: str) -> None:
        for direction, text in texts:
            if direction is Direction.INBOUND:
                centre.service.receive_message("i", text)
            else:
                centre.service.reply("i", text, by=owner)

    talk(before, "alice")
    request = centre.invite()
    talk(during, "alice")
    shown = [(text.direction, text.text) for text in centre.alice.ui.windows["i"].transcript]
    assert before + during == shown
    accept(centre, request)
    talk(after, "bob")

    said = before + during + after
    assert said == [(text.direction, text.text) for text in centre.bob.ui.windows["i"].transcript]
    assert centre.bob.ui.windows["i"].transcript == centre.service.transcript("i")
    expected = [text for direction, text in said if direction is Direction.OUTBOUND]
    assert expected == [message.text for message in centre.gateway.sent]


# T13


def test_t13_marking_done_withdraws_the_invitation_in_the_same_change() -> None:
    """T13: DONE and CANCELLED are one change, its cause is that the conversation closed, and nobody sees an error."""
    centre = Centre()
    request = centre.invite()
    before = centre.service.interaction("i")
    clear(centre)
    done = centre.service.mark_done("i", by="alice")

    assert done == centre.service.interaction("i")
    assert (InteractionState.DONE, before.version + 1) == (done.state, done.version)
    closed = centre.service.transfer(request.id)
    assert closed.outcome is not None
    assert closed.state is TransferState.CANCELLED
    assert ("alice", "interaction_done") == (closed.outcome.by, closed.outcome.reason)
    expected = [TransferRequested, InvitationSent, InvitationWithdrawn, TransferCancelled, InteractionDone]
    assert expected == happened(centre)

    assert [("close_window", "i")] == centre.alice.ui.calls
    assert [("dismiss_preview", centre.ticket(request))] == centre.bob.ui.calls
    assert () == centre.alice.workspace.my_messages


def test_t13_the_invitee_cannot_mark_it_done() -> None:
    """T13: an invitee is no owner yet; their marking it done is refused and the invitation stays."""
    centre = Centre()
    centre.invite()
    before = everything(centre)
    with pytest.raises(NotPermitted):
        centre.service.mark_done("i", by="bob")
    assert before == everything(centre)


# T14


@pytest.mark.parametrize("disconnected", [False, True])
def test_t14_the_sender_leaving_does_not_stop_a_live_transfer(disconnected: bool) -> None:
    """T14: the transfer of a sender who is gone stays live, and an accept takes the conversation."""
    centre = Centre()
    request = centre.invite()
    centre.service.log_out("alice", disconnected=disconnected)
    centre.alice.connection.close()
    assert centre.service.transfer(request.id).state is TransferState.INVITED
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)

    assert "bob" == centre.service.accept(centre.ticket(request), by="bob").owner
    assert ["i"] == list(centre.bob.ui.windows)
    back = Desk(centre.service, "alice")
    assert [] == back.ui.calls


def test_t14_a_sender_who_comes_back_is_told_what_came_of_it() -> None:
    """T14: an outcome in the sender's absence waits on both surfaces for their return."""
    centre = Centre()
    request = centre.invite()
    centre.service.log_out("alice", disconnected=True)
    centre.alice.connection.close()
    reject(centre, request)
    assert {} == centre.bob.ui.previews
    assert centre.owner == "alice"

    back = Desk(centre.service, "alice")
    centre.service.log_in("alice")
    assert ["i"] == list(back.ui.windows)
    assert ["transfer.rejected_because"] == [notice.code for notice in back.ui.errors.values()]
    assert ["transfer.rejected_because"] == [message.code for message in back.workspace.my_messages]


# T15


def test_t15_the_new_owner_replies() -> None:
    """T15: the new owner's reply goes to the contact and stands in the transcript under the new epoch."""
    centre = Centre()
    accept(centre, centre.invite())
    sent = centre.service.reply("i", "Bob here", by="bob", epoch=1)
    assert [sent] == centre.gateway.sent
    assert ("bob", 1) == (sent.sender, sent.epoch)
    assert (sent,) == centre.bob.ui.windows["i"].transcript
    assert MessageSent is happened(centre)[-1]
    assert {} == centre.alice.ui.windows


def test_t15_the_new_owner_marks_it_done() -> None:
    """T15: the new owner can end the conversation, and its window closes."""
    centre = Centre()
    accept(centre, centre.invite())
    assert centre.service.mark_done("i", by="bob", epoch=1).state is InteractionState.DONE
    assert {} == centre.bob.ui.windows
    assert {} == centre.alice.ui.windows
    assert InteractionDone is happened(centre)[-1]


@pytest.mark.parametrize("target", [CAROL, ALICE])
def test_t15_the_new_owner_transfers_it_again(target: Target) -> None:
    """T15: the new owner can transfer it on, or back to the former owner."""
    centre = Centre()
    accept(centre, centre.invite())
    again = centre.invite(target, by="bob")
    assert [centre.ticket(again)] == list(centre.desks[target.id].ui.previews)
    taken = centre.service.accept(centre.ticket(again), by=target.id)
    assert (target.id, 2, 2) == (taken.owner, taken.epoch, taken.hops)
    assert {} == centre.bob.ui.windows
    assert ["i"] == list(centre.desks[target.id].ui.windows)


@pytest.mark.parametrize("close", [accept, *KEEPING])
def test_t15_a_transfer_sends_the_contact_nothing_and_leaves_the_session_open(close: Close) -> None:
    """T15: whatever comes of a transfer, the contact is sent nothing by it and the conversation goes on."""
    centre = Centre()
    close(centre, centre.invite(note="for colleagues only"))
    centre.service.tick()
    assert [] == centre.gateway.sent
    assert () == centre.service.transcript("i")
    assert centre.state is InteractionState.ACTIVE
    assert "Hi" == centre.service.receive_message("i", "Hi").text


# T16


def test_t16_the_conversation_travels_whole() -> None:
    """T16: id, contact, transcript, attachments, case data and both notes are the new owner's."""
    centre = Centre(media=Media.MMS)
    centre.service.set_note("i", "leaking roof", by="alice")
    text = centre.service.receive_message("i", "Look", attachments=[PICTURE])
    request = centre.invite(note="please call a roofer")
    taken = centre.service.accept(centre.ticket(request), by="bob")

    assert ("i", CONTACT) == (taken.id, taken.contact)
    assert centre.opened.case_data == taken.case_data
    assert "leaking roof\nplease call a roofer" == taken.note
    window = centre.bob.ui.windows["i"]
    assert taken == window.interaction
    assert (text,) == window.transcript
    assert (PICTURE,) == window.transcript[0].attachments
    assert PICTURE == centre.service.save_attachment("i", "photo", by="bob")


@pytest.mark.parametrize(
    ("note", "more", "both"), [("vip", "", "vip"), ("", "help", "help"), ("vip", "help", "vip\nhelp")]
)
def test_t16_the_note_that_was_there_and_the_senders_words_are_one(note: str, more: str, both: str) -> None:
    """T16: each as it was written, on a line of its own; where there is one only, that is all."""
    centre = Centre()
    centre.service.set_note("i", note, by="alice")
    centre.service.accept(centre.ticket(centre.invite(note=more)), by="bob")

    assert both == centre.service.interaction("i").note


@pytest.mark.parametrize("close", [reject, expire, cancel])
def test_t16_the_note_of_a_transfer_that_came_to_nothing_does_not_stay(close: Close) -> None:
    """T16: the sender's words travel with an accept; without one the conversation's note is what it was."""
    centre = Centre()
    centre.service.set_note("i", "leaking roof", by="alice")
    close(centre, centre.invite(note="please call a roofer"))
    assert "leaking roof" == centre.service.interaction("i").note
    assert "leaking roof" == centre.alice.ui.windows["i"].interaction.note
    assert {} == centre.bob.ui.previews


FORMER: tuple[Callable[[Centre, int | None], object], ...] = (
    lambda centre, epoch: centre.service.reply("i", "late", by="alice", epoch=epoch),
    lambda centre, epoch: centre.service.mark_done("i", by="alice", epoch=epoch),
    lambda centre, epoch: centre.service.set_note("i", "late", by="alice", epoch=epoch),
    lambda centre, epoch: centre.service.update_case_data("i", {"tier": "none"}, by="alice", epoch=epoch),
    lambda centre, epoch: centre.service.request_transfer("i", CAROL, by="alice", epoch=epoch),
    lambda centre, epoch: centre.service.save_attachment("i", "photo", by="alice", epoch=epoch),
)
"""What an owner can do."""


@pytest.mark.parametrize("act", FORMER)
def test_t16_the_former_owners_right_to_act_does_not_travel_back(act: Callable[[Centre, int | None], object]) -> None:
    """T16: every command of the former owner is refused, with its epoch and without, and changes nothing."""
    centre = Centre()
    accept(centre, centre.invite())
    before = everything(centre)
    with pytest.raises(StaleEpoch) as stale:
        act(centre, 0)
    assert (0, 1, "bob") == (stale.value.given, stale.value.current, stale.value.owner)
    with pytest.raises(NotPermitted) as denied:
        act(centre, None)
    assert (Denial.NOT_OWNER, "bob") == (denied.value.reason, denied.value.owner)
    assert before == everything(centre)
