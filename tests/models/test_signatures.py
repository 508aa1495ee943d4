import json
import types
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import trainer
from models.signatures import slice_bytes
from schema import features
from schema.files import INPUT_FILE
from tests.models import synthetic


@pytest.fixture(scope="module")
def exported(trained: types.SimpleNamespace) -> Any:
    return tf.saved_model.load(trained.serving_model_dir)


SLICES = [synthetic.make_slice("z", i, 4.0 * (i % 2)) for i in range(3)]
HU = np.stack([item.hu for item in SLICES])


def from_hu(exported: Any) -> Any:
    call = exported.signatures[features.SIGNATURE_HU]
    return call(**{features.INPUT_HU: tf.constant(HU)})[features.OUTPUT_PROBABILITY].numpy()


def from_examples(exported: Any, examples: list[bytes]) -> Any:
    call = exported.signatures[features.SIGNATURE_EXAMPLES]
    made = call(**{features.INPUT_EXAMPLES: tf.constant(examples)})
    return made[features.OUTPUT_PROBABILITY].numpy()


def test_both_signatures_agree(exported: Any) -> None:
    probability = from_hu(exported)
    assert probability.shape == (3, 32, 32) and probability.dtype == np.float32
    assert 0 <= probability.min() < probability.max() <= 1
    other = from_examples(exported, [item.example() for item in SLICES])
    np.testing.assert_allclose(probability, other, atol=1e-5)


def test_signatures_agree_with_the_trained_keras_model(
    exported: Any, trained: types.SimpleNamespace, layer: Any
) -> None:
    model = keras.saving.load_model(Path(trained.model_run_dir) / trainer.MODEL_NAME)
    raw = tf.constant([[item.hu.tobytes()] for item in SLICES])
    logits = model.predict(layer({features.IMAGE_HU: raw})[features.IMAGE].numpy(), verbose=0)
    expected = 1 / (1 + np.exp(-logits[..., 0]))
    np.testing.assert_allclose(from_hu(exported), expected, atol=1e-5)


def test_examples_need_no_labels(exported: Any) -> None:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[HU[0].tobytes()]))
    bare = tf.train.Example(
        features=tf.train.Features(feature={features.IMAGE_HU: feature})
    ).SerializeToString()
    np.testing.assert_allclose(from_examples(exported, [bare])[0], from_hu(exported)[0], atol=1e-5)


def test_a_slice_is_segmented_alike_in_any_batch(exported: Any) -> None:
    call = exported.signatures[features.SIGNATURE_HU]
    alone = call(**{features.INPUT_HU: tf.constant(HU[1:2])})[features.OUTPUT_PROBABILITY]
    np.testing.assert_allclose(alone[0], from_hu(exported)[1], atol=1e-5)


def test_grid_and_split_go_along(trained: types.SimpleNamespace) -> None:
    text = (Path(trained.serving_model_dir) / INPUT_FILE).read_text()
    assert json.loads(text) == {
        "grid": {**synthetic.CONFIG["grid"], "margin_mm": 5.0},
        "split": synthetic.CONFIG.get("split"),
    }


@pytest.mark.parametrize(
    "shape", [(3, 32, 96, 1), (3, 16, 64, 3), (3, 3, 32, 32), (1, 96, 32, 3), (3, 32, 32, 1)]
)
def test_an_array_of_another_shape_is_refused(exported: Any, shape: tuple[int, ...]) -> None:
    given = np.resize(HU, shape)
    call = exported.signatures[features.SIGNATURE_HU]
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        call(**{features.INPUT_HU: tf.constant(given)})
    assert str(list(shape)).replace(" ", "") in str(caught.value)
    assert "not compatible with expected shape [?,32,32,3]" in str(caught.value)


def test_an_array_without_an_axis_is_refused(exported: Any) -> None:
    call = exported.signatures[features.SIGNATURE_HU]
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        call(**{features.INPUT_HU: tf.constant(HU[0])})


def test_bytes_of_slices_are_those_of_the_arrays() -> None:
    hu = np.random.default_rng(1).integers(-1024, 3072, (4, 3, 2, 5)).astype(np.int16)
    raw = tf.function(slice_bytes)(tf.constant(hu)).numpy()
    assert [bytes(item) for item in raw] == [item.tobytes() for item in hu]
