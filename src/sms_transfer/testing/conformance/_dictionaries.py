"""A store of plain dictionaries and lists that works everything out anew each time: what a model test compares with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import attrs

from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Direction,
    Interaction,
    Message,
    Queue,
    Target,
    TransferRequest,
    targets_of,
)
from sms_transfer.core.notices import SystemMessage
from sms_transfer.errors import AlreadyExists, Conflict, SmsTransferError
from sms_transfer.testing.conformance._reading import Desk, Reading, Serving, Story, all_tickets
from sms_transfer.testing.conformance._samples import NOW, live_request

Refusal = tuple[type[SmsTransferError], str, str]
"""The error, and the kind and id that it names."""
_LONG_AGO: Final = NOW - timedelta(days=400)
"""An instant at which every invitation counts, as it may until its end is recorded."""


class Dictionaries:
    """What is recorded."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.interactions: dict[str, Interaction] = {}
        self.histories: defaultdict[str, list[Event]] = defaultdict(list)
        self.transcripts: defaultdict[str, list[Message]] = defaultdict(list)
        self.waiting: list[Message] = []
        self.texts: dict[str, Message] = {}
        self.requests: dict[str, TransferRequest] = {}
        self.tickets: dict[str, str] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.told = 0
        self.messages: defaultdict[str, dict[str, SystemMessage]] = defaultdict(dict)
        self.queues: dict[Target, Queue] = {}
        self.favourites: defaultdict[str, list[Target]] = defaultdict(list)

    def refusals(self, decision: Decision) -> set[Refusal]:
        """Everything that this commit must be refused for; any one of them will do."""
        after = decision.interaction
        before = self.interactions.get(after.id)
        found = set[Refusal]()
        if after.version != 1 + (0 if before is None else before.version):
            found.add((Conflict, "interaction", after.id))
        if decision.key is not None and decision.key in self.keys:
            found.add((Conflict, "key", decision.key[1]))
        found |= {(Conflict, "message", message.id) for message in decision.texts if message.id in self.texts}
        if decision.claim is not None and not self._fits(decision.claim, after):
            found.add((Conflict, "agent", decision.claim.agent_id))
        for live in decision.requests:
            known = self.requests.get(live.id)
            if known is not None and (known.outcome is not None or known.interaction_id != live.interaction_id):
                found.add((AlreadyExists, "transfer", live.id))
            if live.invitation is not None and self.tickets.get(live.invitation.id, live.id) != live.id:
                found.add((AlreadyExists, "invitation", live.invitation.id))
        return found

    def _fits(self, claim: Claim, after: Interaction) -> bool:
        agent = self.agents.get(claim.agent_id)
        if claim.invites and agent is not None and agent.status is ChannelStatus.LOGGED_OUT:
            return False
        return self.load(claim.agent_id, claim.at, {**self.interactions, after.id: after}) <= claim.limit

    def load(self, agent_id: str, at: datetime, interactions: dict[str, Interaction] | None = None) -> int:
        """The places that an agent has taken."""
        among = self.interactions if interactions is None else interactions
        owned = [one for one in among.values() if _owns(agent_id, one) or _can_come_back(agent_id, one)]
        offers = [one.live_invitation for one in among.values() if _is_offered(agent_id, one)]
        return len(owned) + len([offer for offer in offers if offer is not None and offer.deadline > at])

    def commit(self, decision: Decision) -> None:
        """Record a decision that there is no reason to refuse."""
        after = decision.interaction
        self.interactions[after.id] = after
        self.histories[after.id] += decision.events
        self.transcripts[after.id] += decision.texts
        self.waiting += [message for message in decision.texts if message.direction is Direction.OUTBOUND]
        self.texts |= {message.id: message for message in decision.texts}
        self.requests |= {live.id: live for live in decision.requests}
        self.tickets |= {live.invitation.id: live.id for live in decision.requests if live.invitation is not None}
        if decision.key is not None:
            self.keys[decision.key] = decision.request.id
        self.told += len(decision.notices)
        for message in decision.notices:
            self.messages[message.agent_id][message.id] = message
        for agent_id in decision.concerned:
            self.versions[agent_id] += 1

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> bool:
        """As a store does."""
        message = self.messages[agent_id].get(message_id)
        if message is None:
            return False
        self.messages[agent_id][message_id] = attrs.evolve(message, read=read)
        self.versions[agent_id] += message.read is not read
        return True

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        """As a store does."""
        if self.messages[agent_id].pop(message_id, None) is None:
            return False
        self.versions[agent_id] += 1
        return True

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        """As a store does."""
        marked = self.favourites[agent_id]
        if favourite and target not in marked:
            marked.append(target)
        elif not favourite and target in marked:
            marked.remove(target)

    def due(self, now: datetime) -> list[TransferRequest]:
        """The live requests whom time changes by now, the earliest first."""
        live = [one for one in self.requests.values() if one.outcome is None and one.due_at <= now]
        return sorted(live, key=lambda one: one.due_at)

    def serves(self, agent_id: str) -> frozenset[Target]:
        """What an agent serves, known or not."""
        agent = self.agents.get(agent_id)
        named = {target for target, queue in self.queues.items() if agent_id in queue.members}
        return frozenset(named if agent is None else named | targets_of(agent))

    def members(self, target: Target) -> frozenset[Agent]:
        """The known agents who serve a target."""
        return frozenset(agent for agent in self.agents.values() if target in self.serves(agent.id))

    def able(self, target: Target, statuses: Collection[ChannelStatus]) -> tuple[set[str], set[str]]:
        """Who must be named as able to receive, and who may be."""
        may = {one.id: one for one in self.members(target) if one.status in statuses and not one.do_not_disturb}
        return {id_ for id_, agent in may.items() if self.load(id_, _LONG_AGO) < agent.capacity}, set(may)

    def line(self, targets: Collection[Target]) -> tuple[Interaction, ...]:
        """Who waits for these, in order (Q3)."""
        waiting = [one for one in self.interactions.values() if _waits_for(one) in targets]
        return tuple(sorted(waiting, key=_turn))

    def recents(self, agent_id: str) -> list[tuple[Target, ...]]:
        """Whom this agent asked lately; a request that goes on in another's place may count as asked then, or not."""
        made = [one for one in self.requests.values() if one.sender == agent_id]
        by_age = sorted(made, key=lambda one: one.requested_at)
        return [tuple(dict.fromkeys(one.target for one in reversed(order))) for order in (made, by_age)]

    def reading(self, story: Story) -> Reading:
        """What a store must answer."""
        ids = story.interactions
        waiting = {id_: [message for message in self.waiting if message.interaction_id == id_] for id_ in ids}
        tickets = {id_: self.requests.get(self.tickets.get(id_, "")) for id_ in all_tickets(story)}
        return Reading(
            interactions={id_: self.interactions.get(id_) for id_ in ids},
            transcripts={id_: tuple(self.transcripts[id_]) for id_ in ids},
            histories={id_: tuple(self.histories[id_]) for id_ in ids},
            waiting={id_: next(iter(waiting[id_]), None) for id_ in ids},
            unsent=frozenset(message.interaction_id for message in self.waiting),
            desks={id_: self._desk(id_) for id_ in story.agents},
            loads={id_: self.load(id_, NOW) for id_ in story.agents},
            agents={id_: self.agents[id_] for id_ in story.agents if id_ in self.agents},
            transfers={id_: self.requests.get(id_) for id_ in story.transfers},
            tickets=tickets,
            due=frozenset(one.id for one in self.due(NOW + timedelta(days=400))),
            texts={id_: self.texts.get(id_) for id_ in story.texts},
            keys={key: self.requests.get(self.keys.get(key, "")) for key in story.keys},
            serving=self._serving(story),
        )

    def _serving(self, story: Story) -> Serving:
        targets = story.targets
        known = {target: queue for target, queue in self.queues.items() if target in targets}
        everybody = frozenset(target for one in self.interactions.values() if (target := _waits_for(one)) is not None)
        return Serving(
            queues=known,
            names={target: queue.name or target.id for target, queue in known.items()},
            members={target: self.members(target) for target in targets},
            ready={target: len(self.able(target, {ChannelStatus.READY})[1]) for target in targets},
            served={id_: self.serves(id_) for id_ in story.agents},
            lines={target: self.line([target]) for target in targets},
            line=self.line(targets),
            targets=everybody,
            counts={target: len(self.line([target])) for target in targets},
            anybody_waits=bool(everybody),
            favourites={id_: tuple(self.favourites[id_]) for id_ in story.agents},
            recents={
                id_: frozenset(one.target for one in self.requests.values() if one.sender == id_)
                for id_ in story.agents
            },
        )

    def _desk(self, agent_id: str) -> Desk:
        owned = {id_: one for id_, one in self.interactions.items() if _owns(agent_id, one)}
        return Desk(
            version=self.versions[agent_id],
            interactions=owned,
            offered={id_: one for id_, one in self.interactions.items() if _is_offered(agent_id, one)},
            messages=tuple(self.messages[agent_id].values()),
            texts={id_: tuple(self.transcripts[id_]) for id_ in owned},
        )


def _owns(agent_id: str, interaction: Interaction) -> bool:
    return interaction.owner == agent_id and interaction.state is not InteractionState.DONE


def _is_offered(agent_id: str, interaction: Interaction) -> bool:
    offer = interaction.live_invitation
    return offer is not None and offer.invitee == agent_id


def _can_come_back(agent_id: str, interaction: Interaction) -> bool:
    live = interaction.transfer
    queued = interaction.state is InteractionState.QUEUED
    return queued and live is not None and live.return_to_sender and live.sender == agent_id


def _waits_for(interaction: Interaction) -> Target | None:
    live = interaction.transfer
    return None if live is None or live.state is not TransferState.ROUTING else live.present_target


def _turn(interaction: Interaction) -> tuple[int, datetime, str]:
    live = live_request(interaction)
    return -live.priority, live.requested_at, live.id
