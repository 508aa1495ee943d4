"""CtExampleGen: CT scans to tf.Examples, one Beam element per scan."""

from tfx import types
from tfx.components import FileBasedExampleGen
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.artifacts import Quarantine, ScanRecords, SplitManifest
from components.ct_example_gen.driver import Driver, input_config
from components.ct_example_gen.executor import (
    MANIFEST_KEY,
    QUARANTINE_KEY,
    SCANS_KEY,
    Executor,
)
from components.ct_example_gen.request import Request


class CtExampleGenSpec(component_spec.ComponentSpec):
    """FileBasedExampleGen's specification with our request and the scans' records."""

    PARAMETERS = {
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        "request": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.FileBasedExampleGenSpec.INPUTS
    OUTPUTS = {
        **standard_component_specs.FileBasedExampleGenSpec.OUTPUTS,
        SCANS_KEY: component_spec.ChannelParameter(type=ScanRecords),
        QUARANTINE_KEY: component_spec.ChannelParameter(type=Quarantine),
        MANIFEST_KEY: component_spec.ChannelParameter(type=SplitManifest),
    }


class CtExampleGen(FileBasedExampleGen):
    """Reads CT scans with their truth and writes tf.Examples split by patient.

    Outputs: `examples` (one file per scan, and its index), `scans` (the record of each scan
    found), `quarantine` (which can't be used, and the counts) and `manifest` (which scan is in
    which split).
    """

    SPEC_CLASS = CtExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, request: Request, code_hash: str) -> None:
        """Wires the component.

        Args:
            request: What to read and how to convert it.
            code_hash: Hash of the code that converts scans, for the cache.
        """
        base, files = input_config(request)
        splits = request.split.names
        names = [example_gen_pb2.SplitConfig.Split(name=s, hash_buckets=1) for s in splits]
        spec = CtExampleGenSpec(
            input_base=base,
            input_config=files,
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=names)
            ),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            request=request.to_json(),
            code_hash=code_hash,
            examples=types.Channel(type=standard_artifacts.Examples),
            scans=types.Channel(type=ScanRecords),
            quarantine=types.Channel(type=Quarantine),
            manifest=types.Channel(type=SplitManifest),
        )
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
