"""Escalate an order in a Django view: your own row and the transfer are committed together, or neither is.

A whole project in one file; ``DATABASE_URL`` names a PostgreSQL, such as ``postgresql:///centre``.

    python -m pip install 'sms-transfer[postgres]' django
    python django_view.py migrate
    python django_view.py demo         # alice, ann and bob, each with their name as the password
    python django_view.py tick         # keep it running beside the next one
    python django_view.py runserver
"""

from __future__ import annotations

import os
import sys
from threading import Event

import django
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.management import execute_from_command_line
from django.core.management.utils import get_random_secret_key
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import include, path
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_POST
from psycopg.conninfo import conninfo_to_dict

from sms_transfer import Agent, ChannelStatus, Contact, Interaction, Media, Target, TransferService
from sms_transfer.adapters.postgres import PostgresStore, PostgresTransaction
from sms_transfer.errors import Refused, SmsTransferError, TargetNotEligible

CONNINFO = os.environ["DATABASE_URL"]
SUPERVISORS = Target.queue("supervisors")
STATUS = {"invalid_value": 422, "not_found": 404, "not_permitted": 403, "conflict": 503, "store_unavailable": 503}
PAGES = {
    "registration/login.html": '<form method="post">{% csrf_token %}{{ form }}<button>Log in</button></form>',
    "home.html": """<h1>{{ agent.name }}</h1>
      {% for one in owned %}<form method="post" action="/orders/{{ one.id }}/{{ one.epoch }}/escalate">{% csrf_token %}
      <h2>{{ one.id }}</h2><p role="alert">{{ one.error.text }}</p>{% if one.transfer %}Nobody has answered yet
      {% else %}{{ form }}<button>SMS Transfer</button>{% endif %}</form>{% endfor %}
      {% for one in offered %}<form method="post">{% csrf_token %}<h2>{{ one.id }}</h2>
      <p>{{ one.transfer.sender_name }}: {{ one.transfer.note }}</p>{% with id=one.live_invitation.id %}
      <button formaction="/invitations/{{ id }}/accept">Accept</button>
      <button formaction="/invitations/{{ id }}/reject">Reject</button>{% endwith %}</form>{% endfor %}""",
}

if not settings.configured:
    server = conninfo_to_dict(CONNINFO)
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": server.pop("dbname"), "OPTIONS": server}
    loaders = [("django.template.loaders.locmem.Loader", PAGES)]
    settings.configure(
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", __name__],
        LOGIN_REDIRECT_URL="/",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            f"{__name__}.Refusals",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ.get("SECRET_KEY") or get_random_secret_key(),
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": loaders}}],
    )
    django.setup()

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User  # noqa: E402 - the settings come first


class Escalation(models.Model):  # noqa: DJ008 - nobody lists them
    """Your own row."""

    order: models.TextField[str, str] = models.TextField()
    why: models.TextField[str, str] = models.TextField()


class EscalationForm(forms.Form):
    """What the agent says. Nobody chosen means whichever supervisor is able."""

    why = forms.CharField(max_length=1_000)
    to = forms.ModelChoiceField(User.objects.all(), to_field_name="username", required=False)


class Refusals(MiddlewareMixin):
    """Makes responses of the library's errors, in codes, once the view's transaction has been rolled back."""

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        """What the agent is told; whatever else is raised is no business of theirs but yours: a 500."""
        if isinstance(error, SmsTransferError) and (isinstance(error, Refused) or error.code in STATUS):
            reasons = sorted(error.reasons) if isinstance(error, TargetNotEligible) else []
            return JsonResponse({"error": error.code, "reasons": reasons}, status=STATUS.get(error.code, 409))
        return None


def agent_id(user: AbstractBaseUser | AnonymousUser) -> str:
    """Which agent a user is. The library believes it, so it comes from who is logged in and never from a form."""
    return f"user-{user.pk}"


def transfers() -> TransferService:
    """The library inside the view's transaction: one for each."""
    connection.ensure_connection()  # Django connects late
    return TransferService(PostgresTransaction(connection.connection))


@login_required
@transaction.atomic
def home(request: HttpRequest) -> HttpResponse:
    """What the agent owns, and what is offered to them."""
    desk = transfers().snapshot(agent_id(request.user))
    shown = {"agent": desk.agent, "owned": desk.interactions, "offered": desk.desktop.offered}
    return render(request, "home.html", {**shown, "form": EscalationForm()})


@login_required
@require_POST
@transaction.atomic
def escalate(request: HttpRequest, order: str, epoch: int) -> HttpResponse:
    """Keep a row of our own and request the transfer: an exception undoes both, the end commits both."""
    form = EscalationForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": "invalid_value", "fields": sorted(form.errors)}, status=422)
    why, to = form.cleaned_data["why"], form.cleaned_data["to"]
    Escalation.objects.create(order=order, why=why)
    target = Target.agent(agent_id(to)) if to else SUPERVISORS
    transfers().request_transfer(order, target, by=agent_id(request.user), note=why, epoch=epoch)
    return redirect("home")


@login_required
@require_POST
@transaction.atomic
def accept(request: HttpRequest, invitation: str) -> HttpResponse:
    """Take the conversation over."""
    transfers().accept(invitation, by=agent_id(request.user))
    return redirect("home")


@login_required
@require_POST
@transaction.atomic
def reject(request: HttpRequest, invitation: str) -> HttpResponse:
    """Decline it."""
    transfers().reject(invitation, by=agent_id(request.user))
    return redirect("home")


urlpatterns = [
    path("", home, name="home"),
    path("orders/<slug:order>/<int:epoch>/escalate", escalate, name="escalate"),
    path("invitations/<slug:invitation>/accept", accept, name="accept"),
    path("invitations/<slug:invitation>/reject", reject, name="reject"),
    path("accounts/", include("django.contrib.auth.urls")),
]


def tick() -> None:
    """Close what nobody answered, invite from the queue, send texts (``gateway=``): no view's transaction does."""
    with PostgresStore(CONNINFO) as store, TransferService(store).ticking():
        Event().wait()


def demo() -> None:
    """Our own table, three agents, and a conversation about an order."""
    with PostgresStore(CONNINFO) as store, connection.schema_editor() as editor:
        editor.create_model(Escalation)
        service = TransferService(store)
        alice, *others = [User.objects.create_user(name, password=name) for name in ("alice", "ann", "bob")]
        for user in (alice, *others):
            service.add_agent(Agent(agent_id(user), user.username.title(), status=ChannelStatus.READY))
        service.add_queue(SUPERVISORS, [agent_id(user) for user in others])
        jane = Contact("+14155550123")
        service.open_interaction(Interaction("order-1", media=Media.SMS, contact=jane, owner=agent_id(alice)))


if __name__ == "__main__":
    own = {"tick": tick, "demo": demo}
    own.get(sys.argv[-1], lambda: execute_from_command_line(sys.argv))()
