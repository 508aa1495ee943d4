"""Slice keys: split, size bucket and data root that a figure is over, in order and in words."""

from collections.abc import Iterable
from typing import Final

from lungct import roots
from schema import features

ALL: Final = roots.ALL
SPLIT_ORDER: Final = (ALL, *features.SPLITS)
BUCKET_ORDER: Final = (ALL, *features.BUCKETS, features.BUCKET_NONE)


def shown_slices(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The slices to show of a split, in order.

    Args:
        found: Size bucket and data root of each figure.

    Returns:
        Each once: size buckets of all data roots, then each data root as a whole where there are
        several, as one alone is all slices again.
    """
    keys = set(found)
    buckets = sorted({bucket for bucket, source in keys if source == ALL}, key=_bucket_place)
    sources = sorted({source for bucket, source in keys if bucket == ALL != source})
    whole = sources if len(sources) > 1 else ()
    return (*((bucket, ALL) for bucket in buckets), *((ALL, source) for source in whole))


def slice_rank(split: str, bucket: str, source: str = ALL) -> tuple[int, str, int]:
    """Place of a slice key in tables; names that are not known here come last."""
    return _place(SPLIT_ORDER, split), "" if source == ALL else source, _bucket_place(bucket)


def bucket_text(bucket: str) -> str:
    """A size bucket with a proper dash and its unit."""
    return f"{bucket.replace('-', '–')} mm"


def slice_text(split: str, bucket: str, source: str = ALL) -> str:
    """Split, data root and bucket in words."""
    where = "all splits" if split == ALL else f"{split} split"
    if source != ALL:
        where = f"{where}, {source_text(source)}"
    if bucket in features.BUCKETS:
        return f"{where}, nodules {bucket_text(bucket)}"
    if bucket == features.BUCKET_NONE:
        return f"{where}, slices without nodule"
    return where if bucket == ALL else f"{where}, {bucket}"


def source_text(source: str) -> str:
    """The slices of a data root in words."""
    return f"data root {source}"


def _bucket_place(bucket: str) -> int:
    return _place(BUCKET_ORDER, bucket)


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
