"""``python -m benchmarks``: every comparison, or those that are named; ``--help`` has the rest."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks import machine, report
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.effort import ENOUGH, Effort
from benchmarks.machine import Machine
from benchmarks.progress import Board, shown_on, stderr_board
from benchmarks.record import FILE, Record, from_text, to_text
from benchmarks.result import Missing, Section
from benchmarks.server import need

ROUNDS: Final = 30


def main() -> int:
    """Run what is asked for."""
    parser, arguments = _arguments()
    if arguments.redraw:
        _write(from_text(FILE.read_text(encoding="utf-8")))
        return 0
    effort = Effort(arguments.rounds, full=arguments.full)
    names = arguments.comparison or list(COMPARISONS)
    if arguments.record and (effort.smoke or effort.full):
        parser.error(f"what is recorded is a usual run, of {ENOUGH} rounds or more")
    if arguments.record:
        need("matplotlib")  # before anything is measured in vain
    here = Machine.this()
    before = _kept(parser, here, names) if arguments.record else None
    load = machine.load()
    _introduce(here, load, effort)
    run = Run(effort, load, {name: COMPARISONS[name] for name in names})
    sections = run.all()
    if arguments.record and sections:
        _write((before or Record(here, ())).with_sections(sections))
    return run.conclude(require_all=arguments.require_all)


def _arguments() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How the library compares.")
    parser.add_argument("comparison", nargs="*", help=f"of {', '.join(COMPARISONS)}; all if left out")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help=_ROUNDS_HELP)
    parser.add_argument("--full", action="store_true", help="with a million conversations; takes many minutes")
    parser.add_argument("--record", action="store_true", help=f"keep it in docs/{FILE.name}, and write the page of it")
    parser.add_argument("--redraw", action="store_true", help="measure nothing, and write the page of what is kept")
    parser.add_argument("--require-all", action="store_true", help="fail where something cannot be compared here")
    arguments = parser.parse_args()
    if unknown := set(arguments.comparison) - set(COMPARISONS):
        parser.error(f"there is no comparison {', '.join(sorted(unknown))}")
    return parser, arguments


_ROUNDS_HELP: Final = (
    f"how often each is measured (%(default)s); fewer than {ENOUGH} only show that everything runs, in small worlds"
)


class Run:
    """Comparisons, one after the other.

    Args:
        load: of the machine, before it began.
    """

    def __init__(self, effort: Effort, load: float, wanted: Mapping[str, Comparison]) -> None:
        self._effort = effort
        self._load = load
        self._wanted = wanted
        self._absent: dict[str, Sequence[str]] = {}
        self._failed: list[str] = []

    def all(self) -> tuple[Section, ...]:
        """Compare, and print each result as it comes."""
        plan = {name: one.seconds(self._effort) for name, one in self._wanted.items()}
        with shown_on(stderr_board(plan)) as board:
            found = [self._one(name, comparison, board) for name, comparison in self._wanted.items()]
        return tuple(section for section in found if section is not None)

    def _one(self, name: str, comparison: Comparison, board: Board) -> Section | None:
        begun = datetime.now(UTC).date().isoformat()
        board.begin(name)
        try:
            result = comparison.run(self._effort)
        except Missing as missing:
            self._absent[name] = missing.what
            board.end("cannot run here")
            print(f"\n# {name}\nnot compared, for want of {', '.join(missing.what)}", flush=True)
            return None
        except Exception:  # noqa: BLE001 - the others can still be compared; the run ends with an error
            self._failed.append(name)
            board.end("failed")
            traceback.print_exc()
            return None
        seconds = board.end()
        if result.absent:
            self._absent[name] = result.absent
        print(report.tell(result), flush=True)
        return Section(name, begun, self._load, self._effort.rounds, round(seconds, 1), result)

    def conclude(self, *, require_all: bool) -> int:
        """Say what is missing; the status to exit with."""
        if self._effort.smoke:
            print(f"\n{_SMOKE}")
        for name, what in self._absent.items():
            print(f"{name}: left out, for want of {', '.join(what)}")
        if self._failed:
            print(f"failed: {', '.join(self._failed)}", file=sys.stderr)
        return 1 if self._failed or (require_all and self._absent) else 0


_SMOKE: Final = (
    f"This is a look, not a measurement: fewer than {ENOUGH} rounds, in small worlds. Quote none of its figures."
)


def _introduce(here: Machine, load: float, effort: Effort) -> None:
    print(*here.lines(), sep="\n")
    busy = "busy with something else, so quote nothing" if machine.busy(load, here.cores) else "otherwise idle"
    print(f"load average before it began: {load:.2f} ({busy})")
    if effort.smoke:
        print(_SMOKE)
    sys.stdout.flush()


def _kept(parser: argparse.ArgumentParser, here: Machine, names: Sequence[str]) -> Record | None:
    """What these sections are to be put among; None: they are all there are."""
    if set(names) == set(COMPARISONS):
        return None
    if not FILE.exists() or (record := from_text(FILE.read_text(encoding="utf-8"))).machine != here:
        parser.error("what is kept was measured on another machine or with other versions: record all comparisons")
    return record


def _write(record: Record) -> None:
    """Keep the figures, the page and the pictures."""
    from benchmarks import draw, page  # noqa: PLC0415 - drawing needs matplotlib

    FILE.write_text(to_text(record), encoding="utf-8")
    page.FILE.write_text(page.render(from_text(to_text(record))), encoding="utf-8")
    draw.write(from_text(to_text(record)))
    print(f"written: docs/{FILE.name}, docs/{page.FILE.name}, docs/pictures/{draw.FOLDER.name}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
