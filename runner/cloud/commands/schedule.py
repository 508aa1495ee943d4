"""Have Vertex AI start a run again and again."""

import argparse
from typing import Any

from pipeline.vertex_config import VertexConfig
from runner.cloud.arguments import add_job_arguments
from runner.cloud.cron import schedule_time
from runner.cloud.jobs import console_link, pipeline_job
from runner.cloud.sending import prepared_job
from runner.cloud.service import (
    ServiceError,
    Timing,
    ask,
    attempt_limit,
    backoff,
    explained,
    is_passing,
    schedule_client,
)
from runner.exit_status import EXIT_OK
from runner.usage import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_job_arguments(parser)
    parser.add_argument(
        "--cron",
        required=True,
        metavar="TEXT",
        help="when: minute, hour, day of the month, month, day of the week, as in '0 3 * * 1'",
    )
    parser.add_argument(
        "--timezone", default="Etc/UTC", metavar="NAME", help="of --cron; default %(default)s"
    )
    parser.add_argument(
        "--name", metavar="TEXT", help="of the schedule; default: name of the configuration"
    )


def run(parsed: argparse.Namespace, timing: Timing | None = None) -> int:
    """Makes a schedule, and returns the exit status.

    Args:
        parsed: The command line.
        timing: How long is waited; None for the usual.

    Raises:
        ConfigError: The configuration can't be used.
        ParameterError: There is no such parameter.
        ServiceError: Vertex AI did not do what was asked.
        UsageError: A parameter, a compiled job or a time can't be used, or there is a schedule of
            this name.
    """
    when = schedule_time(parsed.cron, parsed.timezone)
    config, job = prepared_job(parsed)
    place: VertexConfig = config.vertex
    client = schedule_client(place)
    name = parsed.name or config.name
    wanted = schedule_of(pipeline_job(job, place), name, when, place)
    created = create(client, wanted, place, timing or Timing())
    print(f"{created.name}\n{console_link(place, 'schedules', created.name.rpartition('/')[2])}")
    return EXIT_OK


def schedule_of(job: Any, name: str, when: str, place: VertexConfig) -> Any:
    """The message of a schedule: one run at a time, and none is made up for later.

    Args:
        job: The message of the job.
        name: Of the schedule.
        when: As Vertex AI takes it.
        place: Where it goes.
    """
    from google.cloud.aiplatform_v1.types import CreatePipelineJobRequest, Schedule

    return Schedule(
        display_name=name,
        cron=when,
        max_concurrent_run_count=1,
        create_pipeline_job_request=CreatePipelineJobRequest(
            parent=_parent(place), pipeline_job=job
        ),
    )


def create(client: Any, wanted: Any, place: VertexConfig, timing: Timing) -> Any:
    """Makes a schedule, once: Vertex AI takes no name for it that would tell a repeated request.

    Args:
        client: That for schedules.
        wanted: The message.
        place: Where it goes.
        timing: How long is waited.

    Returns:
        The schedule as the service has it.

    Raises:
        ServiceError: It was refused, or the service was not there for too long.
        UsageError: There is one of this name.
    """
    from google.api_core.exceptions import GoogleAPICallError

    found = find(client, wanted.display_name, place, timing)
    if found is not None:
        raise UsageError(f"--name: expected a new name, got {wanted.display_name} of {found.name}")
    pause = backoff(timing)
    while True:
        try:
            return client.create_schedule(
                parent=_parent(place),
                schedule=wanted,
                timeout=attempt_limit(timing),
                retry=None,
            )
        except GoogleAPICallError as error:
            if not is_passing(error) or pause() > timing.patience_s:
                raise ServiceError(explained(error, place)) from None
        # The request may have got through, and its answer been lost.
        found = find(client, wanted.display_name, place, timing)
        if found is not None:
            return found


def find(client: Any, name: str, place: VertexConfig, timing: Timing) -> Any:
    """The schedule of a name that is not completed; None where there is none."""
    listed = ask(
        place,
        lambda **options: client.list_schedules(
            request={"parent": _parent(place), "filter": f'display_name="{name}"'}, **options
        ),
        timing,
        reading=True,
    )
    alive = (one for one in listed if one.state.name != "COMPLETED" and one.display_name == name)
    return next(alive, None)


def _parent(place: VertexConfig) -> str:
    return f"projects/{place.project}/locations/{place.region}"
