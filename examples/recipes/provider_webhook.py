"""Texts from an SMS/MMS provider in, replies out: a webhook and a gateway around one transfer service.

Run it with ``uvicorn --app-dir examples/recipes --factory provider_webhook:make_app``; `Provider.from_environment` says
what must be set. Three functions are yours to replace: where everything is kept (`make_service`), who owns a new
conversation (`owner_of_new`), and what becomes of a reply that the provider will never take (`undeliverable`).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import attrs
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import sms_transfer as st

LOGGER: Final = logging.getLogger(__name__)
MAX_BODY: Final = 256 * 1024
MAX_IMAGES: Final = 10
NOTHING_TO_SAY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
TIMEOUT: Final = timedelta(seconds=10)
NEVER: Final = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
"""What the provider answers when it is the text that is wrong. All else may pass: an outage, a limit, our password."""

ANSWERS: Final[Mapping[type[Exception], HTTPStatus]] = {
    st.InvalidValue: HTTPStatus.UNPROCESSABLE_ENTITY,
    st.AlreadyExists: HTTPStatus.CONFLICT,  # another text came under this id before
    st.TargetNotEligible: HTTPStatus.SERVICE_UNAVAILABLE,  # who would own the conversation has no place for it now
    st.Conflict: HTTPStatus.SERVICE_UNAVAILABLE,
    st.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    st.SmsTransferError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


@attrs.frozen(kw_only=True)
class Provider:
    """What the provider and this application have agreed on.

    Args:
        webhook: the URL as the provider was told it, its query included. Behind a proxy the request says another one,
            and its ``Host`` says what the sender likes.
        token: the provider's secret; it signs what comes in and is the password for what goes out.
        number: the number that the centre texts from.
        people_key: makes ids of phone numbers. Whoever changes it begins every conversation anew.
    """

    api: str
    webhook: str
    account: str
    token: str = attrs.field(repr=False)
    number: str = attrs.field(repr=False)
    people_key: str = attrs.field(repr=False)

    @classmethod
    def from_environment(cls) -> Provider:
        """Each from the variable of its name, such as ``SMS_PEOPLE_KEY``."""
        return cls(**{field.name: os.environ[f"SMS_{field.name.upper()}"] for field in attrs.fields(cls)})

    def signature(self, form: Sequence[tuple[str, str]]) -> bytes:
        """How the provider signs a form: the URL, then each name and value, sorted and once."""
        signed = self.webhook + "".join(name + value for name, value in sorted(set(form)))
        return b64encode(hmac.digest(self.token.encode(), signed.encode(), "sha1"))

    def person(self, address: str) -> str:
        """An id for whoever has this number.

        Ids stand in logs, so they must not hold the number (A6). It is a keyed digest since there are so few numbers
        that whoever has a plain one could try them all.
        """
        return hmac.digest(self.people_key.encode(), address.encode(), "sha256").hex()[:32]


class HttpGateway:
    """A `sms_transfer.ports.AsyncContactGateway` to the provider's HTTP API."""

    def __init__(self, provider: Provider, client: httpx.AsyncClient, timeout: timedelta = TIMEOUT) -> None:
        self._url = f"{provider.api}/Accounts/{provider.account}/Messages.json"
        self._auth = (provider.account, provider.token)
        self._number = provider.number
        self._client = client
        self._timeout = timeout

    async def send(self, message: st.Message, contact: st.Contact) -> None:
        """Hand a text over; whatever is raised, `ticking` asks again, and later texts of the conversation wait (F6)."""
        form: dict[str, str | list[str]] = {"From": self._number, "To": contact.address}
        if message.text:
            form["Body"] = message.text
        if message.attachments:
            form["MediaUrl"] = [attachment.url for attachment in message.attachments]
        async with asyncio.timeout(self._timeout.total_seconds()):  # httpx limits each step, not the whole
            headers = {"Idempotency-Key": message.id}
            answer = await self._client.post(self._url, data=form, headers=headers, auth=self._auth)
        if answer.status_code in NEVER:
            await undeliverable(message, answer.status_code)  # and it counts as taken, or the later ones wait for ever
        else:
            answer.raise_for_status()


async def undeliverable(message: st.Message, status: int) -> None:
    """The provider will never take this reply: the transcript has it, the contact does not. Tell whoever wrote it."""
    LOGGER.error("%s in %s was refused for good: %d", message.id, message.interaction_id, status)


def make_service(gateway: HttpGateway) -> st.AsyncTransferService:
    """The authority, in memory: give it your store and your policy."""
    return st.AsyncTransferService(gateway=gateway)


async def owner_of_new(service: st.AsyncTransferService, contact: st.Contact) -> str:  # noqa: ARG001 - for yours
    """The agent who owns a new conversation: a stand-in who has room for all. Yours may look up the contact."""
    with suppress(st.AlreadyExists):
        await service.add_agent(st.Agent("reception", "Reception", status=st.ChannelStatus.READY, capacity=1_000_000))
    return "reception"


def make_app(provider: Provider | None = None) -> Starlette:
    """The application; what is agreed with the provider is in the environment, if left out."""
    agreed = provider or Provider.from_environment()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=5.0) as client:
            app.state.provider, app.state.service = agreed, make_service(HttpGateway(agreed, client))
            async with app.state.service.ticking():
                yield

    routes = [Route("/sms", receive, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={st.SmsTransferError: refuse}, lifespan=lifespan)


async def receive(request: Request) -> Response:
    """One text from the provider, recorded once however often it is delivered (F5, T12)."""
    provider: Provider = request.app.state.provider
    pairs = await read_form(request)
    given = request.headers.get("x-twilio-signature", "").encode()
    if not hmac.compare_digest(provider.signature(pairs), given):
        raise HTTPException(HTTPStatus.FORBIDDEN)
    form = dict(pairs)
    request.state.sid = form.get("MessageSid", "")[:64]
    contact = st.Contact(form.get("From", ""))
    await record(request.app.state.service, provider.person(contact.address), contact, form)
    return Response(NOTHING_TO_SAY, media_type="text/xml")


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields in the order given, empty ones too: they are signed."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None


async def record(service: st.AsyncTransferService, person: str, contact: st.Contact, form: Mapping[str, str]) -> None:
    """Record the text in this person's open conversation, and begin one where there is none.

    Their conversations are numbered, and the next one begins when the last is done. So texts that race for a new one
    mean the same id, and one of them opens it. (Where old conversations are deleted, keep the number in a table of
    your own.)
    """
    text, sid, images = form.get("Body", ""), form.get("MessageSid", ""), attachments_of(form)
    number = max(1, await last_number(service, person))
    while True:
        interaction_id = f"{person}-{number}"
        try:
            await service.receive_message(interaction_id, text, attachments=images, message_id=sid)
        except st.NotFound:
            owner = await owner_of_new(service, contact)
            media = st.Media.MMS if images else st.Media.SMS
            with suppress(st.AlreadyExists):  # another text was faster
                await service.open_interaction(
                    st.Interaction(interaction_id, media=media, contact=contact, owner=owner)
                )
        except st.IllegalTransition:  # it is done
            number += 1
        except st.AlreadyExists:  # this text came before: into an earlier conversation, or it is another one's id
            if number == 1:
                raise
            number -= 1
        else:
            return


async def last_number(service: st.AsyncTransferService, person: str) -> int:
    """The number of their last conversation, 0 if there is none: doubled until it is too high, then halved."""
    low, high = 0, 1
    while await is_there(service, f"{person}-{high}"):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await is_there(service, f"{person}-{middle}") else (low, middle)
    return low


async def is_there(service: st.AsyncTransferService, interaction_id: str) -> bool:
    """Whether there is such a conversation."""
    try:
        await service.interaction(interaction_id)
    except st.NotFound:
        return False
    return True


def attachments_of(form: Mapping[str, str]) -> list[st.Attachment]:
    """The images that came with a text; the provider keeps the files."""
    count = form.get("NumMedia", "0")
    if count not in map(str, range(MAX_IMAGES + 1)):
        raise st.InvalidValue(field="NumMedia", rule=f"must be a number from 0 to {MAX_IMAGES}")
    images: list[st.Attachment] = []
    for n in range(int(count)):
        url, content_type = form.get(f"MediaUrl{n}"), form.get(f"MediaContentType{n}")
        if not url or not content_type:
            raise st.InvalidValue(field=f"MediaUrl{n}", rule="must be there, and its content type")
        images.append(st.Attachment(f"{form.get('MessageSid')}-{n}", content_type=content_type, url=url))
    return images


def refuse(request: Request, error: Exception) -> Response:
    """A 4xx for what will never do, a 503 for what may do later; the log has no number and no text (A6)."""
    status = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    LOGGER.warning("answered %d to %r: %s", status, request.state.sid, error)
    later = status is HTTPStatus.SERVICE_UNAVAILABLE
    return PlainTextResponse(status.phrase, status, headers={"Retry-After": "1"} if later else None)


if __name__ == "__main__":
    uvicorn.run(make_app, factory=True)
