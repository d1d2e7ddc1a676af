"""The team communicator: where an agent finds a target (T2)."""

from __future__ import annotations

from collections.abc import Collection

from sms_transfer.aio import AsyncTransferService
from sms_transfer.arguments import expect
from sms_transfer.core.model import Target, TargetKind
from sms_transfer.drive import finish
from sms_transfer.finder import PAGE, Finder, Found, View
from sms_transfer.service import TransferService


class TeamCommunicator:
    """Search, favourites, recents, presence and action menu of one agent.

    It may be called from many threads. Make one for each agent, and keep it or not, as you like: the names are indexed
    once for the whole service.

    Args:
        service: the service whose agents, queues, groups and skills are found.
        agent_id: who looks for a target.

    Raises:
        InvalidValue: ``service`` is no such service, or ``agent_id`` no id.
    """

    def __init__(self, service: TransferService, agent_id: str) -> None:
        self._finder = Finder(expect(TransferService, "service", service).team_index, agent_id)

    def search(
        self,
        text: str = "",
        *,
        interaction_id: str | None = None,
        kinds: Collection[TargetKind] | None = None,
        view: View = View.ALL,
        limit: int = PAGE,
    ) -> Found:
        """Find targets by name, id or word, as one types (T2).

        Every word of the text must be the beginning of some word of the target's name or id; case and accents do not
        count. The best matches come first (`sms_transfer.names` says which these are), and the same search gives the
        same order. Presence and actions are as of now.

        Args:
            text: what was typed so far; nothing, or only spaces, finds everybody.
            interaction_id: the conversation to be transferred; without one there are no actions.
            kinds: only targets of these kinds.
            view: all, or only this agent's favourites or recents; with nothing typed, these come in their own order.
            limit: how many to show; `Found.total` counts all.

        Raises:
            NotFound: there is no such agent, or no such conversation.
            InvalidValue: one of the arguments is none of what it should be.
        """
        return finish(self._finder.search(text, interaction_id=interaction_id, kinds=kinds, view=view, limit=limit))

    @property
    def favourites(self) -> tuple[Target, ...]:
        """The targets that this agent has marked and that there still are, in the order marked."""
        return finish(self._finder.favourites())

    @property
    def recents(self) -> tuple[Target, ...]:
        """The last targets that this agent asked and that there still are, the latest first."""
        return finish(self._finder.recents())

    def add_favourite(self, target: Target) -> None:
        """Mark a target as a favourite; it stays one as long as the store lasts. Marking it twice does no harm.

        Raises:
            NotFound: there is no such target, or no such agent.
            NotPermitted: the agent lacks the privilege to manage favourites (E4).
        """
        finish(self._finder.add_favourite(target))

    def remove_favourite(self, target: Target) -> None:
        """Take the mark away; of what is not marked, nothing is taken.

        Raises:
            NotFound: there is no such agent.
            NotPermitted: the agent lacks the privilege to manage favourites (E4).
        """
        finish(self._finder.remove_favourite(target))


class AsyncTeamCommunicator(Finder):
    """`TeamCommunicator` for whoever awaits: the same as coroutines, ``favourites()`` and ``recents()`` included.

    Args:
        service: the service whose agents, queues, groups and skills are found.
        agent_id: who looks for a target.
    """

    def __init__(self, service: AsyncTransferService, agent_id: str) -> None:
        super().__init__(expect(AsyncTransferService, "service", service).team_index, agent_id)
