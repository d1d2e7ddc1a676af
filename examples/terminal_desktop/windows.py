"""What the agent works on: conversations, and offers of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Static

from sms_transfer import CaseData, Direction, InteractionPreview, InteractionWindow
from terminal_desktop.team import Team
from terminal_desktop.widgets import Field, Words
from terminal_desktop.words import harmless, left


class Conversation(Vertical):
    """One window: the error at its top, the transcript, and a reply of its own, so that none goes astray."""

    def __init__(self, window: InteractionWindow) -> None:
        super().__init__()
        self.window = window
        self.team: Team | None = None  # while a target is looked for
        self.seen = 0  # how many texts were on the screen
        self.error, self.contact, self.pending = (Words(classes=name) for name in ("error", "contact", "pending"))
        self.transcript, self.about = Static(), Words()
        self.scroll = VerticalScroll(self.transcript, classes="transcript")
        self.reply = Field(placeholder="Reply; Enter sends it", classes="reply")
        self.talk = Vertical(self.scroll, VerticalScroll(self.about, classes="about"), self.reply)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield from (self.error, self.contact, self.pending, self.talk)

    def on_mount(self) -> None:
        """Keep the newest text in sight, until the agent scrolls up."""
        self.show(self.window)
        self.scroll.anchor()

    def show(self, window: InteractionWindow) -> None:
        """Show it as it is now; what is being typed stays."""
        self.window, one = window, window.interaction
        self.error.say(harmless(f"NOT TRANSFERRED. {window.error.text}") if window.error else "")  # T6
        self.contact.say(f"{one.media.upper()} with {harmless(one.contact.label)}, {one.contact.address}")
        self.transcript.update(transcript(window))
        note = [f"Note: {harmless(one.note)}"] if one.note else []
        self.about.say("\n".join([*note, *in_lines(one.case_data)]))

    def count_down(self, now: datetime) -> None:
        """Show how long the target still has to answer."""
        pending, words = self.window.pending, ""
        if pending is not None:
            time = left(pending.deadline, now)
            words = f"Offered to {harmless(pending.to)}: {time}. Ctrl+L cancels, texting goes on."
        self.pending.say(words)


def transcript(window: InteractionWindow) -> Table:
    """Every text in a cell of its own, so that none can pass itself off as somebody else's."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column(overflow="fold")
    for message in window.transcript:
        inbound = message.direction is Direction.INBOUND
        who = f"< {window.interaction.contact.label}" if inbound else f"> {message.sender}"
        style = "bold cyan" if inbound else "bold green"
        by = Text(f"{message.at.astimezone():%H:%M} {harmless(who)}", style)
        table.add_row(by, Text(harmless(message.text)))
        for file in message.attachments:
            about = f"{file.name or file.id} ({file.content_type}, {file.size:,} bytes)"
            table.add_row("", Text(harmless(f"file: {about}"), "magenta"))
    return table


def in_lines(case_data: CaseData) -> list[str]:
    """A line for each key."""
    return [harmless(f"{key}: {value}") for key, value in case_data.items()]


class Offer(Vertical, can_focus=True):
    """An interaction preview: who offers what, the countdown, Accept and Reject (T5)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("f7", "app.answer(True)", "Accept"),
        ("f8", "app.answer(False)", "Reject"),
    ]

    def __init__(self, preview: InteractionPreview) -> None:
        super().__init__()
        self.preview = preview
        self.countdown = Words(classes="countdown")
        self.reject = Button("Reject (F8)", action="app.answer(False)", compact=True, variant="error")
        self.reason = Field(placeholder="Reason for rejecting (optional)", compact=True)
        self.words = Words()

    def compose(self) -> ComposeResult:
        """Lay it out: the answers stay in sight however long the words are."""
        accept = Button("Accept (F7)", action="app.answer(True)", compact=True, variant="success")
        yield Horizontal(self.countdown, accept, self.reject, self.reason)
        yield VerticalScroll(self.words, can_focus=True)

    def show(self, preview: InteractionPreview) -> None:
        """Show it as it is now."""
        self.preview = preview
        self.reject.display = self.reason.display = preview.can_reject  # E4
        asked = harmless(f"{preview.contact.address}, offered to {preview.to}")
        self.words.say("\n".join([harmless(preview.text), asked, *in_lines(preview.case_data)]))

    def count_down(self, now: datetime) -> None:
        """Show how long it can be answered. Time passes without a sound (D1)."""
        waited = max(0, int((now - self.preview.waiting_since).total_seconds()))
        self.countdown.say(f"OFFER: {left(self.preview.deadline, now)}, waiting {waited} s")


class Question(Field):
    """Something that the agent is asked; Enter does it, Escape does not."""

    def __init__(self, question: str, then: Callable[[str], Awaitable[object]], answer: str) -> None:
        super().__init__(answer, id="question")
        self.border_title, self.then = question, then
