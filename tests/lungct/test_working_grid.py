import pytest

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.scan import Nodule, ScanError
from lungct.working_grid import geometry_around

SCAN = Geometry((20, 40, 50), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
CONFIG = Grid(spacing_mm=(3.0, 2.0, 2.0), slice_size=32, context=1, margin_mm=6.0)


def lungs(z=slice(5, 15), y=slice(10, 30), x=slice(10, 40)):
    return z, y, x


def test_working_geometry_by_hand():
    found = geometry_around(SCAN, lungs(), CONFIG)
    # Lungs: x 9.5 to 39.5, y 19 to 59, z 13.5 to 43.5 mm; with the margin z 7.5 to 49.5.
    # Window of 64 mm: x -7.5 to 56.5, y 7 to 71; the first voxel's centre is 1 mm further.
    assert found == Geometry((14, 32, 32), (-6.5, 8.0, 9.0), (2.0, 2.0, 3.0))


def test_slices_end_where_the_scan_does():
    found = geometry_around(SCAN, lungs(z=slice(0, 20)), CONFIG)
    # z from -1.5 to 58.5 mm.
    assert (found.shape[0], found.origin_mm[2]) == (20, 0.0)


def test_nodules_widen_the_slices_and_move_the_window():
    nodule = Nodule("1", (4.0, 30.0, 50.0), 10.0)
    small = Grid((3.0, 2.0, 2.0), 21, 1, 0.0)
    found = geometry_around(SCAN, lungs(), small, [nodule])
    # z to 55 mm instead of 43.5: 41.5 / 3 = 13.8. Window of 42 mm instead of x 3.5: from -0.5 mm,
    # where the scan begins and beyond which the nodule is cut.
    assert found.shape[0] == 14
    assert found.origin_mm[0] == pytest.approx(0.5)


def test_lungs_that_do_not_fit_the_window():
    config = Grid((3.0, 2.0, 2.0), 19, 1, 5.0)
    with pytest.raises(
        ScanError, match="the region within the slice window of 38.0 x 38.0 mm, got 30.0"
    ):
        geometry_around(SCAN, lungs(), config)


def test_nodule_that_does_not_fit_the_window():
    config = Grid((3.0, 2.0, 2.0), 20, 1, 5.0)
    nodule = Nodule("7", (45.0, 70.0, 30.0), 6.0)
    with pytest.raises(ScanError, match=r"nodules 7 at \(45.0, 70.0, 30.0\) within .* 40.0 x 40.0"):
        geometry_around(SCAN, lungs(), config, [nodule])
