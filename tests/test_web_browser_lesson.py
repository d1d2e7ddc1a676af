"""The lesson in the browser: two agents, two windows, and one conversation that goes from one to the other."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from sms_transfer import Privilege
from web import Served, Sit, sitting
from web_desktop.app import Options
from web_desktop.centre import AGENTS

pytestmark = pytest.mark.desktop

ALICE, BOB, DAN = "Alice Ek", "Bob Lindström", "Dan Okafor"
JANE, OMAR = "Jane Roe", "Omar Said"
HELLO = "My parcel has not come."
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


def test_t5_accept_moves_the_conversation(sit: Sit) -> None:
    """T5: the window closes here and opens there, with every text and the note."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob", note="You know the carrier.")
    expect(alice.pending(JANE)).to_contain_text("Bob Lindström is pending")
    expect(bob.offer(ALICE)).to_contain_text("You know the carrier.")

    bob.accept(ALICE)

    expect(bob.window(JANE)).to_contain_text(HELLO)
    expect(alice.window(JANE)).to_have_count(0)
    expect(bob.offers).to_have_count(0)
    expect(bob.note(JANE)).to_have_value("You know the carrier.")
    expect(alice.messages).to_have_count(0)


def test_t5_a_preview_says_what_is_offered(sit: Sit) -> None:
    """T5: from whom, media, contact, case data, since when, until when, and both answers."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    offer = bob.offer(ALICE)
    expect(offer.locator(".why")).to_have_text("Alice Ek wants to transfer an SMS conversation with Jane Roe to you.")
    expect(offer.locator("dt")).to_have_text(["Media", "Contact", "Offered", "tier"])
    expect(offer.locator("dd").nth(3)).to_have_text("gold")
    expect(offer.locator(".left")).to_contain_text("s left, offered")
    expect(offer.get_by_role("button")).to_have_text(["Accept", "Reject"])


def test_t5_accepting_twice_is_no_error(sit: Sit) -> None:
    """T5: whoever clicks twice meant it once."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    bob.offer(ALICE).get_by_role("button", name="Accept").dblclick()
    expect(bob.window(JANE)).to_be_visible()
    bob.reply(JANE, "Hello from Bob.")  # whatever was asked before it is answered before it
    expect(bob.texts(JANE)).to_have_text([HELLO, "Hello from Bob."])
    expect(bob.page.locator("#refusal")).to_be_hidden()


def test_t6_reject_is_told_on_two_surfaces(sit: Sit) -> None:
    """T6: at the top of the window, which stays, and in My Messages; nothing at whoever rejected."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    bob.reject(ALICE, "At lunch")

    expect(alice.error(JANE)).to_have_text("Bob Lindström rejected the transfer: “At lunch”")
    expect(alice.messages).to_have_count(1)
    expect(alice.messages).to_contain_text("Bob Lindström rejected the transfer: “At lunch”")
    expect(alice.pending(JANE)).to_be_hidden()
    expect(bob.offers).to_have_count(0)
    expect(bob.messages).to_have_count(0)
    expect(bob.window(JANE)).to_have_count(0)
    alice.reply(JANE, "One moment.")
    expect(alice.texts(JANE)).to_have_text([HELLO, "One moment."])


def test_t7_no_answer_withdraws_the_preview(browser: Browser, tmp_path: Path) -> None:
    """T7: and the sender is told that nobody answered."""
    quick = Options(data=tmp_path, answer_within=timedelta(seconds=1))
    with Served(quick) as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        alice.transfer(JANE, "Bob")
        expect(alice.error(JANE)).to_have_text("Bob Lindström did not answer the transfer in time.")
        expect(bob.offers).to_have_count(0)
        expect(bob.messages).to_have_count(0)
        expect(alice.messages).to_contain_text("did not answer the transfer in time.")


def test_t8_cancel_withdraws_the_preview(sit: Sit) -> None:
    """T8: and there is no error."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    alice.press(JANE, "Cancel transfer")
    expect(bob.offers).to_have_count(0)
    expect(alice.pending(JANE)).to_be_hidden()
    expect(alice.error(JANE)).to_be_hidden()
    expect(alice.messages).to_have_count(0)


def test_t9_log_out_while_invited_is_told_at_once(sit: Sit) -> None:
    """T9: long before the deadline."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    bob.page.get_by_role("button", name="Log out").click()
    expect(alice.error(JANE)).to_have_text("Bob Lindström logged out before answering the transfer.")
    expect(bob.status).to_have_text("Logged out")
    expect(bob.offers).to_have_count(0)


def test_t9_a_closed_window_is_told_as_disconnected(browser: Browser, tmp_path: Path) -> None:
    """T9: as soon as the invitee is without a window for long enough."""
    quick = Options(data=tmp_path, gone_after=timedelta(seconds=0.2))
    with Served(quick) as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        alice.transfer(JANE, "Bob")
        expect(bob.offer(ALICE)).to_be_visible()
        bob.page.close()
        expect(alice.error(JANE)).to_have_text("Bob Lindström was disconnected before answering the transfer.")


def test_t9_not_ready_keeps_the_invitation(sit: Sit) -> None:
    """T9: it can still be accepted."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    bob.page.get_by_role("button", name="Not Ready").click()
    expect(bob.status).to_have_text("Not Ready")
    bob.accept(ALICE)
    expect(bob.window(JANE)).to_be_visible()
    expect(alice.window(JANE)).to_have_count(0)


def test_t12_a_text_in_mid_transfer_is_seen_by_both(sit: Sit) -> None:
    """T12, T4: by the sender at once, whose answer goes out, and by the invitee in the transcript on accept."""
    alice, bob = sit(ALICE), sit(BOB)
    jane = alice.telephone("jane")
    alice.transfer(JANE, "Bob")
    jane.text("Are you there?")
    expect(alice.texts(JANE)).to_have_text([HELLO, "Are you there?"])
    alice.reply(JANE, "Bob will help you.")
    whole = [HELLO, "Are you there?", "Bob will help you."]
    expect(alice.texts(JANE)).to_have_text(whole)

    bob.accept(ALICE)

    expect(bob.texts(JANE)).to_have_text(whole)
    expect(bob.window(JANE).locator(".sender")).to_have_text([JANE, JANE, ALICE])
    bob.reply(JANE, "Here I am.")
    jane.shows(*whole, "Here I am.")


def test_t16_a_picture_travels(sit: Sit, tmp_path: Path) -> None:
    """T16, T2: an MMS is transferred by the action of the same name, and its pictures can be seen on either desk."""
    (tmp_path / "lock.png").write_bytes(PICTURE)
    alice, bob = sit(ALICE), sit(BOB)
    omar = alice.telephone("omar")
    omar.text("And this is the lock.", picture=tmp_path / "lock.png")
    expect(omar.page.get_by_role("img", name="Picture lock.png")).to_have_js_property("naturalWidth", 1)
    for desk in (alice, bob):
        if desk is bob:
            alice.transfer(OMAR, "Bob")
            bob.accept(ALICE)
        expect(desk.window(OMAR).get_by_role("heading")).to_contain_text("MMS")
        lock = desk.window(OMAR).get_by_role("img", name="Picture lock.png")
        expect(lock).to_have_js_property("naturalWidth", 1)
        expect(desk.window(OMAR).get_by_role("img", name="Picture door.svg")).to_have_js_property("naturalHeight", 180)
        expect(lock).to_be_in_viewport()  # the last text is what one wants to see


def test_e4_an_attachment_is_saved_with_the_privilege_only(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E4: without it there is no button."""
    monkeypatch.setitem(
        AGENTS, "bob", attrs.evolve(AGENTS["bob"], privileges=frozenset(Privilege) - {Privilege.SAVE_ATTACHMENTS})
    )
    with Served(Options(data=tmp_path)) as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        with alice.page.expect_download() as saving:
            alice.press(OMAR, "Save")
        assert "door.svg" == saving.value.suggested_filename
        alice.transfer(OMAR, "Bob")
        bob.accept(ALICE)
        expect(bob.window(OMAR).get_by_role("img", name="Picture door.svg")).to_be_visible()
        expect(bob.window(OMAR).get_by_role("button", name="Save", exact=True)).to_have_count(0)


def test_e4_without_the_privilege_there_is_no_reject(sit: Sit) -> None:
    """E4: and Accept works."""
    alice, dan = sit(ALICE), sit(DAN)
    alice.transfer(JANE, "Dan")
    expect(dan.offer(ALICE).get_by_role("button")).to_have_text(["Accept"])
    expect(dan.offer(ALICE).get_by_label("Reason")).to_be_hidden()
    dan.accept(ALICE)
    expect(dan.window(JANE)).to_be_visible()


def test_t13_done_withdraws_the_preview(sit: Sit) -> None:
    """T13: and the window closes without an error."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE)).to_be_visible()
    alice.press(JANE, "Mark done")
    expect(alice.window(JANE)).to_have_count(0)
    expect(bob.offers).to_have_count(0)
    expect(bob.windows).to_have_count(1)
    expect(alice.messages).to_have_count(0)


def test_t15_the_new_owner_is_an_owner(sit: Sit) -> None:
    """T15: they transfer it back, and whoever has it again marks it done."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer(JANE, "Bob")
    bob.accept(ALICE)
    bob.transfer(JANE, "Alice")
    alice.accept(BOB)
    expect(alice.texts(JANE)).to_have_text([HELLO])
    expect(bob.window(JANE)).to_have_count(0)
    alice.press(JANE, "Mark done")
    expect(alice.window(JANE)).to_have_count(0)


def test_t16_case_data_and_note_travel(sit: Sit) -> None:
    """T16: as they were last set; a value that is emptied is gone."""
    alice, bob = sit(ALICE), sit(BOB)
    window = alice.window(JANE)
    for key, value in (("order", "4711"), ("tier", "")):
        window.get_by_label("Key").fill(key)
        window.get_by_label("Value").fill(value)
        alice.press(JANE, "Set")
        expect(window.get_by_label("Key")).to_have_value("")
    expect(window.locator(".data")).to_have_text("order4711")
    alice.note(JANE).fill("Carrier was asked.")
    alice.press(JANE, "Save the note")
    alice.transfer(JANE, "Bob")
    expect(bob.offer(ALICE).locator(".data")).to_contain_text("order4711")
    bob.accept(ALICE)
    expect(bob.window(JANE).locator(".data")).to_have_text("order4711")
    expect(bob.note(JANE)).to_have_value("Carrier was asked.")


def test_t12_what_is_half_written_stays(sit: Sit) -> None:
    """T12: whatever else changes in the window, and the caret with it."""
    alice, bob = sit(ALICE), sit(BOB)
    jane, tab = alice.telephone("jane"), alice.tab()
    alice.note(JANE).fill("Half a no")
    alice.draft(JANE).fill("Half a reply")
    alice.draft(JANE).press("ArrowLeft")

    jane.text("Hello?")
    tab.window(JANE).get_by_label("Key").fill("order")
    tab.window(JANE).get_by_label("Value").fill("4711")
    tab.press(JANE, "Set")
    tab.transfer(JANE, "Bob")
    bob.reject(ALICE)

    expect(alice.error(JANE)).to_be_visible()
    expect(alice.texts(JANE)).to_have_text([HELLO, "Hello?"])
    expect(alice.window(JANE).locator(".data")).to_contain_text("4711")
    alice.page.keyboard.type("!")
    expect(alice.draft(JANE)).to_have_value("Half a repl!y")
    expect(alice.note(JANE)).to_have_value("Half a no")


def test_t12_an_incoming_text_lets_one_go_on_reading(sit: Sit) -> None:
    """T12: whoever reads what was said earlier stays there, and whoever reads the last text sees the next."""
    alice = sit(ALICE)
    jane, texts = alice.telephone("jane"), alice.window(JANE).locator(".texts li")
    alice.reply(JANE, "\n".join("A long story." for _ in range(40)))
    expect(texts).to_have_count(2)
    jane.text("Indeed.")
    expect(texts.last).to_be_in_viewport()
    texts.first.scroll_into_view_if_needed()
    jane.text("And then?")
    expect(texts).to_have_count(4)
    expect(texts.first).to_be_in_viewport()
    alice.reply(JANE, "That was all.")
    expect(texts.last).to_contain_text("That was all.")
    expect(texts.last).to_be_in_viewport()


def test_f1_a_text_under_an_old_epoch_is_refused(sit: Sit) -> None:
    """F1: though its sender owns the conversation again, it was meant for another time."""
    alice, bob = sit(ALICE), sit(BOB)
    send = """async epoch => {
      const socket = new WebSocket(`${location.href.replace("http", "ws")}/socket`);
      await new Promise(resolve => { socket.onopen = resolve; });
      const answered = new Promise(resolve => {
        socket.onmessage = event => { const said = JSON.parse(event.data); if ("answer" in said) resolve(said); };
      });
      socket.send(JSON.stringify({n: 1, do: "reply", interaction: "jane-1", epoch, text: "Too late."}));
      const {refused} = await answered;
      socket.close();
      return refused.map(notice => notice.text);
    }"""
    alice.transfer(JANE, "Bob")
    bob.accept(ALICE)
    expect(alice.window(JANE)).to_have_count(0)
    assert ["This window is out of date. Bob Lindström owns the conversation now."] == alice.page.evaluate(send, 0)

    bob.transfer(JANE, "Alice")
    alice.accept(BOB)
    expect(alice.window(JANE)).to_be_visible()
    assert ["This window is out of date. Alice Ek owns the conversation now."] == alice.page.evaluate(send, 0)
    expect(alice.texts(JANE)).to_have_text([HELLO])


def test_f1_a_text_that_was_overtaken_is_told_where_the_window_is_gone(sit: Sit) -> None:
    """F1, F6: the text is not sent, and its writer is told so although its window has closed in the meantime."""
    alice, bob = sit(ALICE), sit(BOB)
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(lambda words: held.append((server, words)) if "reply" in str(words) else server.send(words))

    alice.page.route_web_socket("**/socket*", hold)
    alice.page.reload()
    alice.transfer(JANE, "Bob")
    alice.reply(JANE, "On its way.")
    bob.accept(ALICE)
    expect(alice.window(JANE)).to_have_count(0)
    for server, words in held:
        server.send(words)
    expect(alice.page.locator("#refusal")).to_have_text(
        "Jane Roe: This window is out of date. Bob Lindström owns the conversation now."
    )
    expect(bob.texts(JANE)).to_have_text([HELLO])


def test_f1_a_second_click_sends_nothing(sit: Sit) -> None:
    """F1: a text goes out once."""
    alice = sit(ALICE)
    alice.draft(JANE).fill("Once.")
    alice.window(JANE).get_by_role("button", name="Send").dblclick()
    alice.reply(JANE, "Twice.")
    expect(alice.texts(JANE)).to_have_text([HELLO, "Once.", "Twice."])
