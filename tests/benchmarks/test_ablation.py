"""The ablation: what each variant turns off, and the table."""

from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks import ablation
from benchmarks.ablation import COLUMNS, OFF, WHOLE, Trained, Variant, ablation_text, trained
from benchmarks.cross_validation import Fold
from pipeline.config import Config
from pipeline.loading import ConfigError
from schema.hyperparameters import Augmentation
from tests.benchmarks.test_real_nodules import CROPS, rows_of


@pytest.fixture
def configs(tmp_path: Path) -> dict[str, Config]:
    return ablation.configs_of(ablation._arguments([str(tmp_path)]), tmp_path)


def training_of(config: Config, *left_out: str) -> dict[str, object]:
    """How a network is trained, but for some values."""
    values = {**vars(config.training), "dropout": config.model.dropout, "grid": config.grid}
    return {name: value for name, value in values.items() if name not in left_out}


def test_each_variant_differs_in_one_thing_from_the_whole(configs: dict[str, Config]) -> None:
    assert list(configs) == list(OFF) and next(iter(configs)) == WHOLE
    whole = configs[WHOLE]
    assert whole.grid.context and whole.model.dropout and 0 < whole.training.bce_weight < 1
    changed = {
        "augmentation": "augmentation",
        "augmentation but for jitter": "augmentation",
        "dropout": "dropout",
        "neighbour slices": "grid",
        "loss by overlap": "bce_weight",
        "balance": "balance",
    }
    assert {WHOLE, *changed} == set(OFF)
    for name, key in changed.items():
        assert training_of(configs[name], key) == training_of(whole, key)
        assert training_of(configs[name]) != training_of(whole)
    assert configs["neighbour slices"].grid.context == 0
    assert configs["neighbour slices"].grid.spacing_mm == whole.grid.spacing_mm
    assert configs["loss by overlap"].training.bce_weight == 1
    # In proportion to their numbers, so that nothing is balanced.
    balance = configs["balance"].training.balance
    assert (balance.sources, balance.sizes, balance.patients) == (1, 1, 1)
    varied = configs["augmentation"].training.augmentation
    assert not any(getattr(varied, one.name) for one in fields(Augmentation))
    jittered = configs["augmentation but for jitter"].training.augmentation
    assert [one.name for one in fields(Augmentation) if getattr(jittered, one.name)] == ["jitter"]


def test_some_variants_are_chosen_and_values_hold_for_all(tmp_path: Path) -> None:
    given = ["DATA", "--only", "dropout", "--set", "training.epochs=3"]
    configs = ablation.configs_of(ablation._arguments(given), tmp_path)
    assert list(configs) == [WHOLE, "dropout"]
    assert [one.training.epochs for one in configs.values()] == [3, 3]
    wrong = ablation._arguments(["DATA", "--set", "training.epoch=3"])
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        ablation.configs_of(wrong, tmp_path)


def test_figures_of_a_training_are_of_trained_on_and_held_out_patients() -> None:
    crops = list(CROPS.values())
    # Of ten true and ten predicted voxels 8 and 5 are common.
    fold = Fold(*(0, 2, 15, 4.5, {}, frozenset()), rows_of(crops[3:], 8), rows_of(crops[:3], 5))
    found = trained(fold)
    assert (found.fold, found.seed, found.minutes) == (0, 2, 4.5)
    assert [found.figures[name] for name in COLUMNS[:3]] == pytest.approx([0.8, 0.5, 0.3])


def variant(name: str, *trainings: tuple[float, float]) -> Variant:
    """Trainings of these nodule Dice of trained-on and of held-out patients."""
    made = (
        Trained(0, seed, 4.0 + seed, dict(zip(COLUMNS, (a, b, a - b, 0.25), strict=True)))
        for seed, (a, b) in enumerate(trainings)
    )
    return Variant(name, tuple(made))


def test_changes_are_seed_by_seed() -> None:
    # Both seeds lose 0.10, though the seeds themselves are 0.2 apart.
    whole = variant(WHOLE, (0.9, 0.8), (0.7, 0.6))
    text = ablation_text([whole, variant("dropout", (0.9, 0.7), (0.7, 0.5))])
    _, header, first, second = text.splitlines()
    assert "0.800 ± 0.141" in first and "0.700 ± 0.141" in first and "+" not in first
    assert "−0.100 ± 0.000" in second and "+0.100 ± 0.000" in second
    assert first.split()[-1] == "4.5"
    at = header.index("held out, change")
    assert second[at:].startswith("−0.100 ± 0.000")


def test_one_training_has_no_spread() -> None:
    text = ablation_text([variant(WHOLE, (0.9, 0.8)), variant("dropout", (0.9, 0.75))])
    assert "±" not in "".join(text.splitlines()[1:]) and "−0.050" in text
    assert variant("dropout", (0.9, 0.75)).described()["trainings"][0]["held out"] == 0.75
