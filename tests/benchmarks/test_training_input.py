"""The benchmark of training data on a few small scans."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import training_input
from models.split import cuts_nodule


def test_measures_small_scans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = training_input.read_settings("configs/demo.yaml")
    training = replace(settings.training, batch_size=6, steps_per_epoch=8, crop_size=16)
    settings = replace(settings, training=training)
    split = training_input.write_split(tmp_path, 3, (6, 24, 20), settings)
    again = training_input.write_split(tmp_path, 3, (6, 24, 20), settings)
    assert split.index == again.index and len(split.index) == 18
    assert 6 <= sum(map(cuts_nodule, split.index)) <= 18

    source = training_input.source_of(split, 10**6)
    assert source.cache.kept_bytes == 18 * 24 * 20 * 2
    assert training_input.fewest_scans(source) == 3
    sources = {"all": source, "none": training_input.source_of(split, 0)}
    training_input.print_input(sources, 4, 3)
    kept, read = capsys.readouterr().out.splitlines()
    assert kept.startswith("input, all: ") and kept.endswith(
        "rate to the first 1.00 (1.00 to 1.00)"
    )
    assert "core-ms a crop, 0.00 slices read a crop; " in kept
    assert "core-ms a crop, 0.00 slices" not in read
