"""The surface of a nodule: a sphere that is stretched, waved and horned, its volume kept."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from phantom.fields import Array

Vectors = npt.NDArray[np.float64]

# Directions over which the mean of the surface is taken.
DIRECTIONS = 600
WAVES = 7


@dataclass(frozen=True)
class Surface:
    """A star-shaped surface around 0.

    A point p lies on it where |A p| is the radius in the direction of A p. That radius is
    `radius_mm` times 1 + depth · mean of waves + horns, divided by the `scale` that gives the
    whole the volume of the sphere of `radius_mm`.

    Attributes:
        radius_mm: Of the sphere of the same volume.
        squeeze: A, (3, 3) of determinant 1, for offsets as (z, y, x).
        waves: Wave vectors (n, 3); a wave is the cosine of vector · direction + phase.
        phases: (n,).
        depth: Of the waves, as a share of the radius.
        horns: Unit vectors (m, 3) in which the surface stands out.
        heights: (m,) shares of the radius.
        sharpness: (m,); a horn falls to 1 / e where 1 - cosine of the angle is 1 / sharpness.
        scale: See above.
    """

    radius_mm: float
    squeeze: Vectors
    waves: Vectors
    phases: Vectors
    depth: float
    horns: Vectors
    heights: Vectors
    sharpness: Vectors
    scale: float = 1.0

    @cached_property
    def reach_mm(self) -> float:
        """No point of the surface is further from the centre."""
        widest = 1 / float(np.linalg.svd(self.squeeze, compute_uv=False)[-1])
        return self.radius_mm * float(self.swell(_sphere_points()).max()) * widest * 1.05

    def swell(self, unit: Vectors) -> Vectors:
        """Radius as a share of `radius_mm` in directions (n, 3) of A p."""
        z, y, x = (unit[:, i].astype(np.float32) for i in range(3))
        return np.asarray(self._swell((z, y, x), np.ones(len(unit), np.float32), np.eye(3)))

    def share(self, z: Array, y: Array, x: Array) -> Array:
        """Distance from the centre as a share of the surface's in that direction.

        Args:
            z: Offsets in mm that broadcast with `y` and `x`.
            y: The same.
            x: The same.

        Returns:
            float32 of the broadcast shape, below 1 inside.
        """
        point = (np.asarray(z, np.float32), np.asarray(y, np.float32), np.asarray(x, np.float32))
        squares = [_dot(row, point) ** 2 for row in self.squeeze]
        distance = np.sqrt(squares[0] + squares[1] + squares[2])
        inverse = 1 / np.maximum(distance, np.float32(1e-6))
        swell = self._swell(point, inverse, self.squeeze)
        return np.asarray(distance / (np.float32(self.radius_mm) * swell), np.float32)

    def _swell(self, point: tuple[Array, Array, Array], inverse: Array, squeeze: Vectors) -> Array:
        """Radius as a share of `radius_mm` along A p; `inverse` is 1 / |A p|."""
        swell = np.ones_like(inverse)
        for wave, phase in zip(self.waves @ squeeze, self.phases, strict=True):
            angle = _dot(wave, point) * inverse + np.float32(phase)
            swell += np.float32(self.depth / len(self.waves)) * np.cos(angle)
        horns = zip(self.horns @ squeeze, self.heights, self.sharpness, strict=True)
        for horn, height, sharpness in horns:
            cosine = _dot(horn, point) * inverse
            swell += np.float32(height) * np.exp(np.float32(sharpness) * (cosine - 1))
        return np.asarray(swell / np.float32(self.scale), np.float32)


def _dot(vector: Vectors, point: tuple[Array, Array, Array]) -> Array:
    """Product of one vector (3,) with points whose coordinates broadcast."""
    z, y, x = (np.float32(v) * p for v, p in zip(vector, point, strict=True))
    return np.asarray(z + y + x, np.float32)


def _sphere_points() -> Vectors:
    """(DIRECTIONS, 3) unit vectors spread evenly: a Fibonacci spiral from pole to pole."""
    number = np.arange(DIRECTIONS) + 0.5
    height = 1 - 2 * number / DIRECTIONS
    angle = number * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    return np.stack([height, flat * np.cos(angle), flat * np.sin(angle)], axis=1)


def unit_vectors(rng: np.random.Generator, count: int) -> Vectors:
    """Random directions (count, 3)."""
    vectors = rng.normal(size=(count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def draw_surface(seed: int, radius_mm: float, stretch: float, depth: float, horns: int) -> Surface:
    """A surface of random waves and horns around a randomly turned ellipsoid.

    Args:
        seed: The same seed draws the same surface.
        radius_mm: Of the sphere of the same volume.
        stretch: Deviation of the logarithm of the ellipsoid's axes.
        depth: Of the waves, as a share of the radius.
        horns: How many places stand out.
    """
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes = rng.normal(size=3)
    axes = np.exp(stretch * (axes - axes.mean()))
    plain = Surface(
        radius_mm=radius_mm,
        squeeze=turn @ np.diag(1 / axes) @ turn.T,
        waves=unit_vectors(rng, WAVES) * rng.uniform(2.0, 2.0 + min(radius_mm, 10.0), (WAVES, 1)),
        phases=rng.uniform(0, 2 * np.pi, WAVES),
        depth=depth,
        horns=unit_vectors(rng, horns),
        heights=rng.uniform(0.2, 0.8, horns),
        sharpness=rng.uniform(4.0, 16.0, horns),
    )
    mean_cube = float((plain.swell(_sphere_points()) ** 3).mean())
    return replace(plain, scale=float(np.cbrt(mean_cube)))
