"""What is learned on real nodules: cross-validation by patient on crops, beside LIDC's readers.

Usage: python -m benchmarks.real_nodules DATA [--folds 0 1] [--minutes 20] [--config FILE]
       [--set KEY=VALUE] [--seeds 1 2 3] [--json FILE]

DATA holds crops around nodules as `benchmarks.nodule_crops` describes them, or `lidc_nodules/` with
them. Each fold is a fifth of the patients. For each fold and seed the pipeline reads the crops,
trains on the other patients, and judges both by the function that judges every model; a second
call takes from TFX's cache what did not change. The manifest of each fold is looked at: a patient
of both splits ends the benchmark. What the trainer holds out for early stopping counts as neither.

Protocol: nodule-centred crops, label of at least half of the readers, on the working grid. Nodule
Dice is of the nodule in the middle of each crop, in a box 5 mm around it; pooled Dice and mean
slice Dice are of all slices of the crops. Readers are judged likewise on the scanner's own grid,
each crop with the same weight. Where all folds are held out in turn, a patient counts once in
"held out" and four times in "train"; the gap's interval takes both for other patients.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.cross_validation import SPLITS, Fold, Wanted, cross_validated
from benchmarks.machine import processor, whole_number
from benchmarks.nodule_crops import (
    FOLDS,
    Crop,
    Readers,
    fold_of,
    read_crops,
    read_readers,
)
from benchmarks.nodule_figures import (
    NODULE_DICE,
    Line,
    gap_line,
    measured_line,
    printed,
)
from benchmarks.nodule_groups import groups_of, lines_by_group
from lungct.limits import VOLUME
from lungct.roots import MASKS
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config
from runner.streams import quiet
from schema.metrics import find_metric

CROPS: Final = "lidc_nodules"
NODULES_CONFIG: Final = "configs/nodules.yaml"


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    root = crops_of(given.data)
    try:
        config = config_of(given, root)
        crops = read_crops(root)
    except (ConfigError, OSError, ValueError) as error:
        sys.exit(f"benchmarks.real_nodules: {error}")
    os.makedirs(config.output, exist_ok=True)
    numbers = fold_of(crop.patient for crop in crops.values())
    held_out = [crop for crop in crops.values() if numbers[crop.patient] in given.folds]
    learned = () if given.readers_only else tuple(given.folds)
    wanted = Wanted(learned, tuple(given.seeds), given.minutes)
    with quiet(os.path.join(config.output, "log.txt")) as stream:
        folds = list(cross_validated(config, crops, wanted, lambda text: print(text, file=stream)))
        print("  readers", file=stream)
        readers = read_readers(root, held_out)
    report = reported(config, folds, crops, readers)
    print(report_text(report, config, root))
    if given.json:
        given.json.write_text(json.dumps(described(report, config), indent=1) + "\n")


def crops_of(data: Path) -> Path:
    """Folder of the crops: the given one, or that of their name in it."""
    return data / CROPS if (data / CROPS).is_dir() else data


def config_of(given: argparse.Namespace, root: Path) -> Config:
    """The configuration, with the crops as its data.

    Raises:
        ConfigError: It is not valid.
    """
    data = {"path": str(root), "region": VOLUME, "truth": MASKS}
    return load_config(given.config, given.set, output=str(given.output), data__roots=[data])


@dataclass(frozen=True)
class SeedReport:
    """The lines of one seed."""

    seed: int
    folds: tuple[Fold, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Report:
    """The lines of each seed, and of the readers on the same crops."""

    seeds: tuple[SeedReport, ...]
    readers: tuple[Line, ...]


def reported(
    config: Config, folds: Sequence[Fold], crops: Mapping[str, Crop], readers: Readers
) -> Report:
    """All figures.

    Args:
        config: Says how often patients are drawn.
        folds: Of all seeds.
        crops: All crops.
        readers: On the held-out crops.
    """
    replicates = config.evaluation.replicates
    groups = groups_of(crops, readers.agreement())
    seeds = []
    for seed in sorted({fold.seed for fold in folds}):
        of_seed = tuple(fold for fold in folds if fold.seed == seed)
        train = tuple(row for fold in of_seed for row in fold.train)
        held_out = tuple(row for fold in of_seed for row in fold.held_out)
        lines = [
            measured_line("train", train, replicates),
            measured_line("held out", held_out, replicates),
            gap_line("gap (train − held out)", train, held_out, replicates),
            *lines_by_group("held out", held_out, groups, replicates),
        ]
        seeds.append(SeedReport(seed, of_seed, tuple(lines)))
    of_readers = [
        measured_line("reader against reader", readers.each_other, replicates),
        measured_line("one reader against half of the others", readers.others, replicates),
        measured_line("one reader against the label", readers.label, replicates),
        *lines_by_group("one reader", readers.label, groups, replicates),
    ]
    return Report(tuple(seeds), tuple(of_readers))


def report_text(report: Report, config: Config, root: Path) -> str:
    """All figures for people."""
    spacing = " × ".join(f"{mm:g}" for mm in config.grid.spacing_mm)
    text = [
        f"{processor()}, {os.cpu_count()} cores; {config.name}; crops of {root}",
        f"Nodule-centred crops, label of at least half of the readers, grid of {spacing} mm (z, y, "
        f"x), probability {config.evaluation.probability_threshold:g}; 95% intervals by patient",
    ]
    for one in report.seeds:
        text += ["", *(fold.words() for fold in one.folds), "", printed(one.lines)]
    text += ["", "Readers, on the scanner's own grid", "", printed(report.readers)]
    if len(report.seeds) > 1:
        text += ["", f"{find_metric(NODULE_DICE).label} over {len(report.seeds)} seeds", ""]
        text += [f"{name:38}{mean:.3f} ± {sd:.3f}" for name, mean, sd in spread(report)]
    return "\n".join(text)


def spread(report: Report) -> list[tuple[str, float, float]]:
    """Mean and standard deviation over seeds of the nodule Dice of each group."""
    values: dict[str, list[float]] = {}
    for line in (line for one in report.seeds for line in one.lines):
        values.setdefault(line.name, []).append(line.figures[NODULE_DICE].value)
    return [
        (name, statistics.fmean(found), statistics.stdev(found))
        for name, found in values.items()
        if len(found) > 1
    ]


def described(report: Report, config: Config) -> dict[str, Any]:
    """All figures as plain JSON."""
    seeds = [
        {
            "seed": one.seed,
            "folds": [
                {
                    "fold": fold.number,
                    "epochs": fold.epochs,
                    "minutes": fold.minutes,
                    "patients": {split: sorted(fold.patients[split]) for split in SPLITS},
                    "monitor_patients": sorted(fold.monitored),
                }
                for fold in one.folds
            ],
            "lines": [line.described() for line in one.lines],
        }
        for one in report.seeds
    ]
    readers = [line.described() for line in report.readers]
    return {"configuration": config.described(), "seeds": seeds, "readers": readers}


def _fold(text: str) -> int:
    if not text.isdecimal() or int(text) >= FOLDS:
        raise argparse.ArgumentTypeError(f"expected a fold from 0 to {FOLDS - 1}, got {text!r}")
    return int(text)


def add_arguments(
    parser: argparse.ArgumentParser, folds: Sequence[int], seeds: Sequence[int], output: str
) -> None:
    """Adds what benchmarks of trainings on these crops have in common.

    Args:
        parser: That of the benchmark.
        folds: Default of --folds.
        seeds: Default of --seeds.
        output: Default of --output.
    """
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--folds", type=_fold, nargs="+", default=list(folds), metavar="N")
    parser.add_argument("--seeds", type=whole_number, nargs="+", default=list(seeds), metavar="N")
    parser.add_argument(
        "--config", default=NODULES_CONFIG, metavar="FILE", help="default %(default)s"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--output", type=Path, default=Path(output))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def _arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser, range(FOLDS), (), "output/benchmark-real-nodules")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="of training; else the configuration's epochs"
    )
    parser.add_argument("--readers-only", action="store_true", help="train nothing")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
