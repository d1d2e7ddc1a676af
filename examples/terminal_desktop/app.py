"""The program: what is on the screen, and what each key does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, OptionList

from sms_transfer import (
    AsyncTeamCommunicator,
    AsyncTransferService,
    ChannelStatus,
    Connection,
    Priority,
    SmsTransferError,
    SystemMessage,
    Target,
    Workspace,
    WorkspaceSettings,
    explain_refusal,
)
from terminal_desktop.desk import Desk
from terminal_desktop.team import Team
from terminal_desktop.widgets import Keys, Lines, MyMessages, Words
from terminal_desktop.windows import Conversation, Offer, Question
from terminal_desktop.words import harmless, in_words, status_of

Command = Callable[[], Awaitable[object]]
SYSTEM_TIME = partial(datetime.now, UTC)


class TerminalDesktop(App[None]):
    """One agent's workspace: it shows what the service has recorded, and tells the service what the agent did.

    Every command carries the epoch of the window that it comes from (F1).

    Args:
        service: somebody else keeps it ticking.
        agent_id: who works here; nothing checks it (A7).
        settings: focus and answering.
        now: what time it is, for the countdowns.
    """

    TITLE = "SMS desktop"
    CSS_PATH = "desktop.tcss"
    ENABLE_COMMAND_PALETTE = False
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
        super().__init__()
        self.service, self.agent_id, self.now = service, agent_id, now
        self.desk = Desk(self.draw_soon, self.tell)
        self.shown = ""  # the id of the open conversation
        self._conversations: dict[str, Conversation] = {}
        self._offers: dict[str, Offer] = {}
        self._question: Question | None = None
        self._workspace = Workspace(agent_id, self.desk, settings)
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """Lay it out."""
        self._status, self._news = Words(id="status"), Words(id="news")
        self._list, self._messages = Lines(id="conversations"), MyMessages(id="my-messages")
        yield self._status
        yield Words("Demo log-in: nothing checks who you are. Your application brings its own.", id="stand-in")
        yield Vertical(id="offers")
        with Horizontal(id="desk"):
            yield Vertical(self._list, self._messages, id="lists")
            yield Vertical(Words("No conversation is open. Pick one from the list.", id="none"), id="window")
        yield self._news
        yield Keys(id="keys")

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

    # the screen

    def tell(self, words: str) -> None:
        """Say this above the keys, until something else is said."""
        self.call_later(self._news.say, harmless(words))

    def draw_soon(self) -> None:
        """Have the screen drawn when the program comes to it."""
        self.call_later(self.draw)

    async def draw(self) -> None:
        """Make the screen what the desk is; what is being typed stays."""
        agent, offer = self.desk.agent, self.offer_in_focus
        if agent is not None:
            who = f"{harmless(agent.name)} ({harmless(agent.id)})"
            self._status.say(f"{who} on the SMS channel: {status_of(agent)}")
        if offer is not None and offer.preview.interaction_id in self.desk.windows:
            self.shown = offer.preview.interaction_id  # it was accepted, and the agent waits for it here
        await self._draw_conversations()
        await self._draw_offers()
        self._draw_lists()
        self.count_down()
        self.refresh_bindings()
        if self.focused is None:  # D3: the focus is never lost
            self.go_home()

    async def _draw_conversations(self) -> None:
        for id_ in self._conversations.keys() - self.desk.windows.keys():
            await self._remove(self._conversations.pop(id_))
        for id_, window in [*self.desk.windows.items()]:
            if id_ not in self._conversations:
                self._conversations[id_] = Conversation(window)
                await self.query_one("#window").mount(self._conversations[id_])
                self._conversations[id_].show(window)
            one = self._conversations[id_]
            if one.window is not window:
                one.show(window)
            one.display = id_ == self.shown
            if one.display:
                one.seen = len(window.transcript)
            if window.pending is not None:  # it is asked for: there is nothing more to be picked
                await self._close_team(one)
        self.query_one("#none").display = self.open_now is None

    async def _draw_offers(self) -> None:
        for id_ in self._offers.keys() - self.desk.previews.keys():  # D3
            await self._remove(self._offers.pop(id_))
        for id_, preview in [*self.desk.previews.items()]:
            if id_ not in self._offers:
                self._offers[id_] = offer = Offer(preview)
                await self.query_one("#offers").mount(offer)
                if preview.focus:  # D1
                    self.set_focus(offer)

    def _draw_lists(self) -> None:
        self._list.border_title = f"Conversations ({len(self._conversations)})"
        self._list.show({id_: self._line(one) for id_, one in self._conversations.items()})
        entries = sorted(self.desk.messages.values(), key=lambda entry: entry.at, reverse=True)  # D4: newest first
        self._messages.border_title = f"My Messages ({sum(not entry.read for entry in entries)} unread)"
        self._messages.show({entry.id: in_a_line(entry) for entry in entries})

    @staticmethod
    def _line(one: Conversation) -> str:
        window = one.window
        opened = "▸ " if one.display else ""
        error = "‼ not transferred: " if window.error else ""
        pending = "… offered: " if window.pending else ""
        new = "● new text: " if len(window.transcript) > one.seen else ""
        return opened + error + pending + new + harmless(window.interaction.contact.label)

    def count_down(self) -> None:
        """Show how much time is left, without a sound."""
        for offer in self._offers.values():
            offer.count_down(self.now())
        for one in self._conversations.values():
            one.count_down(self.now())

    # the focus

    @property
    def open_now(self) -> Conversation | None:
        """The open conversation."""
        return self._conversations.get(self.shown)

    @property
    def offer_in_focus(self) -> Offer | None:
        """The offer that has the focus, or something in it has."""
        return next((offer for offer in self._offers.values() if self._is_in(offer)), None)

    def _is_in(self, part: Widget) -> bool:
        return self.focused is not None and part in self.focused.ancestors_with_self

    async def _remove(self, part: Widget) -> None:
        if self._is_in(part):
            self.set_focus(None)  # or it would go to what is next, and keys that are on their way with it
        await part.remove()

    def go_home(self) -> None:
        """Give the focus to what is most likely wanted: the question, the team communicator, the reply, the list."""
        one = self.open_now
        if self._question is not None or one is None:
            self.set_focus(self._question or self._list)
        else:
            self.set_focus(one.reply if one.team is None else one.team.text)

    async def action_go_back(self) -> None:
        """Leave an offer; or the question, the team communicator, and whatever has the focus."""
        if self.offer_in_focus is None:
            await self._close_question()
            if self.open_now is not None:
                await self._close_team(self.open_now)
        self.go_home()

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

    async def _ask(self, question: str, then: Callable[[str], Awaitable[object]], answer: str = "") -> None:
        await self._close_question()
        self._question = Question(question, then, answer)
        await self.mount(self._question, before="#news")
        self.go_home()

    @on(Input.Submitted, "#question")
    async def _answered(self, event: Input.Submitted) -> None:
        question = self._question

        async def once() -> None:
            if question is not None and question is self._question:
                await question.then(event.value)
                await self._close_question()
                self.draw_soon()

        self.do(once)

    async def _close_question(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            await self._remove(question)

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
            "transfer": one is not None and one.window.can_transfer and not pending,  # T1, E4
            "cancel": pending,  # T8
            "offer": bool(self._offers),
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
        await self._ask("Why Not Ready? (may be left empty)", partial(self.service.set_not_ready, self.agent_id))

    def action_disturb(self) -> None:
        """Turn do-not-disturb on or off."""
        on = self.desk.agent is not None and self.desk.agent.do_not_disturb
        self.do(partial(self.service.set_do_not_disturb, self.agent_id, not on))

    async def action_quit(self) -> None:
        """Log out and go: offers that are live fail at once, so nobody waits for an agent who is not there (T9)."""
        await self._leave(disconnected=False)

    def disconnect(self) -> None:
        """Go without having been asked to: the terminal is gone."""
        self.run_worker(self._leave(disconnected=True))

    async def _leave(self, *, disconnected: bool) -> None:
        await self.attempt(partial(self.service.log_out, self.agent_id, disconnected=disconnected))
        self.exit()

    # the open conversation

    @on(OptionList.OptionSelected, "#conversations")
    async def _opened(self, event: OptionList.OptionSelected) -> None:
        self.shown = event.option_id or ""
        await self.draw()
        self.go_home()

    @on(Input.Submitted, ".reply")
    def _replied(self, event: Input.Submitted) -> None:
        for one in self._conversations.values():
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
        if self.open_now is not None:
            one = self.open_now.window.interaction

            async def change(note: str) -> None:
                if note != harmless(one.note):  # what is spelt out here must not get into the note by looking at it
                    await self.service.set_note(one.id, note, by=self.agent_id, epoch=one.epoch)

            await self._ask("Note on this conversation", change, one.note)

    async def action_case(self) -> None:
        """Set case data, or remove it."""
        if self.open_now is not None:
            one = self.open_now.window.interaction

            async def change(words: str) -> None:
                key, _, value = words.partition("=")
                changes = {key.strip(): value.strip() or None}
                await self.service.update_case_data(one.id, changes, by=self.agent_id, epoch=one.epoch)

            await self._ask("Case data: key = value; without a value the key goes", change)

    async def action_done(self) -> None:
        """End the conversation."""
        if self.open_now is not None:
            one = self.open_now.window.interaction
            mark = partial(self.service.mark_done, one.id, by=self.agent_id, epoch=one.epoch)
            await self._ask("Mark this conversation as done? Enter does, Escape does not", lambda _: mark())

    # transfers

    async def action_transfer(self) -> None:
        """Open the team communicator."""
        one = self.open_now
        if one is not None and one.team is None:
            communicator = AsyncTeamCommunicator(self.service, self.agent_id)
            one.team = Team(communicator, one.window.interaction.id, partial(self._request, one), self.attempt)
            one.talk.display = False
            await one.mount(one.team)
        self.go_home()

    async def _close_team(self, one: Conversation) -> None:
        team, one.team = one.team, None
        if team is not None:
            one.talk.display = True
            await self._remove(team)

    def _request(self, one: Conversation, target: Target, note: str) -> None:
        now = one.window.interaction
        request = partial(self.service.request_transfer, by=self.agent_id, note=note, epoch=now.epoch)
        self.do(partial(request, now.id, target))

    def action_cancel(self) -> None:
        """Take the transfer back."""
        if self.open_now is not None and self.open_now.window.pending is not None:
            self.do(partial(self.service.cancel, self.open_now.window.pending.transfer_id, by=self.agent_id))

    def action_offer(self) -> None:
        """Go to the first offer, or from one to the next."""
        offers, here = [*self._offers.values()], self.offer_in_focus
        if offers:
            self.set_focus(offers[(offers.index(here) + 1) % len(offers) if here else 0])

    def action_answer(self, accept: bool) -> None:
        """Accept or reject the offer that has the focus, and no other."""
        offer = self.offer_in_focus
        if offer is not None and accept:
            self.do(partial(self.service.accept, offer.preview.invitation_id, by=self.agent_id))
        elif offer is not None:
            reject = partial(self.service.reject, by=self.agent_id, reason=offer.reason.value)
            self.do(partial(reject, offer.preview.invitation_id))

    # My Messages

    @on(OptionList.OptionSelected, "#my-messages")
    def _read(self, event: OptionList.OptionSelected) -> None:
        entry = self.desk.messages.get(event.option_id or "")
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id))
            self.tell(entry.text)

    def action_mark_read(self) -> None:
        """Mark the entry as read, or as unread again."""
        entry = self.desk.messages.get(self._messages.marked)
        if entry is not None:
            self.do(partial(self.service.mark_read, self.agent_id, entry.id, not entry.read))

    def action_delete_message(self) -> None:
        """Delete the entry."""
        entry = self.desk.messages.get(self._messages.marked)
        if entry is not None:
            self.do(partial(self.service.delete_message, self.agent_id, entry.id))


def in_a_line(entry: SystemMessage) -> str:
    """An entry of My Messages, as long as there is room for it."""
    urgent = "‼ " if entry.priority is Priority.HIGH else ""
    return f"{'  ' if entry.read else '● '}{urgent}{entry.at.astimezone():%H:%M} {harmless(entry.text[:120])}"
