import pytest

from lungct.froc.tables import (
    TablePaths,
    read_challenge,
    read_marks,
    read_series,
)
from lungct.readers.excluded import read_excluded
from lungct.readers.tables import TableError
from tests.lungct.froc import challenge

COLUMNS = "seriesuid,coordX,coordY,coordZ"


def table(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        "1.2\n1.3\n",
        "seriesuid\r\n1.2\r\n\r\n1.3",
        b'\xef\xbb\xbf"SeriesUID"\n"1.2"\n"1.3"\n',
        " 1.2.mhd \nsubset0/1.3.mhd\n",
    ],
    ids=["bare", "header, CRLF, blank line", "BOM, quoted", "files"],
)
def test_series(tmp_path, content):
    assert read_series(table(tmp_path, content)) == ("1.2", "1.3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a list of series, got none in"),
        ("seriesuid\n", "a list of series, got none in"),
        ("1.2\n1.3,0.5\n", "one series, got '1.3,0.5' in line 2 of"),
        ("1.2 1.3\n", "one series, got '1.2 1.3' in line 1 of"),
        ('1.2\n""\n', "one series, got '\"\"' in line 2 of"),
        ("1.2\n1.3\n1.2.mhd\n", "each series once, got 1.2 in lines 1 and 3 of"),
        (b"\xff\xfe\x00", "a list of series, got .*utf-8"),
    ],
)
def test_series_that_cannot_be_trusted(tmp_path, content, message):
    with pytest.raises(TableError, match=message) as caught:
        read_series(table(tmp_path, content))
    assert "table.csv" in str(caught.value)


def test_a_list_of_series_that_is_not_there(tmp_path):
    with pytest.raises(TableError, match="a list of series, got No such file.* in .*gone.csv"):
        read_series(str(tmp_path / "gone.csv"))


def test_marks(tmp_path):
    rows = "1.3,1,2,3,-4.5e1\n1.2,4,5,6,1\n1.3,1,2,3,-4.5e1\n"
    found = read_marks(table(tmp_path, f"{COLUMNS},probability\n{rows}"))
    assert list(found) == ["1.3", "1.2"]
    assert found["1.3"].centres_mm.tolist() == [[1.0, 2.0, 3.0]] * 2
    assert found["1.3"].scores.tolist() == [-45.0, -45.0]


def test_a_submission_without_marks(tmp_path):
    assert read_marks(table(tmp_path, f"{COLUMNS},probability\n")) == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1.2,1,2,3,nan", "probability as a finite number, got 'nan' in line 3 of"),
        ("1.2,1,2,3,inf", "got 'inf' in line 3"),
        ("1.2,1,2,3,1_0", "got '1_0' in line 3"),
        ("1.2,1,2,3,", "got '' in line 3"),
        ("1.2,1,2,x,0.5", "coordZ within .* got 'x' in line 3"),
        ("1.2,1,2,3", "expected 5 fields, got 4 in line 3"),
        (",1,2,3,0.5", "a seriesuid, got '' in line 3"),
    ],
)
def test_marks_that_cannot_be_trusted(tmp_path, row, message):
    path = table(tmp_path, f"{COLUMNS},probability\n1.2,1,2,3,0.5\n{row}\n")
    with pytest.raises(TableError, match=message):
        read_marks(path)


def paths(tmp_path, **changed):
    options = challenge.write(tmp_path, **changed)
    return TablePaths(**{n[2:]: p for n, p in zip(options[::2], options[1::2], strict=True)})


def test_marks_and_nodules_of_series_that_do_not_count_are_ignored_with_a_warning(tmp_path):
    found = read_challenge(paths(tmp_path))
    assert found.patients == {"1.1": "A", "1.2": "A", "1.3": "B"}
    assert found.ignored_marks == 1
    assert [warning.partition(" of ")[0] for warning in found.warnings] == [
        "ignored 1 mark",
        "ignored 1 nodule",
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("annotations", "annotations"),
        ("excluded", "excluded findings"),
        ("submission", "marks"),
    ],
)
def test_a_table_of_other_series_alone_is_refused(tmp_path, name, what):
    # As by the names of another program; its marks would all be ignored, and the CPM be 0.
    other = challenge.TABLES[name].replace("\n1.", "\nscan 1.")
    message = f"{what} of scans that are there, such as 1.1, got .* such as scan 1.* in .*{name}"
    with pytest.raises(TableError, match=message):
        read_challenge(paths(tmp_path, **{name: other}))


@pytest.mark.parametrize("name", ["annotations", "excluded", "submission"])
def test_a_table_without_rows_is_read(tmp_path, name):
    header, *_ = challenge.TABLES[name].partition("\n")
    found = read_challenge(paths(tmp_path, **{name: f"{header}\n"}))
    assert {"annotations": found.nodules, "excluded": found.excluded, "submission": found.marks}[
        name
    ] == {}


def test_a_nodule_that_is_annotated_twice_is_one_and_reported(tmp_path):
    twice = challenge.TABLES["annotations"].replace("1.9", "1.1").replace(",6\n", ",10\n")
    found = read_challenge(paths(tmp_path, annotations=twice))
    assert len(found.nodules["1.1"]) == 1
    assert "repeats line 2" in found.warnings[0]


def test_without_a_table_of_patients_each_series_is_one(tmp_path):
    given = paths(tmp_path)
    found = read_challenge(TablePaths(**{**vars(given), "patients": ""}))
    assert found.patients == {"1.1": "1.1", "1.2": "1.2", "1.3": "1.3"}


def test_a_series_without_a_patient_is_refused(tmp_path):
    few = "seriesuid,patient_id\n1.1,A\n1.3,B\n"
    with pytest.raises(TableError, match=r"a patient of series 1.2, got none in .*patients.csv"):
        read_challenge(paths(tmp_path, patients=few))


def test_real_tables(real_data):
    tables = real_data / "luna16_tables"
    series = read_series(str(tables / "seriesuids.csv"))
    found = read_excluded(str(tables / "annotations_excluded.csv"))
    assert len(series) == 888
    assert sum(len(found[uid]) for uid in series) == 35_192
