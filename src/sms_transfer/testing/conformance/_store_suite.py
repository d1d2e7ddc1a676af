"""What every part of `StoreConformance` begins with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sms_transfer.core.decision import Decision
from sms_transfer.core.model import Interaction
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._samples import opened, opening
from sms_transfer.testing.conformance._suite import Suite

MakeStore = Callable[[], TransferStore]
ReopenStore = Callable[[TransferStore], TransferStore]


class StoreSuite(Suite):
    """The fixtures of the store's suite."""

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Each call makes a new, empty store; what it made is cleaned up in your fixture."""
        return pytest.fail(f"{type(self).__name__} needs a fixture make_store: a callable that makes an empty store")

    @pytest.fixture
    def reopen_store(self) -> ReopenStore:
        """Another handle on the data of the given store, which may be closed."""
        return pytest.fail(f"{type(self).__name__} needs a fixture reopen_store for what it declares")

    @pytest.fixture
    def store(self, make_store: MakeStore) -> TransferStore:
        """A store in which Alice owns ``"i"``, at version 1."""
        store = make_store()
        store.commit(opening(opened()))
        return store


def put(store: TransferStore, decision: Decision) -> Interaction:
    """Commit, and tell how the interaction is now."""
    store.commit(decision)
    return decision.interaction
