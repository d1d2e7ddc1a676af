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
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Contact,
    Direction,
    Interaction,
    Invitation,
    Media,
    Message,
    Outcome,
    Target,
    TransferRequest,
)
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import TransferPolicy, places_taken
from sms_transfer.errors import InvitationClosed, NotPermitted, Refused

Decide = Callable[[Interaction | None, InteractionCommand, Context], Decision]
"""The function under exploration: `sms_transfer.core.decide.decide`, or one broken on purpose."""

TICK: Final = timedelta(seconds=15)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""It is always now: time passes by bringing every deadline nearer, so that equal situations are equal values."""

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
        """How many transfers were requested so far."""
        return len(self.requests)

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
            if request.id == need.transfer_id or (
                request.invitation is not None and request.invitation.id == need.invitation_id
            ):
                return request
        return None

    def later(self) -> Case:
        """The same, one tick later."""
        live = self.interaction.transfer
        if live is None or live.invitation is None or live.deadline <= NOW:
            return self
        deadline = live.deadline - TICK
        invitation = attrs.evolve(live.invitation, deadline=deadline)
        transfer = attrs.evolve(live, deadline=deadline, invitation=invitation)
        return attrs.evolve(self, interaction=attrs.evolve(self.interaction, transfer=transfer))


@attrs.frozen
class Step:
    """What a command led to: another case, or the same; and the refusal, if it was refused."""

    case: Case
    refusal: Refused | None


class Rules:
    """Carries commands out on cases with the function under exploration, and checks what must hold."""

    def __init__(
        self,
        decide: Decide,
        names: tuple[str, ...],
        *,
        requests: int,
        texts: int,
        note: Callable[[Case, PresentCommand, Step], None],
    ) -> None:
        self._decide = decide
        self._note = note
        self._names = names
        self._requests = requests
        self._texts = texts
        self._policy = TransferPolicy(invitation_timeout=2 * TICK)

    def begin(self, interaction_id: str, owner: Agent) -> Case:
        """Open a conversation."""
        interaction = Interaction(interaction_id, media=Media.SMS, contact=Contact("+14155550100"), owner=owner.id)
        context = Context(now=NOW, policy=self._policy, agents={owner.id: owner})
        return Case(_plain(self._decide(None, OpenInteraction(interaction), context).interaction))

    def moves(self, case: Case) -> Iterator[PresentCommand]:
        """What those who may ask something can ask now."""
        interaction = case.interaction
        owner, live, invitation = str(interaction.owner), interaction.transfer, interaction.live_invitation
        if len(case.texts) < self._texts:
            yield ReceiveMessage(_text(case))
        yield MarkDone(interaction.id, by=owner, epoch=interaction.epoch)
        if live is None and case.asked < self._requests:
            for name in self._names:
                yield self._ask(case, by=owner, target=name)
        if live is not None and invitation is not None:
            yield Accept(invitation.id, by=invitation.invitee)
            yield Reject(invitation.id, by=invitation.invitee)
            yield Cancel(live.id, by=live.sender)
            yield Expire(live.id)
            yield FailInvitation(invitation.id)

    def step(self, case: Case, command: PresentCommand, agents: Mapping[str, Agent], load: int) -> Step:
        """Carry a command out, and check that what it did could be done.

        Raises:
            Broken: it could not.
        """
        try:
            decision = self._decide(case.interaction, command, self._context(case, command, agents, load))
        except Refused as refusal:
            step = Step(case, refusal)
        except Exception as error:
            raise Broken(f"A8: {type(command).__name__} was not refused, it failed: {error!r}") from error
        else:
            self._check_change(case, command, decision)
            step = Step(_after(case, decision), decision.refusal)
        self._note(case, command, step)
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
        self._check_outsiders(case)
        self._check_owner(case)
        self._check_closed_tickets(case)
        live = case.interaction.transfer
        if live is None or live.deadline > NOW:
            self._check_repeats(case)
        if live is not None:
            self._check_ends(case, live)

    def _ask(self, case: Case, *, by: str, target: str) -> RequestTransfer:
        name = f"{case.interaction.id}-{case.asked + 1}"
        return RequestTransfer(
            case.interaction.id,
            by=by,
            epoch=case.interaction.epoch,
            target=Target.agent(target),
            transfer_id=name,
            invitation_id=f"{name}-ticket",
            key=name,
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
    def _check_change(case: Case, command: PresentCommand, decision: Decision) -> None:
        """F1: epoch and owner move together; F3: no outcome twice; T5, T10: only an accept in time moves them."""
        before, after = case.interaction, decision.interaction
        if (after.owner != before.owner) is not (after.epoch == before.epoch + 1):
            raise Broken(f"F1: owner {before.owner} to {after.owner}, epoch {before.epoch} to {after.epoch}")
        live = before.transfer
        if after.owner != before.owner and (not isinstance(command, Accept) or live is None or live.deadline <= NOW):
            raise Broken(f"T10: {type(command).__name__} moved the ownership, too late or without an invitation")
        if decision.events and after.version != before.version + 1:
            raise Broken("F7: one commit, one version")
        closed = {request.id for request in case.closed}
        if decision.events and any(request.id in closed for request in decision.requests):
            raise Broken("F3: a closed request was changed")

    @staticmethod
    def _check_told(case: Case) -> None:
        """T6, D5, A2: what the rules tell is told on both surfaces exactly once; nothing else is."""
        told = [request.id for request in case.closed if _outcome(request).state in _TOLD]
        if told != [notice.id for notice in case.notices]:
            raise Broken(f"T6: told {[notice.id for notice in case.notices]}, to be told {told}")
        error = case.interaction.error
        last = case.closed[-1] if case.closed else None
        live = case.interaction.transfer is not None or case.interaction.state is InteractionState.DONE
        due = last is not None and not live and _outcome(last).state in _TOLD
        if due is (error is None) or (error and last and error.params["transfer"] != last.id):
            raise Broken("T6: the top of the window does not tell the last outcome")

    def _check_outsiders(self, case: Case) -> None:
        """F1: whoever does not own it, or speaks of an earlier ownership, is refused; F2: nobody gets a second one."""
        interaction = case.interaction
        for name in self._names:
            epochs = [None] if name != interaction.owner else []
            for epoch in (*epochs, *range(interaction.epoch)):
                for command in _owner_commands(case, name, epoch):
                    self._refused(case, command)
        if interaction.transfer is not None and interaction.transfer.deadline > NOW:
            self._refused(case, self._ask(case, by=str(interaction.owner), target=self._names[-1]))

    def _check_owner(self, case: Case) -> None:
        """F1, T4, T15: the owner can go on working, transfer or no transfer, until it is done."""
        interaction = case.interaction
        for command in _owner_commands(case, str(interaction.owner), interaction.epoch):
            if not isinstance(command, (MarkDone, RequestTransfer)):
                refusal = self.step(case, command, self._everybody(), load=0).refusal
                if (refusal is None) is (interaction.state is InteractionState.DONE):
                    raise Broken(
                        f"T4: the owner's {type(command).__name__} in {interaction.state}: {refusal or 'done'}"
                    )

    def _check_closed_tickets(self, case: Case) -> None:
        """T11, F3: whoever answers too late is told what won and who owns it now; others are told nothing."""
        for request in case.closed:
            ticket = _ticket(request)
            commands = (Accept(ticket.id, by=ticket.invitee), Reject(ticket.id, by=ticket.invitee))
            for command in (*commands, Cancel(request.id, by=request.sender)):
                refusal = self._refused(case, command)
                expected = attrs.evolve(_outcome(request), owner=case.interaction.owner)
                if not isinstance(refusal, InvitationClosed) or refusal.outcome != expected:
                    raise Broken(f"T11: {type(command).__name__} of closed {request.id} was told {refusal!r}")
            for name in set(self._names) - {ticket.invitee}:
                if not isinstance(self._refused(case, Accept(ticket.id, by=name)), NotPermitted):
                    raise Broken("T11: a stranger was told about a closed invitation")

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
        )
        again: tuple[PresentCommand, ...] = (*asked, *map(ReceiveMessage, case.texts))
        for command in again:
            if self.step(case, command, self._everybody(), load=0) != Step(case, None):
                raise Broken(f"F5: {type(command).__name__} had an effect of its own the second time")

    def _check_ends(self, case: Case, live: TransferRequest) -> None:
        """F4: it has a deadline, and time alone brings it to an outcome."""
        if live.invitation is None or live.deadline != live.invitation.deadline:
            raise Broken("F4: a live invitation has no deadline")
        late = case
        for _ in range(2):
            late = late.later()
        ended = self.step(late, Expire(live.id), {}, load=0).case
        if ended.interaction.transfer is not None or _outcome(ended.closed[-1]).state is not TransferState.EXPIRED:
            raise Broken(f"F4: time alone does not end {live.id}")


def _outcome(request: TransferRequest) -> Outcome:
    assert request.outcome is not None  # noqa: S101 - the model refuses a closed request without one
    return request.outcome


def _ticket(request: TransferRequest) -> Invitation:
    if request.invitation is None:
        raise Broken(f"T11: {request.id} is closed and nobody was ever invited")
    return request.invitation


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


def _after(case: Case, decision: Decision) -> Case:
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
