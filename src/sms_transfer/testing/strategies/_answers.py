"""What the service, the team communicator and the ports answer."""

from __future__ import annotations

from typing import Final

import attrs
from hypothesis import strategies as st

from sms_transfer.calls import BulkResult, Tick
from sms_transfer.core.lifecycle import ChannelStatus, TransferState
from sms_transfer.core.model import Agent, TargetKind, TransferRequest
from sms_transfer.core.policy import Reason
from sms_transfer.finder import Action, Found, FoundTarget, Presence
from sms_transfer.ports import Candidate, EventPage, Facts, Roster
from sms_transfer.testing.strategies._errors import errors
from sms_transfer.testing.strategies._histories import histories
from sms_transfer.testing.strategies._requests import interactions, transfer_requests
from sms_transfer.testing.strategies._values import agents, ids, messages, queues, targets

_PRESENT: Final = (ChannelStatus.READY, ChannelStatus.NOT_READY)
_counts: Final = st.integers(0, 20)


def actions() -> st.SearchStrategy[Action]:
    """SMS Transfer: enabled, or with the reasons why not."""

    def build(reasons: frozenset[Reason]) -> Action:
        return Action(code="sms_transfer", label="SMS Transfer", enabled=not reasons, reasons=reasons)

    return st.builds(build, st.frozensets(st.sampled_from(Reason), max_size=3))


@st.composite
def presences(draw: st.DrawFn, kinds: st.SearchStrategy[TargetKind] | None = None) -> Presence:
    """The presence of an agent, or of a target that stands for several."""
    if draw(st.sampled_from(TargetKind) if kinds is None else kinds) is not TargetKind.AGENT:
        return Presence(ready=draw(_counts), waiting=draw(_counts))
    agent = draw(agents())
    return Presence(
        status=agent.status,
        reason=agent.reason,
        do_not_disturb=agent.do_not_disturb,
        free=draw(st.integers(0, agent.capacity)),
    )


@st.composite
def found_targets(draw: st.DrawFn) -> FoundTarget:
    """Targets of every kind, with the presence that goes with it."""
    target = draw(targets())
    presence = draw(presences(st.just(target.kind)))
    return FoundTarget(
        target=target,
        name=draw(st.text(max_size=40)),
        presence=presence,
        load=draw(_counts) if presence.waiting is None else presence.waiting,
        actions=tuple(draw(st.lists(actions(), max_size=1))),
        favourite=draw(st.booleans()),
        recent=draw(st.booleans()),
    )


@st.composite
def searches(draw: st.DrawFn) -> Found:
    """What searches find: each target once, and perhaps more than are shown."""
    shown = draw(st.lists(found_targets(), max_size=3, unique_by=lambda one: one.target))
    more = draw(st.integers(0, 100)) if shown else 0
    return Found(total=len(shown) + more, targets=tuple(shown))


@st.composite
def bulk_results(draw: st.DrawFn) -> BulkResult:
    """What became of one conversation of many: a request for it, or an error."""
    interaction_id = draw(ids())
    if draw(st.booleans()):
        return BulkResult(interaction_id=interaction_id, error=draw(errors()))
    return BulkResult(interaction_id=interaction_id, request=draw(transfer_requests(interaction_id=interaction_id)))


def ticks() -> st.SearchStrategy[Tick]:
    """What ticks did: requests that time has closed, agents found, texts sent."""
    closed = transfer_requests(live=False).filter(_by_time)
    return st.builds(
        Tick,
        expired=st.lists(closed, max_size=2, unique_by=lambda one: one.id).map(tuple),
        invited=_counts,
        sent=_counts,
    )


def _by_time(request: TransferRequest) -> bool:
    return request.state is TransferState.EXPIRED


def event_pages() -> st.SearchStrategy[EventPage]:
    """Pages of the feed: what happened to one conversation, and a cursor."""
    return st.builds(EventPage, events=histories(max_steps=5), cursor=ids())


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    """Agents who can be invited now: on the channel, and with a place left."""
    agent = draw(agents(statuses=st.sampled_from(_PRESENT)))
    able = attrs.evolve(agent, do_not_disturb=False, capacity=agent.capacity + 1)
    return Candidate(able, draw(st.integers(0, agent.capacity)))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Who can be found: all there are, or what has changed."""
    return Roster(
        version=draw(st.integers(0, 1_000)),
        agents=tuple(draw(st.lists(agents(), max_size=2, unique_by=_id))),
        queues=tuple(draw(st.lists(queues(), max_size=2, unique_by=lambda queue: queue.target))),
        complete=draw(st.booleans()),
    )


def _id(agent: Agent) -> str:
    return agent.id


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """What a store knows of a conversation, a request for it, a text in it and some agents; or that it knows none."""
    known = {agent.id: agent for agent in draw(st.lists(agents(), max_size=2))}
    if draw(st.booleans()):
        return Facts(agents=known, waiting=draw(st.booleans()))
    interaction = draw(interactions())
    closed = transfer_requests(interaction_id=interaction.id, live=False)
    request = draw(st.none() | closed) if interaction.transfer is None else interaction.transfer
    waits = interaction.transfer is not None and interaction.transfer.state is TransferState.ROUTING
    return Facts(
        interaction=interaction,
        request=request,
        load=draw(_counts),
        message=draw(st.none() | messages(st.just(interaction.id))),
        repeated=draw(st.none() | st.just(request)),
        agents=known,
        waiting=waits or draw(st.booleans()),
    )
