"""What stands around a transfer, A1 to A8: history, truth, hops, discretion, bad input."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    AlreadyExists,
    Attachment,
    ChannelStatus,
    Contact,
    Direction,
    Event,
    Handover,
    Interaction,
    InteractionDone,
    InteractionOpened,
    InvalidValue,
    InvitationExpired,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    Message,
    NoAnswer,
    Notice,
    OwnershipMoved,
    Reason,
    SmsTransferError,
    SystemMessage,
    TargetKind,
    TargetNotEligible,
    TransferAccepted,
    TransferClosed,
    TransferEvent,
    TransferPolicy,
    TransferRequest,
    TransferRequested,
    TransferService,
    TransferState,
    Workspace,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Reject, Reply, RequestTransfer, SetNote, UpdateCaseData
from sms_transfer.core.decision import Decision
from sms_transfer.log import log_failure
from sms_transfer.testing import ManualClock, RecordingUI, strategies
from support import ALICE, BOB, CAROL, CONTACT, MOMENT, TIMEOUT, Centre, Desk

SECOND = timedelta(seconds=1)


def go(centre: Centre, *, ended: bool = True) -> None:
    """One conversation's life: missed, rejected, taken back, lost, accepted, and given on, a second for each step."""

    def later() -> None:
        centre.clock.advance(SECOND)

    centre.invite()
    centre.pass_time(TIMEOUT)
    for end in (
        lambda request: centre.service.reject(centre.ticket(request), by="bob", reason="at lunch"),
        lambda request: centre.service.cancel(request.id, by="alice"),
        lambda _: (centre.service.log_out("bob"), centre.service.log_in("bob"), centre.service.set_ready("bob")),
        lambda request: centre.service.accept(centre.ticket(request), by="bob"),
    ):
        request = centre.invite()
        later()
        end(request)
    later()
    onward = centre.service.request_transfer("i", CAROL, by="bob")
    later()
    centre.service.accept(centre.ticket(onward), by="carol")
    later()
    if ended:
        centre.service.mark_done("i", by="carol")


# A1: metrics, from the history alone


def offer_to_accept(history: Iterable[Event]) -> list[timedelta]:
    """How long each accepted offer took."""
    offered = {event.invitation_id: event.at for event in history if isinstance(event, InvitationSent)}
    return [event.at - offered[event.invitation_id] for event in history if isinstance(event, TransferAccepted)]


def outcomes(history: Iterable[Event]) -> Counter[TransferState]:
    """How many requests ended how."""
    return Counter(event.outcome.state for event in history if isinstance(event, TransferClosed))


def held(history: Iterable[Event]) -> list[tuple[object, timedelta]]:
    """How long each owner had it, in order."""
    found: list[tuple[object, timedelta]] = []
    owner: object = None
    since = None
    for event in history:
        if isinstance(event, (OwnershipMoved, InteractionDone)) and since is not None:
            found.append((owner, event.at - since))
        if isinstance(event, (InteractionOpened, OwnershipMoved)):
            owner, since = event.owner, event.at
    return found


def test_a1_the_time_from_offer_to_accept_derives_from_the_history() -> None:
    """A1: for each accepted offer."""
    centre = Centre()
    go(centre)

    assert offer_to_accept(centre.service.history("i")) == [SECOND, SECOND]


def test_a1_the_rates_of_the_outcomes_derive_from_the_history() -> None:
    """A1: rejected, expired, cancelled, failed and accepted, of all that were requested."""
    centre = Centre()
    go(centre)
    history = centre.service.history("i")

    assert outcomes(history) == {
        TransferState.EXPIRED: 1,
        TransferState.REJECTED: 1,
        TransferState.CANCELLED: 1,
        TransferState.FAILED: 1,
        TransferState.ACCEPTED: 2,
    }
    assert outcomes(history).total() == sum(isinstance(event, TransferRequested) for event in history)


def test_a1_the_hops_derive_from_the_history() -> None:
    """A1, A4: by counting, and told with every request."""
    centre = Centre()
    go(centre)
    history = centre.service.history("i")

    assert [event.hop for event in history if isinstance(event, TransferRequested)] == [1, 1, 1, 1, 1, 2]
    assert centre.service.interaction("i").hops == sum(isinstance(event, OwnershipMoved) for event in history)


def test_a1_the_time_held_by_each_owner_derives_from_the_history() -> None:
    """A1: from the opening to the end, none of it lost."""
    centre = Centre()
    start = centre.clock.now()
    go(centre)

    assert held(centre.service.history("i")) == [
        ("alice", TIMEOUT + 4 * SECOND),
        ("bob", 2 * SECOND),
        ("carol", SECOND),
    ]
    assert centre.clock.now() - start == sum((span for _, span in held(centre.service.history("i"))), timedelta())


def test_a1_every_step_of_a_life_is_in_the_history() -> None:
    """A1: who, what and in which order."""
    centre = Centre()
    centre.service.receive_message("i", "hello")
    centre.service.set_note("i", "a note", by="alice")
    centre.service.update_case_data("i", {"tier": None}, by="alice")
    centre.service.accept(centre.ticket(centre.invite()), by="bob")
    centre.service.reply("i", "hello", by="bob")
    centre.service.mark_done("i", by="bob")

    assert [(type(event).__name__, event.by) for event in centre.service.history("i")] == [
        ("InteractionOpened", None),
        ("MessageReceived", None),
        ("NoteSet", "alice"),
        ("CaseDataUpdated", "alice"),
        ("TransferRequested", "alice"),
        ("InvitationSent", "alice"),
        ("TransferAccepted", "bob"),
        ("OwnershipMoved", "bob"),
        ("MessageSent", "bob"),
        ("InteractionDone", "bob"),
    ]


def test_a1_the_feed_has_every_event_of_every_conversation() -> None:
    """A1: in the order of each history, page by page."""
    centre = Centre()
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice"))
    go(centre)
    read: list[Event] = []
    cursor = None
    while (page := centre.service.events(after=cursor, limit=3)).events:
        read.extend(page.events)
        cursor = page.cursor

    for id_ in ("i", "j"):
        assert list(centre.service.history(id_)) == [event for event in read if event.interaction_id == id_]


@given(strategies.histories())
def test_a1_every_history_begins_with_the_opening_and_goes_forward_in_time(events: tuple[Event, ...]) -> None:
    """A1: and nothing is in it after the end."""
    kinds = [type(event) for event in events]

    assert InteractionOpened is kinds[0]
    assert [at for at, kind in enumerate(kinds) if kind is InteractionOpened] == [0]
    assert InteractionDone not in kinds[:-1]
    assert sorted(event.at for event in events) == [event.at for event in events]


@given(strategies.histories())
def test_a1_every_invitation_of_every_history_is_over_when_its_request_is(events: tuple[Event, ...]) -> None:
    """A1: an outcome comes with what became of the offer."""
    open_offers: dict[str, str] = {}
    for event in events:
        if isinstance(event, InvitationSent):
            open_offers[event.transfer_id] = event.invitation_id
        elif isinstance(event, TransferEvent) and hasattr(event, "invitation_id"):
            assert event.invitation_id == open_offers.pop(event.transfer_id)
        elif isinstance(event, TransferClosed):
            assert event.transfer_id not in open_offers


@given(strategies.histories())
def test_a1_the_time_held_adds_up_in_every_history(events: tuple[Event, ...]) -> None:
    """A1: owners follow one another without a gap."""
    total = sum((span for _, span in held(events)), timedelta())
    last = max(event.at for event in events if isinstance(event, (InteractionOpened, OwnershipMoved, InteractionDone)))

    assert last - events[0].at == total


# A2


@pytest.mark.parametrize(
    ("end", "state", "by", "reason"),
    [
        (lambda c, r: c.service.accept(c.ticket(r), by="bob"), TransferState.ACCEPTED, "bob", ""),
        (lambda c, r: c.service.reject(c.ticket(r), by="bob"), TransferState.REJECTED, "bob", ""),
        (lambda c, r: c.service.reject(c.ticket(r), by="bob", reason="no"), TransferState.REJECTED, "bob", "no"),
        (lambda c, _: c.pass_time(TIMEOUT), TransferState.EXPIRED, None, "no_answer"),
        (lambda c, r: c.service.cancel(r.id, by="alice"), TransferState.CANCELLED, "alice", "cancelled_by_sender"),
        (lambda c, _: c.service.mark_done("i", by="alice"), TransferState.CANCELLED, "alice", "interaction_done"),
        (lambda c, _: c.service.log_out("bob"), TransferState.FAILED, "bob", "invitee_logged_out"),
        (
            lambda c, _: c.service.log_out("bob", disconnected=True),
            TransferState.FAILED,
            "bob",
            "invitee_disconnected",
        ),
    ],
)
def test_a2_an_outcome_says_what_happened_by_whom_and_why(
    end: Callable[[Centre, TransferRequest], object], state: TransferState, by: str | None, reason: str
) -> None:
    """A2: in the request and in the history alike."""
    centre = Centre()
    request = centre.invite()
    end(centre, request)
    outcome = centre.service.transfer(request.id).outcome

    assert outcome is not None
    assert (state, by, reason) == (outcome.state, outcome.by, outcome.reason)
    assert [outcome] == [event.outcome for event in centre.service.history("i") if isinstance(event, TransferClosed)]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda c, r: c.service.reject(c.ticket(r), by="bob"), "transfer.rejected"),
        (lambda c, r: c.service.reject(c.ticket(r), by="bob", reason="no"), "transfer.rejected_because"),
        (lambda c, _: c.pass_time(TIMEOUT), "transfer.expired"),
        (lambda c, _: c.service.log_out("bob"), "transfer.failed.invitee_logged_out"),
        (lambda c, _: c.service.log_out("bob", disconnected=True), "transfer.failed.invitee_disconnected"),
    ],
)
def test_a2_the_sender_is_told_what_happened(end: Callable[[Centre, TransferRequest], object], code: str) -> None:
    """A2, T6: and to whom it was offered, on both surfaces."""
    centre = Centre()
    request = centre.invite()
    end(centre, request)
    error = centre.service.interaction("i").error

    assert error is not None
    reason = {"reason": "no"} if code == "transfer.rejected_because" else {}
    assert (code, {"transfer": request.id, "target": "Bob", **reason}) == (error.code, dict(error.params))
    assert [error] == [message.notice for message in centre.service.snapshot("alice").messages]


def test_a2_a_missed_offer_is_nobodys_fault() -> None:
    """A2: EXPIRED by nobody, never FAILED or REJECTED, and the offer is not called withdrawn."""
    centre = Centre()
    centre.invite()
    centre.pass_time(TIMEOUT)
    history = centre.service.history("i")

    assert [event.invitee for event in history if isinstance(event, InvitationExpired)] == ["bob"]
    assert [event for event in history if isinstance(event, InvitationWithdrawn)] == []
    assert ChannelStatus.READY is centre.service.agent("bob").status


# A3


def test_a3_after_no_answer_the_agents_status_stays() -> None:
    """A3: the default is to do nothing."""
    centre = Centre()
    before = centre.service.agent("bob")
    centre.invite()
    centre.pass_time(TIMEOUT)

    assert before == centre.service.agent("bob")


# A4


def pass_on(centre: Centre, times: int) -> None:
    """Hand it from Alice to Bob and back, this many times in all."""
    parties = [ALICE, BOB]
    for hop in range(times):
        request = centre.invite(parties[(hop + 1) % 2], by=parties[hop % 2].id)
        centre.service.accept(centre.ticket(request), by=parties[(hop + 1) % 2].id)


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a4_the_limit_refuses_the_next_transfer(limit: int) -> None:
    """A4: as many as the limit go through, and the next is refused with the reason."""
    centre = Centre(policy=TransferPolicy(max_hops=limit))
    pass_on(centre, limit)

    with pytest.raises(TargetNotEligible) as refused:
        centre.invite(CAROL, by=str(centre.owner))

    assert {Reason.TOO_MANY_HOPS} == refused.value.reasons
    assert limit == centre.service.interaction("i").hops


def test_a4_ten_hops_are_the_limit_unless_policy_says_otherwise() -> None:
    """A4: the default."""
    assert TransferPolicy().max_hops == 10


def test_a4_only_accepted_transfers_are_hops() -> None:
    """A4: an offer that was missed, rejected or taken back has moved nothing."""
    centre = Centre()
    go(centre)

    assert centre.service.interaction("i").hops == 2


def test_a4_an_offer_that_is_out_can_be_accepted_at_the_limit() -> None:
    """A4: the limit refuses requests, not answers."""
    centre = Centre(policy=TransferPolicy(max_hops=1))

    assert centre.service.accept(centre.ticket(centre.invite()), by="bob").hops == 1


# A6

ADDRESS, SECRET = "+14155550123", "the secret words"


def secrets(value: object) -> list[str]:
    """What must not be seen, and is."""
    shown = repr(value) + str(value)
    return [secret for secret in (ADDRESS, ADDRESS[1:-2], SECRET, CONTACT.name) if secret in shown]


def centre_with_secrets() -> tuple[Centre, TransferRequest]:
    """A centre in which every free text is a secret, with a live transfer."""
    centre = Centre()
    centre.service.update_case_data("i", {"k": SECRET}, by="alice")
    centre.service.set_note("i", SECRET, by="alice")
    picture = Attachment("a", content_type="image/png", url=f"https://x/{SECRET}", name=SECRET)
    centre.service.receive_message("i", SECRET, attachments=[picture])
    centre.service.reply("i", SECRET, by="alice")
    rejected = centre.invite(CAROL, note=SECRET)
    centre.service.reject(centre.ticket(rejected), by="carol", reason=SECRET)
    return centre, centre.invite(note=SECRET)


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda c: c.service.interaction("i"), id="interaction"),
        pytest.param(lambda c: c.service.transcript("i"), id="transcript"),
        pytest.param(lambda c: c.service.history("i"), id="history"),
        pytest.param(lambda c: c.service.events(), id="feed"),
        pytest.param(lambda c: c.service.interaction("i").transfer, id="request"),
        pytest.param(lambda c: c.service.snapshot("alice"), id="sender's snapshot"),
        pytest.param(lambda c: c.service.snapshot("bob"), id="invitee's snapshot"),
        pytest.param(lambda c: [desk.ui.calls for desk in c.desks.values()], id="what the front ends were told"),
        pytest.param(lambda c: dict(c.alice.workspace.windows), id="window"),
        pytest.param(lambda c: dict(c.bob.workspace.previews), id="preview"),
        pytest.param(lambda c: [preview.notice for preview in c.bob.workspace.previews.values()], id="notice"),
        pytest.param(lambda c: c.alice.workspace.my_messages, id="my messages"),
    ],
)
def test_a6_nothing_personal_shows_in_what_the_service_hands_out(look: Callable[[Centre], object]) -> None:
    """A6: not in the ``repr`` of anything, nor of what holds it."""
    centre, _ = centre_with_secrets()

    assert secrets(look(centre)) == []


def test_a6_an_outcome_does_not_show_the_reason_for_a_reject() -> None:
    """A6: the rejecting agent's own words are a text too."""
    centre, request = centre_with_secrets()
    closed = centre.service.reject(centre.ticket(request), by="bob", reason=SECRET)

    assert closed.outcome is not None
    assert closed.outcome.reason == SECRET
    assert secrets(closed) == []


@pytest.mark.parametrize(
    "command",
    [
        Reject("v", by="bob", reason=SECRET),
        SetNote("i", by="alice", note=SECRET),
        UpdateCaseData("i", by="alice", changes={"k": SECRET}),
        RequestTransfer("i", by="alice", target=BOB, transfer_id="t", invitation_id="v", note=SECRET),
        Reply(
            "i",
            by="alice",
            message=Message("m", interaction_id="i", direction=Direction.OUTBOUND, text=SECRET, at=ManualClock().now()),
        ),
    ],
)
def test_a6_nothing_personal_shows_in_a_command(command: object) -> None:
    """A6: commands are logged by hosts."""
    assert secrets(command) == []


def test_a6_nothing_personal_shows_in_a_decision() -> None:
    """A6: nor in what a store is handed."""
    found: list[str] = []

    class Watched(MemoryStore):
        def commit(self, decision: Decision) -> None:
            found.extend(secrets(decision))
            super().commit(decision)

    service = TransferService(Watched())
    service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY))
    service.open_interaction(
        Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice", case_data={"k": SECRET}, note=SECRET)
    )
    service.reply("i", SECRET, by="alice")

    assert found == []


@given(strategies.contacts())
def test_a6_a_number_is_masked_but_for_its_end(contact: Contact) -> None:
    """A6: enough to tell two apart, too little to call."""
    assert f"Contact(address='…{contact.address[-2:]}')" == repr(contact)


@given(strategies.interactions())
def test_a6_the_repr_of_an_interaction_has_neither_number_nor_case_data(interaction: Interaction) -> None:
    """A6: whatever they are."""
    shown = repr(interaction)

    assert f"contact={interaction.contact!r}" in shown
    assert attrs.fields(Interaction).case_data.repr is False  # an id may be "case_data", too
    assert f"note=<{len(interaction.note)} characters>" in shown


SECRETS = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF), min_size=1, max_size=20)


@given(SECRETS)
def test_a6_no_error_repeats_what_it_was_given(text: str) -> None:
    """A6: whatever the text is, and wherever it was too long, misplaced, or somebody else's."""
    centre = Centre(policy=TransferPolicy(max_note=0, max_case_data=8))
    request = centre.invite()
    attempts: list[Callable[[], object]] = [
        lambda: Contact(text),
        lambda: Contact("123", name=text * 300),
        lambda: Notice(text),
        lambda: Notice("transfer.rejected", {"reason": text}),
        lambda: centre.service.reply("i", text * 65_537, by="alice"),
        lambda: centre.service.reply("i", text, by="bob"),
        lambda: centre.service.reply("i", text, by="alice", epoch=7),
        lambda: centre.service.receive_message("i", text + "\ud800"),
        lambda: centre.service.set_note("i", text, by="alice"),
        lambda: centre.service.update_case_data("i", {"k": text}, by="alice"),
        lambda: centre.service.update_case_data("i", {text * 129: 1}, by="alice"),
        lambda: centre.service.update_case_data("i", {"k": [text]}, by="alice"),  # type: ignore[dict-item] # refused
        lambda: centre.service.reject(centre.ticket(request), by="bob", reason=text),
        lambda: centre.service.request_transfer("i", CAROL, by="alice", note=text),
        lambda: centre.service.set_not_ready("bob", text * 300),
    ]

    for attempt in attempts:
        with pytest.raises(SmsTransferError) as raised:
            attempt()
        assert text not in str(raised.value) + repr(raised.value) + repr(raised.value.fields)
        assert raised.value.__context__ is None or text not in str(raised.value.__context__)


@given(SECRETS)
def test_a6_a_text_twice_under_one_id_is_refused_without_repeating_it(text: str) -> None:
    """A6: neither of the two."""
    centre = Centre()
    centre.service.receive_message("i", text, message_id="m")

    with pytest.raises(AlreadyExists) as refused:
        centre.service.receive_message("i", text + "!", message_id="m")

    assert text not in str(refused.value) + repr(refused.value.fields)


@given(SECRETS)
def test_a6_no_repr_has_the_text_of_a_message(text: str) -> None:
    """A6: only how long it is."""
    message = Message("m", interaction_id="i", direction=Direction.INBOUND, text=text, at=ManualClock().now())

    assert text not in repr(message)
    assert f"text=<{len(text)} characters>" in repr(message)


class Gossip:
    """A front end that raises, with everything it was told in the message."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def tell(*arguments: object) -> None:
            raise RuntimeError(f"{name}: {SECRET} {ADDRESS} {arguments}")

        return tell


def test_a6_no_log_line_repeats_what_a_port_raised(caplog: pytest.LogCaptureFixture) -> None:
    """A6: a gateway and a front end that tell everything in their errors are quoted by type and place."""
    caplog.set_level(logging.DEBUG)
    centre = Centre()
    centre.service.connect(Workspace("alice", Gossip()))
    centre.gateway.error = RuntimeError(f"cannot send {SECRET} to {ADDRESS}")

    centre.service.reply("i", SECRET, by="alice")
    centre.service.tick()

    assert "could not send a text of interaction" in caplog.text
    assert "could not show the workspace of agent alice: RuntimeError" in caplog.text
    assert secrets(caplog.text) == []
    assert secrets([vars(record) for record in caplog.records]) == []


def test_a6_no_log_line_repeats_what_a_dispatch_raised(caplog: pytest.LogCaptureFixture) -> None:
    """A6: nor what the host's own loop has to say."""

    def dispatch(_: Callable[[], None]) -> None:
        raise RuntimeError(SECRET)

    centre = Centre()
    centre.service.connect(Workspace("alice", RecordingUI()), dispatch=dispatch)

    assert "could not wake the workspace of agent alice: RuntimeError" in caplog.text
    assert secrets(caplog.text) == []


def test_a6_an_ordinary_life_is_not_logged_unless_somebody_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    """A6: the history tells it; `test_log` shows what is logged for whoever asks."""
    go(Centre())

    assert caplog.records == []


def test_a6_a_failure_is_logged_with_its_type_and_place(caplog: pytest.LogCaptureFixture) -> None:
    """A6: enough to find it."""
    try:
        raise RuntimeError(SECRET)  # noqa: TRY301 - it needs a place
    except RuntimeError as error:
        log_failure("tick.failed", error)

    assert f"could not tick: RuntimeError at {__file__}:" in caplog.text
    assert SECRET not in caplog.text


def test_a6_a_failure_that_was_never_raised_is_logged_without_a_place(caplog: pytest.LogCaptureFixture) -> None:
    """A6: there is none to name."""
    log_failure("tick.failed", RuntimeError(SECRET))

    assert "could not tick: RuntimeError at an unknown place" in caplog.text


def test_a6_my_messages_and_notices_show_their_code_only() -> None:
    """A6: parameters hold names and words."""
    notice = Notice("transfer.rejected_because", {"target": SECRET, "reason": SECRET})
    entry = SystemMessage("m", agent_id="alice", notice=notice, at=ManualClock().now(), interaction_id="i")

    assert repr(notice) == "Notice(code='transfer.rejected_because')"
    assert secrets(entry) == []
    assert SECRET in entry.text


# A8: sizes, and the clock


NOTES: list[Callable[[Centre, str], object]] = [
    lambda c, note: c.service.set_note("i", note, by="alice"),
    lambda c, note: c.invite(note=note),
]


@pytest.mark.parametrize("act", NOTES)
def test_a8_a_note_is_no_longer_than_policy_allows(act: Callable[[Centre, str], object]) -> None:
    """A8: on the conversation and on the request alike; nothing changes."""
    centre = Centre(policy=TransferPolicy(max_note=10))
    before = centre.service.interaction("i")

    with pytest.raises(InvalidValue) as refused:
        act(centre, "x" * 11)

    assert refused.value.fields == {"field": "note", "rule": "must have at most 10 characters"}
    assert before == centre.service.interaction("i")


@pytest.mark.parametrize("act", NOTES)
def test_a8_a_note_may_be_as_long_as_policy_allows(act: Callable[[Centre, str], object]) -> None:
    """A8: the limit itself is allowed."""
    centre = Centre(policy=TransferPolicy(max_note=10))
    before = centre.service.interaction("i")

    act(centre, "x" * 10)

    assert before.version + 1 == centre.service.interaction("i").version


def test_a8_a_reason_is_no_longer_than_policy_allows() -> None:
    """A8: the invitation stays out."""
    centre = Centre(policy=TransferPolicy(max_note=10))
    request = centre.invite()

    with pytest.raises(InvalidValue) as refused:
        centre.service.reject(centre.ticket(request), by="bob", reason="x" * 11)

    assert refused.value.field == "reason"
    assert request == centre.service.transfer(request.id)


def test_a8_the_two_notes_of_a_transfer_fit_into_one() -> None:
    """A8, T16: what travels is never cut, so what would be too long together is refused before."""
    centre = Centre(policy=TransferPolicy(max_note=65_536))
    centre.service.set_note("i", "x" * 60_000, by="alice")

    with pytest.raises(InvalidValue) as refused:
        centre.invite(note="y" * 6_000)
    assert refused.value.field == "note"

    centre.service.set_note("i", "", by="alice")
    centre.invite(note="y" * 6_000)
    with pytest.raises(InvalidValue) as refused:
        centre.service.set_note("i", "x" * 60_000, by="alice")
    assert refused.value.field == "note"


def test_a8_a_note_that_grew_by_a_transfer_hinders_nobody() -> None:
    """A8, T15, T16: the new owner is an owner like any other, however long the two notes are together."""
    centre = Centre(policy=TransferPolicy(max_note=10))
    centre.service.set_note("i", "x" * 10, by="alice")
    centre.service.accept(centre.ticket(centre.invite(note="y" * 10)), by="bob")

    assert centre.service.update_case_data("i", {"k": 1}, by="bob").case_data["k"] == 1


def test_a8_case_data_is_as_large_as_policy_allows_and_no_larger() -> None:
    """A8: keys and values together; nothing of a refused change is kept."""
    centre = Centre(policy=TransferPolicy(max_case_data=20))
    centre.service.update_case_data("i", {"k": "x" * 11}, by="alice")  # tier, gold, k: 9

    with pytest.raises(InvalidValue) as refused:
        centre.service.update_case_data("i", {"tier": None, "k": "x" * 20}, by="alice")

    assert (refused.value.field, refused.value.rule) == ("case_data", "must have at most 20 characters in all")
    assert centre.service.interaction("i").case_data == {"tier": "gold", "k": "x" * 11}


@pytest.mark.parametrize(
    ("value", "field"), [({"case_data": {"k": "x" * 20}}, "case_data"), ({"note": "x" * 11}, "note")]
)
def test_a8_an_interaction_that_is_too_large_is_not_opened(value: dict[str, object], field: str) -> None:
    """A8: the same limits from the beginning."""
    centre = Centre(policy=TransferPolicy(max_note=10, max_case_data=20))
    interaction = Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice", **value)  # type: ignore[arg-type]

    with pytest.raises(InvalidValue) as refused:
        centre.service.open_interaction(interaction)

    assert field == refused.value.field


def test_a8_a_clock_without_a_time_zone_is_found_out() -> None:
    """A8: its deadlines would mean nothing."""

    class Naive(ManualClock):
        def now(self) -> object:  # type: ignore[override]
            return super().now().replace(tzinfo=None)

    service = TransferService(clock=Naive())  # type: ignore[arg-type]

    with pytest.raises(InvalidValue) as refused:
        service.expire_due()

    assert refused.value.field == "clock"


def test_a8_opening_makes_the_versions_the_librarys_own() -> None:
    """A8: what an imported interaction brings as version and error does not matter."""
    centre = Centre()
    notice = Notice("transfer.expired", {"target": "Bob"})
    brought = Interaction("j", media=Media.MMS, contact=CONTACT, owner="bob", epoch=4, version=9, hops=2, error=notice)

    opened = centre.service.open_interaction(brought)

    assert attrs.evolve(brought, version=1, error=None) == opened == centre.service.interaction("j")


def test_a8_a_desk_that_connects_again_sees_no_more_than_before() -> None:
    """A6, D7: another device of the same agent shows the same."""
    centre, _ = centre_with_secrets()

    again = Desk(centre.service, "alice")
    centre.clock.advance(MOMENT)

    assert dict(centre.alice.workspace.windows) == dict(again.workspace.windows)


def test_a8_what_a_centre_allows_that_says_nothing() -> None:
    """A8, T7, Q1, E2, A3, A4, Q2, Q5: the defaults are part of what is promised."""
    assert (
        TransferPolicy(
            invitation_timeout=timedelta(seconds=30),
            routing_timeout=timedelta(minutes=5),
            require_ready=True,
            max_hops=10,
            no_answer=NoAnswer.NOTHING,
            handover=Handover.ON_ACCEPT,
            return_to_sender=False,
            fallback=None,
            kinds=set(TargetKind),
            max_note=4_000,
            max_case_data=65_536,
        )
        == TransferPolicy()
    )
