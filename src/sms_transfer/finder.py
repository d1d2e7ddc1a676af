"""What the team communicator finds, as coroutines (T2).

Names are looked up in an index in this process, which is brought up to date before every search by what has changed
since the last one. Whatever changes all the time (statuses, places, who waits) is in no index: it is read for the
targets of the page that is shown, so it is as new as the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Final

import attrs

from sms_transfer.arguments import expect, identifier, positive
from sms_transfer.core.check import untrusted
from sms_transfer.core.decide import as_of
from sms_transfer.core.decision import NAMELESS, require
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction, NoAnswer, Privilege, Target, TargetKind, targets_of
from sms_transfer.core.policy import Reason, can_transfer, eligibility
from sms_transfer.core.presence import after_no_answer
from sms_transfer.core.record import Record
from sms_transfer.errors import InvalidValue, NotFound
from sms_transfer.flow import Flow
from sms_transfer.ports import Roster

if TYPE_CHECKING:
    from sms_transfer.names import NameIndex

PAGE: Final = 50
_RECENTS: Final = 20


class View(StrEnum):
    """What is searched (T2)."""

    ALL = "all"
    FAVOURITES = "favourites"
    RECENTS = "recents"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Presence(Record):
    """Whether somebody could take a conversation now, for a person to read; the actions say what can be done.

    Args:
        status: an agent's, on the SMS channel; None for any other target.
        reason: why Not Ready.
        do_not_disturb: whether the agent wants none.
        free: how many places the agent has left (E3); None for any other target.
        ready: how many agents of the target are Ready and not in do-not-disturb; None for an agent.
        waiting: how many requests wait for an agent of the target; None for an agent.
    """

    status: ChannelStatus | None = None
    reason: str = ""
    do_not_disturb: bool = False
    free: int | None = None
    ready: int | None = None
    waiting: int | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Action(Record):
    """An entry of a target's action menu (T2).

    Args:
        code: stable: ``sms_transfer``.
        label: what stands in the menu: ``SMS Transfer``, for SMS and MMS alike.
        enabled: whether it can be picked: exactly if there are no reasons.
        reasons: every reason why the target cannot receive (T3); `explain_reasons` has the words.
    """

    code: str
    label: str
    enabled: bool
    reasons: frozenset[Reason]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FoundTarget(Record):
    """A target that was found, as it is now.

    Args:
        name: what an agent reads.
        load: an agent's places taken; of any other target the requests that wait for it.
        actions: the action menu; empty where this agent cannot transfer this interaction at all (T1, E4).
        favourite: whether this agent has marked it.
        recent: whether it is among the last ones that this agent asked.
    """

    target: Target
    name: str
    presence: Presence
    load: int
    actions: tuple[Action, ...]
    favourite: bool
    recent: bool


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Found(Record):
    """What a search found.

    Args:
        total: how many targets there are in all.
        targets: the first ones, the best matches first.
    """

    total: int
    targets: tuple[FoundTarget, ...]


class TeamIndex:
    """The names of everybody who can be found; shared by all agents of a service."""

    def __init__(self, flow: Flow) -> None:
        self.flow: Final = flow
        self._lock = Lock()
        self._version: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._names = _index()
        self._known: dict[Target, str] = {}
        self._teams: dict[str, frozenset[Target]] = {}  # by agent
        self._sizes: dict[Target, int] = {}  # of agent groups and skills
        self._left: set[Target] = set()  # those that may be empty now

    async def bring_up_to_date(self) -> None:
        """Learn what has changed since the last time."""
        while True:
            since = self._version
            if self._learn(since, await self.flow.routing.teams.roster(since)):
                return

    def search(
        self, text: str, *, kinds: frozenset[TargetKind] | None, limit: int, among: Sequence[Target] | None
    ) -> tuple[int, tuple[tuple[Target, str], ...]]:
        """How many match, and the first of them with their names."""
        with self._lock:
            found = self._names.search(text, kinds=kinds, limit=limit, among=among)
            return found.total, tuple([(target, self._known[target]) for target in found.targets])

    def known(self, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Those of these that there are."""
        with self._lock:
            return tuple([target for target in targets if target in self._known])

    def _learn(self, since: int | None, roster: Roster) -> bool:
        """Whether this could be learnt: not where another thread has learnt later things in the meantime."""
        with self._lock:
            if self._version != since:
                return False
            if roster.complete:
                self._forget()
            named = {queue.target: queue.label for queue in roster.queues}
            for agent in roster.agents:
                named[Target.agent(agent.id)] = agent.name
                named |= self._enrol(agent)
            if roster.complete:  # all at once, for it takes a tenth of the time
                self._names = _index(named)
            else:
                for target, name in named.items():
                    if self._known.get(target) != name:
                        self._names.put(target, name)
            self._known |= named
            self._leave()
            self._version = roster.version
            return True

    def _enrol(self, agent: Agent) -> Mapping[Target, str]:
        """The agent groups and skills that this agent has joined. They are called what they are."""
        before, after = self._teams.get(agent.id, frozenset()), targets_of(agent)
        if after:
            self._teams[agent.id] = after
        else:
            self._teams.pop(agent.id, None)
        for target in after - before:
            self._sizes[target] = self._sizes.get(target, 0) + 1
        for target in before - after:
            self._sizes[target] -= 1
            if not self._sizes[target]:
                self._left.add(target)
        return {target: target.id for target in after - before}

    def _leave(self) -> None:
        """Forget the agent groups and skills that nobody is in any more."""
        for target in self._left:
            if not self._sizes.get(target):
                self._sizes.pop(target, None)
                self._known.pop(target, None)
                self._names.discard(target)
        self._left.clear()


def _index(named: Mapping[Target, str] = NAMELESS) -> NameIndex:
    from sms_transfer.names import NameIndex  # noqa: PLC0415 - most processes search for nobody

    return NameIndex(named.items())


class Finder:
    """What one agent finds."""

    def __init__(self, index: TeamIndex, agent_id: str) -> None:
        self._flow = index.flow
        self._index = index
        self._agent_id = identifier("agent_id", agent_id)

    async def search(
        self,
        text: str = "",
        *,
        interaction_id: str | None = None,
        kinds: Collection[TargetKind] | None = None,
        view: View = View.ALL,
        limit: int = PAGE,
    ) -> Found:
        """As `sms_transfer.team_communicator.TeamCommunicator.search`."""
        expect(str, "text", text)
        expect(View, "view", view)
        wanted = None if kinds is None else _kinds(kinds)
        limit = positive(limit)
        me = await self._flow.agent(self._agent_id)
        interaction, missed = None, dict[str, NoAnswer]()
        if interaction_id is not None:
            recorded = await self._flow.present(identifier("interaction_id", interaction_id))
            present = as_of(recorded, self._flow.now(), self._flow.policy)  # T10: what is overdue is not pending
            interaction, missed = present.interaction, dict(present.missed)
        favourites, recents = await self._favourites(), await self._recents()
        among = {View.ALL: None, View.FAVOURITES: favourites, View.RECENTS: recents}[view]
        await self._index.bring_up_to_date()
        total, page = self._index.search(
            text, kinds=wanted, limit=limit, among=None if among is None else self._index.known(among)
        )
        page_now = await self._read([target for target, _ in page], missed)
        offered = interaction if interaction is not None and can_transfer(me, interaction) else None
        marked, asked = frozenset(favourites), frozenset(recents)
        found = [
            FoundTarget(
                target=target,
                name=name,
                presence=page_now.presence(target),
                load=page_now.load(target),
                actions=() if offered is None else (await self._sms_transfer(offered, target, page_now),),
                favourite=target in marked,
                recent=target in asked,
            )
            for target, name in page
        ]
        return Found(total=total, targets=tuple(found))

    async def favourites(self) -> tuple[Target, ...]:
        """The targets that this agent has marked and that there still are, in the order marked."""
        return await self._still_there(await self._favourites())

    async def recents(self) -> tuple[Target, ...]:
        """The last targets that this agent asked and that there still are, the latest first."""
        return await self._still_there(await self._recents())

    async def add_favourite(self, target: Target) -> None:
        """As `sms_transfer.team_communicator.TeamCommunicator.add_favourite`."""
        expect(Target, "target", target)
        require(await self._flow.agent(self._agent_id), Privilege.MANAGE_FAVOURITES)  # E4
        if not await self._still_there((target,)):
            raise NotFound(kind=target.kind, id=target.id)
        await self._flow.store.mark_favourite(self._agent_id, target, favourite=True)

    async def remove_favourite(self, target: Target) -> None:
        """As `sms_transfer.team_communicator.TeamCommunicator.remove_favourite`."""
        expect(Target, "target", target)
        require(await self._flow.agent(self._agent_id), Privilege.MANAGE_FAVOURITES)  # E4
        await self._flow.store.mark_favourite(self._agent_id, target, favourite=False)

    async def _favourites(self) -> tuple[Target, ...]:
        return await self._flow.store.favourites(self._agent_id)

    async def _recents(self) -> tuple[Target, ...]:
        return await self._flow.store.recents(self._agent_id, limit=_RECENTS)

    async def _still_there(self, targets: Sequence[Target]) -> tuple[Target, ...]:
        await self._index.bring_up_to_date()
        return self._index.known(targets)

    async def _read(self, targets: Sequence[Target], missed: Mapping[str, NoAnswer]) -> _Now:
        ids = [target.id for target in targets if target.kind is TargetKind.AGENT]
        teams = [target for target in targets if target.kind is not TargetKind.AGENT]
        flow = self._flow
        agents = dict(await flow.directory.agents(ids)) if ids else {}
        agents |= {id_: after_no_answer(agents[id_], missed[id_]) for id_ in agents.keys() & missed.keys()}  # A3
        return _Now(
            agents=agents,
            loads=await flow.store.loads(ids, flow.now()) if ids else {},
            ready=await flow.routing.teams.ready(teams) if teams else {},
            waiting=await flow.store.waiting_counts(teams) if teams else {},
        )

    async def _sms_transfer(self, interaction: Interaction, target: Target, now: _Now) -> Action:
        served = None if target.kind is TargetKind.AGENT else await self._flow.routing.served(interaction, target)
        reasons = eligibility(
            interaction,
            target,
            now.agents.get(target.id) if target.kind is TargetKind.AGENT else None,
            load=now.load(target),
            policy=self._flow.policy,
            served=served,
        )
        return Action(code="sms_transfer", label="SMS Transfer", enabled=not reasons, reasons=reasons)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Now(Record):
    """What changes all the time, of the targets of one page."""

    agents: Mapping[str, Agent]
    loads: Mapping[str, int]
    ready: Mapping[Target, int]
    waiting: Mapping[Target, int]

    def load(self, target: Target) -> int:
        if target.kind is TargetKind.AGENT:
            return self.loads.get(target.id, 0)
        return self.waiting.get(target, 0)

    def presence(self, target: Target) -> Presence:
        if target.kind is not TargetKind.AGENT:
            return Presence(ready=self.ready.get(target, 0), waiting=self.waiting.get(target, 0))
        agent = self.agents.get(target.id)
        if agent is None:  # the directory has lost them since it named them
            return Presence(status=ChannelStatus.LOGGED_OUT, free=0)
        return Presence(
            status=agent.status,
            reason=agent.reason,
            do_not_disturb=agent.do_not_disturb,
            free=max(0, agent.capacity - self.load(target)),
        )


def _kinds(kinds: Collection[TargetKind]) -> frozenset[TargetKind]:
    given = untrusted(kinds)
    if isinstance(given, str) or not isinstance(given, Collection):
        raise InvalidValue(field="kinds", rule="must be a collection of TargetKind")
    for kind in kinds:
        expect(TargetKind, "kinds", kind)
    return frozenset(kinds)
