"""Scans of three layouts, regions and truths are data alike."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.ct_example_gen.conversion import convert_scan
from components.ct_example_gen.request import Request, list_tasks
from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.readers.metaimage import write_scan
from lungct.record import ScanRecord
from lungct.roots import DataRoot
from lungct.scan import Nodule
from schema import features
from schema.hyperparameters import Intensity
from schema.slices import stack
from schema.splits import SplitRule
from tests.lungct import chest
from tests.lungct.readers import dicom_files, nifti_files

GRID = Grid((5.0, 4.0, 4.0), margin_mm=5.0)
NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)


def luna16_root(folder: Path) -> DataRoot:
    """One chest with an annotated nodule."""
    header = folder / "subset0" / "1.1.mhd"
    header.parent.mkdir(parents=True)
    write_scan(str(header), chest.with_nodule(chest.hu(), NODULE), chest.GEOMETRY)
    row = ",".join(map(str, (header.stem, *NODULE.centre_mm, NODULE.diameter_mm)))
    (folder / "annotations.csv").write_text(f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{row}\n")
    return DataRoot(str(folder))


def dicom_root(folder: Path) -> DataRoot:
    """The same chest as a series of DICOM, its nodule in the table of its root."""
    files = dicom_files.write(
        folder / "a" / "b",
        dicom_files.series(chest.with_nodule(chest.hu(), NODULE), chest.GEOMETRY),
    )
    uid = dicom_files.find_one(folder / "a" / "b").series_uid
    row = ",".join(map(str, (uid, *NODULE.centre_mm, NODULE.diameter_mm)))
    (folder / "annotations.csv").write_text(f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{row}\n")
    assert files.files
    return DataRoot(str(folder), name="hospital")


def msd_root(folder: Path) -> DataRoot:
    """A crop of the chest around a nodule, and its mask."""
    geometry = chest.GEOMETRY
    z, y, x = (int(round(i)) for i in geometry.world_to_voxel(NODULE.centre_mm))
    box = (slice(z - 4, z + 5), slice(y - 6, y + 7), slice(x - 6, x + 7))
    crop: Geometry = geometry.crop(box)
    hu = chest.with_nodule(chest.hu(), NODULE)[box]
    mask = (hu == 40).astype(np.int16)
    hu = hu + np.random.default_rng(1).integers(-20, 21, hu.shape, dtype=np.int16)
    # Slices that are alike but for the nodule would be taken for some in a wrong order.
    hu += 20 * np.arange(len(hu), dtype=np.int16)[:, None, None]
    for name, volume in (("imagesTr", hu), ("labelsTr", mask)):
        (folder / name).mkdir(parents=True)
        header = nifti_files.header_of(volume, crop)
        nifti_files.write(folder / name / "crop_1.nii", nifti_files.content(volume, header))
    pair = {"image": "./imagesTr/crop_1.nii", "label": "./labelsTr/crop_1.nii"}
    (folder / "dataset.json").write_text(json.dumps({"training": [pair]}))
    return DataRoot(str(folder), region="volume")


def converted(*roots: DataRoot) -> dict[str, tuple[ScanRecord, list[tf.train.Example]]]:
    """Record and examples of each scan, by source."""
    tasks, _ = list_tasks(Request(roots, SplitRule(eval_fraction=0.5), GRID, Intensity()))
    made = {}
    for task in tasks:
        record, examples = convert_scan(task, GRID, Intensity())
        parsed = [tf.train.Example.FromString(one.record) for one in examples]
        made[record.source] = (record, parsed)
    return made


def values(example: tf.train.Example, name: str) -> list[bytes]:
    return list(example.features.feature[name].bytes_list.value)


def test_three_layouts_in_one_run(tmp_path: Path) -> None:
    made = converted(
        luna16_root(tmp_path / "luna"), dicom_root(tmp_path / "pacs"), msd_root(tmp_path / "crops")
    )
    assert {source: record.outcome for source, (record, _) in made.items()} == dict.fromkeys(
        ("luna", "hospital", "crops"), "accepted"
    ), [record.reason for record, _ in made.values()]
    assert {source: record.truth for source, (record, _) in made.items()} == {
        "luna": "spheres",
        "hospital": "spheres",
        "crops": "label masks",
    }
    for source, (record, examples) in made.items():
        assert len(examples) == record.slice_count > 0
        assert {values(one, features.SOURCE)[0].decode() for one in examples} == {source}
        (nodule,) = record.nodules
        np.testing.assert_allclose(nodule.centre_mm, NODULE.centre_mm, atol=1.0)
        assert nodule.bucket == "15+"
        # The mask has whole voxels of 80 mm3 each, the spheres their shares.
        np.testing.assert_allclose(nodule.volume_mm3, NODULE.volume_mm3, rtol=0.1)


def test_the_same_chest_in_two_layouts_gives_the_same_slices(tmp_path: Path) -> None:
    made = converted(luna16_root(tmp_path / "luna"), dicom_root(tmp_path / "pacs"))
    for one, other in zip(made["luna"][1], made["hospital"][1], strict=True):
        for name in features.PIXEL_FEATURES:
            assert values(one, name) == values(other, name)


def test_a_crop_has_a_region_as_large_as_it_is(tmp_path: Path) -> None:
    record, examples = converted(msd_root(tmp_path / "crops"))["crops"]
    assert record.outcome == "accepted", record.reason
    regions = stack(examples, features.REGION_MASK)
    # 13 x 13 voxels of 4 mm on pixels of 4 mm, in slices of 5 mm as they are stored.
    assert [int(region.sum()) for region in regions] == [169] * 9
    assert "lung_volume_ml" not in examples[0].features.feature
    assert record.lung_volume_ml is None
