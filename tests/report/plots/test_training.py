"""Plots of training."""

import re
from dataclasses import replace

from report.history import Epoch, History
from report.plots.training import dice_curve, loss_curve

EPOCHS = (
    Epoch(1, loss=1.0, dice=0.25, monitor_dice=0.25, seconds=2.0, monitor_error=0.125),
    Epoch(2, loss=0.5, dice=0.5, monitor_dice=None, seconds=2.0),
    Epoch(3, loss=None, dice=0.75, monitor_dice=0.5, seconds=2.0, monitor_error=0.125),
)
HISTORY = History(EPOCHS, 3, ("p",), 100, "float32")


def lines(text: str, css: str) -> list[str]:
    return re.findall(rf'<polyline class="line {css}" points="(.*?)"', text)


def test_loss_where_it_was_recorded() -> None:
    text = loss_curve(HISTORY)

    (line,) = lines(text, "train")
    # Epochs 1 and 2 of 0.5 to 3.5 along 490 from 56 on.
    assert [place.split(",")[0] for place in line.split()] == ["137.7", "301.0"]
    assert len(lines(text, "best")) == 1 and "epoch kept (3)" in text
    assert [one for one in ("1", "2", "3") if f">{one}</text>" in text] == ["1", "2", "3"]


def test_dice_with_a_band_of_the_standard_error() -> None:
    text = dice_curve(HISTORY)

    assert len(lines(text, "train")[0].split()) == 3
    assert len(lines(text, "eval")[0].split()) == 2
    assert text.count('class="area eval"') == 1 and "± 1 standard error" in text


def test_no_band_where_all_slices_were_measured() -> None:
    known = tuple(replace(epoch, monitor_error=0.0) for epoch in EPOCHS)
    text = dice_curve(replace(HISTORY, epochs=known, kept_epoch=None))

    assert 'class="area eval"' not in text and "standard error" not in text
    assert "epoch kept" not in text


def test_one_epoch_and_no_loss() -> None:
    text = loss_curve(History((Epoch(1, None, None, None, None),), None, (), None, ""))
    assert lines(text, "train") == []
