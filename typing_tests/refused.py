"""What must not pass: each line here is an error, and a checker that finds none says that its comment is not needed."""

from collections.abc import Callable, Collection
from datetime import timedelta

from sms_transfer import (
    Agent,
    AsyncTransferService,
    Contact,
    Interaction,
    InteractionOpened,
    Media,
    Message,
    Target,
    TeamCommunicator,
    TransferPolicy,
    TransferRequest,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.codec import from_json
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import Messaging, Subscription, UserInterface


def names(service: TransferService, interaction: Interaction, event: InteractionOpened) -> None:
    """There is no such thing."""
    # pyrefly: ignore[missing-attribute]
    service.transfer_now("i")  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    # pyrefly: ignore[missing-attribute]
    print(interaction.owner_id)  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]
    # pyrefly: ignore[missing-attribute]
    print(event.transfer_id)  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]
    # pyrefly: ignore[missing-attribute]
    print(interaction.transfer.id)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    # pyrefly: ignore[missing-attribute]
    print(interaction.owner.id)  # type: ignore[union-attr]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]


def arguments(service: TransferService, agent: Agent) -> None:
    """Who asks is said by name, a target is a `Target`, an id is a string."""
    # pyrefly: ignore[unexpected-positional-argument]
    service.accept("t", "bob")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # pyrefly: ignore[missing-argument]
    service.accept("t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # pyrefly: ignore[bad-argument-type]
    service.request_transfer("i", "bob", by="alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    service.request_transfer("i", Target.agent("bob"), by=agent)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    service.transfer_many("i", Target.agent("bob"), by="alice", key=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-assignment]
    service.update_case_data("i", {"tier": ["gold"]}, by="alice")  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    service.eligibility("i", agent)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def values(interaction: Interaction) -> None:
    """Values cannot change, and are made of what they say."""
    # pyrefly: ignore[read-only]
    interaction.owner = "bob"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    # pyrefly: ignore[unsupported-operation]
    interaction.case_data["tier"] = 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    # pyrefly: ignore[missing-argument]
    Agent("bob")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # pyrefly: ignore[bad-argument-type]
    Agent("bob", "Bob", status="ready")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    Agent("bob", "Bob", media={"sms"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    Contact(14155550123)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[unexpected-positional-argument]
    Interaction("i", Media.SMS, Contact("12345"), "alice")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # pyrefly: ignore[bad-argument-count]
    TransferPolicy(timedelta(seconds=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # pyrefly: ignore[bad-argument-type]
    TransferPolicy(invitation_timeout=30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def results(service: TransferService, text: str) -> None:
    """What comes back is what it is."""
    # pyrefly: ignore[bad-assignment]
    message: Message = service.accept("t", by="bob")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # pyrefly: ignore[bad-assignment]
    request: TransferRequest = from_json(text, Interaction)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # pyrefly: ignore[bad-assignment]
    ended: list[str] = service.expire_due()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(message, request, ended)


class Half:
    """A front end that cannot show everything."""

    def open_window(self, window: object) -> None: ...


class Loud:
    """A doorbell that asks for one agent at a time."""

    def ring(self, agent_ids: str) -> None: ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        raise NotImplementedError


class Slow:
    """A gateway that is awaited."""

    async def send(self, message: Message, contact: Contact) -> None: ...


class Quick:
    """A doorbell that is called."""

    def ring(self, agent_ids: Collection[str]) -> None: ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Subscription:
        raise NotImplementedError


def ports(ui: UserInterface) -> None:
    """What is plugged in has all that its port asks for, called or awaited as that says."""
    # pyrefly: ignore[bad-argument-type]
    Workspace("bob", Half())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    Workspace(ui, "bob")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-assignment]
    bell: Messaging = Loud()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # pyrefly: ignore[bad-argument-type]
    TransferService(gateway=Slow())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    AsyncTransferService(MemoryStore())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-type]
    AsyncTransferService(messaging=Quick())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # pyrefly: ignore[bad-argument-count]
    TransferService(MemoryStore(), bell)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]


async def awaited(service: AsyncTransferService) -> None:
    """A coroutine is no value, and its service not one that is called."""
    # pyrefly: ignore[bad-assignment]
    interaction: Interaction = service.accept("t", by="bob")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # pyrefly: ignore[missing-attribute]
    print(service.interaction("i").owner)  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]
    # pyrefly: ignore[bad-argument-type]
    TeamCommunicator(service, "alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(interaction)
