"""`TransferService`: the authority that a front end calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sms_transfer.adapters.blocking import (
    AwaitableGateway,
    AwaitableMessaging,
    AwaitableStore,
    at_once,
    awaitable_directory,
)
from sms_transfer.adapters.in_process import RandomIds
from sms_transfer.arguments import check_ports
from sms_transfer.calls import BATCH, BulkResult, Calls, Tick
from sms_transfer.connection import Connection, DirectConnection, Dispatch, check_connectable
from sms_transfer.core.check import CaseValue, check_span
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.events import Event
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Interaction,
    Message,
    NoAnswer,
    Queue,
    Target,
    TransferRequest,
)
from sms_transfer.core.policy import Reason, TransferPolicy
from sms_transfer.drive import BlockingDriver, finish
from sms_transfer.log import log_failure
from sms_transfer.ports import (
    Clock,
    ContactGateway,
    Directory,
    EventPage,
    IdFactory,
    Messaging,
    Observer,
    Router,
    TransferStore,
)
from sms_transfer.wiring import wire
from sms_transfer.workspace import Workspace

if TYPE_CHECKING:
    from sms_transfer.core.explanation import Explanation
    from sms_transfer.finder import TeamIndex

_PATIENCE: Final = 10.0
"""Seconds that the end of `TransferService.ticking` waits for a thread that hangs in a gateway or a front end."""


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
        messaging: the doorbell; the store's own or, if it has none, one within this process if left out.
        gateway: the SMS provider. Left out, texts to contacts are recorded only: the host sends them from the feed.
        policy: what the centre allows.
        router: which agent of a queue is invited next; the longest idle if left out.
        clock: what time it is; the system's if left out.
        ids: where new ids come from; random if left out.
        observer: is told of every command and sweep, for traces and metrics; nobody if left out.

    Raises:
        InvalidValue: ``policy`` is none, or one of the others lacks a method of its port.

    Examples:
        >>> from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferService
        >>> service = TransferService()
        >>> for name in ("alice", "bob"):
        ...     service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
        >>> jane = Contact("+14155550123")
        >>> opened = service.open_interaction(Interaction("i-1", media=Media.SMS, contact=jane, owner="alice"))
        >>> request = service.request_transfer("i-1", Target.agent("bob"), by="alice")
        >>> service.accept(request.invitation.id, by="bob").owner
        'bob'
    """

    def __init__(
        self,
        store: TransferStore | None = None,
        *,
        directory: Directory | None = None,
        messaging: Messaging | None = None,
        gateway: ContactGateway | None = None,
        router: Router | None = None,
        policy: TransferPolicy | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        observer: Observer | None = None,
    ) -> None:
        check_ports(
            store=(TransferStore, store),
            directory=(Directory, directory),
            messaging=(Messaging, messaging),
            gateway=(ContactGateway, gateway),
        )
        agents = None if directory is None or directory is store else awaitable_directory(directory, at_once)
        ids = RandomIds() if ids is None else ids
        doorbell = None if messaging is None else AwaitableMessaging(messaging, at_once)
        provider = None if gateway is None else AwaitableGateway(gateway, at_once)
        self._flow = wire(
            None if store is None else AwaitableStore(store, at_once),
            directory=agents,
            messaging=doorbell,
            gateway=provider,
            policy=policy,
            clock=clock,
            router=router,
            ids=ids,
            driver=BlockingDriver(),
            observer=observer,
        )
        self._calls = Calls(self._flow, ids)

    @property
    def team_index(self) -> TeamIndex:
        """The names that team communicators of this service look up; they ask for it by themselves."""
        return self._calls.team_index

    # agents

    def add_agent(self, agent: Agent) -> None:
        """Begin to know an agent.

        Raises:
            AlreadyExists: there is one with this id.
        """
        finish(self._calls.add_agent(agent))

    def update_agent(self, agent: Agent) -> Agent:
        """Change an agent's name, media, privileges, capacity, groups and skills; the status stays what it is.

        Raises:
            NotFound: there is no agent with this id.
        """
        return finish(self._calls.update_agent(agent))

    def add_queue(self, target: Target, members: Collection[str], *, name: str = "") -> Queue:
        """Begin to know a queue or a routing point, and who serves it (Q1).

        Agent groups and skills are not added: agents' own records say who belongs to them.

        Args:
            members: ids of agents; none at all is allowed, but nothing can be transferred there until there are some.
            name: what agents read; the target's id if left empty.

        Raises:
            AlreadyExists: there is one.
            NotFound: nobody knows one of the members.
            InvalidValue: the target is neither a queue nor a routing point.
        """
        return finish(self._calls.add_queue(target, members, name=name))

    def update_queue(self, target: Target, members: Collection[str], *, name: str | None = None) -> Queue:
        """Change who serves a queue or routing point, and its name if one is given. Who is invited stays invited.

        Raises:
            NotFound: there is no such queue, or nobody knows one of the members.
            InvalidValue: the target is neither a queue nor a routing point.
        """
        return finish(self._calls.update_queue(target, members, name=name))

    def log_in(self, agent_id: str) -> Agent:
        """Come onto the SMS channel, Not Ready. An agent who is on it already stays as they are (D7)."""
        return finish(self._calls.log_in(agent_id))

    def log_out(self, agent_id: str, *, disconnected: bool = False) -> Agent:
        """Leave the SMS channel. Invitations of this agent fail at once (T9); their own transfers go on (T14).

        A host that finds a desktop gone for good, and not just reloading, says so with ``disconnected``: the senders
        are told the difference.
        """
        return finish(self._calls.log_out(agent_id, disconnected=disconnected))

    def set_ready(self, agent_id: str) -> Agent:
        """Be able to receive (E2).

        Raises:
            IllegalTransition: the agent is logged out.
        """
        return finish(self._calls.set_ready(agent_id))

    def set_not_ready(self, agent_id: str, reason: str = "") -> Agent:
        """Stay on the channel without receiving; an invitation that is already out stays out (T9).

        Raises:
            IllegalTransition: the agent is logged out.
        """
        return finish(self._calls.set_not_ready(agent_id, reason))

    def set_do_not_disturb(self, agent_id: str, on: bool) -> Agent:
        """Turn do-not-disturb on or off; it stands beside the status (E2)."""
        return finish(self._calls.set_do_not_disturb(agent_id, on))

    # interactions

    def open_interaction(self, interaction: Interaction) -> Interaction:
        """Begin a conversation: ACTIVE, and owned by an agent.

        One that comes from elsewhere keeps its ``epoch`` and ``hops``; its ``version`` begins at 1, without an error.

        Raises:
            InvalidValue: it is not ACTIVE, or its note or case data are longer than policy allows.
            AlreadyExists: there is one with this id.
            NotFound: nobody knows its owner.
            TargetNotEligible: its owner has no place left (E3), or is no agent.
        """
        return finish(self._calls.open_interaction(interaction))

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
        return finish(self._calls.receive_message(interaction_id, text, attachments=attachments, message_id=message_id))

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
        return finish(self._calls.reply(interaction_id, text, by=by, epoch=epoch, attachments=attachments))

    def update_case_data(
        self, interaction_id: str, changes: Mapping[str, CaseValue | None], *, by: str, epoch: int | None = None
    ) -> Interaction:
        """Change case data: a value sets a key, None removes it. Raises like `reply`."""
        return finish(self._calls.update_case_data(interaction_id, changes, by=by, epoch=epoch))

    def set_note(self, interaction_id: str, note: str, *, by: str, epoch: int | None = None) -> Interaction:
        """Replace the note on the conversation. Raises like `reply`."""
        return finish(self._calls.set_note(interaction_id, note, by=by, epoch=epoch))

    def save_attachment(
        self, interaction_id: str, attachment_id: str, *, by: str, epoch: int | None = None
    ) -> Attachment:
        """The attachment that the owner wants to save, if they may (E4). Raises like `reply`.

        Raises:
            NotFound: no text of the conversation has it.
        """
        return finish(self._calls.save_attachment(interaction_id, attachment_id, by=by, epoch=epoch))

    def mark_done(self, interaction_id: str, *, by: str, epoch: int | None = None) -> Interaction:
        """End the conversation; a live transfer is withdrawn in the same change (T13). Raises like `reply`."""
        return finish(self._calls.mark_done(interaction_id, by=by, epoch=epoch))

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
        priority: int = 0,
        no_answer: NoAnswer | None = None,
        fallback: Target | None = None,
    ) -> TransferRequest:
        """Ask a target to take the conversation; ``by`` owns it until somebody accepts (T1 to T4).

        An agent is invited at once. For a target that stands for several, the router picks one who is invited, at once
        or as soon as one is able (Q1, Q3); where policy hands over on placement, the queue owns it from now on (Q2).

        What is returned is the request as it was made, or INVITED where an agent was found; an invitee whose workspace
        answers by itself (D2) may have accepted it by then. Ask `transfer` for what it is now.

        Args:
            note: the sender's words for the invitee.
            key: an idempotency key of this agent's: the same one again returns the request it made (F5).
            priority: goes before age where it must wait for an agent, the highest first (Q3).
            no_answer: what becomes of the status of an agent who does not answer; policy says, if left out (A3).
            fallback: asked, once, when the target does not take it, and at once where it cannot receive; policy says,
                if left out (Q5).

        Raises:
            TargetNotEligible: neither the target nor the fallback can receive; with every reason of the target's (T3).
            TransferPending: a transfer of it is live already (F2).
            StaleEpoch: the ownership has changed since the window was shown.
            NotPermitted: not the owner, logged out, or without the privilege to transfer.
            IllegalTransition: the conversation is done.
        """
        return finish(
            self._calls.request_transfer(
                interaction_id,
                target,
                by=by,
                note=note,
                epoch=epoch,
                key=key,
                priority=priority,
                no_answer=no_answer,
                fallback=fallback,
            )
        )

    def transfer_many(
        self, interaction_ids: Iterable[str], target: Target, *, by: str, note: str = "", key: str | None = None
    ) -> list[BulkResult]:
        """Request a transfer of many conversations to one target, each by itself: one refusal spoils no other (A5).

        Args:
            key: an idempotency key of this agent's for the whole of it. Where the process died in the middle, or some
                had an error, the same call again goes on: what was requested is not requested twice (F5).

        Returns:
            What became of each, in the order given.

        Raises:
            InvalidValue: the target, ``by``, the key or the collection as a whole is none.
        """
        return finish(self._calls.transfer_many(interaction_ids, target, by=by, note=note, key=key))

    def accept(self, invitation_id: str, *, by: str) -> Interaction:
        """Take what was offered: ownership moves at this instant (T5).

        Raises:
            InvitationClosed: too late; with what won and who owns it now (T10, T11).
            NotPermitted: somebody else is invited.
            TargetNotEligible: the invitee has lost what it takes to receive.
        """
        return finish(self._calls.accept(invitation_id, by=by))

    def reject(self, invitation_id: str, *, by: str, reason: str = "") -> TransferRequest:
        """Decline what was offered; the next agent is asked (Q1), or the sender told on both surfaces (T6).

        Raises like `accept`.

        Raises:
            NotPermitted: somebody else is invited, or the invitee lacks the privilege to decline (E4).
        """
        return finish(self._calls.reject(invitation_id, by=by, reason=reason))

    def cancel(self, transfer_id: str, *, by: str) -> TransferRequest:
        """Take a transfer of one's own back; nobody is shown an error (T8).

        Raises:
            InvitationClosed: too late; with what won and who owns it now (T11).
            NotPermitted: somebody else sent it.
        """
        return finish(self._calls.cancel(transfer_id, by=by))

    # time

    def expire_due(self, *, limit: int = BATCH) -> list[TransferRequest]:
        """Record what deadlines have brought (T7, Q1), the earliest first and at most ``limit``; what it closed.

        Run it late, twice, or from two processes: the outcome is the same (F4).
        """
        return finish(self._calls.expire_due(limit=limit))

    def tick(self, *, limit: int = BATCH) -> Tick:
        """Do everything that time alone brings: deadlines, agents for who waits, unsent texts, desktops not rung.

        Call it every second or so, from anywhere and as often as you like: from `ticking`, from the host's own
        scheduler, on every node.
        """
        return finish(self._calls.tick(limit=limit))

    @contextmanager
    def ticking(self, interval: timedelta = timedelta(seconds=1)) -> Generator[None]:
        """Tick as long as the context lasts: deadlines in one thread, texts and desktops in another.

        Nothing ticks before ``with`` has entered it.

        So a gateway or a front end that hangs does not keep transfers from ending. (A front end that is connected
        without ``dispatch`` is told of an expiry in the thread of the deadlines, though.)

        Args:
            interval: the pause between two ticks, longer than nothing and at most 365 days.
        """
        check_span("interval", interval)
        stop = threading.Event()
        threads = [
            threading.Thread(target=_repeat, args=(work, stop, interval), name="sms-transfer-ticking", daemon=True)
            for work in (self._keep_deadlines, self._send_and_poll)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(_PATIENCE)

    def _keep_deadlines(self) -> None:
        self.expire_due()
        finish(self._flow.route())

    def _send_and_poll(self) -> None:
        finish(self._flow.send_and_poll(limit=BATCH))

    # questions

    def interaction(self, id: str) -> Interaction:  # noqa: A002 - named so in the public contract
        """An interaction as it is now.

        Raises:
            NotFound: there is none.
        """
        return finish(self._calls.interaction(id))

    def transfer(self, id: str) -> TransferRequest:  # noqa: A002 - named so in the public contract
        """A transfer request, live or closed.

        Raises:
            NotFound: there is none.
        """
        return finish(self._calls.transfer(id))

    def explain(self, transfer_id: str) -> Explanation:
        """Why a transfer is where it is, since when, and what moves it next: for whoever finds it stuck.

        It changes nothing, and costs a few readings however many agents there are.

        Raises:
            NotFound: there is none.
        """
        return finish(self._calls.explain(transfer_id))

    def agent(self, id: str) -> Agent:  # noqa: A002 - named so in the public contract
        """An agent's present record.

        Raises:
            NotFound: there is none.
        """
        return finish(self._calls.agent(id))

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """Every text of a conversation, in order.

        Raises:
            NotFound: there is no such conversation.
        """
        return finish(self._calls.transcript(interaction_id))

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        """Everything that happened to a conversation, in order (A1).

        Raises:
            NotFound: there is no such conversation.
        """
        return finish(self._calls.history(interaction_id))

    def eligibility(self, interaction_id: str, target: Target) -> frozenset[Reason]:
        """Why this target cannot receive this conversation: every reason; none if it can (E1).

        This is about the target: whether there can be a transfer of the conversation at all, the request says.

        Raises:
            NotFound: there is no such conversation.
        """
        return finish(self._calls.eligibility(interaction_id, target))

    def snapshot(self, agent_id: str) -> Snapshot:
        """What this agent's workspace should show now.

        Raises:
            NotFound: there is no such agent.
        """
        return finish(self._calls.snapshot(agent_id))

    def events(self, *, after: str | None = None, limit: int = BATCH) -> EventPage:
        """The feed for other systems: every event, at least once, in order for each interaction.

        Args:
            after: the cursor of the page before; None begins at the beginning.
        """
        return finish(self._calls.events(after=after, limit=limit))

    # desktops

    def connect(self, workspace: Workspace, *, dispatch: Dispatch | None = None) -> Connection:
        """Show the workspace what is recorded now, and then every change, until the connection is closed (D7).

        Args:
            dispatch: runs the front end's part where it needs it (its main thread, its loop). Left out, it runs in the
                thread of whoever causes the change.

        Raises:
            NotFound: nobody knows the workspace's agent.
        """
        check_connectable(workspace, dispatch)
        finish(self._flow.agent(workspace.agent_id))
        connection = DirectConnection(workspace, self._flow, dispatch)
        connection.wake()
        return connection

    def mark_read(self, agent_id: str, message_id: str, read: bool = True) -> None:  # noqa: FBT002 - positional in the public contract
        """Mark an entry of My Messages as read, or as unread (D4).

        Raises:
            NotFound: the agent has no such entry.
        """
        finish(self._calls.mark_read(agent_id, message_id, read))

    def delete_message(self, agent_id: str, message_id: str) -> None:
        """Delete an entry of My Messages (D4).

        Raises:
            NotFound: the agent has no such entry.
        """
        finish(self._calls.delete_message(agent_id, message_id))


def _repeat(work: Callable[[], object], stop: threading.Event, interval: timedelta) -> None:
    while not stop.wait(interval.total_seconds()):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a port may raise anything; the next round tries again
            log_failure("tick.failed", error)
