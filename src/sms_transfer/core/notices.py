"""What an agent is told in words: a stable code, its parameters, and the English for both (D6).

A front end that speaks another language translates by ``code`` and fills in ``params``; one that does not shows
``text``. The table below is all there is: a code that is not in it cannot be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Any

import attrs

from sms_transfer.core import check
from sms_transfer.core.check import FrozenDict
from sms_transfer.errors import invalid

WORDS: Mapping[str, str] = MappingProxyType(
    {
        # The sender is told that a transfer was not accepted (T6, T7, T9, A2). What stays in My Messages must stay true
        # (D5), so it says what happened and not who owns the conversation now.
        "transfer.rejected": "{target} rejected the transfer.",
        "transfer.rejected_because": "{target} rejected the transfer: “{reason}”",
        "transfer.expired": "{target} did not answer the transfer in time.",
        "transfer.failed.invitee_logged_out": "{target} logged out before answering the transfer.",
        "transfer.failed.invitee_disconnected": "{target} was disconnected before answering the transfer.",
        # The same where the target stands for several agents (Q1), and where it had owned the conversation (Q2).
        "transfer.expired.no_agent_in_time": "Nobody at {target} took the transfer in time.",
        "transfer.failed.no_agent_left": "Nobody is left at {target} who could take the transfer.",
        "transfer.returned.no_agent_in_time": "Nobody at {target} took the conversation in time. It came back to you.",
        "transfer.returned.no_agent_left": (
            "Nobody is left at {target} who could take the conversation. It came back to you."
        ),
        # And where one agent, the fallback, was never able to be asked (Q5).
        "transfer.expired.no_agent_in_time.agent": "{target} could not be asked in time.",
        "transfer.failed.no_agent_left.agent": "{target} cannot take the transfer.",
        "transfer.returned.no_agent_in_time.agent": (
            "{target} could not be asked in time. The conversation came back to you."
        ),
        "transfer.returned.no_agent_left.agent": "{target} cannot take the conversation. It came back to you.",
        # The invitee is told of the offer (T5, D1).
        "preview.transfer": "{sender} wants to transfer an {media} conversation with {contact} to you.",
        "preview.transfer_with_note": (
            "{sender} wants to transfer an {media} conversation with {contact} to you. Note: {note}"
        ),
    }
)

PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        code: frozenset(name for _, name, _, _ in Formatter().parse(words) if name is not None)
        for code, words in WORDS.items()
    }
)
"""What each code's words need, by code."""


def _known(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or value not in WORDS:
        invalid(attribute.name, "must be a code of sms_transfer.core.notices.WORDS")


def _strings(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for item in check.items(attribute.name, value):
        if not all(isinstance(part, str) for part in item):
            invalid(attribute.name, "must be a mapping of strings")


@attrs.frozen
class Notice:
    """Something an agent is told.

    Args:
        code: stable; a key of `WORDS`.
        params: what goes into the words, and the id of the ``transfer`` it tells of. Not shown in ``repr``: they hold
            names and agents' own words (A6).
    """

    code: str = attrs.field(validator=_known)
    params: FrozenDict[str] = attrs.field(factory=FrozenDict, converter=check.to_params, validator=_strings, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in PARAMETERS[self.code]:
            if name not in self.params:
                invalid("params", f"must have {name}")

    @property
    def text(self) -> str:
        """The English words."""
        return WORDS[self.code].format_map(self.params)


class Priority(StrEnum):
    """How urgently an entry of My Messages wants to be seen (D4)."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@attrs.frozen
class SystemMessage:
    """One entry of an agent's My Messages (D4).

    Recorded in the same commit as the outcome it tells of (F6). It starts unread; the front end marks it read when the
    agent had it shown, and leaves it alone when the agent dismissed it or let it go by itself.

    Args:
        id: that of the transfer it tells of, so that one outcome can never be told twice (D5).
        agent_id: whose My Messages.
        notice: what it says.
        at: when it was recorded.
        interaction_id: what it is about.
    """

    id: str = attrs.field(validator=check.identifier)
    agent_id: str = attrs.field(validator=check.identifier, kw_only=True)
    notice: Notice = attrs.field(validator=check.one_of(Notice), kw_only=True)
    at: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    interaction_id: str = attrs.field(validator=check.identifier, kw_only=True)
    priority: Priority = attrs.field(default=Priority.NORMAL, validator=check.one_of(Priority), kw_only=True)
    read: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)

    @property
    def code(self) -> str:
        """The notice's stable code."""
        return self.notice.code

    @property
    def params(self) -> Mapping[str, str]:
        """The notice's parameters."""
        return self.notice.params

    @property
    def text(self) -> str:
        """The notice in English."""
        return self.notice.text
