"""Replay real texts while many agents keep handing the conversations to each other, and check that none goes astray.

Run it with ``python examples/replay.py FILE``; the file is UTF-8, one text a line. Every agent is a thread at a
desktop of its own, and offers to colleagues, queues, groups and skills, accepts, rejects, cancels, ignores, logs out
and in, at random (`replay_agents`). At the end everything that was recorded and everything that the desktops showed is
compared with the file (`replay_checks`).

``--store`` says where it is kept: ``memory``, a new SQLite file (``FILE.sqlite``), or ``postgresql://…``, in a schema
of its own that is gone at the end.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from uuid import uuid4

from replay_agents import Colleague, agents, teams
from replay_checks import CENTRE_CHECKS, CHECKS, EXPLAINED, Evidence, Moment, Whole, check_explained
from sms_transfer import (
    Contact,
    Event,
    Handover,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    Media,
    OwnershipMoved,
    Target,
    TransferAccepted,
    TransferClosed,
    TransferPolicy,
    TransferRequested,
    TransferService,
)
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import RingsOnCommit, TransferStore

LONGEST = 65_536  # characters that the library takes as one text
TIMEOUT = timedelta(milliseconds=60)
ROUTING_TIMEOUT = timedelta(milliseconds=250)
SETTLING = 3 * ROUTING_TIMEOUT  # at the end: the request's own deadline, the fallback's, and some more
HANDOVERS = ((Handover.ON_ACCEPT, False), (Handover.ON_PLACEMENT, False), (Handover.ON_PLACEMENT, True))
"""With the one and the other policy by turns, the last with return to the sender."""
LISTED = 10  # faults of one kind that are told
ANSWERS = {
    "accepted": TransferAccepted,
    "rejected": InvitationRejected,
    "not answered": InvitationExpired,
    "withdrawn": InvitationWithdrawn,
}
OPTIONS = (
    ("agents", 12, 2, "agents at work, each a thread"),
    ("conversations", 24, 1, "conversations that the texts go to"),
    ("transfers", 3_000, 0, "transfer requests, about"),
    ("seconds", 40, 0, "after so many, do not wait for transfers any more"),
    ("seed", 1, 0, "what the agents and the texts do; threads still meet by chance"),
)


class Replay:
    """The centre: its services, its agents and teams, and its conversations."""

    def __init__(self, texts: Sequence[str], options: argparse.Namespace, store: TransferStore) -> None:
        self.texts, self.options, self.allowed, self.repeats = texts, options, 0.0, 0
        self.random = random.Random(options.seed)
        self.over, self.moments = Flag(), list[Moment]()
        messaging = None if isinstance(store, RingsOnCommit) else InProcessMessaging()  # one for all
        self.store, self.policies = store, tuple(policies(10 * options.transfers))
        self.services = [TransferService(store, policy=policy, messaging=messaging) for policy in self.policies]
        self.service = self.services[0]
        self.agents = {agent.id: agent for agent in agents(options.agents, options.conversations)}
        for agent in self.agents.values():
            self.service.add_agent(agent)
        self.teams = teams(list(self.agents.values()))
        self.service.add_queue(Target.queue("repairs"), self.teams[Target.queue("repairs")])
        self.service.add_queue(Target.routing_point("front"), self.teams[Target.routing_point("front")])
        self.expected: dict[str, list[tuple[str, str]]] = {}
        for number in range(options.conversations):
            self.expected[f"c-{number}"] = []
            owner, contact = list(self.agents)[number % len(self.agents)], Contact(f"+1415555{number:04}")
            self.service.open_interaction(Interaction(f"c-{number}", media=Media.SMS, contact=contact, owner=owner))
        self.colleagues = [Colleague(name, self, options.seed) for name in self.agents]

    def some_target(self, by: Colleague) -> Target:
        """Another agent, half of the time, or a target that stands for several."""
        if by.random.randrange(2):
            return Target.agent(by.random.choice([name for name in self.agents if name != by.name]))
        return by.random.choice(list(self.teams))

    def wants_transfers(self) -> bool:
        """Whether there should have been more requests by now: they are spread evenly over the texts."""
        return sum(colleague.requested for colleague in self.colleagues) < self.allowed

    def run(self) -> None:
        """Deliver every text while the agents work, then let what is still under way come to its end."""
        with ThreadPoolExecutor(len(self.colleagues)) as pool, self.service.ticking(TIMEOUT / 4):
            working = [pool.submit(colleague.work) for colleague in self.colleagues]
            try:
                self.deliver()
            finally:
                self.over.set()
        for done in working:
            done.result()
        self.see_all()
        self.pause()
        self.settle()

    def pause(self) -> None:
        """Have everybody hand over all they have while nobody is Ready, and come back: nothing may be left waiting."""
        for colleague in self.colleagues:
            colleague.come_back(colleague.look())
            self.service.set_not_ready(colleague.name, "pause")
        for colleague in self.colleagues:
            names = [name for name, window in colleague.look().windows.items() if window.pending is None]
            self.service.transfer_many(names, Target.routing_point("front"), by=colleague.name)
        for colleague in self.colleagues:
            colleague.come_back(colleague.look())
        self.see_all()

    def settle(self) -> None:
        """Have everybody accept, until nothing waits any more."""
        until = time.monotonic() + SETTLING.total_seconds()
        while self.live() and time.monotonic() < until:
            self.service.tick()
            for colleague in self.colleagues:
                colleague.try_to(colleague.accept_all, colleague.look())
            time.sleep(TIMEOUT.total_seconds() / 4)
        self.see_all()
        for colleague in self.colleagues:
            colleague.look()

    def see_all(self) -> None:
        """Let time do what it does, and note what is recorded then; what nobody can take may wait."""
        self.service.tick()
        agents, conversations = map(self.service.agent, self.agents), map(self.service.interaction, self.expected)
        self.moments.append(Moment(list(agents), list(conversations)))

    def live(self) -> bool:
        """Whether any transfer is under way."""
        return any(self.service.interaction(name).transfer for name in self.expected)

    def deliver(self) -> None:
        """Receive text after text, some of them twice as providers do, and wait for the transfers to keep up."""
        until = time.monotonic() + self.options.seconds
        names, progress = list(self.expected), Progress(len(self.texts))
        for number, text in enumerate(self.texts, 1):
            name, line = self.random.choice(names), f"line-{number}"
            self.expected[name].append((line, text))
            self.service.receive_message(name, text, message_id=line)
            if self.random.randrange(10) == 0:
                self.repeats += 1
                self.service.receive_message(name, text, message_id=line)
            self.allowed = self.options.transfers * number / len(self.texts)
            while self.wants_transfers() and time.monotonic() < until and not self.over.is_set():
                time.sleep(0.001)
            progress.show(number)


class Progress:
    """A bar on a terminal, a line at each quarter elsewhere; on stderr, so that stdout has the summary only."""

    def __init__(self, total: int) -> None:
        self.total, self.drawn = total, 0
        self.steps = 50 if sys.stderr.isatty() else 4

    def show(self, number: int) -> None:
        """Draw it, if it has grown."""
        step = self.steps * number // self.total
        if step == self.drawn:
            return
        self.drawn = step
        if sys.stderr.isatty():
            end = "\n" if number == self.total else ""
            print(f"\r[{'#' * step:.<{self.steps}}] {number:,} texts", end=end, file=sys.stderr, flush=True)
        else:
            print(f"{number:,} of {self.total:,} texts", file=sys.stderr)


def policies(hops: int) -> Iterator[TransferPolicy]:
    """One for each of the ways in which ownership can go over."""
    for handover, returns in HANDOVERS:
        yield TransferPolicy(
            invitation_timeout=TIMEOUT,
            routing_timeout=ROUTING_TIMEOUT,
            max_hops=hops,
            handover=handover,
            return_to_sender=returns,
        )


def gather(replay: Replay) -> tuple[Whole, list[Evidence]]:
    """Everything that was recorded, and everything that the desktops showed: in all, and by conversation."""
    events, page = list[Event](), replay.service.events()
    while page.events:
        events.extend(page.events)
        page = replay.service.events(after=page.cursor)
    requests = {
        event.transfer_id: replay.service.transfer(event.transfer_id)
        for event in events
        if isinstance(event, TransferRequested)
    }
    told = [(one.name, what) for one in replay.colleagues for screen in one.screens for _, what in screen.calls]
    windows = [(name, what) for name, what in told if isinstance(what, InteractionWindow)]
    offers = [(name, what) for name, what in told if isinstance(what, InteractionPreview)]
    still_open = [(one.name, window) for one in replay.colleagues for window in one.look().windows.values()]
    evidence = [
        Evidence(
            name,
            expected,
            interaction=replay.service.interaction(name),
            history=replay.service.history(name),
            feed=[event for event in events if event.interaction_id == name],
            requests=requests,
            teams=replay.teams,
            transcript=replay.service.transcript(name),
            windows=[one for one in windows if one[1].interaction.id == name],
            offers=[one for one in offers if one[1].interaction_id == name],
            open_windows=[one for one in still_open if one[1].interaction.id == name],
        )
        for name, expected in replay.expected.items()
    ]
    return Whole(events, requests, replay.teams, replay.moments), evidence


def summary(replay: Replay, whole: Whole, evidence: Sequence[Evidence], took: float) -> Iterator[str]:
    """What happened, in numbers."""
    outcomes = Counter(str(event.outcome.state) for event in whole.feed if isinstance(event, TransferClosed))
    asked = Counter(str(event.target.kind) for event in whole.feed if isinstance(event, TransferRequested))
    kinds = Counter(type(event) for event in whole.feed)
    moves = [event for event in whole.feed if isinstance(event, OwnershipMoved)]
    returned = sum(event.owner == whole.requests[event.transfer_id].sender for event in moves)
    placed = sum(isinstance(event.owner, Target) for event in moves)
    refused = sum((one.refused for one in replay.colleagues), Counter[str]())
    texts = sum(len(found.transcript) for found in evidence)
    yield f"{texts:,} of {len(replay.texts):,} texts delivered, {replay.repeats:,} of them twice, in {took:.1f} s"
    yield f"{len(evidence)} conversations, {len(replay.colleagues)} agents, {outcomes.total():,} transfers:"
    yield from (f"  {outcome:20} {count:6,}" for outcome, count in outcomes.most_common())
    yield f"{asked.total():,} requests:"
    yield from (f"  {f'to {kind}':20} {count:6,}" for kind, count in asked.most_common())
    yield f"{placed:,} times a queue became the owner, {returned:,} times the sender again"
    yield f"{kinds[InvitationSent]:,} offers:"
    yield from (f"  {f'offer {word}':20} {kinds[kind]:6,}" for word, kind in ANSWERS.items())
    yield f"{refused.total():,} commands refused"
    yield from (f"  {code:20} {count:6,}" for code, count in refused.most_common())


def report(replay: Replay, took: float) -> bool:
    """Print the summary and what the checks found; tell whether all is well."""
    (whole, evidence), well = gather(replay), True
    print(*summary(replay, whole, evidence, took), sep="\n")
    found = {promise: [fault for one in evidence for fault in check(one)] for promise, check in CHECKS.items()}
    found |= {promise: list(check(whole)) for promise, check in CENTRE_CHECKS.items()}
    found[EXPLAINED] = list(check_explained(replay.store, replay.policies))
    for promise, faults in found.items():
        print(f"{'FAILED' if faults else 'ok':6} {promise}", *faults[:LISTED], sep="\n       ")
        well = well and not faults
    return well


@contextmanager
def store_at(place: str) -> Generator[TransferStore]:
    """The store that the option names, for as long as the context lasts."""
    if place == "memory":
        yield MemoryStore()
    elif not place.startswith("postgres"):
        with SqliteStore(place) as store:
            yield store
    else:
        import psycopg  # noqa: PLC0415 - it needs an extra
        from psycopg import sql  # noqa: PLC0415

        from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415

        schema = f"replay_{uuid4().hex}"
        try:
            with PostgresStore(place, schema=schema) as shared:
                yield shared
        finally:
            with closing(psycopg.connect(place, autocommit=True)) as connection:
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def read_texts(path: Path) -> list[str]:
    """The texts of a file; an empty line is an empty text.

    Raises:
        ValueError: it cannot be read, is not UTF-8, has no texts, or one that is too long.
    """
    try:
        texts = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte {error.start} cannot be read") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if texts == [""]:
        raise ValueError("is empty")
    for number, text in enumerate(texts, 1):
        if len(text) > LONGEST:
            raise ValueError(f"has a text of more than {LONGEST:,} characters in line {number}")
    return texts


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Replay texts while agents transfer the conversations, and check.")
    parser.add_argument("file", type=Path, help="UTF-8, one text a line")
    for name, default, _, words in OPTIONS:
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{words} ({default})")
    parser.add_argument("--store", default="memory", help="memory, a new FILE.sqlite, or postgresql://… (memory)")
    options = parser.parse_args(arguments)
    for name, _, least, _ in OPTIONS:
        if getattr(options, name) < least:
            parser.error(f"--{name} must be {least} or more")
    if not options.store.startswith("postgres") and Path(options.store).exists():
        parser.error(f"--store {options.store} is there already; name a new file")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a file: 0 if every check holds, 1 if one fails, 2 if the file or an option is no good."""
    options = options_of(arguments)
    try:
        texts = read_texts(options.file)
    except ValueError as error:
        print(f"replay: {options.file} {error}", file=sys.stderr)
        return 2
    with store_at(options.store) as store:
        began = time.monotonic()
        replay = Replay(texts, options, store)
        replay.run()
        return 0 if report(replay, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
