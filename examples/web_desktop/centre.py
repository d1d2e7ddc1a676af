"""A small contact centre to play with: who works there, and who texts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Final

import attrs

from sms_transfer import (
    Agent,
    AlreadyExists,
    AsyncTransferService,
    Attachment,
    Contact,
    Interaction,
    InteractionState,
    Media,
    NotFound,
    Privilege,
    Target,
)

AGENTS: Final[Mapping[str, Agent]] = {
    agent.id: agent
    for agent in (
        Agent("alice", "Alice Ek"),
        Agent("bob", "Bob Lindström", groups={"Evening shift"}),
        Agent("carol", "Carol Núñez", skills={"Spanish"}),
        Agent("dan", "Dan Okafor", capacity=1, privileges=frozenset(Privilege) - {Privilege.DECLINE}),
    )
}


def name_of(agent_id: str) -> str:
    """What colleagues call an agent."""
    return AGENTS[agent_id].name if agent_id in AGENTS else agent_id


@attrs.frozen
class Person:
    """Somebody who texts in, and which agent their conversations begin with."""

    contact: Contact
    media: Media
    agent: str
    first_text: str
    first_pictures: tuple[Attachment, ...] = ()


PEOPLE: Final[Mapping[str, Person]] = {
    "jane": Person(Contact("+14155550123", "Jane Roe"), Media.SMS, "alice", "My parcel has not come."),
    "omar": Person(
        Contact("+14155550187", "Omar Said"),
        Media.MMS,
        "alice",
        "The door is broken, as you see.",
        (Attachment("door", content_type="image/svg+xml", url="/static/door.svg", name="door.svg"),),
    ),
    "lin": Person(Contact("+14155550142", "Lin Wei"), Media.SMS, "bob", "Can I change the address?"),
}


async def furnish(service: AsyncTransferService) -> None:
    """Make the centre, unless it is there: another server may have made it, or be making it."""
    for agent in AGENTS.values():
        with suppress(AlreadyExists):
            await service.add_agent(agent)
    with suppress(AlreadyExists):
        await service.add_queue(Target.queue("lost-parcels"), ["bob", "carol"], name="Lost parcels")
    for name, person in PEOPLE.items():
        if not await conversations(service, name):
            hello = f"{name}-hello"
            await text_in(service, name, person.first_text, message_id=hello, attachments=person.first_pictures)


async def conversations(service: AsyncTransferService, name: str) -> list[Interaction]:
    """Every conversation with this person, the present one last."""
    found: list[Interaction] = []
    with suppress(NotFound):
        for number in count(1):
            found.append(await service.interaction(f"{name}-{number}"))  # noqa: PERF401 - it ends where there is none
    return found


async def text_in(
    service: AsyncTransferService, name: str, text: str, *, message_id: str, attachments: Sequence[Attachment] = ()
) -> None:
    """Let a person text: in the conversation that goes on, or in a new one where there is none.

    Raises:
        SmsTransferError: it was not taken; no place is left for a new conversation, say.
    """
    known, person = await conversations(service, name), PEOPLE[name]
    id_ = known[-1].id if known else ""
    if not known or known[-1].state is InteractionState.DONE:
        id_, data = f"{name}-{len(known) + 1}", {"tier": "gold"}
        with suppress(AlreadyExists):  # two texts at once begin one conversation
            await service.open_interaction(
                Interaction(id_, media=person.media, contact=person.contact, owner=person.agent, case_data=data)
            )
    await service.receive_message(id_, text, attachments=attachments, message_id=message_id)
