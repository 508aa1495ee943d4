import json
import logging
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models import trainer
from models.checkpoint import Checkpoint
from models.draws import VisitKind
from models.epoch_end import EpochEnd
from models.mined import MinedSlice
from models.optimizer import learning_rate_schedule
from models.split import TrainingSplit, read_split
from models.visits import Visit, VisitPlan
from schema.custom_config import parse
from schema.files import HISTORY_FILE
from schema.hyperparameters import Training, UNet
from tests.models import synthetic
from tests.models.test_dataset import with_training


def history_of(run_dir: str | Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(run_dir) / HISTORY_FILE).read_text())
    return content


def test_run_fn_writes_model_history_and_logs(trained: types.SimpleNamespace) -> None:
    run_dir = Path(trained.model_run_dir)
    history = history_of(run_dir)
    assert [row["epoch"] for row in history["epochs"]] == [1, 2, 3]
    assert len(history["monitor_patients"]) == 1
    assert history["precision"] == "float32" and history["parameters"] > 1000
    assert history["slices"] == 24 and history["nodule_slices"] == 16
    assert 1 <= history["best_epoch"] <= history["kept_epoch"] <= 3
    assert list((run_dir / "logs").iterdir())
    assert (Path(trained.serving_model_dir) / "saved_model.pb").exists()


def test_an_ended_run_leaves_no_state_to_resume(trained: types.SimpleNamespace) -> None:
    resume = Path(trained.model_run_dir).parents[1] / "resume"
    assert not resume.exists() or not list(resume.iterdir())


def test_the_saved_keras_model_can_be_trained_on(trained: types.SimpleNamespace) -> None:
    model = keras.saving.load_model(Path(trained.model_run_dir) / trainer.MODEL_NAME)
    assert model.count_params() == history_of(trained.model_run_dir)["parameters"]


def test_refuses_a_missing_configuration() -> None:
    with pytest.raises(ValueError, match="custom_config with hyperparameters, got None"):
        trainer.run_fn(types.SimpleNamespace(custom_config=None))


def new_run(split: TrainingSplit, directory: Path, base_filters: int = 4) -> trainer.Run:
    """A run of a small network; building it is what these tests spend their time on."""
    model = UNet(base_filters=base_filters, levels=2, dropout=0.1)
    split = replace(split, settings=replace(split.settings, model=model))
    checkpoint = Checkpoint(str(directory / "resume"))
    return trainer.Run(split, trainer.hold_out(split), str(directory / "run"), checkpoint)


def test_learns_balls(split: TrainingSplit, tmp_path: Path) -> None:
    split = with_training(
        split, epochs=2, steps_per_epoch=30, learning_rate=1e-2, warmup_fraction=0.1
    )
    run = new_run(split, tmp_path)
    trainer.train(run)
    history = history_of(tmp_path / "run")
    assert history["best_monitor_dice"] > 0.6
    assert history["epochs"][1]["loss"] < history["epochs"][0]["loss"]


class Killed(RuntimeError):
    """Stands for the end of the process."""


def test_goes_on_after_a_kill_with_the_next_epoch(
    split: TrainingSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = with_training(split, epochs=2, steps_per_epoch=2)
    run = new_run(split, tmp_path)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(EpochEnd, "_report", die)  # the last that an epoch does
        with pytest.raises(Killed):
            trainer.train(run)
    before = history_of(tmp_path / "run")["epochs"]
    trainer.train(replace(run, model_run_dir=str(tmp_path / "second")))
    history = history_of(tmp_path / "second")
    assert history["resumed_from_epoch"] == 1
    assert history["epochs"][:1] == before
    assert [row["epoch"] for row in history["epochs"]] == [1, 2]
    assert history["epochs"][1]["learning_rate"] < before[0]["learning_rate"]


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 3, "steps_per_epoch": 3},
        {"epochs": 3, "steps_per_epoch": 3, "average_weights": 0.9},
        # What the first epoch finds is used by the third, which is repeated from its start.
        {"epochs": 3, "steps_per_epoch": 16, "hard_negatives": 1.0, "crop_size": 8},
    ],
    ids=["weights", "averaged weights", "hard negatives"],
)
def test_a_run_killed_in_mid_epoch_ends_with_the_weights_of_an_undisturbed_one(
    split: TrainingSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    split = with_training(split, **values)
    # From this threshold on all is predicted, so that there are false positives.
    split = replace(split, settings=replace(split.settings, probability_threshold=1e-3))
    # The weights that are compared are those of the last epoch, not of one before the kill.
    monkeypatch.setattr(EpochEnd, "kept", property(lambda self: self.epochs[-1]))
    undisturbed = trainer.train(new_run(split, tmp_path / "undisturbed"))
    run = new_run(split, tmp_path / "killed")
    steps: list[int] = []

    def die_in_the_last_epoch(_: EpochEnd, batch: int, logs: object = None) -> None:
        steps.append(batch)
        if len(steps) == 2 * values["steps_per_epoch"] + 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(EpochEnd, "on_train_batch_end", die_in_the_last_epoch, raising=False)
        with pytest.raises(Killed):
            trainer.train(run)
    resumed = trainer.train(run)
    assert history_of(tmp_path / "killed" / "run")["resumed_from_epoch"] == 2
    for mine, theirs in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-6)


def test_training_draws_crops_at_false_positives(
    split: TrainingSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = with_training(split, epochs=3, steps_per_epoch=16, hard_negatives=1.0, crop_size=8)
    split = replace(split, settings=replace(split.settings, probability_threshold=1e-3))
    hard: dict[int, int] = {}
    plan = VisitPlan.epoch

    def counted(self: VisitPlan, number: int, mined: Sequence[MinedSlice] = ()) -> list[Visit]:
        visits = plan(self, number, mined)
        hard[number] = sum(visit.kind is VisitKind.HARD for visit in visits)
        return visits

    monkeypatch.setattr(VisitPlan, "epoch", counted)
    trainer.train(new_run(split, tmp_path))
    # Of 12 visits in an epoch 0.3 go to slices without nodule.
    assert [hard[number] for number in (0, 1)] == [0, 0] and 3 <= hard[2] <= 4


def test_a_run_killed_after_its_last_epoch_only_restores(
    split: TrainingSplit, tmp_path: Path
) -> None:
    run = new_run(with_training(split, epochs=1), tmp_path)
    model = trainer.train(run)
    again = trainer.train(run)
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(history_of(tmp_path / "run")["epochs"]) == 1


def test_same_seed_same_model_bit_by_bit(split: TrainingSplit, tmp_path: Path) -> None:
    size = {"batch_size": 16, "crop_size": 32, "average_weights": 0.9}
    split = with_training(split, epochs=1, steps_per_epoch=3, **size)
    one, two = (
        trainer.train(new_run(split, tmp_path / name, base_filters=16)).get_weights()
        for name in "ab"
    )
    assert [weights.tobytes() for weights in one] == [weights.tobytes() for weights in two]


def test_mixed_training_returns_a_float32_model_and_the_policy_of_before(
    split: TrainingSplit, tmp_path: Path
) -> None:
    split = with_training(split, epochs=1, steps_per_epoch=1, mixed_precision="mixed_bfloat16")
    model = trainer.train(new_run(split, tmp_path))
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert history_of(tmp_path / "run")["precision"] == "mixed_bfloat16"


def test_one_patient_is_monitored_by_slices_and_the_log_says_so(
    tmp_path: Path, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    examples = synthetic.write_split(tmp_path, patients=1, slices=12)
    split = read_split(synthetic.train_patterns(examples), layer, parse(synthetic.CONFIG))
    with caplog.at_level(logging.WARNING, logger="models.trainer"):
        holdout = trainer.hold_out(split)
    assert holdout.patients == ()
    assert "one patient with nodules only" in caplog.text


def test_learning_rate_rises_then_falls_to_a_hundredth() -> None:
    training = Training(epochs=10, steps_per_epoch=10, learning_rate=0.1, warmup_fraction=0.1)
    schedule = learning_rate_schedule(training)
    rates = [float(schedule(step)) for step in (0, 5, 10, 55, 100)]
    # a tenth, half way up, the top, half a cosine: 0.1 * (0.01 + 0.99 / 2), the end
    np.testing.assert_allclose(rates, [0.01, 0.055, 0.1, 0.0505, 0.001], rtol=1e-3)


def test_refuses_what_is_no_configuration() -> None:
    fn_args = types.SimpleNamespace(custom_config=["epochs"])
    with pytest.raises(ValueError, match=r"expected custom_config .*, got \['epochs'\]"):
        trainer.run_fn(fn_args)


def test_history_says_what_was_trained_on(split: TrainingSplit, tmp_path: Path) -> None:
    run = new_run(with_training(split, epochs=1, steps_per_epoch=1), tmp_path)
    trainer.train(run)
    facts = history_of(tmp_path / "run")
    # Four patients of six slices, four of them with a nodule.
    assert (facts["patients"], facts["slices"], facts["nodule_slices"]) == (4, 24, 16)
    assert facts["monitor_patients"] == list(run.holdout.patients)
    assert facts["resumed_from_epoch"] == 0 and facts["precision"] == "float32"


def test_float16_has_its_loss_scaled(split: TrainingSplit, tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = trainer.compiled_model(split.settings)
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    split = with_training(split, epochs=1, steps_per_epoch=1, mixed_precision="mixed_float16")
    trainer.train(new_run(split, tmp_path))
    (epoch,) = history_of(tmp_path / "run")["epochs"]
    assert 0 < epoch["learning_rate"] < 1
