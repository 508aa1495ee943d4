"""From a command line to the job that is sent."""

import argparse
import os
from typing import Any

from pipeline.config import Config
from runner.cloud.arguments import read_cloud_configuration, read_parameters
from runner.cloud.compilation import check_compilable, compiled_job
from runner.cloud.jobs import read_job, with_parameters
from runner.streams import quiet


def prepared_job(parsed: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The job of a command line with its parameters, compiled where no compiled one is named.

    Args:
        parsed: `config`, `overrides`, `job` and `parameters`.

    Returns:
        The configuration, with a section `vertex`, and the job as plain JSON.

    Raises:
        ConfigError: The configuration can't be used.
        ParameterError: There is no such parameter.
        UsageError: A parameter or a compiled job can't be used.
    """
    config, of_run = read_cloud_configuration(parsed)
    place: Any = config.vertex
    job = read_job(parsed.job, place) if parsed.job else _compiled(config)
    return config, with_parameters(job, of_run, read_parameters(parsed.parameters))


def _compiled(config: Config) -> dict[str, Any]:
    """The job, compiled now; in no file, which another command could replace before it is sent."""
    check_compilable(config)
    with quiet(os.devnull):
        return compiled_job(config)
