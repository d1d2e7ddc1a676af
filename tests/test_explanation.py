"""Why a transfer is where it is, since when, and what moves it next."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from sms_transfer import (
    WORDS,
    Agent,
    ChannelStatus,
    CorruptRecord,
    Event,
    Explanation,
    FrozenDict,
    Handover,
    Interaction,
    InteractionState,
    InvalidValue,
    InvitationSent,
    Media,
    NotFound,
    Outcome,
    PastInvitation,
    Privilege,
    Reason,
    Target,
    TransferCancelled,
    TransferPolicy,
    TransferRequest,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.codec import from_json, to_json
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Need
from sms_transfer.core.explanation import AHEAD_AT_MOST, Present, explain
from sms_transfer.ports import Facts
from sms_transfer.testing import ManualClock
from support import BOB, CAROL, CONTACT, MOMENT, TIMEOUT, Centre

QUEUE = Target.queue("q")
START = ManualClock().now()
WORDS_OF_THEIRS = "the customer is furious"
TYPICAL = TransferPolicy()
ROUTING = TYPICAL.routing_timeout


def seconds(count: float) -> str:
    """An instant, so many seconds after the beginning, as it stands in a notice."""
    return (START + timedelta(seconds=count)).isoformat()


def why(centre: Centre, request: TransferRequest) -> Explanation:
    """The explanation, which can be sent elsewhere."""
    found = centre.service.explain(request.id)
    assert found == from_json(to_json(found), Explanation)
    return found


def codes(explanation: Explanation) -> list[str]:
    return [notice.code.removeprefix("explanation.") for notice in explanation.notices]


def queueing(*members: str, policy: TransferPolicy | None = None) -> Centre:
    """A centre in which nobody of a queue is Ready."""
    centre = Centre(policy=policy)
    centre.service.add_queue(QUEUE, members or ["bob", "carol"], name="Repairs")
    for name in ("bob", "carol"):
        centre.service.set_not_ready(name)
    return centre


# INVITED


def test_d6_an_invitation_is_explained() -> None:
    """D6, T4, T7: who is asked, since when and until when, who owns it, and what time brings."""
    centre = Centre()
    request = centre.invite(note=WORDS_OF_THEIRS)
    centre.clock.advance(timedelta(seconds=10))

    found = why(centre, request)

    assert TransferState.INVITED is found.state
    assert (request.id, "i", "alice", BOB) == (
        found.transfer_id,
        found.interaction_id,
        found.owner,
        found.waiting_for,
    )
    assert (START + timedelta(seconds=10), START) == (found.at, found.since)
    assert (START + TIMEOUT, TransferState.EXPIRED) == (found.next_at, found.next_state)
    assert not found.overdue
    assert (
        f"bob is asked since {seconds(0)}, and can answer until {seconds(30)}.",
        "alice owns the conversation in the meantime.",
        f"At {seconds(30)} it ends as expired, and alice owns the conversation.",
    ) == found.words


def test_t9_an_invitee_who_is_not_ready_any_more_can_still_accept() -> None:
    """T9: going Not Ready withdraws nothing, and the explanation says so."""
    centre = Centre()
    request = centre.invite()
    centre.service.set_not_ready("bob")
    centre.service.set_do_not_disturb("bob", on=True)

    found = why(centre, request)

    assert {Reason.NOT_READY: 1, Reason.DO_NOT_DISTURB: 1} == found.reasons
    assert ["invited", "invitee.do_not_disturb", "invitee.not_ready", "owner", "next.expired"] == codes(found)


def test_e2_not_ready_is_not_told_where_nobody_must_be_ready() -> None:
    """E2: it is policy."""
    centre = Centre(policy=TransferPolicy(require_ready=False))
    request = centre.invite()
    centre.service.set_not_ready("bob")

    assert {} == why(centre, request).reasons


def test_e1_an_invitee_who_could_not_accept_any_more_is_told() -> None:
    """E1: every reason why the accept would be refused."""
    centre = Centre()
    request = centre.invite()
    centre.service.update_agent(
        Agent("bob", "Bob", capacity=0, privileges=frozenset({Privilege.TRANSFER}), media=frozenset({Media.MMS}))
    )

    assert [
        "invited",
        "invitee.at_capacity",
        "invitee.media_not_handled",
        "invitee.no_sms_privilege",
        "owner",
        "next.expired",
    ] == codes(why(centre, request))


@pytest.mark.parametrize(
    ("agent", "reason"),
    [(None, Reason.UNKNOWN), (Agent("bob", "Bob"), Reason.LOGGED_OUT)],
)
def test_t9_an_invitee_who_has_left_is_told(agent: Agent | None, reason: Reason) -> None:
    """T9: as long as that has not withdrawn the invitation yet."""
    centre = Centre()
    request = centre.invite()
    present = Present(now=START, policy=TYPICAL, since=START, agents=() if agent is None else (agent,))

    found = explain(centre.service.interaction("i"), request, present)

    assert {reason: 1} == found.reasons
    assert f"invitee.{reason}" == codes(found)[1]


def test_q1_who_was_asked_before_is_told_with_what_they_did() -> None:
    """Q1, A6: rejected, without the words; not answered; left."""
    centre = Centre()
    for name in ("dan", "eve"):
        centre.service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    centre.service.add_queue(QUEUE, ["bob", "carol", "dan", "eve"])
    request = centre.invite(QUEUE)
    centre.service.reject(centre.ticket(request), by="bob", reason=WORDS_OF_THEIRS)
    centre.pass_time(TIMEOUT)
    centre.service.log_out("dan")

    found = why(centre, request)

    assert Target.agent("eve") == found.waiting_for
    assert ["bob", "carol", "dan"] == [past.invitee for past in found.asked]
    assert [
        f"bob was asked before and rejected it at {seconds(0)}.",
        f"carol was asked before and had not answered by {seconds(30)}.",
        f"dan was asked before and left at {seconds(30)} without an answer.",
    ] == [*found.words[1:4]]
    assert WORDS_OF_THEIRS not in repr(found) + "".join(found.words)
    assert (TransferState.ROUTING, "next.routing") == (found.next_state, codes(found)[-1])


def test_q5_an_invitation_whose_request_has_a_fallback_says_where_it_goes() -> None:
    """Q5: time brings the fallback, and not the end."""
    centre = Centre()
    request = centre.service.request_transfer("i", BOB, by="alice", fallback=CAROL)

    found = why(centre, request)

    assert TransferState.ROUTING is found.next_state
    assert f"At {seconds(30)} it goes to Carol." == found.words[-1]


# ROUTING


def test_q3_a_request_that_waits_says_why_nobody_can_be_asked() -> None:
    """Q3, E1: how often each reason applies, over all who serve the target; and since when it waits."""
    centre = queueing()
    centre.service.add_agent(Agent("dan", "Dan", status=ChannelStatus.READY, capacity=0, media=frozenset({Media.SMS})))
    centre.service.add_agent(
        Agent("eve", "Eve", media=frozenset({Media.MMS}), privileges=frozenset[Privilege](), do_not_disturb=True)
    )
    centre.service.update_queue(QUEUE, ["alice", "bob", "carol", "dan", "eve"])
    request = centre.invite(QUEUE)
    centre.clock.advance(timedelta(seconds=10))

    found = why(centre, request)

    assert (TransferState.ROUTING, QUEUE, START) == (found.state, found.waiting_for, found.since)
    assert (START + ROUTING, TransferState.EXPIRED) == (found.next_at, found.next_state)
    assert (5, 0, 0) == (found.candidates, found.able, found.ahead)
    assert {
        Reason.AT_CAPACITY: 1,
        Reason.DO_NOT_DISTURB: 1,
        Reason.IS_SENDER: 1,
        Reason.LOGGED_OUT: 1,
        Reason.MEDIA_NOT_HANDLED: 1,
        Reason.NOT_READY: 2,
        Reason.NO_SMS_PRIVILEGE: 1,
    } == found.reasons
    assert (
        f"It waits for an agent of Repairs since {seconds(0)}, and is offered as soon as one can be asked.",
        "No place left for another conversation: 1 of 5.",
    ) == found.words[:2]
    assert f"At {seconds(300)} it ends as expired, and alice owns the conversation." == found.words[-1]


def test_q1_a_request_that_waits_again_says_since_when() -> None:
    """Q1, A1: since whoever was asked last did not take it, and that they are not asked twice."""
    centre = queueing()
    centre.service.set_ready("bob")
    request = centre.invite(QUEUE)
    centre.pass_time(TIMEOUT)
    centre.clock.advance(timedelta(seconds=5))

    found = why(centre, request)

    assert START + TIMEOUT == found.since
    assert {Reason.ALREADY_DECLINED: 1, Reason.NOT_READY: 1} == found.reasons
    assert "asked.expired" == codes(found)[1]


def test_q3_others_that_wait_before_it_are_counted() -> None:
    """Q3: by priority and age."""
    centre = queueing()
    for number, priority in enumerate((0, 1)):
        centre.service.open_interaction(Interaction(f"other-{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
        centre.service.request_transfer(f"other-{number}", QUEUE, by="alice", priority=priority)
    centre.clock.advance(MOMENT)
    request = centre.invite(QUEUE)

    found = why(centre, request)

    assert 2 == found.ahead
    assert "Waiting before it: 2." in found.words


def test_q3_no_more_than_a_hundred_that_wait_are_counted() -> None:
    """Q3: so that the question costs no more in a crowd."""
    centre = queueing()
    centre.service.update_agent(Agent("alice", "Alice", capacity=AHEAD_AT_MOST + 2))
    for number in range(AHEAD_AT_MOST):
        centre.service.open_interaction(Interaction(f"other-{number}", media=Media.SMS, contact=CONTACT, owner="alice"))
        centre.service.request_transfer(f"other-{number}", QUEUE, by="alice", priority=1)

    found = why(centre, centre.invite(QUEUE))

    assert AHEAD_AT_MOST == found.ahead
    assert f"Waiting before it: {AHEAD_AT_MOST} or more." in found.words


class Patient:
    """A router that wants nobody yet."""

    reach = 1

    def pick(self, interaction: Interaction, candidates: object) -> None:
        return None


def test_q4_that_the_router_wants_nobody_is_told() -> None:
    """Q4: some could be asked, and it says how many."""
    centre = Centre(router=Patient())
    centre.service.add_queue(QUEUE, ["bob", "carol"])

    found = why(centre, centre.invite(QUEUE))

    assert (2, 2) == (found.able, found.candidates)
    assert "Can be asked now: 2 of 2. The next tick asks one, unless the router wants nobody yet." == found.words[1]


def test_q2_a_queue_that_nobody_serves_any_more_says_so() -> None:
    """Q2: the queue owns it, everybody can be asked again in the next round, and it says which transfer that is."""
    centre = queueing("bob", policy=TransferPolicy(handover=Handover.ON_PLACEMENT))
    request = centre.invite(QUEUE)
    centre.service.update_queue(QUEUE, [])

    found = why(centre, request)

    assert QUEUE == found.owner
    assert ["routing", "candidates.none", "owner", "next.requeued"] == codes(found)
    assert found.words[-1].startswith(f"At {seconds(300)} it ends as expired, and the conversation waits on at Repairs")
    assert {"owner": "q", "owner_kind": "queue"} == found.notices[2].params
    assert f"{request.id}+2" == found.notices[-1].params["transfer"]


def test_q2_a_request_that_waits_on_says_since_when() -> None:
    """Q2, A1: since the round began, and not since it was asked for."""
    centre = queueing(policy=TransferPolicy(handover=Handover.ON_PLACEMENT))
    request = centre.invite(QUEUE)
    centre.pass_time(ROUTING)
    centre.clock.advance(MOMENT)

    assert START + ROUTING == why(centre, centre.service.transfer(f"{request.id}+2")).since


def test_q5_a_request_that_waits_for_its_fallback_says_since_when_and_whom_for() -> None:
    """Q5: since it went there; the fallback may be one agent."""
    centre = queueing()
    request = centre.service.request_transfer("i", QUEUE, by="alice", fallback=CAROL)
    centre.pass_time(ROUTING)

    found = why(centre, request)

    assert (CAROL, START + ROUTING) == (found.waiting_for, found.since)
    assert ["routing.agent", "candidates.not_ready", "owner", "next.expired"] == codes(found)


# overdue


def test_t10_a_deadline_that_nothing_has_recorded_counts_all_the_same() -> None:
    """T10: the explanation says that it is over, what it counts as, and that no tick has run."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)

    found = why(centre, request)

    assert found.overdue
    assert (TransferState.INVITED, TransferState.EXPIRED) == (found.state, found.next_state)
    assert (
        (
            f"Its time was up at {seconds(30)}, and nothing has recorded that yet: no tick has run since."
            " It counts all the same."
        ),
        f"At {seconds(30)} it ends as expired, and alice owns the conversation.",
    ) == found.words


def test_t10_all_that_time_has_brought_meanwhile_is_told() -> None:
    """T10: an invitation is over, and so is the whole request; both are found by whoever asks."""
    centre = Centre()
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    request = centre.invite(QUEUE)
    centre.clock.advance(ROUTING)

    found = why(centre, request)

    assert (START + TIMEOUT, TransferState.EXPIRED) == (found.next_at, found.next_state)
    assert f"At {seconds(300)} it ends as expired, and alice owns the conversation." == found.words[-1]


def test_t10_asking_records_nothing() -> None:
    """T10, F7: it is a question."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(TIMEOUT)
    before = centre.service.history("i")

    why(centre, request)

    assert before == centre.service.history("i")
    assert TransferState.INVITED is centre.service.transfer(request.id).state


# closed


def test_a2_a_transfer_that_was_accepted_is_explained() -> None:
    """A2: by whom and when, and who owns it now."""
    centre = Centre()
    request = centre.invite()
    centre.clock.advance(timedelta(seconds=3))
    centre.service.accept(centre.ticket(request), by="bob")
    centre.clock.advance(timedelta(seconds=3))

    found = why(centre, request)

    assert (TransferState.ACCEPTED, "bob", None, None) == (found.state, found.owner, found.waiting_for, found.next_at)
    assert START + timedelta(seconds=3) == found.since
    assert not found.overdue
    assert (
        f"It ended at {seconds(3)}.",
        "bob accepted the transfer. bob owns the conversation now.",
    ) == found.words


def test_a2_who_owns_it_now_is_told_and_not_who_did_then() -> None:
    """A2, T11: it may have gone on."""
    centre = Centre()
    request = centre.invite()
    centre.service.accept(centre.ticket(request), by="bob")
    centre.service.accept(centre.ticket(centre.invite(CAROL, by="bob")), by="carol")

    found = why(centre, request)

    assert "carol" == found.owner
    assert "bob accepted the transfer. carol owns the conversation now." == found.words[-1]


def test_a2_how_a_transfer_ended_is_told() -> None:
    """A2, A6: rejected, expired, cancelled and failed are not the same, and nobody's words are repeated."""
    endings: Mapping[str, str] = {
        "rejected": "bob rejected the offer.",
        "expired": "Nobody answered in time.",
        "cancelled": "alice cancelled the transfer.",
        "failed": "bob logged out before answering.",
    }
    for state, words in endings.items():
        centre = Centre()
        request = centre.invite()
        match state:
            case "rejected":
                centre.service.reject(centre.ticket(request), by="bob", reason=WORDS_OF_THEIRS)
            case "expired":
                centre.pass_time(TIMEOUT)
            case "cancelled":
                centre.service.cancel(request.id, by="alice")
            case _:
                centre.service.log_out("bob")
        found = why(centre, request)
        assert state == found.state
        assert f"{words} alice owns the conversation now." == found.words[-1]


# what it costs, and what happens while it is asked


class Asked(MemoryStore):
    """A store that remembers what it is asked, and whose history can be ahead of what was read before it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = list[str]()
        self.later: tuple[Event, ...] = ()

    def read(self, need: Need, now: datetime) -> Facts:
        self.asked.append("read")
        return super().read(need, now)

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        self.asked.append("members")
        return super().members(target, limit=limit)

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        self.asked.append("loads")
        return super().loads(agent_ids, now)

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        self.asked.append("waiting")
        return super().waiting(targets, after=after, limit=limit)

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        self.asked.append("history")
        return (*super().history(interaction_id), *self.later)


def asked_for(target: Target, *, status: ChannelStatus, late: bool = False) -> tuple[list[str], Explanation]:
    """What a store is asked to explain a request to a target that Bob, or a queue of his, is."""
    store, clock = Asked(), ManualClock()
    service = TransferService(store, clock=clock)
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    service.add_queue(QUEUE, ["bob"])
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    if status is ChannelStatus.NOT_READY:
        service.set_not_ready("bob")
    request = service.request_transfer("i", target, by="alice")
    common: Any = {"interaction_id": "i", "at": START + timedelta(seconds=9), "by": None}
    other = TransferRequested(transfer_id="other", target=BOB, hop=1, **common)
    invited = InvitationSent(transfer_id=request.id, invitation_id="v", invitee="bob", deadline=START, **common)
    outcome = Outcome(TransferState.CANCELLED, by=None, at=START, owner="alice")
    store.later = (invited, TransferCancelled(transfer_id=request.id, outcome=outcome, **common), other)
    if late:
        clock.advance(ROUTING)
    store.asked.clear()
    found = service.explain(request.id)
    return store.asked, found


@pytest.mark.parametrize(
    ("target", "status", "late", "asked"),
    [
        (BOB, ChannelStatus.READY, False, ["read", "loads"]),
        (BOB, ChannelStatus.READY, True, ["read"]),
        (QUEUE, ChannelStatus.NOT_READY, False, ["read", "history", "members", "loads", "waiting"]),
        (QUEUE, ChannelStatus.NOT_READY, True, ["read", "history"]),
    ],
)
def test_e1_what_is_asked_does_not_grow_with_the_number_of_agents(
    target: Target, status: ChannelStatus, late: bool, asked: list[str]
) -> None:
    """E1: each question is asked once, for all of them; and none whose answer is not told."""
    assert asked == asked_for(target, status=status, late=late)[0]


def test_a1_what_is_recorded_while_it_is_explained_is_not_mixed_in() -> None:
    """A1: an invitation, an end, and what comes after, recorded since the request was read."""
    _, found = asked_for(QUEUE, status=ChannelStatus.NOT_READY)

    assert (TransferState.ROUTING, START) == (found.state, found.since)


# what cannot be explained, and what is none


def test_f7_a_transfer_that_is_not_there_is_refused() -> None:
    """F7: as everywhere."""
    with pytest.raises(NotFound) as caught:
        Centre().service.explain("nothing")

    assert ("transfer", "nothing") == (caught.value.kind, caught.value.id)


def test_f2_a_live_request_that_its_interaction_knows_nothing_of_is_corrupt() -> None:
    """F2: the store is broken, and that is said."""
    centre = Centre()
    request = centre.invite()
    for other in (centre.opened, attrs.evolve(centre.service.interaction("i"), transfer=attrs.evolve(request, id="x"))):
        with pytest.raises(CorruptRecord):
            explain(other, request, Present(now=START, policy=TYPICAL, since=START))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("transfer_id", ""),
        ("interaction_id", 5),
        ("state", "expired"),
        ("owner", None),
        ("at", START.replace(tzinfo=None)),
        ("since", "today"),
        ("waiting_for", "bob"),
        ("next_at", START.replace(tzinfo=None)),
        ("next_state", "expired"),
        ("asked", ["bob"]),
        ("candidates", -1),
        ("able", 1.5),
        ("reasons", {"whatever": 1}),
        ("reasons", {"not_ready": 0}),
        ("reasons", {"not_ready": True}),
        ("reasons", ["not_ready"]),
        ("ahead", "5"),
        ("notices", ["Hello"]),
    ],
)
def test_a8_what_is_no_explanation_is_refused(field: str, value: object) -> None:
    """A8: one that comes from elsewhere is as sound as one that was made here."""
    sound = centre_explained()
    with pytest.raises(InvalidValue) as caught:
        attrs.evolve(sound, **{field: value})  # type: ignore[arg-type]  # refused
    assert field == caught.value.field


def centre_explained() -> Explanation:
    """Any explanation."""
    return Explanation(
        transfer_id="t",
        interaction_id="i",
        state=TransferState.ROUTING,
        owner="alice",
        at=START,
        since=START,
        waiting_for=QUEUE,
        next_at=START,
        next_state=TransferState.EXPIRED,
        reasons=FrozenDict({Reason.NOT_READY: 2}),
    )


def test_a6_whatever_a_past_offer_ended_as_has_words() -> None:
    """A6, D6: a kind of ending that no rule brings is told in the words for all."""
    past = PastInvitation(
        "v", invitee="bob", outcome=Outcome(TransferState.CANCELLED, by=None, at=START, owner="alice")
    )
    centre = Centre()
    request = attrs.evolve(centre.invite(CAROL), past_invitations=(past,))
    interaction = attrs.evolve(centre.service.interaction("i"), transfer=request)

    found = explain(interaction, request, Present(now=START, policy=TYPICAL, since=START))

    assert "bob was asked before." == found.words[1]


def test_d6_an_explanation_is_loaded_when_it_is_first_asked_for() -> None:
    """D6: a process that asks for none does not wait for it."""
    module = "sms_transfer.core.explanation"
    code = (
        f"import sys, sms_transfer; assert {module!r} not in sys.modules;"
        f" sms_transfer.Explanation; assert {module!r} in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - this very interpreter


def samples() -> Iterator[Explanation]:
    """Explanations of every kind."""
    unable = Agent(
        "bob",
        "Bob",
        status=ChannelStatus.NOT_READY,
        do_not_disturb=True,
        capacity=0,
        media=frozenset({Media.MMS}),
        privileges=frozenset[Privilege](),
    )
    present = Present(now=START, policy=TYPICAL, since=START)
    past = tuple(
        PastInvitation("v", invitee="bob", outcome=Outcome(state, by=None, at=START, owner="alice"))
        for state in TransferState
        if state.is_final
    )
    centre = Centre()
    centre.service.add_queue(QUEUE, ["bob"])
    invited = attrs.evolve(centre.invite(), past_invitations=past)
    interaction = attrs.evolve(centre.service.interaction("i"), transfer=invited)
    waiting = attrs.evolve(invited, target=QUEUE, state=TransferState.ROUTING, invitation=None)
    in_queue = attrs.evolve(interaction, transfer=waiting)
    placed = attrs.evolve(in_queue, state=InteractionState.QUEUED, owner=QUEUE)
    at_queue = attrs.evolve(invited, target=QUEUE, deadline=START + ROUTING)
    at_fallback = attrs.evolve(waiting, fallback=BOB)
    on_fallback = attrs.evolve(at_fallback, on_fallback=True)

    def told(interaction: Interaction, request: TransferRequest, **known: Any) -> Explanation:
        return explain(interaction, request, attrs.evolve(present, **known))

    for invitee in ((), (Agent("bob", "Bob"),), (unable,)):
        yield told(interaction, invited, agents=invitee, loads={"bob": 1})
    serving: tuple[Agent, ...] = (Agent("alice", "Alice"), unable, Agent("dan", "Dan", status=ChannelStatus.READY))
    for agents in ((), serving):
        for ahead in (0, 1, AHEAD_AT_MOST):
            yield told(in_queue, waiting, agents=agents, ahead=ahead)
    for request in (at_queue, at_fallback, on_fallback):
        yield told(attrs.evolve(interaction, transfer=request), request)
    yield told(placed, waiting)
    yield told(interaction, invited, now=START + TIMEOUT)
    centre.service.cancel(invited.id, by="alice")
    yield told(centre.service.interaction("i"), centre.service.transfer(invited.id))


def test_d6_there_are_no_words_that_nothing_is_explained_in() -> None:
    """D6: a new code needs a sample here."""
    wanted = {code for code in WORDS if code.startswith("explanation.")}

    assert wanted == {
        notice.code for found in samples() for notice in found.notices if notice.code.startswith("explanation.")
    }


@pytest.mark.parametrize("reason", Reason)
def test_d6_every_reason_of_an_agent_has_words(reason: Reason) -> None:
    """D6: a new one fails here, until it is clear whether it can be an agent's, or an invitee's."""
    of_targets = {Reason.KIND_NOT_ALLOWED, Reason.NO_AGENTS, Reason.TOO_MANY_HOPS}
    of_the_unknown = {Reason.UNKNOWN}
    of_requests = {Reason.IS_SENDER, Reason.ALREADY_DECLINED}

    assert (reason not in of_targets | of_the_unknown) is (f"explanation.candidates.{reason}" in WORDS)
    assert (reason not in of_targets | of_requests) is (f"explanation.invitee.{reason}" in WORDS)


def test_a6_nothing_personal_is_explained() -> None:
    """A6: ids, states and instants."""
    centre = Centre()
    request = centre.invite(note=WORDS_OF_THEIRS)
    centre.service.receive_message("i", WORDS_OF_THEIRS)
    found = why(centre, request)
    for personal in (WORDS_OF_THEIRS, CONTACT.address, CONTACT.name, "gold"):
        assert personal not in to_json(found) + repr(found) + "".join(found.words)
