"""The web desktop's screen: what a browser window that applies the changes shows, however late it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Direction,
    Interaction,
    InteractionWindow,
    Media,
    Message,
    Notice,
    SystemMessage,
)
from sms_transfer.ports import UserInterface
from sms_transfer.testing.conformance import Capability, Shown, UserInterfaceConformance
from web_desktop.screen import Screen
from web_wire import Json

pytestmark = pytest.mark.desktop

NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
IDS: Final = ("i", "j")


class Browser(Screen):
    """A screen, and a window that takes its changes as desk.js does."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.things: dict[str, dict[str, Json]] = {"agent": {}, "window": {}, "preview": {}, "message": {}}
        self.texts: dict[str, list[str]] = {}

    def take(self) -> int:
        """Show what has changed; how many changes there were."""
        changes = self._runner.run(self._changes())
        for kind, id_, look in changes:
            self._apply(kind, id_, look)
        return len(changes)

    async def _changes(self) -> list[tuple[str, str, Json]]:
        try:
            async with asyncio.timeout(0):
                return list(await self.changes())
        except TimeoutError:
            return []

    def _apply(self, kind: str, id_: str, look: Json) -> None:
        if look is None:
            self.things[kind].pop(id_, None)
            self.texts.pop(id_, None)
            return
        self.things[kind][id_] = look
        if kind == "window":  # what is not in its list yet is put after it
            had = self.texts.setdefault(id_, [])
            had.extend(text["text"] for text in look["transcript"] if text["text"] not in had)


@pytest.fixture
def make_browser() -> Generator[Callable[[], Browser]]:
    with asyncio.Runner() as runner:
        yield partial(Browser, runner)


class TestScreen(UserInterfaceConformance):
    """The suite that every front end passes."""

    capabilities = frozenset({Capability.REMOVES_MESSAGES, Capability.SHOWS_AGENT})

    @pytest.fixture
    def make_ui(self, make_browser: Callable[[], Browser]) -> Callable[[], Browser]:
        return make_browser

    def shown(self, ui: UserInterface) -> Shown:
        assert isinstance(ui, Browser)
        ui.take()
        windows = ui.things["window"]
        return Shown(
            windows=windows,
            previews=ui.things["preview"],
            errors=[id_ for id_, window in windows.items() if window["error"]],
            messages=ui.things["message"],
        )

    def shown_status(self, ui: UserInterface) -> ChannelStatus:
        assert isinstance(ui, Browser)
        ui.take()
        return ChannelStatus(ui.things["agent"]["alice"]["status"])


def _window(id_: str, count: int) -> InteractionWindow:
    """A window with so many texts."""
    texts = tuple(
        Message(f"{id_} {number}", interaction_id=id_, direction=Direction.INBOUND, text=f"{id_} {number}", at=NOON)
        for number in range(count)
    )
    return InteractionWindow(
        interaction=Interaction(id_, media=Media.SMS, contact=Contact("+14155550123"), owner="alice"),
        transcript=texts,
        pending=None,
        error=None,
        can_transfer=True,
        can_save_attachments=True,
    )


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["write", "write", "open", "close", "take"]), st.sampled_from(IDS)),
        min_size=10,
        max_size=40,
    ),
)
def test_t12_every_text_is_shown_once_and_in_order(acts: list[tuple[str, str]]) -> None:
    """T12: whenever a slow window takes what has changed, and whatever closed and opened again meanwhile."""
    counts = dict.fromkeys(IDS, 0)  # a conversation that comes back has grown elsewhere
    opened = set[str]()
    with asyncio.Runner() as runner:
        browser = Browser(runner)
        for act, id_ in [*acts, ("take", "i")]:
            if act == "take":
                browser.take()
                assert {one: [f"{one} {number}" for number in range(counts[one])] for one in opened} == browser.texts
            elif act == "close" and id_ in opened:
                opened.remove(id_)
                browser.close_window(id_)
            elif act != "close":
                counts[id_] += act == "write"
                show = browser.update_window if id_ in opened else browser.open_window
                opened.add(id_)
                show(_window(id_, counts[id_]))


def test_a8_what_is_not_taken_is_replaced(make_browser: Callable[[], Browser]) -> None:
    """A8: however much happens, there is at most one change waiting for each thing."""
    browser = make_browser()
    notice = Notice("transfer.expired", {"target": "Bob", "transfer": "t"})
    entry = SystemMessage("t", agent_id="alice", notice=notice, at=NOON, interaction_id="i")
    for number in range(1_000):
        browser.show_agent(Agent("alice", f"Alice {number}"))
        browser.update_window(_window("i", number // 100))
        browser.show_message(attrs.evolve(entry, read=bool(number % 2)))
        browser.dismiss_preview("v")
    assert 4 == browser.take()
    assert 0 == browser.take()
    assert "Alice 999" == browser.things["agent"]["alice"]["name"]
    assert browser.things["message"]["t"]["read"]


def test_d7_what_is_sent_in_pieces_is_sent_once(make_browser: Callable[[], Browser]) -> None:
    """D7: a window that is up to date is sent the new texts only."""
    browser = make_browser()
    browser.open_window(_window("i", 100))
    browser.take()
    browser.update_window(_window("i", 101))
    browser.take()
    assert ["i 100"] == [text["text"] for text in browser.things["window"]["i"]["transcript"]]
    assert 101 == len(browser.texts["i"])
