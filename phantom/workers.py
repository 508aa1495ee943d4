"""Phantom scans made by several processes.

Each process is a fresh interpreter with one thread: nothing of the parent is forked (it may run
TensorFlow's threads) and nothing of its main module is imported again.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_workers(
    folder: str, seed: int, shape: tuple[int, int, int], indices: list[int], workers: int
) -> Iterator[int]:
    """Makes the scans of these indices in `workers` processes; yields each index when done.

    Raises:
        RuntimeError: A process failed; the text is the last line that it wrote.
    """
    if not indices:
        return
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    environment["PYTHONPATH"] = path
    reader, writer = os.pipe()
    started: list[subprocess.Popen[str]] = []
    try:
        for part in (indices[n::workers] for n in range(min(workers, len(indices)))):
            words = [folder, str(seed), ",".join(map(str, shape)), ",".join(map(str, part))]
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "phantom.worker", *words],
                    env=environment,
                    stdout=writer,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        os.close(writer)
        with os.fdopen(reader) as finished:
            yield from (int(line) for line in finished)
        _check(started)
    finally:
        for process in started:
            process.kill()
            process.wait()


def _check(processes: list[subprocess.Popen[str]]) -> None:
    """Raises RuntimeError where a process failed."""
    for process in processes:
        complaint = process.stderr.read() if process.stderr else ""
        if process.wait():
            last = (complaint.strip().splitlines() or ["nothing on stderr"])[-1]
            raise RuntimeError(f"a phantom process ended with {process.returncode}: {last}")
