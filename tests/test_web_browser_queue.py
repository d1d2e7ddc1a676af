"""Beside the lesson, in the browser: who can be found and asked, queues, My Messages, two windows of one agent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from web import Desk, Served, Sit, sitting
from web_desktop.app import Options

pytestmark = pytest.mark.desktop

ALICE, BOB, CAROL, DAN = "Alice Ek", "Bob Lindström", "Carol Núñez", "Dan Okafor"
JANE, OMAR = "Jane Roe", "Omar Said"
EVERYBODY = [ALICE, BOB, CAROL, DAN, "Evening shift", "Lost parcels", "Spanish"]


def _not_ready(desk: Desk, reason: str = "") -> None:
    desk.page.get_by_label("Reason").first.fill(reason)
    desk.page.get_by_role("button", name="Not Ready").click()
    expect(desk.status).to_contain_text("Not Ready")


def _search(desk: Desk, contact: str, text: str = "", **choices: str) -> None:
    window = desk.window(contact)
    if window.get_by_role("region", name="Team communicator").is_hidden():
        desk.press(contact, "Transfer")
    window.get_by_label("Find").fill(text)
    for label, value in choices.items():
        window.get_by_role("combobox", name=label).select_option(value)


def _answer(desk: Desk, how: str) -> None:
    desk.page.get_by_label("They are").select_option(how)


# the team communicator


def test_t2_everybody_is_found_by_name_and_kind(sit: Sit) -> None:
    """T2: accents and case do not count, and a kind leaves out the others."""
    alice = sit(ALICE)
    names = alice.window(JANE).locator(".communicator .name")
    total = alice.window(JANE).locator(".total")
    _search(alice, JANE)
    expect(names).to_have_text(EVERYBODY)
    expect(total).to_have_text("7 targets")
    _search(alice, JANE, "nunez")
    expect(names).to_have_text([CAROL])
    _search(alice, JANE, "zz")
    expect(total).to_have_text("0 targets")
    for kind, found in {
        "agents": EVERYBODY[:4],
        "queues": ["Lost parcels"],
        "routing points": [],
        "agent groups": ["Evening shift"],
        "skills": ["Spanish"],
    }.items():
        _search(alice, JANE, Kind=kind)
        expect(names).to_have_text(found)


def test_t2_favourites_and_recents(sit: Sit) -> None:
    """T2: whoever is marked is a favourite until the mark is taken away; whoever was asked is a recent."""
    alice, bob = sit(ALICE), sit(BOB)
    window = alice.window(JANE)
    names = window.locator(".communicator .name")
    _search(alice, JANE, "Carol")
    expect(names).to_have_text([CAROL])  # or it moves away from under the pointer
    favourite = window.get_by_role("button", name="Favourite Carol")
    favourite.click()
    expect(favourite).to_have_attribute("aria-pressed", "true")
    _search(alice, JANE, Among="favourites")
    expect(names).to_have_text([CAROL])
    _search(alice, JANE, Among="recents")
    expect(names).to_have_text([])
    _search(alice, JANE, Among="all")
    alice.press(JANE, "Transfer")
    alice.transfer(JANE, "Bob")
    bob.reject(ALICE)
    expect(alice.error(JANE)).to_be_visible()
    _search(alice, JANE, Among="recents")
    expect(names).to_have_text([BOB])
    expect(window.locator(".presence")).to_contain_text("recent")
    _search(alice, JANE, Among="favourites")
    expect(names).to_have_text([CAROL])
    favourite.click()
    expect(names).to_have_text([])


def test_t2_presence_changes_under_ones_eyes(sit: Sit) -> None:
    """T2: in a team communicator that is open, and whoever can be asked then can be asked there."""
    alice, bob = sit(ALICE), sit(BOB, ready=False)
    presence = alice.find(JANE, "Bob").locator(".presence")
    expect(presence).to_have_text("agent, Logged out, 4 free")
    alice.menu(JANE, BOB)
    expect(alice.action(JANE, BOB)).to_be_disabled()
    bob.page.get_by_role("button", name="Ready", exact=True).click()
    expect(presence).to_have_text("agent, Ready, 4 free")
    expect(alice.action(JANE, BOB)).to_be_enabled()
    _not_ready(bob, "Lunch")
    bob.page.get_by_label("Do not disturb").check()
    expect(presence).to_have_text("agent, Not Ready (Lunch), do not disturb, 4 free")
    expect(alice.action(JANE, BOB)).to_be_disabled()


def test_t3_every_reason_is_told(sit: Sit) -> None:
    """T3: in words, beside an action that cannot be picked."""
    alice, dan = sit(ALICE), sit(DAN)
    alice.transfer(JANE, "Dan")
    dan.accept(ALICE)
    expect(dan.window(JANE)).to_be_visible()
    dan.page.get_by_label("Do not disturb").check()
    _not_ready(dan)
    found = alice.find(OMAR, "Dan")
    alice.menu(OMAR, DAN)
    expect(found.locator(".why")).to_have_text(
        "No place left for another conversation. Does not want to be disturbed. Not ready."
    )
    expect(alice.action(OMAR, DAN)).to_be_disabled()
    _search(alice, OMAR, "Alice")
    expect(found).to_have_count(0)  # what was found before is not looked at any more
    alice.menu(OMAR, ALICE)
    expect(alice.window(OMAR).locator(".communicator .why")).to_have_text("Is the sender of the transfer.")


def test_t3_a_target_that_has_just_become_unable_is_refused(sit: Sit) -> None:
    """T3: the reason stands in the window, and nothing is pending."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.find(JANE, "Bob")
    alice.menu(JANE, BOB)
    expect(alice.action(JANE, BOB)).to_be_enabled()
    alice.page.evaluate("for (let timer = setTimeout(() => {}); timer; timer--) clearTimeout(timer)")  # nor looks again
    _not_ready(bob)
    alice.action(JANE, BOB).click()
    expect(alice.refusal(JANE)).to_have_text("Not ready.")
    expect(alice.pending(JANE)).to_be_hidden()
    expect(bob.offers).to_have_count(0)


def test_e3_a_place_that_is_taken_is_taken(sit: Sit) -> None:
    """E3: Dan has one, and an invitation takes it; when he has done with the conversation, he can be asked again."""
    alice, dan = sit(ALICE), sit(DAN)
    alice.transfer(JANE, "Dan")
    found = alice.find(OMAR, "Dan")
    alice.menu(OMAR, DAN)
    expect(found.locator(".presence")).to_contain_text("0 free")
    expect(found.locator(".why")).to_have_text("No place left for another conversation.")
    dan.accept(ALICE)
    dan.press(JANE, "Mark done")
    expect(alice.action(OMAR, DAN)).to_be_enabled()
    alice.action(OMAR, DAN).click()
    expect(dan.offer(ALICE)).to_be_visible()


# queues


def test_q1_whoever_rejects_has_the_next_one_asked(sit: Sit) -> None:
    """Q1: each is told through which queue it comes; the sender waits on, with the one notice at the end."""
    alice, bob, carol = sit(ALICE), sit(BOB), sit(CAROL)
    alice.transfer(JANE, "Lost parcels", note="Ask the carrier.")
    expect(alice.pending(JANE)).to_contain_text("Transfer to Lost parcels is pending.")
    expect(bob.offer(ALICE)).to_contain_text("Lost parcels (queue)")  # Q4: Bob has been idle for longer
    expect(carol.offers).to_have_count(0)
    bob.reject(ALICE, "No idea")
    expect(carol.offer(ALICE)).to_contain_text("Lost parcels (queue)")
    expect(bob.offers).to_have_count(0)
    expect(alice.error(JANE)).to_be_hidden()
    expect(alice.messages).to_have_count(0)
    carol.accept(ALICE)
    expect(carol.note(JANE)).to_have_value("Ask the carrier.")
    expect(alice.window(JANE)).to_have_count(0)


def test_q1_nobody_left_is_told(sit: Sit) -> None:
    """Q1: when all of them have rejected, on the two surfaces of every transfer that failed (T6)."""
    alice, bob, carol = sit(ALICE), sit(BOB), sit(CAROL)
    alice.transfer(JANE, "Lost parcels")
    bob.reject(ALICE)
    carol.reject(ALICE)
    expect(alice.error(JANE)).to_have_text("Nobody is left at Lost parcels who could take the transfer.")
    expect(alice.messages).to_contain_text("Nobody is left at Lost parcels who could take the transfer.")
    expect(alice.pending(JANE)).to_be_hidden()


def test_q3_whoever_becomes_ready_is_asked(sit: Sit) -> None:
    """Q3: a request that waits is seen to wait, can be cancelled, and goes to the first who can take it."""
    alice, bob = sit(ALICE), sit(BOB, ready=False)
    alice.transfer(JANE, "Evening shift")
    expect(alice.pending(JANE)).to_contain_text("Transfer to Evening shift is pending.")
    found = alice.find(OMAR, "Evening")
    expect(found.locator(".presence")).to_contain_text("0 ready, 1 waiting")
    bob.page.get_by_role("button", name="Ready", exact=True).click()
    expect(bob.offer(ALICE)).to_contain_text("Evening shift (agent group)")
    expect(found.locator(".presence")).to_contain_text("1 ready, 0 waiting")


# the desktop


def test_d4_my_messages_are_the_same_in_every_window(sit: Sit) -> None:
    """D4: newest first; read, unread and deleted in one is so in the other."""
    alice, bob = sit(ALICE), sit(BOB)
    tab = alice.tab()
    for reason in ("First", "Second"):
        alice.transfer(JANE, "Bob")
        bob.reject(ALICE, reason)
        expect(alice.error(JANE)).to_contain_text(reason)
    for desk in (alice, tab):
        expect(desk.messages).to_contain_text(["Second", "First"])
        expect(desk.page.locator("#unread")).to_have_text("2 unread")
    alice.messages.first.get_by_role("button", name="Mark as read").click()
    expect(tab.page.locator("#unread")).to_have_text("1 unread")
    expect(tab.messages.first).not_to_contain_text("Unread")
    tab.messages.first.get_by_role("button", name="Mark as unread").click()
    expect(alice.page.locator("#unread")).to_have_text("2 unread")
    tab.messages.first.get_by_role("button", name="Delete").click()
    for desk in (alice, tab):
        expect(desk.messages).to_have_count(1)
        expect(desk.messages).to_contain_text("First")
    expect(alice.error(JANE)).to_contain_text("Second")


def test_d7_two_windows_of_one_agent_show_the_same(sit: Sit) -> None:
    """D7, D3: status, preview and conversation; what is answered in one is answered in both."""
    alice, bob = sit(ALICE), sit(BOB)
    tab = bob.tab()
    expect(tab.status).to_have_text("Ready")
    _not_ready(bob, "Lunch")
    expect(tab.status).to_have_text("Not Ready (Lunch)")
    tab.page.get_by_role("button", name="Ready", exact=True).click()
    expect(bob.status).to_have_text("Ready")

    alice.transfer(JANE, "Bob")
    expect(tab.offer(ALICE)).to_be_visible()
    expect(bob.offer(ALICE)).to_be_visible()
    bob.accept(ALICE)
    for desk in (bob, tab):
        expect(desk.window(JANE)).to_be_visible()
        expect(desk.offers).to_have_count(0)
    tab.reply(JANE, "From the other window.")
    expect(bob.texts(JANE)).to_have_text(["My parcel has not come.", "From the other window."])


def test_d7_two_windows_of_the_sender_show_the_same(sit: Sit) -> None:
    """D7: what is pending, and that the conversation is somebody else's."""
    alice, bob = sit(ALICE), sit(BOB)
    tab = alice.tab()
    _search(tab, JANE, "Bob")
    alice.transfer(JANE, "Bob")
    expect(tab.pending(JANE)).to_contain_text("Transfer to Bob Lindström is pending.")
    expect(tab.window(JANE).get_by_role("region", name="Team communicator")).to_be_hidden()
    tab.press(JANE, "Cancel transfer")
    expect(alice.pending(JANE)).to_be_hidden()
    tab.transfer(JANE, "Bob")
    bob.accept(ALICE)
    for desk in (alice, tab):
        expect(desk.window(JANE)).to_have_count(0)


def test_t9_an_agent_with_a_window_left_is_not_gone(browser: Browser, tmp_path: Path) -> None:
    """T9: one of two windows is closed, and the invitation is answered in the other."""
    with (
        Served(Options(data=tmp_path, gone_after=timedelta(seconds=0.05))) as served,
        sitting(browser, served.url) as sit,
    ):
        alice, bob = sit(ALICE), sit(BOB)
        tab = bob.tab()
        alice.transfer(JANE, "Bob")
        expect(tab.offer(ALICE)).to_be_visible()
        bob.page.close()
        alice.reply(JANE, "Bob will take over.")  # time passes
        tab.accept(ALICE)
        expect(tab.window(JANE)).to_be_visible()


def test_d1_a_preview_takes_the_focus_where_that_is_set(sit: Sit) -> None:
    """D1: and the setting is there again after a reload."""
    alice, bob = sit(ALICE), sit(BOB)
    bob.page.get_by_label("Invitations take the focus").check()
    bob.page.reload()
    expect(bob.page.get_by_label("Invitations take the focus")).to_be_checked()
    expect(bob.window("Lin Wei")).to_be_visible()
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE)).to_be_focused()


def test_d1_a_preview_leaves_the_focus_where_that_is_not_set(sit: Sit) -> None:
    """D1: it is said instead."""
    alice, bob = sit(ALICE), sit(BOB)
    bob.draft("Lin Wei").fill("Yes, y")
    alice.transfer(JANE, "Bob")
    expect(bob.page.locator("#said")).to_contain_text("Alice Ek wants to transfer an SMS conversation with Jane Roe")
    expect(bob.offer(ALICE)).to_be_visible()
    bob.page.keyboard.type("ou can.")
    expect(bob.draft("Lin Wei")).to_have_value("Yes, you can.")


@pytest.mark.parametrize("how", ["accepted at once, and shown", "accepted at once"])
def test_d2_invitations_are_accepted_at_once_where_that_is_set(sit: Sit, how: str) -> None:
    """D2: nobody presses anything."""
    alice, bob = sit(ALICE), sit(BOB)
    _answer(bob, how)
    bob.page.reload()
    expect(bob.window("Lin Wei")).to_be_visible()
    _search(alice, JANE, "Bob")
    alice.menu(JANE, BOB)
    alice.action(JANE, BOB).click()
    expect(bob.page.locator("#said")).to_contain_text("The conversation with Jane Roe is yours.")
    if how == "accepted at once":
        expect(bob.page.locator("#said")).not_to_contain_text("wants to transfer")
    expect(bob.window(JANE)).to_be_visible()
    expect(bob.offers).to_have_count(0)
    expect(alice.window(JANE)).to_have_count(0)
