import gzip
import os

import numpy as np
import pytest

from lungct.readers import nifti_header as header_module
from lungct.readers.nifti_header import read_header, series_name
from lungct.scan import ScanError
from tests.lungct.readers.nifti_files import GEOMETRY, HU, affine_of, content, header_of, write

SHEARED = affine_of(GEOMETRY)
SHEARED[1, 2] = 0.3  # 0.12 rad of gantry tilt


def rows(affine):
    return {f"srow_{axis}": affine[place] for place, axis in enumerate("xyz")}


def moved(x_mm):
    affine = affine_of(GEOMETRY)
    affine[0, 3] += x_mm
    return rows(affine)


# Fields that are wrong, and the one reason that is expected.
BAD_FIELDS = {
    "pair of files": ({"magic": b"ni1"}, r"expected magic b'n\+1.*', got b'ni1.*another file"),
    "no magic": ({"magic": b""}, r"expected magic b'n\+1.*', got b'.x00"),
    "two dimensions": ({"dim_0": 2}, r"3 dimensions, .*, got dim \[2, 10, 8\]"),
    "several volumes": ({"dim_0": 4, "dim_4": 2}, r"fourth of size 1, got dim \[4, 10, 8, 6, 2\]"),
    "no dimensions": ({"dim_0": 0}, r"3 dimensions, .*, got dim \[0\]"),
    "negative dimensions": ({"dim_0": -3}, r"3 dimensions, .*, got dim \[-3\]"),
    "size 0": ({"dim_3": 0}, "dim of 1 to 1073741824 voxels, got 10 x 8 x 0"),
    "size negative": ({"dim_1": -10, "dim_2": -8}, "1 to 1073741824 voxels, got -10 x -8 x 6"),
    "size too large": (
        {"dim_1": 32767, "dim_2": 32767, "dim_3": 32767},
        "got 32767 x 32767 x 32767",
    ),
    "one slice less": ({"dim_3": 5}, "expected a file of 1152 bytes, got 1312 bytes"),
    "one slice more": ({"dim_3": 7}, "expected a file of 1472 bytes, got 1312 bytes"),
    "colours": ({"datatype": 128, "bitpix": 24}, r"whole or real numbers, got 128 \(RGB\)"),
    "complex": ({"datatype": 32, "bitpix": 64}, r"or real numbers, got 32 \(complex64\)"),
    "bits": ({"datatype": 1, "bitpix": 1}, r"or real numbers, got 1 \(binary\)"),
    "no type": ({"datatype": 0}, r"or real numbers, got 0 \(none\)"),
    "type that is none": ({"datatype": 3}, r"or real numbers, got 3 \(<unknown code 3>\)"),
    "bits of another type": ({"bitpix": 32}, "expected bitpix 16 of datatype 4, got 32"),
    "offset in the header": ({"vox_offset": 348}, "vox_offset of 352 to .* bytes, got 348"),
    "offset of 0": ({"vox_offset": 0}, "vox_offset of 352 to .* bytes, got 0"),
    "offset with a half": ({"vox_offset": 352.5}, "vox_offset of 352 to .* bytes, got 352.5"),
    "offset that is none": ({"vox_offset": np.nan}, "vox_offset of 352 to .* bytes, got nan"),
    "offset too far": ({"vox_offset": 1e9}, "vox_offset of 352 to .* bytes, got 1000000000.0"),
    "offset moved": ({"vox_offset": 368}, "expected a file of 1328 bytes, got 1312 bytes"),
    "spacing 0": ({"pixdim_3": 0}, "pixdim of 0.1 to 20 mm, got 0.7 0.8 0 mm"),
    "spacing NaN": ({"pixdim_1": np.nan}, "pixdim of 0.1 to 20 mm, got nan 0.8 2.5 mm"),
    "spacing negative": ({"pixdim_2": -0.8}, "pixdim of 0.1 to 20 mm, got 0.7 -0.8 2.5 mm"),
    "spacing too small": ({"pixdim_1": 0.05}, "pixdim of 0.1 to 20 mm, got 0.05 0.8 2.5 mm"),
    "spacing too large": ({"pixdim_3": 25}, "pixdim of 0.1 to 20 mm, got 0.7 0.8 25 mm"),
    "spacing of the sform": (
        {**rows(affine_of(GEOMETRY) * 2), "qform_code": 0},
        "spacing of the sform, 1.4 1.6 5 mm, got 0.7 0.8 2.5 mm",
    ),
    "metres": ({"xyzt_units": 1}, "expected xyzt_units of mm, got metres"),
    "micrometres": ({"xyzt_units": 3 | 8}, "expected xyzt_units of mm, got micrometres"),
    "another unit": ({"xyzt_units": 5}, "expected xyzt_units of mm, got code 5"),
    "no form": ({"sform_code": 0, "qform_code": 0}, "sform or qform to place .*, got neither"),
    "negative codes": ({"sform_code": -1, "qform_code": -1}, "sform or qform .*, got neither"),
    "forms apart": (
        moved(0.2),
        r"sform and qform to be the same, got 0.2 mm between sform \[-0.7 0 0 10.7; .* qform \[-",
    ),
    "sheared": ({**rows(SHEARED), "qform_code": 0}, "axes of the sform at right angles, got"),
    "flat": (rows(np.diag([0.0, 1, 1, 1])), "axes of the sform at right angles, got"),
    "sform NaN": (
        {"srow_y": np.nan},
        "numbers within ±10000 mm in the sform, got .*nan nan nan nan",
    ),
    "sform infinite": ({"srow_x": np.inf}, "numbers within ±10000 mm in the sform, got .inf inf"),
    "sform far away": (moved(2e4), "numbers within ±10000 mm in the sform, got"),
    "qform far away": (
        {"qoffset_z": 1e17, "sform_code": 0},
        "numbers within ±10000 mm in the qform, got",
    ),
    "qform NaN": (
        {"qoffset_x": np.nan, "sform_code": 0},
        "numbers within ±10000 mm in the qform, got",
    ),
    "quaternion too long": ({"quatern_b": 0.9, "quatern_c": 0.9}, "length up to 1 .*, got 0.9 0.9"),
    "quaternion NaN": ({"quatern_b": np.nan}, "length up to 1 in the qform, got nan"),
    "qfac": ({"pixdim_0": 3}, r"pixdim\[0\] of -1 or 1 for the qform, got 3"),
    "slope infinite": ({"scl_slope": np.inf}, "a finite scl_slope and scl_inter, got inf and"),
    "intercept NaN": ({"scl_slope": 2, "scl_inter": np.nan}, "scl_inter, got 2.0 and nan"),
}


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_refuses_fields(tmp_path, fields, message):
    path = write(tmp_path / "1.2.3.nii", content(**fields))
    with pytest.raises(ScanError, match=message) as caught:
        read_header(path)
    assert path in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_a_signalling_nan_is_refused_without_a_warning(tmp_path):
    data = bytearray(content())
    data[280:284] = (0x7FA00000).to_bytes(4, "little")  # srow_x[0]
    with pytest.raises(ScanError, match="numbers within ±10000 mm in the sform, got .nan 0 0"):
        read_header(write(tmp_path / "1.nii", bytes(data)))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a NIfTI header of 348 or 540 bytes, got b'' for it"),
        (bytes(1000), "348 or 540 bytes, got .* for it"),
        (content()[:300], "expected a header of 348 bytes, got 300 bytes"),
        (content(header=header_of(HU, version=2))[:400], "header of 540 bytes, got 400 bytes"),
    ],
    ids=["empty", "zeros", "half a header", "half a header of NIfTI-2"],
)
def test_refuses_what_is_no_header(tmp_path, data, message, ending):
    with pytest.raises(ScanError, match=message):
        read_header(write(tmp_path / f"1{ending}", data))


@pytest.mark.parametrize(("size", "got"), [(-1, 1311), (1, 1313)])
def test_refuses_a_file_of_another_length(tmp_path, size, got):
    data = (content() + b"x")[: 1312 + size]
    with pytest.raises(ScanError, match=f"expected a file of 1312 bytes, got {got} bytes"):
        read_header(write(tmp_path / "1.nii", data))


def test_refuses_a_gzip_file_that_is_none(tmp_path):
    (tmp_path / "1.nii.gz").write_bytes(content())
    with pytest.raises(
        ScanError, match="readable NIfTI file, got Not a gzipped file .* in .*1.nii.gz"
    ):
        read_header(str(tmp_path / "1.nii.gz"))


def test_refuses_a_gzip_file_cut_in_the_header(tmp_path):
    (tmp_path / "1.nii.gz").write_bytes(gzip.compress(content())[:60])
    with pytest.raises(ScanError, match="readable NIfTI file, got Compressed file ended"):
        read_header(str(tmp_path / "1.nii.gz"))


def test_refuses_a_gzip_file_damaged_in_the_header(tmp_path):
    data = bytearray(gzip.compress(content()))
    data[10] |= 6  # a kind of block that there is not
    (tmp_path / "1.nii.gz").write_bytes(data)
    with pytest.raises(ScanError, match="readable NIfTI file, got Error -3 while decompressing"):
        read_header(str(tmp_path / "1.nii.gz"))


def test_refuses_a_compressed_file_without_its_ending(tmp_path):
    (tmp_path / "1.nii").write_bytes(gzip.compress(content()))
    with pytest.raises(ScanError, match=r"348 or 540 bytes, got b'\\x1f\\x8b"):
        read_header(str(tmp_path / "1.nii"))


def test_refuses_a_volume_that_its_file_cannot_hold(tmp_path):
    data = content(dim_1=1000, dim_2=1000, dim_3=1000)
    with pytest.raises(ScanError, match="a gzip file that can hold 2000000352 bytes, got"):
        read_header(write(tmp_path / "1.nii.gz", data))


def test_refuses_a_side_beyond_its_bound(tmp_path):
    header = header_of(HU, version=2)
    with pytest.raises(ScanError, match="at most 65536 along an axis, got 1 x 1 x 65537"):
        read_header(write(tmp_path / "1.nii", content(HU, header, dim_1=1, dim_2=1, dim_3=65537)))


def test_refuses_line_ends_that_a_transfer_changed(tmp_path):
    data = content(HU, header_of(HU, version=2), eol_check=(10, 10, 26, 10))
    with pytest.raises(
        ScanError, match=r"magic b'n\+2.x00.r.n.x1a.n', got b'n\+2.x00.n.n.x1a.n' in"
    ):
        read_header(write(tmp_path / "1.nii", data))


def test_sizes_of_64_bits_do_not_overflow(tmp_path):
    header = header_of(HU, version=2)
    sides = {"dim_1": 1 << 33, "dim_2": 1 << 33, "dim_3": 1 << 62}
    with pytest.raises(ScanError, match="dim of 1 to 1073741824 voxels, got 8589934592 x"):
        read_header(write(tmp_path / "1.nii", content(HU, header, **sides)))


def test_refuses_more_bytes_of_voxels_than_a_scan_can_have(tmp_path, monkeypatch):
    monkeypatch.setattr(header_module, "MAX_VOXEL_BYTES", 900)
    with pytest.raises(ScanError, match="at most 900 bytes of voxels, got 960 bytes"):
        read_header(write(tmp_path / "1.nii", content()))


def test_refuses_a_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(ScanError, match="readable NIfTI file, got No such file .* in .*gone.nii"):
        read_header(str(tmp_path / "gone.nii"))
    with pytest.raises(ScanError, match="readable NIfTI file, got no regular file in"):
        read_header(str(tmp_path))


def test_refuses_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "1.nii")
    with pytest.raises(ScanError, match="readable NIfTI file, got no regular file in .*1.nii"):
        read_header(str(tmp_path / "1.nii"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/lung_001.nii.gz", "lung_001"),
        ("lung_001.NII", "lung_001"),
        ("1.2.840.113.nii.gz", "1.2.840.113"),
        ("x.mha", "x.mha"),
    ],
)
def test_series_name(path, name):
    assert series_name(path) == name
