"""One event of each kind."""

from __future__ import annotations

from typing import Final

from sms_transfer.core import events
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import Media, Outcome, Target
from sms_transfer.testing.conformance._samples import ALIKE, NOW, TIMEOUT, request

_I: Final[events.About] = {**events.about(request(), NOW, "alice")}
_TICKET: Final = {"invitation_id": "v-t", "invitee": "bob"}


def _outcome(state: TransferState) -> Outcome:
    return Outcome(state, by=None, at=NOW, reason="“why” 🎉", owner=Target.queue("q"))


EVENTS: Final[tuple[events.Event, ...]] = (
    events.CaseDataUpdated(interaction_id="i", at=NOW, by="alice", keys=frozenset(ALIKE)),
    events.InteractionDone(interaction_id="i", at=NOW, by="alice"),
    events.InteractionOpened(interaction_id="i", at=NOW, by=None, owner="alice", media=Media.MMS, epoch=3),
    events.InvitationExpired(**_I, **_TICKET),
    events.InvitationRejected(**_I, **_TICKET),
    events.InvitationSent(**_I, **_TICKET, deadline=NOW + TIMEOUT),
    events.InvitationWithdrawn(**_I, **_TICKET),
    events.MessageReceived(interaction_id="i", at=NOW, by=None, message_id="m", epoch=1),
    events.MessageSent(interaction_id="i", at=NOW, by="alice", message_id="m", epoch=1),
    events.NoteSet(interaction_id="i", at=NOW, by="alice"),
    events.OwnershipMoved(
        interaction_id="i", at=NOW, by="bob", transfer_id="t", former_owner=Target.queue("q"), owner="bob", epoch=4
    ),
    events.TransferAccepted(**_I, outcome=_outcome(TransferState.ACCEPTED), invitation_id="v-t"),
    events.TransferCancelled(**_I, outcome=_outcome(TransferState.CANCELLED)),
    events.TransferExpired(**_I, outcome=_outcome(TransferState.EXPIRED)),
    events.TransferFailed(**_I, outcome=_outcome(TransferState.FAILED)),
    events.TransferRejected(**_I, outcome=_outcome(TransferState.REJECTED)),
    events.TransferRedirected(**_I, target=Target.agent_group("night")),
    events.TransferRequested(**_I, target=Target.skill("plumbing"), hop=1),
)
"""The kit's own test sees to it that no kind is missing."""
