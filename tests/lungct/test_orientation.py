import itertools

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.orientation import to_patient_axes
from tests.lungct.chest import along_other_axes

GEOMETRY = Geometry((3, 4, 5), (-7.0, 11.0, 2.0), (1.0, 2.0, 3.0))
VOLUME = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_undoes_any_order_and_sense_of_axes(order, flips):
    volume, geometry = along_other_axes(VOLUME, GEOMETRY, order, flips)
    view, grid = to_patient_axes(volume, geometry)
    np.testing.assert_array_equal(view, VOLUME)
    assert grid == GEOMETRY
    assert np.shares_memory(view, volume)


def test_oblique_scan_keeps_the_place_of_its_voxels():
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    geometry = Geometry((3, 4, 5), (1.0, 2.0, 3.0), (1.0, 2.0, 3.0), tuple(turned.ravel()))
    view, grid = to_patient_axes(VOLUME, geometry)
    for value in (0, 17, 59):
        here = geometry.voxel_to_world(np.argwhere(VOLUME == value)[0])
        there = grid.voxel_to_world(np.argwhere(view == value)[0])
        np.testing.assert_allclose(here, there, atol=1e-9)
    assert np.all(np.diag(np.asarray(grid.direction).reshape(3, 3)) > 0)
