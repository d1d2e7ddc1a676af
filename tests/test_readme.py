"""The README is true: its code runs, its diagram is the code's own, and the files it names are there."""

from __future__ import annotations

import re
from contextlib import ExitStack
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


FIRST, STORES = blocks("python")
IN_MEMORY = "service = TransferService()\n"
PROMISED = re.findall(r"^print\(.*\)  # (.*)$", FIRST, flags=re.MULTILINE)


def run(code: str, **names: object) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - our own README


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    """The first block of Python runs by itself and prints what its comments say."""
    run(FIRST)

    assert PROMISED
    assert PROMISED == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("line", [line for line in STORES.splitlines() if line.startswith("service = ")])
def test_stores(line: str, postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is kept, one line of the first block changes, and it prints the same."""
    imports = "".join(f"{one}\n" for one in STORES.splitlines() if one.startswith("from "))
    line = line.replace("postgresql://host/database", postgres.conninfo)
    line = line.replace("centre.sqlite", f"{tmp_path}/centre.sqlite")
    changed = FIRST.replace(IN_MEMORY, f"{line}\n")

    assert changed != FIRST
    with ExitStack() as opened:
        stores = (
            lambda path: opened.enter_context(SqliteStore(path)),
            lambda conninfo: opened.enter_context(PostgresStore(conninfo, schema=new_schema())),
        )
        ours = "SqliteStore, PostgresStore = stores\n"  # as imported, but closed at the end
        run(imports + ours + changed, stores=stores)
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
