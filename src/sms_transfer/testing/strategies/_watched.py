"""What an observer of a service is told."""

from __future__ import annotations

from typing import Final

import attrs
from hypothesis import strategies as st

from sms_transfer.core.commands import (
    Accept,
    AgentCommand,
    Cancel,
    Command,
    Expire,
    LogIn,
    LogOut,
    MarkDone,
    Reject,
    SetReady,
)
from sms_transfer.ports import Committed, Operation
from sms_transfer.testing.strategies._events import events
from sms_transfer.testing.strategies._requests import interactions
from sms_transfer.testing.strategies._values import ids
from sms_transfer.watching import operation_of

_SWEEPS: Final = ("expire_due", "route", "send")


def operations() -> st.SearchStrategy[Operation]:
    """Commands, with the ids that each names, and sweeps."""
    commands: st.SearchStrategy[Command | AgentCommand] = st.one_of(
        *(st.builds(kind, ids()) for kind in (LogIn, LogOut, SetReady, Expire)),
        *(st.builds(kind, ids(), by=ids()) for kind in (Accept, Reject, Cancel, MarkDone)),
    )
    sweeps = [Operation(name=name, sweep=True, ids={}) for name in _SWEEPS]
    return commands.map(operation_of) | st.sampled_from(sweeps)


@st.composite
def commits(draw: st.DrawFn) -> Committed:
    """What a command has had recorded of one conversation, with its live transfer if it has one."""
    interaction = draw(interactions())
    happened = draw(st.lists(events(), min_size=1, max_size=2))
    return Committed(
        interaction_id=interaction.id,
        state=interaction.state,
        epoch=interaction.epoch,
        events=tuple(attrs.evolve(event, interaction_id=interaction.id) for event in happened),
        requests=() if interaction.transfer is None else (interaction.transfer,),
        final=draw(st.booleans()),
    )
