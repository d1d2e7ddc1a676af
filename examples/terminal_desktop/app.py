"""The program: what each key does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from sms_transfer import (
    AsyncTeamCommunicator,
    AsyncTransferService,
    ChannelStatus,
    Connection,
    SmsTransferError,
    Workspace,
    WorkspaceSettings,
)
from terminal_desktop.drawing import Drawn, system_time
from terminal_desktop.team import Team
from terminal_desktop.widgets import Field, MyMessages, Offer, Reply
from terminal_desktop.words import harmless, told

Command = Callable[[], Awaitable[object]]
ASKING = frozenset({"log_out", "not_ready", "transfer", "note", "case", "done"})
"""What has to wait until a question is answered: it would take the place of the question."""


class TerminalDesktop(Drawn):
    """One agent's workspace: it shows what the service has recorded, and tells the service what the agent did.

    Every command carries the epoch of the window that it comes from (F1).

    Args:
        service: somebody else keeps it ticking.
        agent_id: who works here; nothing checks it (A7).
        settings: focus and answering.
        now: what time it is, for the countdowns.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("f2", "log_in", "Log in"),
        ("f2", "log_out", "Log out"),
        ("f3", "ready", "Ready"),
        ("f3", "not_ready", "Not Ready"),
        ("f4", "disturb", "Do not disturb"),
        ("f5", "transfer", "Transfer"),
        ("ctrl+l", "cancel", "Cancel transfer"),
        ("f6", "offer", "Go to offer"),
        ("f9", "focus('my-messages')", "My Messages"),
        ("f10", "focus('conversations')", "Conversations"),
        ("ctrl+n", "note", "Note"),
        ("ctrl+g", "case", "Case data"),
        ("ctrl+o", "done", "Mark done"),
        ("escape", "go_back", "Back"),
        Binding("ctrl+q", "quit", "Quit", priority=True),
    ]

    def __init__(
        self,
        service: AsyncTransferService,
        agent_id: str,
        settings: WorkspaceSettings | None = None,
        now: Callable[[], datetime] = system_time,
    ) -> None:
        communicator = AsyncTeamCommunicator(service, agent_id)
        super().__init__(lambda: Team(communicator, self.attempt, self.tell), now)
        self.service, self.agent_id = service, agent_id
        self._workspace = Workspace(agent_id, self.desk, settings)
        self._connection: Connection | None = None
        self._asked: Callable[[str], Awaitable[object]] | None = None
        self._turn = asyncio.Lock()

    async def on_ready(self) -> None:
        """Show what is recorded, as soon as there is a screen for it."""
        self.query_one("#question").display = False
        self.draw()
        self._start(self._connect)
        self.set_interval(0.5, self.count_down)

    async def _connect(self) -> None:
        async def connect() -> None:
            self._connection = await self.service.connect(self._workspace)

        while not await self.attempt(connect):  # noqa: ASYNC110 - the database may be locked; it tells nobody when not
            await asyncio.sleep(1)
        if self.shown is None and self.desk.windows:
            self.open(next(iter(self.desk.windows)))
            self.draw()

    def on_unmount(self) -> None:
        """Stop showing."""
        if self._connection is not None:
            self._connection.close()

    def _start(self, work: Command) -> None:
        self.run_worker(work)

    def do(self, command: Command) -> None:
        """Have this done, without keeping the screen waiting."""
        self.tell("")
        self._start(partial(self.attempt, command))

    async def attempt(self, command: Command) -> bool:
        """Do this, after what was asked for before; say so if it is refused."""
        async with self._turn:
            try:
                await command()
            except SmsTransferError as error:
                self.tell(told(error))
                return False
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether a key does anything now; the others are not shown."""
        agent, window = self.desk.agent, self.shown
        logged_out = agent is None or agent.status is ChannelStatus.LOGGED_OUT
        ready = agent is not None and agent.status is ChannelStatus.READY
        if action == "answer":
            return self.offer_in_focus is not None and (parameters[0] is True or self.offer_in_focus.preview.can_reject)
        if self._asked is not None and action in ASKING:
            return False
        return {
            "log_in": logged_out,
            "log_out": not logged_out,
            "ready": not logged_out and not ready,
            "not_ready": ready,
            "transfer": window is not None and window.can_transfer and window.pending is None,  # T1, E4
            "cancel": window is not None and window.pending is not None,  # T8
            "offer": bool(self.desk.previews),
            "note": window is not None,
            "case": window is not None,
            "done": window is not None,
        }.get(action, True)

    # the agent's own status

    def action_log_in(self) -> None:
        """Come onto the SMS channel."""
        self.do(partial(self.service.log_in, self.agent_id))

    def action_log_out(self) -> None:
        """Leave it."""
        self.do(partial(self.service.log_out, self.agent_id))

    def action_ready(self) -> None:
        """Be able to receive."""
        self.do(partial(self.service.set_ready, self.agent_id))

    def action_not_ready(self) -> None:
        """Receive nothing for a while."""
        self._ask("Why Not Ready? (may be left empty)", partial(self.service.set_not_ready, self.agent_id))

    def action_disturb(self) -> None:
        """Turn do-not-disturb on or off."""
        on = self.desk.agent is not None and self.desk.agent.do_not_disturb
        self.do(partial(self.service.set_do_not_disturb, self.agent_id, not on))

    async def action_quit(self) -> None:
        """Log out and go: offers that are live fail at once, so nobody waits for an agent who is not there (T9)."""
        await self._leave(disconnected=False)

    def disconnect(self) -> None:
        """Go without having been asked to: the terminal is gone."""
        self._start(partial(self._leave, disconnected=True))

    async def _leave(self, *, disconnected: bool) -> None:
        await self.attempt(partial(self.service.log_out, self.agent_id, disconnected=disconnected))
        self.exit()

    # the open conversation

    @on(OptionList.OptionSelected, "#conversations")
    def _opened(self, event: OptionList.OptionSelected) -> None:
        self.open(event.option_id or "")
        self.draw()
        self.go_back()

    @on(Reply.Written)
    def _reply(self, written: Reply.Written) -> None:
        one = written.window.interaction

        async def reply() -> None:
            try:
                await self.service.reply(one.id, written.text, by=self.agent_id, epoch=one.epoch)
            except SmsTransferError:
                self.give_back(one.id, written.text)
                raise

        self.do(reply)

    def action_note(self) -> None:
        """Edit the note on the conversation."""
        if self.shown is None:
            return
        one = self.shown.interaction

        async def change(note: str) -> None:
            if note != harmless(one.note):  # what is not seen in a field must not get lost by looking at it
                await self.service.set_note(one.id, note, by=self.agent_id, epoch=one.epoch)

        self._ask("Note on this conversation", change, one.note)

    def action_case(self) -> None:
        """Set case data, or remove it."""
        if self.shown is None:
            return
        one = self.shown.interaction

        async def change(words: str) -> None:
            key, _, value = words.partition("=")
            changes = {key.strip(): value.strip() or None}
            await self.service.update_case_data(one.id, changes, by=self.agent_id, epoch=one.epoch)

        self._ask("Case data: key = value; without a value the key goes", change)

    def action_done(self) -> None:
        """End the conversation."""
        if self.shown is None:
            return
        one = self.shown.interaction
        mark = partial(self.service.mark_done, one.id, by=self.agent_id, epoch=one.epoch)
        self._ask("Mark this conversation as done? Enter does, Escape does not", lambda _: mark())

    # transfers

    def action_transfer(self) -> None:
        """Open the team communicator."""
        if self.shown is not None:
            self.query_one(Team).open(self.shown)
            self.draw()

    @on(Team.Picked)
    def _picked(self, picked: Team.Picked) -> None:
        one = picked.window.interaction

        async def request() -> None:
            await self.service.request_transfer(
                one.id, picked.target, by=self.agent_id, note=picked.note, epoch=one.epoch, key=picked.key
            )
            if self.query_one(Team).window is picked.window:
                self.close(self.query_one(Team))

        self.do(request)

    def action_cancel(self) -> None:
        """Take the transfer back."""
        if self.shown is not None and self.shown.pending is not None:
            self.do(partial(self.service.cancel, self.shown.pending.transfer_id, by=self.agent_id))

    def action_offer(self) -> None:
        """Go to the first offer, or from one to the next."""
        offers = [*self.query(Offer)]
        if offers:
            here = self.offer_in_focus
            self.go_to(offers[(offers.index(here) + 1) % len(offers) if here in offers else 0])

    def action_answer(self, accept: bool) -> None:
        """Accept or reject the offer that has the focus, and no other."""
        offer = self.offer_in_focus
        if offer is None:
            return
        id_ = offer.preview.invitation_id
        if accept:
            self.do(partial(self._accept, id_, offer.preview.interaction_id))
        elif offer.preview.can_reject:
            self.do(partial(self.service.reject, id_, by=self.agent_id, reason=offer.reason.value))

    async def _accept(self, invitation_id: str, interaction_id: str) -> None:
        self.accepting = interaction_id
        try:
            await self.service.accept(invitation_id, by=self.agent_id)
        except SmsTransferError:
            self.accepting = ""
            raise

    # My Messages

    @on(OptionList.OptionSelected, "#my-messages")
    def _read(self, event: OptionList.OptionSelected) -> None:
        entry = self.desk.messages.get(event.option_id or "")
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id))
            self.tell(entry.text)

    def action_mark_read(self) -> None:
        """Mark the entry as read, or as unread again."""
        entry = self.desk.messages.get(self.query_one(MyMessages).marked)
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id, not entry.read))

    def action_delete_message(self) -> None:
        """Delete the entry."""
        entry = self.desk.messages.get(self.query_one(MyMessages).marked)
        if entry is not None:
            self.do(partial(self.service.delete_message, self.agent_id, entry.id))

    # questions

    def _ask(self, question: str, then: Callable[[str], Awaitable[object]], answer: str = "") -> None:
        field = self.query_one("#question", Field)
        field.border_title, field.display = question, True
        field.fill(answer)
        self._asked = then
        self.go_to(field)

    @on(Input.Submitted, "#question")
    def _answered(self, event: Input.Submitted) -> None:
        asked = self._asked

        async def once() -> None:
            if asked is not None and asked is self._asked:
                await asked(event.value)
                self._asked = None
                self.close(event.input)

        self.do(once)

    def action_go_back(self) -> None:
        """Leave the question or the team communicator, and whatever has the focus."""
        self._asked = None
        self.query_one("#question").display = self.query_one(Team).display = False
        self.draw()
        self.go_back()
