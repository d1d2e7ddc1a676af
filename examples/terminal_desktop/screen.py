"""What is where on the screen, drawn from what the desk holds; and where the focus is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.widget import MountError, Widget

from sms_transfer import Priority, SystemMessage
from terminal_desktop.desk import Desk
from terminal_desktop.widgets import Keys, Lines, MyMessages, Words
from terminal_desktop.windows import Conversation, Offer, Question
from terminal_desktop.words import harmless, status_of


class Drawn(App[None]):
    """The screen: `draw` makes it what the desk is, and leaves alone what is being typed."""

    TITLE = "SMS desktop"
    CSS_PATH = "desktop.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now = now
        self.desk = Desk(self.draw_soon, self.tell)
        self.shown = ""  # the id of the open conversation
        self.conversations: dict[str, Conversation] = {}
        self.offers: dict[str, Offer] = {}
        self.question: Question | None = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        self._status, self._news = Words(id="status"), Words(id="news")
        self._list, self.messages = Lines(id="conversations"), MyMessages(id="my-messages")
        yield self._status
        yield Words("Demo log-in: nothing checks who you are. Your application brings its own.", id="stand-in")
        yield Vertical(id="offers")
        with Horizontal(id="desk"):
            yield Vertical(self._list, self.messages, id="lists")
            yield Vertical(Words("No conversation is open. Pick one from the list.", id="none"), id="window")
        yield self._news
        yield Keys(id="keys")

    def tell(self, words: str) -> None:
        """Say this above the keys, until something else is said."""
        self.call_later(self._news.say, harmless(words))

    def draw_soon(self) -> None:
        """Have the screen drawn when the program comes to it."""
        self.call_later(self.draw)

    async def draw(self) -> None:
        """Make the screen what the desk is; what is being typed stays."""
        with suppress(NoMatches, MountError):  # the program is ending, and parts of the screen are gone
            await self._draw()

    async def _draw(self) -> None:
        agent, offer = self.desk.agent, self.offer_in_focus
        if agent is not None:
            who = f"{harmless(agent.name)} ({harmless(agent.id)})"
            self._status.say(f"{who} on the SMS channel: {status_of(agent)}")
        if offer is not None and self.question is None and offer.preview.interaction_id in self.desk.windows:
            self.shown = offer.preview.interaction_id  # it was accepted, and the agent waits for it here
        await self._draw_conversations()
        await self._draw_offers()
        self._draw_lists()
        self.count_down()
        self.refresh_bindings()
        if self.focused is None:  # D3: the focus is never lost
            self.go_home()

    async def _draw_conversations(self) -> None:
        for id_ in self.conversations.keys() - self.desk.windows.keys():
            await self._remove(self.conversations.pop(id_))
        for id_, window in [*self.desk.windows.items()]:
            if id_ not in self.conversations:
                self.conversations[id_] = Conversation(window)
                await self.query_one("#window").mount(self.conversations[id_])
            one = self.conversations[id_]
            if one.window is not window:
                one.show(window)
            one.display = id_ == self.shown
            if one.display:
                one.seen = len(window.transcript)
            if window.pending is not None:  # it is asked for: there is nothing more to be picked
                await self.close_team(one)
        self.query_one("#none").display = self.open_now is None

    async def _draw_offers(self) -> None:
        for id_ in self.offers.keys() - self.desk.previews.keys():  # D3
            await self._remove(self.offers.pop(id_))
        for id_, preview in [*self.desk.previews.items()]:
            if id_ not in self.offers:
                self.offers[id_] = offer = Offer(preview)
                await self.query_one("#offers").mount(offer)
                if preview.focus:  # D1
                    self.set_focus(offer)
            self.offers[id_].show(preview)

    def _draw_lists(self) -> None:
        self._list.border_title = f"Conversations ({len(self.conversations)})"
        self._list.show({id_: self._line(one) for id_, one in self.conversations.items()})
        entries = sorted(self.desk.messages.values(), key=lambda entry: entry.at, reverse=True)  # D4: newest first
        self.messages.border_title = f"My Messages ({sum(not entry.read for entry in entries)} unread)"
        self.messages.show({entry.id: in_a_line(entry) for entry in entries})

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
        for offer in self.offers.values():
            offer.count_down(self.now())
        for one in self.conversations.values():
            one.count_down(self.now())

    # the focus

    @property
    def open_now(self) -> Conversation | None:
        """The open conversation."""
        return self.conversations.get(self.shown)

    @property
    def offer_in_focus(self) -> Offer | None:
        """The offer that has the focus, or something in it has."""
        return next((offer for offer in self.offers.values() if self._is_in(offer)), None)

    def _is_in(self, part: Widget) -> bool:
        return self.focused is not None and part in self.focused.ancestors_with_self

    async def _remove(self, part: Widget) -> None:
        if self._is_in(part):
            self.set_focus(None)  # or it would go to what is next, and keys that are on their way with it
        await part.remove()

    def go_home(self) -> None:
        """Give the focus to what is most likely wanted: the question, the team communicator, the reply, the list."""
        one = self.open_now
        if self.question is not None or one is None:
            self.set_focus(self.question or self._list)
        else:
            self.set_focus(one.reply if one.team is None else one.team.text)

    async def action_go_back(self) -> None:
        """Leave an offer; or the question, the team communicator, and whatever has the focus."""
        if self.offer_in_focus is None:
            await self.close_question()
            if self.open_now is not None:
                await self.close_team(self.open_now)
        self.go_home()

    async def ask(self, question: str, then: Callable[[str], Awaitable[object]], answer: str = "") -> None:
        """Ask the agent this, instead of what was asked before."""
        await self.close_question()
        self.question = Question(question, then, answer)
        await self.mount(self.question, before="#news")
        self.go_home()

    async def close_question(self) -> None:
        """Ask no more."""
        question, self.question = self.question, None
        if question is not None:
            await self._remove(question)

    async def close_team(self, one: Conversation) -> None:
        """Look for a target no more."""
        team, one.team = one.team, None
        if team is not None:
            one.talk.display = True
            await self._remove(team)


def in_a_line(entry: SystemMessage) -> str:
    """An entry of My Messages, as long as there is room for it."""
    urgent = "‼ " if entry.priority is Priority.HIGH else ""
    return f"{'  ' if entry.read else '● '}{urgent}{entry.at.astimezone():%H:%M} {harmless(entry.text[:120])}"
