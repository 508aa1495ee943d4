import hashlib

import pytest

from lungct.readers.checksums import (
    ScanChecksums,
    annotation_checksum,
    files_checksum,
    scan_checksums,
    sha256_of,
    verify_checksums,
)
from lungct.scan import Nodule, ScanError
from tests.lungct import chest

ONE, OTHER = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"").hexdigest()


@pytest.fixture
def header(tmp_path):
    return chest.write_good(tmp_path / "subset0" / "1.2.3.mhd")


def test_known_sum(tmp_path):
    # FIPS 180-2, appendix B.1.
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(str(tmp_path / "a")).startswith("ba7816bf8f01cfea")


def test_checksums_of_a_scan(tmp_path, header):
    raw = header.with_suffix(".raw")
    found = scan_checksums(str(header), (str(header), str(raw)))
    assert (found.header, found.voxels) == (sha256_of(str(header)), sha256_of(str(raw)))


def test_checksum_of_a_scan_of_one_file(header):
    one = scan_checksums(str(header), (str(header),))
    assert one.header == one.voxels == sha256_of(str(header))


def test_checksum_of_a_folder_of_slices(tmp_path):
    for name, content in (("a", b"abc"), ("b", b"")):
        (tmp_path / name).write_bytes(content)
    members = (str(tmp_path / "a"), str(tmp_path / "b"))
    found = scan_checksums(str(tmp_path), members)
    assert (found.header, found.voxels) == ("", files_checksum(members))


def test_checksums_of_a_scan_that_cannot_be_used(tmp_path, header):
    gone = str(tmp_path / "gone.mhd")
    assert scan_checksums(gone, (gone,)) == ScanChecksums({gone: ""})
    raw = header.with_suffix(".raw")
    raw.unlink()
    found = scan_checksums(str(header), (str(header), str(raw)))
    assert (found.header, found.voxels) == (sha256_of(str(header)), "")


def test_checksum_of_annotation_rows():
    nodules = [Nodule("1", (-1.5, 2.0, 0.1), 4.0), Nodule("2", (0.0, 0.0, 0.0), 30.0)]
    text = b"-1.5,2.0,0.1,4.0\n0.0,0.0,0.0,30.0\n"
    assert annotation_checksum(nodules) == hashlib.sha256(text).hexdigest()
    assert annotation_checksum([]) == ""


def test_checksum_of_several_files(tmp_path):
    for name, content in (("a", b"abc"), ("b", b"")):
        (tmp_path / name).write_bytes(content)
    text = f"{ONE}\n{OTHER}\n".encode()
    paths = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert files_checksum(paths) == hashlib.sha256(text).hexdigest()
    assert files_checksum([]) == ""


def test_a_sum_that_differs_names_both(header):
    members = (str(header), str(header.with_suffix(".raw")))
    found = scan_checksums(str(header), members)
    path = str(header)
    verify_checksums(found.by_file, {path: found.header, "/a/other.raw": ONE}, path)
    with pytest.raises(ScanError, match=f"expected SHA-256 {ONE} of 1.2.3.raw, got {found.voxels}"):
        verify_checksums(found.by_file, {str(header.with_suffix(".raw")): ONE}, path)


def test_a_listed_slice_that_is_gone_is_named(tmp_path):
    listed = {f"{tmp_path}/{name}.dcm": ONE for name in "ab"}
    found = {f"{tmp_path}/a.dcm": ONE}
    verify_checksums(found, listed, str(tmp_path))
    with pytest.raises(ScanError, match="expected the listed file /.*/b.dcm, got no such file"):
        verify_checksums(found, listed, str(tmp_path), all_listed=True)
