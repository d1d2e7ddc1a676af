"""What a browser window may ask of the service.

Whatever is asked in another form is refused. Nobody says here who they are: ``me`` was settled at the log-in, so no
window can reply, answer or transfer for somebody else, whatever ids it names.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Final

from sms_transfer import AsyncTeamCommunicator, AsyncTransferService, InvalidValue, Target, TargetKind, View

Asked = Coroutine[object, object, object]

_KINDS: Final = {kind.value: kind for kind in TargetKind}
_VIEWS: Final = {view.value: view for view in View}


def command(service: AsyncTransferService, me: str, asked: object) -> Asked:
    """The call that this asks for.

    Raises:
        InvalidValue: it asks for nothing that there is, or a word of it is missing or of a wrong type.
    """
    for part in (_status, _conversation, _transfer, _my_messages, _team_communicator):
        call = part(service, me, asked)
        if call is not None:
            return call
    raise InvalidValue(field="command", rule="must be one of those that there are, with all its words")


def _status(service: AsyncTransferService, me: str, asked: object) -> Asked | None:
    match asked:
        case {"do": "log_in"}:
            return service.log_in(me)
        case {"do": "log_out"}:
            return service.log_out(me)
        case {"do": "ready"}:
            return service.set_ready(me)
        case {"do": "not_ready", "reason": str(reason)}:
            return service.set_not_ready(me, reason)
        case {"do": "do_not_disturb", "on": bool(on)}:
            return service.set_do_not_disturb(me, on)
    return None


def _conversation(service: AsyncTransferService, me: str, asked: object) -> Asked | None:
    match asked:  # each with the epoch of the window that it comes from (F1)
        case {"do": "reply", "interaction": str(id_), "epoch": int(epoch), "text": str(text)}:
            return service.reply(id_, text, by=me, epoch=epoch)
        case {"do": "set_note", "interaction": str(id_), "epoch": int(epoch), "note": str(note)}:
            return service.set_note(id_, note, by=me, epoch=epoch)
        case {
            "do": "set_case_data",
            "interaction": str(id_),
            "epoch": int(epoch),
            "key": str(key),
            "value": str(value),
        }:
            return service.update_case_data(id_, {key: value or None}, by=me, epoch=epoch)
        case {"do": "save_attachment", "interaction": str(id_), "epoch": int(epoch), "attachment": str(attachment)}:
            return service.save_attachment(id_, attachment, by=me, epoch=epoch)
        case {"do": "mark_done", "interaction": str(id_), "epoch": int(epoch)}:
            return service.mark_done(id_, by=me, epoch=epoch)
    return None


def _transfer(service: AsyncTransferService, me: str, asked: object) -> Asked | None:
    match asked:
        case {"do": "transfer", "interaction": str(id_), "epoch": int(epoch), "note": str(note), "key": str(key)}:
            return service.request_transfer(id_, _target(asked), by=me, note=note, epoch=epoch, key=key)  # F5
        case {"do": "cancel", "transfer": str(transfer)}:
            return service.cancel(transfer, by=me)
        case {"do": "accept", "invitation": str(invitation)}:
            return service.accept(invitation, by=me)
        case {"do": "reject", "invitation": str(invitation), "reason": str(reason)}:
            return service.reject(invitation, by=me, reason=reason)
    return None


def _my_messages(service: AsyncTransferService, me: str, asked: object) -> Asked | None:
    match asked:
        case {"do": "mark_read", "message": str(message), "read": bool(read)}:
            return service.mark_read(me, message, read)
        case {"do": "delete_message", "message": str(message)}:
            return service.delete_message(me, message)
    return None


def _team_communicator(service: AsyncTransferService, me: str, asked: object) -> Asked | None:
    communicator = AsyncTeamCommunicator(service, me)
    match asked:
        case {"do": "search", "interaction": str(id_), "text": str(text), "view": str(view), "kind": str(kind)}:
            if view in _VIEWS and (not kind or kind in _KINDS):
                kinds = [_KINDS[kind]] if kind else None
                return communicator.search(text, interaction_id=id_, kinds=kinds, view=_VIEWS[view], limit=20)
        case {"do": "add_favourite"}:
            return communicator.add_favourite(_target(asked))
        case {"do": "remove_favourite"}:
            return communicator.remove_favourite(_target(asked))
    return None


def _target(asked: object) -> Target:
    match asked:
        case {"target": {"kind": str(kind), "id": str(id_)}} if kind in _KINDS:
            return Target(_KINDS[kind], id_)
    raise InvalidValue(field="target", rule="must have a kind and an id")
