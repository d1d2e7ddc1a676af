"""What the suites commit and look for: small decisions about one conversation of Alice's, and awkward words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict

import attrs
from typing_extensions import Unpack

from sms_transfer.core.check import MAX_ID, MAX_TEXT, FrozenDict
from sms_transfer.core.decision import Claim, Decision, desktops
from sms_transfer.core.events import Event, InteractionOpened, InvitationSent, NoteSet, TransferCancelled, about
from sms_transfer.core.lifecycle import InteractionState, TransferState
from sms_transfer.core.model import (
    Contact,
    Direction,
    Interaction,
    Invitation,
    Media,
    Message,
    Outcome,
    PastInvitation,
    Target,
    TransferRequest,
)
from sms_transfer.core.notices import Notice, SystemMessage

NOW: Final = datetime(2026, 1, 1, 12, 30, 15, 123_456, tzinfo=UTC)
MOMENT: Final = timedelta(microseconds=1)
TIMEOUT: Final = timedelta(seconds=30)
QUEUE: Final = Target.queue("q")
EVERY: Final = 1_000
"""A page that holds everything that a test records."""

ODD_TEXTS: Final = {
    "empty": "",
    "spaces around": "  both \t ",
    "only a space": " ",
    "line ends": "one\ntwo\r\nthree\rfour\u2028five\x85",
    "zero": "a\x00b\x00",
    "controls": "".join(map(chr, range(32))) + "\x7f",
    "astral": "🎉👩\u200d👩\u200d👧\U0010fffd",
    "combining": "e\u0301 \u0065\u0323\u0307 Z\u0351\u036b",
    "both forms": "\u00e9 e\u0301 \u212b \u00c5",
    "right to left": "שלום \u202eabc\u202c مرحبا",
    "quotes": "'; DROP TABLE texts; -- \" \\ \\u0000 %s {} $1 ?",
    "byte order mark": "\ufeffhello\ufeff",
    "not characters": "\ufffe\uffff\ufffd",
    "long": "0123456789abcdef" * (MAX_TEXT // 16),
    "long and astral": "🎉" * MAX_TEXT,
}
"""Texts that are kept by whoever keeps texts, and changed by whoever trims, normalises or counts bytes."""

ALIKE: Final = (
    "a",
    "A",
    "a ",
    " a",
    "a\n",
    "a\x00",
    "á",
    "a\u0301",
    "ａ",  # noqa: RUF001 - full width
    "а",  # noqa: RUF001 - Cyrillic, which is the point
    "1",
    "01",
    "1.0",
    "١",  # noqa: RUF001 - Arabic-Indic
    "null",
    "'",
    "%",
    "_",
    "a/b",
    "a:b",
    "ß",
    "ss",
    "İ",
    "i",
    "ı",  # noqa: RUF001
    "I",
    "x" * MAX_ID,
    "x" * (MAX_ID - 1),
    "字" * MAX_ID,
    "🎉" * MAX_ID,
    "ܐ" * MAX_ID,
)
"""Ids that are all different, however alike they look to a database."""


class Parts(TypedDict, total=False):
    """What a decision can hold beside the interaction and its events."""

    requests: tuple[TransferRequest, ...]
    texts: tuple[Message, ...]
    notices: tuple[SystemMessage, ...]
    claim: Claim | None
    concerned: tuple[str, ...]
    key: tuple[str, str] | None


def opened(id_: str = "i", owner: str = "alice") -> Interaction:
    """An interaction as it is recorded first."""
    return Interaction(id_, media=Media.SMS, contact=Contact("+14155550123", name="Jane"), owner=owner, version=1)


def opening(interaction: Interaction, **parts: Unpack[Parts]) -> Decision:
    """The first commit of an interaction."""
    owner = str(interaction.owner)
    event = InteractionOpened(
        interaction_id=interaction.id, at=NOW, by=None, owner=owner, media=interaction.media, epoch=interaction.epoch
    )
    return Decision(interaction, events=(event,), **(Parts(concerned=(owner,)) | parts))


def change(interaction: Interaction, *events: Event, **parts: Unpack[Parts]) -> Decision:
    """The next version of an interaction, with a note that says which one it is."""
    after = attrs.evolve(interaction, version=interaction.version + 1, note=f"version {interaction.version + 1}")
    return Decision(after, events=events or (note(after),), **parts)


def note(interaction: Interaction) -> NoteSet:
    """An event that no other version of any interaction has."""
    return NoteSet(interaction_id=interaction.id, at=NOW + interaction.version * MOMENT, by="alice")


def text(id_: str, interaction_id: str = "i", direction: Direction = Direction.OUTBOUND, words: str = "hi") -> Message:
    """A text of an interaction."""
    return Message(id_, interaction_id=interaction_id, direction=direction, text=words, at=NOW)


def entry(id_: str = "n", agent_id: str = "alice", interaction_id: str = "i") -> SystemMessage:
    """An entry of My Messages."""
    notice = Notice("transfer.expired", FrozenDict({"target": "Bob", "transfer": id_}))
    return SystemMessage(id_, agent_id=agent_id, notice=notice, at=NOW, interaction_id=interaction_id)


def request(
    interaction_id: str = "i", id_: str = "t", invitee: str = "bob", deadline: datetime = NOW + TIMEOUT
) -> TransferRequest:
    """A live request of Alice's; its ticket is ``v-`` and its id."""
    return TransferRequest(
        id_,
        interaction_id=interaction_id,
        sender="alice",
        target=Target.agent(invitee),
        state=TransferState.INVITED,
        requested_at=NOW,
        deadline=deadline,
        invitation=Invitation(f"v-{id_}"[:MAX_ID], invitee=invitee, offered_at=NOW, deadline=deadline),
    )


def routing(
    interaction_id: str = "i", id_: str = "t", target: Target = QUEUE, *, age: int = 0, priority: int = 0
) -> TransferRequest:
    """A request of Alice's that looks for an agent of a queue; it was made this many moments ago."""
    return attrs.evolve(
        request(interaction_id, id_),
        target=target,
        state=TransferState.ROUTING,
        invitation=None,
        requested_at=NOW - age * MOMENT,
        priority=priority,
    )


def asking(live: TransferRequest, invitee: str = "bob", deadline: datetime = NOW + TIMEOUT) -> TransferRequest:
    """The same, while somebody is invited; each invitation has a ticket of its own."""
    number = len(live.past_invitations)
    ticket = Invitation(f"v{number}-{live.id}"[:MAX_ID], invitee=invitee, offered_at=NOW, deadline=deadline)
    return attrs.evolve(live, state=TransferState.INVITED, invitation=ticket)


def looking_on(live: TransferRequest) -> TransferRequest:
    """The same, after whoever was invited has declined."""
    ticket = live.invitation
    assert ticket is not None
    outcome = Outcome(TransferState.REJECTED, by=ticket.invitee, at=NOW, reason="why", owner=live.sender)
    past = PastInvitation(ticket.id, invitee=ticket.invitee, outcome=outcome)
    return attrs.evolve(
        live, state=TransferState.ROUTING, invitation=None, past_invitations=(*live.past_invitations, past)
    )


def inviting(interaction: Interaction, live: TransferRequest, **parts: Unpack[Parts]) -> Decision:
    """The commit that makes this the live request of an interaction; what a queue owns stays the queue's."""
    queued = interaction.state is InteractionState.QUEUED
    state = InteractionState.QUEUED if queued else InteractionState.TRANSFERRING
    after = attrs.evolve(interaction, version=interaction.version + 1, state=state, transfer=live)
    concerned = desktops(interaction, after)
    ticket = live.invitation
    if ticket is None:
        return Decision(after, events=(note(after),), **(Parts(requests=(live,), concerned=concerned) | parts))
    sent = InvitationSent(
        **about(live, note(after).at, "alice"),
        invitation_id=ticket.id,
        invitee=ticket.invitee,
        deadline=ticket.deadline,
    )
    return Decision(after, events=(sent,), **(Parts(requests=(live,), concerned=concerned) | parts))


def placing(interaction: Interaction, live: TransferRequest, **parts: Unpack[Parts]) -> Decision:
    """The commit that gives an interaction to the target of a request at once (Q2)."""
    after = attrs.evolve(
        interaction,
        version=interaction.version + 1,
        state=InteractionState.QUEUED,
        owner=live.present_target,
        epoch=interaction.epoch + 1,
        transfer=live,
    )
    given = Parts(requests=(live,), concerned=desktops(interaction, after)) | parts
    return Decision(after, events=(note(after),), **given)


def waiting_on(interaction: Interaction, id_: str, **parts: Unpack[Parts]) -> Decision:
    """The commit that begins the next request for what a queue owns, as nobody has taken it in time (Q2)."""
    live = live_request(interaction)
    again = attrs.evolve(live, id=id_, state=TransferState.ROUTING, invitation=None, past_invitations=())
    after = attrs.evolve(interaction, version=interaction.version + 1, transfer=again)
    given = Parts(requests=(closed(live, TransferState.EXPIRED), again), concerned=desktops(interaction)) | parts
    return Decision(after, events=(note(after),), **given)


def closed(live: TransferRequest, state: TransferState = TransferState.CANCELLED) -> TransferRequest:
    """A request with its outcome; the sender keeps the conversation."""
    outcome = Outcome(state, by=live.sender, at=NOW, reason="cancelled_by_sender", owner=live.sender)
    return attrs.evolve(live, state=state, outcome=outcome)


def closing(interaction: Interaction, **parts: Unpack[Parts]) -> Decision:
    """The commit that ends the live transfer of an interaction: the sender keeps it, or has it back."""
    live = live_request(interaction)
    queued = interaction.state is InteractionState.QUEUED
    after = attrs.evolve(
        interaction,
        version=interaction.version + 1,
        state=InteractionState.ACTIVE,
        owner=live.sender,
        epoch=interaction.epoch + queued,
        transfer=None,
    )
    ended = closed(live)
    assert ended.outcome is not None
    given = Parts(requests=(ended,), concerned=desktops(after, interaction)) | parts
    return Decision(
        after, events=(TransferCancelled(**about(live, note(after).at, "alice"), outcome=ended.outcome),), **given
    )


def accepting(interaction: Interaction, **parts: Unpack[Parts]) -> Decision:
    """The commit that gives an interaction to its invitee."""
    live = live_request(interaction)
    assert live.invitation is not None
    invitee = live.invitation.invitee
    outcome = Outcome(TransferState.ACCEPTED, by=invitee, at=NOW, owner=invitee)
    ended = attrs.evolve(live, state=outcome.state, outcome=outcome)
    after = attrs.evolve(
        interaction,
        version=interaction.version + 1,
        state=InteractionState.ACTIVE,
        transfer=None,
        owner=invitee,
        epoch=interaction.epoch + 1,
    )
    given = Parts(requests=(ended,), concerned=desktops(interaction, after)) | parts
    return Decision(after, events=(note(after),), **given)


def done(interaction: Interaction, **parts: Unpack[Parts]) -> Decision:
    """The commit that ends an interaction, and its live transfer with it."""
    live = interaction.transfer
    owner = interaction.owner if live is None else live.sender
    after = attrs.evolve(
        interaction, version=interaction.version + 1, state=InteractionState.DONE, owner=owner, transfer=None
    )
    requests = () if live is None else (closed(live),)
    given = Parts(requests=requests, concerned=desktops(interaction)) | parts
    return Decision(after, events=(note(after),), **given)


def live_request(interaction: Interaction) -> TransferRequest:
    """The live request of an interaction that has one."""
    assert interaction.transfer is not None
    return interaction.transfer
