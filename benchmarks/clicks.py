"""How long it takes from the click on Accept until the window is open, in Chromium, with two desktops on the screen.

The floor is a page that does nothing but click: one socket to a server that sends every word to every window at once,
and an element that is put into the page. So the difference is what the transfer costs: checks, a commit that is on the
disk, what both desktops look up, and drawing them. On PostgreSQL each desktop has a server of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.report import progress, table
from benchmarks.server import NO_LIMIT, missing, running
from benchmarks.timing import percentile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CONTACT: Final = "Jane Roe"
ALICE: Final = "Alice Ek"
BOB: Final = "Bob Lindström"
MOST: Final = 100
"""Clicks at most; one each round."""

WATCH: Final = """([id, gone]) => {
  const there = () => Boolean(document.querySelector(`#windows > .list > [data-id="${id}"]`));
  const clock = () => performance.timeOrigin + performance.now();
  window.clicked = null;
  document.addEventListener("click", () => { window.clicked = clock(); }, {capture: true, once: true});
  window.changed = new Promise(resolve => {
    const look = () => { if (there() !== gone) { watcher.disconnect(); resolve(clock()); } };
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, {childList: true, subtree: true});
    look();
  });
}"""

Clicked = tuple[float, float]
"""Milliseconds from the click until the window was open here, and until it was closed there."""


def run(rounds: int) -> str:
    """Compare, and tell it in a table."""
    absent = missing("playwright", "starlette", "uvicorn", "psycopg")
    if absent is not None:
        return absent
    from surroundings import find_chromium  # noqa: PLC0415 - in the tests, as is the server

    if find_chromium() is None:
        return "\nThere is no Chromium on this machine: clicks were not measured.\n"
    from web import chromium  # noqa: PLC0415 - needs playwright

    with ExitStack() as opened:
        browser = opened.enter_context(chromium())
        ways = {name: opened.enter_context(way(browser)) for name, way in WAYS.items()}
        clicks: dict[str, list[Clicked]] = {name: [] for name in ways}
        for done in range(min(rounds, MOST)):
            progress("clicks", done, min(rounds, MOST))
            for name, click in ways.items():
                clicks[name].append(click(done))
    return _report(clicks)


def _report(clicks: dict[str, list[Clicked]]) -> str:
    floor = percentile([opened for opened, _ in clicks[FLOOR]], 0.5)
    rows = []
    for name, times in clicks.items():
        opened, closed = ([time[which] for time in times] for which in (0, 1))
        middle = percentile(opened, 0.5)
        rows.append(
            (
                name,
                f"{middle:.1f}",
                f"{percentile(opened, 0.99):.1f}",
                f"{percentile(closed, 0.5):.1f}",
                f"{percentile(closed, 0.99):.1f}",
                f"{middle / floor:.2f}",
            )
        )
    head = ("ms from the click on Accept", "open, median", "99 %", "closed there, median", "99 %", "to the floor")
    return table(f"Chromium: {len(clicks[FLOOR])} clicks each, one after the other", head, rows)


FLOOR: Final = "floor: one element through one socket"


@contextmanager
def _floor(browser: Browser) -> Generator[Callable[[int], Clicked]]:
    from benchmarks.bare_desktop import app  # noqa: PLC0415 - needs starlette
    from web import Served  # noqa: PLC0415 - likewise

    with Served(app()) as served:
        pages = [browser.new_context().new_page() for _ in range(2)]
        for page in pages:
            page.goto(served.url)
            page.wait_for_function("window.ready")

        def click(number: int) -> Clicked:
            for page in pages:
                page.evaluate(WATCH, [str(number), False])
            pages[0].get_by_role("button").click()
            return _times(pages[0], pages[1])

        yield click


@contextmanager
def _on_sqlite(browser: Browser) -> Generator[Callable[[int], Clicked]]:
    from web import ServedByProcess  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as data, ServedByProcess(Path(data), *NO_LIMIT) as served:
        yield _to_and_fro(browser, served.url, served.url)


@contextmanager
def _on_postgres(browser: Browser) -> Generator[Callable[[int], Clicked]]:
    from web import ServedByProcess  # noqa: PLC0415 - as above

    with ExitStack() as opened:
        data = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        words = (*NO_LIMIT, "--postgres", opened.enter_context(running()).conninfo)
        here, there = (opened.enter_context(ServedByProcess(data, *words)) for _ in range(2))
        yield _to_and_fro(browser, here.url, there.url)


def _to_and_fro(browser: Browser, here: str, there: str) -> Callable[[int], Clicked]:
    """Alice and Bob hand one conversation to and fro."""
    from web import Desk  # noqa: PLC0415 - as above

    desks = [Desk(browser.new_context(), url, agent) for url, agent in ((here, ALICE), (there, BOB))]
    names = (ALICE, BOB)

    def click(number: int) -> Clicked:
        sender, invitee = desks[number % 2], desks[1 - number % 2]
        sender.transfer(CONTACT, names[1 - number % 2])
        invitee.offer(names[number % 2]).wait_for()
        invitee.page.evaluate(WATCH, ["jane-1", False])
        sender.page.evaluate(WATCH, ["jane-1", True])
        invitee.accept(names[number % 2])
        return _times(invitee.page, sender.page)

    return click


def _times(here: Page, there: Page) -> Clicked:
    changed = here.evaluate("window.changed"), there.evaluate("window.changed")
    clicked: float = here.evaluate("window.clicked")
    return changed[0] - clicked, changed[1] - clicked


WAYS: Final = {
    FLOOR: _floor,
    "sms_transfer on SQLite, one server": _on_sqlite,
    "sms_transfer on PostgreSQL, a server each": _on_postgres,
}
