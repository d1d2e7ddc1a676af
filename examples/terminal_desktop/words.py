"""What an agent reads: the library's codes in plain words, and other people's words made harmless."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from math import ceil
from typing import Final

from sms_transfer import (
    Agent,
    ChannelStatus,
    Conflict,
    Denial,
    FoundTarget,
    IllegalTransition,
    InvalidValue,
    InvitationClosed,
    NotFound,
    NotPermitted,
    Presence,
    Reason,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    StoreUnavailable,
    Target,
    TargetNotEligible,
    TransferPending,
    TransferState,
)

REASONS: Final = {
    Reason.UNKNOWN: "nobody knows it",
    Reason.IS_SENDER: "that is you",
    Reason.LOGGED_OUT: "is logged out",
    Reason.NOT_READY: "is Not Ready",
    Reason.DO_NOT_DISTURB: "wants not to be disturbed",
    Reason.NO_SMS_PRIVILEGE: "may not use SMS",
    Reason.MEDIA_NOT_HANDLED: "does not handle this media",
    Reason.AT_CAPACITY: "has no place left",
    Reason.ALREADY_DECLINED: "has declined this already",
    Reason.KIND_NOT_ALLOWED: "this kind of target is not allowed",
    Reason.TOO_MANY_HOPS: "the conversation was transferred too often",
    Reason.NO_AGENTS: "nobody there could ever take it",
}
DENIALS: Final = {
    Denial.NOT_OWNER: "the conversation is not yours (any more)",
    Denial.NOT_INVITEE: "this was offered to somebody else",
    Denial.NOT_SENDER: "somebody else asked for this transfer",
    Denial.LOGGED_OUT: "you are logged out of the SMS channel",
    Denial.NO_USE_SMS: "you may not use SMS",
    Denial.NO_TRANSFER: "you may not transfer conversations",
    Denial.NO_DECLINE: "you may not reject offers",
    Denial.NO_SAVE_ATTACHMENTS: "you may not save attachments",
    Denial.NO_MANAGE_FAVOURITES: "you may not manage favourites",
}
STATUS: Final = {
    ChannelStatus.LOGGED_OUT: "Logged out",
    ChannelStatus.NOT_READY: "Not Ready",
    ChannelStatus.READY: "Ready",
}
ENDINGS: Final = {
    TransferState.ACCEPTED: "it was accepted",
    TransferState.REJECTED: "it was rejected",
    TransferState.EXPIRED: "nobody answered in time",
    TransferState.CANCELLED: "it was cancelled",
    TransferState.FAILED: "it has failed",
}
_JOINED: Final = re.compile("(?<=[\u2600-\u27bf\U0001f000-\U0001faff])[\u200d\ufe0f]+")  # within one emoji
_BLANK: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")  # letters and marks that nobody sees
_MARKS: Final = 3  # accents on one letter; more of them only smear over the lines above


@lru_cache(1_000)
def harmless(words: str) -> str:
    """The words in one line that shows all there is: no control or hidden character reaches the terminal."""
    seen, marks = list[str](), 0
    for character in _JOINED.sub("", words):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if character == "\n":
            seen.append(" ⏎ ")
        elif kind[0] == "C" or kind in {"Zl", "Zp"} or character in _BLANK:
            seen.append(f"[U+{ord(character):04X}]")
        elif marks <= _MARKS:
            seen.append(character)
    return "".join(seen)


def brief(words: str, length: int = 28) -> str:
    """The same, cut where it is too long for a list."""
    shown = harmless(words[: length + 1])
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def status_of(one: Agent | Presence) -> str:
    """How somebody stands on the SMS channel."""
    words = STATUS[one.status or ChannelStatus.LOGGED_OUT] + (f": {one.reason}" if one.reason else "")
    return harmless(words) + (", do not disturb" if one.do_not_disturb else "")


def there(found: FoundTarget) -> str:
    """Who is there, and whether SMS Transfer can be picked: with every reason why not (T3)."""
    presence, kind = found.presence, found.target.kind.replace("_", " ")
    if presence.status is None:
        who = f"{presence.ready} ready, {presence.waiting} waiting"
    else:
        who = f"{status_of(presence)}, places free: {presence.free}"
    star = ("★ " if found.favourite else "") + ("↺ " if found.recent else "")
    lines = [f"{star}{brief(found.name, 40)} ({kind}): {who}"]
    for action in found.actions:
        why = f"not possible: {reasons_in_words(action.reasons)}"
        lines.append(f"   {action.label}" + ("" if action.enabled else f" {why}"))
    return "\n".join(lines if found.actions else [*lines, "   This conversation cannot be transferred now"])


def reasons_in_words(reasons: frozenset[Reason]) -> str:
    """Every reason, in the order in which `Reason` lists them."""
    return "; ".join(words for reason, words in REASONS.items() if reason in reasons)


def left(deadline: datetime, now: datetime) -> str:
    """A countdown."""
    seconds = ceil((deadline - now).total_seconds())
    return f"{seconds} s left" if seconds > 0 else "time is up"


def told(error: SmsTransferError) -> str:
    """Why something was refused or failed, and what to do about it."""
    return harmless(_told(error))


def _told(error: SmsTransferError) -> str:  # noqa: C901, PLR0911 - a table, a line each
    match error:
        case InvitationClosed(outcome=outcome):
            by = f" by {outcome.by}" if outcome.by else ""
            return f"Too late: {ENDINGS[outcome.state]}{by}. Owner now: {_who(outcome.owner)}."
        case TargetNotEligible(reasons=reasons):
            return f"Nothing was transferred: {reasons_in_words(reasons)}."
        case TransferPending():
            return "A transfer of this conversation is under way already."
        case StaleEpoch(owner=owner):
            return f"This window is out of date, and nothing was done. Owner now: {_who(owner)}."
        case NotPermitted(reason=reason):
            return f"Not allowed: {DENIALS[reason]}."
        case IllegalTransition(machine=machine, state=state):
            return f"Not possible now: the {machine} is {state.replace('_', ' ')}."
        case InvalidValue(field=field, rule=rule):
            return f"This cannot be used: {field.replace('_', ' ')} {rule}."
        case NotFound(kind=kind):
            return f"There is no such {kind.replace('_', ' ')} (any more)."
        case StoreUnavailable() | Conflict():
            return "The database is busy or away. Look whether it was done, then try again."
        case StoreError():
            return f"The database cannot be used: {error}."
        case _:
            return f"Refused: {error}."


def _who(owner: str | Target) -> str:
    return owner if isinstance(owner, str) else f"{owner.kind.replace('_', ' ')} {owner.id}"
