"""The recipe for an HTTP API: a hand-over over HTTP, what is refused and how, and what nobody is told."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes import starlette_endpoint as recipe
from site_on_loop import Site
from sms_transfer import (
    Agent,
    AlreadyExists,
    AsyncTransferService,
    ChannelStatus,
    Conflict,
    CorruptRecord,
    IllegalTransition,
    InvalidValue,
    NotFound,
    SmsTransferError,
    StoreError,
    StoreUnavailable,
    Target,
    TransferPolicy,
    TransferState,
)
from sms_transfer.testing import ManualClock

pytestmark = pytest.mark.desktop

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "serve-over-http.md"
ALICE, BOB = {"Authorization": "Bearer token-of-alice"}, {"Authorization": "Bearer token-of-bob"}
PATIENCE = 10.0
NUMBER, TEXT = "+14155550123", "My parcel has not come."
TO_BOB = {"target": {"kind": "agent", "id": "bob"}, "epoch": 0, "note": "You know parcels."}


class Api:
    """The recipe's application, asked as Alice and as Bob."""

    def __init__(self, site: Site, clock: ManualClock) -> None:
        self.site = site
        self.clock = clock

    @property
    def service(self) -> AsyncTransferService:
        service: AsyncTransferService = self.site.app.state.service
        return service

    def get(self, path: str, agent: dict[str, str] = ALICE) -> httpx.Response:
        return self.site.ask("GET", path, headers=agent)

    def post(self, path: str, agent: dict[str, str] = ALICE, **request: Any) -> httpx.Response:
        headers = agent | request.pop("headers", {})
        return self.site.ask("POST", path, headers=headers, **request)

    def offer(self, **headers: str) -> dict[str, Any]:
        """Alice offers her conversation to Bob; what she is told."""
        answer = self.post("/interactions/parcel/transfers", json=TO_BOB, headers=headers)
        assert 201 == answer.status_code, answer.text
        return dict(answer.json())

    def ticket(self) -> str:
        """What Bob's desktop has to answer with."""
        [offered] = self.get("/desktop", BOB).json()["invitations"]
        return str(offered["invitation"]["id"])


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Generator[Api]:
    clock = ManualClock()
    monkeypatch.setattr(recipe, "make_service", lambda: AsyncTransferService(clock=clock))
    with Site(recipe.app) as site:
        yield Api(site, clock)


def refusal(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """The status of a refusal and its JSON, without the words that are for developers."""
    content = dict(answer.json())
    assert content.pop("message")
    return answer.status_code, content


def test_t5_a_conversation_is_handed_over(api: Api) -> None:
    """Alice offers it, Bob sees the offer with her note and accepts; the next window is his, with every text."""
    transfer = api.offer()
    seen = api.get(f"/transfers/{transfer['id']}", BOB)
    [offered] = api.get("/desktop", BOB).json()["invitations"]
    accepted = api.post(f"/invitations/{offered['invitation']['id']}/accept", BOB)
    [owned] = api.get("/desktop", BOB).json()["conversations"]

    assert ("invited", "alice") == (transfer["state"], transfer["sender"])
    assert (200, transfer) == (seen.status_code, seen.json())
    assert "You know parcels." == offered["note"]
    assert {"address": NUMBER, "name": "Jane Roe"} == offered["contact"]
    assert (200, "bob", 1) == (accepted.status_code, accepted.json()["owner"], accepted.json()["epoch"])
    assert (1, [TEXT]) == (owned["epoch"], [text["text"] for text in owned["transcript"]])
    assert [] == api.get("/desktop").json()["conversations"]
    assert "accepted" == api.get(f"/transfers/{transfer['id']}").json()["state"]


def test_t6_a_rejection_is_told_on_two_surfaces(api: Api) -> None:
    """Bob rejects, and Alice's desktop says so at the top of the window and in My Messages."""
    transfer = api.offer()
    rejected = api.post(f"/invitations/{api.ticket()}/reject", BOB, json={"reason": "Not mine"})
    desktop = api.get("/desktop").json()

    assert (200, "rejected") == (rejected.status_code, rejected.json()["state"])
    assert "transfer.rejected_because" == desktop["conversations"][0]["error"]["code"]
    assert [transfer["id"]] == [message["id"] for message in desktop["messages"]]
    assert [] == api.get("/desktop", BOB).json()["invitations"]


def test_t8_the_sender_cancels(api: Api) -> None:
    """The offer is gone from Bob's desktop."""
    transfer = api.offer()

    assert "cancelled" == api.post(f"/transfers/{transfer['id']}/cancel").json()["state"]
    assert [] == api.get("/desktop", BOB).json()["invitations"]


def test_t4_the_ticket_stays_with_the_invitee(api: Api) -> None:
    """Neither what the sender is told when they ask, nor what they see after, has the id of the invitation."""
    told = [json.dumps(api.offer())]
    ticket = api.ticket()
    transfer_id = json.loads(told[0])["id"]
    told += [api.get(path).text for path in ("/desktop", f"/transfers/{transfer_id}")]
    told += [api.post("/interactions/parcel/transfers", json=TO_BOB).text]
    told += [api.post(f"/transfers/{transfer_id}/cancel").text]

    assert [False] * 5 == [ticket in text for text in told]


def test_q1_whoever_rejects_is_not_told_the_next_ticket(api: Api) -> None:
    """Bob rejects what came through a queue, and Carol is asked: only her desktop has her ticket."""
    queue = Target.queue("lost")
    api.site.run(api.service.add_agent(Agent("carol", "Carol", status=ChannelStatus.READY)))
    api.site.run(api.service.add_queue(queue, ["bob", "carol"]))
    body = {**TO_BOB, "target": {"kind": "queue", "id": "lost"}}
    transfer_id = api.post("/interactions/parcel/transfers", json=body).json()["id"]
    first = api.site.run(api.service.transfer(transfer_id)).invitation
    assert first is not None
    assert "bob" == first.invitee
    told = [api.post(f"/invitations/{first.id}/reject", BOB).text, api.get(f"/transfers/{transfer_id}", BOB).text]
    second = api.site.run(api.service.transfer(transfer_id)).invitation

    assert '"state":"invited"' in told[1]
    assert second is not None
    assert "carol" == second.invitee
    assert [False, False] == [second.id in text for text in told]


def test_a7_whoever_is_nobody_is_told_nothing(api: Api) -> None:
    """Without a token, or with a wrong one, it is a 401, and nothing is read or changed."""
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic token-of-alice"}):
        for method, path in (("GET", "/desktop"), ("POST", "/interactions/parcel/transfers"), ("GET", "/transfers/t")):
            answer = api.site.ask(method, path, headers=headers, content=b"{")

            assert (401, {"code": "http_401"}) == refusal(answer)
            assert "Bearer" == answer.headers["www-authenticate"]


def test_a7_who_has_nothing_to_do_with_a_transfer_does_not_see_it(api: Api) -> None:
    """For them it is as if there were none."""
    api.site.run(api.service.add_agent(Agent("carol", "Carol", status=ChannelStatus.READY)))
    body = {**TO_BOB, "target": {"kind": "agent", "id": "carol"}}
    transfer_id = api.post("/interactions/parcel/transfers", json=body).json()["id"]

    expected = (404, {"code": "not_found", "kind": "transfer", "id": transfer_id})
    assert expected == refusal(api.get(f"/transfers/{transfer_id}", BOB))


def test_f1_an_epoch_that_is_over_is_refused_with_the_present_one(api: Api) -> None:
    """Alice's old window learns which ownership it is by now, and whose; without an epoch nothing is asked at all."""
    api.offer()
    api.post(f"/invitations/{api.ticket()}/accept", BOB)
    stale = api.post("/interactions/parcel/transfers", json=TO_BOB)
    missing = api.post("/interactions/parcel/transfers", json={"target": TO_BOB["target"]})

    assert (409, {"code": "stale_epoch", "given": 0, "current": 1, "owner": "bob"}) == refusal(stale)
    assert 422 == missing.status_code


def test_f2_a_pending_transfer_is_told(api: Api) -> None:
    """A second offer is refused with the one that is live."""
    transfer = api.offer()
    status, content = refusal(api.post("/interactions/parcel/transfers", json=TO_BOB))

    assert (409, "transfer_pending") == (status, content["code"])
    assert transfer == content["transfer"]


def test_f5_a_repeated_idempotency_key_makes_one_request(api: Api) -> None:
    """The same key again is answered with the request that it made; for another conversation it is refused."""
    made = api.offer(**{"Idempotency-Key": "click-1"})
    body = {**TO_BOB, "target": {"kind": "agent", "id": "alice"}}
    other = api.post("/interactions/parcel/transfers", json=body, headers={"Idempotency-Key": "click-1"})
    too_long = api.post("/interactions/parcel/transfers", json=TO_BOB, headers={"Idempotency-Key": "x" * 129})

    assert made == api.offer(**{"Idempotency-Key": "click-1"})
    assert (422, "key") == (other.status_code, other.json()["field"])
    assert (422, "key") == (too_long.status_code, too_long.json()["field"])


def test_t11_the_loser_is_told_what_won_and_who_owns_it(api: Api) -> None:
    """Alice cancels what Bob has accepted; Bob accepts what has run out."""
    transfer = api.offer()
    api.post(f"/invitations/{api.ticket()}/accept", BOB)
    status, content = refusal(api.post(f"/transfers/{transfer['id']}/cancel"))

    assert (409, "invitation_closed") == (status, content["code"])
    assert {"state": "accepted", "by": "bob", "at": api.clock.now().isoformat(), "owner": "bob"} == content["outcome"]


def test_t10_an_answer_at_the_deadline_is_too_late(api: Api) -> None:
    """The refusal says that nobody answered, and that it is Alice's still."""
    api.offer()
    ticket = api.ticket()
    api.clock.advance(TransferPolicy().invitation_timeout)
    status, content = refusal(api.post(f"/invitations/{ticket}/accept", BOB))

    assert (409, "expired", "alice") == (status, content["outcome"]["state"], content["outcome"]["owner"])


def test_f5_an_answer_that_is_repeated_is_told_what_it_did(api: Api) -> None:
    """A lost answer to an accept or a cancel does no harm: asked again, it says who won."""
    api.offer()
    accept = f"/invitations/{api.ticket()}/accept"
    first, again = api.post(accept, BOB), api.post(accept, BOB)

    assert (200, 409) == (first.status_code, again.status_code)
    assert ("accepted", "bob") == (again.json()["outcome"]["state"], again.json()["outcome"]["by"])


def test_f3_of_answers_that_race_one_wins(api: Api) -> None:
    """Accept, reject and cancel at once: one is a 200, the others are told its outcome."""
    transfer = api.offer()
    ticket = api.ticket()
    answers = api.site.ask_at_once(
        ("POST", f"/invitations/{ticket}/accept", {"headers": BOB}),
        ("POST", f"/invitations/{ticket}/reject", {"headers": BOB}),
        ("POST", f"/transfers/{transfer['id']}/cancel", {"headers": ALICE}),
    )
    outcomes = {answer.json()["outcome"]["state"] for answer in answers if answer.status_code == 409}

    assert [200, 409, 409] == sorted(answer.status_code for answer in answers)
    assert {api.get(f"/transfers/{transfer['id']}").json()["state"]} == outcomes


def test_t3_every_reason_is_told(api: Api) -> None:
    """A target that cannot receive is refused with all that speaks against it."""
    api.site.run(api.service.log_out("bob"))
    api.site.run(api.service.set_do_not_disturb("bob", on=True))

    expected = {"code": "target_not_eligible", "reasons": ["do_not_disturb", "logged_out"]}
    assert (409, expected) == refusal(api.post("/interactions/parcel/transfers", json=TO_BOB))


def test_f1_who_may_not_is_told_why(api: Api) -> None:
    """Bob offers what is Alice's; Alice answers what is Bob's."""
    api.offer()
    not_owner = api.post("/interactions/parcel/transfers", BOB, json=TO_BOB)
    not_invitee = api.post(f"/invitations/{api.ticket()}/accept")

    assert (403, {"code": "not_permitted", "reason": "not_owner", "owner": "alice"}) == refusal(not_owner)
    assert (403, {"code": "not_permitted", "reason": "not_invitee", "owner": None}) == refusal(not_invitee)


def test_t1_a_conversation_that_is_done_is_refused(api: Api) -> None:
    """With the machine, its state, and what that allows."""
    api.site.run(api.service.mark_done("parcel", by="alice"))
    status, content = refusal(api.post("/interactions/parcel/transfers", json=TO_BOB))

    assert (409, "illegal_transition", "done") == (status, content["code"], content["state"])
    assert [] == content["allowed"]


RAISED = [
    (InvalidValue(field="note", rule="must be short"), 422, {"field": "note", "rule": "must be short"}),
    (NotFound(kind="agent", id="x"), 404, {"kind": "agent", "id": "x"}),
    (AlreadyExists(kind="transfer", id="x"), 409, {"kind": "transfer", "id": "x"}),
    (
        IllegalTransition(machine="agent", state="ready", trigger="x", allowed={"b", "a"}),
        409,
        {"machine": "agent", "state": "ready", "trigger": "x", "allowed": ["a", "b"]},
    ),
    (Conflict(kind="interaction", id="x"), 503, {}),
    (StoreUnavailable(detail="host db-7 is away"), 503, {}),
    (CorruptRecord(kind="interaction", id="x"), 500, {}),
    (StoreError("disk on host db-7"), 500, {}),
    (SmsTransferError("of a later release"), 500, {}),
]


@pytest.mark.parametrize(("error", "status", "fields"), RAISED, ids=lambda value: getattr(value, "code", None))
def test_a8_every_error_has_its_status(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: SmsTransferError, status: int, fields: dict[str, Any]
) -> None:
    """Its code and fields are told; what the store says of itself is not, and what may be tried again says when."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(api.service, "snapshot", fail)
    answer = api.get("/desktop")

    assert (status, {"code": error.code, **fields}) == refusal(answer)
    assert ("1" if status == 503 else None) == answer.headers.get("retry-after")
    assert "db-7" not in answer.text


def test_a8_every_error_of_the_library_is_in_the_table() -> None:
    """The table names every type that callers can mend, so that none of them falls through to a 500."""

    def leaves(kind: type[SmsTransferError]) -> set[type[SmsTransferError]]:
        below = [leaves(one) for one in kind.__subclasses__() if one.__module__.startswith("sms_transfer.")]
        return set[type[SmsTransferError]]().union(*below) or {kind}

    assert set() == {kind for kind in leaves(SmsTransferError) if kind not in recipe.ANSWERS} - leaves(StoreError)


BAD_BODIES = [
    (b"", 422),
    (b"{", 400),
    (b"\xff", 400),
    (b"[" * 60_000, 400),
    (b"9" * 5_000, 400),
    (b"[]", 422),
    (b"null", 422),
    (json.dumps({**TO_BOB, "unknown": 1}).encode(), 422),
    (json.dumps({**TO_BOB, "epoch": True}).encode(), 422),
    (json.dumps({**TO_BOB, "epoch": 0.0}).encode(), 422),
    (json.dumps({**TO_BOB, "epoch": "0"}).encode(), 422),
    (json.dumps({**TO_BOB, "epoch": -1}).encode(), 422),
    (json.dumps({**TO_BOB, "note": None}).encode(), 422),
    (json.dumps({**TO_BOB, "note": "x" * 5_000}).encode(), 422),
    (json.dumps({**TO_BOB, "note": "\ud800"}).encode(), 422),
    (json.dumps({**TO_BOB, "target": "bob"}).encode(), 422),
    (json.dumps({**TO_BOB, "target": {}}).encode(), 422),
    (json.dumps({**TO_BOB, "target": {"kind": "agent", "id": 7}}).encode(), 422),
    (json.dumps({**TO_BOB, "target": {"kind": "agent", "id": ""}}).encode(), 422),
    (json.dumps({**TO_BOB, "target": {"kind": ["agent"], "id": "bob"}}).encode(), 422),
    (json.dumps({**TO_BOB, "target": {"kind": "nobody", "id": "bob"}}).encode(), 422),
    (b'{"note": "' + b"x" * 70_000 + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a8_bad_input_is_refused_and_changes_nothing(api: Api, body: bytes, status: int) -> None:
    """Malformed, of a wrong type, unknown, too large: a 4xx in JSON, and no transfer is made."""
    before = api.get("/desktop").json()
    answer = api.post("/interactions/parcel/transfers", content=body)

    assert status == answer.status_code, answer.text
    assert {"code", "message"} <= answer.json().keys()
    assert before == api.get("/desktop").json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/transfers/none", 404),
        ("DELETE", "/desktop", 405),
        ("POST", f"/transfers/{'x' * 129}/cancel", 422),
        ("POST", "/transfers/none/cancel", 404),
        ("POST", "/invitations/none/accept", 404),
        ("POST", "/interactions/%ED%A0%80/transfers", 404),
    ],
)
def test_a8_bad_paths_are_refused(api: Api, method: str, path: str, status: int) -> None:
    """What is not there is a refusal in JSON, too."""
    content = {} if method == "GET" else {"json": TO_BOB if path.endswith("transfers") else {}}
    answer = api.site.ask(method, path, headers=ALICE, **content)

    assert status == answer.status_code, answer.text
    assert {"code", "message"} <= answer.json().keys()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = (
    st.fixed_dictionaries({}, optional=dict.fromkeys(("target", "epoch", "note", "reason", "other"), json_values)).map(
        json.dumps
    )
    | json_values.map(json.dumps)
    | st.binary(max_size=50)
)


def test_a8_whatever_is_sent_is_answered_in_json(api: Api) -> None:
    """No body makes a 500, and none that is refused changes anything."""
    before = api.get("/desktop").json()

    @given(
        path=st.sampled_from(["/interactions/parcel/transfers", "/transfers/t/cancel", "/invitations/t/reject"]),
        body=bodies,
    )
    def hostile(path: str, body: str | bytes) -> None:
        answer = api.post(path, content=body)
        assert 400 <= answer.status_code < 500, answer.text
        assert {"code", "message"} <= answer.json().keys()
        assert before == api.get("/desktop").json()

    hostile()


def test_a6_no_refusal_and_no_log_line_holds_a_number_or_a_text(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Notes, texts, reasons and the number stay where they belong, whatever goes wrong."""
    personal = "call +14155550123 back"
    body = {**TO_BOB, "note": personal}
    with caplog.at_level(logging.DEBUG):
        refused = [api.post("/interactions/parcel/transfers", json={**body, "note": personal * 500})]
        transfer = api.post("/interactions/parcel/transfers", json=body).json()
        refused += [
            api.post("/interactions/parcel/transfers", json=body),
            api.post("/interactions/parcel/transfers", json={**body, personal: 1}),
            api.post("/interactions/parcel/transfers", BOB, json=body),
        ]
        api.post(f"/invitations/{api.ticket()}/reject", BOB, json={"reason": personal})
        refused.append(api.post(f"/transfers/{transfer['id']}/cancel"))

    assert [422, 409, 422, 403, 409] == [answer.status_code for answer in refused]
    for text in [*(answer.text for answer in refused), caplog.text]:
        assert NUMBER not in text
        assert TEXT not in text


def test_f4_an_offer_runs_out_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lifespan ticks: nobody has to ask."""
    policy = TransferPolicy(invitation_timeout=timedelta(milliseconds=1))
    monkeypatch.setattr(recipe, "make_service", lambda: AsyncTransferService(policy=policy))
    with Site(recipe.app) as site:
        api = Api(site, ManualClock())
        transfer = api.offer()
        end = time.monotonic() + PATIENCE
        while site.run(api.service.transfer(transfer["id"])).state is not TransferState.EXPIRED:
            assert time.monotonic() < end
            site.run(asyncio.sleep(0.05))


# the page


def blocks(language: str) -> list[str]:
    """The blocks of the page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def served() -> Generator[str]:
    """Where the recipe is served as the page says, but for the port."""
    [_, command] = blocks("sh")[0].splitlines()
    words = [sys.executable, "-m", *command.split(), "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - the page's own words
        words, cwd=PAGE.parent.parent.parent, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8"
    ) as server:
        assert server.stderr is not None
        said = ""
        while (found := re.search(r"running on (http://\S+)", said)) is None:
            line = server.stderr.readline()
            assert line, said
            said += line
        yield found[1]
        server.terminate()
        server.communicate(timeout=PATIENCE)


def test_the_session_on_the_page_is_true(served: str) -> None:
    """Alice offers, Bob accepts, and Alice's old window is told what the page promises."""
    bash, curl = shutil.which("bash"), shutil.which("curl")
    if bash is None or curl is None:
        pytest.skip("there is no bash or no curl here")
    [session] = blocks("bash")
    assert "http://127.0.0.1:8000" in session
    ended = subprocess.run(  # noqa: S603 - the page's own words
        [bash, "-euo", "pipefail", "-c", session.replace("http://127.0.0.1:8000", served)],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=6 * PATIENCE,
    )
    offered, desktop, accepted, refused = map(json.loads, ended.stdout.splitlines())

    assert ("invited", 1, "bob") == (offered["state"], len(desktop["invitations"]), accepted["owner"])
    assert [json.loads(block) for block in blocks("json")] == [refused]


def test_the_page_tells_what_every_error_means() -> None:
    """Each in the row of its status, with each field that the caller does not know already."""
    known = {"kind", "id", "given", "machine", "trigger"}
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    for kind, (status, fields) in recipe.ANSWERS.items():
        code = getattr(kind, "code", "")
        if kind is not SmsTransferError:
            [row] = [row for row in rows if f"`{code}`" in row]
            assert str(int(status)) in row.split("|")[1]
            assert set() == {name for name in fields if f"`{name}`" not in row} - known
