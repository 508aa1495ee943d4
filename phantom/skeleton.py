"""Bones of one axial slice: ribs, spine, breastbone, shoulder blades, collar bones."""

import numpy as np

from phantom.anatomy import Patient, dome_rise
from phantom.fields import Array

MARROW_HU, CORTEX_HU, CARTILAGE_HU = 180.0, 620.0, 95.0


def share(distance: Array, width_mm: float) -> Array:
    """Covered share of a voxel whose middle is `distance` mm from a surface, negative inside."""
    covered: Array = np.clip(0.5 - distance * np.float32(1 / width_mm), 0, 1)
    return covered


def lay(plane: Array, covered: Array, hu: Array | float) -> None:
    """Mixes `hu` into a slice by the covered share, in place."""
    plane += covered * (hu - plane)


def lay_bone(
    plane: Array,
    distance: Array,
    width_mm: float,
    cortex_mm: float = 1.6,
    marrow: Array | float = 0,
) -> None:
    """A bone with a bright shell, in place; `marrow` is added to the HU of its inside."""
    lay(plane, share(distance, width_mm), CORTEX_HU)
    lay(plane, share(distance + cortex_mm, width_mm), MARROW_HU + marrow)


def ellipse(y: Array, x: Array, centre: tuple[float, float], radii: tuple[float, float]) -> Array:
    """Distance (y, x) to an ellipse, along the ray from its centre."""
    v, u = y - centre[0], x - centre[1]
    level = np.sqrt((v / radii[0]) ** 2 + (u / radii[1]) ** 2)
    radius = np.sqrt(v**2 + u**2)
    distance: Array = radius * (1 - 1 / np.maximum(level, 0.05))
    return distance


class Skeleton:
    """Bones of a patient on the pixels at coordinates y and x (mm)."""

    def __init__(self, patient: Patient, y: Array, x: Array, width_mm: float) -> None:
        """Prepares the angles that ribs and shoulder blades follow."""
        self._patient, self._width = patient, width_mm
        self._y, self._x = y[:, None], x[None, :]
        self._turn = np.abs(np.arctan2(self._x, self._y + 6)).astype(np.float32) / np.float32(np.pi)

    def paint(self, plane: Array, fields: dict[str, Array], z: float) -> None:
        """Adds all bones of the slice at height `z` mm, in place."""
        self._ribs(plane, fields)
        self._shoulder_blades(plane, fields, z)
        self._breastbone(plane, z)
        self._collar_bones(plane, z)
        self._spine(plane, fields["grain"], z)

    def _ribs(self, plane: Array, fields: dict[str, Array]) -> None:
        """Oblique sections of ribs in the chest wall, cartilage towards the breastbone."""
        phase, pitch = fields["rib"], self._patient.rib_pitch_mm
        off = (phase - np.rint(phase)) * np.float32(pitch)
        deep = fields["cage"] - np.float32(5.2)
        level = np.sqrt((off / 6.8) ** 2 + (deep / 3.9) ** 2)
        distance = np.maximum(np.abs(deep) - 3.9, (level - 1) * np.float32(4.4))
        distance = np.where(np.abs(deep) < 9, distance, np.float32(20))
        distance += np.maximum(np.rint(phase) * pitch - self._patient.apex_mm - 20, 0)
        front = np.clip((self._turn - 0.76) * 25, 0, 1)
        lay(plane, share(distance, self._width), CORTEX_HU + front * (CARTILAGE_HU - CORTEX_HU))
        inner = share(distance + 1.4, self._width)
        lay(plane, inner, MARROW_HU + front * (CARTILAGE_HU - 20 - MARROW_HU))

    def _shoulder_blades(self, plane: Array, fields: dict[str, Array], z: float) -> None:
        """Thin curved plates behind the upper chest, with a thick outer border."""
        rise = (z + 0.55 * self._patient.apex_mm) / (1.5 * self._patient.apex_mm)
        if rise < 0:
            return
        inner, outer = 0.17, min(0.30 + 0.13 * rise, 0.47)
        away = 15 + 5 * np.sin(self._turn * 21)
        thick = 1.9 + 3.6 * np.clip((self._turn - outer + 0.06) / 0.06, 0, 1)
        edge = np.maximum(inner - self._turn, self._turn - outer) * 300
        distance = np.maximum(np.abs(fields["cage"] - away) - thick, edge)
        distance = np.maximum(distance, fields["muscle"] + 3) + max(0.0, 6 - 40 * rise)
        lay_bone(plane, distance.astype(np.float32), self._width)

    def _breastbone(self, plane: Array, z: float) -> None:
        """The breastbone in front, wider at its upper end."""
        k, deep = self._patient.scale, self._patient.half_depth_mm
        if not -110 * k < z < 42 * k:
            return
        wide = 15 + 12 * float(np.clip((z - 8 * k) / (30 * k), 0, 1))
        up = min(float(dome_rise(self._patient, z)), 0.98)
        front = 16 * up**2 - 2 - deep * (1 - up**3.0) ** (1 / 2.3) / 1.08 - 4.5
        lay_bone(plane, ellipse(self._y, self._x, (front, 0), (6.0, wide)), self._width, 1.3)

    def _collar_bones(self, plane: Array, z: float) -> None:
        """Both collar bones, rising to the sides above the breastbone."""
        k = self._patient.scale
        rise = (z - 36 * k) / (34 * k)
        if not -0.25 < rise < 1.25:
            return
        for side in (-1, 1):
            centre = (-58 + 26 * rise, side * (26 + 95 * float(np.clip(rise, 0, 1))))
            lay_bone(plane, ellipse(self._y, self._x, centre, (7, 20)), self._width)

    def _spine(self, plane: Array, grain: Array, z: float) -> None:
        """Vertebral body or disc, canal, arch, spinous and transverse processes."""
        deep = self._patient.half_depth_mm
        pitch = self._patient.rib_pitch_mm
        level = z / pitch - np.floor(z / pitch)
        rows = np.flatnonzero((self._y[:, 0] > deep - 55) & (self._y[:, 0] < deep + 40))
        columns = np.flatnonzero(np.abs(self._x[0]) < 48)
        if not (len(rows) and len(columns)):
            return
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        part, y, x = plane[box], self._y[box[0]], self._x[:, box[1]]
        front = deep - 34
        body = ellipse(y, x, (front + 2, 0), (14.5, 17))
        if 0.42 < level < 0.62:
            lay(part, share(body, self._width), 85.0)
        else:
            lay_bone(part, body, self._width, 1.8, 70 * grain[box] - 20)
        arch = np.abs(ellipse(y, x, (front + 24, 0), (12, 13))) - 2.2
        lay_bone(part, arch, self._width, 1.2)
        lay(part, share(ellipse(y, x, (front + 24, 0), (9, 10)), self._width), 35.0)
        spine = np.maximum(np.abs(x) - 2.8, np.abs(y - front - 44) - 11)
        lay_bone(part, spine, self._width, 1.2)
        if level > 0.62:
            reach = np.abs(y - front - 24 - 0.35 * np.abs(x)) - 3.6
            lay_bone(part, np.maximum(reach, np.abs(np.abs(x) - 23) - 11), self._width, 1.4)
