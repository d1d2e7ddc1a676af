"""Observers for tests."""

from __future__ import annotations

from collections.abc import Mapping

from sms_transfer import Conflict, TargetKind
from sms_transfer.ports import Committed, Operation


class Watched:
    """One operation, as it was told."""

    def __init__(self, operation: Operation, inside: Watched | None) -> None:
        self.operation = operation
        self.inside = inside
        self.conflicts: list[Conflict] = []
        self.committed: list[Committed] = []
        self.done: tuple[int, Mapping[TargetKind, int]] | None = None
        self.ends: list[BaseException | None] = []

    @property
    def name(self) -> str:
        return self.operation.name

    def beaten(self, conflict: Conflict) -> None:
        self.conflicts.append(conflict)

    def recorded(self, committed: Committed) -> None:
        self.committed.append(committed)

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        self.done = done, waiting

    def end(self, error: BaseException | None) -> None:
        self.ends.append(error)


class Watching:
    """An observer that remembers everything."""

    def __init__(self) -> None:
        self.all: list[Watched] = []

    def begin(self, operation: Operation) -> Watched:
        under_way = [watched for watched in self.all if not watched.ends]
        self.all.append(Watched(operation, under_way[-1] if under_way else None))
        return self.all[-1]

    def named(self, name: str) -> list[Watched]:
        return [watched for watched in self.all if watched.name == name]

    @property
    def names(self) -> list[str]:
        return [watched.name for watched in self.all]


class Raising(Watched):
    """An operation whose observer raises wherever it is told to."""

    def __init__(self, operation: Operation, where: str) -> None:
        super().__init__(operation, None)
        self._where = where

    def _raise(self, where: str) -> None:
        if where == self._where:
            raise RuntimeError("the marked words")

    def beaten(self, conflict: Conflict) -> None:
        self._raise("beaten")

    def recorded(self, committed: Committed) -> None:
        self._raise("recorded")

    def swept(self, done: int, waiting: Mapping[TargetKind, int]) -> None:
        self._raise("swept")

    def end(self, error: BaseException | None) -> None:
        self._raise("end")


class Failing:
    """An observer that raises at ``where``: ``begin``, ``recorded`` and so on."""

    def __init__(self, where: str) -> None:
        self._where = where

    def begin(self, operation: Operation) -> Raising:
        if self._where == "begin":
            raise RuntimeError("the marked words")
        return Raising(operation, self._where)
