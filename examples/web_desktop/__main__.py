"""Serve the web desktop on this machine."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from .app import Options, make_app

PATIENCE = 5.0


def options() -> tuple[Options, int]:
    """What the command line asks for, and the port."""
    parser = argparse.ArgumentParser(prog="python -m examples.web_desktop", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("web-desktop-data"), help="where everything is kept")
    parser.add_argument("--postgres", default="", metavar="CONNINFO", help="keep conversations in this PostgreSQL")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--answer-within", type=float, default=30, metavar="SECONDS", help="how long an offer lasts")
    parser.add_argument("--max-hops", type=int, default=10, help="how often a conversation may be transferred")
    parser.add_argument("--gone-after", type=float, default=10, metavar="SECONDS", help="without a window: logged out")
    given = parser.parse_args()
    return (
        Options(
            data=given.data,
            postgres=given.postgres,
            answer_within=timedelta(seconds=given.answer_within),
            max_hops=given.max_hops,
            gone_after=timedelta(seconds=given.gone_after),
        ),
        given.port,
    )


def server(app: ASGIApp, port: int, patience: float = PATIENCE) -> uvicorn.Server:
    """What serves the desktop, on this machine only."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            ws_max_size=400_000,  # the longest text, each character as long as JSON can make it
            ws_ping_interval=patience,  # a window that is cut off is noticed
            ws_ping_timeout=patience,
            timeout_graceful_shutdown=1,
        )
    )


def main() -> None:
    """Serve until Ctrl-C."""
    chosen, port = options()
    print(f"Open http://127.0.0.1:{port} in a few browser windows.", flush=True)
    with suppress(KeyboardInterrupt):
        server(make_app(chosen), port).run()


if __name__ == "__main__":
    main()
