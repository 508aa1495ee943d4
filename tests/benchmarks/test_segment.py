import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.segment import measured, print_scan
from benchmarks.segment_memory import export_network
from lungct.geometry import Geometry
from lungct.readers.metaimage import write_scan
from tests.benchmarks.test_segment_memory import CONFIG
from tests.lungct import chest


@pytest.mark.slow
def test_prints_time_and_memory_of_a_scan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG)
    export_network(str(tmp_path / "small.yaml"), 2, str(tmp_path / "model"))
    header = chest.write_good(tmp_path / "data" / "1.2.3.mhd")
    capsys.readouterr()
    print_scan(measured(str(tmp_path / "model"), str(header), False, 1))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1.2.3: [44, 60, 80] voxels, on the working grid [")
    assert lines[0].endswith(" nodules")
    for kind, line in zip(("wall", "processor"), lines[1:3], strict=True):
        assert line.strip().startswith(f"{kind} time, s")
        whole, read, bare, ratio = map(float, re.findall(r"\d+\.\d\d", line))
        assert whole > 0 and read > 0 and bare > 0
        assert ratio == pytest.approx((whole - read) / bare, abs=0.6)
    assert "read" in lines[3] and "own_grid" in lines[3]
    assert lines[4].strip().startswith("peak of memory / int16 volume: ")


@pytest.mark.slow
def test_memory_beyond_the_model_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG)
    export_network(str(tmp_path / "small.yaml"), 2, str(tmp_path / "model"))
    # Large enough that what the libraries need at first does not count.
    z, y, x = chest.SHAPE
    geometry = Geometry((2 * z, 4 * y, 4 * x), chest.ORIGIN_MM, (1.0, 1.0, 2.5))
    (tmp_path / "data").mkdir()
    path = str(tmp_path / "data" / "1.2.3.mhd")
    write_scan(path, np.ascontiguousarray(chest.hu(geometry)), geometry)
    figures = measured(str(tmp_path / "model"), path, False, 1)
    assert figures["beyond_model"] <= 4
