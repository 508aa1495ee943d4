"""Which files CtExampleGen reads, and the fingerprint by which TFX's cache sees their change."""

import hashlib
import os
from collections.abc import Iterator
from typing import Any

from tfx.components.example_gen import driver, input_processor
from tfx.proto import example_gen_pb2

from components.ct_example_gen.request import Request
from lungct.storage import common_base, fingerprint, list_files

# What lies below a root, for TFX's own driver, whose patterns have no sign for any depth.
_PATTERNS = tuple("/".join("*" * depth) for depth in range(1, 7))


def input_config(request: Request) -> tuple[str, example_gen_pb2.Input]:
    """Names the files whose change must invalidate the cache.

    Args:
        request: Which scans are wanted; its paths are absolute.

    Returns:
        The folder that holds all of them, and TFX's input configuration relative to it.

    Raises:
        ValueError: There is no root, or the paths share no folder.
    """
    if not request.roots:
        raise ValueError(f"expected at least one data root, got {list(request.roots)}")
    base = common_base([*_folders(request), *map(os.path.dirname, _files(request))])
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=_relative(pattern, base))
        for name, pattern in _patterns(request)
    ]
    return base, example_gen_pb2.Input(splits=splits)


class InputProcessor(input_processor.FileBasedInputProcessor):
    """Fingerprint of all files of all folders: names, sizes and times to the nanosecond.

    TFX's own would know sizes and whole seconds, and lists files by TensorFlow, which fails on
    names that are no UTF-8 and knows fewer file systems than fsspec.
    """

    def resolve_span_and_version(self) -> tuple[int, None]:
        """Returns the first span without looking for others: the patterns name none."""
        return 0, None

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Returns a checksum over the folders and files that the patterns are of."""
        del span, version
        stated: list[str] = []
        for split in self._splits:
            place = os.path.join(self._input_base_uri, split.pattern)
            if split.name.startswith("single"):
                stated.append(fingerprint(place))
            elif split.name.endswith("-0"):
                listing, _ = list_files(os.path.dirname(place))
                stated += map(_state, listing.files)
        digest = hashlib.sha256("\n".join(stated).encode("utf-8", "surrogateescape"))
        return f"files:{digest.hexdigest()}"


class Driver(driver.FileBasedDriver):
    """Sees any change of the input files; on Vertex AI `container_driver` takes its place."""

    def get_input_processor(
        self, splits: Any, range_config: Any = None, input_base_uri: str | None = None
    ) -> input_processor.InputProcessor:
        """Returns the processor that computes the fingerprint."""
        return InputProcessor(input_base_uri, splits, range_config)


def _state(path: str) -> str:
    """Fingerprint of a file that was listed; its name alone where a link leads nowhere."""
    try:
        return fingerprint(path)
    except OSError:
        return path


def _folders(request: Request) -> list[str]:
    """All folders that are read, each once."""
    outlines = [folder for root in request.roots for folder in root.outlines]
    return list(dict.fromkeys([*(root.path for root in request.roots), *outlines]))


def _files(request: Request) -> list[str]:
    """All single files that are read."""
    return [path for path in (request.checksums, request.split.table) if path]


def _patterns(request: Request) -> Iterator[tuple[str, str]]:
    """Name and absolute pattern of all that is read."""
    for number, folder in enumerate(_folders(request)):
        for depth, pattern in enumerate(_PATTERNS):
            yield f"folder{number}-{depth}", os.path.join(folder, pattern)
    for number, path in enumerate(_files(request)):
        yield f"single{number}", path


def _relative(path: str, base: str) -> str:
    return path.removeprefix(base.rstrip("/")).lstrip("/")
