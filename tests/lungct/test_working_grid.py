import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.scan import Nodule
from lungct.working_grid import geometry_around

# World x from -0.5 to 49.5, y from -1 to 79, z from -1.5 to 58.5 mm.
SCAN = Geometry((20, 40, 50), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
LUNGS = (slice(5, 15), slice(10, 30), slice(10, 40))


def test_a_region_with_its_margin_by_hand():
    found = geometry_around(SCAN, LUNGS, Grid((3.0, 2.5, 2.0), margin_mm=6.0))
    # Lungs: x 9.5 to 39.5, y 19 to 59, z 13.5 to 43.5 mm; with the margin 42, 52 and 42 mm.
    # 42 / 2 = 21 columns from 3.5 mm, 52 / 2.5 = 20.8: 21 rows of 52.5 mm together, centred from
    # 12.75 mm; 14 slices from 7.5 mm. Each centre is half a spacing further.
    assert found == Geometry((14, 21, 21), (4.5, 14.0, 9.0), (2.0, 2.5, 3.0))


def test_it_ends_where_the_scan_does():
    region = (slice(0, 20), slice(0, 30), slice(20, 50))
    found = geometry_around(SCAN, region, Grid((3.0, 2.5, 2.0), margin_mm=6.0))
    # x: wanted 13.5 to 49.5, 18 columns. y: wanted -1 to 65, 66 / 2.5 = 26.4: 27 rows of 67.5 mm,
    # moved from -1.75 to -1. z: all 60 mm.
    assert found == Geometry((20, 27, 18), (14.5, 0.25, 0.0), (2.0, 2.5, 3.0))


def test_a_grid_is_moved_back_at_the_far_end_too():
    region = (slice(5, 15), slice(20, 40), slice(10, 40))
    found = geometry_around(SCAN, region, Grid((3.0, 3.0, 2.0), margin_mm=0.0))
    # y: wanted 39 to 79, 13.3: 14 rows of 42 mm, moved from 38 to 37.
    assert (found.shape[1], found.origin_mm[1]) == (14, 38.5)


def test_nodules_widen_it_in_every_direction():
    nodule = Nodule("1", (4.0, 70.0, 50.0), 10.0)
    found = geometry_around(SCAN, LUNGS, Grid((3.0, 2.0, 2.0), margin_mm=0.0), [nodule])
    # x: -0.5, where the scan begins, instead of -1, to 39.5: 20 columns. y: 19 to 75: 28 rows.
    # z: 13.5 to 55: 13.8, so 14 slices of 42 mm, centred from 13.25.
    assert found == Geometry((14, 28, 20), (0.5, 20.0, 14.75), (2.0, 2.0, 3.0))


def test_the_margin_does_not_widen_it_around_nodules():
    nodule = Nodule("1", (20.0, 30.0, 46.0), 8.0)
    found = geometry_around(SCAN, LUNGS, Grid((2.0, 2.0, 2.0), margin_mm=5.0), [nodule])
    # z: 8.5 to 50 instead of 48.5.
    assert found.shape[0] == 21


def test_no_scan_is_too_wide():
    wide = Geometry((40, 200, 260), (-250.0, -200.0, 0.0), (2.0, 2.0, 5.0))
    lungs = (slice(0, 40), slice(10, 190), slice(20, 220))
    found = geometry_around(wide, lungs, Grid((2.5, 0.7, 0.7), margin_mm=5.0))
    # Lungs of 400 mm: 410 / 0.7 = 585.7 columns; 370 / 0.7 = 528.6 rows; 200 / 2.5 = 80 slices.
    assert found.shape == (80, 529, 586)


@pytest.mark.parametrize(
    ("spacing_mm", "slices", "first_mm"),
    [
        # The scan has 60 mm from -1.5 on: 60 / 8 + 0.5 = 8 slices of 64 mm, centred.
        (8.0, 8, 0.5),
        # 60 / 9 + 0.5 = 7.2: 7 slices of 63 mm, centred.
        (9.0, 7, 1.5),
        # 60 / 11 + 0.5 = 5.95: 5 slices of 55 mm: a sixth would have its centre in the scan's face.
        (11.0, 5, 6.5),
        (20.0, 3, 8.5),
    ],
)
def test_no_slice_is_centred_outside_the_scan(spacing_mm, slices, first_mm):
    whole = (slice(0, 20), slice(10, 30), slice(10, 40))
    found = geometry_around(SCAN, whole, Grid((spacing_mm, 2.0, 2.0), margin_mm=50.0))
    assert (found.shape[0], found.origin_mm[2]) == (slices, first_mm)


def test_a_scan_thinner_than_a_slice_is_one_slice():
    thin = Geometry((2, 40, 50), (0.0, 0.0, 10.0), (1.0, 2.0, 3.0))
    found = geometry_around(thin, thin.whole, Grid((20.0, 2.0, 2.0), margin_mm=5.0))
    # 6 mm from 8.5 on, whose middle is 11.5.
    assert (found.shape, found.origin_mm[2]) == ((1, 40, 25), 11.5)


@pytest.mark.parametrize("spacing_mm", [0.7, 1.3, 4.9, 13.0, 20.0])
@pytest.mark.parametrize("shape", [(1, 2, 3), (7, 30, 41), (60, 11, 90)])
def test_every_centre_lies_in_the_scan(shape, spacing_mm):
    scan = Geometry(shape, (3.1, -7.7, 0.3), (0.9, 1.1, 2.3))
    grid = Grid((spacing_mm, spacing_mm, spacing_mm), margin_mm=7.0)
    found = geometry_around(scan, scan.whole, grid)
    corners = found.voxel_to_world([(0, 0, 0), np.array(found.shape) - 1])
    assert scan.contains(corners).all()


def test_the_last_bit_of_a_coordinate_adds_no_slice():
    # 30 slices of 0.1 mm and 0.3 mm more are 3.3000000000000003 mm.
    scan = Geometry((33, 40, 50), (0.0, 0.0, 1e4 / 3), (1.0, 2.0, 0.1))
    found = geometry_around(scan, scan.whole, Grid((0.3, 2.0, 2.0), margin_mm=0.0))
    assert found.shape[0] == 11
