"""Parts of a plot: axes, lines, marks and legends as SVG and HTML."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

WIDTH: Final = 560
HEIGHT: Final = 330
_LEFT: Final = 56
_RIGHT: Final = 14
_TOP: Final = 10
_BOTTOM: Final = 46
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)

Tick = tuple[float, str]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes:
        label: What is on it, with its unit.
        low: Value at its start.
        high: Value at its end, above the first.
        ticks: Values and what stands beside them; a new line starts a second one.
        log: Whether equal distances are equal ratios; then all values are above 0.
        lines: Whether lines go through the plot at the ticks.
    """

    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    log: bool = False
    lines: bool = True

    def share(self, value: float) -> float:
        """Where a value is, from 0 at the start to 1 at the end; beyond these it stays there."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(max((at - low) / (high - low), 0.0), 1.0)


@dataclass(frozen=True)
class Frame:
    """The axes of a plot, and where values are on it."""

    x: Axis
    y: Axis

    def at_x(self, value: float) -> float:
        """Horizontal place of a value in units of the plot."""
        return round(_LEFT + self.x.share(value) * (WIDTH - _LEFT - _RIGHT), 1)

    def at_y(self, value: float) -> float:
        """Vertical place of a value in units of the plot."""
        return round(HEIGHT - _BOTTOM - self.y.share(value) * (HEIGHT - _BOTTOM - _TOP), 1)


@dataclass(frozen=True)
class Link:
    """Where a mark leads.

    Attributes:
        href: The place within the page, such as "#nodule-1".
        text: What is said of the mark.
    """

    href: str
    text: str


def linear_axis(label: str, low: float, high: float, ticks: int = 5) -> Axis:
    """An axis with round ticks, about so many."""
    rough = (high - low) / ticks
    size = 10 ** math.floor(math.log10(rough))
    step = next(one * size for one in _STEPS if one * size >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    places = [round(number * step, 10) for number in range(first, last + 1)]
    return Axis(label, low, high, tuple((place, _tick_text(place)) for place in places))


def log_axis(label: str, low: float, high: float) -> Axis:
    """An axis of ratios from a power of ten to a power of ten, with ticks at all of these."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    powers = [10.0**power for power in range(first, last + 1)]
    ticks = tuple((one, _tick_text(one)) for one in powers)
    return Axis(label, powers[0], powers[-1], ticks, log=True)


def drawing(frame: Frame, title: str, *parts: Markup) -> Markup:
    """A plot: its axes, then the parts over them.

    Args:
        frame: The axes.
        title: What is said of it where it can't be seen.
        parts: What is drawn, from back to front.
    """
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}</svg>'
    ).format(WIDTH, HEIGHT, title, _axes(frame), Markup("").join(parts))


def line(frame: Frame, points: Points, css: str) -> Markup:
    """A line through points; nothing without any."""
    if not points:
        return Markup("")
    places = " ".join(f"{frame.at_x(x)},{frame.at_y(y)}" for x, y in points)
    return Markup('<polyline class="line {}" points="{}"/>').format(css, places)


def area(frame: Frame, points: Sequence[tuple[float, float, float]], css: str) -> Markup:
    """A band between lower and upper values: (x, lower, upper) of each point."""
    edge = [(x, low) for x, low, _ in points] + [(x, high) for x, _, high in reversed(points)]
    places = " ".join(f"{frame.at_x(x)},{frame.at_y(y)}" for x, y in edge)
    return Markup('<polygon class="area {}" points="{}"/>').format(css, places)


def level(frame: Frame, value: float, css: str, ends: tuple[float, float] | None = None) -> Markup:
    """A horizontal line at a value of y, all along x or between two values of it."""
    first, last = ends or (frame.x.low, frame.x.high)
    return line(frame, [(first, value), (last, value)], css)


def upright(frame: Frame, value: float, css: str) -> Markup:
    """A vertical line at a value of x."""
    return line(frame, [(value, frame.y.low), (value, frame.y.high)], css)


def bar(frame: Frame, ends: tuple[float, float], value: float, css: str, title: str) -> Markup:
    """A bar between two values of x, up to a value of y."""
    left, right, top = frame.at_x(ends[0]), frame.at_x(ends[1]), frame.at_y(value)
    return Markup(
        '<rect class="bar {}" x="{}" y="{}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
    ).format(css, left, top, right - left, frame.at_y(frame.y.low) - top, title)


def whisker(frame: Frame, x: float, lower: float | None, upper: float | None) -> Markup:
    """The interval of a figure at a value of x; nothing where there is none."""
    if lower is None or upper is None:
        return Markup("")
    place, low, high = frame.at_x(x), frame.at_y(lower), frame.at_y(upper)
    return Markup('<path class="whisker" d="M{} {}h8m-4 0V{}m-4 0h8"/>').format(
        round(place - 4, 1), low, high
    )


def dot(frame: Frame, place: tuple[float, float], css: str, text: str) -> Markup:
    """A mark at a point of which something is said."""
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
        css, frame.at_x(place[0]), frame.at_y(place[1]), text
    )


def linked(mark: Markup, link: Link) -> Markup:
    """A mark that leads somewhere; it can be reached by the keyboard."""
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(link.href, link.text, mark)


def words(frame: Frame, place: tuple[float, float], text: str, css: str = "") -> Markup:
    """Text centred just above a point."""
    return Markup('<text class="words {}" x="{}" y="{:.1f}">{}</text>').format(
        css, frame.at_x(place[0]), frame.at_y(place[1]) - 6, text
    )


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """What the colours of a plot mean: class and text of each."""
    items = [
        Markup('<li><span class="swatch {}"></span>{}</li>').format(css, text)
        for css, text in entries
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _axes(frame: Frame) -> Markup:
    bottom, left = HEIGHT - _BOTTOM, _LEFT
    parts = []
    for value, text in frame.x.ticks:
        place = frame.at_x(value)
        if frame.x.lines:
            parts.append(Markup('<path class="grid" d="M{} {}V{}"/>').format(place, _TOP, bottom))
        for number, row in enumerate(text.split("\n")):
            parts.append(_text(place, bottom + 15 + 14 * number, row, "tick middle"))
    for value, text in frame.y.ticks:
        place = frame.at_y(value)
        parts.append(
            Markup('<path class="grid" d="M{} {}H{}"/>').format(left, place, WIDTH - _RIGHT)
        )
        parts.append(_text(left - 6, place + 4, text, "tick end"))
    parts.append(
        Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(left, _TOP, bottom, WIDTH - _RIGHT)
    )
    parts.append(_text((left + WIDTH - _RIGHT) / 2, HEIGHT - 6, frame.x.label, "name middle"))
    middle = (_TOP + bottom) / 2
    parts.append(
        Markup(
            '<text class="name middle" transform="translate(14 {}) rotate(-90)">{}</text>'
        ).format(middle, frame.y.label)
    )
    return Markup("").join(parts)


def _text(x: float, y: float, text: str, css: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(css, x, y, text)


def _tick_text(value: float) -> str:
    """A number with a proper minus, its thousands separated by a thin space."""
    text = f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:g}"
    return text.replace("-", "−").replace(",", "\u202f")
