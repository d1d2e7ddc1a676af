"""The models by themselves: what each hides, derives and refuses to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from sms_transfer import (
    Agent,
    Attachment,
    ChannelStatus,
    Contact,
    Direction,
    Interaction,
    InteractionState,
    InvalidValue,
    Invitation,
    Media,
    Message,
    Notice,
    Outcome,
    Privilege,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
    TransferState,
)

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOON: Final = NOON + timedelta(seconds=30)
LATE: Final = NOON + timedelta(minutes=5)
INVITATION: Final = Invitation("v", invitee="bob", offered_at=NOON, deadline=SOON)
INVITED: Final = TransferRequest(
    "t",
    interaction_id="i",
    sender="alice",
    target=Target.agent("bob"),
    target_name="Bob",
    state=TransferState.INVITED,
    requested_at=NOON,
    deadline=LATE,
    invitation=INVITATION,
)
ROUTING: Final = attrs.evolve(INVITED, state=TransferState.ROUTING, invitation=None)
EXPIRED: Final = attrs.evolve(
    INVITED, state=TransferState.EXPIRED, outcome=Outcome(TransferState.EXPIRED, by=None, at=SOON, owner="alice")
)
TRANSFERRING: Final = Interaction(
    "i",
    media=Media.SMS,
    contact=Contact("12345"),
    owner="alice",
    state=InteractionState.TRANSFERRING,
    transfer=INVITED,
)


MESSAGE: Final = Message("m", interaction_id="i", direction=Direction.INBOUND, text="Hello", at=NOON)
BARE: Final[tuple[tuple[object, dict[str, object]], ...]] = (
    (Attachment("a", content_type="image/png"), {"url": "", "name": "", "size": 0}),
    (Contact("12345"), {"name": ""}),
    (MESSAGE, {"attachments": (), "sender": "", "epoch": 0}),
    (
        Agent("a", "Ann"),
        {
            "status": ChannelStatus.LOGGED_OUT,
            "reason": "",
            "do_not_disturb": False,
            "media": frozenset(Media),
            "privileges": frozenset(Privilege),
            "capacity": 5,
            "groups": frozenset(),
            "skills": frozenset(),
        },
    ),
    (Queue(Target.queue("q")), {"members": frozenset(), "name": ""}),
    (INVITED, {"note": "", "sender_name": "", "outcome": None, "past_invitations": (), "fallback": None}),
    (TRANSFERRING, {"epoch": 0, "version": 0, "case_data": {}, "note": "", "hops": 0, "error": None}),
)
"""Values of which as little is said as can be, and what is taken for granted then."""


@pytest.mark.parametrize(("value", "defaults"), BARE, ids=lambda value: type(value).__name__)
def test_a8_what_is_left_out_of_a_model(value: object, defaults: dict[str, object]) -> None:
    """A8: what is taken for granted then is part of what is promised."""
    assert defaults == {name: getattr(value, name) for name in defaults}


def test_a8_what_is_given_as_another_collection_is_brought_to_ours() -> None:
    """A8: so that it cannot change any more."""
    picture = Attachment("a", content_type="image/png")
    given: Any = {"attachments": [picture]}
    agent = Agent("a", "Ann", media={Media.SMS}, privileges=[], groups=["g"], skills=("s",))

    assert (picture,) == attrs.evolve(MESSAGE, **given).attachments
    expected = (frozenset({Media.SMS}), frozenset[Privilege](), frozenset({"g"}), frozenset({"s"}))
    assert expected == (agent.media, agent.privileges, agent.groups, agent.skills)


def test_a6_an_attachment_hides_where_it_is_and_what_it_is_called() -> None:
    """A6: neither is in its repr."""
    hidden = Attachment("a", content_type="image/png", url="https://host/secret", name="secret.png")

    assert "secret" not in repr(hidden)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (Target.agent("x"), TargetKind.AGENT),
        (Target.queue("x"), TargetKind.QUEUE),
        (Target.routing_point("x"), TargetKind.ROUTING_POINT),
        (Target.agent_group("x"), TargetKind.AGENT_GROUP),
        (Target.skill("x"), TargetKind.SKILL),
    ],
)
def test_t2_a_target_is_made_by_its_kind(target: Target, kind: TargetKind) -> None:
    """T2: each has its own way to be made."""
    assert (kind, "x") == (target.kind, target.id)


@pytest.mark.parametrize(
    ("whole", "parts", "field"),
    [
        (Queue(Target.queue("q")), {"target": Target.agent("bob")}, "target"),
        (Queue(Target.queue("q")), {"target": "q"}, "target"),
        (EXPIRED, {"outcome": None}, "outcome"),
        (EXPIRED, {"state": TransferState.FAILED}, "outcome"),
        (INVITED, {"outcome": EXPIRED.outcome}, "outcome"),
        (INVITED, {"invitation": None}, "invitation"),
        (ROUTING, {"invitation": INVITATION}, "invitation"),
        (ROUTING, {"on_fallback": True}, "fallback"),
        (TRANSFERRING, {"transfer": None}, "transfer"),
        (TRANSFERRING, {"state": InteractionState.ACTIVE}, "transfer"),
        (TRANSFERRING, {"transfer": EXPIRED}, "transfer"),
        (TRANSFERRING, {"transfer": attrs.evolve(INVITED, interaction_id="j")}, "transfer"),
        (TRANSFERRING, {"owner": Target.queue("q")}, "owner"),
        (TRANSFERRING, {"state": InteractionState.QUEUED}, "owner"),
    ],
)
def test_a8_what_does_not_agree_with_itself_cannot_be(whole: Any, parts: dict[str, Any], field: str) -> None:
    """A8: whatever is there can be relied on."""
    with pytest.raises(InvalidValue) as caught:
        attrs.evolve(whole, **parts)
    assert field == caught.value.field


@pytest.mark.parametrize("code", [[], 5, None, "transfer.nonsense"])
def test_a8_a_notice_has_a_code_that_is_known(code: Any) -> None:
    """A8: whatever it is that is given."""
    with pytest.raises(InvalidValue) as caught:
        Notice(code)
    assert "code" == caught.value.field


def test_what_an_agent_reads_of_a_target() -> None:
    """Its name, that of the fallback when it is its turn, and the id where there is none."""
    named = attrs.evolve(INVITED, fallback=Target.queue("night"), fallback_name="Night shift")
    there = attrs.evolve(named, on_fallback=True)

    assert ("Bob", Target.agent("bob")) == (named.present_name, named.present_target)
    assert ("Night shift", Target.queue("night")) == (there.present_name, there.present_target)
    assert "night" == attrs.evolve(there, fallback_name="").present_name
    assert "bob" == attrs.evolve(INVITED, target_name="").present_name
    assert ("Sales", "q") == (Queue(Target.queue("q"), name="Sales").label, Queue(Target.queue("q")).label)


def test_f4_what_time_changes_next() -> None:
    """F4: the invitation's deadline while it can be answered, where it is the earlier one; else the request's own."""
    assert [SOON, LATE, LATE] == [INVITED.due_at, ROUTING.due_at, EXPIRED.due_at]
    assert SOON == attrs.evolve(INVITED, deadline=SOON, invitation=attrs.evolve(INVITATION, deadline=LATE)).due_at


def test_t4_the_live_invitation_is_the_one_that_can_be_answered() -> None:
    """T4, Q1: while it is INVITED."""
    assert INVITATION == TRANSFERRING.live_invitation
    assert attrs.evolve(TRANSFERRING, transfer=ROUTING).live_invitation is None
    assert attrs.evolve(TRANSFERRING, transfer=None, state=InteractionState.ACTIVE).live_invitation is None
