"""Whether slices lie in the order of the patient: every neighbouring pair is judged.

Along a scan slices become less alike the further apart they are. So no two slices lie much closer
to each other than a pair of neighbours between them: where they do, what was between them comes
from elsewhere. Slices that are missing can't be told from thick ones in this way: they leave a step
that no other slice fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.scan import ScanError

HuArray = npt.NDArray[np.int16]
FloatArray = npt.NDArray[np.float32]

# A step between neighbours over the distance of two slices on either side of it. `python -m
# benchmarks.scan_content` prints it for real scans, for crops of them and for wrong orders.
MAX_STEP = 2.5

# A step that is half as suspicious is one of many: neighbours together differ by this much more
# than each slice from the two that are most like it. The same command prints it.
MAX_MANY_STEPS, MAX_EXCESS = 1.8, 1.35

# A slice is compared by the means of this many cells along y and x, which hold little noise.
_CELLS = 32
_DARKEST, _BRIGHTEST = -1000, 400

# More slices are judged in parts that overlap by half.
_MOST_SLICES = 2048

# So many slices in a row may be unlike all others, by metal or motion.
_MAX_ODD_RUN = 3

# Noise makes more than this share of voxels differ from the next one. Computer-made shapes without
# noise may be symmetric: their slices may be equal, and are left out if they differ by less than
# this share of the median step.
_MIN_NOISY = 0.1
_MAX_SYMMETRIC_STEP = 3.0
_MIN_SHARE_OF_STEP = 0.3

# Below any distance that is told from none, so that none can be divided by.
_LEAST_HU = 1e-3


@dataclass(frozen=True)
class Step:
    """The step between neighbours that is largest for the two slices around it.

    Attributes:
        ratio: Distance of the neighbours over that of the slices around them.
        slices: The neighbours, numbered as stored.
        around: The slices around them, numbered as stored.
    """

    ratio: float
    slices: tuple[int, int]
    around: tuple[int, int]


def check_slice_order(hu: HuArray, first: int = 0) -> None:
    """Refuses axial slices in another order than the patient's.

    Args:
        hu: (z, y, x) int16 Hounsfield units, slices as stored, none of them of one value.
        first: Number of the first slice for messages.

    Raises:
        ScanError: By the rule `slice order`.
    """
    if len(hu) < 3:
        return
    noisy = _is_noisy(hu)
    for start, part in _parts(_cell_means(hu)):
        distances = _distances(part)
        if noisy:
            _check_steps(distances, first + start, MAX_STEP)
        else:
            _check_steps(without_symmetry(distances), first + start, _MAX_SYMMETRIC_STEP)


def check_repeats(hu: HuArray, first: int = 0) -> None:
    """Refuses slices of which each voxel is that of another one.

    Args:
        hu: (z, y, x) int16 Hounsfield units, slices as stored, none of them of one value.
        first: Number of the first slice for messages.

    Raises:
        ScanError: By the rule `repeated slices`.
    """
    # A single slice is published twice as a volume; without noise slices may well be equal.
    if len(hu) < 3 or not _is_noisy(hu):
        return
    seen: dict[bytes, int] = {}
    repeats = []
    for number, row in enumerate(hu[:, hu.shape[1] // 2]):
        earlier = seen.setdefault(row.tobytes(), number)
        if earlier != number and np.array_equal(hu[earlier], hu[number]):
            repeats.append((number, earlier))
    if repeats:
        later, earlier = repeats[0]
        raise ScanError(
            f"repeated slices: expected slices that differ, got {len(repeats)} of {len(hu)} that "
            f"equal another one, the first is slice {first + later}, as slice {first + earlier}"
        )


def slice_distances(hu: HuArray) -> FloatArray:
    """How much each slice differs from each other one.

    Args:
        hu: (z, y, x) int16 Hounsfield units.

    Returns:
        (z, z) float32, root mean square of the difference of cell means in HU.
    """
    return _distances(_cell_means(hu))


def largest_step(distances: FloatArray) -> Step:
    """The step between neighbours that is largest for the two slices around it.

    Args:
        distances: (z, z) from `slice_distances`, at least 3 slices.

    Returns:
        The step; its ratio is at most about 1 in slices that lie in order.
    """
    count = len(distances)
    steps = np.diagonal(distances, 1)
    behind = np.arange(count - 1) >= np.arange(count)[:, None]
    # Row a, column b - 1: the largest step between the slices a and b.
    largest = np.maximum.accumulate(np.where(behind, steps, 0), axis=1)
    apart = np.where(behind, distances[:, 1:], np.inf)
    # Neighbours are around no other step than their own.
    apart[np.arange(count - 1), np.arange(count - 1)] = np.inf
    ratios = largest / np.maximum(apart, _LEAST_HU)
    a, b = np.unravel_index(int(np.argmax(ratios)), ratios.shape)
    step = int(a) + int(np.argmax(steps[a : b + 1]))
    return Step(float(ratios[a, b]), (step, step + 1), (int(a), int(b) + 1))


def path_excess(distances: FloatArray) -> float:
    """How much more slices differ from their neighbours than from the two most like them.

    Args:
        distances: (z, z) from `slice_distances`, at least 3 slices.

    Returns:
        The ratio of the sums, 1 where neighbours are the slices most alike.
    """
    steps = np.diagonal(distances, 1)
    others = distances + np.diag(np.full(len(distances), np.inf, np.float32))
    nearest = np.partition(others[1:-1], 1, axis=1)[:, :2]
    return float((steps[1:].sum() + steps[:-1].sum()) / max(float(nearest.sum()), _LEAST_HU))


def without_symmetry(distances: FloatArray) -> FloatArray:
    """Distances of a volume without noise, in which slices apart may be equal.

    Args:
        distances: (z, z) from `slice_distances`.

    Returns:
        (z, z), infinite where slices that are no neighbours hardly differ.
    """
    number = np.arange(len(distances))
    apart = np.abs(number[:, None] - number) > 1
    least = _MIN_SHARE_OF_STEP * float(np.median(np.diagonal(distances, 1)))
    return np.where(apart & (distances <= max(least, _LEAST_HU)), np.float32(np.inf), distances)


def _check_steps(distances: FloatArray, first: int, limit: float) -> None:
    """Refuses slices between which others must have been, once odd slices are left out."""
    numbers = np.arange(len(distances))
    while len(numbers) > 2:
        part = distances[np.ix_(numbers, numbers)]
        step = largest_step(part)
        many = step.ratio > MAX_MANY_STEPS and path_excess(part) > MAX_EXCESS
        if step.ratio <= limit and not many:
            return
        if not _is_odd_run(part, step):
            slices, around = (first + numbers[list(pair)] for pair in (step.slices, step.around))
            raise ScanError(
                "slice order: expected slices to differ more the further apart they are, got "
                f"slices {slices[0]} and {slices[1]} that differ {step.ratio:.1f} times as much as "
                f"slices {around[0]} and {around[1]} around them"
            )
        numbers = np.delete(numbers, range(step.around[0] + 1, step.around[1]))


def _is_odd_run(distances: FloatArray, step: Step) -> bool:
    """Whether all between two slices are few that have no better place elsewhere."""
    before, behind = step.around
    if behind - before - 1 > _MAX_ODD_RUN:
        return False
    run = distances[before + 1 : behind]
    elsewhere = np.delete(run, range(before, behind + 1), axis=1)
    here = float(np.minimum(distances[before, before + 1], distances[behind - 1, behind]))
    if here <= MAX_MANY_STEPS * float(distances[before, behind]):
        return False
    return not elsewhere.size or float(elsewhere.min()) > here / MAX_MANY_STEPS


def _parts(cells: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """The cells of slices in parts that overlap by half, each with its first slice."""
    half = _MOST_SLICES // 2
    for start in range(0, max(len(cells) - half, 1), half):
        yield start, cells[start : start + _MOST_SLICES]


def _is_noisy(hu: HuArray) -> bool:
    """Whether voxels differ from the next ones, as those of every scanner do."""
    rows = hu[:, hu.shape[1] // 2]
    return float(np.mean(rows[:, 1:] != rows[:, :-1])) > _MIN_NOISY if rows.shape[1] > 1 else False


def _cell_means(hu: HuArray) -> FloatArray:
    """(z, cells) float32: means of HU over cells of a slice, from some of its rows."""
    rows = max(1, hu.shape[1] // _CELLS)
    width = hu.shape[2]
    cells = min(_CELLS, width)
    member = np.arange(width) * cells // width == np.arange(cells)[:, None]
    weights = np.ascontiguousarray((member / member.sum(axis=1, keepdims=True)).T, np.float32)
    sample = np.clip(hu[:, rows // 2 :: rows], _DARKEST, _BRIGHTEST).astype(np.float32)
    return (sample @ weights).reshape(len(hu), -1)


def _distances(cells: FloatArray) -> FloatArray:
    """(z, z) float32: root mean square difference of slices."""
    # Centred, so that little is lost in the difference of large squares.
    centred = cells - cells.mean(axis=0)
    products = centred @ centred.T
    squares = np.diagonal(products)
    differences = squares[:, None] + squares - 2 * products
    return np.asarray(np.sqrt(np.maximum(differences, 0) / cells.shape[1]), np.float32)
