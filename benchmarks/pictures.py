"""Which pictures there are, and what each of them says in words; drawing them is another matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from benchmarks.report import cell_words, figure
from benchmarks.result import SAME, Cell, Drawing, Kind, Section, Table
from benchmarks.timing import Spread


@attrs.frozen
class Bar:
    """One ratio."""

    name: str
    ratio: Spread


@attrs.frozen
class Curve:
    """Ratios along a number."""

    name: str
    points: tuple[tuple[float, Spread], ...]


@attrs.frozen
class Picture:
    """One table of a section, as it is drawn.

    Args:
        file: its name.
        words: what it shows, for whoever cannot see it.
    """

    file: str
    title: str
    table: Table
    drawing: Drawing
    words: str

    def bars(self) -> tuple[Bar, ...]:
        """The ratios to something else: what is compared with itself is the line at 1."""
        at = self.table.at(self.drawing.value)
        return tuple(
            Bar(self._name(row), ratio)
            for row in self.table.rows
            if isinstance(ratio := row[at], Spread) and ratio != SAME
        )

    def curves(self) -> tuple[Curve, ...]:
        """A curve for each name."""
        at, along = self.table.at(self.drawing.value), self.table.at(self.drawing.along or "")
        found: dict[str, list[tuple[float, Spread]]] = {}
        for row in self.table.rows:
            number, ratio = row[along], row[at]
            if isinstance(number, float) and isinstance(ratio, Spread):
                found.setdefault(self._name(row), []).append((number, ratio))
        return tuple(Curve(name, tuple(points)) for name, points in found.items())

    def _name(self, row: Sequence[Cell]) -> str:
        columns = [self.table.at(name) for name in self.drawing.names]
        return ", ".join(cell_words(row[at], self.table.columns[at]) for at in columns)


def pictures(section: Section) -> Iterator[Picture]:
    """One for each table that is to be drawn."""
    drawn = [(table, table.drawing) for table in section.result.tables if table.drawing is not None]
    for number, (table, drawing) in enumerate(drawn, 1):
        file = f"{section.name}.svg" if len(drawn) == 1 else f"{section.name}-{number}.svg"
        title = section.result.title if len(drawn) == 1 else f"{section.result.title}: {table.title}"
        picture = Picture(file, title, table, drawing, "")
        yield attrs.evolve(picture, words=_words(picture))


def _words(picture: Picture) -> str:
    """Each figure that is drawn."""
    drawing = picture.drawing
    if drawing.kind is Kind.BARS:
        said = [f"{bar.name} {_times(bar.ratio)}" for bar in picture.bars()]
    else:
        said = [
            f"{curve.name} from {_times(curve.points[0][1])} at {figure(curve.points[0][0], ',.0f')}"
            f" to {_times(curve.points[-1][1])} at {figure(curve.points[-1][0], ',.0f')}"
            for curve in picture.curves()
        ]
    target = "" if drawing.target is None else f" The line of the target is at {figure(drawing.target, 'g')}."
    return f"{picture.title}, {drawing.axis}: {'; '.join(said)}.{target}"


def _times(ratio: Spread) -> str:
    return figure(ratio.median, ".2f")
