"""Pictures of nodules: CT, truth and prediction side by side, as PNG in data URIs.

Slices are shown as radiologists see them: the patient's right on the left, front at the top, in a
lung window.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from lungct.metrics import Mask
from report.nodules import JudgedNodule, NoduleResult, ScanToJudge, read_prediction
from report.scans import ZYX
from report.slices import SlicePixels, decode, read_slices
from schema import features

WINDOW_HU: Final = (-1350, 150)
ZOOM_MM: Final = 60.0
SCALE_BAR_MM: Final = 10.0
PANEL_INCHES: Final = 3.2
PANEL_DPI: Final = 110
REGION_COLOUR: Final = "#f5d90a"
TRUTH_COLOUR: Final = "#22d3ee"
PREDICTION_COLOUR: Final = "#ff8a1f"
MAX_REAL: Final = 3

# White marks have to be seen on bright tissue too.
SHADE: Final = "#000000a0"


@dataclass(frozen=True)
class PictureRequest:
    """What to draw: one slice of one scan, around a place when there is a nodule."""

    kind: str
    scan: ScanToJudge
    slice_index: int
    centre_pixels: tuple[float, float] | None
    result: NoduleResult | None


@dataclass(frozen=True)
class Panel:
    """One image of a picture: what it shows, and the PNG as a data URI."""

    title: str
    image: str


@dataclass(frozen=True)
class Picture:
    """One place shown side by side."""

    kind: str
    series_uid: str
    patient_id: str
    split: str
    phantom: bool
    slice_index: int
    result: NoduleResult | None
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class _Window:
    """The zoomed part of a slice: first row and column, rows and columns, in pixels."""

    top: float
    left: float
    height: float
    width: float


def choose_nodules(judged: Sequence[tuple[ScanToJudge, JudgedNodule]]) -> list[PictureRequest]:
    """The best, the median and the worst nodule of the eval split by nodule Dice."""
    known = sorted(
        (
            (one.result.dice, one.result.diameter_mm, number)
            for number, (_, one) in enumerate(judged)
            if one.result.dice is not None and one.result.split == features.SPLIT_EVAL
        ),
        reverse=True,
    )
    return [_request(kind, *judged[known[place][2]]) for place, kind in _places(len(known))]


def choose_real(
    scans: Iterable[ScanToJudge], judged: Sequence[tuple[ScanToJudge, JudgedNodule]]
) -> list[PictureRequest]:
    """One picture of each real scan: its largest nodule, or its middle slice of the region."""
    requests = []
    for scan in scans:
        own = [one for of, one in judged if of == scan and one.slice_index >= 0]
        if own:
            largest = max(own, key=lambda one: one.result.diameter_mm)
            requests.append(_request("real scan", scan, largest))
        else:
            requests.append(PictureRequest("real scan", scan, _middle(scan), None, None))
    return requests


def draw(request: PictureRequest, spacing_mm: ZYX) -> Picture:
    """Draws one picture.

    Args:
        request: What to draw.
        spacing_mm: Spacing (z, y, x) of the working grid.

    Raises:
        ValueError: The scan does not have the slice.
    """
    scan = request.scan
    found = read_slices(scan.folder, scan.rows, {request.slice_index})
    if not found:
        uid = scan.record.series_uid
        raise ValueError(f"expected slice {request.slice_index} of {uid}, got none")
    pixels = decode(found[request.slice_index])
    prediction = read_prediction(scan)[request.slice_index]
    return Picture(
        kind=request.kind,
        series_uid=scan.record.series_uid,
        patient_id=scan.record.patient_id,
        split=scan.record.split,
        phantom=scan.record.phantom,
        slice_index=request.slice_index,
        result=request.result,
        panels=_panels(pixels, prediction, request.centre_pixels, spacing_mm),
    )


def _places(count: int) -> list[tuple[int, str]]:
    """Best, median and worst of so many that are sorted downwards; each place once."""
    if count < 2:
        return [(0, "the only eval nodule")][:count]
    places = {count // 2: "median", count - 1: "worst", 0: "best"}
    return [(place, f"{places[place]} of {count} eval nodules") for place in sorted(places)]


def _request(kind: str, scan: ScanToJudge, one: JudgedNodule) -> PictureRequest:
    return PictureRequest(kind, scan, one.slice_index, one.centre_pixels, one.result)


def _middle(scan: ScanToJudge) -> int:
    return scan.rows[len(scan.rows) // 2].index


def _panels(
    pixels: SlicePixels,
    prediction: Mask,
    centre: tuple[float, float] | None,
    spacing_mm: ZYX,
) -> tuple[Panel, ...]:
    """Whole slice, then CT, truth and prediction; zoomed when there is a place to zoom to."""
    shape = pixels.hu.shape
    whole = _Window(-0.5, -0.5, shape[0], shape[1])
    zoom = _zoom(centre, (shape[0], shape[1]), spacing_mm) if centre else whole
    truth_line = (pixels.truth, TRUTH_COLOUR, "solid")
    lines = {
        "Whole slice": ((pixels.region, REGION_COLOUR, "solid"),),
        "CT": (),
        "Truth": (truth_line,),
        "Prediction": (
            (pixels.truth, TRUTH_COLOUR, "dashed"),
            (prediction, PREDICTION_COLOUR, "solid"),
        ),
    }
    panels = []
    for title, contours in lines.items():
        window = whole if title == "Whole slice" else zoom
        figure, axes = _canvas(pixels, window, spacing_mm)
        for mask, colour, style in contours:
            if mask.any():
                axes.contour(mask, levels=[0.5], colors=colour, linewidths=1.6, linestyles=style)
        if title == "Whole slice" and centre:
            _mark(axes, zoom)
        elif window is not whole:
            _scale_bar(axes, zoom, spacing_mm)
        panels.append(Panel(title, _png(figure)))
    return tuple(panels)


def _zoom(centre: tuple[float, float], shape: tuple[int, int], spacing_mm: ZYX) -> _Window:
    """A square of 60 mm around the centre, moved inside the slice where it would leave it."""
    starts, sizes = [], []
    for place, size, step_mm in zip(centre, shape, spacing_mm[1:], strict=True):
        length = min(float(size), ZOOM_MM / step_mm)
        starts.append(min(max(place - length / 2, -0.5), size - 0.5 - length))
        sizes.append(length)
    return _Window(starts[0], starts[1], sizes[0], sizes[1])


def _canvas(pixels: SlicePixels, window: _Window, spacing_mm: ZYX) -> tuple[Any, Any]:
    height_mm = window.height * spacing_mm[1]
    width_mm = window.width * spacing_mm[2]
    figure = Figure(figsize=(PANEL_INCHES, PANEL_INCHES * height_mm / width_mm), dpi=PANEL_DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    low, high = WINDOW_HU
    axes.imshow(
        pixels.hu,
        cmap="gray",
        vmin=low,
        vmax=high,
        interpolation="bilinear",
        aspect=spacing_mm[1] / spacing_mm[2],
    )
    axes.set_xlim(window.left, window.left + window.width)
    axes.set_ylim(window.top + window.height, window.top)
    axes.set_axis_off()
    return figure, axes


def _mark(axes: Any, zoom: _Window) -> None:
    corner = (zoom.left, zoom.top)
    box = Rectangle(corner, zoom.width, zoom.height, fill=False, edgecolor="white", linewidth=1.4)
    box.set_path_effects([withStroke(linewidth=2.8, foreground=SHADE)])
    axes.add_patch(box)


def _scale_bar(axes: Any, zoom: _Window, spacing_mm: ZYX) -> None:
    length = SCALE_BAR_MM / spacing_mm[2]
    left, row = zoom.left + 0.06 * zoom.width, zoom.top + 0.94 * zoom.height
    corner = (left - 0.02 * zoom.width, row - 0.085 * zoom.height)
    size = (length + 0.04 * zoom.width, 0.11 * zoom.height)
    axes.add_patch(Rectangle(corner, *size, facecolor=SHADE, edgecolor="none", zorder=3))
    axes.plot([left, left + length], [row, row], color="white", linewidth=2, zorder=4)
    axes.text(
        left + length / 2,
        row - 0.02 * zoom.height,
        f"{SCALE_BAR_MM:g} mm",
        color="white",
        fontsize=8,
        ha="center",
        va="bottom",
        zorder=4,
    )


def _png(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", pil_kwargs={"optimize": True})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
