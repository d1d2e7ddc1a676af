"""The library's side: a centre whose agents hand conversations round, with every desktop connected."""

from __future__ import annotations

from itertools import count
from typing import Final

from sms_transfer import (
    Agent,
    CaseValue,
    ChannelStatus,
    Contact,
    Interaction,
    InteractionPreview,
    InteractionWindow,
    Media,
    Notice,
    SystemMessage,
    Target,
    TransferPolicy,
    TransferService,
    Workspace,
)

PLENTY: Final = 1_000_000_000
STRIDE: Final = 7_919  # a prime: whoever is next is never a neighbour, in memory either
CASE_DATA: Final[dict[str, CaseValue]] = {"tier": "gold", "language": "en", "orders": 3}
TEXTS: Final = ("Where is my parcel?", "It was due on Monday.")


class SilentUI:
    """A front end that shows nothing, so that none is measured."""

    def open_window(self, window: InteractionWindow) -> None:
        """Do nothing."""

    def update_window(self, window: InteractionWindow) -> None:
        """Do nothing."""

    def close_window(self, interaction_id: str) -> None:
        """Do nothing."""

    def show_preview(self, preview: InteractionPreview) -> None:
        """Do nothing."""

    def dismiss_preview(self, invitation_id: str) -> None:
        """Do nothing."""

    def show_error(self, interaction_id: str, notice: Notice) -> None:
        """Do nothing."""

    def show_message(self, message: SystemMessage) -> None:
        """Do nothing."""


class Centre:
    """Agents in a ring who own equally many conversations and hand them on to their neighbour.

    Args:
        agents: how many; 2 or more.
    """

    def __init__(self, *, agents: int) -> None:
        self.service = TransferService(policy=TransferPolicy(max_hops=PLENTY))
        self._agents = [f"agent-{number}" for number in range(agents)]
        for agent_id in self._agents:
            self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY, capacity=PLENTY))
        self._targets = [Target.agent(agent_id) for agent_id in self._agents]
        self._interactions: list[str] = []
        self._owners: list[int] = []
        self._desktops: list[Workspace] = []
        self._turns = count()

    @classmethod
    def at_work(cls, *, agents: int, interactions: int) -> Centre:
        """A centre with open interactions and every desktop connected."""
        centre = cls(agents=agents)
        centre.open(interactions)
        centre.connect()
        return centre

    def open(self, interactions: int) -> None:
        """Open so many, with two texts in each, owned by one agent after the other."""
        self._interactions = [f"interaction-{number}" for number in range(interactions)]
        self._owners = [number % len(self._agents) for number in range(interactions)]
        for interaction_id, owner in zip(self._interactions, self._owners, strict=True):
            self.service.open_interaction(
                Interaction(
                    interaction_id,
                    media=Media.SMS,
                    contact=Contact("+14155550100", name="Jane Roe"),
                    owner=self._agents[owner],
                    case_data=CASE_DATA,
                )
            )
            for text in TEXTS:
                self.service.receive_message(interaction_id, text)

    def connect(self) -> None:
        """Give each agent a desktop that shows what there is."""
        self._desktops = [Workspace(agent_id, SilentUI()) for agent_id in self._agents]
        for desktop in self._desktops:
            self.service.connect(desktop)

    def transfer(self) -> None:
        """Hand the next conversation on: request and accept, and both desktops show it when this returns."""
        which = next(self._turns) * STRIDE % len(self._interactions)
        sender = self._owners[which]
        invitee = (sender + 1) % len(self._agents)
        request = self.service.request_transfer(
            self._interactions[which], self._targets[invitee], by=self._agents[sender]
        )
        if request.invitation is not None:
            self.service.accept(request.invitation.id, by=self._agents[invitee])
        self._owners[which] = invitee

    def check(self) -> None:
        """Make sure that the desktops show who owns what: work left undone must not look fast."""
        shown = {(desktop.agent_id, interaction_id) for desktop in self._desktops for interaction_id in desktop.windows}
        owned = zip((self._agents[owner] for owner in self._owners), self._interactions, strict=True)
        if shown != set(owned) or any(desktop.previews for desktop in self._desktops):
            raise RuntimeError("the desktops do not show who owns what")
