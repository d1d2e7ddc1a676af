"""`TransferService`: the authority that a front end calls."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

import attrs

from sms_transfer.adapters.in_process import InProcessMessaging, RandomIds, SystemClock
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.connection import Connection, Dispatch
from sms_transfer.core.check import MAX_ID, CaseValue, check_span, is_identifier
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
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.policy import Reason, TransferPolicy, eligibility
from sms_transfer.errors import InvalidValue, NotFound
from sms_transfer.flow import Flow
from sms_transfer.log import log_failure
from sms_transfer.ports import (
    Clock,
    ContactGateway,
    Directory,
    EventPage,
    IdFactory,
    Messaging,
    TransferStore,
)
from sms_transfer.workspace import Workspace

_BATCH: Final = 1_000
_PATIENCE: Final = 10.0
"""Seconds that the end of `TransferService.ticking` waits for a thread that hangs in a gateway or a front end."""


@attrs.frozen(kw_only=True)
class Tick:
    """What `TransferService.tick` did.

    Args:
        expired: the requests that it closed as EXPIRED.
        sent: how many texts the gateway took.
    """

    expired: tuple[TransferRequest, ...]
    sent: int


class TransferService:
    """Hands conversations over, safely: exactly one owner, always; every transfer ends; every outcome is told.

    Every method may be called from many threads. A command either has its whole effect or raises and has none (F7);
    when it returns, what it did is recorded, and then the desktops concerned are shown it.

    ``by`` is trusted: authenticating the person is the host application's part (A7). ``epoch`` is the one of the window
    that the command comes from, ``workspace.windows[id].interaction.epoch``: pass it, and a command from a screen that
    has gone stale is refused (F1).

    Args:
        store: where everything is recorded; in memory if left out.
        directory: who the agents are; the store's own agents if left out.
        messaging: the doorbell; within this process if left out.
        gateway: the SMS provider. Left out, texts to contacts are recorded only: the host sends them from the feed.
        policy: what the centre allows.
        clock: what time it is; the system's if left out.
        ids: where new ids come from; random if left out.
    """

    def __init__(
        self,
        store: TransferStore | None = None,
        *,
        directory: Directory | None = None,
        messaging: Messaging | None = None,
        gateway: ContactGateway | None = None,
        policy: TransferPolicy | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
    ) -> None:
        store = MemoryStore() if store is None else store
        self._store = store
        self._ids: IdFactory = RandomIds() if ids is None else ids
        self._flow = Flow(
            store,
            directory=store if directory is None else directory,
            messaging=InProcessMessaging() if messaging is None else messaging,
            gateway=gateway,
            policy=TransferPolicy() if policy is None else _expect(TransferPolicy, "policy", policy),
            clock=SystemClock() if clock is None else clock,
        )
        self._connections: tuple[Connection, ...] = ()  # replaced under the lock, never changed
        self._lock = threading.Lock()

    # agents

    def add_agent(self, agent: Agent) -> None:
        """Begin to know an agent.

        Raises:
            AlreadyExists: there is one with this id.
        """
        self._flow.directory.add_agent(_expect(Agent, "agent", agent))

    def update_agent(self, agent: Agent) -> Agent:
        """Change an agent's name, media, privileges, capacity, groups and skills; the status stays what it is.

        Raises:
            NotFound: there is no agent with this id.
        """
        _expect(Agent, "agent", agent)
        return self._flow.change_agent(
            agent.id,
            lambda known: attrs.evolve(
                agent, status=known.status, reason=known.reason, do_not_disturb=known.do_not_disturb
            ),
        )

    def log_in(self, agent_id: str) -> Agent:
        """Come onto the SMS channel, Not Ready. An agent who is on it already stays as they are (D7)."""
        return self._flow.perform_for_agent(LogIn(agent_id))

    def log_out(self, agent_id: str, *, disconnected: bool = False) -> Agent:
        """Leave the SMS channel. Invitations of this agent fail at once (T9); their own transfers go on (T14).

        A host that finds a desktop gone for good, and not just reloading, says so with ``disconnected``: the senders
        are told the difference.
        """
        return self._flow.perform_for_agent(LogOut(agent_id, disconnected=disconnected))

    def set_ready(self, agent_id: str) -> Agent:
        """Be able to receive (E2).

        Raises:
            IllegalTransition: the agent is logged out.
        """
        return self._flow.perform_for_agent(SetReady(agent_id))

    def set_not_ready(self, agent_id: str, reason: str = "") -> Agent:
        """Stay on the channel without receiving; an invitation that is already out stays out (T9).

        Raises:
            IllegalTransition: the agent is logged out.
        """
        return self._flow.perform_for_agent(SetNotReady(agent_id, reason=reason))

    def set_do_not_disturb(self, agent_id: str, on: bool) -> Agent:
        """Turn do-not-disturb on or off; it stands beside the status (E2)."""
        return self._flow.perform_for_agent(SetDoNotDisturb(agent_id, on=on))

    # interactions

    def open_interaction(self, interaction: Interaction) -> Interaction:
        """Begin a conversation: ACTIVE, and owned by an agent.

        Raises:
            AlreadyExists: there is one with this id.
            NotFound: nobody knows its owner.
            TargetNotEligible: its owner has no place left (E3).
        """
        return self._flow.perform(OpenInteraction(interaction)).interaction

    def receive_message(
        self,
        interaction_id: str,
        text: str,
        *,
        attachments: Sequence[Attachment] = (),
        message_id: str | None = None,
    ) -> Message:
        """Record a text from the contact; it goes to whoever owns the conversation then (T12).

        Args:
            message_id: the provider's id for it. The same one again has the effect of one (F5); without it, a text that
                a provider delivers twice is recorded twice.

        Raises:
            AlreadyExists: another text has this message id.
            IllegalTransition: the conversation is done; open another one.
        """
        message = Message(
            self._ids.new("message") if message_id is None else _id("message_id", message_id),
            interaction_id=interaction_id,
            direction=Direction.INBOUND,
            text=text,
            at=self._flow.now(),
            attachments=attachments,
        )
        return self._flow.perform(ReceiveMessage(message)).message or message

    def reply(
        self,
        interaction_id: str,
        text: str,
        *,
        by: str,
        epoch: int | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> Message:
        """Text the contact: recorded under the epoch check first, and handed to the gateway after (F1, F6).

        A gateway that does not take it now is asked again by `tick`.

        Raises:
            StaleEpoch: the ownership has changed since the window was shown.
            NotPermitted: somebody else owns the conversation, or the agent is logged out or may not use SMS.
        """
        message = Message(
            self._ids.new("message"),
            interaction_id=interaction_id,
            direction=Direction.OUTBOUND,
            text=text,
            at=self._flow.now(),
            attachments=attachments,
            sender=_id("by", by),
        )
        return self._flow.perform(Reply(interaction_id, by=by, epoch=epoch, message=message)).message or message

    def update_case_data(
        self, interaction_id: str, changes: Mapping[str, CaseValue | None], *, by: str, epoch: int | None = None
    ) -> Interaction:
        """Change case data: a value sets a key, None removes it. Raises like `reply`."""
        return self._own(UpdateCaseData(interaction_id, by=by, epoch=epoch, changes=changes))

    def set_note(self, interaction_id: str, note: str, *, by: str, epoch: int | None = None) -> Interaction:
        """Replace the note on the conversation. Raises like `reply`."""
        return self._own(SetNote(interaction_id, by=by, epoch=epoch, note=note))

    def save_attachment(
        self, interaction_id: str, attachment_id: str, *, by: str, epoch: int | None = None
    ) -> Attachment:
        """The attachment that the owner wants to save, if they may (E4). Raises like `reply`.

        Raises:
            NotFound: no text of the conversation has it.
        """
        self._own(SaveAttachment(interaction_id, by=by, epoch=epoch, attachment_id=attachment_id))
        for message in self._store.transcript(interaction_id):
            for attachment in message.attachments:
                if attachment.id == attachment_id:
                    return attachment
        raise NotFound(kind="attachment", id=attachment_id)

    def mark_done(self, interaction_id: str, *, by: str, epoch: int | None = None) -> Interaction:
        """End the conversation; a live transfer is withdrawn in the same change (T13). Raises like `reply`."""
        return self._own(MarkDone(interaction_id, by=by, epoch=epoch))

    # transfers

    def request_transfer(
        self,
        interaction_id: str,
        target: Target,
        *,
        by: str,
        note: str = "",
        epoch: int | None = None,
        key: str | None = None,
    ) -> TransferRequest:
        """Invite a target to take the conversation; ``by`` owns it until somebody accepts (T1 to T4).

        What is returned is the request as it was made; an invitee whose workspace answers by itself (D2) may have
        accepted it by then. Ask `transfer` for what it is now.

        Args:
            note: the sender's words for the invitee.
            key: an idempotency key of this agent's: the same one again returns the request it made (F5).

        Raises:
            TargetNotEligible: the target cannot receive; with every reason (T3).
            TransferPending: a transfer of it is live already (F2).
            StaleEpoch: the ownership has changed since the window was shown.
            NotPermitted: not the owner, logged out, or without the privilege to transfer.
            IllegalTransition: the conversation is done.
        """
        command = RequestTransfer(
            interaction_id,
            by=by,
            epoch=epoch,
            target=target,
            transfer_id=self._ids.new("transfer"),
            invitation_id=self._ids.new("invitation"),
            note=note,
            key=key,
        )
        return self._flow.settle_invitee(self._flow.perform(command).request)

    def accept(self, invitation_id: str, *, by: str) -> Interaction:
        """Take what was offered: ownership moves at this instant (T5).

        Raises:
            InvitationClosed: too late; with what won and who owns it now (T10, T11).
            NotPermitted: somebody else is invited.
            TargetNotEligible: the invitee has lost what it takes to receive.
        """
        return self._flow.perform(Accept(invitation_id, by=by)).interaction

    def reject(self, invitation_id: str, *, by: str, reason: str = "") -> TransferRequest:
        """Decline what was offered; the sender is told on both surfaces (T6). Raises like `accept`.

        Raises:
            NotPermitted: somebody else is invited, or the invitee lacks the privilege to decline (E4).
        """
        return self._flow.perform(Reject(invitation_id, by=by, reason=reason)).request

    def cancel(self, transfer_id: str, *, by: str) -> TransferRequest:
        """Take a transfer of one's own back; nobody is shown an error (T8).

        Raises:
            InvitationClosed: too late; with what won and who owns it now (T11).
            NotPermitted: somebody else sent it.
        """
        return self._flow.perform(Cancel(transfer_id, by=by)).request

    # time

    def expire_due(self, *, limit: int = _BATCH) -> list[TransferRequest]:
        """Close the live requests whose deadline has come (T7), the earliest first and at most ``limit``.

        Run it late, twice, or from two processes: the outcome is the same (F4).
        """
        expired: list[TransferRequest] = []
        for transfer_id in self._store.due(self._flow.now(), limit=_limit(limit)):
            try:
                decision = self._flow.perform(Expire(transfer_id))
            except Exception as error:  # noqa: BLE001 - one that cannot be closed now must not keep the others open
                log_failure("could not expire transfer", transfer_id, error)
            else:
                expired.extend(decision.requests if decision.events else ())
        return expired

    def tick(self, *, limit: int = _BATCH) -> Tick:
        """Do everything that time alone brings: deadlines, texts not yet sent, and desktops that missed a ring.

        Call it every second or so, from anywhere and as often as you like: from `ticking`, from the host's own
        scheduler, on every node.
        """
        expired = self.expire_due(limit=limit)
        return Tick(expired=tuple(expired), sent=self._send_and_poll(_limit(limit)))

    @contextmanager
    def ticking(self, interval: timedelta = timedelta(seconds=1)) -> Generator[None]:
        """Tick as long as the context lasts: deadlines in one thread, texts and desktops in another.

        So a gateway or a front end that hangs does not keep transfers from ending. (A front end that is connected
        without ``dispatch`` is told of an expiry in the thread of the deadlines, though.)

        Args:
            interval: the pause between two ticks, longer than nothing and at most 365 days.
        """
        check_span("interval", interval)
        stop = threading.Event()
        threads = [
            threading.Thread(target=_repeat, args=(work, stop, interval), name="sms-transfer-ticking", daemon=True)
            for work in (self.expire_due, self._send_and_poll)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(_PATIENCE)

    def _send_and_poll(self, limit: int = _BATCH) -> int:
        sent = 0
        for interaction_id in self._store.unsent(limit=limit):
            sent += self._flow.outbox.send(interaction_id, self.interaction(interaction_id).contact)
        for connection in self._connections:
            connection.poll()
        return sent

    # questions

    def interaction(self, id: str) -> Interaction:  # noqa: A002 - named so in the public contract
        """An interaction as it is now.

        Raises:
            NotFound: there is none.
        """
        return self._present(_id("id", id))

    def transfer(self, id: str) -> TransferRequest:  # noqa: A002 - named so in the public contract
        """A transfer request, live or closed.

        Raises:
            NotFound: there is none.
        """
        found = self._store.transfer(_id("id", id))
        if found is None:
            raise NotFound(kind="transfer", id=id)
        return found

    def agent(self, id: str) -> Agent:  # noqa: A002 - named so in the public contract
        """An agent's present record.

        Raises:
            NotFound: there is none.
        """
        return self._flow.agent(_id("id", id))

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """Every text of a conversation, in order.

        Raises:
            NotFound: there is no such conversation.
        """
        self._present(interaction_id)
        return self._store.transcript(interaction_id)

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        """Everything that happened to a conversation, in order (A1).

        Raises:
            NotFound: there is no such conversation.
        """
        self._present(interaction_id)
        return self._store.history(interaction_id)

    def eligibility(self, interaction_id: str, target: Target) -> frozenset[Reason]:
        """Why this target cannot receive this conversation: every reason; none if it can (E1).

        This is about the target: whether there can be a transfer of the conversation at all, the request says.

        Raises:
            NotFound: there is no such conversation.
        """
        _expect(Target, "target", target)
        agent_id = target.id if target.kind is TargetKind.AGENT else None
        now = self._flow.now()
        facts = self._store.read(Need(interaction_id=_id("interaction_id", interaction_id), load_of=agent_id), now)
        if facts.interaction is None:
            raise NotFound(kind="interaction", id=interaction_id)
        agent = self._flow.directory.agents((target.id,)).get(target.id)
        return eligibility(facts.interaction, target, agent, load=facts.load, policy=self._flow.policy)

    def snapshot(self, agent_id: str) -> Snapshot:
        """What this agent's workspace should show now.

        Raises:
            NotFound: there is no such agent.
        """
        return self._flow.look(_id("agent_id", agent_id), None, {})

    def events(self, *, after: str | None = None, limit: int = _BATCH) -> EventPage:
        """The feed for other systems: every event, at least once, in order for each interaction.

        Args:
            after: the cursor of the page before; None begins at the beginning.
        """
        return self._store.events(after=None if after is None else _expect(str, "after", after), limit=_limit(limit))

    # desktops

    def connect(self, workspace: Workspace, *, dispatch: Dispatch | None = None) -> Connection:
        """Show the workspace what is recorded now, and then every change, until the connection is closed (D7).

        Args:
            dispatch: runs the front end's part where it needs it (its main thread, its loop). Left out, it runs in the
                thread of whoever causes the change.

        Raises:
            NotFound: nobody knows the workspace's agent.
        """
        _expect(Workspace, "workspace", workspace)
        if dispatch is not None and not callable(dispatch):
            raise InvalidValue(field="dispatch", rule="must be callable, or None")
        self._flow.agent(workspace.agent_id)
        connection = Connection(
            workspace,
            listen=partial(self._flow.messaging.listen, workspace.agent_id),
            look=self._flow.look,
            issue=self._flow.perform,
            dispatch=dispatch,
            on_close=self._disconnect,
        )
        with self._lock:
            self._connections = (*self._connections, connection)
        connection.wake()
        return connection

    def mark_read(self, agent_id: str, message_id: str, read: bool = True) -> None:  # noqa: FBT002 - positional in the public contract
        """Mark an entry of My Messages as read, or as unread (D4).

        Raises:
            NotFound: the agent has no such entry.
        """
        _id("agent_id", agent_id)
        if not self._store.mark_read(agent_id, _id("message_id", message_id), read=_expect(bool, "read", read)):
            raise NotFound(kind="message", id=message_id)
        self._flow.ring((agent_id,))

    def delete_message(self, agent_id: str, message_id: str) -> None:
        """Delete an entry of My Messages (D4).

        Raises:
            NotFound: the agent has no such entry.
        """
        _id("agent_id", agent_id)
        if not self._store.delete_message(agent_id, _id("message_id", message_id)):
            raise NotFound(kind="message", id=message_id)
        self._flow.ring((agent_id,))

    def _present(self, interaction_id: str) -> Interaction:
        need = Need(interaction_id=_id("interaction_id", interaction_id))
        found = self._store.read(need, self._flow.now()).interaction
        if found is None:
            raise NotFound(kind="interaction", id=interaction_id)
        return found

    def _own(self, command: UpdateCaseData | SetNote | SaveAttachment | MarkDone) -> Interaction:
        return self._flow.perform(command).interaction

    def _disconnect(self, connection: Connection) -> None:
        with self._lock:
            self._connections = tuple(one for one in self._connections if one is not connection)


def _repeat(work: Callable[[], object], stop: threading.Event, interval: timedelta) -> None:
    while not stop.wait(interval.total_seconds()):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a port may raise anything; the next round tries again
            log_failure("could not", "tick", error)


T = TypeVar("T")


def _expect(kind: type[T], field: str, value: T) -> T:
    """Refuse a value that is of another type than the annotations promise (A8)."""
    if not isinstance(value, kind):
        raise InvalidValue(field=field, rule=f"must be of type {kind.__name__}")
    return value


def _id(field: str, value: str) -> str:
    if not is_identifier(value):
        raise InvalidValue(field=field, rule=f"must be a non-empty string of at most {MAX_ID} characters")
    return value


def _limit(value: int) -> int:
    if type(value) is not int or value < 1:
        raise InvalidValue(field="limit", rule="must be a whole number, 1 or more")
    return min(value, sys.maxsize)  # no collection holds more
