"""SegmentScans: whole scans to rows of exact counts and to masks, one Beam element per scan."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Predictions, ScanRecords
from components.segment_scans.executor import (
    BASELINE_KEY,
    EXAMPLES_KEY,
    MODEL_KEY,
    PREDICTIONS_KEY,
    ROWS_KEY,
    SCANS_KEY,
    Executor,
)


class SegmentScansSpec(ComponentSpec):
    """Inputs, outputs and parameters of SegmentScans."""

    PARAMETERS = {
        "train_patients": ExecutionParameter(type=int),
        "code_hash": ExecutionParameter(type=str),
    }
    INPUTS = {
        EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        SCANS_KEY: ChannelParameter(type=ScanRecords),
        MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        BASELINE_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        ROWS_KEY: ChannelParameter(type=standard_artifacts.Examples),
        PREDICTIONS_KEY: ChannelParameter(type=Predictions),
    }


class SegmentScans(base_beam_component.BaseBeamComponent):
    """Runs candidate and last blessed model over whole scans.

    Outputs: `rows` (tf.Examples without pixels for each slice, nodule and scan, with the counts of
    both models, in the splits of the examples) and `predictions` (the candidate's masks).
    """

    SPEC_CLASS = SegmentScansSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        train_patients: int,
        code_hash: str,
        **channels: types.BaseChannel,
    ) -> None:
        """Wires the component.

        Args:
            train_patients: So many patients of the train split are judged; 0 for all.
            code_hash: Hash of the code that judges, for the cache.
            **channels: `examples`, `scans` and `model`; `baseline_model` where there is one to
                compare with.
        """
        spec = SegmentScansSpec(
            train_patients=train_patients,
            code_hash=code_hash,
            rows=types.Channel(type=standard_artifacts.Examples),
            predictions=types.Channel(type=Predictions),
            **channels,
        )
        super().__init__(spec=spec)
