"""What a comparison found: values from which the printed tables, the page and the pictures are made."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from benchmarks.timing import Spread

Cell = str | float | Spread
"""A name, a figure, or a median that says between what it lies."""
SAME: Final = Spread(1.0, 1.0, 1.0)
"""What the base is to itself."""


class Missing(Exception):
    """Something that a comparison needs is not on this machine."""

    def __init__(self, *what: str) -> None:
        super().__init__(", ".join(what))
        self.what = what


@attrs.frozen
class Column:
    """What stands in a column.

    Args:
        name: with the unit of its figures.
        form: how figures are written, as `format` has it.
    """

    name: str
    form: str = ".2f"


class Kind(StrEnum):
    """How a table is drawn."""

    BARS = "bars"
    CURVES = "curves"


@attrs.frozen
class Drawing:
    """Which part of a table is drawn, and how.

    Args:
        value: the column with the ratios.
        names: the columns that together name a bar, or a curve.
        axis: what the ratios are, in a few words.
        along: the column with the numbers that a curve runs along.
        target: a line that the bars should not cross, or should.
        wide: whether the ratios are orders of magnitude apart.
        strong: with what the names of the library's own bars begin; all bars are, if it is empty.
    """

    kind: Kind
    value: str
    names: tuple[str, ...]
    axis: str
    along: str | None = None
    target: float | None = None
    wide: bool = False
    strong: str = ""


@attrs.frozen
class Table:
    """Rows of what was measured; each absolute figure stands beside its ratio to something measured in the same run."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    drawing: Drawing | None = None

    def at(self, name: str) -> int:
        """Where the column with this name is."""
        return [column.name for column in self.columns].index(name)


class Sense(StrEnum):
    """On which side of its bound a target is met."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@attrs.frozen
class Target:
    """What a figure should be, and what it is.

    Args:
        what: which figure.
        value: what it is.
        unit: of both; a ratio has none.
    """

    what: str
    sense: Sense
    bound: float
    value: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is what it should be."""
        return self.value <= self.bound if self.sense is Sense.AT_MOST else self.value >= self.bound


@attrs.frozen
class Result:
    """What was found.

    Args:
        title: what it is about.
        compared: what is compared with what.
        reading: how to read the figures, in a sentence or two.
        absent: what would have been compared too, were it on this machine.
    """

    title: str
    compared: str
    reading: str
    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@attrs.frozen
class Section:
    """A result, and how it came about.

    Args:
        name: of the comparison.
        begun: the day, as ISO 8601 writes it.
        load: the machine's load average in the last minute before the run began.
        seconds: how long the comparison took.
    """

    name: str
    begun: str
    load: float
    rounds: int
    seconds: float
    result: Result
