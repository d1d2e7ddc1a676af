"""The suites, over what comes with the library."""

from __future__ import annotations

import pytest

from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.testing.conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    """The store in memory is a store like any other."""

    @pytest.fixture
    def make_store(self) -> type[MemoryStore]:
        return MemoryStore
