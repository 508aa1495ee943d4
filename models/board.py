"""What TensorBoard shows of a training: its settings, curves and pictures."""

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.pictures import Pixels

_CURVES = ("loss", "dice", "monitor_dice", "monitor_error", "learning_rate")


class Board:
    """Writes the files of TensorBoard."""

    def __init__(self, folder: str, facts: Mapping[str, Any]) -> None:
        """Opens a file and writes the settings.

        Args:
            folder: Where it is written.
            facts: JSON of the settings, and of what was found out before training.
        """
        self._writer = tf.summary.create_file_writer(folder)
        # TensorBoard reads Markdown: lines of four spaces before them are shown as they are.
        text = "\n".join(f"    {line}" for line in json.dumps(facts, indent=1).splitlines())
        with self._writer.as_default(step=0):
            tf.summary.text("training", text)
        self._writer.flush()

    def write(self, row: Mapping[str, Any], pictures: Mapping[str, Pixels]) -> None:
        """Writes what an epoch gave.

        Args:
            row: Its row of the history.
            pictures: By name, uint8 (rows, columns).
        """
        with self._writer.as_default(step=row["epoch"]):
            for name in _CURVES:
                tf.summary.scalar(name, row[name])
            for name, pixels in pictures.items():
                tf.summary.image(name, pixels[None, :, :, None])
        self._writer.flush()
