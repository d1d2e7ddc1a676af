"""Who waits for whom, in memory; used under the lock of `MemoryStore`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection
from datetime import datetime

from sms_transfer.core.model import Target, TransferRequest

Turn = tuple[int, datetime, str]
"""When a request is routed (Q3): the least first. Its priority, the highest being least; its age; its id."""


def turn_of(request: TransferRequest) -> Turn:
    """The turn of this request."""
    return (-request.priority, request.requested_at, request.id)


class MemoryLines:
    """The requests that are ROUTING, by target, in the order in which they are routed (Q3)."""

    def __init__(self, is_waiting: Callable[[str, Target], bool]) -> None:
        self._is_waiting = is_waiting
        self._lines: dict[Target, list[Turn]] = {}  # heaps; entries of requests that have left go when they come up
        self._counts: dict[Target, int] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def enter(self, target: Target, request: TransferRequest) -> None:
        heapq.heappush(self._lines.setdefault(target, []), turn_of(request))
        self._counts[target] = self._counts.get(target, 0) + 1

    def leave(self, target: Target) -> None:
        """One of this target's requests has left: say so after it is recorded."""
        left = self._counts[target] - 1
        if left:
            self._counts[target] = left
            line = self._lines[target]
            if len(line) > 2 * left + 64:  # mostly entries of requests that have left: drop them
                self._lines[target] = sorted({turn for turn in line if self._is_waiting(turn[2], target)})
        else:
            del self._counts[target]
            del self._lines[target]

    def targets(self) -> frozenset[Target]:
        return frozenset(self._counts)

    def count(self, target: Target) -> int:
        return self._counts.get(target, 0)

    def first(self, targets: Collection[Target], after: Turn | None, limit: int) -> list[Turn]:
        found = [turn for target in set(targets) for turn in self._first(target, after, limit)]
        return sorted(found)[:limit]

    def _first(self, target: Target, after: Turn | None, limit: int) -> Collection[Turn]:
        line = self._lines.get(target)
        if line is None:
            return ()
        if after is not None:
            return [turn for turn in sorted(set(line)) if turn > after and self._is_waiting(turn[2], target)][:limit]
        found = dict[Turn, None]()  # what came again is in the heap again, too
        while line and len(found) < limit:
            turn = heapq.heappop(line)
            if self._is_waiting(turn[2], target):
                found[turn] = None
        for turn in found:
            heapq.heappush(line, turn)
        return found
