"""Which changes of the inputs CtExampleGen's driver sees."""

import os
from pathlib import Path

import fsspec
import pytest

from components.ct_example_gen.driver import Driver, input_config
from components.ct_example_gen.request import Request
from lungct.grid import Grid
from lungct.roots import LIDC, DataRoot
from lungct.storage import StorageError
from schema.hyperparameters import Intensity
from schema.splits import SplitRule
from tests.lungct.luna16 import make_root, upload
from tests.lungct.truth.lidc import xml

GRID = Grid((6.0, 5.0, 4.0))
SPLIT = SplitRule(eval_fraction=0.5)


def request_of(*roots: str) -> Request:
    return Request(tuple(map(DataRoot, roots)), SPLIT, GRID, Intensity())


def fingerprint(request: Request) -> str:
    base, files = input_config(request)
    processor = Driver(None).get_input_processor(files.splits, None, base)
    span, version = processor.resolve_span_and_version()
    return str(processor.get_input_fingerprint(span, version))


def test_any_change_of_the_inputs_is_seen(tmp_path: Path) -> None:
    request = request_of(*(make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "ab"))
    seen = {fingerprint(request)}
    assert fingerprint(request) in seen
    voxels = tmp_path / "b" / "subset0" / "1.b.raw"
    stat = voxels.stat()
    # The same size in the same second.
    os.utime(voxels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))
    seen.add(fingerprint(request))
    data = bytearray(voxels.read_bytes())
    data[5000] ^= 1
    voxels.write_bytes(data)
    seen.add(fingerprint(request))
    table = tmp_path / "a" / "annotations.csv"
    table.write_text(table.read_text() + "9.9,0,0,0,5\n")
    seen.add(fingerprint(request))
    excluded = tmp_path / "a" / "annotations_excluded.csv"
    for text in ("seriesuid\n", "seriesuid,coordX\n"):
        excluded.write_text(text)
        seen.add(fingerprint(request))
    table.rename(tmp_path / "a" / "annotation.csv")
    seen.add(fingerprint(request))
    (tmp_path / "a" / "SHA256SUMS").write_text("")
    seen.add(fingerprint(request))
    (tmp_path / "b" / "subset0" / "1.b.mhd").unlink()
    seen.add(fingerprint(request))
    assert len(seen) == 9


def test_files_in_deep_folders_are_watched(tmp_path: Path) -> None:
    request = request_of(make_root(tmp_path / "a", {"1.1": "p"}))
    seen = {fingerprint(request)}
    deep = tmp_path / "a" / "1" / "2" / "3" / "4" / "5"
    deep.mkdir(parents=True)
    (deep / "1.dcm").write_bytes(b"x")
    assert fingerprint(request) not in seen


def test_tables_and_outlines_elsewhere_are_watched_too(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    table, checksums = tmp_path / "splits" / "table.csv", tmp_path / "checksums" / "list"
    named, deep = tmp_path / "xml" / "157", tmp_path / "a" / "lidc"
    for path in (table, checksums):
        path.parent.mkdir()
        path.write_text("")
    named.mkdir(parents=True)
    request = Request(
        (DataRoot(root, truth=LIDC, outlines=(str(named.parent),)),),
        SplitRule(table=str(table)),
        GRID,
        Intensity(),
        str(checksums),
    )
    seen = {fingerprint(request)}
    table.write_text("x")
    seen.add(fingerprint(request))
    checksums.write_text("x")
    seen.add(fingerprint(request))
    for folder in (named, deep):
        xml.write(folder, b"x", "1.xml")
        seen.add(fingerprint(request))
    assert len(seen) == 5


@pytest.mark.parametrize("odd", [b"\xff.raw", b"n\xc3\xa4me.raw", b"two\nlines.raw"])
def test_an_odd_name_beside_the_scans_breaks_nothing(tmp_path: Path, odd: bytes) -> None:
    request = request_of(make_root(tmp_path / "a", {"1.1": "p"}))
    with open(os.path.join(os.fsencode(tmp_path / "a" / "subset0"), odd), "wb") as file:
        file.write(b"x")
    assert fingerprint(request) == fingerprint(request)


def test_a_link_that_leads_nowhere_breaks_nothing(tmp_path: Path) -> None:
    request = request_of(make_root(tmp_path / "a", {"1.1": "p"}))
    before = fingerprint(request)
    (tmp_path / "a" / "subset0" / "old.raw").symlink_to("/gone")
    assert fingerprint(request) != before


def test_changes_in_a_bucket_are_seen(tmp_path: Path) -> None:
    make_root(tmp_path / "a", {"1.1": "p"})
    place = upload(tmp_path / "a", "test-driver")
    request = request_of(place)
    seen = {fingerprint(request)}
    assert fingerprint(request) in seen
    fsspec.filesystem("memory").pipe(f"{place}/annotations.csv", b"")
    seen.add(fingerprint(request))
    fsspec.filesystem("memory").pipe(f"{place}/subset0/1.2.mhd", b"")
    seen.add(fingerprint(request))
    assert len(seen) == 3


def test_every_pattern_is_below_one_base(tmp_path: Path) -> None:
    request = Request(
        (DataRoot("/data/a", outlines=("/data/xml",)), DataRoot("/data/b")),
        SplitRule(table="/data/lists/splits.csv"),
        GRID,
        Intensity(),
    )
    base, files = input_config(request)
    assert base == "/data"
    patterns = [split.pattern for split in files.splits]
    assert patterns[:6] == ["a/*", "a/*/*", "a/*/*/*", "a/*/*/*/*", "a/*/*/*/*/*", "a/*/*/*/*/*/*"]
    assert (patterns[6], patterns[12], patterns[18:]) == ("b/*", "xml/*", ["lists/splits.csv"])
    assert len({split.name for split in files.splits}) == len(files.splits)


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected a folder of scans, got '/.*/gone'"):
        fingerprint(request_of(str(tmp_path / "gone")))


def test_no_root_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least one data root, got \[\]"):
        input_config(request_of())
