import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.grid import GridConfig, geometry_around, working_geometry
from lungct.scan import Nodule, ScanError

SCAN = Geometry((20, 40, 50), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
CONFIG = GridConfig(spacing_mm=(3.0, 2.0, 2.0), slice_size=32, context=1, lung_margin_mm=6.0)


def lungs(z=slice(5, 15), y=slice(10, 30), x=slice(10, 40)):
    mask = np.zeros(SCAN.shape, bool)
    mask[z, y, x] = True
    return mask


def test_working_geometry_by_hand():
    found = working_geometry(SCAN, lungs(), CONFIG)
    # Lungs: x 9.5 to 39.5, y 19 to 59, z 13.5 to 43.5 mm; with the margin z 7.5 to 49.5.
    # Window of 64 mm: x -7.5 to 56.5, y 7 to 71; the first voxel's centre is 1 mm further.
    assert found == Geometry((14, 32, 32), (-6.5, 8.0, 9.0), (2.0, 2.0, 3.0))


def test_the_box_around_the_lungs_is_enough():
    box = (slice(5, 15), slice(10, 30), slice(10, 40))
    assert geometry_around(SCAN, box, CONFIG) == working_geometry(SCAN, lungs(), CONFIG)


def test_slices_end_where_the_scan_does():
    found = working_geometry(SCAN, lungs(z=slice(0, 20)), CONFIG)
    # z from -1.5 to 58.5 mm.
    assert (found.shape[0], found.origin_mm[2]) == (20, 0.0)


def test_nodules_widen_the_slices_and_move_the_window():
    nodule = Nodule("1", (4.0, 30.0, 50.0), 10.0)
    small = GridConfig((3.0, 2.0, 2.0), 21, 1, 0.0)
    found = working_geometry(SCAN, lungs(), small, [nodule])
    # z to 55 mm instead of 43.5: 41.5 / 3 = 13.8. Window of 42 mm instead of x 3.5: from -0.5 mm,
    # where the scan begins and beyond which the nodule is cut.
    assert found.shape[0] == 14
    assert found.origin_mm[0] == pytest.approx(0.5)


def test_lungs_that_do_not_fit_the_window():
    config = GridConfig((3.0, 2.0, 2.0), 19, 1, 5.0)
    with pytest.raises(
        ScanError, match="lungs within the slice window of 38.0 x 38.0 mm, got 30.0"
    ):
        working_geometry(SCAN, lungs(), config)


def test_nodule_that_does_not_fit_the_window():
    config = GridConfig((3.0, 2.0, 2.0), 20, 1, 5.0)
    nodule = Nodule("7", (45.0, 70.0, 30.0), 6.0)
    with pytest.raises(ScanError, match=r"nodules 7 at \(45.0, 70.0, 30.0\) within .* 40.0 x 40.0"):
        working_geometry(SCAN, lungs(), config, [nodule])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"spacing_mm": (1.0, 0.0, 1.0)}, r"3 positive spacings in mm, got \(1.0, 0.0, 1.0\)"),
        ({"slice_size": 0}, r"slice size from 1 and a context from 0, got \(0, 1\)"),
        ({"context": -1}, r"context from 0, got \(32, -1\)"),
        ({"lung_margin_mm": -1.0}, "margin from 0 mm, got -1.0"),
    ],
)
def test_config_refuses(fields, message):
    good = {"spacing_mm": (1.0, 1.0, 1.0), "slice_size": 32, "context": 1, "lung_margin_mm": 5.0}
    with pytest.raises(ValueError, match=message):
        GridConfig(**{**good, **fields})
