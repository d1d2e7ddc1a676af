"""The edges of what a value may be: what is just within is taken, what is just beyond is refused by its name (A8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sms_transfer import Agent, CaseData, Contact, FrozenDict, Interaction, InvalidValue, Media, Notice, TransferPolicy
from sms_transfer.core.check import MAX_ID, MAX_NAME, MAX_SPAN, MAX_TEXT
from sms_transfer.core.commands import MarkDone, UpdateCaseData
from support import MOMENT

LONGEST = 10**1_000 - 1
"""The largest number of a thousand digits."""


def _interaction(**parts: Any) -> Interaction:
    return Interaction("i", media=Media.SMS, contact=Contact("12345"), owner="a", **parts)


def _command(epoch: Any) -> MarkDone:
    return MarkDone("i", by="a", epoch=epoch)


def _changes(changes: Any) -> UpdateCaseData:
    return UpdateCaseData("i", by="a", changes=changes)


@pytest.mark.parametrize(
    ("make", "field", "within", "beyond"),
    [
        (lambda value: Agent(value, "Ann"), "id", "x" * MAX_ID, "x" * (MAX_ID + 1)),
        (lambda value: Agent(value, "Ann"), "id", "ü" * MAX_ID, "ü" * (MAX_ID + 1)),
        (lambda value: Agent(value, "Ann"), "id", "x", ""),
        (lambda value: Agent(value, "Ann"), "id", "x", b"x"),
        (lambda value: Agent("a", value), "name", "x" * MAX_NAME, "x" * (MAX_NAME + 1)),
        (lambda value: Agent("a", value), "name", "", None),
        (lambda value: _interaction(note=value), "note", "ü" * MAX_TEXT, "ü" * (MAX_TEXT + 1)),
        (lambda value: Agent("a", "Ann", capacity=value), "capacity", LONGEST, LONGEST + 1),
        (lambda value: Agent("a", "Ann", capacity=value), "capacity", 0, -1),
        (lambda value: Agent("a", "Ann", capacity=value), "capacity", 1, True),
        (_command, "epoch", LONGEST, LONGEST + 1),
        (_command, "epoch", 0, -1),
        (_command, "epoch", None, 1.5),
        (_command, "epoch", 1, True),
        (lambda value: TransferPolicy(routing_timeout=value), "routing_timeout", MAX_SPAN, MAX_SPAN + MOMENT),
        (lambda value: TransferPolicy(routing_timeout=value), "routing_timeout", MOMENT, timedelta(0)),
        (_changes, "changes", {"x" * MAX_ID: None}, {"x" * (MAX_ID + 1): None}),
        (_changes, "changes", {"k": 2**63 - 1}, {"k": 2**63}),
        (CaseData, "case_data", {"k": -(2**63) + 1}, {"k": -(2**63)}),
        (CaseData, "case_data", {}, []),
        (FrozenDict, "items", {}, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a8_what_is_just_within_is_taken(
    make: Callable[[Any], object], field: str, within: object, beyond: object
) -> None:
    """A8: and what is just beyond is refused, under the name of the field."""
    make(within)
    with pytest.raises(InvalidValue) as caught:
        make(beyond)
    assert field == caught.value.field


def test_a8_the_limits_are_what_is_documented() -> None:
    """A8: of ids, names, texts and spans; whoever is refused reads which it was."""
    assert (128, 256, 65_536, timedelta(days=365)) == (MAX_ID, MAX_NAME, MAX_TEXT, MAX_SPAN)
    with pytest.raises(InvalidValue) as caught:
        Agent("a", "x" * 257)
    assert "must be a string of at most 256 characters that UTF-8 can carry" == caught.value.rule


def test_what_cannot_change_is_not_copied() -> None:
    """A mapping of ours is taken as it is; a dictionary of the host's is copied."""
    params, case_data, given = FrozenDict({"target": "Bob"}), CaseData({"k": 1}), {"k": 1}

    assert Notice("transfer.expired", params).params is params
    assert _interaction(case_data=case_data).case_data is case_data
    made = _interaction(case_data=given)
    given["k"] = 2
    assert {"k": 1} == made.case_data
