"""The team communicator: where the agent finds whom to transfer to (T2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import cycle
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList

from sms_transfer import AsyncTeamCommunicator, FoundTarget, Target, TargetKind, View, explain_reasons
from terminal_desktop.widgets import Field, Lines, Words
from terminal_desktop.words import harmless, in_words, status_of

Attempt = Callable[[Callable[[], Awaitable[object]]], Awaitable[bool]]
PAUSE: Final = 0.15  # seconds without a key, before what was typed is looked up
AGAIN: Final = 1.0  # seconds until it is looked up again: presence is as of the search


class Team(Vertical):
    """Search as one types, kinds, favourites and recents, presence, and the action menu."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "to_the_list", show=False),
        Binding("ctrl+t", "kinds", "Kinds", priority=True),
        Binding("ctrl+r", "view", "Favourites, recents", priority=True),
        Binding("ctrl+f", "favourite", "Favourite or not", priority=True),
    ]

    def __init__(
        self,
        communicator: AsyncTeamCommunicator,
        interaction_id: str,
        pick: Callable[[Target, str], object],
        attempt: Attempt,
    ) -> None:
        super().__init__()
        self.text = Field(placeholder="Whom to? Type some letters; Down goes to the list", compact=True, id="text")
        self._note = Field(placeholder="Note for the new owner (optional)", compact=True)
        self._narrowed, self._list = Words(), Lines(compact=True)
        self._communicator, self._interaction_id = communicator, interaction_id
        self._pick, self._attempt = pick, attempt
        self._kinds, self._views = cycle([None, *TargetKind]), cycle(View)
        self._kind, self._view = next(self._kinds), next(self._views)
        self._found: dict[str, FoundTarget] = {}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield from (self.text, self._note, self._narrowed, self._list)

    @on(Input.Changed, "#text")
    def look(self) -> None:
        """Look for what is wanted now; until that is found nobody can be picked, for another may be meant."""
        self._found = {}
        self.run_worker(self._keep_looking(), exclusive=True)

    def on_mount(self) -> None:
        """Begin with everybody."""
        self.look()

    async def _keep_looking(self) -> None:
        await asyncio.sleep(PAUSE)
        while True:
            await self._attempt(self._search)
            await asyncio.sleep(AGAIN)

    async def _search(self) -> None:
        text, kinds = self.text.value, None if self._kind is None else {self._kind}
        found = await self._communicator.search(text, interaction_id=self._interaction_id, kinds=kinds, view=self._view)
        kind = "all kinds" if self._kind is None else self._kind.replace("_", " ")
        typed = f", “{text}”" if text else ""
        self._narrowed.say(f"{self._view.capitalize()}, {kind}{typed}: {found.total} found, {len(found.targets)} shown")
        self._found = {f"{one.target.kind}/{one.target.id}": one for one in found.targets}
        self._list.show({id_: there(one) for id_, one in self._found.items()})

    def action_kinds(self) -> None:
        """Look for the next kind of target only."""
        self._kind = next(self._kinds)
        self.look()

    def action_view(self) -> None:
        """Look among all, the favourites, the recents."""
        self._view = next(self._views)
        self.look()

    def action_favourite(self) -> None:
        """Mark the target as a favourite, or take the mark away."""
        found = self._found.get(self._list.marked)
        if found is not None:
            change = self._communicator.remove_favourite if found.favourite else self._communicator.add_favourite
            self.run_worker(self._attempt(partial(change, found.target)), group="favourites")

    @on(Input.Submitted)
    def action_to_the_list(self) -> None:
        """Go where a target is picked."""
        self.screen.set_focus(self._list)

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        found = self._found.get(event.option_id or "")
        if found is not None:  # a target that cannot receive is refused, with every reason
            self._pick(found.target, self._note.value)


def there(found: FoundTarget) -> str:
    """Who is there, and whether SMS Transfer can be picked: with every reason why not (T3)."""
    presence, kind = found.presence, found.target.kind.replace("_", " ")
    who = f"{presence.ready} ready, {presence.waiting} waiting"
    if presence.status is not None:
        who = f"{status_of(presence)}, places free: {presence.free}"
    star = ("★ " if found.favourite else "") + ("↺ " if found.recent else "")
    lines = [f"{star}{harmless(found.name)} ({kind}): {who}"]
    for action in found.actions:
        why = "" if action.enabled else f" not possible: {in_words(explain_reasons(action.reasons))}"
        lines.append(f"   {action.label}{why}")
    return "\n".join(lines)
