from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.deformation import deformer, elastic_field, resampled, turned
from models.ignored import IGNORED
from schema.hyperparameters import Augmentation

SEED = tf.constant([7, 3], tf.int64)


def crop(rows: Any) -> Any:
    """One crop of one channel, (1, H, W, 1)."""
    return tf.constant(rows, tf.float32)[None, ..., None]


def places(size: int, down: float = 0.0, right: float = 0.0) -> Any:
    """Places moved by so many pixels, (1, 2, size, size)."""
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
    return tf.constant(grid + np.array([down, right])[:, None, None], tf.float32)[None]


def batch(count: int = 3, size: int = 32) -> tuple[Any, Any]:
    """HU that say what is covered, and the truth."""
    truth = tf.random.stateless_uniform((count, size, size, 1), [1, 2])
    return tf.cast(tf.round(truth * 1000), tf.int16), truth


def test_a_shift_by_whole_pixels_is_exact_and_what_comes_from_beyond_is_ignored() -> None:
    hu = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    truth = np.array([[1, 0.25, 0], [0, 1, 0], [0, 0.5, 1]])
    moved, known = resampled(crop(hu), crop(truth), places(3, down=1, right=-1))
    # The place of each pixel is one row below it and one column before it.
    assert moved[0, ..., 0].numpy().tolist() == [[4, 4, 5], [7, 7, 8], [7, 7, 8]]
    expected = [[IGNORED, 0, 1], [IGNORED, 0, 0.5], [IGNORED] * 3]
    assert known[0, ..., 0].numpy().tolist() == expected


def test_a_zoom_by_2_of_a_half_plane() -> None:
    truth = np.tile([1, 1, 0.5, 0, 0], (5, 1))
    twice = turned(5, tf.constant([2.0]), tf.constant([0.0]))
    # Places around the centre, 2: 1, 1.5, 2, 2.5, 3; linear between the pixels.
    assert twice[0, 1, 0].numpy().tolist() == [1, 1.5, 2, 2.5, 3]
    hu, known = resampled(crop(1000 * truth - 1000), crop(truth), twice)
    expected = np.tile([1, 0.75, 0.5, 0.25, 0], (5, 1))
    np.testing.assert_array_equal(known[0, ..., 0], expected)
    np.testing.assert_array_equal(hu[0, ..., 0], 1000 * expected - 1000)


def test_a_zoom_to_half_of_it_ignores_what_is_beyond() -> None:
    half = turned(5, tf.constant([0.5]), tf.constant([0.0]))
    hu, known = resampled(crop(np.tile(np.arange(5), (5, 1))), crop(np.ones((5, 5))), half)
    # Places -2, 0, 2, 4, 6 of rows and columns.
    assert hu[0, 2, :, 0].numpy().tolist() == [0, 0, 2, 4, 4]
    beyond = [IGNORED, 1, 1, 1, IGNORED]
    assert known[0, 2, :, 0].numpy().tolist() == known[0, :, 2, 0].numpy().tolist() == beyond


def test_a_quarter_turn_by_hand() -> None:
    hu = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    quarter = turned(3, tf.constant([1.0]), tf.constant([np.pi / 2], tf.float32))
    moved, known = resampled(crop(hu), crop(hu / 10), quarter)
    # Row r and column c come from row 2 - c and column r; no rounding error puts an edge beyond.
    expected = [[7, 4, 1], [8, 5, 2], [9, 6, 3]]
    np.testing.assert_allclose(moved[0, ..., 0], expected, atol=1e-5)
    np.testing.assert_allclose(known[0, ..., 0], np.array(expected) / 10, atol=1e-6)


def test_ignored_pixels_stay_ignored_and_touch_only_what_they_contribute_to() -> None:
    truth = np.array([[1, 1, IGNORED], [1, 0.5, 0], [1, 1, 1]])
    _, known = resampled(crop(np.zeros((3, 3))), crop(truth), places(3, right=0.5))
    # The ignored pixel has a half of (0, 1), and (0, 2) comes from beyond, as the last column does.
    expected = [[1, IGNORED, IGNORED], [0.75, 0.25, IGNORED], [1, 1, IGNORED]]
    assert known[0, ..., 0].numpy().tolist() == expected
    _, same = resampled(crop(np.zeros((3, 3))), crop(truth), places(3))
    np.testing.assert_array_equal(same, crop(truth))


def test_all_channels_and_the_truth_of_a_crop_are_moved_alike() -> None:
    config = Augmentation(zoom=0.25, turn_degrees=20, elastic_pixels=3)
    hu, truth = batch()
    images = tf.concat([hu, 2 * hu], -1)
    moved, known = deformer(config)(images, truth, SEED)
    np.testing.assert_allclose(moved[..., 1], 2 * moved[..., 0], rtol=1e-6)
    learned = known.numpy() >= 0
    assert 0.5 < learned.mean() < 1
    # HU were rounded to whole ones.
    np.testing.assert_allclose(
        moved.numpy()[..., :1][learned] / 1000, known.numpy()[learned], atol=6e-4
    )


def test_nothing_turned_on_changes_nothing() -> None:
    hu, truth = batch()
    same, known = deformer(Augmentation())(hu, truth, SEED)
    assert same is hu and known is truth


def test_same_seed_same_batch_and_each_crop_another_place() -> None:
    deform = deformer(Augmentation(zoom=0.1))
    hu, truth = batch()
    alike = tf.repeat(hu[:1], 3, axis=0), tf.repeat(truth[:1], 3, axis=0)
    one, again = (deform(*alike, SEED)[0].numpy() for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one[0], one[1])
    assert not np.array_equal(one, deform(*alike, SEED + 1)[0])


def test_zoom_and_turn_stay_within_their_bounds() -> None:
    hu = tf.zeros((200, 9, 9, 1), tf.int16)
    rows = tf.cast(tf.range(9.0)[:, None, None] + tf.zeros((200, 9, 9, 1)), tf.float32)
    grown, _ = deformer(Augmentation(zoom=0.25))(rows, tf.cast(hu, tf.float32), SEED)
    # Around the centre of rows one row is 1 / zoom rows of the crop.
    factors = 1 / (grown[:, 5, 4, 0] - grown[:, 4, 4, 0]).numpy()
    assert 0.8 <= factors.min() < 0.83 and 1.2 < factors.max() <= 1.2501
    turns, _ = deformer(Augmentation(turn_degrees=10))(rows, tf.cast(hu, tf.float32), SEED)
    sines = (turns[:, 4, 5, 0] - turns[:, 4, 4, 0]).numpy()
    largest = np.sin(np.deg2rad(10))
    assert -largest - 1e-6 <= sines.min() < -0.15 and 0.15 < sines.max() <= largest + 1e-6


@pytest.mark.parametrize("size", [16, 50, 64])
def test_an_elastic_field_is_bounded_smooth_and_folds_nothing(size: int) -> None:
    field = elastic_field(size, 3.0, 40, SEED).numpy()
    assert field.shape == (40, 2, size, size)
    assert 1.0 < np.abs(field).max() <= 3.0
    down, right = np.diff(field, axis=2), np.diff(field, axis=3)
    # The bound that models/deformation.py states: 2 * 3 / 16 pixels a pixel.
    assert max(np.abs(down).max(), np.abs(right).max()) <= 0.375
    rows = np.arange(size)[:, None] + field[:, 0]
    columns = np.arange(size) + field[:, 1]
    assert np.diff(rows, axis=1).min() > 0 and np.diff(columns, axis=2).min() > 0


def test_knots_that_are_equal_move_all_pixels_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.deformation.amounts", lambda seed, draw, shape: tf.ones(shape))
    np.testing.assert_allclose(elastic_field(40, 2.0, 1, SEED), 2.0, rtol=1e-6)


def test_a_field_that_is_larger_along_rows_moves_along_rows() -> None:
    hu = np.tile(np.arange(4) * 10, (4, 1))
    moved, _ = resampled(crop(hu), crop(np.zeros((4, 4))), places(4, right=0.25))
    assert moved[0, 0, :, 0].numpy().tolist() == [2.5, 12.5, 22.5, 30]
    same, _ = resampled(crop(hu), crop(np.zeros((4, 4))), places(4, down=0.25))
    np.testing.assert_array_equal(same[0, ..., 0], hu)
