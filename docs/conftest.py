"""Runs the documentation: every block of Python on every page, each page from its top to its end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

_PAGE = "page_of_the_documentation"
_SOME_TWO_HUNDRED = 180


class _Counts:
    """How the tests of a run ended."""

    def __init__(self) -> None:
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed


def _set_up(namespace: dict[str, object]) -> None:
    namespace["__name__"] = _PAGE


@pytest.fixture
def prove(tmp_path: Path) -> Callable[[type], None]:
    """What a page calls to run a suite that it shows, and to see it pass."""

    def prove(suite: type) -> None:
        module = ModuleType(_PAGE)
        setattr(module, suite.__name__, suite)
        sys.modules[_PAGE] = module
        file = tmp_path / "test_page.py"
        file.write_text(f"from {_PAGE} import {suite.__name__}\n", encoding="utf-8")
        settings = tmp_path / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        counts = _Counts()
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        ended = pytest.main([str(file), "-c", str(settings), *options], plugins=[counts])
        assert ended == pytest.ExitCode.OK
        assert counts.passed > _SOME_TWO_HUNDRED

    return prove


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()], patterns=["*.md"], setup=_set_up, fixtures=["prove"]
).pytest()
