"""The port of what an agent sees."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sms_transfer.core.desktop import InteractionPreview, InteractionWindow
from sms_transfer.core.model import Agent
from sms_transfer.core.notices import Notice, SystemMessage


class UserInterface(Protocol):
    """A front end: what one agent's desktop can be told to show.

    Called from `Workspace.show` only, and for differences only. A call that raises is made again at the next change.
    Without a ``dispatch`` a call is made in the thread of whoever caused the change, so it must return in bounded time.
    """

    def open_window(self, window: InteractionWindow) -> None:
        """Open a window for a conversation that the agent owns now."""
        ...

    def update_window(self, window: InteractionWindow) -> None:
        """Show this in the window in place of what it showed: its ``error``, too, or that there is none any more."""
        ...

    def close_window(self, interaction_id: str) -> None:
        """Close the window: somebody else owns the conversation, or it is done."""
        ...

    def show_preview(self, preview: InteractionPreview) -> None:
        """Show an invitation; called again with the same id when something about it has changed."""
        ...

    def dismiss_preview(self, invitation_id: str) -> None:
        """Take the preview away: the invitation is closed and cannot be answered any more (D3)."""
        ...

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """Show this at the top of the window (T6). It goes when the window is updated to one without an error.

        It is called once for each new error, after the window was opened or updated with this in its ``error``: a front
        end that draws the error from there has nothing left to draw here.
        """
        ...

    def show_message(self, message: SystemMessage) -> None:
        """List an entry in My Messages (T6, D4); called again with the same id when its read mark has changed.

        An unread entry may be shown as a passing notification too. When the agent has it shown, mark it read; when it
        is dismissed or goes by itself, leave it unread.
        """
        ...


@runtime_checkable
class RemovesMessages(Protocol):
    """What a `UserInterface` may also have, to be told that an entry of My Messages was deleted elsewhere (D4)."""

    def remove_message(self, message_id: str) -> None:
        """Take the entry off the list."""
        ...


@runtime_checkable
class ShowsAgent(Protocol):
    """What a `UserInterface` may also have, to be told how the agent stands on the SMS channel (E2)."""

    def show_agent(self, agent: Agent) -> None:
        """Show this status, name and do-not-disturb, wherever they were changed; called first with the present ones."""
        ...
