"""From a command line to the job that is sent."""

import argparse
import os
from typing import Any

from pipeline.config import Config
from runner.cloud.arguments import DEFAULT_JOB, read_cloud_configuration, read_parameters
from runner.cloud.compilation import compile_pipeline
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
        OSError: The job can't be written.
    """
    config, of_run = read_cloud_configuration(parsed)
    path = parsed.job or _compiled(config)
    place: Any = config.vertex
    job = with_parameters(read_job(path, place), of_run, read_parameters(parsed.parameters))
    return config, job


def _compiled(config: Config) -> str:
    """The path of the job, compiled now."""
    with quiet(os.devnull):
        compile_pipeline(config, DEFAULT_JOB)
    return DEFAULT_JOB
