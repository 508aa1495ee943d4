"""A run that came to its end, as its output folder has it; nothing of TFX is needed to read it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.exit_status import EXIT_BLESSED, EXIT_NOT_BLESSED
from runner.usage import UsageError
from schema.files import RUN_FILE
from schema.versions import OLDEST_RUN, RUN_VERSION, check_version


@dataclass(frozen=True)
class FinishedRun:
    """A run or an evaluation.

    Attributes:
        folder: Its output folder.
        record: What `run.json` says.
    """

    folder: str
    record: Mapping[str, Any]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The configuration, by section."""
        found: Mapping[str, Any] = self.record["configuration"]
        return found

    def artifact(self, name: str) -> str:
        """The folder of an artifact, also where the output folder was moved since.

        Args:
            name: One of `schema.outputs`.

        Raises:
            UsageError: If the run has none, or it was removed.
        """
        uri = self.record.get("outputs", {}).get(name)
        if uri is None:
            raise UsageError(f"expected a run with {name}, got none in {self.folder}")
        place = self.moved(uri)
        if not os.path.isdir(place):
            raise UsageError(f"expected {name} of {self.folder}, got no folder {place}")
        return place

    def moved(self, path: str) -> str:
        """Where a path of the record is now."""
        inside = os.path.relpath(path, self.configuration["output"])
        return path if inside.startswith("..") else os.path.join(self.folder, inside)

    def has(self, name: str) -> bool:
        """Whether the run made an artifact."""
        return name in self.record.get("outputs", {})


def read_finished(folder: str) -> FinishedRun:
    """Reads the record of a run.

    Args:
        folder: Its output folder.

    Raises:
        UsageError: If it holds no run that came to its end.
    """
    place = os.path.abspath(folder)
    expected = f"expected the output folder of a finished run, got {folder}"
    try:
        with open(os.path.join(place, RUN_FILE), encoding="utf-8") as file:
            record = json.load(file)
        status = record["exit_status"]
        version = record.get("version", OLDEST_RUN)
    except OSError as error:
        raise UsageError(f"{expected}: {RUN_FILE}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{expected}: {RUN_FILE} is no record of a run") from None
    try:
        check_version(version, OLDEST_RUN, RUN_VERSION, RUN_FILE)
    except ValueError as error:
        raise UsageError(f"{expected}: {error}") from None
    if status not in (EXIT_BLESSED, EXIT_NOT_BLESSED):
        raise UsageError(f"{expected}: it ended early: {record.get('error')}")
    return FinishedRun(place, record)
