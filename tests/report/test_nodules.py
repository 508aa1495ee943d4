"""Nodule Dice of a model that predicts the truth one column to the right.

At spacing (2.5, 2, 1) mm a nodule of 4.2 mm is seven voxels in one slice: five in its middle row,
one above, one below. Shifted by a column, four of the five overlap and none of the others.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from report.nodules import JudgedNodule, ScanToJudge, judge_scan, read_prediction
from tests.components.made_run import SPACING_MM, MadeNodule, MadeScan, write_judged

NODULE = MadeNodule("1", (5, 30, 30), 4.2, "3-6")


def judge(folder: Path, scan: MadeScan) -> list[JudgedNodule]:
    return list(judge_scan(write_judged(folder, scan), SPACING_MM))


def test_dice_of_a_lone_nodule(tmp_path: Path) -> None:
    (judged,) = judge(tmp_path, MadeScan("a", "eval", (NODULE,)))

    result = judged.result
    assert (result.truth_voxels, result.predicted_voxels, result.overlap_voxels) == (7, 7, 4)
    assert result.dice == pytest.approx(8 / 14)
    assert (result.series_uid, result.patient_id, result.split) == ("a", "patient of a", "eval")
    assert result.phantom
    assert judged.slice_index == 5
    assert judged.centre_pixels == (30.0, 30.0)


def test_voxels_of_a_neighbour_count_where_the_box_holds_them(tmp_path: Path) -> None:
    neighbour = MadeNodule("2", (5, 30, 36), 4.2, "3-6")

    first, second = judge(tmp_path, MadeScan("a", "eval", (NODULE, neighbour)))

    # The first box spans columns 23..37. Of the neighbour's row 34..38 it holds four voxels, of
    # the shifted row 35..39 three, and both voxels above and below: truth 7 + 4 + 2, predicted
    # 7 + 3 + 2, overlap 4 + 3.
    result = first.result
    assert (result.truth_voxels, result.predicted_voxels, result.overlap_voxels) == (13, 12, 7)
    assert result.dice == pytest.approx(14 / 25)
    assert second.result.truth_voxels == 13


def test_slices_beside_the_nodule_count(tmp_path: Path) -> None:
    # Two slices (5 mm) above: in the box. Three slices above: not.
    near = MadeNodule("2", (7, 30, 30), 4.2, "3-6")
    far = MadeNodule("3", (2, 30, 30), 4.2, "3-6")

    first, *_ = judge(tmp_path, MadeScan("a", "eval", (NODULE, near, far)))

    assert first.result.truth_voxels == 14


def test_picture_shows_the_slice_with_most_truth(tmp_path: Path) -> None:
    (judged,) = judge(tmp_path, MadeScan("a", "eval", (MadeNodule("1", (6, 30, 30), 16, "15+"),)))

    assert judged.slice_index == 6


def test_box_at_the_edge_of_the_slice(tmp_path: Path) -> None:
    (judged,) = judge(tmp_path, MadeScan("a", "eval", (MadeNodule("1", (0, 0, 2), 4.2, "3-6"),)))

    # Row 0, columns 0..4 and one voxel below; the shift keeps four.
    assert (judged.result.truth_voxels, judged.result.overlap_voxels) == (6, 4)


def test_nodule_that_no_slice_cuts_has_no_dice(tmp_path: Path) -> None:
    (judged,) = judge(tmp_path, MadeScan("a", "eval", (MadeNodule("1", (40, 9, 9), 4.2, "3-6"),)))

    assert judged.result.dice is None
    assert judged.slice_index == -1


def test_annotation_away_from_its_truth_has_no_dice(tmp_path: Path) -> None:
    one = write_judged(tmp_path, MadeScan("a", "eval", (NODULE,)))
    x, y, z = one.record.nodules[0].centre_mm
    moved = replace(one.record.nodules[0], centre_mm=(x + 20, y, z))
    away = replace(one, record=replace(one.record, nodules=(moved,)))

    (judged,) = judge_scan(away, SPACING_MM)

    assert judged.result.dice is None


def test_scan_without_nodules_is_not_read() -> None:
    record = MadeScan("a", "eval").record()

    assert list(judge_scan(ScanToJudge(record, "nowhere", (), "nowhere"), SPACING_MM)) == []


def test_mask_of_another_shape(tmp_path: Path) -> None:
    one = write_judged(tmp_path, MadeScan("a", "eval"), np.zeros((12, 64, 63), bool))

    with pytest.raises(ValueError, match=r"\(12, 64, 64\), got \(12, 64, 63\) in .*a\.npz"):
        read_prediction(one)


def test_nodule_that_the_records_of_the_scans_do_not_name(tmp_path: Path) -> None:
    one = write_judged(tmp_path, MadeScan("a", "eval", (NODULE,)))
    renamed = replace(one.record.nodules[0], id="7")
    other = replace(one, record=replace(one.record, nodules=(renamed,)))

    with pytest.raises(ValueError, match=r"name for a, got also \['1'\]"):
        list(judge_scan(other, SPACING_MM))


def test_file_of_another_scan(tmp_path: Path) -> None:
    one = write_judged(tmp_path, MadeScan("a", "eval", (NODULE,)))
    other = replace(one, record=replace(one.record, series_uid="b"))

    with pytest.raises(ValueError, match="expected slices of b only, got one of a"):
        list(judge_scan(other, SPACING_MM))
