import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.region import Region
from lungct.scan import Nodule
from lungct.slices import Slices, WorkingVolume, merge_coverage, to_uint8
from lungct.truth.spheres import sphere_patches

GEOMETRY = Geometry((6, 16, 18), (1.0, 2.0, 3.0), (1.0, 1.0, 3.0))
# z of its slices: centres at 3, 6, 9, 12, 15 and 18 mm.
NODULES = (Nodule("1", (8.0, 9.0, 9.0), 8.0), Nodule("2", (11.0, 12.0, 15.0), 4.0))


def working_volume():
    hu = np.broadcast_to(np.arange(6, dtype=np.int16)[:, None, None], GEOMETRY.shape)
    patches = sphere_patches(NODULES, GEOMETRY)
    region = Region((slice(1, 4), slice(2, 16), slice(3, 5)), np.ones((3, 14, 2), bool))
    return WorkingVolume(hu, region, GEOMETRY, patches)


def test_records_in_order():
    records = list(Slices(working_volume()))
    assert [record.index for record in records] == list(range(6))
    assert records[2].origin_mm == (1.0, 2.0, 9.0)


def test_hu_are_those_of_the_slice_and_no_copy():
    volume = working_volume()
    record = Slices(volume)[3]
    assert record.hu.shape == (16, 18) and (record.hu == 3).all()
    assert record.hu.dtype == np.int16 and np.shares_memory(record.hu, volume.hu)


def test_nodules_are_those_cut_by_at_least_half_a_voxel():
    slices = Slices(working_volume())
    cut = [[nodule.nodule_id for nodule in record.nodules] for record in slices]
    # Nodule 1 reaches from 5 to 13 mm, 2 from 13 to 17 mm; slices are 3 mm thick.
    assert cut == [[], ["1"], ["1"], ["1"], ["2"], []]
    for record in slices:
        assert bool((record.coverage >= 128).any()) == bool(record.nodules)


def test_sequence():
    slices = Slices(working_volume())
    assert len(slices) == 6
    assert slices[-1].index == 5
    assert [record.index for record in slices[1:3]] == [1, 2]
    with pytest.raises(IndexError):
        slices[6]


def test_pixels():
    record = Slices(working_volume())[2]
    assert record.coverage.dtype == np.uint8 and record.coverage.max() == 255
    assert record.region.dtype == np.uint8 and record.region.shape == (16, 18)


def test_region_and_coverage_are_laid_into_their_slices():
    records = list(Slices(working_volume()))
    # The region fills 14 x 2 pixels of slices 1 to 3.
    assert [int(record.region.sum()) for record in records] == [0, 28, 28, 28, 0, 0]
    assert records[1].region[2:, 3:5].all()
    whole = merge_coverage(sphere_patches(NODULES, GEOMETRY), GEOMETRY.shape)
    np.testing.assert_array_equal(np.stack([record.coverage for record in records]), whole)


def test_coverage_takes_the_larger_share():
    twice = sphere_patches([NODULES[0], NODULES[0]], GEOMETRY)
    np.testing.assert_array_equal(
        merge_coverage(twice, GEOMETRY.shape), merge_coverage(twice[:1], GEOMETRY.shape)
    )
    assert merge_coverage([], GEOMETRY.shape).max() == 0


def test_a_half_is_truth():
    coverage = np.array([0, 0.499, 0.5, 1], np.float32)
    assert to_uint8(coverage).tolist() == [0, 127, 128, 255]
