"""One conversation in an exploration: what it can be, what can be asked of it, and what must hold in each of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    FailInvitation,
    FailRouting,
    Invite,
    MarkDone,
    Need,
    OpenInteraction,
    ReceiveMessage,
    Reject,
    Reply,
    RequestTransfer,
    SetNote,
    UpdateCaseData,
)
from sms_transfer.core.decide import InteractionCommand, PresentCommand
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.events import Event, OwnershipMoved
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Contact,
    Direction,
    Interaction,
    Media,
    Message,
    Outcome,
    PastInvitation,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import Handover, TransferPolicy, places_taken, sender_of
from sms_transfer.errors import InvitationClosed, NotPermitted, Refused, TargetNotEligible

Decide = Callable[[Interaction | None, InteractionCommand, Context], Decision]
"""The function under exploration: `sms_transfer.core.decide.decide`, or one broken on purpose."""

TICK: Final = timedelta(seconds=15)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""It is always now: time passes by bringing every deadline nearer, so that equal situations are equal values."""

_OLD: Final = 3 * TICK
"""Who waits longer than that is not told apart by age: a queue can begin anew as often as it likes."""

_PATIENCE: Final = 16
_TOLD: Final = frozenset({TransferState.REJECTED, TransferState.EXPIRED, TransferState.FAILED})


class Broken(Exception):
    """Something that must hold does not."""


@attrs.frozen
class Case:
    """One conversation, with all that was ever recorded about it and can still matter.

    Args:
        interaction: as it is now.
        closed: its closed requests, in the order in which they closed.
        notices: the My Messages entries it has made.
        texts: what the contact wrote.
    """

    interaction: Interaction
    closed: tuple[TransferRequest, ...] = ()
    notices: tuple[SystemMessage, ...] = ()
    texts: tuple[Message, ...] = ()

    @property
    def asked(self) -> int:
        """How many transfers were asked for so far; the next round of one that waits on in its queue is none."""
        return len(self.requests) - self.rounds

    @property
    def rounds(self) -> int:
        """How many times a queue began a request anew (Q2)."""
        return sum("+" in request.id for request in self.requests)

    @property
    def overdue(self) -> bool:
        """Whether time has brought something that nothing has recorded yet (T10)."""
        live = self.interaction.transfer
        return live is not None and live.due_at <= NOW

    @property
    def waits(self) -> TransferRequest | None:
        """The request that waits for an agent, if it does (Q1)."""
        live = self.interaction.transfer
        return live if live is not None and live.state is TransferState.ROUTING else None

    @property
    def places(self) -> tuple[str, ...]:
        """Whose places it takes (E3)."""
        return places_taken(self.interaction, NOW)

    @property
    def requests(self) -> tuple[TransferRequest, ...]:
        """Every request that was ever made, in order."""
        live = self.interaction.transfer
        return self.closed if live is None else (*self.closed, live)

    def request(self, need: Need) -> TransferRequest | None:
        """The request that a ticket or an id belongs to."""
        for request in self.requests:
            if request.id == need.transfer_id or need.invitation_id in _tickets(request):
                return request
        return None

    def later(self, late: int = 0) -> Case:
        """The same, one tick later.

        Args:
            late: how many ticks after the deadline of its request time goes on without anything recording it.
        """
        live = self.interaction.transfer
        if live is None or live.deadline <= NOW - late * TICK:
            return self
        invitation = live.invitation
        transfer = attrs.evolve(
            live,
            deadline=live.deadline - TICK,
            requested_at=max(live.requested_at - TICK, NOW - _OLD) if _is_routed(live) else live.requested_at,
            invitation=None if invitation is None else attrs.evolve(invitation, deadline=invitation.deadline - TICK),
        )
        return attrs.evolve(self, interaction=attrs.evolve(self.interaction, transfer=transfer))


@attrs.frozen
class Step:
    """What a command led to: another case, or the same; and the refusal, if it was refused."""

    case: Case
    refusal: Refused | None
    events: tuple[Event, ...] = attrs.field(default=(), eq=False)


class Rules:
    """Carries commands out on cases with the function under exploration, and checks what must hold."""

    def __init__(
        self,
        decide: Decide,
        names: tuple[str, ...],
        *,
        targets: tuple[Target, ...],
        policy: TransferPolicy,
        requests: int,
        texts: int,
        note: Callable[[Case, PresentCommand, Step], None],
    ) -> None:
        self.decide = decide
        self.note = note
        self._names = names
        self._targets = targets
        self._requests = requests
        self._texts = texts
        self._policy = policy

    def begin(self, interaction_id: str, owner: Agent) -> Case:
        """Open a conversation."""
        interaction = Interaction(interaction_id, media=Media.SMS, contact=Contact("+14155550100"), owner=owner.id)
        context = Context(now=NOW, policy=self._policy, agents={owner.id: owner})
        return Case(_plain(self.decide(None, OpenInteraction(interaction), context).interaction))

    def moves(self, case: Case, priority: int = 0) -> Iterator[PresentCommand]:
        """What those who may ask something can ask now."""
        interaction = case.interaction
        owner, live, invitation = interaction.owner, interaction.transfer, interaction.live_invitation
        if len(case.texts) < self._texts:
            yield ReceiveMessage(_text(case))
        if isinstance(owner, str):
            yield MarkDone(interaction.id, by=owner, epoch=interaction.epoch)
            if live is None and case.asked < self._requests:
                for target in self._targets:
                    yield self._ask(case, by=owner, target=target, priority=priority)
        if live is not None:
            if invitation is not None:
                yield Accept(invitation.id, by=invitation.invitee)
                yield Reject(invitation.id, by=invitation.invitee)
            yield Cancel(live.id, by=live.sender)
            yield Expire(live.id)
            if invitation is not None:
                yield FailInvitation(invitation.id)

    def step(self, case: Case, command: PresentCommand, agents: Mapping[str, Agent], load: int) -> Step:
        """Carry a command out, and check that what it did could be done.

        Raises:
            Broken: it could not.
        """
        try:
            decision = self.decide(case.interaction, command, self._context(case, command, agents, load))
        except Refused as refusal:
            step = Step(case, refusal)
        except Exception as error:
            raise Broken(f"A8: {type(command).__name__} was not refused, it failed: {error!r}") from error
        else:
            self.check_change(case, command, decision)
            step = Step(after(case, decision), decision.refusal, decision.events)
        self.note(case, command, step)
        return step

    def _context(self, case: Case, command: PresentCommand, agents: Mapping[str, Agent], load: int) -> Context:
        need = command.need()
        return Context(
            now=NOW,
            policy=self._policy,
            agents=agents,
            load=load,
            request=case.request(need),
            message=next((text for text in case.texts if text.id == need.message_id), None),
            repeated=next((made for made in case.requests if need.key == (made.sender, made.id)), None),
        )

    def check(self, case: Case) -> None:
        """Check what must hold of every conversation, whatever led to it.

        Raises:
            Broken: it does not.
        """
        self._check_told(case)
        self._check_queue(case)
        live = case.interaction.transfer
        if live is None or not case.overdue or isinstance(case.interaction.owner, str):
            self._check_outsiders(case)  # of what is overdue in a queue, time may make the sender the owner again
            self._check_closed_tickets(case)
        self._check_owner(case)
        if not case.overdue:
            self._check_repeats(case)
            self._check_past_tickets(case)
            self._check_picks(case)
        if live is not None:
            self._check_ends(case, live)

    def _ask(self, case: Case, *, by: str, target: Target, priority: int = 0) -> RequestTransfer:
        name = f"{case.interaction.id}-{case.asked + 1}"
        return RequestTransfer(
            case.interaction.id,
            by=by,
            epoch=case.interaction.epoch,
            target=target,
            transfer_id=name,
            invitation_id=f"{name}-ticket",
            key=name,
            priority=priority,
        )

    def _everybody(self) -> Mapping[str, Agent]:
        return {name: Agent(name, name, status=ChannelStatus.READY) for name in self._names}

    def _refused(self, case: Case, command: PresentCommand) -> Refused:
        """Carry out what must be refused, with everybody Ready so that nothing else can be the reason."""
        refusal = self.step(case, command, self._everybody(), load=0).refusal
        if refusal is None:
            raise Broken(f"{type(command).__name__} of {getattr(command, 'by', '?')} succeeded")
        return refusal

    @staticmethod
    def check_change(case: Case, command: PresentCommand, decision: Decision) -> None:
        """F1: epoch and owner move together; F3: no outcome twice; T5, T10: only an accept in time moves them.

        Raises:
            Broken: it is not so.
        """
        before, after_ = case.interaction, decision.interaction
        if isinstance(after_.owner, str) and after_.owner != before.owner:
            _check_new_owner(case, command, after_.owner)
        owner, epoch = before.owner, before.epoch
        for moved in decision.events:
            if isinstance(moved, OwnershipMoved):
                if (moved.former_owner, moved.epoch) != (owner, epoch + 1):
                    raise Broken(f"F1: owner {owner}, epoch {epoch}, and then {moved!r}")
                owner, epoch = moved.owner, moved.epoch
        if (after_.owner, after_.epoch) != (owner, epoch):
            raise Broken(f"F1: owner {owner} to {after_.owner}, epoch {epoch} to {after_.epoch}")
        if decision.events and after_.version != before.version + 1:
            raise Broken("F7: one commit, one version")
        closed = {request.id for request in case.closed}
        if decision.events and any(request.id in closed for request in decision.requests):
            raise Broken("F3: a closed request was changed")

    @staticmethod
    def _check_told(case: Case) -> None:
        """T6, D5, A2: what the rules tell is told on both surfaces exactly once; nothing else is."""
        told = [request.id for request in case.closed if _is_told(request)]
        if told != [notice.id for notice in case.notices]:
            raise Broken(f"T6: told {[notice.id for notice in case.notices]}, to be told {told}")
        error = case.interaction.error
        last = case.closed[-1] if case.closed else None
        live = case.interaction.transfer is not None or case.interaction.state is InteractionState.DONE
        due = last is not None and not live and _is_told(last)
        if due is (error is None) or (error and last and error.params["transfer"] != last.id):
            raise Broken("T6: the top of the window does not tell the last outcome")

    def _check_queue(self, case: Case) -> None:
        """Q2: what is QUEUED belongs to the queue it waits for, from the start; Q1: nobody is asked twice."""
        interaction, live = case.interaction, case.interaction.transfer
        for request in case.requests:
            asked = [past.invitee for past in request.past_invitations]
            asked += [] if request.invitation is None else [request.invitation.invitee]
            if len(set(asked)) < len(asked):
                raise Broken(f"Q1: {request.id} asked {asked}")
            if request.sender in asked:
                raise Broken(f"Q1: {request.id} asked its own sender")
        if live is None:
            return
        several = {target for target in (live.present_target, live.target) if target.kind is not TargetKind.AGENT}
        placed = self._policy.handover is Handover.ON_PLACEMENT
        if interaction.state is InteractionState.QUEUED:
            owner = live.present_target if live.present_target in several else live.target
            if not placed or interaction.owner != owner or owner not in several:
                raise Broken(f"Q2: {interaction.owner} owns what waits for {live.present_target}")
            if live.return_to_sender is not self._policy.return_to_sender:
                raise Broken(f"Q2: whether {live.id} goes back is not what the policy says")
        elif placed and live.target in several and live.present_target in several:
            raise Broken(f"Q2: {interaction.owner} owns what was placed in {live.present_target}")

    def _check_outsiders(self, case: Case) -> None:
        """F1: whoever does not own it, or speaks of an earlier ownership, is refused; F2: nobody gets a second one."""
        interaction = case.interaction
        for name in self._names:
            epochs = [None] if name != interaction.owner else []
            for epoch in (*epochs, *range(interaction.epoch)):
                for command in _owner_commands(case, name, epoch):
                    self._refused(case, command)
        if interaction.transfer is not None and not case.overdue:
            for target in self._targets[-1:]:
                self._refused(case, self._ask(case, by=sender_of(interaction) or "", target=target))

    def _check_owner(self, case: Case) -> None:
        """F1, T4, T15: the owner can go on working, transfer or no transfer, until it is done."""
        interaction = case.interaction
        if isinstance(interaction.owner, Target):
            return
        for command in _owner_commands(case, interaction.owner, interaction.epoch):
            if not isinstance(command, (MarkDone, RequestTransfer)):
                refusal = self.step(case, command, self._everybody(), load=0).refusal
                if (refusal is None) is (interaction.state is InteractionState.DONE):
                    raise Broken(
                        f"T4: the owner's {type(command).__name__} in {interaction.state}: {refusal or 'done'}"
                    )

    def _check_closed_tickets(self, case: Case) -> None:
        """T11, F3: whoever answers too late is told what won and who owns it now; others are told nothing."""
        for request in case.closed:
            expected = attrs.evolve(_outcome(request), owner=case.interaction.owner)
            if not (request.invitation or _is_routed(request)):
                raise Broken(f"T11: {request.id} is closed and nobody was ever invited")
            self._check_told_who_won(case, Cancel(request.id, by=request.sender), expected)
            for ticket, invitee in _tickets(request).items():
                for command in (Accept(ticket, by=invitee), Reject(ticket, by=invitee)):
                    self._check_told_who_won(case, command, expected)
                for name in set(self._names) - {invitee}:
                    if not isinstance(self._refused(case, Accept(ticket, by=name)), NotPermitted):
                        raise Broken("T11: a stranger was told about a closed invitation")

    def _check_past_tickets(self, case: Case) -> None:
        """T11: whoever was asked before, and answers while the request goes on, is told how that offer ended."""
        live = case.interaction.transfer
        for past in () if live is None else live.past_invitations:
            expected = attrs.evolve(past.outcome, owner=case.interaction.owner)
            self._check_told_who_won(case, Accept(past.id, by=past.invitee), expected)

    def _check_told_who_won(self, case: Case, command: Accept | Reject | Cancel, expected: Outcome) -> None:
        refusal = self._refused(case, command)
        if not isinstance(refusal, InvitationClosed) or refusal.outcome != expected:
            raise Broken(f"T11: {command!r} of something closed was told {refusal!r}")

    def _check_picks(self, case: Case) -> None:
        """Q1, E1, E3: whom a router may not pick is refused; what is not ROUTING any more is left as it is."""
        live = case.interaction.transfer
        if live is None:
            return
        picks = [
            Invite(live.id, target=live.present_target, agent_id=name, invitation_id="picked-ticket")
            for name in self._names
        ]
        if live.state is not TransferState.ROUTING:
            idle: tuple[PresentCommand, ...] = (*picks, FailRouting(live.id, target=live.present_target))
            for command in idle:
                if self.step(case, command, self._everybody(), load=0) != Step(case, None):
                    raise Broken(f"Q1: {type(command).__name__} had an effect on what is {live.state}")
            return
        for pick in picks:
            everybody, load = self._everybody(), 0
            if pick.agent_id not in live.asked and pick.agent_id != live.sender:
                load = everybody[pick.agent_id].capacity
            refusal = self.step(case, pick, everybody, load).refusal
            if not isinstance(refusal, TargetNotEligible):
                raise Broken(f"Q1: {pick.agent_id} could be invited, and must not be")

    def _check_repeats(self, case: Case) -> None:
        """F5: a command that comes twice has the effect of one."""
        asked = (
            RequestTransfer(
                made.interaction_id,
                by=made.sender,
                target=made.target,
                transfer_id="again",
                invitation_id="again-ticket",
                key=made.id,
            )
            for made in case.requests
            if "+" not in made.id
        )
        again: tuple[PresentCommand, ...] = (*asked, *map(ReceiveMessage, case.texts))
        for command in again:
            if self.step(case, command, self._everybody(), load=0) != Step(case, None):
                raise Broken(f"F5: {type(command).__name__} had an effect of its own the second time")

    def _check_ends(self, case: Case, live: TransferRequest) -> None:
        """F4: time alone brings it to an outcome; Q2: what a queue owned comes back, or waits on."""
        if live.invitation is not None and live.invitation.deadline > live.deadline:
            raise Broken("F4: a live invitation outlasts its request")
        if not _is_routed(live) and (live.invitation is None or live.invitation.deadline != live.deadline):
            raise Broken("F4: a live invitation has not the deadline of its request")
        late = case
        for _ in range(_PATIENCE):
            late = self.step(late.later(), Expire(live.id), {}, load=0).case
            if len(late.closed) > len(case.closed):
                break
        else:
            raise Broken(f"F4: time alone does not end {live.id}")
        ended, owner = late.interaction, case.interaction.owner
        if _outcome(late.closed[-1]).state is not TransferState.EXPIRED:
            raise Broken(f"F4: time alone ends {live.id} as {late.closed[-1].state}")
        if isinstance(owner, Target) and not live.return_to_sender:
            if late.waits is None or late.waits.deadline <= NOW or isinstance(ended.owner, str):
                raise Broken(f"Q2: {live.id} does not wait on in its queue")
        elif ended.transfer is not None or ended.owner != live.sender:
            raise Broken(f"Q2: {ended.owner} owns it after {live.id}, and {live.sender} should")


def _check_new_owner(case: Case, command: PresentCommand, owner: str) -> None:
    """T5, T10: an agent becomes the owner by an accept in time, or when a queue gives back what it could not place."""
    live = case.interaction.transfer
    if live is not None and isinstance(case.interaction.owner, Target) and owner == live.sender:
        if not live.return_to_sender:
            raise Broken(f"Q2: {owner} is given back what was handed over for good")
        return
    ticket = case.interaction.live_invitation
    in_time = live is not None and live.due_at > NOW
    if not isinstance(command, Accept) or ticket is None or not in_time or ticket.id != command.invitation_id:
        raise Broken(f"T10: {type(command).__name__} moved the ownership, too late or without an invitation")


def _is_routed(request: TransferRequest) -> bool:
    """Whether it ever could wait for an agent: its age matters then (Q3)."""
    return request.target.kind is not TargetKind.AGENT or request.fallback is not None


def _is_told(request: TransferRequest) -> bool:
    """Whether the sender is told: what waits on in a queue has not come back to anybody (Q2)."""
    outcome = _outcome(request)
    return outcome.state in _TOLD and isinstance(outcome.owner, str)


def _tickets(request: TransferRequest) -> Mapping[str, str]:
    """Whom each ticket of a request was for."""
    tickets = {past.id: past.invitee for past in request.past_invitations}
    if request.invitation is not None:
        tickets[request.invitation.id] = request.invitation.invitee
    return tickets


def _outcome(request: TransferRequest) -> Outcome:
    assert request.outcome is not None  # noqa: S101 - the model refuses a closed request without one
    return request.outcome


def _owner_commands(
    case: Case, by: str, epoch: int | None
) -> tuple[Reply | MarkDone | SetNote | UpdateCaseData | RequestTransfer, ...]:
    id_ = case.interaction.id
    message = attrs.evolve(_text(case), direction=Direction.OUTBOUND, sender=by)
    request = RequestTransfer(
        id_, by=by, epoch=epoch, target=Target.agent("x"), transfer_id="stolen", invitation_id="stolen-ticket"
    )
    return (
        Reply(id_, by=by, epoch=epoch, message=message),
        MarkDone(id_, by=by, epoch=epoch),
        SetNote(id_, by=by, epoch=epoch, note="mine"),
        UpdateCaseData(id_, by=by, epoch=epoch, changes={}),
        request,
    )


def _text(case: Case) -> Message:
    return Message(
        f"{case.interaction.id}-text-{len(case.texts) + 1}",
        interaction_id=case.interaction.id,
        direction=Direction.INBOUND,
        text="hello",
        at=NOW,
    )


def after(case: Case, decision: Decision) -> Case:
    """The case once a decision is recorded."""
    if not decision.events:
        return case
    return Case(
        _plain(decision.interaction),
        closed=(*case.closed, *(request for request in decision.requests if request.outcome is not None)),
        notices=case.notices + decision.notices,
        texts=case.texts + decision.texts,
    )


def _plain(interaction: Interaction) -> Interaction:
    """Without the version: it counts how one came here, and decides nothing."""
    return attrs.evolve(interaction, version=1)


def timeless(decision: Decision) -> Decision:
    """The same, as if what is over had happened now: when it did decides nothing any more."""
    return attrs.evolve(
        decision,
        interaction=attrs.evolve(
            decision.interaction,
            transfer=None if decision.interaction.transfer is None else _lately(decision.interaction.transfer),
        ),
        requests=tuple(_lately(request) for request in decision.requests),
        notices=tuple(attrs.evolve(notice, at=NOW) for notice in decision.notices),
    )


def _lately(request: TransferRequest) -> TransferRequest:
    past = tuple(_past(one) for one in request.past_invitations)
    if request.outcome is None:
        return attrs.evolve(request, past_invitations=past)
    invitation = request.invitation
    return attrs.evolve(
        request,
        requested_at=NOW,
        deadline=NOW,
        past_invitations=past,
        outcome=attrs.evolve(request.outcome, at=NOW),
        invitation=None if invitation is None else attrs.evolve(invitation, offered_at=NOW, deadline=NOW),
    )


def _past(past: PastInvitation) -> PastInvitation:
    return attrs.evolve(past, outcome=attrs.evolve(past.outcome, at=NOW))
