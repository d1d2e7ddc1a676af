"""What is said in several places is the same in all of them: version, Pythons, what is packed."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

import sms_transfer

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOX = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12", "3.13")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def constants(tree: ast.Module) -> dict[str, Any]:
    """The module's constants that are written out."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            try:
                found[node.target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def sessions() -> set[str]:
    return {
        node.name
        for node in NOX.body
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(one) for one in node.decorator_list)
    }


def tracked() -> list[str]:
    """What git keeps, where this is a repository: a test may run from the sdist too."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no repository")
    out = subprocess.run([git, "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return out.stdout.splitlines()


def test_the_version_stands_in_one_place() -> None:
    """The build reads it from the module that the package reads it from, and it is written nowhere else."""
    assert "src/sms_transfer/_version.py" == PROJECT["tool"]["hatch"]["version"]["path"]
    assert ["version"] == PROJECT["project"]["dynamic"]
    assert f'__version__ = "{sms_transfer.__version__}"\n' in text("src/sms_transfer/_version.py")
    others = ("docs/conf.py", "noxfile.py", "pyproject.toml", "README.md")
    assert [] == [name for name in others if sms_transfer.__version__ in text(name)]


def test_the_version_is_one_that_can_be_released() -> None:
    """Three numbers."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", sms_transfer.__version__)


def test_what_is_installed_is_this_version() -> None:
    """The metadata of a built package say the same; an editable one may have been installed before a change of it."""
    installed = distribution("sms-transfer")
    if '"editable": true' in (installed.read_text("direct_url.json") or ""):
        pytest.skip("what is installed is this folder, as it was then")
    assert sms_transfer.__version__ == installed.version


def test_the_pythons_are_the_same_everywhere() -> None:
    """Classifiers, the oldest one, the sessions of nox and the linters agree."""
    project, tool = PROJECT["project"], PROJECT["tool"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert list(PYTHONS) == named
    assert f">={PYTHONS[0]}" == project["requires-python"]
    assert PYTHONS == constants(NOX)["PYTHONS"]
    assert PYTHONS[0] == tool["pyright"]["pythonVersion"]
    assert f"py{PYTHONS[0].replace('.', '')}" == tool["ruff"]["target-version"]


@pytest.mark.parametrize("name", ["pyrightconfig.json", "pyrefly.toml"])
def test_users_types_are_checked_for_the_oldest_python(name: str) -> None:
    """What passes there passes on every Python."""
    assert f'"{PYTHONS[0]}"' in text(f"typing_tests/{name}")


def test_every_session_is_told_of() -> None:
    """The page for contributors lists the sessions that there are."""
    told = set(re.findall(r"^\| `(\w+)` \|", text("CONTRIBUTING.md"), flags=re.MULTILINE))
    assert sessions() == told


def test_continuous_integration_runs_sessions_that_there_are() -> None:
    """And the tests are among them."""
    if not (ROOT / ".ci").exists():
        pytest.skip("this is no repository")
    run = {name for line in re.findall(r"nox -s ([\w .-]+)", text(".ci/run")) for name in line.split()}
    assert run <= sessions()
    assert {"build", "quickstart", "reproducible", "tests", "typing"} <= run


def rooms(names: Iterable[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def test_the_sdist_holds_what_its_tests_need() -> None:
    """Everything that is kept is packed, but what runs the repository itself."""
    packed = {entry.removeprefix("/") for entry in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    assert rooms(tracked()) - {".ci", ".gitignore", "pyproject.toml"} <= packed


def test_every_type_checker_sees_the_users_code() -> None:
    """The session `typing` has a configuration for each that needs one, and something to check."""
    there = {file.name for file in (ROOT / "typing_tests").iterdir()}
    assert {"pyrefly.toml", "pyrightconfig.json", "refused.py", "service.py", "awaited.py"} <= there
    assert (ROOT / "src" / "sms_transfer" / "py.typed").is_file()


def test_every_public_method_is_in_users_code() -> None:
    """What can be called, and what can be awaited, is checked by its result."""
    for service, page in ((sms_transfer.TransferService, "service"), (sms_transfer.AsyncTransferService, "awaited")):
        public = {name for name in dir(service) if not name.startswith("_")} - {"team_index"}
        called = set(re.findall(r"service\.(\w+)\(", text(f"typing_tests/{page}.py")))
        assert set() == public - called


@pytest.mark.parametrize("page", ["SECURITY.md", "CONTRIBUTING.md"])
def test_the_pages_name_what_there_is(page: str) -> None:
    """Every link of theirs leads to a file."""
    links = re.findall(r"\]\(([^)#]+)\)", text(page))
    assert links
    assert [] == [link for link in links if not (ROOT / link).exists()]
