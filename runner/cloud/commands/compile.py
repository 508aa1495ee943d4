"""Write the pipeline as a job, without network and credentials."""

import argparse
import os

from runner.arguments import add_configuration_arguments
from runner.cloud.arguments import (
    DEFAULT_CONFIG,
    DEFAULT_JOB,
    add_parameter_argument,
    read_cloud_configuration,
)
from runner.cloud.compilation import TARGETS, VERTEX, compile_pipeline
from runner.exit_status import EXIT_OK
from runner.streams import quiet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    parser.add_argument("--output", metavar="FILE", default=DEFAULT_JOB, help="default %(default)s")
    parser.add_argument(
        "--target",
        choices=TARGETS,
        default=VERTEX,
        help="vertex: a PipelineJob as JSON; kfp: YAML for Kubeflow Pipelines 2; "
        "default %(default)s",
    )
    add_parameter_argument(parser)


def run(parsed: argparse.Namespace) -> int:
    """Compiles, and returns the exit status.

    Raises:
        ConfigError: The configuration can't be used.
        ParameterError: There is no such parameter.
        UsageError: A parameter is malformed.
        OSError: The file can't be written.
    """
    _, config = read_cloud_configuration(parsed)
    with quiet(os.devnull):
        compile_pipeline(config, parsed.output, parsed.target)
    print(f"{config.name}: {parsed.output}")
    return EXIT_OK
