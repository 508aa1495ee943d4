import numpy as np
import pytest

from lungct.intensity import IntensitySums, intensity_sums

HU = np.array([[-1024, -1000, -900], [0, 400, 3071]], np.int16)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        # Above -1000: 0, 0, 100, 1000, 1400 and 1400.
        ([[1, 1, 1], [1, 1, 1]], IntensitySums(6, 3900, 10_000 + 1_000_000 + 2 * 1_960_000)),
        ([[1, 0, 1], [1, 0, 0]], IntensitySums(3, 1100, 1_010_000)),
        ([[0, 0, 0], [0, 0, 0]], IntensitySums(0, 0, 0)),
    ],
)
def test_sums_by_hand(region, expected):
    found = intensity_sums(HU, np.array(region, np.uint8), (-1000, 400))
    assert found == expected
    assert {type(found.count), type(found.total), type(found.squares)} == {int}


def test_sums_of_a_large_slice_are_exact():
    hu = np.full((2048, 2048), 32767, np.int16)
    found = intensity_sums(hu, np.ones(hu.shape, np.uint8), (-100_000, 100_000))
    assert found == IntensitySums(2**22, 2**22 * 132_767, 2**22 * 132_767**2)


def test_a_view_of_any_strides_will_do():
    hu = np.arange(24, dtype=np.int16).reshape(4, 6)
    region = np.ones((4, 6), np.uint8)
    found = intensity_sums(hu[::2, ::3], region[::2, ::3], (0, 100))
    assert found.total == 0 + 3 + 12 + 15


@pytest.mark.parametrize(
    ("shape", "window", "message"),
    [
        ((2, 2), (-1000, 400), r"got \(2, 3\), \(2, 2\) and \(-1000, 400\)"),
        ((2, 3), (400, 400), r"one shape and a window, got .* and \(400, 400\)"),
    ],
)
def test_refuses_other_shapes_and_empty_windows(shape, window, message):
    with pytest.raises(ValueError, match=message):
        intensity_sums(HU, np.ones(shape, np.uint8), window)
