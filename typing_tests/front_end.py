"""A front end, and what else a host application plugs in, written against the ports."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import assert_type

from sms_transfer import (
    Agent,
    AsyncTransferService,
    Contact,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Message,
    Notice,
    PendingTransfer,
    Priority,
    SystemMessage,
    TransferService,
    Workspace,
)
from sms_transfer.ports import Candidate, RemovesMessages, ShowsAgent, UserInterface


class Screen:
    """Seven methods, and the two that a front end may have too."""

    def open_window(self, window: InteractionWindow) -> None:
        assert_type(window.interaction, Interaction)
        assert_type(window.transcript, tuple[Message, ...])
        assert_type(window.pending, PendingTransfer | None)
        assert_type(window.error, Notice | None)
        assert_type(window.can_transfer, bool)

    def update_window(self, window: InteractionWindow) -> None:
        assert_type(window.interaction.epoch, int)

    def close_window(self, interaction_id: str) -> None: ...

    def show_preview(self, preview: InteractionPreview) -> None:
        assert_type(preview.text, str)
        assert_type(preview.notice, Notice)
        assert_type(preview.deadline, datetime)

    def dismiss_preview(self, invitation_id: str) -> None: ...

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        assert_type(notice.code, str)

    def show_message(self, message: SystemMessage) -> None:
        assert_type(message.priority, Priority)
        assert_type(message.params, Mapping[str, str])

    def remove_message(self, message_id: str) -> None: ...

    def show_agent(self, agent: Agent) -> None: ...


class Bell:
    """A doorbell that nobody hears."""

    def ring(self, agent_ids: Collection[str]) -> None: ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> "Deaf":
        del agent_id, wake
        return Deaf()


class AsyncBell:
    """Likewise."""

    async def ring(self, agent_ids: Collection[str]) -> None: ...

    def listen(self, agent_id: str, wake: Callable[[], None]) -> "Deaf":
        del agent_id, wake
        return Deaf()


class Deaf:
    """Nothing is heard."""

    def close(self) -> None: ...


class Provider:
    """Sends nothing."""

    def send(self, message: Message, contact: Contact) -> None: ...


class AsyncProvider:
    """Likewise."""

    async def send(self, message: Message, contact: Contact) -> None: ...


class People:
    """A directory."""

    def agents(self, ids: Collection[str]) -> dict[str, Agent]:
        return {id_: Agent(id_, id_) for id_ in ids}

    def add_agent(self, agent: Agent) -> None: ...

    def replace_agent(self, known: Agent, agent: Agent) -> None: ...


class AsyncPeople:
    """Likewise."""

    async def agents(self, ids: Collection[str]) -> dict[str, Agent]:
        return {id_: Agent(id_, id_) for id_ in ids}

    async def add_agent(self, agent: Agent) -> None: ...

    async def replace_agent(self, known: Agent, agent: Agent) -> None: ...


class FirstOne:
    """A router whose reach is a plain attribute."""

    reach = 1

    def pick(self, interaction: Interaction, candidates: Sequence[Candidate]) -> str:
        assert_type(candidates[0].agent, Agent)
        assert_type(candidates[0].load, int)
        return candidates[0].agent.id


class Noon:
    """A clock."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC)


class Same:
    """An id factory."""

    def new(self, kind: str) -> str:
        return kind


def wire() -> None:
    """All of them fit where they belong."""
    called = TransferService(
        directory=People(), messaging=Bell(), gateway=Provider(), router=FirstOne(), clock=Noon(), ids=Same()
    )
    awaited = AsyncTransferService(
        directory=AsyncPeople(),
        messaging=AsyncBell(),
        gateway=AsyncProvider(),
        router=FirstOne(),
        clock=Noon(),
        ids=Same(),
    )
    assert_type(called, TransferService)
    assert_type(awaited, AsyncTransferService)
    screen = Screen()
    front_end: UserInterface = screen
    told_of_deletions: RemovesMessages = screen
    told_of_status: ShowsAgent = screen
    Workspace("bob", front_end)
    told_of_deletions.remove_message("m")
    told_of_status.show_agent(Agent("bob", "Bob"))
