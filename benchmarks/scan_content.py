"""What real scans, crops of them and damaged ones show to the rules on the content of a scan.

Usage: python -m benchmarks.scan_content DATA [SCANS ...]

DATA as described in docs/measured.md; SCANS are further data roots, such as of phantoms. For
each figure with a limit it prints the limit and the worst of what must be accepted.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from benchmarks.real_ct import load
from lungct.geometry import Geometry
from lungct.inventory import reader_of, take_inventory
from lungct.limits import CHEST_LIMITS, VOLUME
from lungct.lung import mask
from lungct.lung.airspace import CoarseScan, find_lungs
from lungct.lung.plausible import check_chest, chest_facts
from lungct.orientation import to_patient_axes
from lungct.readers import slice_order
from lungct.readers.continuity import MIN_CROP_CORRELATION, check_continuity, neighbour_correlations
from lungct.readers.hounsfield import to_hounsfield
from lungct.roots import DataRoot
from lungct.scan import ScanError

Scan = tuple[str, npt.NDArray[np.int16], Geometry]

LUNG_MASKS = ("ct-64.nrrd", "3DCT_lung.mha", "example_ct.nii.gz")
ROUNDS = 5


def orders(count: int) -> dict[str, npt.NDArray[np.int64]]:
    """Wrong orders of slices by name."""
    z = np.arange(count)
    third = count // 3
    return {
        "names as text": np.array(sorted(z, key=lambda number: str(number + 1))),
        "halves swapped": np.roll(z, count // 2),
        "pairs swapped": np.minimum(z ^ 1, count - 1),
        "blocks of 8 reversed": np.concatenate([z[k : k + 8][::-1] for k in range(0, count, 8)]),
        "even before odd": np.concatenate([z[::2], z[1::2]]),
        "middle third reversed": np.concatenate([z[:third], z[third:-third][::-1], z[-third:]]),
        "one slice moved": np.insert(np.delete(z, count // 4), count // 2, count // 4),
    }


def whole_scans(data: Path, more: list[Path]) -> Iterator[Scan]:
    """Scans of data roots, and those with lung masks, with 10 mm between slices as well."""
    roots = [DataRoot(str(folder)) for folder in (data / "luna16_sample", *more)]
    for found in take_inventory(roots, annotations=()).scans:
        scan = reader_of(found.layout).read(found.files)
        yield scan.series_uid[-12:], scan.hu, scan.geometry
    for name in LUNG_MASKS:
        yield name, *load(data / "lung_masks" / name)
    slices = [load(data / "lung_masks" / name) for name in ("0.dcm", "1.dcm")]
    hu = np.concatenate([voxels for voxels, _ in slices])
    grid = slices[0][1]
    yield "0.dcm, 1.dcm", hu, Geometry(hu.shape, grid.origin_mm, (*grid.spacing_mm[:2], 1.0))
    folder = data / "dicom_chest" / "data"
    if folder.is_dir():
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
        image = sitk.ReadImage(names)
        voxels = sitk.GetArrayFromImage(image).astype(np.int16)
        grid = Geometry(voxels.shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection())
        yield "dicom_chest", voxels, grid


def crops(data: Path) -> Iterator[Scan]:
    """Crops around nodules."""
    for path in sorted((data / "lidc_nodules" / "imagesTr").glob("*.nii.gz")):
        yield path.name, *load(path)


def print_orders(scans: list[Scan]) -> None:
    """Prints the largest step of each scan in its own order, and in wrong ones."""
    for name, hu, geometry in scans:
        for every in (1, max(1, round(10 / geometry.spacing_mm[2]))):
            distances = slice_order.slice_distances(hu[::every])
            if len(distances) < 3:
                continue
            print(f"order      {name}, every {every}: {_figures(distances)} as stored")
            wrong = {
                order: _figures(distances[np.ix_(z, z)])
                for order, z in orders(len(distances)).items()
            }
            print("           " + ", ".join(f"{order} {text}" for order, text in wrong.items()))


def _figures(distances: npt.NDArray[np.float32]) -> str:
    """Largest step and excess."""
    ratio = slice_order.largest_step(distances).ratio
    return f"{ratio:.2f}/{slice_order.path_excess(distances):.2f}"


def print_crops(found: list[Scan]) -> None:
    """Prints the worst of the crops, and how many are refused."""
    worst: dict[str, float] = {"step": 0.0, "excess": 0.0}
    refused = []
    for name, hu, _ in found:
        try:
            check_continuity(to_hounsfield(hu.copy(), name)[0], VOLUME)
        except ScanError as error:
            refused.append(str(error))
        if len(hu) > 2:
            distances = slice_order.slice_distances(hu)
            worst["step"] = max(worst["step"], slice_order.largest_step(distances).ratio)
            worst["excess"] = max(worst["excess"], slice_order.path_excess(distances))
    correlation = min(sorted(neighbour_correlations(hu))[1] for _, hu, _ in found)
    print(f"crops      correlation at least {correlation:.2f} (limit {MIN_CROP_CORRELATION})")
    limits = f"limits {slice_order.MAX_STEP}, {slice_order.MAX_EXCESS}"
    print(f"crops      {len(found)}: step and excess at most {worst} ({limits})")
    for line in [f"{len(refused)} refused", *refused]:
        print(f"crops      {line}")


def print_shares(scans: list[Scan]) -> None:
    """Prints shares of values that `to_hounsfield` limits, highest of all."""
    shares = {
        "above 300 HU": [float(np.mean(hu > 300)) for _, hu, _ in scans],
        "below -1100 HU, two values left out": [_varied_below(hu) for _, hu, _ in scans],
        "not from -1100 to 0 HU": [
            1 - float(np.mean(inner < 0)) for _, hu, _ in scans if (inner := hu[hu >= -1100]).size
        ],
    }
    for name, values in shares.items():
        worst = int(np.argmax(values))
        print(f"values     {name}: at most {values[worst]:.3f}, in {scans[worst][0]}")


def _varied_below(hu: npt.NDArray[np.int16]) -> float:
    """Share of values below all air, without the two most frequent, which are padding."""
    counts = np.sort(np.unique(hu[hu < -1100], return_counts=True)[1])
    return float(counts[:-2].sum()) / hu.size


def coarse(hu: npt.NDArray[np.int16], geometry: Geometry) -> CoarseScan:
    """A scan as the lungs are looked for in it."""
    hu, geometry = to_patient_axes(np.clip(hu, -1024, 3071), geometry)
    steps = [max(1, round(mask.COARSE_MM / mm)) for mm in geometry.spacing_zyx_mm]
    z, y, x = (mm * step for mm, step in zip(geometry.spacing_zyx_mm, steps, strict=True))
    sample = np.ascontiguousarray(hu[:: steps[0], :: steps[1], :: steps[2]])
    return CoarseScan(sample, (z, y, x))


def print_chests(scans: list[Scan]) -> None:
    """Prints what is found of lungs and chests beside the limits."""
    facts = {}
    for name, hu, geometry in scans:
        scan = coarse(hu, geometry)
        facts[name] = chest_facts(scan, find_lungs(scan))
    for limit in CHEST_LIMITS:
        values = [found[limit.fact] for found in facts.values() if limit.fact in found]
        span = f"{min(values):.4g} to {max(values):.4g} in {len(values)} scans"
        print(f"chest      {limit.text}: {span}")


def milliseconds(function: Callable[[], object]) -> float:
    """The fastest of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def print_times(scans: list[Scan]) -> None:
    """Prints what the rules cost beside finding the lungs, which holds the last two."""
    for name, stored, geometry in scans:
        if stored.size < 1 << 24:
            continue
        hu = to_hounsfield(stored.copy(), name)[0]
        view, grid = to_patient_axes(hu, geometry)
        scan = coarse(hu, geometry)
        lungs = find_lungs(scan)
        costs = {
            "to_hounsfield": milliseconds(lambda hu=hu: to_hounsfield(hu, "")),
            "lungs_in_box": milliseconds(lambda v=view, g=grid: mask.lungs_in_box(v, g)),
            "order and repeats": milliseconds(
                lambda hu=hu: (slice_order.check_repeats(hu), slice_order.check_slice_order(hu))
            ),
            "chest": milliseconds(lambda scan=scan, lungs=lungs: check_chest(scan, lungs)),
        }
        text = ", ".join(f"{part} {cost:.1f} ms" for part, cost in costs.items())
        print(f"time       {name} {stored.shape}: {text}")


def main() -> None:
    """Prints all figures."""
    if len(sys.argv) < 2 or not all(Path(folder).is_dir() for folder in sys.argv[1:]):
        sys.exit(f"usage: python -m benchmarks.scan_content DATA [SCANS ...], got {sys.argv[1:]}")
    data, *more = map(Path, sys.argv[1:])
    scans, cut = list(whole_scans(data, more)), list(crops(data))
    print_orders(scans)
    print_crops(cut)
    print_shares(scans)
    print_shares(cut)
    print_chests(scans)
    print_times(scans)


if __name__ == "__main__":
    main()
