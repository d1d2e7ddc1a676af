"""An HTTP API for agents' desktops that speak JSON, over one transfer service.

Run it with ``uvicorn --app-dir examples/recipes starlette_endpoint:app``. Three functions are yours to replace: who the
agent is (`authenticate`), where everything is kept (`make_service`), and who is there to try it with (`try_out`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import sms_transfer as st
from sms_transfer.adapters.codec import to_json

LOGGER: Final = logging.getLogger(__name__)
MAX_BODY: Final = 64 * 1024
TOKENS: Final = {"token-of-alice": "alice", "token-of-bob": "bob"}  # no secrets: they stand in for your log-in

ANSWERS: Final[Mapping[type[Exception], tuple[HTTPStatus, tuple[str, ...]]]] = {
    st.InvalidValue: (HTTPStatus.UNPROCESSABLE_ENTITY, ("field", "rule")),
    st.NotFound: (HTTPStatus.NOT_FOUND, ("kind", "id")),
    st.NotPermitted: (HTTPStatus.FORBIDDEN, ("reason", "owner")),
    st.StaleEpoch: (HTTPStatus.CONFLICT, ("given", "current", "owner")),
    st.TransferPending: (HTTPStatus.CONFLICT, ("transfer",)),
    st.InvitationClosed: (HTTPStatus.CONFLICT, ("outcome",)),
    st.IllegalTransition: (HTTPStatus.CONFLICT, ("machine", "state", "trigger", "allowed")),
    st.TargetNotEligible: (HTTPStatus.CONFLICT, ("reasons",)),
    st.AlreadyExists: (HTTPStatus.CONFLICT, ("kind", "id")),
    st.SmsTransferError: (HTTPStatus.INTERNAL_SERVER_ERROR, ()),  # a `StoreError` that is retryable is a 503
}
"""The status of each error, by the nearest of its types, and which of its fields the caller is told."""

TOLD: Final[Mapping[type, tuple[str, ...]]] = {
    # The id of an invitation is the invitee's ticket, and not among these: senders and those asked before read them.
    st.TransferRequest: ("id", "interaction_id", "sender", "target", "state", "requested_at", "deadline", "outcome"),
    st.Interaction: ("id", "media", "contact", "owner", "state", "epoch", "case_data", "note", "error", "transfer"),
    st.Outcome: ("state", "by", "at", "owner"),
}
"""Which fields of these values are told; of all others, every one."""

PLAIN: Final[Mapping[type, Callable[[Any], object]]] = {
    datetime: datetime.isoformat,
    frozenset: sorted,
    st.CaseData: dict,
}
DEFAULTS: Final = {"note": "", "reason": ""}


async def authenticate(request: Request) -> str:
    """The id of the agent who calls. The library trusts it: replace this by your own log-in (A7)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token not in TOKENS:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    return TOKENS[token]


def make_service() -> st.AsyncTransferService:
    """The authority, in memory: give it your store, your gateway, your policy."""
    return st.AsyncTransferService()


async def try_out(service: st.AsyncTransferService) -> None:
    """Alice, Bob, and a conversation of Alice's: yours come from elsewhere."""
    for name in ("alice", "bob"):
        await service.add_agent(st.Agent(name, name.title(), status=st.ChannelStatus.READY))
    contact = st.Contact("+14155550123", name="Jane Roe")
    await service.open_interaction(st.Interaction("parcel", media=st.Media.SMS, contact=contact, owner="alice"))
    await service.receive_message("parcel", "My parcel has not come.")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One service for as long as the application lives; offers run out by themselves (F4)."""
    app.state.service = service = make_service()
    await try_out(service)
    async with service.ticking():
        yield


async def request_transfer(request: Request) -> JSONResponse:
    """The owner offers a conversation, out of a window that was shown under this epoch (F1)."""
    agent_id, given = await read(request, target=dict, epoch=int, note=str)
    transfer = await service_of(request).request_transfer(
        request.path_params["id"],
        target_of(given["target"]),
        by=agent_id,
        note=given["note"],
        epoch=given["epoch"],
        key=request.headers.get("idempotency-key"),
    )
    return JSONResponse(told(transfer), HTTPStatus.CREATED, headers={"Location": f"/transfers/{transfer.id}"})


async def transfer(request: Request) -> JSONResponse:
    """A transfer as it is now, for its sender and those who were asked; for everybody else there is none."""
    agent_id = await authenticate(request)
    found = await service_of(request).transfer(request.path_params["id"])
    invited = set() if found.invitation is None else {found.invitation.invitee}
    if agent_id not in {found.sender} | found.asked | invited:
        raise st.NotFound(kind="transfer", id=found.id)
    return JSONResponse(told(found))


async def cancel(request: Request) -> JSONResponse:
    """The sender takes it back (T8)."""
    agent_id, _ = await read(request)
    return JSONResponse(told(await service_of(request).cancel(request.path_params["id"], by=agent_id)))


async def accept(request: Request) -> JSONResponse:
    """The invitee takes it, and is told the conversation with its new epoch (T5)."""
    agent_id, _ = await read(request)
    return JSONResponse(told(await service_of(request).accept(request.path_params["id"], by=agent_id)))


async def reject(request: Request) -> JSONResponse:
    """The invitee declines (T6)."""
    agent_id, given = await read(request, reason=str)
    ticket = request.path_params["id"]
    return JSONResponse(told(await service_of(request).reject(ticket, by=agent_id, reason=given["reason"])))


async def desktop(request: Request) -> JSONResponse:
    """What the agent's own desktop should show now; the only place where a ticket is told, to its invitee."""
    snapshot = await service_of(request).snapshot(await authenticate(request))
    texts = snapshot.desktop.transcripts
    content = {
        "agent": told(snapshot.agent),
        "conversations": [
            {**told(owned), "transcript": told(texts[owned.id].messages)} for owned in snapshot.interactions
        ],
        "invitations": [
            {
                "invitation": told(offered.live_invitation),
                "transfer": told(offered.transfer),
                "contact": told(offered.contact),
                "note": offered.transfer.note if offered.transfer else "",
            }
            for offered in snapshot.desktop.offered
        ],
        "messages": told(snapshot.messages),
    }
    return JSONResponse(content)


def service_of(request: Request) -> st.AsyncTransferService:
    """The one that `lifespan` made."""
    service: st.AsyncTransferService = request.app.state.service
    return service


async def read(request: Request, **fields: type) -> tuple[str, dict[str, Any]]:
    """Who calls, and the JSON object they send: these fields, of these types, and nothing else (A8)."""
    agent_id = await authenticate(request)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body must be JSON") from None
    if isinstance(given, dict):
        given = {name: DEFAULTS[name] for name in DEFAULTS.keys() & fields.keys()} | given
    if not isinstance(given, dict) or given.keys() != fields.keys():
        raise st.InvalidValue(field="body", rule=f"must be an object with just these fields: {sorted(fields)}")
    for name, kind in fields.items():
        if not isinstance(given[name], kind):
            raise st.InvalidValue(field=name, rule=f"must be what JSON has for a Python {kind.__name__}")
    return agent_id, given


def target_of(given: Mapping[str, Any]) -> st.Target:
    """The target of ``{"kind": "agent", "id": "bob"}``."""
    kinds = [kind.value for kind in st.TargetKind]
    if given.keys() != {"kind", "id"} or given["kind"] not in kinds:
        raise st.InvalidValue(field="target", rule=f"must have an id, and a kind that is one of {kinds}")
    return st.Target(st.TargetKind(given["kind"]), given["id"])


def told(value: object) -> Any:
    """A value as JSON, without what its reader is not to know."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, tuple):
        return [told(one) for one in value]
    if type(value) in PLAIN:
        return PLAIN[type(value)](value)
    if type(value) in TOLD:
        return {name: told(getattr(value, name)) for name in TOLD[type(value)]}
    return json.loads(to_json(value))["value"]


def refuse(_: Request, error: Exception) -> JSONResponse:
    """What the caller is told of an error: its code and fields, and never a number or a text (A6)."""
    if isinstance(error, HTTPException):
        content = {"code": f"http_{error.status_code}", "message": error.detail}
        return JSONResponse(content, error.status_code, headers=error.headers)
    status, fields = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    again = isinstance(error, st.StoreError) and error.retryable
    status = HTTPStatus.SERVICE_UNAVAILABLE if again else status
    content = {"code": getattr(error, "code", ""), "message": str(error)}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # where the store is, and what ails it, is for the log only
        LOGGER.error("answered %d: %s", status, error)
        content["message"] = status.phrase
    content |= {name: told(getattr(error, name)) for name in fields}
    return JSONResponse(content, status, headers={"Retry-After": "1"} if again else None)


app: Final = Starlette(
    routes=[
        Route("/desktop", desktop),
        Route("/interactions/{id}/transfers", request_transfer, methods=["POST"]),
        Route("/transfers/{id}", transfer),
        Route("/transfers/{id}/cancel", cancel, methods=["POST"]),
        Route("/invitations/{id}/accept", accept, methods=["POST"]),
        Route("/invitations/{id}/reject", reject, methods=["POST"]),
    ],
    exception_handlers={st.SmsTransferError: refuse, HTTPException: refuse},
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app)
