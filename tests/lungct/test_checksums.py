import hashlib

import pytest

from lungct.checksums import (
    ScanSums,
    annotation_sum,
    files_sum,
    find_sums,
    merge_sums,
    read_sums,
    scan_sums,
    sha256_of,
    verify_scan,
)
from lungct.metaimage import read_scan, write_scan
from lungct.scan import Nodule, ScanError
from lungct.tables import TableError
from tests.lungct import chest

ONE, OTHER = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"").hexdigest()


@pytest.fixture
def header(tmp_path):
    path = tmp_path / "subset0" / "1.2.3.mhd"
    path.parent.mkdir()
    write_scan(str(path), chest.hu(), chest.GEOMETRY)
    return path


def list_sums(folder, *paths):
    """Writes what `sha256sum` would."""
    lines = [f"{sha256_of(str(path))}  {path.relative_to(folder)}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


def flip_a_bit(path, place=1000):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_known_sum(tmp_path):
    # FIPS 180-2, appendix B.1.
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(str(tmp_path / "a")).startswith("ba7816bf8f01cfea")


def test_reads_text_and_binary_lines(tmp_path):
    (tmp_path / "sums").write_text(f"{ONE}  ./a b.raw\r\n\n{OTHER.upper()} *deep/b.raw\n")
    assert read_sums(str(tmp_path / "sums")) == {"a b.raw": ONE, "deep/b.raw": OTHER}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{ONE}  a\n{ONE[1:]}  b\n", "expected 'SHA-256  name', got .* in line 2 of .*sums"),
        (f"{ONE}\n", "expected 'SHA-256  name'"),
        (f"{ONE}  a\n{OTHER}  a\n", "one sum of a, got ba78.* and e3b0.* in line 2"),
        (b"\xff\xfe", "readable list of sums, got .*utf-8"),
    ],
)
def test_lists_that_cannot_be_trusted(tmp_path, content, message):
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "sums").write_bytes(data)
    with pytest.raises(TableError, match=message):
        read_sums(str(tmp_path / "sums"))


def test_finds_lists_beside_the_scans_and_a_named_one(tmp_path, header):
    assert find_sums([str(tmp_path)]) == {}
    list_sums(tmp_path, header)
    list_sums(header.parent, header.with_suffix(".raw"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "list").write_text(f"{ONE}  c.raw\n")
    found = find_sums([str(tmp_path)], str(tmp_path / "more" / "list"))
    assert {folder: sorted(names) for folder, names in found.items()} == {
        str(header.parent.resolve()): ["1.2.3.mhd", "1.2.3.raw"],
        str((tmp_path / "more").resolve()): ["c.raw"],
    }


def test_folders_of_buckets_stay_as_they_are():
    merged = merge_sums([("gs://bucket/a", {"subset0/1.mhd": ONE, "1.mhd": OTHER})])
    assert merged == {"gs://bucket/a/subset0": {"1.mhd": ONE}, "gs://bucket/a": {"1.mhd": OTHER}}


def test_sums_of_a_scan(tmp_path, header):
    raw = header.with_suffix(".raw")
    found = scan_sums(str(header))
    assert (found.header, found.voxels) == (sha256_of(str(header)), sha256_of(str(raw)))
    assert found.voxels_name == "1.2.3.raw"


def test_sums_of_a_scan_that_cannot_be_used(tmp_path, header):
    assert scan_sums(str(tmp_path / "gone.mhd")) == ScanSums()
    header.with_suffix(".raw").unlink()
    assert scan_sums(str(header)) == ScanSums(sha256_of(str(header)))


def test_sum_of_annotation_rows():
    nodules = [Nodule("1", (-1.5, 2.0, 0.1), 4.0), Nodule("2", (0.0, 0.0, 0.0), 30.0)]
    text = b"-1.5,2.0,0.1,4.0\n0.0,0.0,0.0,30.0\n"
    assert annotation_sum(nodules) == hashlib.sha256(text).hexdigest()
    assert annotation_sum([]) == ""


def test_sum_of_several_files(tmp_path):
    for name, content in (("a", b"abc"), ("b", b"")):
        (tmp_path / name).write_bytes(content)
    text = f"{ONE}\n{OTHER}\n".encode()
    paths = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert files_sum(paths) == hashlib.sha256(text).hexdigest()
    assert files_sum([]) == ""


def test_lists_that_contradict_each_other(tmp_path, header):
    list_sums(tmp_path, header)
    (header.parent / "SHA256SUMS").write_text(f"{ONE}  1.2.3.mhd\n")
    with pytest.raises(TableError, match=r"one sum of .*1.2.3.mhd, got .* in a list of .*subset0"):
        find_sums([str(tmp_path)])
    with pytest.raises(TableError, match="readable list of sums, got .*gone"):
        find_sums([], str(tmp_path / "gone"))


def test_a_good_scan_passes_also_through_a_linked_folder(tmp_path, header):
    list_sums(tmp_path, header, header.with_suffix(".raw"))
    (tmp_path / "link").symlink_to(header.parent)
    for path in (header, tmp_path / "link" / header.name):
        verify_scan(str(path), find_sums([str(tmp_path)]))


def test_a_flipped_bit_is_caught_only_with_a_list(tmp_path, header):
    voxels = header.with_suffix(".raw")
    list_sums(tmp_path, header, voxels)
    expected = sha256_of(str(voxels))
    flip_a_bit(voxels)
    read_scan(str(header))
    verify_scan(str(header), {})
    with pytest.raises(ScanError) as caught:
        verify_scan(str(header), find_sums([str(tmp_path)]))
    assert f"expected SHA-256 {expected} of 1.2.3.raw, got " in str(caught.value)
    assert sha256_of(str(voxels)) in str(caught.value) and str(header) in str(caught.value)


def test_a_changed_header_is_caught(tmp_path, header):
    list_sums(tmp_path, header)
    header.write_text(header.read_text().replace("Offset = -158", "Offset = -159"))
    with pytest.raises(ScanError, match="of 1.2.3.mhd, got"):
        verify_scan(str(header), find_sums([str(tmp_path)]))


def test_files_that_the_list_leaves_out_pass(tmp_path, header):
    list_sums(tmp_path, header)
    flip_a_bit(header.with_suffix(".raw"))
    verify_scan(str(header), find_sums([str(tmp_path)]))


def test_a_file_that_is_gone_is_for_the_reader_to_say(tmp_path, header):
    list_sums(tmp_path, header)
    header.unlink()
    verify_scan(str(header), find_sums([str(tmp_path)]))
    with pytest.raises(ScanError, match="1.2.3.mhd"):
        read_scan(str(header))
