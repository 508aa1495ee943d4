import math

import pytest

from schema.thresholds import Thresholds


@pytest.mark.parametrize("voxel", [0.0, -0.1, 1.1, math.nan])
def test_a_threshold_of_voxels_that_is_none(voxel: float) -> None:
    with pytest.raises(ValueError, match=f"above 0 and at most 1, got {voxel}"):
        Thresholds(voxel)


@pytest.mark.parametrize("nodule", [-0.1, 1.1, math.nan])
def test_a_threshold_of_nodules_that_is_none(nodule: float) -> None:
    with pytest.raises(ValueError, match=f"from 0 to 1, got {nodule}"):
        Thresholds(0.5, nodule)


def test_without_one_of_nodules_every_part_is_one() -> None:
    assert Thresholds(0.5).nodule == 0
