"""What tests of several files begin with."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from servers import Server, running


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """A real PostgreSQL, started when the first test asks for it."""
    with running() as server:
        yield server
