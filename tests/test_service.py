"""The service that is called: what its methods take for granted, and what ticking does in its threads.

The one that is awaited has the same parameters, and `test_aio` has its ticking.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from floor import Floor
from sms_transfer import ChannelStatus, TransferService
from support import Centre

SOON = 10.0
"""Seconds, which nobody waits for where all is well."""
OFTEN = timedelta(milliseconds=5)


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
def test_what_is_left_out_of_a_call(method: str, defaults: dict[str, object]) -> None:
    """What is taken for granted then is part of what is promised."""
    parameters = inspect.signature(getattr(TransferService, method)).parameters

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
    floor = Floor(members=["bob"])
    floor.unready("bob")
    floor.ask()
    known = floor.service.agent("bob")
    with floor.service.ticking(OFTEN):
        floor.store.replace_agent(known, attrs.evolve(known, status=ChannelStatus.READY))
        assert _comes_true(lambda: floor.invitee() == "bob")


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
