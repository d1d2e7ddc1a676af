"""The links of the pages lead somewhere, and a link that names a test leads to that test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"^ *(```+|~~~+).*?^ *\1", flags=re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", flags=re.DOTALL)
LINK = re.compile(r"\[((?:[^][]|\[[^][]*\])*)\]\(([^()\s]+)\)")
ELSEWHERE = ("https://", "http://", "mailto:")
ALL_PAGES = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def links(page: Path) -> Iterator[tuple[str, str]]:
    """The links of a page that lead to something of ours: what is read, and where it leads."""
    prose = COMMENT.sub("", CODE.sub("", page.read_text(encoding="utf-8")))
    for text, target in LINK.findall(prose):
        if not target.startswith(ELSEWHERE):
            yield text, target


@cache
def anchors(page: Path) -> frozenset[str]:
    """What a link can name within a page: its headings, as repository browsers and MyST write them."""
    headings = re.findall(r"^#+ (.*)$", CODE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)


@cache
def names(module: Path) -> frozenset[str]:
    """Every function, class and variable that is defined anywhere in a module."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return frozenset(defined | assigned)


@ALL_PAGES
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link leads to a file or folder that is there, and to a heading that the page has."""
    for _, target in links(page):
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(place), target


@ALL_PAGES
def test_links_to_tests_name_tests_that_are_there(page: Path) -> None:
    """Where a link to a module reads like the name of a test, that module defines it."""
    for text, target in links(page):
        if target.endswith(".py"):
            named = re.fullmatch(r"`?(test_\w+|Test\w+(?:(?:\.|::)\w+)?)(?:\[.*\])?`?", text)
            for name in re.split(r"\.|::", named[1]) if named is not None else ():
                assert name in names((page.parent / target).resolve()), f"{text} in {target}"


def test_links_are_found() -> None:
    """There are some, so that the tests above are about something."""
    found = [link for page in PAGES for link in links(page)]

    assert [link for link in found if link[1].endswith(".md")]
    assert [link for link in found if link[1].endswith(".py")]
