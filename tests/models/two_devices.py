"""Trains on one device and on two logical ones, which must be made before TensorFlow starts.

Usage: python -m tests.models.two_devices EXAMPLES GRAPH FOLDER

EXAMPLES and GRAPH are those of `tests.models.synthetic`. Prints, as JSON, for each network the loss
of each epoch and the largest difference of a weight between both trainings, and for a training on
two devices that is interrupted that to an undisturbed one.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models import trainer
from models.checkpoint import Checkpoint
from models.epoch_end import EpochEnd
from models.replicas import mirrored
from models.split import TrainingSplit, read_split
from schema.custom_config import parse
from schema.hyperparameters import UNet
from tests.models import synthetic

NETWORKS = {
    "layer": UNet(base_filters=4, levels=2, dropout=0.0, normalisation="layer"),
    "batch": UNet(base_filters=4, levels=3, dropout=0.0, deep_supervision=True),
}


class Killed(RuntimeError):
    """Stands for the end of the process."""


class Trained:
    """A training, and what came of it."""

    def __init__(self, split: TrainingSplit, model: UNet, folder: Path) -> None:
        split = replace(split, settings=replace(split.settings, model=model))
        checkpoint = Checkpoint(str(folder / "resume"))
        self._folder = folder
        self._run = trainer.Run(split, trainer.hold_out(split), str(folder / "run"), checkpoint)

    def train(self, devices: int) -> "Trained":
        """Trains to the end."""
        strategy = mirrored(("CPU:0", "CPU:1")) if devices > 1 else tf.distribute.get_strategy()
        trainer.choose_strategy = lambda _: strategy
        self.weights = trainer.train(self._run).get_weights()
        return self

    @property
    def losses(self) -> list[float]:
        history = json.loads((self._folder / "run" / "history.json").read_text())
        return [row["loss"] for row in history["epochs"]]

    def difference(self, other: "Trained") -> float:
        """The largest difference of a weight."""
        pairs = zip(self.weights, other.weights, strict=True)
        return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


def interrupted(training: Trained) -> Trained:
    """Trains on two devices, with a break in the second epoch."""
    begin = EpochEnd.on_epoch_begin

    def die(self: EpochEnd, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise Killed
        begin(self, epoch, logs)

    EpochEnd.on_epoch_begin = die  # type: ignore[method-assign]
    try:
        training.train(2)
    except Killed:
        pass
    finally:
        EpochEnd.on_epoch_begin = begin  # type: ignore[method-assign]
    return training.train(2)


def main() -> None:
    """Trains and compares."""
    examples, graph, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    EpochEnd.kept = property(lambda self: self.epochs[-1])  # type: ignore[assignment]
    config = parse(synthetic.CONFIG)
    # At this rate gradients are clipped in some steps.
    training = replace(config.training, epochs=2, steps_per_epoch=2, average_weights=0.5)
    config = replace(config, training=training)
    layer = synthetic.transform_layer(graph)
    split = read_split(synthetic.train_patterns(examples), layer, config)
    found: dict[str, Any] = {}
    for name, model in NETWORKS.items():
        one = Trained(split, model, folder / f"{name}1").train(1)
        two = Trained(split, model, folder / f"{name}2").train(2)
        losses = [one.losses, two.losses]
        found[name] = {"losses": losses, "difference": two.difference(one)}
    model = replace(NETWORKS["batch"], dropout=0.3)
    undisturbed = Trained(split, model, folder / "undisturbed").train(2)
    killed = interrupted(Trained(split, model, folder / "killed"))
    found["interrupted"] = {"difference": killed.difference(undisturbed)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
