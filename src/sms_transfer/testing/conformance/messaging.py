"""`MessagingConformance`: the suite of a `sms_transfer.ports.Messaging`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from itertools import count
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer.ports import Messaging, Subscription
from sms_transfer.testing.conformance._racing import THREADS, racing
from sms_transfer.testing.conformance._samples import ALIKE
from sms_transfer.testing.conformance._suite import Capability, Suite, needs

MakeMessaging = Callable[[], Messaging]
ReopenMessaging = Callable[[Messaging], Messaging]

_BURST: Final = 50
_AGENTS: Final = ("alice", "bob", "carol")
_someone: Final = st.sampled_from(_AGENTS)
_steps: Final = st.lists(
    st.tuples(st.just("listen"), _someone)
    | st.tuples(st.just("close"), st.integers(0, 9))
    | st.tuples(st.just("ring"), st.lists(_someone, unique=True)),
    max_size=30,
)


class Listener:
    """Somebody who listens and counts."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id: Final = agent_id
        self.woken: int = 0

    def wake(self) -> None:
        """Be woken."""
        self.woken += 1


class MessagingConformance(Suite):
    """What a `Messaging` must do.

    Give it the fixture ``make_messaging``: a callable that makes a doorbell that nobody listens at, with no connection
    to any other. For `Capability.MANY_HANDLES` also ``reopen_messaging``: a callable that takes a doorbell and gives
    another end of it, such as a second process would have.
    """

    @pytest.fixture
    def make_messaging(self) -> MakeMessaging:
        """Each call makes a new doorbell; what it made is cleaned up in your fixture."""
        return pytest.fail(f"{type(self).__name__} needs a fixture make_messaging: a callable that makes a doorbell")

    @pytest.fixture
    def reopen_messaging(self) -> ReopenMessaging:
        """Another end of the given doorbell."""
        return pytest.fail(f"{type(self).__name__} needs a fixture reopen_messaging for what it declares")

    def test_d5_a_ring_wakes_every_listener_of_these_agents_and_nobody_else(
        self, make_messaging: MakeMessaging
    ) -> None:
        """D5: several desktops of one agent, and not those of others."""
        bell = make_messaging()
        rung, others = [Listener("alice"), Listener("alice"), Listener("bob")], [Listener("carol"), Listener("Alice")]
        with listening(bell, *rung, *others):
            bell.ring(["alice", "bob", "nobody"])
            self._settle(bell, bell, rung)

        assert [0, 0] == [listener.woken for listener in others]

    def test_d5_ids_that_look_alike_are_different(self, make_messaging: MakeMessaging) -> None:
        """D5, A8: each is rung for itself alone."""
        bell = make_messaging()
        listeners = [Listener(id_) for id_ in ALIKE]
        with listening(bell, *listeners):
            for at in range(0, len(listeners), 2):
                bell.ring([ALIKE[at]])
            self._settle(bell, bell, listeners[::2])

        assert not any(listener.woken for listener in listeners[1::2])

    def test_d5_a_ring_may_be_for_nobody(self, make_messaging: MakeMessaging) -> None:
        """D5: no agents, agents without a desktop, and one agent named twice."""
        bell = make_messaging()
        alice = Listener("alice")

        bell.ring([])
        bell.ring(["alice"])
        with listening(bell, alice):
            bell.ring(("alice", "alice"))
            self._settle(bell, bell, [alice])

    def test_d5_many_can_be_rung_at_once(self, make_messaging: MakeMessaging) -> None:
        """D5: more agents, with longer ids, than fit into one packet of anything."""
        bell = make_messaging()
        listeners = [Listener(f"{'字' * 120} {number}") for number in range(200)]
        with listening(bell, *listeners):
            bell.ring({listener.agent_id for listener in listeners})
            self._settle(bell, bell, listeners)

    def test_d5_a_closed_subscription_is_not_woken(self, make_messaging: MakeMessaging) -> None:
        """D5: the other one still is; closing twice does no harm."""
        bell = make_messaging()
        first, second = Listener("alice"), Listener("alice")
        with listening(bell, second):
            subscription = bell.listen("alice", first.wake)
            bell.ring(["alice"])
            self._settle(bell, bell, [first, second])
            subscription.close()
            subscription.close()
            before, second.woken = first.woken, 0
            bell.ring(["alice"])
            self._settle(bell, bell, [second])

        assert before == first.woken

    def test_d5_who_comes_again_is_woken_again(self, make_messaging: MakeMessaging) -> None:
        """D5: after everybody has gone."""
        bell = make_messaging()
        for _ in range(3):
            alice = Listener("alice")
            with listening(bell, alice):
                bell.ring(["alice"])
                self._settle(bell, bell, [alice])

    def test_d5_a_listener_may_close_itself_while_it_is_woken(self, make_messaging: MakeMessaging) -> None:
        """D5: a desktop that goes away because of what it was shown."""
        bell = make_messaging()
        leaving, staying = Listener("alice"), Listener("alice")
        subscriptions: list[Subscription] = []

        def leave() -> None:
            leaving.wake()
            for subscription in subscriptions:
                subscription.close()

        subscriptions.append(bell.listen("alice", leave))
        with listening(bell, staying):
            bell.ring(["alice"])
            self._settle(bell, bell, [leaving, staying])
            staying.woken = 0
            bell.ring(["alice"])
            self._settle(bell, bell, [staying])

        assert leaving.woken == 1

    def test_d5_a_listener_that_raises_harms_nobody(self, make_messaging: MakeMessaging) -> None:
        """D5: neither those who listen with it, nor whoever rings, and it is woken the next time all the same."""
        bell = make_messaging()
        before, after = Listener("alice"), Listener("alice")
        tried = Listener("alice")

        def stumble() -> None:
            tried.wake()
            raise RuntimeError("a front end may raise anything")

        with listening(bell, before), closing(bell.listen("alice", stumble)), listening(bell, after):
            for _ in range(2):
                before.woken = after.woken = tried.woken = 0
                bell.ring(["alice"])
                self._settle(bell, bell, [before, after, tried])

    def test_d7_the_last_ring_of_a_burst_is_heard(self, make_messaging: MakeMessaging) -> None:
        """D7: rings may be heard as one, but whoever looks when woken sees what was there before the last of them."""
        bell = make_messaging()
        recorded = 0
        seen = [0]
        with closing(bell.listen("alice", lambda: seen.append(recorded))):
            for _ in range(_BURST):
                recorded += 1
                bell.ring(["alice"])
            assert self.eventually(lambda: seen[-1] == _BURST)

    def test_d7_rings_of_many_threads_are_heard(self, make_messaging: MakeMessaging) -> None:
        """D7: while others come and go."""
        bell = make_messaging()
        listeners = [Listener(f"agent {number}") for number in range(THREADS)]

        def ring(listener: Listener) -> None:
            for _ in range(_BURST):
                with listening(bell, Listener(listener.agent_id)):
                    bell.ring([listener.agent_id])

        with listening(bell, *listeners), racing() as race:
            answers = race([lambda listener=listener: ring(listener) for listener in listeners])  # type: ignore[misc] # bound at once
            self._settle(bell, bell, listeners)

        assert [None] * THREADS == answers

    def test_d5_it_does_what_a_dictionary_would_do(self, make_messaging: MakeMessaging) -> None:
        """D5: whoever comes, goes and rings, in any order."""

        @self.story_settings(waits=True)
        @given(_steps)
        def story(steps: list[tuple[str, str | int | list[str]]]) -> None:
            bell = make_messaging()
            model: dict[Listener, Subscription] = {}
            for step in steps:
                match step:
                    case ("listen", str(agent_id)):
                        listener = Listener(agent_id)
                        model[listener] = bell.listen(agent_id, listener.wake)
                    case ("ring", list(agent_ids)):
                        self._ring(bell, model, agent_ids)
                    case _:
                        self._leave(model, int(str(step[1])))
            for subscription in model.values():
                subscription.close()

        story()

    @needs(Capability.MANY_HANDLES)
    def test_d5_a_ring_is_heard_in_every_process(
        self, make_messaging: MakeMessaging, reopen_messaging: ReopenMessaging
    ) -> None:
        """D5: at every end of the doorbell, whichever end it is rung at."""
        ends = [make_messaging()]
        ends += [reopen_messaging(ends[0]) for _ in range(2)]
        for ringing in ends:
            alices, bobs = [Listener("alice") for _ in ends], [Listener("bob") for _ in ends]
            with ExitStack() as stack:
                for end, alice, bob in zip(ends, alices, bobs, strict=True):
                    stack.enter_context(listening(end, alice, bob))
                ringing.ring(["alice"])
                for end in ends:
                    self._settle(ringing, end, alices)
            assert [0, 0, 0] == [bob.woken for bob in bobs]

    def test_d5_two_doorbells_are_not_connected(self, make_messaging: MakeMessaging) -> None:
        """D5: one centre's rings are none of another's."""
        one, two = make_messaging(), make_messaging()
        here, there = Listener("alice"), Listener("alice")
        with listening(one, here), listening(two, there):
            one.ring(["alice"])
            self._settle(one, one, [here])
            self._settle(two, two, [])

        assert there.woken == 0

    def _ring(self, bell: Messaging, model: dict[Listener, Subscription], agent_ids: Collection[str]) -> None:
        before = {listener: listener.woken for listener in model}
        bell.ring(agent_ids)
        self._settle(bell, bell, [one for one in model if one.agent_id in agent_ids], before)
        for listener, woken in before.items():
            assert (listener.agent_id in agent_ids) or woken == listener.woken

    @staticmethod
    def _leave(model: dict[Listener, Subscription], number: int) -> None:
        if model:
            listener = list(model)[number % len(model)]
            subscription = model.pop(listener)
            subscription.close()
            subscription.close()

    def _settle(
        self,
        bell: Messaging,
        end: Messaging,
        expected: Collection[Listener],
        before: dict[Listener, int] | None = None,
    ) -> None:
        """Wait until all of these are woken, and then until a ring that was rung after that has come through."""
        known = before or {}
        assert self.eventually(lambda: all(one.woken > known.get(one, 0) for one in expected)), (
            f"not woken: {[one.agent_id for one in expected if one.woken <= known.get(one, 0)]}"
        )
        fence = Listener(f"fence {next(_fences)}")
        with listening(end, fence):
            bell.ring([fence.agent_id])
            assert self.eventually(lambda: fence.woken > 0)


_fences: Final = count()


def listening(bell: Messaging, *listeners: Listener) -> ExitStack:
    """Listen as long as the context lasts."""
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(closing(bell.listen(listener.agent_id, listener.wake)))
        return stack.pop_all()
