"""What LUNA16 as a whole would cost here, by component, from a few phantom scans of its size.

Usage: python -m benchmarks.luna16_cost [--scans 3 12] [--shape 300 512 512] [--config FILE]

Runs the whole pipeline on phantom scans at the working grid of the configuration, with a few
training steps, and prints for each component seconds, bytes read and written and the peak of
memory, for one scan and for the 888 of LUNA16. SegmentScans counts the scans that are judged.
Training does not grow with the number of scans: its steps are printed by themselves. With several
numbers of scans the memory of each component is compared between the smallest and the largest.

The share that scales with cores follows from one run: a component that took `wall` seconds and
`cpu` seconds of processors on `c` cores spent p = (cpu - wall) * c / (c - 1) of the latter on all
cores at once, if the rest ran on one. What waits for a disk is not seen.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import (
    memory_bytes,
    process_number,
    processor,
    reset_peak_memory,
    whole_number,
)
from benchmarks.phantom_scans import SEED, first_scans, scans_of
from phantom.order import Order, PhantomError
from phantom.writer import make_phantoms
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config
from report.history import History, read_history
from schema import features
from schema.splits import SplitRule

LUNA16_SCANS = 888
TRAINER, SEGMENT_SCANS = "Trainer", "SegmentScans"


@dataclass(frozen=True)
class Cost:
    """What one component took.

    Attributes:
        seconds: Wall clock.
        cpu_seconds: Time of all processors.
        read_bytes: Bytes read by the process, from the page cache too.
        written_bytes: Bytes written by the process.
        peak_mib: Largest resident memory while it ran.
    """

    seconds: float
    cpu_seconds: float
    read_bytes: int
    written_bytes: int
    peak_mib: float

    def parallel_share(self, cores: int) -> float:
        """Share of the processors' time that was spent on all cores at once, 0 to 1."""
        if cores < 2 or not self.cpu_seconds:
            return 0.0
        parallel = (self.cpu_seconds - self.seconds) * cores / (cores - 1)
        return min(max(parallel / self.cpu_seconds, 0.0), 1.0)


@dataclass(frozen=True)
class Measured:
    """One run: the cost of each component by name, and how training went."""

    costs: dict[str, Cost]
    history: History


class Meter:
    """Measures what this process does between the beginning and the end of a component."""

    def __init__(self) -> None:
        """Starts without any component."""
        self.costs: dict[str, Cost] = {}
        self._before = _usage()

    def begin(self, name: str) -> None:
        """Sets the peak of memory back."""
        print(f"  {name} …", file=sys.stderr, flush=True)
        reset_peak_memory()
        self._before = _usage()

    def end(self, name: str) -> None:
        """Keeps what the component took."""
        used = [now - before for now, before in zip(_usage(), self._before, strict=True)]
        peak = memory_bytes("VmHWM") / 2**20
        self.costs[name] = Cost(used[0], used[1], int(used[2]), int(used[3]), peak)


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    settings = [
        *("training.epochs=1", f"training.steps_per_epoch={given.steps}"),
        *("training.monitor_slices=8", "training.monitor_error=1.0"),
        "gate={pooled_dice: {at_least: 0}}",
        f"evaluation.train_patients={given.train_patients}",
    ]
    if given.filters:
        settings.append(f"model.base_filters={given.filters}")
    try:
        config = load_config(given.config, settings, output=str(given.folder / "out"))
        order = Order(max(given.scans), SEED, tuple(given.shape))
    except (ConfigError, PhantomError) as error:
        sys.exit(f"benchmarks.luna16_cost: {error}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    root = given.folder / order.folder
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"phantom scans of {given.shape} voxels (z, y, x), spacing {config.grid.spacing_mm} mm")
    print(f"network of {config.model.base_filters} filters and {config.model.levels} levels\n")
    make_phantoms(str(root), order)
    measured = {count: in_new_process(root, count, config) for count in sorted(given.scans)}
    judged = judged_scans(load_config(given.config, output=str(given.folder)))
    for count, run in measured.items():
        print_costs(run, count, judged, given)
    print_growth(measured)


def judged_scans(config: Config) -> int:
    """How many scans of LUNA16 each model is judged on."""
    share = config.split.eval_fraction + config.split.test_fraction
    held_out, train_patients = round(share * LUNA16_SCANS), config.evaluation.train_patients
    return held_out + train_patients if train_patients else LUNA16_SCANS


def in_new_process(root: Path, scans: int, config: Config) -> Measured:
    """As `measure`, in a process that holds nothing of what ran before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, root, scans, config).result()


def measure(root: Path, scans: int, config: Config) -> Measured:
    """Runs the pipeline on the first scans of a folder.

    Args:
        root: The phantom scans.
        scans: How many to take.
        config: The configuration; its data and output are replaced.

    Returns:
        The cost of each component.
    """
    from pipeline.pipeline import create_pipeline
    from runner.local_dag import NodeResult, ObservedDagRunner

    data = first_scans(root, scans)
    output = data.with_suffix(".out")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    told = replace(config.data, roots=(config.data.root(str(data.absolute())),))
    rule = SplitRule(table=str(_write_splits(data)))
    update = {"data": told, "split": rule, "output": str(output.absolute())}
    wanted = config.model_copy(update=update)
    meter = Meter()
    results: list[NodeResult] = []

    def finished(result: NodeResult) -> None:
        """Ends the measurement of a component."""
        meter.end(result.node_id)
        results.append(result)

    ObservedDagRunner(meter.begin, finished).run(create_pipeline(wanted))
    folders = {result.node_id: result.outputs for result in results}
    history = read_history(folders[TRAINER]["model_run"].uri)
    if history is None:
        raise ValueError(f"expected a history of training in {output}, got none")
    shutil.rmtree(output)
    return Measured(meter.costs, history)


def print_costs(run: Measured, scans: int, judged: int, given: argparse.Namespace) -> None:
    """Prints a table of components: one scan, and LUNA16, of which `judged` scans are judged."""
    cores, total_h = os.cpu_count() or 1, 0.0
    columns = "s  MB read  written    peak MiB  on all cores  LUNA16: h"
    print(f"{scans:3d} scans; each {columns:>71}")
    for name, cost in run.costs.items():
        count, of_luna16 = scans, LUNA16_SCANS
        if name == TRAINER:
            cost = replace(cost, seconds=run.history.start_seconds or 0.0)
            name = "Trainer, before a step"
        if name == SEGMENT_SCANS:
            count, of_luna16 = _eval_count(scans) + given.train_patients, judged
        each = cost.seconds / count
        read, written = (size / count / 1e6 for size in (cost.read_bytes, cost.written_bytes))
        share, hours = cost.parallel_share(cores), each * of_luna16 / 3600
        total_h += hours
        print(f"  {name:<22}{each:8.2f}{read:9.1f}{written:9.1f}", end="")
        print(f"{cost.peak_mib:12.0f}{share:14.0%}{hours:11.2f}")
    print(f"  all but training: {total_h:.1f} h for {LUNA16_SCANS} scans on this machine,")
    print(f"  one model judged on {judged} of them")
    step_s = run.history.seconds / given.steps
    print(f"  training: {step_s:.1f} s a step, with its compilation and the monitor\n", flush=True)


def print_growth(measured: dict[int, Measured]) -> None:
    """Prints what each scan more costs, and how the peak of memory changes with their number."""
    first, last = min(measured), max(measured)
    if first == last:
        return
    print(f"from {first} to {last} scans:  s a scan more   peak of memory, last / first")
    for name, cost in measured[last].costs.items():
        before = measured[first].costs[name]
        more_s = (cost.seconds - before.seconds) / (last - first)
        print(f"  {name:<22}{more_s:14.2f}{cost.peak_mib / before.peak_mib:20.2f}")


def _eval_count(scans: int) -> int:
    """Scans of the eval split: a sixth, at least one."""
    return max(1, scans // 6)


def _write_splits(data: Path) -> Path:
    """A table of splits, in which the first scans are those of the eval split."""
    path = data.with_suffix(".splits.csv")
    series = [found.series_uid for found in scans_of(data)]
    held_out = set(series[: _eval_count(len(series))])
    splits = {True: features.SPLIT_EVAL, False: features.SPLIT_TRAIN}
    lines = [f"{uid},{splits[uid in held_out]}" for uid in series]
    path.write_text("\n".join(["seriesuid,split", *lines, ""]))
    return path


def _usage() -> tuple[float, float, float, float]:
    """Wall clock, processors' time, bytes read and written so far."""
    times = os.times()
    cpu = times.user + times.system + times.children_user + times.children_system
    moved = [float(process_number("io", name)) for name in ("rchar", "wchar")]
    return time.monotonic(), cpu, moved[0], moved[1]


def _arguments(argv: Sequence[str] | None = None) -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, nargs="+", default=[6], metavar="N")
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--config", default="configs/luna16.yaml", help="default %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-luna16"))
    parser.add_argument("--steps", type=whole_number, default=2, metavar="N", help="of training")
    parser.add_argument(
        *("--filters",), type=whole_number, metavar="N", help="of the network's first level"
    )
    parser.add_argument(
        *("--train-patients",), type=whole_number, default=1, metavar="N", help="judged of train"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
