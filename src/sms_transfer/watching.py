"""Tells an observer, and the log, what a service is doing, so that nothing an observer does can harm the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from time import perf_counter
from types import MappingProxyType
from typing import Final, TypeVar

from sms_transfer.core import commands
from sms_transfer.core.commands import AgentCommand, Command
from sms_transfer.core.decision import Decision
from sms_transfer.core.model import TargetKind
from sms_transfer.errors import Conflict, SmsTransferError
from sms_transfer.log import log_failure, log_refusal, log_sweep
from sms_transfer.ports import AsyncTransferStore, Committed, Observation, Observer, Operation

C = TypeVar("C", bound=Command | AgentCommand)
R = TypeVar("R")

NAMES: Final[Mapping[type[Command | AgentCommand], str]] = MappingProxyType(
    {
        commands.Accept: "accept",
        commands.Cancel: "cancel",
        commands.Expire: "expire",
        commands.FailInvitation: "fail_invitation",
        commands.FailRouting: "fail_routing",
        commands.Invite: "invite",
        commands.LogIn: "log_in",
        commands.LogOut: "log_out",
        commands.MarkDone: "mark_done",
        commands.OpenInteraction: "open_interaction",
        commands.ReceiveMessage: "receive_message",
        commands.Reject: "reject",
        commands.Reply: "reply",
        commands.RequestTransfer: "request_transfer",
        commands.SaveAttachment: "save_attachment",
        commands.SetDoNotDisturb: "set_do_not_disturb",
        commands.SetNotReady: "set_not_ready",
        commands.SetNote: "set_note",
        commands.SetReady: "set_ready",
        commands.UpdateCaseData: "update_case_data",
    }
)
"""What each command is called."""


class _Nobody:
    """Whoever could not begin to watch."""

    def beaten(self, conflict: Conflict) -> None:
        """Nothing."""

    def recorded(self, committed: Committed) -> None:
        """Nothing."""

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        """Nothing."""

    def end(self, error: BaseException | None) -> None:
        """Nothing."""


class Watch:
    """An operation under the eyes of an observer, which may fail."""

    def __init__(self, observer: Observer, operation: Operation) -> None:
        self._name = operation.name
        self._observation: Observation = _Nobody()
        try:
            self._observation = observer.begin(operation)
        except Exception as error:  # noqa: BLE001 - a host's code; the operation goes on without it
            log_failure("observer.failed", error, operation=self._name)

    def beaten(self, conflict: Conflict) -> None:
        """Tell that somebody else was faster."""
        self._tell(lambda: self._observation.beaten(conflict))

    def recorded(self, decision: Decision, *, final: bool) -> None:
        """Tell what was recorded."""
        committed = Committed(
            interaction_id=decision.interaction.id,
            state=decision.interaction.state,
            epoch=decision.interaction.epoch,
            events=decision.events,
            requests=decision.requests,
            final=final,
        )
        self._tell(lambda: self._observation.recorded(committed))

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        """Tell what a sweep did."""
        self._tell(lambda: self._observation.swept(done, waiting))

    def end(self, error: BaseException | None) -> None:
        """Tell that it is over."""
        self._tell(lambda: self._observation.end(error))

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:  # noqa: BLE001 - likewise
            log_failure("observer.failed", error, operation=self._name)


def operation_of(command: Command | AgentCommand) -> Operation:
    """The operation that a command is: its name and ids, and nothing that may be personal (A6)."""
    if isinstance(command, AgentCommand):
        return Operation(name=NAMES[type(command)], ids={"agent_id": command.agent_id})
    need = command.need()
    ids = {
        "interaction_id": need.interaction_id,
        "transfer_id": need.transfer_id,
        "invitation_id": need.invitation_id,
        "agent_id": next(iter(need.agents), None),
        "message_id": need.message_id,
    }
    return Operation(name=NAMES[type(command)], ids={field: value for field, value in ids.items() if value is not None})


async def watched(
    observer: Observer | None,
    command: C,
    work: Callable[[C, Watch | None], Coroutine[object, object, R]],
) -> R:
    """Carry a command out, under the eyes of an observer if there is one; and log a refusal."""
    operation = operation_of(command)

    async def carry_out(watch: Watch | None) -> R:
        try:
            return await work(command, watch)
        except SmsTransferError as error:
            log_refusal(operation.name, operation.ids, error)
            raise

    return await (carry_out(None) if observer is None else _under(Watch(observer, operation), carry_out))


async def swept(
    observer: Observer | None,
    sweep: str,
    work: Callable[[], Awaitable[R]],
    *,
    done: Callable[[R], int],
    waits_in: AsyncTransferStore | None,
) -> R:
    """Carry a sweep out, and say what it did.

    Args:
        waits_in: where an observer is told what waits.
    """
    began = perf_counter()

    async def carry_out(watch: Watch | None) -> R:
        result = await work()
        log_sweep(sweep, done(result), perf_counter() - began)
        if watch is not None:
            watch.swept(done(result), {} if waits_in is None else await _waiting(waits_in))
        return result

    watched_sweep = Operation(name=sweep, sweep=True, ids={})
    return await (carry_out(None) if observer is None else _under(Watch(observer, watched_sweep), carry_out))


async def _waiting(store: AsyncTransferStore) -> Mapping[TargetKind, int]:
    """How many requests wait for an agent, by the kind of target; nothing, if the store does not tell."""
    try:
        found = await store.waiting_counts(await store.waiting_targets())
    except Exception as error:  # noqa: BLE001 - what is only counted must not harm what counts
        log_failure("waiting.uncounted", error)
        return {}
    counts = dict.fromkeys(TargetKind, 0)
    for target, count in found.items():
        counts[target.kind] += count
    return counts


async def _under(watch: Watch, work: Callable[[Watch], Awaitable[R]]) -> R:
    try:
        result = await work(watch)
    except BaseException as error:
        watch.end(error)
        raise
    watch.end(None)
    return result
