"""What an agent is told of a refusal, in words: complete (D6), and true (T3, T11, A2)."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    WORDS,
    Agent,
    AlreadyExists,
    Conflict,
    Contact,
    CorruptRecord,
    Denial,
    FrozenDict,
    Handover,
    IllegalTransition,
    Interaction,
    InvalidValue,
    InvitationClosed,
    Media,
    NotFound,
    Notice,
    NotPermitted,
    Outcome,
    Privilege,
    Reason,
    Refused,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    StoreUnavailable,
    Target,
    TargetKind,
    TargetNotEligible,
    TeamCommunicator,
    TransferPending,
    TransferPolicy,
    TransferState,
    UnusableStore,
    explain_reasons,
    explain_refusal,
)
from sms_transfer.adapters.codec import from_json, to_json
from sms_transfer.core.notices import PARAMETERS
from sms_transfer.testing import ManualClock
from sms_transfer.testing import strategies as kit
from support import BOB, TIMEOUT, Centre

NOW = ManualClock().now()
QUEUE = Target.queue("q")
TYPED = "+14155550188 is what they typed"
FINAL = [state for state in TransferState if state.is_final]
KINDS = ("interaction", "transfer", "invitation", "message", "attachment", *TargetKind)
"""What a person can name that is not there."""
REASONS = {
    TransferState.EXPIRED: ("no_answer", "no_agent_in_time"),
    TransferState.CANCELLED: ("cancelled_by_sender", "interaction_done"),
    TransferState.FAILED: ("invitee_logged_out", "invitee_disconnected", "no_agent_left"),
}


def closed(state: TransferState, *, by: str | None = "bob", reason: str = "", owner: str | Target = "alice") -> Any:
    """That it is too late."""
    return InvitationClosed(outcome=Outcome(state, by=by, at=NOW, reason=reason, owner=owner))


def pending() -> TransferPending:
    transfer = Centre().invite(note=TYPED)
    return TransferPending(transfer=transfer)


def illegal(machine: str, state: str) -> IllegalTransition:
    return IllegalTransition(machine=machine, state=state, trigger="whatever", allowed=())


class OfTheHost(StoreError):
    """One that this library does not know."""

    retryable = True


SAMPLES: Mapping[type[SmsTransferError], Callable[[], Collection[SmsTransferError]]] = {
    SmsTransferError: lambda: [SmsTransferError("whatever")],
    InvalidValue: lambda: [InvalidValue(field="note", rule="must have at most 5 characters")],
    NotFound: lambda: [NotFound(kind=kind, id="x") for kind in (*KINDS, "whatever", "what.ever", "")],
    AlreadyExists: lambda: [AlreadyExists(kind="agent", id="x")],
    Refused: lambda: [Refused("whatever")],
    IllegalTransition: lambda: [
        illegal("interaction", "done"),
        illegal("agent", "logged_out"),
        illegal("transfer", "accepted"),
    ],
    NotPermitted: lambda: [
        NotPermitted(agent_id="bob", reason=denial, owner=owner)
        for denial in Denial
        for owner in (None, "alice", QUEUE)
    ],
    StaleEpoch: lambda: [StaleEpoch(given=0, current=1, owner=owner) for owner in ("alice", QUEUE)],
    TransferPending: lambda: [pending()],
    TargetNotEligible: lambda: (
        [TargetNotEligible(reasons=[reason]) for reason in Reason]
        + [TargetNotEligible(reasons=()), TargetNotEligible(reasons=[*Reason])]
    ),
    InvitationClosed: lambda: [
        closed(state, by=by, reason=reason)
        for state in FINAL
        for by in (None, "bob")
        for reason in ("", TYPED, *REASONS.get(state, ()))
    ],
    StoreError: lambda: [StoreError(), OfTheHost()],
    Conflict: lambda: [Conflict(kind="interaction", id="i")],
    StoreUnavailable: lambda: [StoreUnavailable(detail=TYPED)],
    UnusableStore: lambda: [UnusableStore(detail=TYPED)],
    CorruptRecord: lambda: [CorruptRecord(kind="interaction", id="i")],
}
"""For each class errors of every kind that there are words for, and of some that there are none for."""


def tree(error: type[SmsTransferError] = SmsTransferError) -> Iterator[type[SmsTransferError]]:
    """The classes of this library's error tree."""
    if error.__module__ == SmsTransferError.__module__:
        yield error
        for below in error.__subclasses__():
            yield from tree(below)


def told(error: SmsTransferError) -> list[str]:
    return [notice.text for notice in explain_refusal(error)]


def refused(command: Callable[..., object], *arguments: object, **options: object) -> list[str]:
    """What the agent whose command is refused is told."""
    with pytest.raises(SmsTransferError) as caught:
        command(*arguments, **options)
    return told(caught.value)


def codes() -> set[str]:
    """The codes of all that is told of the samples."""
    errors = (error for samples in SAMPLES.values() for error in samples())
    return {notice.code for error in errors for notice in explain_refusal(error)}


# D6: there are words for everything


def test_d6_every_class_of_the_error_tree_is_explained() -> None:
    """D6: a class that is new needs a sample here, and so words."""
    assert SAMPLES.keys() == set(tree())


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: error.__name__)
def test_d6_an_error_is_told_in_words_of_its_own(error: type[SmsTransferError]) -> None:
    """D6: a class that stands for something is not told in the last resort's words; the two roots are."""
    general = {SmsTransferError: {"failed"}, Refused: {"refused"}}.get(error, set[str]())
    for sample in SAMPLES[error]():
        notices = explain_refusal(sample)
        found = {notice.code for notice in notices}
        assert found
        if sample.fields.get("reasons") != frozenset():
            assert general == found & {"failed", "refused"}


@pytest.mark.parametrize("denial", Denial)
def test_d6_every_denial_has_words(denial: Denial) -> None:
    """D6: each has its own, so a new one fails here."""
    [notice] = explain_refusal(NotPermitted(agent_id="bob", reason=denial))

    assert f"refused.not_permitted.{denial}" == notice.code


@pytest.mark.parametrize("reason", Reason)
def test_d6_every_reason_has_words(reason: Reason) -> None:
    """D6: likewise, in a form that can be read beside a name and alone: a sentence that needs nothing else."""
    [notice] = explain_reasons({reason})

    assert f"target.{reason}" == notice.code
    assert {} == notice.params
    assert notice.text.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_d6_whatever_a_person_can_name_has_words_where_it_is_not_there(kind: str) -> None:
    """D6: every kind of target among them."""
    [notice] = explain_refusal(NotFound(kind=kind, id="x"))

    assert f"refused.not_found.{kind}" == notice.code
    assert {"kind": kind, "id": "x"} == notice.params
    assert {str} == {type(value) for value in notice.params.values()}


def test_d6_there_are_no_words_that_nothing_is_told_in() -> None:
    """D6: of refusals, failures and reasons; so all of them are in the tests here."""
    assert {code for code in WORDS if code.split(".")[0] in {"refused", "failed", "target"}} == codes()


@pytest.mark.parametrize("code", sorted(WORDS))
def test_d6_a_notice_of_every_code_comes_back_from_json(code: str) -> None:
    """D6: so a front end elsewhere can translate it."""
    notice = Notice(code, FrozenDict({name: f"“{name}” 🎉" for name in PARAMETERS[code]}))

    assert notice == from_json(to_json(notice), Notice)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: error.__name__)
def test_d6_what_is_told_of_an_error_can_be_sent_elsewhere(error: type[SmsTransferError]) -> None:
    """D6: as JSON, and from a copy of the error as from the error."""
    for sample in SAMPLES[error]():
        notices = explain_refusal(sample)
        assert notices == tuple(from_json(to_json(notice), Notice) for notice in notices)
        assert notices == explain_refusal(copy.copy(sample))


@given(kit.outcomes())
def test_d6_every_outcome_has_words(outcome: Outcome) -> None:
    """D6, T11: whatever is in it, the words of its state are found and everything they need is there."""
    [notice] = explain_refusal(InvitationClosed(outcome=outcome))

    assert notice.code.startswith(f"refused.invitation_closed.{outcome.state}")
    assert notice.text


@given(st.text(), st.text(), st.text())
def test_d6_what_a_host_calls_things_has_words(kind: str, machine: str, state: str) -> None:
    """D6: there are some for what nobody foresaw, too."""
    for error, code in (
        (NotFound(kind=f"my {kind}", id="x"), "refused.not_found"),
        (illegal(f"my {machine}", state), "refused.illegal_transition"),
    ):
        assert [code] == [notice.code for notice in explain_refusal(error)]


def test_d6_an_error_of_the_hosts_own_is_told_as_the_one_above_it() -> None:
    """D6: one that may be retried has perhaps had its effect."""

    class NoCredit(Refused):
        pass

    class Refound(NotFound):
        pass

    assert ["refused"] == [notice.code for notice in explain_refusal(NoCredit())]
    assert ["refused.not_found.agent"] == [notice.code for notice in explain_refusal(Refound(kind="agent", id="x"))]
    assert ["failed.unavailable"] == [notice.code for notice in explain_refusal(OfTheHost())]


def test_d6_the_words_are_loaded_when_they_are_first_asked_for() -> None:
    """D6: a process without front ends does not wait for them."""
    module = "sms_transfer.core.refusals"
    code = (
        f"import sys, sms_transfer; assert {module!r} not in sys.modules;"
        f" sms_transfer.explain_refusal; assert {module!r} in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - this very interpreter


# A8


@pytest.mark.parametrize("reasons", ["not_ready", "", None, 5, ["nonsense"], [None], {Reason.NOT_READY, "whatever"}])
def test_a8_what_are_no_reasons_is_refused(reasons: Any) -> None:
    """A8: in our own words."""
    with pytest.raises(InvalidValue) as caught:
        explain_reasons(reasons)
    assert "reasons" == caught.value.field


@pytest.mark.parametrize("error", [None, "refused", ValueError(TYPED), Refused])
def test_a8_what_is_no_error_of_ours_is_refused(error: Any) -> None:
    """A8: a front end that catches too much hears of it."""
    with pytest.raises(InvalidValue) as caught:
        explain_refusal(error)
    assert "error" == caught.value.field


# T3: every reason


def test_t3_a_target_that_cannot_receive_is_explained_with_every_reason() -> None:
    """T3: one notice each, always in the same order, in a request, a menu and a question alike."""
    centre = Centre()
    centre.service.set_not_ready("bob", "lunch")
    centre.service.set_do_not_disturb("bob", on=True)
    expected = ["Does not want to be disturbed.", "Not ready."]
    [bob] = TeamCommunicator(centre.service, "alice").search("bob", interaction_id="i").targets

    assert expected == refused(centre.invite)
    assert expected == [notice.text for notice in explain_reasons(bob.actions[0].reasons)]
    assert expected == [notice.text for notice in explain_reasons(centre.service.eligibility("i", BOB))]


def test_t3_no_reasons_need_no_words() -> None:
    """T3: but a refusal is never told in none."""
    assert () == explain_reasons(frozenset())
    assert ["refused"] == [notice.code for notice in explain_refusal(TargetNotEligible(reasons=()))]


def test_t3_each_reason_is_told_once() -> None:
    """T3: however often it was given."""
    assert ["Not ready."] == [notice.text for notice in explain_reasons([Reason.NOT_READY] * 2)]


def test_a5_what_went_wrong_in_bulk_is_explained_for_each() -> None:
    """A5: a result's error is told like any other."""
    centre = Centre()
    centre.service.set_do_not_disturb("bob", on=True)
    errors = [result.error for result in centre.service.transfer_many(["i", "j"], BOB, by="alice")]

    assert [["Does not want to be disturbed."], ["This conversation is not known here."]] == [
        told(error) for error in errors if error is not None
    ]


# T11, A2: what won, and who owns it now


def offered(centre: Centre) -> str:
    return centre.ticket(centre.invite())


def test_t11_who_comes_after_an_accept_is_told_by_whom() -> None:
    """T11: the sender who cancels too late; and the owner of now is told, not the one of then."""
    centre = Centre()
    request = centre.invite()
    centre.service.accept(centre.ticket(request), by="bob")
    first = refused(centre.service.cancel, request.id, by="alice")
    centre.service.accept(centre.ticket(centre.invite(Target.agent("carol"), by="bob")), by="carol")

    assert ["bob accepted the transfer. bob owns the conversation now."] == first
    assert ["bob accepted the transfer. carol owns the conversation now."] == refused(
        centre.service.cancel, request.id, by="alice"
    )


def test_t11_who_comes_after_a_reject_is_told_by_whom() -> None:
    """T11, A2: rejected, without the words that it was rejected with (A6)."""
    centre = Centre()
    request = centre.invite()
    centre.service.reject(centre.ticket(request), by="bob", reason=TYPED)

    expected = ["bob rejected the offer. alice owns the conversation now."]
    assert expected == refused(centre.service.cancel, request.id, by="alice")


def test_t11_who_comes_too_late_is_told_that_nobody_answered() -> None:
    """T11, A2: and not that it was anybody's fault."""
    centre = Centre()
    ticket = offered(centre)
    centre.clock.advance(TIMEOUT)

    expected = ["Nobody answered in time. alice owns the conversation now."]
    assert expected == refused(centre.service.accept, ticket, by="bob")


def test_t11_who_comes_after_the_routing_deadline_is_told_that_nobody_took_it() -> None:
    """T11, A2: somebody may have answered, so it does not say that nobody did."""
    centre = Centre()
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    request = centre.invite(QUEUE)
    centre.service.set_not_ready("carol")
    assert request.invitation is not None
    centre.service.reject(request.invitation.id, by=request.invitation.invitee)
    centre.pass_time(timedelta(minutes=5))

    expected = ["Nobody took the transfer in time. alice owns the conversation now."]
    assert expected == refused(centre.service.cancel, request.id, by="alice")


def test_t11_who_comes_after_a_cancel_is_told_by_whom() -> None:
    """T11, A2: cancelled, and by whom."""
    centre = Centre()
    request = centre.invite()
    centre.service.cancel(request.id, by="alice")

    expected = ["alice cancelled the transfer. alice owns the conversation now."]
    assert expected == refused(centre.service.accept, centre.ticket(request), by="bob")


def test_t11_who_comes_after_the_end_is_told_that_the_conversation_is_done() -> None:
    """T11, A2: cancelled because it is done, which is not the same."""
    centre = Centre()
    ticket = offered(centre)
    centre.service.mark_done("i", by="alice")

    assert ["alice marked the conversation done."] == refused(centre.service.accept, ticket, by="bob")


@pytest.mark.parametrize(
    ("disconnected", "words"),
    [(False, "bob logged out before answering."), (True, "bob was disconnected before answering.")],
)
def test_t11_who_comes_back_is_told_that_the_offer_has_failed(disconnected: bool, words: str) -> None:
    """T11, A2: failed, and why."""
    centre = Centre()
    ticket = offered(centre)
    centre.service.log_out("bob", disconnected=disconnected)
    centre.service.log_in("bob")

    assert [f"{words} alice owns the conversation now."] == refused(centre.service.accept, ticket, by="bob")


def test_t11_who_comes_after_the_last_agent_is_told_that_nobody_is_left() -> None:
    """T11, A2: failed for want of agents."""
    centre = Centre()
    centre.service.add_queue(QUEUE, ["bob"])
    request = centre.invite(QUEUE)
    centre.service.reject(centre.ticket(request), by="bob")

    expected = ["Nobody is left who could take the transfer. alice owns the conversation now."]
    assert expected == refused(centre.service.cancel, request.id, by="alice")


def test_t11_a_queue_that_owns_it_is_told_as_one() -> None:
    """T11, Q2: its id, and what kind of target that is, for a front end that has a name for it."""
    centre = Centre(policy=TransferPolicy(handover=Handover.ON_PLACEMENT))
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    centre.service.set_not_ready("carol")
    ticket = centre.ticket(centre.invite(QUEUE))
    centre.service.reject(ticket, by="bob")
    with pytest.raises(InvitationClosed) as caught:
        centre.service.accept(ticket, by="bob")
    [notice] = explain_refusal(caught.value)

    assert {"by": "bob", "owner": "q", "owner_kind": "queue"} == notice.params
    assert "bob rejected the offer. q owns the conversation now." == notice.text


@pytest.mark.parametrize("state", FINAL)
def test_t11_an_outcome_that_nobody_is_known_to_have_caused_is_told(state: TransferState) -> None:
    """T11: what won and who owns it now, at least."""
    [notice] = explain_refusal(closed(state, by=None))

    assert f"refused.invitation_closed.{state}" == notice.code
    assert {"owner": "alice", "owner_kind": "agent"} == notice.params
    assert notice.text.endswith(" alice owns the conversation now.")


# F1, F2, E2, E4: other refusals


def test_f1_a_former_owner_is_told_who_owns_it() -> None:
    """F1: from an old window, and without one."""
    centre = Centre()
    centre.service.accept(offered(centre), by="bob")

    expected = ["This window is out of date. bob owns the conversation now."]
    assert expected == refused(centre.service.reply, "i", "Hello", by="alice", epoch=0)
    expected = ["You do not own the conversation. bob owns it now."]
    assert expected == refused(centre.service.reply, "i", "Hello", by="alice")


def test_f2_a_second_transfer_is_told_to_whom_the_first_one_is() -> None:
    """F2: by the recorded name, and with the id of the request."""
    centre = Centre()
    request = centre.invite()
    with pytest.raises(TransferPending) as caught:
        centre.invite(Target.agent("carol"))
    [notice] = explain_refusal(caught.value)

    assert "A transfer to Bob is still under way." == notice.text
    assert {"target": "Bob", "transfer": request.id} == notice.params


def test_e2_what_the_state_does_not_allow_is_told_by_state() -> None:
    """E2, T15: the conversation is done, or the agent is logged out."""
    centre = Centre()
    centre.service.mark_done("i", by="alice")
    centre.service.log_out("bob")

    assert ["The conversation is done."] == refused(centre.service.reply, "i", "Hello", by="alice")
    assert ["The conversation is done."] == refused(centre.invite)
    assert ["This cannot be done while logged out."] == refused(centre.service.set_ready, "bob")


def test_e4_a_missing_privilege_is_told() -> None:
    """E4: which one."""
    centre = Centre()
    centre.service.update_agent(Agent("alice", "Alice", privileges={Privilege.USE_SMS}))

    assert ["You are not allowed to transfer conversations."] == refused(centre.invite)


def test_a8_a_value_of_the_wrong_form_is_told_with_its_rule() -> None:
    """A8: what is wrong, and not what was typed."""
    centre = Centre(policy=TransferPolicy(max_note=5))

    expected = ["This does not have the right form: note must have at most 5 characters."]
    assert expected == refused(centre.invite, note=TYPED)


# A2: what is known of a failure's effect


def test_a2_a_failure_claims_no_more_than_is_known() -> None:
    """A2: only where nothing was kept it says so, and it sends nobody to try what does not help."""
    [conflict] = told(Conflict(kind="interaction", id="i"))
    [unavailable] = told(StoreUnavailable(detail="gone"))

    assert "Nothing was done: please try again." in conflict
    assert "look whether it was done before you try again" in unavailable
    for error in (UnusableStore(detail="read-only"), CorruptRecord(kind="interaction", id="i"), StoreError()):
        assert ["failed.store"] == [notice.code for notice in explain_refusal(error)]
        assert "trying again does not help" in told(error)[0]


# A6


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: error.__name__)
def test_a6_no_number_and_no_text_is_told(error: type[SmsTransferError]) -> None:
    """A6: notes, reasons in an agent's own words and a store's details stay where they are."""
    for sample in SAMPLES[error]():
        for notice in explain_refusal(sample):
            assert TYPED not in notice.text
            assert TYPED not in notice.params.values()
            assert TYPED not in repr(notice)


def test_a6_the_number_of_a_contact_is_not_told() -> None:
    """A6: of a conversation that is there already, its id is."""
    centre = Centre()
    number = "+14155550177"
    again = Interaction("i", media=Media.SMS, contact=Contact(number), owner="alice")
    with pytest.raises(AlreadyExists) as caught:
        centre.service.open_interaction(again)
    [notice] = explain_refusal(caught.value)

    assert "i is there already." == notice.text
    assert number not in notice.params.values()


def test_t3_reasons_are_told_in_an_order_of_their_own() -> None:
    """T3: whatever the order they are given in."""
    expected = sorted(f"target.{reason}" for reason in Reason)

    assert expected == [notice.code for notice in explain_reasons(list(Reason))]
    assert expected == [notice.code for notice in explain_reasons(list(Reason)[::-1])]


def test_d6_what_is_there_already_is_told_with_its_kind_and_its_id() -> None:
    """D6: a translation may say more than the English words do."""
    [notice] = explain_refusal(AlreadyExists(kind="message", id="m"))

    assert ("refused.already_exists", {"kind": "message", "id": "m"}) == (notice.code, dict(notice.params))
