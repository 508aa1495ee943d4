import csv
import dataclasses
import io
import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.orientation import to_patient_axes
from lungct.record import QUARANTINED, ScanRecord
from lungct.truth.spheres import equivalent_diameter_mm
from serving.results import (
    Form,
    nodule_table,
    refused_json,
    result_json,
    result_line,
    write_results,
)
from serving.scan import Done, ScanResult
from serving.segmentation import FoundNodule

# Axes of the patient in another order and sense: columns to the head, rows to the right, slices
# to the front.
DIRECTION = (0.0, -1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0)
GEOMETRY = Geometry((4, 5, 6), (10.0, 20.0, 30.0), (1.0, 2.0, 3.0), DIRECTION)
PLACE = (1, 2, 3)
# From the first voxel 2 rows of 2 mm to the right, 1 slice of 3 mm to the front, 3 mm up.
WORLD = (6.0, 17.0, 33.0)


def nodule(number: int = 1, probability: float = 0.9) -> FoundNodule:
    return FoundNodule(number, WORLD, equivalent_diameter_mm(6), 2.0, 6.0, probability, (3, 3), 1)


def made_result(count: int = 1) -> ScanResult:
    mask = np.zeros(GEOMETRY.shape, np.uint8)
    mask[PLACE] = 1
    record = ScanRecord(
        "1.2.3", "repaired", "padding of -2000", path="a/1.2.3.mhd", shape=(6, 4, 5),
        spacing_mm=(1.0, 3.0, 2.0), lung_volume_ml=4000.4, warnings=("small",), seconds=2.5,
    )  # fmt: skip
    done = Done("models/7", "3d", (5.0, 3.0, 3.5), 0.5, 0.9, "lung", {"read": 2.5})
    nodules = tuple(nodule(number, 1 - number / 10) for number in range(1, count + 1))
    view, working = to_patient_axes(mask, GEOMETRY)
    probability = view * np.float32(0.9)
    return ScanResult(record, GEOMETRY, mask, nodules, done, probability, working)


@pytest.fixture
def result() -> ScanResult:
    return made_result()


@pytest.mark.parametrize("ending", ["nii.gz", "mhd"])
def test_other_readers_see_the_mask_where_the_scan_has_it(
    result: ScanResult, tmp_path: Path, ending: str
) -> None:
    files = write_results(tmp_path, result, Form(ending, probabilities=True))
    assert files == {
        "mask": f"{tmp_path}/1.2.3_mask.{ending}",
        "probability": f"{tmp_path}/1.2.3_probability.{ending}",
        "nodules": f"{tmp_path}/1.2.3_nodules.csv",
    }
    mask, probability = (sitk.ReadImage(files[kind]) for kind in ("mask", "probability"))
    assert mask.GetPixelID() == sitk.sitkUInt8 and probability.GetPixelID() == sitk.sitkFloat32
    for image in (mask, probability):
        place = image.TransformPhysicalPointToIndex(WORLD)
        assert place == PLACE[::-1]
        assert sitk.GetArrayFromImage(image).nonzero() == tuple([index] for index in PLACE)
        np.testing.assert_allclose(image.GetDirection(), DIRECTION, atol=1e-6)
        np.testing.assert_allclose(image.GetSpacing(), GEOMETRY.spacing_mm, rtol=1e-6)
    assert probability.GetPixel(place) == np.float32(0.9)


def test_what_the_files_are_not_for_is_in_their_headers(result: ScanResult, tmp_path: Path) -> None:
    notice = "for research only, not a medical device"
    for kind in ("mask", "probability"):
        files = write_results(tmp_path, result, Form("nii.gz", probabilities=True))
        assert sitk.ReadImage(files[kind]).GetMetaData("descrip") == notice
        files = write_results(tmp_path, result, Form("mhd", probabilities=True))
        assert Path(files[kind]).read_text().startswith(f"Comment = {notice}\n")


def test_nibabel_sees_it_in_ras(result: ScanResult, tmp_path: Path) -> None:
    files = write_results(tmp_path, result, Form())
    image = nibabel.load(files["mask"])
    assert nibabel.aff2axcodes(image.affine) == ("S", "R", "A")
    (index,) = np.argwhere(np.asarray(image.dataobj))
    np.testing.assert_allclose((image.affine @ (*index, 1))[:3], (-6.0, -17.0, 33.0), atol=1e-5)


def test_without_probabilities_there_is_no_file_of_them(result: ScanResult, tmp_path: Path) -> None:
    assert list(write_results(tmp_path, result, Form())) == ["mask", "nodules"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1.2.3_mask.nii.gz",
        "1.2.3_nodules.csv",
    ]


def test_a_file_is_whole_or_not_there(result: ScanResult, tmp_path: Path) -> None:
    (tmp_path / f".1.2.3_nodules.csv.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_results(tmp_path, result, Form())
    assert [path.name for path in tmp_path.iterdir()] == ["1.2.3_mask.nii.gz"]


def test_the_table_begins_with_the_columns_of_a_submission() -> None:
    close = dataclasses.replace(nodule(2), probability=float(np.float32(0.9999999)))
    text = nodule_table("1.2.3", (nodule(), close))
    assert text.splitlines()[0] == (
        "seriesuid,coordX,coordY,coordZ,probability,diameter_mm,volume_mm3,longest_axial_mm,notice"
    )
    first, second = csv.DictReader(io.StringIO(text))
    assert first == {
        "seriesuid": "1.2.3",
        "coordX": "6.0000",
        "coordY": "17.0000",
        "coordZ": "33.0000",
        "probability": "0.9",
        "diameter_mm": "2.2545",  # (6 * 6 / pi) ** (1 / 3)
        "volume_mm3": "6.0000",
        "longest_axial_mm": "2.0000",
        "notice": "for research only, not a medical device",
    }
    assert 0.9999998 < float(second["probability"]) < 1


def test_a_table_without_nodules_is_its_header() -> None:
    assert len(nodule_table("1.2.3", ()).splitlines()) == 1


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 nodules"),
        (1, "1 nodule: 2.3 mm (0.900)"),
        (7, "7 nodules: 2.3 mm (0.900), 2.3 mm (0.800), 2.3 mm (0.700), 2.3 mm (0.600), "
            "2.3 mm (0.500), 2 more"),
    ],
)  # fmt: skip
def test_a_line_for_people(count: int, expected: str) -> None:
    assert result_line(made_result(count)) == (
        f"repaired    1.2.3  6x4x5 at 1x3x2 mm, lungs 4000 ml, {expected}; padding of -2000  "
        "(2.5 s)"
    )


def test_a_line_for_programs() -> None:
    line = result_json(made_result(), {"mask": "out/1.2.3_mask.mhd"})
    assert "\n" not in line
    assert json.loads(line) == {
        "series_uid": "1.2.3",
        "outcome": "repaired",
        "reason": "padding of -2000",
        "path": "a/1.2.3.mhd",
        "shape": [6, 4, 5],
        "spacing_mm": [1.0, 3.0, 2.0],
        "warnings": ["small"],
        "nodules": [{**dataclasses.asdict(nodule()), "centre_mm": [*WORLD], "slices": [3, 3]}],
        "files": {"mask": "out/1.2.3_mask.mhd"},
        "done": {
            "model": "models/7",
            "code_hash": "3d",
            "spacing_mm": [5.0, 3.0, 3.5],
            "threshold": 0.5,
            "nodule_threshold": 0.9,
            "region": "lung",
            "seconds": {"read": 2.5},
        },
        "seconds": 2.5,
        "notice": "for research only, not a medical device",
    }


def test_a_refused_scan_has_the_same_fields() -> None:
    refused = json.loads(refused_json(ScanRecord("1.2.3", QUARANTINED, "no lung")))
    assert list(refused) == list(json.loads(result_json(made_result(), {})))
    assert (refused["reason"], refused["nodules"], refused["files"]) == ("no lung", [], {})
