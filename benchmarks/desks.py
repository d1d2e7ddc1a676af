"""What one server process of the web desktop carries: 200 agents with a window each, and transfers all the time.

Pairs of agents hand a conversation to and fro, each over a socket of its own, from another process. First as fast as
they can, to find the rate that is held; then so many a second as is half of that, to see how long each waits: from
asking until the preview is there, and from accepting until the window is.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.report import progress, table
from benchmarks.server import NO_LIMIT, missing
from benchmarks.timing import percentile
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, TransferService
from sms_transfer.adapters.sqlite import SqliteStore

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

AGENTS: Final = 200
CREWS: Final = (1, 10, 100)
"""How many pairs transfer at the same time, as fast as they can."""
SECONDS: Final = 1.0
"""Of each measurement, for each round up to the most."""
MOST: Final = 10

Waited = tuple[float, float]
"""Milliseconds from asking to the preview, and from accepting to the window."""


def run(rounds: int) -> str:
    """Measure, and tell it in tables."""
    absent = missing("starlette", "uvicorn", "websockets", "itsdangerous")
    if absent is not None:
        return absent
    from web import ServedByProcess  # noqa: PLC0415 - in the tests; needs starlette

    seconds = SECONDS * min(rounds, MOST)
    with tempfile.TemporaryDirectory() as data, ServedByProcess(Path(data), *NO_LIMIT) as served:
        _hire(Path(data))
        return asyncio.run(_measure(served.url, served.pid, Path(data), seconds))


def _hire(data: Path) -> None:
    """Have the agents, Ready, and a conversation for each pair."""
    with SqliteStore(data / "centre.sqlite", durable=False) as store:
        service = TransferService(store)
        for number in range(AGENTS):
            service.add_agent(Agent(_agent(number), f"Agent {number}", status=ChannelStatus.READY))
        for number in range(0, AGENTS, 2):
            contact = Contact("+14155550123")
            service.open_interaction(
                Interaction(_agent(number), media=Media.SMS, contact=contact, owner=_agent(number))
            )
            service.receive_message(_agent(number), "hello")


def _agent(number: int) -> str:
    return f"agent-{number}"


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


async def _measure(url: str, pid: int, data: Path, seconds: float) -> str:
    from itsdangerous import TimestampSigner  # noqa: PLC0415 - the extra desktops
    from websockets.asyncio.client import connect  # noqa: PLC0415 - likewise

    signer = TimestampSigner((data / "secret").read_text())
    before, sockets = _memory(pid), list[Window]()
    for number in range(AGENTS):
        agent_id = _agent(number)
        cookie = {"Cookie": f"desk={signer.sign(agent_id).decode()}"}
        address = f"{url.replace('http', 'ws')}/desk/{agent_id}/socket"
        sockets.append(Window(agent_id, await connect(address, additional_headers=cookie, proxy=None)))
    await asyncio.gather(*[window.began.wait() for window in sockets])
    pairs = [Pair(one.agent_id, one, other) for one, other in list(pairwise(sockets))[::2]]
    await asyncio.gather(*[pair.transfer() for pair in pairs])
    memory = (_memory(pid) - before) / AGENTS
    rows = [
        (f"{crew} pairs, as fast as they can", *_figures(await _flat_out(pairs[:crew], seconds), seconds))
        for crew in CREWS
    ]
    held = float(rows[-1][1])
    paced = await _paced(pairs, held / 2, seconds)
    rows.append((f"all pairs, {held / 2:.0f} a second", *_figures(paced, seconds)))
    for window in sockets:
        window.reading.cancel()
    refused = sum(window.refused for window in sockets)
    title = f"{AGENTS} agents at one server process on SQLite; {memory / 1024:.0f} KiB each; {refused} refusals"
    return table(title, ("", "transfers a second", "preview, ms", "99 %", "window, ms", "99 %"), rows)


def _figures(waited: list[Waited], seconds: float) -> tuple[str, ...]:
    cells = [f"{len(waited) / seconds:.0f}"]
    for which in (0, 1):
        times = [one[which] for one in waited]
        cells += [f"{percentile(times, 0.5):.1f}", f"{percentile(times, 0.99):.1f}"]
    return tuple(cells)


async def _flat_out(pairs: list[Pair], seconds: float) -> list[Waited]:
    """Each pair begins anew as soon as it has ended."""
    end, waited = perf_counter() + seconds, list[Waited]()

    async def work(pair: Pair) -> None:
        while perf_counter() < end:
            waited.append(await pair.transfer())

    progress("desks", 0, 1)
    await asyncio.gather(*[work(pair) for pair in pairs])
    return waited


async def _paced(pairs: list[Pair], rate: float, seconds: float) -> list[Waited]:
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


def _memory(pid: int) -> int:
    """Bytes that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
