"""Slice keys: the split and the size bucket that a figure is over, in order and in words."""

from typing import Final

from schema import features

ALL: Final = "all"
SPLIT_ORDER: Final = (ALL, features.SPLIT_TRAIN, features.SPLIT_EVAL, features.SPLIT_TEST)
BUCKET_ORDER: Final = (ALL, *features.BUCKETS, features.BUCKET_NONE)


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
    return where if bucket == ALL else f"{where}, {bucket}"


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
