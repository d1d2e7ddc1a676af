"""Commands and events as values: they are compared by what is in them, and show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sms_transfer import InteractionOpened, Media
from sms_transfer.core.commands import LogIn, LogOut, SetReady

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_f5_records_are_compared_by_kind_and_content() -> None:
    """F5: two of different kinds are never equal, even with the same content."""
    assert LogIn("bob") == LogIn("bob")
    assert LogIn("bob") != LogIn("carol")
    assert LogIn("bob") != SetReady("bob")
    assert LogIn("bob") != "bob"
    assert len({LogIn("bob"), LogIn("bob"), SetReady("bob")}) == 2


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: LogOut("bob"), "LogOut(agent_id='bob', disconnected=False)"),
        (
            lambda: InteractionOpened(interaction_id="i", at=NOW, by=None, owner="alice", media=Media.SMS, epoch=0),
            f"InteractionOpened(interaction_id='i', at={NOW!r}, by=None, owner='alice', media={Media.SMS!r}, epoch=0)",
        ),
    ],
)
def test_a1_records_show_their_fields(make: Callable[[], object], shown: str) -> None:
    """A1: as attrs would write them."""
    assert shown == repr(make())
