"""What is where on the screen, drawn from what the desk holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Static

from sms_transfer import InteractionWindow, Priority, SystemMessage
from terminal_desktop.desk import Desk
from terminal_desktop.team import Team
from terminal_desktop.widgets import Field, Keys, Lines, MyMessages, Offer, Reply, Words, transcript
from terminal_desktop.words import brief, harmless, left, status_of

STAND_IN = "Demo log-in: nothing checks who you are. Your application brings its own."


def system_time() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


class Drawn(App[None]):
    """The screen. `draw` may be called at any time: it makes the screen what the desk is, and spoils no typing."""

    TITLE = "SMS desktop"
    CSS_PATH = "desktop.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, team: Callable[[], Team], now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now, self._team = now, team
        self.desk = Desk(self.draw_soon, self.tell)
        self.news = ""
        self.shown: InteractionWindow | None = None  # the open conversation, as it is on the screen
        self.accepting = ""  # the conversation that is opened as soon as it is here
        self.before: Widget | None = None  # what had the focus before an offer or a question
        self._drafts: dict[str, str] = {}  # half-written replies, by conversation
        self._seen: dict[str, int] = {}  # how many texts of a conversation were on the screen
        self._offers: dict[str, Offer] = {}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Words(id="status")
        yield Static(STAND_IN, id="stand-in", markup=False)
        yield Vertical(id="offers")
        with Horizontal(id="desk"):
            with Vertical(id="lists"):
                yield Lines(id="conversations")
                yield MyMessages(id="my-messages")
            with Vertical(id="window"):
                yield Words(id="error")
                yield Words(id="contact")
                yield Words(id="pending")
                yield self._team()
                with Vertical(id="talk"):
                    yield VerticalScroll(Static(id="transcript"), id="scroll")
                    yield VerticalScroll(Words(id="about"), id="details")
                    yield Reply(id="reply", placeholder="Reply; Enter sends it")
        yield Field(id="question")
        yield Words(id="news")
        yield Keys(id="keys")

    def tell(self, words: str) -> None:
        """Say this above the keys, until something else is said."""
        self.news = harmless(words)
        self.draw_soon()

    def draw_soon(self) -> None:
        """Have the screen drawn when the program comes to it."""
        self.call_later(self.draw)

    def draw(self) -> None:
        """Make the screen what the desk is."""
        with suppress(NoMatches):  # the program is ending, and parts of the screen are gone
            self._draw_status()
            self._open_what_was_accepted()
            self._draw_window()
            self._draw_lists()
            self._draw_offers()
            self._draw_times()
            self.refresh_bindings()
            if self.focused is None or not _in_sight(self.focused):  # D3: the focus is never lost
                self.go_back()

    def say(self, where: str, words: str) -> None:
        """Show these words there, or nothing at all."""
        self.query_one(where, Words).say(words)

    def _draw_status(self) -> None:
        agent = self.desk.agent
        who = f"{brief(agent.name)} ({brief(agent.id)}) on the SMS channel: {status_of(agent)}" if agent else "…"
        self.say("#status", who)
        self.say("#news", self.news)

    def _draw_lists(self) -> None:
        conversations = self.query_one("#conversations", Lines)
        conversations.border_title = f"Conversations ({len(self.desk.windows)})"
        conversations.show({id_: self._line(window) for id_, window in self.desk.windows.items()})
        entries = sorted(self.desk.messages.values(), key=lambda entry: entry.at, reverse=True)  # D4: newest first
        messages = self.query_one("#my-messages", Lines)
        messages.border_title = f"My Messages ({sum(not entry.read for entry in entries)} unread)"
        messages.show({entry.id: _entry(entry) for entry in entries})

    def _line(self, window: InteractionWindow) -> str:
        def marks() -> Iterator[str]:
            if window is self.shown or (self.shown and window.interaction.id == self.shown.interaction.id):
                yield "▸"
            if window.error:
                yield "‼ not transferred:"
            if window.pending:
                yield "… offered:"
            if len(window.transcript) > self._seen.get(window.interaction.id, 0):
                yield "● new text:"

        return " ".join([*marks(), brief(window.interaction.contact.label)])

    def open(self, interaction_id: str) -> None:
        """Open the window of a conversation; what was typed in the one before is kept for its own."""
        reply = self.query_one(Reply)
        if self.shown is not None:
            self._drafts[self.shown.interaction.id] = reply.value
        self.query_one(Team).display = False
        self.shown = None
        reply.fill(self._drafts.pop(interaction_id, ""))
        self._draw_window(self.desk.windows.get(interaction_id))
        self.query_one("#scroll", VerticalScroll).anchor()  # the newest text is in sight, until the agent scrolls up

    def give_back(self, interaction_id: str, text: str) -> None:
        """Put a reply that was not sent where it was written, before what was typed since."""
        if self.shown is not None and self.shown.interaction.id == interaction_id:
            reply = self.query_one(Reply)
            reply.fill(" ".join(filter(None, (text, reply.value))))
        elif interaction_id in self.desk.windows:
            self._drafts[interaction_id] = " ".join(filter(None, (text, self._drafts.get(interaction_id))))

    def _open_what_was_accepted(self) -> None:
        """Open it, but never under the fingers of an agent who types elsewhere: that would go to another contact."""
        if self.accepting in self.desk.windows:
            if not isinstance(self.focused, Field):
                self.open(self.accepting)
                self.before = None
            self.accepting = ""

    def _draw_window(self, opened: InteractionWindow | None = None) -> None:
        was, window = self.shown, opened
        if window is None and was is not None:
            window = self.desk.windows.get(was.interaction.id)
            if window is None:
                self._leave_window()
        if window is not None and window.pending is not None:  # it is asked for: there is nothing more to be picked
            self.query_one(Team).display = False
        self.query_one("#talk").display = window is not None and not self.query_one(Team).display
        self.shown = self.query_one(Reply).window = window
        if window is None:
            for part in ("#error", "#pending"):
                self.say(part, "")
            self.say("#contact", "No conversation is open. Pick one from the list.")
        elif window is not was:
            self._draw_conversation(window)

    def _leave_window(self) -> None:
        """It is closed. The agent opens the next one: keys that are on their way are not meant for another contact."""
        self.query_one(Reply).value = ""
        if self.focused is not None and self.query_one("#window") in self.focused.ancestors_with_self:
            self.set_focus(self.query_one("#conversations"))
        self.query_one(Team).display = False

    def _draw_conversation(self, window: InteractionWindow) -> None:
        one = window.interaction
        self.say("#error", harmless(f"NOT TRANSFERRED. {window.error.text}") if window.error else "")  # T6
        self.say("#contact", f"{one.media.upper()} with {harmless(one.contact.label)}, {one.contact.address}")
        self.query_one("#transcript", Static).update(transcript(window))
        note = [f"Note: {harmless(one.note)}"] if one.note else []
        data = [f"{harmless(key)}: {harmless(str(value))}" for key, value in one.case_data.items()]
        self.say("#about", "\n".join([*note, *data]))
        self._seen[one.id] = len(window.transcript)

    def _draw_offers(self) -> None:
        for id_ in self._offers.keys() - self.desk.previews.keys():  # D3
            offer = self._offers.pop(id_)
            if self.offer_in_focus is offer:
                self.go_back()
            offer.remove()
        for id_, preview in self.desk.previews.items():
            if id_ not in self._offers:
                self._offers[id_] = offer = Offer(preview)
                self.query_one("#offers").mount(offer)
                if preview.focus:  # D1
                    offer.call_after_refresh(self.go_to, offer)
            self._offers[id_].preview = preview

    def count_down(self) -> None:
        """Show how much time is left, without a sound."""
        with suppress(NoMatches):  # likewise
            self._draw_times()

    def _draw_times(self) -> None:
        now, pending = self.now(), self.shown.pending if self.shown else None
        waiting = "" if pending is None else f"Offered to {harmless(pending.to)}: {left(pending.deadline, now)}."
        self.say("#pending", f"{waiting} Ctrl+L cancels, texting goes on." if waiting else "")
        for offer in self._offers.values():
            offer.show(now)

    # the focus

    @property
    def offer_in_focus(self) -> Offer | None:
        """The offer that has the focus, or something in it has."""
        around = () if self.focused is None else self.focused.ancestors_with_self
        return next((widget for widget in around if isinstance(widget, Offer)), None)

    def go_to(self, widget: Widget) -> None:
        """Give it the focus, and remember where it came from."""
        if widget.is_attached:
            if self.offer_in_focus is None:
                self.before = self.focused
            self.set_focus(widget)

    def close(self, part: Widget) -> None:
        """It has done what it was for. The focus goes back, unless the agent has gone elsewhere by now."""
        part.display = False
        self.draw()

    def go_back(self) -> None:
        """Give the focus back to where it was before an offer or a question, or to what is most likely wanted."""
        reply = self.query_one("#reply")
        for widget in (self.before, reply, self.query_one("#conversations")):
            if widget is not None and widget.is_attached and _in_sight(widget):
                self.set_focus(widget)
                break
        self.before = None


def _in_sight(widget: Widget) -> bool:
    return all(part.display for part in widget.ancestors_with_self if isinstance(part, Widget))


def _entry(entry: SystemMessage) -> str:
    urgent = "‼ " if entry.priority is Priority.HIGH else ""
    return f"{'  ' if entry.read else '● '}{urgent}{entry.at.astimezone():%H:%M} {brief(entry.text, 120)}"
