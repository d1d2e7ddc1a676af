# ruff: noqa: INP001 - a script beside what it makes; it belongs to no package
"""Draws the pictures of the terminal desktop: ``python docs/pictures/make_terminal.py``, with the extra desktops.

They are drawn from the program itself over a store in memory, by a clock that stands still, so that they change only
where the program does.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
sys.path.append(str(HERE.parent.parent / "examples"))
os.environ["TZ"] = "UTC"
time.tzset()

from textual.pilot import Pilot  # noqa: E402
from textual.widgets import Input  # noqa: E402

from sms_transfer import AsyncTransferService, TransferService  # noqa: E402
from sms_transfer.adapters.blocking import AwaitableStore, at_once  # noqa: E402
from sms_transfer.adapters.memory import MemoryStore  # noqa: E402
from sms_transfer.testing import ManualClock  # noqa: E402
from terminal_desktop.app import TerminalDesktop  # noqa: E402 - it is found since just now
from terminal_desktop.centre import fill  # noqa: E402

SIZE: Final = (110, 30)
REMOTE: Final = re.compile(r"@font-face \{.*?\}|<!-- Generated.*?-->", re.DOTALL)  # they would be fetched


async def settle(pilot: Pilot[None]) -> None:
    """Let everything that is under way be done, the search that waits for more letters included."""
    for _ in range(20):
        await pilot.pause(0.05)


def draw(pilot: Pilot[None], name: str) -> None:
    """Keep what is on the screen."""
    picture = REMOTE.sub("", pilot.app.export_screenshot(title="SMS desktop"))
    lines = [line.rstrip() for line in picture.splitlines()]
    (HERE / f"terminal-{name}.svg").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def tell(a: Pilot[None], b: Pilot[None], clock: ManualClock) -> None:
    """The lesson, as far as there is something new to be seen."""
    await a.press("enter", "f5")
    await settle(a)
    draw(a, "team-communicator")
    await a.press(*"bob l")
    await settle(a)
    await a.press("tab", *"You know parcels", "enter", "enter")
    await settle(a)
    clock.advance(timedelta(seconds=8))
    await a.press(*"My colleague Bob will")
    await settle(a)
    draw(a, "pending")
    await b.press("f6")
    await settle(b)
    draw(b, "preview")
    await b.press("tab", "tab", "tab", *"Parcels are not mine", "f8")
    await settle(a)
    draw(a, "error")
    await a.press("f9", "enter")
    await settle(a)
    draw(a, "my-messages")


async def main() -> None:
    """Draw them all."""
    store, clock = MemoryStore(), ManualClock()
    centre = TransferService(store, clock=clock)
    fill(centre)
    for agent_id in ("alice", "bob", "carol"):
        centre.log_in(agent_id)
        centre.set_ready(agent_id)
    centre.set_not_ready("carol", "lunch")
    centre.set_do_not_disturb("carol", on=True)
    service = AsyncTransferService(AwaitableStore(store, at_once), clock=clock)
    alice, bob = (TerminalDesktop(service, agent_id, now=clock.now) for agent_id in ("alice", "bob"))
    async with (
        service.ticking(timedelta(milliseconds=100)),
        alice.run_test(size=SIZE) as a,
        bob.run_test(size=SIZE) as b,
    ):
        await settle(a)
        await settle(b)
        for field in (*alice.query(Input), *bob.query(Input)):
            field.cursor_blink = False  # whether it is to be seen would be chance
        await tell(a, b, clock)


if __name__ == "__main__":
    asyncio.run(main())
