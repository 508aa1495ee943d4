"""SchemaImport: brings the data's schema into the pipeline, with the limits that ingest checks."""

import os
from typing import Any

from google.protobuf import text_format
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

from schema.contract import SCHEMA_PATH, data_schema


class SchemaImportSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of SchemaImport."""

    PARAMETERS = {
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class Executor(base_executor.BaseExecutor):
    """Reads the schema file, adds the limits, writes the artifact."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the schema.

        Args:
            input_dict: Empty.
            output_dict: `schema`.
            exec_properties: Not read.
        """
        del input_dict, exec_properties
        schema = data_schema(SCHEMA_PATH.read_text("utf-8"))
        folder = artifact_utils.get_single_uri(output_dict["schema"])
        path = os.path.join(folder, SCHEMA_PATH.name)
        io_utils.write_string_file(path, text_format.MessageToString(schema))


class SchemaImport(base_component.BaseComponent):
    """The schema of the data, from its file and the limits of a plausible scan."""

    SPEC_CLASS = SchemaImportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, code_hash: str) -> None:
        """Wires the import.

        Args:
            code_hash: Hash of the file and of the code that completes it, for the cache.
        """
        spec = SchemaImportSpec(
            code_hash=code_hash,
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super().__init__(spec=spec)
