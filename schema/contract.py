"""The schema of one row of the index: structure from schema.pbtxt, what values may be from code."""

from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from lungct.limits import MAX_DIAMETER_MM, widest
from lungct.scan import HU_MAX, HU_MIN
from schema import features

# Names, types and presence of the features.
SCHEMA_PATH: Final = Path(__file__).with_name("schema.pbtxt")


def data_schema(text: str) -> Any:
    """Completes the schema file.

    Args:
        text: Content of schema.pbtxt, which says names, types and presence, but not what numbers
            and names may be.

    Returns:
        The schema as TensorFlow Metadata's message: what ingest accepts is within its
        domains.

    Raises:
        ValueError: The file lacks a feature whose values are known here, or says itself what they
            may be.
    """
    schema = text_format.Parse(text, schema_pb2.Schema())
    ranges = {name: widest(name) for name in features.SCAN_FACTS}
    ranges[features.NODULE_DIAMETERS_MM] = (0.0, MAX_DIAMETER_MM)
    ranges[features.HU] = (float(HU_MIN), float(HU_MAX))
    for name, (low, high) in ranges.items():
        domain = _feature(schema, name).float_domain
        domain.min, domain.max = low, high
    names = {
        features.SPLIT: features.SPLITS,
        features.SIZE_BUCKETS: (features.BUCKET_NONE, *features.BUCKETS),
    }
    for name, values in names.items():
        _feature(schema, name).domain = name
        schema.string_domain.add(name=name, value=values)
    return schema


def _feature(schema: Any, name: str) -> Any:
    """The feature of a name, of whose values the file says nothing."""
    found = next((feature for feature in schema.feature if feature.name == name), None)
    if found is None or found.WhichOneof("domain_info") is not None:
        got = "none" if found is None else "one with a domain"
        raise ValueError(f"expected a feature {name} without a domain in the schema, got {got}")
    return found
