"""Voxels from which nothing is learned."""

import numpy as np

from models.ignored import IGNORED, covered_and_counted


def test_ignored_voxels_are_covered_by_nothing_and_do_not_count() -> None:
    """Voxels beyond a scan, half covered and not covered."""
    covered, counted = covered_and_counted(np.array([[IGNORED, 0.5], [0.0, 1.0]], np.float32))
    np.testing.assert_array_equal(covered, [[0.0, 0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(counted, [[0.0, 1.0], [1.0, 1.0]])
