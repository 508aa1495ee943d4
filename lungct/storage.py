"""Files of this machine and of buckets by one interface, fsspec's.

A path with `://` names another file system, such as `gs://bucket/folder`; any other is a path of
this machine. Only here is it known which of the two a path is.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from fsspec.implementations.local import LocalFileSystem

from lungct.files import open_regular, reason_of
from lungct.remote_files import copy_whole, info, naming, open_remote, remote_system

# Folders in folders that are looked into; links that lead in a circle end here.
MAX_DEPTH = 12


@dataclass(frozen=True)
class Listing:
    """All files below a data root, on this machine or in a bucket.

    Attributes:
        root: The folder.
        files: Paths of all files below it that can be read by name, sorted; each begins with the
            root and a slash. Hidden files and folders (of a leading dot) are left out.
        open: Opens one of them for reading bytes; raises OSError where it can't.
        folders: Paths of all folders below it, sorted: one that is named as a file is no file.
    """

    root: str
    files: tuple[str, ...]
    open: Callable[[str], BinaryIO]
    folders: tuple[str, ...] = ()

    def relative(self, path: str) -> str:
        """The path of a file below the root."""
        return path.removeprefix(self.root.rstrip("/") + "/")


class StorageError(ValueError):
    """A folder or file can't be listed or read. The text is one line that names it."""


def is_remote(path: str) -> bool:
    """Whether a path names another file system than this machine's."""
    return "://" in path


def exists(path: str) -> bool:
    """Whether a file or folder is there.

    Raises:
        OSError: A bucket does not say.
    """
    # What fsspec calls `exists` takes any failure for a file that is not there.
    return os.path.exists(path) if not is_remote(path) else info(path) is not None


def is_folder(path: str) -> bool:
    """Whether a folder is there.

    Raises:
        OSError: A bucket does not say.
    """
    if not is_remote(path):
        return os.path.isdir(path)
    found = info(path)
    return found is not None and found["type"] == "directory"


def open_file(path: str) -> BinaryIO:
    """Opens a file for reading bytes; pipes and devices of this machine are refused.

    Raises:
        OSError: It can't be opened, or is no regular file.
    """
    if not is_remote(path):
        return open_regular(path)
    return open_remote(path)


def read_text(path: str) -> str:
    """A whole text file in UTF-8, with or without byte order mark.

    Raises:
        OSError: It can't be read, or is no regular file.
        UnicodeDecodeError: It is not in UTF-8.
    """
    with open_file(path) as file:
        return file.read().decode("utf-8-sig")


def list_files(root: str, content: str = "scans") -> tuple[Listing, tuple[str, ...]]:
    """All files below a folder but the hidden ones, whose names begin with a dot.

    Args:
        root: The folder, on this machine or in a bucket.
        content: What it is expected to hold, for the message where it is not there.

    Returns:
        The listing, and what was left out that is not hidden, one line each: files whose names
        are no UTF-8.

    Raises:
        StorageError: There is no such folder, or one below it can't be read.
        OSError: A bucket does not say whether it is there.
    """
    system, plain = _system(root)
    # Listings are kept, so that asking about each file costs no request; this one begins anew.
    system.invalidate_cache()
    if not is_folder(root):
        raise StorageError(f"expected a folder of {content}, got {root!r}")
    place = root.rstrip("/")
    entries = sorted(_entries(system, (plain, place), MAX_DEPTH, ()))
    good = [(path, folder) for path, folder in entries if printable(path) == path]
    warnings = tuple(
        f"left out a file whose name is no UTF-8: {printable(path)}"
        for path, _ in entries
        if printable(path) != path
    )
    files = tuple(path for path, folder in good if not folder)
    folders = tuple(path for path, folder in good if folder)
    return Listing(place, files, open_file, folders), warnings


def printable(name: str) -> str:
    """A path with bytes that are no UTF-8 shown as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def fingerprint(path: str) -> str:
    """What changes when a file changes: its path, size and time or tag.

    Args:
        path: A file.

    Returns:
        One line.

    Raises:
        OSError: It is not there.
    """
    if not is_remote(path):
        stat = os.stat(path)
        return f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}"
    system, plain = remote_system(path)
    with naming(path):
        return f"{path}\0{system.ukey(plain)}"


def common_base(paths: Sequence[str]) -> str:
    """The longest folder that all folders lie in.

    Args:
        paths: Absolute folders, all local or all in one bucket.

    Returns:
        The folder, without a slash at its end except for the root itself.

    Raises:
        ValueError: The folders are not all local or not all in one bucket.
    """
    parts = [path.rstrip("/").split("/") for path in paths]
    length = 0
    while length < min(map(len, parts)) and len({tuple(p[: length + 1]) for p in parts}) == 1:
        length += 1
    if length == 0 or (is_remote(paths[0]) and length < 3):
        raise ValueError(
            "expected data roots, outlines and tables on one file system or in one bucket, "
            f"got {', '.join(paths)}"
        )
    return "/".join(parts[0][:length]) or "/"


@contextlib.contextmanager
def local_copies(paths: Sequence[str]) -> Iterator[dict[str, str]]:
    """Gives files on this machine, copies of those that are not for as long as the context lasts.

    Args:
        paths: Files; those of one folder are copied into one folder.

    Yields:
        Path on this machine by path.

    Raises:
        OSError: A file can't be copied whole; the error names it.
    """
    remote = [path for path in paths if is_remote(path)]
    places = {path: path for path in paths}
    if not remote:
        yield places
        return
    with tempfile.TemporaryDirectory(prefix="noduleflow-") as top:
        folders: dict[str, list[str]] = {}
        for path in remote:
            folders.setdefault(path.rpartition("/")[0], []).append(path)
        for number, paths_of_folder in enumerate(folders.values()):
            copies = os.path.join(top, str(number))
            os.makedirs(copies)
            _copy(paths_of_folder, copies, places)
        yield places


def _copy(paths: Sequence[str], folder: str, places: dict[str, str]) -> None:
    """Copies files of one remote folder at once, and writes down where to."""
    copies = {path: os.path.join(folder, path.rpartition("/")[2]) for path in paths}
    copy_whole(copies)
    places.update(copies)


def _system(path: str) -> tuple[Any, str]:
    """The file system of a path, and the path as that system has it."""
    # A path of this machine may hold signs that fsspec gives a meaning, such as `::`.
    if not is_remote(path):
        return LocalFileSystem(), path
    return remote_system(path)


def _entries(
    system: Any, folder: tuple[str, str], depth: int, above: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    """Path and whether it is a folder, of all that lies below a folder and is not hidden.

    Args:
        system: The file system.
        folder: The folder as the file system has it, and as users have it.
        depth: Folders in folders that are looked into.
        above: The folders of this machine that it lies in, links resolved; one of them is passed
            over, as a link has led back.
    """
    plain, shown = folder
    if isinstance(system, LocalFileSystem):
        real = os.path.realpath(plain)
        if real in above:
            return
        above = (*above, real)
    try:
        with naming(shown) if is_remote(shown) else contextlib.nullcontext():
            entries = system.ls(plain, detail=True)
    except OSError as error:
        raise StorageError(
            f"expected a folder that may be read, got {reason_of(error)!r} for {printable(shown)}"
        ) from error
    for entry in entries:
        place = entry["name"].rstrip("/")
        name = place.rpartition("/")[2]
        if name.startswith(".") or place == plain.rstrip("/"):
            continue
        # A link has no type of its own.
        is_dir = entry["type"] == "directory" or (entry["type"] != "file" and system.isdir(place))
        yield f"{shown}/{name}", is_dir
        if is_dir and depth:
            yield from _entries(system, (place, f"{shown}/{name}"), depth - 1, above)
