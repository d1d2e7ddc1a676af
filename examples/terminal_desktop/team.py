"""The team communicator: where the agent finds whom to transfer to (T2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, Final
from uuid import uuid4

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList

from sms_transfer import AsyncTeamCommunicator, Found, FoundTarget, InteractionWindow, Target, TargetKind, View
from terminal_desktop.widgets import Field, Lines, Words
from terminal_desktop.words import reasons_in_words, there

Attempt = Callable[[Callable[[], Awaitable[object]]], Awaitable[bool]]
KINDS: Final = (None, *TargetKind)
PAUSE: Final = 0.15  # seconds without a key, before what was typed is looked up
AGAIN: Final = 1.0  # seconds after which the list is brought up to date: presence is as of the search


class Team(Vertical):
    """Search as one types, kinds, favourites and recents, presence, and the action menu.

    Args:
        communicator: finds them.
        attempt: does something and tells the agent in words if it is refused.
        tell: tells the agent something.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus('found')", show=False),
        Binding("ctrl+t", "kinds", "Kinds", priority=True),
        Binding("ctrl+r", "view", "Favourites, recents", priority=True),
        Binding("ctrl+f", "favourite", "Favourite or not", priority=True),
    ]

    class Picked(Message):
        """SMS Transfer was picked from a target's action menu."""

        def __init__(self, window: InteractionWindow, target: Target, note: str, key: str) -> None:
            super().__init__()
            self.window, self.target, self.note, self.key = window, target, note, key

    def __init__(self, communicator: AsyncTeamCommunicator, attempt: Attempt, tell: Callable[[str], object]) -> None:
        super().__init__(id="team")
        self.text = Field(placeholder="Whom to? Type some letters; Down goes to the list", compact=True)
        self.note = Field(placeholder="Note for the new owner (optional)", compact=True)
        self.narrowed = Words()
        self.list = Lines(id="found", compact=True)
        self.display = False
        self.window: InteractionWindow | None = None
        self._communicator, self._attempt, self._tell = communicator, attempt, tell
        self._kind: TargetKind | None = None
        self._view = View.ALL
        self._found: dict[str, FoundTarget] = {}
        self._found_by: object = None  # what was looked for to find these
        self._keys = defaultdict[Target, str](lambda: uuid4().hex)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield from (self.text, self.note, self.narrowed, self.list)

    def on_mount(self) -> None:
        """Keep what is shown true, and look up what was typed as soon as the typing pauses."""
        self._soon = self.set_timer(PAUSE, self.look)
        self.set_interval(AGAIN, self.look)

    def open(self, window: InteractionWindow) -> None:
        """Find somebody for this conversation; each target is asked once, however often it is picked (F5)."""
        self.window, self.display = window, True
        self._keys.clear()
        self.text.value = self.note.value = ""
        self.screen.set_focus(self.text)
        self.look()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._soon.stop()
        self._soon = self.set_timer(PAUSE, self.look)

    def look(self) -> None:
        """Search again; a search that is under way is given up."""
        if self.display:
            self.run_worker(partial(self._attempt, self._search), group="search", exclusive=True)

    @property
    def _wanted(self) -> object:
        return self.window, self.text.value, self._kind, self._view

    async def _search(self) -> None:
        if self.window is None:
            return
        wanted, text = self._wanted, self.text.value
        found: Found = await self._communicator.search(
            text,
            interaction_id=self.window.interaction.id,
            kinds=None if self._kind is None else {self._kind},
            view=self._view,
        )
        self._found_by = wanted
        kind = "all kinds" if self._kind is None else self._kind.replace("_", " ")
        typed = f", “{text}”" if text else ""
        self.narrowed.say(f"{self._view.capitalize()}, {kind}{typed}: {found.total} found, {len(found.targets)} shown")
        self._found = {f"{one.target.kind}/{one.target.id}": one for one in found.targets}
        self.list.show({id_: there(one) for id_, one in self._found.items()})

    def action_kinds(self) -> None:
        """Look for the next kind of target only."""
        self._kind = KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)]
        self.look()

    def action_view(self) -> None:
        """Look among all, the favourites, the recents."""
        self._view = [*View][([*View].index(self._view) + 1) % len(View)]
        self.look()

    def action_favourite(self) -> None:
        """Mark the target as a favourite, or take the mark away."""
        found = self._found.get(self.list.marked)
        if found is not None:
            change = self._communicator.remove_favourite if found.favourite else self._communicator.add_favourite
            self.run_worker(partial(self._attempt, partial(change, found.target)))

    @on(Input.Submitted)
    def _to_the_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.set_focus(self.list)

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        found = self._found.get(event.option_id or "")
        if found is None or self.window is None:
            return
        if self._found_by != self._wanted:  # the list is not yet what was typed: its target may not be meant
            self._tell("The list has just changed. Pick again.")
            return
        for action in found.actions:
            if action.enabled:
                note, target = self.note.value, found.target
                self.post_message(self.Picked(self.window, target, note, self._keys[target]))
            else:
                self._tell(f"{action.label} is not possible: {reasons_in_words(action.reasons)}.")
