"""What the measurements say of themselves is true, and the page is made of the figures that are kept."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import attrs
import pytest
from benchmarks import __main__ as command
from benchmarks import machine, page, pictures, progress, record, report
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.effort import ENOUGH, Effort
from benchmarks.result import SAME, Column, Missing, Result, Sense, Table, Target
from benchmarks.timing import Spread, interleave, ratios

FOLDER = record.DOCS / "pictures" / "benchmarks"
FOUND = Result(
    "Some title",
    "This with that.",
    "So.",
    (
        Table(
            "Some table",
            (Column("who"), Column("ms", ".1f"), Column("to it")),
            (("it", 1.0, SAME), ("ours", 2.0, Spread(2.0, 1.5, 3.0))),
        ),
    ),
)


@pytest.fixture
def kept() -> record.Record:
    """What was measured last."""
    return record.from_text(record.FILE.read_text(encoding="utf-8"))


def comparison(run: Callable[[Effort], Result]) -> Comparison:
    """One that finds this."""
    return Comparison(run, smoke=1, fixed=1, each=1)


def run_of(*runs: Callable[[Effort], Result], rounds: int = ENOUGH) -> command.Run:
    """A run of these."""
    return command.Run(Effort(rounds), 0.0, {f"number {at}": comparison(run) for at, run in enumerate(runs)})


def test_the_page_is_made_of_the_figures_that_are_kept(kept: record.Record) -> None:
    """Whoever changes one without the other is told: `python -m benchmarks --redraw` writes the page anew."""
    assert page.render(kept) == page.FILE.read_text(encoding="utf-8")


def test_the_figures_are_kept_as_they_are_written(kept: record.Record) -> None:
    """Reading and writing them changes nothing, so that drawing anew changes nothing."""
    assert record.FILE.read_text(encoding="utf-8") == record.to_text(kept)


def test_everything_that_can_be_compared_is_kept(kept: record.Record) -> None:
    """Every comparison has its section, in the order of a run, and none was only a look."""
    assert list(COMPARISONS) == [section.name for section in kept.sections]
    assert all(section.rounds >= ENOUGH for section in kept.sections)
    assert [] == [section.name for section in kept.sections if section.result.absent]


def test_each_section_states_what_it_is_compared_with(kept: record.Record) -> None:
    """Every table has ratios, and there is a picture."""
    for section in kept.sections:
        assert list(pictures.pictures(section)), section.name
        for table in section.result.tables:
            assert any(isinstance(cell, Spread) for row in table.rows for cell in row), table.title


def test_the_pictures_are_those_that_the_page_shows(kept: record.Record) -> None:
    """None is missing or left over; each says in words what it shows, and shows the figures that are kept."""
    text = page.FILE.read_text(encoding="utf-8")
    shown = {file: words for words, file in re.findall(r"!\[([^]]+)\]\(pictures/benchmarks/([^)]+)\)", text)}

    assert {file.name for file in FOLDER.iterdir()} == set(shown)
    for section in kept.sections:
        for picture in pictures.pictures(section):
            assert picture.words == shown[picture.file]
            assert f"<title>{picture.words}</title>" in (FOLDER / picture.file).read_text(encoding="utf-8")


def test_nothing_but_drawing_needs_what_draws() -> None:
    """The page can be written, and this be tested, without the extra benchmarks."""
    code = (
        "import sys; from benchmarks import page, record, __main__\n"
        "page.render(record.from_text(record.FILE.read_text(encoding='utf-8')))\n"
        "unwanted = {'matplotlib', 'psycopg', 'rapidfuzz', 'eventsourcing', 'statemachine', 'playwright'}\n"
        "print(unwanted & set(sys.modules))"
    )
    told = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code], cwd=record.DOCS.parent, check=True, capture_output=True, text=True
    )

    assert told.stdout == "set()\n"


def test_a_run_of_few_rounds_is_a_look(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, so that nobody quotes its figures."""
    run_of(lambda _: FOUND, rounds=ENOUGH - 1).conclude(require_all=False)

    assert Effort(ENOUGH - 1).smoke
    assert not Effort(ENOUGH).smoke
    assert "not a measurement" in capsys.readouterr().out


def test_a_look_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a full run, whose worlds are others."""
    monkeypatch.setattr(command, "COMPARISONS", {})
    for words in (["--rounds", "2"], ["--full"]):
        monkeypatch.setattr(sys, "argv", ["benchmarks", "--record", *words])
        with pytest.raises(SystemExit) as ended:
            command.main()

        assert ended.value.code == 2


def test_what_is_missing_is_said_and_the_others_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """It is an error only if all are required."""

    def cannot(_: Effort) -> Result:
        raise Missing("a Chromium")

    run = run_of(cannot, lambda _: FOUND)
    sections = run.all()

    assert [FOUND] == [section.result for section in sections]
    assert run.conclude(require_all=False) == 0
    assert run.conclude(require_all=True) == 1
    assert "left out, for want of a Chromium" in capsys.readouterr().out


def test_a_peer_that_is_missing_is_said() -> None:
    """A comparison can be made without one of those it compares."""
    run = run_of(lambda _: attrs.evolve(FOUND, absent=("the package rapidfuzz",)))

    assert len(run.all()) == 1
    assert run.conclude(require_all=False) == 0
    assert run.conclude(require_all=True) == 1


def test_a_comparison_that_fails_ends_the_run_with_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are compared all the same."""

    def breaks(_: Effort) -> Result:
        raise RuntimeError("somebody else owns it")

    run = run_of(breaks, lambda _: FOUND)

    assert len(run.all()) == 1
    assert run.conclude(require_all=False) == 1
    assert "somebody else owns it" in capsys.readouterr().err


def test_a_log_has_one_line_for_each_comparison() -> None:
    """Which of how many, how long it took, and how long the rest will take."""
    log = StringIO()
    board = progress.Board({"first": 10.0, "second": 30.0}, log)
    for name in ("first", "second"):
        board.begin(name)
        board.step("half of it", 1, 2)
        board.end()

    first, second = log.getvalue().splitlines()
    assert re.fullmatch(r"\[1/2\] first: 0\.\d s; 0:00 so far, about 0:00 to go", first)
    assert re.fullmatch(r"\[2/2\] second: 0\.\d s; 0:00 so far, about 0:00 to go", second)


def test_a_terminal_has_one_line_for_everything() -> None:
    """It is written over and over."""

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    board = progress.Board({"first": 10.0}, terminal)
    board.begin("first")
    board.step("opening", 1, 2)
    board.end()

    assert "\n" not in terminal.getvalue()
    assert "[1/1] opening: 1/2" in terminal.getvalue()


def test_a_result_is_printed_with_its_ratios() -> None:
    """A median stands with its lowest and highest; what is compared with itself is 1."""
    told = report.tell(FOUND).splitlines()

    assert "it    1.0                 1" in told
    assert "ours  2.0  2.00 (1.50–3.00)" in told  # noqa: RUF001 - a span of figures


@pytest.mark.parametrize(
    ("sense", "value", "met"),
    [
        (Sense.AT_MOST, 8.0, True),
        (Sense.AT_MOST, 8.1, False),
        (Sense.AT_LEAST, 8.0, True),
        (Sense.AT_LEAST, 7.9, False),
    ],
)
def test_a_target_that_is_not_met_is_told(sense: Sense, value: float, met: bool) -> None:
    """In what is printed as in the page."""
    target = Target("ours to it", sense, 8, value)

    assert met == target.met
    assert ("NOT MET" not in report.tell(attrs.evolve(FOUND, targets=(target,)))) == met


def test_a_small_figure_keeps_digits_that_count() -> None:
    """Nothing that was measured is told as nothing."""
    assert report.figure(0.000017, ".2f") == "0.000017"
    assert report.figure(0.0, ".2f") == "0.00"
    assert report.figure(1234.5, ",.0f") == "1,234"


def test_ratios_are_taken_round_by_round() -> None:
    """What slows down a whole round cancels out."""
    assert Spread(2.0, 2.0, 2.0) == ratios([2.0, 20.0, 4.0], [1.0, 10.0, 2.0])


def test_nobody_always_comes_first() -> None:
    """The contenders take turns forwards and backwards."""
    order: list[str] = []
    interleave("turns", {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)

    assert ["a", "b", "b", "a"] == order


def test_what_is_measured_again_takes_the_place_of_what_was_kept(kept: record.Record) -> None:
    """All others stay, in their usual order."""
    again = attrs.evolve(kept.sections[-1], seconds=1.5)

    assert [*kept.sections[:-1], again] == list(kept.with_sections((again,)).sections)


def test_the_machine_is_told() -> None:
    """With the version of everything that takes part, and whether others have a say."""
    here = machine.Machine.this()

    assert {"sms-transfer", "SQLite", "PostgreSQL", "Chromium", "transitions"} <= set(here.versions)
    assert here.cores >= 1
    assert machine.busy(1.0, 2)
    assert not machine.busy(0.1, 2)


def test_each_comparison_is_where_the_page_says() -> None:
    """The page links to the file that makes it."""
    for name, one in COMPARISONS.items():
        assert (Path(command.__file__).parent / f"{one.module}.py").is_file(), name
