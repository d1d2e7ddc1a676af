"""The bare floor: one transfer's state changes on plain values and dicts; no checks, no ports, nobody else about."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import attrs

from benchmarks.centre import CASE_DATA, TEXTS
from benchmarks.plain import (
    Accepted,
    Event,
    Interaction,
    Invitation,
    Invited,
    Moved,
    Outcome,
    Pending,
    Preview,
    Request,
    Requested,
    Window,
)

TIMEOUT: Final = timedelta(seconds=30)
ID: Final = "interaction"


class Rules(Protocol):
    """Whoever says which states come next: nobody, or a state-machine library."""

    def begin(self) -> tuple[str, str]:
        """The states of a new request and of its interaction."""
        ...

    def accept(self) -> tuple[str, str]:
        """The states of both once the request is accepted."""
        ...


class NoRules:
    """Says the states as they are known to be."""

    def begin(self) -> tuple[str, str]:
        """A request was made."""
        return "invited", "transferring"

    def accept(self) -> tuple[str, str]:
        """It was accepted."""
        return "accepted", "active"


class Floor:
    """Two agents who hand one conversation to and fro.

    Args:
        rules: where the states come from.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pair = ("alice", "bob")
        self._names = {"alice": "Alice", "bob": "Bob"}
        self._transcripts = {ID: TEXTS}
        self._requests: dict[str, Request] = {}
        self._tickets: dict[str, str] = {}
        self._deadlines: dict[str, datetime] = {}
        self._history: dict[str, list[Event]] = {ID: []}
        self._feed: list[Event] = []
        opened = Interaction(ID, "sms", "+14155550100", "alice", "active", CASE_DATA)
        self._interactions = {ID: opened}
        self._windows: dict[str, dict[str, Window]] = {
            "alice": {ID: Window(opened, TEXTS, None, None, can_transfer=True, can_save_attachments=True)},
            "bob": {},
        }
        self._previews: dict[str, dict[str, Preview]] = {"alice": {}, "bob": {}}

    def transfer(self) -> None:
        """Hand it to the other one."""
        sender, invitee = self._pair
        self._accept(self._request(sender, invitee), invitee)
        self._pair = (invitee, sender)

    def check(self) -> None:
        """Make sure that the owner's desktop shows it, and the other's shows nothing."""
        owner, other = self._pair
        if list(self._windows[owner]) != [ID] or self._windows[other] or any(self._previews.values()):
            raise RuntimeError("the desktops do not show who owns what")

    def _request(self, sender: str, invitee: str) -> str:
        before = self._interactions[ID]
        now = datetime.now(UTC)
        deadline = now + TIMEOUT
        state, interaction_state = self._rules.begin()
        invitation = Invitation(_new_id("i"), invitee, now, deadline)
        request = Request(
            _new_id("t"), ID, sender, invitee, state, now, deadline, "", invitation, self._names[sender],
            self._names[invitee],
        )  # fmt: skip
        after = attrs.evolve(before, version=before.version + 1, state=interaction_state, transfer=request, error=None)
        self._interactions[ID] = after
        self._requests[request.id] = request
        self._tickets[invitation.id] = request.id
        self._deadlines[request.id] = deadline
        self._note(
            Requested(ID, now, sender, request.id, invitee, before.hops + 1),
            Invited(ID, now, sender, request.id, invitation.id, invitee, deadline),
        )
        self._show_request(after, request, invitation)
        return invitation.id

    def _accept(self, ticket: str, by: str) -> None:
        request = self._requests[self._tickets[ticket]]
        before = self._interactions[ID]
        now = datetime.now(UTC)
        state, interaction_state = self._rules.accept()
        outcome = Outcome(state, by, now, by)
        self._requests[request.id] = attrs.evolve(request, state=state, outcome=outcome)
        after = attrs.evolve(
            before, version=before.version + 1, state=interaction_state, owner=by, epoch=before.epoch + 1,
            hops=before.hops + 1, transfer=None, error=None,
        )  # fmt: skip
        self._interactions[ID] = after
        del self._deadlines[request.id]
        self._note(
            Accepted(ID, now, by, request.id, outcome, ticket),
            Moved(ID, now, by, request.id, before.owner, by, after.epoch),
        )
        self._show_acceptance(before.owner, after, ticket)

    def _note(self, *events: Event) -> None:
        self._history[ID].extend(events)
        self._feed.extend(events)

    def _show_request(self, now: Interaction, request: Request, invitation: Invitation) -> None:
        pending = Pending(request.id, request.target, request.target_name, request.deadline)
        self._windows[request.sender][ID] = Window(
            now, self._transcripts[ID], pending, now.error, can_transfer=True, can_save_attachments=True
        )
        self._previews[invitation.invitee][invitation.id] = Preview(
            invitation.id, request.id, ID, request.sender_name, request.sender, now.media, now.contact, request.note,
            now.case_data, invitation.offered_at, invitation.deadline, can_reject=True, focus=False,
        )  # fmt: skip

    def _show_acceptance(self, former: str, now: Interaction, ticket: str) -> None:
        del self._windows[former][ID]
        del self._previews[now.owner][ticket]
        self._windows[now.owner][ID] = Window(
            now, self._transcripts[ID], None, now.error, can_transfer=True, can_save_attachments=True
        )


def _new_id(kind: str) -> str:
    return f"{kind}-{os.urandom(16).hex()}"
