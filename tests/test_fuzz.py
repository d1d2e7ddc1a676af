"""The targets of the fuzzer, on inputs that any run can make: none breaks a promise; a broken library is found out."""

from __future__ import annotations

import functools
import json

import fuzz.codec
import pytest
from fuzz.arguments import MAKERS
from fuzz.codec import TEXTS, check, codec
from fuzz.service import METHODS, UNTRIED, Broken, seeds, service
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_transfer import TransferRequest, TransferService
from sms_transfer.adapters.codec import KINDS, from_json

PROGRAMS = st.binary(max_size=400)


@given(PROGRAMS)
def test_a8_what_is_read_is_refused_in_our_words_or_written_again_the_same(data: bytes) -> None:
    """A8: bytes as JSON, and sound JSON with changes that these bytes choose."""
    codec(data)


@given(PROGRAMS)
@settings(max_examples=60, deadline=None)
def test_f7_any_calls_in_any_order_leave_every_promise_kept(data: bytes) -> None:
    """F7, A8: any method, any arguments; what is refused records nothing, and there is one owner after each call."""
    service(data)


@pytest.mark.parametrize("data", [*seeds()], ids=len)
def test_f7_the_first_inputs_break_no_promise(data: bytes) -> None:
    """F7: what a run of the fuzzer begins with."""
    service(data)


def test_every_kind_is_begun_with() -> None:
    """A sound text of nearly every kind is there to be changed, and each is read."""
    kinds = {json.loads(text)["kind"] for text in TEXTS}

    assert all(check(text) for text in TEXTS)
    inside_others = {"Explanation", "Notice", "Outcome", "PastInvitation"}
    assert {"CaseDataUpdated", "NoteSet", "TransferRedirected", *inside_others} == set(KINDS) - kinds


def test_every_method_is_called() -> None:
    """Every public method of the service is among those that are called, and each of its parameters has arguments."""
    public = {name for name in dir(TransferService) if not name.startswith("_")}

    assert public == {*METHODS, *UNTRIED}
    assert len(METHODS) > len(UNTRIED)
    assert MAKERS


def test_a_codec_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that writes something else than it read is found out by the first sound text."""
    [target, contact] = (text for text in TEXTS if json.loads(text)["kind"] in {"Contact", "Target"})
    monkeypatch.setattr(fuzz.codec, "to_json", lambda value: target if value else "")
    monkeypatch.setattr(fuzz.codec, "from_json", lambda text, _: from_json(text, object))

    with pytest.raises(AssertionError, match="something else"):
        check(contact)


def test_f7_a_service_that_records_what_it_refuses_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: a request that is recorded, and then refused."""
    ask = TransferService.request_transfer

    @functools.wraps(ask)
    def refuse_late(*arguments: object, **named: object) -> TransferRequest:
        made = ask(*arguments, **named)  # type: ignore[arg-type]  # whatever the fuzzer gives
        return TransferService().transfer(made.id)

    monkeypatch.setattr(TransferService, "request_transfer", refuse_late)
    alice_asks_bob = (0, 0, 0, 1, 0, 0)
    with pytest.raises(Broken, match="something is recorded"):
        service(bytes([0, 0, METHODS.index("request_transfer"), *alice_asks_bob, *bytes(6)]))
