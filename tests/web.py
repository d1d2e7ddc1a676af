"""The web desktop, served for real, and Chromium in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from copy import copy
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from starlette.applications import Starlette

from sms_transfer import TransferPolicy
from sms_transfer.adapters.sqlite import SqliteStore
from surroundings import find_chromium
from traces import validate
from web_desktop.__main__ import server
from web_desktop.app import Options, make_app

if TYPE_CHECKING:
    from sms_transfer.adapters.postgres import PostgresStore

ROOT = Path(__file__).parent.parent
PATIENCE = 15.0
LOST: Final = "WebSocket connection to"
"""How Chromium's complaint begins when a connection is lost; the page says so itself."""


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser for as long as the context lasts; it looks for nothing outside this machine."""
    quiet = ("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync")
    rootless = ("--no-sandbox",) if os.geteuid() == 0 else ()  # its sandbox does not work for root
    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*quiet, *rootless, "--no-first-run", "--force-device-scale-factor=1"]
        )
        try:
            yield browser
        finally:
            browser.close()


_open: Final = Counter[Path]()
"""By the directories of their data: how many serve them now."""


@contextmanager
def _leaving_the_truth(options: Options) -> Generator[None]:
    """When nobody serves a centre any more, all that it has recorded is explained by the core."""
    _open[options.data] += 1
    try:
        yield
    finally:
        _open[options.data] -= 1
    if not _open[options.data]:
        policy = TransferPolicy(invitation_timeout=options.answer_within, max_hops=options.max_hops)
        with _store_of(options) as store:
            validate(store, policy)


def _store_of(options: Options) -> SqliteStore | PostgresStore:
    if options.postgres:
        from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - few of the tests need it

        return PostgresStore(options.postgres, create=False)
    return SqliteStore(options.data / "centre.sqlite")


class Served:
    """The web desktop, or another application, served by a thread of this process."""

    def __init__(self, what: Options | Starlette, port: int = 0, *, ping: float = 20) -> None:
        self._leaving = _leaving_the_truth(what) if isinstance(what, Options) else nullcontext()
        self._server = server(make_app(what) if isinstance(what, Options) else what, port, ping)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        _wait(lambda: self._server.started or not self._thread.is_alive())
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __enter__(self) -> Self:
        self._leaving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._leaving.__exit__(kind, error, trace)


class ServedByProcess:
    """The web desktop, served by a process that can be killed and started again on the same port."""

    def __init__(self, data: Path, *options: str) -> None:
        given = dict(zip(options[::2], options[1::2], strict=True))
        answer_within = timedelta(seconds=float(given.get("--answer-within", 30)))
        postgres = given.get("--postgres", "")
        self._leaving = _leaving_the_truth(Options(data=data, postgres=postgres, answer_within=answer_within))
        self._words = [sys.executable, "-m", "examples.web_desktop", "--data", str(data), *options]
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Begin to serve."""
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [*self._words, "--port", str(self.port)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        _wait(lambda: _answers(self.port) or self._process.poll() is not None)
        assert self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._process.pid

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        self._leaving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._leaving.__exit__(kind, error, trace)


class Desk:
    """An agent's window, as somebody sees and uses it."""

    def __init__(self, context: BrowserContext, url: str, agent: str, *, ready: bool = True) -> None:
        self.faults: list[str] = []
        self.page = context.new_page()
        self._listen()
        self.page.goto(url)
        self.page.get_by_role("button", name=agent).click()
        expect(self.page.get_by_role("heading", level=1, name=agent)).to_be_visible()
        if ready:
            self.page.get_by_role("button", name="Ready", exact=True).click()
            expect(self.status).to_have_text("Ready")

    def _listen(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)

    def tab(self, url: str = "") -> Self:
        """Another window of this agent's, in the same browser; ``url`` is where its desktop is served, if elsewhere."""
        other = copy(self)
        other.page = self._beside(f"{url}{urlsplit(self.page.url).path}" if url else self.page.url)
        other._listen()  # noqa: SLF001 - of the same class
        return other

    @property
    def status(self) -> Locator:
        """The agent's status on the SMS channel."""
        return self.page.locator("#status")

    @property
    def offers(self) -> Locator:
        """Every interaction preview."""
        return self.page.get_by_role("article", name="Transfer from")

    def offer(self, sender: str) -> Locator:
        """The preview of what this colleague offers."""
        return self.page.get_by_role("article", name=f"Transfer from {sender}")

    @property
    def windows(self) -> Locator:
        """Every open conversation."""
        return self.page.locator("#windows article")

    def window(self, contact: str) -> Locator:
        """The conversation with this contact."""
        return self.page.locator("#windows").get_by_role("article", name=contact)

    def error(self, contact: str) -> Locator:
        """What stands at the top of the window after a transfer that was not accepted."""
        return self.window(contact).locator(".error").first

    @property
    def messages(self) -> Locator:
        """The entries of My Messages."""
        return self.page.locator("#messages li")

    def find(self, contact: str, text: str) -> Locator:
        """Press Transfer, type this, and give the first target that is found, once nothing else is in the list."""
        window = self.window(contact)
        window.get_by_role("button", name="Transfer", exact=True).click()
        window.get_by_label("Find").fill(text)
        targets = window.get_by_role("region", name="Team communicator").locator(".list > li")
        found = targets.filter(has_text=text).first
        expect(found).to_be_visible()
        if text:
            expect(targets.filter(has_not_text=text)).to_have_count(0)  # or it moves away from under the pointer
        return found

    def transfer(self, contact: str, to: str, *, note: str = "") -> None:
        """Offer a conversation to a target that can receive it."""
        found = self.find(contact, to)
        self.window(contact).get_by_role("region", name="Team communicator").get_by_label("Note").fill(note)
        found.get_by_text("Actions").click()
        found.get_by_role("button", name="SMS Transfer").click()
        expect(self.window(contact).locator(".pending")).to_be_visible()

    def accept(self, sender: str) -> None:
        """Take what this colleague offers."""
        self.offer(sender).get_by_role("button", name="Accept").click()

    def reject(self, sender: str, reason: str = "") -> None:
        """Turn down what this colleague offers."""
        offer = self.offer(sender)
        offer.get_by_label("Reason").fill(reason)
        offer.get_by_role("button", name="Reject").click()

    def press(self, contact: str, button: str) -> None:
        """Press a button of this conversation's window."""
        self.window(contact).get_by_role("button", name=button, exact=True).click()

    def reply(self, contact: str, text: str) -> None:
        """Text the contact."""
        self.draft(contact).fill(text)
        self.press(contact, "Send")

    def draft(self, contact: str) -> Locator:
        """Where a reply is written."""
        return self.window(contact).get_by_role("textbox", name="Reply")

    def note(self, contact: str) -> Locator:
        """The conversation's note, which goes wherever the conversation goes."""
        return self.window(contact).locator("form.note").get_by_role("textbox", name="Note")

    def texts(self, contact: str) -> Locator:
        """The words of every text of the conversation."""
        return self.window(contact).locator(".texts .text")

    def pending(self, contact: str) -> Locator:
        """What is said of a transfer that is under way."""
        return self.window(contact).locator(".pending")

    def refusal(self, contact: str) -> Locator:
        """Why something that was asked for in this window was not done."""
        return self.window(contact).locator(".refusal")

    def menu(self, contact: str, name: str) -> None:
        """Open the action menu of a target that the team communicator shows."""
        self.window(contact).get_by_label(f"Actions for {name}").click()

    def action(self, contact: str, name: str) -> Locator:
        """The action SMS Transfer of a target that the team communicator shows."""
        return self.window(contact).get_by_role("button", name=f"SMS Transfer to {name}")

    def telephone(self, person: str) -> Telephone:
        """The telephone of one who texts in; ``person`` is as the address of its page has it."""
        return Telephone(self._beside(urljoin(self.page.url, f"/telephone/{person}")))

    def _beside(self, url: str) -> Page:
        """A page in a window of its own: one behind another in the same window is drawn once a second only."""
        with self.page.expect_popup() as opened:
            self.page.evaluate("url => void window.open(url, '', 'popup, noopener')", url)
        return opened.value


class Telephone:
    """The telephone of somebody who texts in."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def text(self, words: str, *, picture: Path | None = None) -> None:
        """Text in, perhaps with a picture."""
        self.page.get_by_label("Text").fill(words)
        if picture is not None:
            self.page.get_by_label("Picture").set_input_files(picture)
        self.page.get_by_role("button", name="Send").click()
        expect(self.page.locator(".texts li.mine").last).to_contain_text(words)

    def shows(self, *texts: str) -> None:
        """See these texts, in this order."""
        self.page.get_by_role("link", name="Look again").click()
        expect(self.page.locator(".texts .text")).to_have_text(texts)


@contextmanager
def sitting(browser: Browser, url: str) -> Generator[Sit]:
    """Have agents sit down, each with a browser of their own; at the end no page may have complained."""
    desks: list[Desk] = []

    def sit(agent: str, *, ready: bool = True, url: str = url) -> Desk:
        desks.append(Desk(browser.new_context(), url, agent, ready=ready))
        return desks[-1]

    yield sit
    for desk in desks:
        desk.page.context.close()
    assert [] == [fault for desk in desks for fault in desk.faults if not fault.startswith(LOST)]


class Sit(Protocol):
    """Has an agent sit down."""

    def __call__(self, agent: str, *, ready: bool = True, url: str = ...) -> Desk:
        """Log in under this name, and be Ready; ``url`` is where the desktop is served, if elsewhere."""
        ...


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition: object) -> None:
    end = time.monotonic() + PATIENCE
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
