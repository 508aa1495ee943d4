"""The schema of one tf.Example: structure from schema.pbtxt, ranges from `lungct.limits`."""

from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from lungct.limits import MAX_DIAMETER_MM, widest
from schema import features


def data_schema(text: str) -> Any:
    """Completes the schema file.

    Args:
        text: Content of schema.pbtxt, which says names, types and presence, and no range.

    Returns:
        The schema as TensorFlow Metadata's message: what ingest accepts is within its ranges.

    Raises:
        ValueError: The file lacks a feature that has a range, or gives one itself.
    """
    schema = text_format.Parse(text, schema_pb2.Schema())
    known = {feature.name: feature for feature in schema.feature}
    ranges = {name: widest(name) for name in features.SCAN_FACTS}
    ranges[features.NODULE_DIAMETERS_MM] = (0.0, MAX_DIAMETER_MM)
    for name, (low, high) in ranges.items():
        feature = known.get(name)
        if feature is None or feature.HasField("float_domain"):
            got = "none" if feature is None else "one with a range"
            raise ValueError(f"expected a feature {name} without a range in the schema, got {got}")
        feature.float_domain.min, feature.float_domain.max = low, high
    return schema
