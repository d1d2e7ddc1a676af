"""What is read is of the type that was asked for; and the formal machines know their states."""

from typing import assert_type

from sms_transfer import (
    AGENT,
    INTERACTION,
    TRANSFER,
    ChannelStatus,
    Event,
    Interaction,
    InteractionState,
    Lifecycle,
    OwnershipMoved,
    TransferState,
)
from sms_transfer.adapters.codec import from_json, to_json


def read(text: str) -> None:
    """A value, an event, any event, anything."""
    assert_type(from_json(text, Interaction), Interaction)
    assert_type(from_json(text, OwnershipMoved), OwnershipMoved)
    assert_type(from_json(text, Event), Event)
    assert_type(from_json(text, object), object)
    assert_type(to_json(from_json(text, Event)), str)


def step() -> None:
    """Each machine gives states of its own."""
    assert_type(TRANSFER, Lifecycle[TransferState])
    assert_type(INTERACTION, Lifecycle[InteractionState])
    assert_type(AGENT, Lifecycle[ChannelStatus])
    assert_type(TRANSFER.step(TransferState.INVITED, "accept"), TransferState)
    assert_type(INTERACTION.final, frozenset[InteractionState])
    assert_type(AGENT.allowed("ready"), frozenset[str])
    assert_type(TRANSFER.mermaid(), str)
