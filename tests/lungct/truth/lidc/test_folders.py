import pytest

from lungct.truth.lidc.folders import find_reads, series_of
from lungct.truth.lidc.reads import LidcError
from tests.lungct.truth.lidc import xml


def test_find_reads_by_head_or_name(tmp_path):
    named = xml.write(tmp_path, xml.message(xml.session()), "deep/069.xml")
    second = xml.write(tmp_path, b"broken", f"{xml.SERIES}__2.xml")
    other = xml.write(tmp_path, b"broken", "1.4.xml")
    assert find_reads(str(tmp_path)) == {xml.SERIES: (second, named), "1.4": (other,)}


def test_find_reads_takes_the_name_of_what_is_no_file(tmp_path):
    (tmp_path / "1.5.xml").mkdir()
    assert find_reads(str(tmp_path)) == {"1.5": (str(tmp_path / "1.5.xml"),)}
    with pytest.raises(LidcError, match="folder of LIDC XML files, got .*gone"):
        find_reads(str(tmp_path / "gone"))


def test_a_head_counts_more_than_a_name():
    head = xml.message(xml.session())
    assert series_of(head, "9.9.xml") == xml.SERIES
    assert series_of(b"<SeriesInstanceUid>", "/a/9.9__2.xml") == "9.9"
