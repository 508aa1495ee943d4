"""CtExampleGen: CT scans in LUNA16 layout to tf.Examples, one Beam element per scan."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
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

from components.artifacts import Quarantine, ScanReport, SplitManifest
from components.ct_example_gen.conversion import ConvertScan, Rules
from components.ct_example_gen.data_roots import OUTLINES
from components.ct_example_gen.inventory import LIDC, Request, TruthRule, take_inventory
from components.ct_example_gen.scan_records import write_scan_records
from components.ct_example_gen.splits import SplitRule
from components.ct_example_gen.storage import common_base
from components.ct_example_gen.tfrecords import write_records
from lungct.grid import GridConfig
from lungct.readers.checksum_lists import CHECKSUMS_NAME
from lungct.truth.lidc.folders import PATTERNS
from schema.files import COUNTS_FILE, NOTES_FILE

SCANS_KEY, QUARANTINE_KEY, MANIFEST_KEY = "scans", "quarantine", "manifest"
# What lies below a root: a change of any of these files invalidates the cache.
ROOT_PATTERNS = {"scans": "subset*/*", "tables": "*.*", "sums": CHECKSUMS_NAME}


def input_config(request: Request) -> tuple[str, example_gen_pb2.Input]:
    """Names the files whose change must invalidate the cache.

    Args:
        request: Which scans are wanted; its paths are absolute.

    Returns:
        The folder that holds all of them, and TFX's input configuration relative to it.

    Raises:
        ValueError: If there is no root, or the paths share no folder.
    """
    if not request.roots:
        raise ValueError(f"expected at least one data root, got {list(request.roots)}")
    files = [path for path in (request.sums, request.split.table) if path]
    folders = [*request.roots, *request.truth.outlines, *map(os.path.dirname, files)]
    base = common_base(folders)
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=_relative(pattern, base))
        for name, pattern in _patterns(request, files)
    ]
    return base, example_gen_pb2.Input(splits=splits)


def _patterns(request: Request, files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and absolute pattern of all that is read."""
    outlines = list(request.truth.outlines)
    for number, root in enumerate(request.roots):
        outlines.append(os.path.join(root, OUTLINES))
        for kind, pattern in ROOT_PATTERNS.items():
            yield f"root{number}-{kind}", os.path.join(root, pattern)
    if request.truth.source == LIDC:
        for number, folder in enumerate(outlines):
            for depth, pattern in enumerate(PATTERNS):
                yield f"outlines{number}-{depth}", os.path.join(folder, pattern)
    for number, path in enumerate(files):
        yield f"file{number}", path


def _relative(path: str, base: str) -> str:
    return path.removeprefix(base.rstrip("/")).lstrip("/")


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
            output_dict: `examples`, `scans`, `quarantine` and `manifest`.
            exec_properties: `request` and `grid` as JSON, `splits`.

        Raises:
            TableError: If a table can't be trusted.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        request = parse_request(exec_properties["request"])
        inventory = take_inventory(request)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        folders = _prepare(examples, exec_properties["splits"].split(","))
        report, quarantine, manifest = (
            artifact_utils.get_single_uri(output_dict[key])
            for key in (SCANS_KEY, QUARANTINE_KEY, MANIFEST_KEY)
        )
        grid = GridConfig(**json.loads(exec_properties["grid"]))
        rules = Rules(grid, request.truth, inventory.sums)
        io_utils.write_string_file(os.path.join(report, NOTES_FILE), json.dumps(inventory.notes))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Scans" >> beam.Create(inventory.tasks)
                | "Spread" >> beam.Reshuffle()
                | "Convert" >> beam.ParDo(ConvertScan(folders, rules, len(inventory.tasks)))
                | "Gather" >> beam.combiners.ToList()
                | "Report" >> beam.Map(write_scan_records, report, quarantine, manifest)
            )
        for folder in folders.values():
            if not fileio.listdir(folder):
                write_records(os.path.join(folder, "empty.tfrecord.gz"), [])
        counts = json.loads(io_utils.read_string_file(os.path.join(quarantine, COUNTS_FILE)))
        for outcome, count in counts.items():
            output_dict[QUARANTINE_KEY][0].set_int_custom_property(outcome, count)


def _prepare(examples: types.Artifact, splits: Sequence[str]) -> dict[str, str]:
    """Declares the splits and makes their folders."""
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    folders = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
    for folder in folders.values():
        fileio.makedirs(folder)
    return folders


def parse_request(text: str) -> Request:
    """Reads a request from the JSON that `CtExampleGen` made of it."""
    content = json.loads(text)
    split, truth = SplitRule(**content.pop("split")), TruthRule(**content.pop("truth"))
    return Request(split=split, truth=truth, **content)


class CtExampleGenSpec(component_spec.ComponentSpec):
    """FileBasedExampleGen's specification with our parameters and the scans' records."""

    PARAMETERS = {
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        "request": component_spec.ExecutionParameter(type=str),
        "grid": component_spec.ExecutionParameter(type=str),
        "splits": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.FileBasedExampleGenSpec.INPUTS
    OUTPUTS = {
        **standard_component_specs.FileBasedExampleGenSpec.OUTPUTS,
        SCANS_KEY: component_spec.ChannelParameter(type=ScanReport),
        QUARANTINE_KEY: component_spec.ChannelParameter(type=Quarantine),
        MANIFEST_KEY: component_spec.ChannelParameter(type=SplitManifest),
    }


@dataclasses.dataclass(frozen=True)
class Ingest:
    """What CtExampleGen needs to know, as plain values.

    Attributes:
        request: Which scans are wanted, and how they are split and labelled.
        grid: Fields of `lungct.grid.GridConfig`.
        splits: Names of the splits to write.
        code_hash: Hash of the source that converts scans, for the cache.
    """

    request: Request
    grid: Mapping[str, Any]
    splits: Sequence[str]
    code_hash: str


class CtExampleGen(FileBasedExampleGen):
    """Reads CT scans with their annotations and writes tf.Examples split by patient.

    Outputs: `examples` (one file per scan), `scans` (what became of each scan found), `quarantine`
    (which can't be used, and the counts) and `manifest` (which scan is in which split).
    """

    SPEC_CLASS = CtExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, ingest: Ingest) -> None:
        """Wires the component.

        Args:
            ingest: What to read and how to convert it.
        """
        base, files = input_config(ingest.request)
        names = [example_gen_pb2.SplitConfig.Split(name=s, hash_buckets=1) for s in ingest.splits]
        spec = CtExampleGenSpec(
            input_base=base,
            input_config=files,
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=names)
            ),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            request=json.dumps(dataclasses.asdict(ingest.request), sort_keys=True),
            grid=json.dumps(dict(ingest.grid), sort_keys=True),
            splits=",".join(ingest.splits),
            code_hash=ingest.code_hash,
            examples=types.Channel(type=standard_artifacts.Examples),
            scans=types.Channel(type=ScanReport),
            quarantine=types.Channel(type=Quarantine),
            manifest=types.Channel(type=SplitManifest),
        )
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
