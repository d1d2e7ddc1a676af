"""The workspace by itself: what it is made with, and what it is shown."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from sms_transfer import InvalidValue, Workspace
from sms_transfer.testing import RecordingUI
from support import Centre


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
    with pytest.raises(InvalidValue):
        Workspace("bob", ui).show(centre.service.snapshot("alice"))
    assert [] == ui.calls


def test_d7_what_is_offered_without_an_invitation_is_not_shown() -> None:
    """D7: a store that lists too much does no harm."""
    centre, ui = Centre(), RecordingUI()
    workspace = Workspace("bob", ui)
    snapshot = centre.service.snapshot("bob")
    odd = attrs.evolve(snapshot.desktop, offered=(centre.service.interaction("i"),))
    assert () == tuple(workspace.show(attrs.evolve(snapshot, desktop=odd)))
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
    gone = attrs.evolve(snapshot.desktop, interactions=(), about=frozenset(), about_messages=frozenset({"gone"}))
    workspace.show(attrs.evolve(snapshot, desktop=gone))
    assert [] == ui.calls
