"""Data roots become a list of scans with patients and truth; bad tables stop the run."""

import os
from pathlib import Path

import pytest

from lungct.inventory import FoundScan, Inventory, reader_of, take_inventory
from lungct.limits import VOLUME
from lungct.readers import LAYOUTS
from lungct.readers.tables import TableError
from lungct.roots import LIDC, REFUSE, DataRoot
from lungct.storage import StorageError
from lungct.truth.labels import Truth
from tests.lungct.luna16 import NODULE, make_root, upload
from tests.lungct.truth.lidc import xml
from tests.time_limit import at_most

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def inventory_of(*roots: str, checksums: str = "", **said: object) -> Inventory:
    made = [DataRoot(root, **said) for root in roots]  # type: ignore[arg-type]
    return take_inventory(made, checksums)


def by_series(inventory: Inventory) -> dict[str, FoundScan]:
    return {scan.series_uid: scan for scan in inventory.scans}


def add_excluded(root: str, rows: str) -> None:
    (Path(root) / "annotations_excluded.csv").write_text(HEADER + rows)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_a_reader_of_its_name(layout: str) -> None:
    assert reader_of(layout).layout == layout


def test_a_scan_is_found_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.2": "q", "1.1": "p"})
    inventory = inventory_of(root, name="ours", region=VOLUME)
    first, second = inventory.scans
    assert (first.series_uid, second.series_uid) == ("1.1", "1.2")
    assert first.files.path == f"{root}/subset0/1.1.mhd"
    assert first.files.files == (f"{root}/subset0/1.1.mhd", f"{root}/subset0/1.1.raw")
    assert (first.layout, first.source, first.region) == ("luna16", "ours", VOLUME)
    assert (first.patient_id, first.phantom, first.checksums) == ("p", False, {})
    assert first.truth == Truth(nodules=(NODULE,))
    assert inventory.warnings == ()


def test_roots_are_joined_and_phantoms_are_told(tmp_path: Path) -> None:
    first = make_root(tmp_path / "a", {"1.2": "p"})
    second = make_root(tmp_path / "b", {"1.1": "q"})
    (tmp_path / "b" / "PHANTOM.json").write_text("{}")
    scans = inventory_of(first, second).scans
    told = [(scan.series_uid, scan.source, scan.phantom) for scan in scans]
    assert told == [("1.1", "b", True), ("1.2", "a", False)]


def test_what_is_said_of_a_root_holds_for_its_scans_alone(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "12"]
    xml.write(tmp_path / "2" / "lidc", xml.message(series_uid="1.2"), "x.xml")
    inventory = take_inventory(
        [DataRoot(roots[0]), DataRoot(roots[1], region=VOLUME, truth=LIDC, min_readers=3)]
    )
    first, second = inventory.scans
    assert (first.region, first.truth.kind) == ("lung", "spheres")
    assert (second.region, second.truth.words) == (VOLUME, "outlines of 3 or more readers")


def test_a_series_in_no_table_is_its_own_patient(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "patients.csv").unlink()
    (scan,) = inventory_of(root).scans
    assert scan.patient_id == "1.1"


def test_annotations_without_a_scan_are_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with open(tmp_path / "a" / "annotations.csv", "a") as table:
        table.write("9.9,0,0,0,5\n")
    (warning,) = inventory_of(root).warnings
    assert "annotations of 1 series that is not there, such as 9.9" in warning


def test_annotations_of_other_scans_alone_are_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "annotations.csv").write_text(HEADER + "9.9,0,0,0,5\n9.8,0,0,0,5\n")
    with pytest.raises(TableError, match=r"there, such as 1\.1, got 2 other series, such as 9\.8"):
        inventory_of(root)


def test_named_tables_take_the_place_of_those_beside_the_scans(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    named = tmp_path / "more.csv"
    named.write_text(HEADER + "1.1,1,2,3,5\n")
    (scan,) = take_inventory([DataRoot(root)], annotations=[str(named)]).scans
    assert [nodule.centre_mm for nodule in scan.truth.nodules] == [(1.0, 2.0, 3.0)]
    (tmp_path / "a" / "annotations.csv").unlink()
    (scan,) = take_inventory([DataRoot(root)], annotations=[]).scans
    assert scan.truth.nodules == ()


def test_no_scan_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"scans as DIR/\*\.mhd .*, which holds no files"):
        inventory_of(str(tmp_path))
    (tmp_path / "annotations.csv").write_text(HEADER)
    with pytest.raises(TableError, match=r"holds 1 other file, such as /.*/annotations\.csv"):
        inventory_of(str(tmp_path))


def test_the_layout_that_was_said_is_the_only_one_tried(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with pytest.raises(TableError, match=r"expected scans as [^;]* \(dicom\), got none in "):
        inventory_of(root, layout="dicom")


def test_a_root_that_is_not_there_is_refused() -> None:
    with pytest.raises(StorageError, match="expected a folder of scans, got '/gone'"):
        inventory_of("/gone")


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "annotations.csv").unlink()
    with pytest.raises(TableError, match=r"annotations\.csv, got no such file"):
        inventory_of(root)


def test_outlines_of_every_scan_need_no_table(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    (tmp_path / "a" / "annotations.csv").unlink()
    xml.write(tmp_path / "a" / "lidc", xml.message(series_uid="1.1"), "1.xml")
    with pytest.raises(TableError, match=r"annotations\.csv, got no such file"):
        inventory_of(root, truth=LIDC)
    assert len(inventory_of(root, truth=LIDC, without_outlines=REFUSE).scans) == 2
    xml.write(tmp_path / "a" / "lidc", xml.message(series_uid="1.2"), "2.xml")
    assert len(inventory_of(root, truth=LIDC).scans) == 2


def test_the_same_series_in_two_roots_is_refused(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {"1.1": "p"}) for name in "ab"]
    with pytest.raises(TableError, match=r"1\.1 once"):
        inventory_of(*roots)


def test_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    first, second = make_root(tmp_path / "a", {"1.1": "p"}), make_root(tmp_path / "b", {"1.2": "q"})
    (tmp_path / "b" / "patients.csv").write_text("seriesuid,patient_id\n1.1,other\n1.2,q\n")
    with pytest.raises(TableError, match=r"one patient for series 1\.1, got p and, in .*, other"):
        inventory_of(first, second)
    (tmp_path / "b" / "patients.csv").unlink()
    (tmp_path / "b" / "annotations.csv").write_text(HEADER + "1.1,0,0,0,5\n")
    with pytest.raises(TableError, match=r"one set of annotations for 1\.1"):
        inventory_of(first, second)


def test_reader_outlines_are_found_beside_the_scans_and_where_they_are_named(
    tmp_path: Path,
) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q", "1.3": "r"})
    beside = xml.write(tmp_path / "a" / "lidc", xml.message(series_uid="1.1"), "x.xml")
    deep = xml.write(tmp_path / "more" / "157", xml.message(series_uid="1.2"), "158.xml")
    inventory = inventory_of(root, truth=LIDC, outlines=(str(tmp_path / "more"),))
    assert [scan.truth.outlines for scan in inventory.scans] == [(beside,), (deep,), ()]
    assert [scan.truth.kind for scan in inventory.scans] == ["lidc", "lidc", "spheres"]
    assert inventory.warnings == (
        "1 of 3 scans has no reader outlines and takes spheres, such as 1.3",
    )
    strict = inventory_of(root, truth=LIDC, without_outlines=REFUSE)
    assert strict.warnings == ("2 of 3 scans have no reader outlines and are refused, such as 1.2",)
    assert [scan.truth.kind for scan in strict.scans] == ["lidc"] * 3
    assert all(scan.truth.outlines == () for scan in inventory_of(root).scans)


def test_a_pipe_among_the_outlines_is_for_the_scan_to_stumble_over(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "lidc").mkdir()
    os.mkfifo(tmp_path / "a" / "lidc" / "1.1.xml")
    with at_most(5):
        (scan,) = inventory_of(root, truth=LIDC).scans
    assert scan.truth.outlines == (str(tmp_path / "a" / "lidc" / "1.1.xml"),)


def test_a_folder_of_outlines_that_is_not_there(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with pytest.raises(StorageError, match="folder of LIDC XML files, got '/gone'"):
        inventory_of(root, truth=LIDC, outlines=("/gone",))


def test_a_bucket_gives_what_the_same_folder_gives(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    # The name of the file does not tell the series: its head does.
    xml.write(tmp_path / "a" / "lidc", xml.message(series_uid="1.1"), "158.xml")
    (tmp_path / "a" / "SHA256SUMS").write_text(f"{'0' * 64}  subset0/1.1.mhd\n")
    (tmp_path / "a" / "subset0" / "9.9.raw").write_bytes(b"")
    add_excluded(root, "1.1,1,2,3,-1\n")
    place = upload(tmp_path / "a", "test-inventory/a")
    here, there = inventory_of(root, truth=LIDC), inventory_of(place, truth=LIDC)
    assert repr(there.scans) == repr(here.scans).replace(root, place)
    assert list(there.warnings) == [line.replace(root, place) for line in here.warnings]
    assert len(there.warnings) == 3 and len(there.scans[0].excluded) == 1


def test_lists_of_checksums_are_found_and_what_they_lack_is_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    (tmp_path / "a" / "SHA256SUMS").write_text(f"{'0' * 64}  ./subset0/1.1.mhd\n")
    (tmp_path / "a" / "subset0" / "SHA256SUMS").write_text(f"{'1' * 64}  1.9.mhd\n")
    # Elsewhere: its names are relative to the data root.
    named = tmp_path / "lists" / "more"
    named.parent.mkdir()
    named.write_text(f"{'2' * 64}  subset0/1.1.raw\n")
    inventory = inventory_of(root, checksums=str(named))
    listed = by_series(inventory)["1.1"].checksums
    place = f"{root}/subset0/1.1"
    assert (listed[f"{place}.mhd"], listed[f"{place}.raw"]) == ("0" * 64, "2" * 64)
    assert f"{place}.mhd" not in by_series(inventory)["1.2"].checksums
    assert inventory.warnings == (
        f"lists of checksums have 1 scan that is not there, such as {root}/subset0/1.9.mhd",
        "1 of 2 scans is in no list of checksums, such as 1.2",
    )


@pytest.mark.parametrize("content", ["", f"{'0' * 64}  elsewhere/1.1.raw\n"])
def test_a_list_of_checksums_of_no_scan_is_refused(tmp_path: Path, content: str) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "named").write_text(content)
    with pytest.raises(TableError, match=r"files in .*a, got none among \d names in .*named"):
        inventory_of(root, checksums=str(tmp_path / "named"))
    with pytest.raises(TableError, match=r"list of checksums, got No such file .* in .*gone"):
        inventory_of(root, checksums=str(tmp_path / "gone"))


def test_files_that_look_like_scans_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    (tmp_path / "a" / "subset0" / "1.2.mhd").unlink()
    (warning, *rest) = inventory_of(root).warnings
    assert warning.startswith("1 file looks like scans") and warning.endswith("subset0/1.2.raw")


def test_names_that_are_no_utf8_are_told(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with open(os.fsencode(root) + b"/\xff.txt", "wb"):
        pass
    assert inventory_of(root).warnings == (
        f"left out a file whose name is no UTF-8: {root}/\\xff.txt",
    )


def test_a_root_within_another_is_refused(tmp_path: Path) -> None:
    make_root(tmp_path, {"1.1": "a"})
    for inner in (tmp_path, tmp_path / "subset0"):
        with pytest.raises(TableError, match="expected data roots apart from each other, got "):
            take_inventory([DataRoot(str(tmp_path)), DataRoot(str(inner))])


def test_roots_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [str(tmp_path / name / "scans") for name in "ab"]
    for number, path in enumerate(paths):
        Path(path).mkdir(parents=True)
        (Path(path) / f"1.{number}.mhd").write_text("NDims = 3\n")
    roots = [DataRoot(path) for path in paths]
    found = take_inventory(roots, annotations=())
    assert [scan.source for scan in found.scans] == paths
