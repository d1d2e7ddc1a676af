"""Why a transfer is where it is, since when, and what moves it next: made by `sms_transfer.TransferService.explain`.

What time brings next is not predicted by rules of its own: the present is given to the very code that will record it,
as of the instant at which it will be due. So an explanation cannot say anything else than what happens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from sms_transfer.core import check
from sms_transfer.core.check import FrozenDict
from sms_transfer.core.decide import as_of
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import (
    Agent,
    Interaction,
    Invitation,
    Outcome,
    PastInvitation,
    Target,
    TargetKind,
    TransferRequest,
    is_owner,
)
from sms_transfer.core.notices import Notice
from sms_transfer.core.policy import Reason, TransferPolicy, agent_eligibility
from sms_transfer.core.record import Record, evolve
from sms_transfer.core.refusals import explain_refusal, most_telling, owner_params
from sms_transfer.errors import CorruptRecord, InvitationClosed, invalid

AHEAD_AT_MOST: Final = 100
"""So many that wait before a request are counted."""


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else check.to_utc(value)


def _past(value: Sequence[PastInvitation]) -> tuple[PastInvitation, ...]:
    return check.to_tuple(value)


def _notices(value: Sequence[Notice]) -> tuple[Notice, ...]:
    return check.to_tuple(value)


def _counts(value: Mapping[str, int]) -> FrozenDict[int]:
    return check.to_frozen(value)


def _by_reason(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for reason, count in check.items(attribute.name, value):
        if reason not in _REASONS or type(count) is not int or count < 1:
            invalid(attribute.name, "must say how often each Reason applies")


_REASONS: Final = frozenset(Reason)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Explanation(Record):
    """Why a transfer is where it is, since when, and what moves it next.

    Args:
        transfer_id: which transfer.
        interaction_id: of which conversation.
        state: the state that is recorded.
        owner: who owns the conversation now.
        at: when it was looked at.
        since: since when it is in this state, and waits for this.
        waiting_for: whose turn it is: the agent who is invited, or the target that an agent is wanted of; None for a
            transfer that is closed.
        next_at: when time alone changes it, if nothing else does before; None for a transfer that is closed. An instant
            that has come by ``at`` is one that nothing has recorded yet: see `overdue`.
        next_state: what it is then: ROUTING where somebody else is asked, EXPIRED where it ends.
        asked: who was invited before, and how that ended.
        candidates: how many agents of the target were looked at, of a thousand at most, where it waits for one.
        able: how many of them could be invited now.
        reasons: why the others cannot be, or what has changed for the agent who is invited: how often each `Reason`
            applies.
        ahead: how many requests are routed before it; 100 stands for 100 or more.
        notices: all this for a person to read.
    """

    transfer_id: str = attrs.field(validator=check.identifier)
    interaction_id: str = attrs.field(validator=check.identifier)
    state: TransferState = attrs.field(validator=check.one_of(TransferState))
    owner: str | Target = attrs.field(validator=is_owner)
    at: datetime = attrs.field(converter=check.to_utc, validator=check.instant)
    since: datetime = attrs.field(converter=check.to_utc, validator=check.instant)
    waiting_for: Target | None = attrs.field(default=None, validator=check.optional(Target))
    next_at: datetime | None = attrs.field(
        default=None, converter=_instant, validator=attrs.validators.optional(check.instant)
    )
    next_state: TransferState | None = attrs.field(default=None, validator=check.optional(TransferState))
    asked: tuple[PastInvitation, ...] = attrs.field(
        default=(), converter=_past, validator=check.all_of(tuple, PastInvitation)
    )
    candidates: int = attrs.field(default=0, validator=check.count)
    able: int = attrs.field(default=0, validator=check.count)
    reasons: FrozenDict[int] = attrs.field(factory=FrozenDict, converter=_counts, validator=_by_reason)
    ahead: int = attrs.field(default=0, validator=check.count)
    notices: tuple[Notice, ...] = attrs.field(default=(), converter=_notices, validator=check.all_of(tuple, Notice))

    @property
    def overdue(self) -> bool:
        """Whether time has changed it already and nothing has recorded that: no tick has run since (T10)."""
        return self.next_at is not None and self.next_at <= self.at

    @property
    def words(self) -> tuple[str, ...]:
        """The notices in English."""
        return tuple(notice.text for notice in self.notices)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Present(Record):
    """What is known beside the request and its interaction.

    Args:
        now: the instant as of which it is explained.
        since: since when a request that waits for an agent does so.
        agents: whoever is invited; or, where it waits for an agent, those who serve the target.
        loads: the places that each of them has taken (E3).
        ahead: how many requests are routed before it, `AHEAD_AT_MOST` at most.
    """

    now: datetime
    policy: TransferPolicy
    since: datetime
    agents: Sequence[Agent] = ()
    loads: Mapping[str, int] = attrs.field(factory=FrozenDict[int])
    ahead: int = 0


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Found(Record):
    """What a live request waits for.

    Args:
        first: the notice that says it.
        more: what else there is to say of it.
    """

    first: Notice
    more: tuple[Notice, ...]
    candidates: int = 0
    able: int = 0
    reasons: FrozenDict[int]


def explain(interaction: Interaction, request: TransferRequest, present: Present) -> Explanation:
    """Explain a transfer of this interaction.

    Raises:
        CorruptRecord: it is recorded as live, and the interaction knows nothing of it.
    """
    base = Explanation(
        transfer_id=request.id,
        interaction_id=interaction.id,
        state=request.state,
        owner=interaction.owner,
        at=present.now,
        since=present.since,
        asked=request.past_invitations,
    )
    if request.outcome is not None:
        return evolve(base, notices=_closed(request.outcome, interaction))
    if interaction.transfer is None or interaction.transfer.id != request.id:
        raise CorruptRecord(kind="transfer", id=request.id)  # the store says that it is live, and its interaction not
    next_state, following = _next(interaction, request, present)
    base = evolve(base, next_at=request.due_at, next_state=next_state, waiting_for=waiting_for(request))
    asked = tuple(map(_asked, request.past_invitations))
    if base.overdue:
        return evolve(base, notices=(_notice("overdue", at=_written(request.due_at)), *asked, following))
    found = _answer(interaction, request.invitation, present) or _agent(interaction, request, present)
    owner = most_telling("explanation.owner", owner_params(interaction.owner))
    return evolve(
        base,
        candidates=found.candidates,
        able=found.able,
        reasons=found.reasons,
        ahead=present.ahead,
        notices=(found.first, *asked, *found.more, owner, following),
    )


def waiting_for(request: TransferRequest) -> Target:
    """Whose turn it is: the agent who is invited, or the target that an agent is wanted of."""
    return request.present_target if request.invitation is None else Target.agent(request.invitation.invitee)


def _closed(outcome: Outcome, interaction: Interaction) -> tuple[Notice, ...]:
    """When it ended; and how, as whoever answers too late is told (T11, A2)."""
    late = InvitationClosed(outcome=evolve(outcome, owner=interaction.owner))
    return _notice("closed", at=_written(outcome.at)), *explain_refusal(late)


def _answer(interaction: Interaction, invitation: Invitation | None, present: Present) -> _Found | None:
    """That an answer is waited for, and what has changed for the invitee meanwhile; None if nobody is invited."""
    if invitation is None:
        return None
    invitee = next(iter(present.agents), None)
    others = present.loads.get(invitation.invitee, 1) - 1  # the place that it keeps itself takes none from it (E3)
    reasons = agent_eligibility(interaction, invitation.invitee, invitee, load=others, policy=present.policy)
    first = _notice(
        "invited",
        invitee=invitation.invitee,
        since=_written(invitation.offered_at),
        until=_written(invitation.deadline),
    )
    more = tuple(_notice(f"invitee.{reason}", invitee=invitation.invitee) for reason in sorted(reasons))
    return _Found(first=first, more=more, reasons=FrozenDict(dict.fromkeys(sorted(reasons), 1)))


def _agent(interaction: Interaction, request: TransferRequest, present: Present) -> _Found:
    """That an agent is waited for, and why each of those there are cannot be asked now (Q1, Q3)."""
    of_each = [
        agent_eligibility(
            interaction,
            agent.id,
            agent,
            load=present.loads.get(agent.id, 0),
            policy=present.policy,
            declined=request.asked,
        )
        for agent in present.agents
    ]
    counts = Counter(reason for reasons in of_each for reason in reasons)
    able = sum(not reasons for reasons in of_each)
    is_agent = request.present_target.kind is TargetKind.AGENT
    return _Found(
        first=_notice(
            "routing.agent" if is_agent else "routing", target=request.present_name, since=_written(present.since)
        ),
        more=(*_candidates(request, counts, able=able, candidates=len(of_each)), *_ahead(present.ahead)),
        candidates=len(of_each),
        able=able,
        reasons=FrozenDict({reason: counts[reason] for reason in sorted(counts)}),
    )


def _candidates(
    request: TransferRequest, counts: Mapping[Reason, int], *, able: int, candidates: int
) -> Iterable[Notice]:
    if not candidates:
        yield _notice("candidates.none", target=request.present_name)
    for code, count in [("able", able), *sorted(counts.items())]:
        if count:
            yield _notice(f"candidates.{code}", count=str(count), candidates=str(candidates))


def _ahead(ahead: int) -> Iterable[Notice]:
    if ahead:
        yield _notice("ahead.or_more" if ahead == AHEAD_AT_MOST else "ahead", ahead=str(ahead))


def _asked(past: PastInvitation) -> Notice:
    return _notice(f"asked.{past.outcome.state}", invitee=past.invitee, at=_written(past.outcome.at))


def _next(interaction: Interaction, request: TransferRequest, present: Present) -> tuple[TransferState, Notice]:
    """What time makes of it when it is due; what it has made of it already, if it is (T10)."""
    decision = as_of(interaction, max(present.now, request.due_at), present.policy)
    [became] = [changed for changed in decision.requests if changed.id == request.id]
    after, at = decision.interaction, _written(decision.events[-1].at)
    if not became.state.is_final:
        code = "routing" if became.present_target == request.present_target else "redirected"
        return became.state, _notice(f"next.{code}", at=at, target=became.present_name)
    if after.transfer is None:
        return became.state, most_telling("explanation.next.expired", {"at": at, **owner_params(after.owner)})
    following = after.transfer  # a queue that owns it for good waits on under this one (Q2)
    return became.state, _notice("next.requeued", at=at, target=following.present_name, transfer=following.id)


def _notice(code: str, **params: str) -> Notice:
    return most_telling(f"explanation.{code}", params)


def _written(at: datetime) -> str:
    return at.isoformat()
