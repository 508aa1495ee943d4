import tracemalloc
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.readers.metaimage import read_scan, read_voxels, write_scan
from lungct.readers.metaimage_header import read_header
from lungct.scan import ScanError
from tests.bad_inputs.case import change_header as change

GEOMETRY = Geometry((6, 8, 10), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))
HU = np.random.default_rng(0).integers(-1000, 400, GEOMETRY.shape).astype(np.int16)


@pytest.fixture(params=[False, True], ids=["raw", "zraw"])
def header(tmp_path, request):
    path = tmp_path / "1.2.3.mhd"
    write_scan(str(path), HU, GEOMETRY, compressed=request.param)
    return path


@pytest.fixture
def zraw(tmp_path):
    path = tmp_path / "1.2.4.mhd"
    write_scan(str(path), HU, GEOMETRY, compressed=True)
    change(path, CompressedDataSize=None)
    return path


def test_reads_what_was_written(header):
    scan = read_scan(str(header))
    np.testing.assert_array_equal(scan.hu, HU)
    assert (scan.series_uid, scan.geometry, scan.repairs) == ("1.2.3", GEOMETRY, ())
    assert not list(header.parent.glob(".*"))


def test_simpleitk_reads_the_same(header):
    image = sitk.ReadImage(str(header))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), HU)
    np.testing.assert_allclose(image.GetOrigin(), GEOMETRY.origin_mm)
    np.testing.assert_allclose(image.GetSpacing(), GEOMETRY.spacing_mm)


@pytest.mark.parametrize("compressed", [False, True])
def test_reads_what_simpleitk_writes(tmp_path, compressed):
    direction = (0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    image = sitk.GetImageFromArray(HU)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetDirection(direction)
    path = str(tmp_path / "1.mhd")
    sitk.WriteImage(image, path, compressed)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.hu, HU)
    assert scan.geometry.direction == direction


def test_writes_uint8_masks(tmp_path):
    mask = (HU > 0).astype(np.uint8)
    path = str(tmp_path / "mask.mhd")
    write_scan(path, mask, GEOMETRY)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(path)), mask)


def test_padding_and_metal_are_clipped(tmp_path):
    hu = HU.copy()
    hu[0, 0, :4] = (-3024, -2048, -2000, 5892)
    write_scan(str(tmp_path / "1.mhd"), hu, GEOMETRY)
    scan = read_scan(str(tmp_path / "1.mhd"))
    assert scan.hu[0, 0, :4].tolist() == [-1024, -1024, -1024, 3071]
    assert scan.repairs == ()


def test_big_endian_voxels(tmp_path):
    path = tmp_path / "1.mhd"
    write_scan(str(path), HU, GEOMETRY)
    path.with_suffix(".raw").write_bytes(HU.astype(">i2").tobytes())
    change(path, BinaryDataByteOrderMSB="True")
    np.testing.assert_array_equal(read_scan(str(path)).hu, HU)


def test_a_flipped_bit_in_a_stream_is_found(zraw):
    voxels = zraw.with_suffix(".zraw")
    whole = voxels.read_bytes()
    for place in (2, len(whole) // 2, len(whole) - 1):
        broken = bytearray(whole)
        broken[place] ^= 4
        voxels.write_bytes(broken)
        with pytest.raises(ScanError, match="1.2.4.mhd"):
            read_scan(str(zraw))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: zlib.compress(HU.tobytes()[:-2]),
        lambda data: zlib.compress(HU.tobytes() + b"xx"),
        lambda data: zlib.compress(b""),
    ],
    ids=["half", "no checksum", "trailing byte", "too short", "too long", "nothing"],
)
def test_refuses_a_stream_of_another_length(zraw, damage):
    voxels = zraw.with_suffix(".zraw")
    voxels.write_bytes(damage(voxels.read_bytes()))
    with pytest.raises(ScanError, match="1.2.4.mhd"):
        read_scan(str(zraw))


def test_a_stream_is_never_inflated_past_its_volume(zraw):
    # 500 MB of zeros where 960 bytes are expected.
    deflate = zlib.compressobj(1)
    pieces = [deflate.compress(bytes(1 << 20)) for _ in range(500)]
    zraw.with_suffix(".zraw").write_bytes(b"".join([*pieces, deflate.flush()]))
    tracemalloc.start()
    try:
        with pytest.raises(ScanError, match="exactly 960 bytes of voxels, got -1"):
            read_scan(str(zraw))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 23


def test_a_file_that_shrank_after_the_preflight(tmp_path):
    path = tmp_path / "1.mhd"
    write_scan(str(path), HU, GEOMETRY)
    header = read_header(str(path))
    path.with_suffix(".raw").write_bytes(bytes(100))
    with pytest.raises(ScanError, match="expected exactly 960 bytes of voxels, got 100"):
        read_voxels(header)
    path.with_suffix(".raw").unlink()
    with pytest.raises(ScanError, match="expected readable voxels, got .*No such file"):
        read_voxels(header)


def test_write_refuses_another_type_or_shape(tmp_path):
    with pytest.raises(ValueError, match="int16, uint8, float32 voxels, got float64"):
        write_scan(str(tmp_path / "1.mhd"), HU.astype(float), GEOMETRY)
    with pytest.raises(ValueError, match=r"shape \(6, 8, 10\), got \(5, 8, 10\)"):
        write_scan(str(tmp_path / "1.mhd"), HU[1:], GEOMETRY)
