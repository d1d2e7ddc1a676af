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
    parts += [f"left out, for want of {absent}" for absent in result.absent]
    return "\n".join(parts)


def target_words(target: Target) -> str:
    """What it should be, and what it is."""
    unit = f" {target.unit}" if target.unit else ""
    return f"{target.what}: {target.sense} {figure(target.bound, 'g')}{unit}; it is {figure(target.value, '.2f')}"


def cell_words(cell: Cell, column: Column) -> str:
    """How a cell is written, on a page as in a terminal."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Spread):
        middle, low, high = (figure(value, column.form) for value in (cell.median, cell.low, cell.high))
        if cell == SAME:
            return "1"
        return middle if low == high else f"{middle} ({low}–{high})"  # noqa: RUF001 - a span of figures
    return figure(cell, column.form)


def figure(value: float, form: str) -> str:
    """A figure; where so few digits would leave nothing of it, more of them."""
    written = format(value, form)
    return format(value, ".6f").rstrip("0") if value and not float(written.replace(",", "")) else written


def words_first(table: Table) -> int:
    """How many columns of words there are before the figures."""
    return next((at for at, cell in enumerate(table.rows[0]) if not isinstance(cell, str)), len(table.columns))


def _table(table: Table) -> str:
    """Words to the left, figures to the right."""
    left = words_first(table)
    head = [column.name for column in table.columns]
    rows = [[cell_words(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [_line(cells, widths, left) for cells in (head, rule, *rows)]
    return "\n".join(["", table.title, "", *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    aligned = (
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(aligned).rstrip()
