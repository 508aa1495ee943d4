"""Start a run on Vertex AI, and with --wait follow it to its end."""

import argparse
from typing import Any, Final

from lungct.exit_status import EXIT_INTERRUPTED
from pipeline.vertex_config import VertexConfig
from runner.cloud.arguments import add_job_arguments
from runner.cloud.jobs import console_link, new_job_id, pipeline_job
from runner.cloud.sending import prepared_job
from runner.cloud.service import Timing, ask, pipeline_client
from runner.cloud.states import follow
from runner.exit_status import EXIT_OK

DEFAULT_WAIT_MINUTES: Final = 24 * 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_job_arguments(parser)
    parser.add_argument(
        "--wait", action="store_true", help="follow the run to its end, and end with its status"
    )
    parser.add_argument(
        "--wait-minutes",
        type=_minutes,
        default=DEFAULT_WAIT_MINUTES,
        metavar="N",
        help="how long --wait follows it; the run goes on; default %(default)s",
    )


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected minutes above 0, got {text!r}")
    return value


def run(parsed: argparse.Namespace, timing: Timing | None = None) -> int:
    """Starts a run, and returns the exit status.

    Args:
        parsed: The command line.
        timing: How long is waited; None for the usual.

    Raises:
        ConfigError: The configuration can't be used.
        ParameterError: There is no such parameter.
        ServiceError: Vertex AI did not do what was asked.
        UsageError: A parameter or a compiled job can't be used.
    """
    timing = timing or Timing()
    config, job = prepared_job(parsed)
    place: VertexConfig = config.vertex
    client, number = pipeline_client(place), new_job_id(config.name)
    created = create(client, pipeline_job(job, place), number, place, timing)
    link = console_link(place, "runs", number)
    print(f"{created.name}\n{link}", flush=True)
    if not parsed.wait:
        return EXIT_OK
    try:
        outcome = follow(client, created.name, place, timing, 60 * parsed.wait_minutes, _say)
    except KeyboardInterrupt:
        print(f"the run goes on: {link}")
        return EXIT_INTERRUPTED
    print(*outcome.lines, sep="\n")
    return outcome.status


def create(client: Any, job: Any, number: str, place: VertexConfig, timing: Timing) -> Any:
    """Creates a run, once, however often that has to be asked for.

    Args:
        client: That for runs.
        job: The message.
        number: The run's id.
        place: Where it goes.
        timing: How long is waited.

    Returns:
        The PipelineJob as the service has it.

    Raises:
        ServiceError: It was refused, or the service was not there for too long.
    """
    from google.api_core.exceptions import AlreadyExists

    parent = f"projects/{place.project}/locations/{place.region}"
    try:
        return ask(
            place,
            lambda **options: client.create_pipeline_job(
                parent=parent, pipeline_job=job, pipeline_job_id=number, **options
            ),
            timing,
        )
    except AlreadyExists:
        # An earlier request of ours got through, and its answer was lost.
        return ask(
            place,
            lambda **options: client.get_pipeline_job(
                name=f"{parent}/pipelineJobs/{number}", **options
            ),
            timing,
            reading=True,
        )


def _say(line: str) -> None:
    print(line, flush=True)
