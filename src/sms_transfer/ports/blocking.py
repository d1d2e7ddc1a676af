"""The ports of `sms_transfer.service.TransferService`.

Every method returns when it is done, and may be called from many threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import NOBODY, Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Contact, Interaction, Message, TransferRequest


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present instant; must be aware, and before the year 9998.

        It may stand still or go back: deadlines are data, so no harm is done.
        """
        ...


class IdFactory(Protocol):
    """Where new ids come from."""

    def new(self, kind: str) -> str:
        """Make an id that was never made before.

        Args:
            kind: what it is for: ``"transfer"``, ``"invitation"`` or ``"message"``.

        Returns:
            1 to 128 characters. An invitation's id is a ticket: it should not be possible to guess it.
        """
        ...


class Directory(Protocol):
    """Who the agents are, and their presence."""

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        """The present records of these agents by id; who is unknown must be left out."""
        ...

    def add_agent(self, agent: Agent) -> None:
        """Begin to know an agent.

        Raises:
            AlreadyExists: the id is taken, by an equal record too; the record that is there must not change.
        """
        ...

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        """Change an agent's record from ``known`` to ``agent``, in one step.

        Raises:
            Conflict: the record is not equal to ``known`` any more, or there is none; then nothing must change.
        """
        ...


@attrs.frozen(kw_only=True)
class Facts:
    """What a store knows of a `Need`, all of it read at one instant.

    Args:
        interaction: the one that the need is about, or None.
        request: the transfer request that its invitation or transfer id belongs to, live or closed.
        load: the places taken by the agent of ``load_of``: owned interactions that are not done, and live invitations
            whose deadline is still to come. (From its deadline on an invitation cannot be accepted, so it takes no
            place, whether or not anything has recorded its expiry yet: T10, F4.)
        message: the text recorded under its message id.
        repeated: the transfer request that was made under its key.
        agents: the records that the store keeps of the agents it asks for; who is unknown is left out.
    """

    interaction: Interaction | None = None
    request: TransferRequest | None = None
    load: int = 0
    message: Message | None = None
    repeated: TransferRequest | None = None
    agents: Mapping[str, Agent] = NOBODY


@attrs.frozen(kw_only=True)
class EventPage:
    """Some of the feed.

    Args:
        events: in order for each interaction.
        cursor: hand it back to read on from here. Opaque: its form is the store's own business.
    """

    events: tuple[Event, ...]
    cursor: str


class TransferStore(Directory, Protocol):
    """Where everything is recorded.

    State, history, My Messages and texts are one commit (F6). A store keeps agents too, and so is the directory of
    whoever has no other.

    What is kept must come back equal: every character of every text (zero characters, spaces around and normal forms
    included), every microsecond, every number with its kind. Two ids that are not equal strings are two ids.
    """

    def read(self, need: Need, now: datetime) -> Facts:
        """Tell what is known of this, all of it read at once. Must not wait for anything but the store.

        Args:
            now: the instant for which places are counted.
        """
        ...

    def commit(self, decision: Decision) -> None:
        """Record a decision: all of it, or on any error none.

        It must, in one atomic step:

        1. refuse unless the interaction's recorded version is one below the decision's (0: there is none yet), and
           its key, if it has one, is unused, and so are the ids of its texts;
        2. refuse a claim that would bring its agent above the limit, counted after this very change and for the
           claim's instant (E3), and one that invites an agent whose record is kept here and who has left
           (`sms_transfer.core.policy.has_left`): whoever leaves looks up their invitations after that is recorded, so
           no invitation may come between (T9);
        3. refuse to change a request that is closed (F3), and a new request or ticket under an id that is taken;
        4. keep the interaction, its requests, texts and notices, add the events to the end of its history, and count
           one change for every agent concerned;
        5. put outbound texts at the end of what is `unsent`.

        Raises:
            Conflict: for 1 and 2, naming the ``"interaction"``, ``"key"``, ``"message"`` or ``"agent"`` and its id; the
                caller reads and decides again.
            AlreadyExists: for 3, naming the ``"transfer"`` or ``"invitation"``; ids are not as new as they were
                promised to be.
        """
        ...

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        """What is recorded for this agent's desktop, all of it as of one instant; My Messages in the order recorded.

        Args:
            since: the version of an earlier reading: what has not changed since may be left out, and then the reading
                must say what it is about. None asks for everything, and so does a version that was never given.
            known: how many texts of an interaction the desktop has already, by interaction id: its transcript must
                begin with the next one.
        """
        ...

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        """A transfer request, live or closed."""
        ...

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        """All texts of an interaction, in the order they were recorded in."""
        ...

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        """All events of an interaction, in order."""
        ...

    def events(self, *, after: str | None, limit: int) -> EventPage:
        """The feed: at least once, in order for each interaction; an empty page is its present end.

        A commit that ends after one that began later must not be passed over by whoever reads in between: its events
        must come after the cursor that such a reader was given.

        Args:
            after: the cursor of an earlier page, an empty one included; None begins at the beginning.
            limit: how many events at most.

        Raises:
            InvalidValue: the cursor has not the form of this store's, or lies beyond the end.
        """
        ...

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        """Ids of live requests whose deadline is at or before ``now``, each once and the earliest first.

        It must cost what is due, not what is live, and must go on naming a request until that is closed.
        """
        ...

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        """Ids of interactions with outbound texts that no gateway has said yes to.

        Must not name the same ones first each time: some may never be taken, and none may be passed over for ever.
        """
        ...

    def next_unsent(self, interaction_id: str) -> Message | None:
        """The oldest outbound text of this interaction that no gateway has said yes to; None too if it is unknown."""
        ...

    def mark_sent(self, message_id: str) -> None:
        """Record that a gateway said yes to this text; may be said twice. Of an unknown one nothing is recorded."""
        ...

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        """Mark an entry of My Messages (D4), and count a change for this agent if the mark was another.

        Returns:
            Whether this agent has such an entry.
        """
        ...

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        """Delete an entry of My Messages (D4), and count a change for this agent.

        Returns:
            Whether this agent had such an entry.
        """
        ...


@runtime_checkable
class RingsOnCommit(Protocol):
    """What a `TransferStore` may also be: one with a doorbell of its own, which its commits ring.

    Each commit must ring it for every agent concerned, so that they are woken if and only if the commit is kept. The
    service rings it for what is no commit: a change of an agent's record, and of marks in My Messages.
    """

    @property
    def doorbell(self) -> Messaging:
        """The doorbell; used by whoever is given no other."""
        ...


@runtime_checkable
class JoinsTransaction(Protocol):
    """What a `TransferStore` may also be: one that takes part in a transaction of the host application's.

    What it commits is final only when the host commits, so the service neither rings nor sends on account of it (F6):
    the store's own doorbell rings when the host commits, and texts are sent by the `tick` of a service that stands
    outside.
    """

    @property
    def joins_transaction(self) -> bool:
        """Whether it does now."""
        ...


class Subscription(Protocol):
    """That somebody listens."""

    def close(self) -> None:
        """Stop; may be called twice."""
        ...


class Messaging(Protocol):
    """A doorbell: it tells workspaces that something of theirs has changed, and nothing else.

    Whoever hears it looks up what is recorded. So a ring that is lost, doubled, late or out of order does no harm.
    """

    def ring(self, agent_ids: Collection[str]) -> None:
        """Wake every listener of these agents, in this process and every other; must be called after the commit only.

        Should not wait for them, and should not raise: the command has had its effect.
        """
        ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        """Call ``wake`` whenever this agent is rung, from any thread, until the subscription is closed.

        A ring that begins after this has returned must be heard. A ``wake`` that raises must neither keep the other
        listeners from being woken nor reach whoever rings. It may close its own subscription.
        """
        ...


class ContactGateway(Protocol):
    """The SMS/MMS provider."""

    def send(self, message: Message, contact: Contact) -> None:
        """Hand a text over to the provider.

        It is called again, in this process or another, until it returns once without raising, so it must use
        ``message.id`` as the provider's idempotency key. Texts of one interaction come in order. It must return or
        raise in bounded time: give the provider's client a time-out.
        """
        ...
