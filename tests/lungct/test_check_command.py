"""The command line of `lungct.check`: usage, output that nobody reads, interrupts."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from lungct.check import main
from lungct.readers.metaimage import write_scan
from tests.lungct import chest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """Three scans, of which the last has lost its voxels."""
    for number in (1, 2, 3):
        path = tmp_path / "scans" / "subset0" / f"1.2.{number}.mhd"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scan(str(path), chest.hu(), chest.GEOMETRY)
    path.with_suffix(".raw").unlink()
    return tmp_path / "scans"


def test_a_terminal_that_cannot_show_a_sign(folder):
    (folder / "subset0" / "1.2.4.mhd").write_text("Größe = ±1")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "lungct.check", str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 4 and run.stdout.endswith("2 quarantined\n")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: DIR"),
        (["gone"], "expected a folder of scans, got 'gone'"),
        (
            ["EMPTY"],
            "expected scans as .*luna16.*msd.*dicom.*, got none in .*empty, which holds no files",
        ),
        (["DIR", "--annotations", "gone.csv"], "annotation table gone.csv, got no such file"),
        (["DIR", "--lidc", "gone"], "folder of LIDC XML files, got 'gone'"),
        (["DIR", "--checksums", "gone"], "readable list of checksums, got .*gone"),
        (["DIR", "--min-readers", "0"], "expected at least 1 reader, got 0"),
        (["DIR", "--min-readers", "x"], "invalid int value: 'x'"),
        (
            ["DIR", "--lidc", "DIR", "--truth", "masks"],
            "--lidc without --truth or with lidc, got",
        ),
        (["DIR", "--write-masks", "DIR/subset0/1.2.1.mhd"], "File exists"),
        (["DIR", "--write-masks", "DIR"], "--write-masks apart from the scans, got '/.*/scans'"),
        (["DIR", "--write-masks", "DIR/subset0/../subset0"], "apart from the scans, got '/.*"),
        (["DIR", "--write-masks", "DIR/subset9"], "apart from the scans, got '/.*/subset9'"),
        (["DIR", "--unknown"], "unrecognized arguments: --unknown"),
    ],
)
def test_usage_errors_are_one_line(folder, tmp_path, capsys, arguments, message):
    (tmp_path / "empty").mkdir()
    places = {"DIR": str(folder), "EMPTY": str(tmp_path / "empty")}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert re.search(message, err)


def test_masks_that_cannot_be_written_stop_the_check(folder, tmp_path, capsys):
    (tmp_path / "out" / "1.2.1_lung.mhd").mkdir(parents=True)
    assert main([str(folder), "--write-masks", str(tmp_path / "out")]) == 2
    assert "1.2.1_lung.mhd" in capsys.readouterr().err


def test_a_full_disk_is_named_by_its_file(folder, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    # A write to a device that is always full, whose error has no name of a file.
    (out / f".1.2.1_lung.raw.{os.getpid()}.part").symlink_to("/dev/full")
    assert main([str(folder), "--write-masks", str(out)]) == 2
    err = capsys.readouterr().err
    assert "No space left on device" in err and f"{out}/1.2.1_lung.raw" in err
    assert err.count("\n") == 1


def test_ends_quietly_when_nobody_reads_on(folder):
    command = [sys.executable, "-m", "lungct.check", str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_an_interrupt_is_one_line(folder, capsys, monkeypatch):
    def interrupt(found, finish):
        raise KeyboardInterrupt

    monkeypatch.setattr("lungct.check.process", interrupt)
    assert main([str(folder)]) == 130
    assert capsys.readouterr() == ("", "lungct.check: interrupted\n")


def test_starts_in_two_seconds_without_tensorflow():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import sys, lungct.check; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: other work on the machine does not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
