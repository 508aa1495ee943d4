import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.lung.mask import (
    _fill_dents,
    _swept,
    lung_box,
    lung_mask,
    lungs_in_box,
)
from lungct.readers.metaimage import read_scan
from lungct.readers.tables import read_annotations
from lungct.scan import Nodule, ScanError
from lungct.truth.spheres import render_spheres
from tests.lungct import chest
from tests.lungct.found import headers


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def load(path):
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    geometry = Geometry(array.shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection())
    return array, geometry


def at_full_resolution(geometry=chest.GEOMETRY, factor=4):
    """The chest with voxels of about a millimetre in plane, so that the coarse grid is coarser."""
    z, y, x = geometry.shape
    spacing = (geometry.spacing_mm[0] / factor, geometry.spacing_mm[1] / factor, 5.0)
    return Geometry((z, y * factor, x * factor), geometry.origin_mm, spacing)


def test_finds_both_lungs_and_no_airway():
    mask = lung_mask(chest.hu(), chest.GEOMETRY)
    assert dice(mask, chest.lungs()) > 0.97
    assert not mask[chest.trachea()].any()


def test_border_is_drawn_at_full_resolution():
    geometry = at_full_resolution()
    mask = lung_mask(chest.hu(geometry), geometry)
    assert dice(mask, chest.lungs(geometry)) > 0.985


@pytest.mark.parametrize("diameter_mm", [6.0, 12.0, 20.0])
def test_nodules_at_the_pleura_lie_inside(diameter_mm):
    geometry = at_full_resolution()
    # The nodule touches the pleura from within: side of the left lung.
    centre = chest.middle_mm(x=70 + 45 - diameter_mm / 2)
    nodule = Nodule("1", centre, diameter_mm)
    mask = lung_mask(chest.with_nodule(chest.hu(geometry), nodule, geometry), geometry)
    inside = render_spheres([nodule], geometry) >= 0.5
    z, y, x = np.rint(geometry.world_to_voxel(centre)).astype(int)
    assert mask[z, y, x]
    assert mask[inside].mean() > 0.9


def test_a_large_nodule_within_a_lung_is_filled():
    nodule = Nodule("1", chest.middle_mm(x=-70), 36.0)
    hu = chest.with_nodule(chest.hu(), nodule)
    assert lung_mask(hu, chest.GEOMETRY)[render_spheres([nodule], chest.GEOMETRY) > 0].all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(0,), (1, 2)])
def test_same_mask_in_the_world_along_other_axes(order, flips):
    hu, geometry = chest.along_other_axes(chest.hu(), chest.GEOMETRY, order, flips)
    straight = lung_mask(chest.hu(), chest.GEOMETRY)
    expected, _ = chest.along_other_axes(straight, chest.GEOMETRY, order, flips)
    np.testing.assert_array_equal(lung_mask(hu, geometry), expected)


def test_one_lung_is_enough():
    hu = chest.hu()
    hu[:, :, :40][chest.lungs()[:, :, :40]] = 40
    mask = lung_mask(hu, chest.GEOMETRY)
    assert dice(mask[:, :, 40:], chest.lungs()[:, :, 40:]) > 0.97
    assert not mask[:, :, :38].any()


@pytest.mark.parametrize("slices", [1, 2, 8])
def test_a_few_slices_are_enough(slices):
    middle = slice(22, 22 + slices)
    geometry = chest.GEOMETRY.crop((middle, slice(0, 60), slice(0, 80)))
    mask = lung_mask(np.ascontiguousarray(chest.hu()[middle]), geometry)
    assert dice(mask, chest.lungs()[middle]) > 0.95


def test_no_lung_is_a_scan_error():
    hu = chest.hu()
    hu[chest.lungs()] = 40
    with pytest.raises(ScanError, match="no lung: expected 15 to 15000 ml"):
        lung_mask(hu, chest.GEOMETRY)


RULES = (
    *("blank slices: ", "no image: ", "repeated slices: ", "slice order: "),
    *("no air: ", "no tissue: ", "no lung: ", "implausible: "),
)


@pytest.mark.parametrize("seed", range(100))
def test_any_volume_has_a_mask_or_ends_by_a_named_rule(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(size) for size in rng.choice([1, 2, 3, 9, 20], 3))
    spacing_mm = tuple(float(mm) for mm in rng.choice([0.01, 0.7, 2.5, 10, 50, 100], 3))
    # Blocks, as single voxels at random are no image.
    blocks = rng.choice(np.array([-1024, -850, 40], np.int16), [-(-size // 5) for size in shape])
    hu = blocks.repeat(5, 0).repeat(5, 1).repeat(5, 2)[: shape[0], : shape[1], : shape[2]].copy()
    box = tuple(slice(int(rng.integers(size)), size) for size in shape)
    hu[box] = rng.choice([-1000, -850, 40])
    try:
        assert lung_mask(hu, Geometry(shape, (0.0, 0.0, 0.0), spacing_mm)).any()
    except ScanError as error:
        assert str(error).startswith(RULES)


def test_dents_are_filled_where_lung_is_on_three_sides():
    plane = np.array(
        [
            [1, 1, 1, 1, 1, 1],
            [1, 0, 0, 1, 1, 1],
            [1, 1, 1, 1, 1, 1],
            [1, 0, 0, 0, 0, 1],
            [1, 1, 1, 0, 1, 1],
            [0, 1, 1, 0, 1, 1],
        ],
        dtype=bool,
    )
    # Reach 1 along y, 2 along x. Of the four in a row, all but column 3 have lung above, below and
    # on one side. Column 3 has it above and at its right; the pixels below that, left and right;
    # the corner, above and at its right.
    expected = plane.copy()
    expected[1, 1:3] = True
    expected[3, [1, 2, 4]] = True
    _fill_dents(plane, (1, 2))
    np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_swept_reaches_count_minus_one_further(count):
    line = np.zeros(8, bool)
    line[2] = True
    # Index 2 and the count - 1 after it, as far as there are any.
    assert np.flatnonzero(_swept(line, count)).tolist() == list(range(2, min(2 + count, 8)))


def test_lungs_lie_in_the_smallest_box_of_their_mask():
    box, lungs = lungs_in_box(chest.hu(), chest.GEOMETRY)
    mask = lung_mask(chest.hu(), chest.GEOMETRY)
    assert box == lung_box(mask)
    np.testing.assert_array_equal(lungs, mask[box])


def test_lung_box():
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2, 3:6] = True
    assert lung_box(mask) == (slice(1, 3), slice(2, 3), slice(3, 6))
    with pytest.raises(ScanError, match=r"no lung: .* empty one of \(4, 5, 6\)"):
        lung_box(np.zeros((4, 5, 6), bool))


@pytest.mark.parametrize(
    ("scan", "truth", "least"),
    [
        ("ct-64.nrrd", "wholeLung-64.nrrd", 0.96),
        ("3DCT_lung.mha", "3DCT_lung_baseline_mask.mha", 0.97),
    ],
)
def test_real_scans_against_published_masks(real_data, scan, truth, least):
    hu, geometry = load(real_data / "lung_masks" / scan)
    expected, _ = load(real_data / "lung_masks" / truth)
    assert dice(lung_mask(hu.astype(np.int16), geometry), expected > 0) > least


def test_real_lung_bases_are_found_among_bowel_gas(real_data):
    hu, geometry = load(real_data / "lung_masks" / "example_ct.nii.gz")
    labels, _ = load(real_data / "lung_masks" / "example_seg_fast_force_split.nii.gz")
    lobes = (labels >= 10) & (labels <= 14)
    assert dice(lung_mask(hu.astype(np.int16), geometry), lobes) > 0.93


def test_two_real_slices_are_enough(real_data):
    paths = [str(real_data / "lung_masks" / name) for name in ("0.dcm", "1.dcm")]
    image = sitk.ReadImage(paths)
    hu = sitk.GetArrayFromImage(image).astype(np.int16)
    mask = lung_mask(hu, Geometry(hu.shape, image.GetOrigin(), image.GetSpacing()))
    # A published network counts 101288 pixels of lung in them.
    assert np.count_nonzero(mask) == pytest.approx(101288, rel=0.08)


def test_real_nodule_lies_inside(real_data):
    root = str(real_data / "luna16_sample")
    scan = read_scan(headers(root)[0])
    nodules = read_annotations(f"{root}/annotations.csv").by_series[scan.series_uid]
    mask = lung_mask(scan.hu, scan.geometry)
    inside = render_spheres(nodules, scan.geometry) >= 0.5
    assert mask[inside].mean() > 0.95
