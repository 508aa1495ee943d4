import pytest

from models.holdout import Holdout, choose_holdout, is_held_out
from models.split import cuts_nodule
from schema.slices import IndexRow
from tests.models.rows import scan


def patient(name: str, slices: int, nodules: int) -> list[IndexRow]:
    return scan(name, slices, dict.fromkeys(range(nodules), "6-8"))


def test_refuses_a_split_without_nodules() -> None:
    with pytest.raises(ValueError, match="a nodule in the train split, got none in 3 slices"):
        choose_holdout(patient("a", 3, 0), 0.2)


def test_holds_out_whole_patients_at_their_share() -> None:
    index = [item for i in range(20) for item in patient(f"p{i}", 5, 2)]
    holdout = choose_holdout(index, 0.15)
    assert len(holdout.patients) == 3 and not holdout.slices
    held = {item.patient_id for item in index if is_held_out(item, holdout)}
    assert held == set(holdout.patients)


def test_the_choice_stays_when_the_order_of_files_changes() -> None:
    index = [item for i in range(9) for item in patient(f"p{i}", 5, 2)]
    assert choose_holdout(index[::-1], 0.2) == choose_holdout(index, 0.2)


def test_one_of_those_held_out_has_a_nodule_and_one_trained_on_too() -> None:
    for number in range(6):
        names = [f"q{number}-{i}" for i in range(6)]
        index = [item for name in names for item in patient(name, 4, int(name in names[:2]))]
        holdout = choose_holdout(index, 0.2)
        assert len(set(holdout.patients) & set(names[:2])) == 1


def test_two_patients_with_nodules_both_in_the_share_leave_one_to_train_on() -> None:
    index = patient("a", 4, 2) + patient("b", 4, 2)
    assert len(choose_holdout(index, 0.99).patients) == 1


def test_one_patient_with_nodules_is_monitored_by_single_slices() -> None:
    index = patient("a", 20, 8) + patient("b", 6, 0)
    holdout = choose_holdout(index, 0.25)  # every 4th slice
    assert holdout.patients == ()
    held = [item for item in index if is_held_out(item, holdout)]
    assert [item.index for item in held if cuts_nodule(item)] == [0, 4]
    assert len(held) == 7  # and 5 of 12 + 6 without nodule
    assert {(item.series_uid, item.index) for item in held} == holdout.slices


def test_nobody_is_held_out_where_none_is_named() -> None:
    assert not any(is_held_out(item, Holdout()) for item in patient("a", 3, 1))
