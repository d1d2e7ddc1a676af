"""What one process has by itself: the doorbell (`test_conformance` shows the rest of it), the clock and the ids."""

from __future__ import annotations

import logging
from datetime import UTC
from threading import get_ident

import pytest

from sms_transfer.adapters.in_process import InProcessMessaging, RandomIds, SystemClock


def test_d5_a_ring_has_been_heard_when_it_returns() -> None:
    """D5: by each listener of these agents once, in the thread that rings."""
    doorbell = InProcessMessaging()
    woken: list[tuple[str, int]] = []
    for name in ("alice", "alice", "bob", "carol"):
        doorbell.listen(name, lambda name=name: woken.append((name, get_ident())))  # type: ignore[misc] # bound at once

    doorbell.ring(["alice", "bob", "nobody"])

    assert [(name, get_ident()) for name in ("alice", "alice", "bob")] == woken


def test_d5_what_a_listener_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """D5, A6: without its words, and whoever rings hears nothing of it."""
    doorbell = InProcessMessaging()

    def stumble() -> None:
        raise RuntimeError("+14155550123 said hello")

    doorbell.listen("alice", stumble)
    with caplog.at_level(logging.ERROR, logger="sms_transfer"):
        doorbell.ring(["alice"])

    assert "could not wake a listener of agent alice: RuntimeError" in caplog.text
    assert "said hello" not in caplog.text


def test_a8_the_systems_clock_tells_utc() -> None:
    """A8: an aware instant, and not one that has been."""
    clock = SystemClock()

    assert UTC is clock.now().tzinfo
    assert clock.now() <= clock.now()


@pytest.mark.parametrize("kind", ["transfer", "invitation", "message"])
def test_f5_ids_are_long_random_and_tell_their_kind(kind: str) -> None:
    """F5: never the same twice, and a ticket cannot be guessed."""
    ids = {RandomIds().new(kind) for _ in range(1_000)}

    assert len(ids) == 1_000
    assert {34} == {len(id_) for id_ in ids}
    assert {f"{kind[0]}-"} == {id_[:2] for id_ in ids}
