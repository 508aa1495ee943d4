"""One scan becomes one file of examples, the same bytes always; a bad scan stops nothing."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from components.conversion import convert_scan
from components.examples import write_examples
from components.ingest import ScanTask
from lungct.grid import GridConfig
from schema import features
from tests.components.luna16 import NODULE, make_root

GRID = GridConfig(spacing_mm=(6.0, 5.0, 4.0), slice_size=64, context=1, lung_margin_mm=6.0)


def task_of(root: str, uid: str = "1.1") -> ScanTask:
    return ScanTask(f"{root}/subset0/{uid}.mhd", uid, "p", "train", (NODULE,))


def read(path: Path) -> list[tf.train.Example]:
    records = tf.data.TFRecordDataset(str(path), compression_type="GZIP")
    return [tf.train.Example.FromString(record.numpy()) for record in records]


def test_a_scan_becomes_slices_with_truth(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert_scan(task_of(root), str(tmp_path / "out"), GRID)
    examples = read(tmp_path / "out" / "1.1.tfrecord.gz")
    assert record["outcome"] == "accepted"
    assert record["slice_count"] == len(examples)
    assert record["split"] == "train" and record["patient_id"] == "p"
    assert record["spacing_mm"] == (5.0, 4.0, 4.0)

    voxels = 0
    for example in examples:
        feature = example.features.feature
        image = np.frombuffer(feature[features.IMAGE_HU].bytes_list.value[0], "<i2")
        truth = np.frombuffer(feature[features.NODULE_COVERAGE].bytes_list.value[0], np.uint8)
        assert image.size == 64 * 64 * 3 and truth.size == 64 * 64
        inside = int((truth >= features.COVERAGE_THRESHOLD).sum())
        buckets = list(feature[features.SIZE_BUCKETS].bytes_list.value)
        assert buckets == ([b"15+"] if inside else [b"none"])
        assert feature[features.SPACING_Z_MM].float_list.value[0] == 5.0
        voxels += inside
    # A sphere of 24 mm has 7238 mm3, a voxel of the grid 6 * 5 * 4 = 120 mm3: about 60 voxels,
    # give or take those at the border of which nearly a half lies inside.
    assert 51 <= voxels <= 69


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    for name in ("one", "two"):
        convert_scan(task_of(root), str(tmp_path / name), GRID)
    first, second = ((tmp_path / n / "1.1.tfrecord.gz").read_bytes() for n in ("one", "two"))
    assert first == second


def test_a_bad_scan_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    voxels.write_bytes(voxels.read_bytes()[:-1])
    record = convert_scan(task_of(root), str(tmp_path / "out"), GRID)
    assert record["outcome"] == "quarantined"
    assert "422399" in record["reason"]  # 44 * 60 * 80 * 2 - 1 bytes
    assert not (tmp_path / "out").exists()


def test_nothing_partial_stays(tmp_path: Path) -> None:
    path = tmp_path / "artifact" / "Split-train" / "1.1.tfrecord.gz"
    assert write_examples(str(path), [b"a", b"b"]) == 2
    assert write_examples(str(path), [b"c"]) == 1
    names = [p.name for p in (tmp_path / "artifact").rglob("*") if p.is_file()]
    assert names == ["1.1.tfrecord.gz"]
