"""A hash of the code that a component imports: changed code reruns, unchanged code does not.

TFX's cache does not see the functions that it is given by dotted name, nor the modules that an
executor imports. So each component takes this hash as a parameter.
"""

import ast
import functools
import hashlib
import importlib.metadata
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# They run every component, whether our code imports them or not.
ALWAYS = ("tensorflow", "tfx", "keras")


@dataclass(frozen=True)
class Code:
    """What a component runs.

    Attributes:
        modules: Dotted names of modules of ours, such as "models.trainer"; what they import, they
            run too.
        files: Paths of the other files of ours that these read, such as "schema/schema.pbtxt".
        distributions: Names of distributions that are loaded without being imported by name.
    """

    modules: tuple[str, ...]
    files: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()

    def __add__(self, other: "Code") -> "Code":
        """Both together."""
        return Code(
            self.modules + other.modules,
            self.files + other.files,
            self.distributions + other.distributions,
        )


@dataclass(frozen=True)
class _Module:
    """What a file holds: its syntax without layout, and the names that it may import."""

    syntax: str
    imports: tuple[str, ...]


def code_hash(code: Code, root: Path = ROOT) -> str:
    """Hashes what a component runs, so far as it decides what the component does.

    That is the syntax of our modules without comments, docstrings and layout, the bytes of the
    other files, the versions of the distributions that are imported or named, those of TensorFlow,
    TFX and Keras in any case, and Python's minor version.

    Args:
        code: What the component runs.
        root: The folder that our packages lie in.

    Returns:
        16 hexadecimal digits of SHA-256.

    Raises:
        ModuleNotFoundError: If a module is none of ours.
        FileNotFoundError: If a file is not there.
        importlib.metadata.PackageNotFoundError: If a distribution is not installed.
    """
    digest = hashlib.sha256()
    outside = set(ALWAYS)
    for path in files_of(code, root):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        if path.suffix == ".py":
            module = _read(path)
            digest.update(module.syntax.encode())
            outside.update(name for name in module.imports if not _is_ours(name, root))
        else:
            digest.update(path.read_bytes())
    digest.update("\n".join(_versions(outside, code.distributions)).encode())
    return digest.hexdigest()[:16]


def files_of(code: Code, root: Path = ROOT) -> tuple[Path, ...]:
    """Finds the files of ours that a component runs or reads.

    Imports are read, not run: those within functions count too, and the packages on the way to a
    module.

    Args:
        code: What the component runs.
        root: The folder that our packages lie in.

    Returns:
        Modules that are imported, directly or not, and the other files, sorted.

    Raises:
        ModuleNotFoundError: If a module is none of ours.
        FileNotFoundError: If a file is not there.
    """
    for name in code.modules:
        if _file_of(name, root) is None:
            raise ModuleNotFoundError(f"expected a module of ours, got {name!r} in {root}")
    found = {root / name for name in code.files}
    for path in found:
        if not path.is_file():
            raise FileNotFoundError(f"expected a file of ours, got none at {path}")
    waiting = list(code.modules)
    while waiting:
        for path in _files_on_the_way(waiting.pop(), root):
            if path not in found:
                found.add(path)
                waiting += _read(path).imports
    return tuple(sorted(found))


def _files_on_the_way(name: str, root: Path) -> Iterator[Path]:
    """The files of a module and of the packages that hold it; none where it is not ours."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        path = _file_of(".".join(parts[:length]), root)
        if path is None:
            return  # A name in a module, or somebody else's module.
        yield path


def _file_of(name: str, root: Path) -> Path | None:
    place = root.joinpath(*name.split("."))
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if path.is_file():
            return path
    return None


def _is_ours(name: str, root: Path) -> bool:
    return _file_of(name.partition(".")[0], root) is not None


def _read(path: Path) -> _Module:
    status = path.stat()
    return _parse(path, status.st_mtime_ns, status.st_size)


@functools.cache
def _parse(path: Path, changed_ns: int, size_bytes: int) -> _Module:
    """Reads a module once, until its file changes."""
    del changed_ns, size_bytes
    tree = ast.parse(path.read_bytes(), filename=str(path))
    nodes = list(ast.walk(tree))
    imports = tuple(sorted(set(_imports(nodes))))
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
    return _Module(ast.dump(tree), imports)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Absolute names that may be modules: of `from x import y` both x and x.y."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Never relative: tests/test_architecture.py.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _versions(imports: Iterable[str], named: Iterable[str]) -> list[str]:
    """Python's minor version, and name and version of each distribution imported or named."""
    names = {*named, *(name for module in imports for name in _distributions(module))}
    found = sorted(f"{name} {importlib.metadata.version(name)}" for name in names)
    return [f"python {sys.version_info.major}.{sys.version_info.minor}", *found]


@functools.cache
def _distributions(module: str) -> tuple[str, ...]:
    """Names of the distributions that a module comes from; none for the standard library's."""
    owners = tuple(sorted(set(_owners().get(module.partition(".")[0], ()))))
    if len(owners) < 2:
        return owners
    # Several share a namespace, such as `google`: those count that hold most of the way.
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        found = tuple(name for name in owners if _has_folder(name, folder))
        if found:
            return found
    return ()


@functools.cache
def _owners() -> dict[str, list[str]]:
    """Names of distributions by the first part of what is imported from them.

    As `importlib.metadata.packages_distributions`, which before Python 3.11 leaves out those that
    do not list their packages, NumPy among them.
    """
    owners = defaultdict(list)
    for distribution in importlib.metadata.distributions():
        listed = (distribution.read_text("top_level.txt") or "").split()
        for package in listed or _packages_in(distribution.read_text("RECORD") or ""):
            owners[package].append(distribution.metadata["Name"])
    return dict(owners)


def _packages_in(record: str) -> set[str]:
    paths = (line.partition(",")[0] for line in record.splitlines())
    return {path.partition("/")[0].partition(".")[0] for path in paths if ".py" in path}


def _has_folder(distribution: str, folder: str) -> bool:
    record = importlib.metadata.distribution(distribution).read_text("RECORD") or ""
    return any(line.startswith(f"{folder}/") for line in record.splitlines())
