"""The metrics of nodule masks for TensorFlow Model Analysis.

They read rows that SegmentScans wrote: one a slice, without pixels, with the voxels of each model
counted already. A preprocessor turns each row into its `OverlapSums` before slice keys multiply it;
one combiner adds them up, and all metrics of a model are derived from that one computation.

With a baseline TFMA asks for each metric of `candidate` and of `baseline`, else of a model without
a name, which is the candidate. It merges what looks alike: level, model and columns are part of
the names of preprocessor and computation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any, Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from lungct.metrics import OverlapSums, overlap_of_counts
from schema import features

_OVERLAP_NAME: Final = "_slice_overlap"
_EMPTY: Final = OverlapSums()


class SegmentationPreprocessor(metric_types.Preprocessor):
    """Turns the extracts of one row into the `OverlapSums` of its slice."""

    def __init__(self, model_name: str) -> None:
        """Remembers whose counts to read.

        Args:
            model_name: `candidate` or `baseline`; "" in an evaluation of the candidate alone.

        Raises:
            ValueError: It is another.
        """
        model = model_name or features.CANDIDATE
        if model not in (features.CANDIDATE, features.BASELINE):
            raise ValueError(f"expected the model candidate or baseline, got {model_name!r}")
        self._columns = (
            features.common_voxels(model),
            features.predicted_voxels(model),
            features.TRUTH_VOXELS,
        )
        super().__init__(name=f"slice_{model}_{'_'.join(self._columns)}")

    def process(self, extracts: dict[str, Any]) -> Iterator[OverlapSums]:
        """Yields the overlap of one slice.

        Raises:
            ValueError: A count is missing, or they contradict each other.
        """
        values = util.StandardExtracts(extracts).get_features() or {}
        yield overlap_of_counts(*(_count(values, column) for column in self._columns))


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

    def __init__(self, name: str, code_hash: str = "") -> None:
        """Declares the metric.

        Args:
            name: Key of the metric in `schema.metrics`, and name in the result: a property of
                `OverlapSums`.
            code_hash: Not used in the computation: a hash of the code, so that TFX's cache,
                which sees only the configuration, evaluates anew after the code has changed.

        Raises:
            ValueError: There is no such property.
        """
        if not isinstance(getattr(OverlapSums, name, None), property):
            raise ValueError(f"expected a property of OverlapSums as metric, got {name!r}")
        super().__init__(_computations, name=name, code_hash=code_hash)


def _computations(
    name: str,
    code_hash: str,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    computations: metric_types.MetricComputations = []
    for model_name in model_names or [""]:
        for output_name in output_names or [""]:
            computations += _derived(metric_types.MetricKey(name, model_name, output_name))
    return computations


def _derived(key: metric_types.MetricKey) -> metric_types.MetricComputations:
    overlap_key = key._replace(name=_OVERLAP_NAME)
    overlap = metric_types.MetricComputation(
        keys=[overlap_key],
        preprocessors=[SegmentationPreprocessor(key.model_name)],
        combiner=OverlapCombiner(overlap_key),
    )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict[Any, float]:
        """The figure from the overlap."""
        return {key: float(getattr(OverlapSums(*metrics[overlap_key]), key.name))}

    return [overlap, metric_types.DerivedMetricComputation(keys=[key], result=result)]


def _count(values: Mapping[str, Any], column: str) -> int:
    """One count of a row, whether or not TFMA left it in an array."""
    found = np.asarray([] if values.get(column) is None else values[column]).ravel()
    if found.size != 1:
        raise ValueError(
            f"expected one {column}, got {found.size} in a row of {sorted(values)}; where the "
            "baseline's are missing, SegmentScans left it out, as its log says why"
        )
    return int(found[0])
