"""Small parts that the screen is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.columns import Columns
from rich.text import Text
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from terminal_desktop.words import harmless


class Words(Static):
    """Some words, or nothing at all."""

    def say(self, words: str) -> None:
        """Show these."""
        self.display = bool(words)
        self.update(Text(words))


class Field(Input):
    """An input that holds only what can be seen, whatever is pasted into it; going there selects nothing away."""

    def on_mount(self) -> None:
        """A key that comes just after the focus must not take the place of all that was typed before."""
        self.select_on_focus = False

    def validate_value(self, value: str) -> str:
        """What is kept of a value."""
        return harmless(value)


class Lines(OptionList):
    """A list whose lines change under the agent's hands: the mark stays on the line it is on, or goes with it."""

    lines: Mapping[str, str] = {}

    def show(self, lines: Mapping[str, str]) -> None:
        """Show these lines, by id."""
        if self.lines == lines:
            return
        marked, self.lines = self.marked, lines
        self.set_options(Option(Text(line), id=id_) for id_, line in lines.items())
        if marked in lines:
            self.highlighted = self.get_option_index(marked)

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
