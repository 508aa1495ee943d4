"""Judged rows as tf.Examples, which SegmentScans writes for Evaluator, report and comparisons.

What is undefined is left out, as TFMA can't read an empty feature.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf

from lungct.metrics import Overlap
from schema import features
from schema.judged import (
    Calibration,
    FalsePositive,
    NoduleFigures,
    NoduleRow,
    Place,
    Row,
    ScanFigures,
    ScanRow,
    SliceRow,
)

LEVEL: Final = "level"  # bytes, one: what the row is about
SLICE: Final = "slice"
NODULE: Final = "nodule"
SCAN: Final = "scan"

# Of every level: true voxels, and by model predicted and common ones. Of a nodule they are those of
# the box around it, of a scan those of all its slices.
TRUTH_VOXELS: Final = "truth_voxels"  # int64, one
PREDICTED_VOXELS: Final = "predicted_voxels"  # int64, one, by model
COMMON_VOXELS: Final = "common_voxels"  # int64, one, by model

# Of a nodule.
NODULE_ID: Final = "nodule_id"  # bytes, one
DIAMETER_MM: Final = "diameter_mm"  # float, one: as annotated
CENTRE_MM: Final = "centre_mm"  # float, three: world (x, y, z) as annotated
SURFACE_DICE: Final = "surface_dice"  # float, one, by model; left out where nothing is true
HAUSDORFF_MM: Final = "hausdorff_mm"  # float, one, by model; left out where a mask is empty
HIT_PROBABILITY: Final = "hit_probability"  # float, one, by model; left out where missed

# Of a scan: the found nodules that hit no annotated one, and voxels of the region by probability.
FALSE_POSITIVE_PROBABILITIES: Final = "false_positive_probabilities"  # float, any, by model
FALSE_POSITIVE_CENTRES_MM: Final = "false_positive_centres_mm"  # float, x y z for each, by model
CALIBRATION_VOXELS: Final = "calibration_voxels"  # int64, one for each bin, by model
CALIBRATION_TRUE: Final = "calibration_true_voxels"  # int64, one for each bin, by model

_TEXTS: Final = (features.SPLIT, features.SERIES_UID, features.PATIENT_ID, features.SOURCE)


def of_model(column: str, model: str) -> str:
    """Name of a column that each model has."""
    return f"{model}_{column}"


def row_bytes(row: Row) -> bytes:
    """The row as a serialized tf.Example, the same bytes for the same row always."""
    example = tf.train.Example()
    for name, values in _columns(row).items():
        _put(example.features.feature[name], values)
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def _columns(row: Row) -> dict[str, Sequence[Any]]:
    """Values by name of the feature; none is empty."""
    place = row.place
    texts = (place.split, place.series_uid, place.patient_id, place.source)
    columns: dict[str, Sequence[Any]] = dict(zip(_TEXTS, ([text] for text in texts), strict=True))
    columns[features.SIZE_BUCKETS] = place.buckets
    if isinstance(row, SliceRow):
        columns |= {LEVEL: [SLICE], features.SLICE_INDEX: [row.index]}
        return columns | _overlap_columns(row.overlaps)
    if isinstance(row, NoduleRow):
        columns |= {
            LEVEL: [NODULE],
            NODULE_ID: [row.nodule_id],
            DIAMETER_MM: [row.diameter_mm],
            CENTRE_MM: row.centre_mm,
        }
        return columns | _nodule_columns(row.figures)
    columns[LEVEL] = [SCAN]
    columns |= _overlap_columns({model: one.overlap for model, one in row.figures.items()})
    for model, one in row.figures.items():
        columns |= _scan_columns(model, one)
    return columns


def _overlap_columns(overlaps: Mapping[str, Overlap]) -> dict[str, Sequence[Any]]:
    truths = {one.truth for one in overlaps.values()}
    if len(truths) != 1:
        raise ValueError(f"expected one truth of all models, got {sorted(truths)} voxels")
    columns: dict[str, Sequence[Any]] = {TRUTH_VOXELS: [*truths]}
    for model, one in overlaps.items():
        columns[of_model(PREDICTED_VOXELS, model)] = [one.predicted]
        columns[of_model(COMMON_VOXELS, model)] = [one.common]
    return columns


def _nodule_columns(figures: Mapping[str, NoduleFigures]) -> dict[str, Sequence[Any]]:
    columns = _overlap_columns({model: one.overlap for model, one in figures.items()})
    for model, one in figures.items():
        for name, value in (
            (SURFACE_DICE, one.surface_dice),
            (HAUSDORFF_MM, one.hausdorff_mm),
            (HIT_PROBABILITY, one.hit_probability),
        ):
            if not np.isnan(value):
                columns[of_model(name, model)] = [float(value)]
    return columns


def _scan_columns(model: str, figures: ScanFigures) -> dict[str, Sequence[Any]]:
    calibration = figures.calibration
    columns: dict[str, Sequence[Any]] = {
        of_model(CALIBRATION_VOXELS, model): calibration.voxels,
        of_model(CALIBRATION_TRUE, model): calibration.true_voxels,
    }
    marks = figures.false_positives
    if marks:
        columns[of_model(FALSE_POSITIVE_PROBABILITIES, model)] = [m.probability for m in marks]
        columns[of_model(FALSE_POSITIVE_CENTRES_MM, model)] = [
            mm for m in marks for mm in m.centre_mm
        ]
    return columns


def _put(feature: Any, values: Sequence[Any]) -> None:
    if isinstance(values[0], str):
        feature.bytes_list.value.extend(value.encode() for value in values)
    elif isinstance(values[0], float):
        feature.float_list.value.extend(values)
    else:
        feature.int64_list.value.extend(values)


def read_rows(
    paths: Sequence[str], levels: Collection[str] = (SLICE, NODULE, SCAN)
) -> Iterator[Row]:
    """Reads the rows of files.

    Args:
        paths: Files of gzipped records, one a scan.
        levels: What the rows are to be about; others are passed over.

    Raises:
        ValueError: A record is no such row.
    """
    if not paths:
        return
    records = tf.data.TFRecordDataset(list(paths), compression_type="GZIP")
    for record in records.as_numpy_iterator():
        found = tf.train.Example.FromString(record).features.feature
        level = found[LEVEL].bytes_list.value if LEVEL in found else ()
        if not level or level[0].decode() in levels:
            yield parse_row({name: _values(feature) for name, feature in found.items()})


def parse_row(values: Mapping[str, Any]) -> Row:
    """The row of its features.

    Args:
        values: By name: lists, arrays, or None, of bytes, whole numbers and floats.

    Returns:
        The row, its buckets in alphabetical order.

    Raises:
        ValueError: A feature is missing, or they contradict each other.
    """
    columns = {
        name: flat
        for name, found in values.items()
        if found is not None and (flat := np.asarray(found).ravel().tolist())
    }
    try:
        return _row(columns)
    except KeyError as error:
        raise ValueError(
            f"expected a judged row, got none of {error} in {sorted(columns)}"
        ) from error
    except ValueError as error:
        raise ValueError(f"expected a judged row, got a contradiction: {error}") from error


def _row(columns: Mapping[str, list[Any]]) -> Row:
    split, series, patient, source = (columns[name][0].decode() for name in _TEXTS)
    buckets = tuple(sorted(bucket.decode() for bucket in columns[features.SIZE_BUCKETS]))
    place = Place(split, series, patient, source, buckets)
    ending = of_model(PREDICTED_VOXELS, "")
    models = sorted(name.removesuffix(ending) for name in columns if name.endswith(ending))
    overlaps = {model: _overlap(columns, model) for model in models}
    level = columns[LEVEL][0].decode()
    if level == SLICE:
        return SliceRow(place, columns[features.SLICE_INDEX][0], overlaps)
    if level == SCAN:
        scans = {model: _scan_figures(columns, model, overlaps[model]) for model in models}
        return ScanRow(place, scans)
    if level != NODULE:
        raise ValueError(f"expected a level {SLICE}, {NODULE} or {SCAN}, got {level!r}")
    x_mm, y_mm, z_mm = columns[CENTRE_MM]
    return NoduleRow(
        place,
        columns[NODULE_ID][0].decode(),
        columns[DIAMETER_MM][0],
        (x_mm, y_mm, z_mm),
        {model: _nodule_figures(columns, model, overlaps[model]) for model in models},
    )


def _overlap(columns: Mapping[str, list[Any]], model: str) -> Overlap:
    names = of_model(COMMON_VOXELS, model), of_model(PREDICTED_VOXELS, model), TRUTH_VOXELS
    return Overlap(*(columns[name][0] for name in names))


def _nodule_figures(
    columns: Mapping[str, list[Any]], model: str, overlap: Overlap
) -> NoduleFigures:
    optional = (
        columns.get(of_model(name, model), [math.nan])
        for name in (SURFACE_DICE, HAUSDORFF_MM, HIT_PROBABILITY)
    )
    return NoduleFigures(overlap, *(found[0] for found in optional))


def _scan_figures(columns: Mapping[str, list[Any]], model: str, overlap: Overlap) -> ScanFigures:
    probabilities = columns.get(of_model(FALSE_POSITIVE_PROBABILITIES, model), [])
    flat_mm = columns.get(of_model(FALSE_POSITIVE_CENTRES_MM, model), [])
    centres = zip(flat_mm[::3], flat_mm[1::3], flat_mm[2::3], strict=True)
    marks = tuple(FalsePositive(*one) for one in zip(centres, probabilities, strict=True))
    names = of_model(CALIBRATION_VOXELS, model), of_model(CALIBRATION_TRUE, model)
    return ScanFigures(overlap, marks, Calibration(*(tuple(columns[name]) for name in names)))


def _values(feature: Any) -> Any:
    """The values of one feature of a tf.train.Example."""
    return getattr(feature, feature.WhichOneof("kind")).value
