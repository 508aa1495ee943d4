"""Scans damaged at random: refused, or read with the voxels of the undamaged scan."""

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.metaimage import read_scan, write_scan
from lungct.scan import ScanError

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


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("suffix", "compressed", "damage"),
    [
        (".mhd", False, damage_text),
        (".mhd", True, damage_text),
        (".zraw", True, damage_stream),
        (".raw", False, damage_length),
    ],
    ids=["header", "header of a stream", "stream", "length"],
)
def test_no_damaged_scan_is_read_otherwise(tmp_path, seed, suffix, compressed, damage):
    rng = np.random.default_rng(seed)
    path = tmp_path / "1.2.3.mhd"
    write_scan(str(path), HU, GEOMETRY, compressed)
    damaged = path.with_suffix(suffix)
    whole = damaged.read_bytes()
    for _ in range(30):
        damaged.write_bytes(damage(whole, rng))
        try:
            found = read_scan(str(path))
        except ScanError as error:
            assert "1.2.3" in str(error) and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(found.hu, HU)
