"""The page of the documentation that is made of what is kept: ``docs/benchmarks.md``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.comparisons import COMPARISONS
from benchmarks.machine import Machine, busy
from benchmarks.pictures import Picture, pictures
from benchmarks.record import DOCS, Record
from benchmarks.report import cell_words, target_words, words_first
from benchmarks.result import Section, Table

FILE: Final = DOCS / "benchmarks.md"


def render(record: Record) -> str:
    """All of it."""
    parts = [_HEAD, _where(record), _glance(record.sections), _READING]
    parts += [part for section in record.sections for part in _section(section)]
    return "\n\n".join(parts) + "\n"


_HEAD: Final = """\
# Measurements

What the library costs, beside what one would do without it. Each comparison is made in one run, side by side and by
turns, so that only its ratios are worth quoting: microseconds belong to the machine they were measured on.

To repeat them, from the project's root:

```sh
python3 -m venv .venv && .venv/bin/python -m pip install -q -e '.[benchmarks]'
.venv/bin/python -m benchmarks             # all, in about ten minutes
.venv/bin/python -m benchmarks transfer    # one of them
.venv/bin/python -m benchmarks --rounds 2  # a look: does everything run?
.venv/bin/python -m benchmarks --record    # all, and write this page
.venv/bin/python -m benchmarks --redraw    # write this page, measure nothing
```

The page and its pictures are made of the figures in `docs/benchmarks.json`. `python -m benchmarks --help` has the rest.
Where a package, a Chromium or a PostgreSQL is missing, the run says what it could not compare, and goes on; with
`--require-all` it then ends with an error."""

_READING: Final = """\
## How to read the tables

A figure with two others in brackets is the median of all rounds, and the lowest and highest of them. A ratio is taken
round by round, each round measuring every contender once, so that what slows down a whole round cancels out. What
others are compared with has the ratio 1. Medians in milliseconds or microseconds stand beside it so that one can see
what is being talked about."""


def _where(record: Record) -> str:
    return "\n\n".join(("## Where and when", _days(record), _machine(record.machine)))


def _days(record: Record) -> str:
    days = sorted({section.begun for section in record.sections})
    loads = sorted({section.load for section in record.sections})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    said = f"Measured on {span}. The load average of the minute before was {_either(loads)}"
    if any(busy(load, record.machine.cores) for load in loads):
        return f"{said}: **the machine was busy with something else, so quote none of these figures.**"
    return f"{said}: the machine had nothing else to do."


def _either(loads: Sequence[float]) -> str:
    return " and ".join(f"{load:.2f}" for load in loads)


def _machine(machine: Machine) -> str:
    cores = "core" if machine.cores == 1 else "cores"
    rows = [
        ("processor", f"{machine.processor}, {machine.cores} {cores}"),
        ("memory", f"{machine.memory:g} GiB"),
        ("system", machine.system),
        ("Python", machine.python),
    ]
    versions = ", ".join(f"{name} {found}" for name, found in machine.versions.items())
    return "\n\n".join((_markdown(("what", "which"), rows, left=2), f"With {versions}."))


def _glance(sections: Sequence[Section]) -> str:
    rows = [
        (f"[{section.result.title}](#{_anchor(section)})", target_words(target), "yes" if target.met else "**no**")
        for section in sections
        for target in section.result.targets
    ]
    return "## Targets\n\n" + _markdown(("comparison", "target", "met"), rows, left=3)


def _anchor(section: Section) -> str:
    """As a heading is linked to, here and in a repository's browser."""
    return re.sub(r"[^a-z0-9 -]", "", section.result.title.lower()).replace(" ", "-")


def _section(section: Section) -> Iterator[str]:
    result = section.result
    yield f"## {result.title}"
    yield f"{result.compared} {result.reading}"
    drawn = {picture.table.title: picture for picture in pictures(section)}
    for table in result.tables:
        yield f"**{table.title}**"
        yield _table(table)
        if table.title in drawn:
            yield _picture(drawn[table.title])
    lines = [f"- Target: {target_words(target)}." for target in result.targets]
    lines += [f"- {note}" for note in result.notes]
    lines += [f"- Left out, for want of {absent}." for absent in result.absent]
    module = COMPARISONS[section.name].module
    source = f"[`benchmarks/{module}.py`](../benchmarks/{module}.py)"
    lines.append(f"- `python -m benchmarks {section.name}`: {source}; it took {section.seconds:.0f} seconds.")
    yield "\n".join(lines)


def _picture(picture: Picture) -> str:
    return f"![{picture.words}](pictures/benchmarks/{picture.file})"


def _table(table: Table) -> str:
    rows = [[cell_words(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    return _markdown([column.name for column in table.columns], rows, left=words_first(table))


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    """A table whose first columns are words, and whose others are figures."""
    rule = [":---" if at < left else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))
