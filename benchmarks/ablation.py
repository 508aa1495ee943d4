"""What augmentation, dropout, neighbour slices, loss and balance are each worth on real nodules.

Usage: python -m benchmarks.ablation DATA [--folds 0] [--seeds 1 2 3] [--config FILE]
       [--set KEY=VALUE] [--only NAME ...] [--json FILE]

DATA is that of `benchmarks.real_nodules`, and so are folds, training and protocol: nodule-centred
crops, label of at least half of the readers, on the working grid. Each variant differs from the
configuration in one thing, which is turned off; all are trained with the same seeds. A line has
mean and standard deviation over the trainings of the mean nodule Dice of patients that were trained
on, of held-out patients, and of the gap between; beside them the change to the whole configuration,
seed by seed, with its own spread. A second call takes from TFX's cache what did not change.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from benchmarks.cross_validation import Fold, Wanted, cross_validated
from benchmarks.machine import processor
from benchmarks.nodule_crops import read_crops
from benchmarks.nodule_figures import NODULE_DICE, Weighted, measured_line
from benchmarks.real_nodules import add_arguments, config_of, crops_of
from pipeline.config import Config
from pipeline.loading import ConfigError
from runner.streams import quiet
from schema.hyperparameters import Augmentation
from schema.metrics import find_metric

WHOLE: Final = "nothing off"
MEAN_SLICE_DICE: Final = "mean_slice_dice"
COLUMNS: Final = ("train", "held out", "gap", "held out, mean slice")
_AUGMENTATION_OFF: Final = tuple(
    f"training.augmentation.{one.name}={'false' if isinstance(one.default, bool) else 0}"
    for one in fields(Augmentation)
)
# Which values turn a part of the configuration off.
OFF: Final[Mapping[str, tuple[str, ...]]] = {
    WHOLE: (),
    "augmentation": _AUGMENTATION_OFF,
    # Without jitter, nodules are in the middle of each training crop, and not of what is judged.
    "augmentation but for jitter": tuple(one for one in _AUGMENTATION_OFF if ".jitter=" not in one),
    "dropout": ("model.dropout=0",),
    "neighbour slices": ("grid.context=0",),
    # What is left is cross entropy.
    "loss by overlap": ("training.bce_weight=1",),
    "balance": ("training.balance.sizes=1", "training.balance.patients=1"),
}


def main() -> None:
    """Prints the table."""
    given = _arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    root = crops_of(given.data)
    try:
        configs = configs_of(given, root)
        crops = read_crops(root)
    except (ConfigError, OSError, ValueError) as error:
        sys.exit(f"benchmarks.ablation: {error}")
    config = configs[WHOLE]
    os.makedirs(config.output, exist_ok=True)
    wanted = Wanted(tuple(given.folds), tuple(given.seeds))
    variants: list[Variant] = []
    with quiet(os.path.join(config.output, "log.txt")) as stream:
        for name, one in configs.items():
            print(f"off: {name}" if variants else name, file=stream)
            folds = cross_validated(one, crops, wanted, lambda text: print(text, file=stream))
            variants.append(Variant(name, tuple(trained(fold) for fold in folds)))
    steps = config.training.epochs * config.training.steps_per_epoch
    print(f"{processor()}, {os.cpu_count()} cores; {config.name}, {steps} steps; crops of {root}")
    print(ablation_text(variants))
    if given.json:
        given.json.write_text(json.dumps([one.described() for one in variants], indent=1) + "\n")


def configs_of(given: argparse.Namespace, root: Path) -> dict[str, Config]:
    """The configuration of each variant, that with nothing off first.

    Args:
        given: The command line.
        root: Folder of the crops.

    Raises:
        ConfigError: One is not valid.
    """
    names = dict.fromkeys((WHOLE, *(given.only or OFF)))
    varied = {name: {**vars(given), "set": [*given.set, *OFF[name]]} for name in names}
    return {name: config_of(argparse.Namespace(**one), root) for name, one in varied.items()}


@dataclass(frozen=True)
class Trained:
    """Figures of one training.

    Attributes:
        fold: From 0.
        seed: Of training.
        minutes: Of training, wall clock.
        figures: By COLUMNS.
    """

    fold: int
    seed: int
    minutes: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Variant:
    """The trainings with one thing off."""

    name: str
    trained: tuple[Trained, ...]

    def values(self, column: str) -> list[float]:
        """A figure of each training, in the order of folds and seeds."""
        return [one.figures[column] for one in self.trained]

    def described(self) -> dict[str, Any]:
        """All figures as plain JSON."""
        lines = [
            {"fold": one.fold, "seed": one.seed, "minutes": one.minutes, **one.figures}
            for one in self.trained
        ]
        return {"off": self.name, "trainings": lines}


def trained(fold: Fold) -> Trained:
    """The figures of one training.

    Args:
        fold: What it left.
    """

    def of(key: str, rows: Sequence[Weighted]) -> float:
        return measured_line("", rows, replicates=0).figures[key].value

    train, held_out = (of(NODULE_DICE, rows) for rows in (fold.train, fold.held_out))
    values = (train, held_out, train - held_out, of(MEAN_SLICE_DICE, fold.held_out))
    return Trained(fold.number, fold.seed, fold.minutes, dict(zip(COLUMNS, values, strict=True)))


def ablation_text(variants: Sequence[Variant]) -> str:
    """The table.

    Args:
        variants: The first is the one that the others are compared with; all of the same folds and
            seeds.
    """
    whole = variants[0]
    count = len(whole.trained)
    changed = [f"{column}, change" for column in COLUMNS[1:3]]
    header = [f"{'off':<30}", *(f"{name:<22}" for name in (*COLUMNS, *changed)), "minutes"]
    text = [
        f"{find_metric(NODULE_DICE).label} of nodule-centred crops but for the fourth column; mean "
        f"± standard deviation over {count} trainings",
        "".join(header),
    ]
    for one in variants:
        cells = [_spread(one.values(column)) for column in COLUMNS]
        for column in COLUMNS[1:3] if one is not whole else ():
            pairs = zip(one.values(column), whole.values(column), strict=True)
            cells.append(_spread([value - before for value, before in pairs], sign="+"))
        cells += [""] * (len(header) - 2 - len(cells))
        minutes = statistics.fmean(training.minutes for training in one.trained)
        text.append(f"{one.name:<30}{''.join(f'{cell:<22}' for cell in cells)}{minutes:.1f}")
    return "\n".join(text)


def _spread(values: Sequence[float], sign: str = "") -> str:
    """Mean and standard deviation; of one value there is no deviation."""
    mean = f"{statistics.fmean(values):{sign}.3f}".replace("-", "−")
    return f"{mean} ± {statistics.stdev(values):.3f}" if len(values) > 1 else mean


def _arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser, (0,), (1, 2, 3), "output/benchmark-ablation")
    parser.add_argument(
        "--only", choices=[name for name in OFF if name != WHOLE], nargs="+", metavar="NAME"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
