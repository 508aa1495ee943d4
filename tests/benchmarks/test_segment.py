from pathlib import Path

import numpy as np
import pytest

from benchmarks.segment import measured, print_scan
from benchmarks.untrained import export_network
from lungct.geometry import Geometry
from lungct.readers.metaimage import write_scan
from tests.benchmarks.test_segment_memory import CONFIG
from tests.lungct import chest


def test_prints_time_and_memory_of_a_scan(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {
        "series_uid": "1.2.3",
        "shape": [44, 60, 80],
        "working_shape": [20, 30, 40],
        "nodules": 5,
        "steps": {"read": 0.5, "own_grid": 0.25},
        "wall": [3.5, 0.5, 2.0],  # (3.5 - 0.5) / 2
        "processor": [3.0, 0.5, 2.0],
        "peak": 1.5,
        "beyond_model": 1.25,
    }
    print_scan(figures)
    assert capsys.readouterr().out.splitlines() == [
        "1.2.3: [44, 60, 80] voxels, on the working grid [20, 30, 40], 5 nodules",
        "  wall time, s       whole   3.50, of it reading  0.50, bare forward passes   2.00; "
        "(whole - reading) / bare 1.50",
        "  processor time, s  whole   3.00, of it reading  0.50, bare forward passes   2.00; "
        "(whole - reading) / bare 1.25",
        "  steps of the first one, s: read 0.50, own_grid 0.25",
        "  peak of memory / int16 volume: 1.50, beyond what the model needs for a few slices 1.25",
    ]


@pytest.mark.slow
def test_a_scan_is_measured_and_its_memory_is_bounded(tmp_path: Path) -> None:
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
    assert list(figures["steps"]) == ["resample", "read", "segment", "own_grid"]
    for kind in ("wall", "processor"):
        whole, read, bare = figures[kind]
        # The least of several times of each: on a busy machine the whole can be the smaller one.
        assert min(whole, read, bare) > 0
