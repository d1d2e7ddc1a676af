"""What one browser window shows: a `sms_transfer.ports.UserInterface` that ends in JSON.

A window is sent state, never instructions: "this conversation looks so now", "that preview is not there". So whatever
piles up while a browser is slow is replaced, not queued, and a window that comes back is simply sent everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from sms_transfer import (
    Action,
    Agent,
    InteractionPreview,
    InteractionWindow,
    Message,
    Notice,
    SystemMessage,
    explain_reasons,
)

from .centre import name_of

Change = tuple[str, str, object]
"""What kind of thing, its id, and how it looks now; None where it is gone."""

_HIDDEN: Final = frozenset({"transfer", "invitation", "past_invitations"})
"""An invitation's id is its invitee's ticket and nobody else's, and the preview has it."""
_AGENTS: Final = frozenset({"owner", "by"})
"""The parameters of a notice that are agents' ids."""


class Screen:
    """What one browser window shows, and what of it the window has not been sent yet."""

    def __init__(self) -> None:
        self._news: dict[tuple[str, str], object] = {}
        self._is_news = asyncio.Event()
        self._sent: dict[str, int] = {}  # how many texts of each conversation

    async def changes(self) -> list[Change]:
        """What has changed since the last time; waits until something has."""
        await self._is_news.wait()
        self._is_news.clear()
        news, self._news = self._news, {}
        return [(kind, id_, self._seen(thing)) for (kind, id_), thing in news.items()]

    def _put(self, kind: str, id_: str, thing: object) -> None:
        self._news.pop((kind, id_), None)  # what came last is shown last
        self._news[kind, id_] = thing
        self._is_news.set()

    def _seen(self, thing: object) -> object:
        if not isinstance(thing, InteractionWindow):
            return see(thing)
        id_, texts = thing.interaction.id, thing.transcript
        sent, self._sent[id_] = self._sent.get(id_, 0), len(texts)
        return _fields(attrs.evolve(thing, transcript=texts[sent:]), InteractionWindow)

    def show_agent(self, agent: Agent) -> None:
        """The agent's own status."""
        self._put("agent", agent.id, agent)

    def open_window(self, window: InteractionWindow) -> None:
        """A conversation that the agent owns."""
        self._put("window", window.interaction.id, window)

    update_window = open_window

    def close_window(self, interaction_id: str) -> None:
        """The agent does not own it any more."""
        self._sent.pop(interaction_id, None)
        self._put("window", interaction_id, None)

    def show_preview(self, preview: InteractionPreview) -> None:
        """An invitation."""
        self._put("preview", preview.invitation_id, preview)

    def dismiss_preview(self, invitation_id: str) -> None:
        """It is closed."""
        self._put("preview", invitation_id, None)

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """Nothing more to do: the window that was just shown carries its error."""

    def show_message(self, message: SystemMessage) -> None:
        """An entry of My Messages."""
        self._put("message", message.id, message)

    def remove_message(self, message_id: str) -> None:
        """It was deleted."""
        self._put("message", message_id, None)


def see(thing: object) -> object:
    """A value of the library as JSON has it, with the words that a person reads."""
    seen = thing
    match thing:
        case datetime():
            seen = thing.isoformat(timespec="milliseconds")
        case Notice():
            # In a refusal agents have their ids, for a front end to put in what they are called.
            named = {key: name_of(value) if key in _AGENTS else value for key, value in thing.params.items()}
            seen = {"code": thing.code, "params": named, "text": Notice(thing.code, named).text}
        case Message():
            seen = {**_fields(thing, Message), "from": name_of(thing.sender)}
        case Action():
            seen = {"code": thing.code, "label": thing.label, "reasons": see(explain_reasons(thing.reasons))}
        case InteractionPreview():
            seen = {**_fields(thing, InteractionPreview), "text": thing.text}
        case Mapping():
            seen = {key: see(value) for key, value in thing.items()}
        case frozenset():
            seen = sorted(thing)
        case tuple():
            seen = [see(one) for one in thing]
        case _ if attrs.has(kind := type(thing)):
            seen = _fields(thing, kind)
    return seen


def _fields(thing: object, kind: type[attrs.AttrsInstance]) -> dict[str, object]:
    names = [field.name for field in attrs.fields(kind) if field.name not in _HIDDEN]
    return {name: see(getattr(thing, name)) for name in names}
