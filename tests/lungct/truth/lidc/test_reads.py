import pytest

from lungct.scan import ScanError
from lungct.truth.lidc import reads as reads_module
from lungct.truth.lidc.reads import (
    LidcError,
    Outline,
    merge_reads,
    parse_reads,
    read_reads,
)
from tests.lungct.truth.lidc import xml

MARK = xml.nodule(xml.roi(-10, [(5, 6)]), name="small")
LARGE = xml.nodule(xml.roi(-10.5, xml.square(1, 2, 2)), name="large")


def test_reads_sessions_nodules_and_marks():
    found = parse_reads(xml.message(xml.session(LARGE, MARK), xml.session()), "a.xml")
    assert found.series_uid == xml.SERIES and found.files == ("a.xml",)
    first, second = found.sessions
    assert [finding.finding_id for finding in first.nodules] == ["large"]
    assert first.nodules[0].outlines == (Outline(-10.5, True, tuple(xml.square(1, 2, 2))),)
    assert first.marks[0].outlines == (Outline(-10.0, True, ((5, 6),)),)
    assert (second.nodules, second.marks) == ((), ())


def test_exclusions_are_kept_apart():
    region = xml.roi(0, xml.square(0, 0, 5)) + xml.roi(0, xml.square(1, 1, 1), "false")
    found = parse_reads(xml.message(xml.session(xml.nodule(region))), "a.xml")
    outlines = found.sessions[0].nodules[0].outlines
    assert [outline.inclusion for outline in outlines] == [True, False]


def test_another_number_of_readers_is_reported():
    four = parse_reads(xml.message(*[xml.session()] * 4), "a.xml")
    assert four.warnings == ()
    three = parse_reads(xml.message(*[xml.session()] * 3), "a.xml")
    assert three.warnings == ("3 readers instead of 4 in a.xml",)


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "well-formed XML, got no element found"),
        (xml.message(xml.session(LARGE))[:-40], "well-formed XML, got .*line 1"),
        (b"\x00\x01 no XML", "well-formed XML"),
        (xml.message(xml.session(xml.nodule("&a;"))), "well-formed XML, got undefined entity"),
        (xml.message(xml.session(LARGE), prolog=BOMB), "document type, got <!DOCTYPE b>"),
        (
            xml.message(xml.session(LARGE), prolog='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
            "document type, got <!DOCTYPE x>",
        ),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "well-formed XML"),
        (b"<html/>", "LidcReadMessage with a SeriesInstanceUid, got html with ''"),
        (xml.message(xml.session(), series_uid=" "), "got LidcReadMessage with ''"),
        (xml.message(), "at least one readingSession, got 0"),
        (xml.message(xml.session(xml.nodule())), "at least one roi, got 0 in nodule 'N1'"),
        (xml.message(xml.session(xml.nodule(xml.roi(0, [])))), "at least one edgeMap, got 0"),
        (
            xml.message(xml.session(xml.nodule(xml.roi(0, [(1, 1)], "MAYBE")))),
            "inclusion TRUE or FALSE, got 'MAYBE'",
        ),
        *(
            (
                xml.message(xml.session(xml.nodule(xml.roi(z, [(1, 1)])))),
                f"imageZposition in mm, got '{z}'",
            )
            for z in ("nan", "1e999", "1,5", "1_0", "")
        ),
        *(
            (
                xml.message(xml.session(xml.nodule(xml.roi(0, [(1, y)])))),
                f"yCoord from 0 to 2047, got '{y}'",
            )
            for y in ("-1", "2048", "1.5", "²", "", "9" * 5000)
        ),
    ],
)
def test_refuses_what_cannot_be_trusted(data, error):
    with pytest.raises(LidcError, match=error) as caught:
        parse_reads(data, "a.xml")
    assert "a.xml" in str(caught.value) and "\n" not in str(caught.value)
    assert isinstance(caught.value, ScanError)


def test_entities_are_never_expanded():
    # Ten to the ninth letters, would they be expanded.
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "aaaaaaaaaa">'
        for n in range(9)
    )
    bomb = xml.message(xml.session("&e8;"), prolog=f"<!DOCTYPE x [{entities}]>")
    with pytest.raises(LidcError, match="document type"):
        parse_reads(bomb, "bomb.xml")


def test_more_outlines_than_can_be_matched_in_time(monkeypatch):
    monkeypatch.setattr(reads_module, "MAX_OUTLINES", 1)
    with pytest.raises(LidcError, match="at most 1 outlines, got 2 in a.xml"):
        parse_reads(xml.message(xml.session(LARGE, MARK)), "a.xml")


def test_sessions_of_another_file_count_once():
    one, other = xml.session(LARGE), xml.session(MARK)
    first = parse_reads(xml.message(one, xml.session(), xml.session()), "a.xml")
    again = parse_reads(xml.message(xml.session(), one), "b.xml")
    more = parse_reads(xml.message(other), "c.xml")
    # Two readers of the first file who both found nothing stay two.
    assert len(merge_reads([first, again]).sessions) == 3
    merged = merge_reads([first, again, more])
    assert len(merged.sessions) == 4
    assert merged.files == ("a.xml", "b.xml", "c.xml")


@pytest.mark.parametrize("series", [[], ["1.2", "1.3"]])
def test_merges_files_of_one_series_only(series):
    parts = [parse_reads(xml.message(xml.session(), series_uid=uid), uid) for uid in series]
    with pytest.raises(LidcError, match="files of one series, got"):
        merge_reads(parts)


def test_read_reads_checks_the_series(tmp_path):
    path = xml.write(tmp_path, xml.message(xml.session(LARGE)))
    assert read_reads([path], xml.SERIES).series_uid == xml.SERIES
    with pytest.raises(LidcError, match=r"outlines of series 1.9, got 1.2.3 in .*1.2.3.xml"):
        read_reads([path], "1.9")


def test_read_reads_refuses_files_that_are_gone_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(LidcError, match="readable outlines, got No such file .*gone.xml"):
        read_reads([str(tmp_path / "gone.xml")], xml.SERIES)
    path = xml.write(tmp_path, xml.message(xml.session()))
    monkeypatch.setattr(reads_module, "MAX_XML_BYTES", 10)
    with pytest.raises(LidcError, match="at most 10 bytes of XML, got more in .*1.2.3.xml"):
        read_reads([path], xml.SERIES)
