"""The commands of the core: what each is made of, and what must be known to decide it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import attrs
import pytest

from floor import Floor
from sms_transfer import (
    Contact,
    Direction,
    Handover,
    Interaction,
    InvalidValue,
    Media,
    Message,
    NoAnswer,
    Target,
    TransferPolicy,
)
from sms_transfer.core import commands
from sms_transfer.core.commands import AgentCommand, Command, Need

TEXT = Message("m", interaction_id="i", direction=Direction.INBOUND, text="Hello", at=datetime(2026, 1, 1, tzinfo=UTC))
OPENED = Interaction("i", media=Media.SMS, contact=Contact("12345"), owner="alice")
QUEUE = Target.queue("sales")
OWNED: Final[dict[str, Any]] = {"interaction_id": "i", "by": "alice", "epoch": 3}
ASKED: Final = {
    **OWNED,
    "target": Target.agent("bob"),
    "transfer_id": "t",
    "invitation_id": "v",
    "note": "please",
    "key": "k",
    "priority": 1,
    "no_answer": NoAnswer.LOG_OUT,
    "fallback": QUEUE,
    "on_fallback": False,
}

DEFAULTS: Final[dict[str, object]] = {
    "epoch": None,
    "note": "",
    "key": None,
    "priority": 0,
    "no_answer": None,
    "fallback": None,
    "on_fallback": False,
    "reason": "",
    "disconnected": False,
}
"""What may be left out, of any command."""

OF_AGENTS: Final[tuple[tuple[type[AgentCommand], dict[str, Any]], ...]] = (
    (commands.LogIn, {"agent_id": "bob"}),
    (commands.LogOut, {"agent_id": "bob", "disconnected": True}),
    (commands.SetReady, {"agent_id": "bob"}),
    (commands.SetNotReady, {"agent_id": "bob", "reason": "lunch"}),
    (commands.SetDoNotDisturb, {"agent_id": "bob", "on": True}),
)
OF_INTERACTIONS: Final[tuple[tuple[type[Command], dict[str, Any], Need], ...]] = (
    (
        commands.OpenInteraction,
        {"interaction": OPENED},
        Need(interaction_id="i", agents=("alice",), load_of="alice"),
    ),
    (commands.ReceiveMessage, {"message": TEXT}, Need(interaction_id="i", message_id="m")),
    (commands.Reply, {**OWNED, "message": TEXT}, Need(interaction_id="i", agents=("alice",))),
    (commands.UpdateCaseData, {**OWNED, "changes": {"tier": "gold"}}, Need(interaction_id="i", agents=("alice",))),
    (commands.SetNote, {**OWNED, "note": "please"}, Need(interaction_id="i", agents=("alice",))),
    (commands.SaveAttachment, {**OWNED, "attachment_id": "a"}, Need(interaction_id="i", agents=("alice",))),
    (commands.MarkDone, OWNED, Need(interaction_id="i", agents=("alice",))),
    (
        commands.RequestTransfer,
        ASKED,
        Need(interaction_id="i", agents=("alice", "bob"), load_of="bob", key=("alice", "k")),
    ),
    (
        commands.RequestTransfer,
        {**ASKED, "on_fallback": True, "key": None},
        Need(interaction_id="i", agents=("alice",)),
    ),
    (
        commands.RequestTransfer,
        {**ASKED, "on_fallback": True, "fallback": None, "key": None},
        Need(interaction_id="i", agents=("alice", "bob"), load_of="bob"),
    ),
    (
        commands.Invite,
        {"transfer_id": "t", "target": QUEUE, "agent_id": "bob", "invitation_id": "v"},
        Need(transfer_id="t", agents=("bob",), load_of="bob"),
    ),
    (commands.FailRouting, {"transfer_id": "t", "target": QUEUE}, Need(transfer_id="t")),
    (commands.Accept, {"invitation_id": "v", "by": "bob"}, Need(invitation_id="v", agents=("bob",), load_of="bob")),
    (commands.Reject, {"invitation_id": "v", "by": "bob", "reason": "busy"}, Need(invitation_id="v", agents=("bob",))),
    (commands.Cancel, {"transfer_id": "t", "by": "alice"}, Need(transfer_id="t", agents=("alice",))),
    (commands.Expire, {"transfer_id": "t"}, Need(transfer_id="t")),
    (commands.FailInvitation, {"invitation_id": "v", "disconnected": True}, Need(invitation_id="v")),
)
WHOLE: Final = [*OF_AGENTS, *((kind, parts) for kind, parts, _ in OF_INTERACTIONS)]


def test_every_command_is_here() -> None:
    """No command is forgotten below."""
    kinds = [
        kind
        for kind in vars(commands).values()
        if isinstance(kind, type) and issubclass(kind, (Command, AgentCommand)) and not kind.__subclasses__()
    ]
    assert {kind for kind, _ in WHOLE} == set(kinds)


@pytest.mark.parametrize(("kind", "parts", "need"), OF_INTERACTIONS)
def test_what_must_be_known(kind: type[Command], parts: dict[str, Any], need: Need) -> None:
    """To decide a command, and no more than that is read."""
    assert need == kind(**parts).need()


def test_an_owner_who_is_no_agent_is_not_looked_for() -> None:
    """A conversation that is opened as a queue's is refused by the core, for which nothing need be known."""
    floor = Floor(policy=TransferPolicy(handover=Handover.ON_PLACEMENT))
    floor.unready("bob", "carol")
    floor.ask()

    assert Need(interaction_id="i") == commands.OpenInteraction(floor.service.interaction("i")).need()


@pytest.mark.parametrize(("kind", "parts"), WHOLE)
def test_a6_no_command_shows_what_is_personal(kind: type[Any], parts: dict[str, Any]) -> None:
    """A6: neither texts and notes, nor reasons, case data and numbers."""
    shown = repr(kind(**parts))

    assert [] == [word for word in ("please", "busy", "gold", "Hello", "12345") if word in shown]


@pytest.mark.parametrize(("kind", "parts"), WHOLE)
def test_a8_each_part_is_checked(kind: type[Any], parts: dict[str, Any]) -> None:
    """A8: a part of a wrong form is refused by its name, and every part is kept as it is given."""
    command = kind(**parts)
    assert parts == {field.name: getattr(command, field.name) for field in attrs.fields(kind)}
    for name in parts:
        with pytest.raises(InvalidValue) as caught:
            kind(**{**parts, name: object()})
        assert name == caught.value.field


@pytest.mark.parametrize(("kind", "parts"), WHOLE)
def test_what_may_be_left_out(kind: type[Any], parts: dict[str, Any]) -> None:
    """It means the same in every command that has it."""
    left_out = {name: DEFAULTS[name] for name in parts if name in DEFAULTS and not _must_be_said(kind, name)}
    command = kind(**{name: value for name, value in parts.items() if name not in left_out})

    assert left_out == {name: getattr(command, name) for name in left_out}


def _must_be_said(kind: type[Any], name: str) -> bool:
    return kind is commands.SetNote and name == "note"
