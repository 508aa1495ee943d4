import math

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.scan import Nodule
from lungct.truth.voxels import coverage_patches, native_patches, tight, voxel_nodule

# Voxels of 1 x 2 x 3 mm, x first.
SCAN = Geometry((4, 20, 30), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
BOX = (slice(0, 2), slice(5, 9), slice(5, 9))
BALL = Nodule("1", (14.2, 20.1, 31.3), 11.0)


def block(geometry=SCAN):
    """Columns 5-8 and rows 5-8 of the lower two slices, in a box with a border."""
    mask = np.zeros((3, 6, 6), bool)
    mask[:2, 1:5, 1:5] = True
    return voxel_nodule("7", (slice(0, 3), slice(4, 10), slice(4, 10)), mask, geometry)


def turned(degrees, axes=(0, 1)):
    """Direction cosines of a grid that is turned in the plane of two world axes."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(3)
    first, second = axes
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return tuple(float(value) for value in matrix.ravel())


def test_measures_by_hand():
    found = block()
    assert found.box == BOX and found.mask.shape == (2, 4, 4) and found.mask.all()
    # 32 voxels of 6 mm³; middle of columns 5-8, rows 5-8 of 2 mm, slices 0 and 3 mm.
    assert found.nodule.nodule_id == "7"
    assert found.nodule.centre_mm == (6.5, 13.0, 1.5)
    assert found.nodule.volume_mm3 == pytest.approx(192)
    assert found.nodule.diameter_mm == pytest.approx((6 * 192 / math.pi) ** (1 / 3))
    assert found.nodule.bucket == "6-8"


def test_centre_of_mass_is_none_of_the_box():
    # Voxels (0, 0, 0) and (0, 0, 1) and (0, 1, 0): a third of a step along y and x.
    mask = np.array([[[1, 1], [1, 0]]], bool)
    found = voxel_nodule("1", (slice(1, 2), slice(3, 5), slice(6, 8)), mask, SCAN)
    assert found.nodule.centre_mm == pytest.approx((6 + 1 / 3, 2 * (3 + 1 / 3), 3.0))


def test_tight():
    mask = np.zeros((3, 4, 5), bool)
    mask[1, 2:4, 3] = True
    box, part = tight((slice(10, 13), slice(20, 24), slice(30, 35)), mask)
    assert box == (slice(11, 12), slice(22, 24), slice(33, 34))
    assert part.shape == (1, 2, 1) and part.all()


def test_extent_holds_the_box():
    # 4 columns of 1 mm, 4 rows of 2 mm, 2 slices of 3 mm.
    assert block().extent.diameter_mm == 8.0
    assert block().extent.centre_mm == block().nodule.centre_mm


def test_on_the_own_grid_coverage_is_the_mask():
    (patch,) = native_patches([block()])
    assert patch.box == BOX and patch.coverage.dtype == np.float32
    np.testing.assert_array_equal(patch.coverage, block().mask)
    (same,) = coverage_patches([block()], SCAN)
    assert (same.box, same.nodule) == (patch.box, block().nodule)
    np.testing.assert_allclose(same.coverage, patch.coverage, atol=1e-6)


def test_coverage_is_the_share_inside():
    # The block reaches from x = 4.5 to 8.5 mm: half of the first voxel of 2 mm, all of the next,
    # half of the last. Along y (9 to 17 mm) and z (-1.5 to 4.5 mm) the faces meet.
    target = Geometry((2, 4, 6), (0.5, 10.0, 0.0), (2.0, 2.0, 3.0))
    (patch,) = coverage_patches([block()], target)
    assert patch.box == (slice(0, 2), slice(0, 4), slice(2, 5))
    np.testing.assert_allclose(patch.coverage, np.tile([0.5, 1.0, 0.5], (2, 4, 1)), atol=1e-6)


def test_what_lies_outside_the_grid_is_cut():
    far = Geometry((3, 3, 3), (100.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert coverage_patches([block()], far) == ()
    # The grid begins at x = 6.5 mm, the middle of the block.
    half = Geometry((2, 4, 6), (7.0, 10.0, 0.0), (1.0, 2.0, 3.0))
    assert coverage_patches([block()], half)[0].coverage.sum() == pytest.approx(16)


def test_a_quarter_turn_is_exact():
    # Columns run along world y, rows along -x: x from -17 to -9 mm, y from 4.5 to 8.5 mm.
    found = block(Geometry(SCAN.shape, (0.0, 0.0, 0.0), SCAN.spacing_mm, turned(90)))
    target = Geometry((2, 4, 4), (-16.0, 5.0, 0.0), (2.0, 1.0, 3.0))
    (patch,) = coverage_patches([found], target)
    np.testing.assert_allclose(patch.coverage, np.ones((2, 4, 4)), atol=1e-6)


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2)])
def test_an_oblique_block_by_hand(axes):
    """Turned by 45 degrees around its own middle, a cube of 8 mm fills what a rhombus fills."""
    grid = Geometry((8, 8, 8), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), turned(45, axes))
    found = voxel_nodule("1", grid.whole, np.ones((8, 8, 8), bool), grid)
    x, y, z = found.nodule.centre_mm
    # 2 mm along both turned axes from the middle outwards lie inside, and so do 5 mm along one
    # (the corner is at 5.66 mm); 5 mm along both lie outside.
    target = Geometry((17, 17, 17), (x - 8, y - 8, z - 8), (1.0, 1.0, 1.0))
    (patch,) = coverage_patches([found], target)
    whole = np.zeros(target.shape)
    whole[patch.box] = patch.coverage
    first, second = (2 - axis for axis in axes)

    def at(one, other):
        place = [8, 8, 8]
        place[first] += one
        place[second] += other
        return whole[tuple(place)]

    assert (at(0, 0), at(2, 2), at(-2, 2), at(4, 0), at(0, -4)) == (1, 1, 1, 1, 1)
    assert (at(5, 5), at(-5, 5), at(7, 0), at(4, 4)) == (0, 0, 0, 0)
    assert whole.sum() == pytest.approx(512, rel=0.005)


@pytest.mark.parametrize("degrees", [3, 30, -70])
def test_volume_and_centre_of_an_oblique_mask(degrees):
    grid = Geometry((20, 26, 40), (3.0, -4.0, 5.0), (0.8, 1.3, 2.1), turned(degrees, (0, 2)))
    centre = np.array([9.0, 13.0, 18.0])
    place = (np.indices(grid.shape).reshape(3, -1).T - centre) * grid.spacing_zyx_mm
    mask = (np.linalg.norm(place, axis=1) < 9).reshape(grid.shape)
    found = voxel_nodule("1", grid.whole, mask, grid)
    start = np.asarray(found.nodule.centre_mm) - 15
    target = Geometry((15, 20, 30), tuple(float(mm) for mm in start), (1.0, 1.5, 2.0))
    (patch,) = coverage_patches([found], target)
    coverage = patch.coverage.astype(float)
    assert coverage.min() >= 0 and coverage.max() == 1
    volume_mm3 = coverage.sum() * target.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(found.nodule.volume_mm3, rel=0.002)
    index = np.argwhere(np.ones(coverage.shape)) + [axis.start for axis in patch.box]
    middle = np.average(target.voxel_to_world(index), axis=0, weights=coverage.ravel())
    np.testing.assert_allclose(middle, found.nodule.centre_mm, atol=0.1)


def test_an_oblique_block_outside_the_grid_is_cut():
    found = block(Geometry(SCAN.shape, (0.0, 0.0, 0.0), SCAN.spacing_mm, turned(30)))
    assert coverage_patches([found], Geometry((3, 3, 3), (100.0, 0.0, 0.0), (1.0, 1.0, 1.0))) == ()
    # In the corner of the block's world box, which the block itself does not reach.
    low, _ = found.geometry.world_box(found.geometry.whole)
    corner = Geometry((1, 1, 1), (float(low[0]) + 0.1, float(low[1]) + 0.1, 0.0), (0.2, 0.2, 0.2))
    assert coverage_patches([found], corner) == ()
