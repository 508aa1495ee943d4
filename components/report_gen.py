"""ReportGen: the run's report as a TFX component."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import Predictions, Report, ScanRecords
from report.build import ReportInputs, ReportParameters, write_report
from schema.criteria import criteria_from_json


class ReportGenSpec(types.ComponentSpec):
    """What ReportGen takes and gives."""

    PARAMETERS = {
        "configuration": ExecutionParameter(type=str),
        "criteria": ExecutionParameter(type=str),
        "code_hash": ExecutionParameter(type=str),
        "trainer_code_hash": ExecutionParameter(type=str),
        "probability_threshold": ExecutionParameter(type=float),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "predictions": ChannelParameter(type=Predictions),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "scans": ChannelParameter(type=ScanRecords),
    }
    OUTPUTS = {"report": ChannelParameter(type=Report)}


class Executor(base_executor.BaseExecutor):
    """Unpacks the artifacts and has the report written."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the report.

        Args:
            input_dict: One artifact for each input of the spec.
            output_dict: `report`.
            exec_properties: The parameters of the spec.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        trained = input_dict.get("model_run")
        inputs = ReportInputs(
            examples={
                split: artifact_utils.get_split_uri([examples], split)
                for split in artifact_utils.decode_split_names(examples.split_names)
            },
            predictions=artifact_utils.get_single_uri(input_dict["predictions"]),
            model_run=artifact_utils.get_single_uri(trained) if trained else None,
            evaluation=artifact_utils.get_single_uri(input_dict["evaluation"]),
            blessing=artifact_utils.get_single_uri(input_dict["blessing"]),
            scans=artifact_utils.get_single_uri(input_dict["scans"]),
        )
        parameters = ReportParameters(
            configuration=exec_properties["configuration"],
            criteria=criteria_from_json(exec_properties["criteria"]),
            trainer_code_hash=exec_properties["trainer_code_hash"],
            probability_threshold=exec_properties["probability_threshold"],
        )
        write_report(inputs, parameters, artifact_utils.get_single_uri(output_dict["report"]))


class ReportGen(base_component.BaseComponent):
    """Writes the run's report: `report.html` for people, `summary.json` for machines."""

    SPEC_CLASS = ReportGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        configuration: str,
        criteria: str,
        code_hash: str,
        trainer_code_hash: str,
        probability_threshold: float,
        **channels: types.BaseChannel,
    ) -> None:
        """Wires the component.

        Args:
            configuration: The run's configuration as JSON; shown, and the working grid read.
            criteria: The gate's criteria, by `criteria_to_json`.
            code_hash: Hash of the report's code, for the cache.
            trainer_code_hash: Hash of the code that trained the model; shown.
            probability_threshold: Probability from which a voxel is predicted.
            **channels: `examples`, `predictions`, `evaluation`, `blessing` and `scans`; `model_run`
                where the model was trained.
        """
        super().__init__(
            spec=ReportGenSpec(
                configuration=configuration,
                criteria=criteria,
                code_hash=code_hash,
                trainer_code_hash=trainer_code_hash,
                probability_threshold=probability_threshold,
                report=types.Channel(type=Report),
                **channels,
            )
        )
