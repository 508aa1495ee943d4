"""Work on the slices of one scan in several threads; numpy releases Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import SimpleITK as sitk


def for_each(count: int, work: Callable[[int], object]) -> None:
    """Does numbered pieces of work that don't depend on each other.

    It uses as many threads as SimpleITK, so that one setting holds for both.

    Args:
        count: Pieces of work.
        work: Does piece 0, 1, ... count - 1 and writes what it makes where no other piece does.

    Raises:
        Exception: What the first piece in order raised.
    """
    threads = max(1, min(count, sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()))
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, range(count)):
            pass
