"""``python -m fuzz codec|service [--seconds N] [--seed N] [--found FOLDER] [FILE …]``: fuzz a target with Atheris.

With files, each is run once as an input: what a run has found is looked at so. Without, new inputs are made for so many
seconds; the first one that breaks a promise is written to the folder, and ends the run with an error.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

Target = Callable[[bytes], None]

TARGETS: Final = ("codec", "service")
_LONGEST: Final = {"codec": 4096, "service": 1024}
_SLOWEST: Final = 20
"""Seconds that one input may take: what hangs is a fault, too."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz, or run what was found before."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the library, guided by coverage.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("inputs", nargs="*", type=Path, help="run these once each instead")
    parser.add_argument("--seconds", type=int, default=60, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same one makes the same choices (%(default)s)")
    parser.add_argument("--found", type=Path, default=Path(), help="where to write an input that breaks a promise")
    given = parser.parse_args(arguments)
    logging.getLogger("sms_transfer").setLevel(logging.CRITICAL)  # hosts' code that fails is the point here
    if given.inputs:
        for file in given.inputs:
            _loaded(given.target)(file.read_bytes())
            print(f"{file}: no promise is broken")
        return
    with tempfile.TemporaryDirectory() as corpus:
        _fuzz(given, Path(corpus))


def _fuzz(given: argparse.Namespace, corpus: Path) -> None:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - it has no types, and only fuzzing needs it

    with atheris.instrument_imports(include=["sms_transfer"]):
        target = _loaded(given.target)
        _plant(given.target, corpus)
    options = [
        f"-max_total_time={given.seconds}",
        f"-seed={given.seed}",
        f"-max_len={_LONGEST[given.target]}",
        f"-timeout={_SLOWEST}",
        f"-artifact_prefix={given.found}/",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target)
    atheris.Fuzz()


def _loaded(name: str) -> Target:
    """The target, which imports the library: not before Atheris watches imports."""
    from fuzz import codec, service  # noqa: PLC0415 - see above

    return {"codec": codec.codec, "service": service.service}[name]


def _plant(name: str, corpus: Path) -> None:
    from fuzz import codec, service  # noqa: PLC0415 - likewise

    seeds = {"codec": codec.seeds, "service": service.seeds}[name]()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)


if __name__ == "__main__":
    main()
