"""Traces and metrics: their names and attributes are promised, nothing personal is in them, and they harm nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sms_transfer import (
    Conflict,
    Handover,
    Interaction,
    InvitationClosed,
    Media,
    NotFound,
    NotPermitted,
    SmsTransferError,
    StoreUnavailable,
    Target,
    TargetNotEligible,
    TransferPolicy,
    TransferService,
)
from sms_transfer.adapters.otel import METRICS, OpenTelemetryObserver
from support import BOB, CONTACT, TIMEOUT, Centre
from test_log import MARKED, Fragile, life

QUEUE = Target.queue("q")
SPAN_ATTRIBUTES: Final = frozenset(
    {
        "sms_transfer.agent_id",
        "sms_transfer.command",
        "sms_transfer.done",
        "sms_transfer.epoch",
        "sms_transfer.final",
        "sms_transfer.interaction_id",
        "sms_transfer.invitation_id",
        "sms_transfer.message_id",
        "sms_transfer.refusal",
        "sms_transfer.state",
        "sms_transfer.sweep",
        "sms_transfer.transfer_id",
        "sms_transfer.transfer_state",
        "error.type",
    }
)
"""Every attribute that a span may have."""
EVENT_ATTRIBUTES: Final = {
    "refused": {"sms_transfer.refusal", "sms_transfer.reasons"},
    "conflict": {"sms_transfer.kind"},
}
"""Every attribute that an event of a span may have, by its name; all other events have none."""


@attrs.frozen
class Telemetry:
    """What was exported."""

    spans: InMemorySpanExporter
    reader: InMemoryMetricReader
    observer: OpenTelemetryObserver
    tracer_provider: TracerProvider

    @property
    def named(self) -> dict[str, ReadableSpan]:
        """The last span of each name."""
        return {span.name: span for span in self.spans.get_finished_spans()}

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """What a metric holds, by its attributes."""
        data = self.reader.get_metrics_data()
        found = list[tuple[dict[str, Any], Any]]()
        for metric in self.metrics(data):
            if metric.name == name:
                found += [(dict(point.attributes), getattr(point, "value", point)) for point in metric.data.data_points]
        return found

    def metrics(self, data: Any) -> Iterator[Any]:
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                yield from scope.metrics


@pytest.fixture
def telemetry() -> Telemetry:
    """Everything in memory."""
    return telemetry_with()


def telemetry_with(*processors: SpanProcessor) -> Telemetry:
    spans, reader, provider = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    for processor in processors:
        provider.add_span_processor(processor)
    observer = OpenTelemetryObserver(
        tracer_provider=provider, meter_provider=MeterProvider([reader], shutdown_on_exit=False)
    )
    return Telemetry(spans, reader, observer, provider)


def opened(telemetry: Telemetry, policy: TransferPolicy | None = None) -> Centre:
    """A centre of which nothing is exported yet."""
    centre = Centre(observer=telemetry.observer, policy=policy)
    telemetry.spans.clear()
    return centre


def events_of(span: ReadableSpan) -> list[str]:
    return [event.name for event in span.events]


# traces


def test_a1_a_command_is_a_span(telemetry: Telemetry) -> None:
    """A1: by a name that stays, with ids, the state afterwards, and what happened as its events."""
    centre = opened(telemetry)
    request = centre.invite(note=MARKED)
    ticket = centre.ticket(request)
    centre.service.accept(ticket, by="bob")

    accepted = telemetry.named["sms_transfer accept"]
    assert {
        "sms_transfer.command": "accept",
        "sms_transfer.agent_id": "bob",
        "sms_transfer.invitation_id": ticket,
        "sms_transfer.interaction_id": "i",
        "sms_transfer.transfer_id": request.id,
        "sms_transfer.transfer_state": "accepted",
        "sms_transfer.state": "active",
        "sms_transfer.epoch": 1,
        "sms_transfer.final": True,
    } == accepted.attributes
    assert ["transfer.accepted", "interaction.owner_moved"] == events_of(accepted)
    assert trace.StatusCode.UNSET is accepted.status.status_code


def test_a1_a_commands_span_is_inside_the_hosts(telemetry: Telemetry) -> None:
    """A1: whatever the host is doing, the command is part of it."""
    centre = opened(telemetry)
    with telemetry.tracer_provider.get_tracer("host").start_as_current_span("request"):
        centre.service.set_note("i", MARKED, by="alice")
        assert "request" == getattr(trace.get_current_span(), "name", "")
    centre.service.set_note("i", "", by="alice")

    first, host, second = telemetry.spans.get_finished_spans()
    assert host.context is not None
    assert first.parent is not None
    assert host.context.span_id == first.parent.span_id
    assert second.parent is None


def test_q1_what_a_command_brings_about_is_inside_its_span(telemetry: Telemetry) -> None:
    """Q1: the request that is routed, and whoever is invited for it."""
    centre = opened(telemetry)
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    centre.invite(QUEUE)

    inner, outer = telemetry.named["sms_transfer invite"], telemetry.named["sms_transfer request_transfer"]
    assert outer.context is not None
    assert inner.parent is not None
    assert outer.context.span_id == inner.parent.span_id
    assert ["invitation.sent"] == events_of(inner)
    assert inner.attributes is not None
    assert "invited" == inner.attributes["sms_transfer.transfer_state"]


def test_f7_a_refusal_is_an_attribute_and_no_error(telemetry: Telemetry) -> None:
    """F7, A6: the service did what it should; there is a code, and no exception with its message."""
    centre = opened(telemetry)
    centre.service.set_do_not_disturb("bob", on=True)
    with pytest.raises(TargetNotEligible):
        centre.invite()
    with pytest.raises(NotPermitted):
        centre.service.reply("i", MARKED, by="bob")

    for name, code, reasons in (
        ("request_transfer", "target_not_eligible", ("do_not_disturb",)),
        ("reply", "not_permitted", ("not_owner",)),
    ):
        span = telemetry.named[f"sms_transfer {name}"]
        [event] = span.events
        assert span.attributes is not None
        assert code == span.attributes["sms_transfer.refusal"]
        assert {"sms_transfer.refusal": code, "sms_transfer.reasons": reasons} == event.attributes
        assert trace.StatusCode.UNSET is span.status.status_code


def test_t10_a_refusal_without_reasons_is_told_by_its_code(telemetry: Telemetry) -> None:
    """T10, T11: too late; and the expiry that this recorded is in the same span."""
    centre = opened(telemetry)
    ticket = centre.ticket(centre.invite())
    centre.clock.advance(TIMEOUT)
    with pytest.raises(InvitationClosed):
        centre.service.accept(ticket, by="bob")

    assert ["invitation.expired", "transfer.expired", "refused"] == events_of(telemetry.named["sms_transfer accept"])


def test_f7_being_beaten_is_an_event(telemetry: Telemetry) -> None:
    """F7: each time."""
    store = Fragile()
    service = over(store, telemetry)
    store.errors = [Conflict(kind="interaction", id="i") for _ in range(2)]
    service.set_note("i", MARKED, by="alice")

    span = telemetry.named["sms_transfer set_note"]
    assert ["conflict", "conflict", "note.set"] == events_of(span)
    assert {"sms_transfer.kind": "interaction"} == span.events[0].attributes
    assert [({"command": "set_note", "kind": "interaction"}, 2)] == telemetry.points("sms_transfer.conflicts")


def over(store: Fragile, telemetry: Telemetry) -> TransferService:
    """Alice, who owns ``"i"``."""
    service = TransferService(store, observer=telemetry.observer)
    centre = Centre()
    service.add_agent(centre.service.agent("alice"))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    telemetry.spans.clear()
    return service


def test_f6_a_store_that_is_away_is_an_error_without_its_words(telemetry: Telemetry) -> None:
    """F6, A6: its type; what it said may hold anything."""
    store = Fragile()
    service = over(store, telemetry)
    store.errors = [StoreUnavailable(detail=MARKED)]
    with pytest.raises(StoreUnavailable):
        service.set_note("i", MARKED, by="alice")

    span = telemetry.named["sms_transfer set_note"]
    assert (trace.StatusCode.ERROR, "StoreUnavailable") == (span.status.status_code, span.status.description)
    assert span.attributes is not None
    assert "StoreUnavailable" == span.attributes["error.type"]
    assert [] == events_of(span)
    assert MARKED not in span.to_json()


def test_f4_a_sweep_is_a_span_around_what_it_does(telemetry: Telemetry) -> None:
    """F4: how much it did, and each command that it gave is inside it."""
    centre = opened(telemetry)
    centre.invite()
    centre.pass_time(TIMEOUT)

    sweep, expire = telemetry.named["sms_transfer expire_due"], telemetry.named["sms_transfer expire"]
    assert sweep.context is not None
    assert expire.parent is not None
    assert sweep.context.span_id == expire.parent.span_id
    assert {"sms_transfer.sweep": "expire_due", "sms_transfer.done": 1} == sweep.attributes
    assert {"sms_transfer route", "sms_transfer send"} <= telemetry.named.keys()


# metrics


def test_a1_offers_and_outcomes_are_counted(telemetry: Telemetry) -> None:
    """A1: who was invited, how it ended, and how long an accept took, by the kind of target that was asked for."""
    centre = opened(telemetry)
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    request = centre.invite(QUEUE)
    assert request.invitation is not None
    centre.service.reject(request.invitation.id, by=request.invitation.invitee)
    second = centre.service.transfer(request.id).invitation
    assert second is not None
    centre.clock.advance(timedelta(seconds=7))
    centre.service.accept(second.id, by=second.invitee)
    other = BOB if second.invitee == "carol" else Target.agent("carol")
    centre.service.cancel(centre.invite(other, by=second.invitee).id, by=second.invitee)

    assert [({"target_kind": "queue"}, 2), ({"target_kind": "agent"}, 1)] == telemetry.points(
        "sms_transfer.invitations"
    )
    assert [
        ({"state": "accepted", "target_kind": "queue"}, 1),
        ({"state": "cancelled", "target_kind": "agent"}, 1),
    ] == telemetry.points("sms_transfer.outcomes")
    [(attributes, measured)] = telemetry.points("sms_transfer.time_to_accept")
    assert ({"target_kind": "queue"}, 1, 7.0) == (attributes, measured.count, measured.sum)
    assert 30.0 in measured.explicit_bounds


def test_q2_a_request_that_goes_on_in_its_queue_has_an_outcome_for_each_round(telemetry: Telemetry) -> None:
    """Q2, F3: each request has exactly one."""
    centre = opened(telemetry, TransferPolicy(handover=Handover.ON_PLACEMENT))
    centre.service.add_queue(QUEUE, ["bob"])
    centre.service.set_not_ready("bob")
    centre.invite(QUEUE)
    for _ in range(2):
        centre.pass_time(timedelta(minutes=5))

    assert [({"state": "expired", "target_kind": "queue"}, 2)] == telemetry.points("sms_transfer.outcomes")


def test_f7_refusals_are_counted_by_their_code(telemetry: Telemetry) -> None:
    """F7: and by the command."""
    centre = opened(telemetry)
    for _ in range(2):
        with pytest.raises(NotPermitted):
            centre.service.reply("i", MARKED, by="bob")
    with pytest.raises(SmsTransferError):
        centre.service.set_ready("nobody")

    assert [
        ({"command": "reply", "code": "not_permitted"}, 2),
        ({"command": "set_ready", "code": "not_found"}, 1),
    ] == telemetry.points("sms_transfer.refusals")


def test_f4_what_sweeps_do_is_counted(telemetry: Telemetry) -> None:
    """F4, Q3: how much, how long, and what waits after it: nothing any more, where nothing does."""
    centre = opened(telemetry)
    centre.service.add_queue(QUEUE, ["bob"])
    centre.service.set_not_ready("bob")
    centre.invite(QUEUE)
    centre.service.tick()
    waiting = dict.fromkeys(("agent", "queue", "routing_point", "agent_group", "skill"), 0)
    assert waiting | {"queue": 1} == {
        attributes["target_kind"]: count for attributes, count in telemetry.points("sms_transfer.waiting")
    }
    centre.pass_time(timedelta(minutes=5))

    assert [("expire_due", 1), ("route", 0), ("send", 0)] == [
        (attributes["sweep"], count) for attributes, count in telemetry.points("sms_transfer.swept")
    ]
    assert [2, 2, 2] == [measured.count for _, measured in telemetry.points("sms_transfer.sweep.duration")]
    assert waiting == {
        attributes["target_kind"]: count for attributes, count in telemetry.points("sms_transfer.waiting")
    }


def test_f6_what_failed_is_told_apart_in_how_long_commands_take(telemetry: Telemetry) -> None:
    """F6: by the type of the error; a refusal is no failure."""
    store = Fragile()
    service = over(store, telemetry)
    store.errors = [StoreUnavailable(detail=MARKED)]
    with pytest.raises(StoreUnavailable):
        service.set_note("i", MARKED, by="alice")
    with pytest.raises(NotFound):
        service.set_note("i", MARKED, by="nobody")

    found = [
        (attributes.get("error.type"), measured.count)
        for attributes, measured in telemetry.points("sms_transfer.command.duration")
        if attributes["command"] == "set_note"
    ]
    assert [("StoreUnavailable", 1), (None, 1)] == found


# what is promised


def test_a1_every_metric_has_the_attributes_of_the_table(telemetry: Telemetry) -> None:
    """A1: a dashboard that goes by it does not break."""
    centre = opened(telemetry)
    life(centre)
    store = Fragile()
    service = over(store, telemetry)
    store.errors = [Conflict(kind="interaction", id="i")]
    service.set_note("i", MARKED, by="alice")
    kinds = {"Sum": "counter", "Histogram": "histogram", "Gauge": "gauge"}
    found = list(telemetry.metrics(telemetry.reader.get_metrics_data()))

    assert METRICS.keys() == {metric.name for metric in found}
    for metric in found:
        told = METRICS[metric.name]
        assert (told.unit, told.meaning, told.kind) == (
            metric.unit,
            metric.description,
            kinds[type(metric.data).__name__],
        )
        for point in metric.data.data_points:
            assert set(told.attributes) - {"error.type"} <= set(point.attributes) <= set(told.attributes)


def test_a1_every_span_has_attributes_of_the_table(telemetry: Telemetry) -> None:
    """A1: names and attributes are promised; and so is that there are no more."""
    life(opened(telemetry))

    seen = set[str]()
    for span in telemetry.spans.get_finished_spans():
        assert span.name.startswith("sms_transfer ")
        assert span.attributes is not None
        seen |= set(span.attributes)
        for event in span.events:
            assert set(event.attributes or ()) <= EVENT_ATTRIBUTES.get(event.name, set())
    assert SPAN_ATTRIBUTES - {"error.type"} == seen


def test_a6_nothing_personal_is_exported(telemetry: Telemetry) -> None:
    """A6: no text, note, case data, number, or name of a person, whatever is done and refused."""
    centre = opened(telemetry)
    life(centre)
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    exported = data.to_json() + "".join(span.to_json() for span in telemetry.spans.get_finished_spans())

    for personal in (MARKED, CONTACT.address, CONTACT.address[1:], CONTACT.name, "gold"):
        assert personal not in exported


# it harms nothing


class Failing(SpanProcessor):
    """A processor that raises."""

    def __init__(self, where: str) -> None:
        self._where = where

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        if self._where == "start":
            raise RuntimeError(MARKED)

    def on_end(self, span: ReadableSpan) -> None:
        if self._where == "end":
            raise RuntimeError(MARKED)


@pytest.mark.parametrize("where", ["start", "end"])
def test_f7_a_processor_that_raises_harms_nothing(where: str, caplog: pytest.LogCaptureFixture) -> None:
    """F7, A6: the command has its effect, and the host's span is the current one again."""
    centre = opened(telemetry_with(Failing(where)))
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    assert "bob" == centre.owner
    assert trace.INVALID_SPAN is trace.get_current_span()
    assert "the observer failed at accept: RuntimeError" in caplog.text
    assert MARKED not in caplog.text


class NoExporter(SpanExporter):
    """An exporter that raises."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError(MARKED)


def test_f7_an_exporter_that_raises_harms_nothing() -> None:
    """F7: the SDK sees to that one by itself."""
    centre = opened(telemetry_with(SimpleSpanProcessor(NoExporter())))
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    assert "bob" == centre.owner


def test_f7_an_instrument_that_raises_leaves_no_span_open(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F7: whatever happens in between, the host's span is the current one again."""
    centre = opened(telemetry)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(MARKED)

    monkeypatch.setattr(telemetry.observer._instruments.command_duration, "record", fail)  # noqa: SLF001 - an exporter that fails
    centre.service.set_note("i", MARKED, by="alice")

    assert trace.INVALID_SPAN is trace.get_current_span()
    assert "sms_transfer set_note" in telemetry.named
    assert MARKED not in caplog.text


def test_a1_the_global_providers_are_taken_where_none_is_given() -> None:
    """A1: which do nothing, as long as the host has set up none."""
    centre = Centre(observer=OpenTelemetryObserver())
    centre.service.accept(centre.ticket(centre.invite()), by="bob")

    assert "bob" == centre.owner


def test_a8_a_missing_extra_says_which_one_to_install() -> None:
    """A8: as every optional part does."""
    code = "import sys; sys.modules['opentelemetry'] = None; import sms_transfer.adapters.otel"
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)  # noqa: S603 - this very interpreter

    assert "ImportError: OpenTelemetry needs its API: pip install 'sms-transfer[otel]'" in ran.stderr
