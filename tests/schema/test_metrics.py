"""The table of metrics, and figures in words."""

import pytest

from lungct.metrics import OverlapSums
from schema.metrics import (
    HEADLINES,
    METRICS,
    TABLE_METRICS,
    MetricRow,
    figure_text,
    find_metric,
    in_order,
    metric_value,
    signed_text,
)

ROWS = (
    MetricRow("eval", "none", "recall", None),
    MetricRow("eval", "all", "example_count", 12.0),
    MetricRow("eval", "all", "recall", 0.7),
    MetricRow("eval", "all", "pooled_dice", 0.8),
    MetricRow("train", "15+", "pooled_dice", 0.9),
)


def test_every_metric_is_a_property_of_the_overlap() -> None:
    for metric in METRICS:
        assert isinstance(getattr(OverlapSums, metric.key), property), metric.key
        assert metric.label and metric.protocol


def test_keys_and_labels_are_told_apart() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert len({metric.label for metric in METRICS}) == len(METRICS)


def test_what_is_shown_where() -> None:
    assert [metric.label for metric in HEADLINES] == ["pooled Dice", "mean slice Dice"]
    assert TABLE_METRICS[:2] == HEADLINES
    assert all(find_metric(key) in TABLE_METRICS for key in ("precision", "recall"))


def test_metric_that_is_not_there_is_named() -> None:
    assert find_metric("recall").label == "voxel recall"
    with pytest.raises(ValueError, match=r"the metrics pooled_dice, .*recall, got 'dice'"):
        find_metric("dice")


def test_rows_by_split_then_bucket_then_metric() -> None:
    keys = [(row.split, row.bucket, row.metric) for row in in_order(ROWS)]
    assert keys == [
        ("train", "15+", "pooled_dice"),
        ("eval", "all", "pooled_dice"),
        ("eval", "all", "recall"),
        ("eval", "all", "example_count"),
        ("eval", "none", "recall"),
    ]


def test_value_of_a_slice_key() -> None:
    assert metric_value(ROWS, "pooled_dice", "eval") == 0.8
    assert metric_value(ROWS, "recall", "eval", "none") is None  # undefined
    assert metric_value(ROWS, "pooled_dice", "eval", "15+") is None  # not measured


def test_figures_in_words() -> None:
    assert figure_text(0.81249) == "0.812"
    assert figure_text(None) == figure_text(float("nan")) == signed_text(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "+0.250"), (-0.0104, "−0.010"), (0.0, "+0.000"), (-0.00004, "−4e−05")],
)
def test_signed_figures_in_words(value: float, text: str) -> None:
    assert signed_text(value) == text
