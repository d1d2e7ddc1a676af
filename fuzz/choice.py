"""Choices made of bytes: the fuzzer writes bytes, and a target needs numbers, words and things to pick from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
_LONGEST: Final = 24


class Choice:
    """Takes bytes from the front, as many as each choice needs; at their end, every choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Whether all bytes are used up."""
        return self._at >= len(self._data)

    def number(self, below: int) -> int:
        """From 0 up to and without ``below``, which is at most 256."""
        if self.is_over:
            return 0
        self._at += 1
        return self._data[self._at - 1] % below

    def pick(self, values: Sequence[T]) -> T:
        """One of these; the sequence must not be empty, nor longer than 256."""
        return values[self.number(len(values))]

    def text(self) -> str:
        """Any text that a provider could bring, and some that none could: lone surrogates among it."""
        length = self.number(_LONGEST)
        piece, self._at = self._data[self._at : self._at + length], self._at + length
        return piece.decode("utf-8", errors="surrogateescape")
