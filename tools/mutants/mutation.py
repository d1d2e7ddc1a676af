"""Every small change that can be made to a module: a comparison shifted, a condition dropped, a call left out.

Unlike what wraps functions to choose between their variants at run time, this changes tables, defaults, validators and
properties too: in a library of frozen values that is where much of the meaning stands.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from difflib import ndiff
from typing import NamedTuple

from tools.mutants.changes import Change, Walk


class Mutant(NamedTuple):
    """One change of one module.

    Args:
        path: of the module, within the source folder.
        scope: the function or class it is in, or ``<module>``.
        first: the line on which the statement begins that it is in.
        line: where it stands.
        before: the lines that change, in one.
        after: what becomes of them.
        source: the whole module, changed.
        inside: whether it is in the body of a function, so that what is imported already can be given the new code.
    """

    path: str
    scope: str
    first: int
    line: int
    before: str
    after: str
    source: str
    inside: bool

    @property
    def module(self) -> str:
        """The module, as one names it."""
        return self.path.removeprefix("sms_transfer/").removesuffix(".py")


def mutants(path: str, source: str) -> list[Mutant]:
    """Every mutant of one module, in the order of its lines; none that is no Python, none twice."""
    seen = set[str]()
    found: list[Mutant] = []
    encoded = source.encode()
    tree = ast.parse(source)
    ends = [statement.end_lineno or 0 for statement in tree.body]
    for change in sorted(Walk(encoded, tree).changes(), key=lambda change: change.start):
        changed = (encoded[: change.start] + change.text.encode() + encoded[change.end :]).decode()
        turn = bisect_left(ends, change.line)
        growth = changed.count("\n") - source.count("\n")
        part = "\n".join(changed.splitlines()[ends[turn - 1] if turn else 0 : ends[turn] + growth])
        if changed not in seen and _is_python(part):
            seen.add(changed)
            before, after = _lines(source, changed, change)
            scope = ".".join(change.scope) or "<module>"
            found.append(Mutant(path, scope, change.first, change.line, before, after, changed, change.inside))
    return found


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _lines(source: str, changed: str, change: Change) -> tuple[str, str]:
    """The lines that differ, before and after, each as one line without the indentation."""
    first = change.line - 1
    growth = changed.count("\n") - source.count("\n")
    last = first + source.encode()[change.start : change.end].count(b"\n") + 1
    last += source.encode()[: change.start].count(b"\n") - first
    old, new = source.splitlines()[first:last], changed.splitlines()[first : last + growth]
    differing = [line for line in ndiff(old, new) if line[0] in "+-"]
    before, after = (" ".join(_bare(line[2:]) for line in differing if line[0] == sign) for sign in "-+")
    return before, after


def _bare(line: str) -> str:
    """The line without its indentation and its comment."""
    return re.sub(r"  #.*", "", line).strip()
