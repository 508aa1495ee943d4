"""Scans damaged at random: refused, or read with the voxels of the undamaged scan.

Left out is what no reader can see: another value in uncompressed voxels (for that are
`lungct.readers.checksums`), and another place, spacing or order of its sizes that a scan may have.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.readers.metaimage import read_scan, write_scan
from lungct.scan import ScanError
from tests.bad_inputs.case import change_header
from tests.lungct import chest
from tests.time_limit import at_most

ROOT = Path(__file__).resolve().parents[2]

# Three different sizes, so that the header says which axis is which; half air, half tissue.
GEOMETRY = Geometry((6, 8, 10), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))
HU = np.random.default_rng(0).integers(-1010, -900, GEOMETRY.shape).astype(np.int16)
HU[:, 4:] += 950


def damage_text(data: bytes, rng: np.random.Generator) -> bytes:
    """Another byte, a line less, a line twice, or a byte less somewhere in a header."""
    lines = data.splitlines(keepends=True)
    place, line = rng.integers(len(data)), rng.integers(len(lines))
    return [
        data[:place] + bytes([rng.integers(256)]) + data[place + 1 :],
        data[:place] + data[place + 1 :],
        b"".join(lines[:line] + lines[line + 1 :]),
        b"".join(lines[: line + 1] + lines[line:]),
        data[:place],
    ][rng.integers(5)]


def damage_field(data: bytes, rng: np.random.Generator) -> bytes:
    """A field with a value that is meant for another one, or for none."""
    lines = data.decode().splitlines()
    values = [line.partition(" = ")[2] for line in lines]
    values += ["", "0", "-1", "nan", "inf", "1e300", "2 2", "9" * 400, "True", "1 0 0", "/dev/zero"]
    values += ["MET_USHORT", "MET_FLOAT", "MET_DOUBLE", "MET_CHAR", "..", "LIST", "\x00", "é"]
    place = rng.integers(len(lines))
    name = lines[place].partition(" = ")[0]
    lines[place] = f"{name} = {values[rng.integers(len(values))]}"
    return "\n".join(lines).encode()


def damage_stream(data: bytes, rng: np.random.Generator) -> bytes:
    """A flipped bit, a part less, or a part more somewhere in a compressed stream."""
    place, length = rng.integers(len(data)), rng.integers(1, 20)
    return [
        data[:place] + bytes([data[place] ^ 1 << rng.integers(8)]) + data[place + 1 :],
        data[:place] + data[place + length :],
        data[:place] + rng.bytes(length) + data[place:],
        data[:place],
    ][rng.integers(4)]


def damage_length(data: bytes, rng: np.random.Generator) -> bytes:
    """A file cut short, by all of it at the most, or with something behind it."""
    length = int(rng.integers(1, len(data) + 1))
    return [data[:-length], data + rng.bytes(length)][rng.integers(2)]


# Without its size in the header a stream is all that tells whether it is whole.
RAW, STREAM, STREAM_OF_ANY_SIZE = "raw", "stream", "stream of any size"

KINDS = {
    "header": (".mhd", RAW, damage_text),
    "header of a stream": (".mhd", STREAM, damage_text),
    "field": (".mhd", RAW, damage_field),
    "field of a stream": (".mhd", STREAM, damage_field),
    "stream": (".zraw", STREAM, damage_stream),
    "stream of any size": (".zraw", STREAM_OF_ANY_SIZE, damage_stream),
    "length": (".raw", RAW, damage_length),
    "length of a stream": (".zraw", STREAM_OF_ANY_SIZE, damage_length),
    "length of a header": (".mhd", RAW, damage_length),
}


def write(path: Path, hu: np.ndarray, geometry: Geometry, stored: str) -> None:
    """Writes a good scan in one of three ways."""
    write_scan(str(path), hu, geometry, compressed=stored != RAW)
    if stored == STREAM_OF_ANY_SIZE:
        change_header(path, CompressedDataSize=None)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("suffix", "stored", "damage"), KINDS.values(), ids=KINDS)
def test_no_damaged_scan_is_read_otherwise(tmp_path, seed, suffix, stored, damage):
    rng = np.random.default_rng(seed)
    path = tmp_path / "1.2.3.mhd"
    write(path, HU, GEOMETRY, stored)
    damaged = path.with_suffix(suffix)
    whole = damaged.read_bytes()
    for _ in range(30):
        damaged.write_bytes(damage(whole, rng))
        try:
            with at_most(10):
                found = read_scan(str(path))
        except ScanError as error:
            assert "1.2.3" in str(error) and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(found.hu, HU)


def test_a_hang_is_no_error_of_the_scan():
    with pytest.raises(pytest.fail.Exception, match="an end within 1 s"), at_most(1):
        with contextlib.suppress(Exception):
            threading.Event().wait(30)


# A chest small enough for hundreds, large enough for lungs.
COARSE = Geometry((22, 30, 40), (-156.0, -116.0, -497.5), (8.0, 8.0, 10.0))


def noisy_chest(number):
    """A chest whose voxels no other number has."""
    noise = np.random.default_rng([9, number]).integers(-20, 20, COARSE.shape)
    return (chest.hu(COARSE) + noise).astype(np.int16)


def next_line(process, seconds):
    """A line of a program, which is killed when it takes longer, whatever it hangs in."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    line = process.stdout.readline()
    timer.cancel()
    return line


def check_each_within(seconds, folder):
    """Exit status, lines and errors of `lungct.check`, of which each scan has so many seconds."""
    command = [sys.executable, "-m", "lungct.check", str(folder), "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        lines = list(iter(lambda: next_line(process, seconds), ""))
        return process.wait(seconds), lines, process.stderr.read()


def test_every_one_of_300_damaged_scans_is_accounted_for(tmp_path):
    damaged, intact = {}, {}
    for number in range(300):
        path = tmp_path / f"subset{number % 10}" / f"1.2.{number}.mhd"
        path.parent.mkdir(exist_ok=True)
        suffix, stored, damage = list(KINDS.values())[number % len(KINDS)]
        intact[path.stem], damaged[path.stem] = noisy_chest(number), path
        write(path, intact[path.stem], COARSE, stored)
        target = path.with_suffix(suffix)
        target.write_bytes(damage(target.read_bytes(), np.random.default_rng(number)))
    status, lines, err = check_each_within(10, tmp_path)
    assert (status, err) == (4, "")
    rows = [json.loads(line) for line in lines]
    assert sorted(row["series_uid"] for row in rows) == sorted(damaged)
    outcomes = Counter(row["outcome"] for row in rows)
    assert sum(outcomes[name] for name in ("accepted", "repaired", "quarantined")) == 300
    assert min(outcomes["accepted"], outcomes["quarantined"]) > 10
    for row in rows:
        uid = row["series_uid"]
        assert 0 <= row["seconds"] < 10
        if row["outcome"] != "quarantined":
            np.testing.assert_array_equal(read_scan(str(damaged[uid])).hu, intact[uid])
        else:
            assert str(damaged[uid]) in row["reason"] and "\n" not in row["reason"]
