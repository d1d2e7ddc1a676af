"""The pictures in the documentation: taken of the real thing, by this module.

``SMS_TRANSFER_PICTURES=docs/pictures python -m pytest tests/test_web_browser_pictures.py`` takes them anew. Without
that they are taken and thrown away, and it is checked that the documentation has these and no others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from web import Served, sitting
from web_desktop.app import Options
from web_states import walk

pytestmark = pytest.mark.desktop

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = (ROOT / "docs/desktops.md", ROOT / "examples/web_desktop/README.md")
LARGEST: Final = 80_000  # bytes

PICTURES: Final[Mapping[str, tuple[str, int, int, str]]] = {
    "telephone": ("web-telephone", 700, 600, ""),
    "conversations with a picture": ("web-mms", 1240, 700, ".window >> nth=1"),
    "actions, and why not": ("web-team-communicator", 1240, 700, ".window >> nth=0"),
    "pending": ("web-pending", 1240, 560, ""),
    "preview": ("web-preview", 1240, 640, ""),
    "error and an unread message": ("web-error", 1240, 560, ""),
}
"""By state: the picture's name, how many pixels the window is wide and high, and of which part it is."""

STEADY: Final = """() => {
  const same = [[/\\d\\d:\\d\\d [AP]M/, "09:41 AM"], [/\\d+ s left/, "24 s left"], [/offered \\d+ s/, "offered 6 s"]];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let changed = false;
  while (texts.nextNode()) for (const [found, instead] of same) {
    const text = texts.currentNode.data.replace(found, instead);
    if (text !== texts.currentNode.data) { texts.currentNode.data = text; changed = true; }
  }
  return changed;
}"""
"""Makes every time the same, so that a picture changes when the page does; whether there was anything to do."""


def take(page: Page, width: int, height: int, part: str) -> bytes:
    """A picture in which no clock goes."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(0, 0)
    while True:
        page.evaluate(STEADY)
        picture = (page.locator(part) if part else page).screenshot(animations="disabled")
        if not page.evaluate(STEADY):
            return picture


def test_the_pictures_are_taken(browser: Browser, tmp_path: Path) -> None:
    """Each is small, and the documentation has these and no others."""
    kept = Path(os.environ.get("SMS_TRANSFER_PICTURES", tmp_path))
    options = Options(data=tmp_path / "centre", answer_within=timedelta(minutes=5))
    with Served(options) as served, sitting(browser, served.url) as sit:
        for state, page in walk(sit):
            if state in PICTURES:
                name, width, height, part = PICTURES[state]
                kept.joinpath(f"{name}.png").write_bytes(take(page, width, height, part))
    taken = {file.name: file.stat().st_size for file in kept.glob("web-*.png")}
    assert {file.name for file in ROOT.glob("docs/pictures/web-*.png")} == set(taken)
    for told in PAGES:
        assert set(taken) == set(re.findall(r"pictures/(web-.*?\.png)", told.read_text())), told
    assert max(taken.values()) < LARGEST
