"""Agents' windows as programs, who hand conversations to and fro over sockets: as fast as they can, or at a pace."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

Waited = tuple[float, float]
"""Milliseconds from asking to the preview, and from accepting to the window."""


class Window:
    """One agent's window, as a program."""

    def __init__(self, agent_id: str, socket: ClientConnection) -> None:
        self.agent_id = agent_id
        self._socket = socket
        self._number = 0
        self._waiting: dict[tuple[str, bool], asyncio.Future[str]] = {}
        self.epochs: dict[str, int] = {}
        self.refused = 0
        self.began = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for words in self._socket:
            message = json.loads(words)
            self.refused += "refused" in message
            for kind, id_, look in message.get("changes", ()):
                if kind == "window" and look is not None:
                    self.epochs[id_] = look["interaction"]["epoch"]
                waiting = self._waiting.pop((kind, look is not None), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(id_)
            self.began.set()

    def sees(self, kind: str) -> asyncio.Future[str]:
        """The id of the next thing of this kind that is shown."""
        waiting = self._waiting[kind, True] = asyncio.get_running_loop().create_future()
        return waiting

    async def ask(self, **what: object) -> None:
        """Ask for something."""
        self._number += 1
        await self._socket.send(json.dumps({"n": self._number, **what}))


class Pair:
    """Two agents who hand one conversation to and fro."""

    def __init__(self, interaction: str, one: Window, other: Window) -> None:
        self._interaction = interaction
        self._windows = [one, other]
        self._keys = 0

    async def transfer(self) -> Waited:
        """Hand it over once."""
        sender, invitee = self._windows
        self._keys += 1
        preview, began = invitee.sees("preview"), perf_counter()
        target = {"kind": "agent", "id": invitee.agent_id}
        asked = {"interaction": self._interaction, "epoch": sender.epochs[self._interaction]}
        await sender.ask(do="transfer", **asked, target=target, note="", key=str(self._keys))
        ticket = await preview
        window, offered = invitee.sees("window"), perf_counter()
        await invitee.ask(do="accept", invitation=ticket)
        await window
        self._windows.reverse()
        return (offered - began) * 1e3, (perf_counter() - offered) * 1e3


async def flat_out(pairs: list[Pair], seconds: float) -> list[Waited]:
    """Each pair begins anew as soon as it has ended."""
    end, waited = perf_counter() + seconds, list[Waited]()

    async def work(pair: Pair) -> None:
        while perf_counter() < end:
            waited.append(await pair.transfer())

    await asyncio.gather(*[work(pair) for pair in pairs])
    return waited


async def paced(pairs: list[Pair], rate: float, seconds: float) -> list[Waited]:
    """The pairs begin one after the other, so many a second, whether or not those before have ended."""
    begun, working = perf_counter(), list[asyncio.Task[Waited]]()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, begun + number / rate - perf_counter()))
        pair = pairs[number % len(pairs)]
        before = working[-len(pairs)] if len(working) >= len(pairs) else None
        working.append(asyncio.create_task(_after(before, pair)))
    return await asyncio.gather(*working)


async def _after(before: asyncio.Task[Waited] | None, pair: Pair) -> Waited:
    """A pair's next transfer, when its one before has ended."""
    if before is not None:
        await before
    return await pair.transfer()
