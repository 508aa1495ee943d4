"""`run.json`: what a run did, for machines."""

import contextlib
import dataclasses
import json
import os
from typing import Any

from lungct.files import whole_file
from lungct.record import OUTCOMES
from pipeline.code_hash import code_hash
from pipeline.config import Config
from pipeline.entry_points import RUN
from pipeline.evaluation import EvaluatedModel
from report.external import data_warnings, seen_patients
from schema import outputs
from schema.files import (
    COUNTS_FILE,
    DATA_FILE,
    MANIFEST_FILE,
    QUARANTINE_FILE,
    REPORT_FILE,
    RUN_FILE,
    SUMMARY_FILE,
    WARNINGS_FILE,
)
from schema.model_facts import DataFacts
from schema.versions import RUN_VERSION


@dataclasses.dataclass
class RunRecord:
    """What is known about a run so far; written whole at its end, however it ends.

    Attributes:
        config: The configuration.
        components: Seconds and whether cached, by component.
        outputs: Folder of each artifact, by "Component.key".
        pushed_path: Folder of the pushed model; None where nothing was pushed.
        error: What ended the run early, in one text; empty where nothing did.
        model: The pushed model that is evaluated; None where one is trained.
        baseline_path: Artifact of the model that it is compared with; None where there is none.
        notes: What components said for who watches, one line each.
    """

    config: Config
    components: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    outputs: dict[str, str] = dataclasses.field(default_factory=dict)
    pushed_path: str | None = None
    error: str = ""
    model: EvaluatedModel | None = None
    baseline_path: str | None = None
    notes: list[str] = dataclasses.field(default_factory=list)

    def as_json(self, exit_status: int) -> dict[str, Any]:
        """The record as plain JSON.

        Args:
            exit_status: What the process will end with.

        Returns:
            The evaluated model, components, artifacts, scans, metrics, gate, blessing, paths,
            configuration and code hash.
        """
        summary = self.summary()
        report = self.outputs.get(outputs.REPORT)
        manifest = self.outputs.get(outputs.MANIFEST)
        return {
            "version": RUN_VERSION,
            "exit_status": exit_status,
            "error": self.error or None,
            "evaluated_model": self.evaluated_model(),
            "components": self.components,
            "outputs": self.outputs,
            "baseline_path": self.baseline_path,
            "scans": {**self.counts(), "quarantine": self.quarantined()},
            "warnings": self.warnings(),
            "notes": self.notes,
            "manifest_path": manifest and os.path.join(manifest, MANIFEST_FILE),
            "metrics": summary.get("metrics", []),
            "gate": summary.get("gate", []),
            "blessed": summary.get("blessed"),
            "pushed_path": self.pushed_path,
            "report_path": report and os.path.join(report, REPORT_FILE),
            "configuration": self.config.described(),
            "code_hash": code_hash(RUN),
        }

    def summary(self) -> dict[str, Any]:
        """The report's summary; empty where the run did not come that far."""
        folder = self.outputs.get(outputs.REPORT)
        if folder is None:
            return {}
        with open(os.path.join(folder, SUMMARY_FILE), encoding="utf-8") as file:
            content: dict[str, Any] = json.load(file)
        return content

    def evaluated_model(self) -> dict[str, Any] | None:
        """Which model is evaluated, and how many of today's patients it was made with, by split."""
        if self.model is None:
            return None
        seen = seen_patients(self.model.facts.data, self._data_facts())
        return {
            "path": self.model.folder,
            "code_hash": self.model.facts.code_hash,
            "data_sha256": self.model.facts.data.data_sha256,
            "seen_patients": seen,
        }

    def counts(self) -> dict[str, int]:
        """The scans by outcome; zeros where the run did not come that far."""
        folder = self.outputs.get(outputs.QUARANTINE)
        if folder is None:
            return dict.fromkeys(("found", *OUTCOMES), 0)
        with open(os.path.join(folder, COUNTS_FILE), encoding="utf-8") as file:
            content: dict[str, int] = json.load(file)
        return content

    def warnings(self) -> list[str]:
        """The warnings on model and data together, and those of tables and folders."""
        folder = self.outputs.get(outputs.SCANS)
        if folder is None:
            return []
        with open(os.path.join(folder, WARNINGS_FILE), encoding="utf-8") as file:
            found = list(json.load(file)["warnings"])
        if self.model is None:
            return found
        return [*data_warnings(self.model.facts.data, self._data_facts()), *found]

    def quarantined(self) -> list[dict[str, str]]:
        """Series and reason of each scan that can't be used."""
        folder = self.outputs.get(outputs.QUARANTINE)
        if folder is None:
            return []
        with open(os.path.join(folder, QUARANTINE_FILE), encoding="utf-8") as file:
            lost = [json.loads(line) for line in file]
        return [{"series_uid": scan["series_uid"], "reason": scan["reason"]} for scan in lost]

    def _data_facts(self) -> DataFacts:
        """What the examples were made from; nothing where the run did not come that far."""
        folder = self.outputs.get(outputs.EXAMPLES)
        if folder is None:
            return DataFacts()
        with open(os.path.join(folder, DATA_FILE), encoding="utf-8") as file:
            return DataFacts.from_json(file.read())


def write_run_record(record: RunRecord, exit_status: int) -> str:
    """Writes `run.json`, whole or not at all.

    Args:
        record: What is known.
        exit_status: What the process will end with.

    Returns:
        The path.
    """
    path = os.path.join(record.config.output, RUN_FILE)
    text = json.dumps(record.as_json(exit_status), indent=2)
    with whole_file(path) as file:
        file.write(text.encode())
    return path


def discard_run_record(folder: str) -> None:
    """Removes the record of an earlier run, so that it is not taken for this run's."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(folder, RUN_FILE))
