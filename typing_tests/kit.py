"""The testing kit, as somebody's test suite uses it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    Event,
    FrozenDict,
    Interaction,
    InteractionPreview,
    InteractionState,
    Message,
    Notice,
    Snapshot,
    SystemMessage,
    Target,
    TargetKind,
    TransferPolicy,
    TransferRequest,
    TransferService,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.postgres import AsyncPostgresStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import AsyncTransferStore, TransferStore, UserInterface
from sms_transfer.testing import ManualClock, RecordingUI, strategies
from sms_transfer.testing.conformance import (
    AsyncStoreConformance,
    Capability,
    Shown,
    StoreConformance,
    UserInterfaceConformance,
    deviates,
)
from sms_transfer.testing.conformance.aio import Loop
from sms_transfer.testing.explore import Report, explore
from sms_transfer.testing.machine import TransferMachine
from sms_transfer.testing.queue_machine import QueueMachine


class TestMyStore(StoreConformance):
    """A store of somebody's."""

    capabilities = frozenset({Capability.DURABLE})

    @pytest.fixture
    def make_store(self, tmp_path: Path) -> Callable[[], TransferStore]:
        return lambda: SqliteStore(tmp_path / "centre")

    @deviates("there is one writer")
    def test_mine(self) -> None: ...


class TestMyAsyncStore(AsyncStoreConformance):
    """One whose methods are coroutines."""

    @pytest.fixture
    def make_async_store(self, loop: Loop) -> Callable[[], Awaitable[AsyncTransferStore]]:
        del loop

        async def make() -> AsyncTransferStore:
            return AsyncPostgresStore("")

        return make


class TestMyScreen(UserInterfaceConformance):
    """A front end of somebody's."""

    @pytest.fixture
    def make_ui(self) -> Callable[[], UserInterface]:
        return RecordingUI

    def shown(self, ui: UserInterface) -> Shown:
        assert isinstance(ui, RecordingUI)
        return Shown(windows=ui.windows, previews=ui.previews, errors=ui.errors, messages=ui.messages)


class MyTransfers(TransferMachine):
    """Somebody's wiring."""

    def make_service(self, clock: ManualClock) -> TransferService:
        return TransferService(MemoryStore(), clock=clock)


class MyQueues(QueueMachine):
    """Likewise."""

    def make_service(self, clock: ManualClock) -> TransferService:
        assert_type(self.policy, TransferPolicy)
        return TransferService(clock=clock, policy=self.policy)


TestMyTransfers = MyTransfers.TestCase


@given(strategies.interactions(states=st.just(InteractionState.QUEUED)), strategies.agents(st.just("a")))
def test_mine(interaction: Interaction, agent: Agent) -> None:
    """A property."""
    assert interaction.owner != agent.id


def made_of() -> None:
    """What the strategies make."""
    assert_type(strategies.agents(), st.SearchStrategy[Agent])
    assert_type(strategies.targets(st.just(TargetKind.AGENT)), st.SearchStrategy[Target])
    assert_type(strategies.interactions(owner="a"), st.SearchStrategy[Interaction])
    assert_type(strategies.messages(), st.SearchStrategy[Message])
    assert_type(strategies.transfer_requests(live=True), st.SearchStrategy[TransferRequest])
    assert_type(strategies.notices(), st.SearchStrategy[Notice])
    assert_type(strategies.system_messages(), st.SearchStrategy[SystemMessage])
    assert_type(strategies.snapshots(), st.SearchStrategy[Snapshot])
    assert_type(strategies.interaction_previews(), st.SearchStrategy[InteractionPreview])
    assert_type(strategies.events(Event), st.SearchStrategy[Event])
    assert_type(strategies.frozen_dicts(st.integers()), st.SearchStrategy[FrozenDict[int]])
    assert_type(strategies.histories(max_steps=5, make_service=wired), st.SearchStrategy[tuple[Event, ...]])
    assert_type(st.from_type(Interaction), st.SearchStrategy[Interaction])


def wired(clock: ManualClock, policy: TransferPolicy) -> TransferService:
    """Somebody's wiring."""
    return TransferService(clock=clock, policy=policy)


def by_hand() -> None:
    """A clock, a front end that remembers, every state of a small world."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(seconds=30))
    assert_type(clock.now(), datetime)
    ui = RecordingUI()
    front_end: UserInterface = ui
    del front_end
    assert_type(ui.calls, list[tuple[str, object]])
    assert_type(explore(limit=10), Report)
