"""What stands beside a picture."""

from report.nodules import NoduleResult, WrongMark
from report.pictures import Picture
from report.words import count, decimal
from schema import features
from schema.metrics import figure_text
from schema.slice_keys import bucket_text


def heading(picture: Picture) -> str:
    """What is seen, in a few words."""
    result, mark = picture.request.result, picture.request.mark
    if result is not None:
        dice = (
            "no nodule Dice" if result.dice is None else f"nodule Dice {figure_text(result.dice)}"
        )
        return f"{decimal(result.diameter_mm, 1)} mm, {dice}"
    return f"probability {figure_text(mark.probability)}" if mark is not None else "no nodule"


def facts(picture: Picture) -> list[str]:
    """What is known of the place, a few words each."""
    result, mark = picture.request.result, picture.request.mark
    known = [picture.request.kind]
    if result is not None:
        known += _nodule_facts(result)
    elif mark is not None:
        known += [_whose(mark), f"patient {mark.patient_id}"]
    return [*known, f"slice {picture.slice_index}", f"series {picture.request.series_uid}"]


def _nodule_facts(one: NoduleResult) -> list[str]:
    known = [
        _whose(one),
        f"bucket {bucket_text(one.bucket)}",
        f"true volume {count(one.truth_mm3)} mm³, predicted {count(one.predicted_mm3)} mm³",
        f"surface Dice at 1 mm {figure_text(one.surface_dice)}",
    ]
    if one.hausdorff_mm is not None:
        known.append(f"95th percentile Hausdorff distance {decimal(one.hausdorff_mm, 1)} mm")
    hit = one.hit_probability
    known.append("missed" if hit is None else f"hit with probability {figure_text(hit)}")
    if one.dice_before is not None:
        known.append(f"nodule Dice of the last blessed model {figure_text(one.dice_before)}")
    return [*known, f"nodule {one.nodule_id}", f"patient {one.patient_id}"]


def _whose(one: NoduleResult | WrongMark) -> str:
    learned = one.split == features.SPLIT_TRAIN
    said = " (the model has learned from this scan)" if learned else ""
    return f"{one.split} split{said}, {'phantom' if one.phantom else 'patient'}"
