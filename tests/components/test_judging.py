"""One scan judged: slices, nodules and the whole, by hand on a grid of 3, 2 and 1 mm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.segment_scans.judging import JudgedScan, judge_scan, unpack_scan
from lungct.figures import measure
from lungct.froc.figures import judge as judge_submission
from lungct.froc.matching import Marks
from lungct.froc.tables import Challenge
from lungct.geometry import Geometry
from lungct.metrics import Overlap
from lungct.record import FindingRecord, NoduleRecord
from lungct.scan import Nodule
from schema.judged import FalsePositive, NoduleRow, Place, Row, ScanRow, SliceRow, tally_rows
from schema.slices import read_examples
from schema.thresholds import Thresholds
from serving.segmentation import Segmentation, find_nodules
from tests.made_scans import MadeScan, write_scan

SHAPE = (6, 10, 20)  # (z, y, x)
SPACING_MM = (3.0, 2.0, 1.0)
GEOMETRY = Geometry(SHAPE, (-10.0, 5.0, 100.0), SPACING_MM[::-1])
BUCKETS = ("3-6", "6-8", "8-15", "15+")
PLACE = Place("eval", "1.2", "somebody", "made", BUCKETS)
Voxel = tuple[float, float, float]
Voxels = Any  # what an array (z, y, x) takes as an index


def nodule(
    name: str = "1", zyx: Voxel = (2, 4, 8), diameter_mm: float = 4.0, bucket: str = "3-6"
) -> NoduleRecord:
    x, y, z = GEOMETRY.voxel_to_world(zyx).tolist()
    return NoduleRecord(name, (x, y, z), diameter_mm, 1.0, bucket)


def mask(*parts: Voxels) -> Any:
    made = np.zeros(SHAPE, bool)
    for part in parts:
        made[part] = True
    return made


def scan(
    nodules: Sequence[NoduleRecord] = (),
    truth: Sequence[Voxels] = (),
    cuts: Mapping[str, tuple[int, ...]] | None = None,
    region: Any = None,
) -> JudgedScan:
    """A scan of which every nodule cuts every slice unless told otherwise."""
    every = tuple(range(SHAPE[0]))
    return JudgedScan(
        place=PLACE,
        hu=np.zeros(SHAPE, np.int16),
        truth=mask(*truth),
        region=np.ones(SHAPE, bool) if region is None else region,
        geometry=GEOMETRY,
        indices=tuple(z + 3 for z in every),
        buckets=tuple(("3-6",) if z == 2 else ("none",) for z in every),
        cuts={one.id: every if cuts is None else cuts[one.id] for one in nodules},
        nodules=tuple(nodules),
    )


def segmented(judged: JudgedScan, *parts: tuple[Voxels, float]) -> Segmentation:
    """What a model finds that gives these voxels these probabilities."""
    probability = np.zeros(SHAPE, np.float32)
    for part, value in parts:
        probability[part] = value
    found = find_nodules(probability, judged.region, GEOMETRY, Thresholds(0.5))
    return Segmentation(probability, *found)


def judge(judged: JudgedScan, *parts: tuple[Voxels, float]) -> list[Row]:
    return judge_scan(judged, {"m": segmented(judged, *parts)})


def nodules_of(rows: Sequence[Row]) -> list[NoduleRow]:
    return [row for row in rows if isinstance(row, NoduleRow)]


def scan_of(rows: Sequence[Row]) -> ScanRow:
    assert isinstance(rows[-1], ScanRow)
    return rows[-1]


def test_a_row_for_each_slice_nodule_and_the_scan() -> None:
    rows = judge(scan([nodule("1"), nodule("2", (4, 4, 8))], [(2, 4, 8)]))
    assert [type(row) for row in rows] == [*[SliceRow] * 6, *[NoduleRow] * 2, ScanRow]
    assert [row.nodule_id for row in nodules_of(rows)] == ["1", "2"]


def test_slices_by_hand() -> None:
    judged = scan(truth=[np.s_[2, 4, 6:10], np.s_[3, 4, 6]])
    rows = judge(judged, (np.s_[2, 4, 8:13], 0.75), (np.s_[4, 9, 0], 0.5))
    slices = [row for row in rows if isinstance(row, SliceRow)]
    assert [row.index for row in slices] == [3, 4, 5, 6, 7, 8]
    assert [row.place.buckets for row in slices] == [
        ("3-6",) if index == 5 else ("none",) for index in range(3, 9)
    ]
    assert [row.overlaps["m"] for row in slices] == [
        *(Overlap(0, 0, 0), Overlap(0, 0, 0)),
        *(Overlap(2, 5, 4), Overlap(0, 0, 1), Overlap(0, 1, 0)),
        Overlap(0, 0, 0),
    ]
    assert scan_of(rows).figures["m"].overlap == Overlap(2, 6, 5)
    assert scan_of(rows).place == PLACE


@pytest.mark.parametrize(
    ("inside", "kept"),
    [(np.s_[:, :, :8], True), (np.s_[:, :, :7], False)],  # two of four voxels, one of them
)
def test_what_lies_mostly_outside_of_the_region_is_no_prediction(inside: Any, kept: bool) -> None:
    judged = scan([nodule()], [(2, 4, 6)], region=mask(inside))
    rows = judge(judged, (np.s_[2, 4, 6:10], 0.75))
    figures = scan_of(rows).figures["m"]
    assert figures.overlap == (Overlap(1, 4, 1) if kept else Overlap(0, 0, 1))
    (found,) = nodules_of(rows)
    assert found.figures["m"].overlap == figures.overlap
    # Its centre is half a millimetre from the nodule's.
    assert found.figures["m"].hit_probability == pytest.approx(
        0.75 if kept else math.nan, nan_ok=True
    )
    assert figures.false_positives == ()


@pytest.mark.parametrize(
    ("voxel", "hit"),
    [
        ((2, 4, 9), True),  # 1 mm
        ((2, 4, 10), False),  # 2 mm, the radius: no hit
        ((2, 5, 8), False),  # 2 mm along y
        ((3, 4, 8), False),  # 3 mm
    ],
)
def test_a_hit_is_nearer_than_the_radius(voxel: tuple[int, int, int], hit: bool) -> None:
    judged = scan([nodule(diameter_mm=4.0)], [np.s_[2, 4, 7:10]])
    rows = judge(judged, (voxel, 0.75))
    (found,) = nodules_of(rows)
    expected = 0.75 if hit else math.nan
    assert found.figures["m"].hit_probability == pytest.approx(expected, nan_ok=True)
    assert len(scan_of(rows).figures["m"].false_positives) == (0 if hit else 1)


def test_the_best_of_several_hits_counts_and_none_of_them_is_false() -> None:
    judged = scan([nodule(diameter_mm=6.0)], [np.s_[2, 4, 6:11]])
    rows = judge(judged, ((2, 4, 6), 0.625), ((2, 4, 10), 0.875), ((2, 4, 8), 0.5))
    (found,) = nodules_of(rows)
    assert found.figures["m"].hit_probability == 0.875
    assert scan_of(rows).figures["m"].false_positives == ()


def test_false_positives_lie_in_the_world() -> None:
    rows = judge(scan([nodule()], [(2, 4, 8)]), (np.s_[5, 8, 15:17], 0.5), ((0, 1, 2), 0.75))
    assert scan_of(rows).figures["m"].false_positives == (
        # x from -10 in steps of 1, y from 5 in steps of 2, z from 100 in steps of 3.
        FalsePositive((-8.0, 7.0, 100.0), 0.75),
        FalsePositive((5.5, 21.0, 115.0), 0.5),
    )


def excluded(zyx: Voxel, diameter_mm: float = -1.0) -> FindingRecord:
    x, y, z = GEOMETRY.voxel_to_world(zyx).tolist()
    return FindingRecord((x, y, z), diameter_mm)


@pytest.mark.parametrize(
    ("finding", "is_false"),
    [
        (excluded((0, 1, 6)), False),  # 4 mm: what nobody measured is 10 mm wide
        (excluded((0, 1, 7)), True),  # 5 mm, its radius
        (excluded((0, 2, 2), 4.5), False),  # 2 mm along y
        (excluded((0, 2, 2), 4.0), True),
        (excluded((1, 1, 2), 6.0), True),  # 3 mm along z
    ],
)
def test_what_is_found_on_an_excluded_finding_is_no_false_positive(
    finding: FindingRecord, is_false: bool
) -> None:
    judged = replace(scan([nodule()], [(2, 4, 8)]), excluded=(finding,))
    rows = judge(judged, ((0, 1, 2), 0.75))
    assert len(scan_of(rows).figures["m"].false_positives) == is_false
    # Its voxels are predicted and not true all the same.
    assert scan_of(rows).figures["m"].overlap == Overlap(0, 1, 1)


def test_a_hit_stays_one_on_an_excluded_finding() -> None:
    judged = replace(scan([nodule()], [(2, 4, 8)]), excluded=(excluded((2, 4, 8)),))
    (found,) = nodules_of(judge(judged, ((2, 4, 8), 0.75)))
    assert found.figures["m"].hit_probability == 0.75


def test_detection_is_judged_as_by_the_command_for_the_challenge() -> None:
    # Two nodules, one hit at 0.75; false at 0.875 and 0.5; 0.625 on an excluded finding.
    nodules = [nodule("1"), nodule("2", (4, 4, 8))]
    judged = replace(scan(nodules, [(2, 4, 8)]), excluded=(excluded((5, 1, 15)),))
    parts = [((2, 4, 8), 0.75), ((0, 1, 2), 0.875), ((0, 9, 2), 0.5), ((5, 1, 15), 0.625)]
    marks = segmented(judged, *parts).nodules
    part = tally_rows(judge(judged, *parts), ("m",)).part("m")

    submission = Challenge(
        patients={"1.2": "somebody"},
        nodules={"1.2": tuple(Nodule(o.id, o.centre_mm, o.diameter_mm) for o in nodules)},
        excluded={"1.2": (Nodule("1", judged.excluded[0].centre_mm, -1.0),)},
        marks={
            "1.2": Marks(
                np.array([one.centre_mm for one in marks]),
                np.array([one.probability for one in marks]),
            )
        },
        ignored_marks=0,
        warnings=(),
    )
    expected = judge_submission(submission)

    assert expected.counts.marks_on_excluded == 1
    assert expected.figures["false_positives_per_scan"].value == 2.0
    for key, figure in expected.figures.items():
        assert measure(key, part, 0).value == pytest.approx(figure.value)


def test_calibration_is_over_the_region() -> None:
    judged = scan(truth=[np.s_[2, 4, :3]], region=mask(np.s_[2, 4, :8]))
    rows = judge(
        judged,
        (np.s_[2, 4, 0], 1.0),
        (np.s_[2, 4, 1:3], 0.25),
        (np.s_[2, 4, 3], 0.5),
        (np.s_[2, 5, :], 0.75),  # outside
    )
    calibration = scan_of(rows).figures["m"].calibration
    assert calibration.voxels == (4, 0, 2, 0, 0, 1, 0, 0, 0, 1)
    assert calibration.true_voxels == (0, 0, 2, 0, 0, 0, 0, 0, 0, 1)


def test_each_model_is_judged_by_its_own() -> None:
    judged = scan([nodule()], [np.s_[2, 4, 7:10]])
    found = {
        "good": segmented(judged, (np.s_[2, 4, 7:10], 0.75)),
        "poor": segmented(judged, ((0, 0, 0), 0.5)),
    }
    rows = judge_scan(judged, found)
    (one,) = nodules_of(rows)
    assert one.figures["good"].overlap == Overlap(3, 3, 3)
    assert one.figures["poor"].overlap == Overlap(0, 0, 3)
    assert math.isnan(one.figures["poor"].hit_probability)
    counts = {name: len(one.false_positives) for name, one in scan_of(rows).figures.items()}
    assert counts == {"good": 0, "poor": 1}


def made_scan(**more: Any) -> MadeScan:
    """Coverage of 128 is a voxel of a nodule, 127 none."""
    hu = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    coverage = np.zeros(hu.shape, np.uint8)
    coverage[0, 1, :3] = 127, 128, 255
    region = np.zeros(hu.shape, np.uint8)
    region[:, 1] = 1
    cut = (("1", 5.0, (0,)), ("2", 7.0, (0, 1)))
    return MadeScan("1.2", hu, coverage, cut, "somebody", "made", "eval", region, **more)


def records(*names: str) -> tuple[NoduleRecord, ...]:
    return tuple(nodule(name) for name in names)


def test_a_scan_of_its_slices(tmp_path: Path) -> None:
    made = made_scan(origin_mm=(-10.0, 5.0, 100.0))
    examples = read_examples(str(write_scan(tmp_path, made)))
    found = unpack_scan(examples, records("1", "2", "3"), SPACING_MM)
    assert found.place == PLACE
    np.testing.assert_array_equal(found.hu, made.hu)
    assert np.argwhere(found.truth).tolist() == [[0, 1, 1], [0, 1, 2]]
    np.testing.assert_array_equal(found.region, made.mask > 0)
    assert found.geometry == Geometry((2, 3, 4), (-10.0, 5.0, 100.0), (1.0, 2.0, 3.0))
    assert found.indices == (0, 1)
    assert found.buckets == (("3-6", "6-8"), ("6-8",))
    assert found.cuts == {"1": (0,), "2": (0, 1), "3": ()}


def test_slices_of_a_nodule_that_has_no_record(tmp_path: Path) -> None:
    examples = read_examples(str(write_scan(tmp_path, made_scan())))
    with pytest.raises(ValueError, match=r"slices of the nodules \['1'\], got also \['2'\] in 1.2"):
        unpack_scan(examples, records("1"), SPACING_MM)
