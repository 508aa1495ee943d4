"""Groups of crops: by size, texture, number of readers and how well these agree."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from benchmarks.nodule_crops import TEXTURES, Crop
from benchmarks.nodule_figures import Line, Weighted, measured_line, of_group
from schema import features
from schema.judged import Row

# Mean Dice of reader against reader: lower bound (inclusive), upper bound, name.
AGREEMENT: Final = (
    (0.0, 0.7, "readers agree < 0.7"),
    (0.7, 0.8, "readers agree 0.7 to 0.8"),
    (0.8, 1.01, "readers agree ≥ 0.8"),
)

Groups = Mapping[str, Callable[[Row], bool]]


def groups_of(crops: Mapping[str, Crop], agreement: Mapping[str, float]) -> Groups:
    """Which rows are in which group.

    Args:
        crops: All crops.
        agreement: Mean Dice of reader against reader, by crop; others are in no such group.

    Returns:
        By name of the group, whether a row is in it.
    """
    groups = {f"{bucket} mm": _in_bucket(bucket) for bucket in features.BUCKETS}
    for texture in dict.fromkeys(TEXTURES.values()):
        groups[texture] = _in_crops(one.name for one in crops.values() if one.texture == texture)
    for count in sorted({one.readers for one in crops.values()}):
        named = (one.name for one in crops.values() if one.readers == count)
        groups[f"{count} readers"] = _in_crops(named)
    for low, high, name in AGREEMENT:
        groups[name] = _in_crops(
            crop for crop in crops if low <= agreement.get(crop, math.nan) < high
        )
    return groups


def lines_by_group(
    name: str, rows: Sequence[Weighted], groups: Groups, replicates: int
) -> Iterator[Line]:
    """The figures of each group that has rows.

    Args:
        name: What stands before that of the group.
        rows: Of all groups.
        groups: By `groups_of`.
        replicates: How often patients are drawn; 0 for no intervals.
    """
    for group, holds in groups.items():
        found = of_group(rows, holds)
        if found:
            yield measured_line(f"{name}, {group}", found, replicates)


def _in_bucket(bucket: str) -> Callable[[Row], bool]:
    return lambda row: bucket in row.place.buckets


def _in_crops(names: Iterator[str]) -> Callable[[Row], bool]:
    known = frozenset(names)
    return lambda row: row.place.series_uid in known
