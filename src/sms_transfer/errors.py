"""Everything that can go wrong, as one closed tree.

Every error carries a stable ``code`` for programs and keyword fields for whoever handles it; the English message is
made from the fields and is for developers, not for agents: `sms_transfer.explain_refusal` has the words for those. No
message ever holds a phone number, a text, a note or case data (A6): only ids, states and rules. Nothing that a
dependency raises reaches the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NoReturn

if TYPE_CHECKING:
    from sms_transfer.core.model import Outcome, Target, TransferRequest
    from sms_transfer.core.policy import Reason


class Denial(StrEnum):
    """Why an agent may not do what was asked: the ``reason`` of `NotPermitted`."""

    NOT_OWNER = "not_owner"
    NOT_INVITEE = "not_invitee"
    NOT_SENDER = "not_sender"
    LOGGED_OUT = "logged_out"
    NO_USE_SMS = "no_privilege_use_sms"
    NO_TRANSFER = "no_privilege_transfer"
    NO_DECLINE = "no_privilege_decline"
    NO_SAVE_ATTACHMENTS = "no_privilege_save_attachments"
    NO_MANAGE_FAVOURITES = "no_privilege_manage_favourites"


def _rebuild(
    kind: Callable[..., SmsTransferError], fields: Mapping[str, object], args: tuple[object, ...]
) -> SmsTransferError:
    """Make an error again from its fields, for pickle and copy."""
    error = kind(**fields)
    error.args = args
    return error


class SmsTransferError(Exception):
    """The root of the tree: catch it to catch everything that this library raises on purpose."""

    code: ClassVar[str] = "sms_transfer_error"

    def __init__(self, message: str = "", **fields: object) -> None:
        super().__init__(message or self.code)
        self._fields = fields

    @property
    def fields(self) -> Mapping[str, object]:
        """The keyword fields this error was built from, by name."""
        return dict(self._fields)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle by position unless told otherwise; these are built by keyword.
        return _rebuild, (type(self), self._fields, self.args)


class InvalidValue(SmsTransferError, ValueError):
    """A value is not of the form that is asked for; nothing was changed (A8).

    Args:
        field: which argument or attribute.
        rule: what it must be. The value itself is never repeated: it may be a text or a phone number.
    """

    code = "invalid_value"

    def __init__(self, *, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}", field=field, rule=rule)
        self.field = field
        self.rule = rule


class NotFound(SmsTransferError, LookupError):
    """There is no such thing; ``kind`` says what: ``"interaction"``, ``"agent"``, ``"invitation"`` and so on."""

    code = "not_found"

    def __init__(self, *, kind: str, id: str) -> None:  # noqa: A002 - the field is named so in the public contract
        super().__init__(f"there is no {kind} {id!r}", kind=kind, id=id)
        self.kind = kind
        self.id = id


class AlreadyExists(SmsTransferError):
    """The id is taken by another one of its kind."""

    code = "already_exists"

    def __init__(self, *, kind: str, id: str) -> None:  # noqa: A002 - the field is named so in the public contract
        super().__init__(f"there is already another {kind} {id!r}", kind=kind, id=id)
        self.kind = kind
        self.id = id


class Refused(SmsTransferError):
    """The command was understood and may not be carried out now; it changed nothing (F7)."""

    code = "refused"


class IllegalTransition(Refused):
    """The state does not allow it.

    Args:
        machine: which formal machine: ``"transfer"``, ``"interaction"`` or ``"agent"``.
        state: the state it is in.
        trigger: what was asked of it.
        allowed: the triggers that this state does have.
    """

    code = "illegal_transition"

    def __init__(self, *, machine: str, state: str, trigger: str, allowed: Collection[str]) -> None:
        options = ", ".join(sorted(allowed)) or "nothing: it is final"
        super().__init__(
            f"{machine} in state {state} does not allow {trigger}; it allows {options}",
            machine=machine,
            state=state,
            trigger=trigger,
            allowed=frozenset(allowed),
        )
        self.machine = machine
        self.state = state
        self.trigger = trigger
        self.allowed: frozenset[str] = frozenset(allowed)


class NotPermitted(Refused):
    """This agent may not do this.

    Args:
        agent_id: who asked.
        reason: why not.
        owner: who owns the interaction now, where the reason is `Denial.NOT_OWNER`.
    """

    code = "not_permitted"

    def __init__(self, *, agent_id: str, reason: Denial, owner: str | Target | None = None) -> None:
        now = "" if owner is None else f"; the owner is {_owner_words(owner)}"
        super().__init__(f"agent {agent_id!r} may not: {reason}{now}", agent_id=agent_id, reason=reason, owner=owner)
        self.agent_id = agent_id
        self.reason = reason
        self.owner = owner


class StaleEpoch(Refused):
    """The command was made under an earlier ownership than the present one (F1)."""

    code = "stale_epoch"

    def __init__(self, *, given: int, current: int, owner: str | Target) -> None:
        super().__init__(
            f"the command was made in epoch {given}; it is epoch {current} and the owner is {_owner_words(owner)}",
            given=given,
            current=current,
            owner=owner,
        )
        self.given = given
        self.current = current
        self.owner = owner


class TransferPending(Refused):
    """The interaction has a live transfer already (F2); ``transfer`` is that one."""

    code = "transfer_pending"

    def __init__(self, *, transfer: TransferRequest) -> None:
        super().__init__(f"transfer {transfer.id!r} is still live", transfer=transfer)
        self.transfer = transfer


class TargetNotEligible(Refused):
    """The target cannot receive; ``reasons`` holds every reason that applies (T3)."""

    code = "target_not_eligible"

    def __init__(self, *, reasons: Collection[Reason]) -> None:
        super().__init__(f"the target cannot receive: {', '.join(sorted(reasons))}", reasons=frozenset(reasons))
        self.reasons: frozenset[Reason] = frozenset(reasons)


class InvitationClosed(Refused):
    """The answer came too late; ``outcome`` names what won and who owns the interaction now (T11)."""

    code = "invitation_closed"

    def __init__(self, *, outcome: Outcome) -> None:
        by = "" if outcome.by is None else f" by {outcome.by!r}"
        super().__init__(
            f"the invitation is closed: {outcome.state}{by}; the owner is {_owner_words(outcome.owner)}",
            outcome=outcome,
        )
        self.outcome = outcome


class StoreError(SmsTransferError):
    """The store could not do its part. ``retryable`` tells whether the same command may go through later."""

    code = "store_error"
    retryable: ClassVar[bool] = False


class Conflict(StoreError):
    """Somebody else changed the interaction first, again and again; nothing of this command was kept."""

    code = "conflict"
    retryable = True

    def __init__(self, *, kind: str, id: str) -> None:  # noqa: A002 - named like the other errors' field
        super().__init__(f"{kind} {id!r} was changed by somebody else", kind=kind, id=id)
        self.kind = kind
        self.id = id


class StoreUnavailable(StoreError):
    """The store cannot be reached now; whether the command was kept is unknown until it is asked again."""

    code = "store_unavailable"
    retryable = True

    def __init__(self, *, detail: str) -> None:
        super().__init__(f"the store cannot be reached: {detail}", detail=detail)
        self.detail = detail


class UnusableStore(StoreError):
    """The store cannot be used as it is: not ours, newer than this code, not migrated, read-only; retrying is no help.

    Args:
        detail: what is wrong, without secrets.
    """

    code = "unusable_store"

    def __init__(self, *, detail: str) -> None:
        super().__init__(f"the store cannot be used: {detail}", detail=detail)
        self.detail = detail


class CorruptRecord(StoreError):
    """The store holds something that cannot be read back."""

    code = "corrupt_record"

    def __init__(self, *, kind: str, id: str) -> None:  # noqa: A002 - named like the other errors' field
        super().__init__(f"the record of {kind} {id!r} cannot be read", kind=kind, id=id)
        self.kind = kind
        self.id = id


def invalid(field: str, rule: str) -> NoReturn:
    """Raise `InvalidValue`, as an expression where a statement does not fit."""
    raise InvalidValue(field=field, rule=rule)


def _owner_words(owner: str | Target) -> str:
    return repr(owner) if isinstance(owner, str) else f"{owner.kind} {owner.id!r}"
