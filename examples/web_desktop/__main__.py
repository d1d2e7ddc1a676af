"""Serve the web desktop on this machine."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path

import uvicorn

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


def main() -> None:
    """Serve until Ctrl-C."""
    chosen, port = options()
    print(f"Open http://127.0.0.1:{port} in a few browser windows.", flush=True)
    uvicorn.run(
        make_app(chosen),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        ws_max_size=400_000,  # the longest text, each character as long as JSON can make it
        ws_ping_interval=PATIENCE,  # a window that is cut off is noticed
        ws_ping_timeout=PATIENCE,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
