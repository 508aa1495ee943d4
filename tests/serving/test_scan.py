import dataclasses
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.inventory import FoundScan
from lungct.readers.metaimage import write_scan
from lungct.resample import resample
from lungct.scan import Nodule, ScanError
from schema.thresholds import Thresholds
from serving.scan import ScanResult, segment_scan, to_own_grid
from serving.segmentation import Segmentation, find_nodules
from tests.lungct import chest
from tests.lungct.found import found_scan
from tests.serving.bright_model import bright_model

GRID = Grid(spacing_mm=(5.0, 3.0, 3.5), margin_mm=10.0)
MODEL = bright_model(GRID)
NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)
SMALL = Nodule("2", chest.middle_mm(x=-60, y=10, z=-20), 14.0)

Volume = npt.NDArray[np.int16]


def chest_hu() -> Volume:
    return chest.with_nodule(chest.with_nodule(chest.hu(), NODULE), SMALL)


def stored(tmp_path: Path, hu: Volume, geometry: Geometry, region: str = "lung") -> FoundScan:
    path = str(tmp_path / "1.2.3.mhd")
    write_scan(path, hu, geometry)
    return dataclasses.replace(found_scan(path), region=region)


def world_of(result: ScanResult) -> npt.NDArray[np.float64]:
    """Centres of the voxels of the mask, sorted."""
    points = np.round(result.geometry.voxel_to_world(np.argwhere(result.mask)), 4)
    return points[np.lexsort(points.T)]


@pytest.fixture
def result(tmp_path: Path) -> ScanResult:
    return segment_scan(stored(tmp_path, chest_hu(), chest.GEOMETRY), MODEL)


def test_nodules_in_the_lungs_are_found_and_the_body_is_not(result: ScanResult) -> None:
    assert [nodule.number for nodule in result.nodules] == [1, 2]
    for found, true in zip(result.nodules, (NODULE, SMALL), strict=True):
        np.testing.assert_allclose(found.centre_mm, true.centre_mm, atol=1.0)
        assert found.diameter_mm == pytest.approx(true.diameter_mm, abs=2.5)
        assert found.longest_axial_mm == pytest.approx(true.diameter_mm, abs=4.0)


def test_mask_and_nodules_are_of_the_own_grid_and_agree(result: ScanResult) -> None:
    assert result.geometry == chest.GEOMETRY
    assert result.mask.dtype == np.uint8 and result.mask.shape == chest.SHAPE
    parts = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(result.mask), True)
    )
    assert parts.max() == len(result.nodules)
    for nodule in result.nodules:
        z, y, x = np.rint(chest.GEOMETRY.world_to_voxel(nodule.centre_mm)).astype(int)
        places = np.argwhere(parts == parts[z, y, x])
        assert parts[z, y, x] and nodule.voxels == len(places)
        assert nodule.volume_mm3 == 80.0 * len(places)
        assert nodule.slices == (places[:, 0].min(), places[:, 0].max())
        centre = chest.GEOMETRY.voxel_to_world(places.mean(axis=0))
        np.testing.assert_allclose(nodule.centre_mm, centre)
        probability = result.probability()[parts == parts[z, y, x]]
        assert probability.min() >= 0.5 and probability.max() == nodule.probability


def test_it_says_what_was_done(result: ScanResult) -> None:
    done = dataclasses.asdict(result.done)
    seconds = done.pop("seconds")
    assert list(seconds) == ["resample", "read", "segment", "own_grid"]
    assert all(step >= 0 for step in seconds.values())
    assert done == {
        "model": "models/7",
        "code_hash": "3d",
        "spacing_mm": (5.0, 3.0, 3.5),
        "threshold": 0.5,
        "nodule_threshold": 0.0,
        "region": "lung",
    }
    assert (result.record.series_uid, result.record.outcome) == ("1.2.3", "accepted")


@pytest.mark.parametrize(
    ("order", "flips"),
    [((0, 1, 2), (0,)), ((0, 1, 2), (1, 2)), ((0, 2, 1), ()), ((2, 0, 1), (0, 2))],
)
def test_flipped_and_permuted_axes_give_the_same_nodules(
    result: ScanResult, tmp_path: Path, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    hu, geometry = chest.along_other_axes(chest_hu(), chest.GEOMETRY, order, flips)
    other = segment_scan(stored(tmp_path, hu, geometry), MODEL)
    assert other.geometry.distance_mm(geometry) < 1e-6 and other.mask.shape == hu.shape
    np.testing.assert_allclose(world_of(other), world_of(result), atol=1e-3)
    for found, expected in zip(other.nodules, result.nodules, strict=True):
        np.testing.assert_allclose(found.centre_mm, expected.centre_mm, atol=1e-6)
        assert found.slices == expected.slices
        assert found.longest_axial_mm == pytest.approx(expected.longest_axial_mm)
    moved, _ = chest.along_other_axes(result.probability(), chest.GEOMETRY, order, flips)
    np.testing.assert_allclose(other.probability(), moved, atol=1e-6)


def test_an_oblique_scan_is_drawn_where_its_nodules_lie(tmp_path: Path) -> None:
    turned = (0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, 1.0)
    geometry = dataclasses.replace(chest.GEOMETRY, direction=turned)
    result = segment_scan(stored(tmp_path, chest_hu(), geometry), MODEL)
    assert len(result.nodules) == 2
    for found, true in zip(result.nodules, (NODULE, SMALL), strict=True):
        place = chest.GEOMETRY.world_to_voxel(true.centre_mm)
        np.testing.assert_allclose(found.centre_mm, geometry.voxel_to_world(place), atol=1.5)


def test_on_one_grid_nothing_is_interpolated(tmp_path: Path) -> None:
    grid = Geometry(chest.SHAPE, chest.ORIGIN_MM, (3.0, 2.0, 5.0))
    model = bright_model(Grid((5.0, 2.0, 3.0)))
    result = segment_scan(stored(tmp_path, chest.hu(), grid, "volume"), model)
    np.testing.assert_array_equal(result.mask, chest.hu() >= -400)
    np.testing.assert_array_equal(result.probability(), model.segment(chest.hu()))
    assert sum(nodule.voxels for nodule in result.nodules) == np.count_nonzero(chest.hu() >= -400)


def test_the_threshold_can_be_another(tmp_path: Path) -> None:
    scan = stored(tmp_path, chest_hu(), chest.GEOMETRY)
    assert segment_scan(scan, MODEL, Thresholds(0.9)).nodules == ()  # 40 HU are 0.87
    for of_nodules, count in ((0.85, 2), (0.9, 0)):
        result = segment_scan(scan, MODEL, Thresholds(0.5, of_nodules))
        assert (len(result.nodules), bool(result.mask.any())) == (count, count > 0)
    assert segment_scan(scan, bright_model(GRID, threshold=0.9)).done.threshold == 0.9


def test_a_scan_without_nodules(tmp_path: Path) -> None:
    result = segment_scan(stored(tmp_path, chest.hu(), chest.GEOMETRY), MODEL)
    assert result.nodules == () and not result.mask.any()
    assert result.mask.shape == chest.SHAPE


def test_beyond_the_working_grid_probability_is_zero(result: ScanResult) -> None:
    probability = result.probability()
    assert probability.dtype == np.float32
    low, high = result.working_geometry.world_box(result.working_geometry.whole)
    centres = chest.GEOMETRY.voxel_to_world(np.indices(chest.SHAPE).transpose(1, 2, 3, 0))
    outside = ((centres < low) | (centres > high)).any(axis=-1)
    assert outside.any() and not probability[outside].any()
    # The air of the room and of the trachea has probability 0 too.
    assert np.count_nonzero(probability[~outside]) > 0.9 * np.count_nonzero(~outside)


def test_truth_plays_no_part(result: ScanResult, tmp_path: Path) -> None:
    # The working grid of ingest would reach to this one; and it lies outside of the scan.
    scan = found_scan(tmp_path / "1.2.3.mhd", (Nodule("9", (0.0, 0.0, 900.0), 5.0),))
    again = segment_scan(scan, MODEL)
    np.testing.assert_array_equal(again.mask, result.mask)


def test_a_damaged_scan_says_why(tmp_path: Path) -> None:
    scan = stored(tmp_path, chest_hu(), chest.GEOMETRY)
    (tmp_path / "1.2.3.raw").unlink()
    with pytest.raises(ScanError, match=r"expected .* in .*1.2.3.mhd"):
        segment_scan(scan, MODEL)


def test_a_repaired_scan_says_how(tmp_path: Path) -> None:
    scan = stored(tmp_path, chest_hu(), chest.GEOMETRY)
    header = tmp_path / "1.2.3.mhd"
    header.with_suffix(".raw").write_bytes((chest_hu() + 1024).astype("<u2").tobytes())
    header.write_text(header.read_text().replace("MET_SHORT", "MET_USHORT"))
    record = segment_scan(scan, MODEL).record
    assert (record.outcome, record.reason) == (
        "repaired",
        "uint16 values taken to int16 HU, 1024 subtracted",
    )


WORKING = Geometry((6, 8, 9), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))


def segmented(*places: tuple[Any, ...], region: Any = None) -> Segmentation:
    """What is found where voxels of the working grid have probability 1."""
    probability = np.zeros(WORKING.shape, np.float32)
    for place in places:
        probability[place] = 1
    mask = np.ones(WORKING.shape, bool) if region is None else region
    return Segmentation(probability, *find_nodules(probability, mask, WORKING, Thresholds(0.5)))


def test_a_dropped_part_stays_out_of_the_mask_beside_a_nodule() -> None:
    region = np.zeros(WORKING.shape, bool)
    region[2, 3] = True
    segmentation = segmented((2, 3, slice(1, 6)), (2, 5, slice(1, 6)), region=region)
    mask, (nodule,) = to_own_grid(segmentation, WORKING, WORKING, 0.5)
    assert np.argwhere(mask).tolist() == [[2, 3, x] for x in range(1, 6)]
    assert nodule.voxels == 5 and nodule.slices == (2, 2)


def test_interpolated_by_hand() -> None:
    # Half the spacing along x, shifted by half a voxel of its own: 0.75 and 0.25 on each side.
    own = Geometry((6, 8, 36), (0.125, 0.0, 0.0), (0.25, 2.0, 3.0))
    mask, (nodule,) = to_own_grid(segmented((2, 3, 4)), WORKING, own, 0.5)
    # Voxels at 3.625, 3.875, 4.125 and 4.375 mm have 0.625, 0.875, 0.875 and 0.625.
    assert np.argwhere(mask).tolist() == [[2, 3, x] for x in (14, 15, 16, 17)]
    assert nodule.probability == 0.875
    assert nodule.centre_mm == (4.0, 6.0, 6.0)
    assert nodule.volume_mm3 == 4 * 0.25 * 2 * 3


def test_what_falls_between_the_voxels_of_a_coarse_scan_is_in_neither() -> None:
    own = Geometry((3, 4, 5), (0.5, 1.0, 1.5), (2.0, 4.0, 6.0))
    segmentation = segmented((2, 3, 4), (slice(0, 2), slice(4, 8), slice(6, 8)))
    assert len(segmentation.nodules) == 2
    mask, (nodule,) = to_own_grid(segmentation, WORKING, own, 0.5)
    # A voxel of the scan is the mean of 2 x 2 x 2 of the working grid: 1/8, or all of them.
    assert np.argwhere(mask).tolist() == [[0, 2, 3], [0, 3, 3]]
    assert nodule.voxels == 2 and nodule.probability == 1


@pytest.mark.parametrize("spacing_mm", [(0.2, 0.3, 0.5), (1.3, 1.7, 2.9), (2.1, 4.3, 6.5)])
@pytest.mark.parametrize("shift", range(4))
def test_the_mask_is_that_of_the_whole_grid(
    spacing_mm: tuple[float, float, float], shift: int
) -> None:
    # One predicted voxel among others just below the threshold, which carry it far.
    probability = np.full(WORKING.shape, 0.4999, np.float32)
    probability[2:4, 3:6, 4:6] = 1
    everywhere = np.ones(WORKING.shape, bool)
    found = find_nodules(probability, everywhere, WORKING, Thresholds(0.5))
    x, y, z = (np.asarray(spacing_mm) * shift / 4 - 0.4).tolist()
    counts = [
        int(size * mm // step) + 1
        for size, mm, step in zip(
            WORKING.shape, WORKING.spacing_zyx_mm, spacing_mm[::-1], strict=True
        )
    ]
    own = Geometry((counts[0], counts[1], counts[2]), (x, y, z), spacing_mm)
    mask, _ = to_own_grid(Segmentation(probability, *found), WORKING, own, 0.5)
    whole = resample(probability, WORKING, own) >= 0.5
    assert 0 < np.count_nonzero(whole) < whole.size
    np.testing.assert_array_equal(mask, whole)


def test_a_nodule_at_the_corner_of_both_grids() -> None:
    mask, (nodule,) = to_own_grid(segmented((0, 0, 0), (0, 0, 1)), WORKING, WORKING, 0.5)
    assert np.argwhere(mask).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_memory_is_bounded_by_the_volume(tmp_path: Path) -> None:
    z, y, x = chest.SHAPE
    geometry = Geometry((z, 6 * y, 6 * x), chest.ORIGIN_MM, (4 / 6, 4 / 6, 5.0))
    scan = stored(tmp_path, chest.with_nodule(chest.hu(geometry), NODULE, geometry), geometry)
    model = bright_model(Grid((5.0, 0.7, 0.7), margin_mm=5.0))
    tracemalloc.start()
    try:
        segment_scan(scan, model)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 4 * 2 * z * 6 * y * 6 * x
