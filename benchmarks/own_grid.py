"""Masks judged on a scan's own grid, by the function that judges models on the working grid."""

from collections.abc import Sequence

import numpy as np

from components.segment_scans.judging import JudgedScan
from lungct.geometry import Geometry
from lungct.metrics import Mask
from lungct.record import NoduleRecord
from lungct.truth.voxels import VoxelNodule
from schema import features
from schema.judged import Place
from serving.segmentation import FoundNodule, Segmentation


def truth_on_grid(
    place: Place, truth: Mask, geometry: Geometry, nodules: Sequence[VoxelNodule]
) -> JudgedScan:
    """A scan whose truth is a mask on its own grid, all of it region of interest.

    Args:
        place: Where it is from.
        truth: (z, y, x) bool.
        geometry: Its grid, whose axes run along the world's.
        nodules: The connected parts of the truth on that grid.

    Returns:
        The scan, with HU of 0, which judging does not look at.
    """
    cuts = {one.nodule.nodule_id: _slices_of(one) for one in nodules}
    buckets = [
        sorted({one.nodule.bucket for one in nodules if z in cuts[one.nodule.nodule_id]})
        for z in range(len(truth))
    ]
    return JudgedScan(
        place=place,
        hu=np.broadcast_to(np.int16(0), truth.shape),
        truth=truth,
        region=np.broadcast_to(np.True_, truth.shape),
        geometry=geometry,
        indices=tuple(range(len(truth))),
        buckets=tuple(tuple(one) or (features.BUCKET_NONE,) for one in buckets),
        cuts=cuts,
        nodules=tuple(_record(one) for one in nodules),
    )


def mask_as_found(mask: Mask, nodules: Sequence[FoundNodule] = ()) -> Segmentation:
    """A mask as if a model had found it, with probabilities of 0 and 1.

    Args:
        mask: (z, y, x) bool.
        nodules: Its nodules; without them nothing is a hit, and nothing a false positive.
    """
    return Segmentation(mask.astype(np.float32), mask.astype(np.int32), tuple(nodules))


def _slices_of(nodule: VoxelNodule) -> tuple[int, ...]:
    """Slices of the scan that a nodule cuts."""
    return tuple((np.flatnonzero(nodule.mask.any(axis=(1, 2))) + nodule.box[0].start).tolist())


def _record(nodule: VoxelNodule) -> NoduleRecord:
    one = nodule.nodule
    volume_mm3 = float(np.count_nonzero(nodule.mask)) * nodule.geometry.voxel_volume_mm3
    return NoduleRecord(one.nodule_id, one.centre_mm, one.diameter_mm, volume_mm3, one.bucket)
