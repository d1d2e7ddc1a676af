"""Finding targets by what they are called, as one types: the search behind the team communicator (T2).

**What matches.** A target matches a text if every word of the text is the beginning of some word of the target's name
or id (two words of the text may begin the same one). Case, accents and punctuation make no difference: `folding`
tells what a word is. A text without any word, empty or of punctuation only, matches every target.

**What comes first.** Three tiers; a target is in the first that holds:

1. its name or its id is the whole text (both as `folding.line`: spaces and punctuation make no difference),
2. its name begins with the whole text (likewise),
3. it matches.

Within a tier, and where the text has no word, targets stand in the order of the line of their name, then kind, then
id, by code points. No two targets are equal in that, so the order is the same each time.

**How it works.** Each target has a *slot*, a small number, for as long as it is in the index. A set of targets is a
*bitset*: a whole number with the bit of each slot set. Of 100,000 targets that is 13 kB, and ``&``, ``|`` and counting
take Python a few microseconds. Three sorted lists lead to slots: words, lines of names (with kind and id: that is the
order above) and lines of ids. All that begins with the same letters is one stretch of a sorted list, so one operation
serves all three: `_Sorted.between` makes the bitset of a stretch. The list is cut into blocks, each of which keeps the
bitset of its own slots, so a long stretch is the union of many blocks and of the ends of two, however many words lie
in it and whether or not it was asked for before; nothing is cached. A search is then the intersection of the bitsets of
its words, the total is the number of bits, the tiers are intersections with two more stretches, and the first page is
what the blocks of the names, in their order, have in common with it.

**What it costs.** A block is at most some multiple of the square root of the entries long, so that both a search and a
change touch about so many. A change takes entries out of and puts entries into blocks where they stand; nothing is
ever rebuilt, and the next search sees it. How long a text can be makes no difference to how many words are looked up:
`folding.wanted` leaves words of which no two can begin the same word, so more of them than any target has words match
nothing, and that is known without looking.

Nothing here is locked: whoever shares an index between threads holds a lock around every call.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from math import isqrt
from typing import Final, Generic, TypeVar

import attrs

from sms_transfer import folding
from sms_transfer.core.model import Target, TargetKind

K = TypeVar("K", str, tuple[str, ...])

_BEYOND: Final = "\U0010ffff"
"""Is never in a folded text, and behind all that is: with it ends the stretch of what begins with something."""
_NEXT: Final = "\0"
"""Likewise, and before all that is: with it ends the stretch of what is equal to something."""
_LEAST: Final = 256
"""Entries that a block may have however few there are in all."""
_WIDTH: Final = 2
"""How many times the square root of all entries a block may have."""
_FEW: Final = 500
"""Up to so many targets are put in order one by one, rather than found in the order of all."""
_BITS: Final = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
_BYTE: Final = re.compile(rb"[^\0]")


@attrs.frozen
class Matches:
    """What a search found.

    Args:
        total: how many targets match.
        targets: the first of them, best first.
    """

    total: int
    targets: tuple[Target, ...]


@attrs.frozen
class _Entry:
    target: Target
    name: str = attrs.field(repr=False)
    key: tuple[str, ...] = attrs.field(repr=False)
    """What it is ordered by."""


class NameIndex:
    """The names of targets, searched as one types. `sms_transfer.names` tells what matches, and in what order.

    Args:
        pairs: targets with their names, to begin with; the last name of a target counts. This takes a tenth of the
            time of as many calls of `put`.
    """

    def __init__(self, pairs: Iterable[tuple[Target, str]] = ()) -> None:
        entries = sorted((_entry(target, name) for target, name in dict(pairs).items()), key=_key)
        self._entries = dict(enumerate(entries))
        self._slots = {entry.target: slot for slot, entry in self._entries.items()}
        self._free: list[int] = []
        self._kinds = dict.fromkeys(TargetKind, 0)
        self._most_words = 0
        words: defaultdict[str, list[int]] = defaultdict(list)
        ids: defaultdict[str, list[int]] = defaultdict(list)
        kinds: defaultdict[TargetKind, list[int]] = defaultdict(list)
        for slot, entry in self._entries.items():
            for word in self._words(entry):
                words[word].append(slot)
            ids[_id_line(entry.target)].append(slot)
            kinds[entry.target.kind].append(slot)
        self._kinds |= {kind: _bitset(slots) for kind, slots in kinds.items()}
        self._by_word = _Sorted(words)
        self._by_id = _Sorted(ids)
        self._by_name = _Sorted({entry.key: [slot] for slot, entry in self._entries.items()})

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, target: Target, name: str) -> None:
        """Add a target, or give it another name."""
        slot = self._slots.get(target)
        before = None if slot is None else self._entries[slot]
        entry = _entry(target, name)
        if slot is None:
            slot = self._slots[target] = self._free.pop() if self._free else len(self._slots)
            self._kinds[target.kind] |= 1 << slot
            self._by_id.add(_id_line(target), slot)
        self._entries[slot] = entry
        self._move(slot, before, entry)

    def discard(self, target: Target) -> None:
        """Take a target out, if it is there."""
        slot = self._slots.pop(target, None)
        if slot is None:
            return
        self._move(slot, self._entries.pop(slot), None)
        self._by_id.remove(_id_line(target), slot)
        self._kinds[target.kind] ^= 1 << slot
        self._free.append(slot)

    def search(
        self,
        text: str,
        *,
        kinds: frozenset[TargetKind] | None,
        limit: int,
        among: Collection[Target] | None = None,
    ) -> Matches:
        """Find the targets that match a text.

        Args:
            text: what was typed so far. Anything will do.
            kinds: only targets of these kinds; of all if None.
            limit: how many of them to return.
            among: only these targets, and, where the text has no word, in this order.
        """
        folded = folding.fold(text)
        wanted = folding.wanted(folded)
        matches = self._matches(wanted, kinds)
        if among is not None:
            slots = [self._slots[target] for target in dict.fromkeys(among) if target in self._slots]
            matches &= _bitset(slots)
            if not wanted:
                return self._made(matches, islice(_of(matches, slots), max(limit, 0)))
        return self._made(matches, self._best(matches, folding.line(folded), limit))

    def _matches(self, wanted: list[str], kinds: frozenset[TargetKind] | None) -> int:
        matches = _union(slots for kind, slots in self._kinds.items() if kinds is None or kind in kinds)
        if len(wanted) > self._most_words:
            return 0
        for word in sorted(wanted, key=len, reverse=True):  # the longest is likely to leave the fewest
            if not matches:
                break
            matches &= self._by_word.between(word, word + _BEYOND)
        return matches

    def _best(self, matches: int, line: str, limit: int) -> Iterable[int]:
        best: dict[int, None] = {}
        for slot in chain.from_iterable(self._tiers(matches, line)):
            if len(best) >= limit:
                break
            best[slot] = None
        return best

    def _tiers(self, matches: int, line: str) -> Iterator[Iterable[int]]:
        """The slots of each tier in the order of names; who is in one is in all that follow, too."""
        few = self._sorted(matches) if matches.bit_count() <= _FEW else None
        if line:
            low, equal, high = (line,), (line + _NEXT,), (line + _BEYOND,)
            whole = self._by_name.between(low, equal) | self._by_id.between(line, line + _NEXT)
            yield self._sorted(matches & whole)
            if few is None:
                yield self._by_name.common(matches, low, high)
            else:
                yield (slot for slot in few if self._entries[slot].key[0].startswith(line))
        yield self._by_name.common(matches, ("",), (_BEYOND,)) if few is None else few

    def _sorted(self, matches: int) -> list[int]:
        return sorted(_slots(matches), key=lambda slot: self._entries[slot].key)

    def _made(self, matches: int, slots: Iterable[int]) -> Matches:
        return Matches(matches.bit_count(), tuple(self._entries[slot].target for slot in slots))

    def _move(self, slot: int, before: _Entry | None, after: _Entry | None) -> None:
        """Enter a slot under other words and another name; under the same words it stays."""
        old = self._words(before) if before else set[str]()
        new = self._words(after) if after else set[str]()
        for word in old - new:
            self._by_word.remove(word, slot)
        for word in new - old:
            self._by_word.add(word, slot)
        if before:
            self._by_name.remove(before.key, slot)
        if after:
            self._by_name.add(after.key, slot)

    def _words(self, entry: _Entry) -> set[str]:
        found = folding.words(folding.fold(entry.name)) | folding.words(folding.fold(entry.target.id))
        # Kept when such targets go: too many words of a text may be looked up then, which does no harm.
        self._most_words = max(self._most_words, len(found))
        return found


@attrs.define
class _Block(Generic[K]):
    """One piece of a sorted list: keys, the slot of each, and the bitset of these slots."""

    keys: list[K]
    slots: list[int]
    bits: int


class _Sorted(Generic[K]):
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
            return _bitset(begin.slots[start:stop])
        whole = (block.bits for block in islice(self.blocks, first + 1, last))
        return _union(chain((_bitset(begin.slots[start:]), _bitset(end.slots[:stop])), whole))

    def common(self, bits: int, low: K, high: K) -> Iterator[int]:
        """The slots of a bitset under keys from ``low`` on and before ``high``, in the order of the keys."""
        return _of(bits, self._stretch(bits, low, high))

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
    return _Block(keys, slots, _bitset(slots))


def _entry(target: Target, name: str) -> _Entry:
    return _Entry(target, name, (folding.line(folding.fold(name)), target.kind, target.id))


def _key(entry: _Entry) -> tuple[str, ...]:
    return entry.key


def _id_line(target: Target) -> str:
    return folding.line(folding.fold(target.id))


def _bitset(slots: Collection[int]) -> int:
    if not slots:
        return 0
    flags = bytearray((max(slots) >> 3) + 1)
    for slot in slots:
        flags[slot >> 3] |= 1 << (slot & 7)
    return int.from_bytes(flags, "little")


def _union(bitsets: Iterable[int]) -> int:
    union = 0
    for bits in bitsets:
        union |= bits
    return union


def _slots(bits: int) -> Iterator[int]:
    """The slots of a bitset: cheap if they are few."""
    for found in _BYTE.finditer(_flags(bits)):
        base = found.start() << 3
        yield from (base + bit for bit in _BITS[found[0][0]])


def _of(bits: int, slots: Iterable[int]) -> Iterator[int]:
    """Those of the slots that are in a bitset, in their order."""
    flags = _flags(bits)
    beyond = len(flags) << 3
    return (slot for slot in slots if slot < beyond and flags[slot >> 3] >> (slot & 7) & 1)


def _flags(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() >> 3) + 1, "little")
