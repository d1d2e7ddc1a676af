"""Teams where the host's directory knows agents and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Target
from sms_transfer.core.policy import may_be_able
from sms_transfer.ports import AsyncDirectory, AsyncTeams, Roster


class TeamsByDirectory:
    """An `AsyncTeams` in which the store keeps the queues and a directory is asked for their members.

    A directory can be asked for agents by id only, so there are no agent groups and skills, everything costs what the
    queue has of members, and who is longest idle is not known.
    """

    def __init__(self, store: AsyncTeams, directory: AsyncDirectory) -> None:
        self._store = store
        self._directory = directory
        self.queues: Final = store.queues
        self.queue_names: Final = store.queue_names
        self.add_queue: Final = store.add_queue
        self.replace_queue: Final = store.replace_queue
        self.served_by: Final = store.served_by

    async def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        """As `Teams.members`, by id."""
        return (await self._known((target,)))[:limit]

    async def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        """As `Teams.able`, by id."""
        return (await self._able(target, statuses))[:limit]

    async def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        """As `Teams.ready`."""
        ready = frozenset({ChannelStatus.READY})
        return {target: len(await self._able(target, ready)) for target in targets}

    async def roster(self, since: int | None) -> Roster:
        """As `Teams.roster`: those who serve some queue. Where nothing of the queues changed, nothing is said."""
        queues = await self._store.roster(since)
        if queues.queues and not queues.complete:  # whoever has left their last queue shows only in all of them
            queues = await self._store.roster(None)
        agents = await self._known([queue.target for queue in queues.queues])
        return Roster(version=queues.version, agents=agents, queues=queues.queues, complete=queues.complete)

    async def _able(self, target: Target, statuses: Collection[ChannelStatus]) -> tuple[Agent, ...]:
        members = await self._known((target,))
        return tuple([one for one in members if one.status in statuses and may_be_able(one)])

    async def _known(self, targets: Iterable[Target]) -> tuple[Agent, ...]:
        found = await self._store.queues(tuple(targets))
        ids = sorted({id_ for queue in found.values() for id_ in queue.members})
        known = await self._directory.agents(ids)
        return tuple([known[id_] for id_ in ids if id_ in known])
