"""The fields of the errors, and what they derive from."""

from collections.abc import Mapping
from typing import assert_type

from sms_transfer import (
    AlreadyExists,
    Conflict,
    CorruptRecord,
    Denial,
    IllegalTransition,
    InvalidValue,
    InvitationClosed,
    NotFound,
    Notice,
    NotPermitted,
    Outcome,
    Reason,
    Refused,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    StoreUnavailable,
    Target,
    TargetNotEligible,
    TransferPending,
    TransferRequest,
    TransferService,
    UnusableStore,
    explain_reasons,
    explain_refusal,
)


def fields(error: SmsTransferError) -> None:
    """Each branch knows its own."""
    assert_type(error.code, str)
    assert_type(error.fields, Mapping[str, object])
    match error:
        case InvalidValue():
            assert_type((error.field, error.rule), tuple[str, str])
        case IllegalTransition():
            assert_type((error.machine, error.state, error.trigger), tuple[str, str, str])
            assert_type(error.allowed, frozenset[str])
        case NotPermitted():
            assert_type(error.agent_id, str)
            assert_type(error.reason, Denial)
            assert_type(error.owner, str | Target | None)
        case StaleEpoch():
            assert_type((error.given, error.current), tuple[int, int])
            assert_type(error.owner, str | Target)
        case TransferPending():
            assert_type(error.transfer, TransferRequest)
        case TargetNotEligible():
            assert_type(error.reasons, frozenset[Reason])
            assert_type(explain_reasons(error.reasons), tuple[Notice, ...])
        case InvitationClosed():
            assert_type(error.outcome, Outcome)
        case NotFound() | AlreadyExists() | Conflict() | CorruptRecord():
            assert_type((error.kind, error.id), tuple[str, str])
        case StoreUnavailable() | UnusableStore():
            assert_type(error.detail, str)
        case _:
            assert_type(explain_refusal(error), tuple[Notice, ...])


def caught(service: TransferService) -> None:
    """As Python's own errors, too, where they are such."""
    try:
        service.mark_done("i", by="alice")
    except StoreError as failed:
        assert_type(failed.retryable, bool)
    except Refused as refused:
        assert_type(refused, Refused)
    invalid: ValueError = InvalidValue(field="f", rule="must be")
    missing: LookupError = NotFound(kind="agent", id="a")
    raise missing from invalid
