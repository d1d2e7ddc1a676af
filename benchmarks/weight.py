"""``python -m benchmarks.weight 10000``: how many bytes each of so many open interactions takes."""

from __future__ import annotations

import gc
import sys
import tracemalloc

from benchmarks.centre import Centre


def weigh(interactions: int) -> int:
    """The bytes of one: all that the service holds for them, without the desktops that show them."""
    centre = Centre(agents=2)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    centre.open(interactions)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    return (after - before) // interactions


if __name__ == "__main__":
    print(weigh(int(sys.argv[1])))
