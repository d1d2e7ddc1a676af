"""Which agent is invited next, and when (Q1, Q3, Q4).

A request for a target that stands for several agents is recorded as ROUTING first; then whoever recorded it looks for
an agent. An agent who becomes able to receive is recorded first, too; then whoever recorded that looks for requests
that wait. So of two that come at the same instant at least one sees the other, on any machine. Where a process dies in
between, `tick` of any other goes on. All of them do the same: go through what waits, in the order of Q3, and invite.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final, TypeVar

import attrs

from sms_transfer.core.check import untrusted
from sms_transfer.core.commands import FailRouting, Invite, RequestTransfer
from sms_transfer.core.ending import can_end, can_go_back
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction, Target, TargetKind, TransferRequest
from sms_transfer.core.policy import Reason, TransferPolicy, agent_eligibility, could_ever, fallback_of
from sms_transfer.core.record import Record
from sms_transfer.errors import Conflict, StoreUnavailable, TargetNotEligible, UnusableStore
from sms_transfer.log import log_failure
from sms_transfer.ports import AsyncDirectory, AsyncTeams, AsyncTransferStore, Candidate, Router

_REACH: Final = 8
_FARTHEST: Final = 100_000
_ATTEMPTS: Final = 8
_FAILURES: Final = 8
_FIRST_PAGE: Final = 4
_LAST_PAGE: Final = 256
_READY: Final = frozenset({ChannelStatus.READY})
_ON_CHANNEL: Final = frozenset({ChannelStatus.READY, ChannelStatus.NOT_READY})

R = TypeVar("R")


class LongestIdle:
    """The default router: the agent who was given nothing, and changed nothing, for the longest time (Q4)."""

    @property
    def reach(self) -> int:
        """A few, in case some are taken in the meantime."""
        return _REACH

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:  # noqa: ARG002 - a router's
        """The first candidate, whatever the interaction."""
        return candidates[0].agent.id


@attrs.frozen(eq=False, repr=False)
class Recorded(Record):
    """What recording a command may have changed for those who wait.

    Args:
        freed: the agents who have a place now that they had not.
        routing: what is ROUTING now and was not, or not in this way.
        invited: whether somebody was invited, and is; not where time had ended what they were to be invited for (T10).
    """

    freed: frozenset[str] = frozenset()
    routing: tuple[Interaction, ...] = ()
    invited: bool = attrs.field(default=False, kw_only=True)


Recorder = Callable[[Invite | FailRouting], Awaitable[Recorded | None]]
"""Carries out a command of the routing's own, up to its being recorded; None where somebody else was faster.

Raises what deciding and recording raise.
"""


class _Placing(Enum):
    """What came of looking for an agent.

    LEFT: the router wants nobody now, or somebody else sees to it. NOBODY_FITS: some agents are able, but not for this
    one. NOBODY_FITS_MEDIA: nor for any other of the same media, whoever sent it. NOBODY_ABLE: none is, for anything.
    """

    INVITED = auto()
    LEFT = auto()
    NOBODY_FITS = auto()
    NOBODY_FITS_MEDIA = auto()
    NOBODY_ABLE = auto()


_NOBODY: Final = frozenset({_Placing.NOBODY_FITS, _Placing.NOBODY_FITS_MEDIA, _Placing.NOBODY_ABLE})
_ITS_OWN: Final = frozenset({Reason.IS_SENDER, Reason.ALREADY_DECLINED})
"""The reasons of an agent that another request may not have."""


class Routing:
    """Brings those who wait and those who are able together."""

    def __init__(
        self,
        store: AsyncTransferStore,
        directory: AsyncDirectory,
        teams: AsyncTeams,
        *,
        router: Router,
        policy: TransferPolicy,
        now: Callable[[], datetime],
        new_ticket: Callable[[], str],
    ) -> None:
        self._store = store
        self._directory = directory
        self.teams: Final = teams
        self._router = router
        self._policy = policy
        self._now = now
        self._new_ticket = new_ticket

    def concerns(self, command: RequestTransfer) -> bool:
        """Whether a request is for more than one agent, now or later; `about` has something to say of these only."""
        fallback = fallback_of(command, self._policy)
        return fallback is not None or command.target.kind is not TargetKind.AGENT

    async def about(
        self, interaction: Interaction, command: RequestTransfer
    ) -> tuple[bool | None, Mapping[Target, str]]:
        """What must be known to decide a request: whether its target is served, and what its targets are called."""
        fallback = fallback_of(command, self._policy)
        target = command.present_target
        names = await self.names({command.target, *(() if fallback is None else (fallback,))})
        return await self.served(interaction, target), names

    async def names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        """What agents read of these targets, as far as they are known. Groups and skills are called what they are."""
        found = dict(await self.teams.queue_names(targets))
        ids = [target.id for target in targets if target.kind is TargetKind.AGENT]
        if ids:
            known = await self._directory.agents(ids)
            found.update((Target.agent(id_), agent.name) for id_, agent in known.items())
        return found

    async def served(self, interaction: Interaction, target: Target, declined: Collection[str] = ()) -> bool | None:
        """Whether an agent is left at this target who ever could take it; None if nobody knows the target (Q1)."""
        if target.kind is TargetKind.AGENT:
            agent = (await self._directory.agents((target.id,))).get(target.id)
            return None if agent is None else self._could_ever(interaction, agent, declined)
        limit = _REACH + len(declined)
        while True:
            members = await self.teams.members(target, limit=limit)
            if any(self._could_ever(interaction, agent, declined) for agent in members):
                return True
            if len(members) < limit:
                break
            limit *= 4
        return False if members or target in await self.teams.queue_names((target,)) else None

    async def serve(self, recorded: Recorded, record: Recorder, targets: Collection[Target] = ()) -> int:
        """Invite whoever can be invited now, for all that what was recorded may concern, and for these targets.

        Returns:
            How many were invited.
        """
        invited, wanted = 0, set(targets)
        work = [recorded]
        while work:
            one = work.pop()
            for interaction in one.routing:
                wanted.add(_request(interaction).present_target)
                await _carefully(interaction, self._end_if_nobody_is_left(interaction, record, work))
            if one.freed:
                wanted |= await self.teams.served_by(one.freed)
                wanted |= {Target.agent(agent_id) for agent_id in one.freed}  # whose turn it is as a fallback
            invited += await self._serve(wanted, record, work)
            wanted = set[Target]()
        return invited

    async def _serve(self, targets: set[Target], record: Recorder, work: list[Recorded]) -> int:
        """Go through what waits for these, in order, until nobody is able any more."""
        invited, failed, size, after = 0, 0, _FIRST_PAGE, None
        in_vain = set[tuple[object, ...]]()  # for the like of these nobody was found
        while targets:
            page = await self._store.waiting(targets, after=after, limit=size)
            for interaction in page:
                request = _request(interaction)
                target, like = request.present_target, _like(interaction, request)
                media = (target, interaction.media)
                if target not in targets or like in in_vain or media in in_vain:
                    continue
                placing = await _carefully(interaction, self._see_to(interaction, record, work))
                invited += placing is _Placing.INVITED
                failed = failed + 1 if placing is None else 0
                if failed == _FAILURES:  # so it is not for their sake; the next tick goes on
                    return invited
                if placing is _Placing.NOBODY_FITS_MEDIA:
                    in_vain.add(media)
                elif placing in _NOBODY and not request.past_invitations:
                    in_vain.add(like)
                if placing is _Placing.NOBODY_ABLE:
                    targets.discard(target)
            if len(page) < size:
                break
            after, size = page[-1], min(2 * size, _LAST_PAGE)
        return invited

    async def _see_to(self, interaction: Interaction, record: Recorder, work: list[Recorded]) -> _Placing:
        """Invite somebody for this one, or end it where nobody is left."""
        placing = await self._place(interaction, record, work)
        if placing in _NOBODY:
            await self._end_if_nobody_is_left(interaction, record, work)
        return placing

    async def _place(self, interaction: Interaction, record: Recorder, work: list[Recorded]) -> _Placing:
        """Invite somebody for this one, before any that come later: where others take who was found, look again."""
        for _ in range(_ATTEMPTS):
            found, otherwise = await self._candidates(interaction)
            if not found:
                return otherwise
            invited = await self._invite(interaction, found, record, work)
            if invited is not None:
                return _Placing.INVITED if invited else _Placing.LEFT
        return _Placing.LEFT

    async def _invite(
        self, interaction: Interaction, candidates: list[Candidate], record: Recorder, work: list[Recorded]
    ) -> bool | None:
        """Whether one of these was invited; None where all of them have become unable in the meantime."""
        request = _request(interaction)
        while candidates:
            chosen = picked(self._router, interaction, candidates)
            if chosen is None:
                return False
            ticket = self._new_ticket()
            try:
                recorded = await record(
                    Invite(request.id, target=request.present_target, agent_id=chosen.agent.id, invitation_id=ticket)
                )
            except (TargetNotEligible, Conflict):
                candidates.remove(chosen)
                continue
            if recorded is None:
                return False
            work.append(recorded)
            return recorded.invited
        return None

    async def _candidates(self, interaction: Interaction) -> tuple[list[Candidate], _Placing]:
        """Who can be invited now, the longest idle first; and, if nobody can be, for what else nobody can be."""
        request, reach = _request(interaction), _reach(self._router)
        limit = reach + len(request.past_invitations)
        while True:
            agents = await self._able(request.present_target, limit)
            found, otherwise = await self._eligible(interaction, request, agents)
            if len(found) >= reach or len(agents) < limit:
                return found[:reach], otherwise
            limit *= 4

    async def _able(self, target: Target, limit: int) -> Sequence[Agent]:
        if target.kind is TargetKind.AGENT:
            return tuple((await self._directory.agents((target.id,))).values())[:limit]
        statuses = _READY if self._policy.require_ready else _ON_CHANNEL
        return await self.teams.able(target, statuses=statuses, limit=limit)

    async def _eligible(
        self, interaction: Interaction, request: TransferRequest, agents: Sequence[Agent]
    ) -> tuple[list[Candidate], _Placing]:
        if not agents:
            return [], _Placing.NOBODY_ABLE
        loads = await self._store.loads([agent.id for agent in agents], self._now())
        declined, otherwise = request.asked, _Placing.NOBODY_FITS_MEDIA
        found = list[Candidate]()
        for agent in agents:
            load = loads.get(agent.id, 0)
            reasons = agent_eligibility(interaction, agent.id, agent, load=load, policy=self._policy, declined=declined)
            if not reasons:
                found.append(Candidate(agent, load))
            elif reasons <= _ITS_OWN:
                otherwise = _Placing.NOBODY_FITS
        return found, otherwise

    async def _end_if_nobody_is_left(self, interaction: Interaction, record: Recorder, work: list[Recorded]) -> None:
        request = _request(interaction)
        if can_end(interaction, request):
            left = await self.served(interaction, request.present_target, request.asked)
        else:  # whoever declined can be asked again in the next round
            left = (
                not can_go_back(interaction, request)
                or await self.served(interaction, request.present_target)
                or not await self.served(interaction, request.target)
            )
        if not left:
            recorded = await record(FailRouting(request.id, target=request.present_target))
            if recorded is not None:
                work.append(recorded)

    def _could_ever(self, interaction: Interaction, agent: Agent, declined: Collection[str]) -> bool:
        return could_ever(interaction, agent, policy=self._policy, declined=declined)


async def _carefully(interaction: Interaction, step: Awaitable[R]) -> R | None:
    """Do this for one request; None if it fails, for it must not hold up the others."""
    try:
        return await step
    except (StoreUnavailable, UnusableStore):  # nothing can be recorded for the others either
        raise
    except Exception as error:  # noqa: BLE001 - a host's directory may raise anything, and for one agent only
        log_failure("routing.failed", error, transfer_id=_request(interaction).id)
        return None


def picked(router: Router, interaction: Interaction, candidates: Sequence[Candidate]) -> Candidate | None:
    """Whom the router picks, or None for nobody now; the first candidate, if it answers nonsense or raises."""
    try:
        answer = untrusted(router.pick(interaction, tuple(candidates)))
    except Exception as error:  # noqa: BLE001 - a host's code; the transfer goes on without it
        log_failure("router.failed", error, interaction_id=interaction.id)
        return candidates[0]
    if answer is None:
        return None
    for candidate in candidates if isinstance(answer, str) else ():  # what is none may not even be comparable
        if candidate.agent.id == answer:
            return candidate
    log_failure("router.nonsense", LookupError(), interaction_id=interaction.id)
    return candidates[0]


def _like(interaction: Interaction, request: TransferRequest) -> tuple[object, ...]:
    """What requests have in common that the same agents could take, as long as nobody was asked for them."""
    return request.present_target, interaction.media, request.sender


def _reach(router: Router) -> int:
    try:
        reach = untrusted(router.reach)
    except Exception as error:  # noqa: BLE001 - likewise
        log_failure("router.reach_failed", error)
        return _REACH
    return min(reach, _FARTHEST) if isinstance(reach, int) and reach > 0 else _REACH


def _request(interaction: Interaction) -> TransferRequest:
    request = interaction.transfer
    assert request is not None  # noqa: S101 - what waits has a live request
    return request
