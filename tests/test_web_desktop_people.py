"""The web desktop's windows, and who is who: nobody acts for somebody else, and nobody is sent what is not theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from random import Random
from typing import Final

import pytest
from itsdangerous import TimestampSigner
from websockets.exceptions import InvalidStatus

from web_wire import AGENTS, Centre, Json, Wire, serving

pytestmark = pytest.mark.desktop

BOB: Final = {"kind": "agent", "id": "bob"}


@pytest.fixture
def centre(tmp_path: Path) -> Generator[Centre]:
    with serving(tmp_path) as centre:
        yield centre


def _logged_in(centre: Centre, *agents: str) -> None:
    for agent in agents:
        with centre.sit(agent) as wire:
            wire.do("log_in")
            wire.do("ready")


class _Yesterday(TimestampSigner):
    """Signs as if it were more than a day ago."""

    def get_timestamp(self) -> int:
        return int(time.time()) - 90_000


def _signed(centre: Centre, agent: str, signer: type[TimestampSigner]) -> str:
    return f"desk={signer((centre.data / 'secret').read_text()).sign(agent).decode()}"


COOKIES: Final[dict[str, Callable[[Centre], str]]] = {
    "none": lambda _: "",
    "empty": lambda _: "desk=",
    "a name": lambda _: "desk=alice",
    "a forged signature": lambda centre: f"{centre.cookie('alice')[:-4]}AAAA",
    "another's signature": lambda centre: centre.cookie("bob").replace("bob", "alice"),
    "another agent's": lambda centre: centre.cookie("bob"),
    "of another secret": lambda _: f"desk={TimestampSigner('guess').sign('alice').decode()}",
    "expired": lambda centre: _signed(centre, "alice", _Yesterday),
    "two, the wrong one last": lambda centre: f"{centre.cookie('alice')}; {centre.cookie('bob')}",
    "no ASCII": lambda _: "desk=\xff.\xff.\xff",
}


@pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES)
def test_a7_a_desk_opens_for_its_agent_only(centre: Centre, cookie: Callable[[Centre], str]) -> None:
    """A7: who has not logged in as its agent gets neither the page nor the socket."""
    shown = cookie(centre)
    with pytest.raises(InvalidStatus) as refused, centre.open("alice", cookie=shown):
        pass
    page = centre.pages.get("/desk/alice", headers={b"cookie": shown.encode("latin-1")})
    assert (403, 303, "/") == (refused.value.response.status_code, page.status_code, page.headers["location"])


@pytest.mark.parametrize(
    "origin", ["null", "", "http://evil.example", "http://[", "http://127.0.0.1", "file://", "\xff"]
)
def test_a7_a_page_from_elsewhere_opens_no_desk(centre: Centre, origin: str) -> None:
    """A7: a browser would add the agent's cookie to whatever page asks, so the page must be one of ours."""
    cookie = centre.cookie("alice")
    with pytest.raises(InvalidStatus) as refused, centre.open("alice", cookie=cookie, origin=origin):
        pass
    page = centre.pages.get("/desk/alice", headers={b"cookie": cookie.encode(), b"origin": origin.encode("latin-1")})
    assert (403, 303) == (refused.value.response.status_code, page.status_code)


def test_a7_our_own_pages_and_other_programs_open_a_desk(centre: Centre) -> None:
    """A7: the first say where they are from; the second need no saying."""
    for origin in (centre.url, None):
        with centre.open("alice", origin=origin) as socket:
            assert "Alice Ek" == Wire(socket).wait("agent", "alice")["name"]


def test_f1_what_belongs_to_others_cannot_be_touched(centre: Centre) -> None:
    """A7, F7: their conversations, transfers, offers and messages, by ids that somebody has learned."""
    _logged_in(centre, *AGENTS)
    with centre.sit("alice") as alice, centre.sit("bob") as bob, centre.sit("dan") as dan:
        failed = alice.do("transfer", interaction="omar-1", epoch=0, note="", key="k1", target=BOB)
        bob.do("reject", invitation=bob.wait("preview")["invitation_id"], reason="busy")
        alice.wait("message", failed["id"])
        pending = alice.do("transfer", interaction="jane-1", epoch=0, note="", key="k2", target=BOB)
        while "jane-1" != (offer := bob.wait("preview"))["interaction_id"]:
            bob.hear()
        before = centre.recorded()
        denied: list[tuple[str, dict[str, Json]]] = [
            ("refused.not_permitted.not_owner.owned_by", {"do": "reply", "text": "Hello"}),
            ("refused.not_permitted.not_owner.owned_by", {"do": "set_note", "note": "x"}),
            ("refused.not_permitted.not_owner.owned_by", {"do": "set_case_data", "key": "tier", "value": "x"}),
            ("refused.not_permitted.not_owner.owned_by", {"do": "mark_done"}),
            ("refused.not_permitted.not_owner.owned_by", {"do": "transfer", "note": "", "key": "k2", "target": BOB}),
            ("refused.not_permitted.not_owner.owned_by", {"do": "transfer", "note": "", "key": "k3", "target": BOB}),
        ]
        for code, words in denied:
            for epoch in (0, 1):
                found = dan.refused(**words, interaction="jane-1", epoch=epoch)
                assert found in ([code], ["refused.stale_epoch"]), words
        refused = dan.refused("save_attachment", interaction="omar-1", epoch=0, attachment="door")
        assert ["refused.not_permitted.not_owner.owned_by"] == refused
        assert ["refused.not_permitted.not_sender"] == dan.refused("cancel", transfer=pending["id"])
        ticket = offer["invitation_id"]
        for wire in (alice, dan):
            assert ["refused.not_permitted.not_invitee"] == wire.refused("accept", invitation=ticket)
            assert ["refused.not_permitted.not_invitee"] == wire.refused("reject", invitation=ticket, reason="")
        assert ["refused.not_found.message"] == dan.refused("mark_read", message=failed["id"], read=True)
        assert ["refused.not_found.message"] == dan.refused("delete_message", message=failed["id"])
        assert before == centre.recorded()


def test_f1_an_old_windows_epoch_is_refused(centre: Centre) -> None:
    """F1, T5: what the former owner's window still sends names an ownership that is over, and who owns it now."""
    _logged_in(centre, "alice", "bob")
    with centre.sit("alice") as alice, centre.sit("bob") as bob:
        old = alice.wait("window", "jane-1")["interaction"]["epoch"]
        alice.do("transfer", interaction="jane-1", epoch=old, note="", key="k", target=BOB)
        bob.do("accept", invitation=bob.wait("preview")["invitation_id"])
        before = centre.recorded()
        for words in (
            {"do": "reply", "text": "still me"},
            {"do": "set_note", "note": "still me"},
            {"do": "set_case_data", "key": "k", "value": "v"},
            {"do": "mark_done"},
            {"do": "transfer", "note": "", "key": "again", "target": BOB},
        ):
            [notice] = alice.ask(**words, interaction="jane-1", epoch=old)["refused"]
            assert "This window is out of date. Bob Lindström owns the conversation now." == notice["text"]
        assert ["refused.stale_epoch"] == bob.refused("reply", interaction="jane-1", epoch=old, text="not yet me")
        assert before == centre.recorded()
        assert "me" == bob.do("reply", interaction="jane-1", epoch=old + 1, text="me")["text"]


def test_t5_the_sender_is_never_sent_the_ticket(centre: Centre) -> None:
    """T5: an invitation's id is its invitee's; nothing that the sender asks or is shown has it."""
    _logged_in(centre, "alice", "bob")
    with centre.sit("alice") as alice, centre.sit("bob") as bob:
        words = {"interaction": "jane-1", "epoch": 0, "note": "please", "target": BOB}
        request = alice.do("transfer", **words, key="k")
        again = alice.do("transfer", **words, key="k")  # F5
        ticket = bob.wait("preview")["invitation_id"]
        alice.refused("transfer", **words, key="other")
        alice.do("search", interaction="jane-1", text="", view="recents", kind="")
        alice.do("set_note", interaction="jane-1", epoch=0, note="n")
        alice.do("cancel", transfer=request["id"])
        alice.wait("window", "jane-1")
        with centre.sit("alice") as second:
            heard = "".join(alice.heard + second.heard)
    assert request["id"] == again["id"]
    assert ticket not in heard


class _Story:
    """What agents do with two conversations, each full of a word of its own that no other may be sent."""

    def __init__(self, wires: dict[str, Wire], chance: Random) -> None:
        self.wires = wires
        self.chance = chance
        self.may_see: dict[str, set[str]] = {"jane": {"alice"}, "lin": {"bob"}}
        self.owner = {"jane": "alice", "lin": "bob"}
        self.epoch = {"jane": 0, "lin": 0}
        self.steps = 0

    def step(self) -> None:
        """One act by the owner of one of them."""
        self.steps += 1
        name = self.chance.choice(["jane", "lin"])
        owner = self.owner[name]
        words = {"interaction": f"{name}-1", "epoch": self.epoch[name]}
        secret = f"secret-of-{name} {self.steps}"
        acts: list[Callable[[], object]] = [
            lambda: self.wires[owner].do("reply", **words, text=secret),
            lambda: self.wires[owner].do("set_note", **words, note=secret),
            lambda: self.wires[owner].do("set_case_data", **words, key=secret, value=secret),
            lambda: self.offer(name, words, secret, accept=True),
            lambda: self.offer(name, words, secret, accept=False),
        ]
        self.chance.choice(acts)()

    def offer(self, name: str, words: dict[str, Json], secret: str, *, accept: bool) -> None:
        """To a colleague, who from then on may have seen it."""
        owner = self.owner[name]
        to = self.chance.choice([agent for agent in ("alice", "bob") if agent != owner])
        self.may_see[name].add(to)
        target = {"kind": "agent", "id": to}
        self.wires[owner].do("transfer", **words, note=secret, key=str(self.steps), target=target)
        ticket = self.wires[to].wait("preview")["invitation_id"]
        if accept:
            self.wires[to].do("accept", invitation=ticket)
            self.owner[name], self.epoch[name] = to, self.epoch[name] + 1
        else:
            self.wires[to].do("reject", invitation=ticket, reason=secret)
        while self.wires[to].things["preview"]:
            self.wires[to].hear()


@pytest.mark.parametrize("seed", range(3))
def test_a7_nobody_is_sent_others_conversations(centre: Centre, seed: int) -> None:
    """A7: not a word of them, whatever they search for, try to do, or fail at."""
    chance = Random(seed)  # noqa: S311 - a test is to be repeated
    _logged_in(centre, *AGENTS)
    with (
        centre.sit("alice") as alice,
        centre.sit("bob") as bob,
        centre.sit("carol") as carol,
        centre.sit("dan") as dan,
    ):
        story = _Story({"alice": alice, "bob": bob, "carol": carol, "dan": dan}, chance)
        for _ in range(25):
            story.step()
            for wire in (carol, dan):
                wire.ask("search", interaction="jane-1", text="", view="all", kind="")
                wire.ask("reply", interaction=chance.choice(["jane-1", "lin-1"]), epoch=0, text="mine")
        for agent, wire in story.wires.items():
            wire.do("search", interaction="jane-1", text="secret", view="all", kind="")
            for name, people in story.may_see.items():
                assert agent in people or f"secret-of-{name}" not in "".join(wire.heard)
        for wire in (carol, dan):
            assert not wire.things["window"]
            assert not any(word in heard for heard in wire.heard for word in ("jane-1", "lin-1", "+1415", "Roe"))
