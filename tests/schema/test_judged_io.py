"""Judged rows there and back, as they are and as TFMA gives them."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lungct.metrics import Overlap
from schema.judged import NoduleRow, Row, ScanRow
from schema.judged_io import parse_row, read_rows, row_bytes
from tests.schema.made_rows import (
    FOUND,
    MISSED,
    QUIET,
    ROWS,
    WITHOUT_VOXEL,
    nodule_row,
    scan_row,
    slice_row,
)


def write(path: Path, rows: list[Row]) -> str:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for row in rows:
            writer.write(row_bytes(row))
    return str(path)


def columns(row: Row) -> dict[str, list[Any]]:
    """The features of a row that were written."""
    found = tf.train.Example.FromString(row_bytes(row)).features.feature
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in found.items()
    }


def test_rows_come_back_from_files(tmp_path: Path) -> None:
    paths = [write(tmp_path / "1.gz", ROWS[:4]), write(tmp_path / "2.gz", ROWS[4:])]
    found = list(read_rows(paths))
    # NaN equals nothing, but the texts are alike.
    assert list(map(repr, found)) == list(map(repr, map(sorted_models, ROWS)))


def test_rows_of_some_levels_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "1.gz", ROWS)
    expected = [row for row in ROWS if isinstance(row, (NoduleRow, ScanRow))]
    assert len(expected) < len(ROWS)
    found = list(read_rows([path], ("nodule", "scan")))
    assert list(map(repr, found)) == list(map(repr, map(sorted_models, expected)))


def sorted_models(row: Row) -> Row:
    """The row with its models in the order in which they are read."""
    name = "overlaps" if hasattr(row, "overlaps") else "figures"
    models = {model: one for model, one in sorted(getattr(row, name).items())}
    return type(row)(**{**vars(row), name: models})


def test_no_files_no_rows(tmp_path: Path) -> None:
    assert list(read_rows([])) == []
    assert list(read_rows([write(tmp_path / "1.gz", [])])) == []


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("shape", [lambda values: values, np.array, lambda v: np.array([v])])
def test_a_row_comes_back_of_lists_and_arrays(row: Row, shape: Callable[[Any], Any]) -> None:
    found = parse_row({name: shape(values) for name, values in columns(row).items()})
    assert repr(found) == repr(sorted_models(row))


@pytest.mark.parametrize("row", ROWS)
def test_what_others_have_is_none_or_empty_in_a_row(row: Row) -> None:
    # TFMA gives each row the columns of all.
    others = {name for other in ROWS for name in columns(other)} - set(columns(row))
    models = {name for name in others if name.endswith("_predicted_voxels")}
    for nothing in (None, np.array([])):
        filled = {**columns(row), **dict.fromkeys(others - models, nothing)}
        assert repr(parse_row(filled)) == repr(sorted_models(row))


@pytest.mark.parametrize("row", ROWS)
def test_the_same_bytes_always(row: Row) -> None:
    content = row_bytes(row)
    assert row_bytes(row) == content
    assert row_bytes(parse_row(columns(row))) == content


@pytest.mark.parametrize(
    ("row", "absent"),
    [
        (nodule_row(MISSED), ["hausdorff_mm", "hit_probability"]),
        (nodule_row(WITHOUT_VOXEL), ["surface_dice", "hausdorff_mm"]),
        (
            scan_row(QUIET),
            ["false_positive_probabilities", "false_positive_centres_mm"],
        ),
    ],
)
def test_what_is_undefined_is_left_out(row: Row, absent: list[str]) -> None:
    written = columns(row)
    assert not set(written) & {f"candidate_{name}" for name in absent}
    assert all(written.values())  # TFMA can't read an empty feature


def test_features_of_a_nodule() -> None:
    assert columns(nodule_row(FOUND, MISSED)) == {
        "level": [b"nodule"],
        "split": [b"eval"],
        "series_uid": [b"1.2.3"],
        "patient_id": [b"patient 1"],
        "source": [b"luna16"],
        "size_buckets": [b"15+", b"3-6"],
        "nodule_id": [b"n 1"],
        "diameter_mm": [5.5],
        "centre_mm": [-12.5, 30.25, 100.0],
        "truth_voxels": [4],
        "candidate_predicted_voxels": [6],
        "candidate_common_voxels": [3],
        "candidate_surface_dice": [0.25],
        "candidate_hausdorff_mm": [1.5],
        "candidate_hit_probability": [0.75],
        "baseline_predicted_voxels": [0],
        "baseline_common_voxels": [0],
        "baseline_surface_dice": [0.0],
    }


def test_each_model_has_its_own() -> None:
    row = parse_row(columns(nodule_row(FOUND, MISSED)))
    assert isinstance(row, NoduleRow)
    assert row.figures["candidate"] == FOUND
    assert row.figures["baseline"].overlap == Overlap(0, 0, 4)
    assert math.isnan(row.figures["baseline"].hit_probability)


def without(row: Row, *names: str) -> Mapping[str, Any]:
    return {name: values for name, values in columns(row).items() if name not in names}


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, "split"),
        (without(ROWS[0], "size_buckets"), "size_buckets"),
        (without(ROWS[0], "level"), "level"),
        (without(ROWS[0], "slice_index"), "slice_index"),
        (without(ROWS[0], "truth_voxels"), "truth_voxels"),
        (without(ROWS[0], "candidate_common_voxels"), "candidate_common_voxels"),
        (without(ROWS[2], "centre_mm"), "centre_mm"),
        (without(ROWS[2], "nodule_id"), "nodule_id"),
        (without(ROWS[5], "candidate_calibration_voxels"), "candidate_calibration_voxels"),
    ],
)
def test_a_missing_feature_is_named(values: Mapping[str, Any], missing: str) -> None:
    with pytest.raises(ValueError, match=f"expected a judged row, got none of '{missing}' in "):
        parse_row(values)


def test_an_empty_feature_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"expected a judged row, got none of 'patient_id' in \['c"
    ):
        parse_row({**columns(ROWS[0]), "patient_id": []})


@pytest.mark.parametrize(
    ("row", "changed", "says"),
    [
        (slice_row(Overlap(1, 2, 3)), {"truth_voxels": [0]}, "got 1, 2 and 0"),
        (nodule_row(FOUND), {"centre_mm": [1.0, 2.0]}, "expected 3"),
        (ROWS[5], {"candidate_false_positive_probabilities": [0.5]}, "shorter|longer"),
        (ROWS[0], {"level": [b"voxel"]}, "a level slice, nodule or scan, got 'voxel'"),
    ],
)
def test_what_contradicts_itself_is_refused(row: Row, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"expected a judged row, got a contradiction: .*{says}"):
        parse_row({**columns(row), **changed})
