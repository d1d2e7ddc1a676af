"""The recipe for Django: what a view does in its own transaction, and what an agent elsewhere sees of it."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from servers import Server
from sms_transfer import (
    Interaction,
    InteractionState,
    Media,
    SmsTransferError,
    Target,
    TransferPending,
    TransferService,
    TransferState,
    Workspace,
)
from sms_transfer.adapters.postgres import PostgresStore, PostgresTransaction
from sms_transfer.errors import Conflict, StoreUnavailable, UnusableStore
from sms_transfer.testing import RecordingUI
from support import CONTACT

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.desktop

RECIPE: Final = Path(__file__).parent.parent / "examples" / "recipes" / "django_view.py"
PATIENCE: Final = 30.0
"""Seconds that a test waits for another thread or process before it fails."""
ALICE, ANN, BOB = "user-1", "user-2", "user-3"

ClientOf = Callable[..., "Client"]


@pytest.fixture(scope="module")
def recipe(postgres: Server) -> Generator[ModuleType]:
    """The recipe on a database of its own; its settings stay this process's, so it is imported once."""
    name = f"recipe_{uuid4().hex}"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", make_conninfo(postgres.conninfo, dbname=name))
        module = importlib.import_module("recipes.django_view")
    from django.core.management import call_command  # noqa: PLC0415 - as in every test: not everybody has Django
    from django.db import connections  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    module.demo()
    yield module
    connections.close_all()
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def store(recipe: ModuleType) -> Generator[PostgresStore]:
    with PostgresStore(recipe.CONNINFO) as opened:
        yield opened


@pytest.fixture
def service(store: PostgresStore) -> TransferService:
    """Another node of the centre."""
    return TransferService(store)


@pytest.fixture
def order(recipe: ModuleType, service: TransferService) -> Generator[str]:
    """A conversation of Alice's."""
    id_ = f"order-{uuid4().hex}"
    service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner=ALICE))
    yield id_
    owner = service.interaction(id_).owner
    assert isinstance(owner, str)
    service.mark_done(id_, by=owner)
    recipe.Escalation.objects.all().delete()


@pytest.fixture
def screen(service: TransferService) -> Generator[RecordingUI]:
    """What Bob sees, at a desktop that is connected to the other node."""
    ui = RecordingUI()
    connection = service.connect(Workspace(BOB, ui))
    yield ui
    connection.close()


@pytest.fixture
def browser(recipe: ModuleType) -> ClientOf:
    """A browser in which somebody is logged in."""
    from django.test import Client  # noqa: PLC0415

    def opened(name: str = "alice", *, csrf: bool = False) -> Client:
        client = Client(enforce_csrf_checks=csrf, SERVER_NAME="localhost")
        client.force_login(recipe.User.objects.get(username=name))
        return client

    return opened


@pytest.fixture
def in_the_view(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Have something happen in a view when it has done everything, and nothing is committed yet."""

    def hook(happen: Callable[[], None]) -> None:
        def redirect(to: str) -> HttpResponse:
            happen()
            return done(to)

        done: Callable[[str], HttpResponse] = recipe.redirect
        monkeypatch.setattr(recipe, "redirect", redirect)

    return hook


@pytest.fixture(params=[False, True], ids=["", "atomic_requests"])
def atomic_requests(
    recipe: ModuleType,  # noqa: ARG001 - Django is set up
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both ways to have Django treat a request, where it matters."""
    from django.db import connections  # noqa: PLC0415

    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", request.param)


def until(condition: Callable[[], object]) -> None:
    """Wait for another thread or process."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def escalate(client: Client, order: str, *, to: str = "bob", epoch: int = 0, **more: str) -> Response:
    """Press the button."""
    return client.post(f"/orders/{order}/{epoch}/escalate", {"why": "She is angry.", "to": to, **more})


def offered(service: TransferService, order: str) -> str:
    """The id of the live invitation."""
    invitation = service.interaction(order).live_invitation
    assert invitation is not None
    return invitation.id


def kept(recipe: ModuleType) -> list[str]:
    """Of which orders there is a row of the host's own."""
    return [row.order for row in recipe.Escalation.objects.all()]


# together or not at all


@pytest.mark.usefixtures("atomic_requests")
def test_f6_a_row_and_its_transfer_are_committed_together(
    *,
    recipe: ModuleType,
    service: TransferService,
    order: str,
    screen: RecordingUI,
    browser: ClientOf,
    in_the_view: Callable[[Callable[[], None]], None],
) -> None:
    """F6: the invitee sees the offer after the commit, and not a moment before."""

    @in_the_view
    def _() -> None:
        service.tick()  # it looks at everything that is recorded
        seen_before.extend([service.interaction(order).state, dict(screen.previews)])

    seen_before: list[object] = []
    response = escalate(browser(), order)

    assert [InteractionState.ACTIVE, {}] == seen_before
    assert 302 == response.status_code
    until(lambda: screen.previews)
    [preview] = screen.previews.values()
    assert (order, "Alice", "She is angry.") == (preview.interaction_id, preview.from_agent, preview.note)
    assert [order] == kept(recipe)


@pytest.mark.usefixtures("atomic_requests")
def test_f6_an_exception_after_the_request_undoes_both(
    *,
    recipe: ModuleType,
    service: TransferService,
    order: str,
    screen: RecordingUI,
    browser: ClientOf,
    in_the_view: Callable[[Callable[[], None]], None],
) -> None:
    """F6: and nobody is rung."""

    @in_the_view
    def _() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        escalate(browser(), order)
    service.tick()

    assert InteractionState.ACTIVE is service.interaction(order).state
    assert [] == screen.called("show_preview")
    assert [] == kept(recipe)


@pytest.mark.usefixtures("atomic_requests")
def test_f7_a_refused_transfer_leaves_no_row_behind(recipe: ModuleType, order: str, browser: ClientOf) -> None:
    """F7: the agent is told why, in codes."""
    response = escalate(browser(), order, to="alice")

    assert 409 == response.status_code
    assert {"error": "target_not_eligible", "reasons": ["is_sender"]} == response.json()
    assert [] == kept(recipe)


@pytest.mark.usefixtures("atomic_requests")
def test_f2_a_second_press_of_the_button_is_undone(recipe: ModuleType, order: str, browser: ClientOf) -> None:
    """F2: one transfer is live, and one row is kept."""
    client = browser()
    escalate(client, order)

    assert 409 == escalate(client, order).status_code
    assert [order] == kept(recipe)


def test_q1_a_queue_is_routed_by_the_other_process(
    recipe: ModuleType, order: str, service: TransferService, browser: ClientOf
) -> None:
    """Q1: the view's transaction invites nobody; the file run as ``tick`` does."""
    escalate(browser(), order, to="")
    request = service.interaction(order).transfer
    assert request is not None
    environment = {**os.environ, "DATABASE_URL": recipe.CONNINFO}
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, RECIPE, "tick"], env=environment
    ) as ticking:
        try:
            until(lambda: service.transfer(request.id).state is TransferState.INVITED)
        finally:
            ticking.terminate()

    assert TransferState.ROUTING is request.state


# the answers


def test_t5_the_invitee_accepts_on_the_page(order: str, service: TransferService, browser: ClientOf) -> None:
    """T5: the page of Bob offers it, and shows the conversation as his after that."""
    escalate(browser(), order)
    bob, invitation = browser("bob"), offered(service, order)
    page = bob.get("/").content.decode()
    response = bob.post(f"/invitations/{invitation}/accept")

    assert "Alice: She is angry." in page
    assert f"/invitations/{invitation}/accept" in page
    assert (302, BOB) == (response.status_code, service.interaction(order).owner)
    assert f"/orders/{order}/1/escalate" in bob.get("/").content.decode()
    assert order not in browser().get("/").content.decode()


def test_t6_the_sender_reads_of_a_rejection(order: str, service: TransferService, browser: ClientOf) -> None:
    """T6: at the top of the conversation, which can be transferred again."""
    alice = browser()
    escalate(alice, order)
    pending = alice.get("/").content.decode()
    response = browser("bob").post(f"/invitations/{offered(service, order)}/reject")
    page = alice.get("/").content.decode()

    assert (302, ALICE) == (response.status_code, service.interaction(order).owner)
    assert "Nobody has answered yet" in pending
    assert "Bob rejected the transfer." in page
    assert "SMS Transfer" in page


# who it is


def test_a7_who_is_not_logged_in_is_sent_to_log_in(order: str, service: TransferService, browser: ClientOf) -> None:
    """A7: whatever the form says."""
    stranger = browser()
    stranger.logout()
    response = escalate(stranger, order, by=ALICE)

    assert response["Location"].startswith("/accounts/login/")
    assert InteractionState.ACTIVE is service.interaction(order).state
    assert 200 == stranger.get("/accounts/login/").status_code


def test_a7_an_agent_acts_for_nobody_else(order: str, service: TransferService, browser: ClientOf) -> None:
    """A7: the agent comes from who is logged in, so another one's invitation or conversation is out of reach."""
    ann = browser("ann")
    not_hers = escalate(ann, order, by=ALICE)
    escalate(browser(), order)
    invitation = offered(service, order)
    answers = [ann.post(f"/invitations/{invitation}/{answer}", {"by": BOB}) for answer in ("accept", "reject")]

    assert [403, 403, 403] == [response.status_code for response in (not_hers, *answers)]
    assert {"error": "not_permitted", "reasons": []} == not_hers.json()
    assert invitation == offered(service, order)


def test_a7_a_form_of_another_site_is_refused(order: str, service: TransferService, browser: ClientOf) -> None:
    """A7: each form of the page brings the token that Django asks for."""
    alice = browser(csrf=True)
    page = alice.get("/").content.decode()
    [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))

    assert 403 == escalate(alice, order).status_code
    assert InteractionState.ACTIVE is service.interaction(order).state
    assert 302 == escalate(alice, order, csrfmiddlewaretoken=token).status_code


def test_a7_a_view_is_not_a_link(order: str, browser: ClientOf) -> None:
    """A7: nothing is changed by a GET, which no token protects."""
    views = (f"orders/{order}/0/escalate", "invitations/any/accept", "invitations/any/reject")

    assert [405, 405, 405] == [browser().get(f"/{view}").status_code for view in views]


# errors


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ({"error": "invalid_value", "fields": ["why"]}, {"why": "x" * 1_001}),
        ({"error": "invalid_value", "fields": ["why"]}, {"why": "a\0b"}),
        ({"error": "invalid_value", "fields": ["to", "why"]}, {"why": "", "to": "nobody"}),
    ],
)
def test_a8_a_form_that_is_not_as_it_should_be_is_refused(
    recipe: ModuleType, order: str, browser: ClientOf, *, said: object, more: Mapping[str, str]
) -> None:
    response = browser().post(f"/orders/{order}/0/escalate", more)

    assert (422, said) == (response.status_code, response.json())
    assert [] == kept(recipe)


def test_f1_a_page_that_has_gone_stale_is_refused(recipe: ModuleType, order: str, browser: ClientOf) -> None:
    """F1: and what it wanted to record with it."""
    response = escalate(browser(), order, epoch=1)

    assert (409, "stale_epoch") == (response.status_code, response.json()["error"])
    assert [] == kept(recipe)


def test_t11_an_answer_that_comes_too_late_is_refused(order: str, service: TransferService, browser: ClientOf) -> None:
    """T11."""
    escalate(browser(), order)
    invitation = offered(service, order)
    browser("bob").post(f"/invitations/{invitation}/accept")
    late = browser("bob").post(f"/invitations/{invitation}/reject")

    assert (409, "invitation_closed") == (late.status_code, late.json()["error"])


@pytest.mark.parametrize(("id_", "status"), [("none", 404), ("x" * 200, 422)])
def test_a8_an_invitation_that_there_is_not_is_not_found(browser: ClientOf, id_: str, status: int) -> None:
    """A8: and what cannot be an id at all is told to be none."""
    assert status == browser().post(f"/invitations/{id_}/accept").status_code


@pytest.mark.parametrize("error", [Conflict(kind="interaction", id="i"), StoreUnavailable(detail="host db-1 is away")])
def test_a8_what_may_go_through_later_says_so(
    recipe: ModuleType, order: str, browser: ClientOf, monkeypatch: pytest.MonkeyPatch, error: SmsTransferError
) -> None:
    """A8: and nothing of where the database is."""

    def fails() -> None:
        raise error

    monkeypatch.setattr(recipe, "transfers", fails)
    response = escalate(browser(), order)

    assert (503, {"error": error.code, "reasons": []}) == (response.status_code, response.json())
    assert [] == kept(recipe)


def test_a8_a_fault_of_the_hosts_is_not_told_to_the_agent(
    recipe: ModuleType, order: str, browser: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: Django answers 500, and tells the administrators."""

    def fails() -> None:
        raise UnusableStore(detail="call migrate")

    monkeypatch.setattr(recipe, "transfers", fails)
    client = browser()
    client.raise_request_exception = False
    response = escalate(client, order)

    assert 500 == response.status_code
    assert "migrate" not in response.content.decode()


def test_f6_a_connection_that_is_lost_is_told_and_replaced(
    recipe: ModuleType, order: str, browser: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6: neither the row nor the transfer is there, and the next request is as if nothing had been."""
    joined = recipe.transfers

    def cut() -> TransferService:
        within: TransferService = joined()
        with psycopg.connect(recipe.CONNINFO, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [recipe.connection.connection.info.backend_pid])
        return within

    client = browser()
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "transfers", cut)
        lost = escalate(client, order)

    assert (503, "store_unavailable") == (lost.status_code, lost.json()["error"])
    assert [] == kept(recipe)
    assert 302 == escalate(client, order).status_code


# Django's connection


def test_f7_a_refusal_within_leaves_the_hosts_transaction_going(
    recipe: ModuleType, order: str, service: TransferService
) -> None:
    """F7: with a savepoint of Django's around it, and without one."""

    def ask_again(within: TransferService) -> None:
        recipe.Escalation.objects.create(order=order, why="undone")
        within.request_transfer(order, Target.agent(ANN), by=ALICE)

    with recipe.transaction.atomic():
        within = recipe.transfers()
        request = within.request_transfer(order, Target.agent(BOB), by=ALICE)
        with pytest.raises(TransferPending):
            within.request_transfer(order, Target.agent(ANN), by=ALICE)
        with pytest.raises(TransferPending), recipe.transaction.atomic():
            ask_again(within)
        recipe.Escalation.objects.create(order=order, why="kept")

    assert ["kept"] == [row.why for row in recipe.Escalation.objects.all()]
    assert request == service.transfer(request.id)


def test_f7_an_error_in_the_database_leaves_the_hosts_transaction_going(recipe: ModuleType, order: str) -> None:
    """F7: here the host does not want to wait for somebody else's lock."""
    with psycopg.connect(recipe.CONNINFO) as other:
        TransferService(PostgresTransaction(other)).set_note(order, "theirs", by=ALICE)
        with recipe.transaction.atomic():
            with recipe.connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(Conflict):
                recipe.transfers().request_transfer(order, Target.agent(BOB), by=ALICE)
            recipe.Escalation.objects.create(order=order, why="kept")

    assert [order] == kept(recipe)


def test_f7_a_savepoint_of_the_hosts_undoes_a_transfer(
    recipe: ModuleType, order: str, service: TransferService
) -> None:
    """F7: and nothing of what was before it."""

    def think_better_of_it(within: TransferService) -> None:
        within.request_transfer(order, Target.agent(BOB), by=ALICE)
        raise RuntimeError

    with recipe.transaction.atomic():
        within = recipe.transfers()
        within.set_note(order, "kept", by=ALICE)
        with pytest.raises(RuntimeError), recipe.transaction.atomic():
            think_better_of_it(within)

    now = service.interaction(order)
    assert ("kept", InteractionState.ACTIVE) == (now.note, now.state)


def test_a8_outside_of_a_transaction_it_says_so(recipe: ModuleType, order: str) -> None:
    """A8: on a connection that Django has not opened yet, too."""
    recipe.connection.close()
    with pytest.raises(UnusableStore, match="in no transaction"):
        recipe.transfers().request_transfer(order, Target.agent(BOB), by=ALICE)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        ({"server_side_binding": True}, {}),
        ({"pool": True}, {}),
        ({"prepare_threshold": 0}, {}),
        ({"isolation_level": psycopg.IsolationLevel.SERIALIZABLE}, {}),
        ({}, {"USE_TZ": False, "TIME_ZONE": "America/Chicago"}),
    ],
    ids=["as it is", "server-side binding", "pool", "prepared", "serializable", "local times"],
)
def test_f6_every_way_to_set_up_the_connection_reads_the_same(
    recipe: ModuleType,
    order: str,
    service: TransferService,
    options: Mapping[str, object],
    settings: Mapping[str, object],
) -> None:
    """F6: Django has cursors, loaders and time zones of its own."""
    from django.db import connections  # noqa: PLC0415
    from django.test import override_settings  # noqa: PLC0415

    described = dict(connections.settings["default"])
    described["OPTIONS"] = {**described["OPTIONS"], **options}
    with override_settings(**settings):
        wrapper = type(connections["default"])(described, "other")
        connections["other"] = wrapper
        try:
            with recipe.transaction.atomic(using="other"):
                within = TransferService(PostgresTransaction(wrapper.connection))
                within.receive_message(order, "“Hej” 🎉 \0")
                within.update_case_data(order, {"at": "2026-03-29T02:30:00", "amount": 12.5, "vip": True}, by=ALICE)
                request = within.request_transfer(order, Target.agent(BOB), by=ALICE, note="note")
                read = seen(within, order, request.id)
        finally:
            wrapper.close()
            wrapper.close_pool()  # type: ignore[attr-defined] # it is PostgreSQL's
            del connections["other"]

    assert seen(service, order, request.id) == read


def seen(service: TransferService, order: str, transfer: str) -> list[object]:
    """Everything that can be read of a conversation and its agents."""
    return [
        service.interaction(order),
        service.transfer(transfer),
        service.transcript(order),
        service.history(order),
        service.snapshot(ALICE),
        service.snapshot(BOB),
        service.eligibility(order, Target.queue("supervisors")),
    ]
