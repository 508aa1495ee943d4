"""The region of interest by kind, slice by slice and on another grid."""

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.limits import LUNG, VOLUME
from lungct.lung.mask import lung_mask
from lungct.region import Region, find_region, resample_region
from lungct.resample import resample
from lungct.scan import ScanError
from tests.lungct import chest


def test_the_lungs_are_the_region_of_a_scan():
    region = find_region(LUNG, chest.hu(), chest.GEOMETRY)
    mask = lung_mask(chest.hu(), chest.GEOMETRY)
    planes = [region.plane(z, mask.shape[1:]) for z in range(len(mask))]
    np.testing.assert_array_equal(np.stack(planes), mask)


def test_all_of_a_volume_is_the_region_of_a_crop():
    # In the middle of the right lung, which as a whole scan would hold no chest.
    box = (slice(16, 28), slice(24, 36), slice(14, 30))
    crop = chest.hu()[box]
    geometry = chest.GEOMETRY.crop(box)
    region = find_region(VOLUME, crop, geometry)
    assert region.box == geometry.whole == (slice(0, 12), slice(0, 12), slice(0, 16))
    assert region.mask.shape == (12, 12, 16) and region.mask.all()


@pytest.mark.parametrize(("kind", "rule"), [(LUNG, "no image: "), (VOLUME, "slice order: ")])
def test_slices_in_a_wrong_order_are_refused_by_the_rules_of_the_kind(kind, rule):
    mixed = np.random.default_rng(5).permutation(chest.hu(), axis=0)
    with pytest.raises(ScanError, match=rule):
        find_region(kind, mixed, chest.GEOMETRY)


def test_a_slice_outside_of_the_box_is_empty():
    region = Region((slice(1, 3), slice(0, 2), slice(2, 5)), np.ones((2, 2, 3), bool))
    assert [int(region.plane(z, (4, 6)).sum()) for z in range(4)] == [0, 6, 6, 0]
    plane = region.plane(1, (4, 6))
    assert plane.dtype == np.uint8 and plane[:2, 2:5].all()


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_region_on_another_grid(turn):
    c, s = np.cos(turn), np.sin(turn)
    source = Geometry((9, 10, 12), (5.0, 6.0, 7.0), (1.0, 2.0, 3.0), (c, -s, 0, s, c, 0, 0, 0, 1))
    target = Geometry((14, 30, 20), (3.0, 2.0, 8.0), (1.1, 0.9, 2.0))
    mask = np.zeros(source.shape, bool)
    box = (slice(2, 8), slice(3, 7), slice(1, 9))
    mask[box] = np.random.default_rng(7).random((6, 4, 8)) < 0.5
    found = resample_region(Region(box, mask[box]), source, target)
    whole = [found.plane(z, target.shape[1:]) for z in range(target.shape[0])]
    expected = resample(mask.view(np.uint8), source, target, "nearest")
    assert expected.any() and found.mask.size < expected.size
    np.testing.assert_array_equal(np.stack(whole), expected)
