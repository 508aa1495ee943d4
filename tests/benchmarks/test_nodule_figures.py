"""Figures of judged nodules by group, worked out by hand."""

import json
import math

import pytest

from benchmarks.nodule_crops import Crop, nodules_in_the_middle
from benchmarks.nodule_figures import (
    Weighted,
    cell,
    gap_line,
    measured_line,
    of_group,
    printed,
    share_touched,
    weighted,
)
from benchmarks.nodule_groups import groups_of, lines_by_group
from lungct.figures import Measured
from lungct.metrics import Overlap
from schema import features
from schema.judged import NoduleFigures, NoduleRow, Place, SliceRow


def place(name: str, patient: str, bucket: str = "3-6") -> Place:
    return Place(features.SPLIT_EVAL, name, patient, "made", (bucket,))


def nodule(name: str, patient: str, overlap: Overlap, bucket: str = "3-6") -> NoduleRow:
    figures = NoduleFigures(overlap, 1.0, 0.5, math.nan)
    where = place(name, patient, bucket)
    return NoduleRow(where, "1", 5.0, (0.0, 0.0, 0.0), {features.CANDIDATE: figures})


def cut(name: str, patient: str, overlap: Overlap) -> SliceRow:
    return SliceRow(place(name, patient), 3, {features.CANDIDATE: overlap})


# Nodule Dice 2·4/(6+10) = 0.5, 2·6/(6+6) = 1 and 0.
HALF, WHOLE, NONE = Overlap(4, 6, 10), Overlap(6, 6, 6), Overlap(0, 2, 8)
ROWS = weighted(
    [
        nodule("a", "P1", HALF),
        nodule("b", "P1", WHOLE),
        nodule("c", "P2", NONE, "15+"),
        cut("a", "P1", HALF),
        cut("b", "P1", WHOLE),
        cut("c", "P2", NONE),
    ]
)


def test_figures_by_hand() -> None:
    line = measured_line("all", ROWS, 200)
    assert (line.nodules, line.patients) == (3, 2)
    assert line.figures["nodule_dice"].value == pytest.approx(0.5)
    assert line.figures["mean_slice_dice"].value == pytest.approx(0.5)
    # 2·(4 + 6 + 0) / (6 + 6 + 2 + 10 + 6 + 8) = 20/38
    assert line.figures["pooled_dice"].value == pytest.approx(20 / 38)
    # Patients drawn: P1 twice 0.75, each once 0.5, P2 twice 0.
    one = line.figures["nodule_dice"]
    assert (one.lower, one.upper) == (0, 0.75)
    touched = line.figures["touched"]
    assert touched.value == pytest.approx(2 / 3) and (touched.lower, touched.upper) == (0, 1)


def test_weights_count_rows_more_often() -> None:
    rows = [Weighted(nodule("a", "P1", WHOLE), 3), Weighted(nodule("b", "P2", NONE), 1)]
    line = measured_line("", rows, 0)
    assert line.figures["nodule_dice"].value == line.figures["touched"].value == 0.75
    assert line.nodules == 2


def test_all_models_of_a_row_count_alike() -> None:
    first = nodule("a", "P1", WHOLE)
    figures = {"0": first.figures[features.CANDIDATE], "1": NoduleFigures(NONE, 0.0, 1.0, math.nan)}
    row = NoduleRow(first.place, "1", 5.0, (0.0, 0.0, 0.0), figures)
    assert measured_line("", [Weighted(row)], 0).figures["nodule_dice"].value == 0.5


def test_gap_is_train_minus_held_out() -> None:
    train = of_group(ROWS, lambda row: row.place.series_uid == "b")
    line = gap_line("gap", train, ROWS, 0)
    assert line.figures["nodule_dice"].value == pytest.approx(0.5)
    assert set(line.figures) == {"nodule_dice", "pooled_dice", "mean_slice_dice"}


def test_without_nodules_nothing_is_touched() -> None:
    found = share_touched(weighted([cut("a", "P1", HALF)]))
    assert math.isnan(found.value) and math.isnan(found.lower)
    assert measured_line("", (), 10).nodules == 0


def test_one_patient_has_no_interval() -> None:
    found = share_touched(weighted([nodule("a", "P1", HALF)]), 50)
    assert found.value == 1 and math.isnan(found.lower)


def test_lesser_parts_are_left_out() -> None:
    first = nodule("a", "P1", WHOLE)
    second = NoduleRow(first.place, "2", 2.0, first.centre_mm, first.figures)
    slices = cut("a", "P1", WHOLE)
    assert list(nodules_in_the_middle([first, second, slices])) == [first, slices]


def test_groups_by_size_texture_readers_and_agreement() -> None:
    crops = {
        "a": Crop("a", "P1", "1", 3, "solid"),
        "b": Crop("b", "P1", "2", 4, "ground glass"),
        "c": Crop("c", "P2", "3", 4, "solid"),
    }
    groups = groups_of(crops, {"a": 0.7, "b": 0.8})
    found = {name: {one.row.place.series_uid for one in of_group(ROWS[:3], holds)}
             for name, holds in groups.items()}  # fmt: skip
    assert {name: held for name, held in found.items() if held} == {
        "3-6 mm": {"a", "b"},
        "15+ mm": {"c"},
        "solid": {"a", "c"},
        "ground glass": {"b"},
        "3 readers": {"a"},
        "4 readers": {"b", "c"},
        "readers agree 0.7 to 0.8": {"a"},
        "readers agree ≥ 0.8": {"b"},
    }
    names = [line.name for line in lines_by_group("x", ROWS, groups, 0)]
    assert names[0] == "x, 3-6 mm" and "x, 6-8 mm" not in names


def test_the_table_names_its_columns_and_leaves_out_what_is_not_there() -> None:
    lines = [measured_line("held out", ROWS, 200), gap_line("gap", ROWS, ROWS, 0)]
    header, first, second = printed(lines).splitlines()
    assert header.split()[:4] == ["nodules", "patients", "nodule", "Dice"]
    assert first.startswith("held out") and "0.500 (0.000 to 0.750)" in first
    assert second.split() == ["gap", "0.000", "0.000", "0.000"]
    assert cell(Measured(-0.25, -0.5, 0.125)) == "−0.250 (−0.500 to 0.125)"
    content = json.loads(json.dumps(lines[1].described(), allow_nan=False))
    assert content["nodule_dice"] == {"value": 0.0, "lower": None, "upper": None}
