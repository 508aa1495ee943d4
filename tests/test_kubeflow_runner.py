"""The same pipeline compiles to a Vertex PipelineJob."""

import json
from pathlib import Path
from typing import Any

import pytest

import kubeflow_runner
from pipeline import entry_points
from pipeline.code_hash import code_hash
from pipeline.loading import load_config
from schema import outputs
from tests.usage import assert_refused

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("vertex") / "folder" / "job.json"
    arguments = ["compile", "--config", str(ROOT / "configs/vertex.yaml"), "--output", str(path)]
    assert kubeflow_runner.main([*arguments, "--set", "training.epochs=7"]) == 0
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_every_component_is_a_task(job: dict[str, Any]) -> None:
    tasks = set(job["pipelineSpec"]["root"]["dag"]["tasks"])
    names = "CtExampleGen SchemaImport StatisticsGen ExampleValidator DataGate Transform Trainer"
    assert {*names.split(), "SegmentScans", "Evaluator", "Pusher", "ReportGen"} < tasks
    assert {name for name in tasks if name.startswith("last_blessed_model")}


def test_nothing_learns_before_the_data_gate(job: dict[str, Any]) -> None:
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    assert "DataGate" in tasks["Transform"]["dependentTasks"]
    assert "SegmentScans" in tasks["Evaluator"]["dependentTasks"]
    assert "Evaluator" in tasks["Pusher"]["dependentTasks"]


def test_values_are_explicit_parameters(job: dict[str, Any]) -> None:
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    parameters = tasks["Trainer"]["inputs"]["parameters"]
    settings = json.loads(
        parameters["custom_config"]["runtimeValue"]["constantValue"]["stringValue"]
    )
    assert settings["training"]["epochs"] == 7
    assert settings["code_hash"]
    request = tasks["CtExampleGen"]["inputs"]["parameters"]["request"]
    wanted = json.loads(request["runtimeValue"]["constantValue"]["stringValue"])
    assert [root["path"] for root in wanted["roots"]] == ["gs://BUCKET/luna16"]
    assert wanted["grid"]["spacing_mm"] == [1.25, 0.7, 0.7]
    assert (wanted["split"]["fold"], wanted["split"]["test_fraction"]) == (None, 0.1)


def test_every_component_of_ours_gets_the_hash_of_what_it_imports(job: dict[str, Any]) -> None:
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]

    def parameter(task: str, name: str) -> str:
        value = tasks[task]["inputs"]["parameters"][name]["runtimeValue"]["constantValue"]
        return str(value["stringValue"])

    assert parameter("CtExampleGen", "code_hash") == code_hash(entry_points.INGEST)
    assert parameter("SchemaImport", "code_hash") == code_hash(entry_points.SCHEMA_IMPORT)
    assert parameter("DataGate", "code_hash") == code_hash(entry_points.DATA_GATE)
    assert parameter("SegmentScans", "code_hash") == code_hash(entry_points.SEGMENT_SCANS)
    assert parameter("ReportGen", "code_hash") == code_hash(entry_points.REPORT)
    assert parameter("ReportGen", "trainer_code_hash") == code_hash(entry_points.TRAINER)
    for task, code in (
        ("Transform", entry_points.TRANSFORM),
        ("Trainer", entry_points.TRAINER),
    ):
        assert json.loads(parameter(task, "custom_config"))["code_hash"] == code_hash(code)
    assert code_hash(entry_points.EVALUATOR) in parameter("Evaluator", "eval_config")


@pytest.mark.parametrize(
    "name",
    [outputs.SCANS, outputs.QUARANTINE, outputs.MANIFEST, outputs.PUSHED_MODEL, outputs.REPORT],
)
def test_the_outputs_of_a_run_record_are_those_of_the_pipeline(
    job: dict[str, Any], name: str
) -> None:
    component, key = name.split(".")
    made = job["pipelineSpec"]["components"][component]["outputDefinitions"]["artifacts"]
    assert key in made


def test_quarantine_and_manifest_are_artifacts(job: dict[str, Any]) -> None:
    outputs = job["pipelineSpec"]["components"]["CtExampleGen"]["outputDefinitions"]["artifacts"]
    types = {key: output["artifactType"]["instanceSchema"] for key, output in outputs.items()}
    assert set(types) == {"examples", "scans", "quarantine", "manifest"}
    assert "components.Quarantine" in types["quarantine"]
    assert "components.SplitManifest" in types["manifest"]


def test_training_asks_for_a_gpu_and_the_image(job: dict[str, Any]) -> None:
    text = json.dumps(job)
    assert "NVIDIA_TESLA_T4" in text
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    images = {e["container"]["image"] for e in executors if "container" in e}
    assert images == {"europe-west4-docker.pkg.dev/PROJECT/noduleflow/noduleflow:latest"}


def test_the_driver_watches_scans_and_tables(job: dict[str, Any]) -> None:
    parameters = job["pipelineSpec"]["root"]["dag"]["tasks"]["CtExampleGen"]["inputs"]["parameters"]
    text = parameters["input_config"]["runtimeValue"]["constantValue"]["stringValue"]
    patterns = [split["pattern"] for split in json.loads(text)["splits"]]
    assert patterns == ["/".join("*" * depth) for depth in range(1, 7)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compile", "--config", "configs/demo.yaml"], "expected a section vertex, got none"),
        (["compile", "--set", "data.roots=[]"], "expected data.roots"),
        (["compile", "--set", "vertex.regoin=x"], "nearest valid key: vertex.region"),
        (["compil"], "invalid choice"),
        (["compile", "--confg", "x"], "nearest valid argument: --config"),
        (["compile", "--output", "/proc/nowhere/job.json"], "/proc/nowhere"),
        (["compile", "--output", "tests"], "expected a file to write, got something else"),
        (["compile", "--output", "/dev/null"], "expected a file to write, got something else"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert_refused(kubeflow_runner.main, arguments, expected, capsys)


@pytest.mark.parametrize("before", [None, "an earlier job"])
def test_a_compile_that_fails_leaves_what_was_there(
    before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    if before is not None:
        path.write_text(before)

    def fail(config: Any) -> None:
        raise RuntimeError(f"can't wire {config.name}")

    monkeypatch.setattr("pipeline.pipeline.create_pipeline", fail)
    config = load_config(str(ROOT / "configs/vertex.yaml"))
    with pytest.raises(RuntimeError, match="can't wire noduleflow-vertex"):
        kubeflow_runner.compile_pipeline(config, str(path))
    assert list(tmp_path.iterdir()) == ([] if before is None else [path])
    assert before is None or path.read_text() == before


def test_a_job_is_written_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("job.json")
    with kubeflow_runner._whole_file(str(tmp_path / "link.json")) as unfinished:
        assert not (tmp_path / "job.json").exists()
        Path(unfinished).write_text("{}")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "job.json").read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 2


def test_our_drivers_look_before_the_cache(job: dict[str, Any]) -> None:
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    hooks = {
        name: executor["container"]["lifecycle"]["preCacheCheck"]["command"][-1]
        for name, executor in executors.items()
        if "lifecycle" in executor["container"]
    }
    assert hooks == {
        "CtExampleGen_executor": "components.ct_example_gen.container_driver",
        "last_blessed_model_executor": "components.last_blessed_driver",
    }


def test_the_last_blessed_model_is_of_this_pipeline(job: dict[str, Any]) -> None:
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    folders = [
        tasks[name]["inputs"]["parameters"]["folder"]["runtimeValue"]["constantValue"]
        for name in ("last_blessed_model", "BlessingRecord")
    ]
    assert folders == [{"stringValue": "gs://BUCKET/noduleflow/blessed/noduleflow-vertex"}] * 2
    for name in ("SegmentScans", "Evaluator", "ReportGen"):
        source = tasks[name]["inputs"]["artifacts"]["baseline_model"]["taskOutputArtifact"]
        assert source == {"outputArtifactKey": "model", "producerTask": "last_blessed_model"}
    assert "Evaluator" in tasks["BlessingRecord"]["dependentTasks"]
