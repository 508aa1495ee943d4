"""The schema accepts the rows of the index that ingest writes, and nothing beyond."""

import math
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from lungct.limits import LUNG, MAX_DIAMETER_MM, SCAN_LIMITS, VOLUME, Limit, check_facts
from lungct.scan import HU_MAX, HU_MIN
from schema import features
from schema.contract import data_schema

TEXT = (Path(__file__).resolve().parents[2] / "schema" / "schema.pbtxt").read_text()
SCHEMA = data_schema(TEXT)
BY_NAME = {feature.name: feature for feature in SCHEMA.feature}


@pytest.mark.parametrize("limit", SCAN_LIMITS, ids=lambda limit: f"{limit.fact}-{limit.regions}")
def test_every_limit_is_within_the_schema(limit: Limit) -> None:
    domain = BY_NAME[limit.fact].float_domain
    # In 32 bits, as the schema and the examples have it.
    low, high = (float(tf.constant(bound, tf.float32)) for bound in (limit.low, limit.high))
    assert domain.min <= low and high <= domain.max


def test_the_schema_is_no_wider_than_the_limits() -> None:
    for name in features.SCAN_FACTS:
        domain, limits = BY_NAME[name].float_domain, [x for x in SCAN_LIMITS if x.fact == name]
        assert domain.min == pytest.approx(min(limit.low for limit in limits), rel=1e-6)
        assert domain.max == pytest.approx(max(limit.high for limit in limits), rel=1e-6)
    assert BY_NAME[features.NODULE_DIAMETERS_MM].float_domain.max == MAX_DIAMETER_MM


def test_the_schema_has_every_feature_that_an_example_has() -> None:
    assert set(features.SCAN_FACTS) <= set(BY_NAME)
    scalars = {features.SERIES_UID, features.PATIENT_ID, features.SOURCE, features.SPLIT}
    assert {*scalars, *INTEGERS, features.HU} <= set(BY_NAME)
    assert not set(features.PIXEL_FEATURES) & set(BY_NAME)


# Least value of each.
INTEGERS = {
    **{features.SLICE_INDEX: 0, features.ROWS: 1, features.COLUMNS: 1},
    **{features.INTENSITY_COUNT: 0, features.INTENSITY_SUM: 0, features.INTENSITY_SQUARES: 0},
    **{features.RECORD_OFFSET: 0, features.RECORD_BYTES: 1},
}
NUMBERS = [*features.SCAN_FACTS, features.NODULE_DIAMETERS_MM, features.HU]


def test_hu_are_those_that_are_kept() -> None:
    domain = BY_NAME[features.HU].float_domain
    assert (domain.min, domain.max) == (HU_MIN, HU_MAX)


def test_what_transform_reads_has_one_value_in_every_row() -> None:
    for name in (features.HU, *INTEGERS):
        assert [dim.size for dim in BY_NAME[name].shape.dim] == [1], name
        assert BY_NAME[name].presence.min_fraction == 1.0, name
    # Transform parses every feature; one with a shape that may be missing stops it.
    for name, feature in BY_NAME.items():
        assert not feature.HasField("shape") or feature.presence.min_fraction == 1.0, name


NAMES = [features.SPLIT, features.SIZE_BUCKETS]


def test_splits_and_size_buckets_are_those_of_the_code() -> None:
    known = {domain.name: tuple(domain.value) for domain in SCHEMA.string_domain}
    assert known == {"split": features.SPLITS, "size_buckets": ("none", *features.BUCKETS)}
    assert [BY_NAME[name].domain for name in NAMES] == ["split", "size_buckets"]


@pytest.mark.parametrize("name", [*NUMBERS, *NAMES])
def test_a_feature_that_is_missing_or_has_a_domain_of_its_own_is_refused(name: str) -> None:
    schema = text_format.Parse(TEXT, schema_pb2.Schema())
    (feature,) = [feature for feature in schema.feature if feature.name == name]
    if name in NAMES:
        feature.domain = "own"
    else:
        feature.float_domain.min = 0.5
    with pytest.raises(ValueError, match=f"a feature {name} without a domain .*, got one with a"):
        data_schema(text_format.MessageToString(schema))
    schema.feature.remove(feature)
    with pytest.raises(ValueError, match=f"a feature {name} without a domain .*, got none"):
        data_schema(text_format.MessageToString(schema))


def test_a_file_that_is_no_schema_is_refused() -> None:
    with pytest.raises(text_format.ParseError, match="colour"):
        data_schema(TEXT + "colour: 3")


def example(
    facts: dict[str, float], diameter_mm: float, hu: float = -1024.0, least: int = 0, **named: bytes
) -> bytes:
    """A slice of a scan of which so much is known; its integers are `least` above the least."""
    texts = {
        **{features.SERIES_UID: b"1.2", features.PATIENT_ID: b"p", features.SOURCE: b"luna16"},
        **{features.SPLIT: b"train", features.NODULE_IDS: b"1", features.SIZE_BUCKETS: b"15+"},
        **named,
    }
    numbers = {
        **{name: [value] for name, value in facts.items()},
        features.NODULE_DIAMETERS_MM: [diameter_mm],
        features.SLICE_ORIGIN_MM: [-1.0, -2.0, -3.0],
        features.HU: [hu],
    }
    feature = {
        **{
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
            for name, text in texts.items()
        },
        **{
            name: tf.train.Feature(float_list=tf.train.FloatList(value=values))
            for name, values in numbers.items()
        },
        **{
            name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value + least]))
            for name, value in INTEGERS.items()
        },
    }
    made = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(made.SerializeToString())


def anomalies(folder: Path, examples: list[bytes]) -> dict[str, str]:
    """What TFDV says of examples, by feature."""
    path = str(folder / "examples.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for one in examples:
            writer.write(one)
    options = tfdv.StatsOptions(schema=SCHEMA)
    statistics = tfdv.generate_statistics_from_tfrecord(path, stats_options=options)
    found = tfdv.validate_statistics(statistics, SCHEMA)
    return {name: info.short_description for name, info in found.anomaly_info.items()}


def extremes(region: str) -> list[dict[str, float]]:
    """The lowest and the highest facts that ingest accepts."""
    limits = [limit for limit in SCAN_LIMITS if region in limit.regions]
    made = [{x.fact: x.low for x in limits}, {x.fact: x.high for x in limits}]
    for facts in made:
        check_facts(facts, region)
    return made


def test_what_ingest_accepts_at_most_is_no_anomaly(tmp_path: Path) -> None:
    diameters = (1e-3, MAX_DIAMETER_MM)
    facts = zip(extremes(LUNG) + extremes(VOLUME), diameters * 2, strict=True)
    assert anomalies(tmp_path, [example(*one) for one in facts]) == {}


def test_a_split_or_size_bucket_that_is_none_is_an_anomaly(tmp_path: Path) -> None:
    (facts, _) = extremes(LUNG)
    named = {features.SPLIT: b"val", features.SIZE_BUCKETS: b"9-15"}
    assert set(anomalies(tmp_path, [example(facts, 5.0, **named)])) == set(named)


def test_what_is_beyond_is_an_anomaly(tmp_path: Path) -> None:
    (_, highest) = extremes(LUNG)
    beyond = {name: value + abs(value) * 1e-3 for name, value in highest.items()}
    found = anomalies(tmp_path, [example(beyond, MAX_DIAMETER_MM * 1.001, 3072.0, -1)])
    # Of the darkest percentile a crop may have more than the lungs.
    assert set(found) == {*NUMBERS, *INTEGERS} - {"hu_p01"}
    assert math.isfinite(BY_NAME["hu_p01"].float_domain.max)
