"""How many slices of real CT fit a request to a Vertex AI endpoint.

Usage: python -m benchmarks.request_size HEADER.mhd [--slices 8 32]

Slices from the middle of the scan, as it is stored and unpacked from there on, are packed as
`segment_slab` takes them and put into JSON as base64.
"""

import argparse
import zlib
from pathlib import Path

from lungct.readers.metaimage import read_scan
from serving.slabs import MOST_BYTES, request_body


def main() -> None:
    """Prints a line for each number of slices."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scan", type=Path, metavar="HEADER.mhd")
    parser.add_argument("--slices", type=int, nargs="+", default=[8, 32], metavar="N")
    given = parser.parse_args()
    hu = read_scan(str(given.scan)).hu
    for slices in given.slices:
        first = (len(hu) - slices) // 2
        part = hu[first : first + slices]
        packed = zlib.compress(part.astype("<i2").tobytes())
        size = len(request_body(part, 0, slices)) / slices
        print(
            f"{slices} slices of {part.shape[1]} x {part.shape[2]}: "
            f"{len(packed) / slices / 1e6:.3f} MB a slice packed, {size / 1e6:.3f} MB in a request,"
            f" {MOST_BYTES / size:.1f} slices in {MOST_BYTES / 1e6} MB"
        )


if __name__ == "__main__":
    main()
