"""The service under fire: any calls in any order leave exactly one owner, and are refused in our words."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from fuzz.arguments import AGENTS, INTERACTIONS, Arguments
from fuzz.choice import Choice
from fuzz.samples import CONTACT, QUEUE
from sms_transfer import (
    Agent,
    ChannelStatus,
    Connection,
    Event,
    Handover,
    Interaction,
    InteractionState,
    Media,
    OwnershipMoved,
    SmsTransferError,
    TransferPolicy,
    TransferRequest,
    TransferRequested,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.testing import ManualClock, RecordingUI
from sms_transfer.testing.traces import validate_store

UNTRIED: Final = frozenset({"team_index", "ticking"})
"""What is no call with an effect: a property, and a context with threads of its own."""

METHODS: Final = tuple(
    sorted(name for name in vars(TransferService) if not name.startswith("_") and name not in UNTRIED)
)
_WAIT: Final = 12
_CALLS: Final = 40
_MANY: Final = 10_000
_POLICIES: Final = (
    TransferPolicy(max_hops=3),
    TransferPolicy(max_hops=3, handover=Handover.ON_PLACEMENT, fallback=QUEUE),
    TransferPolicy(max_hops=3, handover=Handover.ON_PLACEMENT, return_to_sender=True, require_ready=False),
)


class Broken(AssertionError):
    """A promise is broken."""


def service(data: bytes) -> None:
    """Have these bytes make calls, and look after each whether every promise still holds.

    Raises:
        Broken: one does not; or `TraceMismatch`: something is recorded that the core would not have decided.
        Exception: the service let an error through that is not its own (A8).
    """
    choice = Choice(data)
    centre = _Centre(choice)
    for _ in range(_CALLS):
        if choice.is_over:
            break
        centre.call(choice)
        centre.check()
    centre.close()


class _Centre:
    """Three agents at their desktops, a queue and three conversations."""

    def __init__(self, choice: Choice) -> None:
        self.clock = ManualClock()
        self.policy = choice.pick(_POLICIES)
        self.store = MemoryStore()
        self.service = TransferService(self.store, clock=self.clock, policy=self.policy)
        self.arguments = Arguments(self.service, choice)
        for name in AGENTS:
            self.service.add_agent(Agent(name, name, status=ChannelStatus.READY, capacity=3, skills={"plumbing"}))
        self.service.add_queue(QUEUE, AGENTS[1:])
        for interaction_id in INTERACTIONS[:2]:
            self.service.open_interaction(
                Interaction(interaction_id, media=Media.SMS, contact=CONTACT, owner=AGENTS[0])
            )
        self.desktops = [Workspace(name, RecordingUI()) for name in AGENTS]
        self.connections = [self.service.connect(desktop) for desktop in self.desktops]

    def call(self, choice: Choice) -> None:
        """Call one method, or let time pass."""
        if choice.number(_WAIT) == _WAIT - 1:
            self.clock.advance(timedelta(seconds=10 * choice.number(8)))
            return
        method = choice.pick(METHODS)
        was_due, before = self._due(), len(self._feed())
        try:
            returned: object = getattr(self.service, method)(**self.arguments.of(method))
        except SmsTransferError as error:
            self._check_refusal(method, error, grew=len(self._feed()) > before and not was_due)
        else:
            if isinstance(returned, Connection):
                returned.close()

    def _due(self) -> bool:
        """Whether time has closed something that nothing has recorded yet: any command records that first (T10)."""
        return any(
            (live := self.service.interaction(event.interaction_id).transfer) is not None
            and live.due_at <= self.clock.now()
            for event in self._feed()
            if isinstance(event, TransferRequested)
        )

    @staticmethod
    def _check_refusal(method: str, error: SmsTransferError, *, grew: bool) -> None:
        if not error.code or not str(error):
            raise Broken(f"A8: {method} refuses without words")
        if grew:
            raise Broken(f"F7: {method} refuses, and something is recorded")

    def _feed(self) -> tuple[Event, ...]:
        return self.service.events(limit=_MANY).events

    def check(self) -> None:
        """Look at everything that is recorded, and at every desktop."""
        feed = self._feed()
        for interaction_id in {event.interaction_id for event in feed}:
            self._check_owner(self.service.interaction(interaction_id), feed)
        for event in feed:
            if isinstance(event, TransferRequested):
                self.arguments.remember(self.service.transfer(event.transfer_id))

    def _check_owner(self, found: Interaction, feed: tuple[Event, ...]) -> None:
        moves = [one for one in feed if isinstance(one, OwnershipMoved) and one.interaction_id == found.id]
        if moves and (moves[-1].owner, moves[-1].epoch) != (found.owner, found.epoch):
            raise Broken(f"F1: {found.id} has another owner or epoch than its history says")
        is_open = found.state is not InteractionState.DONE
        owned = Counter(
            name
            for name in (*AGENTS, "dan")
            if self._knows(name) and found.id in {one.id for one in self.service.snapshot(name).interactions}
        )
        expected = [found.owner] if is_open and isinstance(found.owner, str) else []
        if expected != sorted(owned.elements()):
            raise Broken(f"F1: {found.id} is owned by {found.owner}, and shown at {sorted(owned)}")
        if found.transfer is not None and found.transfer.state.is_final:
            raise Broken(f"F2: {found.id} carries a transfer that has ended")

    def _knows(self, agent_id: str) -> bool:
        try:
            self.service.agent(agent_id)
        except SmsTransferError:
            return False
        return True

    def close(self) -> None:
        """Let all time pass: every transfer ends, desktops show what is recorded, and the core explains all of it."""
        self.clock.advance(timedelta(days=1))
        for _ in range(10):
            self.service.tick()
        for desktop, connection in zip(self.desktops, self.connections, strict=True):
            connection.close()
            snapshot = self.service.snapshot(desktop.agent_id)
            if {one.id for one in snapshot.interactions} != set(desktop.windows):
                raise Broken(f"D7: {desktop.agent_id} has other windows than conversations")
            if {one.id for one in snapshot.messages} != {one.id for one in desktop.my_messages}:
                raise Broken(f"D4: {desktop.agent_id} is shown other messages than there are")
        for request in self._requests():
            live = self.service.interaction(request.interaction_id).transfer
            if not request.state.is_final and (live is None or live.id != request.id):
                raise Broken(f"T4: {request.id} never ended")
        validate_store(self.store, self.policy)

    def _requests(self) -> list[TransferRequest]:
        return [self.service.transfer(one.transfer_id) for one in self._feed() if isinstance(one, TransferRequested)]


def seeds() -> list[bytes]:
    """Inputs to begin with: a conversation is transferred and taken, another waits in a queue and times out."""
    return [bytes(range(256)), bytes(range(0, 256, 7)) * 8, bytes([METHODS.index("request_transfer")]) * 200]
