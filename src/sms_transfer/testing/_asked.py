"""What the core must have been asked, told from what is recorded: for each event that a commit may begin with, how.

Events leave texts, notes, case data and reasons out (A6), so these are taken from the records that the events point at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from typing import Any, Final

import attrs

from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    FailInvitation,
    FailRouting,
    Invite,
    MarkDone,
    OpenInteraction,
    ReceiveMessage,
    Reject,
    Reply,
    RequestTransfer,
    SetNote,
    UpdateCaseData,
)
from sms_transfer.core.decide import InteractionCommand
from sms_transfer.core.decision import Context
from sms_transfer.core.events import (
    CaseDataUpdated,
    Event,
    InteractionDone,
    InteractionOpened,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    MessageReceived,
    MessageSent,
    NoteSet,
    TransferAccepted,
    TransferCancelled,
    TransferClosed,
    TransferEvent,
    TransferExpired,
    TransferFailed,
    TransferRedirected,
    TransferRequested,
)
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Direction, Interaction, Message, Outcome, Target, TransferRequest
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.core.record import Record, evolve

_NOBODY: Final = "-"
_NO_TICKET: Final = "-"
"""An id that a command has to have and does not use."""
_PLACES: Final = 1_000_000


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Trace(Record):
    """All that is recorded of one interaction.

    Args:
        interaction: as it is now.
        history: its events, in order.
        requests: every transfer request that the events name, as it is now.
        transcript: its texts, in order.
        messages: entries of My Messages that are about it, of any agent; those that were deleted are missed nowhere.
    """

    interaction: Interaction
    history: tuple[Event, ...]
    requests: tuple[TransferRequest, ...]
    transcript: tuple[Message, ...]
    messages: tuple[SystemMessage, ...] = ()


@attrs.frozen
class Asked:
    """A command, and when it was decided."""

    command: InteractionCommand
    now: datetime


class Untold(LookupError):
    """Nothing that can be asked leads to such an event first, or not with what is recorded beside it."""


class Asking:
    """Tells, event by event, what the core must have been asked."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._history = trace.history
        self.requests: Final = {request.id: request for request in trace.requests}
        self._texts = {message.id: message for message in trace.transcript}

    def command(self, interaction: Interaction | None, position: int, policy: TransferPolicy) -> Asked:
        """What was asked of the interaction when it was like this, if the event at this place was the first of it.

        Raises:
            Untold: no command is.
        """
        event = self._history[position]
        ask = _ASKED.get(type(event))
        if ask is None:
            raise Untold("no command leads to this first")
        if (interaction is None) is not isinstance(event, InteractionOpened):
            raise Untold("an interaction is opened once, at the beginning")
        command = ask(self, event, position, interaction)
        return Asked(command, self._later(event, position, policy) if isinstance(command, Expire) else event.at)

    def context(self, interaction: Interaction | None, asked: Asked, policy: TransferPolicy) -> Context:
        """What there was to look at: agents who were allowed what they did, and the records as they were then."""
        command, need = asked.command, asked.command.need()
        live = None if interaction is None else interaction.transfer
        named = dict[Target, str]()
        names = dict[str, str]()
        if isinstance(command, RequestTransfer) and (request := self.requests.get(command.transfer_id)) is not None:
            if request.fallback is not None:
                named[request.fallback] = request.fallback_name
            named[request.target] = request.target_name
            present = command.present_target
            names = {present.id: named.get(present, ""), command.by: request.sender_name}
        return Context(
            now=asked.now,
            policy=policy,
            agents={agent_id: _able(agent_id, names.get(agent_id, "")) for agent_id in need.agents},
            request=live if need.transfer_id is not None or need.invitation_id is not None else None,
            served=True,
            names=named,
        )

    def _later(self, event: Event, position: int, policy: TransferPolicy) -> datetime:
        """When an expiry was recorded, as far as it matters: which round of its queue began then (Q2)."""
        together = takewhile(lambda one: one.at == event.at, self._history[position:])
        for following in together:
            if isinstance(following, TransferRequested) and following.by is None:
                request = self.requests.get(following.transfer_id)
                return event.at if request is None else max(event.at, request.deadline - policy.routing_timeout)
        return event.at

    # of the conversation

    def opening(self, event: InteractionOpened, *_: object) -> OpenInteraction:
        """How it was when it was opened, as far as what is recorded later can tell."""
        found = self._trace.interaction
        hops = next((one.hop - 1 for one in self._history if isinstance(one, TransferRequested)), found.hops)
        updated = {key for one in self._history if isinstance(one, CaseDataUpdated) for key in one.keys}
        return OpenInteraction(
            Interaction(
                event.interaction_id,
                media=event.media,
                contact=found.contact,
                owner=event.owner,
                epoch=event.epoch,
                hops=hops,
                case_data={key: value for key, value in found.case_data.items() if key not in updated},
                note=self._last_note[1] if self._last_note[0] is None else "",
            )
        )

    def received(self, event: MessageReceived, *_: object) -> ReceiveMessage:
        message = self._text(event)
        return ReceiveMessage(evolve(message, direction=Direction.INBOUND, sender=""))

    def sent(self, event: MessageSent, *_: object) -> Reply:
        message = self._text(event)
        message = evolve(message, direction=Direction.OUTBOUND, sender=_by(event))
        return Reply(event.interaction_id, by=_by(event), epoch=event.epoch, message=message)

    def _text(self, event: MessageReceived | MessageSent) -> Message:
        message = self._texts.get(event.message_id)
        if message is None:
            raise Untold("the transcript has no such text")
        return message

    def note(self, event: NoteSet, position: int, *_: object) -> SetNote:
        at, note = self._last_note
        note = note if at == position else ""  # an earlier one is known to nobody, and has no length that matters
        return SetNote(event.interaction_id, by=_by(event), note=note)

    def case_data(self, event: CaseDataUpdated, *_: object) -> UpdateCaseData:
        data = self._trace.interaction.case_data  # as it is in the end, which is as good as any
        return UpdateCaseData(event.interaction_id, by=_by(event), changes={key: data.get(key) for key in event.keys})

    def done(self, event: InteractionDone, *_: object) -> MarkDone:
        return MarkDone(event.interaction_id, by=_by(event))

    @cached_property
    def _last_note(self) -> tuple[int | None, str]:
        """Where the note was replaced last, and what it was then: as now, without what came with transfers (T16)."""
        at: int | None = None
        added = list[str]()
        for position, event in enumerate(self._history):
            if isinstance(event, NoteSet):
                at, added = position, []
            elif isinstance(event, TransferAccepted) and (request := self.requests.get(event.transfer_id)) is not None:
                added.append(request.note)
        note, more = self._trace.interaction.note, "\n".join(filter(None, added))
        return at, note.removesuffix(more).removesuffix("\n") if more else note

    # of a transfer

    def requested(self, event: TransferRequested, position: int, *_: object) -> RequestTransfer:
        request = self.requests.get(event.transfer_id)
        if request is None:
            raise Untold("such a transfer is not recorded")
        then = self._history[position + 1 : position + 3]
        at_once = [one for one in then if isinstance(one, TransferRedirected) and one.by == event.by]
        tickets = [one.invitation_id for one in then if isinstance(one, InvitationSent)]
        return RequestTransfer(
            event.interaction_id,
            by=_by(event),
            target=event.target,
            transfer_id=event.transfer_id,
            invitation_id=next(iter(tickets), _NO_TICKET),
            note=request.note,
            priority=request.priority,
            no_answer=request.no_answer,
            fallback=self._fallback(request, position),
            on_fallback=bool(at_once),
        )

    def _fallback(self, request: TransferRequest, position: int) -> Target:
        """The fallback that was asked for; the target itself, where none was, whatever the policy has (Q5).

        A request that has gone back from its fallback has none any more, but there are the events (Q2).
        """
        if request.fallback is not None:
            return request.fallback
        for event in self._history[position:]:
            if isinstance(event, TransferRedirected) and event.transfer_id == request.id:
                return event.target
        return request.target

    def invited(self, event: InvitationSent, _: int, interaction: Interaction) -> Invite:
        target = _live(interaction).present_target
        return Invite(event.transfer_id, target=target, agent_id=event.invitee, invitation_id=event.invitation_id)

    def accepted(self, event: TransferAccepted, *_: object) -> Accept:
        return Accept(event.invitation_id, by=_by(event))

    def rejected(self, event: InvitationRejected, position: int, *_: object) -> Reject:
        return Reject(event.invitation_id, by=_by(event), reason=self._reason(event, position))

    def withdrawn(self, event: InvitationWithdrawn, position: int, *_: object) -> InteractionCommand:
        """The invitee has gone, or the owner has taken it back or ended the conversation (T8, T9, T13)."""
        if event.by == event.invitee:
            disconnected = self._reason(event, position) == "invitee_disconnected"
            return FailInvitation(event.invitation_id, disconnected=disconnected)
        request = self.requests.get(event.transfer_id)
        return self._taken_back(event, None if request is None else request.outcome)

    def cancelled(self, event: TransferCancelled, *_: object) -> Cancel | MarkDone:
        return self._taken_back(event, event.outcome)

    def _taken_back(self, event: TransferEvent, outcome: Outcome | None) -> Cancel | MarkDone:
        if outcome is not None and outcome.reason == "interaction_done":  # T13
            return MarkDone(event.interaction_id, by=_by(event))
        return Cancel(event.transfer_id, by=_by(event))

    def _reason(self, event: InvitationRejected | InvitationWithdrawn, position: int) -> str:
        """Why this offer ended: its request has kept the reason and gone on (Q1), or ended with it."""
        request = self.requests.get(event.transfer_id)
        for past in () if request is None else request.past_invitations:
            if past.id == event.invitation_id:
                return past.outcome.reason
        for following in self._history[position + 1 : position + 2]:
            if isinstance(following, TransferClosed):
                return following.outcome.reason
        return ""

    def expired(self, event: InvitationExpired | TransferExpired, *_: object) -> Expire:
        return Expire(event.transfer_id)

    def redirected(self, event: TransferRedirected, _: int, interaction: Interaction) -> Expire | FailRouting:
        """Time had come, or nobody was left who could be invited (Q1, Q5)."""
        if event.at < _live(interaction).due_at:
            return self.nobody_left(event, _, interaction)
        return Expire(event.transfer_id)

    def nobody_left(self, event: TransferRedirected | TransferFailed, _: int, interaction: Interaction) -> FailRouting:
        return FailRouting(event.transfer_id, target=_live(interaction).present_target)


def _live(interaction: Interaction) -> TransferRequest:
    if interaction.transfer is None:
        raise Untold("no transfer is live")
    return interaction.transfer


def _by(event: Event) -> str:
    """Who asked; nobody, where it is said that nobody did, and the core will have something to say to that."""
    return event.by or _NOBODY


def _able(agent_id: str, name: str) -> Agent:
    """An agent who may do everything: presence, privileges and places at that time are recorded nowhere."""
    return Agent(agent_id, name, status=ChannelStatus.READY, capacity=_PLACES)


_ASKED: Final[Mapping[type[Event], Callable[[Asking, Any, int, Any], InteractionCommand]]] = {
    InteractionOpened: Asking.opening,
    MessageReceived: Asking.received,
    MessageSent: Asking.sent,
    NoteSet: Asking.note,
    CaseDataUpdated: Asking.case_data,
    InteractionDone: Asking.done,
    TransferRequested: Asking.requested,
    InvitationSent: Asking.invited,
    TransferAccepted: Asking.accepted,
    InvitationRejected: Asking.rejected,
    InvitationExpired: Asking.expired,
    InvitationWithdrawn: Asking.withdrawn,
    TransferCancelled: Asking.cancelled,
    TransferExpired: Asking.expired,
    TransferRedirected: Asking.redirected,
    TransferFailed: Asking.nobody_left,
}
"""By the first event of a commit. No commit begins with any other."""
