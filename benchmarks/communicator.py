"""Whether the whole search of the team communicator keeps up with who types, and with what changes in between.

Agents in memory, queues beside them. Each keystroke asks what the names' index alone finds, and then the team
communicator with a conversation: names, presence, and every reason of each target of a page of 50. Between searches
somebody's status, place or name changes; the next search must see it, and must not read everybody again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

import attrs

from benchmarks.effort import Effort
from benchmarks.people import keystrokes, people
from benchmarks.progress import progress
from benchmarks.result import SAME, Cell, Column, Drawing, Kind, Result, Table
from benchmarks.timing import Spread, milliseconds, percentiles, ratios
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

MOST: Final = 5
PAGE: Final = 50


@attrs.frozen
class Size:
    """How large the centre is, and how much is done in it.

    Args:
        members: agents who serve each queue.
        keystrokes: in each round.
        changes: of each kind, in each round.
    """

    agents: int
    queues: int
    members: int
    keystrokes: int
    changes: int


USUAL: Final = Size(agents=100_000, queues=1_000, members=100, keystrokes=1_000, changes=200)
SMOKE: Final = Size(agents=2_000, queues=20, members=10, keystrokes=100, changes=20)
SENDER: Final = "a-000000"
CONVERSATION: Final = "interaction"
STATUSES: Final = (ChannelStatus.READY, ChannelStatus.READY, ChannelStatus.NOT_READY, ChannelStatus.LOGGED_OUT)

ALONE: Final = "the names alone"
WHOLE: Final = "the whole search"
QUEUES_ALONE: Final = "the names alone, queues"
QUEUES_WHOLE: Final = "the whole search, queues"
NOTHING: Final = "nothing"
TO_ALONE: Final = "the names alone"
TO_NOTHING: Final = "a search after nothing"

Times = dict[str, list[list[float]]]
"""Of each thing measured, a list for each round, in milliseconds."""


class Centre:
    """A centre of so many, and one who looks for a target.

    Args:
        called: the names of all agents.
    """

    def __init__(self, called: Mapping[Target, str], size: Size) -> None:
        self._size = size
        self._chance = Random(2)  # noqa: S311 - the same each time
        self._ids = [target.id for target in called]
        self.service = TransferService()
        for target, name in called.items():
            status = ChannelStatus.READY if target.id == SENDER else self._chance.choice(STATUSES)
            self.service.add_agent(Agent(target.id, name, status=status))
        self.queues = {Target.queue(f"q-{number:04}"): f"Queue {number}" for number in range(size.queues)}
        for queue, name in self.queues.items():
            self.service.add_queue(queue, self._chance.sample(self._ids, size.members), name=name)
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
        self.service.update_queue(queue, self._chance.sample(self._ids, self._size.members))

    def _anybody(self) -> str:
        return self._chance.choice(self._ids[1:])

    def _open(self, interaction_id: str, owner: str) -> None:
        contact = Contact("+14155550100")
        self.service.open_interaction(Interaction(interaction_id, media=Media.SMS, contact=contact, owner=owner))


def run(effort: Effort) -> Result:
    """Measure."""
    size, rounds = effort.pick(SMOKE, USUAL), effort.at_most(MOST).rounds
    called = people(size.agents)
    centre = Centre(called, size)
    first = milliseconds(lambda: centre.search(""))
    begin = perf_counter()
    index = NameIndex({**called, **centre.queues}.items())
    built = (perf_counter() - begin) * 1e3
    typed = [*keystrokes(called, size.keystrokes), *_queues_typed(size)]
    spent = _typed(centre, index, typed, rounds)
    changed: Times = {
        what: [_after(centre, change, typed, seed, size.changes) for seed in range(rounds)]
        for what, change in _changes(centre).items()
    }
    targets = size.agents + size.queues
    return Result(
        "The team communicator",
        f"A search after every keystroke among {targets:,} targets: names, presence, and every reason of each target on"
        " a page of 50, against the search of the names alone; and the next search after something has changed, against"
        " one after nothing has.",
        "The first ratio is what presence, load and reasons cost on top of finding names, the second what it costs to"
        " see a change; a search that read everybody again would be the first search below.",
        (
            _asked(spent, f"{len(typed):,} keystrokes ({rounds} rounds)"),
            _compared(f"The next search after one of {size.changes} changes ({rounds} rounds)", changed, TO_NOTHING),
            _first(first, built),
        ),
    )


def _typed(centre: Centre, index: NameIndex, typed: Sequence[str], rounds: int) -> Times:
    spent: Times = {ALONE: [], WHOLE: [], QUEUES_ALONE: [], QUEUES_WHOLE: []}
    for done in range(rounds):
        for of_rounds in spent.values():
            of_rounds.append([])
        for at, text in enumerate(typed):
            progress("communicator", done * len(typed) + at, rounds * len(typed))
            _measure(spent, centre, index, text)
    return spent


def _queues_typed(size: Size) -> list[str]:
    return ["queue", "queue 1", "queue 12", "q-", "q-0", "q-01"] * (size.keystrokes // 100)


def _measure(spent: Times, centre: Centre, index: NameIndex, text: str) -> None:
    alone, found = index.search(text, kinds=None, limit=PAGE), list[Found]()
    spent[ALONE][-1].append(milliseconds(lambda: index.search(text, kinds=None, limit=PAGE)))
    spent[WHOLE][-1].append(milliseconds(lambda: found.append(centre.search(text))))
    if alone.targets != tuple(one.target for one in found[0].targets) or alone.total != found[0].total:
        raise RuntimeError("the search and the index do not agree")
    if text.startswith("q"):
        spent[QUEUES_ALONE][-1].append(spent[ALONE][-1][-1])
        spent[QUEUES_WHOLE][-1].append(spent[WHOLE][-1][-1])


def _changes(centre: Centre) -> Mapping[str, Callable[[], object]]:
    return {
        NOTHING: lambda: None,
        "a status": centre.change_status,
        "a place": centre.take_place,
        "a name": centre.rename,
        "who serves a queue": centre.change_queue,
    }


def _after(centre: Centre, change: Callable[[], object], typed: Sequence[str], seed: int, changes: int) -> list[float]:
    """The cost of a search whose text is another each time, each after one change."""
    spent: list[float] = []
    for text in Random(seed).sample(typed, changes):  # noqa: S311 - the same each time
        change()
        spent.append(milliseconds(partial(centre.search, text)))
    return spent


def _asked(spent: Times, title: str) -> Table:
    """Each whole search beside the names alone of the same texts."""
    people = _compared(title, {name: spent[name] for name in (ALONE, WHOLE)}, TO_ALONE)
    queues = _compared(title, {name: spent[name] for name in (QUEUES_ALONE, QUEUES_WHOLE)}, TO_ALONE)
    return attrs.evolve(people, rows=people.rows + queues.rows)


def _compared(title: str, spent: Times, to: str) -> Table:
    """Every row beside the first."""
    base = next(iter(spent))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            what,
            *(median(percentiles(of_rounds, part)) for part in (0.5, 0.99, 1.0)),
            *(
                ratios(percentiles(of_rounds, part), percentiles(spent[base], part)) if what != base else SAME
                for part in (0.5, 0.99)
            ),
        )
        for what, of_rounds in spent.items()
    )
    columns = (
        Column(""), Column("median ms", ".3f"), Column("99 % within, ms", ".3f"), Column("longest, ms", ".3f"),
        Column(f"median to {to}"), Column(f"99 % to {to}"),
    )  # fmt: skip
    drawing = Drawing(Kind.BARS, f"median to {to}", ("",), f"times {to}, the middle one of all keystrokes")
    return Table(title, columns, rows, drawing)


def _first(first: float, built: float) -> Table:
    rows = (
        ("an index of the names, built", built, SAME),
        ("the first search, which reads everybody", first, Spread(*[first / built] * 3)),
    )
    return Table("What comes before", (Column(""), Column("ms", ",.0f"), Column("to the index")), rows)
