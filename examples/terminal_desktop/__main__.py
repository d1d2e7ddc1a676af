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
    TransferPolicy,
    TransferService,
    WorkspaceSettings,
)
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.sqlite import SqliteStore
from terminal_desktop.app import TerminalDesktop
from terminal_desktop.centre import fill
from terminal_desktop.words import brief, told

INTERVAL: Final = timedelta(milliseconds=250)  # rings do not leave a process on SQLite: what others did is polled


async def work(store: SqliteStore, agent_id: str, settings: WorkspaceSettings, policy: TransferPolicy) -> None:
    """Have the agent work until they quit, or until the terminal goes away."""
    service = AsyncTransferService(AwaitableStore(store), policy=policy)
    app = TerminalDesktop(service, agent_id, settings)
    for name in ("SIGHUP", "SIGTERM"):  # T9: the desktop is gone for good, and its agent did not say so
        if hasattr(signal, name) and sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), app.disconnect)
    async with service.ticking(INTERVAL):
        await app.run_async()


def seconds(words: str) -> timedelta:
    """A number of seconds."""
    try:
        return timedelta(seconds=float(words))
    except OverflowError as error:
        raise argparse.ArgumentTypeError(f"{words} are too many seconds") from error


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="terminal_desktop", description="One agent's workspace in a terminal.")
    parser.add_argument("agent", nargs="?", help="who you are; nothing checks it. Left out: lists who there is")
    parser.add_argument("--store", default="centre.sqlite", help="a SQLite file, made if there is none")
    parser.add_argument("--answer-within", type=seconds, default="30", metavar="SECONDS", help="to answer an offer")
    parser.add_argument("--focus", action="store_true", help="an offer takes the focus")
    parser.add_argument("--answering", choices=[str(one) for one in Answering], default=str(Answering.MANUAL))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the store, fill it, and show the agent's workspace."""
    asked = parsed(arguments)
    try:
        settings = WorkspaceSettings(preview_takes_focus=asked.focus, answering=Answering(asked.answering))
        policy = TransferPolicy(invitation_timeout=asked.answer_within)
        with SqliteStore(asked.store) as store:
            fill(TransferService(store))
            agents = {agent.id: agent.name for agent in store.roster(None).agents}
            if asked.agent in agents:
                asyncio.run(work(store, asked.agent, settings, policy))
                return 0
    except SmsTransferError as error:
        print(told(error), file=sys.stderr)
        return 1
    print("Who are you? Say one of these:", *(f"  {brief(i)}: {brief(name)}" for i, name in agents.items()), sep="\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
