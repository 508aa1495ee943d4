"""What one process of `phantom.workers` runs."""

import os
import sys
from pathlib import Path

from phantom.writer import write_one


def main(arguments: list[str]) -> None:
    """Makes scans and writes the index of each to stdout.

    Args:
        arguments: Folder, seed, shape and indices, the last two with commas.
    """
    folder, seed, shape, indices = arguments
    z, y, x = (int(n) for n in shape.split(","))
    for index in indices.split(","):
        write_one(Path(folder), int(seed), int(index), (z, y, x))
        # One write a line: several processes share the pipe.
        os.write(sys.stdout.fileno(), f"{index}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
