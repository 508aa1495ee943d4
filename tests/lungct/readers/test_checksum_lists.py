import hashlib
from dataclasses import replace

import pytest

from lungct.readers import luna16
from lungct.readers.checksum_lists import listed_checksums, read_checksums
from lungct.readers.checksums import scan_checksums, sha256_of, verify_checksums
from lungct.readers.layout import ScanFiles
from lungct.readers.metaimage import read_scan
from lungct.readers.tables import TableError
from lungct.scan import ScanError
from lungct.storage import list_files
from tests.lungct import chest

ONE, OTHER = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"").hexdigest()


@pytest.fixture
def header(tmp_path):
    return chest.write_good(tmp_path / "subset0" / "1.2.3.mhd")


def list_checksums(folder, *paths):
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
        (f"{ONE}  a\n{OTHER}  a\n", "one checksum of a, got ba78.* and e3b0.* in line 2"),
        (b"\xff\xfe", "readable list of checksums, got .*utf-8"),
    ],
)
def test_lists_that_cannot_be_trusted(tmp_path, content, message):
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "sums").write_bytes(data)
    with pytest.raises(TableError, match=message):
        read_checksums(str(tmp_path / "sums"))


def scans_of(root):
    return luna16.find(list_files(str(root))[0])


def listed(root, named=""):
    """Checksums by series, and warnings."""
    listing = list_files(str(root))[0]
    lists = [path for path in listing.files if path.endswith("/SHA256SUMS")]
    return listed_checksums(lists, named, {str(root): luna16.find(listing)})


def verify(root, header):
    """Compares a scan with the lists of its root."""
    (scan,) = [scan for scan in scans_of(root) if scan.path == str(header)]
    found = scan_checksums(scan.path, luna16.members(scan))
    verify_checksums(found.by_file, listed(root)[0].get(scan.series_uid, {}), scan.path)


def test_finds_lists_beside_the_scans_and_a_named_one(tmp_path, header):
    assert listed(tmp_path) == ({}, [])
    list_checksums(tmp_path, header)
    list_checksums(header.parent, header.with_suffix(".raw"))
    (tmp_path / "more").mkdir()
    # Names relative to the data root, in a list that lies elsewhere.
    (tmp_path / "more" / "list").write_text(f"{ONE}  subset0/c.raw\n")
    found, warnings = listed(tmp_path, str(tmp_path / "more" / "list"))
    names = sorted(path.rpartition("/")[2] for path in found["1.2.3"])
    assert names == ["1.2.3.mhd", "1.2.3.raw", "c.raw"]
    assert warnings == []


@pytest.mark.parametrize("content", ["", f"{ONE}  elsewhere/1.2.3.raw\n"])
def test_a_list_of_no_scan_is_refused(tmp_path, header, content):
    (tmp_path / "list").write_text(content)
    with pytest.raises(
        TableError, match=r"checksums of files in .*, got none among \d names in .*list"
    ):
        listed(tmp_path, str(tmp_path / "list"))


def test_what_lists_lack_and_what_they_have_too_many_is_told(tmp_path, header):
    (header.parent / "1.2.4.mhd").write_text("")
    lines = [f"{ONE}  subset0/{name}\n" for name in ("1.2.3.raw", "1.2.9.mhd", "notes.txt")]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    absent, without = listed(tmp_path)[1]
    assert absent.startswith("lists of checksums have 1 scan that is not there, such as /")
    assert absent.endswith("subset0/1.2.9.mhd")
    assert without == "1 of 2 scans is in no list of checksums, such as 1.2.4"


def test_a_scan_has_no_checksums_of_another(tmp_path, header):
    other = header.with_name("1.2.4.mhd")
    other.write_text("")
    list_checksums(tmp_path, header, other)
    assert {uid: list(paths) for uid, paths in listed(tmp_path)[0].items()} == {
        "1.2.3": [str(header)],
        "1.2.4": [str(other)],
    }


def test_lists_of_buckets(tmp_path, monkeypatch):
    texts = {"gs://b/a/SHA256SUMS": f"{ONE}  subset0/1.mhd\n{OTHER}  2.mhd\n"}
    monkeypatch.setattr("lungct.readers.checksum_lists.read_text", texts.__getitem__)
    places = ("gs://b/a/subset0/1.mhd", "gs://b/a/2.mhd")
    scans = [ScanFiles(place[-5], place, (place,)) for place in places]
    found, _ = listed_checksums(list(texts), "", {"gs://b/a": scans})
    assert found == {"1": {places[0]: ONE}, "2": {places[1]: OTHER}}


def test_lists_that_contradict_each_other(tmp_path, header):
    list_checksums(tmp_path, header)
    (header.parent / "SHA256SUMS").write_text(f"{ONE}  1.2.3.mhd\n")
    with pytest.raises(TableError) as caught:
        listed(tmp_path)
    text = str(caught.value)
    assert text.startswith("expected one checksum of 1.2.3.mhd in ") and ONE in text
    assert f"{tmp_path}/SHA256SUMS" in text and "subset0/SHA256SUMS" in text


def test_a_list_that_is_not_there(tmp_path, header):
    with pytest.raises(TableError, match="readable list of checksums, got No such file .*gone"):
        listed(tmp_path, str(tmp_path / "gone"))


def test_a_good_scan_passes_also_through_a_linked_folder(tmp_path, header):
    list_checksums(header.parent, header, header.with_suffix(".raw"))
    (tmp_path / "link").symlink_to(header.parent)
    verify(header.parent, header)
    verify(tmp_path / "link", tmp_path / "link" / header.name)


def test_a_flipped_bit_is_caught_only_with_a_list(tmp_path, header):
    voxels = header.with_suffix(".raw")
    expected = sha256_of(str(voxels))
    flip_a_bit(voxels)
    read_scan(str(header))
    verify(tmp_path, header)
    (tmp_path / "SHA256SUMS").write_text(f"{expected}  subset0/1.2.3.raw\n")
    with pytest.raises(ScanError) as caught:
        verify(tmp_path, header)
    assert f"expected SHA-256 {expected} of 1.2.3.raw, got " in str(caught.value)
    assert sha256_of(str(voxels)) in str(caught.value) and str(header) in str(caught.value)


def test_a_changed_header_is_caught(tmp_path, header):
    list_checksums(tmp_path, header)
    header.write_text(header.read_text().replace("Offset = -158", "Offset = -159"))
    with pytest.raises(ScanError, match="of 1.2.3.mhd, got"):
        verify(tmp_path, header)


def test_files_that_the_list_leaves_out_pass(tmp_path, header):
    list_checksums(tmp_path, header)
    flip_a_bit(header.with_suffix(".raw"))
    verify(tmp_path, header)


def folder_of_slices(tmp_path, *names):
    """A scan of DICOM slices with a note beside them."""
    for name in (*names, "notes.txt"):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_bytes(name.encode())
    folder = str(tmp_path / "a")
    return ScanFiles("1.2", folder, tuple(f"{folder}/{name}" for name in names))


def test_a_slice_that_is_listed_and_gone_belongs_to_its_scan(tmp_path):
    scan = folder_of_slices(tmp_path, "1.dcm", "2.dcm")
    list_checksums(tmp_path, *(tmp_path / "a" / name for name in ("1.dcm", "2.dcm", "notes.txt")))
    (tmp_path / "a" / "2.dcm").unlink()
    left = replace(scan, files=scan.files[:1])
    found, _ = listed_checksums([str(tmp_path / "SHA256SUMS")], "", {str(tmp_path): [left]})
    assert list(found["1.2"]) == list(scan.files)


def test_label_masks_are_in_lists_too(tmp_path):
    label = tmp_path / "labels" / "1.nii"
    label.parent.mkdir()
    label.write_bytes(b"mask")
    scan = replace(folder_of_slices(tmp_path, "1.nii"), label=str(label))
    list_checksums(tmp_path, label)
    found, _ = listed_checksums([str(tmp_path / "SHA256SUMS")], "", {str(tmp_path): [scan]})
    assert found == {"1.2": {str(label): sha256_of(str(label))}}
