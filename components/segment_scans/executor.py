"""SegmentScans' executor: lists the scans, has each judged, declares the outputs."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.example_splits import declare_splits
from components.listed_models import listed_models
from components.model_files import model_folder, why_not_comparable
from components.segment_scans.scans import list_tasks
from components.segment_scans.segmentation import Places, SegmentScan
from components.whole_files import packed_rows, write_whole
from schema import features
from schema.files import INDEX_ENDING
from schema.scan_records import read_scans

EXAMPLES_KEY, SCANS_KEY, MODEL_KEY, BASELINE_KEY = "examples", "scans", "model", "baseline_model"
ROWS_KEY, PREDICTIONS_KEY = "rows", "predictions"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Lists the scans, has each judged by a worker, and declares what was written."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Judges all scans.

        Each scan becomes one file of rows and one mask, written by the worker that read the scan:
        neither pixels nor rows travel through Beam.

        Args:
            input_dict: `examples`, `scans`, `model`, and perhaps `baseline_model`.
            output_dict: `rows` and `predictions`.
            exec_properties: `train_patients`.

        Raises:
            OSError: A result can't be written.
            ValueError: Slices can't be read, or a model does not take them.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES_KEY])
        splits = artifact_utils.decode_split_names(examples.split_names)
        folders = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
        records = read_scans(artifact_utils.get_single_uri(input_dict[SCANS_KEY]))
        tasks = list_tasks(folders, records, exec_properties["train_patients"])
        rows = artifact_utils.get_single_instance(output_dict[ROWS_KEY])
        predictions = artifact_utils.get_single_uri(output_dict[PREDICTIONS_KEY])
        judged = [split for split in splits if not features.is_index(split)]
        places = Places(declare_splits(rows, judged), predictions)
        fileio.makedirs(predictions)
        models = _models(input_dict[MODEL_KEY], listed_models(input_dict.get(BASELINE_KEY) or []))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Scans" >> beam.Create(tasks)
                | "Spread" >> beam.Reshuffle()
                | "Segment" >> beam.ParDo(SegmentScan(models, places, len(tasks)))
            )
        for folder in places.rows.values():
            if not fileio.listdir(folder):
                write_whole(os.path.join(folder, f"empty{INDEX_ENDING}"), packed_rows([]))


def _models(
    candidates: Sequence[types.Artifact], baselines: Sequence[types.Artifact]
) -> dict[str, str]:
    """Folders of the models to judge; a baseline that can't be compared is left out."""
    models = {features.CANDIDATE: model_folder(artifact_utils.get_single_instance(candidates))}
    for baseline in baselines:
        folder = model_folder(baseline)
        reason = why_not_comparable(models[features.CANDIDATE], folder)
        if reason:
            logging.warning("the last blessed model in %s is not judged: %s", folder, reason)
        else:
            models[features.BASELINE] = folder
    return models
