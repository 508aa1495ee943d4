"""One scan becomes one file of examples and its index; a bad scan stops nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from components.ct_example_gen.conversion import ConvertScan, convert_scan
from components.ct_example_gen.request import ScanTask
from lungct.grid import Grid
from lungct.inventory import take_inventory
from lungct.limits import VOLUME
from lungct.readers.checksums import annotation_checksum, sha256_of
from lungct.record import ScanRecord
from lungct.roots import LIDC, REFUSE, DataRoot
from schema import features
from schema.hyperparameters import Intensity
from schema.slices import read_examples, unpack_pixels
from tests.lungct import chest
from tests.lungct.luna16 import NODULE, make_root, upload
from tests.lungct.truth.lidc import xml

GRID = Grid((6.0, 5.0, 4.0), margin_mm=6.0)
INTENSITY = Intensity((-1000, 0))


def task_of(root: str, checksums: str = "", **said: object) -> ScanTask:
    """The only scan of a root of which something is said."""
    (scan,) = take_inventory([DataRoot(root, **said)], checksums).scans  # type: ignore[arg-type]
    return ScanTask(scan, "train")


def convert(task: ScanTask, out: Path) -> ScanRecord:
    """Converts a scan as a worker does."""
    folders = {name: str(out / name) for name in ("train", "train-index")}
    (record,) = ConvertScan(folders, GRID, INTENSITY, 1).process(task)
    return record


def read(out: Path) -> list[tf.train.Example]:
    """The slices of scan 1.1."""
    return read_examples(str(out / "train" / "1.1.tfrecord"))


def index(out: Path) -> list[tf.train.Example]:
    """The rows of scan 1.1."""
    path = str(out / "train-index" / "1.1.tfrecord.gz")
    records = tf.data.TFRecordDataset(path, compression_type="GZIP")
    return [tf.train.Example.FromString(record.numpy()) for record in records]


def test_a_scan_becomes_slices_with_truth(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert(task_of(root, name="ours"), tmp_path / "out")
    examples = read(tmp_path / "out")
    assert record.outcome == "accepted"
    assert record.slice_count == len(examples)
    assert (record.split, record.patient_id, record.source) == ("train", "p", "ours")
    assert record.spacing_mm == (5.0, 4.0, 4.0)

    voxels = 0
    for z, example in enumerate(examples):
        feature = example.features.feature
        truth = unpack_pixels(example, features.NODULE_COVERAGE)
        assert feature[features.SLICE_INDEX].int64_list.value[0] == z
        assert feature[features.SOURCE].bytes_list.value[0] == b"ours"
        inside = int((truth >= features.COVERAGE_THRESHOLD).sum())
        buckets = list(feature[features.SIZE_BUCKETS].bytes_list.value)
        assert buckets == ([b"15+"] if inside else [b"none"])
        facts = {name: feature[name].float_list.value[0] for name in features.SCAN_FACTS}
        assert facts == pytest.approx(record.facts(), rel=1e-6)
        voxels += inside
    # A sphere of 24 mm has 7238 mm3, a voxel of the grid 6 * 5 * 4 = 120 mm3: about 60 voxels,
    # give or take those at the border of which nearly a half lies inside.
    assert 51 <= voxels <= 69


def test_the_index_says_all_but_the_pixels_and_where_they_lie(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    convert(task_of(root), tmp_path / "out")
    path, offset = tmp_path / "out" / "train" / "1.1.tfrecord", 0
    for example, row in zip(read(tmp_path / "out"), index(tmp_path / "out"), strict=True):
        feature = dict(row.features.feature)
        assert feature.pop(features.RECORD_OFFSET).int64_list.value == [offset]
        (size,) = feature.pop(features.RECORD_BYTES).int64_list.value
        assert read_examples(str(path), offset, size) == [example]
        pixels = {*example.features.feature} - {*feature}
        assert pixels == set(features.PIXEL_FEATURES)
        assert all(example.features.feature[name] == feature[name] for name in feature)
        offset += size
    assert offset == path.stat().st_size


def test_sums_and_mean_are_those_of_the_pixels(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    convert(task_of(root), tmp_path / "out")
    for example in read(tmp_path / "out"):
        feature = example.features.feature
        hu = unpack_pixels(example, features.IMAGE_HU).astype(float)
        region = unpack_pixels(example, features.REGION_MASK) > 0
        above = hu[region].clip(-1000, 0) + 1000
        expected = (region.sum(), above.sum(), (above**2).sum())
        names = (features.INTENSITY_COUNT, features.INTENSITY_SUM, features.INTENSITY_SQUARES)
        assert tuple(feature[name].int64_list.value[0] for name in names) == expected
        assert feature[features.HU].float_list.value[0] == pytest.approx(hu.mean(), rel=1e-6)


def test_the_examples_are_made_as_they_are_asked_for(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record, examples = convert_scan(task_of(root), GRID, INTENSITY)
    assert len(list(examples)) == record.slice_count
    assert list(examples) == []


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    for name in ("one", "two"):
        convert(task_of(root), tmp_path / name)
    for name in ("train/1.1.tfrecord", "train-index/1.1.tfrecord.gz"):
        first, second = ((tmp_path / run / name).read_bytes() for run in ("one", "two"))
        assert first == second


def test_a_bad_scan_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    voxels.write_bytes(voxels.read_bytes()[:-1])
    record = convert(task_of(root), tmp_path / "out")
    assert (record.outcome, record.split) == ("quarantined", "train")
    assert "422399" in record.reason  # 44 * 60 * 80 * 2 - 1 bytes
    assert not (tmp_path / "out").exists()
    assert list(convert_scan(task_of(root), GRID, INTENSITY)[1]) == []


def test_where_all_of_the_volume_is_looked_at_no_lung_is_asked_for(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    crop = chest.with_nodule(chest.hu(), NODULE)[:, :, 8:72]
    geometry = chest.GEOMETRY.crop((slice(0, 44), slice(0, 60), slice(8, 72)))
    chest.write_scan(str(tmp_path / "data" / "subset0" / "1.1.mhd"), crop, geometry)
    record = convert(task_of(root, region=VOLUME), tmp_path / "out")
    assert (record.outcome, record.region, record.lung_volume_ml) == ("accepted", "volume", None)
    # All of 44 * 5 mm in slices of 6 mm.
    assert record.slice_count == 37
    for example in read(tmp_path / "out"):
        assert features.SCAN_FACTS[-1] not in example.features.feature
        # 240 mm of the scan's rows in rows of 5 mm, all its 64 columns.
        region = unpack_pixels(example, features.REGION_MASK)
        assert region.shape == (48, 64) and region.all()


def outlined(folder: Path, readers: int) -> str:
    """A cuboid of 4 x 4 x 3 voxels that so many readers outlined, in the middle of the scan."""
    z_mm = [chest.GEOMETRY.voxel_to_world((z, 0, 0))[2] for z in (20, 21, 22)]
    rois = [xml.roi(mm, xml.square(20, 30, 4)) for mm in z_mm]
    sessions = [xml.session(xml.nodule(*rois))] * readers + [xml.session()] * (4 - readers)
    return xml.write(folder, xml.message(*sessions, series_uid="1.1"), "1.1.xml")


def test_reader_outlines_take_the_place_of_spheres(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    outlined(tmp_path / "data" / "lidc", 2)
    record = convert(task_of(root, truth=LIDC, min_readers=2), tmp_path / "out")
    assert (record.outcome, record.truth) == ("accepted", "outlines of 2 or more readers")
    # 48 voxels of 4 * 4 * 5 mm.
    (nodule,) = record.nodules
    assert nodule.volume_mm3 == pytest.approx(3840, rel=1e-6)
    assert len(record.truth_sha256) == 64
    three = task_of(root, truth=LIDC, min_readers=3)
    assert convert(three, tmp_path / "out").nodules == ()


def test_without_outlines_a_scan_takes_spheres_or_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert(task_of(root, truth=LIDC), tmp_path / "out")
    assert (record.outcome, record.truth) == ("accepted", "spheres")
    strict = task_of(root, truth=LIDC, without_outlines=REFUSE)
    record = convert(strict, tmp_path / "out")
    assert (record.outcome, record.truth) == ("quarantined", "")
    assert "expected reader outlines of series 1.1, got no XML file" in record.reason


def test_outlines_that_cannot_be_trusted_quarantine_their_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    path = xml.write(tmp_path / "data" / "lidc", b"<LidcReadMessage>", "1.1.xml")
    task = task_of(root, truth=LIDC)
    record = convert(task, tmp_path / "out")
    assert record.outcome == "quarantined" and path in record.reason
    Path(path).unlink()
    record = convert(task, tmp_path / "out")
    assert (record.outcome, record.truth_sha256) == ("quarantined", "")


def test_checksums_of_what_it_was_made_from(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    record = convert(task_of(root), tmp_path / "out")
    header = tmp_path / "data" / "subset0" / "1.1.mhd"
    assert record.header_sha256 == sha256_of(str(header))
    assert record.voxels_sha256 == sha256_of(str(header.with_suffix(".raw")))
    assert record.annotations_sha256 == annotation_checksum([NODULE])
    assert record.truth_sha256 == ""


def test_a_flipped_bit_is_caught_by_a_list_of_checksums(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    listed = tmp_path / "list"
    listed.write_text(f"{sha256_of(str(voxels))}  subset0/1.1.raw\n")
    task = task_of(root, str(listed))
    assert convert(task, tmp_path / "out").outcome == "accepted"
    data = bytearray(voxels.read_bytes())
    data[200_000] ^= 1
    voxels.write_bytes(data)
    record = convert(task, tmp_path / "out2")
    assert record.outcome == "quarantined"
    assert "expected SHA-256" in record.reason and "of 1.1.raw" in record.reason
    assert convert(task_of(root), tmp_path / "out3").outcome == "accepted"


def test_a_scan_of_a_bucket_is_told_by_its_own_place(tmp_path: Path) -> None:
    make_root(tmp_path / "data", {"1.1": "p"})
    outlined(tmp_path / "data" / "lidc", 2)
    place = upload(tmp_path / "data", "test-conversion/good")
    record = convert(task_of(place, truth=LIDC), tmp_path / "out")
    assert (record.outcome, record.truth) == ("accepted", "outlines of 2 or more readers")
    assert record.path == f"{place}/subset0/1.1.mhd"
    assert record.voxels_sha256 == sha256_of(str(tmp_path / "data" / "subset0" / "1.1.raw"))
    assert len(read(tmp_path / "out")) == len(index(tmp_path / "out")) == record.slice_count

    (tmp_path / "data" / "lidc" / "1.1.xml").write_bytes(b"<broken")
    place = upload(tmp_path / "data", "test-conversion/bad")
    record = convert(task_of(place, truth=LIDC), tmp_path / "out")
    assert f"{place}/lidc/1.1.xml" in record.reason and "noduleflow-" not in record.reason


def test_voxels_missing_in_a_bucket_are_named_there(tmp_path: Path) -> None:
    make_root(tmp_path / "data", {"1.1": "p"})
    (tmp_path / "data" / "subset0" / "1.1.raw").unlink()
    place = upload(tmp_path / "data", "test-conversion/missing")
    record = convert(task_of(place), tmp_path / "out")
    assert record.outcome == "quarantined"
    assert f"{place}/subset0/1.1.mhd" in record.reason and "noduleflow-" not in record.reason


def test_what_cannot_be_written_is_no_fault_of_the_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        convert(task_of(root), tmp_path / "file")


def test_the_split_is_that_of_the_task(tmp_path: Path) -> None:
    task = replace(task_of(make_root(tmp_path / "data", {"1.1": "p"})), split="eval")
    record, examples = convert_scan(task, GRID, INTENSITY)
    example = tf.train.Example.FromString(next(examples).record)
    assert record.split == "eval"
    assert example.features.feature[features.SPLIT].bytes_list.value == [b"eval"]
