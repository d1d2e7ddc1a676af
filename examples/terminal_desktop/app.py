"""The program: what is on the screen, and what each key does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
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
    Interaction,
    SmsTransferError,
    Target,
    Workspace,
    WorkspaceSettings,
    explain_refusal,
)
from terminal_desktop.screen import Drawn
from terminal_desktop.team import Team
from terminal_desktop.windows import Conversation
from terminal_desktop.words import harmless, in_words

Command = Callable[[], Awaitable[object]]
SYSTEM_TIME = partial(datetime.now, UTC)


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
        now: Callable[[], datetime] = SYSTEM_TIME,
    ) -> None:
        super().__init__(now)
        self.service, self.agent_id = service, agent_id
        self._workspace = Workspace(agent_id, self.desk, settings)
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def on_ready(self) -> None:
        """Show what is recorded, as soon as there is a screen for it."""
        self.tell("")
        self.run_worker(self._connect())
        self.set_interval(0.5, self.count_down)

    async def _connect(self) -> None:
        async def connect() -> None:
            self._connection = await self.service.connect(self._workspace)

        while not await self.attempt(connect):  # noqa: ASYNC110 - the database may be locked; it tells nobody when not
            await asyncio.sleep(1)
        self.shown = self.shown or next(iter(self.desk.windows), "")
        self.draw_soon()

    def on_unmount(self) -> None:
        """Stop showing."""
        if self._connection is not None:
            self._connection.close()

    # commands

    def do(self, command: Command) -> None:
        """Have this done, without keeping the screen waiting."""
        self.tell("")
        self.run_worker(self.attempt(command))

    async def attempt(self, command: Command) -> bool:
        """Do this, after what was asked for before; say so if it is refused."""
        async with self._turn:
            try:
                await command()
            except SmsTransferError as error:
                self.tell(in_words(explain_refusal(error)))
                return False
        return True

    @on(Input.Submitted, "#question")
    async def _answered(self, event: Input.Submitted) -> None:
        question = self.question

        async def once() -> None:
            if question is not None and question is self.question:
                await question.then(event.value)
                await self.close_question()
                self.draw_soon()

        self.do(once)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether a key does anything now; the others are not shown."""
        agent, one, offer = self.desk.agent, self.open_now, self.offer_in_focus
        logged_out = agent is None or agent.status is ChannelStatus.LOGGED_OUT
        ready = agent is not None and agent.status is ChannelStatus.READY
        pending = one is not None and one.window.pending is not None
        return {
            "log_in": logged_out,
            "log_out": not logged_out,
            "ready": not logged_out and not ready,
            "not_ready": ready,
            "transfer": one is not None and one.team is None and one.window.can_transfer and not pending,  # T1, E4
            "cancel": pending,  # T8
            "offer": bool(self.offers),
            "answer": offer is not None and (parameters == (True,) or offer.preview.can_reject),  # E4
            "note": one is not None,
            "case": one is not None,
            "done": one is not None,
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

    async def action_not_ready(self) -> None:
        """Receive nothing for a while."""
        await self.ask("Why Not Ready? (may be left empty)", partial(self.service.set_not_ready, self.agent_id))

    def action_disturb(self) -> None:
        """Turn do-not-disturb on or off."""
        on = self.desk.agent is not None and not self.desk.agent.do_not_disturb
        self.do(partial(self.service.set_do_not_disturb, self.agent_id, on))

    async def action_quit(self) -> None:
        """Log out and go: offers that are live fail at once, so nobody waits for an agent who is not there (T9)."""
        self.run_worker(self._leave(disconnected=False))

    def disconnect(self) -> None:
        """Go without having been asked to: the terminal is gone."""
        self.run_worker(self._leave(disconnected=True))

    async def _leave(self, *, disconnected: bool) -> None:
        await self.attempt(partial(self.service.log_out, self.agent_id, disconnected=disconnected))
        self.exit()

    # the open conversation: `check_action` has seen that there is one

    @property
    def _interaction(self) -> Interaction:
        return self.conversations[self.shown].window.interaction

    @on(OptionList.OptionSelected, "#conversations")
    async def _opened(self, event: OptionList.OptionSelected) -> None:
        await self.close_question()  # it was about another conversation
        self.shown = event.option_id or ""
        await self.draw()
        self.go_home()

    @on(Input.Submitted, ".reply")
    def _replied(self, event: Input.Submitted) -> None:
        for one in self.conversations.values():
            if one.reply is event.input and event.value.strip():
                one.reply.value = ""
                self.run_worker(self._reply(one, event.value))

    async def _reply(self, one: Conversation, text: str) -> None:
        now = one.window.interaction
        if not await self.attempt(partial(self.service.reply, now.id, text, by=self.agent_id, epoch=now.epoch)):
            one.reply.value = f"{text} {one.reply.value}".rstrip()  # it was not sent, and is not lost
            one.reply.action_end()

    async def action_note(self) -> None:
        """Edit the note on the conversation."""
        one = self._interaction

        async def change(note: str) -> None:
            if note != harmless(one.note):  # what is spelt out here must not get into the note by looking at it
                await self.service.set_note(one.id, note, by=self.agent_id, epoch=one.epoch)

        await self.ask("Note on this conversation", change, one.note)

    async def action_case(self) -> None:
        """Set case data, or remove it."""
        one = self._interaction

        async def change(words: str) -> None:
            key, _, value = words.partition("=")
            changes = {key.strip(): value.strip() or None}
            await self.service.update_case_data(one.id, changes, by=self.agent_id, epoch=one.epoch)

        await self.ask("Case data: key = value; without a value the key goes", change)

    async def action_done(self) -> None:
        """End the conversation."""
        one = self._interaction
        mark = partial(self.service.mark_done, one.id, by=self.agent_id, epoch=one.epoch)
        await self.ask("Mark this conversation as done? Enter does, Escape does not", lambda _: mark())

    # transfers

    async def action_transfer(self) -> None:
        """Open the team communicator."""
        one, communicator = self.conversations[self.shown], AsyncTeamCommunicator(self.service, self.agent_id)
        one.team = Team(communicator, self._interaction.id, partial(self._request, self._interaction), self.attempt)
        one.talk.display = False
        await one.mount(one.team)
        self.go_home()

    def _request(self, one: Interaction, target: Target, note: str) -> None:
        request = self.service.request_transfer
        self.do(lambda: request(one.id, target, by=self.agent_id, note=note, epoch=one.epoch))

    def action_cancel(self) -> None:
        """Take the transfer back."""
        pending = self.conversations[self.shown].window.pending
        if pending is not None:
            self.do(partial(self.service.cancel, pending.transfer_id, by=self.agent_id))

    def action_offer(self) -> None:
        """Go to the first offer, or from one to the next."""
        offers, here = [*self.offers.values()], self.offer_in_focus
        self.set_focus(offers[(offers.index(here) + 1) % len(offers) if here else 0])

    def action_answer(self, accept: bool) -> None:
        """Accept or reject the offer that has the focus, and no other."""
        offer = self.offer_in_focus
        if offer is not None and accept:
            self.do(partial(self.service.accept, offer.preview.invitation_id, by=self.agent_id))
        elif offer is not None:
            id_, reason = offer.preview.invitation_id, offer.reason.value
            self.do(partial(self.service.reject, id_, by=self.agent_id, reason=reason))

    # My Messages

    @on(OptionList.OptionSelected, "#my-messages")
    def _read(self, event: OptionList.OptionSelected) -> None:
        entry = self.desk.messages.get(event.option_id or "")
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id))
            self.tell(entry.text)

    def action_mark_read(self) -> None:
        """Mark the entry as read, or as unread again."""
        entry = self.desk.messages.get(self.messages.marked)
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id, not entry.read))

    def action_delete_message(self) -> None:
        """Delete the entry."""
        entry = self.desk.messages.get(self.messages.marked)
        if entry is not None:
            self.do(partial(self.service.delete_message, self.agent_id, entry.id))
