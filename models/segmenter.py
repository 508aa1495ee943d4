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
_FLOAT_BYTES = 4

# Probabilities are as the network has them from here on; below they are rounded to such parts of
# 1, so that the many voxels that are surely no nodule pack well in an endpoint's answers. It is so
# in every signature: masks are interpolated from these too, and are to be the same by all.
# Both are powers of 2.
_EXACT_FROM = 2.0**-9
_COARSE_PARTS = 2.0**16


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
            `OUTPUT_PROBABILITY`: float32 of the same shape; empty for an empty volume. Below 2^-9
            they are rounded to multiples of 2^-16.

        Raises:
            tf.errors.InvalidArgumentError: The volume has not three axes.
        """
        volume = _with_rank(hu, _AXES)
        whole = tf.stack([0, tf.shape(volume)[0]])
        return {features.OUTPUT_PROBABILITY: self._probability(volume, whole)}

    def segment_compressed(self, hu_packed: Any, shape: Any) -> dict[str, Any]:
        """Segments volumes that come as compressed bytes and go as pictures.

        For whoever wants to look at the answer. Services pair inputs and outputs by their first
        axis, which therefore counts volumes.

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
        volumes = _unpacked(hu_packed, shape)
        whole = tf.stack([0, tf.shape(volumes)[1]])
        return {features.OUTPUT_PNG: self._pictures(volumes, whole, _png)}

    def segment_slab(self, hu_packed: Any, shape: Any, kept: Any) -> dict[str, Any]:
        """Segments slabs of volumes for whoever joins the answers to those of the whole volume.

        A Vertex AI endpoint takes at most 1.5 MB a request, so that a scan goes there in slabs
        that overlap: each has the `context` slices at both ends that its own need as neighbours,
        and for which nothing is computed or answered. `serving.slabs` cuts and joins them.

        Args:
            hu_packed: Bytes (N,), each slab a zlib stream of int16, little endian, in C order.
            shape: int64 (N, 3): slices, rows and columns, the same for all.
            kept: int64 (N, 2): the slices that are asked for, from the first to before the stop,
                the same for all.

        Returns:
            `OUTPUT_SLAB`: bytes (N, stop - first), each a PNG of four channels of 8 bits, which
            are the bytes of the probabilities of `segment_hu`, float32, little endian. Empty bytes
            for a slice without pixels.

        Raises:
            tf.errors.InvalidArgumentError: The shapes differ, a slab is of another size, or there
                are no such slices.
            tf.errors.DataLossError: The bytes are no zlib stream.
        """
        volumes = _unpacked(hu_packed, shape)
        asked = _common_row(volumes, kept, 2, "kept")
        good = (asked[0] <= asked[1]) & (asked[1] <= tf.shape(volumes, tf.int64)[1])
        what = ("expected first and stop of", tf.shape(volumes)[1], "slices, got", asked)
        asked = tf.cast(_checked(asked, good, what), tf.int32)
        return {features.OUTPUT_SLAB: self._pictures(volumes, asked, _float_png)}

    def signatures(self) -> dict[str, Any]:
        """Concrete functions by signature name.

        Ranks are left open: TensorFlow does not hold a caller to the sizes of a signature, and may
        leave out of the graph a check of what the signature promises.
        """
        hu = tf.TensorSpec(None, tf.int16, name=features.INPUT_HU)
        packed = tf.TensorSpec(None, tf.string, name=features.INPUT_HU_PACKED)
        shape = tf.TensorSpec(None, tf.int64, name=features.INPUT_SHAPE)
        kept = tf.TensorSpec(None, tf.int64, name=features.INPUT_KEPT)
        slab = _concrete(self.segment_slab, [packed, shape, kept])
        return {
            features.SIGNATURE_HU: _concrete(self.segment_hu, [hu]),
            features.SIGNATURE_COMPRESSED: _concrete(self.segment_compressed, [packed, shape]),
            features.SIGNATURE_SLAB: slab,
            # The only one that `predict` of a Vertex AI endpoint reaches.
            features.SIGNATURE_DEFAULT: slab,
        }

    def _pictures(self, volumes: Any, kept: Any, encode: Callable[[Any], Any]) -> Any:
        """Encoded slices, string (N, stop - first), of int16 (N, slices, rows, columns).

        Args:
            volumes: They are segmented one after the other.
            kept: int32 (2,), the first slice and before which to stop.
            encode: From float32 (slices, rows, columns) to string (slices,).
        """
        count = kept[1] - kept[0]

        def step(number: Any, result: Any) -> tuple[Any, Any]:
            """Segments one volume."""
            pictures = encode(self._probability(volumes[number], kept))
            return number + 1, tf.tensor_scatter_nd_update(result, [[number]], pictures[None])

        end = tf.where(count > 0, _count(volumes), 0)
        return _loop(end, tf.fill([tf.shape(volumes)[0], count], ""), step)

    def _probability(self, hu: Any, kept: Any) -> Any:
        """Probability, float32, of the kept slices of int16 (slices, rows, columns)."""
        shape = tf.shape(hu)
        slab = self._slab_slices(shape)
        end = tf.where(tf.size(hu) > 0, kept[1] - kept[0], 0)

        def step(start: Any, result: Any) -> tuple[Any, Any]:
            """Segments the slab that begins here."""
            stop = tf.minimum(start + slab, end)
            probability = self._segment(hu, kept[0] + start, kept[0] + stop)
            # tf.tensor_scatter_nd_update would copy the whole result for each slab.
            return stop, tf.raw_ops.InplaceUpdate(x=result, i=tf.range(start, stop), v=probability)

        # Empty, not zeros, since a result of its own is needed to write into.
        made = tf.concat([[kept[1] - kept[0]], shape[1:]], 0)
        return _loop(end, tf.raw_ops.Empty(shape=made, dtype=tf.float32), step)

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
        return _packable(tf.sigmoid(tf.cast(logits[:, :rows, :columns, 0], tf.float32)))

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


def _unpacked(hu_packed: Any, shape: Any) -> Any:
    """Volumes, int16 (N, slices, rows, columns), of zlib streams and their shapes."""
    packed = _with_rank(hu_packed, 1)
    size = _common_row(packed, shape, _AXES, "shape")
    raw = tf.io.decode_compressed(packed, "ZLIB")
    expected = tf.reduce_prod(size) * _HU_BYTES
    lengths = tf.strings.length(raw)
    good = tf.reduce_all(tf.cast(lengths, tf.int64) == expected)
    what = ("expected volumes of", expected, "bytes for shape", size, "got", lengths)
    raw = _checked(raw, good, what)
    shape_of_all = tf.concat([tf.shape(packed, tf.int64), size], 0)
    volumes = tf.reshape(tf.io.decode_raw(raw, tf.int16), shape_of_all)
    return _with_rank(volumes, _AXES + 1)


def _common_row(volumes: Any, given: Any, length: int, what: str) -> Any:
    """The row, int64 (length,), that all volumes have been given; zeros where there is none."""
    rows = _with_rank(given, 2)
    wanted = tf.stack([tf.shape(volumes)[0], length])
    good = tf.reduce_all(tf.shape(rows) == wanted)
    said = (f"expected {what} of", wanted, "numbers, got", tf.shape(rows))
    rows = _checked(rows, good, said)
    row = tf.maximum(tf.reduce_max(rows, axis=0), 0)
    alike = tf.reduce_all(rows == row)
    row = _checked(row, alike, (f"expected one {what}, not negative, for all volumes, got", rows))
    return tf.ensure_shape(row, [length])


def _png(probability: Any) -> Any:
    """PNGs, string (slices,), of probability float32 (slices, rows, columns).

    The product with 255 is exact enough, and half to even takes 127.5 up: what is at least 0.5 is
    at least 128, and what is less is not.
    """
    values = tf.cast(tf.round(probability * 255.0), tf.uint8)
    return tf.io.encode_png(values[..., None])


def _packable(probability: Any) -> Any:
    """Probability, float32, with fewer different values where it is small."""
    coarse = tf.round(probability * _COARSE_PARTS) / _COARSE_PARTS
    return tf.where(probability < _EXACT_FROM, coarse, probability)


def _float_png(probability: Any) -> Any:
    """PNGs of the bytes, string (slices,), of probability float32 (slices, rows, columns)."""
    channels = tf.bitcast(probability, tf.uint8)
    return tf.io.encode_png(tf.ensure_shape(channels, [None] * _AXES + [_FLOAT_BYTES]))
