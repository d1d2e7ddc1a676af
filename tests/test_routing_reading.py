"""What is read to find an agent: a few at a time, however many agents there are and however much waits (Q3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat

import attrs
import pytest

from floor import QUEUE
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    Media,
    Target,
    TransferRequest,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import Candidate
from sms_transfer.testing import ManualClock
from support import CONTACT


class Reading(MemoryStore):
    """A store that remembers how many it was asked for at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.able_at_a_time: list[int] = []
        self.members_at_a_time: list[int] = []
        self.waiting_at_a_time: list[int] = []

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        self.able_at_a_time.append(limit)
        return super().able(target, statuses=statuses, limit=limit)

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        self.members_at_a_time.append(limit)
        return super().members(target, limit=limit)

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        self.waiting_at_a_time.append(limit)
        return super().waiting(targets, after=after, limit=limit)

    def forget(self) -> None:
        """Forget what was asked for."""
        for asked in (self.able_at_a_time, self.members_at_a_time, self.waiting_at_a_time):
            asked.clear()


class Reaching:
    """A router that wants to see so many."""

    def __init__(self, reach: int) -> None:
        self.reach = reach

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        del interaction
        return candidates[0].agent.id


@attrs.define
class Hall:
    """A queue of many agents; the first of them take no MMS."""

    store: Reading
    service: TransferService

    @classmethod
    def of(cls, agents: int, *, without_mms: int = 0, ready: bool = True, reach: int = 8) -> Hall:
        """So many agents, of whom so many take no MMS, and Alice, who has all the conversations."""
        store = Reading()
        service = TransferService(store, clock=ManualClock(), router=Reaching(reach))
        service.add_agent(Agent("alice", "Alice", status=ChannelStatus.READY, capacity=1_000))
        names = [f"agent-{number:03}" for number in range(agents)]
        status = ChannelStatus.READY if ready else ChannelStatus.NOT_READY
        for name, media in zip(names, [*repeat({Media.SMS}, without_mms), *repeat(set(Media), agents)], strict=False):
            service.add_agent(Agent(name, name, status=status, media=media))
        service.add_queue(QUEUE, names)
        return cls(store, service)

    def ask(self, id_: str = "i", media: Media = Media.MMS) -> TransferRequest:
        """Ask the queue to take a new conversation."""
        self.service.open_interaction(Interaction(id_, media=media, contact=CONTACT, owner="alice"))
        return self.service.request_transfer(id_, QUEUE, by="alice")


def test_q3_a_few_agents_are_read_where_the_first_are_able() -> None:
    """Q3: eight; and as many more as were asked already, who are not asked again.

    Whether any is left (Q1) is seen before a request is recorded, and after.
    """
    hall = Hall.of(60)

    request = hall.ask()
    assert ([8, 8], [8]) == (hall.store.members_at_a_time, hall.store.able_at_a_time)
    hall.store.forget()
    invitation = request.invitation
    assert invitation is not None
    hall.service.reject(invitation.id, by=invitation.invitee)
    assert ([9], [9]) == (hall.store.members_at_a_time, hall.store.able_at_a_time)


def test_q3_more_agents_are_read_until_one_is_able() -> None:
    """Q3, Q1: four times as many each time, and not all of them at once."""
    hall = Hall.of(60, without_mms=59)

    assert hall.ask().invitation is not None
    assert ([8, 32, 128, 8, 32, 128], [8, 32, 128]) == (hall.store.members_at_a_time, hall.store.able_at_a_time)


def test_q1_whoever_declined_is_read_beside_those_who_may_be_left() -> None:
    """Q1: nobody is left when nine of nine have; one look at the members tells so."""
    hall = Hall.of(9)
    transfer_id = hall.ask().id
    for _ in range(9):
        invitation = hall.service.transfer(transfer_id).invitation
        assert invitation is not None
        hall.store.forget()
        hall.service.reject(invitation.id, by=invitation.invitee)

    assert TransferState.FAILED is hall.service.transfer(transfer_id).state
    assert [17] == hall.store.members_at_a_time


@pytest.mark.parametrize(("reach", "read"), [(3, 3), (1_000_000, 100_000), (0, 8)])
def test_q4_a_router_is_shown_as_many_as_it_reaches_for(reach: int, read: int) -> None:
    """Q4: within reason."""
    hall = Hall.of(10, reach=reach)
    hall.ask()

    assert [read] == hall.store.able_at_a_time


def test_q3_what_waits_is_read_in_pages_that_grow() -> None:
    """Q3: a place that was freed costs a few, and all that waits is looked through where nobody fits."""
    hall = Hall.of(2, without_mms=1, ready=False)
    for number in range(763):  # one more would fill the last page
        hall.ask(f"i-{number:03}")
    hall.store.forget()
    hall.service.set_ready("agent-000")  # who takes no MMS

    assert [4, 8, 16, 32, 64, 128, 256, 256] == hall.store.waiting_at_a_time
