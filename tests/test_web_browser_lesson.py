"""The lesson in the browser: two agents, two windows, and one conversation that goes from one to the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from web import Sit

pytestmark = pytest.mark.desktop

ALICE, BOB = "Alice Ek", "Bob Lindström"


def test_t5_accept_moves_the_conversation(sit: Sit) -> None:
    """T5: the window closes here and opens there, with every text and the note."""
    alice, bob = sit(ALICE), sit(BOB)
    alice.transfer("Jane Roe", "Bob", note="You know the carrier.")
    expect(alice.window("Jane Roe").locator(".pending")).to_contain_text("Bob Lindström is pending")
    expect(bob.offer(ALICE)).to_contain_text("You know the carrier.")

    bob.accept(ALICE)

    expect(bob.window("Jane Roe")).to_contain_text("My parcel has not come.")
    expect(alice.window("Jane Roe")).to_have_count(0)
    expect(bob.offers).to_have_count(0)
    expect(bob.window("Jane Roe").get_by_role("textbox", name="Note")).to_have_value("You know the carrier.")
