"""Processes that carry out commands on one store at once: each step begins for all of them at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Final, Self

import attrs

from fragile_stores import STORES
from lives import Hand
from sms_transfer import SmsTransferError, Target, TransferRequest, TransferService
from sms_transfer.adapters.in_process import RandomIds
from sms_transfer.core.commands import Need

_PATIENCE: Final = 120.0


@attrs.frozen(kw_only=True)
class Ask:
    """One command for one process.

    Args:
        do: a key of `CALLS`.
        at: what time it is for that process.
        name: the ticket or the transfer.
    """

    do: str
    at: int
    by: str = ""
    interaction: str = ""
    name: str = ""
    target: str = ""


Answer = SmsTransferError | str | int | tuple[str, ...] | None
"""The error of ours that a command was refused with, or: the request it made, the places taken, what has expired."""


class Racer:
    """One process's part."""

    def __init__(self, engine: str, place: str, schema: str) -> None:
        self.store = STORES[engine](place, schema, 1)
        self.clock = Hand(0)
        self.service = TransferService(self.store, clock=self.clock, ids=RandomIds())
        self.mine: TransferRequest | None = None

    def answer(self, ask: Ask) -> Answer:
        """Carry it out."""
        self.clock.at = ask.at
        try:
            return CALLS[ask.do](self, ask)
        except SmsTransferError as error:
            return error

    def request(self, ask: Ask, key: str | None = None) -> str:
        """Ask for a transfer, and remember it."""
        self.mine = None
        target = Target.agent(ask.target)
        self.mine = self.service.request_transfer(ask.interaction, target, by=ask.by, epoch=0, key=key)
        return self.mine.id

    def give_back(self) -> None:
        """Cancel the request that was made last, if one was."""
        if self.mine is not None:
            self.service.cancel(self.mine.id, by=self.mine.sender)
            self.mine = None

    def load(self, ask: Ask) -> int:
        """The places that the target has taken."""
        return self.store.read(Need(interaction_id="-", load_of=ask.target), self.clock.now()).load


def _silently(call: Callable[[TransferService, Ask], object]) -> Callable[[Racer, Ask], Answer]:
    def silent(racer: Racer, ask: Ask) -> None:
        call(racer.service, ask)

    return silent


CALLS: Final[Mapping[str, Callable[[Racer, Ask], Answer]]] = {
    "accept": _silently(lambda s, a: s.accept(a.name, by=a.by)),
    "reject": _silently(lambda s, a: s.reject(a.name, by=a.by)),
    "cancel": _silently(lambda s, a: s.cancel(a.name, by=a.by)),
    "reply": _silently(lambda s, a: s.reply(a.interaction, "still me", by=a.by, epoch=0)),
    "finish": _silently(lambda s, a: s.mark_done(a.interaction, by=a.by, epoch=0)),
    "log out": _silently(lambda s, a: s.log_out(a.by)),
    "come back": _silently(lambda s, a: (s.log_in(a.by), s.set_ready(a.by))),
    "expire": lambda r, _: tuple(request.id for request in r.service.expire_due()),
    "request": lambda r, a: r.request(a),
    "request under a key": lambda r, a: r.request(a, key=f"key of {a.interaction}"),
    "give back": lambda r, _: r.give_back(),
    "load": lambda r, a: r.load(a),
    "wait": lambda _, __: None,
}


def run(engine: str, place: str, schema: str, orders: Connection, barrier: Barrier) -> None:
    """What one process does until it hears nothing any more."""
    racer = Racer(engine, place, schema)
    with racer.store:
        while (asks := orders.recv()) is not None:
            answers: list[Answer] = []
            for ask in asks:
                barrier.wait(_PATIENCE)
                answers.append(racer.answer(ask))
            orders.send(answers)


class Racers:
    """Some processes on one store."""

    def __init__(self, count: int, engine: str, place: str, schema: str) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would take this process's threads and connections along
        self._barrier = spawn.Barrier(count)  # kept: its name goes with it
        pipes = [spawn.Pipe() for _ in range(count)]
        self._ends = [here for here, _ in pipes]
        self._processes = [
            spawn.Process(target=run, args=(engine, place, schema, there, self._barrier), daemon=True)
            for _, there in pipes
        ]
        for process in self._processes:
            process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            end.send(None)
        for process in self._processes:
            process.join(_PATIENCE)

    def __len__(self) -> int:
        return len(self._ends)

    def race(self, steps: Sequence[Sequence[Ask]]) -> list[tuple[Answer, ...]]:
        """Go through the steps together: in each, one command for each process; the answers in the same form."""
        for number, end in enumerate(self._ends):
            end.send([step[number] for step in steps])
        for end in self._ends:
            assert end.poll(_PATIENCE), "a process does not answer"
        return list(zip(*(end.recv() for end in self._ends), strict=True))
