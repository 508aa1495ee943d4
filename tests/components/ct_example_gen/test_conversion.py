"""One scan becomes one file of examples, the same bytes always; a bad scan stops nothing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.ct_example_gen.conversion import Rules, convert_scan
from components.ct_example_gen.inventory import ScanTask, TruthRule
from lungct.grid import GridConfig
from lungct.readers.checksums import annotation_checksum, sha256_of
from schema import features
from tests.components.luna16 import NODULE, make_root
from tests.lungct import chest
from tests.lungct.truth.lidc import xml

RULES = Rules(GridConfig((6.0, 5.0, 4.0), slice_size=64, context=1, lung_margin_mm=6.0))


def task_of(root: str, uid: str = "1.1") -> ScanTask:
    return ScanTask(f"{root}/subset0/{uid}.mhd", uid, "p", "train", (NODULE,))


def read(path: Path) -> list[tf.train.Example]:
    records = tf.data.TFRecordDataset(str(path), compression_type="GZIP")
    return [tf.train.Example.FromString(record.numpy()) for record in records]


def test_a_scan_becomes_slices_with_truth(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert_scan(task_of(root), str(tmp_path / "out"), RULES)
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
        convert_scan(task_of(root), str(tmp_path / name), RULES)
    first, second = ((tmp_path / n / "1.1.tfrecord.gz").read_bytes() for n in ("one", "two"))
    assert first == second


def test_a_bad_scan_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    voxels.write_bytes(voxels.read_bytes()[:-1])
    record = convert_scan(task_of(root), str(tmp_path / "out"), RULES)
    assert record["outcome"] == "quarantined"
    assert "422399" in record["reason"]  # 44 * 60 * 80 * 2 - 1 bytes
    assert not (tmp_path / "out").exists()


def outlined(folder: Path, readers: int) -> str:
    """A cuboid of 4 x 4 x 3 voxels that so many readers outlined, in the middle of the scan."""
    z_mm = [chest.GEOMETRY.voxel_to_world((z, 0, 0))[2] for z in (20, 21, 22)]
    rois = [xml.roi(mm, xml.square(20, 30, 4)) for mm in z_mm]
    sessions = [xml.session(xml.nodule(*rois))] * readers + [xml.session()] * (4 - readers)
    return xml.write(folder, xml.message(*sessions, series_uid="1.1"), "1.1.xml")


def test_reader_outlines_take_the_place_of_spheres(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    task = dataclasses.replace(task_of(root), outlines=(outlined(tmp_path / "data" / "lidc", 2),))
    rules = dataclasses.replace(RULES, truth=TruthRule("lidc", min_readers=2))
    record = convert_scan(task, str(tmp_path / "out"), rules)
    assert (record["outcome"], record["truth"]) == ("accepted", "outlines of 2 or more readers")
    # 48 voxels of 4 * 4 * 5 mm.
    (nodule,) = record["nodules"]
    assert nodule["volume_mm3"] == pytest.approx(3840, rel=1e-6)
    assert len(record["outlines_sha256"]) == 64
    three = dataclasses.replace(RULES, truth=TruthRule("lidc", min_readers=3))
    assert convert_scan(task, str(tmp_path / "out"), three)["nodules"] == ()


def test_without_outlines_a_scan_takes_spheres_or_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    rules = dataclasses.replace(RULES, truth=TruthRule("lidc"))
    record = convert_scan(task_of(root), str(tmp_path / "out"), rules)
    assert (record["outcome"], record["truth"]) == ("accepted", "spheres")
    strict = dataclasses.replace(RULES, truth=TruthRule("lidc", without_outlines="refuse"))
    record = convert_scan(task_of(root), str(tmp_path / "out"), strict)
    assert (record["outcome"], record["truth"]) == ("quarantined", "")
    assert "expected reader outlines of series 1.1, got no XML file" in record["reason"]


def test_outlines_that_cannot_be_trusted_quarantine_their_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    path = xml.write(tmp_path / "data" / "lidc", b"<LidcReadMessage>", "1.1.xml")
    task = dataclasses.replace(task_of(root), outlines=(path,))
    record = convert_scan(task, str(tmp_path / "out"), RULES)
    assert record["outcome"] == "quarantined" and path in record["reason"]
    gone = dataclasses.replace(task, outlines=(f"{path}.gone",))
    record = convert_scan(gone, str(tmp_path / "out"), RULES)
    assert (record["outcome"], record["outlines_sha256"]) == ("quarantined", "")


def test_sums_of_what_it_was_made_from(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert_scan(task_of(root), str(tmp_path / "out"), RULES)
    header = tmp_path / "data" / "subset0" / "1.1.mhd"
    assert record["header_sha256"] == sha256_of(str(header))
    assert record["voxels_sha256"] == sha256_of(str(header.with_suffix(".raw")))
    assert record["annotations_sha256"] == annotation_checksum([NODULE])
    assert record["outlines_sha256"] == ""


def test_a_flipped_bit_is_caught_by_a_list_of_sums(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    listed = {str(voxels.parent.resolve()): {"1.1.raw": sha256_of(str(voxels))}}
    rules = dataclasses.replace(RULES, sums=listed)
    assert convert_scan(task_of(root), str(tmp_path / "out"), rules)["outcome"] == "accepted"
    data = bytearray(voxels.read_bytes())
    data[200_000] ^= 1
    voxels.write_bytes(data)
    record = convert_scan(task_of(root), str(tmp_path / "out2"), rules)
    assert record["outcome"] == "quarantined"
    assert "expected SHA-256" in record["reason"] and "of 1.1.raw" in record["reason"]
    assert convert_scan(task_of(root), str(tmp_path / "out3"), RULES)["outcome"] == "accepted"


def test_what_cannot_be_written_is_no_fault_of_the_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        convert_scan(task_of(root), str(tmp_path / "file" / "Split-train"), RULES)
