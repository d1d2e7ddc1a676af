"""The page of guarantees is whole: it has every rule, each with tests that there are, and that are about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
SUITES = ROOT / "src" / "sms_transfer" / "testing" / "conformance"
LAST: Final = {"T": 16, "D": 7, "E": 4, "Q": 5, "F": 7, "A": 8}
"""How many rules of each letter there are."""
RULES = [f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)]
LINK = re.compile(r"\[`((?:Test\w+::)?[Tt]est\w+)`\]\(([^)]+\.py)\)")
"""What a link to a test looks like: its name in backticks, and the file it is in."""

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def claims() -> dict[str, list[tuple[str, str]]]:
    """The tests that the page links to for each rule, by the rule."""
    text = PAGE.read_text(encoding="utf-8")
    items = re.findall(r"^- \*\*([A-Z]\d+)\*\* (.+(?:\n  .+)*)", text, flags=re.MULTILINE)
    assert len(items) == len(dict(items)), "a rule stands twice"
    return {rule: LINK.findall(item) for rule, item in items}


@cache
def those_in(file: Path) -> dict[str, Node]:
    """The tests in a file, and the classes of tests, by the name that pytest gives them within it."""
    found = dict[str, Node]()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, Node):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            is_suite = file.parent == SUITES  # whoever derives from it gives it a name
            prefix = "" if is_suite else f"{node.name}::"
            found.update({f"{prefix}{inner.name}": inner for inner in node.body if isinstance(inner, Node)})
    return {name: node for name, node in found.items() if name.split("::")[-1].lower().startswith("test")}


def quoted(name: str, test: Node) -> set[str]:
    """The rules that a test is about, by its name and its sentence; ``F1 to F4`` are four."""
    named = re.match(r"test_((?:[a-z]\d+_)*)", name.rsplit("::", maxsplit=1)[-1])
    said = ast.get_docstring(test) or ""
    rules = {rule.upper() for rule in (named[1].split("_") if named else ()) if rule}
    rules |= set(re.findall(r"\b[TDEFQA]\d+\b", said))
    for letter, first, last in re.findall(r"\b([TDEFQA])(\d+) to \1(\d+)\b", said):
        rules |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return rules


def linked(path: str) -> Path:
    """The file that a link of the page leads to."""
    return (PAGE.parent / path).resolve()


def names_of_tests() -> Iterator[str]:
    """The name of every test, and of every test of a suite for other people's adapters."""
    for file in (*ROOT.glob("tests/test_*.py"), *SUITES.glob("*.py")):
        yield from those_in(file)


def test_every_rule_is_on_the_page() -> None:
    """Each once, and no other."""
    assert sorted(RULES) == sorted(claims())


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_test_that_is_about_it(rule: str) -> None:
    """Each test that a rule links to is there, and names the rule in its name or its sentence."""
    shown = claims()[rule]

    assert shown
    for name, path in shown:
        test = those_in(linked(path)).get(name)
        assert test is not None, f"there is no {name} in {path}"
        assert rule in quoted(name, test), f"{name} does not say that it is about {rule}"


def test_every_other_test_that_is_linked_is_there() -> None:
    """On this page and on its neighbours."""
    links = [link for page in PAGE.parent.glob("*.md") for link in LINK.findall(page.read_text(encoding="utf-8"))]

    assert [] == [(name, path) for name, path in links if name not in those_in(linked(path))]


def test_every_rule_in_the_name_of_a_test_is_on_the_page() -> None:
    """So that no test is about a rule that nobody has told."""
    tested = {
        rule.upper()
        for name in names_of_tests()
        for named in re.findall(r"^(?:Test\w+::)?test_((?:[a-z]\d+_)+)", name)
        for rule in named.split("_")
        if rule
    }

    assert set(RULES) == tested
