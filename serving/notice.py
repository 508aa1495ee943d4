"""What stands in every file and beside every line that a model gives."""

from typing import Final

NOTICE: Final = "for research only, not a medical device"
