"""Importers, and resolvers that find what earlier runs left."""

from pathlib import Path
from typing import Any

import pytest

from runner.emulation.artifacts import Artifact
from runner.emulation.resolving import resolve
from runner.usage import UsageError
from tests.runner.emulation.made_jobs import MODEL, made_job, python, run, states, task

BLESSING = {"instanceSchema": "title: tfx.ModelBlessing\ntype: object\n"}
# As TFX compiles LatestBlessedModelStrategy.
BLESSED = 'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.blessed.number_value=1'
NAMED = (
    'schema_title="tfx.Model" AND state=LIVE AND '
    "name=\"{{$.inputs.artifacts['input'].metadata['current_model_id']}}\""
)


def resolver(key: str, text: str) -> dict[str, Any]:
    return {"resolver": {"outputArtifactQueries": {key: {"filter": text}}}}


def judged(seen: Path, blessed: int, number: int) -> dict[str, Any]:
    """A job that trains, finds the last blessed model, judges, and says which one it had."""
    judge = (
        "name = given['inputs']['artifacts']['model']['artifacts'][0]['name']; "
        f"open({str(seen)!r}, 'w').write(' '.join("
        "one['name'] for one in given['inputs']['artifacts']['baseline']['artifacts'])); "
        "answer = {'artifacts': {'blessing': {'artifacts': [{'metadata': "
        f"{{'blessed': {blessed}.0, 'current_model_id': name}}}}]}}}}}}"
    )
    tasks = {
        "train": (task(parameters={"number": number}), python("pass")),
        "verdict": (task(), resolver("blessing", BLESSED)),
        "baseline": (task(artifacts={"input": "verdict.blessing"}), resolver("model", NAMED)),
        "judge": (
            task(artifacts={"model": "train.model", "baseline": "baseline.model"}),
            python(judge),
        ),
    }
    outputs = {
        "train": {"model": MODEL},
        "verdict": {"blessing": BLESSING},
        "baseline": {"model": MODEL},
        "judge": {"blessing": BLESSING},
    }
    return made_job(tasks, outputs)


def test_the_second_run_finds_the_last_blessed_model(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    baselines = []
    for number, blessed in enumerate((1, 0, 1, 1)):
        outcomes, _ = run(tmp_path, judged(seen, blessed, number))
        assert set(states(outcomes).values()) == {"done"}
        baselines.append(seen.read_text().rpartition("artifacts/")[2])
    # The second was not blessed, so the third is compared with the first; the last with the third.
    assert baselines == ["", "0/train.model", "0/train.model", "2/train.model"]


def importer(uri: str, **given: Any) -> dict[str, Any]:
    address = {"constantValue": {"stringValue": uri}}
    return {"importer": {"artifactUri": address, "metadata": {"n": 2}, **given}}


def test_what_is_imported_again_is_the_same_artifact(tmp_path: Path) -> None:
    content = made_job({"a": (task(), importer("/x"))}, {"a": {"model": MODEL}})
    first, second = (run(tmp_path, content)[0]["a"].execution for _ in range(2))
    assert first is not None and second is not None
    assert first.outputs == second.outputs
    (model,) = first.outputs["model"]
    assert (model.uri, model.metadata) == ("/x", {"n": 2})
    anew = made_job({"a": (task(), importer("/x", reimport=True))}, {"a": {"model": MODEL}})
    third = run(tmp_path, anew)[0]["a"].execution
    assert third is not None and third.outputs["model"][0].name != model.name


def test_an_address_may_be_a_parameter(tmp_path: Path) -> None:
    executor = {"importer": {"artifactUri": {"runtimeParameter": "address"}}}
    content = made_job(
        {"a": (task(parameters={"address": "/y"}), executor)}, {"a": {"model": MODEL}}
    )
    execution = run(tmp_path, content)[0]["a"].execution
    assert execution is not None and execution.outputs["model"][0].uri == "/y"


def test_every_term_of_a_filter_must_fit() -> None:
    artifacts = [Artifact("m", MODEL, "/x", {"blessed": 1, "kind": "y"})]
    for text, expected in (
        ('schema_title="tfx.Model" AND metadata.kind.string_value="y"', 1),
        ('schema_title="tfx.Examples"', 0),
        ("metadata.blessed.number_value=0", 0),
        ("state=DELETED", 0),
        ('name="n"', 0),
    ):
        assert len(resolve({"k": {"filter": text}}, {}, artifacts)["k"]) == expected, text


@pytest.mark.parametrize("text", ["schema_title", 'create_time="x"'])
def test_an_unknown_filter_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="filter"):
        resolve({"k": {"filter": text}}, {}, [Artifact("m", MODEL, "/x")])
