import pytest

from models.holdout import choose_holdout, is_held_out
from models.records import SliceReference
from schema import features


def patient(name: str, slices: int, nodules: int) -> list[SliceReference]:
    buckets = ["6-8"] * nodules + [features.BUCKET_NONE] * (slices - nodules)
    return [
        SliceReference(f"{name}.gz", name, f"{name}/{i}", bucket)
        for i, bucket in enumerate(buckets)
    ]


def test_refuses_a_split_without_nodules() -> None:
    with pytest.raises(ValueError, match="a nodule in the train split, got none in 3 slices"):
        choose_holdout(patient("a", 3, 0), 0.2, 10)


def test_holds_out_whole_patients_at_their_share() -> None:
    index = [item for i in range(20) for item in patient(f"p{i}", 5, 2)]
    holdout = choose_holdout(index, 0.15, 100)
    assert len(holdout.patients) == 3
    assert len(holdout.nodule_keys) == 6 and len(holdout.other_keys) == 9
    assert holdout.other_weight == 1.0
    held = {item.patient for item in index if is_held_out(item, holdout)}
    assert held == set(holdout.patients)


def test_the_choice_stays_when_the_order_of_files_changes() -> None:
    index = [item for i in range(9) for item in patient(f"p{i}", 5, 2)]
    assert choose_holdout(index[::-1], 0.2, 99).patients == choose_holdout(index, 0.2, 99).patients


def test_one_of_those_held_out_has_a_nodule_and_one_trained_on_too() -> None:
    for number in range(6):
        names = [f"q{number}-{i}" for i in range(6)]
        index = [item for name in names for item in patient(name, 4, int(name in names[:2]))]
        holdout = choose_holdout(index, 0.2, 99)
        assert len(set(holdout.patients) & set(names[:2])) == 1


def test_two_patients_with_nodules_both_in_the_share_leave_one_to_train_on() -> None:
    index = patient("a", 4, 2) + patient("b", 4, 2)
    assert len(choose_holdout(index, 0.99, 99).patients) == 1


def test_one_patient_with_nodules_is_monitored_by_single_slices() -> None:
    index = patient("a", 20, 8) + patient("b", 6, 0)
    holdout = choose_holdout(index, 0.25, 99)  # every 4th slice
    assert holdout.patients == ()
    assert holdout.nodule_keys == ("a/0", "a/4")
    assert len(holdout.other_keys) == 5  # of 12 + 6
    assert sum(is_held_out(item, holdout) for item in index) == 7


def test_slices_to_predict_are_limited_and_the_rest_weighs_more() -> None:
    index = patient("a", 100, 40) + patient("b", 100, 40)
    holdout = choose_holdout(index, 0.5, 30)
    assert len(holdout.nodule_keys) == 20 and len(holdout.other_keys) == 10
    assert holdout.other_weight == 6.0  # 60 slices without nodule, 10 predicted
    assert len(holdout.keys) == 30


def test_few_nodule_slices_leave_their_room_to_others() -> None:
    holdout = choose_holdout(patient("a", 50, 4) + patient("b", 50, 4), 0.5, 30)
    assert len(holdout.nodule_keys) == 4 and len(holdout.other_keys) == 26
