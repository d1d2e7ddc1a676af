"""Start it with ``python examples/terminal_desktop alice --store centre.sqlite``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

if not __package__:  # run as a folder: import the package that this folder is
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from sms_transfer import (
    Answering,
    AsyncTransferService,
    SmsTransferError,
    TransferService,
    WorkspaceSettings,
)
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.sqlite import SqliteStore
from terminal_desktop.app import TerminalDesktop
from terminal_desktop.centre import fill
from terminal_desktop.words import harmless

INTERVAL: Final = timedelta(milliseconds=250)  # rings do not leave a process on SQLite: what others did is polled


async def work(store: SqliteStore, agent_id: str, settings: WorkspaceSettings) -> None:
    """Have the agent work until they quit, or until the terminal goes away."""
    service = AsyncTransferService(AwaitableStore(store))
    app = TerminalDesktop(service, agent_id, settings)
    if sys.platform != "win32":  # T9: the desktop is gone for good, and its agent did not say so
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, app.disconnect)
    async with service.ticking(INTERVAL):
        await app.run_async()


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the store, fill it, and show the agent's workspace."""
    parser = argparse.ArgumentParser(prog="terminal_desktop", description="One agent's workspace in a terminal.")
    parser.add_argument("agent", nargs="?", help="who you are; nothing checks it. Left out: lists who there is")
    parser.add_argument("--store", default="centre.sqlite", help="a SQLite file, made if there is none")
    parser.add_argument("--focus", action="store_true", help="an offer takes the focus")
    parser.add_argument("--answering", choices=[str(one) for one in Answering], default=str(Answering.MANUAL))
    asked = parser.parse_args(arguments)
    settings = WorkspaceSettings(preview_takes_focus=asked.focus, answering=Answering(asked.answering))
    try:
        with SqliteStore(asked.store) as store:
            fill(TransferService(store))
            agents = {agent.id: agent.name for agent in store.roster(None).agents}
            if asked.agent in agents:
                asyncio.run(work(store, asked.agent, settings))
                return 0
    except SmsTransferError as error:
        print(harmless(str(error)), file=sys.stderr)
        return 1
    print("Who are you?", *(harmless(f"{id_}: {name}") for id_, name in agents.items()), sep="\n  ")
    return 2


if __name__ == "__main__":
    sys.exit(main())
