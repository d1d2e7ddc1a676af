"""D7: a desktop shows the truth, whatever signals it missed, got twice, or got out of order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import (
    AGENTS,
    WITHOUT_DECLINE,
    Belfry,
    Fate,
    StumblingDesk,
    StumblingUI,
    assert_true,
    clear,
    names,
    rejected,
)
from sms_transfer import (
    Agent,
    CaseData,
    Interaction,
    InteractionPreview,
    InvalidValue,
    Media,
    NotFound,
    Privilege,
    Refused,
    TransferService,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer.testing import RecordingUI
from support import BOB, CONTACT, Centre, Desk

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
    ticket = centre.offer()
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
    ticket = centre.offer()
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
    centre.service.reject(centre.offer(), by="bob")
    centre.service.tick()
    assert [] == names(centre.bob)
    assert ["update_window", "show_error", "show_message"] == names(centre.alice)


def test_d7_a_doubled_ring_shows_nothing_twice() -> None:
    """D7: rings that come twice make each change visible once."""
    once, twice = Belfry(), Belfry()
    twice.bell.all_rings_are(Fate.DOUBLED)
    for centre in (once, twice):
        centre.service.reject(centre.offer(), by="bob")
        centre.service.accept(centre.offer(), by="bob")
        centre.service.tick()
    for agent_id in AGENTS:
        assert names(once.desks[agent_id]) == names(twice.desks[agent_id])
    twice.assert_all_true()


def test_d7_late_rings_out_of_order_bring_back_nothing_old() -> None:
    """D7: rings that come when all is over, and the wrong way round, show the end of the story only."""
    centre = Belfry()
    centre.bell.all_rings_are(Fate.LATE)
    clear(*centre.desks.values())
    centre.service.reject(centre.offer(), by="bob")
    centre.service.accept(centre.offer(), by="bob")
    assert [[], [], []] == [names(desk) for desk in centre.desks.values()]
    centre.bell.all_rings_are(Fate.HEARD)
    centre.bell.come_late()
    assert ["close_window", "show_message"] == names(centre.alice)
    assert ["open_window"] == names(centre.bob)
    centre.assert_all_true()


def test_d7_an_offer_replaced_unheard_is_replaced_on_the_screen() -> None:
    """D7: where a second offer of the same conversation has followed the one on the screen, only that one stays."""
    centre = Belfry()
    old = centre.offer()
    centre.bell.all_rings_are(Fate.LOST)
    centre.service.reject(old, by="bob")
    new = centre.offer()
    centre.service.tick()
    assert [new] == list(centre.bob.ui.previews)
    assert ["show_preview", "dismiss_preview", "show_preview"] == names(centre.bob)
    centre.assert_all_true()


def test_d7_a_bell_that_fails_fails_no_command() -> None:
    """D7: the command has had its effect, so its caller hears nothing of a broken bell; the tick shows it."""
    centre = Belfry()
    centre.bell.error = ConnectionError("no bell")
    ticket = centre.offer()
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
    ticket = centre.offer()
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
    centre.service.reject(centre.offer(), by="bob")
    (entry,) = centre.alice.workspace.my_messages
    centre.open("j")
    other = centre.service.request_transfer("j", BOB, by="alice")
    ticket = centre.offer()
    centre.bell.all_rings_are(Fate.LOST)
    centre.service.delete_message("alice", entry.id)
    centre.service.cancel(other.id, by="alice")
    for number in range(300):
        centre.service.update_case_data("i", {"count": number}, by="alice")
    centre.service.tick()
    assert [ticket] == list(centre.bob.ui.previews)
    assert CaseData({"tier": "gold", "count": 299}) == centre.bob.ui.previews[ticket].case_data
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
    assert 1 == len(waiting)  # the first refresh is on its way, and will see it all
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
    centre.offer()
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


@settings(max_examples=80, deadline=None)
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
