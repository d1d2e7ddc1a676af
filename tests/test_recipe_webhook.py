"""The recipe for an SMS provider: texts come in once and replies go out once, whatever the provider and the net do."""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes import provider_webhook as recipe
from site_on_loop import Site
from sms_transfer import (
    Agent,
    AsyncTransferService,
    Attachment,
    ChannelStatus,
    Media,
    StoreUnavailable,
    Target,
)

pytestmark = pytest.mark.desktop

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "connect-a-provider.md"
JANE, OMAR, CENTRE = "+14155550123", "+14155550187", "+14155550100"
HELLO = {"From": JANE, "To": CENTRE, "Body": "My parcel has not come.", "MessageSid": "SM1", "NumMedia": "0"}
PHOTOS = {
    **HELLO,
    "Body": "",
    "NumMedia": "2",
    "MediaUrl0": "https://provider.example/media/ME1",
    "MediaContentType0": "image/jpeg",
    "MediaUrl1": "https://provider.example/media/ME2",
    "MediaContentType1": "image/png",
}


def agreed_on(**terms: str) -> recipe.Provider:
    """What is agreed with the provider; what does not matter is made up."""
    usual = {"api": "", "webhook": "https://centre.example/hooks/sms?line=1", "account": "AC1", "token": "12345"}
    return recipe.Provider(**usual | {"number": CENTRE, "people_key": "0123456789abcdef"} | terms)


class StandIn(ThreadingHTTPServer):
    """A provider on this machine that takes each idempotency key once, and fails on order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Takes)
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        """What it was asked: the idempotency key, the form, the authorization."""
        self.taken: dict[str, dict[str, list[str]]] = {}
        """What it will send, by idempotency key."""
        self.orders: list[str | int] = []
        """What to do with the next requests: a status to answer with; ``"drop"``: take it and do not answer."""
        self.going_on = threading.Event()
        """Ends what was ordered to ``"hang"``."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[str]:
        """The texts that it will send, in the order in which it took them."""
        return [form["Body"][0] for form in self.taken.values()]


class _Takes(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        key = self.headers["Idempotency-Key"]
        self.server.asked.append((key, form, self.headers["Authorization"]))
        order = self.server.orders.pop(0) if self.server.orders else 201
        if order == "hang":
            self.server.going_on.wait(10)
            return
        if order in {201, "drop"} and self.path == "/Accounts/AC1/Messages.json":
            self.server.taken.setdefault(key, form)
        if order == "drop":
            self.close_connection = True
            return
        self.send_response(int(order))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by what it overrides
        """Say nothing."""


@pytest.fixture
def provider() -> Generator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.going_on.set()
        server.shutdown()
        thread.join()


class Centre:
    """The recipe's application, what the provider posts to it, and what is recorded."""

    def __init__(self, site: Site, agreed: recipe.Provider) -> None:
        self.site = site
        self.agreed = agreed

    @property
    def service(self) -> AsyncTransferService:
        service: AsyncTransferService = self.site.app.state.service
        return service

    def request(self, form: Mapping[str, str], **changes: Any) -> tuple[str, str, dict[str, Any]]:
        """What the provider posts, signed."""
        signature = self.agreed.signature([*form.items()]).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return "POST", "/sms", {"content": urlencode(form), "headers": headers, **changes}

    def post(self, form: Mapping[str, str], **changes: Any) -> httpx.Response:
        method, path, request = self.request(form, **changes)
        return self.site.ask(method, path, **request)

    def id_of(self, number: int = 1, address: str = JANE) -> str:
        """The id of this person's conversation of that number."""
        return f"{self.agreed.person(address)}-{number}"

    def texts(self, number: int = 1, address: str = JANE) -> list[str]:
        """The transcript of it."""
        return [text.text for text in self.site.run(self.service.transcript(self.id_of(number, address)))]

    def is_there(self, number: int = 1, address: str = JANE) -> bool:
        return self.site.run(recipe.is_there(self.service, self.id_of(number, address)))

    def events(self) -> int:
        return len(self.site.run(self.service.events()).events)

    def finish(self, number: int = 1) -> None:
        self.site.run(self.service.mark_done(self.id_of(number), by="reception"))

    def reply(self, text: str, *, by: str = "reception", attachments: tuple[Attachment, ...] = ()) -> str:
        """A reply in Jane's first conversation; its id."""
        replied = self.service.reply(self.id_of(), text, by=by, attachments=attachments)
        return self.site.run(replied).id

    def tick(self) -> int:
        """Let the service try again; how many texts the provider took."""
        return self.site.run(self.service.tick()).sent


@pytest.fixture
def centre(provider: StandIn) -> Generator[Centre]:
    agreed = agreed_on(api=provider.url)
    with Site(recipe.make_app(agreed)) as site:
        yield Centre(site, agreed)


# texts in


def test_t12_a_text_begins_a_conversation(centre: Centre) -> None:
    """It is recorded with its number and text, owned by whom the host says, and the provider is told to say nothing."""
    answer = centre.post(HELLO)
    begun = centre.site.run(centre.service.interaction(centre.id_of()))

    assert (200, recipe.NOTHING_TO_SAY) == (answer.status_code, answer.text)
    assert "text/xml; charset=utf-8" == answer.headers["content-type"]
    assert (JANE, "reception", Media.SMS) == (begun.contact.address, begun.owner, begun.media)
    assert [HELLO["Body"]] == centre.texts()


def test_t12_images_come_with_their_text(centre: Centre) -> None:
    """One message with both, in a conversation that is MMS; each can be named within the conversation."""
    centre.post(PHOTOS)
    centre.post({**PHOTOS, "MessageSid": "SM2"})
    first, second = centre.site.run(centre.service.transcript(centre.id_of()))

    assert Media.MMS == centre.site.run(centre.service.interaction(centre.id_of())).media
    assert ["image/jpeg", "image/png"] == [image.content_type for image in first.attachments]
    assert PHOTOS["MediaUrl1"] == first.attachments[1].url
    assert 4 == len({image.id for text in (first, second) for image in text.attachments})


def test_t12_texts_of_two_people_do_not_meet(centre: Centre) -> None:
    """Each has a conversation of their own."""
    centre.post(HELLO)
    centre.post({**HELLO, "From": OMAR, "MessageSid": "SM2", "Body": "Hello"})

    assert ([HELLO["Body"]], ["Hello"]) == (centre.texts(), centre.texts(address=OMAR))


def test_f5_a_text_that_is_delivered_again_is_recorded_once(centre: Centre) -> None:
    """However often, and whatever came in between."""
    answers = [centre.post(HELLO), centre.post(HELLO)]
    answers += [centre.post({**HELLO, "MessageSid": "SM0", "Body": "late"}), centre.post(HELLO)]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert [HELLO["Body"], "late"] == centre.texts()


def test_f5_a_text_that_is_delivered_again_after_the_conversation_is_recorded_once(centre: Centre) -> None:
    """Done or not, and though the next one has begun: it belongs to the one that it came into."""
    centre.post(HELLO)
    centre.finish()
    more = {**HELLO, "MessageSid": "SM2", "Body": "more"}
    again = [centre.post(form) for form in (HELLO, more, HELLO, more)]

    assert [200] * 4 == [answer.status_code for answer in again]
    assert ([HELLO["Body"]], ["more"], False) == (centre.texts(1), centre.texts(2), centre.is_there(3))


def test_f5_another_text_under_the_same_id_is_refused(centre: Centre) -> None:
    """The first one stays, nothing is recorded, and the provider's own log has the 409."""
    centre.post(HELLO)
    centre.finish()
    centre.post({**HELLO, "MessageSid": "SM2", "Body": "more"})
    before = centre.events()

    assert 409 == centre.post({**HELLO, "Body": "another"}).status_code
    assert before == centre.events()


@pytest.mark.parametrize("done", range(6))
def test_t12_a_new_conversation_begins_when_the_last_is_done(centre: Centre, done: int) -> None:
    """However many there were: the next text opens the next one, and the one after goes there too."""
    for number in range(1, done + 1):
        centre.post({**HELLO, "MessageSid": f"SM{number}"})
        centre.finish(number)
    centre.post({**HELLO, "MessageSid": "A", "Body": "a"})
    centre.post({**HELLO, "MessageSid": "B", "Body": "b"})

    assert done + 1 == centre.site.run(recipe.last_number(centre.service, centre.agreed.person(JANE)))
    assert (["a", "b"], False) == (centre.texts(done + 1), centre.is_there(done + 2))


@pytest.mark.parametrize("done", [0, 1, 2])
def test_t12_texts_that_race_make_one_conversation(centre: Centre, done: int) -> None:
    """Ten texts, each delivered twice, at once, to a contact without an open conversation: each is there once."""
    for number in range(1, done + 1):
        centre.post({**HELLO, "MessageSid": f"SM{number}"})
        centre.finish(number)
    forms = [{**HELLO, "MessageSid": f"R{n}", "Body": f"text {n}"} for n in range(10)]
    answers = centre.site.ask_at_once(*(centre.request(form) for form in forms + forms))

    assert {200} == {answer.status_code for answer in answers}
    assert Counter(form["Body"] for form in forms) == Counter(centre.texts(done + 1))
    assert not centre.is_there(done + 2)


def test_f1_a_text_races_with_the_end_of_its_conversation(centre: Centre) -> None:
    """It is done between the look and the text: the text begins the next one."""
    centre.post(HELLO)
    service, receive = centre.service, centre.service.receive_message

    async def too_late(*args: Any, **kwargs: Any) -> Any:
        service.receive_message = receive  # type: ignore[method-assign]  # once
        await service.mark_done(centre.id_of(), by="reception")
        return await receive(*args, **kwargs)

    service.receive_message = too_late  # type: ignore[method-assign]  # a moment that cannot be waited for

    assert 200 == centre.post({**HELLO, "MessageSid": "SM2", "Body": "more"}).status_code
    assert ([HELLO["Body"]], ["more"]) == (centre.texts(1), centre.texts(2))


# who may post


def test_a7_the_signature_is_the_one_that_the_provider_publishes() -> None:
    """The example of the provider's documentation, and its library's for a name that comes more than once."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    documented = agreed_on(webhook=url)
    caller = "+12349013030"
    call = {"CallSid": "CA1234567890ABCDE", "Caller": caller, "Digits": "1234", "From": caller, "To": "+18005551212"}
    repeated = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]

    assert b"0/KCTR6DLpKmkAf8muzZqo1nDgQ=" == documented.signature([*call.items()])
    assert b"IK+Dwps556ElfBT0I3Rgjkr1wJU=" == documented.signature(repeated)


@pytest.mark.parametrize("signature", ["", "x", "ÿ", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="])
def test_a7_a_wrong_signature_is_refused(centre: Centre, signature: str) -> None:
    """With a 403, and nothing is recorded; without a signature too."""
    headers = {"X-Twilio-Signature": signature.encode("latin-1")} if signature else {}

    assert 403 == centre.post(HELLO, headers=headers).status_code
    assert 0 == centre.events()


def test_a7_the_host_header_signs_nothing(centre: Centre) -> None:
    """Whoever signs for the URL that the request names, and not for the one that the provider was told, is refused."""
    elsewhere = agreed_on(webhook="http://site/sms")
    headers = {"Host": "site", "X-Twilio-Signature": elsewhere.signature([*HELLO.items()]).decode()}

    assert 403 == centre.post(HELLO, headers=headers).status_code


def test_a7_a_form_that_was_changed_on_its_way_is_refused(centre: Centre) -> None:
    """Any other value, name, or number of fields under the signature of a text: a 403."""
    signature = centre.agreed.signature([*HELLO.items()]).decode()
    names = st.sampled_from([*HELLO, "Other"])

    @given(changed=st.dictionaries(names, st.text(max_size=10)), without=st.sets(names))
    def tampered(changed: dict[str, str], without: set[str]) -> None:
        form = {name: value for name, value in ({**HELLO, **changed}).items() if name not in without}
        if form == HELLO:
            return
        answer = centre.post(form, headers={"X-Twilio-Signature": signature})
        assert (403, 0) == (answer.status_code, centre.events())

    tampered()


# what is no text


BAD: list[tuple[dict[str, str], str]] = [
    ({"From": "PARCELCO"}, "address"),
    ({"From": ""}, "address"),
    ({"From": "whatsapp:" + JANE}, "address"),
    ({"MessageSid": ""}, "message_id"),
    ({"MessageSid": "x" * 129}, "message_id"),
    ({"NumMedia": "x"}, "NumMedia"),
    ({"NumMedia": "11"}, "NumMedia"),
    ({"NumMedia": "-1"}, "NumMedia"),
    ({"NumMedia": ""}, "NumMedia"),
    ({"NumMedia": "²"}, "NumMedia"),
    ({"NumMedia": "1"}, "MediaUrl0"),
    ({"NumMedia": "1", "MediaUrl0": "https://provider.example/1"}, "MediaUrl0"),
    ({"NumMedia": "1", "MediaUrl0": "", "MediaContentType0": "image/png"}, "MediaUrl0"),
    ({"NumMedia": "1", "MediaUrl0": "https://x.example", "MediaContentType0": "x" * 129}, "content_type"),
    ({"Body": "x" * 65_537}, "text"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_a8_a_form_that_is_no_text_is_refused(
    centre: Centre, caplog: pytest.LogCaptureFixture, change: dict[str, str], field: str
) -> None:
    """With a 422; nothing is recorded, no conversation begun, and the log says which field, not what is in it."""
    with caplog.at_level(logging.DEBUG):
        answer = centre.post({**HELLO, **change})

    assert (422, 0) == (answer.status_code, centre.events())
    assert f": {field} " in caplog.text
    for personal in (JANE, HELLO["Body"], "PARCELCO"):
        assert personal not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"\xff", 400),
        (b"Body=%ff", 400),
        (b"&".join([b"a=b"] * 1_001), 400),
        (b"Body=" + b"x" * 300_000, 413),
        (b"", 403),
        (b'{"From": "x"}', 403),
    ],
)
def test_a8_what_is_no_form_is_refused(centre: Centre, content: bytes, status: int) -> None:
    """Before anybody asks who signed it, or because nobody did."""
    answer = centre.site.ask("POST", "/sms", content=content)

    assert (status, 0) == (answer.status_code, centre.events())
    assert 405 == centre.site.ask("GET", "/sms").status_code


def test_a8_no_signed_form_makes_a_500_or_half_a_conversation(centre: Centre) -> None:
    """Whatever is in it: it is recorded whole, or refused and nothing is. (The provider gives no two texts one id.)"""
    count = itertools.count()
    fields = {
        "From": st.sampled_from([JANE, OMAR, "", "x"]) | st.text(max_size=12),
        "Body": st.text(max_size=30),
        "MessageSid": st.text(max_size=120),
        "NumMedia": st.sampled_from(["0", "1", "2", "x"]) | st.text(max_size=3),
        "MediaUrl0": st.text(max_size=10),
        "MediaContentType0": st.text(max_size=10),
        "MediaUrl1": st.text(max_size=10),
    }

    @given(form=st.fixed_dictionaries({}, optional=fields))
    def whatever(form: dict[str, str]) -> None:
        before = centre.events()
        if "MessageSid" in form:
            form = {**form, "MessageSid": f"{next(count)}-{form['MessageSid']}"}
        answer = centre.post(form)
        after = centre.events()
        assert answer.status_code in {200, 422}, answer.text
        assert answer.status_code == 200 or before == after
        for interaction_id in {event.interaction_id for event in centre.site.run(centre.service.events()).events}:
            assert centre.site.run(centre.service.transcript(interaction_id))

    whatever()


def test_a8_a_store_that_is_away_is_asked_again(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider gets a 503 until it is back, and the text is recorded then."""

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable(detail="gone")

    with monkeypatch.context() as outage:
        outage.setattr(centre.service, "receive_message", away)
        answer = centre.post(HELLO)

    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert (200, [HELLO["Body"]]) == (centre.post(HELLO).status_code, centre.texts())


def test_e3_an_owner_without_a_place_is_asked_again(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503, and the text is recorded when there is one."""

    async def busy(*_: object) -> str:
        return "busy"

    monkeypatch.setattr(recipe, "owner_of_new", busy)
    centre.site.run(centre.service.add_agent(Agent("busy", "Busy", capacity=0)))
    refused = centre.post(HELLO).status_code
    centre.site.run(centre.service.update_agent(Agent("busy", "Busy", capacity=1)))

    assert (503, 200) == (refused, centre.post(HELLO).status_code)


def test_a6_ids_hold_no_number(centre: Centre) -> None:
    """Nor a digest of one that can be made without the key."""
    other = agreed_on(people_key="another")

    assert JANE.strip("+") not in centre.id_of()
    assert centre.agreed.person(JANE) != other.person(JANE)
    assert "12345" not in repr(centre.agreed)
    assert CENTRE not in repr(centre.agreed)


# replies out


def test_f6_a_reply_goes_out_once(centre: Centre, provider: StandIn) -> None:
    """To the contact, from the centre's number, with a password, under the id of the text."""
    centre.post(HELLO)
    message_id = centre.reply("We look into it.")

    assert 0 == centre.tick()
    assert [(message_id, {"From": [CENTRE], "To": [JANE], "Body": ["We look into it."]}, "Basic QUMxOjEyMzQ1")] == (
        provider.asked
    )


def test_f6_images_go_out_by_their_urls(centre: Centre, provider: StandIn) -> None:
    """Without a text, too."""
    centre.post(HELLO)
    images = tuple(Attachment(n, content_type="image/png", url=f"https://centre.example/{n}") for n in ("a", "b"))
    centre.reply("", attachments=images)

    [(_, form, _)] = provider.asked
    assert {"From": [CENTRE], "To": [JANE], "MediaUrl": [image.url for image in images]} == form


@pytest.mark.parametrize("order", [500, 503, 429, 401, 403, 404, 409, 302, "drop"])
def test_f6_what_may_pass_is_tried_again(centre: Centre, provider: StandIn, order: str | int) -> None:
    """The reply is recorded, the later ones wait behind it, and all go out in order, each once, under the same key."""
    centre.post(HELLO)
    provider.orders = [order, order, order]
    first, second = centre.reply("first"), centre.reply("second")
    refused = [key for key, _, _ in provider.asked]

    assert 0 == centre.tick()
    assert [first, first, first] == [*refused, provider.asked[2][0]]
    assert 2 == centre.tick()
    assert [first, second] == list(provider.taken)
    assert ["first", "second"] == provider.bodies


def test_f6_an_answer_that_was_lost_makes_no_second_text(centre: Centre, provider: StandIn) -> None:
    """The provider took it and nobody heard: it is asked again under the same key, and so the contact has one text."""
    centre.post(HELLO)
    provider.orders = ["drop"]
    message_id = centre.reply("first")

    assert 1 == centre.tick()
    assert [message_id, message_id] == [key for key, _, _ in provider.asked]
    assert ["first"] == provider.bodies


def test_f6_a_provider_that_hangs_is_given_up(provider: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time-out the reply waits like any other."""
    agreed = agreed_on(api=provider.url)
    make_gateway = recipe.HttpGateway
    monkeypatch.setattr(
        recipe, "HttpGateway", lambda agreed, client: make_gateway(agreed, client, recipe.TIMEOUT / 100)
    )
    with Site(recipe.make_app(agreed)) as site:
        centre = Centre(site, agreed)
        centre.post(HELLO)
        provider.orders = ["hang"]
        centre.reply("first")

        assert [] == provider.bodies
        assert 1 == centre.tick()
        assert ["first"] == provider.bodies


@pytest.mark.parametrize("order", [400, 413, 422])
def test_f6_what_the_provider_never_takes_holds_nothing_up(
    centre: Centre, provider: StandIn, order: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked for once; the log has its id and no words of it, and the next reply goes out."""
    centre.post(HELLO)
    provider.orders = [order]
    message_id = centre.reply("first")
    centre.reply("second")

    assert (0, ["second"]) == (centre.tick(), provider.bodies)
    assert f"{message_id} in {centre.id_of()} was refused for good: {order}" in caplog.text


def test_a6_nothing_of_a_text_is_logged(centre: Centre, provider: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    """Neither number nor words, on no level, of no library, in or out, whether it goes well or not."""
    with caplog.at_level(logging.DEBUG):
        centre.post(HELLO)
        provider.orders = [500, 422, "drop"]
        for _ in range(3):
            centre.reply("Private words")
            centre.tick()
        centre.post({**HELLO, "Body": "Private words"})

    assert "could not send a text of interaction" in caplog.text
    for personal in (JANE, JANE.strip("+"), CENTRE, HELLO["Body"], "Private"):
        assert personal not in caplog.text


# both


def test_t15_a_conversation_is_handed_over_between_two_texts(centre: Centre, provider: StandIn) -> None:
    """Jane texts, reception hands over to Bob, Jane texts again, Bob replies; she notices nothing but the answer."""
    service = centre.service
    centre.post(HELLO)
    centre.site.run(service.add_agent(Agent("bob", "Bob", status=ChannelStatus.READY)))
    request = centre.site.run(service.request_transfer(centre.id_of(), Target.agent("bob"), by="reception", epoch=0))
    centre.post({**HELLO, "MessageSid": "SM2", "Body": "Is anybody there?"})
    assert request.invitation is not None
    centre.site.run(service.accept(request.invitation.id, by="bob"))
    centre.reply("Yes: I am Bob.", by="bob")

    assert [HELLO["Body"], "Is anybody there?", "Yes: I am Bob."] == centre.texts()
    assert ["Yes: I am Bob."] == provider.bodies


def test_a7_what_is_agreed_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it must be there: a secret that is missing is not made up."""
    names = ("API", "WEBHOOK", "ACCOUNT", "TOKEN", "NUMBER", "PEOPLE_KEY")
    for name in names:
        monkeypatch.setenv(f"SMS_{name}", name)

    assert recipe.Provider(**{name.lower(): name for name in names}) == recipe.Provider.from_environment()
    assert {f"SMS_{name}" for name in names} == set(re.findall(r"\b(SMS_[A-Z_]+)=", PAGE.read_text(encoding="utf-8")))
    monkeypatch.delenv("SMS_TOKEN")
    with pytest.raises(KeyError, match="SMS_TOKEN"):
        recipe.make_app()
