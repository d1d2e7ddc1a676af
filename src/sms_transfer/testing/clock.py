"""A clock that goes when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sms_transfer.core.check import to_utc
from sms_transfer.errors import InvalidValue


class ManualClock:
    """A `Clock` that stands still until it is advanced.

    Args:
        start: an aware datetime; 1 January 2026, midnight UTC, if left out.

    Raises:
        InvalidValue: ``start`` does not know its time zone.

    Examples:
        >>> from datetime import timedelta
        >>> from sms_transfer.testing import ManualClock
        >>> clock = ManualClock()
        >>> clock.advance(timedelta(seconds=30))
        >>> print(clock.now())
        2026-01-01 00:00:30+00:00
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise InvalidValue(field="start", rule="must be a datetime that knows its time zone")
        self._now = to_utc(start)

    def now(self) -> datetime:
        """The present instant."""
        return self._now

    def advance(self, span: timedelta) -> None:
        """Let this much time pass.

        Raises:
            InvalidValue: it is less than nothing: a test that wants a clock to go back sets up another one.
        """
        if span < timedelta(0):
            raise InvalidValue(field="span", rule="must not be less than nothing")
        self._now += span
