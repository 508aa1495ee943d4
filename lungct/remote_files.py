"""Files of other file systems, such as buckets: read whole or not at all, and every failure named.

gcsfs tries most requests six times, for half a minute. What is left to do: a time limit for a
connection that gives nothing any more, downloads that are tried again whatever failed, checksums of
what was copied, and errors that say which file it was.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

import fsspec
import google_crc32c

# Seconds for a connection to be made, and in which some of a file must come. There is no limit for
# a whole file, which may be large and its bucket slow.
_CONNECT_S, _SILENCE_S = 30.0, 60.0

# Seconds between tries to copy files. gcsfs does not try again where a download begins with a
# refusal such as 503, nor where other bytes came than the bucket holds.
WAITS_S: tuple[float, ...] = (1, 2, 4, 8)

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_BLOCK = 1 << 20
_GOOGLE = ("gs", "gcs")


def remote_system(path: str) -> tuple[Any, str]:
    """The file system of a path with a scheme, and the path as that system has it."""
    options = _google_options() if path.partition("://")[0] in _GOOGLE else {}
    with naming(path):
        system, plain = fsspec.core.url_to_fs(path, **options)
    return system, plain


@contextmanager
def naming(*paths: str) -> Iterator[None]:
    """Makes an OSError that names the file out of any error of a remote file system.

    Args:
        paths: What is worked on.

    Yields:
        Nothing.

    Raises:
        OSError: FileNotFoundError and the like as they are; any other with the first path.
    """
    try:
        yield
    except _NO_FILE:
        raise
    # Libraries of buckets have no error in common.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, TypeError):
            reason = "a refusal"  # of which gcsfs tries to read a text that it has not fetched
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise OSError(f"expected to reach {paths[0]}{more}, got {reason!r}") from error


def info(path: str) -> Mapping[str, Any] | None:
    """What a file system knows of a file or folder; None where there is none.

    Args:
        path: The file or folder.

    Raises:
        OSError: It is not known whether it is there.
    """
    system, plain = remote_system(path)
    try:
        with naming(path):
            found: Mapping[str, Any] = system.info(plain)
            return found
    except FileNotFoundError:
        return None


def open_remote(path: str) -> BinaryIO:
    """Opens a file for reading bytes.

    Raises:
        OSError: It can't be opened; reading raises it too, and names the file.
    """
    system, plain = remote_system(path)
    with naming(path):
        # Blocks are kept by the file system.
        return cast(BinaryIO, io.BufferedReader(_NamedReads(system.open(plain, "rb"), path)))


def copy_whole(copies: Mapping[str, str]) -> None:
    """Copies files of one file system to this machine.

    Args:
        copies: Where each goes by its path.

    Raises:
        OSError: A file can't be copied, or not whole; the error names it.
    """
    systems = {path: remote_system(path) for path in copies}
    left = list(copies)
    for wait_s in (*WAITS_S, None):
        system = systems[left[0]][0]
        try:
            with naming(*left):
                system.get([systems[path][1] for path in left], [copies[path] for path in left])
            left = [path for path in left if not _is_whole(*systems[path], path, copies[path])]
            if not left:
                return
            failure = OSError(f"expected the bytes of {left[0]} as they are there, got others")
        except _NO_FILE:
            raise
        except OSError as error:
            failure = error
        if wait_s is None:
            raise failure
        time.sleep(wait_s)


def _is_whole(system: Any, plain: str, path: str, copy: str) -> bool:
    """Whether a copy has the size, and the CRC-32C where there is one, of the file."""
    with naming(path):
        known = system.info(plain)
        size, checksum = os.path.getsize(copy), known.get("crc32c")
    if size == known["size"] and (not checksum or _crc32c(copy) == checksum):
        return True
    # What is known may be of a file that was replaced since.
    system.invalidate_cache(plain.rpartition("/")[0])
    return False


def _crc32c(path: str) -> str:
    """CRC-32C of a file of this machine as Google Cloud Storage writes it."""
    total = google_crc32c.Checksum()
    with open(path, "rb") as file:
        for block in iter(partial(file.read, _BLOCK), b""):
            total.update(block)
    return base64.b64encode(total.digest()).decode()


def _google_options() -> dict[str, Any]:
    """Options of gcsfs."""
    import aiohttp

    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
    return {"requests_timeout": limits}


class _NamedReads(io.RawIOBase):
    """A file for reading whose errors name it."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        with naming(self._path):
            read = self._file.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self._file.close()
        super().close()
