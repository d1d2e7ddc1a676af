"""The desktop in the browser when its server is killed, and when there are two (D7, F3, F4)."""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, expect
from psycopg import sql
from psycopg.conninfo import make_conninfo

from servers import Server
from storms import ALICE, BOB, JANE, back, lost, picture
from web import Desk, ServedByProcess, Sit, sitting

pytestmark = pytest.mark.desktop

STORES: Final = ("postgres", "sqlite")


def _invite(alice: Desk, bob: Desk) -> None:
    alice.transfer(JANE, "Bob")
    expect(bob.offers).to_have_count(1)


def test_f4_an_invitation_outlives_the_server(browser: Browser, tmp_path: Path) -> None:
    """F4, D7: both desks come back by themselves, nobody logs in again, and the deadline is the recorded one."""
    with ServedByProcess(tmp_path) as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        _invite(alice, bob)
        before = picture(alice), picture(bob), bob.offers.locator(".left").get_attribute("data-deadline")

        served.kill()
        lost(alice)
        lost(bob)
        served.start()
        back(alice)
        back(bob)

        after = picture(alice), picture(bob), bob.offers.locator(".left").get_attribute("data-deadline")
        assert before == after
        bob.accept(ALICE)
        expect(bob.window(JANE)).to_be_visible()
        expect(alice.window(JANE)).to_have_count(0)


def test_f4_an_invitation_expires_while_there_is_no_server(browser: Browser, tmp_path: Path) -> None:
    """F4, T7: as soon as there is one again the preview is gone, and the sender is told on both surfaces, once."""
    with ServedByProcess(tmp_path, "--answer-within", "2") as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        _invite(alice, bob)
        served.kill()
        lost(bob)
        expect(bob.offers.locator(".left")).to_contain_text("0 s left")

        served.start()
        back(bob)
        back(alice)

        expect(bob.offers).to_have_count(0)
        expect(alice.error(JANE)).to_contain_text("did not answer")
        expect(alice.messages).to_have_count(1)


def test_f3_a_server_that_is_killed_after_the_click_on_accept_has_done_it_or_not(
    browser: Browser, tmp_path: Path
) -> None:
    """F1, F3, F6: the conversation is on one desk; either the offer stands or it is accepted, and both desks agree."""
    with ServedByProcess(tmp_path) as served, sitting(browser, served.url) as sit:
        alice, bob = sit(ALICE), sit(BOB)
        _invite(alice, bob)

        bob.accept(ALICE)
        served.kill()
        lost(alice)
        lost(bob)
        served.start()
        back(alice)
        back(bob)

        moved = bob.window(JANE).count()
        expect(alice.window(JANE)).to_have_count(1 - moved)
        expect(bob.offers).to_have_count(1 - moved)
        if not moved:
            bob.accept(ALICE)
        expect(bob.window(JANE)).to_be_visible()
        expect(alice.window(JANE)).to_have_count(0)


@pytest.fixture(params=STORES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[tuple[ServedByProcess, ServedByProcess]]:
    """Two servers of one centre, started at once."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        options: tuple[str, ...] = ()
        if request.param == "postgres":
            server: Server = request.getfixturevalue("postgres")
            options = ("--postgres", stack.enter_context(_new_database(server)))
        starting = [pool.submit(ServedByProcess, tmp_path, *options) for _ in range(2)]
        one, other = (stack.enter_context(start.result()) for start in starting)
        yield one, other


@contextmanager
def _new_database(server: Server) -> Generator[str]:
    name = sql.Identifier(f"web_{uuid4().hex}")
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield make_conninfo(server.conninfo, dbname=name.as_string().strip('"'))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def sit(browser: Browser, pair: tuple[ServedByProcess, ServedByProcess]) -> Generator[Sit]:
    """Has an agent sit down; at the first server, if no other is named."""
    with sitting(browser, pair[0].url) as sit:
        yield sit


@pytest.fixture
def desks(sit: Sit, pair: tuple[ServedByProcess, ServedByProcess]) -> tuple[Desk, Desk]:
    """Alice at one server, and Bob at the other."""
    return sit(ALICE), sit(BOB, url=pair[1].url)


def test_t5_a_conversation_moves_from_one_server_to_another(desks: tuple[Desk, Desk]) -> None:
    """T5, T12: with what is texted in the middle of it; and back again."""
    alice, bob = desks
    _invite(alice, bob)
    alice.page.request.post(
        re.sub("/desk/.*", "/telephone/jane", bob.page.url), form={"text": "Hello?", "message_id": uuid4().hex}
    )
    expect(alice.window(JANE).locator(".texts li")).to_have_count(2)

    bob.accept(ALICE)

    expect(bob.window(JANE).locator(".texts li .text")).to_have_text(["My parcel has not come.", "Hello?"])
    expect(alice.window(JANE)).to_have_count(0)
    bob.transfer(JANE, "Alice")
    alice.accept(BOB)
    expect(alice.window(JANE)).to_be_visible()
    expect(bob.window(JANE)).to_have_count(0)


def test_t6_what_ends_a_transfer_at_one_server_is_told_at_the_other(desks: tuple[Desk, Desk]) -> None:
    """T6, T8, T9: rejected by the one, cancelled by the other, and the status that a search shows."""
    alice, bob = desks
    _invite(alice, bob)
    bob.offer(ALICE).get_by_role("button", name="Reject").click()
    expect(alice.error(JANE)).to_be_visible()
    expect(alice.messages).to_have_count(1)

    _invite(alice, bob)
    expect(alice.error(JANE)).to_be_hidden()
    alice.window(JANE).get_by_role("button", name="Cancel transfer").click()
    expect(bob.offers).to_have_count(0)

    _invite(alice, bob)
    bob.page.get_by_role("button", name="Log out").click()
    expect(alice.error(JANE)).to_contain_text("logged out")
    expect(alice.messages).to_have_count(2)
    expect(alice.find(JANE, "Bob").locator(".presence")).to_contain_text("Logged out")


def test_f4_one_server_is_killed_and_the_other_goes_on(
    desks: tuple[Desk, Desk], pair: tuple[ServedByProcess, ServedByProcess]
) -> None:
    """F4, D7: Bob accepts at the other server, where his log-in counts too; his old window comes back to the truth."""
    alice, bob = desks
    _invite(alice, bob)
    pair[1].kill()
    lost(bob)

    other = bob.tab(pair[0].url)
    other.accept(ALICE)

    expect(other.window(JANE)).to_be_visible()
    expect(alice.window(JANE)).to_have_count(0)
    expect(bob.offers).to_have_count(1)
    pair[1].start()
    back(bob)
    assert picture(other) == picture(bob)
