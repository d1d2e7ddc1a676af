"""What an exploration promises to find, broken on purpose, one promise at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta

import attrs
import pytest

from sms_transfer import Handover, OwnershipMoved, Target, TransferState
from sms_transfer.core import decide as core
from sms_transfer.core.commands import Accept, Expire, FailRouting, Invite, OpenInteraction, Reject
from sms_transfer.core.decide import InteractionCommand
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import Interaction, TransferRequest
from sms_transfer.routing import Recorded
from sms_transfer.testing._centre import ExploredFlow
from sms_transfer.testing.explore import QUEUE, WORLDS, World, explore

Break = Callable[[Interaction | None, InteractionCommand, Context], Decision]

ONE_MEMBER = World(owners=(0,), capacities=(2, 1), members=(1,), asking=(), requests=1, leaving=(1,), lags=False)


def test_d7_what_waits_is_shown_like_the_rest() -> None:
    """D7: desktops that lag show in the end what waits for an agent, and what a queue owns."""
    for handover in Handover:
        report = explore(attrs.evolve(ONE_MEMBER, handover=handover, lags=True), limit=300)
        assert report.violation is None
        assert report.states >= 300


def test_q2_time_stands_still_after_the_last_round() -> None:
    """Q2: a queue begins anew for ever, and an exploration of it ends all the same."""
    report = explore(attrs.evolve(ONE_MEMBER, handover=Handover.ON_PLACEMENT), limit=50_000)
    assert report.violation is None
    assert report.complete


# Each of these breaks the core in one place.


def the_move_skips_an_epoch(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if not isinstance(command, Accept):
        return decision
    events = tuple(
        attrs.evolve(event, epoch=event.epoch + 1) if isinstance(event, OwnershipMoved) else event
        for event in decision.events
    )
    return attrs.evolve(decision, events=events)


def a_decline_counts_twice(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if not isinstance(command, Reject) or live is None:
        return decision
    return with_live(decision, attrs.evolve(live, past_invitations=live.past_invitations * 2))


def the_sender_is_invited(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if not isinstance(command, Invite) or live is None or live.invitation is None:
        return decision
    return with_live(decision, attrs.evolve(live, invitation=attrs.evolve(live.invitation, invitee=live.sender)))


def want_of_agents_withdraws_an_invitation(
    interaction: Interaction | None, command: InteractionCommand, context: Context
) -> Decision:
    if isinstance(command, FailRouting) and interaction is not None and interaction.live_invitation is not None:
        deadline = interaction.live_invitation.deadline
        return core.decide(interaction, Expire(command.transfer_id), attrs.evolve(context, now=deadline))
    return core.decide(interaction, command, context)


def time_lets_it_fail(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if not isinstance(command, Expire):
        return decision
    return attrs.evolve(decision, requests=tuple(failed(request) for request in decision.requests))


def failed(request: TransferRequest) -> TransferRequest:
    if request.outcome is None:
        return request
    state = TransferState.FAILED
    return attrs.evolve(request, state=state, outcome=attrs.evolve(request.outcome, state=state))


def the_next_round_is_over_at_once(
    interaction: Interaction | None, command: InteractionCommand, context: Context
) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if not isinstance(command, Expire) or live is None or "+" not in live.id:
        return decision
    return with_live(decision, attrs.evolve(live, deadline=context.now))


def what_should_come_back_waits_on(
    interaction: Interaction | None, command: InteractionCommand, context: Context
) -> Decision:
    return core.decide(told_to_return(interaction, command, to_sender=False), command, context)


def what_was_given_away_comes_back(
    interaction: Interaction | None, command: InteractionCommand, context: Context
) -> Decision:
    return core.decide(told_to_return(interaction, command, to_sender=True), command, context)


def told_to_return(
    interaction: Interaction | None, command: InteractionCommand, *, to_sender: bool
) -> Interaction | None:
    """The interaction as the core is to see it when time is over for what a queue owns."""
    if interaction is None or interaction.transfer is None or not isinstance(command, Expire):
        return interaction
    if interaction.state is not InteractionState.QUEUED or interaction.transfer.state is not TransferState.ROUTING:
        return interaction
    return attrs.evolve(interaction, transfer=attrs.evolve(interaction.transfer, return_to_sender=to_sender))


def crashes_on_invite(interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Invite):
        raise KeyError(command.agent_id)
    return core.decide(interaction, command, context)


def with_live(decision: Decision, live: TransferRequest) -> Decision:
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, transfer=live))


@pytest.mark.parametrize(
    ("broken", "world", "what"),
    [
        (the_move_skips_an_epoch, "agents", "F1: owner a, epoch 0, and then"),
        (a_decline_counts_twice, "queue", "Q1: i1-1 asked ['b', 'b'"),
        (the_sender_is_invited, "queue", "Q1: i1-1 asked its own sender"),
        (want_of_agents_withdraws_an_invitation, "queue", "Q1: FailRouting had an effect"),
        (time_lets_it_fail, "agents", "F4: time alone ends i1-1 as failed"),
        (the_next_round_is_over_at_once, "placement", "Q2: i1-1 does not wait on in its queue"),
        (what_should_come_back_waits_on, "return", f"Q2: {QUEUE} owns it after i1-1, and a should"),
        (what_was_given_away_comes_back, "placement", "Q2: a is given back what was handed over for good"),
        (crashes_on_invite, "queue", "A8: Invite was not refused, it failed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_core_breaks_is_found_by_name(broken: Break, world: str, what: str) -> None:
    """Each break is found, as exactly the promise that it breaks."""
    violation = explore(attrs.evolve(WORLDS[world], lags=False), limit=5_000, decide=broken).violation
    assert violation is not None
    assert violation.what.startswith(what)


# Each of these breaks the flow in one place.


class AsksOfNothing(ExploredFlow):
    """Carries out a command on what there never was."""

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        await self._perform(Expire("nothing"))
        return await super()._serve(recorded, targets)


class OpensAgain(ExploredFlow):
    """Opens a conversation that there is already."""

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        await self._perform(OpenInteraction(self.records.situation.cases[0].interaction))
        return await super()._serve(recorded, targets)


class RecordsSomethingElse(ExploredFlow):
    """Records what the core has not decided."""

    def _decide(self, interaction: Interaction | None, command: InteractionCommand, context: Context) -> Decision:
        later = attrs.evolve(context, now=context.now + timedelta(seconds=1))
        super()._decide(interaction, command, context)
        return core.decide(interaction, command, later)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (AsksOfNothing, "F3: nobody knows what"),
        (OpensAgain, "F3: every conversation was opened at the beginning"),
        (RecordsSomethingElse, "F7: what is recorded of i1 was not decided"),
    ],
)
def test_what_the_flow_breaks_is_found_by_name(broken: type[ExploredFlow], what: str) -> None:
    """Each break is found, as exactly the promise that it breaks."""
    violation = explore(ONE_MEMBER, limit=3_000, flow=broken).violation
    assert violation is not None
    assert violation.what.startswith(what)
