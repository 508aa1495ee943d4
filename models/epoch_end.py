"""The end of an epoch: Dice of the monitor, weights that are kept, early stopping, history."""

import time
from dataclasses import dataclass
from typing import Any

import keras

from lungct import progress
from models.averages import averaged
from models.board import Board
from models.checkpoint import Checkpoint, write_json
from models.mining import Miner
from models.monitor import Monitor
from models.monitor_sample import difference_error
from models.slice_logits import Predict, predictor


@dataclass(frozen=True)
class Outputs:
    """Where a run writes, and the facts about it that go into its history.

    Attributes:
        checkpoint: State to resume from, and the weights that are kept.
        history_path: `history.json`.
        logs: Folder of TensorBoard's files.
        facts: Parameters, precision, patients held out and the like, as JSON.
    """

    checkpoint: Checkpoint
    history_path: str
    logs: str
    facts: dict[str, Any]


class EpochEnd(keras.callbacks.Callback):
    """Measures the monitor Dice, keeps weights, and stops when it has stopped growing.

    The weights kept are those of the last epoch that is as good as the best one as far as the
    monitor patients can tell: of the epochs from the best one on, the last that lacks at most one
    standard error of the difference (the rule of one standard error of Breiman, Friedman, Olshen
    and Stone, Classification and Regression Trees, 1984, section 3.4.3, for the steps of training).
    With few monitor patients the highest figure is often chance, early in training, while the last
    epochs have the smallest learning rate and so the smallest noise in the weights.
    """

    def __init__(
        self,
        monitor: Monitor,
        outputs: Outputs,
        epochs: list[dict[str, Any]],
        miner: Miner | None = None,
    ) -> None:
        """Starts from the epochs that are done.

        Args:
            monitor: Measures Dice on what training does not see.
            outputs: Where to write.
            epochs: Rows of the history of an interrupted run, else empty.
            miner: Looks for false positives, where the configuration asks for them.
        """
        super().__init__()
        self.epochs = list(epochs)
        self._monitor = monitor
        self._outputs = outputs
        self._training = monitor.training
        self._miner = miner
        self._board = Board(outputs.logs, outputs.facts)
        self._predict: Predict | None = None
        self._begin = time.monotonic()

    @property
    def best(self) -> dict[str, Any]:
        """The row of the epoch with the highest monitor Dice; the first one of equals."""
        return max(self.epochs, key=lambda row: row["monitor_dice"])

    @property
    def kept(self) -> dict[str, Any]:
        """The row of the epoch whose weights are kept."""
        best = self.best
        return next(
            row
            for row in reversed(self.epochs)
            if best["monitor_dice"] - row["monitor_dice"]
            <= difference_error(best["monitor_totals"], row["monitor_totals"])
        )

    @property
    def finished(self) -> bool:
        """Whether patience has run out or all epochs are done."""
        if not self.epochs:
            return False
        waited = len(self.epochs) - self.best["epoch"]
        # Right after a better epoch training goes on, also with a patience of 0.
        patience = max(self._training.patience, 1)
        return waited >= patience or len(self.epochs) >= self._training.epochs

    def history(self) -> dict[str, Any]:
        """What `history.json` holds."""
        nothing = {"epoch": 0, "monitor_dice": 0.0}
        best, kept = (self.best, self.kept) if self.epochs else (nothing, nothing)
        return {
            **self._outputs.facts,
            "epochs": self.epochs,
            "best_epoch": best["epoch"],
            "best_monitor_dice": best["monitor_dice"],
            "kept_epoch": kept["epoch"],
            "kept_monitor_dice": kept["monitor_dice"],
            "stopped_early": 0 < len(self.epochs) < self._training.epochs and self.finished,
        }

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock, and dropout where this epoch has it whatever came before.

        Keras keeps the state of dropout's random numbers out of the weights: without this a resumed
        run would go on with other ones.
        """
        self._begin = time.monotonic()
        state = [self._training.seed, epoch * self._training.steps_per_epoch]
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(state)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch to the history, saves the weights, and stops a run that is finished."""
        self._predict = predict = self._predict or predictor(self.model)
        with averaged(self.model):
            self._add_row(epoch + 1, logs or {}, predict)
            if self.kept["epoch"] == epoch + 1:
                self._outputs.checkpoint.save_kept(self.model)
            if self._miner and not self.finished:
                self._miner.mine(predict, epoch)
        self.epochs[-1]["seconds"] = round(time.monotonic() - self._begin, 3)
        mined = {"mined": self._miner.places.state} if self._miner else {}
        self._outputs.checkpoint.save(self.model, {"epochs": self.epochs, **mined})
        write_json(self._outputs.history_path, self.history())
        self._report()
        if self.finished:
            self.model.stop_training = True

    def _add_row(self, epoch: int, logs: dict[str, float], predict: Predict) -> None:
        measured = self._monitor.measure(predict, self._monitor.wanted(self.epochs))
        row = {
            "epoch": epoch,
            "loss": float(logs["loss"]),
            "dice": float(logs["dice"]),
            "monitor_dice": measured.dice,
            "monitor_error": measured.error,
            "monitor_slices": measured.slices,
            "monitor_totals": {name: list(both) for name, both in measured.patients.items()},
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        self.epochs.append(row)
        self._board.write(row, self._monitor.pictures(predict))

    def _report(self) -> None:
        total = len(self.epochs) if self.finished else self._training.epochs
        dice, error = (self.epochs[-1][f"monitor_{name}"] for name in ("dice", "error"))
        note = f"Dice of held-out slices {dice:.3f}" + (f" ± {error:.3f}" if error else "")
        progress.advance("epochs", len(self.epochs), total, note)
