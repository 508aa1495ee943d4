"""How many slices of real CT fit a request to a Vertex AI endpoint.

Usage: python -m benchmarks.request_size HEADER.mhd [--slices 8 32]

Slices from the middle of the scan, as it is stored and unpacked from there on, are packed as
`segment_compressed` takes them and put into JSON as base64.
"""

import argparse
import base64
import json
import zlib
from pathlib import Path

from lungct.readers.metaimage import read_scan
from schema import features

# https://cloud.google.com/vertex-ai/docs/quotas
_MOST_BYTES = 1_500_000


def request_bytes(packed: bytes, shape: tuple[int, ...]) -> int:
    """Bytes of a request for one volume, in JSON as TF Serving and Vertex AI take it."""
    text = base64.b64encode(packed).decode()
    instance = {features.INPUT_HU_PACKED: {"b64": text}, features.INPUT_SHAPE: list(shape)}
    return len(json.dumps({"instances": [instance]}))


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
        size = request_bytes(packed, part.shape) / slices
        print(
            f"{slices} slices of {part.shape[1]} x {part.shape[2]}: "
            f"{len(packed) / slices / 1e6:.3f} MB a slice packed, {size / 1e6:.3f} MB in a request,"
            f" {_MOST_BYTES / size:.1f} slices in {_MOST_BYTES / 1e6} MB"
        )


if __name__ == "__main__":
    main()
