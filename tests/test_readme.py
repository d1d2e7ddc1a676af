"""The README is true: its code runs, its diagram is the code's own, and the files it names are there."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

import sms_transfer

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block of Python runs by itself and prints what its comments say."""
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)

    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own README

    assert promised == capsys.readouterr().out.splitlines()


def test_has_python() -> None:
    """There is an example to run; a README that has lost it would pass the test above."""
    assert blocks("python")


def test_diagram() -> None:
    """The state diagram is what the code draws of the table that it runs."""
    assert [sms_transfer.TRANSFER.mermaid()] == blocks("mermaid")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(?:tests|examples)/\w+\.py\b|\b[A-Z]+\.md\b", README))))
def test_files(name: str) -> None:
    """Every file that the README sends its reader to is there."""
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(sms_transfer\.[\w.]+)", README + CHANGELOG))))
def test_names(name: str) -> None:
    """Every name of the library that the README and the changelog use is there."""
    assert resolve_name(name) is not None
