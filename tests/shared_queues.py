"""Processes whose agents share queues: they come and go, answer or do not, and finish what they have."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from random import Random
from time import sleep
from typing import Final, Self

from fragile_stores import STORES
from sms_transfer import NoAnswer, Refused, Target, TransferPolicy, TransferService

PATIENCE: Final = 120.0
POLICY: Final = TransferPolicy(
    invitation_timeout=timedelta(milliseconds=400), routing_timeout=timedelta(hours=1), no_answer=NoAnswer.NOT_READY
)
QUEUES: Final = {Target.queue("north"): range(6), Target.queue("south"): range(3, 9)}
"""Which agents serve which; three of them serve both."""
AGENTS: Final = 9
CAPACITY: Final = 2


class Worker:
    """One process's agents, who take turns."""

    def __init__(self, service: TransferService, agents: list[str], seed: int) -> None:
        self._service = service
        self._agents = agents
        self._random = Random(seed)  # noqa: S311 - a test is to be repeated

    def storm(self) -> None:
        """Do anything, with anybody, and now and then nothing for a while."""
        agent_id = self._random.choice(self._agents)
        action = self._random.choice(("work", "work", "work", "pause", "ready", "ready", "leave", "tick", "dawdle"))
        if action == "work":
            self._work(agent_id, rejects=0.2)
        elif action == "pause":
            self._attempt(lambda: self._service.set_not_ready(agent_id, "coffee"))
        elif action == "leave":
            self._attempt(lambda: self._service.log_out(agent_id))
        elif action == "ready":
            self._be_ready(agent_id)
        elif action == "tick":
            self._service.tick()
        else:
            sleep(0.02)

    def calm(self) -> None:
        """Everybody is Ready, takes what comes and finishes it."""
        for agent_id in self._agents:
            self._be_ready(agent_id)
            self._work(agent_id, rejects=0)
        self._service.tick()

    def rest(self) -> None:
        """Nobody takes anything any more."""
        for agent_id in self._agents:
            self._work(agent_id, rejects=0)
            self._service.set_not_ready(agent_id)

    def one_each(self) -> None:
        """Everybody takes one after the other."""
        for agent_id in self._agents:
            self._be_ready(agent_id)
            self._work(agent_id, rejects=0)

    def _work(self, agent_id: str, *, rejects: float) -> None:
        snapshot = self._service.snapshot(agent_id)
        for invitation in snapshot.invitations:
            rejected = self._random.random() < rejects
            answer = self._service.reject if rejected else self._service.accept
            self._attempt(lambda answer=answer, id_=invitation.id: answer(id_, by=agent_id))  # type: ignore[misc] # bound at once
        for interaction in snapshot.interactions:
            self._attempt(lambda id_=interaction.id: self._service.mark_done(id_, by=agent_id))  # type: ignore[misc] # likewise

    def _be_ready(self, agent_id: str) -> None:
        self._service.log_in(agent_id)
        self._attempt(lambda: self._service.set_ready(agent_id))

    def _attempt(self, call: Callable[[], object]) -> None:
        with suppress(Refused):  # another process, or time, was faster
            call()


ORDERS: Final[Mapping[str, Callable[[Worker], None]]] = {
    "storm": Worker.storm,
    "calm": Worker.calm,
    "rest": Worker.rest,
    "one each": Worker.one_each,
}


def run(where: tuple[str, str, str], agents: list[str], seed: int, orders: Connection) -> None:
    """What one process does until it is told to end: what it was told last, again and again, or once.

    Args:
        where: the engine, a key of `STORES`; the place; the schema.
    """
    engine, place, schema = where
    with STORES[engine](place, schema, 1) as store:
        worker = Worker(TransferService(store, policy=POLICY), agents, seed)
        order, lasting = "", False
        while order != "end":
            if not lasting or orders.poll():
                order, lasting = orders.recv()
            if order in ORDERS:
                ORDERS[order](worker)
            if not lasting:
                orders.send(order)


class Workers:
    """Some processes on one store, with the agents dealt out among them."""

    def __init__(self, count: int, where: tuple[str, str, str]) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would take this process's connections along
        pipes = [spawn.Pipe() for _ in range(count)]
        self._ends = [here for here, _ in pipes]
        names = [f"agent {number}" for number in range(AGENTS)]
        self._processes = [
            spawn.Process(target=run, args=(where, names[number::count], number, there), daemon=True)
            for number, (_, there) in enumerate(pipes)
        ]
        for process in self._processes:
            process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.all("end")
        for process in self._processes:
            process.join(PATIENCE)

    def __len__(self) -> int:
        return len(self._ends)

    def keep(self, order: str) -> None:
        """Have all of them do this from now on, until they are told something else."""
        for end in self._ends:
            end.send((order, True))

    def all(self, order: str) -> None:
        """Have all of them do this once, and wait until they have."""
        for end in self._ends:
            end.send((order, False))
        for end in self._ends:
            assert end.poll(PATIENCE), "a process does not answer"
            assert order == end.recv()
