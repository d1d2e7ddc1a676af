"""Recorded histories are replayed through the core, wherever a test leaves some, and must be reproduced."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sms_transfer import TransferPolicy
from sms_transfer.ports import TransferStore
from sms_transfer.testing.traces import Audit, Trace, replay, validate_store

REPRODUCED: Final = Counter[str]()
"""How many histories, events and commits were, in this process."""

_noted: Final = dict[int, tuple[TransferStore, list[TransferPolicy]]]()


def note(store: TransferStore, policy: TransferPolicy | None) -> None:
    """Have what this store holds be validated when the test is over; with every policy that it is noted with."""
    _, policies = _noted.setdefault(id(store), (store, []))
    policies.append(TransferPolicy() if policy is None else policy)


def validate_noted() -> None:
    """Validate what was noted since the last time.

    Raises:
        TraceMismatch: something recorded is not explained by the core.
    """
    noted = list(_noted.values())
    _noted.clear()
    for store, policies in noted:
        validate(store, *policies)


def validate(store: TransferStore, *policies: TransferPolicy) -> Audit:
    """Validate all that a store holds, and count it. Raises like `validate_noted`."""
    audit = validate_store(store, policies)
    REPRODUCED.update(histories=audit.histories, events=audit.events)
    return audit


class Growing:
    """Validates conversations again and again while they grow, and counts each event once."""

    def __init__(self) -> None:
        self._seen: dict[str, Trace] = {}

    def validate(self, trace: Trace, policy: TransferPolicy) -> None:
        """Validate this one, unless it is as it was. Raises like `validate_noted`."""
        before = self._seen.get(trace.interaction.id)
        if before == trace:
            return
        replay(trace, policy)
        self._seen[trace.interaction.id] = trace
        REPRODUCED.update(
            histories=int(before is None), events=len(trace.history) - (0 if before is None else len(before.history))
        )


def summary(reproduced: Counter[str]) -> str:
    """What there is to say of it when the tests are over."""
    histories, events = reproduced["histories"], reproduced["events"]
    return f"{histories:,} recorded histories ({events:,} events) were replayed through the core and reproduced."
