"""Drivers in containers: what a component looks at before Vertex AI looks into its cache.

On this machine TFX runs a component's driver. Vertex AI knows a hook of the container in its place
(`preCacheCheck` in the pipeline specification), whose parameters become those of the task.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx import types
from tfx.dsl.io import fileio
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
from tfx.types import artifact_utils


@dataclass(frozen=True)
class DriverInput:
    """What a driver is told.

    Attributes:
        inputs: The task's input artifacts.
        outputs: Its output artifacts, empty still.
        exec_properties: Its parameters.
        output_file: Where the driver's answer goes.
        names: The name of each artifact by its number.
    """

    inputs: dict[str, list[types.Artifact]]
    outputs: dict[str, list[types.Artifact]]
    exec_properties: dict[str, Any]
    output_file: str
    names: dict[int, str] = field(default_factory=dict)


def read_driver_input(arguments: Sequence[str]) -> DriverInput:
    """Reads the command line of a driver.

    Args:
        arguments: As TFX's own driver for files takes them; Beam's among them are not looked at.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    given, _ = parser.parse_known_args(arguments)
    message = pipeline_spec_pb2.ExecutorInput()
    text = given.json_serialized_invocation_args
    json_format.Parse(text, message, ignore_unknown_fields=True)
    spec = None
    if given.json_serialized_inputs_spec_args:
        spec = pipeline_spec_pb2.ComponentInputsSpec()
        json_format.Parse(given.json_serialized_inputs_spec_args, spec, ignore_unknown_fields=True)
    names: dict[int, str] = {}
    return DriverInput(
        inputs=entrypoint.parse_raw_artifact_dict(message.inputs.artifacts, names),
        outputs=entrypoint.parse_raw_artifact_dict(message.outputs.artifacts, names),
        exec_properties=entrypoint.parse_execution_properties(
            message.inputs.parameter_values, message.inputs.parameters, spec
        ),
        output_file=message.outputs.output_file,
        names=names,
    )


def write_driver_output(
    given: DriverInput, parameters: Mapping[str, str | int], changed: Sequence[str] = ()
) -> None:
    """Answers with parameters and output artifacts.

    Args:
        given: What the driver was told.
        parameters: To add to those of the task, or to replace them.
        changed: The outputs whose properties were changed.
    """
    message = pipeline_spec_pb2.ExecutorOutput()
    for key, value in parameters.items():
        if isinstance(value, str):
            message.parameter_values[key].string_value = value
        else:
            message.parameter_values[key].number_value = value
    for key in changed:
        artifact = artifact_utils.get_single_instance(given.outputs[key])
        runtime = entrypoint.to_runtime_artifact(artifact, given.names)
        message.artifacts[key].artifacts.add().CopyFrom(runtime)
    fileio.makedirs(given.output_file.rpartition("/")[0])
    with fileio.open(given.output_file, "wb") as file:
        file.write(json_format.MessageToJson(message, sort_keys=True).encode())
