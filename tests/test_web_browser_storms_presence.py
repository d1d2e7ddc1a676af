"""When an agent without a window counts as disconnected, and when not (T9)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from storms import ALICE, BOB, CAROL, JANE, Centre, back, centre_at
from web import Desk, Served
from web_desktop.app import Options
from wire import Mode

pytestmark = pytest.mark.desktop


@contextmanager
def _centre(browser: Browser, data: Path, gone_after: float) -> Generator[Centre]:
    options = Options(data=data, gone_after=timedelta(seconds=gone_after))
    with Served(options, ping=0.5) as served, centre_at(browser, served.url) as centre:
        yield centre


@pytest.fixture
def centre(browser: Browser, tmp_path: Path) -> Generator[Centre]:
    """A centre where nobody is gone while the test lasts."""
    with _centre(browser, tmp_path, gone_after=600) as centre:
        yield centre


@pytest.fixture
def strict(browser: Browser, tmp_path: Path) -> Generator[Centre]:
    """A centre where who has no window is gone after two seconds."""
    with _centre(browser, tmp_path, gone_after=2) as centre:
        yield centre


def _expect_failed(alice: Desk) -> None:
    expect(alice.error(JANE)).to_contain_text("disconnected")
    expect(alice.window(JANE).locator(".pending")).to_be_hidden()
    expect(alice.messages).to_have_count(1)


def test_t9_an_invitee_whose_window_is_closed_is_disconnected(strict: Centre) -> None:
    """T9, T6: the request fails, and its sender is told why on both surfaces."""
    alice, bob = strict.sit(ALICE), strict.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)

    bob.page.close()

    _expect_failed(alice)


def test_t9_an_invitee_from_whom_nothing_comes_any_more_is_disconnected(strict: Centre) -> None:
    """T9: nobody closes the connection, and the server notices that its pings are not answered."""
    alice, bob = strict.sit(ALICE), strict.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)

    strict.turn(bob, Mode.HANGING)

    _expect_failed(alice)


def test_t9_an_invitee_who_is_back_in_time_was_never_gone(centre: Centre) -> None:
    """T9: whoever reloads, or closes the window and opens it again, keeps their status and their invitation."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)
    address = bob.page.url

    bob.page.goto("about:blank")
    alice.window(JANE).get_by_role("textbox", name="Reply").fill("One moment.")
    alice.window(JANE).get_by_role("button", name="Send").click()
    expect(alice.window(JANE).locator(".mine")).to_have_count(1)
    expect(alice.window(JANE).locator(".pending")).to_be_visible()
    bob.page.goto(address)

    expect(bob.status).to_have_text("Ready")
    bob.accept(ALICE)
    expect(bob.window(JANE)).to_be_visible()


def test_t9_an_invitee_who_reloads_and_reloads_is_not_gone(strict: Centre) -> None:
    """T9: the time without a window counts from when the last one was closed."""
    alice, bob = strict.sit(ALICE), strict.sit(BOB)
    alice.transfer(JANE, "Bob")

    for _ in range(15):
        bob.page.reload()
        back(bob)

    expect(alice.window(JANE).locator(".pending")).to_be_visible()
    expect(bob.status).to_have_text("Ready")
    expect(bob.offers).to_have_count(1)


def test_t9_who_closes_one_of_two_windows_is_not_gone(strict: Centre) -> None:
    """T9: Carol, who closes her only one at the same time, is."""
    alice, bob, carol = strict.sit(ALICE), strict.sit(BOB), strict.sit(CAROL)
    other = bob.tab()
    back(other)
    alice.transfer(JANE, "Bob")

    bob.page.close()
    carol.page.close()

    found = alice.find("Omar Said", "Carol")
    expect(found.locator(".presence")).to_contain_text("Logged out")
    expect(alice.window(JANE).locator(".pending")).to_be_visible()
    expect(other.status).to_have_text("Ready")
    other.accept(ALICE)
    expect(other.window(JANE)).to_be_visible()


def test_t9_who_was_gone_is_told_so_and_can_log_in_again(strict: Centre) -> None:
    """T9, D7: back at the desk the status is true, the invitation is gone, and one click makes them Ready."""
    alice, bob = strict.sit(ALICE), strict.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)
    strict.cut(bob)
    _expect_failed(alice)

    strict.mend(bob)

    expect(bob.status).to_have_text("Logged out")
    expect(bob.offers).to_have_count(0)
    bob.page.get_by_role("button", name="Ready", exact=True).click()
    expect(bob.status).to_have_text("Ready")
    alice.transfer(JANE, "Bob")
    bob.accept(ALICE)
    expect(bob.window(JANE)).to_be_visible()


def test_t9_who_has_a_window_at_another_server_is_not_gone(browser: Browser, tmp_path: Path) -> None:
    """T9: Bob closes his window at one server and has one at the other; Carol, who has not, is gone."""
    with (
        _centre(browser, tmp_path, gone_after=2) as here,
        Served(Options(data=tmp_path, gone_after=timedelta(seconds=2))) as there,
    ):
        alice, bob, carol = here.sit(ALICE), here.sit(BOB), here.sit(CAROL)
        other = bob.tab(there.url)
        back(other)

        bob.page.close()
        carol.page.close()

        found = alice.find("Omar Said", "Carol")
        expect(found.locator(".presence")).to_contain_text("Logged out")
        expect(other.status).to_have_text("Ready")


def test_t9_who_does_not_come_back_to_a_server_that_was_started_again_is_gone(browser: Browser, tmp_path: Path) -> None:
    """T9, F4: the server that saw Bob go is not there any more; the next one knows it all the same."""
    with _centre(browser, tmp_path, gone_after=2) as centre:
        alice, bob = centre.sit(ALICE), centre.sit(BOB)
        alice.page.close()
        bob.page.close()

    with _centre(browser, tmp_path, gone_after=2) as centre:
        alice = centre.sit(ALICE)
        found = alice.find(JANE, "Bob")
        expect(found.locator(".presence")).to_contain_text("Logged out")
        expect(alice.status).to_have_text("Ready")
