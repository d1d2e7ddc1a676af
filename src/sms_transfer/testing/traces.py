"""Trace validation: whether what a store has recorded is explained by the core, to the last event.

A *trace* is all that a store holds of one interaction. From it this tells the commands that the core must have been
asked, and asks them again, from nothing, of the very `decide` that an application runs: its events must be the recorded
ones, in their order and grouping, its requests the recorded ones, and what it ends with the recorded interaction. So
whatever recorded a history (racing threads and processes, servers that were killed, your own store in production) has
kept to the model, or a `TraceMismatch` says where it has not.

What no record tells cannot be checked: presence, privileges and free places at the time of a command (whoever did
something is taken to have been allowed to, so far as that goes), the note and the case data before they were changed
last, idempotency keys, and entries of My Messages that are not there, for they may have been deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from sms_transfer.core.commands import Need
from sms_transfer.core.events import Event, TransferEvent
from sms_transfer.core.model import Interaction, TransferRequest
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.errors import Conflict, NotFound
from sms_transfer.ports import TransferStore
from sms_transfer.testing._asked import Trace
from sms_transfer.testing._runs import Commit, Search, TraceMismatch

__all__ = ["Audit", "Commit", "Trace", "TraceMismatch", "read_trace", "replay", "validate_store", "validate_trace"]

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_ATTEMPTS: Final = 8
_PAGE: Final = 1_000

Policies = TransferPolicy | Iterable[TransferPolicy]
"""What the centre allows; several, where its services differ in that, or have done so in the course of time."""


@attrs.frozen(kw_only=True)
class Audit:
    """What `validate_store` went through."""

    histories: int
    events: int
    commits: int


def replay(trace: Trace, policy: Policies | None = None) -> tuple[Commit, ...]:
    """Explain a trace: what the core was asked, commit by commit, to end with what is recorded.

    An expiry may have been recorded by itself, or with whatever found it (T10); a history does not say which. So it is
    told from the interaction's version how many were recorded with the next, and the first ones are taken to be these.

    Raises:
        TraceMismatch: it cannot be explained.
    """
    policy = TransferPolicy() if policy is None else policy
    policies = (policy,) if isinstance(policy, TransferPolicy) else tuple(policy)
    explained = Search(trace, policies).run(0)
    if (shared := explained.version - trace.interaction.version) > 0:
        explained = Search(trace, policies).run(shared)
    if explained.version != trace.interaction.version:
        what = f"its version is {trace.interaction.version}, and the core comes to {explained.version}"
        raise TraceMismatch(trace.interaction.id, what, position=len(trace.history), prefix=trace.history)
    return tuple(reversed([state.commit for state in explained.back() if state.commit is not None]))


def read_trace(store: TransferStore, interaction_id: str) -> Trace:
    """Read what a store holds of an interaction, again where it has changed in between.

    Raises:
        NotFound: there is none.
        Conflict: it has changed every time.
    """
    return _Reading(store).trace(interaction_id)


def validate_trace(
    store: TransferStore,
    interaction_id: str,
    policy: Policies | None = None,
) -> tuple[Commit, ...]:
    """Read the trace of an interaction and `replay` it. Raises like both."""
    return replay(read_trace(store, interaction_id), policy)


def validate_store(
    store: TransferStore,
    policy: Policies | None = None,
    *,
    found: Callable[[TraceMismatch], None] | None = None,
) -> Audit:
    """Validate the trace of every interaction that the feed names, one after the other.

    Nothing is changed, and nobody is kept waiting but by the reading.

    Args:
        found: is told of what cannot be explained, and it goes on; if left out, the first is raised.

    Raises:
        TraceMismatch: there is one, and nobody is to be told.
        Conflict: an interaction changes faster than it can be read.
    """
    histories = events = commits = 0
    reading = _Reading(store)
    for interaction_id in reading.interactions():
        trace = reading.trace(interaction_id)
        histories, events = histories + 1, events + len(trace.history)
        try:
            commits += len(replay(trace, policy))
        except TraceMismatch as mismatch:
            if found is None:
                raise
            found(mismatch)
    return Audit(histories=histories, events=events, commits=commits)


class _Reading:
    """Reads traces; the My Messages of each agent once, so that the last trace costs no more than the first."""

    def __init__(self, store: TransferStore) -> None:
        self._store = store
        self._messages = dict[str, dict[str, list[SystemMessage]]]()

    def interactions(self) -> Iterator[str]:
        """Every interaction that the feed names, once."""
        seen, page = set[str](), self._store.events(after=None, limit=_PAGE)
        while page.events:
            for event in page.events:
                if event.interaction_id not in seen:
                    seen.add(event.interaction_id)
                    yield event.interaction_id
            page = self._store.events(after=page.cursor, limit=_PAGE)

    def trace(self, interaction_id: str) -> Trace:
        for _ in range(_ATTEMPTS):
            interaction = self._present(interaction_id)
            history = self._store.history(interaction_id)
            requests = self._requests(history)
            trace = Trace(
                interaction=interaction,
                history=history,
                requests=requests,
                transcript=self._store.transcript(interaction_id),
                messages=tuple(self._entries(interaction_id, {request.sender for request in requests})),
            )
            if self._present(interaction_id) == interaction:
                return trace
        raise Conflict(kind="interaction", id=interaction_id)

    def _present(self, interaction_id: str) -> Interaction:
        found = self._store.read(Need(interaction_id=interaction_id), _ANY_TIME).interaction
        if found is None:
            raise NotFound(kind="interaction", id=interaction_id)
        return found

    def _requests(self, history: Iterable[Event]) -> tuple[TransferRequest, ...]:
        ids = dict.fromkeys(event.transfer_id for event in history if isinstance(event, TransferEvent))
        return tuple([request for id_ in ids if (request := self._store.transfer(id_)) is not None])

    def _entries(self, interaction_id: str, agent_ids: Iterable[str]) -> Iterator[SystemMessage]:
        for agent_id in agent_ids:
            about = self._messages.get(agent_id)
            if about is None:
                about = self._messages[agent_id] = {}
                for entry in self._store.desktop(agent_id).messages:
                    about.setdefault(entry.interaction_id, []).append(entry)
            yield from about.get(interaction_id, ())
