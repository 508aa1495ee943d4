"""Memory and time of an exported model on volumes of many slices.

Usage: python -m benchmarks.segment_memory [--config configs/demo.yaml] [--base-filters 4]
       [--slices 100 300 600] [--size 512]

The network has the size that the configuration gives and has learnt nothing. Each volume is
segmented in a process of its own, after one of a few slices; its peak is what the process held more
than before, and the volume. What a voxel costs in a larger volume is printed last: 2 bytes of
Hounsfield units and 4 of probability are the volume itself, 2 are TensorFlow's copy of the units.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from benchmarks.machine import memory_bytes, reset_peak_memory
from benchmarks.untrained import export_network

_FEW = 8  # slices that are segmented before memory and time are measured
_RESULT = "measured"


def measure(directory: str, slices: int, size: int) -> None:
    """Segments one volume of noise; prints peak bytes beyond those before, and seconds."""
    from serving.model import load_model

    model = load_model(directory)
    few, hu = (_noise(count, size) for count in (_FEW, slices))
    model.segment(few)
    reset_peak_memory()
    before = memory_bytes("VmRSS")
    begin = time.perf_counter()
    model.segment(hu)
    seconds = time.perf_counter() - begin
    print(_RESULT, memory_bytes("VmHWM") - before + hu.nbytes, seconds)


def measured(directory: str, slices: int, size: int) -> tuple[int, float]:
    """Peak bytes and seconds of one volume, in a process of its own."""
    given = ["--directory", directory, "--slices", str(slices), "--size", str(size)]
    command = [sys.executable, "-m", "benchmarks.segment_memory", *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    line = next(one for one in done.stdout.splitlines() if one.startswith(_RESULT))
    peak, seconds = line.split()[1:]
    return int(peak), float(seconds)


def compare(directory: str, counts: list[int], size: int) -> None:
    """Prints a line for each number of slices, and what the largest volume costs a voxel more."""
    peaks = []
    for slices in counts:
        peak, seconds = measured(directory, slices, size)
        volume = 6 * slices * size**2
        peaks.append(peak)
        print(
            f"{slices:4d} slices of {size}²: peak {peak / 2**20:6.0f} MiB, of them the volume "
            f"{volume / 2**20:6.0f}; {seconds:6.1f} s, {slices / seconds:5.1f} slices a second",
            flush=True,
        )
    if len(counts) > 1 and counts[-1] != counts[0]:
        more = (peaks[-1] - peaks[0]) / ((counts[-1] - counts[0]) * size**2)
        print(f"from {counts[0]} to {counts[-1]} slices {more:.2f} bytes a voxel")


def _noise(slices: int, size: int) -> Any:
    random = np.random.default_rng(1)
    hu = np.empty((slices, size, size), np.int16)
    for one in hu:
        one[:] = random.integers(-1000, 400, (size, size), np.int16)
    return hu


def main() -> None:
    """Exports and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", default="configs/demo.yaml")
    parser.add_argument("--base-filters", type=int)
    parser.add_argument("--slices", type=int, nargs="+", default=[100, 300, 600])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--directory", help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if given.directory:
        measure(given.directory, given.slices[0], given.size)
        return
    with tempfile.TemporaryDirectory() as directory:
        export_network(given.config, given.base_filters, directory)
        compare(directory, given.slices, given.size)


if __name__ == "__main__":
    main()
