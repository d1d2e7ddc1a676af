"""The README is true: its code runs, its diagram is the code's own, and the files it names are there."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

import sms_transfer
from servers import Server, new_schema
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.adapters.sqlite import SqliteStore

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


[FIRST] = blocks("python")
IN_MEMORY = "TransferService()"
PROMISED = re.findall(r"^print\(.*\)  # (.*)$", FIRST, flags=re.MULTILINE)


def run(code: str, **names: object) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - our own README


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    """The first block of Python runs by itself and prints what its comments say."""
    run(FIRST)

    assert PROMISED
    assert PROMISED == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("engine", ["SqliteStore", "PostgresStore"])
def test_stores(engine: str, postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a store that outlives the process, as its comment says, it prints the same."""
    changed = FIRST.replace(IN_MEMORY, "TransferService(store)")

    assert changed != FIRST
    assert engine in FIRST
    with (
        SqliteStore(tmp_path / "centre.sqlite")
        if engine == "SqliteStore"
        else PostgresStore(postgres.conninfo, schema=new_schema())
    ) as store:
        run(changed, store=store)
    assert PROMISED == capsys.readouterr().out.splitlines()


def test_diagram() -> None:
    """The state diagram is what the code draws of the table that it runs."""
    assert [sms_transfer.TRANSFER.mermaid()] == blocks("mermaid")


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"\b(?:tests|examples)/\w+\.py\b|\bdocs/[\w/-]+\.md\b|\b[A-Z]+\.md\b", README)))
)
def test_files(name: str) -> None:
    """Every file that the README sends its reader to is there."""
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(sms_transfer\.[\w.]+)", README + CHANGELOG))))
def test_names(name: str) -> None:
    """Every name of the library that the README and the changelog use is there."""
    assert resolve_name(name) is not None
