"""The least that two windows can do together: a button, a socket, and an element in both."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

PAGE = """<!doctype html><title>floor</title><button>Accept</button>
<section id="windows"><div class="list"></div></section>
<script>
  const socket = new WebSocket(`ws://${location.host}/socket`);
  let number = 0;
  socket.onopen = () => { window.ready = true; };
  socket.onmessage = event => {
    const element = document.createElement("article");
    element.dataset.id = JSON.parse(event.data).id;
    document.querySelector(".list").append(element);
  };
  document.querySelector("button").onclick = () => socket.send(JSON.stringify({id: String(number++)}));
</script>"""


def app() -> Starlette:
    """It sends every word to every window, and keeps nothing."""
    windows = set[WebSocket]()

    def page(_: Request) -> Response:
        return HTMLResponse(PAGE)

    async def socket(window: WebSocket) -> None:
        await window.accept()
        windows.add(window)
        async for words in window.iter_text():
            for one in windows:
                await one.send_text(words)
        windows.discard(window)

    return Starlette(routes=[Route("/", page), WebSocketRoute("/socket", socket)])
