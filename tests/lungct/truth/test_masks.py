import csv
import math

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.readers.layout import Listing
from lungct.readers.metaimage import write_scan
from lungct.readers.msd import READER
from lungct.readers.nifti_writer import write_nifti
from lungct.scan import Nodule, Scan, ScanError
from lungct.truth import masks as masks_module
from lungct.truth.labels import Truth, read_labels
from lungct.truth.masks import MAX_PARTS, mask_nodules
from lungct.truth.voxels import coverage_patches
from tests.lungct.readers.nifti_files import content, header_of, write

# Voxels of 1 x 2 x 3 mm, x first.
SCAN = Geometry((4, 10, 12), (-5.0, 7.0, 9.0), (1.0, 2.0, 3.0))
PRONE = Geometry(SCAN.shape, SCAN.origin_mm, SCAN.spacing_mm, (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))


def labels(**places):
    """A mask without lesions but those given."""
    mask = np.zeros(SCAN.shape, np.uint8)
    for place in places.values():
        mask[place] = 1
    return mask


SMALL = (slice(0, 1), slice(0, 2), slice(1, 3))
LARGE = (slice(2, 4), slice(4, 7), slice(6, 11))
TWO = labels(small=SMALL, large=LARGE)


@pytest.fixture
def nifti(tmp_path):
    """Writes a mask as NIfTI and gives its path."""

    def written(volume, geometry=SCAN, name="a.nii.gz", **fields):
        return write(tmp_path / name, content(volume, header_of(volume, geometry), **fields))

    return written


def by_sitk(path, volume, geometry=SCAN):
    """Writes a mask as SimpleITK does."""
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(path), True)
    return str(path)


def test_shares_stay_and_weigh(tmp_path):
    shares = np.zeros(SCAN.shape, np.uint8)
    # Two voxels beside each other along x, one of them covered by a fifth, and a far one by half.
    shares[1, 2, 3:5] = (255, 51)
    shares[3, 8, 9] = 128
    path = str(tmp_path / "a.nii.gz")
    write_nifti(path, shares, SCAN, 1 / 255)
    large, small = mask_nodules(path, SCAN)
    np.testing.assert_allclose(large.mask, [[[1.0, 0.2]]], atol=1e-6)
    # 1.2 voxels of 6 mm³. Columns 3 and 4 lie at -2 and -1 mm: the middle is -2 + 0.2 / 1.2.
    assert large.nodule.volume_mm3 == pytest.approx(7.2)
    assert large.nodule.centre_mm == pytest.approx((-2 + 1 / 6, 11.0, 12.0), abs=1e-5)
    assert small.nodule.volume_mm3 == pytest.approx(128 / 255 * 6)
    (patch, _) = coverage_patches((large, small), SCAN)
    np.testing.assert_allclose(patch.coverage, large.mask, atol=1e-6)


def test_parts_by_hand_the_largest_first(nifti):
    large, small = mask_nodules(nifti(TWO), SCAN)
    assert (large.nodule.nodule_id, small.nodule.nodule_id) == ("1", "2")
    assert (large.box, small.box) == (LARGE, SMALL)
    assert large.mask.all() and small.mask.all() and large.mask.dtype == np.bool_
    # 2 x 3 x 5 voxels of 6 mm³; columns 6-10 from -5 mm, rows 4-6 of 2 mm from 7, slices 2-3 of 3
    # mm from 9.
    assert large.nodule.volume_mm3 == pytest.approx(180)
    assert large.nodule.diameter_mm == pytest.approx((6 * 180 / math.pi) ** (1 / 3))
    assert large.nodule.centre_mm == pytest.approx((3.0, 17.0, 16.5), abs=1e-5)
    assert small.nodule.volume_mm3 == pytest.approx(24)
    assert small.nodule.centre_mm == pytest.approx((-3.5, 8.0, 9.0), abs=1e-5)


@pytest.mark.parametrize("name", ["m.nii", "m.nii.gz", "m.mha", "m.mhd", "m.NII"])
@pytest.mark.parametrize("geometry", [SCAN, PRONE], ids=["supine", "prone"])
def test_any_file_gives_the_same(tmp_path, nifti, name, geometry):
    expected = [found.box for found in mask_nodules(nifti(TWO, geometry), geometry)]
    upper = name.isupper() or name.endswith("NII")
    path = nifti(TWO, geometry, name) if upper else by_sitk(tmp_path / name, TWO, geometry)
    found = mask_nodules(path, geometry)
    assert [nodule.box for nodule in found] == expected
    sign = geometry.direction[0]
    assert found[0].nodule.centre_mm[0] == pytest.approx(-5 + sign * 8)


def test_an_empty_mask_is_a_scan_without_nodules(nifti):
    assert mask_nodules(nifti(labels()), SCAN) == ()


@pytest.mark.parametrize(
    ("second", "parts"),
    [((1, 1, 2), 1), ((1, 2, 1), 1), ((2, 2, 2), 1), ((1, 1, 3), 2), ((3, 1, 1), 2)],
    ids=["face", "edge and face", "corner", "a voxel between", "a slice between"],
)
def test_voxels_that_touch_anywhere_are_one_lesion(nifti, second, parts):
    path = nifti(labels(first=(1, 1, 1), second=second))
    assert len(mask_nodules(path, SCAN)) == parts


def test_single_voxels_are_lesions_in_the_order_of_their_places(nifti):
    found = mask_nodules(nifti(labels(last=(3, 0, 0), first=(0, 5, 5), middle=(0, 9, 1))), SCAN)
    assert [tuple(axis.start for axis in nodule.box) for nodule in found] == [
        *((0, 5, 5), (0, 9, 1), (3, 0, 0)),
    ]
    assert [nodule.nodule.nodule_id for nodule in found] == ["1", "2", "3"]


def test_lesions_whose_boxes_overlap_keep_apart(nifti):
    # A ring of 16 voxels around a single one.
    mask = labels(ring=(1, slice(2, 7), slice(2, 7)))
    mask[1, 3:6, 3:6] = 0
    mask[1, 4, 4] = 1
    ring, dot = mask_nodules(nifti(mask), SCAN)
    assert (ring.mask.sum(), dot.mask.sum()) == (16, 1)
    assert not ring.mask[0, 2, 2]


def test_labels_above_0_are_one_and_a_value_is_its_own(nifti):
    mask = labels(small=SMALL)
    mask[LARGE] = 2
    mask[2, 4, 6] = 3
    path = nifti(mask)
    assert [nodule.mask.sum() for nodule in mask_nodules(path, SCAN)] == [30, 4]
    assert [nodule.mask.sum() for nodule in mask_nodules(path, SCAN, 2)] == [29]
    assert [nodule.box for nodule in mask_nodules(path, SCAN, 1)] == [SMALL]
    assert mask_nodules(path, SCAN, 7) == ()


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_labels_of_any_type(nifti, dtype):
    assert len(mask_nodules(nifti(TWO.astype(f"<{dtype}")), SCAN)) == 2


def test_slope_applies_to_labels(nifti):
    assert len(mask_nodules(nifti(TWO * 2, scl_slope=0.5), SCAN, 1)) == 2


@pytest.mark.parametrize(
    ("value", "got"), [(0.5, "0.5"), (-1.0, "-1"), (np.nan, "nan"), (np.inf, "inf")]
)
def test_refuses_what_is_no_label(nifti, value, got):
    mask = TWO.astype(np.float32)
    mask[2, 1, 1] = value
    with pytest.raises(
        ScanError, match=f"whole numbers from 0, got {got} in slice 2 of .*a.nii.gz"
    ):
        mask_nodules(nifti(mask), SCAN)


def test_refuses_negative_whole_numbers(nifti):
    with pytest.raises(ScanError, match="whole numbers from 0, got -1 in slice 0 of .*a.nii.gz"):
        mask_nodules(nifti(-TWO.astype(np.int16)), SCAN)


def test_refuses_another_shape(nifti):
    with pytest.raises(ScanError, match=r"shape \(4, 10, 12\), got \(4, 10, 11\) in .*a.nii.gz"):
        mask_nodules(nifti(TWO[..., :-1]), SCAN)


ELSEWHERE = {
    "moved": Geometry(SCAN.shape, (-5.0, 7.0, 10.0), SCAN.spacing_mm),
    "spacing": Geometry(SCAN.shape, SCAN.origin_mm, (1.0, 2.0, 3.1)),
    "turned": PRONE,
    "slices reversed": Geometry(
        SCAN.shape, (-5.0, 7.0, 18.0), SCAN.spacing_mm, (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0)
    ),
}


@pytest.mark.parametrize("geometry", ELSEWHERE.values(), ids=ELSEWHERE)
def test_refuses_another_grid(nifti, geometry):
    with pytest.raises(
        ScanError, match=r"the scan's grid, origin \(-5.0, .* mm from it, in .*a.nii"
    ):
        mask_nodules(nifti(TWO, geometry), SCAN)


def test_a_grid_within_a_tenth_of_a_voxel_is_the_same(nifti):
    near = Geometry(SCAN.shape, (-5.05, 7.0, 9.05), SCAN.spacing_mm)
    (large, _) = mask_nodules(nifti(TWO, near), SCAN)
    assert large.geometry.origin_mm == (1.0, 15.0, 15.0)


def test_refuses_a_mask_of_crumbs(nifti, monkeypatch):
    monkeypatch.setattr(masks_module, "MAX_PARTS", 1)
    with pytest.raises(ScanError, match="expected at most 1 lesions, got 2 in .*a.nii.gz"):
        mask_nodules(nifti(TWO), SCAN)


def test_a_thousand_parts_are_allowed(nifti):
    # Every second voxel along each axis.
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[::2, ::2, ::2] = 1
    grid = Geometry(mask.shape, (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    assert len(mask_nodules(nifti(mask, grid), grid)) == MAX_PARTS == 1000


def test_refuses_what_is_no_nodule(nifti):
    mask = np.ones((30, 40, 50), np.uint8)
    grid = Geometry(mask.shape, (0.0, 0.0, 0.0), (4.0, 5.0, 6.0))
    # (6 · 60000 voxels · 120 mm³ / pi)^(1/3)
    with pytest.raises(ScanError, match="at most 150 mm, got one of 239.6 mm in .*a.nii.gz"):
        mask_nodules(nifti(mask, grid), grid)


@pytest.mark.parametrize("path", ["", "mask.nrrd", "mask"])
def test_refuses_other_files(path):
    with pytest.raises(ScanError, match=f"mask .nii, .nii.gz, .mhd or .mha, got '{path}'"):
        mask_nodules(path, SCAN)


def test_refuses_a_mask_that_is_not_there(tmp_path):
    with pytest.raises(ScanError, match="readable NIfTI file, got No such file .*gone.nii"):
        mask_nodules(str(tmp_path / "gone.nii"), SCAN)
    with pytest.raises(ScanError, match="readable header and voxels, got No such file .*gone.mha"):
        mask_nodules(str(tmp_path / "gone.mha"), SCAN)


def test_truth_of_a_scan(nifti):
    scan = Scan("a", np.zeros(SCAN.shape, np.int16), SCAN)
    ignored = Nodule("9", (0.0, 0.0, 0.0), 5.0)
    found = read_labels(scan, Truth("masks", nodules=(ignored,), label=nifti(TWO)))
    assert (found.spheres, len(found.voxels), found.warnings) == ((), 2, ())
    assert [patch.box for patch in found.stored_patches(SCAN)] == [LARGE, SMALL]
    # Half as many voxels along each axis, whose faces are those of the scan's: 2 x 4 x 6 mm.
    target = Geometry((2, 5, 6), (-4.5, 8.0, 10.5), (2.0, 4.0, 6.0))
    large, small = found.patches(target)
    assert large.coverage.sum() * target.voxel_volume_mm3 == pytest.approx(180)
    # The small one fills columns 1-2, half of two voxels, rows 0-1, all of one, and half a slice.
    assert (small.coverage.tolist(), small.box[2]) == ([[[0.25, 0.25]]], slice(0, 2))


def test_one_label_value_alone_can_be_nodule(nifti):
    assert mask_nodules(nifti(TWO), SCAN, 5) == ()


def test_a_scan_without_its_mask_is_refused():
    scan = Scan("a", np.zeros(SCAN.shape, np.int16), SCAN)
    with pytest.raises(ScanError, match="expected a label mask of a, got none"):
        read_labels(scan, Truth("masks"))


def test_writes_of_our_own_are_read(tmp_path):
    write_scan(str(tmp_path / "1.mhd"), TWO, SCAN, compressed=True)
    assert len(mask_nodules(str(tmp_path / "1.mhd"), SCAN)) == 2


def test_all_real_crops_are_read_and_measured(real_data):
    root = real_data / "lidc_nodules"
    files = tuple(sorted(map(str, root.rglob("*.*"))))
    with open(root / "nodules.csv") as table:
        diameters = {row["name"]: float(row["diameter_mm"]) for row in csv.DictReader(table)}
    near = 0
    for scan_files in READER.find(Listing(str(root), files, lambda path: open(path, "rb"))):
        scan = READER.read(scan_files)
        largest = mask_nodules(scan_files.label, scan.geometry)[0].nodule
        expected = diameters.pop(scan.series_uid)
        near += abs(largest.diameter_mm - expected) <= 0.12 * expected
    assert not diameters
    assert near >= 0.97 * 669
