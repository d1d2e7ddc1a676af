"""Who counts as gone, to the second (T9)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from web_desktop.presence import Presence

pytestmark = pytest.mark.desktop

TEN = timedelta(seconds=10)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have seconds pass, for whoever asks what time it is."""
    began, passed = time.time(), [0.0]
    monkeypatch.setattr(time, "time", lambda: began + passed[0])

    def passing(seconds: float) -> None:
        passed[0] += seconds

    return passing


def test_t9_an_agent_without_a_window_is_gone_when_the_time_is_over_and_not_before(
    tmp_path: Path, wait: Callable[[float], None]
) -> None:
    """T9: and is told of until that is known, and not after."""
    presence = Presence(tmp_path / "seen", TEN)
    with presence.window("bob"):
        pass

    wait(9)
    assert [] == presence.gone()
    wait(2)
    assert ["bob"] == presence.gone()
    assert ["bob"] == presence.gone()
    presence.forget("bob")
    assert [] == presence.gone()


def test_t9_an_agent_with_a_window_is_not_gone(tmp_path: Path, wait: Callable[[float], None]) -> None:
    """T9: with one of two left, at whichever server."""
    here, there = Presence(tmp_path / "seen", TEN), Presence(tmp_path / "seen", TEN)
    with there.window("bob"):
        with here.window("bob"), there.window("bob"):
            pass
        wait(11)
        assert [] == there.gone()
        assert [] == here.gone()


def test_t9_an_agent_who_has_come_back_is_not_forgotten(tmp_path: Path, wait: Callable[[float], None]) -> None:
    """T9: they open a window while it is being told that they were gone."""
    presence = Presence(tmp_path / "seen", TEN)
    with presence.window("bob"):
        pass
    wait(11)
    assert ["bob"] == presence.gone()
    with presence.window("bob"):
        presence.forget("bob")
        assert ["bob"] == [file.name for file in (tmp_path / "seen").iterdir()]


def test_t9_nobody_is_gone_who_could_not_have_come_back_yet(tmp_path: Path, wait: Callable[[float], None]) -> None:
    """T9, F4: a server that was down for an hour gives everybody their time first."""
    with Presence(tmp_path / "seen", TEN).window("bob"):
        pass
    wait(3_600)

    restarted = Presence(tmp_path / "seen", TEN)

    assert [] == restarted.gone()
    wait(11)
    assert ["bob"] == restarted.gone()


def test_t9_two_servers_may_notice_it_at_once(
    tmp_path: Path, wait: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T9: what another server has noticed is no fault of this one."""
    presence = Presence(tmp_path / "seen", TEN)
    wait(11)
    monkeypatch.setattr(Path, "iterdir", lambda directory: iter([directory / "bob"]))

    assert [] == presence.gone()
