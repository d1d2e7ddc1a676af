"""How far a run has come: which comparison of how many, how long it has taken, and how long it will.

A terminal has one line, written over and over. A log has one line for each comparison when it has ended.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

import attrs


@attrs.define
class Board:
    """Where it is told.

    Args:
        plan: the comparisons in their order, each with the seconds that it usually takes.
        out: a terminal, or a log.
    """

    plan: dict[str, float]
    out: TextIO
    _begun: float = attrs.field(factory=monotonic, init=False)
    _began: float = attrs.field(factory=monotonic, init=False)
    _name: str = attrs.field(default="", init=False)

    def begin(self, name: str) -> None:
        """This one's turn comes."""
        self._name, self._began = name, monotonic()
        self.step(name, 0, 1)

    def step(self, what: str, done: int, of: int) -> None:
        """So much of it is done; told on a terminal only."""
        if self.out.isatty():
            self._tell(f"{self._place()} {what}: {done}/{of}; {self._times()}", end="")

    def end(self, how: str = "") -> float:
        """It has ended; in how many seconds."""
        seconds = monotonic() - self._began
        if self.out.isatty():
            self._tell("", end="")
        else:
            self._tell(
                f"{self._place()} {self._name}: {how or f'{seconds:.1f} s'}; {self._times(ended=True)}", end="\n"
            )
        return seconds

    def _tell(self, words: str, *, end: str) -> None:
        print(f"\r{words}\x1b[K\r" if self.out.isatty() else words, end=end, file=self.out, flush=True)

    def _place(self) -> str:
        return f"[{list(self.plan).index(self._name) + 1}/{len(self.plan)}]"

    def _times(self, *, ended: bool = False) -> str:
        """How long it has taken, and how much longer it will if all that follows is as quick or slow as so far."""
        now, at = monotonic(), list(self.plan).index(self._name) + ended
        costs = list(self.plan.values())
        usual, took = sum(costs[:at]), (now if ended else self._began) - self._begun
        slowness = took / usual if usual else 1.0
        left = sum(costs[at:]) * slowness - (0.0 if ended else min(now - self._began, costs[at] * slowness))
        return f"{_clock(now - self._begun)} so far, about {_clock(left)} to go"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


_boards: list[Board] = []


@contextmanager
def shown_on(board: Board) -> Generator[Board]:
    """Tell all that comes on this board, for as long as the context lasts."""
    _boards.append(board)
    try:
        yield board
    finally:
        _boards.remove(board)


def progress(what: str, done: int, of: int) -> None:
    """Say how far a comparison has come; to nobody, if it is run by itself."""
    for board in _boards:
        board.step(what, done, of)


def stderr_board(plan: dict[str, float]) -> Board:
    """A board on the standard error stream, so that the tables can be kept without it."""
    return Board(plan, sys.stderr)
