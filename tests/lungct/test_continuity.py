import itertools

import numpy as np
import pytest

from lungct.continuity import check_continuity, neighbour_correlations
from lungct.metaimage import read_scan
from lungct.scan import ScanError
from lungct.tables import find_scans
from tests.lungct import chest


def test_correlations_by_hand():
    # One row 0, 1, 0, 1 in both planes: along x the next is always the other one, -1; along y
    # there is one voxel; along z both planes are the same.
    hu = np.array([[[0, 1, 0, 1]], [[0, 1, 0, 1]]], dtype=np.int16)
    assert neighbour_correlations(hu) == pytest.approx((1.0, 1.0, -1.0))
    # (0, 1, 2) and the next ones (1, 2, 3): a straight line.
    assert neighbour_correlations(np.arange(4, dtype=np.int16)[None, None])[2] == pytest.approx(1)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 4), (3, 1, 1)])
def test_what_does_not_vary_is_left_to_other_rules(shape):
    assert neighbour_correlations(np.full(shape, -1000, np.int16)) == (1.0, 1.0, 1.0)


def test_a_scan_is_an_image_and_no_other_order_of_its_axes_is():
    hu = chest.hu()
    assert min(neighbour_correlations(hu)) > 0.9
    check_continuity(hu)
    for shape in set(itertools.permutations(hu.shape)) - {hu.shape}:
        with pytest.raises(ScanError, match=r"no image: .* along [zyx] .*at least 0.75, got -?0\."):
            check_continuity(hu.reshape(shape))


def test_noise_is_no_image():
    noise = np.random.default_rng(0).integers(-1024, 3071, (6, 20, 30)).astype(np.int16)
    with pytest.raises(ScanError, match="no image"):
        check_continuity(noise)


def test_real_scans_with_their_slices_far_apart(real_data):
    (header,) = find_scans([str(real_data / "luna16_sample")])
    hu = read_scan(header).hu
    # 133 slices of 2.5 mm: every sixth is 15 mm from the next.
    assert min(neighbour_correlations(hu[::6])) > 0.85
    mixed_up = hu.reshape(512, 133, 512)
    with pytest.raises(ScanError, match="no image: .* along z"):
        check_continuity(mixed_up)
