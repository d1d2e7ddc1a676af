"""Replay real texts while many agents keep handing the conversations to each other, and check that none goes astray.

Run it with ``python examples/replay.py FILE``; the file is UTF-8, one text a line. Every agent is a thread at a
desktop of its own, and offers, accepts, rejects, cancels, ignores, logs out and in, at random. At the end everything
that was recorded and everything that the desktops showed is compared with the file, by `replay_checks`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag

from replay_checks import CHECKS, Evidence
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Event,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Media,
    Refused,
    Target,
    TransferClosed,
    TransferPolicy,
    TransferService,
    Workspace,
)
from sms_transfer.testing import RecordingUI

LONGEST = 65_536  # characters that the library takes as one text
TIMEOUT = timedelta(milliseconds=60)
LISTED = 10  # faults of one kind that are told
OPTIONS = (
    ("agents", 12, 2, "agents at work, each a thread"),
    ("conversations", 24, 1, "conversations that the texts go to"),
    ("transfers", 3_000, 0, "transfer requests, about"),
    ("seconds", 40, 0, "after so many, do not wait for transfers any more"),
    ("seed", 1, 0, "what the agents and the texts do; threads still meet by chance"),
)


class Colleague:
    """One agent at work, in one thread: looks at the screen, and does something at random."""

    def __init__(self, name: str, replay: Replay, seed: int) -> None:
        self.name, self.replay, self.service = name, replay, replay.service
        self.random = random.Random(f"{seed} {name}")
        self.screens: list[RecordingUI] = []
        self.ignored: set[str] = set()
        self.refused = Counter[str]()
        self.requested = 0
        self.sit_down()

    def sit_down(self) -> None:
        """Begin with an empty screen. What is to be shown on it waits for this thread, as in any front end."""
        self.waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.screens.append(RecordingUI())
        workspace = Workspace(self.name, self.screens[-1])
        self.connection = self.service.connect(workspace, dispatch=self.waiting.put)
        self.look()

    def look(self) -> RecordingUI:
        """Bring the screen up to date."""
        while not self.waiting.empty():
            self.waiting.get()()
        return self.screens[-1]

    def work(self) -> None:
        """Go on until the replay is over."""
        try:
            while not self.replay.over.is_set():
                screen = self.look()
                time.sleep(self.random.uniform(0, 0.004))  # and meanwhile the screen falls behind
                (act,) = self.random.choices((self.answer, self.offer, self.cancel, self.leave), (50, 45, 4, 1))
                try:
                    act(screen)
                except Refused as refusal:  # somebody else was faster, or the target cannot take it
                    self.refused[refusal.code] += 1
        finally:
            self.replay.over.set()  # one that fails must not leave the others working for ever

    def answer(self, screen: RecordingUI) -> None:
        """Accept, reject or ignore an offer."""
        if open_ := [offer for offer in screen.previews if offer not in self.ignored]:
            offer = self.random.choice(open_)
            (answer,) = self.random.choices(("accept", "reject", "ignore"), (6, 2, 2))
            if answer == "accept":
                self.service.accept(offer, by=self.name)
            elif answer == "reject":
                self.service.reject(offer, by=self.name, reason="busy")
            else:
                self.ignored.add(offer)

    def offer(self, screen: RecordingUI) -> None:
        """Offer a conversation to somebody."""
        free = [window.interaction for window in screen.windows.values() if window.pending is None]
        if free and self.replay.wants_transfers():
            interaction = self.random.choice(free)
            other = self.random.choice([one.name for one in self.replay.colleagues if one is not self])
            self.service.request_transfer(interaction.id, Target.agent(other), by=self.name, epoch=interaction.epoch)
            self.requested += 1

    def cancel(self, screen: RecordingUI) -> None:
        """Take an offer back."""
        if pending := [window.pending for window in screen.windows.values() if window.pending]:
            self.service.cancel(self.random.choice(pending).transfer_id, by=self.name)

    def leave(self, _: RecordingUI) -> None:
        """Log out, and come back to an empty screen."""
        self.service.log_out(self.name)
        self.connection.close()
        time.sleep(self.random.uniform(0, 0.02))
        self.service.log_in(self.name)
        self.service.set_ready(self.name)
        self.sit_down()


class Replay:
    """The centre: its service, its agents and its conversations."""

    def __init__(self, texts: Sequence[str], options: argparse.Namespace) -> None:
        self.texts, self.options, self.allowed, self.repeats = texts, options, 0.0, 0
        self.random = random.Random(options.seed)
        self.over = Flag()
        policy = TransferPolicy(invitation_timeout=TIMEOUT, max_hops=10 * options.transfers)
        self.service = TransferService(policy=policy)
        names = [f"agent-{number}" for number in range(1, options.agents + 1)]
        room = 2 * -(-options.conversations // options.agents)
        for name in names:
            self.service.add_agent(Agent(name, name, status=ChannelStatus.READY, capacity=room))
        self.expected: dict[str, list[tuple[str, str]]] = {}
        for number in range(options.conversations):
            self.expected[f"c-{number}"] = []
            owner, contact = names[number % len(names)], Contact(f"+1415555{number:04}")
            self.service.open_interaction(Interaction(f"c-{number}", media=Media.SMS, contact=contact, owner=owner))
        self.colleagues = [Colleague(name, self, options.seed) for name in names]

    def wants_transfers(self) -> bool:
        """Whether there should have been more requests by now: they are spread evenly over the texts."""
        return sum(colleague.requested for colleague in self.colleagues) < self.allowed

    def run(self) -> None:
        """Deliver every text while the agents work, then let the last offers expire and the screens catch up."""
        with ThreadPoolExecutor(len(self.colleagues)) as pool, self.service.ticking(TIMEOUT / 4):
            working = [pool.submit(colleague.work) for colleague in self.colleagues]
            try:
                self.deliver()
            finally:
                self.over.set()
        for done in working:
            done.result()
        time.sleep(TIMEOUT.total_seconds())
        self.service.tick()
        for colleague in self.colleagues:
            colleague.look()

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


def gather(replay: Replay) -> Iterator[Evidence]:
    """Everything that was recorded, and everything that the desktops showed, by conversation."""
    events, page = list[Event](), replay.service.events()
    while page.events:
        events.extend(page.events)
        page = replay.service.events(after=page.cursor)
    told = [(one.name, what) for one in replay.colleagues for screen in one.screens for _, what in screen.calls]
    windows = [(name, what) for name, what in told if isinstance(what, InteractionWindow)]
    offers = [(name, what) for name, what in told if isinstance(what, InteractionPreview)]
    still_open = [(one.name, window) for one in replay.colleagues for window in one.look().windows.values()]
    for name, expected in replay.expected.items():
        yield Evidence(
            name,
            expected,
            owner=replay.service.interaction(name).owner,
            history=replay.service.history(name),
            feed=[event for event in events if event.interaction_id == name],
            transcript=replay.service.transcript(name),
            windows=[one for one in windows if one[1].interaction.id == name],
            offers=[one for one in offers if one[1].interaction_id == name],
            open_windows=[one for one in still_open if one[1].interaction.id == name],
        )


def summary(replay: Replay, evidence: Sequence[Evidence], took: float) -> Iterator[str]:
    """What happened, in numbers."""
    closed = [event for found in evidence for event in found.feed if isinstance(event, TransferClosed)]
    outcomes = Counter(event.outcome.state.value for event in closed)
    refused = sum((one.refused for one in replay.colleagues), Counter[str]())
    texts = sum(len(found.transcript) for found in evidence)
    yield f"{texts:,} of {len(replay.texts):,} texts delivered, {replay.repeats:,} of them twice, in {took:.1f} s"
    yield f"{len(evidence)} conversations, {len(replay.colleagues)} agents, {len(closed):,} transfers:"
    yield from (f"  {outcome:20} {count:6,}" for outcome, count in outcomes.most_common())
    yield f"{outcomes['accepted'] + outcomes['rejected']:,} offers answered"
    yield f"{refused.total():,} commands refused"
    yield from (f"  {code:20} {count:6,}" for code, count in refused.most_common())


def report(replay: Replay, took: float) -> bool:
    """Print the summary and what the checks found; tell whether all is well."""
    evidence, well = list(gather(replay)), True
    print(*summary(replay, evidence, took), sep="\n")
    for promise, check in CHECKS.items():
        faults = [fault for found in evidence for fault in check(found)]
        print(f"{'FAILED' if faults else 'ok':6} {promise}", *faults[:LISTED], sep="\n       ")
        well = well and not faults
    return well


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
    options = parser.parse_args(arguments)
    for name, _, least, _ in OPTIONS:
        if getattr(options, name) < least:
            parser.error(f"--{name} must be {least} or more")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a file: 0 if every check holds, 1 if one fails, 2 if the file or an option is no good."""
    options = options_of(arguments)
    try:
        texts = read_texts(options.file)
    except ValueError as error:
        print(f"replay: {options.file} {error}", file=sys.stderr)
        return 2
    began = time.monotonic()
    replay = Replay(texts, options)
    replay.run()
    return 0 if report(replay, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
