"""The scanner: its grid, blur, noise and padding outside its circle."""

from dataclasses import dataclass

import numpy as np

from lungct.geometry import IDENTITY, Geometry
from phantom.anatomy import Patient
from phantom.fields import Array

FLIPPED = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
HU_RANGE = (-1024, 3071)
# The wider blur of sharpening, as a multiple of the point spread.
WIDER = 1.8
STREAK = 9


@dataclass(frozen=True)
class Scanner:
    """One acquisition.

    Attributes:
        axes_mm: Coordinates of the voxels (z, y, x) in the anatomy frame.
        geometry: The same grid in the world.
        offset_mm: World minus anatomy, (x, y, z).
        blur_mm: Deviation of the in-plane point spread.
        sharpening: How much of what a wider blur takes away is added again; edges overshoot.
        slice_blur: Share of each neighbouring slice in a slice.
        noise_hu: Deviation of the noise in the middle of the body.
        grain: Correlation of the noise, share of the neighbouring pixel; negative for kernels
            that amplify fine detail.
        streaks: Share of the noise that runs in streaks from side to side.
        padding_hu: Value outside the circle; None where the scanner fills its square.
    """

    axes_mm: tuple[Array, Array, Array]
    geometry: Geometry
    offset_mm: tuple[float, float, float]
    blur_mm: float
    sharpening: float
    slice_blur: float
    noise_hu: float
    grain: float
    streaks: float
    padding_hu: int | None


def draw_scanner(
    rng: np.random.Generator, patient: Patient, shape: tuple[int, int, int]
) -> Scanner:
    """A grid of the given shape (z, y, x) that holds the lungs, and a scanner's settings."""
    field_mm = float(np.clip(2 * patient.half_width_mm * rng.uniform(1.36, 1.62), 300, 380))
    top = patient.apex_mm + rng.uniform(8, 24)
    bottom = patient.left_dome_mm - 108 * patient.scale - rng.uniform(2, 20)
    spacing = [(top - bottom) / shape[0], field_mm / shape[1], field_mm / shape[2]]
    spacing = [round(s, 6) for s in spacing]
    first = [bottom, 6 - field_mm / 2 + rng.uniform(-6, 14), -field_mm / 2 + rng.uniform(-6, 6)]
    flips = (1, -1, -1) if rng.random() < 0.05 else (1, 1, 1)
    axes, starts = [], []
    for begin, step, n, flip in zip(first, spacing, shape, flips, strict=True):
        axis = begin + step * (np.arange(n) + 0.5)
        axis = axis[::flip]
        starts.append(float(axis[0]))
        axes.append(np.asarray(axis, np.float32))
    offset = tuple(round(float(c), 4) for c in rng.uniform((-25, -190, -420), (25, 60, 300)))
    origin = tuple(round(s + o, 6) for s, o in zip(starts[::-1], offset, strict=True))
    sharp = rng.random()
    return Scanner(
        axes_mm=(axes[0], axes[1], axes[2]),
        geometry=Geometry(
            shape,
            (origin[0], origin[1], origin[2]),
            (spacing[2], spacing[1], spacing[0]),
            IDENTITY if flips[1] == 1 else FLIPPED,
        ),
        offset_mm=(offset[0], offset[1], offset[2]),
        blur_mm=0.8 - 0.4 * sharp + rng.uniform(-0.08, 0.08),
        sharpening=float(np.clip(1.6 * (sharp - 0.5), 0, None) * rng.uniform(0.5, 1)),
        slice_blur=_slice_blur(rng, spacing[0]),
        noise_hu=_noise_hu(rng, sharp, spacing[2]),
        grain=float(0.6 - 0.65 * sharp + rng.uniform(-0.1, 0.05)),
        streaks=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.3 else 0.0,
        padding_hu=(None, -2000, -2048, -3024)[int(rng.integers(4))],
    )


def _slice_blur(rng: np.random.Generator, spacing_mm: float) -> float:
    """Share of each neighbour: slices are as thick as they are apart, or overlap.

    A thickness t spreads over the variance t² / 12, three taps of shares (s, 1 - 2 s, s) over
    2 s spacing².
    """
    thick_mm = max(spacing_mm, rng.uniform(0.9, 2.8))
    return float(np.clip(thick_mm**2 / spacing_mm**2 / 24, 0.04, 0.3))


def _noise_hu(rng: np.random.Generator, sharp: float, pixel_mm: float) -> float:
    """Noise by dose, kernel (0 smooth, 1 sharp) and pixel; larger pixels average more of it."""
    dose = float(np.exp(rng.uniform(np.log(8), np.log(45))))
    return dose * (1 + 1.4 * sharp**2) * min(1.0, 0.7 / pixel_mm)


def blur_slice(plane: Array, sigma_pixels: tuple[float, float]) -> Array:
    """Gaussian blur of a slice (y, x) by five taps an axis, borders repeated."""
    for axis, sigma in enumerate(sigma_pixels):
        near, far = (np.exp(-0.5 * (d / max(sigma, 0.05)) ** 2) for d in (1.0, 2.0))
        total = 1 + 2 * near + 2 * far
        padding = [(2, 2) if axis == a else (0, 0) for a in range(2)]
        wide = np.pad(plane, padding, mode="edge")
        n = plane.shape[axis]
        taps = [wide[s : s + n] if axis == 0 else wide[:, s : s + n] for s in range(5)]
        plane = taps[2] * np.float32(1 / total)
        plane += (taps[1] + taps[3]) * np.float32(near / total)
        if far > 1e-3:
            plane += (taps[0] + taps[4]) * np.float32(far / total)
    return plane


def noise_slice(
    rng: np.random.Generator, shape: tuple[int, int], grain: float, streaks: float = 0.0
) -> Array:
    """Correlated noise (y, x) of mean 0 and deviation 1, a share of it in streaks along x."""
    white = rng.standard_normal((shape[0] + 2, shape[1] + 2), dtype=np.float32)
    g = np.float32(grain)
    rows = white[1:-1] + g * (white[:-2] + white[2:])
    plane = rows[:, 1:-1] + g * (rows[:, :-2] + rows[:, 2:])
    noise: Array = plane * np.float32(1 / (1 + 2 * grain**2))
    if streaks:
        noise *= np.float32(np.sqrt(1 - streaks**2))
        noise += np.float32(streaks) * _streaks(rng, shape)
    return noise


def _streaks(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Noise (y, x) of deviation 1 that is even over STREAK pixels of a row."""
    white = rng.standard_normal((shape[0], shape[1] + STREAK), dtype=np.float32)
    sums = np.cumsum(white, axis=1, dtype=np.float32)
    return np.asarray((sums[:, STREAK:] - sums[:, :-STREAK]) * np.float32(STREAK**-0.5))


class Detector:
    """Turns true HU slices into what the scanner would write."""

    def __init__(self, scanner: Scanner, seed: list[int]) -> None:
        """Prepares the circle and the noise; `seed` makes a slice's noise its own."""
        self._scanner, self._seed = scanner, seed
        _, y, x = scanner.axes_mm
        self._pixels = (
            scanner.blur_mm / abs(float(y[1] - y[0])),
            scanner.blur_mm / abs(float(x[1] - x[0])),
        )
        middle = (float(y.mean()), float(x.mean()))
        radius = np.sqrt((y[:, None] - middle[0]) ** 2 + (x[None, :] - middle[1]) ** 2)
        half = 0.5 * min(float(np.ptp(y)), float(np.ptp(x)))
        self._outside = radius > half * 1.003
        self._strength = np.asarray(np.exp(-((radius / (0.85 * half)) ** 2)), np.float32)

    def __call__(self, index: int, below: Array, here: Array, above: Array, load: float) -> Array:
        """A slice (y, x) int16 from three true ones; `load` scales noise where bodies are wide."""
        s = self._scanner
        share = np.float32(s.slice_blur)
        plane = here * (1 - 2 * share) + share * (below + above)
        plane = blur_slice(plane, self._pixels)
        if s.sharpening:
            wide = blur_slice(plane, (WIDER * self._pixels[0], WIDER * self._pixels[1]))
            plane += np.float32(s.sharpening) * (plane - wide)
        rng = np.random.default_rng([*self._seed, index])
        noise = noise_slice(rng, (plane.shape[0], plane.shape[1]), s.grain, s.streaks)
        plane += noise * (self._strength * np.float32(0.8 * load) + np.float32(0.3)) * s.noise_hu
        np.clip(np.rint(plane), *HU_RANGE, out=plane)
        if s.padding_hu is not None:
            plane[self._outside] = s.padding_hu
        return plane.astype(np.int16)
