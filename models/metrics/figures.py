"""The figures of a model for TensorFlow Model Analysis, and the gate's margins.

They read the rows that SegmentScans wrote: slices, nodules and scans without pixels, counted
already. A preprocessor turns each row into its counts, one combiner keeps them by patient for all
models, and every figure is derived from that one computation, which TFMA shares since its names
are the same. Sums are of whole numbers and patients are sorted before they are drawn, so that
figures do not depend on how rows are spread over workers.

With a baseline TFMA asks for `candidate` and `baseline`, else for a model without a name, which is
the candidate.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from lungct.figures import COUNTS, FIGURES, Measured, count, measure, measure_change, measure_gap
from lungct.tally import Counts, Key, Part, Tally
from schema import features
from schema.criteria import Criterion
from schema.gate import GateRow, Verdict, judge, judge_one
from schema.judged import count_row
from schema.judged_io import parse_row
from schema.metrics import Kind, MetricRow, On, figure_name
from schema.slice_keys import ALL

_TALLY: Final = metric_types.MetricKey("_tally")

CountedRow = tuple[Key, Mapping[str, Counts]]
Results = dict[metric_types.MetricKey, float]


class RowPreprocessor(metric_types.Preprocessor):
    """Turns the extracts of one row into what it counts."""

    def __init__(self, models: tuple[str, ...]) -> None:
        """Remembers whose counts are needed.

        Args:
            models: Their names.
        """
        self._models = models
        super().__init__(name=f"counts_of_{'_'.join(models)}")

    def process(self, extracts: dict[str, Any]) -> Iterator[CountedRow]:
        """Yields the key of one row and its counts by model.

        Raises:
            ValueError: It is no judged row, or lacks a model.
        """
        row = parse_row(util.StandardExtracts(extracts).get_features() or {})
        yield count_row(row, self._models)


class TallyCombiner(beam.CombineFn):
    """Adds up the counts of rows under one slice key."""

    def create_accumulator(self) -> Tally:
        """No row yet."""
        return Tally()

    def add_input(self, accumulator: Tally, element: CountedRow) -> Tally:
        """One row more."""
        accumulator.add(*element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Tally]) -> Tally:
        """The counts of several parts together."""
        merged = Tally()
        merged.merge(accumulators)
        return merged

    def extract_output(self, accumulator: Tally) -> dict[metric_types.MetricKey, Tally]:
        """The counts, from which figures are derived."""
        return {_TALLY: accumulator}


@dataclass(frozen=True)
class TallyFigures:
    """Figures worked out as they are asked for.

    Attributes:
        tally: The counts of candidate and perhaps baseline.
        replicates: How often patients are drawn.
    """

    tally: Tally
    replicates: int

    @property
    def has_baseline(self) -> bool:
        """Whether there is a model to compare with."""
        return features.BASELINE in self.tally.models

    def find(
        self, kind: Kind, metric: str, split: str, bucket: str, source: str = ALL
    ) -> MetricRow | None:
        """One figure of the candidate; None where no row counts in the slice."""
        place = (_one(split), _one(bucket), _one(source))
        part = self.tally.part(features.CANDIDATE, *place)
        if not part.patients:
            return None
        if metric in COUNTS:
            return MetricRow(split, bucket, metric, count(metric, part), source=source)
        if kind is Kind.CHANGE:
            before = self.tally.part(features.BASELINE, *place)
            found = measure_change(metric, part, before, self.replicates)
        elif kind is Kind.GAP:
            train = self.tally.part(features.CANDIDATE, features.SPLIT_TRAIN, *place[1:])
            found = measure_gap(metric, train, part, self.replicates)
        else:
            found = measure(metric, part, self.replicates)
        return MetricRow(split, bucket, metric, found.value, found.lower, found.upper, source)


class Figures(metric_types.Metric):
    """Every figure of every model with its interval, changes, gaps, and counts."""

    def __init__(self, replicates: int, code_hash: str = "", name: str = "figures") -> None:
        """Declares the metric.

        Args:
            replicates: How often patients are drawn; 0 for no intervals.
            code_hash: Not used in the computation: a hash of the code, so that TFX's cache,
                which sees only the configuration, evaluates anew after the code has changed.
            name: Of the metric; its figures have names of their own.
        """
        super().__init__(_figures, name=name, replicates=replicates, code_hash=code_hash)


class GateMargin(metric_types.Metric):
    """By how much a criterion of the gate is met; infinite where it is not judged."""

    def __init__(self, name: str, criterion: str, replicates: int, code_hash: str = "") -> None:
        """Declares the metric.

        Args:
            name: The criterion in words.
            criterion: The criterion as JSON.
            replicates: How often patients are drawn.
            code_hash: As that of `Figures`.
        """
        super().__init__(
            _gate_margin,
            name=name,
            criterion=criterion,
            replicates=replicates,
            code_hash=code_hash,
        )


class JudgedCriteria(metric_types.Metric):
    """How many criteria of the gate could be judged: a model is not blessed by none."""

    def __init__(self, name: str, criteria: str, code_hash: str = "") -> None:
        """Declares the metric.

        Args:
            name: Of the metric.
            criteria: The criteria as a JSON list.
            code_hash: As that of `Figures`.
        """
        super().__init__(_judged_criteria, name=name, criteria=criteria, code_hash=code_hash)


def _figures(
    name: str, replicates: int, code_hash: str, model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    models = model_names or [""]

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> Results:
        """All figures from the tally."""
        tally = metrics[_TALLY]
        parts = {model: tally.part(_model(model)) for model in models}
        found: Results = {}
        for model, part in parts.items():
            found |= _values(model, part, replicates)
        candidate, *others = sorted(models, key=lambda model: _model(model) != features.CANDIDATE)
        for other in others:
            found |= _changes(candidate, parts[candidate], parts[other], replicates)
        return found | _gaps(candidate, tally, replicates)

    keys = [metric_types.MetricKey(name, model) for model in models]
    return [_tally_of(models), metric_types.DerivedMetricComputation(keys=keys, result=result)]


def _gate_margin(
    name: str,
    criterion: str,
    replicates: int,
    code_hash: str,
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    asked = Criterion.from_json(json.loads(criterion))
    return _of_candidate(
        name, model_names, lambda figures: _margin(judge_one(asked, figures)), replicates
    )


def _judged_criteria(
    name: str, criteria: str, code_hash: str, model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    asked = [Criterion.from_json(one) for one in json.loads(criteria)]
    judged = {Verdict.PASS, Verdict.FAIL}

    def number(figures: TallyFigures) -> float:
        """How many are judged; that takes no intervals."""
        return float(sum(row.verdict in judged for row in judge(asked, figures)))

    return _of_candidate(name, model_names, number, replicates=0)


def _of_candidate(
    name: str,
    model_names: list[str] | None,
    value: Any,
    replicates: int,
) -> metric_types.MetricComputations:
    """A number that is about the candidate, worked out of its figures."""
    models = model_names or [""]
    candidate = next(model for model in models if _model(model) == features.CANDIDATE)
    key = metric_types.MetricKey(name, candidate)

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> Results:
        """The number."""
        return {key: value(TallyFigures(metrics[_TALLY], replicates))}

    return [_tally_of(models), metric_types.DerivedMetricComputation(keys=[key], result=result)]


def _tally_of(models: Iterable[str]) -> metric_types.MetricComputation:
    """The one computation that all share."""
    preprocessor = RowPreprocessor(tuple(sorted(map(_model, models))))
    return metric_types.MetricComputation(
        keys=[_TALLY], preprocessors=[preprocessor], combiner=TallyCombiner()
    )


def _margin(row: GateRow) -> float:
    if row.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_JUDGED):
        return math.inf
    return math.nan if row.margin is None else row.margin


def _values(model: str, part: Part, replicates: int) -> Results:
    found = {metric_types.MetricKey(key, model): float(count(key, part)) for key in COUNTS}
    for key in FIGURES:
        found |= _bounded(key, Kind.VALUE, model, measure(key, part, replicates))
    return found


def _changes(model: str, part: Part, before: Part, replicates: int) -> Results:
    found: Results = {}
    for key in FIGURES:
        found |= _bounded(key, Kind.CHANGE, model, measure_change(key, part, before, replicates))
    return found


def _gaps(model: str, tally: Tally, replicates: int) -> Results:
    """Where both splits are in the slice."""
    splits = (features.SPLIT_TRAIN, features.SPLIT_EVAL)
    train, held_out = (tally.part(_model(model), split) for split in splits)
    found: Results = {}
    if train.patients and held_out.patients:
        for key in FIGURES:
            found |= _bounded(key, Kind.GAP, model, measure_gap(key, train, held_out, replicates))
    return found


def _bounded(key: str, kind: Kind, model: str, measured: Measured) -> Results:
    values = {On.VALUE: measured.value, On.LOWER: measured.lower, On.UPPER: measured.upper}
    return {
        metric_types.MetricKey(figure_name(key, kind, on), model): value
        for on, value in values.items()
        if on is On.VALUE or not math.isnan(value)
    }


def _model(name: str) -> str:
    """The model that TFMA means."""
    return name or features.CANDIDATE


def _one(name: str) -> str | None:
    """A split, bucket or data root, None for all of them."""
    return None if name == ALL else name
