"""The splits of an Examples artifact that a component of ours writes."""

from collections.abc import Sequence

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils


def declare_splits(examples: types.Artifact, names: Sequence[str]) -> dict[str, str]:
    """Declares splits of compressed tf.Examples, as TFX's own components read them.

    Args:
        examples: The artifact.
        names: All its splits.

    Returns:
        Their folders by name; each is made.
    """
    examples.split_names = artifact_utils.encode_split_names(list(names))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    folders = {name: artifact_utils.get_split_uri([examples], name) for name in names}
    for folder in folders.values():
        fileio.makedirs(folder)
    return folders
