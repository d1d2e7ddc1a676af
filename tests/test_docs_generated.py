"""What the documentation shows of the code is the code's own, and nothing public is left out."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name, walk_packages
from types import ModuleType

import pytest
from docs import generate
from docs._ext.drawing import LAYOUTS, drawn

import sms_transfer
from sms_transfer import AGENT, INTERACTION, TRANSFER, Lifecycle, adapters, ports, testing
from sms_transfer.core.lifecycle import START
from sms_transfer.errors import SmsTransferError

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
DESCRIBED = re.compile(r"^(?:\.\. |```\{)(?:auto|py:)[a-z]+(?:::|\}) (sms_transfer\.[\w.]+)", flags=re.MULTILINE)
MACHINES = pytest.mark.parametrize("machine", [TRANSFER, INTERACTION, AGENT], ids=lambda machine: machine.name)
INTERNAL = {"records", "memory_lines", "memory_teams"}
"""Modules that stand among the adapters and are parts of them."""
HELPERS = {"sms_transfer.adapters.codec.read"}
"""Not underscored, because its own tests call it: nobody else has texts of a form that there is not."""


def described() -> list[str]:
    """Every name that a page of the reference describes."""
    return [name for page in REFERENCE.glob("*.md") for name in DESCRIBED.findall(page.read_text(encoding="utf-8"))]


def public(module: ModuleType) -> set[str]:
    """The public names of a module: those that it lists, or the classes and functions that it defines."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return {f"{module.__name__}.{name}" for name in listed}
    return {
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


def modules(package: ModuleType, *, inner: set[str]) -> list[ModuleType]:
    """The public modules of a package, without what is in those named ``inner``, which say what of theirs is public."""
    found = [package]
    for info in walk_packages(package.__path__, f"{package.__name__}."):
        *above, name = info.name.removeprefix(f"{package.__name__}.").split(".")
        if not inner & set(above) and not name.startswith("_") and name not in INTERNAL:
            found.append(import_module(info.name))
    return found


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    """What is committed is what ``python -m docs.generate`` writes."""
    assert generate.PAGES[name]() == (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "module",
    [
        sms_transfer,
        ports,
        *modules(adapters, inner={"sqlite", "postgres"}),
        *modules(testing, inner={"conformance"}),
    ],
    ids=lambda module: module.__name__,
)
def test_every_public_name_is_described(module: ModuleType) -> None:
    """Whatever can be imported from a public place stands in the reference, under this name or another."""
    known = {id(resolve_name(name)) for name in described()}

    assert set() == {name for name in public(module) - HELPERS if id(resolve_name(name)) not in known}


def test_every_name_is_described_once_and_is_there() -> None:
    """A name that the reference describes is one of the library's, and has one place."""
    names = described()

    assert sorted(set(names)) == sorted(names)
    assert [] == [name for name in names if resolve_name(name) is None]


def test_errors_are_the_whole_tree() -> None:
    """Every error of the library has a section."""
    page = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    errors = [SmsTransferError]
    for error in errors:
        errors += [child for child in error.__subclasses__() if child.__module__ == SmsTransferError.__module__]

    assert len(errors) > len(SmsTransferError.__subclasses__())
    assert [] == [error.__name__ for error in errors if f"\n## {error.__name__}\n" not in page]


@MACHINES
def test_every_state_is_drawn(machine: Lifecycle[sms_transfer.TransferState]) -> None:
    """Each state has a place of its own, within the drawing; and so has the dot that the machine begins at."""
    layout = LAYOUTS[machine.name]

    assert {START, *machine.states} == set(layout.states)
    assert len(layout.states) == len(set(layout.states.values()))
    assert all(0 < at.x < layout.size.x and 0 < at.y < layout.size.y for at in layout.states.values())
    assert set(layout.states) - {START} == {
        name.lower() for name in re.findall(r'class="name"[^>]*>(\w+)<', drawn(machine))
    }


@MACHINES
def test_every_arc_is_drawn(machine: Lifecycle[sms_transfer.TransferState]) -> None:
    """Each row of the table has its label, and no other label is there."""
    labels = re.findall(r'class="label"[^>]*>([^<]+)<', drawn(machine))
    ends = {(arc.source, arc.dest) for arc in machine.arcs}

    assert sorted(f"{arc.trigger} ({arc.rule})" for arc in machine.arcs) == sorted(labels)
    assert len(ends) + (machine.initial != START) == drawn(machine).count('class="arc"')
    assert set(LAYOUTS[machine.name].bends) <= ends
