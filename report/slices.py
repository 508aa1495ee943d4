"""Slices of one scan read back from its file of tf.Examples, one record at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema import features


@dataclass(frozen=True)
class SliceHead:
    """Where a slice lies and what it cuts, without its pixels.

    Attributes:
        series_uid: Series that it belongs to.
        index: z on the working grid.
        origin_mm: World (x, y, z) of pixel (0, 0).
        nodule_ids: Nodules that it cuts.
    """

    series_uid: str
    index: int
    origin_mm: tuple[float, float, float]
    nodule_ids: tuple[str, ...]


@dataclass(frozen=True)
class SlicePixels:
    """The pixels of a slice, all (y, x): int16 HU, truth and region as bool."""

    hu: npt.NDArray[np.int16]
    truth: npt.NDArray[np.bool_]
    region: npt.NDArray[np.bool_]


def records(path: str) -> Iterator[tuple[SliceHead, bytes]]:
    """Head and serialized tf.Example of every slice in the file, in the order of the file."""
    compression = "GZIP" if path.endswith(".gz") else ""
    for serialized in tf.data.TFRecordDataset(path, compression).as_numpy_iterator():
        yield _head(serialized), serialized


def first_series(path: str) -> str | None:
    """Series of the first slice in the file; None when the file is empty."""
    head = next((head for head, _ in records(path)), None)
    return None if head is None else head.series_uid


def decode(serialized: bytes) -> SlicePixels:
    """The pixels of one slice.

    Raises:
        ValueError: The image does not have a whole, odd number of channels.
    """
    feature = tf.train.Example.FromString(serialized).features.feature
    coverage = np.frombuffer(_bytes(feature, features.NODULE_COVERAGE), np.uint8)
    region = np.frombuffer(_bytes(feature, features.REGION_MASK), np.uint8)
    image = np.frombuffer(_bytes(feature, features.IMAGE_HU), "<i2")
    size = math.isqrt(coverage.size)
    if size == 0 or image.size % (size * size) or not (channels := image.size // size**2) % 2:
        raise ValueError(
            f"expected an odd number of channels of {size} x {size} pixels, got {image.size} values"
        )
    return SlicePixels(
        hu=image.reshape(size, size, channels)[..., channels // 2].astype(np.int16),
        truth=coverage.reshape(size, size) >= features.COVERAGE_THRESHOLD,
        region=region.reshape(size, size) > 0,
    )


def _head(serialized: bytes) -> SliceHead:
    feature = tf.train.Example.FromString(serialized).features.feature
    x, y, z = feature[features.SLICE_ORIGIN_MM].float_list.value
    return SliceHead(
        series_uid=_bytes(feature, features.SERIES_UID).decode(),
        index=feature[features.SLICE_INDEX].int64_list.value[0],
        origin_mm=(x, y, z),
        nodule_ids=tuple(v.decode() for v in feature[features.NODULE_IDS].bytes_list.value),
    )


def _bytes(feature: Any, name: str) -> bytes:
    return bytes(feature[name].bytes_list.value[0])
