import numpy as np
import pytest
import SimpleITK as sitk

from lungct.lung.ball import close, dilate, erode

RADII = [(1, 1, 1), (1, 2, 3), (4, 5, 2), (3, 1, 6)]


@pytest.fixture
def mask():
    return np.random.default_rng(3).random((7, 11, 13)) < 0.03


def itk(filtered):
    return sitk.GetArrayFromImage(filtered).astype(bool)


def image(mask):
    return sitk.GetImageFromArray(mask.astype(np.uint8))


def test_ball_by_hand():
    mask = np.zeros((3, 5, 7), bool)
    mask[1, 2, 3] = True
    found = dilate(mask, (1, 1, 2))
    # (1 / 1.5)² = 0.44, along x (1 / 2.5)² = 0.16 and (2 / 2.5)² = 0.64: the middle row holds 5,
    # a row beside it 3 (0.44 + 0.16 <= 1 < 0.44 + 0.64), a row beside in z and y 1 + 0 (0.89).
    assert found[1].sum(axis=1).tolist() == [0, 3, 5, 3, 0]
    assert found[0].sum(axis=1).tolist() == [0, 1, 3, 1, 0]
    np.testing.assert_array_equal(found[2], found[0])


@pytest.mark.parametrize("radius", RADII)
def test_same_as_simpleitk(mask, radius):
    xyz = radius[::-1]
    expected = sitk.BinaryDilate(image(mask), xyz, sitk.sitkBall)
    np.testing.assert_array_equal(dilate(mask, radius), itk(expected))
    expected = sitk.BinaryErode(image(~mask), xyz, sitk.sitkBall, 0.0, 1.0, True)
    np.testing.assert_array_equal(erode(~mask, radius), itk(expected))
    expected = sitk.BinaryMorphologicalClosing(image(mask), xyz, sitk.sitkBall, 1.0, True)
    np.testing.assert_array_equal(close(mask, radius), itk(expected))


def test_empty_and_full():
    empty = np.zeros((2, 3, 4), bool)
    assert not dilate(empty, (1, 2, 3)).any() and not close(empty, (1, 2, 3)).any()
    assert erode(~empty, (1, 2, 3)).all()
