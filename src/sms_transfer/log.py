"""What the library says in the log: a closed table of records, each with a stable name (A6).

Everything goes through the standard library's `logging`. A record has two attributes beside the usual ones: ``event``,
its name in `RECORDS`, and ``fields``, a dictionary of exactly the fields that the table names. The message is made of
the same fields, for people; programs should go by the two.

There are ids, states, codes and instants in it, and never a text, a note, case data, a number or the name of a person:
what the library does not know to be free of these it does not log. So of an error that a port of the host's raised
there is the type and the place where it was raised, but not the message.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import attrs

from sms_transfer.core import events as happened
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import Outcome, Target
from sms_transfer.core.record import Record
from sms_transfer.errors import Conflict, SmsTransferError, StoreError

LOGGER: Final = logging.getLogger("sms_transfer")
"""What failed where no caller waits for the answer."""
EVENTS: Final = logging.getLogger("sms_transfer.events")
"""What happened: each event of each commit, after it."""
COMMANDS: Final = logging.getLogger("sms_transfer.commands")
"""What did not happen: commands that were refused, or beaten by others."""
SWEEPS: Final = logging.getLogger("sms_transfer.sweeps")
"""What time alone brought."""

Value = str | int | float | None
Fields = Mapping[str, Value]


@attrs.frozen(eq=False, repr=False)
class RecordKind(Record):
    """A kind of record.

    Args:
        logger: the name of the logger.
        level: of the standard library's.
        fields: what there is in it; all of them, always.
        message: what a person reads, made of the fields.
        meaning: when there is one, and what it says.
    """

    logger: str
    level: int
    fields: tuple[str, ...]
    message: str
    meaning: str


def _failure(message: str, meaning: str, *fields: str) -> RecordKind:
    return RecordKind(
        LOGGER.name, logging.ERROR, (*fields, "error", "place"), f"{message}: %(error)s at %(place)s", meaning
    )


def _event(level: int, message: str, meaning: str, *fields: str) -> RecordKind:
    return RecordKind(EVENTS.name, level, ("interaction_id", "at", "by", *fields), message, meaning)


def _traffic(message: str, meaning: str, *fields: str) -> RecordKind:
    return _event(logging.DEBUG, f"{message} in interaction %(interaction_id)s", meaning, *fields)


def _closing(message: str, meaning: str, *fields: str) -> RecordKind:
    return _of_transfer(message, meaning, "reason", "owner_kind", "owner_id", *fields)


def _of_transfer(message: str, meaning: str, *fields: str) -> RecordKind:
    return _event(logging.INFO, f"transfer %(transfer_id)s: {message}", meaning, "transfer_id", *fields)


_OFFER: Final = ("invitation_id", "invitee")
_TARGET: Final = ("target_kind", "target_id")

RECORDS: Final[Mapping[str, RecordKind]] = MappingProxyType(
    {
        # What happened. Texts, notes and case data come so often that they are for debugging.
        "interaction.opened": _event(
            logging.INFO,
            "interaction %(interaction_id)s was opened",
            "A conversation began, with an owner.",
            *("owner_kind", "owner_id", "media", "epoch"),
        ),
        "interaction.done": _event(
            logging.INFO, "interaction %(interaction_id)s is done", "The owner marked the conversation done."
        ),
        "interaction.owner_moved": _event(
            logging.INFO,
            "interaction %(interaction_id)s is owned by %(owner_kind)s %(owner_id)s in epoch %(epoch)s",
            "Somebody else owns the conversation, from ``at`` on (F1).",
            *("transfer_id", "former_owner_kind", "former_owner_id", "owner_kind", "owner_id", "epoch"),
        ),
        "message.received": _traffic(
            "text %(message_id)s was received", "The contact sent a text (T12).", "message_id", "epoch"
        ),
        "message.sent": _traffic(
            "text %(message_id)s was sent",
            "The owner sent a text: it is recorded, and goes to the gateway next (F6).",
            *("message_id", "epoch"),
        ),
        "case_data.updated": _traffic("case data was updated", "The owner changed case data."),
        "note.set": _traffic("the note was set", "The owner replaced the note."),
        "transfer.requested": _of_transfer(
            "requested, to %(target_kind)s %(target_id)s", "The owner asked for a transfer (T4).", *_TARGET, "hop"
        ),
        "transfer.redirected": _of_transfer(
            "goes to %(target_kind)s %(target_id)s",
            "It goes to its fallback, or back to the queue that owns it (Q5).",
            *_TARGET,
        ),
        "transfer.accepted": _closing("accepted", "The invitee took it (T5).", "invitation_id"),
        "transfer.rejected": _closing(
            "rejected", "The target declined (T6). ``reason`` is empty: it is the agent's own words."
        ),
        "transfer.expired": _closing("expired", "Nobody answered, or nobody was found, in time (T7, Q1)."),
        "transfer.cancelled": _closing("cancelled", "The sender took it back, or the conversation is done (T8, T13)."),
        "transfer.failed": _closing("failed", "The invitee went away, or nobody is left to be asked (T9, Q1)."),
        "invitation.sent": _of_transfer(
            "%(invitee)s is invited until %(deadline)s", "An agent was invited (T4).", *_OFFER, "deadline"
        ),
        "invitation.rejected": _of_transfer("%(invitee)s rejected", "The invitee declined (T6).", *_OFFER),
        "invitation.expired": _of_transfer(
            "%(invitee)s did not answer", "The invitee did not answer by the deadline (T7).", *_OFFER
        ),
        "invitation.withdrawn": _of_transfer(
            "the invitation of %(invitee)s was withdrawn",
            "The offer was taken back: cancelled, the conversation done, or the invitee gone (T8, T9, T13).",
            *_OFFER,
        ),
        "agent.changed": RecordKind(
            EVENTS.name,
            logging.INFO,
            ("agent_id", "status", "do_not_disturb"),
            "agent %(agent_id)s is %(status)s",
            "The record of an agent was changed: by a command of theirs, by the host, or because they did not answer.",
        ),
        # What did not happen. Whoever asked has been told; so it is for debugging.
        "command.refused": RecordKind(
            COMMANDS.name,
            logging.DEBUG,
            ("command", "code", "interaction_id", "transfer_id", "invitation_id", "agent_id"),
            "%(command)s was refused: %(code)s",
            "A command was refused, and changed nothing (F7). ``code`` is that of the error.",
        ),
        "command.failed": RecordKind(
            COMMANDS.name,
            logging.DEBUG,
            ("command", "code", "interaction_id", "transfer_id", "invitation_id", "agent_id"),
            "%(command)s failed: %(code)s",
            "The store could not do its part. ``code`` is that of the `StoreError`, which the caller was given.",
        ),
        "command.conflict": RecordKind(
            COMMANDS.name,
            logging.DEBUG,
            ("kind", "id"),
            "%(kind)s %(id)s was changed by somebody else: deciding again",
            "Somebody else was faster; the command is decided again, on what is recorded now.",
        ),
        "sweep.done": RecordKind(
            SWEEPS.name,
            logging.DEBUG,
            ("sweep", "done", "seconds"),
            "%(sweep)s: %(done)s done in %(seconds).6f s",
            "A part of `TransferService.tick` has ended (``expire_due``, ``route`` or ``send``): how many transfers it"
            " ended, agents it invited or texts the gateway took.",
        ),
        # What failed where no caller waits for the answer.
        "tick.failed": _failure("could not tick", "A round of `TransferService.ticking` failed; the next one comes."),
        "expiry.failed": _failure(
            "could not expire transfer %(transfer_id)s",
            "What is due could not be recorded; the next sweep tries again.",
            "transfer_id",
        ),
        "routing.failed": _failure(
            "could not route transfer %(transfer_id)s",
            "No agent could be looked for; the next sweep tries again.",
            "transfer_id",
        ),
        "routing.interrupted": _failure(
            "could not route what waits for %(agents)s agents",
            "What waits could not be looked at after a change; the next sweep does it.",
            "agents",
        ),
        "router.failed": _failure(
            "the router could not pick an agent for interaction %(interaction_id)s",
            "The host's router raised; the first candidate is invited.",
            "interaction_id",
        ),
        "router.nonsense": _failure(
            "the router picked nobody who can be invited for interaction %(interaction_id)s",
            "The host's router answered something else than a candidate's id; the first candidate is invited.",
            "interaction_id",
        ),
        "router.reach_failed": _failure(
            "could not ask how many candidates are wanted by the router",
            "The host's router raised when it was asked for its reach; it is shown a few candidates.",
        ),
        "agent.status_failed": _failure(
            "could not change the status of agent %(agent_id)s",
            "What should become of whoever did not answer could not be recorded (A3); the expiry was.",
            "agent_id",
        ),
        "transfer.unread": _failure(
            "could not look again at transfer %(transfer_id)s",
            "A request was recorded and is returned as it was made, for it could not be read again.",
            "transfer_id",
        ),
        "invitation.unchecked": _failure(
            "could not look after invitation %(invitation_id)s",
            "Whether the invitee is still there could not be found out; the deadline ends it otherwise.",
            "invitation_id",
        ),
        "invitation.stayed": _failure(
            "could not withdraw invitation %(invitation_id)s",
            "The invitee has left, and that could not be recorded of the invitation; the deadline ends it.",
            "invitation_id",
        ),
        "message.unsent": _failure(
            "could not send a text of interaction %(interaction_id)s",
            "The gateway, or the store, did not take a text; the next sweep tries again (F6).",
            "interaction_id",
        ),
        "ring.failed": _failure(
            "could not ring %(agents)s agents", "The doorbell raised; the desktops look by themselves later.", "agents"
        ),
        "ring.unheard": _failure(
            "could not wake a listener of agent %(agent_id)s", "Whoever listens to the doorbell raised.", "agent_id"
        ),
        "doorbell.unwoken": _failure(
            "could not wake the desktops of agent %(agent_id)s",
            "A ring came from PostgreSQL, and whoever listens raised.",
            "agent_id",
        ),
        "doorbell.failed": _failure(
            "could not listen to PostgreSQL", "The connection that hears rings is gone; it is made again."
        ),
        "desktop.unwoken": _failure(
            "could not wake the workspace of agent %(agent_id)s",
            "The host's dispatch raised, or its event loop is closed.",
            "agent_id",
        ),
        "desktop.failed": _failure(
            "could not show the workspace of agent %(agent_id)s",
            "The front end, or the store, raised; the next change shows everything.",
            "agent_id",
        ),
        "desktop.unanswered": _failure(
            "could not answer for agent %(agent_id)s",
            "The accept of a workspace that answers by itself failed; the next change tries again (D2).",
            "agent_id",
        ),
        "command.unheard": _failure(
            "could not carry what was cancelled to its end",
            "A command whose caller was cancelled failed, and nobody is there to be told.",
        ),
        "observer.failed": _failure(
            "the observer failed at %(operation)s", "The host's observer raised; the operation goes on.", "operation"
        ),
        "waiting.uncounted": _failure(
            "could not count what waits", "How many requests wait could not be asked for the observer."
        ),
    }
)
"""Every kind of record there is, by name."""

EVENT_NAMES: Final[Mapping[type[happened.Event], str]] = MappingProxyType(
    {
        happened.CaseDataUpdated: "case_data.updated",
        happened.InteractionDone: "interaction.done",
        happened.InteractionOpened: "interaction.opened",
        happened.InvitationExpired: "invitation.expired",
        happened.InvitationRejected: "invitation.rejected",
        happened.InvitationSent: "invitation.sent",
        happened.InvitationWithdrawn: "invitation.withdrawn",
        happened.MessageReceived: "message.received",
        happened.MessageSent: "message.sent",
        happened.NoteSet: "note.set",
        happened.OwnershipMoved: "interaction.owner_moved",
        happened.TransferAccepted: "transfer.accepted",
        happened.TransferCancelled: "transfer.cancelled",
        happened.TransferExpired: "transfer.expired",
        happened.TransferFailed: "transfer.failed",
        happened.TransferRedirected: "transfer.redirected",
        happened.TransferRejected: "transfer.rejected",
        happened.TransferRequested: "transfer.requested",
    }
)
"""What the events of the history are called in the log and in traces."""


def log_events(events: Iterable[happened.Event]) -> None:
    """Log what happened."""
    for event in events:
        name = EVENT_NAMES[type(event)]
        if EVENTS.isEnabledFor(RECORDS[name].level):
            _log(name, _fields(event))


def log_agent(agent_id: str, status: str, *, do_not_disturb: bool) -> None:
    """Log that an agent's record was changed."""
    _log("agent.changed", {"agent_id": agent_id, "status": status, "do_not_disturb": do_not_disturb})


def log_refusal(command: str, ids: Mapping[str, str], error: SmsTransferError) -> None:
    """Log that a command had no effect, and why."""
    name = "command.failed" if isinstance(error, StoreError) else "command.refused"
    known = {field: ids.get(field) for field in RECORDS[name].fields}
    _log(name, {**known, "command": command, "code": error.code})


def log_conflict(conflict: Conflict) -> None:
    """Log that somebody else was faster."""
    _log("command.conflict", {"kind": conflict.kind, "id": conflict.id})


def log_sweep(sweep: str, done: int, seconds: float) -> None:
    """Log what a sweep did."""
    _log("sweep.done", {"sweep": sweep, "done": done, "seconds": seconds})


def log_failure(name: str, error: BaseException, **fields: Value) -> None:
    """Log that code of the host application, or the store, failed where no caller waits for the answer.

    The message of the error is left out: it is not ours, and may hold a text or a phone number (A6). Its type and the
    place where it was raised are enough to find it.

    Args:
        name: a key of `RECORDS`.
        fields: those of its kind, but for the error and the place.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    _log(name, {**fields, "error": type(error).__name__, "place": place})


def _log(name: str, fields: Fields) -> None:
    kind = RECORDS[name]
    logging.getLogger(kind.logger).log(kind.level, kind.message, fields, extra={"event": name, "fields": fields})


def _fields(event: happened.Event) -> Fields:
    """The ids, states and instants of an event."""
    fields = dict[str, Value]()
    for attribute in attrs.fields(type(event)):
        fields.update(_plain(attribute.name, getattr(event, attribute.name)))
    return fields


def _plain(name: str, value: object) -> Fields:
    if isinstance(value, str) and name.endswith("owner"):
        value = Target.agent(value)
    plain: Fields = {}  # the keys of case data are not logged (A6)
    match value:
        case Outcome():
            own_words = value.state is TransferState.REJECTED  # A6
            plain = {"reason": "" if own_words else value.reason, **_plain("owner", value.owner)}
        case Target():
            plain = {f"{name}_kind": value.kind.value, f"{name}_id": value.id}
        case datetime():
            plain = {name: value.isoformat()}
        case str():
            plain = {name: str(value)}
        case int() | None:
            plain = {name: value}
        case _:
            pass
    return plain
