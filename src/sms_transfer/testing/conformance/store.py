"""`StoreConformance`: the suite of a `sms_transfer.ports.TransferStore`."""

from __future__ import annotations

from typing import ClassVar

import pytest

from sms_transfer.testing.conformance._able import Able
from sms_transfer.testing.conformance._commits import Commits
from sms_transfer.testing.conformance._desktops import Desktops
from sms_transfer.testing.conformance._favourites import Favourites
from sms_transfer.testing.conformance._feed import Feed
from sms_transfer.testing.conformance._fidelity import Fidelity
from sms_transfer.testing.conformance._handles import Doorbell, Handles
from sms_transfer.testing.conformance._lines import Lines
from sms_transfer.testing.conformance._model import Model
from sms_transfer.testing.conformance._places import Places
from sms_transfer.testing.conformance._races import Races
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore
from sms_transfer.testing.conformance._suite import Capability
from sms_transfer.testing.conformance._waiting import Waiting
from sms_transfer.testing.conformance.directory import DirectoryConformance, MakeDirectory


class StoreConformance(
    Commits,
    Places,
    Lines,
    Able,
    Favourites,
    Feed,
    Desktops,
    Waiting,
    Fidelity,
    Races,
    Handles,
    Doorbell,
    Model,
    DirectoryConformance,
):
    """What a `TransferStore` must do.

    Give it the fixture ``make_store``: a callable that makes a new, empty store each time; clean up after them in the
    fixture. For `Capability.DURABLE` and `Capability.MANY_HANDLES` also ``reopen_store``: a callable that takes a store
    and opens another handle on the same data.
    """

    included: ClassVar[frozenset[Capability]] = frozenset({Capability.TEAMS})

    @pytest.fixture
    def make_directory(self, make_store: MakeStore) -> MakeDirectory:
        """The store keeps agents too."""
        return make_store

    @pytest.fixture
    def reopen_directory(self, reopen_store: ReopenStore) -> ReopenStore:
        """Another handle on the same agents."""
        return reopen_store
