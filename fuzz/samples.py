"""A value of each kind that the codec writes: what a short life of a small centre leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sms_transfer import (
    Agent,
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
from sms_transfer.testing import ManualClock

QUEUE: Final = Target.queue("support")
CONTACT: Final = Contact("+14155550123", name="Jane")


def _life() -> tuple[object, ...]:
    clock = ManualClock()
    service = TransferService(clock=clock)
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY, skills={"plumbing"}))
    queue = service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.MMS, contact=CONTACT, owner="alice", case_data={"k": 1}))
    picture = Attachment("a", content_type="image/png", url="https://media.example/a.png", size=1)
    service.receive_message("i", "hello", attachments=[picture])
    for target in (Target.agent("bob"), QUEUE):
        refused = service.request_transfer("i", target, by="alice", note="busy")
        assert refused.invitation is not None
        service.reject(refused.invitation.id, by="bob", reason="busy")
    service.request_transfer("i", Target.agent("bob"), by="alice")
    clock.advance(timedelta(minutes=1))
    service.tick()
    service.cancel(service.request_transfer("i", QUEUE, by="alice").id, by="alice")
    live = service.request_transfer("i", Target.agent("bob"), by="alice")
    assert live.invitation is not None
    waiting = service.interaction("i")
    service.accept(live.invitation.id, by="bob")
    service.reply("i", "hello", by="bob")
    service.mark_done("i", by="bob")
    return (
        service.agent("bob"),
        CONTACT,
        queue,
        QUEUE,
        picture,
        waiting,
        live,
        live.invitation,
        TransferPolicy(),
        WorkspaceSettings(),
        *service.transcript("i"),
        *service.snapshot("alice").messages,
        *service.history("i"),
    )


SAMPLES: Final = tuple({type(value): value for value in _life()}.values())
"""One of each kind."""
