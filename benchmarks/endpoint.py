"""A whole scan through an endpoint on this machine, beside the same model in this process.

Usage: python -m benchmarks.endpoint [--shape 300 512 512] [--config configs/demo.yaml]
       [--base-filters N] [--model DIR] [--data SCAN] [--max-request-mb 1.5]

The endpoint serves the exported model in a process of its own, as TF Serving would call it, and
refuses requests and answers that are larger than the limit. Without --model the network has learnt
nothing; its threshold is then such that a thousandth of the region is predicted.
"""

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.loopback_endpoint import LoopbackEndpoint, predict_of
from benchmarks.machine import processor, whole_number
from benchmarks.phantom_scans import phantom_headers
from benchmarks.untrained import export_network, thresholds_of, working_volume
from lungct.given_scans import find_given
from lungct.limits import LUNG
from lungct.roots import AUTO
from serving.endpoint import endpoint_of, open_endpoint
from serving.scan import ScanResult, segment_scan
from serving.served import read_facts
from serving.slabs import MOST_BYTES


@dataclass(frozen=True)
class Compared:
    """One scan by both ways.

    Attributes:
        here: By the model in this process.
        there: By the endpoint.
        requests: Bytes of each request.
        answers: Bytes of each answer.
    """

    here: ScanResult
    there: ScanResult
    requests: list[int]
    answers: list[int]

    @property
    def differing_voxels(self) -> int:
        """Voxels of the scan's own grid in which the masks differ."""
        return int(np.count_nonzero(self.here.mask != self.there.mask))


def compare(folder: str, scan: str, most_bytes: int, learnt: bool = False) -> Compared:
    """Segments a scan by both ways.

    Args:
        folder: An exported model.
        scan: A file or a folder that holds one scan.
        most_bytes: The endpoint's limit of requests and answers.
        learnt: Whether the model's own threshold is taken.
    """
    from serving.model import load_model

    (found,) = find_given([scan], AUTO, LUNG).scans
    model = load_model(folder)
    thresholds = None if learnt else thresholds_of(model, working_volume(found, model.facts.grid))
    here = segment_scan(found, model, thresholds)
    del model
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(folder, most_bytes, theirs))
    server.start()
    theirs.close()  # else nothing would say that the server has ended without a word
    try:
        endpoint = endpoint_of(ours.recv(), most_bytes)
        there = segment_scan(found, open_endpoint(endpoint, read_facts(folder)), thresholds)
        ours.send("what came")
        requests, answers = ours.recv()
    finally:
        ours.close()
        server.join()
    return Compared(here, there, requests, answers)


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as temporary:
        model = given.model or f"{temporary}/model"
        if not given.model:
            export_network(given.config, given.base_filters, model)
        scan = given.data or phantom_headers(given.folder, 1, given.shape)[0]
        begin = time.perf_counter()
        compared = compare(model, scan, round(given.max_request_mb * 1e6), bool(given.model))
        print_compared(compared)
        print(f"  all of it {time.perf_counter() - begin:.1f} s")


def print_compared(compared: Compared) -> None:
    """Prints the figures of one scan."""
    here, there = compared.here, compared.there
    shape, working = here.geometry.shape, here.working_geometry.shape
    print(f"{here.record.series_uid}: {shape} voxels, on the working grid {working}")
    for name, result in (("here", here), ("by the endpoint", there)):
        steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in result.done.seconds.items())
        print(f"  {name}: {result.record.seconds:.2f} s ({steps}), {len(result.nodules)} nodules")
    sent, came = sum(compared.requests) / 1e6, sum(compared.answers) / 1e6
    print(
        f"  {len(compared.requests)} requests of {sent:.1f} MB together, the largest "
        f"{max(compared.requests)} bytes; answers of {came:.1f} MB, the largest "
        f"{max(compared.answers)} bytes\n"
        f"  voxels in which the masks differ: {compared.differing_voxels}, of "
        f"{int(here.mask.sum())} that are predicted from {here.done.threshold:.2g} on",
        flush=True,
    )


def _serve(folder: str, most_bytes: int, pipe: Connection) -> None:
    """Serves a model until it is asked what came."""
    with LoopbackEndpoint(predict_of(folder), most_bytes) as server:
        pipe.send(server.url)
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send((server.requests, server.answers))


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--config", default="configs/demo.yaml", help="default %(default)s")
    parser.add_argument("--base-filters", type=whole_number, metavar="N")
    parser.add_argument("--model", default="", metavar="DIR", help="an exported model")
    parser.add_argument("--data", default="", metavar="SCAN", help="a scan in place of a phantom")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-endpoint"))
    parser.add_argument("--max-request-mb", type=float, default=MOST_BYTES / 1e6, metavar="MB")
    return parser.parse_args()


if __name__ == "__main__":
    main()
