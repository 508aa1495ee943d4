"""MetaImage files that hold header and voxels."""

import tracemalloc
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.readers.metaimage import read_scan, read_voxels
from lungct.readers.metaimage_fields import MAX_HEADER_BYTES
from lungct.readers.metaimage_header import LABEL_TYPES, read_header
from lungct.scan import ScanError

# 4 * 3 * 2 voxels of 2 bytes are 48 bytes.
GEOMETRY = Geometry((2, 3, 4), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))
HU = np.arange(-900, -900 + 24 * 40, 40, dtype=np.int16).reshape(GEOMETRY.shape)
VOXELS = HU.tobytes()
FIELDS = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "-10.5 20.25 -300",
    "ElementSpacing": "0.7 0.8 2.5",
    "DimSize": "4 3 2",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


@pytest.fixture
def write(tmp_path):
    """Writes a file of changed fields and any bytes behind them, and gives its path."""

    def written(data=VOXELS, name="1.2.3.mha", end="\n", **fields):
        lines = {**FIELDS, **fields}
        text = "".join(f"{key} = {value}{end}" for key, value in lines.items())
        (tmp_path / name).write_bytes(text.encode() + data)
        return str(tmp_path / name)

    return written


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("compressed", [False, True])
def test_reads_voxels_behind_the_header(write, compressed, end):
    data = zlib.compress(HU.tobytes()) if compressed else HU.tobytes()
    scan = read_scan(write(data, end=end, CompressedData=str(compressed)))
    np.testing.assert_array_equal(scan.hu, HU)
    assert (scan.series_uid, scan.geometry, scan.repairs) == ("1.2.3", GEOMETRY, ())


@pytest.mark.parametrize("compressed", [False, True])
def test_reads_what_simpleitk_writes(tmp_path, compressed):
    image = sitk.GetImageFromArray(HU)
    image.SetSpacing(GEOMETRY.spacing_mm)
    image.SetOrigin(GEOMETRY.origin_mm)
    path = str(tmp_path / "1.mha")
    sitk.WriteImage(image, path, compressed)
    np.testing.assert_array_equal(read_scan(path).hu, HU)
    assert read_scan(path).geometry == GEOMETRY


def test_voxels_that_look_like_a_header(write):
    # 24 voxels in which the last line of a header stands once more.
    data = b"\nElementDataFile = LOCAL\n".ljust(48, b"\0")
    header = read_header(write(data))
    assert read_voxels(header).tobytes() == data


def test_the_first_voxel_may_be_a_line_feed(write):
    data = b"\n\r" * 24
    assert read_voxels(read_header(write(data))).tobytes() == data


@pytest.mark.parametrize("size", [0, 47, 49])
def test_refuses_another_number_of_bytes(write, size):
    with pytest.raises(ScanError, match=f"48 bytes of voxels, got '{size} bytes' in .*1.2.3.mha"):
        read_header(write(bytes(size)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: zlib.compress(HU.tobytes()[:-2]),
        lambda data: zlib.compress(HU.tobytes() + b"xx"),
    ],
    ids=["no checksum", "trailing byte", "too short", "too long"],
)
def test_refuses_a_stream_of_another_length(write, damage):
    path = write(damage(zlib.compress(HU.tobytes())), CompressedData="True")
    with pytest.raises(ScanError, match="exactly 48 bytes of voxels, got .* in .*1.2.3.mha"):
        read_scan(path)


def test_compressed_size_is_that_of_the_bytes_behind_the_header(write):
    data = zlib.compress(HU.tobytes())
    fields = {"CompressedData": f"True\nCompressedDataSize = {len(data)}"}
    np.testing.assert_array_equal(read_scan(write(data, **fields)).hu, HU)
    with pytest.raises(ScanError, match=f"CompressedDataSize = {len(data) + 1} as on disk, got '"):
        read_header(write(data + b"x", **fields))


def test_a_stream_is_never_inflated_past_its_volume(write):
    # 100 MB of zeros where 48 bytes are expected.
    path = write(zlib.compress(bytes(100 << 20)), CompressedData="True")
    tracemalloc.start()
    try:
        with pytest.raises(ScanError, match="exactly 48 bytes of voxels, got -1"):
            read_scan(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 23


def test_a_volume_that_its_stream_cannot_hold_is_not_allocated(write):
    path = write(zlib.compress(bytes(48)), CompressedData="True", DimSize="1000 1000 1000")
    with pytest.raises(ScanError, match="a stream that can hold 2000000000 bytes, got '"):
        read_header(path)


@pytest.mark.parametrize("name", ["1.2.3.raw", "LIST", "../1.raw"])
def test_refuses_voxels_elsewhere(write, name):
    with pytest.raises(ScanError, match="ElementDataFile = LOCAL in a file .mha, got '"):
        read_header(write(ElementDataFile=name))


def test_refuses_an_mhd_that_holds_its_voxels(write):
    with pytest.raises(ScanError, match="a file beside the header, got 'LOCAL' in .*.mhd"):
        read_header(write(b"", name="1.2.3.mhd"))


def test_refuses_a_header_without_end(write, tmp_path):
    (tmp_path / "2.mha").write_bytes(b"NDims = 3\n" + bytes(MAX_HEADER_BYTES))
    with pytest.raises(ScanError, match="'ElementDataFile = LOCAL' in the first .* got none in"):
        read_header(str(tmp_path / "2.mha"))


def test_labels_may_be_bytes_and_a_ct_may_not(write):
    path = write(bytes(24), ElementType="MET_UCHAR")
    assert read_header(path, LABEL_TYPES).dtype == np.uint8
    with pytest.raises(ScanError, match="expected ElementType MET_SHORT, .* got 'MET_UCHAR'"):
        read_header(path)


def test_reads_a_real_file(real_data):
    path = str(real_data / "lung_masks" / "3DCT_lung.mha")
    scan = read_scan(path)
    image = sitk.ReadImage(path)
    np.testing.assert_array_equal(scan.hu, np.maximum(sitk.GetArrayFromImage(image), -1024))
    assert scan.geometry.spacing_mm == image.GetSpacing() == (1.366, 1.366, 2.5)
