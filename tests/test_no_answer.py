"""What becomes of the status of an agent who did not answer (A3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

import pytest

from floor import LOSSES, QUEUE, SEVERAL, Floor
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    InvitationClosed,
    Media,
    NoAnswer,
    Reason,
    Target,
    TargetNotEligible,
    TeamCommunicator,
    TransferPolicy,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.presence import after_no_answer
from sms_transfer.testing import ManualClock
from support import BOB, CAROL, CONTACT, TIMEOUT

HOUR = timedelta(hours=1)
AFTER = {
    NoAnswer.NOTHING: (ChannelStatus.READY, ""),
    NoAnswer.NOT_READY: (ChannelStatus.NOT_READY, "no_answer"),
    NoAnswer.LOG_OUT: (ChannelStatus.LOGGED_OUT, ""),
}


def status(floor: Floor, agent_id: str = "bob") -> tuple[ChannelStatus, str]:
    agent = floor.service.agent(agent_id)
    return agent.status, agent.reason


@pytest.mark.parametrize("no_answer", NoAnswer)
@pytest.mark.parametrize("by_policy", [True, False])
def test_a3_the_status_of_who_did_not_answer_follows_policy(no_answer: NoAnswer, by_policy: bool) -> None:
    """A3, T7: or what the request says instead; the request is closed as ever, and the sender told."""
    other = NoAnswer.NOTHING if no_answer is NoAnswer.LOG_OUT else NoAnswer.LOG_OUT
    floor = Floor(policy=TransferPolicy(no_answer=no_answer if by_policy else other))
    request = floor.ask(target=BOB, no_answer=None if by_policy else no_answer)
    floor.pass_time(TIMEOUT)

    assert AFTER[no_answer] == status(floor)
    assert (TransferState.EXPIRED, "no_answer") == (floor.outcome(request).state, floor.outcome(request).reason)
    assert ("transfer.expired", ["transfer.expired"]) == floor.told()
    assert (ChannelStatus.READY, "") == status(floor, "alice")


@pytest.mark.parametrize("status", ChannelStatus)
@pytest.mark.parametrize("no_answer", NoAnswer)
def test_a3_who_has_changed_their_status_meanwhile_keeps_it(no_answer: NoAnswer, status: ChannelStatus) -> None:
    """A3: only who is Ready is made Not Ready, and only who is on the channel is logged out."""
    agent = Agent("bob", "Bob", status=status, reason="lunch" if status is ChannelStatus.NOT_READY else "")
    changes = {
        (NoAnswer.NOT_READY, ChannelStatus.READY): (ChannelStatus.NOT_READY, "no_answer"),
        (NoAnswer.LOG_OUT, ChannelStatus.READY): (ChannelStatus.LOGGED_OUT, ""),
        (NoAnswer.LOG_OUT, ChannelStatus.NOT_READY): (ChannelStatus.LOGGED_OUT, ""),
    }
    after = after_no_answer(agent, no_answer)

    assert changes.get((no_answer, status), (status, agent.reason)) == (after.status, after.reason)


def test_a3_nothing_is_the_default() -> None:
    """A3: of the policy."""
    assert NoAnswer.NOTHING is TransferPolicy().no_answer


@pytest.mark.parametrize("no_answer", NoAnswer)
@pytest.mark.parametrize("target", SEVERAL, ids=lambda target: target.kind)
def test_a3_it_is_so_for_each_member_of_a_queue(target: Target, no_answer: NoAnswer) -> None:
    """A3, Q1: one after the other, and for nobody who was not asked."""
    floor = Floor(target, policy=TransferPolicy(no_answer=no_answer))
    floor.ask()
    floor.pass_time(TIMEOUT)
    assert [AFTER[no_answer], (ChannelStatus.READY, "")] == [status(floor, "bob"), status(floor, "carol")]

    floor.pass_time(TIMEOUT)
    assert [AFTER[no_answer]] * 2 == [status(floor, "bob"), status(floor, "carol")]


@pytest.mark.parametrize("how", ["rejects", "logs out"])
def test_a3_who_answers_or_leaves_keeps_their_status(how: str) -> None:
    """A3: only no answer is no answer."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask(target=BOB)
    LOSSES[how](floor)
    floor.pass_time(HOUR)

    assert (ChannelStatus.READY if how == "rejects" else ChannelStatus.LOGGED_OUT, "") == status(floor)


@pytest.mark.parametrize(
    "withdraw",
    [
        lambda floor: floor.service.cancel(floor.present().id, by="alice"),
        lambda floor: floor.service.mark_done("i", by="alice"),
    ],
    ids=["cancelled", "done"],
)
def test_a3_who_is_not_asked_any_more_keeps_their_status(withdraw: Callable[[Floor], object]) -> None:
    """A3: what was withdrawn could not be answered."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.LOG_OUT))
    floor.ask(target=BOB)
    withdraw(floor)
    floor.pass_time(HOUR)

    assert (ChannelStatus.READY, "") == status(floor)


def test_a3_who_went_not_ready_meanwhile_keeps_their_reason() -> None:
    """A3: they are Not Ready already, and know why."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask(target=BOB)
    floor.service.set_not_ready("bob", "lunch")
    floor.pass_time(TIMEOUT)

    assert (ChannelStatus.NOT_READY, "lunch") == status(floor)


@pytest.mark.parametrize("no_answer", [NoAnswer.NOT_READY, NoAnswer.LOG_OUT])
def test_a3_an_accept_that_comes_too_late_applies_it_too(no_answer: NoAnswer) -> None:
    """A3, T10: nothing had swept the deadline; and the refusal is what it would be anyway."""
    floor = Floor(policy=TransferPolicy(no_answer=no_answer))
    floor.ask()
    ticket = floor.live_ticket()
    floor.clock.advance(TIMEOUT)

    with pytest.raises(InvitationClosed) as refused:
        floor.service.accept(ticket, by="bob")

    assert (TransferState.EXPIRED, "no_answer") == (refused.value.outcome.state, refused.value.outcome.reason)
    assert (AFTER[no_answer], "carol") == (status(floor), floor.invitee())


def test_a3_any_command_that_finds_it_expired_applies_it() -> None:
    """A3, T10: the sender asks somebody else, before any sweep; Bob cannot be asked, for he is Not Ready by then."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    floor.ask(target=CAROL)

    assert (AFTER[NoAnswer.NOT_READY], "carol") == (status(floor), floor.invitee())
    with pytest.raises(TargetNotEligible):
        floor.ask(floor.begin("j").id, BOB)


def test_a3_it_is_applied_once_however_often_it_is_swept() -> None:
    """A3, F4: who is Ready again stays so."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask(target=BOB)
    floor.pass_time(HOUR)
    floor.service.set_ready("bob")
    for _ in range(3):
        floor.pass_time(HOUR)
        floor.service.expire_due()

    assert (ChannelStatus.READY, "") == status(floor)


@pytest.mark.parametrize("no_answer", NoAnswer)
def test_f4_a_sweep_reports_what_it_has_closed_whatever_becomes_of_the_agents(no_answer: NoAnswer) -> None:
    """A3, F4: two invitations of one agent are over at once: each is closed as EXPIRED, once, and reported."""
    floor = Floor(policy=TransferPolicy(no_answer=no_answer))
    floor.begin("j")
    requests = [floor.ask(target=BOB), floor.ask("j", BOB)]
    floor.clock.advance(TIMEOUT)
    closed = floor.service.tick().expired

    assert sorted(one.id for one in requests) == sorted(one.id for one in closed)
    assert {TransferState.EXPIRED} == {one.state for one in closed}
    assert ["transfer.expired"] * 2 == floor.told()[1]
    assert AFTER[no_answer] == status(floor)


def test_a3_a_log_out_has_all_its_consequences() -> None:
    """A3, T9: the other invitations of this agent fail at once, and go to others; what they own stays theirs."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.LOG_OUT))
    floor.begin("own", "bob")
    floor.begin("j")
    floor.begin("k")
    floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT / 2)
    to_agent = floor.ask("j", BOB)
    floor.service.set_do_not_disturb("carol", on=True)
    floor.ask("k")
    floor.service.set_do_not_disturb("carol", on=False)
    assert ["bob"] * 3 == [floor.invitee(id_) for id_ in "ijk"]
    floor.pass_time(TIMEOUT / 2)

    assert (ChannelStatus.LOGGED_OUT, "") == status(floor)
    assert (TransferState.FAILED, "invitee_logged_out") == (
        floor.outcome(to_agent).state,
        floor.outcome(to_agent).reason,
    )
    assert (None, None, "carol") == tuple(floor.invitee(id_) for id_ in "ijk")
    assert {} == floor.bob.workspace.previews
    assert ["own"] == [one.id for one in floor.service.snapshot("bob").interactions]


def test_a3_who_is_ready_again_is_asked_again() -> None:
    """A3, Q3: for another request of the same queue."""
    floor = Floor(members=["bob"], policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask()
    floor.pass_time(TIMEOUT)
    floor.begin("j")
    floor.ask("j")
    assert floor.invitee("j") is None

    floor.service.set_ready("bob")
    assert floor.invitee("j") == "bob"


def test_a3_the_desktop_of_who_did_not_answer_is_shown_it() -> None:
    """A3, D7: the record that a front end shows the status of."""
    floor = Floor(policy=TransferPolicy(no_answer=NoAnswer.NOT_READY))
    floor.ask(target=BOB)
    floor.pass_time(TIMEOUT)

    assert (ChannelStatus.NOT_READY, "no_answer") == (
        floor.service.snapshot("bob").agent.status,
        floor.service.snapshot("bob").agent.reason,
    )


class Failing(MemoryStore):
    """A directory that fails when it is told to."""

    reading = writing = False

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        if self.reading:
            raise RuntimeError
        return super().agents(ids)

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        if self.writing:
            raise RuntimeError
        super().replace_agent(known, agent)


@pytest.mark.parametrize("no_answer", [NoAnswer.NOT_READY, NoAnswer.LOG_OUT])
def test_a3_a_directory_that_fails_keeps_no_deadline_from_being_kept(
    no_answer: NoAnswer, caplog: pytest.LogCaptureFixture
) -> None:
    """A3, F4: the status stays what it is, the transfer ends, and a log line says so."""
    directory, clock = Failing(), ManualClock()
    service = TransferService(directory=directory, clock=clock, policy=TransferPolicy(no_answer=no_answer))
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)
    directory.writing = True

    assert [request.id] == [closed.id for closed in service.expire_due()]
    assert TransferState.EXPIRED is service.transfer(request.id).state
    assert ChannelStatus.READY is service.agent("bob").status
    assert "could not change the status of agent bob" in caplog.text


def test_a3_an_agent_whom_nobody_knows_any_more_keeps_no_deadline_from_being_kept() -> None:
    """A3, F4: the host's directory has forgotten the invitee."""
    store, clock = MemoryStore(), ManualClock()
    first = TransferService(store, clock=clock, policy=TransferPolicy(no_answer=NoAnswer.LOG_OUT))
    for name in ("alice", "bob"):
        first.add_agent(Agent(name, name, status=ChannelStatus.READY))
    first.add_queue(QUEUE, ["bob"])
    first.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    request = first.request_transfer("i", QUEUE, by="alice")
    directory = MemoryStore()
    directory.add_agent(first.agent("alice"))
    service = TransferService(
        store, directory=directory, clock=clock, policy=TransferPolicy(no_answer=NoAnswer.LOG_OUT)
    )
    clock.advance(HOUR)
    service.tick()

    assert TransferState.EXPIRED is service.transfer(request.id).state
    assert service.interaction("i").owner == "alice"


@pytest.mark.parametrize(
    ("no_answer", "reason"), [(NoAnswer.NOT_READY, Reason.NOT_READY), (NoAnswer.LOG_OUT, Reason.LOGGED_OUT)]
)
def test_a3_what_records_the_miss_finds_the_agent_as_after_it(no_answer: NoAnswer, reason: Reason) -> None:
    """A3, F4, T2: whether or not anything has swept in between, and the team communicator says the same before."""
    floor = Floor(policy=TransferPolicy(no_answer=no_answer))
    floor.ask(target=BOB)
    floor.clock.advance(TIMEOUT)
    [found] = TeamCommunicator(floor.service, "alice").search("bob", interaction_id="i").targets
    with pytest.raises(TargetNotEligible) as refused:
        floor.ask(target=BOB)

    assert {reason} == refused.value.reasons == found.actions[0].reasons
    assert AFTER[no_answer] == status(floor)
    assert floor.owner == "alice"
