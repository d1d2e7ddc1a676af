"""What a workspace shows, and what is recorded for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from sms_transfer.core.desktop import (
    Answering,
    Desktop,
    InteractionPreview,
    InteractionWindow,
    PendingTransfer,
    Snapshot,
    Transcript,
    WorkspaceSettings,
    preview_of,
    window_of,
)
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import Agent, Interaction, Message
from sms_transfer.core.notices import SystemMessage
from sms_transfer.testing.strategies._notices import system_messages
from sms_transfer.testing.strategies._requests import interactions, transfer_requests
from sms_transfer.testing.strategies._values import agents, ids, messages

_OWNED: Final = (InteractionState.ACTIVE, InteractionState.TRANSFERRING)


def workspace_settings() -> st.SearchStrategy[WorkspaceSettings]:
    """Settings of every answering mode, with all case data in the preview or with some."""
    return st.builds(
        WorkspaceSettings,
        preview_takes_focus=st.booleans(),
        answering=st.sampled_from(Answering),
        preview_case_data=st.none() | st.frozensets(ids(), max_size=3),
    )


@st.composite
def _texts(draw: st.DrawFn, interaction_id: str) -> tuple[Message, ...]:
    """Some texts of one conversation, in order."""
    texts = draw(st.lists(messages(st.just(interaction_id)), max_size=3, unique_by=lambda text: text.id))
    return tuple(sorted(texts, key=lambda text: text.at))


@st.composite
def transcripts(draw: st.DrawFn, interaction_ids: st.SearchStrategy[str] | None = None) -> Transcript:
    """Parts of a conversation's texts, from the beginning and from later on."""
    texts = draw(_texts(draw(ids() if interaction_ids is None else interaction_ids)))
    return Transcript(draw(st.integers(0, 20)), texts)


@st.composite
def pending_transfers(draw: st.DrawFn) -> PendingTransfer:
    """What a window says of a live transfer."""
    request = draw(transfer_requests(live=True))
    return PendingTransfer(
        transfer_id=request.id, target=request.present_target, to=request.present_name, deadline=request.deadline
    )


@st.composite
def interaction_windows(draw: st.DrawFn) -> InteractionWindow:
    """Windows of conversations, with and without a live transfer, as their owner sees them."""
    agent = draw(agents())
    interaction = draw(interactions(states=st.sampled_from(_OWNED), owner=agent.id))
    return window_of(interaction, draw(_texts(interaction.id)), agent)


@st.composite
def interaction_previews(draw: st.DrawFn) -> InteractionPreview:
    """Previews of offers, as their invitee sees them."""
    agent = draw(agents())
    interaction = draw(interactions(invitee=agent.id))
    transfer, invitation = interaction.transfer, interaction.live_invitation
    assert transfer is not None  # noqa: S101 - somebody is invited
    assert invitation is not None  # noqa: S101 - likewise
    return preview_of(interaction, transfer, invitation, agent, draw(workspace_settings()))


@st.composite
def desktops(draw: st.DrawFn, agent_id: str | None = None, *, whole: bool | None = None) -> Desktop:
    """What a store has recorded for one agent: all of it and what has changed, or only the one or the other.

    Args:
        whole: whether it is all there is.
    """
    agent_id = draw(ids()) if agent_id is None else agent_id
    owned = draw(_several(interactions(states=st.sampled_from(_OWNED), owner=agent_id), ()))
    offered = draw(_several(interactions(invitee=agent_id), owned))
    entries = draw(st.lists(system_messages(st.just(agent_id)), max_size=2, unique_by=lambda entry: entry.id))
    is_whole = draw(st.booleans()) if whole is None else whole
    return Desktop(
        version=draw(st.integers(0, 1_000)),
        interactions=owned,
        offered=offered,
        messages=tuple(sorted(entries, key=lambda entry: entry.at)),
        transcripts={one.id: draw(_transcript(one.id, whole=is_whole)) for one in owned},
        about=None if is_whole else draw(_gone([*owned, *offered])),
        about_messages=None if is_whole else draw(_gone(entries)),
    )


@st.composite
def _several(
    draw: st.DrawFn, each: st.SearchStrategy[Interaction], others: Sequence[Interaction]
) -> tuple[Interaction, ...]:
    """A few of these, none of which is one of the others."""
    known = {other.id for other in others}
    found = draw(st.lists(each, max_size=2, unique_by=lambda one: one.id))
    return tuple(one for one in found if one.id not in known)


@st.composite
def _transcript(draw: st.DrawFn, interaction_id: str, *, whole: bool) -> Transcript:
    if whole:
        return Transcript(0, draw(_texts(interaction_id)))
    return draw(transcripts(st.just(interaction_id)))


def _gone(there: Sequence[Interaction] | Sequence[SystemMessage]) -> st.SearchStrategy[frozenset[str]]:
    """The ids of these, and of some that are gone."""
    known = frozenset(one.id for one in there)
    return st.frozensets(ids(), max_size=2).map(known.union)


@st.composite
def snapshots(draw: st.DrawFn, agent: st.SearchStrategy[Agent] | None = None) -> Snapshot:
    """What the workspaces of an agent should show: windows, offers and My Messages of this one agent."""
    who = draw(agents() if agent is None else agent)
    return Snapshot(who, draw(desktops(who.id, whole=True)))
