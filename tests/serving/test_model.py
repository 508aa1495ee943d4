import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.preprocessing import clip_and_scale
from models.segmenter import Segmenter
from schema import features
from schema.files import MODEL_FILE
from schema.hyperparameters import Intensity
from serving.model import load_model
from serving.served import ServedModel
from tests.models.made_model import CONTEXT, FACTS, SIZE, made_network

ROOT = Path(__file__).resolve().parents[2]


def transform(raw: dict[str, Any]) -> dict[str, Any]:
    """Stands for the TFT layer."""
    return {features.IMAGE: clip_and_scale(raw[features.HU], Intensity())}


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(made_network(), transform, CONTEXT, SIZE.stride)


@pytest.fixture(scope="module")
def exported(segmenter: Segmenter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.export import export

    directory = tmp_path_factory.mktemp("model") / "1"
    export(segmenter, str(directory), FACTS)
    return directory


def test_a_loaded_model_segments_and_knows_its_facts(exported: Path, segmenter: Segmenter) -> None:
    model = load_model(str(exported))
    gc.collect()  # nothing else holds what was loaded
    hu = np.random.default_rng(1).integers(-1024, 600, (3, 7, 10)).astype(np.int16)
    kept = hu.copy()
    probability = model.segment(hu)
    assert probability.dtype == np.float32 and probability.shape == hu.shape
    expected = segmenter.segment_hu(tf.constant(hu))[features.OUTPUT_PROBABILITY]
    np.testing.assert_allclose(probability, expected, atol=1e-5)
    np.testing.assert_array_equal(hu, kept)
    assert model.facts == FACTS


def test_a_result_outlives_the_model_and_the_next_result(exported: Path) -> None:
    model: ServedModel | None = load_model(str(exported))
    assert model
    hu = np.full((2, 8, 8), -800, np.int16)
    first = model.segment(hu)
    kept = first.copy()
    hu[:] = 200
    second = model.segment(hu)
    assert not np.allclose(first, second)
    model = None
    gc.collect()
    np.testing.assert_array_equal(first, kept)


def test_without_facts_a_model_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"expected {MODEL_FILE} beside the model, got none: .*"):
        load_model(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"grid": {"spacing_mm": [0, 1, 1]}}'])
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_text(text)
    with pytest.raises(ValueError, match=f"expected the facts of a model in .*{MODEL_FILE}, got"):
        load_model(str(tmp_path))


def test_a_model_that_does_not_segment_is_refused(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures={"other": _double()})
    (tmp_path / MODEL_FILE).write_text(FACTS.to_json())
    with pytest.raises(ValueError, match=r"expected the signature segment_hu, got \['other'\]"):
        load_model(str(tmp_path))


def _double() -> Any:
    spec = [tf.TensorSpec([None], tf.float32)]
    return tf.function(lambda x: {"y": 2 * x}, input_signature=spec).get_concrete_function()


def test_a_folder_without_model_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_text(FACTS.to_json())
    with pytest.raises(OSError, match=str(tmp_path)):
        load_model(str(tmp_path))


def test_tfx_is_not_loaded() -> None:
    code = "import json, sys, serving.model; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(run.stdout)}
    assert not loaded & {"tfx", "apache_beam", "models", "tensorflow_transform"}
