"""A whole scan with counts of readers, judged by what is found on its own grid."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import whole_scan
from benchmarks.whole_scan import OfNodule, OutlinedScan, judge_result, outlined_scans
from lungct.geometry import Geometry
from lungct.inventory import FoundScan
from lungct.limits import LUNG
from lungct.readers.layout import ScanFiles
from lungct.readers.nifti_writer import write_nifti
from lungct.record import ACCEPTED, ScanRecord
from lungct.scan import Nodule
from lungct.truth.labels import Truth
from schema.thresholds import Thresholds
from serving.scan import Done, ScanResult
from serving.segmentation import measure_nodules

# Voxels of 1 x 2 x 3 mm, x first.
GRID = Geometry((10, 30, 40), (5.0, -7.0, 100.0), (1.0, 2.0, 3.0))
NODULE = (slice(4, 7), slice(10, 14), slice(10, 18))  # 96 voxels, centre (18.5, 16, 115) mm
ELSEWHERE = (slice(1, 2), slice(25, 27), slice(30, 34))
EXCLUDED = (slice(8, 9), slice(2, 4), slice(2, 6))  # centre (8.5, -2, 124) mm


def mask_of(*boxes: tuple[slice, slice, slice]) -> np.ndarray:
    mask = np.zeros(GRID.shape, np.uint8)
    for box in boxes:
        mask[box] = 1
    return mask


def scan_with(counts: Path) -> OutlinedScan:
    files = ScanFiles("1.2", "1.2.mhd", ())
    excluded = (Nodule("1", (8.0, -2.0, 124.0), -1.0),)
    found = FoundScan(files, "luna16", "made", LUNG, Truth(), "P1", excluded=excluded)
    return OutlinedScan(found, counts)


def result_of(mask: np.ndarray) -> ScanResult:
    probability = mask.astype(np.float32)
    nodules = measure_nodules(probability, np.ones(GRID.shape, bool), GRID, Thresholds(0.5))
    done = Done("", "", (3.0, 2.0, 1.0), 0.5, 0, LUNG, {})
    return ScanResult(ScanRecord("1.2", ACCEPTED), GRID, mask, nodules, done, probability, GRID)


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Two of four readers outlined the nodule, one more than that."""
    outlined = 2 * mask_of(NODULE)
    outlined[4:7, 10:14, 18:25] = 1
    path = tmp_path / "counts.nii.gz"
    write_nifti(str(path), outlined, GRID)
    return path


def test_what_is_found_is_judged_by_half_of_the_readers(counts: Path) -> None:
    # Half of the nodule: Dice 2·48 / (48 + 96) = 2/3; two false positives, one on a finding that
    # nobody counts.
    found = (NODULE[0], NODULE[1], slice(12, 16))
    judged = judge_result(scan_with(counts), result_of(mask_of(found, ELSEWHERE, EXCLUDED)))
    (nodule,) = judged.nodules
    # 96 voxels of 6 mm³: a sphere of 10.3 mm.
    assert nodule == OfNodule(pytest.approx(10.32, abs=0.01), True, pytest.approx(2 / 3))
    assert (judged.false_positives, judged.on_excluded) == (2, 1)
    assert judged.described()["nodules"][0]["found"] is True


def test_nothing_found_is_a_miss(counts: Path) -> None:
    judged = judge_result(scan_with(counts), result_of(mask_of()))
    assert [(one.found, one.dice) for one in judged.nodules] == [(False, 0)]
    assert judged.false_positives == judged.on_excluded == 0


def test_counts_on_another_grid_are_refused(tmp_path: Path) -> None:
    moved = Geometry(GRID.shape, (6.0, -7.0, 100.0), GRID.spacing_mm)
    write_nifti(str(tmp_path / "counts.nii.gz"), mask_of(NODULE), moved)
    with pytest.raises(ValueError, match="expected counts on the scan's grid"):
        judge_result(scan_with(tmp_path / "counts.nii.gz"), result_of(mask_of()))


def test_the_real_scan_has_its_nodule(real_data: Path) -> None:
    (scan,) = outlined_scans(real_data / "luna16_sample")
    assert scan.found.excluded and scan.found.region == LUNG
    truth, geometry = whole_scan._consensus(scan.counts)
    volume_mm3 = np.count_nonzero(truth) * geometry.voxel_volume_mm3
    # The consensus of two of four readers is 23.40 mm wide (docs/measured.md).
    assert (6 * volume_mm3 / np.pi) ** (1 / 3) == pytest.approx(23.4, abs=0.1)
