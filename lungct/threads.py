"""Work on the slices of one scan in several threads; numpy releases Python's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import SimpleITK as sitk

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Results that wait for a thread to be asked for the next, for each thread.
_AHEAD = 2


def for_each(count: int, work: Callable[[int], object]) -> None:
    """Does numbered pieces of work that don't depend on each other.

    It uses as many threads as SimpleITK, so that one setting holds for both.

    Args:
        count: Pieces of work.
        work: Does piece 0, 1, ... count - 1 and writes what it makes where no other piece does.

    Raises:
        Exception: What the first piece in order raised.
    """
    with ThreadPoolExecutor(_threads(count)) as pool:
        for _ in pool.map(work, range(count)):
            pass


def in_order(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """Does work in threads beside whoever takes the results, and holds only a few of these.

    Args:
        work: Makes the result of an item; none depends on another.
        items: Each is taken shortly before its result is asked for.

    Yields:
        The results in the order of the items.

    Raises:
        Exception: What the first item in order raised.
    """
    threads = _threads(len(items))
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _threads(count: int) -> int:
    """Threads for so many pieces of work."""
    most: int = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    return max(1, min(count, most))
