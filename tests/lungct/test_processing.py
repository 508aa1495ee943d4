import json
import tracemalloc
from dataclasses import asdict, replace

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.processing import process, to_slices
from lungct.readers.metaimage import write_scan
from lungct.readers.tables import read_annotations
from lungct.record import FindingRecord
from lungct.scan import Nodule, ScanError
from lungct.truth.labels import Truth
from lungct.truth.lidc.folders import by_series
from lungct.truth.spheres import equivalent_diameter_mm
from tests.lungct import chest
from tests.lungct.found import found_scan, headers, sliced
from tests.lungct.truth.lidc import xml

GRID = Grid(spacing_mm=(5.0, 4.0, 4.0), margin_mm=10.0)
NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)


@pytest.fixture
def header(tmp_path):
    path = str(tmp_path / "1.2.3.mhd")
    write_scan(path, chest.with_nodule(chest.hu(), NODULE), chest.GEOMETRY)
    return path


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.coverage, other.coverage)
        np.testing.assert_array_equal(one.region, other.region)
        np.testing.assert_allclose(one.hu, other.hu, atol=1)
        np.testing.assert_allclose(one.origin_mm, other.origin_mm, atol=1e-6)
        assert (one.index, one.nodules) == (other.index, other.nodules)


def test_record(header):
    record, slices = sliced(header, [NODULE], GRID)
    assert (record.series_uid, record.patient_id) == ("1.2.3", "P1")
    assert (record.outcome, record.reason) == ("accepted", "")
    assert record.shape == chest.SHAPE
    assert record.spacing_mm == chest.GEOMETRY.spacing_zyx_mm == (5.0, 4.0, 4.0)
    # Two ellipsoids of 45 x 65 x 80 mm half axes: 2 * 4/3 * pi * 234 ml = 1960 ml.
    assert record.lung_volume_ml == pytest.approx(1960, rel=0.03)
    p01, p50, p99 = record.hu_percentiles
    assert p01 <= -850 <= p50 <= p99 == 40
    assert record.slice_count == len(slices)
    assert record.seconds > 0
    assert json.loads(json.dumps(asdict(record)))["nodules"][0]["bucket"] == "15+"


def test_the_record_has_each_excluded_finding_once(header):
    place, other = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)
    findings = (Nodule("1", place, -1.0), Nodule("2", other, 4.5), Nodule("3", place, -1.0))
    outside = Nodule("1", (0.0, 0.0, 900.0), 5.0)
    for nodule, outcome in ((NODULE, "accepted"), (outside, "quarantined")):
        found = replace(found_scan(header, (nodule,)), excluded=findings)
        record = process(found, lambda prepared: prepared.record)
        assert record.outcome == outcome
        assert record.excluded == (FindingRecord(place, -1.0), FindingRecord(other, 4.5))


def test_slices_cover_the_lungs_with_their_margin(header):
    record, slices = sliced(header, [NODULE], GRID)
    # Lungs of 160 mm and 10 mm on each side, in slices of 5 mm.
    assert record.slice_count == pytest.approx(36, abs=2)
    lung = np.stack([one.region for one in slices])
    assert lung.sum() * 0.08 == pytest.approx(record.lung_volume_ml, rel=0.03)
    middle = slices[record.slice_count // 2]
    # 130 and 230 mm of lungs and the margin, in pixels of 4 mm.
    assert middle.hu.shape == middle.region.shape == middle.coverage.shape
    assert middle.hu.shape == pytest.approx((37.5, 62.5), abs=1)
    assert np.median(middle.hu[middle.region == 1]) == -850


def test_nodule_volume_and_place(header):
    record, slices = sliced(header, [NODULE], GRID)
    assert record.nodules[0].volume_mm3 == pytest.approx(NODULE.volume_mm3, rel=0.01)
    weight = np.stack([one.coverage for one in slices]) / 255.0
    z, y, x = (np.indices(weight.shape) * weight).sum(axis=(1, 2, 3)) / weight.sum()
    centre = np.asarray(slices[0].origin_mm) + (x * 4, y * 4, z * 5)
    np.testing.assert_allclose(centre, NODULE.centre_mm, atol=0.1)


@pytest.mark.parametrize(
    ("order", "flips"),
    [((0, 1, 2), (0,)), ((0, 1, 2), (1, 2)), ((0, 2, 1), ()), ((2, 0, 1), (0, 2))],
)
def test_same_slices_from_flipped_and_permuted_axes(header, tmp_path, order, flips):
    hu, geometry = chest.along_other_axes(
        chest.with_nodule(chest.hu(), NODULE), chest.GEOMETRY, order, flips
    )
    other = str(tmp_path / "1.2.4.mhd")
    write_scan(other, hu, geometry)
    assert_same(sliced(other, [NODULE], GRID)[1], sliced(header, [NODULE], GRID)[1])


def test_repaired_scan(tmp_path):
    path = tmp_path / "1.mhd"
    write_scan(str(path), chest.hu(), chest.GEOMETRY)
    path.with_suffix(".raw").write_bytes((chest.hu() + 1024).astype("<u2").tobytes())
    path.write_text(path.read_text().replace("MET_SHORT", "MET_USHORT"))
    record, _ = sliced(str(path), [], GRID)
    assert record.outcome == "repaired"
    assert record.reason == "uint16 values taken to int16 HU, 1024 subtracted"


def test_memory_is_bounded_by_the_volume(tmp_path):
    z, y, x = chest.SHAPE
    geometry = Geometry((z, 6 * y, 6 * x), chest.ORIGIN_MM, (4 / 6, 4 / 6, 5.0))
    path = str(tmp_path / "1.mhd")
    write_scan(path, chest.hu(geometry), geometry)
    tracemalloc.start()
    try:
        record, slices = sliced(path, [], Grid((5.0, 4 / 6, 4 / 6), margin_mm=10.0))
        assert len({one.hu.shape for one in slices}) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert record.slice_count == 36
    assert peak <= 2.5 * 2 * z * 6 * y * 6 * x


def test_scan_without_nodules(header):
    record, slices = sliced(header, [], GRID)
    assert record.nodules == ()
    assert not any(one.nodules or one.coverage.any() for one in slices)


def test_nodule_beyond_the_lungs_gets_its_slices(header):
    low = Nodule("2", chest.middle_mm(z=-100), 12.0)
    record, slices = sliced(header, [NODULE, low], GRID)
    assert record.slice_count > sliced(header, [NODULE], GRID)[0].slice_count
    assert [nodule.nodule_id for nodule in slices[0].nodules + slices[1].nodules].count("2") >= 1


def test_nodule_partly_outside_the_volume_is_cut(header):
    edge = Nodule("2", chest.middle_mm(z=-110), 20.0)
    record, _ = sliced(header, [edge], GRID)
    assert record.nodules[0].volume_mm3 == pytest.approx(edge.volume_mm3 / 2, rel=0.1)


def test_nodule_outside_the_volume(header):
    with pytest.raises(ScanError, match=r"centre of nodule 9 between \(-160.0, .* in .*1.2.3.mhd"):
        sliced(header, [Nodule("9", (0.0, 0.0, 900.0), 5.0)], GRID)


def test_a_nodule_in_the_skin_gets_its_columns(header):
    far = Nodule("9", chest.middle_mm(x=145), 10.0)
    record, slices = sliced(header, [far], GRID)
    assert record.nodules[0].volume_mm3 == pytest.approx(far.volume_mm3, rel=0.01)
    # From 125 mm right of the middle to 150 mm left of it, in pixels of 4 mm.
    assert slices[0].hu.shape[1] == pytest.approx(275 / 4, abs=1)


def test_no_lung_names_the_file(tmp_path):
    path = str(tmp_path / "1.mhd")
    write_scan(path, np.full((4, 6, 8), 40, np.int16), Geometry((4, 6, 8), (0, 0, 0), (1, 2, 3)))
    with pytest.raises(ScanError, match="no air: .* in .*1.mhd"):
        sliced(path, [], GRID)


def test_a_bad_scan_becomes_a_record(header):
    with open(header.replace(".mhd", ".raw"), "ab") as voxels:
        voxels.write(b"x")
    record = process(found_scan(header), lambda prepared: prepared.record)
    assert (record.used, record.outcome) == (False, "quarantined")
    assert (record.series_uid, record.patient_id, record.path) == ("1.2.3", "P1", header)
    assert "bytes of voxels" in record.reason and record.reason.count(header) == 1
    assert record.header_sha256 and record.slice_count == 0


def test_a_crop_is_looked_at_as_a_whole(header):
    found = replace(found_scan(header, (NODULE,)), region="volume")
    record = process(found, lambda prepared: to_slices(prepared, GRID)[0])
    assert (record.used, record.lung_volume_ml, record.region) == (True, None, "volume")
    # All 44 slices of 5 mm: the margin ends where the scan does.
    assert record.slice_count == 44
    assert "lung_volume_ml" not in record.facts()


def test_what_is_out_of_limits_is_refused_by_name(tmp_path):
    z, y, x = chest.SHAPE
    path = str(tmp_path / "1.mhd")
    # The same chest in fewer columns.
    geometry = Geometry((z, y, x // 3), chest.ORIGIN_MM, (12.0, 4.0, 5.0))
    write_scan(path, np.ascontiguousarray(chest.hu()[:, :, 1::3][:, :, : x // 3]), geometry)
    with pytest.raises(
        ScanError, match="implausible: expected spacing_x_mm from 0.1 to 10 mm, got 12"
    ):
        sliced(path, [], GRID)


def test_real_nodule(real_data):
    root = str(real_data / "luna16_sample")
    nodules = read_annotations(f"{root}/annotations.csv").by_series
    grid = Grid((2.5, 2.0, 2.0), margin_mm=5.0)
    path = headers(root)[0]
    ((series_uid, (nodule,)),) = nodules.items()
    record, slices = sliced(path, [nodule], grid)
    assert record.series_uid == series_uid
    truth = np.stack([one.coverage for one in slices]) >= 128
    diameter_mm = equivalent_diameter_mm(np.count_nonzero(truth) * 2.5 * 2.0 * 2.0)
    assert diameter_mm == pytest.approx(23.35, abs=0.3)
    z, y, x = np.argwhere(truth).mean(axis=0)
    centre = np.asarray(slices[0].origin_mm) + (x * 2.0, y * 2.0, z * 2.5)
    assert np.linalg.norm(centre - nodule.centre_mm) < 0.3
    lung = np.stack([one.region for one in slices])
    assert lung[truth].mean() > 0.95


def outlined(tmp_path, radius_mm=12.0):
    """Outlines of two readers of a disc in five slices, in the middle of the left lung."""
    centre = chest.GEOMETRY.world_to_voxel(chest.middle_mm(x=70))
    z, y, x = (round(index) for index in centre)
    side = 2 * int(radius_mm / 4)
    heights = [chest.GEOMETRY.voxel_to_world((z + step, 0, 0))[2] for step in range(-2, 3)]
    line = xml.square(x - side // 2, y - side // 2, side)
    session = xml.session(xml.nodule(*(xml.roi(height, line) for height in heights)))
    return xml.write(tmp_path, xml.message(session, session)), 5 * side**2 * 80.0


def test_reader_outlines_take_the_place_of_spheres(header, tmp_path):
    path, volume_mm3 = outlined(tmp_path)
    record, slices = sliced(header, [NODULE], GRID, truth=Truth("lidc", outlines=(path,)))
    assert record.warnings == (f"2 readers instead of 4 in {path}",)
    (facts,) = record.nodules
    # The working grid has the same spacing, shifted; nothing of the volume is lost.
    assert facts.volume_mm3 == pytest.approx(volume_mm3, rel=1e-4)
    assert facts.diameter_mm == pytest.approx(equivalent_diameter_mm(volume_mm3))
    cut = [one.index for one in slices if one.nodules]
    assert len(cut) in (5, 6)
    assert slices[cut[0]].nodules[0].nodule_id == "1"


def test_outlines_that_do_not_fit_name_both_files(header, tmp_path):
    path = xml.write(tmp_path, xml.message(xml.session(), series_uid="9.9"))
    with pytest.raises(ScanError, match=r"series 1.2.3, got 9.9 in .*1.2.3.xml in .*1.2.3.mhd"):
        sliced(header, [], GRID, truth=Truth("lidc", outlines=(path,)))


def test_real_outlines(real_data):
    root = real_data / "luna16_sample"
    path = headers(root)[0]
    ((series_uid, paths),) = by_series(map(str, (root / "lidc").glob("*.xml"))).items()
    grid = Grid((2.5, 2.0, 2.0), margin_mm=5.0)
    record, _ = sliced(path, [], grid, truth=Truth("lidc", outlines=paths))
    (facts,) = record.nodules
    assert record.series_uid == series_uid and record.warnings == ()
    assert facts.diameter_mm == pytest.approx(23.4, abs=0.2)
    assert equivalent_diameter_mm(facts.volume_mm3) == pytest.approx(23.4, abs=0.2)
