from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.augmentation import Symmetry, augmenter, draw_symmetry, move, normal_noise
from schema.hyperparameters import Augmentation

STILL = Augmentation(flip=False, rotate=False, jitter=0.0, shift_hu=0, scale=0, noise_hu=0)


def seed(number: int) -> Any:
    return tf.constant([7, number], tf.int64)


def moved(config: Augmentation, count: int = 60) -> set[bytes]:
    """All that becomes of four by four numbered pixels."""
    random = np.random.default_rng(5)
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    return {move(pixels, draw_symmetry(config, random)).tobytes() for _ in range(count)}


def of(*views: np.ndarray[Any, Any]) -> set[bytes]:
    return {view.tobytes() for view in views}


def test_flips_and_turns_are_the_symmetries_of_a_square() -> None:
    assert len(moved(Augmentation())) == 8


def test_turns_without_flips_and_flips_without_turns() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    turns = of(*(np.rot90(pixels, number) for number in range(4)))
    assert moved(Augmentation(flip=False)) == turns
    flips = of(pixels, pixels[::-1], pixels[:, ::-1], pixels[::-1, ::-1])
    assert moved(Augmentation(rotate=False)) == flips
    assert moved(STILL) == of(pixels)


def test_a_symmetry_by_hand_keeps_channels() -> None:
    pixels = np.arange(8).reshape(2, 2, 2)
    view = move(pixels, Symmetry(True, flip_rows=True, flip_columns=False, flip_slices=False))
    # Transposed: [[0 4] [2 6]]; its rows flipped: [[2 6] [0 4]], by the first channel.
    assert view[..., 0].tolist() == [[2, 6], [0, 4]]
    np.testing.assert_array_equal(view[..., 1], view[..., 0] + 1)
    assert np.shares_memory(view, pixels)


def test_flips_of_slices_come_with_each_turn_and_leave_what_else_is_drawn() -> None:
    on, off = np.random.default_rng(5), np.random.default_rng(5)
    drawn = [draw_symmetry(Augmentation(flip_slices=True), on) for _ in range(400)]
    without = [draw_symmetry(Augmentation(), off) for _ in range(400)]
    assert [one[:3] for one in drawn] == [one[:3] for one in without]
    assert on.random() == off.random()
    assert not any(one.flip_slices for one in without)
    flipped = {
        turn: [one.flip_slices for one in drawn if one.transpose is turn] for turn in (False, True)
    }
    assert all(0.4 < np.mean(flips) < 0.6 for flips in flipped.values())  # of some 200 each


def test_slices_change_places_where_it_is_turned_on_and_the_truth_of_the_middle_one_stays() -> None:
    slices = np.arange(3)[None, None]
    for on, expected in ((False, {(0, 1, 2)}), (True, {(0, 1, 2), (2, 1, 0)})):
        config, random = replace(STILL, flip_slices=on), np.random.default_rng(5)
        views = [move(slices, draw_symmetry(config, random)) for _ in range(20)]
        assert {tuple(view.ravel().tolist()) for view in views} == expected
    truth = np.arange(4).reshape(2, 2)
    symmetry = Symmetry(False, flip_rows=True, flip_columns=False, flip_slices=True)
    np.testing.assert_array_equal(move(truth, symmetry), truth[::-1])


def test_same_seed_same_batch() -> None:
    vary, image = augmenter(Augmentation(), 0.01), tf.ones((3, 4, 4, 2))
    one, again, other = (vary(image, seed(number)).numpy() for number in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_nothing_turned_on_changes_nothing() -> None:
    image = tf.random.stateless_normal((2, 4, 4, 3), [1, 2])
    np.testing.assert_array_equal(augmenter(STILL, 0.01)(image, seed(1)), image)


def test_each_crop_has_an_offset_of_its_own_within_bounds() -> None:
    only_shift = Augmentation(shift_hu=50, scale=0, noise_hu=0)
    varied = augmenter(only_shift, 0.002)(tf.zeros((40, 4, 4, 2)), seed(1)).numpy()
    assert np.ptp(varied, axis=(1, 2, 3)).max() == 0
    shifts = varied[:, 0, 0, 0]
    assert -0.1 <= min(shifts) < -0.05 < 0.05 < max(shifts) <= 0.1  # 50 HU * 0.002


def test_noise_has_at_most_the_deviation_asked_for() -> None:
    only_noise = Augmentation(shift_hu=0, scale=0, noise_hu=40)
    varied = augmenter(only_noise, 0.01)(tf.zeros((20, 64, 64, 1)), seed(1)).numpy()
    deviations = varied.std(axis=(1, 2, 3))
    assert 0 < min(deviations) < 0.1 and 0.3 < max(deviations)
    assert max(deviations) <= 0.42  # 40 HU * 0.01, and the scatter of 4096 samples
    assert varied[0, 0, 0, 0] / deviations[0] != pytest.approx(varied[1, 0, 0, 0] / deviations[1])


def test_noise_is_nearly_normal() -> None:
    noise = normal_noise(tf.constant([50, 40, 33, 3]), seed(1)).numpy()
    assert noise.shape == (50, 40, 33, 3) and noise.dtype == np.float32
    # 198,000 samples: a standard error of 0.002 of the mean, 0.0016 of the deviation.
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 1) < 0.01
    within = [float(np.mean(np.abs(noise) < deviations)) for deviations in (1, 2)]
    np.testing.assert_allclose(within, [0.6827, 0.9545], atol=0.01)
    # Neighbours have nothing to do with each other: standard error 0.0022.
    assert abs(np.corrcoef(noise.ravel()[:-1], noise.ravel()[1:])[0, 1]) < 0.01


def test_grain_relates_neighbours_and_keeps_the_deviation() -> None:
    shape, grainy = (20, 64, 64, 2), replace(STILL, noise_hu=40, noise_grain_pixels=1.0)
    fine, grained = (
        augmenter(config, 0.01)(tf.zeros(shape), seed(1)).numpy()
        for config in (replace(STILL, noise_hu=40), grainy)
    )
    grained /= fine.std(axis=(1, 2, 3), keepdims=True)
    related = [np.corrcoef(one[:, 1:].ravel(), one[:, :-1].ravel())[0, 1] for one in grained]
    # A Gaussian of one pixel relates neighbours by exp(-1 / 4) = 0.78, one of none not at all.
    assert 0.6 < max(related) < 0.81 and min(related) < 0.2
    np.testing.assert_allclose(grained.std(axis=(1, 2, 3)), 1, atol=0.15)
    assert grained[:, 0].std() == pytest.approx(1, abs=0.1)  # at the edge as well


def test_scale_is_relative() -> None:
    image = tf.constant([[1.0, -2.0], [0.0, 4.0]])[None, ..., None]
    varied = augmenter(Augmentation(shift_hu=0, scale=0.1, noise_hu=0), 0.01)(image, seed(3))
    factor = float(varied[0, 0, 0, 0])
    assert 0.9 <= factor <= 1.1 and factor != 1
    np.testing.assert_allclose(varied, image * factor, rtol=1e-6)
