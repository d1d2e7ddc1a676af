"""The same lifecycle as a program keeps it with `eventsourcing`, written as that package's documentation shows.

An aggregate for a conversation, an application on top, the package's own recorders below. As many events as the
library's, of the same meaning. Ids are UUIDs and times are added by the package, as it likes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from sms_transfer import CaseValue

TIMEOUT: Final = timedelta(seconds=30)


class Conversation(Aggregate):
    """One conversation, with its live transfer."""

    @event("Opened")
    def __init__(self, *, media: str, contact: str, name: str, owner: str, case_data: dict[str, CaseValue]) -> None:
        self.media = media
        self.contact = contact
        self.name = name
        self.owner = owner
        self.case_data = case_data
        self.state = "active"
        self.epoch = 0
        self.hops = 0
        self.transfer_id: UUID | None = None
        self.invitation_id: UUID | None = None
        self.invitee = ""
        self.deadline: datetime | None = None

    def request_transfer(self, invitee: str, by: str) -> UUID:
        """Offer it to somebody; the ticket."""
        if self.owner != by or self.state != "active":
            raise ValueError("cannot be handed over")
        transfer_id, invitation_id = uuid4(), uuid4()
        now = self.Event.create_timestamp()
        self._transfer_requested(transfer_id, by, invitee, self.hops + 1)
        self._invitation_sent(
            transfer_id=transfer_id,
            invitation_id=invitation_id,
            by=by,
            invitee=invitee,
            offered_at=now,
            deadline=now + TIMEOUT,
        )
        return invitation_id

    @event("TransferRequested")
    def _transfer_requested(self, transfer_id: UUID, by: str, target: str, hop: int) -> None:  # noqa: ARG002 - kept in the event
        self.state = "transferring"
        self.transfer_id = transfer_id

    @event("InvitationSent")
    def _invitation_sent(
        self,
        *,
        transfer_id: UUID,  # noqa: ARG002 - kept in the event
        invitation_id: UUID,
        by: str,  # noqa: ARG002 - kept in the event
        invitee: str,
        offered_at: datetime,  # noqa: ARG002 - kept in the event
        deadline: datetime,
    ) -> None:
        self.invitation_id = invitation_id
        self.invitee = invitee
        self.deadline = deadline

    def accept(self, invitation_id: UUID, by: str) -> None:
        """Take it over."""
        late = self.deadline is None or self.Event.create_timestamp() >= self.deadline
        if self.invitation_id != invitation_id or self.invitee != by or self.transfer_id is None or late:
            raise ValueError("cannot be accepted")
        self._transfer_accepted(self.transfer_id, invitation_id, by)
        self._ownership_moved(self.transfer_id, by, self.owner, by, self.epoch + 1)

    @event("TransferAccepted")
    def _transfer_accepted(self, transfer_id: UUID, invitation_id: UUID, by: str) -> None:  # noqa: ARG002 - kept in the event
        self.state = "active"
        self.transfer_id = self.invitation_id = self.deadline = None

    @event("OwnershipMoved")
    def _ownership_moved(self, transfer_id: UUID, by: str, former_owner: str, owner: str, epoch: int) -> None:  # noqa: ARG002 - kept in the event
        self.owner = owner
        self.epoch = epoch
        self.hops += 1


class Conversations(Application[UUID]):
    """What a front end would call."""

    def open(self, media: str, contact: str, name: str, owner: str, case_data: Mapping[str, CaseValue]) -> UUID:
        """Begin a conversation."""
        conversation = Conversation(media=media, contact=contact, name=name, owner=owner, case_data=dict(case_data))
        self.save(conversation)
        return conversation.id

    def request_transfer(self, conversation_id: UUID, invitee: str, *, by: str) -> UUID:
        """Offer it to somebody; the ticket."""
        conversation: Conversation = self.repository.get(conversation_id)
        ticket = conversation.request_transfer(invitee, by)
        self.save(conversation)
        return ticket

    def accept(self, conversation_id: UUID, ticket: UUID, *, by: str) -> None:
        """Take it over."""
        conversation: Conversation = self.repository.get(conversation_id)
        conversation.accept(ticket, by)
        self.save(conversation)

    def owner(self, conversation_id: UUID) -> str:
        """Whose it is."""
        conversation: Conversation = self.repository.get(conversation_id)
        return conversation.owner
