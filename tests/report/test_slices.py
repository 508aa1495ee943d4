"""Slices read back from files of tf.Examples."""

from pathlib import Path

import numpy as np
import pytest

from report.slices import decode, first_series, records
from tests.components.made_run import MadeNodule, MadeScan, chest, made_example, write_slices

SCAN = MadeScan("a", "eval", (MadeNodule("1", (1, 30, 30), 4.2, "3-6"),), slices=3)


def test_heads_say_where_a_slice_lies(tmp_path: Path) -> None:
    path = write_slices(tmp_path / "scan.gz", SCAN.examples())

    heads = [head for head, _ in records(path)]

    assert [head.index for head in heads] == [0, 1, 2]
    assert [head.nodule_ids for head in heads] == [(), ("1",), ()]
    # The scan starts at z = -100 mm, slices are 2.5 mm apart.
    assert heads[2].origin_mm == (-30.0, -60.0, -95.0)
    assert first_series(path) == "a"


def test_empty_file_has_no_series(tmp_path: Path) -> None:
    assert first_series(write_slices(tmp_path / "scan.gz", [])) is None


def test_pixels_are_of_the_middle_channel() -> None:
    pixels = decode(SCAN.examples()[1])

    assert pixels.hu.shape == pixels.truth.shape == pixels.region.shape == (64, 64)
    assert pixels.truth.sum() == 7
    np.testing.assert_array_equal(pixels.hu[~pixels.truth], chest(64, 1)[~pixels.truth])


def test_even_number_of_channels_is_refused() -> None:
    example = made_example(SCAN, 0, SCAN.truth()[0], (), channels=2)

    with pytest.raises(ValueError, match="channels of 64 x 64 pixels, got 8192 values"):
        decode(example)
