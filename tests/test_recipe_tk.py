"""The recipe for Tkinter: two agents' windows on a real display, and real presses of their buttons."""

from __future__ import annotations

import gc
import os
import subprocess
import time
import tkinter as tk
from collections.abc import Callable, Generator
from datetime import timedelta
from importlib import import_module
from threading import Thread, current_thread
from typing import Any, Final

import pytest

from sms_transfer import Agent, ChannelStatus, Interaction, Media, Privilege, TransferService
from sms_transfer.testing import ManualClock
from support import CONTACT

pytestmark = pytest.mark.desktop

PATIENCE: Final = 20.0
"""Seconds that a test waits for a window before it fails."""


@pytest.fixture(scope="module")
def display() -> Generator[None]:
    """A screen that nobody looks at; the X server picks a number that is free."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    with (
        subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as server,  # noqa: S603 - its own words
        pytest.MonkeyPatch.context() as patch,
        os.fdopen(reader) as number,
    ):
        os.close(writer)
        patch.setenv("DISPLAY", f":{number.readline().strip()}")
        try:
            yield
        finally:
            server.terminate()


class Centre:
    """Alice and Bob, each at a window of the recipe's, and a conversation of Alice's."""

    def __init__(self) -> None:
        self.recipe = import_module("recipes.tk_window")
        self.clock = ManualClock()
        self.service = TransferService(clock=self.clock)
        self.root: tk.Tk = tk.Tk()
        self.windows = {"alice": self.root, "bob": tk.Toplevel(self.root)}
        self.desks = {}
        for agent_id, window in self.windows.items():
            self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
            self.desks[agent_id] = self.recipe.Desk(window, self.service, agent_id)
        self.service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))

    def until(self, condition: Callable[[], object]) -> None:
        """Let Tk work until this is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.read("alice") + self.read("bob")
            self.root.update()
            time.sleep(0.01)

    def part(self, agent_id: str, name: str) -> Any:
        """The newest part of this name that an agent sees: a button, an entry."""
        parts = widgets_of(self.windows[agent_id])
        found = [part for part in parts if part.winfo_name().startswith(name) and part.winfo_viewable()]
        return found[-1] if found else None

    def entry(self, agent_id: str) -> Any:
        """Where an agent types whom they transfer to."""
        return self.part(agent_id, "!entry")

    def read(self, agent_id: str) -> list[str]:
        """All that an agent can read, from the top down."""
        return [text for text in texts_of(self.windows[agent_id]) if text]

    def offer(self, to: str = "bob") -> None:
        """Alice types a name and presses Transfer."""
        self.until(lambda: self.entry("alice"))
        self.entry("alice").insert(0, to)
        self.part("alice", "transfer").invoke()

    def answer(self, how: str) -> None:
        """Bob presses a button of the offer."""
        self.until(lambda: self.part("bob", how))
        self.part("bob", how).invoke()


def widgets_of(widget: tk.Misc) -> list[tk.Widget]:
    """All that a window holds, from the top down."""
    return [part for child in widget.pack_slaves() for part in (child, *widgets_of(child))]


def texts_of(window: tk.Misc) -> list[str]:
    """What stands in a window, line by line."""
    texts = [str(part["text"]) for part in widgets_of(window) if "text" in part.keys()]  # noqa: SIM118 - no mapping
    return [line for text in texts for line in text.splitlines()]


@pytest.fixture
def centre(display: None) -> Generator[Centre]:  # noqa: ARG001 - it must be there
    gc.disable()  # what is Tk's must be collected in Tk's own thread, or Tcl ends the process
    made = Centre()
    yield made
    made.root.destroy()
    vars(made).clear()
    gc.collect()
    gc.enable()


def test_t5_the_window_closes_here_and_opens_there(centre: Centre) -> None:
    """T5: request, preview, accept."""
    centre.offer()
    centre.until(lambda: centre.part("bob", "accept"))
    waiting, preview = centre.read("alice"), centre.read("bob")
    centre.answer("accept")
    centre.until(lambda: centre.part("bob", "transfer"))
    centre.until(lambda: not centre.part("alice", "transfer"))

    assert "Waiting for Bob" in waiting
    assert ["Alice wants to transfer an SMS conversation with Jane Roe to you.", "Accept", "Reject"] == preview
    assert ["Jane Roe", "Transfer"] == centre.read("bob")
    assert [] == centre.read("alice")


def test_t6_a_rejection_is_told_on_both_surfaces(centre: Centre) -> None:
    """T6: at the top of the window, which stays, and in My Messages."""
    centre.offer()
    centre.answer("reject")
    centre.until(lambda: "My Messages: Bob rejected the transfer." in centre.read("alice"))

    told = "Bob rejected the transfer."
    assert [told, "Jane Roe", "Transfer", f"My Messages: {told}"] == centre.read("alice")
    assert [] == centre.read("bob")


def test_t6_the_error_goes_with_the_next_transfer(centre: Centre) -> None:
    """T6: the window is updated to one without it."""
    centre.offer()
    centre.answer("reject")
    centre.until(lambda: "My Messages: Bob rejected the transfer." in centre.read("alice"))
    centre.part("alice", "transfer").invoke()
    centre.until(lambda: "Waiting for Bob" in centre.read("alice"))

    assert "Bob rejected the transfer." not in centre.read("alice")


def test_t3_a_refusal_is_shown_at_the_top(centre: Centre) -> None:
    """T3: and is gone with the next press."""
    centre.offer(to="nobody")
    refused = centre.read("alice")
    centre.entry("alice").delete(0, "end")
    centre.offer()
    centre.until(lambda: "Waiting for Bob" in centre.read("alice"))

    assert "Not known here." == refused[0]
    assert "Jane Roe" == centre.read("alice")[0]


def test_t12_what_is_being_typed_stays_when_a_text_comes(centre: Centre) -> None:
    """T12: the window is updated in place; and a change made in another thread is drawn in Tk's own."""
    centre.until(lambda: centre.entry("alice"))
    centre.entry("alice").insert(0, "bo")
    drawn_in: list[Thread] = []
    draw = centre.desks["alice"]._draw  # noqa: SLF001 - what it does by itself

    def observed() -> None:
        drawn_in.append(current_thread())
        draw()

    centre.desks["alice"]._draw = observed  # noqa: SLF001 - likewise
    other = Thread(target=centre.service.receive_message, args=("i", "Anybody there?"))
    other.start()
    other.join()
    centre.until(lambda: "Anybody there?" in centre.read("alice"))

    assert "bo" == centre.entry("alice").get()
    assert [current_thread()] == drawn_in


def test_t7_an_offer_that_nobody_answers_goes(centre: Centre) -> None:
    """T7: with `ticking` around the main loop, from a thread of its own."""
    centre.offer()
    centre.until(lambda: centre.part("bob", "accept"))
    centre.clock.advance(timedelta(seconds=30))
    with centre.service.ticking(timedelta(seconds=0.05)):
        centre.until(lambda: not centre.part("bob", "accept"))
        centre.until(lambda: "Bob did not answer the transfer in time." in centre.read("alice"))


def test_e4_without_the_privilege_there_is_no_reject(centre: Centre) -> None:
    """E4."""
    bob = centre.service.agent("bob")
    centre.service.update_agent(
        Agent("bob", bob.name, privileges=frozenset(Privilege) - {Privilege.DECLINE}),
    )
    centre.offer()
    centre.until(lambda: centre.part("bob", "accept"))

    assert centre.part("bob", "reject") is None


def test_d7_a_window_that_is_closed_is_told_nothing_more(centre: Centre, caplog: pytest.LogCaptureFixture) -> None:
    """D7: the connection ends with it, and nobody draws on what is gone."""
    centre.until(lambda: centre.entry("alice"))
    centre.windows["bob"].destroy()
    centre.offer()
    centre.until(lambda: "Waiting for Bob" in centre.read("alice"))

    assert [] == caplog.records
    assert [] == list(centre.desks["bob"].workspace.previews)
