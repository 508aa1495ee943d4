import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.readers import metaimage_header as header_module
from lungct.readers.metaimage import write_scan
from lungct.readers.metaimage_fields import MAX_HEADER_BYTES
from lungct.readers.metaimage_header import read_header
from lungct.scan import ScanError
from tests.bad_inputs.case import change_header as change

# 4 * 3 * 2 voxels of 2 bytes are 48 bytes.
GEOMETRY = Geometry((2, 3, 4), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))


@pytest.fixture
def header(tmp_path):
    path = tmp_path / "1.2.3.mhd"
    write_scan(str(path), np.arange(24, dtype=np.int16).reshape(2, 3, 4), GEOMETRY)
    return path


def test_reads_all_fields(header):
    found = read_header(str(header))
    assert found.series_uid == "1.2.3"
    assert found.geometry == GEOMETRY
    assert found.dtype == np.dtype("<i2")
    assert found.voxels_path == str(header.with_suffix(".raw"))
    assert not found.compressed
    assert found.voxel_bytes == 48


@pytest.mark.parametrize(
    "fields",
    [
        {"BinaryDataByteOrderMSB": None, "CompressedData": None},
        {"Comment": "café = any"},
        {"ElementNumberOfChannels": "1", "HeaderSize": "0"},
        {"Offset": None, "Position": "-10.5 20.25 -300"},
        {"TransformMatrix": None, "Orientation": "1 0 0 0 1 0 0 0 1"},
        {"ElementSpacing": "7e-1 0.8 +2.5"},
    ],
)
def test_accepts_what_changes_nothing(header, fields):
    change(header, **fields)
    assert read_header(str(header)).geometry == GEOMETRY


def test_accepts_a_byte_order_mark_carriage_returns_and_blank_lines(header):
    text = header.read_text().replace("\n", "\r\n\r\n")
    header.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_header(str(header)).geometry == GEOMETRY


def test_big_endian(header):
    change(header, BinaryDataByteOrderMSB="True")
    assert read_header(str(header)).dtype == np.dtype(">i2")


@pytest.mark.parametrize(
    "matrix", ["-1 0 0 0 -1 0 0 0 1", "1 0 0 0 1 0 0 0 -1", "0 1 0 0 0 1 1 0 0"]
)
def test_accepts_flipped_left_handed_and_permuted_axes(header, matrix):
    change(header, TransformMatrix=matrix)
    # The matrix lists the world direction of each index axis in turn.
    columns = np.asarray([float(cosine) for cosine in matrix.split()]).reshape(3, 3)
    direction = np.asarray(read_header(str(header)).geometry.direction).reshape(3, 3)
    np.testing.assert_array_equal(direction, columns.T)


# More of what tests/bad_inputs/headers.py begins.
BAD_FIELDS = [
    ({"ObjectType": "Scene"}, "ObjectType = image, got 'Scene'"),
    ({"ObjectType": None}, "ObjectType = image, got none"),
    ({"BinaryData": "False"}, "BinaryData = true or 1, got 'False'"),
    ({"HeaderSize": "-1"}, "HeaderSize = 0, got '-1'"),
    ({"ElementToIntensityFunctionSlope": "2"}, "Slope = 1, got '2'"),
    ({"DimSize": "1 1 65537"}, "DimSize of at most 65536 along an axis, got '1 1 65537'"),
    ({"DimSize": "4 3"}, "3 positive whole numbers in DimSize, got '4 3'"),
    ({"DimSize": "4 3 2.0"}, "3 positive whole numbers in DimSize"),
    ({"ElementSpacing": None, "ElementSize": "1 1 1"}, "ElementSpacing, got none"),
    ({"ElementSpacing": "0.7 0.8 2_5"}, "3 finite numbers in ElementSpacing"),
    ({"ElementSpacing": "0.7 0.8 1e300"}, "ElementSpacing of 0.1 to 20 mm, got '0.7 0.8 1e300'"),
    ({"Offset": None}, "3 finite numbers in Offset, got none"),
    ({"Offset": "0 inf 0"}, "3 finite numbers in Offset, got '0 inf 0'"),
    ({"Offset": "1e300 1e300 1e300"}, "Offset within ±10000 mm, got '1e300 1e300 1e300'"),
    ({"Offset": "0 -10000.5 0"}, "Offset within ±10000 mm, got '0 -10000.5 0'"),
    ({"Offset": None, "Position": "0 0 1e17"}, "Position within ±10000 mm, got '0 0 1e17'"),
    ({"Origin": "0 0 0"}, "one of Offset, Position, Origin, got 'Offset and Origin'"),
    ({"TransformMatrix": None}, "9 orthonormal direction cosines in TransformMatrix, got none"),
    ({"TransformMatrix": "2 0 0 0 1 0 0 0 1"}, "9 orthonormal direction cosines"),
    ({"TransformMatrix": "1 0 0 0 1 0 0 0"}, "9 orthonormal direction cosines"),
    ({"ElementType": "MET_UCHAR"}, "ElementType MET_SHORT, .* got 'MET_UCHAR'"),
    ({"ElementType": None}, "ElementType MET_SHORT, .* got none"),
    ({"BinaryDataByteOrderMSB": "maybe"}, "MSB = True or False, got 'maybe'"),
    ({"ElementByteOrderMSB": "True"}, "one of BinaryDataByteOrderMSB, ElementByteOrderMSB"),
    ({"ElementDataFile": "LOCAL"}, "a file beside the header"),
    ({"ElementDataFile": "slice%03d.raw 1 2 1"}, "a file beside the header"),
    ({"ElementDataFile": "folder\\1.raw"}, "a file beside the header"),
    ({"ElementDataFile": ""}, "a file beside the header, got ''"),
    ({"ElementDataFile": "x" * 5000}, "expected a readable header and voxels, got .*too long"),
    ({"ElementDataFile": None}, "a file beside the header, got none"),
    ({"ElementDataFile": "gone.raw"}, "a regular file that is there, got 'gone.raw'"),
    ({"ElementType": "MET_FLOAT"}, "96 bytes of voxels, got '48 bytes'"),
    ({"DimSize": "4 3 1"}, "24 bytes of voxels, got '48 bytes'"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS)
def test_refuses_fields(header, fields, message):
    change(header, **fields)
    with pytest.raises(ScanError, match=message) as caught:
        read_header(str(header))
    assert str(header) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_accepts_an_origin_at_its_bound(header):
    change(header, Offset="10000 -10000 0")
    assert read_header(str(header)).geometry.origin_mm == (10000, -10000, 0)


@pytest.mark.parametrize("size", [0, 1, 47, 49])
def test_refuses_voxels_of_another_length(header, size):
    header.with_suffix(".raw").write_bytes(bytes(size))
    with pytest.raises(ScanError, match=f"expected 48 bytes of voxels, got '{size} bytes'"):
        read_header(str(header))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ObjectType Image", "name = value.*line 1"),
        ("NDims = 3\nNDims = 3", "each name once.*line 2"),
        ("ElementDataFile = x.raw\nNDims = 3", "ElementDataFile last.*line 2"),
        ("\0\0\0\1\2", "name = value"),
        ("", "header file of 1 to"),
    ],
)
def test_refuses_text_that_is_no_header(header, text, message):
    header.write_text(text)
    with pytest.raises(ScanError, match=message):
        read_header(str(header))


def test_refuses_a_header_beyond_its_bound(header):
    header.write_bytes(b"x" * (MAX_HEADER_BYTES + 1))
    with pytest.raises(ScanError, match=f"got {MAX_HEADER_BYTES + 1}"):
        read_header(str(header))


def test_refuses_more_bytes_of_voxels_than_a_scan_can_have(header, monkeypatch):
    monkeypatch.setattr(header_module, "MAX_VOXEL_BYTES", 40)
    with pytest.raises(ScanError, match=r"expected at most 40 bytes of voxels, got '\d+ bytes'"):
        read_header(str(header))


@pytest.mark.parametrize("link", [False, True])
def test_refuses_the_voxels_of_another_scan(header, link):
    other = header.with_name("9.9.mhd")
    for path in (header, header.with_suffix(".raw")):
        path.with_name(f"9.9{path.suffix}").write_bytes(path.read_bytes())
    other.write_text(other.read_text().replace(header.stem, "9.9"))
    assert read_header(str(other)).voxels_path.endswith("9.9.raw")
    if link:
        header.with_suffix(".raw").unlink()
        header.with_suffix(".raw").symlink_to("9.9.raw")
    else:
        header.write_text(header.read_text().replace(header.with_suffix(".raw").name, "9.9.raw"))
    with pytest.raises(ScanError, match=r"voxels of its own, not those of 9.9.mhd, got '"):
        read_header(str(header))


def test_refuses_a_header_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(ScanError, match="readable header .*nothing.mhd"):
        read_header(str(tmp_path / "nothing.mhd"))
    with pytest.raises(ScanError, match="readable header .*no regular file"):
        read_header(str(tmp_path))


def test_accepts_a_link_to_the_whole_folder(header, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "data"
    link.symlink_to(header.parent)
    assert read_header(str(link / header.name)).geometry == GEOMETRY


@pytest.fixture
def compressed(tmp_path):
    path = tmp_path / "1.2.4.mhd"
    write_scan(str(path), np.zeros((2, 3, 4), np.int16), GEOMETRY, compressed=True)
    return path


def test_compressed_size_must_be_that_of_the_file(compressed):
    assert read_header(str(compressed)).compressed
    change(compressed, CompressedDataSize="5")
    with pytest.raises(ScanError, match="CompressedDataSize = .* as on disk, got '5'"):
        read_header(str(compressed))


def test_accepts_a_name_with_blanks(header):
    header.with_suffix(".raw").rename(header.parent / "a scan.raw")
    change(header, ElementDataFile="a scan.raw")
    assert read_header(str(header)).voxels_path.endswith("a scan.raw")
