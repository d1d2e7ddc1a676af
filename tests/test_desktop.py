"""The desktop, rule by rule: D1 to D6."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import (
    WITHOUT_DECLINE,
    Belfry,
    Fate,
    PlainUI,
    StatusUI,
    assert_true,
    clear,
    names,
    rejected,
)
from sms_transfer import (
    Agent,
    Answering,
    ChannelStatus,
    Contact,
    FrozenDict,
    Interaction,
    InteractionPreview,
    InteractionState,
    InvitationClosed,
    InvitationExpired,
    Media,
    NotFound,
    Notice,
    NotPermitted,
    OwnershipMoved,
    PendingTransfer,
    Priority,
    StoreUnavailable,
    Target,
    TransferAccepted,
    TransferExpired,
    TransferRequest,
    TransferService,
    TransferState,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.core.notices import PARAMETERS, WORDS
from support import BOB, CAROL, CONTACT, TIMEOUT, Centre, Desk

# D1


@pytest.mark.parametrize("focus", [False, True])
def test_d1_the_preview_carries_the_workspaces_focus_setting(focus: bool) -> None:
    """D1: a preview takes the focus or not as its workspace is set, on each device by itself."""
    centre = Centre()
    device = Desk(centre.service, "bob", WorkspaceSettings(preview_takes_focus=focus))
    centre.invite()
    assert [focus] == [preview.focus for preview in device.ui.previews.values()]
    assert [False] == [preview.focus for preview in centre.bob.ui.previews.values()]  # the default


@pytest.mark.parametrize("focus", [False, True])
@pytest.mark.parametrize(
    ("contact", "note", "text"),
    [
        (CONTACT, "", "Alice wants to transfer an MMS conversation with Jane Roe to you."),
        (CONTACT, "roof", "Alice wants to transfer an MMS conversation with Jane Roe to you. Note: roof"),
        (Contact("+14155550199"), "", "Alice wants to transfer an MMS conversation with +14155550199 to you."),
    ],
)
def test_d1_the_preview_has_a_text_to_announce(focus: bool, contact: Contact, note: str, text: str) -> None:
    """D1: focus or not, there is an accessible text that says what a person who cannot see must know."""
    centre = Centre()
    device = Desk(centre.service, "bob", WorkspaceSettings(preview_takes_focus=focus))
    centre.service.open_interaction(Interaction("j", media=Media.MMS, contact=contact, owner="alice"))
    centre.service.request_transfer("j", BOB, by="alice", note=note)
    assert [text] == [preview.text for preview in device.ui.previews.values()]


# D2


def test_d2_manual_waits_for_the_agent() -> None:
    """D2: by default a preview is shown and nothing is answered by itself."""
    centre = Centre()
    request = centre.invite()
    centre.service.tick()
    assert Answering.MANUAL is centre.bob.workspace.settings.answering
    assert ["show_preview"] == names(centre.bob)
    assert centre.service.transfer(request.id).state is TransferState.INVITED
    assert centre.owner == "alice"


@pytest.mark.parametrize(
    ("answering", "calls"),
    [
        (Answering.AUTO_WITH_PREVIEW, ["show_preview", "dismiss_preview", "open_window"]),
        (Answering.AUTO_WITHOUT_PREVIEW, ["open_window"]),
    ],
)
def test_d2_auto_answer_takes_the_conversation(answering: Answering, calls: list[str]) -> None:
    """D2: auto-answer accepts at once, with or without a preview; the sender's window closes."""
    centre = Centre()
    centre.bob.connection.close()
    device = Desk(centre.service, "bob", WorkspaceSettings(answering=answering))
    request = centre.invite()
    assert calls == names(device)
    assert {} == centre.alice.ui.windows
    assert {} == device.ui.previews
    assert ("bob", InteractionState.ACTIVE) == (centre.owner, centre.state)
    assert centre.service.transfer(request.id).state is TransferState.ACCEPTED
    assert [TransferAccepted, OwnershipMoved] == [type(event) for event in centre.service.history("i")[-2:]]


@pytest.mark.parametrize("answering", [Answering.AUTO_WITH_PREVIEW, Answering.AUTO_WITHOUT_PREVIEW])
def test_d2_auto_answer_takes_what_was_offered_before_it_connected(answering: Answering) -> None:
    """D2: a workspace set to auto-answer answers the invitations that it finds when it is opened."""
    centre = Centre()
    centre.invite()
    device = Desk(centre.service, "bob", WorkspaceSettings(answering=answering))
    assert centre.owner == "bob"
    assert ["i"] == list(device.ui.windows)
    assert {} == centre.alice.ui.windows


def test_d2_two_devices_that_both_answer_take_it_once() -> None:
    """D2: where several devices auto-answer, one wins, nobody fails, and all show the conversation."""
    centre = Centre()
    answering = WorkspaceSettings(answering=Answering.AUTO_WITH_PREVIEW)
    devices = [Desk(centre.service, "bob", answering) for _ in range(2)]
    centre.invite()
    accepted = [event for event in centre.service.history("i") if isinstance(event, TransferAccepted)]
    assert 1 == len(accepted)
    assert 1 == centre.service.interaction("i").epoch
    for desk in (*devices, centre.bob):
        assert_true(desk, centre.service)
        assert 1 == names(desk).count("open_window")


def test_d2_auto_answer_is_tried_again_where_the_store_was_not_there() -> None:
    """D2: an accept that the store could not record is given again at the next tick."""

    class FailingStore(MemoryStore):
        failing = False

        def commit(self, decision: Decision) -> None:
            if self.failing and isinstance(decision.events[0], TransferAccepted):
                self.failing = False
                raise StoreUnavailable(detail="restarting")
            super().commit(decision)

    store = FailingStore()
    service = TransferService(store)
    for agent_id in ("alice", "bob"):
        service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    alice = Desk(service, "alice")
    bob = Desk(service, "bob", WorkspaceSettings(answering=Answering.AUTO_WITH_PREVIEW))
    store.failing = True
    service.request_transfer("i", BOB, by="alice")
    assert 1 == len(bob.ui.previews)
    assert ["i"] == list(alice.ui.windows)
    service.tick()
    assert "bob" == service.interaction("i").owner
    assert ["i"] == list(bob.ui.windows)
    assert {} == bob.ui.previews
    assert {} == alice.ui.windows


def test_d2_auto_answer_that_comes_too_late_records_the_expiry(caplog: pytest.LogCaptureFixture) -> None:
    """D2: a workspace that hears of its invitation after the deadline does not get it, which is no fault to log."""
    centre = Belfry(WorkspaceSettings(answering=Answering.AUTO_WITH_PREVIEW))
    centre.bell.fates["bob"] = Fate.LATE
    centre.offer()
    centre.clock.advance(TIMEOUT)
    centre.bell.fates["bob"] = Fate.HEARD
    centre.bell.come_late()
    assert "alice" == centre.service.interaction("i").owner
    assert [InvitationExpired, TransferExpired] == [type(event) for event in centre.service.history("i")[-2:]]
    assert {} == centre.bob.ui.previews
    assert ["transfer.expired"] == [notice.code for notice in centre.alice.ui.errors.values()]
    assert "" == caplog.text
    centre.assert_all_true()


# D3

Close = Callable[[Centre, TransferRequest], object]


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(lambda centre, request: centre.service.accept(centre.ticket(request), by="bob"), id="accept"),
        pytest.param(lambda centre, request: centre.service.reject(centre.ticket(request), by="bob"), id="reject"),
        pytest.param(lambda centre, _: centre.pass_time(TIMEOUT), id="expire"),
        pytest.param(lambda centre, request: centre.service.cancel(request.id, by="alice"), id="cancel"),
        pytest.param(lambda centre, _: centre.service.log_out("bob"), id="log out"),
        pytest.param(lambda centre, _: centre.service.log_out("bob", disconnected=True), id="disconnect"),
        pytest.param(lambda centre, _: centre.service.mark_done("i", by="alice"), id="mark done"),
    ],
)
def test_d3_a_preview_goes_as_soon_as_its_invitation_closes(close: Close) -> None:
    """D3: whatever closes an invitation takes its preview off every device, and it cannot be answered after that."""
    centre = Centre()
    device = Desk(centre.service, "bob")
    request = centre.invite()
    ticket = centre.ticket(request)
    close(centre, request)
    for desk in (centre.bob, device):
        assert {} == desk.ui.previews
        assert {} == dict(desk.workspace.previews)
        assert [ticket] == desk.ui.called("dismiss_preview")
    window = centre.alice.ui.windows.get("i")
    assert window is None or window.pending is None
    for answer in (centre.service.accept, centre.service.reject):
        with pytest.raises(InvitationClosed):
            answer(ticket, by="bob")


def test_d3_a_preview_without_the_privilege_to_decline_has_no_reject() -> None:
    """D3: whoever may not decline has no Reject on a preview, also on one that is on the screen already."""
    centre = Centre()
    request = centre.invite()
    assert centre.bob.ui.previews[centre.ticket(request)].can_reject
    centre.service.update_agent(Agent("bob", "Bob", privileges=WITHOUT_DECLINE))
    assert not centre.bob.ui.previews[centre.ticket(request)].can_reject
    with pytest.raises(NotPermitted):
        centre.service.reject(centre.ticket(request), by="bob")
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)


# D4


def test_d4_my_messages_are_newest_first() -> None:
    """D4: the newest entry of My Messages stands first, in the workspace and in the snapshot."""
    centre = Centre()
    for reason in ("one", "two", "three"):
        rejected(centre, reason)
        centre.clock.advance(timedelta(seconds=1))
    expected = ["three", "two", "one"]
    assert expected == [message.params["reason"] for message in centre.alice.workspace.my_messages]
    assert expected == [message.params["reason"] for message in centre.service.snapshot("alice").messages]
    assert () == centre.bob.workspace.my_messages


def test_d4_entries_that_come_together_are_newest_first() -> None:
    """D4: a workspace that hears of several entries at once lists them in the order they were made in."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LOST)
    reasons = [f"reason {number}" for number in range(12)]
    for reason in reasons:
        centre.service.reject(centre.offer(), by="bob", reason=reason)
        centre.clock.advance(timedelta(seconds=1))
    centre.service.tick()
    assert reasons[::-1] == [message.params["reason"] for message in centre.alice.workspace.my_messages]
    assert reasons == [message.params["reason"] for message in centre.alice.ui.messages.values()]


def test_d4_an_entry_has_its_time_its_priority_and_is_unread() -> None:
    """D4: an entry that nobody had shown yet is unread, urgent, and says when and about what."""
    centre = Centre()
    centre.clock.advance(timedelta(seconds=3))
    rejected(centre)
    (message,) = centre.alice.workspace.my_messages
    assert not message.read
    assert message.priority is Priority.HIGH
    assert ("alice", "i", centre.clock.now()) == (message.agent_id, message.interaction_id, message.at)


def test_d4_read_and_unread_are_shown_on_every_device() -> None:
    """D4: marking an entry read, or unread again, on one device shows on the other."""
    centre = Centre()
    device = Desk(centre.service, "alice")
    rejected(centre)
    (message,) = centre.alice.workspace.my_messages
    for read in (True, False):
        clear(centre.alice, device, centre.bob)
        centre.service.mark_read("alice", message.id, read)
        for desk in (centre.alice, device):
            assert ["show_message"] == names(desk)
            assert [read] == [entry.read for entry in desk.workspace.my_messages]
            assert read is desk.ui.messages[message.id].read
        assert [] == names(centre.bob)


def test_d4_marking_keeps_an_entry_in_its_place() -> None:
    """D4: reading an older entry does not move it."""
    centre = Centre()
    requests = [rejected(centre) for _ in range(3)]
    before = [message.id for message in centre.alice.workspace.my_messages]
    centre.service.mark_read("alice", before[1])
    assert before == [message.id for message in centre.alice.workspace.my_messages]
    assert [request.id for request in requests[::-1]] == [
        message.params["transfer"] for message in centre.alice.workspace.my_messages
    ]
    assert_true(centre.alice, centre.service)


def test_d4_marking_read_twice_shows_nothing_new() -> None:
    """D4: an entry that is read already is marked read again without a call."""
    centre = Centre()
    rejected(centre)
    (message,) = centre.alice.workspace.my_messages
    centre.service.mark_read("alice", message.id)
    clear(centre.alice)
    centre.service.mark_read("alice", message.id)
    assert [] == names(centre.alice)


def test_d4_a_deleted_entry_goes_from_every_device() -> None:
    """D4: an entry deleted on one device goes from the other too; the others stay, and the window keeps its error."""
    centre = Centre()
    device = Desk(centre.service, "alice")
    kept, gone = rejected(centre, "kept"), rejected(centre, "gone")
    clear(centre.alice, device)
    centre.service.delete_message("alice", gone.id)
    for desk in (centre.alice, device):
        assert [("remove_message", gone.id)] == desk.ui.calls
        assert [kept.id] == [message.params["transfer"] for message in desk.workspace.my_messages]
        assert [gone.id] == [notice.params["transfer"] for notice in desk.ui.errors.values()]


def test_d4_a_front_end_that_cannot_remove_entries_does_without() -> None:
    """D4: removing is a call that a front end need not have; the workspace forgets the entry all the same."""
    centre = Centre()
    ui = PlainUI()
    workspace = Workspace("alice", ui)
    centre.service.connect(workspace)
    first, second = rejected(centre), rejected(centre)
    centre.service.delete_message("alice", first.id)
    assert [first.id, second.id] == ui.messages
    assert [second.id] == [message.id for message in workspace.my_messages]


@pytest.mark.parametrize("who", ["bob", "alice"])
def test_d4_only_ones_own_entries_can_be_marked_or_deleted(who: str) -> None:
    """D4: an entry of somebody else, or one that is deleted, is not found, and nothing changes."""
    centre = Centre()
    rejected(centre)
    (message,) = centre.alice.workspace.my_messages
    if who == "alice":
        centre.service.delete_message("alice", message.id)
    before = [tuple(desk.ui.calls) for desk in centre.desks.values()]
    for _ in range(2):
        with pytest.raises(NotFound) as caught:
            centre.service.mark_read(who, message.id)
        assert ("message", message.id) == (caught.value.kind, caught.value.id)
        with pytest.raises(NotFound):
            centre.service.delete_message(who, message.id)
    assert before == [tuple(desk.ui.calls) for desk in centre.desks.values()]


# D5


def test_d5_each_change_is_told_once_and_to_the_people_concerned_only() -> None:
    """D5: one notice to the sender on each surface of each device, none to the invitee, no call for anybody else."""
    centre = Centre()
    device = Desk(centre.service, "alice")
    request = centre.invite()
    clear(*centre.desks.values(), device)
    centre.service.reject(centre.ticket(request), by="bob")
    centre.service.tick()
    for desk in (centre.alice, device):
        assert ["update_window", "show_error", "show_message"] == names(desk)
    assert ["dismiss_preview"] == names(centre.bob)
    assert [] == names(centre.carol)


def test_d5_a_later_change_does_not_tell_the_error_again() -> None:
    """D5: while an error stands at the top of a window, other changes of the window leave it there and are silent."""
    centre = Centre()
    refused = rejected(centre)
    clear(centre.alice)
    centre.service.receive_message("i", "Hello?")
    assert ["update_window"] == names(centre.alice)
    assert [refused.id] == [notice.params["transfer"] for notice in centre.alice.ui.errors.values()]


def test_d5_a_new_attempt_withdraws_what_the_window_said_of_the_last() -> None:
    """D5: the error of an earlier attempt goes when the next begins, on a device that is opened then too."""
    centre = Centre()
    rejected(centre)
    clear(centre.alice)
    centre.invite(CAROL)
    assert ["update_window"] == names(centre.alice)
    assert {} == centre.alice.ui.errors
    device = Desk(centre.service, "alice")
    assert {} == device.ui.errors
    assert ["open_window", "show_message"] == names(device)


def test_d5_the_error_of_the_next_attempt_is_shown_although_it_says_the_same() -> None:
    """D5: two rejections in a row are two changes, and each is told."""
    centre = Centre()
    first = rejected(centre)
    second = rejected(centre)
    shown = centre.alice.ui.called("show_error")
    assert [first.id, second.id] == [message.params["transfer"] for message in centre.alice.ui.messages.values()]
    assert [("i", message.notice) for message in centre.alice.ui.messages.values()] == shown
    assert {second.id} == {notice.params["transfer"] for notice in centre.alice.ui.errors.values()}


def test_d5_a_cancelled_or_accepted_transfer_leaves_no_error_behind() -> None:
    """D5: where a transfer ends well, or is taken back, nobody is told of a failure."""
    centre = Centre()
    rejected(centre)
    centre.service.cancel(centre.invite().id, by="alice")
    assert {} == centre.alice.ui.errors
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    assert {} == centre.bob.ui.errors
    assert () == centre.bob.workspace.my_messages
    assert 1 == len(centre.alice.workspace.my_messages)


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(
            lambda centre: centre.service.accept(centre.ticket(centre.invite(CAROL)), by="carol"), id="accept"
        ),
        pytest.param(lambda centre: centre.service.mark_done("i", by="alice"), id="mark done"),
    ],
)
def test_d5_no_entry_says_that_a_conversation_is_still_ones_own_when_it_is_not(
    lose: Callable[[Centre], object],
) -> None:
    """D5: what My Messages said of the ownership is withdrawn, or was never said, once it is not true any more."""
    centre = Centre()
    rejected(centre)
    lose(centre)
    assert {} == centre.alice.ui.windows
    assert [] == [entry.text for entry in centre.alice.workspace.my_messages if "still yours" in entry.text]


def test_d5_what_changes_nothing_on_the_screen_calls_nobody() -> None:
    """D5: a status change shows nothing on anybody's desktop."""
    centre = Centre()
    centre.invite()
    clear(*centre.desks.values())
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_do_not_disturb("alice", on=True)
    centre.service.tick()
    assert [[], [], []] == [names(desk) for desk in centre.desks.values()]


# D6


@pytest.mark.parametrize("code", sorted(WORDS))
def test_d6_every_text_is_made_of_its_code_and_parameters(code: str) -> None:
    """D6: each code has English words, and all that varies in them is a parameter."""
    params = {name: f"[{name}]" for name in PARAMETERS[code]}
    text = Notice(code, FrozenDict(params)).text
    assert WORDS[code].format(**params) == text
    assert all(value in text for value in params.values())


def test_d6_what_the_two_ends_read_has_codes_and_parameters() -> None:
    """D6: the preview, the error and the entry carry a code and the parameters that their words are made of."""
    centre = Centre()
    request = centre.invite(note="roof")
    (preview,) = centre.bob.ui.previews.values()
    assert preview.notice.code == "preview.transfer_with_note"
    expected = {"sender": "Alice", "media": "SMS", "contact": "Jane Roe", "note": "roof"}
    assert expected == dict(preview.notice.params)
    assert preview.text == preview.notice.text

    centre.service.reject(centre.ticket(request), by="bob", reason="busy")
    (message,) = centre.alice.workspace.my_messages
    assert message.code == "transfer.rejected_because"
    assert {"transfer": request.id, "target": "Bob", "reason": "busy"} == dict(message.params)
    assert message.text == message.notice.text == centre.alice.ui.errors["i"].text


@settings(max_examples=40)
@given(words=st.text(max_size=40))
def test_d6_words_of_an_agent_are_parameters_and_never_a_pattern(words: str) -> None:
    """D6: braces and all, what a person writes stands in the text as it was written."""
    centre = Centre()
    request = centre.invite(note=words)
    (preview,) = centre.bob.ui.previews.values()
    assert words in preview.text
    centre.service.reject(centre.ticket(request), by="bob", reason=words)
    assert words in centre.alice.ui.errors["i"].text


def test_e2_the_status_is_shown_on_every_device() -> None:
    """E2, D7: once each time it changes, wherever it was changed, and first of all when a desktop is opened."""
    centre = Centre()
    screens = [StatusUI(), StatusUI()]
    for screen in screens:
        centre.service.connect(Workspace("bob", screen))
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_do_not_disturb("bob", on=True)
    centre.service.log_out("bob")
    for screen in screens:
        assert [
            (ChannelStatus.READY, "", False),
            (ChannelStatus.NOT_READY, "lunch", False),
            (ChannelStatus.NOT_READY, "lunch", True),
            (ChannelStatus.LOGGED_OUT, "", True),
        ] == [(agent.status, agent.reason, agent.do_not_disturb) for agent in screen.agents]


def test_e2_a_workspace_knows_its_agent() -> None:
    """E2, D7: as last shown, whether or not the front end shows it; nothing before that."""
    centre = Centre()
    centre.service.set_not_ready("bob", "lunch")
    assert Workspace("bob", PlainUI()).agent is None
    assert centre.bob.workspace.agent == centre.service.agent("bob")


def test_t5_a_preview_tells_through_whom_it_came() -> None:
    """T5, Q1: the agent's own name, or the queue that they serve."""
    centre = Centre()
    centre.service.add_queue(Target.queue("lost"), ["bob"], name="Lost parcels")
    for target, name in ((Target.queue("lost"), "Lost parcels"), (Target.agent("bob"), "Bob")):
        request = centre.service.request_transfer("i", target, by="alice")
        (preview,) = centre.bob.workspace.previews.values()
        assert (target, name) == (preview.target, preview.to)
        centre.service.cancel(request.id, by="alice")


@pytest.mark.parametrize(("name", "read"), [("Alice", "Alice"), ("", "alice")])
def test_t5_a_preview_says_all_that_the_invitee_has_to_know(name: str, read: str) -> None:
    """T5: from whom, through whom, media, contact, note, case data, since when and until when; and what can be done."""
    centre = Centre(settings=WorkspaceSettings(preview_takes_focus=True))
    centre.service.update_agent(attrs.evolve(centre.service.agent("alice"), name=name))
    request = centre.invite(note="please")
    ticket = centre.ticket(request)

    assert {
        ticket: InteractionPreview(
            invitation_id=ticket,
            transfer_id=request.id,
            interaction_id="i",
            from_agent=read,
            sender="alice",
            target=BOB,
            to="Bob",
            media=Media.SMS,
            contact=CONTACT,
            note="please",
            case_data=centre.opened.case_data,
            waiting_since=centre.clock.now(),
            deadline=centre.clock.now() + TIMEOUT,
            can_reject=True,
            focus=True,
        )
    } == dict(centre.bob.workspace.previews)


def test_t4_a_window_says_all_that_is_pending() -> None:
    """T4: which transfer, to whom, and until when."""
    centre = Centre()
    request = centre.invite()

    assert (
        PendingTransfer(transfer_id=request.id, target=BOB, to="Bob", deadline=request.deadline)
        == centre.alice.workspace.windows["i"].pending
    )


def test_d5_what_a_window_said_of_a_transfer_goes_when_it_is_done() -> None:
    """D5, T13: of what is done nothing is left to be told."""
    centre = Centre()
    centre.service.reject(centre.ticket(centre.invite()), by="bob")
    assert centre.service.interaction("i").error is not None

    assert centre.service.mark_done("i", by="alice").error is None


def test_d5_a_conversation_begins_without_anything_to_tell() -> None:
    """D5: whatever a host has copied it from."""
    centre = Centre()
    said = Notice("transfer.expired", FrozenDict({"transfer": "t", "target": "Bob"}))

    opened = Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice", error=said)
    assert centre.service.open_interaction(opened).error is None
