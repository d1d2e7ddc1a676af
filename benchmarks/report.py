"""What a run prints: each result in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.result import SAME, Cell, Column, Result, Table, Target
from benchmarks.timing import Spread


def tell(result: Result) -> str:
    """All of it."""
    parts = ["", f"# {result.title}", result.compared, *map(_table, result.tables)]
    parts += [f"target: {target_words(target)}: {'met' if target.met else 'NOT MET'}" for target in result.targets]
    parts += [f"note: {note}" for note in result.notes]
    parts += [f"not compared: {absent}" for absent in result.absent]
    return "\n".join(parts)


def target_words(target: Target) -> str:
    """What it should be, and what it is."""
    bound, value = figure(target.bound, "g"), figure(target.value, ".2f")
    return f"{target.what} {target.sense} {bound} {target.unit}; it is {value}"


def cell_words(cell: Cell, column: Column) -> str:
    """How a cell is written, on a page as in a terminal."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Spread):
        middle, low, high = (figure(value, column.form) for value in (cell.median, cell.low, cell.high))
        return "1" if cell == SAME else f"{middle} ({low}–{high})"  # noqa: RUF001 - a span of figures
    return figure(cell, column.form)


def figure(value: float, form: str) -> str:
    """A figure; where so few digits would leave nothing of it, two that count."""
    written = format(value, form)
    return format(value, ".2g") if value and not float(written.replace(",", "")) else written


def _table(table: Table) -> str:
    """The first column to the left, figures to the right."""
    head = [column.name for column in table.columns]
    rows = [[cell_words(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [_line(cells, widths) for cells in (head, rule, *rows)]
    return "\n".join(["", table.title, "", *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()
