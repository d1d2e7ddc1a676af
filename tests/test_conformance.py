"""The suites, over what comes with the library, and over stores in memory that declare everything."""

from __future__ import annotations

import asyncio

import attrs
import pytest

import sms_transfer
from doubles import StatusUI
from kept_in_memory import AsyncSharedStore, SharedStore
from sms_transfer import ChannelStatus, Event, TransferClosed, TransferEvent
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.ports import AsyncTransferStore, Directory, Messaging, TransferStore, UserInterface
from sms_transfer.testing import RecordingUI
from sms_transfer.testing.conformance import (
    AsyncStoreConformance,
    Capability,
    DirectoryConformance,
    MessagingConformance,
    Shown,
    StoreConformance,
    UserInterfaceConformance,
)
from sms_transfer.testing.conformance._commits import Scene
from sms_transfer.testing.conformance._dictionaries import Dictionaries
from sms_transfer.testing.conformance._events import EVENTS
from sms_transfer.testing.conformance._store_suite import ReopenStore
from sms_transfer.testing.conformance.aio import BlockingStore, Loop, MakeAsyncStore, ReopenAsyncStore
from sms_transfer.testing.conformance.directory import ReopenDirectory
from sms_transfer.testing.conformance.messaging import ReopenMessaging

EVERYTHING = frozenset({Capability.DURABLE, Capability.MANY_HANDLES, Capability.RINGS_ON_COMMIT, Capability.KNOWS_IDLE})


def reopen(store: TransferStore) -> SharedStore:
    """Another handle."""
    assert isinstance(store, SharedStore)
    return store.reopen()


class TestMemoryStore(StoreConformance):
    """The store in memory is a store like any other."""

    capabilities = frozenset({Capability.KNOWS_IDLE})

    @pytest.fixture
    def make_store(self) -> type[MemoryStore]:
        return MemoryStore


class TestSharedStore(StoreConformance):
    """One that declares everything."""

    capabilities = EVERYTHING
    examples = 20

    @pytest.fixture
    def make_store(self) -> type[SharedStore]:
        return SharedStore

    @pytest.fixture
    def reopen_store(self) -> ReopenStore:
        return reopen


class TestAsyncSharedStore(AsyncStoreConformance):
    """The same with coroutines."""

    capabilities = EVERYTHING
    examples = 15

    @pytest.fixture
    def make_async_store(self) -> MakeAsyncStore:
        async def make() -> AsyncSharedStore:
            store = AsyncSharedStore(SharedStore())
            store.task = asyncio.create_task(asyncio.sleep(3_600))  # as one that listens to a database has
            return store

        return make

    @pytest.fixture
    def reopen_async_store(self) -> ReopenAsyncStore:
        async def reopen(store: AsyncTransferStore) -> AsyncSharedStore:
            assert isinstance(store, AsyncSharedStore)
            return await store.reopen()

        return reopen


class TestAwaitableMemoryStore(AsyncStoreConformance):
    """A blocking store whose methods are called by threads of the loop."""

    examples = 15

    @pytest.fixture
    def make_async_store(self) -> MakeAsyncStore:
        async def make() -> AwaitableStore:
            return AwaitableStore(MemoryStore())

        return make


class TestMemoryDirectory(DirectoryConformance):
    """The agents of a store, and what they serve, by themselves."""

    capabilities = frozenset({Capability.MANY_HANDLES, Capability.TEAMS, Capability.KNOWS_IDLE})

    @pytest.fixture
    def make_directory(self) -> type[SharedStore]:
        return SharedStore

    @pytest.fixture
    def reopen_directory(self) -> ReopenDirectory:
        def reopen(directory: Directory) -> Directory:
            assert isinstance(directory, SharedStore)
            return directory.reopen()

        return reopen


class TestInProcessMessaging(MessagingConformance):
    """The doorbell of one process; another end of it is itself."""

    capabilities = frozenset({Capability.MANY_HANDLES})

    @pytest.fixture
    def make_messaging(self) -> type[InProcessMessaging]:
        return InProcessMessaging

    @pytest.fixture
    def reopen_messaging(self) -> ReopenMessaging:
        def same(bell: Messaging) -> Messaging:
            return bell

        return same


class TestRecordingUI(UserInterfaceConformance):
    """The front end that remembers."""

    capabilities = frozenset({Capability.REMOVES_MESSAGES})

    @pytest.fixture
    def make_ui(self) -> type[RecordingUI]:
        return RecordingUI

    def shown(self, ui: UserInterface) -> Shown:
        assert isinstance(ui, RecordingUI)
        return Shown(windows=ui.windows, previews=ui.previews, errors=ui.errors, messages=ui.messages)


class TestStatusUI(TestRecordingUI):
    """The same with the agent's status."""

    capabilities = frozenset({Capability.REMOVES_MESSAGES, Capability.SHOWS_AGENT})

    @pytest.fixture
    def make_ui(self) -> type[RecordingUI]:
        return StatusUI

    def shown_status(self, ui: UserInterface) -> ChannelStatus:
        assert isinstance(ui, StatusUI)
        return ui.agents[-1].status


def test_the_suite_has_an_event_of_every_kind() -> None:
    """A1: whatever is exported as an event is one of those that must come back."""
    exported = {value for name in sms_transfer.__all__ if isinstance(value := getattr(sms_transfer, name), type)}
    kinds = {kind for kind in exported if issubclass(kind, Event) and attrs.has(kind)}
    assert {type(event) for event in EVENTS} == kinds - {Event, TransferEvent, TransferClosed}


def test_a_driven_store_has_every_method() -> None:
    """D7: what is asked of a store is asked of one with coroutines."""
    wanted = {name for base in AsyncTransferStore.__mro__ for name in vars(base) if not name.startswith("_")}
    loop = Loop()

    driven = BlockingStore(loop, AsyncSharedStore(SharedStore()))

    loop.close()
    assert {"add_queue", "waiting", "recents", "commit"} <= wanted
    assert set() == {name for name in wanted if not callable(getattr(driven, name, None))}


class Remembering(MemoryStore):
    """A store that remembers what it recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[Decision] = []

    def commit(self, decision: Decision) -> None:
        super().commit(decision)
        self.recorded.append(decision)


def test_f7_the_dictionaries_refuse_what_a_store_must_refuse() -> None:
    """F7: what a model test compares with agrees with what the other tests say, reason by reason."""
    store, model = Remembering(), Dictionaries()
    scene = Scene(store)
    model.agents |= store.agents(scene.story.agents)
    for decision in store.recorded:
        assert set() == model.refusals(decision)
        model.commit(decision)

    for reason, decision in scene.refused.items():
        error, fields = scene.expected(reason)
        assert {(error, fields["kind"], fields["id"])} == model.refusals(decision)
    assert set() == model.refusals(scene.sound)
