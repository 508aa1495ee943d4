import hashlib

import pytest

from lungct.readers.checksum_lists import (
    ChecksumList,
    find_checksums,
    gather_checksums,
    read_checksums,
    verify_scan,
)
from lungct.readers.checksums import sha256_of
from lungct.readers.metaimage import read_scan
from lungct.readers.tables import TableError
from lungct.scan import ScanError
from tests.lungct import chest

ONE, OTHER = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"").hexdigest()


@pytest.fixture
def header(tmp_path):
    return chest.write_good(tmp_path / "subset0" / "1.2.3.mhd")


def list_sums(folder, *paths):
    """Writes what `sha256sum` would."""
    lines = [f"{sha256_of(str(path))}  {path.relative_to(folder)}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


def flip_a_bit(path, place=1000):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_reads_text_and_binary_lines(tmp_path):
    (tmp_path / "sums").write_text(f"{ONE}  ./a b.raw\r\n\n{OTHER.upper()} *deep/b.raw\n")
    assert read_checksums(str(tmp_path / "sums")) == {"a b.raw": ONE, "deep/b.raw": OTHER}


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
        read_checksums(str(tmp_path / "sums"))


def sums_of(root, *headers, named=None):
    """The sums alone."""
    return find_checksums([str(root)], [str(header) for header in headers], named)[0]


def test_finds_lists_beside_the_scans_and_a_named_one(tmp_path, header):
    folder = str(header.parent.resolve())
    assert find_checksums([str(tmp_path)], [str(header)]) == ({folder: {}}, ())
    list_sums(tmp_path, header)
    list_sums(header.parent, header.with_suffix(".raw"))
    (tmp_path / "more").mkdir()
    # Names relative to the data root, in a list that lies elsewhere.
    (tmp_path / "more" / "list").write_text(f"{ONE}  subset0/c.raw\n")
    named = str(tmp_path / "more" / "list")
    sums, warnings = find_checksums([str(tmp_path)], [str(header)], named)
    assert {place: sorted(names) for place, names in sums.items()} == {
        folder: ["1.2.3.mhd", "1.2.3.raw", "c.raw"]
    }
    assert warnings == ()


@pytest.mark.parametrize("content", ["", f"{ONE}  elsewhere/1.2.3.raw\n"])
def test_a_list_of_no_scan_is_refused(tmp_path, header, content):
    (tmp_path / "list").write_text(content)
    with pytest.raises(TableError, match=r"sums of files in .*, got none among \d names in .*list"):
        find_checksums([str(tmp_path)], [str(header)], str(tmp_path / "list"))


def test_what_lists_lack_and_what_they_have_too_many_is_told(tmp_path, header):
    (header.parent / "1.2.4.mhd").write_text("")
    lines = [f"{ONE}  subset0/{name}\n" for name in ("1.2.3.raw", "1.2.9.mhd", "notes.txt")]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    headers = [str(header), str(header.with_name("1.2.4.mhd"))]
    assert find_checksums([str(tmp_path)], headers)[1] == (
        "lists of sums have 1 scans that are not there, such as 1.2.9.mhd",
        "1 of 2 scans are in no list of sums, such as 1.2.4.mhd",
    )


def test_folders_of_buckets_stay_as_they_are():
    lists = [ChecksumList("gs://b/a/SHA256SUMS", {"subset0/1.mhd": ONE, "1.mhd": OTHER})]
    headers = ["gs://b/a/subset0/1.mhd", "gs://b/a/1.mhd"]
    sums, _ = gather_checksums(lists, ["gs://b/a/"], headers)
    assert sums == {"gs://b/a/subset0": {"1.mhd": ONE}, "gs://b/a": {"1.mhd": OTHER}}


def test_lists_that_contradict_each_other(tmp_path, header):
    list_sums(tmp_path, header)
    (header.parent / "SHA256SUMS").write_text(f"{ONE}  1.2.3.mhd\n")
    with pytest.raises(
        TableError, match=r"one sum of 1.2.3.mhd in .*, got .* in .*subset0/SHA256SUMS"
    ):
        sums_of(tmp_path, header)
    with pytest.raises(TableError, match="readable list of sums, got No such file .*gone"):
        sums_of(tmp_path, header, named=str(tmp_path / "gone"))


def test_a_good_scan_passes_also_through_a_linked_folder(tmp_path, header):
    list_sums(tmp_path, header, header.with_suffix(".raw"))
    (tmp_path / "link").symlink_to(header.parent)
    for path in (header, tmp_path / "link" / header.name):
        verify_scan(str(path), sums_of(tmp_path, header))


def test_a_flipped_bit_is_caught_only_with_a_list(tmp_path, header):
    voxels = header.with_suffix(".raw")
    list_sums(tmp_path, header, voxels)
    expected = sha256_of(str(voxels))
    flip_a_bit(voxels)
    read_scan(str(header))
    verify_scan(str(header), {})
    with pytest.raises(ScanError) as caught:
        verify_scan(str(header), sums_of(tmp_path, header))
    assert f"expected SHA-256 {expected} of 1.2.3.raw, got " in str(caught.value)
    assert sha256_of(str(voxels)) in str(caught.value) and str(header) in str(caught.value)


def test_a_changed_header_is_caught(tmp_path, header):
    list_sums(tmp_path, header)
    header.write_text(header.read_text().replace("Offset = -158", "Offset = -159"))
    with pytest.raises(ScanError, match="of 1.2.3.mhd, got"):
        verify_scan(str(header), sums_of(tmp_path, header))


def test_files_that_the_list_leaves_out_pass(tmp_path, header):
    list_sums(tmp_path, header)
    flip_a_bit(header.with_suffix(".raw"))
    verify_scan(str(header), sums_of(tmp_path, header))


def test_a_file_that_is_gone_is_for_the_reader_to_say(tmp_path, header):
    list_sums(tmp_path, header)
    header.unlink()
    verify_scan(str(header), sums_of(tmp_path, header))
    with pytest.raises(ScanError, match="1.2.3.mhd"):
        read_scan(str(header))
