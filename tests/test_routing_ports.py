"""Routing over ports that are slow, or wrong: what the rules' own tests cannot arrange."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from doubles import PlainDirectory
from sms_transfer import (
    Agent,
    ChannelStatus,
    Denial,
    Interaction,
    Media,
    NotPermitted,
    Reason,
    Target,
    TargetNotEligible,
    TransferPolicy,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Accept, FailRouting, Invite
from sms_transfer.core.decide import decide
from sms_transfer.core.decision import Context, Decision
from sms_transfer.drive import finish
from sms_transfer.ports import Candidate
from sms_transfer.routing import Recorded
from sms_transfer.testing import ManualClock
from support import CONTACT

QUEUE = Target.queue("support")


class WhileItIsRecorded(MemoryStore):
    """The first who is invited leaves in the moment in which that is recorded."""

    def __init__(self, people: PlainDirectory) -> None:
        super().__init__()
        self._people = people
        self.left: list[str] = []

    def commit(self, decision: Decision) -> None:
        super().commit(decision)
        invitation = decision.interaction.live_invitation
        if invitation is not None and not self.left:
            self.left.append(invitation.invitee)
            agent = self._people.known[invitation.invitee]
            self._people.known[agent.id] = attrs.evolve(agent, status=ChannelStatus.LOGGED_OUT)


class Moody:
    """Wants nobody, until it wants whoever there is."""

    reach = 1

    def __init__(self) -> None:
        self.willing = False

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str | None:
        del interaction
        return candidates[0].agent.id if self.willing else None


def test_t9_who_leaves_while_an_invitation_is_recorded_does_not_keep_it() -> None:
    """T9, Q1: also where the router picked them; the next one is invited at once."""
    people = PlainDirectory()
    store = WhileItIsRecorded(people)
    service = TransferService(store, directory=people, clock=ManualClock())
    for agent_id in ("alice", "bob", "carol"):
        service.add_agent(Agent(agent_id, agent_id, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob", "carol"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = service.request_transfer("i", QUEUE, by="alice")

    [left] = store.left
    [stays] = {"bob", "carol"} - {left}
    assert request.state is TransferState.INVITED
    assert request.invitation is not None
    assert stays == request.invitation.invitee
    assert {left} == request.asked


def test_q1_whoever_is_always_taken_before_they_can_be_invited_is_not_looked_for_for_ever() -> None:
    """Q1, Q3: it goes on waiting, and the next look tries again."""
    router = Moody()
    service = TransferService(router=router, clock=ManualClock())
    for agent_id in ("alice", "bob"):
        service.add_agent(Agent(agent_id, agent_id, status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    service.request_transfer("i", QUEUE, by="alice")
    asked: list[str] = []

    async def taken(command: Invite | FailRouting) -> Recorded | None:
        assert isinstance(command, Invite)
        asked.append(command.agent_id)
        raise TargetNotEligible(reasons={Reason.AT_CAPACITY})

    router.willing = True
    assert 0 == finish(service._flow.routing.serve(Recorded(), taken, [QUEUE]))  # noqa: SLF001 - with nothing behind it
    assert {"bob"} == set(asked)
    assert len(asked) < 100


def test_a8_a_ticket_that_a_store_knows_nothing_of_is_nobodys() -> None:
    """A8: a store that finds the interaction by a ticket, and not the request."""
    interaction = Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice")
    context = Context(now=ManualClock().now(), policy=TransferPolicy(), agents={"bob": Agent("bob", "Bob")})
    with pytest.raises(NotPermitted) as refused:
        decide(interaction, Accept("v", by="bob"), context)

    assert Denial.NOT_INVITEE is refused.value.reason
