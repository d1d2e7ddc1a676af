"""The web application: one service, and one socket for each browser window.

What the agent does comes over the socket, and `command` makes a call of the service of it. What there is to see goes
from the service to the window's `Workspace`, from there to its `Screen`, and back over the socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import attrs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sms_transfer import (
    Answering,
    AsyncTransferService,
    InvalidValue,
    SmsTransferError,
    TransferPolicy,
    Workspace,
    WorkspaceSettings,
    explain_refusal,
)
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import AsyncTransferStore

from .centre import furnish
from .commands import command
from .pages import Pages, Secured
from .presence import Presence
from .screen import Change, Screen, see

_BEAT: Final = 5.0
"""Seconds after which a window is sent something, so that it knows that it is connected."""
_PATIENCE: Final = 10.0
"""Seconds after which a window that takes nothing of what it is sent counts as gone."""


@attrs.frozen(kw_only=True)
class Options:
    """How the desktop is served.

    Args:
        data: a directory for the conversations, the pictures, the secret that log-ins are signed with, and who was seen
            when; several processes that serve one centre share it.
        postgres: a connection string, to keep the conversations there and serve them from several processes.
        answer_within: how long an invitation lasts (T7).
        max_hops: how often one conversation may be transferred (A4).
        gone_after: how long an agent may be without a window until they count as disconnected (T9).
    """

    data: Path
    postgres: str = ""
    answer_within: timedelta = timedelta(seconds=30)
    max_hops: int = 10
    gone_after: timedelta = timedelta(seconds=10)


class Desks:
    """The windows that this process serves."""

    def __init__(self, service: AsyncTransferService, presence: Presence) -> None:
        self._service = service
        self._presence = presence

    async def serve(self, socket: WebSocket, agent_id: str) -> None:
        """Show a window what is recorded and do what it asks, until it is gone."""
        await socket.accept()
        screen = Screen()
        with self._presence.window(agent_id):
            try:
                with closing(await self._service.connect(Workspace(agent_id, screen, _settings(socket)))):
                    async with asyncio.TaskGroup() as tasks:
                        showing = tasks.create_task(_show(socket, screen))
                        while (message := await socket.receive())["type"] == "websocket.receive":
                            await _send(socket, await self._answer(agent_id, message.get("text") or ""))
                        showing.cancel()
            except* WebSocketDisconnect:
                pass  # while it was being sent something

    async def _answer(self, agent_id: str, words: str) -> dict[str, object]:
        """Do what a window asks; its number, with the result or the reasons against it."""
        answer: dict[str, object] = {"answer": None}
        try:
            match _parsed(words):
                case {"n": int(number), **asked} if not isinstance(number, bool):
                    answer["answer"] = number
                    answer["result"] = see(await command(self._service, agent_id, asked))
                case _:
                    raise InvalidValue(field="n", rule="must be a whole number")
        except SmsTransferError as refusal:
            answer["refused"] = see(explain_refusal(refusal))
        return answer

    async def watch(self, interval: float) -> None:
        """Say who is gone, and not who has only reloaded the page (T9)."""
        while True:
            for agent_id in self._presence.gone():
                with suppress(SmsTransferError):  # the store does not answer, say: the next time
                    await self._service.log_out(agent_id, disconnected=True)
                    self._presence.forget(agent_id)
            await asyncio.sleep(interval)


def _parsed(words: str) -> object:
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        raise InvalidValue(field="command", rule="must be JSON") from None


def _settings(socket: WebSocket) -> WorkspaceSettings:
    """What the agent has set in this window (D1, D2)."""
    wanted = socket.query_params.get("answering")
    answering = next((one for one in Answering if one == wanted), Answering.MANUAL)
    return WorkspaceSettings(preview_takes_focus=socket.query_params.get("focus") == "true", answering=answering)


async def _show(socket: WebSocket, screen: Screen) -> None:
    """Send every change as soon as there is one; all that there is at once."""
    while True:
        changes: list[Change] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEAT):
                changes = await screen.changes()
        await _send(socket, {"now": see(datetime.now(UTC)), "changes": changes})


async def _send(socket: WebSocket, message: object) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await socket.send_json(message)
    except TimeoutError:
        raise WebSocketDisconnect from None


@asynccontextmanager
async def _opened(options: Options) -> AsyncGenerator[AsyncTransferStore]:
    if options.postgres:
        from sms_transfer.adapters.postgres import AsyncPostgresStore  # noqa: PLC0415 - the extra postgres

        async with AsyncPostgresStore(options.postgres) as store:
            yield store
    else:
        with SqliteStore(options.data / "centre.sqlite") as file:
            yield AwaitableStore(file)


def make_app(options: Options) -> Starlette:
    """An ASGI application; what it needs is opened when it starts and closed when it ends."""
    options.data.mkdir(parents=True, exist_ok=True)
    pages = Pages(options.data)

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncGenerator[None]:
        async with _opened(options) as store:
            policy = TransferPolicy(invitation_timeout=options.answer_within, max_hops=options.max_hops)
            service = AsyncTransferService(store, policy=policy)
            await furnish(service)
            desks = Desks(service, Presence(options.data / "seen", options.gone_after))
            app.state.desks, app.state.service = desks, service
            async with service.ticking(timedelta(milliseconds=250)), asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(desks.watch(options.gone_after.total_seconds() / 8))
                yield
                watching.cancel()

    async def desk(socket: WebSocket) -> None:
        agent_id = pages.agent_at(socket)
        if agent_id is None:
            await socket.close()  # before it was accepted: refused
        else:
            desks: Desks = app.state.desks
            await desks.serve(socket, agent_id)

    socket = WebSocketRoute("/desk/{agent}/socket", desk)
    app = Starlette(routes=[socket, *pages.routes], middleware=[Middleware(Secured)], lifespan=living)
    app.router.redirect_slashes = False  # to whatever host a request names
    return app
