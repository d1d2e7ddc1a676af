"""``reference/conformance.md``: what the conformance suites ask of an adapter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from docs._pages.docstrings import code, read, sentence, shown, table
from sms_transfer.testing.conformance import (
    AsyncStoreConformance,
    Capability,
    DirectoryConformance,
    MessagingConformance,
    StoreConformance,
    UserInterfaceConformance,
)
from sms_transfer.testing.conformance import _suite as suite

HEAD = """\
# The conformance contract

<!-- Written by `python -m docs.generate`: change the code, and run it. -->

What each suite of `sms_transfer.testing.conformance` asks of an adapter. [Write a store](../how-to/write-a-store.md)
shows how one is used. A name begins with the rule that it is for. A test that needs a capability is skipped, with a
sentence, where the adapter does not declare it; one that your class overrides fails unless you state the reason with
`deviates`.
"""

SUITES: Final = (
    StoreConformance,
    AsyncStoreConformance,
    DirectoryConformance,
    MessagingConformance,
    UserInterfaceConformance,
)


def page() -> str:
    """Write it."""
    told = read(Capability).items
    capabilities = table(
        ("capability", "what it means"), [(code(one.name), sentence(told[one.name])) for one in Capability]
    )
    parts = [HEAD, f"## Capabilities\n\n{read(Capability).text}\n\n{capabilities}\n"]
    parts += [
        "## Settings of a suite\n\nAttributes of your class.\n\n"
        + table(
            ("attribute", "default", "what it is"),
            [
                (code(name), code(shown(getattr(suite.Suite, name))), sentence(words))
                for name, words in read(suite.Suite).items.items()
            ],
        )
        + "\n"
    ]
    return "\n".join([*parts, *map(_described, SUITES)])


def _described(kind: type[suite.Suite]) -> str:
    parts = [f"## {kind.__name__}", read(kind).text]
    if kind.included:
        included = ", ".join(code(one.name) for one in sorted(kind.included))
        parts.append(f"What the port demands anyway, and need not be declared: {included}.")
    shared = next((other for other in SUITES if other is not kind and issubclass(kind, other)), None)
    own = [(base, tests) for base in kind.__mro__ if (tests := list(_tests(base, shared)))]
    if not own and shared is not None:
        parts.append(f"Its {_count(kind)} tests are those of [{shared.__name__}](#{shared.__name__.lower()}).")
        return "\n\n".join(parts) + "\n"
    parts.append(f"{_count(kind)} tests, some of them with many values.")
    if shared is not None:
        parts.append(f"Those of [{shared.__name__}](#{shared.__name__.lower()}) are among them. Beside these:")
    for base, tests in own:
        if base is not kind:
            parts.append(f"### {kind.__name__}: {_in_words(base.__name__)}\n\n{read(base).text}")
        parts.append("\n".join(map(_line, tests)))
    return "\n\n".join(parts) + "\n"


def _in_words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _tests(base: type, shared: type | None) -> Iterator[Callable[..., Any]]:
    if shared is None or base not in shared.__mro__:
        yield from (member for name, member in vars(base).items() if name.startswith("test_"))


def _count(kind: type) -> int:
    return len([name for name, _ in inspect.getmembers(kind) if name.startswith("test_")])


def _line(test: Callable[..., Any]) -> str:
    needed: tuple[Capability, ...] = getattr(test, suite._NEEDS, ())  # noqa: SLF001 - `needs` writes it
    capabilities = " and ".join(code(one.name) for one in needed)
    return f"- {code(test.__name__)} {read(test).first}" + (f" Needs {capabilities}." if needed else "")
