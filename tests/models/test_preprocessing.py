from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.preprocessing import clip_and_scale, normalise, units_per_hu
from schema.hyperparameters import Intensity
from tests.models import synthetic


def test_window_is_clipped_and_mapped_to_0_to_1() -> None:
    scaled = clip_and_scale(tf.constant([-2000.0, -1000, -300, 400, 3071]), Intensity())
    np.testing.assert_allclose(scaled, [0, 0, 0.5, 1, 1])


def test_mean_and_deviation_are_those_of_the_sums(layer: Any) -> None:
    hu = np.array([synthetic.MEAN_HU, synthetic.MEAN_HU + synthetic.DEVIATION_HU])
    np.testing.assert_allclose(normalise(layer, hu), [0, 1], atol=1e-5)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4, 5), (2, 0, 7), (1, 2, 3, 4)])
def test_any_shape_is_kept(layer: Any, shape: tuple[int, ...]) -> None:
    image = normalise(layer, np.full(shape, -860, np.int16))
    assert image.shape == shape and image.dtype == tf.float32
    np.testing.assert_allclose(image, np.zeros(shape), atol=1e-5)


def test_each_voxel_is_taken_by_itself(layer: Any) -> None:
    hu = np.random.default_rng(1).integers(-1024, 3071, (3, 4, 5), np.int16)
    one = [float(normalise(layer, value)) for value in hu.ravel()]
    np.testing.assert_array_equal(np.ravel(normalise(layer, hu)), np.float32(one))


def test_units_per_hu_is_what_the_graph_divides_by(layer: Any) -> None:
    assert units_per_hu(layer, Intensity()) == pytest.approx(1 / synthetic.DEVIATION_HU, rel=1e-5)
