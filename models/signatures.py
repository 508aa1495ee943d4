"""What the exported model offers: segmentation of serialized examples and of raw slices.

Both signatures go through the one transform graph, so training, evaluation and serving see the
same intensities.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from lungct.grid import Grid
from schema import features
from schema.files import INPUT_FILE

_HU_BYTES = 2


class Segmenter(tf.Module):
    """Network and transform graph together, as they are saved."""

    def __init__(self, model: keras.Model, transform: Any, grid: Grid) -> None:
        """Holds what the signatures use.

        Args:
            model: From normalised images to logits, computing in float32.
            transform: The TFT layer.
            grid: Size of a slice.
        """
        super().__init__(name="segmenter")
        self.model = model
        self.transform = transform
        self.grid = grid

    def from_examples(self, examples: Any) -> dict[str, Any]:
        """Serialized tf.Examples (N,) to probability float32 (N, H, W).

        Only the image is parsed: labels and whatever else may be missing.
        """
        spec = {features.IMAGE_HU: tf.io.FixedLenFeature([1], tf.string)}
        return self._segment(tf.io.parse_example(examples, spec)[features.IMAGE_HU])

    def from_hu(self, hu: Any) -> dict[str, Any]:
        """Hounsfield units int16 (N, H, W, C) to probability float32 (N, H, W).

        Raises:
            tf.errors.InvalidArgumentError: If H, W or C are not the grid's; where the caller gives
                the array, so that one of another shape with as many values is not cut anew.
        """
        shape = (None, self.grid.slice_size, self.grid.slice_size, self.grid.channels)
        return self._segment(slice_bytes(tf.ensure_shape(hu, shape))[:, None])

    def _segment(self, raw: Any) -> dict[str, Any]:
        image = self.transform({features.IMAGE_HU: raw})[features.IMAGE]
        size = self.grid.slice_size
        image = tf.ensure_shape(image, (None, size, size, self.grid.channels))
        logits = self.model(image, training=False)
        return {features.OUTPUT_PROBABILITY: tf.sigmoid(tf.cast(logits, tf.float32))[..., 0]}

    def signatures(self) -> dict[str, Any]:
        """Both as concrete functions by signature name."""
        examples = tf.TensorSpec([None], tf.string, name=features.INPUT_EXAMPLES)
        # Any four sizes: TensorFlow does not hold a caller to the sizes of a signature, and leaves
        # out of the graph a check of what the signature promises.
        hu = tf.TensorSpec([None] * 4, tf.int16, name=features.INPUT_HU)
        return {
            features.SIGNATURE_EXAMPLES: tf.function(
                self.from_examples, input_signature=[examples]
            ).get_concrete_function(),
            features.SIGNATURE_HU: tf.function(
                self.from_hu, input_signature=[hu]
            ).get_concrete_function(),
        }


def export(segmenter: Segmenter, directory: str, split: Mapping[str, Any] | None = None) -> None:
    """Writes a SavedModel that TFMA, TF Serving and `tf.saved_model.load` take.

    The working grid and the split rule go along as `schema.files.INPUT_FILE`, so that models can
    be told apart that no common example fits, and users know which patients were trained on.

    Args:
        segmenter: The model with its transform graph and grid.
        directory: Where it is written.
        split: Fields of `schema.splits.SplitRule`; None where it is not known.
    """
    tf.saved_model.save(segmenter, directory, signatures=segmenter.signatures())
    path = os.path.join(directory, INPUT_FILE)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        json.dump({"grid": asdict(segmenter.grid), "split": split}, file)


def slice_bytes(hu: Any) -> Any:
    """The raw bytes of each slice of a batch, as the tf.Examples hold them.

    TensorFlow has no operation for it. A serialized tensor ends with its content in C order, in
    the machine's byte order (little endian wherever TensorFlow runs), so the last N times
    H * W * C * 2 bytes are cut into N pieces.

    Args:
        hu: int16 (N, H, W, C).

    Returns:
        string (N,).
    """
    shape = tf.shape(hu)
    length = tf.reduce_prod(shape[1:]) * _HU_BYTES
    serialized = tf.io.serialize_tensor(hu)
    header = tf.strings.length(serialized) - shape[0] * length
    starts = header + tf.range(shape[0]) * length
    return tf.strings.substr(serialized, starts, tf.fill([shape[0]], length))
