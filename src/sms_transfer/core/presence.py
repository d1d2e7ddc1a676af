"""Decisions about an agent's status on the SMS channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sms_transfer.core.commands import AgentCommand, LogIn, LogOut, SetDoNotDisturb, SetNotReady, SetReady
from sms_transfer.core.lifecycle import AGENT
from sms_transfer.core.model import Agent
from sms_transfer.core.record import evolve

_TRIGGERS: Final[Mapping[type[AgentCommand], str]] = {
    LogIn: "log_in",
    LogOut: "log_out",
    SetReady: "set_ready",
    SetNotReady: "set_not_ready",
}


def decide_presence(agent: Agent, command: AgentCommand) -> Agent:
    """The agent as they are after this command; equal to ``agent`` where it changes nothing.

    Raises:
        IllegalTransition: the status does not allow it (E2).
    """
    if isinstance(command, SetDoNotDisturb):
        return evolve(agent, do_not_disturb=command.on)
    status = AGENT.step(agent.status, _TRIGGERS[type(command)])
    if isinstance(command, SetNotReady):
        return evolve(agent, status=status, reason=command.reason)
    # A reason stands as long as the status it is for.
    return evolve(agent, status=status, reason=agent.reason if status is agent.status else "")
