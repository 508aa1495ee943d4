"""How training went: reads `history.json` of the ModelRun artifact."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from schema.files import HISTORY_FILE


@dataclass(frozen=True)
class Epoch:
    """One pass of training; a figure that was not recorded is None.

    Attributes:
        epoch: Its number.
        loss: Mean loss of the training crops.
        dice: Dice of the training crops.
        monitor_dice: Dice of the monitor patients.
        seconds: Time that it took.
        monitor_error: Standard error of `monitor_dice`.
        monitor_slices: Slices that `monitor_dice` is over.
    """

    epoch: int
    loss: float | None
    dice: float | None
    monitor_dice: float | None
    seconds: float | None
    monitor_error: float | None = None
    monitor_slices: int | None = None


@dataclass(frozen=True)
class History:
    """Training from the first epoch to the last.

    Attributes:
        epochs: In order.
        kept_epoch: The epoch whose weights were kept, numbered as in `epochs`.
        monitor_patients: Patients of the train split that were held out for early stopping.
        parameters: Weights that the model has.
        precision: Numeric precision of training.
        start_seconds: Time before the first step.
    """

    epochs: tuple[Epoch, ...]
    kept_epoch: int | None
    monitor_patients: tuple[str, ...]
    parameters: int | None
    precision: str
    start_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Time of all epochs together."""
        return sum(epoch.seconds or 0.0 for epoch in self.epochs)


def read_history(folder: str) -> History | None:
    """The history of a ModelRun folder; None when the Trainer left none there."""
    path = os.path.join(folder, HISTORY_FILE)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "r") as file:
        facts = json.loads(file.read())
    return History(
        epochs=tuple(_epoch(row, number) for number, row in enumerate(facts.get("epochs", ()))),
        kept_epoch=facts.get("kept_epoch"),
        monitor_patients=tuple(facts.get("monitor_patients") or ()),
        parameters=facts.get("parameters"),
        precision=str(facts.get("precision") or ""),
        start_seconds=facts.get("start_seconds"),
    )


def _epoch(row: Mapping[str, Any], number: int) -> Epoch:
    return Epoch(
        epoch=int(row.get("epoch", number)),
        loss=row.get("loss"),
        dice=row.get("dice"),
        monitor_dice=row.get("monitor_dice"),
        seconds=row.get("seconds"),
        monitor_error=row.get("monitor_error"),
        monitor_slices=row.get("monitor_slices"),
    )
