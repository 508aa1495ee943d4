"""State of an unfinished training on disk: weights, the weights that are kept, and history.

Every write goes to a temporary name first; `state.json` is written last and names the rest. A
kill at any moment leaves the state of the last whole epoch. All paths may be remote ones that
`tf.io.gfile` knows.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

_STATE = "state.json"
KEPT_WEIGHTS = "kept.weights.h5"


@dataclass(frozen=True)
class Checkpoint:
    """A directory that holds the state of one unfinished run."""

    directory: str

    def save(self, model: keras.Model, state: Mapping[str, Any]) -> None:
        """Writes weights, optimizer and `state` after an epoch.

        Args:
            model: A compiled model.
            state: JSON; `state["epochs"]` lists the epochs done.
        """
        tf.io.gfile.makedirs(self.directory)
        number = len(state["epochs"])
        save_weights(model, self._weights(number))
        write_json(self._path(_STATE), state)
        if tf.io.gfile.exists(self._weights(number - 1)):
            tf.io.gfile.remove(self._weights(number - 1))

    def save_kept(self, model: keras.Model) -> None:
        """Writes the weights that the run ends with, as far as it has come."""
        tf.io.gfile.makedirs(self.directory)
        save_weights(model, self._path(KEPT_WEIGHTS))

    def restore_kept(self, model: keras.Model) -> None:
        """Puts these weights back."""
        load_weights(model, self._path(KEPT_WEIGHTS))

    def restore(self, model: keras.Model) -> dict[str, Any] | None:
        """Puts weights and optimizer back as they were after the last whole epoch.

        Returns:
            The state saved with them, or None when there is none and the run begins.
        """
        if not tf.io.gfile.exists(self._path(_STATE)):
            return None
        with tf.io.gfile.GFile(self._path(_STATE)) as file:
            state: dict[str, Any] = json.loads(file.read())
        model.optimizer.build(model.trainable_variables)
        load_weights(model, self._weights(len(state["epochs"])))
        return state

    def remove(self) -> None:
        """Deletes the directory once the run has ended."""
        if tf.io.gfile.exists(self.directory):
            tf.io.gfile.rmtree(self.directory)

    def _path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def _weights(self, epoch: int) -> str:
        return self._path(f"epoch{epoch:05d}.weights.h5")


def resume_directory(model_run_dir: str, identity: Mapping[str, Any]) -> str:
    """Directory of a run's state, the same for each attempt at the same training.

    TFX gives every execution a new `.../Trainer/model_run/ID`; the state is two levels above,
    in `.../Trainer/resume/HASH`, where HASH is that of `identity`.

    Args:
        model_run_dir: TFX's directory for this execution.
        identity: JSON of configuration and inputs.
    """
    text = json.dumps(identity, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    above = os.path.dirname(os.path.dirname(model_run_dir.rstrip("/")))
    return os.path.join(above, "resume", name)


def write_json(path: str, content: Mapping[str, Any]) -> None:
    """Writes JSON under another name and renames it: readers see the old file or the new one."""
    with tf.io.gfile.GFile(f"{path}.part", "w") as file:
        file.write(json.dumps(content, indent=1))
    tf.io.gfile.rename(f"{path}.part", path, overwrite=True)


def save_weights(model: keras.Model, path: str) -> None:
    """Writes weights, and the optimizer's state of a compiled model, as `.weights.h5`."""
    with tempfile.TemporaryDirectory() as directory:
        local = os.path.join(directory, "local.weights.h5")
        model.save_weights(local)
        tf.io.gfile.copy(local, f"{path}.part", overwrite=True)
    tf.io.gfile.rename(f"{path}.part", path, overwrite=True)


def load_weights(model: keras.Model, path: str) -> None:
    """Reads what `save_weights` wrote."""
    with tempfile.TemporaryDirectory() as directory:
        local = os.path.join(directory, "local.weights.h5")
        tf.io.gfile.copy(path, local)
        model.load_weights(local)
