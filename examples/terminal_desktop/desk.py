"""What is on the desktop: everything that the library tells a front end to show."""

from __future__ import annotations

from collections.abc import Callable

from sms_transfer import Agent, InteractionPreview, InteractionWindow, Notice, SystemMessage


class Desk:
    """A `sms_transfer.ports.UserInterface` that remembers what it is told, and asks to be drawn again.

    The calls come between any two awaits, whatever the agent is doing, and tell differences only. So nothing is drawn
    here: `changed` has the screen drawn from this state as soon as the program comes to it.

    Args:
        changed: is called after every change.
        alert: is called with the contact's name and what has gone wrong with a transfer.
    """

    def __init__(self, changed: Callable[[], object], alert: Callable[[str], object]) -> None:
        self.agent: Agent | None = None
        self.windows: dict[str, InteractionWindow] = {}
        self.previews: dict[str, InteractionPreview] = {}
        self.messages: dict[str, SystemMessage] = {}
        self._changed = changed
        self._alert = alert

    def show_agent(self, agent: Agent) -> None:
        """How the agent stands on the SMS channel."""
        self.agent = agent
        self._changed()

    def update_window(self, window: InteractionWindow) -> None:
        """Something in the window is different: a text, a pending transfer, the error."""
        self.windows[window.interaction.id] = window
        self._changed()

    open_window = update_window  # the agent owns this conversation now

    def close_window(self, interaction_id: str) -> None:
        """Somebody else owns it, or it is done."""
        contact = self.windows.pop(interaction_id).interaction.contact
        self._alert(f"The conversation with {contact.label} is closed here: it has another owner, or is done.")
        self._changed()

    def show_preview(self, preview: InteractionPreview) -> None:
        """Somebody offers a conversation."""
        self.previews[preview.invitation_id] = preview
        self._changed()

    def dismiss_preview(self, invitation_id: str) -> None:
        """The offer is closed: answered, too late, or taken back (D3)."""
        del self.previews[invitation_id]
        self._changed()

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """A transfer was not accepted. The window has this as its ``error``; say it wherever the agent looks (T6)."""
        self._alert(f"{self.windows[interaction_id].interaction.contact.label}: {notice.text}")

    def show_message(self, message: SystemMessage) -> None:
        """An entry of My Messages is new, or its read mark is."""
        self.messages[message.id] = message
        self._changed()

    def remove_message(self, message_id: str) -> None:
        """It was deleted."""
        del self.messages[message_id]
        self._changed()
