"""The hash of a component follows what it imports, and nothing else."""

import importlib.metadata
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import code_hash as subject
from pipeline import entry_points
from pipeline.code_hash import ROOT, Code, code_hash, files_of

COMPONENTS = {
    "ingest": entry_points.INGEST,
    "schema": entry_points.SCHEMA_IMPORT,
    "gate": entry_points.DATA_GATE,
    "transform": entry_points.TRANSFORM,
    "trainer": entry_points.TRAINER,
    "segment": entry_points.SEGMENT_SCANS,
    "evaluator": entry_points.EVALUATOR,
    "report": entry_points.REPORT,
    "run": entry_points.RUN,
}
LEARNING = {"ingest", "transform", "trainer", "evaluator"}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(root: Path, *modules: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path in files_of(Code(modules), root)]


def hashes(root: Path) -> dict[str, str]:
    return {name: code_hash(code, root) for name, code in COMPONENTS.items()}


@pytest.fixture
def changes(tmp_path: Path) -> Callable[[str, str, str], set[str]]:
    """Edits a copy of our code, and gives the components whose hash that changes."""
    packages = "lungct schema phantom models serving report components pipeline runner"
    for package in packages.split():
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "local_runner.py", tmp_path)

    def edit(path: str, old: str, new: str) -> set[str]:
        before, text = hashes(tmp_path), (tmp_path / path).read_text()
        assert old in text
        (tmp_path / path).write_text(text.replace(old, new, 1))
        after = hashes(tmp_path)
        (tmp_path / path).write_text(text)
        return {name for name in COMPONENTS if before[name] != after[name]}

    return edit


Changes = Callable[[str, str, str], set[str]]


def test_a_comment_reruns_nothing(changes: Changes) -> None:
    for path in ("phantom/model.py", "report/page.py", "lungct/lung/mask.py", "models/losses.py"):
        assert changes(path, "\n\n\n", "\n\n# A comment.\n\n") == set()
    assert changes("models/losses.py", '"""', '"""Another docstring; ') == set()


@pytest.mark.parametrize("path", ["phantom/model.py", "report/page.py", "lungct/check.py"])
def test_what_is_not_trained_with_reruns_nothing_trained(path: str, changes: Changes) -> None:
    assert not changes(path, "\n\n\n", "\n\nADDED = 1\n\n") & LEARNING


def test_a_changed_lung_mask_reruns_ingest(changes: Changes) -> None:
    changed = changes("lungct/lung/mask.py", "\n\n\n", "\n\nADDED = 1\n\n")
    assert changed & LEARNING == {"ingest"}


def test_a_changed_loss_reruns_the_trainer_alone(changes: Changes) -> None:
    assert changes("models/losses.py", "\n\n\n", "\n\nADDED = 1\n\n") == {"trainer", "run"}


def test_a_changed_metric_reruns_the_evaluator_alone(changes: Changes) -> None:
    path = f"{entry_points.METRICS_MODULE.replace('.', '/')}.py"
    assert changes(path, "\n\n\n", "\n\nADDED = 1\n\n") == {"evaluator", "run"}


def test_a_changed_way_of_segmenting_reruns_what_reads_models(changes: Changes) -> None:
    changed = changes("serving/model.py", "\n\n\n", "\n\nADDED = 1\n\n")
    assert changed == {"segment", "run"}
    changed = changes("serving/served.py", "\n\n\n", "\n\nADDED = 1\n\n")
    assert changed == {"segment", "report", "run"}


def test_other_files_count_for_the_component_that_reads_them(changes: Changes) -> None:
    assert changes("report/templates/page.html.j2", "<", " <") == {"report", "run"}
    changed = changes("schema/schema.pbtxt", "feature", "# A comment.\nfeature")
    assert changed & LEARNING == set() and changed == {"schema", "run"}


def test_every_file_in_our_packages_is_a_module_or_named() -> None:
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    # No run of the pipeline reads the model that comes along.
    files = {path for path in files if ROOT / "serving" / "pretrained" not in path.parents}
    others = {path for path in files if path.suffix not in (".py", ".pyc")}
    assert others == {path for path in files_of(entry_points.RUN) if path.suffix != ".py"}


@pytest.mark.parametrize("package", ["report", "phantom", "pipeline", "runner", "components"])
def test_the_trainer_imports_no(package: str) -> None:
    assert not [path for path in files_of(entry_points.TRAINER) if ROOT / package in path.parents]


def test_the_trainer_imports_no_check() -> None:
    assert ROOT / "lungct/check.py" not in files_of(entry_points.TRAINER)


def test_a_run_imports_what_its_components_import() -> None:
    run = set(files_of(entry_points.RUN))
    for code in COMPONENTS.values():
        assert set(files_of(code)) <= run
        assert set(code.distributions) <= set(entry_points.RUN.distributions)
    assert ROOT / "runner/local_run.py" in run


def test_imports_of_every_form_are_followed(tmp_path: Path) -> None:
    write(tmp_path, {"a/__init__": "import os", "a/b": "x = 1", "d/__init__": ""})
    write(tmp_path, {"a/c": "def f():\n from d import e", "d/e": "import a.b as b, numpy"})
    write(tmp_path, {"f": "from a import b, y", "g": ""})
    found = ["a/__init__.py", "a/b.py", "a/c.py", "d/__init__.py", "d/e.py"]
    assert names(tmp_path, "a.c") == found
    assert names(tmp_path, "f") == ["a/__init__.py", "a/b.py", "f.py"]
    assert names(tmp_path, "g") == ["g.py"]


def test_modules_that_import_each_other_have_an_end(tmp_path: Path) -> None:
    write(tmp_path, {"a": "import b", "b": "import a"})
    assert names(tmp_path, "a") == ["a.py", "b.py"]


def test_only_files_that_are_named_count(tmp_path: Path) -> None:
    write(tmp_path, {"a/__init__": "", "a/b": ""})
    for name in ("a/x.j2", "a/y.j2"):
        (tmp_path / name).write_text("")
    found = files_of(Code(("a.b",), ("a/y.j2",)), tmp_path)
    assert found == tuple(tmp_path / name for name in ("a/__init__.py", "a/b.py", "a/y.j2"))
    before = code_hash(Code(("a.b",), ("a/y.j2",)), tmp_path)
    (tmp_path / "a/y.j2").write_text("changed")
    assert code_hash(Code(("a.b",), ("a/y.j2",)), tmp_path) != before
    with pytest.raises(FileNotFoundError, match="expected a file of ours, got none at /.*/a/z.j2"):
        files_of(Code(("a.b",), ("a/z.j2",)), tmp_path)


def test_layout_and_docstrings_do_not_count_but_names_and_values_do(tmp_path: Path) -> None:
    write(tmp_path, {"a": '"""Doc."""\ndef f(x):\n    """Doc."""\n    return x + 1\n'})
    before = code_hash(Code(("a",)), tmp_path)
    write(tmp_path, {"a": "def f(\n    x,\n):  # Why.\n    return (x + 1)\n"})
    assert code_hash(Code(("a",)), tmp_path) == before
    write(tmp_path, {"a": "def f(x):\n    return x + 2\n"})
    assert code_hash(Code(("a",)), tmp_path) != before
    write(tmp_path, {"b": "def f(x):\n    return x + 1\n"})
    assert code_hash(Code(("b",)), tmp_path) != before


def test_what_is_no_module_of_ours_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"a": ""})
    with pytest.raises(ModuleNotFoundError, match="expected a module of ours, got 'a.f' in /"):
        code_hash(Code(("a.f",)), tmp_path)


def with_version(monkeypatch: pytest.MonkeyPatch, distribution: str) -> None:
    """Lets a distribution have another version."""
    known = importlib.metadata.version

    def version(name: str) -> str:
        return "0.0" if name.lower() == distribution else known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize("distribution", ["tensorflow", "tfx", "keras"])
def test_these_versions_count_for_every_component(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(ROOT)
    with_version(monkeypatch, distribution)
    after = hashes(ROOT)
    assert all(before[name] != after[name] for name in COMPONENTS)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("simpleitk", {"ingest", "segment", "run"}),
        ("surface-distance", {"segment", "run"}),
        ("isal", {"ingest", "trainer", "segment", "report", "run"}),
        ("google-crc32c", {"ingest", "trainer", "segment", "report", "run"}),
        # Found by pydicom.
        ("pillow", {"ingest", "report", "run"}),
        ("pyjpegls", {"ingest", "run"}),
        ("markupsafe", {"report", "run"}),
        ("rich", {"run"}),
        # In a namespace that many distributions share.
        ("protobuf", {"schema", "report", "run"}),
        ("google-cloud-storage", set()),
    ],
)
def test_other_versions_count_where_they_are_imported(
    distribution: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(ROOT)
    with_version(monkeypatch, distribution)
    after = hashes(ROOT)
    assert {name for name in COMPONENTS if before[name] != after[name]} == expected


def test_a_distribution_that_lists_no_packages_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash(entry_points.TRAINER)
    with_version(monkeypatch, "numpy")
    assert code_hash(entry_points.TRAINER) != before


def test_a_distribution_that_is_named_must_be_there() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="no-such-decoder"):
        code_hash(Code(("models.losses",), distributions=("no-such-decoder",)))


def test_pythons_minor_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash(entry_points.TRAINER)
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(major=3, minor=99))
    assert code_hash(entry_points.TRAINER) != before


def test_the_hashes_of_a_pipeline_take_less_than_two_seconds() -> None:
    subject._parse.cache_clear()
    start = time.process_time()
    hashes(ROOT)
    assert time.process_time() - start < 2.0
