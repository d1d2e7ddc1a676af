"""`QueueMachine`: a rule-based state machine that plays a centre with a queue, a group and a skill against your wiring.

It is used like `sms_transfer.testing.machine.TransferMachine`, with the policy that it draws at the start::

    class MyQueues(QueueMachine):
        def make_service(self, clock: ManualClock) -> TransferService:
            return TransferService(MyStore(), clock=clock, policy=self.policy)

    TestMyQueues = MyQueues.TestCase

Who is invited is the router's business. So nothing is foretold here but what must be refused; after every step what is
recorded is read, and all that must hold of it is asked. (Extra ``testing``.)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

try:
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
except ModuleNotFoundError as _error:  # pragma: no cover - shown by a test in a process without Hypothesis
    raise ImportError("the machine needs Hypothesis: pip install 'sms-transfer[testing]'") from _error

from sms_transfer.core.events import OwnershipMoved
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Contact,
    Interaction,
    Media,
    NoAnswer,
    Outcome,
    Target,
    TargetKind,
    TransferRequest,
    targets_of,
)
from sms_transfer.core.policy import TransferPolicy, agent_eligibility, could_ever, places_taken
from sms_transfer.errors import InvitationClosed, NotPermitted, Refused, TransferPending
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock
from sms_transfer.testing.strategies import policies

AGENTS: Final = ("ann", "ben", "cat", "dan")
CONVERSATIONS: Final = tuple(f"with-{name}-{number}" for name in AGENTS[:2] for number in (1, 2))
QUEUE: Final = Target.queue("sales")
TARGETS: Final = (
    *(QUEUE, Target.routing_point("main"), Target.agent_group("night"), Target.skill("french")),
    *map(Target.agent, AGENTS),
)
_agents: Final = st.sampled_from(AGENTS)
_conversations: Final = st.sampled_from(CONVERSATIONS)
_members: Final = st.frozensets(_agents)


class QueueMachine(RuleBasedStateMachine):
    """Plays agents, queues and the clock against a service."""

    policy: TransferPolicy = TransferPolicy()
    """What the centre allows; drawn before `make_service` is called."""

    def make_service(self, clock: ManualClock) -> TransferService:
        """Make the service to test, empty, with this clock and ``policy=self.policy``. Override it for your wiring."""
        return TransferService(clock=clock, policy=self.policy)

    def __init__(self) -> None:
        super().__init__()
        self.clock: ManualClock = ManualClock()
        self.queues: dict[Target, frozenset[str]] = {}
        self.allowed: dict[str, int] = dict.fromkeys(AGENTS, 0)
        self.outcomes: dict[str, Outcome] = {}
        self.requests: dict[str, None] = {}
        self.keyed: dict[str, str] = {}

    @initialize(policy=policies(st.none() | st.sampled_from(TARGETS)), members=_members)
    def open_the_centre(self, policy: TransferPolicy, members: frozenset[str]) -> None:
        """Four agents come, who serve this and that; two of them have two conversations each."""
        self.policy = policy
        self.service: TransferService = self.make_service(self.clock)
        for number, name in enumerate(AGENTS):
            agent = Agent(name, name.title(), capacity=2 + number % 2, skills={"french"} if number else ())
            self.service.add_agent(agent)
            self.service.log_in(name)
            self.service.set_ready(name)
        for target in TARGETS[:2]:
            self.service.add_queue(target, members)
            self.queues[target] = members
        for id_ in CONVERSATIONS:
            owner = id_.split("-")[1]
            opened = Interaction(id_, media=Media.SMS, contact=Contact("+14155550100"), owner=owner)
            self.service.open_interaction(opened)

    # what agents do

    @rule(
        id_=_conversations,
        to=st.sampled_from(TARGETS),
        priority=st.integers(0, 2),
        no_answer=st.none() | st.sampled_from(NoAnswer),
        fallback=st.none() | st.sampled_from(TARGETS),
    )
    def request(self, id_: str, to: Target, priority: int, no_answer: NoAnswer | None, fallback: Target | None) -> None:
        """The owner asks for a transfer, or whoever was it before a queue."""
        before = self._settled(id_)
        by = before.owner if isinstance(before.owner, str) else "ann"
        try:
            made = self.service.request_transfer(
                id_, to, by=by, priority=priority, no_answer=no_answer, fallback=fallback
            )
        except TransferPending:
            assert before.transfer is not None
        except Refused:
            assert before.transfer is not None or before.state is InteractionState.DONE or self._refuses(before, to)
        else:
            assert before.transfer is None
            assert before.state is InteractionState.ACTIVE
            assert not self._off(by)
            self.requests[made.id] = None
            assert made.priority == priority

    @rule(ids=st.lists(_conversations, max_size=3), to=st.sampled_from(TARGETS), key=st.sampled_from("kl"))
    def request_many(self, ids: list[str], to: Target, key: str) -> None:
        """An owner transfers many at once, perhaps again under a key that was used (A5, F5)."""
        results = self.service.transfer_many(ids, to, by="ann", key=f"{key}-{to}")
        assert [result.interaction_id for result in results] == ids
        for result in results:
            assert (result.request is None) is not (result.error is None)
            if result.request is not None:
                name = f"{key}-{to}-{result.interaction_id}"
                assert self.keyed.setdefault(name, result.request.id) == result.request.id
                self.requests[result.request.id] = None

    @rule(number=st.integers(0, 3), accepts=st.booleans(), by=st.none() | _agents)
    def answer(self, number: int, accepts: bool, by: str | None) -> None:
        """Whoever is invited answers, or somebody else does."""
        offered = [one for one in self._everything() if one.live_invitation is not None]
        if not offered:
            return
        before = offered[number % len(offered)]
        id_, ticket, live = before.id, before.live_invitation, before.transfer
        assert ticket is not None
        assert live is not None
        name = ticket.invitee if by is None else by
        in_time = live.due_at > self.clock.now()
        try:
            if accepts:
                self.service.accept(ticket.id, by=name)
            else:
                self.service.reject(ticket.id, by=name, reason="busy")
        except NotPermitted:
            assert name != ticket.invitee
        except InvitationClosed as closed:
            assert not in_time
            assert closed.outcome.owner in self._owners_since(before)  # looking for an agent may move it right after
        except Refused:
            assert accepts  # the capacity has become less
        else:
            assert in_time
            assert name == ticket.invitee
            after = self.service.interaction(id_)
            assert not accepts or (after.owner, after.epoch) == (name, before.epoch + 1)

    def _owners_since(self, before: Interaction) -> set[str | Target]:
        """The owner then, and every one since."""
        moves = [event for event in self.service.history(before.id) if isinstance(event, OwnershipMoved)]
        return {before.owner, *(move.owner for move in moves if move.epoch > before.epoch)}

    @rule(id_=_conversations, ends=st.booleans())
    def withdraw(self, id_: str, ends: bool) -> None:
        """The sender cancels, or the owner marks it done; neither is the former owner's any more (F1)."""
        before = self._settled(id_)
        owner, live = before.owner, before.transfer
        if not ends and live is None:
            return
        by = live.sender if live is not None else str(owner)
        try:
            if ends or live is None:
                self.service.mark_done(id_, by=by)
            else:
                self.service.cancel(live.id, by=by)
        except Refused:
            assert before.state is InteractionState.DONE or isinstance(owner, Target) or self._off(by)
        else:
            assert owner == by

    # who serves what

    @rule(queue=st.sampled_from(TARGETS[:2]), members=_members)
    def staff(self, queue: Target, members: frozenset[str]) -> None:
        """Others serve a queue from now on."""
        self.service.update_queue(queue, members)
        self.queues[queue] = members

    @rule(name=_agents, capacity=st.integers(0, 3), groups=st.sampled_from([(), ("night",)]))
    def change_agent(self, name: str, capacity: int, groups: tuple[str, ...]) -> None:
        """An agent has another capacity, and is in a group or not; what they have already, they may keep."""
        known = self.service.agent(name)
        self.allowed[name] = max(self.allowed[name], known.capacity, capacity)
        self.service.update_agent(attrs.evolve(known, capacity=capacity, groups=groups))

    @rule(name=_agents, status=st.sampled_from(ChannelStatus))
    def turn_to(self, name: str, status: ChannelStatus) -> None:
        """An agent comes, pauses or leaves."""
        if status is ChannelStatus.LOGGED_OUT:
            self.service.log_out(name)
            return
        self.service.log_in(name)
        if status is ChannelStatus.READY:
            self.service.set_ready(name)
        else:
            self.service.set_not_ready(name, "break")

    @rule(seconds=st.sampled_from([1, 29, 30, 31, 299, 300, 331, 2_000]), sweep=st.booleans())
    def wait(self, seconds: int, sweep: bool) -> None:
        """Time passes, perhaps several deadlines at once; something sweeps them, or nothing does yet."""
        self.clock.advance(timedelta(seconds=seconds))
        if sweep:
            self.service.tick()
            for interaction in self._everything():
                assert interaction.transfer is None or interaction.transfer.due_at > self.clock.now()

    @rule()
    def sweep(self) -> None:
        """Something sweeps the deadlines, once more than it had to."""
        self.service.tick()  # as in `TransferMachine`: Hypothesis tries it first in place of another rule

    # what must hold

    @invariant()
    def what_must_hold(self) -> None:
        """All of what follows, in one line of a printed story."""
        self.what_is_queued_belongs_to_a_queue()
        self.nobody_is_above_their_capacity()
        self.nobody_is_asked_twice()
        self.outcomes_stay()
        self.whoever_waits_has_a_reason()

    def what_is_queued_belongs_to_a_queue(self) -> None:
        """F1, Q2: one owner, who is a target of several exactly while it is QUEUED."""
        for interaction in self._everything():
            owner = interaction.owner
            assert isinstance(owner, Target) is (interaction.state is InteractionState.QUEUED)
            assert not isinstance(owner, Target) or owner.kind is not TargetKind.AGENT

    def nobody_is_above_their_capacity(self) -> None:
        """E3: what is owned, offered and kept fits; where the capacity was lowered, what was there before may stay."""
        now = self.clock.now()
        everything = self._everything()
        for name in AGENTS if everything else ():
            load, capacity = self._load(name, everything), self.service.agent(name).capacity
            ceiling = max(capacity, self.allowed[name])
            assert load <= ceiling, f"{name} has {load} places taken of {capacity}, {now}"
            if load <= capacity:
                self.allowed[name] = capacity

    def nobody_is_asked_twice(self) -> None:
        """Q1: the invitees of a request are different people, and none of them is its sender."""
        for request in self._requests():
            asked = [past.invitee for past in request.past_invitations]
            asked += [] if request.invitation is None else [request.invitation.invitee]
            assert len(set(asked)) == len(asked)
            assert request.sender not in asked

    def outcomes_stay(self) -> None:
        """F3: an outcome never changes."""
        for request in self._requests():
            if request.outcome is not None:
                assert self.outcomes.setdefault(request.id, request.outcome) == request.outcome

    def whoever_waits_has_a_reason(self) -> None:
        """Q1, Q3: where nothing is overdue, no agent who serves the target could take what waits."""
        everything = self._everything()
        now = self.clock.now()
        if any(one.transfer is not None and one.transfer.due_at <= now for one in everything):
            return
        for interaction in everything:
            request = interaction.transfer
            if request is None or request.state is not TransferState.ROUTING:
                continue
            for agent in self._team(request.present_target):
                assert agent_eligibility(
                    interaction,
                    agent.id,
                    agent,
                    load=self._load(agent.id, everything),
                    policy=self.policy,
                    declined=request.asked,
                ), f"{request.id} waits, and {agent.id} could take it"

    def teardown(self) -> None:
        """F4: time alone brings every request to an outcome; only what a queue owns for good waits on there."""
        if not self._everything():
            return
        self.clock.advance(2 * self.policy.routing_timeout + self.policy.invitation_timeout)
        for _ in range(3):
            self.service.tick()
            self.clock.advance(self.policy.routing_timeout)
        self.service.tick()
        for request in self._requests():
            if not request.state.is_final:
                interaction = self.service.interaction(request.interaction_id)
                assert interaction.state is InteractionState.QUEUED
                assert not request.return_to_sender

    # what is recorded

    def _everything(self) -> list[Interaction]:
        return [self.service.interaction(id_) for id_ in CONVERSATIONS] if self.queues else []

    def _requests(self) -> list[TransferRequest]:
        live = {one.transfer.id for one in self._everything() if one.transfer is not None}
        self.requests.update(dict.fromkeys(sorted(live)))
        return [self.service.transfer(id_) for id_ in self.requests]

    def _settled(self, id_: str) -> Interaction:
        """A conversation once what is overdue is recorded."""
        self.service.tick()
        return self.service.interaction(id_)

    def _load(self, name: str, everything: list[Interaction]) -> int:
        return sum(places_taken(one, self.clock.now()).count(name) for one in everything)

    def _team(self, target: Target) -> list[Agent]:
        agents = [self.service.agent(name) for name in AGENTS]
        if target.kind is TargetKind.AGENT:
            return [agent for agent in agents if agent.id == target.id]
        if target in self.queues:
            return [agent for agent in agents if agent.id in self.queues[target]]
        return [agent for agent in agents if target in targets_of(agent)]

    def _off(self, name: str) -> bool:
        return self.service.agent(name).status is ChannelStatus.LOGGED_OUT

    def _refuses(self, before: Interaction, target: Target) -> bool:
        """Whether the target, the owner or the policy gives a reason to refuse."""
        if self._off(str(before.owner)):
            return True
        if target.kind is TargetKind.AGENT:
            return bool(self.service.eligibility(before.id, target))
        few = target.kind not in self.policy.kinds or before.hops >= self.policy.max_hops
        return few or not any(could_ever(before, agent, policy=self.policy) for agent in self._team(target))
