"""Pictures of places in scans: axial, coronal and sagittal, as SVG with an image inside.

Slices are shown as radiologists see them: the patient's right on the left, front at the top; in
the other planes the head at the top, in the sagittal one the front on the left. Outlines are paths
of their own, so that the page can hide them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from lungct.geometry import Geometry
from lungct.metrics import Mask
from report.gallery import Request
from report.outlines import jpeg, outline, png, windowed
from report.slices import ZYX, ScanFiles, geometry_of, read_prediction, read_slices, stacked

ZOOM_MM: Final = 40.0
# Of a nodule so much around it is seen, where that is more.
_DIAMETERS_SEEN: Final = 2.0
MAX_ZOOM_MM: Final = 120.0
SCALE_BAR_MM: Final = 10.0
OVERVIEW_PIXELS: Final = 240
_TICK: Final = 0.05

MASKS: Final = ("region", "truth", "prediction")


@dataclass(frozen=True)
class Picture:
    """One place in several planes.

    Attributes:
        request: What was asked for.
        slice_index: z of its axial slice on the working grid.
        panels: Title and SVG of each plane, the whole slice last.
    """

    request: Request
    slice_index: int
    panels: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True)
class _Block:
    """Voxels around a place.

    Attributes:
        hu: (z, y, x).
        masks: Of the same shape, by the names of MASKS.
        start: Place (z, y, x) of its first voxel in the scan.
        centre: Voxel (z, y, x) of the scan that it is around.
    """

    hu: npt.NDArray[np.int16]
    masks: dict[str, Mask]
    start: tuple[int, int, int]
    centre: tuple[int, int, int]


@dataclass(frozen=True)
class _Plane:
    """A cut through a block.

    Attributes:
        hu: (rows, columns).
        masks: Of the same shape.
        corner_mm: (x, y) of the outer corner of the first pixel within the picture.
        steps_mm: Width and height of a pixel.
    """

    hu: npt.NDArray[np.int16]
    masks: dict[str, Mask]
    corner_mm: tuple[float, float]
    steps_mm: tuple[float, float]


def draw_scan(scan: ScanFiles, requests: Sequence[Request], spacing_mm: ZYX) -> list[Picture]:
    """Draws places of one scan.

    Args:
        scan: The scan.
        requests: What to draw.
        spacing_mm: Spacing (z, y, x) of the working grid.

    Raises:
        ValueError: Slices and mask are not of one shape, or the file does not hold the slices.
    """
    geometry = geometry_of(scan, spacing_mm)
    prediction = read_prediction(scan)
    return [_draw(scan, request, geometry, prediction) for request in requests]


def zoom_mm(request: Request) -> float:
    """How much is seen of a place, along each axis."""
    diameter_mm = request.result.diameter_mm if request.result else 0.0
    return min(max(ZOOM_MM, _DIAMETERS_SEEN * diameter_mm), MAX_ZOOM_MM)


def _draw(scan: ScanFiles, request: Request, geometry: Geometry, prediction: Mask) -> Picture:
    centre = _centre(request, geometry)
    size_mm = zoom_mm(request)
    ranges = [
        (max(0, int(place - reach)), min(size, int(np.ceil(place + reach)) + 1))
        for place, reach, size in zip(
            centre,
            (size_mm / 2 / step for step in geometry.spacing_zyx_mm),
            scan.shape,
            strict=True,
        )
    ]
    (first, end), rows, columns = ranges
    pixels = stacked(list(read_slices(scan, range(first, end)).values()), first)
    box = (slice(None), slice(*rows), slice(*columns))
    masks = {
        "region": pixels.region[box],
        "truth": pixels.truth[box],
        "prediction": prediction[first:end][box],
    }
    block = _Block(pixels.hu[box], masks, (first, rows[0], columns[0]), centre)
    panels = [
        (name, _panel(_cut(block, name, geometry, size_mm), size_mm, f"{name} plane"))
        for name in ("axial", "coronal", "sagittal")
    ]
    whole = pixels.hu[centre[0] - first], pixels.region[centre[0] - first]
    panels.append(("whole slice", _whole(*whole, centre, size_mm, geometry)))
    return Picture(request, scan.rows[centre[0]].index, tuple(panels))


def _centre(request: Request, geometry: Geometry) -> tuple[int, int, int]:
    """The voxel (z, y, x) that a picture is around; the middle of the scan where there is none."""
    shown = request.result or request.mark
    if shown is None:
        z, y, x = (size // 2 for size in geometry.shape)
        return z, y, x
    places = np.rint(geometry.world_to_voxel(shown.centre_mm)).astype(int).tolist()
    z, y, x = (min(max(0, p), n - 1) for p, n in zip(places, geometry.shape, strict=True))
    return z, y, x


def _cut(block: _Block, name: str, geometry: Geometry, size_mm: float) -> _Plane:
    """One plane through the centre of a block, the head at the top."""
    axis = ("axial", "coronal", "sagittal").index(name)
    place = block.centre[axis] - block.start[axis]
    hu = np.take(block.hu, place, axis)
    masks = {key: np.take(mask, place, axis) for key, mask in block.masks.items()}
    down, right = (other for other in range(3) if other != axis)
    steps_mm = geometry.spacing_zyx_mm
    left_mm, top_mm = (
        size_mm / 2 + (block.start[one] - block.centre[one] - 0.5) * steps_mm[one]
        for one in (right, down)
    )
    if name != "axial":
        hu, masks = hu[::-1], {key: mask[::-1] for key, mask in masks.items()}
        end = block.start[0] + len(block.hu)
        top_mm = size_mm / 2 - (end - block.centre[0] - 0.5) * steps_mm[0]
    return _Plane(hu, masks, (left_mm, top_mm), (steps_mm[right], steps_mm[down]))


def _panel(plane: _Plane, size_mm: float, label: str) -> Markup:
    """A square of so many mm, with a scale bar, and ticks where the other planes cut it."""
    half, tick = size_mm / 2, size_mm * _TICK
    far = size_mm - tick
    bar = size_mm * 0.05
    return Markup(
        '<svg class="plane" viewBox="0 0 {size} {size}" role="img" aria-label="{label}">'
        "{image}"
        '<path class="tick" d="M{half} 0v{tick}M{half} {far}v{tick}'
        'M0 {half}h{tick}M{far} {half}h{tick}"/>'
        '<path class="scale" d="M{bar} {low}h{length}"/></svg>'
    ).format(
        size=_number(size_mm),
        label=label,
        image=_image(plane, png(windowed(plane.hu))),
        half=_number(half),
        tick=_number(tick),
        far=_number(far),
        bar=_number(bar),
        low=_number(size_mm - bar),
        length=_number(SCALE_BAR_MM),
    )


def _whole(
    hu: npt.NDArray[np.int16],
    region: Mask,
    centre: tuple[int, int, int],
    size_mm: float,
    geometry: Geometry,
) -> Markup:
    """The axial slice as a whole, with the region and a box around what the planes show."""
    _, height_mm, width_mm = geometry.spacing_zyx_mm
    plane = _Plane(hu, {"region": region}, (0.0, 0.0), (width_mm, height_mm))
    left_mm = (centre[2] + 0.5) * width_mm - size_mm / 2
    top_mm = (centre[1] + 0.5) * height_mm - size_mm / 2
    return Markup(
        '<svg class="plane" viewBox="0 0 {width} {height}" role="img" aria-label="whole slice">'
        '{image}<rect class="box" x="{left}" y="{top}" width="{size}" height="{size}"/></svg>'
    ).format(
        width=_number(hu.shape[1] * width_mm),
        height=_number(hu.shape[0] * height_mm),
        image=_image(plane, jpeg(windowed(hu), OVERVIEW_PIXELS)),
        left=_number(left_mm),
        top=_number(top_mm),
        size=_number(size_mm),
    )


def _image(plane: _Plane, uri: str) -> Markup:
    """The grey values, and the outlines over them."""
    rows, columns = plane.hu.shape
    (left, top), (width, height) = plane.corner_mm, plane.steps_mm
    paths = Markup("").join(
        Markup('<path class="{}" d="{}"/>').format(name, outline(plane.masks[name]))
        for name in MASKS
        if name in plane.masks
    )
    return Markup(
        '<image x="{left}" y="{top}" width="{width}" height="{height}" '
        'preserveAspectRatio="none" href="{uri}"/>'
        '<g transform="translate({left} {top}) scale({step_x} {step_y})">{paths}</g>'
    ).format(
        left=_number(left),
        top=_number(top),
        width=_number(columns * width),
        height=_number(rows * height),
        uri=uri,
        step_x=_number(width),
        step_y=_number(height),
        paths=paths,
    )


def _number(value: float) -> str:
    """At most three decimals."""
    return f"{round(value, 3):g}"
