"""Scans of a bucket on this machine, and records without the places of their copies."""

from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from lungct.inventory import FoundScan
from lungct.limits import LUNG
from lungct.local_scan import on_this_machine
from lungct.readers.layout import ScanFiles
from lungct.record import ScanRecord
from lungct.scan import ScanError
from lungct.truth.labels import Truth

PLACE = "memory://local-scan"


def scan_of(*names: str, label: str = "") -> FoundScan:
    files = tuple(f"{PLACE}/{name}" for name in names)
    for path in (*files, *([label] if label else [])):
        fsspec.filesystem("memory").pipe(path, path.encode())
    scan = ScanFiles("1.2", files[0], files, label)
    return FoundScan(scan, "luna16", "data", LUNG, Truth("masks", label=label), "P")


def test_files_of_this_machine_stay_where_they_are(tmp_path: Path) -> None:
    path = str(tmp_path / "1.2.mhd")
    found = FoundScan(ScanFiles("1.2", path, (path,)), "luna16", "data", LUNG, Truth(), "P")
    with on_this_machine(found) as local:
        assert local.scan == found
        record = ScanRecord("1.2", "quarantined", f"bad {path}", path=path)
        assert local.with_own_paths(record) is record


def test_copies_are_there_for_as_long_as_they_are_worked_on() -> None:
    found = scan_of("a/1.2.mhd", "a/1.2.raw", label=f"{PLACE}/b/1.2.nii")
    with on_this_machine(found) as local:
        files = local.scan.files
        assert [Path(path).name for path in files.files] == ["1.2.mhd", "1.2.raw"]
        assert files.path == files.files[0]
        assert Path(files.label).read_bytes() == f"{PLACE}/b/1.2.nii".encode()
        assert local.scan.truth.label == files.label
        assert [local.own_path(path) for path in files.files] == list(found.files.files)
        beside = str(Path(files.path).with_name("other.raw"))
        assert local.own_path(beside) == f"{PLACE}/a/other.raw"
        assert local.own_path("/elsewhere/x") == "/elsewhere/x"
    assert not Path(files.path).exists()


def test_a_folder_of_slices_is_a_folder_here() -> None:
    found = scan_of("a/1.dcm", "a/2.dcm")
    found = replace(found, files=replace(found.files, path=f"{PLACE}/a"))
    with on_this_machine(found) as local:
        assert local.scan.files.path == str(Path(local.scan.files.files[0]).parent)
        told = local.with_own_paths(
            ScanRecord(
                "1.2",
                "quarantined",
                f"expected X in {local.scan.files.files[1]} of {local.scan.files.path}",
                path=local.scan.files.path,
                warnings=(f"odd {local.scan.files.files[0]}",),
            )
        )
    assert told.reason == f"expected X in {PLACE}/a/2.dcm of {PLACE}/a"
    assert (told.path, told.warnings) == (f"{PLACE}/a", (f"odd {PLACE}/a/1.dcm",))


def test_a_file_that_is_gone_refuses_its_scan() -> None:
    found = scan_of("c/1.2.mhd", "c/1.2.raw")
    fsspec.filesystem("memory").rm(f"{PLACE}/c/1.2.raw")
    with pytest.raises(ScanError, match="expected all files of memory://local-scan/c/1.2.mhd"):
        with on_this_machine(found):
            pass


def test_an_error_of_the_work_is_its_own() -> None:
    with pytest.raises(FileNotFoundError, match="mine"):
        with on_this_machine(scan_of("d/1.2.mhd")):
            raise FileNotFoundError("mine")
