"""Imports go one way, and nobody else owns our package names."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "lungct": {"lungct"},
    "schema": {"schema", "lungct"},
    "phantom": {"phantom", "lungct"},
    "models": {"models", "schema", "lungct"},
    "report": {"report", "serving", "schema", "lungct"},
    "serving": {"serving", "schema", "lungct"},
    "components": {"components", "serving", "report", "schema", "lungct"},
    "pipeline": {"pipeline", "components", "phantom", "schema", "lungct"},
    "runner": {
        *("runner", "pipeline", "components", "phantom", "report", "serving", "schema", "lungct"),
    },
}
OURS = {*MAY_IMPORT, "configs"}
RUNNERS = {"lungct", "pipeline", "runner"}


def imported_packages(path: Path) -> set[str]:
    """First parts of every module that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_packages_import_one_way(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        wrong = imported_packages(path) & OURS - MAY_IMPORT[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_the_scripts_are_thin() -> None:
    for name in ("local_runner.py", "kubeflow_runner.py"):
        assert imported_packages(ROOT / name) & OURS <= RUNNERS


def test_no_relative_imports() -> None:
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (isinstance(node, ast.ImportFrom) and node.level), path


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(m.split('.')[0] for m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_lungct_loads_nothing_heavy() -> None:
    paths = [p for room in ("lungct", "phantom") for p in (ROOT / room).rglob("*.py")]
    parts = [p.relative_to(ROOT).with_suffix("").parts for p in paths]
    names = [".".join(part) for part in parts if not part[-1].startswith("__")]
    statement = "\n".join(f"import {name}" for name in names)
    assert not modules_after(statement) & {"tensorflow", "apache_beam", "tfx", "keras", "scipy"}


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = {"tensorflow", "apache_beam", "tfx", "keras", "SimpleITK"}
    assert not modules_after("import local_runner, kubeflow_runner") & heavy


def test_no_distribution_owns_our_names() -> None:
    owners = importlib.metadata.packages_distributions()
    taken = {name: owners[name] for name in OURS & set(owners)}
    assert not taken


def test_our_packages_are_regular_and_come_from_here() -> None:
    for package in MAY_IMPORT:
        module = __import__(package)
        assert Path(str(module.__file__)) == ROOT / package / "__init__.py"


def test_what_we_use_of_tfx_is_there() -> None:
    """TFX 1.21 hides failed imports: a component can be None."""
    from tfx import v1 as tfx

    names = "StatisticsGen ExampleValidator Transform Trainer Evaluator Pusher".split()
    for name in names:
        assert isinstance(getattr(tfx.components, name), type), name
    from tfx_bsl.arrow import array_util

    assert callable(array_util.ListLengthsFromListArray)
