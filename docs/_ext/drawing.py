"""Draws a formal machine as SVG: the states where a person put them, the arcs where the table has them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from html import escape
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

import attrs

from sms_transfer import AGENT, INTERACTION, TRANSFER, Lifecycle
from sms_transfer.core.lifecycle import START

S = TypeVar("S", bound=StrEnum)

WIDTH, HEIGHT, DOT = 134.0, 40.0, 8.0
LINE: Final = 18.0
LOOP: Final = 52.0
CLEAR: Final = 4.0
"""Between the tip of an arrow and what it points at."""


class Point(NamedTuple):
    """A place in the drawing; y goes down."""

    x: float
    y: float


@attrs.frozen
class Layout:
    """Where a machine's states are, by their centres, and which arcs are bent.

    Args:
        size: of the whole drawing.
        states: the centres of the states, and of `START`, the dot that a machine begins at.
        bends: how far an arc is bent to the left of its way, by its two ends; it is straight if left out.
        below: the states whose arcs to themselves are below them, and not above.
    """

    size: Point
    states: Mapping[str, Point]
    bends: Mapping[tuple[str, str], float]
    below: frozenset[str] = frozenset()


LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {
        TRANSFER.name: Layout(
            size=Point(930, 410),
            states={
                START: Point(590, 20),
                "invited": Point(330, 220),
                "routing": Point(850, 220),
                "accepted": Point(70, 180),
                "rejected": Point(70, 260),
                "expired": Point(590, 240),
                "cancelled": Point(590, 310),
                "failed": Point(590, 380),
            },
            bends={("invited", "routing"): 70, ("routing", "invited"): -150},
        ),
        INTERACTION.name: Layout(
            size=Point(860, 340),
            states={
                START: Point(20, 150),
                "active": Point(130, 150),
                "transferring": Point(440, 150),
                "queued": Point(750, 150),
                "done": Point(440, 310),
            },
            bends={
                ("active", "transferring"): 40,
                ("transferring", "active"): 50,
                ("queued", "active"): -230,
                ("active", "done"): -70,
                ("queued", "done"): 70,
            },
            below=frozenset({"queued"}),
        ),
        AGENT.name: Layout(
            size=Point(900, 260),
            states={
                START: Point(20, 120),
                "logged_out": Point(140, 120),
                "not_ready": Point(470, 120),
                "ready": Point(800, 120),
            },
            bends={
                ("logged_out", "not_ready"): 40,
                ("not_ready", "logged_out"): 40,
                ("not_ready", "ready"): 40,
                ("ready", "not_ready"): 40,
                ("ready", "logged_out"): 200,
            },
        ),
    }
)


def drawn(lifecycle: Lifecycle[S]) -> str:
    """The machine as an SVG element, to stand in a page; the page's style has the colours."""
    layout = LAYOUTS[lifecycle.name]
    labels: dict[tuple[str, str], list[str]] = {}
    if lifecycle.initial != START:
        labels[START, lifecycle.initial] = []
    for arc in lifecycle.arcs:
        labels.setdefault((str(arc.source), str(arc.dest)), []).append(f"{arc.trigger} ({arc.rule})")
    arrow = f"arrow-{lifecycle.name}"
    head = (
        f'<marker id="{arrow}" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M 0 1 L 10 5 L 0 9 z"/></marker>'
    )
    parts = [_arc(layout, *ends, lines, arrow) for ends, lines in labels.items()]
    parts += [_state(state, place, final=state in lifecycle.final) for state, place in layout.states.items()]
    return (
        f'<svg class="machine" xmlns="http://www.w3.org/2000/svg" role="img" width="{layout.size.x:g}" '
        f'viewBox="0 0 {layout.size.x:g} {layout.size.y:g}">'
        f"<title>The states of the machine “{escape(lifecycle.name)}” and its arcs, as in the table below</title>"
        f"<defs>{head}</defs>{''.join(parts)}</svg>"
    )


def _state(state: str, at: Point, *, final: bool) -> str:
    if state == START:
        return f'<circle class="start" cx="{at.x:g}" cy="{at.y:g}" r="{DOT:g}"/>'
    box = (
        f'<rect class="{"final" if final else "state"}" x="{at.x - WIDTH / 2:g}" y="{at.y - HEIGHT / 2:g}" '
        f'width="{WIDTH:g}" height="{HEIGHT:g}" rx="{HEIGHT / 2 if final else 8:g}"/>'
    )
    return box + _text([state.upper()], at, "name")


def _arc(layout: Layout, source: str, dest: str, lines: Sequence[str], head: str) -> str:
    begin, end = layout.states[source], layout.states[dest]
    if source == dest:
        path, label = _loop(begin, side=1 if source in layout.below else -1, lines=len(lines))
    else:
        path, on_it = _bow(begin, end, layout.bends.get((source, dest), 0), from_dot=source == START)
        outside = math.copysign(LINE * (len(lines) - 1) / 2, on_it.y - (begin.y + end.y) / 2)
        label = Point(on_it.x, on_it.y + outside)
    return f'<path class="arc" d="{path}" marker-end="url(#{head})"/>' + _text(lines, label, "label")


def _bow(begin: Point, end: Point, bend: float, *, from_dot: bool) -> tuple[str, Point]:
    """A curve from one state to another, and the place of its label: the middle of it."""
    part = bend / math.dist(begin, end)
    middle = Point((begin.x + end.x) / 2, (begin.y + end.y) / 2)
    over = Point(middle.x + part * (end.y - begin.y), middle.y - part * (end.x - begin.x))
    out = begin if from_dot else _border(begin, over, 0)
    tip = _border(end, over, CLEAR)
    if not bend:
        over = Point((out.x + tip.x) / 2, (out.y + tip.y) / 2)
    label = Point((out.x + 2 * over.x + tip.x) / 4, (out.y + 2 * over.y + tip.y) / 4)
    return f"M {out.x:.1f} {out.y:.1f} Q {over.x:.1f} {over.y:.1f} {tip.x:.1f} {tip.y:.1f}", label


def _loop(at: Point, *, side: int, lines: int) -> tuple[str, Point]:
    """A curve from a state to itself, above it or below."""
    edge = at.y + side * HEIGHT / 2
    far = edge + side * LOOP
    left, right = f"{at.x - 40:g} {far:g}", f"{at.x + 40:g} {far:g}"
    path = f"M {at.x - 24:g} {edge:g} C {left} {right} {at.x + 24:g} {edge + side * CLEAR:g}"
    return path, Point(at.x, edge + side * (LOOP * 0.75 + LINE * lines / 2))


def _border(centre: Point, towards: Point, clear: float) -> Point:
    """Where the way from the centre of a state leaves its box."""
    x, y = towards.x - centre.x, towards.y - centre.y
    across = (WIDTH / 2 + clear) / abs(x) if x else math.inf
    down = (HEIGHT / 2 + clear) / abs(y) if y else math.inf
    part = min(across, down)
    return Point(centre.x + x * part, centre.y + y * part)


def _text(lines: Sequence[str], middle: Point, kind: str) -> str:
    top = middle.y - LINE * (len(lines) - 1) / 2
    return "".join(
        f'<text class="{kind}" x="{middle.x:.1f}" y="{top + LINE * number:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
