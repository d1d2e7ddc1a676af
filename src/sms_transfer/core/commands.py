"""What can be asked: imperative, and may be refused.

A command carries everything about what is wanted, the ids of what it would make included: carrying it out again after a
lost answer makes nothing twice. What must be known to decide it (the interaction, agents, a count) is its `Need`.

``by`` is the agent who asks. The library trusts it: authenticating the person is the host application's part (A7).
``epoch`` is the ownership under which the agent saw the conversation; a command that carries an older one than the
present is refused (F1). Leave it out only where no screen can have gone stale.
"""

from __future__ import annotations

import attrs

from sms_transfer.core import check
from sms_transfer.core.check import CaseValue, FrozenDict
from sms_transfer.core.model import Interaction, Message, NoAnswer, Target, TargetKind
from sms_transfer.core.record import Record


@attrs.frozen(eq=False, repr=False)
class Need(Record):
    """What must be known to decide a command. Exactly one of the first three says which interaction it is about.

    Args:
        agents: whose present records are wanted.
        load_of: the agent whose places taken (owned interactions and live invitations) are wanted (E3).
        message_id: a text that may be recorded already (F5).
        key: an idempotency key that may be known already, with the agent it belongs to (F5).
    """

    interaction_id: str | None = None
    invitation_id: str | None = None
    transfer_id: str | None = None
    agents: tuple[str, ...] = ()
    load_of: str | None = None
    message_id: str | None = None
    key: tuple[str, str] | None = None


@attrs.frozen(eq=False, repr=False)
class Command(Record):
    """The base of all commands about an interaction."""

    def need(self) -> Need:
        """What must be known to decide this."""
        raise NotImplementedError  # pragma: no cover - every command below says it


@attrs.frozen(eq=False, repr=False)
class OpenInteraction(Command):
    """Begin a conversation with an owner."""

    interaction: Interaction = attrs.field(validator=check.one_of(Interaction))

    def need(self) -> Need:
        owner = self.interaction.owner
        if isinstance(owner, Target):
            return Need(interaction_id=self.interaction.id)
        return Need(interaction_id=self.interaction.id, agents=(owner,), load_of=owner)


@attrs.frozen(eq=False, repr=False)
class ReceiveMessage(Command):
    """Record a text from the contact (T12). The same message id twice has the effect of one (F5)."""

    message: Message = attrs.field(validator=check.one_of(Message))

    def need(self) -> Need:
        return Need(interaction_id=self.message.interaction_id, message_id=self.message.id)


@attrs.frozen(eq=False, repr=False)
class OwnerCommand(Command):
    """The base of what only the owner may do (F1)."""

    interaction_id: str = attrs.field(validator=check.identifier)
    by: str = attrs.field(validator=check.identifier, kw_only=True)
    epoch: int | None = attrs.field(default=None, validator=check.optional_count, kw_only=True)

    def need(self) -> Need:
        return Need(interaction_id=self.interaction_id, agents=(self.by,))


@attrs.frozen(eq=False, repr=False)
class Reply(OwnerCommand):
    """Text the contact."""

    message: Message = attrs.field(validator=check.one_of(Message), kw_only=True)


@attrs.frozen(eq=False, repr=False)
class UpdateCaseData(OwnerCommand):
    """Change case data: a value sets a key, None removes it."""

    changes: FrozenDict[CaseValue | None] = attrs.field(
        converter=check.to_changes, validator=check.case_data_changes, repr=False, kw_only=True
    )


@attrs.frozen(eq=False, repr=False)
class SetNote(OwnerCommand):
    """Replace the note on the conversation."""

    note: str = attrs.field(validator=check.text(check.MAX_TEXT), repr=False, kw_only=True)


@attrs.frozen(eq=False, repr=False)
class SaveAttachment(OwnerCommand):
    """Ask to save an attachment of the conversation (E4); it changes nothing."""

    attachment_id: str = attrs.field(validator=check.identifier, kw_only=True)


@attrs.frozen(eq=False, repr=False)
class MarkDone(OwnerCommand):
    """End the conversation; a live transfer is withdrawn in the same change (T13)."""


@attrs.frozen(eq=False, repr=False)
class RequestTransfer(OwnerCommand):
    """Ask a target to take the conversation (T1 to T4, Q1).

    Args:
        priority: goes before age where it must wait (Q3).
        no_answer: what becomes of an invitee who does not answer; policy says, if left out (A3).
        fallback: used once when the target cannot take it; policy says, if left out (Q5).
        on_fallback: the target was refused, and this asks the fallback at once.
    """

    target: Target = attrs.field(validator=check.one_of(Target), kw_only=True)
    transfer_id: str = attrs.field(validator=check.identifier, kw_only=True)
    invitation_id: str = attrs.field(validator=check.identifier, kw_only=True)
    note: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=False, kw_only=True)
    key: str | None = attrs.field(default=None, validator=check.optional_identifier, kw_only=True)
    priority: int = attrs.field(default=0, validator=check.count, kw_only=True)
    no_answer: NoAnswer | None = attrs.field(default=None, validator=check.optional(NoAnswer), kw_only=True)
    fallback: Target | None = attrs.field(default=None, validator=check.optional(Target), kw_only=True)
    on_fallback: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)

    @property
    def present_target(self) -> Target:
        """The target whose turn it is."""
        return self.fallback if self.on_fallback and self.fallback is not None else self.target

    def need(self) -> Need:
        target = self.present_target
        is_agent = target.kind is TargetKind.AGENT
        return Need(
            interaction_id=self.interaction_id,
            agents=(self.by, target.id) if is_agent else (self.by,),
            load_of=target.id if is_agent else None,
            key=None if self.key is None else (self.by, self.key),
        )


@attrs.frozen(eq=False, repr=False)
class Invite(Command):
    """Invite the agent whom the router picked (Q1). Where the request is not ROUTING any more, it changes nothing.

    Args:
        target: whose agent this is; where the turn is another target's by now, it changes nothing (Q5).
    """

    transfer_id: str = attrs.field(validator=check.identifier)
    agent_id: str = attrs.field(validator=check.identifier, kw_only=True)
    invitation_id: str = attrs.field(validator=check.identifier, kw_only=True)
    target: Target | None = attrs.field(default=None, validator=check.optional(Target), kw_only=True)

    def need(self) -> Need:
        return Need(transfer_id=self.transfer_id, agents=(self.agent_id,), load_of=self.agent_id)


@attrs.frozen(eq=False, repr=False)
class FailRouting(Command):
    """Record that no agent is left who ever could take it (Q1); where it is not ROUTING any more, nothing changes.

    Args:
        target: where nobody is left; where the turn is another target's by now, nothing changes (Q5).
    """

    transfer_id: str = attrs.field(validator=check.identifier)
    target: Target | None = attrs.field(default=None, validator=check.optional(Target), kw_only=True)

    def need(self) -> Need:
        return Need(transfer_id=self.transfer_id)


@attrs.frozen(eq=False, repr=False)
class Accept(Command):
    """Take what was offered under this ticket (T5)."""

    invitation_id: str = attrs.field(validator=check.identifier)
    by: str = attrs.field(validator=check.identifier, kw_only=True)

    def need(self) -> Need:
        return Need(invitation_id=self.invitation_id, agents=(self.by,), load_of=self.by)


@attrs.frozen(eq=False, repr=False)
class Reject(Command):
    """Decline what was offered under this ticket (T6)."""

    invitation_id: str = attrs.field(validator=check.identifier)
    by: str = attrs.field(validator=check.identifier, kw_only=True)
    reason: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=False, kw_only=True)

    def need(self) -> Need:
        return Need(invitation_id=self.invitation_id, agents=(self.by,))


@attrs.frozen(eq=False, repr=False)
class Cancel(Command):
    """Take a request of one's own back (T8)."""

    transfer_id: str = attrs.field(validator=check.identifier)
    by: str = attrs.field(validator=check.identifier, kw_only=True)

    def need(self) -> Need:
        return Need(transfer_id=self.transfer_id, agents=(self.by,))


@attrs.frozen(eq=False, repr=False)
class Expire(Command):
    """Record what time alone has brought: nobody answered, or nobody was found (T7, Q1).

    Never refused: too early or too late, it changes nothing (F4).
    """

    transfer_id: str = attrs.field(validator=check.identifier)

    def need(self) -> Need:
        return Need(transfer_id=self.transfer_id)


@attrs.frozen(eq=False, repr=False)
class FailInvitation(Command):
    """Record that the invitee is gone (T9). Never refused: where it is closed already, it changes nothing."""

    invitation_id: str = attrs.field(validator=check.identifier)
    disconnected: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)

    def need(self) -> Need:
        return Need(invitation_id=self.invitation_id)


@attrs.frozen(eq=False, repr=False)
class AgentCommand(Record):
    """The base of what an agent asks about their own status on the SMS channel."""

    agent_id: str = attrs.field(validator=check.identifier)


@attrs.frozen(eq=False, repr=False)
class LogIn(AgentCommand):
    """Come onto the channel, Not Ready; nothing changes for an agent who is on it already."""


@attrs.frozen(eq=False, repr=False)
class LogOut(AgentCommand):
    """Leave the channel, from any status; ``disconnected`` if the agent did not mean to (T9)."""

    disconnected: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)


@attrs.frozen(eq=False, repr=False)
class SetReady(AgentCommand):
    """Be able to receive."""


@attrs.frozen(eq=False, repr=False)
class SetNotReady(AgentCommand):
    """Stay on the channel without receiving."""

    reason: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)


@attrs.frozen(eq=False, repr=False)
class SetDoNotDisturb(AgentCommand):
    """Turn do-not-disturb on or off, whatever the status."""

    on: bool = attrs.field(validator=check.one_of(bool), kw_only=True)
