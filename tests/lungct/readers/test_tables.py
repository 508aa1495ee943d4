import pytest

from lungct.readers.tables import (
    TableError,
    bare_name,
    read_annotations,
    read_patients,
    read_splits,
)
from lungct.scan import Nodule

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def table(tmp_path, content):
    path = tmp_path / "annotations.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_annotations_by_series_in_the_order_of_rows(tmp_path):
    path = table(tmp_path, HEADER + "1.2,1,2.5,-3,4\n1.3,0,0,0,30\n1.2,5,6,7,8e0\n")
    found = read_annotations(path)
    assert found.by_series == {
        "1.2": (Nodule("1", (1.0, 2.5, -3.0), 4.0), Nodule("2", (5.0, 6.0, 7.0), 8.0)),
        "1.3": (Nodule("1", (0.0, 0.0, 0.0), 30.0),),
    }
    assert found.warnings == ()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER.encode() + b"1.2,1,2,3,4\n",
        HEADER.replace("\n", "\r\n") + "1.2,1,2,3,4\r\n\r\n",
        '"seriesuid","coordX","coordY","coordZ","diameter_mm"\n"1.2","1","2","3","4"\n',
        "note,diameter_mm,coordZ,coordY,coordX,seriesuid\nany,4,3,2,1,1.2\n",
        "SeriesUID , CoordX, coordy,coordZ,diameter_mm\n 1.2 , 1, 2 ,3,4",
    ],
    ids=["BOM", "CRLF", "quoted", "extra and reordered", "blanks and case"],
)
def test_annotations_laid_out_otherwise(tmp_path, content):
    found = read_annotations(table(tmp_path, content))
    assert found.by_series == {"1.2": (Nodule("1", (1.0, 2.0, 3.0), 4.0),)}


def test_duplicate_rows_are_one_nodule_and_reported(tmp_path):
    path = table(tmp_path, HEADER + "1.2,1,2,3,4\n1.2,1.0,2.0,3.0,4.0\n1.3,1,2,3,4\n")
    found = read_annotations(path)
    assert [len(nodules) for nodules in found.by_series.values()] == [1, 1]
    assert len(found.warnings) == 1
    assert "line 3" in found.warnings[0] and "line 2" in found.warnings[0]


def test_header_without_rows_is_a_table_without_nodules(tmp_path):
    assert read_annotations(table(tmp_path, HEADER)).by_series == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n\n", "table with a header"),
        (HEADER.replace("coordX", "coordZ"), "one column coordx, got"),
        (HEADER.replace("diameter_mm", "diameter_mm,diameter_mm"), "one column diameter_mm"),
        (HEADER + '1.2,1,2,3,4\n1.2,"56,2",2,3,4\n', "coordX within .* got '56,2' in line 3"),
        (HEADER + "1.2,1,2,1e9,4\n", "coordZ .* got '1e9'"),
        (HEADER + "1.2,1,2,1_0,4\n", "coordZ .* got '1_0'"),
        (HEADER + "1.2,1,2,3,\n", "diameter_mm .* got ''"),
        (HEADER + ",1,2,3,4\n", "a seriesuid, got '' in line 2"),
        (HEADER + '1.2,"1,2,3,4\n', "readable table"),
        (b"\xff\xfe\x00,", "readable table, got .*utf-8"),
    ],
)
def test_annotations_that_cannot_be_trusted(tmp_path, content, message):
    with pytest.raises(TableError, match=message) as caught:
        read_annotations(table(tmp_path, content))
    assert "annotations.csv" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "patient_id,seriesuid\nP1,1.2\nP2,1.3\nP1,1.2\n",
        "PatientID StudyInstanceUID SeriesInstanceUID \nP1 9.1 1.2 \nP2 9.2 1.3 \n",
    ],
    ids=["csv", "LIDC-IDRI"],
)
def test_patients(tmp_path, content):
    assert read_patients(table(tmp_path, content)) == {"1.2": "P1", "1.3": "P2"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "seriesuid,patient_id\n1.2,A\n1.2,B\n",
            "one patient of series 1.2, got A and B in line 3",
        ),
        ("seriesuid,patient_id\n1.2,\n", r"a series and a patient, got \('1.2', ''\) in line 2"),
        ("seriesuid,name\n1.2,A\n", "one column patient_id, got columns"),
    ],
)
def test_patients_that_cannot_be_trusted(tmp_path, content, message):
    with pytest.raises(TableError, match=message):
        read_patients(table(tmp_path, content))


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.mhd", "subset0/1.2.3.MHD", "C:\\ct\\1.2.3.nii.gz", " 1.2.3.raw "]
)
def test_series_named_by_a_file(text):
    assert bare_name(text) == "1.2.3"


def test_annotations_of_files_are_those_of_their_series(tmp_path):
    found = read_annotations(table(tmp_path, HEADER + "1.2.mhd,1,2,3,4\n1.2,5,6,7,8\n"))
    assert [nodule.diameter_mm for nodule in found.by_series["1.2"]] == [4.0, 8.0]


def test_splits_of_series_and_of_patients(tmp_path):
    found = read_splits(
        table(tmp_path, "split,seriesuid\ntrain,1.2\n\neval,1.3\n"), ["train", "eval"]
    )
    assert (found.by_series, found.rows) == (True, {"1.2": ("train", 2), "1.3": ("eval", 4)})
    found = read_splits(table(tmp_path, '"Patient_ID","split"\nP,eval\nP,eval\n'), ["eval"])
    assert (found.by_series, found.rows) == (False, {"P": ("eval", 2)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seriesuid,split\n1.2,Train\n", r"a series and one of the splits train, got \('1.2', 'Tr"),
        ("patient_id,split\n,train\n", r"a patient and one of the splits train, got \('', 'train'"),
        ("seriesuid,fold\n1.2,3\n", "one column split, got columns"),
        ("name,split\n1.2,train\n", "one column patient_id, got columns"),
        ("", "table with a header, got 0 characters"),
        (b"\xff\xfe\x00,", "readable table"),
    ],
)
def test_splits_that_cannot_be_trusted(tmp_path, content, message):
    with pytest.raises(TableError, match=message):
        read_splits(table(tmp_path, content), ["train"])


def test_a_series_in_two_splits_names_both_lines(tmp_path):
    path = table(tmp_path, "seriesuid,split\n1.2,train\n1.2,eval\n")
    with pytest.raises(
        TableError, match="one split of 1.2, got train in line 2 and eval in line 3"
    ):
        read_splits(path, ["train", "eval"])


def test_real_tables(real_data):
    tables = real_data / "luna16_tables"
    found = read_annotations(str(tables / "annotations.csv"))
    assert len(found.by_series) == 601
    assert sum(map(len, found.by_series.values())) == 1186
    assert len(read_patients(str(tables / "LIDC-IDRI-mappingLUNA16.txt"))) == 888
