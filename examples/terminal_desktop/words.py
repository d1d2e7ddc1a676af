"""What an agent reads: codes in plain words, and other people's words made harmless."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import Final
from unicodedata import category

from sms_transfer import Agent, ChannelStatus, Notice, Presence

STATUS: Final = {
    ChannelStatus.LOGGED_OUT: "Logged out",
    ChannelStatus.NOT_READY: "Not Ready",
    ChannelStatus.READY: "Ready",
}
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, changes of direction and the like


def harmless(words: str) -> str:
    """The words in one line: no control or hidden character reaches the terminal, and all are spelt out."""
    shown = words.replace("\n", " ⏎ ")
    return "".join(f"[U+{ord(one):04X}]" if category(one) in HIDDEN else one for one in shown)


def in_words(notices: Iterable[Notice]) -> str:
    """What the library tells, translated here if it has to be."""
    return harmless(" ".join(notice.text for notice in notices))


def status_of(one: Agent | Presence) -> str:
    """How somebody stands on the SMS channel."""
    words = STATUS[one.status or ChannelStatus.LOGGED_OUT] + (f": {one.reason}" if one.reason else "")
    return harmless(words) + (", do not disturb" if one.do_not_disturb else "")


def left(deadline: datetime, now: datetime) -> str:
    """A countdown."""
    seconds = ceil((deadline - now).total_seconds())
    return f"{seconds} s left" if seconds > 0 else "time is up"
