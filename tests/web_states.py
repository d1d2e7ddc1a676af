"""A walk through the main states of the web desktop: each by its name, with a page that shows it.

One walk, so that what is looked at (by axe, at a narrow width, for a picture) is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import urljoin

from playwright.sync_api import FilePayload, Page, expect

from web import Desk, Sit

ALICE, BOB, CAROL, DAN = "Alice Ek", "Bob Lindström", "Carol Núñez", "Dan Okafor"
NOTE = "You know the carrier."
NO_PICTURE = FilePayload(name="door.txt", mimeType="text/plain", buffer=b"not a picture")

State = tuple[str, Page]
States = Generator[State]


def walk(sit: Sit) -> States:
    """Lead agents through everything that can be seen; invitations must last longer than the walk does."""
    alice, bob = sit(ALICE, ready=False), sit(BOB)
    yield from _outside(alice)
    yield "logged out", alice.page
    alice.page.get_by_role("button", name="Ready", exact=True).click()
    expect(alice.status).to_have_text("Ready")
    yield "conversations with a picture", alice.page
    carol = sit(CAROL)
    yield "ready and empty", carol.page
    yield from _refused(alice)
    yield from _communicator(alice)
    yield from _offered(alice, bob)
    yield from _rejected(alice, bob)
    yield from _others(alice, bob, carol, sit)
    yield from _cut_off(carol)


def _outside(desk: Desk) -> States:
    page = desk.page.context.new_page()
    page.goto(urljoin(desk.page.url, "/"))
    yield "who are you", page
    page.goto(urljoin(desk.page.url, "/telephone/omar"))
    yield "telephone", page
    page.get_by_label("Text").fill("This one as well.")
    page.get_by_label("Picture").set_input_files(NO_PICTURE)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "telephone with an error", page
    page.close()


def _refused(alice: Desk) -> States:
    jane = alice.window("Jane Roe")
    jane.get_by_label("Key").fill("story")
    jane.get_by_label("Value").fill("x" * 70_000)
    jane.get_by_role("button", name="Set").click()
    expect(jane.locator(".refusal")).to_be_visible()
    yield "refusal", alice.page
    jane.get_by_label("Key").fill("carrier")
    jane.get_by_label("Value").fill("Rapid Parcels")
    jane.get_by_role("button", name="Set").click()
    expect(jane.locator(".data")).to_contain_text("Rapid Parcels")


def _communicator(alice: Desk) -> States:
    jane = alice.window("Jane Roe")
    alice.find("Jane Roe", "").wait_for()
    yield "team communicator", alice.page
    for name in (BOB, DAN):
        jane.get_by_label(f"Actions for {name}").click()
    expect(jane.get_by_role("button", name=f"SMS Transfer to {DAN}")).to_be_disabled()
    jane.get_by_role("button", name=f"Favourite {BOB}").click()
    expect(jane.get_by_role("button", name=f"Favourite {BOB}")).to_have_attribute("aria-pressed", "true")
    jane.locator(".why").filter(has_text="Logged out").last.evaluate(
        "element => element.closest('.menu').parentElement.scrollIntoView({block: 'end'})"
    )
    yield "actions, and why not", alice.page
    jane.get_by_role("button", name="Transfer", exact=True).click()


def _offered(alice: Desk, bob: Desk) -> States:
    alice.transfer("Jane Roe", "Bob", note=NOTE)
    yield "pending", alice.page
    expect(bob.offer(ALICE)).to_be_visible()
    yield "preview", bob.page


def _rejected(alice: Desk, bob: Desk) -> States:
    bob.offer(ALICE).get_by_label("Reason").fill("I am about to leave.")
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(alice.error("Jane Roe")).to_contain_text("about to leave")
    yield "error and an unread message", alice.page
    alice.messages.get_by_role("button", name="Mark as read").click()
    expect(alice.messages.get_by_role("button", name="Mark as unread")).to_be_visible()
    yield "read message", alice.page


def _others(alice: Desk, bob: Desk, carol: Desk, sit: Sit) -> States:
    dan = sit(DAN)
    alice.transfer("Jane Roe", "Dan")
    expect(dan.offer(ALICE)).to_be_visible()
    yield "preview that cannot be rejected", dan.page
    bob.page.get_by_role("button", name="Not Ready", exact=True).click()
    expect(bob.status).to_have_text("Not Ready")
    alice.transfer("Omar Said", "Lost parcels")
    expect(carol.offer(ALICE)).to_contain_text("Lost parcels")
    yield "preview through a queue", carol.page
    carol.accept(ALICE)
    expect(carol.window("Omar Said")).to_be_visible()
    yield "conversation that came", carol.page


def _cut_off(desk: Desk) -> States:
    desk.page.context.clear_cookies()  # who is not logged in any more is not let in again
    desk.page.get_by_label("Invitations take the focus").check()  # which begins a new connection
    expect(desk.page.get_by_role("alert").filter(has_text="Not connected.")).to_be_visible()
    desk.page.get_by_role("button", name="Not Ready", exact=True).click()
    expect(desk.page.get_by_role("alert").filter(has_text="Nothing was done.")).to_be_visible()
    yield "not connected", desk.page
    desk.page.close()
    desk.faults.clear()  # the browser has complained of each refusal
