"""What stands beside a picture."""

from dataclasses import replace

from report.captions import facts, heading
from report.gallery import Request
from report.pictures import Picture
from tests.report.facts import MARK, nodule


def picture(**shown: object) -> Picture:
    return Picture(Request("among the worst", "1.2.3", **shown), 7, ())  # type: ignore[arg-type]


def test_a_nodule() -> None:
    one = picture(result=nodule(dice_before=0.25))

    assert heading(one) == "5.0 mm, nodule Dice 0.500"
    assert facts(one) == [
        "among the worst",
        "eval split, phantom",
        "bucket 3–6 mm",
        "true volume 100 mm³, predicted 50 mm³",
        "surface Dice at 1 mm 0.750",
        "95th percentile Hausdorff distance 1.2 mm",
        "hit with probability 0.875",
        "nodule Dice of the last blessed model 0.250",
        "nodule 1",
        "patient p",
        "slice 7",
        "series 1.2.3",
    ]


def test_a_missed_nodule_of_a_patient_that_was_learned_from() -> None:
    missed = nodule(
        dice=None, hausdorff_mm=None, hit_probability=None, split="train", phantom=False
    )

    assert heading(picture(result=missed)) == "5.0 mm, no nodule Dice"
    said = facts(picture(result=missed))
    assert "train split (the model has learned from this scan), patient" in said
    assert "missed" in said
    assert not [one for one in said if "Hausdorff" in one or "last blessed" in one]


def test_a_false_positive_and_a_scan() -> None:
    wrong = picture(mark=replace(MARK, probability=0.5))

    assert heading(wrong) == "probability 0.500"
    assert facts(wrong)[1:3] == ["eval split, phantom", "patient p"]
    assert (heading(picture()), facts(picture())) == (
        "no nodule",
        ["among the worst", "slice 7", "series 1.2.3"],
    )
