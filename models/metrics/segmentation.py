"""Dice, precision and recall of nodule masks for TensorFlow Model Analysis.

A preprocessor turns each slice into six sums before slice keys multiply it; one small combiner
adds them up. All metrics of a model are derived from that one computation, so the pixels are
counted once however many metrics a configuration names. Truth is read from the input features,
hence no label key.

With a baseline TFMA hands over predictions as `{"candidate": …, "baseline": …}` and merges what
looks alike: the model's name is part of the names of preprocessor and computation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from lungct.metrics import OverlapSums, slice_overlap
from schema import features

_SUMS_NAME = "_segmentation_sums"
_EMPTY = OverlapSums()


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
        """Yields the sums of one slice.

        Raises:
            ValueError: There is no coverage, no prediction of this model, or their sizes differ.
        """
        standard = util.StandardExtracts(extracts)
        probability = _probability(standard.get_predictions(), self._model_name)
        truth = _truth(standard.get_features() or {}, probability.shape)
        yield slice_overlap(probability >= self._threshold, truth)


class SumsCombiner(beam.CombineFn):
    """Adds up the sums of slices under one metric key."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        """Remembers the key under which the sums are handed on."""
        self._key = key

    def create_accumulator(self) -> OverlapSums:
        """No slice yet."""
        return _EMPTY

    def add_input(self, accumulator: OverlapSums, element: OverlapSums) -> OverlapSums:
        """One slice more."""
        return accumulator + element

    def merge_accumulators(self, accumulators: Iterable[OverlapSums]) -> OverlapSums:
        """Sums of several parts."""
        return sum(accumulators, _EMPTY)

    def extract_output(
        self, accumulator: OverlapSums
    ) -> dict[metric_types.MetricKey, npt.NDArray[np.float64]]:
        """The sums as one array in the order of `OverlapSums`' fields, to be divided later."""
        return {self._key: np.array(astuple(accumulator), np.float64)}


class SegmentationMetric(metric_types.Metric):
    """A figure that follows from `OverlapSums`; subclasses name it."""

    figure: ClassVar[str]  # attribute of OverlapSums
    default_name: ClassVar[str]

    def __init__(
        self, threshold: float = 0.5, name: str | None = None, source_hash: str = ""
    ) -> None:
        """Declares the metric.

        Args:
            threshold: A pixel is predicted when its probability is at least this.
            name: Name in the result, the class's own when None.
            source_hash: Not used in the computation: a hash of the code, so that TFX's cache,
                which sees only the configuration, evaluates anew after the code has changed.
        """
        super().__init__(
            self._computations,
            threshold=threshold,
            name=name or self.default_name,
            source_hash=source_hash,
        )

    def _computations(
        self,
        threshold: float,
        name: str,
        source_hash: str,
        model_names: list[str] | None = None,
        output_names: list[str] | None = None,
    ) -> metric_types.MetricComputations:
        computations: metric_types.MetricComputations = []
        for model_name in model_names or [""]:
            for output_name in output_names or [""]:
                key = metric_types.MetricKey(name, model_name, output_name)
                computations += self._derived(key, threshold)
        return computations

    def _derived(
        self, key: metric_types.MetricKey, threshold: float
    ) -> metric_types.MetricComputations:
        sums_key = key._replace(name=f"{_SUMS_NAME}_{threshold!r}")
        figure = self.figure
        sums = metric_types.MetricComputation(
            keys=[sums_key],
            preprocessors=[SegmentationPreprocessor(threshold, key.model_name)],
            combiner=SumsCombiner(sums_key),
        )

        def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict[Any, float]:
            """The figure from the sums."""
            return {key: float(getattr(OverlapSums(*metrics[sums_key]), figure))}

        return [sums, metric_types.DerivedMetricComputation(keys=[key], result=result)]


class PooledDice(SegmentationMetric):
    """Dice over all voxels of a slice key; NaN when nothing is true or predicted."""

    figure = "pooled_dice"
    default_name = "pooled_dice"


class MeanSliceDice(SegmentationMetric):
    """Mean Dice over the slices that hold truth; NaN when none does."""

    figure = "mean_slice_dice"
    default_name = "mean_slice_dice"


class PooledPrecision(SegmentationMetric):
    """Share of the predicted voxels that are true; NaN when nothing is predicted."""

    figure = "precision"
    default_name = "precision"


class PooledRecall(SegmentationMetric):
    """Share of the true voxels that are predicted; NaN when nothing is true."""

    figure = "recall"
    default_name = "recall"


class SliceCount(SegmentationMetric):
    """Slices evaluated."""

    figure = "slices"
    default_name = "slices"


class NoduleSliceCount(SegmentationMetric):
    """Slices that hold truth: what mean slice Dice is averaged over."""

    figure = "nodule_slices"
    default_name = "nodule_slices"


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
