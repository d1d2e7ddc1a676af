"""Bad input, A8: a clear error of the library's own, and nothing lost or half done."""

from __future__ import annotations

import copy
import math
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    AlreadyExists,
    AsyncTransferService,
    Attachment,
    CaseData,
    ChannelStatus,
    Conflict,
    Contact,
    CorruptRecord,
    Denial,
    Direction,
    FrozenDict,
    IllegalTransition,
    Interaction,
    InteractionState,
    InvalidValue,
    Invitation,
    InvitationClosed,
    Media,
    Message,
    NotFound,
    Notice,
    NotPermitted,
    Outcome,
    PastInvitation,
    Priority,
    Queue,
    Reason,
    Refused,
    SmsTransferError,
    StaleEpoch,
    StoreError,
    StoreUnavailable,
    SystemMessage,
    Target,
    TargetKind,
    TargetNotEligible,
    Tick,
    TransferPending,
    TransferPolicy,
    TransferRequest,
    TransferService,
    TransferState,
    UnusableStore,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer import errors as errors_module
from sms_transfer.adapters.blocking import AwaitableStore
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.testing import RecordingUI
from support import ALICE, BOB, CONTACT, Centre

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SURROGATE = "\ud800"

# what is no …
TYPES: tuple[object, ...] = (5, b"bytes", ["list"], object(), 1.5, {"a": "dict"})
NO_ID = (None, *TYPES, "", "x" * 129, SURROGATE)
NO_OPTIONAL_ID = (*TYPES, "", "x" * 129, SURROGATE)
NO_COUNT = (None, -1, True, 1.5, "1", b"1", [1], object())
NO_OPTIONAL_COUNT = NO_COUNT[1:]
NO_BOOL: tuple[object, ...] = (None, 0, 1, "yes", b"", [], object())
NO_MEMBER = (None, *TYPES, "nonsense")
NO_OBJECT = (None, *TYPES, "nonsense")
NO_OPTIONAL_OBJECT = NO_OBJECT[1:]
NO_INSTANT = (None, *TYPES, "2026-01-01", date(2026, 1, 1), NOW.replace(tzinfo=None))
NO_SPAN = (None, *TYPES, timedelta(0), timedelta(seconds=-1))
NO_OPTIONAL_IDS: tuple[object, ...] = (5, b"x", object(), "abc", [""], ["x" * 129], [5], [[]], [SURROGATE], {"a": 1})
NO_IDS = (None, *NO_OPTIONAL_IDS)
NO_QUEUE = (BOB, Target.agent_group("g"), Target.skill("s"))
NO_MEMBERS: tuple[object, ...] = (None, 5, "abc", object(), [""], ["x" * 129], [5], [[]], [SURROGATE], [None])
NO_ATTACHMENTS = (None, 5, b"bytes", object(), "abc", [None], ["a"], (5,))
NO_LIMIT = (None, 0, -1, True, 1.5, "1", object())
NO_CASE_DATA = (
    None,
    5,
    b"bytes",
    "text",
    ["list"],
    object(),
    {"k": {"nested": 1}},
    {"k": [1]},
    {"k": object()},
    {"k": math.nan},
    {"k": math.inf},
    {"k": SURROGATE},
    {"": 1},
    {5: 1},
    {None: 1},
    {"x" * 129: 1},
    {SURROGATE: 1},
)
NO_CASE_DATA_VALUE = ({"k": None}, *NO_CASE_DATA)


def no_text(limit: int) -> tuple[object, ...]:
    """What is no text of at most this many characters."""
    return (None, *TYPES, "x" * (limit + 1), SURROGATE)


NO_NAME, NO_TEXT = no_text(256), no_text(65_536)

INVITATION = Invitation("v", invitee="bob", offered_at=NOW, deadline=NOW)
EXPIRED = Outcome(TransferState.EXPIRED, by=None, at=NOW, owner="alice")
NOTICE = Notice("transfer.expired", FrozenDict({"target": "Bob"}))
AN_AGENT = Agent("dave", "Dave")
AN_INTERACTION = Interaction("j", media=Media.SMS, contact=CONTACT, owner="alice")

# every model: how it is made, and what its attributes are not

Bad = dict[str, tuple[object, ...]]

MODELS: list[tuple[type[Any], dict[str, object], Bad]] = [
    (
        Contact,
        {"address": "+14155550123"},
        {"address": (None, *TYPES, "", "+", "+0123", "12", "123456789", "+1 415", "abc", "+1\n"), "name": NO_NAME},
    ),
    (
        Attachment,
        {"id": "a", "content_type": "image/png"},
        {"id": NO_ID, "content_type": NO_ID, "url": NO_TEXT, "name": NO_NAME, "size": NO_COUNT},
    ),
    (
        Message,
        {"id": "m", "interaction_id": "i", "direction": Direction.INBOUND, "text": "hello", "at": NOW},
        {
            "id": NO_ID,
            "interaction_id": NO_ID,
            "direction": NO_MEMBER,
            "text": NO_TEXT,
            "at": NO_INSTANT,
            "attachments": NO_ATTACHMENTS,
            "sender": no_text(128),
            "epoch": NO_COUNT,
        },
    ),
    (
        Agent,
        {"id": "a", "name": "A"},
        {
            "id": NO_ID,
            "name": NO_NAME,
            "status": (*NO_MEMBER, "ready"),
            "reason": NO_NAME,
            "do_not_disturb": NO_BOOL,
            "media": (None, 5, "sms", ["sms"], [None], [[]], object()),
            "privileges": (None, 5, "transfer", ["transfer"], [None], [[]], object()),
            "capacity": NO_COUNT,
            "groups": NO_IDS,
            "skills": NO_IDS,
        },
    ),
    (Target, {"kind": TargetKind.AGENT, "id": "a"}, {"kind": (*NO_MEMBER, "agent"), "id": NO_ID}),
    (
        Outcome,
        {"state": TransferState.ACCEPTED, "by": "bob", "at": NOW, "owner": "bob"},
        {
            "state": (*NO_MEMBER, TransferState.INVITED, TransferState.ROUTING),
            "by": NO_OPTIONAL_ID,
            "at": NO_INSTANT,
            "reason": NO_TEXT,
            "owner": NO_ID,
        },
    ),
    (
        Invitation,
        {"id": "v", "invitee": "bob", "offered_at": NOW, "deadline": NOW},
        {"id": NO_ID, "invitee": NO_ID, "offered_at": NO_INSTANT, "deadline": NO_INSTANT},
    ),
    (
        PastInvitation,
        {"id": "v", "invitee": "bob", "outcome": EXPIRED},
        {"id": NO_ID, "invitee": NO_ID, "outcome": NO_OBJECT},
    ),
    (
        Queue,
        {"target": Target.queue("q"), "members": ["bob"]},
        {
            "target": (*NO_OBJECT, *NO_QUEUE),
            "members": NO_IDS,
            "name": NO_NAME,
        },
    ),
    (
        TransferRequest,
        {
            "id": "t",
            "interaction_id": "i",
            "sender": "alice",
            "target": BOB,
            "state": TransferState.INVITED,
            "requested_at": NOW,
            "deadline": NOW,
            "invitation": INVITATION,
        },
        {
            "id": NO_ID,
            "interaction_id": NO_ID,
            "sender": NO_ID,
            "target": NO_OBJECT,
            "state": NO_MEMBER,
            "requested_at": NO_INSTANT,
            "deadline": NO_INSTANT,
            "note": NO_TEXT,
            "invitation": (None, *NO_OPTIONAL_OBJECT),
            "outcome": (*NO_OPTIONAL_OBJECT, EXPIRED),
            "sender_name": NO_NAME,
            "target_name": NO_NAME,
            "priority": NO_COUNT,
            "past_invitations": (None, 5, b"bytes", object(), "abc", [None], ["v"], (INVITATION,)),
            "fallback": NO_OPTIONAL_OBJECT,
            "fallback_name": NO_NAME,
            "on_fallback": (*NO_BOOL, True),
            "no_answer": (*NO_MEMBER, "log_out"),
            "return_to_sender": NO_BOOL,
        },
    ),
    (
        Interaction,
        {"id": "i", "media": Media.SMS, "contact": CONTACT, "owner": "alice"},
        {
            "id": NO_ID,
            "media": (*NO_MEMBER, "sms"),
            "contact": NO_OBJECT,
            "owner": (*NO_ID, Target.queue("q"), BOB),
            "state": NO_MEMBER,
            "epoch": NO_COUNT,
            "version": NO_COUNT,
            "case_data": NO_CASE_DATA_VALUE,
            "note": NO_TEXT,
            "hops": NO_COUNT,
            "transfer": NO_OPTIONAL_OBJECT,
            "error": NO_OPTIONAL_OBJECT,
        },
    ),
    (
        Notice,
        {"code": "transfer.expired", "params": {"target": "Bob"}},
        {
            "code": (None, *TYPES, "", "nonsense"),
            "params": (None, 5, "text", ["list"], object(), {"target": 5}, {5: "x", "target": "x"}, {}),
        },
    ),
    (
        SystemMessage,
        {"id": "m", "agent_id": "alice", "notice": NOTICE, "at": NOW, "interaction_id": "i"},
        {
            "id": NO_ID,
            "agent_id": NO_ID,
            "notice": NO_OBJECT,
            "at": NO_INSTANT,
            "interaction_id": NO_ID,
            "priority": (*NO_MEMBER, "high"),
            "read": NO_BOOL,
        },
    ),
    (
        TransferPolicy,
        {},
        {
            "invitation_timeout": NO_SPAN,
            "routing_timeout": NO_SPAN,
            "require_ready": NO_BOOL,
            "max_hops": NO_COUNT,
            "no_answer": (*NO_MEMBER, "log_out"),
            "handover": (*NO_MEMBER, "on_accept"),
            "return_to_sender": NO_BOOL,
            "fallback": NO_OPTIONAL_OBJECT,
            "kinds": (None, 5, "agent", ["agent"], [None], [[]], object()),
            "max_note": NO_COUNT,
            "max_case_data": NO_COUNT,
        },
    ),
    (
        WorkspaceSettings,
        {},
        {
            "preview_takes_focus": NO_BOOL,
            "answering": (*NO_MEMBER, "manual"),
            "preview_case_data": NO_OPTIONAL_IDS,
        },
    ),
]


AGREEING = {"state": {"transfer", "outcome"}, "on_fallback": {"fallback"}}


def ways_to_go_wrong() -> Iterator[Any]:
    """Each model with each bad value of each attribute."""
    for model, good, bad in MODELS:
        for name, values in bad.items():
            for at, value in enumerate(values):
                yield pytest.param(model, good, name, value, id=f"{model.__name__}.{name}-{at}")


@pytest.mark.parametrize("model", [model for model, _, _ in MODELS])
def test_a8_every_attribute_of_every_model_is_tried(model: type[Any]) -> None:
    """A8: so that none is forgotten when one is added."""
    (bad,) = [bad for one, _, bad in MODELS if one is model]

    assert {field.name for field in attrs.fields(model)} == set(bad)


@pytest.mark.parametrize(("model", "good"), [(model, good) for model, good, _ in MODELS])
def test_a8_a_model_is_made_of_good_values(model: type[Any], good: dict[str, object]) -> None:
    """A8: so what is refused below is refused for the one value that is bad."""
    assert model(**good) == model(**good)


@pytest.mark.parametrize(("model", "good", "name", "value"), list(ways_to_go_wrong()))
def test_a8_a_model_refuses_a_bad_value(model: type[Any], good: dict[str, object], name: str, value: object) -> None:
    """A8: with the name of the attribute."""
    with pytest.raises(InvalidValue) as refused:
        model(**{**good, name: value})

    # `Interaction` and `TransferRequest` ask two attributes to agree: either may be named.
    assert refused.value.field in {name, "fallback" if name == "on_fallback" else name} | (
        {"transfer", "outcome"} if name == "state" else set()
    )


@pytest.mark.parametrize("value", [value for value in NO_CASE_DATA if not isinstance(value, dict)])
def test_a8_case_data_refuses_what_is_no_mapping(value: object) -> None:
    """A8: made by hand too."""
    with pytest.raises(InvalidValue):
        CaseData(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [value for value in NO_CASE_DATA if isinstance(value, dict)])
def test_a8_case_data_refuses_bad_entries(value: dict[str, Any]) -> None:
    """A8: made by hand too."""
    with pytest.raises(InvalidValue) as refused:
        CaseData(value)

    assert refused.value.field == "case_data"


def test_a8_case_data_holds_numbers_of_any_length_or_says_so() -> None:
    """A8: a number with more digits than Python writes out is refused by the library, if it is."""
    try:
        CaseData({"k": 10**5_000})
    except InvalidValue as refused:
        assert refused.field == "case_data"  # noqa: PT017


def test_a8_an_instant_that_utc_cannot_express_is_refused() -> None:
    """A8: the end of time, west of Greenwich."""
    with pytest.raises(InvalidValue) as refused:
        Invitation(
            "v", invitee="bob", offered_at=NOW, deadline=datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
        )

    assert refused.value.field == "deadline"


def test_a8_an_instant_of_another_zone_is_brought_to_utc() -> None:
    """A8: the same instant."""
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    invitation = Invitation("v", invitee="bob", offered_at=there, deadline=NOW)

    assert (invitation.offered_at, invitation.offered_at.tzinfo) == (NOW, UTC)


def test_a8_an_instant_of_another_kind_of_datetime_is_taken() -> None:
    """A8: some applications bring their own."""

    class Instant(datetime):
        pass

    there = Instant(2026, 1, 1, tzinfo=UTC)

    assert Invitation("v", invitee="bob", offered_at=there, deadline=NOW).offered_at == NOW


def test_a8_ids_and_texts_of_any_script_are_taken() -> None:
    """A8: 128 characters of anything that UTF-8 can carry."""
    assert Agent("é" * 128, "名" * 256).id == "é" * 128


@pytest.mark.parametrize("make", [Target.agent, Target.queue, Target.routing_point, Target.agent_group, Target.skill])
def test_a8_a_target_refuses_what_is_no_id(make: Callable[[Any], Target]) -> None:
    """A8: however it is made."""
    with pytest.raises(InvalidValue):
        make("")


def test_a8_case_data_and_notices_can_be_copied_compared_and_hashed() -> None:
    """A8: values that cannot change."""
    data = CaseData({"k": 1, "s": "x"})

    assert [data] * 3 == [copy.deepcopy(data), pickle.loads(pickle.dumps(data)), CaseData(data)]  # noqa: S301
    assert hash(data) == hash(CaseData({"s": "x", "k": 1}))
    assert data == {"k": 1, "s": "x"}
    assert len(data) == 2
    assert data.size == 4
    assert "<2 entries>" == repr(data)


# every public method: good arguments, and what they are not

Arguments = dict[str, object]

METHODS: list[tuple[str, Arguments, Bad]] = [
    ("add_agent", {"agent": AN_AGENT}, {"agent": NO_OBJECT}),
    ("update_agent", {"agent": Agent("bob", "Bob")}, {"agent": NO_OBJECT}),
    (
        "add_queue",
        {"target": Target.queue("q"), "members": ["bob"], "name": ""},
        {"target": (*NO_OBJECT, *NO_QUEUE), "members": NO_MEMBERS, "name": NO_NAME},
    ),
    (
        "update_queue",
        {"target": Target.queue("q"), "members": ["bob"], "name": None},
        {"target": (*NO_OBJECT, *NO_QUEUE), "members": NO_MEMBERS, "name": NO_NAME[1:]},
    ),
    ("log_in", {"agent_id": "bob"}, {"agent_id": NO_ID}),
    ("log_out", {"agent_id": "bob", "disconnected": False}, {"agent_id": NO_ID, "disconnected": NO_BOOL}),
    ("set_ready", {"agent_id": "bob"}, {"agent_id": NO_ID}),
    ("set_not_ready", {"agent_id": "bob", "reason": ""}, {"agent_id": NO_ID, "reason": NO_NAME}),
    ("set_do_not_disturb", {"agent_id": "bob", "on": True}, {"agent_id": NO_ID, "on": NO_BOOL}),
    ("open_interaction", {"interaction": AN_INTERACTION}, {"interaction": NO_OBJECT}),
    (
        "receive_message",
        {"interaction_id": "i", "text": "hello", "attachments": (), "message_id": "m"},
        {"interaction_id": NO_ID, "text": NO_TEXT, "attachments": NO_ATTACHMENTS, "message_id": NO_OPTIONAL_ID},
    ),
    (
        "reply",
        {"interaction_id": "i", "text": "hello", "by": "alice", "epoch": None, "attachments": ()},
        {
            "interaction_id": NO_ID,
            "text": NO_TEXT,
            "by": NO_ID,
            "epoch": NO_OPTIONAL_COUNT,
            "attachments": NO_ATTACHMENTS,
        },
    ),
    (
        "update_case_data",
        {"interaction_id": "i", "changes": {"k": 1}, "by": "alice", "epoch": None},
        {"interaction_id": NO_ID, "changes": NO_CASE_DATA, "by": NO_ID, "epoch": NO_OPTIONAL_COUNT},
    ),
    (
        "set_note",
        {"interaction_id": "i", "note": "note", "by": "alice", "epoch": None},
        {"interaction_id": NO_ID, "note": (*NO_TEXT, "x" * 4_001), "by": NO_ID, "epoch": NO_OPTIONAL_COUNT},
    ),
    (
        "save_attachment",
        {"interaction_id": "i", "attachment_id": "a", "by": "alice", "epoch": None},
        {"interaction_id": NO_ID, "attachment_id": NO_ID, "by": NO_ID, "epoch": NO_OPTIONAL_COUNT},
    ),
    (
        "mark_done",
        {"interaction_id": "i", "by": "alice", "epoch": None},
        {"interaction_id": NO_ID, "by": NO_ID, "epoch": NO_OPTIONAL_COUNT},
    ),
    (
        "request_transfer",
        {
            "interaction_id": "i",
            "target": BOB,
            "by": "alice",
            "note": "",
            "epoch": None,
            "key": None,
            "priority": 0,
            "no_answer": None,
            "fallback": None,
        },
        {
            "interaction_id": NO_ID,
            "target": NO_OBJECT,
            "by": NO_ID,
            "note": (*NO_TEXT, "x" * 4_001),
            "epoch": NO_OPTIONAL_COUNT,
            "key": NO_OPTIONAL_ID,
            "priority": NO_COUNT,
            "no_answer": (*NO_MEMBER[1:], "log_out"),
            "fallback": NO_OPTIONAL_OBJECT,
        },
    ),
    (
        "transfer_many",
        {"interaction_ids": ["i"], "target": BOB, "by": "alice", "note": "", "key": None},
        {
            "interaction_ids": (None, 5, 1.5, "i", "", object()),
            "target": NO_OBJECT,
            "by": NO_ID,
            "key": NO_OPTIONAL_ID,
        },
    ),
    ("accept", {"invitation_id": "v", "by": "bob"}, {"invitation_id": NO_ID, "by": NO_ID}),
    (
        "reject",
        {"invitation_id": "v", "by": "bob", "reason": ""},
        {"invitation_id": NO_ID, "by": NO_ID, "reason": NO_TEXT},
    ),
    ("cancel", {"transfer_id": "t", "by": "alice"}, {"transfer_id": NO_ID, "by": NO_ID}),
    ("expire_due", {"limit": 1}, {"limit": NO_LIMIT}),
    ("tick", {"limit": 1}, {"limit": NO_LIMIT}),
    ("interaction", {"id": "i"}, {"id": NO_ID}),
    ("transfer", {"id": "t"}, {"id": NO_ID}),
    ("explain", {"transfer_id": "t"}, {"transfer_id": NO_ID}),
    ("agent", {"id": "bob"}, {"id": NO_ID}),
    ("transcript", {"interaction_id": "i"}, {"interaction_id": NO_ID}),
    ("history", {"interaction_id": "i"}, {"interaction_id": NO_ID}),
    ("eligibility", {"interaction_id": "i", "target": BOB}, {"interaction_id": NO_ID, "target": NO_OBJECT}),
    ("snapshot", {"agent_id": "bob"}, {"agent_id": NO_ID}),
    (
        "events",
        {"after": None, "limit": 1},
        {"after": (*TYPES, "", "x", "-1", "1.5", "٣", SURROGATE, "9" * 20), "limit": NO_LIMIT},
    ),
    ("connect", {"workspace": None, "dispatch": None}, {"workspace": NO_OBJECT, "dispatch": (5, "x", object())}),
    (
        "mark_read",
        {"agent_id": "bob", "message_id": "m", "read": True},
        {"agent_id": NO_ID, "message_id": NO_ID, "read": NO_BOOL},
    ),
    ("delete_message", {"agent_id": "bob", "message_id": "m"}, {"agent_id": NO_ID, "message_id": NO_ID}),
]


def call(centre: Centre, name: str, arguments: Arguments) -> object:
    """Call one method of the service."""
    if name == "connect" and arguments["workspace"] is None and arguments["dispatch"] is not None:
        arguments = {**arguments, "workspace": Workspace("bob", RecordingUI())}
    return getattr(centre.service, name)(**arguments)


def everything(centre: Centre) -> tuple[object, ...]:
    """All that can be read of a centre."""
    service = centre.service
    return (
        service.interaction("i"),
        service.transcript("i"),
        tuple(service.snapshot(agent_id) for agent_id in centre.desks),
        service.events(),
        tuple(tuple(desk.ui.calls) for desk in centre.desks.values()),
        tuple(centre.gateway.sent),
    )


def bad_calls() -> Iterator[Any]:
    """Each method with each bad value of each parameter."""
    for name, good, bad in METHODS:
        for parameter, values in bad.items():
            for at, value in enumerate(values):
                yield pytest.param(name, {**good, parameter: value}, id=f"{name}.{parameter}-{at}")


@pytest.fixture(scope="module")
def shared() -> Centre:
    """One centre for all calls that change nothing."""
    return Centre()


def test_a8_every_public_method_is_tried() -> None:
    """A8: so that none is forgotten when one is added."""
    public = {name for name in vars(TransferService) if not name.startswith("_")}

    assert public - {"ticking", "team_index"} == {name for name, _, _ in METHODS}


@pytest.mark.parametrize(("name", "arguments"), list(bad_calls()))
def test_a8_a_method_refuses_a_bad_value_and_changes_nothing(shared: Centre, name: str, arguments: Arguments) -> None:
    """A8, F7: as `InvalidValue`, and nothing else of anybody's."""
    before = everything(shared)

    with pytest.raises(InvalidValue) as refused:
        call(shared, name, arguments)

    assert "invalid_value" == refused.value.code
    assert before == everything(shared)


@pytest.mark.parametrize(
    ("name", "arguments", "parameter"),
    [
        pytest.param(name, {**good, parameter: values[0]}, parameter, id=f"{name}.{parameter}")
        for name, good, bad in METHODS
        for parameter, values in bad.items()
    ],
)
def test_a8_the_error_names_the_parameter(shared: Centre, name: str, arguments: Arguments, parameter: str) -> None:
    """A8: as the caller knows it."""
    with pytest.raises(InvalidValue) as refused:
        call(shared, name, arguments)

    assert parameter == refused.value.field


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=3),
    st.text(st.characters(categories=["L", "N", "Cs", "Cc"]), max_size=3),
    st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none() | st.integers(), max_size=2),
    st.builds(object),
    st.just(BOB),
    st.just(NOW),
)


@given(st.data())
def test_a8_nothing_but_the_librarys_own_errors_comes_of_junk(data: st.DataObject) -> None:
    """A8, F7: whatever the arguments are."""
    centre = Centre()
    name, good, _ = data.draw(st.sampled_from([row for row in METHODS if row[0] != "connect"]))
    arguments = {parameter: data.draw(st.just(value) | JUNK, label=parameter) for parameter, value in good.items()}
    before = everything(centre)

    try:
        call(centre, name, arguments)
    except SmsTransferError:
        assert before == everything(centre)


@pytest.mark.parametrize("interval", [*NO_SPAN, timedelta.max])
def test_a8_ticking_refuses_a_bad_interval(shared: Centre, interval: Any) -> None:
    """A8: before any thread is started; one that no clock can wait for is a bad one too."""
    with pytest.raises(InvalidValue) as refused, shared.service.ticking(interval):
        pass

    assert refused.value.field == "interval"


@pytest.mark.parametrize("name", ["tick", "expire_due", "events"])
def test_a8_a_limit_may_be_any_whole_number(shared: Centre, name: str) -> None:
    """A8: its rule says so."""
    assert getattr(shared.service, name)(limit=sys.maxsize + 1) is not None


def test_a8_a_tick_without_anything_to_do_says_so() -> None:
    """A8: within any limit."""
    assert Tick(expired=(), sent=0) == Centre().service.tick(limit=1)


@pytest.mark.parametrize("policy", [5, "policy", object()])
def test_a8_a_policy_that_is_none_is_refused(policy: Any) -> None:
    """A8: when the service is made, and not when the first command is decided."""
    with pytest.raises(InvalidValue) as refused:
        TransferService(policy=policy)

    assert refused.value.field == "policy"


@pytest.mark.parametrize("service", [TransferService, AsyncTransferService])
@pytest.mark.parametrize(
    ("field", "port"),
    [
        ("store", "TransferStore"),
        ("directory", "Directory"),
        ("messaging", "Messaging"),
        ("gateway", "ContactGateway"),
        ("router", "Router"),
        ("clock", "Clock"),
        ("ids", "IdFactory"),
    ],
)
def test_a8_what_lacks_a_method_of_its_port_is_refused_when_it_is_given(
    service: Callable[..., object], field: str, port: str
) -> None:
    """A8: a path in place of a store is told of at once, and not by the first command."""
    with pytest.raises(InvalidValue) as refused:
        service(**{field: "centre.sqlite"})

    assert field == refused.value.field
    assert re.fullmatch(f"must have the methods of (Async)?{port}, and has no [a-z_]+", refused.value.rule)


def test_a8_a_front_end_that_lacks_a_method_is_refused_when_it_is_given() -> None:
    """A8: all seven are wanted, and the first that is missing is named."""
    with pytest.raises(InvalidValue) as refused:
        Workspace("alice", object())  # type: ignore[arg-type] # what is tried

    assert ("ui", "must have the methods of UserInterface, and has no close_window") == (
        refused.value.field,
        refused.value.rule,
    )


def test_a8_a_class_in_place_of_what_it_makes_is_refused() -> None:
    """A8: it has the methods, and nobody to call them on."""
    with pytest.raises(InvalidValue, match="ui must have the methods of UserInterface, and is a class: call it"):
        Workspace("alice", RecordingUI)  # type: ignore[arg-type] # what is tried


def test_a8_a_class_whose_methods_need_no_instance_is_a_port() -> None:
    """A8: nothing is refused that can be called."""

    class Noon:
        @staticmethod
        def now() -> datetime:
            return datetime(2026, 1, 1, 12, tzinfo=UTC)

    service = TransferService(clock=Noon)
    service.add_agent(Agent("alice", "Alice"))

    assert "alice" == service.agent("alice").id


def test_a8_a_store_that_is_awaited_is_refused_where_it_is_called() -> None:
    """A8: `TransferService` awaits nothing."""
    with pytest.raises(InvalidValue, match="store must have the methods of TransferStore, none of them awaited"):
        TransferService(AwaitableStore(MemoryStore()))  # type: ignore[arg-type] # what is tried


def test_a8_a_timeout_that_ends_beyond_all_dates_is_refused() -> None:
    """A8: by the policy or by the request, and not by the calendar."""
    with pytest.raises(InvalidValue):
        Centre(policy=TransferPolicy(invitation_timeout=timedelta.max)).invite()


def live_request(**changes: Any) -> TransferRequest:
    """A live request of ``"j"``, or what these changes make of it."""
    made = TransferRequest(
        "t",
        interaction_id="j",
        sender="alice",
        target=BOB,
        state=TransferState.INVITED,
        requested_at=NOW,
        deadline=NOW,
        invitation=INVITATION,
    )
    return attrs.evolve(made, **changes)


@pytest.mark.parametrize(
    ("state", "transfer", "field"),
    [
        (InteractionState.TRANSFERRING, None, "transfer"),
        (InteractionState.QUEUED, None, "transfer"),
        (InteractionState.ACTIVE, live_request(), "transfer"),
        (InteractionState.DONE, live_request(), "transfer"),
        (InteractionState.TRANSFERRING, live_request(state=TransferState.EXPIRED, outcome=EXPIRED), "transfer"),
        (InteractionState.TRANSFERRING, live_request(interaction_id="another"), "transfer"),
        (InteractionState.QUEUED, live_request(), "owner"),
    ],
)
def test_a8_state_transfer_and_owner_agree(
    state: InteractionState, transfer: TransferRequest | None, field: str
) -> None:
    """A8, F2: an interaction that contradicts itself cannot be made."""
    with pytest.raises(InvalidValue) as refused:
        attrs.evolve(AN_INTERACTION, state=state, transfer=transfer)

    assert field == refused.value.field


# who and what is unknown

BY_OWNER: list[tuple[str, Arguments]] = [
    ("reply", {"text": "hello"}),
    ("update_case_data", {"changes": {}}),
    ("set_note", {"note": ""}),
    ("save_attachment", {"attachment_id": "a"}),
    ("mark_done", {}),
    ("request_transfer", {"target": BOB}),
]

UNKNOWN: list[tuple[str, Arguments, str, str]] = [
    ("update_agent", {"agent": AN_AGENT}, "agent", "dave"),
    ("add_queue", {"target": Target.queue("q"), "members": ["bob", "nobody"]}, "agent", "nobody"),
    ("update_queue", {"target": Target.queue("q"), "members": ["bob"]}, "queue", "q"),
    ("update_queue", {"target": Target.routing_point("r"), "members": []}, "routing_point", "r"),
    ("update_queue", {"target": Target.queue("q"), "members": ["nobody"]}, "agent", "nobody"),
    ("log_in", {"agent_id": "nobody"}, "agent", "nobody"),
    ("log_out", {"agent_id": "nobody"}, "agent", "nobody"),
    ("set_ready", {"agent_id": "nobody"}, "agent", "nobody"),
    ("set_not_ready", {"agent_id": "nobody"}, "agent", "nobody"),
    ("set_do_not_disturb", {"agent_id": "nobody", "on": True}, "agent", "nobody"),
    ("open_interaction", {"interaction": attrs.evolve(AN_INTERACTION, owner="nobody")}, "agent", "nobody"),
    ("receive_message", {"interaction_id": "x", "text": "hello"}, "interaction", "x"),
    *((name, {**arguments, "interaction_id": "x", "by": "alice"}, "interaction", "x") for name, arguments in BY_OWNER),
    *((name, {**arguments, "interaction_id": "i", "by": "nobody"}, "agent", "nobody") for name, arguments in BY_OWNER),
    ("save_attachment", {"interaction_id": "i", "attachment_id": "a", "by": "alice"}, "attachment", "a"),
    ("accept", {"invitation_id": "v", "by": "bob"}, "invitation", "v"),
    ("reject", {"invitation_id": "v", "by": "bob"}, "invitation", "v"),
    ("cancel", {"transfer_id": "t", "by": "alice"}, "transfer", "t"),
    ("interaction", {"id": "x"}, "interaction", "x"),
    ("transfer", {"id": "t"}, "transfer", "t"),
    ("agent", {"id": "nobody"}, "agent", "nobody"),
    ("transcript", {"interaction_id": "x"}, "interaction", "x"),
    ("history", {"interaction_id": "x"}, "interaction", "x"),
    ("eligibility", {"interaction_id": "x", "target": BOB}, "interaction", "x"),
    ("snapshot", {"agent_id": "nobody"}, "agent", "nobody"),
    ("connect", {"workspace": Workspace("nobody", RecordingUI())}, "agent", "nobody"),
    ("mark_read", {"agent_id": "bob", "message_id": "m"}, "message", "m"),
    ("mark_read", {"agent_id": "nobody", "message_id": "m"}, "message", "m"),
    ("delete_message", {"agent_id": "bob", "message_id": "m"}, "message", "m"),
]


@pytest.mark.parametrize(("name", "arguments", "kind", "id_"), UNKNOWN)
def test_a8_what_is_unknown_is_not_found(shared: Centre, name: str, arguments: Arguments, kind: str, id_: str) -> None:
    """A8: the error says what, and nothing changes."""
    before = everything(shared)

    with pytest.raises(NotFound) as refused:
        getattr(shared.service, name)(**arguments)

    assert {"kind": kind, "id": id_} == refused.value.fields
    assert before == everything(shared)


@pytest.mark.parametrize("name", ["accept", "reject"])
@pytest.mark.parametrize(("by", "expected"), [("alice", NotPermitted), ("carol", NotPermitted), ("nobody", NotFound)])
def test_a8_a_ticket_is_its_invitees_only(name: str, by: str, expected: type[SmsTransferError]) -> None:
    """A8: another's is refused, and stays good."""
    centre = Centre()
    request = centre.invite()

    with pytest.raises(expected) as refused:
        getattr(centre.service, name)(centre.ticket(request), by=by)

    assert by in refused.value.fields.values()
    assert request == centre.service.transfer(request.id)


def test_a8_a_foreign_ticket_is_refused_as_such() -> None:
    """A8: with the reason."""
    centre = Centre()
    ticket = centre.ticket(centre.invite())

    with pytest.raises(NotPermitted) as refused:
        centre.service.accept(ticket, by="carol")

    assert refused.value.fields == {"agent_id": "carol", "reason": Denial.NOT_INVITEE, "owner": None}


@pytest.mark.parametrize("by", ["bob", "carol"])
def test_a8_only_the_sender_cancels(by: str) -> None:
    """A8: with the reason; the transfer stays live."""
    centre = Centre()
    request = centre.invite()

    with pytest.raises(NotPermitted) as refused:
        centre.service.cancel(request.id, by=by)

    assert Denial.NOT_SENDER is refused.value.reason
    assert request == centre.service.transfer(request.id)


@pytest.mark.parametrize(
    "target", [Target.queue("bob"), Target.routing_point("bob"), Target.agent_group("bob"), Target.skill("bob")]
)
def test_a8_an_unknown_target_that_is_no_agent_is_refused(shared: Centre, target: Target) -> None:
    """A8, E1: nobody knows it, even where an agent has that id."""
    before = everything(shared)

    with pytest.raises(TargetNotEligible) as refused:
        shared.service.request_transfer("i", target, by="alice")

    assert {Reason.UNKNOWN} == refused.value.reasons
    assert before == everything(shared)


def test_a8_an_agent_is_added_once() -> None:
    """A8: the one that is there stays as it is."""
    centre = Centre()
    before = centre.service.agent("bob")

    with pytest.raises(AlreadyExists) as refused:
        centre.service.add_agent(Agent("bob", "Another"))

    assert refused.value.fields == {"kind": "agent", "id": "bob"}
    assert before == centre.service.agent("bob")


@pytest.mark.parametrize("state", [InteractionState.TRANSFERRING, InteractionState.DONE])
def test_a8_an_interaction_is_opened_active(state: InteractionState) -> None:
    """A8: what is under way or over elsewhere is not begun here."""
    centre = Centre()
    live = attrs.evolve(REQUEST, interaction_id="j") if state is InteractionState.TRANSFERRING else None
    interaction = attrs.evolve(AN_INTERACTION, state=state, transfer=live)

    with pytest.raises(InvalidValue) as refused:
        centre.service.open_interaction(interaction)

    assert refused.value.field == "state"


# the tree of errors

OUTCOME = Outcome(TransferState.ACCEPTED, by="bob", at=NOW, owner="bob")
BY_TIME = Outcome(TransferState.EXPIRED, by=None, at=NOW, owner="alice")
REQUEST = TransferRequest(
    "t",
    interaction_id="i",
    sender="alice",
    target=BOB,
    state=TransferState.INVITED,
    requested_at=NOW,
    deadline=NOW,
    invitation=INVITATION,
)

ERRORS: list[tuple[SmsTransferError, str]] = [
    (SmsTransferError(), "sms_transfer_error"),
    (InvalidValue(field="f", rule="must be so"), "f must be so"),
    (NotFound(kind="agent", id="a"), "there is no agent 'a'"),
    (AlreadyExists(kind="agent", id="a"), "there is already another agent 'a'"),
    (Refused(), "refused"),
    (
        IllegalTransition(machine="m", state="s", trigger="t", allowed=["b", "a"]),
        "m in state s does not allow t; it allows a, b",
    ),
    (
        IllegalTransition(machine="m", state="s", trigger="t", allowed=()),
        "m in state s does not allow t; it allows nothing: it is final",
    ),
    (NotPermitted(agent_id="a", reason=Denial.LOGGED_OUT), "agent 'a' may not: logged_out"),
    (
        NotPermitted(agent_id="a", reason=Denial.NOT_OWNER, owner="b"),
        "agent 'a' may not: not_owner; the owner is 'b'",
    ),
    (
        StaleEpoch(given=1, current=2, owner=Target.queue("q")),
        "the command was made in epoch 1; it is epoch 2 and the owner is queue 'q'",
    ),
    (TransferPending(transfer=REQUEST), "transfer 't' is still live"),
    (
        TargetNotEligible(reasons=[Reason.UNKNOWN, Reason.AT_CAPACITY]),
        "the target cannot receive: at_capacity, unknown",
    ),
    (InvitationClosed(outcome=OUTCOME), "the invitation is closed: accepted by 'bob'; the owner is 'bob'"),
    (InvitationClosed(outcome=BY_TIME), "the invitation is closed: expired; the owner is 'alice'"),
    (StoreError(), "store_error"),
    (Conflict(kind="agent", id="a"), "agent 'a' was changed by somebody else"),
    (StoreUnavailable(detail="no disk"), "the store cannot be reached: no disk"),
    (CorruptRecord(kind="agent", id="a"), "the record of agent 'a' cannot be read"),
    (UnusableStore(detail="no such file"), "the store cannot be used: no such file"),
]
EACH_ERROR = [pytest.param(error, words, id=f"{error.code}-{at}") for at, (error, words) in enumerate(ERRORS)]


def tree(root: type[SmsTransferError] = SmsTransferError) -> list[type[SmsTransferError]]:
    """The error classes of the library."""
    found = [root]
    for kind in root.__subclasses__():
        found.extend(tree(kind))
    return [kind for kind in found if kind.__module__ == errors_module.__name__]


def test_a8_the_tree_of_errors_is_closed() -> None:
    """A8: every class of it is known here."""
    assert {type(error) for error, _ in ERRORS} == set(tree())


def test_a8_every_error_has_a_code_of_its_own() -> None:
    """A8: stable slugs for programs."""
    codes = [kind.code for kind in tree()]

    assert len(codes) == len(set(codes))
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


@pytest.mark.parametrize(("error", "words"), EACH_ERROR)
def test_a8_the_message_of_an_error_is_made_from_its_fields(error: SmsTransferError, words: str) -> None:
    """A8: one sentence for developers."""
    assert words == str(error)


@pytest.mark.parametrize(("error", "_"), EACH_ERROR)
def test_a8_the_fields_of_an_error_are_its_attributes(error: SmsTransferError, _: str) -> None:
    """A8: by keyword and by name alike."""
    assert {name: getattr(error, name) for name in error.fields} == error.fields


@pytest.mark.parametrize(("error", "words"), EACH_ERROR)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_a8_an_error_can_be_copied_and_pickled(
    error: SmsTransferError, words: str, again: Callable[[SmsTransferError], SmsTransferError]
) -> None:
    """A8: errors travel between processes."""
    made = again(error)

    assert (type(error), error.fields, words) == (type(made), made.fields, str(made))


def test_a8_the_fields_of_an_error_cannot_be_changed_through_what_it_hands_out() -> None:
    """A8: they are a copy."""
    error = NotFound(kind="agent", id="a")
    fields = error.fields
    assert isinstance(fields, dict)
    fields["kind"] = "changed"

    assert error.fields == {"kind": "agent", "id": "a"}


@pytest.mark.parametrize(
    ("kind", "builtin"), [(InvalidValue, ValueError), (NotFound, LookupError)], ids=["InvalidValue", "NotFound"]
)
def test_a8_an_error_is_the_builtin_it_is_like(kind: type[Exception], builtin: type[Exception]) -> None:
    """A8: whoever knows Python only catches it too."""
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [(StoreError, False), (Conflict, True), (StoreUnavailable, True), (UnusableStore, False), (CorruptRecord, False)],
)
def test_a8_a_store_error_says_whether_to_try_again(*, kind: type[StoreError], retryable: bool) -> None:
    """A8: the same command may go through later, or not."""
    assert retryable is kind.retryable


def test_a8_everything_refused_is_caught_at_once() -> None:
    """A8, F7: refusals are of one kind."""
    refusals = {IllegalTransition, NotPermitted, StaleEpoch, TransferPending, TargetNotEligible, InvitationClosed}

    assert refusals == set(Refused.__subclasses__())


def test_a8_priorities_and_statuses_are_words() -> None:
    """A8: enums write themselves as what is stored and sent."""
    assert [f"{Priority.HIGH}", f"{ChannelStatus.LOGGED_OUT}"] == ["high", "logged_out"]


def test_a8_who_is_alice() -> None:
    """A8: targets are compared by kind and id."""
    assert Target.agent("alice") == ALICE != Target.queue("alice")
