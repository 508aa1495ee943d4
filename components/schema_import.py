"""SchemaImport: brings schema.pbtxt into the pipeline, anew when its content changed."""

from tfx import types
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_component
from tfx.types import component_spec, standard_artifacts, standard_component_specs


class SchemaImportSpec(component_spec.ComponentSpec):
    """ImportSchemaGen's specification with a hash, because TFX's cache sees the path alone."""

    PARAMETERS = {
        **standard_component_specs.ImportSchemaGenSpec.PARAMETERS,
        "content_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.ImportSchemaGenSpec.INPUTS
    OUTPUTS = standard_component_specs.ImportSchemaGenSpec.OUTPUTS


class SchemaImport(base_component.BaseComponent):
    """ImportSchemaGen whose cache follows the file's content."""

    SPEC_CLASS = SchemaImportSpec
    EXECUTOR_SPEC = ImportSchemaGen.EXECUTOR_SPEC

    def __init__(self, schema_file: str, content_hash: str) -> None:
        """Wires the import.

        Args:
            schema_file: Path of the schema, as protocol buffer text.
            content_hash: Hash of its content.
        """
        spec = SchemaImportSpec(
            schema_file=schema_file,
            content_hash=content_hash,
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super().__init__(spec=spec)
