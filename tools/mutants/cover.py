"""Which tests run which lines, and how long they take: measured once, and kept for as long as nothing changes."""

from __future__ import annotations

import ast
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from tools.mutants.session import UNNOTICED, Session, forked, run

FILES: Final = (
    "test_check",
    "test_commands",
    "test_model",
    "test_lifecycle",
    "test_history",
    "test_decide",
    "test_transfer",
    "test_ownership",
    "test_handover",
    "test_routing",
    "test_routing_ports",
    "test_routing_reading",
    "test_in_process",
    "test_no_answer",
    "test_nobody_left",
    "test_eligibility",
    "test_explain",
    "test_explanation",
    "test_desktop",
    "test_workspace",
    "test_around",
    "test_bulk",
    "test_connection",
    "test_codec",
    "test_records",
    "test_memory",
    "test_names",
    "test_team_communicator",
    "test_bad_targets",
    "test_bad_input",
    "test_log",
    "test_observer",
    "test_service",
    "test_traces_corrupted",
    "test_docs_generated",
)
"""Where the rules are shown in memory: no server, no browser, no other process."""

SLOW: Final = 3.0
"""Seconds, from which on a test is left out."""


class Test:
    """One test: how many seconds it takes, the lines of each module that it runs, and the names in its own source."""

    def __init__(self, name: str, took: float, lines: Mapping[str, Sequence[int]], names: frozenset[str]) -> None:
        self.name = name
        self.took = took
        self.lines = {path: frozenset(numbers) for path, numbers in lines.items()}
        self.names = names

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.name.partition("::")[0]

    @property
    def function(self) -> str:
        """It without its parameters."""
        return self.name.partition("[")[0]


def measured(root: Path, kept: Path, processes: int) -> list[Test]:
    """The tests of `FILES`; measured again where one of them or what they run has changed."""
    sources = sorted((root / "src").rglob("*.py"))
    support = [path for path in sorted((root / "tests").glob("*.py")) if not path.name.startswith("test_")]
    around = _hash([*sources, *support])
    wanted = {name: kept / f"{name}-{_hash([root / 'tests' / f'{name}.py'])}-{around}.json" for name in FILES}
    missing = [name for name, path in wanted.items() if not path.exists()]
    children = []
    for turn in range(processes):
        child = os.fork()
        if child == 0:
            failed = [name for name in missing[turn::processes] if _measure(root, name, wanted[name])]
            os._exit(bool(failed))
        children.append(child)
    if any([os.waitpid(child, 0)[1] for child in children]):  # noqa: C419 - wait for all of them
        broken = [name for name in missing if not wanted[name].exists()]
        raise SystemExit(f"These tests fail without any mutant: {', '.join(broken)}.")
    tests = [
        Test(test, took, lines, names_in(test) | names.get(test.partition("[")[0].rpartition("::")[2], frozenset()))
        for name in FILES
        for names in [_names(root / "tests" / f"{name}.py")]
        for test, took, lines in json.loads(wanted[name].read_bytes())
    ]
    return sorted((test for test in tests if test.took < SLOW), key=lambda test: test.took)


def _measure(root: Path, name: str, path: Path) -> bool:
    def look(session: Session) -> None:
        found = list(session.measure(root / "src", list(session.items)))
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(found))
        partial.rename(path)

    def work() -> int:
        return run([f"tests/{name}.py"], Session(look))

    return forked(work, 600) != UNNOTICED


def _names(path: Path) -> dict[str, frozenset[str]]:
    """The names in each test of a file, and in what decorates it."""
    source = path.read_text()
    lines = source.splitlines()
    return {
        node.name: names_in(
            "\n".join(lines[min([node.lineno, *[mark.lineno for mark in node.decorator_list]]) - 1 : node.end_lineno])
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def names_in(source: str) -> frozenset[str]:
    """The words of a piece of source."""
    return frozenset(re.findall(r"[A-Za-z_]\w+", source))


def _hash(paths: Iterable[Path]) -> str:
    digest = blake2b(digest_size=8)
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def by_file(tests: Iterable[Test]) -> dict[str, list[Test]]:
    """The tests of each file."""
    found: defaultdict[str, list[Test]] = defaultdict(list)
    for test in tests:
        found[test.file].append(test)
    return dict(found)
