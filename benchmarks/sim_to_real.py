"""What phantoms are worth for patients: models on real crops, and on a whole real scan.

Usage: python -m benchmarks.sim_to_real DATA --model phantom-only=DIR --model mixed=DIR
       python -m benchmarks.sim_to_real DATA --phantoms FILE --crops FILE --mixed FILE

DATA holds `lidc_nodules/`, crops as `benchmarks.nodule_crops` describes them, and `luna16_sample/`,
whole scans as `benchmarks.whole_scan` does. Models are given by folder, as pushed, or trained by a
configuration (`--minutes` long): on its phantoms, on the crops, or on both. What is trained on
crops never sees a fifth of the patients (`--fold`), nor those of the whole scans. All models are
judged on the same crops: those of patients that none of them was trained on, as its `model.json`
says.

Protocol of the crops: nodule-centred, label of at least half of the readers, on the model's working
grid. Protocol of the whole scan: `serving.segment`, nodules that at least half of the readers
outlined, on the scan's own grid; a nodule is found when the centre of a found one is nearer to its
own than its radius.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.learning_runs import Tell, judge
from benchmarks.machine import processor
from benchmarks.nodule_crops import (
    FOLDS,
    Crop,
    fold_of,
    nodules_in_the_middle,
    read_crops,
)
from benchmarks.nodule_figures import Line, measured_line, of_group, printed, weighted
from benchmarks.nodule_groups import groups_of, lines_by_group
from benchmarks.source_trainings import SEEN, HeldOutCrops, trained, training_config
from benchmarks.whole_scan import OfScan, OutlinedScan, judge_whole_scan, outlined_scans
from lungct.limits import VOLUME
from lungct.roots import MASKS, DataRoot
from pipeline.loading import ConfigError, load_config
from runner.streams import quiet
from schema import features
from schema.model_facts import patient_hash
from serving.model import load_model
from serving.segment import newest_version
from serving.served import read_facts

CROPS: Final = "lidc_nodules"
SAMPLE: Final = "luna16_sample"
_OPTIONS: Final = ("phantoms", "crops", "mixed")  # of the trainings, in the order of SEEN


@dataclass(frozen=True)
class Data:
    """What models are judged on.

    Attributes:
        root: Folder of the crops.
        crops: By name.
        scans: Whole scans.
    """

    root: Path
    crops: Mapping[str, Crop]
    scans: tuple[OutlinedScan, ...]

    @property
    def scan_patients(self) -> frozenset[str]:
        """Patients of the whole scans, as the crops name them."""
        series = {scan.found.series_uid for scan in self.scans}
        of_crops = {crop.patient for crop in self.crops.values() if crop.series_uid in series}
        return frozenset(of_crops | {scan.found.patient_id for scan in self.scans})


@dataclass(frozen=True)
class Judgement:
    """One model.

    Attributes:
        name: As it was given.
        folder: Of the model.
        lines: On the crops.
        scans: On the whole scans.
        saw_a_scan: Whether it was trained on a patient of the whole scans.
    """

    name: str
    folder: str
    lines: tuple[Line, ...]
    scans: tuple[OfScan, ...]
    saw_a_scan: bool


def main() -> None:
    """Prints all figures."""
    given = parse_arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    given.output.mkdir(parents=True, exist_ok=True)
    try:
        data = read_data(given.data)
        with quiet(str(given.output / "log.txt")) as stream:
            judgements = judged(given, data, lambda text: print(text, file=stream))
    except (ConfigError, OSError, ValueError) as error:
        sys.exit(f"benchmarks.sim_to_real: {error}")
    print(f"{processor()}, {os.cpu_count()} cores; {given.data}\n")
    print(shown(judgements))
    if given.json:
        given.json.write_text(json.dumps([described(one) for one in judgements], indent=1) + "\n")


def read_data(folder: Path) -> Data:
    """Reads the tables of crops and scans; raises ValueError or OSError where they are none."""
    root = folder / CROPS
    return Data(root, read_crops(root), tuple(outlined_scans(folder / SAMPLE)))


def judged(given: argparse.Namespace, data: Data, tell: Tell) -> list[Judgement]:
    """Trains what is to be trained, and judges all models on what none of them was trained on.

    Raises:
        ValueError: There is no model, or no patient is left to judge on.
    """
    models = {name: newest_version(folder) for name, folder in given.model}
    crops = held_out_crops(data, given.fold)
    for name, path in given.trained:
        config = load_config(path, given.set, output=str(given.output))
        config = training_config(name, config, crops, given.output)
        models[name] = trained(name, config, given.minutes, tell)
    if not models:
        raise ValueError("expected a model or a configuration to train by, got none")
    hashes = {name: trained_on(folder) for name, folder in models.items()}
    seen = frozenset().union(*hashes.values())
    patients = {crop.patient for crop in data.crops.values()}
    held_out = frozenset(patient for patient in patients if patient_hash(patient) not in seen)
    if not held_out:
        raise ValueError(f"expected patients that no model saw, got {len(patients)} that one did")
    tell(f"{len(held_out)} of {len(patients)} patients with crops are in no model's training")
    of_scans = {patient_hash(patient) for patient in data.scan_patients}
    return [
        Judgement(
            name,
            folder,
            on_crops(name, folder, given, data, held_out, tell),
            on_scans(folder, data, tell),
            bool(of_scans & hashes[name]),
        )
        for name, folder in models.items()
    ]


def held_out_crops(data: Data, fold: int) -> HeldOutCrops:
    """The crops without the patients of a fold and of the whole scans."""
    folds = fold_of(crop.patient for crop in data.crops.values())
    of_fold = {patient for patient, number in folds.items() if number == fold}
    return HeldOutCrops(data.root, frozenset(folds), frozenset(of_fold | data.scan_patients))


def trained_on(folder: str) -> frozenset[str]:
    """Hashes of the patients that a model was trained on, by its `model.json`."""
    return frozenset(read_facts(folder).data.patients.get(features.SPLIT_TRAIN, ()))


def on_crops(
    name: str,
    folder: str,
    given: argparse.Namespace,
    data: Data,
    held_out: frozenset[str],
    tell: Tell,
) -> tuple[Line, ...]:
    """A model's figures on the crops of held-out patients."""
    tell(f"{name} on crops")
    output = given.output / "crops"
    output.mkdir(exist_ok=True)
    config = load_config(given.judging, output=str(output))
    root = DataRoot(str(data.root.absolute()), region=VOLUME, truth=MASKS)
    config = config.model_copy(update={"data": replace(config.data, roots=(root,))})
    ran = judge(config, folder, lambda node: tell(f"  {node}"))
    rows = weighted(nodules_in_the_middle(ran.rows()))
    rows = of_group(rows, lambda row: row.place.patient_id in held_out)
    replicates = config.evaluation.replicates
    groups = groups_of(data.crops, {})
    return (
        measured_line(name, rows, replicates),
        *lines_by_group(name, rows, groups, replicates),
    )


def on_scans(folder: str, data: Data, tell: Tell) -> tuple[OfScan, ...]:
    """What a model finds in the whole scans."""
    model = load_model(folder)
    found = []
    for scan in data.scans:
        tell(f"  whole scan {scan.found.series_uid}")
        found.append(judge_whole_scan(scan, model))
    return tuple(found)


def shown(judgements: Sequence[Judgement]) -> str:
    """All figures for people."""
    text = [
        "Nodule-centred crops of patients that no model saw, label of at least half of the "
        "readers, the model's working grid; 95% intervals by patient",
        "",
        printed([line for one in judgements for line in one.lines]),
        "",
        "Whole scans by serving.segment, label of at least half of the readers, the scan's own "
        "grid",
        "",
        f"{'':38}{'nodule':>10}{'found':>8}{'nodule Dice':>14}{'false positives':>18}",
    ]
    for one in judgements:
        for scan in one.scans:
            text += _scan_lines(one, scan)
    return "\n".join(text)


def _scan_lines(one: Judgement, scan: OfScan) -> list[str]:
    """One line for each nodule; the false positives of the scan are in the first."""
    wrong = f"{scan.false_positives} ({scan.on_excluded} on excluded)"
    seen = "  its patient was trained on" if one.saw_a_scan else ""
    lines = []
    for number, nodule in enumerate(scan.nodules):
        found = "yes" if nodule.found else "no"
        start = f"{one.name:38}{nodule.diameter_mm:7.1f} mm{found:>8}{nodule.dice:14.3f}"
        lines.append(start + ("" if number else f"   {wrong}{seen}"))
    return lines


def described(one: Judgement) -> dict[str, object]:
    """A model's figures as plain JSON."""
    lines = [line.described() for line in one.lines]
    scans = [scan.described() for scan in one.scans]
    return {
        "name": one.name,
        "model": one.folder,
        "crops": lines,
        "scans": scans,
        "trained_on_a_patient_of_the_scans": one.saw_a_scan,
    }


def _named(text: str) -> tuple[str, str]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, got {text!r}")
    return name, folder


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; `trained` has the name and the configuration of each training."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--model", type=_named, action="append", default=[], metavar="NAME=DIR")
    for option, name in zip(_OPTIONS, SEEN, strict=True):
        parser.add_argument(f"--{option}", metavar="FILE", help=f"configuration to train {name} by")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--minutes", type=float, default=0.0, help="of each training")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0, help="held out")
    parser.add_argument(
        "--judging", default="configs/demo.yaml", metavar="FILE", help="default %(default)s"
    )
    parser.add_argument("--output", type=Path, default=Path("output/benchmark-sim-to-real"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args(argv)
    files = zip(SEEN, (getattr(given, option) for option in _OPTIONS), strict=True)
    given.trained = [(name, path) for name, path in files if path]
    return given


if __name__ == "__main__":
    main()
