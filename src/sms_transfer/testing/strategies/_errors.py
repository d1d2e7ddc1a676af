"""The errors of this library, with the fields that each has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from sms_transfer.core.lifecycle import AGENT, INTERACTION, TRANSFER, Lifecycle
from sms_transfer.core.policy import Reason
from sms_transfer.errors import (
    AlreadyExists,
    Conflict,
    CorruptRecord,
    Denial,
    IllegalTransition,
    InvalidValue,
    InvitationClosed,
    NotFound,
    NotPermitted,
    SmsTransferError,
    StaleEpoch,
    StoreUnavailable,
    TargetNotEligible,
    TransferPending,
    UnusableStore,
)
from sms_transfer.testing.strategies._requests import SEVERAL, outcomes, transfer_requests
from sms_transfer.testing.strategies._values import ids, targets

_kinds: Final = st.sampled_from(["agent", "interaction", "transfer", "invitation", "message"])
_MACHINES: Final[tuple[Lifecycle[Any], ...]] = (TRANSFER, INTERACTION, AGENT)
_FIELDS: Final = ("field", "text", "note", "case_data")


@st.composite
def _illegal(draw: st.DrawFn) -> IllegalTransition:
    """A trigger that the state does not have, in one of the three machines."""
    machine = draw(st.sampled_from(_MACHINES))
    lacks = [
        (state, trigger)
        for state in machine.states
        for trigger in machine.triggers
        if trigger not in machine.allowed(state)
    ]
    state, trigger = draw(st.sampled_from(lacks))
    return IllegalTransition(machine=machine.name, state=state, trigger=trigger, allowed=machine.allowed(state))


@st.composite
def _not_permitted(draw: st.DrawFn) -> NotPermitted:
    """Every reason; whoever is not the owner may be told who is."""
    reason, agent_id = draw(st.sampled_from(Denial)), draw(ids())
    if reason is not Denial.NOT_OWNER:
        return NotPermitted(agent_id=agent_id, reason=reason)
    owners = st.none() | ids().filter(lambda owner: owner != agent_id) | targets(st.sampled_from(SEVERAL))
    return NotPermitted(agent_id=agent_id, reason=reason, owner=draw(owners))


@st.composite
def _stale(draw: st.DrawFn) -> StaleEpoch:
    """Another epoch than the present one."""
    current = draw(st.integers(0, 20))
    given = draw(st.integers(0, 20).filter(lambda epoch: epoch != current))
    return StaleEpoch(given=given, current=current, owner=draw(ids() | targets(st.sampled_from(SEVERAL))))


_ERRORS: Final[Mapping[type[SmsTransferError], Callable[[], st.SearchStrategy[SmsTransferError]]]] = {
    InvalidValue: lambda: st.builds(InvalidValue, field=st.sampled_from(_FIELDS), rule=st.just("must be another one")),
    NotFound: lambda: st.builds(NotFound, kind=_kinds, id=ids()),
    AlreadyExists: lambda: st.builds(AlreadyExists, kind=_kinds, id=ids()),
    IllegalTransition: _illegal,
    NotPermitted: _not_permitted,
    StaleEpoch: _stale,
    TransferPending: lambda: st.builds(TransferPending, transfer=transfer_requests(live=True)),
    TargetNotEligible: lambda: st.builds(TargetNotEligible, reasons=st.frozensets(st.sampled_from(Reason), min_size=1)),
    InvitationClosed: lambda: st.builds(InvitationClosed, outcome=outcomes()),
    Conflict: lambda: st.builds(Conflict, kind=_kinds, id=ids()),
    StoreUnavailable: lambda: st.builds(StoreUnavailable, detail=st.just("it does not answer")),
    UnusableStore: lambda: st.builds(UnusableStore, detail=st.just("it is read-only")),
    CorruptRecord: lambda: st.builds(CorruptRecord, kind=_kinds, id=ids()),
}


def errors(*kinds: type[SmsTransferError]) -> st.SearchStrategy[SmsTransferError]:
    """Errors of these classes, or of all; a base, such as `sms_transfer.Refused`, stands for what derives from it."""
    wanted = kinds or (SmsTransferError,)
    return st.one_of([make() for kind, make in _ERRORS.items() if issubclass(kind, wanted)])
