"""The survivors that are explained: why no test can, or need, tell them from the original."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tools.mutants.mutation import Mutant


class Explanation(NamedTuple):
    """One entry of ``tests/mutants.toml``: it is found by what it says, so that it survives that lines move.

    Args:
        module: such as ``core/ending``.
        scope: the function or class; empty for every one.
        before: the line; empty for every line.
        after: what becomes of it; a list of one or more. Empty for whatever becomes of it.
        reason: why, in one sentence.
    """

    module: str
    scope: str
    before: str
    after: tuple[str, ...]
    reason: str

    def fits(self, mutant: Mutant) -> bool:
        """Whether it speaks of this mutant."""
        return (
            mutant.module == self.module
            and self.scope in {"", mutant.scope}
            and self.before in {"", mutant.before}
            and (not self.after or mutant.after in self.after)
        )


def read(path: Path) -> list[Explanation]:
    """The list as it stands in the file."""
    return [_entry(entry) for entry in tomllib.loads(path.read_text()).get("survivor", [])]


def _entry(entry: Mapping[str, Any]) -> Explanation:
    after = entry.get("after", ())
    return Explanation(
        entry["module"],
        entry.get("scope", ""),
        entry.get("before", ""),
        (after,) if isinstance(after, str) else tuple(after),
        entry["reason"],
    )


def unneeded(explanations: Iterable[Explanation], survivors: Iterable[Mutant]) -> list[Explanation]:
    """The explanations of what does not survive, or is not there any more."""
    survivors = list(survivors)
    return [one for one in explanations if not any(map(one.fits, survivors))]
