"""`python -m phantom OUT --scans N --seed S --shape Z Y X --nodules N`."""

import sys

from lungct.command_line import Parser, usage_error
from lungct.exit_status import EXIT_ERROR, EXIT_OK
from phantom.order import Order, PhantomError
from phantom.writer import make_phantoms


def main(arguments: list[str] | None = None) -> int:
    """Makes a phantom data set; exit status 0, or 2 with one line on stderr."""
    parser = Parser("python -m phantom", description=__doc__)
    parser.add_argument("out", metavar="OUT", help="folder for the scans and tables")
    shown = "default %(default)s"
    parser.add_argument("--scans", type=int, default=Order.scans, metavar="N", help=shown)
    parser.add_argument("--seed", type=int, default=Order.seed, metavar="S", help=shown)
    parser.add_argument(
        "--shape", type=int, nargs=3, default=Order.shape, metavar=("Z", "Y", "X"),
        help=f"voxels of each scan, {shown}",
    )  # fmt: skip
    parser.add_argument(
        "--nodules", type=int, metavar="N", help="of each scan that has any, default 1 to 6"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes, default all cores")
    given = parser.parse_args(arguments)
    try:
        order = Order(given.scans, given.seed, tuple(given.shape), given.nodules)
        make_phantoms(given.out, order, given.workers)
    except (PhantomError, OSError) as error:
        return usage_error("phantom", error)
    except RuntimeError as error:
        print(f"phantom: {error}", file=sys.stderr)
        return EXIT_ERROR
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
