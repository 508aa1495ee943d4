"""The hash of our source changes with names and contents, and with nothing else."""

import ast
from pathlib import Path

import pytest

from pipeline.source import EVERYTHING, INGEST, LEARNING, ROOT, source_hash


def imported(path: Path) -> list[str]:
    """Our modules that a module imports, dotted."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    ours = ("components", "lungct", "models", "schema")
    from_ours = [n for n in nodes if n.module and n.module.split(".")[0] in ours]
    return [
        name
        for node in from_ours
        for name in (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))
    ]


def make(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "x.py").write_text("1")
    (folder / "a" / "notes.txt").write_text("not source")
    (folder / "b.py").write_text("2")


def test_contents_and_names_count(tmp_path: Path) -> None:
    make(tmp_path)
    before = source_hash(("a", "b.py"), tmp_path)
    (tmp_path / "a" / "notes.txt").write_text("changed")
    assert source_hash(("a", "b.py"), tmp_path) == before
    (tmp_path / "a" / "x.py").write_text("3")
    changed = source_hash(("a", "b.py"), tmp_path)
    (tmp_path / "a" / "x.py").rename(tmp_path / "a" / "y.py")
    assert len({before, changed, source_hash(("a", "b.py"), tmp_path)}) == 3


def test_a_part_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        source_hash(("nothing",), tmp_path)


def test_our_parts_are_there_and_differ() -> None:
    assert len({source_hash(INGEST), source_hash(LEARNING), source_hash(EVERYTHING)}) == 3


def test_all_that_ingest_imports_is_in_its_hash() -> None:
    """Code that converts scans and is in no hash would be changed without scans read again."""
    hashed = {path for part in INGEST for path in ([ROOT / part] if ".py" in part else ())}
    known = hashed | set((ROOT / "lungct").rglob("*.py")) | set(ROOT.glob("*/__init__.py"))
    waiting, seen = [ROOT / "components" / "ct_example_gen.py"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        modules = (ROOT.joinpath(*name.split(".")) for name in imported(path))
        found = {m.with_suffix(".py") if m.with_suffix(".py").exists() else m for m in modules}
        waiting += [
            f for f in found if f.suffix == ".py" and f not in seen and "lungct" not in f.parts
        ]
    assert seen <= known
