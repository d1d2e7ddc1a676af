"""What stands by itself: ids, people, targets, texts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeVar

from hypothesis import strategies as st

from sms_transfer.core.check import CaseData, CaseValue, FrozenDict
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Contact,
    Direction,
    Media,
    Message,
    NoAnswer,
    Privilege,
    Queue,
    Target,
    TargetKind,
)
from sms_transfer.core.policy import Handover, TransferPolicy

T = TypeVar("T")
QUEUES: Final = (TargetKind.QUEUE, TargetKind.ROUTING_POINT)


def ids() -> st.SearchStrategy[str]:
    """Ids: any text of 1 to 128 characters."""
    return st.text(min_size=1, max_size=128)


def instants() -> st.SearchStrategy[datetime]:
    """Aware datetimes in UTC, from 2000 to 2100."""
    return st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis wants the bounds naive and adds the zone itself
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )


def contacts() -> st.SearchStrategy[Contact]:
    """Contacts, at E.164 numbers and at short codes."""
    number = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
    short_code = st.from_regex(r"[0-9]{3,8}", fullmatch=True)
    return st.builds(Contact, number | short_code, name=st.text(max_size=40))


def targets(kinds: st.SearchStrategy[TargetKind] | None = None) -> st.SearchStrategy[Target]:
    """Targets, of every kind or of these."""
    return st.builds(Target, st.sampled_from(TargetKind) if kinds is None else kinds, ids())


def queues(queue_targets: st.SearchStrategy[Target] | None = None) -> st.SearchStrategy[Queue]:
    """Queues and routing points, with and without members and a name."""
    return st.builds(
        Queue,
        targets(st.sampled_from(QUEUES)) if queue_targets is None else queue_targets,
        st.frozensets(ids(), max_size=4),
        name=st.text(max_size=40),
    )


def agents(
    agent_ids: st.SearchStrategy[str] | None = None, *, statuses: st.SearchStrategy[ChannelStatus] | None = None
) -> st.SearchStrategy[Agent]:
    """Agents in any status or in these, with any media and privileges."""
    return st.builds(
        Agent,
        ids() if agent_ids is None else agent_ids,
        st.text(max_size=40),
        status=st.sampled_from(ChannelStatus) if statuses is None else statuses,
        reason=st.text(max_size=20),
        do_not_disturb=st.booleans(),
        media=st.frozensets(st.sampled_from(Media)),
        privileges=st.frozensets(st.sampled_from(Privilege)),
        capacity=st.integers(0, 20),
        groups=st.frozensets(ids(), max_size=3),
        skills=st.frozensets(ids(), max_size=3),
    )


def case_data() -> st.SearchStrategy[CaseData]:
    """Case data: strings, finite numbers and truth values."""
    values: st.SearchStrategy[CaseValue] = (
        st.text(max_size=30) | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e18, 1e18) | st.booleans()
    )
    return st.builds(CaseData, st.dictionaries(ids(), values, max_size=5))


def frozen_dicts(values: st.SearchStrategy[T]) -> st.SearchStrategy[FrozenDict[T]]:
    """Mappings that cannot change, with these values."""

    def build(items: dict[str, T]) -> FrozenDict[T]:
        return FrozenDict(items)

    return st.builds(build, st.dictionaries(ids(), values, max_size=5))


def attachments() -> st.SearchStrategy[Attachment]:
    """Attachments, images most often."""
    return st.builds(
        Attachment,
        ids(),
        content_type=st.sampled_from(["image/jpeg", "image/png", "video/3gpp", "text/vcard"]),
        name=st.text(max_size=20),
        size=st.integers(0, 5_000_000),
    )


@st.composite
def messages(draw: st.DrawFn, interaction_ids: st.SearchStrategy[str] | None = None) -> Message:
    """Texts from the contact, and texts of agents to them; with and without attachments."""
    direction = draw(st.sampled_from(Direction))
    return Message(
        draw(ids()),
        interaction_id=draw(ids() if interaction_ids is None else interaction_ids),
        direction=direction,
        text=draw(st.text(max_size=200)),
        at=draw(instants()),
        attachments=draw(st.lists(attachments(), max_size=2, unique_by=lambda one: one.id)),
        sender="" if direction is Direction.INBOUND else draw(ids()),
        epoch=draw(st.integers(0, 20)),
    )


def policies(fallbacks: st.SearchStrategy[Target | None] | None = None) -> st.SearchStrategy[TransferPolicy]:
    """Policies of every handover, with and without a fallback; deadlines are those of the default.

    Args:
        fallbacks: where requests go whose target cannot take them; no fallback at all if left out.
    """
    return st.builds(
        TransferPolicy,
        require_ready=st.sampled_from([True, False]),  # so that they shrink to the default policy
        max_hops=st.just(10) | st.integers(1, 20),
        no_answer=st.sampled_from(NoAnswer),
        handover=st.sampled_from(Handover),
        return_to_sender=st.booleans(),
        fallback=st.none() if fallbacks is None else fallbacks,
        kinds=st.just(frozenset(TargetKind)) | st.frozensets(st.sampled_from(TargetKind), min_size=1),
    )
