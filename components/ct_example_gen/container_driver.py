"""CtExampleGen's driver where components are containers: `python -m` runs it before the cache.

TFX has a driver for file-based ExampleGens there, which knows sizes and whole seconds, and lists
files by TensorFlow. This one gives the fingerprint that the component has on this machine, over
the data root of the run.
"""

import sys
from collections.abc import Sequence

from tfx.components.example_gen import driver, utils
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.container_driver import read_driver_input, write_driver_output
from components.ct_example_gen.driver import InputProcessor, input_config
from components.ct_example_gen.request import Request


def main(arguments: Sequence[str]) -> None:
    """Adds the fingerprint of all files that are read to the parameters.

    Args:
        arguments: As `read_driver_input` takes them.
    """
    given = read_driver_input(arguments)
    base, config = input_config(Request.of_run(given.exec_properties))
    processor = InputProcessor(base, config.splits)
    span, version = processor.resolve_span_and_version()
    found: dict[str, str | int] = {
        utils.SPAN_PROPERTY_NAME: span,
        utils.FINGERPRINT_PROPERTY_NAME: processor.get_input_fingerprint(span, version),
        standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(config),
    }
    examples = artifact_utils.get_single_instance(
        given.outputs[standard_component_specs.EXAMPLES_KEY]
    )
    driver.update_output_artifact(
        exec_properties={utils.VERSION_PROPERTY_NAME: version, **found},
        output_artifact=examples.mlmd_artifact,
    )
    write_driver_output(given, found, changed=[standard_component_specs.EXAMPLES_KEY])


if __name__ == "__main__":
    main(sys.argv[1:])
