import math

import numpy as np
import pytest

from serving.axial_diameter import longest_axial_mm


@pytest.mark.parametrize(
    ("pixels", "expected_mm"),
    [
        ([(0, 0)], 2.0),  # one pixel of 2 mm by 1 mm
        ([(0, 0), (0, 1), (0, 2)], 3.0),  # outer edges in x
        ([(0, 0), (1, 0), (2, 0)], 6.0),
        ([(0, 0), (2, 3)], 3 * math.sqrt(5)),  # (-0.5, 0) to (2.5, 3): 6 mm and 3 mm
        ([(0, 5), (0, 0)], 6.0),  # the pixels between them need not be set
    ],
)
def test_the_longest_diameter_goes_through_the_outline(
    pixels: list[tuple[int, int]], expected_mm: float
) -> None:
    mask = np.zeros((3, 4, 7), bool)
    rows, columns = np.transpose(pixels)
    mask[1, rows, columns] = True
    assert longest_axial_mm(mask, (2.0, 1.0)) == pytest.approx(expected_mm)


def test_the_longest_diameter_lies_in_one_slice() -> None:
    mask = np.zeros((3, 4, 7), bool)
    mask[0, 0, 0] = mask[1, 3, 6] = True
    assert longest_axial_mm(mask, (2.0, 1.0)) == 2.0
    assert longest_axial_mm(np.zeros((3, 4, 7), bool), (2.0, 1.0)) == 0.0


def test_the_longest_diameter_agrees_with_all_edges_of_all_pixels() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        mask = random.random((3, 6, 8)) < 0.3
        longest = 0.0
        for plane in mask:
            steps = ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))
            points = [(2 * (y + a), x + b) for y, x in np.argwhere(plane) for a, b in steps]
            longest = max([longest, *(math.dist(a, b) for a in points for b in points)])
        assert longest_axial_mm(mask, (2.0, 1.0)) == pytest.approx(longest)
