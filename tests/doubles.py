"""Front ends and doorbells that misbehave, and a centre that is rung by one of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum

from sms_transfer import (
    Agent,
    Conflict,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Media,
    Notice,
    Privilege,
    SystemMessage,
    TransferRequest,
    TransferService,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer.testing import RecordingUI
from support import CONTACT, Centre, Desk

WITHOUT_DECLINE = frozenset(Privilege) - {Privilege.DECLINE}
AGENTS = ("alice", "bob", "carol")


def names(desk: Desk) -> list[str]:
    """The names of the calls of a front end, in order."""
    return [name for name, _ in desk.ui.calls]


def clear(*desks: Desk) -> None:
    """Forget what these front ends were called with so far."""
    for desk in desks:
        desk.ui.calls.clear()


def rejected(centre: Centre, reason: str = "") -> TransferRequest:
    """A transfer of ``"i"`` that Bob has rejected."""
    return centre.service.reject(centre.ticket(centre.invite()), by="bob", reason=reason)


def assert_true(desk: Desk, service: TransferService) -> None:
    """The desktop and its front end show what a desktop that is opened now would show (D7)."""
    fresh = Desk(service, desk.workspace.agent_id, desk.workspace.settings)
    fresh.connection.close()
    assert fresh.workspace.windows == desk.workspace.windows
    assert fresh.workspace.previews == desk.workspace.previews
    assert fresh.workspace.my_messages == desk.workspace.my_messages
    assert dict(desk.workspace.windows) == desk.ui.windows
    assert dict(desk.workspace.previews) == desk.ui.previews
    expected = {id_: window.error for id_, window in desk.workspace.windows.items() if window.error is not None}
    assert expected == desk.ui.errors
    assert desk.workspace.my_messages == tuple(reversed(desk.ui.messages.values()))


class Listening:
    """A place at the bell."""

    def __init__(self, bell: Bell, agent_id: str, wake: Callable[[], None]) -> None:
        self.bell = bell
        self.agent_id = agent_id
        self.wake = wake

    def close(self) -> None:
        if self in self.bell.listening:
            self.bell.listening.remove(self)


class Fate(Enum):
    """What becomes of a ring."""

    HEARD = "heard"
    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"


class Bell:
    """A `Messaging` whose rings are heard, lost, doubled or late, as a test wants it."""

    def __init__(self) -> None:
        self.listening: list[Listening] = []
        self.fates = dict.fromkeys(AGENTS, Fate.HEARD)
        self.late: list[Callable[[], None]] = []
        self.error: Exception | None = None

    def ring(self, agent_ids: Collection[str]) -> None:
        if self.error is not None:
            raise self.error
        for one in tuple(self.listening):
            if one.agent_id in agent_ids:
                self._meet(self.fates[one.agent_id], one.wake)

    def _meet(self, fate: Fate, wake: Callable[[], None]) -> None:
        if fate is Fate.LATE:
            self.late.append(wake)
        elif fate is not Fate.LOST:
            for _ in range(2 if fate is Fate.DOUBLED else 1):
                wake()

    def all_rings_are(self, fate: Fate) -> None:
        """Decide what becomes of every ring from now on."""
        self.fates = dict.fromkeys(AGENTS, fate)

    def come_late(self) -> None:
        """Deliver what is late, the last ring first."""
        late, self.late = self.late, []
        for wake in reversed(late):
            wake()

    def listen(self, agent_id: str, wake: Callable[[], None]) -> Listening:
        one = Listening(self, agent_id, wake)
        self.listening.append(one)
        return one


class Belfry(Centre):
    """A centre with a bell that a test has in hand."""

    def __init__(self, settings: WorkspaceSettings | None = None) -> None:
        self.bell = Bell()
        super().__init__(messaging=self.bell, settings=settings)

    def open(self, interaction_id: str) -> None:
        """Open an interaction of Alice's."""
        self.service.open_interaction(Interaction(interaction_id, media=Media.SMS, contact=CONTACT, owner="alice"))

    def offer(self) -> str:
        """Offer ``"i"`` to Bob; the ticket."""
        return self.ticket(self.invite())

    def assert_all_true(self) -> None:
        """Every desktop shows the truth."""
        for desk in self.desks.values():
            assert_true(desk, self.service)


class StumblingUI(RecordingUI):
    """A front end that raises once, at the call that a test says; that call shows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls_until_stumble = -1

    def _step(self) -> None:
        self.calls_until_stumble -= 1
        if self.calls_until_stumble == -1:
            raise RuntimeError("+14155550123 said hello")

    def open_window(self, window: InteractionWindow) -> None:
        self._step()
        super().open_window(window)

    def update_window(self, window: InteractionWindow) -> None:
        self._step()
        super().update_window(window)

    def close_window(self, interaction_id: str) -> None:
        self._step()
        super().close_window(interaction_id)

    def show_preview(self, preview: InteractionPreview) -> None:
        self._step()
        super().show_preview(preview)

    def dismiss_preview(self, invitation_id: str) -> None:
        self._step()
        super().dismiss_preview(invitation_id)

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        self._step()
        super().show_error(interaction_id, notice)

    def show_message(self, message: SystemMessage) -> None:
        self._step()
        super().show_message(message)

    def remove_message(self, message_id: str) -> None:
        self._step()
        super().remove_message(message_id)


class StumblingDesk(Desk):
    """A desk with a front end that stumbles."""

    def __init__(self, service: TransferService, agent_id: str) -> None:
        self.stumbling = StumblingUI()
        self.ui = self.stumbling
        self.workspace = Workspace(agent_id, self.ui)
        self.connection = service.connect(self.workspace)


class StatusUI(RecordingUI):
    """A front end that shows how its agent stands."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: list[Agent] = []

    def show_agent(self, agent: Agent) -> None:
        self.agents.append(agent)


class PlainUI:
    """A front end with the calls that every one has, and no `remove_message`."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def open_window(self, window: InteractionWindow) -> None:
        pass

    def update_window(self, window: InteractionWindow) -> None:
        pass

    def close_window(self, interaction_id: str) -> None:
        pass

    def show_preview(self, preview: InteractionPreview) -> None:
        pass

    def dismiss_preview(self, invitation_id: str) -> None:
        pass

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        pass

    def show_message(self, message: SystemMessage) -> None:
        self.messages.append(message.id)


class PlainDirectory:
    """A host's `Directory` that knows agents by id and nothing of teams."""

    def __init__(self, *agents: Agent) -> None:
        self.known = {agent.id: agent for agent in agents}

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return {id_: self.known[id_] for id_ in ids if id_ in self.known}

    def add_agent(self, agent: Agent) -> None:
        self.known[agent.id] = agent

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        if self.known.get(agent.id) != known:
            raise Conflict(kind="agent", id=agent.id)
        self.known[agent.id] = agent
