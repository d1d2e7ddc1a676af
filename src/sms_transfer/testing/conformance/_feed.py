"""History and the feed: everything, in order, at least once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs
import pytest

from sms_transfer.core.events import Event
from sms_transfer.errors import InvalidValue
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._racing import THREADS, racing
from sms_transfer.testing.conformance._reading import by_interaction, first_of_each, read_feed
from sms_transfer.testing.conformance._samples import change, note, opened, opening
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore, StoreSuite, put
from sms_transfer.testing.conformance._suite import Capability, needs

_EACH: Final = 25


class Feed(StoreSuite):
    """What `TransferStore.history` and `TransferStore.events` promise."""

    def test_a1_a_history_is_in_the_order_of_its_commits(self, store: TransferStore) -> None:
        """A1: and the events of one commit are in theirs."""
        interaction = opened()
        expected = list(store.history("i"))
        for number in range(12):
            late, early = note(opened(f"{number} b")), note(opened(f"{number} a"))
            expected += [late, early]
            interaction = put(store, change(interaction, late, early))

        assert tuple(expected) == store.history("i")

    @pytest.mark.parametrize("limit", [1, 2, 7, 1_000, sys.maxsize])
    def test_a1_the_feed_has_everything_whatever_the_size_of_its_pages(self, make_store: MakeStore, limit: int) -> None:
        """A1: in order for each interaction."""
        store = make_store()
        ids = "abcabbca"
        present = {id_: attrs.evolve(opened(id_), version=0) for id_ in ids}
        for id_ in ids:
            present[id_] = put(store, change(present[id_]))

        assert self.eventually(lambda: len(first_of_each(read_feed(store, limit=limit)[0])) == len(ids))
        assert {id_: store.history(id_) for id_ in "abc"} == by_interaction(read_feed(store, limit=limit)[0])

    def test_a1_a_cursor_at_the_end_waits_for_more(self, store: TransferStore) -> None:
        """A1: what comes later is read from there."""
        assert self.eventually(lambda: bool(read_feed(store)[0]))
        cursor = read_feed(store)[1]
        assert () == store.events(after=cursor, limit=10).events
        store.commit(change(opened()))
        last = store.history("i")[-1]

        assert self.eventually(lambda: last in read_feed(store, cursor)[0])

    def test_a1_the_end_of_an_empty_feed_is_a_cursor_too(self, make_store: MakeStore) -> None:
        """A1: whoever begins to read before anything has happened misses nothing."""
        store = make_store()
        start = store.events(after=None, limit=10)
        assert () == start.events

        store.commit(opening(opened()))

        assert self.eventually(lambda: store.history("i") == tuple(read_feed(store, start.cursor)[0]))

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            " ",
            "x",
            "-1",
            "+1",
            "1.0",
            "1_0",
            " 1",
            "٣",
            "²",
            "\x00",
            "9" * 18,
            "9" * 19,
            "9" * 10_000,
            "null",
            "'",
            "🎉",
        ],
        ids=ascii,
    )
    def test_a8_a_cursor_that_was_never_handed_out_is_refused(self, store: TransferStore, cursor: str) -> None:
        """A8: it has not the form of this store's, or lies beyond the end."""
        with pytest.raises(InvalidValue) as refused:
            store.events(after=cursor, limit=10)

        assert refused.value.field == "after"

    def test_f6_a_feed_that_is_read_while_many_write_skips_nothing(self, make_store: MakeStore) -> None:
        """F6: a commit that began early and ends late is not passed over by whoever reads in between."""
        store = make_store()
        self._read_while_written(store, [store] * (THREADS - 1))

    @needs(Capability.MANY_HANDLES)
    def test_f6_a_feed_that_is_read_while_many_handles_write_skips_nothing(
        self, make_store: MakeStore, reopen_store: ReopenStore
    ) -> None:
        """F6: likewise where the commits come through other handles."""
        store = make_store()
        self._read_while_written(store, [store, *(reopen_store(store) for _ in range(THREADS - 2))])

    def _read_while_written(self, reader: TransferStore, writers: list[TransferStore]) -> None:
        found: list[Event] = []
        cursor: str | None = None
        with racing(), ThreadPoolExecutor(len(writers)) as threads:
            running = [threads.submit(_write(writer, f"i {at}")) for at, writer in enumerate(writers)]
            while not all(one.done() for one in running):
                more, cursor = read_feed(reader, cursor, limit=3)
                found += more
            for one in running:
                one.result()
        expected = {f"i {at}": reader.history(f"i {at}") for at in range(len(writers))}
        assert [_EACH] * len(writers) == [len(history) for history in expected.values()]

        def all_is_read() -> bool:
            nonlocal cursor
            more, cursor = read_feed(reader, cursor)
            found.extend(more)
            return len(first_of_each(found)) >= _EACH * len(writers)

        self.eventually(all_is_read)
        assert expected == by_interaction(found), "whoever reads on from the last cursor has missed nothing"


def _write(store: TransferStore, id_: str) -> Callable[[], None]:
    def write() -> None:
        interaction = put(store, opening(opened(id_)))
        for _ in range(_EACH - 1):
            interaction = put(store, change(interaction))

    return write
