"""What the command lines end with."""

from typing import Final

EXIT_OK: Final = 0
EXIT_ERROR: Final = 1
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 4  # data that can't be used
EXIT_INTERRUPTED: Final = 130  # as shells have it for SIGINT
