"""A small centre in which a target stands for several agents."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

import attrs

from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    Media,
    NoAnswer,
    Outcome,
    Target,
    TargetKind,
    TransferPolicy,
    TransferRequest,
)
from sms_transfer.ports import Router
from support import CONTACT, TIMEOUT, Centre

QUEUE: Final = Target.queue("q")
OTHER: Final = Target.queue("other")
SEVERAL: Final = [QUEUE, Target.routing_point("q"), Target.agent_group("q"), Target.skill("q")]
ROUTING_TIMEOUT: Final = TransferPolicy().routing_timeout


class Floor(Centre):
    """A `Centre` with one target that stands for several; of its members Bob is the longest idle, then Carol."""

    def __init__(
        self,
        target: Target = QUEUE,
        members: Collection[str] = ("bob", "carol"),
        *,
        policy: TransferPolicy | None = None,
        media: Media = Media.SMS,
        router: Router | None = None,
    ) -> None:
        super().__init__(policy=policy, media=media, router=router)
        self.target = target
        self.staff(target, members)

    def staff(self, target: Target, members: Collection[str]) -> None:
        """Begin to have a target that these agents serve."""
        if target.kind in {TargetKind.QUEUE, TargetKind.ROUTING_POINT}:
            self.service.add_queue(target, members)
            return
        for agent_id in members:
            agent = self.service.agent(agent_id)
            of = "groups" if target.kind is TargetKind.AGENT_GROUP else "skills"
            self.change(agent_id, **{of: {*getattr(agent, of), target.id}})

    def change(self, agent_id: str, **changes: object) -> Agent:
        """Change an agent's record; the status stays."""
        return self.service.update_agent(attrs.evolve(self.service.agent(agent_id), **changes))  # type: ignore[arg-type]

    def hire(self, agent_id: str, **options: object) -> None:
        """Begin to know an agent, who is Ready unless something else is said."""
        described: dict[str, object] = {"status": ChannelStatus.READY, **options}
        self.service.add_agent(Agent(agent_id, agent_id.title(), **described))  # type: ignore[arg-type]

    def begin(self, id_: str, owner: str = "alice", media: Media = Media.SMS) -> Interaction:
        """Begin another conversation."""
        return self.service.open_interaction(Interaction(id_, media=media, contact=CONTACT, owner=owner))

    def ask(
        self,
        id_: str = "i",
        target: Target | None = None,
        *,
        by: str = "alice",
        key: str | None = None,
        priority: int = 0,
        no_answer: NoAnswer | None = None,
        fallback: Target | None = None,
        note: str = "",
    ) -> TransferRequest:
        """Request a transfer to the target."""
        return self.service.request_transfer(
            id_,
            self.target if target is None else target,
            by=by,
            key=key,
            priority=priority,
            no_answer=no_answer,
            fallback=fallback,
            note=note,
        )

    def present(self, id_: str = "i") -> TransferRequest:
        """The live request of a conversation."""
        transfer = self.service.interaction(id_).transfer
        assert transfer is not None
        return transfer

    def invitee(self, id_: str = "i") -> str | None:
        """Who is invited to take it."""
        invitation = self.service.interaction(id_).live_invitation
        return None if invitation is None else invitation.invitee

    def live_ticket(self, id_: str = "i") -> str:
        """The id of the live invitation."""
        invitation = self.service.interaction(id_).live_invitation
        assert invitation is not None
        return invitation.id

    def take(self, id_: str = "i") -> Interaction:
        """The invitee accepts."""
        return self.service.accept(self.live_ticket(id_), by=str(self.invitee(id_)))

    def decline(self, id_: str = "i", reason: str = "") -> TransferRequest:
        """The invitee rejects."""
        return self.service.reject(self.live_ticket(id_), by=str(self.invitee(id_)), reason=reason)

    def outcome(self, request: TransferRequest) -> Outcome:
        """How it ended."""
        outcome = self.service.transfer(request.id).outcome
        assert outcome is not None
        return outcome

    def told(self, agent_id: str = "alice", id_: str = "i") -> tuple[str | None, list[str]]:
        """What this agent's window of the conversation says at its top, and the codes of their My Messages."""
        workspace = self.desks[agent_id].workspace
        error = workspace.windows[id_].error
        return None if error is None else error.code, [message.code for message in workspace.my_messages]

    def unready(self, *agent_ids: str) -> None:
        """These agents stay on the channel, without receiving."""
        for agent_id in agent_ids:
            self.service.set_not_ready(agent_id)


def let_time_pass(floor: Floor) -> None:
    floor.pass_time(TIMEOUT)


LOSSES: Final[dict[str, Callable[[Floor], object]]] = {
    "rejects": Floor.decline,
    "does not answer": let_time_pass,
    "logs out": lambda floor: floor.service.log_out(str(floor.invitee())),
    "is disconnected": lambda floor: floor.service.log_out(str(floor.invitee()), disconnected=True),
}
"""The ways in which an invitee can be lost."""

SECOND: Final = timedelta(seconds=1)
