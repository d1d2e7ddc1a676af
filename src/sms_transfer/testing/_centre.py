"""A centre with a queue in an exploration: the real flow and the real routing, over records of one situation.

A router may pick whomever it likes among the candidates, so an exploration does not ask one: it goes every way there
is. So what holds here holds for every router, and whoever may be the longest idle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import attrs

from sms_transfer.adapters.blocking import AwaitableMessaging, AwaitableStore, at_once
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.memory_lines import turn_of
from sms_transfer.core.commands import Invite, Need, OpenInteraction
from sms_transfer.core.decide import InteractionCommand
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.ending import can_end
from sms_transfer.core.events import InvitationSent
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction, Queue, Target, TargetKind, TransferRequest
from sms_transfer.core.policy import TransferPolicy, agent_eligibility, could_ever, places_taken
from sms_transfer.drive import BlockingDriver, finish
from sms_transfer.errors import Refused
from sms_transfer.flow import BEFORE_ALL, Flow
from sms_transfer.ports import Candidate, Facts
from sms_transfer.routing import Recorded
from sms_transfer.testing._cases import NOW, Broken, Case, Rules, Step, after, timeless


@attrs.frozen
class Situation:
    """The conversations and the agents of a centre, as they are recorded."""

    cases: tuple[Case, ...]
    agents: tuple[Agent, ...]

    def places(self, agent_id: str, now: datetime = NOW) -> int:
        """How many places of this agent are taken (E3)."""
        return sum(places_taken(case.interaction, now).count(agent_id) for case in self.cases)


Call = Callable[[Flow], Awaitable[object]]
"""Something that somebody asks of the flow."""


class Records(MemoryStore):
    """A store that keeps one situation, and checks each commit.

    It keeps to what the port asks and to no more: who may be able is found without an order, and a place whose
    invitation is over, and nothing has recorded that, is still taken there.
    """

    def __init__(self, rules: Rules, queue: Queue) -> None:
        super().__init__()
        self._rules = rules
        self._queue = queue
        self.broken: Broken | None = None
        self.situation: Situation = Situation((), ())
        self.invited: list[tuple[str, str]] = []
        self._decided: list[tuple[Decision, Interaction]] = []

    def begin(self, situation: Situation) -> None:
        """Keep this one from now on."""
        self.situation = situation
        self.invited = []
        self._decided = []

    def case(self, interaction_id: str) -> Case:
        """What is recorded of a conversation."""
        return next(case for case in self.situation.cases if case.interaction.id == interaction_id)

    # what is read

    def read(self, need: Need, now: datetime) -> Facts:
        for case in self.situation.cases:
            request = case.request(need)
            if need.interaction_id == case.interaction.id or request is not None:
                return Facts(
                    interaction=case.interaction,
                    request=request,
                    load=0 if need.load_of is None else self.situation.places(need.load_of, now),
                    message=next((text for text in case.texts if text.id == need.message_id), None),
                    agents=self.agents(need.agents),
                    waiting=any(one.waits for one in self.situation.cases),
                )
        raise self.found(f"F3: nobody knows what {need} is about")

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return {agent.id: agent for agent in self.situation.agents if agent.id in ids}

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        need = Need(transfer_id=transfer_id)
        return next((found for case in self.situation.cases if (found := case.request(need)) is not None), None)

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        del since, known  # whoever leaves asks for everything
        offered = [
            case.interaction
            for case in self.situation.cases
            if (ticket := case.interaction.live_invitation) is not None and ticket.invitee == agent_id
        ]
        return Desktop(version=0, offered=tuple(offered))

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        return {self._queue.target: self._queue.label} if self._queue.target in targets else {}

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        del limit  # more than so many are no harm
        members = self._queue.members if target == self._queue.target else ()
        return tuple(agent for agent in self.situation.agents if agent.id in members)

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        return tuple(
            agent
            for agent in self.members(target, limit=limit)
            if agent.status in statuses and self.situation.places(agent.id, BEFORE_ALL) < agent.capacity
        )

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        return frozenset({self._queue.target} if self._queue.members.intersection(agent_ids) else ())

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        return {agent_id: self.situation.places(agent_id, now) for agent_id in agent_ids}

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        behind = None if after is None or after.transfer is None else turn_of(after.transfer)
        turns = sorted(
            (turn_of(request), case.interaction)
            for case in self.situation.cases
            if (request := case.waits) is not None and request.present_target in targets
        )
        return tuple(one for turn, one in turns if behind is None or turn > behind)[:limit]

    def waiting_targets(self) -> frozenset[Target]:
        return frozenset(request.present_target for case in self.situation.cases if (request := case.waits))

    # what is recorded

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        agents = tuple(agent if one == known else one for one in self.situation.agents)
        self.situation = attrs.evolve(self.situation, agents=agents)

    def commit(self, decision: Decision) -> None:
        case = self.case(decision.interaction.id)
        if not any(made is decision and basis == case.interaction for made, basis in self._decided):
            raise self.found(f"F7: what is recorded of {case.interaction.id} was not decided on what there is")
        changed = after(case, timeless(decision))
        for event in decision.events:
            if isinstance(event, InvitationSent):
                self.invited.append((event.invitee, event.interaction_id))
        cases = (changed if one.interaction.id == changed.interaction.id else one for one in self.situation.cases)
        self.situation = attrs.evolve(self.situation, cases=tuple(cases))

    def decide(self, interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
        """Decide with the core under exploration, and check what it decided; the case is as it was before."""
        if interaction is None or isinstance(command, OpenInteraction):
            raise self.found("F3: every conversation was opened at the beginning")
        case = self.case(interaction.id)
        if isinstance(command, Invite):
            asked = () if case.interaction.transfer is None else case.interaction.transfer.past_invitations
            command = attrs.evolve(command, invitation_id=f"{command.transfer_id}-ticket-{len(asked) + 1}")
        try:
            decision = self._rules.decide(interaction, command, context)
        except Refused as refusal:
            self._rules.note(case, command, Step(case, refusal))
            raise
        except Exception as error:
            raise self.found(f"A8: {type(command).__name__} was not refused, it failed: {error!r}") from error
        try:
            self._rules.check_change(case, command, decision)
        except Broken as broken:
            raise self.found(str(broken)) from broken
        self._rules.note(case, command, Step(after(case, timeless(decision)), decision.refusal, decision.events))
        self._decided.append((decision, interaction))
        return decision

    def found(self, what: str) -> Broken:
        """Remember what is broken: a flow logs what fails while it routes, and goes on."""
        self.broken = Broken(what) if self.broken is None else self.broken
        return self.broken


class ExploredFlow(Flow):
    """The flow, deciding with the core under exploration."""

    records: Records
    dies = False
    """Whether the process dies as soon as a command is recorded, so that nobody looks for agents or cleans up."""

    def _decide(self, interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
        return self.records.decide(interaction, command, context)

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        return 0 if self.dies else await super()._serve(recorded, targets)

    async def _fail_invitations(self, agent_id: str, *, disconnected: bool, over_at: datetime = BEFORE_ALL) -> None:
        if not self.dies:
            await super()._fail_invitations(agent_id, disconnected=disconnected, over_at=over_at)


class EveryWay:
    """A router that is asked again and again, and goes another way each time."""

    def __init__(self) -> None:
        self._script: list[int] = []
        self._taken: list[tuple[int, int]] = []

    @property
    def reach(self) -> int:
        """As many as there are."""
        return 8

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        """The candidate whose turn it is."""
        del interaction
        number = len(self._taken)
        choice = self._script[number] if number < len(self._script) else 0
        self._taken.append((choice, len(candidates)))
        return candidates[choice].agent.id

    def begin(self) -> None:
        """Go the first way next."""
        self._script, self._taken = [], []

    def go_on(self) -> bool:
        """Go the next way; whether there is one."""
        while self._taken:
            choice, among = self._taken.pop()
            if choice + 1 < among:
                self._script = [*[taken for taken, _ in self._taken], choice + 1]
                self._taken = []
                return True
        return False


class _AtOnce(BlockingDriver):
    """Does not wait before it tries again."""

    async def pause(self, seconds: float) -> None:
        """Nobody else is at it."""


class _Now:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


class Centre:
    """Carries out what is asked of a centre with one queue, every way it can go.

    Args:
        dies: whether the process that carries something out may die as soon as it is recorded.
    """

    def __init__(
        self, rules: Rules, queue: Queue, *, policy: TransferPolicy, flow: type[ExploredFlow], dies: bool
    ) -> None:
        self._queue = queue
        self._records = Records(rules, queue)
        self._router = EveryWay()
        self._policy = policy
        self._dies = dies
        store = AwaitableStore(self._records, at_once)
        self._flow = flow(
            store,
            directory=None,
            teams=store,
            router=self._router,
            new_ticket=lambda: "ticket",  # the records give each one its own
            messaging=AwaitableMessaging(InProcessMessaging(), at_once),
            rung_by_store=True,
            gateway=None,
            policy=policy,
            clock=_Now(),
            driver=_AtOnce(),
        )
        self._flow.records = self._records

    def outcomes(self, situation: Situation, call: Call) -> Iterator[Situation]:
        """What this can lead to, once for each way that routers can go.

        Raises:
            Broken: something fails that may only be refused, or is done that must not be.
        """
        for dies in (False, True) if self._dies else (False,):
            self._flow.dies = dies
            self._router.begin()
            going_on = True
            while going_on:
                yield self._outcome(situation, call)
                going_on = self._router.go_on()

    def _outcome(self, situation: Situation, call: Call) -> Situation:
        self._records.begin(situation)
        with suppress(Refused, Broken):
            finish(_awaited(call(self._flow)))
        if self._records.broken is not None:
            raise self._records.broken
        found = self._records.situation
        if not self._dies and not any(case.overdue for case in situation.cases):
            self._check_turns(found)
        return found

    def check(self, situation: Situation) -> None:
        """Check that whoever waits has a reason to wait, as soon as nothing is overdue (Q1, Q3).

        Where processes die, that is so after somebody has looked for agents once more, as every `tick` does.

        Raises:
            Broken: an agent could take it, or nobody ever could.
        """
        if any(case.overdue for case in situation.cases):
            return
        if not self._dies:
            self._check_waiting(situation)
            return
        self._flow.dies = False
        self._router.begin()
        going_on = True
        while going_on:
            self._check_waiting(self._outcome(situation, lambda flow: flow.route()))
            going_on = self._router.go_on()

    def _check_waiting(self, situation: Situation) -> None:
        for case in situation.cases:
            request = case.waits
            if request is None:
                continue
            team = self._team(situation, request)
            for agent in team:
                if self._can_take(case, agent, situation.places(agent.id)):
                    raise Broken(f"Q3: {request.id} waits, and {agent.id} could take it")
            if can_end(case.interaction, request) and not any(
                could_ever(case.interaction, agent, policy=self._policy, declined=request.asked) for agent in team
            ):
                raise Broken(f"Q1: {request.id} waits, and nobody ever could take it")

    def _check_turns(self, situation: Situation) -> None:
        """Q3: whoever was invited was not invited past somebody who waits for longer, or with a higher priority."""
        cases = {case.interaction.id: case for case in situation.cases}
        agents = {agent.id: agent for agent in situation.agents}
        for agent_id, interaction_id in self._records.invited:
            given = cases[interaction_id].interaction
            if given.live_invitation is None or given.live_invitation.invitee != agent_id or given.transfer is None:
                continue  # it is over already
            for case in situation.cases:
                request = case.waits
                if request is None or turn_of(request) > turn_of(given.transfer):
                    continue
                agent, without = agents[agent_id], situation.places(agent_id) - 1
                if agent in self._team(situation, request) and self._can_take(case, agent, without):
                    raise Broken(f"Q3: {agent_id} got {given.transfer.id}, and {request.id} goes on waiting")

    def _team(self, situation: Situation, request: TransferRequest) -> tuple[Agent, ...]:
        target = request.present_target
        if target.kind is TargetKind.AGENT:
            return tuple(agent for agent in situation.agents if agent.id == target.id)
        return tuple(
            agent for agent in situation.agents if target == self._queue.target and agent.id in self._queue.members
        )

    def _can_take(self, case: Case, agent: Agent, load: int) -> bool:
        request = case.interaction.transfer
        declined = frozenset[str]() if request is None else request.asked
        return not agent_eligibility(
            case.interaction, agent.id, agent, load=load, policy=self._policy, declined=declined
        )


async def _awaited(awaitable: Awaitable[object]) -> None:
    await awaitable
