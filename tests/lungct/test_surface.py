import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lungct.surface import SurfaceFigures, surface_figures

ROOT = Path(__file__).resolve().parents[2]
SPACING_MM = (3.0, 2.0, 1.0)


def box(start, size, shape=(8, 9, 10)):
    """A box of voxels, corner and size as (z, y, x)."""
    mask = np.zeros(shape, dtype=np.bool_)
    mask[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = True
    return mask


def voxel(*place):
    return box(place, (1, 1, 1))


def test_the_same_voxel():
    assert surface_figures(voxel(2, 3, 4), voxel(2, 3, 4), SPACING_MM) == SurfaceFigures(1.0, 0.0)


@pytest.mark.parametrize(
    ("place", "dice", "hd95_mm"),
    [
        # The surface of a voxel is its 8 corners, of equal areas. One step along an axis: 4 corners
        # are common to both, the other 4 are one spacing away.
        ((3, 3, 4), 0.5, 3.0),
        ((2, 4, 4), 0.5, 2.0),
        ((2, 3, 5), 1.0, 1.0),
        # Two steps: 4 corners are one spacing away, 4 are two.
        ((2, 3, 6), 0.5, 2.0),
        ((2, 5, 4), 0.0, 4.0),
        # One step along y and x: 2 corners are common, 2 are 1 mm away, 2 are 2 mm and
        # 2 are sqrt(5) mm away.
        ((2, 4, 5), 0.5, math.sqrt(5)),
    ],
)
def test_a_voxel_beside_a_voxel(place, dice, hd95_mm):
    for pair in ((voxel(2, 3, 4), voxel(*place)), (voxel(*place), voxel(2, 3, 4))):
        found = surface_figures(*pair, SPACING_MM)
        assert (found.dice, found.hd95_mm) == pytest.approx((dice, hd95_mm))


def test_the_tolerance_is_inclusive():
    pair = (voxel(2, 3, 4), voxel(3, 3, 4))
    assert surface_figures(*pair, SPACING_MM, tolerance_mm=2.99).dice == pytest.approx(0.5)
    assert surface_figures(*pair, SPACING_MM, tolerance_mm=3.0).dice == 1.0
    assert surface_figures(*pair, SPACING_MM, tolerance_mm=0.0).dice == pytest.approx(0.5)


def test_a_bar_beyond_a_voxel_counts_in_the_direction_that_is_farther():
    # Truth is the first voxel of a bar of 5 along y: all of the truth's corners are corners of the
    # bar or inside it, at most 2 mm from its sides; the far end of the bar is 4 * 2 mm away.
    bar, first = box((2, 2, 4), (1, 5, 1)), voxel(2, 2, 4)
    assert surface_figures(bar, first, SPACING_MM).hd95_mm == 8.0
    assert surface_figures(first, bar, SPACING_MM).hd95_mm == 8.0


def test_a_shifted_box():
    # 4 x 4 x 4 voxels, one step along z: the faces across z, far more than 5 % of the surface, are
    # 3 mm apart; the faces along z overlap but for one layer.
    found = surface_figures(box((1, 2, 3), (4, 4, 4)), box((2, 2, 3), (4, 4, 4)), SPACING_MM)
    assert found.hd95_mm == 3.0
    assert found == brute_force(box((1, 2, 3), (4, 4, 4)), box((2, 2, 3), (4, 4, 4)))
    # Along x the step is within the tolerance everywhere.
    found = surface_figures(box((1, 2, 3), (4, 4, 4)), box((1, 2, 4), (4, 4, 4)), SPACING_MM)
    assert (found.dice, found.hd95_mm) == (1.0, 1.0)


def test_the_place_in_the_volume_does_not_matter():
    inside = surface_figures(box((3, 3, 3), (2, 3, 4)), box((4, 3, 3), (2, 3, 4)), SPACING_MM)
    at_the_edge = surface_figures(box((0, 0, 0), (2, 3, 4)), box((1, 0, 0), (2, 3, 4)), SPACING_MM)
    at_the_end = surface_figures(box((5, 6, 6), (2, 3, 4)), box((6, 6, 6), (2, 3, 4)), SPACING_MM)
    assert inside == at_the_edge == at_the_end


def brute_force(prediction, truth, tolerance_mm=1.0):
    """The same figures with every pair of corners looked at."""
    (from_truth, truth_area), (from_prediction, area) = (
        distances(truth, prediction),
        distances(prediction, truth),
    )
    near = (
        truth_area[from_truth <= tolerance_mm].sum() + area[from_prediction <= tolerance_mm].sum()
    )
    percentiles = [percentile(from_truth, truth_area), percentile(from_prediction, area)]
    return SurfaceFigures(
        pytest.approx(near / (truth_area.sum() + area.sum())), pytest.approx(max(percentiles))
    )


def surface(mask):
    """Corners of voxels that see both sides, in mm, and the area of surface in each, in mm²."""
    from surface_distance import lookup_tables

    table = lookup_tables.create_table_neighbour_code_to_surface_area(SPACING_MM)
    padded, points, areas = np.pad(mask, 1), [], []
    for corner in np.ndindex(*(size + 1 for size in mask.shape)):
        around = padded[tuple(slice(place, place + 2) for place in corner)].ravel()
        code = sum(128 >> place for place in np.flatnonzero(around))
        if 0 < code < 255:
            points.append(np.multiply(corner, SPACING_MM))
            areas.append(table[code])
    return np.array(points), np.array(areas)


def distances(mask, other):
    """Distance of each corner of a surface to the other surface, and the area of surface in it."""
    points, areas = surface(mask)
    apart = points[:, None] - surface(other)[0][None]
    return np.sqrt((apart**2).sum(axis=-1)).min(axis=1), areas


def percentile(found, areas):
    """The smallest distance within which lies at least 95 % of the area."""
    return min(d for d in found if areas[found <= d].sum() >= 0.95 * areas.sum() - 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_brute_force(seed):
    generator = np.random.default_rng(seed)
    prediction, truth = generator.random((2, 4, 5, 6)) < 0.15
    assert surface_figures(prediction, truth, SPACING_MM) == brute_force(prediction, truth)


def test_areas_are_those_of_the_faces():
    # 12 x 12 x 12 voxels of 3 x 2 x 1 mm: faces of 2 * 12² * (3*2 + 3*1 + 2*1) = 3168 mm², less
    # what the cut edges take.
    areas = surface(box((0, 0, 0), (12, 12, 12), shape=(12, 12, 12)))[1]
    assert 0.9 * 3168 < areas.sum() < 3168


def test_empty_masks():
    nothing = np.zeros((8, 9, 10), dtype=np.bool_)
    for pair in ((nothing, voxel(2, 3, 4)), (voxel(2, 3, 4), nothing)):
        found = surface_figures(*pair, SPACING_MM)
        assert found.dice == 0.0 and math.isnan(found.hd95_mm)
    found = surface_figures(nothing, nothing, SPACING_MM)
    assert math.isnan(found.dice) and math.isnan(found.hd95_mm)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((voxel(0, 0, 0), voxel(0, 0, 0)[1:], SPACING_MM), r"got \(8, 9, 10\) and \(7, 9, 10\)"),
        ((np.ones((2, 3), bool), np.ones((2, 3), bool), SPACING_MM), r"got \(2, 3\) and \(2, 3\)"),
        ((voxel(0, 0, 0), voxel(0, 0, 0), (3, 2)), r"3 positive spacings in mm, got \(3, 2\)"),
        ((voxel(0, 0, 0), voxel(0, 0, 0), (3, 0, 1)), r"got \(3, 0, 1\)"),
        ((voxel(0, 0, 0), voxel(0, 0, 0), SPACING_MM, -1), "tolerance from 0 mm, got -1"),
    ],
)
def test_arguments_that_fit_no_formula(arguments, message):
    with pytest.raises(ValueError, match=message):
        surface_figures(*arguments)


def test_no_warning_gets_out_of_threads():
    code = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from lungct.surface import surface_figures
mask = np.ones((2, 3, 4), bool)
with ThreadPoolExecutor(4) as pool:
    found = pool.map(surface_figures, *(20 * [thing] for thing in (mask, mask, (3, 2, 1))))
    print(sorted(set(map(str, found))))
"""
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert run.stdout == "['SurfaceFigures(dice=1.0, hd95_mm=0.0)']\n"
