"""Stored values to Hounsfield units: plausibility, the repairs that are safe, and clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.readers.padding import corner_value, fill_from_sides, is_constant_around_noise
from lungct.scan import HU_MAX, HU_MIN, ScanError

HuArray = npt.NDArray[np.int16]

# Values of any CT, paddings such as -3024 included; metal may reach further in a few voxels.
_PLAUSIBLE_LOW, _PLAUSIBLE_HIGH = -4096, 4095
_MAX_IMPLAUSIBLE = 0.05

# A slice may hold much metal; more than half of one outside the range is other data.
_MAX_IMPLAUSIBLE_OF_SLICE = 0.5

# A chest holds air and tissue; values that show only one of them are no HU.
_AIR_BELOW, _TISSUE_ABOVE, _MIN_SHARE = -500, -300, 0.005

# Values between HU_MIN and 0, of air, lung, fat and what noise makes of them, are in every CT.
_MIN_BELOW_WATER = 0.005

# Bone, metal and vessels with contrast. `python -m benchmarks.scan_content` prints the shares of
# these and of values below all air for real scans, and for crops of them.
_DENSE_ABOVE, _MAX_DENSE = 300, 0.3
_BELOW_AIR, _MAX_BELOW_AIR, _PADDINGS = -1100, 0.2, 3

# Padding up to this is clipped or dark as air is, and needs nothing else.
_DARK_PADDING = -900

# Signed values under an unsigned type are that far up; a voxel in twenty is more than padding.
_SIGN_BIT, _MIN_NEGATIVE = 1 << 15, 0.05

_SMALL_VOLUME = 1 << 20
_MANY_SLICES = 64


def to_hounsfield(voxels: npt.NDArray[Any], path: str) -> tuple[HuArray, tuple[str, ...]]:
    """Stored values as int16 Hounsfield units clipped to HU_MIN..HU_MAX.

    Args:
        voxels: (z, y, x) stored values; an int16 array is clipped in place.
        path: The file, for messages.

    Returns:
        (z, y, x) int16 HU, and what was done to values that were no int16 HU, in words.

    Raises:
        ScanError: The values can't be Hounsfield units.
    """
    _check_finite(voxels, path)
    padding = corner_value(voxels)
    offset = _stored_offset(voxels, padding)
    as_signed = voxels.dtype == np.uint16 and not offset
    values = voxels.view(np.int16) if as_signed else voxels
    padding = padding.view(np.int16) if as_signed and padding is not None else padding
    repairs = [] if voxels.dtype == np.int16 else [_describe(voxels.dtype, offset)]
    if padding is not None and _fill_padding(values, padding, offset):
        repairs.append(f"padding of {float(padding) + offset:g} HU set to {HU_MIN}")
    _check_range(values, offset, path)
    _check_shares(values, offset, path)
    if values.dtype == np.int16:
        hu = np.clip(values, HU_MIN, HU_MAX, out=values)
    else:
        hu = _convert(values, offset)
    if voxels.dtype != np.int16:
        _check_air_and_tissue(hu, path)
    return hu, tuple(repairs)


def _describe(dtype: np.dtype[Any], offset: int) -> str:
    """The repair in words."""
    shift = f", {-offset} subtracted" if offset else ""
    return f"{dtype.name} values taken to int16 HU{shift}"


def _stored_offset(voxels: npt.NDArray[Any], padding: Any | None) -> int:
    """-1024 for unsigned values that were stored as HU + 1024, otherwise 0.

    Unsigned values of 32768 and more are negative HU of which only the type is wrong, unless they
    are nothing but padding.
    """
    if voxels.dtype.kind != "u":
        return 0
    if voxels.dtype != np.uint16 or int(voxels.max()) < _SIGN_BIT:
        return -1024
    if padding is None or int(padding) < _SIGN_BIT:
        return 0
    rest = voxels[voxels != padding]
    return 0 if np.mean(rest >= _SIGN_BIT) > _MIN_NEGATIVE else -1024


def _fill_padding(voxels: npt.NDArray[Any], padding: Any, offset: int) -> bool:
    """Sets padding that would be taken for tissue to HU_MIN, in place; whether there was any."""
    if _PLAUSIBLE_LOW <= float(padding) + offset <= _DARK_PADDING:
        return False
    if not _PLAUSIBLE_LOW <= float(padding) + offset <= _PLAUSIBLE_HIGH:
        for plane in voxels:
            plane[plane == padding] = HU_MIN - offset
        return True
    if not is_constant_around_noise(voxels, padding):
        return False
    return sum(fill_from_sides(plane, padding, HU_MIN - offset) for plane in voxels) > 0


def _check_finite(voxels: npt.NDArray[Any], path: str) -> None:
    """Refuses NaN and infinity anywhere in the volume."""
    if voxels.dtype.kind != "f":
        return
    # The sum of a slice is finite only if all of it is, and needs no second volume.
    with np.errstate(all="ignore"):
        sums = np.array([float(plane.sum(dtype=np.float64)) for plane in voxels])
    if not np.isfinite(sums).all():
        bad = int(np.argmin(np.isfinite(sums)))
        raise ScanError(f"expected finite values, got {sums[bad]} in slice {bad} of {path}")


def _check_range(values: npt.NDArray[Any], offset: int, path: str) -> None:
    """Refuses values that no CT has: many in the volume, or most of a slice."""
    low, high = _PLAUSIBLE_LOW - offset, _PLAUSIBLE_HIGH - offset
    outside = np.array([np.mean((plane < low) | (plane > high)) for plane in _sample(values)])
    allowed = f"of values outside {_PLAUSIBLE_LOW} to {_PLAUSIBLE_HIGH} HU"
    if outside.mean() > _MAX_IMPLAUSIBLE:
        raise ScanError(
            f"expected at most {_MAX_IMPLAUSIBLE:.0%} {allowed}, got {outside.mean():.0%} "
            f"(wrong byte order or no CT) in {path}"
        )
    if outside.max() > _MAX_IMPLAUSIBLE_OF_SLICE:
        worst = int(outside.argmax())
        raise ScanError(
            f"expected at most {_MAX_IMPLAUSIBLE_OF_SLICE:.0%} {allowed} in a slice, got "
            f"{outside[worst]:.0%} (other data in the file) in slice {worst} of {path}"
        )


def _convert(values: npt.NDArray[Any], offset: int) -> HuArray:
    """Rounds, shifts and clips slice by slice, so that no second wide volume is held."""
    hu = np.empty(values.shape, dtype=np.int16)
    for plane, target in zip(values, hu, strict=True):
        target[...] = np.clip(np.rint(plane.astype(np.float64) + offset), HU_MIN, HU_MAX)
    return hu


def _check_shares(values: npt.NDArray[Any], offset: int, path: str) -> None:
    """Refuses values that are spread as those of no CT, such as with their sign inverted."""
    sample = _sample(values)[:: max(1, len(values) // _MANY_SLICES)].astype(np.float32) + offset
    if sample.min() == sample.max():
        return
    dense = float(np.mean(sample > _DENSE_ABOVE))
    if dense > _MAX_DENSE:
        raise ScanError(
            f"no HU: expected at most {_MAX_DENSE:.0%} of values above {_DENSE_ABOVE} HU, got "
            f"{dense:.0%} (sign or offset is wrong) in {path}"
        )
    low = sample[sample < _BELOW_AIR]
    paddings = np.sort(np.unique(low, return_counts=True)[1])[-_PADDINGS:].sum()
    below = float(low.size - paddings) / sample.size
    if below > _MAX_BELOW_AIR:
        raise ScanError(
            f"no HU: expected at most {_MAX_BELOW_AIR:.0%} of values below {_BELOW_AIR} HU besides "
            f"padding, got {below:.0%} (offset or scale is wrong) in {path}"
        )
    inner = sample[sample >= _BELOW_AIR]
    water = float(np.mean(inner < 0)) if inner.size else 1.0
    if water < _MIN_BELOW_WATER:
        raise ScanError(
            f"no HU: expected at least {_MIN_BELOW_WATER:.1%} of values from {_BELOW_AIR} to 0 HU, "
            f"got {water:.1%} (offset is missing) in {path}"
        )


def _check_air_and_tissue(hu: HuArray, path: str) -> None:
    """Refuses repaired values that show no air or no tissue."""
    sample = _sample(hu)
    air, tissue = float(np.mean(sample < _AIR_BELOW)), float(np.mean(sample > _TISSUE_ABOVE))
    if min(air, tissue) < _MIN_SHARE:
        raise ScanError(
            f"expected air and tissue in values taken for HU, got {air:.1%} below {_AIR_BELOW} "
            f"and {tissue:.1%} above {_TISSUE_ABOVE} HU in {path}"
        )


def _sample(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Enough of each slice to judge it: all of a small volume, rows of a large one."""
    return values if values.size < _SMALL_VOLUME else values[:, ::16]
