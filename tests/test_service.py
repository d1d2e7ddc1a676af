"""What is said of both services at once: what their methods take for granted, and what ticking does in its threads."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from sms_transfer import AsyncTransferService, ChannelStatus, Target, TransferService
from support import Centre

SERVICES = pytest.mark.parametrize("service", [TransferService, AsyncTransferService])
SOON = 10.0
"""Seconds, which nobody waits for where all is well."""
OFTEN = timedelta(milliseconds=5)


@SERVICES
@pytest.mark.parametrize(
    ("method", "defaults"),
    [
        ("set_not_ready", {"reason": ""}),
        ("log_out", {"disconnected": False}),
        ("request_transfer", {"note": "", "epoch": None, "key": None, "priority": 0}),
        ("transfer_many", {"note": "", "key": None}),
        ("reject", {"reason": ""}),
        ("ticking", {"interval": timedelta(seconds=1)}),
        ("mark_read", {"read": True}),
    ],
)
def test_what_is_left_out(service: type[Any], method: str, defaults: dict[str, object]) -> None:
    """The same of the service that is called and of the one that is awaited."""
    parameters = inspect.signature(getattr(service, method)).parameters

    assert defaults == {name: parameters[name].default for name in defaults}


def _comes_true(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON
    while not true() and time.monotonic() < end:
        time.sleep(0.001)
    return true()


def _ticking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sms-transfer-ticking"]


def test_f4_ticking_has_two_threads_which_end_with_it() -> None:
    """F4: one that hangs does not hold up the other, nor the end of the process."""
    before = len(_ticking())
    with Centre().service.ticking(OFTEN):
        assert before + 2 == len(_ticking())
        assert all(thread.daemon for thread in _ticking())
    assert before == len(_ticking())


def test_q3_ticking_finds_who_has_become_able() -> None:
    """Q3: also where nobody told the service."""
    centre = Centre()
    queue = Target.queue("sales")
    centre.service.add_queue(queue, ["bob"])
    centre.service.set_not_ready("bob")
    centre.invite(queue)
    known = centre.service.agent("bob")
    with centre.service.ticking(OFTEN):
        centre.store.replace_agent(known, attrs.evolve(known, status=ChannelStatus.READY))
        assert _comes_true(lambda: bool(centre.service.snapshot("bob").invitations))


def test_f6_ticking_sends_what_the_gateway_did_not_take() -> None:
    """F6: when it is back."""
    centre = Centre()
    centre.gateway.error = ConnectionError()
    message = centre.service.reply("i", "Hello", by="alice")
    assert ["i"] == list(centre.store.unsent(limit=5))
    centre.gateway.error = None
    with centre.service.ticking(OFTEN):
        assert _comes_true(lambda: not centre.store.unsent(limit=5))
    assert [message.id] == [sent.id for sent in centre.gateway.sent]
