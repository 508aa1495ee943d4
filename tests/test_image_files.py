"""What the compiled job names is in the image: without an image, from the files that it copies."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from pipeline import entry_points
from tests.image_files import (
    copies,
    copy_files,
    files_of_the_image,
    is_ignored,
    patterns_of,
    stages,
)
from tests.image_names import names_in, resolve
from tests.imported import needed, project_requirements, provided, unknown_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = "lungct schema phantom models serving report components pipeline runner".split()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with exactly the files that the image copies."""
    copy_files(files_of_the_image(ROOT), tmp_path / "image")
    return tmp_path / "image"


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The modules that the image's packages bring: none of the group dev."""
    requirements = project_requirements((ROOT / "pyproject.toml").read_text())
    return provided(needed(requirements).values())


def example_arguments() -> list[str]:
    """What `make compile` compiles with. Tests run in the image too, which has no make."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    values = dict(re.findall(r"^(\w+) = (.*)$", makefile, re.M))
    (line,) = re.findall(r"kubeflow_runner\.py compile (.*) --output", makefile)
    for _ in values:  # one may name another
        line = re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], line)
    return shlex.split(line)


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs tests/image_names.py in a folder, with nothing of this environment or repository."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", (ROOT / "tests/image_names.py").read_text(), *arguments]
    environment = {**clean, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_all_that_the_compiled_job_names_is_in_the_image(image: Path) -> None:
    run = run_in(image, *example_arguments())
    assert run.returncode == 0, run.stderr[-4000:]
    named = set(json.loads(run.stdout.splitlines()[-1]))
    assert {entry_points.RUN_FN, entry_points.PREPROCESSING_FN} <= named
    assert "components.ct_example_gen.executor.Executor" in named
    assert any(name.startswith(f"{entry_points.METRICS_MODULE}.") for name in named)


def test_the_image_holds_our_packages_whole() -> None:
    held = {place.as_posix() for place in files_of_the_image(ROOT)}
    there = {
        path.relative_to(ROOT).as_posix()
        for package in [*PACKAGES, "configs"]
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == there | {"local_runner.py", "kubeflow_runner.py", "LICENSE"}


def test_the_image_has_all_that_its_modules_import(image: Path, known: set[str]) -> None:
    assert not unknown_imports(image, known)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import pytest", "pytest"),
        ("def check():\n    from mypy import api", "mypy.api"),
        ("import benchmarks.kernels", "benchmarks.kernels"),
        ("from google.cloud import no_such_service", "google.cloud.no_such_service"),
        ("from lungct import no_such_module", "lungct.no_such_module"),
    ],
)
def test_an_import_that_the_image_lacks_is_found(
    statement: str, expected: str, image: Path, known: set[str]
) -> None:
    (image / "serving/model.py").write_text(statement)
    assert f"serving/model.py: {expected}" in unknown_imports(image, known)


@pytest.mark.parametrize("package", ["lungct", "schema", "report"])
def test_a_folder_that_the_image_does_not_copy_is_missed(
    package: str, tmp_path: Path, known: set[str]
) -> None:
    less = DOCKERFILE.replace(f"COPY {package} {package}\n", "")
    copy_files(files_of_the_image(ROOT, less), tmp_path / "image")
    assert [x for x in unknown_imports(tmp_path / "image", known) if f": {package}." in x]


@pytest.mark.parametrize("path", ["schema/schema.pbtxt", "report/templates/gate.j2"])
def test_a_file_that_the_image_must_hold_is_missed(path: str, image: Path) -> None:
    (image / path).unlink()
    code = "from pipeline import entry_points\nfrom pipeline.code_hash import files_of\n"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}files_of(entry_points.RUN)"],
        cwd=image,
        capture_output=True,
        text=True,
    )
    assert f"expected a file of ours, got none at {image / path}" in run.stderr


def test_a_stage_holds_what_its_base_holds() -> None:
    text = """
ARG DEPS=deps
FROM debian:13 AS deps
COPY one.py /opt/one.py
FROM ${DEPS} AS code
WORKDIR /opt/code
# COPY not this
COPY two.py three.py \\
    ./
COPY --from=deps /opt/x /opt/x
COPY folder folder
FROM debian:13 AS other
COPY four.py .
FROM code AS image
"""
    places = {source: str(target) for source, target in copies(text, "image")}
    code = "/opt/code"
    assert places == {
        "one.py": "/opt/one.py",
        "two.py": f"{code}/two.py",
        "three.py": f"{code}/three.py",
        "folder": f"{code}/folder",
    }


def test_options_of_copy_are_refused() -> None:
    with pytest.raises(ValueError, match="expected COPY without options, got .*--chown=me"):
        list(copies("FROM x AS image\nCOPY --chown=me a b", "image"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".venv/bin/python", True),
        (".venv-3.10/bin/python", True),
        ("lungct/.venv/x", False),
        ("__pycache__/x.pyc", True),
        ("lungct/readers/__pycache__/x", True),
        ("lungct/x.pyc", True),
        ("output/demo/run.json", True),
        ("schema/outputs.py", False),
        ("output.py", False),
    ],
)
def test_what_is_ignored_is_by_dockers_rules(path: str, expected: bool) -> None:
    patterns = [".venv*", "**/__pycache__", "**/*.pyc", "output"]
    assert is_ignored(path, patterns) is expected


def test_a_pattern_that_takes_back_is_refused() -> None:
    with pytest.raises(ValueError, match="expected patterns that leave out, got '!x'"):
        is_ignored("x", patterns_of("# all\n\n!x\n"))


def test_the_image_runs_as_a_user_by_number_and_keeps_no_compiler() -> None:
    words = stages(DOCKERFILE)["image"]
    assert [rest for word, rest in words if word == "USER"][-1] == ["1000"]
    installed = " ".join(rest[0] for word, rest in words if word == "RUN")
    assert "python3" in installed
    assert "g++" not in installed
    assert list(stages(DOCKERFILE))[-1] == "image"


def test_versions_of_the_dockerfile_are_those_of_the_lock_and_of_setup() -> None:
    beam = [
        str(r.specifier)
        for r in project_requirements((ROOT / "pyproject.toml").read_text())
        if r.name == "apache-beam" and r.marker and r.marker.evaluate({"python_version": "3.13"})
    ]
    assert re.findall(r"beam_python3\.13_sdk:([\d.]+)", DOCKERFILE) == [beam[0].strip("=")]
    (wanted,) = re.findall(r"^UV_VERSION=(.*)$", (ROOT / "scripts/setup.sh").read_text(), re.M)
    assert re.findall(r"uv==(\S+)", DOCKERFILE) == [wanted]


def test_names_of_a_job_are_found_wherever_they_stand() -> None:
    metric = json.dumps({"metrics": [{"class_name": "Dice", "module": "models.metrics.figures"}]})
    job = {
        "args": ["--executor_class_path", "components.data_gate.Executor", "gs://b/models.x/y"],
        "stringValue": metric,
        "command": ["python -m tfx.scripts.run_executor", "tfx.Model"],
    }
    assert set(names_in(job)) == {
        "components.data_gate.Executor",
        "models.metrics.figures.Dice",
        "models.metrics.figures",
        "tfx.scripts.run_executor",
    }


def test_names_that_are_not_there_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_module.py").write_text("import no_such_package")
    (tmp_path / "made_none.py").write_text("Trainer = None")
    monkeypatch.syspath_prepend(str(tmp_path))
    resolve("schema.features.SPLIT_TRAIN")
    for name, error in (
        ("schema.features.no_such_name", AttributeError),
        ("schema.no_such_module", AttributeError),
        ("no_such_package.module", ModuleNotFoundError),
        ("made_module.name", ModuleNotFoundError),
        ("made_none.Trainer", AttributeError),
    ):
        with pytest.raises(error):
            resolve(name)


def test_files_are_at_the_places_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.py").write_text("")
    files = files_of_the_image(tmp_path, "FROM b AS image\nCOPY a /opt/noduleflow/c\n", "")
    assert dict(files) == {PurePosixPath("c/x.py"): tmp_path / "a/x.py"}
    shutil.rmtree(tmp_path / "a")
