"""Nodules at the pleura of phantoms, whose truth is exact, lie inside the lung mask."""

import numpy as np
import pytest

from lungct.lung.mask import lung_mask
from phantom import nodules
from phantom.model import make_scan

# Voxels (z, y, x) and scans of each grid, 1.9 to 1.1 mm in plane and 2.8 to 2.2 mm apart. Coarser
# voxels are larger than the smallest nodules: their centres lie outside the true lungs as well.
GRIDS = (((96, 192, 192), 9), ((96, 256, 256), 9), ((120, 320, 320), 5))

# Down to 1.0 and 0.7 mm in plane, 1.8 and 1.9 mm apart: what real scanners make.
FINE_GRIDS = (((96, 256, 256), 30), ((160, 384, 384), 18), ((133, 512, 512), 10))


@pytest.fixture
def at_the_pleura(monkeypatch):
    """Phantoms with six nodules a scan, all of them through the pleura, as a quarter is else."""
    monkeypatch.setattr(nodules, "PLACE_ODDS", (0.0, 1.0, 0.0))
    monkeypatch.setattr(nodules, "COUNTS", (6,))
    monkeypatch.setattr(nodules, "COUNT_ODDS", (1.0,))


def outside(seed, index, shape):
    """How many nodules a phantom has, and the ones whose centre lies outside the mask, in words."""
    scan = make_scan(seed, index, shape)
    mask = lung_mask(scan.hu, scan.geometry)
    centres = [scan.geometry.world_to_voxel(nodule.centre_mm) for nodule in scan.nodules]
    return len(centres), [
        f"nodule {nodule.nodule_id} ({look.kind}, {nodule.diameter_mm:.1f} mm) of phantom "
        f"{shape}, seed {seed}, index {index}"
        for nodule, look, centre in zip(scan.nodules, scan.looks, centres, strict=True)
        if not mask[tuple(np.rint(centre).astype(int))]
    ]


def assert_99_of_100_inside(grids, seed, least):
    """Goes through phantoms of several grids, each grid with a seed of its own."""
    found, missed = 0, []
    for number, (shape, scans) in enumerate(grids):
        for index in range(scans):
            count, words = outside(seed + number, index, shape)
            found += count
            missed += words
    assert found >= least
    assert len(missed) <= 0.01 * found, f"{len(missed)} of {found} outside: " + "; ".join(missed)


def test_centres_of_nodules_at_the_pleura_lie_inside(at_the_pleura):
    assert_99_of_100_inside(GRIDS, seed=11, least=100)


@pytest.mark.slow
def test_centres_of_nodules_at_the_pleura_lie_inside_on_fine_grids(at_the_pleura):
    assert_99_of_100_inside(FINE_GRIDS, seed=21, least=300)
