"""The benchmark of augmentation on a few small scans."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from benchmarks import augmentation
from benchmarks.training_input import read_settings, source_of, write_split
from schema.hyperparameters import Augmentation


def test_measures_small_crops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = read_settings("configs/demo.yaml")
    training = replace(settings.training, batch_size=2, steps_per_epoch=2, crop_size=16)
    settings = replace(settings, training=training)
    source = source_of(write_split(tmp_path, 2, (6, 24, 20), settings), 10**6)
    augmentation.print_kinds(source, 2, 1)
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "core-ms a batch, median of 1 rounds of 2 batches"
    assert [row[2:22].strip() for row in rows] == ["defaults", *augmentation.KINDS, "all"]
    assert rows[0].endswith("to the defaults +0.00")
    augmentation.print_training(source, 1, 1)
    first, default, every = capsys.readouterr().out.splitlines()
    assert first.endswith("median of 1 rounds of 1 steps")
    assert default.endswith("to the defaults 1.000 (1.000 to 1.000)")
    assert every.startswith("  all ")


def test_every_kind_that_is_off_by_default_is_measured() -> None:
    default = Augmentation()
    off = {item.name for item in fields(default) if not getattr(default, item.name)}
    assert off == set(augmentation.ALL)
