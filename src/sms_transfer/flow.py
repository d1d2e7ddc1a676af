"""How a command is carried out: read, decide, commit, and only then tell.

It is written once, as coroutines over the async ports; a `sms_transfer.drive.Driver` carries them out. Nothing is
decided here. What a rule of the domain says is said by `sms_transfer.core`; this reads what that needs, records what it
says, all or nothing, and starts again when somebody else was faster.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from sms_transfer.core.commands import (
    AgentCommand,
    Command,
    FailInvitation,
    FailRouting,
    Invite,
    LogOut,
    RequestTransfer,
)
from sms_transfer.core.decide import InteractionCommand, decide
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import (
    Agent,
    Direction,
    Interaction,
    NoAnswer,
    Queue,
    Target,
    TransferRequest,
    targets_of,
)
from sms_transfer.core.policy import TransferPolicy, fallback_at_once, has_left, may_be_able, places_taken
from sms_transfer.core.presence import after_no_answer, decide_presence
from sms_transfer.core.record import evolve
from sms_transfer.drive import Driver
from sms_transfer.errors import Conflict, NotFound, TargetNotEligible
from sms_transfer.ground import Ground
from sms_transfer.log import COMMANDS, EVENTS, log_agent, log_events, log_failure
from sms_transfer.ports import (
    AsyncContactGateway,
    AsyncDirectory,
    AsyncMessaging,
    AsyncTeams,
    AsyncTransferStore,
    Clock,
    Facts,
    Observer,
    Router,
)
from sms_transfer.routing import Recorded, Routing

if TYPE_CHECKING:
    from sms_transfer.watching import Watch

C = TypeVar("C", bound=Command | AgentCommand)
R = TypeVar("R")

AgentChange = Callable[[Agent], Agent]
"""Makes an agent's next record of the present one."""

QueueChange = Callable[[Queue], Queue]
"""Makes a queue's next record of the present one."""

_NOTHING: Final = Recorded()
BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
"""An instant at which every invitation takes its place."""


class Flow(Ground):
    """Carries commands out over the ports, each through to its end whatever becomes of its caller.

    Args:
        teams: what the agents serve together.
        router: which of them is invited next.
        new_ticket: makes the id of an invitation.

    The rest is as for `Ground`.
    """

    def __init__(
        self,
        store: AsyncTransferStore,
        *,
        directory: AsyncDirectory | None,
        teams: AsyncTeams,
        router: Router,
        new_ticket: Callable[[], str],
        messaging: AsyncMessaging,
        rung_by_store: bool,
        gateway: AsyncContactGateway | None,
        policy: TransferPolicy,
        clock: Clock,
        driver: Driver,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(
            store,
            directory=directory,
            messaging=messaging,
            rung_by_store=rung_by_store,
            gateway=gateway,
            policy=policy,
            clock=clock,
            driver=driver,
            observer=observer,
        )
        self.routing: Final = Routing(
            store, self.directory, teams, router=router, policy=policy, now=self.now, new_ticket=new_ticket
        )

    # commands

    def perform(self, command: InteractionCommand) -> Awaitable[Decision]:
        """Carry out one command on an interaction.

        Raises:
            Conflict: somebody else was faster, every time.
            SmsTransferError: whatever `sms_transfer.core.decide.decide` or the store has to say.
        """
        return self._carry(self._watched(command, self._perform))

    def request(self, command: RequestTransfer) -> Awaitable[TransferRequest]:
        """Carry out a request for a transfer; its invitee is still there when this returns. Raises like `perform`."""
        return self._carry(self._watched(command, self._request))

    def perform_for_agent(self, command: AgentCommand) -> Awaitable[Agent]:
        """Carry out one command on an agent's status.

        Raises:
            NotFound: nobody knows the agent.
            IllegalTransition: the status does not allow it.
            Conflict: somebody else was faster, every time.
        """
        return self._carry(self._watched(command, self._perform_for_agent))

    def change_agent(self, agent_id: str, change: AgentChange) -> Awaitable[Agent]:
        """Change an agent's record, again and again until nobody else was faster."""
        return self._carry(self._change_agent(agent_id, change))

    def change_queue(self, target: Target, change: QueueChange) -> Awaitable[Queue]:
        """Change the record of a queue or routing point, likewise.

        Raises:
            NotFound: there is none.
            Conflict: somebody else was faster, every time.
        """
        return self._carry(self._change_queue(target, change))

    async def route(self) -> int:
        """Invite whoever can be invited now, for all that waits (Q3); how many were invited."""
        return await self._carry(self._route())

    def change_messages(self, agent_id: str, change: Callable[[], Awaitable[bool]]) -> Awaitable[bool]:
        """Carry out a change of this agent's My Messages; whether there was such an entry."""
        return self._carry(self._change_messages(agent_id, change))

    def _watched(
        self, command: C, work: Callable[[C, Watch | None], Coroutine[object, object, R]]
    ) -> Coroutine[object, object, R]:
        """Work on a command under the eyes of whoever wants to see it; with nobody there it costs next to nothing."""
        if self._observer is None and not COMMANDS.isEnabledFor(logging.DEBUG):
            return work(command, None)
        from sms_transfer.watching import watched  # noqa: PLC0415 - most processes never need it

        return watched(self._observer, command, work)

    # one command, step by step

    async def _perform(self, command: InteractionCommand, watch: Watch | None = None) -> Decision:
        decision, recorded = await self._record(command, watch)
        if recorded is not _NOTHING:
            await self._serve(recorded)
        if decision.refusal is not None:
            raise decision.refusal
        return decision

    async def _record(self, command: InteractionCommand, watch: Watch | None = None) -> tuple[Decision, Recorded]:
        """Carry out a command as far as its own interaction goes."""
        try:
            decision, recorded = await self._decide_and_commit(command)
        except Conflict as beaten:
            decision, recorded = await self._again(lambda: self._decide_and_commit(command), beaten, watch)
        if decision.events:
            self._tell(decision, watch)
        for agent_id, no_answer in decision.missed:
            if no_answer is NoAnswer.LOG_OUT:
                await self._fail_invitations(agent_id, disconnected=False, over_at=self.now())  # T9: the others
        if not decision.events or self._is_in_transaction():  # F6: it is not recorded before the host says so
            return decision, recorded
        if not self._rung_by_store:
            await self._ring(decision.concerned)
        if decision.texts and any(text.direction is Direction.OUTBOUND for text in decision.texts):
            await self._outbox.send(decision.interaction.id, decision.interaction.contact)
        return decision, recorded

    def _tell(self, decision: Decision, watch: Watch | None) -> None:
        """Say what was recorded, to whoever wants to know."""
        if EVENTS.isEnabledFor(logging.INFO):
            log_events(decision.events)
        if watch is not None:
            watch.recorded(decision, final=not self._is_in_transaction())

    async def _decide_and_commit(
        self, command: InteractionCommand, *, statuses_follow: bool = False
    ) -> tuple[Decision, Recorded]:
        need = command.need()
        now = self.now()
        facts = await self.store.read(need, now)
        context = Context(
            now=now,
            policy=self.policy,
            agents=facts.agents if self._keeps_agents else await self.directory.agents(need.agents),
            load=facts.load,
            request=facts.request,
            message=facts.message,
            repeated=facts.repeated,
        )
        if isinstance(command, RequestTransfer) and facts.interaction is not None and self.routing.concerns(command):
            served, names = await self.routing.about(facts.interaction, command)
            context = evolve(context, served=served, names=names)
        decision = self._decide(facts.interaction, command, context)
        if not decision.events:
            return decision, _NOTHING
        if decision.missed and not statuses_follow:
            for agent_id, no_answer in decision.missed:
                await self._after_no_answer(agent_id, no_answer)
            return await self._decide_and_commit(command, statuses_follow=True)  # they may be whom it is about
        await self.store.commit(decision if self._keeps_agents else _not_asking(decision))
        return decision, _recorded(facts, decision)

    def _decide(self, interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
        """Decide; a place of its own, so that an exploration can put a broken core here."""
        return decide(interaction, command, context)

    async def _after_no_answer(self, agent_id: str, no_answer: NoAnswer) -> None:
        """Change the status of whoever did not answer (A3).

        It is done before the expiry is recorded: where the process dies in between, the next one does both.
        """
        try:
            await self._change_agent(agent_id, lambda known: after_no_answer(known, no_answer))
        except Exception as error:  # noqa: BLE001 - a deadline must be kept, whatever becomes of the status
            log_failure("agent.status_failed", error, agent_id=agent_id)

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        """Bring together who waits and who is able; what was recorded stays so, whatever becomes of this (Q3)."""
        if self._is_in_transaction() or not (recorded.freed or recorded.routing or targets):
            return 0
        try:
            return await self.routing.serve(recorded, self._record_routing, targets)
        except Exception as error:  # noqa: BLE001 - the next tick goes on with it
            log_failure("routing.interrupted", error, agents=len(recorded.freed))
            return 0

    async def _record_routing(self, command: Invite | FailRouting) -> Recorded | None:
        return await self._watched(command, self._perform_routing)

    async def _perform_routing(self, command: Invite | FailRouting, watch: Watch | None) -> Recorded | None:
        decision, recorded = await self._record(command, watch)
        further = None if self._keeps_agents else await self._look_after_invitee(decision)
        if not decision.events:
            return None
        if further is not None:
            return further
        return evolve(recorded, invited=decision.interaction.live_invitation is not None)

    async def _route(self) -> int:
        return await self.sweep("route", self._routed, done=int, counted=True)

    async def _routed(self) -> int:
        return await self._serve(_NOTHING, await self.store.waiting_targets())

    async def _request(self, command: RequestTransfer, watch: Watch | None) -> TransferRequest:
        try:
            decision, recorded = await self._record(command, watch)
        except TargetNotEligible as refusal:
            decision, recorded = await self._request_of_fallback(command, refusal, watch)
        else:
            if isinstance(decision.refusal, TargetNotEligible):  # T10: what was over is recorded now, and no more
                await self._serve(recorded)
                decision, recorded = await self._request_of_fallback(command, decision.refusal, watch)
        further = None if self._keeps_agents else await self._look_after_invitee(decision)
        recorded = recorded if further is None else further
        if recorded is not _NOTHING:
            await self._serve(recorded)
        if decision.refusal is not None:
            raise decision.refusal
        request = decision.request
        if further is None and recorded is _NOTHING:
            return request
        try:
            return await self.store.transfer(request.id) or request
        except Exception as error:  # noqa: BLE001 - it is recorded, so it must not look as if it were not (F7)
            log_failure("transfer.unread", error, transfer_id=request.id)
            return request

    async def _request_of_fallback(
        self, command: RequestTransfer, refusal: TargetNotEligible, watch: Watch | None
    ) -> tuple[Decision, Recorded]:
        """Ask the fallback at once (Q5); where there is none, or it is refused too, tell why the target was."""
        fallback = fallback_at_once(command)
        if fallback is None:
            raise refusal
        try:
            return await self._record(evolve(command, fallback=fallback, on_fallback=True), watch)
        except TargetNotEligible:
            raise refusal from None

    async def _look_after_invitee(self, decision: Decision) -> Recorded | None:
        """See to it that nobody who has just logged out is left invited (T9).

        Whoever logs out is recorded as such first and loses the live invitations after. An invitation that was decided
        before that and recorded after it would be missed. A store that keeps the agents refuses to record it; with any
        other directory, whoever records one looks once more.
        """
        invitation = decision.interaction.live_invitation
        if invitation is None or not decision.events:
            return None
        try:
            invitee = (await self.directory.agents((invitation.invitee,))).get(invitation.invitee)
            if has_left(invitee):
                return await self._watched(FailInvitation(invitation.id), self._recorded)
        except Exception as error:  # noqa: BLE001 - the request is recorded, and its deadline will end it
            log_failure("invitation.unchecked", error, invitation_id=invitation.id)
        return None

    async def _recorded(self, command: FailInvitation, watch: Watch | None) -> Recorded:
        return (await self._record(command, watch))[1]

    async def _perform_for_agent(self, command: AgentCommand, watch: Watch | None) -> Agent:
        agent = await self._change_agent(command.agent_id, lambda known: decide_presence(known, command), watch)
        if isinstance(command, LogOut):
            await self._fail_invitations(agent.id, disconnected=command.disconnected)
        return agent

    async def _change_agent(self, agent_id: str, change: AgentChange, watch: Watch | None = None) -> Agent:
        async def attempt() -> tuple[Agent, Agent]:
            known = await self.agent(agent_id)
            agent = change(known)
            if agent != known:
                await self.directory.replace_agent(known, agent)
            return known, agent

        try:
            known, agent = await attempt()
        except Conflict as beaten:
            known, agent = await self._again(attempt, beaten, watch)
        if agent != known and EVENTS.isEnabledFor(logging.INFO):
            log_agent(agent_id, agent.status.value, do_not_disturb=agent.do_not_disturb)
        await self._ring_for(agent_id, recorded=not self._keeps_agents or not self._is_in_transaction())
        able = agent != known and may_be_able(agent)
        left = targets_of(known) - targets_of(agent)  # where nobody may be left now
        await self._serve(Recorded(freed=frozenset({agent_id})) if able else _NOTHING, left)  # Q3, Q1
        return agent

    async def _change_queue(self, target: Target, change: QueueChange) -> Queue:
        async def attempt() -> Queue:
            known = (await self.routing.teams.queues((target,))).get(target)
            if known is None:
                raise NotFound(kind=target.kind, id=target.id)
            queue = change(known)
            if queue != known:
                await self.routing.teams.replace_queue(known, queue)
            return queue

        try:
            queue = await attempt()
        except Conflict as beaten:
            queue = await self._again(attempt, beaten)
        await self._serve(_NOTHING, (target,))
        return queue

    async def _fail_invitations(self, agent_id: str, *, disconnected: bool, over_at: datetime = BEFORE_ALL) -> None:
        """Withdraw what is offered to an agent who has left; what is over by then is left to whoever sweeps (T7)."""
        for invitation in (await self.store.desktop(agent_id)).invitations:
            if invitation.deadline <= over_at:
                continue
            try:
                await self._watched(FailInvitation(invitation.id, disconnected=disconnected), self._perform)
            except Exception as error:  # noqa: BLE001 - the agent is gone all the same, and deadlines end the rest
                log_failure("invitation.stayed", error, invitation_id=invitation.id)

    async def _change_messages(self, agent_id: str, change: Callable[[], Awaitable[bool]]) -> bool:
        changed = await change()
        if changed:
            await self._ring_for(agent_id, recorded=not self._is_in_transaction())
        return changed


def _recorded(facts: Facts, decision: Decision) -> Recorded:
    """What a decision changes for those who wait.

    Whether anybody waited was read before it was recorded. Whoever began to wait in between may be missed here, if they
    looked before it was recorded; `tick` finds them.
    """
    transfer = decision.interaction.transfer
    routing: tuple[Interaction, ...] = ()
    if transfer is not None and transfer.state is TransferState.ROUTING and transfer in decision.requests:
        routing = (decision.interaction,)
    elif not facts.waiting:
        return _NOTHING
    if not facts.waiting or facts.interaction is None:
        return Recorded(routing=routing)
    before = places_taken(facts.interaction, BEFORE_ALL)
    return Recorded(frozenset(before).difference(places_taken(decision.interaction, BEFORE_ALL)), routing)


def _not_asking(decision: Decision) -> Decision:
    """The decision for a store that may hold old records of agents whom another directory keeps now."""
    if decision.claim is None or not decision.claim.invites:
        return decision
    return evolve(decision, claim=evolve(decision.claim, invites=False))
