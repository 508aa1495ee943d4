"""What the metrics read from a row, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants

from lungct.metrics import OverlapSums
from models.metrics import segmentation
from schema.metrics import METRICS

ROW = {
    "truth_voxels": np.array([6]),
    "candidate_predicted_voxels": np.array([4]),
    "candidate_common_voxels": np.array([3]),
    "baseline_predicted_voxels": 2,  # as TFMA leaves it where it unwrapped it
    "baseline_common_voxels": 0,
}


def overlap_of(model_name: str, row: dict[str, Any]) -> OverlapSums:
    preprocessor = segmentation.SegmentationPreprocessor(model_name)
    [made] = preprocessor.process({constants.FEATURES_KEY: row})
    return made


@pytest.mark.parametrize("model_name", ["", "candidate"])
def test_the_candidate_by_both_of_its_names(model_name: str) -> None:
    # Dice of the slice: 2 * 3 / (4 + 6)
    assert overlap_of(model_name, ROW) == OverlapSums(3, 4, 6, 0.6, 1.0)


def test_the_baseline_has_columns_of_its_own() -> None:
    assert overlap_of("baseline", ROW) == OverlapSums(0, 2, 6, 0.0, 1.0)


def test_a_model_that_no_column_is_of() -> None:
    with pytest.raises(ValueError, match="expected the model candidate or baseline, got 'other'"):
        segmentation.SegmentationPreprocessor("other")


@pytest.mark.parametrize("column", ["truth_voxels", "candidate_common_voxels"])
@pytest.mark.parametrize("left", [None, np.array([])])
def test_a_missing_column_is_refused(column: str, left: Any) -> None:
    with pytest.raises(ValueError, match=f"expected one {column}, got 0 in a row of"):
        overlap_of("", {**ROW, column: left})


def test_a_row_without_any_feature() -> None:
    with pytest.raises(ValueError, match="expected one candidate_common_voxels, got 0"):
        overlap_of("", {})


def test_counts_that_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="common voxels .*, got 5, 4 and 6"):
        overlap_of("", {**ROW, "candidate_common_voxels": np.array([5])})


def test_slices_are_summed_once_per_model() -> None:
    metrics = [segmentation.SegmentationMetric(metric.key) for metric in METRICS]
    models = ["candidate", "baseline"]
    made = [item for metric in metrics for item in metric.computations(model_names=models)]
    summing = {item for item in made if isinstance(item, tfma.metrics.MetricComputation)}
    assert len(summing) == 2  # one for each model
    names = {item.preprocessors[0].name for item in summing}
    assert len(names) == 2


def test_configuration_of_a_metric() -> None:
    metric = segmentation.SegmentationMetric("recall")
    assert metric.get_config() == {"name": "recall", "code_hash": ""}
    assert metric.name == "recall"


@pytest.mark.parametrize("name", ["dice", "truth"])  # none at all, and a count
def test_a_metric_that_the_overlap_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"expected a property of OverlapSums .*, got '{name}'"):
        segmentation.SegmentationMetric(name)
