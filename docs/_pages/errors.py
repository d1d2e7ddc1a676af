"""``reference/errors.md``: the error tree."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from docs._pages.docstrings import code, read, sentence, table
from sms_transfer import Outcome, Reason, Target, TransferRequest, TransferState, errors, explain_refusal
from sms_transfer.errors import Denial, SmsTransferError

_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)

SAMPLES: Final = (
    errors.SmsTransferError(),
    errors.InvalidValue(field="limit", rule="must be a whole number, 1 or more"),
    errors.NotFound(kind="interaction", id="i-1"),
    errors.AlreadyExists(kind="agent", id="bob"),
    errors.Refused(),
    errors.IllegalTransition(machine="interaction", state="done", trigger="begin_transfer", allowed=()),
    errors.NotPermitted(agent_id="alice", reason=Denial.NOT_OWNER, owner="bob"),
    errors.StaleEpoch(given=0, current=1, owner="bob"),
    errors.TransferPending(
        transfer=TransferRequest(
            "t-1",
            interaction_id="i-1",
            sender="alice",
            target=Target.queue("sales"),
            target_name="Sales",
            state=TransferState.ROUTING,
            requested_at=_NOON,
            deadline=_NOON,
        )
    ),
    errors.TargetNotEligible(reasons=[Reason.DO_NOT_DISTURB, Reason.NOT_READY]),
    errors.InvitationClosed(
        outcome=Outcome(TransferState.ACCEPTED, by="bob", at=_NOON, owner="bob"),
    ),
    errors.StoreError(),
    errors.Conflict(kind="interaction", id="i-1"),
    errors.StoreUnavailable(detail="the connection was refused"),
    errors.UnusableStore(detail="the file is not a database"),
    errors.CorruptRecord(kind="interaction", id="i-1"),
)
"""One of each, to show what it says."""

HEAD = """\
# Errors

<!-- Written by `python -m docs.generate`: change the code, and run it. -->

Everything that the library raises on purpose is in this tree, and in `sms_transfer`. Each has a stable `code` for
programs, and its fields as attributes (all of them in `fields`). Its message is for your log: it has ids, states and
rules in it, never a number, a text, a note or case data. What to tell the agent is what `explain_refusal` says; that is
shown here for an example of each, and [Notices](notices.md) has all there is.

A command that raises has had none of its effect. Only after `StoreUnavailable` nobody can know.
"""


def page() -> str:
    """Write it."""
    tree = "\n".join(_tree(SmsTransferError, "", ""))
    samples = {type(sample): sample for sample in SAMPLES}
    parts = [HEAD, f"```text\n{tree}\n```\n"]
    parts += [_described(kind, samples[kind]) for kind in _all(SmsTransferError)]
    parts.append(
        "## Denial\n\nThe `reason` of a [NotPermitted](#notpermitted).\n\n"
        "```{eval-rst}\n.. autoclass:: sms_transfer.Denial\n   :undoc-members:\n```\n"
    )
    return "\n".join(parts)


def _children(kind: type[SmsTransferError]) -> list[type[SmsTransferError]]:
    """In the order in which they are defined, and only the library's own."""
    return [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]


def _all(kind: type[SmsTransferError]) -> Iterator[type[SmsTransferError]]:
    yield kind
    for child in _children(kind):
        yield from _all(child)


def _tree(kind: type[SmsTransferError], head: str, below: str) -> Iterator[str]:
    also = [base.__name__ for base in kind.__bases__ if base is not Exception and base.__module__ == "builtins"]
    name = f"{kind.__name__}({', '.join(also)})" if also else kind.__name__
    yield f"{head}{name}".ljust(40) + kind.code
    children = _children(kind)
    for child in children:
        last = child is children[-1]
        yield from _tree(child, f"{below}{'└── ' if last else '├── '}", f"{below}{'    ' if last else '│   '}")


def _described(kind: type[SmsTransferError], sample: SmsTransferError) -> str:
    fields = {
        name: parameter
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    parts = [
        f"## {kind.__name__}",
        f"```{{py:exception}} sms_transfer.{kind.__name__}({', '.join(['*', *fields] if fields else [])})\n```",
        read(kind).text,
    ]
    if fields:
        told = read(kind).items
        rows = [(code(name), code(field.annotation), sentence(told.get(name, ""))) for name, field in fields.items()]
        head = ("field", "type", "what it is") if told else ("field", "type")
        parts.append(table(head, [row[: len(head)] for row in rows]))
    said = [("code", code(kind.code))]
    if issubclass(kind, errors.StoreError):
        said.append(("may be tried again", "yes" if kind.retryable else "no"))
    said.append(("your log reads", str(sample)))
    said += [("the agent is told", f"“{notice.text}” ({code(notice.code)})") for notice in explain_refusal(sample)]
    parts.append("\n".join(f"- {what}: {words}" for what, words in said))
    return "\n\n".join(parts) + "\n"
