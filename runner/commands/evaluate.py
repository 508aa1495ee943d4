"""Judges a pushed model on data that it never saw, without training and without a push.

All scans count: they are the eval split. Working grid and both thresholds are those of the model,
whatever the configuration says; of the gate those criteria count that are about figures of the eval
split, and of data roots that are judged.
"""

import argparse
import json
import os
from collections.abc import Sequence

from lungct.command_line import Parser
from pipeline.config import OTHER_DATA, Config
from pipeline.evaluation import EvaluatedModel, evaluation_config
from runner.arguments import (
    DEFAULT_CONFIG,
    add_configuration_arguments,
    add_place_arguments,
)
from runner.streams import quiet
from runner.usage import UsageError, default_output, lock_output, output_folder, read_configuration
from schema.files import RUN_FILE

HELP = """exit status: 0 gate passed, 2 usage or configuration, 3 gate not passed, 4 data refused,
1 anything else. OUTPUT/run.json says the same for machines."""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads what follows `evaluate`; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py evaluate", description=__doc__, epilog=HELP)
    parser.add_argument(
        "--model",
        metavar="DIR",
        required=True,
        help="folder of a SavedModel with its model.json, or one of numbered versions",
    )
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    add_place_arguments(
        parser,
        "without it that of the configuration",
        "default: output/NAME-evaluation, by the name of the configuration",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Judges the model and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If what is asked for can't be done.
    """
    parsed = parse_arguments(arguments)
    config = read_configuration(parsed, OTHER_DATA)
    if not config.data.roots:
        raise UsageError(f"--data: expected a folder of scans, got none in {parsed.config} either")
    output = output_folder(parsed.output or f"{default_output(config)}-evaluation")
    refuse_training_run(output)
    model = read_model(parsed.model)
    config, notes = _for_evaluation(config, model)
    lock = lock_output(output)
    from runner.local_evaluation import LocalEvaluation

    with lock:
        config = config.model_copy(update={"output": output})
        return LocalEvaluation(config, model, notes).run()


def refuse_training_run(output: str) -> None:
    """Keeps the record of a run that trained from being replaced by that of an evaluation.

    Raises:
        UsageError: If the folder holds one.
    """
    try:
        with open(os.path.join(output, RUN_FILE), encoding="utf-8") as file:
            trained = json.load(file).get("evaluated_model") is None
    except (OSError, ValueError):
        return
    if trained:
        raise UsageError(f"--output: expected a folder without a run that trained, got {output}")


def read_model(folder: str) -> EvaluatedModel:
    """Reads the facts of the model that is named.

    Raises:
        UsageError: If there is no model, or nothing tells its facts.
    """
    try:
        with quiet(os.devnull):
            from serving.segment import newest_version
            from serving.served import read_facts

            found = newest_version(os.path.abspath(folder))
            return EvaluatedModel(found, read_facts(found))
    except ValueError as error:
        raise UsageError(f"--model: {error}") from None


def _for_evaluation(config: Config, model: EvaluatedModel) -> tuple[Config, tuple[str, ...]]:
    try:
        return evaluation_config(config, model.facts)
    except ValueError as error:
        raise UsageError(str(error)) from None
