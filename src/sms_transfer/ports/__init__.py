"""What an application plugs in.

Each port is cut at something the domain does, never at a technology. "Must" and "must not" are what the library relies
on. Those that do I/O come in two forms with the same methods: one that is called, and one that is awaited.
"""

from sms_transfer.ports.awaitable import (
    AsyncContactGateway,
    AsyncDirectory,
    AsyncMessaging,
    AsyncRingsOnCommit,
    AsyncTeams,
    AsyncTransferStore,
)
from sms_transfer.ports.blocking import (
    Candidate,
    Clock,
    ContactGateway,
    Directory,
    EventPage,
    Facts,
    IdFactory,
    JoinsTransaction,
    Messaging,
    RingsOnCommit,
    Roster,
    Router,
    Subscription,
    Teams,
    TransferStore,
)
from sms_transfer.ports.front_end import RemovesMessages, ShowsAgent, UserInterface
from sms_transfer.ports.observer import Committed, Observation, Observer, Operation

__all__ = [
    "AsyncContactGateway",
    "AsyncDirectory",
    "AsyncMessaging",
    "AsyncRingsOnCommit",
    "AsyncTeams",
    "AsyncTransferStore",
    "Candidate",
    "Clock",
    "Committed",
    "ContactGateway",
    "Directory",
    "EventPage",
    "Facts",
    "IdFactory",
    "JoinsTransaction",
    "Messaging",
    "Observation",
    "Observer",
    "Operation",
    "RemovesMessages",
    "RingsOnCommit",
    "Roster",
    "Router",
    "ShowsAgent",
    "Subscription",
    "Teams",
    "TransferStore",
    "UserInterface",
]
