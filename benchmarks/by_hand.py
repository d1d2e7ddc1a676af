"""What a program must do at the least that keeps the same as the library: dicts and `json`, checked next to nothing.

There are no values, no ports and nobody to tell. Which database keeps it is said elsewhere.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.centre import CASE_DATA

ID: Final = "interaction"
PAIR: Final = ("alice", "bob")
TIMEOUT: Final = timedelta(seconds=30)

Row = dict[str, Any]


class ByHand(ABC):
    """Two agents who hand one conversation to and fro."""

    def __init__(self) -> None:
        self._pair = PAIR

    @abstractmethod
    def begin(self) -> None:
        """Keep the agents and the conversation."""

    @abstractmethod
    def find_for_request(self, sender: str, invitee: str, now: datetime) -> tuple[Row, Row, int]:
        """In one reading: the conversation, the invitee, and how many places the invitee has taken."""

    @abstractmethod
    def find_for_accept(self, ticket: str, by: str, now: datetime) -> tuple[Row, Row]:
        """In one reading: the request, and the conversation."""

    @abstractmethod
    def commit(
        self,
        interaction: Row,
        request: Row | None,
        events: Sequence[Row],
        concerned: Sequence[str],
        claim: tuple[str, datetime] | None,
    ) -> None:
        """Keep all of it, in one transaction.

        Args:
            claim: who is invited, and when.
        """

    @abstractmethod
    def find(self) -> Row:
        """The conversation."""

    def transfer(self) -> None:
        """Hand it to the other one."""
        sender, invitee = self._pair
        self._accept(self._request(sender, invitee), invitee)
        self._pair = (invitee, sender)

    def check(self) -> None:
        """Make sure that it is where it was handed."""
        if self.find()["owner"] != self._pair[0]:
            raise RuntimeError("somebody else owns it")

    def open(self) -> None:
        """Begin the conversation."""
        interaction = {
            "id": ID, "media": "sms", "contact": {"address": "+14155550100", "name": "Jane Roe"}, "owner": PAIR[0],
            "state": "active", "epoch": 0, "version": 1, "case_data": CASE_DATA, "note": "", "hops": 0,
            "transfer": None, "error": None,
        }  # fmt: skip
        opened = {"kind": "opened", "interaction_id": ID, "at": datetime.now(UTC).isoformat(), "owner": PAIR[0]}
        self.commit(interaction, None, (opened,), (PAIR[0],), None)

    def _request(self, sender: str, invitee: str) -> str:
        now = datetime.now(UTC)
        deadline = now + TIMEOUT
        interaction, agent, taken = self.find_for_request(sender, invitee, now)
        if interaction["owner"] != sender or interaction["transfer"] or taken >= agent["capacity"]:
            raise RuntimeError("cannot be handed over")
        ticket = _new_id("i")
        request: Row = {
            "id": _new_id("t"), "interaction_id": ID, "sender": sender, "target": {"kind": "agent", "id": invitee},
            "state": "invited", "requested_at": now.isoformat(), "deadline": deadline.isoformat(), "note": "",
            "invitation": {
                "id": ticket, "invitee": invitee, "offered_at": now.isoformat(), "deadline": deadline.isoformat(),
            },
            "outcome": None, "sender_name": sender.title(), "target_name": invitee.title(),
        }  # fmt: skip
        interaction |= {"version": interaction["version"] + 1, "state": "transferring", "transfer": request}
        common = {"interaction_id": ID, "at": now.isoformat(), "by": sender, "transfer_id": request["id"]}
        events = (
            common | {"kind": "requested", "target": request["target"], "hop": interaction["hops"] + 1},
            common | {"kind": "invited", "invitation": request["invitation"]},
        )
        self.commit(interaction, request, events, PAIR, (invitee, now))
        return ticket

    def _accept(self, ticket: str, by: str) -> None:
        now = datetime.now(UTC)
        request, interaction = self.find_for_accept(ticket, by, now)
        if request["state"] != "invited" or now.isoformat() >= request["deadline"]:
            raise RuntimeError("cannot be accepted")
        former = interaction["owner"]
        outcome = {"state": "accepted", "by": by, "at": now.isoformat(), "reason": "", "owner": by}
        request |= {"state": "accepted", "outcome": outcome}
        interaction |= {
            "version": interaction["version"] + 1, "state": "active", "transfer": None, "owner": by,
            "epoch": interaction["epoch"] + 1, "hops": interaction["hops"] + 1,
        }  # fmt: skip
        common = {"interaction_id": ID, "at": now.isoformat(), "by": by, "transfer_id": request["id"]}
        events = (
            common | {"kind": "accepted", "outcome": outcome, "invitation_id": ticket},
            common | {"kind": "moved", "former_owner": former, "owner": by, "epoch": interaction["epoch"]},
        )
        self.commit(interaction, request, events, PAIR, None)


def agent(agent_id: str) -> str:
    """What is kept of an agent."""
    return json.dumps(
        {"id": agent_id, "name": agent_id.title(), "status": "ready", "capacity": 5, "media": ["mms", "sms"]}
    )


def _new_id(kind: str) -> str:
    return f"{kind}-{os.urandom(16).hex()}"
