"""Arguments that the commands of kubeflow_runner.py share, and what becomes of them."""

import argparse
from typing import Final

from pipeline.cloud_names import CLOUD
from pipeline.config import Config
from pipeline.loading import load_config
from pipeline.run_parameters import overrides_of
from runner.arguments import add_configuration_arguments
from runner.usage import UsageError

DEFAULT_CONFIG: Final = "configs/vertex.yaml"
DEFAULT_JOB: Final = "output/vertex.json"


def add_parameter_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--parameter`."""
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="parameters",
        help="value of a parameter of the job: data_root, epochs, push (true or false), "
        "gate_bounds.NAME for the bound of a criterion; repeat for more",
    )


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what a job is made of: `--config`, `--set`, `--job` and `--parameter`."""
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    parser.add_argument(
        "--job",
        metavar="FILE",
        help="a job compiled before, for Vertex AI; without it the configuration is compiled",
    )
    add_parameter_argument(parser)


def read_parameters(given: list[str]) -> dict[str, str]:
    """Parameters of a command line.

    Args:
        given: `NAME=VALUE` texts.

    Raises:
        UsageError: One is none, or a name is given twice.
    """
    parameters: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"--parameter: expected NAME=VALUE, got {text!r}")
        if name in parameters:
            raise UsageError(f"--parameter {text}: expected each name once, got {name} before")
        parameters[name] = value
    return parameters


def read_cloud_configuration(arguments: argparse.Namespace) -> tuple[Config, Config]:
    """The configuration that a command line names, ready for Google Cloud.

    Args:
        arguments: `config`, `overrides` and `parameters`.

    Returns:
        The configuration to compile, and the same with the parameters of the run: by its own rules
        these are good values too.

    Raises:
        ConfigError: It can't be used; all its faults are told.
        ParameterError: There is no such parameter.
        UsageError: A parameter is malformed.
    """
    parameters = read_parameters(arguments.parameters)
    config = load_config(arguments.config, arguments.overrides, CLOUD)
    if not parameters:
        return config, config
    changed = overrides_of(config, parameters)
    keys = {override.partition("=")[0] for override in changed}
    kept = [one for one in arguments.overrides if one.partition("=")[0].strip() not in keys]
    return config, load_config(arguments.config, [*kept, *changed], CLOUD)
