"""Sets of slots as whole numbers, and sorted lists that lead to them: what `sms_transfer.names` is built of.

A *slot* is a small number that stands for something, a *bitset* a whole number with the bit of each slot set. A
bitset of 100,000 slots has 13 kB, and ``&``, ``|`` and counting take Python a few microseconds.

`SortedSlots` keeps keys in order, with slots under them. The list is cut into blocks, each of which keeps the bitset of
its own slots, so the bitset of a long stretch of keys is the union of many blocks and of the ends of two. A block
is at most some multiple of the square root of all entries long, so that looking and changing both touch about so many.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from math import isqrt
from typing import Final, Generic, TypeVar

import attrs

K = TypeVar("K", str, tuple[str, ...])

_LEAST: Final = 256
"""Entries that a block may have however few there are in all."""
_WIDTH: Final = 2
"""How many times the square root of all entries a block may have."""
_BITS: Final = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
_BYTE: Final = re.compile(rb"[^\0]")


@attrs.define
class _Block(Generic[K]):
    """One piece of a sorted list: keys, the slot of each, and the bitset of these slots."""

    keys: list[K]
    slots: list[int]
    bits: int


class SortedSlots(Generic[K]):
    """Keys in order, any number of slots under each.

    Between two blocks stands a bound: no key of the left one is greater, and none of the right one less. It stays
    when the keys beside it go. There is always a block, if only an empty one.
    """

    def __init__(self, slots_by_key: Mapping[K, list[int]]) -> None:
        ordered = sorted(slots_by_key)
        keys = [key for key in ordered for _ in slots_by_key[key]]
        slots = [slot for key in ordered for slot in slots_by_key[key]]
        self._size = len(keys)
        step = self._longest() // 2
        self.blocks: list[_Block[K]] = [
            _block(keys[begin : begin + step], slots[begin : begin + step]) for begin in range(0, len(keys), step)
        ] or [_block(keys, slots)]
        self._bounds: list[K] = [block.keys[0] for block in self.blocks[1:]]

    def between(self, low: K, high: K) -> int:
        """The bitset of all slots under keys from ``low`` on and before ``high``."""
        first, last = bisect_left(self._bounds, low), bisect_left(self._bounds, high)
        begin, end = self.blocks[first], self.blocks[last]
        start, stop = bisect_left(begin.keys, low), bisect_left(end.keys, high)
        if first == last:
            return bitset(begin.slots[start:stop])
        whole = (block.bits for block in islice(self.blocks, first + 1, last))
        return union(chain((bitset(begin.slots[start:]), bitset(end.slots[:stop])), whole))

    def common(self, bits: int, low: K, high: K) -> Iterator[int]:
        """The slots of a bitset under keys from ``low`` on and before ``high``, in the order of the keys."""
        return those_in(bits, self._stretch(bits, low, high))

    def _stretch(self, bits: int, low: K, high: K) -> Iterator[int]:
        first, last = bisect_left(self._bounds, low), bisect_left(self._bounds, high)
        for block in islice(self.blocks, first, last + 1):
            if block.bits & bits:
                yield from block.slots[bisect_left(block.keys, low) : bisect_left(block.keys, high)]

    def add(self, key: K, slot: int) -> None:
        """Enter a slot under a key, where it is not yet."""
        self._size += 1
        at = bisect_right(self._bounds, key)
        block = self.blocks[at]
        index = bisect_right(block.keys, key)
        block.keys.insert(index, key)
        block.slots.insert(index, slot)
        block.bits |= 1 << slot
        if len(block.keys) > self._longest():
            half = len(block.keys) // 2
            self._bounds.insert(at, block.keys[half])
            self.blocks[at : at + 1] = (
                _block(block.keys[:half], block.slots[:half]),
                _block(block.keys[half:], block.slots[half:]),
            )

    def remove(self, key: K, slot: int) -> None:
        """Take out a slot that is under a key."""
        self._size -= 1
        at, index = self._find(key, slot)
        block = self.blocks[at]
        del block.keys[index], block.slots[index]
        if slot not in block.slots:  # it may be there under another key
            block.bits ^= 1 << slot
        if len(self.blocks) > 1:
            self._join(max(at - 1, 0))

    def _find(self, key: K, slot: int) -> tuple[int, int]:
        at = bisect_left(self._bounds, key)
        while True:
            block = self.blocks[at]
            if block.bits >> slot & 1:
                begin, end = bisect_left(block.keys, key), bisect_right(block.keys, key)
                if slot in block.slots[begin:end]:
                    return at, block.slots.index(slot, begin, end)
            at += 1

    def _join(self, at: int) -> None:
        """Make one block of two neighbours that have become short, so that there are never many of few entries."""
        left, right = self.blocks[at : at + 2]
        if len(left.keys) + len(right.keys) <= self._longest() // 2:
            joined = _Block(left.keys + right.keys, left.slots + right.slots, left.bits | right.bits)
            self.blocks[at : at + 2] = [joined]
            del self._bounds[at]

    def _longest(self) -> int:
        return max(_LEAST, _WIDTH * isqrt(self._size))


def _block(keys: list[K], slots: list[int]) -> _Block[K]:
    return _Block(keys, slots, bitset(slots))


def bitset(slots: Collection[int]) -> int:
    """The bitset of some slots."""
    if not slots:
        return 0
    flags = bytearray((max(slots) >> 3) + 1)
    for slot in slots:
        flags[slot >> 3] |= 1 << (slot & 7)
    return int.from_bytes(flags, "little")


def union(bitsets: Iterable[int]) -> int:
    """All that is in any of them."""
    # A loop: type checkers lose their way in reduce(or_, …).
    union = 0
    for bits in bitsets:
        union |= bits
    return union


def slots_of(bits: int) -> Iterator[int]:
    """The slots of a bitset: cheap if they are few."""
    for found in _BYTE.finditer(_flags(bits)):
        base = found.start() << 3
        yield from (base + bit for bit in _BITS[found[0][0]])


def those_in(bits: int, slots: Iterable[int]) -> Iterator[int]:
    """Those of the slots that are in a bitset, in their order."""
    flags = _flags(bits)
    beyond = len(flags) << 3
    return (slot for slot in slots if slot < beyond and flags[slot >> 3] >> (slot & 7) & 1)


def _flags(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() >> 3) + 1, "little")
