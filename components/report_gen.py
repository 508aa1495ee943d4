"""ReportGen: the run's report as a TFX component."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import Predictions, Report, ScanRecords
from components.listed_models import listed_models
from components.model_files import model_folder, passed_over_text
from report.build import ReportInputs, ReportParameters, write_report
from schema.criteria import Criterion, criteria_from_json
from schema.outputs import BASELINE_KEY, PASSED_OVER_KEY
from schema.run_parameters import (
    DATA_ROOT,
    EPOCHS,
    GATE_BOUNDS,
    replaced_criteria,
    with_run_parameters,
)


class ReportGenSpec(types.ComponentSpec):
    """What ReportGen takes and gives."""

    PARAMETERS = {
        "configuration": ExecutionParameter(type=str),
        "criteria": ExecutionParameter(type=str),
        "code_hash": ExecutionParameter(type=str),
        "trainer_code_hash": ExecutionParameter(type=str),
        "probability_threshold": ExecutionParameter(type=float),
        "evaluated_model": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rows": ChannelParameter(type=standard_artifacts.Examples),
        "predictions": ChannelParameter(type=Predictions),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "scans": ChannelParameter(type=ScanRecords),
        # A model that was trained elsewhere has no run, and the first one nothing to compare with.
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        BASELINE_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
        PASSED_OVER_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
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
            input_dict: One artifact for each input of the spec; none for an optional one.
            output_dict: `report`.
            exec_properties: The parameters of the spec, and those of the run where it has any.
        """
        inputs = ReportInputs(
            examples=_split_uris(input_dict["examples"]),
            rows=_split_uris(input_dict["rows"]),
            predictions=artifact_utils.get_single_uri(input_dict["predictions"]),
            evaluation=artifact_utils.get_single_uri(input_dict["evaluation"]),
            blessing=artifact_utils.get_single_uri(input_dict["blessing"]),
            scans=artifact_utils.get_single_uri(input_dict["scans"]),
            model_run=_only(input_dict, "model_run", lambda artifact: str(artifact.uri)),
            model=_only(input_dict, "model", model_folder),
            baseline=_only(input_dict, BASELINE_KEY, model_folder),
        )
        parameters = ReportParameters(
            configuration=_configuration(exec_properties),
            criteria=_criteria(exec_properties),
            trainer_code_hash=exec_properties["trainer_code_hash"],
            probability_threshold=exec_properties["probability_threshold"],
            evaluated_model=exec_properties["evaluated_model"],
            passed_over=_passed_over(inputs.model, input_dict.get(PASSED_OVER_KEY) or []),
        )
        write_report(inputs, parameters, artifact_utils.get_single_uri(output_dict["report"]))


def _configuration(exec_properties: Mapping[str, Any]) -> str:
    """The configuration as JSON, with the values of the run where these are parameters of it."""
    text = str(exec_properties["configuration"])
    if all(exec_properties.get(name) is None for name in (DATA_ROOT, EPOCHS, GATE_BOUNDS)):
        return text
    configuration = json.loads(text)
    return json.dumps(with_run_parameters(configuration, exec_properties), sort_keys=True)


def _criteria(exec_properties: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """The gate's criteria, with the bounds of the run where these are parameters of it."""
    bounds = exec_properties.get(GATE_BOUNDS)
    if not bounds:
        return criteria_from_json(exec_properties["criteria"])
    return tuple(replaced_criteria(exec_properties["criteria"], bounds).values())


def _split_uris(examples: list[types.Artifact]) -> dict[str, str]:
    """Folder of each split of an Examples artifact."""
    (only,) = examples
    return {
        split: artifact_utils.get_split_uri([only], split)
        for split in artifact_utils.decode_split_names(only.split_names)
    }


def _passed_over(model: str | None, others: list[types.Artifact]) -> tuple[str, ...]:
    """Why each of these blessed models is not compared with the candidate, one line each."""
    if model is None:
        return ()
    return tuple(passed_over_text(model, model_folder(other)) for other in listed_models(others))


def _only(
    inputs: dict[str, list[types.Artifact]], name: str, folder: Callable[[types.Artifact], str]
) -> str | None:
    """The folder of an optional input; None where it is not there."""
    artifacts = listed_models(inputs.get(name) or [])
    return folder(artifact_utils.get_single_instance(artifacts)) if artifacts else None


class ReportGen(base_component.BaseComponent):
    """Writes the run's report: a page for people, its facts and the model card for machines."""

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
        evaluated_model: str = "",
        **channels: types.BaseChannel,
    ) -> None:
        """Wires the component.

        Args:
            configuration: The run's configuration as JSON; shown, and the working grid and the
                number of replicates read.
            criteria: The gate's criteria, by `criteria_to_json`.
            code_hash: Hash of the report's code, for the cache.
            trainer_code_hash: Hash of the code that trained the model; shown.
            probability_threshold: Probability from which a voxel is predicted.
            evaluated_model: Folder of the pushed model that is judged; shown; empty where one was
                trained.
            **channels: `examples`, `rows`, `predictions`, `evaluation`, `blessing` and `scans`;
                `model_run`, `model`, `baseline_model` and `passed_over` where there are any.
        """
        super().__init__(
            spec=ReportGenSpec(
                configuration=configuration,
                criteria=criteria,
                code_hash=code_hash,
                trainer_code_hash=trainer_code_hash,
                probability_threshold=probability_threshold,
                evaluated_model=evaluated_model,
                report=types.Channel(type=Report),
                **channels,
            )
        )
