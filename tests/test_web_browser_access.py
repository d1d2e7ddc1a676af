"""The web desktop is for everybody: with a keyboard only, with a screen reader, at any width, in any colours.

The pages forbid every script that is not theirs. What these tests run in a page, axe among it, goes in through the
debugger, to which that does not apply; so the policy stays as it is, and is tested along.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Locator, Page, expect

from web import Desk, Served, Sit, sitting
from web_desktop.app import Options
from web_states import ALICE, BOB, CAROL, NOTE, walk

pytestmark = pytest.mark.desktop

OFFER = f"Alice Ek wants to transfer an SMS conversation with Jane Roe to you. Note: {NOTE}"
FAR = 60

WIDE = "() => document.scrollingElement.scrollWidth - innerWidth"
LETTERS = "size => { document.documentElement.style.fontSize = size; }"
STOP = """() => {
  const stop = document.activeElement, style = getComputedStyle(stop), box = stop.getBoundingClientRect();
  if (stop === document.body) return null;
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    name: stop.ariaLabel ?? (stop.labels?.[0] ?? stop).textContent.trim().split("\\n")[0].trim(),
    seen: style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 3 && stop.contains(hit),
  };
}"""
LISTEN = """() => {
  const LIVE = "[role=status], [role=alert], [role=log]";
  window.heard = [];
  new MutationObserver(changes => {
    const come = changes.flatMap(change => [...change.addedNodes]);
    for (const region of document.querySelectorAll(LIVE)) {
      const role = region.role, shown = change => change.attributeName && change.target === region;
      const mine = changes.filter(one => shown(one) || region.contains(one.target) && one.addedNodes.length);
      const filled = role === "log" && come.some(node => node.contains(region));
      if (!mine.length || filled || !region.checkVisibility()) continue;
      const atomic = (region.ariaAtomic ?? String(role !== "log")) === "true";
      const added = mine.flatMap(change => [...change.addedNodes]);
      const text = atomic ? region.textContent : added.map(node => node.textContent).join("");
      if (text.trim()) heard.push(text.trim());
    }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"]});
}"""


@contextmanager
def centre(browser: Browser, data: Path, *, answer_within: float = 300) -> Generator[tuple[str, Sit]]:
    """A centre of its own: where it is, and what has agents sit down in it."""
    options = Options(data=data, answer_within=timedelta(seconds=answer_within))
    with Served(options) as served, sitting(browser, served.url) as sit:
        yield served.url, sit


@pytest.fixture
def sit(browser: Browser, tmp_path: Path) -> Generator[Sit]:
    """Has an agent sit down where invitations last."""
    with centre(browser, tmp_path) as (_, sit):
        yield sit


def listen(desk: Desk) -> None:
    """Begin to note what a screen reader would announce."""
    desk.page.evaluate(LISTEN)


def heard(desk: Desk) -> list[str]:
    """What a screen reader would have announced since."""
    found: list[str] = desk.page.evaluate("heard")
    return found


class Keys:
    """Somebody who has a keyboard and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.press = page.keyboard.press
        self.type = page.keyboard.type

    def to_the_invitations(self) -> None:
        """Press the access key: Alt and I. `press` does not tell the browser which letter goes with Alt."""
        debugger = self.page.context.new_cdp_session(self.page)
        for kind in ("keyDown", "keyUp"):
            letter = {"key": "i", "code": "KeyI", "windowsVirtualKeyCode": 73, "text": "i", "unmodifiedText": "i"}
            debugger.send("Input.dispatchKeyEvent", {"type": kind, "modifiers": 1, **letter})
        debugger.detach()
        expect(self.page.get_by_role("region", name="Invitations")).to_be_focused()

    def stop(self, key: str) -> str | None:
        """Go to the next stop, and see that it is one; its name, or None at the end of the page."""
        self.press(key)
        stop: dict[str, object] | None = self.page.evaluate(STOP)
        if stop is None:
            return None
        assert stop["seen"], stop
        return str(stop["name"])

    def go(self, target: Locator, *, key: str = "Tab") -> int:
        """Go on until this has the focus; how many stops away it was."""
        for stops in count(1):
            assert stops < FAR
            self.stop(key)
            if target.evaluate("element => element === document.activeElement"):
                return stops
        raise AssertionError

    def every_stop(self) -> list[str]:
        """The names of all stops, until the page is left."""
        names = list[str]()
        while (name := self.stop("Tab")) is not None:
            names.append(name)
            assert len(names) < FAR
        return names


def sit_down(browser: Browser, url: str, agent: str) -> tuple[Desk, Keys]:
    """Log in and be Ready, with the keyboard."""
    desk = Desk.__new__(Desk)
    desk.page, desk.faults = browser.new_context().new_page(), []
    keys = Keys(desk.page)
    desk.page.goto(url)
    keys.go(desk.page.get_by_role("button", name=agent))
    keys.press("Enter")
    expect(desk.page.get_by_role("heading", level=1, name=agent)).to_be_visible()
    keys.go(desk.page.get_by_role("button", name="Ready", exact=True))
    keys.press("Space")
    expect(desk.status).to_have_text("Ready")
    return desk, keys


def test_d1_every_state_obeys_axe_and_fits_a_narrow_window_and_large_letters(sit: Sit) -> None:
    """D1: axe knows the rules of WCAG 2.2, A and AA, that a program can check, and some customs beside them.

    Nothing needs scrolling sideways at 320 pixels (WCAG 1.4.10), nor with letters twice as large (1.4.4).
    """
    for name, page in walk(sit):
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 720})
            found = Axe().run(page)
            assert (name, "") == (name, found.generate_snapshot()), found.generate_report()
        for letters in ("200%", ""):
            page.evaluate(LETTERS, letters)
            assert (name, letters, 0) == (name, letters, page.evaluate(WIDE))


def test_d1_a_transfer_needs_no_mouse(browser: Browser, tmp_path: Path) -> None:
    """D1: from the log-in to the reply of the new owner, by keys alone."""
    with centre(browser, tmp_path) as (url, _):
        (alice, hers), (bob, his) = (sit_down(browser, url, name) for name in (ALICE, BOB))
        lin, jane = bob.window("Lin Wei"), alice.window("Jane Roe")
        his.go(lin.get_by_label("Reply"))
        his.type("Half a sent")

        hers.go(jane.get_by_role("button", name="Transfer", exact=True))
        hers.press("Enter")
        expect(jane.get_by_label("Find")).to_be_focused()
        hers.type("Bob")
        hers.go(jane.get_by_role("region").get_by_label("Note"))
        hers.type(NOTE)
        expect(jane.locator(".total")).to_have_text("1 target")
        hers.go(jane.get_by_label(f"Actions for {BOB}"))
        hers.press("Enter")
        assert 1 == hers.go(jane.get_by_role("button", name=f"SMS Transfer to {BOB}"))
        hers.press("Enter")
        expect(jane.get_by_role("button", name="Cancel transfer")).to_be_focused()

        expect(bob.offer(ALICE)).to_be_visible()
        his.type("ence")
        his.to_the_invitations()
        assert 1 == his.go(bob.offer(ALICE).get_by_role("button", name="Accept"))
        his.press("Enter")
        got = bob.window("Jane Roe")
        expect(got.get_by_role("heading", name="Jane Roe")).to_be_focused()
        expect(alice.page.get_by_role("region", name="Conversations")).to_be_focused()

        his.go(got.get_by_label("Reply"))
        his.type("It comes today.")
        assert 1 == his.go(got.get_by_role("button", name="Send"))
        his.press("Enter")
        expect(got.get_by_role("log")).to_contain_text("It comes today.")
        expect(got.get_by_role("button", name="Send")).to_be_focused()
        expect(lin.get_by_label("Reply")).to_have_value("Half a sentence")


def test_d1_tab_goes_through_the_page_as_it_reads_and_out_again(sit: Sit) -> None:
    """D1: every stop is seen, forwards and backwards, and nothing holds the focus."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer("Jane Roe", "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    keys = Keys(bob.page)
    bob.page.reload()
    expect(bob.offer(ALICE)).to_be_visible()

    found = keys.every_stop()

    assert [
        "Skip to the invitations (access key I)",
        *("Log out", "Ready", "Not Ready", "Reason", "Do not disturb", "Invitations take the focus", "They are"),
        *("Accept", "Reason", "Reject"),
        *("Texts", "Reply", "Send", "Transfer", "Mark done"),
        *("Case data and note", "Key", "Value", "Set", "Note", "Save the note"),
    ] == found
    assert found[::-1] == [keys.stop("Shift+Tab") for _ in found]


def test_d1_escape_leaves_the_team_communicator(sit: Sit) -> None:
    """D1: and the focus is where it came from."""
    alice = sit(ALICE)
    alice.find("Jane Roe", "Bob")
    alice.page.keyboard.press("Escape")
    expect(alice.window("Jane Roe").get_by_role("region", name="Team communicator")).to_be_hidden()
    expect(alice.window("Jane Roe").get_by_role("button", name="Transfer", exact=True)).to_be_focused()


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_d1_the_focus_returns_when_the_preview_goes(sit: Sit, end: str) -> None:
    """D1, D3: to where it was before, whoever ended it."""
    alice, bob = sit(ALICE), sit(BOB)
    keys, reply = Keys(bob.page), bob.window("Lin Wei").get_by_label("Reply")
    reply.press_sequentially("Half a sent")
    alice.transfer("Jane Roe", "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    keys.to_the_invitations()
    keys.go(bob.offer(ALICE).get_by_role("button", name="Reject"))
    if end == "reject":
        keys.press("Space")
    else:
        alice.window("Jane Roe").get_by_role("button", name="Cancel transfer").click()
    expect(bob.offers).to_have_count(0)
    expect(reply).to_be_focused()
    keys.type("ence")
    expect(reply).to_have_value("Half a sentence")


def test_d1_the_focus_stays_near_when_a_found_target_goes(sit: Sit) -> None:
    """D1: it is no favourite any more, and those were shown."""
    alice = sit(ALICE)
    bob = alice.find("Jane Roe", "Bob")
    bob.get_by_role("button", name="Favourite").click()
    communicator = alice.window("Jane Roe").get_by_role("region", name="Team communicator")
    communicator.get_by_label("Among").select_option("favourites")
    expect(communicator.locator(".total")).to_have_text("1 target")
    bob.get_by_role("button", name="Favourite").press("Enter")
    expect(bob).to_have_count(0)
    expect(communicator).to_be_focused()


def test_d1_the_focus_stays_near_when_a_message_goes(sit: Sit) -> None:
    """D1, D4: in My Messages."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer("Jane Roe", "Bob")
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    alice.messages.get_by_role("button", name="Delete").press("Enter")
    expect(alice.messages).to_have_count(0)
    expect(alice.page.get_by_role("region", name="My Messages")).to_be_focused()


def test_d1_the_focus_stays_near_when_a_transfer_ends(sit: Sit) -> None:
    """D1, T6: whoever was about to cancel it is where it can be requested again."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer("Jane Roe", "Bob")
    alice.window("Jane Roe").get_by_role("button", name="Cancel transfer").focus()
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(alice.window("Jane Roe").get_by_role("button", name="Transfer", exact=True)).to_be_focused()


def test_t3_an_action_that_becomes_disabled_keeps_the_focus_and_tells_why(sit: Sit) -> None:
    """T3: whoever is on it hears the reasons, and it does nothing."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.find("Jane Roe", "Bob").get_by_label("Actions").click()
    action = alice.window("Jane Roe").get_by_role("button", name=f"SMS Transfer to {BOB}")
    action.focus()
    bob.page.get_by_role("button", name="Not Ready", exact=True).click()
    expect(action).to_be_disabled()
    expect(action).to_be_focused()
    expect(action).to_have_accessible_description("Not ready.")
    alice.page.keyboard.press("Enter")
    expect(action).to_be_focused()
    expect(alice.window("Jane Roe").locator(".pending")).to_be_hidden()


def test_d1_a_preview_takes_the_focus_where_it_is_set(sit: Sit) -> None:
    """D1: what is read then says who, media, contact and note, once; and typing on answers nothing."""
    alice, bob = sit(ALICE), sit(BOB)
    bob.page.get_by_label("Invitations take the focus").check()
    listen(bob)
    reply = bob.window("Lin Wei").get_by_label("Reply")
    reply.press_sequentially("Half a sent")
    alice.transfer("Jane Roe", "Bob", note=NOTE)
    preview = bob.offer(ALICE)
    expect(preview).to_be_focused()
    expect(preview).to_have_accessible_name(f"Transfer from {ALICE}")
    expect(preview).to_have_accessible_description(OFFER)
    assert [] == heard(bob)
    bob.page.keyboard.type("ence ")
    bob.page.keyboard.press("Enter")
    expect(preview).to_be_focused()
    expect(reply).to_have_value("Half a sent")


def test_d1_a_preview_leaves_the_focus_where_it_is_not_set(sit: Sit) -> None:
    """D1: it is announced once, and a keyboard finds it in two steps from anywhere."""
    alice, bob = sit(ALICE), sit(BOB)
    listen(bob)
    reply, keys = bob.window("Lin Wei").get_by_label("Reply"), Keys(bob.page)
    reply.press_sequentially("Half a sent")
    alice.transfer("Jane Roe", "Bob", note=NOTE)
    expect(bob.offer(ALICE)).to_be_visible()
    keys.type("ence")
    expect(reply).to_have_value("Half a sentence")
    assert [f"{OFFER} 300 seconds to answer."] == heard(bob)
    keys.to_the_invitations()
    assert 1 == keys.go(bob.offer(ALICE).get_by_role("button", name="Accept"))


def test_d1_the_countdown_is_heard_once_when_time_runs_short(browser: Browser, tmp_path: Path) -> None:
    """D1: it is seen every second. That the invitation is over is said once as well."""
    with centre(browser, tmp_path, answer_within=15) as (_, sit):
        alice, bob = sit(ALICE), sit(BOB)
        bob.page.clock.install()
        bob.page.reload()
        expect(bob.windows).to_have_count(1)
        listen(bob)
        alice.transfer("Jane Roe", "Bob", note=NOTE)
        expect(bob.offer(ALICE)).to_be_visible()
        for _ in range(7):
            bob.page.clock.run_for(1_000)
        expect(bob.offer(ALICE).locator(".left")).to_contain_text("s left")
        alice.window("Jane Roe").get_by_role("button", name="Cancel transfer").click()
        expect(bob.offers).to_have_count(0)
        assert [
            f"{OFFER} 15 seconds to answer.",
            f"10 seconds left to answer {ALICE}.",
            f"The invitation from {ALICE} is over.",
        ] == heard(bob)


def test_t6_an_error_is_heard_once_and_belongs_to_its_window(sit: Sit) -> None:
    """T6: it stands on two surfaces, and is read from one."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.find("Jane Roe", "Bob").wait_for()
    alice.page.keyboard.press("Escape")
    listen(alice)
    alice.transfer("Jane Roe", "Bob")
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(alice.messages).to_have_count(1)
    told = f"{BOB} rejected the transfer."
    expect(alice.window("Jane Roe").get_by_role("alert")).to_have_text(told)
    expect(alice.window("Jane Roe")).to_have_accessible_description(told)
    assert [f"Transfer to {BOB} is pending.", told] == [line for line in heard(alice) if "target" not in line]


def test_t2_the_number_of_targets_is_heard_when_it_changes(sit: Sit) -> None:
    """T2: the team communicator looks again and again, which nobody wants to hear."""
    alice = sit(ALICE)
    listen(alice)
    found = alice.find("Jane Roe", "Carol")
    expect(found.locator(".presence")).to_contain_text("Logged out")
    expect(alice.window("Jane Roe").locator(".total")).to_have_text("1 target")
    sit(CAROL)
    expect(found.locator(".presence")).to_contain_text("Ready")  # it has looked again
    assert ["7 targets", "1 target"] == [*dict.fromkeys(heard(alice))]
    assert len(heard(alice)) <= 2


def test_d1_a_changed_setting_makes_no_noise(sit: Sit) -> None:
    """D1, D7: the window is connected anew, and neither that nor the same texts again are announced."""
    alice = sit(ALICE)
    reply = alice.window("Jane Roe").get_by_label("Reply")
    reply.fill("Hello.")
    reply.press("Tab")
    alice.page.keyboard.press("Enter")
    expect(alice.window("Jane Roe").get_by_role("log")).to_contain_text("Hello.")
    listen(alice)
    with alice.page.expect_websocket() as connected:
        alice.page.get_by_label("Invitations take the focus").check()
    connected.value.wait_for_event("framereceived")
    reply.fill("Still there.")
    reply.press("Tab")
    alice.page.keyboard.press("Enter")
    expect(alice.window("Jane Roe").get_by_role("log")).to_contain_text("Still there.")
    assert ["Still there."] == [line.partition("M")[2] for line in heard(alice)]


def test_d1_nothing_moves_for_whoever_wants_no_motion(sit: Sit) -> None:
    """D1: a preview comes without its slide."""
    alice, bob = sit(ALICE), sit(BOB)
    bob.page.emulate_media(reduced_motion="reduce")
    alice.transfer("Jane Roe", "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    assert 0 == bob.page.evaluate("document.getAnimations().length")
    assert "none" == bob.offer(ALICE).evaluate("element => getComputedStyle(element).animationName")


def test_d1_a_pressed_button_is_seen_in_forced_colours_too(sit: Sit) -> None:
    """D1: where the system chooses every colour, the page's are gone."""
    alice = sit(ALICE)
    alice.page.emulate_media(forced_colors="active")
    look = "element => getComputedStyle(element).backgroundColor"
    ready, not_ready = (alice.page.get_by_role("button", name=name, exact=True) for name in ("Ready", "Not Ready"))
    assert ready.evaluate(look) != not_ready.evaluate(look)
