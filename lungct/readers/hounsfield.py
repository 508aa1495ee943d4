"""Stored values to Hounsfield units: plausibility, the repairs that are safe, and clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.scan import HU_MAX, HU_MIN, ScanError

HuArray = npt.NDArray[np.int16]

# Values of any CT, paddings such as -3024 included; metal may reach further in a few voxels.
_PLAUSIBLE_LOW, _PLAUSIBLE_HIGH = -4096, 4095
_MAX_IMPLAUSIBLE = 0.05

# A slice may hold much metal; more than half of one outside the range is other data.
_MAX_IMPLAUSIBLE_OF_SLICE = 0.5

# A chest holds air and tissue; values that show only one of them are no HU.
_AIR_BELOW, _TISSUE_ABOVE, _MIN_SHARE = -500, -300, 0.005

_SMALL_VOLUME = 1 << 20


def to_hounsfield(voxels: npt.NDArray[Any], source: str) -> tuple[HuArray, tuple[str, ...]]:
    """Stored values as int16 Hounsfield units clipped to HU_MIN..HU_MAX.

    Args:
        voxels: (z, y, x) stored values; an int16 array is clipped in place.
        source: Name of the file for messages.

    Returns:
        (z, y, x) int16 HU, and what was done to values that were no int16 HU, in words.

    Raises:
        ScanError: The values can't be Hounsfield units.
    """
    if voxels.dtype == np.int16:
        _check_range(voxels, 0, source)
        return np.clip(voxels, HU_MIN, HU_MAX, out=voxels), ()
    _check_finite(voxels, source)
    offset = _stored_offset(voxels)
    signed = voxels.view(np.int16) if voxels.dtype == np.uint16 and not offset else voxels
    _check_range(signed, offset, source)
    hu = _convert(signed, offset)
    _check_air_and_tissue(hu, source)
    return hu, (_describe(voxels.dtype, offset),)


def _describe(dtype: np.dtype[Any], offset: int) -> str:
    """The repair in words."""
    shift = f", {-offset} subtracted" if offset else ""
    return f"{dtype.name} values taken to int16 HU{shift}"


def _stored_offset(voxels: npt.NDArray[Any]) -> int:
    """-1024 for unsigned values that were stored as HU + 1024, otherwise 0.

    Unsigned values of 32768 and more are negative HU of which only the type is wrong.
    """
    if voxels.dtype.kind != "u":
        return 0
    return 0 if voxels.dtype == np.uint16 and int(voxels.max()) >= 1 << 15 else -1024


def _check_finite(voxels: npt.NDArray[Any], source: str) -> None:
    """Refuses NaN and infinity anywhere in the volume."""
    if voxels.dtype.kind != "f":
        return
    # The sum of a slice is finite only if all of it is, and needs no second volume.
    with np.errstate(all="ignore"):
        sums = np.array([float(plane.sum(dtype=np.float64)) for plane in voxels])
    if not np.isfinite(sums).all():
        bad = int(np.argmin(np.isfinite(sums)))
        raise ScanError(f"expected finite values, got {sums[bad]} in slice {bad} of {source}")


def _check_range(values: npt.NDArray[Any], offset: int, source: str) -> None:
    """Refuses values that no CT has: many in the volume, or most of a slice."""
    low, high = _PLAUSIBLE_LOW - offset, _PLAUSIBLE_HIGH - offset
    outside = np.array([np.mean((plane < low) | (plane > high)) for plane in _sample(values)])
    allowed = f"of values outside {_PLAUSIBLE_LOW} to {_PLAUSIBLE_HIGH} HU"
    if outside.mean() > _MAX_IMPLAUSIBLE:
        raise ScanError(
            f"expected at most {_MAX_IMPLAUSIBLE:.0%} {allowed}, got {outside.mean():.0%} "
            f"(wrong byte order or no CT) in {source}"
        )
    if outside.max() > _MAX_IMPLAUSIBLE_OF_SLICE:
        worst = int(outside.argmax())
        raise ScanError(
            f"expected at most {_MAX_IMPLAUSIBLE_OF_SLICE:.0%} {allowed} in a slice, got "
            f"{outside[worst]:.0%} (other data in the file) in slice {worst} of {source}"
        )


def _convert(values: npt.NDArray[Any], offset: int) -> HuArray:
    """Rounds, shifts and clips slice by slice, so that no second wide volume is held."""
    hu = np.empty(values.shape, dtype=np.int16)
    for source, target in zip(values, hu, strict=True):
        target[...] = np.clip(np.rint(source.astype(np.float64) + offset), HU_MIN, HU_MAX)
    return hu


def _check_air_and_tissue(hu: HuArray, source: str) -> None:
    """Refuses repaired values that show no air or no tissue."""
    sample = _sample(hu)
    air, tissue = float(np.mean(sample < _AIR_BELOW)), float(np.mean(sample > _TISSUE_ABOVE))
    if min(air, tissue) < _MIN_SHARE:
        raise ScanError(
            f"expected air and tissue in values taken for HU, got {air:.1%} below {_AIR_BELOW} "
            f"and {tissue:.1%} above {_TISSUE_ABOVE} HU in {source}"
        )


def _sample(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Enough of each slice to judge it: all of a small volume, rows of a large one."""
    return values if values.size < _SMALL_VOLUME else values[:, ::16]
