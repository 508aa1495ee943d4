import gzip
import tracemalloc

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.orientation import to_patient_axes
from lungct.readers.nifti import read_scan, read_values
from lungct.readers.nifti_header import read_header
from lungct.scan import ScanError
from tests.lungct.readers.nifti_files import GEOMETRY, HU, content, header_of, write


@pytest.fixture(params=["1.2.3.nii", "1.2.3.nii.gz"])
def path(tmp_path, request):
    return tmp_path / request.param


def assert_near(found, expected):
    """The same grid, as near as the 32 bits of a header tell."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.spacing_mm, expected.spacing_mm, rtol=1e-6)
    np.testing.assert_allclose(found.direction, expected.direction, atol=1e-6)
    assert found.distance_mm(expected) < 1e-4


def test_reads_voxels_and_grid(path):
    scan = read_scan(write(path, content()))
    np.testing.assert_array_equal(scan.hu, HU)
    assert (scan.series_uid, scan.repairs, scan.hu.dtype) == ("1.2.3", (), np.int16)
    assert_near(scan.geometry, GEOMETRY)
    # LPS and (z, y, x): the last voxel is 9 columns, 7 rows and 5 slices from the first.
    last = (-10.5 + 9 * 0.7, 20.25 + 7 * 0.8, -300 + 5 * 2.5)
    np.testing.assert_allclose(scan.geometry.voxel_to_world((5, 7, 9)), last, atol=1e-4)


def test_simpleitk_reads_the_same(path):
    image = sitk.ReadImage(write(path, content()))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), HU)
    np.testing.assert_allclose(image.GetOrigin(), GEOMETRY.origin_mm, atol=1e-5)
    np.testing.assert_allclose(image.GetDirection(), GEOMETRY.direction, atol=1e-6)


DIRECTIONS = {
    "RAS": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "left-handed": (1, 0, 0, 0, -1, 0, 0, 0, 1),
    "feet last": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "permuted": (0, 0, 1, -1, 0, 0, 0, 1, 0),
    "oblique": (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1),
    "oblique left-handed": (0.8, 0.6, 0, 0.6, -0.8, 0, 0, 0, 1),
}


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_honours_the_direction_of_every_axis(path, direction):
    grid = Geometry(GEOMETRY.shape, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, direction)
    scan = read_scan(write(path, content(header=header_of(HU, grid))))
    assert_near(scan.geometry, grid)
    image = sitk.ReadImage(str(path))
    np.testing.assert_allclose(image.GetDirection(), scan.geometry.direction, atol=1e-5)
    np.testing.assert_allclose(image.GetOrigin(), scan.geometry.origin_mm, atol=1e-4)


@pytest.mark.parametrize("orientation", ["RAS", "LAS", "PIR", "SLA"])
def test_another_order_of_storage_is_the_same_scan(tmp_path, orientation):
    whole = nibabel.Nifti1Image.from_bytes(content())
    codes = nibabel.orientations.axcodes2ornt(tuple(orientation))
    moved = whole.as_reoriented(
        nibabel.orientations.ornt_transform(nibabel.io_orientation(whole.affine), codes)
    )
    nibabel.save(moved, tmp_path / "1.nii.gz")
    scan = read_scan(str(tmp_path / "1.nii.gz"))
    volume, grid = to_patient_axes(scan.hu, scan.geometry)
    np.testing.assert_array_equal(volume, HU)
    assert_near(grid, GEOMETRY)


@pytest.mark.parametrize(("sform_code", "qform_code"), [(0, 1), (1, 0), (2, 0), (1, 3)])
def test_one_form_is_enough(path, sform_code, qform_code):
    fields = {"sform_code": sform_code, "qform_code": qform_code}
    if not sform_code:
        fields |= {"srow_x": np.nan, "srow_y": np.nan, "srow_z": np.nan}
    if not qform_code:
        fields |= {"quatern_b": np.nan, "qoffset_x": np.inf}
    assert_near(read_header(write(path, content(**fields))).geometry, GEOMETRY)


@pytest.mark.parametrize(
    "fields",
    [
        {"dim_0": 4, "dim_4": 1},
        {"xyzt_units": 0},
        {"xyzt_units": 2 | 16},
        {"scl_slope": 0, "scl_inter": 7},
        {"scl_slope": np.nan, "scl_inter": np.nan},
        {"scl_slope": 1, "scl_inter": 0},
        {"pixdim_0": 0, "sform_code": 0},
        {"srow_x": (-0.7, 0, 0, 10.52)},
    ],
    ids=[
        *("fourth dimension of 1", "no unit", "mm and ms", "slope 0", "slope NaN", "slope 1"),
        *("qfac 0", "rounded"),
    ],
)
def test_accepts_what_changes_nothing(path, fields):
    scan = read_scan(write(path, content(**fields)))
    np.testing.assert_array_equal(scan.hu, HU)
    assert scan.geometry.distance_mm(GEOMETRY) < 0.03 and scan.repairs == ()


@pytest.mark.parametrize("size", [32, 1])
def test_extensions_before_the_voxels(path, size):
    data = content(vox_offset=352 + size)
    scan = read_scan(write(path, data[:348] + b"\1\0\0\0" + b"x" * size + data[352:]))
    np.testing.assert_array_equal(scan.hu, HU)
    assert scan.hu.flags.aligned


def test_nifti_2(path):
    scan = read_scan(write(path, content(header=header_of(HU, version=2))))
    np.testing.assert_array_equal(scan.hu, HU)
    assert_near(scan.geometry, GEOMETRY)


@pytest.mark.parametrize("version", [1, 2])
def test_big_endian(path, version):
    header = header_of(HU, version=version).as_byteswapped(">")
    scan = read_scan(write(path, content(HU.astype(">i2"), header)))
    np.testing.assert_array_equal(scan.hu, HU)
    assert_near(scan.geometry, GEOMETRY)


def test_several_members_of_a_gzip_file(tmp_path):
    data = content()
    path = tmp_path / "1.nii.gz"
    path.write_bytes(
        b"".join(gzip.compress(part) for part in (data[:100], data[100:900], data[900:]))
    )
    np.testing.assert_array_equal(read_scan(str(path)).hu, HU)


def test_slope_and_intercept_are_applied(path):
    # Stored as uint16 in halves from -1024: 1000 is -524 HU, 3 is -1022.5, rounded to even.
    stored = np.full(GEOMETRY.shape, 1000, np.uint16)
    stored[0, 0, :3] = (0, 3, 2048)
    stored[1] = 2200
    scan = read_scan(write(path, content(stored, scl_slope=0.5, scl_inter=-1024)))
    assert scan.hu[0, 0, :4].tolist() == [-1024, -1022, 0, -524]
    assert scan.hu[1, 0, 0] == 76
    assert scan.repairs == (
        "scl_slope 0.5 and scl_inter -1024 applied",
        "float32 values taken to int16 HU",
    )


@pytest.mark.parametrize("padding", [-1025, -2000, -2048, -3024])
def test_padding_becomes_air(path, padding):
    hu = HU.copy()
    hu[:, :4, :4] = padding
    scan = read_scan(write(path, content(hu)))
    assert np.all(scan.hu[:, :4, :4] == -1024)
    np.testing.assert_array_equal(scan.hu[:, 4:], HU[:, 4:])


@pytest.mark.parametrize("padding", [-2000, -3024])
def test_padding_of_scaled_values_becomes_air(path, padding):
    stored = HU.astype(np.int32) + 1024
    stored[:, :4, :4] = padding
    scan = read_scan(write(path, content(stored, scl_slope=1, scl_inter=-1024)))
    assert np.all(scan.hu[:, :4, :4] == -1024)
    np.testing.assert_array_equal(scan.hu[:, 4:], HU[:, 4:])


@pytest.mark.parametrize("dtype", ["i4", "i8", "f4", "f8", "u2", "u4"])
def test_other_types_become_int16(path, dtype):
    offset = 1024 if dtype.startswith("u") else 0
    scan = read_scan(write(path, content((HU.astype(int) + offset).astype(f"<{dtype}"))))
    np.testing.assert_array_equal(scan.hu, HU)
    assert len(scan.repairs) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_values_that_are_not_finite(path, value):
    values = HU.astype(np.float32)
    values[3, 2, 1] = value
    with pytest.raises(
        ScanError, match=f"expected finite values, got {value} in slice 3 of .*1.2.3"
    ):
        read_scan(write(path, content(values)))


def test_refuses_values_beyond_a_float(path):
    values = np.full(GEOMETRY.shape, 100, np.int16)
    with pytest.raises(ScanError, match="expected finite values, got inf in slice 0"):
        read_scan(write(path, content(values, scl_slope=3e38, scl_inter=0)))


def test_refuses_values_that_are_no_hu(path):
    with pytest.raises(ScanError, match="at most 5% of values outside -4096 to 4095 HU, got"):
        read_scan(write(path, content(HU.byteswap())))


def test_refuses_a_mask_for_an_image(path):
    with pytest.raises(ScanError, match="expected air and tissue in values taken for HU"):
        read_scan(write(path, content((HU > 0).astype(np.uint8))))


def test_a_gzip_file_is_never_inflated_past_its_volume(tmp_path):
    # 200 MB of zeros behind the header of 960 bytes of voxels.
    path = write(tmp_path / "1.nii.gz", content() + bytes(200 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ScanError, match="exactly 1312 bytes, got -1 of a file or stream"):
            read_scan(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 23


DAMAGE = {
    "cut in the stream": (lambda data: data[:-300], "exactly 1312 bytes, got -1"),
    "cut in the checksum": (lambda data: data[:-1], "exactly 1312 bytes, got -1"),
    "a byte more": (lambda data: data + b"x", "exactly 1312 bytes, got -1"),
    "zeros behind": (lambda data: data + bytes(512), "exactly 1312 bytes, got -1"),
    "a member more": (lambda data: data + gzip.compress(b"x"), "exactly 1312 bytes, got -1"),
    "a voxel less": (lambda data: gzip.compress(content()[:-2]), "exactly 1312 bytes, got 1310"),
    "wrong checksum": (
        lambda data: data[:-8] + bytes(8),
        "expected readable voxels, got Error -3 while decompressing data: incorrect data check",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_refuses_a_damaged_gzip_file(tmp_path, damage, message):
    path = tmp_path / "1.2.3.nii.gz"
    path.write_bytes(damage(gzip.compress(content())))
    with pytest.raises(ScanError, match=message) as caught:
        read_scan(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_changed_after_the_preflight(tmp_path):
    path = tmp_path / "1.nii"
    header = read_header(write(path, content()))
    path.write_bytes(bytes(100))
    with pytest.raises(ScanError, match="expected exactly 1312 bytes, got 100 of a file"):
        read_values(header)
    path.unlink()
    with pytest.raises(ScanError, match="expected readable voxels, got No such file"):
        read_values(header)


def test_reads_a_real_file(real_data):
    path = str(real_data / "lung_masks" / "example_ct.nii.gz")
    scan = read_scan(path)
    image = sitk.ReadImage(path)
    np.testing.assert_array_equal(scan.hu, np.clip(sitk.GetArrayFromImage(image), -1024, 3071))
    np.testing.assert_allclose(image.GetOrigin(), scan.geometry.origin_mm, atol=1e-4)
    assert scan.geometry.spacing_mm == (3.0, 3.0, 3.0)
