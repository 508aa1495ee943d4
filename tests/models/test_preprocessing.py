from typing import Any

import numpy as np
import tensorflow as tf

from lungct.grid import Grid
from models.preprocessing import clip_and_scale, decode_coverage, decode_hu
from schema import features
from schema.hyperparameters import Intensity
from tests.models import synthetic

GRID = Grid((3.0, 2.0, 1.0), slice_size=2, context=1)


def test_decodes_little_endian_bytes_in_c_order() -> None:
    hu = np.arange(-6, 6, dtype="<i2").reshape(1, 2, 2, 3)
    decoded = decode_hu(tf.constant([[hu.tobytes()]]), GRID)
    assert decoded.dtype == tf.float32
    np.testing.assert_array_equal(decoded, hu)


def test_coverage_becomes_the_covered_part() -> None:
    coverage = np.array([[0, 51], [204, 255]], np.uint8)  # 51 is a fifth of 255
    decoded = decode_coverage(tf.constant([coverage.tobytes()]), GRID)
    np.testing.assert_allclose(decoded[0, :, :, 0], [[0, 0.2], [0.8, 1]], rtol=1e-6)


def test_window_is_clipped_and_scaled() -> None:
    hu = tf.constant([-3000.0, -1000.0, -300.0, 400.0, 3000.0])
    scaled = clip_and_scale(hu, Intensity((-1000.0, 400.0)))
    np.testing.assert_allclose(scaled, [0, 0, 0.5, 1, 1])


def test_graph_standardises_its_own_data(layer: Any) -> None:
    slices = [item for name in "abc" for item in synthetic.make_scan(name, 4, (0, 2))]
    raw = tf.constant([[item.hu.tobytes()] for item in slices])
    image = layer({features.IMAGE_HU: raw})[features.IMAGE].numpy()
    assert image.shape == (12, synthetic.SIZE, synthetic.SIZE, synthetic.CHANNELS)
    middle = image[:, ::2, ::2, 1]  # what mean and variance were taken of
    np.testing.assert_allclose([middle.mean(), middle.std()], [0, 1], atol=1e-4)


def test_graph_gives_truth_beside_the_image(layer: Any) -> None:
    item = synthetic.make_slice("a", 0, 4.0)
    made = layer(
        {
            features.IMAGE_HU: tf.constant([[item.hu.tobytes()]]),
            features.NODULE_COVERAGE: tf.constant([[item.coverage.tobytes()]]),
        }
    )
    assert set(made) == {features.IMAGE, features.TRUTH}
    np.testing.assert_allclose(made[features.TRUTH][0, :, :, 0], item.coverage / 255, atol=1e-6)


def test_a_data_set_of_one_value_gives_finite_input(tmp_path: Any) -> None:
    size, channels = synthetic.SIZE, synthetic.CHANNELS
    flat = synthetic.make_slice("a", 0, 0.0)
    flat = synthetic.MadeSlice(
        "a", 0, np.full((size, size, channels), -800, np.int16), *(flat.coverage, flat.buckets)
    )
    flat_layer = synthetic.transform_layer(synthetic.analyse([flat], tmp_path, synthetic.CONFIG))
    image = flat_layer({features.IMAGE_HU: tf.constant([[flat.hu.tobytes()]])})[features.IMAGE]
    np.testing.assert_allclose(image, 0, atol=1e-3)
