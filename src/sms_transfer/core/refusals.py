"""What an agent is told of a command that did not go through (D6).

The errors' own messages are for developers. Here each error gets the code that says the most of it, such as
``refused.not_found.queue``. Where `sms_transfer.core.notices.WORDS` has no words for that, or a parameter of theirs is
not known, the code above it is told: ``refused.not_found``, and in the end ``refused`` or ``failed``. So there are
words for every error, a host application's own included.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import singledispatch

from sms_transfer.core.check import FrozenDict, untrusted
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import Target, TargetKind
from sms_transfer.core.notices import PARAMETERS, Notice
from sms_transfer.core.policy import Reason
from sms_transfer.errors import (
    AlreadyExists,
    Conflict,
    IllegalTransition,
    InvalidValue,
    InvitationClosed,
    NotFound,
    NotPermitted,
    Refused,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    TargetNotEligible,
    TransferPending,
    invalid,
)

Told = tuple[str, Mapping[str, str]]
"""The code that says the most, and the parameters there are."""


def explain_refusal(error: SmsTransferError) -> tuple[Notice, ...]:
    """Tell the agent whose command was refused, or failed, why (T3, T11, A2).

    Every error of this library can be told, and so can the errors in a `BulkResult`. Numbers, texts and notes are never
    in it (A6).

    The parameters are ids, not names: ``owner`` (with ``owner_kind``, a `TargetKind`) and ``by``, for instance. A front
    end that knows the names may put them in their place: make the `Notice` again with them. The exceptions are
    ``target``, which is the name that was recorded with a pending transfer, and the English ``rule`` of a value of the
    wrong form.

    Returns:
        One notice; for `TargetNotEligible` one for each reason, as `explain_reasons` has them.

    Raises:
        InvalidValue: it is no error of this library.
    """
    if isinstance(error, TargetNotEligible) and error.reasons:
        return explain_reasons(error.reasons)
    return (most_telling(*_told(error)),)


def explain_reasons(reasons: Collection[Reason]) -> tuple[Notice, ...]:
    """Tell why a target cannot receive: beside a disabled `Action`, or after `TransferService.eligibility` (T3).

    Returns:
        One notice for each reason, always in the same order; none for none.

    Raises:
        InvalidValue: they are no reasons.

    Examples:
        >>> from sms_transfer import Reason, explain_reasons
        >>> [notice.text for notice in explain_reasons([Reason.LOGGED_OUT, Reason.AT_CAPACITY])]
        ['No place left for another conversation.', 'Logged out.']
    """
    if isinstance(reasons, str) or not isinstance(untrusted(reasons), Collection):
        invalid("reasons", "must be a collection of Reason")
    codes = {f"target.{reason}" for reason in reasons}
    if not codes <= PARAMETERS.keys():
        invalid("reasons", "must be a collection of Reason")
    return tuple(Notice(code) for code in sorted(codes))


def most_telling(code: str, params: Mapping[str, str]) -> Notice:
    """The notice of this code, or of the nearest above it that has words and whose parameters are all known."""
    while code not in PARAMETERS or not PARAMETERS[code] <= params.keys():
        code = code.rpartition(".")[0]
    return Notice(code, FrozenDict(params))


@singledispatch
def _told(error: object) -> Told:
    """What to tell of an error: by its class, or the nearest above it that something is known of."""
    del error
    invalid("error", "must be an SmsTransferError")


@_told.register
def _(error: SmsTransferError) -> Told:
    del error
    return "failed", {}


@_told.register
def _(error: Refused) -> Told:
    del error
    return "refused", {}


@_told.register
def _(error: StaleEpoch) -> Told:
    return "refused.stale_epoch", owner_params(error.owner)


@_told.register
def _(error: NotPermitted) -> Told:
    code = f"refused.not_permitted.{error.reason}"
    return (code, {}) if error.owner is None else (f"{code}.owned_by", owner_params(error.owner))


@_told.register
def _(error: TransferPending) -> Told:
    return "refused.transfer_pending", {"target": error.transfer.present_name, "transfer": error.transfer.id}


@_told.register
def _(error: IllegalTransition) -> Told:
    return f"refused.illegal_transition.{error.machine}.{error.state}", {}


@_told.register
def _(error: InvitationClosed) -> Told:
    outcome = error.outcome
    params = owner_params(outcome.owner)
    if outcome.by is not None:
        params = {**params, "by": outcome.by}
    # A rejecting agent's reason is their own words (A6); any other is a slug.
    answered = outcome.state in {TransferState.ACCEPTED, TransferState.REJECTED}
    return f"refused.invitation_closed.{outcome.state}.{'by' if answered else outcome.reason}", params


@_told.register
def _(error: NotFound) -> Told:
    return f"refused.not_found.{error.kind}", {"kind": str(error.kind), "id": error.id}


@_told.register
def _(error: AlreadyExists) -> Told:
    return "refused.already_exists", {"kind": str(error.kind), "id": error.id}


@_told.register
def _(error: InvalidValue) -> Told:
    return "refused.invalid_value", {"field": error.field, "rule": error.rule}


@_told.register
def _(error: StoreError) -> Told:
    return "failed.unavailable" if error.retryable else "failed.store", {}


@_told.register
def _(error: Conflict) -> Told:
    del error
    return "failed.conflict", {}  # nothing of it was kept, and that is known


def owner_params(owner: str | Target) -> Mapping[str, str]:
    """Who owns it, as parameters."""
    if isinstance(owner, Target):
        return {"owner": owner.id, "owner_kind": owner.kind.value}
    return {"owner": owner, "owner_kind": TargetKind.AGENT.value}
