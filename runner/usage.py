"""What several commands make of their command line: configuration, output folder, its lock."""

import argparse
import fcntl
import os
from collections.abc import Iterable
from typing import IO

from lungct.storage import is_folder
from pipeline.config import OTHER_DATA, Config
from pipeline.data_config import absolute
from pipeline.loading import load_config


class UsageError(ValueError):
    """The command line asks for what can't be done."""


def read_configuration(arguments: argparse.Namespace, context: str | None = None) -> Config:
    """Reads the configuration that a command line names; its output folder is left empty.

    Args:
        arguments: `config`, `overrides` and `data`.
        context: As `load_config` takes it.

    Raises:
        ConfigError: If it is not valid.
        UsageError: If a data folder is not there, or the configuration is for another platform.
    """
    check_data(arguments.data or ())
    config = load_config(arguments.config, arguments.overrides, context, data__roots=arguments.data)
    if context != OTHER_DATA:
        try:
            config.check_data()
        except ValueError as error:
            raise UsageError(f"{arguments.config}: {error}; --data names data") from None
    if config.vertex is not None:
        raise UsageError(f"{arguments.config} is for Vertex AI: use kubeflow_runner.py")
    return config


def check_data(roots: Iterable[str]) -> None:
    """Refuses data folders that are not there.

    Raises:
        UsageError: If one is not.
    """
    for root in roots:
        if not is_folder(root):
            raise UsageError(f"--data: expected a folder of scans, got {root}")


def default_output(config: Config) -> str:
    """Where a configuration's runs write where no folder is named."""
    return os.path.join("output", config.name)


def output_folder(place: str) -> str:
    """The folder that a run writes to, from the root of this machine.

    Raises:
        UsageError: If TFX could not use it.
    """
    try:
        return absolute(place)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None


def lock_output(output: str) -> IO[str]:
    """Makes the output folder and keeps a second run out of it.

    Raises:
        UsageError: If another run is using it, or it can't be written to.
    """
    try:
        os.makedirs(output, exist_ok=True)
        lock = open(os.path.join(output, ".lock"), "w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"--output: another run is using {output}") from None
    except OSError as error:
        raise UsageError(f"--output: can't write to {output}: {error.strerror}") from None
    return lock
