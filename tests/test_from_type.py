"""`st.from_type` makes every public model, as soon as the package is installed, and only such as could be."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Collection, Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sms_transfer
from sms_transfer import (
    Attachment,
    BulkResult,
    CaseData,
    Contact,
    Desktop,
    Event,
    Explanation,
    Found,
    FrozenDict,
    IllegalTransition,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    Message,
    MessageReceived,
    Notice,
    Outcome,
    OwnershipMoved,
    Refused,
    SmsTransferError,
    Snapshot,
    SystemMessage,
    TargetKind,
    Tick,
    Transcript,
    TransferClosed,
    TransferRequest,
    TransferState,
    Workspace,
    explain_refusal,
    ports,
)
from sms_transfer.adapters.codec import KINDS, from_json, to_json
from sms_transfer.ports import Candidate, Facts
from sms_transfer.testing import RecordingUI
from sms_transfer.testing import strategies as kit

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLACES = {f"{place.__name__}.{name}": getattr(place, name) for place in (ports, sms_transfer) for name in place.__all__}
MODELS = {
    kind: path
    for path, kind in PLACES.items()
    if isinstance(kind, type) and (attrs.has(kind) or issubclass(kind, (FrozenDict, SmsTransferError)))
}
"""Every public class whose instances are values, attrs classes, mappings and errors, and where it is imported from."""

ALONE = """
import hypothesis, sys
from hypothesis import strategies as st
import sms_transfer
assert "sms_transfer.testing.strategies" not in sys.modules
few = hypothesis.settings(
    max_examples=3, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
for path in sys.argv[1:]:
    module, _, name = path.rpartition(".")
    kind = getattr(sys.modules[module], name)

    @few
    @hypothesis.given(st.from_type(kind))
    def check(value):
        assert isinstance(value, kind), (kind, value)

    check()
assert "sms_transfer.testing.strategies" in sys.modules
"""


def the(model: type) -> str:
    return model.__name__


def anonymous(value: object) -> object:
    """The same value of somebody else: of the same form, with nothing in it that is personal (A6)."""
    match value:
        case Contact():
            digits = value.address.removeprefix("+")[:-2]
            other: object = Contact(value.address.replace(digits, "1" * len(digits), 1), "x")
        case Notice():
            shown = {"transfer": value.params["transfer"]} if "transfer" in value.params else {}
            other = attrs.evolve(value, params={**dict.fromkeys(value.params, "x"), **shown})
        case Explanation() if value.reasons:
            bare = anonymous(attrs.evolve(value, reasons={}))
            assert isinstance(bare, Explanation)
            other = attrs.evolve(bare, reasons=value.reasons)  # codes and counts
        case FrozenDict():
            other = type(value)({f"key {number}": "x" for number, _ in enumerate(value)})
        case SmsTransferError():
            kind: Any = type(value)
            other = kind(**{name: anonymous(field) for name, field in value.fields.items()})
        case tuple():
            other = tuple(anonymous(one) for one in value)
        case dict():
            other = {key: anonymous(one) for key, one in value.items()}
        case _:
            other = with_other_words(value)
    return other


def with_other_words(value: object) -> object:
    """Any other value, with as many other letters where there are a person's words."""
    kind = type(value)
    if not attrs.has(kind):
        return value
    words = WORDS.get(kind, ())
    fields = {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    return kind(**{name: "x" * len(one) if name in words else anonymous(one) for name, one in fields.items()})


WORDS: Mapping[type, Collection[str]] = {
    Attachment: ("url", "name"),
    Interaction: ("note",),
    InteractionPreview: ("note",),
    Message: ("text",),
    Outcome: ("reason",),
    TransferRequest: ("note",),
}


WIDER = """
import sys
from collections.abc import Collection, Hashable, Iterable, Mapping, Sized
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
for kind in (Mapping, Mapping[str, int], Mapping[int, str], Collection[int], Iterable[str], Sized, Hashable, Exception):

    @settings(max_examples=50, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_type(kind))
    def check(value):
        assert not type(value).__module__.startswith("sms_transfer"), kind

    check()
"""


def test_nothing_of_ours_is_made_where_something_wider_is_asked_for() -> None:
    """Whoever has the package installed gets of Hypothesis what everybody gets for types that are not ours."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", WIDER], check=True)  # noqa: S603 - this very interpreter


def test_every_model_is_made_in_a_process_that_imports_hypothesis_and_the_package_only() -> None:
    """The entry point is installed, and all it takes."""
    assert ["sms_transfer.testing._entry_point:register"] == [
        found.value for found in entry_points(group="hypothesis", name="sms_transfer")
    ]
    subprocess.run([sys.executable, "-c", ALONE, *MODELS.values()], check=True)  # noqa: S603 - this very interpreter


@pytest.mark.parametrize("model", MODELS, ids=the)
def test_each_copy_made_of_its_fields_is_equal(model: type) -> None:
    """What is made is of its type, can be hashed, and is what its fields say."""

    @FEW
    @given(st.from_type(model))
    def check(value: object) -> None:
        assert isinstance(value, model)
        if attrs.has(model):
            assert attrs.evolve(value) == value  # type: ignore[misc]  # attrs.has says so
        elif isinstance(value, FrozenDict):
            assert hash(value) == hash(type(value)(dict(value)))

    check()


@pytest.mark.parametrize("model", MODELS, ids=the)
def test_a6_none_shows_what_is_personal(model: type) -> None:
    """A6: whatever number, name of a contact, text, note or case data is in it, its ``repr`` is the same."""

    @FEW
    @given(st.from_type(model))
    def check(value: object) -> None:
        assert repr(anonymous(value)) == repr(value)

    check()


@pytest.mark.parametrize("model", [kind for kind in MODELS if the(kind) in KINDS], ids=the)
def test_what_is_made_can_be_written_and_read(model: type) -> None:
    """Each that the codec writes comes back equal."""

    @FEW
    @given(st.from_type(model))
    def check(value: object) -> None:
        assert value == from_json(to_json(value), model)

    check()


@FEW
@given(st.from_type(TransferRequest))
def test_a_request_agrees_with_itself(request: TransferRequest) -> None:
    """F3, T1, Q1: outcome, invitee, sender and target are those of one story."""
    outcome, invitation = request.outcome, request.invitation
    if invitation is not None:
        assert invitation.invitee not in {request.sender, *request.asked}
        assert request.requested_at <= invitation.offered_at
        if request.present_target.kind is TargetKind.AGENT:
            assert request.present_target.id == invitation.invitee
    if outcome is not None:
        assert outcome.at >= request.requested_at
        accepted = outcome.state is TransferState.ACCEPTED
        invitee = None if invitation is None else invitation.invitee
        assert outcome.owner == (invitee if accepted else request.sender)
        assert (outcome.by is None) is (outcome.reason in {"no_answer", "no_agent_in_time", "no_agent_left"})
        assert outcome.state is not TransferState.CANCELLED or outcome.by == request.sender


@FEW
@given(st.from_type(InteractionWindow))
def test_a_window_is_its_owners(window: InteractionWindow) -> None:
    """T4: it has its own texts, in order, and says of a transfer what is live."""
    interaction = window.interaction
    assert isinstance(interaction.owner, str)
    assert {text.interaction_id for text in window.transcript} <= {interaction.id}
    assert sorted(window.transcript, key=lambda text: text.at) == list(window.transcript)
    live = None if interaction.transfer is None else interaction.transfer.id
    assert live == (None if window.pending is None else window.pending.transfer_id)
    assert window.error == interaction.error


@FEW
@given(st.from_type(InteractionPreview))
def test_a_preview_is_an_offer(preview: InteractionPreview) -> None:
    """T5, D1: it can be answered for 30 s, and has words."""
    assert timedelta(seconds=30) == preview.deadline - preview.waiting_since
    assert preview.from_agent
    assert preview.text


@FEW
@given(st.from_type(Snapshot))
def test_a_workspace_shows_every_snapshot(snapshot: Snapshot) -> None:
    """D7: all that is in it, and nothing else."""
    desktop = RecordingUI()
    workspace = Workspace(snapshot.agent.id, desktop)
    workspace.show(snapshot)

    assert {one.id for one in snapshot.interactions} == set(desktop.windows)
    assert {one.id for one in snapshot.invitations} == set(desktop.previews)
    assert {one.id for one in snapshot.messages} == {one.id for one in workspace.my_messages}
    assert not snapshot.agent.id or all(one.invitee == snapshot.agent.id for one in snapshot.invitations)


def test_desktops_are_whole_and_parts() -> None:
    """Drawn often enough, what is recorded for an agent is all there is, or what has changed."""
    seen = set[bool]()

    @settings(max_examples=100, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.from_type(Desktop))
    def draw(desktop: Desktop) -> None:
        seen.add(desktop.about is None)
        there = {one.id for one in (*desktop.interactions, *desktop.offered)}
        assert desktop.about is None or there <= desktop.about
        assert {one.id for one in desktop.interactions} == set(desktop.transcripts)

    draw()
    assert {True, False} == seen


@FEW
@given(st.from_type(Event))
def test_an_event_agrees_with_itself(event: Event) -> None:
    """A1, A2: who caused it, when, and the outcome are those of its class."""
    match event:
        case TransferClosed():
            assert type(event).__name__ == f"Transfer{event.outcome.state.title()}"
            assert (event.at, event.by) == (event.outcome.at, event.outcome.by)
        case InvitationRejected():
            assert event.by == event.invitee
        case InvitationExpired() | MessageReceived():
            assert event.by is None
        case InvitationSent():
            assert event.deadline > event.at
        case OwnershipMoved():
            assert event.owner != event.former_owner
            assert event.epoch > 0
        case _:
            pass


@FEW
@given(st.from_type(SmsTransferError))
def test_an_error_can_be_told(error: SmsTransferError) -> None:
    """D6: to the agent, in words; and it is what its fields say."""
    assert all(notice.text for notice in explain_refusal(error))
    assert type(error) is type(pickle.loads(pickle.dumps(error)))  # noqa: S301 - our own
    assert not isinstance(error, IllegalTransition) or error.trigger not in error.allowed


@FEW
@given(st.from_type(Refused))
def test_a_base_stands_for_what_derives_from_it(error: Refused) -> None:
    """Where any refusal is asked for, one of those that there are is made."""
    assert isinstance(error, Refused)
    assert type(error) is not Refused


@FEW
@given(st.from_type(Found))
def test_a_search_agrees_with_itself(found: Found) -> None:
    """T2: each target once, with the presence that goes with its kind, and an action that gives its reasons."""
    assert len({one.target for one in found.targets}) == len(found.targets) <= found.total
    for one in found.targets:
        assert (one.presence.status is None) is (one.target.kind is not TargetKind.AGENT)
        assert all(action.enabled is not bool(action.reasons) for action in one.actions)


@FEW
@given(st.from_type(BulkResult), st.from_type(Tick), st.from_type(Candidate), st.from_type(Transcript))
def test_what_is_answered_agrees_with_itself(
    result: BulkResult, tick: Tick, candidate: Candidate, transcript: Transcript
) -> None:
    """A5, F4, Q4: a request or an error; what expired; a place that is left; texts of one conversation."""
    assert (result.request is None) is not (result.error is None)
    assert {request.state for request in tick.expired} <= {TransferState.EXPIRED}
    assert candidate.load < candidate.agent.capacity
    assert len({text.interaction_id for text in transcript.messages}) <= 1


@FEW
@given(st.from_type(Facts))
def test_facts_are_of_one_conversation(facts: Facts) -> None:
    """F3: the request and the text are the interaction's."""
    if facts.interaction is not None:
        live = facts.interaction.transfer
        assert live is None or facts.request == live
        ids = {one.interaction_id for one in (facts.request, facts.message) if one is not None}
        assert ids <= {facts.interaction.id}


@FEW
@given(st.from_type(Explanation))
def test_an_explanation_agrees_with_itself(why: Explanation) -> None:
    """F4: whatever is live has something that moves it next, and words; what is closed waits for nothing."""
    live = not why.state.is_final
    assert live is (why.next_at is not None) is (why.waiting_for is not None)
    assert why.since <= why.at
    assert all(why.words)


@FEW
@given(st.from_type(SystemMessage))
def test_an_entry_tells_of_its_transfer(entry: SystemMessage) -> None:
    """D5: its id is that of the transfer it tells of."""
    assert entry.id == entry.params["transfer"]
    assert entry.text


@FEW
@given(st.from_type(FrozenDict[int]), st.from_type(FrozenDict), kit.frozen_dicts(st.none()))
def test_a_mapping_has_the_values_that_were_asked_for(
    numbers: FrozenDict[int], texts: FrozenDict[str], nothing: FrozenDict[None]
) -> None:
    """The parameters of the type are the strategies' own."""
    assert all(isinstance(value, int) for value in numbers.values())
    assert all(isinstance(value, str) for value in texts.values())
    assert {None} >= set(nothing.values())
    assert not isinstance(numbers, CaseData)


@pytest.mark.parametrize("kind", [Mapping[str, int], Mapping[str, str], Collection[str]])
def test_what_is_not_ours_is_made_as_ever(kind: type) -> None:
    """Whoever asks for any mapping or collection is given none of this library's."""

    @FEW
    @given(st.from_type(kind))
    def check(value: object) -> None:
        assert not isinstance(value, FrozenDict)

    check()
