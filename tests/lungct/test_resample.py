import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.resample import resample

SCAN = Geometry((20, 40, 50), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))


def ramp(geometry, slope=(1.0, 2.0, 3.0)):
    """HU that grow linearly with world (x, y, z)."""
    world = geometry.voxel_to_world(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    return np.rint(world @ slope).astype(np.int16)


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
    mask = np.zeros(SCAN.shape, np.uint8)
    mask[5:15, 10:30, 10:40] = 1
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


def itk(volume, source, target, interpolator, outside, shrink=(1, 1, 1)):
    """SimpleITK's result in float64; shrink (x, y, z) divides the shape."""
    image = sitk.GetImageFromArray(volume.astype(np.float64))
    image.SetOrigin(source.origin_mm)
    image.SetSpacing(source.spacing_mm)
    image = sitk.BinShrink(image, shrink)
    moved = sitk.Resample(
        image,
        target.shape[::-1],
        sitk.Transform(),
        interpolator,
        target.origin_mm,
        target.spacing_mm,
        target.direction,
        outside,
    )
    return sitk.GetArrayFromImage(moved)


@pytest.mark.parametrize(
    ("spacing_mm", "shrink"),
    [
        ((0.7, 0.9, 2.0), (1, 1, 1)),
        ((1.37, 3.07, 2.3), (1, 1, 1)),
        ((2.1, 2.5, 6.0), (2, 1, 2)),
        ((5.0, 8.2, 3.5), (5, 4, 1)),
    ],
)
def test_same_as_simpleitk(spacing_mm, shrink):
    volume = np.random.default_rng(4).integers(-1024, 3072, SCAN.shape).astype(np.int16)
    # Reaches beyond the scan on all sides; no voxel lies just between two of the scan.
    target = Geometry((60, 90, 100), (-4.31, -3.13, -5.77), spacing_mm)
    expected = itk(volume, SCAN, target, sitk.sitkLinear, -1024, shrink)
    found = resample(volume, SCAN, target, "linear", -1024)
    assert found.dtype == np.int16
    # Rounded, 3071 HU in float32 besides.
    assert np.abs(found - expected).max() <= 0.501
    expected = itk(volume, SCAN, target, sitk.sitkNearestNeighbor, -1024)
    np.testing.assert_array_equal(resample(volume, SCAN, target, "nearest", -1024), expected)


def test_linear_by_hand():
    source = Geometry((1, 1, 3), (10.0, 0.0, 0.0), (2.0, 3.0, 5.0))
    target = Geometry((1, 1, 7), (8.5, 0.5, -1.0), (1.25, 3.0, 5.0))
    # Voxels at 10, 12 and 14 mm, the outer ones reach from 9 to 15; the target lies at
    # 8.5, 9.75, 11, 12.25, 13.5, 14.75 and 16 mm. 12.25: 10 - 40 / 8; 13.5: 10 - 40 * 3 / 4.
    volume = np.array([[[0, 10, -30]]], np.int16)
    found = resample(volume, source, target, "linear", -1024)
    assert found.ravel().tolist() == [-1024, 0, 5, 5, -20, -30, -1024]


def test_probabilities_are_not_rounded():
    source = Geometry((1, 1, 2), (0.0, 0.0, 0.0), (2.0, 3.0, 5.0))
    target = Geometry((1, 1, 5), (-1.5, 0.5, 1.0), (1.0, 3.0, 5.0))
    # At -1.5 (outside), -0.5, 0.5, 1.5 and 2.5 mm between voxels at 0 and 2 mm.
    found = resample(np.array([[[0.25, 0.75]]], np.float32), source, target)
    assert found.dtype == np.float32
    assert found.ravel().tolist() == [0, 0.25, 0.375, 0.625, 0.75]


def test_probabilities_of_oblique_grids_are_not_rounded():
    turned = (0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0)
    source = Geometry((8, 30, 40), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0), turned)
    share = np.float32(0.001) * ramp(source)
    centre = source.voxel_to_world((3, 15, 20))
    target = Geometry((3, 4, 5), tuple(centre), (0.7, 0.9, 1.1))
    found = resample(share, source, target)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.001 * ramp(target), atol=2e-3)


def test_masks_of_oblique_grids_take_the_nearest_voxel():
    turned = (0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0)
    source = Geometry((8, 30, 40), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0), turned)
    mask = (np.indices(source.shape)[1] >= 15).astype(np.uint8)
    target = Geometry((3, 9, 11), tuple(source.voxel_to_world((2, 13, 18))), (1.0, 1.1, 1.2))
    rows = source.world_to_voxel(
        target.voxel_to_world(np.indices(target.shape).transpose(1, 2, 3, 0))
    )[..., 1]
    found = resample(mask, source, target, "nearest")
    assert found.dtype == np.uint8 and 0 < found.sum() < found.size
    np.testing.assert_array_equal(found, rows > 14.5)


def test_a_last_block_is_filled_with_the_last_voxel():
    source = Geometry((1, 1, 5), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    target = Geometry((1, 1, 4), (0.5, 0.0, 0.0), (2.0, 2.0, 3.0))
    # Blocks of 2: 1 and 3, 5 and 7, 9 and 9 again; their centres are the target's first three.
    volume = np.array([[[1, 3, 5, 7, 9]]], np.int16)
    found = resample(volume, source, target, "linear", -1024)
    assert found.ravel().tolist() == [2, 6, 9, -1024]


def test_flipped_views_are_read_in_place():
    volume = np.random.default_rng(5).integers(-1024, 3072, SCAN.shape).astype(np.int16)
    target = Geometry((8, 9, 10), (3.3, 4.4, 5.5), (1.7, 2.9, 3.1))
    flipped = np.ascontiguousarray(volume[::-1, :, ::-1])[::-1, :, ::-1]
    np.testing.assert_array_equal(resample(flipped, SCAN, target), resample(volume, SCAN, target))


def test_same_bytes_with_any_number_of_threads():
    volume = np.random.default_rng(6).integers(-1024, 3072, SCAN.shape).astype(np.int16)
    target = Geometry((30, 20, 20), (3.3, 4.4, 5.5), (1.7, 2.9, 1.1))
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        found = []
        for threads in (1, 3):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            found.append(resample(volume, SCAN, target).tobytes())
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert found[0] == found[1]
