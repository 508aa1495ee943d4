import json
from pathlib import Path

import keras
import numpy as np
import pytest

from models.checkpoint import Checkpoint, resume_directory, write_json


def small_model() -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.AdamW(0.1), loss="mse")
    return model


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(str(tmp_path / "resume"))


def step(model: keras.Model) -> None:
    model.fit(np.eye(2), np.ones((2, 1)), verbose=0)


def test_nothing_saved_is_a_new_run(checkpoint: Checkpoint) -> None:
    assert checkpoint.restore(small_model()) is None


def test_weights_optimizer_and_state_come_back(checkpoint: Checkpoint) -> None:
    model, other = small_model(), small_model()
    step(model)
    checkpoint.save(model, {"epochs": [{"epoch": 1}]})
    assert checkpoint.restore(other) == {"epochs": [{"epoch": 1}]}
    assert int(other.optimizer.iterations) == 1
    step(model)
    step(other)  # the moments of AdamW came back too, or the second step would differ
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_only_the_last_epoch_is_kept(checkpoint: Checkpoint) -> None:
    model = small_model()
    for done in (1, 2, 3):
        checkpoint.save(model, {"epochs": [{}] * done})
    names = sorted(path.name for path in Path(checkpoint.directory).iterdir())
    assert names == ["epoch00003.weights.h5", "state.json"]


def test_a_kill_between_weights_and_state_leaves_the_epoch_before(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model()
    checkpoint.save(model, {"epochs": [{}]})

    def killed(path: str, content: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.checkpoint.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(model, {"epochs": [{}, {}]})
    assert checkpoint.restore(small_model()) == {"epochs": [{}]}


def test_kept_weights_are_apart_from_the_last(checkpoint: Checkpoint) -> None:
    model = small_model()
    checkpoint.save_kept(model)
    kept = model.get_weights()
    step(model)
    checkpoint.restore_kept(model)
    np.testing.assert_array_equal(model.get_weights()[0], kept[0])


def test_remove_deletes_and_may_be_called_twice(checkpoint: Checkpoint) -> None:
    checkpoint.save_kept(small_model())
    checkpoint.remove()
    checkpoint.remove()
    assert not Path(checkpoint.directory).exists()


def test_each_attempt_at_a_training_finds_the_same_directory() -> None:
    one = resume_directory("/root/Trainer/model_run/7", {"a": 1, "b": 2})
    two = resume_directory("/root/Trainer/model_run/8/", {"b": 2, "a": 1})
    assert one == two
    assert one.startswith("/root/Trainer/resume/")
    assert one != resume_directory("/root/Trainer/model_run/7", {"a": 1, "b": 3})


def test_json_is_replaced_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(str(path), {"a": 1})
    write_json(str(path), {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
    assert [item.name for item in tmp_path.iterdir()] == ["x.json"]
