"""Parts of plots: where values are, and that nothing of a text becomes markup."""

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from report.plots import svg
from report.plots.svg import Axis, Frame, Link

FRAME = Frame(Axis("x", 0.0, 10.0), Axis("y", 0.0, 1.0))


def test_linear_place() -> None:
    # Plots are 560 x 330; the axes leave 56 and 14 at the sides, 10 and 46 above and below.
    assert [FRAME.at_x(value) for value in (0.0, 5.0, 10.0)] == [56.0, 301.0, 546.0]
    assert [FRAME.at_y(value) for value in (0.0, 0.5, 1.0)] == [284.0, 147.0, 10.0]


def test_values_beyond_the_axis_stay_at_its_end() -> None:
    assert (FRAME.at_x(-5.0), FRAME.at_x(99.0)) == (56.0, 546.0)


def test_equal_ratios_are_equal_distances() -> None:
    axis = Axis("volume", 1.0, 100.0, log=True)
    assert axis.share(10.0) == pytest.approx(0.5)
    assert (axis.share(0.0), axis.share(1e9)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.0, 31.5, ["0", "10", "20", "30"]),
        (1.0, 14.0, ["5", "10"]),
        (-1.0, 1.0, ["−1", "−0.5", "0", "0.5", "1"]),
        (
            0.0,
            50000.0,
            ["0", "10\u202f000", "20\u202f000", "30\u202f000", "40\u202f000", "50\u202f000"],
        ),
    ],
)
def test_round_ticks(low: float, high: float, ticks: list[str]) -> None:
    assert [text for _, text in svg.linear_axis("x", low, high).ticks] == ticks


def test_powers_of_ten() -> None:
    axis = svg.log_axis("volume (mm³)", 30.0, 4000.0)
    assert (axis.low, axis.high) == (10.0, 10000.0)
    assert [text for _, text in axis.ticks] == ["10", "100", "1000", "10\u202f000"]
    assert svg.log_axis("x", 1.0, 1.0).high == 10.0


def test_a_plot_is_well_formed_and_escaped() -> None:
    frame = Frame(
        Axis("a < b", 0.0, 10.0, ((5.0, "five\nn = <5>"),)), Axis("y", 0.0, 1.0, ((0.5, "half"),))
    )
    parts = (
        svg.line(frame, [(0.0, 0.0), (10.0, 1.0)], "eval"),
        svg.area(frame, [(0.0, 0.25, 0.5), (10.0, 0.5, 0.75)], "eval"),
        svg.bar(frame, (1.0, 2.0), 0.5, "train", "<b>"),
        svg.whisker(frame, 5.0, 0.25, 0.75),
        svg.words(frame, (5.0, 0.5), "<i>"),
        svg.linked(svg.dot(frame, (5.0, 0.5), "eval", "<u>"), Link("#nodule-1", 'a "quote"')),
    )

    text = svg.drawing(frame, "plot", *parts)

    root = ElementTree.fromstring(text)
    assert [one.text for one in root.iter("text")][:3] == ["five", "n = <5>", "half"]
    (link,) = root.iter("a")
    assert link.attrib == {"href": "#nodule-1", "aria-label": 'a "quote"'}
    assert "<b>" not in text and "<u>" not in text


def test_vertical_lines_can_be_left_out() -> None:
    ticks = ((5.0, "five"),)
    with_lines, without = (
        svg.drawing(Frame(Axis("x", 0.0, 10.0, ticks, lines=lines), FRAME.y), "plot")
        for lines in (True, False)
    )
    assert with_lines.count('class="grid"') == 1
    assert without.count('class="grid"') == 0


def test_what_is_not_there_is_not_drawn() -> None:
    assert svg.whisker(FRAME, 5.0, None, 0.5) == Markup("")
    assert svg.whisker(FRAME, 5.0, 0.25, None) == Markup("")
    assert svg.line(FRAME, [], "eval") == Markup("")


def test_whisker_spans_the_interval() -> None:
    found = re.search(r'd="M(\S+) (\S+)h8m-4 0V(\S+)m-4 0h8"', svg.whisker(FRAME, 5.0, 0.0, 1.0))
    assert found and found.groups() == ("297.0", "284.0", "10.0")


def test_lines_across() -> None:
    assert 'points="56.0,147.0 546.0,147.0"' in svg.level(FRAME, 0.5, "bound")
    assert 'points="105.0,147.0 154.0,147.0"' in svg.level(FRAME, 0.5, "bound", (1.0, 2.0))
    assert 'points="301.0,284.0 301.0,10.0"' in svg.upright(FRAME, 5.0, "best")


def test_legend() -> None:
    text = svg.legend([("eval", "a < b")])
    assert '<li><span class="swatch eval"></span>a &lt; b</li>' in text
