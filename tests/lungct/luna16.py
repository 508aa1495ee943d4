"""Small data roots in LUNA16 layout, made of the chest of ellipsoids."""

from pathlib import Path

import fsspec

from lungct.readers.metaimage import write_scan
from lungct.scan import Nodule
from tests.lungct import chest

# World (x, y, z) in mm: in the middle of the right lung.
CENTRE_MM = tuple(
    float(corner + half)
    for corner, half in zip(
        chest.GEOMETRY.voxel_to_world([(n - 1) / 2 for n in chest.SHAPE]), chest.RIGHT, strict=True
    )
)
NODULE = Nodule("1", CENTRE_MM, 24.0)


def make_root(
    root: Path, series: dict[str, str], nodules: bool = True, subset: str = "subset0"
) -> str:
    """Writes one scan for each series UID, of the patient that it maps to."""
    (root / subset).mkdir(parents=True)
    volume = chest.with_nodule(chest.hu(), NODULE) if nodules else chest.hu()
    for uid in series:
        write_scan(str(root / subset / f"{uid}.mhd"), volume, chest.GEOMETRY)
    rows = [f"{uid},{','.join(map(str, CENTRE_MM))},24.0" for uid in series] if nodules else []
    header = "seriesuid,coordX,coordY,coordZ,diameter_mm"
    (root / "annotations.csv").write_text("\n".join([header, *rows]) + "\n")
    pairs = "\n".join(f"{uid},{patient}" for uid, patient in series.items())
    (root / "patients.csv").write_text(f"seriesuid,patient_id\n{pairs}\n")
    return str(root)


def upload(folder: Path, name: str) -> str:
    """Copies a folder into fsspec's file system in memory, which stands in for a bucket."""
    place = f"memory://{name}"
    system = fsspec.filesystem("memory")
    for path in folder.rglob("*"):
        if path.is_file():
            system.pipe(f"{place}/{path.relative_to(folder)}", path.read_bytes())
    return place
