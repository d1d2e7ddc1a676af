"""Who the agents of the replay are, and what they do: each is a thread at a desktop of its own, and acts at random."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Event as Flag
from typing import Protocol

from sms_transfer import Agent, ChannelStatus, Interaction, NoAnswer, Refused, Target, TransferService, Workspace
from sms_transfer.testing import RecordingUI

BULK = 3
"""How many conversations are handed over at once."""


class Centre(Protocol):
    """What an agent knows of the place where they work."""

    over: Flag

    @property
    def services(self) -> Sequence[TransferService]:
        """All over one store, each with another policy; whatever the policy, any of them may be called."""
        ...

    def wants_transfers(self) -> bool:
        """Whether there should have been more requests by now."""
        ...

    def some_target(self, by: Colleague) -> Target:
        """One of all that there are."""
        ...


class Colleague:
    """One agent at work, in one thread: looks at the screen, and does something at random."""

    def __init__(self, name: str, centre: Centre, seed: int) -> None:
        self.name, self.centre, self.service = name, centre, centre.services[0]
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
        acts = (self.answer, self.offer, self.hand_over_several, self.cancel, self.come_back, self.leave)
        try:
            while not self.centre.over.is_set():
                screen = self.look()
                time.sleep(self.random.uniform(0, 0.004))  # and meanwhile the screen falls behind
                (act,) = self.random.choices(acts, (50, 40, 2, 4, 4, 1))
                self.try_to(act, screen)
        finally:
            self.centre.over.set()  # one that fails must not leave the others working for ever

    def try_to(self, act: Callable[[RecordingUI], None], screen: RecordingUI) -> None:
        """Do it, unless somebody else was faster, or the target cannot take it."""
        try:
            act(screen)
        except Refused as refusal:
            self.refused[refusal.code] += 1

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

    def accept_all(self, screen: RecordingUI) -> None:
        """Accept whatever is offered."""
        for offer in tuple(screen.previews):
            self.service.accept(offer, by=self.name)

    def free(self, screen: RecordingUI) -> list[Interaction]:
        """The conversations that could be transferred now; none while there were enough transfers."""
        if not self.centre.wants_transfers():
            return []
        return [window.interaction for window in screen.windows.values() if window.pending is None]

    def offer(self, screen: RecordingUI) -> None:
        """Offer a conversation to somebody: an agent, or whoever stands for several; some have a fallback."""
        if free := self.free(screen):
            interaction = self.random.choice(free)
            self.random.choice(self.centre.services).request_transfer(
                interaction.id,
                self.centre.some_target(self),
                by=self.name,
                epoch=interaction.epoch,
                priority=self.random.choice((0, 0, 1, 5)),
                no_answer=self.random.choice((None, None, None, NoAnswer.NOT_READY, NoAnswer.LOG_OUT)),
                fallback=self.random.choice((None, None, self.centre.some_target(self))),
            )
            self.requested += 1

    def hand_over_several(self, screen: RecordingUI) -> None:
        """Offer several conversations to one target, in one call."""
        if names := [interaction.id for interaction in self.free(screen)[:BULK]]:
            service, target = self.random.choice(self.centre.services), self.centre.some_target(self)
            for result in service.transfer_many(names, target, by=self.name, key=f"bulk-{self.requested}"):
                if result.error is None:
                    self.requested += 1
                else:
                    self.refused[result.error.code] += 1

    def cancel(self, screen: RecordingUI) -> None:
        """Take an offer back."""
        if pending := [window.pending for window in screen.windows.values() if window.pending]:
            self.service.cancel(self.random.choice(pending).transfer_id, by=self.name)

    def come_back(self, _: RecordingUI) -> None:
        """Be Ready again, whatever became of the status when an offer was not answered."""
        self.service.log_in(self.name)
        self.service.set_ready(self.name)

    def leave(self, screen: RecordingUI) -> None:
        """Log out, and come back to an empty screen."""
        self.service.log_out(self.name)
        self.connection.close()
        time.sleep(self.random.uniform(0, 0.02))
        self.come_back(screen)
        self.sit_down()


def agents(number_of: int, conversations: int) -> Iterator[Agent]:
    """Everybody, with places for half as many conversations again as there are."""
    room = -(-3 * conversations // (2 * number_of))
    for number in range(1, number_of + 1):
        name = f"agent-{number}"
        skills, groups = ({"french"} if number % 3 == 1 else set[str]()), {"day" if number % 2 else "night"}
        yield Agent(name, name, status=ChannelStatus.READY, capacity=room, skills=skills, groups=groups)


def teams(everybody: Sequence[Agent]) -> dict[Target, frozenset[str]]:
    """Who serves what: everybody the routing point, some the queue, and groups and skills whoever has them."""
    served = {Target.routing_point("front"): frozenset(agent.id for agent in everybody)}
    served[Target.queue("repairs")] = frozenset(agent.id for agent in everybody[1::2])
    for agent in everybody:
        for target in (*map(Target.agent_group, agent.groups), *map(Target.skill, agent.skills)):
            served[target] = served.get(target, frozenset()) | {agent.id}
    return served
