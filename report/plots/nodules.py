"""Plots of single nodules, of which each mark leads to its nodule, and of calibration."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from lungct.scan import SIZE_BUCKETS
from report.agreement import Agreement
from report.calibration import CalibrationBin
from report.nodules import NoduleResult
from report.plots import svg
from report.plots.svg import Axis, Frame, Link
from report.words import count, counted, decimal
from schema.metrics import figure_text

# Predicted / true volume where the axis ends; what lies beyond is drawn at its end.
_RATIO_TICKS: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_MISSED_RATIO: Final = 0.08
_SHARES: Final = tuple((place / 5, f"{place / 5:g}") for place in range(6))


def dice_against_diameter(nodules: Sequence[NoduleResult]) -> Markup:
    """Nodule Dice against diameter; nodules that fill no voxel are left out."""
    known = [(one, one.dice) for one in nodules if one.dice is not None]
    widest_mm = max((one.diameter_mm for one, _ in known), default=10.0)
    frame = Frame(
        svg.linear_axis("annotated diameter (mm)", 0.0, widest_mm * 1.05),
        Axis("nodule Dice", -0.02, 1.02, _SHARES),
    )
    borders = [svg.upright(frame, mm, "border") for mm, _ in SIZE_BUCKETS[1:] if mm < widest_mm]
    marks = [_mark(frame, one, (one.diameter_mm, dice)) for one, dice in known]
    entries = [*_kinds(nodules), ("border", "borders of the size buckets")]
    return svg.legend(entries) + svg.drawing(
        frame, "nodule Dice against diameter", *borders, *marks
    )


def volume_agreement(nodules: Sequence[NoduleResult], agreement: Agreement) -> Markup:
    """Predicted / true volume against their geometric mean, after Bland and Altman.

    Nodules around which nothing is predicted are drawn at the lower edge, at their true volume.
    """
    places = [(one, _volume_place(one)) for one in nodules if one.truth_mm3 > 0]
    volumes = [x for _, (x, _) in places] or [1.0]
    ticks = tuple(
        (ratio, f"1/{1 / ratio:g}" if ratio < 1 else f"{ratio:g}") for ratio in _RATIO_TICKS
    )
    frame = Frame(
        svg.log_axis("geometric mean of both volumes (mm³)", min(volumes), max(volumes)),
        Axis("predicted / true volume", _MISSED_RATIO, 10.0, ticks, log=True),
    )
    lines = [svg.level(frame, 1.0, "even")]
    if agreement.bias is not None:
        lines.append(svg.level(frame, agreement.bias, "bias"))
    for limit in (agreement.lower, agreement.upper):
        if limit is not None and frame.y.low <= limit <= frame.y.high:
            lines.append(svg.level(frame, limit, "limit"))
    marks = [_mark(frame, one, place) for one, place in places]
    entries = [*_kinds(nodules), ("bias", "bias"), ("limit", "limits of agreement")]
    return svg.legend(entries) + svg.drawing(frame, "agreement of volumes", *lines, *marks)


def reliability(bins: Sequence[CalibrationBin]) -> Markup:
    """Share of true voxels against what the model says of them."""
    frame = Frame(
        Axis("probability that the model gives", 0.0, 1.0, _SHARES),
        Axis("share of these voxels that are true", 0.0, 1.02, _SHARES),
    )
    known = [(one, one.share) for one in bins if one.share is not None]
    marks = []
    for one, share in known:
        voxels = counted(one.voxels, "voxel")
        text = f"{one.low:g} to {one.high:g}: {figure_text(share)} of {voxels}"
        marks.append(svg.whisker(frame, one.middle, one.lower, one.upper))
        marks.append(svg.dot(frame, (one.middle, share), "eval", text))
    lines = [
        svg.line(frame, [(0.0, 0.0), (1.0, 1.0)], "even"),
        svg.line(frame, [(one.middle, share) for one, share in known], "eval"),
    ]
    entries = [("eval", "eval split"), ("even", "as likely as said"), ("whisker", "95% interval")]
    return svg.legend(entries) + svg.drawing(frame, "reliability diagram", *lines, *marks)


def _volume_place(one: NoduleResult) -> tuple[float, float]:
    if one.predicted_mm3 <= 0:
        return one.truth_mm3, _MISSED_RATIO
    return (one.predicted_mm3 * one.truth_mm3) ** 0.5, one.predicted_mm3 / one.truth_mm3


def _mark(frame: Frame, one: NoduleResult, place: tuple[float, float]) -> Markup:
    """A mark that leads to its nodule."""
    text = (
        f"{decimal(one.diameter_mm, 1)} mm, nodule Dice {figure_text(one.dice)}, "
        f"{count(round(one.predicted_mm3))} of {count(round(one.truth_mm3))} mm³: "
        f"nodule {one.nodule_id} of {one.series_uid}"
    )
    css = "phantom" if one.phantom else "patient"
    return svg.linked(svg.dot(frame, place, css, text), Link(f"#{one.anchor}", text))


def _kinds(nodules: Sequence[NoduleResult]) -> list[tuple[str, str]]:
    """Classes and names of what the nodules are of."""
    kinds = (("phantom", "nodule of a phantom", True), ("patient", "nodule of a patient", False))
    return [(css, text) for css, text, made in kinds if any(one.phantom is made for one in nodules)]
