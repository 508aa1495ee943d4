"""Looking for false positives."""

from typing import Any

import numpy as np

from models.dataset import CropSource
from models.holdout import Holdout
from models.mined import MinedPlaces
from models.mining import Miner, false_places
from models.split import TrainingSplit
from schema import features
from tests.models import synthetic
from tests.models.test_dataset import STILL, with_training

HELD_OUT = Holdout(("patient0",))


def places_of(logits: Any, truth: Any, crop_size: int) -> list[tuple[int, int]]:
    found = false_places(np.float32(logits), truth, 0.0, crop_size)
    return [divmod(place, truth.shape[1]) for place in found]


def test_places_by_hand() -> None:
    # Crops of 8: 4 pixels from any nodule is too near, and so are 2 from another place.
    logits, truth = np.full((12, 20), -1.0), np.zeros((12, 20), bool)
    truth[5, 3] = True
    for place, value in {
        **{(5, 7): 9.0, (9, 7): 9.0},  # 4 columns from the nodule, the second 4 rows as well
        **{(10, 3): 2.0, (5, 8): 3.0},  # 5 away
        **{(6, 10): 2.9, (6, 11): 2.5},  # 2 and 3 from (5, 8)
        (1, 19): 0.0,  # just predicted
        (1, 1): -0.1,
    }.items():
        logits[place] = value
    assert places_of(logits, truth, 8) == [(5, 8), (6, 11), (10, 3), (1, 19)]


def test_at_most_four_places_of_a_slice() -> None:
    found = places_of(np.arange(400.0).reshape(20, 20), np.zeros((20, 20), bool), 16)
    # The last pixel, then those 5 columns or rows from the ones before.
    assert found == [(19, 19), (19, 14), (19, 9), (19, 4)]


def test_no_false_positives_no_places() -> None:
    assert places_of(np.full((4, 5), -1.0), np.zeros((4, 5), bool), 8) == []
    assert places_of(np.full((4, 5), np.nan), np.zeros((4, 5), bool), 8) == []


def miner(split: TrainingSplit, **training: Any) -> tuple[Miner, MinedPlaces, CropSource]:
    values = {"crop_size": 8, "hard_negatives": 1.0, "epochs": 9, "steps_per_epoch": 16}
    split = with_training(split, **{**values, "augmentation": STILL, **training})
    places = MinedPlaces(split.settings.training, {})
    source = CropSource(split, HELD_OUT, places)
    return Miner(split, source.plan, places), places, source


def corner(images: Any) -> Any:
    """Predicts one pixel of each slice as nodule."""
    logits = np.full((*images.shape[:3], 1), -5.0)
    logits[:, 31, 2] = 5.0
    return logits


def test_what_is_trained_on_is_predicted_and_places_are_noted(split: TrainingSplit) -> None:
    looking, places, _ = miner(split)
    looking.mine(corner, 0)
    found = places.of_epoch(2)
    # 64 crops in visits of 6 are 12 visits; a third of the slices has no nodule, 0.3 of the visits
    # go there, and two slices are looked at for each: 8 of the 18 that are trained on.
    assert 4 <= len(found) <= 8
    assert {one.series_uid for one in found} <= {f"series-patient{n}" for n in (1, 2, 3)}
    for one in found:
        truth = truth_of(one.series_uid, one.index)
        assert one.pixels == (31 * synthetic.COLUMNS + 2,)
        assert not truth[27:, :7].any()


def truth_of(series: str, z: int) -> Any:
    """Truth of a slice of the split."""
    scan = synthetic.make_scan(series.removeprefix("series-"), 6, ((1, 6.0), (4, 4.0)))
    return scan.coverage[z] >= features.COVERAGE_THRESHOLD


def test_crops_are_drawn_there_later(split: TrainingSplit) -> None:
    looking, places, source = miner(split, nodule_fraction=0.0)
    looking.mine(corner, 0)
    places.close()  # later epochs find nothing
    batches = source.batches(2)
    crops = [next(batches)[0] for _ in range(16)]
    batches.close()
    wrong = {(one.series_uid, one.index) for one in places.of_epoch(2)}
    squares = {
        scan.hu[z, 24:32, 0:8].tobytes()
        for scan in (synthetic.make_scan(f"patient{n}", 6, ((1, 6.0), (4, 4.0))) for n in (1, 2, 3))
        for z in range(6)
        if (scan.uid, z) in wrong
    }
    # 8 by 8 around row 31 and column 2 lie in the corner of the slice; all visits go there.
    assert {crop[:, :, 1].tobytes() for batch in crops for crop in batch} <= squares


def test_the_last_epochs_look_for_nothing(split: TrainingSplit) -> None:
    looking, places, _ = miner(split)
    looking.mine(corner, 7)
    assert places.state == {}


def test_a_sample_of_the_same_epoch_is_the_same(split: TrainingSplit) -> None:
    states = []
    for epoch in (3, 3, 4):
        looking, places, _ = miner(split)
        looking.mine(corner, epoch)
        states.append(places.state[str(epoch)])
    assert states[0] == states[1] != states[2]
