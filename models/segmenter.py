"""The exported model: whole volumes of Hounsfield units in, probabilities of the same shape out.

Context, padding and slabs are in the graph, so whoever loads the model does nothing of it again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from models.preprocessing import normalise
from schema import features

# Pixels, padding included, that go through the network at a time: four slices of 512 by 512. What
# the network needs beside the volume is bounded by it: `python -m benchmarks.segment_memory`.
_SLAB_PIXELS = 1 << 20
_HU_BYTES = 2
_AXES = 3


class Segmenter(tf.Module):
    """Network and transform graph together, as they are saved."""

    def __init__(
        self,
        model: keras.Model,
        transform: Any,
        context: int,
        stride: int,
        slab_pixels: int = _SLAB_PIXELS,
    ) -> None:
        """Holds what the signatures use.

        Args:
            model: From normalised images float32 (N, H, W, C) to logits (N, H, W, 1), computing in
                float32.
            transform: The TFT layer.
            context: Neighbouring slices on each side that the network sees.
            stride: Pixels that H and W must be a multiple of.
            slab_pixels: Pixels that go through the network at a time; at least one slice does.
        """
        super().__init__(name="segmenter")
        self.model = model
        self.transform = transform
        self.context = context
        self.stride = stride
        self.slab_pixels = slab_pixels

    def segment_hu(self, hu: Any) -> dict[str, Any]:
        """Segments one volume.

        Args:
            hu: int16 (slices, rows, columns) of any size, Hounsfield units on the model's spacing.

        Returns:
            `OUTPUT_PROBABILITY`: float32 of the same shape; empty for an empty volume.

        Raises:
            tf.errors.InvalidArgumentError: The volume has not three axes.
        """
        return {features.OUTPUT_PROBABILITY: self._probability(_with_rank(hu, _AXES))}

    def segment_compressed(self, hu_packed: Any, shape: Any) -> dict[str, Any]:
        """Segments volumes that come as compressed bytes and go as pictures.

        For requests over HTTP: a Vertex AI endpoint takes at most 1.5 MB a request, and pairs
        inputs and outputs by their first axis, which therefore counts volumes. Chest CT of 512 by
        512, as LUNA16 stores it, packs to 0.28 MB a slice, 0.37 MB as base64, so that four slices
        fit (`python -m benchmarks.request_size`); of smaller slices as many more. A larger volume
        is sent in slabs that overlap: each has `context` slices more at both ends than it is used
        for, since their neighbours need them and their own pictures lack neighbours.

        Args:
            hu_packed: Bytes (N,), each volume a zlib stream of int16, little endian, in C order.
            shape: int64 (N, 3): slices, rows and columns, the same for all.

        Returns:
            `OUTPUT_PNG`: bytes (N, slices), each a PNG of 8 bits, round(255 * probability): a
            probability of 0.5 or more is 128 or more. Empty bytes for a slice without pixels.

        Raises:
            tf.errors.InvalidArgumentError: The shapes differ, or a volume is of another size.
            tf.errors.DataLossError: The bytes are no zlib stream.
        """
        packed = _with_rank(hu_packed, 1)
        size = _common_size(packed, _with_rank(shape, 2))
        raw = tf.io.decode_compressed(packed, "ZLIB")
        expected = tf.reduce_prod(size) * _HU_BYTES
        lengths = tf.strings.length(raw)
        good = tf.reduce_all(tf.cast(lengths, tf.int64) == expected)
        what = ("expected volumes of", expected, "bytes for shape", size, "got", lengths)
        raw = _checked(raw, good, what)
        shape_of_all = tf.concat([tf.shape(packed, tf.int64), size], 0)
        volumes = tf.reshape(tf.io.decode_raw(raw, tf.int16), shape_of_all)
        return {features.OUTPUT_PNG: self._pictures(_with_rank(volumes, _AXES + 1))}

    def signatures(self) -> dict[str, Any]:
        """Concrete functions by signature name.

        Ranks are left open: TensorFlow does not hold a caller to the sizes of a signature, and may
        leave out of the graph a check of what the signature promises.
        """
        hu = tf.TensorSpec(None, tf.int16, name=features.INPUT_HU)
        packed = tf.TensorSpec(None, tf.string, name=features.INPUT_HU_PACKED)
        shape = tf.TensorSpec(None, tf.int64, name=features.INPUT_SHAPE)
        compressed = _concrete(self.segment_compressed, [packed, shape])
        return {
            features.SIGNATURE_HU: _concrete(self.segment_hu, [hu]),
            features.SIGNATURE_COMPRESSED: compressed,
            features.SIGNATURE_DEFAULT: compressed,
        }

    def _pictures(self, volumes: Any) -> Any:
        """PNGs, string (N, slices), of int16 (N, slices, rows, columns); volume after volume."""

        def step(number: Any, result: Any) -> tuple[Any, Any]:
            """Segments one volume."""
            pictures = _png(self._probability(volumes[number]))
            return number + 1, tf.tensor_scatter_nd_update(result, [[number]], pictures[None])

        return _loop(_count(volumes), tf.fill(tf.shape(volumes)[:2], ""), step)

    def _probability(self, hu: Any) -> Any:
        """Probability, float32, of int16 (slices, rows, columns); slab after slab."""
        shape = tf.shape(hu)
        slab = self._slab_slices(shape)
        end = _count(hu)

        def step(start: Any, result: Any) -> tuple[Any, Any]:
            """Segments the slab that begins here."""
            stop = tf.minimum(start + slab, end)
            probability = self._segment(hu, start, stop)
            # tf.tensor_scatter_nd_update would copy the whole result for each slab.
            return stop, tf.raw_ops.InplaceUpdate(x=result, i=tf.range(start, stop), v=probability)

        # Empty, not zeros, since a result of its own is needed to write into.
        return _loop(end, tf.raw_ops.Empty(shape=shape, dtype=tf.float32), step)

    def _slab_slices(self, shape: Any) -> Any:
        """How many slices go through the network at a time."""
        pixels = tf.maximum(self._padded(shape[1]) * self._padded(shape[2]), 1)
        return tf.maximum(self.slab_pixels // pixels, 1)

    def _segment(self, hu: Any, start: Any, stop: Any) -> Any:
        """Probability of the slices from start to before stop."""
        rows, columns = tf.shape(hu)[1], tf.shape(hu)[2]
        around = tf.range(start - self.context, stop + self.context)
        image = tf.gather(hu, tf.clip_by_value(around, 0, tf.shape(hu)[0] - 1))
        image = normalise(self.transform, image)
        for axis, size in ((1, rows), (2, columns)):
            image = tf.gather(image, tf.minimum(tf.range(self._padded(size)), size - 1), axis=axis)
        count = stop - start
        channels = [image[first : first + count] for first in range(2 * self.context + 1)]
        logits = self.model(tf.stack(channels, axis=-1), training=False)
        return tf.sigmoid(tf.cast(logits[:, :rows, :columns, 0], tf.float32))

    def _padded(self, size: Any) -> Any:
        """The next multiple of the stride."""
        return -(-size // self.stride) * self.stride


def _concrete(function: Any, specs: Sequence[tf.TensorSpec]) -> Any:
    plain = tf.function(function, input_signature=specs, autograph=False)
    return plain.get_concrete_function()


def _count(tensor: Any) -> Any:
    """Size of the first axis; 0 where any axis is 0, so that nothing is done."""
    return tf.where(tf.size(tensor) > 0, tf.shape(tensor)[0], 0)


def _loop(end: Any, result: Any, step: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """Calls `step(number, result)`, which gives the next of both, until the number is `end`."""
    shape = tf.TensorShape([None] * result.shape.rank)
    _, result = tf.while_loop(
        lambda number, _: number < end,
        step,
        (tf.constant(0), result),
        shape_invariants=(tf.TensorShape([]), shape),
        parallel_iterations=1,
    )
    return result


def _with_rank(tensor: Any, rank: int) -> Any:
    """The tensor, checked to have so many axes while the graph runs."""
    return tf.ensure_shape(tensor, [None] * rank)


def _checked(tensor: Any, good: Any, what: Sequence[Any]) -> Any:
    """The tensor; an error of these words and tensors where it is not good."""
    with tf.control_dependencies([tf.debugging.Assert(good, what)]):
        return tf.identity(tensor)


def _common_size(packed: Any, shape: Any) -> Any:
    """Slices, rows and columns, int64 (3,), that all volumes have; 0 where there is none."""
    wanted = tf.stack([tf.shape(packed)[0], _AXES])
    good = tf.reduce_all(tf.shape(shape) == wanted)
    shape = _checked(shape, good, ("expected shape of", wanted, "numbers, got", tf.shape(shape)))
    size = tf.maximum(tf.reduce_max(shape, axis=0), 0)
    what = ("expected one shape, not negative, for all volumes, got", shape)
    return tf.ensure_shape(_checked(size, tf.reduce_all(shape == size), what), [_AXES])


def _png(probability: Any) -> Any:
    """PNGs, string (slices,), of probability float32 (slices, rows, columns).

    The product with 255 is exact enough, and half to even takes 127.5 up: what is at least 0.5 is
    at least 128, and what is less is not.
    """
    values = tf.cast(tf.round(probability * 255.0), tf.uint8)
    return tf.io.encode_png(values[..., None])
