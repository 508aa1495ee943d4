"""Compiling a configuration of this machine as if its data lay in a bucket."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lungct.storage import is_remote
from pipeline.config import Config
from pipeline.data_config import DataConfig
from runner.emulation.machines import Machine
from runner.emulation.tasks import TaskError

_BUCKET: Final = "gs://noduleflow-emulated"
# Where a path of this machine seems to lie, and where it does.
LOCAL_PATHS: Final = {f"{_BUCKET}/local/": "/"}
# What a configuration without a section `vertex` is compiled with: none of it is reached.
STAND_IN: Final = (
    "vertex.project=noduleflow-emulated",
    "vertex.region=europe-west4",
    "vertex.image=localhost/noduleflow@sha256:" + 64 * "0",
    f"vertex.pipeline_root={_BUCKET}/root",
    f"vertex.push.bucket={_BUCKET}/serving",
)


@dataclass(frozen=True)
class Order:
    """What is to be compiled.

    Attributes:
        path: The configuration file.
        overrides: Those of the command line.
        config: What came of both.
        data: Its data, with the phantom where one stands in.
    """

    path: str
    overrides: Sequence[str]
    config: Config
    data: DataConfig

    def folders(self) -> tuple[str, ...]:
        """The folders of this machine that compiling and running read."""
        files = (self.path, self.data.checksums, self.config.split.table)
        outlines = (folder for root in self.data.roots for folder in root.outlines)
        places = [*(root.path for root in self.data.roots), *outlines]
        places += [os.path.dirname(os.path.abspath(file)) for file in files if file]
        return tuple(dict.fromkeys(place for place in places if not is_remote(place)))


def compile_job(order: Order, job_path: str, log_path: str, machine: Machine) -> None:
    """Compiles by `kubeflow_runner.py compile`, as a user would.

    Args:
        order: What is to be compiled.
        job_path: The file to write.
        log_path: Where what is printed goes.
        machine: Where to.

    Raises:
        TaskError: It failed.
    """
    changes = list(_changes(order))
    changed = {change.partition("=")[0] for change in changes}
    kept = [one for one in order.overrides if one.partition("=")[0].strip() not in changed]
    command = ["python", "kubeflow_runner.py", "compile", "--config", os.path.abspath(order.path)]
    command += ["--output", job_path]
    command += [part for one in (*kept, *changes) for part in ("--set", one)]
    status = machine.run(command, log_path)
    if status:
        raise TaskError(f"it ended with exit status {status}")


def _changes(order: Order) -> Iterator[str]:
    """Overrides by which the configuration compiles for the cloud."""
    if order.config.vertex is None:
        yield from STAND_IN
    roots = [dataclasses.asdict(root) for root in order.data.roots]
    for root in roots:
        root["path"] = _in_bucket(root["path"])
        root["outlines"] = [_in_bucket(folder) for folder in root["outlines"]]
    yield f"data.roots={json.dumps(roots)}"
    yield "data.with_phantom=false"
    files = {"data.checksums": order.data.checksums, "split.table": order.config.split.table}
    for key, path in files.items():
        if path:
            yield f"{key}={_in_bucket(path)}"


def _in_bucket(path: str) -> str:
    return path if is_remote(path) else f"{_BUCKET}/local{path}"
