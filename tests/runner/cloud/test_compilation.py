"""The same pipeline compiles to a job of Vertex AI and to one of Kubeflow Pipelines 2."""

import getpass
import json
import os
import re
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import kfp
import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

import kubeflow_runner
from pipeline import entry_points
from pipeline.cloud_names import CLOUD
from pipeline.code_hash import code_hash
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config
from runner.cloud.compilation import KFP, compile_pipeline, compiled_job, job_text
from runner.cloud.files import whole_file
from schema import outputs
from tests.runner.cloud.conftest import ROOT
from tests.runner.cloud.jobs import constant, containers, tasks_of
from tests.runner.cloud.values import ARGUMENTS, OVERRIDES


@pytest.fixture(scope="module")
def kfp_text(config: Config) -> str:
    return job_text(compiled_job(config, KFP), KFP)


def test_every_component_is_a_task(job: dict[str, Any]) -> None:
    names = "CtExampleGen SchemaImport StatisticsGen ExampleValidator DataGate Transform Trainer"
    tasks = set(tasks_of(job))
    assert {*names.split(), "SegmentScans", "Evaluator", "Pusher", "ReportGen"} < tasks
    assert {"last_blessed_model", "BlessingRecord"} < tasks


def test_nothing_learns_before_the_data_gate(job: dict[str, Any]) -> None:
    tasks = tasks_of(job)
    assert "DataGate" in tasks["Transform"]["dependentTasks"]
    assert "SegmentScans" in tasks["Evaluator"]["dependentTasks"]
    assert "Evaluator" in tasks["Pusher"]["dependentTasks"]


def test_values_are_explicit_parameters(job: dict[str, Any]) -> None:
    settings = json.loads(constant(job, "Trainer", "custom_config"))
    assert settings["training"]["epochs"] == 120
    assert settings["code_hash"]
    wanted = json.loads(constant(job, "CtExampleGen", "request"))
    assert [root["path"] for root in wanted["roots"]] == ["gs://my-bucket/luna16"]
    assert wanted["grid"]["spacing_mm"] == [1.25, 0.7, 0.7]
    assert (wanted["split"]["fold"], wanted["split"]["test_fraction"]) == (None, 0.1)


def test_every_component_of_ours_gets_the_hash_of_what_it_imports(job: dict[str, Any]) -> None:
    for task, name, code in (
        ("CtExampleGen", "code_hash", entry_points.INGEST),
        ("SchemaImport", "code_hash", entry_points.SCHEMA_IMPORT),
        ("DataGate", "code_hash", entry_points.DATA_GATE),
        ("SegmentScans", "code_hash", entry_points.SEGMENT_SCANS),
        ("ReportGen", "code_hash", entry_points.REPORT),
        ("ReportGen", "trainer_code_hash", entry_points.TRAINER),
    ):
        assert constant(job, task, name) == code_hash(code)
    for task, code in (
        ("Transform", entry_points.TRANSFORM),
        ("Trainer", entry_points.TRAINER),
    ):
        assert json.loads(constant(job, task, "custom_config"))["code_hash"] == code_hash(code)
    assert code_hash(entry_points.EVALUATOR) in constant(job, "Evaluator", "eval_config")


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
    made = job["pipelineSpec"]["components"]["CtExampleGen"]["outputDefinitions"]["artifacts"]
    types = {key: output["artifactType"]["instanceSchema"] for key, output in made.items()}
    assert set(types) == {"examples", "scans", "quarantine", "manifest"}
    assert "components.Quarantine" in types["quarantine"]
    assert "components.SplitManifest" in types["manifest"]


def test_the_operators_values_are_parameters_of_the_job(job: dict[str, Any]) -> None:
    values = job["runtimeConfig"]["parameters"]
    assert values["epochs"] == {"intValue": "120"}
    assert values["push"] == {"stringValue": "true"}
    assert values["data_root"] == {"stringValue": "gs://my-bucket/luna16"}
    bounds = json.loads(values["gate_bounds"]["stringValue"])
    assert (bounds["pooled_dice"], bounds["no_worse"], bounds["gap"]) == (0.75, -0.02, 0.12)
    assert set(job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]) == set(values)
    readers = {
        (task, name)
        for task, one in tasks_of(job).items()
        for name, value in one.get("inputs", {}).get("parameters", {}).items()
        if value.get("componentInputParameter") == name
    }
    report = {("ReportGen", name) for name in ("data_root", "epochs", "gate_bounds")}
    assert readers == report | {
        *(("CtExampleGen", "data_root"), ("Trainer", "epochs"), ("Evaluator", "gate_bounds")),
        ("Pusher", "push"),
    }


def test_a_job_of_several_data_roots_has_no_parameter_for_one() -> None:
    roots = "data.roots=[gs://my-bucket/a, gs://my-bucket/b]"
    config = load_config(str(ROOT / "configs/vertex.yaml"), [roots, *OVERRIDES[1:]], CLOUD)
    assert "data_root" not in compiled_job(config)["runtimeConfig"]["parameters"]


def test_our_drivers_look_before_the_cache(job: dict[str, Any]) -> None:
    hooks = {
        name: one["lifecycle"]["preCacheCheck"]["command"]
        for name, one in containers(job).items()
        if "lifecycle" in one
    }
    assert hooks == {
        "CtExampleGen": ["python", "-m", "components.ct_example_gen.container_driver"],
        "last_blessed_model": ["python", "-m", "components.last_blessed_driver"],
    }


def test_where_no_driver_runs_nothing_that_needs_one_is_cached(kfp_text: str) -> None:
    tasks = yaml.safe_load(kfp_text)["root"]["dag"]["tasks"]
    uncached = {name for name, task in tasks.items() if "cachingOptions" not in task}
    assert uncached == {"CtExampleGen", "last_blessed_model"}


def test_the_last_blessed_model_is_of_this_pipeline(job: dict[str, Any]) -> None:
    folders = [constant(job, name, "folder") for name in ("last_blessed_model", "BlessingRecord")]
    assert folders == ["gs://my-bucket/noduleflow/blessed/noduleflow-vertex"] * 2
    tasks = tasks_of(job)
    for name in ("SegmentScans", "Evaluator", "ReportGen"):
        source = tasks[name]["inputs"]["artifacts"]["baseline_model"]["taskOutputArtifact"]
        assert source == {"outputArtifactKey": "model", "producerTask": "last_blessed_model"}
    assert "Evaluator" in tasks["BlessingRecord"]["dependentTasks"]


def test_a_job_holds_no_path_of_this_machine_no_placeholder_and_no_secret(
    compiled: Path, kfp_text: str
) -> None:
    for text in (compiled.read_text(), kfp_text):
        assert str(ROOT) not in text and os.path.expanduser("~") + "/" not in text
        assert not re.search(r"(?<![\w.:/{-])/(?:home|root|tmp|work|usr|opt)/", text)
        assert not re.search(r"\b(PROJECT|BUCKET|DIGEST|NUMBER)\b", text)
        assert not re.search(r"(?i)private.?key|password|secret|token|credential", text)
        # Root is a word of the job, and the image's user has the name of the project.
        assert getpass.getuser() in ("root", "noduleflow") or getpass.getuser() not in text
        assert socket.gethostname() not in text


def test_compiling_needs_no_credentials_no_network_and_gives_the_same_bytes(
    compiled: Path, tmp_path: Path
) -> None:
    """In another folder, with other hashes of texts, and where no connection can be made.

    Within a minute of processor time, as others may use the machine.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = (
        "import socket, sys\n"
        "def refuse(*arguments, **options): raise OSError('no network here')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import kubeflow_runner; sys.exit(kubeflow_runner.main(sys.argv[1:]))"
    )
    arguments = ["compile", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--output", "again.json"],
        cwd=tmp_path,
        env={**environment, "HOME": str(tmp_path), "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "again.json").read_bytes() == compiled.read_bytes()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60


def test_kubeflow_pipelines_takes_what_is_compiled_for_it(kfp_text: str) -> None:
    content = yaml.safe_load(kfp_text)
    spec = json_format.ParseDict(content, pipeline_spec_pb2.PipelineSpec())
    assert spec.schema_version == "2.1.0"
    assert content["defaultPipelineRoot"] == "gs://my-bucket/noduleflow"
    assert spec.root.input_definitions.parameters["epochs"].default_value.number_value == 120
    defaults = spec.root.input_definitions.parameters["push"]
    assert defaults.default_value.string_value == "true"
    loaded = kfp.components.load_component_from_text(kfp_text)
    assert set(loaded.component_spec.inputs) == {"data_root", "epochs", "gate_bounds", "push"}
    assert {"Trainer", "Pusher"} < set(spec.root.dag.tasks)


def test_the_driver_watches_scans_and_tables(job: dict[str, Any]) -> None:
    text = constant(job, "CtExampleGen", "input_config")
    patterns = [split["pattern"] for split in json.loads(text)["splits"]]
    assert patterns == ["/".join("*" * depth) for depth in range(1, 7)]


@pytest.mark.parametrize("before", [None, "an earlier job"])
def test_a_compile_that_fails_leaves_what_was_there(
    before: str | None, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    if before is not None:
        path.write_text(before)

    def fail(config: Any) -> None:
        raise RuntimeError(f"can't wire {config.name}")

    monkeypatch.setattr("pipeline.pipeline.create_pipeline", fail)
    with pytest.raises(RuntimeError, match="can't wire noduleflow-vertex"):
        compile_pipeline(config, str(path))
    assert list(tmp_path.iterdir()) == ([] if before is None else [path])
    assert before is None or path.read_text() == before


def test_what_has_no_section_vertex_or_no_data_is_no_job(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="noduleflow-vertex: expected a section vertex, got none"):
        compile_pipeline(config.model_copy(update={"vertex": None}), str(tmp_path / "a"))
    with pytest.raises(ConfigError, match="expected a section vertex"):
        compiled_job(config.model_copy(update={"vertex": None}))
    without = config.data.__class__()
    with pytest.raises(ConfigError, match="expected data.roots"):
        compile_pipeline(config.model_copy(update={"data": without}), str(tmp_path / "a"))
    assert not list(tmp_path.iterdir())


def test_a_job_is_written_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("job.json")
    with whole_file(str(tmp_path / "link.json")) as unfinished:
        assert not (tmp_path / "job.json").exists()
        Path(unfinished).write_text("{}")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "job.json").read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 2


def test_parameters_can_be_compiled_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "folder" / "job.json"
    given = ["--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS, "--output", str(path)]
    assert kubeflow_runner.main(["compile", *given, "--parameter", "epochs=7"]) == 0
    assert capsys.readouterr().out == f"noduleflow-vertex: {path}\n"
    job = json.loads(path.read_text())
    assert job["runtimeConfig"]["parameters"]["epochs"] == {"intValue": "7"}
    assert json.loads(constant(job, "Trainer", "custom_config"))["training"]["epochs"] == 7
