import numpy as np
import pytest

from lungct.limits import CHEST_LIMITS
from lungct.lung.airspace import CoarseScan, aerated, find_lungs
from lungct.lung.plausible import check_chest, chest_facts, unusual_extents
from lungct.scan import ScanError
from tests.lungct import chest

SPACING_MM = (5.0, 4.0, 3.0)


def scan_and_lungs():
    """Body 40, room -1000 and one lung of 6 x 5 x 4 voxels of -850 with a vessel."""
    hu = np.full((20, 24, 28), -1000, np.int16)
    hu[:, 2:-2, 2:-2] = 40
    lungs = np.zeros(hu.shape, bool)
    lungs[5:11, 8:13, 10:14] = True
    hu[lungs] = -850
    hu[7, 10, 10:14] = 30
    return hu, lungs


def test_facts_by_hand():
    hu, lungs = scan_and_lungs()
    # 6 x 5 mm high, 5 x 4 mm deep, 4 x 3 mm wide.
    assert chest_facts(CoarseScan(hu, SPACING_MM), lungs) == pytest.approx(
        {
            "lung_hu_p50": -850,
            "wall_hu_p50": 40,
            "room_air_hu_p50": -1000,
            "lung_height_mm": 30,
            "lung_depth_mm": 20,
            "lung_width_mm": 12,
            "lung_height_per_depth": 1.5,
            "lung_width_per_depth": 0.6,
        }
    )


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (np.s_[5:], {"depth_mm", "width_mm", "width_per_depth"}),
        (np.s_[:11], {"depth_mm", "width_mm", "width_per_depth"}),
        (np.s_[:, 8:], {"height_mm", "width_mm"}),
        (np.s_[:, :, :14], {"height_mm", "depth_mm", "height_per_depth"}),
        (np.s_[5:, 8:, :14], set()),
    ],
)
def test_extents_are_judged_only_along_axes_that_cut_no_lung(cut, left):
    hu, lungs = scan_and_lungs()
    facts = chest_facts(CoarseScan(hu[cut], SPACING_MM), lungs[cut])
    extents = {fact.removeprefix("lung_") for fact in facts if "hu" not in fact}
    assert extents == left


def test_unusual_extents_are_told_and_usual_ones_are_not():
    box = (slice(0, 100), slice(0, 80), slice(0, 120))
    # 200 mm high, 160 mm deep, 240 mm wide; a third of it in plane is a chest of 53 x 80 mm.
    assert unusual_extents(box, (2.0, 2.0, 2.0)) == ()
    (line,) = unusual_extents(box, (2.0, 0.7, 0.7))
    assert line.startswith("unusual extent: expected lung_depth_mm from 100 to 330 mm in adults")
    assert "lungs of 200 x 56 x 84 mm" in line
    (line,) = unusual_extents(box, (0.3, 2.0, 2.0))
    assert "expected lung_height_mm from 100 to 450 mm" in line


def test_what_has_few_voxels_or_is_padding_is_not_judged():
    hu, lungs = scan_and_lungs()
    hu[hu == -1000] = -1024
    lungs[:] = False
    lungs[5, 8, 10:14] = True
    facts = chest_facts(CoarseScan(hu, SPACING_MM), lungs)
    assert "room_air_hu_p50" not in facts and "lung_hu_p50" not in facts


@pytest.mark.parametrize("limit", CHEST_LIMITS, ids=lambda limit: limit.fact)
def test_each_fact_of_a_good_chest_is_well_within_its_limits(limit):
    scan = CoarseScan(chest.hu(), chest.GEOMETRY.spacing_zyx_mm)
    value = chest_facts(scan, find_lungs(scan))[limit.fact]
    assert limit.low < value < limit.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda hu: hu // 2, "lung_hu_p50 from -975 to -450 HU, got -425"),
        (lambda hu: np.where(hu == 40, 240, hu), "wall_hu_p50 from -140 to 150 HU, got 240"),
        (lambda hu: np.where(hu == -1000, -800, hu), "room_air_hu_p50 .* HU, got -800"),
    ],
)
def test_lungs_of_other_values_are_refused(change, message):
    scan = CoarseScan(change(chest.hu()).astype(np.int16), chest.GEOMETRY.spacing_zyx_mm)
    with pytest.raises(ScanError, match=f"^implausible: expected {message}$"):
        check_chest(scan, find_lungs(scan))


@pytest.mark.parametrize(
    ("spacing_mm", "message"),
    [
        ((5.0, 2.5, 4.0), "lung_width_per_depth from 0.3 to 2.4, got 2.9"),
        ((5.0, 2.0, 2.0), "lung_height_per_depth from 0.35 to 2.1, got 2.5"),
        ((1.0, 4.0, 4.0), "lung_height_per_depth from 0.35 to 2.1, got 0.25"),
        ((5.0, 10.5, 10.5), "lung_depth_mm from 30 to 330 mm, got 33"),
    ],
)
def test_lungs_of_other_extents_are_refused(spacing_mm, message):
    with pytest.raises(ScanError, match=f"^implausible: expected {message}"):
        check_chest(CoarseScan(chest.hu(), spacing_mm), chest.lungs())


def body_with(air_hu, *parts):
    """A body of 40 HU in a room, with air in some boxes."""
    hu = np.full((30, 60, 60), -1000, np.int16)
    hu[:, 4:-4, 4:-4] = 40
    for part in parts:
        hu[part] = air_hu
    return CoarseScan(hu, (3.0, 3.0, 3.0))


def test_a_hose_is_no_lung_and_a_wider_part_is():
    # 13 voxels of 3 mm are 39 mm, one more is 42 mm: 13 x 13 x 28 voxels are 128 ml.
    for size, found in ((13, False), (14, True)):
        scan = body_with(-850, np.s_[1:29, 20:33, 20 : 20 + size])
        if found:
            assert aerated(scan).sum() == 28 * 13 * size
        else:
            with pytest.raises(ScanError, match="no lung: .* got 0.0 ml"):
                aerated(scan)


def test_dark_air_without_vessels_is_gas_and_with_vessels_is_lung():
    scan = body_with(-945, np.s_[3:27, 10:40, 10:40])
    with pytest.raises(ScanError, match="no lung: .* got 0.0 ml"):
        aerated(scan)
    # One voxel of nine is a vessel at -600, within emphysema.
    scan.hu[3:27, 10:40:3, 10:40:3] = -600
    assert aerated(scan).sum() == 24 * 30 * 30
    # Lung without vessels that is no darker than lung is.
    assert aerated(body_with(-900, np.s_[3:27, 10:40, 10:40])).sum() == 24 * 30 * 30


def test_the_border_of_gas_does_not_make_it_lung():
    # Boxes 3 voxels wide in a border of one: 60% of the voxels are the border.
    scan = body_with(-700, np.s_[4:26, 10:40, 10:15])
    scan.hu[5:25, 11:39, 11:14] = -985
    with pytest.raises(ScanError, match="no lung: .* got 0.0 ml"):
        aerated(scan)
