"""`TransferMachine`: a rule-based state machine that plays a centre against a service of your own wiring.

Derive from it, say how your service is made, and let your test runner find its ``TestCase``::

    class MyTransfers(TransferMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(MyStore(), messaging=MyMessaging(), clock=clock)

    TestMyTransfers = MyTransfers.TestCase

Hypothesis makes up what happens, and after every step everything that can be asked of the service is compared with a
model of plain dictionaries. A failure is shrunk to the shortest story that shows it. (Extra ``testing``.)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import attrs

try:
    from hypothesis import strategies as st
    from hypothesis.stateful import (
        Bundle,
        MultipleResults,
        RuleBasedStateMachine,
        consumes,
        initialize,
        invariant,
        multiple,
        rule,
    )
except ModuleNotFoundError as _error:  # pragma: no cover - shown by a test in a process without Hypothesis
    raise ImportError("the machine needs Hypothesis: pip install 'sms-transfer[testing]'") from _error

from sms_transfer.core.desktop import WorkspaceSettings
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import Agent, Contact, Interaction, Media, Target
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.errors import InvitationClosed, NotPermitted, Refused, StaleEpoch, TransferPending
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock
from sms_transfer.testing.ui import RecordingUI
from sms_transfer.workspace import Workspace

AGENTS: Final = ("ann", "ben", "cat")
CAPACITY: Final = 3
_conversations: Final = st.sampled_from([f"with-{name}" for name in AGENTS])
_TOLD: Final = frozenset({TransferState.REJECTED, TransferState.EXPIRED, TransferState.FAILED})


@attrs.define
class _Transfer:
    """What the model knows of one transfer request."""

    id: str
    interaction_id: str
    ticket: str
    sender: str
    invitee: str
    deadline: float
    state: TransferState = TransferState.INVITED


@attrs.define
class _Conversation:
    """What the model knows of one interaction."""

    owner: str
    epoch: int = 0
    done: bool = False
    texts: list[str] = attrs.field(factory=list[str])
    live: _Transfer | None = None
    error: str = ""


class TransferMachine(RuleBasedStateMachine):
    """Plays agents, contacts and the clock against a service."""

    requests: Bundle[str] = Bundle("requests")

    def make_service(self, clock: ManualClock) -> TransferService:
        """Make the service to test, empty, with this clock. Override it to test your own wiring.

        Its policy must be the default one, and its store must know no agent and no interaction yet.
        """
        return TransferService(clock=clock)

    def __init__(self) -> None:
        super().__init__()
        self.clock: ManualClock = ManualClock()
        self.service: TransferService = self.make_service(self.clock)
        self.statuses: dict[str, ChannelStatus] = {}
        self.conversations: dict[str, _Conversation] = {}
        self.transfers: dict[str, _Transfer] = {}
        self.screens: dict[str, RecordingUI] = {}
        self.passed: float = 0.0
        self.texts: int = 0

    @initialize()
    def open_the_centre(self) -> None:
        """Three agents come, each with a desktop; each gets a conversation."""
        for name in AGENTS:
            self.service.add_agent(Agent(name, name.title(), capacity=CAPACITY))
            self.service.log_in(name)
            self.service.set_ready(name)
            self.statuses[name] = ChannelStatus.READY
            self.screens[name] = RecordingUI()
            self.service.connect(Workspace(name, self.screens[name], WorkspaceSettings()))
            id_ = f"with-{name}"
            self.service.open_interaction(
                Interaction(id_, media=Media.SMS, contact=Contact("+14155550100"), owner=name)
            )
            self.conversations[id_] = _Conversation(name)

    # what agents do

    @rule(target=requests, id_=_conversations, to=st.sampled_from(AGENTS))
    def request(self, id_: str, to: str) -> str | MultipleResults[str]:
        """The owner asks for a transfer; the model knows whether that may be."""
        conversation = self.conversations[id_]
        self._settle(conversation)
        sender, live, allowed = conversation.owner, conversation.live, self._may_request(conversation, to)
        try:
            made = self.service.request_transfer(id_, Target.agent(to), by=sender, epoch=conversation.epoch)
        except TransferPending as pending:
            assert live is not None
            assert pending.transfer.id == live.id
        except Refused:
            assert not allowed
        else:
            assert allowed
            assert made.invitation is not None
            deadline = self.passed + TransferPolicy().invitation_timeout.total_seconds()
            conversation.error = ""
            conversation.live = _Transfer(made.id, id_, made.invitation.id, sender, to, deadline)
            self.transfers[made.id] = conversation.live
            return made.id
        nothing: MultipleResults[str] = multiple()
        return nothing

    @rule(id_=requests)
    def accept(self, id_: str) -> None:
        """The invitee accepts, in time or not."""
        conversation, transfer = self._of(id_)
        if self._answer(id_, transfer.invitee, lambda: self.service.accept(transfer.ticket, by=transfer.invitee)):
            self._end(conversation, TransferState.ACCEPTED)
            conversation.owner = transfer.invitee
            conversation.epoch += 1

    @rule(id_=requests, reason=st.sampled_from(["", "busy"]))
    def reject(self, id_: str, reason: str) -> None:
        """The invitee declines, in time or not."""
        conversation, transfer = self._of(id_)
        invitee = transfer.invitee
        if self._answer(id_, invitee, lambda: self.service.reject(transfer.ticket, by=invitee, reason=reason)):
            self._end(conversation, TransferState.REJECTED)

    @rule(id_=requests)
    def cancel(self, id_: str) -> None:
        """The sender takes it back, in time or not."""
        conversation, transfer = self._of(id_)
        if self._answer(id_, transfer.sender, lambda: self.service.cancel(transfer.id, by=transfer.sender)):
            self._end(conversation, TransferState.CANCELLED)

    @rule(id_=requests, name=st.sampled_from(AGENTS))
    def steal(self, id_: str, name: str) -> None:
        """Somebody answers what was offered to somebody else."""
        conversation, transfer = self._of(id_)
        if name == transfer.invitee:
            return
        self._settle(conversation)
        self._refused(NotPermitted, lambda: self.service.accept(transfer.ticket, by=name))

    @rule(id_=_conversations, name=st.sampled_from(AGENTS), back=st.integers(0, 2))
    def reply(self, id_: str, name: str, back: int) -> None:
        """Somebody texts the contact, from a window of this ownership or an earlier one."""
        conversation = self.conversations[id_]
        self._settle(conversation)
        epoch = max(0, conversation.epoch - back)
        text = self._text()
        if epoch != conversation.epoch:
            self._refused(StaleEpoch, lambda: self.service.reply(id_, text, by=name, epoch=epoch))
        elif name != conversation.owner or self._off(name):
            self._refused(NotPermitted, lambda: self.service.reply(id_, text, by=name, epoch=epoch))
        elif conversation.done:
            self._refused(Refused, lambda: self.service.reply(id_, text, by=name, epoch=epoch))
        else:
            self.service.reply(id_, text, by=name, epoch=epoch)
            conversation.texts.append(text)

    @rule(id_=_conversations, twice=st.booleans())
    def receive(self, id_: str, twice: bool) -> None:
        """The contact texts; a provider may deliver it twice."""
        conversation = self.conversations[id_]
        self._settle(conversation)
        text = self._text()
        if conversation.done:
            self._refused(Refused, lambda: self.service.receive_message(id_, text, message_id=text))
            return
        for _ in range(1 + twice):
            self.service.receive_message(id_, text, message_id=text)
        conversation.texts.append(text)

    @rule(id_=consumes(requests))
    def mark_done(self, id_: str) -> None:
        """The owner ends a conversation that was once offered to somebody."""
        conversation, transfer = self._of(id_)
        self._settle(conversation)
        owner = conversation.owner
        if conversation.done or self._off(owner):
            self._refused(Refused, lambda: self.service.mark_done(transfer.interaction_id, by=owner))
            return
        self.service.mark_done(transfer.interaction_id, by=owner)
        conversation.done = True
        self._end(conversation, TransferState.CANCELLED)
        conversation.error = ""

    # presence and time

    @rule(name=st.sampled_from(AGENTS))
    def leave(self, name: str) -> None:
        """An agent logs out; what was offered to them fails at once."""
        self.service.log_out(name)
        self.statuses[name] = ChannelStatus.LOGGED_OUT
        for conversation in self.conversations.values():
            if conversation.live is not None and conversation.live.invitee == name:
                self._settle(conversation)
                self._end(conversation, TransferState.FAILED)

    @rule(name=st.sampled_from(AGENTS), ready=st.booleans())
    def come(self, name: str, ready: bool) -> None:
        """An agent logs in, and becomes Ready or Not Ready."""
        self.service.log_in(name)
        if ready:
            self.service.set_ready(name)
        else:
            self.service.set_not_ready(name, "break")
        self.statuses[name] = ChannelStatus.READY if ready else ChannelStatus.NOT_READY

    @rule(seconds=st.integers(1, 40), sweep=st.booleans())
    def wait(self, seconds: int, sweep: bool) -> None:
        """Time passes; something sweeps the deadlines, or nothing does yet."""
        self.clock.advance(timedelta(seconds=seconds))
        self.passed += seconds
        if sweep:
            self.service.tick()
            for conversation in self.conversations.values():
                self._settle(conversation)

    @rule()
    def sweep(self) -> None:
        """Something sweeps the deadlines, once more than it had to."""
        # A rule without arguments that may always be carried out is what Hypothesis tries first in place of another:
        # with it, what a story does not need can go.
        self.service.tick()
        for conversation in self.conversations.values():
            self._settle(conversation)

    @rule(name=st.sampled_from(AGENTS))
    def reload(self, name: str) -> None:
        """An agent opens a second desktop, which shows the same as the first."""
        again = RecordingUI()
        connection = self.service.connect(Workspace(name, again))
        first = self.screens[name]
        assert (first.windows, first.previews, first.errors) == (again.windows, again.previews, again.errors)
        assert first.messages == again.messages
        connection.close()

    # what must hold

    @invariant()
    def what_must_hold(self) -> None:
        """All of what follows, in one line of a printed story."""
        self.everything_agrees()
        self.every_transfer_has_its_outcome()
        self.every_outcome_is_told_once()

    def everything_agrees(self) -> None:
        """Owner, epoch, state and texts are the model's; each window is exactly at the owner (F1, T12, D7)."""
        for id_, conversation in self.conversations.items():
            found = self.service.interaction(id_)
            assert (found.owner, found.epoch) == (conversation.owner, conversation.epoch)
            assert (found.state is InteractionState.DONE) is conversation.done
            assert [text.text for text in self.service.transcript(id_)] == conversation.texts
            shown = {name for name, screen in self.screens.items() if id_ in screen.windows}
            assert shown == (set() if conversation.done else {conversation.owner})

    def every_transfer_has_its_outcome(self) -> None:
        """A request is live or has the model's outcome; each preview is exactly at a live invitee (F2, F3, D3)."""
        for transfer in self.transfers.values():
            assert self.service.transfer(transfer.id).state is transfer.state
            shown = {name for name, screen in self.screens.items() if transfer.ticket in screen.previews}
            assert shown == ({transfer.invitee} if transfer.state is TransferState.INVITED else set())

    def every_outcome_is_told_once(self) -> None:
        """My Messages was told each outcome once, and the top of a window what it has to say now, once (T6, D5)."""
        for name, screen in self.screens.items():
            told = [
                transfer.id
                for transfer in self.transfers.values()
                if transfer.sender == name and transfer.state in _TOLD
            ]
            assert sorted(told) == sorted(message.params["transfer"] for message in screen.messages.values())
            assert len(told) == len(screen.called("show_message"))
            errors = [error.params["transfer"] for error in screen.errors_told]
            assert len(errors) == len(set(errors))
            assert set(errors) <= set(told)
            standing = {
                id_: conversation.error
                for id_, conversation in self.conversations.items()
                if conversation.owner == name and conversation.error
            }
            assert standing == {id_: error.params["transfer"] for id_, error in screen.errors.items()}

    def teardown(self) -> None:
        """Time alone brings every transfer to an outcome (F4)."""
        self.clock.advance(TransferPolicy().invitation_timeout)
        self.service.tick()
        for id_ in self.transfers:
            assert self.service.transfer(id_).state.is_final

    # the model

    def _of(self, id_: str) -> tuple[_Conversation, _Transfer]:
        transfer = self.transfers[id_]
        return self.conversations[transfer.interaction_id], transfer

    def _may_request(self, conversation: _Conversation, to: str) -> bool:
        """Whether the owner may ask for a transfer to this agent (T1, T3, F2, E1, A4)."""
        owner_may = not conversation.done and conversation.live is None and not self._off(conversation.owner)
        target_can = to != conversation.owner and self.statuses[to] is ChannelStatus.READY and self._load(to) < CAPACITY
        return owner_may and target_can and conversation.epoch < TransferPolicy().max_hops

    def _settle(self, conversation: _Conversation) -> None:
        """Whatever is asked of a conversation finds what is overdue expired (T10)."""
        if conversation.live is not None and conversation.live.deadline <= self.passed:
            self._end(conversation, TransferState.EXPIRED)

    def _end(self, conversation: _Conversation, state: TransferState) -> None:
        if conversation.live is not None:
            conversation.live.state = state
            conversation.error = conversation.live.id if state in _TOLD else ""
            conversation.live = None

    def _answer(self, id_: str, by: str, answer: Callable[[], object]) -> bool:
        """Answer a ticket; whoever is too late must be told what won and who owns it now (T11)."""
        conversation, transfer = self._of(id_)
        self._settle(conversation)
        live = conversation.live is transfer
        if self._off(by) and by == transfer.sender:
            self._refused(NotPermitted, answer)
            return False
        try:
            answer()
        except InvitationClosed as closed:
            assert not live
            assert (closed.outcome.state, closed.outcome.owner) == (transfer.state, conversation.owner)
            return False
        assert live
        return True

    def _refused(self, error: type[Refused], command: Callable[[], object]) -> None:
        try:
            command()
        except error:
            return
        raise AssertionError(f"not refused as {error.__name__}")

    def _off(self, name: str) -> bool:
        return self.statuses[name] is ChannelStatus.LOGGED_OUT

    def _load(self, name: str) -> int:
        owned = sum(one.owner == name and not one.done for one in self.conversations.values())
        live = [one.live for one in self.conversations.values() if one.live is not None]
        return owned + sum(one.invitee == name and one.deadline > self.passed for one in live)

    def _text(self) -> str:
        self.texts += 1
        return f"text {self.texts}"
