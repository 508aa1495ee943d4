"""ReportGen: the run's report as a TFX component."""

from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import path_utils

from components.artifacts import Report, ScanRecords
from report.build import ReportInputs, ReportParameters, write_report
from schema import features
from schema.criteria import criteria_from_json

# The input for TFMA's figures of each split that no gate looks at.
OTHER_EVALUATIONS: Final = {
    split: f"{split}_evaluation" for split in features.SPLITS if split != features.SPLIT_EVAL
}


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
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "scans": ChannelParameter(type=ScanRecords),
        **{
            name: ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True)
            for name in OTHER_EVALUATIONS.values()
        },
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
        model = artifact_utils.get_single_instance(input_dict["model"])
        inputs = ReportInputs(
            examples={
                split: artifact_utils.get_split_uri([examples], split)
                for split in artifact_utils.decode_split_names(examples.split_names)
            },
            model=path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
            model_run=artifact_utils.get_single_uri(input_dict["model_run"]),
            evaluation=artifact_utils.get_single_uri(input_dict["evaluation"]),
            blessing=artifact_utils.get_single_uri(input_dict["blessing"]),
            scans=artifact_utils.get_single_uri(input_dict["scans"]),
            other_evaluations=tuple(
                artifact_utils.get_single_uri(input_dict[name])
                for name in OTHER_EVALUATIONS.values()
                if input_dict.get(name)
            ),
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
            **channels: `examples`, `model`, `model_run`, `evaluation`, `blessing` and `scans`;
                those of OTHER_EVALUATIONS where there are such splits.
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
