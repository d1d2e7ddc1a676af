"""Whatever people and programs write, in a real browser: it is shown as text, in its place, and nothing of it runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator
from datetime import timedelta
from typing import Final

import attrs
import pytest
from playwright.sync_api import Browser, Locator, expect

from sms_transfer import (
    Agent,
    Attachment,
    ChannelStatus,
    Contact,
    Interaction,
    Media,
    Target,
    TransferPolicy,
    TransferService,
)
from sms_transfer.adapters.sqlite import SqliteStore
from web import Desk, Served, sitting
from web_desktop.app import Options

pytestmark = pytest.mark.desktop

ALICE, BOB = "Alice Ek", "Bob Lindström"
CANARY: Final = "window.canary=1;alert(1)"
ZALGO: Final = "H" + "\u0335\u0321\u0322\u0328\u031b\u0315\u0300\u0301\u0360\u0340" * 3
WORDS: Final = {
    "a script": f"<script>{CANARY}</script>",
    "a picture that fails": f"<img src=x onerror='{CANARY}'>",
    "what ends a field": f"</textarea></bdi></template></script><script>{CANARY}</script>",
    "a style": "<style>*{display:none!important}</style><base href=//evil.example>",
    "templates": "{{7*7}} ${7*7} {% x %} <%= x %> [[x]] {target} %s",
    "entities": "&lt;b&gt; &#60;script&#62; &nbsp;",
    "turned by force": "\u202eturned by force",
    "isolates that do not end": "\u2066\u2067\u2068\u202a\u202b\u202d x",
    "isolates that end too often": "\u2069\u2069\u202c\u202c\u202e x",
    "nothing to be seen": "\u200b\u200d\u2060\ufeff\u00ad",
    "storms of marks": ZALGO * 12,
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u2028\u2029",
    "no characters": "\ufffe\uffff\ufffd\x00",
    "pictures": "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 8,
    "one long word": "W" * 240,
    "Arabic": "مرحبا" * 20,
}
TURNS: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ADDRESSES: Final = (
    f"javascript:{CANARY}",
    f"data:text/html,<script>{CANARY}</script>",
    "data:image/svg+xml,<svg/>",
    "//evil.example/a.png",
    "http://evil.example/a.png",
    "http://[",
    "http://",
    "blob:x",
    "file:///etc/passwd",
    "\\\\evil.example\\a.png",
    "/static/door.svg",
    "",
)


IDS: Final = (
    "a b",
    "a\tb",
    "a\nb",
    "\x0c \r",
    "#a",
    ".a > *",
    "'\"]",
    "\\",
    "\x00",
    "🎉",
    "i" * 128,
    "__proto__",
    "constructor",
    "<b>",
    "%20",
    "../..",
    "\u202ea",
)


class Centre:
    """Two desks, and somebody who opens conversations at one of them and sees what runs, and who is asked for what."""

    def __init__(self, service: TransferService, alice: Desk, bob: Desk, url: str) -> None:
        self.service = service
        self.alice = alice
        self.bob = bob
        self._numbers = itertools.count()
        self._opened: list[str] = []
        self._outside: list[str] = []
        for desk in (alice, bob):
            desk.page.on("request", lambda request: self._note(request.url))
            desk.page.on("dialog", lambda dialog: self._note(dialog.message))
            desk.page.on("popup", lambda page: self._note(page.url))
        self._url = url

    def _note(self, what: str) -> None:
        if not what.startswith(self._url):
            self._outside.append(what)

    def open(self, id_: str, words: str = "Hello", *, attachments: tuple[Attachment, ...] = ()) -> Locator:
        """The window of a conversation that is full of these words."""
        contact = Contact(f"+1425555{next(self._numbers):04}", name=words[:256])
        data = {words[:128]: words[:256]}
        self._opened.append(id_)
        self.service.open_interaction(
            Interaction(id_, media=Media.MMS, contact=contact, owner="alice", note=words[:4_000], case_data=data)
        )
        self.service.receive_message(id_, words, attachments=attachments)
        window = self.alice.page.locator("#windows article").filter(has_text=contact.address)
        expect(window.locator("li")).to_have_count(1)
        return window

    def fresh(self) -> str:
        """An id that was not there before."""
        return f"i-{next(self._numbers)}"

    @property
    def last(self) -> str:
        """The id of what was opened last."""
        return self._opened[-1]

    def close(self) -> None:
        """Mark every conversation done that was opened."""
        while self._opened:
            known = self.service.interaction(self._opened.pop())
            self.service.mark_done(known.id, by=str(known.owner))
        expect(self.alice.windows).to_have_count(2)
        expect(self.bob.windows).to_have_count(1)

    def check_place(self) -> None:
        """Nothing that was written has become a part of the page, and the page is not too wide."""
        for desk in (self.alice, self.bob):
            assert 0 == desk.page.locator("script:not([src]), style, base, iframe, [onerror]").count()
            assert not desk.page.evaluate("document.documentElement.scrollWidth > innerWidth"), "the page is too wide"

    def check(self) -> None:
        """Nothing of it ran, and nobody else was asked for anything."""
        faults = [*self.alice.faults, *self.bob.faults, *self._outside]
        for forget in (self.alice.faults, self.bob.faults, self._outside):
            forget.clear()  # the next test has not made them
        assert [] == faults
        for desk in (self.alice, self.bob):
            assert desk.page.evaluate("window.canary ?? null") is None


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre]:
    """A centre where Alice and Bob have many places, and sit."""
    data = tmp_path_factory.mktemp("centre")
    with (
        Served(Options(data=data, answer_within=timedelta(minutes=5))) as served,
        SqliteStore(data / "centre.sqlite") as store,
        sitting(browser, served.url) as sit,
    ):
        service = TransferService(store, policy=TransferPolicy(invitation_timeout=timedelta(minutes=5)))
        for agent in ("alice", "bob"):
            service.update_agent(attrs.evolve(service.agent(agent), capacity=100))
        yield Centre(service, sit(ALICE), sit(BOB), served.url)


@pytest.fixture
def centre(shared: Centre) -> Generator[Centre]:
    """The same, with nothing left of what a test opened."""
    try:
        yield shared
        shared.check_place()
    finally:
        shared.close()
        shared.check()


def _straight(element: Locator) -> bool:
    """Whether the letters stand from left to right, line by line."""
    places: list[list[float]] = element.evaluate("""element => {
        const range = document.createRange(), places = [];
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        for (let node; node = walker.nextNode();)
            for (let at = 0; at < node.length; at++) {
                range.setStart(node, at);
                range.setEnd(node, at + 1);
                const {top, left} = range.getBoundingClientRect();
                places.push([Math.round(top), left]);
            }
        return places;
    }""")
    return places == sorted(places)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_a8_any_words_of_a_contact_are_shown_as_text(centre: Centre, words: str) -> None:
    """A8: a name, a text, a note, case data and the name of a picture; what stands beside them stays as it is."""
    picture = Attachment("a", content_type="image/png", url="/static/door.svg", name=words[:256])
    window = centre.open(centre.fresh(), words, attachments=(picture,))
    shown = window.evaluate("""element => ({
        contact: element.querySelector(".contact").textContent,
        text: element.querySelector("li .text").textContent,
        note: element.querySelector("form.note textarea").value,
        key: element.querySelector(".about dt").textContent,
        value: element.querySelector(".about dd").textContent,
        picture: element.querySelector("img").alt,
    })""")
    assert words == shown["text"]
    assert words[:256] == shown["contact"] == shown["value"]
    assert words[:128] == shown["key"]
    assert words.replace("\r", "\n") == shown["note"]
    assert f"Picture {words[:256]}" == shown["picture"]
    assert _straight(window.locator(".address"))
    assert _straight(window.locator("li time"))


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_a8_any_words_of_a_colleague_are_shown_as_text(centre: Centre, words: str) -> None:
    """A8: the note of an offer and the reason of a rejection; they turn no sentence that they stand in."""
    window = centre.open(centre.fresh())
    centre.service.request_transfer(centre.last, Target.agent("bob"), by="alice", note=words)
    why = centre.bob.offer(ALICE).locator(".why")
    expect(why).to_be_visible()
    plain = "".join(one for one in words if one not in TURNS)
    assert f"Note: {plain}" in str(why.text_content())
    [invitation] = centre.service.snapshot("bob").invitations
    centre.service.reject(invitation.id, by="bob", reason=words)
    for place in (window.locator(".error").first, centre.alice.messages.first):
        expect(place).to_be_visible()
        assert f"Bob Lindström rejected the transfer: “{plain}”" in str(place.text_content())


def test_a8_a_contact_does_not_turn_the_sentence_of_an_offer(centre: Centre) -> None:
    """A8: nor what stands in a list beside the name."""
    centre.open(centre.fresh(), "\u2069\u202eevil")
    centre.service.request_transfer(centre.last, Target.agent("bob"), by="alice")
    offer = centre.bob.offer(ALICE)
    expect(offer).to_be_visible()
    assert "with evil to you." in str(offer.locator(".why").text_content())
    assert _straight(offer.locator(".why"))
    assert _straight(offer.locator("dt").first)


def test_t5_case_data_do_not_pass_for_facts(centre: Centre) -> None:
    """T5, A2: a preview's own lines stay, whatever keys the case data have."""
    facts = {"Contact": "Somebody else", "Media": "FAX", "Offered": "yesterday", "__proto__": "x", "7": "y"}
    centre.open(centre.fresh())
    centre.service.update_case_data(centre.last, facts, by="alice")
    centre.service.request_transfer(centre.last, Target.agent("bob"), by="alice")
    offer = centre.bob.offer(ALICE)
    expect(offer).to_be_visible()
    keys = offer.locator("dt").all_text_contents()
    values = offer.locator("dd").all_text_contents()
    assert ["Media", "Contact", "Offered"] == keys[:3]
    assert ["MMS", "Hello"] == values[:2]
    assert set(facts) <= set(keys[3:])


def test_a8_a_picture_from_elsewhere_is_not_fetched(centre: Centre) -> None:
    """A8: nor can it be opened or saved by a click; the others are shown all the same."""
    pictures = tuple(
        Attachment(str(number), content_type="image/png", url=url, name=f"n{number}")
        for number, url in enumerate(ADDRESSES)
    )
    window = centre.open(centre.fresh(), attachments=pictures)
    expect(window.locator("figure")).to_have_count(len(ADDRESSES))
    expect(window.locator("a[href]")).to_have_count(1)
    expect(window.locator("a[href='/static/door.svg']")).to_be_visible()
    expect(window.get_by_role("button", name="Save", exact=True)).to_have_count(1)


@pytest.mark.parametrize("id_", IDS, ids=repr)
def test_a8_any_id_is_one(centre: Centre, id_: str) -> None:
    """A8: a conversation with it has a window of its own, with its own name, that works; and so has its offer."""
    beside = centre.open(id_.replace(" ", "-") if " " in id_ else f"{id_[:100]} beside", "Beside")
    window = centre.open(id_, "Inside")
    for one, name in ((window, "Inside"), (beside, "Beside")):
        expect(one).to_have_accessible_name(re.compile(f"^{name} "))
    window.get_by_label("Reply").fill("An answer")
    window.get_by_role("button", name="Send").click()
    expect(window.locator("li .text")).to_have_text(["Inside", "An answer"])
    centre.service.request_transfer(id_, Target.agent("bob"), by="alice")
    expect(window.locator(".pending")).to_be_visible()
    centre.bob.accept(ALICE)
    expect(window).to_have_count(0)
    expect(beside).to_be_visible()
    expect(centre.bob.window("Inside").locator("li .text")).to_have_text(["Inside", "An answer"])


def _height(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["height"]


LONG: Final = {
    "10,000 with spaces": "word " * 2_000,
    "10,000 without": "W" * 10_000,
    "65,536 with spaces": ("word " * 13_108)[:65_536],
    "65,536 without": "x" * 65_536,
    "65,536 marks on one letter": "e" + "\u0301" * 65_535,
    "65,536 that turn": "\u202ea\u2067" * 21_845,
    "65,536 lines": "\n" * 65_536,
}


@pytest.mark.parametrize("words", LONG.values(), ids=LONG)
def test_a8_a_long_text_keeps_its_place(centre: Centre, words: str) -> None:
    """A8: the windows beside it stay where they are, and can be used at once."""
    jane = centre.alice.window("Jane Roe")
    before = jane.bounding_box()
    window = centre.open(centre.fresh())
    height = _height(window)
    centre.service.receive_message(centre.last, words)
    expect(window.locator("li")).to_have_count(2)
    assert words[:30] == str(window.locator("li .text").last.text_content())[:30]
    assert before == jane.bounding_box()
    assert _height(window) < height + 300  # the texts scroll
    jane.get_by_label("Reply").fill("Hello")
    jane.get_by_label("Reply").fill("")


@pytest.mark.parametrize("words", [WORDS["a script"], WORDS["turned by force"], WORDS["one long word"], ZALGO[:128]])
def test_t2_any_name_of_a_target_is_shown_as_text(centre: Centre, words: str) -> None:
    """A8, T2: agents, queues, groups and skills, and why somebody is not ready; and they can be picked."""
    id_ = words[:128]
    agent = Agent(id_, words[:256], status=ChannelStatus.NOT_READY, reason=words[:256], groups={id_}, skills={id_})
    centre.service.add_agent(agent)
    centre.service.add_queue(Target.queue(id_), ["bob"], name=words[:256])
    window = centre.open(centre.fresh())
    window.get_by_role("button", name="Transfer", exact=True).click()
    window.get_by_label("Find").fill(words.strip("<\u202e")[:6])
    found = window.locator(".communicator .list > li")
    expect(found).to_have_count(4)
    assert {words[:256], id_} == set(found.locator(".name").all_text_contents())
    for number in range(4):
        assert _straight(found.nth(number).locator(".presence"))
    queue = found.filter(has_text="queue,")
    queue.locator("summary").click()
    queue.get_by_role("button", name="SMS Transfer").click()
    expect(window.locator(".pending .to")).to_have_text(words[:256])
    expect(centre.bob.offer(ALICE).locator("dd", has_text="(queue)")).to_be_visible()
