"""The form of what is asked of PostgreSQL: one statement, and how its rows are read.

An `Ask` is a value. It knows nothing of connections, so blocking and awaitable stores perform the same ones; and each
is one statement, so it is one round trip, one transaction and one snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, LiteralString, TypeVar

import attrs
from psycopg import sql

from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.records import Kept, target_of
from sms_transfer.core.model import Target

T = TypeVar("T")

Row = tuple[Any, ...]
"""What psycopg makes of a row; the readers say what it is."""

MOST: Final = 2**63 - 1
"""The largest number that can be kept."""


@attrs.frozen
class Ask(Generic[T]):
    """One statement, and what its rows mean."""

    statement: sql.Composed
    params: Sequence[object]
    answer: Callable[[Sequence[Row]], T]


class Asking:
    """What makes asks for one schema.

    Args:
        schema: its name, checked.
    """

    def __init__(self, schema: str) -> None:
        self.channel: Final = schema
        self._composed: dict[str, sql.Composed] = {}
        self._schema = sql.Identifier(schema)

    def _ask(self, statement: LiteralString, params: Sequence[object], answer: Callable[[Sequence[Row]], T]) -> Ask[T]:
        composed = self._composed.get(statement)
        if composed is None:
            composed = self._composed[statement] = sql.SQL(statement).format(s=self._schema)
        return Ask(composed, params, answer)


def kept_or_none(id_: str | None) -> str | None:
    """As `kept_id`, for what may be missing."""
    return None if id_ is None else kept_id(id_)


# How rows are read


def nothing(_: Sequence[Row]) -> None:
    """They say nothing."""


def whether(found: Sequence[Row]) -> bool:
    """One row that says yes or no."""
    return found == [(True,)]


def pairs(found: Sequence[Row]) -> list[Kept]:
    """Rows of an id and a body."""
    return [(given_id(id_), body) for id_, body in found]


def targets(found: Sequence[Row]) -> tuple[Target, ...]:
    """Rows of one target each."""
    return tuple([target_of(given_id(key)) for (key,) in found])
