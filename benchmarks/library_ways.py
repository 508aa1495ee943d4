"""What our own kernels do, done by libraries: for `benchmarks.kernels` only."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct import resample
from lungct.geometry import Geometry
from lungct.lung import ball

Mask = npt.NDArray[np.bool_]
BallWay = Callable[[Mask, ball.Radius], Mask]


def resampled(
    volume: npt.NDArray[Any],
    source: Geometry,
    target: Geometry,
    interpolation: resample.Interpolation = "linear",
    outside: int = 0,
) -> npt.NDArray[Any]:
    """`lungct.resample.resample` as it is done between grids of different directions."""
    linear = interpolation == "linear"
    shrink = resample._shrink_factors(source, target) if linear else (1, 1, 1)
    grids = (source, target)
    return resample._resample_oblique(volume, grids, shrink, interpolation, outside)


def dilated(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.dilate` by SimpleITK's filter."""
    return _array(sitk.BinaryDilate(_image(mask), radius[::-1], sitk.sitkBall))


def eroded(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.erode` by SimpleITK's filter."""
    return _array(sitk.BinaryErode(_image(mask), radius[::-1], sitk.sitkBall, 0.0, 1.0, True))


def closed(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.close` by SimpleITK's filter."""
    image = _image(mask)
    return _array(sitk.BinaryMorphologicalClosing(image, radius[::-1], sitk.sitkBall, 1.0, True))


def dilated_by_distance(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.dilate` by a distance map in units of the ball's radii."""
    image = _image(mask)
    image.SetSpacing([1 / (voxels + 0.5) for voxels in radius[::-1]])
    squared = sitk.SignedMaurerDistanceMap(image, False, True, True)
    # The map is in float32; no offset has a length so close above 1.
    return np.asarray(sitk.GetArrayViewFromImage(squared) <= 1 + 1e-5)


def eroded_by_distance(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.erode` by a distance map."""
    return ~dilated_by_distance(~mask, radius)


def closed_by_distance(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.close` by distance maps."""
    wider = np.pad(mask, [(reach, reach) for reach in radius])
    closed = eroded_by_distance(dilated_by_distance(wider, radius), radius)
    z, y, x = (slice(reach, -reach) for reach in radius)
    return closed[z, y, x]


BALLS: dict[str, dict[str, BallWay]] = {
    "ball.py": {"dilate": ball.dilate, "erode": ball.erode, "close": ball.close},
    "SimpleITK's filters": {"dilate": dilated, "erode": eroded, "close": closed},
    "SimpleITK's distances": {
        "dilate": dilated_by_distance,
        "erode": eroded_by_distance,
        "close": closed_by_distance,
    },
}


def _image(mask: Mask) -> Any:
    """A mask as SimpleITK image."""
    return sitk.GetImageFromArray(mask.view(np.uint8))


def _array(image: Any) -> Mask:
    """A SimpleITK mask as bool array."""
    return np.asarray(sitk.GetArrayFromImage(image)).view(np.bool_)
