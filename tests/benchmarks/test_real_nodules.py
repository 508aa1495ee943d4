"""Cross-validation on crops of real nodules: what is asked for, whose it is, what is printed."""

import argparse
import json
import math
from pathlib import Path

import pytest

from benchmarks import cross_validation, learning_runs, nodule_crops, real_nodules
from benchmarks.cross_validation import Fold, Wanted, cross_validated, manifest_patients
from benchmarks.learning_runs import Ran, epochs_within
from benchmarks.nodule_crops import Crop, Readers
from benchmarks.nodule_figures import Weighted, weighted
from lungct.limits import VOLUME
from lungct.metrics import Overlap
from pipeline.config import Config
from pipeline.loading import ConfigError
from report.history import Epoch, History
from schema import features, outputs
from schema.judged import NoduleFigures, NoduleRow, Place
from tests.benchmarks.made_crops import write_balls, write_table

CROPS = {name: Crop(name, f"P{name}", f"1.{name}", 3, "solid") for name in "abcdefghij"}
FOLDS = nodule_crops.fold_of(crop.patient for crop in CROPS.values())


def rows_of(crops: list[Crop], common: int) -> tuple[Weighted, ...]:
    """Nodules of ten true and ten predicted voxels."""
    figures = {features.CANDIDATE: NoduleFigures(Overlap(common, 10, 10), 1.0, 0.0, math.nan)}
    return weighted(
        NoduleRow(
            Place(features.SPLIT_EVAL, crop.name, crop.patient, "made", ("3-6",)),
            *("1", 5.0, (0.0, 0.0, 0.0)),
            figures,
        )
        for crop in crops
    )


def fold(number: int, seed: int, common: int) -> Fold:
    held_out = frozenset(patient for patient, fold in FOLDS.items() if fold == number)
    train = frozenset(FOLDS) - held_out
    inside = [crop for crop in CROPS.values() if crop.patient in held_out]
    outside = [crop for crop in CROPS.values() if crop.patient in train]
    return Fold(
        *(number, seed, 4, 1.5, {"train": train, "eval": held_out}, frozenset()),
        rows_of(outside, 8),
        rows_of(inside, common),
    )


@pytest.fixture
def given(tmp_path: Path) -> argparse.Namespace:
    return real_nodules._arguments([str(tmp_path), "--output", str(tmp_path / "out")])


@pytest.fixture
def config(given: argparse.Namespace, tmp_path: Path) -> Config:
    return real_nodules.config_of(given, tmp_path)


def test_the_crops_are_the_only_data_and_values_are_overridden(
    given: argparse.Namespace, config: Config, tmp_path: Path
) -> None:
    (root,) = config.data.roots
    assert (root.path, root.region, root.truth) == (str(tmp_path), VOLUME, "masks")
    assert config.grid.spacing_mm == (1.25, 0.7, 0.7)
    given.set = ["grid.spacing_mm=[2, 1, 1]", "training.epochs=3"]
    other = real_nodules.config_of(given, tmp_path)
    assert other.grid.spacing_mm == (2, 1, 1) and other.training.epochs == 3
    given.set = ["training.epoch=3"]
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        real_nodules.config_of(given, tmp_path)


def test_crops_are_found_by_their_name(tmp_path: Path) -> None:
    assert real_nodules.crops_of(tmp_path) == tmp_path
    (tmp_path / real_nodules.CROPS).mkdir()
    assert real_nodules.crops_of(tmp_path) == tmp_path / real_nodules.CROPS


def test_folds_are_numbered_from_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert real_nodules._arguments(["DATA"]).folds == [0, 1, 2, 3, 4]
    assert real_nodules._arguments(["DATA", "--folds", "3", "1"]).folds == [3, 1]
    with pytest.raises(SystemExit):
        real_nodules._arguments(["DATA", "--folds", "5"])
    assert "expected a fold from 0 to 4, got '5'" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("P2", "train"), ("P1", "eval")])
def test_a_patient_in_the_wrong_split_is_noticed(tmp_path: Path, wrong: tuple[str, str]) -> None:
    columns, rows = ("patient_id", "split"), [("P1", "train"), ("P2", "eval"), ("P1", "train")]
    good = write_table(tmp_path / "good.csv", columns, rows)
    held_out = frozenset({"P2"})
    assert manifest_patients(good, held_out) == {"train": {"P1"}, "eval": {"P2"}}
    bad = write_table(tmp_path / "bad.csv", columns, [*rows, wrong])
    with pytest.raises(ValueError, match=f"got 1 in the wrong split, such as {wrong[0]}"):
        manifest_patients(bad, held_out)


def test_what_early_stopping_looked_at_is_neither_trained_nor_held_out(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = [(f"P{name}", "eval" if name == "a" else "train") for name in CROPS]
    write_table(tmp_path / "manifest.csv", ("patient_id", "split"), manifest)
    history = History((Epoch(1, 0.1, 0.2, 0.3, 90.0),), 1, ("Pb", "Pc"), 10, "float32")
    monkeypatch.setattr(Ran, "history", lambda ran: history)
    rows = [one.row for one in rows_of(list(CROPS.values()), 5)]
    monkeypatch.setattr(Ran, "rows", lambda ran: iter(rows))
    ran = Ran({outputs.MANIFEST: str(tmp_path)}, {})
    learned = cross_validation.learned_fold(0, config, ran, frozenset({"Pa"}))
    assert [one.row.place.patient_id for one in learned.held_out] == ["Pa"]
    assert {one.row.place.patient_id for one in learned.train} == {f"P{x}" for x in "defghij"}
    assert "1.5 minutes; manifest: 9 patients in train (2 of them" in learned.words()


def test_each_fold_is_learned_with_each_seed_and_its_own_table(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Config] = []

    def learn(wanted: Config, tell: object) -> Ran:
        asked.append(wanted)
        return Ran({}, {})

    monkeypatch.setattr(cross_validation, "learn", learn)
    monkeypatch.setattr(cross_validation, "epochs_within", lambda *_: 7)
    monkeypatch.setattr(cross_validation, "learned_fold", lambda number, *_: number)
    wanted = Wanted((1, 3), (5, 6), 2.0)
    assert list(cross_validated(config, CROPS, wanted, lambda text: None)) == [1, 1, 3, 3]
    assert [one.training.seed for one in asked] == [5, 6, 5, 6]
    assert {one.training.epochs for one in asked} == {7}
    tables = [Path(one.split.table).read_text() for one in asked]
    assert tables[0] == tables[1] != tables[2]
    assert {line.split(",")[0] for line in tables[0].splitlines() if line.endswith(",eval")} == {
        patient for patient, number in FOLDS.items() if number == 1
    }


def test_minutes_become_epochs_by_the_second_of_two(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    # The first epoch compiles: 90 s. The second takes 12 s, and 5 minutes are 25 of it.
    epochs = tuple(Epoch(number, 0.1, 0.2, 0.3, s) for number, s in ((1, 90.0), (2, 12.0)))
    monkeypatch.setattr(Ran, "history", lambda ran: History(epochs, 1, (), 10, "float32"))
    monkeypatch.setattr(
        learning_runs,
        "_run",
        lambda wanted, *_: asked.append(wanted.training.epochs) or Ran({}, {}),
    )
    assert epochs_within(5.0, config, lambda text: None) == 25
    assert epochs_within(0.01, config, lambda text: None) == 1
    assert asked == [2, 2]


def test_a_training_without_history_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a history of training in .*, got none"):
        Ran({outputs.MODEL_RUN: str(tmp_path)}, {}).history()


def test_figures_are_those_of_all_folds_of_a_seed(config: Config, tmp_path: Path) -> None:
    # Dice 2·5/20 = 0.5 and 0.7 in the two folds of seed 1, 0.6 and 0.8 in those of seed 2.
    folds = [fold(0, 1, 5), fold(1, 1, 7), fold(0, 2, 6), fold(1, 2, 8)]
    few = config.model_copy(
        update={"evaluation": config.evaluation.model_copy(update={"replicates": 20})}
    )
    readers = Readers(*(rows_of(list(CROPS.values()), 9),) * 3)
    report = real_nodules.reported(few, folds, CROPS, readers)
    first = {line.name: line for line in report.seeds[0].lines}
    assert first["train"].figures["nodule_dice"].value == pytest.approx(0.8)
    assert first["held out"].figures["nodule_dice"].value == pytest.approx(0.6)
    assert first["gap (train − held out)"].figures["nodule_dice"].value == pytest.approx(0.2)
    assert first["held out, solid"].nodules == first["held out"].nodules == 4
    # Over seeds 0.6 and 0.7: 0.65 ± 0.0707.
    assert ("held out", pytest.approx(0.65), pytest.approx(0.0707, abs=1e-4)) in (
        real_nodules.spread(report)
    )
    text = real_nodules.report_text(report, few, tmp_path)
    assert "Nodule-centred crops, label of at least half of the readers" in text
    assert "fold 1, seed 2: 4 epochs in 1.5 minutes" in text and "0.650 ± 0.071" in text
    content = json.loads(json.dumps(real_nodules.described(report, few)))
    assert [one["seed"] for one in content["seeds"]] == [1, 2]
    assert content["readers"][0]["nodule_dice"]["value"] == pytest.approx(0.9)


def test_readers_can_be_judged_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two of the three readers of each crop agree, and the label is theirs.
    root = write_balls(tmp_path / "crops", 5)
    arguments = ["real_nodules", str(root), "--readers-only", "--output", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", [*arguments, "--folds", "0", "2", "3"])
    real_nodules.main()
    shown = capfd.readouterr().out
    assert "one reader against the label                 6         3" in shown
    assert "held out" not in shown


@pytest.mark.slow
def test_crops_of_balls_are_learned_and_judged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_balls(tmp_path / "crops", 10)
    small = [
        *("training.epochs=2", "training.steps_per_epoch=3", "training.batch_size=4"),
        *("training.crop_size=16", "model.base_filters=2", "model.levels=2"),
        *("grid.spacing_mm=[3, 2, 1]", "evaluation.replicates=50"),
    ]
    arguments = ["real_nodules", str(root), "--config", "configs/demo.yaml", "--folds", "2"]
    arguments += ["--output", str(tmp_path / "out"), "--json", str(tmp_path / "figures.json")]
    monkeypatch.setattr("sys.argv", arguments + [part for one in small for part in ("--set", one)])
    real_nodules.main()
    assert "2 held out, none in both" in capfd.readouterr().out
    (seed,) = json.loads((tmp_path / "figures.json").read_text())["seeds"]
    lines = {line["name"]: line for line in seed["lines"]}
    assert (lines["held out"]["nodules"], lines["held out"]["patients"]) == (4, 2)
    (one,) = seed["folds"]
    assert not set(one["patients"]["train"]) & set(one["patients"]["eval"])
    trained = set(one["patients"]["train"]) - set(one["monitor_patients"])
    assert lines["train"]["patients"] == len(trained)
