"""What the runners end with: as all command lines, and whether the model was blessed."""

from typing import Final

from lungct.exit_status import EXIT_ERROR, EXIT_OK, EXIT_REFUSED, EXIT_USAGE

__all__ = [
    "EXIT_BLESSED",
    "EXIT_ERROR",
    "EXIT_NOT_BLESSED",
    "EXIT_OK",
    "EXIT_REFUSED",
    "EXIT_USAGE",
]

EXIT_BLESSED: Final = EXIT_OK
EXIT_NOT_BLESSED: Final = 3
