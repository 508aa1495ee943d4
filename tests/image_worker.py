"""Runs CtExampleGen with its work on a Beam worker in another container: `make image-test`.

Usage: python -m tests.image_worker FOLDER       FOLDER is one that both containers see

The worker's container was started with `--worker_pool`, which listens on port 50000. Beam's own job
server runs in this one, so that both are of the image's version of Beam.
"""

import json
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

from phantom.order import Order
from phantom.writer import make_phantoms
from pipeline.config import Config
from pipeline.pipeline import create_ingest
from runner.local_dag import NodeResult, ObservedDagRunner
from schema.files import SCANS_FILE
from tests.crash import GATE, GRID

SCANS = Order(scans=3, seed=1, shape=(48, 96, 96))
POOL = "localhost:50000"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        return int(listening.getsockname()[1])


def ingest(root: Path, output: Path, job_port: int) -> list[str]:
    """Runs the component on the worker, and gives what became of each scan."""
    beam = (
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{job_port}",
        "--environment_type=EXTERNAL",
        f"--environment_config={POOL}",
        # An image that is named keeps TFX from packing up its own code for the workers.
        "--sdk_container_image=none",
    )
    config = Config.model_validate(
        {
            "output": str(output),
            "data": {"roots": [{"path": str(root)}]},
            "grid": GRID,
            "training": {"crop_size": 32},
            "gate": GATE,
            "beam": {"args": beam},
        }
    )
    output.mkdir()
    results: list[NodeResult] = []
    ObservedDagRunner(lambda name: None, results.append).run(create_ingest(config))
    (table,) = output.glob(f"artifacts/CtExampleGen/scans/*/{SCANS_FILE}")
    return [str(json.loads(line)["outcome"]) for line in table.read_text().splitlines()]


def main() -> None:
    """Makes phantoms, runs, and ends with status 1 unless every scan was accepted."""
    folder = Path(sys.argv[1])
    make_phantoms(str(folder / "phantoms"), SCANS)
    port = free_port()
    server = "apache_beam.runners.portability.local_job_service_main"
    with subprocess.Popen([sys.executable, "-m", server, "--port", str(port)]) as process:
        try:
            found = Counter(ingest(folder / "phantoms", folder / "ingested", port))
        finally:
            process.terminate()
    print(f"scans through the worker: {dict(found)}")
    if found != {"accepted": SCANS.scans}:
        sys.exit(f"expected {SCANS.scans} accepted scans, got {dict(found)}")


if __name__ == "__main__":
    main()
