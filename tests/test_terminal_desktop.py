"""The terminal desktop: driven by keys alone, and judged by what is on the screen alone."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sqlite3
import subprocess
import sys
import termios
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final, Self

import pyte
import pytest
from textual import events
from textual.pilot import Pilot

from sms_transfer import (
    Answering,
    AsyncTransferService,
    Attachment,
    ChannelStatus,
    Contact,
    Interaction,
    Media,
    Target,
    TransferPolicy,
    TransferService,
    WorkspaceSettings,
)
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.sqlite import SqliteStore
from terminal_desktop.__main__ import main
from terminal_desktop.app import TerminalDesktop
from terminal_desktop.centre import fill
from terminal_desktop.words import STATUS, harmless

pytestmark = pytest.mark.desktop

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
OFTEN: Final = timedelta(milliseconds=150)
NEVER: Final = timedelta(days=1)
PAUSES: Final = 400
PAUSE: Final = 0.03
HOPS: Final = 10  # from part to part of the screen up to the program and back down, until what a key does is done
BOB, LOST = Target.agent("bob"), Target.queue("lost")
CALM = TransferPolicy()
HASTY = TransferPolicy(invitation_timeout=timedelta(seconds=4))


class Screen:
    """What an agent sees, and the keys under their fingers."""

    def __init__(self, app: TerminalDesktop, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    @property
    def text(self) -> str:
        """What is on the screen now, line by line."""
        strips = self.app.screen._compositor.render_strips()  # noqa: SLF001 - what is public draws a picture, slowly
        return "\n".join(strip.text.rstrip() for strip in strips)

    async def until(self, holds: Callable[[str], bool], what: str) -> None:
        """Wait for something to be on the screen."""
        for _ in range(PAUSES):
            await self._pilot.pause(PAUSE)
            if holds(self.text):
                return
        pytest.fail(f"{what}\n{self.text}", pytrace=False)

    async def sees(self, *words: str) -> None:
        """Wait until all these words are on the screen."""
        await self.until(lambda text: all(one in text for one in words), f"never saw all of {words}")

    async def loses(self, *words: str) -> None:
        """Wait until none of these words is on the screen."""
        await self.until(lambda text: not any(one in text for one in words), f"never lost all of {words}")

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each as soon as the one before is dealt with."""
        for key in keys:
            event = events.Key(key, {"space": " "}.get(key, key if len(key) == 1 else None))
            event.set_sender(self.app)
            self.app.post_message(event)
            for _ in range(1 if len(key) == 1 else HOPS):
                await self._pilot.pause(0)

    async def types(self, words: str, *then: str) -> None:
        """Type words, then press keys."""
        await self.press(*["space" if letter == " " else letter for letter in words], *then)

    async def opens(self, name: str, *down: str) -> None:
        """Open a conversation from the list."""
        await self.press("f10", "home", *down, "enter")
        await self.sees(f"MS with {name}")

    async def transfers(self, letters: str, name: str, note: str = "") -> None:
        """Transfer the open conversation to the only target that is found by these letters."""
        await self.press("f5")
        await self.types(letters)
        await self.sees(f"“{letters}”: 1 found", name)
        await self.press("tab")
        await self.types(note, "enter", "enter")
        await self.sees(f"Offered to {name}")

    async def offered(self, *words: str) -> None:
        """Wait for an offer, and go to it."""
        await self.sees("OFFER", *words)
        await self.press("f6")
        await self.sees("f7 Accept")


class Centre:
    """The small centre in one file. Each desktop has a store and a service of its own, as in a process of its own."""

    def __init__(self, path: Path, policy: TransferPolicy, stores: ExitStack) -> None:
        self._path, self._policy, self._stores = path, policy, stores
        self._stack = AsyncExitStack()
        self.patience = timedelta(seconds=10)
        self.service = TransferService(stores.enter_context(SqliteStore(path, durable=False)), policy=policy)
        fill(self.service)
        for agent_id in ("alice", "bob"):
            self.service.log_in(agent_id)
            self.service.set_ready(agent_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def session(
        self, agent_id: str, settings: WorkspaceSettings | None, size: tuple[int, int], interval: timedelta
    ) -> AsyncGenerator[Screen]:
        """The program, from its start to its end; the end of a test is none that anybody is told of."""
        store = SqliteStore(self._path, durable=False, patience=self.patience)
        service = AsyncTransferService(AwaitableStore(self._stores.enter_context(store)), policy=self._policy)
        app = TerminalDesktop(service, agent_id, settings)
        async with service.ticking(interval), app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.sees(f"({agent_id}) on the SMS channel", "Conversations (")
            yield screen

    async def desktop(
        self,
        agent_id: str,
        *,
        focus: bool = False,
        answering: Answering = Answering.MANUAL,
        size: tuple[int, int] = (120, 30),
        interval: timedelta = OFTEN,
    ) -> Screen:
        """Start the program; it ends with the test."""
        settings = WorkspaceSettings(preview_takes_focus=focus, answering=answering)
        return await self._stack.enter_async_context(self.session(agent_id, settings, size, interval))


Story = Callable[[Centre], Coroutine[object, object, None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.sqlite"


@pytest.fixture
def tell(path: Path) -> Callable[..., None]:
    """Tells a story that takes place in the centre."""

    def tell(story: Story, policy: TransferPolicy = CALM) -> None:
        async def told(stores: ExitStack) -> None:
            async with Centre(path, policy, stores) as centre:
                await story(centre)

        with ExitStack() as stores:  # they are closed when the loop has ended, and with it whatever still ticks
            asyncio.run(told(stores))

    return tell


Tell = Callable[..., None]


class TestLesson:
    """The lesson, step by step, on both screens."""

    def test_t5_accept(self, tell: Tell) -> None:
        """The preview says everything; on Accept the conversation changes screens with all that belongs to it."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.types("One moment", "enter")
            await alice.sees("> alice", "One moment")
            await alice.transfers("bob l", "Bob Lindström", note="You know parcels")
            await alice.sees(" s left. Ctrl+L cancels, texting goes on.", "offered: Jane Roe")
            await alice.types("Bob knows", "enter")  # T4: the focus is back where the sender texts on
            await alice.sees("Bob knows")

            await bob.sees("Alice Ek wants to transfer an SMS conversation with Jane Roe to you.", "You know parcels")
            await bob.sees(
                "+14155550123, offered to Bob Lindström",
                "order: A-1027",
                " s left, waiting ",
                "Accept (F7)",
                "Reject (F8)",
            )
            await bob.offered()
            await bob.press("f7")

            await bob.sees("Conversations (2)", "SMS with Jane Roe", "> alice", "One moment", "It was order A-1027.")
            await bob.loses("OFFER")
            await alice.sees("Conversations (1)", "No conversation is open", "Jane Roe is closed here")
            await alice.loses("SMS with Jane Roe")
            await bob.types("I am Bob", "enter")  # the focus has gone to where the answer is written
            await bob.sees("> bob")

        tell(story)

    def test_t6_reject(self, tell: Tell) -> None:
        """A rejection with its reason stands at the top of the sender's window and in My Messages."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.offered()
            await bob.press("tab", "tab", "tab")
            await bob.types("busy", "f8")

            await alice.sees("NOT TRANSFERRED. Bob Lindström rejected the transfer: “busy”")
            await alice.sees("My Messages (1 unread)", "● ", "‼ not transferred: Jane Roe", "SMS with Jane Roe")
            await bob.loses("OFFER")
            assert "Conversations (1)" in bob.text

        tell(story)

    def test_t7_no_answer(self, tell: Tell) -> None:
        """Nobody answers: the preview goes, and the sender is told on both surfaces."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.sees("OFFER")
            await bob.loses("OFFER")

            await alice.sees("NOT TRANSFERRED. Bob Lindström did not answer the transfer in time.", "(1 unread)")
            await alice.loses("Offered to")

        tell(story, HASTY)

    def test_t8_cancel(self, tell: Tell) -> None:
        """The sender takes it back: the preview goes, and nobody is shown an error."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.sees("OFFER")
            await alice.press("ctrl+l")

            await bob.loses("OFFER")
            await alice.loses("Offered to")
            assert "NOT TRANSFERRED" not in alice.text
            assert "My Messages (0 unread)" in alice.text

        tell(story)

    @pytest.mark.parametrize("key", ["f2", "ctrl+q"])
    def test_t9_log_out(self, tell: Tell, key: str) -> None:
        """The invitee logs out, or quits the program, which logs out too."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.sees("OFFER")
            await bob.press(key)

            await alice.sees("NOT TRANSFERRED. Bob Lindström logged out before answering the transfer.", "(1 unread)")

        tell(story)

    def test_t9_disconnected(self, tell: Tell) -> None:
        """The invitee's terminal goes away without a word."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.sees("OFFER")
            bob.app.disconnect()

            await alice.sees("NOT TRANSFERRED. Bob Lindström was disconnected before answering the transfer.")

        tell(story)

    def test_t12_text_while_pending(self, tell: Tell) -> None:
        """A text that comes in the middle is on the sender's screen, and on the new owner's after that."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            centre.service.receive_message("jane", "Is anybody there?")
            await alice.sees("Is anybody there?")
            await bob.offered()
            await bob.press("f7")

            await bob.sees("SMS with Jane Roe", "Hello, my parcel is lost.", "Is anybody there?")

        tell(story)

    def test_t2_mms(self, tell: Tell) -> None:
        """An MMS conversation is transferred by the same words, and its attachments come along."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Omar Said", "down")
            await alice.sees("MMS with Omar Said", "file", "door.jpg (image/jpeg, 182,400 bytes)")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.offered("an MMS conversation with Omar Said")
            await bob.press("f7")

            await bob.sees("MMS with Omar Said", "door.jpg (image/jpeg, 182,400 bytes)")

        tell(story)

    def test_t13_done(self, tell: Tell) -> None:
        """Marked done in the middle: the preview goes, and so does the window."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.sees("OFFER")
            await alice.press("ctrl+o")
            await alice.sees("Mark this conversation as done?")
            await alice.press("escape")
            await alice.loses("Mark this conversation as done?")
            await alice.press("ctrl+o", "enter")

            await alice.sees("Conversations (1)", "No conversation is open")
            await bob.loses("OFFER")

        tell(story)

    def test_q1_queue(self, tell: Tell) -> None:
        """A queue is found by its name; who serves it is invited."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.press("f5")
            await alice.types("lo par")
            await alice.sees("Lost parcels (queue): 1 ready, 0 waiting", "“lo par”: 1 found")
            await alice.press("enter", "enter")
            await alice.sees("Offered to Lost parcels")
            await bob.offered("+14155550123, offered to Lost parcels")
            await bob.press("f7")

            await bob.sees("SMS with Jane Roe")

        tell(story)


class TestReceiving:
    """The invitee's desktop."""

    @pytest.mark.parametrize("answering", [Answering.AUTO_WITH_PREVIEW, Answering.AUTO_WITHOUT_PREVIEW])
    def test_d2_auto_answer(self, tell: Tell, answering: Answering) -> None:
        """The workspace accepts by itself; nothing that is typed meanwhile goes to the new contact."""

        async def story(centre: Centre) -> None:
            bob = await centre.desktop("bob", answering=answering)
            await bob.opens("Lea Park")
            await bob.types("Yes")
            centre.service.request_transfer("jane", BOB, by="alice")

            await bob.sees("Conversations (2)", "● new text: Jane Roe", "SMS with Lea Park")
            await bob.types(" you can", "enter")
            await bob.sees("Yes you can")
            assert "bob" == centre.service.transcript("lea")[-1].sender

        tell(story)

    def test_d1_focus_off(self, tell: Tell) -> None:
        """Without the setting an offer leaves the focus alone, and one key goes there and another comes back."""

        async def story(centre: Centre) -> None:
            bob = await centre.desktop("bob")
            await bob.opens("Lea Park")
            await bob.types("Ye")
            centre.service.request_transfer("jane", BOB, by="alice")
            await bob.sees("OFFER", "f6 Go to offer")
            await bob.types("s")
            await bob.press("f7", "f8")  # nothing: the offer has not got the focus

            await bob.sees("Yes", "OFFER")
            await bob.press("f6")
            await bob.sees("f7 Accept", "f8 Reject")
            await bob.press("escape")
            await bob.types(" you can")
            await bob.sees("Yes you can")

        tell(story)

    def test_d1_focus_on(self, tell: Tell) -> None:
        """With the setting an offer takes the focus; keys that were meant for the reply accept nothing."""

        async def story(centre: Centre) -> None:
            bob = await centre.desktop("bob", focus=True)
            await bob.opens("Lea Park")
            await bob.types("Yes")
            request = centre.service.request_transfer("jane", BOB, by="alice")
            await bob.sees("f7 Accept")
            await bob.press("space", "enter", "a", "y")
            await bob.sees("OFFER")

            centre.service.cancel(request.id, by="alice")
            await bob.loses("OFFER")
            await bob.types("!")  # D3: the focus is back where it was
            await bob.sees("Yes!")

        tell(story)

    def test_t5_offer_changes(self, tell: Tell) -> None:
        """What changes about an offer while it is thought about is seen."""

        async def story(centre: Centre) -> None:
            bob = await centre.desktop("bob")
            centre.service.request_transfer("jane", BOB, by="alice")
            await bob.offered("order: A-1027")
            centre.service.update_case_data("jane", {"order": "B-2"}, by="alice")

            await bob.sees("OFFER", "order: B-2")

        tell(story)

    def test_d3_two_offers(self, tell: Tell) -> None:
        """Of two offers the one in focus is answered, and the focus does not slip to the other."""

        async def story(centre: Centre) -> None:
            bob = await centre.desktop("bob")
            centre.service.request_transfer("jane", BOB, by="alice")
            await bob.sees("with Jane Roe to you")
            centre.service.request_transfer("omar", BOB, by="alice")
            await bob.sees("with Omar Said to you")
            await bob.press("f6", "f6", "f8")
            await bob.loses("with Omar Said to you")
            await bob.press("f8", "f7")

            await bob.sees("with Jane Roe to you", "Conversations (1)")

        tell(story)

    def test_e4_no_reject(self, tell: Tell) -> None:
        """Who may not decline sees no Reject."""

        async def story(centre: Centre) -> None:
            centre.service.log_in("carol")
            centre.service.set_ready("carol")
            carol = await centre.desktop("carol")
            centre.service.request_transfer("jane", Target.agent("carol"), by="alice")
            await carol.offered()
            await carol.press("f8")

            assert "Reject" not in carol.text
            await carol.press("f7")
            await carol.sees("SMS with Jane Roe")

        tell(story)

    def test_t11_too_late(self, tell: Tell) -> None:
        """An answer to an offer that is gone already is refused in words."""

        async def story(centre: Centre) -> None:
            request = centre.service.request_transfer("jane", BOB, by="alice")
            bob = await centre.desktop("bob", interval=NEVER)
            await bob.offered()
            centre.service.cancel(request.id, by="alice")
            await bob.press("f7")

            await bob.sees("alice cancelled the transfer. alice owns the conversation now.")

        tell(story)

    def test_d7_restart(self, tell: Tell) -> None:
        """The program dies and is started again in mid-invitation: both screens show what is true."""

        async def story(centre: Centre) -> None:
            async with centre.session("alice", None, (120, 30), OFTEN) as alice:
                await alice.opens("Jane Roe")
                await alice.transfers("bob l", "Bob Lindström", note="You know parcels")
            async with centre.session("bob", None, (120, 30), OFTEN) as bob:
                await bob.sees("OFFER", "You know parcels")
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")

            await alice.sees("Offered to Bob Lindström", "SMS with Jane Roe")
            await bob.offered("You know parcels")
            await bob.press("f8")
            await alice.sees("NOT TRANSFERRED. Bob Lindström rejected the transfer.")
            again = await centre.desktop("alice")
            await again.sees("NOT TRANSFERRED. Bob Lindström rejected the transfer.", "(1 unread)")

        tell(story)

    def test_80_columns(self, tell: Tell) -> None:
        """The lesson fits into the smallest terminal that is usual."""

        async def story(centre: Centre) -> None:
            alice, bob = await centre.desktop("alice", size=(80, 24)), await centre.desktop("bob", size=(80, 24))
            await alice.opens("Jane Roe")
            await alice.transfers("bob l", "Bob Lindström")
            await bob.offered()
            await bob.press("f7")
            await bob.sees("SMS with Jane Roe", "It was order A-1027.")

        tell(story)


class TestTeamCommunicator:
    """Where a target is found."""

    def test_t3_every_reason(self, tell: Tell) -> None:
        """A target that cannot receive is shown with every reason, and picking it tells them again."""

        async def story(centre: Centre) -> None:
            centre.service.set_do_not_disturb("dan", on=True)
            alice = await centre.desktop("alice")
            await alice.opens("Omar Said", "down")
            await alice.press("f5")
            await alice.types("da")
            reasons = "Does not want to be disturbed. Logged out. Does not handle this kind of conversation."
            await alice.sees(
                "“da”: 1 found", "Logged out, do not disturb, places free: 1", "SMS Transfer not possible: Does"
            )
            await alice.press("enter", "enter")

            await alice.sees(f"{reasons}\n")

        tell(story)

    def test_t3_refused(self, tell: Tell) -> None:
        """Where the target has changed since it was shown, the request is refused with every reason."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.press("f5")
            await alice.types("bob l")
            await alice.sees("“bob l”: 1 found", "Bob Lindström (agent): Ready")
            alice.app.query_one("Team Lines").focus()
            centre.service.set_not_ready("bob", "lunch")
            centre.service.set_do_not_disturb("bob", on=True)
            await alice.press("enter")

            await alice.sees("Does not want to be disturbed. Not ready.\n")
            await alice.sees("Not Ready: lunch, do not disturb")  # presence is kept true while the agent looks
            assert "Offered to" not in alice.text

        tell(story)

    def test_t2_fast_fingers(self, tell: Tell) -> None:
        """Enter that is faster than the search picks nobody from the list that was there before."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.press("f5")
            await alice.sees("6 found", "not possible: Is the sender of the transfer.")
            await alice.types("bob l", "enter", "enter")
            await alice.until(lambda text: "1 found" in text or "Offered to Bob" in text, "never saw Bob")

            assert "\nIs the sender" not in alice.text

        tell(story)

    def test_t2_favourites_and_recents(self, tell: Tell) -> None:
        """Favourites are marked by a key, recents by having been asked; kinds narrow it down."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.press("f5")
            await alice.types("car")
            await alice.sees("“car”: 1 found", "Carol Reyes")
            await alice.press("down", "ctrl+f")
            await alice.sees("★ Carol Reyes")
            await alice.press("escape", "f5", "ctrl+r")
            await alice.sees("Favourites, all kinds: 1 found", "★ Carol Reyes")
            await alice.press("ctrl+r")
            await alice.sees("Recents, all kinds: 0 found")
            await alice.press("ctrl+r", "ctrl+t", "ctrl+t")
            await alice.sees("All, queue: 1 found", "Lost parcels")
            await alice.press("down", "enter")
            await alice.sees("Offered to Lost parcels")
            await alice.opens("Omar Said", "down")
            await alice.press("f5", "ctrl+r", "ctrl+r")
            await alice.sees("Recents, all kinds: 1 found", "↺ Lost parcels")

        tell(story)


class TestDesk:
    """The agent's own status, conversations and messages."""

    def test_e2_status(self, tell: Tell) -> None:
        """Log-in, Ready, Not Ready with a reason, do-not-disturb and log-out are a key each."""

        async def story(centre: Centre) -> None:
            dan = await centre.desktop("dan")
            await dan.sees("Dan Wu (dan) on the SMS channel: Logged out", "nothing checks who you are")
            for key, words in {"f2": "Not Ready", "f3": "Ready", "f4": "Ready, do not disturb"}.items():
                await dan.press(key)
                await dan.sees(f"channel: {words}\n")
            await dan.press("f3")
            await dan.sees("Why Not Ready?")
            await dan.types("lunch", "enter")
            await dan.sees("channel: Not Ready: lunch, do not disturb\n")
            await dan.press("f4", "f2")
            await dan.sees("channel: Logged out\n")

        tell(story)

    def test_note_and_case_data(self, tell: Tell) -> None:
        """Both are edited by a key; a value that is left out removes the key."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.press("ctrl+n")
            await alice.types("Calls often", "enter")
            await alice.sees("Note: Calls often")
            await alice.press("ctrl+g")
            await alice.types("order = B-2", "enter")
            await alice.sees("order: B-2", "tier: gold")
            await alice.press("ctrl+g")
            await alice.types("tier", "enter")
            await alice.loses("tier: gold")
            await alice.press("ctrl+g", "enter")
            await alice.sees("This does not have the right form: changes has a key")

        tell(story)

    def test_d4_my_messages(self, tell: Tell) -> None:
        """Newest first; read when it is opened, unread again by a key, deleted by another."""

        async def story(centre: Centre) -> None:
            for reason in ("older", "newer"):
                request = centre.service.request_transfer("jane", BOB, by="alice")
                assert request.invitation is not None
                centre.service.reject(request.invitation.id, by="bob", reason=reason)
            alice = await centre.desktop("alice")
            await alice.sees("My Messages (2 unread)")
            assert alice.text.index("“newer”") < alice.text.index("“older”")

            await alice.press("f9", "enter")
            await alice.sees("My Messages (1 unread)")
            await alice.press("u")
            await alice.sees("My Messages (2 unread)")
            await alice.press("home", "down", "delete")
            await alice.sees("My Messages (1 unread)")
            await alice.loses("“older”")

        tell(story)

    def test_half_written_reply(self, tell: Tell) -> None:
        """What is being typed survives whatever happens to the conversation meanwhile, and looking at another one."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.types("Dear ")
            centre.service.receive_message("jane", "Hello?")
            await alice.sees("Hello?")
            await alice.types("Ms ")
            request = centre.service.request_transfer("jane", BOB, by="alice")
            await alice.sees("Offered to")
            await alice.types("Roe, ")
            assert request.invitation is not None
            centre.service.reject(request.invitation.id, by="bob")
            await alice.sees("NOT TRANSFERRED")
            await alice.press("f5")
            await alice.sees("6 found")
            await alice.press("escape")
            await alice.opens("Omar Said", "down")
            assert "Dear" not in alice.text
            await alice.opens("Jane Roe")
            await alice.types("hi", "enter")

            await alice.sees("> alice", "Dear Ms Roe, hi")

        tell(story)

    def test_t5_draft_of_a_lost_conversation(self, tell: Tell) -> None:
        """When the window closes under the fingers, what is typed on goes to no other contact."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.types("Dear")
            request = centre.service.request_transfer("jane", BOB, by="alice")
            assert request.invitation is not None
            centre.service.accept(request.invitation.id, by="bob")
            await alice.sees("No conversation is open")
            await alice.types(" Jane", "enter")

            await alice.sees("MMS with Omar Said")  # the list has the focus: Enter opened the next one
            assert not any("Jane" in message.text for message in centre.service.transcript("omar"))

        tell(story)

    def test_question_left(self, tell: Tell) -> None:
        """A question about one conversation is not answered over another one."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            await alice.press("ctrl+o")
            await alice.sees("Mark this conversation as done?")
            await alice.opens("Omar Said", "down")

            await alice.loses("Mark this conversation as done?")
            await alice.types("Hi", "enter")
            await alice.sees("Conversations (2)", "> alice")

        tell(story)

    def test_f1_stale_window(self, tell: Tell) -> None:
        """A reply from a window that is out of date is refused in words, and not lost."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice", interval=NEVER)
            await alice.opens("Jane Roe")
            request = centre.service.request_transfer("jane", BOB, by="alice")
            assert request.invitation is not None
            centre.service.accept(request.invitation.id, by="bob")
            await alice.types("Hello", "enter")

            await alice.sees("This window is out of date. bob owns the conversation now.", "Hello")
            assert "Hello" not in [message.text for message in centre.service.transcript("jane")]

        tell(story)

    def test_locked_database(self, tell: Tell, path: Path) -> None:
        """A database that is locked is told, and what was typed is there when it is free again."""

        async def story(centre: Centre) -> None:
            centre.patience = timedelta(seconds=0.3)
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            with locked(path):
                await alice.types("Hello", "enter")
                await alice.sees("The records cannot be reached now.", "Hello")
            await alice.press("enter")
            await alice.sees("> alice")

        tell(story)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes, and takes long."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


HOSTILE: Final = (
    "[bold red on red]hidden[/] \x1b[2J\x1b]0;owned\x07\x9b31m "
    "\u202egpj.exe\u2066 \u200b\r\n12:00 > alice  I pay you $1000 "
    "Z" + "\u0336" * 2_000 + "\t[@click=app.quit]click[/]"
)
HIDDEN: Final = {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u200b\u202e\u2066\u2028"} - {"\n"}


class TestHostileWords:
    """Whatever a contact or a colleague writes is shown as text, and does nothing."""

    def test_everywhere(self, tell: Tell) -> None:
        """Names, texts, notes, case data, reasons, files: all of it is harmless, on both screens, all the way."""

        async def story(centre: Centre) -> None:
            name = HOSTILE[:250]
            contact = Contact("+14155550100", name=name)
            data = {f"[b]{name[:100]}": HOSTILE}
            mms = Interaction(
                "[/x]\u202e", media=Media.MMS, contact=contact, owner="alice", case_data=data, note=HOSTILE
            )
            centre.service.open_interaction(mms)
            file = Attachment("\x1b[2J", content_type="[i]\u202e", name=name, size=1)
            centre.service.receive_message(mms.id, HOSTILE, attachments=[file])
            centre.service.add_queue(Target.queue("zz[/b]\x1b"), ["bob"], name=name)
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.press("f10", "end", "enter")
            await alice.sees("MMS with [bold red", "$1000", "file", "Note: [bold red")
            await alice.press("f5")
            await alice.types("zz")
            await alice.sees("“zz”: 1 found", "(queue)")
            self.assert_harmless(alice)
            await alice.press("escape", "ctrl+n")
            await alice.sees("[U+001B][2J")
            self.assert_harmless(alice)
            await alice.press("escape")

            request = centre.service.request_transfer(mms.id, BOB, by="alice", note=HOSTILE)
            await bob.offered("wants to transfer an MMS conversation with [bold red on red]hidden[/]")
            self.assert_harmless(bob)
            assert request.invitation is not None
            centre.service.reject(request.invitation.id, by="bob", reason=HOSTILE)
            await alice.sees("NOT TRANSFERRED. Bob Lindström rejected the transfer: “[bold red")
            self.assert_harmless(alice)
            await alice.press("f9", "enter")
            await alice.sees("My Messages (0 unread)")
            self.assert_harmless(alice)

        tell(story)

    @staticmethod
    def assert_harmless(screen: Screen) -> None:
        assert set() == HIDDEN & set(screen.text)

    @pytest.mark.parametrize("text", ["x" * 65_536, "word " * 13_000, "\u202e" * 10_000, "字" * 10_000])
    def test_endless_texts(self, tell: Tell, text: str) -> None:
        """However long a text is, the answers of an offer and the reply stay in sight, and the lesson goes on."""

        async def story(centre: Centre) -> None:
            centre.service.receive_message("jane", text)
            centre.service.update_case_data("jane", {"long": text[:30_000]}, by="alice")
            alice, bob = await centre.desktop("alice"), await centre.desktop("bob")
            await alice.opens("Jane Roe")
            await alice.types("Hm", "enter")
            await alice.sees("> alice")
            centre.service.request_transfer("jane", BOB, by="alice", note=text[:4_000])
            await bob.offered("Accept (F7)")
            await bob.press("f7")
            await bob.sees("SMS with Jane Roe", "> alice", "Reply; Enter sends it")

        tell(story)

    def test_pasted(self, tell: Tell) -> None:
        """What is pasted into a field is seen before it is sent."""

        async def story(centre: Centre) -> None:
            alice = await centre.desktop("alice")
            await alice.opens("Jane Roe")
            alice.app.post_message(events.Paste("pay\u200bpal \x1b[2J"))
            await alice.sees("pay[U+200B]pal [U+001B][2J")

        tell(story)

    @pytest.mark.parametrize(
        ("shown", "words"),
        [
            ("Zoë 字 🎉", "Zoë 字 🎉"),
            ("a[U+200D]b", "a\u200db"),
            ("[U+001B][2J", "\x1b[2J"),
            ("a ⏎ b", "a\nb"),
            ("[U+202E]gpj[U+2028]", "\u202egpj\u2028"),
        ],
    )
    def test_harmless(self, shown: str, words: str) -> None:
        """What can be seen stays as it is; what cannot is spelt out."""
        assert shown == harmless(words)
        assert shown == harmless(shown)


class TestWords:
    """What is said in other words than the library's."""

    def test_every_status(self) -> None:
        """The table misses none."""
        assert set(ChannelStatus) == set(STATUS)


class TestProgram:
    """The program as it is started."""

    def test_filled_at_once(self, path: Path) -> None:
        """Two terminals that are started at the same time fill the store once."""

        def start(_: int) -> None:
            with SqliteStore(path, durable=False) as store:
                fill(TransferService(store))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(start, range(4)))
        with SqliteStore(path) as store:
            service = TransferService(store)

            assert {"jane": 2, "omar": 1, "lea": 1, "unknown": 1} == {
                one: len(service.transcript(one)) for one in ("jane", "omar", "lea", "unknown")
            }

    def test_filled_again(self, path: Path) -> None:
        """What has been done with the centre since stays done."""
        with SqliteStore(path) as store:
            service = TransferService(store)
            fill(service)
            service.log_in("alice")
            service.mark_done("jane", by="alice")
            before = service.events().cursor
            fill(service)

            assert before == service.events().cursor

    def test_who(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Without an agent, or with one that nobody knows, the agents are listed."""
        for agent in ([], ["mallory"]):
            assert 2 == main([*agent, "--store", str(path)])
            assert "  alice: Alice Ek\n  bob: Bob Lindström\n" in capsys.readouterr().out

    def test_no_store(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that cannot be used is told, and that without a traceback."""
        assert 1 == main(["alice", "--store", str(tmp_path)])
        said = capsys.readouterr().err

        assert "Traceback" not in said
        assert said.strip()

    def test_in_terminals(self, path: Path) -> None:
        """Two processes in two real terminals: a transfer, hostile words, a clean end, a terminal that is as before."""
        with SqliteStore(path) as store:
            service = TransferService(store)
            fill(service)
            service.receive_message("jane", "\x1b]0;owned\x07")
        with Terminal("alice", path) as alice, Terminal("bob", path) as bob:
            for terminal in (alice, bob):
                terminal.sees("Logged out")
                terminal.press(F2)
                terminal.sees("Not Ready")
                terminal.press(F3)
                terminal.sees("channel: Ready")
            alice.press(F5)
            alice.sees("6 found")
            alice.press(b"bob l")
            alice.sees("“bob l”: 1 found")
            alice.press(b"\r", until="Offered to Bob")  # the first goes to the list
            bob.sees("OFFER")
            bob.press(F6, until="f7 Accept")
            bob.press(F7)
            bob.sees("SMS with Jane Roe")
            bob.sees("[U+001B]]0;owned")
            alice.sees("No conversation is open")
            bob.press(CTRL_Q)
            alice.press(CTRL_Q)
            assert (0, 0) == (alice.end(), bob.end())
            assert b"owned\x07" not in alice.said + bob.said
        with SqliteStore(path) as store:
            service = TransferService(store)
            assert "bob" == service.interaction("jane").owner
            assert ChannelStatus.LOGGED_OUT is service.agent("bob").status

    def test_t9_hung_up(self, path: Path) -> None:
        """A terminal that goes away disconnects its agent."""
        with Terminal("bob", path) as bob, SqliteStore(path) as store:
            bob.sees("Logged out")
            bob.press(F2)
            bob.sees("Not Ready")
            bob.hang_up()

            assert ChannelStatus.LOGGED_OUT is TransferService(store).agent("bob").status


F2, F3, F5, F6, F7, CTRL_Q = b"\x1bOQ", b"\x1bOR", b"\x1b[15~", b"\x1b[17~", b"\x1b[18~", b"\x11"
PATIENCE: Final = 20.0


class Terminal:
    """The program in a real terminal of its own."""

    def __init__(self, agent_id: str, path: Path) -> None:
        self.said = b""
        self._screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (30, 100))
        self._theirs, self._before = theirs, termios.tcgetattr(theirs)
        command = [sys.executable, str(EXAMPLES / "terminal_desktop"), agent_id, "--store", str(path)]
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.set_blocking(self._ours, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._theirs)
        os.close(self._ours)

    def press(self, keys: bytes, *, until: str = "") -> None:
        """Press keys; again and again until these words are on the screen, if there are any."""
        os.write(self._ours, keys)
        while until and not self._shows(until, within=0.5):
            os.write(self._ours, keys)

    def sees(self, words: str) -> None:
        """Wait until these words are on the screen."""
        if not self._shows(words, within=PATIENCE):
            pytest.fail("\n".join([f"never saw {words}", *self._screen.display]), pytrace=False)

    def end(self) -> int:
        """Wait for the end, and see that the terminal is as it was before."""
        code = self._wait()
        assert self._before == termios.tcgetattr(self._theirs)
        assert self.said.rindex(b"\x1b[?1049l") > self.said.rindex(b"\x1b[?1049h")  # the other screen is left
        assert b"Traceback" not in self.said
        return code

    def hang_up(self) -> None:
        """Close the window: the system tells the program so, and it can neither say nor read anything any more."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)
        self._process.send_signal(signal.SIGHUP)
        self._process.wait(PATIENCE)

    def _shows(self, words: str, *, within: float) -> bool:
        end = monotonic() + within
        while not (shown := any(words in line for line in self._screen.display)) and monotonic() < end:
            self._read()
        return shown

    def _wait(self) -> int:
        while self._process.poll() is None:  # what it says must be read, or it cannot end
            self._read()
        while self._read():  # the last words
            pass
        return self._process.wait()

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 0.05)[0]:
            return False
        said = os.read(self._ours, 65_536)
        self.said += said
        self._stream.feed(said)
        return True
