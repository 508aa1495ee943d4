"""SegmentScans: rows of exact counts and masks of whole scans."""

import gzip
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx import types
from tfx.types import standard_artifacts

from components.artifacts import Predictions, ScanRecords
from components.model_files import model_folder
from components.segment_scans.component import SegmentScans
from components.segment_scans.executor import _models
from components.segment_scans.judging import unpack_scan
from components.segment_scans.segmentation import segment_scan
from components.whole_files import packed_rows, write_whole
from lungct.metrics import Overlap
from schema import features
from schema.judged import FalsePositive, NoduleRow, Row, ScanRow, SliceRow
from schema.judged_io import read_rows
from schema.masks import read_mask
from schema.slices import read_examples
from serving.model import load_model
from tests.components.made_models import GRID, Halved, save_model, save_module
from tests.components.made_segmentation import (
    NODULE,
    PROPERTIES,
    TODAY,
    artifact,
    run_segment_scans,
    scan,
)
from tests.made_scans import write_scan


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`good` predicts 4 voxels of the first slice, 3 of them true; `poor` predicts one of them."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "good": save_model(folder / "1", 0, data=TODAY),
        "poor": save_model(folder / "2", 50, data=TODAY),
        "deep": save_model(folder / "3", 50, replace(GRID, context=3), TODAY),
        "fine": save_model(folder / "4", 50, replace(GRID, spacing_mm=(1.0, 2.0, 1.0)), TODAY),
        "masks": save_model(folder / "5", 50, data=replace(TODAY, truths=("label masks",))),
        "volume": save_model(folder / "6", 50, data=replace(TODAY, regions=("volume",))),
        "knowing": save_model(
            folder / "7", 50, data=replace(TODAY, patients={"train": TODAY.patients["eval"]})
        ),
    }


def path_of(rows: types.Artifact, split: str, uid: str) -> str:
    return str(Path(rows.uri) / f"Split-{split}" / f"{uid}.tfrecord.gz")


def judged(rows: types.Artifact, uid: str = "1.2") -> list[Row]:
    return list(read_rows([path_of(rows, "eval", uid)]))


def test_rows_of_both_models(models: Mapping[str, str], tmp_path: Path) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))

    rows, predictions = run_segment_scans(tmp_path, models["good"], models["deep"])

    first, second, nodule, whole = judged(rows)
    assert isinstance(first, SliceRow) and isinstance(second, SliceRow)
    overlaps = {"baseline": Overlap(1, 1, 4), "candidate": Overlap(3, 4, 4)}
    assert (first.index, first.overlaps) == (0, overlaps)
    assert (second.index, second.overlaps) == (1, dict.fromkeys(overlaps, Overlap(0, 0, 0)))
    assert isinstance(nodule, NoduleRow)
    assert (nodule.nodule_id, nodule.diameter_mm, nodule.centre_mm) == ("1", 5.0, (1.0, 0.0, 0.0))
    assert {name: one.overlap for name, one in nodule.figures.items()} == overlaps
    # Of the candidate three voxels with centre (1/3, 2/3, 0), of the baseline one at (0, 2, 0).
    assert {name: one.hit_probability for name, one in nodule.figures.items()} == {
        "baseline": 0.5,
        "candidate": 0.5,
    }
    assert isinstance(whole, ScanRow)
    assert {name: one.overlap for name, one in whole.figures.items()} == overlaps
    false = {name: one.false_positives for name, one in whole.figures.items()}
    assert false == {"baseline": (), "candidate": (FalsePositive((2.0, 4.0, 0.0), 0.5),)}
    # Probabilities are 0.25 and 0.5.
    assert whole.figures["candidate"].calibration.voxels == (0, 0, 20, 0, 0, 4, 0, 0, 0, 0)
    mask = read_mask((predictions / "1.2.npz").read_bytes())
    np.testing.assert_array_equal(mask, scan("1.2", "eval").hu >= 0)


def test_rows_hold_where_they_are_from_and_no_pixels(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval", "somebody"))

    rows, _ = run_segment_scans(tmp_path, models["good"])

    places = [row.place for row in judged(rows)]
    assert {(one.split, one.series_uid, one.patient_id, one.source) for one in places} == {
        ("eval", "1.2", "somebody", "made")
    }
    buckets = [one.buckets for one in places]
    assert buckets == [("3-6",), ("none",), ("3-6",), tuple(sorted(features.BUCKETS))]
    for record in tf.data.TFRecordDataset(path_of(rows, "eval", "1.2"), "GZIP"):
        found = tf.train.Example.FromString(record.numpy()).features.feature
        assert not set(features.PIXEL_FEATURES) & set(found)


def test_what_lies_outside_of_the_region_is_in_no_row_and_no_mask(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    region = np.ones((2, 3, 4), np.uint8)
    region[0, 2, 2] = 0  # the false voxel
    write_scan(tmp_path / "examples", replace(scan("1.2", "eval"), region=region))

    rows, predictions = run_segment_scans(tmp_path, models["good"])

    first, *_, whole = judged(rows)
    assert isinstance(first, SliceRow) and isinstance(whole, ScanRow)
    assert first.overlaps["candidate"] == Overlap(3, 3, 4)
    assert whole.figures["candidate"].false_positives == ()
    mask = read_mask((predictions / "1.2.npz").read_bytes())
    assert np.argwhere(mask).tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_the_rows_are_examples_in_the_splits_with_pixels(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))
    write_scan(tmp_path / "examples", scan("1.3", "train", shape=(5, 7)))

    rows, predictions = run_segment_scans(tmp_path, models["good"])

    assert json.loads(rows.split_names) == ["train", "eval", "test"]
    assert rows.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert rows.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    files = sorted(str(path.relative_to(rows.uri)) for path in Path(rows.uri).rglob("*.gz"))
    assert files == [
        "Split-eval/1.2.tfrecord.gz",
        "Split-test/empty.tfrecord.gz",
        "Split-train/1.3.tfrecord.gz",
    ]
    assert sorted(path.name for path in predictions.iterdir()) == ["1.2.npz", "1.3.npz"]
    assert not list(tmp_path.rglob(".partial*"))


def test_the_same_bytes_every_time(models: Mapping[str, str], tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_scan(folder / "examples", scan("1.2", "eval"))
        rows, predictions = run_segment_scans(folder, models["good"])
        path = Path(rows.uri) / "Split-eval" / "1.2.tfrecord.gz"
        made.append((path.read_bytes(), (predictions / "1.2.npz").read_bytes()))
    assert made[0] == made[1]


def test_a_file_of_an_empty_split_is_no_scan(models: Mapping[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "examples" / "Split-test"
    folder.mkdir(parents=True)
    (folder / "empty.tfrecord").touch()

    rows, predictions = run_segment_scans(tmp_path, models["good"])

    (path,) = (Path(rows.uri) / "Split-test").iterdir()
    assert gzip.decompress(path.read_bytes()) == b""
    assert list(predictions.iterdir()) == []


def test_rows_without_a_baseline_of_another_spacing(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))

    rows, _ = run_segment_scans(tmp_path, models["good"], models["fine"])

    assert {name for row in judged(rows) for name in row.counts()} == {"candidate"}


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        ("fine", "expected spacing in mm 2.5, 2.0, 1.0, got 1.0, 2.0, 1.0"),
        ("masks", "expected truth spheres, got label masks"),
        ("volume", "expected region lung, got volume"),
        ("knowing", "expected a model that has not seen today's eval patients, got 1 in its"),
        ("deep", ""),
    ],
)
def test_a_baseline_that_can_not_be_compared_is_left_out(
    models: Mapping[str, str], caplog: pytest.LogCaptureFixture, baseline: str, reason: str
) -> None:
    good, other = (artifact(standard_artifacts.Model, models[name]) for name in ("good", baseline))
    with caplog.at_level(logging.WARNING):
        found = _models([good], [other])
    assert ("baseline" in found) is not bool(reason)
    said = f"the last blessed model in {model_folder(other)} is not judged: {reason}"
    assert (said in caplog.text) is bool(reason)


def test_a_scan_without_record(models: Mapping[str, str], tmp_path: Path) -> None:
    path = write_scan(tmp_path / "examples", scan("uid", "eval"))
    with pytest.raises(ValueError, match=f"expected a record of the scan of {path}, got 0 others"):
        run_segment_scans(tmp_path, models["good"])


def test_the_file_of_a_scan_that_is_cut_off(models: Mapping[str, str], tmp_path: Path) -> None:
    path = write_scan(tmp_path / "examples", scan("1.2", "eval"))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="expected a whole record"):
        run_segment_scans(tmp_path, models["good"])
    assert not list((tmp_path / "rows").rglob("*.gz"))


def test_a_model_that_gives_another_shape(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "examples", scan("1.2", "eval"))
    model = load_model(save_module(tmp_path / "model", Halved()) + "/Format-Serving")
    whole = unpack_scan(read_examples(str(path)), (NODULE,), GRID.spacing_mm)
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\), got \(1, 3, 4\)"):
        segment_scan(whole, {"candidate": model})


def test_each_model_predicts_from_its_own_threshold(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    path = write_scan(tmp_path / "examples", scan("1.2", "eval"))
    whole = unpack_scan(read_examples(str(path)), (NODULE,), GRID.spacing_mm)
    # It says 0.5 of the 4 voxels from 0 HU on, 0.25 of all 24.
    model = load_model(models["good"] + "/Format-Serving")
    lower = replace(model, facts=replace(model.facts, probability_threshold=0.25))
    found = segment_scan(whole, {"candidate": model, "baseline": lower})
    assert {name: int(one.mask.sum()) for name, one in found.items()} == {
        "candidate": 4,
        "baseline": 24,
    }


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / "rows" / "1")
    expected = "expected to be able to write, got .* for .*file/rows/1"
    with pytest.raises(OSError, match=expected):
        write_whole(path, packed_rows([]))
    with pytest.raises(OSError, match=expected):
        write_whole(path, b"")


def test_wiring() -> None:
    channels = {
        "examples": types.Channel(type=standard_artifacts.Examples),
        "scans": types.Channel(type=ScanRecords),
        "model": types.Channel(type=standard_artifacts.Model),
    }
    component = SegmentScans(**PROPERTIES, **channels)
    assert component.outputs["rows"].type is standard_artifacts.Examples
    assert component.outputs["predictions"].type is Predictions
    assert component.exec_properties == PROPERTIES
    with_baseline = SegmentScans(**PROPERTIES, **channels, baseline_model=channels["model"])
    assert set(with_baseline.inputs) == {*channels, "baseline_model"}
