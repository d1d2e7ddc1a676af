"""A front end that remembers what it was told."""

from __future__ import annotations

from sms_transfer.core.desktop import InteractionPreview, InteractionWindow
from sms_transfer.core.notices import Notice, SystemMessage

Call = tuple[str, object]
"""The name of the method, and its argument; a tuple of them where there are two."""


class RecordingUI:
    """A `UserInterface` that keeps its calls in order, and what they leave on the screen.

    Attributes:
        calls: every call, as ``(method_name, argument)``.
        windows: what the open windows show, by interaction id.
        previews: the previews on the screen, by invitation id.
        errors: what stands at the top of windows, by interaction id.
        errors_told: every error that the top of a window was told, in order.
        messages: the entries of My Messages, by id, oldest first.

    Examples:
        >>> from sms_transfer import Agent, TransferService, Workspace
        >>> from sms_transfer.testing import RecordingUI
        >>> service, screen = TransferService(), RecordingUI()
        >>> service.add_agent(Agent("alice", "Alice"))
        >>> connection = service.connect(Workspace("alice", screen))
        >>> screen.calls
        []
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.windows: dict[str, InteractionWindow] = {}
        self.previews: dict[str, InteractionPreview] = {}
        self.errors: dict[str, Notice] = {}
        self.errors_told: list[Notice] = []
        self.messages: dict[str, SystemMessage] = {}

    def called(self, name: str) -> list[object]:
        """The arguments of every call of this method, in order."""
        return [argument for called, argument in self.calls if called == name]

    def open_window(self, window: InteractionWindow) -> None:
        """Remember it."""
        self.calls.append(("open_window", window))
        self.windows[window.interaction.id] = window

    def update_window(self, window: InteractionWindow) -> None:
        """Remember it; an error goes with the window that had it."""
        self.calls.append(("update_window", window))
        self.windows[window.interaction.id] = window
        if window.error is None:
            self.errors.pop(window.interaction.id, None)

    def close_window(self, interaction_id: str) -> None:
        """Remember it."""
        self.calls.append(("close_window", interaction_id))
        del self.windows[interaction_id]
        self.errors.pop(interaction_id, None)

    def show_preview(self, preview: InteractionPreview) -> None:
        """Remember it."""
        self.calls.append(("show_preview", preview))
        self.previews[preview.invitation_id] = preview

    def dismiss_preview(self, invitation_id: str) -> None:
        """Remember it."""
        self.calls.append(("dismiss_preview", invitation_id))
        del self.previews[invitation_id]

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """Remember it."""
        self.calls.append(("show_error", (interaction_id, notice)))
        self.errors[interaction_id] = notice
        self.errors_told.append(notice)

    def show_message(self, message: SystemMessage) -> None:
        """Remember it."""
        self.calls.append(("show_message", message))
        self.messages[message.id] = message

    def remove_message(self, message_id: str) -> None:
        """Remember it."""
        self.calls.append(("remove_message", message_id))
        del self.messages[message_id]
