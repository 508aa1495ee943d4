import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.readers.nifti import read_scan, read_values
from lungct.readers.nifti_header import read_header
from lungct.readers.nifti_writer import write_nifti
from tests.lungct.readers.test_nifti import DIRECTIONS, assert_near

SHAPE = (5, 6, 7)
GEOMETRY = Geometry(SHAPE, (-10.5, 20.25, -300.0), (1.0, 2.0, 3.0))
PLACE = (1, 2, 3)


def mask():
    volume = np.zeros(SHAPE, np.uint8)
    volume[PLACE] = 1
    return volume


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_others_find_each_voxel_where_it_lies(tmp_path, direction):
    path = str(tmp_path / "mask.nii.gz")
    grid = Geometry(SHAPE, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, direction)
    write_nifti(path, mask(), grid)
    expected = grid.voxel_to_world(PLACE)
    image = sitk.ReadImage(path)
    assert image.GetPixelID() == sitk.sitkUInt8 and image.GetPixel(PLACE[::-1]) == 1
    found = image.TransformIndexToPhysicalPoint(PLACE[::-1])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    by_nibabel = nibabel.load(path)
    (index,) = np.argwhere(np.asarray(by_nibabel.dataobj))
    for form in (by_nibabel.get_sform(), by_nibabel.get_qform()):
        # RAS in place of LPS.
        ras = form @ (*index, 1)
        np.testing.assert_allclose(ras[:3], expected * (-1, -1, 1), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_our_reader_takes_what_was_written(tmp_path, dtype):
    path = str(tmp_path / "1.2.3.nii.gz")
    hu = np.random.default_rng(1).integers(-1000, 400, SHAPE).astype(dtype)
    write_nifti(path, hu, GEOMETRY)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.hu, hu)
    assert_near(scan.geometry, GEOMETRY)


def test_probabilities_stay_as_they_are(tmp_path):
    path = str(tmp_path / "p.nii.gz")
    probability = np.random.default_rng(1).random(SHAPE, np.float32)[:, :, ::-1]
    write_nifti(path, probability, GEOMETRY)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(path)), probability)


def test_bytes_with_a_slope_are_read_as_real_numbers(tmp_path):
    path = str(tmp_path / "share.nii.gz")
    stored = np.arange(210, dtype=np.uint8).reshape(SHAPE)
    write_nifti(path, stored, GEOMETRY, 1 / 255)
    found = read_values(read_header(path))
    np.testing.assert_allclose(found, stored / 255, atol=1e-6)
    np.testing.assert_allclose(nibabel.load(path).get_fdata().T, stored / 255, atol=1e-6)


def test_same_volume_same_bytes(tmp_path):
    for name in "ab":
        write_nifti(str(tmp_path / f"{name}.nii.gz"), mask(), GEOMETRY)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_long_axes_are_written_as_nifti_2(tmp_path):
    path = str(tmp_path / "long.nii.gz")
    volume = np.zeros((1, 1, 40_000), np.uint8)
    volume[0, 0, 39_999] = 1
    write_nifti(path, volume, Geometry(volume.shape, (0.0, 0.0, 0.0), (0.1, 2.0, 3.0)))
    image = nibabel.load(path)
    assert isinstance(image, nibabel.Nifti2Image)
    assert np.argwhere(np.asarray(image.dataobj)).tolist() == [[39_999, 0, 0]]


def test_another_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"grid's shape \(5, 6, 7\), got \(2, 6, 7\)"):
        write_nifti(str(tmp_path / "x.nii.gz"), mask()[:2], GEOMETRY)
    assert not list(tmp_path.iterdir())
