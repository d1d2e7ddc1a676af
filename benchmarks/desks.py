"""What one server process of the web desktop carries: 200 agents with a window each, and transfers all the time.

Pairs of agents hand a conversation to and fro, each over a socket of its own, from another process. First as fast as
they can, to find the rate that is held; then so many a second as is half of that, to see how long each waits: from
asking until the preview is there, and from accepting until the window is. The floor is a server that says the same to
the same windows, and does nothing else.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from benchmarks.effort import Effort
from benchmarks.progress import progress
from benchmarks.result import SAME, Cell, Column, Drawing, Kind, Result, Table
from benchmarks.served import Served, serving
from benchmarks.server import NO_LIMIT, need
from benchmarks.timing import Spread, percentile, ratios
from benchmarks.windows import Pair, Waited, Window, flat_out, paced
from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, TransferService
from sms_transfer.adapters.sqlite import SqliteStore

FLOOR: Final = "floor: a server that only passes words on"
LIBRARY: Final = "sms_transfer's web desktop on SQLite"
MOST: Final = 5
"""Rounds."""


@attrs.frozen
class Size:
    """How much is asked.

    Args:
        crews: how many pairs transfer at the same time, as fast as they can.
        seconds: of each measurement, in each round.
    """

    agents: int
    crews: tuple[int, ...]
    seconds: float


USUAL: Final = Size(agents=200, crews=(1, 10, 100), seconds=1.5)
SMOKE: Final = Size(agents=20, crews=(1, 10), seconds=0.3)


@attrs.define
class Floor:
    """A server with its windows open.

    Args:
        memory: bytes that the server holds for each.
        rates: transfers a second by the number of pairs, round by round.
        waited: at half of what the library held.
    """

    windows: list[Window]
    pairs: list[Pair]
    memory: float
    rates: dict[int, list[float]] = attrs.field(factory=dict)
    waited: list[list[Waited]] = attrs.field(factory=list)


def run(effort: Effort) -> Result:
    """Measure."""
    need("starlette", "uvicorn", "websockets", "itsdangerous", "jinja2", "multipart")
    size, rounds = effort.pick(SMOKE, USUAL), effort.at_most(MOST).rounds
    with ExitStack() as opened:
        data = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        bare = opened.enter_context(serving("benchmarks.bare_server"))
        ours = opened.enter_context(serving("examples.web_desktop", "--data", str(data), *NO_LIMIT))
        _hire(data, size.agents)
        floors = asyncio.run(_measure({FLOOR: bare, LIBRARY: ours}, data, size, rounds))
    refused = sum(window.refused for floor in floors.values() for window in floor.windows)
    return Result(
        "What one server carries",
        f"{size.agents} agents with a window each at one server process of the web desktop; pairs hand conversations to"
        " and fro over sockets of their own. Against a server that passes the same words between the same windows and"
        " does nothing else.",
        "The ratio is how long a transfer takes where the bare server takes 1. It is the whole of a desktop on top of"
        " sockets: checks, the commit, what both desktops look up. The programs at the windows run on the same cores.",
        (_rates(floors, size, rounds), _waits(floors, size, rounds), _memories(floors)),
        notes=(f"Refused: {refused}.",),
    )


def _hire(data: Path, agents: int) -> None:
    """Have the agents, Ready, and a conversation for each pair."""
    with SqliteStore(data / "centre.sqlite", durable=False) as store:
        service = TransferService(store)
        for number in range(agents):
            service.add_agent(Agent(_agent(number), f"Agent {number}", status=ChannelStatus.READY))
        for number in range(0, agents, 2):
            contact = Contact("+14155550123")
            service.open_interaction(
                Interaction(_agent(number), media=Media.SMS, contact=contact, owner=_agent(number))
            )
            service.receive_message(_agent(number), "hello")


def _agent(number: int) -> str:
    return f"agent-{number}"


async def _measure(servers: dict[str, Served], data: Path, size: Size, rounds: int) -> dict[str, Floor]:
    floors = {name: await _sit_down(served, data, size.agents) for name, served in servers.items()}
    for done in range(rounds):
        progress("desks", done, rounds)
        turns = list(floors.values()) if done % 2 == 0 else list(floors.values())[::-1]
        for crew in size.crews:
            for floor in turns:
                waited = await flat_out(floor.pairs[:crew], size.seconds)
                floor.rates.setdefault(crew, []).append(len(waited) / size.seconds)
        pace = median(floors[LIBRARY].rates[size.crews[-1]]) / 2
        for floor in turns:
            floor.waited.append(await paced(floor.pairs, pace, size.seconds))
    for floor in floors.values():
        for window in floor.windows:
            window.reading.cancel()
    return floors


async def _sit_down(served: Served, data: Path, agents: int) -> Floor:
    """Open a window for each, and hand each conversation over once."""
    from itsdangerous import TimestampSigner  # noqa: PLC0415 - the extra desktops
    from websockets.asyncio.client import connect  # noqa: PLC0415 - likewise

    signer = TimestampSigner((data / "secret").read_text())
    before, windows = served.memory(), list[Window]()
    for number in range(agents):
        agent_id = _agent(number)
        cookie = {"Cookie": f"desk={signer.sign(agent_id).decode()}"}
        address = f"ws://127.0.0.1:{served.port}/desk/{agent_id}/socket"
        windows.append(Window(agent_id, await connect(address, additional_headers=cookie, proxy=None)))
    await asyncio.gather(*[window.began.wait() for window in windows])
    pairs = [Pair(one.agent_id, one, other) for one, other in list(pairwise(windows))[::2]]
    await asyncio.gather(*[pair.transfer() for pair in pairs])
    return Floor(windows, pairs, (served.memory() - before) / agents)


def _rates(floors: dict[str, Floor], size: Size, rounds: int) -> Table:
    bare = floors[FLOOR].rates
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"{crew} at once", name, median(floor.rates[crew]), ratios(bare[crew], floor.rates[crew]))
        for crew in size.crews
        for name, floor in floors.items()
    )
    columns = (Column("pairs"), Column("server"), Column("transfers a second", ",.0f"), Column("time, to the floor"))
    drawing = Drawing(Kind.BARS, "time, to the floor", ("server", "pairs"), "times the floor, for one transfer")
    return Table(f"As fast as they can ({rounds} rounds of {size.seconds} s)", columns, rows, drawing)


def _waits(floors: dict[str, Floor], size: Size, rounds: int) -> Table:
    middles = {
        name: [[percentile([wait[which] for wait in waited], 0.5) for waited in floor.waited] for which in (0, 1)]
        for name, floor in floors.items()
    }
    rows: list[tuple[Cell, ...]] = []
    for name, floor in floors.items():
        figures: list[Cell] = []
        for which in (0, 1):
            times = [wait[which] for waited in floor.waited for wait in waited]
            figures += [percentile(times, 0.5), percentile(times, 0.99)]
            figures.append(ratios(middles[name][which], middles[FLOOR][which]))
        rows.append((name, *figures))
    columns = [Column("server")]
    for what in ("preview", "window"):
        columns += [Column(f"{what}, median ms", ".1f"), Column("99 %", ".1f"), Column(f"{what}, to the floor")]
    pace = median(floors[LIBRARY].rates[size.crews[-1]]) / 2
    title = f"All pairs, {pace:.0f} transfers a second, half of what the library held ({rounds} rounds)"
    return Table(title, tuple(columns), tuple(rows))


def _memories(floors: dict[str, Floor]) -> Table:
    bare = floors[FLOOR].memory
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, floor.memory / 1024, SAME if name == FLOOR else Spread(*[floor.memory / bare] * 3))
        for name, floor in floors.items()
    )
    return Table(
        "What a window takes of the server's memory",
        (Column("server"), Column("KiB", ".0f"), Column("to the floor")),
        rows,
    )
