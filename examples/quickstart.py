"""Alice and Bob hand conversations to each other, and you look at both desktops.

Run it with ``python examples/quickstart.py``. It needs no network, no database and no waiting.

A front end of your own has two parts. It is told what to show: `ConsoleUI` is all there is to that. And it tells the
service what the agent did: the four stories at the bottom make every call that the team communicator, Transfer, Accept
and Reject need.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import zip_longest

from sms_transfer import (
    Action,
    Agent,
    Attachment,
    ChannelStatus,
    Contact,
    FoundTarget,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Media,
    Notice,
    Refused,
    SystemMessage,
    Target,
    TargetKind,
    TeamCommunicator,
    TransferService,
    Workspace,
    explain_reasons,
    explain_refusal,
)
from sms_transfer.testing import ManualClock

COLUMN = 48
JANE = Contact("+14155550123", name="Jane Roe")
OMAR = Contact("+14155550187", name="Omar Said")
PHOTO = Attachment("photo-1", content_type="image/jpeg", name="door.jpg")


class ConsoleUI:
    """One agent's desktop in plain text: a `sms_transfer.ports.UserInterface`.

    The seven methods remember what is on the screen, and `draw` draws it. There is nothing to work out here.
    """

    def __init__(self) -> None:
        self.windows: dict[str, InteractionWindow] = {}
        self.previews: dict[str, InteractionPreview] = {}
        self.errors: dict[str, Notice] = {}
        self.messages: dict[str, SystemMessage] = {}

    def open_window(self, window: InteractionWindow) -> None:
        """The agent owns this conversation now."""
        self.windows[window.interaction.id] = window

    def update_window(self, window: InteractionWindow) -> None:
        """Something in the window is different: a text, a pending transfer, the error gone."""
        self.windows[window.interaction.id] = window
        if window.error is None:
            self.errors.pop(window.interaction.id, None)

    def close_window(self, interaction_id: str) -> None:
        """Somebody else owns it, or it is done."""
        del self.windows[interaction_id]
        self.errors.pop(interaction_id, None)

    def show_preview(self, preview: InteractionPreview) -> None:
        """Somebody offers this agent a conversation."""
        self.previews[preview.invitation_id] = preview

    def dismiss_preview(self, invitation_id: str) -> None:
        """The offer is closed: answered, too late, or taken back."""
        del self.previews[invitation_id]

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """The last transfer was not accepted: the top of the window says so."""
        self.errors[interaction_id] = notice

    def show_message(self, message: SystemMessage) -> None:
        """My Messages says so too."""
        self.messages[message.id] = message

    def draw(self) -> Iterator[str]:
        """What is on the screen, line by line, each short enough for its column."""
        for line in (*self.draw_previews(), *self.draw_windows(), *self.draw_messages()):
            yield from textwrap.wrap(line, COLUMN, subsequent_indent="    ")

    def draw_previews(self) -> Iterator[str]:
        """Each offer, and how it can be answered."""
        for preview in self.previews.values():
            yield f">> {preview.text}"
            yield f"   [Accept]{' [Reject]' if preview.can_reject else ''} until {preview.deadline:%H:%M:%S}"

    def draw_windows(self) -> Iterator[str]:
        """Each conversation: the error on top, then the texts, then what the agent can do."""
        for window in self.windows.values():
            contact, error = window.interaction.contact, self.errors.get(window.interaction.id)
            yield f"{window.interaction.media.upper()} with {contact.label} ({contact.address})"
            if error:
                yield f"  ! {error.text}"
            if window.interaction.note:
                yield f"  note: {window.interaction.note}"
            for message in window.transcript:
                files = "".join(f" [{attachment.name}]" for attachment in message.attachments)
                yield f"  {message.sender or contact.label}: {message.text}{files}"
            if window.pending:
                yield f"  waiting for {window.pending.to} until {window.pending.deadline:%H:%M:%S} [Cancel]"
            elif window.can_transfer:
                yield "  [Reply] [Transfer]"

    def draw_messages(self) -> Iterator[str]:
        """My Messages, newest first."""
        for message in reversed(self.messages.values()):
            yield f"My Messages: {message.text}"


def draw_target(found: FoundTarget) -> str:
    """A line of the team communicator: who it is, whether somebody is there, and the action menu."""
    presence = found.presence
    if found.target.kind is TargetKind.AGENT and presence.status is not None:
        there = presence.status.replace("_", " ") + (f": {presence.reason}" if presence.reason else "")
    else:
        there = f"{presence.ready} ready, {presence.waiting} waiting"
    menu = "  ".join(draw_action(action) for action in found.actions)
    return f"{found.name:12} {found.target.kind:8} {there:20} {menu}"


def draw_action(action: Action) -> str:
    """An entry of the menu, and why it cannot be picked."""
    return f"[{action.label}]" if action.enabled else f"({action.label}: {in_words(explain_reasons(action.reasons))})"


def in_words(notices: Iterable[Notice]) -> str:
    """What an agent is told, in English; a front end in another language translates by code and parameters."""
    return " ".join(notice.text for notice in notices)


class Centre:
    """Alice, Bob and Rita, all Ready, each at a desktop; Reza at lunch; and a clock that we turn by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.service = TransferService(clock=self.clock)
        self.alice, self.bob, self.rita = ConsoleUI(), ConsoleUI(), ConsoleUI()
        self.desktops = {"alice": self.alice, "bob": self.bob, "rita": self.rita}
        self.steps = 0
        self.logged: str | None = None
        for agent_id, ui in self.desktops.items():
            self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
            self.service.connect(Workspace(agent_id, ui))
        self.service.add_agent(Agent("reza", "Reza", status=ChannelStatus.NOT_READY, reason="lunch"))
        self.service.add_queue(Target.queue("repairs"), ["bob", "rita", "reza"], name="Repairs")

    def show(self, what_happened: str, *, beside: str = "bob") -> None:
        """Print what happened, Alice's desktop and another one side by side, and what a log would keep of it."""
        self.steps += 1
        print(f"\n{self.steps}. {what_happened}\n")
        print(f"   {' Alice '.center(COLUMN, '-')}  {f' {beside.title()} '.center(COLUMN, '-')}")
        for left, right in zip_longest(self.alice.draw(), self.desktops[beside].draw(), fillvalue=""):
            print(f"   {left:{COLUMN}}  {right}".rstrip())
        page = self.service.events(after=self.logged)
        self.logged = page.cursor
        for event in page.events:
            contact = self.service.interaction(event.interaction_id).contact
            print(f"   log {event.at:%H:%M:%S} {event.interaction_id} {contact!r} {type(event).__name__}")
        self.clock.advance(timedelta(seconds=5))

    def alice_offers(self, interaction_id: str, note: str) -> None:
        """Alice presses Transfer, finds Bob and picks SMS Transfer, in a window that knows which ownership it is of."""
        epoch = self.alice.windows[interaction_id].interaction.epoch
        self.service.request_transfer(interaction_id, Target.agent("bob"), by="alice", note=note, epoch=epoch)

    def alice_types(self, text: str, interaction_id: str) -> tuple[FoundTarget, ...]:
        """Alice presses Transfer and types: print what her team communicator shows."""
        found = TeamCommunicator(self.service, "alice").search(text, interaction_id=interaction_id)
        print(f"\n   Alice types “{text}” in the team communicator:")
        for one in found.targets:
            print(f"     {draw_target(one)}")
        return found.targets


def accepted(centre: Centre) -> None:
    """An SMS conversation: Alice offers it to Bob, and Bob accepts."""
    service = centre.service
    service.open_interaction(Interaction("sms-1", media=Media.SMS, contact=JANE, owner="alice"))
    service.receive_message("sms-1", "Hello, my boiler is out.")
    centre.show("Jane sends an SMS. Alice owns the conversation.")

    centre.alice_offers("sms-1", "You know boilers.")
    old_window = centre.alice.windows["sms-1"]
    centre.show("Alice offers it to Bob. She still owns it.")

    service.receive_message("sms-1", "Is anybody there?")
    centre.show("Jane sends another SMS. It goes to the owner: Alice.")

    [preview] = centre.bob.previews.values()
    service.accept(preview.invitation_id, by="bob")
    centre.show("Bob presses Accept. From this instant he owns it, with every text.")

    try:
        service.reply("sms-1", "Somebody will call you.", by="alice", epoch=old_window.interaction.epoch)
    except Refused as refusal:
        print(f"\n   Alice sends a reply from her old window. She is told:\n   {in_words(explain_refusal(refusal))}")


def rejected(centre: Centre) -> None:
    """An MMS conversation: Alice offers it to Bob, and Bob rejects."""
    service = centre.service
    service.open_interaction(Interaction("mms-2", media=Media.MMS, contact=OMAR, owner="alice"))
    service.receive_message("mms-2", "The door looks like this:", attachments=[PHOTO])
    centre.alice_offers("mms-2", "Can you mend it?")
    centre.show("Omar sends an MMS to Alice. She offers it to Bob; the action is SMS Transfer again.")

    [preview] = centre.bob.previews.values()
    service.reject(preview.invitation_id, by="bob", reason="Doors are not mine")
    centre.show("Bob presses Reject. Alice is told twice: at the top of the window and in My Messages.")


def unanswered(centre: Centre) -> None:
    """The same MMS conversation: Alice offers it once more, and nobody answers."""
    centre.alice_offers("mms-2", "Nobody else is in.")
    centre.show("Alice offers it once more. The old error leaves the window.")

    [preview] = centre.bob.previews.values()
    centre.clock.advance(timedelta(seconds=30))
    centre.service.tick()  # an application with a real clock runs `with service.ticking():` and never calls this
    centre.show("30 seconds pass and nobody answers. The offer is gone, and Alice is told.")

    try:
        centre.service.accept(preview.invitation_id, by="bob")
    except Refused as refusal:
        print(f"\n   Bob presses Accept too late. He is told:\n   {in_words(explain_refusal(refusal))}")


def queued(centre: Centre) -> None:
    """Alice looks for somebody else: she finds a queue, its first agent rejects, and the next one accepts."""
    service = centre.service
    centre.alice_types("r", "mms-2")
    [repairs] = centre.alice_types("rep", "mms-2")
    service.request_transfer("mms-2", repairs.target, by="alice", note="Whoever can mend doors.")
    centre.show("She picks SMS Transfer. Rita has been idle the longest, so she is invited.", beside="rita")

    [preview] = centre.rita.previews.values()
    service.reject(preview.invitation_id, by="rita", reason="I only do windows")
    centre.show("Rita presses Reject. Bob is invited next; Alice waits on, and sees no error.")

    [preview] = centre.bob.previews.values()
    service.accept(preview.invitation_id, by="bob")
    centre.show("Bob presses Accept, and owns it. Both transfers that failed are still in My Messages.")


def main() -> None:
    """Tell the four stories."""
    centre = Centre()
    accepted(centre)
    rejected(centre)
    unanswered(centre)
    queued(centre)


if __name__ == "__main__":
    main()
