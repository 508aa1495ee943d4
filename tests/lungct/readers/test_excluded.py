"""Findings that are neither true nor false, as LUNA16 lists them."""

from pathlib import Path

import pytest

from lungct.readers.excluded import read_excluded
from lungct.readers.tables import TableError
from lungct.scan import Nodule

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm"


def table(folder: Path, rows: str) -> str:
    path = folder / "table.csv"
    path.write_text(f"{HEADER}\n{rows}")
    return str(path)


def test_excluded_findings_may_have_no_diameter(tmp_path: Path) -> None:
    rows = "1.2,1,2,3,-1\n1.2,1,2,3,-1.0\n1.3,4,5,6,2.5\n"
    found = read_excluded(table(tmp_path, rows))
    assert found == {
        "1.2": (Nodule("1", (1.0, 2.0, 3.0), -1.0), Nodule("2", (1.0, 2.0, 3.0), -1.0)),
        "1.3": (Nodule("1", (4.0, 5.0, 6.0), 2.5),),
    }


@pytest.mark.parametrize("diameter", ["0", "-2", "nan", "", "x", "151"])
def test_excluded_findings_with_other_diameters_are_refused(tmp_path: Path, diameter: str) -> None:
    path = table(tmp_path, f"1.2,1,2,3,{diameter}\n")
    message = f"diameter_mm above 0 and up to 150 mm, got '{diameter}' in line 2 of .*table.csv"
    with pytest.raises(TableError, match=message):
        read_excluded(path)
