"""CT, truth and probability of a slice side by side."""

import numpy as np

from models.monitor_slices import WholeSlice
from models.pictures import side_by_side


def test_panels_by_hand() -> None:
    # The middle of three slices; a window from -100 to 100: -100 is black, 50 is 3/4 of white.
    hu = np.zeros((3, 1, 3), np.int16)
    hu[1] = [[-200, 50, 300]]
    one = WholeSlice(hu, np.array([[False, True, False]]), np.ones((1, 3), bool))
    logits = np.float32([[-np.inf, 0.0, 40.0]])
    picture = side_by_side(one, logits, (-100, 100))
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[0, 191, 255, 0, 255, 0, 0, 128, 255]]


def test_a_large_slice_is_shown_around_its_nodules() -> None:
    truth = np.zeros((300, 200), bool)
    truth[250, 90] = truth[250, 110] = True
    hu = np.full((1, 300, 200), -1000, np.int16)
    hu[0, 250, 100] = 400  # between both
    picture = side_by_side(
        WholeSlice(hu, truth, truth), np.zeros(truth.shape, np.float32), (-1000, 400)
    )
    assert picture.shape == (160, 480)
    # Rows 140 to 299, since the slice ends there, and columns 20 to 179.
    assert np.argwhere(picture[:, :160] == 255).tolist() == [[110, 80]]
    assert np.argwhere(picture[:, 160:320] == 255).tolist() == [[110, 70], [110, 90]]


def test_without_nodule_the_middle_is_shown() -> None:
    hu = np.full((1, 170, 20), -1000, np.int16)
    hu[0, 85, 10] = 400
    one = WholeSlice(hu, np.zeros((170, 20), bool), np.ones((170, 20), bool))
    picture = side_by_side(one, np.zeros((170, 20), np.float32), (-1000, 400))
    assert picture.shape == (160, 60)
    assert np.argwhere(picture[:, :20] == 255).tolist() == [[80, 10]]  # row 0 is row 5
