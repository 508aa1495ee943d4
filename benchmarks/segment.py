"""A whole scan to its nodules against the bare forward passes of the same slabs: time and memory.

Usage: python -m benchmarks.segment [--scans 1] [--shape 300 512 512] [--config configs/demo.yaml]
       [--model DIR] [--data SCAN] [--repeats 3]

Without --model the network has the size that the configuration gives and has learnt nothing; its
threshold is then such that a thousandth of the region is predicted. Each scan is segmented in a
process of its own. Both ways are timed in turn after one that is not counted, the smallest of
several times is printed: on a shared machine the larger ones include waiting for other processes,
which processor time does not. Reading is all that ingest does too: files, checksums, checks and
the lungs. Memory is what the process held more, at its peak, than with the loaded model, and than
the model needs for a few slices; both in units of the scan's int16 voxels.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import memory_bytes, processor, reset_peak_memory, whole_number
from benchmarks.phantom_scans import phantom_headers
from benchmarks.untrained import export_network, thresholds_of, working_volume
from lungct.given_scans import find_given
from lungct.limits import LUNG
from lungct.processing import process
from lungct.roots import AUTO

_FEW = 8  # slices that the model is given first


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if given.measure:
        print(json.dumps(measure(given.model, given.data, given.learnt, given.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        model = given.model or f"{folder}/model"
        if not given.model:
            export_network(given.config, given.base_filters, model)
        for scan in _scans(given):
            print_scan(measured(model, scan, bool(given.model), given.repeats))


def measured(model: str, scan: str, learnt: bool, repeats: int) -> dict[str, Any]:
    """What `measure` returns, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.segment", "--measure", "--model", model]
    command += ["--data", scan, "--repeats", str(repeats), *(["--learnt"] if learnt else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def print_scan(figures: dict[str, Any]) -> None:
    """Prints the figures of one scan."""
    print(
        f"{figures['series_uid']}: {figures['shape']} voxels, on the working grid "
        f"{figures['working_shape']}, {figures['nodules']} nodules"
    )
    for kind in ("wall", "processor"):
        whole, read, bare = figures[kind]
        print(
            f"  {kind + ' time, s':18} whole {whole:6.2f}, of it reading {read:5.2f}, bare forward "
            f"passes {bare:6.2f}; (whole - reading) / bare {(whole - read) / bare:.2f}"
        )
    steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in figures["steps"].items())
    print(
        f"  steps of the first one, s: {steps}\n"
        f"  peak of memory / int16 volume: {figures['peak']:.2f}, "
        f"beyond what the model needs for a few slices {figures['beyond_model']:.2f}",
        flush=True,
    )


def measure(model_folder: str, scan: str, learnt: bool, repeats: int) -> dict[str, Any]:
    """Segments one scan.

    Args:
        model_folder: An exported model.
        scan: A file or a folder that holds one scan.
        learnt: Whether the model's own threshold is taken.
        repeats: How many times each way is timed.

    Returns:
        Shapes, smallest wall and processor times in s of the whole, reading and bare forward
        passes, and peaks in units of the int16 volume.
    """
    from serving.model import load_model
    from serving.scan import ScanResult, segment_scan

    (found,) = find_given([scan], AUTO, LUNG).scans
    model = load_model(model_folder)
    volume = working_volume(found, model.facts.grid)
    thresholds = None if learnt else thresholds_of(model, volume)
    few = volume.hu[:_FEW].copy()
    del volume
    model_bytes = _peak_bytes(lambda: model.segment(few))
    results: list[ScanResult] = []
    peak_bytes = _peak_bytes(lambda: results.append(segment_scan(found, model, thresholds)))
    hu = working_volume(found, model.facts.grid).hu
    wall, processor_time = np.min(
        [
            [
                _seconds(lambda: segment_scan(found, model, thresholds)),
                _seconds(lambda: process(found, lambda prepared: prepared.record)),
                _seconds(lambda: model.segment(hu)),
            ]
            for _ in range(repeats)
        ],
        axis=0,
    ).T.tolist()
    (result,) = results
    volume_bytes = 2 * float(np.prod(result.geometry.shape))
    return {
        "series_uid": found.series_uid,
        "shape": result.geometry.shape,
        "working_shape": result.working_geometry.shape,
        "nodules": len(result.nodules),
        "steps": result.done.seconds,
        "wall": wall,
        "processor": processor_time,
        "peak": peak_bytes / volume_bytes,
        "beyond_model": (peak_bytes - model_bytes) / volume_bytes,
    }


def _peak_bytes(work: Callable[[], object]) -> int:
    """What the process held more, at its peak, than before."""
    reset_peak_memory()
    before = memory_bytes("VmRSS")
    work()
    return memory_bytes("VmHWM") - before


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor_time = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor_time


def _scans(given: argparse.Namespace) -> list[str]:
    """The scan that is given, or headers of phantom scans."""
    if given.data:
        return [given.data]
    return phantom_headers(given.folder, given.scans, given.shape)


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, default=1, metavar="N")
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--config", default="configs/demo.yaml", help="default %(default)s")
    parser.add_argument("--base-filters", type=whole_number, metavar="N")
    parser.add_argument("--model", default="", metavar="DIR", help="an exported model")
    parser.add_argument("--data", default="", metavar="SCAN", help="a scan in place of phantoms")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-segment"))
    parser.add_argument("--repeats", type=whole_number, default=3, metavar="N")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--learnt", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
