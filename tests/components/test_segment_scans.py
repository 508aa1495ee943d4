"""SegmentScans: exact counts and masks of whole scans, and the Evaluator on these rows."""

import gzip
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx import types
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.artifacts import Predictions
from components.segment_scans.component import SegmentScans
from components.segment_scans.executor import Executor
from components.segment_scans.segmentation import segment_scan
from components.whole_files import packed_rows, write_whole
from pipeline.eval_config import eval_config
from report.evaluation import read_evaluation
from schema.criteria import Verdict
from schema.masks import read_mask
from schema.metrics import metric_value
from schema.slices import read_examples
from serving.model import load_model
from tests.components.made_evaluation import at_least, change_of_at_least
from tests.components.made_models import GRID, Halved, save_model, save_module
from tests.made_scans import MadeScan, write_scan

SPLITS = ["train", "train-index", "eval", "eval-index", "test", "test-index"]
PROPERTIES: dict[str, Any] = {
    "probability_threshold": 0.5,
    "train_patients": 0,
    "code_hash": "c0ffee",
}
BEAM = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]


def scan(uid: str, split: str, patient: str = "", shape: tuple[int, int] = (3, 4)) -> MadeScan:
    """Two slices: truth in 4 voxels of the first; 0 HU in 3 of these and 1 more, 50 HU in 1."""
    hu = np.full((2, *shape), -800, np.int16)
    hu[0, 0, :2], hu[0, 1, 0], hu[0, 2, 2] = 0, 50, 0
    coverage = np.zeros(hu.shape, np.uint8)
    coverage[0, 0, :3], coverage[0, 1, 0] = 128, 255
    coverage[1] = 127  # just below half: no nodule
    return MadeScan(uid, hu, coverage, (("1", 5.0, (0,)),), patient, split=split)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`good` predicts 4 voxels of the first slice, 3 of them true; `poor` predicts one of them."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "good": save_model(folder / "1", 0),
        "poor": save_model(folder / "2", 50),
        "deep": save_model(folder / "3", 50, replace(GRID, context=3)),
        "fine": save_model(folder / "4", 50, replace(GRID, spacing_mm=(1.0, 2.0, 1.0))),
    }


def artifact(kind: Any, uri: str | Path, number: int = 1) -> Any:
    made = kind()
    made.uri, made.id = str(uri), number
    return made


def run(
    folder: Path, candidate: str, baseline: str | None = None, **properties: Any
) -> tuple[types.Artifact, Path]:
    """Runs the executor on `folder/examples`; returns the rows and the folder of the masks."""
    for split in SPLITS:
        (folder / "examples" / f"Split-{split}").mkdir(parents=True, exist_ok=True)
    examples = artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(SPLITS)
    rows = artifact(standard_artifacts.Examples, folder / "rows")
    predictions = artifact(Predictions, folder / "predictions")
    baselines = [] if baseline is None else [artifact(standard_artifacts.Model, baseline, 7)]
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=BEAM, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        {
            "examples": [examples],
            "model": [artifact(standard_artifacts.Model, candidate, 8)],
            "baseline_model": baselines,
        },
        {"rows": [rows], "predictions": [predictions]},
        {**PROPERTIES, **properties},
    )
    return rows, folder / "predictions"


def counts(rows: types.Artifact, split: str, uid: str) -> list[dict[str, int]]:
    """Whole numbers of the rows of a scan, without `slice_index`."""
    path = Path(rows.uri) / f"Split-{split}" / f"{uid}.tfrecord.gz"
    found = []
    for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator():
        values = tf.train.Example.FromString(record).features.feature
        lists = {name: value.int64_list.value for name, value in values.items()}
        found.append({name: value[0] for name, value in sorted(lists.items()) if value})
    assert [row.pop("slice_index") for row in found] == list(range(len(found)))
    return found


def test_counts_of_both_models(models: Mapping[str, str], tmp_path: Path) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))

    rows, predictions = run(tmp_path, models["good"], models["deep"])

    assert counts(rows, "eval", "1.2") == [
        {
            "baseline_common_voxels": 1,
            "baseline_predicted_voxels": 1,
            "candidate_common_voxels": 3,
            "candidate_predicted_voxels": 4,
            "truth_voxels": 4,
        },
        dict.fromkeys(
            (
                *("baseline_common_voxels", "baseline_predicted_voxels"),
                *("candidate_common_voxels", "candidate_predicted_voxels", "truth_voxels"),
            ),
            0,
        ),
    ]
    mask = read_mask((predictions / "1.2.npz").read_bytes())
    np.testing.assert_array_equal(mask, scan("1.2", "eval").hu >= 0)


def test_rows_hold_where_a_slice_is_from_and_no_pixels(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval", "somebody"))

    rows, _ = run(tmp_path, models["good"])

    path = Path(rows.uri) / "Split-eval" / "1.2.tfrecord.gz"
    first = next(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator())
    values = tf.train.Example.FromString(first).features.feature
    texts = {name: list(value.bytes_list.value) for name, value in values.items()}
    assert {name: value for name, value in texts.items() if value} == {
        "patient_id": [b"somebody"],
        "series_uid": [b"1.2"],
        "size_buckets": [b"3-6"],
        "source": [b"made"],
        "split": [b"eval"],
    }


def test_the_rows_are_examples_in_the_splits_with_pixels(
    models: Mapping[str, str], tmp_path: Path
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))
    write_scan(tmp_path / "examples", scan("1.3", "train", shape=(5, 7)))

    rows, predictions = run(tmp_path, models["good"])

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
        rows, predictions = run(folder, models["good"])
        path = Path(rows.uri) / "Split-eval" / "1.2.tfrecord.gz"
        made.append((path.read_bytes(), (predictions / "1.2.npz").read_bytes()))
    assert made[0] == made[1]


def test_a_file_of_an_empty_split_is_no_scan(models: Mapping[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "examples" / "Split-test"
    folder.mkdir(parents=True)
    (folder / "empty.tfrecord").touch()

    rows, predictions = run(tmp_path, models["good"])

    (path,) = (Path(rows.uri) / "Split-test").iterdir()
    assert gzip.decompress(path.read_bytes()) == b""
    assert list(predictions.iterdir()) == []


def test_a_baseline_of_another_spacing_is_left_out(
    models: Mapping[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))

    with caplog.at_level(logging.WARNING):
        rows, _ = run(tmp_path, models["good"], models["fine"])

    assert not any("baseline" in name for name in counts(rows, "eval", "1.2")[0])
    expected = "not judged: expected spacing (2.5, 2.0, 1.0) mm, got (1.0, 2.0, 1.0) mm in "
    assert expected in caplog.text


def test_the_file_of_a_scan_that_is_cut_off(models: Mapping[str, str], tmp_path: Path) -> None:
    path = write_scan(tmp_path / "examples", scan("1.2", "eval"))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="expected a whole record"):
        run(tmp_path, models["good"])
    assert not list((tmp_path / "rows").rglob("*.gz"))


def test_a_model_that_gives_another_shape(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "examples", scan("1.2", "eval"))
    model = load_model(save_module(tmp_path / "model", Halved()) + "/Format-Serving")
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\) from candidate, got \(1, 3, 4\)"):
        segment_scan(read_examples(str(path)), {"candidate": model}, 0.5)


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
        "model": types.Channel(type=standard_artifacts.Model),
    }
    component = SegmentScans(**PROPERTIES, **channels)
    assert component.outputs["rows"].type is standard_artifacts.Examples
    assert component.outputs["predictions"].type is Predictions
    assert component.exec_properties == PROPERTIES
    with_baseline = SegmentScans(**PROPERTIES, **channels, baseline_model=channels["model"])
    assert set(with_baseline.inputs) == {*channels, "baseline_model"}


@pytest.mark.parametrize(
    ("candidate", "baseline", "verdicts"),
    [
        ("good", None, [Verdict.PASS, Verdict.NOT_APPLICABLE]),  # a first run
        ("good", "poor", [Verdict.PASS, Verdict.PASS]),
        ("poor", "good", [Verdict.PASS, Verdict.FAIL]),
    ],
)
def test_the_evaluator_judges_the_rows(
    models: Mapping[str, str],
    tmp_path: Path,
    candidate: str,
    baseline: str | None,
    verdicts: list[Verdict],
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))
    write_scan(tmp_path / "examples", scan("1.3", "train"))
    before = None if baseline is None else models[baseline]
    rows, _ = run(tmp_path, models[candidate], before)
    criteria = (at_least(0.3), change_of_at_least(-0.02))
    evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=BEAM, tmp_dir=str(tmp_path / "tmp"), unique_id="2"
    )

    evaluator.Executor(context).Do(
        {
            "examples": [rows],
            "model": [artifact(standard_artifacts.Model, models[candidate], 8)],
            "baseline_model": [artifact(standard_artifacts.Model, before, 7)] if before else [],
        },
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(eval_config(criteria, "c0ffee")),
            "example_splits": json.dumps(["train", "eval", "test"]),
            "fairness_indicator_thresholds": "null",
        },
    )

    found = read_evaluation(evaluation.uri, criteria)
    assert [row.verdict for row in found.gate] == verdicts
    # Good: 2 * 3 / (4 + 4); poor: 2 * 1 / (1 + 4).
    expected = {"good": 0.75, "poor": 0.4}[candidate]
    for split in ("train", "eval"):
        assert metric_value(found.metrics, "pooled_dice", split) == pytest.approx(expected)
    blessed = (tmp_path / "blessing" / "BLESSED").exists()
    assert blessed is (Verdict.FAIL not in verdicts)
