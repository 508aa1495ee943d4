"""The table of metrics, and figures in words."""

import pytest

from lungct.figures import COUNTS, FIGURES
from schema.metrics import (
    HEADLINES,
    METRICS,
    TABLE_METRICS,
    Kind,
    MetricRow,
    On,
    figure_name,
    figure_text,
    find_metric,
    find_row,
    in_order,
    metric_value,
    parse_figure_name,
    signed_text,
)

ROWS = (
    MetricRow("eval", "none", "recall", None),
    MetricRow("eval", "all", "example_count", 12.0),
    MetricRow("eval", "all", "recall", 0.7),
    MetricRow("eval", "all", "pooled_dice", 0.8),
    MetricRow("train", "15+", "pooled_dice", 0.9),
    MetricRow("eval", "all", "recall", 0.4, source="crops"),
)


def test_every_metric_is_a_figure_and_every_figure_a_metric() -> None:
    assert {metric.key for metric in METRICS} == set(FIGURES)
    assert not set(FIGURES) & set(COUNTS)
    assert all(metric.label and metric.protocol for metric in METRICS)


def test_a_heading_has_the_unit() -> None:
    assert find_metric("hausdorff_mm").heading == "Hausdorff distance (mm)"
    assert find_metric("recall").heading == "voxel recall"


def test_keys_and_labels_are_told_apart() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert len({metric.label for metric in METRICS}) == len(METRICS)


def test_what_is_shown_where() -> None:
    assert [metric.label for metric in HEADLINES] == [
        "pooled Dice",
        "mean slice Dice",
        "nodule Dice",
        "lesion sensitivity",
        "false positives per scan",
    ]
    assert all(find_metric(key) in TABLE_METRICS for key in ("precision", "recall"))
    # What has no size is in no table by size.
    assert all(metric.by_bucket for metric in TABLE_METRICS)


def test_where_less_is_better() -> None:
    less = {metric.key for metric in METRICS if not metric.higher_is_better}
    assert less == {"hausdorff_mm", "volume_error", "false_positives_per_scan"}


@pytest.mark.parametrize("on", On)
@pytest.mark.parametrize("kind", Kind)
def test_names_of_figures_there_and_back(kind: Kind, on: On) -> None:
    for key in (*FIGURES, *COUNTS):
        assert parse_figure_name(figure_name(key, kind, on)) == (key, kind, on)


def test_no_two_figures_have_one_name() -> None:
    names = {figure_name(key, kind, on) for key in FIGURES for kind in Kind for on in On}
    assert len(names) == len(FIGURES) * len(Kind) * len(On)
    assert not names & set(COUNTS)


@pytest.mark.parametrize(
    ("name", "key", "kind", "on"),
    [
        ("pooled_dice", "pooled_dice", Kind.VALUE, On.VALUE),
        ("pooled_dice_lower", "pooled_dice", Kind.VALUE, On.LOWER),
        ("pooled_dice_change_upper", "pooled_dice", Kind.CHANGE, On.UPPER),
        ("sensitivity_at_0.125_gap", "sensitivity_at_0.125", Kind.GAP, On.VALUE),
        ("example_count", "example_count", Kind.VALUE, On.VALUE),  # a name of TFMA's own
        # A key may end as a kind does, and is told from it where it stands before one.
        ("volume_change_change", "volume_change", Kind.CHANGE, On.VALUE),
    ],
)
def test_names_of_figures_by_hand(name: str, key: str, kind: Kind, on: On) -> None:
    assert parse_figure_name(name) == (key, kind, on)
    assert figure_name(key, kind, on) == name


def test_metric_that_is_not_there_is_named() -> None:
    assert find_metric("recall").label == "voxel recall"
    for wrong, nearest in (
        ("poled_dice", "pooled_dice"),
        ("Hausdorff", "hausdorff_mm"),
        ("fp_per_scan", "false_positives_per_scan"),
        ("", "volume_error"),
    ):
        expected = f"metric that docs/evaluation.md lists, got {wrong!r}; nearest: {nearest}"
        with pytest.raises(ValueError, match=f"{expected}$"):
            find_metric(wrong)


def test_rows_by_split_then_bucket_then_metric() -> None:
    keys = [(row.split, row.bucket, row.metric) for row in in_order(ROWS)]
    assert in_order(ROWS)[-1].source == "crops"
    assert keys == [
        ("train", "15+", "pooled_dice"),
        ("eval", "all", "pooled_dice"),
        ("eval", "all", "recall"),
        ("eval", "all", "example_count"),
        ("eval", "none", "recall"),
        ("eval", "all", "recall"),
    ]


def test_value_of_a_slice_key() -> None:
    assert metric_value(ROWS, "pooled_dice", "eval") == 0.8
    assert metric_value(ROWS, "recall", "eval", "none") is None  # undefined
    assert metric_value(ROWS, "pooled_dice", "eval", "15+") is None  # not measured
    assert find_row(ROWS, "recall", "eval") == ROWS[2]
    assert metric_value(ROWS, "recall", "eval", source="crops") == 0.4
    assert metric_value(ROWS, "recall", "eval", source="luna16") is None
    assert find_row(ROWS, "recall", "test") is None


def test_a_figure_and_its_bounds() -> None:
    row = MetricRow("eval", "all", "recall", 0.7, 0.6, 0.75)
    assert [row.on(on) for on in On] == [0.7, 0.6, 0.75]
    assert ROWS[2].on(On.LOWER) is None


def test_figures_in_words() -> None:
    assert figure_text(0.81249) == "0.812"
    assert figure_text(None) == figure_text(float("nan")) == signed_text(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "+0.250"), (-0.0104, "−0.010"), (0.0, "+0.000"), (-0.00004, "−4e−05")],
)
def test_signed_figures_in_words(value: float, text: str) -> None:
    assert signed_text(value) == text
