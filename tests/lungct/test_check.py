import json
from pathlib import Path

import fsspec
import numpy as np
import pytest
import SimpleITK as sitk

from lungct.check import main
from lungct.geometry import Geometry
from lungct.lung.mask import lung_mask
from lungct.readers.checksums import sha256_of
from lungct.readers.metaimage import write_scan
from lungct.record_lines import FIELDS
from lungct.scan import Nodule
from tests.lungct import chest
from tests.lungct.truth.lidc import xml

ROOT = Path(__file__).resolve().parents[2]
NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)


@pytest.fixture
def folder(tmp_path):
    """A good scan, one of unsigned values, and one without its voxels."""
    good = chest.with_nodule(chest.hu(), NODULE)
    for number in (1, 2, 3):
        path = tmp_path / "scans" / "subset0" / f"1.2.{number}.mhd"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scan(str(path), good, chest.GEOMETRY)
    unsigned = path.parent / "1.2.2.mhd"
    unsigned.with_suffix(".raw").write_bytes((good + 1024).astype("<u2").tobytes())
    unsigned.write_text(unsigned.read_text().replace("MET_SHORT", "MET_USHORT"))
    path.with_suffix(".raw").unlink()
    return tmp_path / "scans"


@pytest.fixture
def annotations(tmp_path):
    x, y, z = NODULE.centre_mm
    path = tmp_path / "annotations.csv"
    rows = [f"{uid},{x},{y},{z},20.0\n" for uid in ("1.2.1", "9.9", "1.2.1")]
    path.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n" + "".join(rows))
    return str(path)


def objects(capsys):
    return {row["series_uid"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}


def keep_only(folder, series_uid):
    for path in (folder / "subset0").iterdir():
        if path.stem != series_uid:
            path.unlink()


def test_every_scan_has_one_outcome(folder, capsys):
    assert main([str(folder), "--json"]) == 4
    rows = objects(capsys)
    assert {uid: row["outcome"] for uid, row in rows.items()} == {
        "1.2.1": "accepted",
        "1.2.2": "repaired",
        "1.2.3": "quarantined",
    }
    assert all(tuple(row) == FIELDS for row in rows.values())
    assert rows["1.2.1"]["reason"] == "" and "1024 subtracted" in rows["1.2.2"]["reason"]
    assert "1.2.3.raw" in rows["1.2.3"]["reason"] and "1.2.3.mhd" in rows["1.2.3"]["reason"]


def test_facts_of_a_scan(folder, annotations, capsys):
    keep_only(folder, "1.2.1")
    assert main([str(folder), "--annotations", annotations, "--json"]) == 0
    row = objects(capsys)["1.2.1"]
    assert row["shape"] == list(chest.SHAPE)
    assert row["spacing_mm"] == [5.0, 4.0, 4.0]
    # Two ellipsoids of 45 x 65 x 80 mm half axes: 1960 ml.
    assert row["lung_volume_ml"] == pytest.approx(1960, rel=0.03)
    (nodule,) = row["nodules"]
    assert list(nodule) == ["id", "centre_mm", "diameter_mm", "volume_mm3", "bucket"]
    assert nodule["centre_mm"] == list(NODULE.centre_mm)
    assert nodule["volume_mm3"] == pytest.approx(NODULE.volume_mm3, rel=0.001)
    assert (nodule["diameter_mm"], nodule["bucket"]) == (20.0, "15+")
    assert 0 < row["seconds"] < 10


def test_the_table_beside_the_scans_is_read(folder, annotations, capsys):
    keep_only(folder, "1.2.1")
    (folder / "annotations.csv").write_text(Path(annotations).read_text())
    assert main([str(folder), "--json"]) == 0
    assert len(objects(capsys)["1.2.1"]["nodules"]) == 1


def test_scans_in_a_bucket(folder, annotations, capsys):
    system = fsspec.filesystem("memory")
    for path in folder.rglob("*.*"):
        system.pipe(f"memory://check/{path.relative_to(folder)}", path.read_bytes())
    assert main(["memory://check", "--annotations", annotations, "--json"]) == 4
    rows = objects(capsys)
    assert [rows[f"1.2.{n}"]["outcome"] for n in (1, 2, 3)] == [
        "accepted",
        "repaired",
        "quarantined",
    ]
    assert "in memory://check/subset0/1.2.3.mhd" in rows["1.2.3"]["reason"]
    assert "/tmp" not in rows["1.2.3"]["reason"]


def test_lines_for_people_end_with_a_sum(folder, annotations, capsys):
    assert main([str(folder), "--annotations", annotations]) == 4
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[-1] == "3 scans found: 1 accepted, 1 repaired, 1 quarantined"
    assert "44x60x80 at 5x4x4 mm" in lines[0] and "1 nodule of 20.0 mm" in lines[0]
    assert "0 nodules; uint16 values" in lines[1]
    assert lines[2].startswith("quarantined 1.2.3  expected ElementDataFile")
    assert "warning: line 4 of" in err and "repeats line 2" in err
    assert "annotations of 1 series that is not there, such as 9.9" in err


def test_masks_are_written_on_the_own_grid(folder, annotations, tmp_path):
    out = tmp_path / "deep" / "masks"
    main([str(folder), "--annotations", annotations, "--write-masks", str(out)])
    assert sorted(path.name for path in out.glob("*.mhd")) == [
        f"1.2.{number}_{name}.mhd" for number in (1, 2) for name in ("lung", "nodules")
    ]
    lung = sitk.ReadImage(str(out / "1.2.1_lung.mhd"))
    assert lung.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_allclose(lung.GetOrigin(), chest.ORIGIN_MM)
    np.testing.assert_allclose(lung.GetSpacing(), chest.SPACING_MM)
    expected = lung_mask(chest.with_nodule(chest.hu(), NODULE), chest.GEOMETRY)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(lung), expected)
    nodules = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "1.2.1_nodules.mhd")))
    assert nodules.sum() * 80 == pytest.approx(NODULE.volume_mm3, rel=0.1)
    assert nodules.max() == 1


def test_masks_of_a_flipped_scan_lie_where_its_voxels_do(tmp_path, annotations):
    volume = chest.with_nodule(chest.hu(), NODULE)
    flipped, geometry = chest.along_other_axes(volume, chest.GEOMETRY, (0, 1, 2), (0, 2))
    (tmp_path / "scans").mkdir()
    write_scan(str(tmp_path / "scans" / "1.2.1.mhd"), flipped, geometry)
    out = tmp_path / "masks"
    arguments = [str(tmp_path / "scans"), "--annotations", annotations, "--write-masks", str(out)]
    assert main(arguments) == 0
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "1.2.1_nodules.mhd"))) > 0
    assert mask.any() and (flipped[mask] == 40).mean() > 0.95


def test_a_flipped_bit_is_caught_by_a_list_of_checksums(folder, capsys, tmp_path):
    keep_only(folder, "1.2.1")
    voxels = folder / "subset0" / "1.2.1.raw"
    expected = sha256_of(str(voxels))
    data = bytearray(voxels.read_bytes())
    data[5000] ^= 1
    voxels.write_bytes(data)
    assert main([str(folder), "--json"]) == 0
    named = folder / "subset0" / "good.txt"
    named.write_text(f"{expected}  1.2.1.raw\n")
    assert main([str(folder), "--checksums", str(named), "--json"]) == 4
    named.rename(folder / "subset0" / "SHA256SUMS")
    capsys.readouterr()
    assert main([str(folder), "--json"]) == 4
    reason = objects(capsys)["1.2.1"]["reason"]
    assert expected in reason and sha256_of(str(voxels)) in reason


def test_outlines_and_their_absence(folder, tmp_path, capsys):
    line = xml.square(50, 28, 3)
    session = xml.session(xml.nodule(xml.roi(chest.ORIGIN_MM[2] + 100, line)))
    outlines = xml.message(*[session] * 2, series_uid="1.2.1")
    xml.write(tmp_path / "lidc", outlines, "069.xml")
    main([str(folder), "--lidc", str(tmp_path / "lidc"), "--json"])
    out, err = capsys.readouterr()
    (nodule,) = json.loads(out.splitlines()[0])["nodules"]
    # 3 x 3 pixels of 4 x 4 mm in one slice of 5 mm.
    assert nodule["volume_mm3"] == pytest.approx(720)
    assert "2 of 3 scans have no reader outlines and take spheres, such as 1.2.2" in err
    assert "warning: 1.2.1: 2 readers instead of 4" in err
    arguments = [str(folder), "--lidc", str(tmp_path / "lidc"), "--min-readers", "3", "--json"]
    main(arguments)
    assert json.loads(capsys.readouterr().out.splitlines()[0])["nodules"] == []


def test_broken_outlines_quarantine_their_scan(folder, tmp_path, capsys):
    xml.write(tmp_path / "lidc", b"<broken", "1.2.1.xml")
    assert main([str(folder), "--lidc", str(tmp_path / "lidc"), "--json"]) == 4
    reason = objects(capsys)["1.2.1"]["reason"]
    assert "well-formed XML" in reason and "lidc/1.2.1.xml" in reason


def test_real_sample(real_data, tmp_path, capsys):
    root = real_data / "luna16_sample"
    out = tmp_path / "masks"
    arguments = [str(root), "--lidc", str(root / "lidc"), "--write-masks", str(out), "--json"]
    assert main(arguments) == 0
    ((series_uid, row),) = objects(capsys).items()
    assert [n["diameter_mm"] for n in row["nodules"]] == [pytest.approx(23.4, abs=0.2)]
    published = next((root / "lidc").glob("*_readercount.nii.gz"))
    count = sitk.GetArrayFromImage(sitk.ReadImage(str(published)))
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(out / f"{series_uid}_nodules.mhd"))) > 0
    dice = 2 * np.count_nonzero(mask & (count >= 2)) / (mask.sum() + np.count_nonzero(count >= 2))
    assert dice >= 0.99


def store(path, places):
    """A real scan of another format as MetaImage."""
    image = sitk.ReadImage(places[0] if len(places) == 1 else places)
    hu = sitk.GetArrayFromImage(image).astype(np.int16)
    origin, direction = image.GetOrigin(), image.GetDirection()
    write_scan(str(path), hu, Geometry(hu.shape, origin, image.GetSpacing(), direction))


@pytest.mark.parametrize(
    ("names", "least_ml", "most_ml"),
    [
        # Lobes of 111 ml by their labels; 3.3 litres by its mask; 40 ml by a published network.
        (["example_ct.nii.gz"], 100, 130),
        (["3DCT_lung.mha"], 3000, 3600),
        (["0.dcm", "1.dcm"], 30, 45),
        (["1.dcm"], 15, 25),
    ],
    ids=["lung bases", "one lung", "two slices", "one slice"],
)
def test_real_scans_of_less_than_a_chest(real_data, tmp_path, capsys, names, least_ml, most_ml):
    store(tmp_path / "1.2.3.mhd", [str(real_data / "lung_masks" / name) for name in names])
    assert main([str(tmp_path), "--json"]) == 0
    row = objects(capsys)["1.2.3"]
    assert (row["outcome"], row["reason"]) == ("accepted", "")
    assert least_ml < row["lung_volume_ml"] < most_ml
