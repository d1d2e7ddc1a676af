"""The store's model test: any story at all, and after each step the store answers as plain dictionaries would."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final, assert_never

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sms_transfer.core.decision import Claim, Decision, desktops
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import (
    Agent,
    Direction,
    Message,
    Queue,
    Target,
)
from sms_transfer.errors import AlreadyExists, Conflict, SmsTransferError
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._acts import ACTS, AGENTS, Try
from sms_transfer.testing.conformance._desktops import Screen
from sms_transfer.testing.conformance._dictionaries import Dictionaries
from sms_transfer.testing.conformance._reading import TARGETS, Story, feed_is_whole, reading
from sms_transfer.testing.conformance._roster import Roll
from sms_transfer.testing.conformance._samples import (
    EVERY,
    MOMENT,
    NOW,
    QUEUE,
    Parts,
    entry,
    opened,
    text,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite
from sms_transfer.testing.conformance._suite import finished
from sms_transfer.testing.conformance._teams import ON_CHANNEL, READY, able

_LAST: Final = 10
"""Of how many stories the feed is read: that it comes by itself cannot be waited for while Hypothesis shrinks."""
_INTERACTIONS: Final = ("i", "I", "j")
_KEYS: Final = (("alice", "k"), ("bob", "k"))


@attrs.frozen
class Mark:
    """An entry of My Messages is marked as read or unread, or deleted (None)."""

    agent_id: str
    message_id: str
    read: bool | None


@attrs.frozen
class Send:
    """A gateway takes the next text of an interaction."""

    interaction_id: str


@attrs.frozen
class Staff:
    """A queue is added, or its record replaced; or somebody tries who does not know it as it is."""

    queue: Queue
    stale: bool


@attrs.frozen
class Star:
    """A target is marked as a favourite, or no longer."""

    agent_id: str
    target: Target
    favourite: bool


Step = Try | Agent | Staff | Star | Mark | Send
_targets: Final = st.sampled_from([QUEUE, QUEUE, *TARGETS])
_tries: Final = st.builds(
    Try,
    st.integers(0, 19),
    st.sampled_from(_INTERACTIONS),
    st.sampled_from(AGENTS),
    st.integers(-3, 1),
    st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 1]),
    st.sampled_from([None, None, None, None, None, None, None, 0, 1, 2]),
    st.lists(st.sampled_from(Direction), max_size=2).map(tuple),
    st.booleans(),
    st.none()
    | st.none()
    | st.builds(Claim, st.sampled_from(AGENTS), st.integers(0, 4), st.just(NOW), invites=st.booleans()),
    st.sampled_from([None, *_KEYS]),
    st.sampled_from([None, None, None, None, None, 0, 1]),
    _targets,
    st.none() | _targets,
    st.integers(0, 1),
    st.booleans(),
)
_teams: Final = st.sampled_from([(), ("q",)])
_changes_of_agents: Final = st.builds(
    Agent,
    st.sampled_from(AGENTS),
    st.sampled_from(["", "x", "y"]),
    status=st.sampled_from(ChannelStatus),
    do_not_disturb=st.sampled_from([False, False, True]),
    capacity=st.integers(0, 3),
    groups=_teams,
    skills=_teams,
)
_staff: Final = st.builds(
    Staff,
    st.builds(
        Queue,
        st.sampled_from(TARGETS[:2]),
        st.frozensets(st.sampled_from([*AGENTS, "nobody"])),
        name=st.sampled_from(["", "x"]),
    ),
    st.sampled_from([False, False, True]),
)
_stars: Final = st.builds(Star, st.sampled_from(AGENTS[:2]), st.sampled_from(TARGETS[:2]), st.booleans())
_marks: Final = st.builds(
    Mark, st.sampled_from(AGENTS), st.sampled_from(["n0", "n1", "n2", "n3"]), st.sampled_from([True, False, None])
)
_sent: Final = st.builds(Send, st.sampled_from(_INTERACTIONS))
_kinds: Final[tuple[st.SearchStrategy[Step], ...]] = (
    *[_tries] * 9,
    _changes_of_agents,
    _staff,
    _marks,
    _sent,
    *[_stars] * 2,
)
_step: Final = st.sampled_from(range(len(_kinds))).flatmap(lambda kind: _kinds[kind])
"""Of a strategy that stands in `st.one_of` many times only the first counts."""


class Model(StoreSuite):
    """Whatever happens, in whatever order."""

    def test_f7_a_store_answers_as_dictionaries_would(self, make_store: MakeStore) -> None:
        """F1 to F7: any story of sound and spoilt commits, of agents, marks and looks."""
        stores: deque[TransferStore] = deque()

        class AnyStory(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.play = Play(make_store())
                stores.append(self.play.store)
                if len(stores) > _LAST:
                    finished(stores.popleft())

            @rule(step=_step)
            def happens(self, step: Step) -> None:
                self.play.step(step)
                self.play.compare()

        run_state_machine_as_test(AnyStory, settings=self.story_settings())
        for store in stores:
            assert self.eventually(lambda store=store: feed_is_whole(store, _INTERACTIONS))  # type: ignore[misc] # bound at once


class Play:
    """Does the same to a store and to dictionaries."""

    def __init__(self, store: TransferStore) -> None:
        self.store = store
        self.model = Dictionaries()
        self.model.versions.update({id_: store.desktop(id_).version for id_ in AGENTS})
        self.screens = {id_: Screen(store, id_) for id_ in AGENTS}
        self.roll = Roll(store)

    def step(self, step: Step) -> None:
        """Take one step."""
        match step:
            case Try():
                self._commit(self._decide(step))
                self._look(step.to)
            case Agent():
                self._change_agent(step)
            case Staff():
                self._staff(step)
            case Star(agent_id, target, favourite):
                self.store.mark_favourite(agent_id, target, favourite=favourite)
                self.model.mark_favourite(agent_id, target, favourite=favourite)
            case Mark(agent_id, message_id, read):
                self._mark(agent_id, message_id, read)
            case Send(interaction_id):
                self._send(interaction_id)
            case _:
                assert_never(step)

    def compare(self) -> None:
        """See that both give the same answers."""
        story = Story(
            interactions=_INTERACTIONS,
            agents=AGENTS,
            transfers=(*self.model.requests, "none"),
            texts=(*self.model.texts, "none"),
            keys=_KEYS,
            tickets=(*self.model.tickets,),
        )
        assert self.model.reading(story) == reading(self.store, story)
        for seconds in range(4):
            now = NOW + timedelta(seconds=seconds)
            due = [self.model.requests[id_] for id_ in self.store.due(now, limit=EVERY)]
            assert [one.due_at for one in self.model.due(now)] == [one.due_at for one in due]
            assert {one.id for one in self.model.due(now)} == {one.id for one in due}
        self._compare_those_in_any_order()
        self._compare_pages()

    def _compare_those_in_any_order(self) -> None:
        for agent_id in AGENTS:
            assert self.store.recents(agent_id, limit=EVERY) in self.model.recents(agent_id)
        for target in TARGETS:
            for statuses in (READY, ON_CHANNEL):
                must, may = self.model.able(target, statuses)
                assert must <= {agent.id for agent in able(self.store, target, statuses)} <= may
        roll = self.roll.call()
        assert {id_: (one.name, one.groups, one.skills) for id_, one in self.model.agents.items()} == roll.agents
        assert {target: queue.label for target, queue in self.model.queues.items()} == roll.queues

    def _compare_pages(self) -> None:
        waiting = self.model.line(TARGETS)
        for at, one in enumerate(waiting):
            assert waiting[at + 1 :][:1] == self.store.waiting(TARGETS, after=one, limit=1)

    def _decide(self, step: Try) -> Decision:
        before = self.model.interactions.get(step.interaction_id)
        transfer_id = _id("t", self.model.requests, step.taken)
        tickets = [*self.model.tickets]
        ticket = f"v-{transfer_id}" if step.ticket is None or not tickets else tickets[step.ticket % len(tickets)]
        asked_at = NOW + len(self.model.requests) * MOMENT
        step = attrs.evolve(step, transfer_id=transfer_id, invitation_id=ticket, asked_at=asked_at)
        acts = ACTS[None if before is None else before.state]
        decide = acts[step.act % len(acts)]
        present = opened(step.interaction_id) if before is None else before
        decision = decide(present, step, Parts(texts=self._texts(step), claim=step.claim))
        decision = attrs.evolve(decision, concerned=desktops(before or decision.interaction, decision.interaction))
        if step.late:
            late = attrs.evolve(decision.interaction, version=max(0, decision.interaction.version + step.late))
            decision = attrs.evolve(decision, interaction=late)
        if step.tells:
            told = entry(f"n{self.model.told}", step.to, step.interaction_id)  # D5: no outcome is told twice
            concerned = tuple(dict.fromkeys((*decision.concerned, step.to)))
            decision = attrs.evolve(decision, notices=(told,), concerned=concerned)
        return decision

    def _texts(self, step: Try) -> tuple[Message, ...]:
        ids = [_id("m", self.model.texts, step.taken), f"m{len(self.model.texts) + 1}"]
        return tuple(text(id_, step.interaction_id, way) for id_, way in zip(ids, step.texts, strict=False))

    def _commit(self, decision: Decision) -> None:
        expected = self.model.refusals(decision)
        refused = _attempt(lambda: self.store.commit(decision))
        if refused is None:
            assert not expected, f"it must be refused: {expected}"
            self.model.commit(decision)
        else:
            assert (type(refused), refused.fields["kind"], refused.fields["id"]) in expected

    def _look(self, agent_id: str) -> None:
        self.screens[agent_id].look()
        self.screens[agent_id].assert_true()

    def _change_agent(self, agent: Agent) -> None:
        known = self.model.agents.get(agent.id)
        if known is None:
            self.store.add_agent(agent)
        elif agent.name:
            self.store.replace_agent(known, agent)
        else:  # decided upon what may not be there any more
            stale = attrs.evolve(known, capacity=known.capacity + 1)
            assert isinstance(_attempt(lambda: self.store.replace_agent(stale, agent)), Conflict)
            return
        self.model.agents[agent.id] = agent

    def _staff(self, step: Staff) -> None:
        queue = step.queue
        known = self.model.queues.get(queue.target)
        if step.stale:
            stale = Queue(queue.target) if known is None else attrs.evolve(known, name=f"{known.name}!")
            assert isinstance(_attempt(lambda: self.store.replace_queue(stale, queue)), Conflict)
            refused = _attempt(lambda: self.store.add_queue(queue)) if known is not None else None
            assert known is None or isinstance(refused, AlreadyExists)
            return
        if known is None:
            self.store.add_queue(queue)
        else:
            self.store.replace_queue(known, queue)
        self.model.queues[queue.target] = queue

    def _mark(self, agent_id: str, message_id: str, read: bool | None) -> None:
        if read is None:
            assert self.model.delete_message(agent_id, message_id) == self.store.delete_message(agent_id, message_id)
            return
        expected = self.model.mark_read(agent_id, message_id, read=read)
        assert expected == self.store.mark_read(agent_id, message_id, read=read)

    def _send(self, interaction_id: str) -> None:
        message = self.store.next_unsent(interaction_id)
        if message is not None:
            self.store.mark_sent(message.id)
            self.model.waiting.remove(message)


def _attempt(act: Callable[[], None]) -> SmsTransferError | None:
    try:
        act()
    except SmsTransferError as error:
        return error
    return None


def _id(kind: str, used: Collection[str], taken: int | None) -> str:
    """A new id, or one of those that are taken."""
    return f"{kind}{len(used) if taken is None or not used else taken % len(used)}"
