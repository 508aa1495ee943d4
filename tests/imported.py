"""What modules import, and which installed packages may be imported in the image."""

import ast
import functools
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@functools.cache
def imports(text: str) -> list[tuple[str, str]]:
    """Pairs of a module and a name that is taken from it, or "", anywhere in a module's text."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return found


def modules_in(folder: Path) -> set[str]:
    """Dotted names of the modules and regular packages of a folder."""
    paths = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return {_dotted(path) for path in paths}


def _dotted(path: Path) -> str:
    parts = path.parts[:-1] if path.stem == "__init__" else path.with_suffix("").parts
    return ".".join(part.partition(".")[0] for part in parts)


def project_requirements(pyproject: str) -> list[Requirement]:
    """The dependencies of the project, without optional ones and groups."""
    (block,) = re.findall(r"^dependencies = \[\n(.*?)^\]", pyproject, re.M | re.S)
    return [Requirement(line) for line in re.findall(r'^ +"(.*)",$', block, re.M)]


def needed(requirements: Iterable[Requirement]) -> dict[str, Distribution]:
    """The installed distributions that these need here, directly or not, by their names."""
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [(one, "") for one in requirements]
    while waiting:
        one, extra = waiting.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(one.name)
        try:
            found.setdefault(name, distribution(name))
        except PackageNotFoundError:
            # Not for this machine; what is really lacking fails where it is imported.
            continue
        for wanted in {"", *one.extras}:
            if (name, wanted) not in done:
                done.add((name, wanted))
                waiting += [(Requirement(r), wanted) for r in found[name].requires or ()]
    return found


def provided(distributions: Iterable[Distribution]) -> set[str]:
    """Dotted names of the modules that distributions bring."""
    files = [path for one in distributions for path in one.files or ()]
    return {_dotted(Path(p)) for p in files if p.suffix in {".py", ".so"} and ".." not in p.parts}


def unknown_imports(folder: Path, known: set[str]) -> list[str]:
    """Lists what the modules of a folder import that neither they nor `known` nor Python have.

    Args:
        folder: The root that modules are imported from.
        known: Dotted names of modules that may be imported besides.

    Returns:
        A line for each, such as "models/trainer.py: pytest".
    """
    ours = modules_in(folder)
    wrong = set()
    for path in sorted(folder.rglob("*.py")):
        for module, name in imports(path.read_text()):
            if module in ours:
                is_there = not name or f"{module}.{name}" in ours or _names(folder, module, name)
            else:
                # A namespace such as google.cloud is of several distributions: its parts count.
                is_there = bool({module, f"{module}.{name}"} & known)
            if not is_there and module.split(".")[0] not in sys.stdlib_module_names:
                wrong.add(f"{path.relative_to(folder)}: {f'{module}.{name}'.rstrip('.')}")
    return sorted(wrong)


def _names(folder: Path, module: str, name: str) -> bool:
    """Says whether a module of ours holds a name, be it defined or imported there."""
    path = folder / module.replace(".", "/")
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    return re.search(rf"\b{name}\b", text) is not None
