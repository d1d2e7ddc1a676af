"""The figures as they are kept: ``docs/benchmarks.json``, of which the page and the pictures are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import attrs
from cattrs import Converter

from benchmarks.comparisons import COMPARISONS
from benchmarks.machine import Machine
from benchmarks.result import Cell, Section
from benchmarks.timing import Spread

DOCS: Final = Path(__file__).parent.parent / "docs"
FILE: Final = DOCS / "benchmarks.json"
_DIGITS: Final = 4
"""So many that count: more say nothing."""


@attrs.frozen
class Record:
    """All that was measured on one machine."""

    machine: Machine
    sections: tuple[Section, ...]

    def with_sections(self, sections: tuple[Section, ...]) -> Record:
        """These in the place of those with the same names; all in their usual order."""
        found = {section.name: section for section in (*self.sections, *sections)}
        return attrs.evolve(self, sections=tuple(found[name] for name in COMPARISONS if name in found))


def to_text(record: Record) -> str:
    """As it is kept."""
    return json.dumps(_converter().unstructure(record), ensure_ascii=False, indent=1) + "\n"


def from_text(text: str) -> Record:
    """As it was kept."""
    return _converter().structure(json.loads(text), Record)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, omit_if_default=True)
    converter.register_unstructure_hook(float, _rounded)
    converter.register_unstructure_hook(Spread, lambda spread: [_rounded(value) for value in attrs.astuple(spread)])
    converter.register_structure_hook(Spread, lambda kept, _: Spread(*map(float, kept)))
    converter.register_structure_hook(Cell, _cell)
    converter.register_unstructure_hook(Cell, lambda cell: converter.unstructure(cell, type(cell)))
    return converter


def _cell(kept: object, _: object) -> Cell:
    if isinstance(kept, str):
        return kept
    return Spread(*map(float, kept)) if isinstance(kept, list) else float(str(kept))


def _rounded(value: float) -> float:
    return float(format(value, f".{_DIGITS}g"))
