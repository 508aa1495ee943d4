"""`python -m phantom OUT --scans N --seed S --shape Z Y X`."""

import argparse
import sys

from phantom.writer import PhantomError, make_phantoms


def main(arguments: list[str] | None = None) -> int:
    """Makes a phantom data set; exit status 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser("python -m phantom", description=__doc__)
    parser.add_argument("out", metavar="OUT", help="folder for the scans and tables")
    parser.add_argument("--scans", type=int, default=24, metavar="N", help="default 24")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="default 1")
    parser.add_argument(
        "--shape", type=int, nargs=3, default=(96, 256, 256), metavar=("Z", "Y", "X"),
        help="voxels of each scan, default 96 256 256",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, metavar="N", help="processes, default all cores")
    given = parser.parse_args(arguments)
    try:
        make_phantoms(given.out, given.scans, given.seed, tuple(given.shape), given.workers)
    except (PhantomError, OSError) as error:
        print(f"phantom: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"phantom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
