from pathlib import Path

import numpy as np
import pytest

from benchmarks.endpoint import Compared, compare, print_compared
from lungct.geometry import Geometry
from lungct.record import ScanRecord
from phantom.order import Order
from phantom.writer import make_phantoms
from serving.scan import Done, ScanResult
from tests.serving.noisy_network import export_noisy_network


def result(seconds: float, predicted: int) -> ScanResult:
    geometry = Geometry((2, 3, 4), (0.0, 0.0, 0.0), (3.0, 2.0, 1.0))
    mask = np.zeros(geometry.shape, np.uint8)
    mask.flat[:predicted] = 1
    record = ScanRecord("1.2", "accepted", seconds=seconds)
    done = Done("m", "", (3.0, 2.0, 1.0), 0.5, 0, "lung", {"segment": seconds})
    return ScanResult(record, geometry, mask, (), done, mask.astype(np.float32), geometry)


def test_prints_requests_and_the_difference_of_masks(capsys: pytest.CaptureFixture[str]) -> None:
    print_compared(Compared(result(1.0, 5), result(2.5, 7), [400_000, 900_000], [10_000, 90_000]))
    assert capsys.readouterr().out.splitlines() == [
        "1.2: (2, 3, 4) voxels, on the working grid (2, 3, 4)",
        "  here: 1.00 s (segment 1.00), 0 nodules",
        "  by the endpoint: 2.50 s (segment 2.50), 0 nodules",
        "  2 requests of 1.3 MB together, the largest 900000 bytes; answers of 0.1 MB, the largest "
        "90000 bytes",
        "  voxels in which the masks differ: 2, of 5 that are predicted from 0.5 on",
    ]


@pytest.mark.slow
def test_a_whole_scan_by_an_endpoint_has_the_mask_of_the_model_here(tmp_path: Path) -> None:
    model = export_noisy_network(tmp_path / "model" / "7")
    make_phantoms(str(tmp_path / "phantom"), Order(1, 1, (300, 512, 512)))
    compared = compare(str(model), str(tmp_path / "phantom"), 1_500_000)
    assert compared.there.geometry.shape == (300, 512, 512)
    assert compared.here.mask.any() and compared.differing_voxels == 0
    assert len(compared.requests) > 1 and max(compared.requests) < 1_500_000
