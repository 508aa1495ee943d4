"""The patient: proportions drawn at random, and the distance fields of organs on a lattice."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantom.fields import (
    TUBE_REACH_MM,
    Array,
    Lattice,
    carve_tube,
    ellipsoid,
    radial_distance,
    smooth_max,
    smooth_min,
    smooth_noise,
)

INFINITE = float("inf")


@dataclass(frozen=True)
class Patient:
    """Proportions of one patient in mm and HU. The carina is near z = 0."""

    apex_mm: float
    half_width_mm: float
    half_depth_mm: float
    right_dome_mm: float
    left_dome_mm: float
    fat_mm: float
    wall_mm: float
    heart: float
    rib_pitch_mm: float
    blood_hu: float
    lung_hu: float
    gravity_hu: float
    emphysema: float
    lean: float
    vessel_mm: float

    @property
    def scale(self) -> float:
        """Height of the chest relative to the reference patient."""
        return self.apex_mm / 68.0


def draw_patient(rng: np.random.Generator) -> Patient:
    """A patient; the ranges are those of adults lying on their back, arms up, breath held."""
    scale = rng.uniform(0.86, 1.0)
    dome = -rng.uniform(62, 88) * scale
    contrast = rng.random() < 0.5
    return Patient(
        apex_mm=68.0 * scale,
        half_width_mm=rng.uniform(112, 134),
        half_depth_mm=rng.uniform(84, 102),
        right_dome_mm=dome,
        left_dome_mm=dome - rng.uniform(4, 22),
        fat_mm=rng.uniform(7, 20),
        wall_mm=rng.uniform(24, 34),
        heart=rng.uniform(0.88, 1.1),
        rib_pitch_mm=rng.uniform(23, 28) * scale,
        blood_hu=rng.uniform(140, 380) if contrast else rng.uniform(35, 55),
        lung_hu=rng.uniform(-930, -855),
        gravity_hu=rng.uniform(25, 85),
        emphysema=rng.uniform(20, 70) if rng.random() < 0.25 else 0.0,
        lean=rng.uniform(-0.04, 0.04),
        vessel_mm=rng.uniform(0.26, 0.33),
    )


Axes = tuple[Array, Array, Array]


def dome_rise(patient: Patient, z: Array | float) -> Array:
    """How far up its dome the chest is at height z: 0 where it is widest, 1 at the very top."""
    low = -55 * patient.scale
    return np.asarray(np.clip((z - low) / (patient.apex_mm + 3 - low), 0, None), np.float32)


def cage_field(patient: Patient, axes: Axes) -> Array:
    """Inner surface of the chest wall: a rounded column with a dome for the apices."""
    z, y, x = axes
    up = dome_rise(patient, z)
    down = np.clip(-z / (120 * patient.scale), 0, 1.3)
    y = np.asarray(y - 16 * up**2 + 2, np.float32)
    flat = 1 + 0.08 * np.clip(-y / patient.half_depth_mm, 0, 1)
    wide = np.abs(x) * flat / (patient.half_width_mm * (1 + 0.03 * down))
    deep = np.abs(y) / (patient.half_depth_mm * (1 + 0.03 * down))
    level = (wide**2.3 + deep**2.3 + up**3.0) ** np.float32(1 / 2.3)
    radius = np.sqrt(x**2 + y**2 + np.clip(z - 10, 0, None) ** 2)
    return radial_distance(level, radius)


def body_field(patient: Patient, axes: Axes, noise: Array) -> Array:
    """The skin: wider at the shoulders, flat on the table, thinner at the neck."""
    z, y, x = axes
    shoulder = 1 / (1 + np.exp(-(z - 0.45 * patient.apex_mm) / 14))
    neck = np.clip((z - patient.apex_mm) / 40, 0, 1)
    wall = patient.wall_mm + patient.fat_mm
    half_width = patient.half_width_mm + wall * (1 + 0.85 * shoulder) - 30 * neck
    half_depth = patient.half_depth_mm + 0.78 * wall - (18 * shoulder + 10 * neck)
    y = y - 4 - 10 * shoulder
    level = np.abs(x / half_width) ** 2.4 + np.abs(y / half_depth) ** 2.4
    level = np.asarray(level, np.float32) ** np.float32(1 / 2.4)
    return radial_distance(level, np.sqrt(x**2 + y**2) + 0 * z) + 1.2 * noise


def fat_thickness(patient: Patient, axes: Axes, noise: Array) -> Array:
    """Depth of the fat under the skin in mm: thick at the sides and front, thin at the back."""
    _, y, x = axes
    angle = np.arctan2(x, y)
    around = 1 - 0.45 * np.cos(angle) + 0.15 * np.cos(2 * angle + 0.6)
    return np.asarray(np.maximum(patient.fat_mm * around + 1.5 * noise, 2.5), np.float32)


def diaphragm_field(patient: Patient, axes: Axes) -> Array:
    """Distance to the diaphragm, positive below it."""
    z, y, x = axes
    k = patient.scale
    back = np.clip((y - 5) / 90, 0, 1.2) ** 2
    domes = []
    for side, height in ((-1, patient.right_dome_mm), (1, patient.left_dome_mm)):
        reach = ((x - 54 * side) / 76) ** 2 + (np.clip(y + 8, 0, None) / 92) ** 2
        reach = reach + (np.clip(-8 - y, 0, None) / 112) ** 2
        domes.append(height - k * (72 * reach**1.25 + 40 * back))
    top = -smooth_min(-domes[0], -domes[1], 40.0)
    step = float(y[0, 1, 0] - y[0, 0, 0])
    slope_y, slope_x = np.gradient(top[0], step)
    steep = np.sqrt(1 + slope_y**2 + slope_x**2)
    return np.asarray((top - z) / steep, np.float32)


def heart_field(patient: Patient, axes: Axes) -> Array:
    """The heart in its sac, its tip to the left, the front and below."""
    k, h = patient.scale, patient.heart
    z, y, x = axes
    turned = (z + 0.35 * (x - 15), y - 0.25 * (x - 15), x)
    body = ellipsoid(turned, (-50 * k, -22, 22), (46 * k * h, 45 * h, 60 * h))
    atrium = ellipsoid(axes, (-38 * k, 6, 0), (28 * k * h, 24 * h, 40 * h))
    return smooth_min(body, atrium, 10.0)


def great_vessel_paths(patient: Patient) -> list[npt.NDArray[np.float64]]:
    """Centre lines (z, y, x, radius in mm) of aorta, pulmonary trunk and cavae."""
    k, deep = patient.scale, patient.half_depth_mm / 88
    bottom = -260.0
    aorta = [
        (-45 * k, -22, 2, 14), (-20 * k, -40, -10, 16), (5 * k, -38, -10, 15.5),
        (26 * k, -22, -2, 14), (31 * k, 0, 10, 13), (24 * k, 22, 18, 12.5),
        (0, 42, 19, 11.5), (-80 * k, 44, 14, 11), (bottom, 40, 4, 10),
    ]  # fmt: skip
    trunk = [(-40 * k, -42, 20, 14), (-18 * k, -36, 30, 14), (-8 * k, -12, 26, 12)]
    right = [(-10 * k, -16, 24, 11), (-14 * k, -8, 0, 11), (-14 * k, 0, -34, 10)]
    left = [(-8 * k, -14, 26, 12), (-4 * k, 8, 36, 10)]
    superior = [(60 * k, -22, -18, 6), (30 * k, -28, -22, 8), (-30 * k, -16, -26, 10)]
    inferior = [(-60 * k, 2, -22, 12), (bottom, 14, -22, 12)]
    arm = [(40 * k, -34, 26, 6), (34 * k, -40, 0, 6), (26 * k, -30, -20, 7)]
    necks = [[(26 * k, -14 + 9 * i, 9 * i - 8, 5), (110 * k, -8, 18 * i - 20, 4)] for i in range(3)]
    paths = [aorta, trunk, right, left, superior, inferior, arm, *necks]
    return [np.asarray(p, float) * (1, deep, 1, 1) for p in paths]


def great_vessels_field(patient: Patient, axes: Axes) -> Array:
    """Distance to the great vessels, at most TUBE_REACH_MM."""
    shape = (axes[0].shape[0], axes[1].shape[1], axes[2].shape[2])
    nearest = np.full(shape, TUBE_REACH_MM, np.float32)
    for path in great_vessel_paths(patient):
        carve_tube(nearest, axes, path)
    return nearest


def mediastinum_field(patient: Patient, axes: Axes, heart: Array, vessels: Array) -> Array:
    """What lies between the lungs: heart, vessels, gullet, spine and the fat around them."""
    k, deep = patient.scale, patient.half_depth_mm
    z, y, x = axes
    spine = ellipsoid(axes, (0, deep - 4, 0), (INFINITE, 42, 22))
    # In front the lungs nearly touch; further down the fat of the heart is between them.
    wide = 1 + 7 * np.clip(-(z + 25 * k) / (70 * k), 0, 1)
    front: Axes = (z, y, (x - 4 - 3 * np.sin(z / 23)) / wide)
    septum = ellipsoid(front, (0, -0.74 * deep, 0), (INFINITE, 40, 3.0))
    gullet = ellipsoid(axes, (0, 24, 1), (INFINITE, 32, 11))
    upper = ellipsoid(axes, (60 * k, -10, 0), (95 * k, 38, 24))
    arch = ellipsoid(axes, (12 * k, -18, 0), (34 * k, 44, 24))
    whole = smooth_min(heart - 3, spine, 12.0)
    for part in (septum, gullet, upper, arch):
        whole = smooth_min(whole, part, 12.0)
    whole = smooth_min(whole, vessels - 2.0, 8.0)
    for side in (-1, 1):
        hilum = ellipsoid(axes, (-14 * k, 4, 36 * side), (20 * k, 13, 11))
        whole = smooth_min(whole, hilum, 8.0)
    return whole


def rib_phase(patient: Patient, axes: Axes) -> Array:
    """Which rib is near: a whole number on the middle line of a rib, slanting down to the front."""
    z, y, x = axes
    turn = np.abs(np.arctan2(x, y + 6)) / np.pi
    drop = patient.scale * 108 * turn * (1 - 0.42 * turn**4)
    return np.asarray((z + drop) / patient.rib_pitch_mm, np.float32)


def fissure_fields(patient: Patient, axes: Axes) -> tuple[Array, Array]:
    """Distances to the oblique fissures (positive above) and to the horizontal one (right)."""
    z, y, x = axes
    k = patient.scale
    side = np.abs(x) - 60
    bend = 9 * np.sin(x / 33 + z / 70) + 7 * np.cos(y / 29 + x / 90) - 0.25 * side - side**2 / 160
    oblique = (z - k * (-22 + 1.0 * y + bend)) / 1.45
    swell = 6 * np.sin(x / 27) + 8 * np.cos(y / 35)
    horizontal = (z - k * (-30 - 0.10 * np.abs(x + 60) + 0.12 * y + swell)) / 1.02
    return np.asarray(oblique, np.float32), np.asarray(horizontal + 0 * x, np.float32)


def organ_fields(patient: Patient, rng: np.random.Generator, lattice: Lattice) -> dict[str, Array]:
    """All fields that the painter of slices needs, on the lattice.

    Returns:
        Distances in mm (negative inside): body, muscle, cage, below (positive under the
        diaphragm), middle (mediastinum), lung, blood, liver, spleen, stomach; rib (phase),
        oblique and horizontal (fissures), grain, cloud, plump (noise).
    """
    axes = lattice.axes()
    z, y, x = axes
    broad = smooth_noise(rng, lattice, 45.0)
    leaned: Axes = (z, y, x - patient.lean * z)
    rib = rib_phase(patient, leaned)
    # Between the ribs the lungs extend a little further.
    cage = cage_field(patient, leaned) + 1.2 * broad + 0.8 * np.cos(2 * np.pi * rib)
    body = body_field(patient, axes, broad)
    below = diaphragm_field(patient, leaned) + 1.5 * smooth_noise(rng, lattice, 35.0)
    heart, vessels = heart_field(patient, leaned), great_vessels_field(patient, axes)
    middle = mediastinum_field(patient, leaned, heart, vessels) + 0.8 * smooth_noise(
        rng, lattice, 18.0
    )
    oblique, horizontal = fissure_fields(patient, leaned)
    low = patient.right_dome_mm
    liver_side = np.asarray(x - 18 + 0.3 * (low - z) + 4 * broad, np.float32)
    return {
        "body": body,
        "muscle": body + fat_thickness(patient, axes, broad),
        "cage": cage,
        "below": below,
        "middle": middle,
        "lung": smooth_max(smooth_max(cage + 1.0, -middle, 5.0), below, 5.0),
        "blood": np.minimum(heart + 7, vessels),
        "liver": smooth_max(np.float32(4) - below, liver_side, 12.0),
        "spleen": ellipsoid(axes, (low - 38, 38, 78), (34, 36, 24)),
        "stomach": ellipsoid(axes, (low - 34, -24, 62), (24, 32, 32)) + 3 * broad,
        "rib": rib,
        "oblique": oblique,
        "horizontal": horizontal,
        "grain": smooth_noise(rng, lattice, 5.0),
        "cloud": smooth_noise(rng, lattice, 22.0),
        "plump": broad + 0.3,
    }
