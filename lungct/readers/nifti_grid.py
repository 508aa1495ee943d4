"""The grid of a NIfTI file: sform, qform, pixdim and units, which may contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lungct.geometry import Geometry, is_orthonormal
from lungct.limits import MAX_COORDINATE_MM, MAX_SPACING_MM, MIN_SPACING_MM
from lungct.readers.nifti_fields import NiftiFields

_UNKNOWN_UNIT, _MILLIMETRE = 0, 2

# Both forms are kept in 32 bits; in a volume of half a metre that is some micrometres.
_SAME_PLACE_MM = 0.05
_SAME_SPACING = 1e-3


def read_grid(fields: NiftiFields, shape: tuple[int, int, int]) -> Geometry:
    """Finds where the voxels of a volume lie.

    Args:
        fields: Its header.
        shape: Voxels along (z, y, x), which are NIfTI's k, j and i.

    Returns:
        The grid in LPS (NIfTI's is RAS) from sform or qform.

    Raises:
        ScanError: The grid is missing, sheared, beyond its limits or not in mm, or sform and qform
            disagree.
    """
    unit = fields.number("xyzt_units") & 7
    if unit not in (_UNKNOWN_UNIT, _MILLIMETRE):
        names = {1: "metres", 3: "micrometres"}
        fields.refuse("xyzt_units of mm", names.get(unit, f"code {unit}"))
    pixdim = _pixdim(fields)
    forms = {}
    if fields.number("sform_code") > 0:
        forms["sform"] = _grid("sform", _affine(fields.header.get_sform), fields, shape)
    if fields.number("qform_code") > 0:
        forms["qform"] = _grid("qform", _qform(fields), fields, shape)
    if not forms:
        fields.refuse("sform or qform to place the volume", "neither (both codes are 0)")
    for name, grid in forms.items():
        if not np.allclose(grid.spacing_mm, pixdim, rtol=_SAME_SPACING, atol=0):
            fields.refuse(
                f"pixdim to be the spacing of the {name}, {_mm(grid.spacing_mm)}", _mm(pixdim)
            )
    if len(forms) == 2:
        _check_agreement(forms["sform"], forms["qform"], fields)
    # The sform comes first, as with other readers.
    return next(iter(forms.values()))


def _pixdim(fields: NiftiFields) -> tuple[float, float, float]:
    """Spacing (x, y, z) in mm within its limits."""
    x, y, z = fields.numbers("pixdim")[1:4]
    if not all(MIN_SPACING_MM <= mm <= MAX_SPACING_MM for mm in (x, y, z)):
        bounds = f"{MIN_SPACING_MM:g} to {MAX_SPACING_MM:g} mm"
        fields.refuse(f"pixdim of {bounds}", _mm((x, y, z)))
    return x, y, z


def _qform(fields: NiftiFields) -> Any:
    """The affine of quaternion, pixdim and offsets in RAS."""
    names = ("quatern_b", "quatern_c", "quatern_d")
    quaternion = [fields.number(name) for name in names]
    # Rounding may take the length of a half turn a little beyond 1.
    if not sum(value * value for value in quaternion) <= 1 + 1e-5:
        fields.refuse("a quaternion of length up to 1 in the qform", _numbers(quaternion))
    sign = fields.number("pixdim")
    if sign not in (-1, 0, 1):
        fields.refuse("pixdim[0] of -1 or 1 for the qform", sign)
    # The standard takes 0 for 1, nibabel refuses it.
    fields.header["pixdim"][0] = sign or 1
    return _affine(fields.header.get_qform)


def _affine(form: Callable[[], Any]) -> Any:
    """What nibabel makes of a form, which may be infinite or NaN without a warning."""
    with np.errstate(all="ignore"):
        return form()


def _grid(name: str, affine: Any, fields: NiftiFields, shape: tuple[int, int, int]) -> Geometry:
    """The grid of an affine from index (i, j, k) to RAS."""
    # NaN compares false.
    if not np.abs(affine).max() <= MAX_COORDINATE_MM:
        fields.refuse(f"numbers within ±{MAX_COORDINATE_MM:g} mm in the {name}", _rows(affine))
    # RAS to LPS: x and y run the other way.
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, dtype=np.float64)
    steps, origin_mm = lps[:3, :3], lps[:3, 3]
    spacing_mm = np.linalg.norm(steps, axis=0)
    # Adding zero turns -0.0 into 0.0.
    cosines = steps / np.where(spacing_mm > 0, spacing_mm, 1.0) + 0.0
    direction = tuple(float(cosine) for cosine in cosines.ravel())
    if not is_orthonormal(direction):
        fields.refuse(f"axes of the {name} at right angles", _rows(affine))
    origin, spacing = (
        tuple(float(mm) for mm in values + 0.0) for values in (origin_mm, spacing_mm)
    )
    return Geometry(
        shape, (origin[0], origin[1], origin[2]), (spacing[0], spacing[1], spacing[2]), direction
    )


def _check_agreement(sform: Geometry, qform: Geometry, fields: NiftiFields) -> None:
    """Refuses two forms that place the volume differently."""
    apart_mm = sform.distance_mm(qform)
    if apart_mm > _SAME_PLACE_MM:
        places = (
            f"sform {_rows(fields.header.get_sform())} and qform {_rows(fields.header.get_qform())}"
        )
        fields.refuse("sform and qform to be the same", f"{apart_mm:.3g} mm between {places}")


def _mm(values: tuple[float, ...]) -> str:
    """Numbers in mm for a message."""
    return f"{_numbers(values)} mm"


def _numbers(values: Any) -> str:
    """Numbers for a message."""
    return " ".join(f"{value:.6g}" for value in values)


def _rows(affine: Any) -> str:
    """The first three rows of an affine for a message."""
    return "[" + "; ".join(_numbers(row) for row in affine[:3]) + "]"
