"""What an agent is told in words: a stable code, its parameters, and the English for both (D6).

A front end that speaks another language translates by ``code`` and fills in ``params``; one that does not shows
``text``. The table below is all there is: a code that is not in it cannot be made. It holds what a transfer tells by
itself, in the window, the preview and My Messages, and what `explain_refusal`, `explain_reasons` and
`sms_transfer.TransferService.explain` tell.
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
        # Why a target cannot receive (T3), by `Reason`. They hold for others and for oneself, and can be read beside a
        # name, one after the other, and alone.
        "target.unknown": "Not known here.",
        "target.is_sender": "Is the sender of the transfer.",
        "target.logged_out": "Logged out.",
        "target.not_ready": "Not ready.",
        "target.do_not_disturb": "Does not want to be disturbed.",
        "target.no_sms_privilege": "May not use SMS.",
        "target.media_not_handled": "Does not handle this kind of conversation.",
        "target.at_capacity": "No place left for another conversation.",
        "target.already_declined": "Was asked already.",
        "target.kind_not_allowed": "Transfers to this kind of target are not allowed.",
        "target.too_many_hops": "The conversation was transferred too many times.",
        "target.no_agents": "Nobody there could ever take the conversation.",
        # Why a command was refused; it changed nothing (F7). `sms_transfer.core.refusals` makes these, and tells which
        # of them holds where a code has no words.
        "refused": "This cannot be done now. Nothing was changed.",
        "refused.stale_epoch": "This window is out of date. {owner} owns the conversation now.",
        "refused.transfer_pending": "A transfer to {target} is still under way.",
        "refused.illegal_transition": "This cannot be done as things stand.",
        "refused.illegal_transition.interaction.done": "The conversation is done.",
        "refused.illegal_transition.agent.logged_out": "This cannot be done while logged out.",
        "refused.not_permitted.not_owner": "You do not own the conversation.",
        "refused.not_permitted.not_owner.owned_by": "You do not own the conversation. {owner} owns it now.",
        "refused.not_permitted.not_invitee": "This offer is not for you to answer.",
        "refused.not_permitted.not_sender": "Only who requested a transfer can cancel it.",
        "refused.not_permitted.logged_out": "You are logged out.",
        "refused.not_permitted.no_privilege_use_sms": "You are not allowed to use SMS.",
        "refused.not_permitted.no_privilege_transfer": "You are not allowed to transfer conversations.",
        "refused.not_permitted.no_privilege_decline": "You are not allowed to reject conversations.",
        "refused.not_permitted.no_privilege_save_attachments": "You are not allowed to save attachments.",
        "refused.not_permitted.no_privilege_manage_favourites": "You are not allowed to change favourites.",
        # What won, and who owns it now (T11). Nobody is blamed for an offer that was missed (A2).
        "refused.invitation_closed.accepted": "The transfer was accepted. {owner} owns the conversation now.",
        "refused.invitation_closed.accepted.by": "{by} accepted the transfer. {owner} owns the conversation now.",
        "refused.invitation_closed.rejected": "The offer was rejected. {owner} owns the conversation now.",
        "refused.invitation_closed.rejected.by": "{by} rejected the offer. {owner} owns the conversation now.",
        "refused.invitation_closed.expired": "Nobody took the transfer in time. {owner} owns the conversation now.",
        "refused.invitation_closed.expired.no_answer": "Nobody answered in time. {owner} owns the conversation now.",
        "refused.invitation_closed.cancelled": "The transfer was cancelled. {owner} owns the conversation now.",
        "refused.invitation_closed.cancelled.cancelled_by_sender": (
            "{by} cancelled the transfer. {owner} owns the conversation now."
        ),
        "refused.invitation_closed.cancelled.interaction_done": "{by} marked the conversation done.",
        "refused.invitation_closed.failed": "The transfer has failed. {owner} owns the conversation now.",
        "refused.invitation_closed.failed.invitee_logged_out": (
            "{by} logged out before answering. {owner} owns the conversation now."
        ),
        "refused.invitation_closed.failed.invitee_disconnected": (
            "{by} was disconnected before answering. {owner} owns the conversation now."
        ),
        "refused.invitation_closed.failed.no_agent_left": (
            "Nobody is left who could take the transfer. {owner} owns the conversation now."
        ),
        "refused.not_found": "This is not known here.",
        "refused.not_found.interaction": "This conversation is not known here.",
        "refused.not_found.transfer": "This transfer is not known here.",
        "refused.not_found.invitation": "This offer is not known here.",
        "refused.not_found.message": "This message is not there any more.",
        "refused.not_found.attachment": "This attachment is not in the conversation.",
        "refused.not_found.agent": "There is no agent {id}.",
        "refused.not_found.queue": "There is no queue {id}.",
        "refused.not_found.routing_point": "There is no routing point {id}.",
        "refused.not_found.agent_group": "There is no agent group {id}.",
        "refused.not_found.skill": "Nobody has the skill {id}.",
        "refused.already_exists": "{id} is there already.",
        "refused.invalid_value": "This does not have the right form: {field} {rule}.",
        # And why it failed: what is known of its effect, and whether it may be tried again.
        "failed": "Something went wrong. Please look whether it was done before you try again.",
        "failed.conflict": "Somebody else made a change at the same moment. Nothing was done: please try again.",
        "failed.unavailable": (
            "The records cannot be reached now. Please look whether it was done before you try again."
        ),
        "failed.store": (
            "There is a fault in the records, and trying again does not help. Please tell whoever looks after them."
        ),
        # Why a transfer is where it is. `sms_transfer.core.explanation` makes these; instants are ISO 8601, in UTC.
        "explanation.invited": "{invitee} is asked since {since}, and can answer until {until}.",
        "explanation.routing": (
            "It waits for an agent of {target} since {since}, and is offered as soon as one can be asked."
        ),
        "explanation.routing.agent": (
            "It waits for {target} since {since}, and is offered as soon as they can be asked."
        ),
        "explanation.owner": "{owner} owns the conversation in the meantime.",
        "explanation.overdue": (
            "Its time was up at {at}, and nothing has recorded that yet: no tick has run since. It counts all the same."
        ),
        "explanation.closed": "It ended at {at}.",
        # Whoever was asked before (Q1), without their words (A6).
        "explanation.asked": "{invitee} was asked before.",
        "explanation.asked.rejected": "{invitee} was asked before and rejected it at {at}.",
        "explanation.asked.expired": "{invitee} was asked before and had not answered by {at}.",
        "explanation.asked.failed": "{invitee} was asked before and left at {at} without an answer.",
        # Whoever is asked, where something has changed for them since (T9, E1), by `Reason`.
        "explanation.invitee.not_ready": "{invitee} is Not Ready now. The offer stands, and can be accepted.",
        "explanation.invitee.do_not_disturb": (
            "{invitee} does not want to be disturbed now. The offer stands, and can be accepted."
        ),
        "explanation.invitee.unknown": "{invitee} is not known any more, and cannot accept it.",
        "explanation.invitee.logged_out": "{invitee} is logged out, and cannot accept it.",
        "explanation.invitee.no_sms_privilege": "{invitee} may not use SMS any more, and cannot accept it.",
        "explanation.invitee.media_not_handled": (
            "{invitee} does not handle this kind of conversation any more, and cannot accept it."
        ),
        "explanation.invitee.at_capacity": "{invitee} has no place left, and cannot accept it.",
        # Whoever could be asked: how many cannot be now, by `Reason`. More than one may hold of the same agent.
        "explanation.candidates.none": "Nobody serves {target} now.",
        "explanation.candidates.able": (
            "Can be asked now: {count} of {candidates}. The next tick asks one, unless the router wants nobody yet."
        ),
        "explanation.candidates.is_sender": "Is the sender of the transfer: {count} of {candidates}.",
        "explanation.candidates.logged_out": "Logged out: {count} of {candidates}.",
        "explanation.candidates.not_ready": "Not ready: {count} of {candidates}.",
        "explanation.candidates.do_not_disturb": "Do not want to be disturbed: {count} of {candidates}.",
        "explanation.candidates.no_sms_privilege": "May not use SMS: {count} of {candidates}.",
        "explanation.candidates.media_not_handled": (
            "Do not handle this kind of conversation: {count} of {candidates}."
        ),
        "explanation.candidates.at_capacity": "No place left for another conversation: {count} of {candidates}.",
        "explanation.candidates.already_declined": "Were asked already: {count} of {candidates}.",
        "explanation.ahead": "Waiting before it: {ahead}.",
        "explanation.ahead.or_more": "Waiting before it: {ahead} or more.",
        # What time alone brings (T7, Q1, Q2, Q5).
        "explanation.next.expired": "At {at} it ends as expired, and {owner} owns the conversation.",
        "explanation.next.routing": "At {at} the next agent of {target} is looked for.",
        "explanation.next.redirected": "At {at} it goes to {target}.",
        "explanation.next.requeued": (
            "At {at} it ends as expired, and the conversation waits on at {target} as transfer {transfer}, for which"
            " everybody can be asked again."
        ),
    }
)
"""The English words, by code: all that there are. ``{…}`` is a parameter."""

PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        code: frozenset(name for _, name, _, _ in Formatter().parse(words) if name is not None)
        for code, words in WORDS.items()
    }
)
"""What each code's words need, by code."""


def _known(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or value not in WORDS:
        invalid(attribute.name, "must be a code of sms_transfer.WORDS")


def _strings(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for item in check.items(attribute.name, value):
        if not all(isinstance(part, str) for part in item):
            invalid(attribute.name, "must be a mapping of strings")


@attrs.frozen
class Notice:
    """Something an agent is told.

    Args:
        code: stable; a key of `WORDS`.
        params: what goes into the words, and what else is known, such as the id of the ``transfer`` it tells of. Not
            shown in ``repr``: they hold names and agents' own words (A6).

    Examples:
        >>> from sms_transfer import Notice
        >>> Notice("transfer.expired", {"target": "Bob"}).text
        'Bob did not answer the transfer in time.'
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
