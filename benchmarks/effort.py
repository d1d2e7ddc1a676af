"""How much is done: for a look that everything runs, for figures worth quoting, or with a million conversations."""

from __future__ import annotations

from typing import Final, TypeVar

import attrs

ENOUGH: Final = 5
"""Fewer rounds are no measurement."""

_T = TypeVar("_T")


@attrs.frozen
class Effort:
    """How often each contender is measured, and among how many others.

    Args:
        rounds: 1 or more.
        full: with a million conversations.
    """

    rounds: int
    full: bool = False

    @property
    def smoke(self) -> bool:
        """Whether this shows only that everything runs: the worlds are small, and no figure is worth quoting."""
        return self.rounds < ENOUGH and not self.full

    def at_most(self, most: int) -> Effort:
        """The same with no more rounds than this, for what takes its time."""
        return attrs.evolve(self, rounds=min(self.rounds, most))

    def pick(self, smoke: _T, usual: _T, full: _T | None = None) -> _T:
        """What belongs to the effort; where a full run has nothing of its own, it does as usual."""
        if self.smoke:
            return smoke
        return full if self.full and full is not None else usual
