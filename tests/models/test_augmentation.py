from typing import Any

import numpy as np
import tensorflow as tf

from models.augmentation import Slice, augmenter, crop_near
from schema.hyperparameters import Augmentation

STILL = Augmentation(flip=False, rotate=False, jitter=0.0, shift_hu=0, scale=0, noise_hu=0)


def seed(number: int) -> Any:
    return tf.constant([7, number], tf.int64)


def slice_with(row: int, column: int, region: tuple[int, int] | None = None) -> Slice:
    """16 x 20 pixels, the image numbered, one pixel of nodule (if row >= 0) and one of region."""
    image = tf.reshape(tf.range(16 * 20 * 3, dtype=tf.float32), (16, 20, 3))
    truth, mask = np.zeros((16, 20, 1), np.float32), np.zeros((16, 20), np.uint8)
    if row >= 0:
        truth[row, column] = 1
    if region:
        mask[region] = 1
    return Slice(image, tf.constant(truth), tf.constant(mask))


def test_crop_without_jitter_has_the_nodule_in_its_centre() -> None:
    image, truth = crop_near(slice_with(7, 9), 8, 0.0, seed(1))
    assert image.shape == (8, 8, 3)
    assert truth[4, 4, 0] == 1
    assert image[4, 4, 0] == 3 * (7 * 20 + 9)


def test_crop_stays_within_the_slice() -> None:
    image, truth = crop_near(slice_with(0, 19), 8, 0.0, seed(1))
    assert truth[0, 7, 0] == 1  # the corner of the slice is the corner of the crop
    assert image[0, 0, 0] == 3 * 12


def test_jitter_moves_the_nodule_but_keeps_it_in_the_crop() -> None:
    places = set()
    for number in range(40):
        _, truth = crop_near(slice_with(8, 10), 8, 0.375, seed(number))
        places.add(tuple(np.argwhere(truth[..., 0])[0]))
    assert all(1 <= row <= 7 and 1 <= column <= 7 for row, column in places)  # 4 +- 3
    assert len(places) > 15


def test_without_nodule_the_crop_is_around_a_pixel_of_the_region() -> None:
    image, truth = crop_near(slice_with(-1, -1, region=(9, 11)), 8, 0.0, seed(1))
    assert image[4, 4, 0] == 3 * (9 * 20 + 11)
    assert not np.any(truth)


def test_without_nodule_and_region_the_crop_is_anywhere() -> None:
    corners = {float(crop_near(slice_with(-1, -1), 8, 0.0, seed(n))[0][0, 0, 0]) for n in range(9)}
    assert len(corners) > 3


def test_same_seed_same_crop() -> None:
    vary = augmenter(Augmentation(), 0.01)
    one, again, other = (
        vary(*crop_near(slice_with(8, 10), 8, 0.3, seed(number)), seed(number))[0]
        for number in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_nothing_turned_on_changes_nothing() -> None:
    image, truth = crop_near(slice_with(8, 10), 8, 0.0, seed(1))
    varied, moved = augmenter(STILL, 0.01)(image, truth, seed(1))
    np.testing.assert_array_equal(varied, image)
    np.testing.assert_array_equal(moved, truth)


def test_flips_and_turns_are_exact_and_the_same_for_image_and_truth() -> None:
    vary = augmenter(Augmentation(shift_hu=0, scale=0, noise_hu=0), 0.01)
    image = tf.reshape(tf.range(16, dtype=tf.float32), (4, 4, 1))
    seen = set()
    for number in range(60):
        varied, truth = vary(image, image / 32, seed(number))
        np.testing.assert_allclose(varied, truth * 32)
        assert sorted(varied.numpy().ravel()) == list(range(16))
        seen.add(varied.numpy().tobytes())
    assert len(seen) == 8  # the symmetries of a square


def test_intensity_shifts_the_image_only_and_within_bounds() -> None:
    only_shift = Augmentation(flip=False, rotate=False, shift_hu=50, scale=0, noise_hu=0)
    image, truth = tf.zeros((4, 4, 1)), tf.ones((4, 4, 1))
    shifts = []
    for number in range(40):
        varied, same = augmenter(only_shift, 0.002)(image, truth, seed(number))
        np.testing.assert_array_equal(same, truth)
        shifts.append(float(varied[0, 0, 0]))
        assert np.ptp(varied) == 0
    assert -0.1 <= min(shifts) < -0.05 < 0.05 < max(shifts) <= 0.1  # 50 HU * 0.002


def test_noise_has_at_most_the_deviation_asked_for() -> None:
    only_noise = Augmentation(flip=False, rotate=False, shift_hu=0, scale=0, noise_hu=40)
    image = tf.zeros((64, 64, 1))
    deviations = [
        float(np.std(augmenter(only_noise, 0.01)(image, image, seed(number))[0]))
        for number in range(20)
    ]
    assert 0 < max(deviations) <= 0.42  # 40 HU * 0.01, and the scatter of 4096 samples
    assert max(deviations) > 0.3


def test_scale_is_relative() -> None:
    only_scale = Augmentation(flip=False, rotate=False, shift_hu=0, scale=0.1, noise_hu=0)
    image = tf.constant([[[1.0], [-2.0]], [[0.0], [4.0]]])
    varied, _ = augmenter(only_scale, 0.01)(image, image, seed(3))
    factor = float(varied[0, 0, 0])
    assert 0.9 <= factor <= 1.1 and factor != 1
    np.testing.assert_allclose(varied, image * factor, rtol=1e-6)
