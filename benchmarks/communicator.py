"""Whether the whole search of the team communicator keeps up with who types, and with what changes in between.

100,000 agents in memory, queues beside them. Each keystroke asks what the names' index alone finds, and then the team
communicator with a conversation: names, presence, and every reason of each target of a page of 50. Between searches
somebody's status, place or name changes; the next search must see it, and must not read everybody again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from statistics import median
from typing import Final

import attrs

from benchmarks.people import keystrokes, people
from benchmarks.report import progress, table
from benchmarks.timing import milliseconds, percentile
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Found,
    Interaction,
    Media,
    Target,
    TeamCommunicator,
    TransferService,
)
from sms_transfer.names import NameIndex

AGENTS: Final = 100_000
QUEUES: Final = 1_000
MEMBERS: Final = 100
KEYSTROKES: Final = 1_000
CHANGES: Final = 200
MOST: Final = 5
PAGE: Final = 50
SENDER: Final = "a-000000"
CONVERSATION: Final = "interaction"
STATUSES: Final = (ChannelStatus.READY, ChannelStatus.READY, ChannelStatus.NOT_READY, ChannelStatus.LOGGED_OUT)

Times = dict[str, list[list[float]]]
"""Of each thing measured, a list for each round, in milliseconds."""


class Floor:
    """A centre of so many, and one who looks for a target.

    Args:
        called: the names of all agents.
    """

    def __init__(self, called: Mapping[Target, str]) -> None:
        self._chance = Random(2)  # noqa: S311 - the same each time
        self._ids = [target.id for target in called]
        self.service = TransferService()
        for target, name in called.items():
            status = ChannelStatus.READY if target.id == SENDER else self._chance.choice(STATUSES)
            self.service.add_agent(Agent(target.id, name, status=status))
        self.queues = {Target.queue(f"q-{number:04}"): f"Queue {number}" for number in range(QUEUES)}
        for queue, name in self.queues.items():
            self.service.add_queue(queue, self._chance.sample(self._ids, MEMBERS), name=name)
        self._open(CONVERSATION, SENDER)
        self._communicator = TeamCommunicator(self.service, SENDER)

    def search(self, text: str) -> Found:
        """What the one who looks finds, and what can be done with it."""
        return self._communicator.search(text, interaction_id=CONVERSATION, limit=PAGE)

    def change_status(self) -> None:
        """Somebody comes, goes, or is Not Ready."""
        agent_id = self._anybody()
        if self.service.agent(agent_id).status is ChannelStatus.READY:
            self.service.set_not_ready(agent_id, "lunch")
        else:
            self.service.log_in(agent_id)
            self.service.set_ready(agent_id)

    def take_place(self) -> None:
        """Somebody has one conversation more."""
        agent_id = self._anybody()
        self._open(f"of {agent_id} {self._chance.random()}", agent_id)

    def rename(self) -> None:
        """Somebody is called like somebody else from now on; the next search must find them so."""
        agent = self.service.agent(self._anybody())
        name = self.service.agent(self._anybody()).name
        self.service.update_agent(attrs.evolve(agent, name=name))

    def change_queue(self) -> None:
        """Other agents serve some queue."""
        queue = self._chance.choice(list(self.queues))
        self.service.update_queue(queue, self._chance.sample(self._ids, MEMBERS))

    def _anybody(self) -> str:
        return self._chance.choice(self._ids[1:])

    def _open(self, interaction_id: str, owner: str) -> None:
        contact = Contact("+14155550100")
        self.service.open_interaction(Interaction(interaction_id, media=Media.SMS, contact=contact, owner=owner))


def run(rounds: int) -> str:
    """Measure, and tell it in tables."""
    called, rounds = people(AGENTS), min(rounds, MOST)
    floor = Floor(called)
    first = milliseconds(lambda: floor.search(""))
    index = NameIndex({**called, **floor.queues}.items())
    typed = [*keystrokes(dict(called), KEYSTROKES), *_queues_typed()]
    spent: Times = {"the names alone": [], "the whole search": [], "of these, a page of queues": []}
    for done in range(rounds):
        for of_rounds in spent.values():
            of_rounds.append([])
        for at, text in enumerate(typed):
            progress("communicator", done * len(typed) + at, rounds * len(typed))
            _measure(spent, floor, index, text)
    changed: Times = {}
    for what, change in _changes(floor).items():
        changed[what] = [_after(floor, change, typed, chance) for chance in range(rounds)]
    cells = [("the first search, which reads everybody", f"{first:,.0f} ms")]
    return (
        _distribution(f"{len(typed):,} keystrokes among {AGENTS + QUEUES:,} targets", spent, rounds)
        + _distribution(f"the next search after one of {CHANGES} changes", changed, rounds)
        + table("communicator: what else it costs", ("", ""), cells)
    )


def _queues_typed() -> list[str]:
    return ["queue", "queue 1", "queue 12", "q-", "q-0", "q-01"] * (KEYSTROKES // 100)


def _measure(spent: Times, floor: Floor, index: NameIndex, text: str) -> None:
    alone, found = index.search(text, kinds=None, limit=PAGE), list[Found]()
    spent["the names alone"][-1].append(milliseconds(lambda: index.search(text, kinds=None, limit=PAGE)))
    spent["the whole search"][-1].append(milliseconds(lambda: found.append(floor.search(text))))
    if alone.targets != tuple(one.target for one in found[0].targets) or alone.total != found[0].total:
        raise RuntimeError("the search and the index do not agree")
    if text.startswith("q"):
        spent["of these, a page of queues"][-1].append(spent["the whole search"][-1][-1])


def _changes(floor: Floor) -> Mapping[str, Callable[[], object]]:
    return {
        "nothing": lambda: None,
        "a status": floor.change_status,
        "a place": floor.take_place,
        "a name": floor.rename,
        "who serves a queue": floor.change_queue,
    }


def _after(floor: Floor, change: Callable[[], object], typed: Sequence[str], seed: int) -> list[float]:
    """The cost of a search whose text is another each time, each after one change."""
    spent: list[float] = []
    for text in Random(seed).sample(typed, CHANGES):  # noqa: S311 - the same each time
        change()
        spent.append(milliseconds(partial(floor.search, text)))
    return spent


def _distribution(title: str, spent: Times, rounds: int) -> str:
    rows = [
        (what, *(f"{median(percentile(values, part) for values in of_rounds):.3f}" for part in (0.5, 0.99, 1.0)))
        for what, of_rounds in spent.items()
    ]
    head = ("milliseconds", "median", "p99", "longest")
    return table(f"communicator: {title} (each figure the median of {rounds} rounds)", head, rows)
