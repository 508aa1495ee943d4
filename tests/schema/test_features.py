"""lungct imports nothing of ours: that its names agree with the contract is checked here."""

import typing

from lungct.scan import SIZE_BUCKETS
from lungct.slices import TRUTH
from pipeline.config import Bucket
from schema import features


def test_buckets_have_one_set_of_names() -> None:
    assert tuple(name for _, name in SIZE_BUCKETS) == features.BUCKETS
    assert typing.get_args(Bucket) == features.BUCKETS


def test_a_voxel_counts_as_nodule_from_one_threshold() -> None:
    assert TRUTH == features.COVERAGE_THRESHOLD
