"""Every method of the service that is called, and what it gives."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_type

from sms_transfer import (
    Agent,
    Attachment,
    BulkResult,
    CaseData,
    ChannelStatus,
    Connection,
    Contact,
    Direction,
    Event,
    EventPage,
    Explanation,
    FrozenDict,
    Interaction,
    InteractionPreview,
    InteractionState,
    InteractionWindow,
    Invitation,
    LongestIdle,
    Media,
    Message,
    NoAnswer,
    Notice,
    Outcome,
    PastInvitation,
    Privilege,
    Queue,
    Reason,
    SmsTransferError,
    Snapshot,
    SystemMessage,
    Target,
    TargetKind,
    Tick,
    TransferPolicy,
    TransferRequest,
    TransferService,
    TransferState,
    Workspace,
    WorkspaceSettings,
    __version__,
)
from sms_transfer.ports import UserInterface

VERSION: str = __version__


def wiring() -> None:
    """Nothing must be given, and everything may."""
    assert_type(TransferService(), TransferService)
    policy = TransferPolicy(invitation_timeout=timedelta(seconds=20), fallback=Target.queue("q"))
    assert_type(TransferService(policy=policy, router=LongestIdle()), TransferService)


def agents(service: TransferService) -> None:
    """Who is there."""
    alice = Agent("alice", "Alice", media={Media.SMS}, privileges=[Privilege.TRANSFER], groups=("night",))
    assert_type(alice.media, frozenset[Media])
    assert_type(alice.status, ChannelStatus)
    assert_type(alice.groups, frozenset[str])
    service.add_agent(alice)
    assert_type(service.update_agent(alice), Agent)
    assert_type(service.add_queue(Target.queue("q"), ["alice"], name="Sales"), Queue)
    assert_type(service.update_queue(Target.queue("q"), {"alice"}), Queue)
    assert_type(service.log_in("alice"), Agent)
    assert_type(service.log_out("alice", disconnected=True), Agent)
    assert_type(service.set_ready("alice"), Agent)
    assert_type(service.set_not_ready("alice", "lunch"), Agent)
    assert_type(service.set_do_not_disturb("alice", True), Agent)
    assert_type(service.agent("alice"), Agent)


def conversations(service: TransferService) -> None:
    """What an owner does."""
    opened = Interaction("i", media=Media.SMS, contact=Contact("+14155550123"), owner="alice", case_data={"tier": 1})
    assert_type(service.open_interaction(opened), Interaction)
    photo = Attachment("a", content_type="image/jpeg", size=1)
    assert_type(service.receive_message("i", "hello", attachments=[photo], message_id="m"), Message)
    assert_type(service.reply("i", "hello", by="alice", epoch=0), Message)
    assert_type(service.update_case_data("i", {"tier": 2, "gone": None}, by="alice"), Interaction)
    assert_type(service.set_note("i", "note", by="alice"), Interaction)
    assert_type(service.save_attachment("i", "a", by="alice"), Attachment)
    assert_type(service.mark_done("i", by="alice", epoch=0), Interaction)
    assert_type(service.interaction("i"), Interaction)
    assert_type(service.transcript("i"), tuple[Message, ...])
    assert_type(service.history("i"), tuple[Event, ...])


def transfers(service: TransferService) -> None:
    """From a request to its outcome."""
    bob = Target.agent("bob")
    request = service.request_transfer(
        "i", bob, by="alice", note="n", key="k", priority=1, no_answer=NoAnswer.LOG_OUT, fallback=Target.skill("s")
    )
    assert_type(request, TransferRequest)
    assert_type(service.transfer_many(("i", "j"), bob, by="alice"), list[BulkResult])
    assert_type(service.accept("t", by="bob"), Interaction)
    assert_type(service.reject("t", by="bob", reason="busy"), TransferRequest)
    assert_type(service.cancel(request.id, by="alice"), TransferRequest)
    assert_type(service.transfer(request.id), TransferRequest)
    why = service.explain(request.id)
    assert_type(why, Explanation)
    assert_type(why.reasons, FrozenDict[int])
    assert_type((why.words, why.overdue), tuple[tuple[str, ...], bool])
    assert_type(service.eligibility("i", bob), frozenset[Reason])
    assert_type(service.expire_due(limit=1), list[TransferRequest])
    tick = service.tick()
    assert_type(tick, Tick)
    assert_type(tick.expired, tuple[TransferRequest, ...])
    assert_type(tick.invited, int)
    with service.ticking(timedelta(seconds=1)) as ticking:
        assert_type(ticking, None)


def desktops(service: TransferService, ui: UserInterface) -> None:
    """What an agent sees."""
    settings = WorkspaceSettings(preview_case_data=["tier"])
    workspace = Workspace("bob", ui, settings)
    connection = service.connect(workspace, dispatch=run)
    assert_type(connection, Connection)
    connection.close()
    snapshot = service.snapshot("bob")
    assert_type(snapshot, Snapshot)
    assert_type(snapshot.interactions, tuple[Interaction, ...])
    assert_type(snapshot.invitations, tuple[Invitation, ...])
    assert_type(snapshot.messages, tuple[SystemMessage, ...])
    assert_type(workspace.windows, Mapping[str, InteractionWindow])
    assert_type(workspace.previews, Mapping[str, InteractionPreview])
    service.mark_read("bob", "m", read=False)
    service.delete_message("bob", "m")
    for command in workspace.show(snapshot):
        assert_type(command.invitation_id, str)


def run(work: object) -> None:
    """Take whatever is to be run."""
    del work


def feed(service: TransferService) -> None:
    """What other systems read."""
    page = service.events(after=None, limit=10)
    assert_type(page, EventPage)
    assert_type(page.events, tuple[Event, ...])
    assert_type(page.cursor, str)


def values(interaction: Interaction, request: TransferRequest, text: Message, result: BulkResult) -> None:
    """What the values are made of."""
    assert_type(interaction.owner, str | Target)
    assert_type(interaction.state, InteractionState)
    assert_type(interaction.case_data, CaseData)
    assert_type(interaction.case_data["tier"], str | int | float | bool)
    assert_type(interaction.transfer, TransferRequest | None)
    assert_type(interaction.live_invitation, Invitation | None)
    assert_type(interaction.error, Notice | None)
    assert_type(request.target.kind, TargetKind)
    assert_type(request.state, TransferState)
    assert_type(request.state.is_final, bool)
    assert_type(request.outcome, Outcome | None)
    assert_type(request.past_invitations, tuple[PastInvitation, ...])
    assert_type(request.asked, frozenset[str])
    assert_type(text.direction, Direction)
    assert_type(text.attachments, tuple[Attachment, ...])
    assert_type(result.request, TransferRequest | None)
    assert_type(result.error, SmsTransferError | None)
    notice = Notice("transfer.expired", {"target": "Bob"})
    assert_type(notice.params, FrozenDict[str])
    assert_type(notice.params["target"], str)
    if isinstance(interaction.owner, Target):
        assert_type(interaction.owner.id, str)
    else:
        assert_type(interaction.owner, str)
