"""Traces and metrics by OpenTelemetry (extra ``otel``).

`OpenTelemetryObserver` is an `sms_transfer.ports.Observer`. It uses OpenTelemetry's API only: which SDK, exporter and
sampling there are is the host application's business.

**Traces.** Each command and each sweep is a span, ``sms_transfer accept`` for instance, inside the span that the host
is in; what a command makes the service do next, such as inviting an agent, is a span inside it. What happened is its
events, under the names of `sms_transfer.log.EVENT_NAMES`. A refusal is no error of the service: the span has the event
``refused`` and the attribute ``sms_transfer.refusal``. Only what failed sets the status, with the type of the error and
without its message (A6).

**Metrics.** `METRICS` lists them. All but ``sms_transfer.waiting`` tell what this process did, so the sum over all
processes is right. ``sms_transfer.waiting`` is what the store held after the last sweep of this process: every process
that ticks tells the same, so take the greatest, and not the sum; a process that does not tick tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from types import MappingProxyType
from typing import Final, NamedTuple

try:
    from opentelemetry import context, metrics, trace
except ImportError as _error:  # pragma: no cover - shown by a test in a process of its own
    raise ImportError("OpenTelemetry needs its API: pip install 'sms-transfer[otel]'") from _error

from sms_transfer._version import __version__
from sms_transfer.core.events import Event, InvitationSent, TransferAccepted, TransferClosed
from sms_transfer.core.model import TargetKind, TransferRequest
from sms_transfer.errors import Conflict, NotPermitted, SmsTransferError, StoreError, TargetNotEligible
from sms_transfer.log import EVENT_NAMES
from sms_transfer.ports import Committed, Operation

Attribute = str | int | bool | tuple[str, ...]
Attributes = dict[str, Attribute]


class Metric(NamedTuple):
    """A metric.

    Args:
        kind: ``counter``, ``histogram`` or ``gauge``.
        unit: as OpenTelemetry writes units.
        attributes: what it is told apart by.
        meaning: what it counts or measures.
    """

    kind: str
    unit: str
    attributes: tuple[str, ...]
    meaning: str


_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ANSWERS: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)

METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "sms_transfer.command.duration": Metric(
            "histogram", "s", ("command", "error.type"), "How long commands take; error.type where one failed."
        ),
        "sms_transfer.refusals": Metric(
            "counter", "{command}", ("command", "code"), "Commands that were refused, by the code of the error."
        ),
        "sms_transfer.conflicts": Metric(
            "counter", "{conflict}", ("command", "kind"), "Commands decided again, for somebody else was faster."
        ),
        "sms_transfer.invitations": Metric(
            "counter", "{invitation}", ("target_kind",), "Agents who were invited, by the kind of target asked for."
        ),
        "sms_transfer.outcomes": Metric(
            "counter", "{transfer}", ("state", "target_kind"), "Transfers that ended, by their final state."
        ),
        "sms_transfer.time_to_accept": Metric(
            "histogram", "s", ("target_kind",), "From the invitation to its being accepted."
        ),
        "sms_transfer.waiting": Metric(
            "gauge", "{transfer}", ("target_kind",), "Transfers that wait for an agent in the store, at the last sweep."
        ),
        "sms_transfer.sweep.duration": Metric(
            "histogram", "s", ("sweep", "error.type"), "How long sweeps take; error.type where one failed."
        ),
        "sms_transfer.swept": Metric(
            "counter", "{item}", ("sweep",), "Transfers ended, agents invited and texts sent by sweeps."
        ),
    }
)
"""Every metric there is, by name."""


class OpenTelemetryObserver:
    """Watches a service by OpenTelemetry.

    Hand it to `TransferService` or `AsyncTransferService` as ``observer``. One can serve many.

    Args:
        tracer_provider: where spans go; the global one if left out.
        meter_provider: where metrics go; the global one if left out.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer: Final = trace.get_tracer("sms_transfer", __version__, tracer_provider)
        self._instruments: Final = _Instruments(metrics.get_meter("sms_transfer", __version__, meter_provider))

    def begin(self, operation: Operation) -> _SpanObservation:
        """Begin a span, and be inside it."""
        return _SpanObservation(self._tracer, self._instruments, operation)


class _Instruments:
    """What the metrics are recorded with."""

    def __init__(self, meter: metrics.Meter) -> None:
        def counter(name: str) -> metrics.Counter:
            return meter.create_counter(name, METRICS[name].unit, METRICS[name].meaning)

        def histogram(name: str, boundaries: tuple[float, ...]) -> metrics.Histogram:
            metric = METRICS[name]
            return meter.create_histogram(
                name, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=boundaries
            )

        waiting = "sms_transfer.waiting"
        self.command_duration: metrics.Histogram = histogram("sms_transfer.command.duration", _SECONDS)
        self.sweep_duration: metrics.Histogram = histogram("sms_transfer.sweep.duration", _SECONDS)
        self.time_to_accept: metrics.Histogram = histogram("sms_transfer.time_to_accept", _ANSWERS)
        self.refusals: metrics.Counter = counter("sms_transfer.refusals")
        self.conflicts: metrics.Counter = counter("sms_transfer.conflicts")
        self.invitations: metrics.Counter = counter("sms_transfer.invitations")
        self.outcomes: metrics.Counter = counter("sms_transfer.outcomes")
        self.swept: metrics.Counter = counter("sms_transfer.swept")
        self._waiting = meter.create_gauge(waiting, METRICS[waiting].unit, METRICS[waiting].meaning)

    def wait(self, kind: TargetKind, count: int) -> None:
        """Say how many requests wait for targets of this kind."""
        self._waiting.set(count, {"target_kind": kind.value})

    def happened(self, event: Event, requests: Mapping[str, TransferRequest]) -> None:
        """Count an event."""
        match event:
            case InvitationSent():
                self.invitations.add(1, _kind(requests[event.transfer_id]))
            case TransferClosed():
                request = requests[event.transfer_id]
                self.outcomes.add(1, {"state": event.outcome.state.value, **_kind(request)})
                if isinstance(event, TransferAccepted):
                    assert request.invitation is not None  # noqa: S101 - it is the one that was accepted
                    took = event.outcome.at - request.invitation.offered_at
                    self.time_to_accept.record(took.total_seconds(), _kind(request))
            case _:
                pass


class _SpanObservation:
    """An operation as a span, and what it adds to the metrics."""

    def __init__(self, tracer: trace.Tracer, instruments: _Instruments, operation: Operation) -> None:
        self._instruments = instruments
        self._operation = operation
        self._began = perf_counter()
        kind = "sweep" if operation.sweep else "command"
        self._named: Attributes = {kind: operation.name}
        attributes = {f"sms_transfer.{name}": value for name, value in {**self._named, **operation.ids}.items()}
        self._span = tracer.start_span(f"sms_transfer {operation.name}", attributes=attributes)
        self._token = context.attach(trace.set_span_in_context(self._span))

    def beaten(self, conflict: Conflict) -> None:
        """An event of the span."""
        self._span.add_event("conflict", {"sms_transfer.kind": conflict.kind})
        self._instruments.conflicts.add(1, {**self._named, "kind": conflict.kind})

    def recorded(self, committed: Committed) -> None:
        """The present state as attributes, and what happened as events."""
        self._span.set_attributes(
            {
                "sms_transfer.interaction_id": committed.interaction_id,
                "sms_transfer.state": committed.state.value,
                "sms_transfer.epoch": committed.epoch,
                "sms_transfer.final": committed.final,
            }
        )
        for request in committed.requests[-1:]:
            self._span.set_attributes(
                {"sms_transfer.transfer_id": request.id, "sms_transfer.transfer_state": request.state.value}
            )
        requests = {request.id: request for request in committed.requests}
        for event in committed.events:
            self._span.add_event(EVENT_NAMES[type(event)])
            self._instruments.happened(event, requests)

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        """How much was done, and what waits."""
        self._span.set_attribute("sms_transfer.done", done)
        self._instruments.swept.add(done, self._named)
        for kind, count in waiting.items():
            self._instruments.wait(kind, count)

    def end(self, error: BaseException | None) -> None:
        """End the span, with the refusal or the type of the error."""
        try:
            self._tell(error)
        finally:
            context.detach(self._token)
            self._span.end()

    def _tell(self, error: BaseException | None) -> None:
        measured = {**self._named}
        if isinstance(error, SmsTransferError) and not isinstance(error, StoreError):
            self._refused(error)
        elif error is not None:
            measured["error.type"] = type(error).__name__
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(trace.StatusCode.ERROR, type(error).__name__)
        duration = self._instruments.sweep_duration if self._operation.sweep else self._instruments.command_duration
        duration.record(perf_counter() - self._began, measured)

    def _refused(self, error: SmsTransferError) -> None:
        refusal: Attributes = {"sms_transfer.refusal": error.code}
        self._span.set_attributes(refusal)
        if isinstance(error, TargetNotEligible):
            refusal["sms_transfer.reasons"] = tuple(sorted(reason.value for reason in error.reasons))
        elif isinstance(error, NotPermitted):
            refusal["sms_transfer.reasons"] = (error.reason.value,)
        self._span.add_event("refused", refusal)
        self._instruments.refusals.add(1, {**self._named, "code": error.code})


def _kind(request: TransferRequest) -> Attributes:
    return {"target_kind": request.target.kind.value}
