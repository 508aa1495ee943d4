"""What grows with the number of scans in the steps that see all of them at once.

Usage: python -m benchmarks.scale [--scans 4] [--shape 60 128 128] [--to 888 10000 1000000]

Makes phantom scans, lists them and converts one as ingest does, and prints bytes a scan of: the
task that travels in the job's graph, the record that one worker gathers from all, and the index
that Transform and the Trainer read; and each of them for other numbers of scans. The index grows
with the slices of a scan, the others do not with its size.
"""

import argparse
import pickle
from pathlib import Path

from benchmarks.machine import whole_number
from benchmarks.phantom_scans import SEED
from components.ct_example_gen.conversion import convert_scan
from components.ct_example_gen.request import Request, list_tasks
from components.whole_files import packed_rows
from lungct.grid import Grid
from lungct.roots import DataRoot
from phantom.order import Order
from phantom.writer import make_phantoms
from schema.hyperparameters import Intensity
from schema.splits import SplitRule

# https://cloud.google.com/dataflow/quotas: the largest description of a job.
GRAPH_BYTES = 10_000_000


def bytes_a_scan(root: str) -> dict[str, float]:
    """Bytes by what grows, for each scan of a data root."""
    request = Request((DataRoot(root),), SplitRule(), Grid((1.25, 0.7, 0.7)), Intensity())
    tasks, _ = list_tasks(request)
    record, examples = convert_scan(tasks[0], request.grid, request.intensity)
    rows = [example.row(0, len(example.record)) for example in examples]
    return {
        # Each by itself, as Beam encodes them.
        "task in the graph of the job": sum(len(pickle.dumps(one)) for one in tasks) / len(tasks),
        "record, gathered by one worker": len(record.to_json()),
        f"index, {len(rows)} slices": len(packed_rows(rows)),
    }


def print_growth(found: dict[str, float], scans: list[int]) -> None:
    """Prints a line for each, and how many scans a job's graph can hold."""
    print(f"{'bytes':34}{'a scan':>10}" + "".join(f"{count:>14,}" for count in scans))
    for name, each in found.items():
        print(f"{name:34}{each:10,.0f}" + "".join(f"{each * one:14,.0f}" for one in scans))
    fitting = GRAPH_BYTES / next(iter(found.values()))
    print(f"a graph of {GRAPH_BYTES / 1e6:g} MB holds at most {fitting:,.0f} tasks")


def main() -> None:
    """Prints all figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, default=4, metavar="N")
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[60, 128, 128], metavar="N")
    parser.add_argument("--to", type=whole_number, nargs="+", default=[888, 10_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-scale"))
    given = parser.parse_args()
    order = Order(given.scans, SEED, tuple(given.shape))
    root = given.folder / order.folder
    make_phantoms(str(root), order)
    print_growth(bytes_a_scan(str(root)), given.to)


if __name__ == "__main__":
    main()
