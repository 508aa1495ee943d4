"""The figures on real CT, where it is at hand."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks import real_ct, scan_content
from tests.lungct import chest


def test_the_nodule_has_its_annotated_size(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real_ct.print_nodule(real_data / "luna16_sample")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["nodule", "annotated:", "23.35", "mm"]
    for line in lines[2:]:
        diameter_mm = float(line.partition("mask of ")[2].split()[0])
        assert diameter_mm == pytest.approx(23.35, abs=0.1)
    assert len(lines) == 2 + len(real_ct.GRIDS_MM)


@pytest.mark.parametrize("count", [3, 16, 21])
def test_wrong_orders_hold_every_slice_once(count: int) -> None:
    for name, order in scan_content.orders(count).items():
        if name != "pairs swapped" or count % 2 == 0:
            np.testing.assert_array_equal(np.sort(order), np.arange(count), err_msg=name)


def test_wrong_orders() -> None:
    orders = scan_content.orders(12)
    # 1, 10, 11, 12, 2, 3 ...: file names without leading zeros.
    assert orders["names as text"].tolist() == [0, 9, 10, 11, 1, 2, 3, 4, 5, 6, 7, 8]
    assert orders["halves swapped"].tolist() == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]
    assert orders["pairs swapped"].tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]
    assert orders["middle third reversed"].tolist() == [0, 1, 2, 3, 7, 6, 5, 4, 8, 9, 10, 11]


def test_scans_of_further_roots_need_no_table(real_data: Path, tmp_path: Path) -> None:
    header = chest.write_good(tmp_path / "data" / "1.2.mhd")
    scans = scan_content.whole_scans(real_data, [header.parent])
    # By series: 1.2 comes before LUNA16's 1.3.6.1.4.1.
    shapes = [(name, hu.shape) for name, hu, _ in itertools.islice(scans, 2)]
    assert shapes[0] == ("1.2", chest.SHAPE)
    assert shapes[1][1] == (133, 512, 512)
