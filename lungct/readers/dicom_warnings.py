"""Warnings of the libraries that read DICOM: damage becomes a refusal, none reaches stderr.

pydicom only warns where compressed pixels come out too long, and gives wrong voxels.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import PurePath

_LIBRARIES = frozenset({"pydicom", "highdicom"})

# The first is a coincidence, as the codestreams themselves are checked; the others are about
# values of elements, such as a UID of 66 characters, on which no voxel depends.
_HARMLESS = (
    "The number of bytes of compressed pixel data matches the expected number for uncompressed",
    "Invalid value for VR",
    "The value length (",
)

# Filters of warnings belong to the process, not to a thread.
_LOCK = threading.RLock()


@contextlib.contextmanager
def caught_warnings() -> Iterator[list[str]]:
    """Keeps warnings of pydicom and highdicom from stderr and from the log; passes on others.

    Yields:
        A list that holds their texts at the end.
    """
    texts: list[str] = []
    log = logging.getLogger("pydicom")
    with _LOCK:
        disabled, log.disabled = log.disabled, True
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                yield texts
        finally:
            log.disabled = disabled
    for warning in caught:
        if _LIBRARIES.isdisjoint(PurePath(warning.filename).parts):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        else:
            texts.append(str(warning.message))


@contextlib.contextmanager
def refused_warnings() -> Iterator[None]:
    """Makes an error of the first warning that may mean wrong voxels.

    Raises:
        ValueError: There was one; with its text.
    """
    with caught_warnings() as texts:
        yield
    for text in texts:
        if not text.startswith(_HARMLESS):
            raise ValueError(text)
