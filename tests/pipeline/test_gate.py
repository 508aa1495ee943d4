"""The gate from the configuration to its criteria and to what TFMA is asked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import OTHER_DATA
from pipeline.eval_config import JUDGED_NAME, SLICES, Drawing, eval_config
from pipeline.gate import gate_criteria
from pipeline.loading import ConfigError, load_config
from schema import features
from schema.criteria import Comparison, Criterion
from schema.metrics import Kind, On
from tests.components.made_evaluation import at_least, change_of_at_least

REST = """
grid: {spacing_mm: [3, 2, 1]}
training: {crop_size: 32}
"""
GATE = """
gate:
  pooled_dice: {at_least: 0.9}
  no_worse: {metric: pooled_dice, kind: change, on: lower, at_least: -0.02}
  gap: {metric: mean_slice_dice, kind: gap, at_most: 0.1, bucket: all}
  small: {metric: recall, bucket: 3-6, at_least: 0, min_nodules: 20}
  distance: {metric: hausdorff_mm, split: all, at_most: 5}
"""


def criteria(folder: Path, text: str) -> tuple[Criterion, ...]:
    path = folder / "config.yaml"
    path.write_text(REST + text)
    return gate_criteria(load_config(str(path)).gate)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        criteria(folder, text)
    return str(caught.value)


def test_criteria_of_a_configuration_in_order(tmp_path: Path) -> None:
    least, most = Comparison.AT_LEAST, Comparison.AT_MOST
    assert criteria(tmp_path, GATE) == (
        Criterion("pooled_dice", "eval", "all", least, 0.9),
        Criterion("pooled_dice", "eval", "all", least, -0.02, Kind.CHANGE, On.LOWER),
        Criterion("mean_slice_dice", "eval", "all", most, 0.1, Kind.GAP),
        Criterion("recall", "eval", "3-6", least, 0.0, min_nodules=20),
        Criterion("hausdorff_mm", "all", "all", most, 5.0),
    )


@pytest.mark.parametrize("name", ["demo", "luna16", "mixed", "nodules", "vertex"])
def test_every_gate_that_comes_along_compares_with_the_last_blessed_model(name: str) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    found = gate_criteria(load_config(str(root / f"configs/{name}.yaml")).gate)
    assert {Kind.VALUE, Kind.CHANGE} <= {one.kind for one in found}
    assert any(one.bucket != "all" and one.min_nodules for one in found)


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("{}", "gate: dictionary should have at least 1 item"),
        ("5", "gate: input should be an object, got 5"),
        ("{iou: 0.5}", "gate.iou: expected a section, got 0.5"),
        ("{iou: {}}", "gate.iou: expected at_least or at_most, got at_least None and at_most None"),
        (
            "{iou: {at_least: 0, at_most: 1}}",
            "gate.iou: expected at_least or at_most, got at_least 0.0 and at_most 1.0",
        ),
        (
            "{presicion: {at_least: 0}}",
            "gate.presicion: expected a metric that docs/evaluation.md lists, got 'presicion'; "
            "nearest: precision",
        ),
        ("{a: {metric: rcall, at_least: 0}}", "lists, got 'rcall'; nearest: recall"),
        ("{iou: {at_least: 0, bucket: 9-15}}", "gate.iou: expected a bucket of ('all', '3-6', "),
        ("{iou: {at_least: 0, split: dev}}", "gate.iou: expected a split of ('all', 'train', "),
        # A split that this run does not have.
        (
            "{iou: {at_least: 0, split: test}}",
            "gate.iou: expected one of the splits all, train, eval, got 'test'",
        ),
        (
            "{iou: {at_least: 0, source: msd}}",
            "gate.iou.source: expected one of the data roots all, phantom, got",
        ),
        ("{iou: {at_least: 0, source: ''}}", "gate.iou: expected the name of a data root, or all,"),
        (
            "{scan_dice: {at_least: 0, bucket: 3-6, source: all}}",
            "gate.scan_dice: expected scan_dice of all buckets, got bucket '3-6'",
        ),
        ("{iou: {at_least: 0, kind: ratio}}", "gate.iou.kind: input should be 'value', 'change' "),
        ("{iou: {at_least: 0, on: mean}}", "gate.iou.on: input should be 'value', 'lower' "),
        ("{iou: {at_least: .nan}}", "gate.iou: expected a finite bound on iou, got nan"),
        ("{iou: {at_least: -.inf}}", "gate.iou: expected a finite bound on iou, got -inf"),
        ("{iou: {at_least: '0'}}", "gate.iou.at_least: input should be a valid number, got '0'"),
        ("{iou: {at_least: 0, min_nodules: -1}}", "gate.iou.min_nodules: input should be greater"),
        (
            "{iou: {at_leest: 0}}",
            "unknown key gate.iou.at_leest; nearest valid key: gate.iou.at_least",
        ),
        (
            "{iou: {at_least: 0}, b: {metric: iou, at_least: 0, min_nodules: 3}}",
            "gate: expected each criterion once, got iou and b",
        ),
    ],
)
def test_what_is_no_gate_is_one_line_that_names_file_and_key(
    tmp_path: Path, gate: str, expected: str
) -> None:
    said = refused(tmp_path, f"gate: {gate}")
    assert said.startswith(f"{tmp_path}/config.yaml")
    assert expected in said and "\n" not in said


def test_the_line_of_a_wrong_criterion_is_named(tmp_path: Path) -> None:
    wrong = GATE.replace("bucket: 3-6", "bucket: 9-15")
    assert refused(tmp_path, wrong).startswith(f"{tmp_path}/config.yaml, line 9: gate.small: ")


def test_a_split_that_the_run_has_can_be_asked_for(tmp_path: Path) -> None:
    text = "split: {test_fraction: 0.1}\ngate: {iou: {at_least: 0, split: test}}"
    (one,) = criteria(tmp_path, text)
    assert one.split == "test"


ROOTS = """
data:
  roots: [/data/luna16, {path: /b/crops, name: msd}]
gate:
  near: {metric: pooled_dice, at_least: 0.5, source: luna16}
  far: {metric: recall, at_most: 0.5, source: msd, bucket: 3-6}
"""


def test_a_criterion_names_a_data_root_as_figures_do(tmp_path: Path) -> None:
    assert criteria(tmp_path, ROOTS) == (
        Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.5, source="luna16"),
        Criterion("recall", "eval", "3-6", Comparison.AT_MOST, 0.5, source="msd"),
    )
    expected = "far.source: expected one of the data roots all, luna16, msd, got 'crops'"
    assert expected in refused(tmp_path, ROOTS.replace("source: msd", "source: crops"))


def test_other_data_may_have_other_roots(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(REST + ROOTS)
    path, roots = str(tmp_path / "config.yaml"), ["/other/hospital"]
    with pytest.raises(ConfigError, match=r"near.source: .* roots all, hospital, got 'luna16'"):
        load_config(path, data__roots=roots)
    config = load_config(path, context=OTHER_DATA, data__roots=roots)
    assert (config.data.sources, len(config.gate)) == (("hospital",), 2)


def metrics(asked: list[Criterion]) -> list[Any]:
    config = eval_config(asked, Drawing(replicates=50, code_hash="c0ffee"))
    (spec,) = config.metrics_specs
    return list(spec.metrics)


def test_each_criterion_is_a_metric_with_a_threshold_on_the_whole() -> None:
    asked = [at_least(0.5), change_of_at_least(-0.02, "3-6")]
    figures, *margins, number = metrics(asked)
    assert (figures.class_name, len(figures.per_slice_thresholds)) == ("Figures", 0)
    assert [margin.class_name for margin in margins] == ["GateMargin", "GateMargin"]
    for margin, criterion in zip(margins, asked, strict=True):
        settings = json.loads(margin.config)
        assert settings["name"] == criterion.text
        assert Criterion.from_json(json.loads(settings["criterion"])) == criterion
        assert bound(margin) == 0
    assert (number.class_name, json.loads(number.config)["name"]) == ("JudgedCriteria", JUDGED_NAME)
    assert bound(number) == 1


def bound(metric: Any) -> float:
    """The lower bound of a metric, in the slice of all rows."""
    (threshold,) = metric.per_slice_thresholds
    (slicing,) = threshold.slicing_specs
    assert not slicing.feature_keys and not slicing.feature_values
    return float(threshold.threshold.value_threshold.lower_bound.value)


def test_every_metric_sees_how_intervals_are_made_and_the_hash_of_the_code() -> None:
    *drawn, number = [json.loads(metric.config) for metric in metrics([at_least(0.5)])]
    assert [(one["replicates"], one["code_hash"]) for one in drawn] == [(50, "c0ffee")] * 2
    assert number["code_hash"] == "c0ffee"


def test_without_criteria_there_is_no_threshold() -> None:
    (figures,) = metrics([])
    assert not figures.per_slice_thresholds


@pytest.mark.parametrize(
    ("criterion", "more"),
    [
        (at_least(0.5, "3-6"), set()),
        (at_least(0.5, source="a"), set()),
        (at_least(0.5, "3-6", source="a"), {("split", "source", "size_buckets")}),
        (at_least(0.5, source="a", kind=Kind.GAP), {("source",)}),
        (
            at_least(0.5, "3-6", source="a", kind=Kind.GAP),
            {("split", "source", "size_buckets"), ("source", "size_buckets")},
        ),
        (replace(at_least(0.5, source="a"), split="all"), {("source",)}),
    ],
)
def test_a_criterion_on_a_data_root_adds_the_slices_that_it_needs(
    criterion: Criterion, more: set[tuple[str, ...]]
) -> None:
    specs = eval_config([criterion, criterion], Drawing(0, "")).slicing_specs
    assert {tuple(spec.feature_keys) for spec in specs} == {*SLICES, *more}
    assert len(specs) == len(SLICES) + len(more)


def test_slices_and_models_of_an_evaluation() -> None:
    config = eval_config([], Drawing(0, ""))
    assert tuple(tuple(spec.feature_keys) for spec in config.slicing_specs) == SLICES
    assert () in SLICES and (features.SPLIT, features.SOURCE) in SLICES
    models = [(spec.name, spec.is_baseline) for spec in config.model_specs]
    assert models == [("candidate", False), ("baseline", True)]
