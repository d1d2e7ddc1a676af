"""The desktop, rule by rule: D1 to D7, and the connection that keeps it true."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    Answering,
    CaseData,
    ChannelStatus,
    Contact,
    FrozenDict,
    Interaction,
    InteractionPreview,
    InteractionState,
    InteractionWindow,
    InvalidValue,
    InvitationClosed,
    InvitationExpired,
    Media,
    NotFound,
    Notice,
    NotPermitted,
    OwnershipMoved,
    Priority,
    Privilege,
    Refused,
    StoreUnavailable,
    SystemMessage,
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
from sms_transfer.testing import ManualClock, RecordingUI
from support import BOB, CAROL, CONTACT, TIMEOUT, Centre, Desk

WITHOUT_DECLINE = frozenset(Privilege) - {Privilege.DECLINE}
AGENTS = ("alice", "bob", "carol")


def names(desk: Desk) -> list[str]:
    """The names of the calls of a front end, in order."""
    return [name for name, _ in desk.ui.calls]


def clear(*desks: Desk) -> None:
    """Forget what these front ends were called with so far."""
    for desk in desks:
        desk.ui.calls.clear()


def rejected(centre: Centre, reason: str = "") -> TransferRequest:
    """A transfer of ``"i"`` that Bob has rejected."""
    return centre.service.reject(centre.ticket(centre.invite()), by="bob", reason=reason)


def assert_true(desk: Desk, service: TransferService) -> None:
    """The desktop and its front end show what a desktop that is opened now would show (D7)."""
    fresh = Desk(service, desk.workspace.agent_id, desk.workspace.settings)
    fresh.connection.close()
    assert fresh.workspace.windows == desk.workspace.windows
    assert fresh.workspace.previews == desk.workspace.previews
    assert fresh.workspace.my_messages == desk.workspace.my_messages
    assert dict(desk.workspace.windows) == desk.ui.windows
    assert dict(desk.workspace.previews) == desk.ui.previews
    expected = {id_: window.error for id_, window in desk.workspace.windows.items() if window.error is not None}
    assert expected == desk.ui.errors
    assert desk.workspace.my_messages == tuple(reversed(desk.ui.messages.values()))


class Listening:
    """A place at the bell."""

    def __init__(self, bell: Bell, agent_id: str, wake: Callable[[], None]) -> None:
        self.bell = bell
        self.agent_id = agent_id
        self.wake = wake

    def close(self) -> None:
        if self in self.bell.listening:
            self.bell.listening.remove(self)


class Fate(Enum):
    """What becomes of a ring."""

    HEARD = "heard"
    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"


class Bell:
    """A `Messaging` whose rings are heard, lost, doubled or late, as a test wants it."""

    def __init__(self) -> None:
        self.listening: list[Listening] = []
        self.fates = dict.fromkeys(AGENTS, Fate.HEARD)
        self.late: list[Callable[[], None]] = []
        self.error: Exception | None = None

    def ring(self, agent_ids: Collection[str]) -> None:
        if self.error is not None:
            raise self.error
        for one in tuple(self.listening):
            if one.agent_id in agent_ids:
                self._meet(self.fates[one.agent_id], one.wake)

    def _meet(self, fate: Fate, wake: Callable[[], None]) -> None:
        if fate is Fate.LATE:
            self.late.append(wake)
        elif fate is not Fate.LOST:
            for _ in range(2 if fate is Fate.DOUBLED else 1):
                wake()

    def all_rings_are(self, fate: Fate) -> None:
        """Decide what becomes of every ring from now on."""
        self.fates = dict.fromkeys(AGENTS, fate)

    def come_late(self) -> None:
        """Deliver what is late, the last ring first."""
        late, self.late = self.late, []
        for wake in reversed(late):
            wake()

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Listening:
        one = Listening(self, agent_id, wake)
        self.listening.append(one)
        return one


class Belfry:
    """The usual agents, desktops and interaction, with a bell that a test has in hand."""

    def __init__(self, settings: WorkspaceSettings | None = None) -> None:
        self.bell = Bell()
        self.clock = ManualClock()
        self.service = TransferService(clock=self.clock, messaging=self.bell)
        self.desks: dict[str, Desk] = {}
        for agent_id in AGENTS:
            self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
            self.desks[agent_id] = Desk(self.service, agent_id, settings)
        self.open("i")

    @property
    def alice(self) -> Desk:
        return self.desks["alice"]

    @property
    def bob(self) -> Desk:
        return self.desks["bob"]

    @property
    def carol(self) -> Desk:
        return self.desks["carol"]

    def open(self, interaction_id: str) -> None:
        """Open an interaction of Alice's."""
        self.service.open_interaction(Interaction(interaction_id, media=Media.SMS, contact=CONTACT, owner="alice"))

    def invite(self) -> str:
        """Offer ``"i"`` to Bob; the ticket."""
        request = self.service.request_transfer("i", BOB, by="alice")
        assert request.invitation is not None
        return request.invitation.id

    def assert_all_true(self) -> None:
        """Every desktop shows the truth."""
        for desk in self.desks.values():
            assert_true(desk, self.service)


class StumblingUI(RecordingUI):
    """A front end that raises once, at the call that a test says; that call shows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls_until_stumble = -1

    def _step(self) -> None:
        self.calls_until_stumble -= 1
        if self.calls_until_stumble == -1:
            raise RuntimeError("+14155550123 said hello")

    def open_window(self, window: InteractionWindow) -> None:
        self._step()
        super().open_window(window)

    def update_window(self, window: InteractionWindow) -> None:
        self._step()
        super().update_window(window)

    def close_window(self, interaction_id: str) -> None:
        self._step()
        super().close_window(interaction_id)

    def show_preview(self, preview: InteractionPreview) -> None:
        self._step()
        super().show_preview(preview)

    def dismiss_preview(self, invitation_id: str) -> None:
        self._step()
        super().dismiss_preview(invitation_id)

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        self._step()
        super().show_error(interaction_id, notice)

    def show_message(self, message: SystemMessage) -> None:
        self._step()
        super().show_message(message)

    def remove_message(self, message_id: str) -> None:
        self._step()
        super().remove_message(message_id)


class StumblingDesk(Desk):
    """A desk with a front end that stumbles."""

    def __init__(self, service: TransferService, agent_id: str) -> None:
        self.stumbling = StumblingUI()
        self.ui = self.stumbling
        self.workspace = Workspace(agent_id, self.ui)
        self.connection = service.connect(self.workspace)


class PlainUI:
    """A front end with the calls that every one has, and no `remove_message`."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def open_window(self, window: InteractionWindow) -> None:
        pass

    def update_window(self, window: InteractionWindow) -> None:
        pass

    def close_window(self, interaction_id: str) -> None:
        pass

    def show_preview(self, preview: InteractionPreview) -> None:
        pass

    def dismiss_preview(self, invitation_id: str) -> None:
        pass

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        pass

    def show_message(self, message: SystemMessage) -> None:
        self.messages.append(message.id)


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
    centre.invite()
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
        centre.service.reject(centre.invite(), by="bob", reason=reason)
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
    centre.service.delete_message("alice", f"{gone.id}:outcome")
    for desk in (centre.alice, device):
        assert [("remove_message", f"{gone.id}:outcome")] == desk.ui.calls
        assert [kept.id] == [message.params["transfer"] for message in desk.workspace.my_messages]
        assert [gone.id] == [notice.params["transfer"] for notice in desk.ui.errors.values()]


def test_d4_a_front_end_that_cannot_remove_entries_does_without() -> None:
    """D4: removing is a call that a front end need not have; the workspace forgets the entry all the same."""
    centre = Centre()
    ui = PlainUI()
    workspace = Workspace("alice", ui)
    centre.service.connect(workspace)
    first, second = rejected(centre), rejected(centre)
    centre.service.delete_message("alice", f"{first.id}:outcome")
    assert [f"{first.id}:outcome", f"{second.id}:outcome"] == ui.messages
    assert [f"{second.id}:outcome"] == [message.id for message in workspace.my_messages]


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


# D7


def test_d7_a_workspace_that_opens_shows_what_is() -> None:
    """D7: windows with their error, live previews and My Messages are all there when a workspace is opened."""
    centre = Centre()
    centre.service.receive_message("i", "Hello?")
    refused = rejected(centre)
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="carol"))
    offered = centre.service.request_transfer("j", BOB.agent("alice"), by="carol")

    device = Desk(centre.service, "alice")
    assert ["i"] == list(device.ui.windows)
    assert centre.service.transcript("i") == device.ui.windows["i"].transcript
    assert [centre.ticket(offered)] == list(device.ui.previews)
    assert [refused.id] == [notice.params["transfer"] for notice in device.ui.errors.values()]
    assert [refused.id] == [message.params["transfer"] for message in device.workspace.my_messages]
    assert_true(centre.alice, centre.service)


def test_d7_a_workspace_that_reconnects_is_shown_the_differences_only() -> None:
    """D7: the same workspace connected again is brought up to date, and shown nothing that it shows already."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    centre.service.receive_message("j", "Hello?")
    refused = centre.service.request_transfer("j", BOB, by="alice")
    centre.service.reject(centre.ticket(refused), by="bob")
    centre.alice.connection.close()
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    clear(centre.alice)
    connection = centre.service.connect(centre.alice.workspace)
    assert [("close_window", "i")] == centre.alice.ui.calls
    connection.close()
    clear(centre.alice)
    centre.service.connect(centre.alice.workspace)
    assert [] == centre.alice.ui.calls
    assert_true(centre.alice, centre.service)


def test_d7_a_whole_snapshot_over_what_is_shown_already_shows_nothing_new() -> None:
    """D7: a snapshot with every text, shown twice, adds no text, no preview and no entry a second time."""
    centre = Centre()
    centre.service.receive_message("i", "Hello?")
    rejected(centre)
    centre.invite()
    clear(*centre.desks.values())
    for agent_id, desk in centre.desks.items():
        assert () == tuple(desk.workspace.show(centre.service.snapshot(agent_id)))
        assert [] == names(desk)
        assert_true(desk, centre.service)


def test_d7_a_snapshot_of_somebody_else_is_refused() -> None:
    """D7: a workspace never shows another agent's desktop."""
    centre = Centre()
    before = list(centre.bob.ui.calls)
    with pytest.raises(InvalidValue) as caught:
        centre.bob.workspace.show(centre.service.snapshot("alice"))
    assert caught.value.field == "snapshot"
    assert before == centre.bob.ui.calls


def test_d7_a_window_opened_for_the_second_time_has_the_whole_transcript() -> None:
    """D7: a conversation that went away and came back is shown with every text, those of the absence included."""
    centre = Centre()
    centre.service.receive_message("i", "one")
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    centre.service.receive_message("i", "two")
    back = centre.invite(BOB.agent("alice"), by="bob")
    centre.service.receive_message("i", "three")
    centre.service.accept(centre.ticket(back), by="alice")
    assert ["one", "two", "three"] == [text.text for text in centre.alice.ui.windows["i"].transcript]
    assert {} == centre.bob.ui.windows


def test_d7_two_devices_of_one_agent_show_the_same() -> None:
    """D7: whichever device an agent answers on, both lose the preview and open the window."""
    centre = Centre()
    device = Desk(centre.service, "bob")
    request = centre.invite()
    assert [centre.ticket(request)] == list(centre.bob.ui.previews) == list(device.ui.previews)
    centre.service.accept(centre.ticket(request), by="bob")
    assert centre.bob.ui.calls == device.ui.calls
    assert ["show_preview", "dismiss_preview", "open_window"] == names(device)
    assert {} == centre.alice.ui.windows


def test_d7_a_change_of_case_data_shows_in_the_window_and_in_the_preview() -> None:
    """D7: what the sender changes while an invitation is out is shown to both, and still under the same ticket."""
    centre = Centre()
    device = Desk(centre.service, "bob", WorkspaceSettings(preview_case_data=frozenset({"other"})))
    request = centre.invite()
    clear(*centre.desks.values(), device)
    centre.service.update_case_data("i", {"tier": None, "order": 42}, by="alice")
    assert ["update_window"] == names(centre.alice)
    assert ["show_preview"] == names(centre.bob)
    assert CaseData({"order": 42}) == centre.bob.ui.previews[centre.ticket(request)].case_data
    assert CaseData({"order": 42}) == centre.alice.ui.windows["i"].interaction.case_data
    assert [] == names(device)  # what it selects is as it was
    centre.service.accept(centre.ticket(request), by="bob")
    assert CaseData({"order": 42}) == centre.bob.ui.windows["i"].interaction.case_data


def test_d7_a_lost_ring_is_made_good_by_the_next() -> None:
    """D7: what a ring that was lost would have told is shown at the next one, together with what that tells."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LOST)
    ticket = centre.invite()
    assert {} == centre.bob.ui.previews
    centre.bell.all_rings_are(Fate.HEARD)
    centre.service.set_note("i", "hello", by="alice")
    assert [ticket] == list(centre.bob.ui.previews)
    assert centre.alice.ui.windows["i"].pending is not None
    centre.assert_all_true()


def test_d7_lost_rings_are_made_good_by_the_tick() -> None:
    """D7: where every ring is lost, the next tick shows it."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LOST)
    ticket = centre.invite()
    centre.service.tick()
    assert [ticket] == list(centre.bob.ui.previews)
    centre.service.accept(ticket, by="bob")
    assert ["i"] == list(centre.alice.ui.windows)
    centre.service.tick()
    assert {} == centre.alice.ui.windows
    assert ["i"] == list(centre.bob.ui.windows)


def test_d7_an_invitation_that_came_and_went_unheard_is_never_shown() -> None:
    """D7: a workspace shows what is, not what was: no preview of an offer that is closed when it looks."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LOST)
    clear(*centre.desks.values())
    centre.service.reject(centre.invite(), by="bob")
    centre.service.tick()
    assert [] == names(centre.bob)
    assert ["update_window", "show_error", "show_message"] == names(centre.alice)


def test_d7_a_doubled_ring_shows_nothing_twice() -> None:
    """D7: rings that come twice make each change visible once."""
    once, twice = Belfry(), Belfry()
    twice.bell.all_rings_are(Fate.DOUBLED)
    for centre in (once, twice):
        centre.service.reject(centre.invite(), by="bob")
        centre.service.accept(centre.invite(), by="bob")
        centre.service.tick()
    for agent_id in AGENTS:
        assert names(once.desks[agent_id]) == names(twice.desks[agent_id])
    twice.assert_all_true()


def test_d7_late_rings_out_of_order_bring_back_nothing_old() -> None:
    """D7: rings that come when all is over, and the wrong way round, show the end of the story only."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LATE)
    clear(*centre.desks.values())
    centre.service.reject(centre.invite(), by="bob")
    centre.service.accept(centre.invite(), by="bob")
    assert [[], [], []] == [names(desk) for desk in centre.desks.values()]
    centre.bell.all_rings_are(Fate.HEARD)
    centre.bell.come_late()
    assert ["close_window", "show_message"] == names(centre.alice)
    assert ["open_window"] == names(centre.bob)
    centre.assert_all_true()


def test_d7_an_offer_replaced_unheard_is_replaced_on_the_screen() -> None:
    """D7: where a second offer of the same conversation has followed the one on the screen, only that one stays."""
    centre = Belfry()
    old = centre.invite()
    centre.bell.all_rings_are(Fate.LOST)
    centre.service.reject(old, by="bob")
    new = centre.invite()
    centre.service.tick()
    assert [new] == list(centre.bob.ui.previews)
    assert ["show_preview", "dismiss_preview", "show_preview"] == names(centre.bob)
    centre.assert_all_true()


def test_d7_a_bell_that_fails_fails_no_command() -> None:
    """D7: the command has had its effect, so its caller hears nothing of a broken bell; the tick shows it."""
    centre = Belfry()
    centre.bell.error = ConnectionError("no bell")
    ticket = centre.invite()
    assert "bob" == centre.service.accept(ticket, by="bob").owner
    assert ["i"] == list(centre.alice.ui.windows)
    centre.service.tick()
    centre.assert_all_true()


@pytest.mark.parametrize("behind", [1, 255, 256, 257, 300])
def test_d7_a_workspace_however_far_behind_is_brought_up_to_date(behind: int) -> None:
    """D7: after hundreds of changes unheard, what went is taken away and what came is shown, texts in order."""
    centre = Belfry()
    centre.open("j")
    centre.service.receive_message("i", "before")
    ticket = centre.invite()
    centre.bell.all_rings_are(Fate.LOST)
    centre.service.mark_done("j", by="alice")  # 1 for Alice
    for number in range(behind - 1):
        centre.service.receive_message("i", f"text {number}")
    centre.service.tick()
    assert ["i"] == list(centre.alice.ui.windows)
    shown = [text.text for text in centre.alice.ui.windows["i"].transcript]
    assert ["before", *(f"text {number}" for number in range(behind - 1))] == shown
    assert [ticket] == list(centre.bob.ui.previews)
    centre.assert_all_true()


def test_d7_an_invitee_far_behind_loses_what_is_closed() -> None:
    """D7: a preview whose end lies more changes back than are remembered goes, and so do deleted entries."""
    centre = Belfry()
    centre.service.reject(centre.invite(), by="bob")
    (entry,) = centre.alice.workspace.my_messages
    centre.open("j")
    other = centre.service.request_transfer("j", BOB, by="alice")
    ticket = centre.invite()
    centre.bell.all_rings_are(Fate.LOST)
    centre.service.delete_message("alice", entry.id)
    centre.service.cancel(other.id, by="alice")
    for number in range(300):
        centre.service.update_case_data("i", {"count": number}, by="alice")
    centre.service.tick()
    assert [ticket] == list(centre.bob.ui.previews)
    assert CaseData({"count": 299}) == centre.bob.ui.previews[ticket].case_data
    assert () == centre.alice.workspace.my_messages
    assert {} == centre.alice.ui.messages
    centre.assert_all_true()


# the connection


def test_d7_a_front_end_that_raises_stops_nobody_and_is_shown_everything_next() -> None:
    """D7: a stumbling front end fails no command and no other desktop, and the next change puts all of it right."""
    centre = Centre()
    desk = StumblingDesk(centre.service, "bob")
    desk.stumbling.calls_until_stumble = 0
    request = centre.invite()
    assert {} == desk.ui.previews
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)
    assert centre.alice.ui.windows["i"].pending is not None
    centre.service.update_case_data("i", {"tier": "none"}, by="alice")
    assert [centre.ticket(request)] == list(desk.ui.previews)
    assert_true(desk, centre.service)


def test_d7_what_a_front_end_raises_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """D7: the failure is logged by type; the message of the error may hold a text or a number, and is not (A6)."""
    centre = Centre()
    desk = StumblingDesk(centre.service, "alice")
    desk.stumbling.calls_until_stumble = 0
    centre.service.receive_message("i", "Hello?")
    assert "RuntimeError" in caplog.text
    assert "alice" in caplog.text
    assert "+1415" not in caplog.text
    assert "hello" not in caplog.text


CALLS_IN_STORY = 17


def story(centre: Centre) -> None:
    """A conversation in which Alice's front end is called in every way there is."""
    service = centre.service
    service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="bob"))
    service.receive_message("i", "Hello?")
    rejected(centre)
    service.mark_read("alice", centre.service.snapshot("alice").messages[0].id)
    offered = service.request_transfer("j", BOB.agent("alice"), by="bob")
    service.receive_message("j", "Hello?")
    service.accept(centre.ticket(offered), by="alice")
    rejected(centre)
    service.delete_message("alice", centre.service.snapshot("alice").messages[-1].id)
    service.accept(centre.ticket(centre.invite()), by="bob")
    service.receive_message("j", "Still there?")


def test_d7_the_story_calls_every_method_of_a_front_end() -> None:
    """D7: the story that the next test stumbles through leaves no call out."""
    centre = Centre()
    story(centre)
    assert {name for name in vars(StumblingUI) if not name.startswith("_")} == set(names(centre.alice))
    assert CALLS_IN_STORY == len(centre.alice.ui.calls) - 1  # the first was made before it began


@pytest.mark.parametrize("step", range(CALLS_IN_STORY))
def test_d7_a_front_end_may_stumble_anywhere(step: int) -> None:
    """D7: at whichever call a front end raises, the changes after it leave the truth on the screen."""
    centre = Centre()
    desk = StumblingDesk(centre.service, "alice")
    desk.stumbling.calls_until_stumble = step
    story(centre)
    centre.service.tick()
    assert desk.stumbling.calls_until_stumble < 0  # it did
    assert_true(desk, centre.service)


def test_d7_dispatch_runs_the_front_ends_part_where_it_is_wanted() -> None:
    """D7: with a dispatch nothing is shown until that runs it, and then what is true at that time."""
    centre = Centre()
    waiting: list[Callable[[], None]] = []
    ui = RecordingUI()
    centre.service.connect(Workspace("bob", ui), dispatch=waiting.append)
    request = centre.invite()
    centre.service.accept(centre.ticket(request), by="bob")
    assert [] == ui.calls
    assert len(waiting) >= 2
    for job in waiting:
        job()
    assert ["open_window"] == [name for name, _ in ui.calls]
    assert {} == centre.alice.ui.windows


def test_d7_a_dispatch_that_raises_fails_no_command(caplog: pytest.LogCaptureFixture) -> None:
    """D7: whatever a dispatch raises stays away from whoever caused the change, and is logged."""
    centre = Centre()

    def dispatch(_: Callable[[], None]) -> None:
        raise RuntimeError("the loop is closed")

    ui = RecordingUI()
    centre.service.connect(Workspace("bob", ui), dispatch=dispatch)
    request = centre.invite()
    assert [centre.ticket(request)] == list(centre.bob.ui.previews)
    assert [] == ui.calls
    assert "RuntimeError" in caplog.text
    assert "the loop is closed" not in caplog.text


def test_d7_a_closed_connection_shows_nothing_more() -> None:
    """D7: after close, and a second close, neither a change nor a tick nor a late ring reaches the front end."""
    centre = Belfry()
    centre.bell.fates["bob"] = Fate.LATE
    centre.invite()
    clear(centre.bob)
    centre.bob.connection.close()
    centre.bob.connection.close()
    centre.bell.come_late()
    centre.service.set_note("i", "hello", by="alice")
    centre.service.tick()
    centre.bob.connection.wake()
    assert [] == names(centre.bob)
    assert [] == [one for one in centre.bell.listening if one.agent_id == "bob"]


def test_d7_closing_one_device_leaves_the_other_connected() -> None:
    """D7: each device has a connection of its own."""
    centre = Centre()
    device = Desk(centre.service, "bob")
    centre.bob.connection.close()
    request = centre.invite()
    assert {} == centre.bob.ui.previews
    assert [centre.ticket(request)] == list(device.ui.previews)


def test_d7_a_front_end_may_close_its_connection_while_it_is_called() -> None:
    """D7: a front end that closes the connection from within a call is not called for later changes."""
    centre = Centre()

    class ClosingUI(RecordingUI):
        def show_preview(self, preview: InteractionPreview) -> None:
            super().show_preview(preview)
            connection.close()

    ui = ClosingUI()
    connection = centre.service.connect(Workspace("bob", ui))
    centre.service.cancel(centre.invite().id, by="alice")
    assert ["show_preview"] == [name for name, _ in ui.calls]
    assert ["show_preview", "dismiss_preview"] == names(centre.bob)


def test_d7_a_front_end_may_give_commands_while_it_is_called() -> None:
    """D7: an answer from within a call has its effect at once, and is shown after what was being shown."""
    centre = Centre()
    centre.bob.connection.close()

    class EagerUI(RecordingUI):
        def show_preview(self, preview: InteractionPreview) -> None:
            super().show_preview(preview)
            centre.service.accept(preview.invitation_id, by="bob")

    ui = EagerUI()
    centre.service.connect(Workspace("bob", ui))
    centre.invite()
    assert ["show_preview", "dismiss_preview", "open_window"] == [name for name, _ in ui.calls]
    assert {} == centre.alice.ui.windows
    assert centre.owner == "bob"


def test_d7_an_agent_nobody_knows_cannot_be_connected() -> None:
    """D7: a workspace of an unknown agent is refused and not left half connected."""
    centre = Belfry()
    with pytest.raises(NotFound):
        centre.service.connect(Workspace("nobody", RecordingUI()))
    assert list(AGENTS) == [one.agent_id for one in centre.bell.listening]


# anything at all

Step = Callable[[TransferService, str, str], object]


def _request(service: TransferService, who: str, id_: str) -> None:
    service.request_transfer(id_, BOB.agent(who), by=str(service.interaction(id_).owner), note="please")


def _accept(service: TransferService, _: str, id_: str) -> None:
    if (invitation := service.interaction(id_).live_invitation) is not None:
        service.accept(invitation.id, by=invitation.invitee)


def _reject(service: TransferService, _: str, id_: str) -> None:
    if (invitation := service.interaction(id_).live_invitation) is not None:
        service.reject(invitation.id, by=invitation.invitee)


def _cancel(service: TransferService, _: str, id_: str) -> None:
    if (transfer := service.interaction(id_).transfer) is not None:
        service.cancel(transfer.id, by=transfer.sender)


def _leave(service: TransferService, who: str, _: str) -> None:
    service.log_out(who)
    service.log_in(who)
    service.set_ready(who)


def _read(service: TransferService, who: str, _: str) -> None:
    for message in service.snapshot(who).messages[:1]:
        service.mark_read(who, message.id, not message.read)


def _delete(service: TransferService, who: str, _: str) -> None:
    for message in service.snapshot(who).messages[-1:]:
        service.delete_message(who, message.id)


def _may_decline(service: TransferService, who: str, _: str) -> None:
    both = {frozenset(Privilege): WITHOUT_DECLINE, WITHOUT_DECLINE: frozenset(Privilege)}
    service.update_agent(Agent(who, who.title(), privileges=both[service.agent(who).privileges]))


STEPS: tuple[Step, ...] = (
    _request,
    _accept,
    _reject,
    _cancel,
    _leave,
    _read,
    _delete,
    _may_decline,
    lambda service, _, id_: service.receive_message(id_, "Hello?"),
    lambda service, who, id_: service.reply(id_, "Yes?", by=who),
    lambda service, who, id_: service.update_case_data(id_, {"by": who}, by=str(service.interaction(id_).owner)),
    lambda service, who, id_: service.mark_done(id_, by=who),
    lambda service, _, __: service.expire_due(),
)
"""What can happen to an agent or an interaction."""


@settings(max_examples=80)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.sampled_from(AGENTS),
            st.sampled_from(["i", "j"]),
            st.fixed_dictionaries({agent_id: st.sampled_from(Fate) for agent_id in AGENTS}),
            st.integers(0, 20),
        ),
        max_size=25,
    )
)
def test_d7_whatever_happens_and_whatever_is_heard_of_it_every_desktop_shows_the_truth(
    steps: list[tuple[Step, str, str, dict[str, Fate], int]],
) -> None:
    """D7: partial or full, after any story and any fate of its rings, each desktop is as one opened at the end."""
    centre = Belfry()
    centre.open("j")
    for step, who, interaction_id, fates, seconds in steps:
        centre.bell.fates = fates
        centre.clock.advance(timedelta(seconds=seconds))
        try:
            step(centre.service, who, interaction_id)
        except Refused:
            continue
    centre.bell.all_rings_are(Fate.HEARD)
    centre.bell.come_late()
    centre.service.tick()
    centre.assert_all_true()
