"""Slices read back by way of the index."""

from pathlib import Path

import numpy as np
import pytest

from report.slices import geometry_of, read_prediction, read_slices, stacked
from tests.components.made_run import SPACING_MM, MadeNodule, MadeScan, chest, write_judged

NODULE = MadeNodule("1", (1, 20, 30), 4.2, "3-6")
SCAN = MadeScan("a", "eval", (NODULE,), shape=(5, 40, 52))


def test_wanted_slices_in_their_places(tmp_path: Path) -> None:
    one = write_judged(tmp_path, SCAN)

    read = read_slices(one, {0, 1, 4, 99, -1})

    assert list(read) == [0, 1, 4]
    truth = [int(stacked([example], z).truth.sum()) for z, example in read.items()]
    assert truth == [0, 7, 0]


def test_neighbours_are_read_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write_judged(tmp_path, SCAN)
    pieces = []

    def read_run(folder: str, run: list[object]) -> list[object]:
        pieces.append(len(run))
        return run

    monkeypatch.setattr("report.slices.read_run", read_run)
    read_slices(one, {0, 1, 3, 4})

    assert pieces == [2, 2]


def test_pixels_of_slices(tmp_path: Path) -> None:
    one = write_judged(tmp_path, SCAN)

    pixels = stacked(list(read_slices(one, {1, 2}).values()), first=1)

    assert pixels.first == 1
    assert pixels.hu.shape == pixels.truth.shape == pixels.region.shape == (2, 40, 52)
    assert pixels.truth.sum() == 7
    outside = ~pixels.truth[0]
    np.testing.assert_array_equal(pixels.hu[0][outside], chest((40, 52), 1)[outside])


def test_working_grid(tmp_path: Path) -> None:
    geometry = geometry_of(write_judged(tmp_path, SCAN), SPACING_MM)

    assert geometry.shape == (5, 40, 52)
    # The scan starts at (-30, -60, -100) mm; spacing is (2.5, 2, 1) mm.
    assert geometry.voxel_to_world((4, 3, 2)).tolist() == [-28.0, -54.0, -90.0]


def test_prediction(tmp_path: Path) -> None:
    one = write_judged(tmp_path, SCAN)

    np.testing.assert_array_equal(read_prediction(one), SCAN.shifted())


def test_mask_of_another_shape(tmp_path: Path) -> None:
    one = write_judged(tmp_path, MadeScan("a", "eval"), np.zeros((12, 64, 63), bool))

    with pytest.raises(ValueError, match=r"\(12, 64, 64\), got \(12, 64, 63\) in .*a\.npz"):
        read_prediction(one)
