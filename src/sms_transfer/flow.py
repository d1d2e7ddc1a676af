"""How a command is carried out: read, decide, commit, and only then tell.

Nothing is decided here. What a rule of the domain says is said by `sms_transfer.core`; this reads what that needs,
records what it says, all or nothing, and starts again when somebody else was faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final, TypeVar

import attrs

from sms_transfer.core.check import to_utc, untrusted
from sms_transfer.core.commands import AgentCommand, FailInvitation, LogOut
from sms_transfer.core.decide import InteractionCommand, decide
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.model import Agent, Direction, TransferRequest
from sms_transfer.core.policy import TransferPolicy, has_left
from sms_transfer.core.presence import decide_presence
from sms_transfer.errors import Conflict, InvalidValue, NotFound
from sms_transfer.log import log_failure
from sms_transfer.outbox import Outbox
from sms_transfer.ports import Clock, ContactGateway, Directory, Messaging, TransferStore

AgentChange = Callable[[Agent], Agent]
"""Makes an agent's next record of the present one."""

_LAST_YEAR: Final = 9_997  # every deadline is a date, too
_ATTEMPTS: Final = 64
_FIRST_PAUSE: Final = 0.000_05
_LONGEST_PAUSE: Final = 0.02


class Flow:
    """Carries commands out over the ports."""

    def __init__(
        self,
        store: TransferStore,
        *,
        directory: Directory,
        messaging: Messaging,
        gateway: ContactGateway | None,
        policy: TransferPolicy,
        clock: Clock,
    ) -> None:
        self.store = store
        self.directory = directory
        self.messaging = messaging
        self.policy = policy
        self.outbox = Outbox(store, gateway)
        self._clock = clock
        self._keeps_agents = directory is store

    def now(self) -> datetime:
        """The present instant, in UTC.

        Raises:
            InvalidValue: the clock gives no datetimes, or ones without a time zone or at the end of all dates.
        """
        now = self._clock.now()
        given = untrusted(now)
        if not isinstance(given, datetime) or given.utcoffset() is None or given.year > _LAST_YEAR:
            raise InvalidValue(
                field="clock", rule="must give datetimes that know their time zone, before the year 9998"
            )
        return to_utc(now)

    def perform(self, command: InteractionCommand) -> Decision:
        """Carry out one command on an interaction.

        Raises:
            Conflict: somebody else was faster, every time.
            SmsTransferError: whatever `sms_transfer.core.decide.decide` or the store has to say.
        """
        decision = _again_while_beaten(lambda: self._decide_and_commit(command))
        if decision.events:
            self._tell(decision)
        if decision.refusal is not None:
            raise decision.refusal
        return decision

    def perform_for_agent(self, command: AgentCommand) -> Agent:
        """Carry out one command on an agent's status.

        Raises:
            NotFound: nobody knows the agent.
            IllegalTransition: the status does not allow it.
            Conflict: somebody else was faster, every time.
        """
        agent = self.change_agent(command.agent_id, lambda known: decide_presence(known, command))
        if isinstance(command, LogOut):
            self._fail_invitations(agent.id, disconnected=command.disconnected)
        return agent

    def change_agent(self, agent_id: str, change: AgentChange) -> Agent:
        """Change an agent's record, again and again until nobody else was faster."""

        def attempt() -> Agent:
            known = self.agent(agent_id)
            agent = change(known)
            if agent != known:
                self.directory.replace_agent(known, agent)
            return agent

        agent = _again_while_beaten(attempt)
        self.ring((agent_id,))
        return agent

    def settle_invitee(self, request: TransferRequest) -> TransferRequest:
        """See to it that nobody who has just logged out is left invited (T9).

        Whoever logs out is recorded as such first and loses the live invitations after. An invitation that was decided
        before that and recorded after it would be missed. A store that keeps the agents refuses to record it; with any
        other directory, whoever records one looks once more.
        """
        invitation = request.invitation
        if self._keeps_agents or invitation is None or request.state.is_final:
            return request
        try:
            invitee = self.directory.agents((invitation.invitee,)).get(invitation.invitee)
            if has_left(invitee):
                return self.perform(FailInvitation(invitation.id)).request
        except Exception as error:  # noqa: BLE001 - the request is recorded, and its deadline will end it
            log_failure("could not look after the invitee of transfer", request.id, error)
        return request

    def agent(self, agent_id: str) -> Agent:
        """An agent's present record.

        Raises:
            NotFound: nobody knows the agent.
        """
        agent = self.directory.agents((agent_id,)).get(agent_id)
        if agent is None:
            raise NotFound(kind="agent", id=agent_id)
        return agent

    def look(self, agent_id: str, since: int | None, known: Mapping[str, int]) -> Snapshot:
        """What an agent's workspace should show."""
        return Snapshot(self.agent(agent_id), self.store.desktop(agent_id, since=since, known=known))

    def ring(self, agent_ids: Collection[str]) -> None:
        """Ring the doorbell; the command has had its effect, so a bell that fails is no failure of the command."""
        try:
            self.messaging.ring(agent_ids)
        except Exception as error:  # noqa: BLE001 - a host's messaging may raise anything
            log_failure("could not ring", f"{len(agent_ids)} agents", error)

    def _decide_and_commit(self, command: InteractionCommand) -> Decision:
        need = command.need()
        now = self.now()
        facts = self.store.read(need, now)
        context = Context(
            now=now,
            policy=self.policy,
            agents=facts.agents if self._keeps_agents else self.directory.agents(need.agents),
            load=facts.load,
            request=facts.request,
            message=facts.message,
            repeated=facts.repeated,
        )
        decision = decide(facts.interaction, command, context)
        if decision.events:
            self.store.commit(decision if self._keeps_agents else _not_asking(decision))
        return decision

    def _tell(self, decision: Decision) -> None:
        self.ring(decision.concerned)
        if decision.texts and any(text.direction is Direction.OUTBOUND for text in decision.texts):
            self.outbox.send(decision.interaction.id, decision.interaction.contact)

    def _fail_invitations(self, agent_id: str, *, disconnected: bool) -> None:
        for invitation in self.store.desktop(agent_id).invitations:
            try:
                self.perform(FailInvitation(invitation.id, disconnected=disconnected))
            except Exception as error:  # noqa: BLE001 - the agent is gone all the same, and deadlines end the rest
                log_failure("could not withdraw invitation", invitation.id, error)


def _not_asking(decision: Decision) -> Decision:
    """The decision for a store that may hold old records of agents whom another directory keeps now."""
    if decision.claim is None or not decision.claim.invites:
        return decision
    return attrs.evolve(decision, claim=attrs.evolve(decision.claim, invites=False))


R = TypeVar("R")


def _again_while_beaten(attempt: Callable[[], R]) -> R:
    """Try until nobody else was faster: a bounded number of times, with pauses that grow and are never alike."""
    for tried in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except Conflict:
            _pause(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tried))
    return attempt()


def _pause(longest: float) -> None:
    from random import uniform  # noqa: PLC0415 - most processes never need it, and it is slow to import

    time.sleep(uniform(0, longest))  # noqa: S311 - spreads retries; no secret depends on it
