"""A centre whose desks each hang on a wire, and what there is to see on a desk."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Final
from uuid import uuid4

from playwright.sync_api import Browser, WebSocketRoute, expect

from web import Desk, Sit, sitting
from wire import Mode, Wire

ALICE: Final = "Alice Ek"
BOB: Final = "Bob Lindström"
CAROL: Final = "Carol Núñez"
JANE: Final = "Jane Roe"
_PICTURE: Final = """() => {
  const texts = (selector, root) => [...root.querySelectorAll(selector)].filter(one => one.checkVisibility())
      .map(one => one.innerText.replace(/\\d+ s (left|ago)/g, "some s $1"));
  return {
    alerts: texts("#connection, #refusal", document),
    channel: texts("#me, #status, [data-do], #unread, .none", document),
    pressed: [...document.querySelectorAll("[aria-pressed=true]")].map(one => one.innerText),
    offers: texts("#offers article", document),
    windows: [...document.querySelectorAll("#windows article")].map(one => [
      ...texts("h3, .error, .pending, .texts li, .transfer, dl", one), one.querySelector(".note textarea").value]),
    messages: texts("#messages li", document),
  };
}"""


class Centre:
    """A centre whose desks each hang on a wire."""

    def __init__(self, url: str, sit: Sit, wires: ExitStack) -> None:
        self.url = url
        self._sit = sit
        self._wires = wires
        self._wire: dict[int, Wire] = {}

    def sit(self, agent: str, *, ready: bool = True) -> Desk:
        """Have an agent sit down."""
        wire = self._wires.enter_context(Wire(self.url))
        desk = self._sit(agent, ready=ready, url=wire.url)
        self._wire[id(desk)] = wire
        return desk

    def turn(self, desk: Desk, mode: Mode) -> None:
        """Have this become of what a desk sends and is sent."""
        self._wire[id(desk)].turn(mode)

    def cut(self, desk: Desk) -> None:
        """Have the connection of a desk be lost, and its page say so."""
        self.turn(desk, Mode.CUT)
        lost(desk)

    def mend(self, desk: Desk) -> None:
        """Have the desk come back: its machine has found its network, and the page need not wait to try again."""
        self.turn(desk, Mode.WHOLE)
        desk.page.evaluate("window.dispatchEvent(new Event('online'))")
        back(desk)

    def text(self, desk: Desk, text: str) -> None:
        """Have Jane Roe text in, from the machine that this desk stands on and not over its wire."""
        sent = desk.page.request.post(f"{self.url}/telephone/jane", form={"text": text, "message_id": uuid4().hex})
        assert sent.ok


class News:
    """What the server sends a page without being asked, which a test can hold back; answers come at once."""

    def __init__(self) -> None:
        self._held: list[tuple[WebSocketRoute, str | bytes]] | None = None

    def hold(self) -> None:
        """Let none come from now on."""
        self._held = []

    def release(self) -> None:
        """Let come what was held back, and whatever comes after it."""
        held, self._held = self._held, None
        for page, message in held or ():
            page.send(message)

    def carry(self, page: WebSocketRoute) -> None:
        """Stand between a page and the server."""

        def pass_on(message: str | bytes) -> None:
            if self._held is None or "answer" in json.loads(message):
                page.send(message)
            else:
                self._held.append((page, message))

        page.connect_to_server().on_message(pass_on)


def delay_news(desk: Desk) -> News:
    """Reload a desk so that its news can be held back."""
    news = News()
    desk.page.route_web_socket(re.compile("/socket"), news.carry)
    desk.page.reload()
    back(desk)
    return news


@contextmanager
def centre_at(browser: Browser, url: str) -> Generator[Centre]:
    """Have desks at a centre that is served there."""
    with ExitStack() as wires, sitting(browser, url) as sit:
        yield Centre(url, sit, wires)


def lost(desk: Desk) -> None:
    """Wait until the page says that it is not connected, wherever it is scrolled to."""
    banner = desk.page.locator("#connection")
    expect(banner).to_contain_text("Not connected")
    expect(banner).to_be_in_viewport(ratio=1)


def back(desk: Desk) -> None:
    """Wait until the desk is connected, and so shows what there is."""
    expect(desk.status).not_to_have_text("not known yet")
    expect(desk.page.locator("#connection")).to_be_hidden()


def picture(desk: Desk) -> object:
    """Everything that is on the screen, but for the seconds."""
    return desk.page.evaluate(_PICTURE)
