from lungct.truth.lidc.folders import by_series, series_of
from tests.lungct.truth.lidc import xml


def test_files_are_grouped_by_head_or_name(tmp_path):
    named = xml.write(tmp_path, xml.message(xml.session()), "deep/069.xml")
    second = xml.write(tmp_path, b"broken", f"{xml.SERIES}__2.xml")
    other = xml.write(tmp_path, b"broken", "1.4.xml")
    found = by_series([other, named, second, named])
    assert found == {xml.SERIES: (second, named), "1.4": (other,)}


def test_what_is_no_file_has_the_series_of_its_name(tmp_path):
    (tmp_path / "1.5.xml").mkdir()
    assert by_series([str(tmp_path / "1.5.xml")]) == {"1.5": (str(tmp_path / "1.5.xml"),)}


def test_a_head_counts_more_than_a_name():
    head = xml.message(xml.session())
    assert series_of(head, "9.9.xml") == xml.SERIES
    assert series_of(b"<SeriesInstanceUid>", "/a/9.9__2.xml") == "9.9"
