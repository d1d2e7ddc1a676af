"""Everything that can be asked of a transfer service, as coroutines; how each is meant, `TransferService` says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import attrs

from sms_transfer.arguments import expect, identifier, positive
from sms_transfer.core.check import CaseValue, untrusted
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    LogIn,
    LogOut,
    MarkDone,
    Need,
    OpenInteraction,
    ReceiveMessage,
    Reject,
    Reply,
    RequestTransfer,
    SaveAttachment,
    SetDoNotDisturb,
    SetNote,
    SetNotReady,
    SetReady,
    UpdateCaseData,
)
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.events import Event
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Direction,
    Interaction,
    Message,
    NoAnswer,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.policy import Reason, eligibility
from sms_transfer.core.record import Record
from sms_transfer.errors import InvalidValue, NotFound, SmsTransferError
from sms_transfer.flow import Flow
from sms_transfer.log import log_failure
from sms_transfer.ports import EventPage, IdFactory

if TYPE_CHECKING:
    from sms_transfer.core.explanation import Explanation
    from sms_transfer.finder import TeamIndex

BATCH: Final = 1_000


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Tick(Record):
    """What `TransferService.tick` did.

    Args:
        expired: the requests that time has closed.
        invited: how many agents it found for requests that had been waiting for one (Q3); whoever is invited at once in
            the place of an agent who did not answer is not counted.
        sent: how many texts the gateway took.
    """

    expired: tuple[TransferRequest, ...]
    invited: int = 0
    sent: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BulkResult(Record):
    """What became of one conversation in `TransferService.transfer_many` (A5).

    Args:
        request: the request that was made for it, now or under the same key before; None if there was an error.
        error: why there is none; `explain_refusal` tells it to an agent.
    """

    interaction_id: str
    request: TransferRequest | None = None
    error: SmsTransferError | None = None


class Calls:
    """The calls that are the same whether they are awaited or driven."""

    def __init__(self, flow: Flow, ids: IdFactory) -> None:
        self._flow = flow
        self._ids = ids

    @cached_property
    def team_index(self) -> TeamIndex:
        """The names that team communicators of this service look up; they ask for it by themselves."""
        from sms_transfer.finder import TeamIndex  # noqa: PLC0415 - a process without front ends never needs it

        return TeamIndex(self._flow)

    # agents

    async def add_agent(self, agent: Agent) -> None:
        """As `TransferService.add_agent`."""
        await self._flow.directory.add_agent(expect(Agent, "agent", agent))

    async def update_agent(self, agent: Agent) -> Agent:
        """As `TransferService.update_agent`."""
        expect(Agent, "agent", agent)
        return await self._flow.change_agent(
            agent.id,
            lambda known: attrs.evolve(
                agent, status=known.status, reason=known.reason, do_not_disturb=known.do_not_disturb
            ),
        )

    async def add_queue(self, target: Target, members: Collection[str], *, name: str = "") -> Queue:
        """As `TransferService.add_queue`."""
        queue = Queue(target, _ids(members), name=name)
        await self._refuse_unknown(queue.members)
        await self._flow.routing.teams.add_queue(queue)
        return queue

    async def update_queue(self, target: Target, members: Collection[str], *, name: str | None = None) -> Queue:
        """As `TransferService.update_queue`."""
        queue = Queue(target, _ids(members), name="" if name is None else name)
        await self._refuse_unknown(queue.members)
        return await self._flow.change_queue(
            target, lambda known: attrs.evolve(queue, name=known.name if name is None else name)
        )

    async def _refuse_unknown(self, agent_ids: Collection[str]) -> None:
        known = await self._flow.directory.agents(tuple(agent_ids))
        for agent_id in sorted(agent_ids):
            if agent_id not in known:
                raise NotFound(kind="agent", id=agent_id)

    async def log_in(self, agent_id: str) -> Agent:
        """As `TransferService.log_in`."""
        return await self._flow.perform_for_agent(LogIn(agent_id))

    async def log_out(self, agent_id: str, *, disconnected: bool = False) -> Agent:
        """As `TransferService.log_out`."""
        return await self._flow.perform_for_agent(LogOut(agent_id, disconnected=disconnected))

    async def set_ready(self, agent_id: str) -> Agent:
        """As `TransferService.set_ready`."""
        return await self._flow.perform_for_agent(SetReady(agent_id))

    async def set_not_ready(self, agent_id: str, reason: str = "") -> Agent:
        """As `TransferService.set_not_ready`."""
        return await self._flow.perform_for_agent(SetNotReady(agent_id, reason=reason))

    async def set_do_not_disturb(self, agent_id: str, on: bool) -> Agent:
        """As `TransferService.set_do_not_disturb`."""
        return await self._flow.perform_for_agent(SetDoNotDisturb(agent_id, on=on))

    # interactions

    async def open_interaction(self, interaction: Interaction) -> Interaction:
        """As `TransferService.open_interaction`."""
        return (await self._flow.perform(OpenInteraction(interaction))).interaction

    async def receive_message(
        self,
        interaction_id: str,
        text: str,
        *,
        attachments: Sequence[Attachment] = (),
        message_id: str | None = None,
    ) -> Message:
        """As `TransferService.receive_message`."""
        message = Message(
            self._ids.new("message") if message_id is None else identifier("message_id", message_id),
            interaction_id=interaction_id,
            direction=Direction.INBOUND,
            text=text,
            at=self._flow.now(),
            attachments=attachments,
        )
        return (await self._flow.perform(ReceiveMessage(message))).message or message

    async def reply(
        self,
        interaction_id: str,
        text: str,
        *,
        by: str,
        epoch: int | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> Message:
        """As `TransferService.reply`."""
        message = Message(
            self._ids.new("message"),
            interaction_id=interaction_id,
            direction=Direction.OUTBOUND,
            text=text,
            at=self._flow.now(),
            attachments=attachments,
            sender=identifier("by", by),
        )
        command = Reply(interaction_id, by=by, epoch=epoch, message=message)
        return (await self._flow.perform(command)).message or message

    async def update_case_data(
        self, interaction_id: str, changes: Mapping[str, CaseValue | None], *, by: str, epoch: int | None = None
    ) -> Interaction:
        """As `TransferService.update_case_data`."""
        return await self._own(UpdateCaseData(interaction_id, by=by, epoch=epoch, changes=changes))

    async def set_note(self, interaction_id: str, note: str, *, by: str, epoch: int | None = None) -> Interaction:
        """As `TransferService.set_note`."""
        return await self._own(SetNote(interaction_id, by=by, epoch=epoch, note=note))

    async def save_attachment(
        self, interaction_id: str, attachment_id: str, *, by: str, epoch: int | None = None
    ) -> Attachment:
        """As `TransferService.save_attachment`."""
        await self._own(SaveAttachment(interaction_id, by=by, epoch=epoch, attachment_id=attachment_id))
        for message in await self._flow.store.transcript(interaction_id):
            for attachment in message.attachments:
                if attachment.id == attachment_id:
                    return attachment
        raise NotFound(kind="attachment", id=attachment_id)

    async def mark_done(self, interaction_id: str, *, by: str, epoch: int | None = None) -> Interaction:
        """As `TransferService.mark_done`."""
        return await self._own(MarkDone(interaction_id, by=by, epoch=epoch))

    # transfers

    async def request_transfer(
        self,
        interaction_id: str,
        target: Target,
        *,
        by: str,
        note: str = "",
        epoch: int | None = None,
        key: str | None = None,
        priority: int = 0,
        no_answer: NoAnswer | None = None,
        fallback: Target | None = None,
    ) -> TransferRequest:
        """As `TransferService.request_transfer`."""
        command = RequestTransfer(
            interaction_id,
            by=by,
            epoch=epoch,
            target=target,
            transfer_id=self._ids.new("transfer"),
            invitation_id=self._ids.new("invitation"),
            note=note,
            key=key,
            priority=priority,
            no_answer=no_answer,
            fallback=fallback,
        )
        return await self._flow.request(command)

    async def transfer_many(
        self, interaction_ids: Iterable[str], target: Target, *, by: str, note: str = "", key: str | None = None
    ) -> list[BulkResult]:
        """As `TransferService.transfer_many`."""
        if isinstance(interaction_ids, str) or not isinstance(untrusted(interaction_ids), Iterable):
            raise InvalidValue(field="interaction_ids", rule="must be a collection of ids")
        expect(Target, "target", target)
        identifier("by", by)
        if key is not None:
            identifier("key", key)
        results: list[BulkResult] = []
        for interaction_id in tuple(interaction_ids):  # whatever its iteration raises, it raises before any is asked
            try:
                request = await self.request_transfer(
                    interaction_id, target, by=by, note=note, key=_key_of(key, interaction_id)
                )
            except SmsTransferError as error:
                results.append(BulkResult(interaction_id=interaction_id, error=error))
            else:
                results.append(BulkResult(interaction_id=interaction_id, request=request))
        return results

    async def accept(self, invitation_id: str, *, by: str) -> Interaction:
        """As `TransferService.accept`."""
        return (await self._flow.perform(Accept(invitation_id, by=by))).interaction

    async def reject(self, invitation_id: str, *, by: str, reason: str = "") -> TransferRequest:
        """As `TransferService.reject`."""
        return (await self._flow.perform(Reject(invitation_id, by=by, reason=reason))).request

    async def cancel(self, transfer_id: str, *, by: str) -> TransferRequest:
        """As `TransferService.cancel`."""
        return (await self._flow.perform(Cancel(transfer_id, by=by))).request

    # time

    async def expire_due(self, *, limit: int = BATCH) -> list[TransferRequest]:
        """As `TransferService.expire_due`."""
        return await self._flow.sweep("expire_due", partial(self._expire_due, positive(limit)), done=len)

    async def _expire_due(self, limit: int) -> list[TransferRequest]:
        expired: list[TransferRequest] = []
        for transfer_id in await self._flow.store.due(self._flow.now(), limit=limit):
            try:
                decision = await self._flow.perform(Expire(transfer_id))
            except Exception as error:  # noqa: BLE001 - one that cannot be closed now must not keep the others open
                log_failure("expiry.failed", error, transfer_id=transfer_id)
            else:
                closed = [request for request in decision.requests if request.state.is_final]
                expired.extend(closed if decision.events else ())
        return expired

    async def tick(self, *, limit: int = BATCH) -> Tick:
        """As `TransferService.tick`."""
        expired = await self.expire_due(limit=limit)
        invited = await self._flow.route()
        sent = await self._flow.send_and_poll(limit=positive(limit))
        return Tick(expired=tuple(expired), invited=invited, sent=sent)

    async def _keep_deadlines(self) -> None:
        """The part of `tick` that waits for no gateway: deadlines, and agents for who waits for one."""
        await self.expire_due()
        await self._flow.route()

    # questions

    async def interaction(self, id: str) -> Interaction:  # noqa: A002 - named so in the public contract
        """As `TransferService.interaction`."""
        return await self._flow.present(identifier("id", id))

    async def transfer(self, id: str) -> TransferRequest:  # noqa: A002 - named so in the public contract
        """As `TransferService.transfer`."""
        found = await self._flow.store.transfer(identifier("id", id))
        if found is None:
            raise NotFound(kind="transfer", id=id)
        return found

    async def explain(self, transfer_id: str) -> Explanation:
        """As `TransferService.explain`."""
        from sms_transfer.explainer import explained  # noqa: PLC0415 - most processes never need it

        return await explained(self._flow, identifier("transfer_id", transfer_id))

    async def agent(self, id: str) -> Agent:  # noqa: A002 - named so in the public contract
        """As `TransferService.agent`."""
        return await self._flow.agent(identifier("id", id))

    async def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """As `TransferService.transcript`."""
        await self._flow.present(identifier("interaction_id", interaction_id))
        return await self._flow.store.transcript(interaction_id)

    async def history(self, interaction_id: str) -> tuple[Event, ...]:
        """As `TransferService.history`."""
        await self._flow.present(identifier("interaction_id", interaction_id))
        return await self._flow.store.history(interaction_id)

    async def eligibility(self, interaction_id: str, target: Target) -> frozenset[Reason]:
        """As `TransferService.eligibility`."""
        expect(Target, "target", target)
        agent_id = target.id if target.kind is TargetKind.AGENT else None
        now = self._flow.now()
        need = Need(interaction_id=identifier("interaction_id", interaction_id), load_of=agent_id)
        facts = await self._flow.store.read(need, now)
        if facts.interaction is None:
            raise NotFound(kind="interaction", id=interaction_id)
        agent, served = None, None
        if agent_id is None:
            served = await self._flow.routing.served(facts.interaction, target)
        else:
            agent = (await self._flow.directory.agents((agent_id,))).get(agent_id)
        return eligibility(facts.interaction, target, agent, load=facts.load, policy=self._flow.policy, served=served)

    async def snapshot(self, agent_id: str) -> Snapshot:
        """As `TransferService.snapshot`."""
        return await self._flow.look(identifier("agent_id", agent_id), None, {})

    async def events(self, *, after: str | None = None, limit: int = BATCH) -> EventPage:
        """As `TransferService.events`."""
        return await self._flow.store.events(
            after=None if after is None else expect(str, "after", after), limit=positive(limit)
        )

    # My Messages

    async def mark_read(self, agent_id: str, message_id: str, read: bool = True) -> None:  # noqa: FBT002 - positional in the public contract
        """As `TransferService.mark_read`."""
        identifier("agent_id", agent_id)
        identifier("message_id", message_id)
        mark = partial(self._flow.store.mark_read, agent_id, message_id, read=expect(bool, "read", read))
        if not await self._flow.change_messages(agent_id, mark):
            raise NotFound(kind="message", id=message_id)

    async def delete_message(self, agent_id: str, message_id: str) -> None:
        """As `TransferService.delete_message`."""
        identifier("agent_id", agent_id)
        identifier("message_id", message_id)
        delete = partial(self._flow.store.delete_message, agent_id, message_id)
        if not await self._flow.change_messages(agent_id, delete):
            raise NotFound(kind="message", id=message_id)

    async def _own(self, command: UpdateCaseData | SetNote | SaveAttachment | MarkDone) -> Interaction:
        return (await self._flow.perform(command)).interaction


def _ids(members: Collection[str]) -> frozenset[str]:
    if not isinstance(members, str) and isinstance(untrusted(members), Iterable):
        with suppress(TypeError):  # something in it cannot be hashed, so is no id
            return frozenset(members)
    raise InvalidValue(field="members", rule="must be a collection of ids")


def _key_of(key: str | None, interaction_id: str) -> str | None:
    """The idempotency key of one conversation in a bulk call; as long as any key may be, however long the two are."""
    if key is None:
        return None
    from hashlib import sha256  # noqa: PLC0415 - slow to import, and needed here only

    return sha256(f"{key}\0{interaction_id}".encode(errors="replace")).hexdigest()
