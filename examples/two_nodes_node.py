"""A node: a process with a service, its ticking, and the desktop of one agent; and how `two_nodes` speaks with it.

It says what the desktop shows, a line each, and does what it is told on its standard input, until that ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final, Self

from sms_transfer import (
    InteractionPreview,
    InteractionWindow,
    Notice,
    Refused,
    SystemMessage,
    Target,
    TransferPolicy,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.ports import TransferStore
from sms_transfer.testing import RecordingUI

POLICY: Final = TransferPolicy(invitation_timeout=timedelta(seconds=6))
# With SQLite no ring leaves its process: what the other node did is shown when ticking polls. With PostgreSQL every
# node is rung at once, and ticking is there for the deadlines, and for rings that were lost.
INTERVAL: Final = timedelta(seconds=0.2)
PATIENCE = 20.0  # seconds that anything may take

Screen = dict[str, Any]
"""What is on a desktop: windows with their epochs, previews with their deadlines, errors, My Messages."""


def open_store(place: str, schema: str) -> AbstractContextManager[TransferStore]:
    """What the nodes share. This is all that differs between the two engines."""
    if not schema:
        return SqliteStore(place)
    from sms_transfer.adapters.postgres import PostgresStore  # noqa: PLC0415 - it needs an extra

    return PostgresStore(place, schema=schema)


class Node:
    """A node from outside. What it says is printed when the story comes to it, so the order is always the same."""

    def __init__(self, agent_id: str, place: str, schema: str) -> None:
        self.agent_id = agent_id
        self.said: list[str] = []
        self._lines = SimpleQueue[str]()
        command = [sys.executable, "-X", "utf8", __file__, agent_id, place, schema]
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
        )
        self._hearing = Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once: it has no time to save, close or say anything (SIGKILL)."""
        self._process.kill()
        self._hearing.join(PATIENCE)
        self._process.__exit__(None, None, None)

    def sees(self, *beginnings: str) -> None:
        """Wait until the desktop shows these, and print them."""
        for beginning in beginnings:
            print(f"   {self.agent_id:5} | {self._wait_for(beginning)}")

    def does(self, *command: str) -> Screen:
        """Have the agent do something; what is on the desktop then."""
        print(json.dumps(command), file=self._process.stdin, flush=True)
        screen: Screen = json.loads(self._wait_for("= ")[2:])
        return screen

    def looks(self) -> Screen:
        """What is on the desktop."""
        return self.does("look")

    def _wait_for(self, beginning: str) -> str:
        end = monotonic() + PATIENCE
        while not (found := [line for line in self.said if line.startswith(beginning)]):
            try:
                self.said.append(self._lines.get(timeout=max(0.0, end - monotonic())))
            except Empty:
                raise SystemExit(f"{self.agent_id}'s node did not say “{beginning}” within {PATIENCE} s") from None
        self.said.remove(found[0])
        return found[0]

    def _hear(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))


# From inside


class LineUI(RecordingUI):
    """A front end that says what it is told to show, a line each."""

    def open_window(self, window: InteractionWindow) -> None:
        """Say it; this one and the others remember it first."""
        super().open_window(window)
        say(f"window opens: {window.interaction.id}, epoch {window.interaction.epoch}")

    def update_window(self, window: InteractionWindow) -> None:
        """Say to whom it is offered, if it is."""
        super().update_window(window)
        if window.pending:
            say(f"window: {window.interaction.id} is offered to {window.pending.to} {until(window.pending.deadline)}")

    def close_window(self, interaction_id: str) -> None:
        """Say it."""
        super().close_window(interaction_id)
        say(f"window closes: {interaction_id}")

    def show_preview(self, preview: InteractionPreview) -> None:
        """Say it."""
        super().show_preview(preview)
        say(f"preview: {preview.from_agent} offers {preview.interaction_id} {until(preview.deadline)}")

    def dismiss_preview(self, invitation_id: str) -> None:
        """Say it."""
        say(f"preview goes: {self.previews[invitation_id].interaction_id}")
        super().dismiss_preview(invitation_id)

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """Say it."""
        super().show_error(interaction_id, notice)
        say(f"top of window {interaction_id}: {notice.text}")

    def show_message(self, message: SystemMessage) -> None:
        """Say it."""
        super().show_message(message)
        say(f"My Messages: {message.interaction_id}: {message.text}")

    def screen(self) -> Screen:
        """All that is on the desktop now."""
        return {
            "windows": {id_: window.interaction.epoch for id_, window in self.windows.items()},
            "previews": {preview.interaction_id: until(preview.deadline) for preview in self.previews.values()},
            "errors": {id_: notice.text for id_, notice in self.errors.items()},
            "messages": {message.interaction_id: message.text for message in self.messages.values()},
        }


def until(deadline: datetime) -> str:
    """A deadline, to the microsecond: one can see that it stays the same."""
    return f"until {deadline:%H:%M:%S.%f} UTC"


def say(line: str) -> None:
    """Print a line whole: the ticking and the commands speak in different threads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def be_node(agent_id: str, place: str, schema: str) -> None:
    """Show and obey, until the standard input ends."""
    ui = LineUI()
    with open_store(place, schema) as store:
        service = TransferService(store, policy=POLICY)
        service.connect(Workspace(agent_id, ui))
        with service.ticking(INTERVAL):
            for line in sys.stdin:
                try:
                    obey(service, ui, agent_id, *json.loads(line))
                except Refused as refusal:
                    say(f"refused: {refusal}")
                say(f"= {json.dumps(ui.screen())}")


def obey(service: TransferService, ui: LineUI, by: str, command: str, *words: str) -> None:
    """Do what the agent at this desktop does."""
    tickets = {preview.interaction_id: preview.invitation_id for preview in ui.previews.values()}
    match command, words:
        case "offer", (id_, target):
            service.request_transfer(id_, Target.agent(target), by=by, epoch=ui.windows[id_].interaction.epoch)
        case "accept", (id_,):
            service.accept(tickets[id_], by=by)
        case "reject", (id_, reason):
            service.reject(tickets[id_], by=by, reason=reason)
        case "reply", (id_, text, epoch):
            service.reply(id_, text, by=by, epoch=int(epoch))


if __name__ == "__main__":
    be_node(*sys.argv[1:])
