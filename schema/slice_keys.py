"""Slice keys: the split and the size bucket that a figure is over, in order and in words."""

from collections.abc import Iterable
from typing import Final

from schema import features

ALL: Final = "all"
SPLIT_ORDER: Final = (ALL, *features.SPLITS)
BUCKET_ORDER: Final = (ALL, *features.BUCKETS, features.BUCKET_NONE)


# Slices of one data root have its name where others have a size bucket.
SOURCE_PREFIX: Final = f"{features.SOURCE}="


def shown_buckets(found: Iterable[str]) -> tuple[str, ...]:
    """The slice keys to show of a split, in order.

    Args:
        found: Buckets that figures are over.

    Returns:
        Each once; data roots only where there are several, as one alone is all slices again.
    """
    keys = set(found)
    sources = sorted(key for key in keys if key.startswith(SOURCE_PREFIX))
    buckets = sorted(keys - set(sources), key=lambda bucket: slice_rank(ALL, bucket))
    return (*buckets, *(sources if len(sources) > 1 else ()))


def slice_rank(split: str, bucket: str) -> tuple[int, int]:
    """Place of a slice key in tables; names that are not known here come last."""
    return _place(SPLIT_ORDER, split), _place(BUCKET_ORDER, bucket)


def bucket_text(bucket: str) -> str:
    """A size bucket with a proper dash and its unit."""
    return f"{bucket.replace('-', '–')} mm"


def slice_text(split: str, bucket: str) -> str:
    """Split and bucket in words."""
    where = "all splits" if split == ALL else f"{split} split"
    if bucket in features.BUCKETS:
        return f"{where}, nodules {bucket_text(bucket)}"
    if bucket == features.BUCKET_NONE:
        return f"{where}, slices without nodule"
    if bucket.startswith(SOURCE_PREFIX):
        return f"{where}, {source_text(bucket)}"
    return where if bucket == ALL else f"{where}, {bucket}"


def source_text(bucket: str) -> str:
    """The slices of a data root in words."""
    return f"data root {bucket.removeprefix(SOURCE_PREFIX)}"


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
