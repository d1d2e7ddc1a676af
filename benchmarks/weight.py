"""``python -m benchmarks.weight 10000 [plain]``: how many bytes each of so many open interactions takes."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.centre import CASE_DATA, TEXTS, Centre
from benchmarks.plain import Interaction, Opened, Text

Kept = tuple[dict[str, Interaction], dict[str, list[Text]], list[Opened]]


def weigh(interactions: int, fill: Callable[[int], object]) -> int:
    """The bytes of one: all that is held for them, without the desktops that show them."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    held = fill(interactions)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    del held
    return (after - before) // interactions


def library() -> Callable[[int], object]:
    """All that the service holds."""
    centre = Centre(agents=2)
    return centre.open


def plain(interactions: int) -> Kept:
    """The same without any index: the conversations, their texts, and that each was opened."""
    found: dict[str, Interaction] = {}
    texts: dict[str, list[Text]] = {}
    history: list[Opened] = []
    for number in range(interactions):
        id_, now = f"interaction-{number}", datetime.now(UTC)
        found[id_] = Interaction(id_, "sms", "+14155550100", "alice", "active", dict(CASE_DATA))
        texts[id_] = [Text(f"text-{number}-{at}", id_, "inbound", text, now) for at, text in enumerate(TEXTS)]
        history.append(Opened(id_, now, "alice", "alice"))
    return found, texts, history


if __name__ == "__main__":
    print(weigh(int(sys.argv[1]), plain if sys.argv[2:] == ["plain"] else library()))
