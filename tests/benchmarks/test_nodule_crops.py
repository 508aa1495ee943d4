"""Crops of LIDC's nodules: tables, folds, and readers judged by hand-made outlines."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks import nodule_crops
from benchmarks.nodule_crops import (
    FOLDS,
    Crop,
    at_least_half,
    fold_of,
    read_crops,
    read_readers,
    write_splits,
)
from benchmarks.nodule_figures import measured_line
from tests.benchmarks.made_crops import COLUMNS, SHAPE, write_balls, write_crops, write_table

GOOD = ("a", "P1", "1.2", "3", "Solid/Mixed")


def test_the_table_is_read(tmp_path: Path) -> None:
    write_table(tmp_path / "nodules.csv", COLUMNS, [GOOD])
    assert read_crops(tmp_path) == {"a": Crop("a", "P1", "1.2", 3, "part-solid")}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("a", "P1", "1.2", "3", "Firm"), "expected a texture of Solid, .*, got 'Firm' of a in"),
        (("a", "P1", "1.2", "1", "Solid"), "expected 2 to 4 readers, got '1' of a in"),
    ],
)
def test_rows_that_say_nothing_are_refused(
    tmp_path: Path, row: tuple[str, ...], expected: str
) -> None:
    write_table(tmp_path / "nodules.csv", COLUMNS, [row])
    with pytest.raises(ValueError, match=expected):
        read_crops(tmp_path)


def test_a_table_without_texture_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "nodules.csv", COLUMNS[:-1], [GOOD[:-1]])
    with pytest.raises(ValueError, match=r"got none of \['texture'\]"):
        read_crops(tmp_path)


def test_folds_are_alike_in_patients_and_in_crops() -> None:
    # 23 patients, of whom patient n has n % 4 + 1 crops.
    crops = [f"P{number}" for number in range(23) for _ in range(number % 4 + 1)]
    folds = fold_of(crops)
    assert set(folds) == set(crops)
    patients = Counter(folds.values())
    assert set(patients) == set(range(FOLDS)) and set(patients.values()) == {4, 5}
    in_fold = Counter(folds[patient] for patient in crops)
    assert max(in_fold.values()) - min(in_fold.values()) <= 4
    assert fold_of(reversed(crops)) == folds


def test_a_table_of_splits_that_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = write_splits(tmp_path / "splits" / "a.csv", {"P2": "eval", "P1": "train"})
    assert path.read_text() == "patient_id,split\nP1,train\nP2,eval\n"
    before = path.stat().st_ino, path.stat().st_mtime_ns
    write_splits(path, {"P1": "train", "P2": "eval"})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    write_splits(path, {"P1": "eval", "P2": "eval"})
    assert "P1,eval" in path.read_text()


def test_at_least_half_of_the_readers() -> None:
    masks = [np.array([row], bool) for row in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0])]
    # 3, 2, 1 and 0 of three; 2, 2, 1 and 0 of the first two.
    assert at_least_half(masks).tolist() == [[True, True, False, False]]
    assert at_least_half(masks[:2]).tolist() == [[True, True, True, False]]


def test_readers_by_hand(tmp_path: Path) -> None:
    # In slice 4 reader 0 outlines columns 10 to 13, reader 1 columns 10 to 11, reader 2 both and
    # two more, columns 10 to 15; all of rows 8 to 9.
    bits = np.zeros(SHAPE, np.uint8)
    for place, columns in enumerate((4, 2, 6)):
        bits[4, 8:10, 10 : 10 + columns] |= 1 << place
    root = write_crops(tmp_path / "crops", {"a": bits}, {"a": "P1"})
    readers = read_readers(root, list(read_crops(root).values()))

    # The label is 4 columns: Dice 1, 2·2/(2+4) = 2/3, 2·4/(6+4) = 0.8.
    label = measured_line("", readers.label, 0)
    assert label.figures["nodule_dice"].value == pytest.approx((1 + 2 / 3 + 0.8) / 3)
    assert label.figures["mean_slice_dice"].value == pytest.approx((1 + 2 / 3 + 0.8) / 3)
    assert (label.nodules, label.patients, label.figures["touched"].value) == (1, 1, 1)
    # Pooled: 2·(4 + 2 + 4) / (4 + 2 + 6 + 3·4) = 20/24.
    assert label.figures["pooled_dice"].value == pytest.approx(20 / 24)
    # 4 and 2: 2/3; 4 and 6: 0.8; 2 and 6: 0.5.
    assert readers.agreement() == {"a": pytest.approx((2 / 3 + 0.8 + 0.5) / 3)}
    # At least half of two others is what either outlined: 4 to 6, 2 to 6, 6 to 4.
    others = measured_line("", readers.others, 0)
    assert others.figures["nodule_dice"].value == pytest.approx((0.8 + 0.5 + 0.8) / 3)


def test_each_crop_counts_alike_however_many_readers_it_has(tmp_path: Path) -> None:
    # Two readers who agree; four of whom each outlines one of four pairs of columns.
    two, four = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    two[4, 8:10, 10:14] = 3
    for place in range(4):
        four[4, 8:10, 10 + 2 * place : 12 + 2 * place] = 1 << place
    root = write_crops(tmp_path / "crops", {"a": two, "b": four}, {"a": "P1", "b": "P2"})
    each_other = read_readers(root, list(read_crops(root).values())).each_other
    line = measured_line("", each_other, 0)
    assert line.figures["nodule_dice"].value == line.figures["touched"].value == 0.5
    assert line.nodules == 2


def test_lesser_parts_of_a_crop_are_no_nodules_of_its_own(tmp_path: Path) -> None:
    bits = np.zeros(SHAPE, np.uint8)
    bits[4, 8:10, 10:14] = 3
    bits[1, 2, 25] = 1 | 2
    root = write_crops(tmp_path / "crops", {"a": bits}, {"a": "P1"})
    label = measured_line("", read_readers(root, list(read_crops(root).values())).label, 0)
    assert label.nodules == 1 and label.figures["nodule_dice"].value == 1


def test_other_numbers_of_readers_than_the_table_has_are_refused(tmp_path: Path) -> None:
    root = write_balls(tmp_path / "crops", 1)
    crop = Crop("P00_1", "P00", "1.2.0", 4, "solid")
    with pytest.raises(ValueError, match="expected masks of 4 readers, got 3 in .*P00_1"):
        read_readers(root, [crop])


def test_labels_of_the_real_crops_are_what_half_of_the_readers_outlined(real_data: Path) -> None:
    root = real_data / "lidc_nodules"
    crops = read_crops(root)
    assert len(crops) == 669 and len({one.patient for one in crops.values()}) == 373
    for crop in list(crops.values())[::100]:
        masks, geometry = nodule_crops._reader_masks(
            root / "readersTr" / f"{crop.name}.nii.gz", crop
        )
        label = Crop(crop.name, crop.patient, crop.series_uid, 1, crop.texture)
        (of_file,), same = nodule_crops._reader_masks(
            root / "labelsTr" / f"{crop.name}.nii.gz", label
        )
        np.testing.assert_array_equal(at_least_half(masks), of_file)
        assert geometry == same
