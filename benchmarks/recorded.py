"""The library's side where a transfer is recorded: two agents who hand conversations to and fro over any store."""

from __future__ import annotations

from typing import Protocol

from benchmarks.centre import CASE_DATA, PLENTY
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferPolicy, TransferService
from sms_transfer.ports import TransferStore


class Contender(Protocol):
    """Whoever can hand a conversation over, and record that."""

    def transfer(self) -> None:
        """Hand it over once."""
        ...

    def check(self) -> None:
        """Make sure that the work was done."""
        ...


def service_on(store: TransferStore) -> TransferService:
    """A service that lets conversations be handed on without end."""
    return TransferService(store, policy=TransferPolicy(max_hops=PLENTY))


def hire(service: TransferService, *agent_ids: str, capacity: int = 5) -> None:
    """Agents who are Ready."""
    for agent_id in agent_ids:
        service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY, capacity=capacity))


def open_for(service: TransferService, interaction_id: str, owner: str) -> None:
    """Begin a conversation."""
    contact = Contact("+14155550100", name="Jane Roe")
    service.open_interaction(
        Interaction(interaction_id, media=Media.SMS, contact=contact, owner=owner, case_data=CASE_DATA)
    )


def hand_over(service: TransferService, interaction_id: str, sender: str, invitee: str) -> None:
    """Request and accept."""
    request = service.request_transfer(interaction_id, Target.agent(invitee), by=sender)
    if request.invitation is not None:
        service.accept(request.invitation.id, by=invitee)


class Recorded:
    """Two agents and one conversation of theirs.

    Args:
        service: where both agents and the conversation are known.
        interaction_id: the conversation.
        pair: the agents, its owner first.
    """

    def __init__(self, service: TransferService, interaction_id: str, pair: tuple[str, str]) -> None:
        self._service = service
        self._id = interaction_id
        self._pair = pair

    @classmethod
    def anew(cls, store: TransferStore, interaction_id: str, pair: tuple[str, str]) -> Recorded:
        """Begin in an empty store."""
        service = service_on(store)
        hire(service, *pair)
        open_for(service, interaction_id, pair[0])
        return cls(service, interaction_id, pair)

    def transfer(self) -> None:
        """Hand it to the other one."""
        sender, invitee = self._pair
        hand_over(self._service, self._id, sender, invitee)
        self._pair = (invitee, sender)

    def check(self) -> None:
        """Make sure that it is where it was handed."""
        if self._service.interaction(self._id).owner != self._pair[0]:
            raise RuntimeError("somebody else owns it")
