"""Every command, option, key and path that the documents name is there."""

import dataclasses
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kubeflow_runner
import local_runner
from pipeline.config import OTHER_DATA, Config
from pipeline.gate import CriterionConfig
from pipeline.loading import CHOSEN, load_config, valid_keys
from runner.commands import clean, compare, evaluate, report, run
from schema import files
from schema.hyperparameters import Augmentation, Loss, UNet
from schema.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (
        *(ROOT / "README.md", ROOT / "serving" / "pretrained" / "README.md"),
        *sorted((ROOT / "docs").glob("*.md")),
    )
}
TEXT = "\n".join(DOCUMENTS.values())
MODULES = sorted(set(re.findall(r"python -m ([\w.]+)", TEXT)))
PARSERS = {
    "local_runner.py": run.parse_arguments,
    "local_runner.py clean": clean.parse_arguments,
    "local_runner.py compare": compare.parse_arguments,
    "local_runner.py evaluate": evaluate.parse_arguments,
    "local_runner.py report": report.parse_arguments,
    "kubeflow_runner.py": kubeflow_runner.parse_arguments,
}


def blocks_and_spans() -> Iterator[str]:
    """What is set as code: lines of blocks between fences, and texts in backticks outside."""
    for number, part in enumerate(TEXT.split("```")):
        if number % 2:
            # Programs that are not ours have options of their own.
            yield from (line for line in part.splitlines() if not line.startswith("gcloud "))
        else:
            yield from re.findall(r"`([^`\n]+)`", part)


CODE = list(blocks_and_spans())
# Modules that the documents give options to.
WITH_OPTIONS = (
    *("lungct.check", "lungct.froc", "phantom", "serving.segment"),
    *("benchmarks.ablation", "benchmarks.augmentation", "benchmarks.evaluator_rows"),
    *("benchmarks.luna16_cost", "benchmarks.nodule_threshold"),
    *("benchmarks.real_nodules", "benchmarks.segment", "benchmarks.sim_to_real"),
    "benchmarks.endpoint",
    "benchmarks.training_input",
)


def options_of(*command: str) -> set[str]:
    """The long options in the help of a command, run in the repository."""
    shown = subprocess.run(
        [sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z][a-z-]*", shown.stdout))


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each of these modules."""
    return {module: options_of("-m", module) for module in WITH_OPTIONS}


def runner_lines() -> list[list[str]]:
    """The words of each call of a runner, its comment left out."""
    calls = re.findall(r"((?:local|kubeflow)_runner\.py [a-z-].*)", "\n".join(CODE))
    lines = [shlex.split(call, comments=True) for call in calls]
    return [words for words in lines if any(word.startswith("--") for word in words)]


def test_documents_and_what_they_name_are_found() -> None:
    assert {"README.md", "docs/ingest.md", "docs/measured.md"} <= set(DOCUMENTS)
    assert {"lungct.check", "phantom", "benchmarks.ingest"} <= set(MODULES)
    assert {" ".join(words[:2]) for words in runner_lines()} >= {
        "local_runner.py clean",
        "local_runner.py compare",
        "local_runner.py evaluate",
        *(f"kubeflow_runner.py {name}" for name in ("compile", "schedule", "submit")),
    }


def test_keys_of_overrides_are_keys_of_the_configuration() -> None:
    keys = re.findall(r"--set ([^=\s`]+)=", TEXT)
    assert len(keys) >= 8
    # Criteria of the gate have names that the user chooses.
    assert {re.sub(r"^gate\.[a-z_]+", f"gate.{CHOSEN}", key) for key in keys} <= set(valid_keys())


def test_dotted_keys_are_keys_of_the_configuration() -> None:
    sections = "|".join(Config.model_fields)
    named = re.findall(rf"^((?:{sections})\.[a-z_.]+)(?=[:=\s]|$)", "\n".join(CODE), re.M)
    assert "data.max_quarantined_fraction" in named
    names_of_files = {value for name, value in vars(files).items() if name.endswith("_FILE")}
    assert set(named) - names_of_files <= set(valid_keys())


def test_every_metric_and_key_of_a_criterion_is_listed() -> None:
    tables = re.findall(r"^\|.*", DOCUMENTS["docs/evaluation.md"], re.M)
    listed = {word for line in tables for word in re.findall(r"`([a-z_0-9.]+)`", line)}
    assert {metric.key for metric in METRICS} <= listed
    assert set(CriterionConfig.model_fields) <= listed


def test_the_gate_of_the_documents_is_one(tmp_path: Path) -> None:
    (gate,) = re.findall(r"```yaml\n(gate:\n.*?)```", DOCUMENTS["docs/evaluation.md"], re.S)
    config = (ROOT / "configs/luna16.yaml").read_text().partition("\ngate:")[0]
    (tmp_path / "config.yaml").write_text(f"{config}\n{gate}")
    found = load_config(str(tmp_path / "config.yaml"), context=OTHER_DATA).gate
    assert {one.source for one in found.values()} == {"all", "crops"}


def test_every_key_of_network_augmentation_and_loss_is_described() -> None:
    described = set(re.findall(r"`(?:training\.loss\.)?([a-z_0-9]+)`", DOCUMENTS["docs/model.md"]))
    for section in (UNet, Augmentation, Loss):
        assert {item.name for item in dataclasses.fields(section)} <= described


def test_overrides_are_valid_together_with_the_configuration() -> None:
    given = re.findall(r"--set ([^=\s`]+=[^\s`']+)", TEXT)
    for override in given:
        if not override.endswith(("FILE.csv", "...")):
            load_config(str(ROOT / "configs/luna16.yaml"), [override])


@pytest.mark.parametrize("module", MODULES)
def test_modules_can_be_run(module: str) -> None:
    found = importlib.util.find_spec(module)
    assert found is not None
    if found.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{module}.__main__") is not None


def test_options_of_modules_are_known_to_them(options: dict[str, set[str]]) -> None:
    for line in TEXT.splitlines():
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", line))
        modules = re.findall(r"python -m ([\w.]+)", line)
        if named and modules:
            assert len(set(modules)) == 1, line
            assert named <= options[modules[0]], line


@pytest.mark.parametrize("words", runner_lines(), ids=" ".join)
def test_calls_of_the_runners_are_understood(words: list[str]) -> None:
    script, *arguments = words
    if script == "local_runner.py" and arguments[0] in local_runner.COMMANDS:
        script, arguments = f"{script} {arguments[0]}", arguments[1:]
    PARSERS[script](arguments)


def test_options_named_alone_are_those_of_some_command(options: dict[str, set[str]]) -> None:
    known = set().union(
        *options.values(),
        options_of("local_runner.py"),
        *(options_of("local_runner.py", command) for command in local_runner.COMMANDS),
        *(options_of("kubeflow_runner.py", command) for command in kubeflow_runner.COMMANDS),
    )
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "\n".join(CODE)))
    assert {"--data", "--set", "--write-masks"} <= named
    assert named <= known


def test_paths_of_the_repository_are_there() -> None:
    tops = {path.name for path in ROOT.iterdir()} - {"output"}
    named = {
        word
        for code in CODE
        for word in re.findall(r"(?<![\w./])[\w.-]+(?:/[\w.-]+)*/?(?![\w/*=])", code)
        if word.partition("/")[0] in tops and ("/" in word or "." in word)
    }
    assert {"lungct/limits.py", "configs/luna16.yaml", "tests/bad_inputs"} <= named
    missing = [word for word in sorted(named) if not (ROOT / word).exists()]
    assert not missing


def test_the_layout_names_every_package() -> None:
    (layout,) = re.findall(r"## The layout\n+```\n(.*?)```", DOCUMENTS["README.md"], re.S)
    packages = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"(?:^|\s)([a-z]+/)(?=\s)", layout))


def test_files_of_artifacts_are_called_as_they_are() -> None:
    (table,) = re.findall(r"\| output \| file \|.*?\n\n", DOCUMENTS["docs/ingest.md"], re.S)
    named = set(re.findall(r"`(\w+\.\w+)`", table))
    assert len(named) == 6
    assert named <= {value for name, value in vars(files).items() if name.endswith("_FILE")}
