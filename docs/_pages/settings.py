"""``reference/settings.md``: everything that can be set."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from docs._pages.docstrings import code, read, sentence, shown, table
from sms_transfer import (
    AsyncTransferService,
    InvalidValue,
    TransferPolicy,
    TransferService,
    WorkspaceSettings,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.postgres import (
    AsyncPostgresStore,
    AsyncPostgresTransaction,
    PostgresStore,
    PostgresTransaction,
    migrate,
)
from sms_transfer.adapters.sqlite import SqliteStore

HEAD = """\
# Settings

<!-- Written by `python -m docs.generate`: change the code, and run it. -->

Everything that can be set, with what it is if you say nothing. There are no files and no environment variables:
settings are arguments. A value of the wrong form is refused with [`InvalidValue`](errors.md#invalidvalue).
"""

VALUES: Final = (
    (TransferPolicy, "What the centre allows: `TransferService(policy=TransferPolicy(…))`."),
    (WorkspaceSettings, "How one agent's workspace behaves: `Workspace(agent_id, ui, WorkspaceSettings(…))`."),
)
CALLED: Final[tuple[Callable[..., Any], ...]] = (
    TransferService,
    AsyncTransferService,
    TransferService.ticking,
    TransferService.connect,
    MemoryStore,
    SqliteStore,
    PostgresStore,
    AsyncPostgresStore,
    PostgresTransaction,
    AsyncPostgresTransaction,
    migrate,
)
AS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    AsyncPostgresStore: PostgresStore,
    AsyncPostgresTransaction: PostgresTransaction,
}
"""Whose docstrings say that they take what another takes."""
IN_THE_TYPE: Final = ("must be of type", "must be a frozenset")
"""How rules begin that say what the type says already."""
FOR_TESTS: Final = "for tests."


def page() -> str:
    """Write it."""
    parts = [HEAD]
    parts += [_section(kind.__qualname__, text, _of_value(kind), kind) for kind, text in VALUES]
    parts += [_section(called.__qualname__, read(called).first, _of_call(called), called) for called in CALLED]
    return "\n".join(parts)


def _section(name: str, text: str, rows: Iterator[tuple[str, ...]], described: Any) -> str:
    found = list(rows)
    head = ("setting", "type", "default", "what it is")
    title = f"## {name}\n\n{text}\n"
    if not found:
        return f"{title}\nThere is nothing to set.\n"
    if lost := [row[0] for row in found if not row[3]]:
        raise ValueError(f"the docstring of {described} does not tell of {lost}")
    return f"{title}\n{table(head, found)}\n"


def _of_value(kind: type[TransferPolicy | WorkspaceSettings]) -> Iterator[tuple[str, ...]]:
    usual, told = kind(), read(kind).items
    for field in attrs.fields(kind):
        rule = _rule(kind, field.name)
        meaning = sentence(told[field.name]) + ("" if rule.startswith(IN_THE_TYPE) else f" It {rule}.")
        yield code(field.name), code(field.type), code(shown(getattr(usual, field.name))), meaning


def _rule(kind: type[TransferPolicy | WorkspaceSettings], name: str) -> str:
    """What a value of this field must be: the words with which a wrong one is refused."""
    wrong: Any = object()
    try:
        kind(**{name: wrong})
    except InvalidValue as refused:
        return refused.rule
    raise ValueError(f"{kind.__name__} takes anything as {name}")


def _of_call(called: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    told = read(AS.get(called, called)).items
    for name, parameter in inspect.signature(called).parameters.items():
        required = parameter.default is parameter.empty
        words = told.get(name, "")
        if words != FOR_TESTS and (words or not required):  # a command's own object is no setting
            default = "" if required else code(shown(parameter.default))
            yield code(name), code(parameter.annotation), default, sentence(words)
