"""CtExampleGen: CT scans in LUNA16 layout to tf.Examples, one Beam element per scan."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components import FileBasedExampleGen
from tfx.components.example_gen import base_example_gen_executor, driver, input_processor
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils

from components.artifacts import NOTES_FILE, SCANS_FILE, ScanReport
from components.conversion import ConvertScan
from components.examples import write_examples
from components.ingest import take_inventory
from components.storage import common_base
from lungct.grid import GridConfig

SCANS_KEY = "scans"
# Scans and tables below a root: a change of any of these files invalidates the cache.
ROOT_PATTERNS = ("subset*/*", "*.*")


def input_config(roots: Sequence[str]) -> tuple[str, example_gen_pb2.Input]:
    """Names the files whose change must invalidate the cache.

    Args:
      roots: Absolute data roots.

    Returns:
      The folder that holds all roots, and TFX's input configuration relative to it.

    Raises:
      ValueError: If there is no root, or the roots share no folder.
    """
    if not roots:
        raise ValueError(f"expected at least one data root, got {list(roots)}")
    base = common_base(roots)
    splits = []
    for number, root in enumerate(roots):
        inner = root.rstrip("/").removeprefix(base.rstrip("/")).lstrip("/")
        for kind, pattern in zip(("scans", "tables"), ROOT_PATTERNS, strict=True):
            splits.append(
                example_gen_pb2.Input.Split(
                    name=f"root{number}-{kind}", pattern=os.path.join(inner, pattern)
                )
            )
    return base, example_gen_pb2.Input(splits=splits)


class _InputProcessor(input_processor.FileBasedInputProcessor):
    """TFX's fingerprint knows sizes and whole seconds; this one also names and nanoseconds."""

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Returns TFX's fingerprint and a checksum of names, sizes and times of change."""
        coarse = super().get_input_fingerprint(span, version)
        stated = []
        for split in self._splits:
            for path in sorted(fileio.glob(os.path.join(self._input_base_uri, split.pattern))):
                stat = os.stat(path)
                stated.append(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}")
        return f"{coarse}\nfiles:{hashlib.sha256(chr(10).join(stated).encode()).hexdigest()}"


class Driver(driver.FileBasedDriver):
    """Sees any change of the input files; on Vertex TFX's own driver takes its place."""

    def get_input_processor(
        self, splits: Any, range_config: Any = None, input_base_uri: str | None = None
    ) -> input_processor.InputProcessor:
        """Returns the processor that computes the fingerprint."""
        return _InputProcessor(input_base_uri, splits, range_config)


class Executor(base_example_gen_executor.BaseExampleGenExecutor):
    """Lists the scans, has each converted by a worker, and writes what became of them."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:  # noqa: N802
        """Not used: scans become files of their own, see `Do`.

        Raises:
          NotImplementedError: Always.
        """
        raise NotImplementedError(f"{type(self).__name__} writes one file per scan in Do")

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Converts all scans.

        Each scan becomes one file of its split, written by the worker that read the scan: no
        slice travels through Beam, so that 888 scans need no more memory than one per worker.

        Args:
          input_dict: Empty.
          output_dict: `examples` and `scans`.
          exec_properties: `roots`, `grid` and `split` as JSON.

        Raises:
          TableError: If a table can't be trusted.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        inventory = take_inventory(
            json.loads(exec_properties["roots"]), json.loads(exec_properties["split"])
        )
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        splits = exec_properties["splits"].split(",")
        folders = _prepare(examples, splits)
        report = artifact_utils.get_single_uri(output_dict[SCANS_KEY])
        grid = GridConfig(**json.loads(exec_properties["grid"]))
        io_utils.write_string_file(os.path.join(report, NOTES_FILE), json.dumps(inventory.notes))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Scans" >> beam.Create(inventory.tasks)
                | "Spread" >> beam.Reshuffle()
                | "Convert" >> beam.ParDo(ConvertScan(folders, grid, len(inventory.tasks)))
                | "Gather" >> beam.combiners.ToList()
                | "Report" >> beam.Map(write_scan_records, os.path.join(report, SCANS_FILE))
            )
        for folder in folders.values():
            if not fileio.listdir(folder):
                write_examples(os.path.join(folder, "empty.tfrecord.gz"), [])


def _prepare(examples: types.Artifact, splits: Sequence[str]) -> dict[str, str]:
    """Declares the splits and makes their folders."""
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    folders = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
    for folder in folders.values():
        fileio.makedirs(folder)
    return folders


def write_scan_records(records: Sequence[Mapping[str, Any]], path: str) -> None:
    """Writes what became of each scan, ordered by series, one JSON object per line."""
    ordered = sorted(records, key=lambda record: str(record["series_uid"]))
    lines = [json.dumps(record, sort_keys=True) for record in ordered]
    io_utils.write_string_file(path, "\n".join(lines) + "\n")


class CtExampleGenSpec(component_spec.ComponentSpec):
    """FileBasedExampleGen's specification with our parameters and the scans' records."""

    PARAMETERS = {
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        "roots": component_spec.ExecutionParameter(type=str),
        "grid": component_spec.ExecutionParameter(type=str),
        "split": component_spec.ExecutionParameter(type=str),
        "splits": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.FileBasedExampleGenSpec.INPUTS
    OUTPUTS = {
        **standard_component_specs.FileBasedExampleGenSpec.OUTPUTS,
        SCANS_KEY: component_spec.ChannelParameter(type=ScanReport),
    }


@dataclasses.dataclass(frozen=True)
class Ingest:
    """What CtExampleGen needs to know, as plain values.

    Attributes:
      roots: Absolute data roots in LUNA16 layout.
      grid: Fields of `lungct.grid.GridConfig`.
      split: Arguments of `components.splits.patient_split` without the patient.
      splits: Names of the splits to write.
      code_hash: Hash of the source that converts scans, for the cache.
    """

    roots: Sequence[str]
    grid: Mapping[str, Any]
    split: Mapping[str, Any]
    splits: Sequence[str]
    code_hash: str


class CtExampleGen(FileBasedExampleGen):
    """Reads CT scans with their annotations and writes tf.Examples split by patient.

    Outputs: `examples` (one file per scan) and `scans` (what became of each scan found).
    """

    SPEC_CLASS = CtExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, ingest: Ingest) -> None:
        """Wires the component.

        Args:
          ingest: What to read and how to convert it.
        """
        base, files = input_config(ingest.roots)
        names = [example_gen_pb2.SplitConfig.Split(name=s, hash_buckets=1) for s in ingest.splits]
        spec = CtExampleGenSpec(
            input_base=base,
            input_config=files,
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=names)
            ),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            roots=json.dumps(list(ingest.roots)),
            grid=json.dumps(dict(ingest.grid), sort_keys=True),
            split=json.dumps(dict(ingest.split), sort_keys=True),
            splits=",".join(ingest.splits),
            code_hash=ingest.code_hash,
            examples=types.Channel(type=standard_artifacts.Examples),
            scans=types.Channel(type=ScanReport),
        )
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
