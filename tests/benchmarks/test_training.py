"""The benchmark of training's speed on a few small scans."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import training, training_input


def test_each_input_is_timed_beside_one_batch(tmp_path: Path) -> None:
    settings = training_input.read_settings("configs/demo.yaml")
    values = {"batch_size": 2, "steps_per_epoch": 4, "crop_size": 16, "mixed_precision": "float32"}
    small = replace(settings.model, base_filters=2, levels=2)
    settings = replace(settings, training=replace(settings.training, **values), model=small)
    split = training_input.write_split(tmp_path, 2, (6, 24, 20), settings)
    sources = {"all": training_input.source_of(split, 10**6)}
    first, second = training.measured(sources, steps=2, rounds=3)
    assert (first.name, first.shares) == (training.ONE_BATCH, (1.0, 1.0, 1.0))
    assert second.name == "all" and len(second.shares) == 3
    assert list(second.shares) == sorted(second.shares) and second.images_a_second > 0


def test_a_share_is_the_rate_with_an_input_over_that_without() -> None:
    # Twice, and four times the seconds of one batch: half and a quarter of its rate.
    np.testing.assert_array_equal(training._shares([1.0, 2.0], [2.0, 8.0]), (0.25, 0.5))


def test_both_benchmarks_of_training_have_one_command_line() -> None:
    given = training_input.parse_arguments("A title.\n\nMore.", ["--scans", "3"])
    assert (given.scans, given.rounds, given.config) == (3, 5, "configs/demo.yaml")
