"""The pages: who are you, the desktop, and the telephones of those who text in.

The log-in is a stand-in: it asks who you are and believes it. A host application brings its own.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import FormData, MutableHeaders, UploadFile
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sms_transfer import AsyncTransferService, Attachment, InvalidValue, SmsTransferError, explain_refusal

from .centre import AGENTS, PEOPLE, conversations, text_in

_HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PICTURES: Final = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
_LARGEST: Final = 1_000_000  # bytes
_A_DAY: Final = 86_400  # seconds


class Pages:
    """Everything that is not a socket; ``data`` keeps the pictures and the secret that log-ins are signed with."""

    def __init__(self, data: Path) -> None:
        self._pictures = data / "pictures"
        self._pictures.mkdir(exist_ok=True)
        self._signer = TimestampSigner(_secret(data / "secret"))
        self._templates = Jinja2Templates(_HERE / "pages")
        self.routes: list[BaseRoute] = [
            Route("/", self._who),
            Route("/log-in", self._log_in, methods=["POST"]),
            Route("/desk/{agent}", self._desk),
            Route("/telephone/{person}", self._telephone, methods=["GET", "POST"]),
            Mount("/pictures", StaticFiles(directory=self._pictures)),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]

    def agent_at(self, connection: HTTPConnection) -> str | None:
        """Whose desk this asks for, if that is who logged in and one of our own pages asks."""
        agent_id: str = connection.path_params["agent"]
        origin = connection.headers.get("origin")  # a page from elsewhere can open a socket, but not say it is ours
        if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
            return None
        try:
            signed = self._signer.unsign(connection.cookies.get("desk", ""), max_age=_A_DAY).decode()
        except BadSignature:
            return None
        return agent_id if signed == agent_id else None

    def _who(self, request: Request) -> Response:
        return self._templates.TemplateResponse(request, "who.html", {"agents": AGENTS, "people": PEOPLE})

    async def _log_in(self, request: Request) -> Response:
        agent_id = str((await request.form()).get("agent"))
        if agent_id not in AGENTS:
            return Response("There is no such agent.", status_code=404, media_type="text/plain")
        response = RedirectResponse(f"/desk/{agent_id}", status_code=303)
        # The cookie is for this desk only, so that each window of one browser can be another agent's.
        signed = self._signer.sign(agent_id).decode()
        response.set_cookie("desk", signed, path=f"/desk/{agent_id}", httponly=True, samesite="strict")
        return response

    def _desk(self, request: Request) -> Response:
        if self.agent_at(request) is None:
            return RedirectResponse("/", status_code=303)
        return FileResponse(_HERE / "pages" / "desk.html")

    async def _telephone(self, request: Request) -> Response:
        name, service = request.path_params["person"], _service(request)
        if name not in PEOPLE:
            return Response("There is no such person.", status_code=404, media_type="text/plain")
        told = ""
        if request.method == "POST":
            try:
                async with request.form(max_files=1, max_fields=2, max_part_size=_LARGEST) as form:
                    await self._text_in(service, name, form)
                return RedirectResponse(request.url.path, status_code=303)
            except SmsTransferError as refusal:
                told = explain_refusal(refusal)[0].text
        texts = [text for one in await conversations(service, name) for text in await service.transcript(one.id)]
        known = {"person": PEOPLE[name], "texts": texts, "told": told, "message_id": uuid4().hex}
        return self._templates.TemplateResponse(request, "telephone.html", known, status_code=400 if told else 200)

    async def _text_in(self, service: AsyncTransferService, name: str, form: FormData) -> None:
        picture, attachments = form.get("picture"), list[Attachment]()
        if isinstance(picture, UploadFile) and picture.size:
            attachments.append(self._keep(await picture.read(_LARGEST + 1), picture.filename or ""))
        # The page names the text, so that sending the form twice sends it once (F5).
        message_id = f"{name}-{form.get('message_id')}"
        await text_in(service, name, str(form.get("text", "")), message_id=message_id, attachments=attachments)

    def _keep(self, content: bytes, name: str) -> Attachment:
        kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
        if kind is None or len(content) > _LARGEST:
            raise InvalidValue(field="picture", rule="must be a PNG, JPEG or GIF of at most a million bytes")
        id_ = uuid4().hex
        (self._pictures / f"{id_}.{kind}").write_bytes(content)
        return Attachment(
            id_, content_type=f"image/{kind}", url=f"/pictures/{id_}.{kind}", name=name[-80:], size=len(content)
        )


def _service(request: Request) -> AsyncTransferService:
    service: AsyncTransferService = request.app.state.service
    return service


def _secret(file: Path) -> str:
    """What this file holds: log-ins outlive the process that signed them, and count at every process that shares it."""
    new = file.with_name(uuid4().hex)
    new.touch(0o600)
    new.write_text(secrets.token_hex())
    with suppress(FileExistsError):
        file.hardlink_to(new)
    new.unlink()
    return file.read_text()


class Secured:
    """Middleware that has every answer say what a browser may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and add the headers."""

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, say)
