"""A hash of our source, so that changed code reruns and unchanged code comes from the cache."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEARNING = ("schema", "lungct", "models")
INGEST = ("schema", "lungct", "components/ct_example_gen")
EVERYTHING = ("schema", "lungct", "models", "report", "components", "pipeline")

# What of our source is read when a component runs.
SUFFIXES = (".py", ".pbtxt", ".j2")


def source_hash(parts: Sequence[str] = EVERYTHING, root: Path = ROOT) -> str:
    """Hashes source files, names and contents, in a fixed order.

    Args:
        parts: Folders or files below `root`.
        root: The repository's root.

    Returns:
        16 hexadecimal digits of SHA-256.

    Raises:
        FileNotFoundError: If a part is neither a folder nor a file.
    """
    digest = hashlib.sha256()
    for path in sorted(set(_files(parts, root))):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(parts: Sequence[str], root: Path) -> Iterator[Path]:
    for part in parts:
        path = root / part
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (file for file in path.rglob("*") if file.suffix in SUFFIXES)
        else:
            raise FileNotFoundError(f"expected a folder or file of ours, got {path}")
