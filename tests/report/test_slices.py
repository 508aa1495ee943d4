"""Slices read back by way of the index."""

from pathlib import Path

import numpy as np
import pytest

from report.slices import decode, origin_of, read_slices, truth_of
from tests.components.made_run import MadeNodule, MadeScan, chest, write_judged

NODULE = MadeNodule("1", (1, 20, 30), 4.2, "3-6")
SCAN = MadeScan("a", "eval", (NODULE,), shape=(5, 40, 52))


def test_wanted_slices_in_their_places(tmp_path: Path) -> None:
    one = write_judged(tmp_path, SCAN)

    read = read_slices(one.folder, one.rows, {0, 1, 4, 99})

    assert list(read) == [0, 1, 4]
    # The scan starts at z = -100 mm, slices are 2.5 mm apart.
    assert origin_of(read[4]) == (-30.0, -60.0, -90.0)
    assert [int(truth_of(example).sum()) for example in read.values()] == [0, 7, 0]


def test_neighbours_are_read_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write_judged(tmp_path, SCAN)
    pieces = []

    def read_run(folder: str, run: list[object]) -> list[object]:
        pieces.append(len(run))
        return run

    monkeypatch.setattr("report.slices.read_run", read_run)
    read_slices(one.folder, one.rows, {0, 1, 3, 4})

    assert pieces == [2, 2]


def test_pixels_of_a_slice(tmp_path: Path) -> None:
    one = write_judged(tmp_path, SCAN)

    pixels = decode(read_slices(one.folder, one.rows, {1})[1])

    assert pixels.hu.shape == pixels.truth.shape == pixels.region.shape == (40, 52)
    assert pixels.truth.sum() == 7
    np.testing.assert_array_equal(pixels.hu[~pixels.truth], chest((40, 52), 1)[~pixels.truth])
