import numpy as np
import pytest

from lungct.lung.airspace import CoarseScan, aerated, find_lungs, padded_box
from lungct.scan import ScanError
from tests.lungct import chest

SPACING_MM = chest.GEOMETRY.spacing_zyx_mm


def test_voxel_ml_and_radius():
    scan = CoarseScan(np.zeros((1, 1, 1), np.int16), (5.0, 4.0, 2.0))
    assert scan.voxel_ml == 0.04
    # 10 / 5, 10 / 4 rounded to the even 2, 10 / 2.
    assert scan.radius_voxels(10.0) == (2, 2, 5)
    assert scan.radius_voxels(0.1) == (1, 1, 1)


def test_aerated_leaves_out_the_air_around_the_body():
    air = aerated(CoarseScan(chest.hu(), SPACING_MM))
    np.testing.assert_array_equal(air, chest.lungs())


def test_bowel_gas_is_no_lung():
    hu = chest.hu()
    hu[:6, 25:35, 35:45] = -1000
    assert not aerated(CoarseScan(hu, SPACING_MM))[:6, 25:35, 35:45].any()


def test_find_lungs_cuts_off_an_airway_that_opens_into_a_lung():
    hu = chest.hu()
    # A bronchus 8 mm wide and high from the trachea to the left lung.
    bronchus = (slice(24, 26), slice(29, 31), slice(40, 55))
    hu[bronchus] = -1000
    lungs = find_lungs(CoarseScan(hu, SPACING_MM))
    trachea = chest.trachea()
    assert lungs[trachea].mean() < 0.05
    assert lungs[chest.lungs()].mean() > 0.99


def test_lungs_are_closed_one_by_one():
    # Ellipsoids 50 mm apart come as near as 8 mm to each other; the gap stays open.
    hu = np.full(chest.SHAPE, -1000, np.int16)
    hu[:, 4:-4, 4:-4] = 40
    z, y, x = np.indices(chest.SHAPE)
    hu[10:34, 20:40, 15:39] = -850
    hu[10:34, 20:40, 41:65] = -850
    lungs = find_lungs(CoarseScan(hu, SPACING_MM))
    assert not lungs[:, :, 39:41].any()


def test_padded_box_stays_inside():
    mask = np.zeros((4, 5, 6), bool)
    mask[1, 2:4, 5] = True
    assert padded_box(mask) == (slice(1, 2), slice(2, 4), slice(5, 6))
    assert padded_box(mask, margin=2) == (slice(0, 4), slice(0, 5), slice(3, 6))


@pytest.mark.parametrize(
    ("hu", "message"),
    [
        (np.full((4, 5, 6), 40, np.int16), "no air: expected voxels below -400 HU, got .* 40"),
        (np.full((4, 5, 6), -1000, np.int16), "no tissue: .* got a maximum of -1000"),
        (
            np.where(np.arange(6) < 3, np.int16(-1000), np.int16(40))
            + np.zeros((4, 5, 1), np.int16),
            "no lung: expected 15 to 15000 ml of air in the body, got 0.0 ml",
        ),
    ],
)
def test_refuses_by_named_rules(hu, message):
    with pytest.raises(ScanError, match=message):
        find_lungs(CoarseScan(np.ascontiguousarray(hu), (3.0, 2.0, 1.0)))


def test_refuses_lungs_that_no_chest_holds():
    # The lungs of 1.96 litres with voxels ten times as large.
    with pytest.raises(ScanError, match="no lung: expected 15 to 15000 ml .* got 19"):
        find_lungs(CoarseScan(chest.hu(), (50.0, 4.0, 4.0)))


def test_lungs_without_a_core_are_kept():
    # Lung bases of two voxels' thickness, which no erosion leaves anything of.
    hu = np.full((12, 40, 40), 40, np.int16)
    hu[3:5, 5:35, 5:35] = -850
    lungs = find_lungs(CoarseScan(hu, (2.5, 2.5, 2.5)))
    np.testing.assert_array_equal(lungs, hu == -850)
