"""CtExampleGen's executor: lists the scans, has each converted, writes the records."""

import json
import os
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.example_gen import base_example_gen_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.ct_example_gen.conversion import ConvertScan
from components.ct_example_gen.request import Request, list_tasks
from components.ct_example_gen.scan_records import RecordFolders, write_scan_records
from components.ct_example_gen.tfrecords import write_scan
from components.example_splits import declare_splits
from schema.features import index_split
from schema.files import COUNTS_FILE, WARNINGS_FILE

SCANS_KEY, QUARANTINE_KEY, MANIFEST_KEY = "scans", "quarantine", "manifest"


class Executor(base_example_gen_executor.BaseExampleGenExecutor):
    """Lists the scans, has each converted by a worker, and writes the records."""

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
            exec_properties: `request` as JSON, and perhaps `data_root`.

        Raises:
            TableError: A table can't be trusted.
            StorageError: A folder can't be listed.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        request = Request.of_run(exec_properties)
        tasks, inventory = list_tasks(request)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        splits = request.split.names
        # How files are read is that of the index; a scan's file is read by us alone.
        folders = declare_splits(examples, [*splits, *map(index_split, splits)])
        keys = (SCANS_KEY, QUARANTINE_KEY, MANIFEST_KEY)
        places = (artifact_utils.get_single_uri(output_dict[key]) for key in keys)
        records = RecordFolders(examples.uri, *places)
        warnings = json.dumps({"warnings": list(inventory.warnings)})
        io_utils.write_string_file(os.path.join(records.scans, WARNINGS_FILE), warnings)
        convert = ConvertScan(folders, request.grid, request.intensity, len(tasks))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Scans" >> beam.Create(tasks)
                | "Spread" >> beam.Reshuffle()
                | "Convert" >> beam.ParDo(convert)
                | "Gather" >> beam.combiners.ToList()
                | "Records" >> beam.Map(write_scan_records, records)
            )
        for split in splits:
            if not fileio.listdir(folders[split]):
                write_scan(folders[split], folders[index_split(split)], "empty", [])
        counts_path = os.path.join(records.quarantine, COUNTS_FILE)
        counts = json.loads(io_utils.read_string_file(counts_path))
        for outcome, count in counts.items():
            output_dict[QUARANTINE_KEY][0].set_int_custom_property(outcome, count)
