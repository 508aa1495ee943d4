"""Phantom data sets on disk."""

import csv
import hashlib
import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from lungct.inventory import take_inventory
from lungct.processing import prepare
from lungct.progress import LOGGER_NAME
from lungct.roots import MASKS, DataRoot
from phantom import __main__ as main_module
from phantom import writer as writer_module
from phantom.__main__ import main
from phantom.model import make_scan
from phantom.order import MAX_SCANS, MAX_SEED, Order, PhantomError
from phantom.writer import make_phantoms

SHAPE = (24, 52, 48)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom") / "set"
    make_phantoms(str(folder), Order(3, 1, SHAPE), workers=1)
    return folder


def test_layout(made: Path) -> None:
    facts = json.loads((made / "PHANTOM.json").read_text())
    assert facts["phantom"] is True
    assert (facts["seed"], facts["scans"], facts["shape"]) == (1, 3, list(SHAPE))
    headers = sorted(made.glob("subset*/*.mhd"))
    assert [h.parent.name for h in headers] == ["subset0", "subset1", "subset2"]
    people = list(csv.DictReader((made / "patients.csv").open()))
    assert [row["seriesuid"] for row in people] == [h.stem for h in headers]
    assert not list(made.rglob(".*.part")) and not list(made.rglob("*.unfinished"))


def test_simpleitk_reads_what_was_made(made: Path) -> None:
    scan = make_scan(1, 1, SHAPE)
    image = sitk.ReadImage(str(made / "subset1" / f"{scan.series_uid}.mhd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), scan.hu)
    np.testing.assert_allclose(image.GetOrigin(), scan.geometry.origin_mm)
    np.testing.assert_allclose(image.GetSpacing(), scan.geometry.spacing_mm)
    np.testing.assert_allclose(image.GetDirection(), scan.geometry.direction)
    rows = [
        [float(v) for v in row[1:]]
        for row in csv.reader((made / "annotations.csv").open())
        if row[0] == scan.series_uid
    ]
    assert rows == [[*n.centre_mm, n.diameter_mm] for n in scan.nodules]


def test_masks_hold_the_exact_shares_and_are_the_truth(made: Path) -> None:
    scan = make_scan(1, 1, SHAPE)
    image = sitk.ReadImage(str(made / "nodule_masks" / f"{scan.series_uid}.nii.gz"))
    np.testing.assert_allclose(sitk.GetArrayFromImage(image), scan.coverage / 255, atol=1e-6)
    (found,) = (
        each
        for each in take_inventory([DataRoot(str(made))]).scans
        if each.series_uid == scan.series_uid
    )
    assert found.truth.kind == MASKS
    read = prepare(found).labels.voxels
    wanted = sorted((n.diameter_mm for n in scan.nodules), reverse=True)
    assert [v.nodule.diameter_mm for v in read] == pytest.approx(wanted, rel=0.02)


def test_bytes_depend_on_neither_processes_nor_number(made: Path, tmp_path: Path) -> None:
    make_phantoms(str(tmp_path / "two"), Order(4, 1, SHAPE), workers=2)
    more, fewer = digests(tmp_path / "two"), digests(made)
    kept = [k for k in fewer if k.startswith(("subset", "nodule_masks"))]
    assert len(kept) == 3 * 3 and [more[k] for k in kept] == [fewer[k] for k in kept]


def test_a_whole_folder_is_left_alone(made: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in made.rglob("*")}
    make_phantoms(str(made), Order(3, 1, SHAPE))
    assert {p: p.stat().st_mtime_ns for p in made.rglob("*")} == before


def test_an_interrupted_call_is_taken_up_again(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = writer_module.make_scan

    def dies_at_two(seed: int, index: int, *rest: Any) -> object:
        if index == 2:
            raise KeyboardInterrupt
        return original(seed, index, *rest)

    monkeypatch.setattr(writer_module, "make_scan", dies_at_two)
    with pytest.raises(KeyboardInterrupt):
        make_phantoms(str(tmp_path), Order(3, 1, SHAPE), workers=1)
    assert not (tmp_path / "PHANTOM.json").exists()
    first = next(tmp_path.glob("subset0/*.raw"))
    written = first.stat().st_mtime_ns
    monkeypatch.setattr(writer_module, "make_scan", original)
    make_phantoms(str(tmp_path), Order(3, 1, SHAPE), workers=1)
    assert first.stat().st_mtime_ns == written
    assert digests(tmp_path) == digests(made)


def test_temporary_files_of_a_killed_call_are_cleared(made: Path, tmp_path: Path) -> None:
    facts = (made / "PHANTOM.json").read_text()
    (tmp_path / "PHANTOM.json.unfinished").write_text(facts)
    (tmp_path / ".annotations.csv.99.part").write_text("half")
    (tmp_path / "nodule_masks").mkdir()
    (tmp_path / "nodule_masks" / ".a.nii.gz.99.part").write_text("half")
    (tmp_path / "subset1").mkdir()
    (tmp_path / "subset1" / f"{make_scan(1, 1, SHAPE).series_uid}.raw").write_bytes(b"half")
    make_phantoms(str(tmp_path), Order(3, 1, SHAPE), workers=1)
    assert digests(tmp_path) == digests(made)


@pytest.mark.parametrize("change", [{"scans": 2}, {"seed": 2}, {"shape": (24, 48, 52)}])
def test_another_phantom_is_refused(made: Path, change: dict[str, object]) -> None:
    other = replace(Order(3, 1, SHAPE), **change)  # type: ignore[arg-type]
    with pytest.raises(PhantomError, match="seed 1, scans 3"):
        make_phantoms(str(made), other)


def test_a_phantom_with_a_missing_file_is_refused(tmp_path: Path, made: Path) -> None:
    (tmp_path / "PHANTOM.json").write_text((made / "PHANTOM.json").read_text())
    with pytest.raises(PhantomError, match=r"got none of .*\.mhd"):
        make_phantoms(str(tmp_path), Order(3, 1, SHAPE))


def test_a_half_made_other_phantom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "PHANTOM.json.unfinished").write_text('{"seed": 5, "scans": 9}')
    with pytest.raises(PhantomError, match="begun with seed 5, scans 9"):
        make_phantoms(str(tmp_path), Order(3, 1, SHAPE))


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(PhantomError, match="thesis.txt"):
        make_phantoms(str(tmp_path), Order(1, 1, SHAPE))
    with pytest.raises(PhantomError, match="got a file"):
        make_phantoms(str(tmp_path / "thesis.txt"), Order(1, 1, SHAPE))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_truth_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "PHANTOM.json").write_text("no json")
    with pytest.raises(PhantomError, match="no json"):
        make_phantoms(str(tmp_path), Order(1, 1, SHAPE))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"scans": 0}, "expected 1 to 999999 scans, got 0"),
        ({"scans": MAX_SCANS + 1}, "scans, got 1000000"),
        ({"seed": -1}, "expected a seed from 0 to 4294967295, got -1"),
        ({"seed": MAX_SEED + 1}, "got 4294967296"),
        ({"shape": (8, 64, 64)}, r"expected a shape of at least \(24, 48, 48\), got \(8, 64, 64\)"),
        ({"shape": (24, 64)}, r"got \(24, 64\)"),
        ({"nodules": 0}, "expected 1 to 50 nodules a scan, got 0"),
        ({"nodules": 51}, "nodules a scan, got 51"),
    ],
)
def test_orders_out_of_range_are_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(PhantomError, match=text):
        replace(Order(), **change)  # type: ignore[arg-type]


def test_no_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhantomError, match="expected at least one process, got 0"):
        make_phantoms(str(tmp_path), Order(1, 1, SHAPE), workers=0)


def test_the_folder_of_an_order_names_it() -> None:
    assert Order(3, 7, (24, 52, 48)).folder == "phantom-7-3-24-52-48"
    assert Order(3, 7, (24, 52, 48), 9).folder == "phantom-7-3-24-52-48-n9"


def test_progress_counts_scans(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        make_phantoms(str(tmp_path), Order(2, 1, (24, 48, 48)), workers=2)
    seen = [record.progress[:3] for record in caplog.records]  # type: ignore[attr-defined]
    assert seen == [("phantom scans", n, 2) for n in (0, 1, 2)]


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "subset0").write_text("a file where a folder should be")
    facts = Order(2, 1, SHAPE).facts()
    (tmp_path / "PHANTOM.json.unfinished").write_text(json.dumps(facts))
    with pytest.raises(RuntimeError, match=r"phantom process failed: \w+Error: .*subset0"):
        make_phantoms(str(tmp_path), Order(2, 1, SHAPE), workers=2)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(tmp_path / "a"), "--scans", "1", "--seed", "3", "--shape", "24", "48", "48"]
    assert main([*words, "--nodules", "2"]) == 0
    assert json.loads((tmp_path / "a" / "PHANTOM.json").read_text())["nodules"] == 2
    assert main([*words[:2], "2"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("phantom: expected") and complaint.count("\n") == 1


def test_command_line_of_a_failed_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a phantom process ended with 1: no space left")

    monkeypatch.setattr(main_module, "make_phantoms", fails)
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == "phantom: a phantom process ended with 1: no space left\n"


def test_help_and_wrong_words() -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "phantom", *words]
        root = Path(writer_module.__file__).parents[1]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root)

    assert run("--help").returncode == 0
    wrong = run("out", "--scans", "many")
    assert wrong.returncode == 2 and "many" in wrong.stderr
