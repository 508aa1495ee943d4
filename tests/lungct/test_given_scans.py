import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from lungct.given_scans import find_given
from lungct.inventory import reader_of
from lungct.processing import process
from lungct.readers.metaimage import write_scan
from lungct.readers.nifti_writer import write_nifti
from lungct.readers.tables import TableError
from lungct.roots import AUTO
from lungct.storage import StorageError
from tests.lungct import chest
from tests.lungct.luna16 import make_root, upload
from tests.lungct.readers import dicom_files, nifti_files


def find(*paths, layout=AUTO):
    return find_given([str(path) for path in paths], layout, "volume")


def read(scan):
    return reader_of(scan.layout).read(scan.files)


def test_a_header_is_a_scan_with_its_voxels(tmp_path):
    header = chest.write_good(tmp_path / "anywhere" / "1.2.3.mhd")
    inventory = find(header)
    (scan,) = inventory.scans
    assert (scan.series_uid, scan.layout, scan.region) == ("1.2.3", "luna16", "volume")
    assert scan.files.files == (str(header), str(header.with_suffix(".raw")))
    assert (scan.patient_id, scan.truth.files, inventory.warnings) == ("1.2.3", (), ())
    np.testing.assert_array_equal(read(scan).hu, chest.hu())


def test_a_file_of_the_working_folder(tmp_path, monkeypatch):
    chest.write_good(tmp_path / "here" / "1.2.3.mhd")
    monkeypatch.chdir(tmp_path / "here")
    (scan,) = find("1.2.3.mhd").scans
    assert read(scan).series_uid == "1.2.3"


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_a_nifti_file_is_a_scan_outside_of_a_data_set(tmp_path, name):
    nifti_files.write(tmp_path / name, nifti_files.content())
    (scan,) = find(tmp_path / name).scans
    assert (scan.series_uid, scan.layout) == ("ct", "msd")
    np.testing.assert_array_equal(read(scan).hu, nifti_files.HU)


def test_an_enhanced_file_is_a_scan_beside_others(tmp_path):
    dicom_files.write_file(tmp_path / "a", dicom_files.enhanced())
    (tmp_path / "notes.txt").write_text("none")
    (scan,) = find(tmp_path / "a").scans
    assert (scan.series_uid, scan.patient_id) == (dicom_files.SERIES_UID, dicom_files.PATIENT_ID)
    np.testing.assert_array_equal(read(scan).hu, dicom_files.hu())


def test_folders_and_files_together_are_ordered_by_series(tmp_path):
    root = make_root(tmp_path / "data", {"1.2.3": "P1", "1.2.9": "P2"})
    header = chest.write_good(tmp_path / "other" / "1.2.5.mhd")
    dicom_files.write(tmp_path / "series", dicom_files.series())
    scans = find(header, root, tmp_path / "series").scans
    assert [scan.series_uid for scan in scans] == ["1.2.3", "1.2.3.4", "1.2.5", "1.2.9"]


def test_nodules_are_none_of_its_concern(tmp_path):
    root = Path(make_root(tmp_path / "data", {"1.2.3": "P1"}))
    (root / "annotations.csv").write_text("broken")
    (scan,) = find(root).scans
    assert scan.truth.nodules == ()
    data = tmp_path / "decathlon"
    for folder in ("imagesTr", "labelsTr"):
        (data / folder).mkdir(parents=True)
    write_nifti(str(data / "imagesTr" / "ct.nii.gz"), chest.hu(), chest.GEOMETRY)
    (data / "labelsTr" / "ct.nii.gz").write_text("broken")
    (scan,) = find(data).scans
    assert process(scan, lambda prepared: prepared.record).used


@pytest.mark.parametrize("listed", [True, False])
def test_a_list_of_checksums_beside_a_file_is_heeded(tmp_path, listed):
    header = chest.write_good(tmp_path / "data" / "1.2.3.mhd")
    digest = hashlib.sha256(header.with_suffix(".raw").read_bytes()).hexdigest()
    (header.parent / "SHA256SUMS").write_text(
        f"{digest if listed else 64 * '0'}  1.2.3.raw\n{64 * '0'}  another.mhd\n"
    )
    inventory = find(header)
    assert inventory.warnings == ()
    record = process(inventory.scans[0], lambda prepared: prepared.record)
    assert record.used is listed
    assert listed or "expected SHA-256 0000" in record.reason


def test_a_file_in_a_bucket(tmp_path):
    header = chest.write_good(tmp_path / "data" / "1.2.3.mhd")
    place = upload(header.parent, "given-scans")
    (scan,) = find(f"{place}/1.2.3.mhd").scans
    assert scan.files.files == (f"{place}/1.2.3.mhd", f"{place}/1.2.3.raw")
    assert process(scan, lambda prepared: prepared.record).used


@pytest.mark.parametrize("again", ["data/subset0/1.2.3.mhd", "copy/1.2.3.mhd"])
def test_a_series_in_two_places_is_refused(tmp_path, again):
    root = make_root(tmp_path / "data", {"1.2.3": "P1"})
    chest.write_good(tmp_path / "copy" / "1.2.3.mhd")
    both = f"{root}/subset0/1.2.3.mhd, {tmp_path / again}"
    with pytest.raises(TableError, match=f"expected series 1.2.3 once, got {both}"):
        find(root, tmp_path / again)


def test_what_is_no_scan_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(TableError, match=r"a file of one \(.*\.mhd.*\.nii.*\.dcm.*\), got '.*txt'"):
        find(tmp_path / "notes.txt")
    with pytest.raises(StorageError, match="expected a folder of scans, got 'gone'"):
        find("gone")
    with pytest.raises(TableError, match="which holds no files"):
        (tmp_path / "empty").mkdir()
        find(tmp_path / "empty")


@pytest.mark.parametrize("compressed", [False, True])
def test_voxels_beside_their_header_are_passed_over(tmp_path, monkeypatch, compressed):
    header = tmp_path / "1.2.3.mhd"
    write_scan(str(header), chest.hu(), chest.GEOMETRY, compressed)
    (voxels,) = tmp_path.glob("*raw")
    for given in ((voxels, header), (header, voxels), (tmp_path, voxels)):
        assert [scan.series_uid for scan in find(*given).scans] == ["1.2.3"]
    monkeypatch.chdir(tmp_path)
    (scan,) = find(header.name, f"./{voxels.name}").scans
    assert process(scan, lambda prepared: prepared.record).used


@pytest.mark.parametrize("suffix", [".raw", ".zraw"])
def test_voxels_without_their_header_are_refused(tmp_path, suffix):
    header = chest.write_good(tmp_path / "data" / "1.2.3.mhd")
    voxels = header.parent / f"1.2.4{suffix}"
    voxels.write_bytes(b"")
    expected = f"expected the header of a scan, got its voxels '{voxels}': give .*/1.2.4.mhd"
    with pytest.raises(TableError, match=expected):
        find(header, voxels)


def test_endings_of_voxels_are_not_those_of_scans(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(TableError, match=r"a file of one \(.mhd, .mha\), got"):
        find(tmp_path / "notes.txt", layout="luna16")


def test_a_file_of_another_layout_is_refused(tmp_path):
    header = chest.write_good(tmp_path / "data" / "1.2.3.mhd")
    with pytest.raises(TableError, match=r"a file of one \(.nii, .nii.gz\), got"):
        find(header, layout="msd")


def test_a_pipe_is_found_and_refused_when_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "1.2.3.nii")
    (scan,) = find(tmp_path / "1.2.3.nii").scans
    assert not process(scan, lambda prepared: prepared.record).used
