"""Versions of what a run writes for machines: raised when a reader of before may misread it.

`run.json` has had a version since 2. In `summary.json` 3 and `model_card.json` 2 more fields may be
null, those of a model that was made elsewhere among them; both say which model is meant.
"""

from typing import Final

RUN_VERSION: Final = 2
SUMMARY_VERSION: Final = 3
CARD_VERSION: Final = 2
# What an older one has, a reader of today finds where it looks; a summary 1 has other criteria.
OLDEST_RUN: Final = 1
OLDEST_SUMMARY: Final = 2


def check_version(found: object, oldest: int, newest: int, path: str) -> None:
    """Refuses a file that today's reader could misread.

    Args:
        found: The version that the file says.
        oldest: The first one that is read.
        newest: The last one that is read.
        path: The file.

    Raises:
        ValueError: It is older, newer or none.
    """
    if not isinstance(found, int) or not oldest <= found <= newest:
        raise ValueError(f"expected a version from {oldest} to {newest}, got {found} in {path}")
