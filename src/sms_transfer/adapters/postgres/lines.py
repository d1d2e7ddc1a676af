"""What is asked of PostgreSQL of those who wait for an agent, and of whom agents ask often."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sms_transfer.adapters.postgres import statements
from sms_transfer.adapters.postgres.ask import MOST, Ask, Asking, nothing, pairs, targets
from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.postgres.teams import counts, keys_of
from sms_transfer.adapters.records import loaded_interaction, target_key
from sms_transfer.core.model import Interaction, Target

_FIRST: Final = (-MOST - 1, "-infinity", "")
"""Before the first of every line."""


def rank(priority: int) -> int:
    """A priority so that the highest is the least, as it is kept (Q3)."""
    return -min(priority, MOST)


class LineAsks(Asking):
    """Asks about lines, favourites and recents."""

    def loads(self, agent_ids: Collection[str], now: datetime) -> Ask[Mapping[str, int]]:
        return self._ask(
            statements.LOADS,
            ([kept_id(id_) for id_ in agent_ids], now),
            lambda found: {given_id(id_): load for id_, load in found},
        )

    def waiting(self, given: Collection[Target], after: Interaction | None, limit: int) -> Ask[tuple[Interaction, ...]]:
        transfer = None if after is None else after.transfer
        behind: tuple[int, datetime | str, str] = _FIRST
        if transfer is not None:
            behind = (rank(transfer.priority), transfer.requested_at, kept_id(transfer.id))
        most = min(limit, MOST)
        return self._ask(
            statements.WAITING,
            (keys_of(given), *behind, most, most),
            lambda found: tuple([loaded_interaction(one) for one in pairs(found)]),
        )

    def waiting_targets(self) -> Ask[frozenset[Target]]:
        return self._ask(statements.WAITING_TARGETS, (), lambda found: frozenset(targets(found)))

    def waiting_counts(self, given: Collection[Target]) -> Ask[Mapping[Target, int]]:
        return self._ask(statements.WAITING_COUNTS, (keys_of(given),), counts)

    def favourites(self, agent_id: str) -> Ask[tuple[Target, ...]]:
        return self._ask(statements.FAVOURITES, (kept_id(agent_id),), targets)

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> Ask[None]:
        statement = statements.MARK_FAVOURITE if favourite else statements.UNMARK_FAVOURITE
        return self._ask(statement, (kept_id(agent_id), kept_id(target_key(target))), nothing)

    def recents(self, agent_id: str, limit: int) -> Ask[tuple[Target, ...]]:
        return self._ask(statements.RECENTS, (kept_id(agent_id), min(limit, MOST)), targets)
