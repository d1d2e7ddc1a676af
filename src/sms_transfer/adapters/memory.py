"""Everything in this process's memory: the store of whoever has no other, and of tests.

It is a store like any other, proved by the same tests; it only does not outlive the process.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import islice
from threading import Lock

import attrs

from sms_transfer.adapters.memory_lines import MemoryLines, MemoryTeams, turn_of
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision, asked_for, places_moved
from sms_transfer.core.desktop import Desktop, Transcript
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus, TransferState
from sms_transfer.core.model import (
    Agent,
    Direction,
    Interaction,
    Message,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
    targets_of,
)
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import has_left, holder, kept_for, places_taken
from sms_transfer.errors import AlreadyExists, Conflict, InvalidValue
from sms_transfer.ports import EventPage, Facts, Roster

_REMEMBERED_CHANGES = 256
"""How far back `_Desk.changes` reaches; a desktop that is further behind is told everything."""


class _Desk:
    """What concerns one agent."""

    __slots__ = ("changes", "favourites", "kept", "messages", "offered", "owned", "recents", "version")

    def __init__(self) -> None:
        self.owned: dict[str, None] = {}
        self.offered: dict[str, datetime] = {}  # until when
        self.kept: dict[str, None] = {}  # what a queue owns and can give back
        self.favourites: dict[Target, None] = {}
        self.recents: dict[Target, None] = {}  # the latest last
        self.messages: dict[str, SystemMessage] = {}
        self.version = 0
        self.changes: deque[tuple[str | None, str | None]] = deque(maxlen=_REMEMBERED_CHANGES)

    def load(self, now: datetime) -> int:
        taken = len(self.owned) + len(self.kept)
        return taken + sum([deadline > now for deadline in self.offered.values()]) if self.offered else taken

    @property
    def taken(self) -> int:
        return len(self.owned) + len(self.kept) + len(self.offered)

    def changed(self, interaction_id: str | None, message_id: str | None) -> None:
        self.version += 1
        self.changes.append((interaction_id, message_id))

    def changes_since(self, version: int) -> list[tuple[str | None, str | None]] | None:
        """What has changed since, the earliest first, or None if that is too long ago to be known."""
        behind = self.version - version
        if not 0 <= behind <= len(self.changes):
            return None
        return list(islice(reversed(self.changes), behind))[::-1]


class _Conversation:
    """What belongs to one interaction."""

    __slots__ = ("events", "interaction", "messages", "unsent")

    def __init__(self) -> None:
        self.interaction: Interaction | None = None
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self.unsent: list[Message] = []  # an empty deque would be a third of what an open interaction weighs


_Deadline = tuple[datetime, str]
"""When a transfer request is due, and its id; in this order, so that a heap of them has the earliest first."""


class MemoryStore:
    """A `TransferStore` in memory. One lock makes each reading and each commit one instant.

    It keeps everything for as long as it lives, conversations that are done included: it is for tests, examples and
    processes that do not run for weeks.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._agents: dict[str, Agent] = {}
        self._conversations: dict[str, _Conversation] = {}
        self._desks: dict[str, _Desk] = {}
        self._transfers: dict[str, TransferRequest] = {}
        self._tickets: dict[str, str] = {}  # transfer by invitation
        self._texts: dict[str, Message] = {}
        self._keys: dict[tuple[str, str], str] = {}  # transfer by idempotency key
        self._feed: list[Event] = []
        self._deadlines: list[_Deadline] = []  # a heap; entries of closed requests leave it when they come up
        self._live = 0
        self._unsent: dict[str, None] = {}  # interactions, in the order in which they began to wait
        self._queues: dict[Target, Queue] = {}
        self._in_queues: dict[str, dict[Target, None]] = {}  # by agent
        self._teams = MemoryTeams()
        self._lines = MemoryLines(self._is_waiting)
        self._changed: dict[Target, int] = {}  # who can be found, with the version of the last change, in that order
        self._roster_version = 0

    # the directory

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        known = self._agents
        return {id_: known[id_] for id_ in ids if id_ in known}

    def add_agent(self, agent: Agent) -> None:
        with self._lock:
            if agent.id in self._agents:
                raise AlreadyExists(kind="agent", id=agent.id)
            self._agents[agent.id] = agent
            self._enrol(agent.id)
            self._note(Target.agent(agent.id))

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        with self._lock:
            if self._agents.get(agent.id) != known:
                raise Conflict(kind="agent", id=agent.id)
            self._agents[agent.id] = agent
            if (known.groups, known.skills) != (agent.groups, agent.skills):
                self._enrol(agent.id)
            self._place(agent.id, last=_availability(known) != _availability(agent))
            if (known.name, known.groups, known.skills) != (agent.name, agent.groups, agent.skills):
                self._note(Target.agent(agent.id))

    # what agents serve together

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        known = self._queues
        return {target: known[target] for target in targets if target in known}

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        return {target: queue.label for target, queue in self.queues(targets).items()}

    def add_queue(self, queue: Queue) -> None:
        with self._lock:
            if queue.target in self._queues:
                raise AlreadyExists(kind=queue.target.kind, id=queue.target.id)
            self._keep_queue(queue, frozenset())

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        with self._lock:
            if self._queues.get(queue.target) != known:
                raise Conflict(kind=queue.target.kind, id=queue.target.id)
            self._keep_queue(queue, known.members)

    def _keep_queue(self, queue: Queue, before: frozenset[str]) -> None:
        self._queues[queue.target] = queue
        for agent_id in before - queue.members:
            self._in_queues[agent_id].pop(queue.target)
            self._enrol(agent_id)
        for agent_id in self._teams.in_turn(queue.members - before):
            self._in_queues.setdefault(agent_id, {})[queue.target] = None
            self._enrol(agent_id)
        self._note(queue.target)

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        with self._lock:
            return tuple([self._agents[id_] for id_ in self._teams.members(target, limit)])

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        with self._lock:
            return tuple([self._agents[id_] for id_ in self._teams.able(target, statuses, limit)])

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        with self._lock:
            return {target: self._teams.ready(target) for target in targets}

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        with self._lock:
            found = set[Target]()
            for id_ in agent_ids:
                found |= self._teams.served_by(id_)
                found.update(self._in_queues.get(id_, ()))  # whoever is known to another directory only
            return frozenset(found)

    def roster(self, since: int | None) -> Roster:
        with self._lock:
            changed: list[Target] = []
            complete = since is None or not 0 <= since <= self._roster_version
            for target, version in reversed(self._changed.items()):
                if not complete and since is not None and version <= since:
                    break
                changed.append(target)
            return Roster(
                version=self._roster_version,
                agents=tuple([self._agents[target.id] for target in changed if target.kind is TargetKind.AGENT]),
                queues=tuple([self._queues[target] for target in changed if target in self._queues]),
                complete=complete,
            )

    def _note(self, target: Target) -> None:
        """Somebody who can be found is new, or is found differently."""
        self._roster_version += 1
        self._changed.pop(target, None)
        self._changed[target] = self._roster_version

    def _enrol(self, agent_id: str) -> None:
        """Bring up to date what this agent serves; who is unknown serves nothing yet."""
        agent = self._agents.get(agent_id)
        if agent is not None:
            self._teams.enrol(agent_id, targets_of(agent).union(self._in_queues.get(agent_id, ())))
            self._place(agent_id, last=False)

    def _place(self, agent_id: str, *, last: bool) -> None:
        """Bring up to date whether this agent can receive. Deadlines that nothing has recorded yet still count."""
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        desk = self._desks.get(agent_id)
        here = agent.status is not ChannelStatus.LOGGED_OUT and not agent.do_not_disturb
        free = (0 if desk is None else desk.taken) < agent.capacity
        self._teams.place(
            agent_id,
            agent.status if here and free else None,
            ready=here and agent.status is ChannelStatus.READY,
            last=last,
        )

    # one command

    def read(self, need: Need, now: datetime) -> Facts:
        with self._lock:
            request = None
            interaction_id = need.interaction_id
            if interaction_id is None:
                transfer_id = need.transfer_id
                if need.invitation_id is not None:
                    transfer_id = self._tickets.get(need.invitation_id)
                request = None if transfer_id is None else self._transfers.get(transfer_id)
                if request is None:
                    return Facts(agents=self.agents(need.agents), waiting=bool(self._lines))
                interaction_id = request.interaction_id
            conversation = self._conversations.get(interaction_id)
            key = None if need.key is None else self._keys.get(need.key)
            return Facts(
                interaction=None if conversation is None else conversation.interaction,
                request=request,
                load=0 if need.load_of is None else self._load(need.load_of, now),
                message=None if need.message_id is None else self._texts.get(need.message_id),
                repeated=None if key is None else self._transfers[key],
                agents=self.agents(need.agents),
                waiting=bool(self._lines),
            )

    def commit(self, decision: Decision) -> None:
        interaction = decision.interaction
        with self._lock:
            conversation = self._conversations.get(interaction.id)
            before = None if conversation is None else conversation.interaction
            if (0 if before is None else before.version) != interaction.version - 1:
                raise Conflict(kind="interaction", id=interaction.id)
            if decision.key is not None and decision.key in self._keys:
                raise Conflict(kind="key", id=decision.key[1])
            for text in decision.texts:
                if text.id in self._texts:
                    raise Conflict(kind="message", id=text.id)
            if decision.claim is not None:
                self._check_claim(decision.claim, before, interaction)
            for request in decision.requests:
                self._check_ids(request)
            if conversation is None:
                conversation = self._conversations[interaction.id] = _Conversation()
            self._keep(conversation, decision)

    def _load(self, agent_id: str, now: datetime) -> int:
        desk = self._desks.get(agent_id)
        return 0 if desk is None else desk.load(now)

    def _check_claim(self, claim: Claim, before: Interaction | None, after: Interaction) -> None:
        gained = places_taken(after, claim.at).count(claim.agent_id)
        lost = 0 if before is None else places_taken(before, claim.at).count(claim.agent_id)
        if self._load(claim.agent_id, claim.at) - lost + gained > claim.limit:
            raise Conflict(kind="agent", id=claim.agent_id)
        known = self._agents.get(claim.agent_id)
        if claim.invites and known is not None and has_left(known):  # T9
            raise Conflict(kind="agent", id=claim.agent_id)

    def _check_ids(self, request: TransferRequest) -> None:
        known = self._transfers.get(request.id)
        if known is not None and (known.state.is_final or known.interaction_id != request.interaction_id):
            raise AlreadyExists(kind="transfer", id=request.id)
        ticket = request.invitation
        if ticket is not None and self._tickets.get(ticket.id, request.id) != request.id:
            raise AlreadyExists(kind="invitation", id=ticket.id)

    def _keep(self, conversation: _Conversation, decision: Decision) -> None:
        interaction = decision.interaction
        self._move(conversation.interaction, interaction)
        conversation.interaction = interaction
        for request in decision.requests:
            if request.id not in self._transfers and request.id in asked_for(decision):
                recents = self._desk(request.sender).recents
                recents.pop(request.target, None)
                recents[request.target] = None
            self._keep_request(request)
        if decision.key is not None:
            self._keys[decision.key] = decision.request.id
        for text in decision.texts:
            self._keep_text(conversation, text)
        conversation.events.extend(decision.events)
        self._feed.extend(decision.events)
        notices = {notice.agent_id: notice for notice in decision.notices}
        for agent_id in decision.concerned:
            desk = self._desk(agent_id)
            notice = notices.get(agent_id)
            if notice is not None:
                desk.messages[notice.id] = notice
            desk.changed(interaction.id, None if notice is None else notice.id)
        if self._teams:  # else nobody asks who is idle
            for agent_id in places_moved(decision):
                self._place(agent_id, last=True)

    def _move(self, before: Interaction | None, after: Interaction) -> None:
        """Bring the lists of who owns and who is invited up to date."""
        if before is not None:
            if (owner := holder(before)) is not None:
                self._desk(owner).owned.pop(before.id, None)
            if (invitation := before.live_invitation) is not None:
                self._desk(invitation.invitee).offered.pop(before.id, None)
            if (sender := kept_for(before)) is not None:
                self._desk(sender).kept.pop(before.id, None)
        if (owner := holder(after)) is not None:
            self._desk(owner).owned[after.id] = None
        if (invitation := after.live_invitation) is not None:
            self._desk(invitation.invitee).offered[after.id] = invitation.deadline
        if (sender := kept_for(after)) is not None:
            self._desk(sender).kept[after.id] = None

    def _keep_request(self, request: TransferRequest) -> None:
        known = self._transfers.get(request.id)
        self._transfers[request.id] = request
        if request.invitation is not None:
            self._tickets[request.invitation.id] = request.id
        self._keep_in_line(known, request)
        if not request.state.is_final:
            heapq.heappush(self._deadlines, (request.due_at, request.id))
            self._live += known is None
        elif known is not None and not known.state.is_final:
            self._live -= 1
            if len(self._deadlines) > 2 * self._live + 64:  # mostly entries of closed requests: drop them
                self._deadlines = [entry for entry in self._deadlines if self._is_live(entry)]
                heapq.heapify(self._deadlines)

    def _keep_in_line(self, known: TransferRequest | None, request: TransferRequest) -> None:
        before = known.present_target if known is not None and known.state is TransferState.ROUTING else None
        after = request.present_target if request.state is TransferState.ROUTING else None
        if before is after or before == after:
            return
        if after is not None:
            self._lines.enter(after, request)
        if before is not None:
            self._lines.leave(before)

    def _is_waiting(self, transfer_id: str, target: Target) -> bool:
        request = self._transfers[transfer_id]
        return request.state is TransferState.ROUTING and request.present_target == target

    def _keep_text(self, conversation: _Conversation, message: Message) -> None:
        self._texts[message.id] = message
        conversation.messages.append(message)
        if message.direction is Direction.OUTBOUND:
            conversation.unsent.append(message)
            self._unsent[message.interaction_id] = None

    def _desk(self, agent_id: str) -> _Desk:
        desk = self._desks.get(agent_id)
        if desk is None:
            desk = self._desks[agent_id] = _Desk()
        return desk

    def _is_live(self, entry: _Deadline) -> bool:
        deadline, transfer_id = entry
        request = self._transfers[transfer_id]
        return not request.state.is_final and request.due_at == deadline

    # what is recorded

    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        with self._lock:
            desk = self._desks.get(agent_id) or _Desk()
            changes = None if since is None else desk.changes_since(since)
            about: dict[str, None] | None = None
            about_messages: dict[str, None] | None = None
            if changes is not None:
                about = {id_: None for id_, _ in changes if id_ is not None}
                about_messages = {id_: None for _, id_ in changes if id_ is not None}
            found: Collection[str] = (*desk.owned, *desk.offered) if about is None else about
            listed = desk.messages if about_messages is None else about_messages
            interactions: list[Interaction] = []
            offered: list[Interaction] = []
            transcripts: dict[str, Transcript] = {}
            for id_ in found:
                if id_ in desk.owned:
                    interactions.append(self._present(id_))
                    transcripts[id_] = self._texts_from(id_, 0 if known is None else known.get(id_, 0))
                elif id_ in desk.offered:
                    offered.append(self._present(id_))
            return Desktop(
                version=desk.version,
                interactions=tuple(interactions),
                offered=tuple(offered),
                messages=tuple([desk.messages[id_] for id_ in listed if id_ in desk.messages]),
                transcripts=transcripts,
                about=None if about is None else frozenset(about),
                about_messages=None if about_messages is None else frozenset(about_messages),
            )

    def _present(self, interaction_id: str) -> Interaction:
        interaction = self._conversations[interaction_id].interaction
        assert interaction is not None  # noqa: S101 - a conversation is made in the commit that gives it its interaction
        return interaction

    def _texts_from(self, interaction_id: str, start: int) -> Transcript:
        return Transcript(start, tuple(self._conversations[interaction_id].messages[start:]))

    def transfer(self, transfer_id: str) -> TransferRequest | None:
        return self._transfers.get(transfer_id)

    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        with self._lock:
            conversation = self._conversations.get(interaction_id)
            return () if conversation is None else tuple(conversation.messages)

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        with self._lock:
            conversation = self._conversations.get(interaction_id)
            return () if conversation is None else tuple(conversation.events)

    def events(self, *, after: str | None, limit: int) -> EventPage:
        # Under the one lock events are numbered in the order in which they are committed, so a number can be a cursor
        # here; in a database with concurrent transactions it could not.
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) < _CURSOR_DIGITS):
            raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
        start = 0 if after is None else int(after)
        with self._lock:
            if start > len(self._feed):  # it was never handed out: another store's, perhaps
                raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
            events = tuple(self._feed[start : start + limit])
        return EventPage(events=events, cursor=str(start + len(events)))

    # what time brings

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        with self._lock:
            found = dict[_Deadline, None]()  # what was recorded again is in the heap again, too
            while self._deadlines and self._deadlines[0][0] <= now and len(found) < limit:
                entry = heapq.heappop(self._deadlines)
                if self._is_live(entry):
                    found[entry] = None
            for entry in found:  # they stay until they are closed
                heapq.heappush(self._deadlines, entry)
            return tuple([transfer_id for _, transfer_id in found])

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        with self._lock:
            found = tuple(islice(self._unsent, limit))
            for interaction_id in found:  # to the end of the row: one that is never taken must not hold up the others
                self._unsent[interaction_id] = self._unsent.pop(interaction_id)
            return found

    def next_unsent(self, interaction_id: str) -> Message | None:
        with self._lock:
            conversation = self._conversations.get(interaction_id)
            return conversation.unsent[0] if conversation is not None and conversation.unsent else None

    def mark_sent(self, message_id: str) -> None:
        with self._lock:
            message = self._texts.get(message_id)
            if message is None:
                return
            waiting = self._conversations[message.interaction_id].unsent
            if waiting and waiting[0].id == message_id:
                del waiting[0]
            if not waiting:
                self._unsent.pop(message.interaction_id, None)

    # who waits for an agent

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        with self._lock:
            return {agent_id: self._load(agent_id, now) for agent_id in agent_ids}

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        behind = None if after is None or after.transfer is None else turn_of(after.transfer)
        with self._lock:
            turns = self._lines.first(targets, behind, limit)
            return tuple([self._present(self._transfers[transfer_id].interaction_id) for _, _, transfer_id in turns])

    def waiting_targets(self) -> frozenset[Target]:
        with self._lock:
            return self._lines.targets()

    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        with self._lock:
            return {target: self._lines.count(target) for target in targets}

    # whom an agent asks often

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        with self._lock:
            desk = self._desks.get(agent_id)
            return () if desk is None else tuple(desk.favourites)

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        with self._lock:
            favourites = self._desk(agent_id).favourites
            if favourite:
                favourites.setdefault(target)
            else:
                favourites.pop(target, None)

    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        with self._lock:
            desk = self._desks.get(agent_id)
            return () if desk is None else tuple(islice(reversed(desk.recents), limit))

    # My Messages

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        with self._lock:
            desk = self._desks.get(agent_id)
            message = None if desk is None else desk.messages.get(message_id)
            if desk is None or message is None:
                return False
            if message.read is not read:
                desk.messages[message_id] = attrs.evolve(message, read=read)
                desk.changed(None, message_id)
            return True

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        with self._lock:
            desk = self._desks.get(agent_id)
            if desk is None or desk.messages.pop(message_id, None) is None:
                return False
            desk.changed(None, message_id)
            return True


_CURSOR_DIGITS = 19


def _availability(agent: Agent) -> tuple[ChannelStatus, bool]:
    return agent.status, agent.do_not_disturb
