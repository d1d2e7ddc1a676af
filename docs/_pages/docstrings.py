"""Docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

import attrs

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Examples):$", re.MULTILINE)
_ITEM = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


@attrs.frozen
class Docstring:
    """What a docstring says.

    Args:
        first: its first sentence, which is its first line.
        text: the paragraphs before the first section, the first line included.
        items: what its sections say of each name.
    """

    first: str
    text: str
    items: Mapping[str, str]


def read(described: object) -> Docstring:
    """Read the docstring of a class or function; every public one has one."""
    text = inspect.cleandoc(described.__doc__ or "")
    before, *sections = _SECTION.split(text)
    items = {
        name: markdown(" ".join(words.split()))
        for kind, section in zip(sections[::2], sections[1::2], strict=True)
        if kind in {"Args", "Attributes"}
        for name, words in _ITEM.findall(section)
    }
    return Docstring(
        markdown(before.split("\n\n")[0].strip().replace("\n", " ")), markdown(before.strip()), MappingProxyType(items)
    )


def markdown(text: str) -> str:
    """Docstrings mark code with two backticks and names with one, Markdown both with one."""
    return text.replace("``", "`")


def sentence(words: str) -> str:
    """What is said of an argument, as a sentence."""
    return words[:1].upper() + words[1:] + ("" if not words or words.endswith((".", ".)")) else ".")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """A piece of code in running text."""
    return f"`{text}`"


def shown(value: object) -> str:
    """A value, as one would write it."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, frozenset):
        return f"frozenset({', '.join(sorted({type(member).__name__ for member in value}))})"
    if isinstance(value, timedelta):
        return f"timedelta(seconds={value.total_seconds():g})"
    return f"{value:_}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)
