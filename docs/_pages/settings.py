"""``reference/settings.md``: everything that can be set."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import attrs

from docs._pages.docstrings import read, shown
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


@attrs.frozen
class Setting:
    """Something that can be set."""

    name: str
    type: str
    default: str | None
    meaning: str

    @property
    def written(self) -> str:
        """It, as in Python."""
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


def page() -> str:
    """Write it."""
    parts = [HEAD]
    parts += [_section(kind.__qualname__, text, _of_value(kind), kind) for kind, text in VALUES]
    parts += [_section(called.__qualname__, read(called).first, _of_call(called), called) for called in CALLED]
    return "\n".join(parts)


def _section(name: str, text: str, settings: Iterable[Setting], described: Any) -> str:
    found = list(settings)
    if lost := [setting.name for setting in found if not setting.meaning]:
        raise ValueError(f"the docstring of {described} does not tell of {lost}")
    lines = [f"- `{setting.written}`: {setting.meaning}" for setting in found] or ["There is nothing to set."]
    return "\n".join([f"## {name}\n\n{text}\n", *lines]) + "\n"


def _of_value(kind: type[TransferPolicy | WorkspaceSettings]) -> Iterator[Setting]:
    usual, told, types = kind(), read(kind).items, inspect.get_annotations(kind)  # as written: fields may be resolved
    for field in attrs.fields(kind):
        rule = _rule(kind, field.name)
        meaning = told[field.name].rstrip(".") + ("." if rule.startswith(IN_THE_TYPE) else f". It {rule}.")
        yield Setting(field.name, types[field.name], shown(getattr(usual, field.name)), meaning)


def _rule(kind: type[TransferPolicy | WorkspaceSettings], name: str) -> str:
    """What a value of this field must be: the words with which a wrong one is refused."""
    wrong: Any = object()
    try:
        kind(**{name: wrong})
    except InvalidValue as refused:
        return refused.rule
    raise ValueError(f"{kind.__name__} takes anything as {name}")


def _of_call(called: Callable[..., Any]) -> Iterator[Setting]:
    told = read(AS.get(called, called)).items
    for name, parameter in inspect.signature(called).parameters.items():
        required = parameter.default is parameter.empty
        words = told.get(name, "")
        if words != FOR_TESTS and (words or not required):  # a command's own object is no setting
            yield Setting(name, str(parameter.annotation), None if required else shown(parameter.default), words)
