"""The pictures, in SVG: alike in every run for the same figures, and readable on a bright page as on a dark one.

Each brings its own bright ground, because a picture in a page does not know which of the two it stands on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.pictures import Bar, Picture, pictures
from benchmarks.record import DOCS, Record
from benchmarks.report import figure
from benchmarks.result import Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER: Final = DOCS / "pictures" / "benchmarks"
_GROUND: Final = "#fafafa"
_INK: Final = "#1f2328"
_FAINT: Final = "#d0d7de"
_OURS: Final = "#1f6feb"
_OTHERS: Final = "#8c959f"
_TARGET: Final = "#cf222e"
_CURVES: Final = ("#1f6feb", "#bc4c00", "#1a7f37", "#8250df", "#6e7781", "#bf3989")
_MARKS: Final = "osD^vP"
_SETTINGS: Final[dict[Any, Any]] = {  # matplotlib's own type for it names each setting of one version
    "svg.fonttype": "none",
    "svg.hashsalt": "sms-transfer",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.facecolor": _GROUND,
    "figure.facecolor": _GROUND,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
}
_WIDTH: Final = 8.0
"""Inches."""


def write(record: Record, folder: Path = FOLDER) -> None:
    """Draw all of them, and leave nothing else in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {picture.file: _draw(picture) for section in record.sections for picture in pictures(section)}
    for file in folder.iterdir():
        if file.name not in drawn:
            file.unlink()
    for name, svg in drawn.items():
        (folder / name).write_text(svg, encoding="utf-8")


def _draw(picture: Picture) -> str:
    from io import StringIO  # noqa: PLC0415 - with what needs it

    import matplotlib as mpl  # noqa: PLC0415 - the extra benchmarks
    from matplotlib.figure import Figure  # noqa: PLC0415 - likewise
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - likewise

    with mpl.rc_context(_SETTINGS):
        drawn = Figure(figsize=(_WIDTH, _height(picture)), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
        axes = drawn.add_subplot()
        (_bars if picture.drawing.kind is Kind.BARS else _curves)(axes, picture)
        _frame(drawn, axes, picture)
        out = StringIO()
        drawn.savefig(out, format="svg", metadata={"Title": picture.words, "Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _height(picture: Picture) -> float:
    return 1.3 + 0.38 * len(picture.bars()) if picture.drawing.kind is Kind.BARS else 4.2


def _bars(axes: Axes, picture: Picture) -> None:
    """A bar for each, with a line from its lowest to its highest, and its median in figures."""
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - the extra benchmarks

    bars, drawing = picture.bars(), picture.drawing
    places = list(range(len(bars)))
    colours = [_OURS if bar.name.startswith(drawing.strong) else _OTHERS for bar in bars]
    base = 1.0 if drawing.wide else 0.0
    middles = [bar.ratio.median for bar in bars]
    axes.barh(places, [middle - base for middle in middles], left=base, color=colours, height=0.55)
    errors = [[bar.ratio.median - bar.ratio.low for bar in bars], [bar.ratio.high - bar.ratio.median for bar in bars]]
    axes.errorbar(middles, places, xerr=errors, fmt="none", ecolor=_INK, elinewidth=1, capsize=3)
    if drawing.wide:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(_number))
    axes.set_yticks(places, [bar.name for bar in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    _figures(axes, bars)
    axes.grid(axis="x", linewidth=0.6)
    axes.axvline(1, color=_INK, linewidth=1)
    if drawing.target is not None:
        axes.axvline(drawing.target, color=_TARGET, linewidth=1.2, linestyle="--")


def _figures(axes: Axes, bars: tuple[Bar, ...]) -> None:
    """The medians, to the right of everything."""
    for place, bar in enumerate(bars):
        axes.annotate(
            figure(bar.ratio.median, ".2f"),
            (max(bar.ratio.high, 1.0), place),
            xytext=(6, 0),
            textcoords="offset points",
            verticalalignment="center",
            bbox={"facecolor": _GROUND, "edgecolor": "none", "pad": 1},
        )
    axes.margins(x=0.12)


def _curves(axes: Axes, picture: Picture) -> None:
    """A curve for each, through the medians, with a line from the lowest to the highest at each point."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: PLC0415 - the extra benchmarks

    numbers = sorted({number for curve in picture.curves() for number, _ in curve.points})
    for curve, colour, mark in zip(picture.curves(), _CURVES, _MARKS, strict=False):
        xs = [number for number, _ in curve.points]
        middles = [ratio.median for _, ratio in curve.points]
        errors = [
            [ratio.median - ratio.low for _, ratio in curve.points],
            [ratio.high - ratio.median for _, ratio in curve.points],
        ]
        axes.errorbar(xs, middles, yerr=errors, color=colour, marker=mark, elinewidth=1, capsize=3, label=curve.name)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_number))
    axes.set_ylim(bottom=0)
    axes.axhline(1, color=_INK, linewidth=1)
    axes.grid(linewidth=0.6)
    axes.set_xlabel(picture.drawing.along or "")
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))


def _number(number: float, _: object = None) -> str:
    return figure(number, ",.0f")


def _axis(picture: Picture) -> str:
    drawing = picture.drawing
    target = "" if drawing.target is None else "; dashed: the target"
    return f"{drawing.axis[:1].upper()}{drawing.axis[1:]}: the median, from the lowest to the highest{target}"


def _frame(drawn: Figure, axes: Axes, picture: Picture) -> None:
    drawn.suptitle(picture.title, x=0.012, horizontalalignment="left", fontweight="bold")
    drawn.supxlabel(_axis(picture), x=0.012, horizontalalignment="left", fontsize="small")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
