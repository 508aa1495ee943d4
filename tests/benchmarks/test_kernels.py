"""The comparison of our kernels with the libraries': the same results, and honest ratios."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import library_ways
from benchmarks.ingest import slices_of
from benchmarks.kernels import REPLACED, compare, found_scan, print_differences, replaced
from benchmarks.library_ways import BALLS
from lungct import processing
from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.resample import resample
from lungct.scan import Nodule
from tests.lungct import chest


@pytest.mark.parametrize("library", sorted(BALLS))
@pytest.mark.parametrize("radius", [(1, 1, 1), (4, 5, 2), (3, 1, 6)])
def test_balls_are_the_same_in_every_library(library: str, radius: tuple[int, int, int]) -> None:
    mask = np.random.default_rng(3).random((9, 11, 13)) < 0.03
    for name, own in BALLS["ball.py"].items():
        given = ~mask if name == "erode" else mask
        np.testing.assert_array_equal(BALLS[library][name](given, radius), own(given, radius))


def test_resampling_is_the_same_but_for_rounding() -> None:
    source = Geometry((12, 20, 24), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    target = Geometry((9, 16, 12), (2.2, 3.1, 4.3), (2.3, 2.1, 3.1))
    volume = np.random.default_rng(4).integers(-1024, 3072, source.shape).astype(np.int16)
    found = library_ways.resampled(volume, source, target, "linear", -1024)
    assert found.dtype == np.int16
    assert np.abs(found - resample(volume, source, target, "linear", -1024)).max() <= 1


def test_ratios_are_to_the_first_way(capsys: pytest.CaptureFixture[str]) -> None:
    ways = {"short": lambda: time.sleep(0.01) or 1, "long": lambda: time.sleep(0.04) or 2}
    assert compare("sleep", ways, 3) == {"short": 1, "long": 2}
    short, long = (line.split() for line in capsys.readouterr().out.splitlines()[2:])
    assert short[0] == "short" and short[-1] == "1.00"
    # 40 ms over 10 ms; sleeping takes a little longer than asked for.
    assert long[0] == "long" and 2 < float(long[-1]) < 5


def test_differences_are_counted_in_voxels(capsys: pytest.CaptureFixture[str]) -> None:
    first, other = np.array([[1, 2, 3]], np.int16), np.array([[1, 0, 4]], np.int16)
    print_differences({"a": first, "b": other}, " HU")
    assert capsys.readouterr().out == "  b: 2 of 3 voxels differ, by at most 2 HU\n"


def test_functions_are_replaced_for_a_while() -> None:
    before = processing.resample
    with replaced(((processing, {"resample": library_ways.resampled}),)):
        assert processing.resample is library_ways.resampled
    assert processing.resample is before


@pytest.mark.parametrize("name", REPLACED)
def test_a_scan_gives_the_same_slices_by_the_libraries(name: str, tmp_path: Path) -> None:
    found = found_scan(chest.write_good(tmp_path / "data" / "1.2.mhd"))
    grid = Grid((6.0, 5.0, 4.0), margin_mm=6.0)
    own = list(slices_of(found, grid))
    with replaced(REPLACED[name]):
        others = list(slices_of(found, grid))
    # Lungs of 160 mm and 6 mm on each side: 28.7 slices of 6 mm.
    assert len(own) == len(others) == 29
    for one, other in zip(own, others, strict=True):
        np.testing.assert_array_equal(one.region, other.region)
        np.testing.assert_allclose(one.hu, other.hu, atol=1)


def test_a_scan_is_found_by_its_header(tmp_path: Path) -> None:
    header = chest.write_good(tmp_path / "subset0" / "1.2.mhd")
    assert found_scan(header).truth.nodules == ()
    table = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2,70.0,2.0,-380.0,9.0\n"
    (tmp_path / "annotations.csv").write_text(table)
    found = found_scan(header)
    assert found.files.path == str(header)
    assert found.truth.nodules == (Nodule("1", (70.0, 2.0, -380.0), 9.0),)
    with pytest.raises(ValueError, match="expected the header of a scan, got .*/1.3.mhd"):
        found_scan(header.with_name("1.3.mhd"))
