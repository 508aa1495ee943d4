"""What TensorBoard's files hold."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models.board import Board


def events(folder: Path) -> list[Any]:
    """The values in the files of a folder, with their step, in order."""
    paths = sorted(map(str, folder.glob("events.out.tfevents.*")))
    found = [
        tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(paths)
    ]
    return [(event.step, value) for event in found for value in event.summary.value]


ROW = {
    **{"epoch": 3, "loss": 0.5, "dice": 0.25, "monitor_dice": 0.125, "monitor_error": 0.0625},
    **{"learning_rate": 0.001, "seconds": 7.0},
}


def test_holds_settings_curves_and_pictures(tmp_path: Path) -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 6)
    Board(str(tmp_path), {"hyperparameters": {"seed": 17}}).write(ROW, {"scan/4": picture})
    (step, settings), *rest = events(tmp_path)
    assert (step, settings.tag) == (0, "training")
    assert '      "seed": 17' in settings.tensor.string_val[0].decode()
    assert {step for step, _ in rest} == {3}
    values = {value.tag: value.tensor for _, value in rest}
    assert float(tf.make_ndarray(values["loss"])) == 0.5
    assert float(tf.make_ndarray(values["monitor_dice"])) == 0.125
    width, height, pixels = values["scan/4"].string_val
    assert (width, height) == (b"6", b"2")
    assert tf.io.decode_png(pixels).numpy()[:, :, 0].tolist() == picture.tolist()
