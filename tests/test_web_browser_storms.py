"""The desktop in the browser comes back right, whatever happened to it and meanwhile (D7, F4, F6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from storms import ALICE, BOB, JANE, Centre, back, centre_at, delay_news, lost, picture
from web import Desk, Served
from web_desktop.app import Options
from wire import Mode

pytestmark = pytest.mark.desktop


@pytest.fixture
def centre(browser: Browser, tmp_path: Path) -> Generator[Centre]:
    """A centre."""
    with Served(Options(data=tmp_path)) as served, centre_at(browser, served.url) as centre:
        yield centre


@pytest.fixture
def hasty(browser: Browser, tmp_path: Path) -> Generator[Centre]:
    """A centre where invitations last two seconds."""
    with (
        Served(Options(data=tmp_path, answer_within=timedelta(seconds=2))) as served,
        centre_at(browser, served.url) as centre,
    ):
        yield centre


def _with_nothing_pending(centre: Centre) -> Desk:
    alice = centre.sit(ALICE)
    alice.window(JANE).get_by_role("textbox", name="Reply").fill("It is at the depot.")
    alice.window(JANE).get_by_role("button", name="Send").click()
    expect(alice.window(JANE).locator(".mine")).to_have_count(1)
    return alice


def _with_a_transfer_pending(centre: Centre) -> Desk:
    alice, _ = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    return alice


def _invited(centre: Centre) -> Desk:
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob", note="You know the carrier.")
    expect(bob.offers).to_have_count(1)
    return bob


def _with_an_error(centre: Centre) -> Desk:
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    bob.offer(ALICE).get_by_role("textbox", name="Reason").fill("Lunch")
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(alice.error(JANE)).to_contain_text("Lunch")
    expect(alice.page.locator("#unread")).to_have_text("1 unread")
    return alice


def _with_a_message_read(centre: Centre) -> Desk:
    alice = _with_an_error(centre)
    alice.messages.get_by_role("button", name="Mark as read").click()
    expect(alice.messages.get_by_role("button", name="Mark as unread")).to_be_visible()
    return alice


def _not_ready(centre: Centre) -> Desk:
    alice = centre.sit(ALICE)
    alice.page.locator("#channel").get_by_label("Reason").fill("Lunch")
    alice.page.get_by_role("button", name="Not Ready").click()
    expect(alice.status).to_have_text("Not Ready (Lunch)")
    return alice


def _logged_out(centre: Centre) -> Desk:
    alice = centre.sit(ALICE)
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.status).to_have_text("Logged out")
    return alice


STATES = {
    state.__name__.strip("_"): state
    for state in (
        _with_nothing_pending,
        _with_a_transfer_pending,
        _invited,
        _with_an_error,
        _with_a_message_read,
        _not_ready,
        _logged_out,
    )
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_d7_a_desk_looks_the_same_when_it_comes_back(centre: Centre, state: Callable[[Centre], Desk]) -> None:
    """D7: after a reload, after going elsewhere and back, after a lost connection, and in a second window."""
    desk = state(centre)
    before = picture(desk)

    desk.page.reload()
    back(desk)
    assert before == picture(desk), "reloaded"

    desk.page.goto("about:blank")
    desk.page.go_back()
    back(desk)
    assert before == picture(desk), "gone and come back"

    centre.cut(desk)
    centre.mend(desk)
    assert before == picture(desk), "cut off and connected again"

    other = desk.tab()
    back(other)
    assert before == picture(other), "in another window"


def test_d7_a_second_window_accepts_while_the_first_is_cut_off(centre: Centre) -> None:
    """D7, D3: the preview that was left on the screen is gone, and the conversation is there, once."""
    bob = _invited(centre)
    other = bob.tab(centre.url)
    centre.cut(bob)
    expect(bob.offers).to_have_count(1)

    other.accept(ALICE)
    expect(other.window(JANE)).to_be_visible()
    centre.mend(bob)

    expect(bob.offers).to_have_count(0)
    expect(bob.window(JANE)).to_have_count(1)
    assert picture(other) == picture(bob)


def test_d7_a_window_that_was_accepted_away_while_it_was_cut_off_closes(centre: Centre) -> None:
    """D7, T5: the sender's window is gone when the sender is back, and a screen reader is told."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    centre.cut(alice)

    bob.accept(ALICE)
    expect(bob.window(JANE)).to_be_visible()
    expect(alice.window(JANE)).to_have_count(1)
    centre.mend(alice)

    expect(alice.window(JANE)).to_have_count(0)
    expect(alice.page.get_by_role("status").filter(has_text=f"The conversation with {JANE}")).to_contain_text(
        "is not yours any more"
    )


def test_t7_an_invitation_that_expires_while_both_are_cut_off_is_told_when_they_are_back(hasty: Centre) -> None:
    """T7, F4: no ghost preview; the error stands at the top and in My Messages, once each."""
    alice, bob = hasty.sit(ALICE), hasty.sit(BOB)
    onlooker = alice.tab(hasty.url)
    alice.page.bring_to_front()
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)
    hasty.cut(alice)
    hasty.cut(bob)

    expect(onlooker.error(JANE)).to_contain_text("did not answer")
    expect(bob.offers.locator(".left")).to_contain_text("0 s left")
    hasty.mend(alice)
    hasty.mend(bob)

    expect(bob.offers).to_have_count(0)
    expect(alice.error(JANE)).to_contain_text("did not answer")
    expect(alice.messages).to_have_count(1)
    assert picture(onlooker) == picture(alice)


def test_t6_a_rejection_while_the_sender_is_cut_off_is_told_when_they_are_back(centre: Centre) -> None:
    """T6, F6: on both surfaces, once each."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)
    centre.cut(alice)

    bob.offer(ALICE).get_by_role("textbox", name="Reason").fill("Lunch")
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(bob.offers).to_have_count(0)
    centre.mend(alice)

    expect(alice.error(JANE)).to_contain_text("Lunch")
    expect(alice.window(JANE).locator(".pending")).to_be_hidden()
    expect(alice.messages).to_have_count(1)


def test_t12_texts_that_come_while_the_sender_is_cut_off_are_there_once_and_in_order(centre: Centre) -> None:
    """T12: those of before, of meanwhile and of after, each once."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    centre.text(alice, "Before.")
    expect(alice.window(JANE).locator(".texts li")).to_have_count(2)
    centre.cut(alice)
    centre.text(bob, "Meanwhile 1.")
    centre.text(bob, "Meanwhile 2.")

    centre.mend(alice)
    centre.text(alice, "After.")

    expect(alice.window(JANE).locator(".texts li .text")).to_have_text(
        ["My parcel has not come.", "Before.", "Meanwhile 1.", "Meanwhile 2.", "After."]
    )


def test_d7_a_half_written_reply_outlives_a_cut_and_a_reload(centre: Centre) -> None:
    """D7: what an agent is writing is theirs; a text that comes meanwhile does not disturb it."""
    alice = centre.sit(ALICE)
    reply = alice.window(JANE).get_by_role("textbox", name="Reply")
    reply.fill("It is at")
    centre.cut(alice)
    reply.press_sequentially(" the")
    centre.text(alice, "Hello?")
    centre.mend(alice)
    expect(alice.window(JANE).locator(".texts li")).to_have_count(2)
    expect(reply).to_have_value("It is at the")
    expect(reply).to_be_focused()

    alice.page.reload()
    expect(reply).to_have_value("It is at the")
    reply.press_sequentially(" depot.")
    alice.window(JANE).get_by_role("button", name="Send").click()

    expect(alice.window(JANE).locator(".mine .text")).to_have_text("It is at the depot.")
    expect(reply).to_have_value("")
    alice.page.reload()
    back(alice)
    expect(reply).to_have_value("")


def test_d7_a_half_written_reply_goes_with_the_conversation(centre: Centre) -> None:
    """D7: when the conversation comes back to an agent, it is another one."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.window(JANE).get_by_role("textbox", name="Reply").fill("It is at")
    alice.transfer(JANE, "Bob")
    bob.accept(ALICE)
    expect(alice.window(JANE)).to_have_count(0)

    bob.transfer(JANE, "Alice")
    alice.accept(BOB)

    expect(alice.window(JANE).get_by_role("textbox", name="Reply")).to_have_value("")
    alice.page.reload()
    expect(alice.window(JANE).get_by_role("textbox", name="Reply")).to_have_value("")


def test_d7_a_page_notices_by_silence_that_nothing_arrives_any_more(centre: Centre) -> None:
    """D7: a connection that hangs is never closed by anybody; the page gives it up and comes back."""
    alice = centre.sit(ALICE)
    alice.page.clock.install()
    alice.page.reload()
    back(alice)
    centre.turn(alice, Mode.HANGING)
    centre.text(alice, "Hello?")

    alice.page.clock.fast_forward(13_000)
    lost(alice)
    centre.turn(alice, Mode.CUT)
    centre.turn(alice, Mode.WHOLE)
    alice.page.clock.fast_forward(5_000)

    back(alice)
    expect(alice.window(JANE).locator(".texts li")).to_have_count(2)


def test_t10_the_countdown_does_not_believe_the_browsers_clock(centre: Centre) -> None:
    """T10: the deadline is the server's; a clock that is an hour slow or fast does not move it."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    hour = timedelta(hours=1)
    bob.page.clock.install(time=bob.page.evaluate("Date.now() / 1000") - hour.total_seconds())
    bob.page.reload()
    back(bob)

    alice.transfer(JANE, "Bob")

    left = bob.offers.locator(".left")
    expect(left).to_contain_text(re.compile(r"^(2\d|30) s left, offered \d s ago\.$"))
    bob.page.clock.set_system_time(datetime.now(UTC) + hour)
    bob.page.reload()
    back(bob)
    expect(left).to_contain_text(re.compile(r"^(2\d|30) s left, offered \d s ago\.$"))
    expect(alice.window(JANE).locator(".pending .left")).to_have_text(re.compile(r"^(2\d|30) s left\.$"))


@pytest.mark.parametrize("button", ["Accept", "Reject"])
def test_f7_an_answer_that_is_clicked_while_cut_off_does_nothing_and_says_so(centre: Centre, button: str) -> None:
    """F7, A2: the person is told that nothing was done; it is asked for again when the desk is back, and counts."""
    bob = _invited(centre)
    centre.cut(bob)

    bob.offer(ALICE).get_by_role("button", name=button).click()

    refusal = bob.page.locator("#refusal")
    expect(refusal).to_have_text("There was no connection. Nothing was done.")
    centre.mend(bob)
    expect(bob.offers).to_have_count(1)
    bob.offer(ALICE).get_by_role("button", name=button).click()
    expect(bob.offers).to_have_count(0)
    expect(bob.window(JANE)).to_have_count(1 if button == "Accept" else 0)
    expect(refusal).to_be_hidden()


def test_f7_what_is_sent_or_transferred_while_cut_off_is_not_done_and_nothing_written_is_lost(centre: Centre) -> None:
    """F7: Send and SMS Transfer say that nothing was done; the text stays, and one click sends it once."""
    alice = centre.sit(ALICE)
    centre.sit(BOB)
    window = alice.window(JANE)
    window.get_by_role("textbox", name="Reply").fill("It is at the depot.")
    target = alice.find(JANE, "Bob")
    target.get_by_text("Actions").click()
    centre.cut(alice)

    window.get_by_role("button", name="Send").click()
    expect(window.locator(".refusal")).to_have_text("There was no connection. Nothing was done.")
    target.get_by_role("button", name="SMS Transfer").click()
    expect(window.locator(".refusal")).to_have_text("There was no connection. Nothing was done.")
    centre.mend(alice)

    expect(window.locator(".mine")).to_have_count(0)
    expect(window.locator(".pending")).to_be_hidden()
    target.get_by_role("button", name="SMS Transfer").click()
    expect(window.locator(".pending")).to_be_visible()
    window.get_by_role("button", name="Send").click()
    expect(window.locator(".mine .text")).to_have_text("It is at the depot.")


def test_t11_an_accept_whose_answer_is_lost_is_told_as_unknown_and_then_shown(centre: Centre) -> None:
    """T11, D7: it was done, and the page cannot know; when it is back the conversation is there."""
    bob = _invited(centre)
    other = bob.tab(centre.url)
    bob.page.bring_to_front()
    centre.turn(bob, Mode.ANSWERLESS)
    bob.accept(ALICE)
    expect(other.window(JANE)).to_be_visible()
    expect(bob.window(JANE)).to_have_count(0)

    centre.cut(bob)

    expect(bob.page.locator("#refusal")).to_have_text("The connection was lost. Look whether it was done.")
    centre.mend(bob)
    expect(bob.window(JANE)).to_have_count(1)
    expect(bob.offers).to_have_count(0)


@pytest.mark.parametrize("won", ["accepted", "cancelled"])
def test_t11_an_accept_of_what_is_over_is_told_what_won(centre: Centre, won: str) -> None:
    """T11: the news has not come yet, so that the preview is still there; whoever answers it is told what won."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)
    news = delay_news(bob)
    expect(bob.offers).to_have_count(1)
    news.hold()

    if won == "accepted":
        bob.accept(ALICE)
    else:
        alice.window(JANE).get_by_role("button", name="Cancel transfer").click()
    expect(alice.page.locator(".pending:visible")).to_have_count(0)
    expect(bob.offers).to_have_count(1)
    bob.accept(ALICE)

    expect(bob.page.locator("#refusal")).to_contain_text(won)
    news.release()
    expect(bob.offers).to_have_count(0)
    expect(bob.window(JANE)).to_have_count(1 if won == "accepted" else 0)


def test_f5_a_transfer_whose_answer_is_lost_is_one_request_and_can_be_asked_for_anew(centre: Centre) -> None:
    """F5: the request was made; when it is over, a click on the same target is another wish, and makes another."""
    alice, bob = centre.sit(ALICE), centre.sit(BOB)
    target = alice.find(JANE, "Bob")
    target.get_by_text("Actions").click()
    centre.turn(alice, Mode.ANSWERLESS)
    target.get_by_role("button", name="SMS Transfer").click()
    target.get_by_role("button", name="SMS Transfer").click()
    expect(bob.offers).to_have_count(1)
    centre.cut(alice)
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(bob.offers).to_have_count(0)
    centre.mend(alice)
    expect(alice.error(JANE)).to_be_visible()
    expect(alice.messages).to_have_count(1)

    target.get_by_role("button", name="SMS Transfer").click()

    expect(alice.window(JANE).locator(".pending")).to_be_visible()
    expect(bob.offers).to_have_count(1)


def test_f6_a_reply_whose_answer_is_lost_is_told_as_unknown_and_stands_in_the_transcript(centre: Centre) -> None:
    """F6: it was recorded; the person is told to look, and sees it there, once."""
    alice = centre.sit(ALICE)
    other = alice.tab(centre.url)
    alice.page.bring_to_front()
    window = alice.window(JANE)
    window.get_by_role("textbox", name="Reply").fill("It is at the depot.")
    centre.turn(alice, Mode.ANSWERLESS)
    window.get_by_role("button", name="Send").click()
    expect(other.window(JANE).locator(".mine")).to_have_count(1)

    centre.cut(alice)

    expect(window.locator(".refusal")).to_have_text("The connection was lost. Look whether it was done.")
    centre.mend(alice)
    expect(window.locator(".mine .text")).to_have_text("It is at the depot.")
