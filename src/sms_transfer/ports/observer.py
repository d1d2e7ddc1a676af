"""The port of whoever watches a service run: traces, metrics, a log of the host's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import TargetKind, TransferRequest
from sms_transfer.core.record import Record
from sms_transfer.errors import Conflict


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Operation(Record):
    """Something that is done, from its beginning to its end.

    Args:
        name: of a command, what it is called in `sms_transfer.core.commands`, in small letters (``accept``,
            ``request_transfer``, ``log_in``; ``invite`` and others that the service gives itself, too); of a sweep,
            ``expire_due``, ``route`` or ``send``.
        sweep: whether it is a sweep: a part of `TransferService.tick`.
        ids: what a command is about: ``interaction_id``, ``transfer_id``, ``invitation_id``, ``agent_id`` and
            ``message_id``, as far as it names them. Nothing else of it is here: no text, note or number (A6).
    """

    name: str
    sweep: bool = False
    ids: Mapping[str, str]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Committed(Record):
    """What a command has had recorded.

    Args:
        state: of the interaction, after it.
        epoch: of the interaction, after it.
        events: what happened, in order.
        requests: the transfer requests that were made or closed, as they are now. They hold notes and reasons, which
            must not be passed on where nobody expects them (A6).
        final: False in a transaction of the host application's: then the host can still take it all back.
    """

    interaction_id: str
    state: InteractionState
    epoch: int
    events: tuple[Event, ...]
    requests: tuple[TransferRequest, ...]
    final: bool


class Observation(Protocol):
    """That an operation is being watched. Every call comes from the thread, or the task, that carries it out."""

    def beaten(self, conflict: Conflict) -> None:
        """Somebody else was faster: the command is decided again, on what is recorded now."""
        ...

    def recorded(self, committed: Committed) -> None:
        """A command was recorded; once for each commit, and not at all where nothing changed."""
        ...

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        """A sweep has done its work.

        Args:
            done: how many transfers it ended, agents it invited, or texts the gateway took.
            waiting: how many requests wait for an agent (are ROUTING) in the whole store after it, by the kind of
                target they wait for; of every sweep but ``route`` it is empty, and where the store did not tell.
        """
        ...

    def end(self, error: BaseException | None) -> None:
        """It is over.

        Args:
            error: what it raises; a `Refused` changed nothing. Its message must not be passed on where it is none of
                this library's (A6).
        """
        ...


class Observer(Protocol):
    """Whoever watches a service run.

    It must return at once, and must not call the service. Whatever it raises is logged, and harms nothing.
    """

    def begin(self, operation: Operation) -> Observation:
        """A command or a sweep begins. What begins before this one has ended, in the same context, is part of it."""
        ...
