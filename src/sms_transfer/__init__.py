"""Hand an SMS or MMS conversation from one person to another inside an organisation, safely."""

from typing import TYPE_CHECKING

from sms_transfer._version import (
    __version__,
)
from sms_transfer.aio import (
    AsyncTransferService,
)
from sms_transfer.calls import (
    BulkResult,
    Tick,
)
from sms_transfer.connection import (
    Connection,
)
from sms_transfer.core.check import (
    CaseData,
    CaseValue,
    FrozenDict,
)
from sms_transfer.core.desktop import (
    Answering,
    Desktop,
    InteractionPreview,
    InteractionWindow,
    PendingTransfer,
    Snapshot,
    Transcript,
    WorkspaceSettings,
)
from sms_transfer.core.events import (
    CaseDataUpdated,
    Event,
    InteractionDone,
    InteractionOpened,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    MessageReceived,
    MessageSent,
    NoteSet,
    OwnershipMoved,
    TransferAccepted,
    TransferCancelled,
    TransferClosed,
    TransferEvent,
    TransferExpired,
    TransferFailed,
    TransferRedirected,
    TransferRejected,
    TransferRequested,
)
from sms_transfer.core.lifecycle import (
    AGENT,
    INTERACTION,
    TRANSFER,
    ChannelStatus,
    InteractionState,
    Lifecycle,
    TransferState,
)
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Contact,
    Direction,
    Interaction,
    Invitation,
    Media,
    Message,
    NoAnswer,
    Outcome,
    PastInvitation,
    Privilege,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.notices import (
    WORDS,
    Notice,
    Priority,
    SystemMessage,
)
from sms_transfer.core.policy import (
    Handover,
    Reason,
    TransferPolicy,
)
from sms_transfer.errors import (
    AlreadyExists,
    Conflict,
    CorruptRecord,
    Denial,
    IllegalTransition,
    InvalidValue,
    InvitationClosed,
    NotFound,
    NotPermitted,
    Refused,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    StoreUnavailable,
    TargetNotEligible,
    TransferPending,
    UnusableStore,
)
from sms_transfer.ports import (
    EventPage,
)
from sms_transfer.routing import (
    LongestIdle,
)
from sms_transfer.service import (
    TransferService,
)
from sms_transfer.workspace import (
    Workspace,
)

if TYPE_CHECKING:
    from sms_transfer.core.explanation import Explanation
    from sms_transfer.core.refusals import explain_reasons, explain_refusal
    from sms_transfer.finder import Action, Found, FoundTarget, Presence, View
    from sms_transfer.team_communicator import AsyncTeamCommunicator, TeamCommunicator

_ON_DEMAND = {
    "Action": "sms_transfer.finder",
    "AsyncTeamCommunicator": "sms_transfer.team_communicator",
    "Explanation": "sms_transfer.core.explanation",
    "Found": "sms_transfer.finder",
    "FoundTarget": "sms_transfer.finder",
    "Presence": "sms_transfer.finder",
    "TeamCommunicator": "sms_transfer.team_communicator",
    "View": "sms_transfer.finder",
    "explain_reasons": "sms_transfer.core.refusals",
    "explain_refusal": "sms_transfer.core.refusals",
}
"""Imported when they are first asked for: a process without front ends never does."""


def __getattr__(name: str) -> object:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - likewise

    value: object = getattr(import_module(_ON_DEMAND[name]), name)
    globals()[name] = value
    return value


__all__ = [
    "AGENT",
    "INTERACTION",
    "TRANSFER",
    "WORDS",
    "Action",
    "Agent",
    "AlreadyExists",
    "Answering",
    "AsyncTeamCommunicator",
    "AsyncTransferService",
    "Attachment",
    "BulkResult",
    "CaseData",
    "CaseDataUpdated",
    "CaseValue",
    "ChannelStatus",
    "Conflict",
    "Connection",
    "Contact",
    "CorruptRecord",
    "Denial",
    "Desktop",
    "Direction",
    "Event",
    "EventPage",
    "Explanation",
    "Found",
    "FoundTarget",
    "FrozenDict",
    "Handover",
    "IllegalTransition",
    "Interaction",
    "InteractionDone",
    "InteractionOpened",
    "InteractionPreview",
    "InteractionState",
    "InteractionWindow",
    "InvalidValue",
    "Invitation",
    "InvitationClosed",
    "InvitationExpired",
    "InvitationRejected",
    "InvitationSent",
    "InvitationWithdrawn",
    "Lifecycle",
    "LongestIdle",
    "Media",
    "Message",
    "MessageReceived",
    "MessageSent",
    "NoAnswer",
    "NotFound",
    "NotPermitted",
    "NoteSet",
    "Notice",
    "Outcome",
    "OwnershipMoved",
    "PastInvitation",
    "PendingTransfer",
    "Presence",
    "Priority",
    "Privilege",
    "Queue",
    "Reason",
    "Refused",
    "SmsTransferError",
    "Snapshot",
    "StaleEpoch",
    "StoreError",
    "StoreUnavailable",
    "SystemMessage",
    "Target",
    "TargetKind",
    "TargetNotEligible",
    "TeamCommunicator",
    "Tick",
    "Transcript",
    "TransferAccepted",
    "TransferCancelled",
    "TransferClosed",
    "TransferEvent",
    "TransferExpired",
    "TransferFailed",
    "TransferPending",
    "TransferPolicy",
    "TransferRedirected",
    "TransferRejected",
    "TransferRequest",
    "TransferRequested",
    "TransferService",
    "TransferState",
    "UnusableStore",
    "View",
    "Workspace",
    "WorkspaceSettings",
    "__version__",
    "explain_reasons",
    "explain_refusal",
]
