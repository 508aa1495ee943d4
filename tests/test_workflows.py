"""The workflow and the cloud build are well formed, and name what is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CLOUD_BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
# What Cloud Build itself fills in.
GIVEN = {"PROJECT_ID", "LOCATION", "BUILD_ID", "COMMIT_SHA"}


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job["steps"]


def test_there_are_workflows() -> None:
    assert WORKFLOWS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_name_targets_that_exist(workflow: Path) -> None:
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    targets = set(re.findall(r"\bmake ([a-z-]+)", commands))
    defined = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"lint", "test", "compile", "image"} <= targets <= defined


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_permissions_are_least(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    more = {
        name: job["permissions"] for name, job in content["jobs"].items() if "permissions" in job
    }
    assert more == {"image": {"contents": "read", "packages": "write"}}
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) for name in used)


def test_no_command_that_fails_is_hidden_by_a_pipe() -> None:
    """Neither GitHub's shell nor `bash -c` looks at other commands of a pipe than the last."""
    commands = [step["run"] for workflow in WORKFLOWS for step in steps(workflow) if "run" in step]
    commands += [word for step in CLOUD_BUILD["steps"] for word in step["args"]]
    assert commands and not [one for one in commands if "|" in one]


def test_images_are_built_on_tags_alone() -> None:
    (workflow,) = WORKFLOWS
    content = yaml.safe_load(workflow.read_text())
    assert content["jobs"]["image"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    # YAML reads the key "on" as a truth value.
    assert content[True]["push"]["tags"] == ["v*"]


def test_the_cloud_build_names_what_is_there() -> None:
    text = (ROOT / "cloudbuild.yaml").read_text()
    named = set(re.findall(r"\$\{(\w+)\}", text))
    assert named <= GIVEN | set(CLOUD_BUILD["substitutions"])
    (build,) = [step for step in CLOUD_BUILD["steps"] if step["id"] == "build"]
    (script,) = build["args"]
    known = set(re.findall(r"\$\{(\w+)", (ROOT / script).read_text()))
    assert {entry.partition("=")[0] for entry in build["env"]} - {"DOCKER_BUILDKIT"} <= known
    assert CLOUD_BUILD["images"] == ["${_IMAGE}:${_TAG}"]
