import itertools

import numpy as np
import pytest

from lungct.limits import VOLUME
from lungct.readers.continuity import check_continuity, neighbour_correlations
from lungct.readers.metaimage import read_scan
from lungct.scan import ScanError
from tests.lungct import chest
from tests.lungct.found import headers


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


def test_crops_may_hold_little_but_noise_and_one_thick_axis():
    # Noise of a standard deviation of 30 on a slope of 10 by 43 columns, which spreads over 124:
    # neighbours along x and y correlate; two slices with and without a lesion do not.
    rng = np.random.default_rng(7)
    crop = np.tile(np.arange(43) * 10 - 900, (2, 43, 1)) + rng.normal(0, 30, (2, 43, 43))
    crop[1] = -crop[1] - 1600
    crop = crop.astype(np.int16)
    check_continuity(crop, VOLUME)
    with pytest.raises(ScanError, match="no image: .* along z .* at least 0.75"):
        check_continuity(crop)
    noise = rng.integers(-1024, 3071, (6, 20, 30)).astype(np.int16)
    with pytest.raises(ScanError, match="no image: .* at least 0.2, got -?0.0"):
        check_continuity(noise, VOLUME)


def test_real_scans_with_their_slices_far_apart(real_data):
    (header,) = headers(real_data / "luna16_sample")
    hu = read_scan(header).hu
    # 133 slices of 2.5 mm: every sixth is 15 mm from the next.
    far_apart = hu[::6].copy()
    assert min(neighbour_correlations(far_apart)) > 0.85
    far_apart[0] = far_apart[-1] = -1024
    assert min(neighbour_correlations(far_apart)) < 0.7
    check_continuity(far_apart)
    mixed_up = hu.reshape(512, 133, 512)
    with pytest.raises(ScanError, match="no image: .* along z"):
        check_continuity(mixed_up)


def smooth(shape):
    """HU that rise along all axes, so that neighbours are alike and no slice has one value."""
    z, y, x = np.indices(shape)
    return (z * 3 + y * 20 + x * 40 - 900).astype(np.int16)


@pytest.mark.parametrize(
    ("blank", "value", "message"),
    [
        ([4, 5], 0, "got 2 of 6, the first is slice 4 of 0 HU"),
        ([0], 3071, "got 1 of 6, the first is slice 0 of 3071 HU"),
        ([5], -399, "got 1 of 6, the first is slice 5 of -399 HU"),
        ([2, 3], 0, "got 2 of 6, the first is slice 2 of 0 HU"),
        ([1, 5], -1024, "got 1 of 6, the first is slice 1 of -1024 HU"),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("sense", [1, -1])
def test_blank_slices_are_named_as_they_are_stored(blank, value, message, order, sense):
    hu = smooth((6, 9, 8))
    hu[blank] = value
    # Another view of the same voxels, as the patient's axes make it.
    view = hu.transpose(order)[::sense, :, ::sense]
    with pytest.raises(ScanError, match=f"^blank slices: .*{message}$"):
        check_continuity(view)


def test_padding_at_the_ends_is_no_blank_slice():
    # Four slices are left, of which none is like the padding.
    hu = smooth((8, 9, 7))
    hu[0], hu[5:] = -1024, -900
    check_continuity(hu)
    check_continuity(hu.transpose(2, 0, 1)[::-1])


def test_a_row_of_one_value_is_no_blank_slice():
    # Row 4 of 9 is looked at first; its mean is 2 * 3 + 4 * 20 + 3.5 * 40 - 900 = -674.
    hu = smooth((20, 9, 8))
    hu[2, 4] = -674
    check_continuity(hu)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 8), (6, 9, 8)])
def test_a_volume_that_never_varies_is_left_to_other_rules(shape):
    check_continuity(np.full(shape, 40, np.int16))
