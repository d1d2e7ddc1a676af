"""Every method of the service that is awaited, and what it gives."""

from datetime import timedelta
from typing import assert_type

from sms_transfer import (
    Agent,
    AsyncTeamCommunicator,
    AsyncTransferService,
    Attachment,
    BulkResult,
    Connection,
    Contact,
    Event,
    EventPage,
    Explanation,
    Found,
    Interaction,
    Media,
    Message,
    Queue,
    Reason,
    Snapshot,
    Target,
    Tick,
    TransferRequest,
    Workspace,
)
from sms_transfer.adapters.blocking import AwaitableGateway, AwaitableStore, at_once, in_threads
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import ContactGateway, UserInterface


def wiring(gateway: ContactGateway) -> None:
    """Nothing must be given; what blocks can be made awaitable."""
    assert_type(AsyncTransferService(), AsyncTransferService)
    # pyrefly holds that whoever has a method by a port must let it be assigned to, which these do not.
    store = AwaitableStore(MemoryStore(), at_once)
    provider = AwaitableGateway(gateway, in_threads)
    # pyrefly: ignore[bad-argument-type]
    AsyncTransferService(store, gateway=provider)


async def agents(service: AsyncTransferService) -> None:
    """Who is there."""
    alice = Agent("alice", "Alice")
    await service.add_agent(alice)
    assert_type(await service.update_agent(alice), Agent)
    assert_type(await service.add_queue(Target.queue("q"), ["alice"]), Queue)
    assert_type(await service.update_queue(Target.queue("q"), ["alice"], name="Sales"), Queue)
    assert_type(await service.log_in("alice"), Agent)
    assert_type(await service.log_out("alice"), Agent)
    assert_type(await service.set_ready("alice"), Agent)
    assert_type(await service.set_not_ready("alice"), Agent)
    assert_type(await service.set_do_not_disturb("alice", False), Agent)
    assert_type(await service.agent("alice"), Agent)


async def conversations(service: AsyncTransferService) -> None:
    """What an owner does."""
    opened = Interaction("i", media=Media.MMS, contact=Contact("12345"), owner="alice")
    assert_type(await service.open_interaction(opened), Interaction)
    assert_type(await service.receive_message("i", "hello"), Message)
    assert_type(await service.reply("i", "hello", by="alice"), Message)
    assert_type(await service.update_case_data("i", {"tier": 2.5}, by="alice"), Interaction)
    assert_type(await service.set_note("i", "note", by="alice"), Interaction)
    assert_type(await service.save_attachment("i", "a", by="alice"), Attachment)
    assert_type(await service.mark_done("i", by="alice"), Interaction)
    assert_type(await service.interaction("i"), Interaction)
    assert_type(await service.transcript("i"), tuple[Message, ...])
    assert_type(await service.history("i"), tuple[Event, ...])


async def transfers(service: AsyncTransferService) -> None:
    """From a request to its outcome."""
    target = Target.agent_group("night")
    request = await service.request_transfer("i", target, by="alice")
    assert_type(request, TransferRequest)
    assert_type(await service.transfer_many(["i"], target, by="alice", key="k"), list[BulkResult])
    assert_type(await service.accept("t", by="bob"), Interaction)
    assert_type(await service.reject("t", by="bob"), TransferRequest)
    assert_type(await service.cancel(request.id, by="alice"), TransferRequest)
    assert_type(await service.transfer(request.id), TransferRequest)
    assert_type(await service.explain(request.id), Explanation)
    assert_type(await service.eligibility("i", target), frozenset[Reason])
    assert_type(await service.expire_due(), list[TransferRequest])
    assert_type(await service.tick(limit=5), Tick)
    async with service.ticking(timedelta(seconds=1)) as ticking:
        assert_type(ticking, None)


async def desktops(service: AsyncTransferService, ui: UserInterface) -> None:
    """What an agent sees, and what other systems read."""
    assert_type(await service.connect(Workspace("bob", ui)), Connection)
    assert_type(await service.snapshot("bob"), Snapshot)
    assert_type(await service.events(), EventPage)
    await service.mark_read("bob", "m")
    await service.delete_message("bob", "m")


async def team(service: AsyncTransferService) -> None:
    """Whom an agent finds."""
    communicator = AsyncTeamCommunicator(service, "alice")
    assert_type(await communicator.search("bo", interaction_id="i"), Found)
    assert_type(await communicator.favourites(), tuple[Target, ...])
    assert_type(await communicator.recents(), tuple[Target, ...])
    await communicator.add_favourite(Target.agent("bob"))
    await communicator.remove_favourite(Target.agent("bob"))
