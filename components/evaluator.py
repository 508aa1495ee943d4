"""TFX's Evaluator with the bounds of the run, and a baseline that may be none."""

import json
from typing import Any, Final

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types.standard_component_specs import EVAL_CONFIG_KEY

from components.listed_models import listed_models
from schema.criteria import Criterion
from schema.outputs import BASELINE_KEY
from schema.run_parameters import GATE_BOUNDS, replaced_criteria

# The gate by `schema.run_parameters.named_criteria_json`.
GATE: Final = "gate"


def with_criteria(text: str, criteria: dict[Criterion, Criterion]) -> str:
    """Replaces the criteria of what TFMA is asked.

    Args:
        text: TFMA's configuration as JSON, by `pipeline.eval_config`.
        criteria: The criteria that stand in it, and what comes in their places.

    Returns:
        The same with these criteria: what is asked for a gate that has them.
    """
    asked = json_format.Parse(text, config_pb2.EvalConfig())
    for spec in asked.metrics_specs:
        for metric in spec.metrics:
            config = json.loads(metric.config) if metric.config else {}
            if "criterion" in config:
                found = criteria[Criterion.from_json(json.loads(config["criterion"]))]
                config["name"] = found.text
                config["criterion"] = json.dumps(found.to_json(), sort_keys=True)
            if "criteria" in config:
                each = map(Criterion.from_json, json.loads(config["criteria"]))
                listed = [criteria[one].to_json() for one in each]
                config["criteria"] = json.dumps(listed, sort_keys=True)
            if config:
                metric.config = json.dumps(config, sort_keys=True)
    return str(json_format.MessageToJson(asked, sort_keys=True))


class Executor(executor.Executor):
    """Judges by the bounds of the run, against the baseline if there is one."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates.

        Args:
            input_dict: As TFX's Evaluator has it; `baseline_model` may stand for no model.
            output_dict: As TFX's Evaluator has it.
            exec_properties: As TFX's Evaluator has them, and perhaps `gate` and `gate_bounds`.

        Raises:
            ValueError: A bound is none of the gate's.
        """
        properties = dict(exec_properties)
        gate, bounds = properties.pop(GATE, None), properties.pop(GATE_BOUNDS, None)
        if gate and bounds:
            criteria = replaced_criteria(gate, bounds)
            properties[EVAL_CONFIG_KEY] = with_criteria(properties[EVAL_CONFIG_KEY], criteria)
        baseline = listed_models(input_dict.get(BASELINE_KEY) or [])
        super().Do({**input_dict, BASELINE_KEY: baseline}, output_dict, properties)


class Evaluator(component.Evaluator):
    """TFX's Evaluator with this executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
