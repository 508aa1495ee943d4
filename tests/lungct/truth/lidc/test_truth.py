import math

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.readers.metaimage_header import read_header
from lungct.truth.lidc.folders import by_series
from lungct.truth.lidc.reads import LidcError
from lungct.truth.lidc.truth import OutlineTruth, consensus_nodules
from lungct.truth.voxels import coverage_patches
from tests.lungct.found import headers
from tests.lungct.truth.lidc import xml

# Voxels of 1 x 2 x 3 mm, x first; slices at z of 0, 3, 6 and 9 mm.
SCAN = Geometry((4, 20, 30), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))


def nodule(x, side=4, heights=(0, 3)):
    return xml.nodule(*(xml.roi(z, xml.square(x, 4, side)) for z in heights))


@pytest.fixture
def truth(tmp_path):
    """Three readers: columns 5-8, 5-8 and 7-10 of rows 5-8 in the lower two slices."""
    sessions = [xml.session(nodule(4)), xml.session(nodule(4)), xml.session(nodule(6))]
    return OutlineTruth((xml.write(tmp_path, xml.message(*sessions, xml.session())),), 2)


def agreed(truth, min_readers=2, geometry=SCAN):
    return consensus_nodules(OutlineTruth(truth.paths, min_readers), xml.SERIES, geometry)


def test_consensus_by_hand(truth):
    ((found,), warnings) = agreed(truth)
    assert warnings == ()
    assert found.box == (slice(0, 2), slice(5, 9), slice(5, 9))
    assert found.mask.all()
    # 32 voxels of 6 mm³; middle of columns 5-8, rows 5-8 of 2 mm, slices 0 and 3 mm.
    assert found.nodule.volume_mm3 == pytest.approx(192)
    assert found.nodule.centre_mm == (6.5, 13.0, 1.5)
    assert found.nodule.diameter_mm == pytest.approx((6 * 192 / math.pi) ** (1 / 3))


@pytest.mark.parametrize(("min_readers", "columns"), [(1, 6), (2, 4), (3, 2)])
def test_more_readers_agree_on_less(truth, min_readers, columns):
    ((found,), _) = agreed(truth, min_readers)
    assert found.mask.sum() == 2 * 4 * columns


def test_too_few_readers_are_no_nodule(truth):
    assert agreed(truth, 4) == ((), ())


def test_readers_who_share_no_voxel_are_reported(tmp_path):
    sessions = [xml.session(nodule(4, heights=(z,))) for z in (0, 3)]
    path = xml.write(tmp_path, xml.message(*sessions, xml.session(), xml.session()))
    nodules, warnings = agreed(OutlineTruth((path,)))
    assert nodules == ()
    assert warnings == ("lesion 1: its 2 readers share no voxel",)
    assert len(agreed(OutlineTruth((path,)), 1)[0]) == 1


def test_outlines_keep_their_pixels_when_the_patient_lay_the_other_way(truth):
    prone = Geometry(
        SCAN.shape, (0.0, 0.0, 0.0), SCAN.spacing_mm, (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1)
    )
    ((found,), _) = agreed(truth, geometry=prone)
    assert found.box == (slice(0, 2), slice(5, 9), slice(5, 9))
    assert found.nodule.centre_mm == (-6.5, -13.0, 1.5)


def test_slices_stored_from_head_to_feet_give_the_same_nodule(truth):
    upside_down = Geometry(
        SCAN.shape, (0.0, 0.0, 9.0), SCAN.spacing_mm, (1.0, 0, 0, 0, 1, 0, 0, 0, -1)
    )
    ((found,), _) = agreed(truth, geometry=upside_down)
    assert found.box[0] == slice(2, 4)
    assert found.nodule == agreed(truth)[0][0].nodule


@pytest.mark.parametrize("flip", [(1.0, 1.0, 1.0), (-1.0, -1.0, 1.0), (1.0, 1.0, -1.0)])
@pytest.mark.parametrize("spacing_mm", [(1.5, 1.5, 2.5), (0.7, 0.9, 1.1), (5.0, 6.0, 7.0)])
def test_volume_survives_any_grid(truth, flip, spacing_mm):
    geometry = Geometry(SCAN.shape, (3.3, -4.1, 0.5), SCAN.spacing_mm, tuple(np.diag(flip).ravel()))
    ((found,), _) = agreed(truth, 1, geometry)
    start = np.asarray(found.nodule.centre_mm) - 20
    shape = tuple(int(40 / mm) + 1 for mm in spacing_mm[::-1])
    target = Geometry(shape, tuple(start + 0.37), spacing_mm)
    (patch,) = coverage_patches([found], target)
    coverage = patch.coverage.astype(float)
    volume_mm3 = coverage.sum() * target.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(found.nodule.volume_mm3, rel=1e-5)
    index = np.argwhere(np.ones(coverage.shape)) + [axis.start for axis in patch.box]
    centre = np.average(target.voxel_to_world(index), axis=0, weights=coverage.ravel())
    # A border voxel has its share in its middle, wherever in the voxel the share lies.
    assert np.all(np.abs(centre - found.nodule.centre_mm) < np.asarray(spacing_mm) / 2)


def test_refuses_a_scan_that_may_have_turned_its_pixels(truth):
    turned = OutlineTruth(truth.paths, same_pixels=False)
    with pytest.raises(LidcError, match="with the pixels of its DICOM images for .* series 1.2.3"):
        consensus_nodules(turned, xml.SERIES, SCAN)


def test_refuses_a_scan_at_other_heights(truth):
    # As a scan whose z runs the other way: slices from -9 to 0 mm would hold the lower outlines.
    elsewhere = Geometry(SCAN.shape, (0.0, 0.0, -90.0), SCAN.spacing_mm)
    with pytest.raises(LidcError, match="all 6 of z 0 to 3 mm on none in .*1.2.3.xml"):
        agreed(truth, geometry=elsewhere)


@pytest.mark.parametrize("axis", [0, 4])
def test_refuses_a_scan_of_which_columns_or_rows_run_backwards(truth, axis):
    direction = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    direction[axis] = -1.0
    with pytest.raises(LidcError, match="got mirrored ones of direction"):
        agreed(truth, geometry=Geometry(SCAN.shape, (0, 0, 0), SCAN.spacing_mm, tuple(direction)))


@pytest.mark.parametrize("arguments", [((), 2), (("a.xml",), 0)])
def test_truth_refuses(arguments):
    with pytest.raises(ValueError, match="XML files and at least 1 reader, got . files and . rea"):
        OutlineTruth(*arguments)


def test_broken_outlines_name_their_file(tmp_path):
    path = xml.write(tmp_path, b"<broken")
    with pytest.raises(LidcError, match="1.2.3.xml"):
        agreed(OutlineTruth((path,)))


def test_real_consensus_is_that_of_the_published_reader_count(real_data):
    root = real_data / "luna16_sample"
    header = read_header(headers(root)[0])
    paths = by_series(map(str, (root / "lidc").glob("*.xml")))[header.series_uid]
    published = next((root / "lidc").glob("*_readercount.nii.gz"))
    count = sitk.GetArrayFromImage(sitk.ReadImage(str(published)))
    for min_readers in (1, 2, 3, 4):
        truth = OutlineTruth(paths, min_readers)
        nodules, warnings = consensus_nodules(truth, header.series_uid, header.geometry)
        mask = np.zeros(header.geometry.shape, bool)
        for nodule in nodules:
            mask[nodule.box] |= nodule.mask
        shared = np.count_nonzero(mask & (count >= min_readers))
        dice = 2 * shared / (mask.sum() + np.count_nonzero(count >= min_readers))
        assert dice >= 0.999 and warnings == ()
        if min_readers == 2:
            assert [n.nodule.diameter_mm for n in nodules] == [pytest.approx(23.4, abs=0.2)]
