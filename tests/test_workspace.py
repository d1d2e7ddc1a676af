"""The workspace by itself: what it is made with, and what it is shown."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from floor import Floor
from sms_transfer import (
    Agent,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    InvalidValue,
    Media,
    Notice,
    Snapshot,
    SystemMessage,
    Transcript,
    Workspace,
)
from sms_transfer.testing import RecordingUI
from support import ALICE, CONTACT, Centre


def _changed(snapshot: Snapshot, **desktop: Any) -> Snapshot:
    """This snapshot with another desktop."""
    return attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, **desktop))


@pytest.mark.parametrize(
    ("arguments", "field"), [(("", None), "agent_id"), ((5, None), "agent_id"), (("bob", "loud"), "settings")]
)
def test_a8_a_workspace_needs_an_agent_and_settings(arguments: tuple[Any, Any], field: str) -> None:
    """A8: an agent's id, and settings or None."""
    agent_id, settings = arguments
    with pytest.raises(InvalidValue) as caught:
        Workspace(agent_id, RecordingUI(), settings)
    assert field == caught.value.field


def test_a8_a_workspace_shows_its_own_agent_only() -> None:
    """A8: another agent's snapshot is refused, and nothing is shown."""
    centre, ui = Centre(), RecordingUI()
    workspace = Workspace("bob", ui)
    others: list[Any] = [centre.service.snapshot("alice"), None]
    for snapshot in others:
        with pytest.raises(InvalidValue) as caught:
            workspace.show(snapshot)
        assert "snapshot" == caught.value.field
    assert [] == ui.calls
    assert () == workspace.wanted


def test_d7_what_is_offered_without_an_invitation_is_not_shown() -> None:
    """D7: a store that lists too much does no harm."""
    centre, ui = Centre(), RecordingUI()
    workspace = Workspace("bob", ui)
    odd = _changed(centre.service.snapshot("bob"), offered=(centre.service.interaction("i"),))
    assert () == tuple(workspace.show(odd))
    assert [] == ui.calls


def test_d7_a_workspace_says_which_texts_it_has() -> None:
    """D7: texts that are shown need not be fetched again."""
    centre = Centre()
    centre.service.receive_message("i", "one")
    centre.service.receive_message("i", "two")
    assert {"i": 2} == dict(centre.alice.workspace.known_texts)
    assert 1 == len(centre.alice.workspace.known_texts)
    assert {} == dict(centre.bob.workspace.known_texts)


def test_d7_an_entry_that_came_and_went_unheard_is_no_concern() -> None:
    """D7, D4: an entry that was deleted before this desktop heard of it is neither shown nor removed."""
    centre = Centre()
    snapshot, ui = centre.service.snapshot("alice"), RecordingUI()
    workspace = Workspace("alice", ui)
    workspace.show(snapshot)
    ui.calls.clear()
    workspace.show(_changed(snapshot, interactions=(), about=frozenset(), about_messages=frozenset({"gone"})))
    assert [] == ui.calls


class Stubborn(RecordingUI):
    """A front end of which one method fails when it is called for the first time."""

    def __init__(self, fails: str = "") -> None:
        super().__init__()
        self.fails = fails

    def _work(self, name: str) -> None:
        if name == self.fails:
            self.fails = ""
            raise ZeroDivisionError(name)

    def show_agent(self, agent: Agent) -> None:
        self._work("show_agent")
        self.calls.append(("show_agent", agent))

    def open_window(self, window: InteractionWindow) -> None:
        self._work("open_window")
        super().open_window(window)

    def update_window(self, window: InteractionWindow) -> None:
        self._work("update_window")
        super().update_window(window)

    def close_window(self, interaction_id: str) -> None:
        self._work("close_window")
        super().close_window(interaction_id)

    def show_preview(self, preview: InteractionPreview) -> None:
        self._work("show_preview")
        super().show_preview(preview)

    def dismiss_preview(self, invitation_id: str) -> None:
        self._work("dismiss_preview")
        super().dismiss_preview(invitation_id)

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        self._work("show_error")
        super().show_error(interaction_id, notice)

    def show_message(self, message: SystemMessage) -> None:
        self._work("show_message")
        super().show_message(message)

    def remove_message(self, message_id: str) -> None:
        self._work("remove_message")
        super().remove_message(message_id)


def _snapshots() -> list[Snapshot]:
    """Alice has a window with an error, an offer and an entry; then what was there changes; then it goes."""
    centre = Centre()
    service = centre.service
    request = centre.invite()
    service.reject(centre.ticket(request), by="bob", reason="busy")
    service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="bob"))
    offer = service.request_transfer("j", ALICE, by="bob")
    found = [service.snapshot("alice")]
    service.receive_message("i", "Hello?")
    service.set_do_not_disturb("alice", on=True)
    found.append(service.snapshot("alice"))
    service.cancel(offer.id, by="bob")
    service.delete_message("alice", request.id)
    service.mark_done("i", by="alice")
    return [*found, service.snapshot("alice")]


CALLS = [name for name in vars(Stubborn) if not name.startswith("_")]


def _raised(workspace: Workspace, snapshot: Snapshot) -> ZeroDivisionError | None:
    try:
        workspace.show(snapshot)
    except ZeroDivisionError as error:
        return error
    return None


def _told(ui: RecordingUI) -> list[str]:
    return sorted(f"{name} {argument}" for name, argument in ui.calls)


@pytest.mark.parametrize("method", CALLS)
def test_d7_what_a_front_end_does_not_take_hides_nothing_else_and_is_shown_again(method: str) -> None:
    """D7: its error comes back when everything else is shown, and the next look shows what is missing, and no more."""
    calm, ui = Stubborn(), Stubborn(method)
    shown, workspace = Workspace("alice", calm), Workspace("alice", ui)
    failed = 0
    for snapshot in _snapshots():
        shown.show(snapshot)
        error = _raised(workspace, snapshot)
        if error is not None:
            failed += 1
            assert (method,) == error.args
            missing = [call for call in _told(calm) if call not in _told(ui)]
            assert all(call.startswith((method, "show_error")) for call in missing)
            workspace.show(snapshot)
        assert _told(calm) == _told(ui)
    assert 1 == failed


def test_d7_each_look_is_told_once() -> None:
    """D7: what is shown already is not shown again, and an offer that lasts is not taken away."""
    ui = Stubborn()
    workspace = Workspace("alice", ui)
    told = []
    for snapshot in _snapshots():
        for _ in range(2):
            workspace.show(snapshot)
            told.append([name for name, _ in ui.calls])
            ui.calls.clear()

    assert [
        ["show_agent", "open_window", "show_error", "show_preview", "show_message"],
        [],
        ["show_agent", "update_window"],
        [],
        ["close_window", "dismiss_preview", "remove_message"],
        [],
    ] == told


def test_t6_an_error_is_told_again_when_it_comes_back() -> None:
    """T6: a store may lag, and show what was there before: each time the window has the error, it is told."""
    first = _snapshots()[0]
    [interaction] = first.desktop.interactions
    ui = Stubborn()
    workspace = Workspace("alice", ui)
    workspace.show(first)
    workspace.show(_changed(first, interactions=()))
    workspace.show(first)
    assert 2 == len(ui.errors_told)
    workspace.show(_changed(first, interactions=(attrs.evolve(interaction, error=None),)))
    workspace.show(first)
    assert 3 == len(ui.errors_told)


def test_d7_texts_are_put_together_as_they_come() -> None:
    """D7: what is not told stays, what is new is added, and what the store does not have is taken back."""
    later = _snapshots()[1]
    ui = Stubborn()
    workspace = Workspace("alice", ui)
    workspace.show(later)
    shown = [len(ui.windows["i"].transcript)]
    for transcripts in (
        {},
        {"i": Transcript(1, ())},
        {"i": Transcript(0, ())},
        {},
        {"i": later.desktop.transcripts["i"]},
    ):
        workspace.show(_changed(later, transcripts=transcripts))
        shown.append(len(ui.windows["i"].transcript))

    assert [1, 1, 1, 0, 0, 1] == shown


def test_d7_what_is_offered_and_still_looks_for_an_agent_is_not_shown() -> None:
    """D7: whose invitation is over is not invited, whatever the store lists."""
    floor, ui = Floor(members=["bob"]), RecordingUI()
    floor.unready("bob")
    floor.ask()
    Workspace("bob", ui).show(_changed(floor.service.snapshot("bob"), offered=(floor.service.interaction("i"),)))

    assert [] == ui.calls
