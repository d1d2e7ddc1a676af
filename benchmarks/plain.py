"""The values of the bare floor: what the library keeps and shows, without a single check.

They have the fields that the library's have, because a floor that kept less would be the floor of something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs


@attrs.frozen
class Outcome:
    """How a request ended."""

    state: str
    by: str
    at: datetime
    owner: str
    reason: str = ""


@attrs.frozen
class Invitation:
    """An offer to one agent."""

    id: str
    invitee: str
    offered_at: datetime
    deadline: datetime


@attrs.frozen
class Request:
    """One attempt to hand a conversation over."""

    id: str
    interaction_id: str
    sender: str
    target: str
    state: str
    requested_at: datetime
    deadline: datetime
    note: str
    invitation: Invitation
    sender_name: str
    target_name: str
    outcome: Outcome | None = None


@attrs.frozen
class Interaction:
    """One conversation."""

    id: str
    media: str
    contact: str
    owner: str
    state: str
    case_data: Mapping[str, object]
    epoch: int = 0
    version: int = 1
    note: str = ""
    hops: int = 0
    transfer: Request | None = None
    error: str | None = None


@attrs.frozen
class Text:
    """One text of a conversation."""

    id: str
    interaction_id: str
    direction: str
    text: str
    at: datetime


@attrs.frozen
class Opened:
    """History: a conversation began."""

    interaction_id: str
    at: datetime
    by: str
    owner: str


@attrs.frozen
class Requested:
    """History: a transfer was asked for."""

    interaction_id: str
    at: datetime
    by: str
    transfer_id: str
    target: str
    hop: int


@attrs.frozen
class Invited:
    """History: an agent was invited."""

    interaction_id: str
    at: datetime
    by: str
    transfer_id: str
    invitation_id: str
    invitee: str
    deadline: datetime


@attrs.frozen
class Accepted:
    """History: the invitee took it."""

    interaction_id: str
    at: datetime
    by: str
    transfer_id: str
    outcome: Outcome
    invitation_id: str


@attrs.frozen
class Moved:
    """History: somebody else owns it."""

    interaction_id: str
    at: datetime
    by: str
    transfer_id: str
    former_owner: str
    owner: str
    epoch: int


Event = Requested | Invited | Accepted | Moved


@attrs.frozen
class Pending:
    """In the sender's window: a transfer is under way."""

    transfer_id: str
    target: str
    to: str
    deadline: datetime


@attrs.frozen
class Window:
    """A conversation on its owner's desktop."""

    interaction: Interaction
    transcript: tuple[str, ...]
    pending: Pending | None
    error: str | None
    can_transfer: bool
    can_save_attachments: bool


@attrs.frozen
class Preview:
    """An offer on the invitee's desktop."""

    invitation_id: str
    transfer_id: str
    interaction_id: str
    from_agent: str
    sender: str
    media: str
    contact: str
    note: str
    case_data: Mapping[str, object]
    waiting_since: datetime
    deadline: datetime
    can_reject: bool
    focus: bool
