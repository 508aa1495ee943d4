import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.grid import GridConfig, resample, working_geometry
from lungct.scan import Nodule, ScanError

SCAN = Geometry((20, 40, 50), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
CONFIG = GridConfig(spacing_mm=(3.0, 2.0, 2.0), slice_size=32, context=1, lung_margin_mm=6.0)


def lungs(z=slice(5, 15), y=slice(10, 30), x=slice(10, 40)):
    mask = np.zeros(SCAN.shape, bool)
    mask[z, y, x] = True
    return mask


def ramp(geometry, slope=(1.0, 2.0, 3.0)):
    """HU that grow linearly with world (x, y, z)."""
    world = geometry.voxel_to_world(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    return np.rint(world @ slope).astype(np.int16)


def test_working_geometry_by_hand():
    found = working_geometry(SCAN, lungs(), CONFIG)
    # Lungs: x 9.5 to 39.5, y 19 to 59, z 13.5 to 43.5 mm; with the margin z 7.5 to 49.5.
    # Window of 64 mm: x -7.5 to 56.5, y 7 to 71; the first voxel's centre is 1 mm further.
    assert found == Geometry((14, 32, 32), (-6.5, 8.0, 9.0), (2.0, 2.0, 3.0))


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


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 3.0), (0.9, 1.1, 1.3), (2.5, 4.5, 7.0)])
def test_linear_resampling_keeps_a_ramp(spacing_mm):
    target = Geometry((4, 6, 7), (12.3, 21.7, 16.1), spacing_mm)
    found = resample(ramp(SCAN), SCAN, target)
    assert found.dtype == np.int16
    # The ramp has steps up to 9 HU per voxel and is rounded before and after.
    np.testing.assert_allclose(found, ramp(target), atol=2)


def test_oblique_scans_are_resampled_to_their_place():
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    source = Geometry((30, 30, 30), (0, 0, 0), (1.0, 2.0, 3.0), tuple(turned.ravel()))
    centre = source.voxel_to_world((15, 15, 15))
    target = Geometry((4, 5, 6), tuple(centre - 4), (1.5, 1.5, 2.0))
    np.testing.assert_allclose(resample(ramp(source), source, target), ramp(target), atol=2)


def test_many_slices_are_resampled_in_slabs_without_seams():
    source = Geometry((90, 8, 9), (0, 0, 0), (1.0, 2.0, 3.0))
    target = Geometry((80, 6, 7), (1.0, 1.0, 2.0), (1.0, 2.0, 3.2))
    np.testing.assert_allclose(resample(ramp(source), source, target), ramp(target), atol=2)


def test_outside_the_scan():
    target = Geometry((3, 4, 5), (-100.0, 10.0, 10.0), (1.0, 2.0, 3.0))
    assert np.all(resample(ramp(SCAN), SCAN, target, "linear", -1024) == -1024)
    beside = Geometry((1, 1, 4), (-2.0, 10.0, 9.0), (1.0, 2.0, 3.0))
    # x of -2 and -1 mm lie outside, 0 and 1 inside: 10 * 2 + 9 * 3 + x.
    assert resample(ramp(SCAN), SCAN, beside, "linear", -1024).ravel().tolist() == [
        -1024,
        -1024,
        47,
        48,
    ]


def test_masks_take_the_nearest_voxel():
    mask = lungs().view(np.uint8)
    target = Geometry((20, 40, 50), (0.3, 0.6, -0.9), (1.0, 2.0, 3.0))
    found = resample(mask, SCAN, target, "nearest")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, mask)


def test_noise_is_averaged_where_the_target_is_coarser():
    source = Geometry((8, 80, 80), (0, 0, 0), (0.5, 0.5, 2.0))
    noise = np.random.default_rng(0).normal(0, 100, source.shape).astype(np.int16)
    target = Geometry((4, 16, 16), (2.0, 2.0, 2.0), (2.0, 2.0, 2.0))
    # Blocks of 4 x 4 voxels leave a quarter of the deviation or less.
    assert resample(noise, source, target).std() < 27
