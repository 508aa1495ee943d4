"""Rows of an index without files."""

from collections.abc import Mapping

from schema import features
from schema.slices import IndexRow


def row(series: str, z: int, bucket: str = features.BUCKET_NONE, **more: object) -> IndexRow:
    """One slice of a patient named as the series."""
    values: dict[str, object] = {
        "series_uid": series,
        "patient_id": series,
        "source": "made",
        "split": features.SPLIT_TRAIN,
        "index": z,
        "rows": 20,
        "columns": 30,
        "region_voxels": 100,
        "offset": 0,
        "size": 0,
        "nodule_ids": (),
        "buckets": (bucket,),
    }
    return IndexRow(**{**values, **more})  # type: ignore[arg-type]


def scan(
    series: str, slices: int, nodules: Mapping[int, str] | None = None, **more: object
) -> list[IndexRow]:
    """The slices of a scan; `nodules` are buckets by z."""
    cut = nodules or {}
    return [row(series, z, cut.get(z, features.BUCKET_NONE), **more) for z in range(slices)]
