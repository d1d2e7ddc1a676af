"""Everything that a store can be asked, as one value that can be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final

import attrs

from sms_transfer.core.commands import Need
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Interaction, Message, Queue, Target, TransferRequest
from sms_transfer.core.notices import SystemMessage
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._samples import EVERY, NOW, QUEUE
from sms_transfer.testing.conformance._teams import by_id

_PAGES = 10_000
"""A feed that has more for ever would never be read to its end."""


@attrs.frozen
class Desk:
    """A desktop, without what may come in any order."""

    version: int
    interactions: dict[str, Interaction]
    offered: dict[str, Interaction]
    messages: tuple[SystemMessage, ...]
    texts: dict[str, tuple[Message, ...]]


def desk(desktop: Desktop) -> Desk:
    """A full reading of a desktop."""
    assert (desktop.about, desktop.about_messages) == (None, None), "asked for everything, it must speak of everything"
    assert all(transcript.start == 0 for transcript in desktop.transcripts.values())
    return Desk(
        version=desktop.version,
        interactions=_by_id(desktop.interactions),
        offered=_by_id(desktop.offered),
        messages=desktop.messages,
        texts={id_: transcript.messages for id_, transcript in desktop.transcripts.items()},
    )


def _by_id(interactions: tuple[Interaction, ...]) -> dict[str, Interaction]:
    found = {interaction.id: interaction for interaction in interactions}
    assert len(found) == len(interactions), "nothing is on a desktop twice"
    return found


@attrs.frozen
class Serving:
    """Who serves what, who waits for whom, and whom agents ask often, without what may come in any order."""

    queues: dict[Target, Queue]
    names: dict[Target, str]
    members: dict[Target, frozenset[Agent]]
    ready: dict[Target, int]
    served: dict[str, frozenset[Target]]
    lines: dict[Target, tuple[Interaction, ...]]
    line: tuple[Interaction, ...]
    targets: frozenset[Target]
    counts: dict[Target, int]
    anybody_waits: bool
    favourites: dict[str, tuple[Target, ...]]
    recents: dict[str, frozenset[Target]]


TARGETS: Final = (QUEUE, Target.routing_point("q"), Target.agent_group("q"), Target.skill("q"))


@attrs.frozen
class Story:
    """What a test has spoken of: the ids under which a store is asked."""

    interactions: Collection[str] = ("i",)
    agents: Collection[str] = ("alice", "bob", "carol")
    transfers: Collection[str] = ("t",)
    texts: Collection[str] = ()
    keys: Collection[tuple[str, str]] = ()
    targets: Collection[Target] = TARGETS
    tickets: Collection[str] = ()


def all_tickets(story: Story) -> tuple[str, ...]:
    """Those spoken of, and the first ones of all requests."""
    return (*story.tickets, *[f"v-{id_}" for id_ in story.transfers])


@attrs.frozen
class Reading:
    """Every answer that a store gives about a story."""

    interactions: dict[str, Interaction | None]
    transcripts: dict[str, tuple[Message, ...]]
    histories: dict[str, tuple[Event, ...]]
    waiting: dict[str, Message | None]
    unsent: frozenset[str]
    desks: dict[str, Desk]
    loads: dict[str, int]
    agents: dict[str, Agent]
    transfers: dict[str, TransferRequest | None]
    tickets: dict[str, TransferRequest | None]
    due: frozenset[str]
    texts: dict[str, Message | None]
    keys: dict[tuple[str, str], TransferRequest | None]
    serving: Serving


def reading(store: TransferStore, story: Story) -> Reading:
    """Ask a store everything."""
    ids = story.interactions
    [some_id, *_] = ids
    for id_, told in by_interaction(read_feed(store)[0]).items():
        assert told == store.history(id_)[: len(told)], "the feed tells nothing that did not happen"
    loads = {id_: store.read(Need(interaction_id=some_id, load_of=id_), NOW).load for id_ in story.agents}
    assert loads == dict.fromkeys(story.agents, 0) | dict(store.loads(story.agents, NOW)), "places are counted alike"
    return Reading(
        interactions={id_: store.read(Need(interaction_id=id_), NOW).interaction for id_ in ids},
        transcripts={id_: store.transcript(id_) for id_ in ids},
        histories={id_: store.history(id_) for id_ in ids},
        waiting={id_: store.next_unsent(id_) for id_ in ids},
        unsent=frozenset(store.unsent(limit=EVERY)),
        desks={id_: desk(store.desktop(id_)) for id_ in story.agents},
        loads=loads,
        agents=dict(store.agents(story.agents)),
        transfers={id_: store.transfer(id_) for id_ in story.transfers},
        tickets={id_: store.read(Need(invitation_id=id_), NOW).request for id_ in all_tickets(story)},
        due=frozenset(store.due(NOW + timedelta(days=400), limit=EVERY)),
        texts={id_: store.read(Need(interaction_id=some_id, message_id=id_), NOW).message for id_ in story.texts},
        keys={key: store.read(Need(interaction_id=some_id, key=key), NOW).repeated for key in story.keys},
        serving=_serving(store, story),
    )


def _serving(store: TransferStore, story: Story) -> Serving:
    targets, agents = story.targets, story.agents
    none = dict.fromkeys(targets, 0)
    return Serving(
        queues=dict(store.queues(targets)),
        names=dict(store.queue_names(targets)),
        members={target: frozenset(by_id(store.members(target, limit=EVERY))) for target in targets},
        ready=none | dict(store.ready(targets)),
        served={id_: store.served_by([id_]) for id_ in agents},
        lines={target: store.waiting([target], limit=EVERY) for target in targets},
        line=store.waiting(targets, limit=EVERY),
        targets=store.waiting_targets(),
        counts=none | dict(store.waiting_counts(targets)),
        anybody_waits=store.read(Need(interaction_id="none"), NOW).waiting,
        favourites={id_: store.favourites(id_) for id_ in agents},
        recents={id_: frozenset(store.recents(id_, limit=EVERY)) for id_ in agents},
    )


def read_feed(store: TransferStore, after: str | None = None, limit: int = EVERY) -> tuple[list[Event], str]:
    """The feed from a cursor to its present end, and the cursor there."""
    found: list[Event] = []
    for _ in range(_PAGES):
        page = store.events(after=after, limit=limit)
        assert len(page.events) <= limit, "a page holds no more than was asked for"
        if not page.events:
            return found, page.cursor
        found.extend(page.events)
        after = page.cursor
    raise AssertionError(f"the feed has no end: {len(found)} events read")


def first_of_each(events: Iterable[Event]) -> list[Event]:
    """Each event once, where it came first: the feed is at least once."""
    return list(dict.fromkeys(events))


def by_interaction(events: Iterable[Event]) -> dict[str, tuple[Event, ...]]:
    """The histories that a feed tells."""
    found: dict[str, list[Event]] = {}
    for event in first_of_each(events):
        found.setdefault(event.interaction_id, []).append(event)
    return {id_: tuple(told) for id_, told in found.items()}


def feed_is_whole(store: TransferStore, ids: Collection[str], after: str | None = None) -> bool:
    """Whether the feed tells all of these histories by now; it may need a moment."""
    told = by_interaction(read_feed(store, after)[0])
    return all(told.get(id_, ()) == store.history(id_) for id_ in ids)
