"""What the contract takes over from lungct."""

from lungct.scan import size_bucket
from schema import features


def test_buckets_are_those_that_diameters_fall_into() -> None:
    assert features.BUCKETS == ("3-6", "6-8", "8-15", "15+")
    assert [size_bucket(mm) for mm in (3.0, 6.0, 8.0, 15.0)] == list(features.BUCKETS)


def test_the_index_of_a_split_is_a_split() -> None:
    assert [features.index_split(name) for name in features.SPLITS] == [
        *("train-index", "eval-index", "test-index")
    ]


def test_a_voxel_counts_as_nodule_from_a_half() -> None:
    assert features.COVERAGE_THRESHOLD == round(255 / 2 + 0.25)
