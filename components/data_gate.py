"""DataGate: stops the run, with a table that a person can read, when the data must not be used."""

import dataclasses
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

from components.artifacts import DataVerdict, ScanRecords
from lungct.record import ScanRecord
from lungct.words import counted
from schema import features
from schema.files import SCANS_FILE, VERDICT_FILE

ANOMALIES_FILE = "SchemaDiff.pb"


class DataRefused(RuntimeError):
    """The data must not be used; the text is the table of what was found."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One reason to refuse the data.

    Attributes:
        check: What was checked, in a few words.
        subject: Split, patient or feature that it was found on.
        found: What was expected and what came.
    """

    check: str
    subject: str
    found: str


def check_splits(scans: Sequence[ScanRecord], splits: Sequence[str]) -> list[Finding]:
    """Checks that every split has patients and nodules, and no patient or scan is in two.

    Args:
        scans: The record of each scan found.
        splits: The splits that must be filled.

    Returns:
        What is wrong; empty when nothing is.
    """
    usable = [scan for scan in scans if scan.used]
    placed: dict[str, set[str]] = defaultdict(set)
    for scan in usable:
        placed[scan.patient_id].add(scan.split)
    findings = [
        Finding("one split per patient", patient, f"expected one split, got {sorted(found)}")
        for patient, found in sorted(placed.items())
        if len(found) > 1
    ]
    if len(placed) < len(splits):
        noun = "patient" if len(placed) == 1 else "patients"
        count = {0: "no", 1: "one"}.get(len(placed), str(len(placed)))
        words = {2: "two", 3: "three"}.get(len(splits), str(len(splits)))
        text = f"{count} {noun} can't fill {words} splits ({', '.join(splits)})"
        findings.append(Finding("patients", "all splits", text))
    findings += _check_voxels(usable)
    return findings + [f for split in splits for f in _check_split(usable, split)]


def _check_voxels(usable: Sequence[ScanRecord]) -> list[Finding]:
    """Finds the same voxels under two names in two splits."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for scan in usable:
        places[scan.voxels_sha256].setdefault(scan.split, scan.series_uid)
    return [
        Finding(
            "one split per scan",
            min(found.values()),
            "expected voxels of its own, got the same as "
            + " and ".join(f"{uid} in {split}" for split, uid in sorted(found.items())),
        )
        for digest, found in sorted(places.items())
        if digest and len(found) > 1
    ]


def _check_split(usable: Sequence[ScanRecord], split: str) -> list[Finding]:
    scans = [scan for scan in usable if scan.split == split]
    if not scans:
        return [Finding("scans in each split", split, "expected at least one scan, got none")]
    if not any(scan.nodules for scan in scans):
        found = f"expected at least one nodule, got none in {counted(len(scans), 'scan')}"
        return [Finding("nodules in each split", split, found)]
    return []


def check_quarantine(scans: Sequence[ScanRecord], max_fraction: float) -> list[Finding]:
    """Checks that not too many scans were lost.

    Args:
        scans: The record of each scan found.
        max_fraction: Largest share of quarantined scans that is allowed, 0..1.

    Returns:
        The share, and the scans with their reasons, when it is too large; else empty.
    """
    lost = [scan for scan in scans if not scan.used]
    if len(lost) <= max_fraction * len(scans):
        return []
    found = f"expected at most {max_fraction:.0%} of {counted(len(scans), 'scan')}, got {len(lost)}"
    named = [Finding("quarantined scan", scan.series_uid, scan.reason) for scan in lost]
    return [Finding("quarantined scans", "all splits", found), *named]


def check_anomalies(anomalies: Mapping[str, anomalies_pb2.Anomalies]) -> list[Finding]:
    """Lists what validation against the schema found.

    Args:
        anomalies: TFDV's anomalies by split.

    Returns:
        One finding per anomalous feature and one per anomaly of a whole split.
    """
    findings = []
    for split, found in sorted(anomalies.items()):
        if found.HasField("dataset_anomaly_info"):
            info = found.dataset_anomaly_info
            findings.append(Finding("schema", f"{split}, all features", info.description))
        for name, info in sorted(found.anomaly_info.items()):
            findings.append(Finding("schema", f"{split}, {name}", info.description))
    return findings


def findings_table(findings: Iterable[Finding]) -> str:
    """Lays findings out as a table of plain text, one line each."""
    rows = [("check", "where", "what was found")]
    rows += [(f.check, f.subject, " ".join(f.found.split())) for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


class DataGateSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of DataGate."""

    PARAMETERS = {
        "splits": component_spec.ExecutionParameter(type=str),
        "max_quarantined_fraction": component_spec.ExecutionParameter(type=float),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "scans": component_spec.ChannelParameter(type=ScanRecords),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {"verdict": component_spec.ChannelParameter(type=DataVerdict)}


class Executor(base_executor.BaseExecutor):
    """Reads the scans' records and the anomalies, writes the verdict or stops the run."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Lets the data through, or raises.

        Args:
            input_dict: `scans` and `anomalies`.
            output_dict: `verdict`.
            exec_properties: `splits` (names, comma separated), `max_quarantined_fraction`.

        Raises:
            DataRefused: If anything was found; the text is the table.
        """
        folder = artifact_utils.get_single_uri(input_dict["scans"])
        text = io_utils.read_string_file(os.path.join(folder, SCANS_FILE))
        scans = [ScanRecord.from_json(line) for line in text.splitlines()]
        splits = exec_properties["splits"].split(",")
        findings = check_splits(scans, splits)
        findings += check_quarantine(scans, exec_properties["max_quarantined_fraction"])
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        filled = [s for s in splits if s in {scan.split for scan in scans}]
        findings += check_anomalies(_read_anomalies(anomalies, filled))
        if findings:
            raise DataRefused(findings_table(findings))
        verdict = {"refused": False, "scans": len(scans), "splits": splits}
        path = os.path.join(artifact_utils.get_single_uri(output_dict["verdict"]), VERDICT_FILE)
        io_utils.write_string_file(path, json.dumps(verdict))


def _read_anomalies(
    artifact: types.Artifact, splits: Sequence[str]
) -> dict[str, anomalies_pb2.Anomalies]:
    """The anomalies by split; the index of a split is what was validated."""
    found = {}
    for split in splits:
        folder = artifact_utils.get_split_uri([artifact], features.index_split(split))
        path = os.path.join(folder, ANOMALIES_FILE)
        with fileio.open(path, "rb") as file:
            found[split] = anomalies_pb2.Anomalies.FromString(file.read())
    return found


class DataGate(base_component.BaseComponent):
    """Stops the run on anomalies, on a patient in two splits and on a split without a nodule."""

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        scans: types.BaseChannel,
        anomalies: types.BaseChannel,
        splits: Sequence[str],
        max_quarantined_fraction: float,
        code_hash: str,
    ) -> None:
        """Wires the gate.

        Args:
            scans: The record of each scan, from CtExampleGen.
            anomalies: What ExampleValidator found.
            splits: The splits that must be filled.
            max_quarantined_fraction: Largest share of quarantined scans, 0..1.
            code_hash: Hash of the code, for the cache.
        """
        spec = DataGateSpec(
            scans=scans,
            anomalies=anomalies,
            splits=",".join(splits),
            max_quarantined_fraction=max_quarantined_fraction,
            code_hash=code_hash,
            verdict=types.Channel(type=DataVerdict),
        )
        super().__init__(spec=spec)
