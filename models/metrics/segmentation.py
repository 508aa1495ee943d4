"""The metrics of nodule masks for TensorFlow Model Analysis.

A preprocessor turns each slice into its `OverlapSums` before slice keys multiply it; one combiner
adds them up. All metrics of a model are derived from that one computation, so the pixels are
counted once however many metrics a configuration names. Truth is read from the input features,
so there is no label key.

With a baseline TFMA hands over predictions as `{"candidate": …, "baseline": …}` and merges what
looks alike: the model's name is part of the names of preprocessor and computation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any, Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from lungct.metrics import OverlapSums, slice_overlap
from schema import features

_OVERLAP_NAME: Final = "_overlap"
_EMPTY: Final = OverlapSums()


class SegmentationPreprocessor(metric_types.Preprocessor):
    """Turns the extracts of one slice into its `OverlapSums`."""

    def __init__(self, threshold: float, model_name: str) -> None:
        """Remembers which model's prediction to read.

        Args:
            threshold: A pixel is predicted when its probability is at least this.
            model_name: The model's name in an evaluation of several, else "".
        """
        super().__init__(name=f"segmentation_preprocessor_{model_name}_{threshold!r}")
        self._threshold = threshold
        self._model_name = model_name

    def process(self, extracts: dict[str, Any]) -> Iterator[OverlapSums]:
        """Yields the overlap of one slice.

        Raises:
            ValueError: There is no coverage, no prediction of this model, or their sizes differ.
        """
        standard = util.StandardExtracts(extracts)
        probability = _probability(standard.get_predictions(), self._model_name)
        truth = _truth(standard.get_features() or {}, probability.shape)
        yield slice_overlap(probability >= self._threshold, truth)


class OverlapCombiner(beam.CombineFn):
    """Adds up the overlaps of slices under one metric key."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        """Remembers the key under which the overlap is handed on."""
        self._key = key

    def create_accumulator(self) -> OverlapSums:
        """No slice yet."""
        return _EMPTY

    def add_input(self, accumulator: OverlapSums, element: OverlapSums) -> OverlapSums:
        """One slice more."""
        return accumulator + element

    def merge_accumulators(self, accumulators: Iterable[OverlapSums]) -> OverlapSums:
        """The overlap of several parts together."""
        return sum(accumulators, _EMPTY)

    def extract_output(
        self, accumulator: OverlapSums
    ) -> dict[metric_types.MetricKey, npt.NDArray[np.float64]]:
        """The overlap as one array in the order of `OverlapSums`' fields, to be divided later."""
        return {self._key: np.array(astuple(accumulator), np.float64)}


class SegmentationMetric(metric_types.Metric):
    """A figure that follows from `OverlapSums`, named by the configuration."""

    def __init__(self, name: str, threshold: float, code_hash: str = "") -> None:
        """Declares the metric.

        Args:
            name: Key of the metric in `schema.metrics`, and name in the result: a property of
                `OverlapSums`.
            threshold: A pixel is predicted when its probability is at least this.
            code_hash: Not used in the computation: a hash of the code, so that TFX's cache,
                which sees only the configuration, evaluates anew after the code has changed.

        Raises:
            ValueError: There is no such property.
        """
        if not isinstance(getattr(OverlapSums, name, None), property):
            raise ValueError(f"expected a property of OverlapSums as metric, got {name!r}")
        super().__init__(_computations, name=name, threshold=threshold, code_hash=code_hash)


def _computations(
    name: str,
    threshold: float,
    code_hash: str,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    computations: metric_types.MetricComputations = []
    for model_name in model_names or [""]:
        for output_name in output_names or [""]:
            key = metric_types.MetricKey(name, model_name, output_name)
            computations += _derived(key, threshold)
    return computations


def _derived(key: metric_types.MetricKey, threshold: float) -> metric_types.MetricComputations:
    overlap_key = key._replace(name=f"{_OVERLAP_NAME}_{threshold!r}")
    overlap = metric_types.MetricComputation(
        keys=[overlap_key],
        preprocessors=[SegmentationPreprocessor(threshold, key.model_name)],
        combiner=OverlapCombiner(overlap_key),
    )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict[Any, float]:
        """The figure from the overlap."""
        return {key: float(getattr(OverlapSums(*metrics[overlap_key]), key.name))}

    return [overlap, metric_types.DerivedMetricComputation(keys=[key], result=result)]


def _probability(predictions: Any, model_name: str) -> npt.NDArray[np.float32]:
    """The (H, W) probability of one model, whether or not TFMA unwrapped its dicts."""
    if isinstance(predictions, Mapping) and model_name and model_name in predictions:
        predictions = predictions[model_name]
    if isinstance(predictions, Mapping) and features.OUTPUT_PROBABILITY in predictions:
        predictions = predictions[features.OUTPUT_PROBABILITY]
    if predictions is None or isinstance(predictions, Mapping):
        got = sorted(predictions) if predictions else predictions
        raise ValueError(f"expected a prediction of model {model_name!r}, got {got!r}")
    probability = np.asarray(predictions, np.float32)
    if probability.ndim < 2:
        raise ValueError(f"expected a probability of (H, W), got shape {probability.shape}")
    return probability.reshape(probability.shape[-2:])


def _truth(values: Mapping[str, Any], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The (H, W) mask of voxels of which at least half lies in a nodule."""
    raw = values.get(features.NODULE_COVERAGE)
    if raw is None:
        raise ValueError(f"expected the feature {features.NODULE_COVERAGE}, got {sorted(values)}")
    array = np.asarray(raw)
    content = array.item()
    if array.dtype.kind == "S":  # such an array has lost the zeros at its end
        content = content.ljust(int(np.prod(shape)), b"\0")
    coverage = np.frombuffer(content, np.uint8)
    if coverage.size != np.prod(shape):
        raise ValueError(f"expected {np.prod(shape)} pixels of coverage, got {coverage.size}")
    truth: npt.NDArray[np.bool_] = coverage.reshape(shape) >= features.COVERAGE_THRESHOLD
    return truth
