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

from benchmarks.effort import Effort
from benchmarks.progress import progress
from benchmarks.result import Cell, Column, Drawing, Kind, Missing, Result, Table
from benchmarks.server import NO_LIMIT, find_chromium, need, need_postgres, running
from benchmarks.timing import percentile, ratios

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CONTACT: Final = "Jane Roe"
ALICE: Final = "Alice Ek"
BOB: Final = "Bob Lindström"
MOST: Final = 100
"""Clicks at most; one each round."""
GROUPS: Final = 5

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


def run(effort: Effort) -> Result:
    """Compare."""
    need("playwright", "starlette", "uvicorn", "websockets", "itsdangerous", "jinja2", "multipart")
    if find_chromium() is None:
        raise Missing("a Chromium")
    from web import chromium  # noqa: PLC0415 - in the tests; needs playwright

    clicks, absent, rounds = dict[str, list[Clicked]](), list[str](), effort.at_most(MOST).rounds
    with ExitStack() as opened:
        browser = opened.enter_context(chromium())
        ways: dict[str, Callable[[int], Clicked]] = {}
        for name, way in WAYS.items():
            try:
                ways[name] = opened.enter_context(way(browser))
                clicks[name] = []
            except Missing as missing:
                absent += missing.what
        for done in range(rounds):
            progress("clicks", done, rounds)
            for name, click in ways.items():
                clicks[name].append(click(done))
    return Result(
        "From the click to the window",
        "In Chromium, from the click on Accept until the window is open, and until it is closed on the other desktop;"
        " against a page that does nothing but click, with a server that sends every word to every window.",
        "The floor is what a browser, a socket and a server take at the least; the ratio is that with a transfer: its"
        " checks, its commit, what two desktops look up, and drawing them.",
        (_table(clicks, rounds),),
        absent=tuple(absent),
    )


def _table(clicks: dict[str, list[Clicked]], rounds: int) -> Table:
    medians = {
        name: [[percentile([time[which] for time in group], 0.5) for group in _groups(times)] for which in (0, 1)]
        for name, times in clicks.items()
    }
    rows: list[tuple[Cell, ...]] = []
    for name, times in clicks.items():
        opened, closed = ([time[which] for time in times] for which in (0, 1))
        to_floor = [ratios(medians[name][which], medians[FLOOR][which]) for which in (0, 1)]
        figures = percentile(opened, 0.5), max(opened), percentile(closed, 0.5), max(closed)
        rows.append((name, *figures, *to_floor))
    columns = (
        Column(""), Column("open, median ms", ".1f"), Column("longest", ".1f"),
        Column("closed there, median ms", ".1f"),
        Column("longest", ".1f"), Column("open, to the floor"), Column("closed there, to the floor"),
    )  # fmt: skip
    drawing = Drawing(Kind.BARS, "open, to the floor", ("",), "times the floor, until the window is open")
    return Table(f"{rounds} clicks each, one after the other", columns, tuple(rows), drawing)


def _groups(times: list[Clicked]) -> list[list[Clicked]]:
    """The clicks in a few stretches: each has a median, which one click has not."""
    length = -(-len(times) // GROUPS)
    return [times[at : at + length] for at in range(0, len(times), length)]


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
    need_postgres()
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
