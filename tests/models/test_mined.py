"""False positives, from the epoch that found them to those that use them."""

import json
import threading
import time

import pytest

from models.mined import MinedPlaces, MinedSlice
from schema.hyperparameters import Training

# 16 batches are drawn ahead: with 8 in an epoch, what epoch 0 finds is used by epoch 3.
TRAINING = Training(epochs=20, steps_per_epoch=8)


def found(z: int, *pixels: int) -> MinedSlice:
    return MinedSlice("a", z, pixels)


@pytest.mark.parametrize(("steps", "delay"), [(60, 2), (16, 2), (15, 3), (8, 3), (1, 17)])
def test_places_are_used_some_epochs_later(steps: int, delay: int) -> None:
    places = MinedPlaces(Training(epochs=20, steps_per_epoch=steps), {})
    assert places.delay == delay
    places.add(0, [found(1, 5)])
    assert places.of_epoch(delay - 1) == []
    assert places.of_epoch(delay) == [found(1, 5)]
    assert places.wanted(19 - delay) and not places.wanted(20 - delay)


def test_several_epochs_add_up_and_the_last_look_at_a_slice_counts() -> None:
    places = MinedPlaces(TRAINING, {})
    places.add(0, [found(1, 5), found(2, 6)])
    places.add(1, [found(3, 7), found(1)])  # no longer wrong in slice 1
    places.add(2, [found(2, 8, 9)])
    assert places.of_epoch(3) == [found(1, 5), found(2, 6)]
    assert places.of_epoch(4) == [found(2, 6), found(3, 7)]
    assert places.of_epoch(5) == [found(2, 8, 9), found(3, 7)]


def test_old_places_are_forgotten_once_no_epoch_uses_them() -> None:
    places = MinedPlaces(TRAINING, {})
    for epoch in range(12):
        places.add(epoch, [found(epoch, 5)])
    # Epoch 12 is next: it uses what epochs 5 to 9 found.
    assert [one.z for one in places.of_epoch(12)] == [5, 6, 7, 8, 9]
    assert sorted(map(int, places.state)) == [5, 6, 7, 8, 9, 10, 11]


def test_a_resumed_run_knows_the_same_places() -> None:
    places = MinedPlaces(TRAINING, {})
    places.add(0, [found(1, 5), found(2)])
    places.add(1, [found(2, 6, 7)])
    resumed = MinedPlaces(TRAINING, json.loads(json.dumps(places.state)))
    assert [resumed.of_epoch(n) for n in (3, 4)] == [places.of_epoch(n) for n in (3, 4)]
    assert resumed.of_epoch(4) == [found(1, 5), found(2, 6, 7)]


def test_who_asks_too_early_waits() -> None:
    places, asked = MinedPlaces(TRAINING, {}), []
    thread = threading.Thread(target=lambda: asked.append(places.of_epoch(3)))
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    places.add(0, [found(1, 5)])
    thread.join(10)
    assert asked == [[found(1, 5)]]


def test_closing_lets_go_who_waits() -> None:
    places, asked = MinedPlaces(TRAINING, {}), []
    thread = threading.Thread(target=lambda: asked.append(places.of_epoch(5)))
    thread.start()
    places.close()
    thread.join(10)
    assert asked == [[]]


def test_nothing_is_waited_for_beyond_the_last_epoch() -> None:
    assert MinedPlaces(TRAINING, {}).of_epoch(20) == []
