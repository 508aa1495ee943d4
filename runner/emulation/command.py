"""Runs a compiled job on this machine, task by task, without a bill: `emulate`.

Every task is the command that the job names, with the input that Vertex AI would give it.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from pipeline.config import Config
from pipeline.loading import load_config
from runner.arguments import DEFAULT_CONFIG, add_configuration_arguments, add_place_arguments
from runner.cloud.arguments import read_parameters
from runner.emulation.compiling import LOCAL_PATHS, Order
from runner.emulation.counterparts import LocalJob, on_this_machine
from runner.emulation.job import local_paths, remote_parameters
from runner.emulation.job_file import BUCKET_FOLDER, pipeline_root, read_job
from runner.emulation.machines import Machine, image_machine, this_machine
from runner.emulation.parameters import with_parameters
from runner.exit_status import EXIT_ERROR
from runner.streams import open_stream
from runner.usage import UsageError, check_data, default_output, lock_output, output_folder

if TYPE_CHECKING:
    from runner.emulation.session import Session

HELP: Final = """exit status: 0 all tasks ended well, and the model was blessed if one was judged,
2 usage, configuration or a job that can't be run here, 3 not blessed, 1 a task failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `emulate`."""
    parser.epilog = HELP
    text = "a compiled job; without it --config is compiled first"
    parser.add_argument("job", metavar="JOB", nargs="?", help=text)
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    add_place_arguments(
        parser,
        "without it a phantom is made where the configuration names none",
        "stands in for the bucket, and keeps logs and metadata; default: output/NAME-emulated",
    )
    text = "run every command inside this image, by buildah, podman or docker"
    parser.add_argument("--image", metavar="IMAGE", help=text)
    _add_repeated(parser, "--parameter", "NAME=VALUE", "value of a runtime parameter of the job")
    text = "folder of this machine that stands in for a place in a bucket"
    _add_repeated(parser, "--local", "gs://PLACE=DIR", text)


def _add_repeated(parser: argparse.ArgumentParser, name: str, form: str, text: str) -> None:
    help_text = f"{text}; repeat for more"
    parser.add_argument(name, action="append", default=[], metavar=form, help=help_text)


def run(parsed: argparse.Namespace) -> int:
    """Runs the job and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If what is asked for can't be done.
    """
    places = _places(parsed.local)
    config = _configuration(parsed) if parsed.job is None else None
    output = _output(parsed, config)
    from runner.emulation.session import Session

    with lock_output(output), open_stream(os.dup(1), sys.stdout.encoding) as stream:
        session = Session(output, stream)
        if config is None:
            return _run_job(parsed, places, session)
        order = Order(parsed.config, parsed.overrides, config, session.complete(config.data))
        with _machine(parsed.image, output, order.folders()) as machine:
            job_path = session.compile(order, machine)
            if job_path is None:
                return EXIT_ERROR
            local = _local_job(job_path, {**places, **LOCAL_PATHS}, parsed.parameter, output)
            return session.run(local, machine)


def _run_job(parsed: argparse.Namespace, places: Mapping[str, str], session: "Session") -> int:
    local = _local_job(parsed.job, places, parsed.parameter, session.output)
    with _machine(parsed.image, session.output, local_paths(local.job)) as machine:
        return session.run(local, machine)


def _configuration(parsed: argparse.Namespace) -> Config:
    check_data(parsed.data or ())
    config = load_config(parsed.config, parsed.overrides, data__roots=parsed.data)
    try:
        config.check_data()
    except ValueError as error:
        raise UsageError(f"{parsed.config}: {error}; --data names data") from None
    return config


def _output(parsed: argparse.Namespace, config: Config | None) -> str:
    if parsed.output:
        return output_folder(parsed.output)
    if config is not None:
        return output_folder(f"{default_output(config)}-emulated")
    name, _ = os.path.splitext(os.path.basename(parsed.job))
    return output_folder(os.path.join("output", f"{name}-emulated"))


def _places(given: Sequence[str]) -> dict[str, str]:
    """Places in buckets and the folders that stand in for them."""
    places = {}
    for text in given:
        place, separator, folder = text.partition("=")
        if not separator or not place.startswith("gs://") or not os.path.isdir(folder):
            raise UsageError(f"--local: expected gs://PLACE=DIR with a folder, got {text}")
        places[place.rstrip("/")] = os.path.abspath(folder)
    return places


def _local_job(
    job_path: str, places: Mapping[str, str], parameters: list[str], output: str
) -> LocalJob:
    """The job as it runs here.

    Raises:
        UsageError: It can't be read, or something of it would be in a bucket still.
    """
    bucket = os.path.join(output, BUCKET_FOLDER)
    job = read_job(job_path, {pipeline_root(job_path): bucket, **places})
    job = with_parameters(job, read_parameters(parameters))
    local = on_this_machine(job, os.path.join(output, "serving", job.name))
    if left := remote_parameters(local.job):
        expected = "expected --local gs://PLACE=DIR for all that lies in a bucket"
        raise UsageError(f"{job_path}: {expected}, got {', '.join(left[:3])}")
    return local


def _machine(
    image: str | None, output: str, folders: Sequence[str]
) -> AbstractContextManager[Machine]:
    if image is None:
        return nullcontext(this_machine())
    return image_machine(image, output, folders)
