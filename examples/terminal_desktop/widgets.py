"""The parts of the screen that do more than show a text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from rich.columns import Columns
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from sms_transfer import Direction, InteractionPreview, InteractionWindow
from terminal_desktop.words import harmless, left


class Words(Static):
    """Some words, or nothing at all; the screen is laid out anew only where they are others than before."""

    words: str | None = None

    def say(self, words: str) -> None:
        """Show these."""
        if self.words != words:
            self.words, self.display = words, bool(words)
            self.update(Text(words))


class Field(Input):
    """An input that holds only what can be seen, whatever is pasted into it; going there selects nothing away."""

    def on_mount(self) -> None:
        """A key that comes just after the focus must not take the place of all that was typed before."""
        self.select_on_focus = False

    def validate_value(self, value: str) -> str:
        """What is kept of a value."""
        return harmless(value)

    def fill(self, value: str) -> None:
        """Have this in it, and go on after it."""
        self.value = value
        self.cursor_position = len(self.value)


class Reply(Field):
    """Where replies are written. A text goes out with the window that it was written in, whatever is shown by then."""

    window: InteractionWindow | None = None

    class Written(Message):
        """A reply is ready to be sent."""

        def __init__(self, window: InteractionWindow, text: str) -> None:
            super().__init__()
            self.window, self.text = window, text

    async def action_submit(self) -> None:
        """Hand it over."""
        if self.window is not None and self.value.strip():
            self.post_message(self.Written(self.window, self.value))
            self.value = ""


class Lines(OptionList):
    """A list whose lines change under the agent's hands: the mark stays on the line it is on, or goes with it."""

    lines: Mapping[str, str] = {}

    def show(self, lines: Mapping[str, str]) -> None:
        """Show these lines, by id."""
        if self.lines == lines:
            return
        marked, first = self.marked, not self.lines
        self.lines = dict(lines)
        self.set_options(Option(Text(line), id=id_) for id_, line in lines.items())
        if marked in lines:
            self.highlighted = self.get_option_index(marked)
        elif first and lines:
            self.highlighted = 0

    def on_focus(self) -> None:
        """Have a line marked: Enter picks what can be seen to be picked."""
        if self.highlighted is None and self.lines:
            self.highlighted = 0

    @property
    def marked(self) -> str:
        """The id of the line that the mark is on, or nothing."""
        option = self.highlighted_option
        return "" if option is None else option.id or ""


class MyMessages(Lines):
    """What the agent was told about transfers, newest first (D4)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("u", "app.mark_read", "Read or unread"),
        ("delete", "app.delete_message", "Delete"),
    ]


class Offer(Vertical, can_focus=True):
    """An interaction preview: who offers what, the countdown, Accept and Reject (T5)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("f7", "app.answer(True)", "Accept"),
        ("f8", "app.answer(False)", "Reject"),
    ]

    def __init__(self, preview: InteractionPreview) -> None:
        super().__init__()
        self.preview = preview
        self.words = Words()
        self.countdown = Words(classes="countdown")
        self.reason = Field(placeholder="Reason for rejecting (optional)", compact=True)
        self.reject = Button("Reject (F8)", action="app.answer(False)", compact=True, variant="error")

    def compose(self) -> ComposeResult:
        """Lay it out: the answers stay in sight however long the words are."""
        with Horizontal():
            yield self.countdown
            yield Button("Accept (F7)", action="app.answer(True)", compact=True, variant="success")
            yield self.reject
            yield self.reason
        with VerticalScroll(can_focus=True):
            yield self.words

    def show(self, now: datetime) -> None:
        """Show it as it is now. Time passes without a sound (D1)."""
        preview, contact = self.preview, self.preview.contact
        case_data = [f"{harmless(key)}: {harmless(str(value))}" for key, value in preview.case_data.items()]
        asked = f"{contact.address}, offered to {harmless(preview.to)}"
        self.words.say("\n".join([harmless(preview.text), asked, *case_data]))
        waited = max(0, int((now - preview.waiting_since).total_seconds()))
        self.countdown.say(f"OFFER: {left(preview.deadline, now)}, waiting {waited} s")
        self.reason.display = self.reject.display = preview.can_reject  # E4


class Keys(Static):
    """The keys that do something now."""

    def on_mount(self) -> None:
        """Follow the focus, and whatever else they depend on."""
        self.screen.bindings_updated_signal.subscribe(self, self.show)

    def show(self, screen: Screen[object]) -> None:
        """Show them."""
        shown = [active.binding for active in screen.active_bindings.values() if active.binding.show]
        keys = [Text.assemble((self.app.get_key_display(one), "bold yellow"), " ", one.description) for one in shown]
        self.update(Columns(keys, padding=(0, 2)))


def transcript(window: InteractionWindow) -> Table:
    """Every text in a cell of its own, so that none can pass itself off as somebody else's."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=16, overflow="ellipsis")
    table.add_column(ratio=1, overflow="fold")
    for message in window.transcript:
        inbound = message.direction is Direction.INBOUND
        who = f"< {window.interaction.contact.label}" if inbound else f"> {message.sender}"
        style = "bold cyan" if inbound else "bold green"
        time = Text(f"{message.at.astimezone():%H:%M}")
        table.add_row(time, Text(harmless(who), style=style), Text(harmless(message.text)))
        for file in message.attachments:
            about = f"{harmless(file.name or file.id)} ({harmless(file.content_type)}, {file.size:,} bytes)"
            table.add_row("", Text("file", style="bold magenta"), Text(about))
    return table
