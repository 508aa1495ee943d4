"""Scans damaged at random: refused, or read with the voxels of the undamaged scan.

Left out is what no reader can see: another value in uncompressed voxels (`lungct.checksums` is
for that), and another place or spacing that a scan may have.
"""

import contextlib
import json
import signal
from collections import Counter

import numpy as np
import pytest

from lungct.check import main
from lungct.geometry import Geometry
from lungct.metaimage import read_scan, write_scan
from lungct.scan import ScanError
from tests.lungct import chest

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
    """Voxels cut short or with something behind them."""
    length = int(rng.integers(1, len(data)))
    return [data[:-length], data + rng.bytes(length)][rng.integers(2)]


KINDS = {
    "header": (".mhd", False, damage_text),
    "header of a stream": (".mhd", True, damage_text),
    "field": (".mhd", False, damage_field),
    "field of a stream": (".mhd", True, damage_field),
    "stream": (".zraw", True, damage_stream),
    "length": (".raw", False, damage_length),
}


@contextlib.contextmanager
def at_most(seconds: int):
    """Raises TimeoutError where the work takes longer, however it hangs."""

    def stop(*_):
        raise TimeoutError(f"expected an end within {seconds} s, got none")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("suffix", "compressed", "damage"), KINDS.values(), ids=KINDS)
def test_no_damaged_scan_is_read_otherwise(tmp_path, seed, suffix, compressed, damage):
    rng = np.random.default_rng(seed)
    path = tmp_path / "1.2.3.mhd"
    write_scan(str(path), HU, GEOMETRY, compressed)
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


# A chest small enough for hundreds, large enough for lungs.
COARSE = Geometry((22, 30, 40), (-156.0, -116.0, -497.5), (8.0, 8.0, 10.0))


def test_every_one_of_300_damaged_scans_is_accounted_for(tmp_path, capsys):
    hu = chest.hu(COARSE)
    damaged = {}
    for number in range(300):
        path = tmp_path / f"subset{number % 10}" / f"1.2.{number}.mhd"
        path.parent.mkdir(exist_ok=True)
        suffix, compressed, damage = list(KINDS.values())[number % len(KINDS)]
        write_scan(str(path), hu, COARSE, compressed)
        target = path.with_suffix(suffix)
        target.write_bytes(damage(target.read_bytes(), np.random.default_rng(number)))
        damaged[f"1.2.{number}"] = path
    with at_most(100):
        assert main([str(tmp_path), "--json"]) == 4
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["series_uid"] for row in rows) == sorted(damaged)
    outcomes = Counter(row["outcome"] for row in rows)
    assert sum(outcomes[name] for name in ("accepted", "repaired", "quarantined")) == 300
    assert min(outcomes["accepted"], outcomes["quarantined"]) > 10
    for row in rows:
        assert row["seconds"] < 10
        if row["outcome"] != "quarantined":
            np.testing.assert_array_equal(read_scan(str(damaged[row["series_uid"]])).hu, hu)
