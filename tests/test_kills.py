"""Processes are killed in the middle of whatever they do, and the database too: nothing is lost, nothing is half done.

Each round ends with a store that is opened again, one tick, and the whole of `checker.check`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker import Violation
from kills import Figures, Rounds
from places import PostgresPlace, SqlitePlace
from servers import Server
from zygote import Zygote

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("SMS_TRANSFER_TEST_KILLS", "200"))
"""How often a worker is killed on each engine; ``.ci/run`` asks for more, and ``python tests/kills.py`` for as many as
you like."""
ENOUGH = 500
"""Rounds within which a fragile store is always found out."""
RESTARTS = 20
HISTORY = {
    "ownership is what the events say",
    "what is closed stays closed",
    "one transfer is live at a time",
    "nothing happens after the end",
    "nobody but the owner acts",
    "a conversation ends without a live transfer",
    "a text has the epoch it is written in",
    "a transfer is requested once",
    "epochs rise by one",
    "ownership moves away from the owner",
    "ownership moves when a transfer is accepted",
    "who accepts is the owner",
    "who is asked was invited",
    "the case data are what the events say",
    "the live transfer is what the events say",
    "the note is what the events say",
    "the transcript is what the events say",
    "the window says what the events say",
}
"""What a history breaks that has a gap, or does not follow from itself."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote("lives:live") as zygote:
        yield zygote


def assert_in_the_middle(figures: Figures) -> None:
    """The kills came where they hurt: inside commands, before their commits and after."""
    assert ROUNDS == figures.rounds
    assert figures.lives * 0.3 < figures.inside
    assert figures.unsettled * 0.05 < figures.happened < figures.unsettled * 0.95
    assert {"accept", "reply", "receive", "finish", "request", "tick"} <= figures.commands.keys()
    assert {"reject", "cancel"} & figures.commands.keys()


def test_f4_f6_workers_on_sqlite_are_killed(zygote: Zygote, tmp_path: Path) -> None:
    """F1, F3 to F6: what a killed worker leaves in a file is whole, and what it acknowledged is there."""
    figures = Rounds(zygote, SqlitePlace(tmp_path), tmp_path).kill(ROUNDS)
    assert_in_the_middle(figures)


def test_f4_f6_workers_on_postgresql_are_killed(zygote: Zygote, tmp_path: Path, postgres: Server) -> None:
    """F1, F3 to F6: what a killed worker leaves in PostgreSQL is whole, and what it acknowledged is there."""
    with PostgresPlace(postgres) as place:
        figures = Rounds(zygote, place, tmp_path).kill(ROUNDS)
    assert_in_the_middle(figures)


def test_f4_f6_postgresql_is_stopped_at_once(zygote: Zygote, tmp_path: Path, postgres: Server) -> None:
    """F1, F3 to F6: workers are told that the store is away, go on when it is back, and nothing is lost."""
    with PostgresPlace(postgres) as place:
        figures = Rounds(zygote, place, tmp_path).restart(postgres, RESTARTS)
    assert RESTARTS == figures.restarts
    assert 0 < figures.away


@pytest.mark.parametrize(
    ("store", "crowd", "promises"),
    [
        ("events apart", 1, {"state and events come together", "a version is recorded with its events", *HISTORY}),
        (
            "writes behind",
            1,
            {"what was acknowledged happened", "a key makes one request", "what is shown is recorded"},
        ),
        ("marks first", 1, {"every text is sent"}),
        ("last wins", 2, {"a version is recorded with its events", "every deadline is kept", *HISTORY}),
    ],
)
def test_f6_a_fragile_store_on_sqlite_is_found_out(
    zygote: Zygote, tmp_path: Path, store: str, crowd: int, promises: set[str]
) -> None:
    """F1, F6: the check can fail: it names what a store breaks that is fine until somebody dies or is beaten."""
    with pytest.raises(Violation) as caught:
        Rounds(zygote, SqlitePlace(tmp_path, store), tmp_path, crowd=crowd).kill(ENOUGH)
    assert caught.value.promise in promises


def test_f6_a_fragile_store_on_postgresql_is_found_out(zygote: Zygote, tmp_path: Path, postgres: Server) -> None:
    """F3 to F5: the check can fail on PostgreSQL too: a commit in two transactions, and no key, is found out."""
    with PostgresPlace(postgres, "requests apart") as place, pytest.raises(Violation) as caught:
        Rounds(zygote, place, tmp_path, crowd=1).kill(ENOUGH)
    assert caught.value.promise in {
        "a request is recorded with its events",
        "an outcome is what the events say",
        "a key makes one request",  # it keeps none, so whoever repeats a command makes another
    }
