"""What the metrics count, and what they refuse."""

import time
from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants

from models.metrics import segmentation
from schema import features
from schema.metrics import METRICS


def extracts(probability: Any, coverage: Any) -> dict[str, Any]:
    values = {} if coverage is None else {features.NODULE_COVERAGE: np.array([coverage])}
    return {constants.FEATURES_KEY: values, constants.PREDICTIONS_KEY: probability}


def overlap_of(model_name: str, given: dict[str, Any]) -> Any:
    [made] = segmentation.SegmentationPreprocessor(0.5, model_name).process(given)
    return made


PREDICTION = np.array([[0.5, 0.4], [0.9, 0.0]], np.float32)
COVERAGE = np.array([128, 255, 127, 0], np.uint8).tobytes()


@pytest.mark.parametrize(
    "predictions",
    [
        PREDICTION,
        PREDICTION[..., None].reshape(1, 2, 2),
        {features.OUTPUT_PROBABILITY: PREDICTION},
        {"candidate": PREDICTION, "baseline": PREDICTION * 0},
        {"candidate": {features.OUTPUT_PROBABILITY: PREDICTION}, "baseline": {}},
    ],
)
def test_takes_predictions_in_every_form_of_tfma(predictions: Any) -> None:
    made = overlap_of("candidate", extracts(predictions, COVERAGE))
    assert (made.intersection, made.predicted, made.truth) == (1, 2, 2)


@pytest.mark.parametrize(
    ("predictions", "coverage", "message"),
    [
        ({"baseline": PREDICTION}, COVERAGE, r"model 'candidate', got \['baseline'\]"),
        (None, COVERAGE, "model 'candidate', got None"),
        (np.array([0.5], np.float32), COVERAGE, r"\(H, W\), got shape \(1,\)"),
        (PREDICTION, b"\x01" * 5, "expected 4 pixels of coverage, got 5"),
        (PREDICTION, None, r"the feature nodule_coverage, got \[\]"),
    ],
)
def test_refuses_what_it_can_not_read(predictions: Any, coverage: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        overlap_of("candidate", extracts(predictions, coverage))


def test_pixels_are_counted_once_per_model() -> None:
    metrics = [segmentation.SegmentationMetric(metric.key, 0.5) for metric in METRICS]
    made = [item for metric in metrics for item in metric.computations(model_names=["one", "two"])]
    counting = {item for item in made if isinstance(item, tfma.metrics.MetricComputation)}
    assert len(counting) == 2  # one for each model
    names = {item.preprocessors[0].name for item in counting}
    assert len(names) == 2


def test_configuration_of_a_metric() -> None:
    metric = segmentation.SegmentationMetric("recall", threshold=0.3)
    assert metric.get_config() == {"threshold": 0.3, "name": "recall", "code_hash": ""}
    assert metric.name == "recall"


@pytest.mark.parametrize("name", ["dice", "truth"])  # none at all, and a count
def test_a_metric_that_the_overlap_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"expected a property of OverlapSums .*, got '{name}'"):
        segmentation.SegmentationMetric(name, 0.5)


def test_counts_a_thousand_slices_of_192_pixels_in_seconds() -> None:
    random = np.random.default_rng(1)
    given = extracts(
        random.random((192, 192), np.float32),
        random.integers(0, 256, (192, 192)).astype(np.uint8).tobytes(),
    )
    start = time.perf_counter()
    for _ in range(200):
        overlap_of("", given)
    assert 200 / (time.perf_counter() - start) > 500
