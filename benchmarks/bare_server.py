"""``python -m benchmarks.bare_server --port 8000``: the least that serves transfers to sockets.

It says to the web desktop's windows what the web desktop's server would, and nothing else: no checks, nobody's status,
nothing kept. Whoever asks for a transfer has the preview sent to the invitee; who accepts gets the window.
"""

from __future__ import annotations

import argparse
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

OPEN: dict[str, object] = {"interaction": {"epoch": 0}}


class Desks:
    """Everybody's sockets, and what is offered to whom."""

    def __init__(self) -> None:
        self._sockets: dict[str, WebSocket] = {}
        self._offers: dict[str, tuple[str, str]] = {}
        self._tickets = map("ticket-{}".format, count())

    async def serve(self, socket: WebSocket) -> None:
        """One agent's window."""
        agent_id = socket.path_params["agent"]
        await socket.accept()
        self._sockets[agent_id] = socket
        await self._show(agent_id, "window", agent_id, OPEN)
        try:
            while True:
                await self._do(agent_id, await socket.receive_json())
        except WebSocketDisconnect:
            del self._sockets[agent_id]

    async def _do(self, agent_id: str, asked: dict[str, Any]) -> None:
        if asked["do"] == "transfer":
            ticket = next(self._tickets)
            self._offers[ticket] = agent_id, asked["interaction"]
            await self._show(asked["target"]["id"], "preview", ticket, {})
        else:
            sender, interaction = self._offers.pop(asked["invitation"])
            await self._show(sender, "window", interaction, None)
            await self._show(agent_id, "window", interaction, OPEN)

    async def _show(self, agent_id: str, kind: str, id_: str, look: object) -> None:
        await self._sockets[agent_id].send_json({"changes": [[kind, id_, look]]})


def app() -> Starlette:
    """With the same address for a window as the web desktop has."""
    return Starlette(routes=[WebSocketRoute("/desk/{agent}/socket", Desks().serve)])


def main() -> None:
    """Serve."""
    import benchmarks.server  # noqa: F401, PLC0415 - puts the examples on the path
    from web_desktop.__main__ import server  # noqa: PLC0415 - found since just now

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server(app(), parser.parse_args().port).run()


if __name__ == "__main__":
    main()
