"""Workers are killed at any moment of any command, and what they leave behind is checked.

``python tests/kills.py --engine sqlite --rounds 5000`` goes on for longer than the tests do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final

import attrs

from accounts import BEGUN, Accounts
from lives import STEP, Hand, Job, instant, policy
from places import Place, PostgresPlace, SqlitePlace
from servers import Server, running
from sms_transfer import Contact, Message, TransferService
from zygote import Zygote

GENERATION: Final = 20
"""Rounds until a new store is begun: what is checked after each round grows."""
LIFE: Final = 4
"""The commands after which a worker is killed, more or less: a machine that is busy gives it more time for them."""
SPAN: Final = 0.020
"""Seconds within which it is killed, at first; and at least and at most."""
SHORTEST, LONGEST = 0.002, 0.2
EARLY: Final = 0.1
"""The part of the rounds in which it may be killed before it has got ready."""
SOON: Final = 10 * STEP
"""When the deadlines of whoever works alone have passed."""
LATE: Final = 5_000 * STEP
"""When all of them have."""
PATIENCE: Final = 60.0

End = Callable[[Collection[int], Collection[Path]], None]
"""How a round ends: for processes, and their diaries."""


class Taking:
    """A `ContactGateway` that takes everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, message: Message, contact: Contact) -> None:
        self.sent.append((message.interaction_id, message.id))


@attrs.define
class Figures:
    """What came of the rounds."""

    rounds: int = 0
    lives: int = 0
    restarts: int = 0
    inside: int = 0  # lives that ended between the beginning and the end of a command
    unsettled: int = 0  # these commands, and those that were told that the store is away
    happened: int = 0  # those of them that had happened
    away: int = 0  # how often a worker was told that the store is away
    commands: Counter[str] = attrs.field(factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        done = ", ".join(f"{count} {what}" for what, count in sorted(self.commands.items()))
        return (
            f"{self.rounds} rounds with {self.restarts} restarts in {self.seconds:.0f} s; {self.inside} of {self.lives}"
            f" lives ended inside a command; of {self.unsettled} commands with an open end {self.happened} had"
            f" happened; {self.commands.total()} were done: {done}"
        )


class Rounds:
    """Lets workers live and die, round by round.

    Args:
        zygote: forks them.
        place: what they work on.
        directory: for their diaries.
        seed: of all that is left to chance here. (When a kill comes, the machine decides too.)
        crowd: how many workers at once, at most.
    """

    def __init__(self, zygote: Zygote, place: Place, directory: Path, *, seed: int = 0, crowd: int = 2) -> None:
        self.figures = Figures()
        self._zygote = zygote
        self._place = place
        self._directory = directory
        self._chance = Random(seed)  # noqa: S311 - a test is to be repeated
        self._crowd = crowd
        self._accounts = Accounts()
        self._now = 0
        self._next = 1  # how many workers
        self._diaries = 0
        self._span = SPAN

    def kill(self, rounds: int) -> Figures:
        """Go through so many rounds, each of which ends in kills.

        Raises:
            Violation: a promise is broken.
        """
        return self._go(rounds, self._live_and_be_killed)

    def restart(self, server: Server, rounds: int) -> Figures:
        """Go through so many rounds, in each of which the server is stopped at once and started again.

        Raises:
            Violation: a promise is broken.
        """

        def outlive(pids: Collection[int], diaries: Collection[Path]) -> None:
            for pid in pids:
                self._zygote.wait_until_ready(pid)
            time.sleep(self._chance.uniform(0, self._span))
            self._place.let_go()
            server.restart_at_once()
            self.figures.restarts += 1
            for diary in diaries:
                _wait_for_more(diary)
            self._zygote.kill(*pids)

        return self._go(rounds, outlive)

    def _go(self, rounds: int, end: End) -> Figures:
        began = time.monotonic()
        try:
            for number in range(rounds):
                if number % GENERATION == 0:
                    self._place.begin()
                    self._accounts = Accounts()
                    self._now = 0
                self._round(end)
        finally:
            self.figures.seconds += time.monotonic() - began
        return self.figures

    def _round(self, end: End) -> None:
        jobs = self._jobs()
        pids = [self._zygote.fork(json.dumps(attrs.asdict(job))) for job in jobs]
        end(pids, [Path(job.diary) for job in jobs])
        self._place.settle()
        self._read_diaries(jobs)
        self._check()
        self.figures.rounds += 1

    def _jobs(self) -> list[Job]:
        place, schema = self._place.where()
        crowd = self._next
        return [
            Job(
                store=self._place.store,
                place=place,
                schema=schema,
                diary=str(self._new_diary()),
                start=self._now + STEP + 250 * number,
                commands=10_000,
                seed=self._chance.randrange(2**32),
                alone=crowd == 1,
                retry=self._accounts.unsettled_requests() if number == 0 else (),
            )
            for number in range(crowd)
        ]

    def _new_diary(self) -> Path:
        self._diaries += 1
        return self._directory / f"diary{self._diaries}"

    def _live_and_be_killed(self, pids: Collection[int], _: Collection[Path]) -> None:
        if self._chance.random() > EARLY:
            for pid in pids:
                self._zygote.wait_until_ready(pid)
        for pid in pids:
            time.sleep(self._chance.uniform(0, self._span))
            self._zygote.kill(pid)

    def _read_diaries(self, jobs: Collection[Job]) -> None:
        self._accounts.forget_fresh()
        for job in jobs:
            diary = Path(job.diary)
            if diary.exists():
                self._now = max(self._now, self._accounts.read(diary.read_bytes()))
                diary.unlink()
            self.figures.lives += 1
        longer = len(self._accounts.fresh) < LIFE * len(jobs)
        self._span = min(max(self._span * (1.1 if longer else 0.9), SHORTEST), LONGEST)

    def _check(self) -> None:
        """Open the store again, let it tick once, and see whether every promise is kept."""
        self._next = self._chance.randint(1, self._crowd)
        # The clocks of a crowd differ, so no deadline may come while it is at it: some would have passed for one only.
        pause = self._chance.choice((0, SOON, LATE) if self._next == 1 else (SOON, LATE))
        self._now = (self._now // STEP + 1) * STEP + pause + 50
        gateway = Taking()
        with self._place.opened() as store:
            TransferService(store, gateway=gateway, policy=policy(), clock=Hand(self._now)).tick()
            happened = self._accounts.check(store, instant(self._now), gateway.sent)
        figures = self.figures
        figures.happened += happened[True]
        figures.unsettled += happened.total()
        figures.away += sum(one.fate == "unavailable" for one in self._accounts.fresh)
        figures.inside += sum(one.fate == BEGUN for one in self._accounts.fresh)
        figures.commands.update(one.note.do for one in self._accounts.fresh if one.fate == "done")


def _wait_for_more(diary: Path) -> None:
    """Wait until a worker has been told that something is done."""
    size, patience = diary.stat().st_size, time.monotonic() + PATIENCE
    while b'["end", "done"]' not in diary.read_bytes()[size:]:
        assert time.monotonic() < patience, "a worker did not come back to work"
        time.sleep(0.002)


def main() -> None:
    """Go through as many rounds as are asked for, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=5_000)
    parser.add_argument("--restarts", type=int, default=0, help="rounds in which PostgreSQL is stopped at once")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sms-transfer-")))
        zygote = stack.enter_context(Zygote("lives:live"))
        if given.engine == "sqlite":
            rounds = Rounds(zygote, SqlitePlace(directory), directory, seed=given.seed)
        else:
            server = stack.enter_context(running())
            place = stack.enter_context(PostgresPlace(server))
            rounds = Rounds(zygote, place, directory, seed=given.seed)
            rounds.restart(server, given.restarts)
        print(f"{given.engine}: {rounds.kill(given.rounds)}")  # noqa: T201 - that is what it is called for


if __name__ == "__main__":
    main()
