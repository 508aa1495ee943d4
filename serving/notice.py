"""What stands in every file that a model's masks and nodules are written to, and on the console."""

from typing import Final

NOTICE: Final = "for research only, not a medical device"
