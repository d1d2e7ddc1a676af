"""A small centre to begin with."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sms_transfer import (
    Agent,
    AlreadyExists,
    Attachment,
    Contact,
    Interaction,
    Media,
    Privilege,
    Refused,
    Target,
    TransferService,
)

AGENTS: Final = (
    Agent("alice", "Alice Ek"),
    Agent("bob", "Bob Lindström", skills={"doors"}),
    Agent("carol", "Carol Reyes", privileges=frozenset(Privilege) - {Privilege.DECLINE}),
    Agent("dan", "Dan Wu", media=[Media.SMS], capacity=1),
)
PHOTO: Final = Attachment("photo-1", content_type="image/jpeg", name="door.jpg", size=182_400)
CONVERSATIONS: Final = (
    ("jane", "alice", Media.SMS, "Jane Roe", "+14155550123", ("Hello, my parcel is lost.", "It was order A-1027.")),
    ("omar", "alice", Media.MMS, "Omar Said", "+14155550187", ("The door looks like this:",)),
    ("lea", "bob", Media.SMS, "Lea Park", "+14155550142", ("Can I pay by card?",)),
    ("unknown", "carol", Media.SMS, "", "+14155550166", ("When do you open?",)),
)


def fill(service: TransferService) -> None:
    """Put the centre into the store. What is there already stays as it is, whoever else fills it at the same time."""
    for agent in AGENTS:
        with suppress(AlreadyExists):
            service.add_agent(agent)
    with suppress(AlreadyExists):
        service.add_queue(Target.queue("lost"), ["bob", "carol"], name="Lost parcels")
    for id_, owner, media, name, address, texts in CONVERSATIONS:
        contact = Contact(address, name=name)
        with suppress(AlreadyExists, Refused):  # refused: it is done by now, or its owner has no place left
            case_data = {"order": "A-1027", "tier": "gold"} if id_ == "jane" else {}
            service.open_interaction(Interaction(id_, media=media, contact=contact, owner=owner, case_data=case_data))
        for number, text in enumerate(texts):
            with suppress(AlreadyExists, Refused):
                files = [PHOTO] if media is Media.MMS else []
                service.receive_message(id_, text, attachments=files, message_id=f"{id_}-{number}")
