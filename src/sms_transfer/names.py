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

**How it works.** Each target has a *slot*, a small number, for as long as it is in the index, and a set of targets is
a *bitset* of slots (`slots` tells what that is). Three sorted lists lead to slots: words, lines of names (with kind
and id: that is the order above) and lines of ids. All that begins with the same letters is one stretch of a sorted
list, and its bitset costs much the same however many words lie in it and whether or not it was asked for before:
nothing is cached. A search is the intersection of the bitsets of its words; the total is the number of its bits. The
first page is found by putting them in order where they are few, and otherwise by going through the names in order,
from where the tier begins, past the blocks that have none of them.

**What it costs.** A change takes entries out of the lists and puts others in, where they stand; nothing is ever
rebuilt, and the next search sees it. A long text costs no more than a short one: `folding.wanted` leaves words of
which no two can begin the same word, so more of them than any target has words match nothing, and that is known
without looking.

Nothing here is locked: whoever shares an index between threads holds a lock around every call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Final

import attrs

from sms_transfer import folding
from sms_transfer.core.model import Target, TargetKind
from sms_transfer.slots import SortedSlots, bitset, slots_of, those_in, union

_BEYOND: Final = "\U0010ffff"
"""Is never in a folded text, and behind all that is: with it ends the stretch of what begins with something."""
_NEXT: Final = "\0"
"""Likewise, and before all that is: with it ends the stretch of what is equal to something."""
_FEW: Final = 1_000
"""Up to so many targets are put in order one by one, rather than found in the order of all."""


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
        self._kinds |= {kind: bitset(slots) for kind, slots in kinds.items()}
        self._by_word = SortedSlots(words)
        self._by_id = SortedSlots(ids)
        self._by_name = SortedSlots({entry.key: [slot] for slot, entry in self._entries.items()})

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
            matches &= bitset(slots)
            if not wanted:
                return self._made(matches, islice(those_in(matches, slots), max(limit, 0)))
        return self._made(matches, self._best(matches, folding.line(folded), limit))

    def _matches(self, wanted: list[str], kinds: frozenset[TargetKind] | None) -> int:
        matches = union(slots for kind, slots in self._kinds.items() if kinds is None or kind in kinds)
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
        few, every = matches.bit_count() <= _FEW, self._in_order(matches)
        if line:
            low, equal, high = (line,), (line + _NEXT,), (line + _BEYOND,)
            whole = self._by_name.between(low, equal) | self._by_id.between(line, line + _NEXT)
            yield self._in_order(matches & whole)
            if few:
                yield (slot for slot in every if self._entries[slot].key[0].startswith(line))
            else:
                yield self._by_name.common(matches, low, high)
        yield every

    def _in_order(self, matches: int) -> Iterable[int]:
        if matches.bit_count() <= _FEW:
            return sorted(slots_of(matches), key=lambda slot: self._entries[slot].key)
        return self._by_name.common(matches, ("",), (_BEYOND,))

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


def _entry(target: Target, name: str) -> _Entry:
    return _Entry(target, name, (folding.line(folding.fold(name)), target.kind, target.id))


def _key(entry: _Entry) -> tuple[str, ...]:
    return entry.key


def _id_line(target: Target) -> str:
    return folding.line(folding.fold(target.id))
