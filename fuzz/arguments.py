"""An argument for each parameter of a public method of the service: mostly one that fits, sometimes anything at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from fuzz.choice import Choice
from fuzz.samples import CONTACT, QUEUE
from sms_transfer import (
    Agent,
    Attachment,
    ChannelStatus,
    Interaction,
    InteractionState,
    Media,
    NoAnswer,
    Privilege,
    Target,
    TransferRequest,
    TransferService,
    Workspace,
)
from sms_transfer.testing import RecordingUI

AGENTS: Final = ("alice", "bob", "carol")
INTERACTIONS: Final = ("i-0", "i-1", "i-2")
NOBODY: Final = "nobody"
_TARGETS: Final = (
    *map(Target.agent, AGENTS),
    QUEUE,
    Target.routing_point("door"),
    Target.agent_group("night"),
    Target.skill("plumbing"),
    Target.queue(NOBODY),
)
_ANYTHING: Final[tuple[object, ...]] = (
    None,
    "",
    "\ud800",
    "x" * 129,
    "x" * 70_000,
    0,
    -1,
    10**30,
    True,
    1.5,
    b"bytes",
    [],
    ["alice"],
    [None],
    {},
    {"k": None},
    {"k": [1]},
    object(),
    Target.agent("alice"),
    timedelta(0),
    Agent,
)
_NO_ANSWERS: Final[tuple[NoAnswer | None, ...]] = (None, *NoAnswer)
_ODD: Final = 16


class Arguments:
    """Makes arguments for the methods of one service, of what it has recorded so far."""

    def __init__(self, service: TransferService, choice: Choice) -> None:
        self._service = service
        self._choice = choice
        self.requests = ["no-transfer"]
        self.tickets = ["no-ticket"]

    def remember(self, request: TransferRequest | None) -> None:
        """Keep the ids of a request and of its invitation, to be used from now on."""
        if request is None:
            return
        if request.id not in self.requests:
            self.requests.append(request.id)
        if request.invitation is not None and request.invitation.id not in self.tickets:
            self.tickets.append(request.invitation.id)

    def of(self, method: str) -> dict[str, object]:
        """Arguments for this method, by name; those with a default are left out as often as not."""
        return {
            name: self._one(method, name)
            for name, parameter in inspect.signature(getattr(self._service, method)).parameters.items()
            if parameter.default is parameter.empty or self._choice.number(2)
        }

    def _one(self, method: str, name: str) -> object:
        if self._choice.number(_ODD) == _ODD - 1:
            return self._choice.pick(_ANYTHING)
        if name == "id":
            name = f"{method}_id"
        return MAKERS[name](self)

    # what fits

    def agent_id(self) -> str:
        return self._choice.pick((*AGENTS, NOBODY))

    def interaction_id(self) -> str:
        return self._choice.pick((*INTERACTIONS, "no-interaction"))

    def ticket(self) -> str:
        return self.tickets[-1 - self._choice.number(min(4, len(self.tickets)))]

    def request_id(self) -> str:
        return self.requests[-1 - self._choice.number(min(4, len(self.requests)))]

    def target(self) -> Target:
        return self._choice.pick(_TARGETS)

    def maybe_target(self) -> Target | None:
        return self._choice.pick((None, *_TARGETS))

    def text(self) -> str:
        return self._choice.text()

    def short(self) -> str:
        return self._choice.pick(("k", "l"))

    def number(self) -> int:
        return self._choice.number(4)

    def flag(self) -> bool:
        return self._choice.number(2) == 1

    def agent(self) -> Agent:
        return Agent(
            self._choice.pick((*AGENTS, "dan")),
            self._choice.text() or "Name",
            status=self._choice.pick(tuple(ChannelStatus)),
            privileges=[one for one in Privilege if self._choice.number(8)],
            media=[one for one in Media if self._choice.number(8)],
            capacity=self._choice.number(4),
            skills={"plumbing"} if self.flag() else (),
            groups={"night"} if self.flag() else (),
        )

    def interaction(self) -> Interaction:
        return Interaction(
            self.interaction_id(),
            media=self._choice.pick(tuple(Media)),
            contact=CONTACT,
            owner=self.agent_id(),
            state=self._choice.pick((InteractionState.ACTIVE, InteractionState.DONE)),
            epoch=self.number(),
        )

    def attachments(self) -> list[Attachment]:
        return [Attachment(f"a-{n}", content_type="image/png", url=self.text()) for n in range(self.number())]

    def changes(self) -> dict[str, object]:
        return {self.short(): self._choice.pick((None, 1, "text", True))}

    def members(self) -> list[str]:
        return [agent_id for agent_id in AGENTS if self.flag()]

    def interaction_ids(self) -> list[str]:
        return [self.interaction_id() for _ in range(self.number())]

    def message(self) -> str:
        return self._choice.pick((*self.requests[-4:], "m-0", "m-1"))

    def no_answer(self) -> NoAnswer | None:
        return self._choice.pick(_NO_ANSWERS)

    def cursor(self) -> str | None:
        return self._choice.pick((None, "0", "1", "7", "x"))

    def workspace(self) -> Workspace:
        return Workspace(self.agent_id(), RecordingUI())

    def nothing(self) -> None:
        return None


MAKERS: Final[Mapping[str, Callable[[Arguments], object]]] = MappingProxyType(
    {
        "after": Arguments.cursor,
        "agent": Arguments.agent,
        "agent_id": Arguments.agent_id,
        "attachment_id": Arguments.short,
        "attachments": Arguments.attachments,
        "by": Arguments.agent_id,
        "changes": Arguments.changes,
        "disconnected": Arguments.flag,
        "dispatch": Arguments.nothing,
        "epoch": Arguments.number,
        "fallback": Arguments.maybe_target,
        "interaction": Arguments.interaction,
        "interaction_id": Arguments.interaction_id,
        "interaction_ids": Arguments.interaction_ids,
        "invitation_id": Arguments.ticket,
        "key": Arguments.short,
        "limit": Arguments.number,
        "members": Arguments.members,
        "message_id": Arguments.message,
        "name": Arguments.text,
        "no_answer": Arguments.no_answer,
        "note": Arguments.text,
        "on": Arguments.flag,
        "priority": Arguments.number,
        "read": Arguments.flag,
        "reason": Arguments.text,
        "target": Arguments.target,
        "text": Arguments.text,
        "transfer_id": Arguments.request_id,
        "workspace": Arguments.workspace,
    }
)
"""By the name of the parameter; those that are called ``id`` are named after their method."""
