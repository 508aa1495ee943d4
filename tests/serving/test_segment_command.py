"""The command line of `serving.segment`."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.grid import Grid
from lungct.readers.metaimage import write_scan
from schema.files import MODEL_FILE
from serving.segment import main, newest_version
from tests.lungct import chest
from tests.serving.bright_model import save_bright_model
from tests.serving.conftest import NODULE

ROOT = Path(__file__).resolve().parents[2]


def rows_of(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def test_a_damaged_scan_gives_its_reason_and_the_others_go_on(
    models: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    status = main(["--model", str(models), str(scans), "--out", str(out), "--json"])
    shown = capsys.readouterr()
    first, second, third = map(json.loads, shown.out.splitlines())
    assert status == 4
    assert [row["outcome"] for row in (first, second, third)] == [
        "accepted",
        "quarantined",
        "accepted",
    ]
    assert "1.2.2.mhd" in second["reason"] and second["path"].endswith("1.2.2.mhd")
    assert sorted(path.name for path in out.iterdir()) == [
        "1.2.1_mask.nii.gz",
        "1.2.1_nodules.csv",
        "1.2.3_mask.nii.gz",
        "1.2.3_nodules.csv",
    ]
    assert shown.err == f"serving.segment: the newest version is {models}/10\n"
    assert first["done"]["model"] == f"{models}/10"
    assert first["done"]["spacing_mm"] == [5.0, 4.0, 4.0]


@pytest.mark.parametrize("ending", ["nii.gz", "mhd"])
def test_mask_overlays_the_scan_and_agrees_with_the_table(
    models: Path, scans: Path, tmp_path: Path, ending: str
) -> None:
    header, out = str(scans / "subset0" / "1.2.1.mhd"), str(tmp_path / "out")
    options = ["--format", ending, "--probabilities"]
    assert main([header, "--model", str(models / "9"), "--out", out, *options]) == 0
    scan, mask = sitk.ReadImage(header), sitk.ReadImage(f"{out}/1.2.1_mask.{ending}")
    assert mask.GetSize() == scan.GetSize()
    np.testing.assert_allclose(mask.GetOrigin(), scan.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(mask.GetDirection(), scan.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(mask.GetSpacing(), scan.GetSpacing(), rtol=1e-6)
    inside = sitk.GetArrayFromImage(mask) > 0
    assert (sitk.GetArrayFromImage(scan)[inside] == 40).mean() > 0.9
    probability = sitk.GetArrayFromImage(sitk.ReadImage(f"{out}/1.2.1_probability.{ending}"))
    assert probability[inside].min() >= 0.5
    (row,) = rows_of(f"{out}/1.2.1_nodules.csv")
    centre = [float(row[name]) for name in ("coordX", "coordY", "coordZ")]
    np.testing.assert_allclose(centre, NODULE.centre_mm, atol=1.0)
    assert mask.GetPixel(mask.TransformPhysicalPointToIndex(centre)) == 1
    assert float(row["volume_mm3"]) == 80 * np.count_nonzero(inside)
    assert float(row["probability"]) == pytest.approx(probability[inside].max())


def test_lines_for_people(
    models: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(scans), "--model", str(models / "9"), "--out", str(tmp_path / "out")]) == 4
    shown = capsys.readouterr()
    first, second, _, total = shown.out.splitlines()
    assert re.fullmatch(r"accepted    1\.2\.1  44x60x80 at .* 1 nodule: .* mm \(0\..*\)  .*", first)
    assert second.startswith("quarantined 1.2.2  expected")
    assert total == (
        "3 scans found: 2 accepted, 0 repaired, 1 quarantined; "
        "for research only, not a medical device"
    )
    assert shown.err == ""


@pytest.mark.parametrize("option", ["--threshold", "--nodule-threshold"])
def test_the_thresholds_are_taken(models: Path, scans: Path, tmp_path: Path, option: str) -> None:
    header, out = str(scans / "subset0" / "1.2.1.mhd"), str(tmp_path / "out")
    assert main([header, "--model", str(models), "--out", out, option, "0.95"]) == 0
    assert rows_of(f"{out}/1.2.1_nodules.csv") == []


def test_another_region_than_that_of_the_training_is_said(
    models: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, out = str(scans / "subset0" / "1.2.1.mhd"), str(tmp_path / "out")
    given = [header, "--model", str(models / "9"), "--out", out, "--region", "volume", "--json"]
    assert main(given) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["done"]["region"] == "volume"
    assert shown.err == (
        "warning: the model was trained on the region lung, and looks at volume here\n"
    )


def test_warnings_of_a_scan_name_it(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Lungs of a child.
    small = chest.Geometry(chest.SHAPE, chest.ORIGIN_MM, (2.4, 2.4, 3.0))
    (tmp_path / "scans").mkdir()
    write_scan(str(tmp_path / "scans" / "1.2.9.mhd"), chest.hu(), small)
    given = [str(tmp_path / "scans"), "--model", str(models / "9")]
    assert main([*given, "--out", str(tmp_path / "out"), "--json"]) == 0
    shown = capsys.readouterr()
    (warning,) = json.loads(shown.out)["warnings"]
    assert shown.err == f"warning: 1.2.9: {warning}\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SCAN": "gone"}, "expected a folder of scans, got 'gone'"),
        ({"SCAN": "MODELS/9/model.json"}, "a file of one (.mhd"),
        ({"OUT": "SCANS"}, "expected --out apart from the scans, got '/"),
        ({"OUT": "SCANS/subset0"}, "expected --out apart from the scans, got '/"),
        ({"OUT": "SCANS/subset0/1.2.1.mhd"}, "File exists"),
        ({"MODEL": "gone"}, "expected a folder of a pushed model, got 'gone'"),
        ({"MODEL": "SCANS"}, "expected saved_model.pb, or numbered versions of a model"),
        ({"MODEL": "MODELS/11"}, "got none in '/"),
        ({"MORE": "--threshold 0"}, "expected a number above 0 and at most 1, got '0'"),
        ({"MORE": "--threshold x"}, "expected a number above 0 and at most 1, got 'x'"),
        ({"MORE": "--format png"}, "invalid choice: 'png'"),
        ({"MORE": "--endpoint 7"}, "expected an endpoint as projects/P/locations/R/endpoints/E or"),
        ({"MORE": "--nodule-threshold 2"}, "expected a number from 0 to 1, got '2'"),
        ({"MORE": "--nodule-threshold -0.1"}, "expected a number from 0 to 1, got '-0.1'"),
        ({"MORE": "--max-request-mb 0"}, "expected a number of MB above 0, got '0'"),
        ({"MORE": "--max-request-mb x"}, "expected a number of MB above 0, got 'x'"),
        ({"MORE": "--endpoint http://a/b", "MODEL": "SCANS"}, "expected model.json, or numbered"),
        ({"SCAN": "SCANS SCANS/subset0/1.2.1.mhd"}, "expected series 1.2.1 once, got /"),
    ],
)
def test_usage_errors_are_one_line(
    models: Path,
    scans: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    message: str,
) -> None:
    values = {"SCAN": "SCANS", "MODEL": "MODELS/9", "OUT": f"{tmp_path}/out", "MORE": "", **changes}
    line = f"{values['SCAN']} --model {values['MODEL']} --out {values['OUT']} {values['MORE']}"
    arguments = line.replace("SCANS", str(scans)).replace("MODELS", str(models)).split()
    try:
        status: Any = main(arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert err.startswith("serving.segment: ") or err.startswith("python -m serving.segment: ")
    assert message in err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (MODEL_FILE, "expected model.json beside the model, got none"),
        ("variables/variables.index", "expected a whole model in"),
        ("saved_model.pb", "expected a whole model in"),
    ],
)
def test_a_damaged_model_is_one_line(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    model = save_bright_model(tmp_path / "model", Grid((5.0, 4.0, 4.0)))
    if name == "saved_model.pb":
        (model / name).write_bytes(b"none")
    else:
        (model / name).unlink()
    assert main([str(scans), "--model", str(model), "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and message in err


def test_a_full_disk_is_one_line(
    models: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f".1.2.1_mask.nii.gz.{os.getpid()}.part").symlink_to("/dev/full")
    assert main([str(scans), "--model", str(models / "9"), "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert "No space left on device" in err and err.count("\n") == 1
    assert list(out.iterdir()) == []


def test_the_model_of_a_bucket_is_found(models: Path) -> None:
    from tests.lungct.luna16 import upload

    place = upload(models, "segment-command")
    assert newest_version(place) == f"{place}/10"
    assert newest_version(f"{place}/9/") == f"{place}/9"


def test_help_does_not_load_tensorflow() -> None:
    code = (
        "import sys\nfrom serving.segment import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    sys.exit('tensorflow' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and "--probabilities" in run.stdout


def test_segmenting_loads_no_tfx_and_no_beam(models: Path, scans: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nimport serving.segment\nstatus = serving.segment.main(sys.argv[1:])\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(status, 'tensorflow' in loaded, *(loaded & {'tfx', 'apache_beam', 'models'}))"
    )
    given = [str(scans), "--model", str(models / "9"), "--out", str(tmp_path / "out"), "--json"]
    command = [sys.executable, "-c", code, *given]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "4 True"
    assert run.stderr == ""


def test_an_endpoint_without_its_model_is_one_line(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(scans), "--endpoint", "http://a/b", "--out", str(tmp_path / "out")]
    assert main(given) == 2
    expected = "serving.segment: --endpoint: expected --model, the one that is deployed, got none\n"
    assert capsys.readouterr() == ("", expected)
