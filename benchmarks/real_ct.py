"""Lung mask, nodule mask and continuity on real CT: prints the figures of docs/measured.md.

Usage: python -m benchmarks.real_ct DATA      (DATA as described in docs/measured.md)
"""

import itertools
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.inventory import FoundScan, take_inventory
from lungct.lung.mask import lung_box, lung_mask
from lungct.metrics import dice
from lungct.readers.continuity import neighbour_correlations
from lungct.readers.metaimage import read_scan
from lungct.roots import DataRoot
from lungct.truth.spheres import equivalent_diameter_mm, render_spheres
from lungct.working_grid import geometry_around

REGION_MASKS = (
    ("ct-64.nrrd", "wholeLung-64.nrrd"),
    ("3DCT_lung.mha", "3DCT_lung_baseline_mask.mha"),
)
GRIDS_MM = ((2.5, 1.5, 1.5), (1.25, 0.7, 0.7))


def load(path: Path) -> tuple[npt.NDArray[np.int16], Geometry]:
    """Reads any image that SimpleITK reads, as (z, y, x) int16 with its grid."""
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image).astype(np.int16)
    shape = (array.shape[0], array.shape[1], array.shape[2])
    grid = Geometry(shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection())
    return array, grid


def print_lung_masks(folder: Path) -> None:
    """Prints Dice of our lung masks against published ones."""
    for scan, mask in REGION_MASKS:
        hu, geometry = load(folder / scan)
        truth = load(folder / mask)[0] > 0
        print(f"lung mask  {scan:14} Dice to {mask}: {dice(lung_mask(hu, geometry), truth):.3f}")


def print_continuity(data: Path) -> None:
    """Prints the correlation of neighbours on the worst axis, as stored and with sizes swapped."""
    sample = read_scan(_only_scan(data / "luna16_sample").files.path).hu
    scans = {name: load(data / "lung_masks" / name)[0] for name, _ in REGION_MASKS}
    scans["luna16_sample"] = sample
    scans["luna16_sample, every sixth slice"] = sample[::6]
    for name, hu in scans.items():
        orders = set(itertools.permutations(hu.shape)) - {hu.shape}
        mixed_up = max(min(neighbour_correlations(hu.reshape(order))) for order in orders)
        stored = min(neighbour_correlations(hu))
        print(f"continuity {name}: {stored:.2f} as stored, {mixed_up:.2f} at most in other orders")


def print_nodule(folder: Path) -> None:
    """Prints diameter and position of the nodule of a LUNA16 scan, rendered on several grids."""
    found = _only_scan(folder)
    scan = read_scan(found.files.path)
    start = time.perf_counter()
    lung = lung_mask(scan.hu, scan.geometry)
    seconds = time.perf_counter() - start
    print(f"lung mask  {scan.hu.shape} voxels in {seconds:.2f} s")
    (nodule,) = found.truth.nodules
    print(f"nodule     annotated: {nodule.diameter_mm:.2f} mm")
    for spacing_mm in GRIDS_MM:
        wanted = Grid(spacing_mm, margin_mm=5.0)
        grid = geometry_around(scan.geometry, lung_box(lung), wanted, (nodule,))
        coverage = render_spheres((nodule,), grid)
        voxels = np.argwhere(coverage >= 0.5)
        offset_mm = np.linalg.norm(grid.voxel_to_world(voxels.mean(axis=0)) - nodule.centre_mm)
        diameter_mm = equivalent_diameter_mm(len(voxels) * grid.voxel_volume_mm3)
        print(
            f"nodule     grid {spacing_mm} mm: mask of {diameter_mm:.2f} mm equivalent diameter, "
            f"centre {offset_mm:.3f} mm off"
        )


def _only_scan(folder: Path) -> FoundScan:
    """The scan of a data root that has one, with its annotated nodules."""
    (found,) = take_inventory([DataRoot(str(folder))]).scans
    return found


def main() -> None:
    """Prints all figures."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(f"usage: python -m benchmarks.real_ct DATA, got {sys.argv[1:]}")
    data = Path(sys.argv[1])
    print_lung_masks(data / "lung_masks")
    print_continuity(data)
    print_nodule(data / "luna16_sample")


if __name__ == "__main__":
    main()
