"""How a configuration is made one that judges a pushed model."""

from pathlib import Path

import pytest

from lungct.grid import Grid
from pipeline.config import OTHER_DATA, Config
from pipeline.evaluation import evaluation_config
from pipeline.loading import load_config
from report.external import data_warnings, seen_patients
from schema.model_facts import DataFacts, ModelFacts

ROOT = Path(__file__).resolve().parent.parent.parent
GRID = Grid((3.0, 2.0, 1.0), context=2, margin_mm=4.0)
FACTS = ModelFacts(GRID, (-1000, 400), probability_threshold=0.25, stride=8, nodule_threshold=0.75)
PATIENTS = {"train": ("a", "b", "c"), "eval": ("d",)}


def demo(*overrides: str) -> Config:
    return load_config(str(ROOT / "configs" / "demo.yaml"), overrides)


def test_all_scans_are_in_the_eval_split_on_the_grid_of_the_model() -> None:
    config, notes = evaluation_config(demo(), FACTS)
    assert config.splits == ("eval",)
    assert config.grid == GRID
    assert config.evaluation.probability_threshold == 0.25
    assert config.evaluation.nodule_threshold == 0.75
    assert config.evaluation.replicates == demo().evaluation.replicates
    assert notes[:3] == (
        "the working grid is that of the model, 3 × 2 × 1 mm with context 2 and a margin of 4 mm; "
        "the configuration has 2.5 × 1.5 × 1.5 mm with context 1 and a margin of 5 mm",
        "the probability threshold is that of the model, 0.25; the configuration has 0.5",
        "the nodule threshold is that of the model, 0.75; the configuration has 0",
    )


def test_no_phantom_is_judged_beside_the_data() -> None:
    config, notes = evaluation_config(demo("data.roots=[/a]", "data.with_phantom=true"), FACTS)
    assert config.data.sources == ("a",)
    assert "no phantom is made beside the data; the configuration asks for one" in notes


def test_the_gate_keeps_what_can_be_judged() -> None:
    config, notes = evaluation_config(
        demo("gate.gap={metric: pooled_dice, kind: gap, at_most: 0.1}", "gate.cpm={at_least: 0.1}"),
        FACTS,
    )
    kept = ["pooled_dice", "mean_slice_dice", "dice_8_to_15", "dice_15_up", "cpm"]
    assert list(config.gate) == kept
    assert notes[-2:] == (
        "left out of the gate, as there is no model to compare with: no_worse",
        "left out of the gate, as all scans are in the eval split: gap",
    )


def test_criteria_on_other_splits_and_data_roots_are_left_out_and_it_is_said_why() -> None:
    gate = (
        "gate={pooled_dice: {at_least: 0.5}, learned: {metric: iou, at_least: 0.5, split: train}, "
        "far: {metric: pooled_dice, at_least: 0.5, source: msd}, "
        "near: {metric: pooled_dice, at_least: 0.5, source: hospital}}"
    )
    path = str(ROOT / "configs" / "demo.yaml")
    config = load_config(path, [gate], OTHER_DATA, data__roots=["/data/hospital"])

    judged, notes = evaluation_config(config, FACTS)

    assert list(judged.gate) == ["pooled_dice", "near"]
    assert notes[-2:] == (
        "left out of the gate, as all scans are in the eval split: learned",
        "left out of the gate, as the data roots are hospital: far",
    )


def test_nothing_is_said_where_nothing_was_overridden() -> None:
    config = demo("gate={pooled_dice: {at_least: 0.5}}")
    facts = ModelFacts(config.grid, (-1000, 400), probability_threshold=0.5, stride=8)
    assert evaluation_config(config, facts)[1] == ()


def test_a_gate_of_which_nothing_is_left_is_refused() -> None:
    config = demo("gate={drop: {metric: pooled_dice, kind: change, at_least: 0}}")
    expected = r"on a figure of the eval split .*, got drop \(there is no model to compare with\)"
    with pytest.raises(ValueError, match=expected):
        evaluation_config(config, FACTS)


def test_the_described_configuration_is_that_of_the_evaluation() -> None:
    described = evaluation_config(demo(), FACTS)[0].described()
    assert described["split"]["eval_fraction"] == 1.0
    assert described["grid"]["spacing_mm"] == [3.0, 2.0, 1.0]


def test_patients_that_the_model_was_made_with_are_counted_by_its_splits() -> None:
    model = DataFacts(("spheres",), ("lung",), patients=PATIENTS)
    data = DataFacts(("spheres",), ("lung",), patients={"eval": ("d", "c", "x", "b")})
    assert seen_patients(model, data) == {"train": 2, "eval": 1}
    assert data_warnings(model, data) == (
        "3 of 4 patients were in the data of the model (2 in its train split, 1 in its eval "
        "split): their figures are no external validation",
    )


def test_strangers_on_the_same_truth_and_region_need_no_warning() -> None:
    model = DataFacts(("masks", "spheres"), ("lung",), patients=PATIENTS)
    data = DataFacts(("spheres",), ("lung",), patients={"eval": ("x",)})
    assert seen_patients(model, data) == {}
    assert data_warnings(model, data) == ()


def test_what_the_model_was_not_trained_on_is_told() -> None:
    data = DataFacts(("masks",), ("volume",), patients={"eval": ("x",)})
    assert data_warnings(DataFacts(("spheres",), ("lung",)), data) == (
        "the model does not say which patients it was trained on: they may be among these",
        "the model was trained with truth spheres; these data have masks",
        "the model was trained with region lung; these data have volume",
    )
    assert "with truth unknown; " in data_warnings(DataFacts(), data)[1]
