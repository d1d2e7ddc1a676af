"""The ports of `sms_transfer.service.TransferService`.

Every method returns when it is done, and may be called from many threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import NOBODY, Decision
from sms_transfer.core.desktop import Desktop
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Contact, Interaction, Message, Queue, Target, TransferRequest
from sms_transfer.core.record import Record


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
            1 to 128 characters. An invitation's id is a ticket, which it should not be possible to guess. A transfer's
            must not end in ``+`` and digits, as the ids of requests do that go on waiting in a queue (Q2).
        """
        ...


@attrs.frozen(eq=False, repr=False)
class Candidate(Record):
    """An agent who can be invited now.

    Args:
        load: the places taken: owned interactions and live invitations.
    """

    agent: Agent
    load: int


class Router(Protocol):
    """Which agent of a queue, routing point, agent group or skill is invited next (Q4)."""

    @property
    def reach(self) -> int:
        """How many candidates it wants to choose from, 1 to 100,000; the longest idle come first."""
        ...

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        """Pick one of these by id, or nobody now: then the request goes on waiting.

        Must return at once, and so must not ask anything outside this process. Whatever else it returns or raises is
        logged, and the first candidate is invited.

        Args:
            interaction: with its live transfer.
            candidates: at least one, each able to receive this interaction now; the longest idle first.
        """
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Roster(Record):
    """Who can be found (T2).

    Args:
        version: hand it back to be told the later changes only.
        agents: of their records the names, groups and skills are looked at; a status may be out of date.
        queues: the queues and routing points.
        complete: whether these are all there are, so that whoever is not among them is gone.
    """

    version: int
    agents: tuple[Agent, ...]
    queues: tuple[Queue, ...]
    complete: bool


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


@runtime_checkable
class Teams(Protocol):
    """What agents serve together: queues, routing points, agent groups and skills (Q1); and who can be found (T2).

    Every `TransferStore` is one. A `Directory` of the host's may be one too, and then is asked instead of the store.
    Where it is none, the store keeps the queues and the directory is asked for their members; then there are no agent
    groups and skills, and the agents who can be found are those who serve some queue.
    """

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        """The present records of these queues and routing points; what is unknown must be left out."""
        ...

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        """What agents read of these queues and routing points (`Queue.label`); what is unknown must be left out.

        The cost should not grow with the number of members.
        """
        ...

    def add_queue(self, queue: Queue) -> None:
        """Begin to know a queue or routing point. Its members need not be known.

        Raises:
            AlreadyExists: there is one, an equal one too; its ``kind`` is that of the target. Nothing must change.
        """
        ...

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        """Change the record of a queue or routing point from ``known`` to ``queue``, in one step.

        Raises:
            Conflict: the record is not equal to ``known`` any more, or there is none; then nothing must change.
        """
        ...

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        """The agents who serve a target, or the first so many of them in any order that stays the same.

        Members of a queue whom nobody knows must be left out.
        """
        ...

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        """The agents who serve a target and may be able to receive, or the first so many of them (Q3, Q4).

        They must have one of these statuses and not be in do-not-disturb. Whoever is known to have no free place may
        be left out; whoever has one must not be (an invitation may be counted until its end is recorded). The longest
        idle should come first: those whose places or status changed longest ago. The cost should not grow with the
        number of members.
        """
        ...

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        """How many agents of each of these are Ready and not in do-not-disturb; 0 may be left out."""
        ...

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        """All targets that any of these agents serves: queues, routing points, agent groups and skills.

        A queue that has an agent as a member must be named whether or not the record of that agent is known here.
        """
        ...

    def roster(self, since: int | None) -> Roster:
        """Everybody who can be found, or what changed since the version of an earlier reading.

        Must name every agent and queue that was added since or whose name, groups or skills changed, and may name
        more. What is committed after a reading must have a later version than that reading. None, and a version that
        was never given, ask for all. Should cost next to nothing where nothing changed.
        """
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Facts(Record):
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
        waiting: whether any request waits for an agent: is ROUTING (Q3).
    """

    interaction: Interaction | None = None
    request: TransferRequest | None = None
    load: int = 0
    message: Message | None = None
    repeated: TransferRequest | None = None
    agents: Mapping[str, Agent] = NOBODY
    waiting: bool = False


@attrs.frozen(kw_only=True, eq=False, repr=False)
class EventPage(Record):
    """Some of the feed.

    Args:
        events: in order for each interaction.
        cursor: hand it back to read on from here. Opaque: its form is the store's own business.
    """

    events: tuple[Event, ...]
    cursor: str


class TransferStore(Directory, Teams, Protocol):
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
        """Ids of live requests whose `TransferRequest.due_at` has come by ``now``, each once and the earliest first.

        It must cost what is due, not what is live, and must go on naming a request until that is closed.
        """
        ...

    # who waits for an agent

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        """The places that each of these agents has taken, counted as for `Facts.load`; 0 may be left out."""
        ...

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        """The interactions whose request is ROUTING to one of these, in the order in which they are routed (Q3).

        That is: the highest priority first, then the oldest `TransferRequest.requested_at`, then the smallest id of
        the request. It goes by `TransferRequest.present_target`. The cost must not grow with how many wait.

        Args:
            after: go on behind this one, as it was read.
            limit: how many at most.
        """
        ...

    def waiting_targets(self) -> frozenset[Target]:
        """The targets that any request is ROUTING to. Should cost what there are of these, not what waits."""
        ...

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        """How many requests are ROUTING to each of these; 0 may be left out."""
        ...

    # whom an agent asks often

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        """The targets that this agent has marked, in the order marked."""
        ...

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        """Mark a target, or take the mark away; may be said twice."""
        ...

    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        """The targets of the requests that this agent asked for, each once, the last recorded first.

        Which requests these are says `sms_transfer.core.decision.asked_for`.
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
