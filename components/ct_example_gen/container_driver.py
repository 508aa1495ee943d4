"""The driver of CtExampleGen as a process: what Vertex AI runs before it looks into its cache.

    python -m components.ct_example_gen.container_driver --json_serialized_invocation_args JSON

TFX's own process knows its own driver only, which lists files by TensorFlow and sees sizes and
whole seconds. This one computes the fingerprint that `driver.Driver` computes on this machine, over
the data root of the run.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.example_gen import driver as tfx_driver
from tfx.components.example_gen import utils
from tfx.dsl.io import fileio
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
from tfx.types import artifact_utils
from tfx.types.standard_component_specs import EXAMPLES_KEY, INPUT_CONFIG_KEY
from tfx.utils import proto_utils

from components.ct_example_gen.driver import InputProcessor, input_config
from components.ct_example_gen.request import Request

COMMAND: Final = ("python", "-m", "components.ct_example_gen.container_driver")


def run(executor_input: Any, inputs_spec: Any = None) -> None:
    """Writes the fingerprint of the input files where Vertex AI reads it.

    Args:
        executor_input: The ExecutorInput of the task.
        inputs_spec: The ComponentInputsSpec of the component, from schema 2.1 on.

    Raises:
        StorageError: A folder can't be listed.
    """
    properties = entrypoint.parse_execution_properties(
        executor_input.inputs.parameter_values, executor_input.inputs.parameters, inputs_spec
    )
    names: dict[int, str] = {}
    outputs = entrypoint.parse_raw_artifact_dict(executor_input.outputs.artifacts, names)
    base, files = input_config(Request.of_run(properties))
    processor = InputProcessor(base, files.splits)
    span, version = processor.resolve_span_and_version()
    found = {
        utils.SPAN_PROPERTY_NAME: span,
        utils.FINGERPRINT_PROPERTY_NAME: processor.get_input_fingerprint(span, version),
        INPUT_CONFIG_KEY: proto_utils.proto_to_json(files),
    }
    examples = artifact_utils.get_single_instance(outputs[EXAMPLES_KEY])
    tfx_driver.update_output_artifact(
        exec_properties={**properties, **found, utils.VERSION_PROPERTY_NAME: version},
        output_artifact=examples.mlmd_artifact,
    )
    result = pipeline_spec_pb2.ExecutorOutput()
    for name, value in found.items():
        kind = "number_value" if isinstance(value, int) else "string_value"
        setattr(result.parameter_values[name], kind, value)
    result.artifacts[EXAMPLES_KEY].artifacts.append(entrypoint.to_runtime_artifact(examples, names))
    path = executor_input.outputs.output_file
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(json_format.MessageToJson(result, sort_keys=True).encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the driver of one task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json_serialized_invocation_args", required=True, metavar="JSON")
    parser.add_argument("--json_serialized_inputs_spec_args", metavar="JSON")
    # Beam's options come along, as TFX gives them to both processes of the task.
    parsed, _ = parser.parse_known_args(arguments)
    given = json_format.Parse(
        parsed.json_serialized_invocation_args,
        pipeline_spec_pb2.ExecutorInput(),
        ignore_unknown_fields=True,
    )
    spec = parsed.json_serialized_inputs_spec_args
    run(
        given,
        spec
        and json_format.Parse(
            spec, pipeline_spec_pb2.ComponentInputsSpec(), ignore_unknown_fields=True
        ),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
