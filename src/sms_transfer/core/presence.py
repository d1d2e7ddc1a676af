"""Decisions about an agent's status on the SMS channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sms_transfer.core.commands import AgentCommand, LogIn, LogOut, SetDoNotDisturb, SetNotReady, SetReady
from sms_transfer.core.lifecycle import AGENT, ChannelStatus
from sms_transfer.core.model import Agent, NoAnswer
from sms_transfer.core.record import evolve

_TRIGGERS: Final[Mapping[type[AgentCommand], str]] = {
    LogIn: "log_in",
    LogOut: "log_out",
    SetReady: "set_ready",
    SetNotReady: "set_not_ready",
}


def after_no_answer(agent: Agent, no_answer: NoAnswer) -> Agent:
    """The agent as they are after an invitation that they did not answer (A3).

    Whoever has left by then, or is Not Ready for a reason of their own, stays as they are.
    """
    if no_answer is NoAnswer.LOG_OUT and agent.status is not ChannelStatus.LOGGED_OUT:
        return decide_presence(agent, LogOut(agent.id))
    if no_answer is NoAnswer.NOT_READY and agent.status is ChannelStatus.READY:
        return decide_presence(agent, SetNotReady(agent.id, reason="no_answer"))
    return agent


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
