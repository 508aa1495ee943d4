import numpy as np
import pytest
import tensorflow as tf

from models.scanner import bent, filtered, gaussians, scanner, thickened
from schema.hyperparameters import Augmentation

SEED = tf.constant([7, 3], tf.int64)
WINDOW = (-1000, 400)


def test_thick_slices_by_hand() -> None:
    slices = tf.constant([0.0, 100.0, 0.0, 40.0])[None, None, None]
    crops = tf.repeat(slices, 2, axis=0)
    mixed = thickened(crops, tf.constant([0.5, 2 / 3]))[:, 0, 0].numpy()
    # A quarter of each neighbour and a half of the slice; the ends have themselves as neighbours.
    assert mixed[0].tolist() == [25, 50, 35, 30]
    np.testing.assert_allclose(mixed[1], np.array([100, 100, 140, 80]) / 3, rtol=1e-6)


def test_thick_slices_displace_nothing() -> None:
    ramp = tf.reshape(tf.range(5.0), (1, 1, 1, 5))
    mixed = thickened(ramp, tf.constant([0.6]))[0, 0, 0].numpy()
    np.testing.assert_allclose(mixed[1:4], [1, 2, 3], rtol=1e-6)


def test_a_blur_is_a_gaussian_of_its_width() -> None:
    image = np.zeros((1, 21, 21, 2), np.float32)
    image[0, 10, 10] = (1, 3)
    blurred = filtered(tf.constant(image), gaussians(tf.constant([1.5]), 21, 1)).numpy()[0]
    np.testing.assert_allclose(blurred[..., 1], 3 * blurred[..., 0], rtol=1e-5)
    assert blurred[..., 0].sum() == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(blurred, blurred.swapaxes(0, 1), rtol=1e-5)
    offsets = np.arange(21) - 10
    variance = (blurred[..., 0].sum(0) * offsets**2).sum()
    assert variance == pytest.approx(1.5**2, rel=1e-3)
    # exp(-1 / (2 * 1.5^2)) of the middle is one pixel beside it.
    assert blurred[10, 11, 0] / blurred[10, 10, 0] == pytest.approx(np.exp(-1 / 4.5), rel=1e-4)


def test_a_blur_keeps_what_is_even_and_a_width_of_0_keeps_all() -> None:
    even = tf.fill((1, 8, 8, 1), -700.0)
    np.testing.assert_allclose(filtered(even, gaussians(tf.constant([3.0]), 8, 1)), even, rtol=1e-5)
    image = tf.random.stateless_normal((2, 8, 8, 3), [1, 2])
    weights = gaussians(tf.zeros(2), 8, 1)
    np.testing.assert_array_equal(filtered(image, weights), image)


def test_rows_and_columns_are_filtered_each_along_itself() -> None:
    ramp = tf.reshape(tf.range(9.0), (1, 9, 1, 1)) + tf.zeros((1, 9, 9, 1))
    kept = filtered(ramp, gaussians(tf.constant([0.5]), 9, 1))[0, 2:7, :, 0]
    np.testing.assert_allclose(kept, ramp[0, 2:7, :, 0], atol=2e-3)


def test_a_bend_by_hand_keeps_the_ends_of_the_window() -> None:
    hu = tf.constant([-2000.0, -1000, -650, -300, 400, 900])[None, :, None, None]
    # v = 0, 1/4, 1/2, 1 becomes v + 0.4 v (1 - v) = 0, 0.325, 0.6, 1 of 1400 HU.
    expected = [-1000, -1000, -545, -160, 400, 400]
    found = bent(hu, tf.constant([0.4]), WINDOW).numpy().ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_no_bend_turns_grey_values_around() -> None:
    hu = tf.reshape(tf.range(-1000.0, 401.0), (1, -1, 1, 1))
    for bend in (-0.9, 0.9):
        assert np.diff(bent(hu, tf.constant([bend]), WINDOW).numpy().ravel()).min() > 0


def test_nothing_turned_on_changes_nothing() -> None:
    hu = tf.zeros((1, 4, 4, 3), tf.int16)
    assert scanner(Augmentation(), WINDOW)(hu, SEED) is hu


@pytest.mark.parametrize("name", ["thickness", "blur_pixels", "bend"])
def test_each_by_itself_is_seeded_and_differs_from_crop_to_crop(name: str) -> None:
    scan = scanner(Augmentation(**{name: 0.5}), WINDOW)
    one = tf.random.stateless_uniform((1, 8, 8, 3), [1, 2], -1000, 400, tf.int32)
    hu = tf.cast(tf.repeat(one, 4, axis=0), tf.int16)
    varied, again, other = (scan(hu, seed).numpy() for seed in (SEED, SEED, SEED + 1))
    np.testing.assert_array_equal(varied, again)
    assert not np.array_equal(varied, other)
    assert len(np.unique(varied[:, 4, 4, 1])) == 4
    assert varied.dtype == np.float32 and varied.shape == hu.shape
