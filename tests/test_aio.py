"""`AsyncTransferService`: the same flow in an event loop, and what only an event loop brings."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread, get_ident
from typing import Any, ParamSpec, TypeVar, cast

import pytest
from hypothesis import settings

from doubles import StumblingUI
from on_loop import OnLoop, settled
from sms_transfer import (
    Agent,
    AsyncTeamCommunicator,
    AsyncTransferService,
    ChannelStatus,
    Conflict,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    InvalidValue,
    InvitationClosed,
    Media,
    Message,
    NotFound,
    TeamCommunicator,
    TransferPending,
    TransferRequest,
    TransferService,
    TransferState,
    UnusableStore,
    Workspace,
)
from sms_transfer.adapters.blocking import (
    AwaitableDirectory,
    AwaitableGateway,
    AwaitableMessaging,
    AwaitableStore,
    Strategy,
    at_once,
)
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.drive import BlockingDriver, finish
from sms_transfer.testing import ManualClock, RecordingUI
from sms_transfer.testing.machine import TransferMachine
from support import BOB, CAROL, CONTACT, TIMEOUT, FakeGateway

P = ParamSpec("P")
R = TypeVar("R")
PATIENCE = 20.0
TICK = timedelta(milliseconds=2)


def in_steps(method: Callable[P, R], /) -> Callable[P, Coroutine[object, object, R]]:
    """Let other tasks come between, before and after: so that tasks really meet."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        await asyncio.sleep(0)
        result = method(*args, **kwargs)
        await asyncio.sleep(0)
        return result

    return call


class Centre:
    """Alice, Bob and Carol, all Ready; Alice owns ``"i"``. Made by `opened`."""

    def __init__(self, store: MemoryStore | None = None, strategy: Strategy = at_once) -> None:
        self.clock = ManualClock()
        self.gateway = FakeGateway()
        self.bell = InProcessMessaging()
        self.store = MemoryStore() if store is None else store
        self.service = AsyncTransferService(
            AwaitableStore(self.store, strategy),
            messaging=AwaitableMessaging(self.bell, strategy),
            gateway=AwaitableGateway(self.gateway, strategy),
            clock=self.clock,
        )

    @classmethod
    async def opened(cls, store: MemoryStore | None = None, strategy: Strategy = at_once) -> Centre:
        """One with agents and an interaction."""
        centre = cls(store, strategy)
        for name in ("alice", "bob", "carol"):
            await centre.service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
        await centre.open("i")
        return centre

    async def open(self, id_: str) -> None:
        """Open an interaction of Alice's."""
        await self.service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))

    async def invite(self, id_: str = "i") -> str:
        """Offer it to Bob; the ticket."""
        return ticket(await self.service.request_transfer(id_, BOB, by="alice"))


def ticket(request: TransferRequest) -> str:
    """The id of the request's invitation."""
    assert request.invitation is not None
    return request.invitation.id


def texts(ui: RecordingUI) -> list[str]:
    """What the window of ``"i"`` shows."""
    return [text.text for text in ui.windows["i"].transcript]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens in another thread, or after a while."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)


# the same service


def test_both_services_have_the_same_methods() -> None:
    """Each public method of one is in the other, with the same parameters, and is a coroutine there."""

    def public(kind: type[object]) -> dict[str, Any]:
        return {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}

    called, awaited = public(TransferService), public(AsyncTransferService)
    assert called.keys() == awaited.keys()
    for name, method in called.items():
        if name == "team_index":  # an attribute
            continue
        expected, found = inspect.signature(method), inspect.signature(awaited[name])
        assert expected.parameters == found.parameters, name
        if name == "ticking":
            assert "Async" in found.return_annotation
        else:
            assert expected.return_annotation == found.return_annotation, name
            assert inspect.iscoroutinefunction(awaited[name]), name


def test_importing_the_package_does_not_import_asyncio() -> None:
    """It is slow to import, and many do without."""
    code = "import sys, sms_transfer; sms_transfer.TransferService(); sys.exit('asyncio' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode  # noqa: S603 - this very Python


def test_t5_a_transfer_to_an_agent() -> None:
    """T1 to T5, T12, T15: request, preview, accept; the windows follow, and the new owner texts the contact."""

    async def story() -> None:
        centre = await Centre.opened()
        service = centre.service
        alice, bob = RecordingUI(), RecordingUI()
        await service.connect(Workspace("alice", alice))
        await service.connect(Workspace("bob", bob))
        assert ["i"] == list(alice.windows)
        offered = await service.request_transfer("i", BOB, by="alice", note="please")
        await service.receive_message("i", "hello?")
        await settled()
        assert [ticket(offered)] == list(bob.previews)
        assert alice.windows["i"].pending is not None
        taken = await service.accept(ticket(offered), by="bob")
        await settled()
        assert ("bob", 1) == (taken.owner, taken.epoch)
        assert {} == alice.windows
        assert ["hello?"] == texts(bob)
        reply = await service.reply("i", "yes?", by="bob", epoch=1)
        assert [reply] == centre.gateway.sent

    asyncio.run(story())


def test_t6_t7_t8_a_transfer_that_comes_to_nothing() -> None:
    """T6 to T8: rejected, expired, cancelled; the sender is told on both surfaces, or not at all."""

    async def story() -> None:
        centre = await Centre.opened()
        service, alice = centre.service, RecordingUI()
        await service.connect(Workspace("alice", alice))
        await service.reject(await centre.invite(), by="bob", reason="busy")
        await settled()
        assert 1 == len(alice.errors) == len(alice.messages)
        await centre.invite()
        centre.clock.advance(TIMEOUT)
        assert [TransferState.EXPIRED] == [request.state for request in (await service.tick()).expired]
        await settled()
        assert 2 == len(alice.errors_told) == len(alice.messages)
        request = await service.request_transfer("i", BOB, by="alice")
        await service.cancel(request.id, by="alice")
        await settled()
        assert {} == alice.errors
        assert 2 == len(alice.messages)

    asyncio.run(story())


def test_every_port_may_be_left_out() -> None:
    """In memory, in this process, by the system's clock."""

    async def story() -> None:
        service, ui = AsyncTransferService(), RecordingUI()
        await service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY))
        await service.connect(Workspace("alice", ui))
        await service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
        await settled()
        assert ["i"] == list(ui.windows)

    asyncio.run(story())


class AwaitedTransfers(TransferMachine):
    """The stateful machine, over the service that is awaited."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        OnLoop.loop = self.runner.get_loop()
        super().__init__()

    def make_service(self, clock: ManualClock) -> TransferService:
        return cast(TransferService, OnLoop(clock=clock))  # it has the same methods, as a test shows

    def teardown(self) -> None:
        super().teardown()
        self.runner.close()


TestAwaitedTransfers = AwaitedTransfers.TestCase
TestAwaitedTransfers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# without a loop


def test_what_waits_cannot_be_driven_without_a_loop() -> None:
    """A port that waits in a service that is called is a mistake: it is said, and nothing is left open."""
    closed: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append("closed")

    coroutine = waits()
    with pytest.raises(RuntimeError, match="AsyncTransferService"):
        finish(coroutine)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)
    assert ["closed"] == closed


def test_what_a_driven_coroutine_raises_comes_through() -> None:
    """With the place where it was raised."""

    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        finish(BlockingDriver().to_the_end(fails()))  # type: ignore[arg-type] # it gives back what it is given
    assert "fails" == caught.traceback[-1].name


# blocking ports


def test_a_blocking_port_can_be_called_in_threads() -> None:
    """Every call of each port is made in another thread than the loop's."""
    threads = set[int]()

    class Noticing(MemoryStore):
        def read(self, *args: Any) -> Any:
            threads.add(get_ident())
            return super().read(*args)

    class Gateway(FakeGateway):
        def send(self, message: Message, contact: Any) -> None:
            threads.add(get_ident())
            super().send(message, contact)

    async def story() -> None:
        gateway, ui = Gateway(), RecordingUI()
        service = AsyncTransferService(
            AwaitableStore(Noticing()),
            directory=AwaitableDirectory(MemoryStore()),
            messaging=AwaitableMessaging(InProcessMessaging()),
            gateway=AwaitableGateway(gateway),
        )
        for name in ("alice", "bob"):
            await service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
        await service.connect(Workspace("alice", ui))
        await service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
        await service.reply("i", "hello", by="alice")
        await until(lambda: ui.windows and texts(ui) == ["hello"])
        await service.accept(ticket(await service.request_transfer("i", BOB, by="alice")), by="bob")
        await until(lambda: not ui.windows)
        assert 1 == len(gateway.sent)
        assert threads
        assert get_ident() not in threads

    asyncio.run(story())


# many tasks


def test_f3_accept_and_reject_race_and_one_wins() -> None:
    """F3, T11: of two tasks that answer at once one wins, and the other is told what won."""

    async def story() -> None:
        centre, winners = await Centre.opened(strategy=in_steps), Counter[TransferState]()
        for number in range(100):
            id_ = f"i-{number}"
            await centre.open(id_)
            offered = await centre.invite(id_)
            answers: list[Awaitable[object]] = [
                centre.service.accept(offered, by="bob"),
                centre.service.reject(offered, by="bob"),
            ]
            if number % 2:
                answers.reverse()
            results = await asyncio.gather(*answers, return_exceptions=True)
            [loser] = [result for result in results if isinstance(result, BaseException)]
            assert isinstance(loser, InvitationClosed)
            winners[loser.outcome.state] += 1
            owner = (await centre.service.interaction(id_)).owner
            assert owner == loser.outcome.owner
            await centre.service.mark_done(id_, by=str(owner))
        assert {TransferState.ACCEPTED: 50, TransferState.REJECTED: 50} == winners

    asyncio.run(story())


def test_f2_requests_that_race_make_one_transfer() -> None:
    """F2: each loser is told which one is live."""

    async def story() -> None:
        centre = await Centre.opened(strategy=in_steps)
        asked = [centre.service.request_transfer("i", to, by="alice") for to in (BOB, CAROL) * 10]
        results = await asyncio.gather(*asked, return_exceptions=True)
        live = (await centre.service.interaction("i")).transfer
        assert live is not None
        assert [live] == [result for result in results if isinstance(result, TransferRequest)]
        losers = [result for result in results if isinstance(result, BaseException)]
        assert 19 == len(losers)
        for loser in losers:
            assert isinstance(loser, TransferPending)
            assert live.id == loser.transfer.id

    asyncio.run(story())


def test_f6_a_thousand_tasks_text_at_once() -> None:
    """F6, T12: each text is recorded once and sent once, in the transcript's order, and is on the screen."""

    async def story() -> None:
        centre, ui = await Centre.opened(), RecordingUI()
        await centre.service.connect(Workspace("alice", ui))
        replies = [centre.service.reply("i", f"text {number}", by="alice") for number in range(1_000)]
        sent = await asyncio.gather(*replies)
        await settled()
        transcript = await centre.service.transcript("i")
        assert 1_000 == len(transcript) == len({message.id for message in sent})
        assert list(transcript) == centre.gateway.sent
        assert transcript == ui.windows["i"].transcript

    asyncio.run(story())


def test_f6_texts_that_meet_in_the_outbox_are_sent_once_each_and_in_order() -> None:
    """F6: where sending takes its time, whoever comes meanwhile leaves it to another task, and nothing is forgotten."""

    async def story() -> None:
        centre = await Centre.opened(strategy=in_steps)
        replies = [centre.service.reply("i", f"text {number}", by="alice") for number in range(20)]
        await asyncio.gather(*replies)
        await settled()
        assert list(await centre.service.transcript("i")) == centre.gateway.sent
        assert 20 == len(centre.gateway.sent)

    asyncio.run(story())


def test_f7_a_command_that_is_beaten_for_ever_gives_up() -> None:
    """F7: after a bounded number of tries, with an error that says that it may go through later."""

    class Beaten(MemoryStore):
        tries = 0

        def commit(self, decision: Decision) -> None:
            if decision.texts:
                self.tries += 1
                raise Conflict(kind="interaction", id="i")
            super().commit(decision)

    async def story() -> None:
        store = Beaten()
        centre = await Centre.opened(store)
        with pytest.raises(Conflict):
            await centre.service.receive_message("i", "hello")
        assert 64 == store.tries

    asyncio.run(story())


# cancellation


class Held:
    """Makes blocking ports awaitable, and holds one method up until it is let go."""

    def __init__(self, held: str) -> None:
        self.held = held
        self.holding = False
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    def __call__(self, method: Callable[P, R], /) -> Callable[P, Coroutine[object, object, R]]:
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if self.holding and method.__name__ == self.held:
                self.reached.set()
                await self.go_on.wait()
            return method(*args, **kwargs)

        return call


@pytest.mark.parametrize("where", ["read", "commit", "ring", "send", "mark_sent"])
def test_f6_a_command_whose_task_is_cancelled_is_carried_through(where: str) -> None:
    """F6: recorded whole, shown and sent, wherever its task is cancelled; and the next one finds nothing in its way."""

    async def story() -> None:
        held = Held(where)
        centre, ui = await Centre.opened(strategy=held), RecordingUI()
        await centre.service.connect(Workspace("alice", ui))
        held.holding = True
        task = asyncio.create_task(centre.service.reply("i", "hello", by="alice"))
        await held.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.go_on.set()
        await settled()
        assert ["hello"] == [text.text for text in centre.gateway.sent] == texts(ui)
        held.holding = False
        await centre.service.reply("i", "again", by="alice")
        assert ["hello", "again"] == [text.text for text in centre.gateway.sent]

    asyncio.run(story())


def test_t9_an_invitee_is_not_left_invited_where_the_log_out_is_cancelled() -> None:
    """T9: the invitations of who has left fail although nobody waits for it."""

    async def story() -> None:
        held = Held("replace_agent")
        centre = await Centre.opened(strategy=held)
        await centre.invite()
        held.holding = True
        task = asyncio.create_task(centre.service.log_out("bob"))
        await held.reached.wait()
        task.cancel()
        held.go_on.set()
        await settled()
        assert task.cancelled()
        assert (await centre.service.interaction("i")).transfer is None

    asyncio.run(story())


def test_f6_the_end_of_the_loop_leaves_no_turn_taken() -> None:
    """F6: where every task is cancelled in the middle of sending, the text waits, and the next tick sends it."""

    async def story() -> None:
        held = Held("send")
        centre = await Centre.opened(strategy=held)
        held.holding = True
        tasks = [asyncio.create_task(centre.service.reply("i", f"text {number}", by="alice")) for number in range(2)]
        await held.reached.wait()
        everything = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in everything:
            task.cancel()
        await asyncio.wait(everything)
        assert [] == centre.gateway.sent
        assert 2 == len(tasks) == len(await centre.service.transcript("i"))
        held.holding = False
        assert 2 == (await centre.service.tick()).sent

    asyncio.run(story())


def test_f6_in_the_hosts_transaction_a_command_ends_with_its_task() -> None:
    """F6: nothing goes on behind the host's back on a connection that it rolls back."""

    class Joining(MemoryStore):
        joins_transaction = False

    async def story() -> None:
        held, store = Held("commit"), Joining()
        centre = await Centre.opened(store, held)
        held.holding = store.joins_transaction = True
        task = asyncio.create_task(centre.service.receive_message("i", "hello"))
        await held.reached.wait()
        task.cancel()
        held.go_on.set()
        await settled()
        assert task.cancelled()
        assert () == await centre.service.transcript("i")

    asyncio.run(story())


def test_d7_a_connect_that_is_cancelled_leaves_nothing_connected() -> None:
    """D7: nobody would ever close it."""

    async def story() -> None:
        held = Held("desktop")
        centre, ui = await Centre.opened(strategy=held), RecordingUI()
        held.holding = True
        task = asyncio.create_task(centre.service.connect(Workspace("alice", ui)))
        await held.reached.wait()
        task.cancel()
        held.go_on.set()
        await settled()
        await centre.service.receive_message("i", "hello")
        await centre.service.tick()
        await settled()
        assert task.cancelled()
        assert [] == ui.calls

    asyncio.run(story())


# desktops


def test_d7_an_agent_nobody_knows_cannot_be_connected() -> None:
    """D7: as in `TransferService`."""

    async def story() -> None:
        with pytest.raises(NotFound):
            await Centre().service.connect(Workspace("nobody", RecordingUI()))

    asyncio.run(story())


def test_d7_a_ring_from_another_thread_is_shown_in_the_loops() -> None:
    """D7: the front end is called in the thread of its loop, wherever the ring comes from."""
    shown_in: list[int] = []

    class Noticing(RecordingUI):
        def update_window(self, window: InteractionWindow) -> None:
            shown_in.append(get_ident())
            super().update_window(window)

    async def story() -> None:
        centre, ui = await Centre.opened(), Noticing()
        await centre.service.connect(Workspace("alice", ui))
        other = TransferService(centre.store, messaging=centre.bell, clock=centre.clock)
        await asyncio.to_thread(other.receive_message, "i", "hello")
        await until(lambda: texts(ui) == ["hello"])
        assert [get_ident()] == shown_in

    asyncio.run(story())


def test_d7_rings_while_a_refresh_is_under_way_lead_to_one_more() -> None:
    """D7: however many come."""
    looks: list[str] = []

    class Counting(MemoryStore):
        def desktop(self, agent_id: str, **kwargs: Any) -> Any:
            looks.append(agent_id)
            return super().desktop(agent_id, **kwargs)

    async def story() -> None:
        held = Held("desktop")
        centre, ui = await Centre.opened(Counting(), held), RecordingUI()
        connection = await centre.service.connect(Workspace("alice", ui))
        looks.clear()
        held.holding = True
        connection.wake()
        await held.reached.wait()
        for number in range(50):
            await centre.service.receive_message("i", f"text {number}")
            await asyncio.sleep(0)
        held.go_on.set()
        await settled()
        assert ["alice", "alice"] == looks
        assert 50 == len(texts(ui))

    asyncio.run(story())


def test_d7_a_closed_loop_does_not_blow_up_in_the_ringer(caplog: pytest.LogCaptureFixture) -> None:
    """D7: whoever rings a desktop whose loop is gone is not told; it is logged once, and not rung again."""
    ui = RecordingUI()

    async def story() -> Centre:
        centre = await Centre.opened()
        await centre.service.connect(Workspace("alice", ui))
        return centre

    centre = asyncio.run(story())
    shown = list(ui.calls)
    other = TransferService(centre.store, messaging=centre.bell, clock=centre.clock)
    asyncio.run(centre.service.tick())
    other.receive_message("i", "hello")
    other.receive_message("i", "hello?")
    assert shown == ui.calls
    assert 1 == caplog.text.count("could not wake the workspace of agent alice: RuntimeError")


def test_d7_a_connection_can_be_closed_when_its_loop_is() -> None:
    """D7: quietly, and twice."""

    async def story() -> Any:
        centre = await Centre.opened()
        return await centre.service.connect(Workspace("alice", RecordingUI()))

    connection = asyncio.run(story())
    connection.close()
    connection.close()
    connection.wake()


def test_d7_a_connection_that_is_closed_while_it_looks_shows_nothing() -> None:
    """D7: what was looked up for it is dropped."""

    async def story() -> None:
        held = Held("desktop")
        centre, ui = await Centre.opened(strategy=held), RecordingUI()
        connection = await centre.service.connect(Workspace("alice", ui))
        await settled()
        shown = list(ui.calls)
        held.holding = True
        TransferService(centre.store, clock=centre.clock).receive_message("i", "hello")
        connection.wake()
        await held.reached.wait()
        connection.close()
        held.go_on.set()
        await settled()
        assert shown == ui.calls

    asyncio.run(story())


def test_d7_the_end_of_the_loop_leaves_no_workspace_in_its_turn() -> None:
    """D7: a workspace whose refresh was cancelled can be connected again."""
    ui = RecordingUI()
    workspace = Workspace("alice", ui)

    async def first() -> Centre:
        held = Held("desktop")
        centre = await Centre.opened(strategy=held)
        connection = await centre.service.connect(workspace)
        held.holding = True
        connection.wake()
        await held.reached.wait()
        return centre

    async def second(store: MemoryStore) -> None:
        service = AsyncTransferService(AwaitableStore(store, at_once))
        await service.receive_message("i", "hello")
        await service.connect(workspace)

    asyncio.run(second(asyncio.run(first()).store))
    assert ["hello"] == texts(ui)


# dispatch


class Desk:
    """Alice's desktop, with a dispatch that keeps what it is given until a test runs it."""

    def __init__(self, ui: RecordingUI | None = None) -> None:
        self.ui = RecordingUI() if ui is None else ui
        self.workspace = Workspace("alice", self.ui)
        self.waiting: list[Callable[[], None]] = []

    def run(self) -> None:
        """Run what waits."""
        while self.waiting:
            self.waiting.pop(0)()


def test_d7_a_dispatch_runs_what_is_shown() -> None:
    """D7: nothing is shown before it does, one show waits at a time, and what came meanwhile is shown after."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()
        for number in range(20):
            await centre.service.receive_message("i", f"text {number}")
        await settled()
        assert [] == desk.ui.calls
        assert 1 == len(desk.waiting)
        desk.waiting.pop()()
        await settled()
        desk.waiting.pop()()
        assert 20 == len(texts(desk.ui))

    asyncio.run(story())


def test_d7_a_dispatch_may_run_it_in_another_thread() -> None:
    """D7: the main thread of a front end, say; the commands still go out from the loop."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        threads: list[Thread] = []

        def dispatch(job: Callable[[], None]) -> None:
            threads.append(Thread(target=job))
            threads[-1].start()

        await centre.service.connect(desk.workspace, dispatch=dispatch)
        await centre.service.receive_message("i", "hello")
        await until(lambda: desk.ui.windows and texts(desk.ui) == ["hello"])
        for thread in threads:
            thread.join(PATIENCE)

    asyncio.run(story())


def test_d7_a_connection_that_is_closed_does_not_wait_for_a_show_that_was_lost() -> None:
    """D7: the workspace can be connected again, to what was not shown."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        connection = await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()
        desk.waiting.clear()
        connection.close()
        await settled()
        await centre.service.connect(desk.workspace)
        assert ["i"] == list(desk.ui.windows)

    asyncio.run(story())


def test_d7_a_show_that_was_lost_is_made_good_by_the_tick() -> None:
    """D7: and if it was only late, it shows nothing any more, for it is old."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()
        [late] = desk.waiting
        desk.waiting.clear()
        await centre.service.receive_message("i", "hello")
        await centre.service.tick()
        await settled()
        [shown] = desk.waiting
        shown()
        calls = list(desk.ui.calls)
        late()
        shown()
        assert ["hello"] == texts(desk.ui)
        assert calls == desk.ui.calls

    asyncio.run(story())


def test_d7_a_dispatch_that_raises_fails_no_command(caplog: pytest.LogCaptureFixture) -> None:
    """D7: it is logged, and tried again at the next change."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        failing = [RuntimeError("hello from +14155550123")]

        def dispatch(job: Callable[[], None]) -> None:
            if failing:
                raise failing.pop()
            job()

        await centre.service.connect(desk.workspace, dispatch=dispatch)
        await settled()
        assert [] == desk.ui.calls
        await centre.service.receive_message("i", "hello")
        await settled()
        assert ["hello"] == texts(desk.ui)

    asyncio.run(story())
    assert "could not wake the workspace of agent alice: RuntimeError" in caplog.text
    assert "+1415" not in caplog.text


def test_d7_what_a_front_end_raises_in_its_dispatch_is_shown_again(caplog: pytest.LogCaptureFixture) -> None:
    """D7: everything, at the next change."""

    async def story() -> None:
        ui = StumblingUI()
        ui.calls_until_stumble = 0
        centre, desk = await Centre.opened(), Desk(ui)
        await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()
        desk.run()
        await settled()
        assert {} == ui.windows
        await centre.service.receive_message("i", "hello")
        await settled()
        desk.run()
        assert ["hello"] == texts(ui)

    asyncio.run(story())
    assert "could not show the workspace of agent alice: RuntimeError" in caplog.text


def test_d7_a_connection_that_is_closed_leaves_no_show_behind() -> None:
    """D7: what waits in a dispatch is not shown any more, and the workspace can be connected again."""

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk()
        connection = await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()
        connection.close()
        desk.run()  # before the loop has heard of it
        assert [] == desk.ui.calls
        await centre.service.connect(desk.workspace)
        await settled()
        assert ["i"] == list(desk.ui.windows)

    asyncio.run(story())


def test_d7_a_show_that_waits_when_the_loop_ends_is_old() -> None:
    """D7: it is not shown any more."""
    desk = Desk()

    async def story() -> None:
        centre = await Centre.opened()
        await centre.service.connect(desk.workspace, dispatch=desk.waiting.append)
        await settled()

    asyncio.run(story())
    desk.run()
    assert [] == desk.ui.calls


def test_d7_a_show_that_is_under_way_when_the_loop_ends_ends_quietly() -> None:
    """D7: there is nobody to tell."""
    started, go_on, ended = Event(), Event(), Event()

    class Slow(RecordingUI):
        def open_window(self, window: InteractionWindow) -> None:
            started.set()
            assert go_on.wait(PATIENCE)
            super().open_window(window)

    def dispatch(job: Callable[[], None]) -> None:
        def run() -> None:
            job()
            ended.set()

        Thread(target=run).start()

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk(Slow())
        await centre.service.connect(desk.workspace, dispatch=dispatch)
        await until(started.is_set)

    asyncio.run(story())
    go_on.set()
    assert ended.wait(PATIENCE)


def test_d7_a_show_whose_refresh_was_cancelled_meanwhile_settles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """D7: it shows what it began to show, and whoever waited for it is gone."""
    started, go_on, ended = Event(), Event(), Event()

    class Slow(RecordingUI):
        def open_window(self, window: InteractionWindow) -> None:
            started.set()
            assert go_on.wait(PATIENCE)
            super().open_window(window)

    def dispatch(job: Callable[[], None]) -> None:
        def run() -> None:
            job()
            ended.set()

        Thread(target=run).start()

    async def story() -> None:
        centre, desk = await Centre.opened(), Desk(Slow())
        await centre.service.connect(desk.workspace, dispatch=dispatch)
        await until(started.is_set)
        everything = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in everything:
            task.cancel()
        await asyncio.wait(everything)
        go_on.set()
        await until(ended.is_set)
        await settled()
        assert ["i"] == list(desk.ui.windows)

    asyncio.run(story())
    assert "" == caplog.text


def test_a1_what_becomes_of_a_cancelled_command_is_logged_when_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A1: nobody else is told."""

    class Closing(MemoryStore):
        closed = False

        def commit(self, *args: Any, **kwargs: Any) -> None:
            if self.closed:
                raise UnusableStore(detail="it is closed")
            super().commit(*args, **kwargs)

    async def story() -> None:
        held, store = Held("commit"), Closing()
        centre = await Centre.opened(store, held)
        held.holding = store.closed = True
        task = asyncio.create_task(centre.service.reply("i", "hello", by="alice"))
        await held.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.go_on.set()
        await settled()

    asyncio.run(story())
    assert "could not carry what was cancelled to its end: UnusableStore at" in caplog.text


# ticking


def test_f4_ticking_does_what_time_brings() -> None:
    """F4, F6, D7: deadlines, texts that wait, and desktops that missed a ring; and no more when it has ended."""

    class Told(RecordingUI):
        def __init__(self) -> None:
            super().__init__()
            self.previewed = 0

        def show_preview(self, preview: InteractionPreview) -> None:
            self.previewed += 1

    async def story() -> None:
        centre, ui = await Centre.opened(), Told()
        service = centre.service
        await service.connect(Workspace("bob", ui))
        centre.gateway.error = TimeoutError()
        await service.reply("i", "refused at first", by="alice")
        centre.gateway.error = None
        unheard = TransferService(centre.store, clock=centre.clock)
        request = unheard.request_transfer("i", BOB, by="alice")
        async with service.ticking(TICK):
            await until(lambda: ui.previewed and centre.gateway.sent)
            centre.clock.advance(TIMEOUT)
            await until(lambda: unheard.transfer(request.id).state is TransferState.EXPIRED)
        await settled()
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(story())


def test_f4_ticking_goes_on_when_a_tick_fails(caplog: pytest.LogCaptureFixture) -> None:
    """F4: it is logged, and the next one does it."""

    class Failing(MemoryStore):
        left = 2

        def due(self, *args: Any, **kwargs: Any) -> tuple[str, ...]:
            self.left -= 1
            if self.left >= 0:
                raise ZeroDivisionError
            return super().due(*args, **kwargs)

    async def story() -> None:
        store = Failing()
        centre = await Centre.opened(store)
        async with centre.service.ticking(TICK):
            await until(lambda: store.left < 0)

    asyncio.run(story())
    assert 2 == caplog.text.count("could not tick: ZeroDivisionError")


def test_f4_a_gateway_that_hangs_keeps_no_transfer_from_ending() -> None:
    """F4: deadlines are swept although the task that sends texts hangs; and the end of ticking waits for neither."""

    async def story() -> None:
        held = Held("send")
        centre = await Centre.opened(strategy=held)
        centre.gateway.error = TimeoutError()
        await centre.service.reply("i", "refused at first", by="alice")
        centre.gateway.error = None
        held.holding = True
        async with asyncio.timeout(PATIENCE):
            async with centre.service.ticking(TICK):
                await held.reached.wait()
                request = await centre.service.request_transfer("i", BOB, by="alice")
                centre.clock.advance(TIMEOUT)
                unheard = TransferService(centre.store, clock=centre.clock)
                await until(lambda: unheard.transfer(request.id).state is TransferState.EXPIRED)
        held.go_on.set()
        await settled()
        assert 1 == len(centre.gateway.sent)  # what had begun is carried through

    asyncio.run(story())


@pytest.mark.parametrize("where", ["due", "waiting_targets"])
def test_f4_the_end_of_ticking_waits_for_a_sweep_that_has_begun(where: str) -> None:
    """F4: whoever ticks may close the store next."""

    async def story() -> None:
        held = Held(where)
        centre = await Centre.opened(strategy=held)
        held.holding = True

        async def tick_until_it_hangs() -> None:
            async with centre.service.ticking(TICK):
                await held.reached.wait()

        ticking = asyncio.create_task(tick_until_it_hangs())
        await held.reached.wait()
        await settled()
        assert not ticking.done()
        held.go_on.set()
        await ticking
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(story())


def test_f4_the_end_of_ticking_waits_for_no_sweep_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """F4: a store that hangs is given up."""
    monkeypatch.setattr("sms_transfer.aio._PATIENCE", 0.01)

    async def story() -> None:
        held = Held("due")
        centre = await Centre.opened(strategy=held)
        held.holding = True
        async with asyncio.timeout(PATIENCE), centre.service.ticking(TICK):
            await held.reached.wait()

    asyncio.run(story())


def test_f4_ticking_ends_with_what_it_is_around() -> None:
    """F4: an error goes through, and a cancellation does."""

    async def story() -> None:
        centre = await Centre.opened()
        with pytest.raises(ZeroDivisionError):
            async with centre.service.ticking(TICK):
                raise ZeroDivisionError
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01), centre.service.ticking(TICK):
                await asyncio.Event().wait()
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(story())


@pytest.mark.parametrize("make", [TeamCommunicator, AsyncTeamCommunicator])
def test_a8_a_team_communicator_refuses_what_is_no_service(make: Callable[..., object]) -> None:
    """A8: as `InvalidValue`."""
    with pytest.raises(InvalidValue) as refused:
        make(None, "alice")

    assert refused.value.field == "service"
