"""Imports everything that a compiled job names; run in a folder that holds the image's files.

Prints the names as a JSON list. Nothing of the repository but the working folder is imported.
"""

import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Where a job says what runs, and with which values.
PARTS = ("deploymentSpec", "root")
OURS = "lungct|schema|phantom|models|serving|report|components|pipeline|runner"
# A module, or something in one. Types of artifacts, such as tfx.Model, only look like it.
DOTTED = re.compile(rf"(?<![\w./-])(?:{OURS}|tfx)(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?(?![\w/-])")


def names_in(value: Any) -> Iterator[str]:
    """Dotted names in the texts of a JSON value, and classes that are given with their module."""
    if isinstance(value, dict):
        name = value.get("class_name") or value.get("className")
        if name and "module" in value:
            yield f"{value['module']}.{name}"
        for part in value.values():
            yield from names_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from names_in(part)
    elif isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            inner = None
        if isinstance(inner, dict | list):
            yield from names_in(inner)
        else:
            yield from DOTTED.findall(value)


def resolve(name: str) -> None:
    """Imports a module, or the module that holds what is named, and looks for it there.

    Raises:
        ImportError: If there is no such module.
        AttributeError: If the module does not hold it, or holds None, as TFX 1.21 does for what
            failed to be imported.
    """
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            # Only a part of the name itself may be no module: what a module lacks is an error.
            if length == 1 or error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        if found is None:
            raise AttributeError(f"expected {name} to be something, got None")
        return


def own_modules(folder: Path) -> list[str]:
    """Every module in a folder; `__main__` is for running."""
    packages = [str(path.parent) for path in folder.glob("*/__init__.py")]
    walked = [
        module.name
        for package in packages
        for module in pkgutil.walk_packages([package], f"{Path(package).name}.")
    ]
    scripts = [path.stem for path in folder.glob("*.py")]
    return sorted(n for n in walked + scripts if not n.endswith("__main__"))


def main(arguments: list[str]) -> None:
    """Compiles with these arguments, and imports what the job names and every module here."""
    import kubeflow_runner
    from pipeline import entry_points
    from pipeline.code_hash import files_of
    from pipeline.loading import load_config

    if kubeflow_runner.main(["compile", *arguments, "--output", "job.json"]) != 0:
        sys.exit("expected a compiled job, got none")
    spec = json.loads(Path("job.json").read_text())["pipelineSpec"]
    named = sorted({name for part in PARTS for name in names_in(spec[part])})
    for name in [*named, *own_modules(Path.cwd())]:
        resolve(name)
    files_of(entry_points.RUN, Path.cwd())
    for path in sorted(Path("configs").glob("*.yaml")):
        load_config(str(path))
    print(json.dumps(named))


if __name__ == "__main__":
    main(sys.argv[1:])
