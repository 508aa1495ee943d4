"""Crops around balls in noise, with the outlines of readers, as the crops of LIDC's nodules lie."""

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.readers.nifti_writer import write_nifti

# Voxels of 1 x 2 x 3 mm, x first.
SHAPE = (8, 20, 32)
GEOMETRY = Geometry(SHAPE, (-10.0, 20.0, -300.0), (1.0, 2.0, 3.0))
TEXTURES = ("Solid", "Solid/Mixed", "Non-Solid/GGO")
COLUMNS = ("name", "patient_id", "seriesuid", "readers", "texture")

Bits = npt.NDArray[np.uint8]


def ball(radius_mm: float) -> npt.NDArray[np.bool_]:
    """A ball in the middle of the crop."""
    middle = [(size - 1) / 2 for size in SHAPE]
    axes = [
        (np.arange(size) - centre) * step
        for size, centre, step in zip(SHAPE, middle, GEOMETRY.spacing_zyx_mm, strict=True)
    ]
    inside: npt.NDArray[np.bool_] = (
        axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2 <= radius_mm**2
    )
    return inside


def bits_of(radii_mm: tuple[float, ...]) -> Bits:
    """A bit for each reader, who outlined a ball of a radius of his own."""
    balls = [ball(radius) for radius in radii_mm]
    bits = [mask.astype(np.uint8) << place for place, mask in enumerate(balls)]
    return np.bitwise_or.reduce(bits)


def write_crops(root: Path, bits: dict[str, Bits], patients: dict[str, str]) -> Path:
    """Writes crops of which the readers' bits are given by name, and the patient by name."""
    for folder in ("imagesTr", "labelsTr", "readersTr"):
        (root / folder).mkdir(parents=True)
    random = np.random.default_rng(1)
    rows, pairs = [], []
    for number, (name, found) in enumerate(bits.items()):
        masks = [found >> place & 1 for place in range(8) if (found >> place & 1).any()]
        label = (2 * np.sum(masks, axis=0) >= len(masks)).astype(np.uint8)
        # Slices differ the more the further apart they are, as those of patients do.
        hu = np.cumsum(random.normal(0, 15, SHAPE), axis=0) - 800 + 800 * label.astype(np.int16)
        for folder, volume in (
            ("imagesTr", hu.astype(np.int16)),
            ("labelsTr", label),
            ("readersTr", found),
        ):
            write_nifti(str(root / folder / f"{name}.nii.gz"), volume, GEOMETRY)
        texture = TEXTURES[number % len(TEXTURES)]
        rows.append((name, patients[name], f"1.2.{number}", str(len(masks)), texture))
        pairs.append({"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"})
    (root / "dataset.json").write_text(json.dumps({"training": pairs}))
    write_table(root / "nodules.csv", COLUMNS, rows)
    write_table(root / "patients.csv", ("seriesuid", "patient_id"), list(patients.items()))
    return root


def write_table(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def write_balls(root: Path, patients: int) -> Path:
    """Two crops of each patient, three readers each, of whom two agree."""
    names = {f"P{number:02d}_{k}": f"P{number:02d}" for number in range(patients) for k in (1, 2)}
    radii = {name: 4.0 + place % 3 for place, name in enumerate(names)}
    bits = {name: bits_of((radius, radius, radius + 1)) for name, radius in radii.items()}
    return write_crops(root, bits, names)
