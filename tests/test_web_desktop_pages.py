"""The web desktop's pages: what a browser may do with them, and whatever can be put into their forms."""

from __future__ import annotations

import re
import socket
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import httpx
import pytest

from sms_transfer import InteractionState, Message, NotFound, TransferService
from sms_transfer.adapters.sqlite import SqliteStore
from web_wire import Centre, serving

pytestmark = pytest.mark.desktop

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(100)
Files = Mapping[str, tuple[str, bytes]]


@pytest.fixture
def centre(tmp_path: Path) -> Generator[Centre]:
    with serving(tmp_path) as centre:
        yield centre


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre]:
    """A centre for tests that change nothing in it."""
    with serving(tmp_path_factory.mktemp("shared")) as centre:
        yield centre


@pytest.fixture
def service(centre: Centre) -> Generator[TransferService]:
    """Another process's view of the same centre."""
    with SqliteStore(centre.data / "centre.sqlite") as store:
        yield TransferService(store)


def _text(centre: Centre, person: str, words: Mapping[str, str], files: Files | None = None) -> httpx.Response:
    """Send the telephone's form."""
    parts = {name: (None, value) for name, value in words.items()}
    return centre.pages.post(f"/telephone/{person}", files={**parts, **(files or {})})


def _texts(service: TransferService, id_: str) -> list[Message]:
    """What the person wrote after hello."""
    return list(service.transcript(id_))[1:]


# what a browser may do with them


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("POST", "/", 405),
        ("GET", "/log-in", 405),
        ("POST", "/log-in", 404),
        ("GET", "/desk/alice", 303),
        ("GET", "/desk/nobody", 303),
        ("GET", "/desk/alice/socket", 404),
        ("GET", "/telephone/jane", 200),
        ("GET", "/telephone/nobody", 404),
        ("POST", "/telephone/nobody", 404),
        ("POST", "/telephone/jane", 400),
        ("DELETE", "/telephone/jane", 405),
        ("GET", "/static/desk.js", 200),
        ("GET", "/static/desk.css", 200),
        ("GET", "/static/door.svg", 200),
        ("GET", "/static/", 404),
        ("PUT", "/static/desk.js", 405),
        ("GET", "/pictures/none.png", 404),
        ("GET", "/nothing", 404),
    ],
)
def test_every_answer_says_what_a_browser_may_do_with_it(shared: Centre, method: str, path: str, status: int) -> None:
    """A8: errors and files included."""
    found = shared.pages.request(method, path)
    assert status == found.status_code
    _check_headers(found)


def _check_headers(found: httpx.Response) -> None:
    policy = dict(part.split(maxsplit=1) for part in found.headers["content-security-policy"].split("; "))
    assert "'none'" == policy["default-src"]
    assert {"'self'", "'none'"} == set(policy.values())
    assert {"default-src", "base-uri", "frame-ancestors", "form-action"} <= set(policy)
    assert "nosniff" == found.headers["x-content-type-options"]
    assert "no-referrer" == found.headers["referrer-policy"]


class _Inline(HTMLParser):
    """Collects what a strict policy would not run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        self.found += [
            value for value in names.values() if value and value.lower().startswith(("javascript:", "data:"))
        ]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)


def test_no_page_has_anything_inline(shared: Centre) -> None:
    """A8: neither scripts nor styles, so the policy needs no exception."""
    cookie = {"cookie": shared.cookie("alice")}
    inline = _Inline()
    for path in ("/", "/telephone/jane", "/desk/alice"):
        page = shared.pages.get(path, headers=cookie)
        assert 200 == page.status_code
        inline.feed(page.text)
    assert [] == inline.found


def test_a7_the_cookie_is_for_the_desk_only(shared: Centre) -> None:
    """A7: no script can read it, no other site has it sent, no other desk is sent it."""
    [cookie] = shared.pages.post("/log-in", data={"agent": "bob"}).headers.get_list("set-cookie")
    name, *flags = cookie.split("; ")
    assert name.startswith("desk=bob.")
    assert {"HttpOnly", "SameSite=strict", "Path=/desk/bob"} == set(flags)


@pytest.mark.parametrize("path", ["/desk/alice", "/desk/alice/", "//evil.example/desk/", "/static", "/telephone/jane/"])
def test_a_redirect_stays_here(shared: Centre, path: str) -> None:
    """A8: whatever host the request names."""
    found = shared.pages.get(path, headers={"host": "evil.example"})
    assert found.headers.get("location") in {None, "/"}


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/../secret",
        "/pictures/..%2fsecret",
        "/pictures/%2e%2e/secret",
        "/pictures/..%5csecret",
        "/pictures//secret",
        "/pictures/%00",
        f"/pictures/{'a' * 5_000}",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/telephone/..%2f..%2fsecret",
        "/telephone/%00",
        "/%ff",
    ],
)
def test_no_path_leads_out(shared: Centre, path: str) -> None:
    """A8: the request is written by hand, because a client would tidy the path up first."""
    answer = _by_hand(shared, f"GET {path}")
    assert answer.startswith(b"HTTP/1.1 404")
    assert (shared.data / "secret").read_bytes() not in answer


def _by_hand(centre: Centre, request: str, *headers: str) -> bytes:
    """What comes back for a request that no client would send."""
    lines = [f"{request} HTTP/1.1", "Host: here", "Connection: close", *headers, "", ""]
    with closing(socket.create_connection(("127.0.0.1", int(centre.url.rsplit(":", 1)[1])))) as plain:
        plain.sendall("\r\n".join(lines).encode())
        with plain.makefile("rb") as answer:
            return answer.read()


# the telephone


def test_t12_a_text_and_a_picture_arrive(centre: Centre, service: TransferService) -> None:
    """T12: and the picture is served as what it is, whatever it was called."""
    sent = _text(centre, "omar", {"message_id": "1", "text": "Look"}, {"picture": ("../../secret.svg", PNG)})
    assert (303, "/telephone/omar") == (sent.status_code, sent.headers["location"])
    [text] = _texts(service, "omar-1")
    [attachment] = text.attachments
    assert ("Look", "image/png", len(PNG)) == (text.text, attachment.content_type, attachment.size)
    assert re.fullmatch(r"/pictures/[0-9a-f]+\.png", attachment.url)
    picture = centre.pages.get(attachment.url)
    assert (PNG, "image/png") == (picture.content, picture.headers["content-type"])
    _check_headers(picture)


def test_f5_a_form_that_is_sent_twice_is_one_text(centre: Centre, service: TransferService) -> None:
    """F5: as a browser does when the page is loaded again, pictures and all."""
    for _ in range(2):
        words = {"message_id": "1", "text": "Look"}
        assert 303 == _text(centre, "omar", words, {"picture": ("door.png", PNG)}).status_code
    assert ["Look"] == [text.text for text in _texts(service, "omar-1")]
    assert 1 == len(list((centre.data / "pictures").iterdir()))


def test_f5_a_number_that_was_used_for_another_text_is_refused(centre: Centre, service: TransferService) -> None:
    """F5: the first one stays; one person's numbers are not another's."""
    assert 303 == _text(centre, "jane", {"message_id": "1", "text": "One"}).status_code
    assert 400 == _text(centre, "jane", {"message_id": "1", "text": "Two"}).status_code
    assert 303 == _text(centre, "lin", {"message_id": "1", "text": "Three"}).status_code
    assert [["One"], ["Three"]] == [[text.text for text in _texts(service, id_)] for id_ in ("jane-1", "lin-1")]


NO_PICTURES: Final = {
    "text": b"hello",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "HTML": b"<html><script>alert(1)</script>",
    "a picture that comes later": b"<script>alert(1)</script>" + PNG,
    "PDF": b"%PDF-1.7",
    "one byte too large": PNG + bytes(1_000_001 - len(PNG)),
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a8_what_is_no_picture_is_refused(shared: Centre, content: bytes) -> None:
    """A8: in words, and neither the text nor the file is kept."""
    before = shared.recorded()
    found = _text(shared, "omar", {"message_id": "1", "text": "Look"}, {"picture": ("door.png", content)})
    assert 400 == found.status_code
    assert "must be a PNG, JPEG or GIF" in found.text
    assert before == shared.recorded()
    assert [] == list((shared.data / "pictures").iterdir())


def test_a8_a_picture_that_is_a_script_too_is_served_as_a_picture_only(
    centre: Centre, service: TransferService
) -> None:
    """A8: so no browser runs it."""
    content = b"GIF89a/*" + bytes(10) + b"*/=1;alert(1)//<script>alert(1)</script>"
    assert 303 == _text(centre, "omar", {"message_id": "1", "text": "x"}, {"picture": ("a.js", content)}).status_code
    picture = centre.pages.get(_texts(service, "omar-1")[0].attachments[0].url)
    assert ("image/gif", "nosniff") == (picture.headers["content-type"], picture.headers["x-content-type-options"])


@pytest.mark.parametrize(
    "name", ["", "a" * 500, '"><script>alert(1)</script>.png', "..\\..\\x.png", "\u202egnp.exe", "a\x00b", "🚪" * 100]
)
def test_a8_any_file_name_is_taken(centre: Centre, service: TransferService, name: str) -> None:
    """A8: it is shown, and never used."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    disposition = f'form-data; name="picture"; filename="{quoted}"'
    found = centre.pages.post(
        "/telephone/omar", headers={"content-type": "multipart/form-data; boundary=b"}, content=_parts(disposition)
    )
    assert 303 == found.status_code
    [text] = _texts(service, "omar-1")
    assert [True] == [name.endswith(attachment.name) for attachment in text.attachments]
    assert "<script>" not in centre.pages.get("/telephone/omar").text


def _parts(disposition: str) -> bytes:
    """A form with a picture whose part begins with this header."""
    fields = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field
        for field in ((b"message_id", b"1"), (b"text", b"Look"))
    )
    return fields + b"--b\r\nContent-Disposition: %s\r\n\r\n%s\r\n--b--\r\n" % (disposition.encode(), PNG)


WRONG_FORMS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "none": (b"text/plain", b"text=x&message_id=1"),
    "JSON": (b"application/json", b'{"text": "x", "message_id": "1"}'),
    "empty": (b"application/x-www-form-urlencoded", b""),
    "no text": (b"application/x-www-form-urlencoded", b"message_id=1"),
    "no number": (b"application/x-www-form-urlencoded", b"text=x"),
    "an empty number": (b"application/x-www-form-urlencoded", b"text=x&message_id="),
    "a long number": (b"application/x-www-form-urlencoded", b"text=x&message_id=" + b"1" * 200),
    "a number with half a character": (b"multipart/form-data; boundary=b; charset=unicode_escape", b""),
    "text of 65,537": (b"application/x-www-form-urlencoded", b"message_id=1&text=" + b"x" * 65_537),
    "text of a million": (b"application/x-www-form-urlencoded", b"message_id=1&text=" + b"x" * 1_000_001),
    "a hundred fields": (b"application/x-www-form-urlencoded", b"message_id=1&text=x" + b"&a=1" * 100),
    "no boundary": (b"multipart/form-data", b"--b--"),
    "no form inside": (b"multipart/form-data; boundary=b", b"x"),
    "cut off": (b"multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx'),
    "nameless": (b"multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    "a file for a text": (
        b"multipart/form-data; boundary=b",
        _parts('form-data; name="picture"; filename="a.png"').replace(b'"text"', b'"text"; filename="a.txt"'),
    ),
    "a file for a number": (
        b"multipart/form-data; boundary=b",
        _parts('form-data; name="a"').replace(b'"message_id"', b'"message_id"; filename="a.txt"'),
    ),
    "two files": (
        b"multipart/form-data; boundary=b",
        _parts('form-data; name="picture"; filename="a"').replace(
            b"--b--", _parts('form-data; name="b"; filename="b"')
        ),
    ),
    "a charset that decodes nothing": (
        b"multipart/form-data; boundary=b; charset=undefined",
        _parts('form-data; name="picture"; filename="a.png"'),
    ),
    "a charset for host names": (
        b"multipart/form-data; boundary=b; charset=punycode",
        _parts('form-data; name="picture"; filename="a.png"'),
    ),
}


@pytest.mark.parametrize(("kind", "content"), WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_a8_a_form_that_is_none_is_refused(shared: Centre, kind: bytes, content: bytes) -> None:
    """A8: and changes nothing."""
    before = shared.recorded()
    for path in ("/telephone/omar", "/log-in"):
        found = shared.pages.post(path, headers={b"content-type": kind}, content=content)
        assert found.status_code in {400, 404}
        assert found.text
    assert before == shared.recorded()
    assert [] == list((shared.data / "pictures").iterdir())


@pytest.mark.parametrize("length", ["Content-Length: 2000001", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", ["/telephone/omar", "/log-in"])
def test_a8_a_form_is_not_collected_without_end(shared: Centre, path: str, length: str) -> None:
    """A8: one that is far too long, or does not say how long it is, is not even waited for."""
    kind = "Content-Type: multipart/form-data; boundary=b"
    assert _by_hand(shared, f"POST {path}", kind, length).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "words",
    ["\x00\x01\x1b[31m", "\u202eolleh", "{{ 7 * 7 }}", "<script>alert(1)</script>", "\ufeff", "e" + "\u0301" * 500],
)
def test_t12_any_words_come_through(centre: Centre, service: TransferService, words: str) -> None:
    """A8, T12: as they are; and are shown as text."""
    assert 303 == _text(centre, "jane", {"message_id": "1", "text": words}).status_code
    assert [words] == [text.text for text in _texts(service, "jane-1")]
    page = centre.pages.get("/telephone/jane")
    assert 200 == page.status_code
    assert "<script>alert" not in page.text


def test_a_text_after_the_end_begins_a_new_conversation(centre: Centre, service: TransferService) -> None:
    """T12: the person need not know that the first one is done."""
    with centre.sit("alice") as alice:
        alice.do("log_in")
        alice.do("mark_done", interaction="jane-1", epoch=0)
        assert 303 == _text(centre, "jane", {"message_id": "1", "text": "Again"}).status_code
        while not (shown := alice.wait("window", "jane-2")["transcript"]):
            alice.hear()
    assert ["Again"] == [text["text"] for text in shown]
    assert InteractionState.DONE is service.interaction("jane-1").state


def test_two_first_texts_at_once_begin_one_conversation(centre: Centre, service: TransferService) -> None:
    """T12: and both are in it."""
    with centre.sit("alice") as alice:
        alice.do("log_in")
        alice.do("mark_done", interaction="jane-1", epoch=0)
    with ThreadPoolExecutor(8) as people:
        forms = [{"message_id": str(number), "text": str(number)} for number in range(8)]
        found = list(people.map(lambda words: _text(centre, "jane", words).status_code, forms))
    assert [303] * 8 == found
    assert {str(number) for number in range(8)} == {text.text for text in service.transcript("jane-2")}
    with pytest.raises(NotFound):
        service.interaction("jane-3")
