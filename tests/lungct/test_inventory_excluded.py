"""Findings that a challenge excludes, as the inventory finds them."""

from pathlib import Path
from unittest.mock import patch

import pytest

from lungct.inventory import take_inventory
from lungct.readers.excluded import read_excluded
from lungct.readers.tables import TableError
from lungct.roots import LIDC, REFUSE, DataRoot
from lungct.scan import Nodule
from lungct.truth.labels import Truth
from tests.lungct.luna16 import NODULE, make_root
from tests.lungct.test_inventory import HEADER, add_excluded, by_series, inventory_of


def test_excluded_findings_beside_the_annotations_are_those_of_each_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q", "1.3": "r"})
    assert [scan.excluded for scan in inventory_of(root).scans] == [(), (), ()]
    add_excluded(root, "1.2,1,2,3,-1\n1.3,4,5,6,2.5\n1.2,-7,8,9,4\n")
    inventory = inventory_of(root)
    assert [scan.excluded for scan in inventory.scans] == [
        (),
        (Nodule("1", (1.0, 2.0, 3.0), -1.0), Nodule("2", (-7.0, 8.0, 9.0), 4.0)),
        (Nodule("1", (4.0, 5.0, 6.0), 2.5),),
    ]
    assert inventory.warnings == ()
    # They change nothing else that is known of a scan.
    assert all(scan.truth == Truth(nodules=(NODULE,)) for scan in inventory.scans)
    with_outlines = inventory_of(root, truth=LIDC, without_outlines=REFUSE)
    assert len(by_series(with_outlines)["1.2"].excluded) == 2


def test_excluded_findings_are_read_once_and_not_where_tables_are_named(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {f"1.{n}": "p" for n in range(3)})
    add_excluded(root, "1.1,1,2,3,-1\n")
    with patch("lungct.readers.root_tables.read_excluded", wraps=read_excluded) as read:
        inventory_of(root)
        read.assert_called_once_with(f"{root}/annotations_excluded.csv")
        assert take_inventory([DataRoot(root)], annotations=()).scans[1].excluded == ()
        read.assert_called_once()


def test_excluded_findings_of_scans_that_are_not_there(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    add_excluded(root, "1.1,1,2,3,-1\n9.9,0,0,0,5\n")
    assert inventory_of(root).warnings == (
        f"{root}/annotations_excluded.csv: excluded findings of 1 series that is not there, "
        "such as 9.9",
    )
    add_excluded(root, "9.9,0,0,0,5\n")
    message = r"expected excluded findings of scans that are there, such as 1\.1, got 1 other ser"
    with pytest.raises(TableError, match=message):
        inventory_of(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "1.1,1,2,3,0\n", r"diameter_mm above 0 .*, got '0' in line 2 of .*_excluded.csv"),
        (HEADER + "1.1,x,2,3,-1\n", r"coordX within .*, got 'x' in line 2 of .*_excluded.csv"),
        (HEADER + "1.1,1,2,3\n", r"expected 5 fields, got 4 in line 2 of .*_excluded.csv"),
        ("seriesuid,x,y,z,d\n", r"one column coordx, got .*_excluded.csv"),
        ("", r"a table with a header, got 0 characters in .*_excluded.csv"),
    ],
)
def test_a_bad_table_of_excluded_findings_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "annotations_excluded.csv").write_text(content)
    with pytest.raises(TableError, match=message):
        inventory_of(root)


def test_excluded_findings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "ab"]
    for root in roots:
        add_excluded(root, "1.a,1,2,3,-1\n1.b,1,2,3,-1\n")
    assert [len(scan.excluded) for scan in inventory_of(*roots).scans] == [1, 1]
    add_excluded(roots[1], "1.a,1,2,3,4\n1.b,1,2,3,-1\n")
    with pytest.raises(TableError, match=r"one set of excluded findings for 1\.a, got another in"):
        inventory_of(*roots)
