import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lungct.truth.lidc import survey as survey_module
from lungct.truth.lidc.__main__ import main
from lungct.truth.lidc.reads import LidcError
from lungct.truth.lidc.survey import survey
from tests.lungct.truth.lidc import xml

ROOT = Path(__file__).resolve().parents[4]
# Slices of 1.25 mm: the nodules below share the one at -50 mm.
HIGH = xml.nodule(xml.roi(-50, xml.square(10, 10, 4)), xml.roi(-48.75, xml.square(10, 10, 3)))
LOW = xml.nodule(xml.roi(-51.25, xml.square(50, 10, 4)), xml.roi(-50, xml.square(12, 10, 3)))
MARK = xml.nodule(xml.roi(-50, [(5, 5)]))


@pytest.fixture
def folder(tmp_path):
    """Two series, one of them in two files; a file that is none."""
    three = [xml.session(HIGH), xml.session(LOW, MARK), xml.session(HIGH), xml.session()]
    xml.write(tmp_path / "xml", xml.message(*three))
    xml.write(tmp_path / "xml", xml.message(*three), f"{xml.SERIES}__2.xml")
    xml.write(tmp_path / "xml", xml.message(xml.session(HIGH), series_uid="1.4"), "1.4.xml")
    xml.write(tmp_path / "xml", b"<broken", "1.5.xml")
    return tmp_path / "xml"


@pytest.fixture
def archive(folder):
    path = folder.parent / "xml.tar.xz"
    with tarfile.open(path, "w:xz") as file:
        file.add(folder, "xml")
    return path


def check(found):
    assert (found.files, found.series) == (4, 2)
    assert len(found.refused) == 1 and "1.5.xml" in found.refused[0]
    # Three outlined nodules and a mark of the first series, one nodule of the second.
    assert (found.nodules, found.marks) == (4, 1)
    assert found.lesions_by_readers == {1: 1, 3: 1}
    assert [found.lesions(readers) for readers in (1, 2, 3, 4)] == [2, 1, 1, 0]
    assert len(found.warnings) == 1 and "1 reader instead of 4" in found.warnings[0]


def test_counts_a_folder(folder):
    check(survey(str(folder)))


def test_counts_a_tar_file(archive):
    check(survey(str(archive)))


def test_members_beyond_the_bound_are_refused_unread(archive, monkeypatch):
    monkeypatch.setattr(survey_module, "MAX_XML_BYTES", 10)
    assert len(survey(str(archive)).refused) == 4


def test_outlines_beyond_any_image_are_refused_by_series(tmp_path, monkeypatch):
    xml.write(tmp_path, xml.message(xml.session(HIGH)))
    monkeypatch.setattr(survey_module, "MAX_PIXEL", 12)
    (line,) = survey(str(tmp_path)).refused
    assert "within 12 columns" in line and xml.SERIES in line


def test_a_link_in_a_tar_file_is_not_followed(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as file:
        link = tarfile.TarInfo("a.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link, io.BytesIO())
    assert survey(str(path)).files == 0


@pytest.mark.parametrize("damage", [None, lambda data: b"no tar file", lambda data: data[:200]])
def test_refuses_other_places(archive, damage):
    place = archive.parent / "place"
    if damage is not None:
        place.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(LidcError, match="folder or a tar file, got .* for .*place") as caught:
        survey(str(place))
    assert "\n" not in str(caught.value)


def test_command_line_for_people(folder, capsys):
    assert main([str(folder)]) == 4
    text = capsys.readouterr().out
    assert "4 XML files of 2 series, 1 refused" in text
    assert "1 by 1, 1 by 3" in text
    assert "1 lesion outlined by at least 3 readers; LUNA16 counts 1186" in text


def test_command_line_for_programs(folder, capsys):
    (folder / "1.5.xml").unlink()
    assert main([str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lesions_by_readers"] == {"1": 1, "3": 1}


def test_command_line_without_a_place(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "lungct.truth.lidc", str(tmp_path / "gone")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert (
        run.stderr.startswith("lungct.truth.lidc: expected a folder")
        and run.stderr.count("\n") == 1
    )


def test_a_wrong_argument_is_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--jsn"])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m lungct.truth.lidc: ")


@pytest.mark.slow
def test_all_real_files_parse(real_data, capsys):
    assert main([str(real_data / "lidc_xml" / "lidc_xml_for_luna16.tar.xz")]) == 0
    text = capsys.readouterr().out
    assert "902 XML files of 886 series, 0 refused" in text
    found = re.search(r"(\d+) lesions outlined by at least 3 readers; LUNA16 counts 1186", text)
    # LUNA16's own are of 888 scans, two of which have no file here.
    assert int(found.group(1)) == pytest.approx(1186, abs=20)
